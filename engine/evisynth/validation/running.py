"""Run a validation: choose methods, run every set of references, replay the user's data."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

from evisynth.errors import SettingsError
from evisynth.provenance import engine_version
from evisynth.records import KINDS, ReferenceSet
from evisynth.registry import Registry, default_registry
from evisynth.validation.agreements import MethodKey, key_of
from evisynth.validation.asking import Asked
from evisynth.validation.installation import qualify_installation
from evisynth.validation.operation import live_source, qualify_operation, sources_of
from evisynth.validation.performance import qualify_performance
from evisynth.validation.results import Validation

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence


def validate(  # noqa: PLR0913 - keyword-only choices of the command
    *,
    methods: Iterable[str] = (),
    plugins: Iterable[str] = (),
    quick: bool = False,
    data: Sequence[str | os.PathLike[str]] = (),
    measure: str | None = None,
    settings: str | None = None,
    live_r: bool = False,
    registry: Registry | None = None,
    progress: Callable[[str, int], object] | None = None,
) -> Validation:
    """Hold the installed methods to every reference that applies to them.

    ``methods`` are names (``"REML"``) or names of a kind (``"Tau2Estimator:REML"``), ``plugins`` names of
    distributions, modules or entry points; without either all methods are asked for. ``quick`` takes a share of the
    cases. ``data`` are files of the user's to be replayed, with the preset ``settings`` and, for a table, the
    ``measure``. ``live_r`` also runs R on this machine. ``progress`` is told what is run and the count so far, -1 where
    it has ended. Raises `SettingsError` for a method or plugin that is not there.
    """
    begun, start = datetime.now(UTC), perf_counter()
    registry = registry or default_registry()

    def replaying(place: str) -> None:
        if progress is not None:
            progress(f"replaying {place}", 0)

    asked = Asked(registry, _keys(registry, tuple(methods), tuple(plugins)), quick)
    sources = sources_of(asked)
    live: Mapping[str, str] | None = None
    if live_r:
        from evisynth.validation import live_r as of_r  # noqa: PLC0415 - R only where it is asked for

        sources.append(live_source(of_r.live_comparison))
        live = of_r.versions()
    installation = qualify_installation(registry)
    operation = qualify_operation(asked, sources, progress)
    performance = tuple(
        qualify_performance(path, settings=settings, measure=measure, registry=registry, progress=replaying)
        for path in data
    )
    return Validation(
        engine_version(),
        begun.strftime("%Y-%m-%dT%H:%M:%SZ"),
        perf_counter() - start,
        quick,
        installation,
        operation,
        performance,
        live,
    )


def _keys(registry: Registry, methods: Sequence[str], plugins: Sequence[str]) -> frozenset[MethodKey] | None:
    if not methods and not plugins:
        return None
    found: set[MethodKey] = set()
    for name in plugins:
        found.update(_of_plugin(registry, name))
    for name in methods:
        found.update(_named(registry, name))
    return frozenset(found)


def _of_plugin(registry: Registry, name: str) -> set[MethodKey]:
    asked = _folded(name)
    for plugin in registry.broken:
        if asked in map(_folded, (plugin.name, plugin.distribution, plugin.module)):
            msg = f"plugin {plugin} is left out: {plugin.problem}"
            raise SettingsError(msg)
    found = {
        key_of(method)
        for method, plugin in registry
        if asked in map(_folded, (plugin.name, plugin.name.rpartition(":")[2], plugin.distribution, plugin.module))
    }
    if not found:
        have = ", ".join(dict.fromkeys(plugin.distribution for plugin in registry.plugins))
        msg = f"no plugin {name!r} is installed; distributions with plugins: {have}"
        raise SettingsError(msg)
    return found


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_").replace(".", "_")


def _named(registry: Registry, text: str) -> set[MethodKey]:
    of_kind, colon, name = text.partition(":")
    kinds: list[Any] = [kind for kind in KINDS if kind is not ReferenceSet]
    chosen = [kind for kind in kinds if of_kind.casefold() in {kind.kind.casefold(), kind.hook}] if colon else []
    wanted = name if chosen else text
    found = {
        key_of(method)
        for method, _ in registry
        if type(method) in (chosen or kinds)
        and wanted.casefold() in {one.casefold() for one in (method.name, *method.also)}
    }
    if not found:
        # The registry's own message has near names.
        for kind in chosen or kinds[:1]:
            if chosen:
                registry.get(kind, wanted)
        msg = f"no method is called {text!r}: `evisynth methods` lists all; KIND:NAME is one of a kind"
        raise SettingsError(msg)
    return found
