"""Sums over the other studies, over prefixes and over subsets, held against 50 digits under hard variance ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest

from evisynth.kernels import rational_sums as inside
from evisynth.kernels.deletion import mean_without_each_at, moment_tau2_without_each, trace_without_each
from evisynth.kernels.rational_sums import rational_sums
from evisynth.kernels.running import prefix_means, running_mean, running_moment_tau2
from evisynth.kernels.subset_sums import subset_means, subset_moments

if TYPE_CHECKING:
    from evisynth import FloatArray

mp: Any = mpmath
K = 70
CLOSED = 1e-13


def _samples() -> dict[str, tuple[FloatArray, FloatArray]]:
    random = np.random.default_rng(4)
    y, v = random.normal(0.0, 1.0, K), 10.0 ** random.uniform(-1.0, 0.0, K)
    dominant = v.copy()
    dominant[7] = 1e-9
    two = dominant.copy()
    two[20] = 3e-9
    wide = 10.0 ** random.uniform(-6.0, 6.0, K)
    outlier = y.copy()
    outlier[3] = 1e6
    first = np.concatenate(([1e9], y[1:]))
    light = np.concatenate(([1e6], v[1:]))
    return {
        "plain": (y, v),
        "one study dominates": (y, dominant),
        "two dominate": (y, two),
        "twelve decades": (y * np.sqrt(wide), wide),
        "an outlier": (outlier, v),
        "far from 0": (y + 1e5, v),
        "a light outlier first": (first, light),
    }


SAMPLES = _samples()


@pytest.fixture(params=list(SAMPLES.values()), ids=list(SAMPLES))
def sample(request: pytest.FixtureRequest) -> tuple[FloatArray, FloatArray]:
    chosen: tuple[FloatArray, FloatArray] = request.param
    return chosen


class Exact:
    """Pool some studies at 50 digits."""

    def __init__(self, y: FloatArray, v: FloatArray) -> None:
        self.y = [mp.mpf(float(x)) for x in y]
        self.v = [mp.mpf(float(x)) for x in v]

    def mean(self, tau2: float) -> tuple[Any, Any, Any]:
        return self.weighted([1 / (x + mp.mpf(tau2)) for x in self.v])

    def weighted(self, w: list[Any]) -> tuple[Any, Any, Any]:
        total = mp.fsum(w)
        mean = mp.fsum(a * b for a, b in zip(w, self.y, strict=True)) / total
        return total, mean, mp.fsum(a * (b - mean) ** 2 for a, b in zip(w, self.y, strict=True))

    def tau2(self, a: FloatArray) -> tuple[Any, Any, Any]:
        """Give the moment estimate, its condition number and tr(P) with weights a."""
        weights = [mp.mpf(float(x)) for x in a]
        total, _, rss = self.weighted(weights)
        expected = mp.fsum(x * s * (1 - x / total) for x, s in zip(weights, self.v, strict=True))
        trace = mp.fsum(x * (1 - x / total) for x in weights)
        return (rss - expected) / trace, (rss + expected) / abs(rss - expected), trace


def far(value: float, truth: Any, scale: Any = None) -> float:  # noqa: ANN401 - mpmath's numbers
    return float(abs(mp.mpf(float(value)) - truth) / (abs(truth) if scale is None else scale))


@pytest.mark.parametrize("weights", ["1/v", "1"])
def test_without_each_study(sample: tuple[FloatArray, FloatArray], weights: str) -> None:
    y, v = sample
    a = 1.0 / v if weights == "1/v" else np.ones(K)
    tau2, trial = moment_tau2_without_each(y, v, a)
    left = mean_without_each_at(y, v, np.maximum(tau2, 0.0))
    traces = trace_without_each(a)
    # Only the studies that hold most of a sum, or that move the mean by more than what is left, are not sure.
    assert (~trial.sure).sum() <= 3
    with mp.workdps(50):
        for i in range(K):
            exact = Exact(np.delete(y, i), np.delete(v, i))
            truth, condition, trace = exact.tau2(np.delete(a, i))
            assert far(traces[i], trace) < CLOSED
            if trial.sure[i]:
                assert far(tau2[i], truth) < CLOSED * condition
            if trial.sure[i] and left.sure[i]:
                total, mean, rss = exact.mean(max(float(tau2[i]), 0.0))
                assert far(left.total[i], total) < CLOSED
                assert far(left.mean[i], mean, abs(mean) + mp.sqrt(rss / total)) < CLOSED
                assert far(left.rss[i], rss) < CLOSED


def test_first_studies(sample: tuple[FloatArray, FloatArray]) -> None:
    y, v = sample
    total, mean, rss = running_mean(y, 1.0 / v)
    tau2, trace = running_moment_tau2(y, v, 1.0 / v)
    sizes = np.arange(1, K + 1)
    at = np.maximum(np.nan_to_num(tau2), 0.0)
    random = prefix_means(y, v, sizes, at)
    with mp.workdps(50):
        for i in range(1, K):
            exact = Exact(y[: i + 1], v[: i + 1])
            truth = exact.weighted([mp.mpf(float(x)) for x in 1.0 / v[: i + 1]])
            spread = abs(truth[1]) + mp.sqrt(truth[2] / truth[0])
            assert far(total[i], truth[0]) < CLOSED
            assert far(mean[i], truth[1], spread) < CLOSED
            assert far(rss[i], truth[2]) < 3 * CLOSED
            estimate, condition, exact_trace = exact.tau2(1.0 / v[: i + 1])
            assert far(trace[i], exact_trace) < CLOSED
            assert far(tau2[i], estimate) < 3 * CLOSED * condition
            at_tau2 = exact.mean(float(at[i]))
            assert far(random[0][i], at_tau2[0]) < CLOSED
            assert far(random[1][i], at_tau2[1], abs(at_tau2[1]) + mp.sqrt(at_tau2[2] / at_tau2[0])) < CLOSED
            assert far(random[2][i], at_tau2[2]) < CLOSED


def test_subsets(sample: tuple[FloatArray, FloatArray]) -> None:
    y, v = (column[:12] for column in sample)
    members = np.random.default_rng(2).random((40, 12)) < 0.5
    members = members[members.sum(axis=1) > 1]
    a = 1.0 / v
    q, expected, trace = subset_moments(y, v, a, members)
    tau2 = np.maximum((q - expected) / trace, 0.0)
    means = subset_means(y, v, tau2, members)
    with mp.workdps(50):
        for i, inside in enumerate(members):
            exact = Exact(y[inside], v[inside])
            truth, condition, exact_trace = exact.tau2(a[inside])
            assert far(trace[i], exact_trace) < CLOSED
            assert far((q[i] - expected[i]) / trace[i], truth) < CLOSED * condition
            total, mean, rss = exact.mean(float(tau2[i]))
            assert far(means[i], mean, abs(mean) + mp.sqrt(rss / total)) < CLOSED


@pytest.mark.parametrize("decades", [0, 3, 12])
def test_rational_sums_lose_nothing(decades: int) -> None:
    random = np.random.default_rng(decades)
    v = 10.0 ** random.uniform(-decades, 0.0, 300)
    c = random.uniform(0.1, 1.0, (300, 2))
    tau2 = np.concatenate(([0.0, 0.0], 10.0 ** random.uniform(-decades, 1.0, 300), np.linspace(0.3, 0.31, 200)))
    made = rational_sums(v, c, tau2)
    with mp.workdps(50):
        for i in range(0, tau2.size, 7):
            terms = [1 / (mp.mpf(float(x)) + mp.mpf(float(tau2[i]))) for x in v]
            for j in range(2):
                truth = mp.fsum(mp.mpf(float(a)) * b for a, b in zip(c[:, j], terms, strict=True))
                assert far(made[i, j], truth) < 5e-15


def test_rational_sums_scale_exactly() -> None:
    random = np.random.default_rng(1)
    v, tau2 = random.uniform(0.1, 1.0, 200), random.uniform(0.0, 2.0, 200)
    c = random.uniform(0.0, 1.0, (200, 1))
    assert np.array_equal(rational_sums(v, c, tau2), rational_sums(v * 2.0**40, c, tau2 * 2.0**40) * 2.0**40)


def test_a_point_on_a_node_has_the_value_there() -> None:
    module: Any = inside
    nodes, weights = module._chebyshev(9)
    values = np.column_stack([nodes**3, 1.0 / (2.0 + nodes)])
    x = np.concatenate((nodes[::2], [0.123, -0.7]))
    made = module._interpolate(nodes, weights, values, x)
    assert np.array_equal(made[:5], values[::2])
    assert made[:, 0] == pytest.approx(x**3, rel=1e-14)
