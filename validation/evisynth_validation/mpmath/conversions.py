"""Derive conversions of statistics exactly: the textbook's formula, and derivatives that mpmath takes.

Each formula takes its numbers by the names of the conversion's parameters and gives the targets in order. Written as
books print them, without the rearrangements that keep digits in doubles; 50 digits have no need of those. Sources:
those that the conversions' records name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from mpmath.ctx_mp import MPContext  # mpmath has no annotations

from evisynth_validation.mpmath.exact import artanh, derivative, exact, exp, log, normal_quantile, sqrt, total

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evisynth_validation.mpmath.exact import Exact

    Given: TypeAlias = Mapping[str, Exact]
    Formula: TypeAlias = Callable[[Given], tuple[Exact, ...]]
    Column: TypeAlias = Sequence[Exact]

_mp = cast("Any", MPContext())
_mp.dps = 150  # more than is asked for, so that what is differentiated keeps its digits


def z_of(p: Exact) -> Exact:
    """Give the normal quantile that is exceeded in size with probability p."""
    return -normal_quantile(p / 2)


def t_of(p: Exact, df: Exact) -> Exact:
    """Give the t that is exceeded in size with probability p, by Newton's steps on the logarithm of the tail."""
    half = _mp.mpf(1) / 2

    def tail(t: Any) -> Any:  # noqa: ANN401 - a number of mpmath
        return _mp.betainc(df / 2, half, 0, df / (df + t * t), regularized=True)

    def density(t: Any) -> Any:  # noqa: ANN401 - a number of mpmath
        scale = _mp.gammaprod([(df + 1) / 2], [df / 2]) / _mp.sqrt(df * _mp.pi)
        return scale * (1 + t * t / df) ** (-(df + 1) / 2)

    t = _mp.mpf(z_of(p)) * (1 + 1 / df)
    for _ in range(60):
        step = tail(t) / (2 * density(t)) * _mp.log(tail(t) / p)
        t = max(t + step, t / 2)
        if abs(step) < abs(t) * _mp.mpf(10) ** -45:
            break
    return cast("Exact", t)


def _pi() -> Exact:
    return cast("Exact", +_mp.pi)


def _both(p: Exact) -> Exact:
    return 2 * (p if p < exact(0.5) else 1 - p)


def _tail(x: Given) -> Exact:
    return 1 - x["level"]


def _pooled(x: Given, se: Exact) -> tuple[Exact, ...]:
    return (se / sqrt(1 / x["n_1"] + 1 / x["n_2"]),)


def _df(x: Given) -> Exact:
    return x["n_1"] + x["n_2"] - 2


def _delta(function: Callable[[Exact], Exact]) -> Formula:
    return lambda x: (function(x["yi"]), x["vi"] * derivative(function, x["yi"]) ** 2)


def _hazard(x: Given, y: Exact | None = None, z: Exact | None = None) -> tuple[Exact, ...]:
    """Give ln HR, its standard error, O - E and V from the numbers of events and either ln HR or z."""
    if "events_1" in x:
        v = 1 / (1 / x["events_1"] + 1 / x["events_2"])
    elif "n_1" in x:
        v = x["events"] * x["n_1"] * x["n_2"] / (x["n_1"] + x["n_2"]) ** 2
    else:
        v = x["events"] / 4
    effect = y if y is not None else cast("Exact", z) / sqrt(v)
    return effect, 1 / sqrt(v), effect * v, v


def _observed(x: Given) -> tuple[Exact, ...]:
    y = log((x["events_1"] / x["expected_1"]) / (x["events_2"] / x["expected_2"]))
    v = 1 / (1 / x["expected_1"] + 1 / x["expected_2"])
    return y, 1 / sqrt(v), y * v, v


def _hazard_of_limits(x: Given) -> tuple[Exact, ...]:
    y, se = _ratio(x)
    return y, se, y / se**2, 1 / se**2


def _ratio(x: Given) -> tuple[Exact, Exact]:
    return log(x["estimate"]), (log(x["ci_high"]) - log(x["ci_low"])) / (2 * z_of(_tail(x)))


