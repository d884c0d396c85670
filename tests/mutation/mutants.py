"""List the mutants of the modules that make the numbers, and draw a sample of them."""

from __future__ import annotations

import ast
import difflib
import random
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import cosmic_ray.ast as cosmic_ast
import cosmic_ray.mutating as cosmic_mutating
from mutation_operators import operators

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ast: Any = cosmic_ast  # they have no types
_mutating: Any = cosmic_mutating

ROOT = Path(__file__).parents[2]
TARGETS = ("engine/evisynth/kernels", "plugins/estimators/evisynth_estimators")
ROOTS = ("engine", "plugins/estimators")
UNSEEN_FUNCTIONS = {"__repr__", "__str__"}
UNSEEN_KEYWORDS = {"strict", "slots", "eq", "repr", "maxsize", "stacklevel"}
"""Keywords that decide about checks, layout in memory and printing, not about numbers."""


@attrs.frozen
class Mutant:
    """Name one change: the occurrence of an operator in a file, and where that is (line from 1, column from 0)."""

    path: str
    operator: str
    occurrence: int
    line: int
    column: int

    @property
    def name(self) -> str:
        """A name that stays as long as the file does."""
        return f"{self.path}:{self.line}:{self.column}:{self.operator}:{self.occurrence}"

    @property
    def module(self) -> str:
        """The import name of the changed module."""
        root = next(root for root in ROOTS if self.path.startswith(f"{root}/"))
        return self.path.removeprefix(f"{root}/").removesuffix(".py").replace("/", ".")

    def source(self) -> str:
        """Give the changed module."""
        made: str | None = _mutating.mutate_code(source_of(self.path), operators()[self.operator], self.occurrence)
        assert made is not None, self.name
        return made

    def diff(self) -> str:
        """Give the changed lines, old and new."""
        lines = difflib.unified_diff(source_of(self.path).splitlines(), self.source().splitlines(), lineterm="", n=0)
        return "\n".join(line for line in list(lines)[2:] if not line.startswith("@@"))


@cache
def source_of(path: str) -> str:
    """Read a file of the project."""
    return (ROOT / path).read_text(encoding="utf-8")


def target_files() -> list[str]:
    """List the modules that are changed."""
    found = (file for target in TARGETS for file in sorted((ROOT / target).glob("*.py")))
    return [str(file.relative_to(ROOT)) for file in found if file.name != "__init__.py"]


def mutants_of(path: str) -> list[Mutant]:
    """List every mutant of a file that counts."""
    source = source_of(path)
    nodes = list(_ast.ast_nodes(_ast.get_ast(source)))
    unseen = list(_unseen(ast.parse(source)))
    found: list[Mutant] = []
    for name, operator in operators().items():
        places = [place for node in nodes for place in operator.mutation_positions(node)]
        for occurrence, (start, _) in enumerate(places):
            if not any(first <= start < last for first, last in unseen):
                found.append(Mutant(path, name, occurrence, *start))
    return found


def draw(size: int, seed: int) -> list[Mutant]:
    """Draw up to ``size`` mutants of every module, each module by a generator of its own."""
    drawn: list[Mutant] = []
    for path in target_files():
        every = mutants_of(path)
        drawn += random.Random(f"{seed}:{path}").sample(every, min(size, len(every)))  # noqa: S311 - a sample
    return drawn


def lines_of_statement(path: str, line: int) -> tuple[int, ...]:
    """Give the lines of the smallest statement that holds a line; of one with a body, the lines of its head."""
    best: Sequence[int] = (line,)
    for node in ast.walk(ast.parse(source_of(path))):
        if not isinstance(node, ast.stmt) or node.end_lineno is None:
            continue
        body: list[Any] = getattr(node, "body", [])
        last = body[0].lineno - 1 if body else node.end_lineno
        if node.lineno <= line <= max(last, node.lineno):
            best = range(node.lineno, max(last, node.lineno) + 1)
    return tuple(best)


def runs_in_tests(path: str, line: int) -> bool:
    """Tell whether a line runs whenever a test needs it: not at import nor in a hook, which run in some first test."""
    return any(
        isinstance(node, ast.FunctionDef)
        and node.body[0].lineno <= line <= (node.end_lineno or node.lineno)
        and not any(isinstance(one, ast.Name) and one.id == "hookimpl" for one in node.decorator_list)
        for node in ast.walk(ast.parse(source_of(path)))
    )


def name_assigned(path: str, line: int) -> str | None:
    """Give the name of the constant of the module that is set on a line."""
    for node in ast.parse(source_of(path)).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.end_lineno and node.lineno <= line <= node.end_lineno:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            return target.id if isinstance(target, ast.Name) else None
    return None


def _unseen(tree: ast.Module) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Give the stretches of a module that hold types, messages, decorators and checks: no numbers."""
    for node in ast.walk(tree):
        for part in _parts_unseen(node):
            assert part.end_lineno is not None
            assert part.end_col_offset is not None
            yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def _parts_unseen(node: Any) -> Iterator[Any]:  # noqa: ANN401 - a node of any kind
    match node:
        case ast.FunctionDef() | ast.ClassDef():
            yield from _unseen_of_definition(node)
        case ast.arg(annotation=ast.expr() as part) | ast.Raise(exc=ast.expr() as part):
            yield part
        case ast.AnnAssign():
            yield (
                node if isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias" else node.annotation
            )
        case ast.keyword() if node.arg in UNSEEN_KEYWORDS:
            yield node.value
        case (
            ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Assert() | ast.JoinedStr() | ast.Import() | ast.ImportFrom()
        ):
            yield node
        case _:
            pass


def _unseen_of_definition(node: ast.FunctionDef | ast.ClassDef) -> Iterator[ast.AST]:
    yield from node.decorator_list
    if node.name in UNSEEN_FUNCTIONS:
        yield from node.body
    if isinstance(node, ast.FunctionDef) and node.returns is not None:
        yield node.returns
