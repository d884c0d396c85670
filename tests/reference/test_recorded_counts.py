"""R's recorded effect sizes of counts (metafor 5.1), and its recorded analyses of proportions and rates (meta 8.4)."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Case = Mapping[str, Any]
    Numbers = np.ndarray[Any, np.dtype[np.float64]]
    Columns = Mapping[str, Numbers]
    Make = Callable[..., es.Studies]

CLOSED = 1e-12

TWO_BY_TWO = ("OR", "RR", "RD", "PETO", "AS", "PHI", "ZPHI", "YUQ", "YUY", "RTET", "ZTET", "PBIT")
FROM_ODDS = ("OR2D", "OR2DN", "OR2DL")
PAIRS = ("MPRD", "MPRR", "MPOR", "MPORC", "MPPETO")
PERSON_TIME = ("IRR", "IRD", "IRSD")
PROPORTIONS = ("PR", "PLN", "PLO", "PRZ", "PAS", "PFT")
RATES = ("IR", "IRLN", "IRS", "IRFT")
COUNTS = {*TWO_BY_TWO, *FROM_ODDS, *PAIRS, "MPORM", *PERSON_TIME, *PROPORTIONS, *RATES, "REH"}

STOPS_EARLY = {"RTET": (3e-5, 4e-5), "ZTET": (3e-5, 4e-5)}
"""metafor maximises the likelihood of the tetrachoric correlation within optimize()'s tolerance: how far its effects
(absolutely) and variances (relatively) are from the solution, which 50 digits confirm in
tests/estimators/test_exact_counts.py."""


def numbers(values: list[Any]) -> Numbers:
    return np.array([math.nan if value is None else float(value) for value in values])


def cases_of(r_cases: Case, function: str) -> Iterator[tuple[Case, Columns]]:
    for case in r_cases["cases"]:
        if case["fn"] == function:
            inputs = case["inputs"]
            inputs = r_cases["inputs"][inputs["ref"]] if "ref" in inputs else inputs
            yield case, {name: numbers(values) for name, values in inputs.items() if not isinstance(values[0], str)}


def columns_of(measure: str, given: Columns) -> dict[str, Any]:
    """Name R's vectors as the engine does: the same letters mean other things for other measures."""
    if measure in PAIRS:
        names = {"ai": "pairs_both", "bi": "pairs_only_1", "ci": "pairs_only_2", "di": "pairs_neither"}
        return {names[name]: values for name, values in given.items()}
    if measure == "REH":
        names = {"ai": "genotype_11", "bi": "genotype_12", "ci": "genotype_22"}
        return {names[name]: values for name, values in given.items()}
    if "ai" in given:
        made = {"events_1": given["ai"], "events_2": given["ci"]}
        made["n_1"] = given["n1i"] if "n1i" in given else given["ai"] + given["bi"]
        made["n_2"] = given["n2i"] if "n2i" in given else given["ci"] + given["di"]
        return made | ({"r": given["ri"]} if "ri" in given else {})
    names = {"x1i": "events_1", "t1i": "time_1", "x2i": "events_2", "t2i": "time_2"}
    names |= {"xi": "events", "ni": "n", "ti": "time"}
    return {names[name]: values for name, values in given.items()}


def words_of(options: Case) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "vtype" in options:
        made["vtype"] = options["vtype"]
    if "add" in options:
        made |= {"increment": float(options["add"]), "increment_to": options["to"]}
        made["double_zeros"] = "dropped" if options["drop00"] else "by correction"
    return made


def apart(found: Numbers, truth: Numbers) -> float:
    """Relative distance; both must lack a number in the same rows."""
    if not np.array_equal(np.isnan(found), np.isnan(truth)):
        return math.inf
    seen = ~np.isnan(truth)
    gap = np.abs(found[seen] - truth[seen])
    return float(np.max(np.where(gap == 0, 0.0, gap / np.maximum(np.abs(truth[seen]), 1e-300)), initial=0.0))


