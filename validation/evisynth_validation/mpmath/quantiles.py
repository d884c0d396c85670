"""Convert quantiles to means and standard deviations exactly: closed forms, nearest distributions, likeliest powers.

The closed forms are those of the papers as printed; what is found by iteration is solved with 30 digits from a start
that is given, so that a test proves the start itself to be the solution. Sources: see the records in
`evisynth_converters`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from mpmath.ctx_mp import MPContext  # mpmath has no annotations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth_validation.mpmath.exact import Exact

_mp = cast("Any", MPContext())
_mp.dps = 50

Pair: TypeAlias = "tuple[Exact, Exact]"
Number: TypeAlias = "Exact | float"
Real: TypeAlias = Any
"""A number of mpmath, which ships no types."""


def _solved(function: Callable[[Real], Real], start: Number, tolerance: float | None = None) -> Real:
    """Find a root near a start; with a tolerance, of a function that is itself found by differences."""
    if tolerance is None:
        return _mp.findroot(function, start)
    return _mp.findroot(function, start, tol=tolerance, verify=False)


def _slope(function: Callable[[Real], Real]) -> Callable[[Real], Real]:
    def slope(x: Real) -> Real:
        return _mp.diff(function, x)

    return slope


def _summit(function: Callable[[Real, Real], Real], start: tuple[Number, Number]) -> list[Real]:
    """Find where both derivatives of a function of two are 0."""

    def one(x: Real, y: Real) -> Real:
        return _mp.diff(function, (x, y), (1, 0))

    def other(x: Real, y: Real) -> Real:
        return _mp.diff(function, (x, y), (0, 1))

    return list(_mp.findroot([one, other], start, tol=1e-40, verify=False))


def _integral(function: Callable[[Real], Real], points: Sequence[Number]) -> Real:
    return _mp.quad(function, points)


def normal_quantile(p: Number) -> Exact:
    """Invert the standard normal distribution function."""
    start = _mp.mpf(-_mp.sqrt(2) * _mp.erfinv(1 - 2 * _mp.mpf(p)))
    return cast("Exact", _solved(lambda z: _mp.log(_mp.ncdf(z) / p), start))


def _score(n: int) -> Real:
    return normal_quantile((n - _mp.mpf("0.375")) / (n + _mp.mpf("0.25")))


def _quarter(n: int) -> Real:
    return normal_quantile((_mp.mpf("0.75") * n - _mp.mpf("0.125")) / (n + _mp.mpf("0.25")))


def luo_mean(x: Sequence[Number], n: int, scenario: str) -> Exact:
    """Give the optimal means of Luo et al. (2018), eq. 7, 11 and 15."""
    v, size = [_mp.mpf(value) for value in x], _mp.mpf(n)
    middle = v[len(v) // 2]
    if scenario == "full":
        w1 = _mp.mpf("2.2") / (_mp.mpf("2.2") + size ** _mp.mpf("0.75"))
        w2 = _mp.mpf("0.7") - _mp.mpf("0.72") / size ** _mp.mpf("0.55")
        return cast("Exact", w1 * (v[0] + v[4]) / 2 + w2 * (v[1] + v[3]) / 2 + (1 - w1 - w2) * middle)
    w = 4 / (4 + size ** _mp.mpf("0.75")) if scenario == "range" else _mp.mpf("0.7") + _mp.mpf("0.39") / size
    return cast("Exact", w * (v[0] + v[2]) / 2 + (1 - w) * middle)


def wan_mean(x: Sequence[Number], scenario: str) -> Exact:
    """Give the means of Wan et al. (2014), eq. 3, 10 and 14."""
    weights = {"range": (1, 2, 1), "iqr": (1, 1, 1), "full": (1, 2, 2, 2, 1)}[scenario]
    terms = [weight * _mp.mpf(value) for weight, value in zip(weights, x, strict=True)]
    return cast("Exact", _mp.fsum(terms) / sum(weights))


def wan_sd(x: Sequence[Number], n: int, scenario: str) -> Exact:
    """Give the standard deviations of Wan et al. (2014), eq. 9, 13 and 16."""
    v = [_mp.mpf(value) for value in x]
    if scenario == "full":
        return cast("Exact", (v[4] - v[0]) / (4 * _score(n)) + (v[3] - v[1]) / (4 * _quarter(n)))
    return cast("Exact", (v[2] - v[0]) / (2 * (_score(n) if scenario == "range" else _quarter(n))))


def shi_sd(x: Sequence[Number], n: int) -> Exact:
    """Give the standard deviation of Shi et al. (2020), eq. 10, by the weight 1/(1 + 0.07 n^0.6) of the range."""
    v = [_mp.mpf(value) for value in x]
    weight = 1 / (1 + _mp.mpf("0.07") * _mp.mpf(n) ** _mp.mpf("0.6"))
    return cast("Exact", weight * (v[4] - v[0]) / (2 * _score(n)) + (1 - weight) * (v[3] - v[1]) / (2 * _quarter(n)))


def hozo(x: Sequence[Number], n: int) -> Pair:
    """Give mean and standard deviation by the rules of Hozo et al. (2005)."""
    a, m, b = (_mp.mpf(value) for value in x)
    mean = m if n > 25 else (a + 2 * m + b) / 4  # noqa: PLR2004 - the paper's sizes
    small = _mp.sqrt(((a - 2 * m + b) ** 2 / 4 + (b - a) ** 2) / 12)
    return mean, small if n <= 15 else (b - a) / (4 if n <= 70 else 6)  # noqa: PLR2004 - the paper's sizes


def bland(x: Sequence[Number]) -> Pair:
    """Give mean and standard deviation of Bland (2015), squares and products as printed."""
    a, q, m, r, b = (_mp.mpf(value) for value in x)
    mean = (a + 2 * q + 2 * m + 2 * r + b) / 8
    squares = (a**2 + 2 * q**2 + 2 * m**2 + 2 * r**2 + b**2) / 16
    return mean, _mp.sqrt(squares + (a * q + q * m + m * r + r * b) / 8 - mean**2)


def expected_range(n: int) -> Exact:
    """Integrate the expected range of n standard normal values (Tippett 1925)."""

    def outside(x: Real) -> Real:
        tail = _mp.ncdf(-x)
        return 1 - _mp.exp(n * _mp.log1p(-tail)) - tail**n

    return cast("Exact", 2 * _mp.quad(outside, [_mp.mpf(i) / 2 for i in range(33)], method="gauss-legendre"))


LOG_NORMAL: dict[str, tuple[Callable[[int], Real], str, str]] = {
    # scenario: divisor of σ² as a function of n, c₁, c₂ (Shi, Tong, Wang & Genton 2020)
    "range": (lambda n: _mp.mpf("1.01") + _mp.mpf("0.25") / _mp.log(n) ** 2, "0.565", "0.37"),
    "iqr": (lambda n: 1 + _mp.mpf("1.58") / n, "0.57", "0.75"),
    "full": (lambda n: 1 + _mp.mpf("0.28") / _mp.log(n) ** 2, "0.405", "0.315"),
}


def log_normal(x: Sequence[Number], n: int, scenario: str) -> Pair:
    """Give mean and standard deviation of Shi, Tong, Wang & Genton (2020), the parts of the variance apart."""
    logs = [_mp.log(value) for value in x]
    divisor, c1, c2 = LOG_NORMAL[scenario]
    first, second = _mp.mpf(c1) / n, _mp.mpf(c2) / n
    mu: Real = luo_mean(logs, n, scenario)
    sd: Real = shi_sd(logs, n) if scenario == "full" else wan_sd(logs, n, scenario)
    s = sd**2 / divisor(n)
    mean = _mp.exp(mu + s / 2) / (1 + first * s + second * s**2)
    upper = _mp.exp(2 * mu + 2 * s) / (1 + 4 * first * s + 16 * second * s**2)
    lower = _mp.exp(2 * mu + s) / (1 + 4 * first * s + 4 * second * s**2)
    return cast("Exact", mean), cast("Exact", _mp.sqrt(upper - lower))


# -- nearest distributions --------------------------------------------------------------------------------------------


def _inverse(below: Callable[[Real], Real], p: Real, start: Real) -> Real:
    # The incomplete beta function comes with an imaginary part of 0.
    return _solved(lambda t: _mp.log(_mp.re(below(_mp.exp(t))) / p), _mp.log(start))


def quantiles(family: str, shape: Sequence[Real], p: Sequence[Number], near: Sequence[float]) -> list[Real]:
    """Give quantiles in the family's unit by the logarithm of the shape; ``near`` are such of doubles."""
    t = shape[0]
    if family == "log-normal":
        return [_mp.exp(_mp.exp(t) * normal_quantile(one)) for one in p]
    if family == "weibull":
        return [(-_mp.log1p(-_mp.mpf(one))) ** _mp.exp(-t) for one in p]
    if family == "gamma":
        return [
            _mp.exp(_inverse(lambda x: _mp.gammainc(_mp.exp(t), 0, x, regularized=True), one, start))
            for one, start in zip(p, near, strict=True)
        ]
    size = _mp.exp(shape[1])
    one_side, other = size / (1 + _mp.exp(-t)), size / (1 + _mp.exp(t))

    def below(odds: Real) -> Real:
        # The odds of a share are positive like any quantile, and no step leads beyond 1.
        return _mp.betainc(one_side, other, 0, odds / (1 + odds), regularized=True)

    odds = [_mp.exp(_inverse(below, one, start / (1 - _mp.mpf(start)))) for one, start in zip(p, near, strict=True)]
    return [one / (1 + one) for one in odds]


