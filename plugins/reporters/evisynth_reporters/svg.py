"""Write drawings as SVG with real text: what a page shows, searches, copies and reads aloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from evisynth_reporters.drawing import Curve, Disc, Group, Label, Line
from evisynth_reporters.marked_up import attribute, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evisynth_reporters.drawing import Drawing, Item, Shape, Simple

FAMILY = "evisynth-sans, 'DejaVu Sans', Verdana, sans-serif"
ANCHORS = {"left": "start", "center": "middle", "right": "end"}


@attrs.frozen
class Element:
    """Hold one element: its tag, attributes and text, and its number in the order of drawing."""

    number: int
    tag: str
    attributes: Mapping[str, str]
    text: str = ""

    def written(self) -> str:
        """Write it with its number as the place that changes of it refer to."""
        inner = text(self.text)
        words = "".join(f' {name}="{attribute(value)}"' for name, value in self.attributes.items())
        return f'<{self.tag} data-n="{self.number}"{words}>{inner}</{self.tag}>'


def elements(drawing: Drawing) -> list[Element]:
    """Give the elements of a drawing without their groups, in order."""
    return [_element(number, item) for number, item in enumerate(drawing.flat)]


def svg(drawing: Drawing, *, title: str, clickable: bool = False, identifier: str = "figure") -> str:
    """Write a drawing as an ``svg`` element, with its title and description for those who cannot see it.

    Groups become ``g`` elements that can be reached by keyboard and hold their tips; ``clickable`` ones of a study say
    which row they are of.
    """
    size = f'viewBox="0 0 {_number(drawing.width)} {_number(drawing.height)}"'
    named = f'aria-labelledby="{attribute(identifier)}-title {attribute(identifier)}-description"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{attribute(identifier)}" role="figure" {named} {size} '
        f'width="{_number(drawing.width)}pt" height="{_number(drawing.height)}pt" font-family="{FAMILY}">'
        f'<title id="{attribute(identifier)}-title">{text(title)}</title>'
        f'<desc id="{attribute(identifier)}-description">{text(drawing.description or title)}</desc>'
    )
    count = iter(range(len(drawing.flat)))
    return head + "".join(_written(drawing.items, count, clickable=clickable)) + "</svg>"


def _written(items: Iterable[Item], count: Iterator[int], *, clickable: bool) -> Iterator[str]:
    for item in items:
        if not isinstance(item, Group):
            yield _element(next(count), item).written()
            continue
        words = ""
        if item.tip:
            role = "button" if clickable and item.row is not None else "img"
            label = ", ".join(item.tip)
            words += f' class="tip" tabindex="0" role="{role}" aria-label="{attribute(label)}"'
            words += f' data-tip="{attribute(chr(10).join(item.tip))}"'
        if clickable and item.row is not None:
            words += f' data-row="{item.row}" aria-pressed="false"'
        yield f"<g{words}>{_area(item)}{''.join(_written(item.items, count, clickable=clickable))}</g>"


def _area(group: Group) -> str:
    """Let the whole area of a group answer to the pointer, not only what is drawn in it."""
    if group.area is None or not group.tip:
        return ""
    left, top, right, bottom = group.area
    place = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    words = " ".join(f'{name}="{_number(value)}"' for name, value in place.items())
    return f'<rect {words} fill="none" pointer-events="all"/>'


def _element(number: int, item: Simple) -> Element:
    if isinstance(item, Label):
        return Element(number, "text", _text_attributes(item), item.text)
    if isinstance(item, Line):
        ends = {"x1": item.start[0], "y1": item.start[1], "x2": item.end[0], "y2": item.end[1]}
        return Element(number, "line", {name: _number(value) for name, value in ends.items()} | _stroke(item))
    if isinstance(item, Curve):
        shown = {"opacity": _number(item.opacity)} if item.opacity < 1.0 else {}
        return Element(number, "polyline", {"points": _points(item.points), "fill": "none"} | _stroke(item) | shown)
    if isinstance(item, Disc):
        place = {"cx": _number(item.centre[0]), "cy": _number(item.centre[1]), "r": _number(item.radius)}
        return Element(number, "circle", place | _fill(item))
    return Element(number, "polygon", {"points": _points(item.corners)} | _fill(item))


def _text_attributes(label: Label) -> dict[str, str]:
    made = {"x": _number(label.x), "y": _number(label.y), "font-size": _number(label.size)}
    if label.align != "left":
        made["text-anchor"] = ANCHORS[label.align]
    if label.bold:
        made["font-weight"] = "bold"
    if label.colour != "#000000":
        made["fill"] = label.colour
    if label.upright:
        made["transform"] = f"rotate(-90 {_number(label.x)} {_number(label.y)})"
    return made


def _stroke(item: Line | Curve) -> dict[str, str]:
    made = {"stroke": item.colour, "stroke-width": _number(item.width)}
    if item.dash:
        made["stroke-dasharray"] = " ".join(map(_number, item.dash))
    return made


def _fill(item: Shape | Disc) -> dict[str, str]:
    made = {"fill": item.colour or "none"}
    if item.edge:
        made |= {"stroke": item.edge, "stroke-width": _number(item.edge_width)}
    if item.opacity < 1.0:
        made["opacity"] = _number(item.opacity)
    return made


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float) -> str:
    """Write a length in points: a hundredth is finer than any screen or printer."""
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown
