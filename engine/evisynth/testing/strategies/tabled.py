"""Draw tables of studies: counts, means, correlations, rates, given effects, and texts as a file may hold them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from hypothesis import strategies as st

from evisynth.kernels.arrays import read_only
from evisynth.studies import Studies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import SearchStrategy

Kind: TypeAlias = Literal["dichotomous", "continuous", "generic", "correlation", "rate", "rates", "proportion"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Kinds of tables that `studies` draws."""
COUNTS = ("events_1", "n_1", "events_2", "n_2")
MEANS = ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")
Row: TypeAlias = tuple[float, ...]


@st.composite
def _tables(draw: st.DrawFn, least: int, most: int, *, zeros: bool) -> list[tuple[int, int, int, int]]:
    rows: list[tuple[int, int, int, int]] = []
    for _ in range(draw(st.integers(least, most))):
        n_1, n_2 = draw(st.integers(2, 200)), draw(st.integers(2, 200))
        low = 0 if zeros else 1
        a, c = draw(st.integers(low, n_1 - low)), draw(st.integers(low, n_2 - low))
        if zeros and draw(st.booleans()):
            a, c = draw(st.sampled_from([(0, c), (a, 0), (0, 0), (n_1, c), (n_1, n_2), (n_1, 0)]))
        rows.append((a, n_1, c, n_2))
    return rows


def tables(least: int = 1, most: int = 6, *, zeros: bool = True) -> SearchStrategy[list[tuple[int, int, int, int]]]:
    """Draw 2×2 tables as rows a, n₁, c, n₂, half of them with a pattern of zeros where those are allowed."""
    return _tables(least, most, zeros=zeros)


def means() -> SearchStrategy[list[float]]:
    """Draw one study's means, standard deviations and sizes: m₁, s₁, n₁, m₂, s₂, n₂."""
    arm = (st.floats(-100, 100), st.floats(0.01, 50), st.integers(2, 300).map(float))
    return st.tuples(*arm, *arm).map(list)


def studies(kind: Kind = "dichotomous", least: int = 1, most: int = 8) -> SearchStrategy[Studies]:
    """Draw a table of ``least`` to ``most`` studies that can all be measured, zero cells and ties among them.

    Kinds: ``dichotomous`` (2×2 counts), ``continuous`` (means of two arms), ``generic`` (effects with standard errors),
    ``correlation``, ``proportion``, ``rate`` and ``rates`` (events in person-time, of one arm or two). Raises
    `ValueError` for another.
    """
    if kind not in KINDS:
        msg = f"no kind of table is called {kind!r}; there are {', '.join(KINDS)}"
        raise ValueError(msg)
    if kind == "dichotomous":
        return tables(least, most).map(lambda rows: _table(COUNTS, rows))
    columns, row = _ROWS[kind]
    return st.lists(row, min_size=least, max_size=most).map(lambda rows: _table(columns, rows))


def _events(draw: st.DrawFn) -> Row:
    n = draw(st.integers(2, 200))
    return draw(st.integers(0, n) | st.sampled_from([0, n])), n


def _rate() -> SearchStrategy[Row]:
    return st.tuples(st.integers(0, 100).map(float), st.floats(1.0, 1e4))


_ROWS: Mapping[Kind, tuple[tuple[str, ...], SearchStrategy[Row]]] = {
    "continuous": (MEANS, means().map(tuple)),
    "generic": (("yi", "sei"), st.tuples(st.integers(-256, 256).map(lambda step: step / 64), st.floats(0.01, 10.0))),
    "correlation": (("r", "n"), st.tuples(st.floats(-0.99, 0.99), st.integers(5, 500).map(float))),
    "proportion": (("events", "n"), st.composite(_events)()),
    "rate": (("events", "time"), _rate()),
    "rates": (
        ("events_1", "time_1", "events_2", "time_2"),
        st.tuples(_rate(), _rate()).map(lambda two: two[0] + two[1]),
    ),
}


def _table(names: tuple[str, ...], rows: list[Row] | list[tuple[int, int, int, int]]) -> Studies:
    columns = {name: read_only([float(row[i]) for row in rows]) for i, name in enumerate(names)}
    return Studies(columns=columns, study=tuple(f"Study {i + 1}" for i in range(len(rows))))


def _gap(values: SearchStrategy[float], share: int = 8) -> SearchStrategy[float]:
    """Leave a value out now and then."""
    return st.integers(0, share).flatmap(lambda i: st.just(math.nan) if i == 0 else values)


@st.composite
def _hard_counts(draw: st.DrawFn) -> dict[str, list[float]]:
    rows = draw(_tables(0, 5, zeros=True))
    columns: dict[str, list[float]] = {name: [] for name in COUNTS}
    for row in rows:
        a, n_1, c, n_2 = row if draw(st.integers(0, 6)) else draw(st.sampled_from([(0, 0, 3, 9), (0, 0, 0, 0)]))
        for name, value in zip(COUNTS, (a, n_1, c, n_2), strict=True):
            columns[name].append(draw(_gap(st.just(float(value)), 20)))
    return columns


@st.composite
def _hard_means(draw: st.DrawFn) -> dict[str, list[float]]:
    k = draw(st.integers(0, 5))
    each: dict[str, SearchStrategy[float]] = {
        "mean": st.floats(-100, 100),
        "sd": st.one_of(st.just(0.0), st.floats(0.01, 50)),
        "n": st.integers(0, 80).map(float),
    }
    return {name: draw(st.lists(_gap(each[name.partition("_")[0]], 20), min_size=k, max_size=k)) for name in MEANS}


@st.composite
def _hard_effects(draw: st.DrawFn) -> dict[str, list[float]]:
    k = draw(st.integers(0, 5))
    return {
        "yi": draw(st.lists(_gap(st.floats(-50, 50)), min_size=k, max_size=k)),
        "vi": draw(st.lists(_gap(st.just(0.0) | st.floats(1e-6, 1e4)), min_size=k, max_size=k)),
    }


def hard_columns() -> SearchStrategy[tuple[str, dict[str, list[float]]]]:
    """Draw a measure with columns of a small table for it: zeros, empty arms, missing values, no rows at all."""
    return st.one_of(
        st.tuples(st.sampled_from(["OR", "RR", "RD", "PETO"]), _hard_counts()),
        st.tuples(st.sampled_from(["MD", "SMD"]), _hard_means()),
        st.tuples(st.just("GEN"), _hard_effects()),
    )


@st.composite
def _text_tables(draw: st.DrawFn) -> Studies:
    k = draw(st.integers(1, 6))
    label = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
    # A blank reads back as a numbered row, and what stands for a missing value is one only in a column of numbers.
    names = draw(st.lists(label.map(str.strip).filter(bool), min_size=k, max_size=k, unique=True))
    wanted = draw(st.lists(st.sampled_from(["yi", "estimate", "o_e", "mean_1", "mean_2"]), min_size=1, unique=True))
    number = _gap(st.floats(allow_nan=False, allow_infinity=False))
    columns = {name: read_only(draw(st.lists(number, min_size=k, max_size=k))) for name in wanted}
    texts = st.none() | label.map(str.strip).filter(bool)
    text = {"subgroup": tuple(draw(st.lists(texts, min_size=k, max_size=k)))} if draw(st.booleans()) else {}
    return Studies(columns=columns, study=tuple(names), text=text)


def text_tables() -> SearchStrategy[Studies]:
    """Draw tables as a file may hold them: any numbers, some missing, and any labels."""
    return _text_tables()
