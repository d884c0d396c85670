"""Compare every method that names an R call with what the R of this machine answers to it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from evisynth.errors import EvisynthError
from evisynth.records import Check, Conversion, Converter, Reporter
from evisynth.validation.agreements import Agreement, MethodKey, key_of
from evisynth.validation.r_effects import OF_EFFECTS
from evisynth.validation.r_reading import READING, columns_as_r, doubles
from evisynth.validation.r_session import RError, RSession
from evisynth.validation.r_tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evisynth.records import Method
    from evisynth.registry import Registry
    from evisynth.validation.asking import Asked
    from evisynth.validation.r_asking import Held, Numbers, Question

Why: TypeAlias = "Literal['no call', 'no R', 'no package', 'version', 'failed', 'nothing to compare']"
PACKAGES = ("metafor", "meta", "metasens", "metadat", "puniform", "PublicationBias", "metaumbrella", "dmetar")
NEEDED = ("CompQuadForm", "numDeriv", "lme4", "mvtnorm", "gsl", "BiasedUrn")
"""Packages that calls of metafor need beside it."""


SLOW = re.compile(r"selmodel\((?!.*stepfun)")
"""Calls that R integrates numerically at every step of a maximisation."""


@attrs.frozen
class LiveReason:
    """Say why a method, or a case of it, was not compared with the R of this machine."""

    method: MethodKey
    why: Why
    text: str
    case: str = ""
    """The case, where others of the method were compared; an empty text where the method was not."""


def versions() -> Mapping[str, str]:
    """Give the versions of R and of the packages that records name, or in their place what is not installed."""
    session = RSession()
    try:
        lacking = session.absent()
        if lacking:
            return {"R": lacking}
        found: dict[str, str] = {"R": session.ask("", "paste(R.version$major, R.version$minor, sep='.')")}
        for package in (*PACKAGES, *NEEDED):
            version = session.version_of(package)
            found[package] = "not installed" if version is None else ".".join(map(str, version))
        return found
    finally:
        session.close()


def live_r(asked: Asked) -> Iterator[Agreement]:
    """Compare the methods asked for with R; what cannot be compared is left out here, see `live_comparison`."""
    for one in live_comparison(asked):
        if isinstance(one, Agreement):
            yield one


def live_reasons(asked: Asked) -> Iterator[LiveReason]:
    """Say what is not compared with R, and why."""
    for one in live_comparison(asked):
        if isinstance(one, LiveReason):
            yield one


def live_comparison(asked: Asked, session: RSession | None = None) -> Iterator[Agreement | LiveReason]:
    """Ask R about every method asked for: an agreement for each number, or the reason why there is none."""
    made = session or RSession()
    try:
        lacking = made.absent()
        for method, _ in asked.registry:
            if method not in asked:
                continue
            reason = reason_before(method, made, lacking)
            if reason is None:
                yield from compared(method, asked.registry, made, quick=asked.quick)
            else:
                yield reason
    finally:
        if session is None:
            made.close()


def reason_before(method: Method, session: RSession, lacking: str) -> LiveReason | None:
    """Say why R cannot be asked about a method; None where it can."""
    why, text = _no_call(method) or ("no R", lacking)
    if not text:
        why, text = _no_package(method, session)
    return LiveReason(key_of(method), why, text) if text else None


def _no_call(method: Method) -> tuple[Why, str] | None:
    call = method.r_equivalent
    if call is None:
        return "no call", "the record names no R call"
    if isinstance(method, Reporter | Check | Converter):
        return "nothing to compare", f"{call} draws, and has no numbers of its own"
    return ("no call", f"{call} leaves numbers of the user's out") if "…" in call else None


def _no_package(method: Method, session: RSession) -> tuple[Why, str]:
    needed, _, lowest = (method.r_version or "").partition(" ")
    named = re.findall(r"([A-Za-z][\w.]*)::", str(method.r_equivalent))
    for package in dict.fromkeys([*named, *([needed] if needed else [])]):
        if session.version_of(package) is None:
            return "no package", f"R has no package {package}"
    there = session.version_of(needed) if needed else None
    if there is not None and there < tuple(int(part) for part in re.findall(r"\d+", lowest)):
        return "version", f"needs {method.r_version}, and {'.'.join(map(str, there))} is installed"
    return "version", ""


def compared(
    method: Method, registry: Registry, session: RSession, *, quick: bool = False
) -> Iterator[Agreement | LiveReason]:
    """Put the questions about one method to R, and hold our numbers to the answers."""
    if quick and SLOW.search(str(method.r_equivalent)):
        yield LiveReason(key_of(method), "nothing to compare", "R takes minutes over it: not in a quick run")
        return
    questions = questions_of(method, registry)
    if not questions:
        yield LiveReason(key_of(method), "nothing to compare", f"no question is known for a {method.kind}")
        return
    questions = questions[::3] if quick else questions
    try:
        answers = answers_to(questions, session)
    except RError as error:
        yield LiveReason(key_of(method), "failed", str(error))
        return
    agreed = 0
    reasons: list[LiveReason] = []
    for question, answer in zip(questions, answers, strict=True):
        for one in held_to(method, question, answer):
            if isinstance(one, LiveReason):
                reasons.append(one)
            else:
                agreed += 1
                yield one
    # One text for a method of which nothing was compared: that of its first case.
    yield from reasons if agreed else (attrs.evolve(one, case="") for one in reasons[:1])


def questions_of(method: Method, registry: Registry) -> list[Question]:
    """Give what R is asked about a method; nothing for a kind that has no numbers of R's."""
    of_kind = OF_EFFECTS.get(type(method))
    if of_kind is None or ("(yi, vi" not in str(method.r_equivalent) and type(method) in TABLES):
        of_kind = TABLES.get(type(method), of_kind)
    return [] if of_kind is None else list(of_kind(method, registry))


