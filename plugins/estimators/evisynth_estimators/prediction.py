"""Predict the true effect of a new study: mean ± quantile · √(SE² + τ²), in the variants in use."""

from __future__ import annotations

import numpy as np

from evisynth import (
    Fit,
    FloatArray,
    Limits,
    PredictionInterval,
    hookimpl,
    no_limits,
    symmetric_limits,
)
from evisynth_estimators.hartung_knapp import hartung_knapp
from evisynth_estimators.kenward_roger import kenward_roger

HTS = "Higgins, Thompson & Spiegelhalter (2009), J. R. Stat. Soc. A 172:137-159"
VERONIKI = "Veroniki et al. (2019), Res. Synth. Methods 10:23-43"
PARTLETT = "Partlett & Riley (2017), Stat. Med. 36:301-317"
NO_SCALE = "the Hartung-Knapp standard error is 0, as effects do not differ at all; Wald's stands in for it"


def higgins_thompson_spiegelhalter(fit: Fit, level: float) -> Limits:
    """Take Student's t with k - 2 degrees of freedom (k - p - 1 beside moderators)."""
    return _student(fit, fit.se[0], level, fit.dof - 1)


def one_degree_more(fit: Fit, level: float) -> Limits:
    """Take Student's t with k - 1 degrees of freedom (k - p beside moderators)."""
    return _student(fit, fit.se[0], level, fit.dof)


def normal(fit: Fit, level: float) -> Limits:
    """Take the normal distribution, as if τ² were known."""
    return symmetric_limits(fit.coefficients[0], np.sqrt(fit.se[0] ** 2 + fit.tau2), level)


def simple(fit: Fit, level: float) -> Limits:
    """Take the normal distribution, as if mean and τ² were known: mean ± z · τ."""
    return symmetric_limits(fit.coefficients[0], np.sqrt(fit.tau2), level)


def with_hartung_knapp(fit: Fit, level: float, *, adhoc: str | None = None) -> Limits:
    """Take Student's t with k - 1 degrees of freedom (k - p) and the Hartung–Knapp standard error.

    The floors ``"se"`` and ``"IQWiG6"`` of the standard error hold here too.
    """
    return _hartung_knapp(fit, level, fit.dof, adhoc)


def partlett_riley(fit: Fit, level: float, *, adhoc: str | None = None) -> Limits:
    """Take Student's t with k - 2 degrees of freedom (k - p - 1) and the Hartung–Knapp standard error."""
    return _hartung_knapp(fit, level, fit.dof - 1, adhoc)


def with_kenward_roger(fit: Fit, level: float) -> Limits:
    """Take Student's t and standard error of Kenward and Roger."""
    return _kenward_roger(fit, level, 0.0)


def partlett_riley_kenward_roger(fit: Fit, level: float) -> Limits:
    """Take Kenward and Roger's standard error, and Student's t with one degree of freedom less than theirs."""
    return _kenward_roger(fit, level, 1.0)


def _hartung_knapp(fit: Fit, level: float, dof: int, adhoc: str | None) -> Limits:
    if dof < 1:
        return _too_few(fit)
    se = np.asarray(hartung_knapp(fit, level, adhoc=None if adhoc == "ci" else adhoc).se[0], dtype=np.float64)
    absent = np.isnan(se)
    note = NO_SCALE if absent.any() else None
    return _student(fit, np.where(absent, fit.se[0], se), level, dof, note)


def _kenward_roger(fit: Fit, level: float, less: float) -> Limits:
    if fit.dof < 1:
        return _too_few(fit)
    made = kenward_roger(fit, level)
    if not isinstance(made.df, np.ndarray):
        return no_limits(f"interval KR {made.note}")
    limits = symmetric_limits(
        fit.coefficients[0], np.sqrt(made.se[0] ** 2 + fit.tau2), level, np.asarray(made.df[0] - less)
    )
    if not np.isnan(limits.low).any():
        return limits
    reason = f"Kenward and Roger's degrees of freedom less {less:.0f} are not positive"
    return Limits(limits.low, limits.high, reason=reason, df=limits.df)


def _student(fit: Fit, se: FloatArray, level: float, dof: int, note: str | None = None) -> Limits:
    if dof < 1:
        return _too_few(fit)
    return symmetric_limits(fit.coefficients[0], np.sqrt(se**2 + fit.tau2), level, float(dof), note)


def _too_few(fit: Fit) -> Limits:
    return no_limits(f"with {fit.k} {'study' if fit.k == 1 else 'studies'} there are no degrees of freedom")


@hookimpl
def prediction_intervals() -> list[PredictionInterval]:
    """Offer the variants under the names that meta gives them; ``simple`` is metafor's."""
    return [
        PredictionInterval(
            "HTS",
            higgins_thompson_spiegelhalter,
            moderators=True,
            formula="θ̂ ± t(k - 2) √(SE² + τ²)",
            reference=HTS,
            r_equivalent="metafor::predict(res, predtype='Riley')",
            r_version="metafor 4.0",
        ),
        PredictionInterval(
            "V",
            one_degree_more,
            moderators=True,
            formula="θ̂ ± t(k - 1) √(SE² + τ²)",
            reference=f"{HTS}; degrees of freedom: {VERONIKI}",
            r_equivalent="metafor::predict(res, predtype='t')",
            r_version="metafor 5.0",
        ),
        PredictionInterval(
            "HK",
            with_hartung_knapp,
            moderators=True,
            formula="θ̂ ± t(k - 1) √(SE² + τ²), SE by Hartung and Knapp",
            reference=f"{PARTLETT}; degrees of freedom: {VERONIKI}",
            r_equivalent="metafor::predict(metafor::rma(yi, vi, test='knha'))",
        ),
        PredictionInterval(
            "HK-PR",
            partlett_riley,
            moderators=True,
            formula="θ̂ ± t(k - 2) √(SE² + τ²), SE by Hartung and Knapp",
            reference=PARTLETT,
            r_equivalent="metafor::predict(metafor::rma(yi, vi, test='knha'), predtype='Riley')",
            r_version="metafor 4.0",
        ),
        PredictionInterval(
            "KR",
            with_kenward_roger,
            moderators=True,
            formula="θ̂ ± t(ν) √(SE² + τ²), SE and ν by Kenward and Roger",
            reference=f"{PARTLETT}; degrees of freedom: {VERONIKI}",
            r_equivalent="meta::metagen(yi, sqrt(vi), prediction=TRUE, method.predict='KR')",
            r_version="meta 7.0",
        ),
        PredictionInterval(
            "KR-PR",
            partlett_riley_kenward_roger,
            moderators=True,
            formula="θ̂ ± t(ν - 1) √(SE² + τ²), SE and ν by Kenward and Roger",
            reference=PARTLETT,
            r_equivalent="meta::metagen(yi, sqrt(vi), prediction=TRUE, method.predict='KR-PR')",
            r_version="meta 7.0",
        ),
        PredictionInterval(
            "S",
            normal,
            moderators=True,
            formula="θ̂ ± z √(SE² + τ²)",
            reference="Skipka (2006), in: XIIIth Cochrane Colloquium; Higgins, Thompson & Spiegelhalter (2009), eq. 11",
            r_equivalent="metafor::predict(metafor::rma(yi, vi))",
        ),
        PredictionInterval(
            "simple",
            simple,
            moderators=True,
            formula="θ̂ ± z τ",
            reference=f"{HTS}, section 4.1, with mean and tau² taken for known",
            r_equivalent="metafor::predict(res, predtype='simple')",
            r_version="metafor 5.0",
        ),
    ]
