"""Convert what is reported about a mean, or about a difference of two means, to a standard deviation.

Of one group the standard error of the mean is SD/√n; of two groups that of the difference is SD·√(1/n₁ + 1/n₂), with
the SD taken to be the same in both. Everything else leads to the standard error first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Conversion, FloatArray, hookimpl
from evisynth_converters.refusals import ERROR, negative, of_level, of_limits, of_p_value, refuse, too_small
from evisynth_converters.tails import normal_value, t_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth_converters.refusals import Rule

HANDBOOK = "Higgins, Li & Deeks (2023), Cochrane Handbook 6.4"
ONE, TWO = f"{HANDBOOK}, §6.5.2.2", f"{HANDBOOK}, §6.5.2.3"
SUMMARY = "there are statistics that no standard deviation goes with"

Made = tuple[FloatArray]


def se_to_sd(se: FloatArray, n: FloatArray) -> Made:
    """Multiply the standard error of a group's mean by √n."""
    columns = {"se": se, "n": n}
    refuse(SUMMARY, columns, *negative(columns, ERROR, "se"), *too_small(columns, 1, "n"))
    return (se * np.sqrt(n),)


def ci_to_sd(
    mean_ci_low: FloatArray, mean_ci_high: FloatArray, n: FloatArray, level: FloatArray | float = 0.95
) -> Made:
    """Divide the width of a mean's interval by twice t with n - 1 degrees of freedom, and multiply by √n."""
    return _of_interval({"mean_ci_low": mean_ci_low, "mean_ci_high": mean_ci_high}, level, {"n": n})


def ci_to_sd_normal(
    mean_ci_low: FloatArray, mean_ci_high: FloatArray, n: FloatArray, level: FloatArray | float = 0.95
) -> Made:
    """Divide the width of a mean's interval by twice the normal quantile (3.92 for 95 %), and multiply by √n."""
    return _of_interval({"mean_ci_low": mean_ci_low, "mean_ci_high": mean_ci_high}, level, {"n": n}, normal=True)


def t_to_sd(mean: FloatArray, t_value: FloatArray, n: FloatArray) -> Made:
    """Divide a mean (or mean change) by the t of its test against 0, and multiply by √n; NaN where t is 0."""
    return _of_t(mean, np.abs(t_value), {"n": n}, {"mean": mean, "t_value": t_value})


def p_to_sd(mean: FloatArray, p_value: FloatArray, n: FloatArray) -> Made:
    """Divide a mean (or mean change) by the t of its two-sided p-value, and multiply by √n; NaN where p is 1."""
    return _of_p(mean, p_value, p_value, {"n": n}, "mean")


def one_sided_p_to_sd(mean: FloatArray, p_value: FloatArray, n: FloatArray) -> Made:
    """Divide a mean (or mean change) by the t of its one-sided p-value, and multiply by √n; NaN where p is 0.5.

    A p-value above 0.5 is that of a mean on the other side of 0 than the alternative has it.
    """
    return _of_p(mean, p_value, _both_sides(p_value), {"n": n}, "mean")


def se_to_pooled_sd(se: FloatArray, n_1: FloatArray, n_2: FloatArray) -> Made:
    """Divide the standard error of a difference of two means by √(1/n₁ + 1/n₂)."""
    columns = {"se": se, "n_1": n_1, "n_2": n_2}
    refuse(SUMMARY, columns, *negative(columns, ERROR, "se"), *too_small(columns, 1, "n_1", "n_2"))
    return (se * _root_size({"n_1": n_1, "n_2": n_2}),)


def ci_to_pooled_sd(
    ci_low: FloatArray, ci_high: FloatArray, n_1: FloatArray, n_2: FloatArray, level: FloatArray | float = 0.95
) -> Made:
    """Divide the width of a difference's interval by twice t with n₁ + n₂ - 2 degrees of freedom and √(1/n₁ + 1/n₂)."""
    return _of_interval({"ci_low": ci_low, "ci_high": ci_high}, level, {"n_1": n_1, "n_2": n_2})


def ci_to_pooled_sd_normal(
    ci_low: FloatArray, ci_high: FloatArray, n_1: FloatArray, n_2: FloatArray, level: FloatArray | float = 0.95
) -> Made:
    """Divide the width of a difference's interval by twice the normal quantile and √(1/n₁ + 1/n₂)."""
    return _of_interval({"ci_low": ci_low, "ci_high": ci_high}, level, {"n_1": n_1, "n_2": n_2}, normal=True)


def t_to_pooled_sd(estimate: FloatArray, t_value: FloatArray, n_1: FloatArray, n_2: FloatArray) -> Made:
    """Divide a difference of two means by its t and √(1/n₁ + 1/n₂); NaN where t is 0."""
    given = {"estimate": estimate, "t_value": t_value}
    return _of_t(estimate, np.abs(t_value), {"n_1": n_1, "n_2": n_2}, given)


def f_to_pooled_sd(estimate: FloatArray, f_value: FloatArray, n_1: FloatArray, n_2: FloatArray) -> Made:
    """Divide a difference of two means by the root of the F of two groups and √(1/n₁ + 1/n₂); NaN where F is 0."""
    given = {"estimate": estimate, "f_value": f_value}
    with np.errstate(invalid="ignore"):
        root = np.sqrt(f_value)
    return _of_t(estimate, root, {"n_1": n_1, "n_2": n_2}, given, *negative(given, "F cannot be negative", "f_value"))


