"""Bound τ² at 95 % by the Q-profile and by both profile likelihoods, in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth_validation.corpus.estimates import quantile, where_q_is
from evisynth_validation.corpus.passes import Number
from evisynth_validation.mpmath.exact import brief, exact
from evisynth_validation.mpmath.heterogeneity import cond_of_q
from evisynth_validation.mpmath.modes import score

if TYPE_CHECKING:
    from evisynth_validation.corpus.outline import Outline
    from evisynth_validation.corpus.passes import Roots, Tree
    from evisynth_validation.mpmath.exact import Exact
    from evisynth_validation.mpmath.linear import Data

EMPTY = "empty: Q lies below the lower quantile already at 0"


def q_profile(data: Data, roots: Roots) -> dict[str, Tree]:
    """Find where y'Py meets both quantiles of χ² with k − 1 degrees of freedom."""
    low_target, high_target = quantile("0.975", data.df), quantile("0.025", data.df)
    lower, upper = where_q_is(data, low_target, "QP lower", roots), where_q_is(data, high_target, "QP upper", roots)
    if not upper > 0:
        return {"lower": None, "upper": None, "reason": EMPTY}
    return {
        "lower": Number(lower),
        "upper": Number(upper),
        "cond_lower": brief(max(exact(1), cond_of_q(data.fit(lower), low_target))) if lower > 0 else 1.0,
        "cond_upper": brief(max(exact(1), cond_of_q(data.fit(upper), high_target))),
    }


def profile(outline: Outline) -> dict[str, Tree]:
    """Find the outermost τ² whose log-likelihood is half a χ² quantile below the maximum, and count the ranges."""

    def cond(tau2: Exact) -> float:
        slope = abs(score(outline.data, tau2, restricted=outline.restricted)) / 2
        return brief(max(exact(1), outline.point(tau2).scale / (slope * tau2)))

    found, near_at_zero = outline.crossings(quantile("0.95", 1) / 2)
    lower = exact(0) if near_at_zero else found[0]
    return {
        "lower": Number(lower),
        "upper": Number(found[-1]),
        "cond_lower": cond(lower) if lower > 0 else 1.0,
        "cond_upper": cond(found[-1]),
        "ranges": (len(found) + 1) // 2,
    }


def every(data: Data, outlines: dict[str, Outline], roots: Roots) -> dict[str, Tree]:
    """Lay out all limits."""
    profiles: dict[str, Tree] = {f"PL_{name}": profile(outline) for name, outline in outlines.items()}
    return {"QP": q_profile(data, roots)} | profiles
