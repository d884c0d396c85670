"""See whether whole numbers can have the mean, standard deviation or percentage that is printed.

The sum of n whole numbers is whole, so that their mean is a multiple of 1/n (GRIM), and so is the sum of their squares,
which is even where the sum is (GRIMMER). Numbers between a and b with mean m have a standard deviation of at most
√((m - a)(b - m)·n/(n - 1)). Sources: Brown & Heathers (2017), Soc. Psychol. Personal. Sci. 8:363-369; Anaya (2016),
PeerJ Preprints 4:e2400v1; Heathers & Brown (2019), DEBIT, OSF 5vb3u; Bhatia & Davis (2000), Am. Math. Mon. 107:353-357.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import attrs

from evisynth.consistency.findings import Rule
from evisynth.consistency.printed_numbers import fractions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth.consistency.findings import Ledger
    from evisynth.consistency.printed_numbers import Printed

GRIM = Rule("mean of whole numbers", "Brown & Heathers (2017), Soc. Psychol. Personal. Sci. 8:363-369 (GRIM)")
GRIMMER = Rule("SD of whole numbers", "Anaya (2016), PeerJ Preprints 4:e2400v1 (GRIMMER)")
BOUNDED_MEAN = Rule("mean within its scale", "Brown & Heathers (2017), Soc. Psychol. Personal. Sci. 8:363-369")
BOUNDED_SD = Rule("SD within its scale", "Bhatia & Davis (2000), Am. Math. Mon. 107:353-357")
PERCENT = Rule("percentage of participants", "Heathers & Brown (2019), DEBIT, OSF 5vb3u; Brown & Heathers (2017)")

BOUND = "not a number is printed, but a bound"
MOST_SUMS = 1000
"""Sums that are gone through for one mean; where more are possible, the mean says too little to contradict an SD."""


@attrs.frozen(kw_only=True)
class PrintedMean:
    """Hold a mean as printed, with what is printed or said of the responses."""

    mean: Printed
    n: int
    """Participants, at least 1."""
    sd: Printed | None = None
    whole: bool = False
    """Whether each response is a whole number, or the mean of ``items`` such."""
    items: int = 1
    lowest: float | None = None
    highest: float | None = None
    columns: tuple[str, str] = ("mean", "sd")


def sums(printed: Printed, n: int, items: int = 1) -> range:
    """Give the whole sums of ``n * items`` responses whose mean prints so; none contradicts a mean of whole numbers."""
    low, high = fractions(printed)
    size = n * items
    return range(math.ceil(low * size), math.floor(high * size) + 1)


def has_squares(total: int, sd: Printed, n: int, items: int = 1) -> bool:
    """Whether n whole numbers that sum to ``total`` can have that standard deviation (of the numbers over ``items``).

    The sum of squares is whole, has the parity of the sum, and is least where the numbers differ by 1 at most.
    """
    low, high = fractions(sd)
    if high < 0:
        return False
    about = Fraction(total * total, n)
    spread = (n - 1) * items * items
    share, rest = divmod(total, n)
    least = max(math.ceil(max(low, Fraction(0)) ** 2 * spread + about), rest * (share + 1) ** 2 + (n - rest) * share**2)
    most = math.floor(high**2 * spread + about)
    # The first of the right parity.
    return least + (least - total) % 2 <= most


def largest_sd(mean: Printed, n: int, lowest: float, highest: float) -> float:
    """Give the largest sample standard deviation of n numbers within bounds whose mean prints so."""
    # The product is largest in the middle of the scale, or as near to it as the mean may be.
    nearest = min(max(0.5 * (lowest + highest), mean.low), mean.high)
    return math.sqrt(max((nearest - lowest) * (highest - nearest), 0.0) * n / (n - 1))


def check_mean(given: PrintedMean, ledger: Ledger) -> None:
    """Apply what the responses being whole, or bounded, allows."""
    if not _finite(given.mean):
        ledger.skipped(GRIM, BOUND)
        return
    if given.sd is not None and not _finite(given.sd):
        ledger.skipped(GRIMMER, BOUND)
        given = attrs.evolve(given, sd=None)
    for message, reasoning, rule, columns in (*_whole(given, ledger), *_bounded(given, ledger)):
        ledger.found(rule, message, reasoning, columns=columns)


def _finite(printed: Printed) -> bool:
    return math.isfinite(printed.low) and math.isfinite(printed.high)


def _whole(given: PrintedMean, ledger: Ledger) -> Iterator[tuple[str, str, Rule, tuple[str, ...]]]:
    if not given.whole:
        return
    mean, n, size = given.mean, given.n, given.n * given.items
    of = f"{n} whole numbers" if given.items == 1 else f"{n} means of {given.items} whole numbers"
    if given.mean.high - given.mean.low >= 1.0 / size:
        ledger.skipped(GRIM, "so many participants for the decimals printed that every mean is possible")
    else:
        ledger.applied(GRIM)
    possible = sums(mean, n, given.items)
    if not possible:
        below, above = math.floor(fractions(mean)[0] * size), math.ceil(fractions(mean)[1] * size)
        reasoning = (
            f"{of} have means of {below / size:.6g} ({below}/{size}) or {above / size:.6g} ({above}/{size}) there"
        )
        yield f"mean {mean} of {n}", reasoning, GRIM, given.columns[:1]
        return
    if given.sd is None or n < 2:  # noqa: PLR2004 - one response has no spread
        return
    if possible.stop - possible.start > MOST_SUMS:
        ledger.skipped(GRIMMER, "so many sums have the mean printed that it says nothing of the SD")
        return
    ledger.applied(GRIMMER)
    if not any(has_squares(total, given.sd, n, given.items) for total in possible):
        shown = ", ".join(map(str, possible[:3])) + (" …" if len(possible) > 3 else "")  # noqa: PLR2004 - a readable line
        reasoning = f"{of} that sum to {shown} have no sum of squares, whole and of that parity, with this SD"
        yield f"SD {given.sd} with mean {mean} of {n}", reasoning, GRIMMER, given.columns


def _bounded(given: PrintedMean, ledger: Ledger) -> Iterator[tuple[str, str, Rule, tuple[str, ...]]]:
    lowest, highest, mean = given.lowest, given.highest, given.mean
    if lowest is None or highest is None:
        return
    ledger.applied(BOUNDED_MEAN)
    if mean.high < lowest or mean.low > highest:
        yield f"mean {mean}", f"the scale goes from {lowest:g} to {highest:g}", BOUNDED_MEAN, given.columns[:1]
        return
    if given.sd is None or given.n < 2:  # noqa: PLR2004 - one response has no spread
        return
    ledger.applied(BOUNDED_SD)
    most = largest_sd(mean, given.n, lowest, highest)
    if given.sd.low > most * (1.0 + 1e-12):
        reasoning = (
            f"{given.n} responses from {lowest:g} to {highest:g} with this mean have an SD of at most {most:.4g}"
        )
        yield f"SD {given.sd} with mean {mean} of {given.n}", reasoning, BOUNDED_SD, given.columns


def check_percent(
    percent: Printed, n: int, events: float | None, ledger: Ledger, columns: tuple[str, ...] = ("percent",)
) -> None:
    """Compare a percentage with whole numbers of participants, or with the events printed beside it."""
    if not _finite(percent):
        ledger.skipped(PERCENT, BOUND)
        return
    ledger.applied(PERCENT)
    if events is not None:
        share = 100.0 * events / n
        if not percent.meets(share, share):
            ledger.found(
                PERCENT, f"{percent} with {events:g} of {n}", f"{events:g} of {n} are {share:.4g} %", columns=columns
            )
        return
    low, high = (end * n / 100 for end in fractions(percent))
    if math.ceil(low) > math.floor(high):
        below, above = math.floor(low), math.ceil(high)
        reasoning = f"{below} of {n} are {100 * below / n:.4g} %, {above} are {100 * above / n:.4g} %"
        ledger.found(PERCENT, f"{percent} of {n} participants", reasoning, columns=columns)
    elif low > n or high < 0:
        ledger.found(PERCENT, f"{percent} of {n} participants", "a percentage lies between 0 and 100", columns=columns)
