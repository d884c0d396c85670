"""Hold every method to the laws of its kind: shifts, scales, order, one analysis beside many, what a file keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import Agreement, Asked, Method, ReferenceSet, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


SLOW = frozenset({"Reporter", "Adjustment", "Tau2Interval"})
"""Kinds whose laws take nine tenths of the time; a quick run of all methods leaves them out."""


def laws(asked: Asked) -> Iterator[Agreement]:
    """Check each method with the conformance kit that plugin authors use."""
    # The kit comes with its use: a registry loads this module at the start of every fit.
    from evisynth.testing import ConformanceError, check  # noqa: PLC0415

    for method, _ in asked.registry:
        if method not in asked or method.kind == ReferenceSet.kind:
            continue
        if asked.quick and asked.keys is None and method.kind in SLOW:
            continue
        try:
            check(method)
        except ConformanceError as error:
            yield Agreement(method, error.given, error.law, expected=True, observed=str(error.seen)[:500])
        else:
            yield Agreement(method, "data of the conformance kit", "laws of its kind", expected=True, observed=True)


def _absent(method: Method) -> str:
    return "sets of references are what others are held to" if method.kind == ReferenceSet.kind else ""


@hookimpl
def reference_sets() -> list[ReferenceSet]:
    """Yield the laws."""
    return [
        ReferenceSet(
            "laws",
            laws,
            label="Laws that a method of its kind keeps, on made data",
            truth="law",
            absent=_absent,
            reference="Claessen & Hughes (2000), QuickCheck, Proc. ICFP 268-279; Chen et al. (2018), Metamorphic "
            "Testing, ACM Comput. Surv. 51(1):4",
        )
    ]
