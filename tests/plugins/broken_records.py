"""Records that each break one law, so that every check of the conformance kit is seen to fail."""

# ruff: noqa: ANN401, ARG005 - functions that stand in for plugins take what the hook gives and need no types
# pyright: basic

from __future__ import annotations

import html
import itertools
import json
from typing import TYPE_CHECKING, Any, cast

import attrs
import numpy as np

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

_SOURCE = "Nobody (2020), J. Broken Records 1:1"
_INSTALLED = es.default_registry()


def _like(record: Any, function: Callable[..., Any], **changes: Any) -> Any:
    function.__doc__ = "Break a law."
    return attrs.evolve(record, function=function, **changes)


def _raises(*_: object, **__: object) -> Any:
    msg = "broken"
    raise KeyError(msg)


def _raises_for_y(y: Any) -> Any:
    return _raises(y)


# -- estimators of tau² -----------------------------------------------------------------------------------------------

_DL = _INSTALLED.get(es.Tau2Estimator, "DL")


def _dl(y: Any, v: Any, X: Any) -> Any:
    return es.weighted_fit(y, 1 / v, X).rss / es.weighted_fit(y, 1 / v, X).trace


def _first_residual(y: Any, v: Any, X: Any) -> Any:
    return np.asarray(es.weighted_fit(y, np.ones_like(v), X).residuals[0] ** 2)


ESTIMATORS = {
    "answers, and writes nothing into its inputs": _like(_DL, lambda y, v, X: y.sort() or _dl(y, v, X)),
    "one τ² per analysis": _like(_DL, lambda y, v, X: np.zeros(3)),
    "τ² is finite": _like(_DL, lambda y, v, X: np.full(y.shape[1:], np.nan)),
    "what comes with τ² has its shape": _like(_DL, lambda y, v, X: es.Tau2Fit(_dl(y, v, X), se=np.zeros(7))),
    "a shift of y along the columns of X changes nothing": _like(_DL, lambda y, v, X: (y * y).mean(axis=0)),
    "y·2ⁿ with v·4ⁿ gives τ²·4ⁿ exactly": _like(_DL, lambda y, v, X: _dl(y, v, X) + 0.01),
    "the order of studies changes nothing": _like(_DL, _first_residual),
    "entering every study twice changes nothing": attrs.evolve(_DL, duplication_law=True),
    "τ² matches the moment with moment_weights": attrs.evolve(_DL, moment_weights=np.sqrt),
    "an input that says nothing new changes nothing": _like(
        _DL, lambda y, v, X, *, centre=None: _dl(y, v, X) * (1 if centre is None else 2)
    ),
    "analyses side by side are single analyses": _like(_DL, lambda y, v, X: np.full(y.shape[1:], _dl(y, v, X).mean())),
    "the reference is a published source with its year": attrs.evolve(_DL, reference="somebody, somewhere"),
    "the function's docstring says what it does": attrs.evolve(_DL, function=_dl),
}

# -- effect measures and corrections ----------------------------------------------------------------------------------

_MEASURE = es.EffectMeasure("broken", _raises, label="Broken", scale="linear", reference=_SOURCE)


def _column(values: Any) -> Any:
    return values if np.ndim(values) else _raises()


def _refuses_gaps(yi: Any, vi: Any) -> Any:
    return es.MeasuredEffects(yi, np.abs(vi)) if np.isfinite(yi).all() else _raises()


def _spreads_gaps(yi: Any, vi: Any) -> Any:
    return es.MeasuredEffects(yi if np.isfinite(yi + vi).all() else yi * np.nan, np.abs(vi))


