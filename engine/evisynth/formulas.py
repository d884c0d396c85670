"""Turn a formula such as ``~ ablat + C(alloc)`` into the columns of a design, by the library formulaic.

formulaic evaluates the factors of a formula as Python. A formula may come from outside, so every factor is parsed here
first, and only names of columns, numbers, texts, arithmetic and calls of the functions in `FUNCTIONS` are let through:
no attribute, no subscript, no comprehension, no name with two underscores. The size of what a formula may expand to is
limited before it is expanded.

Source of the notation: Wilkinson & Rogers (1973), Appl. Stat. 22:392-399; Chambers & Hastie (1992), Statistical Models
in S, ch. 2.
"""

from __future__ import annotations

import ast
import re
import warnings
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.errors import CombinationError, DataError, MissingExtraError, Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evisynth.kernels.arrays import FloatArray

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
_WHOLE = 2.0**53
_BASES = ("poly", "bs", "cr", "cc")
_OPERATORS = re.compile(r"[-+*/:^]+|%in%|in")
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
_SIGNS = (ast.UAdd, ast.USub)


def is_formula(value: object) -> bool:
    """Tell a formula from the name of a column: it begins with a tilde."""
    return isinstance(value, str) and value.lstrip().startswith("~")


def _formulaic(module: str = "formulaic") -> Any:  # noqa: ANN401 - the library carries no type marker
    try:
        return import_module(module)
    except ImportError as error:
        what = "a formula for moderators"
        raise MissingExtraError(what, "formulaic", "regression") from error


# -- what may be said -------------------------------------------------------------------------------------------------


def _refuse(formula: str, why: str) -> SettingsError:
    return SettingsError(f"the formula {_short(formula)!r} cannot be used: {why}")


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}…"  # noqa: PLR2004 - a line of a message


def check(formula: str) -> tuple[str, ...]:
    """Give the names of the columns that a formula speaks of, in order; raises `SettingsError` for what is not allowed.

    Nothing of the formula is evaluated.
    """
    text = formula.strip()
    if len(text) > MAX_LENGTH:
        raise _refuse(formula, f"it has {len(text):,} characters, more than {MAX_LENGTH:,}")
    if not text.startswith("~") or "~" in text[1:]:
        raise _refuse(formula, "it begins with its only tilde, as in '~ dose + C(design)'")
    if not text[1:].strip():
        raise _refuse(formula, "there is nothing behind the tilde; '~ 1' is the model without moderators")
    try:
        tokens = list(_formulaic("formulaic.parser.algos.tokenize").tokenize(text[1:]))
    except (_formulaic("formulaic.errors").FormulaicError, ValueError, SyntaxError, RecursionError) as error:
        raise _refuse(formula, _first_line(error)) from error
    names: list[str] = []
    for token in tokens:
        names.extend(_names_of_token(formula, token))
    _bound_expansion(formula, text)
    return tuple(dict.fromkeys(names))


def _first_line(error: BaseException) -> str:
    return _short(str(error).strip().partition("\n")[0] or type(error).__name__)


def _names_of_token(formula: str, token: Any) -> Iterator[str]:  # noqa: ANN401 - formulaic's token
    kind, text = token.kind.value, str(token.token)
    if kind == "name" and text != "in":
        if text == ".":
            raise _refuse(formula, "'.' would be every column there is: name the moderators")
        if "__" in text:
            raise _refuse(formula, f"{text!r} holds two underscores")
        yield text
    elif kind == "python":
        yield from _names_in_factor(formula, text)
    elif kind == "value":
        if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", text):
            raise _refuse(formula, f"{text} stands where a column or a function is expected")
    elif kind == "operator" and not _OPERATORS.fullmatch(text):
        raise _refuse(formula, f"there is no operator {text!r} (there are + - * / : ^ ** and %in%)")
    elif kind == "context" and text not in "()":
        raise _refuse(formula, f"{text!r} has no meaning here")


def _names_in_factor(formula: str, expression: str) -> Iterator[str]:
    """Give the columns in a factor's expression, after making sure that it is arithmetic and calls of ours."""
    try:
        tree, aliases = _parsed(expression)
        parts = sum(1 for _ in ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError, IndexError) as error:
        why = f"{_short(expression)!r} is no expression ({_first_line(error)})"
        raise _refuse(formula, why) from error
    if parts > MAX_NODES:
        raise _refuse(formula, f"{_short(expression)!r} has more than {MAX_NODES} parts")
    factor = _Factor(formula, expression, aliases)
    factor.visit(tree)
    yield from factor.names


