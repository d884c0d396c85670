"""Pool arrays under the chosen methods: the one path that a single fit and a batch of a million share."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs
import numpy as np

from evisynth.errors import EvisynthError, PluginError
from evisynth.fits import Fit, inverse_variance_fit
from evisynth.kernels.weighted_fit import WeightedFit, weighted_fit
from evisynth.records import Tau2Estimator, Tau2Fit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from evisynth.cells import CorrectedCells
    from evisynth.kernels.arrays import BoolArray, FloatArray, IntArray
    from evisynth.records import (
        Correction,
        EffectMeasure,
        IntervalMethod,
        Method,
        PoolingModel,
        PredictionInterval,
        StudyInterval,
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
    i2_interval: Tau2Interval | None
    study_interval: StudyInterval | None
    registry: Registry

    def used(self, model: str | None = None) -> tuple[Method, ...]:
        """List the records behind a model, or behind either, for references and provenance."""
        # A model of its own estimates what it has of heterogeneity itself.
        own = self.pooling.random == "own"
        tau2 = None if own or isinstance(self.tau2.function, GivenTau2) else self.tau2
        always = (self.measure, self.correction if self.measure.counts else None, self.pooling, self.study_interval)
        random = (tau2, self.interval, self.prediction, self.tau2_interval, self.i2_interval)
        common = (self.common_interval if self.interval.random_only else self.interval,)
        chosen = {"common": common, "random": random}.get(model or "", (*random, *common))
        return tuple(dict.fromkeys(method for method in (*always, *chosen) if method is not None))


@attrs.frozen
class GivenTau2:
    """Give the τ² that the user has given; a value, so that a result can be copied and pickled."""

    value: float

    def __call__(self, y: FloatArray, v: FloatArray, X: FloatArray) -> Tau2Fit:  # noqa: ARG002 - as every estimator
        """Give it for every analysis."""
        return Tau2Fit(np.full(y.shape[1:], self.value), known=True)


def given_tau2(value: float) -> Tau2Estimator:
    """Make the record that stands for a τ² given by the user."""
    return Tau2Estimator(f"{value:g}", GivenTau2(float(value)), reference="given by the user")


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
    weights: FloatArray | None = None
    """The user's weights; None where studies are weighed by their variances."""
    columns: Mapping[str, FloatArray] = attrs.field(factory=dict[str, "FloatArray"])
    """What the pooling asks for of the studies' columns, where they are there."""

    def at(self, index: IntArray | BoolArray | tuple[IntArray, IntArray], X: FloatArray) -> Sample:
        """Take some rows, ``(s,)`` or ``(s, m)`` of a sample ``(k,)``, under a design of theirs."""
        cells = self.cells
        if cells is not None:
            kept = cells.kept_in_sums
            cells = attrs.evolve(cells.at(index), kept_in_sums=None if kept is None else kept[index])
        return Sample(
            self.y[index],
            self.v[index],
            X,
            self.measure,
            cells,
            None if self.weights is None else self.weights[index],
            {name: column[index] for name, column in self.columns.items()},
        )


@attrs.frozen(eq=False)
class Pooled:
    """Hold both models and Cochran's Q, each ``()`` or ``(m,)`` where a number.

    ``common`` is None where the sums that the pooling divides by are 0, ``random`` where the pooling has no such model;
    with no residual degrees of freedom its τ² is 0.
    """

    common: Fit | None
    random: Fit | None
    q: FloatArray
    q_df: int


def call(registry: Registry, method: Method, /, *args: object, **inputs: object) -> Any:  # noqa: ANN401 - whatever the record returns
    """Call a record's function; whatever it raises but our own errors becomes a `PluginError` that says where."""
    return call_function(registry, method, method.function, *args, **inputs)


def call_function(
    registry: Registry, method: Method, function: Callable[..., Any], /, *args: object, **inputs: object
) -> Any:  # noqa: ANN401 - whatever the function returns
    """Call one of a record's functions as `call` does the function that it is named for."""
    try:
        return function(*args, **inputs)
    except EvisynthError:
        raise
    except (Exception, SystemExit) as error:
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
    pooling = methods.pooling
    own = pooling.random == "own"
    common: Fit = call(methods.registry, pooling, sample, settings.replace(model="common") if own else settings)
    whole, sample = sample, _with_effects(sample)
    y = sample.y
    exists = y.ndim > 1 or bool(np.isfinite(common.coefficients).all() and (np.diagonal(common.covariance) > 0).all())
    if not len(y):
        alone: Fit | None = _own_random(whole, settings, methods) if own else None
        return Pooled(common if exists else None, alone, np.zeros(y.shape[1:]), 0)
    dof = y.shape[0] - sample.X.shape[1]
    plain = common.weighted
    centre = None
    if plain is None or (pooling.centre and settings.centre == "pooled"):
        plain, centre = _centre(sample, common, settings, methods)
    q = plain.rss if centre is None else np.asarray((plain.w * (y - centre) ** 2).sum(axis=0))
    if dof <= 0:
        q = np.zeros_like(q)
    available: Mapping[str, object] = {
        "centre": centre,
        "common": plain,
        "details": details,
        "weights": sample.weights,
    }
    random = _own_random(whole, settings, methods) if own else _random(sample, common, available, settings, methods)
    return Pooled(common if exists else None, random, q, max(dof, 0))


