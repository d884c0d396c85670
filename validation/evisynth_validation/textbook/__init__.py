"""Hold methods to worked examples of textbooks and papers, at the digits printed."""

from __future__ import annotations

import math
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from attrs import evolve

from evisynth import (
    Agreement,
    Asked,
    Conversion,
    Method,
    ReferenceSet,
    Studies,
    as_printed,
    bias,
    bias_method,
    convert,
    fit,
    hookimpl,
    load,
    read_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evisynth import MetaAnalysis

Z = 1.959963984540054
"""The quantile behind intervals of ratios that examples print beside logarithms."""


def worked_examples(asked: Asked) -> Iterator[Agreement]:
    """Repeat each worked example: conversions, analyses, tests for small-study effects."""
    yield from _conversions(asked)
    held = read("analyses.json")
    made: dict[str, MetaAnalysis] = {}
    for entry in held["analyses"]:
        made[entry["id"]] = _analysis(entry, held["data"][entry["data"]])
        yield from _figures(asked, entry, made[entry["id"]])
    for entry in held["small-study effects"]:
        method = bias_method(asked.registry, entry["method"])
        if method in asked:
            found = bias(made[entry["of"]], entry["method"], **entry["options"])
            numbers = {"statistic": found.statistic, "estimate": found.statistic, "p": found.p_value}
            for quantity, printed in entry["printed"].items():
                yield as_printed(method, _case(entry), quantity, printed, numbers[quantity])


@lru_cache(maxsize=4)
def read(name: str) -> Any:  # noqa: ANN401 - each file has its own form
    """Read a file of this folder."""
    return read_json(files("evisynth_validation").joinpath("textbook", name).read_text(encoding="utf-8"), name)


def _case(entry: Any) -> str:  # noqa: ANN401 - JSON
    return f"{entry['id']} ({entry['source']})"


def _conversions(asked: Asked) -> Iterator[Agreement]:
    for name, entry in read("conversions.json").items():
        if (Conversion.kind, name) not in asked or "printed" not in entry:
            continue
        numbers, key = converted(name, entry["given"]), (Conversion.kind, name)
        for target, printed in entry["printed"].items():
            if "within" in entry:
                yield Agreement(
                    key, entry["source"], target, float(printed), numbers[target], floor=entry["within"], printed=True
                )
            else:
                yield as_printed(key, entry["source"], target, printed, numbers[target])


def converted(name: str, given: Mapping[str, Any]) -> dict[str, float]:
    """Convert one case, and add the ratio with its limits and the number needed rounded up, which examples print."""
    made = {target: float(column[0]) for target, column in convert(name, **given).items()}
    if {"yi", "sei"} <= made.keys():
        made["ratio"] = math.exp(made["yi"])
        made["ratio_low"], made["ratio_high"] = (math.exp(made["yi"] + side * Z * made["sei"]) for side in (-1, 1))
    if math.isfinite(made.get("nnt", math.nan)):
        made["nnt_up"] = float(math.ceil(made["nnt"]))
    return made


def _analysis(entry: Any, data: Mapping[str, Any]) -> MetaAnalysis:  # noqa: ANN401 - JSON
    names = entry.get("moderators", ())
    moderators = {name: [float(value) for value in data[name]] for name in names}
    # A heading such as "year" means something in a table of studies.
    studies = load({name: column for name, column in data.items() if name not in {"ablat", "year"}})
    assert isinstance(studies, Studies)  # noqa: S101 - a table, not a review
    return fit(studies, moderators=moderators or None, **entry["settings"])


def _figures(asked: Asked, entry: Any, analysis: MetaAnalysis) -> Iterator[Agreement]:  # noqa: ANN401 - JSON
    methods = analysis.methods.used(analysis.model.model)
    if not asked.any_of(*methods):
        return
    spread = analysis.heterogeneity
    numbers: dict[str, float | None] = {
        "tau2": spread.tau2,
        "tau2_se": spread.tau2_se,
        "tau2_ci_low": spread.tau2_ci_low,
        "tau2_ci_high": spread.tau2_ci_high,
        "i2": spread.i2,
        "h2": spread.h2,
        "q": spread.q,
        "q_df": None if spread.df is None else float(spread.df),
    }
    for term, one in analysis.coefficients.items():
        own = {
            "": one.value,
            " se": one.se,
            " statistic": one.statistic,
            " p": one.p_value,
            " ci_low": one.ci_low,
            " ci_high": one.ci_high,
        }
        numbers |= {f"{term}{name}": value for name, value in own.items()}
        if len(analysis.coefficients) == 1:
            numbers |= {name.strip() or "estimate": value for name, value in own.items()}
    for quantity, printed in entry["printed"].items():
        found = as_printed(methods, _case(entry), quantity, printed, numbers[quantity])
        yield evolve(found, divergence=entry["why"]) if quantity in entry.get("diverging", ()) else found


def _absent(method: Method) -> str:
    entry: dict[str, Any] = read("conversions.json").get(method.name, {}) if method.kind == Conversion.kind else {}
    return str(entry.get("reason") or "no worked example of it is in the set")


@hookimpl
def reference_sets() -> list[ReferenceSet]:
    """Yield the worked examples."""
    return [
        ReferenceSet(
            "textbook",
            worked_examples,
            label="Worked examples of textbooks and papers, at the digits printed",
            truth="published",
            absent=_absent,
            reference="Higgins et al. (2023), Cochrane Handbook 6.4; Borenstein et al. (2009), Introduction to "
            "Meta-Analysis; the others stand beside each example",
        )
    ]
