"""Reduce the numbers of a cluster-randomised trial, or inflate its standard error, by the design effect."""

from __future__ import annotations

import numpy as np

from evisynth import Conversion, FloatArray, hookimpl
from evisynth_converters.refusals import ERROR, SPREAD, Rule, negative, refuse

HANDBOOK = "Higgins, Eldridge & Li (2023), Cochrane Handbook 6.4"
SIZES = f"{HANDBOOK}, §23.1.4"
ERRORS = f"{HANDBOOK}, §23.1.5"
UNEQUAL = "Eldridge, Ashby & Kerry (2006), Int. J. Epidemiol. 35:1292-1300"
SUMMARY = "there are cluster trials that cannot be"


def design_effect(cluster_size: FloatArray, icc: FloatArray, cluster_cv: FloatArray | float = 0.0) -> tuple[FloatArray]:
    """Give 1 + ((1 + cv²) m - 1) ICC for clusters of mean size m, whose sizes vary with coefficient of variation cv."""
    return (_effect({}, cluster_size, icc, cluster_cv),)


def cluster_counts(
    events: FloatArray,
    n: FloatArray,
    cluster_size: FloatArray,
    icc: FloatArray,
    cluster_cv: FloatArray | float = 0.0,
) -> tuple[FloatArray, FloatArray]:
    """Divide events and participants of a group by the design effect; fractions are kept."""
    columns = {"events": events, "n": n}
    effect = _effect(
        columns,
        cluster_size,
        icc,
        cluster_cv,
        *negative(columns, "a count cannot be negative", "events", "n"),
        ("events", events > n, "more events than participants (n)"),
    )
    return events / effect, n / effect


def cluster_means(
    mean: FloatArray,
    sd: FloatArray,
    n: FloatArray,
    cluster_size: FloatArray,
    icc: FloatArray,
    cluster_cv: FloatArray | float = 0.0,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Divide the size of a group by the design effect; mean and standard deviation stay as they are."""
    columns = {"mean": mean, "sd": sd, "n": n}
    rules = [*negative(columns, SPREAD, "sd"), *negative(columns, "a count cannot be negative", "n")]
    effect = _effect(columns, cluster_size, icc, cluster_cv, *rules)
    return mean + 0.0 * effect, sd + 0.0 * effect, n / effect


def cluster_se(
    sei: FloatArray, cluster_size: FloatArray, icc: FloatArray, cluster_cv: FloatArray | float = 0.0
) -> tuple[FloatArray]:
    """Multiply a standard error that ignores the clusters by the root of the design effect."""
    columns = {"sei": sei}
    return (sei * np.sqrt(_effect(columns, cluster_size, icc, cluster_cv, *negative(columns, ERROR, "sei"))),)


def _effect(
    columns: dict[str, FloatArray],
    cluster_size: FloatArray,
    icc: FloatArray,
    cluster_cv: FloatArray | float,
    *rules: Rule,
) -> FloatArray:
    cv = np.asarray(cluster_cv, dtype=np.float64)
    effect = 1.0 + ((1.0 + cv**2) * cluster_size - 1.0) * icc
    refuse(
        SUMMARY,
        {**columns, "cluster_size": cluster_size, "icc": icc, "cluster_cv": cv},
        *rules,
        ("cluster_size", cluster_size < 1, "a cluster has at least 1 participant"),
        ("icc", np.abs(icc) > 1, "an intracluster correlation lies between -1 and 1"),
        ("cluster_cv", cv < 0, "a coefficient of variation cannot be negative"),
        ("icc", (np.abs(icc) <= 1) & (effect <= 0), "so negative a correlation leaves no variance to the clusters"),
    )
    return np.asarray(effect)


@hookimpl
def conversions() -> list[Conversion]:
    """Offer the design effect, and counts, sizes and standard errors corrected by it."""
    effect = "1 + ((1 + cv²) m - 1) ICC"
    return [
        Conversion(
            "design-effect",
            design_effect,
            targets=("design_effect",),
            reference=f"{SIZES}; {UNEQUAL}",
            formula=effect,
        ),
        Conversion(
            "cluster-counts",
            cluster_counts,
            targets=("events", "n"),
            reference=f"{SIZES}; {UNEQUAL}",
            formula=f"events and n over {effect}",
        ),
        Conversion(
            "cluster-means",
            cluster_means,
            targets=("mean", "sd", "n"),
            reference=f"{SIZES}; {UNEQUAL}",
            formula=f"n over {effect}",
        ),
        Conversion(
            "cluster-se",
            cluster_se,
            targets=("sei",),
            reference=f"{ERRORS}; {UNEQUAL}",
            formula=f"SE √({effect})",
        ),
    ]
