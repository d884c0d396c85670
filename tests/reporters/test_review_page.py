"""The report of a review holds everything, says the same in every format, and no name in it becomes anything else."""

from __future__ import annotations

import ast
import json
import pickle
import re
import shutil
import subprocess
import zipfile
from html.parser import HTMLParser
from importlib import import_module
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import attrs
import pytest

import evisynth as es
from evisynth_reporters import outcome_section, review_page
from evisynth_reporters.article import Article, Grid, Link, Listing, Paragraph, Picture, Section
from evisynth_reporters.article_document import article_document
from evisynth_reporters.article_page import article_page
from evisynth_reporters.browser import find_browser
from evisynth_reporters.drawing import Disc, Drawing, Group, Label
from evisynth_reporters.figure import figure
from evisynth_reporters.interactive import policy
from evisynth_reporters.long_text import words_of_text
from evisynth_reporters.outcome_section import Asked
from evisynth_reporters.review_article import review_article
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = '<script>alert("x")</script>&amp;=1+1\n\x1b[31m$x$ \u202eabc\u202c \u05e2\u05d1\u05e8'
ROWS = [
    *((12, 60, 18, 58), (3, 25, 4, 27), (9, 40, 2, 38), (7, 31, 15, 30), (4, 50, 9, 52), (11, 80, 17, 79)),
    *((2, 20, 5, 22), (15, 90, 21, 88), (6, 45, 8, 44), (8, 61, 14, 63), (1, 30, 3, 31)),
]
COLUMNS = ("events_1", "n_1", "events_2", "n_2")


def rows(start: int, stop: int) -> tuple[es.ReviewRow, ...]:
    return tuple(
        es.ReviewRow(study=f"s{i}", data=dict(zip(COLUMNS, map(float, ROWS[i]), strict=True)))
        for i in range(start, stop)
    )


# The last study's SDs are as small as standard errors of such a study would be.
MEANS = [(10, 3, 50, 12, 3, 50), (11, 3.2, 60, 13, 3.2, 60), (9, 2.9, 55, 11, 2.9, 55), (10.5, 0.3, 100, 12, 0.31, 100)]


def scores() -> tuple[es.ReviewRow, ...]:
    names = es.DATA_COLUMNS["continuous"]
    return tuple(
        es.ReviewRow(study=f"s{i}", data=dict(zip(names, map(float, row), strict=True))) for i, row in enumerate(MEANS)
    )


def outcome(number: int, name: str, **given: object) -> es.ReviewOutcome:
    words: dict[str, object] = {"data_type": "dichotomous", "method": "MH", "model": "random", "measure": "RR"}
    return es.ReviewOutcome(number=number, name=name, **{**words, **given})  # type: ignore[arg-type]


def review(name: str = "") -> es.Review:
    """Make the review; a name given stands in the place of every one."""

    def named(usual: str) -> str:
        return f"{name} {usual}" if name else usual

    groups = (
        es.ReviewSubgroup(number=1, name=named("Men"), rows=rows(0, 4)),
        es.ReviewSubgroup(number=2, name=named("Women"), rows=rows(4, 8)),
        es.ReviewSubgroup(number=3, name=named("Children"), rows=()),
    )
    studies = [es.ReviewStudy(id=f"s{i}", name=named(f"Study {i}"), year="2001") for i in range(len(ROWS))]
    studies[0] = es.ReviewStudy(
        id="s0",
        name=named("Study 0"),
        year="2001",
        characteristics={
            "methods": "<P>Parallel <B>groups</B> &amp; blinded</P><P>Two centres</P>",
            "notes": named("x"),
        },
        references=(
            es.ReviewReference(
                fields={"authors": "Adams A", "title": named("A trial"), "source": "BMJ", "year": "2001"},
                identifiers=(("DOI", "10.1000/a<b>"), ("PUBMED", "123")),
            ),
        ),
    )
    excluded = es.ReviewStudy(
        id="x",
        name=named("Excluded 1999"),
        status="excluded",
        characteristics={"reason_for_exclusion": named("Not random")},
    )
    judged = tuple(
        es.Judgement(study=f"s{i}", judgement=word, support=named("said so")) for i, word in enumerate(("low", "high"))
    )
    return es.Review(
        title=named("A review"),
        doi="10.1002/x",
        studies=(*studies, excluded),
        risk_of_bias=(
            es.RiskOfBias(tool="RoB 1", domains=(es.BiasDomain(id="d", name=named("Blinding"), judgements=judged),)),
        ),
        flow=es.StudyFlow(counts={"records_screened": 321}, reasons={"dbr_excluded": ((named("No trial"), 12),)}),
        comparisons=(
            es.ReviewComparison(
                number=1,
                name=named("New versus old"),
                outcomes=(
                    outcome(1, named("Death"), rows=rows(0, len(ROWS))),
                    outcome(2, named("Pain"), subgroups=groups, group_1=named("New")),
                    outcome(3, named("Falls"), subgroups=groups, totals="subgroups"),
                    outcome(4, named("Not reported")),
                    outcome(5, named("Cost"), rows=rows(0, 3), method="IV", model="common", measure="OR"),
                    outcome(6, named("Score"), rows=scores(), data_type="continuous", method="IV", measure="MD"),
                ),
            ),
        ),
        notes=(named("a note"),),
        source="review.rm5",
    )


