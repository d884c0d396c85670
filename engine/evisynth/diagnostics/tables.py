"""Make the tables of diagnostics: null for what is not there, effects on both scales, every study by name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from evisynth.diagnostics.subsets import Subsets
    from evisynth.kernels.arrays import FloatArray
    from evisynth.results import MetaAnalysis
    from evisynth.scales import Scale


def number(value: float) -> float | None:
    """Give a number of an array as a plain one, None for NaN."""
    return None if math.isnan(value) else float(value)


def shown(scale: Scale, effect: float | None, low: float | None, high: float | None) -> dict[str, float | None]:
    """Bring an effect and its limits to the scale shown to readers."""
    names = ("display", "display_ci_low", "display_ci_high")
    values = (effect, high, low) if scale.decreasing else (effect, low, high)
    return {name: None if value is None else scale.show(value) for name, value in zip(names, values, strict=True)}


def excluded_studies(analysis: MetaAnalysis) -> Mapping[str, str]:
    """Name the studies that an analysis does not pool, with the reason."""
    return {study.study_id: study.reason or "" for study in analysis.excluded}


def pooled_records(
    numbers: Subsets,
    name: str,
    labels: Sequence[str],
    analysis: MetaAnalysis,
    rows: Callable[[int], Sequence[int]],
    without: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Give a row for each of several analyses, whose ``labels`` stand in the column ``name``: effect and heterogeneity.

    In a meta-regression a row per analysis and coefficient, which ``term`` names; ``rows(i)`` are the rows of the
    input that analysis i pools, and ``without`` are columns left out.
    """
    terms = analysis.terms
    made: list[dict[str, Any]] = []
    effects = analysis.effects
    for i, label in enumerate(labels):
        # The scale of a transformation that depends on sample sizes is that of the studies pooled.
        scale = effects.display_scale if effects.display_scale.size is None else effects.scale_of(rows(i))
        for j, term in enumerate(terms):
            columns = (numbers.value, numbers.ci_low, numbers.ci_high)
            effect, low, high = (number(column[j, i]) for column in columns)
            row = {
                name: label,
                **({"term": term} if len(terms) > 1 else {}),
                "k": int(numbers.k[i]),
                "effect": effect,
                "se": number(numbers.se[j, i]),
                "ci_low": low,
                "ci_high": high,
                "statistic": number(numbers.statistic[j, i]),
                "df": number(numbers.df[j, i]),
                "p_value": number(numbers.p_value[j, i]),
                **shown(scale, effect, low, high),
                "q": number(numbers.q[i]),
                "q_p_value": number(numbers.q_p_value[i]),
                "tau2": number(numbers.tau2[i]),
                "i2": number(numbers.i2[i]),
                "h2": number(numbers.h2[i]),
                "reason": numbers.reason[i],
                "note": numbers.note[i],
            }
            made.append({column: value for column, value in row.items() if column not in without})
    return made


def study_records(
    analysis: MetaAnalysis, columns: Mapping[str, FloatArray], reasons: Mapping[int, str], why_not: str | None = None
) -> list[dict[str, Any]]:
    """Give a row for every study of the input, those that are not pooled with their reason and nulls.

    ``columns`` have a value for each pooled row; ``reasons`` say why one of them lacks something, by its place there,
    and ``why_not`` why all do.
    """
    effects = analysis.effects
    place = {row: i for i, row in enumerate(analysis.rows)}
    made: list[dict[str, Any]] = []
    for row in range(analysis.k_total):
        i = place.get(row)
        values = {name: None if i is None else number(column[i]) for name, column in columns.items()}
        reason = effects.reasons.get(row) if i is None else reasons.get(i, effects.reasons.get(row, why_not))
        made.append({"study": effects.study[row], "study_id": effects.study_id[row], **values, "reason": reason})
    return made


def frame(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Make a table of records."""
    import pandas as pd  # noqa: PLC0415 - pandas only when asked for

    return pd.DataFrame(records)
