"""`evisynth bias`: tables for people, JSON for programs, of a table of studies or of every outcome of a review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

REVIEW = str(Path(__file__).parents[2] / "examples" / "review" / "evisynth_example_review.rm5")
EFFECTS = (0.9, 0.7, 0.5, 0.6, 0.3, 0.4, 0.2, 0.25, 0.1, 0.15, 0.05)
VARIANCES = (0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.09, 0.05, 0.04, 0.02, 0.01)
ROWS = "study,yi,vi\n" + "".join(
    f"Trial {i},{y},{v}\n" for i, (y, v) in enumerate(zip(EFFECTS, VARIANCES, strict=True))
)


@pytest.fixture
def table(tmp_path: Path) -> Callable[[int], str]:
    def of(rows: int) -> str:
        path = tmp_path / f"{rows}.csv"
        path.write_text("\n".join(ROWS.splitlines()[: rows + 1]) + "\n", encoding="utf-8")
        return str(path)

    return of


def test_what_reviewers_are_asked_for_is_made(run: Callable[..., Result], table: Callable[[int], str]) -> None:
    result = run("bias", table(11), "--settings", "metafor")
    assert result.exit_code == 0, result.stderr
    studies: es.Studies = es.load(table(11))
    analysis = es.fit(studies, settings="metafor")
    egger, filled = es.bias(analysis, "Egger"), es.bias(analysis, "trim-and-fill")
    assert f"t = {egger.statistic:.2f} (df = 9)" in result.stdout
    assert f"{len(filled.added)} filled" in result.stdout
    assert filled.after is not None
    assert f"{filled.after.value:.2f} [{filled.after.ci_low:.2f}, {filled.after.ci_high:.2f}]" in result.stdout
    assert "Egger, Davey Smith, Schneider & Minder (1997)" in result.stdout


def test_few_studies_are_not_tested_unless_asked(run: Callable[..., Result], table: Callable[[int], str]) -> None:
    refused = run("bias", table(9))
    assert (
        "Egger: 9 studies: tests for small-study effects are made from 10 on unless they are asked for"
        in refused.stdout
    )
    assert "Tests" not in refused.stdout
    for asked in (("--use", "Egger"), ("--min-studies", "3")):
        made = run("bias", table(9), *asked)
        assert "(df = 7)" in made.stdout
        assert "fewer than 10 studies (9)" in made.stdout.replace("\n    ", " ")
    still = run("bias", table(9), "--use", "Egger:variant=mixed", "--min-studies", "10")
    assert "made from 10 on" in still.stdout


def test_options_of_a_method(run: Callable[..., Result], table: Callable[[int], str]) -> None:
    result = run("bias", table(11), "--settings", "metafor", "--use", "Egger:variant=mixed", "--json")
    document = json.loads(result.stdout)
    (made,) = document["results"]
    studies: es.Studies = es.load(table(11))
    analysis = es.fit(studies, settings="metafor")
    seen = es.bias(analysis, "Egger", variant="mixed")
    assert made["statistic"] == seen.statistic
    assert made["p_value"] == seen.p_value
    assert seen.asymmetry is not None
    assert made["asymmetry"]["ci_low"] == seen.asymmetry.ci_low
    assert document["settings"]["preset"] == "metafor"


def test_a_name_with_a_colon_of_its_own(run: Callable[..., Result], table: Callable[[int], str]) -> None:
    plain, left = (
        json.loads(run("bias", table(11), "--use", f"selection: half-normal{options}", "--json").stdout)["results"][0]
        for options in ("", ":side=left,steps=0.05")
    )
    assert plain["name"] == left["name"] == "selection: half-normal"
    assert (plain["side"], left["side"]) == ("right", "left")


def test_all_that_is_installed_is_made_and_none_vanishes(
    run: Callable[..., Result], table: Callable[[int], str]
) -> None:
    document = json.loads(run("bias", table(11), "--all", "--json").stdout)
    names = [made["name"] for made in document["results"]]
    assert names == [record.name for record in es.bias_methods(es.default_registry())]
    for made in document["results"]:
        said = made["statistic"] is not None or made["p_value"] is not None or made["after"] is not None
        assert said != bool(made["reason"]), made["name"]


def test_every_outcome_of_a_review_is_surveyed(run: Callable[..., Result]) -> None:
    documents = json.loads(run("bias", REVIEW, "--json").stdout)
    review: es.Review = es.load(REVIEW)
    analysed = [one for one in es.fit(review) if one.analysis is not None]
    assert [document["title"].split()[0] for document in documents] == [one.place for one in analysed]
    one = run("bias", REVIEW, "--outcome", documents[0]["title"].split()[0], "--use", "Egger")
    assert one.stdout.startswith(documents[0]["title"])


def test_reports(run: Callable[..., Result], table: Callable[[int], str], tmp_path: Path) -> None:
    result = run("bias", table(11), "--report", f"csv={tmp_path / 'bias.csv'}", "--report", "text")
    assert "Egger" in result.stdout
    head, *rows = (tmp_path / "bias.csv").read_text(encoding="utf-8").splitlines()
    assert head.split(",")[:4] == ["outcome", "name", "variant", "k"]
    assert [row.split(",")[1] for row in rows] == ["Egger", "trim-and-fill"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--use", "Eger"), "Egger"),
        (("--use", "Egger:kind=mixed"), "kind"),
        (("--use", "Egger:variant=none"), "variant of Egger's test is one of"),
        (("--all", "--use", "Egger"), "--all and --use both say what is made"),
        (("--outcome", "1.1"), "--outcome is for reviews"),
    ],
)
def test_what_is_refused(
    run: Callable[..., Result], table: Callable[[int], str], options: tuple[str, ...], message: str
) -> None:
    result = run("bias", table(11), *options)
    assert result.exit_code == 2
    assert message in result.stderr
