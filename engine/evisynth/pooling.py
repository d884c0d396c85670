"""Pool arrays under the chosen methods: the one path that a single fit and a batch of a million share."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs
import numpy as np

from evisynth.errors import EvisynthError, PluginError
from evisynth.fits import Fit, inverse_variance_fit
from evisynth.records import Tau2Fit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from evisynth.cells import CorrectedCells
    from evisynth.kernels.arrays import FloatArray
    from evisynth.records import (
        Correction,
        EffectMeasure,
        IntervalMethod,
        Method,
        PoolingModel,
        PredictionInterval,
        Tau2Estimator,
        Tau2Interval,
    )
    from evisynth.registry import Registry
    from evisynth.settings import Settings


@attrs.frozen(eq=False)
class Methods:
    """Hold the records that an analysis uses."""

    measure: EffectMeasure
    correction: Correction
    pooling: PoolingModel
    tau2: Tau2Estimator
    interval: IntervalMethod
    common_interval: IntervalMethod
    prediction: PredictionInterval | None
    tau2_interval: Tau2Interval | None
    registry: Registry

    def used(self, model: str | None = None) -> tuple[Method, ...]:
        """List the records behind a model, or behind either, for references and provenance."""
        always = (self.measure, self.correction if self.measure.counts else None, self.pooling)
        random = (self.tau2, self.interval, self.prediction, self.tau2_interval)
        common = (self.common_interval if self.interval.random_only else self.interval,)
        chosen = {"common": common, "random": random}.get(model or "", (*random, *common))
        return tuple(dict.fromkeys(method for method in (*always, *chosen) if method is not None))


@attrs.frozen(eq=False)
class Sample:
    """Hold the rows that are pooled, as arrays ``(k,)`` or ``(k, m)``.

    ``y`` is NaN for a table that stays in the M-H sums without an effect of its own.
    """

    y: FloatArray
    v: FloatArray
    X: FloatArray
    measure: str
    cells: CorrectedCells | None = None


@attrs.frozen(eq=False)
class Pooled:
    """Hold both models and Cochran's Q, each ``()`` or ``(m,)`` where a number.

    ``random`` is None where the pooling has no random-effects model; with no residual degrees of freedom its τ² is 0.
    """

    common: Fit
    random: Fit | None
    q: FloatArray
    q_df: int


def call(registry: Registry, method: Method, /, *args: object, **inputs: object) -> Any:  # noqa: ANN401 - whatever the record returns
    """Call a record's function; whatever it raises but our own errors becomes a `PluginError` that says where."""
    try:
        return method.function(*args, **inputs)
    except EvisynthError:
        raise
    except Exception as error:
        shapes = ", ".join(_describe(argument) for argument in (*args, *inputs.values()))
        msg = (
            f"{method.kind} {method.name!r} of plugin {registry.provider(method)} failed: "
            f"{type(error).__name__}: {error} (input: {shapes})"
        )
        raise PluginError(msg) from error


def _describe(argument: object) -> str:
    if isinstance(argument, np.ndarray):
        array = cast("FloatArray", argument)
        shown = np.array2string(array.ravel()[:4], precision=6, separator=", ")
        return f"array {array.shape} {shown[:-1]}{', …' if array.size > 4 else ''}]"  # noqa: PLR2004 - first few
    if isinstance(argument, Fit):
        return f"fit of {argument.k} studies, tau2 {argument.tau2}"
    return type(argument).__name__ if not isinstance(argument, int | float | str) else repr(argument)


def pool(sample: Sample, settings: Settings, methods: Methods, *, details: bool = True) -> Pooled:
    """Fit both models to one sample or to a batch of equal size; there is at least one row with an effect.

    Without ``details`` an estimator may spare itself the standard error and likelihood of τ².
    """
    registry = methods.registry
    pooling = methods.pooling
    common: Fit = call(
        registry, pooling, sample, attrs.evolve(settings, model="common") if pooling.random == "own" else settings
    )
    y, v, design = sample.y, sample.v, sample.X
    if pooling.centre and sample.cells is not None and sample.cells.kept_in_sums is not None and y.ndim == 1:
        seen = np.isfinite(y)
        if not seen.all():
            y, v, design = y[seen], v[seen], design[seen]
    dof = y.shape[0] - design.shape[1]
    centre = common.coefficients[0] if pooling.centre and settings.centre == "pooled" else None
    if centre is None:
        q = (
            common.rss
            if common.rss is not None
            else inverse_variance_fit(y, v, design, np.zeros(()), model="common").rss
        )
        assert q is not None  # noqa: S101 - an inverse-variance fit has one
    else:
        q = np.asarray(((y - centre) ** 2 / v).sum(axis=0))
    if dof <= 0:
        q = np.zeros_like(q)
    return Pooled(
        common, _random(sample, y, v, design, centre, common, settings, methods, details=details), q, max(dof, 0)
    )


def _random(  # noqa: PLR0913 - the inputs of the model, each once
    sample: Sample,
    y: FloatArray,
    v: FloatArray,
    X: FloatArray,
    centre: FloatArray | None,
    common: Fit,
    settings: Settings,
    methods: Methods,
    *,
    details: bool,
) -> Fit | None:
    pooling = methods.pooling
    if pooling.random == "none":
        return None
    if pooling.random == "own":
        own: Fit = call(methods.registry, pooling, sample, attrs.evolve(settings, model="random"))
        return own
    label = common.method if settings.random_weights == "pooled" else "IV"
    if y.shape[0] <= X.shape[1]:
        # One study cannot tell τ²; both models are then that study (or nothing at all).
        if not y.shape[0] or common.method == "IV":
            return attrs.evolve(common, model="random", method=label)
        return inverse_variance_fit(y, v, X, np.zeros(y.shape[1:]), model="random", method=label)
    plain: Mapping[str, object] = {"centre": None, "weights": None, "common": None, "details": False}
    available = {**plain, "centre": centre, "common": common.weighted, "details": details}

    def estimate(y: FloatArray, v: FloatArray, X: FloatArray) -> FloatArray:
        return estimate_tau2(methods, y, v, X, plain).tau2

    fitted = estimate_tau2(methods, y, v, X, available)
    return inverse_variance_fit(y, v, X, fitted.tau2, model="random", method=label, tau2_fit=fitted, estimator=estimate)


def estimate_tau2(
    methods: Methods, y: FloatArray, v: FloatArray, X: FloatArray, available: Mapping[str, object]
) -> Tau2Fit:
    """Ask the estimator for τ², truncate it at 0 and make sure that it is finite; ``k > p`` is the caller's part."""
    record = methods.tau2
    author = f"{record.kind} {record.name!r} of plugin {methods.registry.provider(record)}"
    answer = call(methods.registry, record, y, v, X, **record.named_inputs(available))
    fitted = answer if isinstance(answer, Tau2Fit) else Tau2Fit(np.asarray(answer))
    raw = np.asarray(fitted.tau2, dtype=np.float64)
    if raw.shape != y.shape[1:]:
        msg = (
            f"{author} gave tau² of shape {raw.shape} "
            f"for effects of shape {y.shape}: one value per analysis, shape {y.shape[1:]}"
        )
        raise PluginError(msg)
    if not np.isfinite(raw).all():
        msg = f"{author} gave a tau² that is not finite"
        raise PluginError(msg)
    return attrs.evolve(fitted, tau2=np.maximum(raw, 0.0))