def test_escalc(r_cases: Case, make_studies: Make) -> None:
    compared: Counter[str] = Counter()
    far: dict[str, tuple[float, float]] = {}
    without_variance: set[str] = set()
    for case, given in cases_of(r_cases, "escalc"):
        measure = case["options"]["measure"]
        if measure not in COUNTS:
            continue
        assert "error" not in case["outputs"]
        studies = make_studies(**columns_of(measure, given))
        effects = es.effects(studies, measure, settings="metafor", **words_of(case["options"]))
        truth_y, truth_v = numbers(case["outputs"]["yi"]), numbers(case["outputs"]["vi"])
        # metafor keeps effects without a variance; nothing can weigh them, and here they have a reason instead.
        for i in np.nonzero(truth_v == 0)[0].tolist():
            assert effects.reasons[i] == "nobody or everybody of each arm had the event: the variance is 0"
            truth_y[i] = truth_v[i] = math.nan
            without_variance.add(case["id"])
        by = apart(effects.y, truth_y), apart(effects.v, truth_v)
        if measure in STOPS_EARLY:
            short = STOPS_EARLY[measure]
            by = float(np.max(np.abs(effects.y - truth_y))), by[1]
            assert CLOSED < by[0] <= short[0], by
            assert CLOSED < by[1] <= short[1], by
        elif max(by) > CLOSED:
            far[case["id"]] = by
        compared[measure] += 1
    assert not far, far
    assert compared == RECORDED
    assert len(without_variance) == WITHOUT_VARIANCE


WITHOUT_VARIANCE = 4
"""Cases of risk differences without an increment: nobody had the event in either arm of a study."""
RECORDED = Counter(
    {
        "OR": 44,
        "RR": 37,
        "RD": 20,
        "PETO": 4,
        "AS": 3,
        "PBIT": 2,
        **dict.fromkeys(("PHI", "ZPHI", "YUQ", "YUY", "RTET", "ZTET", "OR2D", "OR2DN", "OR2DL"), 1),
        **dict.fromkeys((*PAIRS, "MPORM"), 1),
        **dict.fromkeys(PERSON_TIME, 2),
        **dict.fromkeys(("PLO", "PAS", "PFT", *RATES), 1),
    }
)


# -- meta -------------------------------------------------------------------------------------------------------------

META = {"PLOGIT": "PLO", "PRAW": "PR"}
ROUNDED = 5e-5
"""`estimates()` of meta gives four decimals."""


def far_from(found: Mapping[str, tuple[Any, Any]]) -> dict[str, float]:
    """Name what is further from R than a closed form may be."""
    made: dict[str, float] = {}
    for name, (value, truth) in found.items():
        one = np.array([math.nan if x is None else float(x) for x in np.ravel(value)])
        other = np.array([math.nan if x is None else float(x) for x in np.ravel(truth)])
        infinite = np.isinf(one) | np.isinf(other)
        assert np.array_equal(one[infinite], other[infinite]), name
        made[name] = apart(one[~infinite], other[~infinite])
    return {name: by for name, by in made.items() if by > CLOSED}


def analysis_of(case: Case, studies: es.Studies) -> es.MetaAnalysis:
    options = case["options"]
    words: dict[str, Any] = {"study_interval": options["method.ci"]} if "method.ci" in options else {}
    return es.fit(studies, options.get("sm", "PLOGIT"), settings="meta", tau2="DL", **words)


def limits_of(truth: Case, name: str) -> list[Any]:
    return [truth[f"{end}_{name}"] for end in ("lower", "upper")]


