"""RevMan 5's rules, each on tables made for it and worked out here at 50 digits; then RevMan's own stored results."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias
from xml.etree import ElementTree as ET

import attrs
import numpy as np
import pytest
from mpmath.ctx_mp import MPContext

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Make = Callable[..., es.Studies]

Number: TypeAlias = Any
"""A 50-digit number; mpmath has no types."""
Row: TypeAlias = tuple[int, int, int, int]
"""a events of n1, c events of n2."""

mp: Any = MPContext()
mp.dps = 50
REL = 1e-12
LEVELS = (0.8, 0.9, 0.95, 0.99)

# -- the rules, worked out apart from the engine ----------------------------------------------------------------------


def cells(row: Row) -> tuple[Number, ...]:
    a, n_1, c, n_2 = row
    return mp.mpf(a), mp.mpf(n_1 - a), mp.mpf(c), mp.mpf(n_2 - c)


def corrected(row: Row) -> tuple[Number, ...]:
    raw = cells(row)
    return tuple(cell + mp.mpf("0.5") for cell in raw) if min(raw) == 0 else raw


def effect(measure: str, row: Row) -> tuple[Number, Number] | None:
    """Give effect and variance, None where RevMan has none."""
    a, b, c, d = cells(row)
    if a + b == 0 or c + d == 0 or (measure != "RD" and a == c == 0):
        return None
    if measure in {"OR", "PETO"} and b == d == 0:
        return None
    A, B, C, D = corrected(row)
    if measure == "OR":
        return mp.log(A * D / (B * C)), 1 / A + 1 / B + 1 / C + 1 / D
    if measure == "RR":
        y = mp.mpf(0) if b == d == 0 else mp.log((A / (A + B)) / (C / (C + D)))
        return y, 1 / A + 1 / C - 1 / (A + B) - 1 / (C + D)
    if measure == "RD":
        return a / (a + b) - c / (c + d), A * B / (A + B) ** 3 + C * D / (C + D) ** 3
    gap, v = hypergeometric(row)
    return gap / v, 1 / v


def hypergeometric(row: Row) -> tuple[Number, Number]:
    a, b, c, d = cells(row)
    N = a + b + c + d
    return a - (a + b) * (a + c) / N, (a + b) * (c + d) * (a + c) * (b + d) / (N**2 * (N - 1))


def mantel_haenszel(measure: str, rows: Sequence[Row]) -> tuple[Number, Number, list[Number]]:
    """Give the estimate on the analysis scale, its variance and the weights."""
    tables = [(*corrected(row), row) for row in rows]
    if measure == "RD":
        weights = [mp.mpf(n_1) * n_2 / (n_1 + n_2) for _, n_1, _, n_2 in rows]
        made = [effect("RD", row) or (mp.nan, mp.nan) for row in rows]
        K = sum(weights)
        estimate = sum(w * y for w, (y, _) in zip(weights, made, strict=True)) / K
        if len(rows) == 1:
            return estimate, made[0][1], weights
        J = sum(
            (A * B * (C + D) ** 3 + C * D * (A + B) ** 3) / ((A + B) * (C + D) * (A + B + C + D) ** 2)
            for A, B, C, D, _ in tables
        )
        return estimate, J / K**2, weights
    if measure == "OR":
        R = [A * D / (A + B + C + D) for A, B, C, D, _ in tables]
        S = [B * C / (A + B + C + D) for A, B, C, D, _ in tables]
        P = [(A + D) / (A + B + C + D) for A, B, C, D, _ in tables]
        r, s = sum(R), sum(S)
        variance = sum(
            p * x / (2 * r**2) + (p * w + (1 - p) * x) / (2 * r * s) + (1 - p) * w / (2 * s**2)
            for p, x, w in zip(P, R, S, strict=True)
        )
        return mp.log(r / s), variance, S
    return risk_ratio_of_sums(rows)


def risk_ratio_of_sums(rows: Sequence[Row]) -> tuple[Number, Number, list[Number]]:
    tables = [(*corrected(row), row) for row in rows]
    R = [A * (C + D) / (A + B + C + D) for A, B, C, D, _ in tables]
    S = [C * (A + B) / (A + B + C + D) for A, B, C, D, _ in tables]
    spread = sum(
        ((A + B) * (C + D) * (A + C) - A * C * (A + B + C + D)) / (A + B + C + D) ** 2 for A, B, C, D, _ in tables
    )
    variance = spread / (sum(R) * sum(S))
    terms = [w if row[0] == row[1] and row[2] == row[3] else x for x, w, (*_, row) in zip(R, S, tables, strict=True)]
    return mp.log(sum(terms) / sum(S)), variance, S


@attrs.frozen
class Truth:
    """Hold what RevMan's rules make of some tables: a pooled effect, its heterogeneity and weights in percent."""

    value: Number
    variance: Number
    weights: list[Number]
    q: Number
    df: int
    tau2: Number

    @property
    def z(self) -> Number:
        return self.value / mp.sqrt(self.variance)

    @property
    def i2(self) -> Number:
        return 0 if self.df == 0 or self.q <= self.df else 100 * (self.q - self.df) / self.q


def inverse_variance(effects: Sequence[tuple[Number, Number]]) -> tuple[Number, Number, list[Number]]:
    weights = [1 / v for _, v in effects]
    total = sum(weights)
    return sum(w * y for w, (y, _) in zip(weights, effects, strict=True)) / total, 1 / total, weights


