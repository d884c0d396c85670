"""Put a mutant's code into the functions that exist already, in a fork of a session with all tests collected.

That spares the import and the collection, which take longer than most tests, but reaches only what a function does when
it is called. Whatever else a mutant changes (constants, defaults, records) is left to `trials`, and so is everything
that survives here: a value may have been made before the change.
"""

from __future__ import annotations

import functools
import gc
from collections import defaultdict
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import attrs
from mutants import ROOT, TARGETS, Mutant, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HOOKS = "hookimpl"
_LRU_CACHE = type(functools.lru_cache(len))
Pair = tuple[CodeType, CodeType]


def changed_functions(mutant: Mutant) -> list[Pair] | None:
    """Give the code of each function that the mutant changes, old and new; None where it changes more than these."""
    path = str(ROOT / mutant.path)
    old = compile(source_of(mutant.path), path, "exec", dont_inherit=True)
    new = compile(mutant.source(), path, "exec", dont_inherit=True)
    pairs = list(_changed(old, new))
    if not pairs or any(one is None for one in pairs):
        return None
    found = [pair for pair in pairs if pair is not None]
    lines = source_of(mutant.path).splitlines()
    return None if any(HOOKS in lines[old.co_firstlineno - 1] for old, _ in found) else found


@attrs.frozen
class Alive:
    """The project's functions in this process by their code, and what is cached of them."""

    functions: Mapping[CodeType, Sequence[FunctionType]]
    caches: Sequence[Any]

    def swap(self, pairs: Sequence[Pair]) -> int:
        """Give functions their new code, forget what was cached, and say how many functions there were."""
        found = [(function, new) for old, new in pairs for function in self.functions.get(old, ())]
        for function, new in found:
            function.__code__ = new
        for cache in self.caches:
            cache.cache_clear()
        return len(found)


def alive() -> Alive:
    """Look for every function of the changed modules, and take what there is out of the collector's sight.

    A collection after a fork would write to, and so copy, every page.
    """
    folders = tuple(str(ROOT / target) for target in TARGETS)
    functions: dict[CodeType, list[FunctionType]] = defaultdict(list)
    caches: list[Any] = []
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename.startswith(folders):
            functions[thing.__code__].append(thing)
        elif isinstance(thing, _LRU_CACHE):
            code = getattr(thing.__wrapped__, "__code__", None)
            if code is not None and code.co_filename.startswith(folders):
                caches.append(thing)
    gc.freeze()
    return Alive(functions, caches)


def _changed(old: CodeType, new: CodeType) -> Iterator[Pair | None]:
    """Walk module and class bodies side by side down to the functions; None where the bodies themselves differ."""
    old_parts = [part for part in old.co_consts if isinstance(part, CodeType)]
    new_parts = [part for part in new.co_consts if isinstance(part, CodeType)]
    if _own(old) != _own(new) or len(old_parts) != len(new_parts):
        yield None
        return
    for one, other in zip(old_parts, new_parts, strict=True):
        if one.co_flags & 0x2:  # a function: it has fast locals
            if _same(one, other):
                continue
            yield (one, other) if one.co_name == other.co_name and one.co_freevars == other.co_freevars else None
        else:
            yield from _changed(one, other)


def _same(one: CodeType, other: CodeType) -> bool:
    """Compare code but for the places in the file."""
    return _own(one) == _own(other) and all(
        _same(a, b) if isinstance(a, CodeType) and isinstance(b, CodeType) else True
        for a, b in zip(one.co_consts, other.co_consts, strict=True)
    )


def _own(code: CodeType) -> tuple[object, ...]:
    constants = tuple(repr(part) for part in code.co_consts if not isinstance(part, CodeType))
    return code.co_code, constants, len(code.co_consts), code.co_names, code.co_varnames, code.co_freevars
