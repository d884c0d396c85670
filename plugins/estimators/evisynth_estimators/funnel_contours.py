"""Count the studies in each region of significance of a contour-enhanced funnel plot, and give its contours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import BiasResult, BiasTest, SettingsError, hookimpl, normal_p_value, normal_quantile
from evisynth_estimators.bias_options import is_number, require_level, require_number
from evisynth_estimators.small_study_data import pooled_studies

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth import FloatArray, MetaAnalysis

REFERENCE = "Peters, Sutton, Jones, Abrams & Rushton (2008), J. Clin. Epidemiol. 61:991-996"
NAME = "contour levels"
LEVELS = (0.10, 0.05, 0.01)
NO_STUDY = "there is no study to place in a region"
VARIANT = "two-sided Wald tests of {null:g} at {levels}; the number of studies that reach none of them"


def contour_levels(
    analysis: MetaAnalysis,
    *,
    levels: Iterable[float] = LEVELS,
    se: Iterable[float] | None = None,
    null: float = 0.0,
) -> BiasResult:
    """Sort the studies into the regions between the contours null ± z·SE of a funnel plot.

    Where studies seem to be missing from regions without significance, publication bias may be why; where they seem to
    be missing from significant ones, something else is. In ``statistic`` is the number of studies that are not
    significant at any of the ``levels``. The rows of ``table`` are first the regions, from the middle outwards, with
    their studies in all, left and right of ``null``; then the contours, with their limits at each of the standard
    errors ``se``, by default 0 and the largest, between which they are straight lines. Raises `SettingsError` for
    levels that are none.
    """
    levels = tuple(levels)
    for level in levels:
        require_level(NAME, "levels", level)
    if not levels:
        msg = f"levels of {NAME} are one or more numbers between 0 and 1, not {levels!r}"
        raise SettingsError(msg)
    require_number(NAME, "null", null)
    if se is not None:
        se = tuple(se)
        for one in se:
            if not is_number(one) or one < 0:
                msg = f"se of {NAME} are standard errors, 0 or more, not {one!r}"
                raise SettingsError(msg)
    ordered = tuple(sorted(set(levels), reverse=True))
    studies = pooled_studies(analysis)
    made = BiasResult(
        name=NAME,
        variant=VARIANT.format(null=null, levels=", ".join(f"{level:g}" for level in ordered)),
        k=studies.k,
        symbol="n",
        before=analysis.pooled,
        reference=REFERENCE,
    )
    if not studies.k:
        return attrs.evolve(made, reason=NO_STUDY)
    away = studies.y - null
    p = normal_p_value(away / np.sqrt(studies.v))[0]
    regions = _regions(p, away, ordered)
    at = (0.0, float(np.sqrt(studies.v.max()))) if se is None else se
    contours = [
        {"level": level, "z": normal_quantile(1.0 - level), "se": float(one), "ci_low": low, "ci_high": high}
        for level in ordered
        for one, low, high in contour_limits(at, level, null)
    ]
    return attrs.evolve(
        made,
        statistic=float(regions[0]["studies"] or 0.0),
        figures={str(row["region"]): float(row["studies"] or 0.0) for row in regions},
        table=(*regions, *contours),
    )


def _regions(p: FloatArray, away: FloatArray, ordered: tuple[float, ...]) -> list[dict[str, float | str | None]]:
    rows: list[dict[str, float | str | None]] = []
    for low, high in zip((*ordered, 0.0), (1.0, *ordered), strict=True):
        inside = p >= low if high == 1.0 else (p >= low) & (p < high)
        words = f"P ≥ {low:g}" if high == 1.0 else f"P < {high:g}" if low == 0.0 else f"{low:g} ≤ P < {high:g}"
        rows.append(
            {
                "region": words,
                "studies": float(inside.sum()),
                "left": float((inside & (away < 0)).sum()),
                "right": float((inside & (away > 0)).sum()),
            }
        )
    return rows


def contour_limits(se: Sequence[float], level: float, null: float = 0.0) -> list[tuple[float, float, float]]:
    """Give for each standard error the two effects beside ``null`` that have a two-sided P of ``level``."""
    z = normal_quantile(1.0 - level)
    return [(float(one), null - z * one, null + z * one) for one in se]


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer the regions of a contour-enhanced funnel plot."""
    return [
        BiasTest(
            NAME,
            contour_levels,
            formula="null ± z(level) SE",
            reference=REFERENCE,
            r_equivalent="metafor::funnel(res, refline=0, level=c(90, 95, 99))",
            index=True,
        )
    ]
