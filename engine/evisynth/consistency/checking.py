"""The verbs `check` and `check_printed`: find numbers that cannot all be true, with the reasons."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from evisynth.consistency.findings import Consistency, Ledger
from evisynth.consistency.grim import PrintedMean, check_mean, check_percent
from evisynth.consistency.headings import columns_of
from evisynth.consistency.options import Options
from evisynth.consistency.printed_numbers import read_printed
from evisynth.consistency.printed_results import PrintedResult
from evisynth.consistency.result_rules import check_result, tests_of
from evisynth.consistency.reviews import check_review, outcomes_of
from evisynth.consistency.same_trial import check_across
from evisynth.consistency.tables import as_percent, check_table, table_of
from evisynth.errors import DataError, SettingsError
from evisynth.loading import read_source
from evisynth.registry import Registry, default_registry
from evisynth.reviews.model import Review
from evisynth.sources import Table
from evisynth.studies import Studies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth.consistency.intervals import ScaleName
    from evisynth.consistency.printed_numbers import Printed
    from evisynth.consistency.trials import OutcomeRows


def check(  # noqa: PLR0913 - keyword-only, each says of the numbers what they do not say themselves
    data: Any,  # noqa: ANN401 - converters say what they recognise
    *others: Any,  # noqa: ANN401 - as above
    scale: ScaleName | None = None,
    level: float = 0.95,
    df: float | None = None,
    measure: str | None = None,
    integer: Iterable[str] = (),
    items: int = 1,
    bounds: tuple[float, float] | None = None,
    roles: Mapping[str, str] | None = None,
    format: str | None = None,  # noqa: A002 - the word of the command line
    registry: Registry | None = None,
) -> Consistency:
    """Look for numbers that cannot all be true: in a review, in a table, and between several that hold the same trials.

    ``data`` and ``others`` are `Review`, `Studies`, `Table` or anything that `load` takes. Printed numbers stand for
    all that round to them: those of a text file by the digits that stand there, those in memory by the digits that they
    have.

    ``scale`` (``"log"`` for ratios, ``"linear"``), ``level`` and ``df`` (of Student's t) are those of printed results
    in tables; where the scale is not known, an interval contradicts if it does on both. ``integer`` names means
    (``"mean_1"``) whose responses are whole numbers, or means of ``items`` such, or a review's outcomes (``"1.2"``);
    ``bounds`` are the ends of their scale. ``measure`` is the one that guard rails look at a table with; a review's
    outcomes have their own. ``roles`` map what a heading stands for (``estimate``, ``q_p`` …) to headings.

    Raises `FormatError` for a source that nothing can read, `SettingsError` for words that are not understood.
    """
    registry = registry or default_registry()
    options = Options(
        scale=scale, level=level, df=df, measure=measure, integer=tuple(integer), items=items, bounds=bounds
    )
    read = [_read(one, format, registry) for one in (data, *others)]
    names = _distinct([name for name, _ in read])
    _refuse_unknown(options, [value for _, value in read], roles or {})
    ledger = Ledger()
    of_sources: list[tuple[OutcomeRows, ...]] = []
    for source, (_, value) in zip(names, read, strict=True):
        if isinstance(value, Review):
            outcomes = outcomes_of(value, source)
            check_review(value, source, outcomes, options, registry, ledger)
        else:
            outcomes = check_table(value, source, roles or {}, options, registry, ledger)
        of_sources.append(outcomes)
    for ours, theirs in combinations(of_sources, 2):
        check_across(ours, theirs, ledger)
    return ledger.result(names)


def _read(given: Any, format: str | None, registry: Registry) -> tuple[str, Review | Table]:  # noqa: A002, ANN401 - as in `check`
    if isinstance(given, Review):
        return given.source or given.title or "the review", given
    if isinstance(given, Studies):
        return given.source or "the table", table_of(given)
    if isinstance(given, Table):
        return "the table", given
    source, value = read_source(given, format=format, registry=registry)
    return source.name, table_of(value) if isinstance(value, Studies) else value


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    made: list[str] = []
    for name in names:
        count = names.count(name)
        before = sum(1 for other in made if other == name or other.startswith(f"{name} ("))
        made.append(name if count == 1 else f"{name} ({before + 1})")
    return tuple(made)


def _refuse_unknown(options: Options, values: Sequence[Review | Table], roles: Mapping[str, str]) -> None:
    known: set[str] = set()
    headings: set[str] = set()
    for value in values:
        if isinstance(value, Review):
            known |= {place for place, _, outcome in value.outcomes if outcome.data_type == "continuous"}
            known |= {"mean_1", "mean_2"}
            continue
        found = columns_of(value, roles).headings
        headings |= set(value.columns)
        known |= {name for name in ("mean", "mean_1", "mean_2") if name in found}
        known |= {found[name] for name in ("mean", "mean_1", "mean_2") if name in found}
    missing = [name for name in options.integer if name not in known]
    if missing:
        msg = f"integer names no means: {', '.join(map(repr, missing))}; there are {', '.join(sorted(known)) or 'none'}"
        raise SettingsError(msg)
    absent = [heading for heading in roles.values() if heading not in headings]
    if absent:
        msg = f"no column is called {', '.join(map(repr, absent))}; there are {', '.join(sorted(headings)) or 'none'}"
        raise SettingsError(msg)


def check_printed(  # noqa: PLR0913 - keyword-only, each a number that a paper prints
    *,
    estimate: str | None = None,
    ci_low: str | None = None,
    ci_high: str | None = None,
    se: str | None = None,
    statistic: str | None = None,
    p: str | None = None,
    q: str | None = None,
    q_df: int | None = None,
    q_p: str | None = None,
    i2: str | None = None,
    k: int | None = None,
    scale: ScaleName | None = None,
    level: float = 0.95,
    df: float | None = None,
) -> Consistency:
    """Check one result as it is printed, each number as its text (``"0.58"``, ``"0.80"``, ``"<0.001"``, ``"34%"``).

    ``statistic`` is Z, or t where there are ``df``; ``q``, ``q_df``, ``q_p`` and ``i2`` are of heterogeneity, and ``k``
    is the number of studies, where ``q_df`` is not printed. Raises `DataError` for a text that is no number.
    """
    ledger = Ledger()
    given = {"estimate": estimate, "ci_low": ci_low, "ci_high": ci_high, "se": se, "statistic": statistic, "p": p}
    check_result(
        _printed_result({**given, "q": q, "q_p": q_p, "i2": i2}, q_df, k, Options(scale=scale, level=level, df=df)),
        ledger,
    )
    return ledger.result()


def which_test(  # noqa: PLR0913 - keyword-only, each a number that a paper prints
    p: str,
    *,
    estimate: str | None = None,
    ci_low: str | None = None,
    ci_high: str | None = None,
    q: str | None = None,
    q_df: int | None = None,
    i2: str | None = None,
    k: int | None = None,
    scale: ScaleName | None = None,
    level: float = 0.95,
    df: float | None = None,
) -> tuple[str, ...]:
    """Tell which tests a printed P can be of: ``effect`` (by estimate and limits), ``heterogeneity`` (by Q or I²).

    Both, where it fits both; none, where it fits neither. Heterogeneity is known by Q or I² with ``q_df``, or with the
    number of studies ``k``, of which some may have had no effect.
    """
    number = _printed("p", p)
    if number is None:
        msg = "p is missing: give it as printed, such as '0.53'"
        raise DataError(msg)
    given = {"estimate": estimate, "ci_low": ci_low, "ci_high": ci_high, "q": q, "i2": i2}
    return tests_of(_printed_result(given, q_df, k, Options(scale=scale, level=level, df=df)), number)


def _printed_result(
    texts: Mapping[str, str | None], q_df: int | None, k: int | None, options: Options
) -> PrintedResult:
    numbers = {name: _printed(name, text) for name, text in texts.items()}
    i2 = numbers.get("i2")
    return PrintedResult(
        estimate=numbers.get("estimate"),
        ci_low=numbers.get("ci_low"),
        ci_high=numbers.get("ci_high"),
        se=numbers.get("se"),
        statistic=numbers.get("statistic"),
        p=numbers.get("p"),
        q=numbers.get("q"),
        q_p=numbers.get("q_p"),
        i2=None if i2 is None else as_percent(i2),
        q_df=q_df,
        k=k,
        scale=options.scale,
        level=options.level,
        df=options.df,
    )


def _printed(name: str, text: object) -> Printed | None:
    if text is None:
        return None
    if not isinstance(text, str):
        msg = f"{name} is given as its text, so that its decimals are known: {name}='{text}', not {text!r}"
        raise DataError(msg)
    return read_printed(text)


def check_printed_mean(
    mean: str,
    n: int,
    *,
    sd: str | None = None,
    integer: bool = True,
    items: int = 1,
    bounds: tuple[float, float] | None = None,
) -> Consistency:
    """Check a mean (and standard deviation) of n whole numbers as printed: GRIM, GRIMMER and the ends of the scale."""
    number, ledger = _printed("mean", mean), Ledger()
    options = Options(items=items, bounds=bounds)
    if number is None or n < 1:
        msg = f"a mean of at least one response, not {mean!r} of {n!r}"
        raise DataError(msg)
    lowest, highest = options.bounds_of(whole=integer)
    given = PrintedMean(
        mean=number, n=n, sd=_printed("sd", sd), whole=integer, items=items, lowest=lowest, highest=highest
    )
    check_mean(given, ledger)
    return ledger.result()


def check_printed_percent(percent: str, n: int, *, events: int | None = None) -> Consistency:
    """Check a percentage of n participants as printed, against whole numbers or against the events."""
    number, ledger = _printed("percent", percent), Ledger()
    if number is None or n < 1:
        msg = f"a percentage of at least one participant, not {percent!r} of {n!r}"
        raise DataError(msg)
    check_percent(number, n, events, ledger)
    return ledger.result()
