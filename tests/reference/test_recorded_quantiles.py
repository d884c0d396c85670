"""Every recorded call of conv.fivenum (metafor 5.1), and metamean (meta 8.4) on medians, replayed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaln, log_ndtr, ndtri

import evisynth as es
from evisynth_converters.five_numbers import R_NAMES, SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CLOSED = 1e-12

INTEGRATED = 2e-10
"""metafor integrates the expected range of Walter and Yao numerically; ours is right (test_exact_quantiles)."""
DIVERGENT = {("conv.fivenum/min-med-max/walter2007+walter2007", "sd"): INTEGRATED}

MEANS = {
    # method of R: scenario → the conversion whose mean it is
    "luo": {"range": "luo-range", "iqr": "luo-iqr", "full": "luo-full"},
    "wan2014": {"range": "wan-range", "iqr": "wan-iqr", "full": "wan-full"},
    "hozo2005": {"range": "hozo-range"},
    "bland2015": {"full": "bland-full"},
    "walter2007": {"range": "walter-range"},
}
SDS = {
    "wan": {"range": "wan-range", "iqr": "wan-iqr", "full": "luo-wan-full"},
    "shi": {"full": "wan-shi-full"},
    "wan2014": MEANS["wan2014"],
    "hozo2005": MEANS["hozo2005"],
    "bland2015": MEANS["bland2015"],
    "walter2007": MEANS["walter2007"],
    "default": {"range": "luo-range", "iqr": "luo-iqr", "full": "luo-full"},
}


def rows_of(inputs: Mapping[str, list[float | None]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Go through the rows: the scenario of the numbers that are there, and them by our names."""
    named = {ours: inputs[theirs] for ours, theirs in R_NAMES.items()}
    for i, size in enumerate(inputs["n"]):
        given = {name: column[i] for name, column in named.items() if column[i] is not None}
        scenario = next(name for name, columns in SCENARIOS.items() if set(columns) == given.keys())
        yield scenario, {**given, "n": size}


def convert_one(table: Mapping[str, str], scenario: str, given: dict[str, Any], target: str) -> float | None:
    """Convert by the method of a scenario; None where it has none."""
    name = table.get(scenario)
    return None if name is None else float(es.convert(name, **given)[target][0])


def test_conv_fivenum(r_cases: Mapping[str, Any]) -> None:
    numbers, absent = 0, 0
    errors: list[str] = []
    for case in r_cases["cases"]:
        if case["fn"] != "conv.fivenum":
            continue
        options = case["options"]
        method: str | list[str] = options["method"]
        by_mean, by_sd = (method, method) if isinstance(method, str) else method
        means = MEANS["luo" if by_mean == "default" else by_mean]
        sds = SDS[by_sd]
        rows = list(rows_of(case["inputs"]))
        if options.get("dist") == "lnorm":
            refused = [i + 1 for i, (scenario, given) in enumerate(rows) if not log_normal(scenario, given)]
            assert f"found in row {refused[0]})" in case["outputs"]["error"]
            assert len(refused) == 1
            errors.append(case["id"])
            continue
        for i, (scenario, given) in enumerate(rows):
            for target, table in (("mean", means), ("sd", sds)):
                truth = case["outputs"][target][i]
                found = convert_one(table, scenario, given, target)
                if truth is None:
                    assert found is None, (case["id"], i, target)
                    absent += 1
                else:
                    apart = abs(found - truth) / truth if found is not None else math.inf
                    allowed = DIVERGENT.get((case["id"], target))
                    assert apart <= (allowed or CLOSED), (case["id"], i, target)
                    assert (apart > CLOSED) is (allowed is not None), (case["id"], i, target)
                    numbers += 1
    assert (numbers, absent, errors) == (36, 20, ["conv.fivenum/default/lnorm"])


def log_normal(scenario: str, given: dict[str, Any]) -> bool:
    """Say whether a row has a log-normal mean."""
    try:
        made = es.convert(f"log-normal-{scenario}", **given)
    except es.DataError as error:
        return [problem.message for problem in error.problems] != ["takes numbers above 0 alone"]
    return bool(np.isfinite(made["mean"][0]))


def test_metamean_of_medians(r_cases: Mapping[str, Any]) -> None:
    """Its studies are ranges, quartiles and all five numbers; the SD is the standard error times √n.

    Up to n = 50 meta takes Wan's expected range from the paper's Table 1, and up to n = 201 the quartiles from Table 2,
    rounded to three decimals, where the paper's equations (and metafor) take normal scores. Its mean of a range by Wan
    is that of the paper's eq. 2, which has (minimum - 2·median + maximum)/(4n) more than eq. 3, which metafor and we
    take. All are replayed.
    """
    names = {"Luo": "luo", "Wan": "wan2014"}
    compared, by_table, by_equation_2 = 0, 0, 0
    for case in r_cases["cases"]:
        inputs = case["inputs"]
        if case["fn"] != "metamean" or inputs.get("ref") != "constructed|quantiles":
            continue
        options, outputs = case["options"], case["outputs"]
        means = MEANS[names[options["method.mean"]]]
        for i, (scenario, given) in enumerate(rows_of(r_cases["inputs"][inputs["ref"]])):
            mean = convert_one(means, scenario, given, "mean")
            assert mean is not None
            if options["method.mean"] == "Wan" and scenario == "range":
                mean += (given["minimum"] - 2 * given["median"] + given["maximum"]) / (4 * given["n"])
                by_equation_2 += 1
            assert mean == pytest.approx(outputs["TE"][i], rel=CLOSED, abs=0.0), (case["id"], i)
            shi = options["method.sd"] == "Shi" and scenario == "full"
            sd = convert_one(SDS["shi" if shi else "wan"], scenario, given, "sd")
            assert sd is not None
            of_meta = outputs["seTE"][i] * math.sqrt(given["n"])
            if not shi:
                assert sd == pytest.approx(of_meta, rel=6e-3)
                assert abs(sd / of_meta - 1) > CLOSED
                sd = by_tables(given)
                by_table += 1
            assert sd == pytest.approx(of_meta, rel=CLOSED, abs=0.0), (case["id"], i)
            compared += 1
    assert (compared, by_table, by_equation_2) == (16, 12, 2)


def by_tables(given: Mapping[str, float]) -> float:
    """Estimate the SD with the expectations of Wan's Tables 1 and 2: exact ones, rounded as printed."""
    n = int(given["n"])
    parts: list[float] = []
    if "minimum" in given:
        score = round(2 * expected(n, n), 3) if n <= 50 else 2 * ndtri((n - 0.375) / (n + 0.25))
        parts.append((given["maximum"] - given["minimum"]) / score)
    if "q1" in given:
        quarter = round((n - 1) / 4)
        parts.append((given["q3"] - given["q1"]) / round(2 * expected(3 * quarter + 1, 4 * quarter + 1), 3))
    return sum(parts) / len(parts)


def expected(rank: int, n: int) -> float:
    """Integrate the expectation of an order statistic of n standard normal values."""
    log_count = gammaln(n + 1) - gammaln(rank) - gammaln(n - rank + 1)

    def integrand(z: float) -> float:
        density = -z * z / 2 - math.log(2 * math.pi) / 2
        return z * math.exp(log_count + (rank - 1) * log_ndtr(z) + (n - rank) * log_ndtr(-z) + density)

    return float(quad(integrand, -12.0, 12.0, epsabs=1e-12, limit=200)[0])
