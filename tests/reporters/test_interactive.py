"""Pages of figures in a browser: data at a glance, a study left out by a click or a key, nothing asked for or said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("matplotlib")
Opening = "Callable[[Path], Any]"

TABLE: dict[str, Any] = {
    "study": ["Alvarez 2001", '<script>alert("x")</script>', "Chen 2010", "Dubois & Søn 2015"],
    "events_1": [3, 5, 10, 2],
    "n_1": [20, 30, 50, 25],
    "events_2": [6, 9, 12, 1],
    "n_2": [21, 29, 48, 26],
}


@pytest.fixture(scope="module")
def analysis() -> es.MetaAnalysis:
    return es.fit(TABLE, "RR", settings="revman5", model="random")


def saved(analysis: es.MetaAnalysis, name: str, folder: Path) -> Path:
    path = folder / f"{name}.html"
    es.report(analysis, name, path)
    return path


def shown(analysis: es.MetaAnalysis) -> str:
    assert analysis.display is not None
    return f"{analysis.display.value:.2f} [{analysis.display.ci_low:.2f}, {analysis.display.ci_high:.2f}]"


def texts(page: Any) -> list[str]:  # noqa: ANN401 - playwright's own type
    found: list[str] = page.locator("svg text").all_text_contents()
    return found


@pytest.mark.parametrize("name", ["forest", "funnel", "labbe", "drapery", "rain"])
def test_a_click_leaves_a_study_out_and_another_brings_it_back(
    name: str, analysis: es.MetaAnalysis, tmp_path: Path, open_page: Callable[[Path], Any]
) -> None:
    opened = open_page(saved(analysis, name, tmp_path))
    page = opened.page
    before = page.locator("svg").inner_html()
    assert shown(analysis) in page.locator(".said").inner_text()
    page.locator('[data-row="2"]').dispatch_event("click")
    said = page.locator(".said").inner_text()
    assert said.startswith("Without Chen 2010: ")
    assert shown(es.fit(TABLE, "RR", settings="revman5", model="random", exclude=["Chen 2010"])) in said
    assert page.locator("svg").inner_html() != before
    assert page.locator('[data-row="2"]').get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="All studies").click()
    assert page.locator("svg").inner_html() == before
    assert (opened.said, len(opened.asked)) == ([], 1)


def test_the_forest_plot_of_the_others_is_that_of_an_analysis_without_the_study(
    analysis: es.MetaAnalysis, tmp_path: Path, open_page: Callable[[Path], Any]
) -> None:
    page = open_page(saved(analysis, "forest", tmp_path)).page
    other = es.fit(TABLE, "RR", settings="revman5", model="random", exclude=["Alvarez 2001"])
    footers = [line for line in str(other).splitlines() if line.startswith(("Heterogeneity", "Test for overall"))]
    assert len(footers) == 2
    assert not set(footers) <= set(texts(page))
    page.locator('[data-row="0"]').click()
    now = texts(page)
    assert {shown(other), *footers, "–"} <= set(now)
    for study in other.studies[1:]:
        assert f"{study.weight:.1f}%" in now


def test_pointing_and_the_keyboard_show_a_studys_data(
    analysis: es.MetaAnalysis, tmp_path: Path, open_page: Callable[[Path], Any]
) -> None:
    opened = open_page(saved(analysis, "forest", tmp_path))
    page, tip = opened.page, opened.page.locator(".figure-tip")
    assert not tip.is_visible()
    page.locator('[data-row="1"]').hover()
    assert tip.is_visible()
    assert tip.inner_text().splitlines()[0] == '<script>alert("x")</script>'
    assert "events_1 = 5, n_1 = 30" in tip.inner_text()
    page.mouse.move(2, 2)
    assert not tip.is_visible()
    page.keyboard.press("Tab")
    assert tip.inner_text().startswith("Alvarez 2001")
    page.keyboard.press("Enter")
    assert page.locator(".said").inner_text().startswith("Without Alvarez 2001: ")
    page.keyboard.press(" ")
    assert page.locator(".said").inner_text().startswith("All 4 studies: ")
    assert (opened.said, len(opened.asked)) == ([], 1)


def test_letters_take_the_room_that_was_measured(
    analysis: es.MetaAnalysis, tmp_path: Path, open_page: Callable[[Path], Any]
) -> None:
    """The font travels with the page: no text overlaps another or leaves the sheet in the browser either."""
    page = open_page(saved(analysis, "forest", tmp_path)).page
    page.evaluate("document.fonts.ready")
    boxes = page.evaluate(
        """() => {
            const sheet = document.querySelector("svg").viewBox.baseVal.width;
            return [...document.querySelectorAll("svg text")].map((text) => {
                const box = text.getBBox();
                return [box.x, box.y, box.width, box.height, sheet, text.textContent];
            });
        }"""
    )
    assert page.evaluate("document.fonts.check('9px evisynth-sans')")
    assert all(x >= 0 and x + width <= sheet for x, _, width, _, sheet, _ in boxes)
    for i, (x1, y1, w1, h1, _, one) in enumerate(boxes):
        for x2, y2, w2, h2, _, other in boxes[i + 1 :]:
            apart = x1 + w1 <= x2 + 0.5 or x2 + w2 <= x1 + 0.5 or y1 + h1 <= y2 + 2.5 or y2 + h2 <= y1 + 2.5
            assert apart, (one, other)


def test_pages_print(analysis: es.MetaAnalysis, tmp_path: Path, open_page: Callable[[Path], Any]) -> None:
    page = open_page(saved(analysis, "funnel", tmp_path)).page
    made: bytes = page.pdf()
    assert made.startswith(b"%PDF")
    page.emulate_media(media="print")
    assert not page.locator(".hint").is_visible()


def test_an_analysis_of_many_studies_says_the_result_without_drawing_it_anew() -> None:
    effects = es.Effects([0.1 + 0.01 * i for i in range(70)], [0.02 + 0.001 * (i % 7) for i in range(70)])
    page = es.render(es.fit(effects, settings="metafor"), "funnel", suffix=".html")
    assert isinstance(page, bytes)
    text = page.decode()
    assert text.count('"changes":{}') == 1
    assert len(re.findall(r"Without Study \d+: ", text)) == 70
