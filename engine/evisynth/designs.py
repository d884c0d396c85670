"""Make the design of a meta-regression of a formula, of columns or of a matrix, and name what is dependent in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import attrs
import numpy as np

from evisynth.columns import find_roles
from evisynth.errors import CombinationError, DataError, Problem
from evisynth.formula_rules import check, is_formula
from evisynth.formulas import BoundFormula, refuse_gaps
from evisynth.kernels.arrays import FloatArray, read_only

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evisynth.kernels.arrays import BoolArray
    from evisynth.studies import Effects

Moderators: TypeAlias = "str | Sequence[str] | Mapping[str, Sequence[float] | FloatArray] | FloatArray | Design | None"
"""A formula, names of columns, columns, a matrix or a design."""
Columns: TypeAlias = Any
"""Columns by name: a mapping or a data frame."""

INTERCEPT = "intercept"
_NO_LEVEL = frozenset({"na", "n/a", "#n/a", "nan", "null"})
_SHOWN = 6
"""Terms of a combination that a message names."""


def _matrix(value: object) -> FloatArray:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        summary = "a design matrix is made of numbers: write text and levels as a formula, '~ C(design)'"
        raise DataError(summary) from None
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2:  # noqa: PLR2004 - rows and columns
        summary = f"a design matrix has a row for every study, not the shape {array.shape}"
        raise DataError(summary)
    return read_only(array.copy() if array is value else array)


def _numbered(matrix: FloatArray, *, leading: bool) -> tuple[str, ...]:
    """Name columns by number, and one of ones that leads them the intercept."""
    first = bool(leading and matrix.size and (matrix[:, 0] == 1.0).all())
    numbers = tuple(f"x{j + 1}" for j in range(matrix.shape[1] - first))
    return (INTERCEPT, *numbers) if first else numbers


@attrs.frozen(eq=False, init=False)
class Design:
    """Hold the columns that effects are regressed on, a row for every study.

    ``Design(matrix)`` puts an intercept before the matrix ``(k, q)``; with ``intercept=False`` the matrix ``(k, p)`` is
    the whole design. ``names`` are those of the matrix's columns.
    """

    matrix: FloatArray
    """All columns, ``(k, p)``."""
    names: tuple[str, ...]
    terms: Mapping[str, tuple[int, ...]]
    """Terms of the formula (or columns) with the places of their columns."""
    source: BoundFormula | None
    """The formula that made it, for new data."""
    intercept: bool
    """Whether the first column was put there."""

    def __init__(
        self,
        matrix: object,
        names: Sequence[str] | None = None,
        *,
        intercept: bool = True,
        terms: Mapping[str, tuple[int, ...]] | None = None,
        source: BoundFormula | None = None,
    ) -> None:
        """Take the matrix; raises `DataError` for names that do not fit it."""
        given = _matrix(matrix)
        own = _numbered(given, leading=not intercept) if names is None else tuple(map(str, names))
        if len(own) != given.shape[1]:
            summary = f"the design has {given.shape[1]} columns and {len(own)} names: one of each"
            raise DataError(summary)
        if intercept:
            if INTERCEPT in own:
                summary = f"a moderator cannot be called {INTERCEPT!r}, the name of the first coefficient"
                raise DataError(summary)
            given = read_only(np.column_stack([np.ones(len(given)), given]))
            own = (INTERCEPT, *own)
        if len(set(own)) < len(own):
            repeated = next(name for name in own if own.count(name) > 1)
            summary = f"two columns of the design are called {repeated!r}: which one would be meant?"
            raise DataError(summary)
        made = {name: (j,) for j, name in enumerate(own)} if terms is None else dict(terms)
        self.__attrs_init__(given, own, made, source, intercept)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs writes it

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.matrix)

    def rows_of(self, new: object) -> tuple[FloatArray, tuple[str, ...]]:
        """Give the design of new rows, ``(n, p)``, with labels: of columns by name, or of a matrix.

        A matrix may leave out the intercept that was put before the one given. Raises `DataError` for columns that are
        not there and for values that are missing.
        """
        if isinstance(new, Mapping) or hasattr(new, "columns"):
            return self._rows_of_columns(_as_columns(new))
        matrix = np.atleast_2d(np.asarray(_matrix_of_rows(new), dtype=np.float64))
        if self.names[0] == INTERCEPT and matrix.shape[1] == len(self.names) - 1:
            matrix = np.column_stack([np.ones(len(matrix)), matrix])
        if matrix.shape[1] != len(self.names):
            summary = (
                f"the new rows have {matrix.shape[1]} columns and the design {len(self.names)}: {_listed(self.names)}"
            )
            raise DataError(summary)
        labels = _row_labels(len(matrix))
        refuse_gaps(matrix, self.names, labels)
        return read_only(matrix), labels

    def _rows_of_columns(self, columns: Mapping[str, Sequence[Any]]) -> tuple[FloatArray, tuple[str, ...]]:
        wanted = tuple(self.source.columns) if self.source is not None else self.names[int(self._has_intercept) :]
        n = max((_length(columns[name]) for name in wanted if name in columns), default=1)
        labels = _row_labels(n)
        source = {} if self.source is None else dict(self.source.columns)
        texts = {name for name, column in source.items() if isinstance(column, tuple)}
        # A number beside columns of several rows holds for all of them.
        held = {
            name: columns[name] if _length(columns[name]) > 1 or n == 1 else [*_items(columns[name])] * n
            for name in wanted
            if name in columns
        }
        picked = _pick(wanted, held, np.ones(n, dtype=np.bool_), labels, texts)
        if self.source is not None:
            return read_only(self.source.design_of(picked, labels)), labels
        made = [cast("FloatArray", picked[name]) for name in wanted]
        made = [np.ones(n), *made] if self._has_intercept else made
        return read_only(np.column_stack(made)), labels

    @property
    def _has_intercept(self) -> bool:
        return self.names[0] == INTERCEPT


def _matrix_of_rows(new: object) -> FloatArray:
    try:
        return np.asarray(new, dtype=np.float64)
    except (TypeError, ValueError):
        summary = "new rows are columns by name, or a matrix of numbers with a column for every coefficient"
        raise DataError(summary) from None


def _row_labels(n: int) -> tuple[str, ...]:
    return tuple(f"new row {i + 1}" for i in range(n))


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:_SHOWN]) + (" …" if len(listed) > _SHOWN else "")


def _length(column: object) -> int:
    return 1 if isinstance(column, str) or not hasattr(column, "__len__") else len(cast("Sequence[Any]", column))


def _items(column: object) -> Sequence[Any]:
    if isinstance(column, str) or not hasattr(column, "__len__"):
        return [column]
    return list(cast("Sequence[Any]", column))


def _as_columns(value: Columns) -> Mapping[str, Sequence[Any]]:
    if isinstance(value, Mapping):
        return cast("Mapping[str, Sequence[Any]]", value)
    return {str(name): value[name] for name in value.columns}


# -- from what `fit` is given -----------------------------------------------------------------------------------------


def design_of(measured: Effects, moderators: Moderators, columns: Columns = None) -> Design | None:
    """Make the design that ``moderators`` ask for; None for the intercept alone.

    ``columns`` are columns by name beside those of the studies, which they take precedence over. Raises `DataError` for
    a column that is not there and for a value that a pooled study lacks, by study and column; what a formula may not
    hold is a `SettingsError`.
    """
    if moderators is None:
        return None
    k = len(measured)
    used = np.ones(k, dtype=np.bool_) if measured.used is None else measured.used
    if is_formula(moderators):
        return _design_of_formula(measured, cast("str", moderators), columns, used)
    if isinstance(moderators, Design):
        design = moderators
    elif isinstance(moderators, np.ndarray):
        design = Design(moderators)
    else:
        if isinstance(moderators, Mapping) or hasattr(moderators, "columns"):
            available = _as_columns(moderators)
            names = tuple(available)
        else:
            available = _available(measured, columns)
            names = (moderators,) if isinstance(moderators, str) else tuple(moderators)
        if not names:
            return None
        picked = _pick(names, available, used, measured.study, set())
        matrix = np.full((k, len(names)), np.nan)
        matrix[used] = np.column_stack([cast("FloatArray", picked[name]) for name in names])
        design = Design(matrix, names)
    if len(design) != k:
        summary = f"the moderators have {len(design)} rows and the studies are {k}"
        raise DataError(summary)
    _refuse_missing(design, used, measured)
    return design


def _design_of_formula(measured: Effects, formula: str, columns: Columns, used: BoolArray) -> Design | None:
    names = check(formula)
    available = _available(measured, columns)
    texts = {name for name in names if not _is_numeric(_column_of(name, available))}
    picked = _pick(names, available, used, measured.study, texts)
    labels = tuple(label for label, keep in zip(measured.study, used.tolist(), strict=True) if keep)
    bound = BoundFormula(formula, picked, labels)
    if not labels or bound.names == (INTERCEPT,):
        return None
    refuse_gaps(bound.matrix, bound.names, labels)
    matrix = np.full((len(measured), len(bound.names)), np.nan)
    matrix[used] = bound.matrix
    return Design(matrix, bound.names, intercept=False, terms=bound.terms, source=bound)


def _available(measured: Effects, columns: Columns) -> Mapping[str, Sequence[Any]]:
    source = measured.studies
    own: dict[str, Any] = {} if source is None else {"study": source.study, **source.text, **source.columns}
    return own if columns is None else {**own, **_as_columns(columns)}


def _column_of(name: str, available: Mapping[str, Sequence[Any]]) -> Sequence[Any] | None:
    """Find a column by its name, or by the canonical name that its heading has here."""
    return available.get(name, available.get(next(iter(find_roles([name])), name)))


def _is_numeric(column: Sequence[Any] | None) -> bool:
    """Tell whether every value that is there is a number, so that the column is one of numbers."""
    from evisynth.tables import number_column  # noqa: PLC0415 - only for meta-regression

    if column is None or _plain_numbers(column) is not None:
        return True
    problems: list[Problem] = []
    values = number_column("", column, problems, None)
    return not any(problem.message != "is not finite" for problem in problems) and bool(np.isfinite(values).any())


def _plain_numbers(column: object) -> FloatArray | None:
    """Take a column that is an array of numbers as it is."""
    if getattr(getattr(column, "dtype", None), "kind", "") not in {"f", "i", "u"}:
        return None
    array = np.asarray(column)
    return array.astype(np.float64) if array.ndim == 1 and array.dtype.kind in "fiu" else None


def _pick(
    names: Sequence[str],
    available: Mapping[str, Sequence[Any]],
    used: BoolArray,
    study: Sequence[str],
    texts: set[str],
) -> dict[str, FloatArray | tuple[str, ...]]:
    """Take columns by name, the rows in ``used`` of them: numbers, or texts for the names in ``texts``."""
    from evisynth.tables import number_column  # noqa: PLC0415 - only for meta-regression

    k = used.size
    problems: list[Problem] = []
    made: dict[str, FloatArray | tuple[str, ...]] = {}
    rows = np.nonzero(used)[0].tolist()
    for name in names:
        column = _column_of(name, available)
        if column is None:
            have = f"; there are {_listed(available)}" if available else "; there are none"
            problems.append(Problem(None, None, name, None, f"no such column{have}"))
            continue
        if _length(column) != k:
            problems.append(Problem(None, None, name, None, f"has {_length(column)} values and the studies are {k}"))
            continue
        plain = None if name in texts else _plain_numbers(column)
        if plain is not None and np.isfinite(plain[used]).all():
            made[name] = read_only(plain[used])
            continue
        items = _items(column)
        if name in texts:
            words = [_word(items[i]) for i in rows]
            missing = [i for i, word in zip(rows, words, strict=True) if word is None]
            made[name] = tuple(word or "" for word in words)
        else:
            own: list[Problem] = []
            numbers = number_column(name, items, own, study)
            problems.extend(problem for problem in own if problem.row is None or used[problem.row - 1])
            bad = {problem.row for problem in own}
            missing = [i for i in rows if np.isnan(numbers[i]) and i + 1 not in bad]
            made[name] = read_only(numbers[used])
        problems.extend(Problem(i + 1, study[i], name, None, "a moderator is missing") for i in missing)
    if problems:
        summary = (
            "the moderators cannot be used: every pooled study needs a value of each (leave out the others by name)"
        )
        raise DataError(summary, problems)
    return made


def _word(value: Any) -> str | None:  # noqa: ANN401 - a cell may hold anything
    from evisynth.tables import text_cell  # noqa: PLC0415 - only for meta-regression

    word = text_cell(value)
    return None if word is None or word.casefold() in _NO_LEVEL else word


def _refuse_missing(design: Design, used: BoolArray, measured: Effects) -> None:
    if np.isfinite(design.matrix).all():
        return
    study = measured.study
    problems = [
        Problem(i + 1, study[i], design.names[j], None, "a moderator is missing")
        for i, j in np.argwhere(~np.isfinite(design.matrix)).tolist()
        if used[i]
    ]
    if problems:
        summary = "every pooled study needs a value of every moderator (leave out the others by name)"
        raise DataError(summary, problems)


# -- dependence -------------------------------------------------------------------------------------------------------


def refuse_dependent(X: FloatArray, names: Sequence[str]) -> None:
    """Raise `CombinationError` that names every column which is a linear combination of columns before it.

    Columns are taken in their order and made orthogonal to those before (Gram and Schmidt, twice: Giraud, Langou &
    Rozložník (2005), Comput. Math. Appl. 50:1069-1075). A column is dependent where what is left of it is no more than
    the rounding of its own values, whatever its unit or origin.
    """
    k, p = X.shape
    basis = np.empty((k, p), order="F")
    independent: list[int] = []
    problems: list[str] = []
    limit = 16.0 * np.finfo(np.float64).eps * np.sqrt(max(k, p))
    for j in range(p):
        column = np.array(X[:, j])
        size = np.abs(column).max()
        if size > 0.0:
            column *= 2.0 ** -np.frexp(size)[1]
        whole = np.sqrt(column @ column)
        q = basis[:, : len(independent)]
        for _ in range(2):
            column -= q @ (q.T @ column)
        left = np.sqrt(column @ column)
        if left > limit * whole:
            basis[:, len(independent)] = column / left
            independent.append(j)
        else:
            problems.append(_described(X, names, j, independent))
    if problems:
        msg = (
            f"the design cannot be fitted among the {k} studies that are pooled: {'; '.join(problems)}. "
            "Leave out what the others already say"
        )
        raise CombinationError(msg)


def _described(X: FloatArray, names: Sequence[str], j: int, independent: Sequence[int]) -> str:
    column = X[:, j]
    if not column.any():
        return f"{names[j]} is 0 everywhere"
    constant = bool((column == column[0]).all())
    scale = np.sqrt((X[:, list(independent)] ** 2).sum(axis=0))
    q, r = np.linalg.qr(X[:, list(independent)] / scale)
    weights = np.asarray(np.linalg.solve(r, q.T @ column), dtype=np.float64)
    parts = [
        names[i] for i, share in zip(independent, weights, strict=True) if abs(share) > 1e-8 * np.abs(weights).max()
    ]
    if constant and parts == [INTERCEPT]:
        return f"{names[j]} is constant ({column[0]:g})"
    shown = ", ".join(parts[:_SHOWN]) + (f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else "")
    return f"{names[j]} is {'a multiple' if len(parts) == 1 else 'a linear combination'} of {shown}"
