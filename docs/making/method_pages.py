"""Make a page for every method of the registry, a list for every kind, and one of all kinds."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from marked_text import code, docstring, formula, kind_in_words, slug, table, text
from method_options import options
from site_contents import contents
from validation_pages import method_section

from evisynth import EffectMeasure, Method

if TYPE_CHECKING:
    from validation_status import Status

    from evisynth import Registry
    from evisynth.registry import Plugin

CALLS = {
    "EffectMeasure": 'es.fit(studies, measure="{}")',
    "Correction": 'es.fit(studies, correction="{}")',
    "Tau2Estimator": 'es.fit(studies, tau2="{}")',
    "PoolingModel": 'es.fit(studies, method="{}")',
    "IntervalMethod": 'es.fit(studies, interval="{}")',
    "PredictionInterval": 'es.fit(studies, prediction="{}")',
    "Tau2Interval": 'es.fit(studies, tau2_interval="{}")',
    "StudyInterval": 'es.fit(studies, study_interval="{}")',
    "BiasTest": 'es.bias(analysis, "{}")',
    "Adjustment": 'es.bias(analysis, "{}")',
    "Conversion": 'es.convert("{}", …)',
    "Converter": 'es.load(path, format="{}")',
    "Reporter": 'es.report(analysis, "{}")',
}
"""How users ask for a method of each kind; one of a kind that is not here is never asked for by name."""


def folder_of(kind: str) -> str:
    """Name the folder of a kind's pages: ``tau2-estimators``."""
    return slug(kind_in_words(kind, plural=True).replace("τ²", "tau2"))


def paths(registry: Registry) -> dict[tuple[str, str], str]:
    """Give every method the path of its page in the folder of methods, without the suffix."""
    made: dict[tuple[str, str], str] = {}
    taken = {f"{folder_of(method.kind)}/index" for method, _ in registry}
    for method, _ in registry:
        path = start = f"{folder_of(method.kind)}/{slug(method.name)}"
        number = 2
        while path in taken:
            path, number = f"{start}-{number}", number + 1
        taken.add(path)
        made[method.kind, method.name] = path
    return made


def method_pages(registry: Registry, status: Status) -> dict[str, str]:
    """Give the text of every page of the section, by its path."""
    at = paths(registry)
    by_kind: dict[str, list[tuple[Method, Plugin]]] = {}
    for method, plugin in registry:
        by_kind.setdefault(method.kind, []).append((method, plugin))
    pages = {"methods/index.md": _overview(by_kind, at)}
    for kind, methods in by_kind.items():
        pages[f"methods/{folder_of(kind)}/index.md"] = _kind(kind, methods, at, status)
        for method, plugin in methods:
            pages[f"methods/{at[kind, method.name]}.md"] = _method(method, plugin, status)
    return pages


def _overview(by_kind: dict[str, list[tuple[Method, Plugin]]], at: dict[tuple[str, str], str]) -> str:
    kinds = table(
        ("kind", "methods", "hook"),
        (
            (
                f"[{kind_in_words(kind, plural=True)}]({folder_of(kind)}/index.md)",
                str(len(methods)),
                f"[`{methods[0][0].hook}`](../../hooks/{methods[0][0].hook}.md)",
            )
            for kind, methods in by_kind.items()
        ),
    )
    every = table(
        ("method", "kind", "what it does"),
        (
            (f"[{text(method.name)}]({at[kind, method.name]}.md)", kind_in_words(kind), text(method.summary))
            for kind, methods in by_kind.items()
            for method, _ in methods
        ),
    )
    total = sum(map(len, by_kind.values()))
    return (
        f"# Methods\n\n{total} methods of {len(by_kind)} kinds. Each has a page with its formula, source, R "
        f"equivalent, options and validation status.\n\n{kinds}\n\n## Every method\n\n"
        f":::{{container}} filtered\n{every}\n:::\n" + contents([f"{folder_of(kind)}/index" for kind in by_kind])
    )


def _kind(kind: str, methods: list[tuple[Method, Plugin]], at: dict[tuple[str, str], str], status: Status) -> str:
    def name(method: Method) -> str:
        shown = f"[{text(method.name)}]({at[kind, method.name].partition('/')[2]}.md)"
        return f"{shown}<br>{text(method.label)}" if isinstance(method, EffectMeasure) else shown

    rows = [(name(method), text(method.summary), status.of(method).words) for method, _ in methods]
    shown = table(("method", "what it does", "validation (numbers compared)"), rows)
    hook = methods[0][0].hook
    return (
        f"# {kind_in_words(kind, plural=True)}\n\nMethods of the hook [`{hook}`](../../../hooks/{hook}.md), whose page "
        f"says how one is added.\n\n:::{{container}} filtered\n{shown}\n:::\n"
        + contents([at[kind, method.name].partition("/")[2] for method, _ in methods])
    )


def _method(method: Method, plugin: Plugin, status: Status) -> str:
    label = f": {text(method.label)}" if isinstance(method, EffectMeasure) else ""
    parts = [
        # Several kinds have a method of the same name: results of a search show nothing but titles.
        f"# {text(method.name)}{label} ({kind_in_words(method.kind)})",
        text(method.summary),
        *(("## Formula", formula(method.formula)) if method.formula else ()),
        *((described,) if (described := docstring(method.function)) else ()),
        "## Source and equivalents",
        "\n".join(f":{word}: {fact}" for word, fact in _facts(method, plugin)),
        *method_section(method, status),
        *options(method),
        *_source(method),
    ]
    return "\n\n".join(parts) + "\n"


def _facts(method: Method, plugin: Plugin) -> list[tuple[str, str]]:
    version = f", since {method.r_version}" if method.r_version else ""
    facts = [
        ("Reference", text(method.reference)),
        ("In R", code(method.r_equivalent) + version if method.r_equivalent else "no equivalent known"),
        ("Asked for by", code(CALLS[method.kind].format(method.name)) if method.kind in CALLS else ""),
        ("Also found as", ", ".join(map(code, method.also))),
        ("Provided by", f"{plugin.distribution} {plugin.version}, module {code(plugin.module)}"),
    ]
    return [(word, fact) for word, fact in facts if fact]


def _source(method: Method) -> tuple[str, ...]:
    try:
        source = inspect.getsource(method.function)
    except (OSError, TypeError):
        return ()
    return ("## Code", f"````python\n{inspect.cleandoc(source)}\n````")