def pooled(effects: Sequence[tuple[Number, Number]], common: tuple[Number, Number, list[Number]], model: str) -> Truth:
    """Take Q about the common estimate, and DL's τ² from that Q."""
    w = [1 / v for _, v in effects]
    df = len(effects) - 1
    q = sum(x * (y - common[0]) ** 2 for x, (y, _) in zip(w, effects, strict=True)) if df else mp.mpf(0)
    tau2 = max(mp.mpf(0), (q - df) / (sum(w) - sum(x**2 for x in w) / sum(w))) if df else mp.mpf(0)
    chosen = common if model == "common" else inverse_variance([(y, v + tau2) for y, v in effects])
    total = sum(chosen[2])
    return Truth(chosen[0], chosen[1], [100 * x / total for x in chosen[2]], q, df, tau2)


def by_the_rules(measure: str, method: str, model: str, rows: Sequence[Row]) -> tuple[Truth | None, list[int]]:
    """Pool the estimable tables; their places come along."""
    made = [effect(measure, row) for row in rows]
    kept = [i for i, one in enumerate(made) if one is not None]
    effects = [one for one in made if one is not None]
    if not kept:
        return None, kept
    common = mantel_haenszel(measure, [rows[i] for i in kept]) if method == "MH" else inverse_variance(effects)
    return pooled(effects, common, model), kept


def normal_quantile(level: float) -> Number:
    return mp.sqrt(2) * mp.erfinv(mp.mpf(level))


def normal_tails(z: Number) -> Number:
    return mp.erfc(abs(z) / mp.sqrt(2))


def chi2_tail(q: Number, df: int) -> Number:
    return mp.gammainc(mp.mpf(df) / 2, q / 2, mp.inf, regularized=True)


def close(value: float | None, truth: Number, rel: float = REL) -> bool:
    return value is not None and abs(mp.mpf(value) - truth) <= rel * max(abs(truth), mp.mpf("1e-3"))


def studies_of(rows: Sequence[Row], make: Make) -> es.Studies:
    columns = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return make(**dict(zip(("events_1", "n_1", "events_2", "n_2"), columns, strict=True)))


def revman(studies: es.Studies, measure: str, **words: Any) -> es.MetaAnalysis:  # noqa: ANN401 - those of fit
    return es.fit(studies, measure, settings="revman5", **words)


TABLES: dict[str, list[Row]] = {
    "no zeros": [(12, 53, 23, 61), (5, 29, 9, 27), (31, 106, 19, 99), (3, 20, 12, 22)],
    "a zero in each cell": [(0, 20, 4, 21), (7, 18, 0, 19), (15, 15, 9, 17), (6, 13, 14, 14), (9, 40, 11, 38)],
    "double zeros among others": [(0, 30, 0, 15), (3, 24, 8, 25), (0, 11, 0, 40), (5, 33, 2, 30), (1, 16, 6, 14)],
    "all events in both arms": [(12, 12, 9, 9), (10, 14, 6, 15), (7, 22, 12, 20), (17, 19, 8, 18)],
    "unlike arms": [(2, 200, 9, 31), (40, 61, 3, 150), (1, 7, 5, 400), (11, 90, 13, 45)],
    "one table": [(4, 40, 9, 37)],
    "one table with a zero": [(0, 14, 5, 16)],
    "one table with events in everybody": [(9, 9, 14, 14)],
    "one table without events": [(0, 9, 0, 14)],
    "an empty arm": [(0, 0, 4, 21), (8, 31, 12, 29), (3, 18, 0, 0), (6, 25, 9, 24)],
    "alike": [(10, 100, 10, 100), (20, 200, 20, 200), (5, 50, 5, 50)],
}
WAYS = [
    (measure, method, model)
    for measure in ("OR", "RR", "RD")
    for method in ("MH", "IV")
    for model in ("common", "random")
] + [("PETO", "Peto", "common")]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("way", WAYS, ids="-".join)
@pytest.mark.parametrize("table", TABLES)
def test_tables_pool_by_the_rules(table: str, way: tuple[str, str, str], level: float, make_studies: Make) -> None:
    measure, method, model = way
    rows = TABLES[table]
    analysis = revman(studies_of(rows, make_studies), measure, method=method, model=model, level=level)
    truth, kept = by_the_rules(measure, method, model, rows)
    assert analysis.k == len(kept)
    assert analysis.k_total == len(rows)
    assert [study.row - 1 for study in analysis.studies if study.included] == kept
    if truth is None:
        assert analysis.pooled is None
        return
    found, spread = analysis.pooled, analysis.heterogeneity
    assert found is not None
    assert close(found.value, truth.value)
    assert close(found.se, mp.sqrt(truth.variance))
    half = normal_quantile(level) * mp.sqrt(truth.variance)
    assert close(found.ci_low, truth.value - half)
    assert close(found.ci_high, truth.value + half)
    assert close(found.statistic, truth.z)
    assert close(found.p_value, normal_tails(truth.z))
    assert found.df is None
    assert spread.df == truth.df
    if truth.df == 0:
        # Shown as 0 or 100 and not applicable by RevMan; a number that one study cannot give is null here.
        assert spread.q == 0
        assert spread.i2 is None
        assert "Heterogeneity: Not applicable" in str(analysis)
    else:
        assert close(spread.q, truth.q)
        assert close(spread.i2, truth.i2, 1e-11)
        assert close(spread.p_value, chi2_tail(truth.q, truth.df))
        assert measure == "PETO" or close(spread.tau2, truth.tau2)
    weights = [analysis.studies[i].weight for i in kept]
    assert all(close(weight, share) for weight, share in zip(weights, truth.weights, strict=True))
    assert math.fsum(weight or 0.0 for weight in weights) == pytest.approx(100.0, rel=1e-14)


