"""Selection models find the highest maximum: on simulated data sets no climb from a random place ends higher."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from evisynth_estimators import selection_functions as functions
from evisynth_estimators.selection_climb import climb
from evisynth_estimators.selection_fit import Fitted, Sample
from evisynth_estimators.selection_likelihood import SelectionLikelihood
from evisynth_estimators.selection_plans import SmoothOptions, cut_plan, fit_estimated_cut, fit_smooth, fit_steps
from evisynth_estimators.selection_steps import intervals_of_effect, intervals_of_p

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evisynth import FloatArray

SHORT = 1e-6
STARTS = 50
SELECTIONS = {"none": (1.0, 1.0), "moderate": (0.6, 0.3), "severe": (0.2, 0.05), "all but total": (0.02, 0.0)}
"""Probability that a study with one-sided p between .025 and .5, and above .5, is published."""
SIZES = (5, 7, 10, 14, 20, 30, 50, 80, 120, 200)
SMOOTH = {
    "beta": functions.BETA,
    "half-normal": functions.HALF_NORMAL,
    "negative exponential": functions.NEGATIVE_EXPONENTIAL,
    "logistic": functions.LOGISTIC,
    "power": functions.POWER,
    "negative exponential power": functions.NEGATIVE_EXPONENTIAL_POWER,
}
STEPS = {"3PSM": (0.025,), "4PSM": (0.025, 0.5), "step": (0.01, 0.05, 0.5)}
MODELS = (*STEPS, *SMOOTH, "truncated beta", "3PSM decreasing", "truncated", "truncated, estimated cut")


def simulated(seed: int) -> Sample:
    """Draw one data set: size, mean, τ² and selection go round with the seed."""
    rng = np.random.default_rng(seed)
    k = SIZES[seed % len(SIZES)]
    middle, opposite = list(SELECTIONS.values())[seed // len(SIZES) % len(SELECTIONS)]
    mean, tau = (0.0, 0.2, 0.5)[seed // 7 % 3], (0.0, 0.1, 0.4)[seed // 11 % 3]
    y: list[float] = []
    v: list[float] = []
    while len(y) < k:
        variance = 4.0 / (10.0 + rng.gamma(1.2, 60.0))
        effect = rng.normal(mean, math.sqrt(variance + tau * tau))
        z = effect / math.sqrt(variance)
        published = 1.0 if z >= 1.959964 else middle if z >= 0.0 else opposite
        if rng.random() < published:
            y.append(effect)
            v.append(variance)
    moderated = seed % 5 == 0 and k >= 20
    X = np.column_stack([np.ones(k), rng.normal(size=k)]) if moderated else np.ones((k, 1))
    return Sample.of(np.array(y), np.array(v), X, common=seed % 9 == 4)


def fitted(sample: Sample, model: str, *, two_sided: bool) -> Fitted:
    k = sample.y.size
    z, group = sample.y / np.sqrt(sample.v), np.zeros(k, dtype=np.int64)
    name = model.removesuffix(" decreasing")
    if name in STEPS:
        intervals = intervals_of_p(z, STEPS[name], two_sided=two_sided)
        return fit_steps(sample, intervals, group, None, decreasing=name != model)[0]
    if model == "truncated":
        intervals = intervals_of_effect(sample.y, np.sqrt(sample.v), 0.0)
        return fit_steps(sample, intervals, group, None, decreasing=False)[0]
    if model == "truncated, estimated cut":
        found = fit_estimated_cut(sample, group)
        assert found is not None
        return found[0]
    truncated = model == "truncated beta"
    options = SmoothOptions(
        function=functions.BETA if truncated else SMOOTH[model],
        two_sided=two_sided,
        group=group,
        precision=None,
        alpha=None,
        censor=(0.025, 0.025) if truncated else (1e-5, 1e-5),
        delta=None,
    )
    return fit_smooth(sample, options)


def random_start(fit: Fitted, rng: np.random.Generator) -> FloatArray:
    """Draw a mean, τ² and weights far and near."""
    sample, p = fit.sample, fit.sample.X.shape[1]
    tau2 = 0.0 if rng.random() < 0.1 else sample.spread * math.exp(rng.uniform(-7.0, 4.0))
    rho = 1.0 if sample.common else sample.rho(tau2)
    size = 2.0 * rho * math.sqrt(sample.spread / sample.unit)
    lam = [size * rng.normal() for _ in range(p)]
    weights: list[float] = []
    for low, high in zip(fit.box.low[p + 1 :], fit.box.high[p + 1 :], strict=True):
        drawn = rng.normal(0.0, 2.0) if low < 0.0 else math.exp(rng.normal(0.0, 2.0))
        weights.append(min(max(drawn, float(low)), float(high)))
    return np.array([*lam, rho, *weights])


def best_of_random(fit: Fitted, model: str, seed: int, starts: int) -> float:
    rng = np.random.default_rng(1_000_000 + seed)
    best = -math.inf
    with np.errstate(all="ignore"):
        for _ in range(starts):
            function: Callable[[FloatArray], object] = fit.likelihood.at
            box = fit.box
            if model == "truncated, estimated cut":
                sample = fit.sample
                values = np.unique(sample.y)
                place, falling = int(rng.integers(len(values) - 1)), bool(rng.random() < 0.5)
                plan, _ = cut_plan(sample, values, place, np.zeros(sample.y.size, dtype=np.int64), falling=falling)
                likelihood = SelectionLikelihood.of(sample.y, sample.v, sample.X, sample.centre, plan.selection)
                function = likelihood.at
                box = type(box)(
                    np.concatenate([box.low[: -len(plan.low)], plan.low]),
                    np.concatenate([box.high[: -len(plan.high)], plan.high]),
                )
            found = climb(function, random_start(fit, rng), box)  # type: ignore[arg-type]
            if math.isfinite(found.height.value):
                best = max(best, found.height.value)
    return best


def cases(seeds: range) -> Iterator[tuple[int, str]]:
    """Take three models for each data set in turn, so that every model meets every kind of data set."""
    for seed in seeds:
        for turn in range(3):
            yield seed, MODELS[(3 * seed + turn + seed // len(MODELS)) % len(MODELS)]


def shortfall(seed: int, model: str, starts: int) -> tuple[float, Fitted]:
    fit = fitted(simulated(seed), model, two_sided=seed % 4 == 3 and not model.startswith("truncated,"))
    return best_of_random(fit, model, seed, starts) - fit.log_likelihood, fit


@pytest.mark.parametrize(("seed", "model"), [(3 * i + 1, model) for i, model in enumerate(MODELS)])
def test_no_random_start_ends_higher(seed: int, model: str) -> None:
    short, fit = shortfall(seed, model, 3)
    assert fit.maximum.summit.converged
    assert short <= SHORT


@pytest.mark.sweep
@pytest.mark.parametrize("tens", range(50))
def test_no_random_start_ends_higher_in_a_sweep(tens: int) -> None:
    for seed, model in cases(range(10 * tens, 10 * tens + 10)):
        short, fit = shortfall(seed, model, STARTS)
        assert fit.maximum.summit.converged, (seed, model)
        assert short <= SHORT, (seed, model, short)
