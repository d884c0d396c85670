"""Keep the names that RevMan 5's files have for what a review holds; reader and writer go by the same ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = "COCHRANE_REVIEW"
PROGRAM = "Deeks & Higgins (2010), Statistical algorithms in Review Manager 5"

DATA_TYPES: Mapping[str, Any] = {
    "DICH": "dichotomous",
    "CONT": "continuous",
    "IV": "generic",
    "IPD": "o-e",
    "OTHER": "other",
}
METHODS: Mapping[str, str] = {"MH": "MH", "IV": "IV", "PETO": "Peto"}
MEASURES: Mapping[str, str] = {"OR": "OR", "RR": "RR", "RD": "RD", "PETO_OR": "PETO", "MD": "MD", "SMD": "SMD"}
TOTALS: Mapping[str, Any] = {"YES": "overall", "SUB": "subgroups", "NO": "none"}
SORT_BY: Mapping[str, Any] = {
    "STUDY": "study",
    "YEAR": "year",
    "WEIGHT": "weight",
    "EFFECT_SIZE": "effect",
    "USER": "user",
}
STATUSES: Mapping[str, Any] = {
    "INCLUDED_STUDIES": "included",
    "EXCLUDED_STUDIES": "excluded",
    "AWAITING_STUDIES": "awaiting",
    "ONGOING_STUDIES": "ongoing",
}
CHARACTERISTICS: Mapping[str, str] = {
    "INCLUDED_CHAR": "included",
    "EXCLUDED_CHAR": "excluded",
    "AWAITING_CHAR": "awaiting",
    "ONGOING_CHAR": "ongoing",
}
JUDGEMENTS: Mapping[str, str] = {"YES": "low", "NO": "high", "UNKNOWN": "unclear"}
REFERENCE_FIELDS: Mapping[str, str] = {
    "AU": "authors",
    "TI": "title",
    "TO": "original_title",
    "SO": "source",
    "YR": "year",
    "VL": "volume",
    "NO": "issue",
    "PG": "pages",
    "ED": "editors",
    "EN": "edition",
    "PB": "publisher",
    "CY": "city",
    "MD": "medium",
}
LABELS: Mapping[str, str] = {
    "GROUP_LABEL_1": "group_1",
    "GROUP_LABEL_2": "group_2",
    "GRAPH_LABEL_1": "favours_1",
    "GRAPH_LABEL_2": "favours_2",
}

ROW_DATA: Mapping[str, Mapping[str, str]] = {
    "dichotomous": {"EVENTS_1": "events_1", "TOTAL_1": "n_1", "EVENTS_2": "events_2", "TOTAL_2": "n_2"},
    "continuous": {
        "MEAN_1": "mean_1",
        "SD_1": "sd_1",
        "TOTAL_1": "n_1",
        "MEAN_2": "mean_2",
        "SD_2": "sd_2",
        "TOTAL_2": "n_2",
    },
    "generic": {"ESTIMATE": "yi", "SE": "sei", "TOTAL_1": "n_1", "TOTAL_2": "n_2"},
    "o-e": {
        "EVENTS_1": "events_1",
        "TOTAL_1": "n_1",
        "EVENTS_2": "events_2",
        "TOTAL_2": "n_2",
        "O_E": "o_e",
        "VAR": "o_e_variance",
    },
    "other": {},
}
_EFFECT: Mapping[str, str] = {
    "EFFECT_SIZE": "display",
    "CI_START": "display_ci_low",
    "CI_END": "display_ci_high",
    "LOG_EFFECT_SIZE": "log10_display",
    "LOG_CI_START": "log10_display_ci_low",
    "LOG_CI_END": "log10_display_ci_high",
    "WEIGHT": "weight",
}
ROW_STORED: Mapping[str, str] = {**_EFFECT, "SE": "se", "O_E": "o_e", "VAR": "vi"}
"""``VAR`` is the variance V of O - E where O - E is stored (Peto), and that of the effect elsewhere."""
SUBGROUP_STORED: Mapping[str, str] = {
    **_EFFECT,
    "CHI2": "q",
    "DF": "q_df",
    "P_CHI2": "q_p_value",
    "I2": "i2",
    "TAU2": "tau2",
    "Z": "statistic",
    "P_Z": "p_value",
    "STUDIES": "studies",
    "EVENTS_1": "events_1",
    "TOTAL_1": "n_1",
    "EVENTS_2": "events_2",
    "TOTAL_2": "n_2",
}
OUTCOME_STORED: Mapping[str, str] = {
    **SUBGROUP_STORED,
    "Q": "subgroup_q",
    "P_Q": "subgroup_q_p_value",
    "I2_Q": "subgroup_i2",
}

WHOLE = frozenset({"EVENTS_1", "EVENTS_2", "TOTAL_1", "TOTAL_2", "DF", "STUDIES", "ORDER"})
"""Attributes that are written without a decimal point where they are whole."""

BLANK: Mapping[str, str] = {
    ROOT: '<COCHRANE_REVIEW DESCRIPTION="" GROUP_ID="" REVMAN_VERSION="5" STAGE="R" STATUS="A" TYPE="INTERVENTION" '
    'VERSION_NO="0.0" />',
    "COVER_SHEET": "<COVER_SHEET><TITLE /></COVER_SHEET>",
    "MAIN_TEXT": "<MAIN_TEXT />",
    "STUDIES_AND_REFERENCES": "<STUDIES_AND_REFERENCES><OTHER_REFERENCES><ADDITIONAL_REFERENCES />"
    "<OTHER_VERSIONS_REFERENCES /><PENDING_REFERENCES /></OTHER_REFERENCES></STUDIES_AND_REFERENCES>",
    "CHARACTERISTICS_OF_STUDIES": "<CHARACTERISTICS_OF_STUDIES>"
    + "".join(
        f'<CHARACTERISTICS_OF_{status.upper()}_STUDIES SORT_BY="STUDY"><FOOTNOTES />'
        f"</CHARACTERISTICS_OF_{status.upper()}_STUDIES>"
        for status in STATUSES.values()
    )
    + "</CHARACTERISTICS_OF_STUDIES>",
    "QUALITY_ITEMS": "<QUALITY_ITEMS />",
    "SOF_TABLES": "<SOF_TABLES />",
    "ADDITIONAL_TABLES": "<ADDITIONAL_TABLES />",
    "ANALYSES_AND_DATA": "<ANALYSES_AND_DATA />",
    "FIGURES": "<FIGURES />",
    "FEEDBACK": "<FEEDBACK />",
    "APPENDICES": "<APPENDICES />",
    "EXTENSIONS": "<EXTENSIONS />",
}
"""The root and its children, in their order, as they are where a review holds nothing for them."""

_STUDY = "STD-"
_ESCAPE = re.compile(r"_x([0-9a-f]{4,6})_")


def study_id(given: str) -> str:
    """Take the id of a study from the file's: without its prefix and escapes where `study_token` gives it again."""
    plain = _ESCAPE.sub(
        lambda found: chr(min(int(found[1], 16), 0x10FFFF)), given.removeprefix(_STUDY).replace("-", " ")
    )
    return plain if given.startswith(_STUDY) and _token(plain) == given else given


def study_token(identity: str) -> str:
    """Write the id of a study as the file has it: ``STD-``, hyphens for spaces, ``_xHHHH_`` for other characters."""
    return identity if identity.startswith(_STUDY) and study_id(identity) == identity else _token(identity)


def _token(identity: str) -> str:
    letters = (
        "-" if letter == " " else letter if letter.isascii() and letter.isalnum() else f"_x{ord(letter):04x}_"
        for letter in identity
    )
    return _STUDY + "".join(letters)


def place_id(*numbers: int) -> str:
    """Give the id that comparison, outcome and subgroup have by their numbers: ``CMP-001.02.01``."""
    first, *rest = numbers
    return ".".join((f"CMP-{first:03d}", *(f"{number:02d}" for number in rest)))
