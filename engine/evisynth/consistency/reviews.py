"""Check a review as its file has it: stored results, data, and the trials over its outcomes."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import attrs

from evisynth.consistency.counts import RANDOMISED, check_arms, check_row, check_shared, largest_groups
from evisynth.consistency.effect_rules import P_AND_LIMITS
from evisynth.consistency.grim import GRIM, PrintedMean, check_mean
from evisynth.consistency.guard_rails import check_guard_rails
from evisynth.consistency.pooled_rules import check_pooled, scale_of
from evisynth.consistency.printed_numbers import printed_double, stored
from evisynth.consistency.printed_results import PrintedResult
from evisynth.consistency.result_rules import check_result
from evisynth.consistency.same_trial import check_within
from evisynth.consistency.trials import OutcomeRows, TrialRow, trial_name
from evisynth.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evisynth.consistency.findings import Ledger
    from evisynth.consistency.options import Options
    from evisynth.consistency.printed_numbers import Printed
    from evisynth.registry import Registry
    from evisynth.reviews.model import Review, ReviewOutcome, ReviewRow, ReviewSubgroup, StoredResults

_P_OF_EFFECT = {"relative": 2e-5, "absolute": 1e-6}
"""How close RevMan's own P-values are to the exact ones: rational approximations of the normal and χ² tails."""
_P_OF_Q = {"relative": 2e-5, "absolute": 1e-9}
_RANDOMISED = (
    re.compile(
        r"\b(?:number|no\.?|n)\s*(?:of\s+\w+\s+)?randomi[sz]ed\s*[:=]?\s*(?:n\s*=\s*)?(\d{1,3}(?:,\d{3})+|\d+)\b"
    ),
    re.compile(r"\b(\d{1,3}(?:,\d{3})+|\d+)\s+(?:\w+\s+){0,2}(?:were|was)\s+randomi[sz]ed\b"),
    re.compile(r"\b(\d{1,3}(?:,\d{3})+|\d+)\s+randomi[sz]ed\s+(?:participants|patients|women|men|children|people)\b"),
)
_TAG = re.compile(r"<[^>]*>")


def outcomes_of(review: Review, source: str) -> tuple[OutcomeRows, ...]:
    """Give every outcome's rows with the names of their trials."""
    randomised = {study.id: randomised_by_text(study.characteristics) for study in review.studies}
    made: list[OutcomeRows] = []
    for place, comparison, outcome in review.outcomes:
        rows: list[TrialRow] = []
        for subgroup, row in outcome.all_rows:
            study = review.study_by_id.get(row.study)
            label = study.name if study is not None else row.study
            most = randomised.get(row.study)
            rows.append(
                TrialRow(
                    study=row.study,
                    label=label,
                    name=trial_name(label, study.year if study is not None else None),
                    data=row.data,
                    place=place if subgroup is None else f"{place}.{subgroup.number}",
                    overall=row.level != "subgroup",
                    randomised={} if most is None else {"n": most},
                    randomised_by="the characteristics of the study, as far as they can be read",
                )
            )
        made.append(
            OutcomeRows(
                source=source,
                place=place,
                name=outcome.name,
                comparison=f"{comparison.number}",
                rows=tuple(rows),
                pooled=outcome.totals == "overall",
            )
        )
    return tuple(made)


def randomised_by_text(characteristics: Mapping[str, str]) -> float | None:
    """Read how many were randomised in all, the largest number that a text says so of; None where none does."""
    texts = [_TAG.sub(" ", characteristics.get(part, "")).casefold() for part in ("methods", "participants")]
    found = [match for text in texts for pattern in _RANDOMISED for match in pattern.findall(text)]
    return max((float(number.replace(",", "")) for number in found), default=None)


def check_review(
    review: Review, source: str, outcomes: Iterable[OutcomeRows], options: Options, registry: Registry, ledger: Ledger
) -> None:
    """Go through all rules on one review."""
    of_outcomes = {outcome.place: outcome for outcome in outcomes}
    ledgers = {place: ledger.at(source=source, place=place) for place in of_outcomes}
    comparisons: dict[str, list[OutcomeRows]] = {}
    for outcome_rows in of_outcomes.values():
        comparisons.setdefault(outcome_rows.comparison, []).append(outcome_rows)
    largest = {comparison: largest_groups(compared) for comparison, compared in comparisons.items()}
    for place, _, outcome in review.outcomes:
        here = ledgers[place]
        _check_stored(review, outcome, place, ledger.at(source=source))
        check_shared(of_outcomes[place], largest[of_outcomes[place].comparison], here)
        for row in of_outcomes[place].rows:
            check_row(row, ledger.at(source=source, place=row.place, study=row.label))
        _check_means(of_outcomes[place], options, ledger.at(source=source))
        check_guard_rails(outcome, of_outcomes[place], registry, here)
    if not any(row.randomised for outcome in of_outcomes.values() for row in outcome.rows):
        ledger.skipped(RANDOMISED, "the characteristics of the studies do not say how many were randomised")
    for compared in comparisons.values():
        check_arms(compared, ledgers)
    check_within(tuple(of_outcomes.values()), ledger)


# -- stored results ---------------------------------------------------------------------------------------------------


