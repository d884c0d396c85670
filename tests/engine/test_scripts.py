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
        {"settings": "revman5", "increment": 0.25},
        {"settings": "revman5", "double_zeros": "kept"},
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


RATES: dict[str, Any] = {"events_1": [3, 5], "time_1": [100.0, 220.5], "events_2": [6, 9], "time_2": [98.0, 200.0]}


@pytest.mark.parametrize(
    ("data", "measure", "words", "call"),
    [
        (TABLE, "OR", {"settings": "metafor", "method": "MH"}, "add=c(0.5, 0), level=95"),
        (
            TABLE,
            "OR",
            {"settings": "metafor", "method": "MH", "increment": 0.25, "increment_to": "all", "mh_increment": "added"},
            'add=c(0.25, 0.25), to=c("all", "all")',
        ),
        (TABLE, "RR", {"settings": "metafor", "method": "MH", "increment_to": "if0all"}, 'to=c("if0all", "none")'),
        (TABLE, "RR", {"settings": "metafor", "method": "MH", "double_zeros": "kept"}, "drop00=c(FALSE, FALSE)"),
        (RATES, "IRR", {"settings": "metafor", "method": "MH"}, 'rma.mh(measure="IRR", x1i=events_1, t1i=time_1'),
        (TABLE, "OR", {"settings": "metafor", "method": "UM.FS"}, 'model="UM.FS", method="ML"'),
        (TABLE, "OR", {"settings": "metafor", "method": "CM.AL", "model": "common"}, 'model="CM.AL", method="EE"'),
        (TABLE, "OR", {"settings": "meta", "method": "SSW"}, 'method="SSW", incr=0.5'),
        (TABLE, "OR", {"settings": "meta", "method": "LRP"}, 'method="LRP"'),
        (TABLE, "OR", {"settings": "meta", "method": "UM.RS"}, 'method="GLMM", model.glmm="UM.RS"'),
        (TABLE, "OR", {"settings": "meta", "correction": "TACC"}, 'incr="TACC"'),
        (TABLE, "RR", {"settings": "meta", "correction": "meta-Cochrane"}, "RR.Cochrane=TRUE"),
        (TABLE, "RR", {"settings": "meta", "mh_increment": "none"}, "MH.exact=TRUE"),
        (TABLE, "RR", {"settings": "meta", "double_zeros": "kept"}, "allstudies=TRUE"),
        (TABLE, "RR", {"settings": "meta", "tau2": "DL", "centre": "IV"}, "Q.Cochrane=FALSE"),
        (TABLE, "RR", {"settings": "meta", "increment_to": "none"}, "incr=0"),
        (TABLE, "AS", {"settings": "meta"}, 'sm="ASD"'),
        (TABLE, "PHI", {"settings": "meta"}, "metagen(yi, sqrt(vi)"),
        (
            RATES,
            "IRR",
            {"settings": "meta", "method": "Cochran"},
            'sm="IRR", data=dat, studlab=study, method="Cochran"',
        ),
        (RATES, "IRD", {"settings": "meta", "method": "MH"}, "metainc(events_1, time_1, events_2, time_2"),
    ],
)
def test_ways_to_pool_counts_are_named(data: dict[str, Any], measure: str, words: dict[str, Any], call: str) -> None:
    assert call in es.fit(data, measure, **words).to_r()


@pytest.mark.parametrize(
    "words",
    [
        {"settings": "metafor", "method": "SSW"},
        {"settings": "metafor", "method": "SSW", "model": "common"},
        {"settings": "metafor", "method": "LRP"},
        {"settings": "meta", "correction": "TACC", "increment": 0.1},
        {"settings": "meta", "double_zeros": "dropped"},
    ],
)
def test_ways_to_pool_that_r_does_not_have(words: dict[str, Any]) -> None:
    with pytest.raises(es.CombinationError, match="an R script cannot reproduce this analysis"):
        es.fit(TABLE, "OR", **words).to_r()


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


def test_either_package_may_be_asked_for() -> None:
    analysis = es.fit(es.Effects([0.1, 0.4, 0.2], [0.02, 0.03, 0.05]), settings="metafor", tau2="REML")
    assert "library(metafor)" in analysis.to_r()
    assert "library(meta)" in analysis.to_r("meta")
    with pytest.raises(es.SettingsError, match="package is one of 'metafor', 'meta', not 'netmeta'"):
        analysis.to_r("netmeta")


def test_a_subgroups_name_is_no_code() -> None:
    analysis = es.fit(
        {**TABLE, "kind": ["a\nsystem('id')", "b", "b", "a\nsystem('id')"]}, "RR", settings="revman5", by="kind"
    )
    code = [line for line in analysis.to_r().splitlines() if not line.startswith("#")]
    assert not any("system" in line for line in code)
    assert sum(line.startswith("sub") for line in code) == 2
