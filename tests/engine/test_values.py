"""The values: read-only, comparable, copyable, and refusing what no study can have."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import evisynth as es


@pytest.mark.parametrize(
    ("y", "v", "column", "message"),
    [
        ([0.1, 0.2], [0.1, -0.2], "v", "cannot be negative"),
        ([0.1, 0.2], [0.1, np.inf], "v", "is finite"),
        ([0.1, 0.2], [0.1, 1e-60], "v", "choose another unit"),
        ([0.1, 0.2], [0.1, 1e60], "v", "choose another unit"),
        ([0.1, -1e60], [0.1, 0.1], "y", "choose another unit"),
    ],
)
def test_impossible_effects_are_named(y: list[float], v: list[float], column: str, message: str) -> None:
    with pytest.raises(es.DataError, match=message) as caught:
        es.Effects(y, v, study=["A", "B"])
    (problem,) = caught.value.problems
    assert (problem.row, problem.study, problem.column) == (2, "B", column)


def test_standard_errors_become_variances() -> None:
    assert es.Effects([0.1, 0.2], se=[0.5, 2.0]).v.tolist() == [0.25, 4.0]
    with pytest.raises(es.DataError, match="cannot be negative"):
        es.Effects([0.1], se=[-0.5])


def test_lengths_and_shapes() -> None:
    with pytest.raises(es.DataError, match="one of each per study"):
        es.Effects([0.1, 0.2], [0.1])
    with pytest.raises(es.DataError, match="one number per study"):
        es.Effects([[0.1, 0.2]], [[0.1, 0.2]])
    with pytest.raises(es.DataError, match="study labels"):
        es.Effects([0.1], [0.1], study=["A", "B"])
    with pytest.raises(es.DataError, match="need a variance"):
        es.Effects([0.1])


def test_arrays_cannot_be_written_to_and_the_caller_keeps_his_own() -> None:
    mine = np.array([0.1, 0.2])
    effects = es.Effects(mine, [0.1, 0.2])
    with pytest.raises(ValueError, match="read-only"):
        effects.y[0] = 9.0
    mine[0] = 9.0
    assert effects.y[0] == 0.1


def test_equality_and_replacement() -> None:
    one, other = es.Effects([0.1, np.nan], [0.1, 0.2]), es.Effects([0.1, np.nan], [0.1, 0.2])
    assert one == other
    assert one.replace(v=[0.1, 0.3]) != one
    assert one.replace(scale="log").scale == "log"


def test_a_result_can_be_copied_and_pickled() -> None:
    analysis = es.fit(es.Effects([0.1, 0.5, 0.4], [0.1, 0.2, 0.1]), tau2="REML")
    for twin in (copy.deepcopy(analysis), pickle.loads(pickle.dumps(analysis))):  # noqa: S301 - our own bytes
        assert twin.to_dict() == analysis.to_dict()
    assert analysis.fit is not None
    again = analysis.fit.refit()
    assert float(again.tau2) == float(analysis.fit.tau2)
    with pytest.raises(TypeError, match="registry of one's own"):
        pickle.dumps(es.Registry(load=False))


def test_refitting_with_other_data_estimates_tau2_anew() -> None:
    fit = es.fit(es.Effects([0.1, 0.5, 2.4], [0.1, 0.2, 0.1]), tau2="DL").models["random"].fit
    assert fit is not None
    assert float(fit.refit(y=fit.y * 2, v=fit.v * 4).tau2) == pytest.approx(4 * float(fit.tau2), rel=1e-14)
    assert float(fit.refit(tau2=np.asarray(0.7)).tau2) == 0.7
