"""Turn a formula such as ``~ ablat + C(alloc)`` into the columns of a design, by the library formulaic.

Source of the notation: Wilkinson & Rogers (1973), Appl. Stat. 22:392-399; Chambers & Hastie (1992), Statistical Models
in S, ch. 2.
"""

from __future__ import annotations

import ast
import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.errors import CombinationError, DataError, Problem
from evisynth.formula_rules import (
    BASES,
    MAX_BASIS,
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_POWER,
    first_line,
    formulaic,
    parsed,
    parser,
    refuse,
    short,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evisynth.errors import SettingsError
    from evisynth.kernels.arrays import FloatArray

_WHOLE = 2.0**53


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
                spec = formulaic().ModelSpec(self._terms_of_formula, na_action="ignore", output="pandas")
                matrix = spec.get_model_matrix(frame, context=self._context)
            except Exception as error:
                raise self._failed(error) from error
        spec = matrix.model_spec
        if not len(matrix.columns):
            raise refuse(self.formula, "it has neither an intercept nor a moderator")
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
            return formulaic().Formula(self.formula, _parser=parser())
        except Exception as error:
            raise self._failed(error) from error

    def _refuse_large(self, k: int) -> None:
        """Refuse a design that could not be held, or whose one term has more columns than there are studies."""
        total = 0
        for term in self._terms_of_formula:
            sizes = [self._size_of(str(factor.expr)) for factor in term.factors]
            least = int(np.prod([max(levels - 1, 1) for levels, _ in sizes], dtype=object))
            if least > max(k, 1):
                msg = f"the term {short(str(term))!r} has more columns than the {k} studies that are pooled"
                raise CombinationError(msg)
            total += int(np.prod([max(size) for size in sizes], dtype=object))
        if total > MAX_COLUMNS or total * k > MAX_CELLS:
            raise refuse(self.formula, f"it may make {total:,} columns")

    def _size_of(self, expression: str) -> tuple[int, int]:
        """Count a factor's levels (1 for a number) and bound the columns that it makes as a basis."""
        if expression in self.columns:
            held = self.columns[expression]
            return (len(set(held)) if isinstance(held, tuple) else 1), 1
        tree, aliases = parsed(expression)
        names = [aliases.get(node.id, node.id) for node in ast.walk(tree) if isinstance(node, ast.Name)]
        columns = [self.columns[name] for name in names if name in self.columns]
        match tree:
            case ast.Call(func=ast.Name(id="C")):
                return max((len(np.unique(np.asarray(held))) for held in columns), default=1), 1
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in BASES:
                options = [*args[1:], *(keyword.value for keyword in keywords)]
                return 1, MAX_POWER + sum(_columns_of(option) for option in options)
            case _:
                return 1, 1

    def _failed(self, error: Exception) -> SettingsError:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        return refuse(self.formula, f"{type(cause).__name__}: {first_line(cause)}")


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
        warnings.simplefilter("error", formulaic("formulaic.errors").DataMismatchWarning)

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
    transforms = formulaic("formulaic.transforms").TRANSFORMS

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
        "pmin": _lowest,
        "pmax": _highest,
    }


def _lowest(first: Any, *others: Any) -> Any:  # noqa: ANN401 - columns and numbers
    for other in others:
        first = np.minimum(first, other)
    return first


def _highest(first: Any, *others: Any) -> Any:  # noqa: ANN401 - columns and numbers
    for other in others:
        first = np.maximum(first, other)
    return first


def _whole_levels(data: Any) -> Any:  # noqa: ANN401 - a column
    """Show levels that are whole numbers as 1 and 2, not 1.0 and 2.0."""
    if getattr(data, "dtype", None) != np.float64:
        return data
    values = np.asarray(data)
    whole = np.isfinite(values).all() and (values == np.floor(values)).all() and (np.abs(values) < _WHOLE).all()
    return data.astype(np.int64) if whole else data
