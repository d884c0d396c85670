"""Adjust a pooled effect for selection of studies by their p-values or effects, by maximum likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import Adjustment, BiasResult, BiasStudy, FloatArray, IntArray, MetaAnalysis, SettingsError, hookimpl
from evisynth_estimators import selection_functions as functions
from evisynth_estimators.selection_fit import Fitted, Sample, without_selection
from evisynth_estimators.selection_plans import SmoothOptions, fit_estimated_cut, fit_smooth, fit_steps
from evisynth_estimators.selection_results import Report, result_of
from evisynth_estimators.selection_steps import Intervals, Steps, intervals_of_effect, intervals_of_p
from evisynth_estimators.small_study_data import Pooled, pooled_studies
from evisynth_estimators.study_sizes import study_sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth_estimators.selection_functions import WeightFunction

HEDGES = "Hedges (1992), Stat. Sci. 7:246-255; Vevea & Hedges (1995), Psychometrika 60:419-435"
WOODS = "Vevea & Woods (2005), Psychol. Methods 10:428-443"
CITKOWICZ = "Citkowicz & Vevea (2017), Psychol. Methods 22:28-41"
PRESTON = "Preston, Ashby & Smyth (2004), J. Eval. Clin. Pract. 10:231-247"
BEGG = "Begg & Mazumdar (1994), Biometrics 50:1088-1101; " + PRESTON
RUST = "Rust, Lehmann & Farley (1990), J. Mark. Res. 27:220-226"
SIDES = ("auto", "left", "right", "two-sided")
ONE_SIDES = ("auto", "left", "right")
PRECISIONS = ("sei", "vi", "ninv", "sqrtninv")
INTERVALS = ("Wald", "profile")
NO_STUDIES = "there are no studies to fit a selection model to"
TOO_FEW = "the model has {parameters} parameters, and there are {k} studies: it needs at least as many"
NO_SIDE = "there is no study that selection applies to"
ZERO_WEIGHT = "a study lies where the weight is fixed at 0, which is impossible under the model"
EQUAL = "all effects are equal: there is no cut point between them"
WITHOUT = "no study has {where}: weights are relative to those with {first}, and against the former they have no limit"
EMPTY = "no study has {where}: its weight is 0"
FEW_THERE = "{count} of the studies have {where}: its weight is hardly known"
CUT = (
    "a cut point that is estimated is not defined under no selection, so that the likelihood ratio has no χ² "
    "distribution; other standard errors take it as given"
)
POWER_UNDEFINED = "delta 2 is not defined under no selection, so that the p-value by χ² is approximate at best"
VEVEA_WOODS = (0.005, 0.01, 0.05, 0.10, 0.25, 0.35, 0.50, 0.65, 0.75, 0.90, 0.95, 0.99, 0.995)
PATTERNS = {
    ("moderate", False): (1, 0.99, 0.95, 0.80, 0.75, 0.65, 0.60, 0.55, 0.50, 0.50, 0.50, 0.50, 0.50, 0.50),
    ("severe", False): (1, 0.99, 0.90, 0.75, 0.60, 0.50, 0.40, 0.35, 0.30, 0.25, 0.10, 0.10, 0.10, 0.10),
    ("moderate", True): (1, 0.99, 0.95, 0.90, 0.80, 0.75, 0.60, 0.60, 0.75, 0.80, 0.90, 0.95, 0.99, 1.00),
    ("severe", True): (1, 0.99, 0.90, 0.75, 0.60, 0.50, 0.25, 0.25, 0.50, 0.60, 0.75, 0.90, 0.99, 1.00),
}
"""Weights of Vevea & Woods (2005), table 1, by pattern and whether selection is two-sided."""
FEWEST = 3


@attrs.frozen(eq=False)
class Setting:
    """Hold an analysis as a selection model takes it."""

    name: str
    made: BiasResult
    sample: Sample
    studies: Pooled
    two_sided: bool
    sign: float
    group: IntArray
    groups: tuple[str, ...]
    terms: tuple[str, ...]
    interval: str
    level: float

    @property
    def z(self) -> FloatArray:
        """The studies' z, positive on the favoured side."""
        return np.asarray(self.sample.y / np.sqrt(self.sample.v))


