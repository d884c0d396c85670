"""Bring proportions to the logit, probit, arcsine and Freeman–Tukey scales, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Conversion, hookimpl
from evisynth_converters.ranges import refuse_not_positive, refuse_outside

if TYPE_CHECKING:
    from evisynth import FloatArray

ARCSINE = "Anscombe (1948), Biometrika 35:246-254"
FREEMAN_TUKEY = "Freeman & Tukey (1950), Ann. Math. Stat. 21:607-611"
MILLER = "Miller (1978), Am. Stat. 32:138"
LOGIT = "Berkson (1944), J. Am. Stat. Assoc. 39:357-365"
PROBIT = "Bliss (1934), Science 79:38-39"


def proportion_to_logit(proportion: FloatArray) -> tuple[FloatArray]:
    """Take ln(p/(1 - p)), infinite for 0 and 1; raises `DataError` for a proportion outside 0 to 1."""
    refuse_outside(0.0, 1.0, proportion=proportion)
    p = np.asarray(proportion, dtype=np.float64)
    odd = 2 * p - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        # 2p - 1 is exact about ½, where the logarithm of a quotient near 1 has few digits.
        return (np.where(np.abs(odd) < 0.25, np.log1p(odd / (1 - p)), np.log(p) - np.log1p(-p)),)  # noqa: PLR2004 - where the difference is exact


def logit_to_proportion(logit: FloatArray) -> tuple[FloatArray]:
    """Take p = 1/(1 + exp(-x))."""
    from scipy.special import expit  # noqa: PLC0415 - scipy comes with the first use

    return (np.asarray(expit(logit)),)


def proportion_to_probit(proportion: FloatArray) -> tuple[FloatArray]:
    """Take Φ⁻¹(p), infinite for 0 and 1; raises `DataError` for a proportion outside 0 to 1."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first use

    refuse_outside(0.0, 1.0, proportion=proportion)
    return (np.asarray(ndtri(proportion)),)


def probit_to_proportion(probit: FloatArray) -> tuple[FloatArray]:
    """Take p = Φ(x)."""
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first use

    return (np.asarray(ndtr(probit)),)


def proportion_to_arcsine(proportion: FloatArray) -> tuple[FloatArray]:
    """Take arcsin √p; raises `DataError` for a proportion outside 0 to 1."""
    refuse_outside(0.0, 1.0, proportion=proportion)
    p = np.asarray(proportion, dtype=np.float64)
    return (_angle(p, 1 - p),)


def arcsine_to_proportion(arcsine: FloatArray) -> tuple[FloatArray]:
    """Take p = sin² x for x from 0 to π/2; what lies outside stands for the nearer end."""
    return (np.sin(np.clip(arcsine, 0.0, np.pi / 2)) ** 2,)


def proportion_to_freeman_tukey(proportion: FloatArray, n: FloatArray) -> tuple[FloatArray]:
    """Take ½ (arcsin √(x/(n + 1)) + arcsin √((x + 1)/(n + 1))) with x = n p, the double arcsine.

    Raises `DataError` for a proportion outside 0 to 1 and a sample without anybody.
    """
    refuse_outside(0.0, 1.0, proportion=proportion)
    refuse_not_positive(n=n)
    p, size = np.asarray(proportion, dtype=np.float64), np.asarray(n, dtype=np.float64)
    x, rest = p * size, (1 - p) * size
    return ((_angle(x, rest + 1) + _angle(x + 1, rest)) / 2,)


def freeman_tukey_to_proportion(freeman_tukey: FloatArray, n: FloatArray) -> tuple[FloatArray]:
    """Invert the double arcsine for a sample of size n.

    For a pooled value n is a mean of the sample sizes, by custom the harmonic one; the answer depends on it, and
    where sizes differ much it can fall outside the range of the studies (Schwarzer et al. 2019, Res. Synth. Methods
    10:476-483). What lies outside the range of the transformation for n stands for the nearer end.
    """
    refuse_not_positive(n=n)
    t, size = np.asarray(freeman_tukey, dtype=np.float64), np.asarray(n, dtype=np.float64)
    least = np.arctan2(1.0, np.sqrt(size)) / 2
    t = np.clip(t, least, np.pi / 2 - least)
    s, c = np.sin(2 * t), np.cos(2 * t)
    # Miller's root of 1 - u², u = s + (s - 1/s)/n, in the form that keeps its digits where p is near ½.
    root = np.abs(c) * np.sqrt(np.maximum(((size + 1) * s) ** 2 - 1, 0.0)) / (size * s)
    u = np.maximum((size + 1) * s * s - 1, 0.0) / (size * s)
    # 1 - root cancels where the root is near 1, at the ends of the scale.
    less = np.where(root > 0.5, u * u / (1 + root), 1 - root) / 2  # noqa: PLR2004 - whichever form does not cancel
    return (np.where(c > 0, less, 1 - less),)


def _angle(one: FloatArray, other: FloatArray) -> FloatArray:
    """Give arcsin √(one/(one + other)) without loss at either end."""
    return np.asarray(np.arctan2(np.sqrt(one), np.sqrt(other)))


@hookimpl
def conversions() -> list[Conversion]:
    """Offer four transformations of proportions and their inverses."""
    return [
        Conversion(
            "proportion-to-logit",
            proportion_to_logit,
            targets=("logit",),
            infinite=True,
            reference=LOGIT,
            formula="x = ln(p/(1 - p))",
            r_equivalent="metafor::transf.logit(proportion)",
        ),
        Conversion(
            "logit-to-proportion",
            logit_to_proportion,
            targets=("proportion",),
            reference=LOGIT,
            formula="p = 1/(1 + exp(-x))",
            r_equivalent="metafor::transf.ilogit(logit)",
        ),
        Conversion(
            "proportion-to-probit",
            proportion_to_probit,
            targets=("probit",),
            infinite=True,
            reference=PROBIT,
            formula="x = Φ⁻¹(p)",
            r_equivalent="metafor::transf.probit(proportion)",
            r_version="metafor 4.2",
        ),
        Conversion(
            "probit-to-proportion",
            probit_to_proportion,
            targets=("proportion",),
            reference=PROBIT,
            formula="p = Φ(x)",
            r_equivalent="metafor::transf.iprobit(probit)",
            r_version="metafor 4.2",
        ),
        Conversion(
            "proportion-to-arcsine",
            proportion_to_arcsine,
            targets=("arcsine",),
            reference=ARCSINE,
            formula="x = arcsin √p",
            r_equivalent="metafor::transf.arcsin(proportion)",
        ),
        Conversion(
            "arcsine-to-proportion",
            arcsine_to_proportion,
            targets=("proportion",),
            reference=ARCSINE,
            formula="p = sin² x",
            r_equivalent="metafor::transf.iarcsin(arcsine)",
        ),
        Conversion(
            "proportion-to-freeman-tukey",
            proportion_to_freeman_tukey,
            targets=("freeman_tukey",),
            reference=FREEMAN_TUKEY,
            formula="x = ½ (arcsin √(np/(n + 1)) + arcsin √((np + 1)/(n + 1)))",
            r_equivalent="metafor::transf.pft(proportion, n)",
        ),
        Conversion(
            "freeman-tukey-to-proportion",
            freeman_tukey_to_proportion,
            targets=("proportion",),
            reference=MILLER,
            formula="p = ½ (1 - sgn(cos 2x) √(1 - (sin 2x + (sin 2x - 1/sin 2x)/n)²))",
            r_equivalent="metafor::transf.ipft(freeman_tukey, n)",
        ),
    ]
