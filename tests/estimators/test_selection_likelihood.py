"""The likelihood of selection models: against 20 digits, and its derivatives against differences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from evisynth_estimators import selection_functions as functions
from evisynth_estimators.selection_fit import Plan, Sample
from evisynth_estimators.selection_likelihood import SelectionLikelihood
from evisynth_estimators.selection_plans import SmoothOptions, smooth_plan, step_plan
from evisynth_estimators.selection_steps import intervals_of_p, steps_of
from evisynth_validation.mpmath.selection import log_likelihood, mpmath

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import FloatArray

EXACT = 1e-12
Y = np.array([0.62, -0.21, 1.9])
V = np.array([0.04, 0.16, 0.0625])
ONE = np.ones((3, 1))
C = 1e-5


def censored(p: Any, low: float = C, high: float = C) -> Any:  # noqa: ANN401 - a number of mpmath
    return min(max(p, mpmath.mpf(low)), 1 - mpmath.mpf(high))


SMOOTH: dict[str, tuple[functions.WeightFunction, tuple[float, ...], Callable[[Any], Any], tuple[float, ...]]] = {
    "beta": (
        functions.BETA,
        (0.4, 3.5),
        lambda p: censored(p) ** mpmath.mpf("-0.6") * (1 - censored(p)) ** mpmath.mpf("2.5"),
        (C, 1 - C),
    ),
    "beta, infinite at both ends": (
        functions.BETA,
        (0.2, 0.5),
        lambda p: censored(p) ** mpmath.mpf("-0.8") * (1 - censored(p)) ** mpmath.mpf("-0.5"),
        (C, 1 - C),
    ),
    "half-normal": (functions.HALF_NORMAL, (7.0,), lambda p: mpmath.exp(-7 * p**2), ()),
    "negative exponential": (functions.NEGATIVE_EXPONENTIAL, (4.0,), lambda p: mpmath.exp(-4 * p), ()),
    "steep": (functions.NEGATIVE_EXPONENTIAL, (5e4,), lambda p: mpmath.exp(-50000 * p), (1e-5, 1e-4, 1e-3)),
    "logistic": (
        functions.LOGISTIC,
        (9.0,),
        lambda p: 2 * mpmath.exp(-9 * p) / (1 + mpmath.exp(-9 * p)),
        (),
    ),
    "power": (functions.POWER, (3.0,), lambda p: (1 - min(p, 1 - mpmath.mpf(C))) ** 3, (1 - C,)),
    "power, of a small exponent": (
        functions.POWER,
        (0.25,),
        lambda p: (1 - min(p, 1 - mpmath.mpf(C))) ** mpmath.mpf("0.25"),
        (1 - C,),
    ),
    "negative exponential power": (
        functions.NEGATIVE_EXPONENTIAL_POWER,
        (3.0, 2.5),
        lambda p: mpmath.exp(-3 * p ** (1 / mpmath.mpf("2.5"))),
        (),
    ),
    "negative exponential power, severe": (
        functions.NEGATIVE_EXPONENTIAL_POWER,
        (30.0, 16.0),
        lambda p: mpmath.exp(-30 * p ** (1 / mpmath.mpf(16))),
        (),
    ),
    "negative exponential power, late": (
        functions.NEGATIVE_EXPONENTIAL_POWER,
        (5.0, 0.25),
        lambda p: mpmath.exp(-5 * p**4),
        (),
    ),
}


def smooth(name: str, *, two_sided: bool, width: float = 0.5, **words: Any) -> tuple[Plan, FloatArray]:  # noqa: ANN401 - options
    function, delta, _, _ = SMOOTH[name]
    group = np.zeros(3, dtype=np.int64)
    options = SmoothOptions(
        function=function,
        two_sided=two_sided,
        group=words.get("group", group),
        precision=words.get("precision"),
        alpha=words.get("alpha"),
        censor=(C, C),
        delta=None,
    )
    plan = smooth_plan(sample_of(), options, width)
    return plan, np.array(
        [functions.SCALES[scale].of(value) for scale, value in zip(function.scales, delta, strict=False)]
    )


def sample_of(X: FloatArray = ONE) -> Sample:
    return Sample.of(Y, V, X, common=False)


def at(plan: Plan, u: FloatArray, mean: float, tau2: float) -> float:
    sample = sample_of()
    likelihood = SelectionLikelihood.of(sample.y, sample.v, sample.X, sample.centre, plan.selection)
    rho = sample.rho(tau2)
    lam = rho * (mean - float(sample.centre[0])) / math.sqrt(sample.unit)
    return likelihood.at(np.array([lam, rho, *u])).value


@pytest.mark.parametrize(
    ("name", "two_sided"),
    [*((name, False) for name in SMOOTH), *((name, True) for name in ("half-normal", "power, of a small exponent"))],
)
def test_smooth_weights_against_20_digits(name: str, two_sided: bool) -> None:  # noqa: FBT001 - a parameter
    _, _, weight, kinks = SMOOTH[name]
    plan, u = smooth(name, two_sided=two_sided)
    mean, tau2 = (-0.4, 0.0) if two_sided else (0.3, 0.05)
    truth = log_likelihood(
        Y.tolist(), V.tolist(), mean=mean, tau2=tau2, weight=weight, kinks=kinks, two_sided=two_sided
    )
    assert at(plan, u, mean, tau2) == pytest.approx(float(truth), rel=EXACT, abs=EXACT)


@pytest.mark.parametrize("two_sided", [False, True])
def test_steps_against_20_digits(two_sided: bool) -> None:  # noqa: FBT001 - a parameter
    cuts, delta = (0.025, 0.1, 0.5), (1.0, 0.7, 0.4, 0.05)

    def weight(p: Any) -> Any:  # noqa: ANN401 - a number of mpmath
        return mpmath.mpf(delta[sum(p > cut for cut in cuts)])

    intervals = intervals_of_p(Y / np.sqrt(V), cuts, two_sided=two_sided)
    steps = steps_of(intervals, np.zeros(3, dtype=np.int64), delta, decreasing=False)
    for mean, tau2 in ((0.3, 0.05),) if two_sided else ((0.3, 0.05), (-2.0, 1.0)):
        truth = log_likelihood(
            Y.tolist(), V.tolist(), mean=mean, tau2=tau2, weight=weight, kinks=cuts, two_sided=two_sided
        )
        assert at(step_plan(steps), np.zeros(0), mean, tau2) == pytest.approx(float(truth), rel=EXACT)


def test_a_limit_of_an_infinite_mean_is_an_exponential_density() -> None:
    # With weight 0 up to z = 1 and τ² → ∞ with a mean of -τ² a, z - 1 is exponential with the rate a·SE.
    y, v, rate = np.array([1.3, 2.0]), np.array([1.0, 0.25]), 1.7
    sample = Sample.of(y, v, np.ones((2, 1)), common=False)
    p = float(mpmath.erfc(1 / mpmath.sqrt(2)) / 2)
    steps = steps_of(
        intervals_of_p(y / np.sqrt(v), (p,), two_sided=False), np.zeros(2, dtype=np.int64), None, decreasing=False
    )
    likelihood = SelectionLikelihood.of(y, v, sample.X, np.zeros(1), steps.selection)
    rho = 1e-13
    seen = likelihood.at(np.array([-rate * math.sqrt(sample.unit), rho])).value
    assert seen == pytest.approx(
        sum(math.log(rate) - rate * (a - math.sqrt(b)) for a, b in zip(y, v, strict=True)), abs=1e-9
    )


CASES: dict[str, tuple[str, bool, dict[str, Any]]] = {
    **{name: (name, False, {}) for name in SMOOTH},
    "two-sided": ("beta", True, {}),
    "precision": ("logistic", False, {"precision": np.sqrt(V) / 0.4}),
    "threshold": ("negative exponential power", True, {"alpha": 0.1}),
    "groups": ("beta", False, {"group": np.array([0, 1, -1])}),
    "groups with two parameters that bend": ("negative exponential power", False, {"group": np.array([0, 1, -1])}),
}


@pytest.mark.parametrize("name", CASES)
def test_derivatives_of_smooth_weights(name: str) -> None:
    function, two_sided, words = CASES[name]
    plan, u = smooth(function, two_sided=two_sided, **words)
    if "group" in words:
        u = np.concatenate([u, 1.2 * u])
    derivatives_agree(plan, u)


def test_derivatives_of_steps() -> None:
    intervals = intervals_of_p(Y / np.sqrt(V), (0.1, 0.5), two_sided=False)
    for group in (np.zeros(3), np.array([0, 1, -1])):
        for decreasing in (False, True):
            steps = steps_of(intervals, group.astype(np.int64), None, decreasing=decreasing)
            derivatives_agree(step_plan(steps), np.linspace(0.5, 0.9, len(steps.low)))


def derivatives_agree(plan: Plan, u: FloatArray) -> None:
    """Compare with central differences, of the value and of the gradient."""
    X = np.column_stack([np.ones(3), [0.3, -1.0, 0.2]])
    sample = sample_of(X)
    likelihood = SelectionLikelihood.of(sample.y, sample.v, sample.X, sample.centre, plan.selection)
    x = np.array([0.2, -0.1, sample.rho(0.02), *u])
    here = likelihood.at(x)
    assert np.allclose(here.hessian, here.hessian.T, rtol=1e-14, atol=0.0)
    for place in range(x.size):
        step = np.zeros(x.size)
        step[place] = 1e-5 * max(1.0, abs(x[place]))
        high, low = likelihood.at(x + step), likelihood.at(x - step)
        size = 2.0 * step[place]
        slope = (high.value - low.value) / size
        assert here.gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-8)
        bend = (high.gradient - low.gradient) / size
        assert here.hessian[place] == pytest.approx(bend, rel=1e-6, abs=1e-6 * float(np.abs(bend).max()) + 1e-9)
