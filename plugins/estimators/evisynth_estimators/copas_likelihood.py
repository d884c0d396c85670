"""Maximise the likelihood of Copas' selection model for many strengths of selection at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from evisynth import BoolArray, FloatArray, IntArray

BOUND = 0.9999
"""How far ρ may go: at ±1 selection and effect are one, and the likelihood has no derivative."""
_TAU2 = (0.0, 0.1, 0.4, 1.0, 2.5)
"""Starts for τ², as multiples of the larger of its estimate without selection and a typical variance."""
_RHO = BOUND * np.sin(0.5 * math.pi * np.linspace(-1.0, 1.0, 11))
_INNER = 12
_STEPS = 80
_HALVINGS = 30
_STARTS = 3
_TINY = 1e-30
_CONVERGED = 1e-10
"""What a last Newton step may promise in log-likelihood, relative to 1."""
_LEAST_GAIN = 1e-16
"""What a step has to promise to be taken: below it is rounding."""
_FLAT = 1e-8
_SAME = 1e-7
"""Maxima of log-likelihoods nearer than this are one, if they are in one place."""


@attrs.frozen(eq=False)
class Selected:
    """Hold the maxima for m strengths of selection, each field ``(m,)``.

    ``se`` is NaN where the information has no inverse; ``flat`` says where it is singular but for rounding. ``modes``
    counts different maxima among those that the starts led to.
    """

    mu: FloatArray
    tau2: FloatArray
    rho: FloatArray
    log_likelihood: FloatArray
    se: FloatArray
    converged: BoolArray
    flat: BoolArray
    modes: IntArray
    starts: IntArray


@attrs.frozen(eq=False)
class CopasLikelihood:
    """Hold ``y`` and ``s`` ``(k,)`` and the propensities of publication ``u`` ``(k, m)``, γ0 + γ1/s.

    ``y = μ + √(τ² + σ²) ε`` is observed where ``u + δ > 0``, with correlation ρ of the error within studies and δ. The
    reported variance is that of published studies, so that ``σ² = s²/(1 - c² ρ²)``, c² = λ(u)(u + λ(u)) with Mills'
    ratio λ: Copas & Shi (2000), Biostatistics 1:247-262; (2001), Stat. Methods Med. Res. 10:251-265.
    """

    y: FloatArray
    s: FloatArray
    u: FloatArray
    c2: FloatArray
    log_published: FloatArray

    @classmethod
    def of(cls, y: FloatArray, s: FloatArray, gamma0: FloatArray, gamma1: FloatArray) -> CopasLikelihood:
        """Set up m strengths of selection."""
        from scipy.special import log_ndtr  # noqa: PLC0415 - scipy comes with the first fit

        u = gamma0 + gamma1 / s[:, np.newaxis]
        mills = _mills(u)
        return cls(y=y, s=s, u=u, c2=mills * (u + mills), log_published=np.asarray(log_ndtr(u)))

    def value(self, at: FloatArray, which: IntArray) -> FloatArray:
        """Give the log-likelihood, without its constant, at ``(μ, τ², ρ)``, ``(3, n)``, of the strengths ``which``."""
        from scipy.special import log_ndtr  # noqa: PLC0415 - scipy comes with the first fit

        mu, tau2, rho = at
        s2 = (self.s * self.s)[:, np.newaxis]
        within = s2 / (1.0 - self.c2[:, which] * rho * rho)
        total = within + tau2
        e = self.y[:, np.newaxis] - mu
        rest = 1.0 - rho * rho * within / total
        v = (self.u[:, which] + rho * np.sqrt(within) * e / total) / np.sqrt(rest)
        published = np.asarray(log_ndtr(v), dtype=np.float64)
        terms = -0.5 * np.log(total) - 0.5 * e * e / total - self.log_published[:, which] + published
        return np.asarray(terms.sum(axis=0))

    def slope(self, at: npt.NDArray[Any], which: IntArray) -> npt.NDArray[Any]:
        """Give the derivatives of the log-likelihood by μ, τ² and ρ, ``(3, n)``; of complex ``at`` a complex step."""
        mu, tau2, rho = at
        s2 = (self.s * self.s)[:, np.newaxis]
        c2 = self.c2[:, which]
        within = s2 / (1.0 - c2 * rho * rho)
        by_rho = 2.0 * c2 * rho * within * within / s2
        total = within + tau2
        root = np.sqrt(within)
        e = self.y[:, np.newaxis] - mu
        lean = rho * root / total
        rest = 1.0 - rho * rho * within / total
        above = self.u[:, which] + lean * e
        width = np.sqrt(rest)
        mills = _mills(above / width) / width
        narrow = above / (2.0 * rest)
        misfit = 0.5 * (e * e / total - 1.0) / total
        to_mu = e / total - mills * lean
        to_tau2 = misfit - mills * (e * lean / total + narrow * rho * rho * within / (total * total))
        lean_by_rho = root / total + 0.5 * rho * by_rho / (root * total) - rho * root * by_rho / (total * total)
        rest_by_rho = -2.0 * rho * within / total - rho * rho * by_rho * tau2 / (total * total)
        to_rho = misfit * by_rho + mills * (e * lean_by_rho - narrow * rest_by_rho)
        return np.stack([to_mu.sum(axis=0), to_tau2.sum(axis=0), to_rho.sum(axis=0)])

    def curvature(self, at: FloatArray, which: IntArray) -> FloatArray:
        """Give the second derivatives, ``(n, 3, 3)``, by complex steps of the first: no difference is taken."""
        n = at.shape[1]
        stepped = np.tile(at, 3).astype(np.complex128)
        for i in range(3):
            stepped[i, i * n : (i + 1) * n] += 1j * _TINY
        made = _imaginary(self.slope(stepped, np.tile(which, 3))).reshape(3, 3, n).transpose(2, 1, 0) / _TINY
        return np.asarray(0.5 * (made + made.transpose(0, 2, 1)))

    def maximum(self, tau2: float) -> Selected:
        """Climb from the best places of a lattice over (τ², ρ), and take the highest maximum of each strength."""
        m = int(self.u.shape[1])
        at, which = self._starts(tau2)
        at, value, converged = self._climb(at, which)
        best = np.full(m, -1)
        modes = np.zeros(m, dtype=np.int64)
        for j in range(m):
            mine = np.nonzero(which == j)[0]
            order = mine[np.argsort(-value[mine], kind="stable")]
            best[j] = order[0]
            modes[j] = _different(at[:, order], value[order])
        found = at[:, best]
        se, flat = self._errors(found)
        return Selected(
            mu=found[0],
            tau2=found[1],
            rho=found[2],
            log_likelihood=value[best],
            se=se,
            converged=converged[best],
            flat=flat,
            modes=modes,
            starts=np.bincount(which, minlength=m),
        )

    def _starts(self, tau2: float) -> tuple[FloatArray, IntArray]:
        """Find where the profile over ρ, with τ² of the lattice and the best μ, has its peaks."""
        m = int(self.u.shape[1])
        scale = max(tau2, float(np.median(self.s)) ** 2)
        spreads = scale * np.array(_TAU2)
        rho = np.repeat(_RHO, spreads.size * m)
        spread = np.tile(np.repeat(spreads, m), _RHO.size)
        which = np.tile(np.arange(m), _RHO.size * spreads.size)
        at = np.stack([np.zeros(rho.size), spread, rho])
        at[0] = self._centres(at, which)
        value = self.value(at, which).reshape(_RHO.size, spreads.size, m)
        place = value.argmax(axis=1)
        profile = value.max(axis=1)
        padded = np.pad(profile, ((1, 1), (0, 0)), constant_values=-np.inf)
        peak = (profile >= padded[:-2]) & (profile >= padded[2:])
        points = at.reshape(3, _RHO.size, spreads.size, m)
        starts: list[FloatArray] = []
        strengths: list[int] = []
        for j in range(m):
            peaks = np.nonzero(peak[:, j])[0]
            highest = peaks[np.argsort(-profile[peaks, j], kind="stable")][:_STARTS]
            # The ends are where a second maximum hides: its peak is narrower than the lattice.
            for i in sorted({*highest.tolist(), 0, _RHO.size - 1}):
                for n in {int(place[i, j]), 0}:
                    starts.append(points[:, i, n, j])
                    strengths.append(j)
        return np.stack(starts, axis=1), np.array(strengths)

    def _centres(self, at: FloatArray, which: IntArray) -> FloatArray:
        """Maximise over μ, in which the log-likelihood is concave, by Newton's steps kept in a bracket."""
        _, tau2, rho = at
        s2 = (self.s * self.s)[:, np.newaxis]
        within = s2 / (1.0 - self.c2[:, which] * rho * rho)
        total = within + tau2
        lean = rho * np.sqrt(within) / total
        width = np.sqrt(1.0 - rho * rho * within / total)
        y = self.y[:, np.newaxis]
        low, high = float(self.y.min()), float(self.y.max())
        low, high = low - (high - low), high + (high - low)
        mu = (y / total).sum(axis=0) / (1.0 / total).sum(axis=0)
        bottom, top = np.full(mu.size, low), np.full(mu.size, high)
        for _ in range(_INNER):
            e = y - mu
            v = (self.u[:, which] + lean * e) / width
            mills = _mills(v)
            slope = (e / total - mills * lean / width).sum(axis=0)
            bend = (1.0 / total + mills * (v + mills) * (lean / width) ** 2).sum(axis=0)
            bottom, top = np.where(slope > 0.0, mu, bottom), np.where(slope < 0.0, mu, top)
            step = mu + slope / bend
            mu = np.where((step >= bottom) & (step <= top), step, 0.5 * (bottom + top))
        return np.asarray(mu)

    def _climb(self, at: FloatArray, which: IntArray) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Take Newton's steps inside τ² ≥ 0, |ρ| ≤ bound, each cut until it climbs."""
        at = at.copy()
        value = self.value(at, which)
        converged = np.zeros(which.size, dtype=np.bool_)
        running = np.arange(which.size)
        for _ in range(_STEPS):
            here, mine = at[:, running], which[running]
            slope = np.asarray(self.slope(here, mine), dtype=np.float64)
            fixed = _held(here, slope)
            step, gain = _newton(self.curvature(here, mine), slope, fixed)
            more = np.nonzero(gain > _LEAST_GAIN)[0]
            converged[running] = gain <= _CONVERGED
            new, climbed = self._cut(here[:, more], step[:, more], value[running[more]], mine[more])
            moved = np.any(new != here[:, more], axis=0)
            running = running[more]
            at[:, running], value[running] = new, climbed
            running = running[moved]
            if not running.size:
                break
        return at, value, converged

    def _cut(
        self, at: FloatArray, step: FloatArray, value: FloatArray, which: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Halve the steps that do not climb, up to where nothing is left of them."""
        new, climbed = at.copy(), value.copy()
        left = np.arange(which.size)
        share = 1.0
        for _ in range(_HALVINGS):
            tried = _inside(at[:, left] + share * step[:, left])
            with np.errstate(invalid="ignore", over="ignore"):
                there = self.value(tried, which[left])
            up = there > value[left]
            new[:, left[up]], climbed[left[up]] = tried[:, up], there[up]
            left = left[~up]
            share *= 0.5
            if not left.size:
                break
        return new, climbed

    def _errors(self, at: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Invert the observed information: without τ² where it is 0, without ρ where with it there is no inverse."""
        which = np.arange(int(at.shape[1]))
        information = -self.curvature(at, which)
        se, flat = np.full(which.size, np.nan), np.zeros(which.size, dtype=np.bool_)
        for j in which.tolist():
            free = [0, 1, 2] if at[1, j] > 0.0 else [0, 2]
            for kept in (free, free[:-1]):
                part = information[j][np.ix_(kept, kept)]
                variance, singular = _first_variance(part)
                if kept is free:
                    flat[j] = singular
                if variance is not None:
                    se[j] = math.sqrt(variance)
                    break
        return se, flat


def _mills(v: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Give φ(v)/Φ(v); of complex v, with its first derivative as the imaginary part."""
    from scipy.special import erfcx  # noqa: PLC0415 - scipy comes with the first fit

    real: FloatArray = np.asarray(np.real(v), dtype=np.float64)
    with np.errstate(over="ignore"):
        ratio = math.sqrt(2.0 / math.pi) / erfcx(-real / math.sqrt(2.0))
    if not np.iscomplexobj(v):
        return np.asarray(ratio)
    return np.asarray(ratio - 1j * _imaginary(v) * ratio * (real + ratio))


def _imaginary(v: npt.NDArray[Any]) -> FloatArray:
    return np.asarray(np.imag(v), dtype=np.float64)


def _held(at: FloatArray, slope: FloatArray) -> BoolArray:
    """Tell which parameters lie at the end of their range and would leave it, ``(3, n)``."""
    none = np.zeros(at.shape[1], dtype=np.bool_)
    below = (at[1] <= 0.0) & (slope[1] <= 0.0)
    beyond = ((at[2] <= -BOUND) & (slope[2] <= 0.0)) | ((at[2] >= BOUND) & (slope[2] >= 0.0))
    return np.stack([none, below, beyond])


def _inside(at: FloatArray) -> FloatArray:
    return np.stack([at[0], np.maximum(at[1], 0.0), np.clip(at[2], -BOUND, BOUND)])


def _newton(curvature: FloatArray, slope: FloatArray, fixed: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Solve for the step with every curvature taken as downward, and give what it promises, ``(3, n)`` and ``(n,)``."""
    g = np.where(fixed, 0.0, slope)
    free = ~fixed
    bend = np.where((free[:, np.newaxis] & free[np.newaxis]).transpose(2, 0, 1), -curvature, 0.0)
    size = np.sqrt(np.abs(np.einsum("nii->ni", bend)))
    size = np.where((size > 0.0) & np.isfinite(size), size, 1.0)
    scaled = bend / (size[:, :, np.newaxis] * size[:, np.newaxis, :])
    scaled = np.where(np.isfinite(scaled), scaled, 0.0)
    values, vectors = np.linalg.eigh(scaled)
    values = np.maximum(np.abs(values), _FLAT)
    along = np.einsum("nij,in->nj", vectors, g / size.T)
    step = np.einsum("nij,nj->in", vectors, along / values) / size.T
    return np.where(fixed, 0.0, step), np.asarray((g * step).sum(axis=0))


def _different(at: FloatArray, value: FloatArray) -> int:
    """Count maxima that lie apart by more than the last digits, in value or in place."""
    kept: list[int] = []
    for i in range(value.size):
        same = any(
            abs(value[i] - value[j]) < _SAME and np.allclose(at[:, i], at[:, j], rtol=1e-3, atol=1e-3) for j in kept
        )
        if not same:
            kept.append(i)
    return len(kept)


def _first_variance(information: FloatArray) -> tuple[float | None, bool]:
    """Give the first entry of the inverse, None where it is not positive definite, and whether that is so."""
    size = np.sqrt(np.abs(information.diagonal()))
    if not np.all(np.isfinite(information)) or not size.all():
        return None, True
    scaled = information / np.outer(size, size)
    values, vectors = np.linalg.eigh(scaled)
    singular = bool(values[0] < _FLAT)
    if singular:
        return None, True
    return float((vectors[0] ** 2 / values).sum() / size[0] ** 2), False
