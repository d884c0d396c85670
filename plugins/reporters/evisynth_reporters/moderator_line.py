"""Find the moderator that a bubble plot shows, and the line that a meta-regression fits along it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import CombinationError, EvisynthError, SettingsError
from evisynth_reporters import printed

if TYPE_CHECKING:
    from evisynth import Design, FloatArray, MetaAnalysis
    from evisynth_reporters.words import Words

STEPS = 41
"""Places that the line and its bands are computed at."""
INTERCEPT = "intercept"
MOST_ROWS = 20_000
"""Rows of a design that are averaged at a time."""


@attrs.frozen(eq=False)
class Moderator:
    """Hold a moderator's values of the studies pooled: numbers, or places of its ``levels``."""

    name: str
    values: FloatArray
    levels: tuple[str, ...] = ()
    """Words, where it is a factor."""
    formula: bool = False
    """Whether it is a column of a formula, rather than one of the design."""


@attrs.frozen(eq=False)
class FittedLine:
    """Hold mean effects along a moderator with their limits, on the analysis scale; NaN where there are none."""

    at: FloatArray
    value: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    prediction_low: FloatArray
    prediction_high: FloatArray
    notes: tuple[str, ...] = ()


def moderator_of(analysis: MetaAnalysis, name: str | None) -> Moderator:
    """Take a moderator by name, the first for None; raises `SettingsError` for another name."""
    design, k = analysis.design, len(analysis.rows)
    source = None if design is None else design.source
    if source is not None and source.columns and len(source.study) == k:
        columns = source.columns
        if name is None or name in columns:
            chosen = next(iter(columns)) if name is None else name
            column = columns[chosen]
            if isinstance(column, tuple):
                levels = tuple(sorted(set(column)))
                places = np.array([float(levels.index(word)) for word in column])
                return Moderator(chosen, places, levels, formula=True)
            return Moderator(chosen, np.asarray(column, dtype=np.float64), formula=True)
    names = [term for term in analysis.terms if term != INTERCEPT]
    offered = list(dict.fromkeys([*(source.columns if source is not None else ()), *names]))
    if name is not None and name not in names:
        msg = f"moderator of figure 'bubble' is one of {', '.join(map(repr, offered))}, not {name!r}"
        raise SettingsError(msg)
    chosen = names[0] if name is None else name
    return Moderator(chosen, analysis.X[:, analysis.terms.index(chosen)])


def fitted_line(analysis: MetaAnalysis, moderator: Moderator, words: Words) -> FittedLine | None:
    """Predict along a moderator, the others at their means; None where the regression was not fitted."""
    regression = analysis.regression
    if regression is None or analysis.fit is None:
        return None
    if moderator.levels:
        at = np.arange(len(moderator.levels), dtype=np.float64)
    else:
        at = np.linspace(moderator.values.min(), moderator.values.max(), STEPS)
    try:
        rows = _rows_along(analysis, moderator, at)
        found = regression.predict(rows)
    except (CombinationError, EvisynthError) as error:
        return FittedLine(at, *(np.full(at.size, np.nan),) * 5, notes=(words("No line: {reason}.", reason=str(error)),))
    return FittedLine(
        at,
        found.value,
        found.ci_low,
        found.ci_high,
        found.prediction_low,
        found.prediction_high,
        notes=_others(analysis, moderator, words),
    )


def _rows_along(analysis: MetaAnalysis, moderator: Moderator, at: FloatArray) -> FloatArray:
    """Give rows of the design along a moderator, each averaged over what the studies have of the others, ``(n, p)``.

    For terms that are linear in the others that is their means; a level of a factor counts by its share of studies.
    """
    design = analysis.design
    if not moderator.formula or design is None or design.source is None:
        rows = np.tile(analysis.X.mean(axis=0), (at.size, 1))
        rows[:, analysis.terms.index(moderator.name)] = at
        return rows
    return np.array([_averaged(design, moderator, float(value)) for value in at])


def _averaged(design: Design, moderator: Moderator, value: float) -> FloatArray:
    source = design.source
    assert source is not None  # noqa: S101 - a moderator of a formula
    k = len(source.study) if len(source.columns) > 1 else 1
    held = {name: column[:k] for name, column in source.columns.items()}
    held[moderator.name] = (moderator.levels[int(value)],) * k if moderator.levels else np.full(k, value)
    return np.asarray(source.design_of(held, source.study[:k]).mean(axis=0))


def _others(analysis: MetaAnalysis, moderator: Moderator, words: Words) -> tuple[str, ...]:
    """Say at what the other moderators are held."""
    design = analysis.design
    said: list[str] = []
    if moderator.formula and design is not None and design.source is not None:
        for name, column in design.source.columns.items():
            if name == moderator.name:
                continue
            if isinstance(column, tuple):
                shares = [f"{word} {100 * column.count(word) / len(column):.0f}%" for word in sorted(set(column))]
                said.append(f"{printed.one_line(name)}: {', '.join(map(printed.one_line, shares))}")
            else:
                said.append(f"{printed.one_line(name)} = {printed.entered(float(np.mean(column)))}")
    else:
        others = [j for j, name in enumerate(analysis.terms) if name not in {INTERCEPT, moderator.name}]
        said = [
            f"{printed.one_line(analysis.terms[j])} = {printed.entered(float(analysis.X[:, j].mean()))}" for j in others
        ]
    if not said:
        return ()
    return (words("Other moderators at their means: {values}.", values="; ".join(said)),)
