"""Adjust the pooled effect by its regression on standard errors or variances: PET, PEESE and the choice of the two."""

from __future__ import annotations

import attrs
import numpy as np

from evisynth import (
    Adjustment,
    BiasResult,
    Effects,
    Estimate,
    FloatArray,
    MetaAnalysis,
    SettingsError,
    fit,
    hookimpl,
    power_of_two_scale,
)
from evisynth_estimators.small_study_data import Pooled, pooled_studies, usual_warnings
from evisynth_estimators.unrestricted_least_squares import MODERATORS, unrestricted_fit

REFERENCE = (
    "Stanley & Doucouliagos (2014), Res. Synth. Methods 5:60-78; Stanley (2008), Oxf. Bull. Econ. Stat. 70:103-127"
)
TOO_FEW = "{name} needs at least 3 studies, and here are {k}"
EQUAL = "all studies are equally precise: there is nothing to regress on"
ON_A_LINE = "the effects lie on a line exactly: there is no residual variance to infer from"
NO_SIDE = "the pooled effect is 0, so it does not tell the direction of the test: choose side 'positive' or 'negative'"
FEWEST = 3
VARIANTS = {
    "multiplicative": "weighted least squares with multiplicative error, Student's t",
    "meta-regression": "meta-regression by the model, tau² estimator and interval of the analysis",
}
TESTS = {"one-sided": 0.05, "two-sided": 0.10}
"""Sizes of the test of PET's intercept: the authors' one-sided 5 %, and the two-sided 10 % of others."""
SIDES = ("auto", "positive", "negative")


def pet(analysis: MetaAnalysis, *, variant: str = "multiplicative") -> BiasResult:
    """Regress the effects on their standard errors and take the intercept, the effect at a standard error of 0.

    The precision-effect test. ``asymmetry`` is the slope (the funnel-asymmetry test is Egger's). ``variant`` is
    ``"multiplicative"`` (weights 1/v, an error variance from the residuals, Student's t with k - 2 degrees of freedom)
    or ``"meta-regression"`` (the analysis' own model). The result has a reason instead for fewer than 3 studies, for
    equal precisions, effects on a line and a meta-regression. Raises `SettingsError` for another variant.
    """
    return _adjusted(analysis, "PET", variant)


def peese(analysis: MetaAnalysis, *, variant: str = "multiplicative") -> BiasResult:
    """Regress the effects on their variances and take the intercept, the effect at a variance of 0.

    The precision-effect estimate with standard error; see `pet`.
    """
    return _adjusted(analysis, "PEESE", variant)


def pet_peese(
    analysis: MetaAnalysis,
    *,
    variant: str = "multiplicative",
    test: str = "one-sided",
    size: float | None = None,
    side: str = "auto",
) -> BiasResult:
    """Take PEESE where PET's intercept differs from 0, and PET where it does not.

    ``test`` is ``"one-sided"``, by default at 5 %, or ``"two-sided"``, at 10 %; ``size`` is another size. ``side`` is
    where the one-sided test looks: ``"positive"``, ``"negative"`` or ``"auto"``, the direction of the pooled effect.
    ``statistic``, ``df`` and ``p_value`` are of that test. For the rest see `pet`.
    """
    if test not in TESTS:
        msg = f"test of PET-PEESE is one of {', '.join(map(repr, TESTS))}, not {test!r}"
        raise SettingsError(msg)
    if side not in SIDES:
        msg = f"side of PET-PEESE is one of {', '.join(map(repr, SIDES))}, not {side!r}"
        raise SettingsError(msg)
    if size is not None and not 0.0 < size < 1.0:
        msg = f"size of PET-PEESE is a probability between 0 and 1, such as 0.05, not {size!r}"
        raise SettingsError(msg)
    size = TESTS[test] if size is None else size
    first = attrs.evolve(_adjusted(analysis, "PET", variant), name="PET-PEESE")
    kind = f"{VARIANTS[variant]}; {test} test of PET's intercept at {100 * size:g} %"
    if first.after is None:
        return attrs.evolve(first, variant=kind)
    p_value: float = first.after.p_value
    direction: str | None = None
    if test == "one-sided":
        direction = _direction(analysis) if side == "auto" else side
        if direction is None:
            return attrs.evolve(first, variant=kind, after=None, asymmetry=None, parameters={}, reason=NO_SIDE)
        agrees = (first.after.value > 0.0) == (direction == "positive")
        p_value = 0.5 * p_value if agrees else 1.0 - 0.5 * p_value
    differs = p_value < size
    second = _adjusted(analysis, "PEESE", variant)
    if second.after is None:
        # Effects that lie on a line over their variances leave PEESE nothing to estimate.
        return attrs.evolve(
            first,
            variant=kind,
            after=None,
            asymmetry=None,
            reason=f"PEESE: {second.reason}",
            parameters={"PET": first.after},
        )
    taken = second if differs else first
    return attrs.evolve(
        taken,
        name="PET-PEESE",
        variant=f"{'PEESE' if differs else 'PET'} taken; {kind}",
        statistic=first.after.statistic,
        symbol="z" if first.after.df is None else "t",
        df=first.after.df,
        p_value=p_value,
        side=direction,
        parameters={"PET": first.after, "PEESE": second.after},
    )


