"""Options of charts of studies, and what makes them legible."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_reporters.bubble import BubbleSpec, beside, bubble
from evisynth_reporters.canvas import text_measure
from evisynth_reporters.chart import Axis, Box
from evisynth_reporters.drawing import Curve, Disc, Drawing, Group, Label, Line
from evisynth_reporters.effect_axis import effect_axis
from evisynth_reporters.funnel import FunnelSpec, funnel
from evisynth_reporters.labbe import LabbeSpec, labbe
from evisynth_reporters.label_placing import along, placed_labels
from evisynth_reporters.radial import RadialSpec, radial
from evisynth_reporters.residual_envelopes import simulated_envelope

if TYPE_CHECKING:
    from collections.abc import Callable

measure = text_measure(100.0)


def table(k: int = 14) -> dict[str, Any]:
    rng = np.random.default_rng(k)
    n = rng.integers(30, 300, k)
    return {
        "study": [f"S{i}" for i in range(k)],
        "events_1": rng.binomial(n, 0.2).tolist(),
        "n_1": n.tolist(),
        "events_2": rng.binomial(n, 0.3).tolist(),
        "n_2": n.tolist(),
        "kind": [("a", "b", "c")[i % 3] for i in range(k)],
    }


def discs(drawing: Drawing) -> dict[int, Disc]:
    groups = [item for item in drawing.items if isinstance(item, Group) and item.row is not None]
    return {group.row: disc for group in groups for disc in group.items if isinstance(disc, Disc)}  # type: ignore[misc]


def fitted(numbers: list[float], places: list[float]) -> tuple[float, float]:
    """Give the slope and the start of the line that places lie on."""
    slope, start = np.polyfit(numbers, places, 1)
    return float(slope), float(start)


def test_a_swapped_funnel_has_effects_up_the_page_and_the_most_precise_study_at_the_right() -> None:
    analysis = es.fit(table(), "OR", settings="metafor")
    drawing = funnel(analysis, FunnelSpec(swapped=True, contours=True, regression=True), measure)
    rows = discs(drawing)
    y = [analysis.studies[row].effect or 0.0 for row in rows]
    se = [analysis.studies[row].se or 0.0 for row in rows]
    slope, start = fitted(y, [disc.centre[1] for disc in rows.values()])
    assert slope < 0
    assert np.corrcoef(y, [disc.centre[1] for disc in rows.values()])[0, 1] == pytest.approx(-1.0)
    assert max(rows, key=lambda row: rows[row].centre[0]) == list(rows)[int(np.argmin(se))]
    # The pooled effect is a line across the page, where its number belongs.
    assert analysis.pooled is not None
    level = [line for line in drawing.items if isinstance(line, Line) and line.start[1] == line.end[1]]
    assert any(line.start[1] == pytest.approx(start + slope * analysis.pooled.value) for line in level)
    # All numbers of the axis that runs backwards are written.
    texts = [item.text for item in drawing.items if isinstance(item, Label)]
    assert len([text for text in texts if text in {"0", "0.1", "0.2", "0.3", "0.4", "0.5"}]) > 2


def test_a_wide_foot_of_the_funnel_does_not_crowd_the_studies() -> None:
    y, v = [0.0, 0.1, 0.05, 0.12], [0.001, 0.002, 0.001, 4.0]
    drawing = funnel(es.fit(es.Effects(y, v), settings="metafor"), FunnelSpec(), measure)
    across = [disc.centre[0] for disc in discs(drawing).values()]
    assert max(across) - min(across) > 0.4 * drawing.width


def test_the_adjusted_effect_is_said() -> None:
    analysis = es.fit(table(), "OR", settings="metafor")
    drawing = funnel(analysis, FunnelSpec(adjustment="trim-and-fill"), measure)
    after = es.bias(analysis, "trim-and-fill").after
    assert after is not None
    said = " ".join(item.text for item in drawing.items if isinstance(item, Label))
    assert f"adjusted effect {math.exp(after.value):.2f} [{math.exp(after.ci_low):.2f}," in said


def test_names_keep_clear_of_lines_where_they_can() -> None:
    box = Box(Axis(0.0, 1.0), Axis(0.0, 1.0), 0.0, 0.0, 200.0, 100.0)
    point = (100.0, 50.0)
    upright = Line((112.0, 0.0), (112.0, 100.0))
    (free,) = placed_labels([("Author", point)], [(point, 3.0)], box, measure)
    (moved,) = placed_labels([("Author", point)], [(point, 3.0)], box, measure, lines=[upright])
    assert free.x < 112 < free.x + measure("Author", size=7.5)
    assert moved.x + measure("Author", size=7.5) < 112
    # Lines everywhere: better a name across one than none.
    fence = [Line((float(x), 0.0), (float(x), 100.0)) for x in range(0, 200, 5)]
    assert placed_labels([("Author", point)], [(point, 3.0)], box, measure, lines=fence) == [free]


def test_a_slanting_line_takes_no_more_than_it_needs() -> None:
    areas = along([Line((0.0, 0.0), (200.0, 100.0)), Curve(((0.0, 10.0), (5.0, 10.0)))])
    covered = sum((right - left) * (bottom - top) for left, top, right, bottom in areas)
    assert covered < 0.15 * 200 * 100
    assert any(left <= 100 <= right and top <= 50 <= bottom for left, top, right, bottom in areas)


def test_a_curved_scale_has_numbers_along_all_of_its_axis() -> None:
    n = [100, 2000, 900, 400, 3000]
    analysis = es.fit({"study": list("abcde"), "events": [60, 4, 90, 200, 9], "n": n}, "PLO", settings="metafor")
    axis = effect_axis(analysis, [analysis.studies[row].effect or 0.0 for row in range(5)])
    places = [axis.place(value) for value, _ in axis.ticks]
    assert max(after - before for before, after in itertools.pairwise([0.0, *places, 1.0])) < 0.4
    for value, label in axis.ticks:
        assert 1.0 / (1.0 + math.exp(-value)) == pytest.approx(float(label))


def test_studies_of_a_category_stand_beside_each_other() -> None:
    analysis = es.fit(table(30), "OR", settings="metafor", moderators="~ kind")
    centres = [disc.centre[0] for disc in discs(bubble(analysis, BubbleSpec(), measure)).values()]
    assert len({round(x, 6) for x in centres}) == 30
    assert beside(np.array([0.0, 1.0, 1.0])).tolist() == pytest.approx([0.0, 0.76, 1.24])


def test_the_simulated_envelope_is_that_of_the_residuals() -> None:
    """Two equal studies have residuals that are one standard normal number and its mirror image."""
    fit = es.fit(es.Effects([0.0, 1.0], [0.5, 0.5]), settings="metafor", model="common").fit
    assert fit is not None
    low, high = simulated_envelope(fit, 0.95, draws=40_000, seed=3)
    # The larger of the two is |z|, whose quantiles of 2.5 and 97.5 % are these.
    assert (low[1], high[1]) == pytest.approx((0.03134, 2.2414), abs=0.03)
    assert (low[0], high[0]) == pytest.approx((-high[1], -low[1]))
    again = partial(simulated_envelope, fit, 0.95, draws=200)
    assert np.array_equal(again(seed=1), again(seed=1))
    assert not np.array_equal(again(seed=1), again(seed=2))


@pytest.mark.parametrize("name", ["RR", "OR", "RD"])
@pytest.mark.parametrize("scale", ["log risk", "log odds"])
def test_a_labbe_plot_on_logarithmic_axes_has_the_pooled_effect(scale: str, name: str) -> None:
    analysis = es.fit(table(), name, settings="metafor")
    drawing = labbe(analysis, LabbeSpec(scale=scale), measure)
    data, rows = table(), discs(drawing)
    risks = np.array([[data[f"events_{arm}"][row] / data[f"n_{arm}"][row] for row in rows] for arm in (2, 1)])
    numbers = np.log(risks if scale == "log risk" else risks / (1.0 - risks))
    fits = [fitted(numbers[i].tolist(), [disc.centre[i] for disc in rows.values()]) for i in (0, 1)]
    for i, (slope, start) in enumerate(fits):
        expected = [start + slope * float(number) for number in numbers[i]]
        assert [disc.centre[i] for disc in rows.values()] == pytest.approx(expected)
    line = next(item for item in drawing.items if isinstance(item, Curve) and item.dash)
    assert analysis.pooled is not None
    for point in line.points[5::20]:
        shown = [math.exp((point[i] - start) / slope) for i, (slope, start) in enumerate(fits)]
        control, treated = shown if scale == "log risk" else (odds / (1.0 + odds) for odds in shown)
        found = {
            "RR": math.log(treated / control),
            "OR": math.log(treated / (1.0 - treated) * (1.0 - control) / control),
            "RD": treated - control,
        }[name]
        assert found == pytest.approx(analysis.pooled.value, abs=1e-6)


def test_a_labbe_plot_names_studies_and_says_where_cells_are_corrected() -> None:
    data = {**table(), "events_1": [0, *table()["events_1"][1:]]}
    analysis = es.fit(data, "OR", settings="metafor", by="kind")
    drawing = labbe(analysis, LabbeSpec(scale="log odds", labels="all"), measure)
    texts = [item.text for item in drawing.items if isinstance(item, Label)]
    assert {"a", "b", "c"} <= set(texts)
    assert len([text for text in texts if text in data["study"]]) > 8
    assert "0.5 is added" in " ".join(texts)
    assert all(math.isfinite(x) for disc in discs(drawing).values() for x in disc.centre)
    # From a correlation no risk follows.
    other = labbe(es.fit(table(), "PHI", settings="metafor"), LabbeSpec(), measure)
    assert "No line" in " ".join(item.text for item in other.items if isinstance(item, Label))


def test_the_arc_of_a_radial_plot_clears_every_study() -> None:
    for k in (1, 2, 14, 200):
        drawing = radial(es.fit(table(k), "OR", settings="metafor"), RadialSpec(labels="all"), measure)
        arc = next(item for item in drawing.items if isinstance(item, Curve) and len(item.points) > 50)
        line = next(item for item in drawing.items if isinstance(item, Curve) and not item.dash)
        x, y = line.points[0]
        reach = math.hypot(arc.points[0][0] - x, arc.points[0][1] - y)
        assert all(math.hypot(px - x, py - y) == pytest.approx(reach) for px, py in arc.points)
        for disc in discs(drawing).values():
            assert math.hypot(disc.centre[0] - x, disc.centre[1] - y) + disc.radius < reach


def test_a_study_that_is_left_out_of_a_radial_plot_stays_pale() -> None:
    analysis = es.fit(table(), "OR", settings="metafor")
    without = es.leave_one_out(analysis).marked("S3")
    whole = discs(radial(analysis, RadialSpec(), measure))
    part = discs(radial(without, RadialSpec(), measure, whole=analysis))
    assert [row for row in whole if whole[row].opacity != part[row].opacity] == [3]


@pytest.mark.parametrize(("lay_out", "spec"), [(funnel, FunnelSpec()), (labbe, LabbeSpec()), (radial, RadialSpec())])
def test_subgroups_have_colours_whatever_column_they_come_from(
    lay_out: Callable[..., Drawing], spec: es.FigureSpec
) -> None:
    drawing = lay_out(es.fit(table(), "OR", settings="metafor", by="kind"), spec, measure)
    colours = {table()["kind"][row]: disc.colour for row, disc in discs(drawing).items()}
    assert len(set(colours.values())) == 3
    assert all(disc.colour == colours[table()["kind"][row]] for row, disc in discs(drawing).items())
    assert {"a", "b", "c"} <= {item.text for item in drawing.items if isinstance(item, Label)}
