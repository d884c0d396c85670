"""Fixtures that several families of tests share."""

from __future__ import annotations

import gzip
import json
import math
import os
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from evisynth import Studies, read_only
from evisynth.testing import strategies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evisynth.validation.r_session import RSession

# A change is judged by the same examples every time; `make test-all` looks for new ones, `make test-nightly` for many.
strategies.register_profiles()
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

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


@pytest.fixture(scope="session")
def r_session() -> Iterator[RSession]:
    """Give the R of this machine with metafor and jsonlite, one process for all tests; skip where it is absent."""
    from evisynth.validation.r_session import RSession  # noqa: PLC0415 - beside its use

    session = RSession()
    try:
        if session.absent() or session.version_of("metafor") is None:
            pytest.skip("R with metafor and jsonlite is not installed")
        yield session
    finally:
        session.close()


@pytest.fixture(scope="session")
def ask_r(r_session: RSession) -> Callable[..., Any]:
    """Run a script in a fresh environment of R and give the value of an expression after it, ``out`` by default."""
    return r_session.ask


@pytest.fixture(scope="session")
def r_version(r_session: RSession) -> Callable[[str], tuple[int, ...] | None]:
    """Give the version of an R package on this machine; None without it."""
    return r_session.version_of
