"""Say with which versions a result was made, and of which input."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evisynth.results import MetaAnalysis
    from evisynth.studies import Effects


def engine_version() -> str:
    """Give the version of the installed distribution."""
    try:
        return version("evisynth")
    except PackageNotFoundError:
        return "(not installed)"


def input_digest(effects: Effects) -> str:
    """Digest the input (labels and numbers, in order) with SHA-256."""
    digest = hashlib.sha256()
    source = effects.studies
    columns = {"yi": effects.y, "vi": effects.v} if source is None else source.columns
    if effects.weights is not None:
        columns = {**columns, "weights": effects.weights}
    for label in effects.study:
        digest.update(label.encode(errors="surrogatepass") + b"\0")
    for name in sorted(columns):
        digest.update(name.encode() + b"\0" + columns[name].astype("<f8").tobytes())
    return f"sha256:{digest.hexdigest()}"


def describe(analysis: MetaAnalysis) -> dict[str, Any]:
    """Name engine, plugins and libraries with their versions, the source and the digest of the input."""
    registry = analysis.methods.registry
    methods = [
        {
            "kind": method.kind,
            "name": method.name,
            "plugin": plugin.module,
            "distribution": plugin.distribution,
            "version": plugin.version,
        }
        for method in (*analysis.methods.used(), *analysis.routes, *analysis.conversions)
        for plugin in [registry.provider(method)]
    ]
    source = analysis.effects.studies
    return {
        "engine": "evisynth",
        "version": engine_version(),
        "methods": methods,
        "libraries": {name: version(name) for name in ("numpy", "scipy")},
        "input": {"source": None if source is None else source.source, "digest": input_digest(analysis.effects)},
    }
