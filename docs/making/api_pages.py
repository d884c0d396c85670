"""Make the API reference: every public name, on a page for what it is."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise
from pathlib import Path

from site_contents import contents

import evisynth
from evisynth import Method, testing

GROUPS = {
    "functions": "Functions",
    "values": "Values",
    "records": "Records of plugins",
    "errors": "Errors and warnings",
    "constants": "Constants and types",
    "testing": "Testing plugins",
}


def group_of(name: str) -> str:
    """Say on which page a public name of the engine stands."""
    value = getattr(evisynth, name)
    if inspect.isclass(value):
        if issubclass(value, BaseException):
            return "errors"
        return "records" if issubclass(value, Method) else "values"
    return "functions" if inspect.isfunction(value) else "constants"


def api_pages() -> dict[str, str]:
    """Give the text of every page of the section, by its path."""
    names: dict[str, list[str]] = {group: [] for group in GROUPS}
    for name in evisynth.__all__:
        names[group_of(name)].append(f"evisynth.{name}")
    names["testing"] = [f"evisynth.testing.{name}" for name in testing.__all__]
    pages = {
        f"api/{group}.md": f"# {GROUPS[group]}\n\n```{{eval-rst}}\n" + "\n".join(map(_directive, listed)) + "```\n"
        for group, listed in names.items()
    }
    index = (
        "# API reference\n\nThe public names (`import evisynth as es`). What is not here may change without notice.\n"
    )
    return {"api/index.md": index + contents(list(GROUPS), hidden=False), **pages}


def _directive(path: str) -> str:
    module, _, name = path.rpartition(".")
    value = getattr(testing if module == testing.__name__ else evisynth, name)
    if inspect.isclass(value):
        return f".. auto{'exception' if issubclass(value, BaseException) else 'class'}:: {path}\n"
    if inspect.isfunction(value):
        return f".. autofunction:: {path}\n"
    meaning = "\n".join(f"   {line}" for line in constants().get(name, "").splitlines())
    return f".. py:data:: {path}\n\n{meaning}\n"


@cache
def constants() -> dict[str, str]:
    """Read the texts that stand below the constants of the engine, by name."""
    found: dict[str, str] = {}
    for path in Path(evisynth.__file__).parent.rglob("*.py"):
        lines = ast.parse(path.read_text(encoding="utf-8")).body
        for line, below in pairwise(lines):
            target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
            value = below.value if isinstance(below, ast.Expr) else None
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                found.setdefault(target.id, inspect.cleandoc(value.value))
    return found
