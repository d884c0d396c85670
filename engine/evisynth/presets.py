"""Keep the presets: what each program computes, as one table.

Sources: RevMan 5.4 by its stored results (641 outcomes of 21 reviews); RevMan (Web) by Cochrane's release notes of
January 2025; metafor 5.1 and meta 8.4 by their documentation and recorded results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evisynth.errors import CombinationError, SettingsError
from evisynth.settings import BY_I2, BY_INTERVAL, BY_MEASURE, BY_METHOD, BY_TAU2, WORDS, Settings, refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.records import EffectMeasure

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "revman5": {
        "method": BY_MEASURE,
        "model": "common",
        "tau2": "DL",
        "interval": "Wald",
        "prediction": None,
        "tau2_interval": None,
        "i2_interval": None,
        "study_interval": None,
        "correction": "revman",
        "i2": "q",
        "centre": "pooled",
        "random_weights": "pooled",
        "mh_rd_variance": "Greenland-Robins",
        "smd_correction": "approximate",
        "rom_correction": "none",
        "smd_variance": "revman",
        "zero_sd": "excluded",
    },
    "revman-web": {
        "method": BY_MEASURE,
        "model": "random",
        "tau2": "REML",
        "interval": "HK",
        "prediction": BY_INTERVAL,
        "tau2_interval": "QP",
        "i2_interval": None,
        "study_interval": None,
        "correction": "revman",
        "i2": "tau2",
        "centre": "pooled",
        "random_weights": "IV",
        "mh_rd_variance": "Greenland-Robins",
        "smd_correction": "approximate",
        "rom_correction": "none",
        "smd_variance": "revman",
        "zero_sd": "excluded",
    },
    "metafor": {
        "method": "IV",
        "model": "random",
        "tau2": "REML",
        "interval": "Wald",
        "prediction": BY_INTERVAL,
        "tau2_interval": "QP",
        "i2_interval": None,
        "study_interval": None,
        "correction": "metafor",
        "i2": "tau2",
        "centre": "pooled",
        "random_weights": "pooled",
        "mh_rd_variance": "Sato",
        "smd_correction": "exact",
        "rom_correction": "Lajeunesse",
        "smd_variance": "LS",
        "zero_sd": "kept",
    },
    "meta": {
        "method": BY_MEASURE,
        "model": "random",
        "tau2": "REML",
        "interval": "Wald",
        "prediction": BY_INTERVAL,
        "tau2_interval": "QP",
        "i2_interval": BY_I2,
        "study_interval": BY_MEASURE,
        "correction": "meta",
        "i2": "q",
        "centre": BY_TAU2,
        "random_weights": "IV",
        "mh_rd_variance": "Greenland-Robins",
        "smd_correction": "exact",
        "rom_correction": "none",
        "smd_variance": "UB",
        "zero_sd": "excluded",
    },
}

PREDICTION_BY_INTERVAL: Mapping[str, Mapping[str, str]] = {
    "revman-web": {"Wald": "V", "HK": "HK"},
    "metafor": {"Wald": "S", "HK": "HK"},
    "meta": {"Wald": "V", "HK": "HK"},
}

CENTRED_TAU2: Mapping[str, tuple[str, ...]] = {"meta": ("DL",)}

UNVERIFIED: frozenset[tuple[str, str]] = frozenset(
    {
        # The release notes give no degrees of freedom for it, and there are no exports here to compare with.
        ("revman-web", "prediction"),
        # Whether Q beside a random model is taken about the M-H estimate is not documented.
        ("revman-web", "centre"),
        ("revman-web", "random_weights"),
        ("revman-web", "i2"),
    }
)
"""Entries that no reference result confirms yet."""

COMBINATIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "revman5": {"IV": ("common", "random"), "MH": ("common", "random"), "Peto": ("common",)},
    "revman-web": {"IV": ("common", "random"), "MH": ("common", "random"), "Peto": ("common",)},
    "metafor": {"IV": ("common", "random"), "MH": ("common",), "Peto": ("common",)},
    "meta": {"IV": ("common", "random"), "MH": ("common", "random"), "Peto": ("common", "random")},
}
"""Models that each program offers, by pooling method; a method outside this table has all that it says itself."""

PROGRAMS = {"revman5": "RevMan 5.4", "revman-web": "RevMan (Web)", "metafor": "metafor", "meta": "meta"}


def available_models(preset: str, method: str) -> tuple[str, ...]:
    """List the models that the preset's program offers with a pooling method."""
    return COMBINATIONS[preset].get(method, ("common", "random"))


