"""Find the studies that are significant on the favoured side, and what methods made for them start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth import SettingsError, normal_quantile
from evisynth_estimators.small_study_data import pooled_studies

if TYPE_CHECKING:
    from evisynth import BoolArray, FloatArray, MetaAnalysis

SIDES = ("auto", "right", "left")
NO_STUDIES = "there are no studies with an effect"
MODERATORS = "{name} is for one pooled effect, not for a meta-regression"
NONE_SIGNIFICANT = (
    "none of {k} studies is significant at {alpha:g} (two-sided) on the {side} side: {name} is made of those that are"
)


@attrs.frozen(eq=False)
class Selected:
    """Hold the effects of an analysis, turned so that the favoured side is the right one.

    ``y`` and ``se`` ``(k,)``; ``z = y/se``; ``cut`` is the critical value of z, ``significant`` where z is above it.
    """

    y: FloatArray
    se: FloatArray
    sign: float
    cut: float
    significant: BoolArray
    study: tuple[str, ...]

    @property
    def z(self) -> FloatArray:
        """The effects in standard errors."""
        return self.y / self.se

    @property
    def above(self) -> FloatArray:
        """How far each z lies above the critical value."""
        return self.z - self.cut

    @property
    def side(self) -> str:
        """The favoured side: ``"right"`` for positive effects."""
        return "right" if self.sign > 0 else "left"


def checked_word(name: str, option: str, value: str, words: tuple[str, ...]) -> None:
    """Raise `SettingsError` for a word that an option does not have."""
    if value not in words:
        msg = f"{option} of {name} is one of {', '.join(map(repr, words))}, not {value!r}"
        raise SettingsError(msg)


def checked_share(name: str, option: str, value: float) -> None:
    """Raise `SettingsError` for a level of significance or of confidence that is not between 0 and 1."""
    if not 0.0 < value < 1.0:
        msg = f"{option} of {name} is a number between 0 and 1, not {value!r}"
        raise SettingsError(msg)


def selected_studies(analysis: MetaAnalysis, name: str, side: str, alpha: float) -> Selected | str:
    """Turn the effects to the favoured side and mark the significant ones; a reason where there is no effect.

    ``side="auto"`` is the direction of the pooled effect. Studies are taken to be tested by z at ``alpha``, two-sided,
    so that only ``alpha/2`` lies on the favoured side; of an effect of exactly 0 it is the right one.
    """
    checked_word(name, "side", side, SIDES)
    checked_share(name, "alpha", alpha)
    if analysis.is_regression:
        return MODERATORS.format(name=name)
    studies = pooled_studies(analysis)
    if not studies.k or analysis.pooled is None:
        return NO_STUDIES
    left = analysis.pooled.value < 0.0 if side == "auto" else side == "left"
    sign = -1.0 if left else 1.0
    y, se = sign * studies.y, np.sqrt(studies.v)
    cut = normal_quantile(1.0 - alpha)
    return Selected(y, se, sign, cut, y / se > cut, studies.study)
