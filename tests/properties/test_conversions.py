"""Laws of conversions: inverses, monotonicity, signs, units, and what parts add up to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies

few = strategies.examples(20)
INNER = st.floats(-0.98, 0.98)
SHARE = st.floats(0.01, 0.99)
EFFECT = st.floats(-4.0, 4.0)
SPREAD = st.floats(0.05, 20.0)
SIZE = st.integers(5, 400).map(float)
CLOSE = 1e-11


def of(name: str, **given_: Any) -> list[float]:  # noqa: ANN401 - numbers by column
    return [float(column[0]) for column in es.convert(name, **given_).values()]


INVERSES = [
    ("r-to-z", "r", "z-to-r", "z", INNER),
    ("r-squared-to-z", "r_squared", "z-to-r-squared", "z", st.floats(0.0, 0.95)),
    ("alpha-to-bonett", "alpha", "bonett-to-alpha", "bonett", SHARE),
    ("alpha-to-hakstian-whalen", "alpha", "hakstian-whalen-to-alpha", "hakstian_whalen", SHARE),
    ("proportion-to-logit", "proportion", "logit-to-proportion", "logit", SHARE),
    ("proportion-to-probit", "proportion", "probit-to-proportion", "probit", SHARE),
    ("proportion-to-arcsine", "proportion", "arcsine-to-proportion", "arcsine", SHARE),
    ("rate-to-square-root", "rate", "square-root-to-rate", "square_root", SPREAD),
    ("smd-to-cles", "smd", "cles-to-smd", "cles", EFFECT),
]
RISING = [case for case in INVERSES if case[0] != "alpha-to-hakstian-whalen"]  # whose scale falls


@pytest.mark.parametrize(("there", "source", "back", "target", "values"), INVERSES, ids=lambda case: str(case)[:24])
@few
@given(data=st.data())
def test_there_and_back(
    there: str, source: str, back: str, target: str, values: st.SearchStrategy[float], data: st.DataObject
) -> None:
    value = data.draw(values)
    (made,) = of(there, **{source: value})
    assert of(back, **{target: made})[0] == pytest.approx(value, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize(("there", "source", "values"), [(case[0], case[1], case[4]) for case in RISING])
@few
@given(data=st.data())
def test_a_scale_keeps_the_order(
    there: str, source: str, values: st.SearchStrategy[float], data: st.DataObject
) -> None:
    low, high = sorted(data.draw(st.tuples(values, values)))
    assert of(there, **{source: low})[0] <= of(there, **{source: high})[0] + 1e-12


@few
@given(r=INNER)
def test_fisher_z_is_odd(r: float) -> None:
    assert of("r-to-z", r=-r)[0] == pytest.approx(-of("r-to-z", r=r)[0], abs=1e-15)


@few
@given(p=SHARE)
def test_logit_and_probit_are_odd_about_a_half(p: float) -> None:
    for name in ("proportion-to-logit", "proportion-to-probit"):
        assert of(name, proportion=1 - p)[0] == pytest.approx(-of(name, proportion=p)[0], abs=1e-11)


@few
@given(p=SHARE, n=SIZE)
def test_freeman_tukey_of_a_proportion_goes_back(p: float, n: float) -> None:
    events = math.floor(p * n) / n
    (made,) = of("proportion-to-freeman-tukey", proportion=events, n=n)
    assert of("freeman-tukey-to-proportion", freeman_tukey=made, n=n)[0] == pytest.approx(events, rel=1e-8, abs=1e-9)


@few
@given(rate=SPREAD, time=st.floats(5.0, 500.0))
def test_freeman_tukey_of_a_rate_goes_back(rate: float, time: float) -> None:
    (made,) = of("rate-to-freeman-tukey", rate=rate, time=time)
    assert of("freeman-tukey-to-rate", freeman_tukey=made, time=time)[0] == pytest.approx(rate, rel=1e-8)


@few
@given(y=EFFECT, se=SPREAD)
@pytest.mark.parametrize("form", ["logistic", "normal"])
def test_odds_ratios_and_differences_go_there_and_back(form: str, y: float, se: float) -> None:
    d, d_se = of(f"log-or-to-smd-{form}", log_or=y, log_or_se=se)
    assert of(f"smd-to-log-or-{form}", smd=d, smd_se=d_se) == pytest.approx([y, se], rel=CLOSE)
    assert d / d_se == pytest.approx(y / se, rel=CLOSE)


@few
@given(d=EFFECT, n_1=SIZE, n_2=SIZE)
def test_a_difference_as_a_correlation_goes_back(d: float, n_1: float, n_2: float) -> None:
    (r,) = of("smd-to-r", smd=d, n_1=n_1, n_2=n_2)
    assert abs(r) < 1
    assert math.copysign(1.0, r) == math.copysign(1.0, d)
    assert of("r-to-smd", r=r, n_1=n_1, n_2=n_2)[0] == pytest.approx(d, rel=1e-9, abs=1e-12)


@few
@given(d=EFFECT)
def test_overlap_does_not_know_the_sign(d: float) -> None:
    assert of("smd-to-overlap", smd=-d) == pytest.approx(of("smd-to-overlap", smd=d), rel=1e-12)


@few
@given(d=EFFECT)
def test_cliffs_delta_is_twice_the_superiority_less_one(d: float) -> None:
    assert of("smd-to-cliff-delta", smd=d)[0] == pytest.approx(2 * of("smd-to-cles", smd=d)[0] - 1, abs=1e-12)


@few
@given(d=EFFECT)
def test_u3_is_the_superiority_at_root_two(d: float) -> None:
    assert of("smd-to-u3", smd=d)[0] == pytest.approx(of("smd-to-cles", smd=d * math.sqrt(2))[0], abs=1e-12)


@few
@given(se=SPREAD, n=SIZE)
def test_a_standard_error_of_four_times_as_many_is_half(se: float, n: float) -> None:
    assert of("se-to-sd", se=se / 2, n=4 * n)[0] == pytest.approx(of("se-to-sd", se=se, n=n)[0], rel=CLOSE)


@few
@given(mean=EFFECT, se=SPREAD, level=st.floats(0.5, 0.99))
def test_an_interval_gives_its_standard_error_back(mean: float, se: float, level: float) -> None:
    half = se * float(es.normal_quantile(level))
    found = of("ci-to-se", ci_low=mean - half, ci_high=mean + half, level=level)
    assert found[0] == pytest.approx(se, rel=1e-10)


@few
@given(y=EFFECT, se=st.floats(0.05, 2.0), level=st.floats(0.5, 0.99))
def test_a_ratio_gives_its_logarithm_back(y: float, se: float, level: float) -> None:
    half = se * float(es.normal_quantile(level))
    given_ = {"estimate": math.exp(y), "ci_low": math.exp(y - half), "ci_high": math.exp(y + half), "level": level}
    assert of("ratio-to-log", **given_) == pytest.approx([y, se], rel=1e-9, abs=1e-12)


@few
@given(y=EFFECT.filter(lambda y: abs(y) > 0.01), z=st.floats(0.1, 6.0))
def test_a_z_and_its_p_give_one_standard_error(y: float, z: float) -> None:
    (by_z,) = of("z-to-se", yi=y, z_value=math.copysign(z, y))
    (by_p,) = of("p-to-se", yi=y, p_value=float(es.normal_p_value(np.array(z))[0]))
    assert by_p == pytest.approx(by_z, rel=1e-8)


@few
@given(z=st.floats(0.05, 6.0))
def test_the_p_of_a_z_gives_it_back(z: float) -> None:
    p = float(es.normal_p_value(np.array(z))[0])
    assert of("p-to-z", p_value=p, direction=-1.0)[0] == pytest.approx(-z, rel=1e-9)
    assert of("p-to-chi2", p_value=p)[0] == pytest.approx(z * z, rel=1e-8)


@few
@given(p=st.floats(0.001, 0.999))
def test_p_one_sided_is_p_two_sided_of_twice(p: float) -> None:
    (one,) = of("p-to-z-one-sided", p_value=p / 2, direction=1.0)
    assert one == pytest.approx(of("p-to-z", p_value=p, direction=1.0)[0], rel=1e-9, abs=1e-12)


@few
@given(p=st.floats(0.001, 0.99), df=st.integers(1, 60))
def test_t_exceeds_z(p: float, df: int) -> None:
    (t,), (z,) = of("p-to-t", p_value=p, df=df, direction=1.0), of("p-to-z", p_value=p, direction=1.0)
    assert t >= z * (1 - 1e-12)


@few
@given(f=SPREAD)
def test_f_is_the_square_of_t(f: float) -> None:
    assert of("f-to-t", f_value=f, direction=-1.0)[0] == pytest.approx(-math.sqrt(f), rel=1e-14)


@few
@given(one=SPREAD, two=SPREAD, r=INNER)
def test_the_correlation_of_a_change_goes_back(one: float, two: float, r: float) -> None:
    (sd,) = of("change-sd", sd_baseline=one, sd_final=two, r=r)
    assert abs(one - two) * (1 - 1e-12) <= sd <= (one + two) * (1 + 1e-12)
    spoiled = (one * one + two * two + sd * sd) / (one * two)
    assert of("change-correlation", sd_baseline=one, sd_final=two, sd_change=sd)[0] == pytest.approx(
        r, abs=1e-14 * spoiled
    )


@few
@given(row=strategies.means())
def test_combined_groups_hold_all_sums(row: list[float]) -> None:
    m_1, s_1, n_1, m_2, s_2, n_2 = row
    mean, sd, n = of("combine-groups", mean_1=m_1, sd_1=s_1, n_1=n_1, mean_2=m_2, sd_2=s_2, n_2=n_2)
    assert n == n_1 + n_2
    assert n * mean == pytest.approx(n_1 * m_1 + n_2 * m_2, rel=1e-10, abs=1e-9)
    squares = sum((size - 1) * s**2 + size * m**2 for m, s, size in ((m_1, s_1, n_1), (m_2, s_2, n_2)))
    assert (n - 1) * sd**2 + n * mean**2 == pytest.approx(squares, rel=1e-10)


@few
@given(row=strategies.means())
def test_combined_groups_do_not_know_their_order(row: list[float]) -> None:
    names = ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")
    forth = of("combine-groups", **dict(zip(names, row, strict=True)))
    back = of("combine-groups", **dict(zip(names, [*row[3:], *row[:3]], strict=True)))
    assert back == pytest.approx(forth, rel=1e-12, abs=1e-12)


@few
@given(rows=strategies.tables(2, 5))
def test_combined_counts_are_sums(rows: list[tuple[int, int, int, int]]) -> None:
    events, n = [float(row[0]) for row in rows], [float(row[1]) for row in rows]
    assert of("combine-count-rows", events=events, n=n) == [sum(events), sum(n)]


@few
@given(row=strategies.tables(1, 1), parts=st.integers(1, 6))
def test_parts_of_a_split_group_are_the_whole(row: list[tuple[int, int, int, int]], parts: int) -> None:
    events, n = row[0][:2]
    made = of("split-counts", events=events, n=n, parts=parts)
    assert [part * parts for part in made] == pytest.approx([events, n], rel=1e-14)


@few
@given(size=st.floats(1.0, 100.0), icc=st.floats(0.0, 1.0), cv=st.floats(0.0, 2.0))
def test_a_design_effect_is_one_without_correlation_and_grows_with_it(size: float, icc: float, cv: float) -> None:
    assert of("design-effect", cluster_size=size, icc=0.0, cluster_cv=cv)[0] == 1.0
    (less,) = of("design-effect", cluster_size=size, icc=icc / 2, cluster_cv=cv)
    assert of("design-effect", cluster_size=size, icc=icc, cluster_cv=cv)[0] >= less


@few
@given(o_e=EFFECT, v=SPREAD)
def test_observed_less_expected_over_its_variance(o_e: float, v: float) -> None:
    y, se = of("oe-to-hr", o_e=o_e, o_e_variance=v)
    assert (y * v, se * se * v) == pytest.approx((o_e, 1.0), rel=1e-13)


@few
@given(rr=st.floats(0.05, 3.0), base=st.floats(0.01, 0.3))
def test_a_risk_ratio_is_of_the_baseline(rr: float, base: float) -> None:
    assert of("risk-from-rr", risk_ratio=rr, baseline_risk=base)[0] == pytest.approx(rr * base, rel=1e-13)


@few
@given(log_or=EFFECT, base=st.floats(0.01, 0.99))
def test_risk_difference_and_ratio_lead_to_one_risk(log_or: float, base: float) -> None:
    (risk, *_) = of("risk-from-or", odds_ratio=math.exp(log_or), baseline_risk=base)
    (difference,) = of("log-or-to-rd", log_or=log_or, baseline_risk=base)
    (ratio,) = of("log-or-to-rr", log_or=log_or, baseline_risk=base)
    assert difference == pytest.approx(risk - base, abs=1e-12)
    assert ratio == pytest.approx(risk / base, rel=1e-11)


@few
@given(y=st.floats(-3.0, 3.0), v=SPREAD)
@pytest.mark.parametrize(
    ("there", "back"),
    [("exp", "log"), ("inverse-logit", "logit"), ("inverse-probit", "probit"), ("inverse-fisher-z", "fisher-z")],
)
def test_the_delta_method_goes_back(there: str, back: str, y: float, v: float) -> None:
    made = of(f"delta-{there}", yi=y, vi=v)
    assert of(f"delta-{back}", yi=made[0], vi=made[1]) == pytest.approx([y, v], rel=1e-8, abs=1e-9)


QUANTILES = st.lists(st.integers(1, 400), min_size=5, max_size=5, unique=True).map(lambda q: [x / 8 for x in sorted(q)])
NAMES = ("minimum", "q1", "median", "q3", "maximum")
BY_RULE = {
    "wan-full": NAMES,
    "luo-iqr": NAMES[1:4],
    "wan-iqr": NAMES[1:4],
    "hozo-range": NAMES[::2],
    "bland-full": NAMES,
}


@pytest.mark.parametrize("name", BY_RULE)
@few
@given(quantiles=QUANTILES, n=st.integers(20, 300))
def test_a_mean_of_quantiles_lies_among_them(name: str, quantiles: list[float], n: int) -> None:
    given_ = {key: value for key, value in zip(NAMES, quantiles, strict=True) if key in BY_RULE[name]}
    mean, sd = of(name, **given_, n=n)
    assert min(given_.values()) <= mean <= max(given_.values())
    assert 0 < sd <= quantiles[-1] - quantiles[0]


@pytest.mark.parametrize("name", BY_RULE)
@few
@given(quantiles=QUANTILES, n=st.integers(20, 300))
def test_mirrored_quantiles_have_the_mirrored_mean(name: str, quantiles: list[float], n: int) -> None:
    def made(values: list[float]) -> list[float]:
        return of(name, **{k: x for k, x in zip(NAMES, values, strict=True) if k in BY_RULE[name]}, n=n)

    one, other = made(quantiles), made([-x for x in reversed(quantiles)])
    # A range rule of few values adds up in another order.
    assert other == pytest.approx([-one[0], one[1]], rel=1e-11, abs=1e-12)


@few
@given(data=st.data())
def test_rows_are_converted_on_their_own(data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(EFFECT, SPREAD), min_size=2, max_size=6))
    y, se = ([row[i] for row in rows] for i in (0, 1))
    made = es.convert("log-or-to-smd-logistic", log_or=y, log_or_se=se)
    for i, row in enumerate(rows):
        single = of("log-or-to-smd-logistic", log_or=row[0], log_or_se=row[1])
        assert [float(column[i]) for column in made.values()] == single


@few
@given(d=st.floats(-0.9, 0.9).filter(lambda d: abs(d) > 1e-3))
def test_a_number_needed_is_the_inverse_of_the_difference(d: float) -> None:
    assert abs(of("nnt-from-rd", risk_difference=d)[0] * d) == pytest.approx(1.0, rel=1e-13)
