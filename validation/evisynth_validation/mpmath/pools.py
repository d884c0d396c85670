"""Correct and pool counts exactly: zero-cell rules with their options, person-time, and tests of 2×2 tables.

Sources: metafor's documentation of escalc and rma.mh and meta's of metabin for where increments go; Sweeting, Sutton &
Lambert (2004) for the treatment-arm correction; Greenland & Robins (1985) for rates; Cochran (1954), Mantel & Haenszel
(1959), Breslow & Day (1980) and Tarone (1985) for the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from evisynth_validation.mpmath.effects import Cells, Effect
from evisynth_validation.mpmath.exact import dot, exact, exp, integral, log, sqrt, total, two_pi
from evisynth_validation.mpmath.linear import inverse_and_determinant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_validation.mpmath.exact import Exact


STILL = 1e-45
"""A step that changes nothing within the digits carried."""


def increments(tables: Sequence[Cells], increment: float, to: str, *, dropped: bool) -> list[Exact]:
    """Say what is added to each table; a table that is dropped is no reason to add to the others."""
    zero = [t.has_zero and not (dropped and (t.no_events or t.all_events)) for t in tables]
    reached = {"only0": zero, "if0all": [any(zero)] * len(tables), "all": [True] * len(tables)}
    return [exact(increment) if at else exact(0) for at in reached.get(to, [False] * len(tables))]


def plus(t: Cells, one: Exact, two: Exact) -> Cells:
    """Add to both cells of either arm."""
    return Cells(t.a + one, t.b + one, t.c + two, t.d + two)


def increased(t: Cells, added: Exact, rule: str) -> Cells:
    """Give the cells of sums and variances."""
    if rule == "TACC":
        return plus(t, 2 * added * t.n1 / t.n, 2 * added * t.n2 / t.n)
    return plus(t, added, added)


def own_cells(t: Cells, added: Exact, rule: str, measure: str) -> Cells:
    """Give the cells of a ratio's effect and variance."""
    inside = increased(t, added, rule)
    if measure == "RR" and rule in {"meta", "TACC"}:
        return Cells(inside.a, t.b, inside.c, t.d)
    return inside


def effect_of(t: Cells, added: Exact, rule: str, measure: str) -> Effect | None:
    """Measure one table by a rule; none where the logarithm has none."""
    s = own_cells(t, added, rule, measure)
    if measure == "RD":
        e = s if rule == "metafor" else t
        return Effect(e.a / e.n1 - e.c / e.n2, s.a * s.b / s.n1**3 + s.c * s.d / s.n2**3)
    if measure == "RR":
        if not (s.a > 0 and s.c > 0):
            return None
        return Effect(log((s.a / s.n1) / (s.c / s.n2)), 1 / s.a - 1 / s.n1 + 1 / s.c - 1 / s.n2)
    if not (s.a > 0 and s.b > 0 and s.c > 0 and s.d > 0):
        return None
    return Effect(log(s.a * s.d / (s.b * s.c)), 1 / s.a + 1 / s.b + 1 / s.c + 1 / s.d)


def rate_ratio(rows: Sequence[tuple[Exact, Exact, Exact, Exact]]) -> tuple[Exact, Exact]:
    """Pool log rate ratios of (events, time) in two arms by Mantel and Haenszel; estimate and variance."""
    r = total(x1 * t2 / (t1 + t2) for x1, t1, _, t2 in rows)
    s = total(x2 * t1 / (t1 + t2) for _, t1, x2, t2 in rows)
    spread = total((x1 + x2) * t1 * t2 / (t1 + t2) ** 2 for x1, t1, x2, t2 in rows)
    return log(r / s), spread / (r * s)


def rate_difference(rows: Sequence[tuple[Exact, Exact, Exact, Exact]]) -> tuple[Exact, Exact]:
    """Pool rate differences by Mantel and Haenszel; estimate and variance."""
    weights = [t1 * t2 / (t1 + t2) for _, t1, _, t2 in rows]
    pairs = list(zip(weights, rows, strict=True))
    estimate = total(w * (x1 / t1 - x2 / t2) for w, (x1, t1, x2, t2) in pairs) / total(weights)
    variance = total(w**2 * (x1 / t1**2 + x2 / t2**2) for w, (x1, t1, x2, t2) in pairs) / total(weights) ** 2
    return estimate, variance


def cochran_mantel_haenszel(tables: Sequence[Cells], correction: float) -> Exact:
    """Compare the events of arm 1 with those expected under no effect, margins fixed."""
    gap = total(t.a - t.n1 * (t.a + t.c) / t.n for t in tables)
    variance = total(t.n1 * t.n2 * (t.a + t.c) * (t.b + t.d) / (t.n**2 * (t.n - 1)) for t in tables)
    beyond = abs(gap) - correction
    return (beyond if beyond > 0 else exact(0)) ** 2 / variance


