"""Make the summary-of-findings table: absolute effects at a stated baseline risk, and the certainty of the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from evisynth import MetaAnalysis, Reporter, ReviewAnalysis, SettingsError, hookimpl
from evisynth_reporters import printed
from evisynth_reporters.absolute_effects import absolute_effect, measure_of, usual_baseline
from evisynth_reporters.table_reporter import table_reporter
from evisynth_reporters.table_sheet import TableColumn, TableRow, TableSheet

if TYPE_CHECKING:
    from evisynth_reporters.words import Words

Certainty: TypeAlias = "str | tuple[str, str]"
CERTAINTY: Mapping[str, str] = {
    "high": "⊕⊕⊕⊕",
    "moderate": "⊕⊕⊕◯",
    "low": "⊕⊕◯◯",
    "very low": "⊕◯◯◯",
}
"""GRADE's words and signs."""
REFERENCE = (
    "Schünemann et al. (2023), Cochrane Handbook v6.4, chapters 14 and 15; Guyatt et al. (2011), J. Clin. Epidemiol. "
    "64:383-394"
)


def findings(
    analysis: MetaAnalysis,
    words: Words,
    *,
    outcome: str = "",
    baseline: float | None = None,
    certainty: Certainty | None = None,
    per: int = 1000,
    title: str = "",
) -> TableSheet:
    """Give relative and absolute effect, participants and certainty of one outcome.

    ``baseline`` is the risk without the intervention, from 0 to 1; by default the median of the control groups.
    ``certainty`` is the reviewers' ``high``, ``moderate``, ``low`` or ``very low``, or a pair of it and the reasons;
    ``per`` is what absolute effects are out of.
    """
    rows = _Rows(words, per)
    row = rows.row(outcome or printed.one_line(analysis.label), analysis, baseline, certainty)
    return TableSheet(title or words("Summary of findings"), rows.heads(analysis), (row,), tuple(rows.notes))


def review_findings(
    made: ReviewAnalysis,
    words: Words,
    *,
    outcomes: tuple[str, ...] | None = None,
    baseline: float | Mapping[str, float] | None = None,
    certainty: Mapping[str, Certainty] | None = None,
    per: int = 1000,
    title: str = "",
) -> TableSheet:
    """Give the findings of several outcomes of a review; ``outcomes`` are their places, by default all.

    ``baseline`` and ``certainty`` map places or names of outcomes to what holds for each.
    """
    rows = _Rows(words, per)
    table: list[TableRow] = []
    heading = None
    chosen = list(made) if outcomes is None else [made[place] for place in outcomes]
    for one in chosen:
        if one.comparison is not heading:
            heading = one.comparison
            table.append(TableRow((f"{heading.number} {heading.name}", *("",) * 6), "heading"))
        name = f"{one.place} {one.outcome.name}"
        risk = baseline if not isinstance(baseline, Mapping) else _of(baseline, one.place, one.outcome.name)
        judged = None if certainty is None else _of(certainty, one.place, one.outcome.name)
        if one.analysis is None:
            table.append(TableRow((name, "", "", "", "", rows.certainty(judged), one.note or "")))
        else:
            table.append(rows.row(name, one.analysis, risk, judged, one.note or ""))
    first = next((one.analysis for one in chosen if one.analysis is not None), None)
    return TableSheet(title or words("Summary of findings"), rows.heads(first), tuple(table), tuple(rows.notes))


def _of(given: Mapping[str, Any], place: str, name: str) -> Any:  # noqa: ANN401 - a number or a word
    return given.get(place, given.get(name))