def _combined(x: Given) -> tuple[Exact, ...]:
    n = x["n_1"] + x["n_2"]
    mean = (x["n_1"] * x["mean_1"] + x["n_2"] * x["mean_2"]) / n
    squares = total(
        (x[f"n_{arm}"] - 1) * x[f"sd_{arm}"] ** 2 + x[f"n_{arm}"] * (x[f"mean_{arm}"] - mean) ** 2 for arm in (1, 2)
    )
    return mean, sqrt(squares / (n - 1)), n


def _effect(x: Given) -> Exact:
    return 1 + ((1 + x["cluster_cv"] ** 2) * x["cluster_size"] - 1) * x["icc"]


def _paired_sd(x: Given) -> Exact:
    return sqrt(x["sd_1"] ** 2 + x["sd_2"] ** 2 - 2 * x["r"] * x["sd_1"] * x["sd_2"])


def _paired_smd(x: Given) -> tuple[Exact, ...]:
    d = (x["mean_1"] - x["mean_2"]) / sqrt((x["sd_1"] ** 2 + x["sd_2"] ** 2) / 2)
    return d, sqrt(1 / x["n"] + d**2 / (2 * x["n"])) * sqrt(2 * (1 - x["r"]))


def _paired_r(x: Given, se: Exact) -> tuple[Exact, ...]:
    return ((x["sd_1"] ** 2 + x["sd_2"] ** 2 - x["n"] * se**2) / (2 * x["sd_1"] * x["sd_2"]),)


def _change_r(x: Given) -> tuple[Exact, ...]:
    one, other = x["sd_baseline"], x["sd_final"]
    return ((one**2 + other**2 - x["sd_change"] ** 2) / (2 * one * other),)


def _d_to_r(x: Given) -> tuple[Exact, ...]:
    a = (x["n_1"] + x["n_2"]) ** 2 / (x["n_1"] * x["n_2"])
    return _delta(lambda d: d / sqrt(d**2 + a))(x)


