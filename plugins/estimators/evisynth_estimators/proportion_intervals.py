"""Bound the proportion of one study by its counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import StudyInterval, hookimpl, normal_quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import FloatArray

    Limits = tuple[FloatArray, FloatArray]

NUDGE = 1e-6
"""A longer step, relative to the quantile, would not be a matter of last digits."""
MEASURES = frozenset({"PR", "PLN", "PLO", "PRZ", "PAS", "PFT"})


def clopper_pearson(events: FloatArray, n: FloatArray, level: float) -> Limits:
    """Take the proportions at which as many events, or as few, have a probability of half the rest (exact)."""
    tail, others = (1 - level) / 2, n - events
    low = np.where(events == 0, 0.0, _beta_quantile(np.where(events == 0, 1.0, events), others + 1, tail, upper=False))
    high = np.where(others == 0, 1.0, _beta_quantile(events + 1, np.where(others == 0, 1.0, others), tail, upper=True))
    return _of_somebody(n, low, high)


def _beta_quantile(a: FloatArray, b: FloatArray, tail: float, *, upper: bool) -> FloatArray:
    """Give the quantile that leaves ``tail`` below or above; a step of Newton's mends the library's last digits."""
    from scipy.special import betainc, betaincc, betainccinv, betaincinv, betaln  # noqa: PLC0415 - scipy comes with the first fit

    p = betainccinv(a, b, tail) if upper else betaincinv(a, b, tail)
    missing = betaincc(a, b, p) - tail if upper else tail - betainc(a, b, p)
    step = missing / np.exp((a - 1) * np.log(p) + (b - 1) * np.log1p(-p) - betaln(a, b))
    return np.where(np.abs(step) < NUDGE * p, p + step, p)


def wilson(events: FloatArray, n: FloatArray, level: float) -> Limits:
    """Take the proportions from which the one seen is z standard errors away (the score test's)."""
    return _of_somebody(n, _score_low(events, n, level), _score_high(events, n, level))


def wilson_corrected(events: FloatArray, n: FloatArray, level: float) -> Limits:
    """Take the proportions from which the one seen, nearer by 1/(2n), is z standard errors away."""
    fewer, more = np.maximum(events - 0.5, 0.0), np.minimum(events + 0.5, n)
    return _of_somebody(n, _score_low(fewer, n, level), _score_high(more, n, level))


def _score_high(events: FloatArray, n: FloatArray, level: float) -> FloatArray:
    z = normal_quantile(level)
    half = z * np.sqrt(np.maximum(events * (n - events), 0.0) / n + z * z / 4)
    return (events + z * z / 2 + half) / (n + z * z)


def _score_low(events: FloatArray, n: FloatArray, level: float) -> FloatArray:
    # The product of both limits is p²/(1 + z²/n): the lower one needs no difference.
    z = normal_quantile(level)
    return events * events / (n * (n + z * z) * _score_high(events, n, level))


def agresti_coull(events: FloatArray, n: FloatArray, level: float) -> Limits:
    """Take the simple approximation after z²/2 events and as many non-events are added."""
    z = normal_quantile(level)
    total = n + z * z
    p = (events + z * z / 2) / total
    half = z * np.sqrt(p * (1 - p) / total)
    return _of_somebody(n, p - half, p + half)


def simple(events: FloatArray, n: FloatArray, level: float) -> Limits:
    """Take p ± z √(p(1 - p)/n); nothing wide at 0 and 1."""
    p = events / n
    half = normal_quantile(level) * np.sqrt(events * (n - events) / n) / n
    return _of_somebody(n, p - half, p + half)


def simple_corrected(events: FloatArray, n: FloatArray, level: float) -> Limits:
    """Take p ± (z √(p(1 - p)/n) + 1/(2n))."""
    p = events / n
    half = normal_quantile(level) * np.sqrt(events * (n - events) / n) / n + 0.5 / n
    return _of_somebody(n, p - half, p + half)


def _of_somebody(n: FloatArray, low: FloatArray, high: FloatArray) -> Limits:
    """Keep limits within 0 and 1; nobody has none."""
    nobody = ~(n > 0)
    return np.where(nobody, np.nan, np.clip(low, 0.0, 1.0)), np.where(nobody, np.nan, np.clip(high, 0.0, 1.0))


@hookimpl
def study_intervals() -> list[StudyInterval]:
    """Offer the intervals for a proportion that meta has."""
    newcombe = "Newcombe (1998), Stat. Med. 17:857-872"
    made: dict[str, tuple[Callable[..., Limits], str]] = {
        "CP": (clopper_pearson, "Clopper & Pearson (1934), Biometrika 26:404-413"),
        "WS": (wilson, f"Wilson (1927), J. Am. Stat. Assoc. 22:209-212; {newcombe}, method 3"),
        "WSCC": (wilson_corrected, f"{newcombe}, method 4"),
        "AC": (agresti_coull, "Agresti & Coull (1998), Am. Stat. 52:119-126"),
        "SA": (simple, f"{newcombe}, method 1"),
        "SACC": (simple_corrected, f"{newcombe}, method 2"),
    }
    formulas = {
        "CP": "p_L = B⁻¹(½(1 - level); x, n - x + 1), p_U = B⁻¹(½(1 + level); x + 1, n - x)",
        "WS": "(x + z²/2 ± z √(x(n - x)/n + z²/4))/(n + z²)",
        "WSCC": "p_L = Wilson's with x - ½, p_U = Wilson's with x + ½",
        "AC": "p̃ ± z √(p̃(1 - p̃)/ñ), ñ = n + z², p̃ = (x + z²/2)/ñ",
        "SA": "p ± z √(p(1 - p)/n)",
        "SACC": "p ± (z √(p(1 - p)/n) + 1/(2n))",
    }
    return [
        StudyInterval(
            name,
            function,
            measures=MEASURES,
            formula=formulas[name],
            reference=reference,
            r_equivalent=f"meta::metaprop(events, n, method.ci='{name}')",
        )
        for name, (function, reference) in made.items()
    ]
