"""Give tests of 2×2 tables what they start from: the tables of an analysis, and their log odds ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import NOT_COUNTED, Cells, EvisynthError, FloatArray, MetaAnalysis, Studies, effects, read_only
from evisynth_estimators.small_study_data import Pooled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_TABLES = "the test needs 2×2 tables: events and participants of both arms"
PAIRED = "the test is for independent arms, and these tables count matched pairs"
NO_TABLE = "the test needs a 2×2 table for every study, and {study} has none"
OF_ODDS = "tested are log odds ratios of the tables, not the {label} of the analysis"
UNINFORMATIVE = "not tested, as all or none of their participants had the event: {studies}"
NAMES = ("events_1", "n_1", "events_2", "n_2")
DIAGNOSTIC = ("tp", "fp", "fn", "tn")
PAIRS = frozenset({"MPORM"})
"""Measures of matched pairs whose columns are named as those of two arms."""


@attrs.frozen(eq=False)
class Tables:
    """Hold the 2×2 tables of k studies, ``cells`` as counted, and log odds ratios ``y`` with variances ``v``.

    ``y`` and ``v`` are by the analysis' zero-cell correction, ``sums`` the cells that it takes into Mantel–Haenszel
    sums. ``note`` says where the analysis is of another measure and which of its studies are left out.
    """

    studies: Pooled
    cells: Cells
    sums: Cells
    note: tuple[str, ...] = ()


def raw_tables(analysis: MetaAnalysis, rows: Sequence[int]) -> Cells | str:
    """Take the tables of some rows as they were counted, ``(k,)``, or say why there are none.

    Of a diagnostic test arm 1 are the diseased and arm 2 the others, and an event is a positive test.
    """
    index = np.array(rows, dtype=np.int64)
    cells = _all_cells(analysis)
    if isinstance(cells, str):
        return cells
    chosen = cells.at(index)
    whole = np.isfinite(chosen.a + chosen.b + chosen.c + chosen.d)
    if not whole.all():
        return NO_TABLE.format(study=analysis.effects.study_id[rows[int(np.argmin(whole))]])
    return chosen


def _all_cells(analysis: MetaAnalysis) -> Cells | str:
    source = analysis.effects.studies
    columns: Mapping[str, FloatArray] = {} if source is None else source.columns
    if analysis.effects.measure in PAIRS:
        return PAIRED
    if analysis.effects.cells is not None:
        return analysis.effects.cells.raw
    if all(name in columns for name in NAMES):
        a, n_1, c, n_2 = (columns[name] for name in NAMES)
        return Cells(a, n_1 - a, c, n_2 - c)
    if all(name in columns for name in DIAGNOSTIC):
        tp, fp, fn, tn = (columns[name] for name in DIAGNOSTIC)
        return Cells(tp, fn, fp, tn)
    return NO_TABLES


def odds_tables(analysis: MetaAnalysis) -> Tables | str:
    """Take the tables of the pooled studies that have an odds ratio, or say why there are none.

    Those without an event, or without a non-event, tell nothing of it and are left out even where the analysis corrects
    and pools them; ``note`` names them.
    """
    rows = analysis.effect_rows
    found = raw_tables(analysis, rows)
    if isinstance(found, str):
        return found
    measured = analysis.effects
    note: tuple[str, ...] = ()
    if measured.measure != "OR" or measured.cells is None:
        if measured.measure not in {"OR", "DOR"}:
            note = (OF_ODDS.format(label=analysis.label.lower()),)
        try:
            measured = effects(
                _of_two_arms(analysis),
                "OR",
                settings=analysis.settings.replace(vtype=None, study_interval=None),
                registry=analysis.methods.registry,
                method="IV",
            )
        except EvisynthError as error:
            return f"no odds ratios can be computed of the tables: {error}"
    informative = ~(found.no_events | found.all_events)
    if not informative.all():
        left = [analysis.effects.study_id[row] for row, told in zip(rows, informative, strict=True) if not told]
        note = (*note, UNINFORMATIVE.format(studies=", ".join(left)))
    keep = [place for place, row in enumerate(rows) if informative[place] and row not in measured.reasons]
    chosen = [rows[place] for place in keep]
    index = np.array(chosen, dtype=np.int64)
    places = {row: place for place, row in enumerate(analysis.rows)}
    studies = Pooled(
        y=measured.y[index],
        v=measured.v[index],
        X=analysis.X[[places[row] for row in chosen]],
        study=tuple(measured.study_id[row] for row in chosen),
        rows=tuple(chosen),
    )
    assert measured.cells is not None  # noqa: S101 - of an odds ratio
    raw = found.at(np.array(keep, dtype=np.int64))
    return Tables(studies, raw, measured.cells.sums.at(index), note)


def _of_two_arms(analysis: MetaAnalysis) -> Studies:
    """Give the studies with the columns of two arms, whatever their tables were entered as."""
    source, cells = analysis.effects.studies, _all_cells(analysis)
    assert source is not None  # noqa: S101 - there are tables
    assert isinstance(cells, Cells)  # noqa: S101 - as above
    if analysis.effects.cells is not None:
        return source
    arms = dict(zip(NAMES, map(read_only, (cells.a, cells.n_1, cells.c, cells.n_2)), strict=True))
    return attrs.evolve(source, columns={**source.columns, **arms})


def counted_rows(analysis: MetaAnalysis) -> tuple[int, ...]:
    """Give the rows whose tables a measure that needs no events can take: all but those left out on request.

    Of a meta-regression those that are pooled, the others having no row in its design.
    """
    if analysis.is_regression:
        return analysis.effect_rows
    cells = _all_cells(analysis)
    if isinstance(cells, str):
        return analysis.effect_rows
    reasons = analysis.effects.reasons
    filled = np.isfinite(cells.a + cells.b + cells.c + cells.d) & (cells.n_1 > 0) & (cells.n_2 > 0)
    return tuple(i for i in range(len(analysis.effects)) if reasons.get(i) not in NOT_COUNTED and filled[i])
