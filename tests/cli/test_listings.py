"""Lists of what is there, and a start-up that stays light."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from jsonschema import Draft202012Validator

import evisynth as es
from evisynth.columns import unknown_output_columns
from evisynth.presets import PRESETS, UNVERIFIED
from evisynth.registry import Plugin
from evisynth.requests import SCHEMAS, schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

HEAVY = ("pandas", "scipy", "matplotlib", "narwhals", "polars", "pyarrow")


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["--version"]])
def test_start_up_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom evisynth.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)  # noqa: S603 - our own interpreter and code
    assert done.stderr.strip() == "[]"


def test_help_names_every_command(run: Callable[..., Result]) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in ("fit", "demo", "methods", "plugins", "presets", "schema"):
        assert command in result.stdout
        assert run(command, "--help").exit_code == 0
    assert run("--version").stdout.startswith("evisynth, version ")
    assert run("nothing").exit_code == 2


def test_methods_lists_every_method_with_its_reference(run: Callable[..., Result]) -> None:
    rows = json.loads(run("methods", "--json").stdout)
    registry = es.default_registry()
    assert [(row["kind"], row["name"]) for row in rows] == [(method.kind, method.name) for method, _ in registry]
    assert all(row["reference"] and row["provider"] for row in rows)
    assert unknown_output_columns(rows[0]) == []
    shown = run("methods").stdout
    for kind in {row["kind"] for row in rows}:
        assert kind in shown


@pytest.mark.parametrize("word", ["Tau2Estimator", "tau2estimator", "tau2_estimators"])
def test_methods_of_a_kind(run: Callable[..., Result], word: str) -> None:
    rows = json.loads(run("methods", "--kind", word, "--json").stdout)
    assert {row["kind"] for row in rows} == {"Tau2Estimator"}
    assert "DerSimonian" in run("methods", "--kind", word).stdout


def test_a_kind_that_is_not_there(run: Callable[..., Result]) -> None:
    result = run("methods", "--kind", "Tau2Estimatr")
    assert result.exit_code == 2
    assert "did you mean 'Tau2Estimator'" in result.stderr


def test_plugins_names_those_left_out(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    registry = es.Registry()
    broken = Plugin("[red]bad", "somebody", "1.0", "bad\x1b", problem="ImportError: no such module")
    monkeypatch.setattr(registry, "_plugins", [*registry.plugins, broken])
    monkeypatch.setattr("evisynth.cli.listings.default_registry", lambda: registry)
    rows: list[dict[str, Any]] = json.loads(run("plugins", "--json").stdout)
    assert {row["name"] for row in rows} >= {"moments", "csv", "json", "[red]bad"}
    assert rows[-1]["problem"] == broken.problem
    shown = run("plugins").stdout
    assert "[red]bad" in shown
    assert "left out: ImportError: no such module" in shown
    assert "\x1b" not in shown


def test_presets_marks_what_is_not_verified(run: Callable[..., Result]) -> None:
    shown = run("presets").stdout
    assert shown.count(" ?") == len(UNVERIFIED)
    found = json.loads(run("presets", "--json").stdout)
    assert list(found) == list(PRESETS)
    assert found["revman-web"]["unverified"] == sorted(field for name, field in UNVERIFIED if name == "revman-web")


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_printed(run: Callable[..., Result], name: str) -> None:
    printed = json.loads(run("schema", name).stdout)
    assert printed == schema(name)
    Draft202012Validator.check_schema(printed)


def test_a_schema_that_is_not_there(run: Callable[..., Result]) -> None:
    result = run("schema", "results")
    assert result.exit_code == 2
    assert "did you mean 'result'" in result.stderr


def test_a_plugin_that_is_left_out_is_a_line_on_standard_error(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def registry() -> es.Registry:
        made = es.Registry()
        made.register(object(), "nothing at all")
        return made

    monkeypatch.setattr("evisynth.cli.listings.default_registry", registry)
    result = run("methods", "--kind", "Converter")
    assert result.exit_code == 0
    assert "warning: plugin 'nothing at all'" in result.stderr
    assert "nothing at all" not in run("plugins").stderr


def test_the_problem_of_a_plugin_is_a_field() -> None:
    assert "problem" in {field.name for field in attrs.fields(Plugin)}
