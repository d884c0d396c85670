"""Compare a review under two settings: which conclusions change from the one to the other, and why."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from evisynth.errors import SettingsError
from evisynth.kernels.distributions import normal_quantile, t_quantile
from evisynth.registry import Registry, default_registry
from evisynth.reviews.analysis import NO_TOTALS, ONLY_SUBTOTALS, fit_review
from evisynth.reviews.causes import Change, Mixtures
from evisynth.reviews.conclusions import CONCLUSIONS, differences, ratio_of_widths
from evisynth.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd

    from evisynth.results import MetaAnalysis
    from evisynth.reviews.analysis import OutcomeAnalysis
    from evisynth.reviews.causes import Part
    from evisynth.reviews.conclusions import Difference, Kind
    from evisynth.reviews.model import Review, ReviewSubgroup

Asked: TypeAlias = "str | Settings | Mapping[str, Any] | None"
"""A preset, settings, words over the review's own settings (or over ``settings`` among them), or the file's own."""

WIDTH_RATIO = 1.2
"""Intervals that differ by this factor or more are much wider or narrower."""
NO_SUBGROUP_ROWS = "the file holds no studies for this subgroup"


@attrs.frozen(eq=False, slots=False)
class ComparedResult:
    """Hold one pooled result, of an outcome or a subgroup, under both settings."""

    place: str
    """``1.2`` of an outcome, ``1.2.1`` of a subgroup."""
    subgroup: str | None
    one: MetaAnalysis | None
    other: MetaAnalysis | None
    reasons: tuple[str | None, str | None]
    """Why there is no pooled effect under either settings."""
    not_shown: str | None = None
    """Why the review shows no such result, so that nothing is concluded from it."""
    changes: tuple[Change, ...] = ()
    """Conclusions that change."""
    moved: tuple[Change, ...] = ()
    """Printed numbers that move."""

    @property
    def compared(self) -> bool:
        """Whether there is something to compare: an effect under one of the settings at least, that is shown."""
        pooled = [analysis is not None and analysis.pooled is not None for analysis in (self.one, self.other)]
        return self.not_shown is None and any(pooled)

    @property
    def changed(self) -> bool:
        """Whether a conclusion changes."""
        return bool(self.changes)

    @property
    def reason(self) -> str | None:
        """Why there is nothing to compare; None where there is."""
        if self.compared:
            return None
        first, second = self.reasons
        return self.not_shown or first or second

    @property
    def display_difference(self) -> float | None:
        """The other effect less the one, as shown to readers; None where measures differ or there is none."""
        if self.one is None or self.other is None or self.one.effects.measure != self.other.effects.measure:
            return None
        first, second = self.one.display, self.other.display
        return None if first is None or second is None else second.value - first.value

    @property
    def width_ratio(self) -> float | None:
        """How many times as wide the other interval is, on the analysis scale."""
        return ratio_of_widths(self.one, self.other)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What to know of a Hartung–Knapp interval from few studies."""
        return tuple(dict.fromkeys(text for one in (self.one, self.other) for text in _small(one)))

    def __repr__(self) -> str:
        """Say the place and what changes in one line."""
        return f"<{self.place}: {self.reason or ', '.join(change.tag for change in self.changes) or 'no change'}>"


def _small(analysis: MetaAnalysis | None) -> Iterator[str]:
    if analysis is None or analysis.pooled is None or analysis.settings.model != "random":
        return
    settings, pooled = analysis.settings, analysis.pooled
    if settings.interval != "HK" or pooled.df is None:
        return
    part = 0.5 + pooled.level / 2.0
    z = float(normal_quantile(part))
    if analysis.k == 2:  # noqa: PLR2004 - one degree of freedom
        t = float(t_quantile(part, 1))
        yield f"Hartung–Knapp from two studies: t with 1 df ({t:.2f} in the place of {z:.2f}) says little either way"
    fit = analysis.fit
    if fit is None or settings.adhoc is not None:
        return
    usual = 2.0 * z * float(fit.se[0])
    if pooled.ci_high - pooled.ci_low < usual:
        yield (
            f"the Hartung–Knapp interval is {(pooled.ci_high - pooled.ci_low) / usual:.2f} times as wide as Wald's "
            "with the same tau²: adhoc='ci' takes the wider of the two"
        )


@attrs.frozen(eq=False)
class ComparedOutcome:
    """Hold one outcome of a review under both settings, with its subgroups."""

    one: OutcomeAnalysis
    other: OutcomeAnalysis
    whole: ComparedResult
    subgroups: tuple[tuple[ReviewSubgroup, ComparedResult], ...] = ()

    @property
    def place(self) -> str:
        """Number of the comparison and of the outcome."""
        return self.one.place

    @property
    def name(self) -> str:
        """Name of the outcome."""
        return self.one.outcome.name

    @property
    def results(self) -> tuple[ComparedResult, ...]:
        """The overall result and those of the subgroups."""
        return (self.whole, *(result for _, result in self.subgroups))

    @property
    def compared(self) -> bool:
        """Whether any of its results was compared."""
        return any(result.compared for result in self.results)

    @property
    def reason(self) -> str | None:
        """Why nothing was compared; None where something was."""
        return None if self.compared else self.whole.reason

    @property
    def changed(self) -> bool:
        """Whether a conclusion changes, overall or in a subgroup."""
        return any(result.changed for result in self.results)


