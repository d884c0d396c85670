"""Write the R script that reproduces an analysis: data, package and calls."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from evisynth.errors import CombinationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evisynth.results import MetaAnalysis

_ESCALC = {"OR", "RR", "RD", "PETO", "MD", "SMD"}
_TIGHT = "control=list(threshold=1e-12, tol=1e-14, maxiter=10000)"


def write(analysis: MetaAnalysis) -> str:
    """Write an R script for metafor (or meta, for the preset of that name) that reproduces the analysis.

    Raises `CombinationError` for what neither package computes: a Mantel–Haenszel random-effects model of RevMan's
    kind.
    """
    if analysis.settings.preset == "meta":
        return _meta(analysis)
    return _metafor(analysis)


def _metafor(analysis: MetaAnalysis) -> str:
    settings, method = analysis.settings, analysis.methods.pooling.name
    lines = [f"# {analysis.effects.label}: {analysis.model.label}", "library(metafor)", ""]
    if method in {"MH", "Peto"} and settings.model == "common" and settings.correction == "metafor":
        lines += _counts(analysis)
        arms = "ai=events_1, n1i=n_1, ci=events_2, n2i=n_2"
        level = f"level={_number(100 * settings.level)}"
        call = f'rma.mh(measure="{analysis.effects.measure}", ' if method == "MH" else "rma.peto("
        lines.append(f"res <- {call}{arms}, data=dat, slab=study, {level})")
    elif method in {"MH", "Peto"} and settings.model == "common":
        msg = (
            f"metafor has no {method} pooling with the zero cells of correction {settings.correction!r}: "
            "choose settings 'metafor' for a script"
        )
        raise CombinationError(msg)
    elif method == "MH" and settings.centre == "pooled" and settings.tau2 == "DL":
        msg = "no R package takes DerSimonian-Laird's Q about RevMan's M-H estimate: choose method 'IV' for a script"
        raise CombinationError(msg)
    else:
        lines += _effects(analysis)
        lines.append(_rma(analysis))
    lines += ["print(res, digits=6)", *_after(analysis), ""]
    return "\n".join(lines)


def _rma(analysis: MetaAnalysis) -> str:
    settings = analysis.settings
    estimator = settings.tau2 if settings.model == "random" else "EE"
    test = {"HK": "adhoc" if settings.adhoc else "knha"}.get(settings.interval, "z")
    moderators = [term for term in analysis.terms if term != "intercept"]
    words = [
        "yi",
        "vi",
        "data=dat",
        f'method="{estimator}"',
        f'test="{test if settings.model == "random" else "z"}"',
        f"level={_number(100 * settings.level)}",
        "slab=study",
    ]
    if moderators:
        words.insert(2, f"mods=~{' + '.join(f'`{term}`' for term in moderators)}")
    if estimator in {"REML", "PM"}:
        words.append(_TIGHT)
    return f"res <- rma({', '.join(words)})"


def _after(analysis: MetaAnalysis) -> list[str]:
    settings = analysis.settings
    if settings.model != "random" or analysis.methods.pooling.name != "IV":
        return []
    made: list[str] = []
    if settings.tau2_interval == "QP":
        made.append("print(confint(res), digits=6)")
    if settings.prediction is not None and len(analysis.terms) == 1:
        made.append("print(predict(res), digits=6)")
    return made


def _counts(analysis: MetaAnalysis) -> list[str]:
    source = analysis.effects.studies
    assert source is not None  # noqa: S101 - counts come from a table
    rows = [i for i, study in enumerate(analysis.studies) if study.included]
    columns = [f"study=c({_texts(analysis.effects.study_id[i] for i in rows)})"]
    columns.extend(
        f"{name}=c({', '.join(_number(float(source.columns[name][i])) for i in rows)})"
        for name in ("events_1", "n_1", "events_2", "n_2")
    )
    return ["dat <- data.frame(", "  " + ",\n  ".join(columns), ")"]


def _effects(analysis: MetaAnalysis) -> list[str]:
    rows = [i for i, study in enumerate(analysis.studies) if study.effect is not None and study.included]
    effects = analysis.effects
    columns = [
        f"study=c({_texts(effects.study_id[i] for i in rows)})",
        f"yi=c({', '.join(_number(float(effects.y[i])) for i in rows)})",
        f"vi=c({', '.join(_number(float(effects.v[i])) for i in rows)})",
    ]
    for j, term in enumerate(analysis.terms):
        if term != "intercept":
            columns.append(f"`{term}`=c({', '.join(_number(float(x)) for x in analysis.X[:, j])})")
    return ["dat <- data.frame(", "  " + ",\n  ".join(columns), "  , check.names=FALSE)"]


def _meta(analysis: MetaAnalysis) -> str:
    settings, method = analysis.settings, analysis.methods.pooling.name
    common = "TRUE" if settings.model == "common" else "FALSE"
    words = [
        f"common={common}",
        f"random={'FALSE' if common == 'TRUE' else 'TRUE'}",
        f'method.tau="{settings.tau2}"',
        f'method.random.ci="{"HK" if settings.interval == "HK" else "classic"}"',
        f"level.ma={_number(settings.level)}",
        f"level={_number(settings.study_level)}",
        f"prediction={'TRUE' if settings.prediction else 'FALSE'}",
    ]
    lines = [f"# {analysis.effects.label}: {analysis.model.label}", "library(meta)", ""]
    if analysis.methods.measure.counts and analysis.effects.studies is not None:
        pooling = {"MH": "MH", "Peto": "Peto"}.get(method, "Inverse")
        measure = "OR" if analysis.effects.measure == "PETO" else analysis.effects.measure
        lines += _counts(analysis)
        lines.append(
            f'res <- metabin(events_1, n_1, events_2, n_2, data=dat, studlab=study, sm="{measure}", '
            f'method="{pooling}", {", ".join(words)})'
        )
    else:
        measure = analysis.effects.measure if analysis.effects.measure in _ESCALC else ""
        lines += _effects(analysis)
        lines.append(f'res <- metagen(yi, sqrt(vi), data=dat, studlab=study, sm="{measure}", {", ".join(words)})')
    return "\n".join([*lines, "print(summary(res), digits=6)", ""])


def _texts(values: Iterable[str]) -> str:
    return ", ".join(f'"{_escaped(value)}"' for value in values)


def _escaped(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in plain)


def _number(value: float) -> str:
    if math.isnan(value):
        return "NA"
    return repr(value) if not value.is_integer() or abs(value) > 2**53 else str(int(value))