@pytest.mark.parametrize("study_level", LEVELS)
@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "PETO"])
@pytest.mark.parametrize("table", TABLES)
def test_study_effects_follow_the_rules(table: str, measure: str, study_level: float, make_studies: Make) -> None:
    rows = TABLES[table]
    analysis = revman(studies_of(rows, make_studies), measure, study_level=study_level)
    assert analysis.settings.level == 0.95
    for row, study in zip(rows, analysis.studies, strict=True):
        truth = effect(measure, row)
        if truth is None:
            assert study.effect is None
            assert study.display is None
            assert study.reason
            continue
        y, v = truth
        half = normal_quantile(study_level) * mp.sqrt(v)
        assert close(study.effect, y)
        assert close(study.se, mp.sqrt(v))
        assert close(study.ci_low, y - half)
        assert close(study.ci_high, y + half)
        assert study.display is not None
        assert close(study.display.ci_high, y + half if measure == "RD" else mp.exp(y + half))


def test_the_two_levels_are_apart(make_studies: Make) -> None:
    studies = studies_of(TABLES["no zeros"], make_studies)
    both = revman(studies, "RR", level=0.9, study_level=0.99, by=["x", "x", "y", "y"])
    plain = revman(studies, "RR")
    assert both.pooled is not None
    assert plain.pooled is not None
    ratio = float(normal_quantile(0.9) / normal_quantile(0.95))
    assert both.pooled.ci_high - both.pooled.value == pytest.approx(ratio * (plain.pooled.ci_high - plain.pooled.value))
    assert (both.pooled.statistic, both.pooled.p_value) == (plain.pooled.statistic, plain.pooled.p_value)
    wide = float(normal_quantile(0.99))
    for study in both.studies:
        assert study.effect is not None
        assert study.se is not None
        assert study.ci_high == pytest.approx(study.effect + wide * study.se, rel=1e-14)
    for group in both.subgroups:
        assert group.pooled is not None
        assert group.pooled.level == 0.9
        half = float(normal_quantile(0.9)) * group.pooled.se
        assert group.pooled.ci_low == pytest.approx(group.pooled.value - half, rel=1e-13)


# -- the same rules in exact fractions --------------------------------------------------------------------------------


def test_corrected_cells_stand_in_mantel_haenszel_sums_of_ratios(make_studies: Make) -> None:
    studies = studies_of([(0, 10, 2, 10), (4, 20, 8, 20)], make_studies)
    # Cells ½, 10½, 2½, 8½ of 22, and 4, 16, 8, 12 of 40.
    odds = (Fraction(17, 4) / 22 + Fraction(48, 40)) / (Fraction(105, 4) / 22 + Fraction(128, 40))
    risk = (Fraction(11, 2) / 22 + Fraction(80, 40)) / (Fraction(55, 2) / 22 + Fraction(160, 40))
    for measure, exact in (("OR", odds), ("RR", risk)):
        shown = revman(studies, measure).display
        assert shown is not None
        assert shown.value == pytest.approx(float(exact), rel=1e-14)
        uncorrected = es.fit(studies, measure, method="MH", settings="metafor").display
        assert uncorrected is not None
        assert abs(uncorrected.value - shown.value) > 0.01


def test_a_risk_difference_keeps_raw_cells_in_effect_and_weight(make_studies: Make) -> None:
    analysis = revman(studies_of([(0, 10, 2, 10), (4, 20, 8, 20)], make_studies), "RD")
    assert analysis.pooled is not None
    assert analysis.pooled.value == pytest.approx(-0.2, rel=1e-15)  # both tables differ by -1/5
    assert [study.weight for study in analysis.studies] == pytest.approx([100 / 3, 200 / 3], rel=1e-15)
    v = Fraction(1, 2) * Fraction(21, 2) / 11**3 + Fraction(5, 2) * Fraction(17, 2) / 11**3
    assert analysis.studies[0].se == pytest.approx(math.sqrt(v), rel=1e-15)
    assert analysis.studies[1].se == pytest.approx(math.sqrt(Fraction(4 * 16 + 8 * 12, 20**3)), rel=1e-15)


@pytest.mark.parametrize("row", [(0, 14, 5, 16), (3, 14, 5, 16), (0, 9, 0, 30), (7, 7, 0, 11)])
def test_one_risk_difference_has_its_own_standard_error(row: Row, make_studies: Make) -> None:
    analysis = revman(studies_of([row], make_studies), "RD", method="MH")
    truth = effect("RD", row)
    assert truth is not None
    assert analysis.pooled is not None
    assert analysis.pooled.se == analysis.studies[0].se
    assert close(analysis.pooled.se, mp.sqrt(truth[1]))


def test_a_risk_difference_alone_among_empty_arms_has_its_own_standard_error(make_studies: Make) -> None:
    analysis = revman(studies_of([(0, 0, 3, 9), (0, 14, 5, 16)], make_studies), "RD")
    assert analysis.k == 1
    assert analysis.pooled is not None
    assert analysis.pooled.se == analysis.studies[1].se


