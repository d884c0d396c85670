"""Give the engine an estimator of τ² at run time: Sidik and Jonkman's.

In a package of its own the module needs one entry point in the group ``evisynth`` and no registry; see
``examples/third-party-plugin``.
"""

from importlib.resources import files
from types import SimpleNamespace

import numpy as np

import evisynth as es
from evisynth.testing import check


def sidik_jonkman(y: es.FloatArray, v: es.FloatArray, X: es.FloatArray) -> es.FloatArray:
    """Match the residuals, weighed by a crude estimate of τ², to their expectation: above 0 for effects that differ."""
    k = y.shape[0]
    crude = es.weighted_fit(y, np.ones_like(v), X).rss / k
    # Where all effects are equal every estimate is 0, and any weights will do.
    ratio = v / np.where(crude > 0, crude, 1.0)
    fit = es.weighted_fit(y, 1 / (ratio + 1), X)
    return np.asarray(fit.rss / fit.dof)


@es.hookimpl
def tau2_estimators() -> list[es.Tau2Estimator]:
    """Offer Sidik and Jonkman's estimator."""
    return [
        es.Tau2Estimator(
            "SJ",
            sidik_jonkman,
            reference="Sidik & Jonkman (2005), J. R. Stat. Soc. C 54:367-384",
            r_equivalent="metafor::rma(yi, vi, method='SJ')",
        )
    ]


registry = es.Registry()
registry.register(SimpleNamespace(tau2_estimators=tau2_estimators), "sidik_jonkman")

trials = files("evisynth_validation") / "founding" / "mortality_kirkham_2022.csv"
for name in ("SJ", "DL", "REML", "PM"):
    analysis = es.fit(es.load(trials), measure="RR", settings="metafor", tau2=name, registry=registry)
    print(f"{name}: tau2 {analysis.heterogeneity.tau2:.4f}, {analysis!r}")

# The laws that every estimator of τ² keeps: shift, unit, order, batches, moderators, few studies.
check(registry.get(es.Tau2Estimator, "SJ"))
print("SJ keeps the laws of its kind")
