"""Check that methods keep the laws of their kind; for the tests of whoever writes a plugin.

::

    import evisynth_hm
    from evisynth.testing import check_plugin

    def test_plugin() -> None:
        check_plugin(evisynth_hm)

There is one check per kind of method; each raises `ConformanceError`, an `AssertionError` that says which law is
broken, for which input, and what was seen. The data are the same at every run.
"""

from evisynth.testing.conformance import ConformanceError
from evisynth.testing.conversions import check_conversion
from evisynth.testing.corrections import check_correction
from evisynth.testing.entries import check_check, check_route
from evisynth.testing.formats import check_converter
from evisynth.testing.intervals import check_interval_method
from evisynth.testing.limits import check_prediction_interval, check_tau2_interval
from evisynth.testing.measures import check_effect_measure
from evisynth.testing.plugins import CHECKS, check, check_plugin
from evisynth.testing.pooling import check_pooling_model
from evisynth.testing.references import check_reference_set
from evisynth.testing.reports import check_reporter
from evisynth.testing.small_study import check_adjustment, check_bias_test
from evisynth.testing.study_intervals import check_study_interval
from evisynth.testing.tau2 import check_tau2_estimator

__all__ = [
    "CHECKS",
    "ConformanceError",
    "check",
    "check_adjustment",
    "check_bias_test",
    "check_check",
    "check_conversion",
    "check_converter",
    "check_correction",
    "check_effect_measure",
    "check_interval_method",
    "check_plugin",
    "check_pooling_model",
    "check_prediction_interval",
    "check_reference_set",
    "check_reporter",
    "check_route",
    "check_study_interval",
    "check_tau2_estimator",
    "check_tau2_interval",
]