def preset_fields(preset: object) -> Mapping[str, Any]:
    """Give the entries of a preset; raises `SettingsError` where there is none of that name."""
    if not isinstance(preset, str) or preset not in PRESETS:
        msg = f"settings {preset!r} are not known; presets: {', '.join(PRESETS)}"
        raise SettingsError(msg)
    return {**PRESETS[preset], "model": BY_METHOD}


def resolve_settings(settings: str | Settings, given: Mapping[str, Any], measure: EffectMeasure | None) -> Settings:
    """Put arguments over a preset, or over a `Settings` made before.

    ``given`` holds the arguments that the caller named. Raises `SettingsError` for a preset or a word that does not
    exist and `CombinationError` where the preset's program lacks what was asked for.
    """
    refuse_unknown("settings", given, WORDS)
    if not isinstance(settings, Settings):
        preset_fields(settings)
    base = settings if isinstance(settings, Settings) else Settings(preset=settings)
    resolved = _chosen(_unchosen(base, measure).replace(**given), measure)
    offered = available_models(resolved.preset, resolved.method)
    if resolved.model not in offered:
        msg = (
            f"{PROGRAMS[resolved.preset]} has no {resolved.model}-effect model for method {resolved.method!r}: "
            f"choose model {' or '.join(map(repr, offered))}, method 'IV', or other settings than {resolved.preset!r}"
        )
        raise CombinationError(msg)
    return resolved


def _unchosen(settings: Settings, measure: EffectMeasure | None) -> Settings:
    """Make choices that followed from others open again, so that they follow from what is given now."""
    table = PRESETS[settings.preset]
    followed: dict[str, Any] = {}
    if table["prediction"] == BY_INTERVAL and settings.prediction == _prediction(settings):
        followed["prediction"] = BY_INTERVAL
    own = None if measure is None else measure.study_interval
    if table["study_interval"] == BY_MEASURE and settings.study_interval == own:
        followed["study_interval"] = BY_MEASURE
    if table["centre"] == BY_TAU2 and settings.centre == _centre(settings, measure):
        followed["centre"] = BY_TAU2
    if table["i2_interval"] == BY_I2 and settings.i2_interval == _i2_interval(settings):
        followed["i2_interval"] = BY_I2
    return settings.replace(**followed) if followed else settings


def _chosen(settings: Settings, measure: EffectMeasure | None) -> Settings:
    """Choose what follows from other choices."""
    followed: dict[str, Any] = {}
    method = settings.method
    if method == BY_MEASURE:
        followed["method"] = method = "IV" if measure is None else measure.default_method
    if settings.model == BY_METHOD:
        offered, wanted = available_models(settings.preset, method), PRESETS[settings.preset]["model"]
        followed["model"] = wanted if wanted in offered else offered[0]
    if settings.prediction == BY_INTERVAL:
        followed["prediction"] = _prediction(settings)
    if settings.centre == BY_TAU2:
        followed["centre"] = _centre(settings, measure)
    if settings.i2_interval == BY_I2:
        followed["i2_interval"] = _i2_interval(settings)
    if settings.study_interval == BY_MEASURE:
        followed["study_interval"] = None if measure is None else measure.study_interval
    return settings.replace(**followed) if followed else settings


def _prediction(settings: Settings) -> str | None:
    by_interval = PREDICTION_BY_INTERVAL.get(settings.preset)
    return None if by_interval is None else by_interval.get(settings.interval, "V")


def _centre(settings: Settings, measure: EffectMeasure | None) -> str:
    tables = measure is None or measure.counts
    return "pooled" if tables and settings.tau2 in CENTRED_TAU2.get(settings.preset, ()) else "IV"


def _i2_interval(settings: Settings) -> str | None:
    return "HT" if settings.i2 == "q" else None
