"""Hold what a meta-regression answers: tests, combinations of coefficients, predictions, inflation factors."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from evisynth.fits import Display, Estimate, Estimates
from evisynth.models import display_of

if TYPE_CHECKING:
    import pandas as pd

    from evisynth.kernels.arrays import FloatArray
    from evisynth.scales import Scale


@attrs.frozen
class JointTest:
    """Hold a test that several combinations are 0: χ² (``df_residual`` None), or F with ``df_residual``.

    ``statistic`` is Wald's, divided by ``df`` for F. None with a ``reason`` where there is no such test.
    """

    statistic: float | None
    df: int
    df_residual: float | None
    p_value: float | None
    terms: tuple[str, ...]
    reason: str | None = None

    @property
    def name(self) -> str:
        """Distribution of the statistic: ``chi2`` or ``F``."""
        return "chi2" if self.df_residual is None else "F"

    def to_dict(self) -> dict[str, Any]:
        """Give the test as JSON-ready values."""
        return {"name": self.name, **attrs.asdict(self)}


@attrs.frozen(eq=False)
class Combinations:
    """Hold linear combinations of coefficients with their intervals and tests, and the test that all are 0."""

    labels: tuple[str, ...]
    estimates: Estimates
    """First row: the combinations; arrays ``(1 or more, n)``."""
    joint: JointTest
    scale: Scale

    def __len__(self) -> int:
        """Count the combinations."""
        return len(self.labels)

    def __getitem__(self, place: int | str) -> Estimate:
        """Take one combination by place or label."""
        i = self.labels.index(place) if isinstance(place, str) else place
        return one_of(self.estimates, i)

    def records(self) -> list[dict[str, Any]]:
        """Give a row per combination."""
        return [{"term": label, **row_of(self[i], self.scale)} for i, label in enumerate(self.labels)]

    def to_frame(self) -> pd.DataFrame:
        """Give `records` as a table."""
        import pandas as pd  # noqa: PLC0415 - pandas only when asked for

        return pd.DataFrame(self.records())


@attrs.frozen(eq=False)
class Predictions:
    """Hold the mean effects at values of the moderators: each ``(n,)`` on the analysis scale.

    Prediction limits are NaN where there are none, with the ``prediction_reason``.
    """

    labels: tuple[str, ...]
    value: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    df: FloatArray
    """Degrees of freedom of the interval; infinite for a normal one."""
    prediction_low: FloatArray
    prediction_high: FloatArray
    prediction_reason: str | None
    scale: Scale

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.labels)

    @cached_property
    def display(self) -> tuple[Display, ...]:
        """Means and their intervals on the scale shown to readers."""
        rows = zip(self.value.tolist(), self.ci_low.tolist(), self.ci_high.tolist(), strict=True)
        return tuple(Display(self.scale.show(value), *self.scale.show_limits(*limits)) for value, *limits in rows)

    def records(self) -> list[dict[str, Any]]:
        """Give a row per row of the new data, on both scales."""
        made: list[dict[str, Any]] = []
        for i, label in enumerate(self.labels):
            low, high = float(self.prediction_low[i]), float(self.prediction_high[i])
            shown_low, shown_high = self.scale.show_limits(low, high)
            shown = self.display[i]
            made.append(
                {
                    "name": label,
                    "effect": float(self.value[i]),
                    "se": float(self.se[i]),
                    "ci_low": float(self.ci_low[i]),
                    "ci_high": float(self.ci_high[i]),
                    "prediction_low": low,
                    "prediction_high": high,
                    "display": shown.value,
                    "display_ci_low": shown.ci_low,
                    "display_ci_high": shown.ci_high,
                    "display_prediction_low": shown_low,
                    "display_prediction_high": shown_high,
                }
            )
        return made

    def to_frame(self) -> pd.DataFrame:
        """Give `records` as a table."""
        import pandas as pd  # noqa: PLC0415 - pandas only when asked for

        return pd.DataFrame(self.records())


@attrs.frozen
class Inflation:
    """Hold a (generalised) variance inflation factor and, comparable between terms, its root per coefficient."""

    term: str
    coefficients: tuple[str, ...]
    gvif: float
    scaled: float
    """``gvif^(1/(2 m))`` of m coefficients: the factor of a standard error."""


def one_of(estimates: Estimates, i: int) -> Estimate:
    """Take one combination of several, the first coefficients of models side by side."""
    first = attrs.evolve(
        estimates,
        **{name: getattr(estimates, name)[0] for name in ARRAYS},
        df=estimates.df[0] if isinstance(estimates.df, np.ndarray) and estimates.df.ndim > 1 else estimates.df,
    )
    one = first.one(i)
    normal = estimates.without_df is not None and bool(np.ravel(estimates.without_df)[i])
    return attrs.evolve(one, df=None) if normal else one


ARRAYS = ("value", "se", "ci_low", "ci_high", "statistic", "p_value", "log_p_value")


def row_of(one: Estimate, scale: Scale) -> dict[str, Any]:
    """Give an estimate as a row of a table, on both scales."""
    shown = display_of(one, scale)
    return {
        "effect": one.value,
        "se": one.se,
        "ci_low": one.ci_low,
        "ci_high": one.ci_high,
        "statistic": one.statistic,
        "df": one.df,
        "p_value": one.p_value,
        "log_p_value": one.log_p_value,
        "display": shown.value,
        "display_ci_low": shown.ci_low,
        "display_ci_high": shown.ci_high,
    }
