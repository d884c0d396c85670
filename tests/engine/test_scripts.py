"""Scripts for R: nothing of the data becomes code, and what R cannot reproduce is refused."""

from __future__ import annotations

from typing import Any

import pytest

import evisynth as es

TABLE: dict[str, Any] = {
    "study": list("ABCD"),
    "events_1": [3, 5, 10, 2],
    "n_1": [20, 30, 50, 25],
    "events_2": [6, 9, 12, 1],
    "n_2": [21, 29, 48, 26],
    "x`);system('id');(`": ["1", "2", "3", "5"],
}


def test_labels_stay_in_their_comment() -> None:
    analysis = es.fit(TABLE, "RR", settings="metafor", effect_label="RR\nsystem('echo no')\n#")
    code = [line for line in analysis.to_r().splitlines() if not line.startswith("#")]
    assert not any("system" in line for line in code)


def test_a_moderators_heading_is_no_code() -> None:
    analysis = es.fit(TABLE, "RR", settings="metafor", moderators=["x`);system('id');(`"])
    code = [line for line in analysis.to_r().splitlines() if not line.startswith("#")]
    assert not any("system" in line for line in code)
    assert "mods=~x1" in analysis.to_r()


def test_swapped_events_are_written_swapped() -> None:
    script = es.fit(TABLE, "RR", settings="metafor", method="MH", swap_events=True).to_r()
    assert "events_1=c(17, 25, 40, 23)" in script


@pytest.mark.parametrize(
    "words",
    [
        {"settings": "revman5", "model": "random"},
        {"settings": "revman5", "model": "common"},
        {"settings": "metafor", "prediction": "HK"},
        {"settings": "metafor", "prediction": "HTS", "interval": "HK"},
        {"settings": "metafor", "adhoc": "IQWiG6", "interval": "HK"},
        {"settings": "metafor", "interval": "KR"},
        {"settings": "metafor", "interval": "permutation", "budget": 4},
        {"settings": "meta", "adhoc": "IQWiG6", "interval": "HK", "prediction": "HK"},
        {"settings": "meta", "interval": "HC"},
        {"settings": "meta", "prediction": "NNF"},
        {"settings": "meta", "correction": "none"},
        {"settings": "metafor", "tau2": "DL", "tau2_interval": "PL"},
    ],
)
def test_what_r_cannot_reproduce(words: dict[str, Any]) -> None:
    with pytest.raises(es.CombinationError, match="an R script cannot reproduce this analysis"):
        es.fit(TABLE, "RR", **words).to_r()


def test_variants_of_prediction_are_named() -> None:
    assert 'predtype="Riley"' in es.fit(TABLE, "RR", settings="metafor", prediction="HTS").to_r()
    assert 'predtype="t"' in es.fit(TABLE, "RR", settings="metafor", prediction="V").to_r()
    assert 'predtype="simple"' in es.fit(TABLE, "RR", settings="metafor", prediction="simple").to_r()
    assert 'predtype="Riley"' in es.fit(TABLE, "RR", settings="metafor", prediction="HK-PR", interval="HK").to_r()


def test_intervals_of_tau2_are_named() -> None:
    for name, call in (
        ("PL", 'confint(res, type="PL")'),
        ("Wald.log", 'confint(res, type="Wald.log")'),
        ("J", 'confint(update(res, method="GENQ", weights=1/sqrt(vi)))'),
    ):
        assert call in es.fit(TABLE, "RR", settings="metafor", tau2_interval=name).to_r()


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ({"settings": "metafor", "interval": "t"}, 'test="t"'),
        ({"settings": "metafor", "interval": "t", "model": "common"}, 'test="t"'),
        ({"settings": "metafor", "interval": "HK", "adhoc": "se"}, 'test="adhoc"'),
        ({"settings": "metafor", "interval": "HC"}, "hc(res)"),
        ({"settings": "metafor", "interval": "permutation"}, "permutest(res, exact=TRUE)"),
        ({"settings": "meta", "method": "IV", "interval": "KR", "prediction": "KR-PR"}, 'method.random.ci="KR"'),
        (
            {"settings": "meta", "method": "IV", "interval": "HK", "adhoc": "IQWiG6", "prediction": "V"},
            'adhoc.hakn.ci="IQWiG6"',
        ),
        ({"settings": "meta", "method": "IV", "interval": "HK", "adhoc": "se"}, 'adhoc.hakn.pi="se"'),
    ],
)
def test_intervals_are_named(words: dict[str, Any], call: str) -> None:
    assert call in es.fit(TABLE, "RR", **words).to_r()
