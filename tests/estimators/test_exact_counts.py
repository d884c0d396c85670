"""Effect sizes of counts agree with 50-digit arithmetic, and their variances with differentiated effects."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_validation.mpmath import counts as exact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Make = Callable[..., es.Studies]
    Row = Sequence[float]

CLOSED = 1e-13
ITERATIVE = 1e-12
SEED = 20261124


def tables() -> list[tuple[float, float, float, float]]:
    """Draw 2×2 tables without a zero: small, lopsided, near independence, near a perfect association, large."""
    rng = Random(SEED)  # noqa: S311 - a reproducible stream, no secret
    small = [tuple(float(rng.randint(1, 40)) for _ in range(4)) for _ in range(12)]
    wide = [tuple(float(rng.randint(1, 10 ** rng.randint(1, 5))) for _ in range(4)) for _ in range(12)]
    near = [(30.0, 70.0, 3001.0, 7000.0), (500.0, 500.0, 501.0, 500.0), (1.0, 99999.0, 1.0, 99998.0)]
    near += [(10.0, 40.0, 20.0, 80.0), (2000.0, 3.0, 2001.0, 3.0)]
    edges = [(1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 1.0, 2.0), (99999.0, 1.0, 2.0, 88888.0), (1.0, 50000.0, 70000.0, 1.0)]
    edges += [(0.5, 12.5, 3.5, 29.5), (1.0, 1e6, 1e6, 3.0), (4.0, 119.0, 11.0, 128.0)]
    return [row for row in (*small, *wide, *near, *edges) if len(row) == 4]


def worst(found: es.Effects, rows: Sequence[Row], y: Sequence[Any], v: Sequence[Any]) -> tuple[float, float]:
    assert not found.reasons
    errors = [
        (exact.relative_error(float(found.y[i]), y[i]), exact.relative_error(float(found.v[i]), v[i]))
        for i in range(len(rows))
    ]
    return max(error[0] for error in errors), max(error[1] for error in errors)


def two_groups(rows: Sequence[Row], make: Make) -> es.Studies:
    a, b, c, d = np.array(rows).T
    return make(events_1=a, n_1=a + b, events_2=c, n_2=c + d)


@pytest.mark.parametrize("measure", sorted({*exact.TABLES} - {"PHI", "ZPHI", "YUQ", "YUY"}))
def test_two_groups(measure: str, make_studies: Make) -> None:
    rows = tables()
    found = es.effects(two_groups(rows, make_studies), measure, settings="metafor")
    effect = exact.TABLES[measure]
    y, v = [exact.value(effect, *row) for row in rows], [exact.binomials(effect, *row) for row in rows]
    error = worst(found, rows, y, v)
    assert max(error) <= CLOSED, error


@pytest.mark.parametrize("measure", ["PHI", "ZPHI", "YUQ", "YUY"])
@pytest.mark.parametrize("vtype", ["CS", "ST"])
def test_association(measure: str, vtype: str, make_studies: Make) -> None:
    rows = tables()
    words: dict[str, Any] = {"vtype": vtype} if measure in {"PHI", "ZPHI"} else {}
    found = es.effects(two_groups(rows, make_studies), measure, settings="metafor", **words)
    effect = exact.TABLES[measure]
    variance = exact.binomials if vtype == "ST" else exact.multinomial
    y, v = [exact.value(effect, *row) for row in rows], [variance(effect, *row) for row in rows]
    error = worst(found, rows, y, v)
    assert max(error) <= CLOSED, error


@pytest.mark.parametrize("measure", sorted(exact.PAIRS))
def test_matched_pairs(measure: str, make_studies: Make) -> None:
    rows = [row for row in tables() if row[1] != row[2]]
    a, b, c, d = np.array(rows).T
    studies = make_studies(pairs_both=a, pairs_only_1=b, pairs_only_2=c, pairs_neither=d)
    found = es.effects(studies, measure, settings="metafor")
    effect = exact.PAIRS[measure]
    y, v = [exact.value(effect, *row) for row in rows], [exact.multinomial(effect, *row) for row in rows]
    error = worst(found, rows, y, v)
    assert max(error) <= CLOSED, error


def test_margins_with_their_correlation_say_what_the_pairs_do(make_studies: Make) -> None:
    """The marginal odds ratio needs no more of the pairs than how many had both events."""
    rows = [row for row in tables() if row[1] != row[2]]
    a, b, c, d = np.array(rows).T
    n = a + b + c + d
    margins = make_studies(events_1=a + b, n_1=n, events_2=a + c, n_2=n, proportion_both=a / n)
    found = es.effects(margins, "MPORM", settings="metafor")
    effect = exact.PAIRS["MPOR"]
    for i, row in enumerate(rows):
        assert exact.relative_error(float(found.y[i]), exact.value(effect, *row)) <= CLOSED
        # The share of pairs with both events is a rounded number: its last digit is what the variance is short of.
        truth = exact.multinomial(effect, *row)
        short = 2 * n[i] ** 3 * (a[i] / n[i]) / ((a[i] + b[i]) * (c[i] + d[i]) * (a[i] + c[i]) * (b[i] + d[i]))
        condition = 1 + abs(short) * n[i] / n[i] / float(truth)
        assert exact.relative_error(float(found.v[i]), truth) <= CLOSED * condition, row


def test_tetrachoric_correlation(make_studies: Make) -> None:
    """Both the root and the delta method's variance, whose gradient is that of an implicit function."""
    rows = tables()[::2]
    studies = two_groups(rows, make_studies)
    z, r = (es.effects(studies, measure, settings="metafor") for measure in ("ZTET", "RTET"))
    for i, row in enumerate(rows):
        truth, variance = exact.tetrachoric(float(z.y[i]), *row)
        assert exact.relative_error(float(z.y[i]), truth) <= ITERATIVE, row
        assert exact.relative_error(float(r.y[i]), exact.tanh(truth)) <= ITERATIVE, row
        slope = exact.tanh_slope(truth)
        assert exact.relative_error(float(z.v[i]), variance) <= ITERATIVE, row
        assert exact.relative_error(float(r.v[i]), variance * slope * slope) <= ITERATIVE, row


