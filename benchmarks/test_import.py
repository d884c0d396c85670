"""Time what `import evisynth` adds to numpy's own import."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

CODE = "import numpy, time; t = time.perf_counter(); import evisynth; print(time.perf_counter() - t)"


class _ImportClock:
    """Count only the seconds that fresh interpreters say the import took, not their own start."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.environment: dict[str, str] = {}

    def read(self) -> float:
        return self.seconds

    def run(self) -> None:
        command = [sys.executable, "-c", CODE]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True)  # noqa: S603 - our own code
        self.seconds += float(done.stdout)


CLOCK = _ImportClock()


@pytest.mark.benchmark(group="import", timer=CLOCK.read)
def test_import_above_numpy(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Import in fresh interpreters that have numpy already; what is shown is the import alone, of compiled modules."""
    # An installed package is compiled once. That holds wherever this runs: also where Python may not write beside it.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    CLOCK.environment = {**kept, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    cast("Any", benchmark).pedantic(CLOCK.run, rounds=15, warmup_rounds=2)
    assert CLOCK.seconds > 0
