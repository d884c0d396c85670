"""Run chosen tests against a changed module, in a fork of a process that has imported everything but the project.

The changed source is served by a finder before all others, so that the project is imported anew with it: records that
hold functions, constants taken over by other modules and caches are all made from the mutant, and no file is touched.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.util
import os
import resource
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Never

import attrs
import pytest
from hypothesis import HealthCheck, Phase, settings
from mutants import ROOT, Mutant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

    from lines_of_tests import Plan
    from swapping import Alive, Pair

WARM = (
    *("attrs", "cattrs", "click", "defusedxml.ElementTree", "formulaic", "hypothesis", "jsonschema", "mpmath"),
    *(
        "narwhals",
        "numpy",
        "pandas",
        "pluggy",
        "polars",
        "rich.console",
        "rispy",
        "scipy.integrate",
        "scipy.interpolate",
    ),
    *("scipy.linalg", "scipy.optimize", "scipy.special", "scipy.stats", "tomli_w"),
)
"""What the project and its tests import and no mutant changes."""
PROFILE = "mutants"
LEAST = 6.0
"""Seconds that every test may take at least, and ``TIMES`` as long as without a mutant."""
TIMES = 10.0
IMPORTING = 120.0
"""Seconds for the import of the project and a file of tests."""
MEMORY = 8 << 30
"""Bytes of addresses, so that a mutant of a size does not take the machine along."""
OPTIONS = (
    *("-q", "-x", "-p", "no:cacheprovider", "-p", "hypothesis.extra.pytestplugin"),
    *("-p", "pytest_mpl.plugin", "-m", "not sweep and not live_r", "-W", "ignore::pytest.PytestAssertRewriteWarning"),
    *("--rootdir", str(ROOT)),
)


@attrs.frozen
class Outcome:
    """Say how a trial ended: killed, timeout or survived; by which test; and after how many seconds."""

    status: str
    by: str
    seconds: float


def warm_up() -> None:
    """Import what is not changed, and let hypothesis stop at the first failure instead of making it smaller."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ["HYPOTHESIS_PROFILE"] = PROFILE
    for name in WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    settings.register_profile(
        PROFILE,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


@attrs.define
class Trial:
    """A running child."""

    mutant: Mutant
    pid: int
    pipe: int
    began: float

    def outcome(self, status: int) -> Outcome:
        """Read what the child has said, once it has ended."""
        with os.fdopen(self.pipe, encoding="utf-8") as stream:
            said = stream.read()
        word, _, by = said.partition(" ")
        if os.WIFSIGNALED(status):
            word = "timeout" if os.WTERMSIG(status) == signal.SIGPROF else "killed"
            by = by or f"signal {os.WTERMSIG(status)}"
        return Outcome(word or "killed", by or "the process ended", round(time.monotonic() - self.began, 2))


def start(mutant: Mutant, work: Callable[[int], None]) -> Trial:
    """Fork a child that does the work, which is given the pipe to say the outcome to."""
    read, write = os.pipe()
    began = time.monotonic()
    pid = os.fork()
    if not pid:
        os.close(read)
        _child(work, write)
    os.close(write)
    return Trial(mutant, pid, read, began)


def afresh(mutant: Mutant, source: str, plan: Plan, seconds: Mapping[str, float]) -> Callable[[int], None]:
    """Make the work of importing the project with the source given for the mutant's module, and running the plan."""

    def work(pipe: int) -> None:
        sys.meta_path.insert(0, _Finder(mutant.module, str(ROOT / mutant.path), source))
        signal.setitimer(signal.ITIMER_PROF, IMPORTING)
        try:
            importlib.import_module(mutant.module)
        except Exception as error:  # noqa: BLE001 - a module may fail in any way
            _end(pipe, f"killed {type(error).__name__} at import")
        for file, tests in plan:
            judge = _Judge(tests, seconds, pipe)
            judge.allow(IMPORTING)
            code = pytest.main([*OPTIONS, file], plugins=[judge])
            if code == pytest.ExitCode.USAGE_ERROR:
                _end(pipe, f"broken {file}: pytest was called wrongly, or a conftest.py cannot be imported")
            if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
                _end(pipe, f"killed {file}: {code!s}")

    return work


def in_session(
    session: pytest.Session, functions: Alive, pairs: Sequence[Pair], plan: Plan, seconds: Mapping[str, float]
) -> Callable[[int], None]:
    """Make the work of running the plan in a session whose tests are collected, with some functions' code changed."""

    def work(pipe: int) -> None:
        assert functions.swap(pairs), "no function to change"
        tests = [test for _, some in plan for test in some]
        judge = _Judge(tests, seconds, pipe)
        session.config.pluginmanager.register(judge)
        items = list(session.items)
        judge.pytest_collection_modifyitems(items)
        for item, following in zip(items, [*items[1:], None], strict=True):
            judge.allow(LEAST + TIMES * seconds.get(item.nodeid, 0.0))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    return work


def run(mutant: Mutant, work: Callable[[int], None]) -> Outcome:
    """Do one trial and wait for it."""
    trial = start(mutant, work)
    _, status = os.waitpid(trial.pid, 0)
    return trial.outcome(status)


def _child(work: Callable[[int], None], pipe: int) -> Never:
    try:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(null, stream)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(ROOT)
        work(pipe)
        _end(pipe, "survived")
    except BaseException as error:  # noqa: BLE001 - whatever happens in a child, it must not go on as the parent
        _end(pipe, f"broken by {type(error).__name__} outside of a test: {error}")


def _end(pipe: int, word: str) -> Never:
    os.write(pipe, word.encode())
    os._exit(0)


class _Judge:
    """Keep the tests of the plan, in its order, limit the time of each, and end the process at the first failure."""

    def __init__(self, tests: Sequence[str], seconds: Mapping[str, float], pipe: int) -> None:
        self._order = {test: i for i, test in enumerate(tests)}
        self._seconds = seconds
        self._pipe = pipe

    def allow(self, seconds: float) -> None:
        """Let the process die by SIGPROF after so many seconds of its own, however busy the machine is."""
        signal.setitimer(signal.ITIMER_PROF, seconds)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._order), key=lambda item: self._order[item.nodeid]
        )

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.allow(LEAST + TIMES * self._seconds.get(nodeid, 0.0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            _end(self._pipe, f"killed {report.nodeid}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            _end(self._pipe, f"killed {report.nodeid}: cannot be imported")

    def pytest_sessionfinish(self) -> None:
        self.allow(IMPORTING)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Serve one module from a string."""

    def __init__(self, module: str, path: str, source: str) -> None:
        self._module, self._path, self._source = module, path, source

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ANN401, ARG002
        if fullname != self._module:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - the loader's interface
        return self._source

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the loader's interface
        return compile(self._source, self._path, "exec", dont_inherit=True)
