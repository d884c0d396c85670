"""Test whether significant p-values hold evidence, by the skew of their distribution (p-curve)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import (
    BiasResult,
    BiasTest,
    BoolArray,
    Estimate,
    FloatArray,
    MetaAnalysis,
    bracketed_root,
    hookimpl,
    normal_quantile,
)
from evisynth_estimators.conditional_tails import log_complement, log_conditional_tail
from evisynth_estimators.p_uniform import Conditional
from evisynth_estimators.significant_studies import (
    NONE_SIGNIFICANT,
    SIDES,
    Selected,
    checked_share,
    checked_word,
    selected_studies,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "p-curve"
REFERENCE = (
    "Simonsohn, Nelson & Simmons (2014), J. Exp. Psychol. Gen. 143:534-547; half p-curve, Stouffer's method: "
    "Simonsohn, Simmons & Nelson (2015), J. Exp. Psychol. Gen. 144:1146-1152; effect and power: Simonsohn, Nelson & "
    "Simmons (2014), Perspect. Psychol. Sci. 9:666-681"
)
VARIANT = "right skew of the full p-curve, Stouffer's method: a small p-value speaks for an effect, not for bias"
BOTH = "both"
EVIDENCE = "evidential value: {present}; evidence absent or inadequate: {absent} (rules of Simonsohn et al. 2015)"
NOT_ALL = (
    "p-curve's estimates take one power and one effect for all studies: where effects vary they are too high (van Aert "
    "et al. 2016, Perspect. Psychol. Sci. 11:713-729)"
)
WEAK = 1.0 / 3.0
"""The power that flatness is tested against."""
_STRONG, _MILD = 0.05, 0.1
_FARTHEST = 200.0


def p_curve(analysis: MetaAnalysis, *, side: str = "auto", alpha: float = 0.05, power_level: float = 0.9) -> BiasResult:
    """Combine the significant p-values, given that they are significant, by Stouffer's method.

    Without an effect ``pp = p/alpha`` is uniform, and with one it is skewed to the right. Statistic and p-value of the
    result are ``Σ Φ⁻¹(pp)/√k`` and its lower tail. ``table`` holds all tests: right skew of the full curve, of the
    half curve (p < alpha/2) and by the number of p-values below alpha/2; and the same three for being flatter than
    if power were 33 %. ``parameters["power"]`` is the power at which the statistic is 0, with the interval of
    ``power_level`` at which it is ∓z, no lower than alpha; ``figures["effect"]`` is the effect with the least
    Kolmogorov–Smirnov distance, of studies on one side, no lower than 0. Whether evidence is present, or absent or
    inadequate, is among the ``figures`` as 1 or 0 and in ``warnings`` in words.

    p-values are those of z tests, two-sided. ``side`` is the side whose significant studies are taken: ``"auto"`` that
    of the pooled effect, ``"right"``, ``"left"`` or ``"both"``, as the p-curve app does with all that it is given. The
    result has a reason for a meta-regression and where no study is significant. Raises `SettingsError` for other words
    and for levels that are not between 0 and 1.
    """
    checked_word(NAME, "side", side, (*SIDES, BOTH))
    checked_share(NAME, "power_level", power_level)
    studies = selected_studies(analysis, NAME, "auto" if side == BOTH else side, alpha)
    made = BiasResult(name=NAME, variant=VARIANT, symbol="z", reference=REFERENCE)
    if isinstance(studies, str):
        return attrs.evolve(made, reason=studies)
    size = np.abs(studies.z) if side == BOTH else studies.z
    taken = size > studies.cut
    k = int(taken.sum())
    made = attrs.evolve(made, k=k, side=None if side == BOTH else studies.side)
    if not k:
        where = "either" if side == BOTH else studies.side
        return attrs.evolve(made, reason=NONE_SIGNIFICANT.format(name=NAME, k=studies.y.size, alpha=alpha, side=where))
    curve = Curve(size[taken], alpha)
    tests = curve.tests()
    full = tests["right skew, full"]
    present = tests["right skew, half"].p_value < _STRONG or (
        max(tests["right skew, half"].p_value, full.p_value) < _MILD
    )
    absent = tests["flatter than 33 % power, full"].p_value < _STRONG or (
        max(tests["flatter than 33 % power, half"].p_value, tests["flatter than 33 % power, binomial"].p_value) < _MILD
    )
    figures = {
        "significant studies": float(k),
        "studies with p below half the level": float(curve.half.sum()),
        "evidential value": float(present),
        "evidence absent or inadequate": float(absent),
    }
    if side != BOTH:
        figures["effect"] = _effect(studies)
    said = EVIDENCE.format(present="yes" if present else "no", absent="yes" if absent else "no")
    return attrs.evolve(
        made,
        statistic=full.statistic,
        p_value=full.p_value,
        parameters={"power": curve.power(power_level)},
        table=tuple(test.row(name) for name, test in tests.items()),
        figures=figures,
        warnings=(said, NOT_ALL),
    )


def _effect(studies: Selected) -> float:
    found = max(Conditional.of(studies).least_kolmogorov_smirnov(), 0.0)
    return studies.sign * found


@attrs.frozen
class _Test:
    """Hold one of the tests of the table: z, or a number of p-values where it is binomial."""

    k: int
    statistic: float
    p_value: float

    def row(self, name: str) -> Mapping[str, float | str | None]:
        return {"test": name, "k": float(self.k), "statistic": self.statistic, "p_value": self.p_value}


@attrs.frozen(eq=False)
class Curve:
    """The sizes of k significant z ``(k,)`` at a two-sided level of ``alpha``."""

    z: FloatArray
    alpha: float

    @property
    def half(self) -> BoolArray:
        """Which have a p-value below half the level, ``(k,)``."""
        return np.asarray(self.z > normal_quantile(1.0 - 0.5 * self.alpha))

    def tests(self) -> Mapping[str, _Test]:
        """Make the six tests by name."""
        weak = noncentrality(WEAK, self.alpha)
        below = int(self.half.sum())
        found: dict[str, _Test] = {}
        for name, delta in (("right skew", 0.0), ("flatter than 33 % power", weak)):
            rises = 1.0 if name == "right skew" else -1.0
            for part, sizes, alpha in (
                ("full", self.z, self.alpha),
                ("half", self.z[self.half], 0.5 * self.alpha),
            ):
                found[f"{name}, {part}"] = _stouffer(sizes, alpha, delta, rises)
            found[f"{name}, binomial"] = self._binomial(below, delta, more=rises > 0)
        return found

    def _binomial(self, below: int, delta: float, *, more: bool) -> _Test:
        from scipy.special import bdtr, bdtrc  # noqa: PLC0415 - scipy comes with the first fit

        k = self.z.size
        share = math.exp(
            log_two_sided(normal_quantile(1.0 - 0.5 * self.alpha), delta)
            - log_two_sided(normal_quantile(1.0 - self.alpha), delta)
        )
        tail = bdtrc(below - 1, k, share) if more and below else 1.0 if more else bdtr(below, k, share)
        return _Test(k, float(below), float(tail))

    def power(self, level: float) -> Estimate:
        """Give the power at which Stouffer's z is 0, with the interval at which it is -z and z."""
        bound = normal_quantile(level)
        value, low, high = (self._power_at(z) for z in (0.0, bound, -bound))
        nothing = math.nan
        return Estimate(value, nothing, low, high, nothing, None, nothing, nothing, level)

    def _power_at(self, target: float) -> float:
        """Give the power at which the z of less extreme p-values is ``target``; it falls as power rises."""

        def gap(delta: float) -> float:
            return target - float(_scores(self.z, self.alpha, delta).sum()) / math.sqrt(self.z.size)

        at_zero = gap(0.0)
        if at_zero >= 0.0:
            return self.alpha
        high = 1.0
        while gap(high) < 0.0 and high < _FARTHEST * float(self.z.max()):
            high *= 2.0
        delta = bracketed_root(gap, 0.0, high, at_zero, gap(high))
        return math.exp(log_two_sided(normal_quantile(1.0 - self.alpha), delta))


