"""Check intervals and tests of coefficients."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from evisynth.testing.conformance import ask, check_record, close, ensure, same
from evisynth.testing.samples import Sample, batch_samples, effect_samples, fits_of

if TYPE_CHECKING:
    from evisynth.fits import Estimates, Fit
    from evisynth.records import IntervalMethod

LEVELS = (0.5, 0.8, 0.95, 0.99)
LEVEL = 0.95
TOLERANCE = 1e-8
BATCH = 1e-12
UNIT = 2.0**5
SHIFT = 2.0
FIELDS = ("value", "se", "ci_low", "ci_high", "statistic", "p_value", "log_p_value")
ANSWERS = "answers, and writes nothing into its inputs"
SIDE_BY_SIDE = "analyses side by side are single analyses"


def check_interval_method(record: IntervalMethod) -> None:
    """Check inference on coefficients; raises `ConformanceError` for the first law that it breaks.

    Limits enclose the estimate and widen with the level; a p-value is below 1 - level exactly where the interval at
    that level leaves out 0, and comes with its logarithm; a shift of y shifts value and limits, y·2ⁿ with v·4ⁿ
    multiplies them by 2ⁿ, to the bit, and -y turns them about 0; analyses side by side are single ones; where there is
    no inference it says why. Moderators and k = p + 1 are among the fits; k = p where the method is not for
    random-effects models only.
    """
    check_record(record)
    coefficients = (1, 2, 3) if record.moderators else (1,)
    for sample in effect_samples(least=1 if record.random_only else 0, coefficients=coefficients):
        if _degenerate(sample):
            continue
        fit = fits_of(sample)
        base = _estimates(record, fit, LEVEL, sample.name)
        if np.isnan(base.se).any():
            continue
        _encloses(record, base, sample.name)
        _widens(record, fit, sample.name)
        if record.one_test or sample.X.shape[1] == 1:
            _agrees_with_p(record, fit, sample.name)
        _moves_with_effects(record, sample, base)
    batch, singles = batch_samples()
    made = _estimates(record, fits_of(batch), LEVEL, batch.name)
    for j, single in enumerate(singles):
        one = _estimates(record, fits_of(single), LEVEL, single.name)
        for name in FIELDS:
            seen, expected = getattr(made, name)[..., j], getattr(one, name)
            ensure(
                close(seen, expected, BATCH, one.se),
                record,
                SIDE_BY_SIDE,
                single.name,
                f"{name} {seen}, not {expected}",
            )


def _degenerate(sample: Sample) -> bool:
    """Tell whether the residuals are all 0, so that methods which estimate a scale from them have none."""
    return bool(np.ptp(sample.y) == 0.0)


def _estimates(record: IntervalMethod, fit: Fit, level: float, given: str) -> Estimates:
    made: Estimates = ask(
        record,
        ANSWERS,
        given,
        record.function,
        fit,
        level,
        **record.named_inputs({"adhoc": None, "budget": 200, "seed": 1}),
    )
    shape = fit.coefficients.shape
    shapes = {name: np.shape(getattr(made, name)) for name in FIELDS}
    ensure(set(shapes.values()) == {shape}, record, "inference on every coefficient", given, f"{shapes}, not {shape}")
    ensure(
        made.level == level and (made.df is None or bool(np.all(np.asarray(made.df) > 0))),
        record,
        "the level is that asked for and df is positive or None",
        given,
        f"level {made.level}, df {made.df}",
    )
    ensure(
        not np.isnan(made.se).any() or bool(made.note),
        record,
        "where there is no inference there is a note",
        given,
        f"se {made.se}, note {made.note!r}",
    )
    return made


def _encloses(record: IntervalMethod, made: Estimates, given: str) -> None:
    ensure(
        (made.ci_low <= made.value) & (made.value <= made.ci_high),
        record,
        "limits enclose the estimate",
        given,
        f"{made.ci_low} ≤ {made.value} ≤ {made.ci_high}",
    )


def _widens(record: IntervalMethod, fit: Fit, given: str) -> None:
    made = [_estimates(record, fit, level, given) for level in LEVELS]
    for narrow, wide in pairwise(made):
        ensure(
            (wide.ci_low <= narrow.ci_low) & (narrow.ci_high <= wide.ci_high),
            record,
            "a higher level gives a wider interval",
            f"{given}, levels {narrow.level} and {wide.level}",
            f"[{narrow.ci_low}, {narrow.ci_high}] and [{wide.ci_low}, {wide.ci_high}]",
        )


def _agrees_with_p(record: IntervalMethod, fit: Fit, given: str) -> None:
    for level in LEVELS:
        made = _estimates(record, fit, level, given)
        outside = (made.ci_low > 0) | (made.ci_high < 0)
        ensure(
            (made.p_value < 1 - level) == outside,
            record,
            "the p-value is below 1 - level where the interval leaves out 0",
            f"{given}, level {level}",
            f"p {made.p_value}, interval [{made.ci_low}, {made.ci_high}]",
        )
        usual = made.p_value > np.finfo(np.float64).tiny
        ensure(
            close(np.exp(made.log_p_value[usual]), made.p_value[usual], TOLERANCE),
            record,
            "the logarithm of the p-value is its logarithm",
            given,
            f"log p {made.log_p_value}, p {made.p_value}",
        )


def _moves_with_effects(record: IntervalMethod, sample: Sample, base: Estimates) -> None:
    shift = np.zeros(sample.X.shape[1])
    shift[0] = SHIFT
    moved = _estimates(record, fits_of(sample.with_effects(sample.y + SHIFT)), LEVEL, sample.name)
    scaled = _estimates(
        record, fits_of(sample.with_effects(sample.y * UNIT, sample.v * UNIT * UNIT)), LEVEL, sample.name
    )
    turned = _estimates(record, fits_of(sample.with_effects(-sample.y)), LEVEL, sample.name)
    for name, other in (("value", "value"), ("ci_low", "ci_high"), ("ci_high", "ci_low")):
        expected = getattr(base, name)
        ensure(
            close(getattr(turned, other), -expected, TOLERANCE, base.se),
            record,
            "-y turns value and limits about 0",
            sample.name,
            f"{other} {getattr(turned, other)} instead of {-expected}",
        )
        ensure(
            close(getattr(moved, name), expected + shift, TOLERANCE, base.se),
            record,
            "a shift of y shifts value and limits",
            sample.name,
            f"{name} {getattr(moved, name)} instead of {expected + shift}",
        )
        ensure(
            same(getattr(scaled, name), expected * UNIT),
            record,
            "y·2ⁿ with v·4ⁿ multiplies value and limits by 2ⁿ exactly",
            sample.name,
            f"{name} {getattr(scaled, name)} instead of {expected * UNIT}",
        )
