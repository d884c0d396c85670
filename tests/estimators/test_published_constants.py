"""Constants and defaults as their sources print them, and what a method refuses: where a slip would stay unseen."""

from __future__ import annotations

import numpy as np
import pytest

import evisynth as es

Y = [0.1, 0.5, -0.2, 1.4, 0.2, 0.8, 0.45]
V = [0.01, 0.02, 0.05, 0.1, 0.02, 0.09, 0.03]


def analysis(y: list[float] = Y, v: list[float] = V) -> es.MetaAnalysis:
    return es.fit(es.Effects(y, v), settings="metafor", tau2="ML")


def test_truncated_beta_varies_between_the_published_p_values() -> None:
    made = es.bias(analysis(), "selection: truncated beta", side="right")
    given = es.bias(analysis(), "selection: truncated beta", side="right", steps=[0.025, 0.975])
    assert made.after is not None
    assert given.after is not None
    assert made.after.value == given.after.value
    assert made.variant == given.variant


def test_fixed_weights_step_where_vevea_and_woods_do() -> None:
    # Vevea & Woods (2005), Table 1: ends of the intervals of the one-tailed p-value.
    ends = [0.005, 0.01, 0.05, 0.1, 0.25, 0.35, 0.5, 0.65, 0.75, 0.9, 0.95, 0.99, 0.995]
    weights = [1.0, 0.99, 0.95, 0.9, 0.8, 0.75, 0.65, 0.6, 0.55, 0.5, 0.47, 0.44, 0.41, 0.38]
    made = es.bias(analysis(), "selection: fixed weights", side="right", delta=weights)
    given = es.bias(analysis(), "selection: fixed weights", side="right", delta=weights, steps=ends)
    assert made.after is not None
    assert given.after is not None
    assert made.after.value == given.after.value


def test_beta_weights_are_held_at_both_ends_of_p() -> None:
    # p of the last study is 3e-7, and 1 - 3e-7 with the signs turned: the two weights of the density change places.
    y, v = [*Y, 1.0], [*V, 0.04]
    one = es.bias(analysis(y, v), "selection: beta", side="right")
    other = es.bias(analysis([-effect for effect in y], v), "selection: beta", side="right")
    for made in (one, other):
        assert made.convergence is not None
        assert made.convergence.log_likelihood is not None
        assert made.after is not None
    assert one.convergence is not None
    assert other.convergence is not None
    assert one.convergence.log_likelihood == pytest.approx(other.convergence.log_likelihood, rel=1e-9)


def test_sample_size_weights_take_no_moderators() -> None:
    table = {"events_1": [4, 6, 3, 9], "n_1": [40, 50, 30, 70], "events_2": [9, 8, 5, 20], "n_2": [42, 49, 33, 71]}
    with pytest.raises(es.CombinationError, match="takes no moderators"):
        es.fit(es.load(table), measure="OR", method="SSW", settings="meta", moderators={"dose": [1.0, 2.0, 3.0, 4.0]})


def test_common_effect_of_many_analyses_has_a_variance_of_0_for_each() -> None:
    y, v = np.column_stack([Y, Y[::-1], Y]), np.column_stack([V, V, V[::-1]])
    sample = es.Sample(y=y, v=v, X=es.intercept(len(Y)), measure="GEN")
    made = es.default_registry().get(es.PoolingModel, "IV").function(sample, es.Settings("metafor"))
    assert np.asarray(made.tau2).tolist() == [0.0, 0.0, 0.0]
