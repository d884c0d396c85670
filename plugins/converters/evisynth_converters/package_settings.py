"""Read and write the settings of a package's analyses, with their pooled results.

Columns changed in September 2024: those for the estimator of τ², its limits, the method of confidence limits and
prediction limits came then, one level of confidence for two, and the graph's labels. They are taken by name, whichever
are there. Other columns stay as the outcome's text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from evisynth import FormatError, ReviewOutcome
from evisynth_converters.review_cells import flag_cell, number_cell, number_of, percent_cell, text_cell
from evisynth_converters.review_sheets import (
    Record,
    Sheet,
    fold_heading,
    merged,
    own_cells,
    stored_cells,
    stored_results,
)
from evisynth_converters.revman_words import (
    DATA_TYPE_WORDS,
    DATA_TYPES,
    MEASURE_WORDS,
    METHODS,
    fold,
    is_ratio,
    measure_of,
    model_of,
    type_by_measure,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GROUP, NUMBER = "Analysis group", "Analysis number"

EFFECT = {"Mean": "display", "CI start": "display_ci_low", "CI end": "display_ci_high"}
_ARMS = {"Experimental cases": "events_1", "Experimental N": "n_1", "Control cases": "events_2", "Control N": "n_2"}
_HETEROGENEITY = {
    "Heterogeneity Tau²": "tau2",
    "Heterogeneity Chi²": "q",
    "Heterogeneity df": "q_df",
    "Heterogeneity P": "q_p_value",
    "Heterogeneity I²": "i2",
    "Effect Z": "statistic",
    "Effect P": "p_value",
}
OF_SUBGROUPS = {**_ARMS, "Weight": "weight", **EFFECT, **_HETEROGENEITY}
_OF_OUTCOMES = {
    **_ARMS,
    **EFFECT,
    "PI start": "display_prediction_low",
    "PI end": "display_prediction_high",
    "Tau² CI start": "tau2_ci_low",
    "Tau² CI end": "tau2_ci_high",
    **_HETEROGENEITY,
    "Subgroup Chi²": "subgroup_q",
    "Subgroup df": "subgroup_q_df",
    "Subgroup P": "subgroup_q_p_value",
    "Subgroup I²": "subgroup_i2",
}
COUNTS = frozenset({"events_1", "n_1", "events_2", "n_2", "q_df", "subgroup_q_df"})
NEW_COLUMNS = ("Heterogeneity estimator", "CI method")
"""What only packages of the present RevMan state."""

STANDARD = (
    *(GROUP, NUMBER, "Analysis name", "Analysis group name", "Data source", "Data source eligibility", "Data type"),
    *("Log-scale data", "Outcome", "Intervention grouping", "Experimental intervention", "Control intervention"),
    *("Subgroup by", "Filter criteria", "Experimental group label", "Control group label", "Statistical method"),
    *("Effect measure", "Unit of effect measure", "Analysis model", "Heterogeneity estimator", "Tau² CI"),
    *("Subgroup estimates", "Overall estimates", "Test for subgroup differences", "Prediction interval"),
    *("Swap event and non-event", "CI method", "Study CI", "Estimate CI", "Sort by", "Graph label (left)"),
    *("Graph label (right)", "Graph scale", *_OF_OUTCOMES, "ID"),
)
_KEPT = frozenset(
    {
        *("Data source", "Data source eligibility", "Outcome", "Intervention grouping", "Experimental intervention"),
        *("Control intervention", "Subgroup by", "Filter criteria"),
    }
)
"""Standard columns that say nothing of the analysis: they stay under their headings, and are written under them."""
_KNOWN = frozenset(map(fold_heading, (*STANDARD, "CI/PI level", "Effect T", "Analysis ID"))) - frozenset(
    map(fold_heading, _KEPT)
)
KNOWN_SETTINGS = _KNOWN | frozenset(map(fold_heading, _KEPT))

_ESTIMATORS = {
    **dict.fromkeys(("dl", "dersimonian-laird", "dersimonian and laird", "dersimonian laird"), "DL"),
    **dict.fromkeys(("reml", "restricted maximum likelihood", "restricted maximum-likelihood"), "REML"),
}
_TAU2_INTERVALS = {"qp": "QP", "q-profile": "QP", "q profile": "QP", "true": "QP", "false": None}
_INTERVALS = {"wald": "Wald", "wald-type": "Wald", "hksj": "HK", "hk": "HK"}
_SORTS = {
    **dict.fromkeys(("study", "study id", "name", "study name", "alphabetical"), "study"),
    **dict.fromkeys(("year", "study year", "year of study"), "year"),
    "weight": "weight",
    **dict.fromkeys(("effect", "effect size", "effect estimate", "mean"), "effect"),
    **dict.fromkeys(("user", "user defined", "user defined order", "user order", "custom", "custom order"), "user"),
}
_TOTALS = {"overall": (True, True), "subgroups": (False, True), "none": (False, False)}
_METHOD_WORDS = ("MH", "IV", "Peto")
_FIELDS = (
    *("method", "model", "measure", "effect_label", "log_data", "level", "study_level", "totals", "subgroup_test"),
    *("swap_events", "sort_by", "group_1", "group_2", "favours_1", "favours_2", "units", "axis"),
)


def read_outcome(record: Record, notes: list[str]) -> ReviewOutcome:
    """Read one analysis, without its rows."""
    data_type = _data_type(record)
    text: dict[str, str] = {}
    standard = _standard(record, data_type, text)
    fields = merged(standard, _own_fields(record))
    words = merged(_words(record, text), record.own_values("words"))
    if text and not record.sheet.exact:
        notes += [
            f"{record.place}: {heading} {value!r} is not known, and kept as text" for heading, value in text.items()
        ]
    names = _OF_OUTCOMES if "Effect T" not in record.sheet or record.raw("Effect Z") else _with_t(_OF_OUTCOMES)
    stored = record.stored(names, counts=COUNTS)
    return ReviewOutcome(
        number=record.needed(NUMBER),
        name=record.text("Analysis name") or "",
        data_type=data_type,
        id=_or(record.text("ID"), record.text("Analysis ID")),
        words=words,
        stored=stored_results(record, stored),
        text=text | record.unknown(_KNOWN),
        **fields,
    )


def _own_fields(record: Record) -> dict[str, Any]:
    """Take evisynth's own columns for what the standard ones cannot hold; values of another kind are problems."""
    fields: dict[str, Any] = {}
    for name, value in record.own_values("field").items():
        if name in _FIELDS and _KINDS.get(name, _is_text)(value):
            fields[name] = value
        else:
            record.problem(f"field.{name}", None, "is no field of an outcome, or of another kind")
    return fields


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(("log_data", "subgroup_test", "swap_events"), _is_flag),
    **dict.fromkeys(("level", "study_level"), _is_number),
    "axis": lambda value: value is None or _is_number(value),
    "totals": lambda value: value in _TOTALS,
    "sort_by": lambda value: value in set(_SORTS.values()),
}


