"""Predict the true effect of a new study: mean ± quantile · √(SE² + τ²), in the variants in use."""

from __future__ import annotations

import numpy as np

from evisynth import (
    Estimates,
    Fit,
    FloatArray,
    Limits,
    PredictionInterval,
    hookimpl,
    no_limits,
    normal_quantile,
    t_quantile,
)

HTS = "Higgins, Thompson & Spiegelhalter (2009), J. R. Stat. Soc. A 172:137-159"


def higgins_thompson_spiegelhalter(fit: Fit, level: float) -> Limits:
    """Take Student's t with k - 2 degrees of freedom (k - p - 1 beside moderators)."""
    return _student(fit, fit.se[0], level, fit.dof - 1)


def one_degree_more(fit: Fit, level: float) -> Limits:
    """Take Student's t with k - 1 degrees of freedom (k - p beside moderators)."""
    return _student(fit, fit.se[0], level, fit.dof)


def normal(fit: Fit, level: float) -> Limits:
    """Take the normal distribution, as if τ² were known."""
    half = normal_quantile(level) * np.sqrt(fit.se[0] ** 2 + fit.tau2)
    return Limits(fit.coefficients[0] - half, fit.coefficients[0] + half)


def with_hartung_knapp(fit: Fit, level: float, *, estimates: Estimates) -> Limits:
    """Take Student's t with k - 1 degrees of freedom and the standard error of the interval method in use."""
    return _student(fit, estimates.se[0], level, fit.dof)


def _student(fit: Fit, se: FloatArray, level: float, dof: int) -> Limits:
    if dof < 1:
        return no_limits(f"with {fit.k} {'study' if fit.k == 1 else 'studies'} there are no degrees of freedom")
    half = t_quantile(level, float(dof)) * np.sqrt(se**2 + fit.tau2)
    return Limits(fit.coefficients[0] - half, fit.coefficients[0] + half, df=float(dof))


@hookimpl
def prediction_intervals() -> list[PredictionInterval]:
    """Offer the variants under the names that meta gives them."""
    return [
        PredictionInterval(
            "HTS",
            higgins_thompson_spiegelhalter,
            moderators=True,
            reference=HTS,
            r_equivalent="metafor::predict(res, predtype='Riley')",
            r_version="metafor 4.0",
        ),
        PredictionInterval(
            "V",
            one_degree_more,
            moderators=True,
            reference=f"{HTS}; degrees of freedom: Veroniki et al. (2019), Res. Synth. Methods 10:23-43",
            r_equivalent="metafor::predict(res, predtype='t')",
            r_version="metafor 5.0",
        ),
        PredictionInterval(
            "HK",
            with_hartung_knapp,
            moderators=True,
            reference="Partlett & Riley (2017), Stat. Med. 36:301-317; degrees of freedom: Veroniki et al. "
            "(2019), Res. "
            "Synth. Methods 10:23-43",
            r_equivalent="metafor::predict(metafor::rma(yi, vi, test='knha'))",
        ),
        PredictionInterval(
            "S",
            normal,
            moderators=True,
            reference="Skipka (2006), in: XIIIth Cochrane Colloquium; Higgins, Thompson & Spiegelhalter (2009), eq. 11",
            r_equivalent="metafor::predict(metafor::rma(yi, vi))",
        ),
    ]
