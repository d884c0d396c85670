"""Specs of figures: plain values that are validated, saved and read again, and stand for their reporter's name."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import attrs
import pytest

import evisynth as es

TABLE: dict[str, Any] = {
    "study": list("ABCD"),
    "events_1": [3, 5, 10, 2],
    "n_1": [20, 30, 50, 25],
    "events_2": [6, 9, 12, 1],
    "n_2": [21, 29, 48, 26],
}


@attrs.frozen(kw_only=True)
class DotsSpec(es.FigureSpec):
    """Hold the options of a figure of a third party's."""

    figure: ClassVar[str] = "dots"

    size: float = attrs.field(default=3.0, validator=es.number_between(1.0, 9.0))
    shape: str = attrs.field(default="round", validator=es.one_of("round", "square"))


def dots(analysis: es.MetaAnalysis, spec: DotsSpec, *, suffix: str) -> str:
    """Say what was asked for."""
    return f"{analysis.k} {spec.shape} {spec.size:g} {spec.title} {suffix}"


def registry() -> es.Registry:
    class Plugin:
        @staticmethod
        @es.hookimpl
        def reporters() -> list[es.Reporter]:
            return [
                es.Reporter(
                    "dots", dots, media_types={".txt": "text/plain"}, reference="Nobody (2026)", spec=DotsSpec,
                    draw=lambda analysis, spec, ax: (analysis.k, spec.size, ax),
                )
            ]  # fmt: skip

    made = es.Registry()
    made.register(Plugin, "dots plugin")
    return made


@pytest.fixture(scope="module")
def analysis() -> es.MetaAnalysis:
    return es.fit(TABLE, "RR", settings="revman5", registry=registry())


def test_a_spec_stands_for_the_name_of_its_figure(analysis: es.MetaAnalysis) -> None:
    spec = es.figure("dots", registry=registry(), size=5, title="One")
    assert es.render(analysis, spec) == "4 round 5 One .txt"
    assert es.render(analysis, spec, size=2, shape="square") == "4 square 2 One .txt"
    assert es.render(analysis, "dots", spec=spec) == es.render(analysis, spec)
    assert es.render(analysis, "dots") == "4 round 3  .txt"


def test_a_figure_is_drawn_on_axes_that_are_given_back(analysis: es.MetaAnalysis) -> None:
    assert es.draw(analysis, "dots", "axes", size=2) == (4, 2, "axes")
    with pytest.raises(es.CombinationError, match=r"reporter 'text' draws no figure; these do: .*dots"):
        es.draw(analysis, "text")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size of figure 'dots' is a number from 1 to 9, not 0"),
        ({"size": float("nan")}, "is a number from 1 to 9"),
        ({"size": "5"}, "is a number from 1 to 9"),
        ({"size": True}, "is a number from 1 to 9"),
        ({"shape": "oval"}, "shape of figure 'dots' is one of 'round', 'square', not 'oval'"),
        ({"palette": "pink"}, "palette of figure 'dots' is one of 'standard'"),
        ({"colour": 1}, "figure 'dots' has no option 'colour'; options: title, language, palette, dpi, size, shape"),
    ],
)
def test_an_option_that_does_not_fit_is_named(options: dict[str, Any], message: str, analysis: es.MetaAnalysis) -> None:
    with pytest.raises(es.SettingsError, match=message):
        es.render(analysis, "dots", **options)
    with pytest.raises(es.SettingsError, match=message):
        es.figure("dots", registry=registry(), **options)


def test_the_spec_of_another_figure_is_refused(analysis: es.MetaAnalysis) -> None:
    with pytest.raises(es.SettingsError, match="the spec of Reporter 'dots' is a DotsSpec"):
        es.render(analysis, "dots", spec=es.figure("forest"))
    with pytest.raises(es.SettingsError, match="draws no figure"):
        es.figure("text")
    with pytest.raises(es.SettingsError, match="is that of figure 'dots'"):
        es.Reporter("blots", dots, media_types={".txt": "text/plain"}, reference="Nobody (2026)", spec=DotsSpec)


def test_json_leads_back_to_an_equal_spec() -> None:
    spec = DotsSpec(size=4.5, shape="square", title='<script> "quoted" ü', language="de")
    held = json.loads(spec.to_json())
    assert held["figure"] == "dots"
    assert held["options"]["size"] == 4.5
    assert es.read_figure(spec.to_json(indent=2), registry=registry()) == spec
    assert es.read_figure('{"figure": "dots", "version": 1}', registry=registry()) == DotsSpec()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "the spec of a figure is JSON"),
        ("[]", "is an object with"),
        ('{"figure": "dots", "version": 2}', "is an object with"),
        ('{"figure": "dots", "version": 1, "options": []}', '"options" of a figure is an object'),
        ('{"figure": "dots", "version": 1, "options": {"size": "big"}}', "expected float @ options.size"),
        ('{"figure": "dots", "version": 1, "options": {"size": 99}}', "is a number from 1 to 9"),
        ('{"figure": "dots", "version": 1, "options": {"colour": 1}}', "has no option 'colour'"),
        ('{"figure": "blots", "version": 1}', "blots"),
    ],
)
def test_what_is_no_spec_says_why(text: str, message: str) -> None:
    with pytest.raises(es.EvisynthError, match=message):
        es.read_figure(text, registry=registry())


def test_a_review_that_is_not_analysed_has_reporters_of_its_own() -> None:
    with pytest.raises(es.CombinationError, match="does not render a review that is not analysed"):
        es.render(es.Review(), "text")
