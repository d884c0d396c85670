"""Repeat the stored calls of meta and metasens."""

from __future__ import annotations

import math
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth import Agreement, Effects, bias, convert, fit, read_json
from evisynth_validation.meta.words import words_of_metabin, words_of_metacont, words_of_metagen, words_of_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evisynth import Asked, Estimate, MetaAnalysis, Method
    from evisynth.validation.agreements import MethodKey

CLOSED = 1e-11
"""meta adds up without recentring, and its variances go through square roots."""
SEARCHED = 1e-9
"""meta's and metafor's iterations and roots end on absolute steps."""
LAST_STEP = 1e-6
"""metabin's penalised logistic regression ends a step of 1e-8 early, some ten of which may lie before the maximum."""
FACTOR = "metabin multiplies the standard error by a factor of variances, and takes another than Fletcher's"
OPTIM = 1e-4
"""metasens climbs by R's optim."""
SSW_WITHOUT_SE = "metabin's standard error of SSW is infinite where a table has no effect"
SSW_PREDICTION = "metabin predicts about the inverse-variance mean, not about its own"
NO_EFFECT = "meta has an infinite standard error where a table has no effect; here the row has a reason"
DIGITS = "R takes J from differences of log-gamma functions, which 1 - (m - 2)/(m J²) magnifies"
OTHER_PATH = (
    "metasens adjusts by the row of its own path of selection probabilities that is the first to be insignificant"
)
BETWEEN_ROWS = 0.05
"""What neighbouring rows of that path differ by, of the estimate."""

TESTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "Begg": ("Begg", {"exact": False}),
    "Egger": ("Egger", {}),
    "Thompson": ("Thompson-Sharp", {}),
    "Schwarzer": ("Schwarzer", {}),
    "Harbord": ("Harbord", {}),
    "Peters": ("Peters", {}),
    "Deeks": ("Deeks", {}),
    "Macaskill": ("Macaskill", {}),
    "Pustejovsky": ("Pustejovsky-Rodgers", {}),
}
"""What a test of metabias is called here."""
SHARE = 8
"""A quick run takes one case of as many."""