def _check_stored(review: Review, outcome: ReviewOutcome, place: str, ledger: Ledger) -> None:
    overall = [row for _, row in outcome.all_rows if row.level != "subgroup"]
    here = ledger.at(place=place)
    nodes: list[tuple[str, StoredResults, list[ReviewRow], bool]] = [
        (place, outcome.stored, overall, outcome.totals == "overall")
    ]
    for subgroup in outcome.subgroups:
        rows = [row for row in subgroup.rows if row.level != "overall"]
        whole = outcome.totals == "subgroups" and all(row.level == "both" for row in subgroup.rows)
        nodes.append((f"{place}.{subgroup.number}", subgroup.stored, rows, whole))
    for at, node, rows, weighted in nodes:
        # Without an overall result nothing is promised of its totals.
        if at == place and outcome.totals != "overall":
            continue
        _check_node(review, outcome, node, ledger.at(place=at))
        check_pooled(outcome, node, rows, review.decimals, ledger.at(place=at), weighted=weighted)
    _check_subgroup_test(review, outcome, here)
    for within, row in outcome.all_rows:
        _check_study(review, outcome, within, row, ledger.at(place=place))


def _check_node(review: Review, outcome: ReviewOutcome, node: StoredResults, ledger: Ledger) -> None:
    if node.empty or node.estimable is False:
        ledger.skipped(P_AND_LIMITS, "no results are stored, or none is estimable")
        return
    take = partial(_take, node.numbers, review.decimals)
    words = {**PRESETS.get(review.preset, {}), **outcome.words}
    random = (outcome.model or words.get("model")) == "random"
    interval = str(words.get("interval", "Wald")) if random else "Wald"
    df = node.numbers.get("q_df")
    own_df = df if interval == "HK" and df else None
    by_moments = not random or words.get("tau2", "DL") == "DL"
    result = PrintedResult(
        estimate=take("display"),
        ci_low=take("display_ci_low"),
        ci_high=take("display_ci_high"),
        statistic=take("statistic"),
        p=take("p_value", **_P_OF_EFFECT),
        q=take("q"),
        q_df=None if df is None else int(df),
        q_p=take("q_p_value", **_P_OF_Q),
        i2=take("i2"),
        tau2=take("tau2") if random else None,
        scale=scale_of(outcome),
        level=outcome.level,
        df=own_df,
        i2_from_q=by_moments,
        tau2_from_q=random and by_moments,
        names={**_NAMES, "q_p": "q_p_value", "p": "p_value"},
    )
    if interval not in {"Wald", "HK"}:
        ledger.skipped(P_AND_LIMITS, f"intervals by {interval} have a test of their own")
        result = attrs.evolve(result, statistic=None, p=None)
    check_result(result, ledger)


_NAMES = {"estimate": "display", "ci_low": "display_ci_low", "ci_high": "display_ci_high"}


def _take(
    numbers: Mapping[str, float], decimals: int | None, name: str, *, relative: float = 1e-6, absolute: float = 0.0
) -> Printed | None:
    return stored(numbers[name], decimals, relative=relative, absolute=absolute) if name in numbers else None


def _check_study(
    review: Review, outcome: ReviewOutcome, subgroup: ReviewSubgroup | None, row: ReviewRow, ledger: Ledger
) -> None:
    node = row.stored
    if node.empty or node.estimable is False:
        return
    study = review.study_by_id.get(row.study)
    place = "" if subgroup is None else f"{ledger.place}.{subgroup.number}"
    take = partial(_take, node.numbers, review.decimals)
    result = PrintedResult(
        estimate=take("display"),
        ci_low=take("display_ci_low"),
        ci_high=take("display_ci_high"),
        se=take("se") if node.numbers.get("se") else None,
        scale=scale_of(outcome),
        level=outcome.study_level,
        names=_NAMES,
    )
    check_result(result, ledger.at(place=place, study=study.name if study is not None else row.study))


def _check_subgroup_test(review: Review, outcome: ReviewOutcome, ledger: Ledger) -> None:
    numbers = outcome.stored.numbers
    if not numbers.get("subgroup_q_df"):
        return
    take = partial(_take, numbers, review.decimals)
    names = {"q": "subgroup_q", "q_df": "subgroup_q_df", "q_p": "subgroup_q_p_value", "i2": "subgroup_i2"}
    result = PrintedResult(
        q=take(names["q"]),
        q_df=int(numbers[names["q_df"]]),
        q_p=take(names["q_p"], **_P_OF_Q),
        i2=take(names["i2"]),
        names=names,
    )
    check_result(result, ledger)


# -- means ------------------------------------------------------------------------------------------------------------


def _check_means(outcome: OutcomeRows, options: Options, ledger: Ledger) -> None:
    """Check means that are said to be of whole numbers, or of a scale with bounds."""
    for row in outcome.rows:
        for arm in ("1", "2"):
            name = f"mean_{arm}"
            n, mean = row.data.get(f"n_{arm}"), row.data.get(name)
            if mean is None or n is None:
                continue
            whole = options.is_whole(name, outcome.place)
            if not whole and not options.integer:
                ledger.skipped(GRIM, "it is not said that the responses are whole numbers (integer=)")
            printed = printed_double(mean)
            if printed is None or n < 1 or not n.is_integer():
                continue
            lowest, highest = options.bounds_of(whole=whole)
            sd = row.data.get(f"sd_{arm}")
            given = PrintedMean(
                mean=printed,
                n=int(n),
                sd=None if sd is None else printed_double(sd),
                whole=whole,
                items=options.items,
                lowest=lowest,
                highest=highest,
                columns=(name, f"sd_{arm}"),
            )
            check_mean(given, ledger.at(place=row.place, study=row.label))
