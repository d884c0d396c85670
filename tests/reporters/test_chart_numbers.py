"""What charts show are the numbers of the analysis: places are linear in them, curves and limits are recomputed."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_reporters import printed
from evisynth_reporters.baujat import BaujatSpec, baujat
from evisynth_reporters.bubble import BubbleSpec, bubble
from evisynth_reporters.chart import Axis, Box
from evisynth_reporters.drapery import DraperySpec, drapery
from evisynth_reporters.drawing import Curve, Disc, Group, Label, Line, Shape
from evisynth_reporters.falling import fall
from evisynth_reporters.funnel import FunnelSpec, funnel
from evisynth_reporters.gosh import GoshSpec, gosh
from evisynth_reporters.influence_panel import InfluenceSpec, influence
from evisynth_reporters.labbe import LabbeSpec, labbe
from evisynth_reporters.label_placing import placed_labels
from evisynth_reporters.name_row import spread
from evisynth_reporters.predictive import predictive_p_values
from evisynth_reporters.profile import ProfileSpec, profile
from evisynth_reporters.profile_likelihood import Profile
from evisynth_reporters.qq import QQSpec, envelope, qq
from evisynth_reporters.radial import RadialSpec, radial
from evisynth_reporters.rain import RainSpec, rain
from evisynth_reporters.ticks import linear_ticks, log_ticks
from evisynth_reporters.timeline import TimelineSpec, timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth_reporters.drawing import Drawing


def measure(text: str, *, bold: bool = False, size: float = 9.0) -> float:
    return 0.6 * size * len(text) + bold


def table(k: int = 14) -> dict[str, Any]:
    rng = np.random.default_rng(k)
    n = rng.integers(20, 300, k)
    return {
        "study": [f"S{i}" for i in range(k)], "year": [2000 + i // 2 for i in range(k)],
        "events_1": rng.binomial(n, 0.2).tolist(), "n_1": n.tolist(),
        "events_2": rng.binomial(n, 0.3).tolist(), "n_2": (n + 5).tolist(),
        "dose": rng.uniform(0, 9, k).round(1).tolist(), "kind": [("a", "b", "c")[i % 3] for i in range(k)],
    }  # fmt: skip


@pytest.fixture(scope="module")
def analysis() -> es.MetaAnalysis:
    return es.fit(table(), "OR", settings="metafor")


def studies_of(drawing: Drawing) -> dict[int, Disc]:
    """Give the disc of each study by its row."""
    found = [item for item in drawing.items if isinstance(item, Group) and item.row is not None]
    return {
        group.row: disc for group in found for disc in group.items if isinstance(disc, Disc) and group.row is not None
    }


def is_linear(places: list[float], numbers: list[float]) -> bool:
    slope, start = np.polyfit(numbers, places, 1)
    return bool(np.allclose(places, slope * np.array(numbers) + start, atol=1e-6)) and slope != 0.0


def effects(analysis: es.MetaAnalysis, rows: dict[int, Disc]) -> tuple[list[float], list[float]]:
    return [float(analysis.studies[row].effect or 0.0) for row in rows], [
        float(analysis.studies[row].se or 0.0) for row in rows
    ]


HEIGHTS: dict[str, Callable[[float, float], float]] = {
    "se": lambda se, _: se,
    "variance": lambda se, _: se * se,
    "precision": lambda se, _: 1 / se,
    "inverse variance": lambda se, _: se**-2,
    "n": lambda _, n: n,
    "root n": lambda _, n: math.sqrt(n),
    "1/n": lambda _, n: 1 / n,
    "1/root n": lambda _, n: n**-0.5,
}


@pytest.mark.parametrize("y_axis", HEIGHTS)
def test_a_funnel_places_studies_by_effect_and_precision(y_axis: str, analysis: es.MetaAnalysis) -> None:
    rows = studies_of(funnel(analysis, FunnelSpec(y_axis=y_axis), measure))
    assert len(rows) == analysis.k == 14
    y, se = effects(analysis, rows)
    n = [2 * table()["n_1"][row] + 5 for row in rows]
    assert is_linear([disc.centre[0] for disc in rows.values()], y)
    assert is_linear(
        [disc.centre[1] for disc in rows.values()], [HEIGHTS[y_axis](*pair) for pair in zip(se, n, strict=True)]
    )
    # The most precise study, or the largest, is at the top.
    top = min(rows, key=lambda row: rows[row].centre[1])
    of_size = y_axis in {"n", "root n", "1/n", "1/root n"}
    assert top == (max(rows, key=lambda row: n[row]) if of_size else min(rows, key=lambda row: se[row]))


def test_the_funnels_limits_are_those_of_the_level(analysis: es.MetaAnalysis) -> None:
    drawing = funnel(analysis, FunnelSpec(levels=(0.9,)), measure)
    rows = studies_of(drawing)
    y, se = effects(analysis, rows)
    x_slope, x_start = np.polyfit(y, [disc.centre[0] for disc in rows.values()], 1)
    y_slope, y_start = np.polyfit(se, [disc.centre[1] for disc in rows.values()], 1)
    assert analysis.pooled is not None
    for curve, sign in zip([item for item in drawing.items if isinstance(item, Curve)], (-1, 1), strict=True):
        for px, py in curve.points:
            effect, error = (px - x_start) / x_slope, (py - y_start) / y_slope
            assert effect == pytest.approx(analysis.pooled.value + sign * 1.6448536269514722 * error, abs=1e-6)


def test_contours_part_studies_by_their_p_value(analysis: es.MetaAnalysis) -> None:
    """A study lies within the region of P ≥ 0.1 and so on if and only if its own P is there."""
    drawing = funnel(analysis, FunnelSpec(contours=True, levels=()), measure)
    regions = [item for item in drawing.items if isinstance(item, Shape)][1:4]
    rows = studies_of(drawing)
    inside: dict[float, list[bool]] = {}
    for limit, region in zip((0.01, 0.05, 0.1), regions, strict=True):
        for row, disc in rows.items():
            study = analysis.studies[row]
            assert study.effect is not None
            assert study.se is not None
            p = float(es.normal_p_value(study.effect / study.se)[0])
            assert holds(region.corners, disc.centre) == (p > limit), (row, p, limit)
            inside.setdefault(limit, []).append(p > limit)
    assert {True, False} <= {one for found in inside.values() for one in found}


def holds(corners: tuple[tuple[float, float], ...], point: tuple[float, float]) -> bool:
    """Say whether a polygon holds a point, by how often a ray from it crosses the edges."""
    x, y = point
    crossed = False
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            crossed = not crossed
    return crossed


def test_filled_studies_are_those_of_the_method() -> None:
    leaning = es.Effects(
        [0.10, 0.15, 0.22, 0.35, 0.31, 0.48, 0.62, 0.80, 0.95, 1.30],
        [0.010, 0.012, 0.020, 0.030, 0.040, 0.080, 0.120, 0.200, 0.260, 0.400],
    )
    analysis = es.fit(leaning, settings="metafor", tau2="DL")
    added = es.bias(analysis, "trim-and-fill").added
    assert added
    drawing = funnel(analysis, FunnelSpec(adjustment="trim-and-fill", regression=True), measure)
    rows = studies_of(drawing)
    y, se = effects(analysis, rows)
    x_slope, x_start = np.polyfit(y, [disc.centre[0] for disc in rows.values()], 1)
    y_slope, y_start = np.polyfit(se, [disc.centre[1] for disc in rows.values()], 1)
    hollow = [item for item in drawing.items if isinstance(item, Disc) and item.colour == "#ffffff"]
    # One more explains them in the legend.
    assert len(hollow) == len(added) + 1
    shown = sorted(((d.centre[0] - x_start) / x_slope, ((d.centre[1] - y_start) / y_slope) ** 2) for d in hollow)
    for effect, variance in added:
        assert any(abs(effect - x) < 1e-6 and abs(variance - v) < 1e-6 for x, v in shown)


def test_a_study_that_is_left_out_stays_where_it_was(analysis: es.MetaAnalysis) -> None:
    without = es.leave_one_out(analysis).marked("S3")
    layouts: list[tuple[Callable[..., Drawing], Any]] = [
        (funnel, FunnelSpec()),
        (labbe, LabbeSpec()),
        (radial, RadialSpec()),
        (drapery, DraperySpec()),
        (rain, RainSpec()),
    ]
    for lay_out, spec in layouts:
        one, other = lay_out(analysis, spec, measure), lay_out(without, spec, measure, whole=analysis)
        assert [type(item) for item in one.flat] == [type(item) for item in other.flat]
        assert one.items != other.items
    whole = studies_of(funnel(analysis, FunnelSpec(), measure))
    part = studies_of(funnel(without, FunnelSpec(), measure, whole=analysis))
    assert {row: disc.centre for row, disc in whole.items()} == {row: disc.centre for row, disc in part.items()}
    assert [row for row in whole if whole[row].opacity != part[row].opacity] == [3]


def test_slopes_of_the_radial_plot_are_effects(analysis: es.MetaAnalysis) -> None:
    drawing = radial(analysis, RadialSpec(), measure)
    rows = studies_of(drawing)
    points = es.radial(analysis)
    assert is_linear([disc.centre[0] for disc in rows.values()], points.precision.tolist())
    assert is_linear([disc.centre[1] for disc in rows.values()], points.standardised.tolist())
    x_slope, x_start = np.polyfit(points.precision, [disc.centre[0] for disc in rows.values()], 1)
    y_slope, y_start = np.polyfit(points.standardised, [disc.centre[1] for disc in rows.values()], 1)
    line = next(item for item in drawing.items if isinstance(item, Curve) and not item.dash)
    (x1, y1), (x2, y2) = line.points[0], line.points[-1]
    assert analysis.pooled is not None
    slope = ((y2 - y1) / y_slope) / ((x2 - x1) / x_slope)
    assert slope == pytest.approx(analysis.pooled.value, rel=1e-6)
    # A number of the arc lies on the ray of its slope.
    origin = np.array([x_start, y_start])
    labels = [
        item for item in drawing.items if isinstance(item, Label) and item.x > line.points[-1][0] and not item.upright
    ]
    assert len(labels) > 2
    for label in labels:
        away = np.array([label.x, label.y - 3.2]) - origin
        assert (away[1] / y_slope) / (away[0] / x_slope) == pytest.approx(math.log(float(label.text)), abs=1e-6)


CURVES: dict[str, Callable[[float, float], float]] = {
    "RR": lambda p, e: p * e,
    "RD": lambda p, e: p + e,
    "OR": lambda p, e: p * e / (1 - p + p * e),
}


@pytest.mark.parametrize("name", CURVES)
def test_the_line_of_a_labbe_plot_is_the_pooled_effect(name: str) -> None:
    analysis = es.fit(table(), name, settings="metafor")
    drawing = labbe(analysis, LabbeSpec(), measure)
    rows = studies_of(drawing)
    data = table()
    risks_1 = [data["events_1"][row] / data["n_1"][row] for row in rows]
    risks_2 = [data["events_2"][row] / data["n_2"][row] for row in rows]
    assert is_linear([disc.centre[0] for disc in rows.values()], risks_2)
    assert is_linear([disc.centre[1] for disc in rows.values()], risks_1)
    areas = [disc.radius**2 for disc in rows.values()]
    weights = [analysis.studies[row].weight for row in rows]
    assert np.allclose(np.array(areas) / max(areas), np.array(weights) / max(weights))  # type: ignore[type-var]
    x_slope, x_start = np.polyfit(risks_2, [disc.centre[0] for disc in rows.values()], 1)
    y_slope, y_start = np.polyfit(risks_1, [disc.centre[1] for disc in rows.values()], 1)
    line = next(item for item in drawing.items if isinstance(item, Curve) and item.dash)
    assert analysis.display is not None
    for px, py in line.points[::20]:
        risk = (px - x_start) / x_slope
        assert (py - y_start) / y_slope == pytest.approx(CURVES[name](risk, analysis.display.value), abs=1e-6)


def test_the_axes_of_a_baujat_plot_are_its_numbers(analysis: es.MetaAnalysis) -> None:
    rows = studies_of(baujat(analysis, BaujatSpec(), measure))
    points = es.baujat(analysis)
    assert is_linear([disc.centre[0] for disc in rows.values()], points.heterogeneity.tolist())
    assert is_linear([disc.centre[1] for disc in rows.values()], points.influence.tolist())


def test_a_qq_plot_orders_the_residuals_within_their_limits(analysis: es.MetaAnalysis) -> None:
    found = es.influence(analysis).numbers
    for words, values in (("standardised", found.rstandard), ("deleted", found.rstudent)):
        rows = studies_of(qq(analysis, QQSpec(residuals=words), measure))
        assert is_linear([disc.centre[1] for disc in rows.values()], [float(values[row]) for row in rows])
        assert list(rows) == np.argsort(values).tolist()
        xs = [disc.centre[0] for disc in rows.values()]
        assert all(one < other for one, other in itertools.pairwise(xs))
    # Drawn: of 20,000 samples of 5 normal values, 5 % of the least fall outside the limits of the least.
    drawn = np.sort(np.random.default_rng(1).normal(size=(20000, 5)), axis=1)
    limits = envelope(5, 0.95)
    for i in range(5):
        outside = ((drawn[:, i] < limits[0][i]) | (drawn[:, i] > limits[1][i])).mean()
        assert outside == pytest.approx(0.05, abs=0.006)


def test_a_bubble_plot_has_the_line_of_the_regression() -> None:
    analysis = es.fit(table(), "OR", settings="metafor", moderators="~ dose")
    drawing = bubble(analysis, BubbleSpec(), measure)
    rows = studies_of(drawing)
    dose = [table()["dose"][row] for row in rows]
    y, _ = effects(analysis, rows)
    x_slope, x_start = np.polyfit(dose, [disc.centre[0] for disc in rows.values()], 1)
    y_slope, y_start = np.polyfit(y, [disc.centre[1] for disc in rows.values()], 1)
    line = next(item for item in drawing.items if isinstance(item, Curve))
    (x1, y1), (x2, y2) = line.points[0], line.points[-1]
    at = [(x - x_start) / x_slope for x in (x1, x2)]
    values = [(y - y_start) / y_slope for y in (y1, y2)]
    slope = analysis.coefficients["dose"].value
    assert (values[1] - values[0]) / (at[1] - at[0]) == pytest.approx(slope, rel=1e-6)
    assert values[0] == pytest.approx(analysis.coefficients["intercept"].value + slope * at[0], rel=1e-6)
    with pytest.raises(es.SettingsError, match="moderator of figure 'bubble' is one of 'dose', not 'age'"):
        bubble(analysis, BubbleSpec(moderator="age"), measure)


def test_categories_of_a_bubble_plot_have_a_level_each() -> None:
    analysis = es.fit(table(), "OR", settings="metafor", moderators="~ C(kind) + dose")
    drawing = bubble(analysis, BubbleSpec(moderator="kind"), measure)
    assert [item.text for item in drawing.items if isinstance(item, Label)][:3] == ["a", "b", "c"]
    assert any("dose =" in item.text for item in drawing.flat if isinstance(item, Label))


def test_gosh_counts_every_subset() -> None:
    few = es.fit(table(6), "OR", settings="metafor")
    drawing = gosh(few, GoshSpec(), measure)
    tips = [item.tip[0] for item in drawing.items if isinstance(item, Group)]
    # All subsets of 6 but the empty one and those of one study, which have no heterogeneity.
    assert sum(int(tip.partition(" ")[0]) for tip in tips) == 2**6 - 1 - 6
    split = gosh(few, GoshSpec(highlight="S0"), measure)
    counted = {True: 0, False: 0}
    for item in split.items:
        if isinstance(item, Group):
            counted[item.tip[0].endswith("with S0") and "without" not in item.tip[0]] += int(
                item.tip[0].partition(" ")[0]
            )
    assert counted == {True: 31, False: 26}
    with pytest.raises(es.SettingsError, match="highlight of figure 'gosh'"):
        gosh(few, GoshSpec(highlight="nobody"), measure)


def test_curves_of_a_drapery_plot_peak_at_the_effects(analysis: es.MetaAnalysis) -> None:
    drawing = drapery(analysis, DraperySpec(prediction=False), measure)
    groups = [item for item in drawing.items if isinstance(item, Group) and item.row is not None]
    peaks = {group.row: min(_curve(group).points, key=lambda point: point[1]) for group in groups}
    y = [float(analysis.studies[row].effect or 0.0) for row in peaks if row is not None]
    assert is_linear([x for x, _ in peaks.values()], y)
    assert len({round(height, 6) for _, height in peaks.values()}) == 1


def test_tips_of_gosh_sum_up_a_column() -> None:
    few = es.fit(table(6), "OR", settings="metafor")
    tips = [item.tip for item in gosh(few, GoshSpec(heterogeneity="tau2"), measure).items if isinstance(item, Group)]
    assert all(
        len(tip) == 3 and tip[1].startswith("Odds Ratio [") and tip[2].startswith("Median of τ²") for tip in tips
    )
    lows = [float(tip[1].partition("[")[2].partition(",")[0]) for tip in tips]
    assert lows == sorted(set(lows))


def test_gosh_of_more_subsets_than_a_floating_point_number_holds() -> None:
    rng = np.random.default_rng(4)
    many = es.fit(es.Effects(rng.normal(size=1100), rng.uniform(0.1, 1.0, 1100)), settings="metafor", tau2="DL")
    drawing = gosh(many, GoshSpec(budget=50), measure)
    texts = [item.text for item in drawing.flat if isinstance(item, Label)]
    # 2¹¹⁰⁰ = 1.36e331, and as many subsets are possible but the empty one.
    assert any(text.startswith("50 of 1.4e331 subsets, drawn with seed") for text in texts)


def test_a_drapery_plot_is_of_p_values_of_levels_or_of_statistics(analysis: es.MetaAnalysis) -> None:
    """The interval of the settings' level ends where its p-value, level or statistic is on the axis."""
    assert analysis.pooled is not None
    for word, foot, at in (("p", 0.0, 0.05), ("confidence", 0.0, 0.05), ("z", -3.5, -1.959963984540054)):
        drawing = drapery(analysis, DraperySpec(y_axis=word, models="asked for"), measure)
        *_, curve = [item for item in drawing.items if isinstance(item, Curve)]
        (x, top), bottom = min(curve.points, key=lambda point: point[1]), max(y for _, y in curve.points)
        wanted = bottom - (bottom - top) * (at - foot) / (1.0 if word != "z" else -foot)
        right = np.array(sorted(point for point in curve.points if point[0] >= x))
        found = np.interp(wanted, right[:, 1], right[:, 0]) - x
        groups = [item for item in drawing.items if isinstance(item, Group) and item.row is not None]
        places = [min(_curve(group).points, key=lambda point: point[1])[0] for group in groups]
        y = [float(analysis.studies[group.row].effect or 0.0) for group in groups if group.row is not None]
        scale = (max(places) - min(places)) / (max(y) - min(y))
        assert found == pytest.approx(scale * (analysis.pooled.ci_high - analysis.pooled.value), rel=0.02)


