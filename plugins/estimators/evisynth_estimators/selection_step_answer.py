"""Name the weights of a step function, and say what to warn of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth_estimators.selection_settings import Answer, in_group

if TYPE_CHECKING:
    from evisynth_estimators.selection_fit import Fitted
    from evisynth_estimators.selection_settings import Setting
    from evisynth_estimators.selection_steps import Steps

ZERO_WEIGHT = "a study lies where the weight is fixed at 0, which is impossible under the model"
WITHOUT = "no study has {where}: weights are relative to those with {first}, and against the former they have no limit"
EMPTY = "no study has {where}: its weight is 0"
FEW_THERE = "{count} of the studies have {where}: its weight is hardly known"
FEWEST = 3


def step_answer(
    setting: Setting,
    fitted: Fitted,
    made: Steps,
    texts: tuple[str, ...],
    estimated: int,
    given: tuple[float | None, ...] | None,
) -> Answer:
    """Name δ of every interval, count its studies and warn of those with few or none."""
    names: list[str] = []
    warnings: list[str] = []
    figures: list[tuple[str, float]] = []
    for g, group in enumerate(setting.groups):
        names += [in_group(f"delta {j + 1}: {text}", group) for j, text in enumerate(texts)]
        figures += [(in_group(f"studies with {text}", group), float(made.counts[g, j])) for j, text in enumerate(texts)]
        first = made.first[g]
        for j, text in enumerate(texts):
            where = in_group(text, group)
            if not made.counts[g, j] and j < first:
                warnings.append(WITHOUT.format(where=where, first=texts[first]))
            elif not made.counts[g, j] and (given is None or given[j] is None):
                warnings.append(EMPTY.format(where=where))
            elif made.counts[g, j] < FEWEST and (given is None or given[j] is None):
                warnings.append(FEW_THERE.format(count=made.counts[g, j], where=where))
    return Answer(
        fitted,
        tuple(names),
        (1.0,) * len(names),
        estimated * len(setting.groups),
        tuple(warnings),
        tuple(figures),
    )