@attrs.frozen(eq=False, slots=False)
class SettingsComparison:
    """Hold a review under two settings, outcome by outcome, in the order of the review."""

    review: Review
    one: str
    """What the first settings are called."""
    other: str
    outcomes: tuple[ComparedOutcome, ...]
    width_ratio: float = WIDTH_RATIO

    def __len__(self) -> int:
        """Count the outcomes."""
        return len(self.outcomes)

    def __iter__(self) -> Iterator[ComparedOutcome]:
        """Go through the outcomes."""
        return iter(self.outcomes)

    def __getitem__(self, place: str | int) -> ComparedOutcome:
        """Give an outcome by its place (``"1.2"``) or position; raises `KeyError` for a place that is not there."""
        if isinstance(place, int):
            return self.outcomes[place]
        found = [one for one in self.outcomes if one.place == place]
        if not found:
            raise KeyError(place)
        return found[0]

    @cached_property
    def changed(self) -> tuple[ComparedResult, ...]:
        """Results whose conclusions change, of outcomes and of subgroups."""
        return tuple(result for outcome in self.outcomes for result in outcome.results if result.changed)

    @cached_property
    def counts(self) -> Mapping[Kind, tuple[int, int]]:
        """How many outcomes, and how many subgroups, change by each kind of conclusion."""
        return {
            kind: (
                sum(_changes(result, kind) for result in self.changed if result.subgroup is None),
                sum(_changes(result, kind) for result in self.changed if result.subgroup is not None),
            )
            for kind in CONCLUSIONS
        }

    @cached_property
    def not_compared(self) -> Mapping[str, int]:
        """How many outcomes could not be compared, by reason."""
        made: dict[str, int] = {}
        for outcome in self.outcomes:
            if outcome.reason is not None:
                made[outcome.reason] = made.get(outcome.reason, 0) + 1
        return made

    def to_dict(self) -> dict[str, Any]:
        """Give the whole result as JSON-ready values, without NaN or infinity."""
        from evisynth.reviews.comparing_documents import comparison_document  # noqa: PLC0415 - only when asked for

        return comparison_document(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """Give the whole result as strict JSON."""
        from evisynth.documents import strict_json  # noqa: PLC0415 - only when asked for

        return strict_json(self.to_dict(), indent=indent)

    def to_frame(self) -> pd.DataFrame:
        """Give a row per outcome and subgroup, with columns of the glossary."""
        from evisynth.reviews.comparing_documents import comparison_frame  # noqa: PLC0415 - pandas only when asked for

        return comparison_frame(self)

    def __str__(self) -> str:
        """List what changes and why, a line each, after a line of counts."""
        lines = [f"{self.review.title or 'Review'}: {self.one} beside {self.other}", summary(self)]
        for outcome in self.outcomes:
            for result in outcome.results:
                name = outcome.name if result.subgroup is None else f"{outcome.name}: {result.subgroup}"
                lines.extend(
                    f"{result.place} {name}: {change.tag} ({change.difference.one} → {change.difference.other})"
                    f"{f', {change.why}' if change.why else ''}"
                    for change in result.changes
                )
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Count what changes in one line."""
        compared = sum(outcome.compared for outcome in self.outcomes)
        changed = sum(outcome.changed for outcome in self.outcomes)
        return f"<SettingsComparison {self.one} | {self.other}: {changed} of {compared} outcomes change>"


def _changes(result: ComparedResult, kind: Kind) -> bool:
    return any(change.kind == kind for change in result.changes)


NAMES: Mapping[Kind, str] = {
    "estimability": "whether there is an effect",
    "significance": "significance",
    "direction": "direction",
    "width": "width of the interval",
    "i2_band": "I² band",
    "prediction": "what the prediction interval says",
    "effect": "effect",
    "interval": "interval",
    "i2": "I²",
}


def summary(made: SettingsComparison) -> str:
    """Count in one line what was compared, what changes and what could not be compared."""
    compared = [outcome for outcome in made if outcome.compared]
    subgroups = sum(result.compared for outcome in made for _, result in outcome.subgroups)
    also = f" and {subgroups} subgroups" if subgroups else ""
    parts = [
        f"{NAMES[kind]} {outcomes}{f' and {groups} of subgroups' if groups else ''}"
        for kind, (outcomes, groups) in made.counts.items()
        if outcomes or groups
    ]
    changes = f"conclusions that change: {', '.join(parts)}" if parts else "no conclusion changes"
    others = "".join(f"; {count} not compared: {reason}" for reason, count in made.not_compared.items())
    return f"{len(compared)} of {len(made)} outcomes{also} compared; {changes}{others}"


def compare_settings(
    review: Review,
    one: Asked = "revman5",
    other: Asked = "revman-web",
    *,
    only: Sequence[str] = (),
    width_ratio: float = WIDTH_RATIO,
    registry: Registry | None = None,
    progress: Callable[[ComparedOutcome], object] | None = None,
    **words: Any,  # noqa: ANN401 - the fields of Settings
) -> SettingsComparison:
    """Run every outcome of a review under two settings, tell which conclusions change, and find the choices behind it.

    ``one`` and ``other`` are names of presets, `Settings`, or words over the review's own settings, with a preset of
    their own where they hold ``settings``: ``{"settings": "revman5", "tau2": "PM"}``; None is as the file states.
    ``words`` hold for both. ``only`` names places, as in `fit` of a review; intervals whose widths differ by
    ``width_ratio`` or more count as a change. Outcomes that cannot be run are kept with the reason.

    Raises `SettingsError` for a word, a preset or a place that is not there.
    """
    registry = registry or default_registry()
    if isinstance(width_ratio, bool) or not isinstance(width_ratio, int | float) or not 1 < width_ratio < math.inf:  # pyright: ignore[reportUnnecessaryIsInstance] - requests are untyped
        msg = f"width_ratio is a number above 1, such as {WIDTH_RATIO}, not {width_ratio!r}"
        raise SettingsError(msg)
    made = [
        fit_review(review, settings, only=only, registry=registry, **{**words, **own})
        for settings, own in map(_asked, (one, other))
    ]
    outcomes: list[ComparedOutcome] = []
    for first, second in zip(*made, strict=True):
        outcomes.append(_compared(review, first, second, float(width_ratio), registry))
        if progress is not None:
            progress(outcomes[-1])
    return SettingsComparison(review, settings_label(one), settings_label(other), tuple(outcomes), float(width_ratio))


def _asked(asked: Asked) -> tuple[str | Settings | None, Mapping[str, Any]]:
    if asked is None or isinstance(asked, str | Settings):
        return asked, {}
    own = dict(asked)
    return own.pop("settings", None), own


def settings_label(asked: Asked) -> str:
    """Call settings by their preset and the words over it."""
    settings, own = _asked(asked)
    if isinstance(settings, Settings):
        table = Settings(preset=settings.preset)
        own = {
            **{name: value for name, value in settings.to_dict().items() if value != getattr(table, name)},
            **own,
        }
        settings = settings.preset
    words = ", ".join(f"{name} {'none' if value is None else value}" for name, value in own.items())
    base = "as the file states" if settings is None else settings
    return f"{base}, {words}" if words else base


def _compared(
    review: Review, one: OutcomeAnalysis, other: OutcomeAnalysis, width_ratio: float, registry: Registry
) -> ComparedOutcome:
    mixtures = Mixtures(review, one, other, width_ratio, registry)
    totals = next((each.analysis.settings.totals for each in (one, other) if each.analysis is not None), "overall")
    hidden = {"none": NO_TOTALS, "subgroups": ONLY_SUBTOTALS}.get(totals)

    def result(place: str, name: str | None, part: Part, reason: str, not_shown: str | None) -> ComparedResult:
        results = part(one), part(other)
        reasons = [
            (each.reason or reason) if made is None else made.reason
            for each, made in zip((one, other), results, strict=True)
        ]
        found = () if not_shown else tuple(differences(*results, width_ratio).values())
        found = tuple(_with_reasons(difference, *reasons) for difference in found)
        explained = [mixtures.explain(difference, part) for difference in found]
        return ComparedResult(
            place,
            name,
            *results,
            (reasons[0], reasons[1]),
            not_shown,
            tuple(change for change in explained if change.kind in CONCLUSIONS),
            tuple(change for change in explained if change.kind not in CONCLUSIONS),
        )

    whole = result(one.place, None, lambda made: made.analysis, "", hidden)
    subgroups = tuple(
        (
            subgroup,
            result(
                f"{one.place}.{subgroup.number}",
                subgroup.name,
                _subgroup_part(i),
                NO_SUBGROUP_ROWS,
                NO_TOTALS if totals == "none" else None,
            ),
        )
        for i, subgroup in enumerate(one.outcome.subgroups)
    )
    return ComparedOutcome(one, other, whole, subgroups)


def _with_reasons(difference: Difference, one: str | None, other: str | None) -> Difference:
    """Say of an effect that is not there why."""
    if difference.kind != "estimability":
        return difference
    return attrs.evolve(
        difference,
        one=difference.one if one is None else f"{difference.one}: {one}",
        other=difference.other if other is None else f"{difference.other}: {other}",
    )


def _subgroup_part(position: int) -> Part:
    def part(made: OutcomeAnalysis) -> MetaAnalysis | None:
        found = made.subgroups[position][1]
        return None if found is None else found.analysis

    return part