def against(analysis: es.MetaAnalysis, truth: Case) -> dict[str, tuple[Any, Any]]:
    """Pair what both programs say of studies, pooled effects and heterogeneity."""
    common, random, spread = analysis.models["common"], analysis.models["random"], analysis.heterogeneity
    assert common.pooled is not None
    assert random.pooled is not None
    found: dict[str, tuple[Any, Any]] = {
        "TE": ([study.effect for study in analysis.studies], truth["TE"]),
        "seTE": ([study.se for study in analysis.studies], truth["seTE"]),
        "Q": (spread.q, truth["Q"]),
        "df": (spread.df, truth["df_Q"]),
        "p": (spread.p_value, truth["pval_Q"]),
        "tau2": (spread.tau2, truth["tau2"]),
        "tau": (spread.tau, truth["tau"]),
        "I2": (None if spread.i2 is None else spread.i2 / 100, truth["I2"]),
        "H": (None if spread.h2 is None else spread.h2**0.5, truth["H"]),
        "k": (analysis.k, truth["k"]),
        "se_tau2": (spread.tau2_se, truth["se_tau2"]),
        "I2 limits": ([x / 100 for x in (spread.i2_ci_low or 0.0, spread.i2_ci_high or 0.0)], limits_of(truth, "I2")),
    }
    prediction = random.prediction
    assert prediction is not None
    found["prediction"] = ([prediction.low, prediction.high], limits_of(truth, "predict"))
    for name, model in (("common", common), ("random", random)):
        assert model.pooled is not None
        found[f"TE_{name}"] = (model.pooled.value, truth[f"TE_{name}"])
        found[f"seTE_{name}"] = (model.pooled.se, truth[f"seTE_{name}"])
        found[f"lower_{name}"] = (model.pooled.ci_low, truth[f"lower_{name}"])
        found[f"upper_{name}"] = (model.pooled.ci_high, truth[f"upper_{name}"])
        assert model.fit is not None
        found[f"w_{name}"] = (model.fit.w, truth[f"w_{name}"])
    return found


def test_metaprop(r_cases: Case, make_studies: Make) -> None:
    """All but the generalised linear mixed model, which another family of tests compares."""
    far: dict[str, Any] = {}
    compared = shown = 0
    for case, given in cases_of(r_cases, "metaprop"):
        if case["options"].get("method") == "GLMM":
            continue
        truth = case["outputs"]
        analysis = analysis_of(case, make_studies(events=given["event"], n=given["n"]))
        assert analysis.effects.measure == META.get(analysis.settings.measure or "", analysis.effects.measure)
        low, high = ([getattr(study, end) for study in analysis.studies] for end in ("ci_low", "ci_high"))
        found: dict[str, tuple[Any, Any]] = {"lower": (low, truth["lower"]), "upper": (high, truth["upper"])}
        if "TE" in truth:
            found |= against(analysis, truth)
        if wrong := far_from(found):
            far[case["id"]] = wrong
        if "estimates_backtransf" in truth:
            assert not not_shown(analysis, truth["estimates_backtransf"]), case["id"]
            shown += 1
        compared += 1
    assert not far, far
    assert (compared, shown) == (12, 5)


def not_shown(analysis: es.MetaAnalysis, truth: Case) -> list[tuple[int, str, float, float]]:
    """Find what readers are shown otherwise: studies first, then the common, the random model and the prediction."""
    rows = [study.display for study in analysis.studies]
    rows += [analysis.models[name].display for name in ("common", "random")]
    prediction = analysis.models["random"].prediction_display
    assert prediction is not None
    triples = [(one.value, one.ci_low, one.ci_high) for one in rows if one is not None]
    triples.append((math.nan, prediction.low, prediction.high))
    wrong: list[tuple[int, str, float, float]] = []
    for i, triple in enumerate(triples):
        for name, value in zip(("estimate", "lower", "upper"), triple, strict=True):
            recorded = truth[name][i]
            if recorded is not None and not abs(value - float(recorded)) <= ROUNDED + 1e-12:
                wrong.append((i, name, value, float(recorded)))
    assert len(triples) == len(truth["estimate"])
    return wrong


def test_metarate(r_cases: Case, make_studies: Make) -> None:
    far: dict[str, Any] = {}
    compared = 0
    for case, given in cases_of(r_cases, "metarate"):
        truth = case["outputs"]
        analysis = analysis_of(case, make_studies(events=given["x1i"], time=given["t1i"]))
        low, high = ([getattr(study, end) for study in analysis.studies] for end in ("ci_low", "ci_high"))
        found = {"lower": (low, truth["lower"]), "upper": (high, truth["upper"]), **against(analysis, truth)}
        if wrong := far_from(found):
            far[case["id"]] = wrong
        compared += 1
    assert not far, far
    assert compared == 4