@attrs.frozen(eq=False)
class Call:
    """Hold one stored call with its data and results."""

    asked: Asked
    case: Mapping[str, Any]
    columns: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The call in R."""
        return str(self.case["call"])

    @property
    def results(self) -> Mapping[str, Any]:
        """What it gave."""
        found: Mapping[str, Any] = self.case["results"]
        return found

    def fitted(self, words: Mapping[str, Any]) -> MetaAnalysis:
        """Fit the data, effects or a table."""
        data = Effects(self.columns["yi"], self.columns["vi"]) if "yi" in self.columns else dict(self.columns)
        return fit(data, registry=self.asked.registry, **words)

    def held(
        self,
        methods: Sequence[Method | MethodKey],
        key: str,
        value: float | None,
        tolerance: float,
        floor: float = 0.0,
        *,
        condition: float = 1.0,
        divergence: str = "",
    ) -> Iterator[Agreement]:
        """Compare a number where it is stored."""
        if key not in self.results:
            return
        expected = _one(self.results[key])
        if value is not None and math.isnan(value):
            value = None
        factor = 100.0 if key == "I2" and expected is not None else 1.0
        yield Agreement(
            tuple(methods),
            str(self.case["id"]),
            key,
            None if expected is None else expected * factor,
            value,
            tolerance=tolerance,
            condition=condition,
            floor=floor,
            divergence=divergence,
        )


def _one(value: Any) -> float | None:  # noqa: ANN401 - a number, or a list of one
    values: list[Any] = value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType] - JSON
    first = values[0]
    return None if first is None else float(first)


def replay(asked: Asked) -> Iterator[Agreement]:
    """Go through the calls."""
    text = files("evisynth_validation").joinpath("meta", "expected.json").read_text(encoding="utf-8")
    stored = read_json(text, "expected.json")
    for i, case in enumerate(stored["cases"]):
        of = _replayed_by(case["call"])
        # What stands alone in its group is in every share.
        if asked.quick and i % SHARE and of in {_tables, _metagen, _metacont, _metabias}:
            continue
        columns = stored["data"].get(case.get("data"), case.get("given"))
        made = list(of(Call(asked, case, columns)))
        if any(key in asked for one in made for key in one.methods):
            yield from made


def _replayed_by(call: str) -> Callable[[Call], Iterator[Agreement]]:
    name = call.partition("(")[0]
    if "method.ci=" in call:
        return _study_limits
    return _BY_NAME.get(name, _tables)


# -- models -----------------------------------------------------------------------------------------------------------


def _line(
    call: Call, methods: Sequence[Method], model: str, estimate: Estimate | None, tolerance: float, divergence: str = ""
) -> Iterator[Agreement]:
    """Compare one of the two lines of a table of results."""
    if estimate is None:
        return
    z = estimate.statistic
    for key, value, unit, condition in (
        ("TE", estimate.value, estimate.se, 1.0),
        ("seTE", estimate.se, 0.0, 1.0),
        ("lower", estimate.ci_low, estimate.se, 1.0),
        ("upper", estimate.ci_high, estimate.se, 1.0),
        # A single group has no test: meta shows none, and here the statistic has no p-value.
        *((("statistic", z, 1.0, 1.0),) if call.results.get(f"statistic_{model}") is not None else ()),
        ("pval", estimate.p_value, 0.0, 1.0 + (z or 0.0) ** 2),
    ):
        yield from call.held(
            methods, f"{key}_{model}", value, tolerance, tolerance * unit, condition=condition, divergence=divergence
        )


def _spread(call: Call, analysis: MetaAnalysis, tolerance: float) -> Iterator[Agreement]:
    methods, spread = _without_interval(analysis.methods.used("random")), analysis.heterogeneity
    used = analysis.effects.used
    v = analysis.effects.v if used is None else analysis.effects.v[used]
    mean = float(np.mean(v))
    q = spread.q or 0.0
    yield from call.held(methods, "Q", spread.q, CLOSED, 1e-12)
    yield from call.held(methods, "pval_Q", spread.p_value, CLOSED, 1e-15, condition=1.0 + q)
    yield from call.held(methods, "I2", spread.i2, tolerance, 100.0 * tolerance)
    yield from call.held(methods, "tau2", spread.tau2, tolerance, tolerance * mean)


def _without_interval(methods: Sequence[Method]) -> tuple[Method, ...]:
    return tuple(one for one in methods if not one.kind.endswith(("Interval", "IntervalMethod")))


def _metagen(call: Call) -> Iterator[Agreement]:
    words = words_of_metagen(call.text)
    wanted = re.search(r'method.tau.ci="(\w+)"', call.text)
    tau2_interval = wanted[1] if wanted and wanted[1] != "PL" else None
    given = {**words, "settings": "meta", "model": "random", "tau2_interval": tau2_interval}
    analysis = call.fitted(given)
    iterative = words["tau2"] in {"REML", "ML", "EB", "PM"}
    mean = float(np.mean(analysis.effects.v))
    # meta's own iterations stop when τ² moves by less than 1e-10 (1e-5 without control), whatever its size.
    step = 1e-10 if "control" in call.text else 1e-5
    slack = 30.0 * step / max(float(call.results["tau2"]), 0.1 * mean) if iterative else 0.0
    tolerance = SEARCHED + slack if iterative else CLOSED * 10.0
    common = {"settings": "meta", "model": "common"}
    if "IVhet" in call.text:
        common = {"settings": "meta", "model": "random", "tau2": words["tau2"], "interval": "IVhet"}
    ours = call.fitted(common)
    yield from _line(call, ours.methods.used(ours.settings.model), "common", ours.pooled, CLOSED)
    methods = [one for one in analysis.methods.used("random") if one.kind != "PredictionInterval"]
    yield from _line(call, methods, "random", analysis.pooled, tolerance)
    yield from _spread(call, analysis, tolerance)
    yield from _prediction(call, analysis, tolerance)
    if tau2_interval is not None:
        limits = analysis.heterogeneity.tau2_limits[0]
        low, high = (None, None) if limits is None else (limits.low, limits.high)
        for key, value in (("lower", low), ("upper", high)):
            yield from call.held(
                [("Tau2Interval", tau2_interval)],
                f"{key}_tau2",
                value,
                SEARCHED if tau2_interval == "QP" else OPTIM,
                OPTIM,
                divergence="" if limits else "meta shows 0 to 0 where the interval is empty",
            )


def _prediction(call: Call, analysis: MetaAnalysis, tolerance: float, divergence: str = "") -> Iterator[Agreement]:
    limits, pooled = analysis.prediction, analysis.pooled
    if limits is None or pooled is None or "prediction=TRUE" not in call.text:
        return
    methods = analysis.methods.used("random")
    unit = tolerance * pooled.se
    for key, value in (("lower_predict", limits.low), ("upper_predict", limits.high)):
        yield from call.held(methods, key, value, tolerance, unit, divergence=divergence)


def _tables(call: Call) -> Iterator[Agreement]:
    if 'method="LRP"' in call.text:
        yield from _penalised(call)
        return
    of = words_of_metabin if call.text.startswith("metabin(") else words_of_table
    yield from _table(call, of(call.text))


def _penalised(call: Call) -> Iterator[Agreement]:
    for model in ("common", "random"):
        made = call.fitted({"settings": "meta", "measure": "OR", "method": "LRP", "model": model})
        for one in _line(call, made.methods.used(model), model, made.pooled, LAST_STEP):
            random = one.quantity.endswith("_random") and not one.quantity.startswith("TE")
            yield attrs.evolve(one, divergence=FACTOR if random else "")


def _metacont(call: Call) -> Iterator[Agreement]:
    yield from _table(call, words_of_metacont(call.text))


def _table(call: Call, words: Mapping[str, Any]) -> Iterator[Agreement]:
    """Compare the effects and both models; the line of random effects at meta's own τ² where it iterates."""
    analysis = call.fitted({**words, "model": "random"})
    yield from _studies(call, analysis)
    iterative = words["tau2"] != "DL"
    tau2 = call.results.get("tau2")
    stopped = SEARCHED + 1e-9 / max(float(tau2), 1e-4) if iterative and tau2 is not None else CLOSED
    yield from _spread(call, analysis, stopped)
    ssw = words.get("method") == "SSW"
    for model in ("common", "random"):
        line: dict[str, Any] = {**words, "model": model}
        made = call.fitted(line)
        methods = [one for one in made.methods.used(model) if one.kind != "PredictionInterval"]
        infinite = ssw and str(call.results[f"seTE_{model}"]) == "Inf"
        yield from _line(call, methods, model, made.pooled, stopped, SSW_WITHOUT_SE if infinite else "")
    yield from _prediction(call, analysis, stopped, SSW_PREDICTION if ssw else "")


