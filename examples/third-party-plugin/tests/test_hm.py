"""Check the plugin by the laws of its kind, and against the numbers of its formula."""

import evisynth as es
import numpy as np
import pytest
from evisynth.testing import check_plugin

import evisynth_hm

YI = [-0.8893, -1.5854, -1.3481, -1.4416, -0.2175]
VI = [0.3256, 0.1946, 0.4154, 0.0200, 0.0512]


def registry() -> es.Registry:
    """Make a registry that has the plugin, installed or not."""
    made = es.Registry()
    if "HM" not in [estimator.name for estimator in made.all(es.Tau2Estimator)]:
        made.register(evisynth_hm, "evisynth-hm:hm")
    return made


def test_it_keeps_the_laws_of_estimators() -> None:
    (record,) = check_plugin(evisynth_hm)
    assert record.name == "HM"


def test_it_is_a_word_of_every_fit() -> None:
    analysis = es.fit(es.Effects(YI, VI), tau2="HM", registry=registry())
    y, w = np.array(YI), 1 / np.array(VI)
    q = float((w * (y - (w * y).sum() / w.sum()) ** 2).sum())
    c = float(w.sum() - (w * w).sum() / w.sum())
    assert analysis.heterogeneity.tau2 == pytest.approx(q**2 / ((2 * (len(y) - 1) + q) * c), rel=1e-12)
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


def test_it_is_positive_where_others_are_zero() -> None:
    analysis = es.fit(es.Effects([0.1, 0.11, 0.12], [1.0, 1.0, 1.0]), tau2="HM", registry=registry())
    assert analysis.heterogeneity.tau2 is not None
    assert analysis.heterogeneity.tau2 > 0
