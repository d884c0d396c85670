"""Show a text of the project's folders on a page of the site, its links leading where they did."""

from __future__ import annotations

import os
import re
from pathlib import Path

from site_contents import DOCS

ROOT = DOCS.parent
SETS = ROOT / "validation" / "evisynth_validation"
SITE = DOCS / "site"
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>(?!https?:|mailto:|#)[^)\s]+)\)")

PAGES = {
    ROOT / "README.md": SITE / "readme.md",
    ROOT / "CONTRIBUTING.md": SITE / "contributing.md",
    ROOT / "CHANGELOG.md": SITE / "changes.md",
}


def page_of(file: Path) -> Path | None:
    """Say on which page of the site a file is shown; None for one that is not."""
    if file in PAGES:
        return PAGES[file]
    if file.name == "README.md" and file.parent.parent == SETS:
        return SITE / "validation" / f"{file.parent.name}.md"
    return file if file.is_relative_to(DOCS) else None


def moved(file: Path, page: Path) -> str:
    """Give a file's text for a page elsewhere: links to pages are led there, those to other files are names of them."""

    def lead(found: re.Match[str]) -> str:
        path, mark, heading = found["target"].partition("#")
        there = page_of(Path(os.path.normpath(file.parent / path)))
        if there is None:
            return found["text"]
        return f"[{found['text']}]({Path(os.path.relpath(there, page.parent)).as_posix()}{mark}{heading})"

    return LINK.sub(lead, file.read_text(encoding="utf-8"))
