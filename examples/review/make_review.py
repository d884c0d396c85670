"""Make the example review: invented data for what RevMan 5 can hold, with results stored that evisynth did not compute.

Run ``python make_review.py`` to write ``evisynth_example_review.rm5`` anew, or with a path to write it there. The
results are those of ``revman_arithmetic.py`` beside this script.
"""

from __future__ import annotations

import math
import sys
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from revman_arithmetic import (
    Effect,
    Number,
    Pooled,
    between,
    mp,
    of_counts,
    of_effect,
    of_means,
    of_o_e,
    p_of_chi2,
    p_of_z,
    pool,
    z_of,
)

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Rows = tuple[es.ReviewRow, ...]

TARGET = Path(__file__).with_name("evisynth_example_review.rm5")
SORTED_BY = ("study", "year", "weight", "effect", "user")
NAMES = {
    "Ahrén 1987": "1987",
    "Baxter 1991": "1991",
    "Çelik 1994": "1994",
    "Dubois 1999": "1999",
    "Egan & Sons 2002": "2002",
    "Fox 2003a": "2003",
    "Fox 2003b": "2003",
    "Grant-Lee 2008": "2008",
    "Hsu (pilot) 2011": "2011",
}
STUDIES = tuple(NAMES)

# Events and totals; what they are there for stands at the end of each line.
COUNTS = (
    (12, 60, 18, 58),
    (0, 25, 4, 27),  # a zero in the first arm
    (3, 40, 0, 38),  # in the second
    (0, 30, 0, 31),  # in both: not estimable but as a risk difference
    (20, 20, 17, 17),  # all events in both arms: a risk ratio of exactly 1
    (7, 15, 9, 16),
    (0, 0, 3, 20),  # nobody in the first arm
    (45, 150, 61, 149),
    (22, 22, 20, 24),  # all events in one arm
)
MEANS = (
    (5.1, 2.2, 30, 6.4, 2.5, 31),
    (4.0, 1.9, 12, 4.9, 2.8, 14),
    (7.3, 0.0, 20, 7.9, 1.1, 21),  # an SD of 0
    (6.6, 3.0, 1, 7.0, 2.0, 18),  # one participant
    (3.2, 2.4, 55, 5.9, 2.7, 50),
    (-1.5, 4.1, 2, 0.5, 3.3, 2),  # two in each arm
    (5.5, 2.1, 0, 5.0, 2.0, 15),  # nobody
    (6.0, 2.0, 44, 6.0, 2.0, 44),  # no difference at all
)
EFFECTS = (
    (-0.51, 0.20, 80, 82),
    (0.12, 0.35, 25, 24),
    (-0.30, 0.0, 10, 10),  # an SE of 0
    (-0.92, 0.41, 31, 30),
    (0.44, 0.15, 120, 118),
    (-0.05, 1.7, 5, 6),
)
O_E = ((-6.2, 14.1), (1.4, 6.75), (0.0, 3.2), (-2.5, 0.0), (-11.9, 21.3))  # the third exactly 0, the fourth no variance


# -- rows and outcomes ------------------------------------------------------------------------------------------------


def rows(columns: Sequence[str], table: Sequence[Sequence[float]], studies: Sequence[str] = STUDIES) -> Rows:
    """Make rows; the reviewers' own order runs backwards, and the first row has a footnote."""
    return tuple(
        es.ReviewRow(
            study=study,
            data=dict(zip(columns, map(float, numbers), strict=False)),
            order=100 - i,
            footnote="Read off a figure; SE < 1 & rounded" if i == 0 else None,
        )
        for i, (study, numbers) in enumerate(zip(studies, table, strict=False))
    )


def in_subgroups(given: Rows) -> tuple[es.ReviewSubgroup, ...]:
    """Divide rows: several studies, one of them alone, those without an effect, and a subgroup without studies."""
    alone, nothing = given[-1], [one for one in given if not _any_effect(one)]
    rest = tuple(one for one in given if one is not alone and one not in nothing)
    half = (len(rest) + 1) // 2
    parts = (("Short trials", rest[:half]), ("Long trials", rest[half:]), ("One trial", (alone,)))
    named = (*parts, ("Nothing to estimate", tuple(nothing)), ("No trials (yet)", ()))
    return tuple(es.ReviewSubgroup(number=i, name=name, rows=part) for i, (name, part) in enumerate(named, 1))


