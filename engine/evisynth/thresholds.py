"""Say how probable a true effect beyond a threshold is, by the distribution behind a prediction interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.errors import SettingsError
from evisynth.kernels.distributions import normal_tail, t_tail

if TYPE_CHECKING:
    from evisynth.fits import Limits
    from evisynth.records import PredictionInterval
    from evisynth.scales import Scale

SCALES = ("display", "analysis")


@attrs.frozen
class Probability:
    """Hold the probability that the true effect of a new study lies on one side of a threshold.

    ``value`` is None with a ``reason``. ``threshold`` is on the analysis scale and ``shown`` on the scale for readers;
    ``standard_error`` is the Monte Carlo error of a simulated one.
    """

    value: float | None
    side: str
    threshold: float
    shown: float
    distribution: str | None = None
    df: float | None = None
    standard_error: float | None = None
    reason: str | None = None

    def to_dict(self) -> dict[str, float | str | None]:
        """Give the fields as JSON-ready values."""
        return attrs.asdict(self)


def threshold_probability(
    predicted: tuple[Limits | None, str | None],
    record: PredictionInterval | None,
    scale: Scale,
    *,
    below: float | None,
    above: float | None,
    on: str | None,
) -> Probability:
    """Take the probability from what a prediction interval says; raises `SettingsError` for a threshold amiss."""
    side = "below" if above is None else "above"
    given = below if above is None else above
    if given is None or (below is not None and above is not None):
        msg = "say one threshold: below=… or above=…"
        raise SettingsError(msg)
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):  # pyright: ignore[reportUnnecessaryIsInstance] - requests are untyped
        msg = f"a threshold is a finite number, not {given!r}"
        raise SettingsError(msg)
    threshold, shown = _on_both_scales(float(given), scale, on)
    limits, reason = predicted
    if limits is None:
        return Probability(None, side, threshold, shown, reason=reason)
    if bool(np.isnan(limits.low)):
        return Probability(None, side, threshold, shown, reason=limits.reason_of() or "there is no prediction interval")
    if limits.draws is not None:
        return _simulated(limits.draws, side, threshold, shown)
    if limits.centre is None or limits.scale is None:
        name = "the prediction interval" if record is None else f"prediction interval {record.name}"
        return Probability(None, side, threshold, shown, reason=f"{name} names no distribution: choose HTS, V, HK or S")
    spread, df = float(limits.scale), None if limits.df is None else float(limits.df)
    if spread == 0.0:
        reason = "the prediction has no spread: tau² is 0, and the interval leaves the mean's own uncertainty out"
        return Probability(None, side, threshold, shown, reason=reason)
    away = (threshold - float(limits.centre)) / spread
    upper = away if side == "above" else -away
    value = float(normal_tail(upper)) if df is None else float(t_tail(upper, df))
    return Probability(value, side, threshold, shown, "normal" if df is None else "t", df)


def _on_both_scales(given: float, scale: Scale, on: str | None) -> tuple[float, float]:
    if on is not None and on not in SCALES:
        msg = f"a threshold is on one of {', '.join(map(repr, SCALES))}, not {on!r}"
        raise SettingsError(msg)
    if scale.as_shown:
        return given, given
    if on is None:
        here, there = ("a logarithm", "a ratio") if scale.name == "log" else (f"on the scale {scale.name}", "another")
        msg = (
            f"this effect is {here}, and shown as {there}: say on='display' where {given!r} is as it is shown, "
            "or on='analysis' where it is on the scale of the analysis"
        )
        raise SettingsError(msg)
    if on == "analysis":
        return given, scale.show(given)
    taken = scale.take(given)
    if not math.isfinite(taken):
        what = "a ratio is positive" if scale.name == "log" else f"the scale {scale.name} has no such value"
        msg = f"{what}, and the threshold is {given!r}: say on='analysis' if it is on the scale of the analysis"
        raise SettingsError(msg)
    return taken, given


def _simulated(draws: np.ndarray, side: str, threshold: float, shown: float) -> Probability:
    count = draws.size
    short = int(np.searchsorted(draws, threshold))
    value = (short if side == "below" else count - int(np.searchsorted(draws, threshold, side="right"))) / count
    error = math.sqrt(value * (1.0 - value) / count)
    return Probability(value, side, threshold, shown, "simulated", None, error)
