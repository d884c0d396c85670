"""Infer with the weighted residual variance and Student's t, after Hartung and Knapp."""

from __future__ import annotations

import numpy as np

from evisynth import CombinationError, Estimates, Fit, IntervalMethod, hookimpl, symmetric_estimates


def hartung_knapp(fit: Fit, level: float, *, adhoc: str | None = None) -> Estimates:
    """Scale the covariance by the mean weighted squared residual, with k - p degrees of freedom.

    With ``adhoc="se"`` the scale is never below 1, so that the standard error is never smaller than Wald's. Where the
    effects do not differ at all the scale is 0 and there is no interval: the estimates are NaN.
    """
    if fit.rss is None:
        msg = f"Hartung-Knapp needs inverse-variance weights, not those of {fit.method}"
        raise CombinationError(msg)
    scale = fit.rss / fit.dof
    if adhoc == "se":
        scale = np.maximum(scale, 1)
    scale = np.where(scale > 0, scale, np.nan)
    return symmetric_estimates(
        fit.coefficients, fit.se * np.sqrt(scale), level, float(fit.dof), covariance=np.asarray(fit.covariance * scale)
    )


@hookimpl
def interval_methods() -> list[IntervalMethod]:
    """Offer the Hartung–Knapp interval."""
    return [
        IntervalMethod(
            "HK",
            hartung_knapp,
            random_only=True,
            one_scale=True,
            reference="Hartung & Knapp (2001), Stat. Med. 20:1771-1782; Sidik & Jonkman (2002), Stat. Med. "
            "21:3153-3159; with "
            "moderators and the floor: Knapp & Hartung (2003), Stat. Med. 22:2693-2710",
            r_equivalent="metafor::rma(yi, vi, test='knha')",
        )
    ]
