"""Guard rails warn of what was probably entered wrongly, name studies and reason, and change no number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr

import evisynth as es

MEANS: dict[str, list[float]] = {
    "mean_1": [12.0, 11.5, 13.0, 12.2],
    "sd_1": [4.1, 4.4, 3.9, 4.4],
    "n_1": [40, 42, 38, 45],
    "mean_2": [14.0, 13.8, 14.9, 14.1],
    "sd_2": [4.0, 4.3, 4.2, 4.0],
    "n_2": [41, 40, 39, 44],
}
COUNTS: dict[str, list[float]] = {
    "events_1": [3, 4, 2, 5, 3],
    "n_1": [100, 110, 90, 120, 100],
    "events_2": [6, 7, 5, 9, 6],
    "n_2": [100, 105, 95, 118, 100],
}


def warnings_of(measure: str, columns: dict[str, Any], **words: Any) -> list[str]:  # noqa: ANN401 - the words of `fit`
    names = [f"T{i + 1}" for i in range(len(next(iter(columns.values()))))]
    return list(es.fit(es.load({"study": names, **columns}), measure, **words).suspicions)


def changed(columns: dict[str, list[float]], row: int, **values: float) -> dict[str, Any]:
    made: dict[str, Any] = {name: list(column) for name, column in columns.items()}
    for name, value in values.items():
        made[name][row] = value
    return made


@pytest.mark.parametrize("measure", ["MD", "SMD"])
def test_ordinary_means_raise_no_suspicion(measure: str) -> None:
    assert warnings_of(measure, MEANS) == []


@pytest.mark.parametrize("measure", ["RR", "OR", "RD"])
def test_ordinary_counts_raise_no_suspicion(measure: str) -> None:
    assert warnings_of(measure, COUNTS) == []


def test_standard_errors_entered_as_sds() -> None:
    entered = changed(MEANS, 1, sd_1=4.4 / 42**0.5, sd_2=4.3 / 40**0.5)
    (of_smd,) = warnings_of("SMD", entered)
    assert of_smd.startswith("T2: a standardised difference beyond 3")
    (of_md,) = warnings_of("MD", entered)
    assert of_md.startswith("T2: the SDs are as small as standard errors")


def test_sds_that_differ_twentyfold() -> None:
    assert [w for w in warnings_of("MD", changed(MEANS, 2, sd_2=78.1)) if w.startswith("T3: the SDs of the arms")]
    assert not [w for w in warnings_of("MD", changed(MEANS, 2, sd_2=77.9)) if "twentyfold" in w]


def test_arms_that_are_swapped() -> None:
    big = {name: [10 * x for x in column] for name, column in COUNTS.items()}
    swapped = changed(
        big, 3, events_1=big["events_2"][3], n_1=big["n_2"][3], events_2=big["events_1"][3], n_2=big["n_1"][3]
    )
    (warning,) = warnings_of("RR", swapped)
    assert warning.startswith("T4: the effect is opposite to the others'")
    assert warnings_of("RR", big) == []


def test_nonevents_counted_as_events() -> None:
    entered = changed(COUNTS, 2, events_1=88, events_2=90)
    found = [w for w in warnings_of("OR", entered) if "non-events" in w]
    assert len(found) == 1
    assert found[0].startswith("T3: ")


def test_counts_that_are_percentages() -> None:
    (warning,) = [w for w in warnings_of("RR", changed(COUNTS, 0, events_1=3.7)) if "whole number" in w]
    assert warning.startswith("T1: ")


GIVEN = {"estimate": [0.5, 0.8, 1.2], "ci_low": [0.25, 0.64, 0.9], "ci_high": [1.0, 1.0, 1.6]}


def test_intervals_of_ratios_are_symmetric_as_logarithms() -> None:
    assert warnings_of("GEN", GIVEN, scale="log") == []
    found = warnings_of("GEN", GIVEN)
    assert len(found) == 1
    assert found[0].startswith("T1, T3: ") or found[0].startswith("T1: ")
    assert "scale 'log'" in found[0]


def test_logarithms_entered_as_ratios() -> None:
    entered = {"estimate": [0.5, 0.7], "ci_low": [0.2, 0.1], "ci_high": [0.8, 1.3]}
    found = warnings_of("GEN", entered, scale="log")
    assert len(found) == 1
    assert "are they logarithms already?" in found[0]


def test_an_interval_that_is_symmetric_nowhere() -> None:
    (found,) = warnings_of("GEN", {"estimate": [0.5, 0.5], "ci_low": [0.25, 0.45], "ci_high": [1.0, 1.9]}, scale="log")
    assert found == "T2: the interval is not symmetric about the estimate on the analysis scale"


def test_an_estimate_outside_its_interval() -> None:
    (found,) = warnings_of("GEN", {"estimate": [0.5, 2.0], "ci_low": [0.25, 0.45], "ci_high": [1.0, 1.9]}, scale="log")
    assert found == "T2: the estimate lies outside its own interval"


def test_rounded_intervals_are_forgiven() -> None:
    rng = np.random.default_rng(20260101)
    y, se = rng.normal(0, 0.5, 400), rng.uniform(0.05, 0.8, 400)
    shown = {
        "estimate": np.round(np.exp(y), 2),
        "ci_low": np.round(np.exp(y - 1.96 * se), 2),
        "ci_high": np.round(np.exp(y + 1.96 * se), 2),
    }
    keep = shown["ci_low"] > 0
    assert warnings_of("GEN", {name: values[keep] for name, values in shown.items()}, scale="log") == []


def test_p_values_go_with_their_intervals_within_rounding() -> None:
    rng = np.random.default_rng(20260102)
    y, se = rng.normal(0, 0.5, 400), rng.uniform(0.05, 0.8, 400)
    shown = {
        "estimate": np.round(np.exp(y), 2),
        "ci_low": np.round(np.exp(y - 1.96 * se), 2),
        "ci_high": np.round(np.exp(y + 1.96 * se), 2),
        "p_value": np.round(2 * ndtr(-np.abs(y / se)), 2),
    }
    keep = shown["ci_low"] > 0
    entered = {name: values[keep] for name, values in shown.items()}
    assert [w for w in warnings_of("GEN", entered, scale="log") if "p-value" in w] == []
    wrong = {**{name: values[:3] for name, values in GIVEN.items()}, "p_value": [0.6, 0.05, 0.21]}
    (found,) = warnings_of("GEN", wrong, scale="log")
    assert found == "T1: the p-value does not go with the estimate and its interval"


def test_a_ratio_in_the_place_of_its_logarithm() -> None:
    (found,) = warnings_of("GEN", {"yi": [0.2, 12.0], "sei": [0.1, 0.3]}, scale="log")
    assert found.startswith("T2: a ratio beyond 100")


def test_many_studies_are_counted_not_listed() -> None:
    entered = {"estimate": [2.0] * 9, "ci_low": [0.4] * 9, "ci_high": [1.9] * 9}
    (found,) = warnings_of("GEN", entered, scale="log")
    assert found.startswith("T1, T2, T3, T4, T5 and 4 more: ")


def test_warnings_stand_in_every_form_of_the_result() -> None:
    analysis = es.fit(es.load({"study": list("ABCD"), **changed(MEANS, 2, sd_2=99.0)}), "SMD")
    (said,) = analysis.suspicions
    assert said in analysis.warnings
    assert said in analysis.to_dict()["warnings"]
    assert "the SDs of the arms differ twentyfold" in str(analysis)


def test_effects_alone_can_be_suspected() -> None:
    effects = es.Effects([-0.5, -0.6, -0.55, 0.5, -0.45], [0.01] * 5)
    assert any(w.startswith("Study 4: ") for w in es.fit(effects).warnings)


def test_opposite_effects_that_are_true() -> None:
    # Fleiss (1993), aspirin after infarction: AMIS is opposite to the others, but by itself not even away from 0.
    aspirin = {
        "events_1": [49, 44, 102, 32, 85, 246, 1570],
        "n_1": [615, 758, 832, 317, 810, 2267, 8587],
        "events_2": [67, 64, 126, 38, 52, 219, 1720],
        "n_2": [624, 771, 850, 309, 406, 2257, 8600],
    }
    assert warnings_of("RD", aspirin) == []
    # Effects that differ this much among themselves lie on both sides, each far from 0.
    spread = {"yi": [-2.3, -1.9, -0.4, -0.35, -0.3, 0.45], "vi": [0.05, 0.1, 0.01, 0.01, 0.01, 0.04]}
    assert warnings_of("GEN", spread) == []
