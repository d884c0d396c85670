"""Ask R about methods that take effects and their variances."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from evisynth.fitting import fit
from evisynth.records import (
    Adjustment,
    BiasTest,
    IntervalMethod,
    PoolingModel,
    PredictionInterval,
    Tau2Estimator,
    Tau2Interval,
)
from evisynth.small_study import bias
from evisynth.studies import Effects
from evisynth.validation.r_asking import (
    CLOSED,
    ITERATED,
    ROOT,
    TIGHT,
    Columns,
    Held,
    Numbers,
    Question,
    estimate_numbers,
    estimator_in,
    tightened,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from evisynth.kernels.arrays import FloatArray
    from evisynth.records import Method
    from evisynth.registry import Registry
    from evisynth.results import MetaAnalysis

SEED = 20261201
SEARCHED = 1e-3
"""metafor's selection models stop by a relative change of 1e-8 of the log-likelihood, which is flat at its top, and
trimfill hands no tightened control on to its trimming."""
EXACT = 15
"""Studies up to which R's exact test of excess significance is the default there too; chi-square above."""
MISSING = 40
"""Studies of the sample that lacks insignificant ones."""
MANY = 5
"""Studies that a permutation test goes through all signs of."""


def samples() -> Iterator[tuple[str, FloatArray, FloatArray, FloatArray]]:
    """Draw effects with variances and a moderator: few and many, alike and not."""
    rng = np.random.default_rng(SEED)
    for k in (4, 5, 13):
        for tau in (0.0, 0.4, 2.0):
            v = rng.uniform(0.02, 0.8, k)
            yield f"{k} studies, τ = {tau:g}", rng.normal(0.3, np.sqrt(tau * tau + v)), v, rng.normal(size=k)


def _of_estimates(method: Method, registry: Registry, *, ours: Callable[..., Numbers]) -> Iterator[Question]:
    call = method.r_equivalent or ""
    for name, y, v, x in samples():
        if "permutest" in call and y.size > MANY:
            continue
        columns: dict[str, FloatArray | str] = {
            "yi": y,
            "vi": v,
            "sei": np.sqrt(v),
            "weights": 1.0 / np.sqrt(v),
            "x": x,
        }
        yield Question(
            name,
            columns,
            tightened(call),
            partial(ours, method, registry, call),
            TIGHT + _models_before(call),
            "common" if "method.common.ci" in call else "random",
        )
        if isinstance(method, Tau2Estimator) and call.startswith("metafor::rma("):
            moderated = re.sub(r"metafor::rma\(", "metafor::rma(mods=~x, ", call)
            yield Question(
                f"{name}, with a moderator",
                columns,
                tightened(moderated),
                partial(ours, method, registry, moderated),
                TIGHT,
            )


def _models_before(call: str) -> str:
    """Fit what a call names ``res``, by REML as our side does, and the mean that one call takes."""
    lines = ""
    if re.search(r"\bres\b", call):
        meta = re.search(r"(meta|metasens)::", call)
        model = "meta::metagen(yi, sei, method.tau='DL')" if meta else "metafor::rma(yi, vi, control=tight)"
        lines += f"res <- {model}\n"
    if "abs(mean)" in call:
        lines += "mean <- coef(lm(yi ~ 1, weights=1/vi))\n"
    return lines


def _of_small_study(method: Method, registry: Registry) -> Iterator[Question]:
    """Ask about tests and adjustments: of many studies, among which insignificant ones are missing.

    Selection models have no maximum, or several, in fewer.
    """
    call = method.r_equivalent or ""
    rng = np.random.default_rng(SEED + 1)
    v = np.exp(rng.normal(-2.5, 0.8, 400))
    y = rng.normal(0.3, np.sqrt(v + 0.02))
    published = (y / np.sqrt(v) > 1.96) | (rng.uniform(size=y.size) < 0.4)  # noqa: PLR2004 - significant at 5 %
    y, v = y[published][:MISSING], v[published][:MISSING]
    columns = {"yi": y, "vi": v, "sei": np.sqrt(v)}
    for k in (13, 25, MISSING):
        if k == MISSING or "selmodel" not in call:
            some = {name: column[:k] for name, column in columns.items()}
            ours = partial(_small_study, method, registry, call)
            yield Question(f"{k} studies", some, tightened(call), ours, TIGHT + _models_before(call))


def _numbers(columns: Columns, name: str) -> FloatArray:
    return np.asarray(columns[name], dtype=np.float64)


def _fitted(registry: Registry, columns: Columns, **words: object) -> MetaAnalysis:
    given: dict[str, Any] = {"settings": "metafor", "prediction": None, "tau2_interval": None, **words}
    return fit(Effects(_numbers(columns, "yi"), _numbers(columns, "vi")), registry=registry, **given)


