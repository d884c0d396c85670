"""Ask how much more likely significant studies must be to be published for a pooled effect to be explained away."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import (
    Adjustment,
    BiasResult,
    BiasStudy,
    Estimate,
    SettingsError,
    bracketed_root,
    hookimpl,
    symmetric_estimates,
)
from evisynth_estimators.bias_options import is_number, require_level, require_number, require_word
from evisynth_estimators.small_study_data import Pooled, pooled_studies
from evisynth_estimators.study_power import critical_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evisynth import BoolArray, FloatArray, MetaAnalysis

REFERENCE = (
    "Mathur & VanderWeele (2020), J. R. Stat. Soc. C 69:1091-1119; robust variance: "
    "Pustejovsky & Tipton (2018), J. Bus. Econ. Stat. 36:672-683"
)
NAME = "worst-case sensitivity"
MODELS = ("auto", "common", "robust")
SIDES = ("auto", "right", "left")
ETAS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, math.inf)
WORDS = {
    "common": "common-effect specification",
    "robust": "robust random-effects specification (CR2, Satterthwaite)",
}
FEWEST = 2
TOO_FEW = "the analysis needs at least 2 studies, and here are {k}"
MODERATORS = "the analysis is for one pooled effect, not for a meta-regression"
NO_EFFECT = "there is no pooled effect to adjust"
NO_TAU2 = "there is no estimate of τ²"
NO_SIDE = "the pooled effect is 0, so it cannot tell which direction is favoured: choose side 'left' or 'right'"
ALL_AFFIRMATIVE = "every study is significant in the favoured direction: there is none for the worst case to rest on"
ONE_LEFT = (
    "one study alone is not significant in the favoured direction: a robust variance needs two for the worst case"
)
NONE_AFFIRMATIVE = (
    "no study is significant in the favoured direction, so that selection of such studies changes nothing"
)
NOT_ROBUST = "the effects that the estimate rests on are equal: they leave no variance for the robust interval"
FAR = 2.0**40


def worst_case(  # noqa: PLR0911 - a return for every reason
    analysis: MetaAnalysis,
    *,
    q: float = 0.0,
    eta: float = math.inf,
    table: Iterable[float] = ETAS,
    model: str = "auto",
    side: str = "auto",
    alpha: float = 0.05,
) -> BiasResult:
    """Weight the studies that are not affirmative by ``eta``, and find the ``eta`` that takes the effect to ``q``.

    A study is affirmative where its two-sided Wald test rejects at ``alpha`` in the favoured direction: ``side``
    ``"right"`` for larger effects, ``"auto"`` for that of the pooled effect. If affirmative studies are ``eta`` times
    as likely to be published, weights η/v of the others and 1/v of the affirmative undo the selection. By the default
    ``eta``, infinity, ``after`` is the worst case: the others alone.

    ``model="common"`` has the variance Σw²v/(Σw)²; ``"robust"`` has weights 1/(v + τ²), with the τ² of the analysis'
    random-effects model left as it is, and a robust variance with Student's t (CR2 for the working variances v + τ²);
    ``"auto"`` follows the analysis. The s-values among the ``figures`` are the ``eta`` that take the estimate to ``q``,
    and the end of its interval that is nearer to ``q``; 1 where it is there already, and none where no such selection
    does. The rows of ``table`` are estimates by ``eta``. A reason stands instead for fewer than 2 studies, a
    meta-regression, no direction, and where no study is left for the worst case. Raises `SettingsError` for options
    out of range.
    """
    require_number(NAME, "q", q)
    require_level(NAME, "alpha", alpha)
    require_word(NAME, "model", model, MODELS)
    require_word(NAME, "side", side, SIDES)
    table = tuple(table)
    for one in (eta, *table):
        if one != math.inf and (not is_number(one) or one < 1.0):
            msg = f"eta of {NAME} is a ratio of 1 or more (infinity for the worst case), not {one!r}"
            raise SettingsError(msg)
    studies = pooled_studies(analysis)
    if model == "auto":
        model = "common" if analysis.model.model == "common" else "robust"
    made = BiasResult(
        name=NAME,
        variant=f"{WORDS[model]}, {'worst case' if eta == math.inf else f'η = {eta:g}'}, threshold {q:g}",
        k=studies.k,
        before=analysis.pooled,
        reference=REFERENCE,
    )
    if analysis.is_regression:
        return attrs.evolve(made, reason=MODERATORS)
    if studies.k < FEWEST:
        return attrs.evolve(made, reason=TOO_FEW.format(k=studies.k))
    if analysis.pooled is None:
        return attrs.evolve(made, reason=NO_EFFECT)
    if side == "auto" and analysis.pooled.value == 0.0:
        return attrs.evolve(made, reason=NO_SIDE)
    tau2 = 0.0 if model == "common" else analysis.heterogeneity.tau2
    if tau2 is None:
        return attrs.evolve(made, reason=NO_TAU2)
    sign = math.copysign(1.0, analysis.pooled.value) if side == "auto" else 1.0 if side == "right" else -1.0
    weighting = Weighting(studies, tau2, sign, alpha, analysis.settings.level, robust=model == "robust")
    made = attrs.evolve(
        made,
        side="right" if sign > 0 else "left",
        figures={"affirmative": float(weighting.affirmative.sum()), "τ²": tau2},
    )
    reason = weighting.reason(eta)
    if reason is not None:
        return attrs.evolve(made, reason=reason)
    s_values = {
        name: value
        for name, value in (
            ("s-value of the estimate", weighting.s_value(q)),
            ("s-value of the limit", weighting.s_value_of_limit(q)),
        )
        if value is not None
    }
    return attrs.evolve(
        made,
        after=weighting.estimate(eta),
        figures={**made.figures, **s_values},
        table=tuple(_row(weighting, one) for one in table),
        studies=weighting.studies(eta),
        warnings=() if weighting.affirmative.any() else (NONE_AFFIRMATIVE,),
    )


@attrs.frozen(eq=False)
class Weighting:
    """Hold the studies with what is needed to pool them for any η."""

    given: Pooled
    tau2: float
    sign: float
    alpha: float
    level: float
    robust: bool = attrs.field(kw_only=True)

    @property
    def affirmative(self) -> BoolArray:
        """Which studies are significant in the favoured direction, ``(k,)``."""
        z = self.sign * self.given.y / np.sqrt(self.given.v)
        return np.asarray(z > critical_value(self.alpha, "two-sided"))

    def weights(self, eta: float) -> FloatArray:
        """Give the weights ``(k,)``, those of affirmative studies divided by η so that it may be infinite."""
        return np.where(self.affirmative, 1.0 / eta, 1.0) / (self.given.v + self.tau2)

    def reason(self, eta: float) -> str | None:
        """Say why there is no estimate, or no variance of it."""
        if eta == math.inf:
            left = int((~self.affirmative).sum())
            if not left:
                return ALL_AFFIRMATIVE
            if self.robust and left == 1:
                return ONE_LEFT
        return NOT_ROBUST if self.estimate(eta) is None else None

    def mean(self, w: FloatArray, which: BoolArray | None = None) -> float:
        """Give the weighted mean, from its deviations from one effect, in the favoured direction."""
        y = self.sign * self.given.y
        if which is not None:
            w = np.where(which, w, 0.0)
        start = float(y[np.argmax(w)])
        return start + float((w * (y - start)).sum()) / float(w.sum())

    def estimate(self, eta: float) -> Estimate | None:
        """Pool with interval; None where there is no variance."""
        w = self.weights(eta)
        kept = w > 0.0
        if not kept.any():
            return None
        w, y, v = w[kept], self.sign * self.given.y[kept], self.given.v[kept]
        centre = self.mean(self.weights(eta))
        share = w / w.sum()
        df: float | None = None
        if self.robust:
            found = robust_variance(share, y - centre, v + self.tau2)
            if found is None:
                return None
            variance, df = found
        else:
            variance = float((share * share * v).sum())
        made = symmetric_estimates(np.array([self.sign * centre]), np.array([math.sqrt(variance)]), self.level, df)
        return made.one(0)

    def s_value(self, q: float) -> float | None:
        """Give the η for which the estimate is ``q``: Σw(y - q) of the affirmative by Σw(q - y) of the others."""
        goal = self.sign * q
        if self.mean(self.weights(1.0)) <= goal:
            return 1.0
        w, y, affirmative = self.weights(1.0), self.sign * self.given.y, self.affirmative
        toward = float((w * (goal - y))[~affirmative].sum())
        if not affirmative.any() or toward <= 0.0:
            return None
        return float((w * (y - goal))[affirmative].sum()) / toward

    def s_value_of_limit(self, q: float) -> float | None:
        """Give the least η for which the nearer end of the interval is ``q``."""
        goal = self.sign * q

        def beyond(log_eta: float) -> float:
            found = self.estimate(math.exp(log_eta))
            if found is None:
                return math.nan
            return (found.ci_low if self.sign > 0 else -found.ci_high) - goal

        before = beyond(0.0)
        if before <= 0.0:
            return 1.0
        if not self.affirmative.any() or self.affirmative.all():
            return None
        # The end of an interval need not move one way only: its first crossing is sought step by step.
        grid = np.linspace(0.0, math.log(FAR), 257).tolist()
        for low, high in pairwise(grid):
            after = beyond(high)
            if after <= 0.0:
                return math.exp(bracketed_root(beyond, low, high, before, after))
            before = after
        return None

    def studies(self, eta: float) -> tuple[BiasStudy, ...]:
        """List the affirmative studies, set aside in the worst case and weighted otherwise."""
        w = self.weights(eta)
        shares = (w / w.sum()).tolist()
        change = "set aside" if eta == math.inf else "weighted"
        return tuple(
            BiasStudy(
                study=self.given.study[i],
                y=float(self.given.y[i]),
                v=float(self.given.v[i]),
                change=change,
                weight=None if eta == math.inf else shares[i],
            )
            for i in np.flatnonzero(self.affirmative).tolist()
        )


def robust_variance(share: FloatArray, residual: FloatArray, working: FloatArray) -> tuple[float, float] | None:
    """Give the CR2 variance of a weighted mean and its Satterthwaite degrees of freedom; None where it is 0.

    ``share`` (k,) are the weights that add up to 1, ``working`` the variances Φ the residuals would have. With the
    residual maker I - 1h' a residual has the variance Φᵢ - 2hᵢΦᵢ + Σh²Φ, and is multiplied by the root of Φᵢ over it,
    so that the variance is unbiased where Φ is right.
    """
    if share.size < FEWEST:
        return None
    squared = share * share * working
    total = float(squared.sum())
    own = working * (1.0 - 2.0 * share) + total
    factor = np.sqrt(working / own)
    scaled = share * factor
    variance = float(((scaled * residual) ** 2).sum())
    if variance <= (float(np.finfo(np.float64).eps) * share.size) ** 2 * total:
        return None
    # B is the matrix of the quadratic form in standard normal numbers: its trace squared over that of its square.
    leverage = share * working
    between = total - leverage[:, None] - leverage[None, :]
    np.fill_diagonal(between, own)
    form = scaled[:, None] * between * scaled[None, :]
    return variance, float(np.trace(form)) ** 2 / float((form * form).sum())


def _row(weighting: Weighting, eta: float) -> dict[str, float | str | None]:
    label: float | str = "worst case" if eta == math.inf else float(eta)
    found = None if weighting.reason(eta) else weighting.estimate(eta)
    if found is None:
        return {"eta": label, "effect": None, "se": None, "ci_low": None, "ci_high": None, "p_value": None}
    return {
        "eta": label,
        "effect": found.value,
        "se": found.se,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "p_value": found.p_value,
    }


@hookimpl
def adjustments() -> list[Adjustment]:
    """Offer the worst case of selection by significance, with s-values."""
    return [
        Adjustment(
            NAME,
            worst_case,
            formula="θ̂(η) = (Σ_A wᵢyᵢ + η Σ_N wᵢyᵢ)/(Σ_A wᵢ + η Σ_N wᵢ), A affirmative studies, N the "
            "others; worst case: θ̂(∞)",
            reference=REFERENCE,
            r_equivalent="PublicationBias::pubbias_svalue(yi, vi, return_worst_meta=TRUE)",
        )
    ]
