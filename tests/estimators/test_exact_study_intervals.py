"""Intervals for single studies agree with 50-digit arithmetic, by the equations that define them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from mpmath.ctx_mp import MPContext  # mpmath has no annotations

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., es.Studies]

mp = cast("Any", MPContext())
mp.dps = 50
EXACT = 1e-12
CLOSED = 1e-13
EVENTS = (0, 1, 2, 5, 12, 37, 99, 100, 3, 1_999, 1, 1)
PEOPLE = (10, 1, 10_000, 9, 40, 37, 100, 100, 1_000_000, 4_000, 2, 90)
LEVEL = 0.95


def slope(tail: Callable[[Any], Any], at: float) -> Any:  # noqa: ANN401 - mpmath's own numbers
    return abs(mp.diff(tail, mp.mpf(at)))


def limits(name: str, level: float = LEVEL) -> tuple[Any, Any]:
    record = es.default_registry().get(es.StudyInterval, name)
    column = "time" if name == "Poisson" else "n"
    made = record.function(
        events=np.array(EVENTS, dtype=float), level=level, **{column: np.array(PEOPLE, dtype=float) / 1.0}
    )
    return made[0].tolist(), made[1].tolist()


def z_of(level: float) -> Any:  # noqa: ANN401 - mpmath's own numbers
    return mp.sqrt(2) * mp.erfinv(mp.mpf(level))


def at_most(x: int, n: int, p: float) -> Any:  # noqa: ANN401 - mpmath's own numbers
    """Probability of x events or fewer."""
    return mp.mpf(1) if x >= n else mp.betainc(n - x, x + 1, 0, 1 - mp.mpf(p), regularized=True)


def test_clopper_pearson_leaves_half_the_rest_on_each_side() -> None:
    """The equations of the limits, and the slope of the tail by the limit: how far a double may be off."""
    tail = (1 - mp.mpf(LEVEL)) / 2
    for x, n, low, high in zip(EVENTS, PEOPLE, *limits("CP"), strict=True):

        def or_more(p: float, x: int = x, n: int = n) -> Any:  # noqa: ANN401 - mpmath's own numbers
            return 1 - at_most(x - 1, n, p)

        def or_fewer(p: float, x: int = x, n: int = n) -> Any:  # noqa: ANN401 - mpmath's own numbers
            return at_most(x, n, p)

        for limit, none, function, end in ((low, x == 0, or_more, 0.0), (high, x == n, or_fewer, 1.0)):
            if none:
                assert limit == end
            else:
                assert abs(function(limit) - tail) <= EXACT * slope(function, limit) * limit, (x, n, limit)


def test_poisson_leaves_half_the_rest_on_each_side() -> None:
    tail = (1 - mp.mpf(LEVEL)) / 2
    for x, time, low, high in zip(EVENTS, PEOPLE, *limits("Poisson"), strict=True):
        if x == 0:
            assert low == 0.0
        else:
            mean = mp.mpf(low) * time
            slope = mp.exp((x - 1) * mp.log(mean) - mean - mp.loggamma(x)) * mean
            assert abs(mp.gammainc(x, 0, mean, regularized=True) - tail) <= EXACT * slope, (x, time)
        mean = mp.mpf(high) * time
        slope = mp.exp(x * mp.log(mean) - mean - mp.loggamma(x + 1)) * mean
        assert abs(mp.gammainc(x + 1, mean, mp.inf, regularized=True) - tail) <= EXACT * slope, (x, time)


@pytest.mark.parametrize(("name", "nearer"), [("WS", 0.0), ("WSCC", 0.5)])
def test_wilson_solves_the_score_equation(name: str, nearer: float) -> None:
    z = z_of(LEVEL)
    for x, n, low, high in zip(EVENTS, PEOPLE, *limits(name), strict=True):
        for limit, seen in ((low, max(x - nearer, 0.0)), (high, min(x + nearer, n))):
            # (p - limit)² = z² limit (1 - limit)/n, solved for the limit.
            p, a = mp.mpf(seen) / n, 1 + z * z / n
            b = 2 * p + z * z / n
            root = mp.sqrt(max(b * b - 4 * a * p * p, 0))
            truth = (b - root if limit == low else b + root) / (2 * a)
            assert abs(limit - truth) <= CLOSED * truth, (x, n, limit)


def test_agresti_and_coull() -> None:
    z = z_of(LEVEL)
    for x, n, low, high in zip(EVENTS, PEOPLE, *limits("AC"), strict=True):
        total = n + z * z
        p = (x + z * z / 2) / total
        half = z * mp.sqrt(p * (1 - p) / total)
        assert abs(low - max(p - half, 0)) <= CLOSED * p
        assert abs(high - min(p + half, 1)) <= CLOSED


@pytest.mark.parametrize(("name", "step"), [("SA", 0.0), ("SACC", 0.5)])
def test_simple_approximation(name: str, step: float) -> None:
    z = z_of(LEVEL)
    for x, n, low, high in zip(EVENTS, PEOPLE, *limits(name), strict=True):
        p = mp.mpf(x) / n
        half = z * mp.sqrt(p * (1 - p) / n) + mp.mpf(step) / n
        assert abs(low - max(p - half, 0)) <= CLOSED * (p + half)
        assert abs(high - min(p + half, 1)) <= CLOSED * (p + half)


def test_published_limits() -> None:
    """Newcombe (1998), Stat. Med. 17:857-872, table I: 81 of 263, 15 of 148, 0 of 20 and 1 of 29."""
    events, n = np.array([81.0, 15.0, 0.0, 1.0]), np.array([263.0, 148.0, 20.0, 29.0])
    published = {
        "SA": ((0.2522, 0.0527, 0.0, 0.0), (0.3638, 0.1500, 0.0, 0.1009)),
        "SACC": ((0.2503, 0.0494, 0.0, 0.0), (0.3657, 0.1534, 0.0250, 0.1181)),
        "WS": ((0.2553, 0.0624, 0.0, 0.0061), (0.3662, 0.1605, 0.1611, 0.1718)),
        "WSCC": ((0.2535, 0.0598, 0.0, 0.0018), (0.3682, 0.1644, 0.2005, 0.1963)),
        "CP": ((0.2527, 0.0578, 0.0, 0.0009), (0.3676, 0.1617, 0.1684, 0.1776)),
    }
    for name, (low, high) in published.items():
        made = es.default_registry().get(es.StudyInterval, name).function(events=events, n=n, level=LEVEL)
        np.testing.assert_array_equal(np.round(made[0], 4), low, err_msg=name)
        np.testing.assert_array_equal(np.round(made[1], 4), high, err_msg=name)


# -- in results -------------------------------------------------------------------------------------------------------

GROUPS = {"events": [0.0, 3.0, 12.0], "n": [10.0, 40.0, 12.0]}


@pytest.mark.parametrize("measure", ["PR", "PLN", "PLO", "PRZ", "PAS", "PFT"])
@pytest.mark.parametrize("interval", ["CP", "WS", "WSCC", "AC", "SA", "SACC"])
def test_readers_see_the_same_limits_on_every_scale(measure: str, interval: str, make_studies: Make) -> None:
    events, n = np.array(GROUPS["events"]), np.array(GROUPS["n"])
    low, high = es.default_registry().get(es.StudyInterval, interval).function(events=events, n=n, level=LEVEL)
    analysis = es.fit(make_studies(**GROUPS), measure, study_interval=interval, settings="metafor")
    for i, study in enumerate(analysis.studies):
        assert study.display is not None
        assert study.ci_low is not None
        assert study.ci_high is not None
        assert (study.display.ci_low, study.display.ci_high) == (low[i], high[i])
        scale = analysis.effects.scale_of([i])
        for limit, shown in ((study.ci_low, low[i]), (study.ci_high, high[i])):
            assert scale.show(limit) == pytest.approx(shown, rel=1e-9, abs=1e-9)
        assert study.ci_low <= study.ci_high
    # The logit of 0 is no number: null, with a reason.
    document = analysis.to_dict()
    if measure in {"PLN", "PLO", "PRZ"}:
        assert document["studies"][0]["ci_low"] is None
        assert document["reasons"]["studies.0.ci_low"]


def test_the_preset_of_meta_takes_exact_limits_for_proportions_alone(make_studies: Make) -> None:
    studies = make_studies(**GROUPS, time=[5.0, 6.0, 7.0])
    assert es.fit(studies, "PLOGIT", settings="meta").settings.study_interval == "CP"
    assert es.fit(studies, "IRLN", settings="meta").settings.study_interval is None
    assert es.fit(studies, "PLOGIT", settings="meta", study_interval=None).settings.study_interval is None
    assert es.fit(studies, "PLOGIT", settings="metafor").settings.study_interval is None


def test_names_of_meta_are_other_names() -> None:
    registry = es.default_registry()
    for also, name in (("PRAW", "PR"), ("plogit", "PLO"), ("ASD", "AS")):
        assert registry.get(es.EffectMeasure, also).name == name
    assert [record.name for record in registry.all(es.EffectMeasure)].count("PLO") == 1


def test_no_plugin_takes_another_name_that_is_taken() -> None:
    class Plugin:
        @es.hookimpl
        def effect_measures(self) -> list[es.EffectMeasure]:
            record = es.default_registry().get(es.EffectMeasure, "RR")
            return [es.EffectMeasure("PLOGIT", record.function, label="X", scale="log", reference="Nobody (2020)")]

    registry = es.Registry()
    with pytest.warns(es.PluginWarning, match=r"EffectMeasure 'PLOGIT' is taken by plugin 'proportions'"):
        registry.register(Plugin())


def test_an_interval_of_another_measure_is_refused_by_name(make_studies: Make) -> None:
    with pytest.raises(es.CombinationError, match=r"study interval 'CP' is for PAS, .*, not IR: choose 'NAsm'"):
        es.fit(make_studies(events=[1.0], time=[2.0]), "IR", study_interval="CP")
    with pytest.raises(es.UnknownMethodError, match="no StudyInterval named 'XX'"):
        es.fit(make_studies(**GROUPS), "PR", study_interval="XX")


def test_effects_without_their_counts_have_normal_limits_and_a_warning() -> None:
    given = es.Effects([-1.0, 0.5], [0.04, 0.09], measure="PLO", scale="linear")
    analysis = es.fit(given, settings="meta", study_interval="CP")
    z = float(z_of(LEVEL))
    for study, half in zip(analysis.studies, (0.2 * z, 0.3 * z), strict=True):
        assert study.effect is not None
        assert study.ci_low == pytest.approx(study.effect - half, rel=1e-14)
    assert "2 of the studies' intervals are normal: CP needs events and n of each study" in analysis.warnings


@pytest.mark.parametrize("settings", ["metafor", "meta"])
def test_limits_of_a_falling_scale_change_places(settings: str, make_studies: Make) -> None:
    """Vaccine efficacy is 1 - RR: the upper limit of the log risk ratio is the lower one of efficacy."""
    studies = make_studies(events_1=[1.0, 5.0], n_1=[100.0, 120.0], events_2=[9.0, 12.0], n_2=[100.0, 110.0])
    ratio, efficacy = (es.fit(studies, measure, settings=settings) for measure in ("RR", "VE"))
    assert efficacy.settings.method == {"metafor": "IV", "meta": "MH"}[settings]
    for one, other in (
        (ratio.display, efficacy.display),
        *((a.display, b.display) for a, b in zip(ratio.studies, efficacy.studies, strict=True)),
    ):
        assert one is not None
        assert other is not None
        assert other.value == pytest.approx(1 - one.value, rel=1e-13)
        assert other.ci_low == pytest.approx(1 - one.ci_high, rel=1e-13)
        assert other.ci_high == pytest.approx(1 - one.ci_low, rel=1e-13)
    assert ratio.pooled is not None
    assert efficacy.pooled is not None
    assert ratio.pooled.value == efficacy.pooled.value
    assert not math.isnan(ratio.pooled.value)