def write_outcome(outcome: ReviewOutcome, group: int, group_name: str, place: str) -> dict[str, str]:
    """Write one analysis as cells, so that `read_outcome` gives it again."""
    cells = {
        "place": place,
        GROUP: str(group),
        NUMBER: str(outcome.number),
        "Analysis name": text_cell(outcome.name) if outcome.name else "",
        "Analysis group name": text_cell(group_name) if group_name else "",
        "Data type": DATA_TYPE_WORDS[outcome.data_type],
        "ID": text_cell(outcome.id),
        **_setting_cells(outcome),
    }
    cells |= {heading: text_cell(value) for heading, value in outcome.text.items() if heading in _KEPT}
    as_read = as_record(cells)
    standard = _standard(as_read, outcome.data_type, {})
    wanted = {name: getattr(outcome, name) for name in _FIELDS}
    cells |= own_cells("field", wanted, {name: standard.get(name, _default(name)) for name in _FIELDS})
    cells |= own_cells("words", outcome.words, _words(as_read, {}))
    cells |= {f"text.{key}": text_cell(value) for key, value in outcome.text.items() if key not in _KEPT}
    return cells | stored_cells(outcome.stored, _OF_OUTCOMES, lambda made: as_record(made).stored(_OF_OUTCOMES))


def _default(name: str) -> Any:  # noqa: ANN401 - as the fields of the model
    return getattr(attrs.fields_dict(ReviewOutcome)[name], "default", None)


def as_record(cells: Mapping[str, str]) -> Record:
    """Take cells as a line that is read, to see what they say."""
    return Record(Sheet("", tuple(cells), exact=True), 0, 0, cells)


def _with_t(names: Mapping[str, str]) -> dict[str, str]:
    return {"Effect T" if name == "statistic" else heading: name for heading, name in names.items()}


def _data_type(record: Record) -> Any:  # noqa: ANN401 - the words of the model are its own type
    given = record.raw("Data type")
    found = DATA_TYPES.get(fold(given)) or type_by_measure(record.text("Effect measure"))
    if found is None:
        words = ", ".join(DATA_TYPE_WORDS.values())
        msg = f"{record.place}: the data type {given[:80]!r} is not known ({words} are)"
        raise FormatError(msg)
    return found


