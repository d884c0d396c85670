"""evisynth (evidence synthesis): a meta-analysis engine in which every method is a plugin.

::

    import evisynth as es

    studies = es.load("mortality.csv")
    analysis = es.fit(studies, measure="RR", method="MH", model="random", settings="revman5")
    es.report(analysis, "forest", "mortality.png")
"""

from importlib import import_module
from typing import TYPE_CHECKING

from evisynth.across_rows import Average, Increments
from evisynth.cells import Cells, CorrectedCells
from evisynth.errors import (
    CombinationError,
    DataError,
    DataWarning,
    EvisynthError,
    FormatError,
    InputError,
    MissingExtraError,
    MissingProgramError,
    PluginError,
    PluginWarning,
    Problem,
    SettingsError,
    UnknownMethodError,
)
from evisynth.fits import (
    Display,
    Estimate,
    Estimates,
    Fit,
    Interval,
    Limits,
    inverse_variance_fit,
    no_estimates,
    no_limits,
    reasoned_limits,
    symmetric_estimates,
    symmetric_limits,
)
from evisynth.fitting import effects, fit
from evisynth.heterogeneity import Heterogeneity
from evisynth.hookspecs import hookimpl
from evisynth.kernels.arrays import BoolArray, FloatArray, IntArray, holds_numbers, power_of_two_scale, read_only
from evisynth.kernels.distributions import (
    chi2_p_value,
    chi2_quantile,
    f_p_value,
    normal_p_value,
    normal_quantile,
    t_p_value,
    t_quantile,
)
from evisynth.kernels.few_studies import FEW, FewStudies
from evisynth.kernels.generalised_q import generalised_q_root
from evisynth.kernels.many_studies import ManyStudies, many_studies
from evisynth.kernels.quadratic_forms import QuadraticForm
from evisynth.kernels.roots import bracketed_root, bracketed_roots, falling_roots
from evisynth.kernels.weighted_fit import WeightedFit, design_of, intercept, is_intercept, weighted_fit
from evisynth.models import Model
from evisynth.pooling import Sample
from evisynth.records import (
    Adjustment,
    BiasTest,
    Check,
    Conversion,
    Converter,
    Correction,
    EffectMeasure,
    IntervalMethod,
    Method,
    PoolingModel,
    PredictionInterval,
    ReferenceSet,
    Reporter,
    Route,
    StudyInterval,
    Tau2Estimator,
    Tau2Fit,
    Tau2Interval,
)
from evisynth.registry import Registry, default_registry
from evisynth.results import MetaAnalysis, StudyResult, Subgroup, SubgroupTest
from evisynth.scales import LINEAR, LOG, Scale
from evisynth.settings import Settings
from evisynth.studies import LEFT_OUT, NOT_COUNTED, Effects, FilledColumns, MeasuredEffects, Reasons, Studies

if TYPE_CHECKING:
    from evisynth.batch import fit_many
    from evisynth.bias_results import BiasResult, BiasStudy, BiasSurvey, Convergence
    from evisynth.columns import find_roles
    from evisynth.completing import complete
    from evisynth.consistency.checking import (
        check,
        check_printed,
        check_printed_mean,
        check_printed_percent,
        which_test,
    )
    from evisynth.consistency.findings import Consistency, Finding, Unchecked
    from evisynth.converting import convert
    from evisynth.delta_method import delta_method
    from evisynth.dependence.aggregation import aggregate
    from evisynth.dependence.correlations import covariance
    from evisynth.dependence.covariance import Covariance
    from evisynth.dependence.shared_control import shared_control_covariance
    from evisynth.designs import Design
    from evisynth.diagnostics.blup import StudyPredictions, blup
    from evisynth.diagnostics.cumulative import Cumulative, cumulative
    from evisynth.diagnostics.gosh import Gosh, gosh
    from evisynth.diagnostics.influence import Influence, influence
    from evisynth.diagnostics.leave_one_out import LeaveOneOut, leave_one_out
    from evisynth.diagnostics.plots import Baujat, Radial, baujat, radial
    from evisynth.documents import read_json
    from evisynth.escaping import guarded_cell, unguarded_cell
    from evisynth.figures import FigureSpec, each_between, each_of, figure, number_between, one_of, read_figure
    from evisynth.fit_statistics import Comparison, FitStatistics, compare
    from evisynth.handbook_bands import i2_bands
    from evisynth.loading import load, save
    from evisynth.number_needed import number_needed_text
    from evisynth.planning import SampleSize, sample_size
    from evisynth.regression import Regression
    from evisynth.reporting import draw, render, report
    from evisynth.reviews.analysis import OutcomeAnalysis, ReviewAnalysis
    from evisynth.reviews.comparing import ComparedOutcome, ComparedResult, SettingsComparison, compare_settings
    from evisynth.reviews.flow_checks import flow_imbalances
    from evisynth.reviews.joining import join_reviews
    from evisynth.reviews.model import (
        DATA_COLUMNS,
        BiasDomain,
        Judgement,
        OutcomeGroup,
        Review,
        ReviewComparison,
        ReviewOutcome,
        ReviewReference,
        ReviewRow,
        ReviewStudy,
        ReviewSubgroup,
        RiskOfBias,
        StoredResults,
        StudyFlow,
    )
    from evisynth.reviews.verification import Verification, verify
    from evisynth.scale_models import location_scale
    from evisynth.scale_results import LocationScale
    from evisynth.small_study import bias, bias_method, bias_methods, bias_survey
    from evisynth.sources import Source, Table
    from evisynth.tests_of_tables import TableTest, TableTests, table_tests
    from evisynth.validation.agreements import Agreement, as_printed
    from evisynth.validation.asking import Asked
    from evisynth.validation.results import Validation
    from evisynth.validation.running import validate

