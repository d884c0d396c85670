"""Take an analysis as a selection model does: its side, its groups of studies, its options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import BiasResult, BiasStudy, SettingsError
from evisynth_estimators.selection_fit import Sample, without_selection
from evisynth_estimators.selection_results import Report, result_of
from evisynth_estimators.small_study_data import pooled_studies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth import FloatArray, IntArray, MetaAnalysis
    from evisynth_estimators.selection_fit import Fitted
    from evisynth_estimators.small_study_data import Pooled

SIDES = ("auto", "left", "right", "two-sided")
INTERVALS = ("Wald", "profile")
NO_STUDIES = "there are no studies to fit a selection model to"
TOO_FEW = "the model has {parameters} parameters, and there are {k} studies: it needs at least as many"
NO_SIDE = "there is no study that selection applies to"


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


def check_word(name: str, option: str, value: object, words: Sequence[str]) -> None:
    """Refuse a word that is none of those an option takes."""
    if value not in words:
        msg = f"{option} of {name} is one of {', '.join(map(repr, words))}, not {value!r}"
        raise SettingsError(msg)


def check_steps(name: str, steps: Sequence[float] | float) -> tuple[float, ...]:
    """Check cut points of p, or one alone; 1 is the end of the last interval and may be named."""
    try:
        found = (float(steps),) if isinstance(steps, int | float) else tuple(float(step) for step in steps)
    except (TypeError, ValueError):
        found = ()
    inner = found[:-1] if found and found[-1] == 1.0 else found
    if not inner or any(not 0.0 < step < 1.0 for step in inner) or list(inner) != sorted(set(inner)):
        msg = f"steps of {name} are p-values between 0 and 1 in ascending order, not {steps!r}"
        raise SettingsError(msg)
    return inner


def check_deltas(
    name: str, delta: Sequence[float | None] | None, count: int, *, zero: bool
) -> tuple[float | None, ...] | None:
    """Check weights that are fixed, ``count`` of them, None for those that are estimated."""
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


def adjust(
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
    check_word(name, "side", side, sides)
    check_word(name, "interval", interval, INTERVALS)
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
    """Give each study the number of the group whose selection it shares, -1 for studies that are not selected."""
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


def in_group(name: str, group: str) -> str:
    """Name a parameter of a group of studies."""
    return f"{name} ({group})" if group else name
