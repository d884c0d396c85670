"""`evisynth compare`: a table for people, JSON for programs, a figure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import evisynth as es
from evisynth.cli.compare import settings_given

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

REVIEW = """<?xml version="1.0" encoding="UTF-8"?>
<COCHRANE_REVIEW VERSION="5"><COVER_SHEET><TITLE>Made [bold]up[/bold]</TITLE></COVER_SHEET>
<STUDIES_AND_REFERENCES><STUDIES><INCLUDED_STUDIES>
<STUDY ID="STD-A" NAME="A" YEAR="2001"/><STUDY ID="STD-B" NAME="B" YEAR="2002"/>
</INCLUDED_STUDIES></STUDIES></STUDIES_AND_REFERENCES>
<ANALYSES_AND_DATA><COMPARISON ID="CMP-001" NO="1"><NAME>Drug</NAME>
<DICH_OUTCOME ID="CMP-001.01" NO="1" METHOD="MH" EFFECT_MEASURE="RR" RANDOM="YES" TOTALS="YES" CI_TOTAL="95"
 CI_STUDY="95"><NAME>Relapse [red]</NAME>
<DICH_DATA STUDY_ID="STD-A" EVENTS_1="10" TOTAL_1="50" EVENTS_2="25" TOTAL_2="50"/>
<DICH_DATA STUDY_ID="STD-B" EVENTS_1="12" TOTAL_1="60" EVENTS_2="22" TOTAL_2="60"/>
</DICH_OUTCOME>
<DICH_OUTCOME ID="CMP-001.02" NO="2" METHOD="MH" EFFECT_MEASURE="RR" RANDOM="NO" TOTALS="YES" CI_TOTAL="95"
 CI_STUDY="95"><NAME>Death</NAME>
<DICH_DATA STUDY_ID="STD-A" EVENTS_1="10" TOTAL_1="50" EVENTS_2="25" TOTAL_2="50"/>
<DICH_DATA STUDY_ID="STD-B" EVENTS_1="12" TOTAL_1="60" EVENTS_2="22" TOTAL_2="60"/>
</DICH_OUTCOME>
<DICH_OUTCOME ID="CMP-001.03" NO="3" METHOD="MH" EFFECT_MEASURE="RR" RANDOM="NO" TOTALS="YES" CI_TOTAL="95"
 CI_STUDY="95"><NAME>Nothing</NAME></DICH_OUTCOME>
</COMPARISON></ANALYSES_AND_DATA></COCHRANE_REVIEW>
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "review.rm5"
    path.write_text(REVIEW, encoding="utf-8")
    return str(path)


def test_what_changes_and_why(run: Callable[..., Result], file: str) -> None:
    result = run("compare", file)
    assert result.exit_code == 0
    assert "no longer significant" in result.stdout
    assert "Hartung–Knapp" in result.stdout
    assert "Relapse [red]" in result.stdout
    assert "Death" not in result.stdout
    last = result.stdout.splitlines()[-1]
    assert last.startswith("2 of 3 outcomes compared; conclusions that change: significance 1")
    assert last.endswith("1 not compared: the file holds no studies for this outcome")
    assert "Death" in run("compare", file, "--all").stdout


def test_one_outcome_and_other_settings(run: Callable[..., Result], file: str) -> None:
    result = run("compare", file, "--outcome", "1.1", "--settings", "file", "--with", "file,tau2=PM")
    assert result.exit_code == 0
    assert "1 of 1 outcomes compared; no conclusion changes" in result.stdout


def test_json_is_the_whole_comparison(run: Callable[..., Result], file: str) -> None:
    result = run("compare", file, "--json", "--level", "0.9")
    document = json.loads(result.stdout)
    assert [outcome["place"] for outcome in document["outcomes"]] == ["1.1", "1.2", "1.3"]
    assert document["outcomes"][0]["one"]["settings"]["level"] == 0.9
    assert document["outcomes"][0]["other"]["settings"]["level"] == 0.9


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_figure_is_written(run: Callable[..., Result], file: str, tmp_path: Path, suffix: str, start: bytes) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"figure.{suffix}"
    result = run("compare", file, "--figure", str(path))
    assert result.exit_code == 0
    assert path.read_bytes().startswith(start)
    assert "wrote" in result.stderr


def test_settings_as_they_are_written() -> None:
    assert settings_given("revman5") == {"settings": "revman5"}
    assert settings_given("file") == {}
    assert settings_given("revman5, tau2=PM ,prediction=none") == {
        "settings": "revman5",
        "tau2": "PM",
        "prediction": None,
    }
    assert settings_given("level=0.9,tau2-common=true") == {"level": 0.9, "tau2_common": True}
    for wrong in ("revman5,tau2", "revman5,=PM", "revman5,tau2="):
        with pytest.raises(es.SettingsError, match="PRESET,WORD=VALUE"):
            settings_given(wrong)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--with", "revman4"), "revman4"),
        (("--with", "file,tau=PM"), "no 'tau'"),
        (("--outcome", "7.7"), "7.7"),
        (("--width-ratio", "1"), "width_ratio"),
    ],
)
def test_wrong_requests_are_refused(
    run: Callable[..., Result], file: str, arguments: tuple[str, ...], message: str
) -> None:
    result = run("compare", file, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_a_table_of_studies_is_no_review(run: Callable[..., Result], csv_file: Path) -> None:
    result = run("compare", str(csv_file))
    assert result.exit_code == 2
    assert "not a review" in result.stderr
