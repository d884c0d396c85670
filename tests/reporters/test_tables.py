"""Tables in seven formats: what is read back from each is what the table holds, names and formulas included."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from html.parser import HTMLParser
from io import BytesIO
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import evisynth as es
from evisynth_reporters.absolute_effects import risk_with
from evisynth_reporters.summary_of_findings import CERTAINTY
from evisynth_reporters.table_reporter import MEDIA_TYPES, rendered
from evisynth_reporters.table_sheet import TableColumn, TableRow, TableSheet
from evisynth_reporters.tables_of_reviews import judged

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    "<script>alert(1)</script>",
    '"quoted" | `code` *bold* [link](x)',
    r"\input{x} 50% & $x$ #1 _a_ {b} ~ ^",
    "=1+1",
    "@SUM(A1)",
    "\u202eright to left\u202c \u0645\u062d\u0645\u062f",
    "line\nbreak\x07\ud800",
]
CLEAN = [*NAMES[:5], "right to left \u0645\u062d\u0645\u062f", "line break \ufffd"]


def sheet() -> TableSheet:
    return TableSheet(
        "A <title> & more",
        (TableColumn("Study"), TableColumn("Events", "right", "New | old"), TableColumn("Total", "right", "New | old")),
        (
            TableRow(("A heading", "", ""), "heading"),
            *(TableRow((name, str(i), "=2*3")) for i, name in enumerate(NAMES)),
            TableRow(("Total", "21", ""), "total"),
        ),
        ("A note with <b>markup</b>",),
    )


class Cells(HTMLParser):
    """Collect the rows of a table."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def test_html_holds_every_cell_as_text() -> None:
    made = Cells()
    text = str(rendered(sheet(), ".html", "en"))
    made.feed(text)
    assert made.rows[0] == ["", "New | old"]
    assert made.rows[1] == ["Study", "Events", "Total"]
    assert [row[0] for row in made.rows[3:-1]] == CLEAN
    assert "<script" not in text
    assert [tag for tag, _ in made.tags].count("caption") == 1
    assert all(attributes.get("scope") for tag, attributes in made.tags if tag == "th")
    assert "style=" not in text


def test_csv_guards_formulas() -> None:
    rows = list(csv.reader(io.StringIO(str(rendered(sheet(), ".csv", "en")))))
    assert rows[0] == ["Study", "New | old: Events", "New | old: Total"]
    assert [es.unguarded_cell(row[0]) for row in rows[2:-1]] == CLEAN
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "@"))]


def test_excel_cells_are_texts() -> None:
    openpyxl = pytest.importorskip("openpyxl")
    held = rendered(sheet(), ".xlsx", "en")
    assert isinstance(held, bytes)
    page = openpyxl.load_workbook(BytesIO(held)).active
    assert page["A1"].value == "A <title> & more"
    values = [page.cell(row=row, column=1).value for row in range(6, 6 + len(NAMES))]
    assert values == CLEAN
    assert {cell.data_type for row in page.iter_rows() for cell in row if cell.value} == {"s"}
    assert held == rendered(sheet(), ".xlsx", "en")


def test_word_cells_are_texts() -> None:
    docx = pytest.importorskip("docx")
    held = rendered(sheet(), ".docx", "en")
    assert isinstance(held, bytes)
    document = docx.Document(BytesIO(held))
    grid = document.tables[0]
    assert [grid.cell(row, 0).text for row in range(3, 3 + len(NAMES))] == CLEAN
    assert grid.cell(0, 1).text == "New | old"
    assert document.paragraphs[-1].text == "A note with <b>markup</b>"
    assert len(held) < 60_000
    assert held == rendered(sheet(), ".docx", "en")


def test_markdown_is_escaped_and_has_as_many_cells_in_each_row() -> None:
    text = str(rendered(sheet(), ".md", "en"))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    parts = [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]
    assert {len(part) for part in parts} == {3}
    bare = [re.sub(r"\\(.)", r"\1", part[0]).strip() for part in parts[3:-1]]
    assert bare == CLEAN
    assert not re.search(r"(?<!\\)[<*`]", parts[3][0] + parts[4][0])