def _curve(group: Group) -> Curve:
    return next(item for item in group.items if isinstance(item, Curve))


def test_the_prediction_range_holds_the_intervals_of_all_levels(analysis: es.MetaAnalysis) -> None:
    at = np.array([analysis.prediction.low, analysis.prediction.high]) if analysis.prediction else np.zeros(0)
    assert predictive_p_values(analysis, at) == pytest.approx([0.05, 0.05], rel=1e-9)
    texts = [item.text for item in drapery(analysis, DraperySpec(), measure).flat if isinstance(item, Label)]
    assert "Prediction range" in texts
    assert {study.study_id for study in analysis.studies if study.included} <= set(texts)
    bare = drapery(analysis, DraperySpec(labels=False, prediction=False), measure)
    texts = [item.text for item in bare.flat if isinstance(item, Label)]
    assert not {"Prediction range", "S1"} & set(texts)
    with pytest.raises(es.SettingsError, match="levels of figure 'drapery' is a list of numbers"):
        DraperySpec(levels=(2.0,))


@pytest.mark.parametrize("places", [[], [5.0], [1.0, 1.0, 1.0], [50.0, 2.0, 49.0, 51.0, 99.0], [200.0, -9.0, 3.0]])
def test_names_are_spread_between_the_ends(places: list[float]) -> None:
    found = spread(places, 0.0, 100.0, 9.0)
    assert all(0.0 <= at <= 100.0 for at in found)
    for (one, at), (other, there) in itertools.combinations(zip(places, found, strict=True), 2):
        assert abs(at - there) >= 9.0 - 1e-9
        assert one == other or (one < other) == (at < there)
    apart = [10.0, 60.0, 30.0]
    assert spread(apart, 0.0, 100.0, 9.0) == pytest.approx(apart)


