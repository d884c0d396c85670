"""Hold a table of studies and the effect sizes made from it; nothing in them can be written to."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import attrs
import numpy as np

from evisynth.errors import DataError, DataWarning, Problem
from evisynth.kernels.arrays import BoolArray, FloatArray, read_only
from evisynth.scales import LINEAR, Scale, scale_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth.cells import CorrectedCells
    from evisynth.settings import Settings

Reasons: TypeAlias = "tuple[tuple[BoolArray, str], ...]"
"""Rows (a mask) that have no effect, with the reason; the first that holds is given."""

MISSING_VALUE = "missing {column}"
NO_PARTICIPANTS = "no participants in {arms}"
LEFT_OUT = "left out on request"
ONLY_IN_SUBGROUP = "pooled in its subgroup, not overall"
NOT_COUNTED = frozenset({LEFT_OUT, ONLY_IN_SUBGROUP})
"""Reasons for which a row is not counted among participants and events either."""


@attrs.frozen(eq=False)
class MeasuredEffects:
    """What an effect measure's function returns: ``y`` and ``v`` ``(k,)`` and reasons for rows without an effect."""

    y: FloatArray
    v: FloatArray
    without_effect: Reasons = ()


@attrs.frozen(eq=False)
class FilledColumns:
    """What a route may return in the place of effects: the measure's own columns, each ``(k,)``, that amount to them.

    They stand for the study in that measure alone: means of 0 and 1 with standard deviations of 1 say no more than
    how many of those they are apart.
    """

    columns: Mapping[str, FloatArray]
    without_effect: Reasons = ()


def distinct_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Make labels distinct: the second of the same name gets " (2)", and so on."""
    taken = set(labels)
    if len(taken) == len(labels):
        return tuple(labels)
    seen: dict[str, int] = {}
    made: list[str] = []
    for label in labels:
        count = seen.get(label, 0) + 1
        candidate = label if count == 1 else f"{label} ({count})"
        while count > 1 and candidate in taken:
            count += 1
            candidate = f"{label} ({count})"
        seen[label] = count
        taken.add(candidate)
        made.append(candidate)
    return tuple(made)


_ARRAYS = attrs.cmp_using(eq=np.array_equal)  # pyright: ignore[reportUnknownMemberType] - numpy's overloads


def _same_columns(one: Mapping[str, FloatArray], other: Mapping[str, FloatArray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[c], other[c], equal_nan=True) for c in one)


def _labels(study: tuple[str, ...] | int) -> tuple[str, ...]:
    # Numbering a million rows takes longer than measuring them, and is only for those who look.
    return tuple([f"Study {i}" for i in range(1, study + 1)]) if isinstance(study, int) else study


@attrs.frozen(hash=False)
class Studies:
    """Hold a table of studies: one row each, numbers under canonical names, NaN where a value is missing.

    ``columns`` maps names of `evisynth.columns.NUMERIC` to ``(k,)``; ``text`` maps the other columns (``year``,
    ``subgroup`` and any that the source had) to texts; ``study`` are the labels as given, ``study_id`` distinct ones.
    """

    columns: Mapping[str, FloatArray] = attrs.field(eq=attrs.cmp_using(eq=_same_columns))
    _study: tuple[str, ...] | int = attrs.field(alias="study", eq=_labels)
    """Labels as given, or how many rows there are to number."""
    text: Mapping[str, tuple[str | None, ...]] = attrs.field(factory=dict[str, tuple[str | None, ...]])
    source: str | None = None
    """Name of the file or kind of value that it was read from."""
    notes: tuple[str, ...] = ()
    """What a reader should look at; taken over by the result's warnings."""
    unread: Mapping[str, tuple[Problem, ...]] = attrs.field(factory=dict[str, tuple[Problem, ...]], eq=False)
    """Columns (canonical names) that hold texts and are kept as such, with what cannot be read as numbers."""
    origins: Mapping[int, tuple[str, ...]] = attrs.field(factory=dict[int, tuple[str, ...]])
    """What was filled in, by row (from 0), and from what."""
    conversions: tuple[str, ...] = ()
    """Names of the conversions that filled something."""

    def __len__(self) -> int:
        """Count the rows."""
        return self._study if isinstance(self._study, int) else len(self._study)

    @cached_property
    def study(self) -> tuple[str, ...]:
        """Labels as given, or numbers where there are none."""
        return _labels(self._study)

    @cached_property
    def study_id(self) -> tuple[str, ...]:
        """Labels of which no two are equal."""
        return distinct_labels(self.study)

    @property
    def year(self) -> tuple[str | None, ...] | None:
        """Publication years, where given."""
        return self.text.get("year")

    @property
    def subgroup(self) -> tuple[str | None, ...] | None:
        """Subgroup labels, where given."""
        return self.text.get("subgroup")

    def take(self, rows: Sequence[int]) -> Studies:
        """Take some rows, in the order given."""
        index = np.asarray(rows, dtype=np.int64)
        return attrs.evolve(
            self,
            columns={name: read_only(column[index]) for name, column in self.columns.items()},
            study=tuple(self.study[i] for i in rows),
            text={name: tuple(column[i] for i in rows) for name, column in self.text.items()},
            origins={new: self.origins[old] for new, old in enumerate(rows) if old in self.origins},
        )

    def total(self, *names: str) -> float | None:
        """Add up columns over all rows, missing values aside; None where there is no such column."""
        present = [self.columns[name] for name in names if name in self.columns]
        if not present:
            return None
        return float(sum(np.nansum(column) for column in present))


