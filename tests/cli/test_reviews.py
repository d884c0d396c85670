"""The commands ``review`` and ``verify``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Run = Callable[..., Result]

EXAMPLE = Path(__file__).parents[2] / "examples" / "review" / "evisynth_example_review.rm5"
FILE = str(EXAMPLE)


def strict(text: str) -> Any:  # noqa: ANN401 - a JSON value
    def refuse(name: str) -> None:
        pytest.fail(f"{name} is not strict JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    """Write the example with one pooled effect a hundredth off."""
    text = EXAMPLE.read_text(encoding="utf-8")
    start = text.index('EFFECT_SIZE="', text.index("<DICH_OUTCOME"))
    # LOG_EFFECT_SIZE comes later in the alphabet, so that this is the effect itself.
    assert text[start - 1] == " "
    start += len('EFFECT_SIZE="')
    end = text.index('"', start)
    path = tmp_path / "wrong.rm5"
    path.write_text(f"{text[:start]}{float(text[start:end]) + 0.01!r}{text[end:]}", encoding="utf-8")
    return str(path)


# -- review -----------------------------------------------------------------------------------------------------------


def test_review_lists_outcomes_and_counts_them(run: Run) -> None:
    done = run("review", FILE, "--outcome", "1", "--outcome", "9")
    assert done.exit_code == 0, done.output
    review: es.Review = es.load(EXAMPLE)
    for place, _, outcome in review.outcomes:
        assert (f"{place} {outcome.name}" in done.stdout) == (place[0] in "19"), place
    counted = sum(place[0] in "19" for place, _, _ in review.outcomes)
    assert f"\n{counted} outcomes: " in done.stdout
    assert "4 not: the file holds no studies for this outcome" in done.stdout
    assert "1 not: the file holds text for this outcome, not numbers" in done.stdout


def test_review_of_one_outcome_prints_its_table(run: Run) -> None:
    done = run("review", FILE, "--outcome", "1.5")
    assert done.exit_code == 0, done.output
    assert "Çelik 1994" in done.stdout
    assert "Heterogeneity: Chi²" in done.stdout


def test_review_as_json(run: Run) -> None:
    done = run("review", FILE, "--outcome", "2", "--outcome", "9", "--json")
    assert done.exit_code == 0, done.output
    document = strict(done.stdout)
    assert document["review"]["title"].startswith("Moonlight")
    review: es.Review = es.load(EXAMPLE)
    expected = es.fit(review, only=["2", "9"]).to_dict()
    assert document == strict(json.dumps(expected))


def test_settings_and_words_take_the_place_of_the_files(run: Run) -> None:
    given = ("review", FILE, "--outcome", "2", "--json")

    def chosen(*arguments: str) -> set[tuple[str, str]]:
        made = strict(run(*given, *arguments).stdout)["outcomes"]
        settings = [one["result"]["settings"] for one in made]
        return {(one["model"], one["tau2"]) for one in settings}

    assert chosen() == {("common", "DL"), ("random", "DL")}
    assert chosen("--settings", "revman-web") == {("common", "REML"), ("random", "REML")}
    assert chosen("--model", "random") == {("random", "DL")}


def test_a_study_is_left_out(run: Run) -> None:
    document = strict(run("review", FILE, "--outcome", "1.1", "--exclude", "Baxter 1991", "--json").stdout)
    (study,) = [one for one in document["outcomes"][0]["result"]["studies"] if one["study"] == "Baxter 1991"]
    assert not study["included"]
    failed = run("review", FILE, "--exclude", "Nobody 2000")
    assert failed.exit_code != 0
    assert "Nobody 2000" in failed.stderr


def test_a_page_is_written(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    folder = tmp_path / "page"
    done = run("review", FILE, "--outcome", "4", "--report", f"html={folder}", "--report", f"csv={tmp_path / 'a.csv'}")
    assert done.exit_code == 0, done.output
    assert "wrote" in done.stderr
    assert (folder / "index.html").read_text(encoding="utf-8").count("Death") >= 1
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").startswith("place,comparison,outcome")


def test_a_report_of_several_files_needs_a_place(run: Run) -> None:
    pytest.importorskip("jinja2")
    done = run("review", FILE, "--outcome", "4", "--report", "html")
    assert done.exit_code != 0
    assert "--report html=PATH" in done.stderr


@pytest.mark.parametrize("command", ["review", "verify"])
def test_a_plain_table_is_refused_with_what_would_do(command: str, run: Run, csv_file: Path) -> None:
    plain = csv_file.read_text(encoding="utf-8").replace("deaths treated", "events_1")
    csv_file.write_text(plain, encoding="utf-8")
    done = run(command, str(csv_file))
    assert done.exit_code != 0
    assert f"`evisynth fit {csv_file}`" in done.stderr.replace("\n", " ")


@pytest.mark.parametrize("command", ["review", "verify"])
def test_an_outcome_that_is_not_there(command: str, run: Run) -> None:
    done = run(command, FILE, "--outcome", "77.1")
    assert done.exit_code != 0
    assert "77.1" in done.stderr


# -- verify -----------------------------------------------------------------------------------------------------------


def test_verify_agrees_with_the_whole_example(run: Run) -> None:
    done = run("verify", FILE)
    assert done.exit_code == 0, done.output
    agree, of = done.stdout.rsplit("\n", 2)[-2].split(" numbers")[0].split(" of ")
    assert agree == of
    assert int(of) > 19_000
    assert "not compared: 4 (no analysis: the file holds no studies for this outcome)" in done.stdout


def test_verify_says_what_differs_and_exits_with_1(run: Run, wrong: str) -> None:
    done = run("verify", wrong, "--outcome", "1")
    assert done.exit_code == 1, done.output
    assert "Different" in done.stdout
    assert "1.1" in done.stdout
    assert run("verify", wrong, "--outcome", "2").exit_code == 0


def test_verify_as_json(run: Run, wrong: str) -> None:
    done = run("verify", wrong, "--outcome", "1", "--json")
    assert done.exit_code == 1
    document = strict(done.stdout)
    assert not document["agrees"]
    assert document["agree"] == document["compared"] - 1
    (found,) = document["disagreements"]
    assert (found["place"], found["study"], found["name"]) == ("1.1", None, "display")
    assert found["difference"] == pytest.approx(0.01)
    good = run("verify", FILE, "--outcome", "1", "--json")
    assert good.exit_code == 0
    assert strict(good.stdout)["agrees"]


def test_verify_by_other_settings_differs(run: Run) -> None:
    assert run("verify", FILE, "--outcome", "2", "--settings", "revman-web").exit_code == 1
