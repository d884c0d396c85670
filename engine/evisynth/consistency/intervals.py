"""Bound what a printed estimate and its limits leave open: the statistic, and by it the standard error and P.

Limits L and U that are symmetric on the analysis scale belong to the estimate (L + U)/2 and to a test with
|estimate|/SE = c·|L + U|/(U - L), where c is the quantile of the interval. The printed numbers put (L, U) into a
rectangle, the estimate cuts a stripe out of it, and both quantities are largest and smallest at corners of what is
left.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from evisynth.kernels.distributions import normal_p_value, normal_quantile, t_p_value, t_quantile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth.consistency.printed_numbers import Printed
    from evisynth.consistency.printed_results import PrintedResult

ScaleName: TypeAlias = Literal["log", "linear"]
_SMALLEST = -750.0
"""Below the logarithm of the smallest double: where a ratio is printed as 0.00 the logarithm has no lower bound."""
MOST_DF = 200
"""From here on Student's t is the normal distribution at the digits that are printed."""

Corner: TypeAlias = "tuple[float, float]"


@attrs.frozen
class Bounds:
    """Hold what the printed estimate and limits leave open on the analysis scale; empty where they contradict."""

    corners: tuple[Corner, ...]
    """Of the region of (lower limit, upper limit)."""
    centre: tuple[float, float]
    """Centres that the limits alone allow."""

    @property
    def empty(self) -> bool:
        """Whether no limits have that estimate in their middle."""
        return not self.corners

    @property
    def half_width(self) -> tuple[float, float]:
        """Smallest and largest half width of the interval."""
        widths = [0.5 * (high - low) for low, high in self.corners]
        return min(widths), max(widths)

    @property
    def ratio(self) -> tuple[float, float]:
        """Smallest and largest |estimate| in half widths of the interval."""
        ratios = [_ratio(low, high) for low, high in self.corners]
        least, most = min(low for low, _ in ratios), max(high for _, high in ratios)
        return (0.0 if least <= 0.0 <= most else min(abs(least), abs(most))), max(abs(least), abs(most))


def _ratio(low: float, high: float) -> tuple[float, float]:
    total, width = low + high, high - low
    if width > 0.0:
        return total / width, total / width
    return (-math.inf if total <= 0.0 else math.inf), (math.inf if total >= 0.0 else -math.inf)


def bounds_of(estimate: Printed | None, low: Printed, high: Printed, scale: ScaleName) -> Bounds:
    """Bound the limits on the analysis scale, by the estimate too where it is given."""
    if scale == "log":
        low, high = low.logarithm(), high.logarithm()
        estimate = None if estimate is None else estimate.logarithm()
    ends = (
        [(max(end.low, _SMALLEST), max(end.high, _SMALLEST)) for end in (low, high)]
        if scale == "log"
        else [
            (low.low, low.high),
            (high.low, high.high),
        ]
    )
    (a, b), (c, d) = ends
    corners: list[Corner] = [(a, c), (b, c), (b, d), (a, d)]
    corners = _clip(corners, (-1.0, 1.0), 0.0)
    if estimate is not None:
        slack = 1e-12 * max(abs(a), abs(d))
        corners = _clip(
            corners, (1.0, 1.0), 2.0 * max(estimate.low, _SMALLEST if scale == "log" else -math.inf) - slack
        )
        corners = _clip(corners, (-1.0, -1.0), -2.0 * estimate.high - slack)
    return Bounds(tuple(corners), (0.5 * (a + c), 0.5 * (b + d)))


def _clip(corners: Sequence[Corner], normal: Corner, least: float) -> list[Corner]:
    """Keep the part of a convex region where ``normal · (L, U) ≥ least``."""
    kept: list[Corner] = []
    for i, here in enumerate(corners):
        before = corners[i - 1]
        inside = normal[0] * here[0] + normal[1] * here[1] - least
        was = normal[0] * before[0] + normal[1] * before[1] - least
        if (inside >= 0.0) != (was >= 0.0):
            share = was / (was - inside)
            kept.append((before[0] + share * (here[0] - before[0]), before[1] + share * (here[1] - before[1])))
        if inside >= 0.0:
            kept.append(here)
    return kept


def quantile(level: float, df: float | None) -> float:
    """Give the quantile of an interval: the normal one, or Student's where there are degrees of freedom."""
    return normal_quantile(level) if df is None else t_quantile(level, df)


def p_of(statistic: float, df: float | None) -> float:
    """Give the two-sided P of a statistic."""
    if math.isinf(statistic):
        return 0.0
    return float((normal_p_value(statistic) if df is None else t_p_value(statistic, df))[0])


def p_range(ratio: tuple[float, float], level: float, df: float | None) -> tuple[float, float]:
    """Bound the P of the test that an interval belongs to, from |estimate| in half widths."""
    c = quantile(level, df)
    return p_of(c * ratio[1], df), p_of(c * ratio[0], df)


def fits_effect(p: Printed, of_scales: Mapping[ScaleName, Bounds], result: PrintedResult) -> bool:
    """Whether a P can be that of the test of the effect whose interval is printed."""
    return any(p.meets(*p_range(bounds.ratio, result.level, result.df)) for bounds in of_scales.values())


def degrees_that_fit(ratio: tuple[float, float], level: float, printed: Printed) -> tuple[int, int] | None:
    """Find the degrees of freedom with which Student's t gives both interval and P; None where none does."""
    fitting = [df for df in range(1, MOST_DF + 1) if printed.meets(*p_range(ratio, level, float(df)))]
    return (fitting[0], fitting[-1]) if fitting else None
