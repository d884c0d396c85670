"""Write Markdown for the pages that are made: text that is no markup, tables, formulas."""

from __future__ import annotations

import html
import inspect
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

CODE = re.compile(r"(``.+?``|`[^`]+`)", re.DOTALL)
MARKUP = re.compile(r"([\\*_\[\]<>#$~|])")
RAISED = re.compile(r"\^(\([^()]*\)|[−-]?[\w.½⅓⅔]+)")
LOWERED = re.compile(r"(?<!\w)(\w)_(\([^()]*\)|\w+)")


def text(words: str) -> str:
    """Escape what Markdown would take for markup, but leave code between backticks as it is."""
    return "".join(part if CODE.fullmatch(part) else MARKUP.sub(r"\\\1", part) for part in CODE.split(words))


def docstring(function: Callable[..., object]) -> str:
    """Give a function's docstring without its first line, as paragraphs."""
    return text((inspect.getdoc(function) or "").partition("\n")[2].strip())


def code(words: str) -> str:
    """Show words as code, backticks among them too."""
    fence = "``" if "`" in words else "`"
    return f"{fence}{words}{fence}" if words else ""


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; its cells are Markdown, whose bars are escaped where they are not yet."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(re.sub(r"(?<!\\)\|", r"\|", cell) for cell in line) + " |" for line in lines)


def formula(words: str) -> str:
    """Set a formula as a block of its own, a line for each statement, with minus signs and raised exponents."""
    lines = [_set(line) for line in statements(words)]
    inner = "".join(f"<div>{line}</div>" for line in lines)
    return f'<div class="formula" role="math" aria-label="{html.escape(words)}">{inner}</div>'


def statements(words: str) -> list[str]:
    """Part the statements of a formula: at semicolons that are not within brackets."""
    parts, depth = [""], 0
    for letter in words:
        depth += (letter == "(") - (letter == ")")
        if letter == ";" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _set(line: str) -> str:
    line = html.escape(line.replace(" - ", " − "), quote=False)
    line = RAISED.sub(lambda found: f"<sup>{_bare(found[1])}</sup>", line)
    return LOWERED.sub(lambda found: f"{found[1]}<sub>{_bare(found[2])}</sub>", line)


def _bare(words: str) -> str:
    return words[1:-1] if words.startswith("(") and words.endswith(")") else words


def slug(name: str) -> str:
    """Make a file name of a method's: plain letters, digits and dashes; a star is a word."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("*", " star"))
    return re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode()).strip("-") or "method"


def kind_in_words(kind: str, *, plural: bool = False) -> str:
    """Write a kind of method as words: a ``Tau2Estimator`` is a τ² estimator; the plural begins a line."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", kind).lower()
    return f"{words}s".capitalize().replace("Tau2", "τ²") if plural else words.replace("tau2", "τ²")