def _parsed(expression: str) -> tuple[ast.expr, Mapping[str, str]]:
    """Parse a factor, with a plain name for each name in backticks (plain name → as given)."""
    aliases: dict[str, str] = {}
    plain = _formulaic("formulaic.utils.code").sanitize_variable_names(expression, {}, aliases)
    return ast.parse(plain, mode="eval").body, aliases


@attrs.frozen
class _Factor:
    """Walk an expression and refuse whatever is not known to be harmless."""

    formula: str
    expression: str
    aliases: Mapping[str, str]
    names: list[str] = attrs.field(factory=list[str], init=False)
    """Columns met so far."""

    def _no(self, why: str) -> SettingsError:
        return _refuse(self.formula, f"{why} in {_short(self.expression)!r}")

    def visit(self, node: ast.expr) -> None:
        """Refuse or accept a value: a column, a number, arithmetic or a call."""
        match node:
            case ast.Name():
                self._name(node.id)
            case ast.Constant(value=bool() | None):
                raise self._no(f"{ast.unparse(node)} stands where a number or a column is expected")
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
                raise self._no("'^' is no power (inside a function write '**')")
            case ast.Call():
                self._call(node)
            case ast.Attribute():
                dotted = ast.unparse(node)
                raise self._no(f"{_short(dotted)!r} looks into a value (a column of that name is written `{dotted}`)")
            case _:
                raise self._no(f"{_short(ast.unparse(node))!r} is not arithmetic on columns")

    def _name(self, name: str) -> None:
        column = self.aliases.get(name, name)
        if "__" in column:
            raise self._no(f"{column!r} holds two underscores")
        self.names.append(column)

    def _power(self, exponent: ast.expr) -> None:
        plain = exponent.operand if isinstance(exponent, ast.UnaryOp) else exponent
        # A tower of whole numbers would be computed exactly, however long that takes.
        if not isinstance(plain, ast.Constant) or not _is_number(plain.value) or abs(plain.value) > MAX_POWER:
            raise self._no(f"a power is a number up to {MAX_POWER}, not {_short(ast.unparse(exponent))!r}")

    def _call(self, node: ast.Call) -> None:
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            raise self._no(
                f"{_short(ast.unparse(node.func))!r} is no function of a formula (there are {', '.join(FUNCTIONS)})"
            )
        name = node.func.id
        if name in _CODERS:
            raise self._no(f"{name} is how C codes a factor, as in C(design, {name}())")
        if not node.args or isinstance(node.args[0], ast.Starred):
            raise self._no(f"{name} has nothing to work on")
        self.visit(node.args[0])
        options = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
        if any(keyword.arg is None or "_" == keyword.arg[0] for keyword in node.keywords):
            raise self._no("options are named one by one")
        for option in options:
            if name in {"pmin", "pmax"}:
                self.visit(option)
            else:
                self._option(option, coding=name == "C", small=name in _BASES)

    def _option(self, node: ast.expr, *, coding: bool, small: bool) -> None:
        """Refuse or accept what says how a function works: numbers, texts, lists of them, and a coding of levels."""
        match node:
            case ast.Constant(value=value) if value is None or isinstance(value, bool | str | int | float):
                if small and isinstance(value, int) and not isinstance(value, bool) and value > MAX_BASIS:
                    # Bounds and knots are written with a point where they are so large.
                    raise self._no(f"{value} is more than {MAX_BASIS} columns (write bounds as {value}.0)")
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
                raise self._no(f"{_short(ast.unparse(node))!r} is no option")

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
        tree = _parser().get_ast(text)
    except (_formulaic("formulaic.errors").FormulaicError, ValueError, SyntaxError, RecursionError) as error:
        raise _refuse(formula, _first_line(error)) from error
    size, order = _size(formula, tree)
    if size > MAX_TERMS or order > MAX_POWER:
        raise _refuse(formula, f"it expands to more than {MAX_TERMS} terms, or to products of more than {MAX_POWER}")


def _parser() -> Any:  # noqa: ANN401 - the library carries no type marker
    # No second side, no parts, no stages: what is left is one set of terms.
    return _formulaic("formulaic.parser").DefaultFormulaParser(feature_flags=set())


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
            raise _refuse(formula, f"a power of terms is a whole number up to {MAX_POWER}")
        return min(counts[0] ** int(power), MAX_TERMS + 1), min(sizes[0][1] * int(power), counts[0] * sizes[0][1])
    if symbol == ":":
        return min(int(np.prod(counts, dtype=object)), MAX_TERMS + 1), together
    if symbol in {"*", "/", "in"}:
        return min(int(np.prod([count + 1 for count in counts], dtype=object)), MAX_TERMS + 1), together
    return min(sum(counts), MAX_TERMS + 1), deepest


