"""Convert what trials print of survival to a log hazard ratio with its standard error, and to O - E with its variance.

``yi`` is ln HR and ``sei`` its standard error; ``o_e`` and ``o_e_variance`` are the log-rank O - E of the experimental
group and its variance V: ``ln HR = (O - E)/V`` and ``SE = 1/√V``. V comes of an interval, or approximately of numbers
of events: of each group O₁O₂/(O₁ + O₂), of both together with the allocation O n₁n₂/(n₁ + n₂)², and with equal groups
O/4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from evisynth import Conversion, FloatArray, hookimpl
from evisynth_converters.refusals import Rule, negative, of_direction, of_level, of_limits, of_p_value, refuse
from evisynth_converters.standard_errors import of_ratio
from evisynth_converters.tails import normal_value

if TYPE_CHECKING:
    from collections.abc import Callable

Functions: TypeAlias = "dict[str, Callable[..., Any]]"
Four: TypeAlias = "tuple[FloatArray, FloatArray, FloatArray, FloatArray]"

PARMAR = "Parmar, Torri & Stewart (1998), Stat. Med. 17:2815-2834"
TIERNEY = "Tierney, Stewart, Ghersi, Burdett & Sydes (2007), Trials 8:16"
SUMMARY = "there are survival statistics that no hazard ratio goes with"
TARGETS = ("yi", "sei", "o_e", "o_e_variance")


def of_oe(o_e: FloatArray, o_e_variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Divide the log-rank O - E by its variance; NaN where the variance is 0."""
    columns = {"o_e": o_e, "o_e_variance": o_e_variance}
    refuse(SUMMARY, columns, *negative(columns, "a variance cannot be negative", "o_e_variance"))
    v = np.where(o_e_variance > 0, o_e_variance, np.nan)
    return o_e / v, 1.0 / np.sqrt(v)


def of_observed_and_expected(
    events_1: FloatArray, expected_1: FloatArray, events_2: FloatArray, expected_2: FloatArray
) -> Four:
    """Compare observed with expected events in both groups: HR = (O₁/E₁)/(O₂/E₂), V = 1/(1/E₁ + 1/E₂).

    NaN where a group has no events, or none expected.
    """
    columns = {"events_1": events_1, "expected_1": expected_1, "events_2": events_2, "expected_2": expected_2}
    refuse(SUMMARY, columns, *negative(columns, "a count cannot be negative", *columns))
    o_1, e_1, o_2, e_2 = (np.where(column > 0, column, np.nan) for column in columns.values())
    return _four(np.log(o_1 / e_1) - np.log(o_2 / e_2), 1.0 / (1.0 / e_1 + 1.0 / e_2))


def of_interval(
    estimate: FloatArray, ci_low: FloatArray, ci_high: FloatArray, level: FloatArray | float = 0.95
) -> Four:
    """Take the logarithm of a hazard ratio, and V from the width of its interval there; NaN without width."""
    columns = {"estimate": estimate, "ci_low": ci_low, "ci_high": ci_high, "level": np.asarray(level)}
    refuse(
        SUMMARY,
        columns,
        *of_limits(ci_low, ci_high),
        *of_ratio(columns, "estimate", "ci_low", "ci_high"),
        *of_level(level),
    )
    width = np.log1p((ci_high - ci_low) / ci_low)
    with np.errstate(divide="ignore"):
        v = (2.0 * normal_value(1.0 - np.asarray(level)) / width) ** 2
    return _four(np.log(estimate), np.where(width > 0, v, np.nan))


def hr_with_events(estimate: FloatArray, events_1: FloatArray, events_2: FloatArray) -> Four:
    """Take V = O₁O₂/(O₁ + O₂) from the events of each group; NaN where a group has none."""
    return _of_hr(estimate, {"events_1": events_1, "events_2": events_2})


def hr_with_allocation(estimate: FloatArray, events: FloatArray, n_1: FloatArray, n_2: FloatArray) -> Four:
    """Take V = O n₁n₂/(n₁ + n₂)² from the events of both groups together and their sizes; NaN without events."""
    return _of_hr(estimate, {"events": events, "n_1": n_1, "n_2": n_2})


