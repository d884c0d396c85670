"""Give a comparison of two settings as JSON-ready values, and as a table with columns of the glossary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evisynth.columns import OF_TWO_SETTINGS
from evisynth.documents import finite_values
from evisynth.handbook_bands import i2_bands
from evisynth.provenance import engine_version
from evisynth.results import SCHEMA_VERSION
from evisynth.reviews.conclusions import direction, prediction_includes_none, significant

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from evisynth.results import MetaAnalysis
    from evisynth.reviews.causes import Cause, Change
    from evisynth.reviews.comparing import ComparedOutcome, ComparedResult, SettingsComparison


def comparison_document(made: SettingsComparison) -> dict[str, Any]:
    """Give every outcome and subgroup under both settings, with what changes and why."""
    reasons: dict[str, str] = {}
    document = {
        "schema_version": SCHEMA_VERSION,
        "engine": {"name": "evisynth", "version": engine_version()},
        "review": {"title": made.review.title, "source": made.review.source, "preset": made.review.preset},
        "settings": {"one": made.one, "other": made.other},
        "width_ratio": made.width_ratio,
        "compared": sum(outcome.compared for outcome in made),
        "counts": {kind: {"outcomes": count[0], "subgroups": count[1]} for kind, count in made.counts.items()},
        "not_compared": dict(made.not_compared),
        "outcomes": [_outcome(outcome) for outcome in made],
    }
    return {**finite_values(document, reasons), "reasons": reasons}


def _outcome(outcome: ComparedOutcome) -> dict[str, Any]:
    return {
        "place": outcome.place,
        "comparison": outcome.one.comparison.name,
        "name": outcome.name,
        "compared": outcome.compared,
        "reason": outcome.reason,
        **_result(outcome.whole),
        "subgroups": [
            {"place": result.place, "name": result.subgroup, **_result(result)} for _, result in outcome.subgroups
        ],
    }


def _result(result: ComparedResult) -> dict[str, Any]:
    return {
        "shown": result.not_shown is None,
        "one": _side(result.one, result.reasons[0]),
        "other": _side(result.other, result.reasons[1]),
        "differences": {
            "display": result.display_difference,
            "width_ratio": result.width_ratio,
            **{name: _less(result, name) for name in ("p_value", "tau2", "i2")},
        },
        "changes": [_change(change) for change in result.changes],
        "moved": [_change(change) for change in result.moved],
        "warnings": list(result.warnings),
    }


def _side(analysis: MetaAnalysis | None, reason: str | None) -> dict[str, Any]:
    numbers = _numbers(analysis, reason)
    if analysis is None:
        return numbers
    i2 = analysis.heterogeneity.i2
    return {
        **numbers,
        "significant": significant(analysis),
        "direction": direction(analysis),
        "i2_bands": [] if i2 is None else list(i2_bands(i2)),
        "prediction_includes_no_effect": prediction_includes_none(analysis),
        "settings": analysis.settings.to_dict(),
    }


def _numbers(analysis: MetaAnalysis | None, reason: str | None) -> dict[str, Any]:
    """Give the columns that a comparison has of either settings."""
    made: dict[str, Any] = {**dict.fromkeys(OF_TWO_SETTINGS), "reason": reason}
    if analysis is None:
        return made
    shown, limits, spread = analysis.display, analysis.model.prediction_display, analysis.heterogeneity
    made |= {"measure": analysis.effects.measure, "method": analysis.settings.method, "model": analysis.settings.model}
    made |= {"k": analysis.k, "tau2": spread.tau2 if analysis.settings.model == "random" else None, "i2": spread.i2}
    if shown is not None and analysis.pooled is not None:
        made |= {"display": shown.value, "display_ci_low": shown.ci_low, "display_ci_high": shown.ci_high}
        made["p_value"] = analysis.pooled.p_value
    if limits is not None:
        made |= {"display_prediction_low": limits.low, "display_prediction_high": limits.high}
    return made


def _less(result: ComparedResult, name: str) -> float | None:
    first, second = (_numbers(analysis, None)[name] for analysis in (result.one, result.other))
    return None if first is None or second is None else second - first


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "tag": change.tag,
        "one": change.difference.one,
        "other": change.difference.other,
        "how": change.how,
        "why": change.why,
        "causes": [_cause(cause) for cause in change.causes],
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "choice": cause.choice,
        "one": dict(cause.one),
        "other": dict(cause.other),
        "alone": cause.alone,
        "needed": cause.needed,
        "text": cause.text,
    }


_COLUMNS = (
    *("place", "comparison", "outcome", "subgroup"),
    *(f"{name}_{which}" for which in ("one", "other") for name in OF_TWO_SETTINGS),
    *("display_difference", "width_ratio", "changes", "why", "note"),
)


def comparison_frame(made: SettingsComparison) -> pd.DataFrame:
    """Give a row per outcome and per subgroup of it."""
    import pandas as pd  # noqa: PLC0415 - pandas only when asked for

    return pd.DataFrame([row for outcome in made for row in _rows(outcome)], columns=list(_COLUMNS))


def _rows(outcome: ComparedOutcome) -> Iterator[dict[str, Any]]:
    for result in outcome.results:
        sides = zip(("one", "other"), (result.one, result.other), result.reasons, strict=True)
        yield {
            "place": result.place,
            "comparison": outcome.one.comparison.name,
            "outcome": outcome.name,
            "subgroup": result.subgroup,
            **{
                f"{name}_{which}": value
                for which, analysis, reason in sides
                for name, value in _numbers(analysis, reason).items()
            },
            "display_difference": result.display_difference,
            "width_ratio": result.width_ratio,
            "changes": "; ".join(change.tag for change in result.changes) or None,
            "why": "; ".join(dict.fromkeys(change.why for change in result.changes if change.why)) or None,
            "note": "; ".join(filter(None, (result.not_shown, *result.warnings))) or None,
        }
