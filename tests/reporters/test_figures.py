"""Every figure of an analysis: all that is asked of it in every format, for analyses of every kind."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any, TypeAlias

import attrs
import numpy as np
import pytest
from defusedxml import ElementTree

import evisynth as es

pytest.importorskip("matplotlib")

RECORDS = {
    record.name: record
    for record in es.default_registry().all(es.Reporter)
    if record.spec is not None and record.of == "analysis"
}
KINDS = [
    "none",
    "one",
    "two",
    "no events",
    "subgroups",
    "hostile",
    "effects",
    "far",
    "proportions",
    "difference",
    "regression",
]
OF_NO_STUDY = {"gosh", "profile", "bubble"}
"""Figures of subsets, of τ², or here of an analysis without moderators."""
BUDGET: dict[str, dict[str, Any]] = {"gosh": {"budget": 200}}


Analyses: TypeAlias = "dict[str, es.MetaAnalysis]"


def texts_of(ax: Any) -> list[Any]:  # noqa: ANN401 - matplotlib is optional
    from matplotlib.text import Text  # noqa: PLC0415 - only figures need it

    # The axis off, what is left of matplotlib's own texts is empty.
    return [one for one in ax.get_children() if isinstance(one, Text) and one.get_text() and one.get_visible()]


def renderer_of(figure: Any) -> Any:  # noqa: ANN401 - as above
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - only figures need it

    canvas: Any = FigureCanvasAgg(figure)
    return canvas.get_renderer()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", RECORDS)
def test_no_text_overlaps_another_or_is_cut_off(name: str, kind: str, analyses: Analyses) -> None:
    ax = es.draw(analyses[kind], name, **BUDGET.get(name, {}))
    figure = ax.get_figure()
    renderer = renderer_of(figure)
    edges = np.array([text.get_window_extent(renderer).extents for text in texts_of(ax)])
    assert edges.size
    width, height = figure.get_size_inches() * figure.dpi
    assert edges[:, :2].min() >= -1.0
    assert edges[:, 2].max() <= width + 1.0
    assert edges[:, 3].max() <= height + 1.0
    # A pixel of the boxes is white.
    left, low, right, high = edges.T + np.array([[0.5], [1.0], [-0.5], [-1.0]])
    beside = (right[:, None] <= left[None, :]) | (right[None, :] <= left[:, None])
    above = (high[:, None] <= low[None, :]) | (high[None, :] <= low[:, None])
    np.fill_diagonal(beside, val=True)
    hit = np.argwhere(~(beside | above))
    shown = [text.get_text() for text in texts_of(ax)]
    assert not hit.size, [(shown[i], shown[j]) for i, j in hit[:5]]


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".html"])
@pytest.mark.parametrize("name", RECORDS)
def test_each_format_is_what_it_says_and_the_same_every_time(name: str, suffix: str, analyses: Analyses) -> None:
    options: dict[str, Any] = {**BUDGET.get(name, {}), "dpi": 40}
    one = es.render(analyses["subgroups"], name, suffix=suffix, **options)
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF", ".html": b"<!doctype html>"}[suffix]
    assert isinstance(one, bytes)
    assert one.startswith(start)
    assert one == es.render(analyses["subgroups"], name, suffix=suffix, **options)


class Page(HTMLParser):
    """Collect the tags, and the texts of a drawing."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag == "text":
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self._open == "text":
            self.texts[-1] += data


def page_of(name: str, analysis: es.MetaAnalysis) -> tuple[Page, str]:
    rendered = es.render(analysis, name, suffix=".html", **BUDGET.get(name, {}))
    text = rendered.decode() if isinstance(rendered, bytes) else rendered
    page = Page()
    page.feed(text)
    return page, text


@pytest.mark.parametrize("name", RECORDS)
def test_hostile_names_are_text_in_pages(name: str, analyses: Analyses) -> None:
    page, text = page_of(name, analyses["hostile"])
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert len(scripts) <= 2
    assert "<script>alert" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert not [attributes for _, attributes in page.tags if any(key.startswith("on") for key in attributes)]
    tips = "\n".join(attributes.get("data-tip") or "" for _, attributes in page.tags)
    if name not in OF_NO_STUDY:
        assert "<script>alert(1)</script>" in tips


@pytest.mark.parametrize("name", RECORDS)
def test_pages_ask_for_nothing_and_say_what_they_show(name: str, analyses: Analyses) -> None:
    page, text = page_of(name, analyses["subgroups"])
    policy = next(
        attributes["content"] for tag, attributes in page.tags if tag == "meta" and "http-equiv" in attributes
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!#)", text)
    assert not re.search(r"url\((?!data:)", text)
    assert "<desc id=" in text
    assert not re.search(r"<desc[^>]*>\s*</desc>", text)


@pytest.mark.parametrize("name", RECORDS)
def test_a_spec_is_saved_and_read_again(name: str) -> None:
    spec = es.figure(name, title='A "title"', palette="colour-blind", language="de")
    assert es.read_figure(spec.to_json()) == spec
    with pytest.raises(es.SettingsError, match="has no option 'colour'"):
        es.figure(name, colour="red")
    fields = {field.name for field in attrs.fields(type(spec))}
    assert {"title", "language", "palette", "dpi"} <= fields


@pytest.mark.parametrize("name", RECORDS)
def test_figures_are_drawn_within_axes_of_the_users(name: str, analyses: Analyses) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415 - only figures need it

    figure: Any = Figure(figsize=(6, 3))
    left, right = figure.subplots(1, 2)
    assert es.draw(analyses["subgroups"], name, right, **BUDGET.get(name, {})) is right
    renderer = renderer_of(figure)
    figure.canvas.draw()
    boxes = [text.get_window_extent(renderer) for text in texts_of(right)]
    frame = right.get_position().transformed(figure.transFigure)
    assert min(box.x0 for box in boxes) >= frame.x0 - 2.0
    assert max(box.x1 for box in boxes) <= frame.x1 + 2.0
    assert not texts_of(left)


@pytest.mark.parametrize("name", RECORDS)
def test_vector_graphics_are_well_formed_whatever_names_hold(name: str) -> None:
    table = {
        "study": ["--><script>alert(1)</script>", "]]>&<!--", "\\input{x} $\\frac12$", "a\x00b\ud800"],
        **{column: [5, 9, 7, 12] for column in ("events_1", "events_2")},
        **{column: [40, 50, 60, 70] for column in ("n_1", "n_2")},
        "dose": [1, 2, 3, 5],
        "year": [2001, 2002, 2003, 2004],
    }
    moderators = "~ dose" if name == "bubble" else None
    analysis = es.fit(table, "RR", settings="metafor", moderators=moderators)
    drawn = es.render(analysis, name, suffix=".svg", **BUDGET.get(name, {}))
    assert isinstance(drawn, bytes)
    root = ElementTree.fromstring(drawn)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not [element for element in root.iter() if "script" in str(element.tag)]
    assert es.render(analysis, name, suffix=".pdf", **BUDGET.get(name, {}))