class Page(HTMLParser):
    """Collect the tags of a page with their attributes, its text, and what stands in each kind of element."""

    def __init__(self, html: str) -> None:
        """Read a page."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.within: dict[str, list[str]] = {}
        self.said = ""
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self.within.setdefault(tag, []).append("")
        if tag not in {"meta", "br", "link", "img"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close it."""
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Keep its text, for each element that it is within."""
        self.said += data
        for tag in dict.fromkeys(self._open):
            self.within[tag][-1] += data

    def of(self, tag: str) -> list[dict[str, str]]:
        """Give the attributes of every element of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def made() -> es.ReviewAnalysis:
    return es.fit(review())


@pytest.fixture(scope="module")
def hostile() -> es.ReviewAnalysis:
    return es.fit(review(HOSTILE))


@pytest.fixture(scope="module")
def folder(made: es.ReviewAnalysis) -> dict[str, bytes]:
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    files_of: Any = es.render(made, "html")
    return dict(files_of)


@pytest.fixture(scope="module")
def page(folder: dict[str, bytes]) -> Page:
    return Page(folder["index.html"].decode())


@pytest.fixture(scope="module")
def hostile_html(hostile: es.ReviewAnalysis) -> str:
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    made_of: Any = es.render(hostile, "html")
    return str(made_of["index.html"].decode())


# -- page -------------------------------------------------------------------------------------------------------------


def test_the_page_is_one_file_with_data_beside_it(
    made: es.ReviewAnalysis, folder: dict[str, bytes], page: Page
) -> None:
    assert sorted(folder) == ["index.html", "review.csv", "review.json"]
    assert json.loads(folder["review.json"])["review"]["title"] == "A review"
    assert folder["review.csv"].decode() == es.render(made, "csv")
    assert not [one for one in page.tags if "src" in one[1] or one[0] in {"link", "iframe", "object", "base"}]
    assert not re.findall(r"url\((?!data:)", folder["index.html"].decode())


