"""Run scripts in one R of this machine: starting R and loading metafor takes most of the time of comparisons."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any
from uuid import uuid4

LOOP = r"""
local({
  suppressMessages({ library(jsonlite); suppressWarnings(require(metafor, quietly=TRUE)) })
  requests <- file("stdin", "r")
  started <- list(options=options(), search=search(), folder=getwd())
  restore <- function() {
    while (sink.number() > 0) sink()
    graphics.off()
    for (place in setdiff(search(), started$search)) detach(place, character.only=TRUE)
    new <- setdiff(names(options()), names(started$options))
    options(c(started$options, setNames(vector("list", length(new)), new)))
    RNGkind("default", "default", "default")
    rm(list=ls(globalenv(), all.names=TRUE), envir=globalenv())
    setwd(started$folder)
  }
  repeat {
    request <- readLines(requests, n=1)
    if (length(request) == 0) break
    request <- strsplit(request, "\t")[[1]]
    said <- tryCatch({
      source(request[2], local=new.env(parent=globalenv()), print.eval=TRUE)
      NULL
    }, error=conditionMessage)
    restore()
    cat("\n", request[1], toJSON(said, null="null", auto_unbox=TRUE), "\n", sep="")
    flush(stdout())
  }
})
"""
"""Source each script whose path comes in, in a new environment, and say when it has ended, with the error if it failed.

What a script changes outside that environment (options, packages, variables, the seed, sinks) is as before afterwards.
"""

ANSWER = "\ncat('\\n@@', toJSON({}, digits=NA, auto_unbox=TRUE, null='null', na='null'))\n"


class RError(RuntimeError):
    """A script stopped in R, or took the process with it."""


class RSession:
    """Run scripts one after another in one R, which starts at the first; metafor is attached where it is there."""

    def __init__(self) -> None:
        """Wait for the first script."""
        self._process: subprocess.Popen[str] | None = None
        self._folder = TemporaryDirectory(prefix="evisynth-r-")
        self._stderr: IO[str] | None = None
        self.version_of = cache(self._version_of)

    def absent(self) -> str:
        """Say what this machine lacks to be asked: R, or its package jsonlite; an empty text where it lacks nothing."""
        if shutil.which("Rscript") is None:
            return "R is not installed"
        try:
            self.run("")
        except RError as error:
            if "there is no package called" in str(error):
                return "R has no package jsonlite"
            raise
        return ""

    def run(self, script: str) -> str:
        """Give what a script prints; its errors have R's message."""
        process = self._process or self._start()
        assert process.stdin is not None  # noqa: S101 - as it was started
        assert process.stdout is not None  # noqa: S101 - as it was started
        end, path = f"@@end {uuid4()} ", Path(self._folder.name) / "script.R"
        path.write_text(script, encoding="utf-8")
        try:
            process.stdin.write(f"{end}\t{path}\n")
            process.stdin.flush()
        except BrokenPipeError:
            self._fail()
        printed: list[str] = []
        for line in process.stdout:
            if line.startswith(end):
                said = json.loads(line.removeprefix(end))
                if said is not None:
                    raise RError(said)
                # The line break that sets the end apart is not the script's.
                return "".join(printed)[:-1]
            printed.append(line)
        return self._fail()

    def ask(self, script: str, expression: str = "out") -> Any:  # noqa: ANN401 - R's answers differ
        """Give the value of an expression after a script."""
        return json.loads(self.run(script + ANSWER.format(expression)).rpartition("@@")[2])

    def _version_of(self, package: str) -> tuple[int, ...] | None:
        """Give the version of an R package on this machine; None without it."""
        said = self.ask("", f"tryCatch(as.character(packageVersion('{package}')), error=function(e) NULL)")
        return None if said is None else tuple(int(part) for part in said.replace("-", ".").split("."))

    def close(self) -> None:
        """End R."""
        if self._process is not None:
            self._process.communicate()
            self._process = None
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None
        self._folder.cleanup()

    def _start(self) -> subprocess.Popen[str]:
        loop = Path(self._folder.name) / "loop.R"
        loop.write_text(LOOP, encoding="utf-8")
        self._stderr = (Path(self._folder.name) / "stderr").open("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(  # noqa: S603 - our own words
            ["Rscript", str(loop)],  # noqa: S607 - found as the machine finds it
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            encoding="utf-8",
        )
        return self._process

    def _fail(self) -> str:
        """Report that R has ended; the next script starts another."""
        assert self._process is not None  # noqa: S101 - it has been written to
        assert self._stderr is not None  # noqa: S101 - as it was started
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        self._process = None
        self._stderr.seek(0)
        said = self._stderr.read()
        self._stderr.close()
        self._stderr = None
        message = f"R ended with code {code}: {said}"
        raise RError(message)
