"""Convert an interval, a test statistic or a p-value of an effect to its standard error.

Effects are on the analysis scale (``yi``, logarithms for ratios); ``ratio-to-log`` takes a ratio with its limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Conversion, FloatArray, hookimpl
from evisynth_converters.refusals import (
    Rule,
    negative,
    of_direction,
    of_level,
    of_limits,
    of_p_value,
    refuse,
)
from evisynth_converters.tails import normal_value
from evisynth_converters.tails import t_value as t_of

if TYPE_CHECKING:
    from collections.abc import Callable

REFERENCE = "Higgins, Li & Deeks (2023), Cochrane Handbook 6.4, §6.3.1 and §6.3.2"
OF_P = f"{REFERENCE}; Altman & Bland (2011), BMJ 343:d2090"
SUMMARY = "there are statistics that no standard error goes with"


def ci_to_se(ci_low: FloatArray, ci_high: FloatArray, level: FloatArray | float = 0.95) -> tuple[FloatArray]:
    """Divide the width of an interval by twice the normal quantile (3.92 for 95 %)."""
    columns = {"ci_low": ci_low, "ci_high": ci_high, "level": np.asarray(level)}
    refuse(SUMMARY, columns, *of_limits(ci_low, ci_high), *of_level(level))
    return ((ci_high - ci_low) / (2.0 * normal_value(1.0 - np.asarray(level))),)


def ci_to_se_t(
    ci_low: FloatArray, ci_high: FloatArray, df: FloatArray, level: FloatArray | float = 0.95
) -> tuple[FloatArray]:
    """Divide the width of an interval by twice the quantile of t."""
    columns = {"ci_low": ci_low, "ci_high": ci_high, "level": np.asarray(level), "df": df}
    refuse(SUMMARY, columns, *of_limits(ci_low, ci_high), *of_level(level), *_of_df(df))
    return ((ci_high - ci_low) / (2.0 * t_of(1.0 - np.asarray(level), df)),)


def ratio_to_log(
    estimate: FloatArray, ci_low: FloatArray, ci_high: FloatArray, level: FloatArray | float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Take the logarithm of a ratio, and the standard error from the width of its interval on the log scale."""
    columns = {"estimate": estimate, "ci_low": ci_low, "ci_high": ci_high, "level": np.asarray(level)}
    refuse(SUMMARY, columns, *of_limits(ci_low, ci_high), *of_level(level), *of_ratio(columns, *list(columns)[:3]))
    # One logarithm of the quotient keeps the digits of a narrow interval.
    width = np.log1p((ci_high - ci_low) / ci_low)
    return np.log(estimate), width / (2.0 * normal_value(1.0 - np.asarray(level)))


def z_to_se(yi: FloatArray, z_value: FloatArray) -> tuple[FloatArray]:
    """Divide an effect by its z; NaN where z is 0."""
    refuse(SUMMARY, {"yi": yi, "z_value": z_value})
    return (quotient(yi, z_value),)


def t_to_se(yi: FloatArray, t_value: FloatArray) -> tuple[FloatArray]:
    """Divide an effect by its t; NaN where t is 0."""
    refuse(SUMMARY, {"yi": yi, "t_value": t_value})
    return (quotient(yi, t_value),)


def p_to_se(yi: FloatArray, p_value: FloatArray) -> tuple[FloatArray]:
    """Divide an effect by the z of its two-sided p-value; NaN where p is 1."""
    refuse(SUMMARY, {"yi": yi, "p_value": p_value}, *of_p_value(p_value))
    return (quotient(yi, normal_value(p_value)),)


def one_sided_p_to_se(yi: FloatArray, p_value: FloatArray) -> tuple[FloatArray]:
    """Divide an effect by the z of its one-sided p-value; NaN where p is 0.5.

    A p-value above 0.5 is that of an effect on the other side of 0 than the alternative has it.
    """
    refuse(SUMMARY, {"yi": yi, "p_value": p_value}, *of_p_value(p_value))
    return (quotient(yi, normal_value(2.0 * np.minimum(p_value, 1.0 - p_value))),)


def p_to_se_t(yi: FloatArray, p_value: FloatArray, df: FloatArray) -> tuple[FloatArray]:
    """Divide an effect by the t of its two-sided p-value; NaN where p is 1."""
    refuse(SUMMARY, {"yi": yi, "p_value": p_value, "df": df}, *of_p_value(p_value), *_of_df(df))
    return (quotient(yi, t_of(p_value, df)),)


def p_to_z(p_value: FloatArray, direction: FloatArray) -> tuple[FloatArray]:
    """Find the z of a two-sided p-value, with the sign of the effect's direction."""
    refuse(SUMMARY, {"p_value": p_value, "direction": direction}, *of_p_value(p_value), *of_direction(direction))
    return (direction * normal_value(p_value),)


