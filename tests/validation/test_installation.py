"""What is installed: files against the wheel's record, plugins, arithmetic."""

from __future__ import annotations

import math
import sys
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import special

import evisynth as es
from evisynth.validation import installation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], Path]:
    """Install a distribution ``alien`` of these files, with the record that a wheel would bring."""

    def install(files: dict[str, str]) -> Path:
        info = tmp_path / "alien-1.2.dist-info"
        info.mkdir()
        rows = ["alien-1.2.dist-info/RECORD,,"]
        for name, text in files.items():
            place = tmp_path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
            digest = urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{name},sha256={digest},{len(text)}")
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: alien\nVersion: 1.2\n", encoding="utf-8")
        (info / "RECORD").write_text("\n".join(rows) + "\n", encoding="utf-8")
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        return tmp_path

    return install


FILES = {"alien/__init__.py": "J = 3.94\n", "alien/data/rows.json": "[1, 2]\n"}


def test_files_as_recorded(wheel: Callable[[dict[str, str]], Path]) -> None:
    wheel(FILES)
    found = installation.check_files("alien")
    assert (found.version, found.checked, found.passed, found.reason) == ("1.2", 2, True, None)


def test_an_altered_a_missing_and_an_added_file_are_named(wheel: Callable[[dict[str, str]], Path]) -> None:
    root = wheel(FILES)
    (root / "alien" / "__init__.py").write_text("J = 3.95\n", encoding="utf-8")
    (root / "alien" / "data" / "rows.json").unlink()
    (root / "alien" / "late.py").write_text("", encoding="utf-8")
    found = installation.check_files("alien")
    assert found.altered == ("alien/__init__.py",)
    assert found.missing == ("alien/data/rows.json",)
    assert found.unrecorded == ("alien/late.py",)
    assert not found.passed


def test_without_a_record_there_is_a_reason(
    wheel: Callable[[dict[str, str]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = wheel(FILES)
    (root / "alien-1.2.dist-info" / "direct_url.json").write_text(
        '{"url": "file:///x", "dir_info": {"editable": true}}', encoding="utf-8"
    )
    editable = installation.check_files("alien")
    assert editable.reason == "an editable installation has no record of its files"
    assert editable.passed
    assert "not installed" in str(installation.check_files("nowhere").reason)
    monkeypatch.undo()


def test_arithmetic_of_this_machine_holds() -> None:
    found = list(installation.arithmetic())
    assert len(found) > 20
    assert all(one.passed for one in found), [one for one in found if not one.passed]


def test_a_function_that_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = special.ndtri

    def wrong(p: float) -> float:
        return float(right(p)) * (1.0 + 1e-12)

    monkeypatch.setattr(special, "ndtri", wrong)
    failing = [one.name for one in installation.arithmetic() if not one.passed]
    assert failing == ["function ndtri"]


def test_a_rounding_that_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(x: float) -> float:
        return math.sqrt(x) * (1.0 + 2.0**-52)

    monkeypatch.setattr(np, "sqrt", wrong)
    assert "√2 correctly rounded" in [one.name for one in installation.arithmetic() if not one.passed]


def test_a_broken_plugin_is_a_shortfall() -> None:
    registry = es.Registry(load=False)
    with pytest.warns(es.PluginWarning):
        registry.register(object(), "nothing")
    found = installation.qualify_installation(registry)
    assert not found.passed
    assert "offers no methods" in found.broken_plugins[0]
    assert found.versions["Python"] == sys.version.split()[0]
    assert {"system", "processor", "BLAS"} <= set(found.machine)
