"""The recorded diagnostics of R (metafor 5.1, meta 8.4), all of them, at the precision of the records.

What refits in R inherits the control of its model; for REML the records' readme promises 1e-5, most are a million times
closer, and so close is the comparison; the rest is listed.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, cast

import mpmath
import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from evisynth import FloatArray
    from evisynth.diagnostics.subsets import Subsets

    Case = dict[str, Any]
    Make = Callable[..., es.Studies]

mp: Any = mpmath

CLOSED = 1e-11
"""Where R sums up: common effect, DL, Mantel–Haenszel, Peto."""
REML = 1e-9
"""Where R iterates: it ends when τ² moves by less than 1e-12 of the variances."""

# What R's numbers cannot be compared by, and why; a pattern of the case's id → the cause.
NOT_CONVERGED = {
    # metafor's REML does not converge there, and it has no numbers: the steps, from 0.
    "cumul/dat.nielweise2007|OR/res/input-order": [7],
    "cumul/dat.nielweise2007|RR/res/input-order": [7, 11],
}
NO_WIDTH = {
    "leave1out/k5.identical|GEN/hk": "identical effects: an interval of no width in metafor, Wald's with a note here",
    "blup/k5.identical|GEN/hk": "identical effects: an interval of no width in metafor, Wald's with a note here",
}
ROUNDING_OF_ZERO = {
    "k5.identical": "identical effects do not move: what either program gives beside 0 is rounding",
}
EARLY = {
    # metafor's last step of τ² shows where a small difference of large numbers follows from it.
    ("influence", "cook_d"): 1e-8,
    ("influence", "dffits"): 1e-8,
    ("influence", "dfbs"): 2e-8,
    ("blup", "pi_lb"): 2e-8,
}


def numbers(values: list[Any]) -> FloatArray:
    return np.array([math.nan if value is None else float(value) for value in values])


def apart(values: FloatArray, truth: list[Any] | FloatArray, floor: float = 0.0) -> float:
    """Give the largest relative distance; both absent is none, and R's zeros may differ by ``floor``."""
    one = np.asarray(values, dtype=np.float64)
    other = numbers(truth) if isinstance(truth, list) else truth
    assert one.shape == other.shape, (one.shape, other.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.abs(one - other)
        far = np.where((np.isnan(one) & np.isnan(other)) | (one == other) | (gap <= floor), 0.0, gap / np.abs(other))
    return float(np.where(np.isnan(far), np.inf, far).max(initial=0.0))


def cases_of(r_cases: Mapping[str, Any], group: str) -> Iterator[tuple[Case, Case]]:
    for case in r_cases["cases"]:
        if case["group"] == group:
            assert "error" not in case["outputs"], case["id"]
            inputs = case["inputs"]
            yield case, r_cases["inputs"][inputs["ref"]] if "ref" in inputs else inputs


def model_of(case: Case, inputs: Case, make_studies: Make) -> es.MetaAnalysis:
    """Fit what the case's model says."""
    text: str = case["options"].get("model") or case["call"]
    if "rma.mh" in text or "rma.peto" in text:
        names = dict(re.findall(r"\b(ai|bi|ci|di|n1i|n2i)=([\w.]+)", text))
        cells = {key: numbers(inputs[key if key in inputs else name]) for key, name in names.items()}
        n_1 = cells["n1i"] if "n1i" in cells else cells["ai"] + cells["bi"]
        n_2 = cells["n2i"] if "n2i" in cells else cells["ci"] + cells["di"]
        studies = make_studies(events_1=cells["ai"], n_1=n_1, events_2=cells["ci"], n_2=n_2)
        measure = re.search(r'measure="(\w+)"', text)
        if measure is None:
            return es.fit(studies, "PETO", method="Peto", settings="metafor")
        return es.fit(studies, measure[1], method="MH", settings="metafor")
    method = re.search(r'method(?:\.tau)?="(\w+)"', text)
    estimator = method[1] if method else "REML"
    common = estimator == "EE" or case["options"].get("pooled") == "common"
    words: dict[str, Any] = {
        "settings": "meta" if "metagen" in text else "metafor",
        "tau2": "DL" if estimator == "EE" else estimator,
        "model": "common" if common else "random",
        "interval": "HK" if "knha" in text else "Wald",
    }
    effects = es.Effects(numbers(inputs["yi"]), numbers(inputs["vi"]))
    if "X" in inputs:
        design = np.array(inputs["X"], dtype=np.float64)
        design = design if len(design) == len(effects) else design.T
        words["moderators"] = es.Design(design, tuple(inputs["X_names"]), intercept=False)
    return es.fit(effects, **words)


def iterated(case: Case) -> bool:
    text = case["options"].get("model") or case["call"]
    return "rma(" in text and "EE" not in text and "DL" not in text


def tolerance(case: Case, name: str) -> float:
    return EARLY.get((case["group"], name), REML) if iterated(case) else CLOSED


def tau2_floor(case: Case, inputs: Case) -> float:
    """R's τ² of 0 by iteration may be a little above it."""
    return 1e-11 * float(np.nanmean(numbers(inputs["vi"]))) if "vi" in inputs and iterated(case) else 0.0


def far_ones(case: Case, found: Mapping[str, float]) -> dict[str, float]:
    return {name: by for name, by in found.items() if not by <= tolerance(case, name)}


def columns_of_pooled(case: Case, analysis: es.MetaAnalysis) -> dict[str, Any]:
    """Take R's rows of the studies that are pooled here; those without an effect are rows that change nothing in R."""
    outputs: dict[str, Any] = case["outputs"]
    rows = list(analysis.rows)

    def per_study(column: Any) -> bool:  # noqa: ANN401 - a column or one value
        return isinstance(column, list) and len(column) == analysis.k_total  # pyright: ignore[reportUnknownArgumentType] - any JSON

    return {name: [column[i] for i in rows] if per_study(column) else column for name, column in outputs.items()}


SERIES = {
    "estimate": "value",
    "se": "se",
    "zval": "statistic",
    "tval": "statistic",
    "ci_lb": "ci_low",
    "ci_ub": "ci_high",
    "pval": "log_p_value",
}


def compare_series(case: Case, inputs: Case, n: Subsets, truth: Mapping[str, Any]) -> dict[str, float]:
    """Compare analyses side by side; of one study R says τ² = 0, I² = 0, H² = 1 and P = 1, and here these are null."""
    alone = n.k <= 1
    failed = np.isnan(numbers(truth["estimate"]))
    found: dict[str, float] = {}
    for name, own in SERIES.items():
        if name not in truth or (case["id"] in NO_WIDTH and name != "estimate"):
            continue
        values, other = getattr(n, own)[0], numbers(truth[name])
        if name == "pval":
            # Relative errors of z are multiplied by z² in P; in logarithms they are not.
            with np.errstate(divide="ignore"):
                other = np.log(other)
            values = np.where((values < math.log(1e-300)) & (other == -np.inf), other, values)
            found[name] = apart(values[~failed], other[~failed], 1e-12)
            continue
        found[name] = apart(values[~failed], other[~failed])
    found["Q"] = apart(n.q[~failed], numbers(truth["Q"])[~failed])
    found["Qp"] = apart(np.where(alone, 1.0, n.q_p_value)[~failed], numbers(truth["Qp"])[~failed], 1e-15)
    if "tau2" in truth:
        floor = tau2_floor(case, inputs)
        found["tau2"] = apart(np.where(alone, 0.0, n.tau2)[~failed], numbers(truth["tau2"])[~failed], floor)
    found["I2"] = apart(np.where(alone, 0.0, n.i2)[~failed], numbers(truth["I2"])[~failed], 1e-8)
    found["H2"] = apart(np.where(alone, 1.0, n.h2)[~failed], numbers(truth["H2"])[~failed])
    if case["id"] in NOT_CONVERGED:
        assert np.flatnonzero(failed).tolist() == NOT_CONVERGED[case["id"]]
        assert np.isfinite(n.value[0]).all()
    elif "rma.mh" not in case["options"].get("model", ""):
        assert not failed.any(), case["id"]
    else:
        # No events so far: the sums that M-H divides by are 0.
        assert np.isnan(n.value[0])[failed].all()
    return found


def test_leave1out(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "leave1out"):
        analysis = model_of(case, inputs, make_studies)
        left = es.leave_one_out(analysis)
        truth = columns_of_pooled(case, analysis)
        far = far_ones(case, compare_series(case, inputs, left.numbers, truth))
        assert not far, (case["id"], far)
        if analysis.k < analysis.k_total:
            assert analysis.pooled is not None
            gone = [i for i in range(analysis.k_total) if i not in analysis.rows]
            unchanged = numbers(case["outputs"]["estimate"])[gone]
            assert apart(np.full(len(gone), analysis.pooled.value), unchanged) < CLOSED, case["id"]
            assert len(left.excluded) == len(gone)
        compared += 1
    assert compared == 239


def test_cumul(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "cumul"):
        analysis = model_of(case, inputs, make_studies)
        column = case["options"].get("order")
        steps = es.cumulative(analysis, None if column is None else numbers(inputs[column]))
        truth = columns_of_pooled(case, analysis)
        far = far_ones(case, compare_series(case, inputs, steps.numbers, truth))
        assert not far, (case["id"], far)
        if column is not None:
            assert [row + 1 for (row,) in steps.steps] == case["outputs"]["ids"], case["id"]
        compared += 1
    assert compared == 257


@pytest.mark.parametrize("group", ["meta.metainf", "meta.metacum"])
def test_meta(group: str, r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    names = {"TE": "value", "seTE": "se", "lower": "ci_low", "upper": "ci_high", "statistic": "statistic"}
    for case, inputs in cases_of(r_cases, group):
        analysis = model_of(case, inputs, make_studies)
        n = (es.leave_one_out(analysis) if group == "meta.metainf" else es.cumulative(analysis)).numbers
        truth = case["outputs"]
        found = {name: apart(getattr(n, own)[0], truth[name]) for name, own in names.items()}
        found["pval"] = apart(n.p_value[0], truth["pval"])
        found["tau2"] = apart(n.tau2, truth["tau2"])
        found["I2"] = apart(n.i2 / 100, truth["I2"], 1e-12)
        far = {name: by for name, by in found.items() if by > 1e-12}
        assert not far, (case["id"], far)
        compared += 1
    assert compared == 18


def test_influence(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "influence"):
        analysis = model_of(case, inputs, make_studies)
        influence = es.influence(analysis)
        n, truth = influence.numbers, columns_of_pooled(case, analysis)
        # What two coefficients that nearly agree differ by has lost the digits that cancel, in R and here.
        estimates = analysis.model.estimates
        assert estimates is not None
        floor = 1e-14 * float(np.abs(estimates.statistic).max())
        found = {
            "rstudent": apart(n.rstudent, truth["rstudent"], 1e-14),
            "dffits": apart(n.dffits, truth["dffits"], floor),
            "cook_d": apart(np.sqrt(n.cook_distance), np.sqrt(numbers(truth["cook_d"])), floor),
            "cov_r": apart(n.covariance_ratio, truth["cov_r"]),
            "tau2_del": apart(n.tau2_deleted, truth["tau2_del"], tau2_floor(case, inputs)),
            "QE_del": apart(n.q_deleted, truth["QE_del"]),
            "hat": apart(n.hat, truth["hat"]),
            "weight": apart(n.weight, truth["weight"]),
        }
        rows = truth["dfbs"]
        columns: Any = list(cast("dict[str, Any]", rows).values()) if isinstance(rows, dict) else rows
        shifts = np.atleast_2d(np.array(columns, dtype=np.float64))
        found["dfbs"] = apart(n.dfbetas, shifts if shifts.shape == n.dfbetas.shape else shifts.T, floor)
        if "is_infl" in truth:
            assert influence.influential.tolist() == truth["is_infl"], case["id"]
        far = far_ones(case, found)
        assert not far, (case["id"], far)
        compared += 1
    assert compared == 125


def test_deleted_residuals(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    """Those of Mantel-Haenszel and Peto too.

    For Peto's method metafor takes the effect of a table with a zero from cells with ½ added; Peto's needs none, and
    here has none. With its effect in place of ours the residual is metafor's.
    """
    compared = corrected = 0
    for case, inputs in cases_of(r_cases, "rstudent"):
        analysis = model_of(case, inputs, make_studies)
        n, truth = es.influence(analysis).numbers, columns_of_pooled(case, analysis)
        residual, se = n.deleted_residual.copy(), n.deleted_residual_se.copy()
        if "rma.peto" in case["call"]:
            corrected += _as_metafor(analysis, residual, se)
        found = {
            "resid": apart(residual, truth["resid"]),
            "se": apart(se, truth["se"]),
            "z": apart(residual / se, truth["z"]),
        }
        far = far_ones(case, found)
        assert not far, (case["id"], far)
        compared += 1
    assert compared == 152
    assert corrected > 10


def _as_metafor(analysis: es.MetaAnalysis, residual: FloatArray, se: FloatArray) -> int:
    source = analysis.effects.studies
    assert source is not None
    columns = source.columns
    count = 0
    for place, row in enumerate(analysis.rows):
        a, n_1, c, n_2 = (float(columns[name][row]) for name in ("events_1", "n_1", "events_2", "n_2"))
        if min(a, c, n_1 - a, n_2 - c) > 0:
            continue
        count += 1
        a, c, n_1, n_2 = a + 0.5, c + 0.5, n_1 + 1, n_2 + 1
        n, events = n_1 + n_2, a + c
        v = n_1 * n_2 * events * (n - events) / (n * n * (n - 1))
        y = (a - n_1 * events / n) / v
        residual[place] += y - analysis.effects.y[row]
        se[place] = math.sqrt(se[place] ** 2 - analysis.effects.v[row] + 1 / v)
    return count


@pytest.mark.parametrize(("group", "count"), [("rstandard", 53), ("hatvalues", 72), ("weights", 106), ("qqnorm", 53)])
def test_residuals_and_leverages(group: str, count: int, r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, group):
        analysis = model_of(case, inputs, make_studies)
        influence = es.influence(analysis)
        n, truth = influence.numbers, columns_of_pooled(case, analysis)
        own: dict[str, Any] = {
            "resid": n.residual,
            "se": n.residual_se,
            "z": n.rstandard,
            "hat": n.hat,
            "weights_pct": n.weight,
            "x": influence.normal_scores if group == "qqnorm" else None,
            "y": n.rstandard,
        }
        floor = 1e-14 if any(word in case["id"] for word in ROUNDING_OF_ZERO) else 1e-15
        found = {name: apart(own[name], column, floor) for name, column in truth.items()}
        far = far_ones(case, found)
        assert not far, (case["id"], far)
        compared += 1
    assert compared == count


@pytest.mark.parametrize(("group", "count"), [("blup", 125), ("ranef", 53)])
def test_predictions_of_studies(group: str, count: int, r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, group):
        analysis = model_of(case, inputs, make_studies)
        made = es.blup(analysis)
        predicted = made.effects if group == "blup" else made.random_effects
        truth = columns_of_pooled(case, analysis)
        # Where R's τ² is not quite 0, nor are its random effects: λ is τ² over the variances.
        small = 1e-9 * float(np.nanstd(analysis.effects.y))
        near_zero = small if made.analysis.model.tau2 == 0.0 else 0.0
        own = {"pred": predicted.value, "se": predicted.se, "pi_lb": predicted.low, "pi_ub": predicted.high}
        names = ["pred"] if case["id"] in NO_WIDTH else list(own)
        root = 1e-5 * float(np.sqrt(np.nanmean(analysis.effects.v))) if near_zero else 0.0
        found = {name: apart(own[name], truth[name], near_zero if name == "pred" else root) for name in names}
        far = far_ones(case, found)
        assert not far, (case["id"], far)
        compared += 1
    assert compared == count


def test_baujat(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "baujat"):
        analysis = model_of(case, inputs, make_studies)
        points = es.baujat(analysis)
        truth = columns_of_pooled(case, analysis)
        floor = 1e-28 if any(word in case["id"] for word in ROUNDING_OF_ZERO) else 0.0
        assert apart(points.heterogeneity, truth["x"], floor) < CLOSED, case["id"]
        # The square of a difference of two means that nearly agree: R has lost what it cancels.
        pooled = analysis.pooled
        assert pooled is not None
        moved = np.sqrt(points.influence)
        rounding = 4e-15 * abs(pooled.value) / pooled.se
        assert (np.abs(moved - np.sqrt(numbers(truth["y"]))) <= CLOSED * moved + rounding).all(), case["id"]
        compared += 1
    assert compared == 53


def test_radial(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "radial"):
        analysis = model_of(case, inputs, make_studies)
        points = es.radial(analysis)
        truth = columns_of_pooled(case, analysis)
        assert apart(points.precision, truth["x"]) < 1e-13, case["id"]
        assert apart(points.standardised, truth["y"]) < 1e-13, case["id"]
        compared += 1
    assert compared == 53


def test_gosh(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    """Beside the I² of the random-effects model metafor gives an H² that is Q/df; here both are by one definition."""
    compared = 0
    for case, inputs in cases_of(r_cases, "gosh"):
        analysis = model_of(case, inputs, make_studies)
        subsets = es.gosh(analysis, budget=1_000_000)
        n, truth = subsets.numbers, case["outputs"]
        alone = n.k == 1
        assert n.k.tolist() == truth["k"], case["id"]
        found = {
            "estimate": apart(n.value[0], truth["estimate"]),
            "QE": apart(n.q, truth["QE"]),
            "tau2": apart(np.where(alone, 0.0, n.tau2), truth["tau2"]),
            "I2": apart(np.where(alone, 0.0, n.i2), truth["I2"], 1e-10),
            "H2": apart(np.where(alone, 1.0, n.q / np.maximum(n.k - 1, 1)), truth["H2"]),
        }
        far = {name: by for name, by in found.items() if by > 1e-12}
        assert not far, (case["id"], far)
        compared += 1
    assert compared == 10


def test_where_r_has_no_numbers_ours_are_the_maximum(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    """At 50 digits the restricted likelihood is highest where we say."""
    for case, inputs in cases_of(r_cases, "cumul"):
        if case["id"] not in NOT_CONVERGED:
            continue
        y, v = numbers(inputs["yi"]), numbers(inputs["vi"])
        n = es.cumulative(model_of(case, inputs, make_studies)).numbers
        for step in NOT_CONVERGED[case["id"]]:
            with mp.workdps(50):
                score = _reml_score(y[: step + 1], v[: step + 1])
                root = mp.findroot(score, mp.mpf(float(n.tau2[step])))
            assert abs(float(root) - n.tau2[step]) <= 1e-12 * n.tau2[step]


def _reml_score(y: FloatArray, v: FloatArray) -> Callable[[object], object]:
    def score(tau2: object) -> object:
        w = [1 / (mp.mpf(float(x)) + tau2) for x in v]
        total = mp.fsum(w)
        mean = mp.fsum(a * mp.mpf(float(x)) for a, x in zip(w, y, strict=True)) / total
        pull = mp.fsum((a * (mp.mpf(float(x)) - mean)) ** 2 for a, x in zip(w, y, strict=True))
        return pull - total + mp.fsum(a * a for a in w) / total

    return score
