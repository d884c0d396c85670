"""Compare means of two groups: in their own unit, or standardised."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, Reasons, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    Averaging: TypeAlias = Callable[[FloatArray, FloatArray], FloatArray]

SD_IS_ZERO = "SD is 0"
TOO_FEW = "too few participants for a standard deviation"
NO_FREEDOM = "too few participants for the bias correction"


def mean_difference(
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    zero_sd: str = "kept",
    vtype: str = "LS",
) -> MeasuredEffects:
    """Take the difference of means with variance s₁²/n₁ + s₂²/n₂, or from a pooled standard deviation.

    ``vtype``: ``LS`` (and ``UB``, for it is unbiased) lets the arms differ in variance, ``HO`` takes
    s²(1/n₁ + 1/n₂) with s pooled, as metacont does with ``pooledvar=TRUE``. ``zero_sd``: ``excluded`` leaves out
    studies with an SD of 0 or one participant in an arm, as RevMan and meta do; ``kept`` only those whose variance
    is 0, as metafor does.
    """
    few: Reasons = ()
    if vtype == "HO":
        few = too_few(n_1 + n_2 - 2, "none")
        v = _sum_of_squares(sd_1, n_1, sd_2, n_2) / (n_1 + n_2 - 2) * (1 / n_1 + 1 / n_2)
    else:
        v = sd_1 * sd_1 / n_1 + sd_2 * sd_2 / n_2
    return MeasuredEffects(mean_1 - mean_2, v, (*unusable_arms(sd_1, n_1, sd_2, n_2, zero_sd), *few))


def standardised_mean_difference(  # noqa: PLR0913 - six columns of a table and what the settings say
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    *,
    smd_correction: str = "exact",
    smd_variance: str = "LS",
    zero_sd: str = "kept",
    vtype: str | None = None,
    average: Averaging | None = None,
) -> MeasuredEffects:
    """Take Hedges' g: the difference of means over the pooled standard deviation, corrected for bias.

    ``smd_correction`` as in `bias_factor`. The variance is N/(n₁n₂) and, with m = N - 2 and J the exact correction, by
    ``vtype`` (else ``smd_variance``): ``LS`` g²/(2N); ``LS2`` the sum with d²/(2N), times the square of the correction;
    ``UB`` the unbiased g² (1 - (m - 2)/(m J²)); ``AV`` ḡ²/(2N), ḡ the mean of g over the studies, weighted by N;
    ``revman`` g²/(2(N - 3.94)); ``WT`` d² (J² - (m - 2)/m), what ``UB`` is for g, beside an effect that is not
    corrected (metacont's Cohen's d with ``exact.smd=TRUE``). ``zero_sd`` as in `mean_difference`.
    """
    total = n_1 + n_2
    dof = total - 2
    d = (mean_1 - mean_2) / pooled_sd(sd_1, n_1, sd_2, n_2)
    factor = bias_factor(dof, smd_correction)
    g = factor * d
    kind = vtype or smd_variance
    if kind == "UB":
        part = g * g * unbiased_variance_factor(dof)
    elif kind == "WT":
        part = (exact_bias_factor(dof) * d) ** 2 * unbiased_variance_factor(dof)
    elif kind == "revman":
        part = g * g / (2 * (total - 3.94))
    else:
        centre = g if kind != "AV" or average is None else average(g, total)
        part = centre * centre / (2 * total)
    v = total / (n_1 * n_2) + part
    if kind == "LS2":
        v = factor * factor * (total / (n_1 * n_2) + d * d / (2 * total))
    return MeasuredEffects(g, v, (*unusable_arms(sd_1, n_1, sd_2, n_2, zero_sd), *too_few(dof, smd_correction)))


def pooled_sd(sd_1: FloatArray, n_1: FloatArray, sd_2: FloatArray, n_2: FloatArray) -> FloatArray:
    """Pool two standard deviations over their n₁ + n₂ - 2 degrees of freedom."""
    return np.sqrt(_sum_of_squares(sd_1, n_1, sd_2, n_2) / (n_1 + n_2 - 2))


def _sum_of_squares(sd_1: FloatArray, n_1: FloatArray, sd_2: FloatArray, n_2: FloatArray) -> FloatArray:
    return (n_1 - 1) * sd_1 * sd_1 + (n_2 - 1) * sd_2 * sd_2


def bias_factor(dof: FloatArray, correction: str) -> FloatArray:
    """Give the factor that takes the bias from a standardised mean with m degrees of freedom for its SD.

    ``exact`` is the ratio of gamma functions, ``approximate`` 1 - 3/(4m - 1), ``none`` 1.
    Source: Hedges (1981), J. Educ. Stat. 6:107-128.
    """
    if correction == "exact":
        return exact_bias_factor(dof)
    return np.ones_like(dof) if correction == "none" else 1 - 3 / (4 * dof - 1)


def too_few(dof: FloatArray, correction: str) -> Reasons:
    """Find studies without a standard deviation, or with one degree of freedom, where corrected effects are 0."""
    few = ((dof < 1, TOO_FEW),)
    return few if correction == "none" else (*few, (dof < 2, NO_FREEDOM))  # noqa: PLR2004 - of freedom


def exact_bias_factor(dof: FloatArray) -> FloatArray:
    """Give J = Γ(m/2) / (√(m/2) Γ((m-1)/2)), by which a standardised mean difference is too large; m = N - 2.

    A quotient of gamma functions overflows in large samples, where the asymptotic series has all digits.
    """
    from scipy.special import gamma  # noqa: PLC0415 - scipy comes with the first fit

    half = np.asarray(dof, dtype=np.float64) / 2
    small = np.clip(half, 1.0, _LARGE)
    exact = gamma(small) / (np.sqrt(small) * gamma(small - 0.5))
    return np.where(
        half < _LARGE, np.where(half >= 1.0, exact, np.nan), _in_powers(1 / np.maximum(half, _LARGE), _J_SERIES)
    )


def unbiased_variance_factor(dof: FloatArray) -> FloatArray:
    """Give u = 1 - (m - 2)/(m J²), the factor of g² in its unbiased variance, without cancellation.

    With x = m/2, 1 - u(x) = (1 - u(x + 1))/(1 + 1/(4x(x - 1))): steps up to where the series has all digits add
    positive terms only. Source: Hedges (1983), Psychol. Bull. 93:388-395; White & Thomas (2005), Clin. Trials
    2:141-151.
    """
    half = np.asarray(dof, dtype=np.float64) / 2
    small = half < _LARGE
    made = _in_powers(1 / np.where(small, _LARGE, half), _UB_SERIES)
    x = half[small]
    product = np.zeros_like(x)
    for i in range(_STEPS):
        step = 1 / (4 * (x + i) * np.maximum(x + (i - 1), _NEARLY_0))
        product = product + step + product * step
    made[small] = (product + _in_powers(1 / (x + _STEPS), _UB_SERIES)) / (1 + product)
    return np.where(half >= 1.0, made, np.nan)


_STEPS = 16
_NEARLY_0 = 1e-200
_LARGE = 80.0
_J_SERIES = (1.0, -3 / 8, -7 / 128, -9 / 1024, 59 / 32768, 483 / 262144, -2323 / 4194304, -42801 / 33554432)
"""Γ(x)/(√x Γ(x-½)) in powers of 1/x (Tricomi & Erdélyi 1951, Pacific J. Math. 1:133-142)."""
_UB_SERIES = (
    *(0.0, 1 / 4, 7 / 32, 23 / 128, 277 / 2048, 743 / 8192, 3491 / 65536, 7639 / 262144, 156877 / 8388608),
    *(472523 / 33554432, 1412441 / 268435456, -5316671 / 1073741824, 55643201 / 17179869184),
)
"""1 - (1 - 1/x) x Γ(x-½)²/Γ(x)² in powers of 1/x, from the same expansion."""


def _in_powers(x: FloatArray, series: tuple[float, ...]) -> FloatArray:
    total = np.zeros_like(x)
    for coefficient in reversed(series):
        total = total * x + coefficient
    return total


def unusable_arms(sd_1: FloatArray, n_1: FloatArray, sd_2: FloatArray, n_2: FloatArray, zero_sd: str) -> Reasons:
    """Find studies without a usable standard deviation: ``zero_sd`` as in `mean_difference`."""
    empty = ((n_1 == 0) | (n_2 == 0), "no participants in an arm")
    if zero_sd == "kept":
        return (empty, ((sd_1 == 0) & (sd_2 == 0), SD_IS_ZERO))
    return (empty, ((n_1 <= 1) | (n_2 <= 1), TOO_FEW), ((sd_1 == 0) | (sd_2 == 0), SD_IS_ZERO))


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the measures of RevMan's continuous outcomes."""
    arms = "m1i=mean_1, sd1i=sd_1, n1i=n_1, m2i=mean_2, sd2i=sd_2, n2i=n_2"
    return [
        EffectMeasure(
            "MD",
            mean_difference,
            label="Mean Difference",
            scale="linear",
            variances=("LS", "UB", "HO"),
            formula="y = x̄₁ - x̄₂; v = s₁²/n₁ + s₂²/n₂",
            reference="Deeks & Higgins (2010), Statistical algorithms in Review Manager 5; Borenstein (2009), in: "
            "Cooper, Hedges & Valentine, The Handbook of Research Synthesis and Meta-Analysis, eq. 12.3 and 12.5",
            r_equivalent=f"metafor::escalc(measure='MD', {arms})",
        ),
        EffectMeasure(
            "SMD",
            standardised_mean_difference,
            label="Std. Mean Difference",
            scale="linear",
            variances=("LS", "LS2", "UB", "AV", "revman", "WT"),
            formula="g = J(N - 2) (x̄₁ - x̄₂)/s, s² = ((n₁ - 1)s₁² + (n₂ - 1)s₂²)/(N - 2); v = N/(n₁n₂) + "
            "g²/(2N); J(m) = Γ(m/2)/(√(m/2) Γ((m - 1)/2))",
            reference="Hedges (1981), J. Educ. Stat. 6:107-128; Hedges & Olkin (1985), Statistical Methods for "
            "Meta-Analysis, ch. 5; Hedges (1983), Psychol. Bull. 93:388-395; Borenstein (2009), in: Cooper, Hedges & "
            "Valentine, The Handbook of Research Synthesis and Meta-Analysis, eq. 12.17; White & Thomas (2005), Clin. "
            "Trials 2:141-151",
            r_equivalent=f"metafor::escalc(measure='SMD', {arms})",
        ),
    ]
