"""Every recorded result of rma.mh, rma.peto, metabin and metainc: zero-cell options, ways to pool, tests of tables."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_validation.meta.words import words_of_metabin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Make = Callable[..., es.Studies]
    Numbers = np.ndarray[Any, np.dtype[np.float64]]

CLOSED = 1e-12
STOPPED = 5e-9
"""meta's REML stops where a step is shorter than 1e-10, whatever τ² is; where steps shrink slowly many more remain."""
MODELS = ("common", "random")


def cases_of(r_cases: Mapping[str, Any], group: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for case in r_cases["cases"]:
        if case["group"] == group:
            inputs = case["inputs"]
            yield case, r_cases["inputs"][inputs["ref"]] if "ref" in inputs else inputs


def numbers(values: list[Any]) -> Numbers:
    return np.array([math.nan if value is None else float(value) for value in values])


def apart(value: float | None, truth: float | str | None, floor: float = 0.0) -> float:
    """Relative distance; a number that R rounds may differ by ``floor``."""
    if truth is None or value is None:
        return 0.0 if truth is None and value is None else math.inf
    truth = float(truth)
    if value == truth or (math.isnan(value) and math.isnan(truth)) or abs(value - truth) <= floor:
        return 0.0
    return abs(value - truth) / max(abs(truth), 1e-300)


def far(found: Mapping[str, float], tolerance: float = CLOSED) -> dict[str, float]:
    return {name: by for name, by in found.items() if not by <= tolerance}


def tables_of_metafor(case: Mapping[str, Any], inputs: Mapping[str, Any], make: Make) -> es.Studies:
    names = dict(re.findall(r"\b(ai|bi|ci|di|n1i|n2i)=([\w.]+)", case["call"]))
    cells = {key: numbers(inputs[key if key in inputs else name]) for key, name in names.items()}
    n_1 = cells["n1i"] if "n1i" in cells else cells["ai"] + cells["bi"]
    n_2 = cells["n2i"] if "n2i" in cells else cells["ci"] + cells["di"]
    return make(events_1=cells["ai"], n_1=n_1, events_2=cells["ci"], n_2=n_2)


def tables_of_meta(inputs: Mapping[str, Any], make: Make) -> es.Studies:
    events_1, n_1, events_2, n_2 = [numbers(column) for column in inputs.values() if not isinstance(column[0], str)][:4]
    return make(events_1=events_1, n_1=n_1, events_2=events_2, n_2=n_2)


def pooled_of_metafor(analysis: es.MetaAnalysis, truth: Mapping[str, Any]) -> dict[str, float]:
    pooled, spread = analysis.pooled, analysis.heterogeneity
    assert pooled is not None
    return {
        "beta": apart(pooled.value, truth["beta"][0]),
        "se": apart(pooled.se, truth["se"][0]),
        "stat": apart(pooled.statistic, truth["stat"][0]),
        "pval": apart(pooled.p_value, truth["pval"][0]),
        "ci_lb": apart(pooled.ci_low, truth["ci_lb"][0]),
        "ci_ub": apart(pooled.ci_high, truth["ci_ub"][0]),
        "QE": apart(spread.q, truth["QE"]),
        "QEp": apart(spread.p_value, truth["QEp"]),
        "I2": apart(spread.i2, truth["I2"], 1e-11),
        "H2": apart(spread.h2, truth["H2"]),
    }


@pytest.mark.parametrize(("group", "method", "count"), [("rma.mh", "MH", 63), ("rma.peto", "Peto", 9)])
def test_tables_pooled_by_metafor(
    group: str, method: str, count: int, r_cases: Mapping[str, Any], make_studies: Make
) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, group):
        if "x1i" in case["call"]:
            continue  # person-time, below
        words: dict[str, Any] = {"mh_increment": "added"} if "add=c(1/2,1/2)" in case["call"] else {}
        analysis = es.fit(
            tables_of_metafor(case, inputs, make_studies),
            measure=case["options"]["measure"],
            method=method,
            settings="metafor",
            **words,
        )
        assert not far(pooled_of_metafor(analysis, case["outputs"])), case["id"]
        compared += 1
    assert compared == count