def cochran(tables: Sequence[Cells]) -> Exact:
    """Compare them with the variance of binomial arms."""
    gap = total(t.a - t.n1 * (t.a + t.c) / t.n for t in tables)
    return gap**2 / total(t.n1 * t.n2 * (t.a + t.c) * (t.b + t.d) / t.n**3 for t in tables)


def breslow_day(tables: Sequence[Cells], odds_ratio: Exact) -> tuple[Exact, Exact]:
    """Compare each table with the one of its margins that has the common odds ratio: Breslow-Day, and Tarone."""
    gaps: list[Exact] = []
    variances: list[Exact] = []
    for t in tables:
        events, n1, n2 = t.a + t.c, t.n1, t.n2
        square, linear, constant = 1 - odds_ratio, n2 - events + odds_ratio * (n1 + events), -odds_ratio * n1 * events
        root = sqrt(linear**2 - 4 * square * constant)
        a = -constant / linear if abs(square) < STILL else (-linear + root) / (2 * square)
        gaps.append(t.a - a)
        variances.append(1 / (1 / a + 1 / (n1 - a) + 1 / (events - a) + 1 / (n2 - events + a)))
    statistic = total(gap**2 / variance for gap, variance in zip(gaps, variances, strict=True))
    return statistic, statistic - total(gaps) ** 2 / total(variances)


def penalised_logistic(tables: Sequence[Cells]) -> tuple[Exact, Exact, Exact]:
    """Pool odds ratios by logistic regression with Firth's penalty: estimate, variance and Fletcher's overdispersion.

    Fisher scoring on the modified score with the whole information matrix, until 45 digits stand still.
    """
    k = len(tables)
    arms = [Arm(t.a, t.n1, (1 + i, 0)) for i, t in enumerate(tables)]
    arms += [Arm(t.c, t.n2, (1 + i,)) for i, t in enumerate(tables)]
    half = exact(0.5)
    beta = [exact(0)] + [log((t.a + t.c + half) / (t.b + t.d + half)) for t in tables]
    for _ in range(2000):
        steps, _ = _firth(arms, beta)
        longest = max(float(abs(step)) for step in steps)
        shrink = exact(min(1.0, 2.0 / longest)) if longest > 0 else exact(1)
        beta = [b + shrink * step for b, step in zip(beta, steps, strict=True)]
        if longest < STILL:
            break
    _, variance = _firth(arms, beta)
    gaps = [(arm.events - arm.n * p, p, arm.n * p * (1 - p)) for arm in arms for p in [arm.risk(beta)]]
    pearson = total(gap**2 / w for gap, _, w in gaps)
    skew = total((1 - 2 * p) * gap / w for gap, p, w in gaps) / (2 * k)
    spread = pearson / (k - 1) / (1 + skew) if k > 1 else exact(1)
    return beta[0], variance, spread if spread > 1 else exact(1)


@dataclass(frozen=True, slots=True)
class Arm:
    """Hold one arm: its events and size, and the coefficients that add up to its logit."""

    events: Exact
    n: Exact
    at: tuple[int, ...]

    def risk(self, beta: Sequence[Exact]) -> Exact:
        """Give the fitted risk."""
        return 1 / (1 + exp(-total(beta[i] for i in self.at)))


def _firth(arms: Sequence[Arm], beta: Sequence[Exact]) -> tuple[list[Exact], Exact]:
    """Take a step of Fisher scoring on the modified score; with the variance of the first coefficient."""
    size = len(beta)
    fits = [arm.risk(beta) for arm in arms]
    weights = [arm.n * p * (1 - p) for arm, p in zip(arms, fits, strict=True)]
    information = [[exact(0)] * size for _ in range(size)]
    for arm, w in zip(arms, weights, strict=True):
        for r, s in product(arm.at, arm.at):
            information[r][s] = information[r][s] + w
    inverse, _ = inverse_and_determinant(information)
    score = [exact(0)] * size
    for arm, p, w in zip(arms, fits, weights, strict=True):
        hat = w * total(inverse[r][s] for r, s in product(arm.at, arm.at))
        for r in arm.at:
            score[r] = score[r] + arm.events - arm.n * p + hat * (exact(0.5) - p)
    return [dot(row, score) for row in inverse], inverse[0][0]


def mixed_log_likelihood(studies: Sequence[Sequence[tuple[Exact, Exact, Exact, Exact]]]) -> Exact:
    """Add the logarithms of ∫ Π p(z)^x (1 - p(z))^(n - x) φ(z) dz over studies, each of arms (x, n, logit, slope).

    The logit of an arm is its own plus slope times z.
    """
    return total(log(_marginal(arms)) for arms in studies)


def _marginal(arms: Sequence[tuple[Exact, Exact, Exact, Exact]]) -> Exact:
    def integrand(z: Exact) -> Exact:
        exponent = -z * z / 2
        for x, n, logit, slope in arms:
            eta = logit + slope * z
            exponent = exponent - x * log(1 + exp(-eta)) - (n - x) * log(1 + exp(eta))
        return exp(exponent)

    return integral(integrand) / sqrt(two_pi())
