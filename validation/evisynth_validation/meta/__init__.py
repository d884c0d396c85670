"""Repeat what R's packages meta and metasens give on published data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import Asked, Method, ReferenceSet, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth import Agreement


def meta(asked: Asked) -> Iterator[Agreement]:
    """Measure, pool, test and adjust the same data with the settings of meta."""
    # The registry loads this module at every start: what repeats the cases comes with the first run.
    from evisynth_validation.meta.replaying import replay  # noqa: PLC0415 - see above

    yield from replay(asked)


def _absent(method: Method) -> str:
    if method.r_equivalent is None:
        return "it names no call of R, and no recorded call of meta has it"
    package = method.r_equivalent.partition("::")[0]
    if package not in {"meta", "metasens"}:
        return f"its call of R is of {package}"
    return "the recording of meta has no call with it that is compared"


@hookimpl
def reference_sets() -> list[ReferenceSet]:
    """Yield the results of meta."""
    return [
        ReferenceSet(
            "meta",
            meta,
            label="Results of R's meta and metasens on published data sets",
            truth="program",
            absent=_absent,
            reference="Balduzzi, Rücker & Schwarzer (2019), Evid. Based Ment. Health 22:153-160, and the data sets' "
            "papers as meta and metadat name them",
        )
    ]
