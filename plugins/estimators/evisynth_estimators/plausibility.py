"""Look for what is most often entered wrongly: a standard error as an SD, a ratio as its logarithm, arms swapped."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evisynth import Check, FloatArray, Reasons, hookimpl

if TYPE_CHECKING:
    from evisynth import BoolArray

HANDBOOK = "Higgins et al. (2023), Cochrane Handbook for Systematic Reviews of Interventions 6.4"
ERRORS = "Maassen et al. (2020), PLoS ONE 15:e0233107; Gøtzsche et al. (2007), JAMA 298:430-437"
STANDARDISED = frozenset({"SMD", "SMDH", "SMD1", "SMD1H", "SMCC", "SMCR", "SMCRH", "SMCRP", "SMCRPH"})
COUNTED = frozenset({"OR", "RR", "RD", "PETO", "AS", "PHI", "ZPHI", "YUQ", "YUY", "RTET", "ZTET", "PBIT", "DOR", "VE"})
LARGEST_SMD = 3.0
LARGEST_SD_RATIO = 20.0
LARGEST_LOG_RATIO = math.log(100.0)
FEWEST = 4
"""Studies from which on one can be held against the others."""


def large_standardised_difference(y: FloatArray, measure: str) -> Reasons:
    """Find standardised differences beyond ±3: true ones hardly exist, standard errors entered as SDs make them."""
    beyond = (np.abs(y) > LARGEST_SMD) if measure in STANDARDISED else np.zeros(y.shape, dtype=np.bool_)
    return ((beyond, "a standardised difference beyond 3 is implausible: was a standard error entered as SD?"),)


def sd_like_standard_error(
    y: FloatArray,
    sd_1: FloatArray | None = None,
    n_1: FloatArray | None = None,
    sd_2: FloatArray | None = None,
    n_2: FloatArray | None = None,
    measure: str = "MD",
) -> Reasons:
    """Find studies whose SD is a small part of the others' median SD, and would be like it as SE · √n.

    Both arms have to look so; differences in means are of one unit, so that SDs can be compared.
    """
    nothing = np.zeros(y.shape, dtype=np.bool_)
    if measure != "MD" or sd_1 is None or sd_2 is None or n_1 is None or n_2 is None or y.size < FEWEST:
        return ()
    like = ~nothing
    for sd, n in ((sd_1, n_1), (sd_2, n_2)):
        others = _median_of_others(np.where(sd > 0, np.log(sd), np.nan))
        gap = np.log(sd) - others
        like &= (gap < -np.log(3.0)) & (np.abs(gap + 0.5 * np.log(n)) < np.log(2.0))
    return ((like, "the SDs are as small as standard errors of such a study would be: were those entered?"),)


def sds_far_apart(sd_1: FloatArray | None = None, sd_2: FloatArray | None = None) -> Reasons:
    """Find arms whose SDs differ twentyfold or more."""
    if sd_1 is None or sd_2 is None:
        return ()
    larger, smaller = np.maximum(sd_1, sd_2), np.minimum(sd_1, sd_2)
    far = (smaller > 0) & (larger >= LARGEST_SD_RATIO * smaller)
    return ((far, "the SDs of the arms differ twentyfold or more: is one a standard error, or in another unit?"),)


def ratio_beyond_belief(y: FloatArray, scale: str, measure: str, yi: FloatArray | None = None) -> Reasons:
    """Find given logarithms of ratios beyond 100 (or 1/100): a ratio may stand in the place of its logarithm."""
    if scale != "log" or yi is None or measure not in {"GEN", "HR"}:
        return ()
    return ((np.abs(y) > LARGEST_LOG_RATIO, "a ratio beyond 100: was the ratio entered where its logarithm belongs?"),)


def against_the_others(y: FloatArray, v: FloatArray) -> Reasons:
    """Find studies on the other side of all else, whose mirror image would agree: arms or signs may be swapped.

    The study is itself two standard errors from 0, and so is the mean of the others on the other side. It is more
    than three away from that mean, beyond what the others differ among themselves (DerSimonian and Laird's τ² of
    them), and would be within one if its sign were turned.
    """
    used = np.isfinite(y) & np.isfinite(v) & (v > 0)
    nothing = np.zeros(y.shape, dtype=np.bool_)
    if np.count_nonzero(used) < FEWEST:
        return ()
    w = np.where(used, 1.0 / np.where(used, v, 1.0), 0.0)
    wy = w * np.where(used, y, 0.0)
    rest = w.sum() - w
    mean, variance = (wy.sum() - wy) / rest, 1.0 / rest
    se = np.sqrt(v + variance)
    # Where the others differ among themselves, their spread is part of what a study may be away from them.
    others = np.count_nonzero(used) - 1
    y0 = np.where(used, y, 0.0)
    q = (wy * y0).sum() - wy * y0 - mean * mean * rest
    squares = (w * w).sum() - w * w
    tau2 = np.maximum(0.0, (q - (others - 1)) / (rest - squares / rest))
    far = np.abs(y - mean) > 3.0 * np.sqrt(v + variance + tau2)
    opposite = y * y > 4.0 * v
    mirrored = used & opposite & far & (np.abs(-y - mean) < se) & (mean * mean > 4.0 * variance)
    # Where several look so, it is the studies that differ, not one that was entered wrongly.
    if int(mirrored.sum()) > max(1, int(used.sum()) // FEWEST):
        mirrored = nothing
    return ((mirrored, "the effect is opposite to the others' and its mirror image would agree: are arms swapped?"),)


def events_like_nonevents(
    events_1: FloatArray | None = None,
    n_1: FloatArray | None = None,
    events_2: FloatArray | None = None,
    n_2: FloatArray | None = None,
    measure: str = "RR",
) -> Reasons:
    """Find studies with nearly all events where the others have few (or the reverse): non-events may be counted."""
    if measure not in COUNTED or events_1 is None or n_1 is None or events_2 is None or n_2 is None:
        return ()
    events, total = events_1 + events_2, n_1 + n_2
    logit = np.log((events + 0.5) / (total - events + 0.5))
    if np.count_nonzero(np.isfinite(logit)) < FEWEST:
        return ()
    others = _median_of_others(logit)
    far = (np.abs(logit - others) > 3.0) & (np.abs(-logit - others) < 1.0) & (logit * others < 0)  # noqa: PLR2004 - twentyfold odds, and their reverse
    return ((far, "events are as frequent as non-events are in the other studies: were non-events counted?"),)


def _median_of_others(values: FloatArray) -> FloatArray:
    """Take for each the median of the rest: leaving one out moves it to a neighbour at most."""
    seen = np.sort(values[np.isfinite(values)])
    k = seen.size
    if k < 2:  # noqa: PLR2004 - there is no other
        return np.full(values.shape, np.nan)
    place = np.searchsorted(seen, values)
    low, high = (k - 2) // 2, (k - 1) // 2
    # Without the element at `place` those from it on move down by one.
    below = seen[np.where(low >= place, low + 1, low)]
    above = seen[np.where(high >= place, high + 1, high)]
    return np.where(np.isfinite(values), 0.5 * (below + above), np.nan)


def _whole(values: FloatArray) -> BoolArray:
    return np.asarray(values == np.rint(values))


def fractional_counts(
    events_1: FloatArray | None = None,
    n_1: FloatArray | None = None,
    events_2: FloatArray | None = None,
    n_2: FloatArray | None = None,
    events: FloatArray | None = None,
    n: FloatArray | None = None,
) -> Reasons:
    """Find counts that are not whole numbers: a percentage may stand in the place of a count."""
    present = [column for column in (events_1, n_1, events_2, n_2, events, n) if column is not None]
    if not present:
        return ()
    broken = np.logical_or.reduce([np.isfinite(column) & ~_whole(column) for column in present])
    return ((broken, "a count is not a whole number: is it a percentage, or a share of a group that was split?"),)


@hookimpl
def checks() -> list[Check]:
    """Offer guard rails for what is entered of arms, and for effects beside those of other studies."""
    return [
        Check("standardised difference", large_standardised_difference, reference=f"{HANDBOOK}, §6.5.2; {ERRORS}"),
        Check("SD like a standard error", sd_like_standard_error, reference=f"{HANDBOOK}, §6.5.2; {ERRORS}"),
        Check("SDs far apart", sds_far_apart, reference=f"{HANDBOOK}, §6.5.2.1"),
        Check("ratio or logarithm", ratio_beyond_belief, reference=f"{HANDBOOK}, §6.3.1 and §6.4.1"),
        Check("direction", against_the_others, reference=f"{HANDBOOK}, §10.10.2; {ERRORS}"),
        Check("events or non-events", events_like_nonevents, reference=f"{HANDBOOK}, §6.4.1"),
        Check("whole counts", fractional_counts, reference=f"{HANDBOOK}, §6.4.1 and §23.3.4"),
    ]
