"""Print numbers and lines as RevMan does; every rule of rounding and wording stands here.

A number is rounded half away from zero on the exact value of the double, as a browser's ``toFixed`` does: 0.125 prints
as 0.13 and 1.005, which is stored as 1.00499…, as 1.00. RevMan's own rounding at such ties is not verified.
"""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import attrs

from evisynth_reporters.words import IN_ENGLISH

if TYPE_CHECKING:
    from evisynth import Estimate, MetaAnalysis, SubgroupTest
    from evisynth_reporters.words import Words

NOT_ESTIMABLE = "Not estimable"
NOT_APPLICABLE = "Not applicable"
INFINITE = "∞"

HUGE = 1e6
"""From here on two significant digits and a power of ten are easier to read than all digits."""
P_FLOORS = (0.00001, 0.0001)
P_TWO_DECIMALS = 0.01

_BIDIRECTIONAL_CONTROLS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@attrs.frozen
class Style:
    """Say in which of the two programs' ways an analysis is printed."""

    comma: str = ", "
    """Between the limits of an interval."""
    open: str = "["
    close: str = "]"
    always_subgroup_line: bool = False
    """Whether the line on subgroup differences is there without subgroups."""
    decimals: int = 2
    """Decimals of effects and their limits."""
    ratio: bool = False
    """Whether 0 is out of reach, so that ``0.00 [0.00, 0.00]`` would say nothing."""


def style_of(analysis: MetaAnalysis, decimals: int = 2) -> Style:
    """Take the style of the program whose settings the analysis was made with."""
    ratio = analysis.effects.scale == "log"
    if analysis.settings.preset == "revman-web":
        return Style(comma=" , ", always_subgroup_line=True, decimals=decimals, ratio=ratio)
    return Style(decimals=decimals, ratio=ratio)


# -- numbers ----------------------------------------------------------------------------------------------------------


def number(value: float | None, decimals: int = 2) -> str:
    """Print with a fixed number of decimals; ``Not estimable`` where there is none, never ``nan`` or ``-0.00``."""
    if value is None or math.isnan(value):
        return NOT_ESTIMABLE
    if math.isinf(value):
        return INFINITE if value > 0 else f"-{INFINITE}"
    if abs(value) >= HUGE:
        return scientific(value)
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    return f"{abs(rounded) if rounded.is_zero() else rounded:f}"


def scientific(value: float) -> str:
    """Print two significant digits and a power of ten: ``1.2e7``."""
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def interval(low: float, high: float, style: Style) -> str:
    """Print ``[0.49, 1.06]``; an end that is not bounded prints as infinite."""
    return f"{style.open}{number(low, style.decimals)}{style.comma}{number(high, style.decimals)}{style.close}"


def effect(value: float, low: float, high: float, style: Style) -> str:
    """Print ``0.72 [0.49, 1.06]``, or ``Not estimable`` where the effect or a limit is no number."""
    if not math.isfinite(value) or math.isnan(low) or math.isnan(high):
        return NOT_ESTIMABLE
    if style.ratio and value > 0 and high < 0.5 * 10.0**-style.decimals:
        limits = f"{style.open}{scientific(low)}{style.comma}{scientific(high)}{style.close}"
        return f"{scientific(value)} {limits}"
    return f"{number(value, style.decimals)} {interval(low, high, style)}"


def percent(value: float | None, decimals: int = 1) -> str:
    """Print a weight as ``3.2%``; empty where there is none."""
    return "" if value is None or math.isnan(value) else f"{number(value, decimals)}%"


def p_value(p: float) -> str:
    """Print ``P = 0.13``: 2 decimals from 0.01 up, one significant digit below, then bounds."""
    for floor in P_FLOORS:
        if p < floor:
            return f"P < {floor:.5f}".rstrip("0")
    exact = Decimal(p)
    place = Decimal("0.01") if p >= P_TWO_DECIMALS else Decimal(1).scaleb(exact.adjusted())
    rounded = exact.quantize(place, rounding=ROUND_HALF_UP)
    return f"P = {rounded if p >= P_TWO_DECIMALS else rounded.normalize():f}"


def level(probability: float) -> str:
    """Print a level as ``95%`` or ``99.9%``."""
    return f"{round(100 * probability, 6):g}%"


def degrees(df: float) -> str:
    """Print degrees of freedom: whole, or with 2 decimals where they are not."""
    return f"{df:.0f}" if float(df).is_integer() else number(df)


