"""Make a drawing a page of its own: data at a glance, studies that can be left out, no network, a strict policy.

The results without each study are computed beforehand by the engine and lie in the page as the differences between two
drawings; the script of the page only swaps them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import attrs

from evisynth_reporters.drawing import Label
from evisynth_reporters.embedded_font import font_faces
from evisynth_reporters.marked_up import attribute, text
from evisynth_reporters.svg import elements, svg

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evisynth_reporters.drawing import Drawing
    from evisynth_reporters.words import Words

PAGE_STYLE = "body{font:16px/1.45 sans-serif;margin:1.5em;color:#1a1a1a;background:#fff}"


@attrs.frozen
class Without:
    """Hold what changes when one study is left out: the figure, where it is drawn anew, and what there is to say."""

    says: str
    drawing: Drawing | None = None


def figure_block(
    drawing: Drawing, *, title: str, words: Words, identifier: str = "figure",
    said: str = "", without: Mapping[int, Without] | None = None,
) -> str:  # fmt: skip
    """Write the ``div`` of a figure, with all that it needs to react but the style and script of the page.

    ``without`` gives, by row, the results without a study; ``said`` is the result with all of them.
    """
    held = without or {}
    drawn = svg(drawing, title=title, clickable=bool(held), identifier=identifier)
    if not held:
        return f'<div class="figure">{drawn}</div>'
    base = elements(drawing)
    changes: dict[int, Any] = {}
    whole: dict[int, str] = {}
    for row, other in held.items():
        if other.drawing is None:
            continue
        differing = _differences(base, elements(other.drawing)) if _same_size(drawing, other.drawing) else None
        if differing is None:
            inner = svg(other.drawing, title=title, clickable=True, identifier=identifier)
            whole[row] = inner[inner.index(">") + 1 : inner.rindex("</svg>")]
        else:
            changes[row] = differing
    data = {
        "all": said,
        "back": words("All studies"),
        "says": {row: other.says for row, other in held.items()},
        "changes": changes,
        "whole": whole,
    }
    hint = words("Point at a study for its data; click it to leave it out.")
    return (
        f'<div class="figure">{drawn}<p class="said" aria-live="polite"></p><p class="hint">{text(hint)}</p>'
        f'<script type="application/json">{_json(data)}</script></div>'
    )


def _same_size(one: Drawing, other: Drawing) -> bool:
    return (one.width, one.height) == (other.width, other.height)


def _differences(base: list[Any], other: list[Any]) -> list[Any] | None:
    """List what changes from one drawing to another: numbers of elements, attributes, text; None where all does."""
    if [one.tag for one in base] != [one.tag for one in other]:
        return None
    found: list[Any] = []
    for one, two in zip(base, other, strict=True):
        if one == two:
            continue
        changed: dict[str, str | None] = {
            name: two.attributes.get(name)
            for name in {**one.attributes, **two.attributes}
            if one.attributes.get(name) != two.attributes.get(name)
        }
        found.append([one.number, changed, two.text if one.text != two.text else None])
    return found


def _json(data: object) -> str:
    """Write JSON that no name in it can end the element of."""
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("\u2028", "\\u2028")


@cache
def style() -> str:
    """Give the style that figures need in a page."""
    return _file("figure.css")


@cache
def script() -> str:
    """Give the script that figures need in a page."""
    return _file("figure.js")


def _file(name: str) -> str:
    return files("evisynth_reporters").joinpath("templates", name).read_text(encoding="utf-8")


def policy(*, styles: Iterable[str], scripts: Iterable[str]) -> str:
    """Say what a page may do: apply these styles, run these scripts, show what lies within it, and nothing else."""
    return (
        f"default-src 'none'; style-src {' '.join(map(_hash, styles))}; script-src {' '.join(map(_hash, scripts))}; "
        "font-src data:; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def page(block: str, drawings: Iterable[Drawing], *, title: str, language: str) -> str:
    """Make a whole page of a figure's block; ``drawings`` are all that it may show, for the letters they use."""
    labels = [item for drawing in drawings for item in drawing.flat if isinstance(item, Label)]
    look = PAGE_STYLE + style() + font_faces(labels)
    allowed = policy(styles=[look], scripts=[script()])
    return (
        f'<!doctype html>\n<html lang="{attribute(language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{attribute(allowed)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{look}</style>\n</head>\n<body>\n<main>{block}</main>\n"
        f"<script>{script()}</script>\n</body>\n</html>\n"
    )
