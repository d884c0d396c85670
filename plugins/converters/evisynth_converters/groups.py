"""Combine groups into one, and split a group that several comparisons share."""

from __future__ import annotations

import numpy as np

from evisynth import Conversion, FloatArray, hookimpl
from evisynth_converters.refusals import SPREAD, Rule, negative, refuse, too_small

COMBINE = "Higgins, Li & Deeks (2023), Cochrane Handbook 6.4, §6.5.2.10 and Table 6.5.a"
SPLIT = "Higgins, Eldridge & Li (2023), Cochrane Handbook 6.4, §23.3.4"
SUMMARY = "there are groups that cannot be"
COUNT = "a count cannot be negative"


def combine_groups(
    mean_1: FloatArray, sd_1: FloatArray, n_1: FloatArray, mean_2: FloatArray, sd_2: FloatArray, n_2: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give mean, standard deviation and size of all participants of two groups, as if they had been one.

    The squares within the groups and ``(mean₁ - mean₂)² n₁ n₂/(n₁ + n₂)`` between them, over ``n₁ + n₂ - 1``; NaN
    where both groups are empty or there is one participant in all.
    """
    columns = {"mean_1": mean_1, "sd_1": sd_1, "n_1": n_1, "mean_2": mean_2, "sd_2": sd_2, "n_2": n_2}
    refuse(SUMMARY, columns, *negative(columns, SPREAD, "sd_1", "sd_2"), *negative(columns, COUNT, "n_1", "n_2"))
    n = n_1 + n_2
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = mean_2 - mean_1
        mean = mean_1 + apart * (n_2 / n)
        within = np.maximum(n_1 - 1, 0) * sd_1**2 + np.maximum(n_2 - 1, 0) * sd_2**2
        sd = np.sqrt((within + apart**2 * (n_1 * (n_2 / n))) / (n - 1))
    return mean, np.where(n > 1, sd, np.nan), n


def combine_rows(mean: FloatArray, sd: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give mean, standard deviation and size of the participants of several groups, one a row, as if of one."""
    columns = {"mean": mean, "sd": sd, "n": n}
    refuse(SUMMARY, columns, *negative(columns, SPREAD, "sd"), *negative(columns, COUNT, "n"))
    total = n.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        # The mean is taken about one of the groups: far from 0 the squares would drown the spread.
        apart = mean - mean[:1]
        shift = (n * apart).sum() / total
        squares = (np.maximum(n - 1, 0) * sd**2).sum() + (n * (apart - shift) ** 2).sum()
        spread = np.sqrt(squares / (total - 1)) if total > 1 else np.nan
    return mean[:1] + shift, np.array([spread]), np.array([total])


def combine_counts(
    events_1: FloatArray, n_1: FloatArray, events_2: FloatArray, n_2: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Add up events and participants of two groups."""
    columns = {"events_1": events_1, "n_1": n_1, "events_2": events_2, "n_2": n_2}
    refuse(SUMMARY, columns, *_of_counts(columns, "events_1", "n_1"), *_of_counts(columns, "events_2", "n_2"))
    return events_1 + events_2, n_1 + n_2


def combine_count_rows(events: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Add up events and participants of several groups, one a row."""
    columns = {"events": events, "n": n}
    refuse(SUMMARY, columns, *_of_counts(columns, "events", "n"))
    return np.array([events.sum()]), np.array([n.sum()])


def split_counts(events: FloatArray, n: FloatArray, parts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Divide events and participants of a shared group by the number of comparisons; fractions are kept."""
    columns = {"events": events, "n": n, "parts": parts}
    refuse(SUMMARY, columns, *_of_counts(columns, "events", "n"), *_of_parts(parts))
    return events / parts, n / parts


def split_means(
    mean: FloatArray, sd: FloatArray, n: FloatArray, parts: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Divide the size of a shared group by the number of comparisons; mean and standard deviation stay as they are.

    Fractions of participants are kept: rounding would change the weights.
    """
    columns = {"mean": mean, "sd": sd, "n": n, "parts": parts}
    refuse(SUMMARY, columns, *negative(columns, SPREAD, "sd"), *too_small(columns, 1, "n"), *_of_parts(parts))
    share = n / parts
    return mean + 0.0 * share, sd + 0.0 * share, share


def _of_counts(columns: dict[str, FloatArray], events: str, n: str) -> list[Rule]:
    return [
        *negative(columns, COUNT, events, n),
        (events, columns[events] > columns[n], f"more events than participants ({n})"),
    ]


def _of_parts(parts: FloatArray) -> list[Rule]:
    return [("parts", (parts < 1) | (parts != np.floor(parts)) & ~np.isnan(parts), "a whole number of comparisons")]


@hookimpl
def conversions() -> list[Conversion]:
    """Offer groups combined, two side by side or several in rows, and shared groups split."""
    means, counts = ("mean", "sd", "n"), ("events", "n")
    spread = "SD² = (Σ (nᵢ - 1) SDᵢ² + Σ nᵢ (meanᵢ - mean)²) / (Σ nᵢ - 1)"
    return [
        Conversion("combine-groups", combine_groups, targets=means, reference=COMBINE, formula=spread),
        Conversion("combine-rows", combine_rows, targets=means, reference=COMBINE, formula=spread, joins_rows=True),
        Conversion("combine-counts", combine_counts, targets=counts, reference=COMBINE, formula="sums"),
        Conversion(
            "combine-count-rows",
            combine_count_rows,
            targets=counts,
            reference=COMBINE,
            formula="sums",
            joins_rows=True,
        ),
        Conversion("split-counts", split_counts, targets=counts, reference=SPLIT, formula="events / parts, n / parts"),
        Conversion("split-means", split_means, targets=means, reference=SPLIT, formula="n / parts"),
    ]
