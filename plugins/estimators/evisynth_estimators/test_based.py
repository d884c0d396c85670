"""Bound I², and what follows from it, by the test for heterogeneity."""

from __future__ import annotations

import numpy as np

from evisynth import Fit, FloatArray, Limits, Tau2Interval, hookimpl, no_limits, normal_quantile, weighted_fit

SATURATED = "with two studies, or one residual degree of freedom, and a small Q the standard error of H is not defined"


def higgins_thompson(fit: Fit, level: float, *, q: FloatArray | None = None, h2: FloatArray | None = None) -> Limits:
    """Take log H ± z·SE with the test-based standard error, and give the τ² that makes H² what it then is.

    ``½ (log Q - log df)/(√(2Q) - √(2 df - 1))`` where Q exceeds df + 1, and ``√((1 - 1/(3 (df - 1)²))/(2 (df - 1)))``
    elsewhere, with df = k - p. ``h2`` is the H² shown, from Q or from τ², here at least 1; without one it is
    ``1 + τ² tr(P)/df``. Limits of H below 1 become 1.
    """
    common = weighted_fit(fit.y, 1.0 / fit.v, fit.X)
    df = fit.dof
    typical = df / common.trace
    q = common.rss if q is None else np.asarray(q)
    ratio = np.maximum(1.0 + fit.tau2 / typical if h2 is None else h2, 1.0)
    large = q > df + 1.0
    if df == 1 and not large.any():
        return no_limits(SATURATED)
    safe = np.where(large, q, df + 2.0)
    se: FloatArray = 0.5 * np.log(safe / df) / (np.sqrt(2.0 * safe) - np.sqrt(2.0 * df - 1.0))
    if df > 1:
        few = df - 1.0
        se = np.where(large, se, np.sqrt((1.0 - 1.0 / (3.0 * few * few)) / (2.0 * few)))
    # log H² ± 2·z·SE; H² - 1 by expm1, so that a small excess keeps its digits.
    centre, half = np.log(ratio), 2.0 * normal_quantile(level) * se
    low, high = typical * np.maximum(np.expm1(centre - half), 0.0), typical * np.maximum(np.expm1(centre + half), 0.0)
    if df > 1 or large.all():
        return Limits(low, high)
    said = [None if there else SATURATED for there in large.tolist()]
    return Limits(np.where(large, low, np.nan), np.where(large, high, np.nan), reason=said)


@hookimpl
def tau2_intervals() -> list[Tau2Interval]:
    """Offer the test-based interval of Higgins and Thompson."""
    return [
        Tau2Interval(
            "HT",
            higgins_thompson,
            formula="ln H ± z SE, τ² = (H² - 1) df/tr(P); SE = ½ (ln Q - ln df)/(√(2Q) - √(2df - 1)) where Q "
            "> df + 1; SE = √((1 - 1/(3(df - 1)²))/(2(df - 1))) elsewhere, df = k - p",
            reference="Higgins & Thompson (2002), Stat. Med. 21:1539-1558, appendix A2",
            r_equivalent="metafor::confint(res, type='HT')",
            r_version="metafor 5.1",
        )
    ]
