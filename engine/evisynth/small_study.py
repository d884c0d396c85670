"""The verbs `bias` and `adjust`: tests and adjustments for small-study effects, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evisynth.pooling import call
from evisynth.records import Adjustment, BiasTest

if TYPE_CHECKING:
    from evisynth.bias_results import Adjusted, BiasTestResult
    from evisynth.registry import Registry
    from evisynth.results import MetaAnalysis


def bias(
    analysis: MetaAnalysis,
    test: str = "Egger",
    *,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each test's own
) -> BiasTestResult:
    """Test for small-study effects; where the test cannot be made its result says why.

    Raises `UnknownMethodError` for another test and `SettingsError` for an option that it does not have.
    """
    registry = registry or analysis.methods.registry
    record = registry.get(BiasTest, test)
    record.refuse_unknown(options)
    made: BiasTestResult = call(registry, record, analysis, **options)
    return made


def adjust(
    analysis: MetaAnalysis,
    adjustment: str = "trim-and-fill",
    *,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each adjustment's own
) -> Adjusted:
    """Adjust a pooled effect for small-study effects; where that cannot be done the result says why.

    Raises `UnknownMethodError` for another adjustment and `SettingsError` for an option that it does not have.
    """
    registry = registry or analysis.methods.registry
    record = registry.get(Adjustment, adjustment)
    record.refuse_unknown(options)
    made: Adjusted = call(registry, record, analysis, **options)
    return made
