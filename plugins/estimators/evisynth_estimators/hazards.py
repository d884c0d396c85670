"""Compare hazards: what was published of a survival analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import DataError, EffectMeasure, FloatArray, MeasuredEffects, Problem, hookimpl, normal_quantile

if TYPE_CHECKING:
    from evisynth import Reasons


def hazard_ratio(  # noqa: PLR0913 - each a way to publish an effect
    yi: FloatArray | None = None,
    vi: FloatArray | None = None,
    sei: FloatArray | None = None,
    estimate: FloatArray | None = None,
    ci_low: FloatArray | None = None,
    ci_high: FloatArray | None = None,
    o_e: FloatArray | None = None,
    o_e_variance: FloatArray | None = None,
    level: float = 0.95,
) -> MeasuredEffects:
    """Take ln HR with its variance, row by row: as it was given, or (O - E)/V with variance 1/V.

    ``yi`` is ln HR and ``estimate`` HR; the variance comes of ``vi``, ``sei`` or confidence limits of probability
    ``level``, which are on the scale of the effect that they stand beside.
    """
    names = ("yi", "estimate", "o_e")
    given = _present(dict(zip(names, (yi, estimate, o_e), strict=True)), "HR", "the hazard ratio of each study")
    log_hr, hr, excess = (_column(one, given.shape) for one in (yi, estimate, o_e))
    low, high = _column(ci_low, given.shape), _column(ci_high, given.shape)
    as_log = ~np.isnan(log_hr)
    width = np.where(as_log, high - low, np.log(high / low))
    v = _variance(vi, sei, width, level)
    y = np.where(as_log, log_hr, np.log(hr))
    information = _column(o_e_variance, given.shape)
    by_scores = np.isnan(y) & ~np.isnan(excess)
    y, v = np.where(by_scores, excess / information, y), np.where(by_scores, 1 / information, v)
    reasons: Reasons = (
        (~as_log & (hr <= 0), "a ratio that is not positive has no logarithm"),
        (by_scores & (information == 0), "variance of O - E is 0"),
        (by_scores & np.isnan(information), "missing variance of O - E"),
        *_missing(y, v),
    )
    return MeasuredEffects(y, v, reasons)


def hazard_difference(
    yi: FloatArray | None = None,
    vi: FloatArray | None = None,
    sei: FloatArray | None = None,
    estimate: FloatArray | None = None,
    ci_low: FloatArray | None = None,
    ci_high: FloatArray | None = None,
    level: float = 0.95,
) -> MeasuredEffects:
    """Take the difference of hazards as it was given; its variance from ``vi``, ``sei`` or limits of ``level``."""
    given = _present({"yi": yi, "estimate": estimate}, "HD", "the hazard difference of each study")
    y = np.where(np.isnan(_column(yi, given.shape)), _column(estimate, given.shape), _column(yi, given.shape))
    v = _variance(vi, sei, _column(ci_high, given.shape) - _column(ci_low, given.shape), level)
    return MeasuredEffects(y, v, _missing(y, v))


def _present(columns: dict[str, FloatArray | None], measure: str, what: str) -> FloatArray:
    for column in columns.values():
        if column is not None:
            return column
    summary = f"measure {measure} needs {what}"
    first, *others = columns
    raise DataError(summary, [Problem(None, None, first, None, f"is missing (or {', '.join(others)})")])


def _column(given: FloatArray | None, shape: tuple[int, ...]) -> FloatArray:
    return np.full(shape, np.nan) if given is None else given


def _variance(vi: FloatArray | None, sei: FloatArray | None, width: FloatArray, level: float) -> FloatArray:
    v = (width / (2 * normal_quantile(level))) ** 2
    if sei is not None:
        v = np.where(np.isnan(sei), v, sei * sei)
    return v if vi is None else np.where(np.isnan(vi), v, vi)


def _missing(y: FloatArray, v: FloatArray) -> Reasons:
    return (
        (np.isnan(y), "missing effect"),
        (np.isnan(v), "missing standard error, variance or interval"),
        (v == 0, "standard error is 0"),
    )


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer hazard ratio and hazard difference."""
    return [
        EffectMeasure(
            "HR",
            hazard_ratio,
            label="Hazard Ratio",
            scale="log",
            formula="y = ln HR; v as given, or SE², or ((ln upper - ln lower)/(2z))²; or y = (O - E)/V, v = 1/V",
            reference="Parmar, Torri & Stewart (1998), Stat. Med. 17:2815-2834; Tierney et al. (2007), Trials 8:16",
            r_equivalent="metafor::escalc(measure='HR', yi=yi, sei=sei)",
            r_version="metafor 5.1",
        ),
        EffectMeasure(
            "HD",
            hazard_difference,
            label="Hazard Difference",
            scale="linear",
            formula="y = difference of hazards; v as given, or SE², or ((upper - lower)/(2z))²",
            reference="Deeks, Higgins & Altman (2023), Cochrane Handbook 6.4, §10.3 (inverse variance)",
            r_equivalent="metafor::escalc(measure='HD', yi=yi, sei=sei)",
            r_version="metafor 5.1",
        ),
    ]
