"""Repeat the published figures of the papers that the engine grew from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import Asked, Method, ReferenceSet, as_printed, hookimpl
from evisynth_validation.founding.repeating import compare_analysis, expected, numbers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth import Agreement


def founding(asked: Asked) -> Iterator[Agreement]:
    """Fit each analysis with the settings of its paper and hold every printed figure to it."""
    held = expected()
    for entry in held["analyses"]:
        analysis = compare_analysis(entry, held["papers"]).analysis
        assert analysis is not None  # noqa: S101 - an analysis, not a sample size
        methods = analysis.methods.used(analysis.model.model)
        if not asked.any_of(*methods):
            continue
        numbers = numbers_of(analysis)
        for quantity, printed in entry["published"].items():
            yield as_printed(methods, entry["id"], quantity, printed, numbers[quantity])


def _absent(_: Method) -> str:
    return "the founding papers print RR, RD and given effects, as RevMan 5 has them"


@hookimpl
def reference_sets() -> list[ReferenceSet]:
    """Yield the founding analyses."""
    return [
        ReferenceSet(
            "founding",
            founding,
            label="Figures of the founding papers, at the digits printed",
            truth="published",
            absent=_absent,
            reference="Kirkham et al. (2022), Cytotherapy, doi:10.1016/j.jcyt.2022.10.003, and two other papers",
        )
    ]
