"""Specify the hooks: each takes no arguments and yields records. See `evisynth.records` for what a record holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from evisynth.records import (
        Adjustment,
        BiasTest,
        Check,
        Conversion,
        Converter,
        Correction,
        EffectMeasure,
        IntervalMethod,
        PoolingModel,
        PredictionInterval,
        ReferenceSet,
        Reporter,
        Route,
        StudyInterval,
        Tau2Estimator,
        Tau2Interval,
    )

ENTRY_POINT_GROUP = "evisynth"

hookspec = pluggy.HookspecMarker(ENTRY_POINT_GROUP)
hookimpl = pluggy.HookimplMarker(ENTRY_POINT_GROUP)


@hookspec
def effect_measures() -> list[EffectMeasure]:  # type: ignore[empty-body]
    """Yield effect measures: columns of a study table → ``y, v`` and reasons."""


@hookspec
def corrections() -> list[Correction]:  # type: ignore[empty-body]
    """Yield zero-cell corrections: cells → the cells for effects, variances and M-H sums."""


@hookspec
def tau2_estimators() -> list[Tau2Estimator]:  # type: ignore[empty-body]
    """Yield estimators of the between-study variance: ``(y, v, X) → tau²``."""


@hookspec
def pooling_models() -> list[PoolingModel]:  # type: ignore[empty-body]
    """Yield ways to pool: ``(effects, settings) → Fit``."""


@hookspec
def interval_methods() -> list[IntervalMethod]:  # type: ignore[empty-body]
    """Yield inference on coefficients: ``(fit, level) → Estimates``."""


@hookspec
def prediction_intervals() -> list[PredictionInterval]:  # type: ignore[empty-body]
    """Yield intervals for the true effect of a new study: ``(fit, level) → Limits``."""


@hookspec
def tau2_intervals() -> list[Tau2Interval]:  # type: ignore[empty-body]
    """Yield intervals for τ²: ``(fit, level) → Limits``."""


@hookspec
def study_intervals() -> list[StudyInterval]:  # type: ignore[empty-body]
    """Yield intervals for single studies: columns → limits."""


@hookspec
def bias_tests() -> list[BiasTest]:  # type: ignore[empty-body]
    """Yield tests for small-study effects: ``(analysis, **options) → BiasResult``."""


@hookspec
def adjustments() -> list[Adjustment]:  # type: ignore[empty-body]
    """Yield adjustments for small-study effects: ``(analysis, **options) → BiasResult``."""


@hookspec
def conversions() -> list[Conversion]:  # type: ignore[empty-body]
    """Yield conversions of statistics, such as median and quartiles → mean and SD."""


@hookspec
def routes() -> list[Route]:  # type: ignore[empty-body]
    """Yield other ways to a measure's effect than its own columns, taken row by row."""


@hookspec
def checks() -> list[Check]:  # type: ignore[empty-body]
    """Yield guard rails: rows that look wrong, and what to look at."""


@hookspec
def converters() -> list[Converter]:  # type: ignore[empty-body]
    """Yield readers and writers of file formats."""


@hookspec
def reporters() -> list[Reporter]:  # type: ignore[empty-body]
    """Yield renderings of a result: text, JSON, figures."""


@hookspec
def reference_sets() -> list[ReferenceSet]:  # type: ignore[empty-body]
    """Yield results that methods are held to by ``evisynth validate``: ``(asked) → agreements``."""
