"""Make sure that a formula from outside holds nothing but columns, arithmetic and known functions, before it is run.

formulaic evaluates the factors of a formula as Python. Every factor is parsed here first, and only names of columns,
numbers, texts, arithmetic and calls of the functions in `FUNCTIONS` are let through: no attribute, no subscript, no
comprehension, no name with two underscores. The size of what a formula may expand to is limited before it is expanded.
"""

from __future__ import annotations

import ast
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import attrs
import numpy as np

from evisynth.errors import MissingExtraError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_LENGTH = 1000
"""Characters of a formula."""
MAX_TERMS = 500
"""Terms that a formula may expand to."""
MAX_COLUMNS = 1000
MAX_CELLS = 100_000_000
"""Numbers in a design made by a formula."""
MAX_NODES = 200
"""Parts of one factor's expression."""
MAX_POWER = 8
MAX_BASIS = 50
"""Columns that one spline or polynomial may have."""

_CODERS = ("Treatment", "Sum", "Helmert", "Diff", "Poly")
FUNCTIONS = (
    *("I", "C", *_CODERS),
    *("log", "log2", "log10", "log1p", "exp", "sqrt", "abs", "pmin", "pmax"),
    *("center", "scale", "standardize", "poly", "bs", "cr", "cc"),
)
"""What a factor may call."""
CODINGS = ("treatment", "sum", "helmert", "diff", "poly")
"""Contrast codings that stand behind ``contr.``."""
BASES = ("poly", "bs", "cr", "cc")
_OPERATORS = re.compile(r"[-+*/:^]+|%in%|in")
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
_SIGNS = (ast.UAdd, ast.USub)


def is_formula(value: object) -> bool:
    """Tell a formula from the name of a column: it begins with a tilde."""
    return isinstance(value, str) and value.lstrip().startswith("~")


def formulaic(module: str = "formulaic") -> Any:  # noqa: ANN401 - the library carries no type marker
    """Give a module of the library; raises `MissingExtraError` where it is absent."""
    try:
        return import_module(module)
    except ImportError as error:
        what = "a formula for moderators"
        raise MissingExtraError(what, "formulaic", "regression") from error


def refuse(formula: str, why: str) -> SettingsError:
    """Make the error that says why a formula cannot be used."""
    return SettingsError(f"the formula {short(formula)!r} cannot be used: {why}")


def short(text: str) -> str:
    """Cut a text to what a message can show."""
    return text if len(text) <= 80 else f"{text[:77]}…"  # noqa: PLR2004 - a line of a message


def check(formula: str) -> tuple[str, ...]:
    """Give the names of the columns that a formula speaks of, in order; raises `SettingsError` for what is not allowed.

    Nothing of the formula is evaluated.
    """
    text = formula.strip()
    if len(text) > MAX_LENGTH:
        raise refuse(formula, f"it has {len(text):,} characters, more than {MAX_LENGTH:,}")
    if not text.startswith("~") or "~" in text[1:]:
        raise refuse(formula, "it begins with its only tilde, as in '~ dose + C(design)'")
    if not text[1:].strip():
        raise refuse(formula, "there is nothing behind the tilde; '~ 1' is the model without moderators")
    try:
        tokens = list(formulaic("formulaic.parser.algos.tokenize").tokenize(text[1:]))
    except (formulaic("formulaic.errors").FormulaicError, ValueError, SyntaxError, RecursionError) as error:
        raise refuse(formula, first_line(error)) from error
    names: list[str] = []
    for token in tokens:
        names.extend(_names_of_token(formula, token))
    _bound_expansion(formula, text)
    return tuple(dict.fromkeys(names))


def first_line(error: BaseException) -> str:
    """Take the first line of an error's message: the others may draw."""
    return short(str(error).strip().partition("\n")[0] or type(error).__name__)


