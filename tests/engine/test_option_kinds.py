"""Options of methods are held to the kinds that their signatures state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth.option_kinds import refuse_other_kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def method(  # noqa: PLR0913 - an option of each kind
    _: es.MetaAnalysis,
    *,
    word: str = "a",
    many: bool = False,
    count: int = 1,
    level: float | None = None,
    steps: Sequence[float] = (0.5,),
    names: Sequence[str] | None = None,
    at: Sequence[tuple[float, float]] | None = None,
    holes: Iterable[float | None] = (),
    anything: object = None,
) -> es.BiasResult:
    said = (word, many, count, level, steps, names, at, holes, anything)
    return es.BiasResult(name="a", variant=repr(said))


RECORD = es.BiasTest("a", method, reference="Nobody (2026)")


@pytest.mark.parametrize(
    "options",
    [
        {"word": "b", "many": True, "count": 3, "level": 1, "steps": [1, 0.5], "at": [(1, 2.0), [3, 4]]},
        {"many": np.bool_(1), "count": np.int64(3), "level": np.float64(0.5), "steps": np.array([0.1, 0.2])},
        {"level": None, "names": None, "holes": [1.0, None], "anything": object()},
        {"level": float("inf"), "names": ("a", "b")},
    ],
)
def test_values_of_the_stated_kind_are_taken(options: dict[str, Any]) -> None:
    refuse_other_kinds(RECORD, options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"word": 3}, "word of a is a text, not 3"),
        ({"many": 1}, "many of a is true or false, not 1"),
        ({"count": 1.5}, "count of a is a whole number, not 1.5"),
        ({"count": True}, "is a whole number, not True"),
        ({"level": "0.5"}, "level of a is a number or none, not '0.5'"),
        ({"level": float("nan")}, "is a number or none, not nan"),
        ({"level": 10**400}, "is a number or none, not 1000"),
        ({"steps": 0.5}, "steps of a is a list, each item a number, not 0.5"),
        ({"steps": [0.5, "x"]}, "is a list, each item a number"),
        ({"steps": "0.5"}, "is a list, each item a number"),
        ({"names": [1]}, "is a list, each item a text or none"),
        ({"at": [(1, 2, 3)]}, r"is a list, each item \(a number, a number\) or none"),
        ({"holes": [None, "x"]}, "is a list, each item a number or none"),
    ],
)
def test_values_of_another_kind_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(es.SettingsError, match=message):
        refuse_other_kinds(RECORD, options)


@pytest.mark.parametrize("record", es.bias_methods(), ids=lambda record: record.name)
def test_defaults_are_of_the_kinds_that_methods_state(record: es.BiasTest | es.Adjustment) -> None:
    refuse_other_kinds(record, {name: p.default for name, p in list(record.parameters.items())[1:]})


def test_an_option_of_another_kind_is_no_fault_of_the_plugin() -> None:
    analysis = es.fit(es.Effects([0.1, 0.2, 0.4], [0.01, 0.02, 0.03]), settings="metafor")
    with pytest.raises(es.SettingsError, match="power of WAAP is a number, not 'high'"):
        es.bias(analysis, "WAAP", power="high")
    assert es.bias(analysis, "selection: step", steps=iter([0.025, 0.5])).variant
