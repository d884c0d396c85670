"""Describe the proportion of one group that had an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, Scale, hookimpl
from evisynth_estimators.latent_difference import probit_variance
from evisynth_estimators.normal_scores import probit
from evisynth_estimators.two_by_two import log_ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import Average, BoolArray, Increments

NOBODY = "no participants"
ONE = "one participant: the unbiased variance divides by n - 1"


def raw_proportion(
    events: FloatArray, n: FloatArray, increments: Increments, average: Average, vtype: str = "LS"
) -> MeasuredEffects:
    """Take p = x/n with variance p(1 - p)/n.

    ``vtype``: ``UB`` divides by n - 1, which is unbiased; ``AV`` takes p from all studies together.
    """
    x, m, total = _corrected(events, n, increments)
    v = x * m / total**3
    reasons = _nobody(n)
    if vtype == "UB":
        v = v * total / (total - 1)
        reasons = (*reasons, (np.asarray(total <= 1), ONE))
    if vtype == "AV":
        p = average(x / total, total)
        v = p * (1 - p) / total
    return MeasuredEffects(x / total, v, reasons)


def log_proportion(
    events: FloatArray, n: FloatArray, increments: Increments, average: Average, vtype: str = "LS"
) -> MeasuredEffects:
    """Take ln p with variance 1/x - 1/n; with ``vtype="AV"`` its p is that of all studies together."""
    x, m, total = _corrected(events, n, increments)
    v = m / (x * total)
    if vtype == "AV":
        p = average(x / total, total)
        v = (1 - p) / (p * total)
    return MeasuredEffects(log_ratio(x, total), v, _nobody(n))


def logit_proportion(
    events: FloatArray, n: FloatArray, increments: Increments, average: Average, vtype: str = "LS"
) -> MeasuredEffects:
    """Take ln(p/(1 - p)) with variance 1/x + 1/(n - x); with ``vtype="AV"`` its p is that of all studies together."""
    x, m, total = _corrected(events, n, increments)
    v = 1 / x + 1 / m
    if vtype == "AV":
        p = average(x / total, total)
        v = 1 / (p * (1 - p) * total)
    return MeasuredEffects(log_ratio(x, m), v, _nobody(n))


def probit_proportion(events: FloatArray, n: FloatArray, increments: Increments) -> MeasuredEffects:
    """Take z = Φ⁻¹(p) with variance p(1 - p)/(n φ(z)²), the delta method's."""
    x, m, _ = _corrected(events, n, increments)
    return MeasuredEffects(probit(x, m), probit_variance(x, m), _nobody(n))


def arcsine_proportion(events: FloatArray, n: FloatArray) -> MeasuredEffects:
    """Take asin √p with variance 1/(4n); zero cells need no correction and get none."""
    return MeasuredEffects(_angle(events, n - events), 1 / (4 * n), _nobody(n))


def freeman_tukey_proportion(events: FloatArray, n: FloatArray) -> MeasuredEffects:
    """Take (asin √(x/(n + 1)) + asin √((x + 1)/(n + 1)))/2 with variance 1/(4n + 2)."""
    y = (_angle(events, n - events + 1) + _angle(events + 1, n - events)) / 2
    return MeasuredEffects(y, 1 / (4 * n + 2), _nobody(n))