# Verbs that read, batch and report come with their first use: the import alone is part of every start.
_LATER = {
    "Agreement": "validation.agreements",
    "Asked": "validation.asking",
    "as_printed": "validation.agreements",
    "DATA_COLUMNS": "reviews.model",
    "Baujat": "diagnostics.plots",
    "BiasDomain": "reviews.model",
    "BiasResult": "bias_results",
    "BiasStudy": "bias_results",
    "BiasSurvey": "bias_results",
    "ComparedOutcome": "reviews.comparing",
    "ComparedResult": "reviews.comparing",
    "Comparison": "fit_statistics",
    "Consistency": "consistency.findings",
    "Convergence": "bias_results",
    "Covariance": "dependence.covariance",
    "Cumulative": "diagnostics.cumulative",
    "Design": "designs",
    "FigureSpec": "figures",
    "Finding": "consistency.findings",
    "FitStatistics": "fit_statistics",
    "Gosh": "diagnostics.gosh",
    "Influence": "diagnostics.influence",
    "Judgement": "reviews.model",
    "LeaveOneOut": "diagnostics.leave_one_out",
    "LocationScale": "scale_results",
    "OutcomeAnalysis": "reviews.analysis",
    "OutcomeGroup": "reviews.model",
    "Radial": "diagnostics.plots",
    "Regression": "regression",
    "Review": "reviews.model",
    "ReviewAnalysis": "reviews.analysis",
    "ReviewComparison": "reviews.model",
    "ReviewOutcome": "reviews.model",
    "ReviewReference": "reviews.model",
    "ReviewRow": "reviews.model",
    "ReviewStudy": "reviews.model",
    "ReviewSubgroup": "reviews.model",
    "RiskOfBias": "reviews.model",
    "SampleSize": "planning",
    "SettingsComparison": "reviews.comparing",
    "Source": "sources",
    "StoredResults": "reviews.model",
    "StudyFlow": "reviews.model",
    "StudyPredictions": "diagnostics.blup",
    "Table": "sources",
    "TableTest": "tests_of_tables",
    "TableTests": "tests_of_tables",
    "Unchecked": "consistency.findings",
    "Validation": "validation.results",
    "Verification": "reviews.verification",
    "aggregate": "dependence.aggregation",
    "baujat": "diagnostics.plots",
    "bias": "small_study",
    "bias_method": "small_study",
    "bias_methods": "small_study",
    "bias_survey": "small_study",
    "blup": "diagnostics.blup",
    "check": "consistency.checking",
    "check_printed": "consistency.checking",
    "check_printed_mean": "consistency.checking",
    "check_printed_percent": "consistency.checking",
    "compare": "fit_statistics",
    "compare_settings": "reviews.comparing",
    "complete": "completing",
    "convert": "converting",
    "covariance": "dependence.correlations",
    "cumulative": "diagnostics.cumulative",
    "delta_method": "delta_method",
    "draw": "reporting",
    "each_between": "figures",
    "each_of": "figures",
    "figure": "figures",
    "find_roles": "columns",
    "fit_many": "batch",
    "flow_imbalances": "reviews.flow_checks",
    "gosh": "diagnostics.gosh",
    "guarded_cell": "escaping",
    "i2_bands": "handbook_bands",
    "influence": "diagnostics.influence",
    "join_reviews": "reviews.joining",
    "leave_one_out": "diagnostics.leave_one_out",
    "load": "loading",
    "location_scale": "scale_models",
    "number_needed_text": "number_needed",
    "radial": "diagnostics.plots",
    "number_between": "figures",
    "one_of": "figures",
    "read_figure": "figures",
    "read_json": "documents",
    "render": "reporting",
    "report": "reporting",
    "sample_size": "planning",
    "save": "loading",
    "shared_control_covariance": "dependence.shared_control",
    "table_tests": "tests_of_tables",
    "unguarded_cell": "escaping",
    "validate": "validation.running",
    "verify": "reviews.verification",
    "which_test": "consistency.checking",
}


