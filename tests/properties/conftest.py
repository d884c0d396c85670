"""Keep the strategies of all properties in one place, as a fixture that tests draw from.

Tests take few examples, the same at every run; the profile ``sweep`` takes many, new ones at every run.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from evisynth import FloatArray, Studies, read_only
from evisynth.presets import COMBINATIONS, PRESETS

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Sample: TypeAlias = "tuple[FloatArray, FloatArray]"
"""Effects and variances of the studies of one analysis."""

settings.register_profile("sweep", max_examples=1200, deadline=None)

COUNTS = ("events_1", "n_1", "events_2", "n_2")
MEANS = ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")


@st.composite
def _samples(draw: st.DrawFn, least: int, most: int, decades: float) -> Sample:
    k = draw(st.integers(least, most))
    exponents = draw(st.lists(st.floats(-decades / 2, decades / 2), min_size=k, max_size=k))
    v = 10.0 ** np.array(exponents)
    typical = math.exp(float(np.log(v).mean())) if k else 1.0
    spread = draw(st.sampled_from([0.0, 0.3, 1.0, 5.0]))
    # Steps of 1/64 give ties now and then.
    steps = draw(st.lists(st.integers(-256, 256), min_size=k, max_size=k))
    y = np.array(steps, dtype=np.float64) / 64 * (spread * math.sqrt(typical))
    return y, v


@st.composite
def _tables(draw: st.DrawFn, least: int, most: int, *, zeros: bool) -> list[tuple[int, int, int, int]]:
    rows: list[tuple[int, int, int, int]] = []
    for _ in range(draw(st.integers(least, most))):
        n_1, n_2 = draw(st.integers(2, 200)), draw(st.integers(2, 200))
        low = 0 if zeros else 1
        a, c = draw(st.integers(low, n_1 - low)), draw(st.integers(low, n_2 - low))
        if zeros and draw(st.booleans()):
            a, c = draw(st.sampled_from([(0, c), (a, 0), (0, 0), (n_1, c), (n_1, n_2), (n_1, 0)]))
        rows.append((a, n_1, c, n_2))
    return rows


def _gap(values: SearchStrategy[float], share: int = 8) -> SearchStrategy[float]:
    """Leave a value out now and then."""
    return st.integers(0, share).flatmap(lambda i: st.just(math.nan) if i == 0 else values)


@st.composite
def _hard_counts(draw: st.DrawFn) -> dict[str, list[float]]:
    rows = draw(_tables(0, 5, zeros=True))
    columns: dict[str, list[float]] = {name: [] for name in COUNTS}
    for row in rows:
        a, n_1, c, n_2 = row if draw(st.integers(0, 6)) else draw(st.sampled_from([(0, 0, 3, 9), (0, 0, 0, 0)]))
        for name, value in zip(COUNTS, (a, n_1, c, n_2), strict=True):
            columns[name].append(draw(_gap(st.just(float(value)), 20)))
    return columns


@st.composite
def _hard_means(draw: st.DrawFn) -> dict[str, list[float]]:
    k = draw(st.integers(0, 5))
    each: dict[str, SearchStrategy[float]] = {
        "mean": st.floats(-100, 100),
        "sd": st.one_of(st.just(0.0), st.floats(0.01, 50)),
        "n": st.integers(0, 80).map(float),
    }
    return {name: draw(st.lists(_gap(each[name.partition("_")[0]], 20), min_size=k, max_size=k)) for name in MEANS}


@st.composite
def _batches(draw: st.DrawFn) -> tuple[list[int], list[Sample]]:
    samples = draw(st.lists(_samples(1, 9, 4.0), min_size=1, max_size=8))
    order = draw(st.permutations([g for g, (y, _) in enumerate(samples) for _ in y]))
    return list(order), samples


@st.composite
def _requests(draw: st.DrawFn) -> dict[str, Any]:
    """Draw words of a request: known names and values, in any combination."""
    some: dict[str, SearchStrategy[Any]] = {
        "preset": st.sampled_from(list(PRESETS)),
        "measure": st.sampled_from([None, "OR", "RR", "RD", "PETO", "MD", "SMD", "GEN", "O-E"]),
        "method": st.sampled_from(["IV", "MH", "Peto"]),
        "model": st.sampled_from(["common", "random", "fixed"]),
        "tau2": st.sampled_from(["DL", "REML", "PM"]),
        "interval": st.sampled_from(["Wald", "HK"]),
        "adhoc": st.booleans(),
        "prediction": st.sampled_from([None, "HTS", "V", "HK", "S"]),
        "tau2_interval": st.sampled_from([None, "QP"]),
        "level": st.floats(0, 1, exclude_min=True, exclude_max=True),
        "study_level": st.floats(0, 1, exclude_min=True, exclude_max=True),
        "increment": st.floats(0, 10, exclude_min=True),
        "i2": st.sampled_from(["q", "tau2"]),
        "scale": st.sampled_from(["linear", "log"]),
        "swap_events": st.booleans(),
        "effect_label": st.none() | st.text(max_size=20),
        "group_1": st.none() | st.text(max_size=20),
        "favours_2": st.none() | st.text(max_size=20),
    }
    return draw(st.fixed_dictionaries({}, optional=some))


@st.composite
def _text_tables(draw: st.DrawFn) -> Studies:
    """Draw tables as a file may hold them: any numbers, any labels."""
    k = draw(st.integers(1, 6))
    label = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
    # A blank reads back as a numbered row, and what stands for a missing value is one only in a column of numbers.
    names = draw(st.lists(label.map(str.strip).filter(bool), min_size=k, max_size=k, unique=True))
    wanted = draw(st.lists(st.sampled_from(["yi", "estimate", "o_e", "mean_1", "mean_2"]), min_size=1, unique=True))
    number = _gap(st.floats(allow_nan=False, allow_infinity=False))
    columns = {name: read_only(draw(st.lists(number, min_size=k, max_size=k))) for name in wanted}
    texts = st.none() | label.map(str.strip).filter(bool)
    text = {"subgroup": tuple(draw(st.lists(texts, min_size=k, max_size=k)))} if draw(st.booleans()) else {}
    return Studies(columns=columns, study=tuple(names), text=text)


@attrs.frozen
class Strategies:
    """Give the strategies that properties draw from."""

    @staticmethod
    def samples(least: int = 2, most: int = 12, *, decades: float = 6.0) -> SearchStrategy[Sample]:
        """Draw effects and variances: alike or apart, with ties, variances over some decades."""
        return _samples(least, most, decades)

    @staticmethod
    def tables(least: int = 1, most: int = 6, *, zeros: bool = True) -> SearchStrategy[list[tuple[int, int, int, int]]]:
        """Draw 2×2 tables as rows a, n1, c, n2, half of them with zeros where those are allowed."""
        return _tables(least, most, zeros=zeros)

    @staticmethod
    def hard_columns() -> SearchStrategy[tuple[str, dict[str, list[float]]]]:
        """Draw a measure with small tables for it: zeros, empty arms, missing values, none at all."""
        return st.one_of(
            st.tuples(st.sampled_from(["OR", "RR", "RD", "PETO"]), _hard_counts()),
            st.tuples(st.sampled_from(["MD", "SMD"]), _hard_means()),
            st.integers(0, 5).flatmap(
                lambda k: st.tuples(
                    st.just("GEN"),
                    st.fixed_dictionaries(
                        {
                            "yi": st.lists(_gap(st.floats(-50, 50)), min_size=k, max_size=k),
                            "vi": st.lists(_gap(st.just(0.0) | st.floats(1e-6, 1e4)), min_size=k, max_size=k),
                        }
                    ),
                )
            ),
        )

    @staticmethod
    def means() -> SearchStrategy[list[float]]:
        """Draw one study's means, standard deviations and sizes: m1, s1, n1, m2, s2, n2."""
        arm = (st.floats(-100, 100), st.floats(0.01, 50), st.integers(2, 300).map(float))
        return st.tuples(*arm, *arm).map(list)

    @staticmethod
    def batches() -> SearchStrategy[tuple[list[int], list[Sample]]]:
        """Draw analyses of different size, and an order in which their rows stand in one table."""
        return _batches()

    @staticmethod
    def requests() -> SearchStrategy[dict[str, Any]]:
        """Draw the fields of some `Settings`."""
        return _requests()

    @staticmethod
    def text_tables() -> SearchStrategy[Studies]:
        """Draw tables to write and read again."""
        return _text_tables()

    @staticmethod
    def ways() -> SearchStrategy[tuple[str, str, str]]:
        """Draw a preset, a pooling method and a model that it offers."""
        return st.sampled_from(
            [
                (preset, method, m)
                for preset, held in COMBINATIONS.items()
                for method, models in held.items()
                for m in models
            ]
        )


@pytest.fixture(scope="session")
def drawn() -> Strategies:
    """Give the strategies; a test draws from them by hypothesis' ``data``."""
    return Strategies()
