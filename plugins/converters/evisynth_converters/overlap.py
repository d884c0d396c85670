"""Say a standardised mean difference as a share of people: Cohen's U, overlap, probability of superiority, BESD.

All hold two normal distributions of equal variance to be d standard deviations apart.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evisynth import Conversion, hookimpl
from evisynth_converters.ranges import refuse_outside

if TYPE_CHECKING:
    from evisynth import FloatArray

COHEN = "Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., ch. 2"
CLES = "McGraw & Wong (1992), Psychol. Bull. 111:361-365"
CLIFF = "Cliff (1993), Psychol. Bull. 114:494-509"
OVERLAP = "Inman & Bradley (1989), Commun. Stat. Theory Methods 18:3851-3874"
BESD = "Rosenthal & Rubin (1982), J. Educ. Psychol. 74:166-169"


def smd_to_u1(smd: FloatArray) -> tuple[FloatArray]:
    """Give Cohen's U₁ = (2Φ(|d|/2) - 1)/Φ(|d|/2), the share of the two distributions' area that they do not share."""
    from scipy.special import erf, ndtr  # noqa: PLC0415 - scipy comes with the first use

    half = np.abs(smd) / 2
    return (np.asarray(erf(half / math.sqrt(2)) / ndtr(half)),)


def smd_to_u2(smd: FloatArray) -> tuple[FloatArray]:
    """Give Cohen's U₂ = Φ(d/2), the share of group 1 that exceeds the same share of group 2."""
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first use

    return (np.asarray(ndtr(np.asarray(smd) / 2)),)


def smd_to_u3(smd: FloatArray) -> tuple[FloatArray]:
    """Give Cohen's U₃ = Φ(d), the share of group 1 above the mean of group 2."""
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first use

    return (np.asarray(ndtr(smd)),)


def smd_to_cles(smd: FloatArray) -> tuple[FloatArray]:
    """Give Φ(d/√2), the probability that a member of group 1 has more than one of group 2."""
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first use

    return (np.asarray(ndtr(np.asarray(smd) / math.sqrt(2))),)


def cles_to_smd(cles: FloatArray) -> tuple[FloatArray]:
    """Take d = √2 Φ⁻¹(probability of superiority), infinite for 0 and 1."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy comes with the first use

    refuse_outside(0.0, 1.0, cles=cles)
    return (math.sqrt(2) * np.asarray(ndtri(cles)),)


def smd_to_cliff_delta(smd: FloatArray) -> tuple[FloatArray]:
    """Give Cliff's delta = 2Φ(d/√2) - 1, the probability of superiority less that of inferiority."""
    from scipy.special import erf  # noqa: PLC0415 - scipy comes with the first use

    return (np.asarray(erf(np.asarray(smd) / 2)),)


def smd_to_overlap(smd: FloatArray) -> tuple[FloatArray]:
    """Give 2Φ(-|d|/2), the area under the lower of the two densities."""
    from scipy.special import ndtr  # noqa: PLC0415 - scipy comes with the first use

    return (2 * np.asarray(ndtr(-np.abs(smd) / 2)),)


def smd_to_besd(smd: FloatArray) -> tuple[FloatArray]:
    """Give ½ + ½ d/√(d² + 4), the binomial effect size display: the share of group 1 above the common median."""
    d = np.asarray(smd, dtype=np.float64)
    root = np.hypot(d, 2.0)
    # The share that is below ½ is a difference of nearly equal numbers for a large d.
    tail = 2 / (root * (root + np.abs(d)))
    return (np.where(d < 0, tail, 1 - tail),)


@hookimpl
def conversions() -> list[Conversion]:
    """Offer the shares that a standardised mean difference stands for, and the difference from a CLES."""
    recent = "metafor 4.2"
    return [
        Conversion(
            "smd-to-u1",
            smd_to_u1,
            targets=("u1",),
            reference=COHEN,
            formula="U₁ = (2Φ(|d|/2) - 1)/Φ(|d|/2)",
            r_equivalent="metafor::transf.dtou1(smd)",
        ),
        Conversion(
            "smd-to-u2",
            smd_to_u2,
            targets=("u2",),
            reference=COHEN,
            formula="U₂ = Φ(d/2)",
            r_equivalent="metafor::transf.dtou2(smd)",
        ),
        Conversion(
            "smd-to-u3",
            smd_to_u3,
            targets=("u3",),
            reference=COHEN,
            formula="U₃ = Φ(d)",
            r_equivalent="metafor::transf.dtou3(smd)",
        ),
        Conversion(
            "smd-to-cles",
            smd_to_cles,
            targets=("cles",),
            reference=CLES,
            formula="CLES = Φ(d/√2)",
            r_equivalent="metafor::transf.dtocles(smd)",
        ),
        Conversion(
            "cles-to-smd",
            cles_to_smd,
            targets=("smd",),
            infinite=True,
            reference=CLES,
            formula="d = √2 Φ⁻¹(CLES)",
            r_equivalent="metafor::transf.clestod(cles)",
            r_version=recent,
        ),
        Conversion(
            "smd-to-cliff-delta",
            smd_to_cliff_delta,
            targets=("cliff_delta",),
            reference=CLIFF,
            formula="δ = 2Φ(d/√2) - 1",
            r_equivalent="metafor::transf.dtocliffd(smd)",
            r_version=recent,
        ),
        Conversion(
            "smd-to-overlap",
            smd_to_overlap,
            targets=("overlap",),
            reference=OVERLAP,
            formula="OVL = 2Φ(-|d|/2)",
            r_equivalent="metafor::transf.dtoovl(smd)",
            r_version=recent,
        ),
        Conversion(
            "smd-to-besd",
            smd_to_besd,
            targets=("besd",),
            reference=BESD,
            formula="BESD = ½ + ½ d/√(d² + 4)",
            r_equivalent="metafor::transf.dtobesd(smd)",
        ),
    ]