def _names_of_token(formula: str, token: Any) -> Iterator[str]:  # noqa: ANN401 - formulaic's token
    kind, text = token.kind.value, str(token.token)
    if kind == "name" and text != "in":
        if text == ".":
            raise refuse(formula, "'.' would be every column there is: name the moderators")
        if "__" in text:
            raise refuse(formula, f"{text!r} holds two underscores")
        yield text
    elif kind == "python":
        yield from _names_in_factor(formula, text)
    elif kind == "value":
        if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", text):
            raise refuse(formula, f"{text} stands where a column or a function is expected")
    elif kind == "operator" and not _OPERATORS.fullmatch(text):
        raise refuse(formula, f"there is no operator {text!r} (there are + - * / : ^ ** and %in%)")
    elif kind == "context" and text not in "()":
        raise refuse(formula, f"{text!r} has no meaning here")


def _names_in_factor(formula: str, expression: str) -> Iterator[str]:
    """Give the columns in a factor's expression, after making sure that it is arithmetic and calls of ours."""
    try:
        tree, aliases = parsed(expression)
        parts = sum(1 for _ in ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError, IndexError) as error:
        why = f"{short(expression)!r} is no expression ({first_line(error)})"
        raise refuse(formula, why) from error
    if parts > MAX_NODES:
        raise refuse(formula, f"{short(expression)!r} has more than {MAX_NODES} parts")
    factor = _Factor(formula, expression, aliases)
    factor.visit(tree)
    yield from factor.names


def parsed(expression: str) -> tuple[ast.expr, Mapping[str, str]]:
    """Parse a factor, with a plain name for each name in backticks (plain name → as given)."""
    aliases: dict[str, str] = {}
    plain = formulaic("formulaic.utils.code").sanitize_variable_names(expression, {}, aliases)
    return ast.parse(plain, mode="eval").body, aliases


