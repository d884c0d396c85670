"""Figures of reviews: risk of bias as signs and shares, and the flow of studies, with every count where it belongs."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

import evisynth as es
from evisynth_reporters.bias_domains import judged_columns
from evisynth_reporters.bias_summary import BiasSummarySpec, bias_summary, shares
from evisynth_reporters.drawing import Disc, Drawing, Group, Label, Shape
from evisynth_reporters.prisma_flow import PrismaSpec, prisma
from evisynth_reporters.signs import COLOURS, SIGNS
from evisynth_reporters.traffic_light import TrafficLightSpec, traffic_light

HOSTILE = "<script>alert(1)</script> $x$ \u202eright\u202c " + "long " * 40
WORDS = ("low", "some concerns", "high", "no information")


def measure(text: str, *, bold: bool = False, size: float = 9.0) -> float:
    return (0.62 if bold else 0.58) * size * len(text)


def review(k: int = 5, *, name: str = "Study {i}", weights: bool = False) -> es.Review:
    domains = tuple(
        es.BiasDomain(
            id=identifier,
            name=title,
            judgements=tuple(
                es.Judgement(study=f"s{i}", judgement=WORDS[(i * (j + 1)) % 4], support="<p>As reported.</p>")
                for i in range(k)
            ),
        )
        for j, (identifier, title) in enumerate(
            [("D1", "Patient selection"), ("Overall", "Overall"), ("A1", "Patient selection"), ("D2", "Index test")]
        )
    )
    return es.Review(
        studies=tuple(es.ReviewStudy(id=f"s{i}", name=name.format(i=i)) for i in range(k)),
        risk_of_bias=(
            es.RiskOfBias(
                tool="QUADAS-2", domains=domains, weights={f"s{i}": float(i) for i in range(k)} if weights else {}
            ),
        ),
    )


def texts(drawing: Drawing) -> list[str]:
    return [item.text for item in drawing.flat if isinstance(item, Label)]


def inside(drawing: Drawing) -> bool:
    for item in drawing.flat:
        if isinstance(item, Label) and not item.upright:
            width = measure(item.text, bold=item.bold, size=item.size)
            left = item.x - {"left": 0.0, "center": 0.5, "right": 1.0}[item.align] * width
            if left < 0 or left + width > drawing.width + 1e-6 or not 0 < item.y < drawing.height:
                return False
    return True


def test_every_judgement_has_its_sign() -> None:
    made = review()
    drawing = traffic_light(made, TrafficLightSpec(), measure)
    groups = [item for item in drawing.items if isinstance(item, Group)]
    assert len(groups) == 5 * 4
    for group in groups:
        disc = group.items[0]
        assert isinstance(disc, Disc)
        study, column = group.tip[0], group.tip[1].partition(":")[0]
        assert group.tip[2] == "As reported."
        words = {
            judgement.judgement.capitalize()
            for domain in made.risk_of_bias[0].domains
            if domain.name == column
            for judgement in domain.judgements
            if f"Study {judgement.study[1:]}" == study
        }
        assert group.tip[1].partition(": ")[2] in words
        assert disc.colour == COLOURS["standard"][SIGNS[group.tip[1].partition(": ")[2].lower()].rank]


def test_applicability_and_the_whole_stand_apart() -> None:
    blocks = [column.block for column in judged_columns(review().risk_of_bias[0])]
    assert blocks == ["bias", "bias", "applicability", "overall"]
    said = texts(traffic_light(review(), TrafficLightSpec(), measure))
    assert {"D1", "D2", "A1", "Overall", "Applicability", "D1: Patient selection"} <= set(said)
    assert "Concerns about applicability" in texts(bias_summary(review(), BiasSummarySpec(), measure))


def test_a_domain_may_be_judged_for_groups_of_outcomes() -> None:
    domain = es.BiasDomain(
        id="D3",
        name="Blinding",
        groups=(es.OutcomeGroup(id="g1", name="Pain"), es.OutcomeGroup(id="g2", name="Death")),
        judgements=(
            es.Judgement(study="s0", judgement="low", group="g2"),
            es.Judgement(study="s0", judgement="high", group="g1"),
        ),
    )
    columns = judged_columns(es.RiskOfBias(tool="RoB 1", domains=(domain,)))
    assert [(column.letter, column.name, column.judgements["s0"]) for column in columns] == [
        ("D3a", "Blinding: Pain", "high"), ("D3b", "Blinding: Death", "low"),
    ]  # fmt: skip


@pytest.mark.parametrize("palette", ["standard", "colour-blind", "grey"])
def test_signs_differ_without_their_colours(palette: str) -> None:
    marks: dict[str, set[str]] = {}
    for sign in SIGNS.values():
        marks.setdefault(sign.sign, set()).add(COLOURS[palette][sign.rank])
    assert {len(colours) for colours in marks.values()} == {1}
    used = [COLOURS[palette][SIGNS[word].rank] for word in ("low", "some concerns", "high", "critical")]
    assert len(set(used)) == 4


def test_shares_are_of_weights_where_there_are_any() -> None:
    column = judged_columns(review().risk_of_bias[0])[0]
    assert shares(column, {}) == pytest.approx({"low": 0.4, "some concerns": 0.2, "high": 0.2, "no information": 0.2})
    weighted = shares(column, {f"s{i}": float(i) for i in range(5)})
    assert weighted == pytest.approx({"low": 0.4, "some concerns": 0.1, "high": 0.2, "no information": 0.3})
    drawing = bias_summary(review(weights=True), BiasSummarySpec(), measure)
    bars = [item for item in drawing.items if isinstance(item, Group)]
    for bar in bars[:4]:
        shape = bar.items[0]
        assert isinstance(shape, Shape)
        width = shape.corners[1][0] - shape.corners[0][0]
        assert width / 260.0 == pytest.approx(float(bar.tip[1].rstrip("%")) / 100, abs=1e-3)
    assert "Studies count by their weights." in texts(drawing)
    assert "Every study counts alike." in texts(
        bias_summary(review(weights=True), BiasSummarySpec(weighted=False), measure)
    )


@pytest.mark.parametrize("k", [1, 2, 60, 200])
def test_tables_of_any_length_and_hostile_names_fit(k: int) -> None:
    for name in ("Study {i}", HOSTILE + "{i}"):
        assert inside(traffic_light(review(k, name=name), TrafficLightSpec(), measure))
        assert inside(bias_summary(review(k, name=name), BiasSummarySpec(), measure))


def test_the_tool_can_be_chosen() -> None:
    both = attrs.evolve(review(), risk_of_bias=(*review().risk_of_bias, es.RiskOfBias(tool="RoB 2")))
    with pytest.raises(es.SettingsError, match="tool is one of those in the review, 'QUADAS-2', 'RoB 2', not 'ROBIS'"):
        traffic_light(both, TrafficLightSpec(tool="ROBIS"), measure)
    assert "There is no risk of bias to draw" in texts(traffic_light(both, TrafficLightSpec(tool="rob 2"), measure))[0]
    assert "There is no risk of bias to draw" in texts(bias_summary(es.Review(), BiasSummarySpec(), measure))[0]


# -- the flow of studies ----------------------------------------------------------------------------------------------

COUNTS = {
    "previous_studies": 12, "previous_reports": 14, "database_results": 1234, "register_results": 56,
    "website_results": 3, "organisation_results": 2, "citations_results": 7, "duplicates": 200, "excluded_automatic": 0,
    "excluded_other": 5, "records_screened": 1085, "records_excluded": 900, "dbr_sought_reports": 185,
    "dbr_notretrieved_reports": 5, "other_sought_reports": 12, "other_notretrieved_reports": 1, "dbr_assessed": 180,
    "other_assessed": 11, "new_studies": 20, "new_reports": 22, "total_studies": 32, "total_reports": 36,
    "total_studies_ma": 25, "total_reports_ma": 28,
}  # fmt: skip
REASONS: dict[str, Any] = {
    "dbr_excluded": (("Wrong population", 100), ("No control group", 60)), "other_excluded": (("Duplicate", 9),),
}  # fmt: skip


def flow(counts: dict[str, int] | None = None) -> es.Review:
    return es.Review(flow=es.StudyFlow(counts=COUNTS if counts is None else counts, reasons=REASONS))


def boxes(drawing: Drawing) -> list[str]:
    return ["\n".join(item.tip).replace("\u00a0", " ") for item in drawing.items if isinstance(item, Group)]


def test_every_count_stands_in_its_box_in_the_templates_words() -> None:
    drawing = prisma(flow(), PrismaSpec(), measure)
    said = boxes(drawing)
    expected = [
        (
            "Studies included in previous version of review (n = 12)\n"
            "Reports of studies included in previous version of review (n = 14)"
        ),
        "Records identified from:\nDatabases (n = 1,234)\nRegisters (n = 56)",
        (
            "Records removed before screening:\nDuplicate records (n = 200)\n"
            "Records marked as ineligible by automation tools (n = 0)\nRecords removed for other reasons (n = 5)"
        ),
        "Records screened (n = 1,085)", "Records excluded (n = 900)", "Reports sought for retrieval (n = 185)",
        "Reports not retrieved (n = 5)", "Reports assessed for eligibility (n = 180)",
        "Reports excluded:\nWrong population (n = 100)\nNo control group (n = 60)",
        "Records identified from:\nWebsites (n = 3)\nOrganisations (n = 2)\nCitation searching (n = 7)",
        "Reports excluded:\nDuplicate (n = 9)",
        "New studies included in review (n = 20)\nReports of new included studies (n = 22)",
        "Total studies included in review (n = 32)\nReports of total included studies (n = 36)",
        "Total studies included in meta-analysis (n = 25)\nReports of total included studies in meta-analysis (n = 28)",
    ]  # fmt: skip
    for text in expected:
        assert text in said
    assert inside(drawing)
    assert {"Identification", "Screening", "Included"} <= set(texts(drawing))


def test_new_reviews_and_those_without_other_methods_have_fewer_boxes() -> None:
    new = {
        key: value
        for key, value in COUNTS.items()
        if not key.startswith(("previous", "total", "other", "website", "org", "cit"))
    }
    said = " ".join(boxes(prisma(flow(new), PrismaSpec(), measure)))
    assert "previous" not in said.lower()
    assert "other methods" not in said
    assert "Total studies" not in said
    assert "other methods" in " ".join(boxes(prisma(flow(new), PrismaSpec(other=True), measure)))


def test_no_count_is_invented_and_wrong_sums_are_named() -> None:
    drawing = prisma(
        flow({"records_screened": 10, "records_excluded": 4, "dbr_sought_reports": 5}), PrismaSpec(), measure
    )
    assert "Reports not retrieved (n = )" in boxes(drawing)
    notes = " ".join(texts(drawing))
    assert "Counts that do not add up: dbr_sought_reports is 5" in notes
    assert "add up" not in " ".join(texts(prisma(flow(), PrismaSpec(), measure)))
    assert "There is no flow to draw" in texts(prisma(es.Review(), PrismaSpec(), measure))[0]


def test_arrows_end_at_boxes() -> None:
    drawing = prisma(flow(), PrismaSpec(), measure)
    shapes = [
        shape for item in drawing.items if isinstance(item, Group) for shape in item.items if isinstance(shape, Shape)
    ]
    rectangles = [
        (*map(min, zip(*shape.corners, strict=True)), *map(max, zip(*shape.corners, strict=True))) for shape in shapes
    ]
    heads = [item for item in drawing.items if isinstance(item, Shape) and len(item.corners) == 3]
    assert len(heads) == 16
    for head in heads:
        x, y = head.corners[0]
        assert any(
            ((abs(x - left) < 1e-6 or abs(x - right) < 1e-6) and top <= y <= bottom)
            or (abs(y - top) < 1e-6 and left <= x <= right)
            for left, top, right, bottom in rectangles
        )  # fmt: skip


@pytest.mark.parametrize("name", ["risk-of-bias", "risk-of-bias-summary", "prisma"])
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".html"])
def test_each_format_is_what_it_says(name: str, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    made = attrs.evolve(review(name=HOSTILE + "{i}"), flow=flow().flow)
    one = es.render(made, name, suffix=suffix, language="de")
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF", ".html": b"<!doctype html>"}[suffix]
    assert isinstance(one, bytes)
    assert one.startswith(start)
    assert one == es.render(made, name, suffix=suffix, language="de")
    if suffix == ".html":
        assert b"<script>alert" not in one