def test_risk_differences_keep_every_table_with_two_arms(make_studies: Make) -> None:
    analysis = revman(studies_of([(0, 10, 0, 10), (12, 12, 8, 8), (0, 9, 7, 7)], make_studies), "RD")
    assert analysis.k == 3
    assert [study.effect for study in analysis.studies] == [0.0, 0.0, -1.0]


def test_a_risk_ratio_with_events_in_everybody_is_one(make_studies: Make) -> None:
    alone = revman(studies_of([(9, 9, 14, 14)], make_studies), "RR")
    v = 2 / Fraction(19) + 2 / Fraction(29) - Fraction(1, 10) - Fraction(1, 15)
    assert alone.display is not None
    assert alone.pooled is not None
    assert alone.display.value == 1.0
    assert alone.studies[0].effect == 0.0
    assert alone.studies[0].se == pytest.approx(math.sqrt(v), rel=1e-14)
    assert alone.pooled.se == pytest.approx(math.sqrt(v), rel=1e-14)
    # Beside another table its term in the sum is its weight times 1.
    both = revman(studies_of([(9, 9, 14, 14), (4, 20, 8, 20)], make_studies), "RR").display
    weight = Fraction(29, 2) * 10 / 25
    assert both is not None
    assert both.value == pytest.approx(float((weight + 2) / (weight + 4)), rel=1e-14)


@pytest.mark.parametrize(
    ("measure", "row", "reason"),
    [
        *((m, (0, 9, 0, 14), "no events in either arm") for m in ("OR", "RR", "PETO")),
        *((m, (9, 9, 14, 14), "everybody in both arms had the event") for m in ("OR", "PETO")),
        *((m, (0, 0, 3, 14), "no participants in arm 1") for m in ("OR", "RR", "RD", "PETO")),
        *((m, (3, 14, 0, 0), "no participants in arm 2") for m in ("OR", "RR", "RD", "PETO")),
        *((m, (0, 0, 0, 0), "no participants in either arm") for m in ("OR", "RR", "RD", "PETO")),
    ],
)
def test_a_table_that_is_not_estimable_stays_in_the_totals(
    measure: str, row: Row, reason: str, make_studies: Make
) -> None:
    others: list[Row] = [(3, 20, 5, 21), (4, 31, 9, 33)]
    analysis = revman(studies_of([row, *others], make_studies), measure)
    without = revman(studies_of(others, make_studies), measure)
    assert analysis.studies[0].reason == reason
    assert (analysis.k, analysis.k_total) == (2, 3)
    assert analysis.pooled == without.pooled
    assert analysis.participants == {
        "arm_1": 51 + row[1],
        "arm_2": 54 + row[3],
        "total": 105 + row[1] + row[3],
    }
    assert analysis.events == {"arm_1": 7 + row[0], "arm_2": 14 + row[2], "total": 21 + row[0] + row[2]}


def test_petos_q_is_a_difference_of_sums(make_studies: Make) -> None:
    rows: list[Row] = [(3, 20, 5, 21), (0, 31, 4, 33), (9, 40, 2, 38)]
    exact: list[tuple[Fraction, Fraction]] = []
    for a, n_1, c, n_2 in rows:
        N, m = n_1 + n_2, a + c
        exact.append((a - Fraction(n_1 * m, N), Fraction(n_1 * n_2 * m * (N - m), N * N * (N - 1))))
    total, precision = sum(gap for gap, _ in exact), sum(v for _, v in exact)
    q = sum(gap * gap / v for gap, v in exact) - total * total / precision
    analysis = revman(studies_of(rows, make_studies), "PETO")
    assert analysis.pooled is not None
    assert analysis.pooled.value == pytest.approx(float(total / precision), rel=1e-14)
    assert analysis.pooled.se == pytest.approx(1 / math.sqrt(precision), rel=1e-14)
    assert analysis.heterogeneity.q == pytest.approx(float(q), rel=1e-13)
    # No correction is made: the table with a zero has its uncorrected effect.
    assert analysis.studies[1].effect == pytest.approx(float(exact[1][0] / exact[1][1]), rel=1e-14)


def test_peto_has_no_random_model(make_studies: Make) -> None:
    with pytest.raises(es.CombinationError, match=r"RevMan 5\.4 has no random-effect model for method 'Peto'"):
        revman(studies_of(TABLES["no zeros"], make_studies), "PETO", model="random")


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_heterogeneity_is_taken_about_the_mantel_haenszel_estimate(measure: str, make_studies: Make) -> None:
    studies = studies_of(TABLES["unlike arms"], make_studies)
    about_mh = revman(studies, measure, method="MH", model="random")
    about_iv = revman(studies, measure, method="IV", model="random")
    centre = about_mh.models["common"].pooled
    assert centre is not None
    q = sum(((s.effect or 0.0) - centre.value) ** 2 / (s.se or 0.0) ** 2 for s in about_mh.studies)
    assert about_mh.heterogeneity.q == pytest.approx(q, rel=1e-12)
    assert about_iv.heterogeneity.q is not None
    # The inverse-variance mean is where Q is smallest.
    assert q > 1.0005 * about_iv.heterogeneity.q
    assert (about_mh.model.label, about_iv.model.label) == ("M-H, Random", "IV, Random")


