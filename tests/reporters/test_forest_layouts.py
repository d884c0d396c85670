"""Layouts, columns, models and forms of forest plots: what is written where, and that it fits."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import pytest

import evisynth as es
from evisynth_reporters.drawing import Disc, Group, Label, Shape
from evisynth_reporters.forest import ForestSpec, forest
from evisynth_reporters.forest_styles import FOREST_STYLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth_reporters.drawing import Drawing

COLUMNS = ("year", "weight_common", "weight_random", "p_value", "se", "n", "country")


def measure(text: str, *, bold: bool = False, size: float = 9.0) -> float:
    return (0.62 if bold else 0.58) * size * len(text)


def table(k: int = 9) -> dict[str, Any]:
    rng = np.random.default_rng(k)
    n = rng.integers(20, 300, k)
    return {
        "study": [f"Author {i} {2000 + i}" for i in range(k)],
        "year": [2000 + (7 * i) % k for i in range(k)],
        "events_1": rng.binomial(n, 0.2).tolist(),
        "n_1": n.tolist(),
        "events_2": rng.binomial(n, 0.3).tolist(),
        "n_2": n.tolist(),
        "country": [("NL", "DE", "Burkina Faso")[i % 3] for i in range(k)],
    }


@pytest.fixture(scope="module")
def analysis() -> es.MetaAnalysis:
    return es.fit(table(), "OR", settings="metafor", prediction="HTS")


def texts(drawing: Drawing) -> list[str]:
    return [item.text for item in drawing.flat if isinstance(item, Label)]


def row_of(drawing: Drawing, row: int) -> list[str]:
    group = next(item for item in drawing.items if isinstance(item, Group) and item.row == row)
    return [item.text for item in group.items if isinstance(item, Label)]


def overlapping(drawing: Drawing) -> list[tuple[str, str]]:
    spans: list[tuple[float, float, float, str]] = []
    for item in drawing.flat:
        if isinstance(item, Label):
            width = measure(item.text, bold=item.bold, size=item.size)
            left = item.x - {"left": 0.0, "center": 0.5, "right": 1.0}[item.align] * width
            assert left >= -1e-6
            assert left + width <= drawing.width + 1e-6
            spans.append((left, left + width, item.y, item.text))
    return [
        (one[3], other[3])
        for i, one in enumerate(spans)
        for other in spans[i + 1 :]
        if abs(one[2] - other[2]) < 6.0 and one[0] < other[1] - 1e-6 and other[0] < one[1] - 1e-6
    ]


@pytest.mark.parametrize("layout", FOREST_STYLES)
@pytest.mark.parametrize("k", [1, 2, 9, 60])
def test_nothing_overlaps_in_any_layout(layout: str, k: int) -> None:
    made = es.fit(
        table(k), "RR", settings="revman5", model="random", by="country", favours_1="Favours the new treatment"
    )
    for spec in (ForestSpec(layout=layout), ForestSpec(layout=layout, columns_right=COLUMNS, models="both")):
        assert overlapping(forest(made, spec, measure)) == []


def test_each_layout_writes_effects_and_footers_in_its_way(analysis: es.MetaAnalysis) -> None:
    shown = analysis.display
    assert shown is not None
    value, low, high = (f"{number:.2f}" for number in (shown.value, shown.ci_low, shown.ci_high))
    expected = {
        "revman5": f"{value} [{low}, {high}]",
        "revman-web": f"{value} [{low} , {high}]",
        "jama": f"{value} ({low}-{high})",
        "bmj": f"{value} ({low} to {high})",
        "plain": f"{value} [{low}, {high}]",
    }
    for layout, effect in expected.items():
        said = texts(forest(analysis, ForestSpec(layout=layout), measure))
        assert effect in said, layout
        footer = next(text for text in said if text.startswith("Heterogeneity"))
        assert ("Tau² = " in footer) == layout.startswith("revman")
        assert ("(P = ." in footer or "(P < ." in footer) == (layout == "jama")
        web = "Test for subgroup differences: Not applicable"
        assert (web in said) == (layout == "revman-web")


def test_a_differences_negative_limits_are_not_parted_by_a_minus() -> None:
    difference = es.fit(table(), "RD", settings="metafor")
    said = texts(forest(difference, ForestSpec(layout="jama"), measure))
    assert any(" to " in text and "(-" in text for text in said)


def test_columns_stand_where_they_are_asked_for(analysis: es.MetaAnalysis) -> None:
    spec = ForestSpec(layout="plain", columns_left=("study", "country"), columns_right=("effect", "p_value", "year"))
    drawing = forest(analysis, spec, measure)
    row = row_of(drawing, 2)
    study = analysis.studies[2]
    assert row[:2] == ["Author 2 2002", "Burkina Faso"]
    assert study.display is not None
    assert row[2] == f"{study.display.value:.2f} [{study.display.ci_low:.2f}, {study.display.ci_high:.2f}]"
    p = float(es.normal_p_value((study.effect or 0.0) / (study.se or 1.0))[0])
    assert float(row[3].replace("< ", "")) == pytest.approx(p, abs=0.006)
    assert row[4] == str(2000 + 14 % 9)
    with pytest.raises(
        es.SettingsError, match=r"a column of figure 'forest' is one of 'study', .*'country'.*not 'colour'"
    ):
        forest(analysis, ForestSpec(columns_left=("study", "colour")), measure)


def test_both_models_are_shown_with_their_weights(analysis: es.MetaAnalysis) -> None:
    spec = ForestSpec(layout="plain", models="both", columns_right=("effect", "weight_common", "weight_random"))
    drawing = forest(analysis, spec, measure)
    said = texts(drawing)
    for name in ("common", "random"):
        shown = analysis.models[name].display
        assert shown is not None
        assert f"{shown.value:.2f} [{shown.ci_low:.2f}, {shown.ci_high:.2f}]" in said
        assert f"Total, {analysis.models[name].label} (95% CI)" in said
    weights = row_of(drawing, 0)[-2:]
    study = analysis.studies[0]
    assert weights == [f"{study.weight_common:.1f}%", f"{study.weight_random:.1f}%"]


@pytest.mark.parametrize("how", ["bar", "line", "density", None])
def test_prediction_intervals_are_drawn_as_asked_for(how: Any, analysis: es.MetaAnalysis) -> None:  # noqa: ANN401 - words or None
    drawing = forest(analysis, ForestSpec(prediction=how), measure)
    assert ("Prediction interval (95%)" in texts(drawing)) == (how is not None)
    curved = [item for item in drawing.flat if isinstance(item, Shape) and len(item.corners) > 20]
    assert len(curved) == (how == "density")


KEYS: dict[str, Callable[[es.StudyResult], Any]] = {
    "effect": lambda study: study.effect,
    "weight": lambda study: study.weight,
    "precision": lambda study: study.se,
    "year": lambda study: float(study.year or 0),
    "study": lambda study: study.study,
}


@pytest.mark.parametrize("sort", KEYS)
def test_studies_are_sorted(sort: str, analysis: es.MetaAnalysis) -> None:
    key = KEYS[sort]
    for descending in (False, True):
        drawing = forest(analysis, ForestSpec(sort=sort, descending=descending), measure)
        rows = [item.row for item in drawing.items if isinstance(item, Group) and item.row is not None]
        values = [key(analysis.studies[row]) for row in rows]
        assert values == sorted(values, reverse=descending)
        assert sorted(rows) == list(range(9))


def test_the_form_cumulative_adds_studies_in_order(analysis: es.MetaAnalysis) -> None:
    said = texts(forest(analysis, ForestSpec(form="cumulative", sort="year"), measure))
    records = es.cumulative(analysis, "year").records()
    labels = [text for text in said if text.startswith("+ ")]
    assert labels == [f"+ {record['added']}" for record in records]
    for record in records:
        assert f"{record['display']:.2f} [{record['display_ci_low']:.2f}, {record['display_ci_high']:.2f}]" in said


def test_the_form_leave_one_out_has_a_row_without_each_study(analysis: es.MetaAnalysis) -> None:
    said = texts(forest(analysis, ForestSpec(form="leave-one-out"), measure))
    for record in es.leave_one_out(analysis).records():
        assert record["omitted"] in said
        assert f"{record['display']:.2f} [{record['display_ci_low']:.2f}, {record['display_ci_high']:.2f}]" in said


def test_precision_is_the_same_order_in_every_form(analysis: es.MetaAnalysis) -> None:
    for descending in (False, True):
        rows: list[list[int | None]] = []
        for form in ("studies", "cumulative", "leave-one-out"):
            spec = ForestSpec(form=form, sort="precision", descending=descending)
            drawing = forest(analysis, spec, measure)
            rows.append([item.row for item in drawing.items if isinstance(item, Group)])
        assert rows[0] == rows[1] == rows[2]
        se = [analysis.studies[row].se for row in rows[0] if row is not None]
        assert se == sorted(se, key=lambda one: one or 0.0, reverse=descending)


@pytest.mark.parametrize("preset", ["revman5", "revman-web", "metafor", "meta"])
@pytest.mark.parametrize("totals", ["overall", "subgroups"])
def test_a_model_that_is_chosen_is_shown_as_if_it_had_been_asked_for(preset: str, totals: str) -> None:
    words: dict[str, Any] = {"method": "IV", "settings": preset, "by": "country", "totals": totals}
    one, other = (es.fit(table(), "RR", model=model, **words) for model in ("common", "random"))
    for analysis, choice, same in ((one, "random", other), (other, "common", one)):
        chosen = forest(analysis, ForestSpec(models=choice), measure)
        assert chosen == forest(same, ForestSpec(), measure)
        assert texts(chosen) != texts(forest(analysis, ForestSpec(), measure))


def test_two_models_have_their_own_weights_tests_subtotals_and_prediction() -> None:
    analysis = es.fit(table(), "OR", model="common", settings="metafor", prediction="HTS", by="country")
    said = texts(forest(analysis, ForestSpec(models="both"), measure))
    names = [analysis.models[name].label for name in ("common", "random")]
    for name in names:
        assert said.count(f"Subtotal, {name} (95% CI)") == 3
        for start in ("Test for overall effect", "Test for subgroup differences"):
            assert any(text.startswith(f"{start} ({name}): ") for text in said)
    assert [text for text in said if text in {"common", "random"}] == ["common", "random"]
    assert said.count("100.0%") == 2
    assert any(text.startswith("Heterogeneity: Tau² = ") for text in said)
    limits = analysis.models["random"].prediction_display
    assert limits is not None
    assert f"[{limits.low:.2f}, {limits.high:.2f}]" in said


def test_forms_refuse_what_only_studies_have(analysis: es.MetaAnalysis) -> None:
    refused = {
        "columns_left": ForestSpec(form="cumulative", columns_left=("study",)),
        "models": ForestSpec(form="cumulative", models="both"),
        "risk_of_bias": ForestSpec(form="cumulative", risk_of_bias=rob()),
    }
    for option, spec in refused.items():
        with pytest.raises(es.SettingsError, match=rf"form 'cumulative' .* leave out {option}"):
            forest(analysis, spec, measure)


@pytest.mark.parametrize("form", ["cumulative", "leave-one-out"])
def test_a_form_of_a_regression_has_a_row_for_each_coefficient(form: str) -> None:
    analysis = es.fit(table(), "OR", method="IV", settings="metafor", moderators={"later": list(range(9))})
    drawing = forest(analysis, ForestSpec(form=form, decimals=3), measure)
    said = texts(drawing)
    slopes = [text for text in said if text.endswith(": later")]
    assert len(slopes) == 10
    assert slopes[-1] == "All studies: later"
    slope = np.exp(analysis.coefficients["later"].value)
    assert any(text.startswith(f"{slope:.3f} [") for text in said)
    assert any(text.startswith("Test of moderators: ") for text in said)
    rows = [item.row for item in drawing.items if isinstance(item, Group)]
    assert rows == [row for row in range(9) for _ in range(2)]


@pytest.mark.parametrize("layout", FOREST_STYLES)
@pytest.mark.parametrize("form", ["cumulative", "leave-one-out"])
def test_forms_take_the_layouts_ways_and_overlap_nowhere(form: str, layout: str, analysis: es.MetaAnalysis) -> None:
    drawing = forest(analysis, ForestSpec(form=form, layout=layout), measure)
    assert overlapping(drawing) == []
    footer = next(text for text in texts(drawing) if text.startswith("Heterogeneity"))
    assert ("Tau²" in footer) == layout.startswith("revman")
    assert "Favours [experimental]" in texts(drawing)
    assert all(item.tip for item in drawing.items if isinstance(item, Group))


def rob() -> es.RiskOfBias:
    words = ("low", "some concerns", "high")
    domains = [
        es.BiasDomain(
            id=f"D{j}",
            name=f"Domain {j}",
            judgements=tuple(
                es.Judgement(study=table()["study"][i], judgement=words[(i + j) % 3])
                for i in range(9)
                if (i, j) != (4, 1)
            ),
        )
        for j in range(3)
    ]
    return es.RiskOfBias(tool="RoB 2", domains=tuple(domains))


def test_judgements_stand_beside_their_studies(analysis: es.MetaAnalysis) -> None:
    spec = ForestSpec(risk_of_bias=rob())
    assert es.read_figure(spec.to_json()) == spec
    drawing = forest(analysis, spec, measure)
    assert {"(A) Domain 0", "(B) Domain 1", "(C) Domain 2"} <= set(texts(drawing))
    for group in drawing.items:
        if isinstance(group, Group) and group.row is not None:
            signs = [item for item in group.items if isinstance(item, Disc) and item.radius > 3]
            assert len(signs) == (2 if group.row == 4 else 3)
    first = next(item for item in drawing.items if isinstance(item, Group) and item.row == 0)
    colours = [item.colour for item in first.items if isinstance(item, Disc) and item.radius > 3]
    assert len(set(colours)) == 3
    other = forest(analysis, attrs.evolve(spec, palette="colour-blind"), measure)
    assert {item.colour for item in other.flat if isinstance(item, Disc)} != {
        item.colour for item in drawing.flat if isinstance(item, Disc)
    }


def test_a_study_that_is_left_out_keeps_its_place(analysis: es.MetaAnalysis) -> None:
    without = es.leave_one_out(analysis).marked("Author 3 2003")
    one = forest(analysis, ForestSpec(), measure)
    other = forest(without, ForestSpec(), measure, whole=analysis)
    assert [type(item) for item in one.flat] == [type(item) for item in other.flat]
    before, after = row_of(one, 3), row_of(other, 3)
    assert before[0] == after[0]
    assert before[-1] == after[-1]
    assert "–" in after
    assert without.display is not None
    assert any(f"{without.display.value:.2f} [" in text for text in texts(other))


@pytest.mark.parametrize("layout", FOREST_STYLES)
@pytest.mark.parametrize("models", ["asked for", "common", "both"])
def test_leaving_out_a_study_moves_no_column_and_overlaps_nothing(layout: str, models: str) -> None:
    analysis = es.fit(table(12), "RR", model="random", settings="metafor", prediction="HTS", by="country")
    spec = ForestSpec(layout=layout, models=models)
    one, left = forest(analysis, spec, measure), es.leave_one_out(analysis)
    for study in left.omitted:
        other = forest(left.marked(study), spec, measure, whole=analysis)
        assert [type(item) for item in other.flat] == [type(item) for item in one.flat]
        assert (other.width, other.height) == (one.width, one.height)
        assert overlapping(other) == []


def test_an_axis_has_the_ends_and_ticks_that_are_asked_for(analysis: es.MetaAnalysis) -> None:
    said = texts(forest(analysis, ForestSpec(scale=4, scale_low=0.1), measure))
    assert {"0.1", "0.2", "0.5", "1", "2"} <= set(said)
    assert {"0.3", "3"} <= set(texts(forest(analysis, ForestSpec(scale=10, ticks=(0.3, 1, 3, 1000)), measure)))
    assert "1000" not in texts(forest(analysis, ForestSpec(scale=10, ticks=(0.3, 1, 3, 1000)), measure))
    for low, shown in ((0.1, True), (0.9, False)):
        drawing = forest(analysis, ForestSpec(scale=4, scale_low=low), measure)
        assert ("Favours [control]" in texts(drawing)) == shown
        assert overlapping(drawing) == []
    with pytest.raises(es.SettingsError, match="scale_low of figure 'forest' is the left end"):
        forest(analysis, ForestSpec(scale=4, scale_low=5), measure)


def test_journals_axes_are_marked_at_1_2_and_5(analysis: es.MetaAnalysis) -> None:
    said = {
        layout: texts(forest(analysis, ForestSpec(layout=layout, scale=2), measure)) for layout in ("revman5", "bmj")
    }
    assert {"0.7", "1.5"} <= set(said["revman5"])
    assert not {"0.7", "1.5"} & set(said["bmj"])
    assert {"0.5", "1", "2"} <= set(said["bmj"])


def test_p_values_have_the_zero_of_their_layout(analysis: es.MetaAnalysis) -> None:
    for layout, start in (("jama", "."), ("bmj", "0.")):
        drawing = forest(analysis, ForestSpec(layout=layout, columns_right=("p_value",)), measure)
        rows = [row_of(drawing, row)[-1].removeprefix("< ") for row in range(9)]
        assert all(p.startswith(start) for p in rows)


def test_the_description_says_the_result(analysis: es.MetaAnalysis) -> None:
    drawing = forest(analysis, ForestSpec(), measure)
    shown = analysis.display
    assert shown is not None
    assert f"{shown.value:.2f} [{shown.ci_low:.2f}, {shown.ci_high:.2f}]; 9 of 9 studies pooled" in drawing.description
    assert "Heterogeneity: Tau² = " in drawing.description


def test_a_forest_plot_speaks_german(analysis: es.MetaAnalysis) -> None:
    said = " ".join(texts(forest(analysis, ForestSpec(language="de", notes=True), measure)))
    assert "Heterogenität: " in said
    assert "Gesamt (95% KI)" in said
    english = {"Heterogeneity", "Weight", "Total", "Study", "Favours", "Experimental", "Control", "Random", "of"}
    assert not english & set(said.replace(":", " ").replace(",", " ").split())
    drawing = forest(analysis, ForestSpec(language="de", risk_of_bias=rob(), models="common"), measure)
    assert {"Verzerrungsrisiko", "IV, fest, 95% KI"} <= set(texts(drawing))
    assert "Studien gepoolt" in drawing.description
    slopes = es.fit(table(), "OR", method="IV", settings="metafor", moderators={"later": list(range(9))})
    said = " ".join(texts(forest(slopes, ForestSpec(language="de"), measure)))
    assert "Koeffizienten (auf der logarithmischen Skala): " in said
    assert "Test der Moderatoren: " in said


@pytest.mark.parametrize("settings", ["revman5", "revman-web"])
def test_footers_are_the_same_to_the_letter_in_every_rendering(settings: str) -> None:
    pytest.importorskip("matplotlib")
    made = es.fit(table(), "RR", settings=settings, model="random", by="country")
    footers = [line for line in str(made).splitlines() if line.startswith(("Heterogeneity", "Test for"))]
    assert len(footers) == 9
    page = es.render(made, "forest", suffix=".html")
    drawn = es.render(made, "forest", suffix=".svg")
    assert isinstance(page, bytes)
    assert isinstance(drawn, bytes)
    shown = [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", page.decode())]
    # Letters are outlines there, each text beside them in a comment.
    outlined = [html.unescape(text) for text in re.findall(r"<!-- (.*?) -->", drawn.decode())]
    for footer in footers:
        assert footer in shown
        assert footer in outlined
