"""Means, SDs and percentages that whole numbers cannot have, against every sample that there is."""

from __future__ import annotations

import statistics
from itertools import combinations_with_replacement
from typing import Any

import pytest

import evisynth as es
from evisynth.consistency.grim import has_squares, largest_sd, sums
from evisynth.consistency.printed_numbers import read_printed


def number(text: str) -> Any:  # noqa: ANN401 - never None here
    return read_printed(text)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 11, 28])
@pytest.mark.parametrize("decimals", [1, 2])
def test_grim_is_enumeration(n: int, decimals: int) -> None:
    step = 10**-decimals
    half = step / 2 + 1e-12
    for i in range(3 * 10**decimals):
        mean = i * step
        text = f"{mean:.{decimals}f}"
        there = any(abs(total / n - float(text)) <= half for total in range(4 * n))
        assert bool(sums(number(text), n)) is there, (text, n)
        assert (es.check_printed_mean(text, n).findings == ()) is there


def test_every_sample_of_whole_numbers_passes() -> None:
    samples = 0
    for n in range(2, 7):
        for sample in combinations_with_replacement(range(6), n):
            mean, sd = statistics.fmean(sample), statistics.stdev(sample)
            for decimals in (1, 2):
                found = es.check_printed_mean(f"{mean:.{decimals}f}", n, sd=f"{sd:.{decimals}f}", bounds=(0, 5))
                assert found.findings == (), (sample, decimals)
            samples += 1
    assert samples == 21 + 56 + 126 + 252 + 462


def test_grimmer_finds_what_no_sample_has() -> None:
    """Of all SDs with two decimals beside one mean, those that pass are few more than those that samples have."""
    n, total = 6, 20
    there = {
        f"{statistics.stdev(sample):.2f}"
        for sample in combinations_with_replacement(range(-4, 13), n)
        if sum(sample) == total
    }
    passing = {f"{i / 100:.2f}" for i in range(500) if has_squares(total, number(f"{i / 100:.2f}"), n)}
    assert {sd for sd in there if float(sd) < 5} <= passing
    assert len(passing) < 100
    # The parity rule alone tells every second sum of squares out.
    assert len(passing - there) <= 5


def test_means_of_several_items_have_a_finer_grain() -> None:
    assert es.check_printed_mean("3.25", 10).findings != ()
    assert es.check_printed_mean("3.25", 10, items=2).findings == ()


def test_a_published_inconsistency_is_found() -> None:
    # Brown & Heathers' own example: 28 participants, a mean of 5.19.
    found = es.check_printed_mean("5.19", 28)
    assert [finding.rule for finding in found.findings] == ["mean of whole numbers"]
    assert "5.17857 (145/28) or 5.21429 (146/28)" in found.findings[0].reasoning


def test_with_many_participants_every_mean_is_possible_and_that_is_said() -> None:
    found = es.check_printed_mean("5.19", 200)
    assert found.findings == ()
    assert [(entry.rule, entry.reason) for entry in found.unchecked] == [
        ("mean of whole numbers", "so many participants for the decimals printed that every mean is possible")
    ]


def test_bounds_of_the_scale() -> None:
    assert [f.rule for f in es.check_printed_mean("10.4", 5, bounds=(0, 10)).findings] == ["mean within its scale"]
    beyond = es.check_printed_mean("9.0", 10, sd="4.0", integer=False, bounds=(0, 10))
    assert [f.rule for f in beyond.findings] == ["SD within its scale"]
    assert "at most 3.231" in beyond.findings[0].reasoning
    # Nine at the top and one at the bottom.
    assert es.check_printed_mean("9.0", 10, sd="3.16", bounds=(0, 10)).findings == ()


def test_the_largest_sd_is_that_of_the_extremes() -> None:
    for n in range(2, 7):
        for high in range(n + 1):
            sample = [10] * high + [0] * (n - high)
            text = f"{statistics.fmean(sample):.4f}"
            assert largest_sd(number(text), n, 0, 10) >= statistics.stdev(sample) - 1e-9
            assert largest_sd(number(text), n, 0, 10) == pytest.approx(statistics.stdev(sample), abs=0.04)


@pytest.mark.parametrize(("percent", "n", "fits"), [("27.3%", 11, True), ("27.4", 11, False), ("27", 11, True)])
def test_percentages_of_whole_numbers(percent: str, n: int, *, fits: bool) -> None:
    assert (es.check_printed_percent(percent, n).findings == ()) is fits


def test_percentages_are_enumeration() -> None:
    for n in (3, 8, 11, 40):
        there = {f"{100 * events / n:.1f}" for events in range(n + 1)}
        for i in range(1001):
            text = f"{i / 10:.1f}"
            # Halves may be rounded either way.
            near = any(abs(100 * events / n - i / 10) <= 0.05 + 1e-9 for events in range(n + 1))
            assert (es.check_printed_percent(text, n).findings == ()) is near
            assert text not in there or near


def test_a_percentage_beside_its_events() -> None:
    assert es.check_printed_percent("27.3", 11, events=3).findings == ()
    found = es.check_printed_percent("36.4", 11, events=3)
    assert [f.message for f in found.findings] == ["36.4 with 3 of 11"]
    assert "27.27 %" in found.findings[0].reasoning


def test_a_percentage_above_100_is_found() -> None:
    assert len(es.check_printed_percent("110.0", 10).findings) == 1


@pytest.mark.parametrize("words", [{"items": 0}, {"bounds": (5, 1)}])
def test_words_out_of_range_are_refused(words: dict[str, Any]) -> None:
    with pytest.raises(es.SettingsError):
        es.check_printed_mean("1.0", 5, **words)


def test_an_empty_sample_is_refused() -> None:
    with pytest.raises(es.DataError):
        es.check_printed_mean("1.0", 0)
    with pytest.raises(es.DataError):
        es.check_printed_percent("10", 0)
