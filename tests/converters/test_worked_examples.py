"""Every conversion reproduces a worked example, or says why there is none and what decides it instead.

`conversions.json` of the textbook set holds one entry for each conversion: ``source``, where it was ``seen`` (null:
entered from the source's text as remembered, and not found again), what is ``given`` and what is ``printed``, compared
at the digits printed; or a ``reason`` and the test that it is ``decided_by``. Where the printed number rests on rounded
steps it is compared ``within`` a distance, and ``why``. tests/reference/test_textbook_set.py repeats them.
"""

from __future__ import annotations

import ast
import math
from pathlib import Path
from typing import Any

import pytest

import evisynth as es
from evisynth_validation import textbook

HERE = Path(__file__).parent
TABLE: dict[str, dict[str, Any]] = textbook.read("conversions.json")


def test_every_conversion_is_in_the_table() -> None:
    assert TABLE.keys() == {record.name for record in es.default_registry().all(es.Conversion)}
    for name, entry in TABLE.items():
        keys = {"source", "seen", "given", "printed"} if "printed" in entry else {"reason", "decided_by"}
        assert entry.keys() - {"within", "why"} == keys, name
        assert ("within" in entry) == ("why" in entry), name


def test_what_decides_the_others_is_a_test() -> None:
    for name, entry in TABLE.items():
        if "decided_by" in entry:
            path, _, test = entry["decided_by"].partition("::")
            tree = ast.parse((HERE.parents[1] / path).read_text(encoding="utf-8"))
            assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


UNRECORDED = {
    **dict.fromkeys(("PR", "PLN", "PRZ"), "tests/estimators/test_exact_counts.py::test_proportions"),
    "REH": "tests/estimators/test_exact_counts.py::test_excess_heterozygosity",
    "HR": "tests/estimators/test_hazards.py::test_each_row_takes_what_it_has",
    "HD": "tests/estimators/test_hazards.py::test_hazard_difference",
    "GEN": "tests/converters/test_worked_examples.py::test_a_given_effect_is_itself",
}
"""Measures of which no result of R is recorded, with the test that compares each with 50 digits."""


def test_measures_without_a_recorded_result_have_an_exact_one() -> None:
    for measure, decided in UNRECORDED.items():
        assert es.default_registry().get(es.EffectMeasure, measure).name == measure
        path, _, test = decided.partition("::")
        tree = ast.parse((HERE.parents[1] / path).read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, measure


def test_a_given_effect_is_itself() -> None:
    """Altman & Bland (2011): a risk ratio of 0.30, whose logarithm has a standard error of 0.569."""
    made = es.effects(es.load({"yi": [math.log(0.30), -0.1], "sei": [0.569, 0.1]}), "GEN")
    assert made.y.tolist() == [math.log(0.30), -0.1]
    assert made.v == pytest.approx([0.569**2, 0.01], rel=1e-15)
