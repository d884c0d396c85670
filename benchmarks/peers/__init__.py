"""Hold what everybody is given to compute on, and how a peer says what it can do.

A module of this package names its peer, and gives a `Call` for each task that the peer has a function for. A call
answers with the numbers that are compared, the same ones in the same order whoever is asked:

================  ====================================================
task              answer
================  ====================================================
one DL, REML, PM  estimate, standard error, τ²
one HK            estimate and its limits, Hartung–Knapp with REML
one QP            limits of τ² by Q-profile
tables MH         log risk ratio, standard error
log RR            the first log risk ratios and variances of a million tables
large DL          as one DL, with a thousand studies
regression REML   coefficients of an intercept and two moderators
leave-one-out DL  the estimates without each of a thousand studies
many DL, REML     the first estimates of many analyses
================  ====================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from evisynth import FloatArray

Answer: TypeAlias = "Sequence[float]"

SEED = 1
K = 13
LARGE = 1_000
HUGE = 100_000
MEASURED = 1_000_000
"""Tables whose effects are measured: the same few, over and over."""
ANALYSES, FEWER, STUDIES = 100_000, 10_000, 10
LOOPED = 200
"""Analyses of the batch that a peer loops over; its time for one does not depend on how many there are."""
COMPARED = 50
"""Analyses of a batch whose estimates are compared."""


@attrs.frozen
class Call:
    """Hold a function that does a task once, over ``analyses`` at a time."""

    function: Callable[[], Answer]
    analyses: int = 1


@attrs.frozen(eq=False)
class Data:
    """Hold what everybody computes on."""

    one: tuple[FloatArray, FloatArray]
    large: tuple[FloatArray, FloatArray]
    huge: tuple[FloatArray, FloatArray]
    many: tuple[FloatArray, FloatArray]
    """Rows of all analyses, one analysis after the other."""
    moderators: FloatArray
    """Two for each study of ``large``'s first hundred."""
    tables: Mapping[str, list[int]]

    @classmethod
    def draw(cls) -> Data:
        """Draw effects that differ, and trials with events in both arms; the same at every run."""
        rng = np.random.default_rng(SEED)

        def effects(k: int) -> tuple[FloatArray, FloatArray]:
            v = np.exp(rng.normal(-2.0, 0.8, k))
            return rng.normal(-0.4, np.sqrt(v + 0.25)), v

        one, large, huge, many = (effects(k) for k in (K, LARGE, HUGE, ANALYSES * STUDIES))
        n_1, n_2 = rng.integers(50, 500, K), rng.integers(50, 500, K)
        events = {"events_1": rng.binomial(n_1 - 2, 0.1) + 1, "events_2": rng.binomial(n_2 - 2, 0.2) + 1}
        tables = {name: column.tolist() for name, column in {**events, "n_1": n_1, "n_2": n_2}.items()}
        return cls(one, large, huge, many, rng.normal(size=(REGRESSED, 2)), tables)

    @property
    def measured(self) -> Mapping[str, FloatArray]:
        """Columns of the tables whose effects are measured."""
        return {name: np.resize(np.array(column, dtype=np.float64), MEASURED) for name, column in self.tables.items()}

    @property
    def regressed(self) -> tuple[FloatArray, FloatArray]:
        """Effects and variances of the meta-regression."""
        y, v = self.large
        return y[:REGRESSED], v[:REGRESSED]

    def analyses(self, count: int) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Give the first analyses of the batch one by one."""
        y, v = self.many
        for begin in range(0, count * STUDIES, STUDIES):
            yield y[begin : begin + STUDIES], v[begin : begin + STUDIES]

    def write(self, folder: Path) -> None:
        """Write what a peer in another language is given."""
        rows = LOOPED * STUDIES
        for name, (y, v) in {"one": self.one, "large": self.large, "many": self.many}.items():
            table = pd.DataFrame({"yi": y, "vi": v}).head(rows)
            table.assign(analysis=np.arange(len(table)) // STUDIES).to_csv(folder / f"{name}.csv", index=False)
        y, v = self.regressed
        a, b = self.moderators.T
        pd.DataFrame({"yi": y, "vi": v, "a": a, "b": b}).to_csv(folder / "regression.csv", index=False)
        pd.DataFrame(self.tables).to_csv(folder / "tables.csv", index=False)


REGRESSED = 100
"""Studies of the meta-regression."""
