"""Report the whole result as strict JSON."""

from __future__ import annotations

from evisynth import BiasSurvey, MetaAnalysis, Reporter, ReviewAnalysis, hookimpl


def json_document(analysis: MetaAnalysis | ReviewAnalysis | BiasSurvey, *, indent: int | None = 2) -> str:
    """Write the result as `evisynth schema result` describes it; ``indent=None`` puts it on one line."""
    return analysis.to_json(indent=indent) + "\n"


@hookimpl
def reporters() -> list[Reporter]:
    """Offer JSON."""
    return [
        Reporter(
            "json",
            json_document,
            media_types={".json": "application/json"},
            review=json_document,
            bias_survey=json_document,
            reference="Bray (2017), The JavaScript Object Notation (JSON) Data Interchange Format, RFC 8259",
        )
    ]
