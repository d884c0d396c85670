"""Every number of the 50-digit sets, each tolerance times the condition number of the quantity."""

from __future__ import annotations

from collections import Counter
from types import ModuleType

import attrs
import pytest

import evisynth as es
from evisynth_validation import mpmath


@pytest.fixture(scope="module")
def found() -> list[es.Agreement]:
    return list(mpmath.exactly(es.Asked()))


def test_every_number_agrees(found: list[es.Agreement]) -> None:
    differing = [one for one in found if one.verdict != "agrees"]
    assert differing == []
    by_method = Counter(key for one in found for key in one.methods)
    for name in ("DL", "REML", "PM", "ML", "PMM", "HE", "HS", "HSk", "SJ", "GENQ", "EB", "DLIT", "SJIT"):
        assert by_method["Tau2Estimator", name] > 1200, name
    assert by_method["Tau2Estimator", "GENQM"] > 600
    for name in ("OR", "RR", "RD", "PETO", "MD", "SMD", "O-E"):
        assert by_method["EffectMeasure", name] > 15, name
    assert by_method["PoolingModel", "MH"] > 1500
    assert by_method["Tau2Interval", "QP"] > 1200
    assert by_method["IntervalMethod", "HK"] > 1200
    assert sum(kind == "Conversion" for kind, _ in by_method) == 135
    assert sum(kind == "EffectMeasure" for kind, _ in by_method) == 82
    worst = max(found, key=lambda one: one.excess)
    assert 0.0 < worst.excess <= 1.0


def test_a_quick_run_has_every_method_of_the_whole(found: list[es.Agreement]) -> None:
    quick = {key for one in mpmath.exactly(es.Asked(quick=True)) for key in one.methods}
    assert quick == {key for one in found for key in one.methods}


def test_a_method_that_is_off_by_a_billionth_is_found() -> None:
    right = es.default_registry().get(es.Tau2Estimator, "HE")

    def wrong(y: es.FloatArray, v: es.FloatArray, X: es.FloatArray) -> es.Tau2Fit:
        made = right.function(y, v, X)
        assert isinstance(made, es.Tau2Fit)
        return es.Tau2Fit(made.tau2 * (1.0 + 1e-9), se=made.se)

    plugin = ModuleType("wrong")
    record = attrs.evolve(right, function=wrong)
    vars(plugin)["tau2_estimators"] = es.hookimpl(lambda: [record])
    registry = es.Registry(load=False)
    registry.register(plugin, "wrong")
    asked = es.Asked(registry, frozenset({("Tau2Estimator", "HE")}), quick=True)
    verdicts = Counter((one.quantity, one.verdict) for one in mpmath.exactly(asked) if one.quantity == "τ²")
    assert verdicts["τ²", "differs"] > 20
