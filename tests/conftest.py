"""Fixtures that several families of tests share."""

from __future__ import annotations

import gzip
import json
import math
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evisynth import Studies, read_only

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SHARED = Path(__file__).parents[1].parent / "shared" / "reference"


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    """Give the folder of reference data beside the checkout; skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the reference data beside the checkout are absent")
    return SHARED


@pytest.fixture(scope="session")
def r_cases(shared_reference: Path) -> Mapping[str, Any]:
    """Give the recorded results of R."""
    with gzip.open(shared_reference / "r_cases.json.gz", "rt") as stream:
        return json.load(stream)  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def validation_set() -> Callable[[str, str], Any]:
    """Read a reference file that ships with the package."""

    def read(folder: str, name: str) -> Any:  # noqa: ANN401 - each set has its own form
        return json.loads((files("evisynth_validation") / folder / name).read_text(encoding="utf-8"))

    return read


@pytest.fixture(scope="session")
def relative_error() -> Callable[[float, float], float]:
    """Measure how far a number is from the truth, relative to the truth (0 must be met exactly)."""

    def measure(value: float, truth: float) -> float:
        if value == truth:
            return 0.0
        return math.inf if truth == 0.0 else abs(value - truth) / abs(truth)

    return measure


@pytest.fixture(scope="session")
def make_studies() -> Callable[..., Studies]:
    """Make a table of studies of columns by canonical name."""

    def make(study: Sequence[str] | None = None, **columns: Sequence[float]) -> Studies:
        arrays = {name: read_only(column) for name, column in columns.items()}
        k = len(next(iter(arrays.values())))
        return Studies(
            columns=arrays, study=tuple(study) if study is not None else tuple(f"S{i + 1}" for i in range(k))
        )

    return make
