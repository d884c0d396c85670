"""Write and read the TOML of a review's folder: fields of the model by name, where they differ from its defaults."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, cast

import attrs
import tomli_w

from evisynth import FormatError
from evisynth_converters.csv_cells import number_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Kind: TypeAlias = "type[str | bool | int | float] | tuple[str, ...]"
"""What a field holds: a type, or one of some words."""

LONGEST = 16 * 1024 * 1024
"""Bytes of the largest file that is parsed."""
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
# The parser walks down the whole key at every line below it.
_LONG_KEY = re.compile(rf"^[ \t]*+\[{{0,2}}[ \t]*+{_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{20}}", re.MULTILINE)
_CALLED = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def parse_toml(content: bytes, name: str) -> TomlTable:
    """Parse a file; raises `FormatError`, with the line, for one that is no TOML."""
    if len(content) > LONGEST:
        msg = f"{name} has {len(content):,} bytes; files of up to {LONGEST:,} are parsed"
        raise FormatError(msg)
    try:
        text = content.decode("utf-8-sig")
        long = _LONG_KEY.search(text)
        if long is None:
            return TomlTable(name, tomllib.loads(text))
        msg = f"{name}, line {text.count(chr(10), 0, long.start()) + 1}: a key of more than 20 parts"
    except UnicodeDecodeError as error:
        msg = f"{name} is not UTF-8: {error.reason} at byte {error.start + 1}"
    except RecursionError:
        msg = f"{name} nests its values too deep"
    except ValueError as error:
        msg = f"{name} is not TOML: {error}"
    raise FormatError(msg) from None


def nearest(word: str, known: Iterable[str]) -> str:
    """Give the known word that was perhaps meant, as the end of a message."""
    names = list(known)
    near = get_close_matches(word.casefold(), names, n=1, cutoff=0.5)
    listed = ", ".join(names[:40]) + (" …" if len(names) > 40 else "")  # noqa: PLR2004 - a readable line
    return f"{f' (did you mean {near[0]!r}?)' if near else ''}; there are {listed or 'none'}"


@attrs.frozen
class TomlTable:
    """Hold one table of a file, with its place for messages; what is asked for is checked."""

    where: str
    held: Mapping[str, object]

    def refuse_unknown(self, *known: Iterable[str]) -> None:
        """Raise `FormatError` for a key that is not known, with the nearest that is."""
        names = [name for some in known for name in some]
        for key in self.held:
            if key not in names:
                msg = f"{self.where}: there is no {key!r}{nearest(key, names)}"
                raise FormatError(msg)

    def fields(self, kinds: Mapping[str, Kind]) -> dict[str, Any]:
        """Take the fields that are given; raises `FormatError` for a value of another kind."""
        return {name: self._checked(name, self.held[name], kind) for name, kind in kinds.items() if name in self.held}

    def scalars(self, name: str | None = None) -> dict[str, Any]:
        """Take a table (this one where no name is given) of texts, flags and numbers by keys of their own."""
        found = self if name is None else self.table(name)
        held: Mapping[str, object] = {} if found is None else found.held
        for key, value in held.items():
            if not isinstance(value, str | bool | int | float):
                self._refuse(key, value, "a text, a number, or true or false")
        return dict(held)

    def mapping(self, name: str, kind: Kind) -> dict[str, Any]:
        """Take a table of values of one kind by keys of their own."""
        found = self.table(name)
        held: Mapping[str, object] = {} if found is None else found.held
        return {key: self._checked(f"{name}, {key}", value, kind) for key, value in held.items()}

    def texts(self, name: str) -> tuple[str, ...]:
        """Take a list of texts."""
        value = self._list(name, str, "a list of texts")
        return tuple(cast("list[str]", value))

    def table(self, name: str) -> TomlTable | None:
        """Take a table within this one."""
        value = self.held.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self._refuse(name, value, f"a table: [{name}]")
        return TomlTable(f"{self.where}, {name}", cast("dict[str, object]", value))

    def tables(self, name: str, called: str) -> Iterator[TomlTable]:
        """Go through a list of tables; each is called by its place and name in messages."""
        value = self._list(name, dict, f"a list of tables: [[{name}]]")
        for place, one in enumerate(cast("list[dict[str, object]]", value), 1):
            own = one.get("name", one.get("tool"))
            shown = f" ({own[:60]})" if isinstance(own, str) and own else ""
            yield TomlTable(f"{self.where}, {called} {place}{shown}", one)

    def _list(self, name: str, kind: type, called: str) -> list[object]:
        value = self.held.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, kind) for one in cast("list[object]", value)):
            self._refuse(name, value, called)  # pyright: ignore[reportUnknownArgumentType] - a list of unknowns
        return cast("list[object]", value)

    def _checked(self, name: str, value: object, kind: Kind) -> object:
        if isinstance(kind, tuple):
            if not isinstance(value, str):
                self._refuse(name, value, f"one of {', '.join(kind)}")
            if value not in kind:
                msg = f"{self.where}: {name} cannot be {value!r}{nearest(value, kind)}"
                raise FormatError(msg)
            return value
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError:
                self._refuse(name, value, "a number that a computer's floating point holds")
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            self._refuse(name, value, _CALLED[kind])
        return value

    def _refuse(self, name: str, value: object, wanted: str) -> NoReturn:
        shown = repr(value)
        msg = f"{self.where}: {name} is {wanted}, not {shown if len(shown) <= 60 else f'{shown[:57]}…'}"  # noqa: PLR2004 - a line of a message
        raise FormatError(msg)


def fields_given(value: Any, kinds: Mapping[str, Kind]) -> dict[str, Any]:  # noqa: ANN401 - any value of the model
    """Give the fields of a value that differ from the model's defaults, and those that have none."""
    defaults = {field.name: field.default for field in attrs.fields(value.__class__)}
    return {name: held for name in kinds if (held := getattr(value, name)) is not None and defaults[name] != held}


def toml_text(comment: str, table: Mapping[str, Any]) -> str:
    """Write tables in the order given, one line a value, under a comment; equal tables give equal texts."""
    return "\n".join([*(f"# {line}".rstrip() for line in comment.split("\n")), "", *_lines("", table)]) + "\n"


def _lines(path: str, table: Mapping[str, Any]) -> Iterator[str]:
    # What follows a table's heading belongs to that table: the values of this one come first.
    inner: list[tuple[str, Sequence[Mapping[str, Any]], str]] = []
    for key, value in table.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            inner.append((name, [cast("dict[str, Any]", value)], f"[{name}]"))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            inner.append((name, cast("list[dict[str, Any]]", value), f"[[{name}]]"))
        else:
            yield tomli_w.dumps({key: _plain(value)}).rstrip("\n")
    for name, tables, heading in inner:
        for one in tables:
            yield ""
            yield heading
            yield from _lines(name, one)


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value that TOML has
    """Bring equal numbers to one form."""
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        text = number_text(value)
        return int(text) if text.lstrip("-").isdigit() else float(value)
    return list(value)
