"""Draw requests: words of settings, and the ways of pooling that presets offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from evisynth.presets import COMBINATIONS, PRESETS

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def requests() -> SearchStrategy[dict[str, Any]]:
    """Draw fields of `Settings`: known names and values, in any combination."""
    some: dict[str, SearchStrategy[Any]] = {
        "preset": st.sampled_from(list(PRESETS)),
        "measure": st.sampled_from([None, "OR", "RR", "RD", "PETO", "MD", "SMD", "GEN", "O-E"]),
        "method": st.sampled_from(["IV", "MH", "Peto"]),
        "model": st.sampled_from(["common", "random", "fixed"]),
        "tau2": st.sampled_from(["DL", "REML", "PM"]),
        "interval": st.sampled_from(["Wald", "HK"]),
        "adhoc": st.booleans(),
        "prediction": st.sampled_from([None, "HTS", "V", "HK", "S"]),
        "tau2_interval": st.sampled_from([None, "QP"]),
        "level": st.floats(0, 1, exclude_min=True, exclude_max=True),
        "study_level": st.floats(0, 1, exclude_min=True, exclude_max=True),
        "increment": st.floats(0, 10, exclude_min=True),
        "i2": st.sampled_from(["q", "tau2"]),
        "scale": st.sampled_from(["linear", "log"]),
        "swap_events": st.booleans(),
        "effect_label": st.none() | st.text(max_size=20),
        "group_1": st.none() | st.text(max_size=20),
        "favours_2": st.none() | st.text(max_size=20),
    }
    return st.fixed_dictionaries({}, optional=some)


def combinations() -> SearchStrategy[tuple[str, str, str]]:
    """Draw a preset, a pooling method and a model that it offers."""
    ways = [
        (preset, method, model)
        for preset, offered in COMBINATIONS.items()
        for method, models in offered.items()
        for model in models
    ]
    return st.sampled_from(ways)
