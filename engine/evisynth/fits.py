"""Hold what a model, an interval method and a prediction say, as arrays (plural) and as plain numbers (singular)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.kernels.distributions import normal_p_value, normal_quantile, t_p_value, t_quantile
from evisynth.kernels.weighted_fit import WeightedFit, weighted_fit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth.kernels.arrays import BoolArray, FloatArray
    from evisynth.records import Tau2Fit


@attrs.frozen(eq=False)
class Fit:
    """Hold a pooled model of one analysis ``(k,)`` or of m analyses ``(k, m)``.

    ``w`` are the weights that pooling used (positive, not normalised), ``coefficients`` ``(p,)`` or ``(p, m)``,
    ``covariance`` ``(p, p)`` or ``(p, p, m)``. ``weighted`` is the least-squares fit with weights ``1/(v + tau2)``,
    None where pooling is not by inverse variance; it is the one behind the coefficients unless the user gave
    ``weights``.
    """

    y: FloatArray
    v: FloatArray
    X: FloatArray
    w: FloatArray
    tau2: FloatArray
    coefficients: FloatArray
    covariance: FloatArray
    model: str
    method: str
    weighted: WeightedFit | None = None
    tau2_fit: Tau2Fit | None = None
    estimator: Callable[[FloatArray, FloatArray, FloatArray, FloatArray | None], FloatArray] | None = None
    """Estimates τ² again for `refit`, from y, v, X and weights; None under a common effect."""
    weights: FloatArray | None = None
    """Weights other than inverse variances: the user's, or the pooling's own; None where they are those."""
    no_tau2: str | None = None
    """Why a random-effects model has no τ²; None where it has one."""

    @property
    def k(self) -> int:
        """Number of studies."""
        return len(self.y)

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return int(self.X.shape[1])

    @property
    def dof(self) -> int:
        """Residual degrees of freedom, k - p."""
        return self.k - self.p

    @property
    def rss(self) -> FloatArray | None:
        """Residual sum of squares with weights ``1/(v + tau2)``; None where pooling is not by inverse variance."""
        return None if self.weighted is None else self.weighted.rss

    @property
    def se(self) -> FloatArray:
        """Standard errors of the coefficients, ``(p,)`` or ``(p, m)``."""
        if self.p == 1:
            return np.asarray(np.sqrt(self.covariance[0]))
        return np.asarray(np.sqrt(np.einsum("ii...->i...", self.covariance)))

    def refit(
        self,
        *,
        y: FloatArray | None = None,
        v: FloatArray | None = None,
        X: FloatArray | None = None,
        tau2: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> Fit:
        """Fit again with some inputs replaced; τ² is estimated anew unless given."""
        new_y = self.y if y is None else y
        new_v = self.v if v is None else v
        new_X = self.X if X is None else X
        new_weights = self.weights if weights is None else weights
        if tau2 is None:
            tau2 = self.estimator(new_y, new_v, new_X, new_weights) if self.estimator else np.zeros(np.shape(new_y)[1:])
        return inverse_variance_fit(
            new_y, new_v, new_X, tau2, model=self.model, estimator=self.estimator, weights=new_weights
        )


def inverse_variance_fit(  # noqa: PLR0913 - keyword-only, each a field of the fit
    y: FloatArray,
    v: FloatArray,
    X: FloatArray,
    tau2: FloatArray,
    *,
    model: str,
    method: str = "IV",
    tau2_fit: Tau2Fit | None = None,
    estimator: Callable[[FloatArray, FloatArray, FloatArray, FloatArray | None], FloatArray] | None = None,
    weights: FloatArray | None = None,
) -> Fit:
    """Pool with weights ``1/(v + tau2)``, or with the user's; shapes as in `Fit`.

    With ``weights`` of the user's the covariance is that of the weighted estimate, ``(X'WX)⁻¹ X'W(V + τ²)WX (X'WX)⁻¹``.
    """
    total = v + tau2
    w = 1.0 / total
    fitted = weighted_fit(y, w, X)
    if fitted.basis is not None:
        fitted = _without_rounding(fitted, y, X)
    coefficients, covariance = fitted.coefficients, fitted.covariance
    if weights is not None:
        w = weights
        own = weighted_fit(y, w, X)
        coefficients, covariance = own.coefficients, own.covariance_under(total, X)
    return Fit(
        y=y,
        v=v,
        X=X,
        w=w,
        tau2=tau2,
        coefficients=coefficients,
        covariance=covariance,
        model=model,
        method=method,
        weighted=fitted,
        tau2_fit=tau2_fit,
        estimator=estimator,
        weights=weights,
    )


_ROUNDING = 16.0 * np.finfo(np.float64).eps


def _without_rounding(fitted: WeightedFit, y: FloatArray, X: FloatArray) -> WeightedFit:
    """Give no residuals to an analysis that moderators fit exactly: rounding is no variation to infer from."""
    largest = np.abs(X).max(axis=0)
    terms = np.abs(fitted.coefficients) * (
        largest[:, np.newaxis] if largest.ndim < fitted.coefficients.ndim else largest
    )
    noise = _ROUNDING * (np.abs(y).max(axis=0) + terms.sum(axis=0))
    exact = np.abs(fitted.residuals).max(axis=0) <= noise
    if not exact.any():
        return fitted
    return attrs.evolve(fitted, residuals=np.where(exact, 0.0, fitted.residuals), log_det=fitted.log_det)


@attrs.frozen(eq=False)
class Estimates:
    """Hold inference on every coefficient, each ``(p,)`` or ``(p, m)``.

    ``df`` is None for a normal test, one number, or an array of the shape of ``value`` (infinite where the test is
    normal); ``covariance`` is ``(p, p)`` or
    ``(p, p, m)`` where the method has one.
    """

    value: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    statistic: FloatArray
    df: float | FloatArray | None
    p_value: FloatArray
    log_p_value: FloatArray
    level: float
    without_df: BoolArray | None = None
    """Analyses of a batch whose test is normal although ``df`` is given for the others."""
    covariance: FloatArray | None = None
    note: str | None = None
    """What a reader should know about limits and p-values; why there are none where ``se`` is NaN."""

    def one(self, index: int = 0) -> Estimate:
        """Take one coefficient of a single analysis as plain numbers."""
        return Estimate(
            value=float(self.value[index]),
            se=float(self.se[index]),
            ci_low=float(self.ci_low[index]),
            ci_high=float(self.ci_high[index]),
            statistic=float(self.statistic[index]),
            df=self._df(index),
            p_value=float(self.p_value[index]),
            log_p_value=float(self.log_p_value[index]),
            level=self.level,
        )

    def _df(self, index: int) -> float | None:
        """Take the degrees of freedom of one coefficient; of no end is a normal test."""
        if not isinstance(self.df, np.ndarray):
            return self.df
        df = float(self.df[index])
        return None if np.isinf(df) else df


def no_estimates(value: FloatArray, level: float, note: str) -> Estimates:
    """Say that a method has no inference on coefficients ``value``, and why."""
    nothing = np.full(np.shape(value), np.nan)
    return Estimates(value, nothing, nothing, nothing, nothing, None, nothing, nothing, level, note=note)


def symmetric_estimates(
    value: FloatArray,
    se: FloatArray,
    level: float,
    df: float | FloatArray | None = None,
    *,
    covariance: FloatArray | None = None,
) -> Estimates:
    """Make ``value ± quantile · se`` with its test against 0: Student's t for a ``df``, normal for None.

    ``df`` is one number or has the shape of ``value``.
    """
    statistic = value / se
    quantile: float | FloatArray
    if df is None:
        quantile = normal_quantile(level)
        p_value, log_p_value = normal_p_value(statistic)
    else:
        quantile = t_quantile(level, df)
        p_value, log_p_value = t_p_value(statistic, df)
    half = quantile * se
    low, high = value - half, value + half
    return Estimates(value, se, low, high, statistic, df, p_value, log_p_value, level, covariance=covariance)


@attrs.frozen
class Estimate:
    """Hold an estimate with its interval and test, on the analysis scale; ``df`` is None for a normal test."""

    value: float
    se: float
    ci_low: float
    ci_high: float
    statistic: float
    df: float | None
    p_value: float
    log_p_value: float
    level: float


@attrs.frozen
class Display:
    """Hold an estimate and its limits on the scale shown to readers."""

    value: float
    ci_low: float
    ci_high: float


@attrs.frozen(eq=False)
class Limits:
    """Hold the two ends of an interval, each ``()`` or ``(m,)``.

    An end that does not exist is infinite (unbounded); both are NaN where the interval is ``empty`` or cannot be
    computed. ``reason`` then says why, and may say what else a reader should know: one text for all, or in a batch one
    or None for each analysis. ``empty`` is one truth for all, or ``(m,)``.
    """

    low: FloatArray
    high: FloatArray
    empty: bool | BoolArray = False
    reason: str | Sequence[str | None] | None = None
    df: float | FloatArray | None = None
    centre: FloatArray | None = None
    scale: FloatArray | None = None
    """Centre and scale of the normal distribution, or Student's t with ``df``, that a prediction follows."""
    draws: FloatArray | None = None
    """Sorted draws ``(budget,)`` of the true effect of a new study, where the prediction is simulated."""
    note: str | None = None
    """What a reader should know about the limits."""

    def reason_of(self, index: int = 0) -> str | None:
        """Give what is said about one analysis."""
        return self.reason if self.reason is None or isinstance(self.reason, str) else self.reason[index]


