"""Tell which conclusions, and which printed numbers, differ between two analyses of the same studies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from evisynth.handbook_bands import i2_bands

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evisynth.results import MetaAnalysis

Kind: TypeAlias = Literal[
    "estimability", "significance", "direction", "width", "i2_band", "prediction", "effect", "interval", "i2"
]
CONCLUSIONS: tuple[Kind, ...] = ("estimability", "significance", "direction", "width", "i2_band", "prediction")
"""What a reader concludes from a result, in the order of its weight."""
NUMBERS: tuple[Kind, ...] = ("effect", "interval", "i2")
"""Numbers as they are printed, which may move although no conclusion changes."""
_CONCLUSION_OF: Mapping[Kind, Kind] = {"interval": "width", "i2": "i2_band"}

NEGLIGIBLE = 1e-9
"""Part of a standard error within which an effect is none at all: sums are rounded."""
HUGE = 1e6
"""From here on a power of ten is easier to read."""


@attrs.frozen
class Difference:
    """Hold one conclusion, or printed number, that differs: in a few words, and what it is under either settings."""

    kind: Kind
    tag: str
    """What a table or a figure says of it: ``no longer significant``."""
    one: str
    other: str
    state: object = attrs.field(default=None, eq=False, repr=False)
    """What the second settings come to, so that other settings can be asked whether they come to the same."""


def differences(one: MetaAnalysis | None, other: MetaAnalysis | None, width_ratio: float) -> Mapping[Kind, Difference]:
    """Give the conclusions that differ, and the printed numbers that do, by their kind.

    ``width_ratio`` is how much wider an interval has to be (on the analysis scale) to count as much wider.
    """
    found = [
        _estimability(one, other),
        *(
            (
                *(compare(one, other) for compare in (_significance, _direction, _i2_band, _prediction)),
                _width(one, other, width_ratio),
                *(compare(one, other) for compare in (_effect, _interval, _i2)),
            )
            if one is not None and other is not None and one.pooled is not None and other.pooled is not None
            else ()
        ),
    ]
    by_kind = {difference.kind: difference for difference in found if difference is not None}
    # The number of a conclusion that changes has moved with it.
    moved = {number for number, conclusion in _CONCLUSION_OF.items() if conclusion in by_kind}
    return {kind: by_kind[kind] for kind in (*CONCLUSIONS, *NUMBERS) if kind in by_kind and kind not in moved}


def _estimability(one: MetaAnalysis | None, other: MetaAnalysis | None) -> Difference | None:
    first, second = (analysis is not None and analysis.pooled is not None for analysis in (one, other))
    if first == second:
        return None
    words = {True: "an effect", False: "no effect"}
    tag = "now estimable" if second else "no longer estimable"
    return Difference("estimability", tag, words[first], words[second], second)


def significant(analysis: MetaAnalysis) -> bool | None:
    """Say whether the pooled effect's p-value is below one less the level; None where there is nothing to test."""
    pooled = analysis.pooled
    if pooled is None or analysis.scale.null is None or math.isnan(pooled.p_value):
        return None
    return pooled.p_value < 1.0 - pooled.level


def _significance(one: MetaAnalysis, other: MetaAnalysis) -> Difference | None:
    first, second = significant(one), significant(other)
    if first is None or second is None or first == second:
        return None
    tag = "now significant" if second else "no longer significant"
    return Difference("significance", tag, _p_value(one), _p_value(other), second)


def _p_value(analysis: MetaAnalysis) -> str:
    assert analysis.pooled is not None  # noqa: S101 - asked for before
    return f"P {shown_p_value(analysis.pooled.p_value)}"


def shown_p_value(value: float) -> str:
    """Print a p-value so that one on either side of 0.05 is seen to be: ``= 0.049``, ``< 0.0001``."""
    if value < 1e-4:  # noqa: PLR2004 - the least that is printed
        return "< 0.0001"
    return f"= {value:.2f}" if value >= 0.1 else f"= {value:.2g}"  # noqa: PLR2004 - where two digits are two decimals


def direction(analysis: MetaAnalysis) -> int | None:
    """Give the side of no effect that the pooled effect is on: -1, 0 or 1; None where nothing stands for no effect."""
    pooled, null = analysis.pooled, analysis.scale.null
    if pooled is None or null is None:
        return None
    away = pooled.value - null
    return 0 if abs(away) <= NEGLIGIBLE * pooled.se else int(math.copysign(1, away))


def _direction(one: MetaAnalysis, other: MetaAnalysis) -> Difference | None:
    first, second = direction(one), direction(other)
    # From no effect at all to a little of it is no turn.
    if first is None or second is None or first * second >= 0:
        return None
    return Difference("direction", "opposite direction", _printed(one), _printed(other), second)


