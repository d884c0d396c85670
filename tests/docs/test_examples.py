"""The scripts in ``examples/`` run, in an empty folder, without a warning."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

SAYS = {
    "quick_start.py": "RR 0.58 (0.38, 0.87)",
    "forest_plot.py": "adverse_events_without_zhu.svg",
    "custom_estimator.py": "CA2 keeps the laws of its kind",
    "many_analyses.py": "57 analyses",
}
NEEDS_MATPLOTLIB = {"forest_plot.py"}


def test_every_script_is_run() -> None:
    assert sorted(SAYS) == sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("script", sorted(SAYS))
def test_script_runs(script: str, tmp_path: Path) -> None:
    if script in NEEDS_MATPLOTLIB and importlib.util.find_spec("matplotlib") is None:
        pytest.skip("matplotlib is not installed")
    environment = {**os.environ, "PYTHONUTF8": "1", "MPLBACKEND": "agg"}
    done = subprocess.run(  # noqa: S603 - our own scripts
        [sys.executable, "-W", "error", str(EXAMPLES / script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert SAYS[script] in done.stdout
    assert not done.stderr
    made = {path.suffix for path in tmp_path.rglob("*.*")}
    assert made == ({".png", ".svg"} if script in NEEDS_MATPLOTLIB else set())


def test_the_example_review_is_what_its_script_makes(tmp_path: Path) -> None:
    pytest.importorskip("mpmath")
    made = tmp_path / "made.rm5"
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-W", "error", str(EXAMPLES / "review" / "make_review.py"), str(made)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert made.read_bytes() == (EXAMPLES / "review" / "evisynth_example_review.rm5").read_bytes()
