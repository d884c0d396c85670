"""Repeat `regtest` and `trimfill`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth import Agreement, bias
from evisynth_validation.metafor.stored import estimate_agreements, estimator_of
from evisynth_validation.metafor.uni import tolerance_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evisynth_validation.metafor.stored import Stored

STOPS_EARLY = "trimfill hands the tightened control on neither to its trimming nor to the centre it fills about"
EARLY = 1e-4
"""What metafor's default threshold of 1e-5 for τ² can move an adjusted estimate by, of itself or its error."""


def small_study_effects(stored: Stored) -> Iterator[Agreement]:
    """Test for funnel plot asymmetry and fill in missing studies."""
    for case in stored.cases("egger"):
        if stored.asked.any_of(("BiasTest", "Egger")):
            yield from _egger(stored, case)
    for case in stored.cases("trim_and_fill"):
        if stored.asked.any_of(("Adjustment", "trim-and-fill")):
            yield from _filled(stored, case)


def _egger(stored: Stored, case: Mapping[str, Any]) -> Iterator[Agreement]:
    truth, classical = case["egger"], case["egger_model"] == "lm"
    methods = (("BiasTest", "Egger"), *estimator_of(case))
    analysis = stored.analysis(case)
    found = bias(analysis, "Egger", variant="classical" if classical else "mixed", registry=stored.asked.registry)
    tolerance = tolerance_of(case)
    z, limit = float(found.statistic or 0.0), found.limit
    assert limit is not None  # noqa: S101 - the predictor is the standard error
    values: dict[str, tuple[float | None, float, float]] = {
        "statistic": (found.statistic, 1.0, 1.0),
        "p": (found.p_value, (1.0 + z * z), 0.0),
        "df": (found.df, 1.0, 0.0),
        "limit": (limit.value, 1.0, limit.se),
        "limit_low": (limit.ci_low, 1.0, limit.se),
        "limit_high": (limit.ci_high, 1.0, limit.se),
    }
    for quantity, (value, condition, unit) in values.items():
        if quantity in truth:
            yield Agreement(
                methods,
                case["id"],
                quantity,
                truth[quantity],
                value,
                tolerance=tolerance,
                condition=condition,
                floor=tolerance * condition * unit,
            )


def _filled(stored: Stored, case: Mapping[str, Any]) -> Iterator[Agreement]:
    truth, methods = case["trim_and_fill"], (("Adjustment", "trim-and-fill"), *estimator_of(case))
    analysis = stored.analysis(case)
    found = bias(analysis, "trim-and-fill", estimator=case["estimator"], registry=stored.asked.registry)
    tolerance, name = tolerance_of(case), case["id"]
    yield Agreement(methods, name, "k0", truth["k0"], len(found.added))
    yield Agreement(methods, name, "side", truth["side"], found.side)
    error = found.figures.get("SE of missing studies")
    yield Agreement(methods, name, "k0_se", truth["k0_se"], error, tolerance=tolerance)
    if "k0_p" in truth:
        yield Agreement(methods, name, "k0_p", truth["k0_p"], found.p_value, tolerance=tolerance)
    assert found.after is not None  # noqa: S101 - an adjusted estimate, as every case here has
    assert found.analysis is not None  # noqa: S101 - as above
    adjusted = list(estimate_agreements(methods, name, "", found.after, truth, tolerance))
    if "tau2" in truth:
        floor = tolerance * float(np.mean(analysis.effects.v))
        tau2 = found.analysis.heterogeneity.tau2
        adjusted.append(Agreement(methods, name, "tau2", truth["tau2"], tau2, tolerance=tolerance, floor=floor))
    iterative = case["method"] not in {"EE", "DL"}
    for one in adjusted:
        yield attrs.evolve(one, divergence=STOPS_EARLY) if iterative and one.error <= EARLY else one