def entered(value: float | None) -> str:
    """Print a number that was entered, or computed for entry, as it was: up to 4 decimals, no trailing zeros."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value) or abs(value) >= HUGE * 1000:
        return number(value)
    decimals = 4 if value == 0 or abs(value) >= 0.01 else 2 - Decimal(value).adjusted()  # noqa: PLR2004 - three digits of a small number
    digits = f"{Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP):f}"
    shown = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if shown == "-0" else shown


def one_line(text: str) -> str:
    """Make a text from outside fit to be shown: one line, no control characters, nothing that turns writing around."""
    kept = "".join(
        " "
        if unicodedata.category(character) in {"Cc", "Zl", "Zp"}
        else "�"
        if "\ud800" <= character <= "\udfff"
        else character
        for character in text
        if character not in _BIDIRECTIONAL_CONTROLS
    )
    return " ".join(kept.split())


# -- lines ------------------------------------------------------------------------------------------------------------


def heterogeneity_line(analysis: MetaAnalysis, words: Words = IN_ENGLISH) -> str:
    """Print ``Heterogeneity: Tau² = 0.02; Chi² = 7.10, df = 6 (P = 0.31); I² = 15%``, Tau² in random models only."""
    found = analysis.heterogeneity
    word = words("Residual heterogeneity") if analysis.is_regression else words("Heterogeneity")
    if found.q is None or not found.df or found.p_value is None:
        return f"{word}: {words(NOT_APPLICABLE)}"
    tau2 = analysis.model.tau2 if analysis.settings.model == "random" else None
    parts = [f"Tau² = {number(tau2)}"] if tau2 is not None else []
    parts.append(f"Chi² = {number(found.q)}, df = {found.df} ({p_value(found.p_value)})")
    if found.i2 is not None:
        parts.append(f"I² = {number(found.i2, 0)}%")
    return f"{word}: {'; '.join(parts)}"


def statistic(estimate: Estimate) -> str:
    """Print ``Z = 3.29 (P = 0.001)``, or ``T = 2.28, df = 6 (P = 0.06)`` where Student's t was taken; both unsigned."""
    if math.isnan(estimate.statistic) or math.isnan(estimate.p_value):
        return NOT_ESTIMABLE
    shown = number(abs(estimate.statistic))
    name = f"Z = {shown}" if estimate.df is None else f"T = {shown}, df = {degrees(estimate.df)}"
    return f"{name} ({p_value(estimate.p_value)})"


def regression_lines(analysis: MetaAnalysis, words: Words = IN_ENGLISH) -> list[str]:
    """Print ``Test of moderators: Chi² = 12.20, df = 2 (P = 0.002)`` and ``Heterogeneity explained: R² = 65%``."""
    regression = analysis.regression
    if regression is None or not analysis.coefficients:
        return []
    found = regression.omnibus
    tested = words("Test of moderators")
    lines = [f"{tested}: {words(NOT_APPLICABLE)}"]
    if found.statistic is not None and found.p_value is not None and math.isfinite(found.statistic):
        name, degrees_of = "Chi²", f"{found.df}"
        if found.df_residual is not None:
            both = words("{one} and {other}", one=found.df, other=degrees(found.df_residual))
            name, degrees_of = "F", both
        lines = [f"{tested}: {name} = {number(found.statistic)}, df = {degrees_of} ({p_value(found.p_value)})"]
    explained = words(NOT_APPLICABLE) if regression.r2 is None else f"R² = {number(regression.r2, 0)}%"
    return [*lines, f"{words('Heterogeneity explained')}: {explained}"]


def overall_line(analysis: MetaAnalysis, words: Words = IN_ENGLISH, *, of: str = "") -> str:
    """Print ``Test for overall effect: Z = 3.29 (P = 0.001)``; ``of`` names the model where there are several."""
    said = words("Test for overall effect") + (f" ({of})" if of else "")
    if analysis.pooled is None or analysis.scale.null is None:
        return f"{said}: {words(NOT_APPLICABLE)}"
    return f"{said}: {statistic(analysis.pooled)}"


def subgroup_line(test: SubgroupTest | None, words: Words = IN_ENGLISH, *, of: str = "") -> str:
    """Print ``Test for subgroup differences: Chi² = 2.10, df = 2 (P = 0.35), I² = 5%``, with a comma before I².

    ``of`` names the model where there are several.
    """
    said = words("Test for subgroup differences") + (f" ({of})" if of else "")
    if test is None or test.q is None or test.p_value is None or test.i2 is None:
        return f"{said}: {words(NOT_APPLICABLE)}"
    shown = f"Chi² = {number(test.q)}, df = {test.df} ({p_value(test.p_value)}), I² = {number(test.i2, 0)}%"
    return f"{said}: {shown}"


def with_symbols(line: str, *, leading_zero: bool = True) -> str:
    """Write a footer with τ² and χ², as journals do, and P without its zero where they leave it out."""
    line = line.replace("Tau²", "τ²").replace("Chi²", "χ²")
    return line if leading_zero else re.sub(r"(?<=P [=<>] )0(?=\.)", "", line)


def model_label(label: str, words: Words = IN_ENGLISH) -> str:
    """Name how effects were pooled, ``M-H, Random``, in a language: the method keeps its name."""
    return ", ".join(words(part) for part in label.split(", "))


def arm_names(
    analysis: MetaAnalysis, group_1: str | None, group_2: str | None, words: Words = IN_ENGLISH
) -> tuple[str, str]:
    """Name the arms: as asked for, else as the settings say, else as RevMan does."""
    settings = analysis.settings
    return group_1 or settings.group_1 or words("Experimental"), group_2 or settings.group_2 or words("Control")
