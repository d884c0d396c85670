"""Hold a pooled model of which only totals are known, for interval methods that need no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evisynth.errors import EvisynthError
from evisynth.fits import Fit
from evisynth.kernels.weighted_fit import WeightedFit, intercept

if TYPE_CHECKING:
    from evisynth.kernels.arrays import FloatArray


class StudiesNeededError(EvisynthError):
    """Say that a method asks for single studies of a fit that has none; whoever made the fit makes a whole one then."""


class _TotalsFit(Fit):
    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of a fit
        if name in {"y", "v", "X", "w"}:
            raise StudiesNeededError(name)
        return super().__getattribute__(name)

    @property
    def k(self) -> int:
        """Number of studies."""
        return len(super().__getattribute__("y"))

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return 1


class _TotalsOfWeightedFit(WeightedFit):
    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of a fit
        if name in {"w", "residuals"}:
            raise StudiesNeededError(name)
        return super().__getattribute__(name)


def totals_fit(k: int, total: FloatArray, mean: FloatArray, rss: FloatArray, tau2: FloatArray, model: str) -> Fit:
    """Make the fits of m analyses of k studies from their sums of weights, means and residual sums of squares.

    All are ``(m,)``. Asked for anything of single studies it raises `StudiesNeededError`.
    """
    unknown = np.broadcast_to(np.nan, (k, mean.size))
    coefficients, covariance = mean[np.newaxis], (1.0 / total)[np.newaxis, np.newaxis]
    weighted = _TotalsOfWeightedFit(unknown, coefficients, covariance, unknown, k - 1)
    weighted.__dict__["rss"] = rss
    return _TotalsFit(
        y=unknown,
        v=unknown,
        X=intercept(k),
        w=unknown,
        tau2=tau2,
        coefficients=coefficients,
        covariance=covariance,
        model=model,
        method="IV",
        weighted=weighted,
    )
