"""Hold the covariance of effects that depend on each other within clusters, block by block."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth.dependence.clusters import Clusters
    from evisynth.kernels.arrays import BoolArray, FloatArray, IntArray


def _equal_blocks(one: tuple[FloatArray, ...], other: tuple[FloatArray, ...]) -> bool:
    return len(one) == len(other) and all(map(lambda a, b: np.array_equal(a, b, equal_nan=True), one, other))


@attrs.frozen(eq=False, slots=False)
class Covariance:
    """Hold the covariance matrix of k effects that is 0 between clusters; NaN where an effect has no variance.

    Only the blocks of the clusters are kept, those of one size side by side in an array ``(m, s, s)``.
    """

    clusters: Clusters
    _blocks: tuple[FloatArray, ...]
    notes: tuple[str, ...] = ()
    """What a reader should know of it, such as clusters whose block had to be changed."""

    def __len__(self) -> int:
        """Count the effects."""
        return self.clusters.codes.size

    def __eq__(self, other: object) -> bool:
        """Compare clusters and blocks; the notes do not count."""
        if not isinstance(other, Covariance):
            return NotImplemented
        same = self.clusters.labels == other.clusters.labels
        return (
            same
            and np.array_equal(self.clusters.codes, other.clusters.codes)
            and _equal_blocks(self._blocks, other._blocks)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the clusters, in order of first appearance."""
        return self.clusters.labels

    def by_size(self) -> tuple[tuple[IntArray, IntArray, FloatArray], ...]:
        """Give for each size s the numbers of its clusters ``(m,)``, their rows ``(m, s)`` and blocks ``(m, s, s)``."""
        return tuple(
            (which, rows, values) for (which, rows), values in zip(self.clusters.by_size, self._blocks, strict=True)
        )

    def block(self, cluster: str) -> FloatArray:
        """Give the covariance matrix of one cluster, rows in the order of the table."""
        if cluster not in self.labels:
            have = ", ".join(self.labels[:20]) + (" …" if len(self.labels) > 20 else "")  # noqa: PLR2004 - a readable line
            summary = f"there is no cluster {cluster!r}; there are {have}"
            raise DataError(summary)
        number = self.labels.index(cluster)
        for which, _, values in self.by_size():
            at = np.nonzero(which == number)[0]
            if at.size:
                found: FloatArray = values[int(at[0])]
                return found
        raise AssertionError  # every cluster has a size

    @cached_property
    def variances(self) -> FloatArray:
        """Give the diagonal, ``(k,)``."""
        made = np.empty(len(self))
        for _, rows, values in self.by_size():
            made[rows] = np.diagonal(values, axis1=1, axis2=2)
        made.setflags(write=False)
        return made

    def dense(self) -> FloatArray:
        """Give the whole matrix, ``(k, k)``: for a few thousand effects at most."""
        made = np.zeros((len(self), len(self)))
        for _, rows, values in self.by_size():
            made[rows[:, :, None], rows[:, None, :]] = values
        return made

    def correlation(self) -> Covariance:
        """Give the correlations, in the same form."""
        blocks: list[FloatArray] = []
        for _, _, values in self.by_size():
            root = np.sqrt(np.diagonal(values, axis1=1, axis2=2))
            with np.errstate(divide="ignore", invalid="ignore"):
                made = values / (root[:, :, None] * root[:, None, :])
            index = np.arange(root.shape[1], dtype=np.int64)
            made[:, index, index] = np.where(np.isnan(root), np.nan, 1.0)
            made.setflags(write=False)
            blocks.append(made)
        return Covariance(self.clusters, tuple(blocks), self.notes)

    @cached_property
    def log_determinant(self) -> float:
        """Give the logarithm of the determinant; raises `DataError` where a block is not positive definite."""
        self.refuse_indefinite()
        return float(sum(np.linalg.slogdet(values)[1].sum() for _, _, values in self.by_size()))

    @cached_property
    def indefinite(self) -> tuple[str, ...]:
        """Name the clusters whose block is not positive definite (but for rounding); missing effects do not count."""
        numbers: list[int] = []
        for (which, _, _), (_, _, values) in zip(self.by_size(), self.correlation().by_size(), strict=True):
            numbers += which[~is_definite(values)].tolist()
        return tuple(self.labels[i] for i in sorted(numbers))

    def refuse_indefinite(self) -> None:
        """Raise `DataError` that names the clusters whose block is not positive definite."""
        if self.indefinite:
            summary = (
                f"the covariance matrix is not positive definite in {_some(self.indefinite)}: effects of a cluster "
                "cannot be correlated like that (a correlation of 1, or correlations that contradict each other)"
            )
            raise DataError(summary)

    def take(self, rows: Sequence[int]) -> Covariance:
        """Take some effects, in the order given."""
        from evisynth.dependence.clusters import clusters_of  # noqa: PLC0415 - only here

        index = np.asarray(rows, dtype=np.int64)
        chosen = clusters_of(self.clusters.codes[index])
        labels = tuple(self.labels[int(label)] for label in chosen.labels)
        place = np.empty(len(self), dtype=np.int64)
        sizes: dict[int, tuple[IntArray, FloatArray]] = {}
        for which, own, values in self.by_size():
            place[own] = np.arange(own.shape[1])
            sizes[own.shape[1]] = (which, values)
        size_of = np.bincount(self.clusters.codes)
        blocks: list[FloatArray] = []
        for which, kept in chosen.by_size:
            old = self.clusters.codes[index[kept[:, 0]]]
            made = np.empty((which.size, kept.shape[1], kept.shape[1]))
            for size in np.unique(size_of[old]).tolist():
                here = size_of[old] == size
                numbers, values = sizes[size]
                at = np.searchsorted(numbers, old[here])
                within = place[index[kept[here]]]
                made[here] = values[at[:, None, None], within[:, :, None], within[:, None, :]]
            made.setflags(write=False)
            blocks.append(made)
        return Covariance(attrs.evolve(chosen, labels=labels), tuple(blocks), self.notes)

    def to_dict(self) -> Mapping[str, list[list[float]]]:
        """Give the blocks by cluster as lists."""
        made: dict[int, list[list[float]]] = {}
        for which, _, values in self.by_size():
            made.update(zip(which.tolist(), values.tolist(), strict=True))
        return {label: made[i] for i, label in enumerate(self.labels)}


def is_definite(correlations: FloatArray) -> BoolArray:
    """Tell which of m correlation matrices ``(m, s, s)`` are positive definite beyond rounding, rows of NaN aside."""
    size = correlations.shape[1]
    known = ~np.isnan(np.diagonal(correlations, axis1=1, axis2=2))
    filled = np.where(known[:, :, None] & known[:, None, :], correlations, np.eye(size))
    least = size * 16 * np.finfo(np.float64).eps
    try:
        factors = np.linalg.cholesky(filled)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.eigvalsh(filled)[:, 0] > least)
    # The square of a pivot is what the other effects leave of an effect's variance.
    return np.asarray((np.diagonal(factors, axis1=1, axis2=2) ** 2 > least).all(axis=1))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:5])) + (" …" if len(names) > 5 else "")  # noqa: PLR2004 - a readable line
    return f"cluster {shown}" if len(names) == 1 else f"{len(names)} clusters ({shown})"