MEASURES = {
    "answers, and writes nothing into its inputs": _like(_MEASURE, lambda yi, vi: yi.sort()),
    "parameters are columns of the glossary or inputs that the engine has": _like(
        _MEASURE, lambda yi, vi, colour: es.MeasuredEffects(yi, vi + colour)
    ),
    "returns MeasuredEffects": _like(_MEASURE, lambda yi, vi: (yi, vi)),
    "one effect, variance and mask entry per row": _like(
        _MEASURE, lambda yi, vi: es.MeasuredEffects(yi, vi, ((np.array([True]), "odd"),))
    ),
    "ordinary rows have a finite effect and a positive variance": _like(
        _MEASURE, lambda yi, vi: es.MeasuredEffects(yi, -vi)
    ),
    "the effect of a row depends on that row alone": _like(
        _MEASURE, lambda yi, vi: es.MeasuredEffects(yi - yi.mean(), vi)
    ),
    "a missing value gives a reason, not an exception": _like(_MEASURE, _refuses_gaps),
    "a missing value leaves out its own row, with a reason": _like(_MEASURE, _spreads_gaps),
    "columns that are not there are refused by name": _like(
        _MEASURE, lambda yi=np.nan, vi=np.nan: es.MeasuredEffects(_column(yi), _column(vi))
    ),
    "swapping the arms turns the sign of the effect and keeps its variance": _like(
        _MEASURE, lambda cells: es.MeasuredEffects(cells.effect.a / cells.effect.n_1, 1 / cells.effect.n_1)
    ),
}

_CORRECTION = es.Correction("broken", _raises, reference=_SOURCE)


def _uses(effect: Any, cells: Any, raw: Any = None) -> Any:
    return es.CorrectedCells(raw=raw or cells, effect=effect, variance=cells, sums=cells, spread=cells)


def _everywhere(changed: Any, raw: Any) -> Any:
    return es.CorrectedCells(raw=raw, effect=changed, variance=changed, sums=changed, spread=changed)


def _half_to_one_cell(cells: Any) -> Any:
    return es.Cells(cells.a + 0.5 * cells.any_zero, cells.b, cells.c, cells.d)


CORRECTIONS = {
    "answers, and writes nothing into its inputs": _like(_CORRECTION, lambda cells: cells.a.sort()),
    "each use gets cells of the shape given": _like(_CORRECTION, lambda cells: _uses(cells.at(np.array([0])), cells)),
    "cells are finite and not negative": _like(
        _CORRECTION, lambda cells: _uses(cells.plus(np.full_like(cells.a, -1.0)), cells)
    ),
    "the tables as given are kept in raw": _like(
        _CORRECTION, lambda cells: _uses(cells, cells, cells.plus(np.ones_like(cells.a)))
    ),
    "a table that is changed has an effect": _like(_CORRECTION, lambda cells: _uses(_half_to_one_cell(cells), cells)),
    "tables without a zero are left alone": _like(
        _CORRECTION, lambda cells: _everywhere(cells.plus(np.full_like(cells.a, 0.5)), cells)
    ),
    "tables side by side are corrected as single ones": _like(
        _CORRECTION, lambda cells: _everywhere(cells.plus(cells.any_zero * (0.5 if cells.a.ndim == 1 else 0.25)), cells)
    ),
}

# -- pooling ----------------------------------------------------------------------------------------------------------

_IV = _INSTALLED.get(es.PoolingModel, "IV")


def _pool(change: Callable[[es.Fit], es.Fit]) -> Any:
    return _like(_IV, lambda sample, settings: change(_IV.function(sample, settings)))


def _of_several(fit: es.Fit, change: Callable[[Any], Any]) -> es.Fit:
    return attrs.evolve(fit, coefficients=change(fit.coefficients)) if fit.k > 1 else fit


POOLING = {
    "answers, and writes nothing into its inputs": _like(_IV, lambda sample, settings: sample.y.sort()),
    "one estimate per analysis and one weight per study": _pool(lambda fit: attrs.evolve(fit, w=np.ones(99))),
    "weights are positive and finite": _pool(lambda fit: attrs.evolve(fit, w=-fit.w)),
    "the estimate is finite and its variance positive": _pool(
        lambda fit: attrs.evolve(fit, covariance=0 * fit.covariance)
    ),
    "one study gives that study": _pool(lambda fit: attrs.evolve(fit, covariance=2 * fit.covariance)),
    "the order of studies changes nothing": _pool(lambda fit: attrs.evolve(fit, coefficients=fit.y[:1])),
    "analyses side by side are single analyses": _pool(
        lambda fit: attrs.evolve(fit, coefficients=fit.coefficients + (fit.y.ndim - 1))
    ),
    "a shift of y shifts the estimate": _pool(lambda fit: _of_several(fit, lambda estimate: 1.01 * estimate)),
    "y·2ⁿ with v·4ⁿ gives the estimate times 2ⁿ exactly": _pool(
        lambda fit: _of_several(fit, lambda estimate: estimate + 0.01)
    ),
}