def test_text_is_aligned() -> None:
    lines = str(rendered(sheet(), ".txt", "en")).splitlines()
    assert lines[0] == "A <title> & more"
    rule = next(i for i, line in enumerate(lines) if line.startswith("---"))
    assert lines[rule - 1].startswith("Study")
    assert lines[rule + 3].endswith("1   =2*3")


def test_latex_has_no_command_of_the_datas() -> None:
    text = str(rendered(sheet(), ".tex", "en"))
    allowed = {
        "usepackage", "begin", "caption", "toprule", "multicolumn", "cmidrule", "midrule", "bottomrule", "end", "par",
        "smallskip", "footnotesize", "textbf", "textbackslash", "textasciitilde", "textasciicircum", "textless",
        "textgreater", "textquotedbl", "textasciigrave",
    }  # fmt: skip
    assert set(re.findall(r"\\([a-zA-Z]+)", text)) <= allowed
    assert r"\textbackslash{}input\{x\} 50\% \& \$x\$ \#1 \_a\_ \{b\}" in text
    long = attrs.evolve(sheet(), rows=sheet().rows * 10)
    assert r"\begin{longtable}{lrr}" in str(rendered(long, ".tex", "en"))


def test_latex_compiles(tmp_path: Path) -> None:
    engine = shutil.which("xelatex") or shutil.which("lualatex")
    if engine is None:
        pytest.skip("neither XeLaTeX nor LuaLaTeX is installed")
    body = str(rendered(sheet(), ".tex", "en"))
    head = "\\documentclass{article}\\usepackage{booktabs,longtable}\\usepackage{fontspec}\\begin{document}\n"
    (tmp_path / "t.tex").write_text(f"{head}{body}\\end{{document}}", encoding="utf-8")
    words = [engine, "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)  # noqa: S603 - our own file


# -- what the tables say ----------------------------------------------------------------------------------------------

COUNTS = [(12, 60, 18, 58), (3, 25, 4, 27), (9, 40, 12, 38), (7, 31, 15, 30)]
COLUMNS = ("events_1", "n_1", "events_2", "n_2")
TABLE: dict[str, Any] = {
    "study": ["Alvarez 2001", "Baker 2003", "Chen 2010", "Dubois 2015"],
    **{name: [row[i] for row in COUNTS] for i, name in enumerate(COLUMNS)},
    "kind": ["x", "x", "y", "y"],
    "country": ["NL", "DE", "NL", "CN"],
}


def rows_of(result: Any, name: str, **options: Any) -> list[list[str]]:  # noqa: ANN401 - each table has its own
    text = es.render(result, name, suffix=".csv", **options)
    assert isinstance(text, str)
    return [[es.unguarded_cell(cell) for cell in row] for row in csv.reader(io.StringIO(text))]


@pytest.fixture(scope="module")
def analysis() -> es.MetaAnalysis:
    return es.fit(TABLE, "RR", settings="revman5", model="random", by="kind")


def rows(n: int, *, numbers: bool = True) -> tuple[es.ReviewRow, ...]:
    return tuple(
        es.ReviewRow(study=f"s{i}", data=dict(zip(COLUMNS, map(float, COUNTS[i]), strict=True)) if numbers else {})
        for i in range(n)
    )


def outcome(number: int, name: str, **words: Any) -> es.ReviewOutcome:  # noqa: ANN401 - fields of an outcome
    usual: dict[str, Any] = {"data_type": "dichotomous", "method": "MH", "model": "random", "measure": "RR", **words}
    return es.ReviewOutcome(number=number, name=name, **usual)


@pytest.fixture(scope="module")
def review() -> es.Review:
    included = tuple(
        es.ReviewStudy(
            id=f"s{i}",
            name=TABLE["study"][i],
            year="2001",
            characteristics={"methods": f"<p>Trial {i}</p>", "blinded": ("Yes", "No", "unclear", "met")[i]},
        )
        for i in range(4)
    )
    why = {"reason_for_exclusion": "No control"}
    outcomes = (
        outcome(1, "Death", rows=rows(4)),
        outcome(2, "Pain", data_type="other", rows=rows(2, numbers=False)),
        outcome(3, "Relapse", measure="OR", rows=rows(3)),
    )
    return es.Review(
        studies=(*included, es.ReviewStudy(id="x", name="Out 2020", status="excluded", characteristics=why)),
        comparisons=(es.ReviewComparison(number=1, name="New versus old", outcomes=outcomes),),
    )


def test_the_table_of_studies_has_their_numbers(analysis: es.MetaAnalysis) -> None:
    made = rows_of(analysis, "table-of-studies", columns=("country",))
    assert made[0][:3] == ["Study", "Year", "country"]
    study = analysis.studies[2]
    assert study.display is not None
    assert made[3][0] == "Chen 2010"
    assert made[3][2:7] == ["NL", "9", "40", "12", "38"]
    assert made[3][7] == f"{study.display.value:.2f} [{study.display.ci_low:.2f}, {study.display.ci_high:.2f}]"
    assert made[3][8] == f"{study.weight:.1f}%"
    left = rows_of(es.fit(TABLE, "RR", settings="revman5", exclude=["Chen 2010"]), "table-of-studies")
    assert left[3][-1] == es.LEFT_OUT


def test_effects_heterogeneity_and_subgroups_are_those_of_the_analysis(analysis: es.MetaAnalysis) -> None:
    shown, found = analysis.display, analysis.heterogeneity
    assert shown is not None
    effect = f"{shown.value:.2f} [{shown.ci_low:.2f}, {shown.ci_high:.2f}]"
    assert rows_of(analysis, "effects")[1][:5] == ["Risk Ratio", "4", "309", "Risk Ratio, M-H, Random", effect]
    spread = rows_of(analysis, "heterogeneity")[1]
    assert spread[2:5] == [f"{found.q:.2f}", "3", f"{found.p_value:.2f}"]
    assert found.i2 is not None
    assert spread[9] == " or ".join(es.i2_bands(found.i2))
    groups = rows_of(analysis, "subgroups")
    assert [row[0] for row in groups[1:]] == ["x", "y", "Total"]
    part = analysis.subgroups[1].analysis.display
    assert part is not None
    assert groups[2][4] == f"{part.value:.2f} [{part.ci_low:.2f}, {part.ci_high:.2f}]"
    assert "Test for subgroup differences: Chi² = " in str(es.render(analysis, "subgroups"))


def test_tables_of_a_review_have_every_outcome(review: es.Review) -> None:
    made = es.fit(review)
    effects = rows_of(made, "effects")
    assert [row[0] for row in effects[1:]] == ["1 New versus old", "1.1 Death", "1.2 Pain", "1.3 Relapse"]
    assert "text for this outcome" in effects[3][-1]
    assert [row[0] for row in rows_of(made, "heterogeneity")[1:]] == ["1.1 Death", "1.3 Relapse"]
    assert "No outcome has subgroups." in str(es.render(made, "subgroups"))


def test_what_a_review_says_of_its_studies(review: es.Review) -> None:
    assert rows_of(review, "characteristics")[0] == ["Study", "Year", "Methods", "Blinded"]
    assert rows_of(review, "characteristics")[1] == ["Alvarez 2001", "2001", "Trial 0", "Yes"]
    assert rows_of(review, "characteristics", status="excluded")[1] == ["Out 2020", "", "No control"]
    with pytest.raises(es.SettingsError, match="status is one of"):
        es.render(review, "characteristics", status="lost")
    matrix = rows_of(review, "outcome-reporting")
    assert matrix[0] == ["Study", "1.1", "1.2", "1.3"]
    assert [row[1:] for row in matrix[1:]] == [["✓", "?", "✓"], ["✓", "?", "✓"], ["✓", "–", "✓"], ["✓", "–", "–"]]
    met = rows_of(review, "criteria")
    assert met[0] == ["Study", "Blinded"]
    assert [row[1] for row in met[1:]] == ["✓", "✗", "?", "✓"]
    assert rows_of(review, "criteria", criteria={"Masked": "blinded"})[0] == ["Study", "Masked"]
    with pytest.raises(es.SettingsError, match=r"criteria are characteristics of the studies, 'methods', .*, not 'x'"):
        es.render(review, "criteria", criteria={"X": "x"})
    assert not judged("As the authors say")


@pytest.mark.parametrize(
    ("measure", "effect", "baseline", "risk"),
    [
        ("RR", 0.5, 0.2, 0.1), ("RR", 9.0, 0.2, 1.0), ("OR", 0.5, 0.2, 0.1 / 0.9), ("PETO", 2.0, 0.5, 2 / 3),
        ("RD", -0.05, 0.2, 0.15), ("RD", -0.5, 0.2, 0.0), ("HR", 0.5, 0.19, 0.1), ("MD", 3.0, 0.2, None),
    ],
)  # fmt: skip
def test_absolute_effects(measure: str, effect: float, baseline: float, risk: float | None) -> None:
    assert risk_with(measure, effect, baseline) == (None if risk is None else pytest.approx(risk))


def test_the_summary_of_findings_states_risks_and_certainty(analysis: es.MetaAnalysis, review: es.Review) -> None:
    shown = analysis.display
    assert shown is not None
    reasons = ("moderate", "Wide interval")
    heads, row = rows_of(analysis, "summary-of-findings", outcome="Death", baseline=0.3, certainty=reasons)
    assert heads[1].endswith("Risk with control")
    assert row[:2] == ["Death", "300 per 1,000 [1]"]
    risk, low, high = (round(300 * value) for value in (shown.value, shown.ci_low, shown.ci_high))
    assert row[2] == f"{risk} per 1,000 ({low} to {high}); {300 - risk} fewer"
    assert row[3] == f"RR {shown.value:.2f} [{shown.ci_low:.2f}, {shown.ci_high:.2f}]"
    assert row[4:6] == ["309 (4 studies)", "⊕⊕⊕◯ moderate [2]"]
    text = str(es.render(analysis, "summary-of-findings", baseline=0.3, certainty=reasons))
    assert "[1] The risk is the one stated by the reviewers." in text
    assert "[2] Wide interval" in text
    made = rows_of(es.fit(review), "summary-of-findings", certainty={"1.1": "low", "Relapse": "very low"}, per=100)
    assert [one[5] for one in made[1:]] == ["", f"{CERTAINTY['low']} low", "", f"{CERTAINTY['very low']} very low"]
    risks = sorted(c / n for _, _, c, n in COUNTS)
    assert made[2][1] == f"{100 * (risks[1] + risks[2]) / 2:.0f} per 100 [1]"
    with pytest.raises(es.SettingsError, match="certainty is one of 'high'"):
        es.render(analysis, "summary-of-findings", certainty="sure")
    with pytest.raises(es.SettingsError, match="baseline is a risk from 0 to 1, not 30"):
        es.render(analysis, "summary-of-findings", baseline=30)


def test_means_have_their_difference_as_absolute_effect() -> None:
    data = {"mean_1": [5, 4.9], "sd_1": [4.7, 1.7], "n_1": [13, 30], "mean_2": [6.5, 6.1], "sd_2": [3.8, 2.3]}
    analysis = es.fit({**data, "n_2": [13, 50], "study": ["A", "B"]}, "MD", settings="revman5")
    row = rows_of(analysis, "summary-of-findings")[1]
    assert not row[1]
    assert row[2].startswith("Mean Difference -1.2")
    assert not row[3]


@pytest.mark.parametrize("name", ["table-of-studies", "effects", "heterogeneity", "subgroups", "summary-of-findings"])
@pytest.mark.parametrize("suffix", MEDIA_TYPES)
def test_every_format_of_every_table_of_an_analysis(name: str, suffix: str, analysis: es.MetaAnalysis) -> None:
    empty = es.fit(es.load(TABLE).take([]), "RR", settings="revman5")
    for result in (analysis, empty):
        assert es.render(result, name, suffix=suffix, language="de")


def test_an_option_that_a_table_does_not_have_is_named(analysis: es.MetaAnalysis) -> None:
    with pytest.raises(es.SettingsError, match="has no option 'colour'; options: suffix, language, title"):
        es.render(analysis, "effects", colour=1)