def test_links_resolve_and_ids_are_unique(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [one["href"] for one in page.of("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert [link for link in links if not link.startswith("#")] == [
        *("https://doi.org/10.1002/x", "https://doi.org/10.1000/a%3Cb%3E", "https://pubmed.ncbi.nlm.nih.gov/123/"),
    ]
    named = [name for _, held in page.tags for name in held.get("aria-labelledby", "").split()]
    assert named
    assert set(named) <= set(ids)


def test_every_part_is_there(page: Page) -> None:
    headings = page.within["h2"]
    assert headings == [
        *("Contents", "Summary of results", "Methods", "Study flow", "Included studies", "Risk of bias"),
        *("Comparison 1 New versus old", "Warnings", "Excluded studies", "References"),
        *("Appendix: R scripts", "Appendix: data"),
    ]
    assert page.within["h3"].count("1.1 Death") == 3
    text = page.said
    for said in ("Parallel groups & blinded", "Two centres", "Not random", "said so", "321", "No trial", "a note"):
        assert said in text
    assert "The file holds no studies for this outcome." in text
    assert "1.6: Study 3: the SDs are as small as standard errors of such a study would be" in text
    assert "Adams A. A trial. BMJ. 2001." in text


def test_footers_are_exact(page: Page, made: es.ReviewAnalysis) -> None:
    for one in made:
        if one.analysis is None:
            continue
        expected = outcome_section.footers_of(outcome_section.table_of(one.analysis))
        assert expected
        # Each stands in the figure, in the lines beneath and in the appendix.
        assert all(page.said.count(line) >= 3 for line in expected)
    assert any(re.fullmatch(r"Heterogeneity: Tau² = \d\.\d\d; Chi² = \d+\.\d\d, df = 10 \(P = .*\); I² = \d+%", text)
               for text in page.within["text"])  # fmt: skip


def test_heterogeneity_is_said_by_every_band_that_i2_lies_in(made: es.ReviewAnalysis) -> None:
    analysis = made["1.1"].analysis
    assert analysis is not None
    said = {}
    for i2 in (0.0, 35.0, 55.0, 80.0, 95.0):
        changed = attrs.evolve(analysis.heterogeneity, i2=i2)
        fake: Any = _Fake(analysis, changed)
        (paragraph,) = outcome_section.heterogeneity_in_words(fake, words_of("en"))
        assert isinstance(paragraph, Paragraph)
        said[i2] = str(paragraph.parts[0])
    assert "might not be important," in said[0.0]
    assert "might not be important or may be moderate," in said[35.0]
    assert "may be moderate or may be substantial," in said[55.0]
    assert "may be substantial or is considerable," in said[80.0]
    assert ") is considerable," in said[95.0]


class _Fake:
    """Stand for an analysis with another heterogeneity."""

    def __init__(self, analysis: es.MetaAnalysis, heterogeneity: es.Heterogeneity) -> None:
        self.settings, self.heterogeneity = analysis.settings, heterogeneity


def test_small_studies_are_tested_from_ten_on(made: es.ReviewAnalysis, page: Page) -> None:
    analysis = made["1.1"].analysis
    assert analysis is not None
    egger = es.bias(analysis, "Egger")
    captions = page.within["caption"]
    assert [one for one in captions if "small-study" in one] == [
        "Test for small-study effects in outcome 1.1 (asymmetry and limits on the analysis scale)",
        "Effect adjusted for small-study effects in outcome 1.1",
    ]
    assert egger.statistic is not None
    assert f"t = {egger.statistic:.2f} (df = 9)" in page.said


def test_scripts_or_the_reason(made: es.ReviewAnalysis, page: Page) -> None:
    scripts = [one.strip() for one in page.within["code"]]
    analyses = [one.analysis for one in made if one.analysis is not None]
    assert "library(metafor)" in scripts[0]
    said = [_script_or_reason(analysis) for analysis in analyses]
    assert all(text in scripts or f"There is no R script: {text}." in page.said for text in said)


def _script_or_reason(analysis: es.MetaAnalysis) -> str:
    try:
        return analysis.to_r().strip()
    except es.CombinationError as error:
        return str(error)


def test_the_policy_allows_this_style_and_this_script_alone(folder: dict[str, bytes], page: Page) -> None:
    (content,) = [one["content"] for one in page.of("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    (look,) = page.within["style"]
    run = [text for text, one in zip(page.within["script"], page.of("script"), strict=True) if "type" not in one]
    assert content == policy(styles=[look], scripts=run)
    assert "unsafe" not in content
    assert not [one for _, one in page.tags if "style" in one or any(name.startswith("on") for name in one)]
    assert b"<style>" in folder["index.html"]


def test_the_page_can_be_used_without_sight_or_mouse(page: Page) -> None:
    assert page.of("html") == [{"lang": "en"}]
    assert [tag for tag, _ in page.tags if tag in {"header", "nav", "main", "footer"}] == [
        "header",
        "nav",
        "main",
        "footer",
    ]
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    described = page.within["desc"]
    assert len(described) == 8
    assert all(len(text) > 20 for text in described)
    assert all(one.get("aria-label") for one in page.of("div") if one.get("class") == "scroll")
    assert len(page.of("caption")) == len(page.of("table"))
    assert page.of("a")[0] == {"class": "skip", "href": "#report"}


def test_only_small_outcomes_let_readers_leave_studies_out(made: es.ReviewAnalysis, folder: dict[str, bytes]) -> None:
    def data_blocks(**options: Any) -> int:  # noqa: ANN401 - of the reporter
        rendered: Any = es.render(made, "html", **options)
        return str(rendered["index.html"]).count("application/json")

    pytest.importorskip("matplotlib")
    whole = folder["index.html"].decode().count("application/json")
    assert data_blocks(leave_one_out=8) == whole - 1


@attrs.frozen(kw_only=True)
class FunnelSpec(es.FigureSpec):
    figure = "funnel"


@attrs.frozen(kw_only=True)
class FlowSpec(es.FigureSpec):
    figure = "prisma"


class Figures:
    """Offer figures that files alone are to be had of: a funnel plot, and a flow diagram that cannot be drawn."""

    @es.hookimpl
    def reporters(self) -> list[es.Reporter]:
        def funnel(analysis: es.MetaAnalysis, spec: FunnelSpec, *, suffix: str) -> bytes:
            return es.render(analysis, "forest", suffix=suffix, language=spec.language)  # type: ignore[return-value]

        def flow(review: es.Review, spec: FlowSpec, *, suffix: str) -> bytes:
            msg = f"no {suffix} of {review.title} in {spec.language}"
            raise es.SettingsError(msg)

        kinds = {".png": "image/png", ".svg": "image/svg+xml"}
        return [
            es.Reporter("funnel", funnel, reference="-", media_types=kinds, spec=FunnelSpec),
            es.Reporter("prisma", flow, reference="-", media_types=kinds, spec=FlowSpec, of="review data"),
        ]


def test_figures_of_other_makers_are_shown_and_failures_said() -> None:
    pytest.importorskip("matplotlib")
    registry = es.Registry(load=False)
    for plugin in es.default_registry().plugins:
        if not {method.name for method in plugin.methods if isinstance(method, es.Reporter)} & {"funnel", "prisma"}:
            registry.register(import_module(plugin.module), plugin.name)
    registry.register(Figures(), "figures")
    own = es.fit(review(), registry=registry)
    article = review_article(own, Asked(words_of("en"), registry))
    read = Page(article_page(article, words_of("en")))
    (image,) = read.of("img")
    assert image["src"].startswith("data:image/svg+xml;base64,")
    assert image["alt"] == "Funnel plot of 1.1 Death"
    failed = "PRISMA 2020 flow diagram could not be drawn: no .svg of A review in en"
    assert failed in read.said
    docx = pytest.importorskip("docx")
    document = docx.Document(BytesIO(article_document(article, words_of("en"))))
    described = [one._inline.docPr.get("descr") for one in document.inline_shapes]
    assert "Funnel plot of 1.1 Death" in described
    assert failed.replace(".svg", ".png") in [one.text for one in document.paragraphs]


def test_figures_can_be_left_out_and_outcomes_are_told_of(made: es.ReviewAnalysis) -> None:
    pytest.importorskip("jinja2")
    told: list[str] = []
    rendered: Any = es.render(made, "html", plots=False, title="Mine", progress=told.append)
    plain = Page(rendered["index.html"].decode())
    assert not plain.of("svg")
    assert plain.within["h1"] == ["Mine"]
    assert told == ["1.1", "1.2", "1.3", "1.4", "1.5", "1.6"]


def test_no_name_becomes_markup(hostile_html: str, page: Page) -> None:
    read = Page(hostile_html)
    kinds = ("script", "style", "img", "iframe", "meta")
    assert [len(read.of(kind)) for kind in kinds] == [len(page.of(kind)) for kind in kinds]
    assert '<script>alert("x")' not in hostile_html
    assert '<script>alert("x")</script>&amp;=1+1' in read.said
    assert not set(hostile_html) & set("\x1b\u202e\u202c\x00")


def test_the_report_speaks_german(made: es.ReviewAnalysis) -> None:
    pytest.importorskip("jinja2")
    rendered: Any = es.render(made, "html", language="de", plots=False)
    read = Page(rendered["index.html"].decode())
    assert read.of("html") == [{"lang": "de"}]
    assert {"Inhalt", "Methoden", "Ausgeschlossene Studien", "Literatur"} <= set(read.within["h2"])
    assert "Die Datei enthält keine Studien zu diesem Endpunkt." in read.said
    assert "niedrig" in read.said
    with pytest.raises(es.SettingsError, match="language is one of"):
        es.render(made, "html", language="xx", plots=False)


def test_every_text_of_the_report_is_in_the_german_catalogue() -> None:
    catalogue, package = words_of("de").catalogue, files("evisynth_reporters")
    found: set[Any] = set()
    for name in ("outcome_section", "methods_section", "review_article", "review_tables", "pictures"):
        for node in ast.walk(ast.parse(package.joinpath(f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and "words" in {getattr(node.func, "id", ""), getattr(node.func, "attr", "")}:
                found |= {one.value for one in node.args if isinstance(one, ast.Constant)}
    template = package.joinpath("templates", "article.html").read_text(encoding="utf-8")
    found |= set(re.findall(r'words\("(.+?)"\)', template))
    assert len(found) > 50
    assert found <= set(catalogue)
    for key, text in catalogue.items():
        assert sorted(re.findall(r"{\w+}", key)) == sorted(re.findall(r"{\w+}", text)), key


def test_long_texts_lose_the_markup_of_their_file_and_no_other() -> None:
    assert words_of_text("<P>One <B>two</B> &amp; three</P>\n<P/><UL><LI>four</LI></UL>") == "One two & three\n• four"
    assert words_of_text("a < b & c <script>x</script>") == "a < b & c <script>x</script>"
    assert words_of_text("<P>&lt;script&gt;</P>") == "<script>"
    assert words_of_text(None) == ""


def test_a_report_without_anything_still_is_one() -> None:
    pytest.importorskip("jinja2")
    rendered: Any = es.render(es.fit(es.Review()), "html")
    read = Page(rendered["index.html"].decode())
    assert read.within["h1"] == ["Review"]
    assert "The file lists no excluded studies." in read.said


# -- document and print -----------------------------------------------------------------------------------------------


def test_the_document_says_what_the_page_does(made: es.ReviewAnalysis) -> None:
    docx = pytest.importorskip("docx")
    pytest.importorskip("matplotlib")
    content = es.render(made, "docx")
    assert isinstance(content, bytes)
    document = docx.Document(BytesIO(content))
    article = review_article(made, Asked(words_of("en"), es.default_registry()))
    headings = [one.text for one in document.paragraphs if one.style.name.startswith("Heading")]
    assert headings == [section.title for _, section in article.every_section]
    blocks = [block for _, section in article.every_section for block in section.blocks]
    grids = [block for block in blocks if isinstance(block, Grid)]
    assert len(document.tables) == len(grids)
    for table, grid in zip(document.tables, grids, strict=True):
        assert [cell.text for cell in table.rows[0].cells] == [heading.text for heading in grid.headings]
        assert len(table.rows) == len(grid.rows) + 1
    said = "\n".join(one.text for one in document.paragraphs)
    for block in blocks:
        items = block.items if isinstance(block, Listing) else (block.parts,) if isinstance(block, Paragraph) else ()
        for parts in items:
            assert "".join(one.text if isinstance(one, Link) else one for one in parts) in said
    pictures = document.inline_shapes
    assert len(pictures) == 8
    assert all(len(one._inline.docPr.get("descr")) > 20 for one in pictures)


def test_links_of_the_document_resolve(made: es.ReviewAnalysis) -> None:
    pytest.importorskip("docx")
    content: Any = es.render(made, "docx", plots=False)
    assert content == es.render(made, "docx", plots=False), "the same report gives the same bytes"
    xml = zipfile.ZipFile(BytesIO(content)).read("word/document.xml").decode()
    names = re.findall(r'<w:bookmarkStart [^>]*w:name="([^"]+)"', xml)
    assert len(names) == len(set(names))
    anchors = set(re.findall(r'<w:hyperlink w:anchor="([^"]+)"', xml))
    assert anchors
    assert anchors <= set(names)
    assert all(len(name) <= 40 for name in names)


def test_names_are_text_in_the_document(hostile: es.ReviewAnalysis) -> None:
    docx = pytest.importorskip("docx")
    content: Any = es.render(hostile, "docx", plots=False)
    document = docx.Document(BytesIO(content))
    assert any('<script>alert("x")</script>&amp;=1+1' in one.text for one in document.paragraphs)
    assert any('<script>alert("x")</script>&amp;=1+1' in cell.text for cell in document.tables[0].columns[1].cells)


def test_a_browser_that_is_not_there_is_named(made: es.ReviewAnalysis, tmp_path: Path) -> None:
    with pytest.raises(es.MissingProgramError, match="looked for no-such-browser") as error:
        es.report(made, "pdf", tmp_path / "x.pdf", browser="no-such-browser")
    assert error.value.to_dict()["code"] == "missing-program"
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)  # noqa: S301 - our own error
    assert not (tmp_path / "x.pdf").exists()


# -- in a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("there is no chromium")
    return found


def dumped(chromium: str, html: str, folder: Path) -> tuple[Page, str]:
    """Open a page in the browser: what has become of it, and what its console says."""
    (folder / "index.html").write_text(html, encoding="utf-8")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
    command += ["--enable-logging=stderr", "--v=0", "--dump-dom", (folder / "index.html").as_uri()]
    done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8", timeout=120)  # noqa: S603 - our own page
    return Page(done.stdout), "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def test_the_browser_has_nothing_to_complain_about(
    chromium: str, hostile_html: str, page: Page, tmp_path: Path
) -> None:
    read, console = dumped(chromium, hostile_html, tmp_path)
    assert console == ""
    # The script of the page has run: it says the result with all studies beneath each figure, and none of a name's has.
    assert len(read.of("svg")) == len(page.of("svg"))
    assert sum("All 11 studies: Risk Ratio" in text for text in read.within["p"]) == 1
    assert len(read.of("script")) == len(page.of("script"))


def test_the_browser_holds_to_the_policy(chromium: str, hostile_html: str, tmp_path: Path) -> None:
    smuggled = hostile_html.replace("</footer>", "<script>document.title = 'run'</script><img src='x.png'></footer>")
    read, console = dumped(chromium, smuggled, tmp_path)
    assert "Content Security Policy" in console
    assert "run" not in read.within["title"]


@attrs.frozen(kw_only=True)
class DotsSpec(es.FigureSpec):
    figure = "dots"


def dots(analysis: es.MetaAnalysis, spec: DotsSpec, measure: Any, *, whole: es.MetaAnalysis | None = None) -> Drawing:  # noqa: ANN401, ARG001 - a layout's own
    """Draw a dot for each study, and write the pooled effect."""
    names = (whole or analysis).effects.study_id
    studies = tuple(Group((Disc((20.0, 20.0 * i), 5.0),), (name,), row=i) for i, name in enumerate(names))
    assert analysis.display is not None
    return Drawing(200.0, 100.0, (*studies, Label(f"{analysis.display.value:.4f}", 50.0, 90.0)), "Dots of studies")


class Dots:
    """Offer the figure."""

    @es.hookimpl
    def reporters(self) -> list[es.Reporter]:
        return [figure(DotsSpec, dots, reference="-", leaves_out=True)]


def test_a_click_leaves_a_study_out_of_its_figure_alone(chromium: str, made: es.ReviewAnalysis, tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    registry, analysis = es.Registry(load=False), made["1.5"].analysis
    registry.register(Dots(), "dots")
    assert analysis is not None
    assert analysis.display is not None
    pictures = tuple(Picture("dots", analysis, name, name, "Dots", registry, leave_out=True) for name in ("one", "two"))
    html = article_page(Article("Dots", (), (Section("s", "S", pictures),), ""), words_of("en"))
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    click = 'document.querySelector("#two [data-row]").dispatchEvent(new MouseEvent("click", {bubbles: true}))'
    read, console = dumped(chromium, html.replace("</body>", f"<script>{click}</script></body>"), tmp_path)
    assert console == ""
    part = es.leave_one_out(analysis).without("Study 0").display
    assert part is not None
    assert read.within["text"] == [f"{analysis.display.value:.4f}", f"{part.value:.4f}"]
    said = [text for text in read.within["p"] if text.startswith(("All", "Without"))]
    assert said[0].startswith("All 3 studies: Odds Ratio")
    effect = f"{part.value:.2f} [{part.ci_low:.2f}, {part.ci_high:.2f}]"
    assert said[1].startswith(f"Without Study 0: Odds Ratio {effect}")
    assert [one.get("aria-pressed") for one in read.of("g")] == [*["false"] * 3, "true", "false", "false"]


def test_the_report_prints(chromium: str, made: es.ReviewAnalysis, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert find_browser(chromium) == chromium
    es.report(made, "pdf", tmp_path / "report.pdf", browser=chromium, language="de")
    content = (tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) > 8
    assert b"/StructTreeRoot" in content, "headings and alternative texts are kept for those who cannot see it"


def test_reporters_of_a_review_take_no_single_analysis(made: es.ReviewAnalysis) -> None:
    names: tuple[Literal["html", "docx", "pdf"], ...] = ("html", "docx", "pdf")
    assert [one.name for one in review_page.reporters()] == list(names)
    for name in names:
        with pytest.raises(es.CombinationError):
            es.render(made["1.1"].analysis, name)
