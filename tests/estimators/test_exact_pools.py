"""Zero-cell options and ways to pool counts beside 50-digit arithmetic."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_validation.mpmath import pools
from evisynth_validation.mpmath.effects import Cells
from evisynth_validation.mpmath.exact import exact, exp
from evisynth_validation.mpmath.pooling import mantel_haenszel_or, mantel_haenszel_rd, mantel_haenszel_rr

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., es.Studies]

CLOSED = 1e-13
RULES = {"metafor": "metafor", "meta": "meta", "meta-Cochrane": "meta", "TACC": "meta"}
SPECIAL = [
    (0, 20, 3, 25),
    (4, 20, 0, 25),
    (0, 20, 0, 25),
    (20, 20, 25, 25),
    (20, 20, 5, 25),
    (20, 20, 0, 25),
    (1, 1, 0, 1),
]


def drawn_tables(seed: int, *, zeros: bool) -> list[tuple[int, int, int, int]]:
    rng = np.random.default_rng(seed)
    sizes = [(int(rng.integers(2, 300)), int(rng.integers(2, 300))) for _ in range(7)]
    drawn = [(int(rng.integers(1, one)), one, int(rng.integers(1, two)), two) for one, two in sizes]
    # Nearly equal risks in large arms: the logarithm of a ratio next to 1.
    near = [(5001, 20000, 5000, 20000), (3, 4, 300000, 400001)]
    return [*drawn, *near, *(SPECIAL if zeros else [])]


def studies_of(tables: list[tuple[int, int, int, int]], make: Make) -> es.Studies:
    columns = np.array(tables, dtype=np.float64).T
    return make(**dict(zip(("events_1", "n_1", "events_2", "n_2"), columns, strict=True)))


def near(value: float, truth: Any, condition: float = 1.0, terms: float = 0.0) -> bool:  # noqa: ANN401 - a 50-digit number
    """Compare without rounding the truth first; ``terms`` is the size of what a difference is taken of."""
    return bool(abs(exact(value) - truth) <= CLOSED * (condition * abs(truth) + terms))


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize("rule", RULES)
def test_effects_of_corrected_tables(rule: str, measure: str, zeros: bool, make_studies: Make) -> None:  # noqa: FBT001 - parametrised
    tables = drawn_tables(11, zeros=zeros)
    cells = [Cells.of(*table) for table in tables]
    compared = 0
    for to, increment, kept in product(("only0", "if0all", "all", "none"), (0.5, 0.25, 0.1, 0.0), ("kept", "dropped")):
        dropped = kept == "dropped"
        effects = es.effects(
            studies_of(tables, make_studies),
            measure=measure,
            settings=RULES[rule],
            correction=rule,
            increment=increment,
            increment_to=to,
            double_zeros=kept,
        )
        added = pools.increments(cells, increment, to, dropped=dropped)
        for i, (t, more) in enumerate(zip(cells, added, strict=True)):
            truth = pools.effect_of(t, more, rule, measure)
            if (dropped and (t.no_events or t.all_events)) or truth is None or not truth.v > 0:
                assert np.isnan(effects.y[i]), (to, increment, i)
                assert effects.reasons[i]
                continue
            compared += 1
            # An increment that is no power of two rounds in the cells, and a ratio of them next to 1 loses digits.
            terms = 0.0 if increment in {0.5, 0.25, 0.0} and rule != "TACC" else 1.0
            assert near(float(effects.y[i]), truth.y, terms=terms), (to, increment, i, tables[i])
            assert near(float(effects.v[i]), truth.v), (to, increment, i, tables[i])
    assert compared > 200


@pytest.mark.parametrize("zeros", [False, True])
def test_tests_of_tables(zeros: bool, make_studies: Make) -> None:  # noqa: FBT001 - parametrised
    for seed in range(20):
        tables = drawn_tables(seed, zeros=zeros)
        cells = [Cells.of(*table) for table in tables]
        tell = [t for t in cells if not (t.no_events or t.all_events)]
        found = es.table_tests(es.fit(studies_of(tables, make_studies), measure="OR", settings="metafor"))
        common = mantel_haenszel_or(tell)
        assert common is not None
        breslow_day, tarone = pools.breslow_day(tell, exp(common.estimate))
        for test, truth, df in (
            (found.mantel_haenszel, pools.cochran_mantel_haenszel(tell, 0.0), 1),
            (found.mantel_haenszel_corrected, pools.cochran_mantel_haenszel(tell, 0.5), 1),
            (found.cochran, pools.cochran(tell), 1),
            (found.breslow_day, breslow_day, len(tell) - 1),
            (found.tarone, tarone, len(tell) - 1),
        ):
            assert test.statistic is not None
            assert test.p_value is not None
            # A statistic is a square of a difference of counts up to 5000.
            assert near(test.statistic, truth, 100.0, 1.0), (seed, test, float(truth))
            assert test.df == df
            assert test.p_value == pytest.approx(chi2_tail(truth, df), rel=1e-11)
        assert found.k == len(tell)


def chi2_tail(statistic: Any, df: int) -> float:  # noqa: ANN401 - a 50-digit number
    return float(es.chi2_p_value(np.asarray(float(statistic)), df))


def test_tables_that_tell_nothing(make_studies: Make) -> None:
    empty = es.table_tests(es.fit(studies_of([(0, 5, 0, 7), (5, 5, 7, 7)], make_studies), measure="OR"))
    assert empty.k == 0
    for test in (empty.mantel_haenszel, empty.cochran, empty.breslow_day, empty.tarone):
        assert test.statistic is None
        assert test.reason
    one = es.table_tests(es.fit(studies_of([(1, 5, 2, 7)], make_studies), measure="OR"))
    assert one.mantel_haenszel.statistic is not None
    assert one.breslow_day.reason == "one table cannot tell whether odds ratios differ"
    flat = es.table_tests(es.fit(studies_of([(0, 5, 2, 7), (0, 9, 1, 8)], make_studies), measure="OR"))
    assert flat.tarone.reason == "the Mantel-Haenszel odds ratio is 0 or infinite"
    with pytest.raises(es.CombinationError, match="need counts"):
        es.table_tests(es.fit(es.Effects([0.1, 0.2], [0.1, 0.1])))


def test_a_study_left_out_is_not_tested(make_studies: Make) -> None:
    tables = drawn_tables(3, zeros=False)
    whole = es.fit(studies_of(tables, make_studies), measure="OR", exclude=["S1"])
    rest = es.fit(studies_of(tables[1:], make_studies), measure="OR")
    assert es.table_tests(whole) == es.table_tests(rest)


SPARSE = [
    [(0, 20, 3, 25), (4, 20, 0, 25), (0, 20, 0, 25)],
    [(0, 10, 0, 10), (0, 15, 0, 30)],
    [(5, 5, 0, 7)],
    [(1, 10, 1, 10), (3, 40, 3, 40), (0, 7, 0, 7)],
    [(1, 2, 1, 2), (0, 1, 1, 1), (3, 3, 2, 2)],
    [(49, 615, 67, 624), (44, 758, 64, 771), (102, 832, 126, 850), (1570, 8587, 1720, 8600)],
    [(4, 123, 11, 139), (60, 2300, 250, 2200), (2, 40000, 9, 41000), (0, 500, 1, 100)],
]


@pytest.mark.parametrize("tables", SPARSE, ids=lambda tables: f"{len(tables)} tables from {tables[0]}")
@pytest.mark.parametrize("model", ["common", "random"])
def test_penalised_logistic_regression(model: str, tables: list[tuple[int, int, int, int]], make_studies: Make) -> None:
    estimate, variance, spread = pools.penalised_logistic([Cells.of(*table) for table in tables])
    words: dict[str, Any] = {"measure": "OR", "method": "LRP", "settings": "meta", "interval": "Wald"}
    analysis = es.fit(studies_of(tables, make_studies), model=model, **words)
    pooled = analysis.pooled
    assert pooled is not None
    assert abs(exact(pooled.value) - estimate) <= 1e-12 * max(1.0, abs(float(estimate)))
    truth = variance * spread if model == "random" else variance
    assert abs(exact(pooled.se**2) / truth - 1) <= 1e-11
    assert analysis.k == len(tables)
    many = es.fit_many(
        {"analysis": ["a"] * len(tables), **dict(studies_of(tables, make_studies).columns)},
        by="analysis",
        model=model,
        **words,
    )
    assert many["effect"][0] == pytest.approx(pooled.value, rel=1e-12, abs=1e-13)
    assert many["se"][0] == pytest.approx(pooled.se, rel=1e-12)


def effects_exist(t: Cells, added: Any, rule: str, measure: str) -> bool:  # noqa: ANN401 - a 50-digit number
    """Tell whether a table has an effect; metafor's sums take it without one."""
    truth = pools.effect_of(t, added, rule, measure)
    return rule == "metafor" or (truth is not None and truth.v > 0)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("inside", ["added", "none"])
