"""Hold weighted least squares to NIST's Statistical Reference Datasets for linear regression."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth import (
    Agreement,
    Asked,
    Design,
    EffectMeasure,
    Effects,
    FloatArray,
    IntervalMethod,
    Method,
    PoolingModel,
    ReferenceSet,
    fit,
    hookimpl,
    read_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

TOLERANCE = 1e-13
POOLED = (PoolingModel.kind, "IV")
SCALED = (IntervalMethod.kind, "HK")
GIVEN = (EffectMeasure.kind, "GEN")


def regressions(asked: Asked) -> Iterator[Agreement]:
    """Regress with variances of 1 and τ² = 0, where Hartung and Knapp's errors are those of least squares."""
    if not asked.any_of(POOLED, SCALED, GIVEN):
        return
    certified, expected = _read("certified.json"), _read("expected.json")
    for name, entry in certified.items():
        yield from _regression(f"{name} ({entry['level']} difficulty)", entry, expected[name])


def _read(name: str) -> Any:  # noqa: ANN401 - JSON
    return read_json(files("evisynth_validation").joinpath("nist", name).read_text(encoding="utf-8"), name)


def _design(entry: Any) -> Design:  # noqa: ANN401 - JSON
    x: FloatArray = np.array([[float(text) for text in row[1:]] for row in entry["rows"]])
    degree: int | None = entry["degree"]
    return Design(x if degree is None else x ** np.arange(1, degree + 1), intercept=entry["intercept"])


def _regression(case: str, entry: Any, exact: Any) -> Iterator[Agreement]:  # noqa: ANN401 - JSON
    y = np.array([float(row[0]) for row in entry["rows"]])
    analysis = fit(Effects(y, np.ones_like(y)), settings="metafor", tau2=0.0, interval="HK", moderators=_design(entry))
    found = list(analysis.coefficients.values())
    # Residuals are what is left of a response and as many terms as there are coefficients, each rounded.
    dust = TOLERANCE * exact["terms"]
    for j, b in enumerate(exact["coefficients"]):
        one = found[j] if j < len(found) else None
        value, se = (None, None) if one is None else (one.value, one.se)
        condition = exact["cond"][j] * exact["cancels"][j]
        yield Agreement((POOLED, GIVEN), case, f"coefficient {j}", b, value, TOLERANCE, condition)
        if exact["se"][j] == 0.0:
            # A perfect fit leaves Hartung and Knapp nothing to scale by, which is said.
            said = bool(analysis.model.note)
            yield Agreement((SCALED, GIVEN), case, f"standard error {j} said to be none", expected=True, observed=said)
            continue
        yield Agreement(
            (SCALED, GIVEN),
            case,
            f"standard error {j}",
            exact["se"][j],
            se,
            TOLERANCE,
            exact["cond"][j],
            dust * exact["unit"][j],
        )
    q = analysis.heterogeneity.q
    sd = None if q is None else float(np.sqrt(q / (y.size - len(exact["coefficients"]))))
    yield Agreement(
        (POOLED, GIVEN), case, "residual standard deviation", exact["residual_sd"], sd, TOLERANCE, floor=dust
    )


def _absent(_: Method) -> str:
    certified = "least squares: pooling by inverse variance, and Hartung and Knapp's standard errors at τ² = 0"
    return f"NIST certifies {certified}"


@hookimpl
def reference_sets() -> list[ReferenceSet]:
    """Yield the regressions."""
    return [
        ReferenceSet(
            "nist",
            regressions,
            label="NIST's Statistical Reference Datasets, linear regression, certified to 15 digits",
            truth="published",
            absent=_absent,
            reference="NIST (1999), Statistical Reference Datasets, https://www.itl.nist.gov/div898/strd/",
        )
    ]