def _direction(analysis: MetaAnalysis) -> str | None:
    if analysis.pooled is None or analysis.pooled.value == 0.0:
        return None
    return "positive" if analysis.pooled.value > 0.0 else "negative"


def _adjusted(analysis: MetaAnalysis, name: str, variant: str) -> BiasResult:
    if variant not in VARIANTS:
        msg = f"variant of {name} is one of {', '.join(map(repr, VARIANTS))}, not {variant!r}"
        raise SettingsError(msg)
    studies = pooled_studies(analysis)
    made = BiasResult(
        name=name,
        variant=VARIANTS[variant],
        k=studies.k,
        before=analysis.pooled,
        warnings=usual_warnings(analysis, studies.k, by_se=True),
        reference=REFERENCE,
    )
    if analysis.is_regression:
        return attrs.evolve(made, reason=MODERATORS.format(name=name))
    if studies.k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(name=name, k=studies.k))
    unit = float(power_of_two_scale(studies.v))
    predictor = np.sqrt(studies.v) / unit
    if name == "PEESE":
        predictor = predictor * predictor
    design = np.column_stack([np.ones(studies.k), predictor])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return attrs.evolve(made, reason=EQUAL)
    found = _regressed(analysis, studies, design, variant)
    if found is None:
        return attrs.evolve(made, reason=ON_A_LINE)
    after, slope = found
    return attrs.evolve(made, after=after, asymmetry=_in_unit(slope, unit if name == "PET" else unit * unit))


def _regressed(
    analysis: MetaAnalysis, studies: Pooled, design: FloatArray, variant: str
) -> tuple[Estimate, Estimate] | None:
    # On a line even meta-regression has nothing to tell: its standard errors may be all of it, but not by some.
    exact = unrestricted_fit(studies.y, studies.v, design, analysis.settings.level)
    if exact is None:
        return None
    if variant == "multiplicative":
        return exact.one(0), exact.one(1)
    regression = fit(
        Effects(studies.y, studies.v, measure=analysis.effects.measure, scale=analysis.scale),
        # The effects of swapped events have been turned already.
        settings=analysis.settings.replace(swap_events=False),
        registry=analysis.methods.registry,
        moderators=design[:, 1:],
        method="IV",
    )
    intercept, slope = regression.coefficients.values()
    return intercept, slope


def _in_unit(slope: Estimate, unit: float) -> Estimate:
    return attrs.evolve(
        slope,
        value=slope.value / unit,
        se=slope.se / unit,
        ci_low=slope.ci_low / unit,
        ci_high=slope.ci_high / unit,
    )


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer PET, PEESE and PET-PEESE."""
    return [
        Adjustment(
            "PET",
            pet,
            formula="yᵢ = β₀ + β₁√vᵢ + εᵢ, weights 1/vᵢ; θ̂ = β̂₀",
            reference=REFERENCE,
            r_equivalent="lm(yi ~ sei, weights=1/vi)",
        ),
        Adjustment(
            "PEESE",
            peese,
            formula="yᵢ = β₀ + β₁vᵢ + εᵢ, weights 1/vᵢ; θ̂ = β̂₀",
            reference=REFERENCE,
            r_equivalent="lm(yi ~ vi, weights=1/vi)",
        ),
        Adjustment(
            "PET-PEESE",
            pet_peese,
            formula="θ̂ = β̂₀ of yᵢ = β₀ + β₁vᵢ + εᵢ where β₀ of yᵢ = β₀ + β₁√vᵢ + εᵢ differs from 0, else that one",
            reference=REFERENCE,
        ),
    ]
