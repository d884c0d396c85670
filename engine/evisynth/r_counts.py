"""Say in the words of metafor and meta how counts are pooled, for the R script of an analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from evisynth.settings import Settings

MIXED = ("UM.FS", "UM.RS", "CM.AL")
RATES = ("events_1", "time_1", "events_2", "time_2")
_TABLE_WORDS = "ai=events_1, n1i=n_1, ci=events_2, n2i=n_2"
_RATE_WORDS = "x1i=events_1, t1i=time_1, x2i=events_2, t2i=time_2"
_META_METHODS = {"IV": "Inverse", "MH": "MH", "Peto": "Peto", "SSW": "SSW", "LRP": "LRP", "Cochran": "Cochran"}
OF_METABIN = ("OR", "RR", "RD", "PETO", "AS")
_META_CORRECTIONS = {"meta": (), "meta-Cochrane": ("RR.Cochrane=TRUE",), "TACC": ()}


@attrs.frozen
class Call:
    """Hold how a call begins, which columns it takes, and its words on counts."""

    start: str
    words: tuple[str, ...]
    rates: bool = False
    """Whether the columns are events over person-time."""


def metafor_call(settings: Settings, method: str, measure: str, *, tables: bool) -> Call | None:
    """Give the call of rma.mh, rma.peto or rma.glmm; None where metafor has no such pooling."""
    random = settings.model == "random"
    if method in MIXED:
        model = "ML" if random else "EE"
        return Call(f'rma.glmm(measure="OR", {_TABLE_WORDS}', (f'model="{method}"', f'method="{model}"'))
    if random or (tables and settings.correction != "metafor"):
        return None
    options = (*_increments(settings),)
    if method == "MH" and measure in {"IRR", "IRD"}:
        return Call(f'rma.mh(measure="{measure}", {_RATE_WORDS}', options, rates=True)
    if method == "MH" and tables:
        return Call(f'rma.mh(measure="{measure}", {_TABLE_WORDS}', options)
    if method == "Peto" and tables:
        return Call(f"rma.peto({_TABLE_WORDS}", options)
    return None


def _increments(settings: Settings) -> tuple[str, ...]:
    """Say what is added where: the first number for effects, the second inside sums."""
    inside = settings.mh_increment == "added"
    to, shown = settings.increment_to, _shown(settings.increment)
    words = [f"add=c({shown}, {shown})" if inside else f"add=c({shown}, 0)"]
    if to != "only0" or inside:
        words.append(f'to=c("{to}", "{to if inside else "none"}")')
    dropped = {"kept": "c(FALSE, FALSE)", "dropped": "c(TRUE, TRUE)"}.get(settings.double_zeros)
    return (*words, *([f"drop00={dropped}"] if dropped else []))


def _shown(increment: float) -> str:
    return str(int(increment)) if increment == int(increment) else repr(increment)


def meta_call(settings: Settings, method: str, measure: str, *, tables: bool) -> Call | None:
    """Give the call of metabin or metainc; None where meta has no such pooling."""
    if method in MIXED:
        return Call('metabin(events_1, n_1, events_2, n_2, sm="OR"', ('method="GLMM"', f'model.glmm="{method}"'))
    if method not in _META_METHODS:
        return None
    pooling = f'method="{_META_METHODS[method]}"'
    increment = f"incr={_shown(settings.increment)}"
    to = "only0" if settings.increment_to == "none" else settings.increment_to
    options = [pooling, "incr=0" if settings.increment_to == "none" else increment]
    options += [f'method.incr="{to}"'] if to != "only0" else []
    if not tables:
        return Call(f'metainc(events_1, time_1, events_2, time_2, sm="{measure}"', tuple(options), rates=True)
    if settings.correction not in _META_CORRECTIONS or settings.double_zeros == "dropped":
        return None
    if settings.correction == "TACC":
        if (settings.increment, settings.increment_to) != (0.5, "only0"):
            return None
        options = [pooling, 'incr="TACC"']
    options += _META_CORRECTIONS[settings.correction]
    options += ["allstudies=TRUE"] if settings.double_zeros == "kept" else []
    options += ["MH.exact=TRUE"] if settings.mh_increment == "none" else []
    if method == "MH" and settings.tau2 == "DL":
        options.append(f"Q.Cochrane={'TRUE' if settings.centre == 'pooled' else 'FALSE'}")
    shown = {"PETO": "OR", "AS": "ASD"}.get(measure, measure)
    return Call(f'metabin(events_1, n_1, events_2, n_2, sm="{shown}"', tuple(options))
