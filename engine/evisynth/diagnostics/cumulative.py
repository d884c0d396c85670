"""Add the studies one by one, in any order."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import attrs
import numpy as np

from evisynth.diagnostics.deletions import FEW, closed_form, totals_fit
from evisynth.diagnostics.subsets import SubsetPooling, Subsets
from evisynth.diagnostics.tables import excluded_studies, frame, number, shown
from evisynth.errors import DataError, Problem, SettingsError
from evisynth.kernels.distributions import chi2_p_value
from evisynth.kernels.running import prefix_means, running_mean, running_moment_tau2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from evisynth.kernels.arrays import BoolArray, FloatArray, IntArray
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

    @cached_property
    def added(self) -> tuple[tuple[str, ...], ...]:
        """The studies that each step adds."""
        names = self.analysis.effects.study_id
        return tuple(tuple(names[row] for row in step) for step in self.steps)

    @property
    def excluded(self) -> Mapping[str, str]:
        """Studies that the analysis leaves out already, with the reason."""
        return excluded_studies(self.analysis)

    @cached_property
    def numbers(self) -> Subsets:
        """The numbers of each step, ``(m,)`` or ``(p, m)``."""
        made = SubsetPooling(self.analysis, len(self.steps))
        place = {row: i for i, row in enumerate(self.analysis.rows)}
        order = np.array([place[row] for step in self.steps for row in step], dtype=np.int64)
        sizes = np.cumsum([len(step) for step in self.steps], dtype=np.int64)
        if order.size > FEW and closed_form(made):
            _by_sums(made, order, sizes)
        else:
            for i, size in enumerate(sizes.tolist()):
                made.pool_one(i, order[:size])
        return made.made()

    def records(self) -> list[dict[str, Any]]:
        """Give a row per step (and, in a meta-regression, coefficient): the pooled effect and heterogeneity so far."""
        numbers, scale, terms = self.numbers, self.analysis.effects.scale, self.analysis.terms
        made: list[dict[str, Any]] = []
        for i, names in enumerate(self.added):
            for j, term in enumerate(terms):
                columns = (numbers.value, numbers.ci_low, numbers.ci_high)
                effect, low, high = (number(column[j, i]) for column in columns)
                made.append(
                    {
                        "added": "; ".join(names),
                        **({"term": term} if len(terms) > 1 else {}),
                        "k": int(numbers.k[i]),
                        "effect": effect,
                        "se": number(numbers.se[j, i]),
                        "ci_low": low,
                        "ci_high": high,
                        "statistic": number(numbers.statistic[j, i]),
                        "df": number(numbers.df[j, i]),
                        "p_value": number(numbers.p_value[j, i]),
                        **shown(scale, effect, low, high),
                        "q": number(numbers.q[i]),
                        "q_p_value": number(numbers.q_p_value[i]),
                        "tau2": number(numbers.tau2[i]),
                        "i2": number(numbers.i2[i]),
                        "h2": number(numbers.h2[i]),
                        "reason": numbers.reason[i],
                        "note": numbers.note[i],
                    }
                )
        return made

    def to_frame(self) -> pd.DataFrame:
        """Give `records` as a table."""
        return frame(self.records())


def cumulative(
    analysis: MetaAnalysis, order: Order = None, *, descending: bool = False, collapse: bool = False
) -> Cumulative:
    """Pool the first study of an order, the first two, and so on to all of them, by the settings of an analysis.

    ``order`` is None (as in the table), ``"year"``, ``"precision"`` (most precise first), a column's name, or a value
    for every row of the table to sort by; equal values keep the order of the table, and with ``collapse`` are added in
    one step. ``descending`` turns the order of values around. Raises `DataError` for values that are missing among the
    studies that are pooled and for a column that is not there.
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
    rank = -rank if descending else rank
    at = np.argsort(rank, kind="stable")
    if not collapse:
        return Cumulative(analysis, tuple((row,) for row in rows[at].tolist()))
    edges = np.nonzero(np.diff(rank[at]))[0] + 1
    return Cumulative(analysis, tuple(tuple(part.tolist()) for part in np.split(rows[at], edges)))


def _ranks(analysis: MetaAnalysis, order: str | Sequence[Any] | FloatArray) -> FloatArray:
    """Give a number for every row, by which to sort."""
    effects = analysis.effects
    k = len(effects)
    if isinstance(order, str) and order == PRECISION and not _column(analysis, order):
        return _all_there(analysis, np.where(np.isfinite(effects.v), effects.v, np.inf), np.isfinite(effects.v), order)
    values = _column(analysis, order) if isinstance(order, str) else list(cast("Sequence[Any]", order))
    if isinstance(order, str) and not values:
        source = effects.studies
        have = ", ".join((*source.text, *source.columns)) if source is not None else "none"
        summary = f"there is no column {order!r} to order by; columns: {have or 'none'}"
        raise DataError(summary)
    if len(values) != k:
        summary = f"there are {len(values)} values to order {k} studies by: one of each per row of the table"
        raise DataError(summary)
    name = order if isinstance(order, str) else "order"
    numbers = np.array([_as_number(value) for value in values])
    there = np.array([not _missing(value) for value in values], dtype=np.bool_)
    if np.isnan(numbers[there]).any():
        # Texts sort as texts.
        texts = [str(value) for value in values]
        sorted_texts = {text: float(i) for i, text in enumerate(sorted(set(texts)))}
        numbers = np.array([sorted_texts[text] for text in texts])
    return _all_there(analysis, numbers, there, name)


def _column(analysis: MetaAnalysis, name: str) -> list[Any]:
    source = analysis.effects.studies
    if source is None:
        return []
    if name in source.text:
        return list(source.text[name])
    return source.columns[name].tolist() if name in source.columns else []


def _missing(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124 - NaN


def _as_number(value: object) -> float:
    try:
        return np.nan if value is None else float(cast("float", value))
    except (TypeError, ValueError):
        return np.nan


def _all_there(analysis: MetaAnalysis, numbers: FloatArray, there: BoolArray, name: str) -> FloatArray:
    problems = [
        Problem(row + 1, analysis.effects.study[row], name, None, "is missing")
        for row in analysis.rows
        if not there[row]
    ]
    if problems:
        summary = "every pooled study needs a place in the order (leave out the others by name)"
        raise DataError(summary, problems)
    return numbers


def _by_sums(made: SubsetPooling, order: IntArray, sizes: IntArray) -> None:
    """Fill all steps from running sums."""
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
        made.keep_estimates(which, totals_fit(size, total[which], mean[which], rss[which], used, settings.model))
        df = size - 1
        made.narrow["q"][i], made.narrow["tau2"][i] = q[i], tau2[i]
        made.narrow["q_p_value"][i] = float(chi2_p_value(float(q[i]), df))
        by_tau2 = settings.i2 == "tau2" and settings.model == "random"
        made.keep_i2(which, q[which], df, tau2[which], df / trace[which] if by_tau2 else None)
