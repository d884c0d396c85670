"""Find tail probabilities of quadratic forms in normal variables, without a k × k matrix and without eigenvalues.

The form is ``y'Ay`` with ``A = W - WX (X'WX)⁻¹ X'W`` and independent ``y_i`` of variance s_i about Xβ: a sum of k - p
weighted χ² variables of one degree of freedom. With ``d = w·s`` and ``Q`` the orthonormal basis of ``W^½ X`` its moment
generating function at -z is ``Π (1 + 2zd_i)^-½ · det(Q'(1 + 2zD)⁻¹Q)^-½``, which costs O(k p²). The tails are its
inversion integral along a curve through the saddle point that bends round the singularities, by the trapezoidal rule:
the integrand is largest at the saddle point, so that small tails keep their relative accuracy, and the error falls
exponentially with the number of points.

Sources: Rice (1980), SIAM J. Sci. Stat. Comput. 1:438-448 (trapezoidal rule through the saddle point); Weideman &
Trefethen (2007), Math. Comput. 76:1341-1356 (parabolas round the negative axis); Imhof (1961), Biometrika 48:419-426.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evisynth.kernels.arrays import BoolArray, FloatArray
    from evisynth.kernels.weighted_fit import WeightedFit

_STEP = 1.0 / 6.0
"""Spacing of the points in standard deviations of the integrand, where the singularities are as near as they can be; at
1/4 errors of 1e-13 begin to show."""
_WIDEST = 0.5
"""Spacing where they are far and the integrand is that of a normal distribution."""
_LARGEST = 1e120
_FARTHEST = 1e13
_BLOCK = 24
_MOST_POINTS = 4096
_NEGLIGIBLE = 2.0**-60
_ENTRIES = 1 << 17
"""Numbers held at a time, points × studies × problems: few enough for the cache."""
_NEWTON_STEPS = 12
_BISECTIONS = 40
_NEAR = 0.05
"""How near to the saddle point is near enough, in its own width: any curve between the singularities is right."""


@attrs.frozen(eq=False)
class QuadraticForm:
    """Hold n forms: ``d`` ``(k, n)``, ``basis`` ``(k, p, n)`` or ``(k, p, 1)``, ``rest`` (1 - leverages) as a basis."""

    d: FloatArray
    basis: FloatArray
    rest: FloatArray

    @classmethod
    def of(cls, fit: WeightedFit, variances: FloatArray) -> QuadraticForm:
        """Take the residual sum of squares of a fit, whatever its weights, under variances of the shape of its w."""
        k = len(fit.w)
        # The leverages of the intercept alone are the squares of its basis.
        basis = np.sqrt(fit.leverages).reshape(k, 1, -1) if fit.basis is None else np.moveaxis(fit.basis, 0, 2)
        return cls((fit.w * variances).reshape(k, -1), basis, fit.deleted_leverages.reshape(k, -1))

    @property
    def dof(self) -> int:
        """Number of χ² variables, k - p."""
        return int(self.basis.shape[0] - self.basis.shape[1])

    @property
    def mean(self) -> FloatArray:
        """Expected value."""
        return np.asarray((self.d * self.rest).sum(axis=0))

    @property
    def variance(self) -> FloatArray:
        """Variance."""
        nowhere: FloatArray = np.zeros(int(self.d.shape[1]))
        return np.asarray(2.0 * _slopes(self, nowhere)[1])

    def take(self, which: NDArray[np.int64] | slice) -> QuadraticForm:
        """Take some of the forms."""
        shared = self.basis.shape[2] == 1
        basis, rest = (self.basis, self.rest) if shared else (self.basis[:, :, which], self.rest[:, which])
        return QuadraticForm(self.d[:, which], basis, rest)

    def log_tails(self, q: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give the logarithms of the probabilities of at most ``q (n,)`` and of more than it; ``q`` is positive.

        The smaller tail is computed and the other is its complement. Beyond 10¹³ times the mean, where the upper tail
        is exp(-10¹²) or less, it is that there.
        """
        q = np.minimum(q, _FARTHEST * self.mean)
        unit = QuadraticForm(np.minimum(self.d / q, _LARGEST), self.basis, self.rest)
        mean = unit.mean
        far = mean + np.sqrt(unit.variance) < 1.0
        log_lower, log_upper = np.empty(q.shape), np.empty(q.shape)
        for chosen, tail, one, other in (
            (~far, _log_lower, log_lower, log_upper),
            (far, _log_upper, log_upper, log_lower),
        ):
            which = np.nonzero(chosen)[0]
            if which.size:
                # Rounding may lift a tail of almost 1 to 1.
                found = np.minimum(tail(unit.take(which), mean[which]), 0.0)
                one[which] = found
                with np.errstate(divide="ignore"):
                    other[which] = np.log(-np.expm1(found))
        return log_lower, log_upper


