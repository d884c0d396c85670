"""Estimate mean and standard deviation of normal data from quantiles: optimal weights, and expected normal scores.

The three scenarios are those of the literature: the range with the median (S1), the quartiles with the median (S2) and
all five numbers (S3). n is the size of the sample.
"""

from __future__ import annotations

from evisynth import Conversion, FloatArray, hookimpl
from evisynth_converters.five_numbers import Pair, by_r, checked, checked_five, extreme_score, quartile_score

WAN = "Wan, Wang, Liu & Tong (2014), BMC Med. Res. Methodol. 14:135"
LUO = "Luo, Wan, Liu & Tong (2018), Stat. Methods Med. Res. 27:1785-1805"
SHI = "Shi, Luo, Weng, Zeng, Lin, Chu & Tong (2020), Res. Synth. Methods 11:641-654"
HOZO = "Hozo, Djulbegovic & Hozo (2005), BMC Med. Res. Methodol. 5:13"
BLAND = "Bland (2015), Int. J. Stat. Med. Res. 4:57-64"


# -- means ------------------------------------------------------------------------------------------------------------


def range_mean(minimum: FloatArray, median: FloatArray, maximum: FloatArray, n: FloatArray) -> FloatArray:
    """Weigh mid-range and median for the least mean squared error (Luo et al. 2018, eq. 7)."""
    w = 4 / (4 + n**0.75)
    return w * ((minimum + maximum) / 2) + (1 - w) * median


def quartile_mean(q1: FloatArray, median: FloatArray, q3: FloatArray, n: FloatArray) -> FloatArray:
    """Weigh the middle of the quartiles and the median for the least mean squared error (Luo et al. 2018, eq. 11)."""
    w = 0.7 + 0.39 / n
    return w * ((q1 + q3) / 2) + (1 - w) * median


