"""Find roots and modes inside brackets, for one function or for many at once.

Source: Chandrupatla (1997), Adv. Eng. Softw. 28:145-149 (inverse quadratic interpolation where it is safe,
bisection elsewhere). scipy's vectorised root finder does the same, at milliseconds a call and a heavy import; a fit
of a dozen studies has microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth.kernels.arrays import FloatArray, IntArray

Scalar: TypeAlias = "Callable[[float], float]"
Columns: TypeAlias = "Callable[[FloatArray, IntArray], FloatArray]"
"""Values at ``x (n,)`` of the functions with numbers ``which (n,)``."""

MAX_STEPS = 200
_RESOLUTION = float(np.finfo(np.float64).eps)


def bracketed_root(f: Scalar, low: float, high: float, f_low: float, f_high: float) -> float:
    """Find where ``f`` changes sign between ``low`` and ``high``, to the last bits.

    ``f_low`` and ``f_high`` are its values there, of opposite sign (or zero). Stops only when the bracket is two
    roundings wide relative to the root, so that no absolute tolerance enters.
    """
    if f_low == 0.0:
        return low
    if f_high == 0.0:
        return high
    a, b, fa, fb = high, low, f_high, f_low
    c, fc = a, fa
    t = 0.5
    for _ in range(MAX_STEPS):
        x = a + t * (b - a)
        fx = f(x)
        if fx == 0.0:
            return x
        if (fx > 0.0) == (fa > 0.0):
            c, fc = a, fa
        else:
            c, b, fc, fb = b, a, fb, fa
        a, fa = x, fx
        best = a if abs(fa) < abs(fb) else b
        width = abs(b - a)
        limit = 2.0 * _RESOLUTION * abs(best)
        if width <= limit or width == 0.0:
            return best
        t = _next_step(a, b, c, fa, fb, fc)
        smallest = 0.5 * limit / width
        t = min(max(t, smallest), 1.0 - smallest)
    return a if abs(fa) < abs(fb) else b


def _next_step(a: float, b: float, c: float, fa: float, fb: float, fc: float) -> float:
    xi = (a - b) / (c - b)
    phi = (fa - fb) / (fc - fb)
    if phi * phi < xi and (1.0 - phi) ** 2 < 1.0 - xi:
        return fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
    return 0.5


def bracketed_roots(f: Columns, low: FloatArray, high: FloatArray, f_low: FloatArray, f_high: FloatArray) -> FloatArray:
    """Find the root of each of n functions in its own bracket, all arguments ``(n,)``; see `bracketed_root`.

    A function that has converged is not evaluated again.
    """
    root = np.where(f_low == 0.0, low, high).astype(np.float64)
    active = np.nonzero((f_low != 0.0) & (f_high != 0.0))[0]
    a, b, fa, fb = high[active], low[active], f_high[active], f_low[active]
    t = np.full(active.size, 0.5)
    for _ in range(MAX_STEPS):
        if not active.size:
            break
        x = a + t * (b - a)
        fx = f(x, active)
        same = (fx > 0.0) == (fa > 0.0)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        best = np.where(np.abs(fa) < np.abs(fb), a, b)
        width = np.abs(b - a)
        limit = 2.0 * _RESOLUTION * np.abs(best)
        done = (width <= limit) | (fx == 0.0)
        root[active] = np.where(fx == 0.0, x, best)
        with np.errstate(divide="ignore", invalid="ignore"):
            xi = (a - b) / (c - b)
            phi = (fa - fb) / (fc - fb)
            quadratic = (phi * phi < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
            step = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
            smallest = 0.5 * limit / width
            t = np.clip(np.where(quadratic, step, 0.5), smallest, 1.0 - smallest)
        keep = ~done
        active, t = active[keep], t[keep]
        a, b, fa, fb = a[keep], b[keep], fa[keep], fb[keep]
    return root