# -- intervals --------------------------------------------------------------------------------------------------------

_WALD = _INSTALLED.get(es.IntervalMethod, "Wald")


def _wald(change: Callable[[es.Estimates], es.Estimates]) -> Any:
    return _like(_WALD, lambda fit, level: change(_WALD.function(fit, level)))


def _of_batch(values: Any) -> Any:
    return values if values.ndim < 2 else values + 1.0


INTERVALS = {
    "answers, and writes nothing into its inputs": _like(_WALD, _raises),
    "inference on every coefficient": _wald(lambda made: attrs.evolve(made, p_value=np.zeros(9))),
    "the level is that asked for and df is positive or None": _wald(lambda made: attrs.evolve(made, df=-1.0)),
    "limits enclose the estimate": _wald(lambda made: attrs.evolve(made, ci_low=made.ci_high, ci_high=made.ci_low)),
    "a higher level gives a wider interval": _like(
        _WALD, lambda fit, level: attrs.evolve(_WALD.function(fit, 1 - level), level=level)
    ),
    "the p-value is below 1 - level where the interval leaves out 0": _wald(
        lambda made: attrs.evolve(made, p_value=np.full_like(made.value, 0.7))
    ),
    "the logarithm of the p-value is its logarithm": _wald(
        lambda made: attrs.evolve(made, log_p_value=np.log10(made.p_value))
    ),
    "a shift of y shifts value and limits": _like(
        _WALD, lambda fit, level: es.symmetric_estimates(fit.coefficients**3, fit.se, level)
    ),
    "where there is no inference there is a note": _wald(lambda made: attrs.evolve(made, se=made.se * np.nan)),
    "-y turns value and limits about 0": _like(
        _WALD,
        lambda fit, level: es.symmetric_estimates(
            fit.coefficients, np.where(fit.coefficients > 0, 1.5, 1.0) * fit.se, level
        ),
    ),
    "y·2ⁿ with v·4ⁿ multiplies value and limits by 2ⁿ exactly": _like(
        _WALD, lambda fit, level: es.symmetric_estimates(fit.coefficients, fit.se + 0.1, level)
    ),
    "analyses side by side are single analyses": _like(
        _WALD, lambda fit, level: es.symmetric_estimates(fit.coefficients, _of_batch(fit.se), level)
    ),
}

_PREDICTION = _INSTALLED.get(es.PredictionInterval, "S")


def _about(change: Callable[[Any, float], Any]) -> Any:
    def limits(fit: es.Fit, level: float) -> es.Limits:
        mean, spread = fit.coefficients[0], np.sqrt(fit.se[0] ** 2 + fit.tau2)
        half = change(spread, es.normal_quantile(level))
        return es.Limits(mean - half, mean + half)

    return _like(_PREDICTION, limits)


PREDICTIONS = {
    "answers, and writes nothing into its inputs": _like(_PREDICTION, _raises),
    "two limits per analysis": _like(_PREDICTION, lambda fit, level: es.Limits(np.zeros(3), np.ones(3))),
    "where there is no interval there is a reason": _like(
        _PREDICTION, lambda fit, level: es.Limits(np.asarray(np.nan), np.asarray(np.nan))
    ),
    "an interval that is empty has no limits": _like(
        _PREDICTION, lambda fit, level: es.Limits(fit.tau2, fit.tau2, empty=True)
    ),
    "limits are in order": _about(lambda spread, z: -spread * z),
    "limits enclose the pooled estimate": _like(
        _PREDICTION, lambda fit, level: es.Limits(fit.coefficients[0] + 1.0, fit.coefficients[0] + 2.0)
    ),
    "at least as wide as mean ± z·τ": _about(lambda spread, z: 0.001 * spread * z),
    "a higher level gives wider limits": _about(lambda spread, z: 100 * spread / z),
    "limits move with y as they should": _like(
        _PREDICTION, lambda fit, level: es.Limits(np.full_like(fit.tau2, -1e6), np.full_like(fit.tau2, 1e6))
    ),
    "y·2ⁿ with v·4ⁿ multiplies limits by 2ⁿ": _about(lambda spread, z: spread * z + 1.0),
    "analyses side by side are single analyses": _about(lambda spread, z: z * (spread + 1e-3 * np.ndim(spread))),
}

