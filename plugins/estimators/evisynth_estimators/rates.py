"""Describe events per person-time in one group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, Scale, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import BoolArray, Increments

NO_TIME = "no person-time"


def incidence_rate(events: FloatArray, time: FloatArray, increments: Increments) -> MeasuredEffects:
    """Take x/t with variance x/t², that of a Poisson count."""
    x = events + increments(events)
    return MeasuredEffects(x / time, x / (time * time), _no_time(time))


def log_rate(events: FloatArray, time: FloatArray, increments: Increments) -> MeasuredEffects:
    """Take ln(x/t) with variance 1/x."""
    x = events + increments(events)
    return MeasuredEffects(np.log(x / time), 1 / x, _no_time(time))


def root_rate(events: FloatArray, time: FloatArray) -> MeasuredEffects:
    """Take √(x/t) with variance 1/(4t); no events need no correction and get none."""
    return MeasuredEffects(np.sqrt(events / time), 1 / (4 * time), _no_time(time))


def freeman_tukey_rate(events: FloatArray, time: FloatArray) -> MeasuredEffects:
    """Take (√(x/t) + √((x + 1)/t))/2 with variance 1/(4t)."""
    y = (np.sqrt(events / time) + np.sqrt((events + 1) / time)) / 2
    return MeasuredEffects(y, 1 / (4 * time), _no_time(time))


def _no_time(time: FloatArray) -> tuple[tuple[BoolArray, str], ...]:
    return ((np.asarray(time == 0), NO_TIME),)


def _not_negative(y: FloatArray) -> FloatArray:
    return np.maximum(y, 0.0)


def _squared(y: FloatArray) -> FloatArray:
    """Give the rate of a square root; one below 0 belongs to no rate, and is shown as 0."""
    return np.maximum(y, 0.0) ** 2


def freeman_tukey_back(y: FloatArray, time: FloatArray) -> FloatArray:
    """Give the rate whose Freeman–Tukey transform over ``time`` is y; 0 for what lies below that of no events.

    With u = 2y√t = √x + √(x + 1) the count is x = ((u - 1/u)/2)².
    """
    u = np.maximum(2 * y * np.sqrt(time), 1.0)
    return ((u - 1 / u) / 2) ** 2 / time


def freeman_tukey_forward(rate: FloatArray, time: FloatArray) -> FloatArray:
    """Transform a rate over ``time``."""
    return (np.sqrt(rate) + np.sqrt(rate + 1 / time)) / 2


RATE = Scale("rate", back=_not_negative, forward=np.asarray, null=None)
LOG_RATE = Scale("log rate", back=np.exp, forward=np.log, null=None)
ROOT_RATE = Scale("square root of rate", back=_squared, forward=np.sqrt, null=None)
FREEMAN_TUKEY_RATE = Scale(
    "Freeman–Tukey rate", back=freeman_tukey_back, forward=freeman_tukey_forward, size="time", null=None
)


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the incidence rate and its transformations."""
    escalc = "metafor::escalc(measure='{}', xi=events, ti=time)"
    rothman = "Rothman, Greenland & Lash (2008), Modern Epidemiology, 3rd ed., ch. 14"
    freeman = "Freeman & Tukey (1950), Ann. Math. Stat. 21:607-611"
    made: dict[str, tuple[Callable[..., MeasuredEffects], str, Scale, str]] = {
        "IR": (incidence_rate, "Incidence Rate", RATE, rothman),
        "IRLN": (log_rate, "Incidence Rate", LOG_RATE, rothman),
        "IRS": (root_rate, "Incidence Rate", ROOT_RATE, f"{freeman} (square root of a Poisson count)"),
        "IRFT": (freeman_tukey_rate, "Incidence Rate", FREEMAN_TUKEY_RATE, freeman),
    }
    formulas = {
        "IR": "y = x/t; v = x/t²",
        "IRLN": "y = ln(x/t); v = 1/x",
        "IRS": "y = √(x/t); v = 1/(4t)",
        "IRFT": "y = ½(√(x/t) + √((x + 1)/t)); v = 1/(4t)",
    }
    return [
        EffectMeasure(
            name,
            function,
            label=label,
            scale=scale,
            formula=formulas[name],
            reference=reference,
            r_equivalent=escalc.format(name),
        )
        for name, (function, label, scale, reference) in made.items()
    ]
