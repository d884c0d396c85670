"""Give tests and adjustments for small-study effects as JSON-ready values and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from evisynth.documents import ESTIMATE, finite_values
from evisynth.provenance import engine_version
from evisynth.results import SCHEMA_VERSION

if TYPE_CHECKING:
    import pandas as pd

    from evisynth.bias_results import BiasResult, BiasSurvey
    from evisynth.fits import Estimate

_FIELDS = ("name", "variant", "k", "statistic", "symbol", "df", "p_value", "side", "reason", "reference")
_ESTIMATES = ("asymmetry", "limit", "before", "after")


def result_document(made: BiasResult) -> dict[str, Any]:
    """Give one result; ``reasons`` says why a number is null, by its place."""
    reasons: dict[str, str] = {}
    document = {
        **{name: getattr(made, name) for name in _FIELDS},
        **{name: _estimate(getattr(made, name)) for name in _ESTIMATES},
        "parameters": {name: _estimate(found) for name, found in made.parameters.items()},
        "figures": dict(made.figures),
        "table": [dict(row) for row in made.table],
        "studies": [attrs.asdict(study) for study in made.studies],
        "convergence": None if made.convergence is None else attrs.asdict(made.convergence),
        "warnings": list(made.warnings),
    }
    return {**finite_values(document, reasons), "reasons": reasons}


def survey_document(survey: BiasSurvey) -> dict[str, Any]:
    """Give every result beside the analysis that it was made of."""
    analysis = survey.analysis
    return {
        "schema_version": SCHEMA_VERSION,
        "engine": {"name": "evisynth", "version": engine_version()},
        "title": survey.title,
        "measure": analysis.effects.measure,
        "scale": analysis.effects.scale,
        "k": analysis.k,
        "settings": analysis.settings.to_dict(),
        "results": [result_document(made) for made in survey],
    }


def _estimate(found: Estimate | None) -> dict[str, Any] | None:
    return None if found is None else {name: getattr(found, name) for name in ESTIMATE}


def survey_frame(survey: BiasSurvey) -> pd.DataFrame:
    """Give a row per method: what was tested, and the effect before and after on the analysis scale."""
    import pandas as pd  # noqa: PLC0415 - pandas only when asked for

    return pd.DataFrame([_row(made, survey.title) for made in survey], columns=list(COLUMNS))


COLUMNS = (
    *("outcome", "name", "variant", "k", "statistic", "symbol", "df", "p_value", "asymmetry", "limit"),
    *("before", "before_ci_low", "before_ci_high", "after", "after_ci_low", "after_ci_high"),
    *("studies_filled", "side", "warnings", "reason", "reference"),
)


def _row(made: BiasResult, title: str) -> dict[str, Any]:
    row: dict[str, Any] = {"outcome": title, **{name: getattr(made, name) for name in _FIELDS}}
    for name in ("asymmetry", "limit"):
        found: Estimate | None = getattr(made, name)
        row[name] = None if found is None else found.value
    for name in ("before", "after"):
        found = getattr(made, name)
        if found is not None:
            row |= {name: found.value, f"{name}_ci_low": found.ci_low, f"{name}_ci_high": found.ci_high}
    return row | {"studies_filled": len(made.added), "warnings": "; ".join(made.warnings)}
