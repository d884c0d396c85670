"""Hold estimators of τ², what is pooled with them and limits of τ² to the certified corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Agreement, Asked, Effects, Tau2Estimator, Tau2Fit, Tau2Interval, fit, intercept, weighted_fit
from evisynth_validation.corpus import sets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth import FloatArray
    from evisynth_validation.corpus import Bounds, CertifiedSet, Pooled

CLOSED_FORMS = frozenset({"DL", "HE", "GENQ", "HS", "HSk", "SJ"})
CLOSED, ITERATIVE = 1e-13, 1e-12
POOLED = ("PoolingModel", "IV")
LIKELIHOODS = ("ML", "REML")
QUICK = 12
"""One set in so many does for a quick run."""


def certified(asked: Asked) -> Iterator[Agreement]:
    """Estimate τ² of every set by every estimator, pool at it, and find its limits."""
    intervals = [record for record in asked.records(Tau2Interval) if record.name in {"QP", "PL"}]
    for number, one in enumerate(sets()):
        if len(one.y) == 1 or (asked.quick and number % QUICK):
            continue
        y, v = np.array(one.y), np.array(one.v)
        if POOLED in asked:
            yield from _common(one, y, v)
        for record in asked.records(Tau2Estimator):
            if record.name in one.estimates:
                yield from _estimate(one, record, y, v)
        for likelihood in LIKELIHOODS if intervals else ():
            yield from _limits(one, likelihood, intervals, y, v, asked)


def _case(one: CertifiedSet) -> str:
    return f"{one.id} ({one.regime}, k = {len(one.y)})"


def _common(one: CertifiedSet, y: FloatArray, v: FloatArray) -> Iterator[Agreement]:
    made = weighted_fit(y, 1.0 / v, intercept(y.size))
    # Equal effects leave no sum of squares but the rounding of their mean.
    yield Agreement(POOLED, _case(one), "Q", float(one.common.q), float(made.rss), CLOSED)
    yield from _pooled(one, (POOLED,), one.common.pooled, 0.0, CLOSED, "common ")


def _pooled(
    one: CertifiedSet, methods: tuple[tuple[str, str], ...], truth: Pooled, tau2: float, tolerance: float, of: str = ""
) -> Iterator[Agreement]:
    y, v = np.array(one.y), np.array(one.v)
    made = weighted_fit(y, 1.0 / (v + tau2), intercept(y.size))
    effect, se = float(made.coefficients[0]), float(np.sqrt(made.covariance[0, 0]))
    exact = float(truth.effect)
    # An effect of 0 is a sum of terms as large as the effects.
    floor = tolerance * float(np.abs(y).max()) if exact == 0.0 else 0.0
    yield Agreement(methods, _case(one), f"{of}effect", exact, effect, tolerance, truth.cond_effect, floor)
    yield Agreement(methods, _case(one), f"{of}standard error", float(truth.se), se, tolerance, truth.cond_se)


def _estimate(one: CertifiedSet, record: Tau2Estimator, y: FloatArray, v: FloatArray) -> Iterator[Agreement]:
    truth, case = one.estimates[record.name], _case(one)
    if truth.tau2 is None or truth.pooled is None:
        return
    tolerance = CLOSED if record.name in CLOSED_FORMS else ITERATIVE
    made = record.function(y, v, intercept(y.size))
    fitted = made if isinstance(made, Tau2Fit) else Tau2Fit(made)
    tau2 = float(fitted.tau2)
    shown = tau2 if truth.untruncated is not None else max(tau2, 0.0)
    yield Agreement(record, case, "τ²", float(truth.untruncated or truth.tau2), shown, tolerance, truth.cond)
    methods = ((record.kind, record.name), POOLED)
    yield from _pooled(one, methods, truth.pooled, max(tau2, 0.0), tolerance)
    if truth.modes is None or fitted.modes is None or fitted.log_likelihood is None:
        return
    yield Agreement(record, case, "maxima of the likelihood", truth.modes, int(fitted.modes))
    exact, floor = float(truth.log_likelihood or "nan"), tolerance * (truth.log_likelihood_scale or 0.0)
    yield Agreement(record, case, "log-likelihood", exact, float(fitted.log_likelihood), floor=floor)


def _limits(
    one: CertifiedSet, likelihood: str, intervals: list[Tau2Interval], y: FloatArray, v: FloatArray, asked: Asked
) -> Iterator[Agreement]:
    made = fit(Effects(y, v), tau2=likelihood, settings="metafor", registry=asked.registry).model.fit
    if made is None:
        return
    for record in intervals:
        profile = record.name == "PL"
        if profile or likelihood == LIKELIHOODS[0]:
            found = record.function(made, 0.95, **({"estimator": likelihood} if profile else {}))
            truth = one.limits[f"PL_{likelihood}" if profile else "QP"]
            ends = (float(found.low), float(found.high))
            yield from _ends(one, record, f" by {likelihood}" if profile else "", truth, ends, bool(found.empty))


def _ends(
    one: CertifiedSet,
    record: Tau2Interval,
    of: str,
    truth: Bounds,
    ends: tuple[float, float],
    empty: bool,  # noqa: FBT001 - as found
) -> Iterator[Agreement]:
    case = _case(one)
    if truth.lower is None or truth.upper is None:
        yield Agreement(record, case, f"empty limits{of}", expected=True, observed=empty)
        return
    yield Agreement(record, case, f"lower limit of τ²{of}", float(truth.lower), ends[0], ITERATIVE, truth.cond_lower)
    yield Agreement(record, case, f"upper limit of τ²{of}", float(truth.upper), ends[1], ITERATIVE, truth.cond_upper)
