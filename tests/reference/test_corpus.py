"""The certified corpus: its form, how it is made, and every estimator of τ² against all of it."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

import evisynth as es
from evisynth.registry import OWN_DISTRIBUTION
from evisynth_validation import corpus
from evisynth_validation.corpus import generate, proof
from evisynth_validation.corpus.integers import Scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_validation.corpus import CertifiedSet, Pooled

OURS = [
    record.name
    for record in es.default_registry().all(es.Tau2Estimator)
    if es.default_registry().provider(record).distribution == OWN_DISTRIBUTION
]
CLOSED = ("DL", "HE", "GENQ", "HS", "HSk", "SJ")
CLOSED_TOLERANCE, ITERATIVE_TOLERANCE = 1e-13, 1e-12
SLOW = ("GENQM",)
SHARE = 5
"""What takes long is tried on each fifth set every day, and on all in a sweep."""
SPARE = 41
"""The set that a check of a handful starts with, and how far apart they are: from one regime to the next."""
LONGEST_TO_DERIVE = 12
LONGEST_TO_PROVE = 5
DIGITS = 40


@cache
def every() -> tuple[CertifiedSet, ...]:
    return tuple(corpus.sets())


def design(one: CertifiedSet) -> tuple[es.FloatArray, es.FloatArray, es.FloatArray]:
    return np.array(one.y), np.array(one.v), np.ones((len(one.y), 1))


def apart(value: object, truth: str, size: float = 0.0) -> float:
    """Relative distance; a truth of 0 is measured by the size of what adds up to it."""
    held, exact = float(np.asarray(value, dtype=np.float64).reshape(())), float(truth)
    return 0.0 if held == exact else abs(held - exact) / (abs(exact) or size or 1.0)


def misses(one: CertifiedSet, pooled: Pooled, tau2: float, tolerance: float) -> dict[str, float]:
    """Pool at a τ² and say by how many tolerances effect and standard error miss."""
    y, v, X = design(one)
    fit = es.weighted_fit(y, 1 / (v + tau2), X)
    effect = apart(fit.coefficients, pooled.effect, max(abs(y)))
    se = apart(np.sqrt(fit.covariance), pooled.se)
    return {
        "effect": effect / (tolerance * pooled.cond_effect),
        "se": se / (tolerance * pooled.cond_se),
    }


def test_the_file_says_what_is_in_it() -> None:
    about = corpus.about()
    assert Counter(one.regime for one in every()) == about["regimes"]
    assert len(every()) == about["sets"] >= 500
    assert [one.id for one in every()] == [f"c{number:03d}" for number in range(1, len(every()) + 1)]
    assert {len(one.y) for one in every()} >= {1, 2, 3, 200}
    assert about == generate.about({key: about[key] for key in ("generated", "mpmath")})


def test_every_number_has_its_digits_and_nothing_is_silently_absent() -> None:
    for line in corpus.lines()[1:]:
        held = json.loads(line)
        assert len(held["y"]) == len(held["v"]) == held["k"]
        for part in (*held["estimates"].values(), *held["limits"].values(), held["common"]):
            assert all(value is not None for value in part.values()) or "reason" in part or part["modes"] == 1
            for name, value in part.items():
                if isinstance(value, str) and name not in {"reason", "same_as"} and value != "0":
                    digits = value.lower().split("e")[0].lstrip("-").replace(".", "").lstrip("0")
                    assert len(digits) == DIGITS, (held["id"], name, value)


def test_a_handful_derived_again_has_the_same_bytes() -> None:
    chosen = [line for line in corpus.lines()[1 + SPARE :: SPARE] if json.loads(line)["k"] <= LONGEST_TO_DERIVE][:5]
    assert chosen
    assert [generate.rederived(line) for line in chosen] == chosen


def test_the_number_of_maxima_is_proved_where_there_are_several() -> None:
    several = [one for one in every() if (one.estimates["REML"].modes or 0) > 1 and len(one.y) <= LONGEST_TO_PROVE]
    assert several
    for one in several:
        assert proof.modes(one, restricted=True) == one.estimates["REML"].modes, one.id


@pytest.mark.parametrize("name", OURS)
def test_every_estimator(name: str) -> None:
    compare(name, every()[:: SHARE if name in SLOW else 1])


@pytest.mark.sweep
@pytest.mark.parametrize("name", SLOW)
def test_the_slow_ones_on_all_sets(name: str) -> None:
    compare(name, every())


def compare(name: str, chosen: Sequence[CertifiedSet]) -> None:
    """Hold an estimator to its tolerance on some sets."""
    estimator = es.default_registry().get(es.Tau2Estimator, name)
    tolerance = CLOSED_TOLERANCE if name in CLOSED else ITERATIVE_TOLERANCE
    worst: dict[str, tuple[float, str]] = {}
    for one in chosen:
        truth = one.estimates[name]
        if truth.tau2 is None or truth.pooled is None:
            assert truth.reason
            continue
        found = estimator.function(*design(one))
        assert isinstance(found, es.Tau2Fit)
        tau2 = max(float(found.tau2), 0.0)
        seen = {"tau2": apart(found.tau2, truth.untruncated or truth.tau2) / (tolerance * truth.cond)}
        seen |= misses(one, truth.pooled, tau2, tolerance)
        if truth.modes is not None and truth.log_likelihood is not None and truth.log_likelihood_scale is not None:
            assert found.modes is not None
            assert found.log_likelihood is not None
            assert int(found.modes) == truth.modes, one.id
            miss = abs(float(found.log_likelihood) - float(truth.log_likelihood))
            seen["log_likelihood"] = miss / (tolerance * truth.log_likelihood_scale)
        worst = {key: max(worst.get(key, (0.0, "")), (value, one.id)) for key, value in seen.items()}
    assert all(value <= 1 for value, _ in worst.values()), worst


@pytest.mark.parametrize("likelihood", ["ML", "REML"])
def test_every_limit(likelihood: str) -> None:
    compare_limits(likelihood, every()[::SHARE])


@pytest.mark.sweep
@pytest.mark.parametrize("likelihood", ["ML", "REML"])
def test_every_limit_on_all_sets(likelihood: str) -> None:
    compare_limits(likelihood, every())


def compare_limits(likelihood: str, chosen: Sequence[CertifiedSet]) -> None:
    """Hold both kinds of limits to their tolerance on some sets."""
    worst: dict[str, tuple[float, str]] = {}
    for one in chosen:
        if len(one.y) == 1:
            assert all(held.reason for held in one.limits.values())
            continue
        fit = es.fit(es.Effects(*design(one)[:2]), tau2=likelihood, settings="metafor").model.fit
        assert fit is not None
        for name, stored in (("QP", "QP"), ("PL", f"PL_{likelihood}")):
            record = es.default_registry().get(es.Tau2Interval, name)
            found = record.function(fit, 0.95, **({"estimator": likelihood} if name == "PL" else {}))
            truth = one.limits[stored]
            if truth.lower is None or truth.upper is None:
                assert truth.reason
                assert bool(found.empty), one.id
                continue
            lower = apart(found.low, truth.lower) / (ITERATIVE_TOLERANCE * truth.cond_lower)
            upper = apart(found.high, truth.upper) / (ITERATIVE_TOLERANCE * truth.cond_upper)
            worst[stored] = max(worst.get(stored, (0.0, "")), (max(lower, upper), one.id))
    assert all(value <= 1 for value, _ in worst.values()), worst


def test_common_effect_and_q() -> None:
    for one in every():
        y, v, X = design(one)
        fit = es.weighted_fit(y, 1 / v, X)
        assert fit.dof == one.common.df
        assert apart(fit.rss, one.common.q) <= CLOSED_TOLERANCE, one.id
        assert max(misses(one, one.common.pooled, 0.0, CLOSED_TOLERANCE).values()) <= 1, one.id


@pytest.mark.sweep
@pytest.mark.parametrize("restricted", [False, True])
def test_a_grid_of_another_kind_finds_the_same_maxima(restricted: bool) -> None:  # noqa: FBT001 - a parameter
    name = "REML" if restricted else "ML"
    for one in every():
        if len(one.y) == 1:
            continue
        scores = Scores(one.y, one.v, restricted=restricted)
        least, most = min(one.v), max(max(one.v), 2 * len(one.y) * float(np.var(one.y)))  # noqa: PLW3301 - typed so
        # Even in log(τ² + min v), from 0, and three times as dense as the grid of the corpus.
        points = least * np.expm1(np.linspace(0, np.log1p(4 * most / least), max(1000, 2 * len(one.y))))
        above = [scores.relative(float(point)) > 0 for point in points]
        falls = sum(one and not other for one, other in pairwise(above)) + (not above[0])
        assert falls == one.estimates[name].modes, one.id
