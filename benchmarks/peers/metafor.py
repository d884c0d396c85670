"""Time metafor inside one R process that loops and tells the seconds: neither R's start nor the way to it counts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from peers import LOOPED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

NAME = "metafor"
TIMED_LIBRARY = 'cat(system.time(suppressPackageStartupMessages(library(metafor)), gcFirst = FALSE)[["elapsed"]])'


class Metafor:
    """Hold an R process that times metafor on request."""

    def __init__(self, rscript: str, folder: Path, stack: ExitStack) -> None:
        """Start it on the tables in ``folder``; raises `OSError` where metafor does not load."""
        command = [rscript, str(Path(__file__).with_name("metafor.R")), str(folder)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own script
        self._process = stack.enter_context(process)
        said = self._answer()
        self.tasks: frozenset[str] = frozenset(said["tasks"])
        self.versions: Mapping[str, str] = {name: said[name] for name in ("R", "metafor")}

    def timed(self, task: str, repeats: int) -> tuple[float, list[float]]:
        """Do a task some times; gives the seconds that one took, per analysis, and its numbers."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{task};{repeats}\n")
        self._process.stdin.flush()
        answer = self._answer()
        analyses = LOOPED if task.startswith("many") else 1
        return answer["seconds"] / analyses, [float(value) for value in answer["values"]]

    def _answer(self) -> Mapping[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            msg = "R stopped"
            raise OSError(msg)
        return cast("Mapping[str, Any]", json.loads(line))
