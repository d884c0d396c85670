"""Pool many subsets of an analysis's studies by its own settings, side by side in the kernels of a single fit."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.fitting import sample_of
from evisynth.inference import infer
from evisynth.kernels.distributions import chi2_p_value
from evisynth.kernels.weighted_fit import intercept, is_intercept, weighted_fit
from evisynth.models import FEWER_STUDIES, NO_STUDIES, SUMS_ARE_ZERO
from evisynth.pooling import Pooled, Sample, pool
from evisynth.presets import available_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evisynth.fits import Estimates, Fit
    from evisynth.kernels.arrays import FloatArray, IntArray
    from evisynth.results import MetaAnalysis

DEPENDENT = "the moderators are linearly dependent among these studies"
CELLS = 1 << 17
"""Numbers in one array of a tile: what fits a cache, whatever the number of studies."""

_ESTIMATES = ("value", "se", "ci_low", "ci_high", "statistic", "p_value", "log_p_value")


@attrs.frozen(eq=False)
class Subsets:
    """Hold m analyses of subsets: ``value`` to ``covariance`` of the p coefficients, NaN where there is no such number.

    ``value``, ``se``, ``ci_low``, ``ci_high``, ``statistic``, ``df``, ``p_value`` and ``log_p_value`` are ``(p, m)``,
    ``covariance`` (of the interval method) is ``(p, p, m)``, the rest is ``(m,)``.
    """

    k: IntArray
    value: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    statistic: FloatArray
    df: FloatArray
    p_value: FloatArray
    log_p_value: FloatArray
    covariance: FloatArray
    scale: FloatArray
    """Factor that the interval method puts on all variances (Hartung–Knapp's scale); 1 where it has none."""
    model_tau2: FloatArray
    """τ² of the model that was asked for: 0 under a common effect."""
    tau2: FloatArray
    q: FloatArray
    q_p_value: FloatArray
    i2: FloatArray
    h2: FloatArray
    reason: tuple[str | None, ...]
    """Why there is no pooled effect."""
    note: tuple[str | None, ...]
    """What a reader should know about the interval."""


class SubsetPooling:
    """Fill the numbers of m subsets of an analysis, some at a time.

    Rows are positions among the rows that the analysis pools. Nothing is kept of a subset but its numbers.
    """

    def __init__(self, analysis: MetaAnalysis, m: int) -> None:
        """Make room for m subsets."""
        self.analysis, self.settings, self.methods = analysis, analysis.settings, analysis.methods
        self.sample = analysed_sample(analysis)
        self.p = self.sample.X.shape[1]
        self.plain = self.p == 1 and is_intercept(self.sample.X)
        p = self.p
        self.k: IntArray = np.zeros(m, dtype=np.int64)
        self.wide: dict[str, FloatArray] = {name: np.full((p, m), np.nan) for name in (*_ESTIMATES, "df")}
        self.covariance: FloatArray = np.full((p, p, m), np.nan)
        names = ("model_tau2", "tau2", "q", "q_p_value", "i2", "h2")
        self.narrow: dict[str, FloatArray] = {name: np.full(m, np.nan) for name in names}
        self.scale: FloatArray = np.ones(m)
        self.reason = np.full(m, NO_STUDIES, dtype=object)
        self.note = np.full(m, None, dtype=object)

    def pool(self, which: IntArray, index: IntArray, *, full_rank: bool = False) -> None:
        """Pool subsets of equal size, ``index`` ``(s, n)`` their rows and ``which`` ``(n,)`` their places, in tiles.

        Among tables that are weighed without an effect of their own, each subset has as many. Unless ``full_rank`` is
        promised, subsets whose moderators are linearly dependent are found and get a reason.
        """
        for tile in self.tiles(index.shape[0], which.size):
            self._pool_tile(which[tile], index[:, tile], full_rank=full_rank)

    def pool_built(self, which: IntArray, build: Callable[[IntArray], IntArray], s: int) -> None:
        """Pool subsets of s rows each and of full rank, whose rows ``build(which)`` gives tile by tile."""
        for tile in self.tiles(s, which.size):
            self._pool_tile(which[tile], build(which[tile]), full_rank=True)

    def tiles(self, s: int, n: int) -> Iterator[slice]:
        """Cut n subsets of s rows so that an array of each part fits a cache."""
        width = max(1, CELLS // max(1, s * self.p))
        for start in range(0, n, width):
            yield slice(start, start + width)

    def _pool_tile(self, which: IntArray, index: IntArray, *, full_rank: bool) -> None:
        self.k[which] = index.shape[0]
        if index.shape[0] < self.p:
            self.reason[which] = FEWER_STUDIES if index.shape[0] else NO_STUDIES
            return
        if not (full_rank or self.plain):
            dependent = np.linalg.matrix_rank(self.sample.X[index].transpose(1, 0, 2)) < self.p
            self.reason[which[dependent]] = DEPENDENT
            which, index = which[~dependent], index[:, ~dependent]
        if which.size:
            with np.errstate(divide="ignore", invalid="ignore"):
                self.keep(which, pool(self._part(index), self.settings, self.methods, details=False))

    def _part(self, index: IntArray) -> Sample:
        X = intercept(index.shape[0]) if self.plain else self.sample.X[index].transpose(0, 2, 1)
        return self.sample.at(index, X)

    def pool_one(self, place: int, rows: IntArray) -> None:
        """Pool one subset by the arithmetic of a single fit."""
        which = np.array([place])
        self.k[which] = rows.size
        X = intercept(rows.size) if self.plain else self.sample.X[rows]
        if rows.size < self.p or (not self.plain and np.linalg.matrix_rank(X) < self.p):
            self.reason[which] = DEPENDENT if rows.size >= self.p else FEWER_STUDIES if rows.size else NO_STUDIES
            return
        with np.errstate(divide="ignore", invalid="ignore"):
            self.keep(which, pool(self.sample.at(rows, X), self.settings, self.methods, details=False))

    @cached_property
    def _absent(self) -> str | None:
        """Why the analysis cannot have the model that was asked for, whatever the studies."""
        settings, pooling = self.settings, self.methods.pooling
        offered = available_models(settings.preset, pooling.name)
        return None if settings.model in offered else self.analysis.model.absent

    def keep(self, which: IntArray, pooled: Pooled) -> None:
        """Take the numbers of subsets that have been pooled, one or a batch."""
        fit = pooled.random if self.settings.model == "random" else pooled.common
        if self._absent is not None or fit is None:
            self.reason[which] = self._absent or self._without_model()
        else:
            self.keep_estimates(which, fit)
        self.keep_heterogeneity(which, pooled)

    def _without_model(self) -> str:
        if self.settings.model == "common":
            return SUMS_ARE_ZERO
        return self.analysis.models["random"].absent or NO_STUDIES

    def keep_estimates(self, which: IntArray, fit: Fit) -> None:
        """Infer the coefficients of subsets and take them."""
        estimates, note = infer(self.methods, fit, self.settings)
        n = which.size
        value, se = _columns(estimates.value, n), _columns(estimates.se, n)
        exists = np.isfinite(value).all(axis=0) & (se > 0).all(axis=0)
        for name in _ESTIMATES:
            self.wide[name][:, which] = np.where(exists, _columns(getattr(estimates, name), n), np.nan)
        self.reason[which] = None
        self.reason[which[~exists]] = SUMS_ARE_ZERO
        self.narrow["model_tau2"][which] = fit.tau2
        normal = estimates.without_df
        if estimates.df is not None:
            df = np.asarray(estimates.df, dtype=np.float64)
            df = np.where(np.isinf(df), np.nan, df)
            self.wide["df"][:, which] = df if df.ndim == 0 else _columns(df, n)
            if normal is not None:
                self.wide["df"][:, which[normal]] = np.nan
        if note is not None:
            self.note[which if normal is None else which[normal]] = note
        covariance = method_covariance(estimates, fit, se)
        self.covariance[:, :, which] = covariance.reshape(self.p, self.p, n)
        if self.methods.interval.one_scale:
            model = fit.covariance[0, 0].reshape(n)
            self.scale[which] = np.where(exists, se[0] * se[0] / model, 1.0)

    def keep_heterogeneity(self, which: IntArray, pooled: Pooled) -> None:
        """Take Q, τ², I² and H² of subsets."""
        df, q, random, out = pooled.q_df, pooled.q, pooled.random, self.narrow
        out["q"][which] = q
        if df < 1:
            return
        out["q_p_value"][which] = chi2_p_value(q, df)
        typical = None
        if random is not None and random.tau2_fit is not None:
            out["tau2"][which] = random.tau2
            if self.settings.i2 == "tau2" and self.settings.model == "random":
                common = pooled.common
                weighted = (common and common.weighted) or weighted_fit(random.y, 1.0 / random.v, random.X)
                typical = df / weighted.trace
        self.keep_i2(which, q, df, None if typical is None or random is None else random.tau2, typical)

    def keep_i2(
        self, which: IntArray, q: FloatArray, df: int, tau2: FloatArray | None, typical: FloatArray | None
    ) -> None:
        """Take I² and H², by the definition of the settings: from τ² and the typical variance, or from Q."""
        out = self.narrow
        if tau2 is not None and typical is not None:
            out["i2"][which] = 100.0 * tau2 / (tau2 + typical)
            out["h2"][which] = 1.0 + tau2 / typical
            return
        with np.errstate(divide="ignore", invalid="ignore"):
            out["i2"][which] = np.where(q > 0, 100.0 * np.maximum(0.0, (q - df) / q), 0.0)
        out["h2"][which] = q / df

    def made(self) -> Subsets:
        """Give the numbers; nobody can write to them."""
        arrays: dict[str, Any] = {**self.wide, **self.narrow, "covariance": self.covariance, "scale": self.scale}
        for array in (*arrays.values(), self.k):
            array.flags.writeable = False
        return Subsets(k=self.k, reason=tuple(self.reason), note=tuple(self.note), **arrays)


def _columns(values: FloatArray, n: int) -> FloatArray:
    """Give coefficients as ``(p, n)``, of one analysis too."""
    return values.reshape(values.shape[0], n)


def method_covariance(estimates: Estimates, fit: Fit, se: FloatArray) -> FloatArray:
    """Take the covariance of the interval method: its own, else the model's scaled to the method's standard errors."""
    own = estimates.covariance
    if own is not None and estimates.without_df is None:
        return np.asarray(own)
    model = np.sqrt(_columns(np.einsum("ii...->i...", fit.covariance), se.shape[1]))
    factor = se / model
    return np.asarray(fit.covariance.reshape(*fit.covariance.shape[:2], -1) * factor[:, np.newaxis] * factor)


def analysed_sample(analysis: MetaAnalysis) -> Sample:
    """Take the arrays that an analysis pools."""
    X = analysis.X
    design = None
    if not is_intercept(X):
        design = np.full((analysis.k_total, X.shape[1]), np.nan)
        design[list(analysis.rows)] = X
    return sample_of(analysis.effects, analysis.settings, analysis.methods, design)[1]


def by_count(counts: IntArray) -> Iterator[IntArray]:
    """Give the places of equal counts together."""
    order = np.argsort(counts, kind="stable")
    edges = np.nonzero(np.diff(counts[order]))[0] + 1
    yield from np.split(order, edges)
