"""Give analyses of every kind to draw, and a browser to open pages in."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOSTILE = [
    "<script>alert(1)</script>",
    "\"quoted\" & 'single' $x^2$ \\input{x}",
    "\u202eright to left\u202c محمد",
    "line\nbreak\ttab\x07",
    "=1+1",
    "An author with a name that is longer than any column of a figure has room for, and then some more, 2024",
]


def counts(k: int, names: list[str] | None = None) -> dict[str, list[Any]]:
    rng = np.random.default_rng(k)
    n = rng.integers(10, 300, k)
    return {
        "study": names or [f"Author {i} {1990 + i}" for i in range(k)],
        "year": [1990 + i for i in range(k)],
        "events_1": rng.binomial(n, 0.2).tolist(),
        "n_1": n.tolist(),
        "events_2": rng.binomial(n, 0.3).tolist(),
        "n_2": n.tolist(),
        "kind": [("Adults", "Children", "Both")[i % 3] for i in range(k)],
        "dose": rng.uniform(0, 9, k).round(1).tolist(),
    }


@pytest.fixture(scope="session")
def analyses() -> dict[str, es.MetaAnalysis]:
    """Of none, one and two studies, subgroups, odd names, other scales, regressions."""
    rng = np.random.default_rng(5)
    given = es.Effects(rng.normal(0.2, 0.4, 9), rng.uniform(0.01, 0.3, 9), label="Mean Difference")
    far = es.Effects(np.log([1e-9, 0.5, 1e12]), [4.0, 0.02, 9.0], scale="log", label="Hazard Ratio")
    single = {"study": [f"Survey {i}" for i in range(8)], "events": rng.integers(0, 20, 8).tolist(), "n": [20] * 8}
    return {
        "none": es.fit(es.load(counts(1)).take([]), "RR", settings="revman5"),
        "one": es.fit(counts(1), "RR", settings="revman5"),
        "two": es.fit(counts(2), "RR"),
        "no events": es.fit({**counts(3), "events_1": [0] * 3, "events_2": [0] * 3}, "RR"),
        "subgroups": es.fit(counts(12), "OR", settings="metafor", by="kind"),
        "hostile": es.fit(counts(6, HOSTILE), "RR", settings="metafor"),
        "effects": es.fit(given, settings="metafor"),
        "far": es.fit(far, settings="metafor"),
        "proportions": es.fit(single, "PLO", settings="metafor"),
        "difference": es.fit(counts(8), "RD", settings="revman5", model="random"),
        "regression": es.fit(counts(15), "RR", settings="metafor", moderators="~ dose + C(kind)"),
    }


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


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start headless Chromium for as long as it is used."""
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    path = chromium()
    with sync_playwright() as started:
        running = started.chromium.launch(executable_path=path, args=list(QUIET))
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[[Path], Opened]]:  # noqa: ANN401 - playwright's own types, which are not always there
    """Open files in tabs of their own, which are closed at the end of the test."""
    tabs: list[Any] = []

    def opened_from(path: Path) -> Opened:
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        tabs.append(page)
        opened = Opened(page, [], [])

        def said(message: Any) -> None:  # noqa: ANN401 - as above
            opened.said.append(str(getattr(message, "text", message)))

        def asked(request: Any) -> None:  # noqa: ANN401 - as above
            opened.asked.append(request.url)

        page.on("console", said)
        page.on("pageerror", said)
        page.on("request", asked)
        page.goto(path.as_uri())
        return opened

    yield opened_from
    for page in tabs:
        page.close()
