"""Derive effect sizes of counts exactly, and their variances by differentiating the effect numerically.

The variances know nothing of the closed forms that they check: a measure is a function of counts, its gradient is
mpmath's, and the covariance of the counts is that of their distribution (two binomials, one, a multinomial, Poisson).
Those of Freeman and Tukey, of Peto and of rates' square roots are their authors' instead, where zero counts have no
gradient.

Sources: the papers that the measures' records name; Kirk (1973) for the tetrachoric correlation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from mpmath.ctx_mp import MPContext  # mpmath has no annotations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth_validation.mpmath.exact import Exact

    Effect = Callable[..., Exact]
    OfTwo = Callable[[Exact, Exact], Exact]
    OfFour = Callable[[Exact, Exact, Exact, Exact], Exact]

_mp = cast("Any", MPContext())
_mp.dps = 50


def probit(p: Exact) -> Exact:
    """Invert the normal distribution function."""
    return cast("Exact", _mp.sqrt(2) * _mp.erfinv(2 * _mp.mpf(p) - 1))


def normal_cdf(x: Exact) -> Exact:
    """Take the normal distribution function."""
    return cast("Exact", _mp.ncdf(x))


def tanh(z: Exact) -> Exact:
    """Bring Fisher's z back to a correlation."""
    return cast("Exact", _mp.tanh(z))


def tanh_slope(z: Exact) -> Exact:
    """Give the derivative of that, 1 - ρ²."""
    return cast("Exact", _mp.sech(z) ** 2)


def _angle(p: Exact) -> Exact:
    return cast("Exact", _mp.asin(_mp.sqrt(p)))


def _log(x: Exact) -> Exact:
    return cast("Exact", _mp.log(x))


def _sqrt(x: Exact) -> Exact:
    return cast("Exact", _mp.sqrt(x))


def _phi(a: Exact, b: Exact, c: Exact, d: Exact) -> Exact:
    return (a * d - b * c) / _sqrt((a + b) * (c + d) * (a + c) * (b + d))


def _yule(a: Exact, b: Exact, c: Exact, d: Exact) -> Exact:
    return (a * d - b * c) / (a * d + b * c)


def _yule_y(a: Exact, b: Exact, c: Exact, d: Exact) -> Exact:
    return (_sqrt(a * d) - _sqrt(b * c)) / (_sqrt(a * d) + _sqrt(b * c))


def _orthant_gap(s: Exact, a: Exact, b: Exact, c: Exact, d: Exact) -> Exact:
    """Give the share of the first cell less its bivariate normal probability at artanh ρ = s.

    Plackett's identity gives the probability's excess over independence as an integral over the correlation, here over
    artanh ρ.
    """
    n = a + b + c + d
    h, k = probit((a + b) / n), probit((a + c) / n)
    pieces = max(1, int(abs(float(s))) + 1)
    edges = [s * i / pieces for i in range(pieces + 1)]

    def density(at: Exact) -> Exact:
        return _orthant_density(at, h, k)

    return (a * d - b * c) / (n * n) - cast("Exact", _mp.quad(density, edges, method="gauss-legendre"))


def _orthant_density(s: Exact, h: Exact, k: Exact) -> Exact:
    x = k * _mp.cosh(s) - h * _mp.sinh(s)
    return cast("Exact", _mp.exp(-(h * h + x * x) / 2) / (2 * _mp.pi * _mp.cosh(s)))


def tetrachoric(near: float, *cells: float) -> tuple[Exact, Exact]:
    """Solve for artanh ρ by Newton's method from a number near it, and take its multinomial variance.

    The gradient is that of an implicit function, with mpmath's derivatives of the equation by each cell, to more
    than 20 digits. A start that is no solution does not become one: the steps do not shrink, which is an error.
    """
    a, b, c, d = (cast("Exact", _mp.mpf(cell)) for cell in cells)
    n = a + b + c + d
    h, k = probit((a + b) / n), probit((a + c) / n)
    s: Exact = _mp.mpf(near)
    step = s
    for _ in range(3):
        step = _orthant_gap(s, a, b, c, d) / _orthant_density(s, h, k)
        s = s + step
    if abs(step) > abs(s) * _mp.mpf(10) ** (-30):
        msg = "the tetrachoric correlation was not found"
        raise ArithmeticError(msg)
    # Each derivative is a difference at several times the digits asked for.
    with _mp.workdps(25):
        slopes = [slope / _orthant_density(s, h, k) for slope in _gradient(lambda *at: _orthant_gap(s, *at), cells)]
    return s, _multinomial(slopes, cells)


