"""The machinery of mutation testing itself: what it changes, and that it can tell a killed mutant from a survivor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TRIALS = """
import ast, json
import trials
from mutants import mutants_of, source_of
from swapping import changed_functions

path = "engine/evisynth/kernels/weighted_fit.py"
test = "tests/kernels/test_weighted_fit.py::test_agrees_with_exact_arithmetic[0-0.3-1]"
text = source_of(path).splitlines()

def find(operator, line):
    return next(one for one in mutants_of(path) if one.operator == operator and line in text[one.line - 1])

wrong = find("ReplaceBinaryOperator_Div_Mul", "covariance=np.asarray(1.0 / total)")
trials.IMPORTING = 2.0
trials.warm_up()

def status(source):
    return trials.run(wrong, trials.afresh(wrong, source, [(test.split("::")[0], [test])], {})).status

source = source_of(path)
print(json.dumps({
    "a wrong covariance": status(wrong.source()),
    "no change": status(source),
    "no module": status("raise ImportError"),
    "no end": status(source + "\\nwhile True: pass\\n"),
    "changed functions": [old.co_name for old, new in changed_functions(wrong)],
    "a threshold, by functions": changed_functions(find("NumberReplacer", "_MOST = ")),
    "mutants that cannot be read or change nothing": sum(
        ast.dump(ast.parse(one.source())) == ast.dump(ast.parse(source_of(one.path)))
        for one in mutants_of("engine/evisynth/kernels/arrays.py")
    ),
}))
"""


def test_a_wrong_kernel_is_killed_and_the_kernel_as_it_is_survives() -> None:
    # In a process of its own: the trials are made in one that has not imported the project.
    done = subprocess.run(  # noqa: S603 - the script above
        [sys.executable, "-c", TRIALS],
        cwd=HERE.parents[1],
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {
        "a wrong covariance": "killed",
        "no change": "survived",
        "no module": "killed",
        "no end": "timeout",
        "changed functions": ["_weighted_mean"],
        "a threshold, by functions": None,
        "mutants that cannot be read or change nothing": 0,
    }
