"""Ask a meta-regression: omnibus and other tests, contrasts, R², variance inflation, residuals and predictions."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import numpy as np

from evisynth.errors import CombinationError, SettingsError
from evisynth.inference import infer, prediction_inputs
from evisynth.kernels.distributions import chi2_p_value, f_p_value, normal_p_value, t_p_value
from evisynth.kernels.weighted_fit import intercept, weighted_fit
from evisynth.linear_forms import LinearForms
from evisynth.models import NOTHING_TO_PREDICT
from evisynth.pooling import GivenTau2, call, estimate_tau2
from evisynth.regression_results import ARRAYS, Combinations, Inflation, JointTest, Predictions, one_of, row_of
from evisynth.settings import refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from evisynth.designs import Design
    from evisynth.fits import Estimates, Fit, Limits
    from evisynth.kernels.arrays import FloatArray
    from evisynth.results import MetaAnalysis

Which: TypeAlias = "str | int | Sequence[str | int] | None"
"""Coefficients: a name, a place from 0, a term of the formula, or several of them."""
Contrast: TypeAlias = "str | Mapping[str, float] | Sequence[Any] | FloatArray"
"""A text such as ``a - b``, weights by name, a row of weights, or several of them."""

NO_TAU2 = "there is no tau² that the moderators could explain: {why}"
NO_MORE = "there are no more studies than coefficients"
BY_COEFFICIENT = "interval {name} has degrees of freedom by coefficient, and no joint test of several"
OWN_P_VALUES = "interval {name} has P values of its own for each coefficient, and no joint test of several"
NO_COVARIANCE = "interval {name} gives no covariance of the coefficients, and no joint test of several"
_AT_ONCE = 2_000_000
"""Numbers that models side by side may hold at a time."""
_AT_ALL = 200_000_000
"""Numbers that all models side by side may take; beyond, methods see the first coefficient only."""
_SAME = 1e-9
_FITTED = 1e-26
"""Share of a study's variance that rounding leaves where its fit is exact."""
RESIDUALS = ("raw", "pearson", "standardised")


