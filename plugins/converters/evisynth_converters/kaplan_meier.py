"""Read a log hazard ratio off two Kaplan–Meier curves, divided into intervals.

Rows are the points of time at which both curves were read, the first at the start. Of each interval the numbers at
risk, less half of those censored in it, and the events give a log hazard ratio ``ln(D₁/R₁) - ln(D₂/R₂)`` with variance
``1/D₁ - 1/R₁ + 1/D₂ - 1/R₂``; the intervals are pooled by inverse variance. An interval without events in one group
has no weight.
"""

from __future__ import annotations

import numpy as np

from evisynth import BoolArray, Conversion, FloatArray, hookimpl
from evisynth_converters.refusals import Rule, negative, refuse

PARMAR = "Parmar, Torri & Stewart (1998), Stat. Med. 17:2815-2834"
TIERNEY = "Tierney, Stewart, Ghersi, Burdett & Sydes (2007), Trials 8:16"
WILLIAMSON = "Williamson, Tudur Smith, Hutton & Marson (2002), Stat. Med. 21:3337-3351"
SUMMARY = "there are readings that no pair of survival curves has"
TARGETS = ("yi", "sei", "o_e", "o_e_variance")

One = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


def with_follow_up(
    time: FloatArray,
    survival_1: FloatArray,
    survival_2: FloatArray,
    n_1: FloatArray,
    n_2: FloatArray,
    follow_up_min: FloatArray,
    follow_up_max: FloatArray,
) -> One:
    """Take those censored in an interval to be spread evenly from the shortest to the longest follow-up.

    Columns ``(k,)`` in order of time; sizes of the groups and shortest and longest follow-up are the same in all rows.
    After the longest follow-up nobody is at risk. Source: Parmar et al. (1998), eq. 9-19; Tierney et al. (2007),
    method 10.
    """
    curves = {"survival_1": survival_1, "survival_2": survival_2}
    constant = {"n_1": n_1, "n_2": n_2, "follow_up_min": follow_up_min, "follow_up_max": follow_up_max}
    columns = {"time": time, **curves, **constant}
    changing = [
        (name, ~np.isnan(values) & (values != values[0]), f"{name} is the same for all points of a curve")
        for name, values in constant.items()
    ]
    refuse(
        SUMMARY,
        columns,
        *_of_curves(time, curves),
        *changing,
        *negative(constant, "cannot be negative", *constant),
        ("follow_up_min", follow_up_min > follow_up_max, "the shortest follow-up is longer than the longest"),
    )
    shortest, longest = float(follow_up_min[0]), float(follow_up_max[0])
    arms = [
        _life_table(time, survival, float(size[0]), shortest, longest)
        for survival, size in ((survival_1, n_1), (survival_2, n_2))
    ]
    return _pooled(*arms, unknown=any(np.isnan(values).any() for values in columns.values()))


def with_numbers_at_risk(
    time: FloatArray,
    survival_1: FloatArray,
    survival_2: FloatArray,
    at_risk_1: FloatArray,
    at_risk_2: FloatArray,
) -> One:
    """Solve each interval for events and censored from the numbers at risk that are printed under the curves.

    Columns ``(k,)`` in order of time. With survival falling from S to S' and the number at risk from R to R', the
    events are ``(R + R')(S - S')/(S + S')`` and half of those censored ``(R S' - R' S)/(S + S')``. Source: Williamson
    et al. (2002); Tierney et al. (2007), method 11.
    """
    curves = {"survival_1": survival_1, "survival_2": survival_2}
    risks = {"at_risk_1": at_risk_1, "at_risk_2": at_risk_2}
    columns = {"time": time, **curves, **risks}
    rising = [
        (name, np.concatenate([[False], np.diff(values) > 0]), "the number at risk rises with time")
        for name, values in risks.items()
    ]
    refuse(SUMMARY, columns, *_of_curves(time, curves), *negative(risks, "a count cannot be negative", *risks), *rising)
    arms: list[tuple[FloatArray, FloatArray]] = []
    for survival, risk in ((survival_1, at_risk_1), (survival_2, at_risk_2)):
        start, end = survival[:-1], survival[1:]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (risk[:-1] + risk[1:]) / (start + end)
        arms.append((share * (start - end), share * start))
    return _pooled(*arms, unknown=any(np.isnan(values).any() for values in columns.values()))