class _Rows:
    """Make rows and number the notes that they need."""

    def __init__(self, words: Words, per: int) -> None:
        self.words, self.per, self.notes = words, per, list[str]()

    def heads(self, analysis: MetaAnalysis | None) -> tuple[TableColumn, ...]:
        words = self.words
        one, two = ("", "") if analysis is None else printed.arm_names(analysis, None, None)
        absolute = words("Anticipated absolute effects ({level} CI)", level="95%")
        return (
            TableColumn(words("Outcome")),
            TableColumn(words("Risk with {group}", group=printed.one_line(two).lower()), "right", absolute),
            TableColumn(words("Risk with {group}", group=printed.one_line(one).lower()), "right", absolute),
            TableColumn(words("Relative effect (95% CI)"), "right"),
            TableColumn(words("Participants (studies)"), "right"),
            TableColumn(words("Certainty of the evidence (GRADE)")),
            TableColumn(words("Comments")),
        )

    def row(
        self, name: str, analysis: MetaAnalysis, baseline: float | None, certainty: Certainty | None, note: str = ""
    ) -> TableRow:
        words = self.words
        total = analysis.participants["total"]
        people = "" if total is None else f"{int(total):,}"
        studies = words("{k} studies", k=analysis.k) if analysis.k != 1 else words("1 study")
        shown = analysis.display
        if shown is None:
            why = note or printed.one_line(analysis.reason or "")
            cells = (
                name,
                "",
                "",
                words(printed.NOT_ESTIMABLE),
                f"{people} ({studies})",
                self.certainty(certainty),
                why,
            )
            return TableRow(cells)
        effect = printed.effect(shown.value, shown.ci_low, shown.ci_high, printed.style_of(analysis))
        short = {"OR": "OR", "RR": "RR", "HR": "HR", "PETO": "OR"}.get(measure_of(analysis), "")
        without, with_it = self.absolute(analysis, baseline)
        relative = f"{short} {effect}" if short else ""
        if not without and not short:
            with_it = f"{words(printed.one_line(analysis.label))} {effect}"
        return TableRow(
            (name, without, with_it, relative, f"{people} ({studies})".strip(), self.certainty(certainty), note)
        )

    def absolute(self, analysis: MetaAnalysis, baseline: float | None) -> tuple[str, str]:
        """Give both risks, the second with its interval and the difference."""
        stated = baseline is not None
        if baseline is None:
            baseline = usual_baseline(analysis)
        if baseline is None:
            return "", ""
        if isinstance(baseline, bool) or not 0.0 <= baseline <= 1.0:
            msg = f"baseline is a risk from 0 to 1, not {baseline!r}"
            raise SettingsError(msg)
        found = absolute_effect(analysis, baseline)
        if found is None:
            return "", ""
        words, per = self.words, self.per
        mark = self.mark(
            words("The risk is the one stated by the reviewers.") if stated
            else words("The risk is the median of the control groups.")
        )  # fmt: skip
        risk = words("{n} per {per}", n=_whole(found.baseline, per), per=f"{per:,}")
        made = words("{n} per {per}", n=_whole(found.risk, per), per=f"{per:,}")
        limits = words("{low} to {high}", low=_whole(found.low, per), high=_whole(found.high, per))
        return f"{risk} {mark}", f"{made} ({limits}); {self.difference(found.risk - found.baseline)}"

    def difference(self, value: float) -> str:
        n = _whole(abs(value), self.per)
        if n == "0":
            return self.words("no difference")
        return self.words("{n} fewer", n=n) if value < 0 else self.words("{n} more", n=n)

    def certainty(self, given: Certainty | None) -> str:
        """Write the signs and the word; reasons become a note."""
        if given is None:
            return ""
        word, reasons = (given, "") if isinstance(given, str) else given
        if word not in CERTAINTY:
            msg = f"certainty is one of {', '.join(map(repr, CERTAINTY))}, not {word!r}"
            raise SettingsError(msg)
        shown = f"{CERTAINTY[word]} {self.words(word)}"
        return f"{shown} {self.mark(printed.one_line(reasons))}" if reasons else shown

    def mark(self, note: str) -> str:
        """Give the mark of a note: the same words have the same."""
        held = [one.partition(" ")[2] for one in self.notes]
        if note not in held:
            self.notes.append(f"[{len(self.notes) + 1}] {note}")
            held.append(note)
        return f"[{held.index(note) + 1}]"


def _whole(risk: float, per: int) -> str:
    return printed.number(per * risk, 0)


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the summary of findings."""
    return [table_reporter("summary-of-findings", findings, reference=REFERENCE, review=review_findings)]
