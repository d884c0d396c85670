"""Tell which rows of a long table belong to which analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import attrs
import numpy as np

from evisynth.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth.kernels.arrays import BoolArray, IntArray


@attrs.frozen(eq=False)
class Groups:
    """Hold m analyses: their keys, and their rows as runs of ``order`` (None: the table is in order already)."""

    keys: Any
    starts: IntArray
    counts: IntArray
    order: IntArray | None = None

    @property
    def count(self) -> int:
        """Number of analyses."""
        return self.starts.size

    def codes(self) -> IntArray:
        """Give the number of each row's analysis, in the order of the table."""
        rows = np.repeat(np.arange(self.count), self.counts)
        if self.order is None:
            return rows
        made = np.empty_like(rows)
        made[self.order] = rows
        return made

    def rows_of(self, used: BoolArray | None) -> tuple[IntArray | None, IntArray, IntArray]:
        """Give order, starts and counts of the rows in use alone; with None, of all."""
        if used is None:
            return self.order, self.starts, self.counts
        order = np.arange(used.size) if self.order is None else self.order
        kept = used[order]
        before = np.concatenate([[0], np.cumsum(kept)])
        starts = before[self.starts]
        return order[kept], starts, before[self.starts + self.counts] - starts


def groups_by_offsets(offsets: Sequence[int] | IntArray, rows: int) -> Groups:
    """Take analyses as consecutive runs: analysis i has the rows from ``offsets[i]`` up to ``offsets[i + 1]``."""
    edges = np.asarray(offsets)
    whole = edges.ndim == 1 and edges.size >= 1 and np.issubdtype(edges.dtype, np.integer)
    if not whole or edges[0] != 0 or edges[-1] != rows or bool((np.diff(edges) < 0).any()):
        msg = f"offsets are whole numbers that rise from 0 to the number of rows, {rows}, not {_shown(edges)}"
        raise InputError(msg)
    edges = edges.astype(np.int64)
    return Groups(np.arange(edges.size - 1), edges[:-1], np.diff(edges))


def _shown(values: np.ndarray[Any, Any]) -> str:
    text = np.array2string(values, threshold=6, edgeitems=3)
    return text if len(text) < 80 else f"an array of shape {values.shape}"  # noqa: PLR2004 - a readable line


def groups_by_key(keys: Any) -> Groups:  # noqa: ANN401 - a column of any kind
    """Put rows of equal key together; analyses come in order of first appearance."""
    values = keys if hasattr(keys, "dtype") else np.asarray(keys)
    n = len(values)
    if n == 0:
        return Groups(np.asarray(values), np.empty(0, np.int64), np.empty(0, np.int64))
    found = _runs(values)
    if found is not None:
        run_keys, starts = found
        if _all_distinct(run_keys):
            return Groups(run_keys, starts, np.diff(starts, append=n))
    import pandas as pd  # noqa: PLC0415 - its hash tables are the fastest way to tell scattered keys apart

    codes, uniques = pd.factorize(values, use_na_sentinel=False)
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes, minlength=len(uniques))
    return Groups(uniques, np.cumsum(counts) - counts, counts, order)


def _runs(values: Any) -> tuple[Any, IntArray] | None:  # noqa: ANN401 - a column of any kind
    """Find runs of equal keys: the key and the first row of each; None for a kind of column not known here."""
    if getattr(values.dtype, "storage", "") == "pyarrow":
        import pyarrow as pa  # noqa: PLC0415 - the column is pyarrow's, so it is there
        import pyarrow.compute as pc  # noqa: PLC0415 - as above

        column = cast("Any", pa).chunked_array([values.array]).combine_chunks()
        encoded = cast("Any", pc).run_end_encode(column)
        ends = np.asarray(encoded.run_ends.to_numpy(), dtype=np.int64)
        return np.asarray(encoded.values.to_pylist(), dtype=object), np.concatenate([[0], ends[:-1]])  # noqa: PD011 - pyarrow's
    if not isinstance(values, np.ndarray):
        if values.dtype.kind not in "iufOb" or not hasattr(values, "to_numpy"):
            return None
        values = values.to_numpy()
    different = np.asarray(values[1:] != values[:-1], dtype=np.bool_)
    starts = np.concatenate([[0], np.nonzero(different)[0] + 1])
    return cast("Any", values[starts]), starts


def _all_distinct(keys: Any) -> bool:  # noqa: ANN401 - keys of any kind
    if keys.dtype.kind in "iu":
        rising = bool((keys[1:] > keys[:-1]).all())
        return rising or np.unique(keys).size == keys.size
    if keys.dtype.kind != "O":
        return False
    try:
        return len(set(keys.tolist())) == len(keys)
    except TypeError:
        return False