_QP = _INSTALLED.get(es.Tau2Interval, "QP")


def _fixed(low: float, high: float) -> Any:
    return _like(_QP, lambda fit, level: es.Limits(np.full_like(fit.tau2, low), np.full_like(fit.tau2, high)))


def _more_in_batches(fit: es.Fit, level: float) -> es.Limits:
    made = _QP.function(fit, level)
    return es.Limits(made.low, made.high * (1.0 + np.ndim(fit.tau2)), reason=made.reason)


TAU2_INTERVALS = {
    "answers, and writes nothing into its inputs": _like(_QP, _raises),
    "limits of τ² are not negative": _fixed(-1.0, 1.0),
    "y·2ⁿ with v·4ⁿ multiplies limits of τ² by 4ⁿ exactly": _fixed(0.0, 1.0),
    "limits are in order": _fixed(1.0, 0.0),
    "two limits per analysis": _like(_QP, lambda fit, level: es.Limits(np.zeros(3), np.ones(3))),
    "where there is no interval there is a reason": _fixed(np.nan, np.nan),
    "a higher level gives wider limits": _like(
        _QP, lambda fit, level: es.Limits(0 * fit.tau2, fit.v.mean(axis=0) * (2 - level))
    ),
    "an interval that is empty has no limits": _like(
        _QP, lambda fit, level: es.Limits(0 * fit.tau2, fit.tau2, empty=True)
    ),
    "a shift of y changes nothing": _like(_QP, lambda fit, level: es.Limits(0 * fit.tau2, fit.coefficients[0] ** 2)),
    "the sign of y changes nothing": _like(
        _QP, lambda fit, level: es.Limits(0 * fit.tau2, (fit.y - fit.y.mean(axis=0)).max(axis=0))
    ),
    "the order of studies changes nothing": _like(
        _QP, lambda fit, level: es.Limits(0 * fit.tau2, (fit.y[0] - fit.y.mean(axis=0)) ** 2)
    ),
    "analyses side by side are single analyses": _like(_QP, _more_in_batches),
}

# -- intervals for single studies --------------------------------------------------------------------------------------

_NORMAL = _INSTALLED.get(es.StudyInterval, "NAsm")
_POISSON = attrs.evolve(_INSTALLED.get(es.StudyInterval, "Poisson"), measures=frozenset({"IR"}))


def _all_known(events: Any, time: Any, level: float) -> Any:
    low, high = _POISSON.function(events, time, level)
    return np.nan_to_num(low), np.nan_to_num(high)


STUDY_INTERVALS = {
    "answers, and writes nothing into its inputs": _like(_NORMAL, lambda effect, se: se.sort()),
    "two limits per row": _like(_NORMAL, lambda effect, se: (effect[:2], effect[:2])),
    "ordinary rows have finite limits": _like(_NORMAL, lambda effect, se: (effect - se, effect + np.inf)),
    "limits lie about the effect": _like(_NORMAL, lambda effect, se: (effect + se, effect + 2 * se)),
    "limits are in order": _like(
        _NORMAL,
        lambda effect, se: (effect - se, np.where(np.arange(effect.size) < 8, effect + se, effect - 2 * se)),
    ),
    "both limits or neither": _like(
        _NORMAL, lambda effect, se: (effect - se, np.where(np.arange(effect.size) < 8, effect + se, np.nan))
    ),
    "limits widen with the level": _like(
        _NORMAL, lambda effect, se, level: (effect - se * (1 - level), effect + se * (1 - level))
    ),
    "the limits of a row depend on that row alone": _like(
        _NORMAL, lambda effect, se: (effect - np.nanmax(se), effect + np.nanmax(se))
    ),
    "a missing value leaves its own row without limits": _like(_POISSON, _all_known),
}

# -- small-study effects ----------------------------------------------------------------------------------------------

_EGGER = _INSTALLED.get(es.BiasTest, "Egger")
_ESTIMATE = es.Estimate(
    value=1.0, se=0.1, ci_low=2.0, ci_high=3.0, statistic=10.0, df=None, p_value=0.0, log_p_value=-9.0, level=0.95
)


def _tested(p_value: Callable[[es.MetaAnalysis], float], **changes: Any) -> Any:
    def test(analysis: es.MetaAnalysis) -> es.BiasResult:
        if analysis.pooled is None:
            return es.BiasResult(name="broken", variant="broken", reason="no effect")
        made = es.BiasResult(name="broken", variant="broken", statistic=1.0, p_value=p_value(analysis))
        return attrs.evolve(made, **changes)

    return _like(_EGGER, test)


BIAS_TESTS = {
    "answers without an exception": _like(_EGGER, _raises),
    "returns BiasResult": _like(_EGGER, lambda analysis: 0.05),
    "a p-value between 0 and 1 (or an index), or a reason": _tested(lambda _: 2.0),
    "the result says what was done": _tested(lambda _: 0.5, name=""),
    "figures are finite numbers": _tested(lambda _: 0.5, figures={"studies": np.inf}),
    "an estimate lies in its interval": _tested(lambda _: 0.5, asymmetry=_ESTIMATE),
    "the sign of the effects does not matter": _tested(lambda a: 0.5 if np.nansum(a.effects.y) > 0 else 0.4),
    "the unit of the effects does not matter": _tested(lambda a: 0.5 if np.nansum(a.effects.v) > 20 else 0.4),
    "the order of studies does not matter": _tested(lambda a: float(a.effects.v[0] / np.nansum(a.effects.v))),
}


def _filled(v: float) -> es.BiasStudy:
    return es.BiasStudy(study="made up", y=0.5, v=v, change="filled")


_TRIM = _INSTALLED.get(es.Adjustment, "trim-and-fill")


def _adjusted(change: Callable[[Any], Any] | None = None, **changes: Any) -> Any:
    def adjust(analysis: es.MetaAnalysis) -> es.BiasResult:
        made = es.BiasResult(name="broken", variant="broken", analysis=analysis, after=analysis.pooled)
        if analysis.pooled is None:
            return attrs.evolve(made, analysis=None, reason="no effect")
        if change is not None:
            own = es.Effects(change(analysis.effects.y), analysis.effects.v, reasons=analysis.effects.reasons)
            again = es.fit(own, settings="metafor", tau2="DL")
            made = attrs.evolve(made, analysis=again, after=again.pooled)
        return attrs.evolve(made, **changes)

    return _like(_TRIM, adjust)


ADJUSTMENTS = {
    "answers without an exception": _like(_TRIM, _raises),
    "returns BiasResult": _like(_TRIM, lambda analysis: analysis),
    "an adjusted effect, or a reason": _adjusted(after=None),
    "effects that are added are finite, with positive variances": _adjusted(studies=(_filled(-1.0),)),
    "effects that are added stand beside the others": _adjusted(studies=(_filled(1.0),)),
    "the result says what was done": _adjusted(variant=""),
    "figures are finite numbers": _adjusted(figures={"missing studies": np.nan}),
    "turned signs turn the answer": _adjusted(np.abs),
    "y·2ⁿ with v·4ⁿ multiplies the answer by 2ⁿ": _adjusted(np.tanh),
}

# -- conversions, converters and reporters ----------------------------------------------------------------------------

_WAN = _INSTALLED.get(es.Conversion, "wan-iqr")


def _converted(function: Callable[..., Any]) -> Any:
    return _like(_WAN, function)


