"""Bring an estimate with an interval, z or p-value to the analysis scale, as a Wald interval or test would have it."""

from __future__ import annotations

import numpy as np

from evisynth import Conversion, FloatArray, hookimpl
from evisynth_converters.refusals import of_level, of_limits, of_p_value, refuse
from evisynth_converters.standard_errors import of_ratio
from evisynth_converters.tails import normal_value

REFERENCE = "Higgins, Li & Deeks (2023), Cochrane Handbook 6.4, §6.3; Altman & Bland (2011), BMJ 343:d2090"
SUMMARY = "there are estimates with intervals or tests that cannot be theirs"


RATIOS = {"estimate": (0.8, 1.5, 1.25), "ci_low": (0.625, 1.1, 0.75), "ci_high": (1.0, 2.05, 2.1)}


def wald(
    estimate: FloatArray,
    ci_low: FloatArray | None = None,
    ci_high: FloatArray | None = None,
    z_value: FloatArray | None = None,
    p_value: FloatArray | None = None,
    level: FloatArray | float = 0.95,
) -> tuple[FloatArray, FloatArray]:
    """Take the variance from the interval, or else from z, or else from the two-sided p-value of each row.

    Arrays ``(k,)``; the variance is NaN where a row has none of the three, and where z is 0.
    """
    columns = _given(estimate, ci_low, ci_high, z_value, p_value, level)
    _check(columns)
    width = _or_nan(ci_high, estimate) - _or_nan(ci_low, estimate)
    return estimate, _variance(estimate, width, columns)


def wald_log(
    estimate: FloatArray,
    ci_low: FloatArray | None = None,
    ci_high: FloatArray | None = None,
    z_value: FloatArray | None = None,
    p_value: FloatArray | None = None,
    level: FloatArray | float = 0.95,
) -> tuple[FloatArray, FloatArray]:
    """Take the logarithm of a ratio, and the variance from its interval there, or else from z, or else from p.

    Arrays ``(k,)``; the variance is NaN where a row has none of the three, and where z is 0.
    """
    columns = _given(estimate, ci_low, ci_high, z_value, p_value, level)
    _check(columns, *("estimate", "ci_low", "ci_high"))
    low = _or_nan(ci_low, estimate)
    y = np.log(estimate)
    return y, _variance(y, np.log1p((_or_nan(ci_high, estimate) - low) / low), columns)


def _variance(y: FloatArray, width: FloatArray, columns: dict[str, FloatArray]) -> FloatArray:
    z = _or_nan(columns.get("z_value"), y)
    z = np.where(np.isnan(z), normal_value(_or_nan(columns.get("p_value"), y)), z)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_test = np.where(z == 0, np.nan, y / z)
    by_limits = width / (2.0 * normal_value(1.0 - columns["level"]))
    return np.asarray(np.where(np.isnan(by_limits), by_test, by_limits) ** 2 + 0.0 * columns["level"])


def _given(
    estimate: FloatArray,
    ci_low: FloatArray | None,
    ci_high: FloatArray | None,
    z_value: FloatArray | None,
    p_value: FloatArray | None,
    level: FloatArray | float,
) -> dict[str, FloatArray]:
    optional = {"ci_low": ci_low, "ci_high": ci_high, "z_value": z_value, "p_value": p_value}
    there = {name: column for name, column in optional.items() if column is not None}
    return {"estimate": estimate, "level": np.asarray(level, dtype=np.float64), **there}


def _check(columns: dict[str, FloatArray], *ratios: str) -> None:
    rules = of_level(columns["level"])
    if "p_value" in columns:
        rules += of_p_value(columns["p_value"])
    if "ci_low" in columns and "ci_high" in columns:
        rules += of_limits(columns["ci_low"], columns["ci_high"])
    refuse(SUMMARY, columns, *rules, *of_ratio(columns, *(name for name in ratios if name in columns)))


def _or_nan(column: FloatArray | None, like: FloatArray) -> FloatArray:
    return np.full_like(like, np.nan) if column is None else column


@hookimpl
def conversions() -> list[Conversion]:
    """Offer effects with variances from what is printed of them, as they are and on the log scale."""
    call = "metafor::conv.wald(out=estimate, ci.lb=ci_low, ci.ub=ci_high, zval=z_value, pval=p_value{})"
    formula = "v = ((upper - lower) / 2z)², or else (y / z)²"
    return [
        Conversion(
            "wald",
            wald,
            targets=("yi", "vi"),
            reference=REFERENCE,
            formula=formula,
            r_equivalent=call.format(""),
            r_version="metafor 4.0",
        ),
        Conversion(
            "wald-log",
            wald_log,
            targets=("yi", "vi"),
            reference=REFERENCE,
            formula=f"y = ln ratio, {formula}, on the log scale",
            r_equivalent=call.format(", transf=log"),
            r_version="metafor 4.0",
            examples=RATIOS,
        ),
    ]
