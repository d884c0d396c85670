"""Make the analyses that tests, adjustments and reporters are checked on: ordinary, small, sparse and odd ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth.fitting import fit
from evisynth.kernels.arrays import read_only
from evisynth.studies import Effects, Studies
from evisynth.testing.samples import SEED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth.kernels.arrays import FloatArray, IntArray
    from evisynth.results import MetaAnalysis

HOSTILE_LABELS = (
    "<script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    'Name "quoted", with commas',
    "=HYPERLINK(0)",
    "Two\nlines",
    "100 % & $x_1^2$ \\alpha {brace} #1",
    "Núñez‐Ž 李 \u202e",
)


def effects_analysis(
    k: int = 13, *, sign: float = 1.0, unit: float = 1.0, order: IntArray | None = None
) -> MetaAnalysis:
    """Pool k effects whose small studies lie to one side, by DerSimonian and Laird."""
    y, v = _leaning(k)
    labels = [f"Study {i + 1}" for i in range(k)]
    if order is not None:
        y, v, labels = y[order], v[order], [f"Study {i + 1}" for i in order]
    return fit(Effects(sign * unit * y, unit * unit * v, study=labels), settings="metafor", tau2="DL")


def _leaning(k: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(SEED + 4)
    v = np.exp(rng.normal(-2.0, 1.2, 40))[:k]
    return rng.normal(0.2 + 1.5 * np.sqrt(v), np.sqrt(v + 0.01)), v


def ordinary_analyses() -> Iterator[tuple[str, MetaAnalysis]]:
    """Go through analyses that have a pooled effect."""
    yield "13 effects", effects_analysis()
    yield "13 effects, common-effect model", _refit(effects_analysis(), model="common")
    yield "13 effects, Hartung-Knapp", _refit(effects_analysis(), interval="HK", tau2="REML")
    yield "3 effects", effects_analysis(3)
    yield "2 effects", effects_analysis(2)
    yield "1 effect", effects_analysis(1)
    yield "5 effects of equal precision", fit(Effects([0.1, 0.4, 0.2, 0.9, 0.3], [0.04] * 5), settings="metafor")
    yield "5 equal effects", fit(Effects([0.25] * 5, [0.01, 0.04, 0.09, 0.16, 0.25]), settings="metafor")
    yield "risk ratios by M-H, with zero cells", _counts("RR")
    yield "risk differences by M-H in subgroups", _counts("RD", by=["a", "b", "a", "b", "b", "a", None])
    yield (
        "effects, some left out or missing",
        fit(
            Effects([0.1, np.nan, 0.3, 0.2], [0.1, 0.2, 0.0, 0.3], study=["A", "B", "C", "D"]),
            settings="metafor",
            exclude=["A"],
        ),
    )
    yield (
        "hostile names",
        fit(
            Effects(
                np.linspace(-1.0, 1.0, len(HOSTILE_LABELS)), np.full(len(HOSTILE_LABELS), 0.1), study=HOSTILE_LABELS
            ),
            settings="metafor",
            by=[HOSTILE_LABELS[i % 2] for i in range(len(HOSTILE_LABELS))],
        ),
    )


def analyses_without_effect() -> Iterator[tuple[str, MetaAnalysis]]:
    """Go through analyses that have no pooled effect."""
    yield "no study", fit(Effects([], []), settings="metafor")
    yield "no study with an effect", fit(Effects([np.nan, 1.0], [0.1, np.nan]), settings="metafor")
    yield (
        "no events in any arm",
        fit(_table([0, 0, 0], [20, 30, 40], [0, 0, 0], [20, 30, 40]), "OR", settings="revman5"),
    )
    source = effects_analysis()
    year = np.linspace(0.0, 2.0, 13)
    yield "a meta-regression", fit(source.effects, settings="metafor", moderators={"year": year.tolist()})


def _refit(analysis: MetaAnalysis, **words: Any) -> MetaAnalysis:  # noqa: ANN401 - the fields of Settings
    return fit(analysis.effects, settings=analysis.settings, **words)


def _counts(measure: str, by: list[str | None] | None = None) -> MetaAnalysis:
    table = _table(
        [3, 0, 12, 5, 0, 7, 30], [40, 25, 60, 55, 20, 33, 200], [8, 2, 15, 4, 0, 9, 41], [42, 25, 58, 50, 20, 30, 199]
    )
    return fit(table, measure, settings="revman5", model="random", by=by)


def _table(a: list[int], n_1: list[int], c: list[int], n_2: list[int]) -> Studies:
    columns = {"events_1": a, "n_1": n_1, "events_2": c, "n_2": n_2}
    return Studies(
        columns={name: read_only(np.array(column, dtype=np.float64)) for name, column in columns.items()},
        study=tuple(f"Trial {i + 1}" for i in range(len(a))),
    )
