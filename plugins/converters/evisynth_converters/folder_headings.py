"""Tell a file's own columns from those that it takes over as texts, both ways."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

import attrs

from evisynth import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from evisynth_converters.csv_cells import CsvTable

TEXT = "text"
_ALIKE = 0.85


def fold(heading: str) -> str:
    """Reduce a heading to what is compared: lower case, words joined by underscores."""
    return re.sub(r"[\W_]+", "_", heading.strip().casefold()).strip("_")


@attrs.frozen
class Headings:
    """Hold the columns that a file has of its own; every other heading is a text's.

    A heading such as ``stored.weight`` is ``weight`` among the ``stored``; a text whose heading would be taken for
    something else is written as ``text.…``.
    """

    own: tuple[str, ...]
    prefixes: tuple[str, ...] = ()
    synonyms: Callable[[str], str | None] = lambda _: None
    """The own column that a heading stands for by another name; None for none."""

    def kind(self, heading: str) -> tuple[str, str]:
        """Give what a heading is of: ``("own", "study")``, ``("stored", "weight")``, ``("text", "Country")``.

        A heading so near one of its own that it may be misspelt is ``("misspelt", that one)``.
        """
        prefix, point, rest = heading.partition(".")
        if point and prefix in (*self.prefixes, TEXT):
            return prefix, rest
        folded = fold(heading)
        own = folded if folded in self.own else self.synonyms(heading)
        if own is not None:
            return "own", own
        near = get_close_matches(folded, self.own, n=1, cutoff=_ALIKE)
        return ("misspelt", near[0]) if near else (TEXT, heading)

    def of_text(self, key: str) -> str:
        """Give the heading that a text is written under."""
        plain = key and self.kind(key) == (TEXT, key)
        return key if plain else f"{TEXT}.{key}"

    def sorted(self, table: CsvTable) -> Mapping[str, tuple[str, str]]:
        """Give what each heading of a file is of.

        Raises `FormatError` for one that seems misspelt, and for two that stand for the same.
        """
        found: dict[tuple[str, str], str] = {}
        for heading in table.headings:
            kind, name = self.kind(heading)
            if kind == "misspelt":
                msg = (
                    f"{table.name}: there is no column {heading!r} (did you mean {name!r}?); "
                    f"a column of texts of that name is headed '{TEXT}.{heading}'"
                )
                raise FormatError(msg)
            other = found.setdefault((kind, name), heading)
            if other != heading:
                msg = f"{table.name}: the columns {other!r} and {heading!r} are both read as {name}"
                raise FormatError(msg)
        return {heading: key for key, heading in found.items()}


def in_order(names: Iterable[str], first: Sequence[str] = ()) -> list[str]:
    """Give distinct names, some first and the others sorted: equal mappings are written alike."""
    given = set(names)
    return [*(name for name in first if name in given), *sorted(given.difference(first))]
