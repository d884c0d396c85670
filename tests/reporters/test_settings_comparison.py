"""The figure of two settings: everything within the sheet, nothing over anything else."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

import evisynth as es
from evisynth_reporters.canvas import text_measure
from evisynth_reporters.drawing import Drawing, Label, Line
from evisynth_reporters.settings_comparison import draw
from evisynth_reporters.settings_layout import COLOURS, lay_out
from evisynth_reporters.settings_rows import DIFFERENCES, RATIOS, sections

pytest.importorskip("matplotlib")

LONG = "A $very$ long name of an outcome, measured in adults at the end of follow-up by blinded assessors "


def outcome(number: int, **fields: Any) -> es.ReviewOutcome:  # noqa: ANN401 - of an outcome
    k = 2 + number % 4
    own = tuple(
        es.ReviewRow(study=f"S{i}", data={"yi": 0.4 + 0.1 * ((number * i) % 5), "sei": 0.1 + 0.05 * i})
        for i in range(k)
    )
    words: dict[str, Any] = {"data_type": "generic", "measure": "GEN", "method": "IV", "model": "random", "rows": own}
    name = LONG * (1 + number % 2) if number % 3 == 0 else f"Outcome {number}"
    return es.ReviewOutcome(number=number, name=name, log_data=number % 2 == 0, **{**words, **fields})


def comparison(count: int) -> es.SettingsComparison:
    made = es.Review(
        title="Review " * 30,
        studies=tuple(es.ReviewStudy(id=f"S{i}", name=f"S{i}") for i in range(6)),
        comparisons=(
            es.ReviewComparison(
                number=1, name="Drug v placebo " * 8, outcomes=tuple(outcome(i + 1) for i in range(count))
            ),
            es.ReviewComparison(number=2, name="Empty", outcomes=(outcome(1, rows=()),)),
        ),
    )
    return es.compare_settings(made)


def drawing(made: es.SettingsComparison) -> Drawing:
    return lay_out(
        sections(made),
        text_measure(100.0),
        title=made.review.title,
        names=(made.one, made.other),
        plot_width=200.0,
        small_print=["Something in small letters"],
    )


def boxes(made: Drawing) -> list[tuple[float, float, float, float, str]]:
    measure = text_measure(100.0)
    found: list[tuple[float, float, float, float, str]] = []
    for item in made.items:
        if isinstance(item, Label) and item.text:
            width = measure(item.text, bold=item.bold, size=item.size)
            left = item.x - {"left": 0.0, "center": width / 2, "right": width}[item.align]
            found.append((left, item.y - 0.75 * item.size, left + width, item.y + 0.2 * item.size, item.text))
    return found


@pytest.mark.parametrize("count", [1, 5, 26, 74])
def test_no_text_overlaps_another_or_leaves_the_sheet(count: int) -> None:
    made = drawing(comparison(count))
    texts = sorted(boxes(made), key=lambda box: box[1])
    for left, top, right, bottom, text in texts:
        assert left >= 0, text
        assert top >= 0, text
        assert right <= made.width, text
        assert bottom <= made.height, text
    for i, first in enumerate(texts):
        for second in texts[i + 1 :]:
            apart = first[2] <= second[0] + 0.5 or second[2] <= first[0] + 0.5
            assert apart or first[3] <= second[1] + 0.5 or second[3] <= first[1] + 0.5, (first[4], second[4])


def test_intervals_stay_within_the_plot_and_no_text_is_in_it() -> None:
    made = drawing(comparison(12))
    lines = [item for item in made.items if isinstance(item, Line) and item.colour in COLOURS]
    axes = [
        item
        for item in made.items
        if isinstance(item, Line) and item.start[1] == item.end[1] and item.end[0] - item.start[0] == pytest.approx(200)
    ]
    assert len(lines) == 24
    left, right = axes[0].start[0], axes[0].end[0]
    assert all(left <= line.start[0] <= line.end[0] <= right for line in lines)
    for low, _, high, bottom, text in boxes(made):
        beside = any(line.start[1] - 4 < bottom < line.start[1] + 4 for line in lines)
        assert not beside or high <= left or low >= right, text


def test_ratios_and_differences_have_axes_of_their_own() -> None:
    made = sections(comparison(6))
    assert [section.title for section in made] == [RATIOS, DIFFERENCES]
    assert [section.axis.log for section in made] == [True, False]
    first = made[1].rows[0].marks[0]
    assert first is not None
    # The usual interval in its own standard errors.
    assert first.high - first.low == pytest.approx(2 * 1.959963984540054)


def test_rows_that_change_are_bold_and_say_what() -> None:
    made = comparison(8)
    rows = [row for section in sections(made) for row in section.rows]
    changed = {result.place for result in made.changed}
    assert {row.label.split()[0] for row in rows if row.bold} == changed
    assert 0 < len(changed) < len(rows)
    assert any("no longer significant" in row.tags for row in rows)
    assert {row.label.split()[0] for section in sections(made, only_changed=True) for row in section.rows} == changed


def test_the_axis_holds_nearly_all_estimates() -> None:
    for section in sections(comparison(40)):
        places = [section.axis.place(mark.value) for row in section.rows for mark in row.marks if mark is not None]
        inside = [0 <= place <= 1 for place in places]
        assert sum(inside) >= 0.95 * len(inside)
        assert all(one < other for one, other in pairwise(section.axis.ticks))


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_the_same_bytes_every_time(suffix: str, start: bytes) -> None:
    made = comparison(3)
    first = draw(made, suffix)
    assert first.startswith(start)
    assert first == draw(made, suffix)


def test_a_review_without_results_is_drawn_too() -> None:
    assert draw(comparison(0)).startswith(b"\x89PNG")


def test_an_analysis_is_not_for_this_reporter() -> None:
    analysis = es.fit(es.Effects([0.1, 0.2], [0.1, 0.1]))
    with pytest.raises(es.CombinationError, match="settings-comparison"):
        es.render(analysis, "settings-comparison")
    with pytest.raises(es.SettingsError, match="dpi"):
        draw(comparison(1), dpi=1.0)
