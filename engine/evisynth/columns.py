"""Keep the one glossary of column names: what enters the engine, and every column of every table that leaves it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

NUMERIC: dict[str, tuple[str, ...]] = {
    # canonical name: names that the same thing goes by in RevMan, metafor, meta and reviewers' tables
    "events_1": (
        "ai",
        "events1",
        "event_e",
        "events_e",
        "events_exp",
        "events_treatment",
        "experimental_cases",
        "e1",
        "tpos",
    ),
    "n_1": ("n1i", "n1", "n_e", "n_exp", "total_1", "n_treatment", "experimental_n", "total_e"),
    "events_2": (
        "ci",
        "events2",
        "event_c",
        "events_c",
        "events_ctrl",
        "events_control",
        "control_cases",
        "e2",
        "cpos",
    ),
    "n_2": ("n2i", "n2", "n_c", "n_ctrl", "total_2", "n_control", "control_n", "total_c"),
    "nonevents_1": ("bi", "tneg"),
    "nonevents_2": ("di", "cneg"),
    "mean_1": ("m1i", "m1", "mean1", "mean_e", "mean_exp", "mean_treatment", "experimental_mean"),
    "sd_1": ("sd1i", "sd1", "sd_e", "sd_exp", "sd_treatment", "experimental_sd"),
    "mean_2": ("m2i", "m2", "mean2", "mean_c", "mean_ctrl", "mean_control", "control_mean"),
    "sd_2": ("sd2i", "sd2", "sd_c", "sd_ctrl", "sd_control", "control_sd"),
    "yi": ("y", "te", "effect", "giv_mean"),
    "vi": ("v", "variance_of_effect"),
    "sei": ("se", "sete", "standard_error", "giv_se"),
    "estimate": ("est",),
    "ci_low": ("ci_lb", "lower", "lower_ci", "ci_start", "ci_lower"),
    "ci_high": ("ci_ub", "upper", "upper_ci", "ci_end", "ci_upper"),
    "o_e": ("oe", "o_minus_e", "observed_minus_expected"),
    "o_e_variance": ("variance", "var", "v_oe"),
    # one group, or the whole sample
    "events": ("xi", "event", "cases"),
    "n": ("ni", "total", "sample_size"),
    "time": ("person_time", "person_years"),
    "mean": (),
    "sd": ("sdi",),
    # person-time
    "time_1": ("t1i", "time_e", "time_treatment"),
    "time_2": ("t2i", "time_c", "time_control"),
    # matched pairs
    "pairs_both": (),
    "pairs_only_1": (),
    "pairs_only_2": (),
    "pairs_neither": (),
    "proportion_both": (),
    # correlations, and what a paper prints of a test
    "r": ("ri", "cor", "correlation"),
    "t_value": ("tval", "t_statistic"),
    "f_value": ("f_statistic",),
    "chi2": ("chi_squared", "chi_square"),
    "z_value": ("zval", "z_statistic"),
    "p_value": ("pval", "p"),
    "direction": (),
    "smd": ("cohens_d", "hedges_g"),
    "predictors": (),
    "r_squared": ("r2i", "r2"),
    # reliability
    "alpha": ("cronbach_alpha", "cronbachs_alpha"),
    "items": (),
    # others
    "cles": ("auc",),
    "genotype_11": (),
    "genotype_12": (),
    "genotype_22": (),
    "tp": ("true_positives",),
    "fp": ("false_positives",),
    "fn": ("false_negatives",),
    "tn": ("true_negatives",),
    # what is converted to means and standard deviations
    **{
        f"{name}{arm}": ()
        for arm in ("", "_1", "_2")
        for name in ("median", "minimum", "q1", "q3", "maximum", "mean_baseline", "mean_final", "mean_change")
    },
    **{f"{name}{arm}": () for arm in ("", "_1", "_2") for name in ("sd_baseline", "sd_final", "sd_change")},
    **{f"{name}_{arm}": () for arm in ("1", "2") for name in ("se", "mean_ci_low", "mean_ci_high")},
}
"""Numeric columns of `Studies`, with the names each is recognised by (case and punctuation aside).

