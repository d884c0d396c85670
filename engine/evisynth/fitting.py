"""The verbs `effects` and `fit`: from a table or effect sizes to a meta-analysis."""

from __future__ import annotations

import math
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, overload

import attrs
import numpy as np

from evisynth.errors import CombinationError, DataError, SettingsError
from evisynth.kernels.arrays import FloatArray, read_only
from evisynth.kernels.weighted_fit import intercept
from evisynth.measuring import CONVENTIONS, has_effects_alone, measure_studies
from evisynth.pooling import Methods, Pooled, Sample, estimate_tau2, given_tau2, pool, rates_without_events
from evisynth.presets import resolve_settings
from evisynth.records import (
    GIVEN,
    Correction,
    EffectMeasure,
    IntervalMethod,
    Method,
    PoolingModel,
    PredictionInterval,
    StudyInterval,
    Tau2Estimator,
    Tau2Interval,
)
from evisynth.registry import Registry, default_registry
from evisynth.results import MetaAnalysis, Subgroup
from evisynth.scales import OF_THE_ENGINE
from evisynth.settings import Settings
from evisynth.studies import LEFT_OUT, NOT_COUNTED, ONLY_IN_SUBGROUP, Effects, Studies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth.designs import Columns, Design, Moderators
    from evisynth.reviews.analysis import ReviewAnalysis
    from evisynth.reviews.model import Review

RULES = ("increment", "increment_to")
DEFAULT = "revman-web"
"""Preset of an analysis that names none."""
NO_LABEL = "(no label)"
"""Name of the subgroup of studies whose label is missing."""

Data: TypeAlias = Any
"""`Studies`, `Effects`, or anything that `load` takes: a path, a DataFrame, a mapping of columns."""

_OWN_KIND: Mapping[str, type[Method]] = {
    "measure": EffectMeasure,
    "method": PoolingModel,
    "tau2": Tau2Estimator,
    "interval": IntervalMethod,
    "prediction": PredictionInterval,
    "tau2_interval": Tau2Interval,
    "study_interval": StudyInterval,
    "i2_interval": Tau2Interval,
    "correction": Correction,
}


