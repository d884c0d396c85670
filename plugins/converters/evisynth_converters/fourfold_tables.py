"""Reconstruct the cells of a 2×2 table from what is printed of it.

Cells are rounded to whole numbers, as printed statistics are rounded: the experimental group's events first, the others
from the margins. They are NaN where no table of whole numbers that are not negative goes with the statistics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from evisynth import Conversion, FloatArray, hookimpl
from evisynth_converters.refusals import (
    Rule,
    negative,
    of_direction,
    of_level,
    of_limits,
    refuse,
    too_small,
)
from evisynth_converters.standard_errors import of_ratio
from evisynth_converters.tails import normal_value

if TYPE_CHECKING:
    from collections.abc import Callable

Cells: TypeAlias = "tuple[FloatArray, FloatArray, FloatArray, FloatArray]"

TARGETS = ("events_1", "nonevents_1", "events_2", "nonevents_2")
MARGINS = "Bonett (2007), Am. Psychol. 62:254-255"
PIETRANTONJ = "Di Pietrantonj (2006), Stat. Med. 25:2299-2322"
SUMMARY = "there are statistics that no 2×2 table has"
COUNT = "a count cannot be negative"
EXAMPLES = {
    "estimate": (2.0, 0.5, 1.5),
    "ci_low": (0.5, 0.125, 0.75),
    "ci_high": (8.0, 2.0, 3.0),
    "level": (0.95, 0.95, 0.95),
}
_DUST = 1e-9
"""What rounding in binary may put between a printed percentage and the count that it is of."""


def percent_to_events(
    percent: FloatArray, n: FloatArray, decimals: FloatArray | float = 0.0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Round the percentage of n to a whole number, and say from where to where numbers are printed the same.

    ``decimals`` are those that the percentage is printed with. NaN where no whole number is printed so.
    """
    columns = {"percent": percent, "n": n, "decimals": np.asarray(decimals)}
    refuse(
        SUMMARY,
        columns,
        ("percent", (percent < 0) | (percent > 100), "a percentage lies between 0 and 100"),  # noqa: PLR2004 - all
        *too_small(columns, 1, "n"),
    )
    half = 0.5 * 10.0 ** -np.asarray(decimals, dtype=np.float64)
    low = np.maximum(np.ceil((percent - half) * n / 100.0 - _DUST), 0.0)
    high = np.minimum(np.floor((percent + half) * n / 100.0 + _DUST), n)
    none = ~(low <= high)
    nearest = np.clip(np.rint(percent * n / 100.0), low, high)
    return (
        np.where(none, np.nan, nearest),
        np.where(none, np.nan, low),
        np.where(none, np.nan, high),
    )


def of_phi(r: FloatArray, events: FloatArray, n_1: FloatArray, n_2: FloatArray) -> Cells:
    """Solve for the table whose φ (the correlation of group and outcome) is r, given the events of both groups."""
    columns = {"r": r, **_margins(events, n_1, n_2)}
    refuse(SUMMARY, columns, ("r", np.abs(r) > 1, "a correlation lies between -1 and 1"), *_of_margins(columns))
    excess = r * np.sqrt(n_1 * n_2) * np.sqrt(events * (n_1 + n_2 - events))
    return _table((n_1 * events + excess) / (n_1 + n_2), events, n_1, n_2)


