"""Pool the effects of each cluster to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth.dependence.clusters import clusters_of, column_of
from evisynth.dependence.covariance import Covariance, is_definite
from evisynth.errors import DataError, SettingsError
from evisynth.kernels.arrays import FloatArray, read_only
from evisynth.studies import Effects, Studies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth.dependence.clusters import Clusters
    from evisynth.kernels.arrays import IntArray

STRUCTURES = ("CS", "ID", "CAR", "CS+CAR", "CS*CAR")
NOTHING_LEFT = "no effect of the cluster can be pooled"
INDEFINITE = "the covariance matrix of the cluster's effects is not positive definite"


def aggregate(  # noqa: PLR0913 - the arguments of metafor's aggregate, keyword-only
    effects: Effects,
    *,
    cluster: Any,  # noqa: ANN401 - a column's name, or a column
    rho: float | Sequence[float] | None = None,
    phi: float | Sequence[float] | None = None,
    time: Any = None,  # noqa: ANN401 - as above
    obs: Any = None,  # noqa: ANN401 - as above
    covariance: Covariance | None = None,
    struct: str = "CS",
    weighted: bool = True,
) -> Effects:
    """Pool the effects of each cluster (study) to one, taking account of how they correlate.

    With ``weighted`` by generalised least squares, y = (1'V⁻¹y)/(1'V⁻¹1) with variance 1/(1'V⁻¹1), else their plain
    mean with variance 1'V1/s². V is ``covariance`` where given (of the same effects, and 0 between clusters), else
    follows from ``struct``: ``CS`` (all pairs correlate by ``rho``), ``ID`` (independent), ``CAR`` (``phi`` to the
    power of the distance in ``time``), ``CS+CAR`` (rho + (1 - rho) phi^distance) and ``CS*CAR`` (different ``obs`` by
    ``rho``, times by ``phi``). ``rho`` and ``phi`` are numbers, or one for each cluster in order of first appearance.

    Effects that cannot be pooled are left out of their cluster and named in the notes of the result's studies; a
    cluster that has none, or whose V is not positive definite, has no effect, with the reason. Source: Borenstein,
    Hedges, Higgins & Rothstein (2009), Introduction to Meta-Analysis, ch. 23 and 24.
    """
    k = len(effects)
    if effects.weights is not None:
        summary = "effects with weights of one's own cannot be pooled within clusters: their variances would not count"
        raise DataError(summary)
    clusters = clusters_of(column_of(effects, cluster, k, "cluster"))
    if covariance is None:
        given = _structured(effects, clusters, struct, rho, phi, time, obs)
        how = f"{struct}{_said(rho, 'rho') if 'CS' in struct else ''}{_said(phi, 'phi') if 'CAR' in struct else ''}"
    else:
        if len(covariance) != k:
            summary = f"the covariance is of {len(covariance)} effects, and there are {k}"
            raise DataError(summary)
        given = _regrouped(covariance, clusters)
        how = "covariance given"
    usable = np.ones(k, dtype=np.bool_) if effects.used is None else effects.used
    y = np.full(len(clusters.labels), np.nan)
    v = np.full(len(clusters.labels), np.nan)
    reasons: dict[int, str] = {}
    negative = 0
    for which, rows, blocks in given.by_size():
        made_y, made_v, definite, below = _pooled(effects.y[rows], blocks, usable[rows], weighted=weighted)
        y[which], v[which] = made_y, made_v
        negative += below
        reasons.update(dict.fromkeys(which[~definite].tolist(), INDEFINITE))
        reasons.update(dict.fromkeys(which[~usable[rows].any(axis=1)].tolist(), NOTHING_LEFT))
    notes = _notes(effects, clusters, usable, how, negative, weighted=weighted)
    return Effects(
        y,
        v,
        studies=_studies(effects, clusters, y, v, notes),
        measure=effects.measure,
        label=effects.label,
        scale=effects.display_scale,
        reasons=dict(sorted(reasons.items())),
        plugin=effects.plugin,
        made_by=effects.made_by,
    )


def _pooled(
    y: FloatArray, blocks: FloatArray, usable: np.ndarray[Any, Any], *, weighted: bool
) -> tuple[FloatArray, FloatArray, np.ndarray[Any, Any], int]:
    """Pool m clusters of s effects: effects, variances, which V is definite, and how many have negative weights."""
    m, size = y.shape
    if size == 1:
        return (
            np.where(usable, y, np.nan)[:, 0],
            np.where(usable, blocks[:, :, 0], np.nan)[:, 0],
            np.ones(m, np.bool_),
            0,
        )
    both = usable[:, :, None] & usable[:, None, :]
    # A row that is left out becomes one with a variance of 1 and no covariance, and its weight is set to 0.
    filled = np.where(both, blocks, np.eye(size))
    root = np.sqrt(np.diagonal(filled, axis1=1, axis2=2))
    R = filled / (root[:, :, None] * root[:, None, :])
    definite = is_definite(R) | ~usable.any(axis=1)
    ones = usable.astype(np.float64)
    if weighted:
        safe = np.where(definite[:, None, None], R, np.eye(size))
        w = np.linalg.solve(safe, (ones / root)[:, :, None])[:, :, 0] / root * ones
    else:
        w = ones
    with np.errstate(divide="ignore", invalid="ignore"):
        total = w.sum(axis=1)
        centre = np.where(usable, y, 0.0).sum(axis=1) / ones.sum(axis=1)
        deviation = np.where(usable, y - centre[:, None], 0.0)
        pooled = centre + (w * deviation).sum(axis=1) / total
        variance = 1 / total if weighted else np.einsum("mi,mij,mj->m", w, np.where(both, blocks, 0.0), w) / total**2
    gone = ~definite | ~usable.any(axis=1)
    return (
        np.where(gone, np.nan, pooled),
        np.where(gone, np.nan, variance),
        definite,
        int(((w < 0).any(axis=1) & ~gone).sum()),
    )


def _structured(
    effects: Effects,
    clusters: Clusters,
    struct: str,
    rho: float | Sequence[float] | None,
    phi: float | Sequence[float] | None,
    time: Any,  # noqa: ANN401 - a column's name, or a column
    obs: Any,  # noqa: ANN401 - as above
) -> Covariance:
    if struct not in STRUCTURES:
        msg = f"struct is one of {', '.join(map(repr, STRUCTURES))}, not {struct!r}"
        raise SettingsError(msg)
    needs_rho, needs_phi = "CS" in struct, "CAR" in struct
    for name, value, needed in (("rho", rho, needs_rho), ("phi", phi, needs_phi), ("time", time, needs_phi)):
        if needed and value is None:
            msg = f"struct {struct!r} needs {name}"
            raise SettingsError(msg)
    if struct == "CS*CAR" and obs is None:
        msg = "struct 'CS*CAR' needs obs"
        raise SettingsError(msg)
    return _blocks(
        effects,
        clusters,
        struct,
        _each(rho, len(clusters.labels), "rho", -1.0) if needs_rho else None,
        _each(phi, len(clusters.labels), "phi", 0.0) if needs_phi else None,
        time,
        obs,
    )


def _blocks(
    effects: Effects,
    clusters: Clusters,
    struct: str,
    rho: FloatArray | None,
    phi: FloatArray | None,
    time: Any,  # noqa: ANN401 - as above
    obs: Any,  # noqa: ANN401 - as above
) -> Covariance:
    from evisynth.dependence.clusters import number_column_of  # noqa: PLC0415 - beside what needs it

    k = len(effects)
    times = None if phi is None else number_column_of(effects, time, k, "time")
    codes = clusters_of(column_of(effects, obs, k, "obs")).codes if struct == "CS*CAR" else None
    blocks: list[FloatArray] = []
    for which, rows in clusters.by_size:
        size = rows.shape[1]
        same = np.broadcast_to(np.eye(size), (which.size, size, size))
        decay = np.ones(same.shape)
        if phi is not None and times is not None:
            at = times[rows]
            decay = phi[which][:, None, None] ** np.abs(at[:, :, None] - at[:, None, :])
        made = same.copy()
        if rho is not None:
            level = rho[which][:, None, None]
            if codes is not None:
                own = codes[rows]
                made = np.where(own[:, :, None] == own[:, None, :], 1.0, level) * decay
            elif struct == "CS+CAR":
                made = level + (1 - level) * decay
            else:
                made = np.where(same == 1, 1.0, level)
        elif phi is not None:
            made = decay.copy()
        root = np.sqrt(effects.v[rows])
        made = made * root[:, :, None] * root[:, None, :]
        index = np.arange(size, dtype=np.int64)
        made[:, index, index] = effects.v[rows]
        blocks.append(made)
    return Covariance(clusters, tuple(blocks))


def _each(value: float | Sequence[float] | None, count: int, name: str, least: float) -> FloatArray:
    array = np.atleast_1d(np.asarray(value, dtype=np.float64))
    if array.size == 1:
        array = np.full(count, float(array[0]))
    if array.shape != (count,):
        summary = f"{name} has {array.size} values for {count} clusters: one, or one of each"
        raise DataError(summary)
    if not ((array >= least) & (array <= 1)).all():
        msg = f"{name} is a correlation between {least:g} and 1, not {value!r}"
        raise SettingsError(msg)
    return array


def _regrouped(covariance: Covariance, clusters: Clusters) -> Covariance:
    """Take the blocks by the clusters that are pooled, which may hold several of the covariance's or part of one."""
    if np.array_equal(covariance.clusters.codes, clusters.codes):
        return Covariance(clusters, tuple(values for _, _, values in covariance.by_size()))
    place = np.empty(len(covariance), dtype=np.int64)
    kind = np.empty(len(covariance), dtype=np.int64)
    within = np.empty(len(covariance), dtype=np.int64)
    arrays: list[FloatArray] = []
    for number, (_, rows, values) in enumerate(covariance.by_size()):
        kind[rows] = number
        place[rows] = np.arange(rows.shape[0])[:, None]
        within[rows] = np.arange(rows.shape[1])
        arrays.append(values)
    owner = covariance.clusters.codes
    split = clusters_of(owner)
    for i, members in enumerate(_first_and_last(clusters.codes, split)):
        if members[0] != members[1]:
            summary = (
                f"the covariance joins effects of cluster {covariance.labels[i]!r} that are to be pooled in different "
                "clusters, which then would depend on each other"
            )
            raise DataError(summary)
    blocks: list[FloatArray] = []
    for _, rows in clusters.by_size:
        size = rows.shape[1]
        made = np.zeros((rows.shape[0], size, size))
        left = np.broadcast_to(rows[:, :, None], made.shape)
        right = np.broadcast_to(rows[:, None, :], made.shape)
        together = owner[left] == owner[right]
        for number, values in enumerate(arrays):
            here = together & (kind[left] == number)
            made[here] = values[place[left[here]], within[left[here]], within[right[here]]]
        blocks.append(made)
    return Covariance(clusters, tuple(blocks))


def _first_and_last(codes: IntArray, split: Clusters) -> list[tuple[int, int]]:
    made: dict[int, tuple[int, int]] = {}
    for which, rows in split.by_size:
        own = codes[rows]
        made.update(
            zip(which.tolist(), zip(own.min(axis=1).tolist(), own.max(axis=1).tolist(), strict=True), strict=True)
        )
    return [made[i] for i in range(len(split.labels))]


# -- what a reader should know -----------------------------------------------------------------------------------------


def _said(value: float | Sequence[float] | None, name: str) -> str:
    if value is None:
        return ""
    return f", {name} = {value:g}" if isinstance(value, int | float) else f", {name} by cluster"


def _notes(
    effects: Effects, clusters: Clusters, usable: np.ndarray[Any, Any], how: str, negative: int, *, weighted: bool
) -> tuple[str, ...]:
    pooled = "generalised least squares" if weighted else "plain means"
    sizes = f"{int(usable.sum())} effects of {len(clusters.labels)} clusters"
    notes = [
        *(effects.studies.notes if effects.studies is not None else ()),
        f"{sizes} are pooled within clusters by {pooled} ({how})",
    ]
    left = [f"row {i + 1} ({effects.study[i]}): {effects.reasons[i]}" for i in sorted(effects.reasons)]
    if left:
        shown = "; ".join(left[:10]) + (f"; and {len(left) - 10} more" if len(left) > 10 else "")  # noqa: PLR2004 - a readable line
        notes.append(f"effects left out of their cluster: {shown}")
    if negative:
        many = "1 cluster has" if negative == 1 else f"{negative} clusters have"
        notes.append(
            f"{many} effects with negative weights: strong correlations can take a pooled effect out of their range"
        )
    return tuple(notes)


def _studies(effects: Effects, clusters: Clusters, y: FloatArray, v: FloatArray, notes: tuple[str, ...]) -> Studies:
    """Make a table with a row for each cluster; texts are kept where a cluster has one of them."""
    text: dict[str, tuple[str | None, ...]] = {}
    source = effects.studies
    columns: Mapping[str, tuple[str | None, ...]] = {} if source is None else source.text
    for name, column in columns.items():
        values: list[str | None] = [None] * len(clusters.labels)
        mixed: set[int] = set()
        for code, cell in zip(clusters.codes.tolist(), column, strict=True):
            if cell is None or code in mixed or values[code] == cell:
                continue
            if values[code] is None:
                values[code] = cell
            else:
                values[code] = None
                mixed.add(code)
        text[name] = tuple(values)
    return Studies(
        columns={"yi": read_only(y), "vi": read_only(v)},
        study=clusters.labels,
        text=text,
        source=source.source if source is not None else None,
        notes=notes,
    )
