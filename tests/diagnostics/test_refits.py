"""Leave-one-out, cumulative and subset numbers are those of as many whole analyses, for every method that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import attrs
import numpy as np
import pytest

import evisynth as es
from evisynth.diagnostics.subsets import Subsets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evisynth import FloatArray

    Draw = Callable[..., tuple[FloatArray, FloatArray]]
    Compare = Callable[..., None]

REGISTRY = es.default_registry()
ESTIMATORS = sorted(record.name for record, _ in REGISTRY if isinstance(record, es.Tau2Estimator))
INTERVALS = sorted(record.name for record, _ in REGISTRY if isinstance(record, es.IntervalMethod))
SAMPLES = {"few": 6, "many": 90}


def _moderator(k: int) -> FloatArray:
    return np.linspace(-1.0, 2.0, k) ** 2


def _weights(name: str, k: int) -> FloatArray | None:
    return np.linspace(1.0, 3.0, k) if name.startswith("GENQ") else None


def fitted(y: FloatArray, v: FloatArray, weights: FloatArray | None, **words: Any) -> es.MetaAnalysis:  # noqa: ANN401 - settings
    return es.fit(es.Effects(y, v, weights=weights), settings="metafor", budget=200, **words)


@pytest.mark.parametrize("k", SAMPLES.values(), ids=SAMPLES.keys())
@pytest.mark.parametrize("tau2", ESTIMATORS)
@pytest.mark.parametrize("interval", INTERVALS)
def test_every_method(interval: str, tau2: str, k: int, draw: Draw, compare: Compare) -> None:
    if k > 10 and not (interval in {"Wald", "HK"} or tau2 == "DL"):
        return
    y, v = draw(k)
    weights = _weights(tau2, k)
    analysis = fitted(y, v, weights, tau2=tau2, interval=interval)
    left = es.leave_one_out(analysis)
    some = range(0, k, max(1, k // 6))
    _same_as_refits(left, some, compare)
    steps = es.cumulative(analysis, "precision")
    order = np.array([row for (row,) in steps.steps])
    sizes = [1, 2, 3, k // 2, k]
    wholes = [
        fitted(
            y[order[:n]], v[order[:n]], None if weights is None else weights[order[:n]], tau2=tau2, interval=interval
        )
        for n in sizes
    ]
    compare(_some(steps.numbers, [n - 1 for n in sizes]), wholes)


def _some(numbers: Subsets, places: list[int]) -> Subsets:
    taken: dict[str, Any] = {}
    for field in attrs.fields(Subsets):
        column = getattr(numbers, field.name)
        taken[field.name] = (
            tuple(cast("tuple[str, ...]", column)[i] for i in places)
            if isinstance(column, tuple)
            else column[..., places]
        )
    return attrs.evolve(numbers, **taken)


def _same_as_refits(left: es.LeaveOneOut, places: Iterable[int], compare: Compare) -> None:
    chosen = list(places)
    compare(_some(left.numbers, chosen), [left.without(left.omitted[i]) for i in chosen])


@pytest.mark.parametrize("model", ["common", "random"])
@pytest.mark.parametrize("settings", ["metafor", "revman-web", "meta", "revman5"])
@pytest.mark.parametrize("k", [3, 90])
def test_presets(k: int, settings: str, model: str, draw: Draw, compare: Compare) -> None:
    y, v = draw(k, seed=3)
    left = es.leave_one_out(es.fit(es.Effects(y, v), settings=settings, model=model))
    _same_as_refits(left, range(0, k, max(1, k // 5)), compare)


@pytest.mark.parametrize(
    "words", [{"tau2": "DL"}, {"tau2": "REML", "interval": "HK"}, {"model": "common"}, {"tau2": 0.2}]
)
def test_moderators(words: dict[str, Any], draw: Draw, compare: Compare) -> None:
    y, v = draw(9, seed=5)
    x = np.column_stack([_moderator(9), np.arange(9.0)])
    analysis = es.fit(es.Effects(y, v), settings="metafor", moderators=x, **words)
    left = es.leave_one_out(analysis)
    _same_as_refits(left, range(9), compare)
    assert [record["term"] for record in left.records()][:3] == ["intercept", "x1", "x2"]


@pytest.mark.parametrize("tau2", ["DL", "REML"])
def test_one_column_without_an_intercept(tau2: str, draw: Draw, compare: Compare) -> None:
    y, v = draw(7, seed=6)
    design = es.Design(_moderator(7)[:, np.newaxis], ("x",), intercept=False)
    left = es.leave_one_out(es.fit(es.Effects(y, v), settings="metafor", tau2=tau2, moderators=design))
    _same_as_refits(left, range(7), compare)
    alone = es.Design(np.eye(7)[:, :1], ("x",), intercept=False)
    needed = es.leave_one_out(es.fit(es.Effects(y, v), settings="metafor", tau2=tau2, moderators=alone)).numbers
    assert needed.reason[0] == "the moderators are linearly dependent among these studies"
    assert needed.reason[1:] == (None,) * 6


@pytest.mark.parametrize("tau2", ["DL", "REML", "GENQ"])
@pytest.mark.parametrize("k", [7, 90])
def test_weights_of_ones_own(k: int, tau2: str, draw: Draw, compare: Compare) -> None:
    y, v = draw(k, seed=7)
    left = es.leave_one_out(fitted(y, v, np.linspace(1.0, 2.0, k), tau2=tau2))
    _same_as_refits(left, range(0, k, max(1, k // 7)), compare)


TABLES = {
    "events_1": [3, 7, 0, 12, 0, 4, 1, 9],
    "n_1": [40, 88, 21, 130, 33, 60, 25, 70],
    "events_2": [6, 9, 2, 20, 0, 2, 5, 9],
    "n_2": [42, 90, 20, 121, 31, 55, 24, 71],
}


@pytest.mark.parametrize(
    ("measure", "method"), [("OR", "MH"), ("RR", "MH"), ("RD", "MH"), ("PETO", "Peto"), ("OR", "IV"), ("RD", "IV")]
)
@pytest.mark.parametrize("settings", ["metafor", "meta", "revman5", "revman-web"])
def test_counts(
    settings: str, measure: str, method: str, make_studies: Callable[..., es.Studies], compare: Compare
) -> None:
    analysis = es.fit(make_studies(**TABLES), measure, method=method, settings=settings)
    left = es.leave_one_out(analysis)
    _same_as_refits(left, range(analysis.k), compare)
    assert len(left.excluded) == analysis.k_total - analysis.k
    steps = es.cumulative(analysis)
    rows = [row for (row,) in steps.steps]
    exclude = list(left.excluded)
    wholes = [
        es.fit(
            make_studies(**TABLES),
            measure,
            method=method,
            settings=settings,
            exclude=[*exclude, *(f"S{row + 1}" for row in rows[n:])],
        )
        for n in range(1, len(rows) + 1)
    ]
    compare(steps.numbers, wholes)


@pytest.mark.parametrize("words", [{"tau2": "DL"}, {"tau2": "REML"}, {"model": "common"}, {"tau2": "DL", "i2": "q"}])
def test_subsets(words: dict[str, Any], draw: Draw) -> None:
    y, v = draw(6, seed=11)
    subsets = es.gosh(es.fit(es.Effects(y, v), settings="metafor", **words))
    numbers = subsets.numbers
    assert subsets.complete
    assert numbers.k.size == subsets.possible == 63
    for i, inside in enumerate(subsets.members):
        whole = es.fit(es.Effects(y[inside], v[inside]), settings="metafor", **words)
        assert whole.pooled is not None
        assert numbers.value[0, i] == pytest.approx(whole.pooled.value, rel=1e-12, abs=1e-12 * whole.pooled.se)
        spread = whole.heterogeneity
        for name in ("q", "tau2", "i2", "h2"):
            truth = getattr(spread, name)
            value = float(getattr(numbers, name)[i])
            assert (truth is None) == np.isnan(value)
            assert truth is None or value == pytest.approx(truth, rel=1e-12, abs=1e-12 * float(v.mean()))


def looks_at_studies(fit: es.Fit, level: float) -> es.Estimates:
    """Take the spread of the studies for the standard error."""
    spread = np.asarray(fit.y.std(axis=0) / fit.k)
    return es.symmetric_estimates(fit.coefficients, np.broadcast_to(spread, fit.coefficients.shape), level)


def test_a_method_that_looks_at_studies_gets_them(draw: Draw) -> None:
    """Sums are enough for some interval methods; one that asks for more gets the studies, unasked by its author."""

    class Plugin:
        @staticmethod
        @es.hookimpl
        def interval_methods() -> list[es.IntervalMethod]:
            return [es.IntervalMethod("spread", looks_at_studies, reference="of this test")]

    registry = es.Registry()
    registry.register(Plugin(), "spread")
    y, v = draw(90)
    analysis = es.fit(es.Effects(y, v), settings="metafor", tau2="DL", interval="spread", registry=registry)
    expected = [np.delete(y, i).std() / 89 for i in range(90)]
    assert es.leave_one_out(analysis).numbers.se[0] == pytest.approx(expected, rel=1e-12)
    assert es.cumulative(analysis).numbers.se[0, 1:] == pytest.approx(
        [y[:n].std() / n for n in range(2, 91)], rel=1e-12
    )