def answers_to(questions: list[Question], session: RSession) -> list[Any]:
    """Ask R: for each question numbers by name, or the error; a list of those by row. Raises `RError`."""
    listed = ",\n".join(map(_asked_in_r, questions))
    answers: list[Any] = doubles(session.ask(f"{READING}out <- exact(list({listed}))"))
    return answers


def _asked_in_r(question: Question) -> str:
    ask = "by_row" if question.by_row else "ask"
    return f"{ask}({columns_as_r(question.columns)}, {_quoted(question.setup)}, {_quoted(question.call)})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def held_to(method: Method, question: Question, answer: Any) -> Iterator[Agreement | LiveReason]:  # noqa: ANN401 - JSON
    """Compare our numbers with one answer of R's."""

    def reason(why: Why, text: str) -> LiveReason:
        return LiveReason(key_of(method), why, text, question.case)

    theirs = _joined(answer) if question.by_row else answer
    if "error" in theirs:
        yield reason("failed", f"R says: {theirs['error']}")
        return
    try:
        ours = question.ours(question.columns)
    except EvisynthError as error:
        yield Agreement(method, question.case, "a result, as R has", expected=True, observed=str(error))
        return
    pairs = list(_pairs(ours, theirs, question.model, unnamed=isinstance(method, Conversion)))
    if not pairs:
        shown = theirs.get("other") or ", ".join(theirs)
        yield reason("nothing to compare", f"R has {shown}; here are {', '.join(ours) or 'no numbers'}")
    for quantity, held, expected in pairs:
        yield Agreement(
            method,
            question.case,
            quantity,
            expected,
            held.value,
            tolerance=held.tolerance,
            floor=held.floor,
        )


def _joined(rows: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Put the answers to single rows side by side; the error is that of all, where every row has one."""
    names = dict.fromkeys(name for row in rows for name in row if name != "error")
    if not names:
        return {"error": rows[0].get("error", "nothing")}
    return {name: [(row.get(name) or [None])[0] for row in rows] for name in names}


def _pairs(ours: Numbers, theirs: Mapping[str, Any], model: str, *, unnamed: bool) -> Iterator[tuple[str, Held, float]]:
    columns = [values for name, values in theirs.items() if name.startswith("column ") or name == "value"]
    # The vector or table that R converts to has its last columns in the order of our targets.
    by_place = dict(zip(reversed(list(ours)), reversed(columns), strict=False)) if unnamed else {}
    for name, held in ours.items():
        values = by_place.get(name, theirs.get(f"{model}_{name}", theirs.get(name)))
        if values is None:
            continue
        for i, (one, expected) in enumerate(zip(held, values, strict=False)):
            quantity = name if len(held) == 1 else f"{name}, row {i + 1}"
            if not _is_number(expected) or not _is_number(one.value) or (name == "v" and expected <= 0.0):
                # A row that has no effect on one side has a reason there; which rows do is another set's matter.
                continue
            yield quantity, one, expected


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
