"""Check conversions of statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth.columns import NUMERIC
from evisynth.errors import DataError
from evisynth.kernels.arrays import read_only
from evisynth.testing.conformance import ConformanceError, ask, check_record, close, ensure, same

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth.kernels.arrays import FloatArray
    from evisynth.records import Conversion

TOLERANCE = 1e-12
UNIT = 2.0**5
SHIFT = 3.0

LOCATIONS: Mapping[str, tuple[float, ...]] = {
    # three skewed samples; where names overlap they are of the same samples
    "minimum": (1.0, 12.0, -4.0),
    "q1": (3.0, 20.0, -1.0),
    "median": (4.0, 26.0, 0.5),
    "q3": (7.0, 29.0, 2.0),
    "maximum": (15.0, 41.0, 9.0),
    "mean": (5.0, 25.0, 0.75),
    "mean_1": (5.0, 25.0, 0.75),
    "mean_2": (6.0, 22.0, 0.5),
    "mean_baseline": (7.0, 24.0, 0.25),
    "mean_final": (5.0, 25.0, 0.75),
    "mean_ci_low": (4.0, 22.0, -0.25),
    "mean_ci_high": (6.0, 28.0, 1.75),
    "ci_low": (4.0, 22.0, -0.25),
    "ci_high": (6.0, 28.0, 1.75),
}
POSITIVE: Mapping[str, tuple[float, ...]] = {
    # the same for statistics that are logarithms, powers or rates somewhere on their way
    "minimum": (1.0, 12.0, 0.25),
    "q1": (3.0, 20.0, 0.75),
    "median": (4.0, 26.0, 1.0),
    "q3": (7.0, 29.0, 1.75),
    "maximum": (15.0, 41.0, 6.0),
    "mean": (5.0, 25.0, 1.5),
}
SPREADS: Mapping[str, tuple[float, ...]] = {
    "sd": (3.0, 7.5, 2.25),
    "se": (0.5, 1.5, 0.25),
    "sei": (0.5, 1.5, 0.25),
    "sd_1": (3.0, 7.5, 2.25),
    "sd_2": (2.5, 8.0, 2.0),
    "sd_baseline": (2.5, 8.0, 2.0),
    "sd_final": (3.0, 7.5, 2.25),
    "sd_change": (2.0, 6.0, 1.5),
}
DIFFERENCES = frozenset({"mean_change"})
"""Differences of locations, which a shift of the data leaves as they are."""
NUMBERS: Mapping[str, tuple[float, ...]] = {
    "n": (30.0, 25.0, 81.0),
    "n_1": (30.0, 25.0, 81.0),
    "n_2": (28.0, 26.0, 80.0),
    "p_value": (0.03, 0.2, 0.001),
    "df": (28.0, 23.0, 79.0),
    "statistic": (2.2, -1.3, 3.4),
    "t_value": (2.2, -1.3, 3.4),
    "z_value": (2.2, -1.3, 3.4),
    "f_value": (4.84, 1.69, 11.56),
    "chi2": (4.84, 1.69, 11.56),
    "direction": (1.0, -1.0, 1.0),
    "level": (0.95, 0.9, 0.99),
    "r": (0.5, 0.1, 0.25),
    "yi": (0.5, -0.25, 0.125),
    "vi": (0.25, 0.0625, 0.04),
    "estimate": (0.8, 1.5, 1.25),
    "events": (20.0, 12.0, 60.0),
    "events_1": (12.0, 5.0, 35.0),
    "events_2": (8.0, 7.0, 25.0),
    "expected_1": (10.0, 7.0, 30.0),
    "expected_2": (10.0, 5.0, 30.0),
    "o_e": (2.5, -1.25, 4.0),
    "o_e_variance": (5.0, 3.0, 15.0),
    "parts": (2.0, 3.0, 1.0),
    "percent": (40.0, 16.0, 26.0),
    "decimals": (0.0, 0.0, 0.0),
    "corrected": (1.0, 0.0, 1.0),
    "cluster_size": (10.0, 30.0, 4.5),
    "cluster_cv": (0.0, 0.5, 0.25),
    "icc": (0.02, 0.05, 0.1),
    # correlations, proportions, rates and reliabilities, and what they are transformed to
    "z": (0.4, -0.6, 1.1),
    "r_squared": (0.2, 0.5, 0.08),
    "proportion": (0.2, 0.5, 0.93),
    "logit": (-1.5, 0.25, 2.0),
    "probit": (-0.8, 0.0, 1.6),
    "arcsine": (0.4, 0.8, 1.3),
    "freeman_tukey": (0.4, 0.8, 1.2),
    "rate": (0.02, 0.4, 1.5),
    "square_root": (0.1, 0.7, 1.25),
    "time": (120.0, 45.0, 60.0),
    "alpha": (0.7, 0.85, 0.93),
    "bonett": (1.2, 2.0, 2.7),
    "hakstian_whalen": (0.3, 0.5, 0.6),
    # effects between groups, and risks
    "smd": (0.3, -0.5, 1.2),
    "smd_se": (0.1, 0.2, 0.25),
    "cles": (0.6, 0.35, 0.8),
    "log_or": (0.5, -0.4, 1.5),
    "log_or_se": (0.2, 0.3, 0.25),
    "log_ratio": (0.5, -0.4, 1.5),
    "tau2": (0.04, 0.2, 1.0),
    "baseline_risk": (0.1, 0.25, 0.4),
    "odds_ratio": (0.7, 1.5, 0.9),
    "odds_ratio_low": (0.5, 1.1, 0.6),
    "odds_ratio_high": (0.95, 2.1, 1.4),
    "risk_ratio": (0.7, 1.5, 0.9),
    "risk_ratio_low": (0.5, 1.1, 0.6),
    "risk_ratio_high": (0.95, 2.1, 1.4),
    "risk_difference": (-0.05, 0.1, -0.02),
    "risk_difference_low": (-0.08, 0.02, -0.1),
    "risk_difference_high": (-0.01, 0.18, 0.05),
}
OF_SIZE = frozenset({"n", "n_1", "n_2", "df", "level", "r"})
"""Numbers that neither a shift nor another unit of the data changes."""

READINGS: Mapping[str, tuple[float, ...]] = {
    # of one thing: four points of two survival curves, for conversions that join rows
    "time": (0.0, 6.0, 12.0, 24.0),
    "survival_1": (1.0, 0.9, 0.75, 0.5),
    "survival_2": (1.0, 0.85, 0.625, 0.375),
    "at_risk_1": (100.0, 88.0, 70.0, 40.0),
    "at_risk_2": (104.0, 86.0, 60.0, 30.0),
    "follow_up_min": (6.0, 6.0, 6.0, 6.0),
    "follow_up_max": (30.0, 30.0, 30.0, 30.0),
    "n_1": (100.0, 100.0, 100.0, 100.0),
    "n_2": (104.0, 104.0, 104.0, 104.0),
    "mean": (5.0, 6.5, 4.0, 5.5),
    "sd": (3.0, 2.5, 2.0, 3.5),
    "n": (30.0, 25.0, 81.0, 40.0),
    "events": (12.0, 10.0, 30.0, 0.0),
}


def check_conversion(
    record: Conversion, columns: Mapping[str, Sequence[float]] | None = None, *, location_scale: bool = True
) -> None:
    """Check a conversion of statistics; raises `ConformanceError` for the first law that it breaks.

    It gives one finite number per row for each target; each row depends on itself alone; a missing value leaves missing
    what depends on it; it leaves its inputs alone. A missing alternative (a parameter that defaults to None) is as one
    that is not given. A conversion that joins rows gives one row, and that of a part of which a value is missing is
    missing. Where sources and targets are locations and spreads (quartiles →
    mean, sd), a shift of the data shifts locations and another unit multiplies all; ``location_scale=False`` for a
    conversion that works on a transformed scale. ``columns`` are example values, three rows or more, for sources that
    are not in the kit's own lists or the record's ``examples``. A record with ``shifts=False`` need not keep the law of
    the shift; one with ``positive=True`` has positive examples, and must refuse every row of others.
    """
    check_record(record)
    inputs = example_columns(record, columns)
    given = f"{'four' if record.joins_rows else 'three'} rows"
    base = _converted(record, inputs, given)
    ensure(all(np.isfinite(column).all() for column in base), record, "targets are finite", given, base)
    if record.joins_rows:
        _part_missing(record, inputs)
    else:
        _rows_alone(record, inputs, base)
    if record.positive:
        _refuses(record, inputs)
    if location_scale and _of_location_and_scale(record):
        _moves(record, inputs, base)


def example_columns(record: Conversion, columns: Mapping[str, Sequence[float]] | None = None) -> dict[str, FloatArray]:
    """Give example values of every source of a conversion; raises `ConformanceError` where none are known."""
    known: dict[str, Sequence[float]] = {**LOCATIONS, **SPREADS, **NUMBERS, **(POSITIVE if record.positive else {})}
    known |= {**(READINGS if record.joins_rows else {}), **record.examples, **(columns or {})}
    absent = [name for name in record.sources if name not in known]
    if absent:
        law = "example values are known for every source (give them as columns=…)"
        raise ConformanceError(record, law, "the function's parameters", ", ".join(absent))
    return {name: read_only(known[name]) for name in record.sources}


def _rows_alone(record: Conversion, inputs: Mapping[str, FloatArray], base: tuple[FloatArray, ...]) -> None:
    for i in range(next(iter(inputs.values())).size):
        one = _converted(
            record, {name: read_only(column[i : i + 1]) for name, column in inputs.items()}, f"row {i + 1}"
        )
        ensure(
            all(same(column, whole[i : i + 1]) for column, whole in zip(one, base, strict=True)),
            record,
            "each row depends on itself alone",
            f"row {i + 1} alone",
            f"{one}, not row {i + 1} of {base}",
        )
    for name, column in inputs.items():
        holed = column.copy()
        holed[0] = np.nan
        seen = _converted(record, {**inputs, name: read_only(holed)}, f"three rows, {name} missing in the first")
        if record.parameters[name].default is None:
            others = {other: values for other, values in inputs.items() if other != name}
            without = _converted(record, others, f"three rows without {name}")
            ensure(
                all(same(new[0], bare[0]) for new, bare in zip(seen, without, strict=True)),
                record,
                "an alternative that is missing is as one that is not given",
                f"three rows, {name} missing in the first",
                f"{seen}, not row 1 of {without}",
            )
            continue
        ensure(
            # A target need not depend on every source: an SD from quartiles does without the median.
            all(
                (np.isnan(new[0]) or new[0] == old[0]) and same(new[1:], old[1:])
                for new, old in zip(seen, base, strict=True)
            )
            and any(np.isnan(new[0]) for new in seen),
            record,
            "a missing value leaves missing what depends on it, in its row alone",
            f"three rows, {name} missing in the first",
            seen,
        )


def _part_missing(record: Conversion, inputs: Mapping[str, FloatArray]) -> None:
    for name, column in inputs.items():
        holed = column.copy()
        holed[-1] = np.nan
        seen = _converted(record, {**inputs, name: read_only(holed)}, f"four rows, {name} missing in the last")
        ensure(
            any(np.isnan(new[0]) for new in seen),
            record,
            "a missing part leaves missing what depends on it",
            f"four rows, {name} missing in the last",
            seen,
        )


def _converted(record: Conversion, inputs: Mapping[str, FloatArray], given: str) -> tuple[FloatArray, ...]:
    columns_in: dict[str, Any] = dict(inputs)
    made = ask(record, "answers, and writes nothing into its inputs", given, record.function, **columns_in)
    columns = tuple(np.asarray(column, dtype=np.float64) for column in made)
    shape = (1,) if record.joins_rows else next(iter(inputs.values())).shape
    ensure(
        len(columns) == len(record.targets) and all(column.shape == shape for column in columns),
        record,
        "one number per row for each target",
        given,
        f"shapes {[column.shape for column in columns]} for targets {record.targets} of {shape}",
    )
    return columns


def _of_location_and_scale(record: Conversion) -> bool:
    known = {*LOCATIONS, *SPREADS, *DIFFERENCES, *OF_SIZE}
    of_data = known.intersection(record.targets)
    # What a method says beside, such as the distribution that it found, is no column.
    others = [target for target in record.targets if target in NUMERIC and target not in known]
    return bool(of_data) and not others and set(record.sources) <= known


def _refuses(record: Conversion, inputs: Mapping[str, FloatArray]) -> None:
    negative = {name: column - 2 * column.max() if name in POSITIVE else column for name, column in inputs.items()}
    try:
        seen: object = record.function(**negative)
    except DataError as error:
        seen = sorted({problem.row or 0 for problem in error.problems})
    except Exception as error:  # noqa: BLE001 - whatever else a plugin raises breaks the law
        seen = error
    ensure(
        seen == list(range(1, next(iter(inputs.values())).size + 1)),
        record,
        "statistics that are not positive are refused with every row",
        "three rows of negative numbers",
        seen,
    )


def _moves(record: Conversion, inputs: Mapping[str, FloatArray], base: tuple[FloatArray, ...]) -> None:
    shifted = {name: column + SHIFT if name in LOCATIONS else column for name, column in inputs.items()}
    scaled = {
        name: column * UNIT if name in LOCATIONS or name in SPREADS else column for name, column in inputs.items()
    }
    moved = _converted(record, shifted, f"three rows shifted by {SHIFT}") if record.shifts else base
    other = _converted(record, scaled, f"three rows times {UNIT}")
    for target, old, new, larger in zip(record.targets, base, moved, other, strict=True):
        if not {target} & {*LOCATIONS, *SPREADS, *DIFFERENCES, *OF_SIZE}:
            continue
        shift, unit = (SHIFT if target in LOCATIONS else 0.0), (1.0 if target in OF_SIZE else UNIT)
        expected = old + shift
        ensure(
            not record.shifts or close(new, expected, TOLERANCE, 10.0),
            record,
            "a shift of the data shifts locations and leaves spreads",
            f"three rows shifted by {SHIFT}",
            f"{target} {new}, not {expected}",
        )
        ensure(
            close(larger, old * unit, TOLERANCE),
            record,
            "another unit multiplies locations and spreads",
            f"three rows times {UNIT}",
            f"{target} {larger}, not {old * unit}",
        )