def nearest(
    family: str, q: Sequence[float], p: Sequence[Number], shape: Sequence[float], near: Sequence[float]
) -> tuple[Exact, Exact, Exact]:
    """Solve for the least squared distance of quantiles from a start; gives mean, standard deviation and distance.

    The best unit for a shape enters as a function of it; a beta distribution has two shapes and no unit.
    """
    with _mp.workdps(32):
        target = [_mp.mpf(value) for value in q]

        def fitted(*at: Real) -> tuple[Real, list[Real]]:
            b = quantiles(family, at, p, near)
            unit = 1 if family == "beta" else _mp.fdot(target, b) / _mp.fdot(b, b)
            return unit, [unit * one - value for one, value in zip(b, target, strict=True)]

        def distance(*at: Real) -> Real:
            _, over = fitted(*at)
            return _mp.fdot(over, over)

        if family == "beta":
            found = _summit(distance, (shape[0], shape[1]))
        else:
            found = [_solved(_slope(distance), shape[0], 1e-40)]
        unit, over = fitted(*found)
        mean, sd = _moments(family, found)
        return unit * mean, unit * sd, _mp.fdot(over, over)


def _moments(family: str, shape: Sequence[Real]) -> tuple[Real, Real]:
    if family == "log-normal":
        variance = _mp.exp(2 * shape[0])
        return _mp.exp(variance / 2), _mp.exp(variance / 2) * _mp.sqrt(_mp.expm1(variance))
    if family == "weibull":
        x = _mp.exp(-shape[0])
        return _mp.gamma(1 + x), _mp.sqrt(_mp.gamma(1 + 2 * x) - _mp.gamma(1 + x) ** 2)
    if family == "gamma":
        return _mp.exp(shape[0]), _mp.exp(shape[0] / 2)
    size = _mp.exp(shape[1])
    a, b = size / (1 + _mp.exp(-shape[0])), size / (1 + _mp.exp(shape[0]))
    return a / size, _mp.sqrt(a * b / (size**2 * (size + 1)))


