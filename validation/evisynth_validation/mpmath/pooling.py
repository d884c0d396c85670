"""Pool 2×2 tables exactly: Mantel-Haenszel and Peto, RevMan 5's rules beside metafor's.

Sources: Robins, Breslow & Greenland (1986) for the variance of the log odds ratio; Greenland & Robins (1985) for the
risk ratio and the risk difference; Sato (1989) for the other variance of the risk difference; Yusuf et al. (1985) for
Peto; DerSimonian & Laird (1986), with Cochran's Q taken about the Mantel-Haenszel estimate as RevMan does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from evisynth_validation.mpmath.effects import Effect, metafor_two_by_two, peto, revman_two_by_two
from evisynth_validation.mpmath.exact import brief, dot, exact, log, nearest, sqrt, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_validation.mpmath.effects import Cells
    from evisynth_validation.mpmath.exact import Exact, Json


@dataclass(frozen=True, slots=True)
class Pooled:
    """Hold a pooled estimate, its variance, and the factor by which cancellation magnifies rounding in it."""

    estimate: Exact
    variance: Exact
    cond: Exact

    def record(self) -> dict[str, Json]:
        """Round to the nearest doubles."""
        return {"estimate": nearest(self.estimate), "se": nearest(sqrt(self.variance)), "cond": brief(self.cond)}


def cancellation(terms: Sequence[Exact]) -> Exact:
    """Compare the size of the terms of a sum with the sum itself; 1 where there is nothing to lose."""
    size, result = total(abs(term) for term in terms), abs(total(terms))
    return size / result if result > 0 else exact(1)


def of_log(estimate: Exact) -> Exact:
    """Say how much a logarithm near 0 magnifies the rounding of its argument."""
    return 1 + 1 / abs(estimate) if abs(estimate) > 0 else exact(1)


def mantel_haenszel_or(tables: Sequence[Cells]) -> Pooled | None:
    """Pool odds ratios; none where a sum is 0."""
    r = [t.a * t.d / t.n for t in tables]
    s = [t.b * t.c / t.n for t in tables]
    p = [(t.a + t.d) / t.n for t in tables]
    q = [(t.b + t.c) / t.n for t in tables]
    sum_r, sum_s = total(r), total(s)
    if not (sum_r > 0 and sum_s > 0):
        return None
    variance = dot(p, r) / (2 * sum_r**2) + (dot(p, s) + dot(q, r)) / (2 * sum_r * sum_s) + dot(q, s) / (2 * sum_s**2)
    estimate = log(sum_r / sum_s)
    return Pooled(estimate, variance, of_log(estimate))


def mantel_haenszel_rr(tables: Sequence[Cells], *, at_one: Sequence[bool]) -> Pooled | None:
    """Pool risk ratios; where ``at_one`` holds, the study enters as its weight times a ratio of exactly 1.

    The variance keeps the cells of such a study, so that a study alone has its own standard error.
    """
    r = [t.a * t.n2 / t.n for t in tables]
    s = [t.c * t.n1 / t.n for t in tables]
    sum_r, sum_s = total(r), total(s)
    if not (sum_r > 0 and sum_s > 0):
        return None
    weighted = total(weight if fixed else part for part, weight, fixed in zip(r, s, at_one, strict=True))
    spread = total((t.n1 * t.n2 * (t.a + t.c) - t.a * t.c * t.n) / t.n**2 for t in tables)
    estimate = log(weighted / sum_s)
    return Pooled(estimate, spread / (sum_r * sum_s), of_log(estimate))


def mantel_haenszel_rd(tables: Sequence[Cells], variance_from: Sequence[Cells]) -> Pooled:
    """Pool risk differences of the tables as given, their Greenland-Robins variance from other cells if need be."""
    weights = [t.n1 * t.n2 / t.n for t in tables]
    terms = [part for t in tables for part in (t.a * t.n2 / t.n, -(t.c * t.n1 / t.n))]
    spread = total((s.a * s.b * s.n2**3 + s.c * s.d * s.n1**3) / (s.n1 * s.n2 * s.n**2) for s in variance_from)
    return Pooled(total(terms) / total(weights), spread / total(weights) ** 2, cancellation(terms))


def sato_variance(tables: Sequence[Cells], estimate: Exact) -> Exact:
    """Estimate the variance of the risk difference so that it holds for sparse tables and for large ones."""
    p = total((t.n1**2 * t.c - t.n2**2 * t.a + t.n1 * t.n2 * (t.n2 - t.n1) / 2) / t.n**2 for t in tables)
    q = total((t.a * t.d + t.c * t.b) / (2 * t.n) for t in tables)
    return (estimate * p + q) / total(t.n1 * t.n2 / t.n for t in tables) ** 2


def inverse_variance(effects: Sequence[Effect], tau2: Exact | None = None) -> Pooled:
    """Weight effects by the inverse of their variances, τ² added."""
    added = tau2 or exact(0)
    weights = [1 / (effect.v + added) for effect in effects]
    terms = [w * effect.y for w, effect in zip(weights, effects, strict=True)]
    return Pooled(total(terms) / total(weights), 1 / total(weights), cancellation(terms))


def heterogeneity(effects: Sequence[Effect], centre: Exact) -> dict[str, Json]:
    """Take Q about a centre, I² in percent, the moment estimate of τ² from that Q and the random-effects line.

    A single study has Q = 0 whatever the rounding; ``cond_q`` and ``cond_tau2`` scale the tolerances of those two.
    """
    weights = [1 / effect.v for effect in effects]
    residuals = [effect.y - centre for effect in effects]
    df = len(effects) - 1
    q = total(w * r**2 for w, r in zip(weights, residuals, strict=True)) if df else exact(0)
    lost = total(w * abs(r) * (abs(e.y) + abs(centre)) for w, r, e in zip(weights, residuals, effects, strict=True))
    cond_q = 1 + 2 * lost / q if q > 0 else exact(1)
    summed = total(weights)
    spread = total(w * (total(weights[:i]) + total(weights[i + 1 :])) for i, w in enumerate(weights)) / summed
    positive = q > df
    tau2 = (q - df) / spread if positive else exact(0)
    cond_tau2 = cond_q * q / (q - df) if positive else exact(1)
    random = inverse_variance(effects, tau2)
    drift = total((e.y - random.estimate) / (e.v + tau2) ** 2 for e in effects) * random.variance * tau2
    reach = abs(drift / random.estimate) if abs(random.estimate) > 0 else exact(0)
    return {
        "q": nearest(q),
        "df": df,
        "i2": nearest(100 * (q - df) / q) if positive else 0.0,
        "tau2": nearest(tau2),
        "cond_q": brief(cond_q),
        "cond_tau2": brief(cond_tau2),
        "random": Pooled(random.estimate, random.variance, random.cond + reach * cond_tau2).record(),
    }


def revman_mantel_haenszel(measure: str, tables: Sequence[Cells]) -> Pooled | None:
    """Pool estimable tables by RevMan 5's rules."""
    corrected = [t.corrected() for t in tables]
    if measure == "OR":
        return mantel_haenszel_or(corrected)
    if measure == "RR":
        return mantel_haenszel_rr(corrected, at_one=[t.all_events for t in tables])
    pooled = mantel_haenszel_rd(tables, corrected)
    alone = revman_two_by_two("RD", tables[0])
    return Pooled(pooled.estimate, alone.v, pooled.cond) if len(tables) == 1 and alone else pooled


