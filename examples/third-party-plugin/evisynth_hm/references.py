"""Hold the estimator to its formula, computed in fractions by generate.py."""

import json
from collections.abc import Iterator
from importlib.resources import files

from evisynth import Agreement, Asked, Effects, Method, Tau2Estimator, fit


def exact_results(asked: Asked) -> Iterator[Agreement]:
    """Fit every sample of expected.json again, as any user would."""
    for method in asked.records(Tau2Estimator):
        if method.name != "HM":
            continue
        cases = json.loads((files("evisynth_hm") / "expected.json").read_text(encoding="utf-8"))
        for case in cases:
            analysis = fit(Effects(case["y"], case["v"]), tau2="HM", settings="metafor", registry=asked.registry)
            yield Agreement(method, case["name"], "τ²", case["tau2"], analysis.heterogeneity.tau2, tolerance=1e-13)


def absent(method: Method) -> str:
    """Say why another method is not compared here."""
    return f"{method.kind} {method.name} is not Hartung and Makambi's estimator"
