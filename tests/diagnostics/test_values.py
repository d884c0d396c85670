"""What the values say: tables in the glossary's columns, reasons where there is nothing, and nobody forgotten."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth.columns import unknown_output_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import FloatArray

    Draw = Callable[..., tuple[FloatArray, FloatArray]]

VERBS: dict[str, Callable[[es.MetaAnalysis], Any]] = {
    "leave_one_out": es.leave_one_out,
    "cumulative": es.cumulative,
    "influence": es.influence,
    "blup": es.blup,
    "baujat": es.baujat,
    "radial": es.radial,
    "gosh": es.gosh,
}


def fitted(y: Any, v: Any, **words: Any) -> es.MetaAnalysis:  # noqa: ANN401 - arrays or lists, and settings
    words.setdefault("settings", "metafor")
    return es.fit(es.Effects(y, v), **words)


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
@pytest.mark.parametrize("model", ["common", "random"])
@pytest.mark.parametrize("settings", ["metafor", "revman-web"])
@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_few_studies(k: int, settings: str, model: str, verb: Callable[[es.MetaAnalysis], Any]) -> None:
    analysis = fitted([0.1, 0.4, -0.2][:k], [0.04, 0.09, 0.02][:k], model=model, settings=settings)
    made = verb(analysis)
    rows = made.records()
    assert not unknown_output_columns(name for row in rows for name in row)
    assert not any(isinstance(value, float) and not np.isfinite(value) for row in rows for value in row.values())
    assert list(made.to_frame().columns) == list(rows[0]) if rows else made.to_frame().empty
    assert not made.excluded


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
def test_moderators_and_excluded_studies(verb: Callable[[es.MetaAnalysis], Any], draw: Draw) -> None:
    y, v = draw(8)
    effects = es.Effects(np.append(y, np.nan), np.append(v, 0.1), study=list("abcdefghi"))
    analysis = es.fit(effects, settings="metafor", moderators={"dose": list(range(9))}, exclude=["c"])
    made = verb(analysis)
    rows = made.records()
    assert not unknown_output_columns(name for row in rows for name in row)
    assert made.excluded == {"c": "left out on request", "i": "missing effect"}
    if "study" in rows[0]:
        # Tables of studies have every row, those that are not pooled with their reason.
        assert [row["study"] for row in rows] == list("abcdefghi")
        assert [row["reason"] for row in rows if row["study"] in "ci"] == ["left out on request", "missing effect"]


def test_one_study() -> None:
    analysis = fitted([0.3], [0.04])
    (left,) = es.leave_one_out(analysis).records()
    assert left["k"] == 0
    assert left["effect"] is None
    assert left["reason"] == "no study has an effect that can be pooled"
    (row,) = es.influence(analysis).records()
    assert row["weight"] == 100.0
    assert row["hat"] == 1.0
    assert row["rstandard"] is row["rstudent"] is row["dffits"] is None
    assert row["reason"] == "no study has an effect that can be pooled"
    assert es.blup(analysis).reason == "one study cannot tell how much effects differ between studies"
    assert es.gosh(analysis).numbers.value.tolist() == [[0.3]]


def test_two_studies_without_one() -> None:
    left = es.leave_one_out(fitted([0.1, 0.5], [0.04, 0.09], interval="HK"))
    assert left.numbers.value.tolist() == [[0.5, 0.1]]
    assert left.numbers.note[0] is not None
    assert "needs more studies" in left.numbers.note[0]
    assert np.isnan(left.numbers.tau2).all()


def test_a_study_of_leverage_one(draw: Draw) -> None:
    y, v = draw(6)
    analysis = fitted(y, v, moderators={"only": [0, 0, 0, 0, 0, 1], "dose": [1, 2, 3, 4, 6, 5]})
    rows = es.leave_one_out(analysis).records()
    assert [row["reason"] for row in rows if row["omitted"] == "Study 6"] == [
        "the moderators are linearly dependent among these studies"
    ] * 3
    assert all(row["reason"] is None for row in rows if row["omitted"] != "Study 6")
    last = es.influence(analysis).records()[-1]
    assert last["hat"] == pytest.approx(1.0)
    assert last["rstudent"] is last["cook_distance"] is None
    assert "leverage" in last["reason"]


def test_a_dominant_study() -> None:
    random = np.random.default_rng(8)
    y, v = random.normal(0.0, 1.0, 80), np.ones(80)
    v[7] = 1e-12
    analysis = fitted(y, v, tau2="DL", model="common")
    numbers = es.influence(analysis).numbers
    others = np.delete(y, 7)
    assert es.leave_one_out(analysis).numbers.value[0, 7] == pytest.approx(others.mean(), rel=1e-13)
    assert numbers.residual_se[7] == pytest.approx(np.sqrt(1e-12 * 79 / (79 + 1e12)), rel=1e-12)
    assert numbers.deleted_residual[7] == pytest.approx(y[7] - others.mean(), rel=1e-13)


def test_identical_effects() -> None:
    left = es.leave_one_out(fitted([0.25] * 5, [0.1, 0.2, 0.1, 0.3, 0.2], interval="HK"))
    assert left.numbers.value == pytest.approx(0.25)
    assert np.isfinite(left.numbers.se).all()
    assert (es.influence(left.analysis).numbers.q_deleted == 0.0).all()


def test_orders(draw: Draw) -> None:
    y, v = draw(6, seed=2)
    studies = es.Studies(
        columns={"yi": es.read_only(y), "vi": es.read_only(v)},
        study=tuple("abcdef"),
        text={"year": ("2001", "1999", None, "2001", "1987", "2010"), "site": tuple("QPQRPQ")},
    )
    analysis = es.fit(studies, settings="metafor", tau2="DL")

    def names(**words: Any) -> list[str]:  # noqa: ANN401 - options
        return ["".join(step) for step in es.cumulative(analysis, **words).added]

    assert names() == list("abcdef")
    assert names(descending=True) == list("fedcba")
    assert names(order="year") == ["e", "b", "a", "d", "f"]
    assert names(order="year", collapse=True) == ["e", "b", "ad", "f"]
    assert names(order="year", descending=True) == ["f", "a", "d", "b", "e"]
    assert names(order="site", collapse=True) == ["be", "acf", "d"]
    assert names(order="precision") == [list("abcdef")[i] for i in np.argsort(v)]
    assert names(order=[6, 5, 4, 3, 2, 1]) == list("fedcba")
    by_year = es.cumulative(analysis, "year")
    assert by_year.excluded == {"c": "missing year"}
    assert by_year.numbers.k.tolist() == [1, 2, 3, 4, 5]
    with pytest.raises(es.DataError, match="no column 'size'"):
        es.cumulative(analysis, "size")
    with pytest.raises(es.DataError, match="3 values to order 6 studies"):
        es.cumulative(analysis, [1, 2, 3])
    with pytest.raises(es.SettingsError, match="order"):
        es.cumulative(analysis, collapse=True)


def test_a_common_effect_has_no_random_effects(draw: Draw) -> None:
    made = es.blup(fitted(*draw(5), model="common"))
    assert made.reason == "a common effect leaves no random effects to predict"
    assert all(row["effect"] is None and row["reason"] == made.reason for row in made.records())


def test_predictions_at_another_level(draw: Draw) -> None:
    analysis = fitted(*draw(7))
    wide, narrow = es.blup(analysis).effects, es.blup(analysis, level=0.5).effects
    assert (wide.high - wide.low > narrow.high - narrow.low).all()
    with pytest.raises(es.SettingsError):
        es.blup(analysis, level=95)


def test_hartung_knapp_scales_residuals(draw: Draw) -> None:
    """As R does: the scale multiplies the variance of a deleted residual and of DFFITS."""
    y, v = draw(9)
    wald, scaled = (es.influence(fitted(y, v, tau2="DL", interval=name)) for name in ("Wald", "HK"))
    factor = np.sqrt(scaled.deleted.scale)
    assert scaled.numbers.deleted_residual_se == pytest.approx(wald.numbers.deleted_residual_se * factor, rel=1e-12)
    assert scaled.numbers.dffits == pytest.approx(wald.numbers.dffits / factor, rel=1e-12)
    assert scaled.numbers.residual_se == pytest.approx(wald.numbers.residual_se)


def test_subsets(draw: Draw) -> None:
    y, v = draw(7)
    analysis = fitted(y, v, tau2="REML")
    subsets = es.gosh(analysis)
    assert subsets.complete
    assert subsets.seed is None
    assert len(subsets.records()) == subsets.possible == 127
    summary = subsets.summary()
    assert [row["study_id"] for row in summary] == list(subsets.studies)
    assert not unknown_output_columns(name for row in summary for name in row)
    inside = subsets.with_study("Study 2")
    assert summary[1]["effect_with"] == pytest.approx(np.median(subsets.numbers.value[0, inside]))
    sample = es.gosh(analysis, budget=50)
    assert not sample.complete
    assert sample.seed == 1
    assert sample.members.shape == (50, 7)
    with pytest.raises(es.SettingsError):
        es.gosh(analysis, budget=0)


def test_subsets_of_many_studies_and_with_moderators(draw: Draw) -> None:
    y, v = draw(100)
    many = es.gosh(fitted(y, v, tau2="DL"), budget=30, seed=4)
    assert np.isfinite(many.numbers.value).all()
    assert 20 < many.numbers.k.mean() < 80
    design = {"dose": np.arange(5.0), "site": [0.0, 0, 0, 1, 1]}
    regression = es.gosh(fitted(y[:5], v[:5], tau2="DL", moderators=design))
    assert regression.possible == 10 + 5 + 1
    # Three studies of one site cannot tell the two moderators apart.
    first = regression.members[:, :3].all(axis=1) & (regression.numbers.k == 3)
    assert np.isnan(regression.numbers.value[:, first]).all()
    assert np.isfinite(regression.numbers.value[:, ~first]).all()


def test_stable_samples() -> None:
    """The same seed gives the same subsets on every machine and with every numpy."""
    analysis = fitted(np.arange(70.0), np.ones(70), tau2="DL")
    made = es.gosh(analysis, budget=3, seed=1).members
    assert [int(row.sum()) for row in made] == STABLE


STABLE = [39, 32, 36]
"""Sizes of the first subsets drawn of 70 studies."""


def test_values_can_be_pickled(draw: Draw) -> None:
    analysis = fitted(*draw(5))
    for verb in VERBS.values():
        made = verb(analysis)
        again = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own
        assert again.records() == made.records()


def test_mantel_haenszel_has_no_leverages(make_studies: Callable[..., es.Studies]) -> None:
    studies = make_studies(events_1=[3, 7, 5], n_1=[40, 88, 50], events_2=[6, 9, 2], n_2=[42, 90, 51])
    (row, *_) = es.influence(es.fit(studies, "OR", method="MH", settings="metafor")).records()
    assert row["hat"] is None
    assert row["rstudent"] is not None
    assert "inverse-variance" in row["reason"]


def test_a_study_that_is_marked_as_left_out_stays_in_the_table() -> None:
    data = {
        "study": list("ABCDE"), "events_1": [3, 5, 10, 2, 0], "n_1": [20, 30, 50, 25, 9],
        "events_2": [6, 9, 12, 1, 0], "n_2": [21, 29, 48, 26, 9], "kind": list("xxyyy"),
    }  # fmt: skip
    analysis = es.fit(data, "RR", settings="revman5", by="kind")
    left = es.leave_one_out(analysis)
    assert left.omitted == ("A", "B", "C", "D")
    for name in left.omitted:
        marked, without = left.marked(name), left.without(name)
        assert (marked.display, marked.k, marked.k_total) == (without.display, 3, 5)
        assert marked.effects.reasons[marked.effects.study_id.index(name)] == es.LEFT_OUT
        expected = es.fit(data, "RR", settings="revman5", by="kind", exclude=[name])
        assert [group.k for group in marked.subgroups] == [group.k for group in expected.subgroups]
        assert marked.to_dict() == expected.to_dict()
    with pytest.raises(KeyError):
        left.marked("E")
