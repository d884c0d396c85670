"""Make the pages on validation: a README for each set of references, and what was found of each method."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from marked_text import code, kind_in_words, table, text
from moved_links import SETS, moved
from site_contents import DOCS, contents
from validation_status import SIGNS

from evisynth import ReferenceSet

if TYPE_CHECKING:
    from pathlib import Path

    from validation_status import Status

    from evisynth import Method, Registry

HERE = DOCS / "site" / "validation"


@cache
def readmes() -> dict[str, Path]:
    """Find the README of every set, by the name of its folder."""
    return {path.parent.name: path for path in sorted(SETS.glob("*/README.md"))}


def validation_pages(registry: Registry, status: Status) -> dict[str, str]:
    """Give the text of every page of the section, by its path."""
    pages = {f"validation/{name}.md": moved(path, HERE / f"{name}.md") for name, path in readmes().items()}
    return {"validation/index.md": _overview(registry, status), **pages}


def method_section(method: Method, status: Status) -> tuple[str, ...]:
    """Say what validation found of a method, for its page."""
    found = status.of(method)
    parts = ["## Validation status"]
    if found.sets:
        parts.append(f"Found by `evisynth validate`{status.ran}.")
        rows = [
            (
                _set(one.set),
                SIGNS[one.verdict],
                f"{one.cases:,}",
                f"{one.numbers:,}",
                "" if one.worst_error is None else f"{one.worst_error:.1e}" if one.worst_error else "0",
                "" if one.digits is None else f"{one.digits:.1f}",
            )
            for one in found.sets
        ]
        headings = ("set of references", "verdict", "cases", "numbers", "worst relative error", "correct digits")
        parts.append(table(headings, rows))
    else:
        parts.append("No set has compared it in the stored results of `evisynth validate`.")
    if found.deciding:
        parts.append("Decided by: " + ", ".join(_decider(reference) for reference in found.deciding) + ".")
    if found.absent:
        parts += ["Not compared by:", table(("set", "why"), [(_set(name), text(why)) for name, why in found.absent])]
    return tuple(parts)


def _set(name: str) -> str:
    return f"[{name}](../../validation/{name}.md)" if name in readmes() else text(name)


def _decider(reference: str) -> str:
    return code(reference) if reference.startswith("tests/") else _set(reference)


def _overview(registry: Registry, status: Status) -> str:
    known = readmes()
    records = {record.name: record for record in registry.all(ReferenceSet)}
    rows: list[tuple[str, str, str]] = []
    for name in dict.fromkeys([*records, *known]):
        record = records.get(name)
        linked = f"[{name}]({name}.md)" if name in known else text(name)
        rows.append((linked, text(record.label) if record else "", record.truth if record else ""))
    kinds = dict.fromkeys(method.kind for method, _ in registry)
    counts = Counter((method.kind, status.of(method).verdict) for method, _ in registry)
    columns = (*SIGNS, "")
    found = [
        (kind_in_words(kind, plural=True), *(str(counts[kind, column] or "") for column in columns)) for kind in kinds
    ]
    return (
        "# Validation\n\nEach set of references says what agrees, what does not and why. `evisynth validate` repeats "
        "the comparisons with the installed engine; the page of each [method](../methods/index.md) shows what it "
        "found.\n\n"
        f"{table(('set', 'what methods are held to', 'kind of truth'), rows)}\n\n## Methods by verdict\n\n"
        f"Found by `evisynth validate`{status.ran}.\n\n"
        f"{table(('kind', *SIGNS.values(), 'not among the stored results'), found)}\n" + contents(list(known))
    )
