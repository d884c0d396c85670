"""Give the results of whole reviews as JSON-ready values and as tables with columns of the glossary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evisynth.documents import finite_values
from evisynth.provenance import engine_version
from evisynth.results import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from evisynth.results import MetaAnalysis
    from evisynth.reviews.analysis import OutcomeAnalysis, ReviewAnalysis
    from evisynth.reviews.model import Review
    from evisynth.reviews.verification import ComparedNumber, Verification
    from evisynth.settings import Settings


def review_document(made: ReviewAnalysis) -> dict[str, Any]:
    """Give every outcome with its whole result, or the reason why there is none."""
    return {
        "schema_version": SCHEMA_VERSION,
        "engine": {"name": "evisynth", "version": engine_version()},
        "review": _review(made.review),
        "settings": _settings(made.settings),
        "outcomes": [_outcome(one) for one in made],
    }


def _settings(settings: str | Settings | None) -> Any:  # noqa: ANN401 - a JSON value
    return settings if settings is None or isinstance(settings, str) else settings.to_dict()


def _review(review: Review) -> dict[str, Any]:
    return {
        "title": review.title,
        "id": review.id,
        "doi": review.doi,
        "source": review.source,
        "preset": review.preset,
        "studies": len(review.studies),
        "notes": list(review.notes),
    }


def _outcome(one: OutcomeAnalysis) -> dict[str, Any]:
    return {
        "place": one.place,
        "comparison": one.comparison.name,
        "name": one.outcome.name,
        "data_type": one.outcome.data_type,
        "rows": len(one.rows),
        "totals": one.outcome.totals,
        "note": one.note,
        "empty_subgroups": [group.name for group, made in one.subgroups if made is None],
        "result": None if one.analysis is None else one.analysis.to_dict(),
    }


def review_frame(made: ReviewAnalysis) -> pd.DataFrame:
    """Give a row per outcome and per subgroup of it."""
    import pandas as pd  # noqa: PLC0415 - pandas only when asked for

    return pd.DataFrame([row for one in made for row in _rows(one)], columns=list(_COLUMNS))


_COLUMNS = (
    *("place", "comparison", "outcome", "subgroup", "measure", "method", "model", "k", "k_total", "n_1", "n_2"),
    *("effect", "se", "ci_low", "ci_high", "display", "display_ci_low", "display_ci_high", "statistic", "df"),
    *("p_value", "weight", "q", "q_df", "q_p_value", "tau2", "i2", "prediction_low", "prediction_high", "note"),
)


def _rows(one: OutcomeAnalysis) -> Iterator[dict[str, Any]]:
    names = {"comparison": one.comparison.name, "outcome": one.outcome.name}
    whole = {"place": one.place, **names, "subgroup": None, "note": one.note}
    yield whole if one.analysis is None else {**whole, **_numbers(one.analysis)}
    for subgroup, made in one.subgroups:
        row = {"place": f"{one.place}.{subgroup.number}", **names, "subgroup": subgroup.name}
        if made is None:
            yield {**row, "note": one.reason if one.analysis is None else "the file holds no studies for this subgroup"}
        else:
            yield {**row, **_numbers(made.analysis), "weight": made.weight, "note": made.analysis.reason}


def _numbers(analysis: MetaAnalysis) -> dict[str, Any]:
    pooled, shown, spread = analysis.pooled, analysis.display, analysis.heterogeneity
    limits = analysis.prediction
    made: dict[str, Any] = {
        "measure": analysis.effects.measure,
        "method": analysis.settings.method,
        "model": analysis.settings.model,
        "k": analysis.k,
        "k_total": analysis.k_total,
        "n_1": analysis.participants["arm_1"],
        "n_2": analysis.participants["arm_2"],
        "q": spread.q,
        "q_df": spread.df,
        "q_p_value": spread.p_value,
        "tau2": spread.tau2,
        "i2": spread.i2,
    }
    if pooled is not None and shown is not None:
        made |= {"effect": pooled.value, "se": pooled.se, "ci_low": pooled.ci_low, "ci_high": pooled.ci_high}
        made |= {"display": shown.value, "display_ci_low": shown.ci_low, "display_ci_high": shown.ci_high}
        made |= {"statistic": pooled.statistic, "df": pooled.df, "p_value": pooled.p_value}
    if limits is not None:
        made |= {"prediction_low": limits.low, "prediction_high": limits.high}
    return made


def verification_document(made: Verification) -> dict[str, Any]:
    """Give what was compared, what differs and what was not compared, each with its place."""
    reasons: dict[str, str] = {}
    document = {
        "schema_version": SCHEMA_VERSION,
        "engine": {"name": "evisynth", "version": engine_version()},
        "review": _review(made.review),
        "decimals": made.review.decimals,
        "agrees": made.agrees,
        "compared": len(made.compared),
        "agree": len(made.compared) - len(made.disagreements),
        "by_name": {
            name: {"compared": count, "agree": agree, "largest_difference": largest}
            for name, (count, agree, largest) in made.by_name.items()
        },
        "largest": None if made.largest is None else _compared(made.largest),
        "disagreements": [_compared(one) for one in made.disagreements],
        "not_compared": [
            {"place": one.place, "study": one.study, "name": one.name, "reason": one.reason}
            for one in made.not_compared
        ],
    }
    return {**finite_values(document, reasons), "reasons": reasons}


def _compared(one: ComparedNumber) -> dict[str, Any]:
    return {
        "place": one.place,
        "study": one.study,
        "name": one.name,
        "stored": one.stored,
        "computed": one.computed,
        "difference": one.difference,
        "tolerance": one.tolerance,
    }


def verification_frame(made: Verification) -> pd.DataFrame:
    """Give a row per number compared."""
    import pandas as pd  # noqa: PLC0415 - pandas only when asked for

    columns = ["place", "study", "name", "stored", "computed", "difference", "tolerance", "agrees"]
    return pd.DataFrame([{**_compared(one), "agrees": one.agrees} for one in made.compared], columns=columns)
