"""Say how much effects differ between studies: Cochran's Q, τ², I², H² and their limits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.inference import tau2_limits
from evisynth.kernels.distributions import chi2_p_value
from evisynth.kernels.weighted_fit import weighted_fit
from evisynth.models import NO_STUDIES, ONE_STUDY, interval_of

NOT_OF_THIS_MODEL = "intervals for tau² are of models that weigh by inverse variances"

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.fits import Fit, Interval
    from evisynth.pooling import Methods, Pooled
    from evisynth.settings import Settings


@attrs.frozen(eq=False)
class Heterogeneity:
    """Hold how much effects differ between studies; I² in percent, None with a reason in ``reasons``."""

    q: float | None
    df: int | None
    p_value: float | None
    tau2: float | None
    tau2_se: float | None
    i2: float | None
    i2_q: float | None
    i2_tau2: float | None
    h2: float | None
    reasons: Mapping[str, str]
    typical_variance: float | None
    """Within-study variance that I² and H² compare τ² with, ``df / tr(P)``."""
    r_b: float | None
    """Share of the variance of the pooled effect that is due to τ², percent; Crippa et al. (2016), Epidemiol. Biostat.
    Public Health 13:e11695."""
    tau2_modes: int | None
    """Number of local maxima of the likelihood of τ², where the estimator counts them; the estimate is the highest."""
    tau2_limits: tuple[Interval | None, str | None]
    """Interval of τ², and why there is none or what to know about it."""
    i2_limits: tuple[Interval | None, str | None]
    """Interval of τ² that the limits of I² and H² follow from, and why there is none or what to know about it."""

    @property
    def tau(self) -> float | None:
        """Between-study standard deviation."""
        return _root(self.tau2)

    @property
    def h(self) -> float | None:
        """Square root of H²."""
        return _root(self.h2)

    @property
    def tau2_ci_low(self) -> float | None:
        """Lower limit of τ²."""
        return None if self.tau2_limits[0] is None else self.tau2_limits[0].low

    @property
    def tau2_ci_high(self) -> float | None:
        """Upper limit of τ²; infinite where it is unbounded."""
        return None if self.tau2_limits[0] is None else self.tau2_limits[0].high

    @property
    def tau2_ci_reason(self) -> str | None:
        """Why there is no interval for τ², or what to know about it."""
        return self.tau2_limits[1]

    @property
    def tau_ci_low(self) -> float | None:
        """Lower limit of τ."""
        return _root(self.tau2_ci_low)

    @property
    def tau_ci_high(self) -> float | None:
        """Upper limit of τ; infinite where it is unbounded."""
        return _root(self.tau2_ci_high)

    @property
    def i2_ci_low(self) -> float | None:
        """Lower limit of I², percent."""
        return self._i2_limit("low")

    @property
    def i2_ci_high(self) -> float | None:
        """Upper limit of I², percent; 100 where τ² is unbounded."""
        return self._i2_limit("high")

    @property
    def h2_ci_low(self) -> float | None:
        """Lower limit of H²."""
        return self._h2_limit("low")

    @property
    def h2_ci_high(self) -> float | None:
        """Upper limit of H²; infinite where τ² is unbounded."""
        return self._h2_limit("high")

    @property
    def i2_ci_reason(self) -> str | None:
        """Why there are no limits of I² and H², or what to know about them."""
        return self.i2_limits[1]

    def _i2_limit(self, end: str) -> float | None:
        limits = self.i2_limits[0]
        if limits is None or self.typical_variance is None:
            return None
        tau2: float = getattr(limits, end)
        return 100.0 * (tau2 / (tau2 + self.typical_variance)) if math.isfinite(tau2) else 100.0

    def _h2_limit(self, end: str) -> float | None:
        limits = self.i2_limits[0]
        if limits is None or self.typical_variance is None:
            return None
        return 1.0 + float(getattr(limits, end)) / self.typical_variance


def _root(value: float | None) -> float | None:
    return None if value is None else math.sqrt(value)


def heterogeneity_of(pooled: Pooled, settings: Settings, methods: Methods, absent: str | None) -> Heterogeneity:
    """Describe the heterogeneity of one analysis with residual degrees of freedom.

    ``absent`` says why there is no random-effects model, where there is none.
    """
    df = pooled.q_df
    q = float(pooled.q)
    random = pooled.random
    tau2_fit = random.tau2_fit if random is not None else None
    tau2 = float(random.tau2) if random is not None and tau2_fit is not None else None
    i2_q = 100.0 * max(0.0, (q - df) / q) if q > 0 else 0.0
    reasons: dict[str, str] = {}
    i2_tau2 = h2_tau2 = typical = r_b = None
    if random is not None and tau2 is not None:
        common = pooled.common
        weighted = (common and common.weighted) or weighted_fit(random.y, 1.0 / random.v, random.X)
        typical = df / float(weighted.trace)
        i2_tau2 = 100.0 * (tau2 / (tau2 + typical))
        h2_tau2 = 1.0 + tau2 / typical
        r_b = 100.0 * tau2 * float(np.add.reduce(1.0 / (random.v + tau2))) / random.k
    else:
        none = None if random is None else random.no_tau2
        reasons |= dict.fromkeys(("tau2", "tau", "i2_tau2", "r_b"), absent or none or NO_STUDIES)
    by_tau2 = settings.i2 == "tau2" and settings.model == "random" and i2_tau2 is not None
    se = tau2_fit.se if tau2_fit is not None else None
    if se is None and tau2 is not None:
        reasons["tau2_se"] = f"{_whose(methods)} gives no standard error"
    modes = None if tau2_fit is None or tau2_fit.modes is None else int(tau2_fit.modes)
    if modes is None:
        reasons["tau2_modes"] = reasons.get("tau2", f"{_whose(methods)} counts no maxima")
    h2 = h2_tau2 if by_tau2 else q / df
    tau2_limits, i2_limits = _limits(random, q, h2, settings, methods, absent)
    return Heterogeneity(
        q=q,
        df=df,
        p_value=float(chi2_p_value(q, df)),
        tau2=tau2,
        tau2_se=None if se is None else float(se),
        i2=i2_tau2 if by_tau2 else i2_q,
        i2_q=i2_q,
        i2_tau2=i2_tau2,
        h2=h2,
        reasons=reasons,
        typical_variance=typical,
        r_b=r_b,
        tau2_modes=modes,
        tau2_limits=tau2_limits,
        i2_limits=i2_limits,
    )


def _whose(methods: Methods) -> str:
    own = methods.pooling.random == "own"
    return f"method {methods.pooling.name}" if own else f"estimator {methods.tau2.name}"


def _limits(
    random: Fit | None, q: float, h2: float | None, settings: Settings, methods: Methods, absent: str | None
) -> tuple[tuple[Interval | None, str | None], tuple[Interval | None, str | None]]:
    """Give the interval for τ², and the one that the limits of I² and H² follow from."""
    found: dict[str, tuple[Interval | None, str | None]] = {}
    for record in (methods.tau2_interval, methods.i2_interval):
        if record is None or record.name in found:
            continue
        if random is None or random.dof < 1:
            found[record.name] = None, absent or ONE_STUDY
            continue
        if random.weighted is None:
            found[record.name] = None, random.no_tau2 or NOT_OF_THIS_MODEL
            continue
        shown = None if h2 is None else np.asarray(h2)
        limits = tau2_limits(methods, record, random, settings, q=np.asarray(q), h2=shown)
        found[record.name] = interval_of(limits)
    not_asked: tuple[None, str] = None, "no interval for tau² was asked for"
    of_tau2 = not_asked if methods.tau2_interval is None else found[methods.tau2_interval.name]
    return of_tau2, of_tau2 if methods.i2_interval is None else found[methods.i2_interval.name]


def no_heterogeneity(reason: str, q: float | None, df: int | None) -> Heterogeneity:
    """Say why there is nothing to tell about heterogeneity, beside Q and its degrees of freedom."""
    names = (
        "p_value",
        "tau2",
        "tau",
        "tau2_se",
        "i2",
        "i2_q",
        "i2_tau2",
        "h2",
        "r_b",
        "tau2_modes",
        *(("q", "df") if q is None else ()),
    )
    return Heterogeneity(
        q=q,
        df=df,
        p_value=None,
        tau2=None,
        tau2_se=None,
        i2=None,
        i2_q=None,
        i2_tau2=None,
        h2=None,
        reasons=dict.fromkeys(names, reason),
        typical_variance=None,
        r_b=None,
        tau2_modes=None,
        tau2_limits=(None, reason),
        i2_limits=(None, reason),
    )