def one_sided_p_to_z(p_value: FloatArray, direction: FloatArray) -> tuple[FloatArray]:
    """Find the z of a one-sided p-value; ``direction`` is that of the alternative, against which z is where p > 0.5."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first use

    refuse(SUMMARY, {"p_value": p_value, "direction": direction}, *_inside(p_value), *of_direction(direction))
    return (-direction * np.asarray(ndtri(p_value)),)


def p_to_t(p_value: FloatArray, df: FloatArray, direction: FloatArray) -> tuple[FloatArray]:
    """Find the t of a two-sided p-value, with the sign of the effect's direction."""
    columns = {"p_value": p_value, "df": df, "direction": direction}
    refuse(SUMMARY, columns, *of_p_value(p_value), *_of_df(df), *of_direction(direction))
    return (direction * t_of(p_value, df),)


def one_sided_p_to_t(p_value: FloatArray, df: FloatArray, direction: FloatArray) -> tuple[FloatArray]:
    """Find the t of a one-sided p-value; ``direction`` is that of the alternative, against which t is where p > 0.5."""
    columns = {"p_value": p_value, "df": df, "direction": direction}
    refuse(SUMMARY, columns, *_inside(p_value), *_of_df(df), *of_direction(direction))
    size = t_of(2.0 * np.minimum(p_value, 1.0 - p_value), df)
    return (np.where(p_value > 0.5, -direction, direction) * size,)  # noqa: PLR2004 - half of the probability


def p_to_chi2(p_value: FloatArray) -> tuple[FloatArray]:
    """Square the z of a p-value: the χ² with one degree of freedom that it belongs to."""
    refuse(SUMMARY, {"p_value": p_value}, *of_p_value(p_value))
    return (normal_value(p_value) ** 2,)


def f_to_t(f_value: FloatArray, direction: FloatArray) -> tuple[FloatArray]:
    """Take the root of the F of two groups, with the sign of the effect's direction."""
    columns = {"f_value": f_value, "direction": direction}
    refuse(SUMMARY, columns, *negative(columns, "F cannot be negative", "f_value"), *of_direction(direction))
    return (direction * np.sqrt(f_value),)


def quotient(effect: FloatArray, size: FloatArray) -> FloatArray:
    """Divide an effect by its test statistic, signs aside; NaN where the statistic is 0 and says nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(size == 0, np.nan, np.abs(effect / size)))


def of_ratio(columns: dict[str, FloatArray], *names: str) -> list[Rule]:
    """Make the rule that a ratio and its limits are positive."""
    return [(name, columns[name] <= 0, "a ratio is positive") for name in names]


def _of_df(df: FloatArray) -> list[Rule]:
    return [("df", df <= 0, "degrees of freedom are positive")]


def _inside(p_value: FloatArray) -> list[Rule]:
    return [("p_value", (p_value <= 0) | (p_value >= 1), "a one-sided p-value lies between 0 and 1")]


@hookimpl
def conversions() -> list[Conversion]:
    """Offer standard errors from intervals, test statistics and p-values, and test statistics from p-values."""

    def made(
        name: str, function: Callable[..., tuple[FloatArray, ...]], formula: str, target: str, source: str = REFERENCE
    ) -> Conversion:
        return Conversion(name, function, targets=(target,), reference=source, formula=formula)

    return [
        made("ci-to-se", ci_to_se, "SE = (upper - lower) / (2 z)", "sei"),
        made("ci-to-se-t", ci_to_se_t, "SE = (upper - lower) / (2 t)", "sei"),
        Conversion(
            "ratio-to-log",
            ratio_to_log,
            targets=("yi", "sei"),
            reference=REFERENCE,
            formula="y = ln ratio, SE = ln(upper / lower) / (2 z)",
            examples={"ci_low": (0.625, 1.1, 0.75), "ci_high": (1.0, 2.05, 2.1)},
        ),
        made("z-to-se", z_to_se, "SE = |y / z|", "sei", OF_P),
        made("t-to-se", t_to_se, "SE = |y / t|", "sei", OF_P),
        made("p-to-se", p_to_se, "SE = |y / z(p)|", "sei", OF_P),
        made("p-to-se-one-sided", one_sided_p_to_se, "SE = |y / z(2p)|", "sei", OF_P),
        made("p-to-se-t", p_to_se_t, "SE = |y / t(p)|", "sei", OF_P),
        made("p-to-z", p_to_z, "z = direction · Φ⁻¹(1 - p/2)", "z_value", OF_P),
        made("p-to-z-one-sided", one_sided_p_to_z, "z = direction · Φ⁻¹(1 - p)", "z_value", OF_P),
        made("p-to-t", p_to_t, "t = direction · T⁻¹(1 - p/2)", "t_value", OF_P),
        made("p-to-t-one-sided", one_sided_p_to_t, "t = direction · T⁻¹(1 - p)", "t_value", OF_P),
        made("p-to-chi2", p_to_chi2, "χ² = Φ⁻¹(1 - p/2)²", "chi2", OF_P),
        made("f-to-t", f_to_t, "t = direction · √F", "t_value"),
    ]