def log_two_sided(size: float, delta: float) -> float:
    """Give the logarithm of the probability that a normal with mean ``delta`` is beyond ±``size``."""
    from scipy.special import log_ndtr  # noqa: PLC0415 - scipy comes with the first fit

    return float(np.logaddexp(log_ndtr(delta - size), log_ndtr(-delta - size)))


def noncentrality(power: float, alpha: float) -> float:
    """Give the mean of z at which a two-sided test has a power above its level."""
    cut = normal_quantile(1.0 - alpha)
    if power <= alpha:
        return 0.0

    def gap(delta: float) -> float:
        return log_two_sided(cut, delta) - math.log(power)

    far = cut + 40.0
    return bracketed_root(gap, 0.0, far, gap(0.0), gap(far))


def _scores(z: FloatArray, alpha: float, delta: float) -> FloatArray:
    """Give Φ⁻¹ of the probability of a less extreme z, given that it is significant, under mean ``delta``."""
    from scipy.special import log_ndtr, ndtri_exp  # noqa: PLC0415 - scipy comes with the first fit

    cut = normal_quantile(1.0 - alpha)
    above = z - cut
    # The two sides of the test, each as its share of the cut's tail.
    near, far = log_ndtr(delta - cut), log_ndtr(-delta - cut)
    log_near = log_conditional_tail(above, np.full(z.shape, cut - delta))
    log_far = log_conditional_tail(above, np.full(z.shape, cut + delta))
    whole = np.logaddexp(near, far)
    more = np.logaddexp(near + log_near, far + log_far) - whole
    less = np.logaddexp(near + log_complement(log_near), far + log_complement(log_far)) - whole
    smaller = np.minimum(np.minimum(more, less), 0.0)
    size = np.asarray(ndtri_exp(smaller), dtype=np.float64)
    return np.where(less < more, size, -size)


def _stouffer(z: FloatArray, alpha: float, delta: float, rises: float) -> _Test:
    """Add the scores up; right skew has many extreme ones, which count as negative there."""
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first fit

    if not z.size:
        return _Test(0, 0.0, 1.0)
    total = -rises * float(_scores(z, alpha, delta).sum()) / math.sqrt(z.size)
    return _Test(z.size, total, float(ndtr(total)))


@hookimpl
def bias_tests() -> list[BiasTest]:
    """Offer p-curve."""
    return [
        BiasTest(
            NAME,
            p_curve,
            formula="Z = Σ Φ⁻¹(ppᵢ)/√k, ppᵢ = pᵢ/α, of the k studies with pᵢ < α",
            reference=REFERENCE,
            r_equivalent="dmetar::pcurve(res)",
        )
    ]
