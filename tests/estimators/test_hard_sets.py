"""Two and a half thousand hard data sets: the global maximum each time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("estimator", ["REML", "ML", "PM", "SJ", "EB", "DLIT", "SJIT"])
def test_every_set(estimator: str, shared_reference: Path) -> None:
    import pandas as pd  # noqa: PLC0415 - only here

    truth: Any = pd.read_csv(shared_reference / "hard_sets_truth.csv").set_index("id")
    record = es.default_registry().get(es.Tau2Estimator, estimator)
    # Paule and Mandel's equation has other names.
    column = {"EB": "pm", "DLIT": "pm", "SJIT": "pm"}.get(estimator, estimator.lower())
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


NEARLY_TANGENT: list[tuple[list[float], list[float]]] = [
    (
        [-2.68588236e02, -1.15074780e-01, 1.23296621e00, 3.67163252e-03, -2.52658257e-01],
        [2.42068824e02, 2.73735773e-02, 6.29940067e-02, 7.59196931e-03, 3.23541328e-01],
    ),
    ([-2.69983100e00, 5.21242974e01, 2.12728418e-02], [3.59425429e-02, 4.95398348e02, 3.10809139e-03]),
    (
        [0.14221868, 0.01670264, -9.92499993, -0.72696333],
        [2.59773448e-03, 7.40863661e-02, 6.68887755e00, 1.86594136e-01],
    ),
    (
        [1.87962866e-01, -3.71566771e-02, 4.90766304e-02, -1.23523822e01, -5.63252448e01],
        [7.30317758e-03, 6.80642868e-03, 4.63359015e-01, 3.42827367e02, 1.92373933e01],
    ),
]
"""Sets whose score crosses 0 twice within a third of its neighbours' distance: two maxima, one of them almost flat."""


@pytest.mark.parametrize(("y", "v"), NEARLY_TANGENT)
def test_a_mode_that_is_almost_flat_is_found(y: list[float], v: list[float]) -> None:
    record = es.default_registry().get(es.Tau2Estimator, "REML")
    one, other = np.array(y), np.array(v)
    assert record.function(one, other, es.intercept(one.size)).modes == 2  # type: ignore[union-attr]
    batch = record.function(
        np.column_stack([one, 0 * one, one]), np.column_stack([other, other, 4 * other]), es.intercept(one.size)
    )
    assert batch.modes.tolist()[:2] == [2, 1]  # type: ignore[union-attr]


# The corpus has the median-unbiased estimate of hard sets with 40 digits, every day.
REST = ["DL", "HE", "HS", "HSk", "PMM", "GENQ", pytest.param("GENQM", marks=pytest.mark.sweep)]


@pytest.mark.parametrize("estimator", REST)
def test_every_set_has_an_answer_also_side_by_side(estimator: str, shared_reference: Path) -> None:
    import pandas as pd  # noqa: PLC0415 - only here

    table: Any = cast("Any", pd).read_csv(shared_reference / "hard_sets.csv.gz")
    record = es.default_registry().get(es.Tau2Estimator, estimator)
    by_size: dict[int, list[tuple[es.FloatArray, es.FloatArray]]] = {}
    for _, rows in table.groupby("id", sort=False):
        by_size.setdefault(len(rows), []).append((rows["yi"].to_numpy(), rows["vi"].to_numpy()))
    # An answer for every set, of which a dear estimator repeats every fifth by itself.
    stride = 5 if estimator == "GENQM" else 1
    compared = 0
    for k, sets in by_size.items():
        y, v = (np.column_stack(columns) for columns in zip(*sets, strict=True))
        batch = record.function(y, v, es.intercept(k))
        assert isinstance(batch, es.Tau2Fit)
        assert batch.se is not None
        assert np.isfinite(batch.tau2).all()
        assert (batch.se > 0).all()
        for column in range(0, len(sets), stride):
            effects, variances = sets[column]
            single = record.function(effects, variances, es.intercept(k))
            assert isinstance(single, es.Tau2Fit)
            assert single.se is not None
            floor = 1e-12 * float(variances.mean())
            assert float(batch.tau2[column]) == pytest.approx(float(single.tau2), rel=1e-10, abs=floor)
            assert float(batch.se[column]) == pytest.approx(float(single.se), rel=1e-10)
            compared += stride
    assert compared >= 2500