def _tau2(method: Method, registry: Registry, call: str, columns: Columns) -> Numbers:
    words: dict[str, object] = {"tau2": method.name}
    if "weights=weights" in call:
        words["weights"] = _numbers(columns, "weights")
    if "mods=~x" in call:
        words["moderators"] = {"x": _numbers(columns, "x").tolist()}
    spread = _fitted(registry, columns, **words).heterogeneity
    floor = ITERATED * float(_numbers(columns, "vi").mean())
    made = {"tau2": [Held(spread.tau2, ITERATED, 1e-3 * floor)]}
    if spread.tau2_se is not None:
        made["tau2_se"] = [Held(spread.tau2_se, ITERATED, 1e-3 * floor)]
    return made


def _interval(method: Method, registry: Registry, call: str, columns: Columns) -> Numbers:
    common = "method.common.ci" in call
    words = {"tau2": estimator_in(call), "interval": method.name, "model": "common" if common else "random"}
    return estimate_numbers(_fitted(registry, columns, **words), 5.0 * ROOT if "metafor::hc(" in call else ITERATED)


def _pooled(method: Method, registry: Registry, call: str, columns: Columns) -> Numbers:
    estimator = estimator_in(call)
    common = estimator in {"EE", "FE", "CE"}
    words = {"method": method.name, "model": "common" if common else "random", "tau2": "DL" if common else estimator}
    return estimate_numbers(_fitted(registry, columns, **words), CLOSED)


def _prediction(method: Method, registry: Registry, call: str, columns: Columns) -> Numbers:
    words = {"prediction": method.name, "interval": "HK" if "knha" in call else "Wald", "tau2": estimator_in(call)}
    limits = _fitted(registry, columns, **words).prediction
    return {} if limits is None else _ends("pi", limits.low, limits.high, ITERATED, ITERATED)


def _tau2_interval(method: Method, registry: Registry, call: str, columns: Columns) -> Numbers:
    words: dict[str, object] = {"tau2_interval": method.name}
    if "weights=weights" in call:
        words |= {"tau2": "GENQ", "weights": _numbers(columns, "weights")}
    spread = _fitted(registry, columns, **words).heterogeneity
    if spread.tau2_ci_low is None:
        return {"empty": [Held(1.0)]}
    return _ends("tau2", spread.tau2_ci_low, spread.tau2_ci_high, ITERATED, ROOT)


def _ends(name: str, low: float | None, high: float | None, tolerance: float, floor: float) -> Numbers:
    return {f"{name}_low": [Held(low, tolerance, floor)], f"{name}_high": [Held(high, tolerance, floor)]}


def _small_study(method: Method, registry: Registry, call: str, columns: Columns) -> Numbers:
    # meta's own calls are made of DL, which needs no tightening.
    meta = re.search(r"(meta|metasens)::", call)
    words = {"settings": "meta", "tau2": "DL"} if meta else {"tau2": estimator_in(call)}
    found = bias(_fitted(registry, columns, **words), method.name, registry=registry)
    searched = "selmodel" in call or "trimfill" in call
    tolerance = SEARCHED if searched else 5.0 * ROOT if "hc(" in call else 1e-6
    made = {"statistic": [Held(found.statistic, tolerance, tolerance)], "p": [Held(found.p_value, 100.0 * tolerance)]}
    made = {name: held for name, held in made.items() if held[0].value is not None}
    if "tes(" in call:
        figures = {"expected": "expected", "observed": "significant"}
        made |= {name: [Held(found.figures[one], 1e-5)] for name, one in figures.items() if one in found.figures}
        if found.k > EXACT:
            made.pop("p", None)
    if found.after is not None:
        unit = tolerance * found.after.se
        made |= {
            "estimate": [Held(found.after.value, tolerance, unit)],
            "se": [Held(found.after.se, tolerance)],
            "ci_low": [Held(found.after.ci_low, tolerance, unit)],
            "ci_high": [Held(found.after.ci_high, tolerance, unit)],
        }
        made.pop("p", None)
        made.pop("statistic", None)
    if "missing studies" in found.figures:
        made["k0"] = [Held(found.figures["missing studies"])]
    return made


OF_EFFECTS: Mapping[type[Method], Callable[[Method, Registry], Iterator[Question]]] = {
    Tau2Estimator: partial(_of_estimates, ours=_tau2),
    PoolingModel: partial(_of_estimates, ours=_pooled),
    IntervalMethod: partial(_of_estimates, ours=_interval),
    PredictionInterval: partial(_of_estimates, ours=_prediction),
    Tau2Interval: partial(_of_estimates, ours=_tau2_interval),
    BiasTest: _of_small_study,
    Adjustment: _of_small_study,
}
