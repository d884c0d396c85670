"""Hold selection models to what metafor 5.1 gave, which was recorded: ``selection.json``.

::

    python -m evisynth_validation.metafor.selection RECORD [--check]

``RECORD`` is a gzipped JSON file of calls, inputs and outputs. Estimates agree to the 1e-4 that the recording states;
where they do not, metafor's search ended below the maximum or at a bound, and the likelihood of ours is no lower.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evisynth import Adjustment, Agreement, Asked, BiasResult, Effects, bias, fit, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOLERANCE = 1e-4
"""Relative error that the recording states of metafor's searches and integrals."""
NAMES = {
    "stepfun": "step",
    "beta": "beta",
    "halfnorm": "half-normal",
    "negexp": "negative exponential",
    "logistic": "logistic",
    "power": "power",
    "negexppow": "negative exponential power",
    "trunc": "truncated",
    "truncest": "truncated, estimated cut",
}
KEPT = ("beta", "se", "tau2", "se_tau2", "LRT", "LRTp", "ll", "delta", "se_delta")
EARLY = "optim stops before the maximum (by its default relative change of 1e-8 of the log-likelihood)"
HESSIAN = "the standard errors are second differences of an integral that is good to 1e-4 alone"
BOUND = "delta ends at metafor's bound of 100, or 0 is met as 1e-4; ours goes on to the maximum"
LOCAL = "optim ends in a lower maximum"
RUGGED = "the cut point cannot move past an effect by gradients: optim ends in a lower maximum"
FAILED = "optim does not converge"
DIVERGE = {
    "hackshaw1998/greater/beta": HESSIAN,
    "hackshaw1998/greater/halfnorm": EARLY,
    "hackshaw1998/greater/negexp": EARLY,
    "hackshaw1998/greater/logistic": HESSIAN,
    "hackshaw1998/greater/power": EARLY,
    "hackshaw1998/greater/negexppow": EARLY,
    "hackshaw1998/greater/truncest": RUGGED,
    "baskerville2012/greater/stepfun, steps=c(0.025,0.5)": BOUND,
    "baskerville2012/greater/beta": BOUND,
    "baskerville2012/greater/halfnorm": HESSIAN,
    "baskerville2012/greater/negexppow": FAILED,
    "baskerville2012/greater/trunc": BOUND,
    "baskerville2012/greater/truncest": RUGGED,
    "bangertdrowns2004/greater/stepfun, steps=0.025": EARLY,
    "bangertdrowns2004/greater/beta": LOCAL,
    "bangertdrowns2004/greater/halfnorm": EARLY,
    "bangertdrowns2004/greater/negexp": EARLY,
    "bangertdrowns2004/greater/logistic": EARLY,
    "bangertdrowns2004/greater/power": EARLY,
    "bangertdrowns2004/greater/negexppow": LOCAL,
    'bangertdrowns2004/greater/halfnorm, prec="sei"': EARLY,
    "bangertdrowns2004/greater/truncest": RUGGED,
    **{
        f"begg1989/{side}/{kind}": BOUND
        for side in ("greater", "two.sided")
        for kind in (
            "stepfun, steps=0.025",
            "stepfun, steps=c(0.025,0.5)",
            "beta",
            "halfnorm",
            "negexp",
            "logistic",
            "power",
            "negexppow",
            'halfnorm, prec="sei"',
        )
    },
    "begg1989/greater/trunc": BOUND,
    "begg1989/greater/truncest": RUGGED,
}
"""Cases in which metafor's estimates are not those of the maximum, with the cause."""


def short(name: str) -> str:
    """Give the name of a case: data set, side and model."""
    return name.removeprefix("selmodel/dat.").replace("|GEN", "")


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"[\d.]+", text)]


def options_of(call: str) -> tuple[str, dict[str, Any]]:
    """Read type and options of a call of selmodel."""
    (kind,) = re.findall(r'type="(\w+)"', call)
    options: dict[str, Any] = {"side": "two-sided" if "two.sided" in call else "right"}
    if "prec" in call:
        options["prec"] = "sei"
    for name in ("steps", "delta"):
        given = re.search(rf"{name}=(c\([^)]*\)|[\d.]+)", call)
        if given:
            options[name] = _numbers(given.group(1))
    return kind, options


