"""Repeat `rma.mh` and `rma.peto`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import Agreement, fit
from evisynth_validation.metafor.stored import estimate_agreements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth.validation.agreements import MethodKey
    from evisynth_validation.metafor.stored import Stored

TOLERANCE = 1e-13


def pools(stored: Stored) -> Iterator[Agreement]:
    """Pool every set of tables by Mantel and Haenszel's method and by Peto's."""
    for case in stored.cases("pooled"):
        name = "Peto" if case["measure"] == "PETO" else "MH"
        methods: tuple[MethodKey, ...] = (("PoolingModel", name), ("EffectMeasure", case["measure"]))
        methods = (*methods, ("Correction", "metafor"))
        if not stored.asked.any_of(*methods):
            continue
        analysis = fit(
            dict(stored.results["data"][case["data"]]),
            case["measure"],
            method=name,
            model="common",
            settings="metafor",
            registry=stored.asked.registry,
        )
        truth, spread = case["pooled"], analysis.heterogeneity
        assert analysis.pooled is not None  # noqa: S101 - every set has tables with events
        yield from estimate_agreements(methods, case["id"], "", analysis.pooled, truth, TOLERANCE)
        q = float(spread.q or 0.0)
        yield Agreement(methods, case["id"], "k of Q", truth["k_q"], None if spread.df is None else spread.df + 1)
        yield Agreement(methods, case["id"], "q", truth["q"], spread.q, tolerance=TOLERANCE, floor=TOLERANCE)
        yield Agreement(
            methods, case["id"], "q_p", truth["q_p"], spread.p_value, tolerance=TOLERANCE, condition=1.0 + q
        )