@attrs.frozen(hash=False, init=False)
class Effects:
    """Hold effect sizes ``y`` with variances ``v`` on the analysis scale, NaN where a study has none.

    ``Effects(y, v)`` or ``Effects(y, se=se)`` takes them as they are; `evisynth.effects` makes them from a table.
    Rows with a missing value or a variance of 0 are kept with a reason. ``weights`` of one's own, one a row, are
    positive. Raises `DataError` for negative or infinite variances, for weights that cannot be and for lengths that
    differ, naming every row.
    """

    y: FloatArray = attrs.field(eq=attrs.cmp_using(eq=lambda a, b: bool(np.array_equal(a, b, equal_nan=True))))
    v: FloatArray = attrs.field(eq=attrs.cmp_using(eq=lambda a, b: bool(np.array_equal(a, b, equal_nan=True))))
    studies: Studies | None = None
    measure: str = "GEN"
    label: str = "Effect"
    scale: str = "linear"
    display_scale: Scale = attrs.field(default=LINEAR, eq=False)
    """How numbers of the scale are shown to readers."""
    reasons: Mapping[int, str] = attrs.field(factory=dict[int, str])
    cells: CorrectedCells | None = attrs.field(default=None, eq=False)
    plugin: str = attrs.field(default="", eq=False)
    """Entry point whose measure made these effects."""
    made_by: Settings | None = attrs.field(default=None, eq=False)
    """Settings that they were measured by; None for effects that were given."""
    weights: FloatArray | None = attrs.field(default=None, eq=attrs.cmp_using(eq=np.array_equal))  # pyright: ignore[reportUnknownMemberType] - numpy's overloads
    """The user's weights; None where studies are weighed by their variances."""
    routes: Mapping[int, str] = attrs.field(factory=dict[int, str])
    """Rows (from 0) that took another route than the measure's own columns, with its name."""
    _study: tuple[str, ...] | None = None

    def __init__(  # noqa: PLR0913 - keyword-only, each a column of the table that this value is
        self,
        y: object,
        v: object = None,
        *,
        se: object = None,
        study: Sequence[str] | None = None,
        studies: Studies | None = None,
        measure: str = "GEN",
        label: str = "Effect",
        scale: str | Scale = "linear",
        reasons: Mapping[int, str] | None = None,
        cells: CorrectedCells | None = None,
        plugin: str = "",
        made_by: Settings | None = None,
        weights: object = None,
        routes: Mapping[int, str] | None = None,
    ) -> None:
        """Take arrays, check them and note which rows cannot be pooled."""
        y_array = _column("y", y)
        v_array = _column("v", v) if v is not None else None
        if v_array is None:
            if se is None:
                summary = (
                    "effect sizes need a variance or a standard error beside each: Effects(y, v) or Effects(y, se=…)"
                )
                raise DataError(summary)
            root = _column("se", se)
            refuse_impossible("se", root, study)
            v_array = read_only(root * root)
        if y_array.shape != v_array.shape:
            summary = f"y has {y_array.size} values and its variances {v_array.size}: one of each per study"
            raise DataError(summary)
        if study is not None and len(study) != y_array.shape[0]:
            summary = f"there are {y_array.size} effects and {len(study)} study labels: one of each per study"
            raise DataError(summary)
        own = None if weights is None else _weights(weights, y_array.size, study)
        found = dict(reasons) if reasons else {}
        if not plainly_usable(y_array, v_array):
            refuse_impossible("y", y_array, study)
            refuse_impossible("v", v_array, study)
            _note_unusable(y_array, v_array, found)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs writes it
            y_array,
            v_array,
            studies,
            measure,
            label,
            scale if isinstance(scale, str) else scale.name,
            scale_of(scale),
            found,
            cells,
            plugin,
            made_by,
            own,
            dict(routes) if routes else {},
            tuple(study) if study is not None else None,
        )

    def __len__(self) -> int:
        """Count the rows, those without an effect included."""
        return len(self.y)

    @cached_property
    def study(self) -> tuple[str, ...]:
        """Study labels, numbered where none were given."""
        if self._study is not None:
            return self._study
        return self.studies.study if self.studies is not None else _labels(len(self))

    @cached_property
    def study_id(self) -> tuple[str, ...]:
        """Labels of which no two are equal."""
        return self.studies.study_id if self.studies is not None else distinct_labels(self.study)

    @cached_property
    def used(self) -> BoolArray | None:
        """Rows that have an effect; None where all have."""
        if not self.reasons:
            return None
        mask = np.ones(len(self), dtype=np.bool_)
        mask[list(self.reasons)] = False
        return mask

    def scale_of(self, rows: Sequence[int]) -> Scale:
        """Give the scale that some rows together are shown on.

        Where it depends on sample sizes (or person-time), for their harmonic mean.
        """
        scale = self.display_scale
        if scale.size is None or scale.at is not None:
            return scale
        column = None if self.studies is None else self.studies.columns.get(scale.size)
        if column is None or not len(rows):
            return scale
        with np.errstate(divide="ignore"):
            return scale.for_size(len(rows) / float((1.0 / column[list(rows)]).sum()))

    def replace(self, **changes: Any) -> Effects:  # noqa: ANN401 - the arguments of this class
        """Copy with some arguments changed, such as ``v`` or ``reasons``."""
        kept: dict[str, Any] = {
            "y": self.y,
            "v": self.v,
            "study": self._study,
            "studies": self.studies,
            "measure": self.measure,
            "label": self.label,
            "scale": self.display_scale,
            "reasons": self.reasons,
            "cells": self.cells,
            "plugin": self.plugin,
            "made_by": self.made_by,
            "weights": self.weights,
            "routes": self.routes,
        }
        return Effects(**{**kept, **changes})

    def take(self, rows: Sequence[int]) -> Effects:
        """Take some rows, in the order given."""
        index = np.asarray(rows, dtype=np.int64)
        return Effects(
            self.y[index],
            self.v[index],
            study=[self.study[i] for i in rows],
            studies=self.studies.take(rows) if self.studies is not None else None,
            measure=self.measure,
            label=self.label,
            scale=self.display_scale,
            reasons={new: self.reasons[old] for new, old in enumerate(rows) if old in self.reasons},
            cells=attrs.evolve(
                self.cells.at(index),
                kept_in_sums=None if self.cells.kept_in_sums is None else self.cells.kept_in_sums[index],
            )
            if self.cells is not None
            else None,
            plugin=self.plugin,
            made_by=self.made_by,
            weights=None if self.weights is None else self.weights[index],
            routes={new: self.routes[old] for new, old in enumerate(rows) if old in self.routes},
        )


