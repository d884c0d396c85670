"""Bound the rate of one study by its count of events; or any effect by its standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import StudyInterval, hookimpl, normal_quantile

if TYPE_CHECKING:
    from evisynth import FloatArray


def poisson(events: FloatArray, time: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Take the rates at which as many events, or as few, have a probability of half the rest (exact)."""
    from scipy.special import gammainccinv, gammaincinv  # noqa: PLC0415 - scipy comes with the first fit

    tail = (1 - level) / 2
    low = np.where(events == 0, 0.0, gammaincinv(np.where(events == 0, 1.0, events), tail))
    nothing = ~(time > 0)
    time = np.where(nothing, 1.0, time)
    return np.where(nothing, np.nan, low / time), np.where(nothing, np.nan, gammainccinv(events + 1, tail) / time)


def normal(effect: FloatArray, se: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Take the effect ± z standard errors on the analysis scale."""
    half = normal_quantile(level) * se
    return effect - half, effect + half


@hookimpl
def study_intervals() -> list[StudyInterval]:
    """Offer the exact interval of a Poisson count, and the normal approximation."""
    return [
        StudyInterval(
            "Poisson",
            poisson,
            measures=frozenset({"IR", "IRLN", "IRS", "IRFT"}),
            formula="λ_L = Γ⁻¹(½(1 - level); x)/t, λ_U = Γ⁻¹(½(1 + level); x + 1)/t",
            reference="Garwood (1936), Biometrika 28:437-442",
            r_equivalent="meta::metarate(events, time, method.ci='Poisson')",
        ),
        StudyInterval(
            "NAsm",
            normal,
            on_display=False,
            formula="y ± z √v",
            reference="Deeks, Higgins & Altman (2023), Cochrane Handbook 6.4, §6.3",
            r_equivalent="meta::metaprop(events, n, method.ci='NAsm')",
        ),
    ]
