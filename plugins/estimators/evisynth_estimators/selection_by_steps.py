"""Adjust a pooled effect for selection of studies by a step function of their p-values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import Adjustment, BiasResult, MetaAnalysis, SettingsError, hookimpl
from evisynth_estimators.selection_plans import fit_steps
from evisynth_estimators.selection_settings import Answer, Setting, adjust, check_deltas, check_steps, check_word
from evisynth_estimators.selection_step_answer import ZERO_WEIGHT, step_answer
from evisynth_estimators.selection_steps import intervals_of_p

if TYPE_CHECKING:
    from collections.abc import Sequence

HEDGES = "Hedges (1992), Stat. Sci. 7:246-255; Vevea & Hedges (1995), Psychometrika 60:419-435"
WOODS = "Vevea & Woods (2005), Psychol. Methods 10:428-443"
VEVEA_WOODS = (0.005, 0.01, 0.05, 0.10, 0.25, 0.35, 0.50, 0.65, 0.75, 0.90, 0.95, 0.99, 0.995)
PATTERNS = {
    ("moderate", False): (1, 0.99, 0.95, 0.80, 0.75, 0.65, 0.60, 0.55, 0.50, 0.50, 0.50, 0.50, 0.50, 0.50),
    ("severe", False): (1, 0.99, 0.90, 0.75, 0.60, 0.50, 0.40, 0.35, 0.30, 0.25, 0.10, 0.10, 0.10, 0.10),
    ("moderate", True): (1, 0.99, 0.95, 0.90, 0.80, 0.75, 0.60, 0.60, 0.75, 0.80, 0.90, 0.95, 0.99, 1.00),
    ("severe", True): (1, 0.99, 0.90, 0.75, 0.60, 0.50, 0.25, 0.25, 0.50, 0.60, 0.75, 0.90, 0.99, 1.00),
}
"""Weights of Vevea & Woods (2005), table 1, by pattern and whether selection is two-sided."""


def step(
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


def _stepped(
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
    cuts = check_steps(name, steps)
    given = check_deltas(name, delta, len(cuts) + 1, zero=True)
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
        return step_answer(setting, fitted, made, texts, estimated, given)

    if decreasing:
        record = (name, f"{record[1]}, weights that do not increase", record[2])
    return adjust(analysis, record, fit, estimated=estimated, side=side, subset=subset, interval=interval)


def _texts(cuts: Sequence[float]) -> tuple[str, ...]:
    low = ["", *(f"{cut:g} < " for cut in cuts)]
    high = [*(f" ≤ {cut:g}" for cut in cuts), ""]
    found = [f"{a}p{b}" for a, b in zip(low, high, strict=True)]
    found[-1] = f"p > {cuts[-1]:g}"
    return tuple(found)


def fixed_weights(
    analysis: MetaAnalysis,
    *,
    delta: str | Sequence[float] = "moderate",
    steps: Sequence[float] = VEVEA_WOODS,
    side: str = "auto",
    subset: Sequence[object] | None = None,
    interval: str = "Wald",
) -> BiasResult:
    """Take the weights as given, to see how the mean would change under this selection.

    ``delta`` is ``"moderate"`` or ``"severe"`` selection as Vevea and Woods tabulated it for their ``steps`` (one- and
    two-sided), or a weight for every interval between ``steps``.
    """
    name = "selection: fixed weights"
    if isinstance(delta, str):
        check_word(name, "delta", delta, ("moderate", "severe"))
        given: Sequence[float] = PATTERNS[delta, side == "two-sided"]
        variant = f"step function with {delta} selection fixed"
    else:
        given, variant = delta, "step function with weights fixed"
        if None in (missing := list[object](given)):
            msg = f"delta of {name} is a weight for every interval, not {missing!r}: 'selection: step' estimates some"
            raise SettingsError(msg)
    return _stepped(analysis, (name, variant, WOODS), steps, given, side, False, subset, interval)  # noqa: FBT003 - no constraint


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer step functions."""
    return [
        Adjustment(
            "selection: step",
            step,
            formula="w(p) = δⱼ where aⱼ₋₁ < p ≤ aⱼ, δ₁ = 1; density of yᵢ: w(pᵢ) φ(yᵢ; xᵢβ, vᵢ + τ²)/E(w(p(Y)))",
            reference=HEDGES,
            r_equivalent="metafor::selmodel(res, type='stepfun', steps=…)",
        ),
        Adjustment(
            "selection: 3PSM",
            three_parameters,
            formula="w(p) = 1 where p ≤ 0.025, δ elsewhere; density of yᵢ: w(pᵢ) φ(yᵢ; xᵢβ, vᵢ + τ²)/E(w(p(Y)))",
            reference=HEDGES,
            r_equivalent="metafor::selmodel(res, type='stepfun', steps=.025)",
        ),
        Adjustment(
            "selection: 4PSM",
            four_parameters,
            formula="w(p) = 1 where p ≤ 0.025, δ₂ where p ≤ 0.5, δ₃ elsewhere; density of yᵢ: w(pᵢ) φ(yᵢ; "
            "xᵢβ, vᵢ + τ²)/E(w(p(Y)))",
            reference=HEDGES,
            r_equivalent="metafor::selmodel(res, type='stepfun', steps=c(.025,.5))",
        ),
        Adjustment(
            "selection: fixed weights",
            fixed_weights,
            formula="w(p) = δⱼ where aⱼ₋₁ < p ≤ aⱼ, δⱼ as given; density of yᵢ: w(pᵢ) φ(yᵢ; xᵢβ, vᵢ + τ²)/E(w(p(Y)))",
            reference=WOODS,
            r_equivalent="metafor::selmodel(res, type='stepfun', steps=…, delta=…)",
        ),
    ]
