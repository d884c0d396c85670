"""Read the stored sets; nothing here needs mpmath."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar

from evisynth import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence

CLOSED = 1e-13
"""Relative error of closed forms, times the condition number of the case."""
ITERATIVE = 1e-12
"""Relative error of iterative estimates, times the condition number of the case."""
QUICK = 8
"""One case in so many does for a quick run."""

_Case = TypeVar("_Case")


@lru_cache(maxsize=4)
def stored(name: str) -> Any:  # noqa: ANN401 - each file has its own form
    """Read one of the files of this folder."""
    text = files("evisynth_validation").joinpath("mpmath", name).read_text(encoding="utf-8")
    return read_json(text, name)


def share(cases: Sequence[_Case], quick: bool) -> Sequence[_Case]:  # noqa: FBT001 - as it is asked for
    """Give all cases, or for a quick run every so many of them, so that each group has some."""
    return cases[::QUICK] if quick else cases
