"""Compute what RevMan 5 stores at 50 digits, straight from its formulas and without any of evisynth's.

Effects, their variances and the ways to pool are those of Deeks & Higgins (2010), Statistical algorithms in Review
Manager 5; in studies with a zero cell 0.5 is added to all four cells, for the effect and for Mantel-Haenszel sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from mpmath.ctx_mp import MPContext  # mpmath has no annotations

if TYPE_CHECKING:
    from collections.abc import Sequence

Number: TypeAlias = Any
"""A number of mpmath's."""

mp: Any = MPContext()
mp.dps = 50
HALF = mp.mpf(1) / 2


@dataclass(frozen=True)
class Effect:
    """Hold a study's effect with what it adds to the sums of its method."""

    y: Number
    """Effect on the scale of the analysis."""
    se: Number
    weight: Number
    """Weight in the fixed-effect model."""
    sums: tuple[Number, ...] = ()
    """Terms of the Mantel-Haenszel estimate (numerator, denominator) and of its variance."""


@dataclass(frozen=True)
class Pooled:
    """Hold a pooled effect."""

    y: Number
    se: Number
    weights: tuple[Number, ...]
    q: Number
    tau2: Number

    @property
    def df(self) -> int:
        """Degrees of freedom of Q."""
        return len(self.weights) - 1

    @property
    def i2(self) -> Number:
        """I² in percent."""
        return inconsistency(self.q, self.df)


# -- studies ----------------------------------------------------------------------------------------------------------


def of_counts(measure: str, method: str, counts: Sequence[float], *, swap: bool = False) -> Effect | None:
    """Take an effect of events and totals of two arms; None where it is not estimable."""
    a, n1, c, n2 = (mp.mpf(number) for number in counts)
    if swap:
        a, c = n1 - a, n2 - c
    b, d = n1 - a, n2 - c
    no_event, all_events = a + c == 0, b + d == 0
    if n1 == 0 or n2 == 0:
        return None
    if (measure in {"OR", "PETO"} and (no_event or all_events)) or (measure == "RR" and no_event):
        return None
    if measure == "PETO":
        return _peto(a, n1, c, n2)
    more = HALF if 0 in (a, b, c, d) else mp.mpf(0)
    cells = (a + more, b + more, c + more, d + more)
    if measure == "OR":
        effect = _odds_ratio(*cells)
    elif measure == "RR":
        effect = _risk_ratio(*cells, equal=all_events)
    else:
        effect = _risk_difference((a, n1, c, n2), cells)
    return effect if method == "MH" else Effect(effect.y, effect.se, effect.se**-2)


def _peto(a: Number, n1: Number, c: Number, n2: Number) -> Effect:
    total, events = n1 + n2, a + c
    variance = n1 * n2 * events * (total - events) / (total**2 * (total - 1))
    return of_o_e(a - n1 * events / total, variance)


def _odds_ratio(a: Number, b: Number, c: Number, d: Number) -> Effect:
    n = a + b + c + d
    R, S, P, Q = a * d / n, b * c / n, (a + d) / n, (b + c) / n
    se = mp.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    return Effect(mp.log(a * d / (b * c)), se, S, (R, S, P * R, P * S + Q * R, Q * S))


def _risk_ratio(a: Number, b: Number, c: Number, d: Number, *, equal: bool) -> Effect:
    """Take a risk ratio; ``equal`` where all have the event in both arms, so that it is 1 whatever is added.

    Its term in the estimate is then the weight times 1; the variance keeps what follows from the corrected cells, by
    which a study alone has its own standard error.
    """
    n1, n2 = a + b, c + d
    n = n1 + n2
    R, S, P = a * n2 / n, c * n1 / n, (n1 * n2 * (a + c) - a * c * n) / n**2
    term = S if equal else R
    return Effect(mp.log(term / S), mp.sqrt(1 / a + 1 / c - 1 / n1 - 1 / n2), S, (term, S, R, P))


def _risk_difference(raw: tuple[Number, ...], cells: tuple[Number, ...]) -> Effect:
    """Take a risk difference: effect and weight of the counts as they are, variances of the corrected cells."""
    a, n1, c, n2 = raw
    p, q, r, s = cells
    m1, m2 = p + q, r + s
    K = n1 * n2 / (n1 + n2)
    J = (p * q * m2**3 + r * s * m1**3) / (m1 * m2 * (m1 + m2) ** 2)
    y = a / n1 - c / n2
    return Effect(y, mp.sqrt(p * q / m1**3 + r * s / m2**3), K, (y * K, K, J))