@attrs.frozen(eq=False)
class Answer:
    """Hold a fit with the names of its δ and what to warn of."""

    fitted: Fitted
    names: tuple[str, ...]
    null: tuple[float, ...]
    df: int
    warnings: tuple[str, ...] = ()
    figures: tuple[tuple[str, float], ...] = ()
    at_end: bool = False
    extra: tuple[tuple[str, float], ...] = ()


def _word(name: str, option: str, value: object, words: Sequence[str]) -> None:
    if value not in words:
        msg = f"{option} of {name} is one of {', '.join(map(repr, words))}, not {value!r}"
        raise SettingsError(msg)


def _ascending(name: str, steps: Sequence[float]) -> tuple[float, ...]:
    """Check cut points of p; 1 is the end of the last interval and may be named."""
    try:
        found = tuple(float(step) for step in steps)
    except (TypeError, ValueError):
        found = ()
    inner = found[:-1] if found and found[-1] == 1.0 else found
    if not inner or any(not 0.0 < step < 1.0 for step in inner) or list(inner) != sorted(set(inner)):
        msg = f"steps of {name} are p-values between 0 and 1 in ascending order, not {steps!r}"
        raise SettingsError(msg)
    return inner


def _deltas(
    name: str, delta: Sequence[float | None] | None, count: int, *, zero: bool
) -> tuple[float | None, ...] | None:
    if delta is None:
        return None
    try:
        found = tuple(None if value is None else float(value) for value in delta)
    except (TypeError, ValueError):
        found = ()
    least = "at least 0" if zero else "positive"
    bad = any(value is not None and not (0.0 <= value < np.inf and (zero or value > 0.0)) for value in found)
    if len(found) != count or bad:
        msg = f"delta of {name} is {count} numbers, each {least} or None for one that is estimated, not {delta!r}"
        raise SettingsError(msg)
    return found


def _made(  # noqa: PLR0913 - one call for all models
    analysis: MetaAnalysis,
    record: tuple[str, str, str],
    fit: Callable[[Setting], Answer | str],
    *,
    estimated: int,
    side: str,
    subset: Sequence[object] | None,
    interval: str,
    sides: Sequence[str] = SIDES,
) -> BiasResult:
    """Prepare the data, fit, and give the result; ``estimated`` is the number of δ of a group."""
    name, variant, reference = record
    _word(name, "side", side, sides)
    _word(name, "interval", interval, INTERVALS)
    studies = pooled_studies(analysis)
    group, groups = _groups(analysis, studies, name, subset)
    common = analysis.settings.model == "common"
    described = f"{variant}, {'common-effect' if common else 'random-effects'} model, maximum likelihood"
    made = BiasResult(name=name, variant=described, k=studies.k, before=analysis.pooled, reference=reference)
    if not studies.k:
        return attrs.evolve(made, reason=NO_STUDIES)
    parameters = studies.p + (not common) + estimated * len(groups)
    if studies.k < parameters:
        return attrs.evolve(made, reason=TOO_FEW.format(parameters=parameters, k=studies.k))
    if not groups:
        return attrs.evolve(made, reason=NO_SIDE)
    chosen = _side(analysis, studies) if side == "auto" else side
    sign = -1.0 if chosen == "left" else 1.0
    sample = Sample.of(sign * studies.y, studies.v, studies.X, common=common)
    setting = Setting(
        name=name,
        made=attrs.evolve(made, side=chosen),
        sample=sample,
        studies=studies,
        two_sided=chosen == "two-sided",
        sign=sign,
        group=group,
        groups=groups,
        terms=tuple(analysis.terms),
        interval=interval,
        level=analysis.settings.level,
    )
    answer = fit(setting)
    if isinstance(answer, str):
        return attrs.evolve(setting.made, reason=answer)
    rows = tuple(
        BiasStudy(study=study, y=float(y), v=float(v), change="weighted")
        for study, y, v in zip(studies.study, studies.y, studies.v, strict=True)
    )
    report = Report(
        made=attrs.evolve(setting.made, warnings=answer.warnings, figures=dict(answer.figures)),
        terms=setting.terms,
        sign=sign,
        names=answer.names,
        null=answer.null,
        df=answer.df,
        base=without_selection(sample),
        rows=rows,
        interval=interval,
        level=setting.level,
        at_end=answer.at_end,
        extra=answer.extra,
    )
    return result_of(answer.fitted, report)


