"""Bound the bias of a pooled effect by the number of studies, or outcomes, that were not published."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import Adjustment, BiasResult, Estimate, SettingsError, hookimpl, normal_p_value, t_p_value
from evisynth_estimators.bias_options import is_number, require_word
from evisynth_estimators.small_study_data import pooled_studies
from evisynth_estimators.study_power import estimated_effects

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evisynth import MetaAnalysis

REFERENCE = (
    "Copas & Jackson (2004), Biometrics 60:146-153; for outcomes that were not reported: "
    "Williamson & Gamble (2007), Trials 8:9"
)
NAME = "bias bound"
VARIANT = "Copas-Jackson bound for {missing} unpublished beside {k} published, weights of the {model} model"
SIDES = ("auto", "right", "left")
FEWEST = 2
TOO_FEW = "the bound needs at least 2 studies, and here are {k}"
MODERATORS = "the bound is for one pooled effect, not for a meta-regression"
NO_EFFECT = "there is no pooled effect to adjust"
NO_SIDE = "the pooled effect is 0, so it cannot tell which direction is favoured: choose side 'left' or 'right'"
OTHER_WEIGHTS = "the bound is that of inverse-variance weights, and the effect was pooled by {method}"
FAR = 2.0**53


def bias_bound(
    analysis: MetaAnalysis,
    *,
    missing: float = 1,
    table: Iterable[float] | None = None,
    side: str = "auto",
) -> BiasResult:
    """Take from the pooled effect the largest bias that ``missing`` studies can cause which were not published.

    If n of n + m studies are published, with a probability that does not fall with their size, no selection biases the
    pooled effect by more than (n + m)/n · φ(Φ⁻¹(n/(n + m))) · Σ(v + τ²)^(-1/2) / Σ(v + τ²)^(-1). The same bound holds
    for trials that are known but did not report the outcome. ``side`` is the direction that is favoured, ``"right"``
    for larger effects; ``"auto"`` is that of the pooled effect. Its standard error stays, as its authors have it.

    ``table`` lists the numbers of missing studies to show beside none, by default up to as many as there are. Among
    the ``figures`` are the bound and the least numbers whose bound takes the effect, and its interval, to 0;
    ``missing`` need not be whole. A reason stands instead for fewer than 2 studies, no pooled effect, and no direction.
    Raises `SettingsError` for another side and for numbers that are not counts.
    """
    require_word(NAME, "side", side, SIDES)
    _require_count("missing", missing)
    if table is not None:
        table = tuple(table)
        for number in table:
            _require_count("table", number)
    studies = pooled_studies(analysis)
    k = studies.k
    made = BiasResult(
        name=NAME,
        variant=VARIANT.format(
            missing=f"{missing:g}",
            k=k,
            model=f"{analysis.model.model}-effect{'s' if analysis.model.model == 'random' else ''}",
        ),
        k=k,
        before=analysis.pooled,
        reference=REFERENCE,
    )
    if analysis.is_regression:
        return attrs.evolve(made, reason=MODERATORS)
    if k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(k=k))
    true, pooled = estimated_effects(analysis), analysis.pooled
    if true is None or pooled is None:
        return attrs.evolve(made, reason=NO_EFFECT)
    if side == "auto" and pooled.value == 0.0:
        return attrs.evolve(made, reason=NO_SIDE)
    sign = math.copysign(1.0, pooled.value) if side == "auto" else 1.0 if side == "right" else -1.0
    total = studies.v + true.tau2
    scale = float((total**-0.5).sum() / (1.0 / total).sum())
    rows: list[dict[str, float | str | None]] = []
    for number in (0, *(range(1, k + 1) if table is None else table)):
        bound = scale * truncated_mean(k, number)
        moved = shifted(pooled, -sign * bound)
        rows.append(
            {
                "missing": float(number),
                "share": number / (k + number),
                "bound": bound,
                "effect": moved.value,
                "ci_low": moved.ci_low,
                "ci_high": moved.ci_high,
                "p_value": moved.p_value,
            }
        )
    bound = scale * truncated_mean(k, missing)
    figures = {"bound": bound}
    near = pooled.ci_low if sign > 0 else -pooled.ci_high
    for name, distance in (("missing to reach 0", sign * pooled.value), ("missing to lose significance", near)):
        least = _least_missing(k, distance / scale)
        if least is not None:
            figures[name] = least
    by_others = (OTHER_WEIGHTS.format(method=analysis.model.method),) if analysis.model.method != "IV" else ()
    return attrs.evolve(
        made,
        side="right" if sign > 0 else "left",
        after=shifted(pooled, -sign * bound),
        figures=figures,
        table=tuple(rows),
        warnings=by_others,
    )


def _require_count(option: str, value: float) -> None:
    if not is_number(value) or value < 0:
        msg = f"{option} of {NAME} is a number of studies, 0 or more, not {value!r}"
        raise SettingsError(msg)


def truncated_mean(n: float, m: float) -> float:
    """Give the mean of a standard normal above the quantile that p = n/(n + m) exceed: φ(Φ⁻¹(p))/p."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first fit

    if m == 0:
        return 0.0
    # Of the two tails the smaller keeps its digits.
    quantile = float(ndtri(min(n, m) / (n + m)))
    return math.exp(-0.5 * quantile * quantile) / math.sqrt(2.0 * math.pi) * ((n + m) / n)


def _least_missing(n: int, distance: float) -> float | None:
    """Find the least whole number m with a `truncated_mean` of at least ``distance``; None beyond all counts."""
    if distance <= 0:
        return 0.0
    low, high = 0.0, 1.0
    while truncated_mean(n, high) < distance:
        low, high = high, 2.0 * high
        if high > FAR:
            return None
    while high - low > 1.0:
        middle = float(math.floor((low + high) / 2.0))
        low, high = (low, middle) if truncated_mean(n, middle) >= distance else (middle, high)
    return high


def shifted(estimate: Estimate, by: float) -> Estimate:
    """Move an estimate and its interval, with the test of 0 made anew."""
    value = estimate.value + by
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = float(np.float64(value) / estimate.se)
    p, log_p = normal_p_value(statistic) if estimate.df is None else t_p_value(statistic, estimate.df)
    return attrs.evolve(
        estimate,
        value=value,
        ci_low=estimate.ci_low + by,
        ci_high=estimate.ci_high + by,
        statistic=statistic,
        p_value=float(p),
        log_p_value=float(log_p),
    )


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer the bound for bias by unpublished studies or unreported outcomes."""
    return [
        Adjustment(
            NAME,
            bias_bound,
            formula="|bias| ≤ ((n + m)/n) φ(Φ⁻¹(n/(n + m))) Σ(vᵢ + τ²)^(-½)/Σ(vᵢ + τ²)^(-1), n studies "
            "published of n + m",
            reference=REFERENCE,
            r_equivalent="metasens::orbbound(res, k.suspect=1)",
        ),
    ]
