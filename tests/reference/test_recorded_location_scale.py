"""The recorded location–scale models of R (metafor 5.1), at the 1e-4 of their readme.

Where metafor stopped short of the maximum, 50-digit arithmetic decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth.kernels.location_scale import Effects
from evisynth_validation.mpmath.location_scale import LocationScaleLikelihood, mpmath

if TYPE_CHECKING:
    from collections.abc import Mapping

TOLERANCE = 1e-4
STOPS_SHORT = "metafor's constrained search stops short of the maximum (log-likelihood below ours)"
DIVERGE = {
    "dat.bangertdrowns2004|ls|~ 1|~ ni/identity/REML": STOPS_SHORT,
    "dat.bangertdrowns2004|ls|~ 1|~ ni/identity/ML": STOPS_SHORT,
    "dat.bangertdrowns2004|ls|~ meta|~ meta/identity/REML": STOPS_SHORT,
    "dat.bangertdrowns2004|ls|~ meta|~ meta/identity/ML": STOPS_SHORT,
    "dat.bcg|ls|~ ablat|~ ablat/identity/REML": STOPS_SHORT,
    "dat.bcg|ls|~ ablat|~ ablat/identity/ML": STOPS_SHORT,
}
NOT_OFFERED = {"I2", "H2", "vt", "s2w", "m", "p", "ddf", "QMdf", "coef_names", "se_tau2"}
"""I² and H² follow from each τ² and `vt`, the typical variance; the rest are counts and names."""

CASES = [
    f"rma.ls/{data}/{link}/{method}"
    for data in (
        "dat.bangertdrowns2004|ls|~ 1|~ ni",
        "dat.bangertdrowns2004|ls|~ meta|~ meta",
        "dat.bcg|ls|~ ablat|~ ablat",
    )
    for link in ("log", "identity")
    for method in ("REML", "ML")
]


def case_of(r_cases: Mapping[str, Any], name: str) -> tuple[dict[str, Any], Mapping[str, Any]]:
    (case,) = [case for case in r_cases["cases"] if case["id"] == name]
    inputs = case["inputs"]
    return case, r_cases["inputs"][inputs["ref"]] if "ref" in inputs else inputs


def fitted(case: Mapping[str, Any], inputs: Mapping[str, Any]) -> es.LocationScale:
    X, Z = np.array(inputs["X"], dtype=np.float64), np.array(inputs["Z"], dtype=np.float64)
    return es.location_scale(
        es.Effects(inputs["yi"], inputs["vi"]),
        location=X[:, 1:] if X.shape[1] > 1 else None,
        scale=Z[:, 1:],
        link=case["options"]["link"],
        method=case["options"]["method"],
    )


def apart(value: Any, truth: Any) -> float:  # noqa: ANN401 - numbers or arrays
    here, there = np.asarray(value, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    assert here.shape == there.shape
    return float(np.max(np.abs(here - there) / np.abs(there)))


def test_every_case_is_replayed(r_cases: Mapping[str, Any]) -> None:
    assert sorted(CASES) == sorted(case["id"] for case in r_cases["cases"] if case["group"] == "rma.ls")
    assert {f"rma.ls/{name}" for name in DIVERGE} == {name for name in CASES if "identity" in name}


def differences(model: es.LocationScale, truth: Mapping[str, Any]) -> dict[str, float]:
    """Relative distances, each divided by how far it magnifies those of the coefficients."""
    made, criteria = model.maximum, model.criteria
    assert made is not None
    assert criteria is not None
    assert model.location_test is not None
    assert model.scale_test is not None
    location, scale = model.location_coefficients, model.scale_coefficients
    statistics = np.array([one.statistic for one in location], dtype=np.float64)
    alpha = np.array([one.value for one in scale], dtype=np.float64)
    se_alpha = np.array([one.se for one in scale], dtype=np.float64)
    fits = truth["fit"][model.method]
    own = {"ll": made.log_likelihood, "AIC": criteria.aic, "BIC": criteria.bic, "AICc": criteria.aicc}
    return {
        "beta": apart(made.beta, truth["beta"]),
        "se": apart([one.se for one in location], truth["se"]),
        "stat": apart(statistics, truth["stat"]) / 2,
        "pval": apart([one.p_value for one in location], truth["pval"]) / float(np.max(statistics**2)),
        "ci_lb": float(np.max(np.abs(np.array([one.ci_low for one in location]) - truth["ci_lb"]) / truth["se"])),
        "ci_ub": float(np.max(np.abs(np.array([one.ci_high for one in location]) - truth["ci_ub"]) / truth["se"])),
        "vb": apart(made.beta_covariance, truth["vb"]) / 2,
        "alpha": float(np.max(np.abs(alpha - truth["alpha"]) / truth["se_alpha"])),
        "se_alpha": apart(se_alpha, truth["se_alpha"]),
        "tau2": apart(made.tau2, truth["tau2"]),
        "QE": apart(made.q, truth["QE"]),
        "QM": apart(model.location_test.statistic, truth["QM"]) / 2,
        "QMp": apart(model.location_test.p_value, truth["QMp"]) / truth["QM"],
        "QS": apart(model.scale_test.statistic, truth["QS"]) / 2,
        "QSp": apart(model.scale_test.p_value, truth["QSp"]),
        "k": apart(model.k, truth["k"]),
        **{name: apart(value, fits[name]) for name, value in own.items()},
    }


@pytest.mark.parametrize("name", [name for name in CASES if "identity" not in name])
def test_agrees(name: str, r_cases: Mapping[str, Any]) -> None:
    case, inputs = case_of(r_cases, name)
    model, truth = fitted(case, inputs), case["outputs"]
    found = differences(model, truth)
    assert not {name: by for name, by in found.items() if by > TOLERANCE}
    compared = {*found, "fit", "QEp"}
    assert set(truth) - {"ll"} <= compared | NOT_OFFERED
    # The likelihood of the other kind, at the same τ².
    for kind, fits in truth["fit"].items():
        sample = Effects(np.array(inputs["yi"]), np.array(inputs["vi"]), np.array(inputs["X"], float), kind == "REML")
        assert model.tau2 is not None
        assert apart(sample.log_likelihood(model.tau2), fits["ll"]) < TOLERANCE


@pytest.mark.parametrize("name", [name for name in CASES if "identity" in name])
def test_is_higher_where_metafor_stops_short(name: str, r_cases: Mapping[str, Any]) -> None:
    case, inputs = case_of(r_cases, name)
    model, truth = fitted(case, inputs), case["outputs"]
    made = model.maximum
    assert made is not None
    exact = LocationScaleLikelihood(
        inputs["yi"], inputs["vi"], inputs["X"], inputs["Z"], link="identity", restricted=model.method == "REML"
    )
    ours, theirs = exact.at_tau2([mpmath.mpf(float(t)) for t in made.tau2]), exact(truth["alpha"])
    assert ours > theirs
    # How far they are from it: the likelihood agrees to far more than 1e-4, the coefficients do not.
    assert float(ours - theirs) < 1e-6
    assert apart(made.log_likelihood, truth["fit"][model.method]["ll"]) < 1e-7
    gradient = [float(value) for value in exact.gradient(made.alpha.tolist())]
    size = np.abs(np.array(inputs["Z"], dtype=np.float64)).max(axis=0)
    if not made.convergence.binding:
        # A maximum inside: no slope is left, and the standard errors are those of the exact information.
        step = mpmath.lu_solve(exact.hessian(made.alpha.tolist()), mpmath.matrix(gradient))
        assert max(abs(float(step[j])) for j in range(2)) < 1e-10 * np.abs(made.alpha).max()
        inverse = -(exact.hessian(made.alpha.tolist()) ** -1)
        se = [one.se for one in model.scale_coefficients]
        assert apart(se, [float(mpmath.sqrt(inverse[j, j])) for j in range(2)]) < 1e-9
    else:
        # A maximum on the edge: the slope points out of the cone, along the constraint of a study with tau² = 0.
        (edge,) = {tuple(inputs["Z"][i]) for i in np.nonzero(made.tau2 == 0.0)[0].tolist()}
        slope, row = np.array(gradient) * made.tau2.max() / size, np.array(edge) / size
        out = -float(slope @ row) / float(row @ row)
        assert out > 0.0
        assert np.abs(slope + out * row).max() < 1e-9 * np.abs(slope).max()
        assert all(one.se is None and one.reason for one in model.scale_coefficients)
        assert truth["se_alpha"] == [None, None]
