"""Lay out the rows that transformations are computed at: ordinary ones, near 0, near the ends, far out."""

from __future__ import annotations

import math
from typing import Any

ANY = (0.3, -0.5, 1.2, 1e-9, -7.0, 20.0)
RISKS = (0.001, 0.2, 0.5, 0.93)
SHARES = (1e-12, 0.2, 0.4999, 0.5, 0.75, 0.93, 1.0 - 2.0**-40)
SIZES = ((20.0, 30.0), (2.0, 3.0), (1e6, 40.0))
SPREADS = (1e-4, 0.5, 100.0)


def _grid(*axes: tuple[Any, ...]) -> list[tuple[float, ...]]:
    made: list[tuple[float, ...]] = [()]
    for axis in axes:
        made = [(*row, *(value if isinstance(value, tuple) else (value,))) for row in made for value in axis]
    return made


ROWS: dict[str, list[tuple[float, ...]]] = {
    **dict.fromkeys(("r-to-z",), _grid((0.3, -0.5, 1e-9, 0.999, 1.0 - 2.0**-40))),
    **dict.fromkeys(("z-to-r", "logit-to-proportion", "probit-to-proportion", "smd-to-besd"), _grid(ANY)),
    **dict.fromkeys(("r-squared-to-z", "cles-to-smd"), _grid(SHARES[1:])),
    **dict.fromkeys(("z-to-r-squared", "bonett-to-alpha", "square-root-to-rate", "rate-to-square-root"), _grid(SHARES)),
    **dict.fromkeys(("alpha-to-bonett", "alpha-to-hakstian-whalen"), _grid((*SHARES, -0.4))),
    "hakstian-whalen-to-alpha": _grid(SHARES),
    **dict.fromkeys(("proportion-to-logit", "proportion-to-probit", "proportion-to-arcsine"), _grid(SHARES)),
    "arcsine-to-proportion": _grid((1e-6, 0.4, 0.8, 1.3, 1.57)),
    "proportion-to-freeman-tukey": _grid((0.0, 1e-5, 0.2, 0.5, 0.93, 1.0), (2.0, 15.0, 1e6)),
    "freeman-tukey-to-proportion": _grid((0.5, math.pi / 4, 0.9, 1.2), (5.0, 15.0, 1e6)),
    "rate-to-freeman-tukey": _grid((0.0, 0.02, 5.0), (10.0, 1e5)),
    "freeman-tukey-to-rate": _grid((0.3, 1.0, 7.0), (10.0, 1e5)),
    **dict.fromkeys(("smd-to-u1", "smd-to-u2", "smd-to-u3", "smd-to-cles"), _grid(ANY[:5])),
    **dict.fromkeys(("smd-to-cliff-delta", "smd-to-overlap"), _grid(ANY[:5])),
    **dict.fromkeys(("log-or-to-smd-logistic", "smd-to-log-or-logistic"), _grid(ANY)),
    **dict.fromkeys(("log-or-to-smd-normal", "smd-to-log-or-normal"), _grid(ANY)),
    **dict.fromkeys(("log-or-to-tetrachoric-pearson", "log-or-to-tetrachoric-digby"), _grid(ANY[:5])),
    "smd-to-r": _grid(ANY, SIZES),
    **dict.fromkeys(("r-to-smd", "r-to-smd-of-cut"), _grid((0.3, -0.5, 1e-9, 0.97), SIZES)),
    "smd-to-md": _grid(ANY, (0.5, 12.0)),
    "log-ratio-to-mean-ratio": _grid((-0.5, 0.4), SPREADS[:2]),
    "logit-to-mean-proportion": _grid((-15.0, 0.4), SPREADS),
    "z-to-mean-r": _grid((-3.0, 1e-7, 0.4), SPREADS),
    **dict.fromkeys(("risk-from-or", "nnt-from-or"), _grid((0.73, 0.999999, 1.4, 50.0), RISKS)),
    **dict.fromkeys(("risk-from-rr", "nnt-from-rr"), _grid((0.73, 0.999999, 1.05), RISKS)),
    **dict.fromkeys(("log-or-to-rd", "log-or-to-rr"), _grid((-2.0, 1e-9, 0.4, 3.0), RISKS)),
    "nnt-from-rd": _grid((-0.05, 0.1, -1.0, 1e-9)),
}
TAKING_PART = {
    **dict.fromkeys(("log-or-to-smd-logistic", "log-or-to-smd-normal", "smd-to-log-or-logistic"), 1),
    **dict.fromkeys(("smd-to-log-or-normal", "nnt-from-rd"), 1),
    **dict.fromkeys(("risk-from-or", "risk-from-rr", "nnt-from-rr", "nnt-from-or"), 2),
}
"""How many sources make the first target, where the others are standard errors and limits."""
