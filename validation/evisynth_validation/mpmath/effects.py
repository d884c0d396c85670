"""Derive study effects and their variances exactly, under RevMan 5's rules and under metafor's.

A result is ``{"y", "v"}``, or ``None`` where the convention has no estimate. Beside a difference or a log ratio stands
``cond``, the factor by which cancellation magnifies rounding when the two arms are rounded before they are subtracted;
arithmetic on the integer cross-products, or on the doubles as given, does not need it.

Sources: RevMan's documentation of its statistical algorithms (Deeks & Higgins 2010); Yusuf et al. (1985) for Peto;
Hedges (1981) for the bias correction; Hedges & Olkin (1985) for the large-sample variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evisynth_validation.mpmath.exact import brief, exact, gamma_ratio, log, nearest, sqrt

if TYPE_CHECKING:
    from evisynth_validation.mpmath.exact import Exact, Json


@dataclass(frozen=True, slots=True)
class Cells:
    """Hold the four cells of a 2×2 table: events and non-events, treatment then control."""

    a: Exact
    b: Exact
    c: Exact
    d: Exact

    @classmethod
    def of(cls, events_1: int, n_1: int, events_2: int, n_2: int) -> Cells:
        """Lay out two arms of counts."""
        return cls(exact(events_1), exact(n_1 - events_1), exact(events_2), exact(n_2 - events_2))

    @property
    def n1(self) -> Exact:
        """Return the size of the treatment arm."""
        return self.a + self.b

    @property
    def n2(self) -> Exact:
        """Return the size of the control arm."""
        return self.c + self.d

    @property
    def n(self) -> Exact:
        """Return the size of the study."""
        return self.n1 + self.n2

    @property
    def has_zero(self) -> bool:
        """Say whether any cell is empty."""
        return not (self.a > 0 and self.b > 0 and self.c > 0 and self.d > 0)

    @property
    def no_events(self) -> bool:
        """Say whether neither arm has an event."""
        return not (self.a > 0 or self.c > 0)

    @property
    def all_events(self) -> bool:
        """Say whether every participant of both arms has an event."""
        return not (self.b > 0 or self.d > 0)

    @property
    def empty_arm(self) -> bool:
        """Say whether an arm has no participants."""
        return not (self.n1 > 0 and self.n2 > 0)

    def corrected(self) -> Cells:
        """Add one half to all four cells where any of them is empty."""
        if not self.has_zero:
            return self
        half = exact(0.5)
        return Cells(self.a + half, self.b + half, self.c + half, self.d + half)


@dataclass(frozen=True, slots=True)
class Effect:
    """Hold a study effect, its variance and the cancellation in the effect."""

    y: Exact
    v: Exact
    cond: Exact | None = None

    def record(self) -> Json:
        """Round to the nearest doubles."""
        record = {"y": nearest(self.y), "v": nearest(self.v)}
        return record if self.cond is None else record | {"cond": brief(self.cond)}


def difference(left: Exact, right: Exact, variance: Exact) -> Effect:
    """Subtract two arms, noting the cancellation."""
    gap = left - right
    return Effect(gap, variance, (abs(left) + abs(right)) / abs(gap) if abs(gap) > 0 else None)


def log_odds_ratio(t: Cells) -> Effect:
    """Take ln(ad/bc) with Woolf's variance."""
    effect = difference(log(t.a / t.b), log(t.c / t.d), 1 / t.a + 1 / t.b + 1 / t.c + 1 / t.d)
    return Effect(log((t.a * t.d) / (t.b * t.c)), effect.v, effect.cond)


def log_risk_ratio(t: Cells) -> Effect:
    """Take ln((a/n1)/(c/n2)) with the delta-method variance, written without subtraction as b/(a n1) + d/(c n2)."""
    effect = difference(log(t.a / t.n1), log(t.c / t.n2), t.b / (t.a * t.n1) + t.d / (t.c * t.n2))
    return Effect(log((t.a * t.n2) / (t.c * t.n1)), effect.v, effect.cond)


def risk_difference(t: Cells, variance_from: Cells | None = None) -> Effect:
    """Take a/n1 − c/n2, its variance from the same cells unless others are given."""
    s = variance_from or t
    return difference(t.a / t.n1, t.c / t.n2, s.a * s.b / s.n1**3 + s.c * s.d / s.n2**3)


