"""The page for authors works as it stands: its files are written, its commands run, and what comes out is looked at."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evisynth.testing import CHECKS, strategies

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "third-party-plugin"
PAGE = (ROOT / "docs" / "writing-a-plugin.md").read_text(encoding="utf-8")
FILES: dict[str, str] = {
    found["title"]: found["text"]
    for found in re.finditer(r'^```\w+ title="(?P<title>[^"]+)"\n(?P<text>.*?)^```$', PAGE, re.MULTILINE | re.DOTALL)
}
COMMANDS: list[str] = [
    line for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]
OFFLINE = "--quiet --no-build-isolation --no-deps --no-index"
INSTEAD: dict[str, str] = {
    # Without a network, and beside the installation that runs this test instead of into it.
    'pip install ".[test]"': f"python -m pip install {OFFLINE} --target site .",
    "python -m build": f"python -m pip wheel {OFFLINE} --wheel-dir dist .",
    "python -m mypy --strict .": "python -m mypy --strict --exclude site/ --exclude build/ .",
    "evisynth validate --plugin evisynth-hm": (
        'python -P -c "from evisynth.cli import main; main()" validate --plugin evisynth-hm --json validated.json'
    ),
    "git tag v1.0.0": "",
    "git push --tags": "",
}


def environment(folder: Path) -> dict[str, str]:
    cache = EXAMPLE / ".mypy_cache"  # `make lint` leaves it warm
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join([str(folder / "site"), os.environ.get("PYTHONPATH", "")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MYPY_CACHE_DIR": str(cache if cache.is_dir() else folder / ".mypy_cache"),
    }


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Follow the page: each command in its order, the files written when the folder is there."""
    pytest.importorskip("hatchling", reason="hatchling, which builds the package, is absent")
    folder = tmp_path_factory.mktemp("plugin")
    for number, command in enumerate(COMMANDS):
        if number == 3:
            for name, text in FILES.items():
                (folder / name).write_text(text, encoding="utf-8")
        line: str = INSTEAD.get(command, command)
        done = subprocess.run(  # noqa: S602 - the page's own commands
            line,
            shell=True,
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    yield folder
    shutil.rmtree(folder)


def test_its_files_are_those_of_the_example() -> None:
    for name, text in FILES.items():
        assert (EXAMPLE / name).read_text(encoding="utf-8") == text, name
    made = {"README.md", "evisynth_hm/py.typed", "evisynth_hm/expected.json"}
    listed = subprocess.run(["git", "ls-files"], cwd=EXAMPLE, capture_output=True, text=True, check=False)  # noqa: S607 - any git
    if listed.returncode == 0:
        assert set(listed.stdout.splitlines()) == {*FILES, *made}


def test_every_check_and_strategy_is_listed() -> None:
    for kind, check in CHECKS.items():
        assert f"| `{kind.kind}` | `{check.__name__}` |" in PAGE
    for name in strategies.__all__:
        if name.islower():
            assert f"`{name}(" in PAGE or f"strategies.{name}(" in PAGE, name


def test_following_it_makes_a_validated_package(followed: Path) -> None:
    assert (followed / "evisynth_hm" / "expected.json").read_text(encoding="utf-8") == (
        EXAMPLE / "evisynth_hm" / "expected.json"
    ).read_text(encoding="utf-8")
    found = json.loads((followed / "validated.json").read_text(encoding="utf-8"))
    assert found["shortfalls"] == []
    (own,) = [one for one in found["installation"]["files"] if one["distribution"] == "evisynth-hm"]
    assert own["checked"] >= 4
    (wheel,) = (followed / "dist").glob("evisynth_hm-1.0.0-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read("evisynth_hm-1.0.0.dist-info/METADATA").decode()
        entries = archive.read("evisynth_hm-1.0.0.dist-info/entry_points.txt").decode()
    assert {f"evisynth_hm/{name}" for name in ("__init__.py", "references.py", "py.typed", "expected.json")} <= names
    assert "[evisynth]\nhm = evisynth_hm" in entries
    assert "Requires-Dist: evisynth[testing]; extra == 'test'" in metadata


def test_a_wrong_formula_falls_short(followed: Path) -> None:
    place = followed / "site" / "evisynth_hm" / "__init__.py"
    right = place.read_text(encoding="utf-8")
    # It keeps every law of the kind, and only the numbers of the references tell.
    place.write_text(right.replace("(2 * fit.dof + fit.rss)", "(3 * fit.dof + fit.rss)"), encoding="utf-8")
    command = 'python -P -c "from evisynth.cli import main; main()" validate --plugin evisynth-hm --json validated.json'
    done = subprocess.run(  # noqa: S602 - ours
        command, shell=True, cwd=followed, env=environment(followed), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    found = json.loads((followed / "validated.json").read_text(encoding="utf-8"))
    assert any(line.startswith("Tau2Estimator HM: 4 of ") for line in found["shortfalls"]), found["shortfalls"]
    assert any("is altered" in line for line in found["shortfalls"])
