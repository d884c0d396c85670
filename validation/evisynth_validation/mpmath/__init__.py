"""Hold methods to 50-digit arithmetic, and generate what they are held to.

``python -m evisynth_validation.mpmath.generate`` writes the sets; that alone needs the library of that name, which
stays importable as ``mpmath`` because the modules here live below ``evisynth_validation``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import ReferenceSet, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth import Agreement, Asked, Method


def exactly(asked: Asked) -> Iterator[Agreement]:
    """Repeat every stored set with the installed engine."""
    # The comparisons come with their use: a registry loads this module at the start of every fit.
    from evisynth_validation.mpmath.compared_conversions import compared_conversions  # noqa: PLC0415
    from evisynth_validation.mpmath.compared_effects import compared_effects  # noqa: PLC0415
    from evisynth_validation.mpmath.compared_heterogeneity import compared_heterogeneity  # noqa: PLC0415
    from evisynth_validation.mpmath.compared_measures import compared_measures  # noqa: PLC0415
    from evisynth_validation.mpmath.compared_pools import compared_pools  # noqa: PLC0415

    yield from compared_effects(asked)
    yield from compared_measures(asked)
    yield from compared_pools(asked)
    yield from compared_heterogeneity(asked)
    yield from compared_conversions(asked)


OF_NO_NUMBER = frozenset({"Check", "Converter", "Reporter"})


def _absent(method: Method) -> str:
    if method.kind in OF_NO_NUMBER:
        return "it reads, renders or warns, and gives no number of its own"
    return "no values of it with 50 digits are stored"


@hookimpl
def reference_sets() -> list[ReferenceSet]:
    """Yield the exact references."""
    return [
        ReferenceSet(
            "mpmath",
            exactly,
            label="Arithmetic with 50 digits, by the conventions of RevMan 5 and of metafor",
            truth="exact",
            absent=_absent,
            reference="Johansson et al. (2023), mpmath: a Python library for arbitrary-precision arithmetic",
        )
    ]
