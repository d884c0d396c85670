"""Build the covariance of effects from what makes them depend: one sample, one group, one measurement."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import attrs
import numpy as np

from evisynth.dependence.clusters import clusters_of, column_of, number_column_of
from evisynth.dependence.covariance import Covariance, is_definite
from evisynth.dependence.nearest import nearest_correlation
from evisynth.errors import DataError, SettingsError
from evisynth.studies import Effects

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth.dependence.clusters import Clusters
    from evisynth.kernels.arrays import FloatArray, IntArray

Rho: TypeAlias = "float | Mapping[tuple[Any, Any], float] | Any"
"""A correlation, or one for each pair of labels: a mapping of pairs, or a data frame with labels on both sides."""
Pairs: TypeAlias = "Callable[[IntArray], FloatArray]"
"""Rows ``(m, s)`` → correlations ``(m, s, s)``."""

SHOWN = 10
"""Most clusters that a note names."""
NEED_RHO = "rho is needed to say how effects of different {} correlate, such as rho=0.6"


def covariance(  # noqa: PLR0913 - the arguments of metafor's vcalc, keyword-only
    effects: Effects | Sequence[float] | FloatArray,
    *,
    cluster: Any,  # noqa: ANN401 - a column's name, or a column
    subgroup: Any = None,  # noqa: ANN401 - as above
    obs: Any = None,  # noqa: ANN401 - as above
    type: Any = None,  # noqa: A002, ANN401 - metafor's word; as above
    time1: Any = None,  # noqa: ANN401 - as above
    time2: Any = None,  # noqa: ANN401 - as above
    grp1: Any = None,  # noqa: ANN401 - as above
    grp2: Any = None,  # noqa: ANN401 - as above
    w1: Any = None,  # noqa: ANN401 - as above
    w2: Any = None,  # noqa: ANN401 - as above
    rho: Rho | tuple[Rho, Rho] | None = None,
    phi: float | None = None,
    rvars: Any = None,  # noqa: ANN401 - names of columns, or a matrix
    nearpd: bool = False,
) -> Covariance:
    """Approximate the covariance of effects of one cluster (study), as metafor's ``vcalc`` does.

    ``effects`` are `Effects`, or their variances alone. Each other argument is the name of a column of the table that
    they were made of, or a column ``(k,)``; rows of different ``cluster`` (or of different ``subgroup`` of one) are
    independent. The correlation of two effects is a product of what each of these says:

    * ``obs`` (different measurements of one construct) and ``type`` (different constructs): ``rho``, a number or one
      for each pair of labels; with both, ``rho=(within a type, between types)``. ``rho`` alone holds for all pairs of
      a cluster.
    * ``time1``: ``phi`` to the power of the distance in time.
    * ``grp1`` and ``grp2``, the groups (or, with ``time1`` and ``time2``, the occasions) that an effect contrasts: what
      a shared group makes of it, by the sizes ``w1`` and ``w2``, equal where not given.
    * ``rvars``: the lower triangles of the clusters' correlation matrices in columns, instead of all the others.

    A block that is not positive definite is noted, and named by every use that needs it to be; with ``nearpd`` it is
    replaced by the nearest correlation matrix that is, and noted. Raises `SettingsError` where an argument lacks
    another one and `DataError` for columns that cannot be used.
    """
    own = effects if isinstance(effects, Effects) else None
    v = own.v if own is not None else np.asarray(effects, dtype=np.float64)
    if own is not None and own.used is not None:
        v = np.where(own.used, v, np.nan)
    k = v.size

    def column(values: Any, name: str) -> Any:  # noqa: ANN401 - labels of any kind
        return None if values is None else column_of(own, values, k, name)

    def numbers(values: Any, name: str) -> FloatArray | None:  # noqa: ANN401 - as above
        return None if values is None else number_column_of(own, values, k, name)

    clusters = _clusters(column_of(own, cluster, k, "cluster"), column(subgroup, "subgroup"))
    if rvars is not None:
        pair, diagonal = _given(own, rvars, k, clusters)
        pairs, v = [pair], v * diagonal
    else:
        times = numbers(time1, "time1"), numbers(time2, "time2")
        groups = column(grp1, "grp1"), column(grp2, "grp2")
        weights = _weights(numbers(w1, "w1"), "w1"), _weights(numbers(w2, "w2"), "w2")
        contrasts = any(value is not None for value in (*groups, *weights, times[1]))
        pairs = [
            *_constructs(column(obs, "obs"), column(type, "type"), rho, alone=time1 is None and not contrasts),
            *([_contrasts(times, groups, weights, phi)] if contrasts else _times(times[0], phi)),
        ]
        if not pairs:
            msg = (
                "what makes the effects of a cluster depend? Give rho=0.6, or obs, type, time1, grp1 and grp2, or rvars"
            )
            raise SettingsError(msg)
    return _assembled(clusters, v, pairs, nearpd=nearpd)


def _assembled(clusters: Clusters, v: FloatArray, pairs: Sequence[Pairs], *, nearpd: bool) -> Covariance:
    blocks: list[FloatArray] = []
    changed: list[int] = []
    indefinite: list[int] = []
    for which, rows in clusters.by_size:
        size = rows.shape[1]
        made = np.ones((which.size, size, size))
        for pair in pairs:
            made *= pair(rows)
        index = np.arange(size, dtype=np.int64)
        made[:, index, index] = 1.0
        definite = (
            is_definite(np.where(np.isnan(v[rows])[:, :, None], np.nan, made))
            if size > 1
            else np.ones(which.size, np.bool_)
        )
        for i in np.nonzero(~definite)[0].tolist():
            if nearpd:
                made[i] = nearest_correlation(made[i])
            (changed if nearpd else indefinite).append(int(which[i]))
        root = np.sqrt(v[rows])
        made *= root[:, :, None] * root[:, None, :]
        made[:, index, index] = v[rows]
        made.setflags(write=False)
        blocks.append(made)
    notes: list[str] = []
    for numbers, what in ((changed, "replaced by the nearest that is"), (indefinite, "left as it is")):
        if numbers:
            names = ", ".join(repr(clusters.labels[i]) for i in sorted(numbers)[:SHOWN])
            more = " …" if len(numbers) > SHOWN else ""
            notes.append(f"the correlation matrix is not positive definite in {names}{more}: {what}")
    return Covariance(clusters, tuple(blocks), tuple(notes))


def _clusters(cluster: np.ndarray[Any, Any], subgroup: np.ndarray[Any, Any] | None) -> Clusters:
    found = clusters_of(cluster)
    if subgroup is None:
        return found
    within = clusters_of(subgroup)
    both = clusters_of(found.codes * len(within.labels) + within.codes)
    names = tuple(
        f"{found.labels[int(label) // len(within.labels)]}, {within.labels[int(label) % len(within.labels)]}"
        for label in both.labels
    )
    return attrs.evolve(both, labels=names)


# -- one sample, several measurements ----------------------------------------------------------------------------------


def _constructs(
    obs: np.ndarray[Any, Any] | None,
    kind: np.ndarray[Any, Any] | None,
    rho: Any,  # noqa: ANN401 - a number, pairs, or two of them
    *,
    alone: bool,
) -> list[Pairs]:
    if obs is None and kind is None:
        if rho is None:
            return []
        if not alone:
            msg = "rho needs obs or type, which say the effects of one time and of the same groups that it correlates"
            raise SettingsError(msg)
        value = _correlation(rho, "rho")
        return [lambda rows: np.full((*rows.shape, rows.shape[1]), value)]
    if rho is None:
        raise SettingsError(NEED_RHO.format("obs" if kind is None else "type"))
    if obs is None or kind is None:
        labels = obs if kind is None else kind
        return [_by_label(cast("Any", labels), rho, "obs" if kind is None else "type")]
    two: list[Any] = list(rho) if isinstance(rho, tuple | list) else []  # pyright: ignore[reportUnknownArgumentType] - what a user gave
    if len(two) != 2:  # noqa: PLR2004 - within and between
        msg = f"with obs and type, rho is two correlations, (within a type, between types), not {rho!r}"
        raise SettingsError(msg)
    within, between = _by_label(obs, two[0], "obs"), _by_label(kind, two[1], "type")
    codes = clusters_of(kind).codes

    def both(rows: IntArray) -> FloatArray:
        types = codes[rows]
        return np.where(types[:, :, None] == types[:, None, :], within(rows), between(rows))

    return [both]


def _by_label(labels: np.ndarray[Any, Any], rho: Any, name: str) -> Pairs:  # noqa: ANN401 - a number or pairs
    found = clusters_of(labels)
    codes = found.codes
    if isinstance(rho, int | float | np.floating):
        value = _correlation(rho, "rho")

        def equal(rows: IntArray) -> FloatArray:
            own = codes[rows]
            return np.where(own[:, :, None] == own[:, None, :], 1.0, value)

        return equal
    matrix = _matrix(rho, found.labels, name)

    def looked_up(rows: IntArray) -> FloatArray:
        own = codes[rows]
        made = matrix[own[:, :, None], own[:, None, :]]
        if np.isnan(made).any():
            where = np.argwhere(np.isnan(made))[0]
            pair = [found.labels[int(own[where[0], i])] for i in where[1:]]
            summary = f"rho has no correlation for {name} {pair[0]!r} and {pair[1]!r}"
            raise DataError(summary)
        return made

    return looked_up


def _matrix(rho: Any, labels: Sequence[str], name: str) -> FloatArray:  # noqa: ANN401 - a mapping of pairs or a data frame
    made = np.full((len(labels), len(labels)), np.nan)
    np.fill_diagonal(made, 1.0)
    place = {label: i for i, label in enumerate(labels)}
    for (one, other), value in _items(rho, name):
        i, j = place.get(str(one)), place.get(str(other))
        if i is None or j is None or i == j:
            continue
        number = _correlation(value, "rho")
        if not np.isnan(made[i, j]) and made[i, j] != number:
            summary = f"rho has two correlations for {name} {one!r} and {other!r}: {made[i, j]:g} and {number:g}"
            raise DataError(summary)
        made[i, j] = made[j, i] = number
    return made


def _items(rho: Any, name: str) -> list[tuple[tuple[Any, Any], Any]]:  # noqa: ANN401 - as above
    if isinstance(rho, Mapping):
        pairs = cast("Mapping[tuple[Any, Any], Any]", rho)
        return [((one, other), value) for (one, other), value in pairs.items()]
    if hasattr(rho, "index") and hasattr(rho, "columns") and hasattr(rho, "to_numpy"):
        values = rho.to_numpy()
        return [((a, b), values[i, j]) for i, a in enumerate(rho.index) for j, b in enumerate(rho.columns)]
    msg = (
        f"rho is a number, a mapping of pairs of {name} to numbers or a data frame with them on both sides, not {rho!r}"
    )
    raise SettingsError(msg)


def _correlation(value: Any, name: str) -> float:  # noqa: ANN401 - what a user gave
    numeric = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    number = float(cast("float", value)) if numeric else math.nan
    if not -1.0 <= number <= 1.0:
        msg = f"{name} is a correlation between -1 and 1, not {value!r}"
        raise SettingsError(msg)
    return number


# -- times and groups --------------------------------------------------------------------------------------------------


def _times(time: FloatArray | None, phi: float | None) -> list[Pairs]:
    if time is None:
        return []
    decay = _decay(phi)
    return [lambda rows: decay(np.abs(time[rows][:, :, None] - time[rows][:, None, :]))]


def _decay(phi: float | None) -> Callable[[FloatArray], FloatArray]:
    if phi is None:
        msg = "phi is needed to say how effects one unit of time apart correlate, such as phi=0.9"
        raise SettingsError(msg)
    value = _correlation(phi, "phi")
    if value < 0:
        msg = f"phi is an autocorrelation between 0 and 1, not {phi!r}"
        raise SettingsError(msg)
    return lambda distance: np.asarray(value**distance)


def _contrasts(
    times: tuple[FloatArray | None, FloatArray | None],
    groups: tuple[np.ndarray[Any, Any] | None, np.ndarray[Any, Any] | None],
    weights: tuple[FloatArray | None, FloatArray | None],
    phi: float | None,
) -> Pairs:
    """Correlate effects that are each the difference of two group means with variances 1/w."""
    one, two = groups
    if one is None or two is None:
        msg = "grp1 and grp2 are needed together: the two groups that each effect contrasts"
        raise SettingsError(msg)
    if (weights[0] is None) != (weights[1] is None):
        msg = "w1 and w2 are needed together: the sizes of the two groups that each effect contrasts"
        raise SettingsError(msg)
    first, second = times
    if first is None and second is not None:
        msg = "time2 needs time1: the times of the two conditions that each effect contrasts"
        raise SettingsError(msg)
    decay = None if first is None else _decay(phi)
    second = first if second is None else second
    k = one.size
    codes = clusters_of(np.concatenate([one.astype(object), two.astype(object)])).codes
    arms = codes[:k], codes[k:]
    moments = (first, second)
    roots = tuple(np.ones(k) if w is None else 1 / np.sqrt(w) for w in weights)

    def shared(p: int, q: int, left: IntArray, right: IntArray) -> FloatArray:
        made = np.where(arms[p][left] == arms[q][right], roots[p][left] * roots[q][right], 0.0)
        if decay is not None:
            made = made * decay(np.abs(cast("FloatArray", moments[p])[left] - cast("FloatArray", moments[q])[right]))
        return made

    def pairs(rows: IntArray) -> FloatArray:
        left, right = rows[:, :, None], rows[:, None, :]
        made = (
            shared(0, 0, left, right)
            - shared(0, 1, left, right)
            - shared(1, 0, left, right)
            + shared(1, 1, left, right)
        )
        own = roots[0][rows] ** 2 + roots[1][rows] ** 2 - 2 * shared(0, 1, rows, rows)
        if not (own > 0).all():
            i = int(rows[own <= 0][0])
            summary = f"row {i + 1} contrasts a group with itself at one time"
            raise DataError(summary)
        return made / np.sqrt(own[:, :, None] * own[:, None, :])

    return pairs


def _weights(values: FloatArray | None, name: str) -> FloatArray | None:
    if values is not None and not (values > 0).all():
        rows = ", ".join(str(i + 1) for i in np.nonzero(values <= 0)[0][:10])
        summary = f"{name} is the size of a group and more than 0: it is not in row {rows}"
        raise DataError(summary)
    return values


# -- correlations that are given ---------------------------------------------------------------------------------------


def _given(own: Effects | None, rvars: Any, k: int, clusters: Clusters) -> tuple[Pairs, FloatArray]:  # noqa: ANN401 - names, columns or a matrix
    """Take correlations from columns, and what stands on their diagonals: 1, or variances beside a v of 1."""
    columns = rvars.to_numpy() if hasattr(rvars, "to_numpy") else rvars
    if isinstance(columns, list | tuple) and all(isinstance(name, str) for name in cast("list[Any]", columns)):
        columns = np.column_stack([_gappy(own, name, k) for name in cast("list[str]", columns)])
    matrix = np.asarray(columns, dtype=np.float64)
    largest = max((rows.shape[1] for _, rows in clusters.by_size), default=0)
    if matrix.ndim != 2 or matrix.shape[0] != k or matrix.shape[1] < largest:  # noqa: PLR2004 - a matrix
        summary = (
            f"rvars has shape {matrix.shape}: it needs {k} rows and {largest} columns, as many as the largest cluster"
        )
        raise DataError(summary)
    diagonal = np.ones(k)
    for _, rows in clusters.by_size:
        diagonal[rows] = matrix[rows, np.arange(rows.shape[1])]
    if not (diagonal > 0).all():
        summary = f"rvars has no positive number on the diagonal of row {int(np.nonzero(~(diagonal > 0))[0][0]) + 1}"
        raise DataError(summary)

    def pairs(rows: IntArray) -> FloatArray:
        root = np.sqrt(diagonal[rows])
        lower = np.tril(matrix[rows][:, :, : rows.shape[1]] / (root[:, :, None] * root[:, None, :]), -1)
        made: FloatArray = lower + np.swapaxes(lower, 1, 2)
        if not (np.abs(made) <= 1 + 1e-12).all():
            at = np.argwhere(~(np.abs(made) <= 1))[0]
            summary = f"rvars has no correlation between -1 and 1 for row {int(rows[at[0], max(at[1:])]) + 1}"
            raise DataError(summary)
        return made

    return pairs, diagonal


def _gappy(own: Effects | None, name: str, k: int) -> FloatArray:
    studies = None if own is None else own.studies
    if studies is not None and name in studies.columns:
        return studies.columns[name]
    column = None if studies is None else studies.text.get(name)
    if column is None:
        return cast("FloatArray", column_of(own, name, k, "rvars"))
    numbers: FloatArray = np.array([np.nan if cell is None else float(cell) for cell in column])
    return numbers