def test_swapped_events_are_the_non_events(make_studies: Make) -> None:
    for table, rows in TABLES.items():
        swapped: list[Row] = [(n_1 - a, n_1, n_2 - c, n_2) for a, n_1, c, n_2 in rows]
        for measure, method, model in WAYS:
            analysis = revman(studies_of(rows, make_studies), measure, method=method, model=model, swap_events=True)
            truth, kept = by_the_rules(measure, method, model, swapped)
            assert analysis.k == len(kept), table
            assert analysis.events["arm_1"] == sum(row[0] for row in swapped)
            assert analysis.events["arm_2"] == sum(row[2] for row in swapped)
            assert analysis.participants["total"] == sum(row[1] + row[3] for row in rows)
            if truth is None:
                assert analysis.pooled is None
                continue
            assert analysis.pooled is not None
            assert close(analysis.pooled.value, truth.value), (table, measure, method, model)
            assert close(analysis.pooled.se, mp.sqrt(truth.variance)), (table, measure, method, model)
            assert truth.df == 0 or close(analysis.heterogeneity.q, truth.q), (table, measure, method, model)


# -- means, given effects, O - E --------------------------------------------------------------------------------------

MEANS = [
    (5.5, 1.25, 20, 6.75, 1.5, 18),
    (4.25, 2.0, 15, 4.0, 1.75, 31),
    (7.0, 0.5, 8, 9.5, 0.75, 9),
    (-1.5, 3.0, 52, 0.25, 2.5, 47),
    (2.0, 1.0, 2, 1.0, 1.5, 2),
]
MEAN_NAMES = ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")


def mean_effect(measure: str, row: tuple[float, ...]) -> tuple[Number, Number]:
    m_1, s_1, n_1, m_2, s_2, n_2 = map(mp.mpf, row)
    if measure == "MD":
        return m_1 - m_2, s_1**2 / n_1 + s_2**2 / n_2
    N = n_1 + n_2
    s = mp.sqrt(((n_1 - 1) * s_1**2 + (n_2 - 1) * s_2**2) / (N - 2))
    g = (m_1 - m_2) / s * (1 - 3 / (4 * N - 9))
    return g, N / (n_1 * n_2) + g**2 / (2 * (N - mp.mpf("3.94")))


@pytest.mark.parametrize("model", ["common", "random"])
@pytest.mark.parametrize("measure", ["MD", "SMD"])
def test_means_pool_by_the_rules(measure: str, model: str, make_studies: Make) -> None:
    studies = make_studies(**dict(zip(MEAN_NAMES, np.array(MEANS).T, strict=True)))
    analysis = revman(studies, measure, model=model)
    effects = [mean_effect(measure, row) for row in MEANS]
    for study, (y, v) in zip(analysis.studies, effects, strict=True):
        assert close(study.effect, y)
        assert close(study.se, mp.sqrt(v))
    truth = pooled(effects, inverse_variance(effects), model)
    assert analysis.pooled is not None
    assert close(analysis.pooled.value, truth.value)
    assert close(analysis.pooled.se, mp.sqrt(truth.variance))
    assert close(analysis.heterogeneity.q, truth.q)
    assert close(analysis.heterogeneity.tau2, truth.tau2)
    assert all(close(s.weight, w) for s, w in zip(analysis.studies, truth.weights, strict=True))
    assert analysis.participants["total"] == sum(row[2] + row[5] for row in MEANS)


@pytest.mark.parametrize("measure", ["MD", "SMD"])
@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((1.0, 0.0, 10, 2.0, 1.0, 11), "SD is 0"),
        ((1.0, 1.0, 10, 2.0, 0.0, 11), "SD is 0"),
        ((1.0, 0.0, 10, 2.0, 0.0, 11), "SD is 0"),
        ((1.0, 1.0, 1, 2.0, 1.0, 11), "too few participants for a standard deviation"),
        ((1.0, 1.0, 10, 2.0, 1.0, 1), "too few participants for a standard deviation"),
        ((1.0, 1.0, 0, 2.0, 1.0, 11), "no participants in an arm"),
    ],
)
def test_means_without_spread_are_not_estimable(
    measure: str, row: tuple[float, ...], reason: str, make_studies: Make
) -> None:
    studies = make_studies(**dict(zip(MEAN_NAMES, np.array([row, MEANS[0]]).T, strict=True)))
    analysis = revman(studies, measure)
    assert analysis.studies[0].reason == reason
    assert (analysis.k, analysis.k_total) == (1, 2)
    assert analysis.participants["total"] == 38 + row[2] + row[5]


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("model", ["common", "random"])
def test_given_effects_pool_by_inverse_variance(scale: str, model: str, make_studies: Make) -> None:
    given = [(0.25, 0.5), (-1.125, 0.25), (0.75, 0.0), (2.0, 0.375)]
    studies = make_studies(yi=[y for y, _ in given], sei=[se for _, se in given])
    analysis = revman(studies, "GEN", scale=scale, model=model)
    effects = [(mp.mpf(y), mp.mpf(se) ** 2) for y, se in given if se > 0]
    truth = pooled(effects, inverse_variance(effects), model)
    assert analysis.studies[2].reason == "standard error is 0"
    assert analysis.k == 3
    assert analysis.pooled is not None
    assert analysis.display is not None
    assert close(analysis.pooled.value, truth.value)
    assert close(analysis.display.value, mp.exp(truth.value) if scale == "log" else truth.value)
    assert close(analysis.heterogeneity.tau2, truth.tau2)