@attrs.frozen(eq=False, slots=False)
class Regression:
    """Answer about the meta-regression of an analysis, in the model that it asked for."""

    analysis: MetaAnalysis

    # -- parts --------------------------------------------------------------------------------------------------------

    @property
    def fit(self) -> Fit:
        """The model's arrays; raises `CombinationError` where there is no model."""
        fit = self.analysis.fit
        if fit is None:
            msg = f"there is no model: {self.analysis.reason}"
            raise CombinationError(msg)
        return fit

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.analysis.terms

    @property
    def design(self) -> Design | None:
        """The design that the analysis was made with."""
        return self.analysis.design

    @property
    def terms(self) -> Mapping[str, tuple[int, ...]]:
        """Terms of the formula, or columns, with the places of their coefficients."""
        return {name: (j,) for j, name in enumerate(self.names)} if self.design is None else self.design.terms

    @cached_property
    def intercept(self) -> int | None:
        """Place of the intercept; None without one."""
        ones = np.nonzero((self.analysis.X == 1.0).all(axis=0))[0]
        return int(ones[0]) if ones.size else None

    @cached_property
    def _forms(self) -> LinearForms:
        return LinearForms(self.fit)

    @property
    def _estimates(self) -> Estimates:
        estimates = self.analysis.model.estimates
        assert estimates is not None  # noqa: S101 - there is a fit
        return estimates

    # -- tests --------------------------------------------------------------------------------------------------------

    @cached_property
    def omnibus(self) -> JointTest:
        """Test of all coefficients but the intercept (of all, without one)."""
        places = [j for j in range(len(self.names)) if j != self.intercept]
        if self.analysis.fit is None:
            return JointTest(None, len(places), None, None, self.names, self.analysis.reason)
        return self._tested(np.eye(len(self.names))[places], tuple(self.names[j] for j in places))

    def test(self, which: Which = None) -> JointTest:
        """Test that coefficients are 0: given by name, place (from 0) or term of the formula; None is `omnibus`."""
        if which is None:
            return self.omnibus
        asked = [which] if isinstance(which, str | int) else list(which)
        places = list(dict.fromkeys(place for one in asked for place in self._places(one)))
        if not places:
            msg = "name at least one coefficient to test"
            raise SettingsError(msg)
        return self._tested(np.eye(len(self.names))[places], tuple(self.names[j] for j in places))

    def _places(self, one: str | int) -> tuple[int, ...]:
        if isinstance(one, str):
            if one in self.names:
                return (self.names.index(one),)
            spaceless = {_spaceless(term): places for term, places in self.terms.items()}
            places = spaceless.get(_spaceless(one))
            if places is not None:
                return places
            refuse_unknown("the coefficients", [one], (*self.names, *self.terms))
        if isinstance(one, bool) or not isinstance(one, int) or not -len(self.names) <= one < len(self.names):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
            msg = f"there is no coefficient {one!r}: their places are 0 to {len(self.names) - 1}"
            raise SettingsError(msg)
        return (one % len(self.names),)

    def _tested(self, L: FloatArray, terms: tuple[str, ...]) -> JointTest:
        """Test ``Lβ = 0`` by the interval method in use."""
        fit, estimates, m = self.fit, self._estimates, len(L)
        if m == 1:
            one = one_of(self._combined(L)[0], 0)
            square = one.statistic**2
            return JointTest(square, 1, one.df, one.p_value, terms)
        df = estimates.df
        if isinstance(df, np.ndarray) and np.ptp(df) == 0.0:
            df = float(df[0])
        ratio = (estimates.se / fit.se) ** 2
        scaled = bool(np.ptp(ratio) <= _SAME * ratio.max())
        reason = self._no_joint_test(estimates, df, scaled=scaled)
        if reason is not None or isinstance(df, np.ndarray):
            return JointTest(None, m, None, None, terms, reason)
        covariance = None if scaled else estimates.covariance
        wald = self._forms.joint(L, covariance) / (float(ratio.mean()) if scaled else 1.0)
        if df is None:
            return JointTest(wald, m, None, float(chi2_p_value(wald, m)), terms)
        return JointTest(wald / m, m, df, float(f_p_value(wald / m, m, df)), terms)

    def _no_joint_test(self, estimates: Estimates, df: float | FloatArray | None, *, scaled: bool) -> str | None:
        """Say why several coefficients have no test of the kind that each has; None where they have."""
        name = self.analysis.methods.interval.name
        if isinstance(df, np.ndarray):
            return BY_COEFFICIENT.format(name=name)
        if not np.isfinite(estimates.se).all():
            return f"interval {name} has no standard errors here"
        own = normal_p_value(estimates.statistic)[0] if df is None else t_p_value(estimates.statistic, df)[0]
        if not np.allclose(own, estimates.p_value, rtol=1e-6, atol=0.0):
            return OWN_P_VALUES.format(name=name)
        return None if scaled or estimates.covariance is not None else NO_COVARIANCE.format(name=name)

    # -- contrasts ----------------------------------------------------------------------------------------------------

    def contrast(self, *contrasts: Contrast) -> Combinations:
        """Estimate linear combinations of the coefficients, each with its interval and test, and test them jointly.

        Each is a text (``"a - b"``, ``"2*a + b"``), weights by name, a row of p weights or a matrix of rows. Raises
        `SettingsError` for a name that is no coefficient.
        """
        from evisynth.contrasts import read_contrast  # noqa: PLC0415 - only when asked for

        rows = [row for contrast in contrasts for row in read_contrast(contrast, self.names)]
        if not rows:
            msg = "give at least one contrast, such as 'a - b'"
            raise SettingsError(msg)
        labels = tuple(label for label, _ in rows)
        L = np.array([weights for _, weights in rows])
        estimates, _ = self._combined(L)
        return Combinations(labels, estimates, self._tested(L, labels), self.analysis.scale)

    def _combined(self, L: FloatArray) -> tuple[Estimates, Limits | None]:
        """Infer about combinations by the interval method in use, and predict at them."""
        fit = self.fit
        size = fit.k * fit.p
        if size * len(L) > _AT_ALL:
            return self._seen_from_outside(L)
        step = max(1, _AT_ONCE // max(size, 1))
        pieces = [self._asked(self._forms.turned(L[i : i + step])) for i in range(0, len(L), step)]
        return _joined([piece[0] for piece in pieces]), _joined_limits([piece[1] for piece in pieces])

    def _asked(self, turned: Fit) -> tuple[Estimates, Limits | None]:
        analysis, settings = self.analysis, self.analysis.settings
        estimates, _ = infer(analysis.methods, turned, settings)
        record = analysis.methods.prediction
        if record is None or not record.moderators or turned.model == "common":
            return estimates, None
        inputs = prediction_inputs(record, estimates, settings)
        limits: Limits = call(analysis.methods.registry, record, turned, settings.level, **inputs)
        return estimates, limits

    def _seen_from_outside(self, L: FloatArray) -> tuple[Estimates, Limits | None]:
        """Ask methods that need no more than the combination and its variance, after making sure of that."""
        estimates, limits = self._asked(self._forms.blind(L))
        probe = sorted({0, len(L) // 2, len(L) - 1})
        for place in probe:
            exact, own = self._asked(self._forms.turned(L[place : place + 1]))
            pairs = [(getattr(exact, end)[0, 0], getattr(estimates, end)[0, place]) for end in ("ci_low", "ci_high")]
            if limits is not None and own is not None:
                pairs += [
                    (np.ravel(getattr(own, end))[0], np.ravel(getattr(limits, end))[place]) for end in ("low", "high")
                ]
            if any(abs(one - other) > _SAME * abs(one) for one, other in pairs):
                msg = (
                    f"interval {self.analysis.methods.interval.name} looks at the studies again for every row: "
                    f"{len(L):,} rows of {self.fit.k:,} studies are too many"
                )
                raise CombinationError(msg)
        return estimates, limits

    # -- predictions --------------------------------------------------------------------------------------------------

    def predict(self, new: object = None) -> Predictions:
        """Give mean effects with confidence and prediction intervals at values of the moderators.

        ``new`` are columns by name (a mapping or data frame with the columns that the formula speaks of), or a matrix
        with a column for every coefficient (or for every one but the intercept); None: the studies that are pooled.
        """
        from evisynth.designs import Design  # noqa: PLC0415 - only when asked for

        if new is None:
            rows = self.analysis.effect_rows
            wanted = self.fit.X, tuple(self.analysis.effects.study_id[i] for i in rows)
        else:
            design = self.design or Design(self.analysis.X, self.names, intercept=False)
            wanted = design.rows_of(new)
        labels = wanted[1]
        estimates, limits = self._combined(wanted[0])
        n = len(labels)
        value, reason = estimates.value[0], None
        low = high = np.full(n, np.nan)
        if limits is None:
            record = self.analysis.methods.prediction
            reason = "no prediction interval was asked for" if record is None else NOTHING_TO_PREDICT
        else:
            low, high = (np.broadcast_to(np.asarray(end, dtype=np.float64), (n,)) for end in (limits.low, limits.high))
            if np.isnan(low).any():
                reason = _first_reason(limits) or "the method gives no interval here"
        return Predictions(
            labels=labels,
            value=value,
            se=estimates.se[0],
            ci_low=estimates.ci_low[0],
            ci_high=estimates.ci_high[0],
            df=_degrees(estimates, n),
            prediction_low=low,
            prediction_high=high,
            prediction_reason=reason,
            scale=self.analysis.scale,
        )

    @property
    def _no_prediction(self) -> str:
        record = self.analysis.methods.prediction
        if record is None:
            return "no prediction interval was asked for"
        if self.fit.model == "common":
            return NOTHING_TO_PREDICT
        return f"prediction interval {record.name} does not know moderators"

    # -- what is explained --------------------------------------------------------------------------------------------

    @property
    def r2(self) -> float | None:
        """Percent of the heterogeneity without moderators that they explain, 0 or more; None with `r2_reason`.

        ``(τ₀² - τ²)/τ₀²`` with τ₀² of the model without moderators by the same estimator; under a common effect the
        same of H², Q over its degrees of freedom. Source: Raudenbush (2009), in: The Handbook of Research Synthesis and
        Meta-Analysis, 2nd ed., ch. 16; López-López et al. (2014), Br. J. Math. Stat. Psychol. 67:30-48.
        """
        return self._explained[0]

    @property
    def r2_reason(self) -> str | None:
        """Why there is no R²."""
        return self._explained[1]

    @cached_property
    def _explained(self) -> tuple[float | None, str | None]:
        analysis = self.analysis
        fit = analysis.fit
        if fit is None or fit.dof < 1:
            return None, analysis.reason if fit is None else NO_TAU2.format(
                why="there are no more studies than coefficients"
            )
        methods = analysis.methods
        ones = intercept(fit.k)
        if fit.model == "common":
            without = float(weighted_fit(fit.y, 1.0 / fit.v).rss) / (fit.k - 1)
            found = float(weighted_fit(fit.y, 1.0 / fit.v, fit.X).rss) / fit.dof
        elif isinstance(methods.tau2.function, GivenTau2):
            return None, NO_TAU2.format(why="it was given")
        else:
            available = {"weights": fit.weights, "details": False}
            without = float(estimate_tau2(methods, fit.y, fit.v, ones, available).tau2)
            found = float(fit.tau2)
        if without <= 0.0:
            return None, NO_TAU2.format(why="without moderators it is 0")
        return 100.0 * max(0.0, (without - found) / without), None

    @cached_property
    def vif(self) -> Mapping[str, float]:
        """Variance inflation factor of every coefficient but the intercept."""
        places = [j for j in range(len(self.names)) if j != self.intercept]
        return {self.names[j]: self._inflation((j,)) for j in places}

    @cached_property
    def gvif(self) -> tuple[Inflation, ...]:
        """Generalised variance inflation factor of every term but the intercept.

        Source: Fox & Monette (1992), J. Am. Stat. Assoc. 87:178-183.
        """
        made: list[Inflation] = []
        for term, places in self.terms.items():
            if self.intercept in places or not places:
                continue
            factor = self._inflation(places)
            names = tuple(self.names[j] for j in places)
            made.append(Inflation(term, names, factor, factor ** (0.5 / len(places))))
        return tuple(made)

    def _inflation(self, places: Sequence[int]) -> float:
        """Give ``det R₁₁ det R₂₂ / det R`` of the correlations of the coefficients.

        With ``A`` the inverse of their covariance this is ``det A₁₁ det V₁₁``, each by a QR decomposition.
        """
        fit = self.fit
        own = [j for j in range(fit.p) if j != self.intercept]
        if fit.weights is not None:
            V = fit.covariance[np.ix_(own, own)]
            unit = np.sqrt(np.diagonal(V))
            R = V / np.outer(unit, unit)
            one = [own.index(j) for j in places]
            two = [i for i in range(len(own)) if i not in one]
            dets = [float(np.linalg.slogdet(R[np.ix_(part, part)])[1]) if part else 0.0 for part in (one, two)]
            return float(np.exp(sum(dets) - np.linalg.slogdet(R)[1]))
        root = np.sqrt(fit.w)[:, np.newaxis]
        columns = fit.X[:, list(places)]
        if self.intercept is not None:
            w = fit.w / fit.w.sum()
            columns = columns - w @ columns
            columns = columns - w @ columns
        outer = _log_volume(root * columns)
        inner = _log_volume(self._forms.solved(np.eye(fit.p)[list(places)]))
        return float(np.exp(2.0 * (outer + inner)))

    # -- residuals and tables -----------------------------------------------------------------------------------------

    def residuals(self, kind: str = "raw") -> FloatArray:
        """Give the residuals of the pooled studies: ``raw``, ``pearson`` or ``standardised``.

        ``pearson`` are divided by ``√(v + τ²)``, ``standardised`` by their own standard errors, which the leverages
        make smaller; NaN where they are 0.
        """
        refuse_unknown("kinds of residuals", [kind], RESIDUALS)
        fit = self.fit
        raw = fit.y - fit.X @ fit.coefficients
        if fit.weighted is not None and fit.weights is None:
            raw = fit.weighted.residuals
        if kind == "raw":
            return raw
        total = fit.v + fit.tau2
        if kind == "pearson":
            return np.asarray(raw / np.sqrt(total))
        if fit.weighted is not None and fit.weights is None:
            left = fit.weighted.deleted_leverages
        else:
            own = weighted_fit(fit.y, fit.w, fit.X).leverages
            left = 1.0 - 2.0 * own + np.einsum("ki,ij,kj->k", fit.X, fit.covariance, fit.X) / total
        # A study that its own coefficient fits exactly has no residual to standardise.
        left = np.where(left > _FITTED, left, np.nan)
        return np.asarray(raw / np.sqrt(total * left))

    def records(self) -> list[dict[str, Any]]:
        """Give a row per coefficient."""
        scale = self.analysis.scale
        return [{"term": name, **row_of(one, scale)} for name, one in self.analysis.coefficients.items()]

    def to_frame(self) -> pd.DataFrame:
        """Give the coefficients as a table, with columns of the glossary."""
        import pandas as pd  # noqa: PLC0415 - pandas only when asked for

        return pd.DataFrame(self.records())

    def to_dict(self) -> dict[str, Any]:
        """Give the omnibus test, R² and every term as JSON-ready values; coefficients stand in the result itself."""
        terms: list[dict[str, Any]] = []
        if self.analysis.fit is not None:
            inflation = {found.term: found for found in self.gvif}
            for term, places in self.terms.items():
                if not places:
                    continue
                found = inflation.get(term)
                terms.append(
                    {
                        "term": term,
                        "coefficients": [self.names[j] for j in places],
                        "test": self.test(list(places)).to_dict(),
                        "gvif": None if found is None else found.gvif,
                        "gvif_scaled": None if found is None else found.scaled,
                    }
                )
        formula = None if self.design is None or self.design.source is None else self.design.source.formula
        return {"formula": formula, "omnibus": self.omnibus.to_dict(), "r2": self.r2, "terms": terms}


def _spaceless(text: str) -> str:
    return re.sub(r"\s+", "", text).replace('"', "'")


def _log_volume(columns: FloatArray) -> float:
    diagonal = np.abs(np.diagonal(np.linalg.qr(columns)[1]))
    return float(np.log(diagonal).sum())


def _joined(pieces: Sequence[Estimates]) -> Estimates:
    if len(pieces) == 1:
        return pieces[0]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(piece, name) for piece in pieces], axis=1) for name in ARRAYS
    }
    dfs = [piece.df for piece in pieces]
    if any(isinstance(df, np.ndarray) for df in dfs):
        arrays["df"] = np.concatenate(
            [np.broadcast_to(np.asarray(piece.df), piece.value.shape) for piece in pieces], axis=1
        )
    absent = [piece.without_df for piece in pieces]
    if any(one is not None for one in absent):
        n = [piece.value.shape[1] for piece in pieces]
        arrays["without_df"] = np.concatenate(
            [np.zeros(size, dtype=np.bool_) if one is None else one for one, size in zip(absent, n, strict=True)]
        )
    return attrs.evolve(pieces[0], covariance=None, **arrays)


def _joined_limits(pieces: Sequence[Limits | None]) -> Limits | None:
    held = [piece for piece in pieces if piece is not None]
    if len(held) < 2:  # noqa: PLR2004 - nothing to join
        return held[0] if held else None
    low, high = (np.concatenate([np.atleast_1d(getattr(piece, end)) for piece in held]) for end in ("low", "high"))
    return attrs.evolve(held[0], low=low, high=high, reason=next(filter(None, map(_first_reason, held)), None))


def _first_reason(limits: Limits) -> str | None:
    reason = limits.reason
    return reason if reason is None or isinstance(reason, str) else next(filter(None, reason), None)


def _degrees(estimates: Estimates, n: int) -> FloatArray:
    if estimates.df is None:
        return np.full(n, np.inf)
    df = np.asarray(estimates.df, dtype=np.float64)
    made = np.broadcast_to(df[0] if df.ndim > 1 else df, (n,))
    return made if estimates.without_df is None else np.where(estimates.without_df, np.inf, made)
