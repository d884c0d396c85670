"""List what is there: methods, plugins, presets, schemas."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import click

from evisynth.documents import strict_json
from evisynth.errors import PluginWarning
from evisynth.presets import PREDICTION_BY_INTERVAL, PRESETS, PROGRAMS, UNVERIFIED
from evisynth.records import KINDS, Conversion, EffectMeasure, Route
from evisynth.registry import Registry, default_registry
from evisynth.requests import schema
from evisynth.settings import BY_INTERVAL, refuse_unknown

if TYPE_CHECKING:
    from evisynth.records import Method


def _echo_json(value: object) -> None:
    click.echo(strict_json(value, indent=2).encode())


def method_rows(registry: Registry, kind: type[Method] | None = None) -> list[dict[str, Any]]:
    """Describe every method, with columns of the glossary."""
    return [
        {
            "kind": method.kind,
            "name": method.name,
            "provider": f"{plugin.distribution} {plugin.version}".strip(),
            "module": plugin.module,
            "reference": method.reference,
            "r_equivalent": method.r_equivalent,
            "r_version": method.r_version,
            "formula": method.formula or None,
            **_particulars(method),
        }
        for method, plugin in registry
        if kind is None or type(method) is kind
    ]


def _particulars(method: Method) -> dict[str, Any]:
    """Say what a measure, a route or a conversion is made of; nothing for other kinds."""
    if isinstance(method, EffectMeasure):
        scale = method.scale if isinstance(method.scale, str) else method.scale.name
        return {"columns": list(method.columns), "scale": scale, "variances": list(method.variances)}
    if isinstance(method, Route):
        return {"columns": list(method.columns)}
    if isinstance(method, Conversion):
        return {"columns": list(method.sources), "targets": list(method.targets)}
    return {}


def _kind(word: str) -> type[Method]:
    by_word = {name.casefold(): kind for kind in KINDS for name in (kind.kind, kind.hook)}
    if word.casefold() not in by_word:
        refuse_unknown("kinds of methods", [word], [kind.kind for kind in KINDS])
    return by_word[word.casefold()]


@click.command(short_help="List every method with its reference and R equivalent.")
@click.option("--kind", default=None, help="Only this kind, such as Tau2Estimator or tau2_estimators.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def methods(kind: str | None, *, as_json: bool) -> None:
    """List every method with its provider, its published source and where known its R equivalent."""
    chosen = None if kind is None else _kind(kind)
    rows = method_rows(default_registry(), chosen)
    if as_json:
        _echo_json(rows)
        return
    from evisynth.cli.tables import print_table  # noqa: PLC0415 - rich only for tables

    for title in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in rows if row["kind"] == title]
        needs = "columns" in own[0]
        headings = ("Name", *(("Columns",) if needs else ()), "Provider", "Reference", "R equivalent")
        shown = [
            (
                row["name"],
                *((", ".join(row["columns"]),) if needs else ()),
                row["provider"],
                row["reference"],
                _r_call(row),
            )
            for row in own
        ]
        print_table(headings, shown, title)


def _r_call(row: dict[str, Any]) -> str:
    lowest = f" (from {row['r_version']})" if row["r_version"] else ""
    return f"{row['r_equivalent'] or '–'}{lowest}"


@click.command(short_help="List the installed plugins, and those left out.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(*, as_json: bool) -> None:
    """List the installed plugins with their methods, and those that were left out with the reason."""
    with warnings.catch_warnings():
        # What the warning says stands in the table.
        warnings.simplefilter("ignore", PluginWarning)
        found = default_registry().plugins
    if as_json:
        _echo_json(
            [
                {
                    "name": plugin.name,
                    "distribution": plugin.distribution,
                    "version": plugin.version,
                    "module": plugin.module,
                    "methods": [{"kind": method.kind, "name": method.name} for method in plugin.methods],
                    "problem": plugin.problem,
                }
                for plugin in found
            ]
        )
        return
    from evisynth.cli.tables import print_table  # noqa: PLC0415 - rich only for tables

    rows = [
        (
            plugin.name,
            f"{plugin.distribution} {plugin.version}".strip(),
            plugin.module,
            f"left out: {plugin.problem}"
            if plugin.problem is not None
            else ", ".join(f"{method.kind} {method.name}" for method in plugin.methods),
        )
        for plugin in found
    ]
    print_table(("Plugin", "Distribution", "Module", "Methods"), rows)


@click.command(short_help="Show what each preset stands for.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def presets(*, as_json: bool) -> None:
    """Show what each preset stands for; entries that no reference result confirms yet are marked "?"."""
    fields = list(next(iter(PRESETS.values())))
    if as_json:
        _echo_json(
            {
                name: {
                    "program": PROGRAMS[name],
                    "settings": dict(table),
                    "unverified": sorted(field for preset, field in UNVERIFIED if preset == name),
                }
                for name, table in PRESETS.items()
            }
        )
        return
    from evisynth.cli.tables import print_table  # noqa: PLC0415 - rich only for tables

    rows = [(field, *(_entry(name, field) for name in PRESETS)) for field in fields]
    print_table(("", *(name if name == PROGRAMS[name] else f"{name}: {PROGRAMS[name]}" for name in PRESETS)), rows)
    if UNVERIFIED:
        click.echo("? no reference result confirms this entry yet")


def _entry(preset: str, field: str) -> str:
    value = PRESETS[preset].get(field)
    if value == BY_INTERVAL:
        pairs = PREDICTION_BY_INTERVAL[preset].items()
        value = ", ".join(f"{prediction} with {interval}" for interval, prediction in pairs)
    mark = " ?" if (preset, field) in UNVERIFIED else ""
    return f"{'none' if value is None else value}{mark}"


@click.command("schema")
@click.argument("name")
def schema_command(name: str) -> None:
    """Print a JSON Schema: result, request or error."""
    click.echo(json.dumps(schema(name), ensure_ascii=False, indent=2).encode())