def _life_table(
    time: FloatArray, survival: FloatArray, n: float, shortest: float, longest: float
) -> tuple[FloatArray, FloatArray]:
    """Follow a group from interval to interval: events, and numbers at risk less half of those censored."""
    events, risks = np.zeros(time.size - 1), np.zeros(time.size - 1)
    free = n
    for i in range(time.size - 1):
        start, end = max(time[i], shortest), min(time[i + 1], longest)
        # Of those still followed at the start of the interval this share leaves in it, half of them before an event.
        censored = 0.5 * free * (end - start) / (longest - start) if end > start else 0.0
        risks[i] = free - censored if time[i] < longest else 0.0
        fall = 1.0 - survival[i + 1] / survival[i] if survival[i] > 0 else 0.0
        events[i] = risks[i] * fall
        free = max(risks[i] - events[i], 0.0)
    return events, risks


def _pooled(one: tuple[FloatArray, FloatArray], other: tuple[FloatArray, FloatArray], *, unknown: bool) -> One:
    (d_1, r_1), (d_2, r_2) = one, other
    used: BoolArray = (d_1 > 0) & (d_2 > 0)
    if unknown or not used.any():
        nothing = np.array([np.nan])
        return nothing, nothing, nothing, nothing
    d_1, r_1, d_2, r_2 = d_1[used], r_1[used], d_2[used], r_2[used]
    w = 1.0 / ((r_1 - d_1) / (d_1 * r_1) + (r_2 - d_2) / (d_2 * r_2))
    v = np.array([w.sum()])
    o_e = np.array([(w * np.log((d_1 / r_1) / (d_2 / r_2))).sum()])
    return o_e / v, 1.0 / np.sqrt(v), o_e, v


def _of_curves(time: FloatArray, curves: dict[str, FloatArray]) -> list[Rule]:
    rules: list[Rule] = [("time", time < 0, "time cannot be negative")]
    rules.append(("time", np.concatenate([[False], np.diff(time) <= 0]), "the points are not in order of time"))
    for name, survival in curves.items():
        first = np.arange(survival.size) == 0
        rules += [
            (name, (survival < 0) | (survival > 1), "survival lies between 0 and 1 (divide percentages by 100)"),
            (name, first & (survival != 1) & ~np.isnan(survival), "the first point is the start, with survival 1"),
            (name, np.concatenate([[False], np.diff(survival) > 0]), "a survival curve does not rise"),
        ]
    return rules


@hookimpl
def conversions() -> list[Conversion]:
    """Offer hazard ratios from curves with the range of follow-up, and with numbers at risk."""
    formula = "ln HR = Σ wᵢ ln((D₁ᵢ/R₁ᵢ)/(D₂ᵢ/R₂ᵢ)) / Σ wᵢ, wᵢ = 1/(1/D₁ᵢ - 1/R₁ᵢ + 1/D₂ᵢ - 1/R₂ᵢ)"
    return [
        Conversion(
            "km-follow-up-to-hr",
            with_follow_up,
            targets=TARGETS,
            reference=f"{PARMAR}; {TIERNEY}, method 10",
            formula=formula,
            joins_rows=True,
        ),
        Conversion(
            "km-at-risk-to-hr",
            with_numbers_at_risk,
            targets=TARGETS,
            reference=f"{WILLIAMSON}; {TIERNEY}, method 11",
            formula=formula,
            joins_rows=True,
        ),
    ]
