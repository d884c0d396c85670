"""Hold what a check of consistency found, what it went through, and what it could not check."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

Severity: TypeAlias = Literal["impossible", "suspicious"]
"""``impossible``: no true numbers give what is printed. ``suspicious``: some do, a mistake is the likelier reason."""


@attrs.frozen
class Rule:
    """Name a rule of consistency, with the source that it rests on."""

    name: str
    reference: str


@attrs.frozen(kw_only=True)
class Finding:
    """Hold one contradiction: where it stands, what was found, and why it cannot (or can hardly) be."""

    rule: str
    severity: Severity
    message: str
    """What was found, with the numbers as they stand there."""
    reasoning: str
    """Why it cannot be, with the bounds that were computed."""
    reference: str
    source: str | None = None
    """File or title that it stands in."""
    place: str = ""
    """``1.2`` an outcome, ``1.2.1`` a subgroup, ``row 3`` of a table; empty where there is one result alone."""
    study: str | None = None
    columns: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give the fields as JSON-ready values."""
        return {**attrs.asdict(self), "columns": list(self.columns)}

    def __str__(self) -> str:
        """Say where, what and why in one line."""
        where = ", ".join(part for part in (self.source, self.place, self.study) if part)
        return f"{where + ': ' if where else ''}[{self.severity}] {self.rule}: {self.message}; {self.reasoning}"


@attrs.frozen
class Unchecked:
    """Count the places where a rule could not be applied, with the reason."""

    rule: str
    reason: str
    count: int


@attrs.frozen
class Consistency:
    """Hold the findings, the worst first, with how often each rule was applied and where it could not be."""

    findings: tuple[Finding, ...] = ()
    checked: Mapping[str, int] = attrs.field(factory=dict[str, int])
    """How often each rule was applied."""
    unchecked: tuple[Unchecked, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def impossible(self) -> tuple[Finding, ...]:
        """The findings that no true numbers explain."""
        return tuple(finding for finding in self.findings if finding.severity == "impossible")

    @property
    def suspicious(self) -> tuple[Finding, ...]:
        """The findings that a reader should look at."""
        return tuple(finding for finding in self.findings if finding.severity == "suspicious")

    def to_dict(self) -> dict[str, Any]:
        """Give everything as JSON-ready values."""
        return {
            "sources": list(self.sources),
            "findings": [finding.to_dict() for finding in self.findings],
            "checked": dict(self.checked),
            "unchecked": [attrs.asdict(entry) for entry in self.unchecked],
        }

    def to_frame(self) -> pd.DataFrame:
        """Give a row per finding, with the columns of the glossary."""
        import pandas as pd  # noqa: PLC0415 - pandas only when asked for

        names = ("source", "place", "study", "rule", "severity", "columns", "message", "reasoning", "reference")
        rows = [{**finding.to_dict(), "columns": ", ".join(finding.columns)} for finding in self.findings]
        return pd.DataFrame(rows, columns=list(names))

    def __str__(self) -> str:
        """Count, then list the findings a line each."""
        counts = f"{len(self.impossible)} impossible, {len(self.suspicious)} suspicious"
        lines = [f"{counts}; {sum(self.checked.values())} checks by {len(self.checked)} rules"]
        return "\n".join([*lines, *(f"  {finding}" for finding in self.findings)])


class Ledger:
    """Collect findings and counts while the rules are gone through; `at` says where."""

    def __init__(self) -> None:
        """Start with nothing checked."""
        self._findings: list[Finding] = []
        self._checked: Counter[str] = Counter()
        self._unchecked: Counter[tuple[str, str]] = Counter()
        self._where: dict[str, Any] = {}

    def at(self, source: str | None = None, place: str = "", study: str | None = None) -> Ledger:
        """Give a ledger that writes into this one, its findings at the place given."""
        other = Ledger()
        other._findings, other._checked, other._unchecked = self._findings, self._checked, self._unchecked
        own = {"source": source, "place": place, "study": study}
        other._where = {**self._where, **{name: value for name, value in own.items() if value}}
        return other

    @property
    def place(self) -> str:
        """The place that findings are written down with."""
        return str(self._where.get("place", ""))

    def applied(self, rule: Rule) -> None:
        """Count that a rule was applied."""
        self._checked[rule.name] += 1

    def skipped(self, rule: Rule, reason: str) -> None:
        """Count that a rule could not be applied."""
        self._unchecked[rule.name, reason] += 1

    def found(
        self, rule: Rule, message: str, reasoning: str, *, columns: tuple[str, ...] = (), suspicious: bool = False
    ) -> None:
        """Write down a finding."""
        severity: Severity = "suspicious" if suspicious else "impossible"
        finding = Finding(
            rule=rule.name,
            severity=severity,
            message=message,
            reasoning=reasoning,
            reference=rule.reference,
            columns=columns,
            **self._where,
        )
        self._findings.append(finding)

    def result(self, sources: tuple[str, ...] = ()) -> Consistency:
        """Close the ledger: impossible findings first, each kind in the order it was found."""
        ordered = sorted(self._findings, key=lambda finding: finding.severity != "impossible")
        unchecked = tuple(Unchecked(rule, reason, count) for (rule, reason), count in self._unchecked.items())
        return Consistency(tuple(ordered), dict(self._checked), unchecked, sources)
