"""Say a figure's own words in a language: English texts are the keys of every catalogue."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import attrs

from evisynth import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

ENGLISH = "en"
_CATALOGUES = "evisynth_reporters.catalogues"


@attrs.frozen
class Words:
    """Translate texts, and fill in what stands in braces; a text that the catalogue lacks stays English."""

    language: str
    catalogue: Mapping[str, str] = attrs.field(repr=False)

    def __call__(self, text: str, **values: object) -> str:
        """Say a text, which may have places such as ``{k}``."""
        said = self.catalogue.get(text, text)
        return said.format(**values) if values else said


IN_ENGLISH = Words(ENGLISH, {})


def languages() -> tuple[str, ...]:
    """Name the languages that there are."""
    held = (entry.name.removesuffix(".json") for entry in files(_CATALOGUES).iterdir() if entry.name.endswith(".json"))
    return (ENGLISH, *sorted(held))


@cache
def words_of(language: str) -> Words:
    """Load a language; raises `SettingsError` for one that there is no catalogue of."""
    if language == ENGLISH:
        return IN_ENGLISH
    if language not in languages():
        msg = f"language is one of {', '.join(languages())}, not {language!r}"
        raise SettingsError(msg)
    text = files(_CATALOGUES).joinpath(f"{language}.json").read_text(encoding="utf-8")
    return Words(language, json.loads(text))