@pytest.mark.parametrize("level", LEVELS)
def test_observed_minus_expected_pools_by_peto(level: float, make_studies: Make) -> None:
    given = [(-3.25, 7.5), (1.5, 4.25), (-6.0, 12.125), (2.0, 0.0)]
    studies = make_studies(o_e=[gap for gap, _ in given], o_e_variance=[v for _, v in given])
    analysis = revman(studies, "O-E", level=level)
    exact = [(Fraction(gap), Fraction(v)) for gap, v in given if v > 0]
    total, precision = sum(gap for gap, _ in exact), sum(v for _, v in exact)
    q = sum(gap * gap / v for gap, v in exact) - total * total / precision
    assert analysis.studies[3].reason == "variance of O - E is 0"
    assert analysis.k == 3
    assert analysis.model.label == "Peto, Fixed"
    assert analysis.pooled is not None
    assert analysis.display is not None
    assert analysis.pooled.value == pytest.approx(float(total / precision), rel=1e-14)
    assert analysis.pooled.se == pytest.approx(1 / math.sqrt(precision), rel=1e-14)
    assert analysis.heterogeneity.q == pytest.approx(float(q), rel=1e-13)
    half = normal_quantile(level) / mp.sqrt(mp.mpf(precision.numerator) / precision.denominator)
    assert close(
        analysis.display.ci_low,
        mp.exp(
            mp.mpf(total.numerator) / total.denominator / (mp.mpf(precision.numerator) / precision.denominator) - half
        ),
    )
    weights = [study.weight for study in analysis.studies[:3]]
    assert weights == pytest.approx([float(100 * v / precision) for _, v in exact], rel=1e-14)
    for study, (gap, v) in zip(analysis.studies[:3], exact, strict=True):
        assert study.effect == pytest.approx(float(gap / v), rel=1e-15)
        assert study.se == pytest.approx(1 / math.sqrt(v), rel=1e-15)


# -- subgroups --------------------------------------------------------------------------------------------------------

GROUPED: list[tuple[str, Row]] = [
    ("early", (12, 53, 23, 61)),
    ("late", (31, 106, 19, 99)),
    ("early", (5, 29, 9, 27)),
    ("nobody", (0, 12, 0, 14)),
    ("late", (9, 40, 2, 38)),
    ("early", (13, 20, 5, 22)),
    ("single", (3, 44, 9, 41)),
    ("late", (7, 33, 21, 30)),
]


@pytest.mark.parametrize("way", [way for way in WAYS if way[0] != "RD"], ids="-".join)
def test_subgroups_follow_the_rules(way: tuple[str, str, str], make_studies: Make) -> None:
    measure, method, model = way
    rows = [row for _, row in GROUPED]
    labels = [name for name, _ in GROUPED]
    analysis = revman(studies_of(rows, make_studies), measure, method=method, model=model, by=labels)
    overall, kept = by_the_rules(measure, method, model, rows)
    assert overall is not None
    assert analysis.pooled is not None
    assert close(analysis.pooled.value, overall.value)
    shares = dict(zip(kept, overall.weights, strict=True))
    parts: list[Truth] = []
    assert [group.name for group in analysis.subgroups] == ["early", "late", "nobody", "single"]
    for group in analysis.subgroups:
        index = [i for i, name in enumerate(labels) if name == group.name]
        assert list(group.rows) == index
        truth, estimable = by_the_rules(measure, method, model, [rows[i] for i in index])
        assert group.k == len(estimable)
        assert group.analysis.participants["total"] == sum(rows[i][1] + rows[i][3] for i in index)
        assert group.analysis.events["total"] == sum(rows[i][0] + rows[i][2] for i in index)
        if truth is None:
            assert group.pooled is None
            assert group.weight == 0
            continue
        parts.append(truth)
        assert group.pooled is not None
        assert close(group.pooled.value, truth.value)
        assert close(group.pooled.se, mp.sqrt(truth.variance))
        assert truth.df == 0 or close(group.analysis.heterogeneity.q, truth.q)
        assert truth.df == 0 or measure == "PETO" or close(group.analysis.heterogeneity.tau2, truth.tau2)
        assert close(group.weight, sum(shares.get(i, 0) for i in index))
        within = [study.weight or 0.0 for study in group.analysis.studies]
        assert math.fsum(within) == pytest.approx(100.0, rel=1e-14)
    W = [1 / part.variance for part in parts]
    middle = sum(w * part.value for w, part in zip(W, parts, strict=True)) / sum(W)
    q = sum(w * (part.value - middle) ** 2 for w, part in zip(W, parts, strict=True))
    test = analysis.subgroup_test
    assert test is not None
    assert test.df == 2
    assert close(test.q, q)
    assert test.p_value is not None
    assert close(test.p_value, chi2_tail(q, 2))
    assert close(test.i2, max(0, 100 * (q - 2) / q), 1e-11)
    if method == "MH":
        # The partition of Q, which R's meta shows under a common effect, is something else.
        assert abs(q - (overall.q - sum(part.q for part in parts))) > 1e-3


def test_random_subgroups_have_their_own_tau2(make_studies: Make) -> None:
    rows, labels = [row for _, row in GROUPED], [name for name, _ in GROUPED]
    analysis = revman(studies_of(rows, make_studies), "OR", model="random", by=labels)
    found = {group.name: group.analysis.heterogeneity.tau2 for group in analysis.subgroups if group.k > 1}
    assert len({*found.values(), analysis.heterogeneity.tau2}) == 3
    assert all(found.values())