def test_the_influence_panel_shows_each_diagnostic(analysis: es.MetaAnalysis) -> None:
    drawing = influence(analysis, InfluenceSpec(measures=("cook_distance", "hat"), columns=1), measure)
    numbers = es.influence(analysis).numbers
    for name in ("Cook's distance", "Leverage"):
        shown = [item for item in drawing.items if isinstance(item, Group) and item.tip[-1].startswith(name)]
        values = numbers.cook_distance if name.startswith("Cook") else numbers.hat
        heights = [disc.centre[1] for group in shown for disc in group.items if isinstance(disc, Disc)]
        assert is_linear(heights, values.tolist())
    with pytest.raises(es.SettingsError, match="measures of figure 'influence' is one of"):
        InfluenceSpec(measures=("luck",))
    with pytest.raises(es.SettingsError, match="is a list of words, not 'hat'"):
        InfluenceSpec(measures="hat")  # type: ignore[arg-type]


def test_influential_studies_are_named_and_beyond_a_limit() -> None:
    rng = np.random.default_rng(2)
    y, v = rng.normal(0.0, 0.1, 30), np.full(30, 0.01)
    y[17] = 1.5
    analysis = es.fit(es.Effects(y, v, study=[f"S{i}" for i in range(30)]), settings="metafor")
    drawing = influence(analysis, InfluenceSpec(measures=("dffits", "cook_distance", "tau2_deleted")), measure)
    assert np.flatnonzero(es.influence(analysis).influential).tolist() == [17]
    texts = [item.text for item in drawing.flat if isinstance(item, Label)]
    assert texts.count("S17") == 3
    assert "S16" not in texts
    dffits = np.abs(es.influence(analysis).numbers.dffits)
    beyond = 3.0 / math.sqrt(29)
    lines = [item.start[1] for item in drawing.flat if isinstance(item, Line) and item.dash and item.start[0] > 30]
    discs = [group.items[0] for group in drawing.items if isinstance(group, Group) and group.tip[-1].startswith("DFF")]
    heights = {disc.centre[1] for disc in discs if isinstance(disc, Disc)}
    assert sum(dffits > beyond) == sum(height < min(lines) for height in heights) == 1


