"""Turn means in two groups into a correlation of the measurement with the grouping, or with what lies beneath it."""

from __future__ import annotations

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, hookimpl
from evisynth_estimators.correlations import CORRELATION, FISHER
from evisynth_estimators.mean_difference import SD_IS_ZERO, TOO_FEW

BEYOND = "the biserial correlation is beyond ±1: it has no Fisher's z"
NO_VARIANCE = "the groups are too far apart for a variance"


def point_biserial(
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    vtype: str = "ST",
) -> MeasuredEffects:
    """Correlate the measurement with the group: r = d/√(d² + m/n₁ + m/n₂) with Cohen's d and m = N - 2.

    ``vtype``: ``ST`` (or ``LS``) for groups whose sizes were chosen, (1 - r²)² ((1 - r²)/m + r²/(2N)); ``CS`` for a
    sample of persons of either group, (1 - r²)² (1 - r² + r² (n₁² + n₂²)/(4 n₁ n₂))/N.
    """
    difference, within, reasons = _parts(mean_1, sd_1, n_1, mean_2, sd_2, n_2)
    whole = difference * difference + within
    rest = within / whole
    v = rest * rest * _fisher_variance(difference * difference / whole, rest, n_1, n_2, vtype)
    return MeasuredEffects(difference / np.sqrt(whole), v, reasons)


def point_biserial_z(
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
    vtype: str = "ST",
) -> MeasuredEffects:
    """Take Fisher's z of the point-biserial correlation, with that one's variance over (1 - r²)²."""
    difference, within, reasons = _parts(mean_1, sd_1, n_1, mean_2, sd_2, n_2)
    whole = difference * difference + within
    v = _fisher_variance(difference * difference / whole, within / whole, n_1, n_2, vtype)
    # artanh r = arsinh (r/√(1 - r²)), which keeps its digits next to ±1.
    return MeasuredEffects(np.arcsinh(difference / np.sqrt(within)), v, reasons)


def biserial(
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
) -> MeasuredEffects:
    """Correlate the measurement with the normal variable that was cut into the groups.

    r_b = r √(pq)/f with r the point-biserial correlation, p = n₁/N, q = n₂/N and f the normal density at z, the upper
    p quantile. The variance is Soper's, (r_b⁴ - r_b² (3/2 + (1 - pz/f)(1 + qz/f)) + pq/f²)/(N - 1). Estimates may lie
    beyond ±1, where no correlation does; their variance is that at ±1.
    """
    y, v, reasons = _biserial(mean_1, sd_1, n_1, mean_2, sd_2, n_2)
    return MeasuredEffects(y, v, reasons)


def biserial_z(
    mean_1: FloatArray,
    sd_1: FloatArray,
    n_1: FloatArray,
    mean_2: FloatArray,
    sd_2: FloatArray,
    n_2: FloatArray,
) -> MeasuredEffects:
    """Take Fisher's z of the biserial correlation, with that one's variance over (1 - r_b²)²."""
    y, v, reasons = _biserial(mean_1, sd_1, n_1, mean_2, sd_2, n_2)
    rest = (1 - y) * (1 + y)
    return MeasuredEffects(np.arctanh(y), v / (rest * rest), (*reasons, (np.abs(y) >= 1, BEYOND)))


def _parts(
    mean_1: FloatArray, sd_1: FloatArray, n_1: FloatArray, mean_2: FloatArray, sd_2: FloatArray, n_2: FloatArray
) -> tuple[FloatArray, FloatArray, tuple[tuple[np.ndarray, str], ...]]:
    """Give the difference of means, and the sum of squares within groups on its scale: r² = d²/(d² + within)."""
    within = ((n_1 - 1) * sd_1 * sd_1 + (n_2 - 1) * sd_2 * sd_2) * (1 / n_1 + 1 / n_2)
    difference = mean_1 - mean_2
    reasons = (
        ((n_1 == 0) | (n_2 == 0), "no participants in an arm"),
        (n_1 + n_2 < 3, TOO_FEW),  # noqa: PLR2004 - the least that leave a degree of freedom
        (within == 0, SD_IS_ZERO),
    )
    return difference, within, reasons