def document(record: Mapping[str, Any]) -> str:
    """Lay out the data sets and cases of a recording, a case a line."""
    cases = [case for case in record["cases"] if case["group"] == "selmodel" and "error" not in case["outputs"]]
    names = dict.fromkeys(case["inputs"]["ref"] for case in cases)
    data = {name: {key: record["inputs"][name][key] for key in ("yi", "vi")} for name in names}
    lines = [
        json.dumps(
            {
                "id": short(case["id"]),
                "data": case["inputs"]["ref"],
                "call": case["call"],
                "out": {name: case["outputs"].get(name) for name in KEPT},
            }
        )
        for case in cases
    ]
    about = json.dumps({"generator": "python -m evisynth_validation.metafor.selection RECORD", "metafor": "5.1"})
    return f'{{"about": {about},\n"data": {json.dumps(data)},\n"cases": [\n' + ",\n".join(lines) + "\n]}\n"


def selection_models(asked: Asked) -> Iterator[Agreement]:
    """Fit every recorded selection model."""
    held = read_json(files("evisynth_validation").joinpath("metafor", "selection.json").read_text(encoding="utf-8"), "")
    for case in held["cases"]:
        kind, options = options_of(case["call"])
        key = (Adjustment.kind, f"selection: {NAMES[kind]}")
        if key not in asked or (asked.quick and not case["id"].startswith("hackshaw1998/greater")):
            continue
        of = held["data"][case["data"]]
        analysis = fit(Effects(of["yi"], of["vi"]), settings="metafor", tau2="ML", prediction=None, tau2_interval=None)
        yield from _compared(key, case, kind, bias(analysis, key[1], **options))


def _compared(key: tuple[str, str], case: Any, kind: str, made: BiasResult) -> Iterator[Agreement]:  # noqa: ANN401 - JSON
    where, cause = case["id"], DIVERGE.get(case["id"], "")
    yield Agreement(
        key, where, "converged", expected=True, observed=made.convergence is not None and made.convergence.converged
    )
    ours_at = None if made.convergence is None else made.convergence.log_likelihood
    theirs_at: float | None = case["out"]["ll"]
    # Their integrals are good to that, so that a likelihood may seem to be a little higher.
    no_lower = ours_at is not None and (theirs_at is None or ours_at >= theirs_at - TOLERANCE * abs(theirs_at))
    yield Agreement(key, where, "log-likelihood no lower than R's", expected=True, observed=no_lower)
    for quantity, (ours, theirs) in pairs(made, kind, case["out"]).items():
        if theirs is not None:
            yield Agreement(key, where, quantity, theirs, ours, TOLERANCE, divergence=cause)


def pairs(made: BiasResult, kind: str, out: Mapping[str, Any]) -> dict[str, tuple[float | None, float | None]]:
    """Put our numbers beside R's."""
    after, tau2, search = made.after, made.parameters.get("tau2"), made.convergence
    found: dict[str, tuple[float | None, float | None]] = {
        "mean": (None if after is None else after.value, out["beta"][0]),
        "standard error": (None if after is None else after.se, out["se"][0]),
        "τ²": (None if tau2 is None else tau2.value, out["tau2"]),
        "standard error of τ²": (None if tau2 is None else tau2.se, out["se_tau2"]),
        "likelihood ratio": (made.statistic, out["LRT"]),
        "P": (made.p_value, out["LRTp"]),
        "log-likelihood": (None if search is None else search.log_likelihood, out["ll"]),
    }
    deltas = [one for name, one in made.parameters.items() if name != "tau2"]
    for place, (one, value, se) in enumerate(
        zip(deltas[1:] if kind in {"trunc", "truncest"} else deltas, out["delta"], out["se_delta"], strict=True)
    ):
        found |= {f"delta {place}": (one.value, value), f"standard error of delta {place}": (one.se, se)}
    return found


def main() -> int:
    """Write, or compare."""
    place = Path(__file__).with_name("selection.json")
    with gzip.open(sys.argv[1], "rt", encoding="utf-8") as stream:
        made = document(json.load(stream))
    if "--check" in sys.argv[2:]:
        return int(place.read_text("utf-8") != made)
    place.write_text(made, "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