def _with_effects(sample: Sample) -> Sample:
    """Leave out tables that have no effect of their own; in a batch each analysis has as many of them."""
    cells, y = sample.cells, sample.y
    if (cells.kept_in_sums is None) if cells is not None else not sample.columns:
        return sample
    seen = np.isfinite(y)
    if seen.all():
        return sample
    if y.ndim > 1:
        column, row = np.nonzero(seen.T)
        # Fancy indexing of an (k, m) array by rows and columns.
        at = (row.reshape(y.shape[1], -1).T, column.reshape(y.shape[1], -1).T)
        return sample.at(at, sample.X[: at[0].shape[0]])
    return sample.at(seen, sample.X[seen])


RATES = ("events_1", "time_1", "events_2", "time_2")


def rates_without_events(
    y: FloatArray, columns: Mapping[str, FloatArray], methods: Methods, double_zeros: str
) -> BoolArray | None:
    """Find studies that a pooling of events over person-time weighs although they have no effect of their own.

    Without events a difference is 0 over the time observed, and a ratio tells nothing.
    """
    if methods.pooling.tables != "by correction" or double_zeros != "by correction":
        return None
    if methods.measure.uninformative != "never" or not columns.keys() >= set(RATES):
        return None
    x_1, t_1, x_2, t_2 = (columns[name] for name in RATES)
    return np.asarray(np.isnan(y) & (x_1 == 0) & (x_2 == 0) & (t_1 > 0) & (t_2 > 0))


def _centre(sample: Sample, common: Fit, settings: Settings, methods: Methods) -> tuple[WeightedFit, FloatArray | None]:
    """Give the inverse-variance fit, and what to take Q about where that is not its mean."""
    plain = common.weighted or weighted_fit(sample.y, 1.0 / sample.v, sample.X)
    if not (methods.pooling.centre and settings.centre == "pooled"):
        return plain, None
    centre = np.asarray(common.coefficients[0])
    exists = np.isfinite(centre)
    # Where the pooling's own sums are 0 there is only the inverse-variance mean.
    return plain, centre if exists.all() else np.asarray(np.where(exists, centre, plain.coefficients[0]))


def _own_random(sample: Sample, settings: Settings, methods: Methods) -> Fit | None:
    """Ask the pooling for its own random-effects model, of all the tables that it takes."""
    fit: Fit = call(methods.registry, methods.pooling, sample, settings.replace(model="random"))
    return fit if fit.y.ndim > 1 or np.isfinite(fit.coefficients).all() else None


def _random(
    sample: Sample, common: Fit, available: Mapping[str, object], settings: Settings, methods: Methods
) -> Fit | None:
    pooling = methods.pooling
    if pooling.random == "none":
        return None
    y, v, X = sample.y, sample.v, sample.X
    label = common.method if settings.random_weights == "pooled" else "IV"
    if not len(y):
        return None
    if y.shape[0] <= X.shape[1] and not isinstance(methods.tau2.function, GivenTau2):
        # One study cannot tell τ²: both models are that study.
        zero = np.zeros(y.shape[1:])
        return inverse_variance_fit(y, v, X, zero, model="random", method=label, weights=common.weights)
    fitted = estimate_tau2(methods, y, v, X, available)
    return inverse_variance_fit(
        y,
        v,
        X,
        fitted.tau2,
        model="random",
        method=label,
        tau2_fit=fitted,
        estimator=Reestimate(methods),
        weights=common.weights,
    )


@attrs.frozen
class Reestimate:
    """Estimate τ² of other data by the same method; a value, so that a result can be copied and pickled."""

    methods: Methods

    def __call__(self, y: FloatArray, v: FloatArray, X: FloatArray, weights: FloatArray | None = None) -> FloatArray:
        """Give τ², 0 or more."""
        return estimate_tau2(self.methods, y, v, X, {"details": False, "weights": weights}).tau2


_NO_INPUTS: Mapping[str, object] = dict.fromkeys(("centre", "weights", "common"))


def estimate_tau2(
    methods: Methods, y: FloatArray, v: FloatArray, X: FloatArray, available: Mapping[str, object]
) -> Tau2Fit:
    """Ask the estimator for τ², truncate it at 0 and make sure that it is finite; ``k > p`` is the caller's part."""
    record = methods.tau2
    answer = call(methods.registry, record, y, v, X, **record.named_inputs({**_NO_INPUTS, **available}))
    fitted = answer if isinstance(answer, Tau2Fit) else Tau2Fit(np.asarray(answer))
    raw = np.asarray(fitted.tau2, dtype=np.float64)
    problem = None
    if raw.shape != y.shape[1:]:
        problem = (
            f"tau² of shape {raw.shape} for effects of shape {y.shape}: one value per analysis, shape {y.shape[1:]}"
        )
    elif not np.isfinite(raw).all():
        problem = "a tau² that is not finite"
    if problem is not None:
        author = f"{record.kind} {record.name!r} of plugin {methods.registry.provider(record)}"
        msg = f"{author} gave {problem}"
        raise PluginError(msg)
    return fitted if raw.ndim == 0 and raw >= 0.0 else attrs.evolve(fitted, tau2=np.maximum(raw, 0.0))
