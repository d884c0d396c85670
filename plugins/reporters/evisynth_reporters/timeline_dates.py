"""Place a review's studies in time: by a column, those of a date together, or by the editions that first had them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import attrs

from evisynth import DataError, SettingsError, cumulative
from evisynth_reporters import printed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth import Cumulative, MetaAnalysis
    from evisynth_reporters.words import Words


@attrs.frozen
class Moment:
    """Hold a date or an edition: its name, its place on the axis, the analysis of all studies so far, what it added."""

    label: str
    place: float
    step: int
    """Number of the analysis among those of `History.made`."""
    added: tuple[str, ...]
    participants: float | None
    """Those of all studies so far that say how many they had; None where none does."""


@attrs.frozen
class History:
    """Hold the moments in order, or the reason why there are none."""

    made: Cumulative | None = None
    moments: tuple[Moment, ...] = ()
    unplaced: int = 0
    silent: int = 0
    """Studies that do not say how many participants they had."""
    reason: str = ""


def editions_of(given: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401 - options may be anything
    """Take editions as a mapping of their names to ids of studies, or as pairs; raises `SettingsError` for others."""
    listed: Any = [*given.items()] if hasattr(given, "items") else given
    pairs = cast("list[tuple[str, list[str]]]", listed if isinstance(listed, list | tuple) else [None])
    if not all(map(_is_edition, pairs)):
        msg = f"editions of figure 'timeline' are names, each with a list of ids of studies, not {given!r:.100}"
        raise SettingsError(msg)
    return {label: tuple(studies) for label, studies in pairs}


def _is_edition(pair: Any) -> bool:  # noqa: ANN401 - options may be anything
    if not (isinstance(pair, list | tuple) and len(cast("tuple[Any, ...]", pair)) == 2):  # noqa: PLR2004 - a pair
        return False
    label, studies = cast("tuple[Any, Any]", pair)
    listed = cast("tuple[Any, ...]", studies) if isinstance(studies, list | tuple) else (None,)
    return isinstance(label, str) and all(isinstance(one, str) for one in listed)


def history_of(
    analysis: MetaAnalysis, order: str, editions: Mapping[str, tuple[str, ...]], words: Words
) -> History:  # fmt: skip
    """Pool the studies up to each date, or up to each edition; raises `SettingsError` for an id of no study."""
    if not analysis.k:
        return History(reason=words("no study is pooled"))
    if editions:
        return _by_editions(analysis, editions, words)
    try:
        made = cumulative(analysis, order, collapse=True)
    except DataError:
        return History(reason=words("the studies have no column {name!r}", name=order))
    if not made.steps:
        return History(reason=words("no study has a date"))
    labels = [_date(analysis, step[0], order) for step in made.steps]
    places = _places(labels)
    steps = list(range(len(labels)))
    return _history(analysis, made, labels, places, steps)


def _by_editions(analysis: MetaAnalysis, editions: Mapping[str, tuple[str, ...]], words: Words) -> History:
    ids = analysis.effects.study_id
    ranks = [math.nan] * len(ids)
    for place, studies in enumerate(editions.values()):
        for study in studies:
            if study not in ids:
                msg = f"editions of figure 'timeline' name {study!r}, which is no study of the analysis"
                raise SettingsError(msg)
            row = ids.index(study)
            # Editions may list all of their studies: one is added by the first that has it.
            ranks[row] = float(place) if math.isnan(ranks[row]) else ranks[row]
    made = cumulative(analysis, ranks, collapse=True)
    if not made.steps:
        return History(reason=words("no study has an edition"))
    reached = [ranks[step[0]] for step in made.steps]
    first = int(reached[0])
    labels = [printed.one_line(label) for label in editions][first:]
    # An edition without a new study has the result of the one before.
    steps = [sum(rank <= place for rank in reached) - 1 for place in range(first, len(editions))]
    return _history(analysis, made, labels, [float(i) for i in range(len(labels))], steps)


def _history(
    analysis: MetaAnalysis, made: Cumulative, labels: Sequence[str], places: Sequence[float], steps: Sequence[int]
) -> History:
    moments: list[Moment] = []
    so_far: list[float | None] = []
    before = -1
    for label, place, step in zip(labels, places, steps, strict=True):
        new = step > before
        so_far += [_participants(analysis, row) for row in made.steps[step]] if new else []
        known = [n for n in so_far if n is not None]
        added = tuple(printed.one_line(name) for name in made.added[step]) if new else ()
        moments.append(Moment(label, place, step, added, sum(known) if known else None))
        before = step
    return History(made, tuple(moments), len(made.unplaced), sum(n is None for n in so_far))


def _participants(analysis: MetaAnalysis, row: int) -> float | None:
    data = analysis.studies[row].data
    sizes = [data.get(name) for name in (("n_1", "n_2") if data.get("n") is None else ("n",))]
    known = [float(size) for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def _date(analysis: MetaAnalysis, row: int, order: str) -> str:
    studies = analysis.effects.studies
    if order == "year":
        return str(analysis.studies[row].year)
    column = None if studies is None else studies.columns.get(order, studies.text.get(order))
    value = None if column is None else column[row]
    return printed.one_line(value) if isinstance(value, str) else printed.entered(value)


def _places(labels: Sequence[str]) -> list[float]:
    """Place dates that are numbers by their distance, others one by one."""
    try:
        numbers = [float(label) for label in labels]
    except ValueError:
        numbers = [math.nan]
    return numbers if all(map(math.isfinite, numbers)) else [float(i) for i in range(len(labels))]