# -- what it becomes --------------------------------------------------------------------------------------------------


@attrs.frozen(eq=False, slots=False)
class BoundFormula:
    """Hold a formula bound to the columns that it was first evaluated on, which it remembers for new ones.

    ``columns`` are the columns it speaks of among the studies that are pooled: arrays of floats, or tuples of texts.
    Levels, means, knots and bases follow from them, also for new data.
    """

    formula: str
    columns: Mapping[str, FloatArray | tuple[str, ...]]
    study: tuple[str, ...]
    """Labels of the rows, for messages."""

    @cached_property
    def _built(self) -> tuple[FloatArray, tuple[str, ...], Mapping[str, tuple[int, ...]], Any]:
        frame = self._frame(self.columns)
        self._refuse_large(len(self.study))
        with _quiet():
            try:
                spec = _formulaic().ModelSpec(self._terms_of_formula, na_action="ignore", output="pandas")
                matrix = spec.get_model_matrix(frame, context=self._context)
            except Exception as error:
                raise self._failed(error) from error
        spec = matrix.model_spec
        if not len(matrix.columns):
            raise _refuse(self.formula, "it has neither an intercept nor a moderator")
        names = tuple("intercept" if name == "Intercept" else str(name) for name in matrix.columns)
        terms: dict[str, tuple[int, ...]] = {}
        for term, indices in spec.term_indices.items():
            terms["intercept" if str(term) == "1" else str(term)] = tuple(indices)
        return np.asarray(matrix, dtype=np.float64), names, terms, spec

    @property
    def matrix(self) -> FloatArray:
        """The design of the studies that are pooled, ``(k, p)``."""
        return self._built[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its columns."""
        return self._built[1]

    @property
    def terms(self) -> Mapping[str, tuple[int, ...]]:
        """Terms of the formula with the places of their columns."""
        return self._built[2]

    def __reduce__(self) -> tuple[type[BoundFormula], tuple[Any, ...]]:
        """Pickle what it was made of: it is built again in no time, and formulaic's own state need not be kept."""
        return BoundFormula, (self.formula, self.columns, self.study)

    def design_of(self, columns: Mapping[str, FloatArray | tuple[str, ...]], study: Sequence[str]) -> FloatArray:
        """Evaluate the formula on new rows, with the levels, means and knots that it remembers.

        Raises `DataError` for a level that no pooled study has, and for what is not finite.
        """
        spec = self._built[3]
        for name, held in self.columns.items():
            if isinstance(held, tuple):
                known = set(held)
                self._refuse_unknown_levels(name, columns[name], known, study)
        with _quiet():
            try:
                made = spec.get_model_matrix(self._frame(columns), context=self._context)
            except Exception as error:
                raise self._failed(error) from error
        matrix = np.asarray(made, dtype=np.float64)
        refuse_gaps(matrix, self.names, study)
        return matrix

    def _refuse_unknown_levels(
        self, name: str, values: FloatArray | tuple[str, ...], known: set[str], study: Sequence[str]
    ) -> None:
        problems = [
            Problem(i + 1, study[i], name, str(value), f"no pooled study has it; there are {', '.join(sorted(known))}")
            for i, value in enumerate(values)
            if value not in known
        ]
        if problems:
            summary = "the new values of the moderators cannot be used"
            raise DataError(summary, problems)

    def _frame(self, columns: Mapping[str, FloatArray | tuple[str, ...]]) -> Any:  # noqa: ANN401 - a DataFrame
        import pandas as pd  # noqa: PLC0415 - pandas only for formulas

        made: dict[str, Any] = {}
        for name, own in self.columns.items():
            held = columns[name]
            made[name] = pd.Categorical(held, categories=sorted(set(own))) if isinstance(own, tuple) else held
        return pd.DataFrame(made, index=range(len(next(iter(columns.values()))) if columns else len(self.study)))

    @cached_property
    def _context(self) -> dict[str, Any]:
        return _context(intercept=any(str(term) == "1" for term in self._terms_of_formula))

    @cached_property
    def _terms_of_formula(self) -> Any:  # noqa: ANN401 - the library carries no type marker
        try:
            return _formulaic().Formula(self.formula, _parser=_parser())
        except Exception as error:
            raise self._failed(error) from error

    def _refuse_large(self, k: int) -> None:
        """Refuse a design that could not be held, or whose one term has more columns than there are studies."""
        total = 0
        for term in self._terms_of_formula:
            sizes = [self._size_of(str(factor.expr)) for factor in term.factors]
            least = int(np.prod([max(levels - 1, 1) for levels, _ in sizes], dtype=object))
            if least > max(k, 1):
                msg = f"the term {_short(str(term))!r} has more columns than the {k} studies that are pooled"
                raise CombinationError(msg)
            total += int(np.prod([max(size) for size in sizes], dtype=object))
        if total > MAX_COLUMNS or total * k > MAX_CELLS:
            raise _refuse(self.formula, f"it may make {total:,} columns")

    def _size_of(self, expression: str) -> tuple[int, int]:
        """Count a factor's levels (1 for a number) and bound the columns that it makes as a basis."""
        if expression in self.columns:
            held = self.columns[expression]
            return (len(set(held)) if isinstance(held, tuple) else 1), 1
        tree, aliases = _parsed(expression)
        names = [aliases.get(node.id, node.id) for node in ast.walk(tree) if isinstance(node, ast.Name)]
        columns = [self.columns[name] for name in names if name in self.columns]
        match tree:
            case ast.Call(func=ast.Name(id="C")):
                return max((len(np.unique(np.asarray(held))) for held in columns), default=1), 1
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in _BASES:
                options = [*args[1:], *(keyword.value for keyword in keywords)]
                return 1, MAX_POWER + sum(_columns_of(option) for option in options)
            case _:
                return 1, 1

    def _failed(self, error: Exception) -> SettingsError:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        return _refuse(self.formula, f"{type(cause).__name__}: {_first_line(cause)}")


def _columns_of(option: ast.expr) -> int:
    match option:
        case ast.Constant(value=int() as value):
            return min(int(value), MAX_BASIS)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return len(items)
        case _:
            return 0


class _quiet:  # noqa: N801 - reads as a word
    """Let numpy make NaN of what has no value (the rows are named later), and let no unseen level pass as a 0."""

    def __enter__(self) -> None:
        self._errors = np.errstate(all="ignore")
        self._errors.__enter__()
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", _formulaic("formulaic.errors").DataMismatchWarning)

    def __exit__(self, *_: object) -> None:
        self._warnings.__exit__(None, None, None)
        self._errors.__exit__(None, None, None)


def refuse_gaps(matrix: FloatArray, names: Sequence[str], study: Sequence[str]) -> None:
    """Raise `DataError` for every cell of a design that is not finite, by study and column."""
    problems = [
        Problem(i + 1, study[i], names[j], None, "has no finite value")
        for i, j in np.argwhere(~np.isfinite(matrix)).tolist()
    ]
    if problems:
        summary = "every pooled study needs a finite value of every moderator"
        raise DataError(summary, problems)


def _context(*, intercept: bool) -> dict[str, Any]:
    """Give the functions of `FUNCTIONS` that formulaic lacks, or that suit a meta-regression better."""
    transforms = _formulaic("formulaic.transforms").TRANSFORMS

    def factor(data: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - a column
        return transforms["C"](_whole_levels(data), *args, **options)

    def spline(name: str) -> Callable[..., Any]:
        original = transforms[name]

        def centred(data: Any, *args: Any, constraints: Any = ..., **options: Any) -> Any:  # noqa: ANN401 - a column
            # The columns of a cubic spline add up to 1: beside an intercept they are centred.
            chosen = ("center" if intercept else None) if constraints is ... else constraints
            return original(data, *args, constraints=chosen, **options)

        # What marks a transform whose state formulaic keeps.
        centred.__dict__.update(original.__dict__)
        return centred

    return {
        "C": factor,
        "cr": spline("cr"),
        "cc": spline("cc"),
        "sqrt": np.sqrt,
        "log1p": np.log1p,
        "abs": np.abs,
        "pmin": lambda *values: _extreme(np.minimum, values),
        "pmax": lambda *values: _extreme(np.maximum, values),
    }


def _extreme(function: Any, values: Sequence[Any]) -> Any:  # noqa: ANN401 - columns and numbers
    made = values[0]
    for value in values[1:]:
        made = function(made, value)
    return made


def _whole_levels(data: Any) -> Any:  # noqa: ANN401 - a column
    """Show levels that are whole numbers as 1 and 2, not 1.0 and 2.0."""
    if getattr(data, "dtype", None) != np.float64:
        return data
    values = np.asarray(data)
    whole = np.isfinite(values).all() and (values == np.floor(values)).all() and (np.abs(values) < _WHOLE).all()
    return data.astype(np.int64) if whole else data
