"""Repeat what R's metafor computes on published data sets, as `generate.R` stored it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import Asked, Method, ReferenceSet, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth import Agreement


def metafor(asked: Asked) -> Iterator[Agreement]:
    """Repeat what is stored of published data, the R call of each record, and recorded selection models."""
    # The registry loads this module at every start: what repeats the cases comes with the first run.
    from evisynth_validation.metafor.calls import repeated_calls  # noqa: PLC0415 - see above
    from evisynth_validation.metafor.selection import selection_models  # noqa: PLC0415 - see above

    yield from published(asked)
    yield from repeated_calls(asked)
    yield from selection_models(asked)


def published(asked: Asked) -> Iterator[Agreement]:
    """Measure, pool, test and adjust published data with the settings of metafor."""
    # As above.
    from evisynth_validation.metafor.pools import pools  # noqa: PLC0415 - see above
    from evisynth_validation.metafor.small_study import small_study_effects  # noqa: PLC0415 - see above
    from evisynth_validation.metafor.stored import Stored  # noqa: PLC0415 - see above
    from evisynth_validation.metafor.uni import effects, leave_one_out, models  # noqa: PLC0415 - see above

    stored = Stored(asked)
    for compare in (effects, models, leave_one_out, small_study_effects, pools):
        yield from compare(stored)


def _absent(method: Method) -> str:
    if method.r_equivalent is None:
        return "it names no call of R, and no case of the set has it"
    package = method.r_equivalent.partition("::")[0]
    if package != "metafor":
        return f"its call of R is of {package}"
    return "no case of the set has it"


@hookimpl
def reference_sets() -> list[ReferenceSet]:
    """Yield the results of metafor."""
    return [
        ReferenceSet(
            "metafor",
            metafor,
            label="Results of R's metafor on published data sets",
            truth="program",
            absent=_absent,
            reference="Viechtbauer (2010), J. Stat. Softw. 36(3):1-48, and the data sets' papers as metadat names them",
        )
    ]
