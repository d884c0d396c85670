"""Say which methods are asked for; a reference set is called with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

from evisynth.registry import Registry, default_registry
from evisynth.validation.agreements import MethodKey, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth.records import Method

_Record = TypeVar("_Record", bound="Method")


@attrs.frozen
class Asked:
    """Hold the registry that is validated, the methods asked for in it, and how much time there is.

    A set leaves out the cases of methods that are not asked for (``method in asked``) as far as that saves time: what
    it yields beyond them is not counted.
    """

    registry: Registry = attrs.field(factory=default_registry)
    keys: frozenset[MethodKey] | None = None
    """Methods asked for; None is all."""
    quick: bool = False
    """Whether a share of the cases does: a set of many takes those of each method that are likely to show a fault."""

    def __contains__(self, method: object) -> bool:
        """Tell whether a record, or a kind and name, is asked for."""
        return self.keys is None or key_of(method) in self.keys  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

    def any_of(self, *methods: Method | MethodKey) -> bool:
        """Tell whether any of the methods behind a number is asked for."""
        return any(method in self for method in methods)

    def records(self, kind: type[_Record]) -> Iterator[_Record]:
        """Give the methods of a kind that are asked for, in the order of the registry."""
        for method, _ in self.registry:
            if type(method) is kind and method in self:
                yield method
