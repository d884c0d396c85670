"""Every method that ships stands in the validation grid, and every reference it names is there."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import evisynth as es
from evisynth.registry import OWN_DISTRIBUTION

SHIPPED = files("evisynth_validation")
PROJECT = Path(__file__).parents[2]


def grid() -> dict[str, dict[str, list[str]]]:
    loaded = json.loads((SHIPPED / "grid.json").read_text(encoding="utf-8"))
    return {kind: methods for kind, methods in loaded.items() if kind != "about"}


def test_no_method_is_missing_and_none_is_stale() -> None:
    ours = {
        (method.kind, method.name)
        for method, plugin in es.default_registry()
        if plugin.distribution == OWN_DISTRIBUTION
    }
    assert {(kind, name) for kind, methods in grid().items() for name in methods} == ours


def test_every_reference_is_there_and_speaks_of_the_method() -> None:
    for kind, methods in grid().items():
        for name, references in methods.items():
            assert references, (kind, name)
            for reference in references:
                if reference.startswith("tests/"):
                    assert (PROJECT / reference).exists(), (kind, name, reference)
                else:
                    assert (SHIPPED / reference).is_dir(), (kind, name, reference)


def test_shipped_references_have_the_four_headings() -> None:
    headings = ("## What agrees", "## What does not, and why", "## What is compared", "## What is not compared")
    folders = sorted(path.name for path in SHIPPED.iterdir() if (path / "README.md").is_file())
    assert {"corpus", "founding", "meta", "metafor", "mpmath", "nist", "textbook", "simulations"} <= set(folders)
    for folder in folders:
        text = (SHIPPED / folder / "README.md").read_text(encoding="utf-8")
        places = [text.find(heading) for heading in headings]
        assert -1 not in places, folder
        assert places == sorted(places), folder
