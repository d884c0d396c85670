"""Draw mutants, run the tests against each, and write down what came of it, one line a mutant.

What is written down is not run again, so that a run can be stopped and taken up. See README.md.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read by NumPy as it is imported; threads do not live through a fork

import attrs
import click
import pytest
import trials
from lines_of_tests import Recorded
from mutants import ROOT, Mutant, draw
from swapping import alive, changed_functions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lines_of_tests import Plan

    Work = Callable[[Mutant, Plan], Callable[[int], None] | None]
    """What a child does; None where this way cannot do it."""

FOLDER = ROOT / "build" / "mutation"
VERDICTS = Path(__file__).with_name("verdicts.json")
SO_FAR = "survived in the session"
"""What `swapping` cannot kill is tried afresh."""

WANTED: dict[str, set[str | None]] = {
    "session": {None},
    "again": {SO_FAR},
    "afresh": {None, SO_FAR, "broken"},
    "survivors": {"survived", SO_FAR, "broken"},
}
"""Which mutants a run takes, by what came of them before: None is nothing yet."""


@attrs.frozen
class Run:
    """Say which tests each mutant gets, how many are tried at once, and where the outcomes are written."""

    record: Recorded
    budget: float
    share: float
    jobs: int
    results: Path

    def known(self) -> dict[str, str]:
        """Status of every mutant tried before, by name."""
        return {entry["name"]: entry["status"] for entry in read(self.results)}

    def each(self, chosen: Sequence[Mutant], work: Work, survived: str) -> None:
        """Try mutants, some at a time, and write down each as it ends."""
        waiting = list(reversed(chosen))
        running: dict[int, tuple[trials.Trial, int]] = {}
        while waiting or running:
            while waiting and len(running) < self.jobs:
                mutant = waiting.pop()
                plan = self.record.plan(mutant, self.budget, self.share)
                to_do = work(mutant, plan)
                if to_do is None:
                    continue
                trial = trials.start(mutant, to_do)
                running[trial.pid] = trial, sum(len(tests) for _, tests in plan)
            if not running:
                return
            pid, status = os.wait()
            if pid in running:
                trial, tests = running.pop(pid)
                self._write(trial, trial.outcome(status), tests, survived)

    def _write(self, trial: trials.Trial, outcome: trials.Outcome, tests: int, survived: str) -> None:
        status = survived if outcome.status == "survived" else outcome.status
        entry = {
            "name": trial.mutant.name,
            **attrs.asdict(outcome),
            "status": status,
            "tests": tests,
            "budget": self.budget,
        }
        with self.results.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")


class InSession:
    """Take the place of pytest's loop over the tests: try the mutants instead."""

    def __init__(self, run: Run, chosen: Sequence[Mutant]) -> None:
        self._run, self._chosen = run, chosen

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        sys.stderr.write(f"{len(self._chosen)} mutants in a session of {len(session.items)} tests\n")
        functions = alive()

        def work(mutant: Mutant, plan: Plan) -> Callable[[int], None] | None:
            pairs = changed_functions(mutant)
            if pairs is None:
                return None
            return trials.in_session(session, functions, pairs, plan, self._run.record.seconds)

        self._run.each(self._chosen, work, SO_FAR)
        return True


@click.command()
@click.option("--size", default=12, help="Mutants of every module.")
@click.option("--seed", default=20261201, help="Seed of the sample.")
@click.option("--jobs", default=1, help="Trials at once.")
@click.option("--budget", default=15.0, help="Seconds of tests for a mutant.")
@click.option("--share", default=5.0, help="Seconds of them that one file may take.")
@click.option("--how", type=click.Choice(list(WANTED)), default="session")
@click.option("--first", default=1 << 30, help="Of every module only so many of its sample.")
@click.option("--only", default="", help="Only modules whose path holds this.")
@click.option("--recorded", type=click.Path(path_type=Path), default=FOLDER, help="Where the run under coverage is.")
def main(  # noqa: PLR0913 - the options of a command
    size: int, seed: int, jobs: int, budget: float, share: float, how: str, first: int, only: str, recorded: Path
) -> None:
    """Run the sample: in a session first, what that leaves afresh, and the survivors again with another budget."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    run = Run(Recorded(recorded), budget, share, jobs, FOLDER / f"results-{seed}-{size}.jsonl")
    known = run.known()
    wanted: set[str | None] = WANTED[how]
    # Each module's first, then each one's second: wherever a run stops, it has been through all of them.
    order = [(rank, mutant) for rank, mutant in ranked(draw(size, seed)) if rank < first and only in mutant.path]
    if how != "session":
        # What has been found to be equivalent needs no more tests.
        verdicts = json.loads(VERDICTS.read_text(encoding="utf-8"))
        order = [(rank, mutant) for rank, mutant in order if verdicts.get(mutant.name, [""])[0] != "equivalent"]
    chosen = [mutant for _, mutant in sorted(order, key=itemgetter(0)) if known.get(mutant.name) in wanted]
    trials.warm_up()
    if how in ("session", "again"):
        files = sorted({test.split("::")[0] for test in run.record.seconds})
        pytest.main([*trials.OPTIONS, *files], plugins=[InSession(run, chosen)])
        return
    sys.stderr.write(f"{len(chosen)} mutants, the project imported anew with each\n")

    def work(mutant: Mutant, plan: Plan) -> Callable[[int], None]:
        return trials.afresh(mutant, mutant.source(), plan, run.record.seconds)

    run.each(chosen, work, "survived")


def ranked(drawn: Sequence[Mutant]) -> Iterator[tuple[int, Mutant]]:
    """Number the mutants of every module."""
    seen: Counter[str] = Counter()
    for mutant in drawn:
        yield seen[mutant.path], mutant
        seen[mutant.path] += 1


def read(results: Path) -> list[dict[str, str]]:
    """Read what was written down."""
    if not results.exists():
        return []
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
