"""Test a funnel plot for asymmetry by rank correlation."""

from __future__ import annotations

import attrs
import numpy as np

from evisynth import BiasResult, BiasTest, FloatArray, MetaAnalysis, SettingsError, hookimpl, weighted_fit
from evisynth_estimators.kendall import FEW, MANY, kendall
from evisynth_estimators.small_study_data import pooled_studies, usual_warnings

REFERENCE = "Begg & Mazumdar (1994), Biometrics 50:1088-1101; Kendall (1970), Rank Correlation Methods, 4th ed."
FEWEST = 3
TOO_FEW = "the test needs at least 3 studies, and here are {k}"
MODERATORS = "the rank correlation is about one pooled effect, and this is a meta-regression"
EQUAL_PRECISION = "all studies are equally precise: there is nothing to correlate with"
EQUAL_EFFECTS = "all studies have the same effect: there is nothing to correlate"
TIES = "ties: there is no exact distribution of Kendall's S, and the p-value is that of the normal approximation"
TOO_MANY = "more than {many} studies: the p-value is that of the normal approximation, which differs in no digit of use"
BEGG = "rank correlation of standardised effects and variances"


def begg(analysis: MetaAnalysis, *, exact: bool | None = None, continuity: bool = False) -> BiasResult:
    """Correlate standardised effects with their variances by Kendall's S.

    Effects are standardised about the inverse-variance mean of the common-effect model, each by the variance of that
    difference, v - 1/Σ(1/v). ``exact=True`` takes the distribution of S over all orders where there are no ties (the
    ``statistic`` is then Kendall's τ), ``False`` the normal approximation corrected for ties, with a ``continuity``
    correction on request (the statistic is z); None is exact below 50 studies without ties. Kendall's τ and S and the
    standard error of S are among ``figures``. The result has a reason for fewer than 3 studies, equal precisions, equal
    effects and a meta-regression. Raises `SettingsError` for other values of the options.
    """
    studies = pooled_studies(analysis)
    y, v, k = studies.y, studies.v, studies.k
    made = BiasResult(
        name="Begg",
        variant=BEGG,
        k=k,
        warnings=usual_warnings(analysis, k, by_se=True),
        reference=REFERENCE,
    )
    if analysis.is_regression or k < FEWEST:
        refuse_options("Begg's test", exact=exact, continuity=continuity)
        return attrs.evolve(made, reason=MODERATORS if analysis.is_regression else TOO_FEW.format(k=k))
    line = weighted_fit(y, 1.0 / v)
    # 1 minus the leverage is (v - 1/Σ(1/v))/v, and does not cancel.
    deviates = line.residuals / np.sqrt(v * line.deleted_leverages)
    return rank_test(deviates, v, made, exact=exact, continuity=continuity)


def rank_test(
    deviates: FloatArray, sizes: FloatArray, made: BiasResult, *, exact: bool | None, continuity: bool
) -> BiasResult:
    """Correlate what deviates with what measures precision, and say how in the variant."""
    refuse_options(f"{made.name}'s test", exact=exact, continuity=continuity)
    found = kendall(deviates, sizes)
    k = found.k
    if found.constant:
        reason = EQUAL_PRECISION if len(found.ties_y) == 1 else EQUAL_EFFECTS
        return attrs.evolve(made, reason=reason)
    warnings = made.warnings
    if exact and (found.tied or k > MANY):
        warnings = (*warnings, TIES if found.tied else TOO_MANY.format(many=MANY))
    by_orders = not found.tied and ((exact and k <= MANY) or (exact is None and k < FEW))
    how = "exact" if by_orders else f"normal approximation{', corrected for ties' if found.tied else ''}"
    how += ", continuity correction" if continuity and not by_orders else ""
    return attrs.evolve(
        made,
        variant=f"{made.variant}: Kendall's S, {how}",
        statistic=found.tau if by_orders else found.z(continuity=continuity),
        symbol="τ" if by_orders else "z",
        p_value=found.exact_p_value() if by_orders else found.normal_p_value(continuity=continuity),
        figures={"Kendall's tau": found.tau, "Kendall's S": float(found.s), "SE of S": float(np.sqrt(found.variance))},
        warnings=warnings,
    )


def refuse_options(test: str, *, exact: object, continuity: object) -> None:
    """Raise `SettingsError` for options of a rank test that are not what they may be."""
    if exact is not None and not isinstance(exact, bool):
        msg = f"exact of {test} is True, False or None (exact for few studies without ties), not {exact!r}"
        raise SettingsError(msg)
    if not isinstance(continuity, bool):
        msg = f"continuity of {test} is True or False, not {continuity!r}"
        raise SettingsError(msg)


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer the rank correlation test."""
    return [
        BiasTest(
            "Begg",
            begg,
            formula="S = Σ_(i<j) sign((uᵢ - uⱼ)(vᵢ - vⱼ)), uᵢ = (yᵢ - θ̂)/√(vᵢ - 1/Σ(1/v)); τ = S/(k(k - 1)/2)",
            reference=REFERENCE,
            r_equivalent="metafor::ranktest(res)",
            also=("rank correlation", "Begg-Mazumdar"),
        )
    ]
