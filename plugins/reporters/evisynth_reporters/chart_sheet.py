"""Make the sheet of a chart of studies, or one that says why there is nothing to show; check options of charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from evisynth import FigureSpec, SettingsError
from evisynth_reporters import printed
from evisynth_reporters.chart import ASCENT, MARGIN, PITCH, sheet
from evisynth_reporters.drawing import Label, wrap
from evisynth_reporters.label_placing import shortened
from evisynth_reporters.palettes import MUTED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import attrs

    from evisynth_reporters.chart import Key
    from evisynth_reporters.drawing import Drawing, Item, Measure


class ChartSpec(Protocol):
    """Have the options that a sheet is made by."""

    @property
    def title(self) -> str:
        """Title of the figure."""
        ...

    @property
    def width(self) -> float:
        """Width of the sheet in points."""
        ...

    @property
    def height(self) -> float:
        """Height in points of the chart, legend and notes aside."""
        ...


def made_sheet(
    spec: ChartSpec, measure: Measure, *, items: Sequence[Item] = (), keys: Sequence[Key] = (),
    notes: Sequence[str] = (), description: str = "", reason: str = "", bottom: float | None = None,
) -> Drawing:  # fmt: skip
    """Put what is drawn on a sheet with title, legend and notes; without items the ``reason`` stands in their place.

    What is drawn ends at ``bottom``, the height of the spec where none is given.
    """
    bottom = spec.height if bottom is None else bottom
    if not items:
        lines = wrap(printed.one_line(reason), spec.width - 4 * MARGIN, measure)
        items = [
            Label(line, spec.width / 2, MARGIN + ASCENT + i * PITCH, "center", colour=MUTED)
            for i, line in enumerate(lines)
        ]
        bottom = 2 * MARGIN + len(lines) * PITCH
    return sheet(
        items,
        measure,
        width=spec.width,
        bottom=bottom,
        title=printed.one_line(spec.title),
        keys=keys,
        notes=[printed.one_line(note) for note in notes],
        description=description or reason,
    )


def upright_title(title: str, height: float, measure: Measure) -> str:
    """Shorten the title of an upright axis to the height of the chart."""
    return shortened(printed.one_line(title), height - 4 * MARGIN, measure)


def levels_between(low: float, high: float, *, most: int) -> Callable[[Any, attrs.Attribute[Any], object], None]:
    """Validate an option that is a tuple of different numbers within limits; raises `SettingsError`."""

    def within(one: object) -> bool:
        return isinstance(one, int | float) and not isinstance(one, bool) and low <= one <= high

    def check(spec: FigureSpec, attribute: attrs.Attribute[Any], value: object) -> None:
        # A list is what JSON holds; the spec is frozen, and keeps no value that can change.
        given = cast("tuple[object, ...]", value) if isinstance(value, tuple) else None
        if given is None or len(given) > most or len(set(given)) < len(given) or not all(map(within, given)):
            msg = (
                f"{attribute.name} of figure {spec.figure!r} is a tuple of at most {most} different numbers "
                f"from {low:g} to {high:g}, not {value!r}"
            )
            raise SettingsError(msg)

    return check