def _any_effect(row: es.ReviewRow) -> bool:
    """Say whether a row has an effect by an odds ratio, or by what its numbers are."""
    data = row.data
    if "sd_1" in data:
        return min(data["sd_1"], data["sd_2"]) > 0 and min(data["n_1"], data["n_2"]) > 1
    if "events_1" in data and "o_e" not in data:
        events = data["events_1"] + data["events_2"]
        return 0 < events < data["n_1"] + data["n_2"] and min(data["n_1"], data["n_2"]) > 0
    return data.get("sei", data.get("o_e_variance", 0.0)) > 0


def outcomes(comparison: str, given: Iterable[tuple[str, dict[str, Any]]], number: int) -> es.ReviewComparison:
    """Make a comparison; orders of studies and axes take turns."""
    made: list[es.ReviewOutcome] = []
    for i, (name, settings) in enumerate(given):
        every: dict[str, Any] = {
            "number": i + 1,
            "name": name,
            "sort_by": SORTED_BY[i % len(SORTED_BY)],
            "group_1": "Moonlight",
            "group_2": "Darkness",
            "favours_1": "Favours moonlight",
            "favours_2": "Favours darkness",
            "axis": 100.0,
        }
        made.append(with_results(es.ReviewOutcome(**{**every, **settings})))
    return es.ReviewComparison(number=number, name=comparison, outcomes=tuple(made))


