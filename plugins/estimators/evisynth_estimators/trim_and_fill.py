"""Fill in the studies that an asymmetric funnel plot lacks."""

from __future__ import annotations

import math

import attrs
import numpy as np

from evisynth import (
    Adjustment,
    BiasResult,
    BiasStudy,
    Effects,
    FloatArray,
    MetaAnalysis,
    SettingsError,
    fit,
    hookimpl,
)
from evisynth_estimators.egger import asymmetry_slope

REFERENCE = "Duval & Tweedie (2000), J. Am. Stat. Assoc. 95:89-98; Duval & Tweedie (2000), Biometrics 56:455-463"
ESTIMATORS = ("L0", "R0", "Q0")
SIDES = ("auto", "left", "right")
MODELS = ("analysis", "common", "random")
TOO_FEW = "trim and fill needs at least 3 studies, and here are {k}"
MODERATORS = "trim and fill is for one pooled effect, not for a meta-regression"
NO_SIDE = "all studies are equally precise, so the regression cannot tell the side: choose side 'left' or 'right'"
UNDEFINED = "estimator Q0 is not defined for effects that lie this far to one side"
UNSETTLED = "the number of missing studies does not settle: it goes round {cycle}"
BY_INVERSE_VARIANCE = (
    "effects that are filled in come without study data: all are pooled by inverse variance instead of {method}"
)
FEWEST = 3
MAX_STEPS = 100


def trim_and_fill(
    analysis: MetaAnalysis,
    *,
    estimator: str = "L0",
    side: str = "auto",
    trim_by: str = "analysis",
    fill_by: str = "analysis",
) -> BiasResult:
    """Trim the outlying studies until their number is stable, then fill in their mirror images about the trimmed mean.

    The number is estimated from signed ranks by ``estimator`` ``"L0"``, ``"R0"`` or ``"Q0"``. ``side`` is where
    studies are missing; ``"auto"`` is the right where the slope of the effects on the standard error is negative and
    the left otherwise; of equal effects the one that stands later in the table is trimmed first. The trimmed mean (and
    the slope) are by the model ``trim_by``, the filled analysis is by the model ``fill_by``: ``"analysis"`` (its own),
    ``"common"`` or ``"random"``, with the τ² estimator and interval of the analysis. Small studies on one side move the
    common-effect mean less, and meta trims by it. Without a missing study the result is the analysis itself, by the
    model ``fill_by``. The standard error among ``figures`` is left out where the formula's variance is
    negative, as it may be for an estimate far below 0; ``p_value``, of no missing studies, goes with R0 alone. The
    result has a reason instead for fewer than 3 studies, for a meta-regression and where the number does not settle.
    Raises `SettingsError` for another estimator, side or model.
    """
    _check("estimator", estimator, ESTIMATORS)
    _check("side", side, SIDES)
    _check("trim_by", trim_by, MODELS)
    _check("fill_by", fill_by, MODELS)
    trim_model, fill_model = (analysis.settings.model if by == "analysis" else by for by in (trim_by, fill_by))
    rows = list(analysis.effect_rows)
    variant = estimator
    if (trim_by, fill_by) != ("analysis", "analysis"):
        variant = f"{estimator}, trimmed by the {trim_model} and filled by the {fill_model} model"
    made = BiasResult(name="trim-and-fill", variant=variant, k=len(rows), before=analysis.pooled, reference=REFERENCE)
    if analysis.is_regression:
        return attrs.evolve(made, reason=MODERATORS)
    if len(rows) < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(k=len(rows)))
    chosen = _side(analysis, trim_model) if side == "auto" else side
    if chosen is None:
        return attrs.evolve(made, reason=NO_SIDE)
    made = attrs.evolve(made, side=chosen)
    sign = -1.0 if chosen == "right" else 1.0
    effects = analysis.effects
    # On mirrored effects the missing studies are always on the left.
    y, v = sign * effects.y[rows], effects.v[rows]
    order = np.argsort(y, kind="stable")
    found = _missing(_Mean(analysis, trim_model, sign), y[order], v[order], estimator)
    if isinstance(found, str):
        return attrs.evolve(made, reason=found)
    count, centre, raw = found
    trimmed: list[int] = [rows[i] for i in order[len(rows) - count :].tolist()]
    added = tuple(
        BiasStudy(
            study=f"Filled: {effects.study_id[i]}",
            y=2.0 * sign * centre - float(effects.y[i]),
            v=float(effects.v[i]),
            change="filled",
        )
        for i in trimmed
    )
    filled = _filled(analysis, added, fill_model)
    figures = {"missing studies": float(count), "SE of missing studies": _standard_error(raw, len(rows), estimator)}
    return attrs.evolve(
        made,
        analysis=filled,
        after=filled.pooled,
        studies=added,
        figures={name: value for name, value in figures.items() if value is not None},
        # Under no missing studies each sign is a fair coin, and R0 = k₀ takes a run of k₀ + 1 of them.
        p_value=0.5 ** (count + 1) if estimator == "R0" else None,
        warnings=(BY_INVERSE_VARIANCE.format(method=analysis.model.method),)
        if added and analysis.model.method != "IV"
        else (),
    )


def _check(option: str, value: str, words: tuple[str, ...]) -> None:
    if value not in words:
        msg = f"{option} of trim-and-fill is one of {', '.join(map(repr, words))}, not {value!r}"
        raise SettingsError(msg)


