"""Hold effect measures to ``measures.json``: effects by formula and variances by differentiation, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth import Agreement, Asked, EffectMeasure, Studies, effects, read_only
from evisynth_validation.mpmath.stored import CLOSED, stored

if TYPE_CHECKING:
    from collections.abc import Iterator


def compared_measures(asked: Asked) -> Iterator[Agreement]:
    """Measure every row of every measure asked for."""
    for entry in stored("measures.json")["rows"]:
        key = (EffectMeasure.kind, entry["measure"])
        if key not in asked:
            continue
        given: dict[str, list[float]] = entry["given"]
        labels = tuple(str(row) for row in range(len(entry["y"])))
        studies = Studies(columns={name: read_only(column) for name, column in given.items()}, study=labels)
        made = effects(studies, entry["measure"], settings="metafor", **entry["settings"])
        for row in range(len(labels)):
            yield from _row(key, entry, row, float(made.y[row]), float(made.v[row]))


def _row(key: tuple[str, str], entry: Any, row: int, y: float, v: float) -> Iterator[Agreement]:  # noqa: ANN401 - JSON
    words = ", ".join(f"{name} = {column[row]!r}" for name, column in entry["given"].items())
    case = f"{entry['id']}: {words}"
    for name, found in (("y", y), ("v", v)):
        observed = None if np.isnan(found) else found
        quantity = "effect" if name == "y" else "variance"
        yield Agreement(key, case, quantity, entry[name][row], observed, CLOSED, entry[f"cond_{name}"][row])
