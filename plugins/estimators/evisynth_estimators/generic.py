"""Take effects that were given: with a standard error, a variance or an interval; or as O - E with its variance."""

from __future__ import annotations

import numpy as np

from evisynth import DataError, EffectMeasure, FloatArray, MeasuredEffects, Problem, hookimpl, normal_quantile


def given_effect(
    yi: FloatArray | None = None,
    vi: FloatArray | None = None,
    sei: FloatArray | None = None,
    estimate: FloatArray | None = None,
    ci_low: FloatArray | None = None,
    ci_high: FloatArray | None = None,
    level: float = 0.95,
    scale: str = "linear",
) -> MeasuredEffects:
    """Take the effect as it is; its variance from, in this order, a variance, a standard error or an interval.

    ``yi`` is on the analysis scale, ``estimate`` on the scale shown to readers (its logarithm is taken where
    ``scale`` is ``log``); limits are on the scale of the effect they stand beside and of probability ``level``.
    """
    to_analysis = np.log if scale == "log" and yi is None else np.asarray
    given = yi if yi is not None else estimate
    if given is None:
        summary = "measure GEN needs the effect of each study"
        raise DataError(summary, [Problem(None, None, "yi", None, "is missing (or estimate, on the scale of readers)")])
    y = to_analysis(given)
    v = np.full(y.shape, np.nan)
    if ci_low is not None and ci_high is not None:
        v = ((to_analysis(ci_high) - to_analysis(ci_low)) / (2 * normal_quantile(level))) ** 2
    if sei is not None:
        v = np.where(np.isnan(sei), v, sei * sei)
    if vi is not None:
        v = np.where(np.isnan(vi), v, vi)
    if vi is None and sei is None and (ci_low is None or ci_high is None):
        summary = "measure GEN needs the precision of each study"
        raise DataError(summary, [Problem(None, None, "sei", None, "is missing (or vi, or ci_low and ci_high)")])
    not_positive = (given <= 0) & (to_analysis is np.log)
    return MeasuredEffects(
        y,
        v,
        (
            (np.isnan(given), "missing effect"),
            (not_positive, "a ratio that is not positive has no logarithm"),
            (np.isnan(v), "missing standard error, variance or interval"),
            (v == 0, "standard error is 0"),
        ),
    )


def observed_minus_expected(o_e: FloatArray, o_e_variance: FloatArray) -> MeasuredEffects:
    """Take (O - E)/V with variance 1/V: a log hazard ratio from log-rank statistics, or a one-step log odds ratio."""
    return MeasuredEffects(o_e / o_e_variance, 1 / o_e_variance, ((o_e_variance == 0, "variance of O - E is 0"),))


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer effects that are given."""
    return [
        EffectMeasure(
            "GEN",
            given_effect,
            label="Effect",
            scale="given",
            formula="y as given; v as given, or SE², or ((upper - lower)/(2z))²",
            reference="Deeks, Higgins & Altman (2023), Cochrane Handbook 6.4, §10.3 (inverse variance)",
            r_equivalent="metafor::escalc(measure='GEN', yi=yi, sei=sei)",
        ),
        EffectMeasure(
            "O-E",
            observed_minus_expected,
            label="Exp[(O-E) / V]",
            scale="log",
            default_method="Peto",
            formula="y = (O - E)/V; v = 1/V",
            reference="Yusuf, Peto, Lewis, Collins & Sleight (1985), Prog. Cardiovasc. Dis. 27:335-371; Parmar, "
            "Torri & "
            "Stewart (1998), Stat. Med. 17:2815-2834",
        ),
    ]
