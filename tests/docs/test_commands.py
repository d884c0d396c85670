"""The commands that the pages show exist, with the options shown, and every command is described."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")


def help_of(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own command
        [str(Path(sys.executable).parent / "evisynth"), *command, "--help"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def listed() -> list[str]:
    return re.findall(r"^  (\w+)  ", help_of().partition("Commands:")[2], re.MULTILINE)


def test_every_command_is_described(listed: list[str]) -> None:
    for command in listed:
        assert f"`evisynth {command}" in PAGE, command


@pytest.mark.parametrize(
    "path", ["README.md", "CONTRIBUTING.md", *sorted(p.name for p in (ROOT / "docs").glob("*.md"))]
)
def test_commands_shown_exist(path: str, listed: list[str]) -> None:
    folder = ROOT if (ROOT / path).exists() else ROOT / "docs"
    text = (folder / path).read_text(encoding="utf-8")
    shown = set(re.findall(r"[`|$] ?evisynth (\w+)", text)) - {"COMMAND"}
    assert shown <= set(listed)


def test_options_shown_exist() -> None:
    known = {
        option
        for command in (
            "fit",
            "bias",
            "check",
            "compare",
            "demo",
            "draw",
            "methods",
            "plugins",
            "report",
            "review",
            "validate",
            "verify",
        )
        for option in _options(help_of(command))
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", PAGE)) <= known | {"--version", "--help"}


def _options(text: str) -> list[str]:
    return re.findall(r"--[a-z][\w-]*", text)


def test_make_targets_shown_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        shown = set(re.findall(r"(?:^|`)make ([\w-]+)", text, re.MULTILINE))
        assert shown
        assert shown <= targets
