"""Hold one pooled model of an analysis, and why there may be none."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from evisynth.fits import Display, Estimate, Estimates, Fit, Interval, Limits
from evisynth.inference import infer, predict
from evisynth.kernels.weighted_fit import is_intercept
from evisynth.pooling import GivenTau2, Methods
from evisynth.thresholds import Probability, threshold_probability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.fit_statistics import FitStatistics
    from evisynth.scales import Scale
    from evisynth.settings import Settings

NO_STUDIES = "no study has an effect that can be pooled"
ONE_STUDY = "one study cannot tell how much effects differ between studies"
SUMS_ARE_ZERO = "the sums that this pooling divides by are 0: one arm has no events (or no variation) at all"
NO_DOF = "there are no more studies than coefficients"
NOTHING_TO_PREDICT = "a common effect leaves nothing to predict"
FEWER_STUDIES = "there are fewer studies than coefficients"


@attrs.frozen(eq=False, slots=False)  # a plain dictionary serves cached properties fastest
class Model:
    """Hold one pooled model of an analysis: common-effect or random-effects."""

    model: str
    fit: Fit | None
    settings: Settings
    methods: Methods
    scale: Scale
    absent: str | None = None
    """Why there is no such model."""

    @property
    def method(self) -> str:
        """How it was pooled, as a forest plot calls it: ``M-H``, ``IV``, ``Peto``."""
        return self.fit.method if self.fit is not None else self.methods.pooling.label

    @property
    def label(self) -> str:
        """Method and model as RevMan prints them: ``M-H, Random``."""
        return f"{self.method}, {'Fixed' if self.model == 'common' else 'Random'}"

    @cached_property
    def _inference(self) -> tuple[Estimates | None, str | None]:
        """Interval and test of every coefficient, with a note where another method had to be taken."""
        if self.fit is None:
            return None, None
        return infer(self.methods, self.fit, self.settings)

    @property
    def estimates(self) -> Estimates | None:
        """Interval and test of every coefficient as arrays."""
        return self._inference[0]

    @property
    def note(self) -> str | None:
        """What a reader should know about the interval."""
        return self._inference[1]

    @cached_property
    def pooled(self) -> Estimate | None:
        """The pooled effect; None without one, and in a meta-regression, which has coefficients."""
        if self.estimates is None or self.fit is None or not is_intercept(self.fit.X):
            return None
        return self.estimates.one()

    @property
    def estimates_tau2(self) -> bool:
        """Whether τ² is a parameter of the model: not 0, and not given."""
        return self.model == "random" and not isinstance(self.methods.tau2.function, GivenTau2)

    @cached_property
    def fit_statistics(self) -> Mapping[str, FitStatistics]:
        """Log-likelihood, deviance, AIC, BIC and AICc under ``ML`` and ``REML``; empty where there is no likelihood."""
        from evisynth.fit_statistics import fit_statistics  # noqa: PLC0415 - only when asked for

        return {} if self.fit is None else fit_statistics(self.fit, estimated=self.estimates_tau2)

    @cached_property
    def display(self) -> Display | None:
        """The pooled effect on the scale shown to readers."""
        return None if self.pooled is None else display_of(self.pooled, self.scale)

    @cached_property
    def _predicted(self) -> tuple[Limits | None, str | None]:
        """What the prediction interval says, or why there is none."""
        record = self.methods.prediction
        if record is None:
            return None, "no prediction interval was asked for"
        if self.model == "common":
            return None, NOTHING_TO_PREDICT
        if self.fit is None or self.estimates is None:
            return None, self.absent or NO_STUDIES
        if not is_intercept(self.fit.X):
            return None, "a meta-regression predicts at given values of its moderators"
        if self.fit.no_tau2 is not None or (self.fit.k == 1 and self.tau2 is None):
            # The fit's τ² is 0 for want of an estimate: limits that follow from it would look as if effects were equal.
            return None, self.fit.no_tau2 or ONE_STUDY
        return predict(self.methods, record, self.fit, self.estimates, self.settings), None

    @cached_property
    def _prediction(self) -> tuple[Interval | None, str | None]:
        limits, reason = self._predicted
        return (None, reason) if limits is None else interval_of(limits)

    @property
    def prediction_note(self) -> str | None:
        """What a reader should know about the prediction interval."""
        return None if self._predicted[0] is None else self._predicted[0].note

    def probability(
        self, *, below: float | None = None, above: float | None = None, on: str | None = None
    ) -> Probability:
        """Give the probability that the true effect of a new study lies below, or above, a threshold.

        It is that of the distribution behind the prediction interval: normal, Student's t or simulated. ``on`` says
        what the threshold is measured on: ``"display"``, the scale shown to readers, or ``"analysis"``; it has to be
        said where the two differ. Raises `SettingsError` for no threshold, for two, and for one that is not finite.
        """
        return threshold_probability(
            self._predicted, self.methods.prediction, self.scale, below=below, above=above, on=on
        )

    @property
    def prediction(self) -> Interval | None:
        """The interval for the true effect of a new study, on the analysis scale."""
        return self._prediction[0]

    @cached_property
    def prediction_display(self) -> Interval | None:
        """The prediction interval on the scale shown to readers."""
        if self.prediction is None:
            return None
        return Interval(*self.scale.show_limits(self.prediction.low, self.prediction.high))

    @property
    def prediction_reason(self) -> str | None:
        """Why there is no prediction interval."""
        return self._prediction[1]

    @property
    def tau2(self) -> float | None:
        """Between-study variance of the model: 0 under a common effect, None where it cannot be estimated."""
        if self.model == "common":
            return 0.0 if self.fit is not None else None
        return float(self.fit.tau2) if self.fit is not None and self.fit.tau2_fit is not None else None


def display_of(estimate: Estimate, scale: Scale) -> Display:
    """Bring an estimate to the scale shown to readers."""
    return Display(scale.show(estimate.value), *scale.show_limits(estimate.ci_low, estimate.ci_high))


def interval_of(limits: Limits) -> tuple[Interval | None, str | None]:
    """Take an interval as plain numbers; with the reason why there is none, or what to know about it."""
    low, high, reason = float(limits.low), float(limits.high), limits.reason_of()
    if math.isnan(low) or math.isnan(high):
        return None, reason or "the method gives no interval here"
    return Interval(low, high), reason
