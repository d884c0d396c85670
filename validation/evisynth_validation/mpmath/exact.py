"""Carry 50-digit numbers with a static type.

mpmath ships no annotations, so its names are given types here once and every other module stays fully checked.
The context is private to this package: the precision of a caller's own ``mpmath.mp`` is never touched.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from mpmath.ctx_mp import MPContext  # mpmath has no annotations

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

DIGITS = 50
Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | float | bool | None"


class Exact(Protocol):
    """Name the arithmetic of a 50-digit number."""

    def __add__(self, other: Exact | float, /) -> Exact: ...  # noqa: D105 (the operators speak for themselves)
    def __radd__(self, other: Exact | float, /) -> Exact: ...  # noqa: D105
    def __sub__(self, other: Exact | float, /) -> Exact: ...  # noqa: D105
    def __rsub__(self, other: Exact | float, /) -> Exact: ...  # noqa: D105
    def __mul__(self, other: Exact | float, /) -> Exact: ...  # noqa: D105
    def __rmul__(self, other: Exact | float, /) -> Exact: ...  # noqa: D105
    def __truediv__(self, other: Exact | float, /) -> Exact: ...  # noqa: D105
    def __rtruediv__(self, other: Exact | float, /) -> Exact: ...  # noqa: D105
    def __pow__(self, other: int, /) -> Exact: ...  # noqa: D105
    def __neg__(self) -> Exact: ...  # noqa: D105
    def __abs__(self) -> Exact: ...  # noqa: D105
    def __lt__(self, other: Exact | float, /) -> bool: ...  # noqa: D105
    def __le__(self, other: Exact | float, /) -> bool: ...  # noqa: D105
    def __gt__(self, other: Exact | float, /) -> bool: ...  # noqa: D105
    def __ge__(self, other: Exact | float, /) -> bool: ...  # noqa: D105
    def __float__(self) -> float: ...  # noqa: D105


_context = cast("Any", MPContext())
_context.dps = DIGITS


@contextmanager
def working_digits(digits: int) -> Generator[None]:
    """Work with another number of digits for a while."""
    before = _context.dps
    _context.dps = digits
    try:
        yield
    finally:
        _context.dps = before


def digits_now() -> int:
    """Say how many digits are worked with."""
    return int(_context.dps)


def exact(value: Exact | float) -> Exact:
    """Take a double or an integer as exactly the number it is."""
    return cast("Exact", _context.mpf(value))


def log(value: Exact | float) -> Exact:
    """Take the natural logarithm."""
    return cast("Exact", _context.log(value))


def sqrt(value: Exact | float) -> Exact:
    """Take the square root."""
    return cast("Exact", _context.sqrt(value))


def exp(value: Exact | float) -> Exact:
    """Take the exponential function."""
    return cast("Exact", _context.exp(value))


def artanh(value: Exact | float) -> Exact:
    """Take the inverse hyperbolic tangent."""
    return cast("Exact", _context.atanh(value))


def normal_distribution(value: Exact | float) -> Exact:
    """Give the probability that a standard normal variable lies below a value."""
    return cast("Exact", _context.ncdf(value))


def normal_density(value: Exact | float) -> Exact:
    """Give the density of a standard normal variable at a value."""
    return cast("Exact", _context.npdf(value))


def normal_quantile(probability: Exact) -> Exact:
    """Give the value that a standard normal variable lies below with a probability."""
    return cast("Exact", _context.sqrt(2) * _context.erfinv(2 * probability - 1))


def hypergeometric(a: Exact | float, c: Exact, x: Exact) -> Exact:
    """Add up F(a, a; c; x) for 0 ≤ x < 1, and take Gauss's quotient of gamma functions for x = 1."""
    if not x < 1:
        half = c - a
        return cast("Exact", _context.gamma(c) * _context.gamma(half - a) / _context.gamma(half) ** 2)
    term = result = exact(1)
    k = 0
    while abs(term) > exact(10) ** (-DIGITS - 5):
        term = term * (a + exact(k)) ** 2 / ((c + k) * (k + 1)) * x
        result = result + term
        k += 1
    return result


def tanh(value: Exact | float) -> Exact:
    """Take the hyperbolic tangent."""
    return cast("Exact", _context.tanh(value))


def arcsine(value: Exact | float) -> Exact:
    """Take the inverse sine."""
    return cast("Exact", _context.asin(value))


def sine(value: Exact | float) -> Exact:
    """Take the sine."""
    return cast("Exact", _context.sin(value))


def cosine(value: Exact | float) -> Exact:
    """Take the cosine."""
    return cast("Exact", _context.cos(value))


def power(value: Exact | float, exponent: Exact | float) -> Exact:
    """Raise to a power."""
    return cast("Exact", _context.power(value, exponent))


def student_tails(t: Exact, df: int) -> Exact:
    """Give the probability that Student's t lies further from 0, on either side."""
    return cast("Exact", _context.betainc(exact(df) / 2, exact(1) / 2, 0, df / (df + t * t), regularized=True))


