"""Keep the presets: what each program computes, as one table.

Sources: RevMan 5.4 by its stored results (641 outcomes of 21 reviews); RevMan (Web) by Cochrane's release notes of
January 2025; metafor 5.1 and meta 8.4 by their documentation and recorded results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from evisynth.errors import CombinationError, SettingsError
from evisynth.settings import MODEL_WORDS, WORDS, Settings, refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.records import EffectMeasure

BY_MEASURE = "by measure"
"""Pool by the method that the measure names: M-H for counts, Peto for Peto's odds ratio."""
BY_INTERVAL = "by interval"
"""Take the prediction interval that goes with the interval method (`PREDICTION_BY_INTERVAL`)."""
BY_TAU2 = "by tau2"
"""Take Q about the M-H estimate beside the τ² estimators of `CENTRED_TAU2` only."""

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "revman5": {
        "method": BY_MEASURE,
        "model": "common",
        "tau2": "DL",
        "interval": "Wald",
        "prediction": None,
        "tau2_interval": None,
        "correction": "revman",
        "i2": "q",
        "centre": "pooled",
        "random_weights": "pooled",
        "mh_rd_variance": "Greenland-Robins",
        "smd_correction": "approximate",
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
        "correction": "revman",
        "i2": "tau2",
        "centre": "pooled",
        "random_weights": "IV",
        "mh_rd_variance": "Greenland-Robins",
        "smd_correction": "approximate",
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
        "correction": "metafor",
        "i2": "tau2",
        "centre": "pooled",
        "random_weights": "pooled",
        "mh_rd_variance": "Sato",
        "smd_correction": "exact",
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
        "correction": "meta",
        "i2": "q",
        "centre": BY_TAU2,
        "random_weights": "IV",
        "mh_rd_variance": "Greenland-Robins",
        "smd_correction": "exact",
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
"""Models that each program offers, by pooling method; a method outside this table comes from a plugin and has all."""

PROGRAMS = {"revman5": "RevMan 5.4", "revman-web": "RevMan (Web)", "metafor": "metafor", "meta": "meta"}


def available_models(preset: str, method: str) -> tuple[str, ...]:
    """List the models that the preset's program offers with a pooling method."""
    return COMBINATIONS[preset].get(method, ("common", "random"))


def resolve_settings(settings: str | Settings, given: Mapping[str, Any], measure: EffectMeasure | None) -> Settings:
    """Put arguments over a preset, or over a `Settings` made before.

    ``given`` holds the arguments that the caller named. Raises `SettingsError` for a preset or a word that does not
    exist and `CombinationError` where the preset's program lacks what was asked for.
    """
    refuse_unknown("settings", given, WORDS)
    preset = settings.preset if isinstance(settings, Settings) else settings
    if not isinstance(preset, str) or preset not in PRESETS:  # pyright: ignore[reportUnnecessaryIsInstance] - requests are untyped
        msg = f"settings {preset!r} are not known; presets: {', '.join(PRESETS)}"
        raise SettingsError(msg)
    if isinstance(settings, Settings):
        resolved = attrs.evolve(settings, **given) if given else settings
    else:
        resolved = _from_preset(settings, given, measure)
    offered = available_models(resolved.preset, resolved.method)
    if resolved.model not in offered:
        msg = (
            f"{PROGRAMS[resolved.preset]} has no {resolved.model}-effect model for method {resolved.method!r}: "
            f"choose model {' or '.join(map(repr, offered))}, method 'IV', or other settings than {resolved.preset!r}"
        )
        raise CombinationError(msg)
    return resolved


def _from_preset(preset: str, given: Mapping[str, Any], measure: EffectMeasure | None) -> Settings:
    fields: dict[str, Any] = {**PRESETS[preset], **given, "preset": preset}
    if fields["method"] == BY_MEASURE:
        fields["method"] = "IV" if measure is None else measure.default_method
    model = fields["model"]
    if "model" not in given and model not in (offered := available_models(preset, fields["method"])):
        fields["model"] = offered[0]
    elif isinstance(model, str):
        fields["model"] = MODEL_WORDS.get(model, model)
    if fields["prediction"] == BY_INTERVAL:
        fields["prediction"] = PREDICTION_BY_INTERVAL[preset].get(fields["interval"], "V")
    if fields["centre"] == BY_TAU2:
        fields["centre"] = "pooled" if fields["tau2"] in CENTRED_TAU2[preset] else "IV"
    return Settings(**fields)