@pytest.mark.parametrize("measure", sorted(exact.SINGLE))
def test_proportions(measure: str, make_studies: Make) -> None:
    rows = [row[:2] for row in tables()]
    x, m = np.array(rows).T
    found = es.effects(make_studies(events=x, n=x + m), measure, settings="metafor")
    effect = exact.SINGLE[measure]
    seen = [i for i in range(len(rows)) if x[i] != m[i] or measure not in {"PLO", "PRZ"}]
    assert max(abs(found.y[[i for i in range(len(rows)) if i not in seen]]), default=0.0) == 0.0
    for i in seen:
        assert exact.relative_error(float(found.y[i]), exact.value(effect, *rows[i])) <= CLOSED, rows[i]
        assert exact.relative_error(float(found.v[i]), exact.binomials(effect, *rows[i])) <= CLOSED, rows[i]


@pytest.mark.parametrize("measure", sorted(exact.RATES))
def test_rates(measure: str, make_studies: Make) -> None:
    rows = [(row[0], row[1] / 7) for row in tables()]
    x, t = np.array(rows).T
    found = es.effects(make_studies(events=x, time=t), measure, settings="metafor")
    effect = exact.RATES[measure]
    y, v = [exact.value(effect, *row) for row in rows], [exact.poisson(effect, *row) for row in rows]
    # The quotient of a logarithm near 0 is rounded before the logarithm is taken.
    nearness = max(1.0, *(1 / max(abs(float(one)), 1e-3) for one in y)) if measure == "IRLN" else 1.0
    error = worst(found, rows, y, v)
    assert max(error) <= CLOSED * nearness, error


@pytest.mark.parametrize("measure", sorted(exact.TWO_RATES))
def test_two_rates(measure: str, make_studies: Make) -> None:
    rows = [(row[0], row[1], row[2], row[3]) for row in tables()]
    x, t, y_2, u = np.array(rows).T
    studies = make_studies(events_1=x, time_1=t, events_2=y_2, time_2=u)
    found = es.effects(studies, measure, settings="metafor")
    effect = exact.TWO_RATES[measure]
    y, v = [exact.value(effect, *row) for row in rows], [exact.poisson(effect, *row) for row in rows]
    error = worst(found, rows, y, v)
    assert max(error) <= CLOSED, error


def test_excess_heterozygosity(make_studies: Make) -> None:
    rows = [row[:3] for row in tables()]
    a, b, c = np.array(rows).T
    found = es.effects(make_studies(genotype_11=a, genotype_12=b, genotype_22=c), "REH", settings="metafor")
    effect = exact.excess_heterozygosity
    y, v = [exact.value(effect, *row) for row in rows], [exact.multinomial(effect, *row) for row in rows]
    error = worst(found, rows, y, v)
    assert max(error) <= CLOSED, error


def test_diagnostic_odds_ratio(make_studies: Make) -> None:
    rows = tables()
    tp, fn, fp, tn = np.array(rows).T
    found = es.effects(make_studies(tp=tp, fp=fp, fn=fn, tn=tn), "DOR", settings="metafor")
    effect = exact.TABLES["OR"]
    y, v = [exact.value(effect, *row) for row in rows], [exact.binomials(effect, *row) for row in rows]
    assert max(worst(found, rows, y, v)) <= CLOSED


