"""What a row takes from the other rows of its analysis is the same in a batch as in a single fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import evisynth as es

COUNTS: dict[str, list[float]] = {
    "events_1": [0, 4, 3, 6, 5, 0],
    "n_1": [20, 30, 25, 40, 35, 20],
    "events_2": [3, 6, 5, 9, 7, 0],
    "n_2": [21, 29, 26, 41, 33, 22],
}
MEANS: dict[str, list[float]] = {
    "mean_1": [5.0, 6.5, 7.0, 5.5, 6.0, 8.0],
    "sd_1": [1.0, 1.5, 2.0, 1.2, 1.1, 2.2],
    "n_1": [20, 30, 25, 40, 35, 20],
    "mean_2": [5.5, 6.0, 7.5, 6.5, 6.2, 7.0],
    "sd_2": [1.1, 1.4, 2.1, 1.3, 1.0, 2.0],
    "n_2": [21, 29, 26, 41, 33, 22],
}
# Rows of two analyses, not in one block.
OUTCOME = ["a", "b", "a", "b", "b", "a"]


@pytest.mark.parametrize("order", [OUTCOME, sorted(OUTCOME)])
@pytest.mark.parametrize(
    ("measure", "columns", "words"),
    [
        *(
            (measure, COUNTS, {"increment_to": to, "correction": correction, "method": "IV", "increment": increment})
            for measure in ("OR", "RR", "RD")
            for to in ("only0", "if0all", "all", "none")
            for correction in ("metafor", "meta", "revman")
            for increment in (0.5, 0.1)
        ),
        ("OR", COUNTS, {"double_zeros": "dropped", "correction": "metafor", "method": "IV"}),
        ("OR", COUNTS, {"double_zeros": "kept", "correction": "meta", "method": "IV"}),
        *(("SMD", MEANS, {"vtype": vtype}) for vtype in ("LS", "LS2", "UB", "AV")),
        *(("ROM", MEANS, {"vtype": vtype}) for vtype in ("LS", "HO", "AV", "AVHO")),
    ],
)
def test_a_batch_is_its_analyses(
    measure: str, columns: dict[str, list[float]], words: dict[str, Any], order: list[str]
) -> None:
    both: dict[str, Any] = {"settings": "metafor", "tau2": "DL", "interval": "Wald", **words}
    frame = es.fit_many({**columns, "outcome": order}, by="outcome", measure=measure, **both)
    for i, name in enumerate(dict.fromkeys(order)):
        rows = [row for row, outcome in enumerate(order) if outcome == name]
        part = {column: [values[row] for row in rows] for column, values in columns.items()}
        single = es.fit(part, measure, **both)
        assert frame["k"][i] == single.k
        assert single.pooled is not None
        np.testing.assert_allclose(frame["effect"][i], single.pooled.value, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(frame["se"][i], single.pooled.se, rtol=1e-12)


def test_rules_reach_whole_analyses_only() -> None:
    alone = es.effects({name: column[1:2] for name, column in COUNTS.items()}, "OR", settings="metafor")
    with_a_zero = es.effects(COUNTS, "OR", settings="metafor", increment_to="if0all")
    without = es.effects(COUNTS, "OR", settings="metafor")
    assert without.y[1] == alone.y[0]
    assert with_a_zero.y[1] != alone.y[0]
