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
    """Test for small-study effects; where the test cannot be made its result says why."""
    registry = registry or analysis.methods.registry
    made: BiasTestResult = call(registry, registry.get(BiasTest, test), analysis, **options)
    return made


def adjust(
    analysis: MetaAnalysis,
    adjustment: str = "trim-and-fill",
    *,
    registry: Registry | None = None,
    **options: Any,  # noqa: ANN401 - each adjustment's own
) -> Adjusted:
    """Adjust a pooled effect for small-study effects; where that cannot be done the result says why."""
    registry = registry or analysis.methods.registry
    made: Adjusted = call(registry, registry.get(Adjustment, adjustment), analysis, **options)
    return made
