"""Give the weights of selection: how likely a study with its p-value is to be published, relative to others.

Every function is of log p and log (1 - p), which keep their digits where p is next to 0 or 1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth import FloatArray

_LOG_2 = math.log(2.0)
LARGEST = 1e12
"""Largest δ that is searched: weights then fall at p of about 1e-12."""
MOST_SEVERE = 20.0
LEAST_SEVERE = 1.0 / 32.0
"""Ends of δ₂ of the negative exponential power function: beyond them it is flat for all p that occur."""


@attrs.frozen
class DeltaScale:
    """Hold how a coordinate is made of δ and back."""

    of: Callable[[float], float]
    to: Callable[[float], float]
    slope: Callable[[float], float]
    """Derivative of δ in the coordinate."""


SCALES = {
    "δ": DeltaScale(lambda delta: delta, lambda u: u, lambda _: 1.0),
    "log (1 + δ)": DeltaScale(math.log1p, math.expm1, math.exp),
    "1/δ": DeltaScale(lambda delta: 1.0 / delta, lambda u: 1.0 / u, lambda u: -1.0 / (u * u)),
}


@attrs.frozen(eq=False)
class LogWeight:
    """Hold log w and its derivatives in the coordinates, each of the broadcast shape of p."""

    value: FloatArray
    first: tuple[FloatArray, ...]
    second: dict[tuple[int, int], FloatArray] = attrs.field(factory=dict[tuple[int, int], "FloatArray"])
    """Second derivatives that are not 0, by the pair of coordinates (the smaller first)."""


@attrs.frozen(eq=False)
class WeightFunction:
    """Hold a smooth weight function of p: ``log_weight(coordinates, log p, log (1 - p), precision)``."""

    names: tuple[str, ...]
    log_weight: Callable[[Sequence[FloatArray], FloatArray, FloatArray, FloatArray], LogWeight]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    none: tuple[float, ...]
    """Coordinates of no selection."""
    grid: tuple[tuple[float, ...] | None, ...]
    """Values to start from for a coordinate that log w is not linear in."""
    by_precision: bool = False
    scales: tuple[str, ...] = ("δ", "δ")
    """What each coordinate is of δ: one of `SCALES`."""
    null: tuple[float, ...] = (0.0, 0.0)
    """δ of no selection, which each is tested against."""
    censor: tuple[bool, bool] = (False, False)
    """Whether p is kept off 0 and off 1."""
    reach_of_power: bool = False
    """Whether w still varies where p itself is below every rounding."""
    at_end: bool = False
    """Whether no selection lies at the end of the range."""


def _beta(delta: Sequence[FloatArray], log_p: FloatArray, log_q: FloatArray, _: FloatArray) -> LogWeight:
    return LogWeight((delta[0] - 1.0) * log_p + (delta[1] - 1.0) * log_q, (log_p, log_q))


def _half_normal(delta: Sequence[FloatArray], log_p: FloatArray, _: FloatArray, size: FloatArray) -> LogWeight:
    fall = -size * np.exp(2.0 * log_p)
    return LogWeight(delta[0] * fall, (fall,))


def _exponential(delta: Sequence[FloatArray], log_p: FloatArray, _: FloatArray, size: FloatArray) -> LogWeight:
    fall = -size * np.exp(log_p)
    return LogWeight(delta[0] * fall, (fall,))


def _power(delta: Sequence[FloatArray], _: FloatArray, log_q: FloatArray, size: FloatArray) -> LogWeight:
    fall = size * log_q
    return LogWeight(delta[0] * fall, (fall,))


def _logistic(delta: Sequence[FloatArray], log_p: FloatArray, _: FloatArray, size: FloatArray) -> LogWeight:
    from scipy.special import expit  # noqa: PLC0415 - scipy comes with the first fit

    rise = size * np.exp(log_p)
    share = np.asarray(expit(delta[0] * rise))
    return LogWeight(
        _LOG_2 - np.logaddexp(0.0, delta[0] * rise),
        (-rise * share,),
        {(0, 0): -rise * rise * share * (1.0 - share)},
    )


def _exponential_power(
    coordinates: Sequence[FloatArray], log_p: FloatArray, _: FloatArray, size: FloatArray
) -> LogWeight:
    """Give -δ₁ p^(1/δ₂) in log (1 + δ₁) and 1/δ₂: as w nears a step, both grow along a straight line."""
    fall = -size * np.exp(log_p * coordinates[1])
    delta, slope = np.expm1(coordinates[0]), np.exp(coordinates[0])
    along = fall * log_p
    return LogWeight(
        delta * fall,
        (slope * fall, delta * along),
        {(0, 0): slope * fall, (0, 1): slope * along, (1, 1): delta * along * log_p},
    )


def _one(log_weight: Callable[..., LogWeight], **words: object) -> WeightFunction:
    made = WeightFunction(
        names=("delta",),
        log_weight=log_weight,
        lower=(0.0,),
        upper=(LARGEST,),
        none=(0.0,),
        grid=(None,),
        by_precision=True,
        at_end=True,
    )
    return attrs.evolve(made, **words)  # type: ignore[arg-type]


BETA = WeightFunction(
    names=("delta 1", "delta 2"),
    log_weight=_beta,
    lower=(1e-5, 1e-5),
    upper=(1e4, 1e4),
    none=(1.0, 1.0),
    null=(1.0, 1.0),
    grid=(None, None),
    censor=(True, True),
)
HALF_NORMAL = _one(_half_normal)
NEGATIVE_EXPONENTIAL = _one(_exponential)
POWER = _one(_power, censor=(False, True))
LOGISTIC = _one(_logistic)
NEGATIVE_EXPONENTIAL_POWER = WeightFunction(
    names=("delta 1", "delta 2"),
    log_weight=_exponential_power,
    lower=(0.0, 1.0 / MOST_SEVERE),
    upper=(math.log(LARGEST), 1.0 / LEAST_SEVERE),
    none=(0.0, 1.0),
    grid=(None, (20.0, 6.0, 2.0, 0.7, 0.2, 0.06)),
    by_precision=True,
    scales=("log (1 + δ)", "1/δ"),
    reach_of_power=True,
    at_end=True,
)
