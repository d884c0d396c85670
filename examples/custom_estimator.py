"""Give the engine an estimator of τ² at run time: DerSimonian and Kacker's in two steps.

In a package of its own the module needs one entry point in the group ``evisynth`` and no registry; see
``examples/third-party-plugin``.
"""

from importlib.resources import files
from types import SimpleNamespace

import numpy as np

import evisynth as es
from evisynth.testing import check


def two_step(y: es.FloatArray, v: es.FloatArray, X: es.FloatArray) -> es.FloatArray:
    """Match Q to its expectation with weights that hold Hedges and Olkin's estimate."""
    crude = es.weighted_fit(y, np.ones_like(v), X)
    start = np.maximum((crude.rss - crude.trace_with(v)) / crude.dof, 0)
    fit = es.weighted_fit(y, 1 / (v + start), X)
    return np.asarray(start + (fit.rss - fit.dof) / fit.trace)


@es.hookimpl
def tau2_estimators() -> list[es.Tau2Estimator]:
    """Offer the estimate in two steps, the first by analysis of variance."""
    return [
        es.Tau2Estimator(
            "CA2",
            two_step,
            reference="DerSimonian & Kacker (2007), Contemp. Clin. Trials 28:105-114",
        )
    ]


registry = es.Registry()
registry.register(SimpleNamespace(tau2_estimators=tau2_estimators), "two_step")

trials = files("evisynth_validation") / "founding" / "mortality_kirkham_2022.csv"
for name in ("CA2", "DL", "REML", "PM"):
    analysis = es.fit(es.load(trials), measure="RR", settings="metafor", tau2=name, registry=registry)
    print(f"{name}: tau2 {analysis.heterogeneity.tau2:.4f}, {analysis!r}")

# The laws that every estimator of τ² keeps: shift, unit, order, batches, moderators, few studies.
check(registry.get(es.Tau2Estimator, "CA2"))
print("CA2 keeps the laws of its kind")
