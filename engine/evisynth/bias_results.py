"""Hold what tests and adjustments for small-study effects say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from evisynth.fits import Estimate
    from evisynth.results import MetaAnalysis


@attrs.frozen(kw_only=True)
class BiasTestResult:
    """Hold a test for small-study effects.

    ``statistic``, ``df`` and ``p_value`` are None where the test cannot be made, with the ``reason``; ``intercept`` and
    ``limit`` are the asymmetry coefficient and the effect at infinite precision, where the test estimates them.
    """

    name: str
    variant: str
    """What exactly was done: several tests go by the same name."""
    statistic: float | None = None
    df: float | None = None
    p_value: float | None = None
    asymmetry: Estimate | None = None
    limit: Estimate | None = None
    k: int = 0
    warnings: tuple[str, ...] = ()
    reason: str | None = None
    reference: str = ""


@attrs.frozen(kw_only=True)
class Adjusted:
    """Hold a pooled effect adjusted for small-study effects.

    An adjustment gives either the adjusted ``analysis`` or, where it is none of its own, the ``estimate`` on the
    analysis scale; neither with the ``reason``. ``added`` are the effects that were filled in, as pairs of y and v.
    """

    name: str
    variant: str
    analysis: MetaAnalysis | None = None
    estimate: Estimate | None = None
    added: tuple[tuple[float, float], ...] = ()
    added_se: float | None = None
    """Standard error of the number of effects filled in."""
    side: str | None = None
    p_value: float | None = None
    """Test of no missing studies, where the estimator has one."""
    warnings: tuple[str, ...] = ()
    reason: str | None = None
    reference: str = ""

    @property
    def pooled(self) -> Estimate | None:
        """The adjusted effect on the analysis scale; None with a ``reason``."""
        if self.estimate is not None:
            return self.estimate
        return None if self.analysis is None else self.analysis.pooled
