"""Arguments over Settings over a preset; every combination gives a result or says by name why not."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import evisynth as es
from evisynth.presets import COMBINATIONS, PRESETS, UNVERIFIED, available_models
from evisynth.settings import OPEN, WORDS

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE: dict[str, list[float]] = {
    "events_1": [0, 1, 10, 0, 3, 5],
    "n_1": [12, 12, 20, 65, 10, 21],
    "events_2": [3, 7, 16, 0, 6, 4],
    "n_2": [29, 12, 20, 35, 10, 24],
    "mean_1": [5.1, 4.2, 6.0, 5.5, 4.9, 7.0],
    "sd_1": [1.0, 1.2, 0.9, 2.0, 1.1, 1.3],
    "mean_2": [6.0, 4.0, 7.5, 5.0, 5.1, 6.6],
    "sd_2": [1.1, 0.9, 1.4, 1.8, 1.2, 1.0],
    "yi": [0.1, -0.4, 0.3, 0.9, 0.0, -0.2],
    "vi": [0.04, 0.0625, 0.25, 0.09, 0.16, 0.05],
    "o_e": [-1.5, 2.0, 0.5, -3.0, 1.25, 0.0],
    "o_e_variance": [4.0, 3.0, 6.5, 8.0, 2.5, 5.0],
}
OWN_METHODS = {
    "OR": {"MH", "IV", "SSW", "LRP"},
    "RR": {"MH", "IV", "SSW"},
    "RD": {"MH", "IV", "SSW"},
    "MD": {"IV", "SSW"},
    "SMD": {"IV", "SSW"},
    "PETO": {"Peto", "IV"},
    "O-E": {"Peto", "IV"},
}
MEASURES = {
    record.name: {
        pooling.name
        for pooling in es.default_registry().all(es.PoolingModel)
        if pooling.measures is None or record.name in pooling.measures
    }
    for record in es.default_registry().all(es.EffectMeasure)
    if {*record.columns} <= {*TABLE} and not (record.counts and "r" in record.parameters)
}
"""Every measure that the table has the columns of, with what pools it; its arms are not those of matched pairs."""
DEFAULT_METHOD = {"OR": "MH", "VE": "MH", "RR": "MH", "RD": "MH", "PETO": "Peto", "O-E": "Peto"}


def changed(settings: es.Settings, **words: Any) -> es.Settings:  # noqa: ANN401 - the fields of Settings
    return attrs.evolve(settings, **words)


@pytest.fixture
def studies(make_studies: Callable[..., es.Studies]) -> es.Studies:
    return make_studies(**TABLE)


# -- what goes with what -----------------------------------------------------------------------------------------------


def test_every_pooling_method_is_in_the_grid() -> None:
    assert {"MD", "SMD", "GEN", *OWN_METHODS} <= MEASURES.keys()
    for measure, methods in OWN_METHODS.items():
        assert MEASURES[measure] >= methods
    assert {record.name for record in es.default_registry().all(es.PoolingModel)} > set(COMBINATIONS["meta"])


@pytest.mark.parametrize("model", ["common", "random"])
@pytest.mark.parametrize("method", ["IV", "MH", "Peto", "SSW", "LRP"])
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_combination_gives_a_result_or_a_named_error(
    preset: str, measure: str, method: str, model: str, studies: es.Studies
) -> None:
    words: dict[str, Any] = {"settings": preset, "method": method, "model": model}
    if model not in available_models(preset, method):
        with pytest.raises(es.CombinationError, match=f"has no {model}-effect model for method '{method}'"):
            es.fit(studies, measure, **words)
        return
    if method not in MEASURES[measure]:
        with pytest.raises(es.CombinationError, match=f"method '{method}' pools .*, not {measure}: choose method"):
            es.fit(studies, measure, **words)
        return
    analysis = es.fit(studies, measure, **words)
    settings = analysis.settings
    assert (settings.preset, settings.measure, settings.method, settings.model) == (preset, measure, method, model)
    assert analysis.pooled is not None
    assert analysis.pooled.ci_low < analysis.pooled.value < analysis.pooled.ci_high
    assert analysis.model.model == model


@pytest.mark.parametrize("tau2", ["DL", "REML", "PM"])
@pytest.mark.parametrize("interval", ["Wald", "HK"])
@pytest.mark.parametrize("prediction", ["HTS", "V", "HK", "S", None])
@pytest.mark.parametrize("preset", PRESETS)
def test_tau2_and_intervals_go_with_every_preset(
    preset: str, prediction: str | None, interval: str, tau2: str, studies: es.Studies
) -> None:
    words: dict[str, Any] = {"tau2": tau2, "interval": interval, "prediction": prediction, "tau2_interval": "QP"}
    analysis = es.fit(studies, "GEN", settings=preset, model="random", **words)
    assert {word: getattr(analysis.settings, word) for word in words} == words
    assert (analysis.prediction is None) == (prediction is None)
    assert analysis.pooled is not None
    assert analysis.pooled.df == (None if interval == "Wald" else 5)
    assert analysis.heterogeneity.tau2_ci_high is not None


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_pools_as_its_program_does_unless_told(preset: str, measure: str, studies: es.Studies) -> None:
    settings = es.fit(studies, measure, settings=preset).settings
    method = "IV" if preset == "metafor" else DEFAULT_METHOD.get(measure, "IV")
    offered = COMBINATIONS[preset][method]
    own = PRESETS[preset]["model"]
    assert settings.method == method
    assert settings.model == (own if own in offered else offered[0])


# -- precedence --------------------------------------------------------------------------------------------------------


def test_arguments_go_over_settings_and_settings_over_the_preset(studies: es.Studies) -> None:
    plain = es.fit(studies, "RR", settings="revman5").settings
    assert (plain.tau2, plain.interval, plain.model, plain.level) == ("DL", "Wald", "common", 0.95)
    made = changed(plain, tau2="PM", level=0.9, model="random")
    by_settings = es.fit(studies, settings=made).settings
    assert by_settings == made
    over = es.fit(studies, settings=made, tau2="REML", level=0.99).settings
    assert over == changed(made, tau2="REML", level=0.99)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("method", "IV"),
        ("model", "random"),
        ("tau2", "PM"),
        ("tau2_common", True),
        ("threshold", 0.5),
        ("interval", "HK"),
        ("adhoc", "ci"),
        ("weighting", "equal"),
        ("i2_interval", "QP"),
        ("budget", 50),
        ("seed", 7),
        ("prediction", "HTS"),
        ("tau2_interval", "QP"),
        ("level", 0.5),
        ("study_level", 0.5),
        ("study_interval", "NAsm"),
        ("given_level", 0.5),
        ("correction", "meta"),
        ("increment", 0.0),
        ("increment_to", "all"),
        ("double_zeros", "dropped"),
        ("mh_increment", "none"),
        ("vtype", "UB"),
        ("i2", "tau2"),
        ("centre", "IV"),
        ("random_weights", "IV"),
        ("mh_rd_variance", "Sato"),
        ("smd_correction", "exact"),
        ("rom_correction", "Lajeunesse"),
        ("smd_variance", "LS"),
        ("zero_sd", "kept"),
        ("scale", "log"),
        ("swap_events", True),
        ("totals", "none"),
        ("subgroup_test", False),
        ("effect_label", "Odds of death"),
        ("group_1", "Cells"),
        ("group_2", "Placebo"),
        ("favours_1", "Favours cells"),
        ("favours_2", "Favours placebo"),
    ],
)
def test_every_word_given_as_an_argument_is_in_the_settings(word: str, value: object, studies: es.Studies) -> None:
    # Only some measures have variance types.
    measure = "SMD" if word == "vtype" else "OR"
    preset = es.fit(studies, measure, settings="revman5").settings
    assert getattr(preset, word) != value
    words: dict[str, Any] = {word: value}
    if word == "weighting":
        # Mantel and Haenszel's weights are their own.
        words["method"] = "IV"
    resolved = es.fit(studies, measure, settings="revman5", **words).settings
    assert resolved == changed(preset, **words)


def test_the_words_above_are_all_there_are() -> None:
    marks = test_every_word_given_as_an_argument_is_in_the_settings.pytestmark  # type: ignore[attr-defined] # pyright: ignore[reportFunctionMemberAccess, reportUnknownVariableType, reportUnknownMemberType] - pytest puts it there
    named = {case[0] for case in marks[0].args[1]}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - as above
    assert named == set(WORDS) - {"measure"}


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_field_left_out_is_filled_by_the_preset(preset: str, measure: str, studies: es.Studies) -> None:
    by_name = es.fit(studies, measure, tau2="DL", settings=preset).settings
    assert es.fit(studies, measure, tau2="DL", settings=es.Settings(preset=preset)).settings == by_name
    assert es.fit(studies, settings=es.Settings(preset=preset, measure=measure, tau2="DL")).settings == by_name


def test_a_measure_given_goes_over_that_of_settings(studies: es.Studies) -> None:
    made = es.fit(studies, "OR", settings="revman5").settings
    assert es.fit(studies, "RR", settings=made).settings == changed(made, measure="RR")


def test_the_order_of_words_and_calls_changes_nothing(studies: es.Studies) -> None:
    one = es.fit(studies, "OR", tau2="DL", interval="Wald").settings
    two = es.fit(studies, "OR", interval="Wald", tau2="DL").settings
    assert one == two == es.fit(studies, "OR", tau2="DL", interval="Wald").settings


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
def test_fixed_is_common(preset: str, studies: es.Studies) -> None:
    fixed = es.fit(studies, "OR", model="fixed", settings=preset)
    common = es.fit(studies, "OR", model="common", settings=preset)
    assert fixed.settings == common.settings
    assert fixed.settings.model == "common"
    assert fixed.pooled == common.pooled
    assert es.Settings(model="fixed").model == "common"


@pytest.mark.parametrize(
    "given",
    [
        {"measure": "or", "method": "mh"},
        {"measure": "Peto", "method": "PETO"},
        {"measure": "smd", "method": "iv", "tau2": "dl", "interval": "wald"},
        {"measure": "Md", "tau2": "Reml", "interval": "hk", "prediction": "hts", "tau2_interval": "qp"},
        {"measure": "rr", "correction": "MetaFor", "method": "iv", "tau2": "pm"},
        {"measure": "o-e"},
        {"measure": "gen"},
    ],
    ids=str,
)
def test_names_of_methods_may_be_written_in_any_case(given: dict[str, Any], studies: es.Studies) -> None:
    settings = es.fit(studies, **given).settings
    for word, value in given.items():
        found = getattr(settings, word)
        assert found.casefold() == value.casefold()
        kinds: dict[str, Any] = {
            "measure": es.EffectMeasure,
            "method": es.PoolingModel,
            "tau2": es.Tau2Estimator,
            "interval": es.IntervalMethod,
            "prediction": es.PredictionInterval,
            "tau2_interval": es.Tau2Interval,
            "correction": es.Correction,
        }
        assert found in {record.name for record in es.default_registry().all(kinds[word])}


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ({"tau": "DL"}, es.SettingsError, "did you mean 'tau2'"),
        ({"Level": 0.9}, es.SettingsError, "did you mean 'level'"),
        ({"intervall": "HK"}, es.SettingsError, "did you mean 'interval'"),
        ({"preset": "meta"}, es.SettingsError, "there is no 'preset'"),
        ({"tau2": "RELM"}, es.UnknownMethodError, "did you mean 'REML'"),
        ({"interval": "Walt"}, es.UnknownMethodError, "did you mean 'Wald'"),
        ({"method": "Pete"}, es.UnknownMethodError, "did you mean 'Peto'"),
        ({"correction": "revmann"}, es.UnknownMethodError, "did you mean 'revman'"),
        ({"prediction": "XYZ"}, es.UnknownMethodError, "available: .*HTS"),
        ({"model": "mixed"}, es.SettingsError, "model is one of 'common', 'random', not 'mixed'"),
        ({"i2": "h"}, es.SettingsError, "i2 is one of 'q', 'tau2'"),
        ({"smd_variance": "XX"}, es.SettingsError, "'revman', 'LS', 'UB'"),
        ({"settings": "revman"}, es.SettingsError, "presets: revman5, revman-web, metafor, meta"),
        ({"settings": "RevMan5"}, es.SettingsError, "presets: revman5"),
    ],
    ids=str,
)
def test_words_that_are_not_known_come_with_a_suggestion(
    words: dict[str, Any], kind: type[es.InputError], said: str, studies: es.Studies
) -> None:
    with pytest.raises(kind, match=said):
        es.fit(studies, "OR", **words)


def test_a_measure_that_is_not_known_comes_with_a_suggestion(studies: es.Studies) -> None:
    with pytest.raises(es.UnknownMethodError, match=r"did you mean .*'SMD'"):
        es.fit(studies, "SMDD")


@pytest.mark.parametrize("value", [0, 1, 95, -0.1, 1.0, float("nan"), "0.95", None, True, [0.95]], ids=str)
@pytest.mark.parametrize("word", ["level", "study_level", "given_level"])
def test_a_level_is_a_probability(word: str, value: Any, studies: es.Studies) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(es.SettingsError, match=f"^{word} is a probability between 0 and 1"):
        es.fit(studies, "OR", **{word: value})
    with pytest.raises(es.SettingsError, match=word):
        es.Settings(**{word: value})


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("adhoc", 1),
        ("tau2_common", "yes"),
        ("threshold", float("inf")),
        ("threshold", "0.8"),
        ("tau2", -0.1),
        ("tau2", float("nan")),
        ("tau2", float("inf")),
        ("tau2", True),
        ("weighting", "n"),
        ("budget", 0),
        ("budget", 1.5),
        ("seed", -1),
        ("swap_events", "yes"),
        ("increment", -0.5),
        ("increment", float("inf")),
        ("increment", "0.5"),
        ("effect_label", 5),
        ("group_1", ["a"]),
        ("scale", "logit"),
        ("zero_sd", None),
    ],
)
def test_values_of_another_kind_are_refused(word: str, value: Any, studies: es.Studies) -> None:  # noqa: ANN401 - wrong on purpose
    with pytest.raises(es.SettingsError, match=f"^{word} is"):
        es.fit(studies, "OR", **{word: value})


# -- the value ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("measure", MEASURES)
def test_settings_are_frozen_hashable_and_go_through_json(preset: str, measure: str, studies: es.Studies) -> None:
    settings = es.fit(studies, measure, settings=preset).settings
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        settings.tau2 = "PM"  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue] - what must fail
    again = es.Settings.from_dict(json.loads(json.dumps(settings.to_dict(), allow_nan=False)))
    assert again == settings
    assert hash(again) == hash(settings)
    assert len({settings, again, changed(settings, level=0.5)}) == 2
    assert es.fit(studies, settings=again).to_dict() == es.fit(studies, measure, settings=preset).to_dict()


def test_settings_of_a_dictionary_refuse_words_that_are_not_fields() -> None:
    with pytest.raises(es.SettingsError, match="did you mean 'tau2_interval'"):
        es.Settings.from_dict({"tau2interval": "QP"})


def test_settings_name_every_field_of_a_request() -> None:
    assert tuple(field.name for field in attrs.fields(es.Settings) if field.name != "preset") == WORDS
    assert set(es.Settings().to_dict()) == {"preset", *WORDS}


# -- the table of presets ----------------------------------------------------------------------------------------------


def test_unverified_entries_are_entries() -> None:
    for preset, word in UNVERIFIED:
        assert word in PRESETS[preset]


def test_presets_state_the_same_words_and_known_values() -> None:
    for one, other in itertools.pairwise(PRESETS.values()):
        assert one.keys() == other.keys()
    for preset, entries in PRESETS.items():
        assert set(entries) <= set(WORDS)
        es.Settings(preset=preset, **{word: value for word, value in entries.items() if value not in OPEN})
        assert set(COMBINATIONS[preset]) == {"IV", "MH", "Peto"}


@pytest.mark.parametrize("preset", ["revman-web", "metafor", "meta"])
@pytest.mark.parametrize("interval", ["Wald", "HK"])
def test_a_prediction_interval_goes_with_the_interval(preset: str, interval: str, studies: es.Studies) -> None:
    settings = es.fit(studies, "GEN", settings=preset, interval=interval).settings
    wald = "S" if preset == "metafor" else "V"
    assert settings.prediction == ("HK" if interval == "HK" else wald)


def test_meta_takes_q_about_mantel_haenszel_beside_dl_only(studies: es.Studies) -> None:
    q = {
        tau2: es.fit(studies, "OR", method="MH", model="random", tau2=tau2, settings="meta").heterogeneity.q
        for tau2 in ("DL", "REML", "PM")
    }
    plain = es.fit(studies, "OR", method="IV", model="random", settings="meta").heterogeneity.q
    assert q["REML"] == q["PM"] == pytest.approx(plain, rel=1e-14)
    assert q["DL"] is not None
    assert q["DL"] != pytest.approx(plain, rel=1e-6)
