"""`evisynth demo`: published figures beside ours, forest plots, and a status that says whether they agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from evisynth.errors import MissingExtraError
from evisynth.reporting import report
from evisynth_validation.founding import repeating as founding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out drawing, which takes a second a plot."""

    def without_plots(analysis: Any, reporter: str, path: Path, **options: Any) -> str | bytes:  # noqa: ANN401 - as report
        if reporter == "forest":
            what = "the forest reporter"
            raise MissingExtraError(what, "matplotlib", "plots")
        made = report(analysis, reporter, path, **options)
        assert isinstance(made, str | bytes)
        return made

    monkeypatch.setattr("evisynth.cli.demo.report", without_plots)


@pytest.mark.usefixtures("no_plots")
def test_every_published_figure_is_ours(run: Callable[..., Result], tmp_path: Path) -> None:
    result = run("demo", "-o", str(tmp_path / "demo"))
    assert result.exit_code == 0, result.stdout
    assert "all equal at the printed digits" in result.stdout
    assert "✗" not in result.stdout
    held = founding.expected()
    assert result.stdout.count("✓") == len(held["analyses"]) + len(held["sample_sizes"])
    assert "199 per group" in result.stdout
    assert "pip install 'evisynth[plots]'" in result.stderr
    page = (tmp_path / "demo" / "index.html").read_text(encoding="utf-8")
    for entry in held["analyses"]:
        document = json.loads((tmp_path / "demo" / f"{entry['id']}.json").read_text(encoding="utf-8"))
        assert document["schema_version"] == "1.0"
        assert f"{entry['id']}.json" in page


@pytest.mark.usefixtures("no_plots")
def test_a_figure_that_differs_is_status_1(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = founding.expected()
    held["analyses"] = held["analyses"][:1]
    held["analyses"][0]["published"]["estimate"] = "0.59"
    monkeypatch.setattr(founding, "expected", lambda: held)
    result = run("demo", "-o", str(tmp_path))
    assert result.exit_code == 1
    assert "✗" in result.stdout
    assert "1 of them DIFFERENT" in result.stdout


def test_plots_are_drawn(run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    held = founding.expected()
    held["analyses"] = held["analyses"][:1]
    monkeypatch.setattr(founding, "expected", lambda: held)
    result = run("demo", "-o", str(tmp_path))
    assert result.exit_code == 0
    name = held["analyses"][0]["id"]
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert f'src="{name}.png"' in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "printed", "ours"),
    [(0.575, "0.58", "0.57"), (0.625, "0.62", "0.63"), (-0.004, "0.00", "0.00"), (14.2, "14", "14"), (None, "1", "–")],
)
def test_figures_are_rounded_to_the_printed_digits(value: float | None, printed: str, ours: str) -> None:
    assert founding.at_digits(value, printed) == ours
