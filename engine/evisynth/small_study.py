"""The verb `bias`: tests and adjustments for small-study effects, by name, one or all that the registry holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import attrs

from evisynth.errors import CombinationError, PluginError, UnknownMethodError
from evisynth.option_kinds import refuse_other_kinds
from evisynth.pooling import call
from evisynth.records import Adjustment, BiasTest
from evisynth.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth.bias_results import BiasResult, BiasSurvey
    from evisynth.registry import Registry
    from evisynth.results import MetaAnalysis

FEWEST = 10
"""Studies from which tests are made unless asked for: Sterne et al. (2011), BMJ 343:d4002."""
OWN_WEIGHTS = "studies count here by their variances, not by the weights that the analysis was given"
NO_NULL = (
    "this measure has no value that stands for no effect: where the method looks at significance, it is that of a "
    "difference from 0 on the analysis scale"
)
TOO_FEW = "{k} studies: tests for small-study effects are made from {fewest} on unless they are asked for"


def bias(
    analysis: MetaAnalysis,
    method: str = "Egger",
    *,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each method's own
) -> BiasResult:
    """Test for small-study effects, or adjust for them; where that cannot be done the result says why.

    ``method`` is the name of a test or of an adjustment: ``"Egger"``, ``"trim-and-fill"``, ``"PET-PEESE"``, ….

    Raises `UnknownMethodError` for another name and `SettingsError` for an option that the method does not have or a
    value that it does not take.
    """
    _require_one(analysis)
    registry = registry or analysis.methods.registry
    record = bias_method(registry, method)
    record.refuse_unknown(options)
    # What can be gone through but once would be empty for the method.
    options = {name: _held(value) for name, value in options.items()}
    try:
        made: BiasResult = call(registry, record, analysis, **options)
    except PluginError as error:
        # Methods have words of their own for most; what they stumble over is no fault of theirs.
        refuse_other_kinds(record, options, because=error)
        raise
    return _with_caveats(made, analysis)


def _held(value: object) -> object:
    return tuple(cast("Iterator[object]", value)) if isinstance(value, Iterator) else value


def _require_one(analysis: object) -> None:
    # By name: whoever holds one analysis has no need of what else there is.
    if type(analysis).__name__ != "MetaAnalysis":
        msg = (
            "tests for small-study effects are of one analysis, as es.fit gives it of a table, a review of an outcome "
            f"(review_analysis['1.2'].analysis), not of {type(analysis).__name__}"
        )
        raise CombinationError(msg)


def _with_caveats(made: BiasResult, analysis: MetaAnalysis) -> BiasResult:
    """Add what is to be known of any method beside this analysis."""
    if made.reason is not None:
        return made
    found: list[str] = []
    if analysis.effects.weights is not None or analysis.settings.weighting == "equal":
        found.append(OWN_WEIGHTS)
    if analysis.scale.null is None:
        found.append(NO_NULL)
    return attrs.evolve(made, warnings=(*made.warnings, *found)) if found else made


def bias_methods(registry: Registry | None = None) -> tuple[BiasTest | Adjustment, ...]:
    """List all tests and then all adjustments, in the order of registration."""
    registry = registry or default_registry()
    return (*registry.all(BiasTest), *registry.all(Adjustment))


def bias_method(registry: Registry, name: str) -> BiasTest | Adjustment:
    """Find a test or an adjustment by name; raises `UnknownMethodError` with the names of both."""
    name = str(name)
    try:
        return registry.get(BiasTest, name)
    except UnknownMethodError:
        pass
    try:
        return registry.get(Adjustment, name)
    except UnknownMethodError as error:
        names = [record.name for record in bias_methods(registry)]
        broken = [f"{plugin} ({plugin.problem})" for plugin in registry.broken]
        kinds = f"{BiasTest.kind} or {Adjustment.kind}"
        raise UnknownMethodError(kinds, name, names, broken) from error


def bias_survey(
    analysis: MetaAnalysis,
    methods: str | tuple[str, ...] | None = None,
    *,
    fewest: int = FEWEST,
    registry: Registry | None = None,
    title: str = "",
    progress: Callable[[str], object] | None = None,
) -> BiasSurvey:
    """Make every test and adjustment, or those named, with their default options.

    With fewer than ``fewest`` studies none is made and each says so, as the Handbook advises and reviews do;
    ``fewest=0`` makes them all. ``progress`` is told the name of each method before it is made.
    """
    from evisynth.bias_results import BiasSurvey  # noqa: PLC0415 - not on the import path of the plain verbs

    _require_one(analysis)
    registry = registry or analysis.methods.registry
    if isinstance(methods, str):
        methods = (methods,)
    names = tuple(record.name for record in bias_methods(registry)) if methods is None else methods
    made: list[BiasResult] = []
    for name in names:
        record = bias_method(registry, name)
        if progress is not None:
            progress(record.name)
        if analysis.k < fewest:
            made.append(_not_made(record, analysis.k, fewest))
        else:
            made.append(_made(registry, record, analysis))
    return BiasSurvey(analysis, tuple(made), title)


def _made(registry: Registry, record: BiasTest | Adjustment, analysis: MetaAnalysis) -> BiasResult:
    """Make one of many: what is wrong with a method must not cost the others."""
    from evisynth.bias_results import BiasResult  # noqa: PLC0415 - not on the import path of the plain verbs

    try:
        result: BiasResult = call(registry, record, analysis)
    except PluginError as error:
        return BiasResult(
            name=record.name, variant="failed", k=analysis.k, reason=str(error), reference=record.reference
        )
    return _with_caveats(result, analysis)


def _not_made(record: BiasTest | Adjustment, k: int, fewest: int) -> BiasResult:
    from evisynth.bias_results import BiasResult  # noqa: PLC0415 - not on the import path of the plain verbs

    reason = TOO_FEW.format(k=k, fewest=fewest)
    return BiasResult(name=record.name, variant="not made", k=k, reason=reason, reference=record.reference)
