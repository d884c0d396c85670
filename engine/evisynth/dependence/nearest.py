"""Find the correlation matrix nearest to one that is not positive definite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evisynth.kernels.arrays import FloatArray

LEAST = 1e-8
"""Smallest eigenvalue, relative to the largest, of a matrix that is to be inverted."""
ROUNDS = 1000


def nearest_correlation(matrix: FloatArray) -> FloatArray:
    """Project a symmetric matrix ``(s, s)`` on the correlation matrices by turns with Dykstra's correction.

    The result is nearest in the Frobenius norm, with eigenvalues of at least 1e-8 of the largest so that it can be
    inverted. Source: Higham (2002), IMA J. Numer. Anal. 22:329-343.
    """
    y = matrix.copy()
    correction = np.zeros_like(y)
    for _ in range(ROUNDS):
        shifted = y - correction
        values, vectors = np.linalg.eigh(shifted)
        x = (vectors * np.maximum(values, LEAST * values[-1])) @ vectors.T
        correction = x - shifted
        before = y
        y = (x + x.T) / 2
        np.fill_diagonal(y, 1.0)
        if np.abs(y - before).max() < 1e-14:  # noqa: PLR2004 - as far as rounding lets it come
            break
    values, vectors = np.linalg.eigh(y)
    x = (vectors * np.maximum(values, LEAST * values[-1])) @ vectors.T
    root = np.sqrt(np.diag(x))
    scaled = x / (root[:, None] * root[None, :])
    made: FloatArray = (scaled + scaled.T) / 2
    np.fill_diagonal(made, 1.0)
    return made