def symmetric_limits(
    centre: FloatArray, scale: FloatArray, level: float, df: float | FloatArray | None = None, note: str | None = None
) -> Limits:
    """Make ``centre ± quantile · scale``: Student's t for a ``df`` (one number, or as ``scale``), normal for None.

    Where a ``df`` of an array is not positive the limits are NaN.
    """
    quantile: float | FloatArray
    if df is None:
        quantile = normal_quantile(level)
    elif isinstance(df, np.ndarray):
        quantile = np.where(df > 0, t_quantile(level, np.where(df > 0, df, 1.0)), np.nan)
    else:
        quantile = t_quantile(level, df)
    half = np.asarray(quantile * scale)
    return Limits(np.asarray(centre - half), np.asarray(centre + half), df=df, centre=centre, scale=scale, note=note)


def no_limits(reason: str, *, empty: bool = False) -> Limits:
    """Say that there is no interval, and why."""
    return Limits(np.asarray(np.nan), np.asarray(np.nan), empty=empty, reason=reason)


def reasoned_limits(
    low: FloatArray,
    high: FloatArray,
    *reasons: tuple[BoolArray, str],
    empty: BoolArray | None = None,
    absent: BoolArray | None = None,
) -> Limits:
    """Make limits ``()`` or ``(m,)`` that say each text where its mask holds, the first of several.

    Both ends become NaN where the interval is ``empty`` or ``absent``.
    """
    if not any(mask.any() for mask, _ in reasons):
        return Limits(low, high)
    said = np.full(np.shape(low), None, dtype=object)
    for mask, text in reversed(reasons):
        said[mask] = text
    for gone in (empty, absent):
        if gone is not None:
            low, high = np.where(gone, np.nan, low), np.where(gone, np.nan, high)
    single = np.ndim(low) == 0
    none = False if empty is None else bool(empty) if single else empty
    return Limits(low, high, empty=none, reason=said.item() if single else said.tolist())


@attrs.frozen
class Interval:
    """Hold the two ends of an interval as plain numbers; an infinite end is unbounded."""

    low: float
    high: float
