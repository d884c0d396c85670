"""Find the columns of a table that a check reads, and read their cells as printed."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import attrs

from evisynth.columns import find_roles, fold
from evisynth.consistency.findings import Rule
from evisynth.consistency.printed_numbers import Printed, printed_double, read_printed
from evisynth.errors import DataError
from evisynth.tables import text_cell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.consistency.findings import Ledger
    from evisynth.sources import Table

PRINTED = Rule("printed numbers", "Moore, Kearfott & Cloud (2009), Introduction to Interval Analysis")
RATIOS = ("rr", "or", "hr", "irr", "risk_ratio", "odds_ratio", "hazard_ratio", "rate_ratio", "peto_or", "ratio")
DIFFERENCES = ("rd", "md", "smd", "wmd", "risk_difference", "mean_difference", "standardised_mean_difference")
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "estimate": (
        *("estimate", "est", "effect", "effect_size", "effect_estimate", "pooled", "display", "yi", "te"),
        *RATIOS,
        *DIFFERENCES,
    ),
    "ci_low": ("ci_low", "ci_lb", "lower", "lower_ci", "ci_start", "ci_lower", "lcl", "display_ci_low"),
    "ci_high": ("ci_high", "ci_ub", "upper", "upper_ci", "ci_end", "ci_upper", "ucl", "display_ci_high"),
    "interval": ("ci", "95_ci", "ci_95", "confidence_interval", "95_confidence_interval"),
    "se": ("se", "sei", "standard_error"),
    "statistic": ("z", "z_value", "zval", "z_statistic", "statistic"),
    "p": ("p", "p_value", "pval", "p_z", "p_effect", "p_overall"),
    "q": ("q", "chi2", "chi_2", "chi_squared", "chi_square", "cochran_q", "cochrans_q"),
    "q_df": ("q_df", "df", "df_q"),
    "q_p": ("q_p_value", "p_q", "p_chi2", "p_het", "phet", "p_heterogeneity", "p_for_heterogeneity"),
    "i2": ("i2", "i_2", "i_squared", "isq", "i2_q"),
    "tau2": ("tau2", "tau_2", "tau_squared"),
    "k": ("k", "studies", "n_studies", "number_of_studies"),
    "measure": ("measure", "effect_measure"),
}
"""Headings that printed results stand under; superscripts and Greek letters are taken for their plain forms."""
PERCENTAGES: Mapping[str, tuple[str, ...]] = {
    f"percent{arm}": (f"percent{arm}", f"pct{arm}", f"percentage{arm}") for arm in ("", "_1", "_2")
}
RANDOMISED_HEADINGS: Mapping[str, tuple[str, ...]] = {
    f"n{arm}": (f"randomised{arm}", f"randomized{arm}", f"n_randomised{arm}", f"n_randomized{arm}")
    for arm in ("", "_1", "_2")
}
_GREEK = str.maketrans({"τ": "tau", "χ": "chi", "Τ": "tau", "Χ": "chi", "%": " "})
MOST_WHOLE = 2.0**53


def plain(heading: str) -> str:
    """Reduce a heading to what is compared: ``I²`` is ``i2``, ``Chi²`` ``chi2``, ``P (het)`` ``p_het``."""
    return fold(unicodedata.normalize("NFKD", heading.translate(_GREEK)))


@attrs.frozen(kw_only=True)
class Columns:
    """Find the columns of a table that a check reads, and read its cells."""

    table: Table
    headings: Mapping[str, str]
    """Heading by what stands under it: fields of `PrintedResult`, and canonical names of study data."""

    def printed(self, name: str, row: int, ledger: Ledger) -> Printed | None:
        """Read a cell as printed; None where there is none, or no number, which is written down."""
        heading = self.headings.get(name)
        if heading is None:
            return None
        value = self.table.columns[heading][row]
        if isinstance(value, str):
            try:
                return read_printed(value, decimal_comma=self.table.decimal_comma)
            except DataError:
                ledger.skipped(PRINTED, f"a cell of {heading!r} is not a number")
                return None
        try:
            return None if value is None or isinstance(value, bool) else printed_double(float(value))
        except (TypeError, ValueError, OverflowError):
            return None

    def whole(self, name: str, row: int, ledger: Ledger) -> int | None:
        """Read a cell as a whole number; None where it is none."""
        number = self.printed(name, row, ledger)
        if number is None:
            return None
        middle = 0.5 * (number.low + number.high)
        if not abs(middle) < MOST_WHOLE:
            return None  # beyond counting, or only a bound
        return round(middle) if number.low <= round(middle) <= number.high else None

    def text(self, name: str, row: int) -> str | None:
        """Read a cell as a text."""
        heading = self.headings.get(name)
        return None if heading is None else text_cell(self.table.columns[heading][row])


def columns_of(table: Table, roles: Mapping[str, str]) -> Columns:
    """Match the headings of a table with what a check reads; ``roles`` take precedence."""
    headings: dict[str, str] = {}
    plainly: dict[str, str] = {}
    for heading in table.columns:
        plainly.setdefault(plain(heading), heading)
    known = {**HEADINGS, **PERCENTAGES, **{f"randomised {n}": names for n, names in RANDOMISED_HEADINGS.items()}}
    for name, synonyms in known.items():
        found = next((plainly[synonym] for synonym in synonyms if synonym in plainly), None)
        if found is not None:
            headings[name] = found
    for name, heading in find_roles(table.columns).items():
        headings.setdefault(name, heading)
    for name in ("outcome", "comparison"):
        if name in plainly:
            headings.setdefault(name, plainly[name])
    taken = {name: heading for name, heading in roles.items() if heading in table.columns}
    if "p_value" in taken:
        taken["p"] = taken["p_value"]
    return Columns(table=table, headings={**headings, **taken})
