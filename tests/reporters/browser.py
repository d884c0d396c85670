"""Open pages from disk in headless Chromium, with everything that they say, ask for or complain of on record."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


def chromium() -> str:
    """Find the browser, or skip the test with a line that says so."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("Chromium is not installed")
    return found


@attrs.define
class Opened:
    """Hold an open page, with the messages of its console, its errors and the addresses that it asked for."""

    page: Any
    said: list[str]
    asked: list[str]


@contextmanager
def browser() -> Iterator[Any]:
    """Start the browser for as long as it is used."""
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    path = chromium()
    with sync_playwright() as started:
        running = started.chromium.launch(executable_path=path, args=list(QUIET))
        yield running
        running.close()


def open_page(running: Any, path: Path) -> Opened:  # noqa: ANN401 - playwright's own types, which are not always there
    """Open a file."""
    page = running.new_page(viewport={"width": 1200, "height": 900})
    opened = Opened(page, [], [])
    page.on("console", lambda message: opened.said.append(message.text))
    page.on("pageerror", lambda error: opened.said.append(str(error)))
    page.on("request", lambda request: opened.asked.append(request.url))
    page.goto(path.as_uri())
    return opened