def weights_apart(ours: Numbers, truth: list[Any], effects: Numbers) -> float:
    """Compare shares; meta also lists weights of tables without an effect."""
    weights = np.where(np.isnan(effects), 0.0, numbers(truth))
    return float(np.abs(ours / 100.0 - weights / weights.sum()).max())


def effects_apart(analysis: es.MetaAnalysis, truth: Mapping[str, Any]) -> dict[str, float]:
    y, se = numbers(truth["TE"]), numbers(truth["seTE"])
    ours_y, ours_se = analysis.effects.y, np.sqrt(analysis.effects.v)
    return {
        "TE": max(apart(a, b, 1e-15) for a, b in zip(ours_y.tolist(), y.tolist(), strict=True)),
        # meta gives an infinite standard error where there is no effect.
        "seTE": max(
            apart(a, math.nan if math.isinf(b) else b) for a, b in zip(ours_se.tolist(), se.tolist(), strict=True)
        ),
    }


def lines_apart(studies: es.Studies, words: Mapping[str, Any], truth: Mapping[str, Any]) -> dict[str, float]:
    """Compare both models with meta's; the random-effects line at meta's own τ², so that its stop does not matter."""
    found: dict[str, float] = {}
    asked = es.fit(studies, model="random", **words)
    found["tau2"] = apart(asked.heterogeneity.tau2, truth["tau2"], STOPPED)
    spread = asked.heterogeneity
    found["Q"] = apart(spread.q, truth["Q"])
    found["pval_Q"] = apart(spread.p_value, truth["pval_Q"])
    found["I2"] = apart(None if spread.i2 is None else spread.i2 / 100.0, truth["I2"], 1e-13)
    found |= effects_apart(asked, truth)
    for model in MODELS:
        line: dict[str, Any] = {**words, "model": model}
        if model == "random" and words["tau2"] != "DL":
            line["tau2"] = float(truth["tau2"])
        analysis = es.fit(studies, **line)
        pooled = analysis.pooled
        assert pooled is not None
        for name, key in (
            ("value", "TE"),
            ("se", "seTE"),
            ("statistic", "statistic"),
            ("p_value", "pval"),
            ("ci_low", "lower"),
            ("ci_high", "upper"),
        ):
            found[f"{key}_{model}"] = apart(getattr(pooled, name), truth[f"{key}_{model}"], 1e-15)
        found[f"w_{model}"] = weights_apart(analysis.weights[model], truth[f"w_{model}"], numbers(truth["TE"]))
        if model == "random" and analysis.prediction is not None:
            found["lower_predict"] = apart(analysis.prediction.low, truth["lower_predict"], 1e-15)
            found["upper_predict"] = apart(analysis.prediction.high, truth["upper_predict"], 1e-15)
    found["k"] = apart(asked.k, truth["k"])
    return found


OF_THEIR_OWN = r"/(ASD/Inverse|OR/SSW|OR/LRP|OR/GLMM/.*)$"
"""Cases of metabin that other tests here compare."""


