"""Pool every subset of the studies, or a sample of the subsets where there are too many."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.diagnostics.deletions import FEW, closed_form
from evisynth.diagnostics.subsets import SubsetPooling
from evisynth.diagnostics.tables import excluded_studies, frame, number
from evisynth.kernels.subset_sums import subset_means, subset_moments
from evisynth.models import FEWER_STUDIES, NO_STUDIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from evisynth.kernels.arrays import BoolArray, FloatArray, IntArray
    from evisynth.results import MetaAnalysis

_MOST_BITS = 62
"""Beyond this many studies subsets have no number of their own in 64 bits."""
_DENSE = 4
"""Where the budget is more than this share of all subsets, the sample is the start of all of them in random order."""


@attrs.frozen(eq=False)
class SubsetNumbers:
    """Hold the n subsets' pooled effects and heterogeneity, ``value`` ``(p, n)``, the rest ``(n,)``; NaN where none."""

    k: IntArray
    value: FloatArray
    tau2: FloatArray
    q: FloatArray
    i2: FloatArray
    h2: FloatArray


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class Gosh:
    """Hold the subsets of an analysis's studies with their pooled effects and heterogeneity.

    ``members`` ``(n, k)`` says which of the pooled studies are in each. ``complete`` says whether these are all subsets
    (of at least as many studies as coefficients), in order of size, or a sample of different ones.
    """

    analysis: MetaAnalysis
    members: BoolArray
    complete: bool
    possible: int
    """Number of all subsets."""
    seed: int | None
    """Start of the random numbers; None where nothing was drawn."""
    reason: str | None = None
    """Why there are none."""

    @cached_property
    def numbers(self) -> SubsetNumbers:
        """Pooled effect and heterogeneity of each subset."""
        return _pooled(self.analysis, self.members)

    @cached_property
    def studies(self) -> tuple[str, ...]:
        """The pooled studies, in the order of the columns of ``members``."""
        return tuple(self.analysis.effects.study_id[row] for row in self.analysis.rows)

    def with_study(self, study: str) -> BoolArray:
        """Tell which subsets hold a study; raises `KeyError` for a name that is not among ``studies``."""
        if study not in self.studies:
            raise KeyError(study)
        return np.asarray(self.members[:, self.studies.index(study)])

    @property
    def excluded(self) -> Mapping[str, str]:
        """Studies that the analysis leaves out, with the reason."""
        return excluded_studies(self.analysis)

    def records(self) -> list[dict[str, Any]]:
        """Give a row per subset (and, in a meta-regression, coefficient)."""
        numbers, terms = self.numbers, self.analysis.terms
        return [
            {
                "subset": i + 1,
                **({"term": term} if len(terms) > 1 else {}),
                "k": int(numbers.k[i]),
                "effect": number(numbers.value[j, i]),
                "q": number(numbers.q[i]),
                "tau2": number(numbers.tau2[i]),
                "i2": number(numbers.i2[i]),
                "h2": number(numbers.h2[i]),
            }
            for i in range(numbers.k.size)
            for j, term in enumerate(terms)
        ]

    def summary(self) -> list[dict[str, Any]]:
        """Give a row per study: the medians of effect and I² over subsets with it and without it.

        In a meta-regression the effect is the first coefficient.
        """
        numbers = self.numbers
        made: list[dict[str, Any]] = []
        for i, study in enumerate(self.studies):
            inside = self.members[:, i]
            row: dict[str, Any] = {"study_id": study}
            for word, which in (("with", inside), ("without", ~inside)):
                row[f"effect_{word}"] = _median(numbers.value[0, which])
                row[f"i2_{word}"] = _median(numbers.i2[which])
            made.append(row)
        return made

    def to_frame(self) -> pd.DataFrame:
        """Give `records` as a table."""
        return frame(self.records())


