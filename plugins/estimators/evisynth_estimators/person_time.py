"""Compare events per person-time in two groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import EffectMeasure, FloatArray, MeasuredEffects, hookimpl
from evisynth_estimators.two_by_two import log_ratio

if TYPE_CHECKING:
    from evisynth import BoolArray, Increments

NO_TIME = "no person-time in an arm"
NO_EVENTS = "no events in either arm"


def incidence_rate_ratio(
    events_1: FloatArray, time_1: FloatArray, events_2: FloatArray, time_2: FloatArray, increments: Increments
) -> MeasuredEffects:
    """Take ln((x₁/t₁)/(x₂/t₂)) with variance 1/x₁ + 1/x₂, that of Poisson counts."""
    added = increments(events_1, events_2)
    x_1, x_2 = events_1 + added, events_2 + added
    return MeasuredEffects(log_ratio(x_1 * time_2, x_2 * time_1), 1 / x_1 + 1 / x_2, _no_time(time_1, time_2))


def incidence_rate_difference(
    events_1: FloatArray, time_1: FloatArray, events_2: FloatArray, time_2: FloatArray, increments: Increments
) -> MeasuredEffects:
    """Take x₁/t₁ - x₂/t₂ with variance x₁/t₁² + x₂/t₂²."""
    added = increments(events_1, events_2)
    x_1, x_2 = events_1 + added, events_2 + added
    y = (x_1 * time_2 - x_2 * time_1) / (time_1 * time_2)
    return MeasuredEffects(y, x_1 / time_1**2 + x_2 / time_2**2, _no_time(time_1, time_2))


def root_rate_difference(
    events_1: FloatArray, time_1: FloatArray, events_2: FloatArray, time_2: FloatArray
) -> MeasuredEffects:
    """Take √(x₁/t₁) - √(x₂/t₂) with variance 1/(4t₁) + 1/(4t₂); no events need no correction and get none."""
    one, two = events_1 * time_2, events_2 * time_1
    total = np.sqrt(one) + np.sqrt(two)
    gap = np.where(total == 0, 0.0, (one - two) / np.where(total == 0, 1.0, total))
    return MeasuredEffects(
        gap / np.sqrt(time_1) / np.sqrt(time_2), 1 / (4 * time_1) + 1 / (4 * time_2), _no_time(time_1, time_2)
    )


def _no_time(time_1: FloatArray, time_2: FloatArray) -> tuple[tuple[BoolArray, str], ...]:
    return ((np.asarray((time_1 == 0) | (time_2 == 0)), NO_TIME),)


@hookimpl
def effect_measures() -> list[EffectMeasure]:
    """Offer the comparisons of two incidence rates."""
    escalc = "metafor::escalc(measure='{}', x1i=events_1, t1i=time_1, x2i=events_2, t2i=time_2)"
    rothman = "Rothman, Greenland & Lash (2008), Modern Epidemiology, 3rd ed., ch. 14"
    bagos = "Bagos & Nikolopoulos (2009), Int. J. Biostat. 5(1):21"
    return [
        EffectMeasure(
            "IRR",
            incidence_rate_ratio,
            label="Incidence Rate Ratio",
            scale="log",
            default_method="MH",
            uninformative="no events",
            formula="y = ln((x₁/t₁)/(x₂/t₂)); v = 1/x₁ + 1/x₂",
            reference=f"{rothman}; {bagos}",
            r_equivalent=escalc.format("IRR"),
        ),
        EffectMeasure(
            "IRD",
            incidence_rate_difference,
            label="Incidence Rate Difference",
            scale="linear",
            default_method="MH",
            formula="y = x₁/t₁ - x₂/t₂; v = x₁/t₁² + x₂/t₂²",
            reference=f"{rothman}; {bagos}",
            r_equivalent=escalc.format("IRD"),
        ),
        EffectMeasure(
            "IRSD",
            root_rate_difference,
            label="Square Root Incidence Rate Difference",
            scale="linear",
            formula="y = √(x₁/t₁) - √(x₂/t₂); v = 1/(4t₁) + 1/(4t₂)",
            reference=bagos,
            r_equivalent=escalc.format("IRSD"),
        ),
    ]
