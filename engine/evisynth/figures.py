"""Say what a figure looks like: small frozen values that can be saved as JSON and used again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import attrs

from evisynth.errors import FormatError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evisynth.registry import Registry

SPEC_VERSION = 1
PALETTES = ("standard", "colour-blind", "grey")


def one_of(*words: str | None) -> Callable[[Any, attrs.Attribute[Any], object], None]:
    """Validate an option that is one of some words; raises `SettingsError`, which lists them."""

    def check(spec: FigureSpec, attribute: attrs.Attribute[Any], value: object) -> None:
        if value not in words:
            have = ", ".join("none" if word is None else repr(word) for word in words)
            msg = f"{attribute.name} of figure {spec.figure!r} is one of {have}, not {value!r}"
            raise SettingsError(msg)

    return check


def each_of(*words: str) -> Callable[[Any, attrs.Attribute[Any], Iterable[object]], None]:
    """Validate an option that is a list of words; raises `SettingsError`, which lists them."""
    check = one_of(*words)

    def check_each(spec: FigureSpec, attribute: attrs.Attribute[Any], value: Iterable[object]) -> None:
        if isinstance(value, str) or not isinstance(value, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - options may be anything
            msg = f"{attribute.name} of figure {spec.figure!r} is a list of words, not {value!r}"
            raise SettingsError(msg)
        for one in value:
            check(spec, attribute, one)

    return check_each


def number_between(low: float, high: float) -> Callable[[Any, attrs.Attribute[Any], object], None]:
    """Validate an option that is a number within limits, or None where that is its default; raises `SettingsError`."""

    def check(spec: FigureSpec, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is None and attribute.default is None:
            return
        if not _is_number(value) or not low <= value <= high:  # type: ignore[operator]
            msg = f"{attribute.name} of figure {spec.figure!r} is a number from {low:g} to {high:g}, not {value!r}"
            raise SettingsError(msg)

    return check


def each_between(low: float, high: float) -> Callable[[Any, attrs.Attribute[Any], Iterable[object]], None]:
    """Validate an option that is a list of numbers within limits; raises `SettingsError`."""

    def check(spec: FigureSpec, attribute: attrs.Attribute[Any], value: Iterable[object]) -> None:
        listed = not isinstance(value, str) and isinstance(value, Iterable)  # pyright: ignore[reportUnnecessaryIsInstance] - options may be anything
        if not listed or not all(_is_number(one) and low <= one <= high for one in value):  # type: ignore[operator]
            limits = f"numbers from {low:g} to {high:g}"
            msg = f"{attribute.name} of figure {spec.figure!r} is a list of {limits}, not {value!r}"
            raise SettingsError(msg)

    return check


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@attrs.frozen(kw_only=True)
class FigureSpec:
    """Hold the options of a figure: those of every figure here, further ones in the class of each.

    Options are plain values or frozen values of such, so that `to_json` and `read_figure` lead back to an equal spec.
    """

    figure: ClassVar[str] = ""
    """Name of the reporter that draws it."""

    title: str = ""
    language: str = "en"
    """Language of the figure's own words: ``"en"``, ``"de"``."""
    palette: str = attrs.field(default="standard", validator=one_of(*PALETTES))
    dpi: float = attrs.field(default=200.0, validator=number_between(20.0, 1200.0))
    """Resolution of a bitmap."""

    @classmethod
    def option_names(cls) -> tuple[str, ...]:
        """Name the options."""
        return tuple(field.name for field in attrs.fields(cls))

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Make a spec of options by name; raises `SettingsError` for one that the figure does not have."""
        cls._refuse_unknown(options)
        return cls(**options)

    def but(self, options: Mapping[str, Any]) -> Self:
        """Change some options; raises `SettingsError` for one that the figure does not have."""
        self._refuse_unknown(options)
        return attrs.evolve(self, **options) if options else self

    @classmethod
    def _refuse_unknown(cls, options: Mapping[str, Any]) -> None:
        names = cls.option_names()
        unknown = [name for name in options if name not in names]
        if unknown:
            msg = f"figure {cls.figure!r} has no option {', '.join(map(repr, unknown))}; options: {', '.join(names)}"
            raise SettingsError(msg)

    def to_json(self, *, indent: int | None = None) -> str:
        """Give the name of the figure and all its options as JSON."""
        import cattrs  # noqa: PLC0415 - only when asked for

        held = {"figure": self.figure, "version": SPEC_VERSION, "options": cattrs.unstructure(self)}
        return json.dumps(held, indent=indent, ensure_ascii=False, allow_nan=False)


def figure(name: str, *, registry: Registry | None = None, **options: Any) -> FigureSpec:  # noqa: ANN401 - each figure has its own
    """Make the spec of a figure by name, which `report`, `render` and `draw` take in place of the name.

    Raises `LookupError` for a name that no reporter has, and `SettingsError` for a reporter that draws no figure, for
    an option that it does not have and for a value that the option does not take.
    """
    return _spec_class(name, registry).of(options)


def read_figure(text: str, *, registry: Registry | None = None) -> FigureSpec:
    """Read the spec of a figure that `FigureSpec.to_json` gave; raises `FormatError` for anything else."""
    import cattrs  # noqa: PLC0415 - only when asked for

    try:
        held: Any = json.loads(text)
    except ValueError as error:
        msg = f"the spec of a figure is JSON: {error}"
        raise FormatError(msg) from None
    given = cast("dict[str, Any]", held) if isinstance(held, dict) else dict[str, Any]()
    name, options = given.get("figure"), given.get("options", {})
    if not isinstance(name, str) or given.get("version") != SPEC_VERSION:
        msg = f'the spec of a figure is an object with "figure", "version": {SPEC_VERSION} and "options"'
        raise FormatError(msg)
    kind = _spec_class(name, registry)
    if not isinstance(options, dict):
        msg = f'"options" of a figure is an object, not {options!r}'
        raise FormatError(msg)
    known = kind.option_names()
    kind.of({}).but({str(option): None for option in cast("dict[object, object]", options) if option not in known})
    try:
        made: FigureSpec = cattrs.structure(options, kind)
    except cattrs.BaseValidationError as error:
        for cause in error.exceptions:
            if isinstance(cause, SettingsError):
                raise cause from None
        reasons = "; ".join(cattrs.transform_error(error, path="options"))
        msg = f"options of figure {kind.figure!r}: {reasons}"
        raise FormatError(msg) from None
    return made


def _spec_class(name: str, registry: Registry | None) -> type[FigureSpec]:
    from evisynth.records import Reporter  # noqa: PLC0415 - records name the specs of this module
    from evisynth.registry import default_registry  # noqa: PLC0415 - as above

    record = (registry or default_registry()).get(Reporter, name)
    if record.spec is None:
        msg = f"reporter {record.name!r} draws no figure"
        raise SettingsError(msg)
    return record.spec
