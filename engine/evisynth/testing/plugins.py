"""Check any record, or all that a plugin offers."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from evisynth.errors import PluginWarning
from evisynth.records import (
    Adjustment,
    BiasTest,
    Check,
    Conversion,
    Converter,
    Correction,
    EffectMeasure,
    IntervalMethod,
    Method,
    PoolingModel,
    PredictionInterval,
    ReferenceSet,
    Reporter,
    Route,
    StudyInterval,
    Tau2Estimator,
    Tau2Interval,
)
from evisynth.registry import Registry, default_registry
from evisynth.testing.conversions import check_conversion
from evisynth.testing.corrections import check_correction
from evisynth.testing.entries import check_check, check_route
from evisynth.testing.formats import check_converter
from evisynth.testing.intervals import check_interval_method
from evisynth.testing.limits import check_prediction_interval, check_tau2_interval
from evisynth.testing.measures import check_effect_measure
from evisynth.testing.pooling import check_pooling_model
from evisynth.testing.references import check_reference_set
from evisynth.testing.reports import check_reporter
from evisynth.testing.small_study import check_adjustment, check_bias_test
from evisynth.testing.study_intervals import check_study_interval
from evisynth.testing.tau2 import check_tau2_estimator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHECKS: Mapping[type[Method], Callable[[Any], None]] = {
    EffectMeasure: check_effect_measure,
    Correction: check_correction,
    Tau2Estimator: check_tau2_estimator,
    PoolingModel: check_pooling_model,
    IntervalMethod: check_interval_method,
    PredictionInterval: check_prediction_interval,
    Tau2Interval: check_tau2_interval,
    StudyInterval: check_study_interval,
    BiasTest: check_bias_test,
    Adjustment: check_adjustment,
    Conversion: check_conversion,
    Route: check_route,
    Check: check_check,
    Converter: check_converter,
    Reporter: check_reporter,
    ReferenceSet: check_reference_set,
}


def check(record: Method) -> None:
    """Check a record by the laws of its kind; raises `ConformanceError` with law, input and what was seen."""
    CHECKS[type(record)](record)


def check_plugin(plugin: object) -> tuple[Method, ...]:
    """Check every record that a plugin offers and return them.

    ``plugin`` is a module, or any object, with hook implementations. Raises `ConformanceError` for the first law that a
    record breaks, and `ValueError` where the plugin itself would be left out: a misspelt hook, no list, no methods, a
    name that an installed method of another package has.
    """
    registry = Registry(load=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)
        registry.register(plugin)
    (origin,) = registry.plugins
    if origin.problem is not None:
        msg = f"plugin {origin.name!r} would be left out: {origin.problem}"
        raise ValueError(msg)
    _refuse_taken(plugin, origin.methods)
    for record in origin.methods:
        check(record)
    return origin.methods


def _refuse_taken(plugin: object, methods: tuple[Method, ...]) -> None:
    package = str(getattr(plugin, "__name__", type(plugin).__module__)).partition(".")[0]
    offered = {(type(method), name.casefold()) for method in methods for name in (method.name, *method.also)}
    for method, provider in default_registry():
        taken = [name for name in (method.name, *method.also) if (type(method), name.casefold()) in offered]
        if taken and provider.module.partition(".")[0] != package:
            msg = f"plugin {package!r} would be left out: {method.kind} {taken[0]!r} is taken by plugin {provider}"
            raise ValueError(msg)
