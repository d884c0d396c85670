"""Test coefficients by permutation: changes of sign for a pooled effect, orders of the design for moderators."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import (
    CombinationError,
    Estimates,
    Fit,
    FloatArray,
    IntArray,
    IntervalMethod,
    hookimpl,
    is_intercept,
    normal_quantile,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TILE = 2**17
"""Numbers in one batch of refits, about: small enough for the cache, long enough to spread the cost of a call."""
_HELD = 2**25
"""Numbers of permutations that are kept; more are drawn again in parts when they are needed."""
_TIE = 1e-10
"""Statistics nearer than this, relative, are equal: refits of equal samples in another order differ by rounding."""
_DOUBLINGS = 60
_FULL_STEPS = 4
"""Steps of the search for a limit that refit every permutation; later ones refit those that can still change."""
_STEPS = 70
MATRIX = 2


def permutation(fit: Fit, level: float, *, budget: int = 10_000, seed: int = 1) -> Estimates:
    """Count the permutations whose statistic |estimate/SE| is at least the one observed, τ² estimated anew in each.

    A pooled effect: under the hypothesis that it is 0 (and effects lie symmetrically about it) every change of sign of
    the effects is as probable as the one seen; limits are the nearest hypotheses on either side of the estimate that
    the test rejects at 1 - level. Moderators: every assignment of the rows of the design to the studies is as
    probable; limits are Wald's, as a test of one coefficient beside others has no inversion. All are used where there
    are no more of them than the ``budget`` (changes of sign by halves, as a sample and its negative have the same
    statistic), otherwise as many as the budget, drawn with ``seed``, the one seen among them.
    """
    if fit.weighted is None:
        msg = f"a permutation test refits by inverse variance, not by {fit.method}"
        raise CombinationError(msg)
    pooled = fit.p == 1 and is_intercept(fit.X)
    draws = _signs(fit.k, budget, seed) if pooled else _orders(fit.X, budget, seed)
    refits = _Refits(fit, draws, pooled=pooled)
    hits = refits.hits()
    p_value = np.asarray(hits / draws.count).reshape(fit.coefficients.shape)
    half = normal_quantile(level) * fit.se
    low, high = fit.coefficients - half, fit.coefficients + half
    least = draws.least
    if pooled:
        low, high = refits.limits(1.0 - level)
    return Estimates(
        value=fit.coefficients,
        se=fit.se,
        ci_low=low,
        ci_high=high,
        statistic=fit.coefficients / fit.se,
        df=None,
        p_value=p_value,
        log_p_value=np.log(p_value),
        level=level,
        covariance=fit.covariance,
        note=_note(draws, fit.k, level, least, pooled=pooled),
    )


def _note(draws: _Draws, k: int, level: float, least: float, *, pooled: bool) -> str:
    what = "changes of sign" if pooled else "assignments of the moderators to the studies"
    if draws.sampled is None:
        note = f"the permutation test used all {draws.all} {what}"
    else:
        note = f"the permutation test used {draws.count} of {draws.all} {what}, drawn with seed {draws.sampled}"
    if least > 1.0 - level:
        unbounded = ", so the interval is unbounded" if pooled else ""
        note += f"; with {k} studies no p-value can be below {least:.4g}{unbounded}"
    return note if pooled else f"{note}; limits are Wald's"


@attrs.frozen(eq=False)
class _Draws:
    """Permutations in columns, of which the first is the sample as it was seen."""

    count: int
    all: str
    """How many there are, for readers."""
    least: float
    """The smallest p-value that can be reached."""
    rows: int
    sampled: int | None
    """Seed of a random sample; None where these are all."""
    part: Callable[[int, int], np.ndarray]
    """Give the columns from one number up to another."""
    held: np.ndarray | None = None

    def take(self, which: IntArray) -> np.ndarray:
        """Give some columns, ``(k, n)``."""
        if self.held is not None:
            return self.held[:, which]
        length = max(1, _HELD // self.rows)
        made = np.empty((self.rows, which.size), dtype=np.int32)
        for first in np.unique(which // length) * length:
            inside = (which >= first) & (which < first + length)
            made[:, inside] = self.part(int(first), min(int(first) + length, self.count))[:, which[inside] - first]
        return made


def _drawn(
    count: int, rows: int, one: Callable[[np.random.Generator, int], np.ndarray], seed: int
) -> Callable[..., np.ndarray]:
    """Draw columns so that each part is the same whatever is asked for before."""
    length = max(1, _HELD // rows)

    def part(first: int, last: int) -> np.ndarray:
        made: list[np.ndarray] = []
        for start in range(first - first % length, last, length):
            stop = min(start + length, count)
            block = one(np.random.default_rng([seed, start // length]), stop - start)
            made.append(block[:, max(first - start, 0) : last - start])
        return np.concatenate(made, axis=1)

    return part


def _signs(k: int, budget: int, seed: int) -> _Draws:
    half = k - 1
    if half < 63 and 2**half <= budget:  # noqa: PLR2004 - bits of a whole number
        bits = np.arange(2**half, dtype=np.int64)
        later = 1 - 2 * ((bits >> np.arange(half, dtype=np.int64)[:, np.newaxis]) & 1)
        held = np.concatenate([np.ones((1, 2**half), dtype=np.int64), later]).astype(np.int8)
        return _Draws(2**half, _shown(k * math.log(2.0), 2**k), 1 / 2**half, k, None, lambda a, b: held[:, a:b], held)

    def one(rng: np.random.Generator, n: int) -> np.ndarray:
        return (2 * rng.integers(0, 2, size=(n, k), dtype=np.int8) - 1).T

    return _sample(k, budget, seed, one, np.ones(k, dtype=np.int8), _shown(k * math.log(2.0), None))


def _orders(X: FloatArray, budget: int, seed: int) -> _Draws:
    k = X.shape[0]
    flat = X.reshape(k, -1)
    _, labels, counts = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
    labels = labels.reshape(-1)
    size = math.lgamma(k + 1) - sum(math.lgamma(int(n) + 1) for n in counts)
    if size <= math.log(budget) + 1e-9:
        held = np.stack([_order(labels, np.array(a)) for a in _arrangements(labels)], axis=1).astype(np.int32)
        seen = int(np.nonzero((labels[held] == labels[:, np.newaxis]).all(axis=0))[0][0])
        held[:, [0, seen]] = held[:, [seen, 0]]
        held[:, 0] = np.arange(k)
        total = held.shape[1]
        return _Draws(total, str(total), 1 / total, k, None, lambda a, b: held[:, a:b], held)

    def one(rng: np.random.Generator, n: int) -> np.ndarray:
        columns = np.broadcast_to(np.arange(k, dtype=np.int32), (n, k)).copy()
        return rng.permuted(columns, axis=1).T

    return _sample(k, budget, seed, one, np.arange(k, dtype=np.int32), _shown(size, None))


def _sample(
    k: int, budget: int, seed: int, one: Callable[[np.random.Generator, int], np.ndarray], seen: np.ndarray, of: str
) -> _Draws:
    plain = _drawn(budget, k, one, seed)

    def part(first: int, last: int) -> np.ndarray:
        made = plain(first, last)
        if first == 0:
            made = made.copy()
            made[:, 0] = seen
        return made

    held = part(0, budget) if k * budget <= _HELD else None
    return _Draws(budget, of, 1 / budget, k, seed, part, held)


def _shown(log_size: float, size: int | None) -> str:
    if size is not None:
        return str(size)
    exponent = math.floor(log_size / math.log(10.0))
    return f"{math.exp(log_size - exponent * math.log(10.0)):.2g}e{exponent}"


def _arrangements(labels: IntArray) -> Iterator[list[int]]:
    """List the distinct orders of labels, each once, in lexicographic order."""
    a = sorted(labels.tolist())
    n = len(a)
    while True:
        yield a
        i = n - 2
        while i >= 0 and a[i] >= a[i + 1]:
            i -= 1
        if i < 0:
            return
        j = n - 1
        while a[j] <= a[i]:
            j -= 1
        a = a.copy()
        a[i], a[j] = a[j], a[i]
        a[i + 1 :] = reversed(a[i + 1 :])


def _order(labels: IntArray, arranged: IntArray) -> IntArray:
    """Say which study stands in each row of the design where study i has a row labelled ``arranged[i]``."""
    order = np.empty(labels.size, dtype=np.int64)
    order[np.argsort(labels, kind="stable")] = np.argsort(arranged, kind="stable")
    return order


@attrs.frozen(eq=False, kw_only=False)
class _Refits:
    """Refits of m analyses under permutations."""

    fit: Fit
    draws: _Draws
    pooled: bool = attrs.field(kw_only=True)

    @property
    def m(self) -> int:
        """Number of analyses."""
        return 1 if self.fit.y.ndim == 1 else int(self.fit.y.shape[1])

    def statistics(self, which: IntArray, drawn: IntArray, centre: FloatArray | None = None) -> FloatArray:
        """Give |estimate/SE|, ``(p, n)``, of analyses ``which`` under draws ``drawn``, effects less ``centre (m,)``."""
        fit, k = self.fit, self.fit.k
        y, v = fit.y.reshape(k, -1), fit.v.reshape(k, -1)
        own = None if fit.weights is None else np.broadcast_to(fit.weights.reshape(k, -1), y.shape)
        length = max(1, _TILE // k)
        made = np.empty((fit.p, which.size))
        for start in range(0, which.size, length):
            a, b = which[start : start + length], drawn[start : start + length]
            columns = self.draws.take(b)
            if self.pooled:
                effects = y[:, a] if centre is None else y[:, a] - centre[a]
                refit = fit.refit(y=columns * effects, v=v[:, a], weights=None if own is None else own[:, a])
            else:
                X = fit.X if fit.X.ndim == MATRIX else fit.X[:, :, a]
                weights = None if own is None else own[columns, a]
                refit = fit.refit(y=y[columns, a], v=v[columns, a], X=X, weights=weights)
            made[:, start : start + length] = np.abs(refit.coefficients) / refit.se
        return made

    def seen(self, centre: FloatArray | None = None) -> FloatArray:
        """Give the statistics of the samples as they were seen, ``(p, m)``."""
        everything = np.arange(self.m)
        return self.statistics(everything, np.zeros_like(everything), centre)

    def hits(self) -> FloatArray:
        """Count the draws that are at least as extreme as what was seen, ``(p, m)``."""
        least = self.seen() * (1.0 - _TIE)
        p = self.fit.p
        counts = np.zeros((p, self.m))
        for which, drawn in self.blocks():
            beyond = self.statistics(which, drawn) >= least[:, which]
            for j in range(p):
                counts[j] += np.bincount(which[beyond[j]], minlength=self.m)
        return counts

    def blocks(self) -> Iterator[tuple[IntArray, IntArray]]:
        """Go through all pairs of analysis and draw, in parts."""
        length = max(1, _TILE // self.fit.k) * 8
        total = self.m * self.draws.count
        for start in range(0, total, length):
            pair = np.arange(start, min(start + length, total), dtype=np.int64)
            yield pair // self.draws.count, pair % self.draws.count

    def limits(self, alpha: float) -> tuple[FloatArray, FloatArray]:
        """Find the nearest hypotheses about the estimates that the test rejects, each ``(1,)`` or ``(1, m)``."""
        shape = self.fit.coefficients.shape
        if self.draws.least >= alpha:
            return np.full(shape, -np.inf), np.full(shape, np.inf)
        away = [self._reach(side, alpha) for side in (-1.0, 1.0)]
        low, high = (self.fit.coefficients + side * a.reshape(shape) for side, a in zip((-1.0, 1.0), away, strict=True))
        return np.asarray(low), np.asarray(high)

    def _reach(self, side: float, alpha: float) -> FloatArray:
        """Find how far from the estimate the hypothesis is rejected, ``(m,)``; infinite where it never is."""
        least = alpha * self.draws.count * (1.0 - _TIE)
        se = self.fit.se.reshape(-1)
        inside = np.zeros(self.m)
        outside = se.copy()
        pending = np.arange(self.m)
        for _ in range(_DOUBLINGS):
            kept = self._accepted(side, outside, pending).sum(axis=1) >= least
            inside[pending[kept]] = outside[pending[kept]]
            pending = pending[kept]
            if not pending.size:
                break
            outside[pending] *= 2.0
        reach = np.full(self.m, np.inf)
        open_ = np.setdiff1d(np.arange(self.m), pending)
        for start in range(0, open_.size, max(1, _HELD // (8 * self.draws.count))):
            part = open_[start : start + max(1, _HELD // (8 * self.draws.count))]
            reach[part] = self._bisect(side, inside[part], outside[part], part, least)
        return reach

    def _accepted(self, side: float, away: FloatArray, which: IntArray) -> np.ndarray:
        """Tell which draws are at least as extreme as the sample, the hypothesis ``away``; ``(n, draws)``."""
        count = self.draws.count
        pairs = np.arange(which.size * count)
        return self._beyond(side, away, which[pairs // count], pairs % count).reshape(which.size, count)

    def _beyond(self, side: float, away: FloatArray, which: IntArray, drawn: IntArray) -> np.ndarray:
        centre = self.fit.coefficients.reshape(-1) + side * away
        return np.asarray(self.statistics(which, drawn, centre)[0] >= self.seen(centre)[0, which] * (1.0 - _TIE))

    def _bisect(
        self, side: float, inside: FloatArray, outside: FloatArray, which: IntArray, least: float
    ) -> FloatArray:
        """Halve the bracket to its last bits; draws that agree at both ends are not refitted in the later steps."""
        accepted = self._accepted(side, self._spread(inside, which), which)
        rejected = self._accepted(side, self._spread(outside, which), which)
        for step in range(_STEPS):
            middle = 0.5 * (inside + outside)
            if ((middle <= inside) | (middle >= outside)).all():
                break
            now = accepted.copy()
            # Early on any draw may turn twice within the bracket; later only those that differ at its ends can turn.
            row, draw = np.nonzero(np.ones_like(accepted) if step < _FULL_STEPS else accepted != rejected)
            now[row, draw] = self._beyond(side, self._spread(middle, which), which[row], draw)
            keep = now.sum(axis=1) >= least
            inside, outside = np.where(keep, middle, inside), np.where(keep, outside, middle)
            accepted[keep], rejected[~keep] = now[keep], now[~keep]
        return inside

    def _spread(self, away: FloatArray, which: IntArray) -> FloatArray:
        everywhere = np.zeros(self.m)
        everywhere[which] = away
        return everywhere


@hookimpl
def interval_methods() -> list[IntervalMethod]:
    """Offer the permutation test."""
    return [
        IntervalMethod(
            "permutation",
            permutation,
            random_only=True,
            one_test=False,
            formula="P = share of the permutations with |θ̂*/SE*| ≥ |θ̂/SE|; limits: the nearest θ on either "
            "side that the test rejects",
            reference="Follmann & Proschan (1999), Biometrics 55:732-737; with moderators: Higgins & Thompson (2004), "
            "Stat. Med. 23:1663-1682",
            r_equivalent="metafor::permutest(metafor::rma(yi, vi), exact=TRUE)",
        )
    ]