def _standard(record: Record, data_type: str, text: dict[str, str]) -> dict[str, Any]:
    """Read what the standard columns say; words that are not known go to ``text``."""
    label = record.text("Effect measure")
    measured = measure_of(label, data_type)
    fields: dict[str, Any] = {
        "measure": measured.measure,
        "effect_label": measured.label,
        "method": _known(record, "Statistical method", METHODS, text),
        "model": model_of(record.text("Analysis model")),
        # The flag stands for every ratio; of effects that are given it says on which scale they are.
        "log_data": data_type == "generic" and _or(record.flag("Log-scale data"), is_ratio(label)),
        "swap_events": bool(record.flag("Swap event and non-event")) or measured.swapped,
        "group_1": record.text("Experimental group label"),
        "group_2": record.text("Control group label"),
        "favours_1": record.text("Graph label (left)"),
        "favours_2": record.text("Graph label (right)"),
        "units": record.text("Unit of effect measure"),
        "axis": number_of(record.raw("Graph scale")),
        "sort_by": _known(record, "Sort by", _SORTS, text),
        "subgroup_test": record.flag("Test for subgroup differences"),
        "totals": _totals(record.flag("Overall estimates"), record.flag("Subgroup estimates")),
        "level": _or(record.share("Estimate CI"), record.share("CI/PI level")),
        "study_level": _or(record.share("Study CI"), record.share("CI/PI level")),
    }
    if record.raw("Graph scale") and fields["axis"] is None:
        text["Graph scale"] = record.raw("Graph scale")
    if record.text("Analysis model") and fields["model"] is None:
        text["Analysis model"] = record.text("Analysis model") or ""
    needed = {"sort_by", "subgroup_test", "totals", "level", "study_level"}
    return {name: value for name, value in fields.items() if value is not None or name not in needed}


def _or(first: Any, second: Any) -> Any:  # noqa: ANN401 - flags and numbers alike
    return second if first is None else first


def _totals(overall: bool | None, subgroups: bool | None) -> str | None:  # noqa: FBT001 - two cells
    if overall is None and subgroups is None:
        return None
    if overall is not False:
        return "overall"
    return "none" if subgroups is False else "subgroups"


def _known(record: Record, heading: str, words: Mapping[str, str], text: dict[str, str]) -> str | None:
    given = record.text(heading)
    found = words.get(fold(given or ""))
    if given and found is None:
        text[heading] = given
    return found


def _words(record: Record, text: dict[str, str]) -> dict[str, Any]:
    """Read the words that are settings of a fit: they are the estimators' and intervals' names in evisynth."""
    words: dict[str, Any] = {}
    for name, heading, known in (
        ("tau2", "Heterogeneity estimator", _ESTIMATORS),
        ("tau2_interval", "Tau² CI", _TAU2_INTERVALS),
        ("interval", "CI method", _INTERVALS),
    ):
        given = record.text(heading)
        if given is None:
            continue
        folded = fold(given)
        folded = "hk" if name == "interval" and folded.startswith("hartung") else folded
        if folded in known:
            words[name] = known[folded]
        else:
            text[heading] = given
    prediction = record.flag("Prediction interval")
    if prediction is not None:
        words["prediction"] = "by interval" if prediction else None
    return words


def _setting_cells(outcome: ReviewOutcome) -> dict[str, str]:
    overall, subgroups = _TOTALS[outcome.totals]
    given = outcome.data_type in {"generic", "o-e"}
    label = outcome.effect_label if given or outcome.measure is None else MEASURE_WORDS.get(outcome.measure)
    ratio = outcome.measure in {"OR", "RR", "PETO"}
    method = outcome.method if outcome.method in _METHOD_WORDS else None
    method = "EXP_O_E_VAR" if outcome.data_type == "o-e" and method == "Peto" else method
    models = {"common": "Fixed effect", "random": "Random effect"}
    prediction = {None: "false", "by interval": "true"}
    tau2 = outcome.words.get("tau2")
    cells = {
        "Log-scale data": flag_cell(outcome.log_data or (ratio and not given)),
        "Experimental group label": text_cell(outcome.group_1),
        "Control group label": text_cell(outcome.group_2),
        "Statistical method": text_cell(method),
        "Effect measure": text_cell(label),
        "Unit of effect measure": text_cell(outcome.units),
        "Analysis model": models.get(outcome.model or "", ""),
        "Heterogeneity estimator": tau2 if tau2 in {"DL", "REML"} else "",
        "Tau² CI": "QP" if outcome.words.get("tau2_interval") == "QP" else "",
        "Subgroup estimates": flag_cell(subgroups),
        "Overall estimates": flag_cell(overall),
        "Test for subgroup differences": flag_cell(outcome.subgroup_test),
        "Swap event and non-event": flag_cell(outcome.swap_events),
        "CI method": {"Wald": "Wald", "HK": "HKSJ"}.get(str(outcome.words.get("interval")), ""),
        "Study CI": percent_cell(outcome.study_level),
        "Estimate CI": percent_cell(outcome.level),
        "Sort by": outcome.sort_by.capitalize(),
        "Graph label (left)": text_cell(outcome.favours_1),
        "Graph label (right)": text_cell(outcome.favours_2),
        "Graph scale": number_cell(outcome.axis),
    }
    if "prediction" in outcome.words:
        cells["Prediction interval"] = prediction.get(outcome.words["prediction"], "")
    return cells