@attrs.frozen
class _Factor:
    """Walk an expression and refuse whatever is not known to be harmless."""

    formula: str
    expression: str
    aliases: Mapping[str, str]
    names: list[str] = attrs.field(factory=list[str], init=False)
    """Columns met so far."""

    def _no(self, why: str) -> NoReturn:
        raise refuse(self.formula, f"{why} in {short(self.expression)!r}")

    def visit(self, node: ast.expr) -> None:
        """Refuse or accept a value: a column, a number, arithmetic or a call."""
        match node:
            case ast.Name():
                self._name(node.id)
            case ast.Constant(value=bool() | None):
                self._no(f"{ast.unparse(node)} stands where a number or a column is expected")
            case ast.Constant(value=int() | float()):
                pass
            case ast.UnaryOp(op=op, operand=operand) if isinstance(op, _SIGNS):
                self.visit(operand)
            case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _ARITHMETIC):
                if isinstance(op, ast.Pow):
                    self._power(right)
                self.visit(left)
                self.visit(right)
            case ast.BinOp(op=ast.BitXor()):
                self._no("'^' is no power (inside a function write '**')")
            case ast.Call():
                self._call(node)
            case ast.Attribute():
                dotted = ast.unparse(node)
                self._no(f"{short(dotted)!r} looks into a value (a column of that name is written `{dotted}`)")
            case _:
                self._no(f"{short(ast.unparse(node))!r} is not arithmetic on columns")

    def _name(self, name: str) -> None:
        column = self.aliases.get(name, name)
        if "__" in column:
            self._no(f"{column!r} holds two underscores")
        self.names.append(column)

    def _power(self, exponent: ast.expr) -> None:
        plain = exponent.operand if isinstance(exponent, ast.UnaryOp) else exponent
        # A tower of whole numbers would be computed exactly, however long that takes.
        value = plain.value if isinstance(plain, ast.Constant) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or value > MAX_POWER:
            self._no(f"a power is a number up to {MAX_POWER}, not {short(ast.unparse(exponent))!r}")

    def _call(self, node: ast.Call) -> None:
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            self._no(
                f"{short(ast.unparse(node.func))!r} is no function of a formula (there are {', '.join(FUNCTIONS)})"
            )
        name = node.func.id
        if name in _CODERS:
            self._no(f"{name} is how C codes a factor, as in C(design, {name}())")
        if not node.args or isinstance(node.args[0], ast.Starred):
            self._no(f"{name} has nothing to work on")
        self.visit(node.args[0])
        options = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
        if any(keyword.arg is None or keyword.arg[0] == "_" for keyword in node.keywords):
            self._no("options are named one by one")
        for option in options:
            if name in {"pmin", "pmax"}:
                self.visit(option)
            else:
                self._option(option, coding=name == "C", small=name in BASES)

    def _option(self, node: ast.expr, *, coding: bool, small: bool) -> None:
        """Refuse or accept what says how a function works: numbers, texts, lists of them, and a coding of levels."""
        match node:
            case ast.Constant(value=value) if value is None or isinstance(value, bool | str | int | float):
                if small and isinstance(value, int) and not isinstance(value, bool) and value > MAX_BASIS:
                    # Bounds and knots are written with a point where they are so large.
                    self._no(f"{value} is more than {MAX_BASIS} columns (write bounds as {value}.0)")
            case ast.UnaryOp(op=op, operand=ast.Constant(value=value)) if isinstance(op, _SIGNS) and _is_number(value):
                pass
            case ast.List(elts=items) | ast.Tuple(elts=items):
                for item in items:
                    self._option(item, coding=False, small=False)
            case ast.Name() | ast.Attribute() if coding and self._is_coding(node):
                pass
            case ast.Call(func=function) if coding and self._is_coding(function):
                for item in (*node.args, *(keyword.value for keyword in node.keywords)):
                    self._option(item, coding=False, small=False)
            case _:
                self._no(f"{short(ast.unparse(node))!r} is no option")

    def _is_coding(self, node: ast.expr) -> bool:
        match node:
            case ast.Name(id=name):
                return name in _CODERS
            case ast.Attribute(value=ast.Name(id="contr"), attr=name):
                return name in CODINGS
            case _:
                return False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bound_expansion(formula: str, text: str) -> None:
    """Refuse a formula whose products and powers would expand to too many terms, before they do."""
    try:
        tree = parser().get_ast(text)
    except (formulaic("formulaic.errors").FormulaicError, ValueError, SyntaxError, RecursionError) as error:
        raise refuse(formula, first_line(error)) from error
    size, order = _size(formula, tree)
    if size > MAX_TERMS or order > MAX_POWER:
        raise refuse(formula, f"it expands to more than {MAX_TERMS} terms, or to products of more than {MAX_POWER}")


def parser() -> Any:  # noqa: ANN401 - the library carries no type marker
    """Make the parser that all formulas are read by."""
    # No second side, no parts, no stages: what is left is one set of terms.
    return formulaic("formulaic.parser").DefaultFormulaParser(feature_flags=set())


def _size(formula: str, node: Any) -> tuple[int, int]:  # noqa: ANN401 - formulaic's tree
    """Bound the number of terms that a part of a formula expands to, and how many factors a term has."""
    if not hasattr(node, "operator"):
        return 1, 1
    symbol = str(node.operator.symbol)
    sizes = [_size(formula, part) for part in node.args]
    counts = [count for count, _ in sizes]
    deepest = max((order for _, order in sizes), default=1)
    together = sum(order for _, order in sizes)
    if symbol in {"**", "^"}:
        power = str(getattr(node.args[1], "token", ""))
        if not power.isdigit() or not 0 < int(power) <= MAX_POWER:
            raise refuse(formula, f"a power of terms is a whole number up to {MAX_POWER}")
        return min(counts[0] ** int(power), MAX_TERMS + 1), min(sizes[0][1] * int(power), counts[0] * sizes[0][1])
    if symbol == ":":
        return min(int(np.prod(counts, dtype=object)), MAX_TERMS + 1), together
    if symbol in {"*", "/", "in"}:
        return min(int(np.prod([count + 1 for count in counts], dtype=object)), MAX_TERMS + 1), together
    return min(sum(counts), MAX_TERMS + 1), deepest