def _fisher_variance(square: FloatArray, rest: FloatArray, n_1: FloatArray, n_2: FloatArray, vtype: str) -> FloatArray:
    """Give the variance of r over (1 - r²)², from r² and 1 - r²."""
    total = n_1 + n_2
    if vtype == "CS":
        return (rest + square * (n_1 * n_1 + n_2 * n_2) / (4 * n_1 * n_2)) / total
    return rest / (total - 2) + square / (2 * total)


def _biserial(
    mean_1: FloatArray, sd_1: FloatArray, n_1: FloatArray, mean_2: FloatArray, sd_2: FloatArray, n_2: FloatArray
) -> tuple[FloatArray, FloatArray, tuple[tuple[np.ndarray, str], ...]]:
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first fit

    difference, within, reasons = _parts(mean_1, sd_1, n_1, mean_2, sd_2, n_2)
    total = n_1 + n_2
    square = difference * difference / (difference * difference + within)
    z = -np.asarray(ndtri(n_1 / total))
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    stretch = (n_1 / total) * (n_2 / total) / (density * density)
    slope = z / (density * total)
    between = 1.5 + (1 - n_1 * slope) * (1 + n_2 * slope)
    whole = stretch * square
    possible = np.minimum(whole, 1.0)
    v = (stretch - between * possible + possible * possible) / (total - 1)
    y = np.sign(difference) * np.sqrt(whole)
    return y, v, (*reasons, (v <= 0, NO_VARIANCE))


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the point-biserial and the biserial correlation, and Fisher's z of both."""
    arms = "m1i=mean_1, sd1i=sd_1, n1i=n_1, m2i=mean_2, sd2i=sd_2, n2i=n_2"
    escalc = f"metafor::escalc(measure='{{}}', {arms}{{}})"
    jacobs = "Jacobs & Viechtbauer (2017), Res. Synth. Methods 8:161-180"
    tate = f"Tate (1954), Ann. Math. Stat. 25:603-607; Tate (1955), Biometrika 42:205-216; {jacobs}"
    soper = f"Soper (1914), Biometrika 10:384-390; {jacobs}"
    return [
        EffectMeasure(
            "RPB",
            point_biserial,
            label="Point-Biserial Correlation",
            scale=CORRELATION,
            variances=("ST", "CS", "LS"),
            formula="r = d/√(d² + m/n₁ + m/n₂), d = (x̄₁ - x̄₂)/s, s pooled, m = N - 2; "
            "v = (1 - r²)² ((1 - r²)/m + r²/(2N))",
            reference=tate,
            r_equivalent=escalc.format("RPB", ", vtype='ST'"),
        ),
        EffectMeasure(
            "ZPB",
            point_biserial_z,
            label="Point-Biserial Correlation",
            scale=FISHER,
            variances=("ST", "CS", "LS"),
            formula="y = artanh r, r = d/√(d² + m/n₁ + m/n₂), d = (x̄₁ - x̄₂)/s, s pooled, m = N - 2; "
            "v = (1 - r²)/m + r²/(2N)",
            reference=f"{tate}; Fisher (1921), Metron 1(4):3-32",
            r_equivalent=escalc.format("ZPB", ", vtype='ST'"),
            r_version="metafor 4.0",
        ),
        EffectMeasure(
            "RBIS",
            biserial,
            label="Biserial Correlation",
            scale=CORRELATION,
            variances=("LS",),
            formula="r_b = r √(pq)/f, r the point-biserial correlation, p = n₁/N, q = n₂/N, f = φ(z), "
            "z = Φ⁻¹(1 - p); v = (r_b⁴ - r_b² (3/2 + (1 - pz/f)(1 + qz/f)) + pq/f²)/(N - 1)",
            reference=soper,
            r_equivalent=escalc.format("RBIS", ""),
        ),
        EffectMeasure(
            "ZBIS",
            biserial_z,
            label="Biserial Correlation",
            scale=FISHER,
            variances=("LS",),
            formula="y = artanh r_b; v = Var(r_b)/(1 - r_b²)²",
            reference=f"{soper}; Fisher (1921), Metron 1(4):3-32",
            r_equivalent=escalc.format("ZBIS", ""),
            r_version="metafor 4.0",
        ),
    ]
