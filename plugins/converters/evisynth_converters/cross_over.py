"""Convert the statistics of a cross-over trial: each of n participants measured under both treatments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Conversion, FloatArray, hookimpl
from evisynth_converters.change_scores import correlation_of_spreads, spread_of_difference
from evisynth_converters.refusals import ERROR, SPREAD, Rule, negative, of_p_value, refuse, too_small
from evisynth_converters.tails import t_value as t_of

if TYPE_CHECKING:
    from collections.abc import Callable

HANDBOOK = "Higgins, Eldridge & Li (2023), Cochrane Handbook 6.4, §23.2.7"
ELBOURNE = "Elbourne, Altman, Higgins, Curtin, Worthington & Vail (2002), Int. J. Epidemiol. 31:140-149"
REFERENCE = f"{ELBOURNE}; {HANDBOOK}"
SUMMARY = "there are cross-over trials that cannot be"


def paired_se(sd_1: FloatArray, sd_2: FloatArray, r: FloatArray, n: FloatArray) -> tuple[FloatArray]:
    """Give the standard error of the mean difference, √((s₁² + s₂² - 2 r s₁ s₂)/n), from the correlation."""
    columns = {"sd_1": sd_1, "sd_2": sd_2, "r": r, "n": n}
    refuse(SUMMARY, columns, *_of_pairs(columns))
    return (spread_of_difference(sd_1, sd_2, r) / np.sqrt(n),)


def paired_difference(
    mean_1: FloatArray, sd_1: FloatArray, mean_2: FloatArray, sd_2: FloatArray, r: FloatArray, n: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Give the mean difference with its standard error from the correlation."""
    columns = {"mean_1": mean_1, "sd_1": sd_1, "mean_2": mean_2, "sd_2": sd_2, "r": r, "n": n}
    refuse(SUMMARY, columns, *_of_pairs(columns))
    return mean_1 - mean_2, spread_of_difference(sd_1, sd_2, r) / np.sqrt(n)


def paired_smd(
    mean_1: FloatArray, sd_1: FloatArray, mean_2: FloatArray, sd_2: FloatArray, r: FloatArray, n: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Divide the mean difference by √((s₁² + s₂²)/2), with the standard error √(1/n + d²/2n) √(2 (1 - r)).

    NaN where both standard deviations are 0.
    """
    columns = {"mean_1": mean_1, "sd_1": sd_1, "mean_2": mean_2, "sd_2": sd_2, "r": r, "n": n}
    refuse(SUMMARY, columns, *_of_pairs(columns))
    pooled = np.hypot(sd_1, sd_2) * np.sqrt(0.5)
    d = (mean_1 - mean_2) / np.where(pooled > 0, pooled, np.nan)
    return d, np.sqrt((1.0 + 0.5 * d**2) / n) * np.sqrt(2.0 * (1.0 - r))


def se_to_correlation(sd_1: FloatArray, sd_2: FloatArray, se: FloatArray, n: FloatArray) -> tuple[FloatArray]:
    """Solve for the correlation that gives the mean difference its standard error; NaN where an SD is 0."""
    columns = {"sd_1": sd_1, "sd_2": sd_2, "se": se, "n": n}
    return _correlation(columns, se, "se", *negative(columns, ERROR, "se"))


def t_to_correlation(
    mean_1: FloatArray, sd_1: FloatArray, mean_2: FloatArray, sd_2: FloatArray, t_value: FloatArray, n: FloatArray
) -> tuple[FloatArray]:
    """Solve for the correlation from the paired t; NaN where t is 0 and says nothing."""
    columns = {"mean_1": mean_1, "sd_1": sd_1, "mean_2": mean_2, "sd_2": sd_2, "t_value": t_value, "n": n}
    return _correlation(columns, _over(mean_1 - mean_2, t_value), "t_value")


def p_to_correlation(
    mean_1: FloatArray, sd_1: FloatArray, mean_2: FloatArray, sd_2: FloatArray, p_value: FloatArray, n: FloatArray
) -> tuple[FloatArray]:
    """Solve for the correlation from the two-sided p-value of the paired t with n - 1 degrees of freedom."""
    columns = {"mean_1": mean_1, "sd_1": sd_1, "mean_2": mean_2, "sd_2": sd_2, "p_value": p_value, "n": n}
    se = _over(mean_1 - mean_2, t_of(p_value, n - 1))
    return _correlation(columns, se, "p_value", *of_p_value(p_value), *too_small(columns, 2, "n"))


def _over(difference: FloatArray, t: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(t == 0, np.nan, np.abs(difference / t)))


def _correlation(columns: dict[str, FloatArray], se: FloatArray, name: str, *rules: Rule) -> tuple[FloatArray]:
    r = correlation_of_spreads(columns["sd_1"], columns["sd_2"], se * np.sqrt(np.maximum(columns["n"], 0)))
    refuse(
        SUMMARY,
        columns,
        *_of_pairs(columns),
        *rules,
        (name, np.abs(r) > 1, "no correlation between -1 and 1 goes with this and the standard deviations"),
    )
    return (r,)


def _of_pairs(columns: dict[str, FloatArray]) -> list[Rule]:
    rules = [*negative(columns, SPREAD, "sd_1", "sd_2"), *too_small(columns, 1, "n")]
    if "r" in columns:
        rules.append(("r", np.abs(columns["r"]) > 1, "a correlation lies between -1 and 1"))
    return rules


@hookimpl
def conversions() -> list[Conversion]:
    """Offer paired standard errors from the correlation, and the correlation from paired statistics."""

    def made(name: str, function: Callable[..., tuple[FloatArray, ...]], formula: str, *targets: str) -> Conversion:
        return Conversion(name, function, targets=targets, reference=REFERENCE, formula=formula)

    se = "SE = √((s₁² + s₂² - 2 r s₁ s₂)/n)"
    r = "r = (s₁² + s₂² - n SE²)/(2 s₁ s₂)"
    return [
        made("paired-se", paired_se, se, "se"),
        made("paired-difference", paired_difference, f"mean₁ - mean₂, {se}", "yi", "sei"),
        made(
            "paired-smd",
            paired_smd,
            "d = (mean₁ - mean₂)/√((s₁² + s₂²)/2), SE = √(1/n + d²/2n) √(2 (1 - r))",
            "yi",
            "sei",
        ),
        made("paired-se-to-correlation", se_to_correlation, r, "r"),
        made("paired-t-to-correlation", t_to_correlation, f"{r}, SE = |mean₁ - mean₂|/|t|", "r"),
        made("paired-p-to-correlation", p_to_correlation, f"{r}, SE = |mean₁ - mean₂|/t(p), df = n - 1", "r"),
    ]
