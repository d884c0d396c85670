"""Methods that compute numbers state their formula, and those of the effect measures compute what the engine does."""

from __future__ import annotations

import math
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import evisynth as es

# Helpers of the tests are not a package.
sys.path.insert(0, str(Path(__file__).parent))
language: Any = import_module("formula_language")

WITHOUT = (es.Check, es.Converter, es.Reporter, es.ReferenceSet)
"""Kinds of methods that compute nothing which has a formula."""
REGISTRY = es.default_registry()
OURS = [method for method, plugin in REGISTRY if plugin.distribution == "evisynth"]


def test_every_method_that_computes_states_its_formula() -> None:
    assert [
        (method.kind, method.name) for method in OURS if not isinstance(method, WITHOUT) and not method.formula
    ] == []


def test_formulas_are_set_as_formulas_are() -> None:
    for method in OURS:
        for opening, closing in ("()", "[]", "{}"):
            assert method.formula.count(opening) == method.formula.count(closing), method.formula
        assert method.formula == " ".join(method.formula.split()), method.formula
        assert not set(method.formula) & set("$\\`"), method.formula


Given = dict[str, float]


def counts(a: float, n_1: float, c: float, n_2: float) -> Given:
    return {"a": a, "b": n_1 - a, "c": c, "d": n_2 - c, "n₁": n_1, "n₂": n_2, "N": n_1 + n_2, "n": n_1}


def means() -> Given:
    return {"x̄₁": 31.5, "s₁": 7.25, "x̄₂": 27.0, "s₂": 5.5}


def pooled() -> Given:
    return {"n₁": 14.0, "n₂": 19.0, "N": 33.0, "s": math.sqrt((13 * 7.25**2 + 18 * 5.5**2) / 31)}


TABLE = ("events_1", "n_1", "events_2", "n_2")
ARMS = ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")
PAIRED = ("mean_1", "sd_1", "mean_2", "sd_2", "n", "r")
PAIRS = ("pairs_both", "pairs_only_1", "pairs_only_2", "pairs_neither")
CASES: dict[tuple[str, ...], tuple[tuple[float, ...], Given]] = {
    TABLE: ((12, 40, 19, 45), counts(12, 40, 19, 45)),
    (*TABLE, "r"): ((12, 40, 19, 40, 0.3), {**counts(12, 40, 19, 40), "r": 0.3}),
    ARMS: ((31.5, 7.25, 14, 27.0, 5.5, 19), {**means(), **pooled()}),
    PAIRED: ((31.5, 7.25, 27.0, 5.5, 14, 0.6), {**means(), "n": 14, "r": 0.6}),
    PAIRS: ((6, 11, 4, 20), {"a": 6, "b": 11, "c": 4, "d": 20, "n": 41}),
    ("r", "n"): ((0.45, 23), {"r": 0.45, "n": 23}),
    ("r_squared", "n", "predictors"): ((0.36, 50, 3), {"R": 0.6, "n": 50, "m": 3}),
    ("t_value", "n", "predictors"): ((2.5, 50, 3), {"t": 2.5, "n": 50, "m": 3}),
    ("t_value", "n", "predictors", "r_squared"): ((2.5, 50, 3, 0.36), {"t": 2.5, "n": 50, "m": 3, "R": 0.6}),
    ("tp", "fp", "fn", "tn"): ((31, 9, 7, 44), {"TP": 31, "FP": 9, "FN": 7, "TN": 44}),
    ("o_e", "o_e_variance"): ((-2.5, 6.0), {"O": 4.0, "E": 6.5, "V": 6.0}),
    ("genotype_11", "genotype_12", "genotype_22"): ((30, 44, 21), {"n₁₁": 30, "n₁₂": 44, "n₂₂": 21}),
    ("events_1", "time_1", "events_2", "time_2"): ((9, 120, 15, 95), {"x₁": 9, "t₁": 120, "x₂": 15, "t₂": 95}),
    ("events", "n"): ((7, 40), {"x": 7, "n": 40}),
    ("events", "time"): ((7, 130), {"x": 7, "t": 130}),
    ("alpha", "items", "n"): ((0.82, 12, 90), {"α": 0.82, "m": 12, "n": 90}),
    ("mean", "sd", "n"): ((31.5, 7.25, 14), {"x̄": 31.5, "s": 7.25, "n": 14}),
    ("cles", "n_1", "n_2"): ((0.63, 14, 19), {"A": 0.63, "n₁": 14, "n₂": 19, "N": 33}),
}
IN_WORDS = {"GEN": "given", "HR": "given", "HD": "given", "PHI": "derivatives", "RTET": "an equation to solve"}
"""Measures whose formula is not one that gives a number by itself."""
OF_ANOTHER = {
    "RBIS": ("RPB", "r"),
    "ZPHI": ("PHI", "φ"),
    "ZBIS": ("RBIS", "r_b"),
    "ZTET": ("RTET", "ρ"),
    "ZSPCOR": ("SPCOR", "r"),
}
"""Measures that are stated in terms of another one and its variance."""
MEASURES = [method for method in OURS if isinstance(method, es.EffectMeasure) and method.name not in IN_WORDS]