def hr_with_total(estimate: FloatArray, events: FloatArray) -> Four:
    """Take V = O/4 from the events of both groups together, which were of equal size; NaN without events."""
    return _of_hr(estimate, {"events": events})


def p_with_events(p_value: FloatArray, direction: FloatArray, events_1: FloatArray, events_2: FloatArray) -> Four:
    """Take z from a two-sided log-rank p-value, V = O₁O₂/(O₁ + O₂) and O - E = z √V; direction -1 is fewer events."""
    return _of_p(p_value, direction, {"events_1": events_1, "events_2": events_2})


def p_with_allocation(
    p_value: FloatArray, direction: FloatArray, events: FloatArray, n_1: FloatArray, n_2: FloatArray
) -> Four:
    """Take z from a two-sided log-rank p-value, V = O n₁n₂/(n₁ + n₂)² and O - E = z √V."""
    return _of_p(p_value, direction, {"events": events, "n_1": n_1, "n_2": n_2})


def p_with_total(p_value: FloatArray, direction: FloatArray, events: FloatArray) -> Four:
    """Take z from a two-sided log-rank p-value, V = O/4 (groups of equal size) and O - E = z √V."""
    return _of_p(p_value, direction, {"events": events})


def chi2_with_events(chi2: FloatArray, direction: FloatArray, events_1: FloatArray, events_2: FloatArray) -> Four:
    """Take z as the root of the log-rank χ², V = O₁O₂/(O₁ + O₂) and O - E = z √V."""
    return _of_chi2(chi2, direction, {"events_1": events_1, "events_2": events_2})


def chi2_with_allocation(
    chi2: FloatArray, direction: FloatArray, events: FloatArray, n_1: FloatArray, n_2: FloatArray
) -> Four:
    """Take z as the root of the log-rank χ², V = O n₁n₂/(n₁ + n₂)² and O - E = z √V."""
    return _of_chi2(chi2, direction, {"events": events, "n_1": n_1, "n_2": n_2})


def chi2_with_total(chi2: FloatArray, direction: FloatArray, events: FloatArray) -> Four:
    """Take z as the root of the log-rank χ², V = O/4 (groups of equal size) and O - E = z √V."""
    return _of_chi2(chi2, direction, {"events": events})


def z_with_events(z_value: FloatArray, events_1: FloatArray, events_2: FloatArray) -> Four:
    """Take V = O₁O₂/(O₁ + O₂) and O - E = z √V of a log-rank or Cox z, negative for fewer events."""
    return _of_z(z_value, {"z_value": z_value}, {"events_1": events_1, "events_2": events_2})


def z_with_allocation(z_value: FloatArray, events: FloatArray, n_1: FloatArray, n_2: FloatArray) -> Four:
    """Take V = O n₁n₂/(n₁ + n₂)² and O - E = z √V of a log-rank or Cox z, negative for fewer events."""
    return _of_z(z_value, {"z_value": z_value}, {"events": events, "n_1": n_1, "n_2": n_2})


def z_with_total(z_value: FloatArray, events: FloatArray) -> Four:
    """Take V = O/4 (groups of equal size) and O - E = z √V of a log-rank or Cox z, negative for fewer events."""
    return _of_z(z_value, {"z_value": z_value}, {"events": events})


def _of_hr(estimate: FloatArray, numbers: dict[str, FloatArray]) -> Four:
    given = {"estimate": estimate}
    refuse(SUMMARY, {**given, **numbers}, *of_ratio(given, "estimate"), *_of_numbers(numbers))
    return _four(np.log(estimate), _variance(numbers))


def _of_p(p_value: FloatArray, direction: FloatArray, numbers: dict[str, FloatArray]) -> Four:
    rules = [*of_p_value(p_value), *of_direction(direction)]
    return _of_z(direction * normal_value(p_value), {"p_value": p_value, "direction": direction}, numbers, *rules)


def _of_chi2(chi2: FloatArray, direction: FloatArray, numbers: dict[str, FloatArray]) -> Four:
    given = {"chi2": chi2, "direction": direction}
    rules = [*negative(given, "χ² cannot be negative", "chi2"), *of_direction(direction)]
    with np.errstate(invalid="ignore"):
        z = direction * np.sqrt(chi2)
    return _of_z(z, given, numbers, *rules)


