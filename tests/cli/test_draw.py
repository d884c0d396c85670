"""The command ``draw``: figures of tables and reviews, options, saved specs, refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import evisynth as es
from evisynth.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

pytest.importorskip("matplotlib")

TABLE = "study,events_1,n_1,events_2,n_2,kind\nA,3,20,6,21,x\nB,5,30,9,29,x\nC,10,50,12,48,y\nD,2,25,1,26,y\n"


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["draw", *words])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "studies.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("html", b"<!doc")]
)
def test_the_suffix_says_how(suffix: str, start: bytes, table: Path) -> None:
    out = table.with_name(f"forest.{suffix}")
    done = run("forest", str(table), "-o", str(out), "--measure", "RR", "--by", "kind")
    assert done.exit_code == 0, done.output
    assert out.read_bytes().startswith(start)


def test_options_are_saved_and_used_again(table: Path) -> None:
    out, spec = table.with_name("one.svg"), table.with_name("spec.json")
    options = ["--option", "title=Mortality", "--option", "plot_width=300", "--option", "notes=true"]
    assert (
        run("forest", str(table), "-o", str(out), "--measure", "RR", *options, "--save-spec", str(spec)).exit_code == 0
    )
    held = json.loads(spec.read_text(encoding="utf-8"))["options"]
    assert (held["title"], held["plot_width"], held["notes"]) == ("Mortality", 300, True)
    again = table.with_name("two.svg")
    assert run("forest", str(table), "-o", str(again), "--measure", "RR", "--spec", str(spec)).exit_code == 0
    assert again.read_bytes() == out.read_bytes()
    assert es.read_figure(spec.read_text(encoding="utf-8")).title == "Mortality"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["forest", "-o", "x.png", "--option", "colour=red"], "has no option 'colour'"),
        (["forest", "-o", "x.png", "--option", "plot_width=wide"], "plot_width of figure 'forest' is a number"),
        (["forest", "-o", "x.png", "--option", "title"], "--option is NAME=VALUE"),
        (["text", "-o", "x.png"], "reporter 'text' draws no figure"),
        (["florest", "-o", "x.png"], "did you mean 'forest'"),
        (["forest", "-o", "x.gif"], "writes .png, .svg, .pdf, .html, not '.gif'"),
        (["forest", "-o", "x.png", "--outcome", "1.1"], "--outcome is for reviews"),
        (["forest", "-o", "x.png", "--spec", "absent.json"], "absent.json"),
    ],
)
def test_what_cannot_be_drawn_says_why(words: list[str], message: str, table: Path) -> None:
    done = run(words[0], str(table), "--measure", "RR", *words[1:])
    assert done.exit_code == 2
    assert message in done.output