def of_odds_ratio(estimate: FloatArray, events: FloatArray, n_1: FloatArray, n_2: FloatArray) -> Cells:
    """Solve for the table with this odds ratio, with the events of both groups together."""
    columns = {"estimate": estimate, **_margins(events, n_1, n_2)}
    refuse(SUMMARY, columns, *of_ratio(columns, "estimate"), *_of_margins(columns))
    b = (n_2 - events) + estimate * (n_1 + events)
    c = estimate * n_1 * events
    root = np.sqrt(np.maximum(b**2 + 4.0 * (1.0 - estimate) * c, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        # Of the two forms of the root the one in which nothing cancels.
        a = np.where(b > 0, 2.0 * c / (b + root), (root - b) / (2.0 * (1.0 - estimate)))
    return _table(a, events, n_1, n_2)


def of_chi2(
    chi2: FloatArray,
    direction: FloatArray,
    events: FloatArray,
    n_1: FloatArray,
    n_2: FloatArray,
    corrected: FloatArray | float = 1.0,
) -> Cells:
    """Solve for the table with this χ², with the events of both groups together.

    ``direction`` is 1 where the experimental group has the higher risk; ``corrected`` is 1 where Yates's correction for
    continuity was used, as programs do by default, and 0 where not. A corrected χ² of 0 is that of several tables: NaN.
    """
    yates = np.asarray(corrected, dtype=np.float64)
    columns = {"chi2": chi2, "direction": direction, "corrected": yates, **_margins(events, n_1, n_2)}
    refuse(
        SUMMARY,
        columns,
        *negative(columns, "χ² cannot be negative", "chi2"),
        *of_direction(direction),
        ("corrected", ~np.isin(yates, (0.0, 1.0)) & ~np.isnan(yates), "is 1 (corrected for continuity) or 0"),
        *_of_margins(columns),
    )
    n = n_1 + n_2
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.sqrt(chi2 / n) * np.sqrt(n_1 * n_2) * np.sqrt(events * (n - events)) + 0.5 * n * yates
    size = np.where((chi2 == 0) & (yates == 1), np.nan, size)
    return _table((n_1 * events + direction * size) / n, events, n_1, n_2)


def of_odds_ratio_with_limits(
    estimate: FloatArray,
    ci_low: FloatArray,
    ci_high: FloatArray,
    n_1: FloatArray,
    n_2: FloatArray,
    level: FloatArray | float = 0.95,
) -> Cells:
    """Solve for the table with this odds ratio and this width of its interval, in which the outcome is the rarer one.

    Two tables have the same odds ratio and variance; the other, with the rarer outcome's opposite, is that of
    ``or-ci-to-2x2-common``. Source: Di Pietrantonj (2006).
    """
    return _of_odds(estimate, ci_low, ci_high, n_1, n_2, level, common=False)


def of_odds_ratio_with_limits_common(
    estimate: FloatArray,
    ci_low: FloatArray,
    ci_high: FloatArray,
    n_1: FloatArray,
    n_2: FloatArray,
    level: FloatArray | float = 0.95,
) -> Cells:
    """Solve as `of_odds_ratio_with_limits` does, for the table in which the outcome is the commoner one."""
    return _of_odds(estimate, ci_low, ci_high, n_1, n_2, level, common=True)


def of_risk_ratio_with_limits(
    estimate: FloatArray,
    ci_low: FloatArray,
    ci_high: FloatArray,
    n_1: FloatArray,
    n_2: FloatArray,
    level: FloatArray | float = 0.95,
) -> Cells:
    """Solve for the one table with this risk ratio and this width of its interval. Source: Di Pietrantonj (2006)."""
    v = _log_variance(estimate, ci_low, ci_high, n_1, n_2, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        c = (1.0 + n_2 / (estimate * n_1)) / (v + 1.0 / n_1 + 1.0 / n_2)
        a = estimate * c * (n_1 / n_2)
    return _cells(np.rint(a), n_1, np.rint(c), n_2)


def _of_odds(
    estimate: FloatArray,
    ci_low: FloatArray,
    ci_high: FloatArray,
    n_1: FloatArray,
    n_2: FloatArray,
    level: FloatArray | float,
    *,
    common: bool,
) -> Cells:
    """Solve the quadratic in the control group's odds that the variance of the log odds ratio is."""
    v = _log_variance(estimate, ci_low, ci_high, n_1, n_2, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b, c = estimate / n_1 + 1.0 / n_2, v - 2.0 / n_1 - 2.0 / n_2, 1.0 / (n_1 * estimate) + 1.0 / n_2
        larger = (b + np.sqrt(b**2 - 4.0 * a * c)) / (2.0 * a)
        odds = np.where(b > 0, larger if common else c / (a * larger), np.nan)
        risk_1 = 1.0 / (1.0 + 1.0 / (estimate * odds))
        risk_2 = 1.0 / (1.0 + 1.0 / odds)
    return _cells(np.rint(n_1 * risk_1), n_1, np.rint(n_2 * risk_2), n_2)


def _log_variance(
    estimate: FloatArray,
    ci_low: FloatArray,
    ci_high: FloatArray,
    n_1: FloatArray,
    n_2: FloatArray,
    level: FloatArray | float,
) -> FloatArray:
    columns = {"estimate": estimate, "ci_low": ci_low, "ci_high": ci_high, "n_1": n_1, "n_2": n_2}
    columns["level"] = np.asarray(level)
    refuse(
        SUMMARY,
        columns,
        *of_limits(ci_low, ci_high),
        *of_ratio(columns, "estimate", "ci_low", "ci_high"),
        *of_level(level),
        *too_small(columns, 1, "n_1", "n_2"),
    )
    return np.asarray((np.log1p((ci_high - ci_low) / ci_low) / (2.0 * normal_value(1.0 - np.asarray(level)))) ** 2)


def _margins(events: FloatArray, n_1: FloatArray, n_2: FloatArray) -> dict[str, FloatArray]:
    return {"events": events, "n_1": n_1, "n_2": n_2}


def _of_margins(columns: dict[str, FloatArray]) -> list[Rule]:
    everybody = columns["n_1"] + columns["n_2"]
    return [
        *negative(columns, COUNT, "events"),
        *too_small(columns, 1, "n_1", "n_2"),
        ("events", columns["events"] > everybody, "more events than participants (n_1 and n_2)"),
    ]


def _table(a: FloatArray, events: FloatArray, n_1: FloatArray, n_2: FloatArray) -> Cells:
    whole = np.rint(a)
    return _cells(whole, n_1, events - whole, n_2)


def _cells(a: FloatArray, n_1: FloatArray, c: FloatArray, n_2: FloatArray) -> Cells:
    b, d = n_1 - a, n_2 - c
    possible = (a >= 0) & (b >= 0) & (c >= 0) & (d >= 0)
    a, b, c, d = (np.where(possible, cell, np.nan) for cell in (a, b, c, d))
    # Rounding leaves a minus before some zeros.
    return a + 0.0, b + 0.0, c + 0.0, d + 0.0


@hookimpl
def conversions() -> list[Conversion]:
    """Offer tables from percentages, from statistics with margins, and from ratios with intervals."""

    def made(
        name: str, function: Callable[..., Any], formula: str, source: str, r_argument: str | None = None
    ) -> Conversion:
        call = None
        if r_argument is not None:
            call = f"metafor::conv.2x2({r_argument}, ni=n_1 + n_2, n1i=n_1, n2i=events)"
        return Conversion(
            name,
            function,
            targets=TARGETS,
            reference=source,
            formula=formula,
            r_equivalent=call,
            r_version=None if call is None else "metafor 4.0",
            examples={} if "ci" not in name else EXAMPLES,
        )

    limits = "v = (ln(upper / lower) / 2z)²"
    return [
        Conversion(
            "percent-to-events",
            percent_to_events,
            targets=("events", "events_min", "events_max"),
            reference="Higgins, Li & Deeks (2023), Cochrane Handbook 6.4, §6.4.1",
            formula="events = percent · n / 100, rounded",
        ),
        made("phi-to-2x2", of_phi, "a n = n₁ e + φ √(n₁ n₂ e (n - e))", MARGINS, "ri=r"),
        made("or-to-2x2", of_odds_ratio, "a (n₂ - e + a) = OR (n₁ - a)(e - a)", MARGINS, "ori=estimate"),
        made(
            "chi2-to-2x2",
            of_chi2,
            "a n = n₁ e ± (√(χ² n₁ n₂ e (n - e) / n) + n/2)",
            f"Yates (1934), Suppl. J. R. Stat. Soc. 1:217-235; {MARGINS}",
            "x2i=direction * chi2, correct=corrected == 1",
        ),
        made(
            "or-ci-to-2x2-rare",
            of_odds_ratio_with_limits,
            f"1/a + 1/b + 1/c + 1/d = v, the lesser root; {limits}",
            PIETRANTONJ,
        ),
        made(
            "or-ci-to-2x2-common",
            of_odds_ratio_with_limits_common,
            f"1/a + 1/b + 1/c + 1/d = v, the larger root; {limits}",
            PIETRANTONJ,
        ),
        made("rr-ci-to-2x2", of_risk_ratio_with_limits, f"1/a - 1/n₁ + 1/c - 1/n₂ = v; {limits}", PIETRANTONJ),
    ]
