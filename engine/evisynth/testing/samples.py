"""Make the data that methods are checked on: the same at every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.cells import Cells
from evisynth.fits import Fit, inverse_variance_fit
from evisynth.kernels.arrays import FloatArray, read_only
from evisynth.kernels.weighted_fit import intercept, weighted_fit
from evisynth.records import Tau2Fit
from evisynth.studies import Studies

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 20140215


@attrs.frozen(eq=False)
class Sample:
    """Hold effects ``y, v`` ``(k,)`` with a design ``(k, p)`` that nobody can write to, and a name for messages."""

    name: str
    y: FloatArray
    v: FloatArray
    X: FloatArray

    @property
    def k(self) -> int:
        """Number of studies."""
        return len(self.y)

    def with_effects(self, y: FloatArray, v: FloatArray | None = None) -> Sample:
        """Replace the effects, and the variances where given."""
        return attrs.evolve(self, y=read_only(y), v=self.v if v is None else read_only(v))

    def at(self, rows: FloatArray | list[int] | np.ndarray) -> Sample:
        """Take some studies, in the order given."""
        index = np.asarray(rows, dtype=np.int64)
        return Sample(self.name, read_only(self.y[index]), read_only(self.v[index]), read_only(self.X[index]))


def effect_samples(*, least: int = 1, coefficients: tuple[int, ...] = (1, 2, 3)) -> Iterator[Sample]:
    """Go through samples with at least ``least`` more studies than coefficients.

    They differ in size (down to one more study than coefficients), in heterogeneity (none, some, much), in how far
    apart the variances are, and hold ties and effects that are all equal.
    """
    for name, y, v in _effects():
        for p in coefficients:
            if y.size >= p + least:
                moderated = "" if p == 1 else f" and {p - 1} moderator{'s' * (p > 2)}"  # noqa: PLR2004 - plural
                yield Sample(f"{name}{moderated}", read_only(y), read_only(v), read_only(_design(y.size, p)))


def batch_samples(k: int = 7, m: int = 5, *, p: int = 1) -> tuple[Sample, list[Sample]]:
    """Make one sample of m analyses side by side, ``(k, m)``, and the same as single samples."""
    rng = np.random.default_rng(SEED + 10 * p + k)
    v = np.exp(rng.normal(-2.0, 1.0, (k, m)))
    y = rng.normal(0.3, np.sqrt(v + np.linspace(0.0, 2.0, m)))
    X = read_only(_design(k, p))
    singles = [Sample(f"analysis {j + 1} of a batch", read_only(y[:, j]), read_only(v[:, j]), X) for j in range(m)]
    return Sample(f"a batch of {m} analyses of {k} studies", read_only(y), read_only(v), X), singles


def fits_of(sample: Sample, share: float = 0.5, *, weights: FloatArray | None = None) -> Fit:
    """Fit a random-effects model with a τ² that is a ``share`` of the mean variance (no estimator needed).

    Its standard error is that of the restricted likelihood's information there. ``weights`` are those of a user.
    """
    tau2 = np.asarray(share * sample.v.mean(axis=0))
    y, v, X = sample.y, sample.v, sample.X

    def se() -> FloatArray:
        return np.asarray(np.sqrt(2.0 / weighted_fit(y, 1.0 / (v + tau2), X).trace_squared))

    fitted = Tau2Fit(tau2, se)
    return inverse_variance_fit(y, v, X, tau2, model="random", estimator=_moment, tau2_fit=fitted, weights=weights)


def weights_of(sample: Sample) -> FloatArray:
    """Make weights that a user might give: they fall with the variance, and not only with it."""
    uneven = 1.0 + np.arange(sample.k) % 3
    return read_only(uneven.reshape(-1, *[1] * (sample.v.ndim - 1)) / np.sqrt(sample.v / sample.v.max()))


def _moment(y: FloatArray, v: FloatArray, X: FloatArray, weights: FloatArray | None = None) -> FloatArray:  # noqa: ARG001 - as every estimator of a fit
    fit = weighted_fit(y, 1.0 / v, X)
    return np.asarray(np.maximum((fit.rss - fit.dof) / fit.trace, 0.0))


def _effects() -> Iterator[tuple[str, FloatArray, FloatArray]]:
    rng = np.random.default_rng(SEED)
    for k, tau in ((13, 0.6), (4, 0.4), (3, 1.0), (2, 0.8)):
        v = np.exp(rng.normal(-2.0, 0.8, k))
        yield f"{k} studies that differ", rng.normal(-0.4, np.sqrt(v + tau * tau)), v
    v = np.exp(rng.normal(-2.0, 0.8, 8))
    yield "8 studies that are alike", 0.2 + 0.1 * rng.normal(0.0, np.sqrt(v)), v
    v = 10.0 ** np.linspace(-4.0, 2.0, 20)
    yield "20 studies with variances over six decades", rng.normal(1.0, np.sqrt(v + 0.25)), v
    v = np.array([0.04, 0.04, 0.09, 0.09, 0.25, 0.04])
    yield "6 studies with ties", np.array([0.5, 0.5, -0.25, 0.75, 0.75, -0.25]), v
    yield "5 studies with equal effects", np.full(5, 0.375), np.exp(rng.normal(-2.0, 0.8, 5))
    yield "1 study", np.array([0.7]), np.array([0.09])


def _design(k: int, p: int) -> FloatArray:
    rng = np.random.default_rng(SEED + k)
    return np.column_stack([intercept(k), rng.normal(size=(k, 2))])[:, :p]


def count_cells() -> Cells:
    """Make 2×2 tables: ordinary ones, then every pattern of zero cells that real reviews hold."""
    rng = np.random.default_rng(SEED + 1)
    n_1, n_2 = rng.integers(20, 200, 6), rng.integers(20, 200, 6)
    a, c = rng.integers(1, n_1 - 1), rng.integers(1, n_2 - 1)
    zeros = [(0, 20, 3, 25), (4, 20, 0, 25), (0, 20, 0, 25), (20, 20, 25, 25), (20, 20, 5, 25), (20, 20, 0, 25)]
    columns = [
        np.concatenate([ordinary, special])
        for ordinary, special in zip((a, n_1, c, n_2), np.array(zeros).T, strict=True)
    ]
    events_1, total_1, events_2, total_2 = (column.astype(np.float64) for column in columns)
    return Cells(*map(read_only, (events_1, total_1 - events_1, events_2, total_2 - events_2)))


ORDINARY = 6
"""Rows at the head of `study_table` and `count_cells` that hold no zero."""


def _one_group(rng: np.random.Generator, k: int) -> dict[str, FloatArray]:
    """Draw single groups, person-time, correlations and reliabilities: the last rows are hard."""
    n = rng.integers(20, 200, k).astype(np.float64)
    n[-1] = 1.0
    events = np.floor(n * rng.uniform(0.1, 0.9, k))
    events[-3:] = [0.0, n[-2], 0.0]
    return {
        "events": events,
        "n": n,
        "time": np.concatenate([rng.uniform(50.0, 500.0, k - 1), [0.0]]),
        "time_1": np.concatenate([rng.uniform(50.0, 500.0, k - 1), [0.0]]),
        "time_2": rng.uniform(50.0, 500.0, k),
        "mean": rng.normal(10.0, 2.0, k),
        "sd": np.concatenate([rng.uniform(1.0, 3.0, k - 1), [0.0]]),
        "r": np.concatenate([rng.uniform(0.1, 0.8, k - 3), [1.0, -1.0, 0.0]]),
        "alpha": np.concatenate([rng.uniform(0.5, 0.95, k - 2), [1.0, 0.0]]),
        "items": np.concatenate([rng.integers(3, 30, k - 1), [1.0]]).astype(np.float64),
        "cles": np.concatenate([rng.uniform(0.2, 0.8, k - 2), [1.0, 0.0]]),
    }


def _tests_and_pairs(rng: np.random.Generator, k: int) -> dict[str, FloatArray]:
    """Draw test statistics, matched pairs, genotypes and diagnostic tables: the last rows are hard."""

    def counts(*last: float) -> FloatArray:
        return np.concatenate([rng.integers(3, 40, k - len(last)), last]).astype(np.float64)

    t = rng.normal(1.5, 1.0, k)
    return {
        "t_value": t,
        "f_value": t * t,
        "chi2": np.concatenate([rng.uniform(0.1, 9.0, k - 1), [0.0]]),
        "z_value": t,
        "p_value": np.concatenate([rng.uniform(0.001, 0.9, k - 2), [1.0, 0.0]]),
        "direction": rng.choice([-1.0, 1.0], k),
        "smd": 0.2 * t,
        "predictors": np.concatenate([rng.integers(1, 6, k - 1), [200.0]]).astype(np.float64),
        "r_squared": np.concatenate([rng.uniform(0.1, 0.8, k - 2), [1.0, 0.0]]),
        "pairs_both": counts(0.0, 0.0),
        "pairs_only_1": counts(0.0, 0.0),
        "pairs_only_2": counts(5.0, 0.0),
        "pairs_neither": counts(4.0, 0.0),
        "proportion_both": rng.uniform(0.2, 0.5, k),
        "genotype_11": counts(0.0, 0.0),
        "genotype_12": counts(5.0, 0.0),
        "genotype_22": counts(4.0, 0.0),
        "tp": counts(0.0, 0.0),
        "fp": counts(5.0, 0.0),
        "fn": counts(4.0, 0.0),
        "tn": counts(3.0, 0.0),
    }


def study_table() -> Studies:
    """Make a table with every numeric column of the glossary: ordinary rows first, then hard ones."""
    rng = np.random.default_rng(SEED + 2)
    cells = count_cells()
    k = cells.a.size
    hard = k - ORDINARY
    v = np.exp(rng.normal(-2.0, 0.8, k))
    y = rng.normal(0.2, np.sqrt(v))
    columns = {
        "events_1": cells.a,
        "n_1": cells.n_1,
        "events_2": cells.c,
        "n_2": cells.n_2,
        "nonevents_1": cells.b,
        "nonevents_2": cells.d,
        "mean_1": rng.normal(10.0, 2.0, k),
        "sd_1": np.concatenate([rng.uniform(1.0, 3.0, k - 2), [0.0, 0.0]]),
        "mean_2": rng.normal(11.0, 2.0, k),
        "sd_2": np.concatenate([rng.uniform(1.0, 3.0, k - 2), [2.0, 0.0]]),
        "yi": y,
        "vi": np.where(np.arange(k) == k - 1, 0.0, v),
        "sei": np.sqrt(np.where(np.arange(k) == k - 1, 0.0, v)),
        "estimate": np.exp(y),
        "ci_low": y - 1.96 * np.sqrt(v),
        "ci_high": y + 1.96 * np.sqrt(v),
        "o_e": y / v,
        "o_e_variance": np.where(np.arange(k) == k - 1, 0.0, 1.0 / v),
        **_one_group(rng, k),
        **_tests_and_pairs(rng, k),
    }
    names = [f"Trial {i + 1}" for i in range(ORDINARY)] + [f"Hard trial {i + 1}" for i in range(hard)]
    return Studies(columns={name: read_only(column) for name, column in columns.items()}, study=tuple(names))


def paired_table() -> Studies:
    """Make `study_table` for pairs: both arms have as many participants, and ``r`` is one that the margins allow."""
    table = study_table()
    columns = dict(table.columns)
    n = columns["n_1"]
    columns["n_2"] = n
    columns["events_2"] = read_only(
        np.where(columns["events_2"] == columns["n_2"], n, np.minimum(columns["events_2"], n - 1))
    )
    columns["nonevents_2"] = read_only(n - columns["events_2"])
    p_1, p_2 = columns["events_1"] / n, columns["events_2"] / n
    with np.errstate(divide="ignore", invalid="ignore"):
        most = (np.minimum(p_1, p_2) - p_1 * p_2) / np.sqrt(p_1 * (1 - p_1) * p_2 * (1 - p_2))
    columns["r"] = read_only(np.where(np.isfinite(most), most / 2, columns["r"]))
    return attrs.evolve(table, columns=columns)
