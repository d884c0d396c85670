"""Store what the R call of each record answers on data of the conformance kit, and repeat it without R.

::

    python -m evisynth_validation.metafor.calls [--check] [name …]

asks the R of this machine and writes ``calls.json``: the columns that were sent, the call, and the numbers of R's
answer with the fewest digits that identify the double. The data are drawn with a fixed seed; equal versions of R,
metafor and numpy give equal bytes. Calls that this machine's metafor lacks are not in it, nor selection models with a
smooth weight, over which R takes minutes. ``--check`` compares instead of writing; names of methods restrict that to
them.
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth import Agreement, default_registry, read_json
from evisynth.validation.live_r import SLOW, answers_to, held_to, questions_of, reason_before
from evisynth.validation.r_session import RError, RSession

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evisynth import Asked, FloatArray, Method

TARGET = Path(__file__).with_name("calls.json")
BESIDE = ("metafor", "mvtnorm", "numDeriv", "CompQuadForm", "lme4", "gsl")
"""Packages whose versions stand in the file: metafor calls the others."""
SHARE = 3
"""A quick run takes one case of as many of each method."""


def repeated_calls(asked: Asked) -> Iterator[Agreement]:
    """Hold our numbers for the stored columns to what R answered."""
    text = files("evisynth_validation").joinpath("metafor", "calls.json").read_text(encoding="utf-8")
    stored = read_json(text, "calls.json")
    by_method: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for case in stored["cases"]:
        by_method.setdefault((case["kind"], case["name"]), []).append(case)
    columns = [np.array([np.nan if x is None else x for x in column], dtype=float) for column in stored["columns"]]
    for method, _ in asked.registry:
        cases = by_method.get((method.kind, method.name), [])
        if cases and method in asked:
            yield from _repeated(method, asked, cases[::SHARE] if asked.quick else cases, columns)


def _repeated(
    method: Method, asked: Asked, cases: list[Mapping[str, Any]], columns: list[FloatArray]
) -> Iterator[Agreement]:
    questions = {question.case: question for question in questions_of(method, asked.registry)}
    for case in cases:
        question = questions.get(case["case"])
        # A file that is older than the questions would compare nothing, which must be seen.
        if question is None or question.call != case["call"]:
            yield Agreement(method, case["case"], "the stored call", expected=True, observed=False)
            continue
        sent = {name: columns[at] if isinstance(at, int) else at for name, at in case["columns"].items()}
        for one in held_to(method, attrs.evolve(question, columns=sent), case["answer"]):
            if isinstance(one, Agreement):
                yield one


def made(session: RSession, names: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Ask R about every method whose call is metafor's, or about those named."""
    columns: list[list[float | None]] = []
    places: dict[tuple[float | None, ...], int] = {}
    cases: list[dict[str, Any]] = []

    def place(column: FloatArray | str) -> int | str:
        if isinstance(column, str):
            return column
        key = tuple(None if np.isnan(x) else x for x in column.tolist())
        if key not in places:
            places[key] = len(columns)
            columns.append(list(key))
        return places[key]

    for method, plugin in default_registry():
        call = method.r_equivalent or ""
        if plugin.distribution != "evisynth" or "metafor::" not in call or SLOW.search(call):
            continue
        if (names and method.name not in names) or reason_before(method, session, "") is not None:
            continue
        questions = questions_of(method, default_registry())
        try:
            answers = answers_to(questions, session)
        except RError:
            continue
        for question, answer in zip(questions, answers, strict=True):
            if any(isinstance(one, Agreement) for one in held_to(method, question, answer)):
                case = {"kind": method.kind, "name": method.name, "case": question.case, "call": question.call}
                sent = {name: place(column) for name, column in question.columns.items()}
                cases.append({**case, "columns": sent, "answer": answer})
    versions = {name: session.version_of(name) for name in BESIDE}
    about = {"generator": "python -m evisynth_validation.metafor.calls"}
    about["R"] = session.ask("", "paste(R.version$major, R.version$minor, sep='.')")
    about |= {name: ".".join(map(str, version)) for name, version in versions.items() if version is not None}
    return {"about": about, "columns": columns, "cases": cases}


def written(content: Mapping[str, Any]) -> str:
    """Write the file, a line for each column and case."""
    columns, cases = (",\n".join(map(_json, content[name])) for name in ("columns", "cases"))
    return f'{{"about":{_json(content["about"])},\n"columns":[\n{columns}\n],\n"cases":[\n{cases}\n]}}\n'


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def same(content: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Tell whether cases are those that are stored, their columns included."""

    def whole(held: Mapping[str, Any], case: Mapping[str, Any]) -> str:
        sent = {name: held["columns"][at] if isinstance(at, int) else at for name, at in case["columns"].items()}
        return _json({**case, "columns": sent})

    kept = {whole(stored, case) for case in stored["cases"]}
    return all(whole(content, case) in kept for case in content["cases"])


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` compare it."""
    names = frozenset(one for one in arguments if one != "--check")
    session = RSession()
    try:
        content = made(session, names)
    finally:
        session.close()
    if "--check" in arguments:
        text = TARGET.read_text(encoding="utf-8")
        return int(not same(content, json.loads(text)) if names else written(content) != text)
    TARGET.write_text(written(content), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
