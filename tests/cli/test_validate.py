"""`evisynth validate`: tables for people, reports to keep, the exit status for scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from evisynth.provenance import engine_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


def test_one_method_beside_its_references(run: Callable[..., Result]) -> None:
    result = run("validate", "--quick", "--method", "Tau2Estimator:DL", "--matrix")
    assert result.exit_code == 0, result.output
    for word in ("Installation", "Sets of references", "Methods", "Coverage", "DL", "founding", "1 of 1 methods"):
        assert word in result.stdout
    assert "PASSED: nothing falls short" in result.stdout


def test_reports_are_written(run: Callable[..., Result], tmp_path: Path) -> None:
    page, held = tmp_path / "v.html", tmp_path / "v.json"
    result = run("validate", "--quick", "--method", "SMD", "--html", str(page), "--json", str(held))
    assert result.exit_code == 0, result.output
    text = page.read_text(encoding="utf-8")
    assert "PASSED: nothing falls short" in text
    assert "default-src &#39;none&#39;" in text
    assert "http" not in text.split("</head>")[1]
    document = json.loads(held.read_text(encoding="utf-8"))
    assert document["passed"] is True
    assert [(one["kind"], one["name"]) for one in document["methods"]] == [("EffectMeasure", "SMD")]
    assert document["installation"]["versions"]["numpy"]


def test_json_alone_on_standard_output(run: Callable[..., Result]) -> None:
    result = run("validate", "--quick", "--method", "Tau2Estimator:HE", "--json", "-")
    assert json.loads(result.stdout)["engine"] == engine_version()


def test_a_plugin_of_somebody_elses(run: Callable[..., Result]) -> None:
    result = run("validate", "--quick", "--plugin", "evisynth_hm")
    assert result.exit_code == 0, result.output
    assert "HM" in result.stdout
    assert "REML" not in result.stdout


def test_own_data_are_replayed_and_a_wrong_file_fails(
    run: Callable[..., Result], csv_file: Path, tmp_path: Path
) -> None:
    text = csv_file.read_text(encoding="utf-8").replace("deaths treated", "events_1")
    own = tmp_path / "own.csv"
    own.write_text(text, encoding="utf-8")
    result = run("validate", "--quick", "--method", "Tau2Estimator:HE", "--data", str(own), "--measure", "RR")
    assert result.exit_code == 0, result.output
    assert "own.csv: no results stored" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--method", "RELM"), "no method is called 'RELM'"),
        (("--plugin", "nobody"), "no plugin 'nobody' is installed"),
        (("--quick", "--method", "Tau2Estimator:HE", "--data", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_what_cannot_be_done_is_status_2(run: Callable[..., Result], arguments: tuple[str, ...], message: str) -> None:
    result = run("validate", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
