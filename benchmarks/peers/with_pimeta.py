"""Do the tasks that pimeta has a function for."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from peers import LOOPED, Answer, Call, Data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth import FloatArray

NAME, MODULE, DISTRIBUTION = "pimeta", "pimeta", "pimeta"


def tasks(data: Data) -> Mapping[str, Call]:
    """List the tasks by name."""
    theirs: Any = import_module(MODULE)

    def fitted(effects: tuple[FloatArray, FloatArray], method: str, **words: Any) -> Any:  # noqa: ANN401 - theirs
        y, v = effects
        return theirs.rma(yi=y, vi=v, method=method, **words)

    def pool(effects: tuple[FloatArray, FloatArray], method: str) -> Answer:
        made = fitted(effects, method)
        return made.b[0], made.se[0], made.tau2

    def hartung_knapp() -> Answer:
        made = fitted(data.one, "REML", test="knha")
        return made.b[0], made.ci_lb[0], made.ci_ub[0]

    def q_profile() -> Answer:
        found = theirs.confint(fitted(data.one, "DL"))
        return found["ci_lb"], found["ci_ub"]

    def mantel_haenszel() -> Answer:
        a, n_1, c, n_2 = (np.array(data.tables[name]) for name in ("events_1", "n_1", "events_2", "n_2"))
        made = theirs.rma_mh(ai=a, bi=n_1 - a, ci=c, di=n_2 - c, measure="RR")
        return float(made.beta), float(made.se)

    def regression() -> Answer:
        return list(fitted(data.regressed, "REML", mods=data.moderators).b)

    def leave_one_out() -> Answer:
        y, v = data.large
        return list(theirs.leave1out(y, v, method="DL").estimate)

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
