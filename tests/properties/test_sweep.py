"""Every property again, on many more examples and new ones at every run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


@pytest.mark.sweep
@pytest.mark.parametrize("module", sorted(file.name for file in FOLDER.glob("test_*.py") if file != Path(__file__)))
def test_every_property_on_many_examples(module: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--hypothesis-profile=sweep", "-n0"]
    done = subprocess.run([*command, str(FOLDER / module)], capture_output=True, text=True, check=False)  # noqa: S603 - our own tests
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
