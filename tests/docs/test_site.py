"""The pages of the site that are made are whole, and lead to pages that are there; the site is built by the sweep."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import evisynth as es

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SITE = DOCS / "site"
# The modules of the site are not a package.
sys.path.insert(0, str(DOCS / "making"))
pages: Any = import_module("site_pages")
contents: Any = import_module("site_contents")
marked_text: Any = import_module("marked_text")
method_pages: Any = import_module("method_pages")
moved_links: Any = import_module("moved_links")
status: Any = import_module("validation_status")

STORED = DOCS / "validation.json"
FENCED = re.compile(r"^(`{3,})\w.*?^\1$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)\s#]+)")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    every: dict[str, str] = pages.made_pages(status.read_status(STORED))
    return every


def test_every_method_has_a_page_of_its_own_that_says_what_it_is(made: dict[str, str]) -> None:
    at = method_pages.paths(es.default_registry())
    assert len(set(at.values())) == len(at)
    for method, plugin in es.default_registry():
        page = made[f"methods/{at[method.kind, method.name]}.md"]
        plain = page.replace("\\", "")
        assert page.startswith("# ")
        assert method.name in plain.partition("\n")[0]
        assert method.reference in plain
        assert plugin.module in page
        assert method.r_equivalent is None or method.r_equivalent in page
        assert ("## Formula" in page) is bool(method.formula)
        assert "## Validation status" in page


def test_links_of_made_pages_lead_to_pages(made: dict[str, str]) -> None:
    there = {SITE / name for name in made}
    for name, text in made.items():
        for target in LINK.findall(FENCED.sub("", text)):
            led = Path(os.path.normpath((SITE / name).parent / target))
            assert led in there or (led.exists() and led.is_relative_to(DOCS)), f"{name} → {target}"


def test_every_page_stands_in_a_table_of_contents(made: dict[str, str]) -> None:
    ours = {path.relative_to(DOCS).with_suffix("").as_posix(): path for path in DOCS.glob("hooks/*.md")}
    ours |= {path.stem: path for path in DOCS.glob("*.md")}
    texts = {f"site/{name.removesuffix('.md')}": text for name, text in made.items()}
    texts["index"] = contents.with_contents("index", "")
    named: set[str] = set()
    for name, text in texts.items():
        for block in re.findall(r"```\{toctree\}\n(.*?)```", text, re.DOTALL):
            lines = [
                line.partition("<")[2].rstrip(">") or line for line in block.splitlines() if line[:1] not in {":", ""}
            ]
            named |= {os.path.normpath(f"{Path(name).parent.as_posix()}/{line}") for line in lines}
    assert named == (set(texts) | set(ours)) - {"index"}


def test_every_set_of_references_has_its_page(made: dict[str, str]) -> None:
    folders = [path.parent.name for path in (ROOT / "validation" / "evisynth_validation").glob("*/README.md")]
    assert {"founding", "metafor", "mpmath", "simulations"} <= set(folders)
    for name in folders:
        assert "## What does not, and why" in made[f"validation/{name}.md"]


def test_every_public_name_is_in_the_reference(made: dict[str, str]) -> None:
    listed = re.findall(r"^\.\. (?:auto\w+|py:data):: (\S+)$", "".join(made.values()), re.MULTILINE)
    assert sorted(listed) == sorted(
        [f"evisynth.{name}" for name in es.__all__]
        + [f"evisynth.testing.{name}" for name in import_module("evisynth.testing").__all__]
    )


def test_the_stored_validation_falls_short_nowhere() -> None:
    found = status.read_status(STORED)
    assert found.ran
    assert {one.verdict for one in found.methods.values()} <= {"agrees", "diverges", ""}


def test_a_status_is_the_worst_that_a_set_found(tmp_path: Path) -> None:
    one = {"cases": 2, "numbers": 30, "worst_error": 1e-15, "digits": 15.0}
    sets = [{"set": "laws", "verdict": "agrees", **one}, {"set": "mpmath", "verdict": "differs", **one}]
    method = {"kind": "Tau2Estimator", "name": "DL", "sets": sets, "absent": [{"set": "print", "reason": "not there"}]}
    path = tmp_path / "found.json"
    path.write_text(json.dumps({"engine": "9.9", "methods": [method]}), encoding="utf-8")
    record = es.default_registry().get(es.Tau2Estimator, "DL")
    found = status.read_status(path).of(record)
    assert (found.verdict, found.words) == ("differs", "✗ differs (60)")
    page = "\n".join(import_module("validation_pages").method_section(record, status.read_status(path)))
    for words in ("9.9", "✗ differs", "1.0e-15", "not there", "Decided by"):
        assert words in page


def test_without_results_a_page_names_what_decides(tmp_path: Path) -> None:
    record = es.default_registry().get(es.Tau2Estimator, "DL")
    found = status.read_status(tmp_path / "none.json").of(record)
    assert found.verdict == ""
    assert "mpmath" in found.deciding


def test_links_of_a_text_that_is_shown_elsewhere_lead_where_they_did(tmp_path: Path) -> None:
    page = moved_links.moved(ROOT / "README.md", SITE / "readme.md")
    assert "](../figures.md)" in page
    assert "](contributing.md)" in page
    assert "](LICENSE)" not in page
    assert "](docs/" not in page
    other = tmp_path / "other.md"
    other.write_text("[a](https://example.org) [b](#c)", encoding="utf-8")
    assert moved_links.moved(other, SITE / "other.md") == "[a](https://example.org) [b](#c)"


def test_formulas_are_set_for_readers() -> None:
    html = marked_text.formula("y = n^0.75 - F(½; 2), s_d < 1; w = p^(a - 1)")
    assert html.count("<div>") == 2
    assert "n<sup>0.75</sup> − F(½; 2), s<sub>d</sub> &lt; 1" in html
    assert "p<sup>a − 1</sup>" in html


def test_text_is_no_markup_and_code_is_kept() -> None:
    assert marked_text.text("a*b <c> ``x_1*`` [d]") == r"a\*b \<c\> ``x_1*`` \[d\]"


def test_pages_of_before_are_removed_and_equal_ones_left_alone(made: dict[str, str], tmp_path: Path) -> None:
    old = tmp_path / "methods" / "gone.md"
    old.parent.mkdir(parents=True)
    old.write_text("# Gone", encoding="utf-8")
    pages.write_pages(tmp_path, made)
    assert not old.exists()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.md")}
    assert len(before) == len(made)
    pages.write_pages(tmp_path, {**made, "changes.md": "# Changed"})
    touched = {path.name for path in before if path.stat().st_mtime_ns != before[path]}
    assert touched == {"changes.md"}


@pytest.mark.sweep
def test_the_site_is_built_without_a_warning_and_asks_no_other_server(tmp_path: Path) -> None:
    pytest.importorskip("pydata_sphinx_theme")
    html = tmp_path / "html"
    options = ["--quiet", "--fail-on-warning", "--keep-going", "--builder", "html"]
    done = subprocess.run(  # noqa: S603 - our own pages
        [sys.executable, "-m", "sphinx", *options, "--doctree-dir", str(tmp_path / "trees"), str(DOCS), str(html)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    built = list(html.rglob("*.html"))
    assert len(built) > len(list(es.default_registry()))
    for page in built:
        loaded = re.findall(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=\"([^\"]+)\"", page.read_text("utf-8"))
        assert not [address for address in loaded if address.startswith(("http:", "https:", "//"))], page
