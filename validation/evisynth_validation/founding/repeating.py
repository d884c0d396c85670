"""Repeat the founding analyses from the data in the package and compare them with the printed figures."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import attrs

from evisynth import LEFT_OUT, MetaAnalysis, Studies, fit, load, read_json, sample_size

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_NUMBER = "–"


@attrs.frozen
class Comparison:
    """Hold figures of a paper as printed, and ours at the same digits."""

    id: str
    title: str
    figure: str
    citation: str
    published: Mapping[str, str]
    ours: Mapping[str, str]
    analysis: MetaAnalysis | None = attrs.field(default=None, eq=False)

    @property
    def agrees(self) -> bool:
        """Whether every printed figure is ours too."""
        return self.published == self.ours

    @property
    def measure(self) -> str:
        """Measure and model, as a forest plot's heading has them."""
        if self.analysis is None:
            return ""
        return f"{self.analysis.effects.label} ({self.analysis.model.label})"


def expected() -> dict[str, Any]:
    """Read the published figures and what they were made of."""
    text = files("evisynth_validation").joinpath("founding", "expected.json").read_text(encoding="utf-8")
    made: dict[str, Any] = read_json(text, "expected.json")
    return made


def compare_analysis(entry: Mapping[str, Any], papers: Mapping[str, Any]) -> Comparison:
    """Repeat one analysis by its stored settings."""
    with as_file(files("evisynth_validation").joinpath("founding", entry["file"])) as path:
        studies = load(path)
    assert isinstance(studies, Studies)  # noqa: S101 - the files of this folder are tables
    label = {"effect_label": entry["label"]} if "label" in entry else {}
    analysis = fit(studies, exclude=entry["exclude"], **entry["settings"], **label)
    numbers = numbers_of(analysis)
    published: dict[str, str] = entry["published"]
    ours = {name: at_digits(numbers[name], text) for name, text in published.items()}
    return _comparison(entry, papers, ours, analysis)


def compare_sample_size(entry: Mapping[str, Any], papers: Mapping[str, Any]) -> Comparison:
    """Repeat one sample size."""
    given = entry["inputs"]
    size = sample_size(p1=given["p_1"], p2=given["p_2"], alpha=given["alpha"], power=given["power"])
    ours = {name: at_digits(size.per_group, text) for name, text in entry["published"].items()}
    return _comparison(entry, papers, ours)


def _comparison(
    entry: Mapping[str, Any], papers: Mapping[str, Any], ours: Mapping[str, str], analysis: MetaAnalysis | None = None
) -> Comparison:
    citation = papers[entry["paper"]]["citation"]
    return Comparison(entry["id"], entry["title"], entry["figure"], citation, entry["published"], ours, analysis)


def numbers_of(analysis: MetaAnalysis) -> dict[str, float | None]:
    """Give every number of an analysis that the papers print, at full precision."""
    shown, pooled, spread = analysis.display, analysis.pooled, analysis.heterogeneity
    people, events = analysis.participants, analysis.events
    return {
        "estimate": None if shown is None else shown.value,
        "ci_low": None if shown is None else shown.ci_low,
        "ci_high": None if shown is None else shown.ci_high,
        "p_effect": None if pooled is None else pooled.p_value,
        "p_het": spread.p_value,
        "i2": spread.i2,
        # A paper counts every study that its figure shows, those without an estimate included.
        "k": sum(study.reason != LEFT_OUT for study in analysis.studies),
        "n": people["total"],
        **{f"{name}_{arm}": held[f"arm_{arm}"] for arm in "12" for name, held in (("n", people), ("events", events))},
        **{f"survival_{arm}_percent": _survival(events[f"arm_{arm}"], people[f"arm_{arm}"]) for arm in "12"},
    }


def _survival(events: float | None, n: float | None) -> float | None:
    return None if events is None or not n else 100.0 * (n - events) / n


def at_digits(value: float | None, printed: str) -> str:
    """Round half up to the digits of a printed figure."""
    if value is None:
        return NO_NUMBER
    rounded = Decimal(value).quantize(Decimal(printed), rounding=ROUND_HALF_UP)
    return f"{abs(rounded) if rounded.is_zero() else rounded:f}"


def sentence(figures: Mapping[str, str], after_estimate: str = ", ") -> str:
    """Put figures into one line: ``0.58 (0.38, 0.87), P_het 0.53, I² 0 %, k 7, 20/169 v 38/159``."""
    parts: list[str] = []
    estimate = ""
    if "estimate" in figures:
        estimate = f"{figures['estimate']} ({figures['ci_low']}, {figures['ci_high']}){after_estimate}"
    labels = {"p_effect": "P {}", "p_het": "P_het {}", "i2": "I² {} %", "k": "k {}", "n": "n {}"}
    parts += [form.format(figures[name]) for name, form in labels.items() if name in figures]
    if "events_1" in figures:
        parts.append("{events_1}/{n_1} v {events_2}/{n_2}".format_map(figures))
    elif "n_1" in figures:
        parts.append("n {n_1} v {n_2}".format_map(figures))
    if "survival_1_percent" in figures:
        parts.append("survival {survival_1_percent} v {survival_2_percent} %".format_map(figures))
    if "n_per_group" in figures:
        parts.append("{n_per_group} per group".format_map(figures))
    return estimate + ", ".join(parts)
