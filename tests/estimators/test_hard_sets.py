"""Two and a half thousand hard data sets: the global maximum each time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("estimator", ["REML", "ML", "PM"])
def test_every_set(estimator: str, shared_reference: Path) -> None:
    import pandas as pd  # noqa: PLC0415 - only here

    truth: Any = pd.read_csv(shared_reference / "hard_sets_truth.csv").set_index("id")
    record = es.default_registry().get(es.Tau2Estimator, estimator)
    column = estimator.lower()
    compared = 0
    for key, rows in cast("Any", pd).read_csv(shared_reference / "hard_sets.csv.gz").groupby("id", sort=False):
        y, v = rows["yi"].to_numpy(), rows["vi"].to_numpy()
        found = record.function(y, v, es.intercept(len(y)))
        assert isinstance(found, es.Tau2Fit)
        line = truth.loc[key]
        gap = abs(float(found.tau2) - line[column])
        assert gap <= 1e-12 * line[column] or gap <= 1e-14 * float(cast("Any", np.mean(v))), key
        if f"ll_{column}" in line:
            assert found.modes is not None
            assert int(found.modes) == line[f"nmax_{column}"], key
            assert found.log_likelihood is not None
            # The list's likelihoods leave out the constants that metafor's have.
            k = len(y)
            size, extra = (k - 1, 0.5 * math.log(k)) if estimator == "REML" else (k, 0.0)
            constants = extra - 0.5 * size * math.log(2 * math.pi)
            assert float(found.log_likelihood) - constants >= line[f"ll_{column}"] - 1e-9, key
        compared += 1
    assert compared == 2500


@pytest.mark.parametrize("estimator", ["REML", "ML"])
def test_a_batch_finds_the_same_modes(estimator: str, shared_reference: Path) -> None:
    import pandas as pd  # noqa: PLC0415 - only here

    truth = pd.read_csv(shared_reference / "hard_sets_truth.csv").set_index("id")
    table = pd.read_csv(shared_reference / "hard_sets.csv.gz")
    found = es.fit_many(table, by="id", y="yi", v="vi", tau2=estimator).set_index("analysis")
    expected = truth.loc[found.index, estimator.lower()]
    mean = table.groupby("id")["vi"].mean().loc[found.index]
    gap = (found["tau2"] - expected).abs()
    assert ((gap <= 1e-12 * expected) | (gap <= 1e-14 * mean)).all()
