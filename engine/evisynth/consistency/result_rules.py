"""Go through every rule on one printed result, and tell which test a P belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth.consistency.effect_rules import (
    check_effect_p,
    check_p_and_statistic,
    check_statistic,
    check_width,
    possible_scales,
)
from evisynth.consistency.findings import Ledger
from evisynth.consistency.heterogeneity_rules import check_i2, check_q_p, check_tau2, fits_heterogeneity
from evisynth.consistency.intervals import fits_effect

if TYPE_CHECKING:
    from evisynth.consistency.printed_numbers import Printed
    from evisynth.consistency.printed_results import PrintedResult


def check_result(result: PrintedResult, ledger: Ledger) -> None:
    """Go through every rule that the printed numbers allow."""
    of_scales = possible_scales(result, ledger)
    check_width(result, of_scales, ledger)
    check_statistic(result, of_scales, ledger)
    check_p_and_statistic(result, ledger)
    check_effect_p(result, of_scales, ledger)
    check_i2(result, ledger)
    check_q_p(result, of_scales, ledger)
    check_tau2(result, ledger)


def tests_of(result: PrintedResult, p: Printed) -> tuple[str, ...]:
    """Tell which tests a P can be of, by the numbers printed beside it: ``effect``, ``heterogeneity``, both or none."""
    of_scales = possible_scales(result, Ledger())
    return (
        *(("effect",) if fits_effect(p, of_scales, result) else ()),
        *(("heterogeneity",) if fits_heterogeneity(result, p) else ()),
    )
