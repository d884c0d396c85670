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
