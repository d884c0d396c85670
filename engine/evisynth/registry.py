"""Collect what plugins offer: each is asked once, when it is registered, and its records are kept by kind and name."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar, cast

import attrs
import pluggy

from evisynth import hookspecs
from evisynth.errors import PluginWarning, UnknownMethodError
from evisynth.records import KINDS, Method

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from importlib.metadata import EntryPoint

OWN_DISTRIBUTION = "evisynth"

M = TypeVar("M", bound=Method)


@attrs.frozen
class Plugin:
    """Say which distribution and module a plugin came from, and what became of it."""

    name: str
    distribution: str
    version: str
    module: str
    methods: tuple[Method, ...] = ()
    problem: str | None = None
    """Why it was left out; None for a plugin in use."""

    def __str__(self) -> str:
        """Name the plugin and its distribution."""
        return f"{self.name!r} of {self.distribution} {self.version}".rstrip()


class Registry:
    """Keep records under ``(kind, name)``; names are compared without regard to case.

    A plugin that fails to load, misspells a hook, yields something else than records or takes a name that is taken is
    left out whole, with a `PluginWarning`, and named again when a method is not found.
    """

    def __init__(self, *, load: bool = True) -> None:
        """Start with all installed plugins, our own distribution first; with ``load=False`` empty."""
        self._methods: dict[tuple[type[Method], str], tuple[Method, Plugin]] = {}
        self._also: dict[tuple[type[Method], str], tuple[Method, Plugin]] = {}
        self._plugins: list[Plugin] = []
        self._manager = pluggy.PluginManager(hookspecs.ENTRY_POINT_GROUP)
        self._manager.add_hookspecs(hookspecs)
        if load:
            for entry_point, distribution, version in installed_plugins():
                self._load(entry_point, distribution, version)

    def __reduce__(self) -> tuple[Callable[[], Registry], tuple[()]]:
        """Pickle and copy the default registry as "the default registry"; another one holds modules and cannot be."""
        if self is not default_registry():
            msg = "a registry of one's own cannot be pickled or copied; a result made with the default registry can"
            raise TypeError(msg)
        return default_registry, ()

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """All plugins in the order they were registered, those left out included."""
        return tuple(self._plugins)

    @property
    def broken(self) -> tuple[Plugin, ...]:
        """Plugins that were left out."""
        return tuple(plugin for plugin in self._plugins if plugin.problem is not None)

    def register(
        self,
        plugin: object,
        name: str | None = None,
        *,
        distribution: str = "(none)",
        version: str = "",
        module: str = "",
    ) -> None:
        """Ask a plugin (a module or any object with hook implementations) for its records and keep them."""
        name = name or str(getattr(plugin, "__name__", type(plugin).__name__))
        origin = Plugin(name, distribution, version, module or name)
        try:
            methods = self._ask(plugin, name)
            self._refuse_taken(methods)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a third party's code may raise anything
            self._leave_out(origin, error)
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            return
        origin = attrs.evolve(origin, methods=tuple(methods))
        self._plugins.append(origin)
        for method in methods:
            self._methods[type(method), method.name.casefold()] = (method, origin)
            self._also.update({(type(method), name.casefold()): (method, origin) for name in method.also})

    def get(self, kind: type[M], name: str) -> M:
        """Find a method by kind and name; raises `UnknownMethodError` with near names and what is there."""
        return cast("M", self._find(kind, name)[0])

    def provider(self, method: Method) -> Plugin:
        """Say which plugin a method came from."""
        return self._find(type(method), method.name)[1]

    def all(self, kind: type[M]) -> tuple[M, ...]:
        """List the methods of a kind in the order of registration."""
        return tuple(cast("M", method) for (of_kind, _), (method, _) in self._methods.items() if of_kind is kind)

    def __iter__(self) -> Iterator[tuple[Method, Plugin]]:
        """Go through all methods with their plugins, by kind and then in the order of registration."""
        order = {kind: position for position, kind in enumerate(KINDS)}
        return iter(sorted(self._methods.values(), key=lambda item: order[type(item[0])]))

    def _find(self, kind: type[Method], name: object) -> tuple[Method, Plugin]:
        key = (kind, name.casefold()) if isinstance(name, str) else None
        found = None if key is None else self._methods.get(key) or self._also.get(key)
        if found is None:
            available = [method.name for method in self.all(kind)]
            broken = [f"{plugin} ({plugin.problem})" for plugin in self.broken]
            raise UnknownMethodError(kind.kind, str(name), available, broken)
        return found

    def _load(self, entry_point: EntryPoint, distribution: str, version: str) -> None:
        try:
            module = entry_point.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a third party's module may raise anything
            self._leave_out(Plugin(entry_point.name, distribution, version, entry_point.module), error)
            return
        name = entry_point.name if distribution == OWN_DISTRIBUTION else f"{distribution}:{entry_point.name}"
        self.register(module, name, distribution=distribution, version=version, module=entry_point.module)

    def _leave_out(self, plugin: Plugin, error: BaseException) -> None:
        problem = f"{type(error).__name__}: {error}" if not isinstance(error, _PluginProblem) else str(error)
        plugin = attrs.evolve(plugin, problem=problem)
        self._plugins.append(plugin)
        warnings.warn(f"plugin {plugin} is left out: {problem}", PluginWarning, stacklevel=4)

    def _ask(self, plugin: object, name: str) -> list[Method]:
        self._manager.register(plugin, name)
        known = {kind.hook: kind for kind in KINDS}
        methods: list[Method] = []
        for hook in self._manager.get_hookcallers(plugin) or ():
            implementation = next(impl for impl in hook.get_hookimpls() if impl.plugin is plugin)
            if hook.name not in known:
                raise _PluginProblem(_misspelt(hook.name, known))
            if implementation.argnames or implementation.kwargnames:
                msg = f"hook {hook.name} takes no arguments"
                raise _PluginProblem(msg)
            records = cast("Callable[[], Iterable[Method]]", implementation.function)()
            methods.extend(_checked_records(records, known[hook.name]))
        if not methods:
            msg = "it offers no methods: mark a hook function with @hookimpl and return a list of records"
            raise _PluginProblem(msg)
        return methods

    def _refuse_taken(self, methods: list[Method]) -> None:
        own: set[tuple[type[Method], str]] = set()
        for method in methods:
            for name in (method.name, *method.also):
                key = (type(method), name.casefold())
                taken = self._methods.get(key) or self._also.get(key)
                if taken is not None:
                    msg = f"{method.kind} {name!r} is taken by plugin {taken[1]}"
                    raise _PluginProblem(msg)
                if key in own:
                    msg = f"it offers {method.kind} {name!r} twice"
                    raise _PluginProblem(msg)
                own.add(key)


class _PluginProblem(Exception):  # noqa: N818 - never leaves this module
    pass


def _misspelt(name: str, known: Iterable[str]) -> str:
    # difflib is slow to import and only a misspelt hook needs it.
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(name, list(known), n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"there is no hook {name!r}{hint}; hooks: {', '.join(known)}"


def _checked_records(records: object, kind: type[Method]) -> list[Method]:
    if not isinstance(records, list | tuple):
        msg = f"hook {kind.hook} returns a list of {kind.kind}, not {type(records).__name__}"
        raise _PluginProblem(msg)
    checked: list[Method] = []
    for record in cast("Iterable[object]", records):
        if type(record) is not kind:
            msg = f"hook {kind.hook} yields {kind.kind} records, not {type(record).__name__}"
            raise _PluginProblem(msg)
        checked.append(record)
    return checked


def installed_plugins() -> list[tuple[EntryPoint, str, str]]:
    """List the entry points of our group, each with name and version of its distribution.

    Our own come first, then the others by distribution and name.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 - parses every installed distribution's metadata

    # A distribution parses its metadata anew whenever it is asked for its name.
    known: dict[int, tuple[str, str]] = {}
    unique: dict[tuple[str, str, str], tuple[EntryPoint, str, str]] = {}
    for entry_point in entry_points(group=hookspecs.ENTRY_POINT_GROUP):
        of = entry_point.dist
        if of is not None and id(of) not in known:
            known[id(of)] = (of.name, of.version)
        name, version = ("(unknown)", "") if of is None else known[id(of)]
        unique[name, entry_point.name, entry_point.value] = (entry_point, name, version)
    return sorted(unique.values(), key=lambda found: (found[1] != OWN_DISTRIBUTION, found[1].casefold()))


@lru_cache(maxsize=1)
def default_registry() -> Registry:
    """Give the registry of all installed plugins, made at the first use."""
    return Registry()