def test_frames_of_a_column_stand_below_one_another(analysis: es.MetaAnalysis) -> None:
    drawing = influence(analysis, InfluenceSpec(columns=2), measure)
    headings = [item for item in drawing.items if isinstance(item, Label) and item.bold]
    assert len(headings) == 8
    assert len({heading.x for heading in headings}) == 2


@pytest.mark.parametrize(("tau2", "restricted"), [("REML", True), ("ML", False)])
def test_the_profile_likelihood_is_that_of_the_fit(tau2: str, *, restricted: bool) -> None:
    analysis = es.fit(table(20), "OR", settings="metafor", tau2=tau2, tau2_interval="PL", moderators="~ dose")
    fit = analysis.fit
    assert fit is not None
    curve = Profile(fit.y, fit.v, fit.X, restricted=restricted)
    (best, height), *_ = curve.modes
    assert best == pytest.approx(float(fit.tau2), rel=1e-5, abs=1e-8)
    assert height == pytest.approx(analysis.fit_statistics[tau2].log_likelihood, rel=1e-10)
    high = analysis.heterogeneity.tau2_ci_high
    assert high is not None
    drop = 0.5 * es.chi2_quantile(0.05, 1.0)
    assert height - float(curve.at(np.array([high]))[0]) == pytest.approx(drop, rel=1e-6)


