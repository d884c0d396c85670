"""The inverse of Freeman and Tukey's transformations: own sizes, harmonic means, the ends of the scale, the warning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import evisynth as es
from evisynth_estimators.proportions import freeman_tukey_back, freeman_tukey_forward
from evisynth_estimators.rates import freeman_tukey_back as rate_back
from evisynth_estimators.rates import freeman_tukey_forward as rate_forward

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., es.Studies]

TRAP = {"events": [200.0, 320.0, 150.0, 1.0, 1.0], "n": [10000.0, 16000.0, 9000.0, 3.0, 2.0]}


def test_every_proportion_comes_back() -> None:
    n = np.array([1.0, 2.0, 7.0, 30.0, 1000.0, 1e6])[:, np.newaxis]
    p = np.linspace(0.0, 1.0, 101)
    np.testing.assert_allclose(freeman_tukey_back(freeman_tukey_forward(p, n), n), p + 0 * n, rtol=1e-9, atol=1e-14)
    x = np.concatenate([[0.0], np.geomspace(1e-3, 1e3, 40)])
    np.testing.assert_allclose(rate_back(rate_forward(x, n), n), x + 0 * n, rtol=1e-9, atol=1e-14)


def test_what_lies_beyond_the_scale_is_shown_as_its_end() -> None:
    n = np.full(5, 20.0)
    shown = freeman_tukey_back(np.array([-1.0, 0.0, 0.01, 1.56, 3.0]), n)
    np.testing.assert_array_equal(shown, [0.0, 0.0, 0.0, 1.0, 1.0])
    np.testing.assert_array_equal(rate_back(np.array([-1.0, 0.0, 0.05]), np.full(3, 20.0)), [0.0, 0.0, 0.0])


@pytest.mark.parametrize(("measure", "size", "back"), [("PFT", "n", freeman_tukey_back), ("IRFT", "time", rate_back)])
def test_pooled_effects_are_shown_for_the_harmonic_mean_of_the_studies_pooled(
    measure: str, size: str, back: Callable[..., float], make_studies: Make
) -> None:
    sizes = np.array([40.0, 90.0, 300.0, 50.0])
    studies = make_studies(events=[4.0, 30.0, 60.0, float("nan")], **{size: sizes.tolist()})
    analysis = es.fit(studies, measure, settings="metafor")
    harmonic = 3 / (1 / sizes[:3]).sum()
    assert analysis.pooled is not None
    assert analysis.display is not None
    assert analysis.display.value == pytest.approx(float(back(np.float64(analysis.pooled.value), np.float64(harmonic))))
    for study, own in zip(analysis.studies[:3], sizes.tolist(), strict=False):
        assert study.display is not None
        assert study.effect is not None
        assert study.display.value == pytest.approx(float(back(np.float64(study.effect), np.float64(own))))
    assert not analysis.warnings


def test_a_result_that_hangs_on_the_sample_size_warns(make_studies: Make) -> None:
    """As in Schwarzer et al. (2019): every study had events, and the harmonic mean shows none."""
    analysis = es.fit(make_studies(**TRAP), "PFT", tau2="DL", settings="meta")
    assert analysis.display is not None
    assert analysis.display.value == 0.0
    (warning,) = analysis.warnings
    assert warning.startswith("S4, S5: the result of Freeman and Tukey's transformation depends on the sample size")
    assert "harmonic mean of the sizes (5.998)" in warning
    for measure in ("PAS", "PLO"):
        other = es.fit(make_studies(**TRAP), measure, tau2="DL", settings="meta")
        assert other.display is not None
        assert other.display.value > 0.015
        assert not other.warnings


def test_rates_warn_as_well(make_studies: Make) -> None:
    studies = make_studies(events=[20.0, 30.0, 1.0], time=[1000.0, 1500.0, 2.0])
    assert "the logarithm or square root has no such ambiguity" in es.fit(studies, "IRFT", settings="meta").warnings[0]
    assert not es.fit(studies, "IRS", settings="meta").warnings
