"""Check the plugin by the laws of its kind, on drawn samples, and as its users use it."""

import evisynth as es
import numpy as np
import pytest
from evisynth.testing import check_plugin, strategies
from hypothesis import given

import evisynth_hm
from evisynth_hm.references import exact_results

YI = [-0.8893, -1.5854, -1.3481, -1.4416, -0.2175]
VI = [0.3256, 0.1946, 0.4154, 0.0200, 0.0512]


def registry() -> es.Registry:
    """Make a registry that has the plugin, installed or not."""
    made = es.Registry()
    if "HM" not in [estimator.name for estimator in made.all(es.Tau2Estimator)]:
        made.register(evisynth_hm, "evisynth-hm:hm")
    return made


def test_it_keeps_the_laws_of_its_kinds() -> None:
    assert {record.kind: record.name for record in check_plugin(evisynth_hm)} == {
        "Tau2Estimator": "HM",
        "ReferenceSet": "hm",
    }


@strategies.examples(50)
@given(sample=strategies.samples(least=2))
def test_it_is_positive_wherever_effects_differ(sample: strategies.Sample) -> None:
    y, v = sample
    tau2 = float(evisynth_hm.hartung_makambi(y, v, es.intercept(y.size)))
    assert tau2 > 0 if np.ptp(y) > 0 else tau2 == 0


def test_its_results_are_exact() -> None:
    found = list(exact_results(es.Asked(registry())))
    assert len(found) == 5
    assert [one for one in found if one.verdict != "agrees"] == []


def test_it_is_a_word_of_every_fit() -> None:
    analysis = es.fit(es.Effects(YI, VI), tau2="HM", registry=registry())
    assert analysis.heterogeneity.tau2 == pytest.approx(0.3795, abs=5e-5)
    assert "Hartung & Makambi (2003)" in " ".join(analysis.references)


def test_it_takes_moderators() -> None:
    effects = es.Effects(YI, VI)
    analysis = es.fit(effects, tau2="HM", moderators={"latitude": [44, 55, 42, 52, 13]}, registry=registry())
    assert analysis.heterogeneity.tau2 is not None
    assert analysis.heterogeneity.tau2 > 0
    assert list(analysis.coefficients) == ["intercept", "latitude"]


def test_it_fits_many_analyses_at_once() -> None:
    table = {"trial": [1] * 5 + [2] * 4, "yi": [*YI, *YI[:4]], "vi": [*VI, *VI[:4]]}
    many = es.fit_many(table, by="trial", tau2="HM", registry=registry())
    for row, k in enumerate((5, 4)):
        one = es.fit(es.Effects(YI[:k], VI[:k]), tau2="HM", registry=registry())
        assert many["tau2"].iloc[row] == pytest.approx(one.heterogeneity.tau2, rel=1e-12)