def _studies(call: Call, analysis: MetaAnalysis) -> Iterator[Agreement]:
    methods = (analysis.methods.measure, *([analysis.methods.correction] if analysis.methods.measure.counts else []))
    made = analysis.effects
    for i, (y, se) in enumerate(zip(call.results.get("TE", ()), call.results.get("seTE", ()), strict=True)):
        where = f"{call.case['id']}, study {i + 1}"
        if y is None or se in {None, "Inf"}:
            yield Agreement(methods, where, "reason", expected=True, observed=i in made.reasons)
            continue
        ours = float(made.v[i])
        far = abs(ours / se**2 - 1.0) > CLOSED
        cause = DIGITS if far and abs(ours / se**2 - 1.0) <= 100.0 * CLOSED else ""
        yield Agreement(methods, where, "TE", float(y), float(made.y[i]), tolerance=CLOSED, floor=1e-15)
        yield Agreement(methods, where, "seTE²", se**2, ours, tolerance=CLOSED, divergence=cause)


def _study_limits(call: Call) -> Iterator[Agreement]:
    words = {**words_of_table(call.text), "study_interval": re.findall(r'method.ci="(\w+)"', call.text)[0]}
    name = words["study_interval"]
    record = next(one for one, _ in call.asked.registry if (one.kind, one.name) == ("StudyInterval", name))
    if name == "NAsm":
        made = call.fitted({key: word for key, word in words.items() if key != "study_interval"}).effects
        low, high = record.function(effect=made.y, se=np.sqrt(made.v), level=0.95)
    else:
        columns = {key: np.array(call.columns[key], dtype=float) for key in ("events", "n")}
        low, high = record.function(**columns, level=0.95)
    for key, end in (("lower", low), ("upper", high)):
        for i, (expected, value) in enumerate(zip(call.results[key], end, strict=True)):
            where = f"{call.case['id']}, study {i + 1}"
            # meta shows them on the scale of logits, but for those of the effect itself.
            ours = float(value) if name == "NAsm" else _logit(float(value))
            yield Agreement(record, where, key, float(expected), ours, tolerance=CLOSED, floor=1e-15)


def _logit(p: float) -> float:
    return math.log(p) - math.log1p(-p) if p > 0.0 else -math.inf


# -- small-study effects ----------------------------------------------------------------------------------------------


def _of_small_studies(call: Call) -> MetaAnalysis:
    words: dict[str, Any] = {"settings": "meta", "method": "IV", "tau2": "DL", "prediction": None}
    measure = re.search(r'sm="(\w+)"', call.text)
    if "yi" not in call.columns and measure is not None:
        words["measure"] = measure[1]
    return call.fitted(words)


