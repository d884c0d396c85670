"""Every record that names an R call is compared with it, a third party's too; what is not compared says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import evisynth as es
from evisynth.validation.live_r import LiveReason, live_comparison, live_r, live_reasons, reason_before, versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth.validation.r_session import RSession

SIDIK_JONKMAN = "metafor::rma(yi, vi, method='SJ')"
SHARE = frozenset(
    {
        ("EffectMeasure", "OR"),
        ("EffectMeasure", "SMCC"),
        ("Tau2Estimator", "PM"),
        ("PoolingModel", "MH"),
        ("PoolingModel", "Peto"),
        ("IntervalMethod", "HK"),
        ("PredictionInterval", "S"),
        ("Tau2Interval", "QP"),
        ("BiasTest", "Egger"),
        ("Adjustment", "trim-and-fill"),
        ("Conversion", "log-or-to-rr"),
        ("Route", "d"),
    }
)


def third_party(factor: float) -> es.Registry:
    """Register an estimator of someone else's: Sidik and Jonkman's (2005), times a factor."""

    def own_sj(y: es.FloatArray, v: es.FloatArray, X: es.FloatArray) -> es.FloatArray:
        """Match the residuals about a first guess of τ²."""
        k, p = X.shape
        first = np.asarray(((y - y.mean(axis=0)) ** 2).mean(axis=0))
        return np.asarray(factor * es.weighted_fit(y, 1.0 / (v / first + 1.0), X).rss / (k - p))

    record = es.Tau2Estimator(
        "own SJ", own_sj, reference="Sidik & Jonkman (2005), J. R. Stat. Soc. C 54:367-384", r_equivalent=SIDIK_JONKMAN
    )

    class Plugin:
        @es.hookimpl
        def tau2_estimators(self) -> list[es.Tau2Estimator]:
            return [record]

    registry = es.Registry()
    registry.register(Plugin(), "own-sj")
    return registry


@pytest.mark.live_r
@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "agrees"), (1.0 + 1e-6, "differs")])
def test_an_estimator_of_a_third_party(factor: float, verdict: str, r_session: RSession) -> None:
    asked = es.Asked(registry=third_party(factor), keys=frozenset({("Tau2Estimator", "own SJ")}))
    made = list(live_comparison(asked, r_session))
    plain = [one for one in made if isinstance(one, es.Agreement) and "moderator" not in one.case]
    assert len(plain) == 9
    assert {one.quantity for one in plain} == {"tau2"}
    assert {one.verdict for one in plain} == {verdict}


@pytest.mark.live_r
def test_one_method_of_each_kind(r_session: RSession) -> None:
    made = list(live_comparison(es.Asked(keys=SHARE, quick=True), r_session))
    agreements = [one for one in made if isinstance(one, es.Agreement)]
    assert [one for one in agreements if one.verdict != "agrees"] == []
    assert {key for one in agreements for key in one.methods} == SHARE
    assert [one for one in made if isinstance(one, LiveReason) and not one.case] == []


@pytest.mark.live_r
@pytest.mark.sweep
def test_no_method_is_without_an_agreement_or_a_reason(r_session: RSession) -> None:
    made = list(live_comparison(es.Asked(quick=True), r_session))
    agreements = [one for one in made if isinstance(one, es.Agreement)]
    assert [one for one in agreements if one.verdict != "agrees"] == []
    compared = {key for one in agreements for key in one.methods}
    apart = {one.method for one in made if isinstance(one, LiveReason)}
    assert len(compared) > 100
    assert compared | apart == {(method.kind, method.name) for method, _ in es.default_registry()}


@pytest.mark.live_r
def test_reasons_have_their_type(r_version: Callable[[str], tuple[int, ...] | None], r_session: RSession) -> None:
    def of(call: str | None, lowest: str | None = None) -> str:
        record = es.Tau2Estimator("X", np.asarray, reference="none", r_equivalent=call, r_version=lowest)
        reason = reason_before(record, r_session, "")
        return "" if reason is None else f"{reason.why}: {reason.text}"

    shown = ".".join(map(str, r_version("metafor") or ()))
    assert of(None) == "no call: the record names no R call"
    assert of("metafor::rma(yi, vi)", "metafor 99.1") == f"version: needs metafor 99.1, and {shown} is installed"
    assert of("no.such::rma(yi, vi)") == "no package: R has no package no.such"
    assert of(SIDIK_JONKMAN, "metafor 3.0") == ""
    keys = frozenset({("Tau2Estimator", "own SJ")})
    registry = third_party(1.0)
    (record,) = [one for one in registry.all(es.Tau2Estimator) if one.name == "own SJ"]
    object.__setattr__(record, "r_equivalent", "metafor::rma(yi, vi, method='no such')")
    (failed,) = live_comparison(es.Asked(registry=registry, keys=keys), r_session)
    assert isinstance(failed, LiveReason)
    assert failed.why == "failed"
    assert failed.text.startswith("R says: Unknown 'method' specified")


def test_without_r_every_method_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    keys = frozenset({("Tau2Estimator", "DL"), ("Tau2Estimator", "HM")})
    asked = es.Asked(keys=keys)
    assert list(live_r(asked)) == []
    assert {(one.method[1], one.why) for one in live_reasons(asked)} == {("DL", "no R"), ("HM", "no call")}
    assert versions() == {"R": "R is not installed"}
