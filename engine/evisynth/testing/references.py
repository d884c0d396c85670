"""Check sets of references."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from evisynth.registry import default_registry
from evisynth.testing.conformance import ask, check_record, ensure
from evisynth.validation.agreements import Agreement
from evisynth.validation.asking import Asked

if TYPE_CHECKING:
    from evisynth.records import ReferenceSet

ENOUGH = 25
"""Numbers that are looked at: a set may hold hundreds of thousands, and a law may take long."""


def check_reference_set(record: ReferenceSet) -> None:
    """Check a set of references; raises `ConformanceError` for the first law that it breaks.

    Asked for a share of the cases of all installed methods it yields each `Agreement` of methods, with a case and a
    quantity that say which; and it has a reason, or an empty text, for any method that it may not compare.
    """
    check_record(record)
    asked = Asked(quick=True)
    given = "all installed methods, quick"
    law = "yields agreements that say of which methods, case and quantity they are"
    found = ask(record, law, given, lambda: list(islice(record.function(asked), ENOUGH)))
    ensure(len(found) > 0, record, law, given, "nothing")
    for one in found:
        ensure(isinstance(one, Agreement), record, law, given, repr(one))
        ensure(bool(one.methods) and bool(one.case) and bool(one.quantity), record, law, given, one)
    for method, _ in default_registry():
        law = "says why a method is absent in one text"
        reason = ask(record, law, f"{method.kind} {method.name!r}", record.absent, method)
        ensure(isinstance(reason, str), record, law, f"{method.kind} {method.name!r}", repr(reason))
