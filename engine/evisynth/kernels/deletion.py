"""Leave out each study in turn in O(k): weighted means and moment estimates of τ² from sums over the other studies.

A sum over the others is the whole sum less a study's own term, which is as good as adding up the others unless that
term is most of the sum. Where it is, or where what is left of a sum of squares cancels, the answer is marked as not
``sure``, for the caller to compute from the studies themselves; only a few studies of a sample can be so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.kernels.rational_sums import rational_sums
from evisynth.kernels.weighted_fit import sum_of_others

if TYPE_CHECKING:
    from evisynth.kernels.arrays import BoolArray, FloatArray

_HALF = 0.5
_LEFT_OF_SQUARES = 0.25
"""Share of the squares about the centre that must be left about the mean itself."""


@attrs.frozen(eq=False)
class WithoutEach:
    """Hold weighted means without each study in turn, all ``(k,)``; ``rss`` is weighted."""

    total: FloatArray
    """Sum of the weights of the other studies."""
    mean: FloatArray
    rss: FloatArray
    sure: BoolArray
    """Where no digits were lost."""


def mean_without_each(y: FloatArray, w: FloatArray) -> WithoutEach:
    """Give the means with weights that do not depend on which study is left out; y and w ``(k,)``, k ≥ 2."""
    centre, gap = _centred(y, w)
    terms = np.stack((w, w * gap, w * gap * gap))
    return _without(centre, terms, terms.sum(axis=1)[:, np.newaxis])


def mean_without_each_at(y: FloatArray, v: FloatArray, tau2: FloatArray) -> WithoutEach:
    """Give the means with weights ``1/(v_j + tau2_i)`` without study i: y, v and tau2 ``(k,)``, k ≥ 2."""
    centre, gap = _centred(y, 1.0 / (v + float(np.median(tau2))))
    powers = np.stack((np.ones_like(gap), gap, gap * gap))
    own = powers / (v + tau2)
    return _without(centre, own, rational_sums(v, powers.T, tau2).T)


def _centred(y: FloatArray, w: FloatArray) -> tuple[float, FloatArray]:
    total = w.sum()
    first = w.dot(y) / total
    centre = float(first + w.dot(y - first) / total)
    return centre, y - centre


def _without(centre: float, own: FloatArray, sums: FloatArray) -> WithoutEach:
    total, first, second = sums - own
    shift = first / total
    rss = second - first * shift
    sure = (own[0] <= _HALF * sums[0]) & (own[2] <= _HALF * sums[2]) & (rss >= _LEFT_OF_SQUARES * second) & (second > 0)
    return WithoutEach(total, centre + shift, rss, sure)


def moment_tau2_without_each(y: FloatArray, v: FloatArray, a: FloatArray) -> tuple[FloatArray, WithoutEach]:
    """Match ``Σ a (y - ȳ_a)²`` to its expectation without each study in turn; all ``(k,)``, k ≥ 3, not truncated.

    ``τ² = (Σ a (y - ȳ_a)² - Σ a v (1 - a/A)) / Σ a (1 - a/A)`` with ``A = Σ a``. Source: DerSimonian & Kacker (2007),
    Contemp. Clin. Trials 28:105-114, eq. 6.
    """
    left = mean_without_each(y, a)
    trace, expected = _pairs_without_each(a, v)
    return (left.rss - expected / left.total) / (trace / left.total), left


def trace_without_each(w: FloatArray) -> FloatArray:
    """Give ``Σ w (1 - w/W)``, tr(P) without moderators, without each study in turn."""
    return np.asarray(_pairs_without_each(w, w)[0] / sum_of_others(w))


def _pairs_without_each(a: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sum ``a_j a_l`` and ``a_j v_j a_l`` over ordered pairs of other studies, for each study.

    The pairs that hold the study of most weight are summed apart: among the rest the difference of sums that is left
    loses no digits that count beside them.
    """
    top = int(a.argmax())
    rest = a.copy()
    rest[top] = 0.0
    weighted = rest * v
    ones, heavy = sum_of_others(rest), sum_of_others(weighted)
    pairs = ones * ones - sum_of_others(rest * rest) + 2.0 * a[top] * ones
    mixed = ones * heavy - sum_of_others(rest * weighted) + a[top] * (v[top] * ones + heavy)
    # Without the heaviest study itself only the pairs of the rest are left, split at the heaviest of these.
    second = int(rest.argmax())
    last = rest.copy()
    last[second] = 0.0
    one, other = float(last.sum()), float((last * v).sum())
    pairs[top] = one * one - float((last * last).sum()) + 2.0 * rest[second] * one
    mixed[top] = one * other - float((last * last * v).sum()) + rest[second] * (v[second] * one + other)
    return pairs, mixed