def _corrected(events: FloatArray, n: FloatArray, increments: Increments) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give events, non-events and their sum, with what the zero-cell rule adds to each of the two."""
    added = increments(events, n - events)
    x, m = events + added, n - events + added
    return x, m, x + m


def _angle(count: FloatArray, rest: FloatArray) -> FloatArray:
    """Give asin √(count/(count + rest)), without loss near 1."""
    return np.arctan2(np.sqrt(count), np.sqrt(rest))


def _nobody(n: FloatArray) -> tuple[tuple[BoolArray, str], ...]:
    return ((np.asarray(n == 0), NOBODY),)


ALSO = {"PR": ("PRAW",), "PLO": ("PLOGIT",)}
"""What meta calls them."""

# -- scales -----------------------------------------------------------------------------------------------------------


def _unit(y: FloatArray) -> FloatArray:
    return np.clip(y, 0.0, 1.0)


def _exp(y: FloatArray) -> FloatArray:
    return np.exp(np.minimum(y, 0.0))


def _expit(y: FloatArray) -> FloatArray:
    from scipy.special import expit  # noqa: PLC0415 - scipy comes with the first fit

    return np.asarray(expit(y))


def _logit(p: FloatArray) -> FloatArray:
    from scipy.special import logit  # noqa: PLC0415 - scipy comes with the first fit

    return np.asarray(logit(p))


def _normal(y: FloatArray) -> FloatArray:
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first fit

    return np.asarray(ndtr(y))


def _quantile(p: FloatArray) -> FloatArray:
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first fit

    return np.asarray(ndtri(p))


def _sine_squared(y: FloatArray) -> FloatArray:
    sine: FloatArray = np.sin(np.clip(y, 0.0, np.pi / 2))
    return np.asarray(sine * sine)


def _arcsine(p: FloatArray) -> FloatArray:
    return np.arctan2(np.sqrt(p), np.sqrt(1 - p))


def freeman_tukey_back(y: FloatArray, n: FloatArray) -> FloatArray:
    """Give the proportion whose Freeman–Tukey transform in n participants is y (Miller 1978), kept within 0 and 1.

    The sum of two angles t = 2y has p = (1 - sgn(cos t) √(1 - (sin t + (sin t - 1/sin t)/n)²))/2. What lies beyond the
    transforms of 0 and of n events belongs to no proportion, and is shown as 0 or 1.
    """
    lowest = _angle(np.ones_like(n), n)
    t = np.clip(2 * y, lowest, np.pi - lowest)
    # Near 0 and 1 the root is near 1: its square is taken apart, and p of the rarer outcome comes without a difference.
    sine, cosine = np.sin(t), np.cos(t)
    shift = cosine * cosine / (n * sine)
    square = cosine * cosine + shift * (2 * sine - shift)
    root = np.sqrt(np.maximum(square, 0.0))
    rare = np.maximum((sine - shift) ** 2, 0.0) / (2 * (1 + root))
    made = np.where(t <= lowest, 0.0, np.where(t >= np.pi - lowest, 1.0, np.where(cosine >= 0, rare, 1 - rare)))
    return np.asarray(np.clip(made, 0.0, 1.0))


def freeman_tukey_forward(p: FloatArray, n: FloatArray) -> FloatArray:
    """Transform a proportion of n participants."""
    return (_angle(p * n, n - p * n + 1) + _angle(p * n + 1, n - p * n)) / 2


PROPORTION = Scale("proportion", back=_unit, forward=np.asarray, null=None)
LOG_PROPORTION = Scale("log proportion", back=_exp, forward=np.log, null=None)
LOGIT = Scale("logit", back=_expit, forward=_logit, null=None)
PROBIT = Scale("probit", back=_normal, forward=_quantile, null=None)
ARCSINE = Scale("arcsine", back=_sine_squared, forward=_arcsine, null=None)
FREEMAN_TUKEY = Scale("Freeman–Tukey", back=freeman_tukey_back, forward=freeman_tukey_forward, size="n", null=None)


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the proportion and its transformations."""
    escalc = "metafor::escalc(measure='{}', xi=events, ni=n)"
    lipsey = "Lipsey & Wilson (2001), Practical Meta-Analysis, ch. 3"
    freeman = "Freeman & Tukey (1950), Ann. Math. Stat. 21:607-611; Miller (1978), Am. Stat. 32:138 (inverse)"
    made: dict[str, tuple[Callable[..., MeasuredEffects], Scale, tuple[str, ...], str]] = {
        "PR": (raw_proportion, PROPORTION, ("LS", "UB", "AV"), lipsey),
        "PLN": (log_proportion, LOG_PROPORTION, ("LS", "AV"), lipsey),
        "PLO": (logit_proportion, LOGIT, ("LS", "AV"), lipsey),
        "PRZ": (probit_proportion, PROBIT, (), "Bliss (1934), Science 79:38-39; delta method"),
        "PAS": (arcsine_proportion, ARCSINE, (), "Anscombe (1948), Biometrika 35:246-254"),
        "PFT": (freeman_tukey_proportion, FREEMAN_TUKEY, (), freeman),
    }
    formulas = {
        "PR": "p = x/n; v = p(1 - p)/n",
        "PLN": "y = ln(x/n); v = 1/x - 1/n",
        "PLO": "y = ln(x/(n - x)); v = 1/x + 1/(n - x)",
        "PRZ": "y = Φ⁻¹(p), p = x/n; v = p(1 - p)/(n φ(y)²)",
        "PAS": "y = asin √(x/n); v = 1/(4n)",
        "PFT": "y = ½(asin √(x/(n + 1)) + asin √((x + 1)/(n + 1))); v = 1/(4n + 2)",
    }
    return [
        EffectMeasure(
            name,
            function,
            label="Proportion",
            scale=scale,
            variances=variances,
            study_interval="CP",
            also=ALSO.get(name, ()),
            formula=formulas[name],
            reference=reference,
            r_equivalent=escalc.format(name),
            r_version="metafor 5.1" if name == "PRZ" else None,
        )
        for name, (function, scale, variances, reference) in made.items()
    ]
