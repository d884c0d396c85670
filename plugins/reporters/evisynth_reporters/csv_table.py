"""Report studies, outcomes of a review, or a survey of small-study effects as comma-separated values."""

from __future__ import annotations

from evisynth import BiasSurvey, MetaAnalysis, Reporter, ReviewAnalysis, guarded_cell, hookimpl


def csv_table(analysis: MetaAnalysis) -> str:
    """Write a row per study with its data, effect and weight; numbers in full, empty where there is none."""
    frame = analysis.to_frame()
    for name in ("study", "study_id", "year", "subgroup", "reason"):
        frame[name] = [guarded_cell(text) if isinstance(text, str) else "" for text in frame[name].tolist()]
    return frame.to_csv(index=False, lineterminator="\n")


def review_table(made: ReviewAnalysis) -> str:
    """Write a row per outcome and subgroup of a review; numbers in full, empty where there is none."""
    frame = made.to_frame()
    for name in ("comparison", "outcome", "subgroup", "note"):
        frame[name] = [guarded_cell(text) if isinstance(text, str) else "" for text in frame[name].tolist()]
    return frame.to_csv(index=False, lineterminator="\n")


def survey_table(survey: BiasSurvey) -> str:
    """Write a row per test and adjustment for small-study effects; numbers in full, empty where there is none."""
    frame = survey.to_frame()
    for name in ("outcome", "name", "variant", "symbol", "side", "warnings", "reason", "reference"):
        frame[name] = [guarded_cell(text) if isinstance(text, str) else "" for text in frame[name].tolist()]
    return frame.to_csv(index=False, lineterminator="\n")


@hookimpl
def reporters() -> list[Reporter]:
    """Offer CSV."""
    return [
        Reporter(
            "csv",
            csv_table,
            media_types={".csv": "text/csv"},
            review=review_table,
            bias_survey=survey_table,
            reference="Shafranovich (2005), Common Format and MIME Type for CSV Files, RFC 4180",
        )
    ]