def _median(values: FloatArray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else None


def gosh(analysis: MetaAnalysis, *, budget: int | None = None, seed: int | None = None) -> Gosh:
    """Pool all subsets of the studies where there are at most ``budget``, else that many different ones at random.

    Budget and seed are those of the settings unless given; the same seed gives the same subsets on every machine.
    Source: Olkin, Dahabreh & Trikalinos (2012), Res. Synth. Methods 3:214-223.
    """
    changes = {name: value for name, value in (("budget", budget), ("seed", seed)) if value is not None}
    settings = analysis.settings.replace(**changes)
    k, p = analysis.k, analysis.X.shape[1]
    if k < p or not k:
        nothing = np.zeros((0, k), dtype=np.bool_)
        return Gosh(analysis, nothing, complete=True, possible=0, seed=None, reason=FEWER_STUDIES if k else NO_STUDIES)
    possible = _count(k, p)
    if possible <= settings.budget:
        return Gosh(analysis, _all_subsets(k, p), complete=True, possible=possible, seed=None)
    drawn = _drawn(k, p, possible, settings.budget, settings.seed)
    return Gosh(analysis, drawn, complete=False, possible=possible, seed=settings.seed)


def _count(k: int, p: int) -> int:
    """Count subsets of at least p of k studies."""
    total, term = 1 << k, 1
    for size in range(p):
        total -= term
        term = term * (k - size) // (size + 1)
    return total


def _all_subsets(k: int, p: int) -> BoolArray:
    """List the subsets by size; among those of a size, the ones without the last studies of the table come first."""
    members = _of_codes(np.arange(1, 1 << k, dtype=np.int64), k)
    sizes = members.sum(axis=1)
    order = np.argsort(sizes, kind="stable")
    return np.asarray(members[order[sizes[order] >= p]])


def _of_codes(codes: IntArray, k: int) -> BoolArray:
    bits = np.arange(k, dtype=np.int64)
    return np.asarray(((codes[:, np.newaxis] >> bits) & 1) == 1)


def _drawn(k: int, p: int, possible: int, budget: int, seed: int) -> BoolArray:
    """Draw different subsets, all equally likely, from the bits of a generator whose stream never changes."""
    bits = np.random.PCG64(seed)
    if k <= _MOST_BITS and possible <= _DENSE * budget:
        everything = _all_subsets(k, p)
        order = np.argsort(bits.random_raw(possible), kind="stable")
        return np.asarray(everything[np.sort(order[:budget])])
    words = (k + 63) // 64
    found = np.empty((0, k), dtype=np.bool_)
    while found.shape[0] < budget:
        raw = bits.random_raw(budget * words).astype("<u8").reshape(budget, words)
        drawn = np.unpackbits(raw.view(np.uint8), axis=1, bitorder="little")[:, :k].astype(np.bool_)
        found = np.concatenate((found, drawn[drawn.sum(axis=1) >= p]))
        _, first = np.unique(np.packbits(found, axis=1), axis=0, return_index=True)
        found = found[np.sort(first)]
    return np.asarray(found[:budget])


def _pooled(analysis: MetaAnalysis, members: BoolArray) -> SubsetNumbers:
    n = members.shape[0]
    made = SubsetPooling(analysis, n)
    sizes = members.sum(axis=1)
    if n and 1 < members.shape[1] <= FEW and closed_form(made):
        return _by_sums(made, members, sizes)
    # Tables without an effect of their own count in the sums and not in Q: as many of them in every subset of a batch.
    with_effect = members @ np.isfinite(made.sample.y).astype(np.int64)
    keys = sizes * (members.shape[1] + 1) + with_effect
    for key in np.unique(keys).tolist():
        which = np.nonzero(keys == key)[0]
        size = int(sizes[which[0]])
        index = np.nonzero(members[which])[1].reshape(which.size, size).T
        made.pool(which, index)
    numbers = made.made()
    return SubsetNumbers(numbers.k, numbers.value, numbers.tau2, numbers.q, numbers.i2, numbers.h2)


def _by_sums(made: SubsetPooling, members: BoolArray, sizes: IntArray) -> SubsetNumbers:
    settings, weights = made.settings, made.methods.tau2.moment_weights
    assert weights is not None  # noqa: S101 - asked for before
    y, v = made.sample.y, made.sample.v
    w, a = 1.0 / v, weights(v)
    several = sizes > 1
    q, _, trace = subset_moments(y, v, w, members)
    squares, expected, slope = subset_moments(y, v, a, members)
    with np.errstate(divide="ignore", invalid="ignore"):
        tau2 = np.where(several, np.maximum((squares - expected) / slope, 0.0), 0.0)
    used = tau2 if settings.model == "random" else np.zeros_like(tau2)
    value = subset_means(y, v, used, members)
    df = np.where(several, sizes - 1.0, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        if settings.i2 == "tau2" and settings.model == "random":
            typical = df / trace
            i2, h2 = 100.0 * tau2 / (tau2 + typical), 1.0 + tau2 / typical
        else:
            i2, h2 = np.where(q > 0, 100.0 * np.maximum(0.0, (q - df) / q), 0.0 * df), q / df
    return SubsetNumbers(sizes, value[np.newaxis], np.where(several, tau2, np.nan), q, i2, h2)
