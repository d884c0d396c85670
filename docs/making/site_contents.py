"""Say where each page stands in the site.

Pages that are read on GitHub too hold no directive: Sphinx gets the tables of contents from here.
"""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]

GUIDE = (
    "values",
    "measures",
    "medians",
    "as-reported",
    "settings",
    "numbers",
    "reviews",
    "comparing",
    "consistency",
    "meta-regression",
    "location-scale",
    "dependent-effects",
    "diagnostics",
    "small-study",
    "figures",
    "command-line",
    "hostile-files",
)
"""Pages of the guide, in the order to read them; those that are new and not named here follow."""
ELSEWHERE = {"index", "tutorial", "differences", "gallery"}
"""Pages with a place of their own."""

INDEX = (
    "tutorial",
    "site/guide",
    "site/methods/index",
    "site/plugins",
    "site/validation/index",
    "Differences <differences>",
)
FURTHER = ("gallery", "site/api/index", "site/changes", "Readme <site/readme>", "site/contributing")

ON_THE_SITE = """
## On this site

| | |
|---|---|
| [Methods](site/methods/index.md) | formula, source, R equivalent, options and validation status of every method |
| [Validation](site/validation/index.md) | the sets of references: what agrees, what does not and why |
| [API reference](site/api/index.md) | every public name with its docstring |
| [Changes](site/changes.md) | by version |
"""


def guide_pages() -> list[str]:
    """List the pages of the guide."""
    there = {path.stem for path in DOCS.glob("*.md")} - ELSEWHERE
    return [name for name in GUIDE if name in there] + sorted(there - set(GUIDE))


def contents(pages: list[str] | tuple[str, ...], *, hidden: bool = True, depth: int = 1) -> str:
    """Write a table of contents as MyST's directive."""
    options = f":maxdepth: {depth}\n" + (":hidden:\n" if hidden else "")
    return "\n```{toctree}\n" + options + "\n" + "\n".join(pages) + "\n```\n"


def with_contents(name: str, text: str) -> str:
    """Give a page's text as the site shows it."""
    return text + ON_THE_SITE + contents((*INDEX, *FURTHER)) if name == "index" else text
