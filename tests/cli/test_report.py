"""The command ``report``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Run = Callable[..., Result]

FILE = str(Path(__file__).parents[2] / "examples" / "review" / "evisynth_example_review.rm5")


def test_report_writes_the_page_of_what_was_asked_for(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    words = ("--outcome", "1.1", "--settings", "revman-web", "--title", "Mine", "--language", "de")
    done = run("report", FILE, "-o", str(tmp_path / "made"), *words)
    assert done.exit_code == 0, done.output
    assert f"wrote {tmp_path / 'made' / 'index.html'}" in done.stderr
    assert done.stdout == ""
    html = (tmp_path / "made" / "index.html").read_text(encoding="utf-8")
    assert "<h1>Mine</h1>" in html
    assert '<html lang="de">' in html
    assert "mit den Einstellungen revman-web ausgewertet" in html
    held = json.loads((tmp_path / "made" / "review.json").read_text(encoding="utf-8"))
    assert [one["place"] for one in held["outcomes"]] == ["1.1"]


def test_report_writes_documents(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("docx")
    done = run("report", FILE, "-o", str(tmp_path), "--outcome", "1.1", "--format", "docx")
    assert done.exit_code == 0, done.output
    assert [one.name for one in tmp_path.iterdir()] == ["report.docx"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--language", "xx"), "language is one of"),
        (("--outcome", "99"), "there is no outcome '99'"),
        (("--exclude", "Nobody"), "no study of the review has that name"),
        (("--format", "pdf", "--browser", "no-such-browser"), "looked for no-such-browser"),
        (("--format", "odt"), "'odt' is not one of"),
    ],
)
def test_report_says_what_is_wrong(run: Run, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    pytest.importorskip("jinja2")
    done = run("report", FILE, "-o", str(tmp_path / "made"), "--outcome", "1.1", *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (tmp_path / "made").exists()


def test_report_is_of_reviews(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("study,yi,sei\na,1,1\n", encoding="utf-8")
    done = run("report", str(table), "-o", str(tmp_path / "made"))
    assert done.exit_code == 2
    assert "not a review" in done.stderr
