"""Strategies that ship with the kit draw what they say, and profiles take as many examples as they say."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies

if TYPE_CHECKING:
    from collections.abc import Callable

few = strategies.examples(20)
FOUND = settings(
    strategies.examples(1000, suppress=[HealthCheck.data_too_large, HealthCheck.filter_too_much]),
    derandomize=True,
    database=None,
    phases=[Phase.generate],
)
"""Whether there is such a one is asked, and not which is the simplest."""
MEASURES = {
    "dichotomous": "OR",
    "continuous": "MD",
    "generic": "GEN",
    "correlation": "ZCOR",
    "proportion": "PLO",
    "rate": "IRLN",
    "rates": "IRR",
}
WITHOUT = """
import sys
sys.modules["hypothesis"] = None
sys.meta_path.insert(0, type("No", (), {"find_spec": staticmethod(lambda name, *_: None)})())
import evisynth as es, evisynth.testing
assert callable(evisynth.testing.check_plugin)
try:
    import evisynth.testing.strategies
except es.MissingExtraError as error:
    print(error)
"""


def test_the_kit_does_without_hypothesis_and_strategies_say_what_brings_it() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr
    assert "pip install 'evisynth[testing]'" in done.stdout


@few
@given(sample=strategies.samples(least=3, most=5, decades=2.0))
def test_samples_are_of_the_size_and_spread_asked_for(sample: strategies.Sample) -> None:
    y, v = sample
    assert y.shape == v.shape
    assert 3 <= y.size <= 5
    assert np.isfinite(y).all()
    assert v.max() / v.min() <= 100 * (1 + 1e-12)


CONDITIONS: dict[str, Callable[[es.Effects], bool]] = {
    "one study": lambda effects: len(effects) == 1,
    "many studies": lambda effects: len(effects) > 30,
    "studies entered twice": lambda effects: len(effects) > 3 and len(set(zip(effects.y, effects.v, strict=True))) < 3,
    "equal effects": lambda effects: len(effects) > 2 and float(np.ptp(effects.y)) == 0,
    "a study that outweighs all others": lambda effects: (
        len(effects) > 2 and float((1 / effects.v).max()) > 100 * float((1 / np.sort(effects.v)[1:]).sum())
    ),
    "variances over four decades": lambda effects: float(effects.v.max() / effects.v.min()) > 1e4,
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_effects_of_every_sort_are_drawn(name: str) -> None:
    find(strategies.effects(), CONDITIONS[name], settings=FOUND)


@pytest.mark.parametrize("kind", strategies.KINDS)
@few
@given(data=st.data())
def test_a_table_of_every_kind_can_be_measured(kind: strategies.Kind, data: st.DataObject) -> None:
    drawn = data.draw(strategies.studies(kind, 2, 4))
    assert 2 <= len(drawn) <= 4
    made = es.effects(drawn, MEASURES[kind], settings="metafor")
    assert len(made) == len(drawn)
    assert all(np.isfinite(made.y[i]) or i in made.reasons for i in range(len(made)))


def test_a_kind_that_is_not_there_is_named() -> None:
    wrong: Any = "counts"
    with pytest.raises(ValueError, match="no kind of table is called 'counts'; there are dichotomous, "):
        strategies.studies(wrong)


@few
@given(drawn=strategies.designs(most=8))
def test_designs_are_never_collinear(drawn: strategies.Designed) -> None:
    assert np.linalg.matrix_rank(drawn.X) == 3
    assert drawn.X[:, 0].tolist() == [1.0] * len(drawn.effects)
    assert drawn.X[:, 1:].T.tolist() == [drawn.moderators["dose"], drawn.moderators["group"]]


@few
@given(batch=strategies.batches())
def test_a_batch_has_a_place_for_each_row(batch: tuple[list[int], list[strategies.Sample]]) -> None:
    order, drawn = batch
    assert [order.count(g) for g in range(len(drawn))] == [y.size for y, _ in drawn]


def test_reviews_hold_every_part() -> None:
    parts: set[str] = set()

    @strategies.examples(60, suppress=[HealthCheck.data_too_large, HealthCheck.filter_too_much])
    @given(review=strategies.reviews())
    def look(review: es.Review) -> None:
        held = {
            "subgroups": any(outcome.subgroups for _, _, outcome in review.outcomes),
            "rows": any(outcome.rows for _, _, outcome in review.outcomes),
            "judgements": any(domain.judgements for tool in review.risk_of_bias for domain in tool.domains),
            "flow": review.flow is not None,
            "hostile": review.title in strategies.HOSTILE_TEXTS[10:],
        }
        parts.update(name for name, there in held.items() if there)

    look()
    assert parts == {"subgroups", "rows", "judgements", "flow", "hostile"}


@strategies.examples(10, suppress=[HealthCheck.data_too_large])
@given(review=strategies.reviews(texts=st.just("plain")))
def test_a_review_of_one_text_has_no_other(review: es.Review) -> None:
    assert review.title == "plain"
    assert {outcome.name for _, _, outcome in review.outcomes} <= {"plain"}


@pytest.mark.parametrize(
    ("profile", "usual", "taken"),
    [("repeatable", 50, 50), ("exploring", 8, 8), ("sweep", 8, 96), ("nightly", 8, 100_000), ("nightly", 400, 100_000)],
)
def test_a_profile_says_how_many_examples_are_taken(profile: str, usual: int, taken: int) -> None:
    before = settings.get_current_profile_name()
    try:
        settings.load_profile(profile)
        made = strategies.examples(usual)
    finally:
        settings.load_profile(before)
    assert made.max_examples == taken
    assert made.derandomize is (profile == "repeatable")
    assert made.deadline is None


def test_every_property_takes_its_number_of_examples_from_the_profile() -> None:
    """A number written into a test would hold under the nightly profile too."""
    from pathlib import Path  # noqa: PLC0415 - of this test alone

    for path in sorted(Path(__file__).parents[1].rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if path != Path(__file__):
            assert "max_examples=" not in text, path.name
