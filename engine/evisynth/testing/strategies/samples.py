"""Draw effects and variances, of one analysis or of many."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from hypothesis import strategies as st

from evisynth.kernels.arrays import FloatArray
from evisynth.studies import Effects

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Sample: TypeAlias = tuple[FloatArray, FloatArray]
"""Effects and variances of the studies of one analysis, ``(k,)`` each."""


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


def samples(least: int = 2, most: int = 12, *, decades: float = 6.0) -> SearchStrategy[Sample]:
    """Draw effects ``y`` and variances ``v``: alike or apart, with ties, variances over some ``decades``."""
    return _samples(least, most, decades)


@st.composite
def _effects(draw: st.DrawFn, least: int, most: int, decades: float) -> Effects:
    y, v = draw(_samples(least, most, decades))
    k = y.size
    form = draw(st.sampled_from(["as drawn", "as drawn", "tied", "dominated"])) if k else "as drawn"
    if form == "tied":
        # Few different studies, each entered more than once.
        rows = np.array(draw(st.lists(st.integers(0, (k - 1) // 2), min_size=k, max_size=k)))
        y, v = y[rows], v[rows]
    elif form == "dominated":
        # One study that outweighs all others together.
        v[draw(st.integers(0, k - 1))] = float(v.min()) / (1000.0 * k)
    return Effects(y, v)


def effects(least: int = 1, most: int = 60, *, decades: float = 6.0) -> SearchStrategy[Effects]:
    """Draw `Effects` of ``least`` to ``most`` studies.

    Variances lie over some ``decades``; now and then all effects are equal, studies are entered more than once, or one
    study outweighs all others.
    """
    return _effects(least, most, decades)


@st.composite
def _batches(draw: st.DrawFn) -> tuple[list[int], list[Sample]]:
    drawn = draw(st.lists(_samples(1, 9, 4.0), min_size=1, max_size=8))
    order = draw(st.permutations([g for g, (y, _) in enumerate(drawn) for _ in y]))
    return list(order), drawn


def batches() -> SearchStrategy[tuple[list[int], list[Sample]]]:
    """Draw analyses of different size, and an order in which their rows stand in one table.

    The order has a number of an analysis for each row; the rows of one analysis follow each other as in its sample.
    """
    return _batches()
