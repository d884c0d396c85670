"""Say in a sentence what a choice of settings does to a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evisynth.results import MetaAnalysis
    from evisynth.settings import Settings

Pair: TypeAlias = "tuple[MetaAnalysis | None, MetaAnalysis | None]"
"""Two results that differ by the choice alone."""

ESTIMATORS: Mapping[str, str] = {
    "DL": "DerSimonian–Laird",
    "PM": "Paule–Mandel",
    "HE": "Hedges–Olkin",
    "SJ": "Sidik–Jonkman",
}
INTERVALS: Mapping[str, str] = {"HK": "Hartung–Knapp", "KR": "Kenward–Roger", "HC": "Henmi–Copas"}
METHODS: Mapping[str, str] = {"IV": "inverse variance", "MH": "Mantel–Haenszel"}
MODELS: Mapping[str, str] = {"common": "common-effect", "random": "random-effects"}
SOURCES_OF_I2: Mapping[str, str] = {"q": "Q", "tau2": "tau²"}

NEGLIGIBLE = 0.005
"""Part of a standard error that is not worth a word."""


def cause_text(choice: str, fields: Sequence[str], one: Settings, other: Settings, pair: Pair) -> str:
    """Say what the second settings do in the place of the first, with the numbers that tell it."""
    special = _TEXTS.get(choice)
    if special is not None:
        return special(one, other, pair)
    words = {field: field.replace("_", " ") for field in fields}
    return ", ".join(
        f"{words[field]} is {_value(getattr(other, field))} instead of {_value(getattr(one, field))}"
        for field in fields
    )


def _value(value: object) -> str:
    return "none" if value is None else str(value)


def _model(one: Settings, other: Settings, _: Pair) -> str:
    return f"{MODELS[other.model]} model instead of {MODELS[one.model]}"


def _method(one: Settings, other: Settings, _: Pair) -> str:
    if one.method == other.method:
        return f"{other.weighting} weights instead of {one.weighting}"
    return f"pooled by {METHODS.get(other.method, other.method)} instead of {METHODS.get(one.method, one.method)}"


def _tau2(one: Settings, other: Settings, pair: Pair) -> str:
    if not isinstance(other.tau2, str):
        return f"tau² is given as {shown_tau2(other.tau2)} instead of estimated"
    first, second = (None if each is None else each.heterogeneity.tau2 for each in pair)
    names = [_estimator(each) for each in (other, one)]
    if first is None or second is None:
        return f"tau² by {names[0]} instead of {names[1]}"
    if not isinstance(one.tau2, str):
        return f"{names[0]} estimates tau² {shown_tau2(second)} instead of {shown_tau2(first)} that was given"
    second_shown, first_shown = shown_tau2(second), shown_tau2(first)
    if second_shown == first_shown:
        return f"{names[0]} estimates tau² {second_shown}, as {names[1]} does to two digits"
    return f"{names[0]} estimates tau² {second_shown} where {names[1]} estimates {first_shown}"


def shown_tau2(value: float) -> str:
    """Print a tau² with two digits, or as a whole number where it has more."""
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}"  # noqa: PLR2004 - where two digits would be an exponent


def _estimator(settings: Settings) -> str:
    shared = ", shared by the subgroups," if settings.tau2_common else ""
    if not isinstance(settings.tau2, str):
        return f"a given value{shared}"
    return f"{ESTIMATORS.get(settings.tau2, settings.tau2)}{shared}"


def _interval(one: Settings, other: Settings, pair: Pair) -> str:
    without, made = (None if each is None else each.pooled for each in pair)
    k = "" if pair[1] is None else f" (k = {pair[1].k})"
    details: list[str] = []
    if made is not None and without is not None:
        if made.df is not None and made.df != without.df:
            details.append(f"t with {made.df:g} df")
        elif made.df is None and without.df is not None:
            details.append("the normal distribution")
        if without.se > 0 and abs(made.se / without.se - 1) > NEGLIGIBLE:
            details.append(f"a standard error {made.se / without.se:.2f} times as large")
    shown = f": {' and '.join(details)}" if details else ""
    return f"{_interval_name(other)} interval{k} instead of {_interval_name(one)}'s{shown}"


def _interval_name(settings: Settings) -> str:
    name = INTERVALS.get(settings.interval, settings.interval)
    return f"{name} ({settings.adhoc})" if settings.adhoc else name


def _i2(one: Settings, other: Settings, _: Pair) -> str:
    return f"I² is computed from {SOURCES_OF_I2[other.i2]} instead of {SOURCES_OF_I2[one.i2]}"


def _prediction(one: Settings, other: Settings, _: Pair) -> str:
    if one.prediction is None:
        return f"a prediction interval ({other.prediction}) is given"
    if other.prediction is None:
        return "no prediction interval is given"
    return f"prediction interval {other.prediction} instead of {one.prediction}"


def _correction(one: Settings, other: Settings, _: Pair) -> str:
    if one.correction == other.correction:
        return "zero cells are corrected by another rule"
    return f"zero cells are corrected by the rule {other.correction!r} instead of {one.correction!r}"


def _centre(one: Settings, other: Settings, _: Pair) -> str:
    words = {"pooled": "the pooled common-effect estimate", "IV": "the inverse-variance estimate"}
    return f"Q is taken about {words.get(other.centre, other.centre)} instead of {words.get(one.centre, one.centre)}"


_TEXTS: Mapping[str, Callable[[Settings, Settings, Pair], str]] = {
    "model": _model,
    "method": _method,
    "tau2": _tau2,
    "interval": _interval,
    "i2": _i2,
    "prediction": _prediction,
    "correction": _correction,
    "centre": _centre,
}
