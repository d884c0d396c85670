"""The shipped results of metafor are those of the engine, and a method that is a little off is seen."""

from __future__ import annotations

from collections import Counter
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import evisynth as es
from evisynth_validation.metafor import metafor, published, reference_sets
from evisynth_validation.metafor.calls import main, repeated_calls

if TYPE_CHECKING:
    from collections.abc import Callable

LEAVE_ONE_OUT = "metafor's REML does not converge without this study"


@cache
def agreements() -> tuple[es.Agreement, ...]:
    return tuple(published(es.Asked()))


def test_every_stored_number_agrees_or_diverges_for_a_known_cause() -> None:
    assert [one for one in agreements() if one.verdict == "differs"] == []
    assert Counter(one.verdict for one in agreements()).keys() == {"agrees", "diverges"}
    causes = Counter(one.divergence for one in agreements() if one.verdict == "diverges")
    assert causes[LEAVE_ONE_OUT] == 7
    assert sum(causes.values()) < 70


def test_every_stored_quantity_is_compared() -> None:
    counted = Counter(one.quantity.partition(": ")[2] or one.quantity for one in agreements())
    assert len(agreements()) > 10_000
    assert counted["yi"] == counted["vi"] > 250
    assert counted["tau2_low"] == counted["h2_high"] > 20
    for quantity in (
        "q_p",
        "log_likelihood",
        "r2",
        "qm_p",
        "tau2_se",
        "pi_high",
        "k0_se",
        "k0_p",
        "limit_high",
        "k of Q",
    ):
        assert counted[quantity] >= 10, quantity


def test_every_stored_call_is_repeated() -> None:
    made = list(repeated_calls(es.Asked()))
    assert Counter(one.verdict for one in made) == {"agrees": len(made)}
    assert [one for one in made if one.quantity == "the stored call"] == []
    compared = Counter(key[0] for key in {key for one in made for key in one.methods})
    assert compared["EffectMeasure"] == 57
    assert compared["Tau2Estimator"] == 12
    assert compared["Conversion"] > 20
    assert sum(compared.values()) > 110


@pytest.mark.live_r
@pytest.mark.sweep
def test_the_stored_calls_are_those_of_this_machine(r_version: Callable[[str], tuple[int, ...] | None]) -> None:
    if r_version("metafor") != (3, 8, 1):
        pytest.skip("the stored answers are those of metafor 3.8.1")
    assert main(["--check", "OR", "DL", "Peto"]) == 0


def test_quick_is_a_share_and_a_method_alone_is_less() -> None:
    quick = sum(1 for _ in published(es.Asked(quick=True)))
    peto = {one.case for one in metafor(es.Asked(keys=frozenset({("PoolingModel", "Peto")})))}
    assert 1000 < quick < len(agreements()) / 2
    assert peto
    assert all("PETO" in case or case.startswith("tables with") for case in peto)


class Off(es.Registry):
    """Registry whose estimators of τ², or ways of pooling, are off by 1e-9 of what they give."""

    def get(self, kind: type[Any], name: str) -> Any:  # noqa: ANN401 - as the registry's own
        record = super().get(kind, name)
        if kind not in {es.Tau2Estimator, es.PoolingModel}:
            return record

        @wraps(record.function)
        def off(*given: object, **words: object) -> object:
            made: Any = record.function(*given, **words)
            if isinstance(made, es.Tau2Fit):
                return attrs.evolve(made, tau2=made.tau2 * (1.0 + 1e-9))
            return attrs.evolve(made, coefficients=made.coefficients * (1.0 + 1e-9))

        return attrs.evolve(record, function=off)


@pytest.mark.parametrize("key", [("Tau2Estimator", "DL"), ("PoolingModel", "MH")])
def test_a_method_that_is_a_little_off_differs(key: tuple[str, str]) -> None:
    asked = es.Asked(registry=Off(), keys=frozenset({key}), quick=True)
    verdicts = Counter(one.verdict for one in published(asked))
    assert verdicts["differs"] > 3


def test_what_is_not_compared_has_a_reason() -> None:
    (record,) = reference_sets()
    compared = {key for one in (*agreements(), *repeated_calls(es.Asked(quick=True))) for key in one.methods}
    for method, _ in es.default_registry():
        if (method.kind, method.name) not in compared:
            assert record.absent(method)
