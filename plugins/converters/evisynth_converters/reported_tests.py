"""Take an effect from the test that a paper reports of it: t, F, p with a direction, χ²; or from d itself."""

from __future__ import annotations

import numpy as np

from evisynth import FilledColumns, FloatArray, Reasons, Route, hookimpl
from evisynth_converters.tails import t_value

OF_D = frozenset({"SMD", "D2OR", "D2ORN", "D2ORL", "RPB", "ZPB", "RBIS", "ZBIS"})
"""Measures of two means that depend on nothing but their distance in standard deviations and the sample sizes."""
OF_R = frozenset({"COR", "UCOR", "ZCOR"})
OF_TABLES = frozenset(
    {
        *("OR", "RR", "RD", "PETO", "AS", "PHI", "ZPHI", "YUQ", "YUY", "RTET", "ZTET", "PBIT", "OR2D", "OR2DN"),
        *("OR2DL", "VE"),
    }
)
"""Measures of a 2×2 table."""
P_IS_0 = "a p-value of 0 gives no finite statistic: the smallest p that it is below is needed"
FEW_FOR_M = "too few participants for the number of predictors"
FEW = "too few participants for a t test"


def means_from_d(smd: FloatArray, n_1: FloatArray, n_2: FloatArray) -> FilledColumns:
    """Take means that lie d standard deviations apart: the difference over the pooled SD, not corrected for bias."""
    one = np.ones(smd.shape)
    columns = {"mean_1": smd, "sd_1": one, "n_1": n_1, "mean_2": np.zeros(smd.shape), "sd_2": one, "n_2": n_2}
    return FilledColumns(columns, ((n_1 + n_2 <= 2, FEW),))  # noqa: PLR2004 - two means were estimated


def means_from_t(t_value: FloatArray, n_1: FloatArray, n_2: FloatArray) -> FilledColumns:
    """Take d = t √(1/n₁ + 1/n₂), of the t test for two independent groups with equal variances."""
    return means_from_d(t_value * np.sqrt(1 / n_1 + 1 / n_2), n_1, n_2)


def means_from_f(f_value: FloatArray, direction: FloatArray, n_1: FloatArray, n_2: FloatArray) -> FilledColumns:
    """Take t = ±√F, of an analysis of variance of two groups; the sign is the direction's (1 or -1)."""
    return means_from_t(direction * np.sqrt(f_value), n_1, n_2)


def means_from_p(p_value: FloatArray, direction: FloatArray, n_1: FloatArray, n_2: FloatArray) -> FilledColumns:
    """Take t = ±T⁻¹(1 - p/2) with n₁ + n₂ - 2 degrees of freedom, of a two-sided t test."""
    made = means_from_t(direction * t_value(p_value, n_1 + n_2 - 2), n_1, n_2)
    return FilledColumns(made.columns, (*made.without_effect, (p_value == 0, P_IS_0)))


def correlation_from_t(t_value: FloatArray, n: FloatArray) -> FilledColumns:
    """Take r = t / √(t² + n - 2), of the test of a correlation or of one predictor."""
    return _correlation(t_value, n, ())


def correlation_from_f(f_value: FloatArray, direction: FloatArray, n: FloatArray) -> FilledColumns:
    """Take r = ±√(F / (F + n - 2)), of a regression on one predictor."""
    return _correlation(direction * np.sqrt(f_value), n, ())


def correlation_from_p(p_value: FloatArray, direction: FloatArray, n: FloatArray) -> FilledColumns:
    """Take r = t / √(t² + n - 2) with t = ±T⁻¹(1 - p/2), of a two-sided test with n - 2 degrees of freedom."""
    return _correlation(direction * t_value(p_value, n - 2), n, ((p_value == 0, P_IS_0),))


def correlation_from_chi2(chi2: FloatArray, direction: FloatArray, n: FloatArray) -> FilledColumns:
    """Take r = ±√(χ²/n), the φ of a test with one degree of freedom and without continuity correction."""
    too_large = (chi2 > n, "χ² with one degree of freedom is at most the number of participants")
    return FilledColumns({"r": direction * np.sqrt(np.minimum(chi2 / n, 1.0)), "n": n}, (too_large,))


def table_from_chi2(
    chi2: FloatArray, direction: FloatArray, events: FloatArray, n_1: FloatArray, n_2: FloatArray
) -> FilledColumns:
    """Take the whole numbers nearest to the table that has these margins and this χ² (without continuity correction).

    a = (n₁ m + ±√(χ² n₁ n₂ m (N - m) / N)) / N with m events among N; a positive direction is more events in arm 1.
    """
    total = n_1 + n_2
    away = direction * np.sqrt(chi2 * n_1 * n_2 * events * (total - events) / total)
    a = np.rint((n_1 * events + away) / total)
    c = events - a
    impossible = (a < 0) | (a > n_1) | (c < 0) | (c > n_2)
    columns = {
        "events_1": np.clip(a, 0, n_1),
        "n_1": n_1,
        "events_2": np.clip(c, 0, n_2),
        "n_2": n_2,
    }
    return FilledColumns(columns, ((impossible, "no table with these margins has such a χ²"),))


def totals_from_nonevents(
    events_1: FloatArray, nonevents_1: FloatArray, events_2: FloatArray, nonevents_2: FloatArray
) -> FilledColumns:
    """Take participants as events and non-events together."""
    columns = {
        "events_1": events_1,
        "n_1": events_1 + nonevents_1,
        "events_2": events_2,
        "n_2": events_2 + nonevents_2,
    }
    return FilledColumns(columns)


