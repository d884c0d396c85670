"""Say an effect as the number of people to treat for one event more or less.

A positive number is one needed to treat for one to be spared the event (NNTB), a negative one the number for one to be
harmed (NNTH), for an event that nobody wants. The limits are those of the risk difference, turned over: where its
interval holds 0, that of the number runs from the one through infinity to the other (Altman 1998).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Conversion, hookimpl
from evisynth_converters.baseline_risk import refuse_certainty
from evisynth_converters.ranges import refuse_outside

if TYPE_CHECKING:
    from evisynth import FloatArray

ALTMAN = "Altman (1998), BMJ 317:1309-1312"
HANDBOOK = "Schünemann et al. (2019), Cochrane Handbook for Systematic Reviews of Interventions, 2nd ed., ch. 15.4.4"
TARGETS = ("nnt", "nnt_low", "nnt_high", "through_infinity")


def from_risk_difference(
    risk_difference: FloatArray,
    risk_difference_low: FloatArray | None = None,
    risk_difference_high: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Turn over a difference of risks (treated less control) and its limits.

    Gives the number, those at the most beneficial and at the most harmful limit, and 1 where the interval between them
    runs through infinity. Raises `DataError` for a difference outside -1 to 1.
    """
    refuse_outside(
        -1.0,
        1.0,
        risk_difference=risk_difference,
        risk_difference_low=risk_difference_low,
        risk_difference_high=risk_difference_high,
    )
    return _turned(risk_difference, risk_difference_low, risk_difference_high)


def from_risk_ratio(
    risk_ratio: FloatArray,
    baseline_risk: FloatArray,
    risk_ratio_low: FloatArray | None = None,
    risk_ratio_high: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Turn over p₀ (1 - RR) at a baseline risk p₀, with limits as in `from_risk_difference`.

    Raises `DataError` for a negative ratio, a risk outside 0 to 1 and a ratio that makes a risk above 1; a limit that
    does stands for a risk of 1.
    """
    refuse_outside(0.0, 1.0, baseline_risk=baseline_risk)
    refuse_outside(0.0, np.inf, risk_ratio=risk_ratio, risk_ratio_low=risk_ratio_low, risk_ratio_high=risk_ratio_high)
    p = np.asarray(baseline_risk, dtype=np.float64)
    refuse_certainty(p * np.asarray(risk_ratio, dtype=np.float64))

    def difference(ratio: FloatArray | None) -> FloatArray | None:
        return None if ratio is None else np.minimum(p * (np.asarray(ratio, dtype=np.float64) - 1), 1 - p)

    point = p * (np.asarray(risk_ratio, dtype=np.float64) - 1)
    return _turned(point, difference(risk_ratio_low), difference(risk_ratio_high))


def from_odds_ratio(
    odds_ratio: FloatArray,
    baseline_risk: FloatArray,
    odds_ratio_low: FloatArray | None = None,
    odds_ratio_high: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Turn over the difference of risks that an odds ratio makes at a baseline risk, as in `from_risk_difference`.

    Raises `DataError` for a negative ratio and a risk outside 0 to 1.
    """
    refuse_outside(0.0, 1.0, baseline_risk=baseline_risk)
    refuse_outside(0.0, np.inf, odds_ratio=odds_ratio, odds_ratio_low=odds_ratio_low, odds_ratio_high=odds_ratio_high)
    p = np.asarray(baseline_risk, dtype=np.float64)

    def difference(ratio: FloatArray | None) -> FloatArray | None:
        if ratio is None:
            return None
        odds = np.asarray(ratio, dtype=np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            made = p * (1 - p) * (odds - 1) / (1 - p + p * odds)
        return np.where(np.isinf(odds), 1 - p, np.where((p == 0) | (p == 1), 0.0 * odds, made))

    point = difference(odds_ratio)
    return _turned(np.asarray(point), difference(odds_ratio_low), difference(odds_ratio_high))


def _turned(
    difference: FloatArray, low: FloatArray | None, high: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    point = np.asarray(difference, dtype=np.float64)
    absent = np.full(point.shape, np.nan)
    least = absent if low is None else np.asarray(low, dtype=np.float64)
    most = absent if high is None else np.asarray(high, dtype=np.float64)
    through = np.where(np.isnan(least + most), np.nan, (least < 0) & (most > 0))
    # Adding 0.0 turns -0.0 into 0.0: no difference is an infinite number for benefit, by convention.
    with np.errstate(divide="ignore"):
        number, best, worst = (1 / (0.0 - value + 0.0) for value in (point, least, most))
    return number, best, worst, through


@hookimpl
def conversions() -> list[Conversion]:
    """Offer numbers needed to treat from a risk difference, and from ratios at a baseline risk."""
    call = "meta::nnt({}, p.c=baseline_risk, sm='{}')"
    return [
        Conversion(
            "nnt-from-rd",
            from_risk_difference,
            targets=TARGETS,
            infinite=True,
            reference=ALTMAN,
            formula="NNT = -1/RD",
        ),
        Conversion(
            "nnt-from-rr",
            from_risk_ratio,
            targets=TARGETS,
            infinite=True,
            reference=f"{ALTMAN}; {HANDBOOK}",
            formula="NNT = 1/(p₀ (1 - RR))",
            r_equivalent=call.format("risk_ratio", "RR"),
        ),
        Conversion(
            "nnt-from-or",
            from_odds_ratio,
            targets=TARGETS,
            infinite=True,
            reference=f"{ALTMAN}; {HANDBOOK}",
            formula="NNT = 1/(p₀ - p₀ OR/(1 - p₀ + p₀ OR))",
            r_equivalent=call.format("odds_ratio", "OR"),
        ),
    ]
