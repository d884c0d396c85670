"""Do the tasks that PyMARE has a function for; by DL it pools many analyses side by side."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from peers import ANALYSES, COMPARED, LOOPED, STUDIES, Answer, Call, Data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth import FloatArray

NAME, MODULE, DISTRIBUTION = "PyMARE", "pymare", "pymare"


def tasks(data: Data) -> Mapping[str, Call]:
    """List the tasks by name."""
    dataset: Any = import_module("pymare").Dataset
    estimators: Any = import_module("pymare.estimators")

    def summary(y: FloatArray, v: FloatArray, method: str, X: FloatArray | None = None) -> Any:  # noqa: ANN401 - PyMARE's
        estimator = (
            estimators.DerSimonianLaird()
            if method == "DL"
            else estimators.VarianceBasedLikelihoodEstimator(method=method)
        )
        return estimator.fit_dataset(dataset(y=y, v=v, X=X, add_intercept=True)).summary()

    def pool(effects: tuple[FloatArray, FloatArray], method: str) -> Answer:
        made = summary(*effects, method)
        fixed = made.get_fe_stats()
        return float(fixed["est"].item()), float(fixed["se"].item()), float(np.ravel(made.tau2)[0])

    def q_profile() -> Answer:
        found = summary(*data.one, "DL").get_re_stats()
        return float(np.ravel(found["ci_l"])[0]), float(np.ravel(found["ci_u"])[0])

    def regression() -> Answer:
        found: Any = summary(*data.regressed, "REML", data.moderators).get_fe_stats()["est"]
        return [float(row[0]) for row in found]

    y, v = (values.reshape(ANALYSES, STUDIES).T.copy() for values in data.many)

    def side_by_side() -> Answer:
        found: Any = summary(y, v, "DL").get_fe_stats()["est"]
        return [float(value) for value in found[0][:COMPARED]]

    def loop() -> Answer:
        return [pool(effects, "REML")[0] for effects in data.analyses(LOOPED)]

    return {
        "one DL": Call(partial(pool, data.one, "DL")),
        "one REML": Call(partial(pool, data.one, "REML")),
        "one QP": Call(q_profile),
        "large DL": Call(partial(pool, data.large, "DL")),
        "regression REML": Call(regression),
        "many DL": Call(side_by_side, ANALYSES),
        "many REML": Call(loop, LOOPED),
    }
