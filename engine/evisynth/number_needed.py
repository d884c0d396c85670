"""Put numbers needed to treat into words."""

from __future__ import annotations

import math


def number_needed_text(nnt: float, low: float | None = None, high: float | None = None, digits: int = 0) -> str:
    """Say a number needed to treat with its interval, such as ``NNTB 10 (NNTB 5 to ∞ to NNTH 50)``.

    ``nnt``, ``low`` and ``high`` are as the conversions ``nnt-from-…`` give them: positive for benefit, negative for
    harm, ``low`` at the limit of most benefit and ``high`` at that of most harm. Numbers are rounded up, to
    ``digits`` decimals. Source: Altman (1998), BMJ 317:1309-1312.
    """
    if math.isnan(nnt):
        return ""
    point = _one(nnt, digits)
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return point
    if low > 0 > high and not math.isinf(low) and not math.isinf(high):
        return f"{point} ({_one(low, digits)} to ∞ to {_one(high, digits)})"
    first, last = (low, high) if low > 0 and high > 0 else (high, low)
    return f"{point} ({_one(first, digits)} to {_one(last, digits)})"


def _one(value: float, digits: int) -> str:
    if math.isinf(value):
        return "∞"
    scale = 10.0**digits
    # What is a whole number but for rounding stays one.
    size = math.ceil(abs(value) * scale * (1 - 1e-12)) / scale
    return f"{'NNTB' if value > 0 else 'NNTH'} {size:.{digits}f}"