def five_number_mean(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> FloatArray:
    """Weigh mid-range, middle of the quartiles and median for the least squared error (Luo et al. 2018, eq. 15)."""
    w1, w2 = 2.2 / (2.2 + n**0.75), 0.7 - 0.72 / n**0.55
    return w1 * ((minimum + maximum) / 2) + w2 * ((q1 + q3) / 2) + (1 - w1 - w2) * median


def bland_mean(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray
) -> FloatArray:
    """Weigh the inner three numbers double (Bland 2015; Wan et al. 2014, eq. 10)."""
    return (minimum + 2 * q1 + 2 * median + 2 * q3 + maximum) / 8


# -- standard deviations ----------------------------------------------------------------------------------------------


def range_sd(minimum: FloatArray, maximum: FloatArray, n: FloatArray) -> FloatArray:
    """Take the range over its expectation in a normal sample (Wan et al. 2014, eq. 9)."""
    return (maximum - minimum) / (2 * extreme_score(n))


def quartile_sd(q1: FloatArray, q3: FloatArray, n: FloatArray) -> FloatArray:
    """Take the quartiles' distance over its expectation in a normal sample (Wan et al. 2014, eq. 16)."""
    return (q3 - q1) / (2 * quartile_score(n))


def even_sd(minimum: FloatArray, q1: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray) -> FloatArray:
    """Take the mean of the estimates from the range and from the quartiles (Wan et al. 2014, eq. 13)."""
    return (maximum - minimum) / (4 * extreme_score(n)) + (q3 - q1) / (4 * quartile_score(n))


def weighted_sd(minimum: FloatArray, q1: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray) -> FloatArray:
    """Weigh the estimates from the range and the quartiles for the least mean squared error (Shi et al. 2020, eq. 10).

    The weight of the range is 1/(1 + 0.07 n^0.6), which leads to the paper's θ₁ and θ₂ (eq. 11 and 12).
    """
    power = n**0.6
    theta1, theta2 = (2 + 0.14 * power) * extreme_score(n), (2 + 2 / (0.07 * power)) * quartile_score(n)
    return (maximum - minimum) / theta1 + (q3 - q1) / theta2


# -- conversions ------------------------------------------------------------------------------------------------------


def from_range(minimum: FloatArray, median: FloatArray, maximum: FloatArray, n: FloatArray) -> Pair:
    """Weigh the median double, and take the range over its expectation in a normal sample.

    Arrays of one shape; NaN where a value is missing. Raises `DataError` that names every row whose numbers do not
    ascend or whose n is below 2. Source: Wan et al. (2014), scenario C₁, eq. 3 and 9; the mean is that of Hozo,
    Djulbegovic & Hozo (2005), BMC Med. Res. Methodol. 5:13.
    """
    minimum, median, maximum, n = checked({"minimum": minimum, "median": median, "maximum": maximum}, n)
    return (minimum + 2 * median + maximum) / 4, range_sd(minimum, maximum, n)


def from_quartiles(q1: FloatArray, median: FloatArray, q3: FloatArray, n: FloatArray) -> Pair:
    """Take the mean of the three numbers, and the quartiles' distance over its expectation in a normal sample.

    Arrays and errors as in `from_range`. Source: Wan et al. (2014), scenario C₃, eq. 14 and 16.
    """
    q1, median, q3, n = checked({"q1": q1, "median": median, "q3": q3}, n)
    return (q1 + median + q3) / 3, quartile_sd(q1, q3, n)


def from_five_numbers(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> Pair:
    """Weigh the inner three numbers double, and take the mean of the estimates from the range and from the quartiles.

    Arrays and errors as in `from_range`. Source: Wan et al. (2014), scenario C₂, eq. 10 and 13; the mean is that of
    Bland (2015), Int. J. Stat. Med. Res. 4:57-64.
    """
    minimum, q1, median, q3, maximum, n = checked_five(minimum, q1, median, q3, maximum, n)
    return bland_mean(minimum, q1, median, q3, maximum), even_sd(minimum, q1, q3, maximum, n)


def luo_from_range(minimum: FloatArray, median: FloatArray, maximum: FloatArray, n: FloatArray) -> Pair:
    """Weigh mid-range and median by n, and take the range over its expectation in a normal sample.

    Arrays and errors as in `from_range`. Source: Luo et al. (2018), eq. 7; Wan et al. (2014), eq. 9.
    """
    minimum, median, maximum, n = checked({"minimum": minimum, "median": median, "maximum": maximum}, n)
    return range_mean(minimum, median, maximum, n), range_sd(minimum, maximum, n)


def luo_from_quartiles(q1: FloatArray, median: FloatArray, q3: FloatArray, n: FloatArray) -> Pair:
    """Weigh the middle of the quartiles and the median by n, and take the quartiles' distance over its expectation.

    Arrays and errors as in `from_range`. Source: Luo et al. (2018), eq. 11; Wan et al. (2014), eq. 16.
    """
    q1, median, q3, n = checked({"q1": q1, "median": median, "q3": q3}, n)
    return quartile_mean(q1, median, q3, n), quartile_sd(q1, q3, n)


def luo_from_five_numbers(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> Pair:
    """Weigh mid-range, middle of the quartiles and median by n, and both estimates of the SD by n.

    Arrays and errors as in `from_range`. Source: Luo et al. (2018), eq. 15; Shi et al. (2020), eq. 10.
    """
    minimum, q1, median, q3, maximum, n = checked_five(minimum, q1, median, q3, maximum, n)
    return five_number_mean(minimum, q1, median, q3, maximum, n), weighted_sd(minimum, q1, q3, maximum, n)


def luo_wan_from_five_numbers(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> Pair:
    """Weigh mid-range, middle of the quartiles and median by n, and take the mean of both estimates of the SD.

    Arrays and errors as in `from_range`. Source: Luo et al. (2018), eq. 15; Wan et al. (2014), eq. 13.
    """
    minimum, q1, median, q3, maximum, n = checked_five(minimum, q1, median, q3, maximum, n)
    return five_number_mean(minimum, q1, median, q3, maximum, n), even_sd(minimum, q1, q3, maximum, n)


def wan_shi_from_five_numbers(
    minimum: FloatArray, q1: FloatArray, median: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> Pair:
    """Weigh the inner three numbers double, and both estimates of the SD by n.

    Arrays and errors as in `from_range`. Source: Wan et al. (2014), eq. 10; Shi et al. (2020), eq. 10.
    """
    minimum, q1, median, q3, maximum, n = checked_five(minimum, q1, median, q3, maximum, n)
    return bland_mean(minimum, q1, median, q3, maximum), weighted_sd(minimum, q1, q3, maximum, n)


def sd_from_range(minimum: FloatArray, maximum: FloatArray, n: FloatArray) -> tuple[FloatArray]:
    """Take the range over its expectation in a normal sample, where the mean itself is reported.

    Arrays and errors as in `from_range`. Source: Wan et al. (2014), eq. 9.
    """
    minimum, maximum, n = checked({"minimum": minimum, "maximum": maximum}, n)
    return (range_sd(minimum, maximum, n),)


def sd_from_quartiles(q1: FloatArray, q3: FloatArray, n: FloatArray) -> tuple[FloatArray]:
    """Take the quartiles' distance over its expectation in a normal sample, where the mean itself is reported.

    Arrays and errors as in `from_range`. Source: Wan et al. (2014), eq. 16.
    """
    q1, q3, n = checked({"q1": q1, "q3": q3}, n)
    return (quartile_sd(q1, q3, n),)


def sd_from_both(
    minimum: FloatArray, q1: FloatArray, q3: FloatArray, maximum: FloatArray, n: FloatArray
) -> tuple[FloatArray]:
    """Weigh the estimates from the range and the quartiles by n, where the mean itself is reported.

    Arrays and errors as in `from_range`. Source: Shi et al. (2020), eq. 10.
    """
    minimum, q1, q3, maximum, n = checked({"minimum": minimum, "q1": q1, "q3": q3, "maximum": maximum}, n)
    return (weighted_sd(minimum, q1, q3, maximum, n),)


_W = {
    "range": "w = 4/(4 + n^0.75); mean = w·(minimum + maximum)/2 + (1 - w)·median",
    "iqr": "w = 0.7 + 0.39/n; mean = w·(q1 + q3)/2 + (1 - w)·median",
    "full": (
        "w₁ = 2.2/(2.2 + n^0.75), w₂ = 0.7 - 0.72/n^0.55; "
        "mean = w₁·(minimum + maximum)/2 + w₂·(q1 + q3)/2 + (1 - w₁ - w₂)·median"
    ),
}
_ENDS = "(maximum - minimum)/(2·Φ⁻¹((n - 0.375)/(n + 0.25)))"
_QUARTERS = "(q3 - q1)/(2·Φ⁻¹((0.75n - 0.125)/(n + 0.25)))"
_EVEN = f"SD = [{_ENDS} + {_QUARTERS}]/2"
_SMOOTH = f"v = 1/(1 + 0.07·n^0.6); SD = v·{_ENDS} + (1 - v)·{_QUARTERS}"
_BLAND = "mean = (minimum + 2·q1 + 2·median + 2·q3 + maximum)/8"


def _sd_alone() -> list[Conversion]:
    return [
        Conversion(name, function, targets=("sd",), formula=formula, reference=reference)
        for name, function, formula, reference in (
            ("wan-sd-range", sd_from_range, f"SD = {_ENDS}", f"{WAN}, eq. 9"),
            ("wan-sd-iqr", sd_from_quartiles, f"SD = {_QUARTERS}", f"{WAN}, eq. 16"),
            ("shi-sd-full", sd_from_both, _SMOOTH, f"{SHI}, eq. 10"),
        )
    ]


@hookimpl
def conversions() -> list[Conversion]:
    """Offer the estimates of Wan and others, of Luo and others, of Shi and others, and their combinations."""
    wan, luo, shi = "method=c('{0}', '{1}')".format, "luo", "shi"
    return [
        Conversion(
            name,
            function,
            targets=("mean", "sd"),
            formula=formula,
            reference=reference,
            r_equivalent=by_r(scenario, method),
            r_version="metafor 4.0",
            tested_by=f"skewness-{scenario}",
        )
        for name, function, scenario, formula, reference, method in (
            (
                "wan-iqr",
                from_quartiles,
                "iqr",
                f"mean = (q1 + median + q3)/3; SD = {_QUARTERS}",
                f"{WAN}, scenario C3",
                wan("wan2014", "wan2014"),
            ),
            (
                "wan-range",
                from_range,
                "range",
                f"mean = (minimum + 2·median + maximum)/4; SD = {_ENDS}",
                f"{WAN}, scenario C1; {HOZO}",
                wan("wan2014", "wan2014"),
            ),
            (
                "wan-full",
                from_five_numbers,
                "full",
                f"{_BLAND}; {_EVEN}",
                f"{WAN}, scenario C2; {BLAND}",
                wan("wan2014", "wan2014"),
            ),
            ("luo-iqr", luo_from_quartiles, "iqr", f"{_W['iqr']}; SD = {_QUARTERS}", f"{LUO}; {WAN}", wan(luo, "wan")),
            ("luo-range", luo_from_range, "range", f"{_W['range']}; SD = {_ENDS}", f"{LUO}; {WAN}", wan(luo, "wan")),
            ("luo-full", luo_from_five_numbers, "full", f"{_W['full']}; {_SMOOTH}", f"{LUO}; {SHI}", wan(luo, shi)),
            (
                "luo-wan-full",
                luo_wan_from_five_numbers,
                "full",
                f"{_W['full']}; {_EVEN}",
                f"{LUO}; {WAN}",
                wan(luo, "wan"),
            ),
            (
                "wan-shi-full",
                wan_shi_from_five_numbers,
                "full",
                f"{_BLAND}; {_SMOOTH}",
                f"{WAN}; {SHI}",
                wan("wan2014", shi),
            ),
        )
    ] + _sd_alone()
