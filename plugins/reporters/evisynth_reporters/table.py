"""Hold RevMan's forest-plot table as data, which the text and the figure both render."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from evisynth_reporters.outcome_columns import Kind

RowKind: TypeAlias = Literal["study", "heading", "pooled", "events", "prediction", "note", "blank"]
Shape: TypeAlias = Literal["square", "diamond", "bar", "line", "density"]
Side: TypeAlias = Literal["left", "right"]


@attrs.frozen
class Column:
    """Head one column: ``group`` stands over all neighbours that share it."""

    heading: str
    group: str = ""
    left: bool = False
    """Whether its cells are texts, set flush left."""
    side: Side = "left"
    """On which side of the plot it stands in a figure."""
    signs: bool = False
    """Whether its cells are signs in coloured discs, as of risk of bias."""


@attrs.frozen
class Mark:
    """Draw an interval on the scale shown to readers; a ``bar`` has no value.

    A ``density`` has a curve: pairs of a number and a height from 0 to 1. What is ``pale`` is not part of the result.
    """

    shape: Shape
    value: float | None
    low: float
    high: float
    weight: float = 0.0
    curve: tuple[tuple[float, float], ...] = ()
    pale: bool = False
    second: bool = False
    """Whether it is of the other of two models."""


@attrs.frozen
class Row:
    """Hold a line of the table: a cell for every column, or one text that runs over them all."""

    kind: RowKind
    cells: tuple[str, ...] = ()
    mark: Mark | None = None
    study: int | None = None
    """The study's row in the input, from 0."""

    @property
    def bold(self) -> bool:
        """Whether RevMan sets it in bold."""
        return self.kind in {"heading", "pooled"}

    @property
    def spans(self) -> bool:
        """Whether its one text runs over all columns."""
        return self.kind in {"note", "blank"}


@attrs.frozen
class Coefficient:
    """Hold one printed coefficient of a meta-regression."""

    term: str
    effect: str
    se: str
    test: str

    @property
    def line(self) -> str:
        """Print it in one line, for a figure."""
        return f"{self.term}: {self.effect}; {self.test}"


@attrs.frozen
class ForestTable:
    """Hold the whole table, and how the plot beside it is scaled and labelled."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    kind: Kind
    log_scale: bool
    null: float | None
    """The number, as shown, that stands for no effect; None where there is none, as for a single group."""
    favours: tuple[str, str]
    excluded: tuple[str, ...]
    """Studies that are not pooled, each with its reason."""
    warnings: tuple[str, ...]
    coefficients: tuple[Coefficient, ...] = ()
    """Those of a meta-regression, on the analysis scale."""
    coefficients_heading: str = ""
    description: str = ""
    """What the figure shows, in words, for those who cannot see it."""
    plot_heading: tuple[str, str] = ("", "")
    """What stands above the plot in a figure: the effect, and how it was pooled."""
    signs: tuple[tuple[str, str], ...] = ()
    """Letters of the columns of signs, with what they stand for."""

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What the plot shows."""
        return tuple(row.mark for row in self.rows if row.mark is not None)