@pytest.mark.parametrize("labels", [["x", "x"], ["x", "y"]])
def test_one_estimable_subgroup_is_not_tested(labels: list[str], make_studies: Make) -> None:
    analysis = revman(studies_of([(3, 20, 5, 21), (0, 31, 0, 33)], make_studies), "RR", by=labels)
    test = analysis.subgroup_test
    assert test is not None
    assert (test.q, test.df, test.p_value, test.i2) == (None, 0, None, None)
    assert test.reason


def test_subgroups_that_agree_have_an_i2_of_zero(make_studies: Make) -> None:
    rows: list[Row] = [(3, 20, 5, 21), (4, 31, 9, 33), (3, 20, 5, 21), (4, 31, 9, 33)]
    test = revman(studies_of(rows, make_studies), "RR", by=["x", "x", "y", "y"]).subgroup_test
    assert test is not None
    assert test.q == pytest.approx(0.0, abs=1e-25)
    assert test.i2 == 0
    assert test.p_value == pytest.approx(1.0)


# -- RevMan's own results ---------------------------------------------------------------------------------------------

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "DICH": {"events_1": "EVENTS_1", "n_1": "TOTAL_1", "events_2": "EVENTS_2", "n_2": "TOTAL_2"},
    "CONT": {
        "mean_1": "MEAN_1",
        "sd_1": "SD_1",
        "n_1": "TOTAL_1",
        "mean_2": "MEAN_2",
        "sd_2": "SD_2",
        "n_2": "TOTAL_2",
    },
    "IV": {"yi": "ESTIMATE", "sei": "SE"},
    "IPD": {"o_e": "O_E", "o_e_variance": "VAR"},
}
MEASURES: Mapping[str, str] = {"PETO_OR": "PETO"}
METHODS: Mapping[str, str] = {"MH": "MH", "IV": "IV", "PETO": "Peto"}
STORED_TOLERANCE = 1e-8
CHI2_TAILS = frozenset({"P_CHI2", "P_Q"})


class Comparison:
    """Compare numbers with those that RevMan stored, and count them."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.excluded: Counter[str] = Counter()
        self.wrong: list[tuple[object, ...]] = []

    def compare(self, node: ET.Element, where: str, **values: float | None) -> None:
        for attribute, value in values.items():
            text = node.get(attribute)
            if not text:
                self.excluded["not stored"] += 1
                continue
            stored = float(text)
            self.count[attribute] += 1
            if value is None or not self._equal(attribute, value, stored):
                self.wrong.append((where, node.tag, attribute, value, stored))

    @staticmethod
    def _equal(attribute: str, value: float, stored: float) -> bool:
        gap = abs(value - stored)
        if attribute in CHI2_TAILS:
            return gap <= max(1e-9, 2e-5 * value)
        if attribute == "P_Z":
            return gap <= 1e-6
        return gap <= STORED_TOLERANCE * max(1.0, abs(stored))

    def node(self, node: ET.Element, where: str, analysis: es.MetaAnalysis, *, effect: bool = True) -> None:
        """Compare an outcome or a subgroup with what RevMan stored in it."""
        if node.get("TOTAL_1") and analysis.participants["total"] is not None:
            totals = analysis.participants
            self.compare(node, where, TOTAL_1=totals["arm_1"], TOTAL_2=totals["arm_2"])
        if analysis.events["total"] is not None:
            self.compare(node, where, EVENTS_1=analysis.events["arm_1"], EVENTS_2=analysis.events["arm_2"])
        found, shown, spread = analysis.pooled, analysis.display, analysis.heterogeneity
        if found is None or shown is None:
            self.excluded["a pooled effect that is not estimable (0 is stored)"] += 1
            if node.get("ESTIMABLE") != "NO" or float(node.get("EFFECT_SIZE", "nan")) != 0:
                self.wrong.append((where, node.tag, "ESTIMABLE"))
            return
        if effect:
            self.compare(node, where, EFFECT_SIZE=shown.value, CI_START=shown.ci_low, CI_END=shown.ci_high)
            self.compare(node, where, Z=abs(found.statistic), P_Z=found.p_value)
            if analysis.effects.scale == "log":
                logs = (value / math.log(10) for value in (found.value, found.ci_low, found.ci_high))
                self.compare(
                    node, where, **dict(zip(("LOG_EFFECT_SIZE", "LOG_CI_START", "LOG_CI_END"), logs, strict=True))
                )
        self.compare(node, where, CHI2=spread.q, DF=spread.df)
        if spread.df:
            self.compare(node, where, I2=spread.i2, P_CHI2=spread.p_value)
        else:
            self.excluded["I² and P(χ²) where df = 0"] += 1
        if analysis.settings.model == "random":
            self.compare(node, where, TAU2=spread.tau2 if spread.df else 0.0)


def outcome_rows(outcome: ET.Element, family: str) -> tuple[list[ET.Element], list[str | None], list[ET.Element]]:
    """List the study rows, their subgroups and the subgroups' own elements."""
    rows: list[ET.Element] = []
    labels: list[str | None] = []
    groups: list[ET.Element] = []
    for child in outcome:
        if child.tag == f"{family}_SUBGROUP":
            groups.append(child)
            members = child.findall(f"{family}_DATA")
        else:
            members = [child] if child.tag == f"{family}_DATA" else []
        rows += members
        labels += [child.get("ID") if child.tag.endswith("SUBGROUP") else None] * len(members)
    return rows, labels, groups


