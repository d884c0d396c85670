"""Time evisynth and its peers on the same data, taking turns in one run, and print the ratios.

metafor is timed inside one R process that loops and tells the seconds: neither R's start nor the way to it counts.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
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
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evisynth import FloatArray

Turn: TypeAlias = "Callable[[], tuple[float, float]]"
"""Takes one turn: seconds per analysis, and the (first) pooled estimate."""

SEED = 1
K = 13
LARGE = 1_000
HUGE = 100_000
ANALYSES, FEWER, STUDIES = 100_000, 10_000, 10
FOR_METAFOR = 200
"""Analyses of the batch that metafor loops over; its time per analysis does not depend on how many there are."""
BLOCK = 0.1
"""Seconds that a turn should take at least: R's clock counts milliseconds."""
METAFOR, STATSMODELS, PYMARE = "metafor", "statsmodels", "PyMARE"

TIMED_IMPORT = "import numpy, time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
TIMED_LIBRARY = 'cat(system.time(suppressPackageStartupMessages(library(metafor)), gcFirst = FALSE)[["elapsed"]])'


@attrs.frozen
class Data:
    """Hold what everybody computes on."""

    one: tuple[FloatArray, FloatArray]
    large: tuple[FloatArray, FloatArray]
    huge: tuple[FloatArray, FloatArray]
    many: tuple[FloatArray, FloatArray]
    """Rows of all analyses, one analysis after the other."""
    tables: Mapping[str, list[int]]

    @classmethod
    def draw(cls) -> Data:
        """Draw effects that differ, and trials with events in both arms; the same at every run."""
        rng = np.random.default_rng(SEED)

        def effects(k: int) -> tuple[FloatArray, FloatArray]:
            v = np.exp(rng.normal(-2.0, 0.8, k))
            return rng.normal(-0.4, np.sqrt(v + 0.25)), v

        one, large, huge, many = (effects(k) for k in (K, LARGE, HUGE, ANALYSES * STUDIES))
        n_1, n_2 = rng.integers(50, 500, K), rng.integers(50, 500, K)
        events = {"events_1": rng.binomial(n_1 - 2, 0.1) + 1, "events_2": rng.binomial(n_2 - 2, 0.2) + 1}
        tables = {name: column.tolist() for name, column in {**events, "n_1": n_1, "n_2": n_2}.items()}
        return cls(one, large, huge, many, tables)

    def write(self, folder: Path) -> None:
        """Write what metafor is given."""
        rows = FOR_METAFOR * STUDIES
        for name, (y, v) in {"one": self.one, "large": self.large, "many": self.many}.items():
            table = pd.DataFrame({"yi": y, "vi": v}).head(rows)
            table.assign(analysis=np.arange(len(table)) // STUDIES).to_csv(folder / f"{name}.csv", index=False)
        pd.DataFrame(self.tables).to_csv(folder / "tables.csv", index=False)


@attrs.frozen
class Job:
    """Say what is timed, and how each takes its turn; ``ours`` is evisynth's."""

    what: str
    ours: Turn
    peers: Mapping[str, Turn]


def python_turn(call: Callable[[], float], analyses: int = 1) -> Turn:
    """Repeat a call until a turn is long enough to be timed; how often is found at the first turn."""
    repeats = 0

    def turn() -> tuple[float, float]:
        nonlocal repeats
        if not repeats:
            call()
            begin = perf_counter()
            call()
            repeats = max(1, round(BLOCK / (perf_counter() - begin)))
        value = 0.0
        begin = perf_counter()
        for _ in range(repeats):
            value = call()
        return (perf_counter() - begin) / repeats / analyses, value

    return turn


class Metafor:
    """Hold an R process that times metafor on request."""

    def __init__(self, rscript: str, folder: Path, stack: ExitStack) -> None:
        """Start it on the tables in ``folder``; raises `OSError` where metafor does not load."""
        command = [rscript, str(Path(__file__).with_name("metafor.R")), str(folder)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own script
        self._process = stack.enter_context(process)
        self.versions: Mapping[str, str] = self._answer()

    def turn(self, job: str, method: str) -> Turn:
        """Give the turns of a job in `metafor.R`."""
        repeats = 0

        def turn() -> tuple[float, float]:
            nonlocal repeats
            if not repeats:
                # Two calls first: R compiles a function at its second.
                self._ask(job, method, 2)
                answer = self._ask(job, method, 1)
                calls = 1 if job != "many" else FOR_METAFOR
                repeats = max(1, round(BLOCK / max(answer["seconds"] * calls, 1e-3)))
            answer = self._ask(job, method, repeats)
            return answer["seconds"], answer["estimate"]

        return turn

    def _ask(self, job: str, method: str, repeats: int) -> Mapping[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{job} {method} {repeats}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Mapping[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            msg = "R stopped"
            raise OSError(msg)
        return cast("Mapping[str, Any]", json.loads(line))


def estimate(data: es.Effects | es.Studies, **words: Any) -> float:  # noqa: ANN401 - the fields of Settings
    """Give the pooled estimate of one analysis."""
    pooled = es.fit(data, settings="metafor", **words).pooled
    assert pooled is not None
    return pooled.value


def with_heterogeneity(data: es.Effects, **words: Any) -> float:  # noqa: ANN401 - the fields of Settings
    """Ask for what a call of metafor computes too: Q and its p-value, τ² and its standard error, I², H²."""
    analysis = es.fit(data, settings="metafor", tau2_interval=None, **words)
    assert analysis.pooled is not None
    assert analysis.heterogeneity.q is not None
    return analysis.pooled.value


def first_of_many(data: Any = None, **request: Any) -> float:  # noqa: ANN401 - what `fit_many` takes
    """Pool many analyses and give the first estimate."""
    return float(es.fit_many(data, settings="metafor", **request)["effect"].iloc[0])


def statsmodels_turn(y: FloatArray, v: FloatArray, method: str) -> Turn:
    """Pool one analysis by statsmodels."""
    combine = importlib.import_module("statsmodels.stats.meta_analysis").combine_effects
    return python_turn(lambda: float(combine(y, v, method_re=method).mean_effect_re))


def pymare_turn(effects: tuple[FloatArray, FloatArray], method: str, analyses: int = 1) -> Turn:
    """Pool one analysis by PyMARE, or by DL many side by side, ``(k, m)``."""
    y, v = effects
    made = importlib.import_module("pymare")
    estimators = importlib.import_module("pymare.estimators")
    estimator = (
        estimators.DerSimonianLaird() if method == "DL" else estimators.VarianceBasedLikelihoodEstimator(method=method)
    )

    def call() -> float:
        fitted = estimator.fit_dataset(made.Dataset(y=y, v=v, add_intercept=True))
        return float(np.ravel(fitted.summary().get_fe_stats()["est"])[0])

    return python_turn(call, analyses)


def single_jobs(data: Data, metafor: Metafor | None, installed: Mapping[str, str]) -> list[Job]:
    """List the analyses of one table."""

    def peers(job: str, method: str) -> dict[str, Turn]:
        return {} if metafor is None else {METAFOR: metafor.turn(job, method)}

    one = es.Effects(*data.one)
    jobs: list[Job] = []
    for method in ("DL", "REML", "PM"):
        others = peers("one", method)
        theirs = {"DL": "chi2", "PM": "iterated"}
        if STATSMODELS in installed and method in theirs:
            others[STATSMODELS] = statsmodels_turn(*data.one, theirs[method])
        if PYMARE in installed and method != "PM":
            others[PYMARE] = pymare_turn(data.one, method)
        what = f"fit, {K} studies, {method}"
        jobs += [
            Job(f"{what}: estimate", python_turn(partial(estimate, one, tau2=method)), others),
            Job(
                f"{what}: and heterogeneity",
                python_turn(partial(with_heterogeneity, one, tau2=method)),
                peers("one", method),
            ),
        ]
    tables = partial(estimate, es.load(dict(data.tables)), measure="RR", method="MH", model="common")
    jobs.append(Job(f"fit, {K} 2×2 tables, RR by Mantel-Haenszel", python_turn(tables), peers("tables", "MH")))
    large, huge = es.Effects(*data.large), es.Effects(*data.huge)
    # metafor makes matrices of k × k numbers, which at the larger size are 80 GB each.
    return [
        *jobs,
        Job(f"fit, {LARGE:,} studies, DL", python_turn(partial(estimate, large, tau2="DL")), peers("large", "DL")),
        Job(f"fit, {HUGE:,} studies, DL", python_turn(partial(estimate, huge, tau2="DL")), {}),
    ]


def batch_jobs(data: Data, metafor: Metafor | None, installed: Mapping[str, str]) -> list[Job]:
    """List the analyses of many tables at once."""
    y, v = data.many
    numbers = np.repeat(np.arange(ANALYSES), STUDIES)
    names = np.array([f"outcome {i}" for i in range(ANALYSES)])[numbers].tolist()
    by_number = pd.DataFrame({"outcome": numbers, "yi": y, "vi": v})
    by_name = by_number.assign(outcome=names)
    offsets = np.arange(0, y.size + 1, STUDIES)
    columns = {"by": "outcome", "y": "yi", "v": "vi"}
    what = f"fit_many, {ANALYSES:,} × {STUDIES} studies, DL"
    ways = {
        f"{what}: offsets": partial(first_of_many, y=y, v=v, offsets=offsets, tau2="DL"),
        f"{what}: integer keys": partial(first_of_many, by_number, tau2="DL", **columns),
        f"{what}: string keys": partial(first_of_many, by_name, tau2="DL", **columns),
    }
    others = {} if metafor is None else {METAFOR: metafor.turn("many", "DL")}
    if PYMARE in installed:
        columns_of_many = (y.reshape(ANALYSES, STUDIES).T.copy(), v.reshape(ANALYSES, STUDIES).T.copy())
        others[PYMARE] = pymare_turn(columns_of_many, "DL", ANALYSES)
    jobs = [Job(name, python_turn(call, ANALYSES), others) for name, call in ways.items()]
    fewer = partial(
        first_of_many, y=y[: FEWER * STUDIES], v=v[: FEWER * STUDIES], offsets=offsets[: FEWER + 1], tau2="REML"
    )
    others = {} if metafor is None else {METAFOR: metafor.turn("many", "REML")}
    return [*jobs, Job(f"fit_many, {FEWER:,} × {STUDIES} studies, REML", python_turn(fewer, FEWER), others)]


def import_job(rscript: str | None, installed: Mapping[str, str], folder: Path) -> Job:
    """Compare imports, each in a fresh process; numpy's, and R's own start, are not counted."""
    # An installed package is compiled once. That holds wherever this runs: also where Python may not write beside it.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}

    def turn(command: list[str]) -> tuple[float, float]:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - our own code
        return float(done.stdout), np.nan

    def of(module: str) -> Turn:
        return partial(turn, [sys.executable, "-c", TIMED_IMPORT.format(module=module)])

    others: dict[str, Turn] = {} if rscript is None else {METAFOR: partial(turn, [rscript, "-e", TIMED_LIBRARY])}
    modules = {STATSMODELS: "statsmodels.stats.meta_analysis", PYMARE: "pymare"}
    others |= {name: of(module) for name, module in modules.items() if name in installed}
    return Job("import, above numpy's", of("evisynth"), others)


def measure(job: Job, rounds: int) -> dict[str, Any]:
    """Let everybody take a turn in every round, after one that does not count; give medians and ratios."""
    turns = {"evisynth": job.ours, **job.peers}
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    values: dict[str, float] = {}
    for round_ in range(rounds + 1):
        for name, turn in turns.items():
            spent, values[name] = turn()
            if round_:
                seconds[name].append(spent)
    medians = {name: statistics.median(spent) for name, spent in seconds.items()}
    ours = values["evisynth"]
    return {
        "what": job.what,
        "seconds": medians,
        "fastest": {name: min(spent) for name, spent in seconds.items()},
        "ratio": {name: medians[name] / medians["evisynth"] for name in job.peers},
        "difference": {name: abs(values[name] / ours - 1.0) for name in job.peers if np.isfinite(values[name])},
    }


def shown_time(seconds: float | None) -> str:
    """Write a time with three digits and its unit."""
    if seconds is None:
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def render(report: Mapping[str, Any]) -> Table:
    """Lay the rows out; every peer that ran has a column of times and one of ratios."""
    rows = cast("list[Mapping[str, Any]]", report["rows"])
    peers = [name for name in (METAFOR, STATSMODELS, PYMARE) if any(name in row["seconds"] for row in rows)]
    table = Table(title=f"Median time per analysis of {report['rounds']} rounds, {report['date']}")
    table.add_column("what")
    for heading in ("evisynth", *(text for name in peers for text in (name, "ratio"))):
        table.add_column(heading, justify="right")
    if METAFOR in peers:
        table.add_column("estimates\ndiffer by", justify="right")
    for row in rows:
        cells = [row["what"], shown_time(row["seconds"]["evisynth"])]
        for name in peers:
            ratio = row["ratio"].get(name)
            cells += [
                shown_time(row["seconds"].get(name)),
                "" if ratio is None else f"{ratio:,.{0 if ratio >= 100 else 1}f}×",
            ]
        if METAFOR in peers:
            cells.append("" if METAFOR not in row["difference"] else f"{row['difference'][METAFOR]:.0e}")
        table.add_row(*cells)
    return table


@click.command()
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(1), help="Turns that everybody takes.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
def main(*, rounds: int, as_json: bool) -> None:
    """Time evisynth beside metafor, statsmodels and PyMARE, whichever are installed."""
    notes: list[str] = []
    versions = {name: version(name) for name in ("evisynth", "numpy", "scipy", "pandas")}
    versions["python"] = platform.python_version()
    installed = {name: version(name) for name in (STATSMODELS, PYMARE) if importlib.util.find_spec(name.lower())}
    notes += [f"{name} is not installed" for name in (STATSMODELS, PYMARE) if name not in installed]
    data = Data.draw()
    rscript = shutil.which("Rscript")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        metafor = None
        if rscript is None:
            notes.append("R is not installed: metafor is not timed")
        else:
            data.write(folder)
            try:
                metafor = Metafor(rscript, folder, stack)
                versions |= metafor.versions
            except OSError:
                rscript = None
                notes.append("R is there and metafor is not: it is not timed")
        jobs = [
            *single_jobs(data, metafor, installed),
            *batch_jobs(data, metafor, installed),
            import_job(rscript, installed, folder),
        ]
        shown = track(jobs, "Timing", console=Console(stderr=True), transient=True)
        rows = [measure(job, rounds) for job in shown]
    report: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "rounds": rounds,
        "versions": versions | installed,
        "rows": rows,
        "notes": notes,
    }
    if as_json:
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
        return
    console = Console()
    console.print(render(report))
    console.print(", ".join(f"{name} {number}" for name, number in report["versions"].items()), highlight=False)
    for note in notes:
        console.print(note, highlight=False)


if __name__ == "__main__":
    main()