def test_freeman_and_tukey(make_studies: Make) -> None:
    """The published variances, and back-transformations that give every count, 0 and all included."""
    rows = [(0.0, 1.0), (1.0, 1.0), (0.0, 30.0), (30.0, 30.0), (1.0, 5.0), (7.0, 9.0), (2.0, 1e6), (1e6 - 3, 1e6)]
    rows += [(row[0], row[0] + row[1]) for row in tables() if float(row[0]).is_integer()]
    x, n = np.array(rows).T
    found = es.effects(make_studies(events=x, n=n, time=n), "PFT", settings="metafor")
    rate = es.effects(make_studies(events=x, n=n, time=n), "IRFT", settings="metafor")
    for i, row in enumerate(rows):
        assert exact.relative_error(float(found.y[i]), exact.value(exact.freeman_tukey, *row)) <= CLOSED, row
        assert found.v[i] == 1 / (4 * n[i] + 2)
        assert exact.relative_error(float(rate.y[i]), exact.value(exact.freeman_tukey_rate, *row)) <= CLOSED, row
        assert rate.v[i] == 1 / (4 * n[i])
        for effects in (found, rate):
            shown = effects.scale_of([i]).show(float(effects.y[i]))
            # A count of 0 is the foot of a parabola: a rounding of y is a count of the order of its square.
            assert shown == pytest.approx(x[i] / n[i], rel=1e-12 * max(1.0, n[i] ** 0.5), abs=1e-15 / n[i]), row


def test_peto_of_matched_pairs(make_studies: Make) -> None:
    """Under no effect the pairs that differ fall either way alike: O - E = (b - c)/2, with variance (b + c)/4."""
    rows = tables()
    a, b, c, d = np.array(rows).T
    studies = make_studies(pairs_both=a, pairs_only_1=b, pairs_only_2=c, pairs_neither=d)
    found = es.effects(studies, "MPPETO", settings="metafor")
    excess, variance = (b - c) / 2, (b + c) / 4
    np.testing.assert_allclose(found.y, excess / variance, rtol=1e-15)
    np.testing.assert_allclose(found.v, 1 / variance, rtol=1e-15)


@pytest.mark.parametrize(("measure", "vtype"), [("PR", "UB"), ("PR", "AV"), ("PLN", "AV"), ("PLO", "AV")])
def test_variance_types_of_proportions(measure: str, vtype: str, make_studies: Make) -> None:
    """The unbiased variance, and those with the proportion of all studies together."""
    x, n = [4.0, 7.0, 9.0, 120.0], [20.0, 30.0, 11.0, 400.0]
    found = es.effects(make_studies(events=x, n=n), measure, settings="metafor", vtype=vtype)
    p = sum(x) / sum(n)
    truth = {
        ("PR", "UB"): [e / m * (1 - e / m) / (m - 1) for e, m in zip(x, n, strict=True)],
        ("PR", "AV"): [p * (1 - p) / m for m in n],
        ("PLN", "AV"): [(1 - p) / (p * m) for m in n],
        ("PLO", "AV"): [1 / (p * (1 - p) * m) for m in n],
    }
    np.testing.assert_allclose(found.v, truth[measure, vtype], rtol=1e-14)


@pytest.mark.parametrize("measure", ["OR", "YUQ", "PBIT", "OR2DL", "DOR", "IRR", "IRLN", "PLO", "PRZ", "PLN", "MPORC"])
def test_a_zero_cell_to_which_nothing_is_added_is_the_reason(measure: str, make_studies: Make) -> None:
    columns = {
        "events_1": [0.0, 3.0],
        "n_1": [10.0, 10.0],
        "events_2": [4.0, 5.0],
        "n_2": [12.0, 12.0],
        "tp": [0.0, 3.0],
        "fp": [2.0, 3.0],
        "fn": [4.0, 1.0],
        "tn": [5.0, 5.0],
        "time_1": [9.0, 9.0],
        "time_2": [8.0, 8.0],
        "events": [0.0, 2.0],
        "n": [7.0, 7.0],
        "time": [7.0, 7.0],
        "pairs_both": [1.0, 1.0],
        "pairs_only_1": [0.0, 2.0],
        "pairs_only_2": [3.0, 3.0],
        "pairs_neither": [1.0, 1.0],
    }
    made = es.effects(make_studies(**columns), measure, settings="metafor", correction="none")
    assert made.reasons == {0: "a cell is 0, and nothing is added to it"}