def kinds(**settings: Any) -> list[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - the fields of an outcome
    """Give every measure, method and model of counts."""
    made = [
        (f"{measure}, {method}, {model}", {"measure": measure, "method": method, "model": model})
        for measure, method, model in product(("OR", "RR", "RD"), ("MH", "IV"), ("common", "random"))
    ]
    made.append(("Peto", {"measure": "PETO", "method": "Peto", "model": "common"}))
    return [(name, {"data_type": "dichotomous", **words, **settings}) for name, words in made]


def means(**settings: Any) -> list[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - as above
    """Give both measures of means in both models."""
    return [
        (
            f"{measure}, {model}",
            {
                "data_type": "continuous",
                "method": "IV",
                "measure": measure,
                "model": model,
                "units": "points",
                **settings,
            },
        )
        for measure, model in product(("MD", "SMD"), ("common", "random"))
    ]


def generic(**settings: Any) -> list[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - as above
    """Give effects with standard errors, logarithms of ratios and others, in both models."""
    return [
        (
            f"{label}, {model}",
            {
                "data_type": "generic",
                "method": "IV",
                "measure": "GEN",
                "model": model,
                "log_data": log,
                "effect_label": label,
                **settings,
            },
        )
        for (label, log), model in product((("Hazard Ratio", True), ("Change", False)), ("common", "random"))
    ]


def hazards(name: str, **settings: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401 - as above
    """Give an outcome of O - E and its variance."""
    own = {"data_type": "o-e", "method": "Peto", "measure": "O-E", "model": "common", "effect_label": "Hazard Ratio"}
    return name, {**own, **settings}


# -- results ----------------------------------------------------------------------------------------------------------


def effect_of(row: es.ReviewRow, outcome: es.ReviewOutcome) -> Effect | None:
    """Compute the effect of a row."""
    numbers = [row.data.get(name, math.nan) for name in es.DATA_COLUMNS[outcome.data_type]]
    if outcome.data_type == "dichotomous":
        return of_counts(outcome.measure or "", outcome.method or "", numbers, swap=outcome.swap_events)
    if outcome.data_type == "continuous":
        return of_means(outcome.measure or "", numbers)
    if outcome.data_type == "generic":
        return of_effect(numbers[0], numbers[1])
    return of_o_e(numbers[0], numbers[1]) if numbers[1] > 0 else None


def with_results(outcome: es.ReviewOutcome) -> es.ReviewOutcome:
    """Store what RevMan stores for an outcome, its subgroups and rows."""
    if outcome.data_type == "other":
        return outcome
    effects = {id(row): effect_of(row, outcome) for _, row in outcome.all_rows}

    def pooled(given: Iterable[es.ReviewRow]) -> Pooled | None:
        found = [found for row in given if (found := effects[id(row)]) is not None]
        return pool(found, outcome.measure or "", outcome.method or "", random=outcome.model == "random")

    everything = [row for _, row in outcome.all_rows]
    whole = pooled(everything)
    parts = {id(one): pooled(one.rows) for one in outcome.subgroups}
    weights: dict[int, Number] = {id(row): 0 for row in everything}
    if outcome.totals == "overall":
        weights |= shares(everything, effects, whole)
    elif outcome.totals == "subgroups":
        for one in outcome.subgroups:
            weights |= shares(one.rows, effects, parts[id(one)])

    def stored_row(row: es.ReviewRow) -> es.ReviewRow:
        return attrs.evolve(row, stored=of_row(effects[id(row)], weights[id(row)], outcome))

    def stored_subgroup(one: es.ReviewSubgroup) -> es.ReviewSubgroup:
        shown = None if outcome.totals == "none" else parts[id(one)]
        weight = sum(weights[id(row)] for row in one.rows)
        stored = of_pooled(shown, shown, weight, outcome, one.rows)
        return attrs.evolve(one, stored=stored, rows=tuple(map(stored_row, one.rows)))

    return attrs.evolve(
        outcome,
        stored=of_outcome(outcome, whole, [part for part in parts.values() if part is not None]),
        rows=tuple(map(stored_row, outcome.rows)),
        subgroups=tuple(map(stored_subgroup, outcome.subgroups)),
    )


def shares(given: Iterable[es.ReviewRow], effects: dict[int, Effect | None], made: Pooled | None) -> dict[int, Number]:
    """Give weights in percent by the identity of rows."""
    weighed = [row for row in given if effects[id(row)] is not None]
    if made is None:
        return {}
    return {id(row): 100 * w / sum(made.weights) for row, w in zip(weighed, made.weights, strict=True)}


def of_row(effect: Effect | None, weight: Number, outcome: es.ReviewOutcome) -> es.StoredResults:
    """Store a row's effect; zeros where it is not estimable."""
    counts = outcome.data_type == "dichotomous"
    names = [*DISPLAYED, *(LOGARITHMS if outcome.data_type != "continuous" else ()), "weight"]
    names += [] if outcome.data_type == "generic" else ["se"]
    if effect is None:
        return es.StoredResults(
            numbers=dict.fromkeys([*names, *(("o_e", "vi") if counts else ())], 0.0), estimable=False
        )
    numbers = {**displayed(effect.y, effect.se, outcome.study_level, outcome), "weight": weight, "se": effect.se}
    made = {name: float(numbers[name]) for name in names if name in numbers}
    if counts and outcome.method == "Peto":
        made |= {"o_e": float(effect.sums[0]), "o_e_variance": float(effect.weight)}
    elif counts:
        made |= {"o_e": 0.0, "vi": float(effect.se**2)}
    return es.StoredResults(numbers=made, estimable=True)


def of_outcome(outcome: es.ReviewOutcome, whole: Pooled | None, parts: Sequence[Pooled]) -> es.StoredResults:
    """Store the overall effect (where only subtotals are shown, their mean) and the test between subgroups."""
    every = [row for _, row in outcome.all_rows]
    shown, weight = whole, mp.mpf(100)
    if outcome.totals == "subgroups":
        shown, weight = (between(parts) if parts else None), mp.mpf(100 * len(parts))
    if outcome.totals == "none":
        shown = None
    stored = of_pooled(shown, whole, weight, outcome, every)
    test: dict[str, Number] = dict.fromkeys(("subgroup_q", "subgroup_q_p_value", "subgroup_i2"), mp.mpf(0))
    if shown is not None:
        test["subgroup_q_p_value"] = mp.mpf(1)
        if len(parts) > 1:  # stored whether it is shown or not
            found = between(parts)
            test = {
                "subgroup_q": found.q,
                "subgroup_q_p_value": p_of_chi2(found.q, found.df),
                "subgroup_i2": found.i2,
            }
    return attrs.evolve(stored, numbers={**stored.numbers, **{name: float(value) for name, value in test.items()}})


def of_pooled(
    shown: Pooled | None,
    spread: Pooled | None,
    weight: Number,
    outcome: es.ReviewOutcome,
    given: Sequence[es.ReviewRow],
) -> es.StoredResults:
    """Store a pooled effect with the heterogeneity of its studies; zeros where there is none."""
    counted = ["n_1", "n_2", *(("events_1", "events_2") if outcome.data_type == "dichotomous" else ())]
    numbers: dict[str, Number] = {"studies": len({row.study for row in given})}
    numbers |= {name: math.fsum(row.data.get(name, 0.0) for row in given) for name in counted}
    if shown is None or spread is None:
        nothing = (*DISPLAYED, "weight", "q", "q_df", "q_p_value", "i2", "tau2", "statistic", "p_value")
        numbers |= dict.fromkeys(nothing, 0.0)
    else:
        z = shown.y / shown.se
        numbers |= displayed(shown.y, shown.se, outcome.level, outcome)
        numbers |= {"weight": weight, "statistic": abs(z), "p_value": p_of_z(z)}
        numbers |= {"q": spread.q, "q_df": spread.df, "q_p_value": p_of_chi2(spread.q, spread.df)}
        numbers |= {"i2": spread.i2, "tau2": spread.tau2}
    made = {name: float(value) for name, value in numbers.items()}
    return es.StoredResults(numbers=made, estimable=shown is not None)


DISPLAYED = ("display", "display_ci_low", "display_ci_high")
LOGARITHMS = tuple(f"log10_{name}" for name in DISPLAYED)


def displayed(y: Number, se: Number, level: float, outcome: es.ReviewOutcome) -> dict[str, Number]:
    """Give an effect with its limits as shown, and their decimal logarithms.

    RevMan also stores logarithms of differences, where they are positive; they mean nothing.
    """
    z = z_of(level)
    limits = (y, y - z * se, y + z * se)
    ratio = outcome.data_type == "o-e" or outcome.log_data or outcome.measure in {"OR", "RR", "PETO"}
    shown = [mp.exp(one) for one in limits] if ratio else limits
    numbers: dict[str, Number] = dict(zip(DISPLAYED, shown, strict=True))
    if outcome.data_type != "continuous":
        numbers |= {name: mp.log10(value) for name, value in zip(LOGARITHMS, shown, strict=True) if value > 0}
    return numbers


# -- the review -------------------------------------------------------------------------------------------------------


def comparisons() -> tuple[es.ReviewComparison, ...]:
    """Make all comparisons."""
    counts, swapped = rows(es.DATA_COLUMNS["dichotomous"], COUNTS), {"swap_events": True}
    measured, given = rows(es.DATA_COLUMNS["continuous"], MEANS), rows(es.DATA_COLUMNS["generic"], EFFECTS)
    observed = rows(es.DATA_COLUMNS["o-e"], O_E)
    levels = ((0.9, 0.99), (0.99, 0.9))
    grouped = [
        (f"{name}; totals {totals}", {**words, "totals": totals, "subgroup_test": totals != "none"})
        for totals in ("overall", "subgroups", "none")
        for name, words in (
            *kinds(subgroups=in_subgroups(counts)),
            *means(subgroups=in_subgroups(measured)),
            *generic(subgroups=in_subgroups(given)),
            hazards("Hazards", subgroups=in_subgroups(observed)),
        )
    ]
    plain = [
        (f"{name}; totals {totals}, no subgroups", {**words, "totals": totals})
        for totals in ("subgroups", "none")
        for name, words in (*kinds(rows=counts)[:2], *means(rows=measured)[:1], hazards("Hazards", rows=observed))
    ]
    other_levels = [
        (
            f"{name}; {100 * of_studies:g} % and {100 * of_total:g} %",
            {**words, "study_level": of_studies, "level": of_total},
        )
        for (of_studies, of_total) in levels
        for name, words in (
            *kinds(rows=counts),
            *means(rows=measured),
            *generic(rows=given),
            hazards("Hazards", rows=observed),
        )
    ]
    return (
        outcomes("Counts", kinds(rows=counts), 1),
        outcomes("Means", means(rows=measured), 2),
        outcomes("Effects with standard errors", generic(rows=given), 3),
        outcomes("O - E and variance", [hazards("Death", rows=observed)], 4),
        outcomes("Subgroups", grouped, 5),
        outcomes("No overall effect", plain, 6),
        outcomes("Other levels", other_levels, 7),
        outcomes("Non-events", [(f"{name}, of non-events", w) for name, w in kinds(rows=counts, **swapped)], 8),
        outcomes("Little or nothing", few(), 9),
    )


def few() -> list[tuple[str, dict[str, Any]]]:
    """Give outcomes with one study, with none that has an effect, with the same study twice, without rows, of text."""
    one, zeros = (
        rows(es.DATA_COLUMNS["dichotomous"], COUNTS[:1]),
        rows(es.DATA_COLUMNS["dichotomous"], [(0, 10, 0, 12), (0, 31, 0, 30)]),
    )
    twice = (
        es.ReviewSubgroup(number=1, name="Women", rows=rows(es.DATA_COLUMNS["dichotomous"], COUNTS[:2])),
        es.ReviewSubgroup(
            number=2, name="Men", rows=rows(es.DATA_COLUMNS["dichotomous"], [(9, 41, 8, 40), (5, 30, 7, 30)])
        ),
    )
    told = tuple(
        es.ReviewRow(study=study, order=i, text={"<TR>": f"<TD><P>{said}</P></TD>"})
        for i, (study, said) in enumerate(zip(STUDIES, ("No harm was seen.", "Two left &amp; one fell."), strict=False))
    )
    fixed = {"method": "MH", "model": "common"}
    counts: dict[str, Any] = {"data_type": "dichotomous", **fixed}
    no_rows: list[dict[str, Any]] = [words for _, words in (kinds()[0], means()[0], generic()[0], hazards(""))]
    return [
        *((f"{name}, one study", words) for name, words in kinds(rows=one)),
        *((f"{name}, no events at all", words) for name, words in kinds(rows=zeros)),
        ("The same studies in both subgroups", {**counts, "measure": "RR", "subgroups": twice}),
        ("The same, not tested", {**counts, "measure": "RR", "subgroups": twice, "subgroup_test": False}),
        *(("Not reported", words) for words in no_rows),
        ("Harms in words", {"data_type": "other", "rows": told}),
    ]


def studies() -> tuple[es.ReviewStudy, ...]:
    """Make the list of studies with references and characteristics."""
    made = [
        es.ReviewStudy(
            id=name,
            name=name,
            year=year,
            data_source="PUB" if i % 2 else "MIX",
            references=(
                es.ReviewReference(
                    kind="JOURNAL_ARTICLE",
                    fields={
                        "authors": f"{name.split()[0]} A, Other B",
                        "title": "Moonlight against sleepwalking <in adults>",
                        "source": "Journal of Invented Trials",
                        "year": year,
                        "volume": str(i + 1),
                        "pages": f"{10 * i + 1}-{10 * i + 9}",
                    },
                    identifiers=(("DOI", f"10.5555/invented.{i}"),),
                    primary=True,
                ),
            ),
            characteristics={"methods": "Parallel groups", "participants": "<P>Adults, <B>n</B> &gt; 20</P>"},
        )
        for i, (name, year) in enumerate(NAMES.items())
    ]
    made.append(
        es.ReviewStudy(
            id="Ivanov 1990",
            name="Ivanov 1990",
            year="1990",
            status="excluded",
            characteristics={"reason_for_exclusion": "No control group"},
        )
    )
    made.append(es.ReviewStudy(id="Jones 2014", name="Jones 2014", year="2014", status="awaiting"))
    made.append(es.ReviewStudy(id="KITE", name="KITE", status="ongoing"))
    return tuple(made)


def risk_of_bias() -> es.RiskOfBias:
    """Judge two domains, the second for two groups of outcomes apart."""
    words = ("low", "high", "unclear")
    judged = [es.Judgement(study=name, judgement=words[i % 3], support=f"Page {i}") for i, name in enumerate(STUDIES)]
    groups = (
        es.OutcomeGroup(id="QIG-01", name="Sleepwalking", outcomes=("CMP-001.01", "CMP-001.02")),
        es.OutcomeGroup(id="QIG-02", name="Scores"),
    )
    apart = [
        es.Judgement(study=name, judgement=words[(i + j) % 3], group=group.id)
        for j, group in enumerate(groups)
        for i, name in enumerate(STUDIES)
    ]
    return es.RiskOfBias(
        tool="RoB 1",
        domains=(
            es.BiasDomain(id="QIT-01", name="Random sequence generation", judgements=tuple(judged)),
            es.BiasDomain(id="QIT-02", name="Blinding", judgements=tuple(apart), groups=groups, description="Of whom?"),
        ),
    )


def review() -> es.Review:
    """Make the whole review."""
    return es.Review(
        title="Moonlight for sleepwalking (an invented review)",
        id="000000000000000001",
        studies=studies(),
        risk_of_bias=(risk_of_bias(),),
        comparisons=comparisons(),
    )


if __name__ == "__main__":
    made = review()
    target = es.save(made, Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET, format="revman5")
    print(f"wrote {target.name}: {made}")
