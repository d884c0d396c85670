"""Give the log-likelihood of a selection model with its exact gradient and Hessian.

The density of yᵢ is w(pᵢ) φ(yᵢ; xᵢβ, vᵢ + τ²) / E[w(p(Y))] (Hedges 1992, Stat. Sci. 7:246-255). The coordinates are
those of the exponential family: with z = y/SE and d = z - z₀ᵢ (z₀ of a centre β₀) the density is
w exp(-qd²/2 + ηd) over its integral, q = v/(v + τ²) and η = q·x(β - β₀)/SE. In ρ = v₀/(τ² + v₀) and
λ = ρ(β - β₀)/SE₀ (v₀ the smallest variance) both are smooth down to ρ = 0, where τ² and the mean are infinite and the
normal density is an exponential one. Derivatives are moments of d and of the derivatives of log w under the density.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs
import numpy as np

from evisynth_estimators.selection_quadrature import region_moments

if TYPE_CHECKING:
    from evisynth import FloatArray
    from evisynth_estimators.selection_weights import Weights


class Selection(Protocol):
    """Say what a likelihood asks of the weights of its studies."""

    @property
    def size(self) -> int:
        """Number of coordinates."""
        ...

    @property
    def nodes(self) -> FloatArray:
        """Places on the z axis where the weight varies, ``(n,)``."""
        ...

    @property
    def node_weights(self) -> FloatArray:
        """Their weights in quadrature, ``(n,)``."""
        ...

    @property
    def regions(self) -> FloatArray:
        """Ends of the parts of the z axis where the weight is constant, ``(1 or k, r, 2)``."""
        ...

    def at(self, coordinates: FloatArray) -> Weights:
        """Give log w at the nodes, then in the regions, and of the studies themselves."""
        ...


@attrs.frozen(eq=False)
class Height:
    """Hold a log-likelihood with its gradient ``(n,)`` and Hessian ``(n, n)``."""

    value: float
    gradient: FloatArray
    hessian: FloatArray


@attrs.frozen(eq=False)
class SelectionLikelihood:
    """Hold the data of one model; coordinates are λ ``(p,)``, ρ and those of the selection."""

    d: FloatArray
    """The studies' z less those of the centre, ``(k,)``."""
    r: FloatArray
    """Variances in units of the smallest, ``(k,)``."""
    X: FloatArray
    selection: Selection
    log_unit: float
    """Sum of the logarithms of the standard errors: the density is of y, not of z."""
    powers: FloatArray
    """d, d², d³ and d⁴ at the nodes, ``(4, k, n)``."""
    low: FloatArray
    high: FloatArray
    """Ends of the regions less z of the centre, ``(k, r)``."""

    @classmethod
    def of(
        cls, y: FloatArray, v: FloatArray, X: FloatArray, centre: FloatArray, selection: Selection
    ) -> SelectionLikelihood:
        """Take effects, their variances and the design, all of the side that is favoured."""
        se = np.sqrt(v)
        z_centre = X @ centre / se
        at_nodes = selection.nodes - z_centre[:, np.newaxis]
        square = at_nodes * at_nodes
        regions = selection.regions
        return cls(
            d=(y - X @ centre) / se,
            r=v / v.min(),
            X=X,
            selection=selection,
            log_unit=float(np.log(se).sum()),
            powers=np.stack([at_nodes, square, square * at_nodes, square * square]),
            low=regions[..., 0] - z_centre[:, np.newaxis],
            high=regions[..., 1] - z_centre[:, np.newaxis],
        )

    def at(self, x: FloatArray) -> Height:
        """Give the log-likelihood, its gradient and its Hessian."""
        p = self.X.shape[1]
        rho = x[p]
        spread = 1.0 + (self.r - 1.0) * rho
        q = self.r * rho / spread
        design = self.X * (np.sqrt(self.r) / spread)[:, np.newaxis]
        eta = design @ x[:p]
        weights = self.selection.at(x[p + 1 :])
        share, log_total, moments = self._shares(q, eta, weights)
        d = self.d
        value = float((weights.own - q * d * d / 2.0 + eta * d - log_total).sum()) - self.log_unit
        first, second, third, fourth = np.einsum("km,fkm->fk", share, moments)
        by_eta, by_q = d - first, -0.5 * (d * d - second)
        h_ee, h_eq, h_qq = first * first - second, 0.5 * (third - first * second), 0.25 * (second * second - fourth)
        eta_rho, q_rho = -eta * (self.r - 1.0) / spread, self.r / (spread * spread)
        n = p + 1 + self.selection.size
        gradient, hessian = np.zeros(n), np.zeros((n, n))
        gradient[:p], gradient[p] = design.T @ by_eta, by_eta @ eta_rho + by_q @ q_rho
        hessian[:p, :p] = (design * h_ee[:, np.newaxis]).T @ design
        hessian[:p, p] = design.T @ (h_ee * eta_rho + h_eq * q_rho - by_eta * (self.r - 1.0) / spread)
        hessian[p, p] = (
            (h_ee * eta_rho * eta_rho + 2.0 * h_eq * eta_rho * q_rho + h_qq * q_rho * q_rho)
            - 2.0 * (self.r - 1.0) / spread * (by_eta * eta_rho + by_q * q_rho)
        ).sum()
        if self.selection.size:
            self._of_weights(weights, share, moments, (first, second), design, (eta_rho, q_rho), gradient, hessian)
        hessian[p:, :p] = hessian[:p, p:].T
        hessian[p + 1 :, p] = hessian[p, p + 1 :]
        return Height(value, gradient, hessian)

    def _shares(self, q: FloatArray, eta: FloatArray, weights: Weights) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Give the probability of every place, the logarithm of the integral, and powers of d at the places."""
        log_regions, means = region_moments(self.low, self.high, q, eta)
        at_nodes = self.powers
        log_nodes = at_nodes[0] * eta[:, np.newaxis] - at_nodes[1] * (0.5 * q)[:, np.newaxis]
        log_nodes += np.log(self.selection.node_weights)
        logs = np.concatenate([log_nodes, log_regions], axis=1) + weights.value
        top = logs.max(axis=1)
        share = np.exp(logs - top[:, np.newaxis])
        total = share.sum(axis=1)
        share /= total[:, np.newaxis]
        return share, top + np.log(total), np.concatenate([at_nodes, means], axis=2)

    def _of_weights(
        self,
        weights: Weights,
        share: FloatArray,
        moments: FloatArray,
        means: tuple[FloatArray, FloatArray],
        design: FloatArray,
        by_rho: tuple[FloatArray, FloatArray],
        gradient: FloatArray,
        hessian: FloatArray,
    ) -> None:
        """Fill in the derivatives in the coordinates of the weights."""
        p = self.X.shape[1]
        first, second = means
        eta_rho, q_rho = by_rho
        slopes: list[FloatArray] = []
        for a, slope in enumerate(weights.first):
            mine = share * slope
            mean = mine.sum(axis=1)
            slopes.append(mean)
            gradient[p + 1 + a] = (weights.own_first[a] - mean).sum()
            h_ea = first * mean - (mine * moments[0]).sum(axis=1)
            h_qa = -0.5 * (second * mean - (mine * moments[1]).sum(axis=1))
            hessian[:p, p + 1 + a] = design.T @ h_ea
            hessian[p, p + 1 + a] = h_ea @ eta_rho + h_qa @ q_rho
            for b in range(a + 1):
                value = slopes[b] * mean - (mine * weights.first[b]).sum(axis=1)
                if (b, a) in weights.second:
                    value = value + weights.own_second[b, a] - (share * weights.second[b, a]).sum(axis=1)
                hessian[p + 1 + a, p + 1 + b] = hessian[p + 1 + b, p + 1 + a] = value.sum()
