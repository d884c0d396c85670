"""Set risk of bias beside a forest plot: a column of signs for each domain, with letters that a legend explains."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from evisynth_reporters import printed
from evisynth_reporters.forest_columns import ForestColumn
from evisynth_reporters.table import Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import BiasDomain, MetaAnalysis, RiskOfBias
    from evisynth_reporters.words import Words

GROUP = "Risk of Bias"


def sign_columns(analysis: MetaAnalysis, risk_of_bias: RiskOfBias, words: Words) -> list[ForestColumn]:
    """Make a column for each domain; judgements are joined with studies by their id or name."""
    return [
        ForestColumn(Column(letter, words(GROUP), side="right", signs=True), _judged(analysis, domain))
        for letter, domain in zip(_letters(len(risk_of_bias.domains)), risk_of_bias.domains, strict=True)
    ]


def _judged(analysis: MetaAnalysis, domain: BiasDomain) -> Callable[[int], str]:
    words = {judgement.study.casefold(): judgement.judgement for judgement in domain.judgements}

    def judgement(row: int) -> str:
        study = analysis.studies[row]
        names = (study.study_id.casefold(), study.study.casefold())
        return next((words[name] for name in names if name in words), "")

    return judgement


def sign_legend(risk_of_bias: RiskOfBias) -> tuple[tuple[str, str], ...]:
    """Give the letters of the columns with the names of their domains."""
    names = (printed.one_line(domain.name) for domain in risk_of_bias.domains)
    return tuple(zip(_letters(len(risk_of_bias.domains)), names, strict=True))


def _letters(n: int) -> list[str]:
    alphabet = string.ascii_uppercase
    return [alphabet[i] if i < len(alphabet) else f"{alphabet[i // 26 - 1]}{alphabet[i % 26]}" for i in range(n)]