def _side(analysis: MetaAnalysis, studies: Pooled) -> str:
    """Give the direction of the pooled effect, or of the mean of a meta-regression's effects."""
    pooled = analysis.pooled
    mean = float((studies.y / studies.v).sum()) if pooled is None else pooled.value
    return "left" if mean < 0.0 else "right"


def _groups(
    analysis: MetaAnalysis, studies: Pooled, name: str, subset: Sequence[object] | None
) -> tuple[IntArray, tuple[str, ...]]:
    """Number the groups with a selection of their own, -1 for studies that are not selected."""
    if subset is None:
        return np.zeros(studies.k, dtype=np.int64), ("",)
    values = list(subset)
    if len(values) != len(analysis.effects):
        msg = (
            f"subset of {name} is one entry for each of {len(analysis.effects)} studies (True, False or the name of a "
            f"group), and here are {len(values)}"
        )
        raise SettingsError(msg)
    mine = [values[row] for row in studies.rows]
    out = [value is None or value is False or (isinstance(value, np.bool_) and not value) for value in mine]
    labels = tuple(dict.fromkeys(str(value) for value, skipped in zip(mine, out, strict=True) if not skipped))
    places = [-1 if skipped else labels.index(str(value)) for value, skipped in zip(mine, out, strict=True)]
    return np.array(places, dtype=np.int64).reshape(-1), labels if len(labels) > 1 else ("",) * len(labels)


def _label(name: str, group: str) -> str:
    return f"{name} ({group})" if group else name


# -- step functions ----------------------------------------------------------------------------------------------------


