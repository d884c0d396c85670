"""Summarise one group: its mean, also standardised or logarithmed, its spread, and its coefficient of variation."""

from __future__ import annotations

import attrs
import numpy as np

from evisynth import LINEAR, LOG, EffectMeasure, FloatArray, MeasuredEffects, hookimpl
from evisynth_estimators.mean_difference import SD_IS_ZERO, TOO_FEW, bias_factor, too_few

NOBODY = "no participants"
NOT_POSITIVE = "the mean is not positive: it has no logarithm"
VALUE = attrs.evolve(LINEAR, null=None)
"""A single group has no value of no effect."""
LOGARITHM = attrs.evolve(LOG, null=None)


def mean_of_group(mean: FloatArray, sd: FloatArray, n: FloatArray) -> MeasuredEffects:
    """Take the mean as it is, with variance s²/n."""
    return MeasuredEffects(mean, sd * sd / n, ((n == 0, NOBODY), (sd == 0, SD_IS_ZERO)))


def standardised_mean(
    mean: FloatArray, sd: FloatArray, n: FloatArray, smd_correction: str = "exact"
) -> MeasuredEffects:
    """Divide the mean by the standard deviation and correct the bias, with variance 1/n + y²/(2n)."""
    y = bias_factor(n - 1, smd_correction) * mean / sd
    reasons = ((n == 0, NOBODY), (sd == 0, SD_IS_ZERO), *too_few(n - 1, smd_correction))
    return MeasuredEffects(y, 1 / n + y * y / (2 * n), reasons)


def log_mean(mean: FloatArray, sd: FloatArray, n: FloatArray) -> MeasuredEffects:
    """Take the logarithm of the mean, with variance s²/(n x̄²)."""
    variation = sd / mean
    reasons = ((n == 0, NOBODY), (mean <= 0, NOT_POSITIVE), (sd == 0, SD_IS_ZERO))
    return MeasuredEffects(np.log(mean), variation * variation / n, reasons)


def log_sd(sd: FloatArray, n: FloatArray, smd_correction: str = "exact") -> MeasuredEffects:
    """Take ln s + 1/(2(n - 1)), with variance 1/(2(n - 1)); ``smd_correction`` ``none`` leaves out the second term."""
    half = 1 / (2 * (n - 1))
    y = np.log(sd) + (0.0 if smd_correction == "none" else half)
    return MeasuredEffects(y, half, _without_spread(sd, n))


def log_variation(mean: FloatArray, sd: FloatArray, n: FloatArray, smd_correction: str = "exact") -> MeasuredEffects:
    """Take ln(s/x̄) + 1/(2(n - 1)), with variance 1/(2(n - 1)) + s²/(n x̄²); ``smd_correction`` as in `log_sd`."""
    half, variation = 1 / (2 * (n - 1)), sd / mean
    y = np.log(variation) + (0.0 if smd_correction == "none" else half)
    reasons = (*_without_spread(sd, n), (mean <= 0, NOT_POSITIVE))
    return MeasuredEffects(y, half + variation * variation / n, reasons)


def _without_spread(sd: FloatArray, n: FloatArray) -> tuple[tuple[np.ndarray, str], ...]:
    return ((n == 0, NOBODY), (n < 2, TOO_FEW), (sd == 0, SD_IS_ZERO))  # noqa: PLR2004 - the least that have an SD


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer what describes single groups of measurements."""
    escalc = "metafor::escalc(measure='{}', mi=mean, sdi=sd, ni=n)"
    nakagawa = "Nakagawa et al. (2015), Methods Ecol. Evol. 6:143-152"
    return [
        EffectMeasure(
            "MN",
            mean_of_group,
            label="Mean",
            scale=VALUE,
            variances=("LS",),
            formula="y = x̄; v = s²/n",
            reference="Balduzzi, Rücker & Schwarzer (2019), Evid. Based Ment. Health 22:153-160 (metamean's MRAW)",
            r_equivalent=escalc.format("MN"),
        ),
        EffectMeasure(
            "SMN",
            standardised_mean,
            label="Standardised Mean",
            scale=VALUE,
            variances=("LS",),
            formula="y = J(n - 1) x̄/s; v = 1/n + y²/(2n); J(m) = Γ(m/2)/(√(m/2) Γ((m - 1)/2))",
            reference="Hedges (1981), J. Educ. Stat. 6:107-128; Becker (1988), Br. J. Math. Stat. Psychol. 41:257-278",
            r_equivalent=escalc.format("SMN"),
            r_version="metafor 3.0",
        ),
        EffectMeasure(
            "MNLN",
            log_mean,
            label="Mean",
            scale=LOGARITHM,
            variances=("LS",),
            formula="y = ln x̄; v = s²/(n x̄²)",
            reference="Hedges, Gurevitch & Curtis (1999), Ecology 80:1150-1156, for one group (metamean's MLN)",
            r_equivalent=escalc.format("MNLN"),
        ),
        EffectMeasure(
            "SDLN",
            log_sd,
            label="Standard Deviation",
            scale=LOGARITHM,
            variances=("LS",),
            formula="y = ln s + 1/(2(n - 1)); v = 1/(2(n - 1))",
            reference=f"{nakagawa}, eq. 3; Raudenbush & Bryk (1987), J. Educ. Stat. 12:241-269",
            r_equivalent="metafor::escalc(measure='SDLN', sdi=sd, ni=n)",
        ),
        EffectMeasure(
            "CVLN",
            log_variation,
            label="Coefficient of Variation",
            scale=LOGARITHM,
            variances=("LS",),
            formula="y = ln(s/x̄) + 1/(2(n - 1)); v = 1/(2(n - 1)) + s²/(n x̄²)",
            reference=f"{nakagawa}, eq. 8 and 9",
            r_equivalent=escalc.format("CVLN"),
        ),
    ]
