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


_LEAP = 16.0
_LEAPS = 16
"""Steps of 1/16 in the search for a lower end: down to 5e-20 of the first guess."""
_FAR = 300


def falling_roots(f: Columns, at_zero: FloatArray, guess: FloatArray) -> FloatArray:
    """Find where each of n functions that fall on x ≥ 0 comes to 0, all arguments ``(n,)``.

    ``at_zero`` holds their values at 0: where one is not positive the root is 0. ``guess`` is positive and of the
    order of the unit of x; from there the bracket moves up or down by factors of 16. A function that never falls to 0
    has the root infinity.
    """
    root = np.zeros(guess.shape)
    open_ = np.nonzero(at_zero > 0.0)[0]
    low, f_low = np.zeros(open_.size), at_zero[open_]
    high = guess[open_]
    f_high = f(high, open_)
    for _ in range(_FAR):
        up = np.nonzero((f_high > 0.0) & (high < np.inf))[0]
        if not up.size:
            break
        low[up], f_low[up] = high[up], f_high[up]
        with np.errstate(over="ignore"):
            high[up] *= _LEAP
        reached = up[high[up] < np.inf]
        f_high[reached] = f(high[reached], open_[reached])
    for _ in range(_LEAPS):
        down = np.nonzero((f_high <= 0.0) & (low == 0.0))[0]
        if not down.size:
            break
        probe = high[down] / _LEAP
        at_probe = f(probe, open_[down])
        above = at_probe > 0.0
        low[down[above]], f_low[down[above]] = probe[above], at_probe[above]
        high[down[~above]], f_high[down[~above]] = probe[~above], at_probe[~above]
    there = np.nonzero(f_high <= 0.0)[0]
    root[open_] = np.inf
    found = bracketed_roots(
        lambda x, which: f(x, open_[there[which]]), low[there], high[there], f_low[there], f_high[there]
    )
    root[open_[there]] = found
    return root
