"""Say which law a record breaks, for which input, and what was seen."""

from __future__ import annotations

import re
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth.hookspecs import hookimpl
from evisynth.records import KINDS, Method
from evisynth.registry import Registry, default_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from evisynth.errors import EvisynthError

_WRITTEN = "what a method is given belongs to others and cannot be written to: make a new array"
_YEAR = re.compile(r"\b(1[89]|20)\d\d\b")


class ConformanceError(AssertionError):
    """Report that a record breaks a law of its kind."""

    def __init__(self, record: Method, law: str, given: str, seen: object) -> None:
        """Keep the record, the law, what the method was given and what was seen."""
        self.record, self.law, self.given, self.seen = record, law, given, seen
        super().__init__(f"{record.kind} {record.name!r} breaks the law {law!r}; given {given}; seen: {seen}")


def ensure(ok: ArrayLike, record: Method, law: str, given: str, seen: object) -> None:
    """Raise `ConformanceError` unless ``ok`` holds (everywhere, where it is an array)."""
    if not np.all(ok):
        raise ConformanceError(record, law, given, seen)


def ask(
    record: Method,
    law: str,
    given: str,
    function: Callable[..., Any],
    /,
    *args: object,
    refusals: tuple[type[EvisynthError], ...] = (),
    **inputs: Any,  # noqa: ANN401 - the function's own
) -> Any:  # noqa: ANN401 - whatever the function returns
    """Call a function; an exception other than the ``refusals`` breaks ``law``."""
    try:
        return function(*args, **inputs)
    except refusals:
        return None
    except Exception as error:
        hint = f" ({_WRITTEN})" if "read-only" in str(error) else ""
        raise ConformanceError(record, law, given, f"{type(error).__name__}: {error}{hint}") from error


def check_record(record: Method) -> None:
    """Check what every record promises: a published source with its year, and a docstring that says what is done."""
    ensure(
        _YEAR.search(record.reference) is not None,
        record,
        "the reference is a published source with its year",
        "the record",
        repr(record.reference),
    )
    ensure(record.summary, record, "the function's docstring says what it does", "the record", "no docstring")


def close(one: object, other: object, tolerance: float, scale: object = 0.0) -> bool:
    """Compare numbers relative to the larger of ``other`` and ``scale``; missing ones are equal."""
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if a.shape != b.shape or not np.array_equal(np.isnan(a), np.isnan(b)):
        return False
    size = np.maximum(np.abs(b), np.asarray(scale))
    with np.errstate(invalid="ignore"):
        return bool(np.all((a == b) | np.isnan(a) | (np.abs(a - b) <= tolerance * size)))


def same(one: object, other: object) -> bool:
    """Compare numbers to the bit; missing ones are equal."""
    return bool(np.array_equal(np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64), equal_nan=True))


def registry_with(record: Method) -> Registry:
    """Make a registry of all installed methods and one more, which replaces an installed one of its name."""
    key = (type(record), record.name.casefold())
    installed = [method for method, _ in default_registry() if (type(method), method.name.casefold()) != key]
    registry = Registry(load=False)
    registry.register(_plugin([*installed, record]), "conformance")
    return registry


def _plugin(methods: Sequence[Method]) -> ModuleType:
    module = ModuleType("conformance")
    for kind in KINDS:
        records = [method for method in methods if type(method) is kind]
        if records:
            setattr(module, kind.hook, hookimpl(_hook(records)))
    return module


def _hook(records: list[Method]) -> Callable[[], list[Method]]:
    def hook() -> list[Method]:
        return records

    return hook