_ROUTE = _INSTALLED.get(es.Route, "effect with variance")
ROUTES = {
    "answers, and writes nothing into its inputs": _like(_ROUTE, lambda yi, vi: yi.sort()),
    "it needs some column of the glossary": _like(_ROUTE, lambda yi=None: es.MeasuredEffects(yi, yi)),
    "parameters are columns of the glossary or inputs that the engine has": _like(
        _ROUTE, lambda yi, colour: es.MeasuredEffects(colour, yi)
    ),
    "returns MeasuredEffects or FilledColumns": _like(_ROUTE, lambda yi, vi: (yi, vi)),
    "it fills columns where its record says so": _like(_ROUTE, lambda yi, vi: es.FilledColumns({"yi": yi})),
    "columns that it fills are of the glossary": _like(
        _ROUTE, lambda yi, vi: es.FilledColumns({"colour": yi}), fills=True
    ),
    "one number per row": _like(_ROUTE, lambda yi, vi: es.MeasuredEffects(yi[:2], vi)),
    "each row depends on itself alone": _like(_ROUTE, lambda yi, vi: es.MeasuredEffects(yi - yi.mean(), vi)),
}
_GUARD = _INSTALLED.get(es.Check, "SDs far apart")
GUARDS = {
    "answers, and writes nothing into its inputs": _like(_GUARD, _raises_for_y),
    "parameters are columns of the glossary or inputs that the engine has": _like(_GUARD, lambda y, colour=None: ()),
    "a mask over the rows": _like(_GUARD, lambda y: ((np.zeros(y.size + 1, dtype=bool), "odd"),)),
    "a message that says what to look at": _like(_GUARD, lambda y: ((np.zeros(y.shape, dtype=bool), " "),)),
    "rows without numbers are not suspected": _like(_GUARD, lambda y: ((~(y > 0), "odd"),)),
}

CONVERSIONS = {
    "answers, and writes nothing into its inputs": _converted(lambda median, q1, q3, n: median.sort()),
    "one number per row for each target": _converted(lambda median, q1, q3, n: (median,)),
    "targets are finite": _converted(lambda median, q1, q3, n: (median, median * np.inf)),
    "each row depends on itself alone": _converted(lambda median, q1, q3, n: (median - median.mean(), q3 - q1)),
    "a missing value leaves missing what depends on it, in its row alone": _converted(
        lambda median, q1, q3, n: (np.nan_to_num(median), q3 - q1)
    ),
    "a shift of the data shifts locations and leaves spreads": _converted(
        lambda median, q1, q3, n: (2 * median + 0 * n, q3 - q1)
    ),
    "another unit multiplies locations and spreads": _converted(
        lambda median, q1, q3, n: (median + 1 + 0 * n, q3 - q1)
    ),
    "statistics that are not positive are refused with every row": attrs.evolve(
        _converted(lambda median, q1, q3, n: (median + 0 * n, q3 - q1)), positive=True
    ),
    "an alternative that is missing is as one that is not given": _converted(
        lambda median, q1, q3, n, mean=None: (median + 0 * n + (0.0 if mean is None else 1.0), q3 - q1)
    ),
    "a missing part leaves missing what depends on it": attrs.evolve(
        _converted(lambda median, q1, q3, n: (median[:1], q3[:1] - q1[:1])), joins_rows=True
    ),
    "example values are known for every source (give them as columns=…)": _like(
        _WAN, lambda flavour: (flavour, flavour)
    ),
}


def _read(source: es.Source) -> es.Table:
    return es.Table(json.loads(source.text.partition("\n")[2]))


def _recognises(source: es.Source) -> float:
    return 1.0 if source.head.startswith(b"FAKE") else 0.0


def _write(studies: es.Studies) -> bytes:
    columns = {name: [None if np.isnan(x) else x for x in column] for name, column in studies.columns.items()}
    return b"FAKE\n" + json.dumps({"study": studies.study, **columns}).encode()


_read.__doc__ = "Read a made-up format."
CONVERTER = es.Converter("fake", _read, recognises=_recognises, write=_write, suffixes=(".fake",), reference=_SOURCE)


def _read_as(change: Callable[[Any], Any], column: str) -> Any:
    return _like(
        CONVERTER, lambda source: es.Table({**_read(source).columns, column: change(_read(source).columns[column])})
    )


