"""Test tables of counts as a whole: association given the studies, and homogeneity of odds ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth.errors import CombinationError
from evisynth.kernels.distributions import chi2_p_value
from evisynth.studies import NOT_COUNTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.cells import Cells
    from evisynth.kernels.arrays import FloatArray
    from evisynth.results import MetaAnalysis

PERSON_TIME = ("events_1", "time_1", "events_2", "time_2")
NO_TABLE = "no table has events in some participants and not in all"
NO_RATIO = "the Mantel-Haenszel odds ratio is 0 or infinite"
ONE_TABLE = "one table cannot tell whether odds ratios differ"
OF_TABLES = "is about tables of participants, and rates have none"


@attrs.frozen
class TableTest:
    """Hold a chi-squared test; the numbers are None with a ``reason`` where there is none."""

    statistic: float | None
    df: int | None
    p_value: float | None
    reason: str | None = None


@attrs.frozen
class TableTests:
    """Hold the tests that go with tables of counts, or of events over person-time.

    ``cochran`` and ``mantel_haenszel`` test that arms do not differ in any study: the gap between observed and expected
    events, squared, over its variance if arms are binomial, or with margins fixed (times N/(N - 1)).
    ``mantel_haenszel_corrected`` takes ½ off the gap. ``breslow_day`` and ``tarone`` test that all studies share one
    odds ratio.
    """

    mantel_haenszel: TableTest
    mantel_haenszel_corrected: TableTest
    cochran: TableTest
    breslow_day: TableTest
    tarone: TableTest
    k: int
    """Number of tables that tell anything: those with events in some participants and not in all."""


def table_tests(analysis: MetaAnalysis) -> TableTests:
    """Test the tables of an analysis as they were entered, but those left out by name or pooled in subgroups alone.

    With ``mh_increment="added"`` they are the tables with increments, as in the sums. Raises `CombinationError` for
    effect sizes without counts. Sources: Cochran (1954), Biometrics 10:417-451; Mantel & Haenszel (1959), J. Natl.
    Cancer Inst. 22:719-748; Breslow & Day (1980), Statistical Methods in Cancer Research I, §4.4; Tarone (1985),
    Biometrika 72:91-95; for rates Rothman, Greenland & Lash (2008), Modern Epidemiology, ch. 15.
    """
    effects = analysis.effects
    kept = np.array([effects.reasons.get(i) not in NOT_COUNTED for i in range(len(effects))], dtype=np.bool_)
    if effects.cells is not None:
        added = analysis.settings.mh_increment == "added"
        return _of_tables((effects.cells.sums if added else effects.cells.raw).at(kept))
    columns: Mapping[str, FloatArray] = {} if effects.studies is None else effects.studies.columns
    if columns.keys() >= set(PERSON_TIME):
        return _of_rates(*(columns[name][kept] for name in PERSON_TIME))
    msg = "tests of tables need counts: an analysis of events and participants, or of events and person-time"
    raise CombinationError(msg)


def _of_tables(cells: Cells) -> TableTests:
    with np.errstate(divide="ignore", invalid="ignore"):
        n_1, n_2, events = cells.n_1, cells.n_2, cells.a + cells.c
        total = n_1 + n_2
        binomial = n_1 * n_2 * events * (cells.b + cells.d) / total**3
        variance = binomial * (total / (total - 1.0))
    # NaN compares false: a table with a missing count tells nothing.
    tells = variance > 0
    cells = cells.at(tells)
    gap = float(((cells.a * cells.n_2 - cells.c * cells.n_1) / (cells.n_1 + cells.n_2)).sum())
    k = int(tells.sum())
    plain, corrected = _association(gap, float(variance[tells].sum()), k)
    cochran, _ = _association(gap, float(binomial[tells].sum()), k)
    return TableTests(plain, corrected, cochran, *_homogeneity(cells, k), k)


def _of_rates(x_1: FloatArray, t_1: FloatArray, x_2: FloatArray, t_2: FloatArray) -> TableTests:
    with np.errstate(divide="ignore", invalid="ignore"):
        time = t_1 + t_2
        variance = (x_1 + x_2) * (t_1 / time) * (t_2 / time)
        gaps = (x_1 * t_2 - x_2 * t_1) / time
    tells = variance > 0
    k = int(tells.sum())
    plain, corrected = _association(float(gaps[tells].sum()), float(variance[tells].sum()), k)
    none = TableTest(None, None, None, OF_TABLES)
    return TableTests(plain, corrected, none, none, none, k)


def _association(gap: float, variance: float, k: int) -> tuple[TableTest, TableTest]:
    if not k:
        none = TableTest(None, None, None, NO_TABLE)
        return none, none
    beyond = max(abs(gap) - 0.5, 0.0)
    return _test(gap * gap / variance, 1), _test(beyond * beyond / variance, 1)


def _test(statistic: float, df: int) -> TableTest:
    return TableTest(statistic, df, float(chi2_p_value(np.asarray(statistic), df)))


def _homogeneity(cells: Cells, k: int) -> tuple[TableTest, TableTest]:
    """Compare the events of each table with those that the common odds ratio expects at its margins."""
    total = cells.n_1 + cells.n_2
    above, below = float((cells.a * cells.d / total).sum()), float((cells.b * cells.c / total).sum())
    reason = NO_TABLE if not k else ONE_TABLE if k == 1 else None if above > 0 and below > 0 else NO_RATIO
    if reason is not None:
        none = TableTest(None, None, None, reason)
        return none, none
    ratio, inverse = above / below, below / above
    n_1, n_2, events, others = cells.n_1, cells.n_2, cells.a + cells.c, cells.b + cells.d
    # Each cell by the equation of its own: a difference of margins would lose the digits of a small one.
    a, b = _expected(n_1, n_2, events, others, ratio), _expected(n_1, n_2, others, events, inverse)
    c, d = _expected(n_2, n_1, events, others, inverse), _expected(n_2, n_1, others, events, ratio)
    variance = 1.0 / (1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d)
    gap = cells.a - a
    breslow_day = float((gap * gap / variance).sum())
    drift = float(gap.sum())
    tarone = max(breslow_day - drift * drift / float(variance.sum()), 0.0)
    return _test(breslow_day, k - 1), _test(tarone, k - 1)


def _expected(own: FloatArray, other: FloatArray, events: FloatArray, others: FloatArray, ratio: float) -> FloatArray:
    """Solve a(n₂ - m + a) = ψ(n₁ - a)(m - a) for the events of a group of ``own`` participants, margins fixed.

    The discriminant is written as a sum of terms that are not negative, and the root so that nothing cancels.
    """
    half_way = own * other + events * others
    root = np.sqrt((ratio * (own - events)) ** 2 + 2.0 * ratio * half_way + (other - events) ** 2)
    linear = (other - events) + ratio * (own + events)
    # A negative linear term comes with a ratio below 1.
    low = np.where(linear < 0, (root - linear) / (2.0 * (1.0 - ratio)) if ratio != 1.0 else 0.0, 0.0)
    return np.where(linear < 0, low, 2.0 * ratio * own * events / (linear + root))
