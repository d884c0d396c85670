"""Hold the weights of the studies of one analysis: smooth in p, or constant between cut points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import numpy as np

from evisynth_estimators.selection_quadrature import layout

if TYPE_CHECKING:
    from evisynth import FloatArray, IntArray
    from evisynth_estimators.selection_functions import LogWeight, WeightFunction
    from evisynth_estimators.selection_quadrature import Layout

_LOG_2 = math.log(2.0)
_NOTHING = np.zeros(0)


@attrs.frozen(eq=False)
class Weights:
    """Hold log w at places ``(1 or k, m)`` and of the studies ``(k,)``, with derivatives in the coordinates."""

    value: FloatArray
    first: tuple[FloatArray, ...]
    own: FloatArray
    own_first: tuple[FloatArray, ...]
    second: dict[tuple[int, int], FloatArray] = attrs.field(factory=dict[tuple[int, int], "FloatArray"])
    own_second: dict[tuple[int, int], FloatArray] = attrs.field(factory=dict[tuple[int, int], "FloatArray"])


def log_p_values(z: FloatArray, *, two_sided: bool) -> tuple[FloatArray, FloatArray]:
    """Give log p and log (1 - p) of z for effects on the right, or away from 0 on both sides."""
    from scipy.special import erf, log_ndtr  # noqa: PLC0415 - scipy comes with the first fit

    if not two_sided:
        return np.asarray(log_ndtr(-z)), np.asarray(log_ndtr(z))
    size = np.abs(z)
    log_p = _LOG_2 + np.asarray(log_ndtr(-size))
    with np.errstate(divide="ignore"):
        near = np.log(erf(np.minimum(size, 1.0) / math.sqrt(2.0)))
        return log_p, np.where(size < 1.0, near, np.log1p(-np.exp(np.minimum(log_p, -1e-9))))


@attrs.frozen(eq=False)
class SmoothSelection:
    """Hold a smooth weight function at nodes, in regions and at the studies, with a δ for every group of studies."""

    function: WeightFunction
    plan: Layout
    places: tuple[FloatArray, FloatArray]
    """log p and log (1 - p) at nodes and in regions, ``(1, m)``."""
    varies: FloatArray
    """0 where p is below the threshold and w is 1, else 1: ``(1, m)`` and of the studies ``(k, 1)``."""
    own: tuple[FloatArray, FloatArray]
    own_varies: FloatArray
    precision: FloatArray
    """``(k, 1)``, or ``(1, 1)`` where all are 1."""
    group: IntArray
    """Group of each study, -1 for one that is not selected, ``(k,)``."""

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return len(self.function.names) * (int(self.group.max(initial=-1)) + 1)

    @property
    def nodes(self) -> FloatArray:
        """Places where the weight varies."""
        return self.plan.z

    @property
    def node_weights(self) -> FloatArray:
        """Their weights in quadrature."""
        return self.plan.weights

    @property
    def regions(self) -> FloatArray:
        """Ends of the parts where the weight is constant."""
        return self.plan.regions[np.newaxis]

    def at(self, coordinates: FloatArray) -> Weights:
        """Give log w and its derivatives."""
        each = len(self.function.names)
        table = coordinates.reshape(-1, each)
        simple = len(table) == 1 and not (self.group < 0).any()
        if simple:
            delta = [np.array([[value]]) for value in table[0]]
            chosen = [np.ones((1, 1))]
        else:
            delta = [table[self.group, a][:, np.newaxis] for a in range(each)]
            chosen = [(self.group == g).astype(np.float64)[:, np.newaxis] for g in range(len(table))]
        at_places = self.function.log_weight(delta, *self.places, self.precision)
        own = self.function.log_weight(delta, *self.own, self.precision)
        mask = self.varies * sum(chosen)
        own_mask = self.own_varies * sum(chosen)
        first: list[FloatArray] = []
        own_first: list[FloatArray] = []
        second: dict[tuple[int, int], FloatArray] = {}
        own_second: dict[tuple[int, int], FloatArray] = {}
        for g, member in enumerate(chosen):
            here, mine = self.varies * member, self.own_varies * member
            first += [slope * here for slope in at_places.first]
            own_first += [(slope * mine)[:, 0] for slope in own.first]
            for (a, b), bend in at_places.second.items():
                second[g * each + a, g * each + b] = bend * here
                own_second[g * each + a, g * each + b] = (own.second[a, b] * mine)[:, 0]
        return Weights(
            _masked(at_places, mask), tuple(first), _masked(own, own_mask)[:, 0], tuple(own_first), second, own_second
        )


def _masked(weight: LogWeight, mask: FloatArray) -> FloatArray:
    return np.asarray(np.where(mask > 0.0, weight.value, 0.0))


def smooth_selection(  # noqa: PLR0913 - keyword-only, each a property of the model
    z: FloatArray,
    function: WeightFunction,
    *,
    two_sided: bool,
    group: IntArray,
    precision: FloatArray | None,
    alpha: float | None,
    truncate: tuple[float, float],
    reach: float,
    width: float = 1.0,
) -> SmoothSelection:
    """Lay out a smooth weight function.

    w is 1 for p up to ``alpha``; p is kept off 0 and 1 by the two numbers of ``truncate``.
    """
    low, high = (end if kept else 0.0 for end, kept in zip(truncate, function.censor, strict=True))
    plan = layout(two_sided=two_sided, low=alpha or low, high=high, reach=reach, width=width)
    places = np.concatenate([plan.z, plan.inside])
    varies = np.ones(places.size)
    own_varies = np.ones(z.size)
    if alpha is not None:
        top = float(plan.regions[1, 0])
        outer = np.arange(2) if two_sided else np.array([1])
        varies[plan.z.size + outer] = 0.0
        own_varies = ((np.abs(z) if two_sided else z) < top).astype(np.float64)

    def kept(at: FloatArray) -> tuple[FloatArray, FloatArray]:
        log_p, log_q = log_p_values(at, two_sided=two_sided)
        if low:
            log_p, log_q = np.maximum(log_p, math.log(low)), np.minimum(log_q, math.log1p(-low))
        if high:
            log_p, log_q = np.minimum(log_p, math.log1p(-high)), np.maximum(log_q, math.log(high))
        return log_p, log_q

    at_places, own = kept(places), kept(z)
    return SmoothSelection(
        function=function,
        plan=plan,
        places=(at_places[0][np.newaxis], at_places[1][np.newaxis]),
        varies=varies[np.newaxis],
        own=(own[0][:, np.newaxis], own[1][:, np.newaxis]),
        own_varies=own_varies[:, np.newaxis],
        precision=np.ones((1, 1)) if precision is None else precision[:, np.newaxis],
        group=group,
    )


@attrs.frozen(eq=False)
class StepSelection:
    """Hold weights that are constant between cut points: log w is linear in the coordinates.

    ``regions`` are ``(1 or k, r, 2)``, ``constant`` and each of ``slopes`` ``(1 or k, r)``; ``place`` is the region of
    each study. A constant of -∞ is a weight of 0.
    """

    regions: FloatArray
    constant: FloatArray
    slopes: tuple[FloatArray, ...]
    place: IntArray

    nodes: FloatArray = attrs.field(default=_NOTHING, init=False)
    node_weights: FloatArray = attrs.field(default=_NOTHING, init=False)

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return len(self.slopes)

    def at(self, coordinates: FloatArray) -> Weights:
        """Give log w and its derivatives."""
        value = self.constant
        for u, slope in zip(coordinates, self.slopes, strict=True):
            value = value + u * slope
        return Weights(value, self.slopes, self._of_studies(value), tuple(self._of_studies(s) for s in self.slopes))

    def _of_studies(self, table: FloatArray) -> FloatArray:
        k = self.place.size
        return np.asarray(np.broadcast_to(table, (k, table.shape[1]))[np.arange(k), self.place])


def no_selection(k: int) -> StepSelection:
    """Give every study the weight 1."""
    return StepSelection(np.array([[[-np.inf, np.inf]]]), np.zeros((1, 1)), (), np.zeros(k, dtype=np.int64))