def analysis_of(
    outcome: ET.Element, family: str, rows: Sequence[ET.Element], by: Sequence[str | None] | None, make: Make
) -> es.MetaAnalysis:
    """Repeat the analysis that a RevMan file asks for."""
    columns = {name: [float(row.get(key, "nan")) for row in rows] for name, key in COLUMNS[family].items()}
    stated = outcome.get("EFFECT_MEASURE") or ""
    measure = {"IV": "GEN", "IPD": "O-E"}.get(family, MEASURES.get(stated, stated))
    words: dict[str, Any] = {"level": float(outcome.get("CI_TOTAL", "95")) / 100}
    words["study_level"] = float(outcome.get("CI_STUDY", "95")) / 100
    if family == "DICH":
        words |= {"method": METHODS[outcome.get("METHOD", "")], "swap_events": outcome.get("SWAP_EVENTS") == "YES"}
    if family == "IV":
        words["scale"] = "log" if outcome.get("LOG_DATA") == "YES" else "linear"
    random = outcome.get("RANDOM") == "YES" and measure not in {"PETO", "O-E"}
    names = [row.get("STUDY_ID", "") for row in rows]
    return revman(make(names, **columns), measure, model="random" if random else "common", by=by, **words)


def compare_outcome(outcome: ET.Element, family: str, seen: Comparison, where: str, make: Make) -> bool:
    rows, labels, groups = outcome_rows(outcome, family)
    if not rows:
        seen.excluded["an outcome without studies"] += 1
        return False
    analysis = analysis_of(outcome, family, rows, labels if groups else None, make)
    totals = outcome.get("TOTALS", "YES")
    if totals == "SUB" and not groups:
        totals = "NO"
    if totals == "NO":
        seen.excluded["TOTALS=NO: no pooled effect is stored"] += 1
    else:
        # Beside subtotals the hidden overall effect of a random model has each subgroup's own τ².
        hidden = totals == "SUB" and analysis.settings.model == "random"
        seen.excluded["TOTALS=SUB, random: effect of the hidden overall line"] += hidden
        seen.node(outcome, where, analysis, effect=not hidden)
        whole = analysis.subgroups if totals == "SUB" else (analysis,)
        seen.compare(outcome, where, WEIGHT=100.0 * sum(part.pooled is not None for part in whole))
    weights = [study.weight if totals == "YES" else 0.0 for study in analysis.studies]
    if totals != "NO":
        for i, weight in compare_subgroups(outcome, groups, analysis, seen, where).items():
            weights[i] = weight
    for row, study, weight in zip(rows, analysis.studies, weights, strict=True):
        place = f"{where} {study.study}"
        if study.display is None:
            seen.count["not estimable"] += 1
            if row.get("ESTIMABLE") != "NO" or float(row.get("EFFECT_SIZE", "nan")) != 0:
                seen.wrong.append((place, "ESTIMABLE"))
            continue
        shown = study.display
        seen.compare(row, place, EFFECT_SIZE=shown.value, CI_START=shown.ci_low, CI_END=shown.ci_high, SE=study.se)
        seen.compare(row, place, WEIGHT=weight)
    return True


def compare_subgroups(
    outcome: ET.Element, groups: Sequence[ET.Element], analysis: es.MetaAnalysis, seen: Comparison, where: str
) -> dict[int, float | None]:
    """Compare subgroups and the test between them; give the rows' weights where those add up within subgroups."""
    test = analysis.subgroup_test
    if test is not None and test.q is not None:
        seen.compare(outcome, where, Q=test.q, P_Q=test.p_value, I2_Q=test.i2)
    by_name = {group.name: group for group in analysis.subgroups}
    overall = outcome.get("TOTALS", "YES") == "YES"
    weights: dict[int, float | None] = {}
    for element in groups:
        group = by_name.get(element.get("ID", ""))
        if group is None:
            seen.excluded["a subgroup without studies"] += 1
            continue
        seen.node(element, f"{where} {element.get('ID')}", group.analysis)
        own = 0.0 if group.pooled is None else 100.0
        seen.compare(element, where, WEIGHT=group.weight if overall else own)
        if not overall:
            within = (study.weight for study in group.analysis.studies)
            weights |= zip(group.rows, within, strict=True)
    return weights


def test_results_stored_by_revman(shared_reference: Path, make_studies: Make) -> None:
    files = sorted((shared_reference / "rm5").glob("*.rm5"))
    if not files:
        pytest.skip("there are no RevMan files among the reference data")
    seen = Comparison()
    outcomes = 0
    for file in files:
        for outcome in ET.parse(file).iter():  # noqa: S314 - local reference files, not input
            family, _, kind = outcome.tag.partition("_")
            if kind == "OUTCOME" and family in COLUMNS:
                where = f"{file.stem} {outcome.get('ID')}"
                outcomes += compare_outcome(outcome, family, seen, where, make_studies)
    assert not seen.wrong, (len(seen.wrong), seen.wrong[:10])
    assert outcomes >= 248
    assert sum(seen.count.values()) > 16_900, seen.count
    assert seen.count["EFFECT_SIZE"] > 2_200
    assert seen.count["WEIGHT"] > 2_200
    assert seen.count["TAU2"] > 400
    assert seen.count["Q"] >= 59
    assert seen.count["not estimable"] >= 191
    # Outcomes without studies 13, without totals 2, hidden overall lines 23, empty subgroups 25, not estimable 8.
    left_out = seen.excluded.total() - seen.excluded["I² and P(χ²) where df = 0"]
    assert left_out <= 0.3 * outcomes, seen.excluded
