"""Give whole reviews for the checks of converters and reporters: of every kind of data, with hostile names, empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evisynth.reviews.model import (
    Review,
    ReviewComparison,
    ReviewOutcome,
    ReviewRow,
    ReviewStudy,
    ReviewSubgroup,
    StoredResults,
)
from evisynth.testing.analyses import HOSTILE_LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("Adams 2001", "Baker 2004", "Chen 2010")


def sample_reviews() -> Iterator[tuple[str, Review]]:
    """Give reviews, each with what is particular to it."""
    yield "outcomes of every kind of data", _review(_NAMES)
    # A name that ends in spaces or holds a line break is not one that every format can keep.
    yield "hostile names", _review(tuple(name for name in HOSTILE_LABELS if "\n" not in name and name == name.strip()))
    yield "no outcome", Review(title="Nothing yet")


def _review(names: tuple[str, ...]) -> Review:
    studies = tuple(ReviewStudy(id=f"S{i}", name=name, year=str(2000 + i)) for i, name in enumerate(names))
    rows = {
        "dichotomous": [{"events_1": 3.0 + i, "n_1": 20.0, "events_2": 5.0, "n_2": 21.0} for i in range(len(names))],
        "continuous": [
            {"mean_1": 4.5 - i, "sd_1": 1.25, "n_1": 20.0, "mean_2": 5.0, "sd_2": 1.5, "n_2": 19.0}
            for i in range(len(names))
        ],
        "generic": [{"yi": -0.25 * i, "sei": 0.125} for i in range(len(names))],
        "o-e": [{"o_e": -1.5 + i, "o_e_variance": 4.0} for i in range(len(names))],
    }
    settings: dict[str, dict[str, Any]] = {
        "dichotomous": {"measure": "RR", "method": "MH", "model": "random"},
        "continuous": {"measure": "MD", "method": "IV", "model": "common"},
        "generic": {"measure": "GEN", "method": "IV", "model": "random", "log_data": True},
        "o-e": {"measure": "O-E", "method": "Peto", "model": "common"},
    }
    outcomes = [
        ReviewOutcome(
            number=number,
            name=f"Outcome of {names[0]}",
            data_type=kind,  # type: ignore[arg-type]
            rows=tuple(ReviewRow(study=f"S{i}", data=row, order=i + 1) for i, row in enumerate(rows[kind])),
            **settings[kind],
        )
        for number, kind in enumerate(rows, 1)
    ]
    halves = tuple(
        ReviewSubgroup(
            number=number,
            name=f"Half {number} of {names[-1]}",
            rows=tuple(
                ReviewRow(study=f"S{i}", data=row) for i, row in enumerate(rows["dichotomous"]) if i % 2 == part
            ),
        )
        for number, part in ((1, 0), (2, 1))
    )
    outcomes.append(
        ReviewOutcome(
            number=5,
            name="In subgroups",
            data_type="dichotomous",
            totals="subgroups",
            subgroups=(*halves, ReviewSubgroup(number=3, name="Empty")),
            stored=StoredResults({"subgroup_q": 1.25}, estimable=True),
            **settings["dichotomous"],
        )
    )
    outcomes.append(ReviewOutcome(number=6, name="Without studies", data_type="dichotomous", **settings["dichotomous"]))
    comparison = ReviewComparison(number=1, name=f"Comparison {names[0]}", outcomes=tuple(outcomes))
    return Review(title=f"Review of {names[0]}", studies=studies, comparisons=(comparison,))
