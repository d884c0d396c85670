"""Time evisynth and its peers on the same data, taking turns in one run, and print the ratios.

A peer's time counts only where its numbers agree with ours; else the table says how far they differ.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import warnings
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import attrs
import click
import numpy as np
from peers import Answer, Call, Data, metafor, ours, with_pimeta, with_pymare, with_pymetaanalysis, with_statsmodels
from peers.metafor import TIMED_LIBRARY, Metafor
from rich.console import Console
from rich.progress import track
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Timed: TypeAlias = "Callable[[int], tuple[float, Answer]]"
"""Does a task so many times: seconds for one analysis, and the numbers."""

BLOCK = 0.1
"""Seconds that a turn should take at least: R's clock counts milliseconds."""
LONG = 5.0
"""Seconds of a turn beyond which whoever takes it gets no other."""
WIDTH = 190
"""Columns of the table where the terminal has fewer."""
OURS = "evisynth"
PEERS: tuple[Any, ...] = (with_statsmodels, with_pymare, with_pymetaanalysis, with_pimeta)
NAMES = (metafor.NAME, *(peer.NAME for peer in PEERS))

TIMED_IMPORT = "import numpy, time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"


@attrs.frozen
class Job:
    """Say what is timed, and how each does it; answers may differ from ours by ``tolerance``, relative."""

    what: str
    tolerance: float
    timed: Mapping[str, Timed]


class Turns:
    """Let one of those who are compared take turns at a job."""

    def __init__(self, timed: Timed) -> None:
        """Begin without a turn taken."""
        self._timed = timed
        self._repeats = 0
        self._once = False
        self.seconds: list[float] = []
        self.answer: Answer = ()
        self.trouble: str | None = None

    def take(self) -> None:
        """Take a turn long enough to be timed; the first ones find out how long that is, and do not count."""
        if self.trouble is not None or (self._once and self.seconds):
            return
        try:
            if not self._repeats:
                self._warm_up()
                return
            spent, self.answer = self._timed(self._repeats)
            self.seconds.append(spent)
        except Exception as error:  # noqa: BLE001 - a peer may fail in its own way, and the others go on
            self.trouble = f"{type(error).__name__}"

    def _warm_up(self) -> None:
        begin = perf_counter()
        spent, self.answer = self._timed(1)
        elapsed = perf_counter() - begin
        self._repeats = 1
        if elapsed > LONG:
            self._once = True
            self.seconds.append(spent)
            return
        # Two calls first: R compiles a function at its second.
        self._timed(1)
        begin = perf_counter()
        self._timed(1)
        self._repeats = max(1, round(BLOCK / max(perf_counter() - begin, 1e-6)))


def python_call(call: Call) -> Timed:
    """Time a function of Python."""

    def timed(repeats: int) -> tuple[float, Answer]:
        answer: Answer = ()
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # What a peer says of the data is not compared.
            warnings.simplefilter("ignore")
            begin = perf_counter()
            for _ in range(repeats):
                answer = call.function()
            spent = perf_counter() - begin
        return spent / repeats / call.analyses, answer

    return timed


def jobs_of(data: Data, process: Metafor | None, installed: Sequence[Any]) -> list[Job]:
    """List the tasks with all who can do them."""
    peers = {peer.NAME: peer.tasks(data) for peer in installed}
    made: list[Job] = []
    for what, task, call, tolerance in ours.rows(data):
        timed: dict[str, Timed] = {OURS: python_call(call)}
        if process is not None and task in process.tasks:
            timed[metafor.NAME] = partial(process.timed, task)
        timed |= {name: python_call(tasks[task]) for name, tasks in peers.items() if task in tasks}
        made.append(Job(what, tolerance, timed))
    return made


def import_job(rscript: str | None, installed: Sequence[Any], folder: Path) -> Job:
    """Compare imports, each in a fresh process; numpy's, and R's own start, are not counted."""
    # An installed package is compiled once. That holds wherever this runs: also where Python may not write beside it.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}

    def timed(command: list[str], repeats: int) -> tuple[float, Answer]:
        spent: list[float] = []
        for _ in range(repeats):
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - our own code
            spent.append(float(done.stdout))
        return statistics.median(spent), ()

    def of(module: str) -> Timed:
        return partial(timed, [sys.executable, "-c", TIMED_IMPORT.format(module=module)])

    everybody: dict[str, Timed] = {OURS: of("evisynth")}
    if rscript is not None:
        everybody[metafor.NAME] = partial(timed, [rscript, "-e", TIMED_LIBRARY])
    everybody |= {peer.NAME: of(peer.MODULE) for peer in installed}
    return Job("import, above numpy's", 0.0, everybody)


def difference(answer: Answer, truth: Answer) -> float:
    """Give the largest relative difference of numbers that both have."""
    n = min(len(answer), len(truth))
    one, other = np.array(answer[:n], dtype=np.float64), np.array(truth[:n], dtype=np.float64)
    apart = np.abs(one - other) / np.maximum(np.abs(other), np.finfo(np.float64).tiny)
    return 0.0 if not n else math.inf if np.isnan(one).any() else float(apart.max())


