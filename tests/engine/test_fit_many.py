"""`fit_many` takes keys and tables of every kind, and gives what `fit` gives."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import evisynth as es
from evisynth.columns import unknown_output_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

pa = pytest.importorskip("pyarrow")

# Five analyses of 4, 3, 2, 1 and 3 studies, their rows scattered.
KEYS = [7, 3, 7, 9, 3, 1, 7, 9, 3, 7, 5, 5, 5]
RNG = np.random.default_rng(20260101)
V = np.exp(RNG.normal(-2.0, 0.8, len(KEYS)))
Y = RNG.normal(0.2, np.sqrt(V + 0.1))
ORDER = [7, 3, 9, 1, 5]
COUNTS: dict[str, list[float]] = {
    "events_1": [0, 1, 10, 0, 3, 5, 8, 4, 2, 15, 0, 3, 12],
    "n_1": [12, 12, 20, 65, 10, 21, 30, 14, 22, 40, 9, 17, 33],
    "events_2": [3, 7, 16, 0, 6, 4, 12, 9, 0, 15, 0, 8, 11],
    "n_2": [29, 12, 20, 35, 10, 24, 28, 15, 21, 38, 8, 18, 30],
}


def keys_of(kind: str, keys: Sequence[int]) -> Any:  # noqa: ANN401 - a column of any kind
    """Make a column of keys; texts are ``k7`` for 7."""
    texts = [f"k{key}" for key in keys]
    made: dict[str, Callable[[], Any]] = {
        "int": lambda: np.array(keys),
        "unsigned": lambda: np.array(keys, dtype=np.uint8),
        "float": lambda: np.array(keys, dtype=np.float64),
        "list": lambda: list(keys),
        "text array": lambda: np.array(texts),
        "object": lambda: np.array(texts, dtype=object),
        "pandas int": lambda: pd.Series(keys),
        "pandas Int64": lambda: pd.Series(keys, dtype="Int64"),
        "pandas str": lambda: pd.Series(texts),
        "pandas string": lambda: pd.Series(texts, dtype="string[python]"),
        "pandas pyarrow": lambda: pd.Series(texts, dtype="string[pyarrow]"),
        "pandas object": lambda: pd.Series(texts, dtype=object),
        "categorical": lambda: pd.Series(texts, dtype="category"),
        "dates": lambda: pd.Series(pd.to_datetime([f"2020-01-0{key}" for key in keys])),
        "mixed": lambda: np.array([key if key % 2 else f"k{key}" for key in keys], dtype=object),
    }
    return made[kind]()


KINDS = (
    *("int", "unsigned", "float", "list", "text array", "object", "pandas int", "pandas Int64", "pandas str"),
    *("pandas string", "pandas pyarrow", "pandas object", "categorical", "dates", "mixed"),
)


def sorted_rows() -> list[int]:
    return sorted(range(len(KEYS)), key=lambda i: ORDER.index(KEYS[i]))


def agree(row: Any, analysis: es.MetaAnalysis, rel: float = 1e-12) -> None:  # noqa: ANN401 - a row of a frame
    assert row.k == analysis.k
    assert row.k_total == analysis.k_total
    if analysis.pooled is None:
        assert np.isnan(row.effect)
        assert row.reason == analysis.reason
        return
    found = analysis.pooled
    for name in ("se", "ci_low", "ci_high", "p_value"):
        assert getattr(row, name) == pytest.approx(getattr(found, name), rel=rel, abs=1e-14), name
    assert row.effect == pytest.approx(found.value, rel=rel, abs=1e-14)
    assert np.isnan(row.df) if found.df is None else row.df == found.df
    spread = analysis.heterogeneity
    for name in ("q", "tau2", "i2", "h2"):
        number = getattr(spread, name)
        if number is not None and name != "q":
            assert getattr(row, name) == pytest.approx(number, rel=1e-10, abs=1e-12), name
        elif name == "q":
            assert row.q == pytest.approx(number, rel=1e-10, abs=1e-12)


def analyses() -> list[es.MetaAnalysis]:
    return [es.fit(es.Effects(Y[rows], V[rows])) for rows in ([i for i, k in enumerate(KEYS) if k == o] for o in ORDER)]


# -- keys --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["scattered", "in order"])
@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_every_kind(kind: str, order: str) -> None:
    index = list(range(len(KEYS))) if order == "scattered" else sorted_rows()
    keys = keys_of(kind, [KEYS[i] for i in index])
    table = es.fit_many({"key": keys, "yi": Y[index], "vi": V[index]}, by="key")
    first = dict.fromkeys(list(keys))
    assert list(table.analysis) == list(first)
    assert table.k.tolist() == [4, 3, 2, 1, 3]
    for row, analysis in zip(table.itertuples(), analyses(), strict=True):
        agree(row, analysis)


@pytest.mark.parametrize(
    "keys",
    [
        np.array(["a", None, "a", "b", None, "b"], dtype=object),
        pd.Series(["a", None, "a", "b", None, "b"], dtype="string[pyarrow]"),
        pd.Series(["a", None, "a", "b", None, "b"], dtype="category"),
        pd.Series([1, None, 1, 2, None, 2], dtype="Int64"),
        np.array([1.0, np.nan, 1.0, 2.0, np.nan, 2.0]),
    ],
    ids=["object", "pyarrow", "categorical", "Int64", "float"],
)
def test_rows_without_a_key_are_an_analysis_of_their_own(keys: Any) -> None:  # noqa: ANN401 - a column of any kind
    table = es.fit_many({"key": keys, "yi": Y[:6], "vi": V[:6]}, by="key")
    assert table.k.tolist() == [2, 2, 2]
    assert pd.isna(table.analysis).tolist() == [False, True, False]
    alone = es.fit(es.Effects(Y[[1, 4]], V[[1, 4]])).pooled
    assert alone is not None
    assert table.effect[1] == pytest.approx(alone.value, rel=1e-12)


def test_adjacent_rows_without_a_key_are_one_analysis() -> None:
    for keys in (
        np.array([1.0, np.nan, np.nan, 2.0]),
        np.array(["a", None, None, "b"], dtype=object),
        np.array(["a", np.nan, np.nan, "b"], dtype=object),
        pd.Series(["a", None, None, "b"], dtype="string[pyarrow]"),
    ):
        table = es.fit_many({"key": keys, "yi": Y[:4], "vi": V[:4]}, by="key")
        assert table.k.tolist() == [1, 2, 1]


def test_keys_may_stand_beside_the_table() -> None:
    by_name = es.fit_many({"key": KEYS, "yi": Y, "vi": V}, by="key")
    beside = es.fit_many({"yi": Y, "vi": V}, by=KEYS)
    arrays = es.fit_many(by=KEYS, y=Y, v=V)
    keys: Any = np.array(KEYS)
    standard = es.fit_many(by=keys, y=Y, se=np.sqrt(V))
    pd.testing.assert_frame_equal(by_name, beside)
    pd.testing.assert_frame_equal(by_name, arrays)
    pd.testing.assert_frame_equal(by_name, standard, rtol=1e-12)


def test_without_keys_all_rows_are_one_analysis() -> None:
    table = es.fit_many(y=Y, v=V)
    assert len(table) == 1
    agree(next(table.itertuples()), es.fit(es.Effects(Y, V)))


# -- tables ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("yi", "vi"), ("outcome effect", "its variance")], ids=["common", "own"])
@pytest.mark.parametrize("kind", ["mapping", "pandas", "pandas, other index", "pyarrow-backed", "polars", "pyarrow"])
def test_tables_of_every_kind(kind: str, names: tuple[str, str]) -> None:
    columns: dict[str, Any] = {"key": [f"k{key}" for key in KEYS], names[0]: Y, names[1]: V, "note": ["x"] * len(KEYS)}
    frame = pd.DataFrame(columns)
    made: dict[str, Callable[[], Any]] = {
        "mapping": lambda: columns,
        "pandas": lambda: frame,
        "pandas, other index": lambda: frame.set_axis(range(100, 100 + len(frame))),
        "pyarrow-backed": lambda: frame.convert_dtypes(dtype_backend="pyarrow"),
        "polars": lambda: pl.DataFrame(columns),
        "pyarrow": lambda: pa.table(columns),
    }
    named: dict[str, Any] = {} if names[0] == "yi" else {"y": names[0], "v": names[1]}
    table = es.fit_many(made[kind](), by="key", **named)
    assert [str(key) for key in table.analysis] == [f"k{key}" for key in ORDER]
    for row, analysis in zip(table.itertuples(), analyses(), strict=True):
        agree(row, analysis)


def test_roles_name_columns() -> None:
    named = {"deaths": COUNTS["events_1"], **{name: COUNTS[name] for name in ("n_1", "events_2", "n_2")}}
    found = es.fit_many({**named, "key": KEYS}, by="key", measure="RR", roles={"events_1": "deaths"})
    pd.testing.assert_frame_equal(found, es.fit_many({**COUNTS, "key": KEYS}, by="key", measure="RR"))


@pytest.mark.parametrize("measure", ["GEN", "OR"])
def test_an_empty_table_has_no_analyses(measure: str) -> None:
    names = ("yi", "vi") if measure == "GEN" else tuple(COUNTS)
    columns = {name: np.empty(0) for name in names}
    empty: list[Any] = [np.empty(0, dtype=int), pd.Series([], dtype="string[pyarrow]"), []]
    for keys in empty:
        table = es.fit_many({**columns, "key": keys}, by="key", measure=measure)
        assert len(table) == 0
        assert "effect" in table.columns


def test_empty_stretches_have_a_reason() -> None:
    table = es.fit_many(y=Y[:3], v=V[:3], offsets=[0, 0, 2, 2, 3])
    assert table.k.tolist() == [0, 2, 0, 1]
    assert table.effect.isna().tolist() == [True, False, True, False]
    assert [None if pd.isna(reason) else reason for reason in table.reason] == [
        "no study has an effect that can be pooled",
        None,
        "no study has an effect that can be pooled",
        None,  # there is a result, of the one study
    ]
    assert "Wald is given instead" in table.note[3]
    assert table.tau2.isna().tolist() == [True, False, True, True]


def test_offsets_are_runs_of_rows() -> None:
    index = sorted_rows()
    offsets: Any = np.array([0, 4, 7, 9, 10, 13], dtype=np.int32)
    table = es.fit_many(y=Y[index], v=V[index], offsets=offsets)
    assert table.analysis.tolist() == [0, 1, 2, 3, 4]
    for row, analysis in zip(table.itertuples(), analyses(), strict=True):
        agree(row, analysis)


# -- what cannot be used -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "offsets", [[0, 5], [1, 13], [0, 8, 5, 13], [0, 14], [], [0.0, 13.0], [[0, 13]], ["0", "13"]], ids=str
)
def test_wrong_offsets_are_a_named_error(offsets: Any) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(es.InputError, match="offsets are whole numbers that rise from 0 to the number of rows, 13"):
        es.fit_many(y=Y, v=V, offsets=offsets)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"data": {"yi": Y, "vi": V}, "by": "outcome"}, "outcome"),
        ({"data": {"yi": Y, "vi": V}, "y": "effect", "v": "vi"}, "effect"),
        ({"data": {"key": KEYS}, "by": "key"}, "needs effects"),
        ({"y": Y, "v": V[:5]}, "differ in length"),
        ({"y": Y, "v": V, "by": KEYS[:5]}, "differ in length"),
        ({"y": Y, "v": -V}, "cannot be negative"),
        ({"y": Y, "se": -V}, "cannot be negative"),
        ({"y": ["a"] * 13, "v": V}, "not numbers"),
        ({"y": Y.reshape(13, 1), "v": V}, "one number a row"),
        ({"data": {**COUNTS, "events_1": [99] * 13}, "measure": "RR"}, "more events than participants"),
        ({"data": {**COUNTS, "events_2": [-1] * 13}, "measure": "RR"}, "cannot be negative"),
        ({"data": {"events_1": [1], "n_1": [2]}, "measure": "RR"}, "events_2"),
        ({"y": Y}, "precision"),
    ],
    ids=[
        *("no key column", "no effect column", "no effects", "lengths", "length of keys", "negative variance"),
        *("negative error", "text", "a matrix", "events > n", "negative events", "absent columns", "no variance"),
    ],
)
def test_what_cannot_be_used_is_named(call: dict[str, Any], said: str) -> None:
    with pytest.raises(es.DataError, match=said):
        es.fit_many(**call)


def test_a_problem_points_at_its_row() -> None:
    events = [*COUNTS["events_1"]]
    events[4] = 11
    with pytest.raises(es.DataError) as caught:
        es.fit_many({**COUNTS, "events_1": events}, measure="RR")
    assert [(problem.row, problem.column) for problem in caught.value.problems] == [(5, "events_1")]


def test_words_that_are_not_known_are_refused() -> None:
    with pytest.raises(es.SettingsError, match="did you mean 'tau2'"):
        es.fit_many(y=Y, v=V, tau="DL")
    with pytest.raises(es.UnknownMethodError, match=r"available: .*DL"):
        es.fit_many(y=Y, v=V, tau2="XX")
    with pytest.raises(es.CombinationError):
        es.fit_many({**COUNTS, "key": KEYS}, by="key", measure="RR", method="MH", model="random", settings="metafor")


# -- rows that are not pooled ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["y", "v", "zero", "both"])
def test_rows_without_an_effect_are_left_out(how: str) -> None:
    y, v = Y.copy(), V.copy()
    gone = [2, 5, 8, 11]
    for i in gone:
        y[i] = np.nan if how in {"y", "both"} else y[i]
        v[i] = {"zero": 0.0, "y": v[i]}.get(how, np.nan)
    table = es.fit_many(by=KEYS, y=y, v=v)
    assert table.k_total.tolist() == [4, 3, 2, 1, 3]
    assert table.k.tolist() == [3, 2, 2, 0, 2]
    assert table.reason[3] == "no study has an effect that can be pooled"
    for key, row in zip(ORDER, table.itertuples(), strict=True):
        rows = [i for i, k in enumerate(KEYS) if k == key]
        agree(row, es.fit(es.Effects(y[rows], v[rows])))


def test_infinite_effects_are_left_out() -> None:
    y = Y.copy()
    y[0] = np.inf
    assert es.fit_many(by=KEYS, y=y, v=V).k.tolist() == [3, 3, 2, 1, 3]


# -- raw columns -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "PETO"])
@pytest.mark.parametrize("preset", ["revman5", "revman-web", "metafor", "meta"])
@pytest.mark.parametrize("method", ["IV", "MH", "Peto"])
@pytest.mark.parametrize("model", ["common", "random"])
def test_counts_pool_as_one_by_one(
    measure: str, preset: str, method: str, model: str, make_studies: Callable[..., es.Studies]
) -> None:
    words: dict[str, Any] = {"measure": measure, "settings": preset, "method": method, "model": model}
    columns = {name: np.array(column) for name, column in COUNTS.items()}
    try:
        es.fit(make_studies(**columns), **words)
    except es.CombinationError as error:
        with pytest.raises(es.CombinationError, match=f"^{re.escape(str(error))}$"):
            es.fit_many({**COUNTS, "key": KEYS}, by="key", **words)
        return
    table = es.fit_many({**COUNTS, "key": KEYS}, by="key", **words)
    assert table.analysis.tolist() == ORDER
    for key, row in zip(ORDER, table.itertuples(), strict=True):
        rows = [i for i, k in enumerate(KEYS) if k == key]
        studies = make_studies(**{name: column[rows] for name, column in columns.items()})
        agree(row, es.fit(studies, **words))


@pytest.mark.parametrize("measure", ["MD", "SMD"])
def test_means_pool_as_one_by_one(measure: str, make_studies: Callable[..., es.Studies]) -> None:
    rng = np.random.default_rng(5)
    k = len(KEYS)
    columns = {
        **{name: rng.normal(5.0, 1.0, k) for name in ("mean_1", "mean_2")},
        **{name: rng.uniform(0.5, 2.0, k) for name in ("sd_1", "sd_2")},
        **{name: rng.integers(2, 40, k).astype(float) for name in ("n_1", "n_2")},
    }
    columns["sd_1"][4] = 0.0
    table = es.fit_many({**columns, "key": KEYS}, by="key", measure=measure, tau2="PM")
    for key, row in zip(ORDER, table.itertuples(), strict=True):
        rows = [i for i, kk in enumerate(KEYS) if kk == key]
        studies = make_studies(**{name: column[rows] for name, column in columns.items()})
        agree(row, es.fit(studies, measure, tau2="PM"))


def test_swapped_events_and_levels_hold_in_a_batch(make_studies: Callable[..., es.Studies]) -> None:
    words: dict[str, Any] = {"measure": "OR", "swap_events": True, "level": 0.8, "settings": "revman5"}
    row = next(es.fit_many(COUNTS, **words).itertuples())
    agree(row, es.fit(make_studies(**COUNTS), **words))


# -- the table that comes out ------------------------------------------------------------------------------------------

ALWAYS = {
    *("analysis", "k", "k_total", "effect", "se", "ci_low", "ci_high", "statistic", "df", "p_value"),
    *("q", "q_df", "q_p_value", "tau2", "i2", "h2", "reason", "note"),
}
PREDICTION = ("prediction_low", "prediction_high", "prediction_reason")
TAU2 = ("tau2_ci_low", "tau2_ci_high", "tau2_ci_reason")


@pytest.mark.parametrize(
    ("words", "more"),
    [
        ({}, ()),
        ({"settings": "metafor"}, ()),
        ({"prediction": "HTS"}, PREDICTION),
        ({"tau2_interval": "QP"}, TAU2),
        ({"prediction": "HK", "tau2_interval": "QP"}, PREDICTION + TAU2),
    ],
    ids=str,
)
def test_columns_are_in_the_glossary_and_intervals_come_on_request(
    words: dict[str, Any], more: tuple[str, ...]
) -> None:
    table = es.fit_many(by=KEYS, y=Y, v=V, **words)
    assert set(table.columns) == ALWAYS.union(more)
    assert unknown_output_columns(table.columns) == []


@pytest.mark.parametrize("prediction", ["HTS", "V", "HK", "S"])
@pytest.mark.parametrize("interval", ["Wald", "HK"])
def test_intervals_on_request_are_those_of_fit(prediction: str, interval: str) -> None:
    words: dict[str, Any] = {"prediction": prediction, "tau2_interval": "QP", "interval": interval, "tau2": "PM"}
    table = es.fit_many(by=KEYS, y=Y, v=V, **words)
    seen = 0
    for key, row in zip(ORDER, table.itertuples(), strict=True):
        rows = [i for i, k in enumerate(KEYS) if k == key]
        analysis = es.fit(es.Effects(Y[rows], V[rows]), **words)
        if analysis.k < 2:
            continue
        spread = analysis.heterogeneity
        for name in ("tau2_ci_low", "tau2_ci_high"):
            number = getattr(spread, name)
            got: Any = getattr(row, name)
            assert np.isnan(got) if number is None else got == pytest.approx(number, rel=1e-10, abs=1e-12)
        if analysis.prediction is None:
            assert np.isnan(row.prediction_low)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a row of a frame
            continue
        seen += 1
        assert row.prediction_low == pytest.approx(analysis.prediction.low, rel=1e-10, abs=1e-12)
        assert row.prediction_high == pytest.approx(analysis.prediction.high, rel=1e-10, abs=1e-12)
    assert seen == (3 if prediction == "HTS" else 4)


def test_a_bar_changes_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    silent = es.fit_many(by=KEYS, y=Y, v=V)
    assert capsys.readouterr().out == ""
    shown = es.fit_many(by=KEYS, y=Y, v=V, progress=True)
    printed = capsys.readouterr()
    assert "Pooling" in printed.err
    assert printed.out == ""
    pd.testing.assert_frame_equal(silent, shown)


def test_more_analyses_than_a_tile_holds() -> None:
    rng = np.random.default_rng(11)
    m = 8192 + 37
    v = np.exp(rng.normal(-2.0, 0.5, 3 * m))
    y = rng.normal(0.0, np.sqrt(v + 0.05))
    table = es.fit_many(y=y, v=v, offsets=np.arange(0, 3 * m + 1, 3), tau2="DL")
    assert len(table) == m
    for i in (0, 8191, 8192, m - 1):
        rows = slice(3 * i, 3 * i + 3)
        agree(table.iloc[i], es.fit(es.Effects(y[rows], v[rows]), tau2="DL"))


@pytest.mark.parametrize("prediction", ["S", "simple", "HTS", "V"])
def test_one_study_is_predicted_as_alone(prediction: str) -> None:
    batch: Any = es.fit_many(
        y=[0.3, 0.1, 0.4, 0.2], v=[0.2, 0.1, 0.3, 0.1], offsets=[0, 1, 4], prediction=prediction, tau2_interval="QP"
    )
    alone = es.fit(es.Effects([0.3], [0.2]), prediction=prediction, tau2_interval="QP")
    expected = (np.nan, np.nan) if alone.prediction is None else (alone.prediction.low, alone.prediction.high)
    seen = (batch["prediction_low"][0], batch["prediction_high"][0])
    np.testing.assert_allclose(seen, expected, rtol=1e-14)
    assert batch["tau2_ci_reason"][0] == alone.heterogeneity.tau2_ci_reason


@pytest.mark.parametrize("model", ["random", "common"])
def test_a_batch_says_why_nothing_is_predicted(model: str) -> None:
    y, v, offsets = [0.3, 0.1, 0.4, 0.2, 0.5, 0.1], [0.2, 0.1, 0.3, 0.1, 0.2, 0.1], [0, 0, 1, 3, 6]
    batch: Any = es.fit_many(y=y, v=v, offsets=offsets, prediction="HTS", model=model)
    for i, (start, end) in enumerate(pairwise(offsets)):
        alone = es.fit(es.Effects(y[start:end], v[start:end]), prediction="HTS", model=model).model
        said = batch["prediction_reason"][i]
        assert said == (alone.absent if alone.fit is None else alone.prediction_reason), i
        assert (said is None) == (alone.prediction is not None)