def test_metabin(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.metabin"):
        if re.search(OF_THEIR_OWN, case["id"]):
            continue
        found = lines_apart(tables_of_meta(inputs, make_studies), words_of_metabin(case["call"]), case["outputs"])
        assert not far(found, 5e-12), case["id"]
        compared += 1
    assert compared == 176


@pytest.mark.parametrize("correct", [True, False])
def test_tests_of_tables_by_metafor(correct: bool, r_cases: Mapping[str, Any], make_studies: Make) -> None:  # noqa: FBT001 - parametrised
    compared = 0
    for case, inputs in cases_of(r_cases, "rma.mh"):
        if case["options"]["measure"] != "OR" or ("correct=FALSE" in case["call"]) == correct:
            continue
        words: dict[str, Any] = {"mh_increment": "added"} if "add=c(1/2,1/2)" in case["call"] else {}
        studies = tables_of_metafor(case, inputs, make_studies)
        tests = es.table_tests(es.fit(studies, measure="OR", method="MH", settings="metafor", **words))
        truth = case["outputs"]
        association = tests.mantel_haenszel_corrected if correct else tests.mantel_haenszel
        assert tests.k == truth["k_pos"], case["id"]
        for test, key in ((association, "MH"), (tests.breslow_day, "BD"), (tests.tarone, "TA")):
            statistic = float(truth[key])
            assert apart(test.statistic, statistic) < CLOSED, (case["id"], key)
            # A tail of chi-squared loses as many digits as half the statistic has.
            assert apart(test.p_value, truth[f"{key}p"]) < CLOSED * (1.0 + statistic), (case["id"], key)
        compared += 1
    assert compared == (18 if correct else 9)


def test_cochrans_test_by_metabin(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    """Q_CMH of metabin has the variance of binomial arms: it is Cochran's, not Mantel and Haenszel's."""
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.metabin"):
        truth = case["outputs"]
        tests = es.table_tests(es.fit(tables_of_meta(inputs, make_studies), measure="OR", settings="meta"))
        assert apart(tests.cochran.statistic, truth["Q_CMH"]) < CLOSED, case["id"]
        assert apart(tests.cochran.p_value, truth["pval_Q_CMH"]) < CLOSED * (1.0 + float(truth["Q_CMH"])), case["id"]
        assert tests.cochran.df == truth["df_Q_CMH"]
        compared += 1
    assert compared == 209


SSW_WITHOUT_SE = {"dat.nielweise2007", "dat.hahn2001", "dat.nissen2007.death", "dat.yusuf1985.t6"}
"""metabin has an infinite standard error for SSW where a table has no effect: its infinite variance is among those it
adds up. The mean leaves that table out, as ours does, and its variance follows from the others."""


def test_sample_size_weights_by_metabin(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.metabin"):
        if "/OR/SSW" not in case["id"]:
            continue
        truth = case["outputs"]
        found = lines_apart(tables_of_meta(inputs, make_studies), words_of_metabin(case["call"]), truth)
        # metabin predicts about the inverse-variance mean of the random-effects model, not about its own: divergence.
        del found["lower_predict"], found["upper_predict"]
        plain: dict[str, Any] = {**words_of_metabin(case["call"]), "method": "IV", "tau2": float(truth["tau2"])}
        other = es.fit(tables_of_meta(inputs, make_studies), **plain).prediction
        assert other is not None
        assert apart(other.low, truth["lower_predict"]) < 5e-12, case["id"]
        assert apart(other.high, truth["upper_predict"]) < 5e-12, case["id"]
        if case["dataset"] in SSW_WITHOUT_SE:
            y, se, w = (numbers(truth[key]) for key in ("TE", "seTE", "w_common"))
            seen = np.isfinite(y)
            variance = float((w[seen] ** 2 * (se[seen] ** 2 + 0.0)).sum() / w[seen].sum() ** 2)
            pooled = es.fit(
                tables_of_meta(inputs, make_studies), model="common", **words_of_metabin(case["call"])
            ).pooled
            assert pooled is not None
            assert apart(pooled.se**2, variance) < CLOSED
            for model in MODELS:
                assert math.isinf(float(truth[f"seTE_{model}"]))
                for key in ("seTE", "statistic", "pval", "lower", "upper"):
                    found.pop(f"{key}_{model}")
        assert not far(found, 5e-12), case["id"]
        compared += 1
    assert compared == 8


def test_penalised_logistic_regression_by_metabin(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    """metabin stops its iterations a step of 1e-8 early, and multiplies the standard error by the factor of variances.

    Its factor lacks the residual in Fletcher's sum. Both are shown here: from our fit its number follows.
    """
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.metabin"):
        if "/OR/LRP" not in case["id"]:
            continue
        truth = case["outputs"]
        studies = tables_of_meta(inputs, make_studies)
        common, random = (es.fit(studies, measure="OR", method="LRP", settings="meta", model=model) for model in MODELS)
        assert common.pooled is not None
        assert random.pooled is not None
        for model in MODELS:
            assert abs(common.pooled.value - truth[f"TE_{model}"]) < 2e-7, case["id"]
        assert apart(common.pooled.se, truth["seTE_common"]) < 1e-7, case["id"]
        assert random.pooled.value == common.pooled.value
        assert random.pooled.se >= common.pooled.se
        assert truth["tau2"] is None
        assert random.heterogeneity.tau2 is None
        assert random.prediction is None
        assert apart(random.heterogeneity.q, truth["Q"]) < CLOSED
        factor = factor_of_metabin(common)
        assert apart(factor * float(truth["seTE_common"]), truth["seTE_random"]) < 1e-7, case["id"]
        compared += 1
    assert compared == 8


def factor_of_metabin(analysis: es.MetaAnalysis) -> float:
    """Divide Pearson's statistic by its degrees of freedom and by 1 + the mean of (1 - 2p)/(np(1 - p)); 1 or more."""
    assert analysis.effects.cells is not None
    assert analysis.pooled is not None
    raw, theta = analysis.effects.cells.raw, analysis.pooled.value
    kept = (raw.n_1 > 0) & (raw.n_2 > 0)
    x_1, n_1, x_2, n_2 = (column[kept] for column in (raw.a, raw.n_1, raw.c, raw.n_2))
    information = 1.0 / analysis.pooled.se**2
    # The intercepts solve the modified score, each for itself once the log odds ratio is known.
    alpha = np.log((x_1 + x_2 + 0.5) / (n_1 + n_2 - x_1 - x_2 + 0.5)) - 0.5 * theta
    for _ in range(500):
        alpha += score_over_information(alpha, theta, (x_1, n_1, x_2, n_2), information)
    p_1, p_2 = risk(alpha + theta), risk(alpha)
    w_1, w_2 = n_1 * p_1 * (1.0 - p_1), n_2 * p_2 * (1.0 - p_2)
    pearson = float(np.sum((x_1 - n_1 * p_1) ** 2 / w_1 + (x_2 - n_2 * p_2) ** 2 / w_2))
    mean = float(np.mean((1.0 - 2.0 * p_1) / w_1 + (1.0 - 2.0 * p_2) / w_2)) / 2.0
    return max(1.0, pearson / (len(alpha) - 1) / (1.0 + mean))


def risk(logit: Numbers) -> Numbers:
    return np.asarray(1.0 / (1.0 + np.exp(-logit)), dtype=np.float64)


def score_over_information(alpha: Numbers, theta: float, counts: tuple[Numbers, ...], information: float) -> Numbers:
    x_1, n_1, x_2, n_2 = counts
    p_1, p_2 = risk(alpha + theta), risk(alpha)
    w_1, w_2 = n_1 * p_1 * (1.0 - p_1), n_2 * p_2 * (1.0 - p_2)
    both = w_1 + w_2
    h_1 = w_1 / both + w_1 * (w_2 / both) ** 2 / information
    h_2 = w_2 / both + w_2 * (w_1 / both) ** 2 / information
    return np.asarray((x_1 - n_1 * p_1 + h_1 * (0.5 - p_1) + x_2 - n_2 * p_2 + h_2 * (0.5 - p_2)) / both)


def test_person_time_pooled_by_metafor(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "rma.mh"):
        if "x1i" not in case["call"]:
            continue
        analysis = es.fit(
            person_time(inputs, make_studies), measure=case["options"]["measure"], method="MH", settings="metafor"
        )
        truth = case["outputs"]
        assert not far(pooled_of_metafor(analysis, truth)), case["id"]
        assert analysis.k == truth["k"]
        tests = es.table_tests(analysis)
        if truth["MH"] is not None:
            assert apart(tests.mantel_haenszel_corrected.statistic, truth["MH"]) < CLOSED, case["id"]
            assert apart(tests.mantel_haenszel_corrected.p_value, truth["MHp"]) < 1e-11, case["id"]
        assert tests.breslow_day.reason is not None
        compared += 1
    assert compared == 4


def person_time(inputs: Mapping[str, Any], make: Make) -> es.Studies:
    columns = {"events_1": "x1i", "time_1": "t1i", "events_2": "x2i", "time_2": "t2i"}
    return make(**{ours: numbers(inputs[theirs]) for ours, theirs in columns.items()})


def test_metainc(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.metainc"):
        given = dict(re.findall(r'\b(sm|method)="(\w+)"', case["call"]))
        words: dict[str, Any] = {
            "settings": "meta",
            "measure": given["sm"],
            "method": {"Inverse": "IV"}.get(given["method"], given["method"]),
            "tau2": "DL",
            "prediction": "V",
        }
        found = lines_apart(person_time(inputs, make_studies), words, case["outputs"])
        assert not far(found, 5e-12), case["id"]
        compared += 1
    assert compared == 6


def test_arcsine_differences_by_metabin(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.metabin"):
        if "/ASD/" not in case["id"]:
            continue
        found = lines_apart(tables_of_meta(inputs, make_studies), words_of_metabin(case["call"]), case["outputs"])
        assert not far(found, 5e-12), case["id"]
        compared += 1
    assert compared == 8


MIXED = 1e-4
"""Precision of lme4's optimiser in the records."""
MIXED_APART: dict[str, dict[str, float]] = {
    # glmer says itself that it did not converge; our likelihood is level there to 50 digits.
    "dat.nielweise2007/OR/GLMM/UM.FS": {"TE_random": 5e-4, "seTE_random": 5e-4, "tau2": 1e-3, "predict": 2e-3},
    # Laplace's approximation, all that glmer has for two random effects: the integrals themselves are ours.
    "dat.nielweise2007/OR/GLMM/UM.RS": {"TE_random": 2e-3, "seTE_random": 1e-3, "tau2": 1e-3, "predict": 2e-3},
    # A singular Hessian, as its warning says: the standard error is not that of the observed information.
    "dat.hahn2001/OR/GLMM/UM.RS": {"TE_random": 2e-4, "seTE_random": 5e-3, "predict": 1e-2},
    # A local maximum of its approximation: without a variance between studies the likelihood is higher.
    "meta.Fleiss1993bin/OR/GLMM/UM.RS": {"TE_random": 0.2, "seTE_random": 0.6, "tau2": 1.0, "predict": 1.5},
}
"""By how much recorded mixed models differ from ours, and why."""


def test_mixed_models_by_metabin(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.metabin"):
        if "/GLMM/" not in case["id"]:
            continue
        truth, studies = case["outputs"], tables_of_meta(inputs, make_studies)
        words: dict[str, Any] = {"settings": "meta", "measure": "OR", "method": case["options"]["model.glmm"]}
        common, random = (es.fit(studies, model=model, **words) for model in MODELS)
        allowed = MIXED_APART.get(case["id"].removeprefix("meta/metabin/"), {})
        assert common.pooled is not None
        assert random.pooled is not None
        assert random.prediction is not None
        found = effects_apart(random, truth)
        for analysis, model in ((common, "common"), (random, "random")):
            pooled = analysis.pooled
            assert pooled is not None
            found[f"TE_{model}"] = apart(pooled.value, truth[f"TE_{model}"])
            found[f"seTE_{model}"] = apart(pooled.se, truth[f"seTE_{model}"])
        found["tau2"] = apart(random.heterogeneity.tau2, truth["tau2"])
        found["predict"] = max(
            apart(random.prediction.low, truth["lower_predict"]), apart(random.prediction.high, truth["upper_predict"])
        )
        found["k"] = apart(random.k, truth["k"])
        assert not {name: by for name, by in found.items() if not by <= allowed.get(name, MIXED)}, case["id"]
        compared += 1
    assert compared == 9
    assert all(any(key in case["id"] for case, _ in cases_of(r_cases, "meta.metabin")) for key in MIXED_APART)


def test_no_variance_between_the_trials_of_aspirin_is_the_higher_maximum(
    r_cases: Mapping[str, Any], make_studies: Make
) -> None:
    """At metabin's τ² the likelihood is lower than at 0: by the integral, and by Laplace's approximation too."""
    case, inputs = next(
        (case, inputs)
        for case, inputs in cases_of(r_cases, "meta.metabin")
        if case["id"] == "meta/metabin/meta.Fleiss1993bin/OR/GLMM/UM.RS"
    )
    raw = es.effects(tables_of_meta(inputs, make_studies), "OR").cells
    assert raw is not None
    counts = np.array([[raw.raw.a, raw.raw.c], [raw.raw.n_1, raw.raw.n_2]])
    theta, tau = float(case["outputs"]["TE_random"]), math.sqrt(float(case["outputs"]["tau2"]))

    def highest(theta: float, tau: float, nodes: int) -> float:
        """Search the intercepts' mean and standard deviation."""
        return max(
            random_intercepts_likelihood(counts, (mean, theta, spread, tau), nodes)
            for mean in np.linspace(-2.12, -2.0, 13).tolist()
            for spread in np.linspace(0.25, 0.42, 18).tolist()
        )

    for nodes in (1, 24):
        assert highest(theta, tau, nodes) < highest(-0.1088692, 0.0, nodes)


def random_intercepts_likelihood(counts: Numbers, at: tuple[float, float, float, float], nodes: int) -> float:
    """Integrate by adaptive quadrature; one node is Laplace's approximation."""
    mean, theta, spread, tau = at
    (x, n), halves = counts, np.array([0.5, -0.5])
    slopes = np.stack([np.full(2, spread), tau * halves], axis=1)
    fixed = mean + theta * halves
    z: Numbers = np.zeros((x.shape[1], 2))
    for _ in range(100):
        gradient, curvature = slope_at(counts, fixed, slopes, z)
        step = np.asarray(np.linalg.solve(curvature, gradient[:, :, np.newaxis]))[:, :, 0]
        z = z + step
        # Newton's steps are squares of each other: this is the last that moves a likelihood, whose slope here is 0.
        if np.abs(step).max() < 1e-12:
            break
    _, curvature = slope_at(counts, fixed, slopes, z)
    root = np.asarray(np.linalg.inv(np.linalg.cholesky(curvature)), dtype=np.float64).transpose(0, 2, 1)
    t, w = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.stack([axis.ravel() for axis in np.meshgrid(t, t, indexing="ij")], axis=1)
    weights = np.outer(w, w).ravel()
    points = np.asarray(z[:, np.newaxis, :] + np.einsum("krs,qs->kqr", root, grid), dtype=np.float64)
    eta = np.asarray(fixed + points @ slopes.T, dtype=np.float64)
    terms = -x.T[:, np.newaxis] * np.logaddexp(0.0, -eta) - (n - x).T[:, np.newaxis] * np.logaddexp(0.0, eta)
    logs = np.sum(terms, axis=2) - 0.5 * np.sum(points**2, axis=2) + 0.5 * np.sum(grid**2, axis=1)
    top = np.max(logs, axis=1)
    sums = np.log(np.sum(weights * np.exp(logs - top[:, np.newaxis]), axis=1))
    return float(np.sum(top + sums + np.log(np.abs(np.linalg.det(root))) - np.log(2.0 * np.pi)))


def slope_at(counts: Numbers, fixed: Numbers, slopes: Numbers, z: Numbers) -> tuple[Numbers, Numbers]:
    """Give gradient and curvature of the integrand's logarithm."""
    x, n = counts
    p = risk(fixed + z @ slopes.T).T
    curvature = np.einsum("jk,jr,js->krs", n * p * (1.0 - p), slopes, slopes) + np.eye(2)
    return np.asarray((x - n * p).T @ slopes - z, dtype=np.float64), np.asarray(curvature, dtype=np.float64)


def test_mixed_model_of_proportions_by_metaprop(r_cases: Mapping[str, Any], make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.metaprop"):
        if 'method="GLMM"' not in case["call"]:
            continue
        events, n = (numbers(column) for column in list(inputs.values()) if not isinstance(column[0], str))
        truth = case["outputs"]
        for model in MODELS:
            pooled = es.fit(
                make_studies(events=events, n=n), measure="PLO", method="GLMM", model=model, settings="meta"
            ).pooled
            assert pooled is not None
            for name, key in (("value", "TE"), ("se", "seTE"), ("ci_low", "lower"), ("ci_high", "upper")):
                assert apart(getattr(pooled, name), truth[f"{key}_{model}"]) < MIXED, (model, key)
        compared += 1
    assert compared == 1