def test_sums_with_and_without_increments(inside: str, rule: str, measure: str, make_studies: Make) -> None:
    tables = drawn_tables(12, zeros=True)
    cells = [Cells.of(*table) for table in tables]
    for to, increment in product(("only0", "if0all", "all"), (0.5, 0.1)):
        analysis = es.fit(
            studies_of(tables, make_studies),
            measure=measure,
            method="MH",
            model="common",
            settings=RULES[rule],
            correction=rule,
            increment=increment,
            increment_to=to,
            double_zeros="kept",
            mh_increment=inside,
            mh_rd_variance="Greenland-Robins",
        )
        added = pools.increments(cells, increment, to, dropped=False)
        weighed = [effects_exist(t, more, rule, measure) for t, more in zip(cells, added, strict=True)]
        own = [t for t, there in zip(cells, weighed, strict=True) if there]
        more = [amount for amount, there in zip(added, weighed, strict=True) if there]
        sums = [pools.increased(t, x, rule) if inside == "added" else t for t, x in zip(own, more, strict=True)]
        if measure == "OR":
            truth = mantel_haenszel_or(sums)
        elif measure == "RR":
            truth = mantel_haenszel_rr(sums, at_one=[False] * len(sums))
        else:
            # meta takes differences of the tables as given, at weights of the corrected ones.
            own = sums if rule == "metafor" else own
            weights = [t.n1 * t.n2 / t.n for t in sums]
            plain = mantel_haenszel_rd(sums, sums)
            mean = sum((w * (t.a / t.n1 - t.c / t.n2) for w, t in zip(weights, own, strict=True)), exact(0)) / sum(
                weights, exact(0)
            )
            assert analysis.pooled is not None
            assert near(analysis.pooled.value, mean, 100.0), (to, increment)
            assert near(analysis.pooled.se**2, plain.variance, 10.0)
            continue
        assert truth is not None
        assert analysis.pooled is not None
        assert near(analysis.pooled.value, truth.estimate, float(truth.cond)), (to, increment)
        assert near(analysis.pooled.se**2, truth.variance, 10.0), (to, increment)


@pytest.mark.parametrize("method", ["IV", "MH", "Peto"])
def test_one_analysis_has_one_tau2(method: str, make_studies: Make) -> None:
    found = es.fit(
        studies_of(drawn_tables(3, zeros=False), make_studies),
        "PETO" if method == "Peto" else "OR",
        method=method,
        model="common",
    )
    assert found.fit is not None
    assert found.fit.tau2.shape == ()
    assert float(found.fit.tau2) == 0.0
    assert found.fit.coefficients.shape == (1,)
    assert found.fit.covariance.shape == (1, 1)
