"""The shipped results of meta and metasens are those of the engine, and come from the recording byte for byte."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import attrs
import pytest

import evisynth as es
from evisynth.testing.conformance import registry_with
from evisynth_validation.meta import meta, reference_sets
from evisynth_validation.meta.generate import main

if TYPE_CHECKING:
    from pathlib import Path

NOT_RECORDED = {
    ("EffectMeasure", "DOR"),
    ("EffectMeasure", "VE"),
    ("PredictionInterval", "NNF"),
    ("StudyInterval", "Poisson"),
    ("Adjustment", "bias bound"),
    ("Conversion", "smd-to-log-or-logistic"),
    ("Conversion", "smd-to-log-or-normal"),
    ("Reporter", "drapery"),
}


@cache
def agreements(*, quick: bool = True) -> tuple[es.Agreement, ...]:
    return tuple(meta(es.Asked(quick=quick)))


def check(made: tuple[es.Agreement, ...]) -> Counter[str]:
    assert [one for one in made if one.verdict == "differs"] == []
    return Counter(one.divergence.partition(" ")[0] for one in made if one.verdict == "diverges")


def test_a_share_agrees() -> None:
    assert set(check(agreements())) <= {"metabin", "metabin's", "metasens", "meta"}
    assert len(agreements()) > 2500


@pytest.mark.sweep
def test_all_agree_and_every_call_of_meta_is_there() -> None:
    made = agreements(quick=False)
    check(made)
    assert len(made) > 19_000
    compared = {key for one in made for key in one.methods}
    named = {
        (method.kind, method.name)
        for method, _ in es.default_registry()
        if (method.r_equivalent or "").startswith(("meta::", "metasens::"))
    }
    assert named - compared == NOT_RECORDED


def test_a_method_alone() -> None:
    made = list(meta(es.Asked(keys=frozenset({("BiasTest", "LFK")}), quick=True)))
    assert len(made) == 4
    assert {one.methods for one in made} == {(("BiasTest", "LFK"),)}


def test_what_is_not_compared_has_a_reason() -> None:
    (record,) = reference_sets()
    compared = {key for one in agreements() for key in one.methods}
    for method, _ in es.default_registry():
        if (method.kind, method.name) not in compared:
            assert record.absent(method)


def test_an_interval_that_is_a_little_off_differs() -> None:
    registry = es.Registry()
    record = registry.get(es.StudyInterval, "WS")

    def off(events: es.FloatArray, n: es.FloatArray, *, level: float) -> tuple[es.FloatArray, es.FloatArray]:
        low, high = record.function(events, n, level=level)
        return low * (1.0 + 1e-9), high

    changed = registry_with(attrs.evolve(record, function=off))
    asked = es.Asked(registry=changed, keys=frozenset({("StudyInterval", "WS")}), quick=True)
    assert Counter(one.verdict for one in meta(asked)) == {"agrees": 26, "differs": 26}


def test_the_file_is_that_of_the_recording(shared_reference: Path) -> None:
    assert main([str(shared_reference / "r_cases.json.gz"), "--check"]) == 0