Arm 1 is the experimental group and arm 2 the control group. ``yi``, ``vi`` and ``sei`` are on the analysis scale
(logarithms for ratios); ``estimate`` is on the scale shown to readers. ``ci_low`` and ``ci_high`` go with whichever of
the two is given.
"""

ALWAYS_NUMBERS = frozenset(
    {
        *("events_1", "n_1", "events_2", "n_2", "nonevents_1", "nonevents_2", "mean_1", "sd_1", "mean_2", "sd_2"),
        *("yi", "vi", "sei", "estimate", "ci_low", "ci_high", "o_e", "o_e_variance"),
    }
)
"""Columns in which a text is an error. Names such as "p" or "total" stand over columns of many kinds: those are taken
for what they are called where they hold numbers, and otherwise kept as texts, with a note."""

TEXT: dict[str, tuple[str, ...]] = {
    "study": ("studlab", "study_name", "author", "trial", "slab", "label", "name"),
    "year": ("study_year", "publication_year"),
    "subgroup": ("sub_group", "byvar", "group"),
}

PAIRS = ("pairs_both", "pairs_only_1", "pairs_only_2", "pairs_neither")
GENOTYPES = ("genotype_11", "genotype_12", "genotype_22")
DIAGNOSTIC = ("tp", "fp", "fn", "tn")
COUNTS = (
    *("events_1", "n_1", "events_2", "n_2", "nonevents_1", "nonevents_2", "events", "n"),
    *(*PAIRS, *GENOTYPES, *DIAGNOSTIC),
)

OUTPUT: dict[str, str] = {
    "analysis": "key of the analysis in a batch",
    "row": "number of the row in the input, from 1",
    "study": "study label as given",
    "study_id": "distinct label of the row (a repeated name gets a number)",
    "year": "publication year",
    "subgroup": "subgroup label",
    "effect": "effect on the analysis scale (log for ratios)",
    "se": "standard error on the analysis scale",
    "ci_low": "lower limit on the analysis scale",
    "ci_high": "upper limit on the analysis scale",
    "display": "effect on the scale shown to readers",
    "display_ci_low": "lower limit on the scale shown to readers",
    "display_ci_high": "upper limit on the scale shown to readers",
    "weight": "weight in the chosen model, percent",
    "weight_common": "weight in the common-effect model, percent",
    "weight_random": "weight in the random-effects model, percent",
    "included": "whether the study is pooled",
    "reason": "why there is no result",
    "route": "how the effect was come by: the measure's own columns, or other statistics",
    "formula": "what was computed on that way",
    "origins": "numbers of the row that were converted from others, and how",
    "note": "what a reader should know about the result",
    "statistic": "test statistic (z, or t where df is given)",
    "df": "degrees of freedom",
    "p_value": "two-sided p-value",
    "log_p_value": "natural logarithm of the p-value",
    "k": "number of studies pooled",
    "k_total": "number of studies given",
    "q": "Cochran's Q",
    "q_df": "degrees of freedom of Q",
    "q_p_value": "p-value of Q",
    "tau2": "between-study variance",
    "tau2_se": "standard error of tau²",
    "tau2_ci_low": "lower limit of tau²",
    "tau2_ci_high": "upper limit of tau²",
    "prediction_reason": "why there are no prediction limits, or what to know about them",
    "tau2_ci_reason": "why tau² has no limits, or what to know about them",
    "tau": "between-study standard deviation",
    "tau_ci_low": "lower limit of tau",
    "tau_ci_high": "upper limit of tau",
    "i2": "I² by the preset's definition, percent",
    "i2_q": "I² from Q, percent",
    "i2_tau2": "I² from tau², percent",
    "i2_ci_low": "lower limit of I², percent",
    "i2_ci_high": "upper limit of I², percent",
    "h2": "H² by the preset's definition",
    "h2_ci_low": "lower limit of H²",
    "h2_ci_high": "upper limit of H²",
    "tau2_modes": "number of local maxima of the likelihood of tau²",
    "r_b": "share of the variance of the pooled effect that is due to tau², percent",
    "prediction_low": "lower prediction limit on the analysis scale",
    "prediction_high": "upper prediction limit on the analysis scale",
    "symbol": "what the statistic is called",
    "asymmetry": "coefficient that a test of small-study effects looks at",
    "limit": "effect at infinite precision, on the analysis scale",
    "before": "effect before an adjustment, on the analysis scale",
    "before_ci_low": "its lower limit",
    "before_ci_high": "its upper limit",
    "after": "adjusted effect, on the analysis scale",
    "after_ci_low": "its lower limit",
    "after_ci_high": "its upper limit",
    "studies_filled": "studies that an adjustment filled in",
    "side": "where studies are taken to be missing, or the direction taken to be favoured",
    "warnings": "what speaks against a result, separated by semicolons",
    "omitted": "study left out",
    "added": "studies added, separated by semicolons",
    "hat": "leverage",
    "residual": "effect less the fitted effect",
    "rstandard": "residual over its standard error",
    "rstudent": "deleted residual over its standard error",
    "dffits": "change of the fitted effect without the study, in standard errors",
    "cook_distance": "Cook's distance",
    "covariance_ratio": "determinant of the coefficients' covariance without the study, relative to that with it",
    "tau2_deleted": "between-study variance without the study",
    "q_deleted": "Cochran's Q without the study",
    "dfbetas": "change of a coefficient without the study, in standard errors",
    "influential": "whether some measure of influence is beyond its limit",
    "random_effect": "predicted deviation of the study's true effect from the model",
    "random_effect_se": "standard error of the predicted deviation",
    "random_effect_low": "lower prediction limit of the deviation",
    "random_effect_high": "upper prediction limit of the deviation",
    "display_prediction_low": "lower prediction limit on the scale shown to readers",
    "display_prediction_high": "upper prediction limit on the scale shown to readers",
    "heterogeneity_contribution": "squared residual over the variance of the effect",
    "squared_influence": "squared change of the fitted effect without the study, over its variance then",
    "precision": "one over the standard error, tau² included",
    "standardised_effect": "effect over the standard error, tau² included",
    "subset": "number of the subset of studies",
    "effect_with": "median effect over subsets with the study",
    "effect_without": "median effect over subsets without the study",
    "i2_with": "median I² over subsets with the study, percent",
    "i2_without": "median I² over subsets without the study, percent",
    "fitted": "mean effect by the location model, on the analysis scale",
    "part": "part of a location–scale model: location or scale",
    "value": "coefficient",
    "unbounded": "which way a coefficient without a finite value runs",
    "source": "file or title that a finding is about",
    "place": "outcome (1.2), subgroup (1.2.1) or row of a table",
    "comparison": "name of the comparison in a review",
    "outcome": "name of the outcome in a review",
    "measure": "effect measure",
    "method": "way of pooling",
    "model": "common or random",
    "stored": "number that a file stores",
    "computed": "number that the engine computes",
    "difference": "size of the difference between two numbers",
    "tolerance": "difference up to which two numbers agree",
    "agrees": "whether two numbers agree",
    "rule": "rule of consistency",
    "severity": "impossible, or suspicious",
    "message": "what was found",
    "reasoning": "why it cannot be",
    "level": "level of the interval",
    "term": "coefficient of a meta-regression",
    "kind": "kind of method",
    "name": "name of the method",
    "provider": "distribution that provides the method",
    "module": "module that provides the method",
    "reference": "published source",
    "columns": "columns that the method needs",
    "scale": "analysis scale of the measure",
    "variances": "variance types that the measure has",
    "targets": "what the conversion gives",
    "r_equivalent": "R call that computes the same",
    "r_version": "lowest version of the R package that the R call holds for",
    "display_difference": "effect under the second settings less that under the first, as shown to readers",
    "width_ratio": "width of the interval under the second settings over that under the first, on the analysis scale",
    "changes": "conclusions that change between two settings, separated by semicolons",
    "why": "choices of the settings that make the difference",
}
"""Columns of tables that leave the engine, with their meaning; `NUMERIC` columns may accompany them."""

OF_TWO_SETTINGS = (
    *("measure", "method", "model", "k", "display", "display_ci_low", "display_ci_high", "p_value", "tau2", "i2"),
    *("display_prediction_low", "display_prediction_high", "reason"),
)
"""Columns that a comparison of two settings has twice, ending in ``_one`` and ``_other``."""
OUTPUT.update(
    {
        f"{name}_{which}": f"{OUTPUT[name]}; under the {ordinal} settings"
        for name in OF_TWO_SETTINGS
        for which, ordinal in (("one", "first"), ("other", "second"))
    }
)


def fold(name: str) -> str:
    """Reduce a heading to what is compared: lower case, words joined by underscores."""
    return re.sub(r"[^0-9a-z]+", "_", name.strip().casefold()).strip("_")


_SYNONYMS = {
    fold(alias): canonical
    for table in (NUMERIC, TEXT)
    for canonical, names in table.items()
    for alias in (canonical, *names)
}


def find_roles(headings: Iterable[str]) -> dict[str, str]:
    """Match headings with canonical columns: canonical name → heading as given.

    A canonical name takes precedence over a synonym, and the first heading over later ones.
    """
    roles: dict[str, str] = {}
    for heading in headings:
        folded = fold(heading)
        canonical = _SYNONYMS.get(folded)
        if canonical is not None and (canonical not in roles or folded == canonical != fold(roles[canonical])):
            roles[canonical] = heading
    return roles


def unknown_output_columns(names: Iterable[str]) -> list[str]:
    """List the columns that no table of ours may have."""
    return [name for name in names if name not in OUTPUT and name not in NUMERIC]
