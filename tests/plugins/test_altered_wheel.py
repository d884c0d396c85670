"""An installation with one altered constant fails its validation: by its files, else by its numbers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Path(__file__).parents[2]
ROOTS = tuple(str(PROJECT / name) for name in ("engine", "plugins", "validation"))
PLACE = "evisynth_estimators/mean_difference.py"
METHOD = "EffectMeasure:SMD"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the project's wheel, without a network, and unpack it as an installer does."""
    hatchling = pytest.importorskip("hatchling.build", reason="hatchling, which builds the wheel, is not installed")
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in ("engine", "plugins", "validation"):
        shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source / name)
    script = (
        f"import os; os.chdir({str(source)!r}); import {hatchling.__name__} as h; print(h.build_wheel({str(built)!r}))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)  # noqa: S603 - our own build
    (made,) = built.glob("*.whl")
    root = tmp_path_factory.mktemp("installed")
    shutil.unpack_archive(made, root, "zip")
    return root


def validate(root: Path, *more: str) -> tuple[int, Mapping[str, Any]]:
    """Run the command of this installation, alone on the path beside the libraries."""
    script = (
        f"import sys; sys.path = [p for p in sys.path if not p.startswith({ROOTS!r})]; "
        f"sys.path.insert(0, {str(root)!r}); from evisynth.cli import main; main()"
    )
    command = [sys.executable, "-I", "-c", script, "validate", "--quick", "--method", METHOD, "--json", "-", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)  # noqa: S603 - ours
    assert done.returncode in {0, 1}, done.stderr
    found: Mapping[str, Any] = json.loads(done.stdout)
    return done.returncode, found


def rewrite_record(root: Path) -> None:
    """Give the altered file the hash that a wheel built of it would have."""
    (record,) = root.glob("evisynth-*.dist-info/RECORD")
    content = (root / PLACE).read_bytes()
    digest = urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()
    text = record.read_text(encoding="utf-8")
    changed = re.sub(rf"^{re.escape(PLACE)},.*$", f"{PLACE},sha256={digest},{len(content)}", text, flags=re.MULTILINE)
    assert changed != text
    record.write_text(changed, encoding="utf-8")


def test_one_altered_constant(wheel: Path) -> None:
    status, found = validate(wheel)
    assert (status, found["shortfalls"]) == (0, [])
    (files,) = [one for one in found["installation"]["files"] if one["distribution"] == "evisynth"]
    assert files["checked"] > 300

    place = wheel / PLACE
    right = place.read_text(encoding="utf-8")
    assert right.count("(total - 3.94)") == 1
    place.write_text(right.replace("(total - 3.94)", "(total - 3.95)"), encoding="utf-8")
    status, found = validate(wheel)
    assert status == 1
    assert f"evisynth: file {PLACE} is altered" in found["shortfalls"]

    rewrite_record(wheel)
    status, found = validate(wheel)
    assert status == 1
    assert not any("altered" in line for line in found["shortfalls"])
    (line,) = found["shortfalls"]
    assert re.match(
        r"EffectMeasure SMD: \d+ of \d+ numbers differ from mpmath; effect-\d+ \(.*\), revman5, variance: ", line
    )
