"""Methods beside sets of references: what differs, diverges, breaks off or is silently absent is found."""

from __future__ import annotations

import json
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evisynth import Agreement, Asked, FloatArray, Method

SOURCE = "Testing (2020), J. Tests 1:1-2"


def estimator(y: FloatArray, v: FloatArray, X: FloatArray) -> FloatArray:  # noqa: ARG001 - as every estimator
    """Take the mean square of the effects for τ²."""
    squares: FloatArray = np.square(y).mean(axis=0)
    return squares


def registry_of(function: Callable[[Asked], Iterator[Agreement]], absent: Callable[[Method], str] = str) -> es.Registry:
    module = ModuleType("made")

    def tau2_estimators() -> list[es.Tau2Estimator]:
        return [
            es.Tau2Estimator("one", estimator, reference=SOURCE),
            es.Tau2Estimator("two", estimator, reference=SOURCE),
        ]

    def reference_sets() -> list[es.ReferenceSet]:
        return [es.ReferenceSet("set", function, label="made", truth="exact", absent=absent, reference=SOURCE)]

    vars(module).update(tau2_estimators=es.hookimpl(tau2_estimators), reference_sets=es.hookimpl(reference_sets))
    registry = es.Registry(load=False)
    registry.register(module, "made")
    return registry


def numbers(asked: Asked, observed: float = 2.0, **more: Any) -> Iterator[Agreement]:  # noqa: ANN401 - fields
    for method in asked.records(es.Tau2Estimator):
        yield es.Agreement(method, "case 1", "τ²", 2.0, observed, tolerance=1e-12, **more)
        yield es.Agreement(method, "case 2", "τ²", 3.0, 3.0, tolerance=1e-12)


def test_numbers_that_agree_pass() -> None:
    made = es.validate(registry=registry_of(numbers))
    assert made.passed
    assert list(made.shortfalls()) == []
    (run,) = made.operation.sets
    assert (run.numbers, run.cases, run.problem) == (4, 2, None)
    assert made.closing[0].startswith("2 of 2 methods, 1 sets of references, 2 cases, 4 numbers in ")
    assert made.closing[1] == "PASSED: nothing falls short"


def test_a_number_beyond_its_tolerance_fails_and_is_shown_with_its_input() -> None:
    made = es.validate(registry=registry_of(lambda asked: numbers(asked, 2.0 * (1 + 1e-11))))
    assert not made.passed
    (first, second) = made.shortfalls()
    assert first.startswith(
        "Tau2Estimator one: 1 of 2 numbers differ from set; case 1, τ²: 2.00000000002 instead of 2.0"
    )
    assert second.startswith("Tau2Estimator two")
    row = made.tables().methods.rows[0]
    assert row[:5] == ("Tau2Estimator", "one", "set", "2", "2")
    assert row[5:8] == ("differs", "1.0e-11", "11.0")


def test_only_what_is_asked_for_is_compared() -> None:
    made = es.validate(methods=["two"], registry=registry_of(lambda asked: numbers(asked, 5.0)))
    assert [line.split(":")[0] for line in made.shortfalls()] == ["Tau2Estimator two"]
    named = es.validate(methods=["tau2_estimators:ONE"], registry=registry_of(numbers))
    assert [method.name for method in named.operation.methods] == ["one"]
    assert [m.name for m in es.validate(plugins=["made"], registry=registry_of(numbers)).operation.methods] == [
        "one",
        "two",
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"methods": ["three"]}, "no method is called 'three'"),
        ({"methods": ["Tau2Estimator:three"]}, "no Tau2Estimator named 'three'"),
        ({"plugins": ["elsewhere"]}, "no plugin 'elsewhere' is installed"),
    ],
)
def test_what_is_not_there_is_a_named_error(given: dict[str, list[str]], message: str) -> None:
    with pytest.raises((es.SettingsError, es.UnknownMethodError), match=message):
        es.validate(registry=registry_of(numbers), **given)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_known_divergences_are_listed_not_failed() -> None:
    made = es.validate(registry=registry_of(lambda asked: numbers(asked, 2.1, divergence="the other rounds")))
    assert made.passed
    (one,) = made.operation.divergences
    assert (one.set, one.cause, one.count) == ("set", "the other rounds", 2)
    (row,) = made.tables().divergences.rows
    assert row[:4] == ("set", "the other rounds", "Tau2Estimator one, Tau2Estimator two", "2")
    assert row[4] == "case 1, τ²: 2.1 here, 2.0 there"


def test_a_set_that_breaks_off_fails_and_is_named() -> None:
    def breaking(asked: Asked) -> Iterator[Agreement]:
        yield from numbers(asked)
        msg = "no such file"
        raise OSError(msg)

    made = es.validate(registry=registry_of(breaking))
    assert list(made.shortfalls()) == ["reference set set broke off: OSError: no such file"]


def test_silence_is_not_agreement() -> None:
    def first_alone(asked: Asked) -> Iterator[Agreement]:
        return (one for one in numbers(asked) if one.methods == (("Tau2Estimator", "one"),))

    silent = es.validate(registry=registry_of(first_alone, absent=lambda _: ""))
    assert list(silent.shortfalls()) == [
        "Tau2Estimator two: set neither compares it nor says why not",
        "Tau2Estimator two: no set of references compares it",
    ]
    assert silent.tables().matrix.rows[1] == ("Tau2Estimator", "two", "SILENT")
    reasoned = es.validate(registry=registry_of(first_alone, absent=lambda _: "no such data"))
    assert list(reasoned.shortfalls()) == ["Tau2Estimator two: no set of references compares it"]
    assert reasoned.tables().matrix.rows[1] == ("Tau2Estimator", "two", "[1]")
    assert reasoned.tables().reasons.rows == (("[1]", "no such data"),)


def test_json_holds_everything_and_is_strict() -> None:
    made = es.validate(registry=registry_of(lambda asked: numbers(asked, float("inf"))))
    held = json.loads(made.to_json(), parse_constant=pytest.fail)
    assert held["schema"] == "evisynth validation 1"
    assert held["passed"] is False
    assert held["methods"][0]["sets"][0]["differing"][0]["observed"] == "inf"
    assert len(held["shortfalls"]) == 2


def test_laws_find_a_method_that_breaks_them() -> None:
    from evisynth_validation import laws  # noqa: PLC0415 - beside its use

    registry = registry_of(numbers)
    found = list(laws.laws(es.Asked(registry, frozenset({("Tau2Estimator", "one")}))))
    assert [one.verdict for one in found] == ["differs"]
    assert "shift" in found[0].quantity
