from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies
from evisynth_reporters.axis import choose_axis
from evisynth_reporters.build_table import build_table
from evisynth_reporters.canvas import text_measure, to_figure
from evisynth_reporters.drawing import Drawing, Label, Shape, wrap
from evisynth_reporters.forest_layout import lay_out
from evisynth_reporters.marks import Plot
from evisynth_reporters.table import Mark

GROUPS = ("Experimental", "Control")
DPI = 100.0
LONG = "A randomised, placebo-controlled, double-blind trial of $mesenchymal$ stromal cells in adults (Author 2022)"


def counts(k: int, names: list[str] | None = None) -> dict[str, list[Any]]:
    rng = np.random.default_rng(k)
    n = rng.integers(10, 300, k)
    return {
        "study": names or [f"Author {i} {1950 + i % 70}" for i in range(k)],
        "events_1": rng.binomial(n, 0.2).tolist(),
        "n_1": n.tolist(),
        "events_2": rng.binomial(n, 0.3).tolist(),
        "n_2": n.tolist(),
        "subgroup": [f"Group {i % 3}" for i in range(k)],
    }


def extreme() -> es.MetaAnalysis:
    data = {"events_1": [0, 500, 30, 1], "n_1": [500, 500, 99, 1000], "events_2": [499, 0, 7, 3], "n_2": [500] * 4}
    return es.fit({**data, "study": ["tiny", "huge", "middle", "X" * 120]}, "OR", model="random", settings="revman5")


def means() -> es.MetaAnalysis:
    data = {"mean_1": [5, 4.9, 22.5], "sd_1": [4.7, 1.71, 3.44], "n_1": [13, 30, 35]}
    data |= {"mean_2": [6.5, 6.1, 24.9], "sd_2": [3.8, 2.3, 10.65], "n_2": [13, 50, 35]}
    return es.fit({**data, "study": ["Davis", "Florell", "Gruen"]}, "MD", settings="revman5")


def regression() -> es.MetaAnalysis:
    return es.fit(counts(9), "RR", method="IV", settings="metafor", moderators={"a moderator": list(range(9))})


def analyses() -> dict[str, es.MetaAnalysis]:
    labels = {"favours_1": "Favours the cells, given three times over three weeks", "favours_2": "Favours usual care"}
    long: dict[str, Any] = {
        "effect_label": "Ratio of the risks of death from any cause at the end of follow-up",
        **labels,
    }
    given = es.Effects(np.log([0.5, 0.8, 0.9]), [0.04, 0.09, 0.01], scale="log", label="Hazard Ratio")
    return {
        "none": es.fit(es.load(counts(1)).take([]), "RR", settings="revman5"),
        "one": es.fit(counts(1), "RR", settings="revman5"),
        "two": es.fit(counts(2), "RR"),
        "no events": es.fit({**counts(3), "events_1": [0] * 3, "events_2": [0] * 3}, "RR"),
        "subgroups": es.fit(counts(12), "RR", model="random", settings="revman5", by="subgroup"),
        "difference": es.fit(counts(5), "RD", model="random", settings="revman5"),
        "long": es.fit(counts(3, [LONG, "Y" * 200, "田中 2020"]), "RR", settings="revman5", **long),
        "extreme": extreme(),
        "means": means(),
        "given": es.fit(given),
        "regression": regression(),
        "many": es.fit(counts(200), "RR", by="subgroup"),
    }


ANALYSES = [
    *("none", "one", "two", "no events", "extreme", "means", "given", "regression", "many", "subgroups"),
    *("difference", "long"),
]


@pytest.fixture(scope="module")
def made() -> dict[str, es.MetaAnalysis]:
    return analyses()


def drawing_of(analysis: es.MetaAnalysis, dpi: float = DPI) -> Drawing:
    table = build_table(analysis, ("A rather long name for the treated group", "Control"))
    return lay_out(table, text_measure(dpi), title=LONG, small_print=[*table.excluded, *table.warnings])