def _metabias(call: Call) -> Iterator[Agreement]:
    (named,) = re.findall(r'method.bias="(\w+)"', call.text)
    name, options = TESTS[named]
    methods = [("BiasTest", name)]
    seen = bias(_of_small_studies(call), name, registry=call.asked.registry, **options)
    if not call.results:
        # meta says nothing of two studies.
        yield Agreement(methods[0], str(call.case["id"]), "reason", expected=True, observed=seen.reason is not None)
        return
    yield from call.held(methods, "statistic", seen.statistic, SEARCHED, SEARCHED)
    yield from call.held(methods, "pval", seen.p_value, SEARCHED)
    if seen.asymmetry is not None:
        yield from call.held(methods, "df", seen.df, SEARCHED)
        yield from call.held(methods, "estimate", seen.asymmetry.value, SEARCHED, SEARCHED * seen.asymmetry.se)


def _trimfill(call: Call) -> Iterator[Agreement]:
    (kind,) = re.findall(r'type="(\w)"', call.text)
    analysis, methods = _of_small_studies(call), [("Adjustment", "trim-and-fill")]
    for model in ("common", "random"):
        seen = bias(
            analysis,
            "trim-and-fill",
            registry=call.asked.registry,
            estimator=f"{kind}0",
            trim_by="common",
            fill_by=model,
        )
        if call.results["k0"] is None:
            yield Agreement(methods[0], str(call.case["id"]), "reason", expected=True, observed=seen.reason is not None)
            continue
        yield from call.held(methods, "k0", float(len(seen.added)), 0.0)
        yield from _line(call, methods, model, seen.after, SEARCHED)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a key


def _adjusted(call: Call) -> Iterator[Agreement]:
    copas = call.text.startswith("copas(")
    name = "Copas" if copas else "limit meta-analysis"
    options = {} if copas else {"adjust": re.findall(r'method.adjust="(\w+)"', call.text)[0]}
    methods, tolerance = [("Adjustment", name)], OPTIM if copas else SEARCHED
    analysis = call.fitted({"settings": "metafor", "tau2": "DL"})
    seen = bias(analysis, name, registry=call.asked.registry, **options)
    after = seen.after
    if after is None:
        expected = _one(call.results["TE_adjust"]) is None
        yield Agreement(methods[0], str(call.case["id"]), "no estimate", expected=expected, observed=True)
        return
    for key, value, unit in (
        ("TE_adjust", after.value, after.se),
        ("seTE_adjust", after.se, 0.0),
        ("lower_adjust", after.ci_low, after.se),
        ("upper_adjust", after.ci_high, after.se),
    ):
        for one in call.held(methods, key, value, tolerance, tolerance * unit):
            yield attrs.evolve(one, divergence=OTHER_PATH) if copas and one.error < BETWEEN_ROWS else one
    for key, figure in (("Q_small", "Q small"), ("Q_resid", "Q residual"), ("G_squared", "G²")):
        if figure in seen.figures:
            yield from call.held(methods, key, seen.figures[figure], tolerance)


def _lfkindex(call: Call) -> Iterator[Agreement]:
    seen = bias(_of_small_studies(call), "LFK", registry=call.asked.registry, percentile="metasens")
    yield from call.held([("BiasTest", "LFK")], "lfkindex", seen.statistic, SEARCHED)


# -- conversions ------------------------------------------------------------------------------------------------------


def _nnt(call: Call) -> Iterator[Agreement]:
    name, source = ("nnt-from-or", "odds_ratio") if 'sm="OR"' in call.text else ("nnt-from-rr", "risk_ratio")
    given = {source: call.columns["x"], "baseline_risk": call.columns["p_c"]}
    found = convert(name, registry=call.asked.registry, **given)["nnt"]
    yield from _rows(call, ("Conversion", name), "NNT", found)


def _or2smd(call: Call) -> Iterator[Agreement]:
    name = "log-or-to-smd-logistic" if 'method="HH"' in call.text else "log-or-to-smd-normal"
    given = {"log_or": call.columns["lnOR"], "log_or_se": call.columns["selnOR"]}
    found = convert(name, registry=call.asked.registry, **given)
    yield from _rows(call, ("Conversion", name), "TE", found["smd"])
    yield from _rows(call, ("Conversion", name), "seTE", found["smd_se"])


def _rows(call: Call, method: MethodKey, key: str, values: Any) -> Iterator[Agreement]:  # noqa: ANN401 - an array
    for i, (expected, value) in enumerate(zip(call.results[key], values, strict=True)):
        yield Agreement(method, f"{call.case['id']}, row {i + 1}", key, expected, float(value), tolerance=CLOSED)


_BY_NAME: Mapping[str, Callable[[Call], Iterator[Agreement]]] = {
    "metagen": _metagen,
    "metacont": _metacont,
    "metabias": _metabias,
    "trimfill": _trimfill,
    "limitmeta": _adjusted,
    "copas": _adjusted,
    "lfkindex": _lfkindex,
    "nnt": _nnt,
    "or2smd": _or2smd,
}
