"""Hold study effects to ``effects.json``: two conventions, empty cells, large arms, ratios next to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth import Agreement, Asked, EffectMeasure, Studies, effects, read_only
from evisynth_validation.mpmath.stored import CLOSED, share, stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PRESETS = ("revman5", "metafor")
_NAMES = {"o_minus_e": "o_e", "variance": "o_e_variance"}
_PRODUCTS = frozenset({"OR", "RR", "RD", "PETO"})
_EXACT = 2**26
"""Counts whose products a double still holds."""


def compared_effects(asked: Asked) -> Iterator[Agreement]:
    """Measure each study by each measure and convention that the file has for it."""
    rows = stored("effects.json")["rows"]
    for row in share(rows, asked.quick):
        studies = _study(row["inputs"])
        for measure, by_convention in row["expected"].items():
            if (EffectMeasure.kind, measure) not in asked:
                continue
            for preset in PRESETS:
                if preset in by_convention:
                    yield from _effect(row, measure, preset, studies, by_convention[preset])


def _study(inputs: Mapping[str, float]) -> Studies:
    columns = {_NAMES.get(name, name): read_only([value]) for name, value in inputs.items()}
    return Studies(columns=columns, study=("study",))


def _effect(row: Any, measure: str, preset: str, studies: Studies, truth: Any) -> Iterator[Agreement]:  # noqa: ANN401 - JSON
    made = effects(studies, measure=measure, settings=preset)
    key, case = (EffectMeasure.kind, measure), f"{row['id']} ({row['group']}), {preset}"
    y, v = (None if np.isnan(one[0]) else float(one[0]) for one in (made.y, made.v))
    if truth is None:
        yield Agreement(key, case, "effect", None, y)
        yield Agreement(key, case, "a reason for none", expected=True, observed=bool(made.reasons[0]))
        return
    # Integer cross-products make a ratio near 1 as exact as any other, until they are too large for a double.
    exact = measure in _PRODUCTS and max(abs(value) for value in row["inputs"].values()) <= _EXACT
    condition = 1.0 if exact else truth.get("cond", 1.0)
    yield Agreement(key, case, "effect", truth["y"], y, CLOSED, condition)
    yield Agreement(key, case, "variance", truth["v"], v, CLOSED)
