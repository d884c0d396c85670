"""Hold the result of a location–scale model: numbers only, with the reason where there is none."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.kernels.distributions import normal_quantile, t_quantile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from evisynth.designs import Design
    from evisynth.kernels.arrays import FloatArray
    from evisynth.studies import Effects

_WIDE = 300.0
"""Half-width of an interval of log τ² beyond which it says nothing."""
REFERENCE = "Viechtbauer & López-López (2022), Location-scale models for meta-analysis, Res. Synth. Methods 13:697-715"


@attrs.frozen
class Coefficient:
    """Hold one coefficient with its interval and test; numbers that do not exist are None, with the ``reason``.

    ``unbounded`` says that the likelihood rises for ever as the coefficient runs off: ``"below"`` (to −∞), ``"above"``
    (to +∞), or ``"undetermined"`` (it runs off with others, and which way is open); None for a finite one.
    """

    term: str
    value: float | None
    se: float | None
    ci_low: float | None
    ci_high: float | None
    statistic: float | None
    df: float | None
    p_value: float | None
    log_p_value: float | None
    level: float
    unbounded: str | None = None
    reason: str | None = None


@attrs.frozen
class Omnibus:
    """Hold a test that several coefficients are 0: χ² (``df_residual`` None) or F; None with the ``reason``."""

    statistic: float | None
    df: int
    df_residual: float | None
    p_value: float | None
    terms: tuple[str, ...]
    reason: str | None = None


@attrs.frozen
class Convergence:
    """Say how the global maximum was found.

    ``starts`` climbs were made, which ended at ``modes`` different maxima; the highest took ``steps`` steps and was
    ``settled`` to the last bits. ``binding`` constraints of the identity link hold it.
    """

    settled: bool
    steps: int
    starts: int
    modes: int
    binding: int


@attrs.frozen
class InformationCriteria:
    """Hold AIC, BIC and AIC corrected for few studies.

    ``n`` is the number of studies, less the location coefficients under the restricted likelihood, and
    ``parameters`` counts the coefficients of both parts.
    """

    aic: float
    bic: float
    aicc: float
    n: int
    parameters: int


@attrs.frozen(eq=False)
class Maximum:
    """Hold the arrays of a fitted model, in the unit of the effects.

    ``beta`` ``(p,)``, ``alpha`` ``(q,)`` (NaN where unbounded), covariances ``(p, p)`` and ``(q, q)`` (NaN where there
    is none), ``tau2`` and ``w`` ``(k,)``.
    """

    beta: FloatArray
    beta_covariance: FloatArray
    alpha: FloatArray
    alpha_covariance: FloatArray
    tau2: FloatArray
    w: FloatArray
    log_likelihood: float
    q: float
    convergence: Convergence


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties fastest
class LocationScale:
    """Hold a location–scale model: effects about ``x'β`` with a between-study variance of ``exp(z'α)`` or ``z'α``.

    Without a ``maximum`` the ``reason`` says why. ``rows`` are the rows of the input that are fitted, from 0.
    """

    effects: Effects
    rows: tuple[int, ...]
    location_design: Design
    scale_design: Design
    link: str
    method: str
    test: str
    level: float
    maximum: Maximum | None
    location_coefficients: tuple[Coefficient, ...] = ()
    scale_coefficients: tuple[Coefficient, ...] = ()
    location_test: Omnibus | None = None
    """Wald test of the location coefficients but the intercept."""
    scale_test: Omnibus | None = None
    """Wald test of the scale coefficients but the intercept."""
    likelihood_ratio: Omnibus | None = None
    """Likelihood-ratio test of the model against one τ² for all studies."""
    criteria: InformationCriteria | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def k(self) -> int:
        """Number of studies fitted."""
        return len(self.rows)

    @property
    def k_total(self) -> int:
        """Number of studies given."""
        return len(self.effects)

    @cached_property
    def location(self) -> Mapping[str, Coefficient]:
        """Location coefficients β by name."""
        return {one.term: one for one in self.location_coefficients}

    @cached_property
    def scale(self) -> Mapping[str, Coefficient]:
        """Scale coefficients α by name."""
        return {one.term: one for one in self.scale_coefficients}

    @property
    def tau2(self) -> FloatArray | None:
        """Fitted between-study variance of every study that is fitted, ``(k,)``."""
        return None if self.maximum is None else self.maximum.tau2

    @property
    def log_likelihood(self) -> float | None:
        """Logarithm of the (restricted) likelihood."""
        return None if self.maximum is None else self.maximum.log_likelihood

    @property
    def convergence(self) -> Convergence | None:
        """How the global maximum was found."""
        return None if self.maximum is None else self.maximum.convergence

    @property
    def tau2_limits(self) -> tuple[FloatArray, FloatArray] | None:
        """Limits of every fitted τ² ``(k,)``, NaN where there are none: Wald's on the scale of the link."""
        made = self.maximum
        if made is None:
            return None
        Z = self.scale_design.matrix[list(self.rows)]
        known = np.isfinite(made.alpha)
        # A study whose τ² hangs on a coefficient that runs off has no interval.
        usable = ~(Z[:, ~known] != 0.0).any(axis=1)
        variance = np.einsum("ki,ij,kj->k", Z[:, known], made.alpha_covariance[np.ix_(known, known)], Z[:, known])
        df = self.k - int(Z.shape[1])
        quantile = (
            normal_quantile(self.level) if self.test == "z" else float(t_quantile(self.level, df)) if df else np.nan
        )
        with np.errstate(over="ignore", invalid="ignore"):
            half = quantile * np.sqrt(np.where(usable, variance, np.nan))
            if self.link == "log":
                # Where τ² is beyond the range of doubles at a limit, there is none.
                shift = np.where(half < _WIDE, half, np.nan)
                low, high = made.tau2 * np.exp(-shift), made.tau2 * np.exp(shift)
            else:
                low, high = np.maximum(made.tau2 - half, 0.0), made.tau2 + half
        return np.asarray(low), np.asarray(high)

    def coefficient_records(self) -> list[dict[str, Any]]:
        """Give a row per coefficient, those of location first."""
        parts = (("location", self.location_coefficients), ("scale", self.scale_coefficients))
        return [{"part": part, **attrs.asdict(one)} for part, ones in parts for one in ones]

    def study_records(self) -> list[dict[str, Any]]:
        """Give a row per study of the input with its fitted mean and τ², or the reason why it is not fitted."""
        made, limits, effects = self.maximum, self.tau2_limits, self.effects
        fitted: dict[int, dict[str, float | None]] = {}
        if made is not None and limits is not None:
            means = self.location_design.matrix[list(self.rows)] @ made.beta
            share = 100.0 * made.w / made.w.sum()
            columns = zip(means, made.tau2, *limits, share, strict=True)
            names = ("fitted", "tau2", "tau2_ci_low", "tau2_ci_high", "weight")
            for row, values in zip(self.rows, columns, strict=True):
                fitted[row] = dict(zip(names, map(_number, values), strict=True))
        nothing: dict[str, float | None] = dict.fromkeys(("fitted", "tau2", "tau2_ci_low", "tau2_ci_high", "weight"))
        included = set(self.rows)
        records: list[dict[str, Any]] = []
        for row in range(self.k_total):
            seen = row in included
            records.append(
                {
                    "row": row + 1,
                    "study": effects.study[row],
                    "effect": float(effects.y[row]) if seen else None,
                    "se": float(np.sqrt(effects.v[row])) if seen else None,
                    **fitted.get(row, nothing),
                    "included": seen,
                    "reason": effects.reasons.get(row),
                }
            )
        return records

    def to_frame(self, of: str = "coefficients") -> pd.DataFrame:
        """Give the ``coefficients``, or the ``studies``, as a table with columns of the glossary."""
        import pandas as pd  # noqa: PLC0415 - pandas only when asked for

        return pd.DataFrame(self.coefficient_records() if of == "coefficients" else self.study_records())

    def to_dict(self) -> dict[str, Any]:
        """Give the whole result as JSON-ready values, without NaN or infinity."""
        made = self.maximum
        document: dict[str, Any] = {
            "kind": "location-scale",
            "link": self.link,
            "method": self.method,
            "test": self.test,
            "level": self.level,
            "k": self.k,
            "k_total": self.k_total,
            "location": [attrs.asdict(one) for one in self.location_coefficients],
            "scale": [attrs.asdict(one) for one in self.scale_coefficients],
            "location_covariance": None if made is None else _matrix(made.beta_covariance),
            "scale_covariance": None if made is None else _matrix(made.alpha_covariance),
            "location_test": _asdict(self.location_test),
            "scale_test": _asdict(self.scale_test),
            "likelihood_ratio": _asdict(self.likelihood_ratio),
            "log_likelihood": self.log_likelihood,
            "criteria": _asdict(self.criteria),
            "q": None if made is None else made.q,
            "convergence": _asdict(self.convergence),
            "studies": self.study_records(),
            "reason": self.reason,
            "notes": list(self.notes),
            "reference": REFERENCE,
        }
        return document

    def to_json(self, *, indent: int | None = None) -> str:
        """Give the whole result as strict JSON."""
        from evisynth.documents import strict_json  # noqa: PLC0415 - only when asked for

        return strict_json(self.to_dict(), indent=indent)

    def __str__(self) -> str:
        """Print coefficients, tests and fit as plain text."""
        from evisynth.scale_text import written  # noqa: PLC0415 - only when printed

        return written(self)

    def __repr__(self) -> str:
        """Say the main numbers in one line."""
        height = "no fit" if self.log_likelihood is None else f"log-likelihood {self.log_likelihood:.6g}"
        return f"<LocationScale {self.method}, {self.link} link: {height}, k = {self.k} of {self.k_total}>"


def _asdict(value: Any) -> dict[str, Any] | None:  # noqa: ANN401 - any attrs value
    return None if value is None else attrs.asdict(value)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _matrix(values: FloatArray) -> Sequence[Sequence[float | None]]:
    return [[_number(value) for value in row] for row in values.tolist()]