def test_all_modes_are_found() -> None:
    """Effects of two precise groups far apart, which one can take for one group with outliers or for two."""
    y = np.array([0.0, 0.05, -0.02, 4.0])
    v = np.array([1e-4, 0.5, 0.4, 6.0])
    found: set[int] = set()
    for shift in np.linspace(0.0, 12.0, 60):
        curve = Profile(np.append(y, shift), np.append(v, 8.0), np.ones((5, 1)), restricted=False)
        modes = curve.modes
        found.add(len(modes))
        grid = np.linspace(0.0, math.sqrt(curve.bound), 20001) ** 2
        heights = curve.at(grid)
        assert modes[0][1] >= heights.max() - 1e-9
        rising = np.r_[True, np.diff(heights) > 0]
        falling = np.r_[np.diff(heights) < 0, True]
        assert int((rising & falling).sum()) == len(modes)
    assert found


NEARLY_TANGENT = (
    [-2.68588236e02, -1.15074780e-01, 1.23296621e00, 3.67163252e-03, -2.52658257e-01],
    [2.42068824e02, 2.73735773e-02, 6.29940067e-02, 7.59196931e-03, 3.23541328e-01],
)
"""Effects and variances whose restricted likelihood has two maxima, one of them almost flat."""


def test_a_mode_that_is_almost_flat_is_marked() -> None:
    analysis = es.fit(es.Effects(*NEARLY_TANGENT), settings="metafor")
    drawing = profile(analysis, ProfileSpec(likelihood="both"), measure)
    marks = [item for item in drawing.items if isinstance(item, Group)]
    names = [group.tip[0] for group in marks]
    assert names.count("REML: Global maximum") == names.count("ML: Global maximum") == 1
    assert names.count("REML: Local maximum") == 1
    assert analysis.heterogeneity.tau2 is not None
    assert f"τ² = {printed.entered(analysis.heterogeneity.tau2)}" in marks[0].tip