def peto(t: Cells) -> Effect | None:
    """Divide observed minus expected events by their hypergeometric variance; none where that variance is 0."""
    variance = t.n1 * t.n2 * (t.a + t.c) * (t.b + t.d) / (t.n**2 * (t.n - 1))
    if not variance > 0:
        return None
    expected = t.n1 * (t.a + t.c) / t.n
    gap = difference(t.a, expected, variance)
    return Effect(gap.y / variance, 1 / variance, gap.cond)


def revman_two_by_two(measure: str, t: Cells) -> Effect | None:
    """Follow RevMan 5: which studies are estimable, and which cells are corrected."""
    if t.empty_arm:
        return None
    if measure == "RD":
        return risk_difference(t, t.corrected())
    if t.no_events or (t.all_events and measure != "RR"):
        return None
    if measure == "PETO":
        return peto(t)
    if measure == "OR":
        return log_odds_ratio(t.corrected())
    effect = log_risk_ratio(t.corrected())
    # With all events in both arms RevMan states a ratio of exactly 1, whatever the correction would make of it.
    return Effect(exact(0), effect.v) if t.all_events else effect


def metafor_two_by_two(measure: str, t: Cells) -> Effect | None:
    """Follow metafor's ``escalc``: add one half to all cells of a table with an empty one, then derive the measure."""
    s = t.corrected()
    derive = {"OR": log_odds_ratio, "RR": log_risk_ratio, "RD": risk_difference, "PETO": peto}[measure]
    return derive(s)


@dataclass(frozen=True, slots=True)
class Arms:
    """Hold two arms of means and standard deviations, treatment then control."""

    m1: Exact
    s1: Exact
    n1: Exact
    m2: Exact
    s2: Exact
    n2: Exact

    @classmethod
    def of(cls, arms: tuple[float, float, int, float, float, int]) -> Arms:
        """Take mean, SD and size of the treatment arm, then of the control arm."""
        return cls(*(exact(value) for value in arms))

    @property
    def flat(self) -> bool:
        """Say whether an arm does not vary."""
        return not (self.s1 > 0 and self.s2 > 0)


def mean_difference(arms: Arms) -> Effect | None:
    """Subtract the means, with the variance of two arms that are not pooled."""
    variance = arms.s1**2 / arms.n1 + arms.s2**2 / arms.n2
    return Effect(arms.m1 - arms.m2, variance) if variance > 0 else None


def cohens_d(arms: Arms) -> tuple[Exact, Exact] | None:
    """Standardise the difference by the pooled SD; also the degrees of freedom of that SD."""
    df = arms.n1 + arms.n2 - 2
    pooled = ((arms.n1 - 1) * arms.s1**2 + (arms.n2 - 1) * arms.s2**2) / df
    return ((arms.m1 - arms.m2) / sqrt(pooled), df) if pooled > 0 else None


def hedges_exact(arms: Arms) -> Effect | None:
    """Correct d by the exact J(m) = Γ(m/2) / (√(m/2) Γ((m−1)/2)), with the variance 1/n1 + 1/n2 + g²/(2N)."""
    standardised = cohens_d(arms)
    if standardised is None:
        return None
    d, df = standardised
    g = d * gamma_ratio(df / 2, (df - 1) / 2) / sqrt(df / 2)
    return Effect(g, 1 / arms.n1 + 1 / arms.n2 + g**2 / (2 * (arms.n1 + arms.n2)))


def hedges_revman(arms: Arms) -> Effect | None:
    """Correct d by 1 − 3/(4N − 9), with the variance N/(n1 n2) + g²/(2(N − 3.94)); none where an SD is 0."""
    standardised = cohens_d(arms)
    if arms.flat or standardised is None:
        return None
    n = arms.n1 + arms.n2
    g = standardised[0] * (1 - 3 / (4 * n - 9))
    return Effect(g, n / (arms.n1 * arms.n2) + g**2 / (2 * (n - exact(394) / 100)))


def observed_minus_expected(o_minus_e: float, variance: float) -> Effect:
    """Divide O−E by its variance, as for a log hazard ratio."""
    return Effect(exact(o_minus_e) / exact(variance), 1 / exact(variance))
