"""The verb `fit_many`: thousands to millions of analyses at once, a row each, by the kernels of a single fit.

Analyses are put in order of their number of studies k and run in tiles of ``(k, ≤ 8192)``: long enough to spread the
cost of a call, small enough for the cache.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.across_rows import Analyses
from evisynth.errors import CombinationError, DataError, SettingsError
from evisynth.fits import no_limits
from evisynth.fitting import resolve
from evisynth.grouping import Groups, groups_by_key, groups_by_offsets
from evisynth.heterogeneity import NOT_OF_THIS_MODEL
from evisynth.inference import infer, predict, tau2_limits
from evisynth.kernels.distributions import chi2_p_value
from evisynth.kernels.weighted_fit import intercept, weighted_fit
from evisynth.long_tables import long_columns
from evisynth.measuring import measure_columns
from evisynth.models import NO_STUDIES, NOTHING_TO_PREDICT, ONE_STUDY, SUMS_ARE_ZERO
from evisynth.pooling import Methods, Pooled, Sample, pool, rates_without_events
from evisynth.registry import Registry, default_registry
from evisynth.studies import plainly_usable, refuse_impossible, refuse_impossible_weights
from evisynth.tables import complete_totals, impossible_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from evisynth.cells import CorrectedCells
    from evisynth.fits import Estimates, Fit, Limits
    from evisynth.kernels.arrays import BoolArray, FloatArray, IntArray
    from evisynth.settings import Settings

_PATIENCE = 2.0
"""Seconds until a progress bar comes by itself."""
TILE = 8192
"""Analyses side by side in one call of a kernel."""

_NUMBERS = ("effect", "se", "ci_low", "ci_high", "statistic", "df", "p_value", "q", "q_p_value", "tau2", "i2", "h2")
_PREDICTION = ("prediction_low", "prediction_high")
_TAU2 = ("tau2_ci_low", "tau2_ci_high")


def fit_many(  # noqa: PLR0913 - keyword-only, three ways to say which rows belong together
    data: Any = None,  # noqa: ANN401 - anything with columns
    *,
    by: str | Sequence[Any] | None = None,
    offsets: Sequence[int] | IntArray | None = None,
    y: str | Sequence[float] | FloatArray | None = None,
    v: str | Sequence[float] | FloatArray | None = None,
    se: str | Sequence[float] | FloatArray | None = None,
    weights: str | Sequence[float] | FloatArray | None = None,
    measure: str | None = None,
    roles: Mapping[str, str] | None = None,
    settings: str | Settings = "revman-web",
    progress: bool | None = None,
    registry: Registry | None = None,
    **words: Any,  # noqa: ANN401 - the fields of Settings
) -> pd.DataFrame:
    """Pool many analyses at once; returns a table with a row for each, in order of first appearance.

    ``data`` is a long table (a DataFrame or a mapping of columns) and ``by`` its column that tells the analyses apart;
    or ``y`` and ``v`` (or ``se``) are arrays and ``offsets`` ``(m + 1,)`` says where each analysis begins. Effects come
    from columns ``y`` and ``v`` or ``se`` by name, or are computed from raw columns by ``measure`` (and pooled by
    ``method``). ``words`` are fields of `Settings`; a prediction interval and an interval for τ² are given only where
    asked for by name. ``weights`` are the user's, a column by name or an array. Rows without an effect are left out,
    and an analysis without any has a reason instead of numbers. ``progress`` shows a bar on standard error; unless
    said, it comes in a terminal when a run takes longer than two seconds.
    """
    registry = registry or default_registry()
    if measure is not None:
        words["measure"] = measure
    if by is not None and offsets is not None:
        msg = "analyses are told apart by keys or by offsets: give by or offsets, not both"
        raise SettingsError(msg)
    columns, keys = long_columns(data, by, {"yi": y, "vi": v, "sei": se}, roles, {"weights": weights})
    own_weights = columns.pop("weights", None)
    words.setdefault("measure", settings.measure if not isinstance(settings, str) and settings.measure else "GEN")
    resolved, methods = resolve(settings, words, registry)
    rows = len(next(iter(columns.values()))) if columns else 0
    groups = groups_by_key(keys) if offsets is None else groups_by_offsets(offsets, rows)
    if own_weights is not None:
        refuse_impossible_weights(own_weights)
    elif resolved.weighting == "equal":
        own_weights = np.ones(rows)
    if own_weights is not None and not methods.pooling.weights:
        msg = f"method {methods.pooling.name!r} has weights of its own: choose method 'IV' for weights of one's own"
        raise CombinationError(msg)
    table = _Rows.measure(columns, resolved, registry, groups, methods.pooling.tables)
    taken = {name: columns[name] for name in methods.pooling.columns if name in columns}
    table = attrs.evolve(table, weights=own_weights, columns=taken)
    if table.cells is None and table.used is not None:
        kept = rates_without_events(table.y, taken, methods, resolved.double_zeros)
        table = table if kept is None else attrs.evolve(table, used=table.used | kept)
    asked = {"prediction": "prediction" in words, "tau2_interval": "tau2_interval" in words}
    batch = _Batch(resolved, methods, groups, table, asked)
    batch.run(progress=progress)
    return batch.frame()


@attrs.frozen(eq=False)
class _Rows:
    """The long table as arrays, and which of its rows are pooled (None: all)."""

    y: FloatArray
    v: FloatArray
    cells: CorrectedCells | None
    used: BoolArray | None
    weights: FloatArray | None = None
    columns: Mapping[str, FloatArray] = attrs.field(factory=dict[str, "FloatArray"])
    """What the pooling asks for of the table's columns."""

    @classmethod
    def measure(
        cls, columns: Mapping[str, FloatArray], settings: Settings, registry: Registry, groups: Groups, tables: str
    ) -> _Rows:
        plain = settings.measure == "GEN" and set(columns) == {"yi", "vi"}
        if plain:
            y, v = columns["yi"], columns["vi"]
            if plainly_usable(y, v):
                return cls(y, v, None, None)
            refuse_impossible("y", y)
            refuse_impossible("v", v)
        columns = complete_totals(dict(columns))
        _refuse_impossible(columns)
        measured = measure_columns(columns, settings, registry, analyses=Analyses(groups.codes))
        seen, cells = np.isfinite(measured.y), measured.cells
        if cells is not None:
            cells = cells.weighing(tables, settings.double_zeros)
            if cells.kept_in_sums is not None:
                seen = seen | cells.kept_in_sums
        return cls(measured.y, measured.v, cells, None if seen.all() else seen)


