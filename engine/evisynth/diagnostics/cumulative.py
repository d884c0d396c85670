"""Add the studies one by one, in any order."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import attrs
import numpy as np

from evisynth.diagnostics.deletions import FEW, closed_form
from evisynth.diagnostics.subsets import SubsetPooling, Subsets
from evisynth.diagnostics.tables import excluded_studies, frame, pooled_records
from evisynth.diagnostics.totals import StudiesNeededError, totals_fit
from evisynth.errors import DataError, SettingsError
from evisynth.kernels.distributions import chi2_p_value
from evisynth.kernels.running import prefix_means, running_mean, running_moment_tau2
from evisynth.studies import MISSING_VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from evisynth.kernels.arrays import FloatArray, IntArray
    from evisynth.results import MetaAnalysis

Order: TypeAlias = "str | Sequence[Any] | FloatArray | None"
PRECISION = "precision"
"""Order by standard error, the most precise study first."""


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class Cumulative:
    """Hold the analyses of the first studies, the first two, and so on; those added together make one step.

    ``steps`` are the rows (from 0) that each step adds; ``numbers`` are those of the analyses as arrays.
    """

    analysis: MetaAnalysis
    steps: tuple[tuple[int, ...], ...]
    unplaced: Mapping[int, str] = attrs.field(factory=dict[int, str])
    """Rows (from 0) that the analysis pools and that have no place in the order, with the reason."""

    @cached_property
    def added(self) -> tuple[tuple[str, ...], ...]:
        """The studies that each step adds."""
        names = self.analysis.effects.study_id
        return tuple(tuple(names[row] for row in step) for step in self.steps)

    @property
    def excluded(self) -> Mapping[str, str]:
        """Studies that are not added, with the reason."""
        names = self.analysis.effects.study_id
        return {**excluded_studies(self.analysis), **{names[row]: reason for row, reason in self.unplaced.items()}}

    @cached_property
    def numbers(self) -> Subsets:
        """The numbers of each step, ``(m,)`` or ``(p, m)``."""
        made = SubsetPooling(self.analysis, len(self.steps))
        place = {row: i for i, row in enumerate(self.analysis.rows)}
        order = np.array([place[row] for step in self.steps for row in step], dtype=np.int64)
        sizes = np.cumsum([len(step) for step in self.steps], dtype=np.int64)
        if not (order.size > FEW and closed_form(made) and _by_sums(made, order, sizes)):
            for i, size in enumerate(sizes.tolist()):
                made.pool_one(i, order[:size])
        return made.made()

    def records(self) -> list[dict[str, Any]]:
        """Give a row per step (and, in a meta-regression, coefficient): the pooled effect and heterogeneity so far."""
        labels = ["; ".join(names) for names in self.added]

        def rows(i: int) -> list[int]:
            return [row for step in self.steps[: i + 1] for row in step]

        return pooled_records(self.numbers, "added", labels, self.analysis, rows)

    def to_frame(self) -> pd.DataFrame:
        """Give `records` as a table."""
        return frame(self.records())


def cumulative(
    analysis: MetaAnalysis, order: Order = None, *, descending: bool = False, collapse: bool = False
) -> Cumulative:
    """Pool the first study of an order, the first two, and so on to all of them, by the settings of an analysis.

    ``order`` is None (as in the table), ``"year"``, ``"precision"`` (most precise first), a column's name, or a value
    for every row of the table to sort by; equal values keep the order of the table, and with ``collapse`` are added in
    one step. ``descending`` turns the order of values around. A study whose value is missing is not added, and named
    in ``excluded``. Raises `DataError` for a column that is not there and for values of another number.
    """
    rows = np.asarray(analysis.rows, dtype=np.int64)
    if not rows.size:
        return Cumulative(analysis, ())
    if order is None:
        if collapse:
            msg = "studies are added together where they are equal in some order: give order='year', a column or values"
            raise SettingsError(msg)
        chosen = rows[::-1] if descending else rows
        return Cumulative(analysis, tuple((row,) for row in chosen.tolist()))
    rank = _ranks(analysis, order)[rows]
    placed = np.isfinite(rank)
    missing = MISSING_VALUE.format(column=order if isinstance(order, str) else "place in the order")
    unplaced = dict.fromkeys(rows[~placed].tolist(), missing)
    rows, rank = rows[placed], -rank[placed] if descending else rank[placed]
    at = np.argsort(rank, kind="stable")
    if not collapse:
        return Cumulative(analysis, tuple((row,) for row in rows[at].tolist()), unplaced)
    if not rows.size:
        return Cumulative(analysis, (), unplaced)
    edges = np.nonzero(np.diff(rank[at]))[0] + 1
    return Cumulative(analysis, tuple(tuple(part.tolist()) for part in np.split(rows[at], edges)), unplaced)


def _ranks(analysis: MetaAnalysis, order: str | Sequence[Any] | FloatArray) -> FloatArray:
    """Give a number for every row, by which to sort; NaN where there is none."""
    effects = analysis.effects
    values: list[Any] | None = (
        _column(analysis, order) if isinstance(order, str) else list(cast("Sequence[Any]", order))
    )
    if values is None:
        if order == PRECISION:
            return np.where(np.isfinite(effects.v), effects.v, np.nan)
        source = effects.studies
        have = ", ".join((*source.text, *source.columns)) if source is not None else ""
        summary = f"there is no column {order!r} to order by; columns: {have or 'none'}"
        raise DataError(summary)
    if len(values) != len(effects):
        summary = f"there are {len(values)} values to order {len(effects)} studies by: one of each per row of the table"
        raise DataError(summary)
    there = [value is not None and value == value for value in values]  # noqa: PLR0124 - NaN
    numbers = [_as_number(value) if seen else np.nan for value, seen in zip(values, there, strict=True)]
    if all(number is not None for number in numbers):
        return np.array(numbers, dtype=np.float64)
    # One that is not a number makes them texts.
    texts = sorted({str(value) for value, seen in zip(values, there, strict=True) if seen})
    place = {text: float(i) for i, text in enumerate(texts)}
    return np.array([place[str(value)] if seen else np.nan for value, seen in zip(values, there, strict=True)])


def _column(analysis: MetaAnalysis, name: str) -> list[Any] | None:
    source = analysis.effects.studies
    if source is None:
        return None
    if name in source.text:
        return list(source.text[name])
    return source.columns[name].tolist() if name in source.columns else None


def _as_number(value: object) -> float | None:
    try:
        return float(cast("float", value))
    except (TypeError, ValueError):
        return None


def _by_sums(made: SubsetPooling, order: IntArray, sizes: IntArray) -> bool:
    """Fill all steps from running sums, unless the interval method asks for the studies themselves."""
    settings, estimator = made.settings, made.methods.tau2.moment_weights
    assert estimator is not None  # noqa: S101 - asked for before
    y, v = made.sample.y[order], made.sample.v[order]
    w = 1.0 / v
    total, mean, rss = (column[sizes - 1] for column in running_mean(y, w))
    tau2, _ = running_moment_tau2(y, v, estimator(v))
    _, trace = running_moment_tau2(y, v, w)
    tau2, trace = np.maximum(tau2[sizes - 1], 0.0), trace[sizes - 1]
    q = rss
    if settings.model == "random":
        # One study cannot tell τ².
        total, mean, rss = prefix_means(y, v, sizes, np.where(sizes > 1, tau2, 0.0))
    for i, size in enumerate(sizes.tolist()):
        which = np.array([i])
        if size == 1:
            made.pool_one(i, order[:1])
            continue
        made.k[i] = size
        used = tau2[which] if settings.model == "random" else np.zeros(1)
        fit = totals_fit(size, total[which], mean[which], rss[which], used, settings.model)
        try:
            made.keep_estimates(which, fit)
        except StudiesNeededError:
            return False
        df = size - 1
        made.narrow["q"][i], made.narrow["tau2"][i] = q[i], tau2[i]
        made.narrow["q_p_value"][i] = float(chi2_p_value(float(q[i]), df))
        by_tau2 = settings.i2 == "tau2" and settings.model == "random"
        made.keep_i2(which, q[which], df, tau2[which], df / trace[which] if by_tau2 else None)
    return True
