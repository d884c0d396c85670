"""Adjust for selection by a smooth function of p, whichever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import BiasResult, FloatArray, MetaAnalysis, SettingsError
from evisynth_estimators import selection_functions as functions
from evisynth_estimators.selection_plans import SmoothOptions, fit_smooth
from evisynth_estimators.selection_settings import (
    Answer,
    Setting,
    adjust,
    check_deltas,
    check_steps,
    check_word,
    in_group,
)
from evisynth_estimators.study_sizes import study_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth_estimators.selection_functions import WeightFunction
    from evisynth_estimators.small_study_data import Pooled

PRECISIONS = ("sei", "vi", "ninv", "sqrtninv")
POWER_UNDEFINED = "delta 2 is not defined under no selection, so that the p-value by χ² is approximate at best"


@attrs.frozen
class SmoothModel:
    """Hold the choices of a smooth weight function."""

    name: str
    variant: str
    reference: str
    function: WeightFunction

    def adjust(  # noqa: PLR0913 - options of the models
        self,
        analysis: MetaAnalysis,
        *,
        delta: Sequence[float | None] | None,
        side: str,
        subset: Sequence[object] | None,
        interval: str,
        prec: str | None = None,
        n: Sequence[float] | None = None,
        steps: Sequence[float] | None = None,
        censor: tuple[float, float] = (1e-5, 1e-5),
    ) -> BiasResult:
        """Check the options that smooth functions share, and fit."""
        function = self.function
        given = check_deltas(
            self.name,
            delta,
            len(function.names),
            zero=not (function.reach_of_power or function is functions.BETA),
        )
        alpha: float | None = None
        variant = self.variant
        if steps is not None:
            cuts = check_steps(self.name, steps)
            if len(cuts) != 1:
                msg = f"steps of {self.name} is one p-value below which every study is published, not {steps!r}"
                raise SettingsError(msg)
            alpha = cuts[0]
            variant += f", w = 1 for p ≤ {alpha:g}"
        if prec is not None:
            check_word(self.name, "prec", prec, PRECISIONS)
            variant += f", by precision ({prec})"
        estimated = len(function.names) if given is None else sum(value is None for value in given)

        def fit(setting: Setting) -> Answer | str:
            precision = None if prec is None else _precision(analysis, setting.studies, prec, n)
            if isinstance(precision, str):
                return precision
            fitted = fit_smooth(
                setting.sample,
                SmoothOptions(
                    function=function,
                    two_sided=setting.two_sided,
                    group=setting.group,
                    precision=precision,
                    alpha=alpha,
                    censor=censor,
                    delta=given,
                ),
            )
            names = tuple(in_group(part, group) for group in setting.groups for part in function.names)
            null = function.null[: len(function.names)] * len(setting.groups)
            two = function is functions.NEGATIVE_EXPONENTIAL_POWER and estimated == len(function.names)
            return Answer(
                fitted,
                names,
                null,
                estimated * len(setting.groups),
                (POWER_UNDEFINED,) if two else (),
                at_end=function.at_end,
            )

        return adjust(
            analysis,
            (self.name, variant, self.reference),
            fit,
            estimated=estimated,
            side=side,
            subset=subset,
            interval=interval,
        )


def _precision(analysis: MetaAnalysis, studies: Pooled, prec: str, n: Sequence[float] | None) -> FloatArray | str:
    """Give how imprecise each study is, 1 for the least precise."""
    if prec in {"sei", "vi"}:
        size = np.sqrt(studies.v) if prec == "sei" else studies.v
    else:
        sizes = study_sizes(analysis, studies, n)
        if isinstance(sizes, str):
            return sizes
        size = 1.0 / (np.sqrt(sizes) if prec == "sqrtninv" else sizes)
    return np.asarray(size / size.max())
