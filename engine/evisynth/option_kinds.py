"""Hold the options of a method to the kinds that its signature states, so that a slip is the user's to mend."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterable
from numbers import Integral, Real
from typing import TYPE_CHECKING, cast

from evisynth.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evisynth.records import Method

_LIST = re.compile(r"(?:Iterable|Sequence|Collection|list)\[(?P<item>.*)\]|tuple\[(?P<first>[^,]*), \.\.\.\]")
_TUPLE = re.compile(r"tuple\[(?P<items>[^.]*)\]")
WORDS = {"str": "a text", "bool": "true or false", "int": "a whole number", "float": "a number", "None": "none"}


def refuse_other_kinds(method: Method, options: Mapping[str, object], *, because: Exception | None = None) -> None:
    """Raise `SettingsError` for an option whose value is not of the kind that the function's annotation states.

    Texts, truths, numbers (not NaN) and lists and tuples of them are looked at; what else a function takes is its own
    to check. ``because`` is the error that the value led to.
    """
    for name, value in options.items():
        stated = _stated(method.parameters[name].annotation)
        if not _is(value, stated):
            msg = f"{name} of {method.name} is {_in_words(stated)}, not {value!r:.100}"
            raise SettingsError(msg) from because


def _stated(annotation: object) -> str:
    if annotation is inspect.Parameter.empty:
        return "object"
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Za-z])", "", text)


def _is(value: object, stated: str) -> bool:
    return any(_is_one(value, kind) for kind in _alternatives(stated))


def _is_one(value: object, kind: str) -> bool:
    if kind in _SINGLE:
        return _SINGLE[kind](value)
    if found := _LIST.fullmatch(kind):
        item = found["item"] or found["first"]
        if isinstance(value, str) or not isinstance(value, Iterable):
            return False
        return all(_is(one, item) for one in cast("Iterable[object]", value))
    if found := _TUPLE.fullmatch(kind):
        items = [item.strip() for item in found["items"].split(",")]
        held = cast("Sequence[object]", value) if isinstance(value, tuple | list) else ()
        return len(held) == len(items) and all(map(_is, held, items))
    return True


def _is_truth(value: object) -> bool:
    # numpy's truths are no instances of Python's.
    return isinstance(value, bool) or type(value).__name__ == "bool"


def _holds_a_number(value: Real) -> bool:
    try:
        return not math.isnan(float(value))
    except OverflowError:
        return False


_SINGLE: Mapping[str, Callable[[object], bool]] = {
    "None": lambda value: value is None,
    "str": lambda value: isinstance(value, str),
    "bool": _is_truth,
    "int": lambda value: isinstance(value, Integral) and not _is_truth(value),
    "float": lambda value: isinstance(value, Real) and not _is_truth(value) and _holds_a_number(value),
}


def _alternatives(stated: str) -> list[str]:
    """Split at the bars outside brackets."""
    parts, depth = [""], 0
    for character in stated:
        depth += (character == "[") - (character == "]")
        if character == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _in_words(stated: str) -> str:
    return " or ".join(_in_a_word(kind) for kind in _alternatives(stated))


def _in_a_word(kind: str) -> str:
    if found := _LIST.fullmatch(kind):
        return f"a list, each item {_in_words(found['item'] or found['first'])}"
    if found := _TUPLE.fullmatch(kind):
        return f"({', '.join(_in_words(item.strip()) for item in found['items'].split(','))})"
    return WORDS.get(kind, kind)