@pytest.mark.parametrize("estimator", ["REML", "ML"])
def test_modes_of_hard_sets_are_those_of_the_estimators(estimator: str) -> None:
    rng = np.random.default_rng(1)
    record = es.default_registry().get(es.Tau2Estimator, estimator)
    several = 0
    for _ in range(200):
        k = int(rng.integers(3, 9))
        v = 10.0 ** rng.uniform(-6.0, 2.0, k)
        y = np.asarray(np.sqrt(v + 10.0 ** rng.uniform(-6.0, 1.0)) * rng.standard_normal(k), dtype=np.float64)
        found: Any = record.function(y, v, es.intercept(k))
        modes = Profile(y, v, np.ones((k, 1)), restricted=estimator == "REML").modes
        assert len(modes) == int(found.modes)
        assert modes[0][0] == pytest.approx(float(found.tau2), rel=1e-7, abs=1e-12)
        several += len(modes) > 1
    assert several > 2


def test_the_interval_of_the_profile_is_that_of_the_analysis(analysis: es.MetaAnalysis) -> None:
    found = es.fit(analysis.effects, settings="metafor", tau2_interval="PL")
    low, high = Profile(*_fitted(found), restricted=True).ends(0.5 * es.chi2_quantile(0.05, 1.0))
    assert low == pytest.approx(found.heterogeneity.tau2_ci_low, rel=1e-9, abs=1e-12)
    assert high == pytest.approx(found.heterogeneity.tau2_ci_high, rel=1e-9)


def _fitted(analysis: es.MetaAnalysis) -> tuple[Any, Any, Any]:
    assert analysis.fit is not None
    return analysis.fit.y, analysis.fit.v, analysis.fit.X


def test_rain_shades_by_the_probability(analysis: es.MetaAnalysis) -> None:
    drawing = rain(analysis, RainSpec(thresholds=(0.9,)), measure)
    assert drawing == rain(es.fit(table(), "OR", settings="metafor", threshold=0.9), RainSpec(), measure)
    texts = [item.text for item in drawing.flat if isinstance(item, Label)]
    below = analysis.probability(below=math.log(0.9), on="analysis").value
    assert below is not None
    assert f"P(true effect < 0.90) = {100 * below:.0f}%" in texts
    rows = studies_of(drawing)
    y, _ = effects(analysis, rows)
    assert is_linear([disc.centre[0] for disc in rows.values()], y)
    assert sum(isinstance(item, Shape) for item in drawing.items) >= 2


def test_rain_shades_between_thresholds(analysis: es.MetaAnalysis) -> None:
    drawing = rain(analysis, RainSpec(thresholds=(0.7, 0.4, 5.0)), measure)
    texts = [item.text for item in drawing.flat if isinstance(item, Label)]
    shares = [analysis.probability(below=math.log(end), on="analysis").value or 0.0 for end in (0.4, 0.7, 5.0)]
    assert f"P(0.40 < true effect < 0.70) = {100 * (shares[1] - shares[0]):.0f}%" in texts
    assert f"P(0.70 < true effect < 5.00) = {100 * (shares[2] - shares[1]):.0f}%" in texts
    assert "P(true effect > 5.00) < 1%" in texts
    assert es.figure("rain", thresholds=2) == RainSpec(thresholds=(2.0,))
    with pytest.raises(es.SettingsError, match="thresholds of figure 'rain' are effects as they are shown"):
        rain(analysis, RainSpec(thresholds=(-1.0,)), measure)
    with pytest.raises(es.SettingsError, match="thresholds of figure 'rain' is a list of numbers"):
        es.figure("rain", thresholds="much")


@pytest.mark.parametrize("k", [0, 1, 8, 60, 200])
def test_drops_fall_within_their_room_and_hide_few(k: int) -> None:
    rng = np.random.default_rng(k)
    weights, x = rng.lognormal(size=k), rng.normal(200.0, 60.0, k)
    found = fall(weights.tolist(), x.tolist(), width=360.0, top=150.0, bottom=290.0)
    y = np.array(found.places)
    assert ((y > 150.0) & (y < 290.0)).all()
    radii = np.maximum(found.largest * np.sqrt(weights / weights.max(initial=0.0)), found.smallest)
    apart = np.hypot(np.subtract.outer(x, x), np.subtract.outer(y, y)) - np.add.outer(radii, radii)
    touching = int((apart[np.triu_indices(k, 1)] < 0.0).sum())
    assert touching == 0 if k <= 60 else touching <= k / 10


def moments(drawing: Drawing) -> list[tuple[str, ...]]:
    return [item.tip for item in drawing.items if isinstance(item, Group) and len(item.tip) == 3]