def step(  # noqa: PLR0913 - options of the model
    analysis: MetaAnalysis,
    *,
    steps: Sequence[float] = (0.025, 0.05, 0.5),
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    decreasing: bool = False,
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Fit weights that are constant between cut points of p, relative to that of the smallest p.

    ``steps`` are the cut points, of one-sided p-values in the direction of ``side`` or of two-sided ones; ``delta``
    fixes weights (None for one that is estimated); with ``decreasing`` weights do not increase with p.
    """
    record = ("selection: step", "step function", HEDGES)
    return _stepped(analysis, record, steps, delta, side, decreasing, subset, interval)


def three_parameters(
    analysis: MetaAnalysis,
    *,
    side: str = "auto",
    decreasing: bool = False,
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Fit one weight for studies that are not significant (one-sided p > .025): mean, τ² and the weight."""
    record = ("selection: 3PSM", "step function with a step at 0.025", HEDGES)
    return _stepped(analysis, record, (0.025,), None, side, decreasing, subset, interval)


def four_parameters(
    analysis: MetaAnalysis,
    *,
    side: str = "auto",
    decreasing: bool = False,
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Fit a weight for studies that are not significant and one for those in the other direction (p > .5)."""
    record = ("selection: 4PSM", "step function with steps at 0.025 and 0.5", HEDGES)
    return _stepped(analysis, record, (0.025, 0.5), None, side, decreasing, subset, interval)


def _stepped(  # noqa: PLR0913, PLR0917 - options of the model, passed on
    analysis: MetaAnalysis,
    record: tuple[str, str, str],
    steps: Sequence[float],
    delta: Sequence[float | None] | None,
    side: str,
    decreasing: bool,  # noqa: FBT001 - passed on
    subset: Sequence[object] | None,
    interval: str,
) -> BiasResult:
    name = record[0]
    cuts = _ascending(name, steps)
    given = _deltas(name, delta, len(cuts) + 1, zero=True)
    if given is not None and given[0] is None:
        given = (1.0, *given[1:])
    if decreasing and (given is not None or interval == "profile"):
        msg = f"decreasing of {name} goes with weights that are estimated and Wald intervals"
        raise SettingsError(msg)
    estimated = len(cuts) if given is None else sum(value is None for value in given)

    def fit(setting: Setting) -> Answer | str:
        intervals = intervals_of_p(setting.z, cuts, two_sided=setting.two_sided)
        fitted, made = fit_steps(setting.sample, intervals, setting.group, given, decreasing=decreasing)
        if made.impossible:
            return ZERO_WEIGHT
        texts = _texts(cuts)
        return _step_answer(setting, fitted, made, texts, estimated, given)

    if decreasing:
        record = (name, f"{record[1]}, weights that do not increase", record[2])
    return _made(analysis, record, fit, estimated=estimated, side=side, subset=subset, interval=interval)


def _texts(cuts: Sequence[float]) -> tuple[str, ...]:
    low = ["", *(f"{cut:g} < " for cut in cuts)]
    high = [*(f" ≤ {cut:g}" for cut in cuts), ""]
    found = [f"{a}p{b}" for a, b in zip(low, high, strict=True)]
    found[-1] = f"p > {cuts[-1]:g}"
    return tuple(found)


def _step_answer(  # noqa: PLR0913, PLR0917 - parts of one answer
    setting: Setting,
    fitted: Fitted,
    made: Steps,
    texts: tuple[str, ...],
    estimated: int,
    given: tuple[float | None, ...] | None,
) -> Answer:
    names: list[str] = []
    warnings: list[str] = []
    figures: list[tuple[str, float]] = []
    for g, group in enumerate(setting.groups):
        names += [_label(f"delta {j + 1}: {text}", group) for j, text in enumerate(texts)]
        figures += [(_label(f"studies with {text}", group), float(made.counts[g, j])) for j, text in enumerate(texts)]
        first = made.first[g]
        for j, text in enumerate(texts):
            where = _label(text, group)
            if not made.counts[g, j] and j < first:
                warnings.append(WITHOUT.format(where=where, first=texts[first]))
            elif not made.counts[g, j] and (given is None or given[j] is None):
                warnings.append(EMPTY.format(where=where))
            elif made.counts[g, j] < FEWEST and (given is None or given[j] is None):
                warnings.append(FEW_THERE.format(count=made.counts[g, j], where=where))
    return Answer(
        fitted,
        tuple(names),
        (1.0,) * len(names),
        estimated * len(setting.groups),
        tuple(warnings),
        tuple(figures),
    )


def fixed_weights(  # noqa: PLR0913 - options of the model
    analysis: MetaAnalysis,
    *,
    delta: str | Sequence[float] = "moderate",
    steps: Sequence[float] = VEVEA_WOODS,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Take the weights as given: how would the mean change under this selection?

    ``delta`` is ``"moderate"`` or ``"severe"`` selection as Vevea and Woods tabulated it for their ``steps`` (one- and
    two-sided), or a weight for every interval between ``steps``.
    """
    name = "selection: fixed weights"
    if isinstance(delta, str):
        _word(name, "delta", delta, ("moderate", "severe"))
        given: Sequence[float] = PATTERNS[delta, side == "two-sided"]
        variant = f"step function with {delta} selection fixed"
    else:
        given, variant = delta, "step function with weights fixed"
        if any(value is None for value in given):
            _deltas(name, (), 1, zero=True)
    return _stepped(analysis, (name, variant, WOODS), steps, given, side, False, subset, interval)  # noqa: FBT003 - no constraint


# -- smooth functions --------------------------------------------------------------------------------------------------


@attrs.frozen
class _Smooth:
    """Hold the choices of a smooth weight function."""

    name: str
    variant: str
    reference: str
    function: WeightFunction

    def adjust(  # noqa: PLR0913 - options of the models
        self,
        analysis: MetaAnalysis,
        *,
        delta: Sequence[float | None] | None,
        side: str,
        subset: Sequence[object] | None,
        interval: str,
        prec: str | None = None,
        n: Sequence[float] | None = None,
        steps: Sequence[float] | None = None,
        censor: tuple[float, float] = (1e-5, 1e-5),
    ) -> BiasResult:
        function = self.function
        given = _deltas(
            self.name,
            delta,
            len(function.names),
            zero=not (function.reach_of_power or function is functions.BETA),
        )
        alpha: float | None = None
        variant = self.variant
        if steps is not None:
            cuts = _ascending(self.name, steps)
            if len(cuts) != 1:
                msg = f"steps of {self.name} is one p-value below which every study is published, not {steps!r}"
                raise SettingsError(msg)
            alpha = cuts[0]
            variant += f", w = 1 for p ≤ {alpha:g}"
        if prec is not None:
            _word(self.name, "prec", prec, PRECISIONS)
            variant += f", by precision ({prec})"
        estimated = len(function.names) if given is None else sum(value is None for value in given)

        def fit(setting: Setting) -> Answer | str:
            precision = None if prec is None else _precision(analysis, setting.studies, prec, n)
            if isinstance(precision, str):
                return precision
            fitted = fit_smooth(
                setting.sample,
                SmoothOptions(
                    function=function,
                    two_sided=setting.two_sided,
                    group=setting.group,
                    precision=precision,
                    alpha=alpha,
                    censor=censor,
                    delta=given,
                ),
            )
            names = tuple(_label(part, group) for group in setting.groups for part in function.names)
            null = function.null[: len(function.names)] * len(setting.groups)
            two = function is functions.NEGATIVE_EXPONENTIAL_POWER and estimated == len(function.names)
            return Answer(
                fitted,
                names,
                null,
                estimated * len(setting.groups),
                (POWER_UNDEFINED,) if two else (),
                at_end=function.at_end,
            )

        return _made(
            analysis,
            (self.name, variant, self.reference),
            fit,
            estimated=estimated,
            side=side,
            subset=subset,
            interval=interval,
        )


def _precision(analysis: MetaAnalysis, studies: Pooled, prec: str, n: Sequence[float] | None) -> FloatArray | str:
    """Give how imprecise each study is, 1 for the least precise."""
    if prec in {"sei", "vi"}:
        size = np.sqrt(studies.v) if prec == "sei" else studies.v
    else:
        sizes = study_sizes(analysis, studies, n)
        if isinstance(sizes, str):
            return sizes
        size = 1.0 / (np.sqrt(sizes) if prec == "sqrtninv" else sizes)
    return np.asarray(size / size.max())


_BETA = _Smooth("selection: beta", "beta density as the weight", CITKOWICZ, functions.BETA)
_TRUNCATED_BETA = attrs.evolve(_BETA, name="selection: truncated beta")
_HALF_NORMAL = _Smooth("selection: half-normal", "exp(-δ p²)", PRESTON, functions.HALF_NORMAL)
_EXPONENTIAL = _Smooth("selection: negative exponential", "exp(-δ p)", PRESTON, functions.NEGATIVE_EXPONENTIAL)
_LOGISTIC = _Smooth("selection: logistic", "2 exp(-δ p)/(1 + exp(-δ p))", PRESTON, functions.LOGISTIC)
_POWER = _Smooth("selection: power", "(1 - p)^δ", PRESTON, functions.POWER)
_EXPONENTIAL_POWER = _Smooth(
    "selection: negative exponential power", "exp(-δ₁ p^(1/δ₂))", BEGG, functions.NEGATIVE_EXPONENTIAL_POWER
)


def beta(  # noqa: PLR0913 - options of the model
    analysis: MetaAnalysis,
    *,
    censor: float = 1e-5,
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by p^(δ₁ - 1) (1 - p)^(δ₂ - 1); δ₁ = δ₂ = 1 is no selection.

    p nearer to 0 or 1 than ``censor`` counts as that, which keeps weights finite.
    """
    if not 0.0 < censor < 0.5:  # noqa: PLR2004 - the middle of p
        msg = f"censor of selection: beta lies between 0 and 0.5, not {censor!r}"
        raise SettingsError(msg)
    return _BETA.adjust(analysis, delta=delta, side=side, subset=subset, interval=interval, censor=(censor, censor))


def truncated_beta(  # noqa: PLR0913 - options of the model
    analysis: MetaAnalysis,
    *,
    steps: Sequence[float] = (0.025, 0.975),
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by a beta density of p between ``steps``, and by its values there for p outside them."""
    cuts = _ascending(_TRUNCATED_BETA.name, steps)
    if len(cuts) != 2:  # noqa: PLR2004 - two ends
        msg = f"steps of {_TRUNCATED_BETA.name} are the two p-values between which the weight varies, not {steps!r}"
        raise SettingsError(msg)
    low, high = cuts
    record = attrs.evolve(
        _TRUNCATED_BETA, variant=f"beta density as the weight, constant outside {low:g} < p < {high:g}"
    )
    return record.adjust(analysis, delta=delta, side=side, subset=subset, interval=interval, censor=(low, 1.0 - high))


def half_normal(  # noqa: PLR0913 - options of the model
    analysis: MetaAnalysis,
    *,
    prec: str | None = None,
    n: Sequence[float] | None = None,
    steps: Sequence[float] | None = None,
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by exp(-δ p²), δ ≥ 0; ``prec`` multiplies δ, and ``steps`` is a p below which w is 1."""
    return _HALF_NORMAL.adjust(
        analysis, delta=delta, side=side, subset=subset, interval=interval, prec=prec, n=n, steps=steps
    )


def negative_exponential(  # noqa: PLR0913 - options of the model
    analysis: MetaAnalysis,
    *,
    prec: str | None = None,
    n: Sequence[float] | None = None,
    steps: Sequence[float] | None = None,
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by exp(-δ p), δ ≥ 0; ``prec`` multiplies δ, and ``steps`` is a p below which w is 1."""
    return _EXPONENTIAL.adjust(
        analysis, delta=delta, side=side, subset=subset, interval=interval, prec=prec, n=n, steps=steps
    )


def logistic(  # noqa: PLR0913 - options of the model
    analysis: MetaAnalysis,
    *,
    prec: str | None = None,
    n: Sequence[float] | None = None,
    steps: Sequence[float] | None = None,
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by 2 exp(-δ p)/(1 + exp(-δ p)), δ ≥ 0; ``prec`` multiplies δ, below ``steps`` w is 1."""
    return _LOGISTIC.adjust(
        analysis, delta=delta, side=side, subset=subset, interval=interval, prec=prec, n=n, steps=steps
    )


def power(  # noqa: PLR0913 - options of the model
    analysis: MetaAnalysis,
    *,
    prec: str | None = None,
    n: Sequence[float] | None = None,
    steps: Sequence[float] | None = None,
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by (1 - p)^δ, δ ≥ 0; ``prec`` multiplies δ, below ``steps`` w is 1; 1 - p is at least 1e-5."""
    return _POWER.adjust(
        analysis, delta=delta, side=side, subset=subset, interval=interval, prec=prec, n=n, steps=steps
    )


def negative_exponential_power(  # noqa: PLR0913 - options of the model
    analysis: MetaAnalysis,
    *,
    prec: str | None = None,
    n: Sequence[float] | None = None,
    steps: Sequence[float] | None = None,
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Weigh studies by exp(-δ₁ p^(1/δ₂)), with δ₂ between 1/32 and 20."""
    return _EXPONENTIAL_POWER.adjust(
        analysis, delta=delta, side=side, subset=subset, interval=interval, prec=prec, n=n, steps=steps
    )


# -- truncation at an effect -------------------------------------------------------------------------------------------


def truncated(  # noqa: PLR0913 - options of the model
    analysis: MetaAnalysis,
    *,
    cut: float = 0.0,
    delta: Sequence[float | None] | None = None,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Fit one weight for effects that do not lie beyond ``cut`` (on the analysis scale) on the favoured side."""
    name = "selection: truncated"
    given = _deltas(name, delta, 1, zero=True)
    if not np.isfinite(cut):
        msg = f"cut of {name} is an effect on the analysis scale, not {cut!r}"
        raise SettingsError(msg)
    estimated = 1 if given is None or given[0] is None else 0

    def fit(setting: Setting) -> Answer | str:
        sample = setting.sample
        intervals = intervals_of_effect(sample.y, np.sqrt(sample.v), setting.sign * float(cut))
        both = None if given is None else (1.0, *given)
        fitted, made = fit_steps(sample, intervals, setting.group, both, decreasing=False)
        if made.impossible:
            return ZERO_WEIGHT
        return _step_answer(setting, fitted, made, _beyond(setting, float(cut)), estimated, both)

    variant = f"effects cut at {cut:g}"
    return _made(
        analysis,
        (name, variant, RUST),
        fit,
        estimated=estimated,
        side=side,
        subset=subset,
        interval=interval,
        sides=ONE_SIDES,
    )


def _beyond(setting: Setting, cut: float) -> tuple[str, str]:
    return (f"y > {cut:g}", f"y ≤ {cut:g}") if setting.sign > 0.0 else (f"y < {cut:g}", f"y ≥ {cut:g}")


def truncated_estimated(
    analysis: MetaAnalysis,
    *,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Fit one weight for effects below a cut point that is estimated too, with a study on either side of it."""
    name = "selection: truncated, estimated cut"

    def fit(setting: Setting) -> Answer | str:
        if len(setting.groups) > 1:
            return "one cut point is estimated, for one selection: subset says which studies it applies to"
        found = fit_estimated_cut(setting.sample, setting.group)
        if found is None:
            return EQUAL
        fitted, made, edge = found
        cut = setting.sign * edge
        texts = ("y beyond the cut point", "y up to the cut point")
        answer = _step_answer(setting, fitted, made, texts, 1, None)
        return attrs.evolve(answer, df=0, warnings=(CUT, *answer.warnings), extra=(("cut", cut),))

    return _made(
        analysis,
        (name, "effects cut at a point that is estimated", RUST),
        fit,
        estimated=2,
        side=side,
        subset=subset,
        interval=interval,
        sides=ONE_SIDES,
    )


_RECORDS: tuple[tuple[str, Callable[..., BiasResult], str, str], ...] = (
    ("step", step, HEDGES, "type='stepfun', steps=…"),
    ("3PSM", three_parameters, HEDGES, "type='stepfun', steps=.025"),
    ("4PSM", four_parameters, HEDGES, "type='stepfun', steps=c(.025,.5)"),
    ("fixed weights", fixed_weights, WOODS, "type='stepfun', steps=…, delta=…"),
    ("beta", beta, CITKOWICZ, "type='beta'"),
    ("truncated beta", truncated_beta, CITKOWICZ, "type='beta', steps=c(.025,.975)"),
    ("half-normal", half_normal, PRESTON, "type='halfnorm'"),
    ("negative exponential", negative_exponential, PRESTON, "type='negexp'"),
    ("logistic", logistic, PRESTON, "type='logistic'"),
    ("power", power, PRESTON, "type='power'"),
    ("negative exponential power", negative_exponential_power, BEGG, "type='negexppow'"),
    ("truncated", truncated, RUST, "type='trunc'"),
    ("truncated, estimated cut", truncated_estimated, RUST, "type='truncest'"),
)


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer the selection models."""
    return [
        Adjustment(
            f"selection: {name}", function, reference=reference, r_equivalent=f"metafor::selmodel(res, {equivalent})"
        )
        for name, function, reference, equivalent in _RECORDS
    ]