def _of_z(z: FloatArray, given: dict[str, FloatArray], numbers: dict[str, FloatArray], *rules: Rule) -> Four:
    refuse(SUMMARY, {**given, **numbers}, *rules, *_of_numbers(numbers))
    v = _variance(numbers)
    return _four(z / np.sqrt(v), v)


def _variance(numbers: dict[str, FloatArray]) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        if "events_1" in numbers:
            o_1, o_2 = numbers["events_1"], numbers["events_2"]
            v = o_1 * (o_2 / (o_1 + o_2))
        elif "n_1" in numbers:
            n_1, n_2 = numbers["n_1"], numbers["n_2"]
            v = numbers["events"] * (n_1 / (n_1 + n_2)) * (n_2 / (n_1 + n_2))
        else:
            v = 0.25 * numbers["events"]
        return np.asarray(np.where(v > 0, v, np.nan))


def _of_numbers(numbers: dict[str, FloatArray]) -> list[Rule]:
    rules = negative(numbers, "a count cannot be negative", *numbers)
    if "n_1" in numbers:
        everybody = numbers["n_1"] + numbers["n_2"]
        rules.append(("events", numbers["events"] > everybody, "more events than participants (n_1 and n_2)"))
    return rules


def _four(y: FloatArray, v: FloatArray) -> Four:
    """Give ln HR, its standard error, O - E and V, all NaN where one of the two is."""
    known = ~np.isnan(y + v)
    y, v = np.where(known, y, np.nan), np.where(known, v, np.nan)
    return y, 1.0 / np.sqrt(v), y * v, v


@hookimpl
def conversions() -> list[Conversion]:
    """Offer hazard ratios from O and E, from an interval, and from HR, p, χ² or z with numbers of events."""

    def made(name: str, function: Callable[..., Any], formula: str, source: str = f"{PARMAR}; {TIERNEY}") -> Conversion:
        return Conversion(name, function, targets=TARGETS, reference=source, formula=formula)

    variances = {
        "events": "V = O₁O₂/(O₁ + O₂)",
        "allocation": "V = O n₁n₂/(n₁ + n₂)²",
        "total": "V = O/4",
    }
    hr: Functions = {"events": hr_with_events, "allocation": hr_with_allocation, "total": hr_with_total}
    p: Functions = {"events": p_with_events, "allocation": p_with_allocation, "total": p_with_total}
    chi2: Functions = {"events": chi2_with_events, "allocation": chi2_with_allocation, "total": chi2_with_total}
    z: Functions = {"events": z_with_events, "allocation": z_with_allocation, "total": z_with_total}
    return [
        Conversion(
            "oe-to-hr",
            of_oe,
            targets=("yi", "sei"),
            reference=f"{PARMAR}; {TIERNEY}, method 2",
            formula="ln HR = (O - E)/V, SE = 1/√V",
        ),
        made(
            "observed-expected-to-hr",
            of_observed_and_expected,
            "HR = (O₁/E₁)/(O₂/E₂), V = 1/(1/E₁ + 1/E₂)",
            f"{TIERNEY}, method 1",
        ),
        Conversion(
            "hr-ci-to-oe",
            of_interval,
            targets=TARGETS,
            reference=f"{PARMAR}; {TIERNEY}, method 3",
            formula="V = (2 z / ln(upper / lower))²",
            examples={"ci_low": (0.625, 1.1, 0.75), "ci_high": (1.0, 2.05, 2.1)},
        ),
        *(made(f"hr-{word}-to-oe", function, variances[word]) for word, function in hr.items()),
        *(made(f"p-{word}-to-hr", function, f"ln HR = z(p)/√V, {variances[word]}") for word, function in p.items()),
        *(
            made(f"chi2-{word}-to-hr", function, f"ln HR = √χ²/√V, {variances[word]}")
            for word, function in chi2.items()
        ),
        *(made(f"z-{word}-to-hr", function, f"ln HR = z/√V, {variances[word]}") for word, function in z.items()),
    ]
