"""NIST's Statistical Reference Datasets for linear regression."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import evisynth as es
from evisynth_validation import nist
from evisynth_validation.nist import generate

if TYPE_CHECKING:
    from collections.abc import Callable


def test_every_certified_value_agrees() -> None:
    found = list(nist.regressions(es.Asked()))
    assert [one for one in found if one.verdict != "agrees"] == []
    by_set = Counter(one.case.split()[0] for one in found)
    assert len(by_set) == 11
    # Coefficients, their standard errors and one residual SD.
    assert (by_set["Filip"], by_set["Longley"], by_set["NoInt1"]) == (23, 15, 3)
    digits = {(one.case.split()[0], one.quantity): one.digits for one in found if one.numeric}
    assert digits["Longley", "coefficient 6"] > 11
    assert digits["Filip", "coefficient 0"] > 7


def test_the_certified_values_are_the_exact_ones() -> None:
    assert (generate.HERE / "expected.json").read_text(encoding="utf-8") == generate.document()


def test_a_slip_in_the_data_is_found(validation_set: Callable[[str, str], Any]) -> None:
    entry = validation_set("nist", "certified.json")["Norris"]
    entry["rows"][5][1] = "226.6"
    with pytest.raises(ValueError, match=r"Norris: certified -0\.262323073774029"):
        generate.confirm("Norris", entry, generate.solved(entry))


def test_other_methods_have_a_reason() -> None:
    (record,) = nist.reference_sets()
    for method, _ in es.default_registry():
        assert record.absent(method)
    assert list(nist.regressions(es.Asked(keys=frozenset({("Tau2Estimator", "DL")})))) == []