def canonical_words(given: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """Spell the methods named in a request as their records do; raises `UnknownMethodError`."""
    return {
        word: registry.get(_OWN_KIND[word], value).name if word in _OWN_KIND and _names_a_method(value) else value
        for word, value in given.items()
    }


def _names_a_method(value: object) -> bool:
    # A number stands for τ² itself, and what is no name at all is for the settings to refuse.
    return value is not None and not isinstance(value, int | float)


def effects(
    data: Data,
    measure: str | None = None,
    *,
    settings: str | Settings = DEFAULT,
    registry: Registry | None = None,
    **words: Any,  # noqa: ANN401 - the fields of Settings
) -> Effects:
    """Compute the effect size and variance of every study.

    ``words`` are fields of `Settings`. Raises `DataError` for columns that the measure needs and the table lacks.
    """
    registry = registry or default_registry()
    if measure is not None:
        words["measure"] = measure
    studies, resolved, _ = _table_request(data, settings, words, registry)
    return measure_studies(studies, resolved, registry)


@overload
def fit(
    data: Review,
    measure: str | None = None,
    *,
    settings: str | Settings | None = None,
    registry: Registry | None = None,
    **words: Any,  # noqa: ANN401 - the fields of Settings
) -> ReviewAnalysis: ...


@overload
def fit(
    data: Data,
    measure: str | None = None,
    *,
    settings: str | Settings | None = None,
    exclude: Sequence[str] = (),
    by: str | Sequence[str | None] | None = None,
    moderators: Moderators = None,
    columns: Columns = None,
    weights: str | Sequence[float] | FloatArray | None = None,
    registry: Registry | None = None,
    **words: Any,  # noqa: ANN401 - the fields of Settings
) -> MetaAnalysis: ...


def fit(  # noqa: C901, PLR0913 - keyword-only, each a part of the request, and a step or two for each
    data: Data,
    measure: str | None = None,
    *,
    settings: str | Settings | None = None,
    exclude: Sequence[str] = (),
    by: str | Sequence[str | None] | None = None,
    moderators: Moderators = None,
    columns: Columns = None,
    weights: str | Sequence[float] | FloatArray | None = None,
    registry: Registry | None = None,
    **words: Any,
) -> MetaAnalysis | ReviewAnalysis:
    """Pool studies, or effect sizes, into a meta-analysis; or every outcome of a review by its own settings.

    ``data`` is `Studies`, `Effects` or anything `load` takes. ``settings`` is a preset's name or a `Settings` (unless
    given, those that effects were measured by, else ``"revman-web"``);
    ``words`` (``method="MH"``, ``model="random"``, ``tau2="REML"``, ``interval="HK"``, ``level=0.95`` …, the fields of
    `Settings`) take precedence over it. ``exclude`` names studies to leave out, ``by`` is a column (or labels, one a
    row) to make subgroups of. ``moderators`` are a formula (a text that begins with a tilde, ``"~ dose + C(design)"``),
    numeric columns by name, a mapping of columns, a matrix ``(k, q)`` beside an intercept, or a `Design`; ``columns``
    are columns that a formula or names are looked up in, beside those of the studies. A `Review` takes ``exclude`` of
    these, and ``settings`` in the place of what its files state of estimators and intervals.
    ``weights`` are weights of one's own, a column by name or one a row, in the place of inverse variances.

    Raises `DataError` for impossible data, `UnknownMethodError` and `CombinationError` for methods that are not there
    or do not go together, `PluginError` where a method fails.
    """
    registry = registry or default_registry()
    if measure is not None:
        words["measure"] = measure
    if _is_review(data):
        return _fit_review(data, settings, exclude, registry, words, (by, moderators, columns, weights))
    if isinstance(data, Effects):
        measured = data
        record = registry.get(EffectMeasure, data.measure)
        if words.get("measure") not in (None, data.measure, record.name):
            msg = f"the effects given are {data.measure}, not {words['measure']}: give the study data instead"
            raise CombinationError(msg)
        words["measure"] = record.name
        resolved, methods = resolve(settings or measured.made_by or DEFAULT, words, registry)
        measured, resolved = _as_measured(measured, resolved, methods, words)
        if record.scale == GIVEN and measured.scale not in OF_THE_ENGINE:
            # What stands for no effect is the effects' own matter.
            methods = attrs.evolve(methods, measure=attrs.evolve(record, scale=measured.display_scale))
    else:
        studies, resolved, methods = _table_request(data, settings or DEFAULT, words, registry)
        measured = measure_studies(studies, resolved, registry)
    if exclude:
        measured = leave_out(measured, exclude)
    if weights is not None:
        measured = measured.replace(weights=_own_weights(measured, weights))
    _refuse_weights(measured, resolved, methods)
    design = _design(measured, moderators, columns)
    _refuse_threshold(measured, resolved)
    _refuse_moderators(design, resolved, methods)
    notes: tuple[str, ...] = ()
    labels = _subgroup_labels(measured, by)
    if labels is not None and design is not None:
        msg = "subgroups and moderators are two ways to explain differences: give by or moderators, not both"
        raise CombinationError(msg)
    if labels is not None and any(label is None for label in labels):
        notes = (f"studies without a subgroup label are analysed as a subgroup of their own, {NO_LABEL!r}",)
    if design is None:
        members = None if labels is None else _members(labels)
        return analyse(measured, resolved, methods, members=members, notes=notes)
    return analyse(measured, resolved, methods, design.matrix, design.names, notes=notes, design=design)


def _is_review(data: object) -> TypeGuard[Review]:
    # Whoever holds a review has loaded its module; others need not.
    module = sys.modules.get("evisynth.reviews.model")
    return module is not None and isinstance(data, module.Review)


def _fit_review(
    review: Review,
    settings: str | Settings | None,
    exclude: Sequence[str],
    registry: Registry,
    words: Mapping[str, Any],
    others: Sequence[object],
) -> ReviewAnalysis:
    from evisynth.reviews.analysis import fit_review  # noqa: PLC0415 - only for whole reviews

    if any(other is not None for other in others):
        msg = "a review has its own subgroups: by, moderators, columns and weights are for one table of studies"
        raise SettingsError(msg)
    return fit_review(review, settings, exclude=exclude, registry=registry, **words)


def _own_weights(measured: Effects, weights: str | Sequence[float] | FloatArray) -> object:
    if not isinstance(weights, str):
        return weights
    source = measured.studies
    if source is None or weights not in {**source.columns, **source.text}:
        have = "none" if source is None else ", ".join((*source.columns, *source.text))
        summary = f"there is no column {weights!r} of weights; there are {have}"
        raise DataError(summary)
    return source.columns.get(weights, source.text.get(weights))


def _refuse_threshold(measured: Effects, settings: Settings) -> None:
    if settings.threshold is None or (measured.display_scale.size is not None and measured.display_scale.at is None):
        return
    if not math.isfinite(measured.display_scale.take(settings.threshold)):
        shown = "for ratios is positive" if measured.scale == "log" else f"on the scale {measured.scale} is possible"
        msg = f"a threshold {shown}, as they are shown to readers, and not {settings.threshold!r}"
        raise SettingsError(msg)


def _refuse_moderators(design: Design | None, settings: Settings, methods: Methods) -> None:
    """Raise `CombinationError` for a pooling of whole tables, or an interval that has no theory for moderators."""
    if design is not None and methods.pooling.tables in {"all", "informative"}:
        msg = f"method {methods.pooling.name!r} takes no moderators: choose method 'IV'"
        raise CombinationError(msg)
    if design is None or design.matrix.shape[1] == 1 or settings.model != "random":
        return
    interval = methods.interval
    by_rule = interval.name == "HK" and settings.adhoc == "IQWiG6"
    if by_rule or not interval.moderators:
        rule = "IQWiG's rule" if by_rule else f"interval {interval.name}"
        msg = f"{rule} is for a pooled effect, not for coefficients of moderators: choose HK, KR, t or permutation"
        raise CombinationError(msg)


def _refuse_weights(measured: Effects, settings: Settings, methods: Methods) -> None:
    if (measured.weights is not None or settings.weighting == "equal") and not methods.pooling.weights:
        msg = f"method {methods.pooling.name!r} has weights of its own: choose method 'IV' for weights of one's own"
        raise CombinationError(msg)


def _as_measured(
    measured: Effects, resolved: Settings, methods: Methods, words: Mapping[str, Any]
) -> tuple[Effects, Settings]:
    """Make sure that the settings of the analysis are those that its effects were measured by."""
    made_by, record = measured.made_by, methods.measure
    if made_by is None:
        if resolved.swap_events:
            msg = "effect sizes that were given cannot have their events swapped: give the study data"
            raise CombinationError(msg)
        if "scale" in words and record.scale == "given":
            return measured.replace(scale=resolved.scale), resolved
        if measured.scale not in OF_THE_ENGINE:
            return measured, resolved
        return measured, resolved if resolved.scale == measured.scale else resolved.replace(scale=measured.scale)
    names = [name for name in ("scale", *CONVENTIONS, "vtype") if name in record.parameters]
    if record.counts:
        names += ["correction", *RULES, "double_zeros", "mh_increment", "swap_events"]
        names += ["method"] if "method" in methods.correction.parameters else []
    elif "increments" in record.parameters:
        names += ["correction", *RULES]
    if "level" in record.parameters:
        names.append("given_level")
    other = [
        f"{name} {getattr(made_by, name)!r}" for name in names if getattr(made_by, name) != getattr(resolved, name)
    ]
    if other:
        msg = (
            f"these effects were measured with {', '.join(other)}, unlike the settings of the analysis: "
            "give the study data, or the same settings"
        )
        raise CombinationError(msg)
    return measured, resolved


def resolve(settings: str | Settings, words: Mapping[str, Any], registry: Registry) -> tuple[Settings, Methods]:
    """Resolve a request whose measure is known into settings and methods; one asked before is remembered."""
    try:
        # 1 and True are equal keys, but not equal words.
        return _resolve_words(settings, tuple(sorted(words.items())), registry, tuple(map(type, words.values())))
    except TypeError:
        # A word that cannot be hashed is not a word: let the settings say so.
        return _resolve_words.__wrapped__(settings, tuple(words.items()), registry)


@lru_cache(maxsize=256)
def _resolve_words(
    settings: str | Settings,
    words: tuple[tuple[str, Any], ...],
    registry: Registry,
    kinds: tuple[type, ...] = (),  # noqa: ARG001 - part of the key
) -> tuple[Settings, Methods]:
    given = canonical_words(dict(words), registry)
    record = registry.get(EffectMeasure, given["measure"])
    resolved = resolve_settings(settings, given, record)
    methods = find_methods(resolved, registry)
    if resolved.vtype is not None and resolved.vtype not in record.variances:
        have = ", ".join(record.variances) or "one only, without a name"
        msg = f"measure {record.name} has no variance of type {resolved.vtype!r}; types: {have}"
        raise CombinationError(msg)
    if methods.pooling.random == "own" and ("tau2" in given or resolved.tau2_common):
        msg = (
            f"method {methods.pooling.name!r} estimates by itself how much effects differ: "
            "leave tau2 and tau2_common out, or choose method 'IV'"
        )
        raise CombinationError(msg)
    if methods.pooling.random == "none" and resolved.model == "random":
        if "model" in given:
            msg = f"method {methods.pooling.name!r} has no random-effects model: choose model 'common'"
            raise CombinationError(msg)
        resolved = resolved.replace(model="common")
    return resolved, methods


def find_methods(settings: Settings, registry: Registry) -> Methods:
    """Look up the records that the settings name and check that they go together."""
    measure = registry.get(EffectMeasure, settings.measure or "GEN")
    pooling = registry.get(PoolingModel, settings.method)
    if pooling.measures is not None and measure.name not in pooling.measures:
        fits = ", ".join(sorted(pooling.measures))
        msg = f"method {pooling.name!r} pools {fits}, not {measure.name}: choose method {measure.default_method!r}"
        raise CombinationError(msg)
    bounds = None if settings.study_interval is None else registry.get(StudyInterval, settings.study_interval)
    if bounds is not None and bounds.measures is not None and measure.name not in bounds.measures:
        fits = ", ".join(sorted(bounds.measures))
        msg = f"study interval {bounds.name!r} is for {fits}, not {measure.name}: choose 'NAsm', or none"
        raise CombinationError(msg)
    return Methods(
        measure=measure,
        correction=registry.get(Correction, settings.correction),
        pooling=pooling,
        tau2=registry.get(Tau2Estimator, settings.tau2)
        if isinstance(settings.tau2, str)
        else given_tau2(settings.tau2),
        interval=registry.get(IntervalMethod, settings.interval),
        common_interval=registry.get(IntervalMethod, "Wald"),
        prediction=None if settings.prediction is None else registry.get(PredictionInterval, settings.prediction),
        tau2_interval=None if settings.tau2_interval is None else registry.get(Tau2Interval, settings.tau2_interval),
        i2_interval=None if settings.i2_interval is None else registry.get(Tau2Interval, settings.i2_interval),
        study_interval=bounds,
        registry=registry,
    )


def analyse(  # noqa: PLR0913 - each a part of the request that has been resolved
    measured: Effects,
    settings: Settings,
    methods: Methods,
    matrix: FloatArray | None = None,
    terms: tuple[str, ...] = ("intercept",),
    members: Mapping[str, Sequence[int]] | None = None,
    notes: tuple[str, ...] = (),
    design: Design | None = None,
    only_in_subgroups: Sequence[int] = (),
) -> MetaAnalysis:
    """Pool effects under settings whose methods have been found.

    ``matrix`` is the design, with a row for every row of ``measured``, and ``terms`` names its columns; ``design`` is
    what it was taken from. ``members`` gives the rows of each subgroup, of which those ``only_in_subgroups`` are not
    pooled overall.
    """
    whole = measured
    if only_in_subgroups:
        apart = dict.fromkeys(only_in_subgroups, ONLY_IN_SUBGROUP)
        whole = measured.replace(reasons=dict(sorted({**measured.reasons, **apart}.items())))
    rows, pooled, X = _pool_rows(whole, settings, methods, matrix, terms)
    subgroups: tuple[Subgroup, ...] = ()
    if members is not None:
        subgroups = _subgroups(measured, settings, methods, members, rows, pooled)
    return MetaAnalysis(whole, settings, methods, X, terms, rows, pooled, subgroups, notes, design)


def _pool_rows(
    measured: Effects, settings: Settings, methods: Methods, design: FloatArray | None, terms: Sequence[str]
) -> tuple[Sequence[int], Pooled | None, FloatArray]:
    rows, sample = sample_of(measured, settings, methods, design)
    X = sample.X
    if not rows or (X.shape[1] > 1 and len(rows) < X.shape[1]):
        return rows, None, X
    if design is not None:
        from evisynth.designs import refuse_dependent  # noqa: PLC0415 - only for meta-regression

        refuse_dependent(X, terms)
    return rows, pool(sample, settings, methods), X


def sample_of(
    measured: Effects, settings: Settings, methods: Methods, design: FloatArray | None
) -> tuple[Sequence[int], Sample]:
    """Take the rows that are pooled (from 0) and their arrays; ``design`` has a row for every row of ``measured``."""
    used, cells = measured.used, measured.cells
    if cells is not None:
        cells = cells.weighing(methods.pooling.tables, settings.double_zeros)
        if cells.kept_in_sums is not None and methods.pooling.tables != "by correction":
            left_out = [i for i, reason in measured.reasons.items() if reason in NOT_COUNTED]
            cells.kept_in_sums[left_out] = False
    source: Mapping[str, FloatArray] = {} if measured.studies is None else measured.studies.columns
    columns = {name: source[name] for name in methods.pooling.columns if name in source}
    y, v = measured.y, measured.v
    weights = measured.weights
    if weights is None and settings.weighting == "equal":
        weights = np.ones(y.shape)
    # A range costs nothing where a million rows are all in use.
    rows: Sequence[int] = range(y.shape[0])
    if used is not None:
        if cells is not None:
            kept = cells.kept_in_sums
        else:
            kept = rates_without_events(measured.y, columns, methods, settings.double_zeros)
            if kept is not None:
                kept[[i for i, reason in measured.reasons.items() if reason in NOT_COUNTED]] = False
        keep = used if kept is None else used | kept
        index = np.nonzero(keep)[0]
        rows = tuple(index.tolist())
        y = read_only(np.where(used, y, np.nan)[index])
        v = read_only(np.where(used, v, np.nan)[index])
        cells = None if cells is None else cells.at(index)
        if cells is not None and kept is not None:
            cells = attrs.evolve(cells, kept_in_sums=kept[index])
        design = None if design is None else read_only(design[index])
        weights = None if weights is None else read_only(weights[index])
        columns = {name: read_only(column[index]) for name, column in columns.items()}
    X = intercept(y.shape[0]) if design is None else design
    return rows, Sample(y, v, X, methods.measure.name, cells, weights, columns)


def _table_request(
    data: Data, settings: str | Settings, words: Mapping[str, Any], registry: Registry
) -> tuple[Studies, Settings, Methods]:
    from evisynth.loading import load_studies  # noqa: PLC0415 - effects need no reader, and pathlib is slow to import

    studies = data if isinstance(data, Studies) else load_studies(data, registry=registry)
    measure = words.get("measure") or (settings.measure if isinstance(settings, Settings) else None)
    words = {**words, "measure": measure or _only_generic(studies)}
    resolved, methods = resolve(settings, words, registry)
    if (
        resolved.method != "IV"
        and "method" not in words
        and isinstance(settings, str)
        and has_effects_alone(studies.columns, methods.measure, registry)
    ):
        label = methods.pooling.label
        resolved, methods = resolve(settings, {**words, "method": "IV"}, registry)
        note = f"pooled by inverse variance, not {label}: some studies have no table of counts, only statistics of it"
        studies = attrs.evolve(studies, notes=(*studies.notes, note))
    return studies, resolved, methods


def _only_generic(studies: Studies) -> str:
    if {"yi", "estimate"} & studies.columns.keys():
        return "GEN"
    if "o_e" in studies.columns:
        return "O-E"
    have = ", ".join(studies.columns) or "no numbers"
    msg = f"which effect measure? The table has {have}: give measure='RR', 'OR', 'RD', 'MD', 'SMD', …"
    raise SettingsError(msg)


def leave_out(measured: Effects, exclude: Sequence[str]) -> Effects:
    """Leave out studies by name; raises `DataError` for a name that no study has."""
    names = [exclude] if isinstance(exclude, str) else list(exclude)
    found: list[int] = []
    for name in names:
        rows = [
            i
            for i, (label, own) in enumerate(zip(measured.study, measured.study_id, strict=True))
            if name in (label, own)
        ]
        if not rows:
            have = ", ".join(measured.study_id[:20]) + (" …" if len(measured) > 20 else "")  # noqa: PLR2004 - a readable line
            summary = f"cannot leave out {name!r}: no study has that name; there are {have}"
            raise DataError(summary)
        found += rows
    return leave_out_rows(measured, found)


def leave_out_rows(measured: Effects, rows: Sequence[int]) -> Effects:
    """Keep rows in the table, from 0, but out of the analysis."""
    reasons = {**measured.reasons, **dict.fromkeys(rows, LEFT_OUT)}
    cells = measured.cells
    if cells is not None and cells.kept_in_sums is not None:
        keep = cells.kept_in_sums.copy()
        keep[[i for i, reason in reasons.items() if reason == LEFT_OUT]] = False
        cells = attrs.evolve(cells, kept_in_sums=keep)
    return measured.replace(reasons=dict(sorted(reasons.items())), cells=cells)


def _design(measured: Effects, moderators: Moderators, columns: Columns) -> Design | None:
    if moderators is None:
        if columns is not None:
            msg = "columns are where moderators are looked up: say which, as in moderators='~ dose'"
            raise SettingsError(msg)
        return None
    from evisynth.designs import design_of  # noqa: PLC0415 - only for meta-regression

    return design_of(measured, moderators, columns)


def _subgroup_labels(measured: Effects, by: str | Sequence[str | None] | None) -> Sequence[str | None] | None:
    if by is None:
        return None
    if not isinstance(by, str):
        if len(by) != len(measured):
            summary = f"there are {len(by)} subgroup labels for {len(measured)} studies"
            raise DataError(summary)
        return [None if label is None or label != label else str(label) for label in by]  # noqa: PLR0124 - NaN
    source = measured.studies
    column = None if source is None else source.text.get(by)
    if column is None and source is not None and by in source.columns:
        column = tuple(None if np.isnan(value) else f"{value:g}" for value in source.columns[by])
    if column is None:
        have = ", ".join(source.text) if source is not None and source.text else "none"
        summary = f"there is no column {by!r} to make subgroups of; text columns: {have}"
        raise DataError(summary)
    return column


def _members(labels: Sequence[str | None]) -> Mapping[str, Sequence[int]]:
    members: dict[str, list[int]] = {}
    for i, label in enumerate(labels):
        members.setdefault(NO_LABEL if label is None else label, []).append(i)
    return members


def _subgroups(
    measured: Effects,
    settings: Settings,
    methods: Methods,
    members: Mapping[str, Sequence[int]],
    rows: Sequence[int],
    pooled: Pooled | None,
) -> tuple[Subgroup, ...]:
    fitted = None if pooled is None else pooled.random if settings.model == "random" else pooled.common
    share: dict[int, float] = {}
    if fitted is not None and fitted.w.shape[0] == len(rows):
        share = dict(zip(rows, (100.0 * fitted.w / fitted.w.sum()).tolist(), strict=True))
    if settings.tau2_common:
        tau2 = _tau2_within(measured, methods, members.values())
        if tau2 is not None:
            settings, methods = settings.replace(tau2=tau2), attrs.evolve(methods, tau2=given_tau2(tau2))
    return tuple(
        Subgroup(
            name,
            analyse(measured.take(index), settings, methods),
            tuple(index),
            _weight_shown(settings, share, index),
        )
        for name, index in members.items()
    )


def _weight_shown(settings: Settings, share: Mapping[int, float], rows: Sequence[int]) -> float | None:
    """Give a subgroup's weight: its share of the overall where that is shown, all where only subtotals are."""
    if settings.totals == "subgroups":
        return 100.0
    return sum(share.get(i, 0.0) for i in rows) if share and settings.totals == "overall" else None


def _tau2_within(measured: Effects, methods: Methods, members: Iterable[Sequence[int]]) -> float | None:
    """Estimate the τ² that all subgroups share: that of a regression on the subgroups; None where it cannot be."""
    usable = np.isfinite(measured.y) if measured.used is None else measured.used
    groups = [index for index in (np.array(rows)[usable[rows]] for rows in members) if index.size]
    rows = np.concatenate([np.empty(0, dtype=np.int64), *groups])
    if rows.size <= len(groups):
        return None
    dummies = np.repeat(np.eye(len(groups)), [index.size for index in groups], axis=0)
    weights = None if measured.weights is None else measured.weights[rows]
    return float(estimate_tau2(methods, measured.y[rows], measured.v[rows], dummies, {"weights": weights}).tau2)