def of_means(measure: str, numbers: Sequence[float]) -> Effect | None:
    """Take an effect of means, standard deviations and totals; None where an SD is 0 or an arm has one participant."""
    m1, s1, n1, m2, s2, n2 = (mp.mpf(number) for number in numbers)
    if s1 <= 0 or s2 <= 0 or n1 <= 1 or n2 <= 1:
        return None
    if measure == "MD":
        return of_effect(m1 - m2, mp.sqrt(s1**2 / n1 + s2**2 / n2))
    n = n1 + n2
    pooled = mp.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / (n - 2))
    g = (m1 - m2) / pooled * (1 - mp.mpf(3) / (4 * n - 9))
    return of_effect(g, mp.sqrt(n / (n1 * n2) + g**2 / (2 * (n - mp.mpf("3.94")))))


def of_effect(y: Number, se: Number) -> Effect | None:
    """Take an effect that is given with its standard error; None where that is not positive."""
    y, se = mp.mpf(y), mp.mpf(se)
    return Effect(y, se, se**-2) if se > 0 else None


def of_o_e(o_e: Number, variance: Number) -> Effect:
    """Take the effect (O - E) / V with standard error 1 / √V."""
    o_e, variance = mp.mpf(o_e), mp.mpf(variance)
    return Effect(o_e / variance, 1 / mp.sqrt(variance), variance, (o_e,))


# -- pooling ----------------------------------------------------------------------------------------------------------


def pool(effects: Sequence[Effect], measure: str, method: str, *, random: bool) -> Pooled | None:
    """Pool effects; None where there is none."""
    if not effects:
        return None
    w = [one.se**-2 for one in effects]
    y, se = _fixed(effects, measure, method)
    if method == "Peto":
        o_e = sum(one.sums[0] for one in effects)
        q = sum(one.weight * one.y**2 for one in effects) - o_e**2 / sum(w)
    else:
        q = sum(wi * (one.y - y) ** 2 for wi, one in zip(w, effects, strict=True))
    if not random:
        return Pooled(y, se, tuple(one.weight for one in effects), q, mp.mpf(0))
    tau2, df = mp.mpf(0), len(effects) - 1
    if df:
        tau2 = max(tau2, (q - df) / (sum(w) - sum(wi**2 for wi in w) / sum(w)))
    w = [1 / (one.se**2 + tau2) for one in effects]
    return Pooled(_mean([one.y for one in effects], w), 1 / mp.sqrt(sum(w)), tuple(w), q, tau2)


def _fixed(effects: Sequence[Effect], measure: str, method: str) -> tuple[Number, Number]:
    if method != "MH":
        w = [one.se**-2 for one in effects]
        return _mean([one.y for one in effects], w), 1 / mp.sqrt(sum(w))
    sums = [sum(terms) for terms in zip(*(one.sums for one in effects), strict=True)]
    if measure == "OR":
        R, S, PR, PS_QR, QS = sums
        return mp.log(R / S), mp.sqrt(PR / (2 * R**2) + PS_QR / (2 * R * S) + QS / (2 * S**2))
    if measure == "RR":
        terms, weights, risks, spread = sums
        return mp.log(terms / weights), mp.sqrt(spread / (risks * weights))
    terms, weights, spread = sums
    return terms / weights, effects[0].se if len(effects) == 1 else mp.sqrt(spread) / weights


def _mean(y: Sequence[Number], w: Sequence[Number]) -> Number:
    return sum(wi * yi for wi, yi in zip(w, y, strict=True)) / sum(w)


def between(parts: Sequence[Pooled]) -> Pooled:
    """Compare pooled effects of subgroups: their mean by inverse variance and Q about it."""
    given = [Effect(one.y, one.se, one.se**-2) for one in parts]
    pooled = pool(given, "GEN", "IV", random=False)
    assert pooled is not None  # noqa: S101 - there are parts
    return pooled


# -- tests and intervals ----------------------------------------------------------------------------------------------


def z_of(level: float) -> Number:
    """Give how many standard errors an interval extends to either side."""
    return mp.sqrt(2) * mp.erfinv(mp.mpf(str(level)))


def p_of_z(z: Number) -> Number:
    """Give the two-sided p-value of a standard normal deviate."""
    return mp.erfc(abs(z) / mp.sqrt(2))


def p_of_chi2(q: Number, df: int) -> Number:
    """Give the p-value of a chi-square; 1 without degrees of freedom, as RevMan stores it."""
    return mp.gammainc(mp.mpf(df) / 2, q / 2, mp.inf, regularized=True) if df else mp.mpf(1)


def inconsistency(q: Number, df: int) -> Number:
    """Give I² in percent; 0 without degrees of freedom."""
    return 100 * max(mp.mpf(0), (q - df) / q) if df and q else mp.mpf(0)