def _weights(values: object, rows: int, study: Sequence[str] | None) -> FloatArray:
    column = _column("weights", values)
    if column.size != rows:
        summary = f"there are {column.size} weights for {rows} studies: one of each per study"
        raise DataError(summary)
    refuse_impossible_weights(column, study)
    return column


def refuse_impossible_weights(values: FloatArray, study: Sequence[str] | None = None) -> None:
    """Raise `DataError` for every weight that is not a positive number (of a size whose square is one too)."""
    wrong = ~((values >= 1.0 / LARGEST) & (values <= LARGEST))
    problems = _problems("weights", values, wrong, "a weight is a positive, finite number", study)
    if problems:
        summary = "weights holds values that no study can have"
        raise DataError(summary, problems)


def _column(name: str, values: object) -> FloatArray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = _column_with_gaps(name, values)
    if array.ndim != 1:
        summary = f"{name} is one number per study, not an array of shape {array.shape}"
        raise DataError(summary)
    if array is values:
        array = array.copy()
    return read_only(array)


def _column_with_gaps(name: str, values: object) -> FloatArray:
    from evisynth.tables import number_column  # noqa: PLC0415 - only for values that are not plain numbers

    items = cast("Iterable[object]", values) if isinstance(values, Iterable) else [values]
    problems: list[Problem] = []
    array = number_column(name, items, problems, study=None)
    if problems:
        summary = f"{name} holds values that are not numbers"
        raise DataError(summary, problems)
    return array


