"""The certified corpus: its form, how it is made, and every estimator of τ² against all of it."""

from __future__ import annotations

import json
import math
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

import evisynth as es
from evisynth.registry import OWN_DISTRIBUTION
from evisynth_validation import corpus
from evisynth_validation.corpus import generate, proof
from evisynth_validation.corpus.comparing import certified
from evisynth_validation.corpus.integers import Scores

if TYPE_CHECKING:
    from evisynth_validation.corpus import CertifiedSet

OURS = [
    record.name
    for record in es.default_registry().all(es.Tau2Estimator)
    if es.default_registry().provider(record).distribution == OWN_DISTRIBUTION
]
SPARE = 41
"""The set that a check of a handful starts with, and how far apart they are: from one regime to the next."""
LONGEST_TO_DERIVE = 12
LONGEST_TO_PROVE = 5
DIGITS = 40


@cache
def every() -> tuple[CertifiedSet, ...]:
    return tuple(corpus.sets())


def test_the_file_says_what_is_in_it() -> None:
    about = corpus.about()
    assert Counter(one.regime for one in every()) == about["regimes"]
    assert len(every()) == about["sets"] >= 500
    assert [one.id for one in every()] == [f"c{number:03d}" for number in range(1, len(every()) + 1)]
    assert {len(one.y) for one in every()} >= {1, 2, 3, 200}
    assert about == generate.about({key: about[key] for key in ("generated", "mpmath")})


def test_every_number_has_its_digits_and_nothing_is_silently_absent() -> None:
    for line in corpus.lines()[1:]:
        held = json.loads(line)
        assert len(held["y"]) == len(held["v"]) == held["k"]
        for part in (*held["estimates"].values(), *held["limits"].values(), held["common"]):
            assert all(value is not None for value in part.values()) or "reason" in part or part["modes"] == 1
            for name, value in part.items():
                if isinstance(value, str) and name not in {"reason", "same_as"} and value != "0":
                    digits = value.lower().split("e")[0].lstrip("-").replace(".", "").lstrip("0")
                    assert len(digits) == DIGITS, (held["id"], name, value)


def test_a_handful_derived_again_has_the_same_bytes() -> None:
    chosen = [line for line in corpus.lines()[1 + SPARE :: SPARE] if json.loads(line)["k"] <= LONGEST_TO_DERIVE][:5]
    assert chosen
    assert [generate.rederived(line) for line in chosen] == chosen


def test_the_number_of_maxima_is_proved_where_there_are_several() -> None:
    several = [one for one in every() if (one.estimates["REML"].modes or 0) > 1 and len(one.y) <= LONGEST_TO_PROVE]
    assert several
    for one in several:
        assert proof.modes(one, restricted=True) == one.estimates["REML"].modes, one.id


@pytest.mark.parametrize("quick", [True, pytest.param(False, marks=pytest.mark.sweep)])
def test_every_number_of_the_engine_agrees(quick: bool) -> None:  # noqa: FBT001 - a parameter
    found = list(certified(es.Asked(quick=quick)))
    assert [one for one in found if one.verdict != "agrees"] == []
    by_method = Counter(key for one in found for key in one.methods)
    share = 15 if quick else 1
    for name in OURS:
        assert by_method["Tau2Estimator", name] > 1500 / share, name
    assert by_method["Tau2Interval", "QP"] > 900 / share
    assert by_method["Tau2Interval", "PL"] > 2000 / share


@pytest.mark.sweep
@pytest.mark.parametrize("restricted", [False, True])
def test_a_grid_of_another_kind_finds_the_same_maxima(restricted: bool) -> None:  # noqa: FBT001 - a parameter
    name = "REML" if restricted else "ML"
    for one in every():
        if len(one.y) == 1:
            continue
        scores = Scores(one.y, one.v, restricted=restricted)
        least, most = min(one.v), max(max(one.v), 2 * len(one.y) * float(np.var(one.y)))  # noqa: PLW3301 - typed so
        # Even in log(τ² + min v), from 0, and three times as dense as the grid of the corpus.
        end, count = math.log1p(4 * most / least), max(1000, 2 * len(one.y))
        points = [least * math.expm1(end * step / (count - 1)) for step in range(count)]
        above = [scores.relative(point) > 0 for point in points]
        falls = sum(one and not other for one, other in pairwise(above)) + (not above[0])
        assert falls == one.estimates[name].modes, one.id
