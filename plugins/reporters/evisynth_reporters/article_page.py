"""Render an article as one HTML page that opens from disk, asks nothing of any network and prints."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from evisynth import MissingExtraError
from evisynth_reporters.article import Picture
from evisynth_reporters.embedded_font import font_faces
from evisynth_reporters.interactive import policy, script, style
from evisynth_reporters.pictures import Painter

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth_reporters.article import Article
    from evisynth_reporters.words import Words

DEEPEST = 6


def article_page(article: Article, words: Words, progress: Callable[[str], object] | None = None) -> str:
    """Render as a page; ``progress`` is told the place of every outcome that is drawn.

    Raises `MissingExtraError` without jinja2.
    """
    template = _template()
    painter = Painter(words)
    drawn: dict[str, Any] = {}
    for _, section in article.every_section:
        for block in section.blocks:
            if isinstance(block, Picture):
                drawn[block.identifier] = painter.in_page(block)
        if section.place is not None and progress is not None:
            progress(section.place)
    labels = painter.letters.labels
    look = style() + _file("article.css") + (font_faces(labels) if labels else "")
    page: str = template.render(
        article=article,
        words=words,
        drawn=drawn,
        level=_level,
        look=look,
        script=script(),
        policy=policy(styles=[look], scripts=[script()]),
    )
    return page


def _level(depth: int) -> str:
    return f"h{min(depth + 1, DEEPEST)}"


@cache
def _file(name: str) -> str:
    return files("evisynth_reporters").joinpath("templates", name).read_text(encoding="utf-8")


def _template() -> Any:  # noqa: ANN401 - jinja2's own type, which is not always there
    try:
        import jinja2  # noqa: PLC0415 - optional
    except ImportError:
        what = "the html reporter"
        raise MissingExtraError(what, "jinja2", "reports") from None
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("evisynth_reporters"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.tests["block_of"] = lambda block, name: type(block).__name__ == name
    return environment.get_template("article.html")