def peto_pooled(tables: Sequence[Cells]) -> Pooled:
    """Divide the summed O − E by the summed hypergeometric variances."""
    expected = [t.n1 * (t.a + t.c) / t.n for t in tables]
    variances = [t.n1 * t.n2 * (t.a + t.c) * (t.b + t.d) / (t.n**2 * (t.n - 1)) for t in tables]
    terms = [part for t, e in zip(tables, expected, strict=True) for part in (t.a, -e)]
    return Pooled(total(terms) / total(variances), 1 / total(variances), cancellation(terms))


def revman(measure: str, tables: Sequence[Cells]) -> Json:
    """Analyse one set of tables as RevMan 5 does: common and random lines, by Mantel-Haenszel and inverse variance."""
    pairs = [(t, effect) for t in tables if (effect := revman_two_by_two(measure, t)) is not None]
    if not pairs:
        return {"k": 0}
    used, effects = [t for t, _ in pairs], [effect for _, effect in pairs]
    if measure == "PETO":
        pooled = peto_pooled(used)
        spread = heterogeneity(effects, pooled.estimate)
        return {"k": len(used), "peto": pooled.record() | {name: spread[name] for name in ("q", "df", "i2", "cond_q")}}
    by_mh, by_iv = revman_mantel_haenszel(measure, used), inverse_variance(effects)
    return {
        "k": len(used),
        "mh": by_mh.record() | heterogeneity(effects, by_mh.estimate) if by_mh else None,
        "iv": by_iv.record() | heterogeneity(effects, by_iv.estimate),
    }


def metafor(measure: str, tables: Sequence[Cells]) -> Json:
    """Analyse one set of tables as ``rma.mh`` and ``rma.peto`` do: raw cells in the sums, corrected ones in Q.

    Peto's Q comes from raw cells too, although ``rma.peto`` displays effects of corrected ones.
    None where a sum is 0 or where no table has both an event and a non-event.
    Tables without any event and tables without any non-event stay in the sums but not in Q, for every measure.
    """
    occupied = [t for t in tables if not t.empty_arm]
    derive = peto if measure == "PETO" else partial(metafor_two_by_two, measure)
    effects = [effect for t in occupied if not (t.no_events or t.all_events) and (effect := derive(t)) is not None]
    if measure == "PETO":
        pooled = peto_pooled(occupied) if effects else None
    elif measure == "OR":
        pooled = mantel_haenszel_or(occupied)
    elif measure == "RR":
        pooled = mantel_haenszel_rr(occupied, at_one=[False] * len(occupied))
    else:
        greenland = mantel_haenszel_rd(occupied, occupied)
        pooled = Pooled(greenland.estimate, sato_variance(occupied, greenland.estimate), greenland.cond)
    if pooled is None or not effects:
        return None
    spread = heterogeneity(effects, pooled.estimate)
    record = pooled.record() | {"k_q": len(effects)} | {name: spread[name] for name in ("q", "df", "i2", "cond_q")}
    if measure == "RD":
        record["se_greenland_robins"] = nearest(sqrt(mantel_haenszel_rd(occupied, occupied).variance))
    return record
