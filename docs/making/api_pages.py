"""Make the API reference: every public name, on a page for what it is."""

from __future__ import annotations

import inspect

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
    index = "# API reference\n\nThe public names: `import evisynth as es`. Whatever is not here may change without notice.\n"
    return {"api/index.md": index + contents(list(GROUPS), hidden=False), **pages}


def _directive(path: str) -> str:
    module, _, name = path.rpartition(".")
    value = getattr(testing if module == testing.__name__ else evisynth, name)
    kind = (
        "exception"
        if inspect.isclass(value) and issubclass(value, BaseException)
        else "class"
        if inspect.isclass(value)
        else "function"
        if callable(value) and inspect.isfunction(value)
        else "data"
    )
    return f".. auto{kind}:: {path}\n"
