"""Hold the numbers printed of one result: the effect with its test, and the heterogeneity with its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from evisynth.consistency.findings import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.consistency.intervals import ScaleName
    from evisynth.consistency.printed_numbers import Printed

ALTMAN = "Altman & Bland (2011), BMJ 343:d2090 and d2304"
STATCHECK = "Nuijten et al. (2016), Behav. Res. Methods 48:1205-1226"
I2 = "Higgins & Thompson (2002), Stat. Med. 21:1539-1558"
P_LABEL = Rule("P of the test named", f"{STATCHECK}; {I2}")


@attrs.frozen(kw_only=True)
class PrintedResult:
    """Hold the numbers printed of one result; None for those that are not."""

    estimate: Printed | None = None
    ci_low: Printed | None = None
    ci_high: Printed | None = None
    se: Printed | None = None
    """On the analysis scale."""
    statistic: Printed | None = None
    """Z, or t where there are degrees of freedom; its sign does not count."""
    p: Printed | None = None
    q: Printed | None = None
    q_df: int | None = None
    q_p: Printed | None = None
    i2: Printed | None = None
    """In percent."""
    tau2: Printed | None = None
    k: int | None = None
    """Number of studies: an upper bound of ``q_df`` + 1 where that is not printed."""
    scale: ScaleName | None = None
    """None where it is not known: then a contradiction has to be one on both."""
    level: float = 0.95
    df: float | None = None
    """Degrees of freedom of the interval and its P, where they are Student's."""
    i2_from_q: bool = True
    """Whether I² is (Q - df)/Q, not from another estimate of τ²."""
    tau2_from_q: bool = False
    """Whether τ² is DerSimonian and Laird's from the Q that is printed."""
    names: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Columns that the numbers stand in, by the names of the fields."""

    def columns(self, *fields: str) -> tuple[str, ...]:
        """Name the columns of those of the fields that are printed."""
        return tuple(self.names.get(name, name) for name in fields if getattr(self, name) is not None)


def short(value: float) -> str:
    """Show a bound with four significant digits."""
    return f"{value:.4g}"


def between(ranges: list[tuple[float, float]]) -> str:
    """Say between which bounds something lies, of several possible pairs."""
    pairs = dict.fromkeys((short(low), short(high)) for low, high in ranges)
    if len(pairs) > 3:  # noqa: PLR2004 - as many as can be read
        least, most = min(low for low, _ in ranges), max(high for _, high in ranges)
        return f"between {short(least)} and {short(most)}"
    return " or ".join(f"of {low}" if low == high else f"between {low} and {high}" for low, high in pairs)


def interval_words(result: PrintedResult) -> str:
    """Show estimate and limits."""
    shown = f"limits {result.ci_low} to {result.ci_high}"
    return shown if result.estimate is None else f"estimate {result.estimate} and {shown}"


def heterogeneity_words(result: PrintedResult) -> str:
    """Show what is printed of heterogeneity."""
    parts: list[str] = []
    if result.q is not None:
        parts.append(f"Chi² {result.q}")
    if result.q_df is not None:
        parts.append(f"df {result.q_df}")
    elif result.k is not None:
        parts.append(f"at most {result.k} studies")
    if result.i2 is not None:
        parts.append(f"I² {result.i2}")
    return ", ".join(parts)


def named_test(result: PrintedResult) -> str:
    """Name the test that was reckoned with."""
    named = "normal test" if result.df is None else f"Student's t with {result.df:g} df"
    scale = {"log": ", on the log scale", "linear": "", None: ", on either scale"}[result.scale]
    return f"{named}{scale}, {100.0 * result.level:g} % limits"
