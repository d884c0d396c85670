"""Know which tests run which lines, and how long each takes: from one run of the tests under coverage."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cache, cached_property
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import attrs
from coverage import CoverageData
from mutants import ROOT, Mutant, lines_of_statement, name_assigned, runs_in_tests, source_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

Plan = list[tuple[str, list[str]]]
"""Files of tests in the order they are tried, each with its tests."""
PER_FILE = 0.05
"""Seconds that a file of tests costs before its first test, beside which quicker tests are not looked for."""


@attrs.frozen
class Recorded:
    """Hold a run of the tests: the contexts of every line, and the seconds of every test."""

    folder: Path

    @cached_property
    def seconds(self) -> Mapping[str, float]:
        """Seconds of every test that passed."""
        found: dict[str, float] = {}
        for report in sorted(self.folder.glob("*.xml")):
            for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest's own report
                if not len(case) or case.find("skipped") is None:
                    name = case.attrib["classname"].replace(".", "/") + ".py::" + case.attrib["name"]
                    found[name] = float(case.attrib["time"])
        return found

    @cached_property
    def of_file(self) -> Mapping[str, Sequence[str]]:
        """Tests of every file."""
        found: dict[str, list[str]] = defaultdict(list)
        for test in self.seconds:
            found[test.split("::")[0]].append(test)
        return found

    @cache  # noqa: B019 - one object for a whole run
    def lines(self, path: str) -> Mapping[int, frozenset[str]]:
        """Tests that run each line of a module."""
        found: dict[int, set[str]] = defaultdict(set)
        for data in self._data:
            for line, contexts in data.contexts_by_lineno(str(ROOT / path)).items():
                found[line].update(context.rsplit("|", 1)[0] for context in contexts if context)
        return {line: frozenset(tests) for line, tests in found.items()}

    @cached_property
    def _data(self) -> list[CoverageData]:
        every: list[CoverageData] = []
        for file in sorted(self.folder.glob("coverage*")):
            data = CoverageData(str(file))
            data.read()
            every.append(data)
        return every

    def covering(self, mutant: Mutant) -> frozenset[str]:
        """Give the tests that run a changed statement.

        What runs at import, or once for a registry, has no test of its own: all tests that run lines with the name
        that is set there count, and where there is no such name, those that run most of the module.
        """
        lines = self.lines(mutant.path)
        own = _united(lines.get(line, frozenset()) for line in lines_of_statement(mutant.path, mutant.line))
        if own and runs_in_tests(mutant.path, mutant.line):
            return own
        name = name_assigned(mutant.path, mutant.line)
        text = source_of(mutant.path).splitlines()
        if name is not None:
            using = [i for i, line in enumerate(text, 1) if re.search(rf"\b{re.escape(name)}\b", line)]
            around = {near for i in using for near in lines_of_statement(mutant.path, i)}
            if own := _united(lines.get(line, frozenset()) for line in around):
                return own
        return self._through(mutant.path)

    def _through(self, path: str) -> frozenset[str]:
        """Give the tests that run at least half as many lines of a module as any test does."""
        counts = Counter(test for tests in self.lines(path).values() for test in tests)
        most = max(counts.values(), default=0)
        return frozenset(test for test, count in counts.items() if 2 * count >= most)

    def plan(self, mutant: Mutant, budget: float, share: float) -> Plan:
        """Choose tests worth ``budget`` seconds, no file of them more than its share; the likeliest killers first.

        Files are tried in the order of the seconds their covering tests take, divided by the part of the file that
        they are: a file made for the module comes early. In a file, quick tests go first, and after those that cover
        the statement the others, since what a fixture ran is booked on one test only.
        """
        covering = self.covering(mutant)
        by_file: dict[str, list[str]] = defaultdict(list)
        for test in covering:
            if test in self.seconds:
                by_file[test.split("::")[0]].append(test)
        ranked = sorted(by_file, key=lambda file: self._cost(file, by_file[file], share))
        plan: Plan = []
        spent = 0.0
        for file in ranked:
            others = set(self.of_file[file]) - covering
            order = [
                *sorted(by_file[file], key=self.seconds.__getitem__),
                *sorted(others, key=self.seconds.__getitem__),
            ]
            chosen: list[str] = []
            used = 0.0
            for test in order:
                if used + self.seconds[test] <= share:
                    chosen.append(test)
                    used += self.seconds[test]
            if chosen:
                plan.append((file, chosen))
                spent += used + PER_FILE
            if spent > budget:
                break
        return plan

    def _cost(self, file: str, tests: Sequence[str], share: float) -> float:
        seconds = min(share, sum(self.seconds[test] for test in tests)) + PER_FILE
        return seconds * len(self.of_file[file]) / len(tests)


def _united(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    found: set[str] = set()
    return frozenset(found.union(*sets))
