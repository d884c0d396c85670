"""`evisynth check`: a table of findings for people, JSON for programs, the exit status for scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

RIGHT = "outcome,RR,ci_low,ci_high,P,Q,df\ndeath,0.58,0.38,0.87,0.009,4.11,5\n"
WRONG = RIGHT.replace("0.009", "0.53")
TRIALS = "study,events_1,n_1,events_2,n_2\nLanzoni 2021,{},12,7,12\nDilogo 2021,10,20,16,20\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    def to(name: str, text: str) -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return to


def test_nothing_found_is_exit_status_0(run: Callable[..., Result], write: Callable[[str, str], str]) -> None:
    result = run("check", write("right.csv", RIGHT))
    assert result.exit_code == 0
    assert "0 impossible, 0 suspicious" in result.stdout
    assert "Impossible" not in result.stdout


def test_what_is_impossible_is_listed_with_its_reason(
    run: Callable[..., Result], write: Callable[[str, str], str]
) -> None:
    result = run("check", write("wrong.csv", WRONG))
    assert result.exit_code == 1
    for word in ("Impossible", "row 1", "death", "P of the test named", "heterogeneity", "1 impossible"):
        assert word in result.stdout


def test_json_is_what_python_gives(run: Callable[..., Result], write: Callable[[str, str], str]) -> None:
    path = write("wrong.csv", WRONG)
    result = run("check", path, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == es.check(path).to_dict()


def test_suspicions_count_only_where_that_is_asked(
    run: Callable[..., Result], write: Callable[[str, str], str]
) -> None:
    one, two = write("one.csv", TRIALS.format(2)), write("two.csv", TRIALS.format(1))
    result = run("check", one, two)
    assert result.exit_code == 0
    assert "Suspicious" in result.stdout
    assert "one.csv" in result.stdout
    assert "2/12 v 7/12" in result.stdout
    assert run("check", one, two, "--strict").exit_code == 1


def test_words_reach_the_check(run: Callable[..., Result], write: Callable[[str, str], str]) -> None:
    means = write("means.csv", "study,score,n\nA 2001,3.52,20\n")
    assert run("check", means).exit_code == 0
    role = ("--role", "mean=score")
    assert run("check", means, *role, "--integer", "score").exit_code == 1
    assert run("check", means, *role, "--integer", "mean", "--items", "5").exit_code == 0
    assert run("check", means, *role, "--range", "4:10").exit_code == 1
    scale = write("scale.csv", "estimate,ci_low,ci_high\n0.62,0.38,0.87\n")
    assert run("check", scale).exit_code == 0
    assert run("check", scale, "--scale", "log").exit_code == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--scale", "square"), "scale is 'log' (ratios) or 'linear' (differences)"),
        (("--range", "ten"), "--range is LOW:HIGH"),
        (("--range", "9:1"), "bounds are the lowest and the highest"),
        (("--role", "estimate"), "--role is NAME=HEADING"),
        (("--integer", "absent"), "integer names no means"),
        (("--level", "95"), "level is a probability"),
    ],
)
def test_what_is_not_understood_is_exit_status_2(
    run: Callable[..., Result], write: Callable[[str, str], str], options: tuple[str, ...], message: str
) -> None:
    result = run("check", write("right.csv", RIGHT), *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_file_that_is_not_there_is_exit_status_2(run: Callable[..., Result]) -> None:
    result = run("check", "absent.csv")
    assert result.exit_code == 2
    assert "absent.csv" in result.stderr


def test_names_from_outside_cannot_steer_the_terminal(
    run: Callable[..., Result], write: Callable[[str, str], str]
) -> None:
    result = run("check", write("wrong.csv", WRONG.replace("death", "\x1b[31m[bold]death")))
    assert "\x1b" not in result.stdout
    assert "[bold]death" in result.stdout
