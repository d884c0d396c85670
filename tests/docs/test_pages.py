"""Every example runs and prints what its page shows; every hook has a page; tables are in step with the data."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evisynth import columns, default_registry, presets
from evisynth.records import KINDS

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
HOOKS = sorted(kind.hook for kind in KINDS)


def load_refresh() -> ModuleType:
    spec = importlib.util.spec_from_file_location("refresh_pages", DOCS / "refresh.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


refresh: Any = load_refresh()
PAGES: list[Path] = refresh.pages()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_page_shows_what_its_examples_print(path: Path) -> None:
    # `python docs/refresh.py` writes the pages anew.
    assert refresh.refreshed(text_of(path)) == text_of(path)


def test_examples_leave_no_module_and_no_method_behind() -> None:
    before = {(type(method), method.name) for method, _ in default_registry()}
    page = text_of(DOCS / "hooks" / "tau2_estimators.md")
    refresh.refreshed(page)
    assert not [name for name in refresh.modules(page) if name.removesuffix(".py") in sys.modules]
    assert {(type(method), method.name) for method, _ in default_registry()} == before


def test_a_page_out_of_step_is_seen() -> None:
    page = text_of(DOCS / "hooks" / "tau2_estimators.md")
    assert refresh.refreshed(page.replace("0.0239", "0.0240")) == page
    with pytest.raises(refresh.PageError, match="does not show"):
        refresh.refreshed("```python\nprint(1)\n```\n")


def test_every_hook_has_a_page() -> None:
    assert sorted(path.stem for path in (DOCS / "hooks").glob("*.md")) == HOOKS


@pytest.mark.parametrize("hook", HOOKS)
def test_page_of_a_hook_has_its_parts(hook: str) -> None:
    page = text_of(DOCS / "hooks" / f"{hook}.md")
    record = next(kind.kind for kind in KINDS if kind.hook == hook)
    assert page.startswith(f"# `{hook}`")
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert [heading.split()[0] for heading in headings] == ["What", "What", "What", "Example:"]
    assert record in page
    assert f"(hooks/{hook}.md)" in text_of(DOCS / "index.md")


@pytest.mark.parametrize("hook", HOOKS)
def test_example_of_a_hook_is_a_plugin_that_is_not_shipped(hook: str) -> None:
    page = text_of(DOCS / "hooks" / f"{hook}.md")
    (name,) = refresh.modules(page)
    (entry,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert list(tomllib.loads(entry)["project"]["entry-points"]["evisynth"].values()) == [name.removesuffix(".py")]
    assert f"def {hook}()" in page
    assert "check_plugin" in page
    assert importlib.util.find_spec(name.removesuffix(".py")) is None


def test_links_lead_somewhere() -> None:
    for path in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text_of(path)):
            file, _, heading = target.partition("#")
            there = (path.parent / file) if file else path
            assert there.exists(), f"{path.name} → {target}"
            if heading:
                found = re.findall(r"^#+ (.+)$", text_of(there), re.MULTILINE)
                slugs = {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in found}
                assert heading in slugs, f"{path.name} → {target}"


def test_preset_table_has_every_entry_and_marks_the_unverified() -> None:
    page = text_of(DOCS / "settings.md")
    assert page.count("(unverified)*") == 1
    table = page.partition("<!-- table: presets -->")[2].partition("<!-- end of table -->")[0]
    assert table.count("(unverified)") == len(presets.UNVERIFIED)
    for preset in presets.PRESETS.values():
        for word in preset:
            assert f"| `{word}` |" in table


def test_glossary_has_every_column() -> None:
    page = text_of(DOCS / "numbers.md")
    for name in (*columns.TEXT, *columns.NUMERIC, *columns.OUTPUT):
        assert f"| `{name}` |" in page


def test_words_of_the_settings_are_described() -> None:
    page = text_of(DOCS / "settings.md")
    for word in ("measure", "method", "model", "tau2", "interval", "adhoc", "prediction", "level", "study_level"):
        assert f"| `{word}` |" in page