def _side(analysis: MetaAnalysis, model: str) -> str | None:
    if model != analysis.settings.model:
        rows = list(analysis.effect_rows)
        y, v = analysis.effects.y[rows], analysis.effects.v[rows]
        analysis = _refit(analysis, Effects(y, v, measure=analysis.effects.measure, scale=analysis.scale), model)
    slope = asymmetry_slope(analysis)
    if slope is None:
        return None
    return "right" if slope < 0 else "left"


@attrs.frozen
class _Mean:
    """Pool effects, mirrored where ``sign`` is -1, by a model of the analysis."""

    analysis: MetaAnalysis
    model: str
    sign: float

    def of(self, y: FloatArray, v: FloatArray) -> float:
        if y[0] == y[-1]:
            # A mean of equal numbers may differ from them by a rounding, which would give every deviation a sign.
            return float(y[0])
        effects = Effects(self.sign * y, v, measure=self.analysis.effects.measure, scale=self.analysis.scale)
        pooled = _refit(self.analysis, effects, self.model)
        assert pooled.fit is not None  # noqa: S101 - there are effects to pool
        return self.sign * float(pooled.fit.coefficients[0])


def _missing(mean: _Mean, y: FloatArray, v: FloatArray, estimator: str) -> tuple[int, float, float] | str:
    """Give the number of missing studies, the trimmed mean and the unrounded number, or a reason; y ascends."""
    k = y.size
    count, path = 0, [0]
    for _ in range(MAX_STEPS):
        centre = mean.of(y[: k - count], v[: k - count])
        raw = _estimate(y - centre, estimator)
        if math.isnan(raw):
            return UNDEFINED
        # A count is rounded half up, as its authors do, and of k studies k - 1 can be mirrored.
        new = min(max(0, math.floor(raw + 0.5)), k - 1)
        if new == count:
            return count, centre, raw
        if new in path:
            return UNSETTLED.format(cycle=" → ".join(map(str, [*path[path.index(new) :], new])))
        count = new
        path.append(count)
    return UNSETTLED.format(cycle=" → ".join(map(str, path[-5:])))


def _estimate(deviations: FloatArray, estimator: str) -> float:
    """Estimate how many studies are missing on the left; not rounded, negative where the funnel leans the other way."""
    k = deviations.size
    size = np.abs(deviations)
    positive = deviations > 0
    if estimator == "R0":
        largest_other = float(size[~positive].max(initial=0.0))
        return float(np.count_nonzero(positive & (size > largest_other))) - 1.0
    rank_sum = float(_midranks(size)[positive].sum())
    if estimator == "L0":
        return (4.0 * rank_sum - k * (k + 1)) / (2.0 * k - 1.0)
    square = 2.0 * k * k - 4.0 * rank_sum + 0.25
    return k - 0.5 - math.sqrt(square) if square >= 0.0 else math.nan


def _midranks(size: FloatArray) -> FloatArray:
    """Rank from 1, equal sizes sharing the mean of their ranks."""
    _, place, counts = np.unique(size, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - 0.5 * (counts - 1))[place]


def _standard_error(raw: float, k: int, estimator: str) -> float | None:
    """Give the standard error of the number of missing studies: its variance under k₀ missing at the estimate."""
    if estimator == "R0":
        return math.sqrt(2.0 * max(0.0, raw) + 2.0)
    rank_sum_variance = (
        k * (k + 1) * (2 * k + 1)
        + 10 * raw**3
        + 27 * raw**2
        + 17 * raw
        - 18 * k * raw**2
        - 18 * k * raw
        + 6 * k**2 * raw
    ) / 24
    slope = 4 / (2 * k - 1) if estimator == "L0" else 2 / (k - 0.5 - raw)
    return slope * math.sqrt(rank_sum_variance) if rank_sum_variance >= 0 else None


def _filled(analysis: MetaAnalysis, added: tuple[BiasStudy, ...], model: str) -> MetaAnalysis:
    if not added and model == analysis.settings.model:
        return analysis
    effects = analysis.effects
    return _refit(
        analysis,
        Effects(
            np.concatenate([effects.y, [study.y for study in added]]),
            np.concatenate([effects.v, [study.v for study in added]]),
            study=[*effects.study_id, *(study.study for study in added)],
            measure=effects.measure,
            label=effects.label,
            scale=analysis.scale,
            reasons=effects.reasons,
            plugin=effects.plugin,
        ),
        model,
    )


def _refit(analysis: MetaAnalysis, effects: Effects, model: str) -> MetaAnalysis:
    # The effects of swapped events have been turned already.
    settings = analysis.settings.replace(swap_events=False)
    return fit(effects, settings=settings, registry=analysis.methods.registry, method="IV", model=model)


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer trim and fill."""
    return [
        Adjustment(
            "trim-and-fill",
            trim_and_fill,
            formula="L₀ = (4T - k(k + 1))/(2k - 1), T the sum of the ranks of |yᵢ - θ̂| where yᵢ > θ̂; R₀ = γ "
            "- 1, γ the length of the run of positive signs that ends the order by |yᵢ - θ̂|; Q₀ = k "
            "- ½ - √(2k² - 4T + ¼); 2θ̂ - yᵢ of the largest yᵢ is filled "
            "in, where studies are missing on the left",
            reference=REFERENCE,
            r_equivalent="metafor::trimfill(res)",
        ),
    ]
