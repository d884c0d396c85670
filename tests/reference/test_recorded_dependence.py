"""The recorded covariance matrices and aggregated effects of metafor 5.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Cases = Mapping[str, Any]

CLOSED = 1e-12


def cases_of(r_cases: Cases, group: str) -> Iterator[tuple[dict[str, Any], Mapping[str, Any]]]:
    for case in r_cases["cases"]:
        if case["group"] == group:
            yield case, r_cases["inputs"][case["inputs"]["ref"]]


def apart(found: Any, truth: Any) -> float:  # noqa: ANN401 - arrays, or lists of numbers
    expected = np.asarray(truth, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(found == expected, 0.0, np.abs(found - expected) / np.abs(expected)).max())


def test_aggregate(r_cases: Cases) -> None:
    compared = 0
    for case, inputs in cases_of(r_cases, "aggregate"):
        effects = es.Effects(inputs["yi"], inputs["vi"])
        made = es.aggregate(
            effects, cluster=inputs["study"], struct=case["options"]["struct"], rho=case["options"]["rho"]
        )
        truth = case["outputs"]
        assert made.study == tuple(map(str, truth["study"]))
        assert apart(made.y, truth["yi"]) < CLOSED, case["id"]
        assert apart(made.v, truth["vi"]) < CLOSED, case["id"]
        compared += 1
    assert compared == 6


def test_vcalc(r_cases: Cases) -> None:
    found = {case["id"]: (case["outputs"], inputs) for case, inputs in cases_of(r_cases, "vcalc")}
    assert found.keys() == {"vcalc/berkey1998", "vcalc/assink2016/rho0.6"}
    truth, inputs = found["vcalc/berkey1998"]
    given = es.covariance(np.ones(10), cluster=inputs["author"], rvars=np.column_stack([inputs["v1i"], inputs["v2i"]]))
    assert apart(given.dense(), truth["V"]) < CLOSED
    truth, inputs = found["vcalc/assink2016/rho0.6"]
    effects = es.Effects(inputs["yi"], inputs["vi"])
    made = es.covariance(effects, cluster=inputs["study"], obs=inputs["esid"], rho=0.6)
    assert apart(made.block("1"), truth["V_first6"]) < CLOSED
    assert abs(made.log_determinant - truth["logdet"]) < CLOSED * abs(truth["logdet"])
    pooled = es.aggregate(effects, cluster=inputs["study"], covariance=made)
    again = es.aggregate(effects, cluster=inputs["study"], rho=0.6)
    assert apart(pooled.y, again.y) < 1e-14
