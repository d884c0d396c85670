"""Options of charts of studies, and what makes them legible."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import Any

import numpy as np
import pytest

import evisynth as es
from evisynth_reporters.bubble import BubbleSpec, beside, bubble
from evisynth_reporters.canvas import text_measure
from evisynth_reporters.chart import Axis, Box
from evisynth_reporters.drawing import Curve, Disc, Drawing, Group, Label, Line
from evisynth_reporters.effect_axis import effect_axis
from evisynth_reporters.funnel import FunnelSpec, funnel
from evisynth_reporters.label_placing import along, placed_labels
from evisynth_reporters.residual_envelopes import simulated_envelope

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


def test_a_swapped_funnel_has_effects_up_the_page_and_the_most_precise_study_at_the_right() -> None:
    analysis = es.fit(table(), "OR", settings="metafor")
    drawing = funnel(analysis, FunnelSpec(swapped=True, contours=True, regression=True), measure)
    rows = discs(drawing)
    y = [analysis.studies[row].effect or 0.0 for row in rows]
    se = [analysis.studies[row].se or 0.0 for row in rows]
    slope, _ = np.polyfit(y, [disc.centre[1] for disc in rows.values()], 1)
    assert slope < 0
    assert np.corrcoef(y, [disc.centre[1] for disc in rows.values()])[0, 1] == pytest.approx(-1.0)
    assert max(rows, key=lambda row: rows[row].centre[0]) == list(rows)[int(np.argmin(se))]
    # The pooled effect is a line across the page, where its number belongs.
    start = np.polyfit(y, [disc.centre[1] for disc in rows.values()], 1)[1]
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
    """With τ² held and two equal studies the residuals are ±z/√2 over their own standard error: |N(0, 1)| and its mirror."""
    fit = es.fit(es.Effects([0.0, 1.0], [0.5, 0.5]), settings="metafor", model="common").fit
    assert fit is not None
    low, high = simulated_envelope(fit, 0.95, draws=40_000, seed=3)
    # The larger of the two is |z|, whose quantiles of 2.5 and 97.5 % are these.
    assert (low[1], high[1]) == pytest.approx((0.03134, 2.2414), abs=0.03)
    assert (low[0], high[0]) == pytest.approx((-high[1], -low[1]))
    again = partial(simulated_envelope, fit, 0.95, draws=200)
    assert np.array_equal(again(seed=1), again(seed=1))
    assert not np.array_equal(again(seed=1), again(seed=2))
