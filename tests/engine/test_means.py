"""Measures of means give hard rows a result or a reason that a reviewer understands."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Make = Callable[..., es.Studies]

ARMS = ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")
GROUP = ("mean", "sd", "n")
FEW, FREEDOM, ZERO = (
    "too few participants for a standard deviation",
    "too few participants for the bias correction",
    "SD is 0",
)
NOBODY, ALONE = "no participants in an arm", "no participants"
NO_RATIO, OPPOSITE = "a mean is 0: there is no ratio", "the means have opposite signs: there is no ratio"
NO_VARIATION = "a mean is not positive: there is no coefficient of variation"
BEYOND = "the biserial correlation is beyond ±1: it has no Fisher's z"
APART = "the groups do not overlap: the probability has no variance"

ROWS: Mapping[str, tuple[float, ...]] = {
    "ordinary": (10.0, 2.0, 20.0, 11.0, 3.0, 25.0),
    "no spread": (10.0, 0.0, 20.0, 11.0, 0.0, 25.0),
    "no spread in 1": (10.0, 0.0, 20.0, 11.0, 3.0, 25.0),
    "no spread in 2": (10.0, 2.0, 20.0, 11.0, 0.0, 25.0),
    "one in 1": (10.0, 2.0, 1.0, 11.0, 3.0, 25.0),
    "one in 2": (10.0, 2.0, 20.0, 11.0, 3.0, 1.0),
    "one in each": (10.0, 2.0, 1.0, 11.0, 3.0, 1.0),
    "two in each": (10.0, 2.0, 2.0, 11.0, 3.0, 2.0),
    "one and two": (10.0, 2.0, 1.0, 11.0, 3.0, 2.0),
    "nobody in 1": (10.0, 2.0, 0.0, 11.0, 3.0, 25.0),
    "equal": (10.0, 2.0, 20.0, 10.0, 2.0, 20.0),
    "a mean of 0": (0.0, 2.0, 20.0, 1.0, 2.0, 20.0),
    "opposite": (-1.0, 2.0, 20.0, 1.0, 2.0, 20.0),
    "negative": (-11.0, 2.0, 20.0, -10.0, 2.0, 20.0),
    "far apart": (1000.0, 1.0, 20.0, 1.0, 1.0, 20.0),
}
POOLED = {"no spread": ZERO, "one in each": FEW, "nobody in 1": NOBODY}
"""What leaves no pooled standard deviation."""
EACH = {**POOLED, "one in 1": FEW, "one in 2": FEW, "one and two": FEW}
"""What leaves no standard deviation in some arm."""
BOTH = {**EACH, "no spread in 1": ZERO, "no spread in 2": ZERO}
OF_RATIO = {"no spread": ZERO, "nobody in 1": NOBODY, "a mean of 0": NO_RATIO, "opposite": OPPOSITE}
CORRELATED = {"far apart": BEYOND}
REASONS: Mapping[str, Mapping[str, str]] = {
    "MD": {"no spread": ZERO, "nobody in 1": NOBODY},
    "SMD": {**POOLED, "one and two": FREEDOM},
    "SMDH": EACH,
    "SMD1": {
        "no spread": ZERO,
        "no spread in 2": ZERO,
        "one in 2": FEW,
        "one in each": FEW,
        "nobody in 1": NOBODY,
        "two in each": FREEDOM,
        "one and two": FREEDOM,
    },
    "SMD1H": {**EACH, "no spread in 2": ZERO, "two in each": FREEDOM},
    "D2OR": POOLED,
    "D2ORL": POOLED,
    "D2ORN": POOLED,
    "ROM": OF_RATIO,
    "VR": BOTH,
    "CVR": {**BOTH, **dict.fromkeys(("a mean of 0", "opposite", "negative"), NO_VARIATION)},
    "RPB": POOLED,
    "ZPB": POOLED,
    "RBIS": POOLED,
    "ZBIS": {**POOLED, "far apart": BEYOND},
    "CLESN": {**EACH, "far apart": APART},
    "AUCN": {**EACH, "far apart": APART},
}
SINGLE: Mapping[str, tuple[float, ...]] = {
    "ordinary": (10.0, 2.0, 20.0),
    "no spread": (10.0, 0.0, 20.0),
    "one": (10.0, 2.0, 1.0),
    "two": (10.0, 2.0, 2.0),
    "nobody": (10.0, 2.0, 0.0),
    "a mean of 0": (0.0, 2.0, 20.0),
    "negative": (-5.0, 2.0, 20.0),
}
NO_LOG = "the mean is not positive: it has no logarithm"
PLAIN = {"no spread": ZERO, "nobody": ALONE}
LOGARITHM = {"a mean of 0": NO_LOG, "negative": NO_LOG}
OF_GROUP: Mapping[str, Mapping[str, str]] = {
    "MN": PLAIN,
    "SMN": {**PLAIN, "one": FEW, "two": FREEDOM},
    "MNLN": {**PLAIN, **LOGARITHM},
    "SDLN": {**PLAIN, "one": FEW},
    "CVLN": {**PLAIN, "one": FEW, **LOGARITHM},
}


def table(make: Make, names: tuple[str, ...], rows: Mapping[str, tuple[float, ...]]) -> es.Studies:
    return make(study=list(rows), **dict(zip(names, np.array(list(rows.values())).T, strict=True)))


def reasons_of(made: es.Effects) -> dict[str, str]:
    return {made.study[i]: reason for i, reason in made.reasons.items()}


def test_all_measures_of_means_are_here() -> None:
    known = {*REASONS, *OF_GROUP}
    for record in es.default_registry().all(es.EffectMeasure):
        if set(record.columns) <= {*ARMS, *GROUP} and {"mean_1", "mean", "sd", "sd_1"} & set(record.columns):
            assert record.name in known


@pytest.mark.parametrize("measure", REASONS)
def test_two_groups(measure: str, make_studies: Make) -> None:
    for vtype in es.default_registry().get(es.EffectMeasure, measure).variances:
        made = es.effects(table(make_studies, ARMS, ROWS), measure, settings="metafor", vtype=vtype)
        pooled = {"one in each": FEW} if vtype == "HO" else {}
        assert reasons_of(made) == {**REASONS[measure], **pooled}, vtype


@pytest.mark.parametrize("measure", REASONS)
@pytest.mark.parametrize("preset", ["revman5", "revman-web", "meta"])
def test_programs_that_leave_out_arms_without_spread(preset: str, measure: str, make_studies: Make) -> None:
    made = es.effects(table(make_studies, ARMS, ROWS), measure, settings=preset)
    strict = {**REASONS[measure], **BOTH} if measure in {"MD", "SMD", "SMDH", "D2OR", "D2ORL", "D2ORN", "ROM"} else None
    assert reasons_of(made) == (REASONS[measure] if strict is None else strict)


@pytest.mark.parametrize("measure", OF_GROUP)
def test_one_group(measure: str, make_studies: Make) -> None:
    made = es.effects(table(make_studies, GROUP, SINGLE), measure, settings="metafor")
    assert reasons_of(made) == OF_GROUP[measure]


@pytest.mark.parametrize("measure", ["CLES", "AUC"])
def test_reported_probabilities(measure: str, make_studies: Make) -> None:
    extreme = "a probability of 0 or 1 has no variance"
    columns = {"cles": [0.6, 0.0, 1.0, 0.6, 0.6], "n_1": [20.0, 20.0, 20.0, 1.0, 0.0], "n_2": [9.0, 9.0, 9.0, 9.0, 9.0]}
    expected = {1: extreme, 2: extreme, 3: FEW, 4: NOBODY}
    for vtype in ("LS", "LS2", "MAX"):
        made = es.effects(make_studies(**columns), measure, settings="metafor", vtype=vtype)
        assert made.reasons == expected, vtype
    assert es.effects(make_studies(**columns), measure, vtype="H0").reasons == {4: NOBODY}
    with pytest.raises(es.DataError, match="a probability lies between 0 and 1"):
        es.effects({"cles": [1.2], "n_1": [20], "n_2": [9]}, measure)


def test_columns_that_are_not_needed_may_be_absent(make_studies: Make) -> None:
    spreads = make_studies(sd_1=[2.0], n_1=[20.0], sd_2=[3.0], n_2=[25.0])
    assert not es.effects(spreads, "VR").reasons
    with pytest.raises(es.DataError, match="mean_1"):
        es.effects(spreads, "CVR")
    glass = make_studies(mean_1=[10.0], n_1=[20.0], mean_2=[11.0], sd_2=[3.0], n_2=[25.0])
    assert not es.effects(glass, "SMD1").reasons
    assert not es.effects(make_studies(sd=[2.0], n=[20.0]), "SDLN").reasons


def test_a_variance_type_that_a_measure_lacks_is_refused_by_name(make_studies: Make) -> None:
    with pytest.raises(es.CombinationError, match="SMD1H has no variance of type 'UB'"):
        es.effects(table(make_studies, ARMS, ROWS), "SMD1H", vtype="UB")


@pytest.mark.parametrize("measure", ["SMD", "SMD1", "ROM"])
def test_averages_are_those_of_each_analysis(measure: str) -> None:
    rng = np.random.default_rng(4)
    k = 12
    columns = {
        **{f"mean_{arm}": rng.uniform(8.0, 14.0, k) for arm in "12"},
        **{f"sd_{arm}": rng.uniform(1.0, 4.0, k) for arm in "12"},
        **{f"n_{arm}": rng.integers(9, 60, k).astype(float) for arm in "12"},
    }
    labels = np.array(["a", "b", "b"] * 4)
    parts = {name: {column: values[labels == name] for column, values in columns.items()} for name in ("a", "b")}
    many = es.fit_many({"outcome": labels, **columns}, by="outcome", measure=measure, vtype="AV", settings="metafor")
    for name, value in zip(many["analysis"], many["effect"], strict=True):
        analysis = es.fit(parts[name], measure=measure, vtype="AV", settings="metafor")
        assert analysis.pooled is not None
        assert analysis.pooled.value == pytest.approx(value, rel=1e-12)
    together = es.effects(columns, measure, vtype="AV", settings="metafor")
    apart = es.effects(parts["a"], measure, vtype="AV", settings="metafor")
    assert not np.isclose(together.v[labels == "a"], apart.v, rtol=1e-6).any()


SYMMETRIC = [measure for measure in REASONS if not measure.startswith("SMD1")]


@pytest.mark.parametrize("measure", SYMMETRIC)
def test_swapping_the_arms_turns_the_effect(measure: str, make_studies: Make) -> None:
    swapped = {name: (*row[3:], *row[:3]) for name, row in ROWS.items()}
    for vtype in es.default_registry().get(es.EffectMeasure, measure).variances:
        one = es.effects(table(make_studies, ARMS, ROWS), measure, settings="metafor", vtype=vtype)
        other = es.effects(table(make_studies, ARMS, swapped), measure, settings="metafor", vtype=vtype)
        turned = 1.0 - one.y if measure in {"CLESN", "AUCN"} else -one.y
        assert other.y == pytest.approx(turned, rel=1e-13, abs=1e-15, nan_ok=True)
        assert other.v == pytest.approx(one.v, rel=1e-12, nan_ok=True)
        assert one.reasons.keys() == other.reasons.keys()


@pytest.mark.parametrize("measure", [measure for measure in REASONS if measure != "MD"])
def test_the_unit_of_the_measurement_does_not_matter(measure: str, make_studies: Make) -> None:
    unit = 2.0**-30
    other = {name: tuple(x if i % 3 == 2 else x * unit for i, x in enumerate(row)) for name, row in ROWS.items()}
    for vtype in es.default_registry().get(es.EffectMeasure, measure).variances:
        one = es.effects(table(make_studies, ARMS, ROWS), measure, settings="metafor", vtype=vtype)
        same = es.effects(table(make_studies, ARMS, other), measure, settings="metafor", vtype=vtype)
        assert np.array_equal(one.y, same.y, equal_nan=True)
        assert np.array_equal(one.v, same.v, equal_nan=True)
        assert one.reasons == same.reasons


def test_correlations_and_probabilities_are_shown_within_their_range(make_studies: Make) -> None:
    far = {"ordinary": ROWS["ordinary"], "opposite": (-9.0, 2.0, 20.0, 9.0, 2.0, 20.0)}
    biserial = es.fit(table(make_studies, ARMS, far), measure="RBIS", settings="metafor")
    shown = biserial.studies[1].display
    assert shown is not None
    assert biserial.effects.y[1] < -1.0
    assert shown.value == -1.0
    fisher = es.fit(table(make_studies, ARMS, {"ordinary": ROWS["ordinary"]}), measure="ZPB", settings="metafor")
    plain = es.fit(table(make_studies, ARMS, {"ordinary": ROWS["ordinary"]}), measure="RPB", settings="metafor")
    assert fisher.display is not None
    assert plain.pooled is not None
    assert fisher.display.value == pytest.approx(plain.pooled.value, rel=1e-14)
    reported = es.fit({"cles": [0.98], "n_1": [4], "n_2": [4]}, measure="CLES", settings="metafor")
    assert reported.display is not None
    assert reported.display.ci_high == 1.0
    assert pickle.loads(pickle.dumps(reported.effects)).display_scale.null == 0.5  # noqa: S301 - our own bytes