def _refuse_impossible(columns: Mapping[str, FloatArray]) -> None:
    # An infinite effect is left out with a reason, as `Effects` does.
    problems = list(impossible_values({name: column for name, column in columns.items() if name != "yi"}))
    if problems:
        summary = f"the table holds {len(problems)} values that cannot be used"
        raise DataError(summary, problems)


class _Batch:
    """Fill a column for every number of the result, tile by tile."""

    def __init__(
        self, settings: Settings, methods: Methods, groups: Groups, rows: _Rows, asked: Mapping[str, bool]
    ) -> None:
        self.settings = settings
        self.methods = methods
        self.groups = groups
        self.rows = rows
        self.asked = asked
        names = [*_NUMBERS, *(_PREDICTION if asked["prediction"] else ()), *(_TAU2 if asked["tau2_interval"] else ())]
        self.out: dict[str, FloatArray] = {name: np.full(groups.count, np.nan) for name in names}
        self.note = np.full(groups.count, None, dtype=object)
        self.tau2_reason = np.full(groups.count, None, dtype=object)
        self.prediction_reason = np.full(groups.count, None, dtype=object)
        # An interval for τ² may need the standard error.
        self.details = asked["tau2_interval"]
        self.order, self.starts, self.k = groups.rows_of(rows.used)

    def run(self, *, progress: bool | None) -> None:
        """Pool every analysis."""
        special = self._with_rows_without_effect()
        tiles = [tile for tile in _tiles(self.k, special) if tile.k]
        with np.errstate(divide="ignore", invalid="ignore"):
            for tile in _shown(tiles, progress=progress):
                self._pool(tile)
            for g in special.tolist():
                self._pool_one(g)

    def _with_rows_without_effect(self) -> IntArray:
        """Find analyses that weigh a table which has no effect of its own; those are pooled one by one."""
        cells = self.rows.cells
        if (cells is None or cells.kept_in_sums is None) and not (cells is None and self.rows.columns):
            return np.empty(0, dtype=np.int64)
        missing = np.isnan(self.rows.y)
        total = np.concatenate([[0], np.cumsum(missing if self.order is None else missing[self.order])])
        return np.nonzero(total[self.starts + self.k] - total[self.starts] > 0)[0]

    def _pool(self, tile: _Tile) -> None:
        rows = self.rows
        first = int(self.starts[tile.which[0]])
        in_one_block = tile.contiguous and self.order is None
        columns: Mapping[str, FloatArray] = {}
        if in_one_block and rows.cells is None and not rows.columns:
            block = slice(first, first + tile.k * tile.which.size)
            y = np.ascontiguousarray(rows.y[block].reshape(-1, tile.k).T)
            v = np.ascontiguousarray(rows.v[block].reshape(-1, tile.k).T)
            weights = None if rows.weights is None else rows.weights[block].reshape(-1, tile.k).T
            cells = None
        else:
            at = self.starts[tile.which] + np.arange(tile.k, dtype=np.int64)[:, np.newaxis]
            at = at if self.order is None else self.order[at]
            y, v = rows.y[at], rows.v[at]
            cells = None if rows.cells is None else rows.cells.at(at)
            weights = None if rows.weights is None else rows.weights[at]
            columns = {name: column[at] for name, column in rows.columns.items()}
        sample = Sample(y, v, intercept(tile.k), self.methods.measure.name, cells, weights, columns)
        self._keep(tile.which, pool(sample, self.settings, self.methods, details=self.details))

    def _pool_one(self, g: int) -> None:
        cells = self.rows.cells
        at = int(self.starts[g]) + np.arange(int(self.k[g]), dtype=np.int64)
        at = at if self.order is None else self.order[at]
        part = None
        if cells is not None:
            kept = cells.kept_in_sums
            part = attrs.evolve(cells.at(at), kept_in_sums=None if kept is None else kept[at])
        columns = {name: column[at] for name, column in self.rows.columns.items()}
        y, v, measure = self.rows.y[at], self.rows.v[at], self.methods.measure.name
        sample = Sample(y, v, intercept(at.size), measure, part, columns=columns)
        self._keep(np.array([g]), pool(sample, self.settings, self.methods, details=self.details))

    def _keep(self, which: IntArray, pooled: Pooled) -> None:
        out = self.out
        fit = pooled.random if self.settings.model == "random" else pooled.common
        if fit is None:
            return
        estimates, note = infer(self.methods, fit, self.settings)
        exists = np.isfinite(estimates.value[0]) & (estimates.se[0] > 0)
        for name in ("value", "se", "ci_low", "ci_high", "statistic", "p_value"):
            out["effect" if name == "value" else name][which] = np.where(exists, getattr(estimates, name)[0], np.nan)
        if estimates.df is not None:
            df_ = estimates.df[0] if isinstance(estimates.df, np.ndarray) else estimates.df
            out["df"][which] = np.where(np.isinf(df_), np.nan, df_)
            if estimates.without_df is not None:
                out["df"][which[estimates.without_df]] = np.nan
        if note is not None:
            self.note[which if estimates.without_df is None else which[estimates.without_df]] = note
        random = pooled.random
        if self.asked["prediction"]:
            self._predict(which, fit, estimates)
        df = pooled.q_df
        out["q"][which] = pooled.q
        if df < 1:
            self.tau2_reason[which] = ONE_STUDY
            return
        out["q_p_value"][which] = chi2_p_value(pooled.q, df)
        self._heterogeneity(which, pooled, df)
        if self.asked["tau2_interval"] and self.methods.tau2_interval is not None and random is not None:
            record = self.methods.tau2_interval
            limits = (
                no_limits(random.no_tau2 or NOT_OF_THIS_MODEL)
                if random.weighted is None
                else tau2_limits(self.methods, record, random, self.settings, q=pooled.q, h2=out["h2"][which])
            )
            self._limits(which, _TAU2, limits)
            if limits.reason is not None:
                self.tau2_reason[which] = limits.reason

    def _predict(self, which: IntArray, fit: Fit, estimates: Estimates) -> None:
        record = self.methods.prediction
        if record is None:
            return
        if fit.model == "common":
            self.prediction_reason[which] = NOTHING_TO_PREDICT
        elif fit.no_tau2 is not None or (fit.k == 1 and fit.tau2_fit is None):
            self.prediction_reason[which] = fit.no_tau2 or ONE_STUDY
        else:
            limits = predict(self.methods, record, fit, estimates, self.settings)
            self._limits(which, _PREDICTION, limits)
            if limits.reason is not None:
                self.prediction_reason[which] = limits.reason

    def _heterogeneity(self, which: IntArray, pooled: Pooled, df: int) -> None:
        out, q, random = self.out, pooled.q, pooled.random
        by_tau2 = self.settings.i2 == "tau2" and self.settings.model == "random"
        if random is not None and random.tau2_fit is not None:
            out["tau2"][which] = random.tau2
            if by_tau2:
                common = pooled.common
                weighted = (common and common.weighted) or weighted_fit(random.y, 1.0 / random.v, random.X)
                typical = df / weighted.trace
                out["i2"][which] = 100.0 * (random.tau2 / (random.tau2 + typical))
                out["h2"][which] = 1.0 + random.tau2 / typical
                return
        out["i2"][which] = np.where(q > 0, 100.0 * np.maximum(0.0, (q - df) / q), 0.0)
        out["h2"][which] = q / df

    def _limits(self, which: IntArray, names: tuple[str, str], limits: Limits) -> None:
        self.out[names[0]][which] = limits.low
        self.out[names[1]][which] = limits.high

    def frame(self) -> pd.DataFrame:
        """Make the table."""
        import pandas as pd  # noqa: PLC0415 - pandas only when asked for

        reason = np.full(self.groups.count, None, dtype=object)
        reason[np.isnan(self.out["effect"])] = SUMS_ARE_ZERO
        reason[self.k == 0] = NO_STUDIES
        columns: dict[str, Any] = {"analysis": self.groups.keys, "k": self.k, "k_total": self.groups.counts, **self.out}
        columns["q_df"] = np.maximum(self.k - 1, 0)
        if self.asked["prediction"]:
            self.prediction_reason[np.isnan(self.out["effect"])] = reason[np.isnan(self.out["effect"])]
            columns["prediction_reason"] = pd.Series(self.prediction_reason, dtype=object)
        if self.details:
            self.tau2_reason[self.k == 0] = NO_STUDIES
            columns["tau2_ci_reason"] = pd.Series(self.tau2_reason, dtype=object)
        # As objects, so that what is absent stays None.
        columns |= {"reason": pd.Series(reason, dtype=object), "note": pd.Series(self.note, dtype=object)}
        return pd.DataFrame(columns, copy=False)