def _correlation(t: FloatArray, n: FloatArray, without: Reasons) -> FilledColumns:
    few = (n <= 2, "too few participants for the test of a correlation")  # noqa: PLR2004 - a line through two points
    return FilledColumns({"r": t / np.sqrt(t * t + n - 2), "n": n}, (few, *without))


def t_from_p(p_value: FloatArray, direction: FloatArray, n: FloatArray, predictors: FloatArray) -> FilledColumns:
    """Take t = ±T⁻¹(1 - p/2) with n - m - 1 degrees of freedom, of one of m predictors in a regression."""
    t = direction * t_value(p_value, n - predictors - 1)
    return FilledColumns({"t_value": t}, ((n <= predictors + 1, FEW_FOR_M), (p_value == 0, P_IS_0)))


def r_squared_from_p(p_value: FloatArray, n: FloatArray, predictors: FloatArray) -> FilledColumns:
    """Take the R² that is exceeded with probability p where nothing is explained: a Beta(m/2, (n - m - 1)/2) variable.

    That is the F test of the regression.
    """
    from scipy.special import betainccinv  # noqa: PLC0415 - scipy comes with the first use

    dof = n - predictors - 1
    found: FloatArray = np.asarray(
        betainccinv(0.5 * predictors, np.where(dof > 0, 0.5 * dof, np.nan), p_value), dtype=np.float64
    )
    return FilledColumns({"r_squared": found}, ((dof <= 0, FEW_FOR_M), (p_value == 0, P_IS_0)))


@hookimpl
def routes() -> list[Route]:
    """Offer the tests of two means, of a correlation and of a 2×2 table."""
    rosenthal = "Rosenthal (1994), Parametric measures of effect size, in: Handbook of Research Synthesis, ch. 16"
    borenstein = "Borenstein, Hedges, Higgins & Rothstein (2009), Introduction to Meta-Analysis, ch. 4"
    three = "d = t √(1/n₁ + 1/n₂)"
    escalc = "metafor::escalc(measure='SMD', {}, n1i=n_1, n2i=n_2)"
    cor = "metafor::escalc(measure='COR', {}, ni=n)"
    return [
        Route(
            "events and non-events",
            totals_from_nonevents,
            measures=OF_TABLES,
            fills=True,
            formula="n = events + non-events",
            reference="Higgins et al. (2023), Cochrane Handbook for Systematic Reviews of Interventions 6.4, §6.4.1",
        ),
        Route(
            "d",
            means_from_d,
            measures=OF_D,
            fills=True,
            formula="d as reported, before the correction for bias",
            reference=borenstein,
            r_equivalent=escalc.format("di=smd"),
        ),
        Route(
            "t test",
            means_from_t,
            measures=OF_D,
            fills=True,
            formula=three,
            reference=borenstein,
            r_equivalent=escalc.format("ti=t_value"),
        ),
        Route(
            "F test",
            means_from_f,
            measures=OF_D,
            fills=True,
            formula=f"t = ±√F, {three}",
            reference=borenstein,
            r_equivalent=escalc.format("fi=direction*f_value"),
        ),
        Route(
            "p of a t test",
            means_from_p,
            measures=OF_D,
            fills=True,
            formula=f"t = ±T⁻¹(1 - p/2), {three}",
            reference=borenstein,
            r_equivalent=escalc.format("pi=direction*p_value"),
        ),
        Route(
            "t of a correlation",
            correlation_from_t,
            measures=OF_R,
            fills=True,
            formula="r = t / √(t² + n - 2)",
            reference=rosenthal,
            r_equivalent=cor.format("ti=t_value"),
        ),
        Route(
            "F of a correlation",
            correlation_from_f,
            measures=OF_R,
            fills=True,
            formula="r = ±√(F / (F + n - 2))",
            reference=rosenthal,
            r_equivalent=cor.format("ti=direction*sqrt(f_value)"),
        ),
        Route(
            "p of a correlation",
            correlation_from_p,
            measures=OF_R,
            fills=True,
            formula="t = ±T⁻¹(1 - p/2), r = t / √(t² + n - 2)",
            reference=rosenthal,
            r_equivalent=cor.format("pi=direction*p_value"),
        ),
        Route(
            "p of a predictor",
            t_from_p,
            measures=frozenset({"PCOR", "ZPCOR", "SPCOR", "ZSPCOR"}),
            fills=True,
            formula="t = ±T⁻¹(1 - p/2), df = n - m - 1",
            reference="Aloe & Becker (2012), J. Educ. Behav. Stat. 37:278-297",
            r_equivalent="metafor::escalc(measure='PCOR', pi=direction*p_value, ni=n, mi=predictors)",
            r_version="metafor 5.1",
        ),
        Route(
            "p of a regression",
            r_squared_from_p,
            measures=frozenset({"R2", "ZR2", "R2F", "ZR2F"}),
            fills=True,
            formula="R² = B⁻¹(1 - p; m/2, (n - m - 1)/2)",
            reference="Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., ch. 9",
            r_equivalent="metafor::escalc(measure='R2', pi=p_value, ni=n, mi=predictors)",
            r_version="metafor 5.1",
        ),
        Route(
            "χ² as a correlation",
            correlation_from_chi2,
            measures=OF_R,
            fills=True,
            formula="r = ±√(χ²/n)",
            reference=rosenthal,
        ),
        Route(
            "χ² of a 2×2 table",
            table_from_chi2,
            measures=OF_TABLES,
            fills=True,
            formula="a = (n₁ m ± √(χ² n₁ n₂ m (N - m) / N)) / N, rounded",
            reference="Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, 3rd ed., §3.1",
        ),
    ]
