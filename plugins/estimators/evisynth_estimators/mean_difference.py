"""Compare means of two groups: in their own unit, or standardised."""

from __future__ import annotations

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, hookimpl

SD_IS_ZERO = "SD is 0"
TOO_FEW = "too few participants for a standard deviation"


def mean_difference(
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    zero_sd: str = "kept",
) -> MeasuredEffects:
    """Take the difference of means with variance s₁²/n₁ + s₂²/n₂ (never pooled).

    ``zero_sd``: ``excluded`` leaves out studies with an SD of 0 or one participant in an arm, as RevMan and meta do;
    ``kept`` only those whose variance is 0, as metafor does.
    """
    v = sd_1 * sd_1 / n_1 + sd_2 * sd_2 / n_2
    return MeasuredEffects(mean_1 - mean_2, v, _unusable(sd_1, n_1, sd_2, n_2, zero_sd))


def standardised_mean_difference(  # noqa: PLR0913 - six columns of a table and three conventions
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    smd_correction: str = "exact",
    smd_variance: str = "LS",
    zero_sd: str = "kept",
    vtype: str | None = None,
) -> MeasuredEffects:
    """Take Hedges' g: the difference of means over the pooled standard deviation, corrected for bias.

    ``smd_correction``: ``exact`` is the ratio of gamma functions, ``approximate`` 1 - 3/(4N - 9). ``smd_variance``:
    ``LS`` is 1/n₁ + 1/n₂ + g²/(2N), ``revman`` N/(n₁n₂) + g²/(2(N - 3.94)), ``UB`` the unbiased estimate
    N/(n₁n₂) + g² (1 - (m - 2)/(m J²)) with m = N - 2 and J the exact correction; ``vtype`` takes precedence
    over it. ``zero_sd`` as in `mean_difference`.
    """
    smd_variance = vtype or smd_variance
    total = n_1 + n_2
    dof = total - 2
    pooled = np.sqrt(((n_1 - 1) * sd_1 * sd_1 + (n_2 - 1) * sd_2 * sd_2) / dof)
    factor = exact_bias_factor(dof) if smd_correction == "exact" else 1 - 3 / (4 * total - 9)
    g = factor * (mean_1 - mean_2) / pooled
    if smd_variance == "UB":
        part = unbiased_variance_factor(dof)
    else:
        part = 1 / (2 * total if smd_variance == "LS" else 2 * (total - 3.94))
    v = total / (n_1 * n_2) + g * g * part
    return MeasuredEffects(g, v, _unusable(sd_1, n_1, sd_2, n_2, zero_sd))


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
    """Give 1 - (m - 2)/(m J²), the factor of g² in its unbiased variance, without cancellation in large samples.

    Source: Hedges (1983), Psychol. Bull. 93:388-395; White & Thomas (2005), Clin. Trials 2:141-151.
    """
    half = np.asarray(dof, dtype=np.float64) / 2
    j = exact_bias_factor(dof)
    direct = 1 - (half - 1) / (half * j * j)
    return np.where(half < _LARGE, direct, _in_powers(1 / np.maximum(half, _LARGE), _UB_SERIES))


_LARGE = 80.0
_J_SERIES = (1.0, -3 / 8, -7 / 128, -9 / 1024, 59 / 32768, 483 / 262144, -2323 / 4194304, -42801 / 33554432)
"""Γ(x)/(√x Γ(x-½)) in powers of 1/x (Tricomi & Erdélyi 1951, Pacific J. Math. 1:133-142)."""
_UB_SERIES = (0.0, 1 / 4, 7 / 32, 23 / 128, 277 / 2048, 743 / 8192, 3491 / 65536, 7639 / 262144, 156877 / 8388608)
"""1 - (1 - 1/x) x Γ(x-½)²/Γ(x)² in powers of 1/x, from the same expansion."""


def _in_powers(x: FloatArray, series: tuple[float, ...]) -> FloatArray:
    total = np.zeros_like(x)
    for coefficient in reversed(series):
        total = total * x + coefficient
    return total


def _unusable(
    sd_1: FloatArray, n_1: FloatArray, sd_2: FloatArray, n_2: FloatArray, zero_sd: str
) -> tuple[tuple[np.ndarray, str], ...]:
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
            reference="Deeks & Higgins (2010), Statistical algorithms in Review Manager 5",
            r_equivalent=f"metafor::escalc(measure='MD', {arms})",
        ),
        EffectMeasure(
            "SMD",
            standardised_mean_difference,
            label="Std. Mean Difference",
            scale="linear",
            variances=("LS", "UB"),
            reference="Hedges (1981), J. Educ. Stat. 6:107-128; Hedges & Olkin (1985), Statistical Methods for "
            "Meta-Analysis, ch. 5",
            r_equivalent=f"metafor::escalc(measure='SMD', {arms})",
        ),
    ]
