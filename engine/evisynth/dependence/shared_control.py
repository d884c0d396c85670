"""Compute the covariance of effects that were measured against one control group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth.dependence.clusters import clusters_of, column_of
from evisynth.dependence.covariance import Covariance
from evisynth.errors import CombinationError, DataError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evisynth.dependence.clusters import Clusters
    from evisynth.kernels.arrays import FloatArray
    from evisynth.studies import Effects


def shared_control_covariance(
    effects: Effects,
    *,
    cluster: Any,  # noqa: ANN401 - a column's name, or a column
) -> Covariance:
    """Compute the covariance of effects whose rows of one cluster share the control arm, from the arm's own numbers.

    The covariance of two differences from one control group is the control's part of their variances: for a log risk
    ratio 1/c - 1/n, a log odds ratio 1/c + 1/d, a risk difference p(1 - p)/n, a mean difference s²/n, a log ratio of
    means s²/(n x̄²), a log rate ratio 1/c, a rate difference c/t²; for a standardised mean difference 1/n + g g'/(2N)
    with N everybody of the cluster. Zero cells count as they do in the effects' variances. ``effects`` are made of a
    table by `evisynth.effects`. Raises `CombinationError` for another measure, and `DataError` where the rows of a
    cluster do not have the same control arm. Source: Gleser & Olkin (2009), Stochastically dependent effect sizes, in
    Handbook of Research Synthesis and Meta-Analysis, 2nd ed., ch. 19.
    """
    parts = _PARTS.get(effects.measure)
    if parts is None or effects.studies is None:
        have = ", ".join(_PARTS)
        msg = f"the covariance by a shared control arm is known for {have} made of a table, not for {effects.measure}"
        raise CombinationError(msg)
    k = len(effects)
    clusters = clusters_of(column_of(effects, cluster, k, "cluster"))
    columns = effects.studies.columns
    _refuse_other_arms(effects, clusters, columns)
    part = parts(effects, columns)
    # A zero-cell rule may change the control arm in one row and not in the other: the root of each row's own part.
    root = np.sqrt(np.where(np.isnan(effects.v), np.nan, part))
    blocks: list[FloatArray] = []
    for _, rows in clusters.by_size:
        made = root[rows][:, :, None] * root[rows][:, None, :]
        if effects.measure == "SMD":
            n_2 = columns["n_2"][rows]
            everybody = columns["n_1"][rows].sum(axis=1) + n_2[:, 0]
            g = effects.y[rows]
            made = made + g[:, :, None] * g[:, None, :] / (2 * everybody[:, None, None])
        index = np.arange(rows.shape[1], dtype=np.int64)
        made[:, index, index] = effects.v[rows]
        made.setflags(write=False)
        blocks.append(made)
    return Covariance(clusters, tuple(blocks))


def _refuse_other_arms(effects: Effects, clusters: Clusters, columns: Mapping[str, FloatArray]) -> None:
    names = [name for name in ("events_2", "n_2", "mean_2", "sd_2", "time_2") if name in columns]
    problems: list[Problem] = []
    for _, rows in clusters.by_size:
        for name in names:
            own = columns[name][rows]
            with np.errstate(invalid="ignore"):
                other = (own != own[:, :1]) & ~np.isnan(own) & ~np.isnan(own[:, :1])
            problems.extend(
                Problem(
                    int(row) + 1, effects.study[int(row)], name, f"{columns[name][row]:g}", "is another control arm"
                )
                for row in rows[other]
            )
    if problems:
        problems.sort(key=lambda problem: problem.row or 0)
        summary = "rows of a cluster that share a control arm have the same numbers in it"
        raise DataError(summary, problems)


def _cells(effects: Effects) -> tuple[FloatArray, FloatArray]:
    if effects.cells is None:
        msg = "these effects have no 2×2 tables"
        raise CombinationError(msg)
    return effects.cells.variance.c, effects.cells.variance.d


def _risk_ratio(effects: Effects, _: Mapping[str, FloatArray]) -> FloatArray:
    c, d = _cells(effects)
    return d / (c * (c + d))


def _odds_ratio(effects: Effects, _: Mapping[str, FloatArray]) -> FloatArray:
    c, d = _cells(effects)
    return 1 / c + 1 / d


def _risk_difference(effects: Effects, _: Mapping[str, FloatArray]) -> FloatArray:
    c, d = _cells(effects)
    return c * d / (c + d) ** 3


def _mean_difference(_: Effects, columns: Mapping[str, FloatArray]) -> FloatArray:
    return columns["sd_2"] ** 2 / columns["n_2"]


def _ratio_of_means(_: Effects, columns: Mapping[str, FloatArray]) -> FloatArray:
    return (columns["sd_2"] / columns["mean_2"]) ** 2 / columns["n_2"]


def _standardised(_: Effects, columns: Mapping[str, FloatArray]) -> FloatArray:
    return 1 / columns["n_2"]


def _rate_ratio(_: Effects, columns: Mapping[str, FloatArray]) -> FloatArray:
    return 1 / columns["events_2"]


def _rate_difference(_: Effects, columns: Mapping[str, FloatArray]) -> FloatArray:
    return columns["events_2"] / columns["time_2"] ** 2


_PARTS: Mapping[str, Callable[[Effects, Mapping[str, FloatArray]], FloatArray]] = {
    "RR": _risk_ratio,
    "OR": _odds_ratio,
    "RD": _risk_difference,
    "MD": _mean_difference,
    "ROM": _ratio_of_means,
    "SMD": _standardised,
    "IRR": _rate_ratio,
    "IRD": _rate_difference,
}
