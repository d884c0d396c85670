"""Transform statistics exactly, as their sources print the formulas; nothing is rearranged for a computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth_validation.mpmath.exact import (
    arcsine,
    artanh,
    cosine,
    exact,
    exp,
    integral,
    log,
    normal_density,
    normal_distribution,
    normal_quantile,
    power,
    sine,
    sqrt,
    tanh,
    two_pi,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evisynth_validation.mpmath.exact import Exact

PI = two_pi() / 2
HALF = exact(1) / 2


def freeman_tukey(p: Exact, n: Exact) -> Exact:
    """Average two arcsines."""
    x = p * n
    return (arcsine(sqrt(x / (n + 1))) + arcsine(sqrt((x + 1) / (n + 1)))) / 2


def miller(x: Exact, n: Exact) -> Exact:
    """Invert the double arcsine as Miller prints it."""
    s = sine(2 * x)
    u = s + (s - 1 / s) / n
    sign = 1 if cosine(2 * x) > 0 else -1
    return (1 - sign * sqrt(1 - u * u)) / 2


def ratio(n_1: Exact, n_2: Exact) -> Exact:
    """Give h of a point-biserial correlation."""
    m = n_1 + n_2 - 2
    return m / n_1 + m / n_2


def of_point_biserial(r: Exact, n_1: Exact, n_2: Exact) -> Exact:
    """Give the difference of groups with a point-biserial correlation."""
    return sqrt(ratio(n_1, n_2)) * r / sqrt(1 - r * r)


def of_cut(r: Exact, n_1: Exact, n_2: Exact) -> Exact:
    """Give the difference of groups cut out of a variable."""
    p = n_1 / (n_1 + n_2)
    rho = r * normal_density(normal_quantile(p)) / sqrt(p * (1 - p))
    return of_point_biserial(rho, n_1, n_2)


def averaged(function: Callable[[Exact], Exact], x: Exact, tau2: Exact) -> Exact:
    """Integrate over a normal distribution."""
    tau = sqrt(tau2)
    return integral(lambda z: function(x + tau * z) * normal_density(z))


def odds(p: Exact, odds_ratio: Exact) -> Exact:
    """Multiply odds by a ratio."""
    made = p / (1 - p) * odds_ratio
    return made / (1 + made)


OF_ONE: Mapping[str, Callable[[Exact], Exact]] = {
    "r-to-z": lambda r: log((1 + r) / (1 - r)) / 2,
    "z-to-r": lambda z: (exp(2 * z) - 1) / (exp(2 * z) + 1),
    "r-squared-to-z": lambda s: artanh(sqrt(s)),
    "z-to-r-squared": lambda z: tanh(z) ** 2,
    "alpha-to-bonett": lambda a: -log(1 - a),
    "bonett-to-alpha": lambda x: 1 - exp(-x),
    "alpha-to-hakstian-whalen": lambda a: 1 - power(1 - a, exact(1) / 3),
    "hakstian-whalen-to-alpha": lambda x: 1 - (1 - x) ** 3,
    "proportion-to-logit": lambda p: log(p / (1 - p)),
    "logit-to-proportion": lambda x: exp(x) / (1 + exp(x)),
    "proportion-to-probit": normal_quantile,
    "probit-to-proportion": normal_distribution,
    "proportion-to-arcsine": lambda p: arcsine(sqrt(p)),
    "arcsine-to-proportion": lambda x: sine(x) ** 2,
    "rate-to-square-root": sqrt,
    "square-root-to-rate": lambda x: x * x,
    "smd-to-u1": lambda d: (2 * normal_distribution(abs(d) / 2) - 1) / normal_distribution(abs(d) / 2),
    "smd-to-u2": lambda d: normal_distribution(d / 2),
    "smd-to-u3": normal_distribution,
    "smd-to-cles": lambda d: normal_distribution(d / sqrt(2)),
    "cles-to-smd": lambda p: sqrt(2) * normal_quantile(p),
    "smd-to-cliff-delta": lambda d: 2 * normal_distribution(d / sqrt(2)) - 1,
    "smd-to-overlap": lambda d: 2 * normal_distribution(-abs(d) / 2),
    "smd-to-besd": lambda d: HALF + d / sqrt(d * d + 4) / 2,
    "log-or-to-smd-logistic": lambda x: x * sqrt(3) / PI,
    "smd-to-log-or-logistic": lambda d: d * PI / sqrt(3),
    "log-or-to-smd-normal": lambda x: x / (exact(165) / 100),
    "smd-to-log-or-normal": lambda d: d * 165 / 100,
    "log-or-to-tetrachoric-pearson": lambda x: cosine(PI / (1 + sqrt(exp(x)))),
    "log-or-to-tetrachoric-digby": lambda x: (exp(x * 3 / 4) - 1) / (exp(x * 3 / 4) + 1),
    "nnt-from-rd": lambda difference: -1 / difference,
}
OF_TWO: Mapping[str, Callable[[Exact, Exact], Exact]] = {
    "proportion-to-freeman-tukey": freeman_tukey,
    "freeman-tukey-to-proportion": miller,
    "rate-to-freeman-tukey": lambda rate, t: (sqrt(rate) + sqrt(rate + 1 / t)) / 2,
    "freeman-tukey-to-rate": lambda x, t: (x - 1 / (4 * t * x)) ** 2,
    "smd-to-md": lambda d, sd: d * sd,
    "log-ratio-to-mean-ratio": lambda x, tau2: averaged(exp, x, tau2),
    "logit-to-mean-proportion": lambda x, tau2: averaged(lambda y: 1 / (1 + exp(-y)), x, tau2),
    "z-to-mean-r": lambda x, tau2: averaged(tanh, x, tau2),
    "risk-from-or": lambda ratio, p: odds(p, ratio),
    "risk-from-rr": lambda ratio, p: ratio * p,
    "log-or-to-rd": lambda x, p: odds(p, exp(x)) - p,
    "log-or-to-rr": lambda x, p: odds(p, exp(x)) / p,
    "nnt-from-rr": lambda ratio, p: 1 / (p - p * ratio),
    "nnt-from-or": lambda ratio, p: 1 / (p - odds(p, ratio)),
}
OF_THREE: Mapping[str, Callable[[Exact, Exact, Exact], Exact]] = {
    "smd-to-r": lambda d, n_1, n_2: d / sqrt(d * d + ratio(n_1, n_2)),
    "r-to-smd": of_point_biserial,
    "r-to-smd-of-cut": of_cut,
}
VALUES: Mapping[str, Callable[..., Exact]] = {**OF_ONE, **OF_TWO, **OF_THREE}
"""The first target of each conversion, from its sources in order (optional ones where they take part)."""
