"""Read the stored results, and hold estimates to them."""

from __future__ import annotations

from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth import Agreement, Effects, MetaAnalysis, fit, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evisynth import Asked, Estimate, FloatArray
    from evisynth.validation.agreements import MethodKey


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties
class Stored:
    """Hold what metafor gave, and what is asked for."""

    asked: Asked

    @cached_property
    def results(self) -> Mapping[str, Any]:
        """The whole file."""
        text = files("evisynth_validation").joinpath("metafor", "expected.json").read_text(encoding="utf-8")
        made: Mapping[str, Any] = read_json(text, "expected.json")
        return made

    def cases(self, quantity: str) -> Iterator[Mapping[str, Any]]:
        """Give the cases that hold a quantity; every fifth where there is little time."""
        found = [case for case in self.results["cases"] if quantity in case]
        return iter(found[::5] if self.asked.quick else found)

    def effects_of(self, case: Mapping[str, Any]) -> Effects:
        """Give the effect sizes that a case is made of."""
        given = self.results["effects"][case["effects"]]
        return Effects(given["yi"], given["vi"])

    def analysis(self, case: Mapping[str, Any], **words: Any) -> MetaAnalysis:  # noqa: ANN401 - words of `fit`
        """Fit the model of a case."""
        method, test = case.get("method", "EE"), case.get("test", "z")
        return fit(
            self.effects_of(case),
            settings="metafor",
            tau2="DL" if method == "EE" else method,
            model="common" if method == "EE" else "random",
            interval="Wald" if test == "z" else "HK",
            adhoc=test == "adhoc",
            moderators=self._moderators(case),
            registry=self.asked.registry,
            **words,
        )

    def _moderators(self, case: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if "moderators" not in case:
            return None
        columns = self.results["moderators"][case["effects"].split()[0]]
        return {name: columns[name] for name in case["moderators"]}


def methods_of(case: Mapping[str, Any]) -> tuple[MethodKey, ...]:
    """Name the methods behind the coefficients of a case."""
    interval = ("IntervalMethod", "Wald" if case.get("test", "z") == "z" else "HK")
    return ("PoolingModel", "IV"), interval, *estimator_of(case)


def estimator_of(case: Mapping[str, Any]) -> tuple[MethodKey, ...]:
    """Name the estimator of τ²; none with a common effect."""
    return () if case.get("method", "EE") == "EE" else (("Tau2Estimator", case["method"]),)


def condition_of(analysis: MetaAnalysis) -> float:
    """Give the factor by which rounding of effects can grow in differences of sums, 1 without moderators.

    metafor inverts X'WX; its condition number is that of the weighted design squared.
    """
    if not analysis.is_regression or analysis.fit is None:
        return 1.0
    weighted: FloatArray = np.sqrt(analysis.fit.w)[:, None] * analysis.X
    return float(np.linalg.cond(weighted / np.linalg.norm(weighted, axis=0)) ** 2)


def estimate_agreements(
    methods: tuple[MethodKey, ...],
    case: str,
    name: str,
    estimate: Estimate,
    truth: Mapping[str, Any],
    tolerance: float,
    *,
    condition: float = 1.0,
) -> Iterator[Agreement]:
    """Compare the numbers of an estimate that are there: what it is, its error, its test and its limits.

    Where a value is near 0 its error is measured in standard errors; that of a p-value grows with the square of the
    statistic.
    """
    z = estimate.statistic
    found = {
        "estimate": (estimate.value, 1.0, estimate.se),
        "se": (estimate.se, 1.0, 0.0),
        "statistic": (z, 1.0, 1.0),
        "p": (estimate.p_value, 1.0 + z * z, 0.0),
        "ci_low": (estimate.ci_low, 1.0, estimate.se),
        "ci_high": (estimate.ci_high, 1.0, estimate.se),
    }
    for quantity, (value, growth, unit) in found.items():
        if quantity in truth:
            yield Agreement(
                methods,
                case,
                f"{name}{quantity}",
                truth[quantity],
                value,
                tolerance=tolerance,
                condition=growth * condition,
                floor=tolerance * condition * unit,
            )
