"""Draw rows of statistics as papers report them, for conversions; and say how rounding of a row grows in the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from evisynth import Conversion, t_p_value
from evisynth_validation.mpmath.exact import exact

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth_validation.mpmath.exact import Exact

ROWS = 12
STEP = exact(1) / 10**20

SEED = 19980815
RNG = np.random.default_rng(SEED)


def start(name: str) -> None:
    """Draw the same whichever tests ran before."""
    RNG.bit_generator.state = np.random.default_rng([SEED, crc32(name.encode())]).bit_generator.state


def _sizes(low: int, high: int) -> Callable[[], Any]:
    return lambda: RNG.integers(low, high, ROWS).astype(float)


def _spread(low: float, high: float) -> Callable[[], Any]:
    return lambda: np.exp(RNG.uniform(np.log(low), np.log(high), ROWS))


def _values(low: float, high: float) -> Callable[[], Any]:
    return lambda: RNG.uniform(low, high, ROWS)


def _among(*values: float) -> Callable[[], Any]:
    return lambda: RNG.choice(values, ROWS)


DRAWS: dict[str, Callable[[], Any]] = {
    **{name: _spread(1e-3, 1e3) for name in ("se", "sei", "sd", "sd_1", "sd_2", "sd_baseline", "sd_final", "vi")},
    **{name: _sizes(3, 500) for name in ("n", "n_1", "n_2")},
    **{name: _values(-50, 50) for name in ("mean", "mean_1", "mean_2", "mean_baseline", "mean_final", "yi", "o_e")},
    **{name: _spread(0.05, 40) for name in ("estimate", "f_value", "chi2", "o_e_variance")},
    **{name: _values(-6, 6) for name in ("t_value", "z_value")},
    **{name: _sizes(1, 400) for name in ("events_1", "events_2")},
    **{name: _spread(0.5, 400) for name in ("expected_1", "expected_2")},
    "events": _sizes(1, 3),
    "p_value": lambda: np.concatenate([[1e-30, 0.999], RNG.uniform(1e-4, 0.999, ROWS - 2)]),
    "level": _among(0.95, 0.9, 0.99, 0.8),
    "df": _among(1, 2.5, 7, 45, 1e4, 1e7),
    "direction": _among(-1, 1),
    "r": lambda: np.concatenate([[1.0, -1.0, 0.0], RNG.uniform(-1, 1, ROWS - 3)]),
    "parts": _among(1, 2, 3, 4),
    "cluster_size": _spread(1, 300),
    "cluster_cv": _values(0, 2),
    "icc": _values(0, 0.4),
}


def drawn(record: Conversion) -> dict[str, Any]:
    """Draw rows that can have been reported; what depends on other numbers is made of them."""
    start(record.name)
    given = {name: DRAWS[name]() for name in record.sources if name in DRAWS}
    for low, high in (("ci_low", "ci_high"), ("mean_ci_low", "mean_ci_high")):
        if low in record.sources:
            given[low] = RNG.uniform(0.05, 30, ROWS)
            given[high] = given[low] + np.exp(RNG.uniform(-6, 3, ROWS))
    if record.name.startswith("delta"):
        inside = {"log": 50, "logit": 1, "probit": 1, "arcsine": 1, "root": 50}.get(record.name[6:])
        given["yi"] = RNG.uniform(1e-3, 0.999, ROWS) * inside if inside else RNG.uniform(-3, 3, ROWS)
        if record.name in {"delta-fisher-z", "delta-r-to-d"}:
            given["yi"] = RNG.uniform(-0.999, 0.999, ROWS)
    if "events_1" in given and record.name == "combine-counts":
        given |= {f"n_{arm}": given[f"events_{arm}"] + RNG.integers(0, 50, ROWS) for arm in (1, 2)}
    if record.name == "change-correlation":
        r = RNG.uniform(-0.99, 0.99, ROWS)
        one, other = given["sd_baseline"], given["sd_final"]
        given["sd_change"] = np.sqrt((one - other) ** 2 + 2 * (1 - r) * one * other)
    if record.name.endswith("-to-correlation"):
        # So that some correlation goes with them.
        given["sd_2"] = given["sd_1"] * RNG.uniform(0.5, 2, ROWS)
        r = RNG.uniform(-0.95, 0.95, ROWS)
        se = np.sqrt(given["sd_1"] ** 2 + given["sd_2"] ** 2 - 2 * r * given["sd_1"] * given["sd_2"]) / np.sqrt(
            given["n"]
        )
        if "se" in given:
            given["se"] = se
        elif "t_value" in given:
            given["t_value"] = (given["mean_1"] - given["mean_2"]) / se
        else:
            given["mean_1"], given["mean_2"] = se * 2.0, 0 * se
            given["p_value"] = t_p_value(np.full(ROWS, 2.0), given["n"] - 1)[0]
    return given


def condition(formula: Any, x: dict[str, Exact], value: Exact, target: int) -> float:  # noqa: ANN401 - a function of mpmath's numbers
    """Add up how much relative changes of the inputs change the target, relatively."""
    if float(value) == 0.0:
        return np.inf
    moved = 0.0
    for name, number in x.items():
        near = formula({**x, name: number * (1 - STEP)})[target]
        moved += abs(float((near - value) / value / STEP))
    return max(moved, 1.0)
