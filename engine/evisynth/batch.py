"""The verb `fit_many`: thousands to millions of analyses at once, a row each, by the kernels of a single fit.

Analyses are put in order of their number of studies k and run in tiles of ``(k, ≤ 8192)``: long enough to spread the
cost of a call, small enough for the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.errors import DataError, Problem
from evisynth.fitting import measure_columns, resolve
from evisynth.grouping import Groups, groups_by_key, groups_by_offsets
from evisynth.kernels.distributions import chi2_p_value
from evisynth.kernels.weighted_fit import intercept, weighted_fit
from evisynth.long_tables import long_columns
from evisynth.pooling import Methods, Pooled, Sample, call, pool
from evisynth.registry import Registry, default_registry
from evisynth.results import NO_STUDIES, ONE_STUDY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from evisynth.cells import CorrectedCells
    from evisynth.fits import Estimates, Fit, Limits
    from evisynth.kernels.arrays import FloatArray, IntArray
    from evisynth.settings import Settings

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
    measure: str | None = None,
    roles: Mapping[str, str] | None = None,
    settings: str | Settings = "revman-web",
    progress: bool = False,
    registry: Registry | None = None,
    **words: Any,  # noqa: ANN401 - the fields of Settings
) -> pd.DataFrame:
    """Pool many analyses at once; returns a table with a row for each, in order of first appearance.

    ``data`` is a long table (a DataFrame or a mapping of columns) and ``by`` its column that tells the analyses apart;
    or ``y`` and ``v`` (or ``se``) are arrays and ``offsets`` ``(m + 1,)`` says where each analysis begins. Effects come
    from columns ``y`` and ``v`` or ``se`` by name, or are computed from raw columns by ``measure`` (and pooled by
    ``method``). ``words`` are fields of `Settings`; a prediction interval and an interval for τ² are given only where
    asked for by name. Rows without an effect are left out, and an analysis without any has a reason instead of numbers.
    """
    registry = registry or default_registry()
    if measure is not None:
        words["measure"] = measure
    columns, keys = long_columns(data, by, {"yi": y, "vi": v, "sei": se}, roles)
    words.setdefault("measure", settings.measure if not isinstance(settings, str) and settings.measure else "GEN")
    resolved, methods = resolve(settings, words, registry)
    rows = len(next(iter(columns.values()))) if columns else 0
    groups = groups_by_key(keys) if offsets is None else groups_by_offsets(offsets, rows)
    table = _Rows.measure(columns, resolved, registry)
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
    used: np.ndarray[Any, np.dtype[np.bool_]] | None

    @classmethod
    def measure(cls, columns: Mapping[str, FloatArray], settings: Settings, registry: Registry) -> _Rows:
        plain = settings.measure == "GEN" and columns.keys() == {"yi", "vi"}
        if plain:
            y, v = columns["yi"], columns["vi"]
            if not y.size or (v.min() > 0 and np.isfinite(y.sum() + v.sum())):
                return cls(y, v, None, None)
        _refuse_impossible(columns)
        measured = measure_columns(columns, settings, registry)
        seen = np.isfinite(measured.y)
        if measured.cells is not None and measured.cells.kept_in_sums is not None:
            seen = seen | measured.cells.kept_in_sums
        return cls(measured.y, measured.v, measured.cells, None if seen.all() else seen)


def _refuse_impossible(columns: Mapping[str, FloatArray]) -> None:
    rules = [
        (name, columns[name] < 0, "cannot be negative")
        for name in ("vi", "sei", "o_e_variance", "sd_1", "sd_2")
        if name in columns
    ]
    for arm in ("1", "2"):
        events, total = f"events_{arm}", f"n_{arm}"
        if events in columns and total in columns:
            rules.append((events, columns[events] < 0, "a count cannot be negative"))
            rules.append((events, columns[events] > columns[total], f"more events than participants ({total})"))
    problems = [
        Problem(int(i) + 1, None, name, f"{columns[name][i]:g}", message)
        for name, mask, message in rules
        for i in np.nonzero(mask)[0]
    ]
    if problems:
        summary = f"the table holds {len(problems)} values that cannot be used"
        raise DataError(summary, problems)


@attrs.define(eq=False)
class _Batch:
    """Fill a column for every number of the result, tile by tile."""

    settings: Settings
    methods: Methods
    groups: Groups
    rows: _Rows
    asked: Mapping[str, bool]
    out: dict[str, FloatArray] = attrs.field(init=False)
    k: IntArray = attrs.field(init=False)

    @out.default
    def _columns(self) -> dict[str, FloatArray]:
        names = (
            *_NUMBERS,
            *(_PREDICTION if self.asked["prediction"] else ()),
            *(_TAU2 if self.asked["tau2_interval"] else ()),
        )
        return {name: np.full(self.groups.count, np.nan) for name in names}

    def run(self, *, progress: bool) -> None:
        """Pool every analysis."""
        order, starts, counts = self.groups.rows_of(self.rows.used)
        self.k = counts
        special = self._with_rows_without_effect(order, starts, counts)
        tiles = [tile for tile in _tiles(counts, special) if tile.k]
        with np.errstate(divide="ignore", invalid="ignore"):
            for tile in _shown(tiles, progress=progress):
                index = (starts[tile.which] + np.arange(tile.k)[:, np.newaxis]) if not tile.contiguous else None
                if index is None:
                    block = slice(starts[tile.which[0]], starts[tile.which[0]] + tile.k * tile.which.size)
                    picked = _Picked(order, block, (tile.which.size, tile.k))
                    self._pool(tile.which, picked.take(self.rows.y), picked.take(self.rows.v), picked)
                else:
                    at = index if order is None else order[index]
                    picked = _Picked(None, at, None)
                    self._pool(tile.which, self.rows.y[at], self.rows.v[at], picked)
            for g in special:
                at = np.arange(starts[g], starts[g] + counts[g])
                at = at if order is None else order[at]
                self._pool_one(int(g), at)

    def _with_rows_without_effect(self, order: IntArray | None, starts: IntArray, counts: IntArray) -> IntArray:
        """Find analyses that weigh a table which has no effect of its own; those are pooled one by one."""
        cells = self.rows.cells
        if cells is None or cells.kept_in_sums is None or not self.methods.pooling.centre:
            return np.empty(0, dtype=np.int64)
        missing = np.isnan(self.rows.y)
        rows = missing if order is None else missing[order]
        total = np.concatenate([[0], np.cumsum(rows)])
        return np.nonzero(total[starts + counts] - total[starts] > 0)[0]

    def _pool(self, which: IntArray, y: FloatArray, v: FloatArray, picked: _Picked) -> None:
        cells = None if self.rows.cells is None else picked.cells(self.rows.cells)
        sample = Sample(y, v, intercept(y.shape[0]), self.methods.measure.name, cells)
        self._keep(which, pool(sample, self.settings, self.methods, details=False))

    def _pool_one(self, g: int, at: IntArray) -> None:
        cells = self.rows.cells
        assert cells is not None  # noqa: S101 - only tables of counts come here
        kept = cells.kept_in_sums
        part = attrs.evolve(cells.at(at), kept_in_sums=None if kept is None else kept[at])
        sample = Sample(self.rows.y[at], self.rows.v[at], intercept(at.size), self.methods.measure.name, part)
        self._keep(np.array([g]), pool(sample, self.settings, self.methods, details=False))

    def _keep(self, which: IntArray, pooled: Pooled) -> None:
        out = self.out
        fit = pooled.random if self.settings.model == "random" else pooled.common
        if fit is None:
            return
        estimates = self._estimates(fit)
        for name in ("value", "se", "ci_low", "ci_high", "statistic", "p_value"):
            out["effect" if name == "value" else name][which] = getattr(estimates, name)[0]
        if estimates.df is not None:
            out["df"][which] = estimates.df
        df = pooled.q_df
        out["q"][which] = pooled.q
        if df < 1:
            return
        out["q_p_value"][which] = chi2_p_value(pooled.q, df)
        self._heterogeneity(which, pooled, df)
        random = pooled.random
        if self.asked["prediction"] and self.methods.prediction is not None and random is fit:
            record = self.methods.prediction
            inputs = record.named_inputs({"estimates": estimates})
            self._limits(which, _PREDICTION, call(self.methods.registry, record, fit, self.settings.level, **inputs))
        if self.asked["tau2_interval"] and self.methods.tau2_interval is not None and random is not None:
            record_ = self.methods.tau2_interval
            self._limits(which, _TAU2, call(self.methods.registry, record_, random, self.settings.level))

    def _heterogeneity(self, which: IntArray, pooled: Pooled, df: int) -> None:
        out, q, random = self.out, pooled.q, pooled.random
        by_tau2 = self.settings.i2 == "tau2" and self.settings.model == "random"
        if random is not None and random.tau2_fit is not None:
            out["tau2"][which] = random.tau2
            if by_tau2:
                weighted = pooled.common.weighted or weighted_fit(random.y, 1.0 / random.v, random.X)
                typical = df / weighted.trace
                out["i2"][which] = 100.0 * random.tau2 / (random.tau2 + typical)
                out["h2"][which] = 1.0 + random.tau2 / typical
                return
        out["i2"][which] = np.where(q > 0, 100.0 * np.maximum(0.0, (q - df) / q), 0.0)
        out["h2"][which] = q / df

    def _limits(self, which: IntArray, names: tuple[str, str], limits: Limits) -> None:
        self.out[names[0]][which] = limits.low
        self.out[names[1]][which] = limits.high

    def _estimates(self, fit: Fit) -> Estimates:
        record = self.methods.interval
        if record.random_only and (self.settings.model == "common" or fit.dof < 1):
            record = self.methods.common_interval
        inputs = record.named_inputs({"adhoc": self.settings.adhoc})
        made: Estimates = call(self.methods.registry, record, fit, self.settings.level, **inputs)
        return made

    def frame(self) -> pd.DataFrame:
        """Make the table."""
        import pandas as pd  # noqa: PLC0415 - pandas only when asked for

        reason = np.full(self.groups.count, None, dtype=object)
        reason[self.k == 0] = NO_STUDIES
        reason[self.k == 1] = ONE_STUDY
        columns: dict[str, Any] = {"analysis": self.groups.keys, "k": self.k, "k_total": self.groups.counts}
        return pd.DataFrame({**columns, **self.out, "q_df": np.maximum(self.k - 1, 0), "reason": reason}, copy=False)


@attrs.frozen(eq=False)
class _Picked:
    """The rows of one tile: a block of consecutive rows seen as ``(m, k)``, or an index ``(k, m)``."""

    order: IntArray | None
    at: Any
    shape: tuple[int, int] | None

    def take(self, column: FloatArray) -> FloatArray:
        if self.shape is None:
            return np.asarray(column[self.at])
        rows = column[self.at] if self.order is None else column[self.order[self.at]]
        return np.ascontiguousarray(rows.reshape(self.shape).T)

    def cells(self, cells: CorrectedCells) -> CorrectedCells:
        at = self.at
        if self.shape is not None:
            rows = np.arange(at.start, at.stop)
            rows = rows if self.order is None else self.order[rows]
            at = rows.reshape(self.shape).T
        return cells.at(at)


@attrs.frozen(eq=False)
class _Tile:
    k: int
    which: IntArray
    contiguous: bool


def _tiles(counts: IntArray, special: IntArray) -> Iterator[_Tile]:
    order = np.argsort(counts, kind="stable")
    if special.size:
        order = order[~np.isin(order, special)]
    edges = np.nonzero(np.diff(counts[order], prepend=-1))[0]
    for begin, end in zip(edges, [*edges[1:], order.size], strict=True):
        for start in range(begin, end, TILE):
            which = order[start : min(start + TILE, end)]
            contiguous = bool(which[-1] - which[0] + 1 == which.size)
            yield _Tile(int(counts[which[0]]), which, contiguous)


def _shown(tiles: Sequence[_Tile], *, progress: bool) -> Iterator[_Tile]:
    if not progress:
        yield from tiles
        return
    from rich.progress import track  # noqa: PLC0415 - only where asked for

    yield from track(tiles, description="Pooling")
