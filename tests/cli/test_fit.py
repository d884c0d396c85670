"""`evisynth fit`: reports for people, JSON for programs, errors for both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Validate = Callable[[str, object], None]

ROLE = ("--role", "events_1=deaths treated")
YI = {"study": ["A", "B", "C"], "yi": [0.1, -0.4, 0.3], "vi": [0.04, 0.06, 0.25]}
EVISYNTH = Path(sys.executable).with_name("evisynth")


def test_the_text_report_is_the_default(run: Callable[..., Result], csv_file: Path, columns: dict[str, Any]) -> None:
    result = run("fit", str(csv_file), "--measure", "RR", "--settings", "revman5", *ROLE)
    assert result.exit_code == 0
    studies = es.load(columns, roles={"events_1": "deaths treated"})
    assert result.stdout == es.render(es.fit(studies, "RR", settings="revman5"), "text")
    assert result.stderr == ""


WORDS: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (("--measure", "OR", "--method", "IV", "--tau2", "0.25"), {"measure": "OR", "method": "IV", "tau2": 0.25}),
    (
        ("--measure", "OR", "--method", "IV", "--weights", "dose", "--adhoc", "none", "--budget", "50"),
        {"measure": "OR", "method": "IV", "weights": "dose", "adhoc": None, "budget": 50},
    ),
    (("--measure", "RR", "--settings", "revman5"), {"measure": "RR", "settings": "revman5"}),
    (
        ("--measure", "OR", "--method", "IV", "--model", "random", "--tau2", "PM", "--interval", "HK", "--adhoc", "ci"),
        {"measure": "OR", "method": "IV", "model": "random", "tau2": "PM", "interval": "HK", "adhoc": "ci"},
    ),
    (
        ("--measure", "OR", "--level", "0.9", "--study-level", "0.99", "--prediction", "HTS", "--correction", "meta"),
        {"measure": "OR", "level": 0.9, "study_level": 0.99, "prediction": "HTS", "correction": "meta"},
    ),
    (
        ("--measure", "RD", "--prediction", "none", "--tau2-interval", "none", "--swap-events"),
        {"measure": "RD", "prediction": None, "tau2_interval": None, "swap_events": True},
    ),
    (
        ("--measure", "RR", "--model", "fixed", "--by", "subgroup", "--effect-label", "Risk", "--favours-1", "cells"),
        {"measure": "RR", "model": "fixed", "by": "subgroup", "effect_label": "Risk", "favours_1": "cells"},
    ),
    (
        ("--measure", "RR", "--exclude", "Shu 2020", "--exclude", "Monsel 2022"),
        {"measure": "RR", "exclude": ["Shu 2020", "Monsel 2022"]},
    ),
    (
        ("--measure", "OR", "--method", "IV", "--moderator", "dose"),
        {"measure": "OR", "method": "IV", "moderators": ["dose"]},
    ),
    (
        ("--measure", "OR", "--method", "IV", "--formula", "~ dose + C(group)"),
        {"measure": "OR", "method": "IV", "moderators": "~ dose + C(group)"},
    ),
    (
        ("--measure", "OR", "--method", "IV", "--formula", "dose"),
        {"measure": "OR", "method": "IV", "moderators": "~ dose"},
    ),
]


@pytest.mark.parametrize(("options", "words"), WORDS, ids=lambda value: str(value)[:40])
def test_json_is_what_python_gives(
    run: Callable[..., Result], csv_file: Path, options: tuple[str, ...], words: dict[str, Any]
) -> None:
    result = run("fit", str(csv_file), *options, *ROLE, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    studies: es.Studies = es.load(csv_file, roles={"events_1": "deaths treated"})
    assert document == es.fit(studies, **words).to_dict()


def test_reports_go_where_they_are_sent(run: Callable[..., Result], csv_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "out.csv"
    options = ("--measure", "RR", *ROLE, "--report", "csv", "--report", f"csv={target}", "--report", "json")
    result = run("fit", str(csv_file), *options)
    assert result.exit_code == 0
    assert result.stdout.startswith(target.read_text(encoding="utf-8"))
    assert f"wrote {target}" in result.stderr
    assert json.loads(result.stdout.partition("{")[1] + result.stdout.partition("{")[2])["k"] == 4


def test_json_keeps_standard_output_to_itself(
    run: Callable[..., Result], validate: Validate, csv_file: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.csv"
    options = ("--measure", "RR", *ROLE, "--json", "--report", "csv", "--report", f"csv={target}", "--leave-one-out")
    result = run("fit", str(csv_file), *options)
    document = json.loads(result.stdout)
    validate("result", document)
    assert document["reports"]["csv"]["text"] == target.read_text(encoding="utf-8")
    assert document["leave_one_out"][0]["omitted"] == "Shu 2020"


def test_leave_one_out_prints_a_table(run: Callable[..., Result], csv_file: Path) -> None:
    result = run("fit", str(csv_file), "--measure", "RR", *ROLE, "--leave-one-out", "--report", "csv")
    assert "Leave one out" in result.stdout
    assert result.stdout.count("Lanzoni 2021") > 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--measure", "PETOO"), "did you mean 'PETO'"),
        (("--measure", "RR", "--settings", "revman6"), "presets: revman5"),
        (("--measure", "RR", "--level", "95"), "between 0 and 1"),
        (("--measure", "RR", "--exclude", "Nobody"), "Nobody"),
        (("--measure", "RR", "--by", "nothing"), "nothing"),
        (("--measure", "RR", "--role", "events_1"), "NAME=VALUE"),
        (("--measure", "MD"), "needs columns"),
        (("--measure", "RR", "--report", "nothing"), "no Reporter named 'nothing'"),
        (("--measure", "RR", "--report", "csv=x.png"), "writes .csv"),
        (("--measure", "RR", "--report", "=x"), "NAME=VALUE"),
        (("--measure", "RR", "--format", "nothing"), "no Converter named"),
        (("--measure", "RR", "--settings", "metafor", "--method", "MH", "--model", "random"), "metafor has no random"),
        (("--measure", "RR", "--report", "csv=/dev/null/x.csv"), "/dev/null"),
    ],
    ids=str,
)
def test_errors_are_one_message_and_status_2(
    run: Callable[..., Result], validate: Validate, csv_file: Path, options: tuple[str, ...], said: str
) -> None:
    for_people = run("fit", str(csv_file), *ROLE, *options)
    assert (for_people.exit_code, for_people.stdout) == (2, "")
    assert said in for_people.stderr
    assert "Traceback" not in for_people.stderr
    for_programs = run("fit", str(csv_file), *ROLE, *options, "--json")
    assert for_programs.exit_code == 2
    document = json.loads(for_programs.stdout)
    validate("error", document)
    assert said in document["error"]["message"] or document["error"]["code"] == "file"


def test_a_file_that_is_not_there(run: Callable[..., Result]) -> None:
    result = run("fit", "nothing.csv", "--measure", "RR")
    assert result.exit_code == 2
    assert "nothing.csv is not there" in result.stderr


def test_every_impossible_value_is_listed(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("study,events_1,n_1,events_2,n_2\nA,13,12,7,12\nB,x,20,16,-20\n", encoding="utf-8")
    result = run("fit", str(path), "--measure", "RR")
    assert result.exit_code == 2
    for place in ("row 1 (A) column events_1", "row 2 (B) column events_1", "row 2 (B) column n_2"):
        assert place in result.stderr
    document = json.loads(run("fit", str(path), "--measure", "RR", "--json").stdout)
    assert {problem["row"] for problem in document["error"]["problems"]} == {1, 2}


def test_names_cannot_steer_the_terminal(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("study,yi,vi\n[bold]x[/bold],1,1\n\x1b[31mred\x07,2,1\n\u202eback,3,1\n", encoding="utf-8")
    result = run("fit", str(path), "--leave-one-out", "--report", "csv")
    assert result.exit_code == 0
    assert result.stdout.count("[bold]x[/bold]") >= 2
    assert "\\x1b[31mred\\x07" in result.stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(result.stdout)
    refused = run("fit", str(path), "--exclude", "\x1b[31mno")
    assert refused.exit_code == 2
    assert "\x1b" not in refused.stderr


def test_warnings_go_to_standard_error(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("study,yi,vi\nA,1,1\nA,2,1\n", encoding="utf-8")
    result = run("fit", str(path), "--json")
    assert result.stderr.startswith("warning: study names that stand in several rows")
    assert json.loads(result.stdout)["warnings"]


# -- requests on standard input ---------------------------------------------------------------------------------------


def test_a_request_is_answered_as_python_does(run: Callable[..., Result]) -> None:
    request = {"data": YI, "tau2": "DL", "settings": "metafor"}
    result = run("fit", "-", stdin=json.dumps(request))
    assert result.exit_code == 0
    assert json.loads(result.stdout) == es.fit(YI, tau2="DL", settings="metafor").to_dict()
    assert result.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "format"),
        ("{", "format"),
        ("[1]", "format"),
        ('{"data": {"yi": [NaN]}}', "format"),
        ("[" * 100_000, "format"),
        ('{"data": {"yi": [1], "vi": [-1]}}', "data"),
        ('{"data": {"yi": [1], "vi": [1]}, "methd": "IV"}', "settings"),
        ('{"data": {"yi": [1], "vi": [1]}, "tau2": "XX"}', "unknown-method"),
        ('{"data": {"yi": [1], "vi": [1]}, "method": "MH"}', "combination"),
        ('{"data": {"yi": [1], "vi": [1]}, "reports": {"text": {"colour": 1}}}', "settings"),
    ],
    ids=lambda value: value[:60],
)
def test_errors_of_a_request_are_json(run: Callable[..., Result], validate: Validate, text: str, code: str) -> None:
    result = run("fit", "-", stdin=text)
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    validate("error", document)
    assert document["error"]["code"] == code
    assert "Traceback" not in result.stderr


def test_a_request_carries_its_own_words(run: Callable[..., Result]) -> None:
    result = run("fit", "-", "--measure", "RR", stdin=json.dumps({"data": YI}))
    assert result.exit_code == 2
    assert "measure" in json.loads(result.stdout)["error"]["message"]


def test_a_fault_of_ours_is_answered_too(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        msg = "out of luck"
        raise RuntimeError(msg)

    monkeypatch.setattr("evisynth.cli.fit.read_request", fails)
    result = run("fit", "-", stdin="{}")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"] == {"code": "internal", "type": "RuntimeError", "message": "out of luck"}
    assert "Traceback" in result.stderr


# -- the installed command --------------------------------------------------------------------------------------------


def _installed(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - our own command
        [EVISYNTH, *arguments],
        input=stdin.encode(),
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.skipif(not EVISYNTH.exists(), reason="the command is not installed beside this interpreter")
def test_the_installed_command_answers_a_request() -> None:
    done = _installed("fit", "-", stdin=json.dumps({"data": {**YI, "study": ["Müller", "B", "τ"]}}))
    assert done.returncode == 0
    assert done.stderr == b""
    assert json.loads(done.stdout)["studies"][0]["study"] == "Müller"
    done = _installed("fit", "-", stdin="{}")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "settings"


@pytest.mark.skipif(not EVISYNTH.exists(), reason="the command is not installed beside this interpreter")
def test_a_terminal_without_greek_letters_is_served(csv_file: Path) -> None:
    done = _installed("fit", str(csv_file), "--measure", "RR", *ROLE, PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Tau? =" in done.stdout.decode("latin-1") or "Tau² =" in done.stdout.decode("latin-1")
