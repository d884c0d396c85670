"""Find how many participants the studies of an analysis have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import DataError, FloatArray, MetaAnalysis, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth_estimators.small_study_data import Pooled

WAYS = (
    ("n_1", "n_2"),
    ("n",),
    ("tp", "fp", "fn", "tn"),
    ("pairs_both", "pairs_only_1", "pairs_only_2", "pairs_neither"),
    ("genotype_11", "genotype_12", "genotype_22"),
)
"""Columns that add up to the participants of a study; the first way that a study has whole is taken."""
NOWHERE = "sample sizes are not known: give studies with n (or n_1 and n_2), or the option n with one number per study"
MISSING = "the sample size of {study} is not known"


def study_sizes(analysis: MetaAnalysis, studies: Pooled, given: Sequence[float | None] | None) -> FloatArray | str:
    """Give the sample sizes of the pooled studies, ``(k,)``, or the reason why they are not known.

    ``given`` are the user's, one for each row of the analysis (NaN for one that is not pooled); without them both
    arms, or the one sample, of the studies' data. Raises `DataError` for numbers that no study can have.
    """
    if given is not None:
        sizes = _of_user(analysis, given)
    else:
        source = analysis.effects.studies
        columns: Mapping[str, FloatArray] = {} if source is None else source.columns
        sizes = np.full(len(analysis.effects), np.nan)
        for names in WAYS:
            if all(name in columns for name in names):
                sizes = np.where(np.isnan(sizes), sum(columns[name] for name in names), sizes)
        if np.isnan(sizes).all():
            return NOWHERE
    sizes = sizes[list(studies.rows)]
    for study, size in zip(studies.study, sizes, strict=True):
        if not size > 0:
            return MISSING.format(study=study)
    return sizes


def _of_user(analysis: MetaAnalysis, given: Sequence[float | None]) -> FloatArray:
    try:
        sizes = np.array([np.nan if size is None else size for size in given], dtype=np.float64)
    except (TypeError, ValueError) as error:
        summary = "option n is one sample size for each study of the analysis, in numbers"
        raise DataError(summary) from error
    if sizes.shape != (len(analysis.effects),):
        summary = f"there are {sizes.size} sample sizes for {len(analysis.effects)} studies: one of each per study"
        raise DataError(summary)
    wrong = np.nonzero((sizes <= 0) | np.isinf(sizes))[0]
    if wrong.size:
        summary = "option n holds sample sizes that no study can have"
        problems = [
            Problem(i + 1, analysis.effects.study_id[i], "n", f"{sizes[i]:g}", "a sample size is positive and finite")
            for i in wrong.tolist()
        ]
        raise DataError(summary, problems)
    return sizes