TABLES: dict[str, OfFour] = {
    "OR": lambda a, b, c, d: _log(a * d / (b * c)),
    "RR": lambda a, b, c, d: _log(a / (a + b) / (c / (c + d))),
    "RD": lambda a, b, c, d: a / (a + b) - c / (c + d),
    "VE": lambda a, b, c, d: _log(a / (a + b) / (c / (c + d))),
    "AS": lambda a, b, c, d: _angle(a / (a + b)) - _angle(c / (c + d)),
    "PHI": _phi,
    "ZPHI": lambda a, b, c, d: cast("Exact", _mp.atanh(_phi(a, b, c, d))),
    "YUQ": _yule,
    "YUY": _yule_y,
    "PBIT": lambda a, b, c, d: probit(a / (a + b)) - probit(c / (c + d)),
    "OR2D": lambda a, b, c, d: _log(a * d / (b * c)) * _sqrt(_mp.mpf(3)) / _mp.pi,
    "OR2DL": lambda a, b, c, d: _log(a * d / (b * c)) * _sqrt(_mp.mpf(3)) / _mp.pi,
    "OR2DN": lambda a, b, c, d: _log(a * d / (b * c)) / (_mp.mpf(165) / 100),
}
"""Measures of two groups, as functions of the four cells."""

PAIRS: dict[str, OfFour] = {
    "MPRD": lambda a, b, c, d: (b - c) / (a + b + c + d),
    "MPRR": lambda a, b, c, d: _log((a + b) / (a + c)) + 0 * d,
    "MPOR": lambda a, b, c, d: _log((a + b) * (b + d) / ((a + c) * (c + d))),
    "MPORC": lambda a, b, c, d: _log(b / c) + 0 * (a + d),
}

SINGLE: dict[str, OfTwo] = {
    "PR": lambda x, m: x / (x + m),
    "PLN": lambda x, m: _log(x / (x + m)),
    "PLO": lambda x, m: _log(x / m),
    "PRZ": lambda x, m: probit(x / (x + m)),
    "PAS": lambda x, m: _angle(x / (x + m)),
}
"""Measures of one group, as functions of events and non-events."""

RATES: dict[str, OfTwo] = {
    "IR": lambda x, t: x / t,
    "IRLN": lambda x, t: _log(x / t),
    "IRS": lambda x, t: _sqrt(x / t),
}
TWO_RATES: dict[str, OfFour] = {
    "IRR": lambda x, t, y, u: _log(x / t / (y / u)),
    "IRD": lambda x, t, y, u: x / t - y / u,
    "IRSD": lambda x, t, y, u: _sqrt(x / t) - _sqrt(y / u),
}


def excess_heterozygosity(a: Exact, b: Exact, c: Exact) -> Exact:
    """Take ln(b/(2√ac))."""
    return _log(b / (2 * _sqrt(a * c)))


def freeman_tukey(x: Exact, n: Exact) -> Exact:
    """Average the two angles of Freeman & Tukey (1950)."""
    return (_angle(x / (n + 1)) + _angle((x + 1) / (n + 1))) / 2


def freeman_tukey_rate(x: Exact, t: Exact) -> Exact:
    """Average the two square roots of Freeman & Tukey (1950)."""
    return (_sqrt(x / t) + _sqrt((x + 1) / t)) / 2


def _gradient(effect: Effect, at: Sequence[float]) -> list[Any]:
    point = tuple(_mp.mpf(value) for value in at)
    orders = [tuple(int(i == j) for j in range(len(point))) for i in range(len(point))]
    return [_mp.diff(effect, point, order) for order in orders]


def value(effect: Effect, *at: float) -> Exact:
    """Evaluate an effect at doubles, taken as exactly the numbers they are."""
    return effect(*(_mp.mpf(number) for number in at))


def multinomial(effect: Effect, *cells: float) -> Exact:
    """Take the delta method's variance for counts of one sample."""
    return _multinomial(_gradient(effect, cells), cells)


def _multinomial(slopes: Sequence[Any], cells: Sequence[float]) -> Exact:
    n = _mp.mpf(sum(cells))
    first = sum(slope * cell for slope, cell in zip(slopes, cells, strict=True))
    second = sum(slope * slope * cell for slope, cell in zip(slopes, cells, strict=True))
    return cast("Exact", second - first * first / n)


def binomials(effect: Effect, *cells: float) -> Exact:
    """Take the delta method's variance for pairs of cells with a fixed sum each."""
    total = _mp.mpf(0)
    slopes = _gradient(effect, cells)
    for i in range(0, len(cells), 2):
        one, two = _mp.mpf(cells[i]), _mp.mpf(cells[i + 1])
        total += (slopes[i] - slopes[i + 1]) ** 2 * one * two / (one + two)
    return cast("Exact", total)


def poisson(effect: Effect, *pairs: float) -> Exact:
    """Take the delta method's variance for counts that each stand before their person-time."""
    slopes = _gradient(effect, pairs)
    return cast("Exact", sum(slopes[i] ** 2 * pairs[i] for i in range(0, len(pairs), 2)))


def relative_error(found: float, truth: Exact) -> float:
    """Say how far a double is from the truth, relative to the truth."""
    gap = abs(_mp.mpf(found) - truth)
    return float(gap if abs(truth) <= 0 else gap / abs(truth))
