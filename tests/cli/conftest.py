"""Run the command as a user does, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from evisynth.cli import main
from evisynth.requests import SCHEMAS, schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

CSV = """\
study,group,deaths treated,n_1,events_2,n_2,dose
Shu 2020,a,0,12,3,29,1
Lanzoni 2021,a,1,12,7,12,2
Dilogo 2021,b,10,20,16,20,2
Monsel 2022,b,5,21,4,24,3
"""


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run ``evisynth`` with arguments; exceptions that are not ours come through."""

    def invoke(*arguments: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=stdin, catch_exceptions=False)

    return invoke


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    """Write a table whose events need a role."""
    path = tmp_path / "mortality.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


@pytest.fixture
def columns() -> dict[str, Any]:
    """Give the same table in memory."""
    heading, *rows = [line.split(",") for line in CSV.splitlines()]
    made: dict[str, Any] = {name: [row[i] for row in rows] for i, name in enumerate(heading)}
    return made


@pytest.fixture(scope="session")
def validate() -> Callable[[str, object], None]:
    """Check a document against a published schema: ``result``, ``request`` or ``error``."""
    validators: dict[str, Any] = {name: Draft202012Validator(schema(name)) for name in SCHEMAS}

    def check(name: str, document: object) -> None:
        validators[name].validate(document)

    return check
