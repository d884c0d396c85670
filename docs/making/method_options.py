"""Describe what a method takes: parameters of its function, options of a figure, variance types of a measure."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING

import attrs
from marked_text import code, table, text

from evisynth import EffectMeasure, Reporter, columns

if TYPE_CHECKING:
    from evisynth import FigureSpec, Method

ALIASES = {**columns.TEXT, **columns.NUMERIC}


def options(method: Method) -> tuple[str, ...]:
    """Give the section on what a method takes; none for one that takes nothing."""
    if isinstance(method, Reporter) and method.spec is not None:
        rows = _of_spec(method.spec)
        return ("## Options", table(("option", "default", "meaning"), rows))
    parts = [part for part in (_parameters(method), _variances(method)) if part]
    return ("## What it takes", *parts) if parts else ()


def _parameters(method: Method) -> str:
    empty = inspect.Parameter.empty
    rows: list[tuple[str, ...]] = []
    for name, parameter in method.parameters.items():
        default = "required" if parameter.default is empty else code(_shown(parameter.default))
        kind = "" if parameter.annotation is empty else code(str(parameter.annotation))
        rows.append((code(name), kind, default, ", ".join(map(code, ALIASES.get(name, ())))))
    headings = ("parameter", "type", "default", "column also found as")
    kept = [place for place in range(4) if place < 1 or any(row[place] for row in rows)]
    return table([headings[place] for place in kept], ([row[place] for place in kept] for row in rows)) if rows else ""


def _variances(method: Method) -> str:
    if not isinstance(method, EffectMeasure) or not method.variances:
        return ""
    return f"Variance types (`vtype`), the first by default: {', '.join(map(code, method.variances))}."


def _shown(value: object) -> str:
    return repr(value).replace("'", '"')


def _of_spec(spec: type[FigureSpec]) -> list[tuple[str, str, str]]:
    meanings = _meanings(spec)
    rows: list[tuple[str, str, str]] = []
    for field in attrs.fields(spec):
        made = isinstance(field.default, attrs.Factory)  # type: ignore[arg-type]
        default = field.default.factory() if made else field.default
        shown = "required" if default is attrs.NOTHING else code(_shown(default))
        rows.append((code(field.name), shown, text(meanings.get(field.name, ""))))
    return rows


def _meanings(spec: type[FigureSpec]) -> dict[str, str]:
    """Read the texts that stand below the fields of a class and of those it extends."""
    found: dict[str, str] = {}
    for one in reversed(spec.__mro__[:-1]):
        body = ast.parse(textwrap.dedent(inspect.getsource(one))).body[0]
        lines = body.body if isinstance(body, ast.ClassDef) else []
        for field, below in pairwise(lines):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                value = below.value if isinstance(below, ast.Expr) else None
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found[field.target.id] = " ".join(value.value.split())
    return found
