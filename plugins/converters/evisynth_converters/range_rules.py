"""Estimate mean and standard deviation by the rules that came before expected scores: Hozo, Walter and Yao, Bland."""

from __future__ import annotations

import numpy as np

from evisynth import Conversion, FloatArray, hookimpl
from evisynth_converters.five_numbers import Pair, by_r, checked, checked_five

FEW, SOME = 15, 70
"""Sizes up to which the variance is that of three values, and up to which the range spans four SDs (else six)."""

MEDIAN_ABOVE = 25
"""Size above which the median is the better mean."""


def hozo(minimum: FloatArray, median: FloatArray, maximum: FloatArray, n: FloatArray) -> Pair:
    """Bound the mean and the variance of a sample with that range and median, by its size.

    Arrays of one shape; NaN where a value is missing. Raises `DataError` that names every row whose numbers do not
    ascend or whose n is below 2. Source: Hozo, Djulbegovic & Hozo (2005), eq. 5, 16 and the rules of their conclusion.
    """
    minimum, median, maximum, n = checked({"minimum": minimum, "median": median, "maximum": maximum}, n)
    bend, span = (minimum - median) + (maximum - median), maximum - minimum
    mean = np.where(n > MEDIAN_ABOVE, median, (minimum + 2 * median + maximum) / 4)
    sd = np.where(n <= FEW, np.hypot(bend / 2, span) / np.sqrt(12), np.where(n <= SOME, span / 4, span / 6))
    return np.where(np.isnan(n + span), np.nan, mean), np.where(np.isnan(n + median), np.nan, sd)


def walter(minimum: FloatArray, median: FloatArray, maximum: FloatArray, n: FloatArray) -> Pair:
    """Take the median, and the range over its exact expectation in n standard normal values.

    Arrays and errors as in `hozo`. Source: Walter & Yao (2007), whose table of factors is 1/expectation (Tippett 1925).
    """
    minimum, median, maximum, n = checked({"minimum": minimum, "median": median, "maximum": maximum}, n)
    return np.where(np.isnan(minimum + maximum + n), np.nan, median), (maximum - minimum) / expected_range(n)


def bland(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> Pair:
    """Spread the sample evenly over its four quarters: mean and SD of the middles of the quarters.

    The variance of the paper, Σx²-terms/16 + Σx-products/8 - mean², is that of the four middles, taken from the
    median so that no digits cancel. Arrays and errors as in `hozo`; n is only checked. Source: Bland (2015).
    """
    minimum, q1, median, q3, maximum, n = checked_five(minimum, q1, median, q3, maximum, n)
    span = np.where(maximum > minimum, maximum - minimum, 1.0)
    a, q, r, b = ((value - median) / span for value in (minimum, q1, q3, maximum))
    middles = np.stack([(a + q) / 2, q / 2, r / 2, (r + b) / 2])
    mean = (minimum + 2 * q1 + 2 * median + 2 * q3 + maximum) / 8
    sd = span * np.sqrt(((middles - (a + 2 * q + 2 * r + b) / 8) ** 2).mean(axis=0))
    return np.where(np.isnan(n), np.nan, mean), np.where(np.isnan(n), np.nan, sd)


def expected_range(n: FloatArray) -> FloatArray:
    """Give the expected range of n standard normal values, 2∫₀^∞ (1 - Φ(x)ⁿ - Φ(-x)ⁿ) dx (Tippett 1925).

    Gauss–Legendre on panels of length 1, once for each size that occurs; to 1e-13 up to n = 10⁹.
    """
    from scipy.special import log_ndtr, ndtr  # noqa: PLC0415 - scipy comes with the first use

    sizes, where = np.unique(n, return_inverse=True)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    panels = np.linspace(0.0, FARTHEST, PANELS + 1)
    half = FARTHEST / (2 * PANELS)
    total = np.zeros(sizes.shape)
    for left in panels[:-1]:
        x = left + half * (nodes + 1)
        below, above = np.asarray(log_ndtr(x), dtype=np.float64), np.asarray(ndtr(-x), dtype=np.float64)
        for value, tail, weight in zip(below, above, weights, strict=True):
            total += half * weight * (-np.expm1(sizes * value) - tail**sizes)
    return np.asarray((2 * total)[where].reshape(np.shape(n)))


PANELS, NODES, FARTHEST = 16, 24, 16.0


@hookimpl
def conversions() -> list[Conversion]:
    """Offer the rules of Hozo and others, of Walter and Yao, and of Bland."""
    return [
        Conversion(
            name,
            function,
            targets=("mean", "sd"),
            formula=formula,
            reference=reference,
            r_equivalent=by_r(scenario, f"method='{method}'"),
            r_version="metafor 4.0",
            tested_by=f"skewness-{scenario}",
        )
        for name, function, scenario, formula, reference, method in (
            (
                "hozo-range",
                hozo,
                "range",
                (
                    "mean = (minimum + 2·median + maximum)/4 up to n = 25, the median above; "
                    "SD = √[((minimum - 2·median + maximum)²/4 + "
                    "(maximum - minimum)²)/12] up to n = 15, (maximum - minimum)/4 up to 70, /6 above"
                ),
                "Hozo, Djulbegovic & Hozo (2005), BMC Med. Res. Methodol. 5:13",
                "hozo2005",
            ),
            (
                "walter-range",
                walter,
                "range",
                "mean = median; SD = (maximum - minimum)/d₂(n), d₂ the expected range of n standard normal values",
                "Walter & Yao (2007), J. Clin. Epidemiol. 60:849-852; Tippett (1925), Biometrika 17:364-387",
                "walter2007",
            ),
            (
                "bland-full",
                bland,
                "full",
                (
                    "mean = (minimum + 2·q1 + 2·median + 2·q3 + maximum)/8; "
                    "SD² = (minimum² + 2·q1² + 2·median² + 2·q3² + maximum²)/16 + "
                    "(minimum·q1 + q1·median + median·q3 + q3·maximum)/8 - mean²"
                ),
                "Bland (2015), Int. J. Stat. Med. Res. 4:57-64",
                "bland2015",
            ),
        )
    ]
