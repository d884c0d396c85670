"""Do the tasks that pymetaanalysis (the module meta_analyze) has a function for."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from peers import LOOPED, Answer, Call, Data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth import FloatArray

NAME, MODULE, DISTRIBUTION = "pymetaanalysis", "meta_analyze", "pymetaanalysis"


def tasks(data: Data) -> Mapping[str, Call]:
    """List the tasks by name."""
    theirs: Any = import_module(MODULE)

    def fitted(effects: tuple[FloatArray, FloatArray], method: str, **words: str) -> Any:  # noqa: ANN401 - theirs
        y, v = effects
        return theirs.meta_analysis(effect=y, variance=v, model="random", tau2_method=method, **words)

    def pool(effects: tuple[FloatArray, FloatArray], method: str) -> Answer:
        made = fitted(effects, method)
        return made.estimate, made.standard_error, made.tau2

    def hartung_knapp() -> Answer:
        made = fitted(data.one, "REML", ci_method="hartung-knapp")
        return made.estimate, made.ci_low, made.ci_high

    def q_profile() -> Answer:
        found = fitted(data.one, "DL").tau2_confidence_interval()
        return found.ci_low, found.ci_high

    def mantel_haenszel() -> Answer:
        events = data.tables
        made = theirs.meta_binary(
            event_treat=events["events_1"],
            n_treat=events["n_1"],
            event_control=events["events_2"],
            n_control=events["n_2"],
            measure="RR",
            method="MH",
            model="common",
        )
        return made.estimate, made.standard_error

    def regression() -> Answer:
        (y, v), (a, b) = data.regressed, data.moderators.T
        made = theirs.meta_regression(effect=y, variance=v, moderators={"a": a, "b": b}, tau2_method="REML")
        return list(made.coefficients["estimate"])

    def leave_one_out() -> Answer:
        return list(fitted(data.large, "DL").leave_one_out().to_dataframe()["estimate"])

    def loop(method: str) -> Answer:
        return [pool(effects, method)[0] for effects in data.analyses(LOOPED)]

    return {
        **{f"one {method}": Call(partial(pool, data.one, method)) for method in ("DL", "REML", "PM")},
        "one HK": Call(hartung_knapp),
        "one QP": Call(q_profile),
        "tables MH": Call(mantel_haenszel),
        "large DL": Call(partial(pool, data.large, "DL")),
        "regression REML": Call(regression),
        "leave-one-out DL": Call(leave_one_out),
        "many DL": Call(partial(loop, "DL"), LOOPED),
        "many REML": Call(partial(loop, "REML"), LOOPED),
    }