def _gram(form: QuadraticForm, weights: FloatArray) -> FloatArray:
    """Give ``Q' diag(weights) Q``, ``(n, p, p)``."""
    p = form.basis.shape[1]
    made = np.empty((form.d.shape[1], p, p))
    for i in range(p):
        for j in range(i + 1):
            made[:, i, j] = made[:, j, i] = (form.basis[:, i] * form.basis[:, j] * weights).sum(axis=0)
    return made


def _slopes(form: QuadraticForm, z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give Σ λ/(1 + 2zλ) and Σ λ²/(1 + 2zλ)² over the weights λ of the form at real z ``(n,)``."""
    inverse = 1.0 / (1.0 + 2.0 * z * form.d)
    share = form.d * inverse
    whole = _gram(form, inverse)
    first = np.linalg.solve(whole, _gram(form, share * inverse))
    second = np.linalg.solve(whole, _gram(form, share * share * inverse))
    one = share.sum(axis=0) - np.trace(first, axis1=1, axis2=2)
    two = (share * share).sum(axis=0) - 2.0 * np.trace(second, axis1=1, axis2=2)
    # Rounding may leave a difference of nothing below 0.
    return np.maximum(one, 0.0), np.maximum(two + np.trace(first @ first, axis1=1, axis2=2), 0.0)


def _log_lower(form: QuadraticForm, mean: FloatArray) -> FloatArray:  # noqa: ARG001 - as the other tail
    """Invert right of the pole at 0: P(form ≤ 1).

    The saddle point solves z = 1 + ½ Σ 2zλ/(1 + 2zλ), between 1 and 1 + ½(k - p); Newton's steps from there fall to it.
    """
    z = np.full(form.d.shape[1], 1.0 + 0.5 * form.dof)
    for _ in range(_NEWTON_STEPS):
        one, two = _slopes(form, z)
        # The slope lies between 0 and 1 in exact numbers.
        step = (z - 1.0 - z * one) / np.clip(1.0 - one + 2.0 * z * two, 1e-3, 1.0)
        z = np.clip(z - step, 1.0, 1.0 + 0.5 * form.dof)
        if (np.abs(step) <= _NEAR * z / np.sqrt(1.0 + form.dof)).all():
            break
    curvature = 2.0 * _slopes(form, z)[1] + z**-2
    return _inverted(form, z, curvature, np.full(z.shape, 1.0 / 3.0), z)


def _log_upper(form: QuadraticForm, mean: FloatArray) -> FloatArray:
    """Invert between the largest weight's singularity at -1/(2λ) and the pole at 0: P(form > 1).

    The saddle point is bracketed by -1/(2d) of the (p + 1)-th largest d, which no largest λ is below, and -1/(3 Σλ),
    and found by bisection; whether a point lies before the singularity is told by the signs of both factors.
    """
    k, p = form.basis.shape[:2]
    low = np.log(1.0 / (3.0 * mean))
    high = np.log(0.5 / np.partition(form.d, k - p - 1, axis=0)[k - p - 1])
    w, pull, two = np.exp(low), np.zeros(low.shape), np.zeros(low.shape)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        trial = np.exp(middle)
        before = _before_singularity(form, trial)
        one = np.zeros(low.shape)
        square = np.zeros(low.shape)
        which = np.nonzero(before)[0]
        if which.size:
            one[which], square[which] = _slopes(form.take(which), -trial[which])
        rising = ~before | (one > 1.0 + 1.0 / trial)
        low, high = np.where(rising, low, middle), np.where(rising, middle, high)
        # The last point before the singularity is where the curve will cross.
        w = np.where(before, trial, w)
        pull, two = np.where(before, one, pull), np.where(before, square, two)
        near = np.abs(pull - 1.0 - 1.0 / w) <= _NEAR * np.sqrt(2.0 * two + w**-2)
        if (near & before).all():
            break
    unseen = two == 0.0
    if unseen.any():
        pull[unseen], two[unseen] = (part[unseen] for part in _slopes(form, -w))
    curvature = 2.0 * two + w**-2
    bend = (2.0 * two / curvature) ** 2 / (3.0 * (1.0 + 1.0 / w))
    # No weight is above the largest d, and none has more than the whole of the sum of squares.
    room = np.maximum(0.5 / form.d.max(axis=0) - w, 0.5 / np.sqrt(np.maximum(two, np.finfo(np.float64).tiny)))
    return _inverted(form, -w, curvature, bend, np.minimum(room, w))


def _before_singularity(form: QuadraticForm, w: FloatArray) -> BoolArray:
    """Tell whether 1 - 2wλ is positive for every weight, by the law of inertia."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        t = 1.0 - 2.0 * w * form.d
        whole = _gram(form, 1.0 / t)
        finite = np.isfinite(whole.reshape(len(whole), -1)).all(axis=1)
        negative = (np.linalg.eigvalsh(np.where(finite.reshape(-1, 1, 1), whole, 1.0)) < 0.0).sum(axis=1)
    return np.asarray(finite & (negative == (t < 0.0).sum(axis=0)))


def _inverted(
    form: QuadraticForm, z: FloatArray, curvature: FloatArray, bend: FloatArray, room: FloatArray
) -> FloatArray:
    """Integrate ``exp(K(z) + z)/|z|`` along ``z + iσu - bend·u²``, σ = 1/√curvature; the logarithm of the integral.

    ``room`` is how far the singularities are at least.
    """
    k, n = form.d.shape
    width = 1.0 / np.sqrt(curvature)
    # The error falls as exp(-2π·room/(σ·step)).
    step = np.clip(room / width * _STEP, _STEP, _WIDEST)
    first = np.asarray(z + 0.5j * step * width, dtype=np.complex128).reshape(1, -1)
    top = _exponent(form, first).real[0]
    total = np.zeros(n)
    side = np.sign(z)
    block = max(1, min(_BLOCK, _ENTRIES // (k * n)))
    for start in range(0, _MOST_POINTS, block):
        u = (np.arange(start, start + block) + 0.5)[:, np.newaxis] * step
        curve = np.asarray(z + 1j * width * u - bend * u * u, dtype=np.complex128)
        terms = np.exp(_exponent(form, curve) - top) * (1j * width - 2.0 * bend * u) / (side * curve)
        total += terms.imag.sum(axis=0)
        if (np.abs(terms[-1]) <= _NEGLIGIBLE * np.abs(total)).all():
            break
    # A tail of exp(-1e13) or less is known by its exponent alone: the rest drowns in its rounding.
    seen = total > 0.0
    return np.asarray(np.where(seen, np.log(np.where(seen, total, 1.0) * (step / np.pi)), 0.0) + top)


def _exponent(form: QuadraticForm, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Give ``K(z) + z`` at z ``(points, n)`` in the upper half-plane.

    The pivots of ``Q'(1 + 2zD)⁻¹Q`` lie in the lower one, as it does itself, so that every logarithm is on its
    principal branch. Parts are taken apart because logarithms of real numbers cost a tenth.
    """
    real = 1.0 + 2.0 * z.real[:, np.newaxis] * form.d
    imaginary = 2.0 * z.imag[:, np.newaxis] * form.d
    square = real * real + imaginary * imaginary
    made = z - 0.25 * np.log(square).sum(axis=1) - 0.5j * np.arctan2(imaginary, real).sum(axis=1)
    real /= square
    imaginary /= square
    p = form.basis.shape[1]
    gram = {
        (i, j): _weighted(form.basis[:, i] * form.basis[:, j], real, imaginary) for i in range(p) for j in range(i + 1)
    }
    for c in range(p):
        pivot = gram[c, c]
        made = made - 0.5 * np.log(pivot)
        for i in range(c + 1, p):
            factor = gram[i, c] / pivot
            for j in range(c + 1, i + 1):
                gram[i, j] = gram[i, j] - factor * gram[j, c]
    return np.asarray(made, dtype=np.complex128)


def _weighted(share: FloatArray, real: FloatArray, imaginary: FloatArray) -> NDArray[np.complex128]:
    return np.asarray((share * real).sum(axis=1) - 1j * (share * imaginary).sum(axis=1), dtype=np.complex128)
