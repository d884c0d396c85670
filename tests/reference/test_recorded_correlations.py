"""The recorded effects of metafor on correlations, regressions, reliabilities and changes; transformations; meta."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_validation.mpmath import correlations
from evisynth_validation.mpmath.exact import artanh, derivative, exact, nearest, sqrt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Cases = Mapping[str, Any]
    Make = Callable[..., es.Studies]

CLOSED = 1e-12
INTEGRATED = 1e-9
CODES = (
    *("COR", "UCOR", "ZCOR", "PCOR", "ZPCOR", "SPCOR", "ZSPCOR", "R2", "ZR2", "R2F", "ZR2F", "ARAW", "AHW", "ABT"),
    *("MC", "SMCC", "SMCR", "SMCRH", "SMCRP", "SMCRPH", "ROMC", "CVRC", "VRC", "CLESCN", "AUCCN"),
)
ARGUMENTS = {
    "ri": "r",
    "ni": "n",
    "ti": "t_value",
    "mi": "predictors",
    "r2i": "r_squared",
    "ai": "alpha",
    "m1i": "mean_1",
    "sd1i": "sd_1",
    "m2i": "mean_2",
    "sd2i": "sd_2",
}
IGNORED_VTYPE = ("ZCOR",)
"""Measures with one variance, for which escalc takes any ``vtype`` and computes the same."""
DIVERGENCES = {
    r"mcdaniel1994/UCOR/vtype=UB": "v: G² less the unbiased estimate of ρ² cancels in metafor; ours has all digits",
    r"aloe2013/R2F": "v: predictors fixed by design; the source of metafor's variance is not documented",
    r"aloe2013/ZR2F": "v: metafor divides by (1 - R⁴)², the derivative of artanh R², where the effect is artanh R",
}


def numbers(values: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([math.nan if value is None else float(value) for value in values])


def cases_of(r_cases: Cases, *groups: str) -> Iterator[tuple[dict[str, Any], Mapping[str, Any]]]:
    for case in r_cases["cases"]:
        if case["group"] in groups:
            inputs = case["inputs"]
            yield case, r_cases["inputs"][inputs["ref"]] if "ref" in inputs else inputs


def apart(found: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> float:
    """Give the largest relative distance; 0 must be met exactly."""
    assert np.array_equal(np.isnan(found), np.isnan(truth))
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(found == truth, 0.0, np.abs(found - truth) / np.abs(truth))
    return float(np.nanmax(far, initial=0.0))


def escalc_cases(r_cases: Cases) -> Iterator[tuple[dict[str, Any], Mapping[str, Any], str]]:
    for case, inputs in cases_of(r_cases, "escalc"):
        measure = case["options"].get("measure")
        if measure in CODES:
            yield case, inputs, measure


def studies_of(measure: str, inputs: Mapping[str, Any], make_studies: Make) -> es.Studies:
    columns = {name: numbers(inputs[key]) for key, name in ARGUMENTS.items() if key in inputs}
    if measure in {"ARAW", "AHW", "ABT"}:
        columns["items"] = columns.pop("predictors")
    return make_studies(**columns)


def test_effects_of_escalc(r_cases: Cases, make_studies: Make) -> None:
    compared: list[str] = []
    diverging: set[str] = set()
    for case, inputs, measure in escalc_cases(r_cases):
        vtype = case["options"].get("vtype")
        words = {} if vtype is None or measure in IGNORED_VTYPE else {"vtype": vtype}
        effects = es.effects(studies_of(measure, inputs, make_studies), measure, settings="metafor", **words)
        truth = case["outputs"]
        assert not effects.reasons
        assert apart(effects.y, numbers(truth["yi"])) < CLOSED, case["id"]
        cause = next((pattern for pattern in DIVERGENCES if re.search(f"{pattern}$", case["id"])), None)
        if cause is None:
            assert apart(effects.v, numbers(truth["vi"])) < CLOSED, case["id"]
        else:
            assert apart(effects.v, numbers(truth["vi"])) > CLOSED, case["id"]
            diverging.add(cause)
        compared.append(measure)
    assert len(compared) == 40 + 2
    assert set(compared) == set(CODES)
    assert diverging == set(DIVERGENCES)


def test_the_unbiased_variance_of_a_correlation_is_exact_where_metafor_cancels(
    r_cases: Cases, make_studies: Make
) -> None:
    for case, inputs, measure in escalc_cases(r_cases):
        if not case["id"].endswith("UCOR/vtype=UB"):
            continue
        effects = es.effects(studies_of(measure, inputs, make_studies), measure, settings="metafor", vtype="UB")
        recorded = numbers(case["outputs"]["vi"])
        worst = 0.0
        for i in range(0, len(effects), 5):
            row = [exact(inputs["ri"][i]), exact(inputs["ni"][i])]
            truth = nearest(correlations.unbiased_correlation(row, "UB")[1])
            assert abs(effects.v[i] - truth) < 1e-13 * truth
            worst = max(worst, abs(recorded[i] - truth) / truth)
        assert CLOSED < worst < 1e-9


def test_the_variance_of_z_of_a_share_is_that_of_its_own_transformation(r_cases: Cases, make_studies: Make) -> None:
    found = {case["id"].rpartition("/")[2]: (case, inputs) for case, inputs, _ in escalc_cases(r_cases)}
    case, inputs = found["ZR2F"]
    raw = numbers(found["R2F"][0]["outputs"]["vi"])
    share = numbers(inputs["r2i"])
    # What metafor does: the raw variance over (1 - R⁴)²; what artanh √R² asks for: over 4R²(1 - R²)².
    assert apart(numbers(case["outputs"]["vi"]), raw / (1 - share * share) ** 2) < CLOSED
    for value in share.tolist():
        slope = derivative(lambda x: artanh(sqrt(x)), exact(value))
        assert abs(nearest(slope * slope) * 4 * value * (1 - value) ** 2 - 1) < 1e-14
    studies = studies_of("ZR2F", inputs, make_studies)
    ours = [es.effects(studies, measure, settings="metafor").v for measure in ("R2F", "ZR2F")]
    assert apart(ours[1], ours[0] / (4 * share * (1 - share) ** 2)) < 1e-14


# -- transf.* ------------------------------------------------------------------------------------------

TRANSFORMATIONS: dict[str, tuple[str, str, str]] = {
    # metafor's name: the conversion, its source and its target
    "rtoz": ("r-to-z", "r", "z"),
    "ztor": ("z-to-r", "z", "r"),
    "r2toz": ("r-squared-to-z", "r_squared", "z"),
    "logit": ("proportion-to-logit", "proportion", "logit"),
    "ilogit": ("logit-to-proportion", "logit", "proportion"),
    "probit": ("proportion-to-probit", "proportion", "probit"),
    "iprobit": ("probit-to-proportion", "probit", "proportion"),
    "arcsin": ("proportion-to-arcsine", "proportion", "arcsine"),
    "iarcsin": ("arcsine-to-proportion", "arcsine", "proportion"),
    "pft": ("proportion-to-freeman-tukey", "proportion", "freeman_tukey"),
    "ipft": ("freeman-tukey-to-proportion", "freeman_tukey", "proportion"),
    "ipft.hm": ("freeman-tukey-to-proportion", "freeman_tukey", "proportion"),
    "isqrt": ("square-root-to-rate", "square_root", "rate"),
    "abt": ("alpha-to-bonett", "alpha", "bonett"),
    "iabt": ("bonett-to-alpha", "bonett", "alpha"),
    "ahw": ("alpha-to-hakstian-whalen", "alpha", "hakstian_whalen"),
    "iahw": ("hakstian-whalen-to-alpha", "hakstian_whalen", "alpha"),
    "dtou1": ("smd-to-u1", "smd", "u1"),
    "dtou2": ("smd-to-u2", "smd", "u2"),
    "dtou3": ("smd-to-u3", "smd", "u3"),
    "dtocles": ("smd-to-cles", "smd", "cles"),
    "clestod": ("cles-to-smd", "cles", "smd"),
    "dtocliffd": ("smd-to-cliff-delta", "smd", "cliff_delta"),
    "dtoovl": ("smd-to-overlap", "smd", "overlap"),
    "dtobesd": ("smd-to-besd", "smd", "besd"),
    "rtod": ("r-to-smd-of-cut", "r", "smd"),
    "lnortod.norm": ("log-or-to-smd-normal", "log_or", "smd"),
    "lnortod.logis": ("log-or-to-smd-logistic", "log_or", "smd"),
    "dtolnor.norm": ("smd-to-log-or-normal", "smd", "log_or"),
    "dtolnor.logis": ("smd-to-log-or-logistic", "smd", "log_or"),
    "lnortortet.pearson": ("log-or-to-tetrachoric-pearson", "log_or", "r"),
    "lnortortet.digby": ("log-or-to-tetrachoric-digby", "log_or", "r"),
    "exp.int": ("log-ratio-to-mean-ratio", "log_ratio", "mean_ratio"),
    "ilogit.int": ("logit-to-mean-proportion", "logit", "mean_proportion"),
    "ztor.int": ("z-to-mean-r", "z", "mean_r"),
}
QUADRATURE = ("ilogit.int", "ztor.int")
"""R integrates these between limits and to a tolerance; ours are compared with 50 digits."""
AT_ZERO = {"lnortortet.pearson": "an odds ratio of 1 is a correlation of 0, where cos(π/2) leaves 6e-17 in R"}


def test_transformations(r_cases: Cases) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "transf"):
        name = case["fn"].removeprefix("transf.")
        conversion, source, target = TRANSFORMATIONS[name]
        columns: dict[str, Any] = {source: numbers(inputs["x"] if "x" in inputs else inputs["xi"])}
        if "ni" in inputs:
            sizes = numbers(inputs["ni"])
            columns["n"] = sizes.size / (1 / sizes).sum() if name == "ipft.hm" else sizes
        if "tau2" in inputs:
            columns["tau2"] = inputs["tau2"]
        found, truth = es.convert(conversion, **columns)[target], numbers(case["outputs"]["y"])
        if name in AT_ZERO:
            at = columns[source] == 0
            assert (found[at] == 0).all()
            assert (truth[at] != 0).all()
            found, truth = found[~at], truth[~at]
        assert apart(found, truth) < (INTEGRATED if name in QUADRATURE else CLOSED), (case["id"], found, truth)
        compared += 1
    assert compared == len(TRANSFORMATIONS) == 35


# -- meta ------------------------------------------------------------------------------------------


def test_or2smd(r_cases: Cases) -> None:
    conversions = {"HH": "log-or-to-smd-logistic", "CS": "log-or-to-smd-normal"}
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.or2smd"):
        name = conversions[case["id"].rpartition("/")[2]]
        found = es.convert(name, log_or=inputs["lnOR"], log_or_se=inputs["selnOR"])
        assert apart(found["smd"], numbers(case["outputs"]["TE"])) < CLOSED
        assert apart(found["smd_se"], numbers(case["outputs"]["seTE"])) < CLOSED
        compared += 1
    assert compared == 2


def test_nnt(r_cases: Cases) -> None:
    names = {"RR": ("nnt-from-rr", "risk_ratio"), "OR": ("nnt-from-or", "odds_ratio")}
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.nnt"):
        name, source = names[case["id"].rpartition("/")[2]]
        found = es.convert(name, **{source: inputs["x"], "baseline_risk": inputs["p_c"]})["nnt"]
        # R subtracts risks that are close; both have the condition number of 1 - ratio.
        assert apart(found, numbers(case["outputs"]["NNT"])) < CLOSED
        compared += 1
    assert compared == 2


@pytest.mark.parametrize("model", ["common", "random"])
def test_metacor(model: str, r_cases: Cases, make_studies: Make) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "meta.metacor"):
        truth = case["outputs"]
        studies = make_studies(r=numbers(inputs["cor"]), n=numbers(inputs["n"]))
        analysis = es.fit(studies, measure=case["options"]["sm"], settings="meta", tau2="DL", model=model)
        assert apart(analysis.effects.y, numbers(truth["TE"])) < CLOSED
        assert apart(np.sqrt(analysis.effects.v), numbers(truth["seTE"])) < CLOSED
        pooled, spread = analysis.pooled, analysis.heterogeneity
        assert pooled is not None
        pairs = {
            f"TE_{model}": pooled.value,
            f"seTE_{model}": pooled.se,
            f"lower_{model}": pooled.ci_low,
            f"upper_{model}": pooled.ci_high,
            f"pval_{model}": pooled.p_value,
            "Q": spread.q,
            "pval_Q": spread.p_value,
            "tau2": spread.tau2,
        }
        if model == "common":
            del pairs["tau2"]
        for name, value in pairs.items():
            assert value is not None
            assert abs(value - float(truth[name])) < 1e-11 * abs(float(truth[name])), (case["id"], name)
        compared += 1
    assert compared == 2


def test_pooled_correlations_are_shown_as_correlations(r_cases: Cases, make_studies: Make) -> None:
    _, inputs = next(cases_of(r_cases, "meta.metacor"))
    studies = make_studies(r=numbers(inputs["cor"]), n=numbers(inputs["n"]))
    analysis = es.fit(studies, measure="ZCOR", settings="metafor")
    pooled, shown = analysis.pooled, analysis.display
    assert pooled is not None
    assert shown is not None
    for value, on_scale in (
        (shown.value, pooled.value),
        (shown.ci_low, pooled.ci_low),
        (shown.ci_high, pooled.ci_high),
    ):
        assert abs(value - math.tanh(on_scale)) < 1e-15