CONVERTERS = {
    "recognises without an exception": attrs.evolve(CONVERTER, recognises=_raises),
    "says how sure it is, from 0 to 1": attrs.evolve(CONVERTER, recognises=lambda _: 2.0),
    "what it recognises it reads, or refuses with an error of evisynth's": attrs.evolve(
        CONVERTER, recognises=lambda _: 1.0
    ),
    "writes a table": attrs.evolve(CONVERTER, write=_raises),
    "writes bytes": attrs.evolve(CONVERTER, write=cast("Any", lambda _: "FAKE")),
    "recognises what it has written": attrs.evolve(CONVERTER, write=lambda _: b"OTHER"),
    "reads what it has written": _like(CONVERTER, _raises),
    "names come back as they were": _read_as(lambda names: [name.upper() for name in names], "study"),
    "numbers come back to the bit": _read_as(lambda values: [x if x is None else round(x, 6) for x in values], "yi"),
}

_WRITTEN: dict[bytes, es.Review] = {}
"""Reviews that the made-up format has written, by what it wrote."""


def _write_review(review: es.Review) -> bytes:
    content = f"FAKE REVIEW {len(_WRITTEN)}".encode()
    _WRITTEN[content] = review
    return content


def _read_review(source: es.Source) -> es.Table | es.Review:
    return _WRITTEN[source.content] if source.content in _WRITTEN else _read(source)


def _shortened(review: es.Review) -> es.Review:
    return attrs.evolve(
        review, comparisons=tuple(attrs.evolve(one, outcomes=one.outcomes[:1]) for one in review.comparisons)
    )


_read_review.__doc__ = "Read a made-up format."
_OF_REVIEWS = attrs.evolve(CONVERTER, function=_read_review, write_review=_write_review)
CONVERTERS |= {
    "writes a review": attrs.evolve(CONVERTER, write_review=_raises),
    "recognises the review that it has written": attrs.evolve(CONVERTER, write_review=lambda _: b"OTHER"),
    "reads the review that it has written": attrs.evolve(CONVERTER, write_review=lambda _: b"FAKE REVIEW"),
    "a review's data come back": attrs.evolve(
        _OF_REVIEWS, write_review=lambda review: _write_review(_shortened(review))
    ),
}

_COUNT = itertools.count()


def _report(analysis: es.MetaAnalysis) -> str:
    return "<p>" + html.escape(" ".join(analysis.effects.study)) + "</p>"


_report.__doc__ = "Name the studies."
REPORTER = es.Reporter("fake", _report, media_types={".html": "text/html"}, reference=_SOURCE)
REPORTERS = {
    "offers at least one format": attrs.evolve(REPORTER, media_types={}),
    "formats are suffixes with media types": attrs.evolve(REPORTER, media_types={"html": "text/html"}),
    "reports every review": attrs.evolve(REPORTER, review=_raises),
    "the same review gives the same report": attrs.evolve(REPORTER, review=lambda made: f"<p>{next(_COUNT)}</p>"),
    "reports every analysis": _like(REPORTER, lambda analysis: f"<p>{analysis.pooled.value}</p>"),
    "gives text or bytes that are not empty": _like(REPORTER, lambda analysis: ""),
    "names are escaped": _like(REPORTER, lambda analysis: " ".join(analysis.effects.study) or "-"),
    "the same analysis gives the same report": _like(REPORTER, lambda analysis: str(next(_COUNT))),
    "JSON is strict": _like(REPORTER, lambda analysis: '{"a": NaN}', media_types={".json": "application/json"}),
    "every row of CSV has as many cells as its heading": _like(
        REPORTER, lambda analysis: "a,b\n1\n", media_types={".csv": "text/csv"}
    ),
}

BROKEN = [
    (law, record)
    for family in (
        ESTIMATORS,
        MEASURES,
        CORRECTIONS,
        POOLING,
        INTERVALS,
        PREDICTIONS,
        TAU2_INTERVALS,
        STUDY_INTERVALS,
        BIAS_TESTS,
        ADJUSTMENTS,
        CONVERSIONS,
        ROUTES,
        GUARDS,
        CONVERTERS,
        REPORTERS,
    )
    for law, record in family.items()
]
"""Every law of the kit with a record that breaks it."""
