"""Derive the whole record of a set."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from evisynth_validation.corpus import estimates, limits
from evisynth_validation.corpus.outline import Outline
from evisynth_validation.corpus.passes import Number, certified
from evisynth_validation.mpmath.exact import exact
from evisynth_validation.mpmath.linear import Data

if TYPE_CHECKING:
    from evisynth_validation.corpus.passes import Roots, Tree
    from evisynth_validation.mpmath.exact import Json
    from evisynth_validation.mpmath.heterogeneity_sets import Effects

ALONE = "k = 1: a single study says nothing of τ²"


def record(effects: Effects) -> dict[str, Json]:
    """Derive all that is expected of a set, certified.

    Raises
    ------
        ArithmeticError: the set decides nothing, or a number could not be certified.

    """
    return certified(partial(derived, effects))


def derived(effects: Effects, roots: Roots) -> dict[str, Tree]:
    """Derive it in one pass.

    Effects that are all alike are moved to 0, where their residuals are exactly 0 as they should be.
    """
    shift = effects.y[0] if len(set(effects.y)) == 1 else 0.0
    data = Data.of([y - shift for y in effects.y], effects.v)
    fit = data.fit(exact(0))
    common = estimates.pooled(fit, exact(1), exact(shift)) | {"q": Number(fit.q), "df": data.df}
    if not data.df:
        nothing: Tree = {"tau2": None, "reason": ALONE}
        neither: Tree = {"lower": None, "upper": None, "reason": ALONE}
        return {
            "common": common,
            "estimates": dict.fromkeys(estimates.NAMES, nothing),
            "limits": dict.fromkeys(("QP", "PL_ML", "PL_REML"), neither),
        }
    outlines = {name: Outline(data, roots, restricted=name == "REML") for name in ("ML", "REML")}
    return {
        "common": common,
        "estimates": estimates.every(data, outlines, roots, exact(shift)),
        "limits": limits.every(data, outlines, roots),
    }
