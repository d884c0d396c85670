"""Make the pages that nobody writes by hand: methods, reference sets, API, and the texts of the project's root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_pages import api_pages
from method_pages import method_pages
from moved_links import moved
from site_contents import DOCS, contents, guide_pages
from validation_pages import validation_pages

from evisynth import default_registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from validation_status import Status

ROOT = DOCS.parent


def write_pages(folder: Path, pages: Mapping[str, str]) -> None:
    """Write all pages and remove those of before; a page whose text is as it was is left alone, and not built again."""
    for old in set(folder.rglob("*.md")) - {folder / name for name in pages}:
        old.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def made_pages(status: Status) -> dict[str, str]:
    """Give the text of every page that is made, by its path."""
    registry = default_registry()
    hooks = sorted(path.stem for path in (DOCS / "hooks").glob("*.md"))
    return {
        "guide.md": "# Guide\n" + contents([f"../{name}" for name in guide_pages()], hidden=False),
        "plugins.md": "# Plugins\n\nWhat a plugin is stands [on the first page](../index.md#writing-a-plugin). "
        "Each hook has a page, whose example is a whole plugin.\n"
        + contents([f"../hooks/{hook}" for hook in hooks], hidden=False),
        **{
            name: moved(ROOT / file, DOCS / "site" / name)
            for name, file in (
                ("readme.md", "README.md"),
                ("contributing.md", "CONTRIBUTING.md"),
                ("changes.md", "CHANGELOG.md"),
            )
        },
        **method_pages(registry, status),
        **validation_pages(registry, status),
        **api_pages(),
    }