def __getattr__(name: str) -> object:
    """Import what is not needed at the start when it is first asked for."""
    module = _LATER.get(name)
    if module is None:
        msg = f"module 'evisynth' has no attribute {name!r}"
        raise AttributeError(msg)
    value: object = getattr(import_module(f"evisynth.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "DATA_COLUMNS",
    "FEW",
    "LEFT_OUT",
    "LINEAR",
    "LOG",
    "NOT_COUNTED",
    "Adjustment",
    "Agreement",
    "Asked",
    "Average",
    "Baujat",
    "BiasDomain",
    "BiasResult",
    "BiasStudy",
    "BiasSurvey",
    "BiasTest",
    "BoolArray",
    "Cells",
    "Check",
    "CombinationError",
    "ComparedOutcome",
    "ComparedResult",
    "Comparison",
    "Consistency",
    "Convergence",
    "Conversion",
    "Converter",
    "CorrectedCells",
    "Correction",
    "Covariance",
    "Cumulative",
    "DataError",
    "DataWarning",
    "Design",
    "Display",
    "EffectMeasure",
    "Effects",
    "Estimate",
    "Estimates",
    "EvisynthError",
    "FewStudies",
    "FigureSpec",
    "FilledColumns",
    "Finding",
    "Fit",
    "FitStatistics",
    "FloatArray",
    "FormatError",
    "Gosh",
    "Heterogeneity",
    "Increments",
    "Influence",
    "InputError",
    "IntArray",
    "Interval",
    "IntervalMethod",
    "Judgement",
    "LeaveOneOut",
    "Limits",
    "LocationScale",
    "ManyStudies",
    "MeasuredEffects",
    "MetaAnalysis",
    "Method",
    "MissingExtraError",
    "MissingProgramError",
    "Model",
    "OutcomeAnalysis",
    "OutcomeGroup",
    "PluginError",
    "PluginWarning",
    "PoolingModel",
    "PredictionInterval",
    "Problem",
    "QuadraticForm",
    "Radial",
    "Reasons",
    "ReferenceSet",
    "Registry",
    "Regression",
    "Reporter",
    "Review",
    "ReviewAnalysis",
    "ReviewComparison",
    "ReviewOutcome",
    "ReviewReference",
    "ReviewRow",
    "ReviewStudy",
    "ReviewSubgroup",
    "RiskOfBias",
    "Route",
    "Sample",
    "SampleSize",
    "Scale",
    "Settings",
    "SettingsComparison",
    "SettingsError",
    "Source",
    "StoredResults",
    "Studies",
    "StudyFlow",
    "StudyInterval",
    "StudyPredictions",
    "StudyResult",
    "Subgroup",
    "SubgroupTest",
    "Table",
    "TableTest",
    "TableTests",
    "Tau2Estimator",
    "Tau2Fit",
    "Tau2Interval",
    "Unchecked",
    "UnknownMethodError",
    "Validation",
    "Verification",
    "WeightedFit",
    "aggregate",
    "as_printed",
    "baujat",
    "bias",
    "bias_method",
    "bias_methods",
    "bias_survey",
    "blup",
    "bracketed_root",
    "bracketed_roots",
    "check",
    "check_printed",
    "check_printed_mean",
    "check_printed_percent",
    "chi2_p_value",
    "chi2_quantile",
    "compare",
    "compare_settings",
    "complete",
    "convert",
    "covariance",
    "cumulative",
    "default_registry",
    "delta_method",
    "design_of",
    "draw",
    "each_between",
    "each_of",
    "effects",
    "f_p_value",
    "falling_roots",
    "figure",
    "find_roles",
    "fit",
    "fit_many",
    "flow_imbalances",
    "generalised_q_root",
    "gosh",
    "guarded_cell",
    "holds_numbers",
    "hookimpl",
    "i2_bands",
    "influence",
    "intercept",
    "inverse_variance_fit",
    "is_intercept",
    "join_reviews",
    "leave_one_out",
    "load",
    "location_scale",
    "many_studies",
    "no_estimates",
    "no_limits",
    "normal_p_value",
    "normal_quantile",
    "number_between",
    "number_needed_text",
    "one_of",
    "power_of_two_scale",
    "radial",
    "read_figure",
    "read_json",
    "read_only",
    "reasoned_limits",
    "render",
    "report",
    "sample_size",
    "save",
    "shared_control_covariance",
    "symmetric_estimates",
    "symmetric_limits",
    "t_p_value",
    "t_quantile",
    "table_tests",
    "unguarded_cell",
    "validate",
    "verify",
    "weighted_fit",
    "which_test",
]
