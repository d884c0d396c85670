"""Every measure, on every hard row: zero cells, one participant, SD of 0, r of 1, nothing at all, impossible numbers.

`hard_rows.json` says what each gives: an effect with its variance, or the reason why there is none. It was written by
``python tests/engine/test_hard_rows.py`` and read by a person; effects are compared with metafor's where R is there.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth.columns import NUMERIC
from evisynth.measuring import NO_EFFECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE = Path(__file__).with_name("hard_rows.json")
ORDINARY: Mapping[str, float] = {
    "events_1": 7,
    "n_1": 30,
    "events_2": 11,
    "n_2": 30,
    "mean_1": 12.5,
    "sd_1": 3.5,
    "mean_2": 10.25,
    "sd_2": 4.25,
    "events": 9,
    "n": 40,
    "time": 120.5,
    "time_1": 110.25,
    "time_2": 95.5,
    "mean": 12.5,
    "sd": 3.5,
    "r": 0.35,
    "alpha": 0.8,
    "items": 12,
    "cles": 0.62,
    "t_value": 2.1,
    "f_value": 4.4,
    "predictors": 4,
    "r_squared": 0.3,
    "pairs_both": 12,
    "pairs_only_1": 7,
    "pairs_only_2": 5,
    "pairs_neither": 9,
    "genotype_11": 12,
    "genotype_12": 20,
    "genotype_22": 9,
    "tp": 20,
    "fp": 5,
    "fn": 6,
    "tn": 30,
    "o_e": -2.5,
    "o_e_variance": 6.5,
    "yi": -0.4,
    "vi": 0.05,
    "sei": 0.2,
}
HARD: Mapping[str, tuple[float, ...]] = {
    # column, without its arm: values that are possible and hard
    "n": (0, 1, 2),
    "events": (0, math.inf),  # all of n
    "mean": (0, -3),
    "sd": (0,),
    "time": (0,),
    "r": (0, 1, -1),
    "alpha": (0, 1, -0.4),
    "items": (2,),
    "cles": (0, 1),
    "t_value": (0,),
    "f_value": (0,),
    "predictors": (1, 38, 39, 200),
    "r_squared": (0, 1),
    **{name: (0,) for name in NUMERIC if name.startswith(("pairs_", "genotype_"))},
    **dict.fromkeys(("tp", "fp", "fn", "tn", "o_e", "o_e_variance"), (0,)),
}
TOGETHER = (
    ({"sd_1": 0, "sd_2": 0}, "both SDs 0"),
    ({"sd_1": 0, "sd_2": 0, "mean_1": 10.25}, "both SDs 0, equal means"),
    ({"mean_1": 0, "mean_2": 0}, "both means 0"),
    ({"n_1": 1, "n_2": 1, "events_1": 1, "events_2": 0}, "one participant an arm"),
    ({"n_1": 2, "n_2": 2, "events_1": 1, "events_2": 1}, "two participants an arm"),
    ({"events_1": 0, "events_2": 0}, "no events"),
    ({"events_1": math.inf, "events_2": math.inf}, "nothing but events"),
    ({"pairs_only_1": 0, "pairs_only_2": 0}, "no pairs that differ"),
    ({"pairs_both": 0, "pairs_neither": 0}, "no pairs that agree"),
    ({"n": 1, "events": 1}, "one participant"),
    ({"n": 1, "events": 0}, "one participant without an event"),
)
IMPOSSIBLE: Mapping[str, tuple[tuple[Any, str], ...]] = {
    **dict.fromkeys(("n", "events"), ((-1, "negative"), ("many", "not a number"))),
    **dict.fromkeys(("items", "predictors"), ((-1, "at least"), (0, "at least"), ("many", "not a number"))),
    **dict.fromkeys(("sd", "time", "o_e_variance"), ((-1, "negative"), (math.inf, "not finite"))),
    **dict.fromkeys(("mean", "o_e", "t_value"), (("high", "not a number"), (-math.inf, "not finite"))),
    "r": ((1.01, "between"), (-2, "between")),
    "alpha": ((1.2, "at most 1"),),
    "cles": ((1.01, "between"), (-0.1, "between")),
    "f_value": ((-1, "negative"),),
    "r_squared": ((1.01, "between"), (-0.1, "between")),
    **{name: ((-1, "negative"),) for name in NUMERIC if name.startswith(("pairs_", "genotype_"))},
    **dict.fromkeys(("tp", "fp", "fn", "tn"), ((-1, "negative"),)),
}
PRESETS = ("metafor", "revman-web")
MEASURES = [
    record
    for record in es.default_registry().all(es.EffectMeasure)
    if es.default_registry().provider(record).distribution == "evisynth"
]


def base(column: str) -> str:
    return column[:-2] if column[-2:] in {"_1", "_2"} and column[:-2] in {*HARD, *IMPOSSIBLE} else column


def columns_of(record: es.EffectMeasure) -> list[str]:
    """Name the columns to vary: the required ones, and others that some measures may take."""
    others = ("pairs_both", "pairs_neither", "r")
    optional = [name for name in others if name in record.parameters and name not in record.columns]
    return [*record.columns, *optional]


def rows_of(record: es.EffectMeasure) -> Iterator[tuple[str, dict[str, float]]]:
    columns = columns_of(record)
    ordinary = {name: ORDINARY[name] for name in columns}
    changes: list[tuple[str, Mapping[str, float]]] = [("ordinary", {})]
    changes += [
        (f"{name} {value:g}".replace("inf", "as n"), {name: value})
        for name in columns
        for value in HARD.get(base(name), ())
    ]
    changes += [
        (name, {column: value for column, value in change.items() if column in ordinary})
        for change, name in TOGETHER
        if sum(column in ordinary for column in change) > 1
    ]
    least = {"items": 2.0, "predictors": 1.0}
    changes += [
        ("all 0", {name: least.get(name, 0.0) for name in columns}),
        ("nothing", dict.fromkeys(columns, math.nan)),
    ]
    changes += [(f"no {name}", {name: math.nan}) for name in columns]
    for label, change in changes:
        row = {**ordinary, **change}
        for arm in ("_1", "_2", ""):
            if f"n{arm}" in row and f"events{arm}" in row:
                row[f"events{arm}"] = min(row[f"events{arm}"], row[f"n{arm}"])
            elif math.isinf(row.get(f"events{arm}", 0.0)):
                row[f"events{arm}"] = 1000.0
        yield label, row


def outcome(record: es.EffectMeasure, row: Mapping[str, float], preset: str) -> str | list[float]:
    effects = es.effects({name: [value] for name, value in row.items()}, record.name, settings=preset)
    return effects.reasons.get(0) or [float(effects.y[0]), float(effects.v[0])]


def all_outcomes() -> dict[str, Any]:
    return {
        record.name: {
            preset: {label: outcome(record, row, preset) for label, row in rows_of(record)} for preset in PRESETS
        }
        for record in MEASURES
        if record.columns
    }


EXPECTED: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def test_every_measure_is_there() -> None:
    assert set(EXPECTED) == {record.name for record in MEASURES if record.columns}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("record", [record for record in MEASURES if record.columns], ids=lambda record: record.name)
def test_hard_rows_give_an_effect_or_a_reason(record: es.EffectMeasure, preset: str) -> None:
    for label, row in rows_of(record):
        found, expected = outcome(record, row, preset), EXPECTED[record.name][preset][label]
        if isinstance(expected, str):
            assert found == expected, label
            assert expected != NO_EFFECT, f"{label}: a reason that says nothing"
        else:
            assert not isinstance(found, str), (label, found)
            assert found[1] > 0
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15, err_msg=label)


@pytest.mark.parametrize("record", [record for record in MEASURES if record.columns], ids=lambda record: record.name)
def test_hard_rows_in_one_table_are_as_they_are_alone(record: es.EffectMeasure) -> None:
    labels, rows = zip(*rows_of(record), strict=True)
    table = {name: [row[name] for row in rows] for name in columns_of(record)}
    effects = es.effects(table, record.name, settings="metafor")
    for i, label in enumerate(labels):
        expected = EXPECTED[record.name]["metafor"][label]
        found = effects.reasons.get(i) or [float(effects.y[i]), float(effects.v[i])]
        assert found == (expected if isinstance(expected, str) else pytest.approx(expected, rel=1e-12, abs=1e-15)), (
            label
        )


# A text under a common word is kept, and said to be, until a measure needs it.
@pytest.mark.filterwarnings("ignore::evisynth.DataWarning")
@pytest.mark.parametrize("record", [record for record in MEASURES if record.columns], ids=lambda record: record.name)
def test_impossible_rows_are_refused_by_study_and_column(record: es.EffectMeasure) -> None:
    ordinary = {name: ORDINARY[name] for name in columns_of(record)}
    refused = 0
    for name in columns_of(record):
        for value, message in IMPOSSIBLE.get(base(name), ()):
            table: dict[str, list[Any]] = {column: [number, number] for column, number in ordinary.items()}
            table[name][1] = value
            with pytest.raises(es.DataError) as caught:
                es.effects({"study": ["Good", "Bad"], **table}, record.name)
            problems = caught.value.problems
            assert {(problem.row, problem.study) for problem in problems} == {(2, "Bad")}, (name, value)
            said = [problem.message for problem in problems if problem.column == name]
            assert any(re.search(message, text) for text in said), (name, value, problems)
            refused += 1
    for arm in ("_1", "_2", ""):
        if {f"events{arm}", f"n{arm}"} <= ordinary.keys():
            table = {column: [number] for column, number in ordinary.items()}
            table[f"events{arm}"] = [ordinary[f"n{arm}"] + 1]
            with pytest.raises(es.DataError, match="more events than participants"):
                es.effects(table, record.name)
    assert refused > 0


@pytest.mark.parametrize("record", [record for record in MEASURES if record.columns], ids=lambda record: record.name)
def test_no_rows_at_all(record: es.EffectMeasure) -> None:
    empty: dict[str, list[float]] = {name: [] for name in columns_of(record)}
    assert len(es.effects(empty, record.name)) == 0
    analysis = es.fit(empty, record.name)
    assert analysis.pooled is None
    assert analysis.reason == "no study has an effect that can be pooled"


@pytest.mark.parametrize("record", [record for record in MEASURES if record.columns], ids=lambda record: record.name)
@pytest.mark.parametrize("k", [1, 2])
def test_few_ordinary_rows_make_a_whole_result(record: es.EffectMeasure, k: int) -> None:
    row = {name: [ORDINARY[name]] * k for name in columns_of(record)}
    analysis = es.fit(row, record.name)
    assert analysis.k == k
    assert analysis.pooled is not None
    assert analysis.display is not None
    assert analysis.display.ci_low <= analysis.display.value <= analysis.display.ci_high
    for study in analysis.studies:
        assert study.display is not None
        assert study.display.ci_low <= study.display.value <= study.display.ci_high
    document = analysis.to_dict()
    assert document["measure"]["name"] == record.name
    assert record.label in str(analysis)


if __name__ == "__main__":
    text = json.dumps(all_outcomes(), indent=1, ensure_ascii=False)
    FILE.write_text(re.sub(r"\[\s+(\S+),\s+(\S+)\s+\]", r"[\1, \2]", text) + "\n", encoding="utf-8")
