"""Laws of parts and wholes: subgroups, studies left out or added one by one, clusters, tables, documents."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies

few = strategies.examples(12)
WAYS = st.sampled_from([("DL", "random"), ("REML", "random"), ("DL", "common")])
Sample = strategies.Sample
SAMPLES = strategies.samples(4, 9, decades=3.0)


def fitted(y: es.FloatArray, v: es.FloatArray, way: tuple[str, str] = ("DL", "random")) -> es.MetaAnalysis:
    return es.fit(es.Effects(y, v), settings="metafor", tau2=way[0], model=way[1])


def grouped(sample: Sample, way: tuple[str, str], labels: list[str]) -> es.MetaAnalysis:
    return es.fit(es.Effects(*sample), settings="metafor", tau2=way[0], model=way[1], by=labels)


def labels_of(sample: Sample) -> list[str]:
    return ["ab"[i % 2] for i in range(sample[0].size)]


@few
@given(sample=SAMPLES, way=WAYS)
def test_a_subgroup_is_its_own_analysis(sample: Sample, way: tuple[str, str]) -> None:
    for group in grouped(sample, way, labels_of(sample)).subgroups:
        rows = list(group.rows)
        alone = fitted(sample[0][rows], sample[1][rows], way).pooled
        assert group.pooled is not None
        assert alone is not None
        assert (group.pooled.value, group.pooled.se) == pytest.approx((alone.value, alone.se), rel=1e-12)


@few
@given(sample=SAMPLES, way=WAYS)
def test_subgroups_share_the_weight_and_the_rows(sample: Sample, way: tuple[str, str]) -> None:
    found = grouped(sample, way, labels_of(sample)).subgroups
    assert sorted(row for group in found for row in group.rows) == list(range(sample[0].size))
    assert sum(group.weight or 0.0 for group in found) == pytest.approx(100.0, rel=1e-10)


@few
@given(sample=SAMPLES)
def test_q_is_parted_within_and_between(sample: Sample) -> None:
    made = grouped(sample, ("DL", "common"), labels_of(sample))
    assert made.subgroup_test is not None
    parts = [made.subgroup_test.q, *(group.analysis.heterogeneity.q for group in made.subgroups)]
    whole = made.heterogeneity.q
    assert whole is not None
    assert math.fsum(part or 0.0 for part in parts) == pytest.approx(whole, rel=1e-9, abs=1e-10)


@few
@given(sample=SAMPLES, way=WAYS)
def test_names_of_subgroups_do_not_matter(sample: Sample, way: tuple[str, str]) -> None:
    labels = labels_of(sample)
    one, other = (grouped(sample, way, names).subgroup_test for names in (labels, [f"{name} x" for name in labels]))
    assert one is not None
    assert other is not None
    assert (one.q, one.df, one.p_value, one.i2) == (other.q, other.df, other.p_value, other.i2)


@few
@given(sample=SAMPLES, way=WAYS)
def test_leaving_one_out_is_fitting_the_others(sample: Sample, way: tuple[str, str]) -> None:
    y, v = sample
    made = es.leave_one_out(fitted(y, v, way)).numbers
    for i in range(y.size):
        refit = fitted(np.delete(y, i), np.delete(v, i), way).pooled
        assert refit is not None
        assert made.value[0, i] == pytest.approx(refit.value, rel=1e-7, abs=1e-7 * refit.se)
        assert made.se[0, i] == pytest.approx(refit.se, rel=1e-6)


@few
@given(sample=SAMPLES, way=WAYS)
def test_a_step_of_a_cumulative_analysis_is_fitting_the_first(sample: Sample, way: tuple[str, str]) -> None:
    y, v = sample
    made = es.cumulative(fitted(y, v, way)).numbers
    for k in range(2, y.size + 1):
        refit = fitted(y[:k], v[:k], way).pooled
        assert refit is not None
        assert made.value[0, k - 1] == pytest.approx(refit.value, rel=1e-7, abs=1e-7 * refit.se)


@few
@given(sample=SAMPLES, way=WAYS, row=st.integers(0, 3))
def test_excluding_a_study_is_fitting_the_others(sample: Sample, way: tuple[str, str], row: int) -> None:
    y, v = sample
    names = [f"S{i}" for i in range(y.size)]
    effects = es.Effects(y, v, study=names)
    one = es.fit(effects, settings="metafor", tau2=way[0], model=way[1], exclude=[names[row]])
    other = fitted(np.delete(y, row), np.delete(v, row), way)
    assert one.pooled == other.pooled
    assert (one.k, one.k_total) == (y.size - 1, y.size)


@few
@given(sample=SAMPLES, way=WAYS)
def test_a_row_without_an_effect_is_kept_and_counts_for_nothing(sample: Sample, way: tuple[str, str]) -> None:
    y, v = sample
    more = fitted(np.append(y, np.nan), np.append(v, 1.0), way)
    assert more.pooled == fitted(y, v, way).pooled
    assert more.studies[-1].reason


@few
@given(sample=SAMPLES, way=WAYS)
def test_weights_are_a_hundred_percent(sample: Sample, way: tuple[str, str]) -> None:
    made = fitted(*sample, way)
    assert math.fsum(study.weight or 0.0 for study in made.studies) == pytest.approx(100.0, rel=1e-12)


@few
@given(sample=SAMPLES)
def test_weights_of_the_random_model_are_more_alike(sample: Sample) -> None:
    common, random = (
        [study.weight or 0.0 for study in fitted(*sample, ("DL", model)).studies] for model in ("common", "random")
    )
    assert max(random) <= max(common) * (1 + 1e-9)
    assert min(random) >= min(common) * (1 - 1e-9)


@few
@given(sample=SAMPLES)
def test_the_random_model_is_no_surer(sample: Sample) -> None:
    common, random = (fitted(*sample, ("DL", model)).pooled for model in ("common", "random"))
    assert common is not None
    assert random is not None
    assert random.se >= common.se * (1 - 1e-12)


@few
@given(sample=SAMPLES)
def test_i2_and_h2_say_one_thing(sample: Sample) -> None:
    spread = fitted(*sample).heterogeneity
    assert spread.i2 is not None
    assert spread.h2 is not None
    assert spread.i2 == pytest.approx(100 * (1 - 1 / spread.h2), rel=1e-9, abs=1e-9)


@few
@given(sample=SAMPLES)
def test_clusters_of_one_are_as_they_were(sample: Sample) -> None:
    y, v = sample
    made = es.aggregate(es.Effects(y, v), cluster=[f"S{i}" for i in range(y.size)], rho=0.5)
    assert np.array_equal(made.y, y)
    assert np.array_equal(made.v, v)


@few
@given(sample=SAMPLES)
def test_independent_effects_of_a_cluster_are_a_common_effect_model(sample: Sample) -> None:
    y, v = sample
    made = es.aggregate(es.Effects(y, v), cluster=["one"] * y.size, struct="ID")
    common = fitted(y, v, ("DL", "common")).pooled
    assert common is not None
    assert float(made.y[0]) == pytest.approx(common.value, rel=1e-9, abs=1e-11 * common.se)
    assert float(np.sqrt(made.v[0])) == pytest.approx(common.se, rel=1e-11)


@few
@given(sample=SAMPLES)
def test_aggregating_independent_effects_first_changes_no_common_effect(sample: Sample) -> None:
    y, v = sample
    made = es.aggregate(es.Effects(y, v), cluster=labels_of(sample), struct="ID")
    one, other = fitted(y, v, ("DL", "common")).pooled, fitted(made.y, made.v, ("DL", "common")).pooled
    assert one is not None
    assert other is not None
    assert (other.value, other.se) == pytest.approx((one.value, one.se), rel=1e-9, abs=1e-10 * one.se)


@few
@given(sample=SAMPLES, rho=st.floats(0.0, 0.8))
def test_a_mean_of_correlated_effects_is_less_sure_with_their_correlation(sample: Sample, rho: float) -> None:
    effects = es.Effects(*sample)
    less, more = (
        es.aggregate(effects, cluster=["one"] * len(effects), rho=r, weighted=False).v[0] for r in (rho / 2, rho)
    )
    assert more >= less * (1 - 1e-12)


@few
@given(batch=strategies.batches())
def test_a_table_of_many_in_reverse_is_the_same_table(batch: tuple[list[int], list[Sample]]) -> None:
    order, samples = batch
    y, v = (np.array([samples[g][i][order[:at].count(g)] for at, g in enumerate(order)]) for i in (0, 1))
    one = es.fit_many(by=order, y=y, v=v, tau2="DL").set_index("analysis").sort_index()
    other = es.fit_many(by=order[::-1], y=y[::-1], v=v[::-1], tau2="DL").set_index("analysis").sort_index()
    for name in ("effect", "se", "q"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-8, atol=1e-10)


@few
@given(sample=SAMPLES, way=WAYS)
def test_every_result_is_strict_json(sample: Sample, way: tuple[str, str]) -> None:
    analysis = fitted(*sample, way)
    regression = es.fit(analysis.effects, settings="metafor", moderators={"x": list(range(len(sample[0])))})
    parted = grouped(sample, way, labels_of(sample))
    for text in (analysis.to_json(), regression.to_json(), parted.to_json()):
        document = json.loads(text, parse_constant=pytest.fail)
        assert json.loads(json.dumps(document, allow_nan=False)) == document
    for name in ("Egger", "trim-and-fill", "PET"):
        document = es.bias(analysis, name).to_dict()
        assert json.loads(json.dumps(document, allow_nan=False)) == document


@few
@given(sample=SAMPLES)
def test_numbers_of_a_document_are_those_of_the_result_to_the_bit(sample: Sample) -> None:
    made = fitted(*sample)
    document = json.loads(made.to_json())
    assert made.pooled is not None
    assert (document["pooled"]["value"], document["pooled"]["se"]) == (made.pooled.value, made.pooled.se)
    assert [study["effect"] for study in document["studies"]] == sample[0].tolist()
