"""Estimate mean and standard deviation by the likelihood of the reported order statistics of power-normal data."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import Conversion, FloatArray, IntArray, hookimpl
from evisynth_converters.box_cox import Powered, by_power, five_scores, quartile_scores, range_scores
from evisynth_converters.five_numbers import FIVE, QUARTILES, RANGE, Pair, by_r, checked
from evisynth_converters.power_normal import power
from evisynth_converters.shape_search import derivatives, global_minimum

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth_converters.box_cox import Scores

CAI = "Cai, Zhou & Pan (2021), Stat. Methods Med. Res. 30:2701-2719"


def from_range(minimum: FloatArray, median: FloatArray, maximum: FloatArray, n: FloatArray) -> Powered:
    """Find the likeliest power for median and range, then the likeliest normal distribution on its scale.

    Arrays of one shape; NaN where a value is missing. The likelihood is that of three order statistics of n normal
    values, with (n - 3)/2 between them, and of the change of scale. The power is the global maximum with Luo's mean
    and Wan's SD; μ and σ are then the maximum at that power, which is the only one; `moments` brings mean and SD
    back. Raises `DataError` that names every row with a number that is not above 0, with numbers that do not ascend or
    are equal, or whose n is below 3. Source: Cai et al. (2021), scenario S₁.
    """
    return _likeliest(RANGE, (minimum, median, maximum), n, 3, Spacing(0.0, 0.5, 3.0), range_scores)


def from_quartiles(q1: FloatArray, median: FloatArray, q3: FloatArray, n: FloatArray) -> Powered:
    """Find the likeliest power for the quartiles, then the likeliest normal distribution on its scale.

    With n = 4Q + 1 values there are Q beyond the quartiles on either side and Q - 1 in each gap, and other n are taken
    the same way. Arrays and errors as in `from_range`, n 5 or more. Source: Cai et al. (2021), scenario S₂.
    """
    return _likeliest(QUARTILES, (q1, median, q3), n, 5, Spacing(0.25, 0.25, 5.0), quartile_scores)


def from_five_numbers(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> Powered:
    """Find the likeliest power for all five numbers, then the likeliest normal distribution on its scale.

    With n = 4Q + 1 values there are Q - 1 in each gap. Arrays and errors as in `from_quartiles`. Source: Cai et al.
    (2021), scenario S₃.
    """
    five = (minimum, q1, median, q3, maximum)
    return _likeliest(FIVE, five, n, 5, Spacing(0.0, 0.25, 5.0), five_scores)


@attrs.frozen
class Spacing:
    """Count the values beyond the outermost reported ones, ``tail·(n - 1)``, and in each gap, ``gap·(n - shown)``."""

    tail: float
    gap: float
    shown: float

    def log_likelihood(self, y: FloatArray, mu: FloatArray, sigma: FloatArray, n: FloatArray) -> FloatArray:
        """Give that of the values ``y (m, r)`` under normal distributions, but for a constant."""
        from scipy.special import log_ndtr  # noqa: PLC0415 - scipy comes with the first use

        z = (y - mu) / sigma
        total = -(z * z).sum(axis=0) / 2 - y.shape[0] * np.log(sigma)
        gaps = self.gap * (n - self.shown)
        total = total + gaps * np.where(gaps > 0, _log_between(z[:-1], z[1:]).sum(axis=0), 0.0)
        if self.tail:
            beyond = np.asarray(log_ndtr(z[0]) + log_ndtr(-z[-1]), dtype=np.float64)
            total = total + self.tail * (n - 1) * beyond
        return np.asarray(total)

    def slopes(self, y: FloatArray, at: FloatArray, n: FloatArray) -> Pair:
        """Differentiate the log-likelihood by ``at = (μ/σ, 1/σ)``: gradient ``(2, r)``, Hessian ``(3, r)``."""
        from scipy.special import log_ndtr  # noqa: PLC0415 - scipy comes with the first use

        z = at[1] * y - at[0]
        m = y.shape[0]
        g, H = -z, np.zeros((m, *z.shape))
        H[range(m), range(m)] = -1.0
        density = -(z * z) / 2 - np.log(2 * np.pi) / 2
        gaps = self.gap * (n - self.shown)
        between = _log_between(z[:-1], z[1:])
        for i in range(m - 1):
            low, high = np.exp(density[i] - between[i]), np.exp(density[i + 1] - between[i])
            g[i] -= gaps * low
            g[i + 1] += gaps * high
            H[i, i] += gaps * (z[i] * low - low**2)
            H[i + 1, i + 1] += gaps * (-z[i + 1] * high - high**2)
            H[i, i + 1] += gaps * low * high
            H[i + 1, i] += gaps * low * high
        if self.tail:
            tails = self.tail * (n - 1)
            for i, sign in ((0, 1.0), (m - 1, -1.0)):
                hazard = np.exp(density[i] - np.asarray(log_ndtr(sign * z[i]), dtype=np.float64))
                g[i] += sign * tails * hazard
                H[i, i] += tails * (-sign * z[i] * hazard - hazard**2)
        bent = (H * y).sum(axis=1)
        gradient = np.stack([-g.sum(axis=0), (y * g).sum(axis=0) + m / at[1]])
        mixed = -bent.sum(axis=0)
        hessian = np.stack([H.sum(axis=(0, 1)), mixed, (y * bent).sum(axis=0) - m / at[1] ** 2])
        return gradient, hessian


def _log_between(low: FloatArray, high: FloatArray) -> FloatArray:
    """Give log(Φ(high) - Φ(low)), from the tail in which both lie."""
    from scipy.special import log_ndtr  # noqa: PLC0415 - scipy comes with the first use

    turned = low + high > 0
    low, high = np.where(turned, -high, low), np.where(turned, -low, high)
    above, below = (np.asarray(log_ndtr(end), dtype=np.float64) for end in (high, low))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below < above, above + np.log(-np.expm1(below - above)), -np.inf)


def _likeliest(
    names: tuple[str, ...],
    values: tuple[FloatArray, ...],
    n: FloatArray,
    least: int,
    spacing: Spacing,
    scores: Scores,
) -> Powered:
    numbers = dict(zip(names, values, strict=True))
    *x, n = checked(numbers, n, least=least, positive=True, apart=tuple(pairwise(names)))

    def second_round(y: list[FloatArray], size: FloatArray) -> Pair:
        return _maximum(np.stack(y), scores(y, size), size, spacing)

    return by_power(x, n, lambda logs, size: _powers(logs, size, spacing, scores), second_round)


def _powers(logs: list[FloatArray], n: FloatArray, spacing: Spacing, scores: Scores) -> FloatArray:
    """Find each row's likeliest power with the mean and SD that normal data would be given.

    The power is sinh(w) over the logarithm of the farther end's ratio to the median: where the nearer end is close to
    the median, powers far from 0 make them symmetric.
    """
    unit = np.maximum(np.abs(logs[0]), np.abs(logs[-1]))
    total = np.sum(logs, axis=0)

    def fall(w: FloatArray, which: IntArray) -> FloatArray:
        exponent = np.sinh(w) / unit[which]
        y = [power(value[which], exponent) for value in logs]
        with np.errstate(invalid="ignore", over="ignore"):  # far from the maximum
            mu, sigma = scores(y, n[which])
            fit = spacing.log_likelihood(np.stack(y), mu, sigma, n[which])
        return np.where(np.isnan(fit), np.inf, -fit - exponent * total[which])

    def slope(w: FloatArray, which: IntArray) -> FloatArray:
        return derivatives(fall, w, which)[0]

    grid = np.broadcast_to(np.arange(-FAR, FAR + GAP / 2, GAP), (n.size, round(2 * FAR / GAP) + 1))
    return np.sinh(global_minimum(fall, slope, grid)) / unit


FAR, GAP = 12.0, 0.0625


def _maximum(y: FloatArray, start: Pair, n: FloatArray, spacing: Spacing) -> Pair:
    """Go up to the only maximum over μ and σ: the log-likelihood is concave in μ/σ and 1/σ.

    Newton's steps, shortened where they overshoot; close to the top the likelihood does not tell up from down any more,
    and its slopes decide.
    """
    at = np.stack([start[0] / start[1], 1 / start[1]])
    height = spacing.log_likelihood(y, *start, n)
    share = np.ones(n.size)
    rows = np.arange(n.size, dtype=np.int64)
    for _ in range(MAX_STEPS):
        if not rows.size:
            break
        here = at[:, rows]
        g, H = spacing.slopes(y[:, rows], here, n[rows])
        step = np.stack([H[1] * g[1] - H[2] * g[0], H[1] * g[0] - H[0] * g[1]]) / (H[0] * H[2] - H[1] ** 2)
        size = np.abs(step).max(axis=0) / np.abs(here).max(axis=0)
        new = here + share[rows] * step
        possible = new[1] > 0
        mu, spread = np.where(possible, new, here)
        reached = spacing.log_likelihood(y[:, rows], mu / spread, 1 / spread, n[rows])
        taken = possible & ((reached >= height[rows]) | (size < CLOSE))
        at[:, rows] = np.where(taken, new, here)
        height[rows] = np.where(taken, reached, height[rows])
        share[rows] = np.where(taken, np.minimum(1.0, 4 * share[rows]), share[rows] / 4)
        rows = rows[size > DONE]
    return at[0] / at[1], 1 / at[1]


MAX_STEPS, CLOSE, DONE = 100, 1e-6, 1e-13


@hookimpl
def conversions() -> list[Conversion]:
    """Offer the method for unknown non-normal distributions for the three scenarios."""
    counts: dict[str, str] = {
        "range": "(n - 3)/2 values in each gap",
        "iqr": "(n - 5)/4 values in each gap and (n - 1)/4 beyond either quartile",
        "full": "(n - 5)/4 values in each gap",
    }
    functions: dict[str, Callable[..., Powered]] = {
        "range": from_range,
        "iqr": from_quartiles,
        "full": from_five_numbers,
    }
    return [
        Conversion(
            f"mln-{scenario}",
            functions[scenario],
            targets=("mean", "sd", "power"),
            formula=(
                f"f(x) = (x^λ - 1)/λ normal; likelihood of the numbers as order statistics, {count}; "
                "λ the maximum with μ and σ by Luo and Wan, then μ and σ the maximum at λ; "
                "mean and SD of the x whose f is normal with these"
            ),
            reference=f"{CAI}, scenario S{case}",
            r_equivalent=by_r(scenario, "method='mln'"),
            r_version="metafor 4.0",
            shifts=False,
            positive=True,
        )
        for case, (scenario, count) in enumerate(counts.items(), 1)
    ]
