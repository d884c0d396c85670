"""Find the choices that make two analyses of an outcome differ, by changing one at a time from the one to the other."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from evisynth.reviews.analysis import fit_review, words_of
from evisynth.reviews.cause_text import cause_text
from evisynth.reviews.conclusions import CONCLUSIONS, NUMBER_OF, differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from evisynth.registry import Registry
    from evisynth.results import MetaAnalysis
    from evisynth.reviews.analysis import OutcomeAnalysis
    from evisynth.reviews.conclusions import Difference, Kind
    from evisynth.reviews.model import Review
    from evisynth.settings import Settings

CHOICES: Mapping[str, tuple[str, ...]] = {
    "measure": ("measure", "scale", "swap_events", "vtype"),
    "model": ("model",),
    "method": ("method", "weighting"),
    "correction": ("correction", "increment", "increment_to", "double_zeros", "mh_increment"),
    "smd_correction": ("smd_correction",),
    "smd_variance": ("smd_variance",),
    "rom_correction": ("rom_correction",),
    "zero_sd": ("zero_sd",),
    "mh_rd_variance": ("mh_rd_variance",),
    "centre": ("centre",),
    "tau2": ("tau2", "tau2_common"),
    "interval": ("interval", "adhoc"),
    "i2": ("i2",),
    "prediction": ("prediction",),
    "level": ("level", "given_level"),
    "sampling": ("seed", "budget"),
}
"""Choices, each of the fields of `Settings` that make it.

