from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np
import pytest

from evisynth import generalised_q_root, intercept, weighted_fit

if TYPE_CHECKING:
    from evisynth import FloatArray

mp: Any = mpmath  # it ships no types


def hard_sample(seed: int, k: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    v = 10.0 ** rng.uniform(-6.0, 6.0, k)
    return rng.standard_t(2, k) * np.sqrt(v + 10.0 ** rng.uniform(-6, 6)), v


def exact_q(y: FloatArray, v: FloatArray, tau2: float) -> Any:  # noqa: ANN401 - mpmath ships no types
    w = [1 / (mp.mpf(float(x)) + mp.mpf(tau2)) for x in v]
    mean = mp.fsum(a * mp.mpf(float(b)) for a, b in zip(w, y, strict=True)) / mp.fsum(w)
    return mp.fsum(a * (mp.mpf(float(b)) - mean) ** 2 for a, b in zip(w, y, strict=True))


@pytest.mark.parametrize("k", [2, 3, 13, 65, 200])
def test_q_at_the_root_is_the_target(k: int) -> None:
    seen = 0
    for seed in range(20):
        y, v = hard_sample(seed, k)
        for target in (0.01 * k, k - 1.0, 3.0 * k):
            root = float(generalised_q_root(y, v, intercept(k), target))
            with mp.workdps(50):
                q0 = exact_q(y, v, 0.0)
                if root == 0.0:
                    assert q0 <= target * (1 + 1e-14)
                    continue
                seen += 1
                # One rounding of the root moves Q by that much; the sums are good to a few more.
                step = root * 2.0**-52
                slope = (exact_q(y, v, root) - exact_q(y, v, root + step)) / step
                gap = abs(exact_q(y, v, root) - target)
                assert gap <= 1e-14 * target * 8 + 4 * step * slope, (k, seed, target)
    assert seen > 20


@pytest.mark.parametrize("p", [1, 3])
def test_units_are_powers_of_two_to_the_bit_and_batches_are_single_ones(p: int) -> None:
    k, m = 11, 40
    samples = [hard_sample(100 + i, k) for i in range(m)]
    y, v = np.array([s[0] for s in samples]).T, np.array([s[1] for s in samples]).T
    X = np.column_stack([np.ones(k), np.arange(k), np.arange(k) ** 2 % 7])[:, :p].astype(np.float64)
    batch = generalised_q_root(y, v, X, float(k - p))
    assert (batch > 0).any()
    scaled = generalised_q_root(y * 2.0**9, v * 4.0**9, X, float(k - p))
    assert np.array_equal(scaled, batch * 4.0**9)
    for j in range(m):
        one = float(generalised_q_root(y[:, j].copy(), v[:, j].copy(), X, float(k - p)))
        assert one == pytest.approx(float(batch[j]), rel=1e-12)
        assert float(generalised_q_root(y[:, j] * 2.0**9, v[:, j] * 4.0**9, X, float(k - p))) == one * 4.0**9


@pytest.mark.parametrize("start", [0.0, 1e-9, 0.3, 1e9])
def test_the_guess_does_not_matter(start: float) -> None:
    for seed in range(30):
        y, v = hard_sample(seed, 9)
        plain = float(generalised_q_root(y, v, intercept(9), 8.0))
        guessed = float(generalised_q_root(y, v, intercept(9), 8.0, np.asarray(start)))
        beside = generalised_q_root(
            np.column_stack([y, y]), np.column_stack([v, v]), intercept(9), np.array([8.0, 8.0]), np.array([start, 0.0])
        )
        assert (guessed, *beside) == pytest.approx((plain,) * 3, rel=1e-11, abs=1e-300)


def test_equal_effects_and_equal_variances() -> None:
    y, v = np.array([0.3, 0.3, 0.3]), np.array([0.1, 0.2, 0.3])
    assert float(generalised_q_root(y, v, intercept(3), 2.0, np.asarray(1.0))) == 0.0
    assert generalised_q_root(y[:, np.newaxis], v[:, np.newaxis], intercept(3), 2.0, np.ones(1)) == 0.0
    y, v = np.array([-1.0, 0.0, 1.0]), np.full(3, 0.25)
    # With equal variances Q is RSS/(v + τ²).
    assert float(generalised_q_root(y, v, intercept(3), 2.0)) == pytest.approx(0.75, rel=1e-15)
    assert float(weighted_fit(y, 1 / (v + 0.75)).rss) == pytest.approx(2.0, rel=1e-15)