def case_of(measure: es.EffectMeasure) -> tuple[dict[str, list[float]], Given]:
    """Find the smallest case that has all columns of a measure."""
    needed = {"MPORM": (*TABLE, "r"), "MPORC": PAIRS, "MPPETO": PAIRS}.get(measure.name, measure.columns)
    columns = min((case for case in CASES if set(needed) <= set(case)), key=len)
    numbers, given = CASES[columns]
    return {name: [number] for name, number in zip(columns, numbers, strict=True)}, {**given, "π": math.pi}


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_the_formula_of_a_measure_gives_its_effect_and_variance(measure: es.EffectMeasure) -> None:
    data, given = case_of(measure)
    if measure.name in OF_ANOTHER:
        other, symbol = OF_ANOTHER[measure.name]
        plain = es.effects(data, measure=other, settings="metafor")
        given |= {symbol: plain.y[0], f"Var({symbol})": plain.v[0]}
    formula = language.Formula(measure.formula, given)
    made = es.effects(data, measure=measure.name, settings="metafor")
    effect = "y" if "y" in formula.equations else formula.names[0]
    assert formula.value(effect) == pytest.approx(float(made.y[0]), rel=1e-11)
    assert formula.value("v") == pytest.approx(float(made.v[0]), rel=1e-11)


def test_measures_whose_formula_is_in_words_are_few_and_there() -> None:
    assert set(IN_WORDS) <= {method.name for method in OURS if isinstance(method, es.EffectMeasure)}


@pytest.mark.parametrize(
    ("text", "given", "value"),
    [
        ("y = ½ (a + b)² - c/(2d)", {"a": 1, "b": 2, "c": 3, "d": 4}, 4.125),
        ("y = ln x̄₁ + √(ab)", {"x̄₁": 1, "a": 2, "b": 8}, 4.0),
        ("y = c₁ - c₂, c = (s/x̄)²", {"s₁": 2, "x̄₁": 1, "s₂": 3, "x̄₂": 1}, -5.0),
        ("y = J(4) s; s² = 2a; J(m) = m^½", {"a": 2}, 4.0),
        ("y = a^(b + 1)", {"a": 2, "b": 2}, 8.0),
        ("y = (1 - a)^⅔", {"a": -7}, 4.0),
    ],
)
def test_the_language_is_read_as_it_is_meant(text: str, given: Given, value: float) -> None:
    assert language.Formula(text, given).value("y") == pytest.approx(value)


def test_a_wrong_formula_is_seen() -> None:
    given = CASES[TABLE][1]
    right = language.Formula("v = 1/a + 1/b + 1/c + 1/d", given).value("v")
    assert language.Formula("v = 1/a + 1/b + 1/c - 1/d", given).value("v") != pytest.approx(right)
    with pytest.raises(language.NoFormulaError):
        language.Formula("y = a + q", given).value("y")
