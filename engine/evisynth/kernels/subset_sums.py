"""Pool subsets of a few studies by products of a 0/1 matrix with sums over studies and pairs, none of which cancels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evisynth.kernels.arrays import BoolArray, FloatArray

_PRODUCTS = 1 << 18
"""Multiplications in one matrix product; with more its library starts threads, which cost more than they save."""


def subset_moments(
    y: FloatArray, v: FloatArray, a: FloatArray, members: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give ``Σ a (y - ȳ_a)²``, its expectation at τ² = 0 and its slope in τ² over each subset, each ``(n,)``.

    y, v and a are ``(k,)``, members ``(n, k)``. By Lagrange's identity
    ``Σ a (y - ȳ_a)² = Σ_{i<j} a_i a_j (y_i - y_j)² / A``, and likewise the others: sums of positive terms over pairs.
    """
    pairs = np.outer(a, a)
    gaps = pairs * (y[:, np.newaxis] - y) ** 2
    np.fill_diagonal(pairs, 0.0)
    mixed = pairs * v
    made = np.empty((3, members.shape[0]))
    for part in _tiles(*members.shape):
        inside = members[part].astype(np.float64)
        total = inside @ a
        made[0, part] = 0.5 * np.einsum("nk,nk->n", inside @ gaps, inside) / total
        made[1, part] = np.einsum("nk,nk->n", inside @ mixed, inside) / total
        made[2, part] = np.einsum("nk,nk->n", inside @ pairs, inside) / total
    return made[0], made[1], made[2]


def subset_means(y: FloatArray, v: FloatArray, tau2: FloatArray, members: BoolArray) -> FloatArray:
    """Give the mean of each subset with weights ``1/(v + tau2)`` of its own τ², ``(n,)``."""
    made = np.empty(members.shape[0])
    for part in _tiles(*members.shape):
        w = np.where(members[part], 1.0 / (v + tau2[part, np.newaxis]), 0.0)
        total = w.sum(axis=1)
        first = (w @ y) / total
        gap = y - first[:, np.newaxis]
        made[part] = first + (w * gap).sum(axis=1) / total
    return made


def _tiles(n: int, k: int) -> list[slice]:
    width = max(1, _PRODUCTS // (k * k))
    return [slice(start, start + width) for start in range(0, n, width)]
