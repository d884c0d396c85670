"""Do the tasks that statsmodels has a function for."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from peers import COMPARED, LOOPED, Answer, Call, Data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth import FloatArray

NAME, MODULE, DISTRIBUTION = "statsmodels", "statsmodels.stats.meta_analysis", "statsmodels"
METHODS = {"DL": "chi2", "PM": "iterated"}


def tasks(data: Data) -> Mapping[str, Call]:
    """List the tasks by name."""
    combine: Any = import_module(MODULE).combine_effects
    proportions: Any = import_module(MODULE).effectsize_2proportions

    def pool(effects: tuple[FloatArray, FloatArray], method: str) -> Answer:
        made = combine(*effects, method_re=METHODS[method])
        return made.mean_effect_re, made.sd_eff_w_re, made.tau2

    def loop() -> Answer:
        return [pool(effects, "DL")[0] for effects in data.analyses(LOOPED)]

    t = data.measured

    def log_rr() -> Answer:
        y, v = proportions(t["events_1"], t["n_1"], t["events_2"], t["n_2"], statistic="rr")
        return [*y[:COMPARED], *v[:COMPARED]]

    return {
        "log RR": Call(log_rr),
        "one DL": Call(partial(pool, data.one, "DL")),
        "one PM": Call(partial(pool, data.one, "PM")),
        "large DL": Call(partial(pool, data.large, "DL")),
        "many DL": Call(loop, LOOPED),
    }