# -- powers -----------------------------------------------------------------------------------------------------------


def _power(x: Real, exponent: Real) -> Real:
    return _mp.log(x) if exponent == 0 else (x**exponent - 1) / exponent


def _five(x: Sequence[Real], n: int, scenario: str) -> tuple[Real, Real]:
    return luo_mean(x, n, scenario), wan_sd(x, n, scenario)


def box_cox(x: Sequence[float], n: int, scenario: str, start: float) -> tuple[Exact, Exact, Exact]:
    """Solve for the power of symmetry from a start, and integrate mean and standard deviation."""
    v = [_mp.mpf(value) / _mp.mpf(x[len(x) // 2]) for value in x]
    ends = [(0, 2)] if len(v) == 3 else [(0, 4), (1, 3)]  # noqa: PLR2004 - three or five numbers

    def bend(exponent: Real) -> Real:
        return _mp.fsum((_power(v[i], exponent) + _power(v[j], exponent)) ** 2 for i, j in ends)

    if len(ends) == 1:
        exponent = _solved(lambda e: _power(v[0], e) + _power(v[2], e), start)
    else:
        exponent = _solved(_slope(bend), start, 1e-60)
    mu, sigma = _five([_power(value, exponent) for value in v], n, scenario)
    mean, sd = power_normal(exponent, mu, sigma, n)
    return _mp.mpf(x[len(x) // 2]) * mean, _mp.mpf(x[len(x) // 2]) * sd, exponent


def power_normal(exponent: Real, mu: Real, sigma: Real, n: int) -> tuple[Real, Real]:
    """Integrate mean and standard deviation of x whose power is normal, cut as `evisynth_converters` says."""
    if exponent == 0:
        return _moments("log-normal", [_mp.log(sigma)])[0] * _mp.exp(mu), _mp.exp(mu) * _moments(
            "log-normal", [_mp.log(sigma)]
        )[1]
    level, size = 1 + exponent * mu, abs(exponent)
    end = level / (size * sigma)
    beyond, tail = _mp.ncdf(-end), _mp.mpf(0)
    if exponent < 0:
        largest = -normal_quantile(beyond + _mp.mpf("0.625") / (n + _mp.mpf("0.25")) * (1 - 2 * beyond))
        apart = end**2 - 8 / size
        lull = (end + _mp.sqrt(apart)) / 2 if apart >= 0 else 0
        end = max(lull, largest)
        tail = (_mp.ncdf(-end) - beyond) / (1 - 2 * beyond)
    last = min(end, 40)
    points: list[Real] = [-last + 2 * last * _mp.mpf(i) / 60 for i in range(61)]

    def x(t: Real) -> Real:
        return max(level + exponent * sigma * t, 0) ** (1 / exponent)

    def expectation(function: Callable[[Real], Real]) -> Real:
        inside = _integral(lambda t: function(x(t)) * _mp.npdf(t), points) / (1 - 2 * beyond)
        return inside + tail * (function(x(-end)) + function(x(end)))

    mean = expectation(lambda value: value)
    return mean, _mp.sqrt(expectation(lambda value: (value - mean) ** 2))


def order_log_likelihood(y: Sequence[Real], mu: Real, sigma: Real, n: int) -> Real:
    """Give that of order statistics of n normal values: of the ends and the middle, the quartiles, or all five.

    ``y`` has five places, None where a number is not known.
    """
    quarter = (n - _mp.mpf(1)) / 4
    ranks = [1, quarter + 1, 2 * quarter + 1, 3 * quarter + 1, _mp.mpf(n)]
    known = [(rank, (value - mu) / sigma) for rank, value in zip(ranks, y, strict=True) if value is not None]
    total = -len(known) * _mp.log(sigma) + _mp.fsum(_mp.log(_mp.npdf(z)) for _, z in known)
    for (low, z), (high, other) in pairwise(known):
        total += (high - low - 1) * _mp.log(_mp.ncdf(other) - _mp.ncdf(z))
    (first, z), (last, other) = known[0], known[-1]
    return total + (first - 1) * _mp.log(_mp.ncdf(z)) + (n - last) * _mp.log(_mp.ncdf(-other))


PLACES = {"range": (0, 2, 4), "iqr": (1, 2, 3), "full": (0, 1, 2, 3, 4)}


def likeliest(x: Sequence[float], n: int, scenario: str, start: float) -> tuple[Exact, Exact, Exact]:
    """Solve for the likeliest power from a start, then for μ and σ; integrate mean and standard deviation."""
    v = [_mp.mpf(value) / _mp.mpf(x[len(x) // 2]) for value in x]

    def placed(y: Sequence[Real]) -> list[Real]:
        row: list[Real] = [None] * 5
        for place, value in zip(PLACES[scenario], y, strict=True):
            row[place] = value
        return row

    def profile(exponent: Real) -> Real:
        y = [_power(value, exponent) for value in v]
        jacobian = exponent * _mp.fsum(_mp.log(value) for value in v)
        return order_log_likelihood(placed(y), *_five(y, n, scenario), n) + jacobian

    with _mp.workdps(40):
        exponent = _solved(_slope(profile), start, 1e-40)
        y = [_power(value, exponent) for value in v]

        def height(mu: Real, log_sigma: Real) -> Real:
            return order_log_likelihood(placed(y), mu, _mp.exp(log_sigma), n)

        mu, sigma = _five(y, n, scenario)
        mu, log_sigma = _summit(height, (mu, _mp.log(sigma)))
        mean, sd = power_normal(exponent, mu, _mp.exp(log_sigma), n)
    return _mp.mpf(x[len(x) // 2]) * mean, _mp.mpf(x[len(x) // 2]) * sd, exponent
