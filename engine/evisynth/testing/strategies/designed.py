"""Draw effects with the columns of a design."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np
from hypothesis import strategies as st

from evisynth.kernels.arrays import read_only
from evisynth.studies import Effects
from evisynth.testing.strategies.samples import samples

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from evisynth.kernels.arrays import FloatArray


@attrs.frozen(eq=False)
class Designed:
    """Hold effects with moderators by name, and the same as a matrix ``X``, ``(k, p)``, whose first column is 1."""

    effects: Effects
    moderators: dict[str, list[float]]
    X: FloatArray


@st.composite
def _designs(draw: st.DrawFn, least: int, most: int, decades: float) -> Designed:
    y, v = draw(samples(least, most, decades=decades))
    k = y.size
    # Two levels and two studies at each at the least, and a number that is no function of them.
    group = np.array([0.0, 0.0, 1.0, 1.0, *draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=k - 4, max_size=k - 4))])
    dose = np.array(draw(st.lists(st.integers(-20, 20), min_size=k, max_size=k)), dtype=np.float64)
    dose[:4] = [-16.0, 16.0, -16.0, 16.0]
    order = np.array(draw(st.permutations(range(k))))
    X = np.column_stack([np.ones(k), dose[order], group[order]])
    return Designed(Effects(y, v), {"dose": X[:, 1].tolist(), "group": X[:, 2].tolist()}, read_only(X))


def designs(least: int = 6, most: int = 14, *, decades: float = 4.0) -> SearchStrategy[Designed]:
    """Draw `Designed` effects of ``least`` (4 or more) to ``most`` studies: a dose and two groups, never collinear."""
    return _designs(least, most, decades)
