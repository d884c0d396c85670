"""Every text of figures and reports has a translation, with the same places to fill in."""

from __future__ import annotations

import ast
import string
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import evisynth as es
import evisynth_reporters
from evisynth_reporters import event_risks, funnel_heights, influence_panel
from evisynth_reporters.words import languages, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(evisynth_reporters.__file__).parent
OTHERS = [language for language in languages() if language != "en"]


def said() -> Iterator[str]:
    """Find the texts that modules say: constant first arguments of calls of words."""
    for file in sorted(FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if name == "words" and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value
    yield from (height.title for height in funnel_heights.HEIGHTS.values())
    yield from (scale.title for scale in event_risks.RISK_SCALES.values())
    yield from influence_panel.MEASURES.values()


TEXTS = sorted(set(said()))


def places(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_there_are_texts_and_another_language() -> None:
    assert len(TEXTS) > 100
    assert OTHERS


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str) -> None:
    catalogue = words_of(language).catalogue
    assert [text for text in TEXTS if text not in catalogue] == []
    assert {text: catalogue[text] for text in TEXTS if places(catalogue[text]) != places(text)} == {}


def test_a_text_that_is_not_translated_stays_english() -> None:
    assert words_of("de")("no such text {k}", k=3) == "no such text 3"
    assert words_of("en")("{k} studies", k=3) == "3 studies"
    with pytest.raises(es.SettingsError, match="language is one of en, de, not 'xx'"):
        words_of("xx")


def test_a_figure_speaks_the_language_that_is_asked_for() -> None:
    pytest.importorskip("matplotlib")
    analysis = es.fit(es.Effects([0.1, 0.3, 0.5], [0.02, 0.05, 0.2]), settings="metafor")
    page = es.render(analysis, "funnel", suffix=".html", language="de")
    assert isinstance(page, bytes)
    assert '<html lang="de">' in page.decode()
    assert "Standardfehler</text>" in page.decode()
    assert "Standard error" not in page.decode()
    with pytest.raises(es.SettingsError, match="language is one of"):
        es.render(analysis, "funnel", language="xx")