FORMULAS: dict[str, Formula] = {
    "se-to-sd": lambda x: (x["se"] * sqrt(x["n"]),),
    "ci-to-sd": lambda x: (sqrt(x["n"]) * (x["mean_ci_high"] - x["mean_ci_low"]) / (2 * t_of(_tail(x), x["n"] - 1)),),
    "ci-to-sd-normal": lambda x: (sqrt(x["n"]) * (x["mean_ci_high"] - x["mean_ci_low"]) / (2 * z_of(_tail(x))),),
    "t-to-sd": lambda x: (sqrt(x["n"]) * abs(x["mean"] / x["t_value"]),),
    "p-to-sd": lambda x: (sqrt(x["n"]) * abs(x["mean"]) / t_of(x["p_value"], x["n"] - 1),),
    "p-to-sd-one-sided": lambda x: (sqrt(x["n"]) * abs(x["mean"]) / t_of(_both(x["p_value"]), x["n"] - 1),),
    "se-to-pooled-sd": lambda x: _pooled(x, x["se"]),
    "ci-to-pooled-sd": lambda x: _pooled(x, (x["ci_high"] - x["ci_low"]) / (2 * t_of(_tail(x), _df(x)))),
    "ci-to-pooled-sd-normal": lambda x: _pooled(x, (x["ci_high"] - x["ci_low"]) / (2 * z_of(_tail(x)))),
    "t-to-pooled-sd": lambda x: _pooled(x, abs(x["estimate"] / x["t_value"])),
    "f-to-pooled-sd": lambda x: _pooled(x, abs(x["estimate"]) / sqrt(x["f_value"])),
    "p-to-pooled-sd": lambda x: _pooled(x, abs(x["estimate"]) / t_of(x["p_value"], _df(x))),
    "p-to-pooled-sd-one-sided": lambda x: _pooled(x, abs(x["estimate"]) / t_of(_both(x["p_value"]), _df(x))),
    "ci-to-se": lambda x: ((x["ci_high"] - x["ci_low"]) / (2 * z_of(_tail(x))),),
    "ci-to-se-t": lambda x: ((x["ci_high"] - x["ci_low"]) / (2 * t_of(_tail(x), x["df"])),),
    "ratio-to-log": _ratio,
    "z-to-se": lambda x: (abs(x["yi"] / x["z_value"]),),
    "t-to-se": lambda x: (abs(x["yi"] / x["t_value"]),),
    "p-to-se": lambda x: (abs(x["yi"]) / z_of(x["p_value"]),),
    "p-to-se-one-sided": lambda x: (abs(x["yi"]) / z_of(_both(x["p_value"])),),
    "p-to-se-t": lambda x: (abs(x["yi"]) / t_of(x["p_value"], x["df"]),),
    "p-to-z": lambda x: (x["direction"] * z_of(x["p_value"]),),
    "p-to-z-one-sided": lambda x: (-x["direction"] * normal_quantile(x["p_value"]),),
    "p-to-t": lambda x: (x["direction"] * t_of(x["p_value"], x["df"]),),
    "p-to-t-one-sided": lambda x: (
        x["direction"] * t_of(_both(x["p_value"]), x["df"]) * (1 if x["p_value"] < exact(0.5) else -1),
    ),
    "p-to-chi2": lambda x: (z_of(x["p_value"]) ** 2,),
    "f-to-t": lambda x: (x["direction"] * sqrt(x["f_value"]),),
    "wald": lambda x: (x["estimate"], ((x["ci_high"] - x["ci_low"]) / (2 * z_of(_tail(x)))) ** 2),
    "wald-log": lambda x: (_ratio(x)[0], _ratio(x)[1] ** 2),
    "delta-log": _delta(log),
    "delta-exp": _delta(exp),
    "delta-logit": _delta(lambda p: log(p / (1 - p))),
    "delta-inverse-logit": _delta(lambda y: 1 / (1 + exp(-y))),
    "delta-probit": _delta(normal_quantile),
    "delta-inverse-probit": _delta(lambda y: cast("Exact", _mp.ncdf(y))),
    "delta-arcsine": _delta(lambda p: cast("Exact", _mp.asin(_mp.sqrt(p)))),
    "delta-fisher-z": _delta(artanh),
    "delta-inverse-fisher-z": _delta(lambda z: cast("Exact", _mp.tanh(z))),
    "delta-root": _delta(sqrt),
    "delta-square": _delta(lambda y: y**2),
    "delta-reciprocal": _delta(lambda y: 1 / y),
    "delta-log-odds-to-d": _delta(lambda y: y * sqrt(3) / _pi()),
    "delta-d-to-log-odds": _delta(lambda y: y * _pi() / sqrt(3)),
    "delta-d-to-r": _d_to_r,
    "delta-r-to-d": _delta(lambda r: 2 * r / sqrt(1 - r**2)),
    "change-sd": lambda x: (
        sqrt(x["sd_baseline"] ** 2 + x["sd_final"] ** 2 - 2 * x["r"] * x["sd_baseline"] * x["sd_final"]),
    ),
    "change-mean": lambda x: (x["mean_final"] - x["mean_baseline"],),
    "change-correlation": _change_r,
    "combine-groups": _combined,
    "combine-counts": lambda x: (x["events_1"] + x["events_2"], x["n_1"] + x["n_2"]),
    "split-counts": lambda x: (x["events"] / x["parts"], x["n"] / x["parts"]),
    "split-means": lambda x: (x["mean"], x["sd"], x["n"] / x["parts"]),
    "oe-to-hr": lambda x: (x["o_e"] / x["o_e_variance"], 1 / sqrt(x["o_e_variance"])),
    "observed-expected-to-hr": _observed,
    "hr-ci-to-oe": _hazard_of_limits,
    **dict.fromkeys(
        ("hr-events-to-oe", "hr-allocation-to-oe", "hr-total-to-oe"), lambda x: _hazard(x, y=log(x["estimate"]))
    ),
    **dict.fromkeys(
        ("p-events-to-hr", "p-allocation-to-hr", "p-total-to-hr"),
        lambda x: _hazard(x, z=x["direction"] * z_of(x["p_value"])),
    ),
    **dict.fromkeys(
        ("chi2-events-to-hr", "chi2-allocation-to-hr", "chi2-total-to-hr"),
        lambda x: _hazard(x, z=x["direction"] * sqrt(x["chi2"])),
    ),
    **dict.fromkeys(("z-events-to-hr", "z-allocation-to-hr", "z-total-to-hr"), lambda x: _hazard(x, z=x["z_value"])),
    "design-effect": lambda x: (_effect(x),),
    "cluster-counts": lambda x: (x["events"] / _effect(x), x["n"] / _effect(x)),
    "cluster-means": lambda x: (x["mean"], x["sd"], x["n"] / _effect(x)),
    "cluster-se": lambda x: (x["sei"] * sqrt(_effect(x)),),
    "paired-se": lambda x: (_paired_sd(x) / sqrt(x["n"]),),
    "paired-difference": lambda x: (x["mean_1"] - x["mean_2"], _paired_sd(x) / sqrt(x["n"])),
    "paired-smd": _paired_smd,
    "paired-se-to-correlation": lambda x: _paired_r(x, x["se"]),
    "paired-t-to-correlation": lambda x: _paired_r(x, (x["mean_1"] - x["mean_2"]) / x["t_value"]),
    "paired-p-to-correlation": lambda x: _paired_r(x, (x["mean_1"] - x["mean_2"]) / t_of(x["p_value"], x["n"] - 1)),
}
"""Conversions that take each row on its own, by name."""


