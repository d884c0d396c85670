"""Adjust a pooled effect for selection of studies by the size of their effects: truncation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import Adjustment, BiasResult, MetaAnalysis, SettingsError, hookimpl
from evisynth_estimators.selection_plans import fit_estimated_cut, fit_steps
from evisynth_estimators.selection_settings import Answer, Setting, adjust, check_deltas
from evisynth_estimators.selection_step_answer import ZERO_WEIGHT, step_answer
from evisynth_estimators.selection_steps import intervals_of_effect

if TYPE_CHECKING:
    from collections.abc import Sequence

RUST = "Rust, Lehmann & Farley (1990), J. Mark. Res. 27:220-226"
ONE_SIDES = ("auto", "left", "right")
EQUAL = "all effects are equal: there is no cut point between them"
CUT = (
    "a cut point that is estimated is not defined under no selection, so that the likelihood ratio has no χ² "
    "distribution; other standard errors take it as given"
)


def truncated(
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
    given = check_deltas(name, delta, 1, zero=True)
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
        return step_answer(setting, fitted, made, _beyond(setting, float(cut)), estimated, both)

    variant = f"effects cut at {cut:g}"
    return adjust(
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
        answer = step_answer(setting, fitted, made, texts, 1, None)
        return attrs.evolve(answer, df=0, warnings=(CUT, *answer.warnings), extra=(("cut", cut),))

    return adjust(
        analysis,
        (name, "effects cut at a point that is estimated", RUST),
        fit,
        estimated=2,
        side=side,
        subset=subset,
        interval=interval,
        sides=ONE_SIDES,
    )


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer truncation at a given and at an estimated effect."""
    return [
        Adjustment(
            "selection: truncated",
            truncated,
            formula="w(y) = 1 where y > cut, δ elsewhere; density of yᵢ: w(yᵢ) φ(yᵢ; xᵢβ, vᵢ + τ²)/E(w(Y))",
            reference=RUST,
            r_equivalent="metafor::selmodel(res, type='trunc')",
        ),
        Adjustment(
            "selection: truncated, estimated cut",
            truncated_estimated,
            formula="w(y) = 1 where y > cut, δ elsewhere, cut estimated; density of yᵢ: w(yᵢ) φ(yᵢ; xᵢβ, vᵢ + "
            "τ²)/E(w(Y))",
            reference=RUST,
            r_equivalent="metafor::selmodel(res, type='truncest')",
        ),
    ]
