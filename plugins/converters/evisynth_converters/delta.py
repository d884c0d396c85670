"""Transform effects by named functions, and their variances with the exact derivative (the delta method)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evisynth import BoolArray, Conversion, FloatArray, hookimpl
from evisynth_converters.refusals import refuse, too_small

if TYPE_CHECKING:
    from collections.abc import Callable

REFERENCE = "Oehlert (1992), Am. Stat. 46:27-29"
SUMMARY = "there are effects that cannot be transformed"
_ROOT_2_PI = math.sqrt(2.0 * math.pi)
_D_PER_LOG_ODDS = math.sqrt(3.0) / math.pi


def log(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take the logarithm; the standard error becomes that of the ratio over the ratio."""
    _check(yi, vi, yi <= 0, "has no logarithm")
    return np.log(yi), vi / yi**2


def exp(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take the exponential; the standard error is multiplied by it. NaN beyond the range of numbers."""
    _check(yi, vi)
    with np.errstate(over="ignore", invalid="ignore"):
        moved, variance = np.exp(yi), vi * np.exp(2.0 * yi)
    held = np.isfinite(moved + variance)
    return np.where(held, moved, np.nan), np.where(held, variance, np.nan)


def logit(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take the log odds of a probability; the derivative is 1/(p (1 - p))."""
    _check(yi, vi, (yi <= 0) | (yi >= 1), "has no log odds")
    return np.log(yi) - np.log1p(-yi), vi / (yi * (1.0 - yi)) ** 2


def inverse_logit(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take the probability of log odds; the derivative is p (1 - p)."""
    from scipy.special import expit  # noqa: PLC0415 - scipy comes with the first use

    _check(yi, vi)
    p = np.asarray(expit(yi))
    return p, vi * (p * np.asarray(expit(-yi))) ** 2


def probit(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take the normal quantile of a probability; the derivative is one over the density there."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first use

    _check(yi, vi, (yi <= 0) | (yi >= 1), "has no probit")
    z = np.asarray(ndtri(yi))
    return z, vi * (_ROOT_2_PI * np.exp(0.5 * z**2)) ** 2


def inverse_probit(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take the normal probability; the derivative is the density."""
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first use

    _check(yi, vi)
    return np.asarray(ndtr(yi)), vi * (np.exp(-0.5 * yi**2) / _ROOT_2_PI) ** 2


def arcsine(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take the arcsine of the root of a probability; the derivative is 1/(2 √(p (1 - p)))."""
    _check(yi, vi, (yi <= 0) | (yi >= 1), "has no arcsine with a derivative")
    return np.arcsin(np.sqrt(yi)), vi / (4.0 * yi * (1.0 - yi))


def fisher_z(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take Fisher's z of a correlation; the derivative is 1/(1 - r²)."""
    _check(yi, vi, np.abs(yi) >= 1, "has no Fisher's z")
    return np.arctanh(yi), vi / ((1.0 - yi) * (1.0 + yi)) ** 2


def inverse_fisher_z(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take the correlation of Fisher's z; the derivative is 1/cosh² z."""
    _check(yi, vi)
    with np.errstate(over="ignore"):
        return np.tanh(yi), vi / np.cosh(yi) ** 4


def root(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take the square root; the derivative is 1/(2 √y)."""
    _check(yi, vi, yi <= 0, "has no root with a derivative")
    return np.sqrt(yi), vi / (4.0 * yi)


def square(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take the square; the derivative is 2y."""
    _check(yi, vi)
    return yi**2, vi * (2.0 * yi) ** 2


def reciprocal(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take the reciprocal; the derivative is -1/y²."""
    _check(yi, vi, yi == 0, "has no reciprocal")
    return 1.0 / yi, vi / yi**4


def log_odds_to_d(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Multiply a log odds ratio by √3/π, the standard deviation ratio of normal and logistic distributions."""
    _check(yi, vi)
    return yi * _D_PER_LOG_ODDS, vi * (3.0 / math.pi**2)


def d_to_log_odds(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Multiply a standardised mean difference by π/√3, the standard deviation of the logistic distribution."""
    _check(yi, vi)
    return yi / _D_PER_LOG_ODDS, vi * (math.pi**2 / 3.0)


def d_to_r(
    yi: FloatArray, vi: FloatArray, n_1: FloatArray | None = None, n_2: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Take d/√(d² + a) with a = (n₁ + n₂)²/(n₁ n₂), or 4 where the groups' sizes are not given; v a²/(d² + a)³."""
    a = np.full_like(yi, 4.0)
    sizes: dict[str, FloatArray] = {}
    if n_1 is not None and n_2 is not None:
        sizes = {"n_1": n_1, "n_2": n_2}
        with np.errstate(divide="ignore", invalid="ignore"):
            a = np.where(np.isnan(n_1 + n_2), a, (n_1 + n_2) * (1.0 / n_1 + 1.0 / n_2))
    refuse(
        SUMMARY,
        {"yi": yi, "vi": vi, **sizes},
        ("vi", vi < 0, "a variance cannot be negative"),
        *too_small(sizes, 1, *sizes),
    )
    whole = yi**2 + a
    return yi / np.sqrt(whole), vi * a**2 / whole**3


def r_to_d(yi: FloatArray, vi: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take 2r/√(1 - r²), for groups of equal size; v 4/(1 - r²)³."""
    _check(yi, vi, np.abs(yi) >= 1, "goes with no finite difference")
    rest = (1.0 - yi) * (1.0 + yi)
    return 2.0 * yi / np.sqrt(rest), 4.0 * vi / rest**3


def _check(yi: FloatArray, vi: FloatArray, outside: BoolArray | None = None, message: str = "") -> None:
    rules = [("vi", vi < 0, "a variance cannot be negative")]
    if outside is not None:
        rules.append(("yi", outside, message))
    refuse(SUMMARY, {"yi": yi, "vi": vi}, *rules)


@hookimpl
def conversions() -> list[Conversion]:
    """Offer the functions that effects are transformed by."""
    borenstein = "Borenstein, Hedges, Higgins & Rothstein (2009), Introduction to Meta-Analysis, ch. 7"
    named: list[tuple[str, Callable[..., tuple[FloatArray, FloatArray]], str, str | None]] = [
        ("log", log, "ln y, v / y²", "log"),
        ("exp", exp, "exp y, v exp 2y", "exp"),
        ("logit", logit, "ln(p / (1 - p)), v / (p (1 - p))²", "metafor::transf.logit"),
        ("inverse-logit", inverse_logit, "p = 1/(1 + exp(-y)), v (p (1 - p))²", "metafor::transf.ilogit"),
        ("probit", probit, "Φ⁻¹(p), v / φ²", "qnorm"),
        ("inverse-probit", inverse_probit, "Φ(y), v φ(y)²", "pnorm"),
        ("arcsine", arcsine, "arcsin √p, v / (4 p (1 - p))", "metafor::transf.arcsin"),
        ("fisher-z", fisher_z, "artanh r, v / (1 - r²)²", "metafor::transf.rtoz"),
        ("inverse-fisher-z", inverse_fisher_z, "tanh z, v / cosh⁴ z", "metafor::transf.ztor"),
        ("root", root, "√y, v / 4y", "sqrt"),
        ("square", square, "y², 4 y² v", None),
        ("reciprocal", reciprocal, "1/y, v / y⁴", None),
        ("log-odds-to-d", log_odds_to_d, "y √3/π, 3v/π²", "metafor::transf.lnortod.logis"),
        ("d-to-log-odds", d_to_log_odds, "y π/√3, vπ²/3", "metafor::transf.dtolnor.logis"),
        ("d-to-r", d_to_r, "d/√(d² + a), v a²/(d² + a)³, a = (n₁ + n₂)²/(n₁ n₂)", None),
        ("r-to-d", r_to_d, "2r/√(1 - r²), 4v/(1 - r²)³", "metafor::transf.rtod"),
    ]
    return [
        Conversion(
            f"delta-{name}",
            function,
            targets=("yi", "vi"),
            reference=f"{borenstein}; {REFERENCE}" if "d-to" in name or "to-d" in name else REFERENCE,
            formula=formula,
            examples={"yi": (0.5, 0.125, 0.75)},
            r_equivalent=transform and f"metafor::conv.delta(yi, vi, transf={transform})",
            r_version=transform and ("metafor 5.1" if "odds" in name else "metafor 4.0"),
        )
        for name, function, formula, transform in named
    ]
