"""Bring results to the forms that leave the engine: strict JSON and a table of studies."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from evisynth.columns import NUMERIC
from evisynth.errors import FormatError
from evisynth.results import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from evisynth.fits import Display, Estimate, Interval
    from evisynth.models import Model
    from evisynth.results import MetaAnalysis, StudyResult, Subgroup

UNBOUNDED = "unbounded, or too large for a number"
NOT_A_NUMBER = "cannot be computed"

ESTIMATE = ("value", "se", "ci_low", "ci_high", "statistic", "df", "p_value", "log_p_value")
_DISPLAY = ("value", "ci_low", "ci_high")
_HETEROGENEITY = (
    *("q", "df", "p_value", "tau2", "tau2_se", "tau2_ci_low", "tau2_ci_high", "tau", "tau_ci_low", "tau_ci_high"),
    *("i2", "i2_ci_low", "i2_ci_high", "i2_q", "i2_tau2", "h2", "h2_ci_low", "h2_ci_high", "r_b", "tau2_modes"),
)
_LIKELIHOOD = ("log_likelihood", "deviance", "aic", "bic", "aicc", "parameters")
_SUBGROUP_TEST = ("q", "df", "p_value", "i2", "reason")
_STUDY = ("row", "study", "study_id", "year", "subgroup", "data", "effect", "se", "ci_low", "ci_high")
_WEIGHT = ("weight", "weight_common", "weight_random", "included", "reason", "route", "formula", "origins")


def analysis_document(analysis: MetaAnalysis) -> dict[str, Any]:
    """Give the whole result as JSON-ready values; `schemas/result.schema.json` describes them.

    ``reasons`` says why a number is null, by its place (``heterogeneity.tau2_ci_high``; places in lists count from 0).
    """
    reasons = dict(analysis.reasons)
    effects = analysis.effects
    for name, model in analysis.models.items():
        if model.prediction is None and model.prediction_reason is not None:
            reasons[f"models.{name}.prediction"] = model.prediction_reason
    for i, group in enumerate(analysis.subgroups):
        own = {place: reason for place, reason in group.analysis.reasons.items() if not place.startswith("models.")}
        reasons.update({f"subgroups.{i}.{place}": reason for place, reason in own.items()})
    document = {
        "schema_version": SCHEMA_VERSION,
        "measure": {"name": effects.measure, "label": effects.label, "scale": effects.scale},
        "k": analysis.k,
        "k_total": analysis.k_total,
        "participants": analysis.participants,
        "events": analysis.events,
        **_effect(analysis.model),
        "reason": analysis.reason,
        "heterogeneity": _fields(analysis.heterogeneity, _HETEROGENEITY),
        "coefficients": {term: _fields(estimate, ESTIMATE) for term, estimate in analysis.coefficients.items()},
        "regression": None if analysis.regression is None else analysis.regression.to_dict(),
        "fit_statistics": {name: _fields(found, _LIKELIHOOD) for name, found in analysis.fit_statistics.items()},
        "models": {name: _model(model) for name, model in analysis.models.items()},
        "subgroups": [_subgroup(group) for group in analysis.subgroups],
        "subgroup_test": _fields(analysis.subgroup_test, _SUBGROUP_TEST),
        "studies": [_study(study) for study in analysis.studies],
        "settings": analysis.settings.to_dict(),
        "references": analysis.references,
        "provenance": analysis.provenance,
        "warnings": analysis.warnings,
    }
    return {**finite_values(document, reasons), "reasons": reasons}


def _fields(value: object, names: Sequence[str]) -> dict[str, Any] | None:
    return None if value is None else {name: getattr(value, name) for name in names}


def _effect(model: Model) -> dict[str, Any]:
    pooled: Estimate | None = model.pooled
    shown: Display | None = model.display
    prediction: Interval | None = model.prediction
    limits = _fields(prediction, ("low", "high"))
    return {
        "pooled": _fields(pooled, ESTIMATE),
        "display": _fields(shown, _DISPLAY),
        "prediction": limits and {**limits, "display": _fields(model.prediction_display, ("low", "high"))},
        "probability": _probability(model),
    }


def _probability(model: Model) -> dict[str, Any] | None:
    threshold = model.settings.threshold
    if threshold is None:
        return None
    below = model.probability(below=threshold, on="display")
    above = model.probability(above=threshold, on="display")
    shared = _fields(below, ("distribution", "df", "standard_error", "reason")) or {}
    return {"threshold": threshold, "below": below.value, "above": above.value, **shared}


def _model(model: Model) -> dict[str, Any]:
    reason = model.absent
    if reason is None and model.pooled is None:
        reason = "a meta-regression has coefficients, not one pooled effect"
    return {"method": model.method, "label": model.label, **_effect(model), "tau2": model.tau2, "reason": reason}


def _subgroup(group: Subgroup) -> dict[str, Any]:
    analysis = group.analysis
    return {
        "name": group.name,
        "k": analysis.k,
        "k_total": analysis.k_total,
        "participants": analysis.participants,
        "events": analysis.events,
        **_effect(analysis.model),
        "reason": analysis.reason,
        "heterogeneity": _fields(analysis.heterogeneity, _HETEROGENEITY),
        "weight": group.weight,
    }


def _study(study: StudyResult) -> dict[str, Any]:
    shown = {"display": _fields(study.display, _DISPLAY)}
    return {**(_fields(study, _STUDY) or {}), **shown, **(_fields(study, _WEIGHT) or {})}


def finite_values(value: Any, reasons: dict[str, str], place: str = "") -> Any:  # noqa: ANN401 - any JSON value
    """Copy nested values as JSON can hold them: null for NaN and infinities, each with its reason by place."""
    if isinstance(value, np.generic):
        value = cast("Any", value).item()
    if isinstance(value, float) and not math.isfinite(value):
        reasons.setdefault(place, NOT_A_NUMBER if math.isnan(value) else UNBOUNDED)
        return None
    if hasattr(value, "items"):
        items = cast("Mapping[str, Any]", value).items()
        return {key: finite_values(held, reasons, f"{place}.{key}" if place else key) for key, held in items}
    if isinstance(value, list | tuple):
        held_values = cast("Sequence[Any]", value)
        return [finite_values(held, reasons, f"{place}.{i}") for i, held in enumerate(held_values)]
    return value


def strict_json(document: object, indent: int | None = None) -> str:
    """Write JSON as RFC 8259 has it: no NaN, no infinities, text that can be encoded as UTF-8."""
    text = json.dumps(document, allow_nan=False, ensure_ascii=False, indent=indent)
    # Half of a surrogate pair may stand in a name; no UTF-8 can hold it, an escape can.
    return text if text.isascii() or _encodes(text) else json.dumps(document, allow_nan=False, indent=indent)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_json(content: str | bytes, name: str = "the text") -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON from outside; raises `FormatError` for NaN, infinities, repeated keys and what nests too deep."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) < len(items):
            counts = Counter(key for key, _ in items)
            repeated = next(key for key, count in counts.items() if count > 1)
            msg = f"{name} has the key {repeated!r} twice in one object: which one is meant?"
            raise FormatError(msg)
        return made

    def constant(word: str) -> float:
        msg = f"{name} holds {word}, which JSON does not have: write null for a missing value"
        raise FormatError(msg)

    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content.removeprefix("\ufeff")
        # Whole numbers beyond 2**53 are no counts; as floats they cannot stall the machine either.
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_int=_whole_number)
    except RecursionError:
        msg = f"{name} nests too deep: a table of studies has three levels"
        raise FormatError(msg) from None
    except UnicodeDecodeError as error:
        msg = f"{name} is not UTF-8 (byte {error.start + 1}), which JSON has to be"
        raise FormatError(msg) from None
    except json.JSONDecodeError as error:
        msg = f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise FormatError(msg) from None


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) < 17 else float(digits)  # noqa: PLR2004 - digits of 2**53


def study_frame(analysis: MetaAnalysis) -> pd.DataFrame:
    """Give a row per study of the input, with the columns of the glossary.

    Limits that were entered give way to those of the effect on the analysis scale, which have the same names.
    """
    import pandas as pd  # noqa: PLC0415 - pandas only when asked for

    studies = analysis.studies
    entered = [name for name in NUMERIC if name not in _STUDY and studies and name in studies[0].data]
    number = {name: [study.data[name] for study in studies] for name in entered}
    number |= {name: [getattr(study, name) for study in studies] for name in ("effect", "se", "ci_low", "ci_high")}
    for name in _DISPLAY:
        column = "display" if name == "value" else f"display_{name}"
        number[column] = [None if study.display is None else getattr(study.display, name) for study in studies]
    number |= {name: [getattr(study, name) for study in studies] for name in _WEIGHT[:3]}
    columns: dict[str, Any] = {name: [getattr(study, name) for study in studies] for name in _STUDY[:5]}
    columns |= {name: np.array(values, dtype=np.float64) for name, values in number.items()}
    columns |= {name: [getattr(study, name) for study in studies] for name in _WEIGHT[3:-1]}
    columns["origins"] = ["; ".join(study.origins) or None for study in studies]
    return pd.DataFrame(columns)