Names for readers (``random_weights`` is one) and what is said of single studies change no pooled result.
"""

LARGEST = 3
"""Choices that are tried together before all of them are named."""

How: TypeAlias = Literal["alone", "needed", "together"]


@attrs.frozen
class Cause:
    """Hold one choice that is behind a difference.

    ``alone``: the first settings with just this choice of the second differ so too; ``needed``: the second settings
    with just this choice put back do not. Neither: it takes part only together with others.
    """

    choice: str
    one: Mapping[str, Any]
    """The fields of `Settings` as the first settings have them."""
    other: Mapping[str, Any]
    alone: bool
    needed: bool
    text: str


@attrs.frozen
class Change:
    """Hold a difference with its causes."""

    difference: Difference
    causes: tuple[Cause, ...] = ()

    @property
    def kind(self) -> Kind:
        """What differs."""
        return self.difference.kind

    @property
    def tag(self) -> str:
        """What differs, in a few words."""
        return self.difference.tag

    @property
    def how(self) -> How | None:
        """Whether each cause is enough by itself, all are needed, or they act only together; None without a cause."""
        if not self.causes:
            return None
        if any(cause.alone for cause in self.causes):
            return "alone"
        return "needed" if any(cause.needed for cause in self.causes) else "together"

    @property
    def why(self) -> str:
        """Say the causes in one sentence; empty where none is known."""
        texts = [cause.text for cause in self.causes]
        if len(texts) < 2:  # noqa: PLR2004 - one needs no "together"
            alone = not texts or self.how == "alone"
            return "".join(texts) if alone else f"{texts[0]} (beside the other differences of the settings)"
        lead = {"alone": "each by itself", "needed": "together", "together": "only together"}[self.how or "together"]
        return f"{lead}: {'; '.join(texts)}"


Part: TypeAlias = "Callable[[OutcomeAnalysis], MetaAnalysis | None]"
"""Which result of an outcome is meant: the overall one, or that of a subgroup."""


class Mixtures:
    """Analyse one outcome by settings between two, each mixture once."""

    def __init__(
        self, review: Review, one: OutcomeAnalysis, other: OutcomeAnalysis, width_ratio: float, registry: Registry
    ) -> None:
        """Take the outcome as the two settings have it."""
        self._review, self._one, self._other, self._registry = review, one, other, registry
        self._width_ratio = width_ratio
        self._made: dict[frozenset[str], OutcomeAnalysis | None] = {frozenset(): one}
        self.choices: tuple[str, ...] = ()
        if one.analysis is not None and other.analysis is not None:
            self._settings = one.analysis.settings, other.analysis.settings
            self.choices = tuple(
                choice
                for choice, fields in CHOICES.items()
                if any(getattr(self._settings[0], field) != getattr(self._settings[1], field) for field in fields)
            )
            self._made[frozenset(self.choices)] = other

    def explain(self, difference: Difference, part: Part) -> Change:
        """Find the causes of a difference in a result."""
        if not self.choices:
            return Change(difference)
        alone = {choice for choice in self.choices if self._comes_about([choice], difference, part)}
        needed = {choice for choice in self.choices if self._goes_away(choice, difference, part)}
        # Enough by itself, or else what cannot be done without.
        found = alone or needed or self._least_together(difference, part)
        return Change(
            difference,
            tuple(
                self._cause(choice, alone=choice in alone, needed=choice in needed, part=part)
                for choice in self.choices
                if choice in found
            ),
        )

    def _comes_about(self, choices: Iterable[str], difference: Difference, part: Part) -> bool:
        mixed = self._part(choices, part)
        return mixed is not None and self._has(difference, mixed, part)

    def _goes_away(self, choice: str, difference: Difference, part: Part) -> bool:
        mixed = self._part([each for each in self.choices if each != choice], part)
        return mixed is not None and not self._has(difference, mixed, part)

    def _has(self, difference: Difference, mixed: MetaAnalysis, part: Part) -> bool:
        """Whether a mixture differs from the first settings as the second do."""
        one, other = part(self._one), part(self._other)
        if difference.kind in CONCLUSIONS:
            found = differences(one, mixed, self._width_ratio).get(difference.kind)
            return found is not None and found.state == difference.state
        assert one is not None and other is not None  # noqa: S101, PT018 - numbers differ only where both have them
        first, second, between = (NUMBER_OF[difference.kind](each) for each in (one, other, mixed))
        if first is None or second is None or between is None:
            return False
        if difference.kind == "interval" and math.isclose(first, second, rel_tol=1e-6):
            # An interval that moved as a whole moved with its effect.
            first, second, between = (NUMBER_OF["effect"](each) or 0.0 for each in (one, other, mixed))
        return abs(between - second) < abs(between - first)

    def _least_together(self, difference: Difference, part: Part) -> Iterable[str]:
        for size in range(2, LARGEST + 1):
            for choices in combinations(self.choices, size):
                if self._comes_about(choices, difference, part):
                    return choices
        return self.choices

    def _part(self, choices: Iterable[str], part: Part) -> MetaAnalysis | None:
        made = self._outcome(frozenset(choices))
        return None if made is None else part(made)

    def _outcome(self, choices: frozenset[str]) -> OutcomeAnalysis | None:
        """Analyse by the first settings, with some choices of the second; None where they do not go together."""
        if choices not in self._made:
            one, other = self._settings
            # A program may lack a combination that the other has.
            nearer = (one, other) if 2 * len(choices) <= len(self.choices) else (other, one)
            found = (self._fit(base, choices) for base in nearer)
            self._made[choices] = next((made for made in found if made.analysis is not None), None)
        return self._made[choices]

    def _fit(self, base: Settings, choices: frozenset[str]) -> OutcomeAnalysis:
        one, other = self._settings
        words = {word: getattr(base, word) for word in words_of(self._one.outcome, own=False)}
        for choice in self.choices:
            taken = other if choice in choices else one
            words |= {
                field: getattr(taken, field)
                for field in CHOICES[choice]
                if getattr(one, field) != getattr(other, field)
            }
        made = fit_review(self._review, base, only=(self._one.place,), registry=self._registry, **words)
        return next(each for each in made if each.outcome is self._one.outcome)

    def _cause(self, choice: str, *, alone: bool, needed: bool, part: Part) -> Cause:
        one, other = self._settings
        fields = [field for field in CHOICES[choice] if getattr(one, field) != getattr(other, field)]
        # The two results that differ by this choice and no other, seen from where it makes the difference.
        pair = part(self._one), self._part([choice], part)
        if pair[1] is None or (needed and not alone):
            pair = self._part([each for each in self.choices if each != choice], part), part(self._other)
        return Cause(
            choice,
            {field: getattr(one, field) for field in fields},
            {field: getattr(other, field) for field in fields},
            alone,
            needed,
            cause_text(choice, fields, one, other, pair),
        )
