"""Ask the guard rails (hook `checks`) about studies, as a fit does: SEs entered as SDs, arms or signs swapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth.consistency.findings import Rule
from evisynth.errors import EvisynthError
from evisynth.fitting import fit
from evisynth.guarding import findings
from evisynth.records import Check
from evisynth.studies import Studies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth.consistency.findings import Ledger
    from evisynth.consistency.trials import OutcomeRows
    from evisynth.registry import Registry
    from evisynth.reviews.model import ReviewOutcome

GUARDS = Rule("guard rails", "the checks of the plugins: `evisynth methods --kind Check`")
BY_TYPE = {"dichotomous": "OR", "continuous": "MD", "generic": "GEN", "o-e": "O-E"}
BY_COLUMN = {"events_1": "OR", "mean_1": "MD", "yi": "GEN", "o_e": "O-E"}


def check_guard_rails(outcome: ReviewOutcome, rows: OutcomeRows, registry: Registry, ledger: Ledger) -> None:
    """Ask about the rows of a review's outcome."""
    if not rows.rows:
        return
    names = dict.fromkeys(name for row in rows.rows for name in row.data)
    columns = {name: np.array([row.data.get(name, np.nan) for row in rows.rows]) for name in names}
    words = {"scale": "log" if outcome.log_data else "linear"} if outcome.data_type == "generic" else {}
    try:
        studies = Studies(columns=columns, study=tuple(row.label for row in rows.rows))
    except EvisynthError:
        ledger.skipped(GUARDS, "the rows hold values that cannot be used")
        return
    ledgers = [ledger.at(place=row.place, study=row.label) for row in rows.rows]
    check_studies(studies, outcome.measure or BY_TYPE.get(outcome.data_type), registry, ledgers, **words)


def check_studies(
    studies: Studies, measure: str | None, registry: Registry, ledgers: Sequence[Ledger], **words: str
) -> None:
    """Ask about a table of studies, with a ledger for each row.

    ``measure`` is the one that the columns are made for, where it is not given. Printed limits alone are the matter of
    other rules, which know their digits.
    """
    if not ledgers:
        return
    ledger = ledgers[0]
    measure = measure or next((name for column, name in BY_COLUMN.items() if column in studies.columns), None)
    if measure is None:
        ledger.skipped(GUARDS, "the columns are not those of an effect measure")
        return
    try:
        analysis = fit(studies, measure, settings="revman5", registry=registry, **words)
    except EvisynthError as error:
        ledger.skipped(GUARDS, f"no effects can be made of it: {str(error).splitlines()[0]}")
        return
    for record in registry.all(Check):
        rule = Rule(record.name, record.reference)
        masks = findings(analysis, record)
        # A check that is about other columns or measures returns none.
        if masks:
            ledger.applied(rule)
        for mask, message in masks:
            for row in np.nonzero(mask)[0].tolist():
                ledgers[row].found(rule, message, "a guard rail of every fit asks so", suspicious=True)