def measure(job: Job, rounds: int) -> dict[str, Any]:
    """Let everybody take a turn in every round, after one that does not count; give medians and ratios."""
    turns = {name: Turns(timed) for name, timed in job.timed.items()}
    for _ in range(rounds + 1):
        for one in turns.values():
            one.take()
    mine = turns[OURS]
    if mine.trouble is not None:
        msg = f"{job.what}: evisynth failed with {mine.trouble}"
        raise click.ClickException(msg)
    apart = {name: difference(one.answer, mine.answer) for name, one in turns.items() if name != OURS}
    agree = [name for name, by in apart.items() if by <= job.tolerance and turns[name].trouble is None]
    medians = {name: statistics.median(turns[name].seconds) for name in (OURS, *agree)}
    return {
        "what": job.what,
        "seconds": medians,
        "fastest": {name: min(turns[name].seconds) for name in medians},
        "ratio": {name: medians[name] / medians[OURS] for name in agree},
        "difference": apart,
        "disagree": {name: by for name, by in apart.items() if name not in agree and turns[name].trouble is None},
        "failed": {name: one.trouble for name, one in turns.items() if one.trouble is not None},
    }


def shown_time(seconds: float) -> str:
    """Write a time with three digits and its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def shown_peer(row: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Write a peer's time and ratio, or what kept them from counting."""
    if name in row["ratio"]:
        ratio = row["ratio"][name]
        return shown_time(row["seconds"][name]), f"{ratio:,.{0 if ratio >= 100 else 1}f}×"
    if name in row["failed"]:
        return row["failed"][name], ""
    if name in row["disagree"]:
        return f"differs by {row['disagree'][name]:.0e}", ""
    return "", ""


def render(report: Mapping[str, Any]) -> Table:
    """Lay the rows out; every peer that ran has a column of times with their ratios to ours."""
    rows = cast("list[Mapping[str, Any]]", report["rows"])
    peers = [name for name in NAMES if any(name in row["difference"] for row in rows)]
    table = Table(title=f"Median time per analysis of {report['rounds']} rounds, {report['date']}")
    table.add_column("what")
    for heading in (OURS, *peers):
        table.add_column(heading, justify="right")
    for row in rows:
        cells = ["  ".join(shown_peer(row, name)).rstrip() for name in peers]
        table.add_row(row["what"], shown_time(row["seconds"][OURS]), *cells)
    return table


def ratios(report: Mapping[str, Any]) -> str:
    """Write the ratios as a table in Markdown."""
    rows = cast("list[Mapping[str, Any]]", report["rows"])
    peers = [name for name in NAMES if any(name in row["difference"] for row in rows)]
    lines = [f"| what | {' | '.join(peers)} |", "|---|" + "---:|" * len(peers)]
    for row in rows:
        shown = ((shown_peer(row, name)[1] or shown_peer(row, name)[0]) for name in peers)
        lines.append(f"| {row['what']} | {' | '.join(shown)} |")
    return "\n".join(lines)


@click.command()
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(1), help="Turns that everybody takes.")
@click.option("--only", default="", metavar="TEXT", help="Rows whose name holds the text.")
@click.option("--json", "form", flag_value="json", help="Print the numbers as JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="Print the ratios as a Markdown table.")
def main(*, rounds: int, only: str, form: str | None) -> None:
    """Time evisynth beside metafor and packages of Python, whichever are installed."""
    versions = {name: version(name) for name in (OURS, "numpy", "scipy", "pandas")}
    versions["python"] = platform.python_version()
    installed = [peer for peer in PEERS if importlib.util.find_spec(peer.MODULE.partition(".")[0])]
    versions |= {peer.NAME: version(peer.DISTRIBUTION) for peer in installed}
    notes = [f"{peer.NAME} is not installed: skipped" for peer in PEERS if peer not in installed]
    data = Data.draw()
    rscript = shutil.which("Rscript")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        process = None
        if rscript is None:
            notes.append("R is not installed: metafor is skipped")
        else:
            data.write(folder)
            try:
                process = Metafor(rscript, folder, stack)
                versions |= process.versions
            except OSError:
                rscript = None
                notes.append("R is there and metafor is not: skipped")
        jobs = [*jobs_of(data, process, installed), import_job(rscript, installed, folder)]
        jobs = [job for job in jobs if only.casefold() in job.what.casefold()]
        shown = track(jobs, "Timing", console=Console(stderr=True), transient=True)
        rows = [measure(job, rounds) for job in shown]
    report: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "rounds": rounds,
        "versions": versions,
        "rows": rows,
        "notes": notes,
    }
    if form == "json":
        click.echo(json.dumps(report, indent=2, ensure_ascii=False).replace("Infinity", "null"))
        return
    console = Console(width=max(Console().width, WIDTH))
    if form == "markdown":
        click.echo(ratios(report))
    else:
        console.print(render(report))
    console.print(", ".join(f"{name} {number}" for name, number in versions.items()), highlight=False)
    for note in notes:
        console.print(note, highlight=False)


if __name__ == "__main__":
    main()