LARGEST = 1e50
"""Beyond this (and for variances below its inverse) fourth powers leave the range of doubles."""


def plainly_usable(y: FloatArray, v: FloatArray) -> bool:
    """Tell whether every effect and variance can be pooled as it is."""
    if not y.size:
        return True
    # NaN compares false, so that a missing value is not plainly usable either.
    return bool(v.min() >= 1.0 / LARGEST and v.max() <= LARGEST and y.max() <= LARGEST and y.min() >= -LARGEST)


def refuse_impossible(name: str, values: FloatArray, study: Sequence[str] | None = None) -> None:
    """Raise `DataError` for every effect, variance or standard error that no study can have."""
    root = name == "se"
    low, high = (LARGEST**-0.5, LARGEST**0.5) if root else (1.0 / LARGEST, LARGEST)
    problems: list[Problem] = []
    if name in _NOT_NEGATIVE:
        problems += _problems(name, values, values < 0, f"{_NOT_NEGATIVE[name]} cannot be negative", study)
        problems += _problems(name, values, np.isposinf(values), f"{_NOT_NEGATIVE[name]} is finite", study)
        far = (values > 0) & (values < low) | (values > high) & np.isfinite(values)
    else:
        far = (np.abs(values) > high) & np.isfinite(values)
    span = f"{low:.0e} to {high:.0e}" if name in _NOT_NEGATIVE else f"±{high:.0e}"
    problems += _problems(name, values, far, f"lies beyond {span}: choose another unit", study)
    if problems:
        summary = f"{name} holds values that no study can have"
        raise DataError(summary, problems)


_NOT_NEGATIVE = {"v": "a variance", "se": "a standard error"}


def _problems(
    name: str, values: FloatArray, mask: BoolArray, message: str, study: Sequence[str] | None
) -> list[Problem]:
    return [
        Problem(i + 1, study[i] if study is not None else None, name, f"{values[i]:g}", message)
        for i in np.nonzero(mask)[0].tolist()
    ]


def _note_unusable(y: FloatArray, v: FloatArray, found: dict[int, str]) -> None:
    for i in np.nonzero(~np.isfinite(y) | ~np.isfinite(v) | (v <= 0))[0]:
        if int(i) in found:
            continue
        if not np.isfinite(y[i]):
            found[int(i)] = "missing effect" if np.isnan(y[i]) else "effect is infinite"
        elif np.isnan(v[i]):
            found[int(i)] = "missing variance"
        else:
            found[int(i)] = "variance is 0"


def warn_about(notes: Sequence[str]) -> None:
    """Issue each note as a `DataWarning`."""
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=3)