def combined_rows(mean: Column, sd: Column, n: Column) -> tuple[Exact, ...]:
    """Give mean, standard deviation and size of several groups together."""
    whole = total(n)
    centre = total(size * value for size, value in zip(n, mean, strict=True)) / whole
    squares = total(
        (size - 1) * spread**2 + size * (value - centre) ** 2 for size, spread, value in zip(n, sd, mean, strict=True)
    )
    return centre, sqrt(squares / (whole - 1)), whole


def curves_with_follow_up(
    time: Column, survival: tuple[Column, Column], n: tuple[Exact, Exact], shortest: Exact, longest: Exact
) -> tuple[Exact, ...]:
    """Give ln HR, its standard error, O - E and V after Parmar and others, censoring even over follow-up."""
    arms: list[list[tuple[Exact, Exact]]] = []
    for curve, size in zip(survival, n, strict=True):
        free = size
        arm: list[tuple[Exact, Exact]] = []
        for i in range(len(time) - 1):
            start, end = max(time[i], shortest, key=float), min(time[i + 1], longest, key=float)
            followed = longest - start
            at_risk = free - (free * (end - start) / (2 * followed) if start < end else 0)
            dead = at_risk * (curve[i] - curve[i + 1]) / curve[i]
            arm.append((dead, at_risk))
            free = at_risk - dead
        arms.append(arm)
    return _over_intervals(*arms)


def curves_with_numbers_at_risk(survival: tuple[Column, Column], at_risk: tuple[Column, Column]) -> tuple[Exact, ...]:
    """Give ln HR, its standard error, O - E and V after Williamson and others, solving for the censored c.

    Of R at risk c are censored and d have the event: R - c - d = R' and d = (R - c/2) (1 - S'/S).
    """
    arms: list[list[tuple[Exact, Exact]]] = []
    for curve, risk in zip(survival, at_risk, strict=True):
        arm: list[tuple[Exact, Exact]] = []
        for i in range(len(curve) - 1):
            kept = curve[i + 1] / curve[i]
            censored = (risk[i] * kept - risk[i + 1]) / ((1 + kept) / 2)
            during = risk[i] - censored / 2
            arm.append((during * (1 - kept), during))
        arms.append(arm)
    return _over_intervals(*arms)


def _over_intervals(one: list[tuple[Exact, Exact]], other: list[tuple[Exact, Exact]]) -> tuple[Exact, ...]:
    weights: list[Exact] = []
    effects: list[Exact] = []
    for (d_1, r_1), (d_2, r_2) in zip(one, other, strict=True):
        if d_1 > 0 and d_2 > 0:
            weights.append(1 / (1 / d_1 - 1 / r_1 + 1 / d_2 - 1 / r_2))
            effects.append(log(d_1 / r_1) - log(d_2 / r_2))
    v = total(weights)
    o_e = total(w * y for w, y in zip(weights, effects, strict=True))
    return o_e / v, 1 / sqrt(v), o_e, v
