"""Hold what a check is told about numbers that they do not say themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from evisynth.errors import SettingsError

if TYPE_CHECKING:
    from evisynth.consistency.intervals import ScaleName


def _scale(_: object, __: object, value: ScaleName | None) -> None:
    if value not in {None, "log", "linear"}:
        msg = f"scale is 'log' (ratios) or 'linear' (differences), not {value!r}"
        raise SettingsError(msg)


def _level(_: object, __: object, value: float) -> None:
    if not 0.0 < value < 1.0:
        msg = f"level is a probability between 0 and 1, such as 0.95, not {value!r}"
        raise SettingsError(msg)


def _df(_: object, __: object, value: float | None) -> None:
    if value is not None and not value > 0:
        msg = f"df are degrees of freedom above 0, not {value!r}"
        raise SettingsError(msg)


def _items(_: object, __: object, value: int) -> None:
    if value < 1:
        msg = f"items is how many whole numbers each response is the mean of, at least 1, not {value!r}"
        raise SettingsError(msg)


def _bounds(_: object, __: object, value: tuple[float, float] | None) -> None:
    if value is not None and not (len(value) == 2 and value[0] < value[1]):  # noqa: PLR2004 - lowest and highest
        msg = f"bounds are the lowest and the highest value of the scale, such as (0, 10), not {value!r}"
        raise SettingsError(msg)


@attrs.frozen(kw_only=True)
class Options:
    """Hold the words of `check`."""

    scale: ScaleName | None = attrs.field(default=None, validator=_scale)
    level: float = attrs.field(default=0.95, validator=_level)
    df: float | None = attrs.field(default=None, validator=_df)
    measure: str | None = None
    integer: tuple[str, ...] = ()
    """Columns of means (``mean_1``), or outcomes of a review (``1.2``), whose responses are whole numbers."""
    items: int = attrs.field(default=1, validator=_items)
    bounds: tuple[float, float] | None = attrs.field(default=None, validator=_bounds)

    def is_whole(self, *names: str) -> bool:
        """Whether the means of a column or an outcome are of whole numbers."""
        return any(name in self.integer for name in names)

    def bounds_of(self, *, whole: bool) -> tuple[float | None, float | None]:
        """Give the ends of the scale: of the means that are named, or of all where none is."""
        return self.bounds if self.bounds is not None and (whole or not self.integer) else (None, None)
