"""Pool an analysis without each of its studies in turn: in closed form where the methods allow, else in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth.diagnostics.subsets import DEPENDENT, SubsetPooling, Subsets
from evisynth.diagnostics.totals import StudiesNeededError, totals_fit
from evisynth.kernels.deletion import (
    mean_without_each,
    mean_without_each_at,
    moment_tau2_without_each,
    trace_without_each,
)
from evisynth.kernels.distributions import chi2_p_value
from evisynth.kernels.weighted_fit import is_intercept, weighted_fit

if TYPE_CHECKING:
    from evisynth.kernels.arrays import BoolArray, IntArray
    from evisynth.pooling import Sample
    from evisynth.results import MetaAnalysis

FEW = 64
"""Up to this many studies a batch costs no more than sums do."""
_SUSPECT = 1e-6
"""What is left of a leverage of one, below which a design is looked at without its study."""


def without_each(analysis: MetaAnalysis) -> Subsets:
    """Give the numbers without each row that the analysis pools, in their order."""
    k = analysis.k
    made = SubsetPooling(analysis, k)
    rest = np.arange(k, dtype=np.int64)
    if k > FEW and closed_form(made):
        rest = np.nonzero(~_by_sums(made))[0]
    _in_batches(made, rest)
    return made.made()


def closed_form(made: SubsetPooling) -> bool:
    """Tell whether sums over the studies are all that pooling and the estimate of τ² need."""
    methods, sample = made.methods, made.sample
    plain = methods.pooling.name == "IV" and made.plain and sample.weights is None
    return plain and methods.tau2.moment_weights is not None


def _by_sums(made: SubsetPooling) -> BoolArray:
    """Fill what sums give and tell for which studies they do to full accuracy."""
    sample, settings = made.sample, made.settings
    y, v = sample.y, sample.v
    k = y.shape[0]
    weights = made.methods.tau2.moment_weights
    assert weights is not None  # noqa: S101 - asked for before
    common = mean_without_each(y, 1.0 / v)
    tau2, trial = moment_tau2_without_each(y, v, weights(v))
    tau2 = np.maximum(tau2, 0.0)
    sure = common.sure & trial.sure
    left = common
    if settings.model == "random":
        left = mean_without_each_at(y, v, tau2)
        sure = sure & left.sure
    which = np.nonzero(sure)[0]
    if not which.size:
        return sure
    made.k[which] = k - 1
    used = tau2[which] if settings.model == "random" else np.zeros(which.size)
    fit = totals_fit(k - 1, left.total[which], left.mean[which], left.rss[which], used, settings.model)
    try:
        made.keep_estimates(which, fit)
    except StudiesNeededError:
        return np.zeros_like(sure)
    q = common.rss[which]
    out, df = made.narrow, k - 2
    out["q"][which], out["tau2"][which] = q, tau2[which]
    out["q_p_value"][which] = chi2_p_value(q, df)
    typical = None
    if settings.i2 == "tau2" and settings.model == "random":
        typical = df / trace_without_each(1.0 / v)[which]
    made.keep_i2(which, q, df, tau2[which], typical)
    return sure


def _in_batches(made: SubsetPooling, omitted: IntArray) -> None:
    """Pool without each of some rows by the methods themselves."""
    if not omitted.size:
        return
    sample = made.sample
    k = sample.y.shape[0]
    dependent = _needed_by_design(sample)
    made.reason[dependent] = DEPENDENT
    made.k[dependent] = k - 1
    omitted = omitted[~dependent[omitted]]
    # Tables without an effect of their own are a batch apart: without one of them Q loses no term.
    has_effect = np.isfinite(sample.y[omitted])
    others = np.arange(k - 1, dtype=np.int64)[:, np.newaxis]
    for which in (omitted[has_effect], omitted[~has_effect]):
        if which.size:
            made.pool_built(which, lambda tile: others + (others >= tile), k - 1)


def _needed_by_design(sample: Sample) -> BoolArray:
    """Tell which studies the design cannot be without: those of leverage one, whatever the weights."""
    X = sample.X
    k, p = X.shape
    needed = np.zeros(k, dtype=np.bool_)
    if k <= p or is_intercept(X):
        return needed
    left = weighted_fit(np.zeros(len(X)), np.ones(len(X)), X).deleted_leverages
    for i in np.nonzero(left < _SUSPECT)[0].tolist():
        needed[i] = np.linalg.matrix_rank(np.delete(X, i, axis=0)) < p
    return needed
