"""Hold what tests and adjustments for small-study effects say, in one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from evisynth.fits import Estimate
    from evisynth.results import MetaAnalysis

FILLED = "filled"


@attrs.frozen(kw_only=True)
class BiasStudy:
    """Hold a study that a method filled in, weighted or set aside, with its effect on the analysis scale."""

    study: str
    y: float
    v: float
    change: str
    """What was done with it, in a word or two: ``"filled"``, ``"set aside"``, ``"weighted"``."""
    weight: float | None = None
    """Its share of the adjusted result or its probability of publication, as ``change`` says; None without one."""


@attrs.frozen(kw_only=True)
class Convergence:
    """Hold how a maximum was found: whether it is one, whether the surface is flat there, and from how many starts."""

    converged: bool
    flat: bool = False
    """Whether the likelihood has no curvature in some direction: its estimates cannot be told apart there."""
    starts: int = 1
    modes: int = 1
    """Different maxima that the starts led to; the highest is taken."""
    log_likelihood: float | None = None
    at_bounds: tuple[str, ...] = ()
    """Names of the parameters that lie at the end of their range."""


@attrs.frozen(kw_only=True)
class BiasResult:
    """Hold a test for small-study effects, an effect adjusted for them, or both.

    Where nothing can be said ``statistic``, ``p_value`` and ``after`` are None and ``reason`` says why. All effects are
    on the analysis scale.
    """

    name: str
    variant: str
    """What exactly was done: several methods go by the same name."""
    k: int = 0
    """Studies that it is made of."""
    statistic: float | None = None
    symbol: str = ""
    """What the statistic is called: ``"t"``, ``"z"``, ``"χ²"``, ``"N"``."""
    df: float | None = None
    p_value: float | None = None
    asymmetry: Estimate | None = None
    """The coefficient that is tested."""
    limit: Estimate | None = None
    """The effect at infinite precision, where a test estimates it."""
    before: Estimate | None = None
    """The pooled effect before the adjustment."""
    after: Estimate | None = None
    """The adjusted effect."""
    analysis: MetaAnalysis | None = None
    """The adjusted analysis, where the adjusted effect is the result of one."""
    parameters: Mapping[str, Estimate] = attrs.field(factory=dict[str, "Estimate"])
    """Further estimates by name: τ², the weights of a selection model, regression coefficients."""
    figures: Mapping[str, float] = attrs.field(factory=dict[str, float])
    """Further numbers by name: the number of missing studies, significant results observed and expected."""
    table: tuple[Mapping[str, float | str | None], ...] = ()
    """Rows of a table that the method gives, such as a sensitivity analysis, each by column."""
    studies: tuple[BiasStudy, ...] = ()
    """Studies that were filled in, weighted or set aside."""
    side: str | None = None
    """Where studies are taken to be missing, or which direction of effects is taken to be favoured."""
    convergence: Convergence | None = None
    """How the maximum was found, for methods that search one."""
    warnings: tuple[str, ...] = ()
    reason: str | None = None
    reference: str = ""

    @property
    def added(self) -> tuple[tuple[float, float], ...]:
        """The effects that were filled in, as pairs of y and v."""
        return tuple((study.y, study.v) for study in self.studies if study.change == FILLED)

    def to_dict(self) -> dict[str, Any]:
        """Give the result as JSON-ready values, effects on the analysis scale."""
        from evisynth.bias_documents import result_document  # noqa: PLC0415 - only when asked for

        return result_document(self)


@attrs.frozen(eq=False)
class BiasSurvey:
    """Hold the tests and adjustments that were made of one analysis, in the order of the registry."""

    analysis: MetaAnalysis
    results: tuple[BiasResult, ...]
    title: str = ""
    """What the analysis is of: the outcome of a review."""

    def __iter__(self) -> Iterator[BiasResult]:
        """Go through the results."""
        return iter(self.results)

    def __len__(self) -> int:
        """Count the results."""
        return len(self.results)

    def __getitem__(self, name: str) -> BiasResult:
        """Find a result by the name of its method, in letters of either case; raises `KeyError` where there is none."""
        for result in self.results:
            if result.name.casefold() == name.casefold():
                return result
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Give the whole survey as JSON-ready values."""
        from evisynth.bias_documents import survey_document  # noqa: PLC0415 - only when asked for

        return survey_document(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """Give the whole survey as strict JSON."""
        from evisynth.documents import strict_json  # noqa: PLC0415 - only when asked for

        return strict_json(self.to_dict(), indent=indent)

    def to_frame(self) -> pd.DataFrame:
        """Give a row per method, with columns of the glossary."""
        from evisynth.bias_documents import survey_frame  # noqa: PLC0415 - pandas only when asked for

        return survey_frame(self)
