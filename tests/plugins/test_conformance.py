"""Every built-in keeps the laws of its kind, and every law is seen to be broken by a record made to break it."""

# ruff: noqa: ANN401, ARG001 - functions that stand in for plugins take what the hook gives and need no types

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest

import evisynth as es
from evisynth import testing
from evisynth.records import KINDS
from evisynth.testing import CHECKS, ConformanceError, check, check_conversion, check_plugin

if TYPE_CHECKING:
    from types import ModuleType

    from evisynth.records import Method

REGISTRY = es.default_registry()


def _load(name: str) -> ModuleType:
    """Import a module that lies beside this one; test folders are not packages."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BROKEN = _load("broken_records")
BUILT_IN = [method for method, _ in REGISTRY]


@pytest.mark.parametrize("method", BUILT_IN, ids=lambda method: f"{method.kind}-{method.name}")
def test_every_built_in_keeps_the_laws_of_its_kind(method: Method) -> None:
    check(method)


def test_there_is_a_check_for_every_kind() -> None:
    assert set(CHECKS) == set(KINDS)


@pytest.mark.parametrize(("law", "record"), BROKEN.BROKEN, ids=lambda item: getattr(item, "kind", item))
def test_every_law_is_broken_by_a_record_made_to_break_it(law: str, record: Method) -> None:
    with pytest.raises(ConformanceError) as caught:
        check(record)
    assert caught.value.law == law


def test_no_law_is_without_such_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[tuple[str, str]] = set()
    for info in pkgutil.iter_modules(testing.__path__, "evisynth.testing."):
        module = importlib.import_module(info.name)
        for name, place in (("ensure", 2), ("ask", 1)):
            original = getattr(module, name, None)
            if original is not None:
                monkeypatch.setattr(module, name, _spy(original, place, asked))
    estimator = REGISTRY.get(es.Tau2Estimator, "DL")
    small = [
        estimator,
        _duplicable(estimator),
        *(REGISTRY.get(kind, name) for kind, name in _ONE_OF_EACH),
        BROKEN.CONVERTER,
        BROKEN.REPORTER,
        _as(BROKEN.REPORTER, '{"a": 1}', {".json": "application/json"}),
        _as(BROKEN.REPORTER, "a,b\n1,2\n", {".csv": "text/csv"}),
    ]
    for record in small:
        check(record)
    covered = {(record.kind, law) for law, record in BROKEN.BROKEN}
    of_all = {"the reference is a published source with its year", "the function's docstring says what it does"}
    assert {(kind, law) for kind, law in asked - covered if law not in of_all} == set()
    assert len(asked) > 60


_ONE_OF_EACH: list[tuple[type[Any], str]] = [
    (es.EffectMeasure, "OR"),
    (es.EffectMeasure, "MD"),
    (es.Correction, "revman"),
    (es.PoolingModel, "IV"),
    (es.PoolingModel, "MH"),
    (es.IntervalMethod, "Wald"),
    (es.PredictionInterval, "HTS"),
    (es.Tau2Interval, "QP"),
    (es.StudyInterval, "Poisson"),
    (es.BiasTest, "Egger"),
    (es.Adjustment, "trim-and-fill"),
    (es.Conversion, "wan-full"),
    (es.Route, "effect with variance"),
    (es.Route, "t test"),
    (es.Check, "SDs far apart"),
]


def _spy(original: Any, place: int, asked: set[tuple[str, str]]) -> Any:
    def spied(*args: Any, **inputs: Any) -> Any:
        asked.add((args[place - 1].kind, args[place]))
        return original(*args, **inputs)

    return spied


def _duplicable(estimator: Any) -> Any:
    """Estimate the excess of the mean squared residual, which does not change where every study is entered twice."""

    def excess(y: Any, v: Any, X: Any) -> Any:
        """Take the mean squared residual less the mean variance."""
        return np.asarray((es.weighted_fit(y, np.ones_like(v), X).residuals ** 2).mean(axis=0) - v.mean(axis=0))

    return attrs.evolve(estimator, function=excess, duplication_law=True, moment_weights=None)


def _as(reporter: Any, text: str, media_types: dict[str, str]) -> Any:
    def same(analysis: es.MetaAnalysis) -> str:
        """Say always the same."""
        return text

    return attrs.evolve(reporter, function=same, media_types=media_types)


def test_the_message_says_which_law_which_input_and_what_was_seen() -> None:
    def negative(y: Any, v: Any, X: Any) -> Any:
        """Give no number."""
        return np.full(y.shape[1:], np.nan)

    record = es.Tau2Estimator("BAD", negative, reference="Nobody (2020)")
    with pytest.raises(ConformanceError) as caught:
        check(record)
    assert str(caught.value) == (
        "Tau2Estimator 'BAD' breaks the law 'τ² is finite'; given 13 studies that differ; seen: nan"
    )
    assert isinstance(caught.value, AssertionError)
    assert (caught.value.record, caught.value.given) == (record, "13 studies that differ")


def test_a_plugin_is_checked_as_a_whole() -> None:
    moments = importlib.import_module("evisynth_estimators.moments")
    assert [record.name for record in check_plugin(moments)] == ["DL", "PM", "EB", "DLIT", "SJIT"]

    class Plugin:
        @es.hookimpl
        def tau2_estimators(self) -> list[es.Tau2Estimator]:
            return [attrs.evolve(BROKEN.ESTIMATORS["τ² is finite"], name="BAD")]

    with pytest.raises(ConformanceError, match="τ² is finite"):
        check_plugin(Plugin())


def test_a_plugin_with_the_name_of_a_method_that_is_there_is_not_checked() -> None:
    class Taken:
        @es.hookimpl
        def tau2_estimators(self) -> list[es.Tau2Estimator]:
            return [REGISTRY.get(es.Tau2Estimator, "REML")]

    with pytest.raises(ValueError, match=r"would be left out: Tau2Estimator 'REML' is taken by plugin 'likelihood'"):
        check_plugin(Taken())


def _in_place(y: Any, v: Any, X: Any) -> Any:
    """Subtract the mean where it stands."""
    y -= y.mean(axis=0)
    return np.asarray((y**2 - v).mean(axis=0))


def _for_one(y: Any, v: Any, X: Any) -> Any:
    """Take one analysis at a time."""
    fit = es.weighted_fit(y, np.ones_like(v), X)
    return float(fit.rss / fit.dof - v.mean(axis=0))


def _none(y: Any, v: Any, X: Any) -> Any:
    """Forget to return."""


def _text(y: Any, v: Any, X: Any) -> Any:
    """Give what prints like a number."""
    return "0.2"


def _deaf(y: Any, v: Any, X: Any) -> Any:
    """Take the variance about the mean, whatever the moderators."""
    return np.var(y, axis=0, ddof=1)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (_in_place, "make a new array"),
        (_for_one, "given a batch of 5 analyses of 7 studies: y and v (7, 5), X (7, 1)"),
        (_none, "seen: None, which is no number"),
        (_text, "'0.2', which is no number"),
        (_deaf, "says so by moderator_law=False"),
    ],
)
def test_what_beginners_do_is_said_in_words(function: Any, said: str) -> None:
    with pytest.raises(ConformanceError) as caught:
        check(es.Tau2Estimator("BAD", function, reference="Nobody (2020)"))
    assert said in str(caught.value)


def test_a_plugin_that_would_be_left_out_is_not_checked() -> None:
    class Misspelt:
        @es.hookimpl
        def tau2_estimator(self) -> list[es.Tau2Estimator]:
            return []

    with pytest.raises(ValueError, match=r"would be left out: .*did you mean 'tau2_estimators'"):
        check_plugin(Misspelt())


def test_conversions_of_statistics_that_the_kit_does_not_know_are_checked_on_examples() -> None:
    def chi_squared_to_z(chi_squared: Any) -> Any:
        """Take the root."""
        return (np.sqrt(chi_squared),)

    record = es.Conversion("root", chi_squared_to_z, targets=("statistic",), reference="Nobody (2020)")
    check_conversion(record, {"chi_squared": (1.0, 4.0, 9.0)})
    with pytest.raises(ConformanceError, match="example values are known"):
        check_conversion(record)
