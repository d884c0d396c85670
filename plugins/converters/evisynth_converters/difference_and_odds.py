"""Convert between standardised mean differences, log odds ratios and tetrachoric correlations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from evisynth import Conversion, hookimpl
from evisynth_converters.ranges import refuse_outside

if TYPE_CHECKING:
    from evisynth import FloatArray

LOGISTIC = math.pi / math.sqrt(3)
"""Standard deviation of the logistic distribution: log odds per standard deviation."""
NORMAL = 1.65
"""Log odds per standard deviation of a normal distribution, about its middle."""

HASSELBLAD_HEDGES = "Hasselblad & Hedges (1995), Psychol. Bull. 117:167-178; Chinn (2000), Stat. Med. 19:3127-3131"
COX_SNELL = "Cox & Snell (1989), Analysis of Binary Data; Sánchez-Meca et al. (2003), Psychol. Methods 8:448-467"
PEARSON = "Pearson (1900), Phil. Trans. R. Soc. A 195:1-47; Bonett & Price (2005), J. Educ. Behav. Stat. 30:213-225"
DIGBY = "Digby (1983), Biometrics 39:753-757; Bonett (2007), Psychometrika 72:581-583"


def log_or_to_smd_logistic(log_or: FloatArray, log_or_se: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """Take d = ln OR √3/π with its standard error, for an outcome cut out of a logistic distribution."""
    return _scaled(log_or, log_or_se, 1 / LOGISTIC, "log_or_se")


def smd_to_log_or_logistic(smd: FloatArray, smd_se: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """Take ln OR = d π/√3 with its standard error, for an outcome cut out of a logistic distribution."""
    return _scaled(smd, smd_se, LOGISTIC, "smd_se")


def log_or_to_smd_normal(log_or: FloatArray, log_or_se: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """Take d = ln OR/1.65 with its standard error, for an outcome cut out of a normal distribution."""
    return _scaled(log_or, log_or_se, 1 / NORMAL, "log_or_se")


def smd_to_log_or_normal(smd: FloatArray, smd_se: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """Take ln OR = 1.65 d with its standard error, for an outcome cut out of a normal distribution."""
    return _scaled(smd, smd_se, NORMAL, "smd_se")


def log_or_to_tetrachoric_pearson(log_or: FloatArray) -> tuple[FloatArray]:
    """Take Pearson's r = cos(π/(1 + √OR)), which is sin(½π tanh(¼ ln OR)) and so exactly 0 for OR = 1."""
    return (np.sin(np.pi / 2 * np.tanh(np.asarray(log_or) / 4)),)


def log_or_to_tetrachoric_digby(log_or: FloatArray) -> tuple[FloatArray]:
    """Take Digby's r = (OR^¾ - 1)/(OR^¾ + 1) = tanh(⅜ ln OR)."""
    return (np.tanh(0.375 * np.asarray(log_or)),)


def _scaled(value: FloatArray, se: FloatArray | None, factor: float, se_name: str) -> tuple[FloatArray, FloatArray]:
    values = np.asarray(value, dtype=np.float64)
    refuse_outside(0.0, np.inf, **{se_name: se})
    errors = np.full(values.shape, np.nan) if se is None else np.asarray(se, dtype=np.float64)
    return values * factor, errors * factor


@hookimpl
def conversions() -> list[Conversion]:
    """Offer d ↔ ln OR by logistic and by normal distributions, and tetrachoric correlations from odds ratios."""
    difference, odds = ("smd", "smd_se"), ("log_or", "log_or_se")
    recent = "metafor 4.2"
    return [
        Conversion(
            "log-or-to-smd-logistic",
            log_or_to_smd_logistic,
            targets=difference,
            reference=HASSELBLAD_HEDGES,
            formula="d = ln OR · √3/π, SE likewise",
            r_equivalent="meta::or2smd(log_or, log_or_se, method='HH')",
        ),
        Conversion(
            "smd-to-log-or-logistic",
            smd_to_log_or_logistic,
            targets=odds,
            reference=HASSELBLAD_HEDGES,
            formula="ln OR = d · π/√3, SE likewise",
            r_equivalent="meta::smd2or(smd, smd_se, method='HH')",
        ),
        Conversion(
            "log-or-to-smd-normal",
            log_or_to_smd_normal,
            targets=difference,
            reference=COX_SNELL,
            formula="d = ln OR/1.65, SE likewise",
            r_equivalent="meta::or2smd(log_or, log_or_se, method='CS')",
        ),
        Conversion(
            "smd-to-log-or-normal",
            smd_to_log_or_normal,
            targets=odds,
            reference=COX_SNELL,
            formula="ln OR = 1.65 d, SE likewise",
            r_equivalent="meta::smd2or(smd, smd_se, method='CS')",
        ),
        Conversion(
            "log-or-to-tetrachoric-pearson",
            log_or_to_tetrachoric_pearson,
            targets=("r",),
            reference=PEARSON,
            formula="r = cos(π/(1 + √OR))",
            r_equivalent="metafor::transf.lnortortet.pearson(log_or)",
            r_version=recent,
        ),
        Conversion(
            "log-or-to-tetrachoric-digby",
            log_or_to_tetrachoric_digby,
            targets=("r",),
            reference=DIGBY,
            formula="r = (OR^¾ - 1)/(OR^¾ + 1)",
            r_equivalent="metafor::transf.lnortortet.digby(log_or)",
            r_version=recent,
        ),
    ]
