"""Repeat the design of Friedrich et al. (2008): trials of two equal arms, pooled by DerSimonian and Laird."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth import FloatArray

CONTROL_MEAN = 100.0
SD = 40.0
"""Standard deviation in both arms, 40 % of the control mean."""


def mean_differences(
    smd: float, n: int, k: int, tau: float, *, sets: int, seed: int
) -> Mapping[str, tuple[float, float]]:
    """Give the coverage and the power of 95 % intervals for MD, SMD and ROM, as shares of ``sets`` meta-analyses.

    k trials with n patients an arm; the true mean difference of a trial is normal about ``smd`` SDs with standard
    deviation ``tau`` SDs. Means and standard deviations of normal samples are independent, so they are drawn directly.
    """
    rng = np.random.default_rng(seed)
    rows = k * sets
    effect = SD * rng.normal(smd, tau, rows) if tau else np.full(rows, SD * smd)
    arms = {
        "m1i": CONTROL_MEAN + effect + rng.normal(0.0, SD / np.sqrt(n), rows),
        "sd1i": SD * np.sqrt(rng.chisquare(n - 1, rows) / (n - 1)),
        "n1i": np.full(rows, n),
        "m2i": CONTROL_MEAN + rng.normal(0.0, SD / np.sqrt(n), rows),
        "sd2i": SD * np.sqrt(rng.chisquare(n - 1, rows) / (n - 1)),
        "n2i": np.full(rows, n),
    }
    offsets = np.arange(sets + 1) * k
    truths = {"MD": SD * smd, "SMD": smd, "ROM": float(np.log1p(SD * smd / CONTROL_MEAN))}
    found: dict[str, tuple[float, float]] = {}
    for measure, truth in truths.items():
        pooled = es.fit_many(arms, offsets=offsets, measure=measure, settings="revman5", model="random", progress=False)
        low: FloatArray = pooled["ci_low"].to_numpy()
        high: FloatArray = pooled["ci_high"].to_numpy()
        found[measure] = (
            float(np.mean((low <= truth) & (truth <= high))),
            float(np.mean((low > 0.0) | (high < 0.0))),
        )
    return found