def p_to_pooled_sd(estimate: FloatArray, p_value: FloatArray, n_1: FloatArray, n_2: FloatArray) -> Made:
    """Divide a difference of two means by the t of its two-sided p-value and √(1/n₁ + 1/n₂); NaN where p is 1."""
    return _of_p(estimate, p_value, p_value, {"n_1": n_1, "n_2": n_2}, "estimate")


def one_sided_p_to_pooled_sd(estimate: FloatArray, p_value: FloatArray, n_1: FloatArray, n_2: FloatArray) -> Made:
    """Divide a difference of two means by the t of its one-sided p-value and √(1/n₁ + 1/n₂); NaN where p is 0.5.

    A p-value above 0.5 is that of a difference on the other side of 0 than the alternative has it.
    """
    return _of_p(estimate, p_value, _both_sides(p_value), {"n_1": n_1, "n_2": n_2}, "estimate")


def _root_size(sizes: dict[str, FloatArray]) -> FloatArray:
    if len(sizes) == 1:
        return np.asarray(np.sqrt(next(iter(sizes.values()))))
    n_1, n_2 = sizes.values()
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(n_1) * np.sqrt(n_2 / (n_1 + n_2)))


def _of_interval(
    limits: dict[str, FloatArray],
    level: FloatArray | float,
    sizes: dict[str, FloatArray],
    *,
    normal: bool = False,
) -> Made:
    (lower, low), (_, high) = limits.items()
    columns = {**limits, "level": np.asarray(level), **sizes}
    refuse(SUMMARY, columns, *of_limits(low, high, lower), *of_level(level), *_enough(sizes, normal=normal))
    tail = 1.0 - np.asarray(level)
    quantile = normal_value(tail) if normal else t_value(tail, sum(sizes.values()) - len(sizes))
    return ((high - low) / (2.0 * quantile) * _root_size(sizes),)


def _enough(sizes: dict[str, FloatArray], *, normal: bool = False) -> list[Rule]:
    # With one participant a group there is no residual degree of freedom left for t.
    least = 1 if normal or len(sizes) > 1 else 2
    rules = too_small(sizes, least, *sizes)
    if len(sizes) > 1 and not normal:
        none_left = np.asarray(sum(sizes.values()) < 3)  # noqa: PLR2004 - n₁ + n₂ - 2 degrees of freedom
        rules.append(("n_1", none_left, "t needs three participants in the two groups together"))
    return rules


def _of_t(
    effect: FloatArray, size: FloatArray, sizes: dict[str, FloatArray], given: dict[str, FloatArray], *rules: Rule
) -> Made:
    columns = {**given, **sizes}
    refuse(SUMMARY, columns, *rules, *_enough(sizes))
    with np.errstate(divide="ignore", invalid="ignore"):
        # A t of 0 says nothing of the spread, whatever the effect.
        return (np.where(size == 0, np.nan, np.abs(effect) / size * _root_size(sizes)),)


def _of_p(
    effect: FloatArray, p_value: FloatArray, both_sides: FloatArray, sizes: dict[str, FloatArray], name: str
) -> Made:
    size = t_value(both_sides, sum(sizes.values()) - len(sizes))
    return _of_t(effect, size, sizes, {name: effect, "p_value": p_value}, *of_p_value(p_value))


def _both_sides(p_value: FloatArray) -> FloatArray:
    return np.asarray(2.0 * np.minimum(p_value, 1.0 - p_value))


@hookimpl
def conversions() -> list[Conversion]:
    """Offer the standard deviation from a standard error, an interval, t, F or p, of one group and of two."""

    def one(name: str, function: Callable[..., Made], formula: str) -> Conversion:
        return Conversion(name, function, targets=("sd",), reference=ONE, formula=f"SD = {formula}")

    def two(name: str, function: Callable[..., Made], formula: str) -> Conversion:
        return Conversion(name, function, targets=("sd",), reference=TWO, formula=f"SD = {formula} / √(1/n₁ + 1/n₂)")

    return [
        one("se-to-sd", se_to_sd, "SE √n"),
        one("ci-to-sd", ci_to_sd, "√n (upper - lower) / (2 t), df = n - 1"),
        one("ci-to-sd-normal", ci_to_sd_normal, "√n (upper - lower) / (2 z)"),
        one("t-to-sd", t_to_sd, "√n |mean / t|"),
        one("p-to-sd", p_to_sd, "√n |mean / t(p)|, df = n - 1"),
        one("p-to-sd-one-sided", one_sided_p_to_sd, "√n |mean / t(2p)|, df = n - 1"),
        two("se-to-pooled-sd", se_to_pooled_sd, "SE"),
        two("ci-to-pooled-sd", ci_to_pooled_sd, "(upper - lower) / (2 t), df = n₁ + n₂ - 2,"),
        two("ci-to-pooled-sd-normal", ci_to_pooled_sd_normal, "(upper - lower) / (2 z)"),
        two("t-to-pooled-sd", t_to_pooled_sd, "|MD / t|"),
        two("f-to-pooled-sd", f_to_pooled_sd, "|MD| / √F"),
        two("p-to-pooled-sd", p_to_pooled_sd, "|MD / t(p)|, df = n₁ + n₂ - 2,"),
        two("p-to-pooled-sd-one-sided", one_sided_p_to_pooled_sd, "|MD / t(2p)|, df = n₁ + n₂ - 2,"),
    ]