def derivative(function: Callable[[Exact], Exact], at: Exact, order: int = 1) -> Exact:
    """Differentiate a function of one variable, ``order`` times, at a point."""
    return cast("Exact", _context.diff(function, at, order))


def gamma_ratio(upper: Exact, lower: Exact) -> Exact:
    """Divide two gamma functions, Γ(upper)/Γ(lower)."""
    return cast("Exact", _context.gammaprod([upper], [lower]))


def two_pi() -> Exact:
    """Return 2π."""
    return cast("Exact", 2 * _context.pi)


def total(terms: Iterable[Exact]) -> Exact:
    """Add terms, rounding once."""
    return cast("Exact", _context.fsum(terms))


def dot(left: Iterable[Exact], right: Iterable[Exact]) -> Exact:
    """Add products, rounding once."""
    return cast("Exact", _context.fdot(left, right))


def root(function: Callable[[Exact], Exact], low: Exact, high: Exact) -> Exact:
    """Find the zero between two points of opposite sign, and prove it by a change of sign within 1e-40 of it.

    That is ten digits short of those worked with, fifty unless said otherwise. The unknown is scaled
    to ``high``, so that mpmath's absolute tolerance acts as a relative one.

    Raises
    ------
        ArithmeticError: the function does not change sign around the point found.

    """

    def scaled(unknown: Exact) -> Exact:
        return function(unknown * high)

    ends = (low / high, exact(1))
    tolerance = exact(10) ** (2 - digits_now())
    found = high * cast(
        "Exact", _context.findroot(scaled, ends, solver="anderson", tol=tolerance, maxsteps=400, verify=False)
    )
    step = found * exact(10) ** (10 - digits_now())
    if (function(found - step) > 0) is (function(found + step) > 0):
        message = f"no change of sign within 1e-{digits_now() - 10} of {float(found)!r}"
        raise ArithmeticError(message)
    return found


def integral(function: Callable[[Exact], Exact]) -> Exact:
    """Integrate a function that falls like a normal density over the real line, in pieces of two units."""
    return cast("Exact", _context.quad(function, [-40, -16, *range(-8, 9, 2), 16, 40]))


def chi_squared_quantile(probability: str, df: int) -> Exact:
    """Invert the chi-squared distribution function at a probability given in decimal."""
    target = _context.mpf(probability)
    half = exact(df) / 2

    def excess(x: Exact) -> Exact:
        return cast("Exact", _context.gammainc(half, 0, x / 2, regularized=True) - target)

    high = exact(1)
    while excess(high) < 0:
        high = high * 2
    low = high / 2
    while excess(low) > 0:
        low = low / 2
    return root(excess, low, high)


def invert_laplace(transform: Callable[[Exact], Exact], at: Exact) -> Exact:
    """Invert a Laplace transform at a positive number, along Talbot's contour."""
    return cast("Exact", _context.invertlaplace(transform, at, method="talbot", degree=70))


def invert_on_parabola(transform: Callable[[Exact], Exact], at: Exact, nodes: int) -> Exact:
    """Invert a Laplace transform with singularities at 0 and below only, by the trapezoidal rule on a parabola.

    On ``z = µ(1 + iu)²`` with ``µ = πn/(12t)`` and steps of 3/n the error falls as exp(-2πn/3), n the nodes above the
    axis: Weideman & Trefethen (2007), Math. Comput. 76:1341-1356.
    """
    step = exact(3) / nodes
    scale = _context.pi * nodes / (12 * at)
    terms = _context.mpf(0)
    for i in range(nodes):
        ray = _context.mpc(1, (2 * i + 1) * step / 2)
        z = scale * ray * ray
        terms += (_context.exp(z * at) * transform(cast("Exact", z)) * _context.mpc(0, 2) * scale * ray).imag
    return cast("Exact", terms * step / _context.pi)


def to_integers(value: Exact, bits: int) -> tuple[int, int]:
    """Give both parts of a complex number in units of 2 to the power of −bits, rounded down."""
    number = _context.mpc(value)
    real, imaginary = (int(_context.floor(_context.ldexp(part, bits))) for part in (number.real, number.imag))
    return real, imaginary


def of_integers(real: int, imaginary: int, bits: int) -> Exact:
    """Give the complex number of two parts in units of 2 to the power of −bits."""
    return cast("Exact", _context.mpc(_context.ldexp(real, -bits), _context.ldexp(imaginary, -bits)))


def decimal(value: Exact, digits: int) -> str:
    """Write with a number of significant digits, correctly rounded."""
    if not abs(value) > 0:
        return "0"
    return cast("str", _context.nstr(value, digits, strip_zeros=False, min_fixed=-7, max_fixed=digits))


def nearest(value: Exact) -> float:
    """Round to the nearest double, which JSON then writes with the fewest digits that identify it."""
    return float(value)


def brief(value: Exact) -> float:
    """Round a condition number to three digits: it scales a tolerance and is not compared itself."""
    return float(f"{float(value):.3g}")


def library_version() -> str:
    """Return the version of mpmath in use."""
    return version("mpmath")