@attrs.frozen(eq=False)
class _Tile:
    k: int
    which: IntArray
    contiguous: bool


def _tiles(counts: IntArray, special: IntArray) -> Iterator[_Tile]:
    order = np.argsort(counts, kind="stable")
    if special.size:
        order = order[~np.isin(order, special)]
    if not order.size:
        return
    edges = np.nonzero(np.diff(counts[order], prepend=-1))[0]
    for begin, end in zip(edges, [*edges[1:], order.size], strict=True):
        for start in range(begin, end, TILE):
            which = order[start : min(start + TILE, end)]
            contiguous = bool(which[-1] - which[0] + 1 == which.size)
            yield _Tile(int(counts[which[0]]), which, contiguous)


def _shown(tiles: Sequence[_Tile], *, progress: bool | None) -> Iterator[_Tile]:
    """Go through the tiles with a progress bar; with None, only in a terminal and when it takes long."""
    if not progress and (progress is not None or not sys.stderr.isatty()):
        yield from tiles
        return
    begun = time.monotonic()
    bar = None
    try:
        for done, tile in enumerate(tiles):
            yield tile
            if bar is None and (progress or time.monotonic() - begun > _PATIENCE):
                from rich.console import Console  # noqa: PLC0415 - only where a bar is shown
                from rich.progress import Progress  # noqa: PLC0415 - as above

                bar = Progress(console=Console(stderr=True))
                bar.add_task("Pooling", total=sum(t.which.size for t in tiles))
                bar.start()
                bar.advance(bar.task_ids[0], sum(t.which.size for t in tiles[:done]))
            if bar is not None:
                bar.advance(bar.task_ids[0], tile.which.size)
    finally:
        if bar is not None:
            bar.stop()