def width(analysis: MetaAnalysis) -> float | None:
    """Give the width of the pooled effect's interval on the analysis scale; None where it has none."""
    pooled = analysis.pooled
    if pooled is None or math.isnan(pooled.ci_high - pooled.ci_low):
        return None
    return pooled.ci_high - pooled.ci_low


def ratio_of_widths(one: MetaAnalysis | None, other: MetaAnalysis | None) -> float | None:
    """Give how many times as wide the other interval is; None where either has none, or the scales differ."""
    if one is None or other is None or one.effects.scale != other.effects.scale:
        return None
    first, second = width(one), width(other)
    if not first or second is None or math.isinf(first):
        return None
    return second / first


def _width(one: MetaAnalysis, other: MetaAnalysis, least: float) -> Difference | None:
    ratio = ratio_of_widths(one, other)
    if ratio is None or 1 / least < ratio < least:
        return None
    word = "wider" if ratio > 1 else "narrower"
    times = "unbounded" if math.isinf(ratio) else f"interval {_times(ratio)} as wide"
    return Difference("width", times, _limits(one), _limits(other), word)


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times" if ratio >= 1 else f"{ratio:.2f} times"


def _i2_band(one: MetaAnalysis, other: MetaAnalysis) -> Difference | None:
    first, second = one.heterogeneity.i2, other.heterogeneity.i2
    if first is None or second is None or i2_bands(first) == i2_bands(second):
        return None
    tag = f"I² {first:.0f} % → {second:.0f} %"
    return Difference("i2_band", tag, _bands(first), _bands(second), i2_bands(second))


def _bands(i2: float) -> str:
    return f"I² {i2:.0f} %: {', '.join(i2_bands(i2))}"


def prediction_includes_none(analysis: MetaAnalysis | None) -> bool | None:
    """Say whether the prediction interval includes no effect; None where there is no such interval."""
    if analysis is None or analysis.prediction is None or analysis.scale.null is None:
        return None
    return analysis.prediction.low <= analysis.scale.null <= analysis.prediction.high


def _prediction(one: MetaAnalysis, other: MetaAnalysis) -> Difference | None:
    first, second = prediction_includes_none(one), prediction_includes_none(other)
    # An interval that only one has is news where it says another thing than the confidence interval beside it.
    told = [
        said if said is not None else False if significant(analysis) else None
        for said, analysis in ((first, one), (second, other))
    ]
    if told[0] is None or told[1] is None or told[0] == told[1]:
        return None
    words = {True: "includes no effect", False: "excludes no effect"}
    tag = f"prediction interval {words[told[1]]}"
    shown = [
        "no prediction interval" if said is None else f"prediction interval {words[said]}" for said in (first, second)
    ]
    return Difference("prediction", tag, shown[0], shown[1], told[1])


def _printed(analysis: MetaAnalysis) -> str:
    assert analysis.display is not None  # noqa: S101 - asked for before
    return shown_number(analysis.display.value)


def _limits(analysis: MetaAnalysis) -> str:
    assert analysis.display is not None  # noqa: S101 - asked for before
    return f"[{shown_number(analysis.display.ci_low)}, {shown_number(analysis.display.ci_high)}]"


def shown_number(value: float) -> str:
    """Print an effect with two decimals, as RevMan does, and huge ones by a power of ten; never ``-0.00``."""
    if abs(value) >= HUGE:
        return "∞" if value == math.inf else "-∞" if value == -math.inf else f"{value:.1e}"
    shown = f"{value:.2f}"
    return "0.00" if shown == "-0.00" else shown


def _shown(kind: Kind, name: str, one: str, other: str) -> Difference | None:
    return None if one == other else Difference(kind, f"{name} {one} → {other}", one, other)


def _effect(one: MetaAnalysis, other: MetaAnalysis) -> Difference | None:
    return _shown("effect", "effect", _printed(one), _printed(other))


def _interval(one: MetaAnalysis, other: MetaAnalysis) -> Difference | None:
    return _shown("interval", "interval", _limits(one), _limits(other))


def _i2(one: MetaAnalysis, other: MetaAnalysis) -> Difference | None:
    first, second = one.heterogeneity.i2, other.heterogeneity.i2
    if first is None or second is None:
        return None
    return _shown("i2", "I²", f"{first:.0f} %", f"{second:.0f} %")


NUMBER_OF: Mapping[Kind, Callable[[MetaAnalysis], float | None]] = {
    "effect": lambda analysis: None if analysis.pooled is None else analysis.pooled.value,
    "interval": width,
    "i2": lambda analysis: analysis.heterogeneity.i2,
}
"""What is compared of printed numbers, to tell which of two results a third one is nearer to."""