def extents(drawing: Drawing, renderer: str) -> tuple[list[Any], tuple[float, float]]:
    """Measure where the renderer of bitmaps, or of vector graphics, puts each text."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - only figures need it
    from matplotlib.backends.backend_svg import FigureCanvasSVG, RendererSVG  # noqa: PLC0415 - only figures need it
    from matplotlib.text import Text  # noqa: PLC0415 - only figures need it

    dpi = DPI if renderer == "agg" else 72.0
    figure: Any = to_figure(drawing, dpi)
    size = figure.get_size_inches() * dpi
    if renderer == "agg":
        made: Any = FigureCanvasAgg(figure)
        used = made.get_renderer()
    else:
        from io import StringIO  # noqa: PLC0415 - beside its use

        FigureCanvasSVG(figure)
        build: Any = RendererSVG
        used = build(*size, StringIO(), image_dpi=72)
    return [text.get_window_extent(used) for text in figure.findobj(Text)], (size[0], size[1])


@pytest.mark.parametrize("renderer", ["agg", "svg"])
@pytest.mark.parametrize("name", ANALYSES)
def test_no_text_overlaps_another_or_is_cut_off(name: str, renderer: str, made: dict[str, es.MetaAnalysis]) -> None:
    boxes, (width, height) = extents(drawing_of(made[name]), renderer)
    edges = np.array([box.extents for box in boxes])
    assert edges[:, :2].min() >= 0
    assert edges[:, 2].max() <= width
    assert edges[:, 3].max() <= height
    left, low, right, high = edges.T
    beside = (right[:, None] <= left[None, :]) | (right[None, :] <= left[:, None])
    above = (high[:, None] <= low[None, :]) | (high[None, :] <= low[:, None])
    np.fill_diagonal(beside, val=True)
    assert (beside | above).all()


@pytest.mark.parametrize("name", ANALYSES)
def test_marks_stay_within_the_sheet_and_clear_of_the_text(name: str, made: dict[str, es.MetaAnalysis]) -> None:
    drawing = drawing_of(made[name])
    corners = [point for item in drawing.flat if isinstance(item, Shape) for point in item.corners]
    texts = [item for item in drawing.flat if isinstance(item, Label) and item.align == "right"]
    numbers = max((item.x for item in texts if item.text.endswith("]") and " [" in item.text), default=0.0)
    for x, y in corners:
        assert numbers < x < drawing.width
        assert 0 < y < drawing.height


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_each_format_is_what_it_says_and_the_same_every_time(suffix: str, made: dict[str, es.MetaAnalysis]) -> None:
    one = es.render(made["subgroups"], "forest", suffix=suffix)
    assert isinstance(one, bytes)
    assert one == es.render(made["subgroups"], "forest", suffix=suffix)
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    assert one.startswith(start)


def test_footers_in_the_figure_are_those_of_the_text(made: dict[str, es.MetaAnalysis]) -> None:
    drawn = {item.text for item in drawing_of(made["subgroups"]).flat if isinstance(item, Label)}
    footers = [line for line in str(made["subgroups"]).splitlines() if line.startswith(("Heterogeneity", "Test for"))]
    assert len(footers) == 9
    assert set(footers) <= drawn


def test_a_dollar_sign_is_a_dollar_sign() -> None:
    data = counts(2, ["$\\frac{1}{2}$ trial", "costs $5 and $6"])
    from matplotlib.text import Text  # noqa: PLC0415 - only figures need it

    analysis = es.fit(data, "RR", settings="revman5", favours_1="$x", favours_2="y$")
    figure: Any = to_figure(lay_out(build_table(analysis, ("$a$", "b")), text_measure(DPI)), DPI)
    assert {"$\\frac{1}{2}$ trial", "costs $5 and $6", "$a$", "$x", "y$"} <= {
        text.get_text() for text in figure.findobj(Text)
    }
    assert not any(text.get_parse_math() for text in figure.findobj(Text))
    assert es.render(analysis, "forest", dpi=50)


def test_a_name_that_the_font_lacks_draws_without_a_warning() -> None:
    assert es.render(es.fit(counts(1, ["田中 2020"]), "RR", settings="revman5"), "forest", dpi=50)


def test_a_tall_figure_gets_a_lower_resolution_instead_of_an_error() -> None:
    drawing = Drawing(100.0, 40000.0, (Label("far down", 10.0, 39000.0),))
    from evisynth_reporters.canvas import to_bytes  # noqa: PLC0415 - beside its use

    assert to_bytes(drawing, ".png", 300.0).startswith(b"\x89PNG")


# -- axis and marks ---------------------------------------------------------------------------------------------------


def square(low: float, value: float, high: float, weight: float = 10.0) -> Mark:
    return Mark("square", value, low, high, weight)


@pytest.mark.parametrize(
    ("marks", "log", "end"),
    [
        ([], True, 100.0),
        ([], False, 1.0),
        ([square(0.6, 0.8, 1.4)], True, 2.0),
        ([square(0.5, 1.0, 2.0)], True, 2.0),
        ([square(0.02, 0.3, 5.9)], True, 50.0),
        ([square(0.001, 0.3, 500.0)], True, 100.0),
        ([square(0.001, 0.004, 500.0)], True, 500.0),
        ([square(1e-9, 1e-8, 1e-7)], True, 1000.0),
        ([square(-2.6, -1.6, 0.5)], False, 4.0),
        ([square(-0.16, 0.01, 0.18), Mark("diamond", 0.05, -0.1, 0.2)], False, 0.2),
        ([square(-900.0, 1.0, 900.0), square(-3.0, 0.5, 3.0)], False, 4.0),
        ([square(0.0, 0.0, 0.0)], False, 1.0),
    ],
)
def test_the_axis_is_the_smallest_of_revmans_that_holds_the_estimates(
    marks: list[Mark], *, log: bool, end: float
) -> None:
    axis = choose_axis(marks, log=log)
    assert axis.end == end
    assert axis.no_effect is not None
    assert axis.place(axis.no_effect) == 0.5
    assert axis.place(axis.ticks[0]) == pytest.approx(0.0, abs=1e-12)
    assert axis.place(axis.ticks[-1]) == pytest.approx(1.0)


def test_a_scale_can_be_asked_for(made: dict[str, es.MetaAnalysis]) -> None:
    assert choose_axis([], log=True, end=7).ticks == (1 / 7, 1, 7)
    with pytest.raises(es.SettingsError, match="above 1"):
        es.render(made["two"], "forest", scale=0.5)
    with pytest.raises(es.SettingsError, match="dpi"):
        es.render(made["two"], "forest", dpi=1e6)


def plot(*, log: bool = True) -> Plot:
    return Plot(choose_axis([], log=log), 100.0, 200.0, "#0000cc", 50.0)


def test_areas_of_squares_are_proportional_to_weights() -> None:
    assert plot().side(50.0) ** 2 / plot().side(12.5) ** 2 == pytest.approx(4.0)


def test_a_clipped_interval_ends_in_an_arrow_at_the_edge() -> None:
    drawn = [item for item in plot().draw(square(0.0001, 0.5, 5e6), 0.0) if isinstance(item, Shape)]
    tips = [shape.corners[0][0] for shape in drawn if len(shape.corners) == 3]
    assert tips == [100.0, 300.0]
    assert len(drawn) == 3
    beyond = [item for item in plot().draw(square(1e5, 1e6, 1e7), 0.0) if isinstance(item, Shape)]
    assert [shape.corners[0][0] for shape in beyond] == [300.0]


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0, 1e9))
@strategies.examples()
def test_nothing_is_drawn_outside_the_plot(one: float, two: float, three: float) -> None:
    low, value, high = sorted((one, two, three))
    for mark in (Mark("diamond", value, low, high), Mark("bar", None, low, high)):
        for item in plot().draw(mark, 0.0):
            points = item.corners if isinstance(item, Shape) else (item.start, item.end)
            assert all(99.99 <= x <= 300.01 for x, _ in points)


@given(st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=80), st.integers(3, 30))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    broken = wrap(text, width, lambda line: float(len(line)))
    assert all(len(line) <= width for line in broken)
    assert "".join("".join(broken).split()) == "".join(text.split())


# -- matplotlib -------------------------------------------------------------------------------------------------------

QUIET = """
import sys, warnings
warnings.simplefilter("ignore")
import evisynth as es
assert "matplotlib" not in sys.modules
analysis = es.fit({"study": ["A", "B"], "events_1": [1, 2], "n_1": [9, 9], "events_2": [3, 4], "n_2": [9, 9]}, "RR")
import matplotlib
matplotlib.rcParams["lines.marker"] = "o"

def state():
    # Looking up the backend is itself what imports pyplot.
    return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}

before = state()
for suffix in (".png", ".svg", ".pdf"):
    es.render(analysis, "forest", suffix=suffix)
assert state() == before
assert "matplotlib.pyplot" not in sys.modules
"""


def test_figures_leave_pyplot_and_global_state_alone() -> None:
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, check=False)  # noqa: S603 - our own code
    assert done.returncode == 0, done.stderr


def test_without_matplotlib_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, made: dict[str, es.MetaAnalysis]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(es.MissingExtraError, match=r"the forest figure needs matplotlib.*evisynth\[plots\]"):
        es.render(made["two"], "forest")