def test_a_timeline_adds_studies_of_a_year_together(analysis: es.MetaAnalysis) -> None:
    tips = moments(timeline(analysis, TimelineSpec(), measure))
    assert [tip[0].partition(":")[0] for tip in tips] == [str(year) for year in range(2000, 2007)]
    n = [2 * size + 5 for size in table()["n_1"]]
    assert tips[0][1:] == (f"Studies: 2, Participants: {sum(n[:2]):,}", "Added: S0, S1")
    assert tips[-1][1] == f"Studies: 14, Participants: {sum(n):,}"
    assert analysis.display is not None
    shown = f"{analysis.display.value:.2f} [{analysis.display.ci_low:.2f}, {analysis.display.ci_high:.2f}]"
    assert shown in tips[-1][0]
    bars = timeline(analysis, TimelineSpec(bars="participants"), measure)
    heights = [
        max(y for _, y in shape.corners) - min(y for _, y in shape.corners)
        for item in bars.items if isinstance(item, Group) and len(item.tip) == 2
        for shape in item.items if isinstance(shape, Shape)
    ]  # fmt: skip
    assert np.array(heights) / heights[-1] == pytest.approx(np.cumsum(n)[1::2] / sum(n))


def test_a_timeline_of_editions(analysis: es.MetaAnalysis) -> None:
    """An edition may list what it added or all it has, and one without a new study keeps the result."""
    first, all_of_them = ("S3", "S4", "S5"), tuple(f"S{i}" for i in range(3, 14))
    editions: Any = {"Protocol": (), "First": first, "Second": first, "Third": all_of_them}
    drawing = timeline(analysis, TimelineSpec(editions=editions), measure)
    tips = moments(drawing)
    assert [tip[0].partition(":")[0] for tip in tips] == ["First", "Second", "Third"]
    assert [tip[1].partition(",")[0] for tip in tips] == ["Studies: 3", "Studies: 3", "Studies: 11"]
    assert tips[0][0].partition(":")[2] == tips[1][0].partition(":")[2] != tips[2][0].partition(":")[2]
    assert [tip[2] for tip in tips[:2]] == ["Added: S3, S4, S5", "No study added"]
    assert tips[2][2] == "Added: " + ", ".join(all_of_them[3:])
    assert "Studies without a date, not shown: 3." in [item.text for item in drawing.flat if isinstance(item, Label)]
    spec = TimelineSpec(editions=editions)
    assert es.read_figure(spec.to_json()) == spec == TimelineSpec(editions=list(editions.items()))
    with pytest.raises(es.SettingsError, match="name 'X9', which is no study"):
        timeline(analysis, TimelineSpec(editions={"First": ("X9",)}), measure)
    for wrong in ({"First": "S1"}, ["First"], {"First": [1]}, 5):
        with pytest.raises(es.SettingsError, match="editions of figure 'timeline' are names"):
            TimelineSpec(editions=wrong)


# -- axes and names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (0.3, 10.4, (2, 4, 6, 8, 10)),
        (-0.16, 0.18, (-0.1, 0, 0.1)),
        (5.0, 5.0, (5.0,)),
        (1e-9, 3e-9, (1e-9, 1.5e-9, 2e-9, 2.5e-9, 3e-9)),
    ],
)
def test_linear_ticks_are_round(low: float, high: float, expected: tuple[float, ...]) -> None:
    found = linear_ticks(low, high)
    assert len(found) <= 6
    if low != 1e-9:
        assert found == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.2, 5.0, (0.2, 0.5, 1.0, 2.0, 5.0)),
        (0.09, 11.0, (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)),
        (1e-4, 1e4, (1e-4, 1e-2, 1.0, 1e2, 1e4)),
        (0.8, 1.3, (0.8, 0.9, 1.0, 1.1, 1.2, 1.3)),
    ],
)
def test_logarithmic_ticks_go_by_1_2_and_5(low: float, high: float, expected: tuple[float, ...]) -> None:
    assert log_ticks(low, high) == expected


def test_names_are_left_out_rather_than_overlap() -> None:
    box = Box(Axis(0.0, 1.0), Axis(0.0, 1.0), 0.0, 0.0, 200.0, 100.0)
    points = [((100.0 + 0.1 * i, 50.0), 3.0) for i in range(60)]
    placed = placed_labels([(f"Author {i} 2020", at) for i, (at, _) in enumerate(points)], points, box, measure)
    assert 4 <= len(placed) < 60
    spans = [(label.x, label.y - 5.6, label.x + measure(label.text, size=7.5), label.y + 1.6) for label in placed]
    for one, other in itertools.combinations(spans, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    assert all(left >= 0 and right <= 200 for left, _, right, _ in spans)
