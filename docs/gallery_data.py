"""Make the data that the gallery is drawn from: founding analyses, and simulated ones of 60, 200 and one study."""  # noqa: INP001 - beside a script

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import numpy as np

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Mapping

SURNAMES = (
    "Alvarez",
    "Baker",
    "Chen",
    "Dubois",
    "Eriksson",
    "Fischer",
    "García",
    "Haddad",
    "Ito",
    "Jansen",
    "Kowalska",
)
DESIGNS = ("Randomised", "Quasi-randomised", "Observational")


def simulated(k: int) -> dict[str, Any]:
    """Draw two-armed trials whose effects vary, of few and of many patients."""
    rng = np.random.default_rng(k)
    n = np.exp(rng.normal(4.4, 0.8, k)).astype(int) + 8
    risk = rng.uniform(0.1, 0.4, k)
    ratio = np.exp(rng.normal(-0.25, 0.25, k))
    years = np.sort(rng.integers(1995, 2026, k))
    return {
        "study": _names(years.tolist()),
        "year": years.tolist(),
        "events_1": rng.binomial(n, np.minimum(risk * ratio, 0.95)).tolist(),
        "n_1": n.tolist(),
        "events_2": rng.binomial(n, risk).tolist(),
        "n_2": n.tolist(),
        "subgroup": [DESIGNS[i % 3] for i in range(k)],
        "dose": rng.uniform(1.0, 10.0, k).round(1).tolist(),
    }


def _names(years: list[int]) -> list[str]:
    """Name studies by author and year, with a letter where two have the same."""
    plain = [f"{SURNAMES[i % len(SURNAMES)]} {year}" for i, year in enumerate(years)]
    letters = (chr(ord("a") + plain[:i].count(name)) if plain.count(name) > 1 else "" for i, name in enumerate(plain))
    return [f"{name}{letter}" for name, letter in zip(plain, letters, strict=True)]


def founding(file: str) -> es.Studies:
    """Load the data of a founding analysis."""
    with as_file(files("evisynth_validation").joinpath("founding", file)) as path:
        studies: es.Studies = es.load(path)
    return studies


@cache
def analyses() -> Mapping[str, es.MetaAnalysis]:
    """Give analyses by name: the first is the one whose variants are drawn."""
    return {
        "mortality, Kirkham 2022": es.fit(
            founding("mortality_kirkham_2022.csv"), "RR", settings="revman5", model="random"
        ),
        "60 studies": es.fit(simulated(60), "RR", settings="metafor"),
        "200 studies": es.fit(simulated(200), "OR", settings="metafor"),
        "one study": es.fit(simulated(1), "RR", settings="revman5"),
    }


@cache
def regressions() -> Mapping[str, es.MetaAnalysis]:
    """Give meta-regressions by name."""
    deaths = founding("mortality_kirkham_2022.csv")
    size = {"participants": (deaths.columns["n_1"] + deaths.columns["n_2"]).tolist()}
    made = {"mortality, Kirkham 2022": es.fit(deaths, "RR", settings="metafor", method="IV", moderators=size)}
    made |= {f"{k} studies": es.fit(simulated(k), "RR", settings="metafor", moderators="~ dose") for k in (60, 200)}
    return {**made, "one study": es.fit(simulated(1), "RR", settings="metafor", moderators="~ dose")}


@cache
def reviews() -> Mapping[str, es.Review]:
    """Give reviews with risk of bias and study flow by name."""
    return {f"{k} studies" if k > 1 else "one study": review(k) for k in (12, 60, 200, 1)}


def review(k: int) -> es.Review:
    """Make a review whose studies are judged by RoB 2, with the flow that led to them."""
    rng = np.random.default_rng(k)
    names = simulated(k)["study"]
    words = ("low", "some concerns", "high")
    domains = (
        "Bias arising from the randomization process",
        "Bias due to deviations from intended interventions",
        "Bias due to missing outcome data",
        "Bias in measurement of the outcome",
        "Bias in selection of the reported result",
    )
    drawn = rng.choice(3, size=(k, len(domains)), p=[0.6, 0.3, 0.1])
    overall = drawn.max(axis=1)
    tool = es.RiskOfBias(
        tool="RoB 2",
        domains=tuple(
            es.BiasDomain(
                id=f"D{j + 1}" if j < len(domains) else "Overall",
                name=name,
                judgements=tuple(
                    es.Judgement(study=f"s{i}", judgement=words[column[i]], support="As the trial reports it.")
                    for i in range(k)
                ),
            )
            for j, (name, column) in enumerate(zip((*domains, "Overall"), (*drawn.T, overall), strict=True))
        ),
    )
    found, sought, excluded = 40 * k + 312, 3 * k + 1, (("Wrong population", k), ("No control group", k - 1))
    screened = found + 3 * k - 10 * k - 2
    flow = es.StudyFlow(
        counts={
            "database_results": found, "register_results": 3 * k, "duplicates": 10 * k, "excluded_automatic": 0,
            "excluded_other": 2, "records_screened": screened, "records_excluded": screened - sought,
            "dbr_sought_reports": sought, "dbr_notretrieved_reports": 1, "dbr_assessed": sought - 1,
            "new_studies": k, "new_reports": k + 1,
        },
        reasons={"dbr_excluded": excluded},
    )  # fmt: skip
    return es.Review(
        title="A review",
        studies=tuple(es.ReviewStudy(id=f"s{i}", name=name) for i, name in enumerate(names)),
        risk_of_bias=(tool,),
        flow=flow,
    )
