"""Check the numbers stored (or printed) for a pooled result against those of its studies.

Every pooled effect of the inverse-variance, Mantel-Haenszel and Peto methods is a mean of the studies' with positive
weights, so that it lies between the smallest and the largest; common-effect inverse variances add up, so that its
standard error is at most that of the most precise study. Sources: Cochrane Handbook 6.4, §10.3 and §10.4; Deeks &
Higgins (2010), Statistical algorithms in Review Manager 5.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evisynth.consistency.findings import Rule
from evisynth.consistency.intervals import bounds_of, quantile
from evisynth.consistency.printed_numbers import stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth.consistency.findings import Ledger
    from evisynth.consistency.intervals import ScaleName
    from evisynth.consistency.printed_numbers import Printed
    from evisynth.reviews.model import ReviewOutcome, ReviewRow, StoredResults

ALGORITHMS = "Deeks & Higgins (2010), Statistical algorithms in Review Manager 5"
WEIGHTS = Rule("weights add up to 100 %", ALGORITHMS)
AMID = Rule("pooled effect amid the studies'", ALGORITHMS)
PRECISION = Rule("pooled SE at most the smallest", ALGORITHMS)
TOTALS = Rule("totals are the rows' sums", ALGORITHMS)

WHOLE = 100.0
SCALE_OF: Mapping[str, ScaleName] = {"OR": "log", "RR": "log", "PETO": "log", "RD": "linear"}
_MOST_DIGITS = 1e-6


def scale_of(outcome: ReviewOutcome) -> ScaleName | None:
    """Give the scale that an outcome's effects are shown on; None where the file leaves it open."""
    if outcome.data_type == "generic" or outcome.measure == "GEN":
        return "log" if outcome.log_data else "linear"
    if outcome.data_type == "o-e" or outcome.measure == "O-E":
        return "log"
    if outcome.data_type == "continuous":
        return SCALE_OF.get(outcome.measure or "", "linear")
    return SCALE_OF.get(outcome.measure or "")


def check_pooled(
    outcome: ReviewOutcome,
    node: StoredResults,
    rows: Sequence[ReviewRow],
    decimals: int | None,
    ledger: Ledger,
    *,
    weighted: bool,
) -> None:
    """Check one pooled result (of the outcome or a subgroup) against the rows that are pooled in it."""
    if weighted:
        _check_weights(rows, decimals, ledger)
    if node.empty or node.estimable is False:
        return
    _check_totals(outcome, node, rows, decimals, ledger)
    estimable = [row for row in rows if row.stored.estimable is not False and not row.stored.empty]
    if not estimable or not all("display" in row.stored.numbers for row in estimable):
        ledger.skipped(AMID, "no effects of the studies are stored")
        return
    _check_amid(node, estimable, decimals, ledger)
    _check_precision(outcome, node, estimable, decimals, ledger)


def _check_weights(rows: Sequence[ReviewRow], decimals: int | None, ledger: Ledger) -> None:
    weights = [row.stored.numbers.get("weight", 0.0) for row in rows]
    if not any(weights):
        ledger.skipped(WEIGHTS, "no weights are stored")
        return
    ledger.applied(WEIGHTS)
    total = math.fsum(weights)
    half = _MOST_DIGITS * WHOLE if decimals is None else 0.5 * 10.0**-decimals * len(weights) + 1e-9
    if abs(total - WHOLE) > half:
        ledger.found(
            WEIGHTS,
            f"weights of {len(weights)} rows add up to {total:.6g} %",
            f"they add up to 100 %, within {half:.2g} by rounding",
            columns=("weight",),
        )


def _check_totals(
    outcome: ReviewOutcome, node: StoredResults, rows: Sequence[ReviewRow], decimals: int | None, ledger: Ledger
) -> None:
    for column in ("n_1", "n_2", "events_1", "events_2"):
        total = node.numbers.get(column, 0.0)
        parts = [row.data.get(column) for row in rows]
        # Events of the other kind are stored where they are exchanged.
        if not total or None in parts or (outcome.swap_events and column.startswith("events")):
            continue
        ledger.applied(TOTALS)
        made = math.fsum(part for part in parts if part is not None)
        # Shared groups are entered in fractions, whose sum a program may round.
        half = 0.5 if not made.is_integer() else _MOST_DIGITS * made if decimals is None else 0.5 * 10.0**-decimals
        if abs(total - made) > half:
            ledger.found(TOTALS, f"total {column} is {total:g}", f"the rows add up to {made:g}", columns=(column,))
    studies = node.numbers.get("studies", 0.0)
    if studies:
        ledger.applied(TOTALS)
        distinct = len({row.study for row in rows})
        if studies != distinct:
            ledger.found(TOTALS, f"{studies:g} studies", f"there are rows of {distinct}", columns=("studies",))


def _check_amid(node: StoredResults, rows: Sequence[ReviewRow], decimals: int | None, ledger: Ledger) -> None:
    if "display" not in node.numbers:
        return
    ledger.applied(AMID)
    pooled = stored(node.numbers["display"], decimals)
    effects = [stored(row.stored.numbers["display"], decimals) for row in rows]
    least, most = min(effects, key=lambda e: e.low), max(effects, key=lambda e: e.high)
    if not pooled.meets(least.low, most.high):
        ledger.found(
            AMID,
            f"pooled effect {pooled}",
            f"a weighted mean of {len(rows)} effects from {least} to {most} lies between them",
            columns=("display",),
        )


def _check_precision(
    outcome: ReviewOutcome, node: StoredResults, rows: Sequence[ReviewRow], decimals: int | None, ledger: Ledger
) -> None:
    scale = scale_of(outcome)
    if outcome.model != "common" or scale is None:
        return
    if outcome.method == "MH":
        ledger.skipped(PRECISION, "Mantel-Haenszel weights are not those of the smallest variance")
        return
    pooled = _se(node, decimals, scale, outcome.level)
    ses = [_se(row.stored, decimals, scale, outcome.study_level) for row in rows]
    if pooled is None or not all(ses):
        ledger.skipped(PRECISION, "limits are not stored")
        return
    ledger.applied(PRECISION)
    smallest = min(pair[1] for pair in ses if pair is not None)
    if pooled[0] > smallest * (1.0 + _MOST_DIGITS):
        ledger.found(
            PRECISION,
            f"the pooled standard error is at least {pooled[0]:.4g}, the smallest of a study at most {smallest:.4g}",
            "under a common effect inverse variances add up",
            columns=("display_ci_low", "display_ci_high"),
        )


def _se(node: StoredResults, decimals: int | None, scale: ScaleName, level: float) -> tuple[float, float] | None:
    """Bound a standard error by what is stored of it, or else by the limits."""
    numbers = node.numbers
    if numbers.get("se"):
        se: Printed = stored(numbers["se"], decimals)
        return se.low, se.high
    if "display_ci_low" not in numbers or "display_ci_high" not in numbers:
        return None
    low, high = stored(numbers["display_ci_low"], decimals), stored(numbers["display_ci_high"], decimals)
    if low.low > high.high or (scale == "log" and high.high <= 0.0):
        return None
    half_width = bounds_of(None, low, high, scale).half_width
    return half_width[0] / quantile(level, None), half_width[1] / quantile(level, None)
