"""Mixed logistic models: the maximum beside 50-digit integrals, the information beside another quadrature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_estimators import binomial_normal
from evisynth_estimators.binomial_normal import Arms, Likelihood, maximum
from evisynth_validation.mpmath.exact import exact, log
from evisynth_validation.mpmath.pools import mixed_log_likelihood

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Make = Callable[..., es.Studies]
    Numbers = np.ndarray[Any, np.dtype[np.float64]]

Table = tuple[int, int, int, int]
VARIED: list[Table] = [(2, 40, 9, 42), (14, 30, 12, 33), (1, 60, 0, 55)]
"""Three studies that differ, one of them with an empty cell."""
ALIKE: list[Table] = [(10, 40, 12, 40), (5, 22, 6, 20), (20, 90, 24, 88)]
MODELS = ("UM.FS", "UM.RS", "CM.AL")


def arms_of(tables: Sequence[Table], model: str) -> Arms:
    a, n_1, c, n_2 = np.array(tables, dtype=np.float64).T
    k = len(a)
    if model == "CM.AL":
        ones = np.ones((1, k, 1))
        return Arms(a[np.newaxis], (a + c)[np.newaxis], np.log(n_1 / n_2)[np.newaxis], ones, ones)
    events, n = np.array([a, c]), np.array([n_1, n_2])
    halves = np.repeat(np.array([[[0.5]], [[-0.5]]]), k, axis=1)
    if model == "UM.FS":
        return Arms(events, n, np.zeros_like(n), halves, halves, intercepts=True)
    both = np.concatenate([halves, np.ones((2, k, 1))], axis=2)
    return Arms(events, n, np.zeros_like(n), both, both[:, :, ::-1])


def exact_likelihood(tables: Sequence[Table], model: str, psi: Sequence[Any]) -> Any:  # noqa: ANN401 - 50-digit numbers
    """Integrate at (θ, λ, intercepts …)."""
    theta, scale, own = psi[0], psi[1], list(psi[2:])
    studies: list[Any] = []
    for i, (a, n_1, c, n_2) in enumerate(tables):
        if model == "CM.AL":
            offset = log(exact(n_1) / exact(n_2))
            studies.append([(exact(a), exact(a + c), theta + offset, scale)])
        else:
            up, half = theta / 2, scale / 2
            studies.append([(exact(a), exact(n_1), own[i] + up, half), (exact(c), exact(n_2), own[i] - up, -half)])
    return mixed_log_likelihood(studies)


@pytest.mark.parametrize("model", [pytest.param("UM.FS", marks=pytest.mark.sweep), "CM.AL"])
def test_the_exact_likelihood_is_level_at_the_maximum(model: str) -> None:
    found = maximum(arms_of(VARIED, model))
    assert found.scale[0] > 0.3
    own: list[float] = [float(value) for value in found.intercepts] if model == "UM.FS" else []
    psi = [exact(value) for value in (float(found.beta[0]), float(found.scale[0]), *own)]
    step = exact(10) ** -12
    value = exact_likelihood(VARIED, model, psi)
    assert abs(float(value) - found.log_likelihood) < 1e-11
    for i in range(len(psi)):
        up, down = ([p + sign * step if j == i else p for j, p in enumerate(psi)] for sign in (1, -1))
        one, other = exact_likelihood(VARIED, model, up), exact_likelihood(VARIED, model, down)
        slope, curvature = (one - other) / (2 * step), (one - 2 * value + other) / step**2
        assert float(abs(slope / curvature)) < 1e-11, (i, float(slope))
        assert curvature < 0


def by_trapezes(arms: Arms, psi: Numbers, own: Numbers) -> float:
    """Take the likelihood by the trapezoidal rule on a wide grid, which for such integrands converges as fast."""
    p, r = arms.X.shape[2], arms.C.shape[2]
    grid = np.linspace(-12.0, 12.0, 481 if r == 1 else 241)
    points = np.stack([axis.ravel() for axis in np.meshgrid(*[grid] * r, indexing="ij")], axis=1)
    value = 0.0
    for i in range(arms.events.shape[1]):
        eta = (arms.offset[:, i] + arms.X[:, i] @ psi[:p] + own[i])[:, np.newaxis] + (arms.C[:, i] * psi[p:]) @ points.T
        x, n = arms.events[:, i, np.newaxis], arms.n[:, i, np.newaxis]
        terms = -x * np.logaddexp(0.0, -eta) - (n - x) * np.logaddexp(0.0, eta)
        logs = terms.sum(axis=0) - 0.5 * (points**2).sum(axis=1) - 0.5 * r * np.log(2.0 * np.pi)
        top = logs.max()
        value += float(top + np.log(np.exp(logs - top).sum()) + r * np.log(grid[1] - grid[0]))
    return value


def hessian(function: Callable[[Numbers], float], at: Numbers, step: float = 2e-3) -> Numbers:
    """Take second derivatives by differences of fourth order."""
    size = len(at)
    made = np.zeros((size, size))
    shifts, factors = (-2, -1, 1, 2), (1.0, -8.0, 8.0, -1.0)
    for i in range(size):
        for j in range(size):
            total = 0.0
            for s, f in zip(shifts, factors, strict=True):
                for t, g in zip(shifts, factors, strict=True):
                    point = at.copy()
                    point[i] += s * step
                    point[j] += t * step
                    total += f * g * function(point)
            made[i, j] = total / (144.0 * step * step)
    return made


@pytest.mark.parametrize("model", MODELS)
def test_the_covariance_is_that_of_the_observed_information(model: str) -> None:
    arms = arms_of(VARIED, model)
    found: Likelihood = maximum(arms)
    p, r = arms.X.shape[2], arms.C.shape[2]
    own = found.intercepts if arms.intercepts else np.zeros(len(VARIED))
    assert (found.scale > 0.05).all()

    def value(psi: Numbers) -> float:
        return by_trapezes(arms, psi[: p + r], psi[p + r :] if arms.intercepts else own)

    at = np.concatenate([found.beta, found.scale, own[: len(VARIED) if arms.intercepts else 0]])
    assert value(at) == pytest.approx(found.log_likelihood, abs=1e-10)
    covariance = np.linalg.inv(-hessian(value, at))
    assert found.covariance == pytest.approx(covariance[:p, :p], rel=1e-6)
    # No other point that a climb might have missed is higher.
    for scale in np.linspace(0.0, 3.0, 13):
        trial = at.copy()
        trial[p + r - 1] = scale
        assert value(trial) <= found.log_likelihood + 1e-10


@pytest.mark.parametrize("model", MODELS)
def test_many_studies_are_worked_on_in_blocks(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arms = arms_of([*VARIED, *ALIKE], model)
    whole = maximum(arms)
    monkeypatch.setattr(binomial_normal, "BLOCK", 10_000 if model == "UM.RS" else 170)
    parts = maximum(arms)
    assert parts.beta == pytest.approx(whole.beta, rel=1e-10)
    assert parts.covariance == pytest.approx(whole.covariance, rel=1e-9)
    assert parts.weights == pytest.approx(whole.weights, rel=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_studies_that_do_not_differ_have_no_variance_between_them(model: str, make_studies: Make) -> None:
    columns = dict(zip(("events_1", "n_1", "events_2", "n_2"), np.array(ALIKE, dtype=np.float64).T, strict=True))
    words: dict[str, Any] = {"measure": "OR", "method": model, "settings": "meta"}
    common, random = (es.fit(make_studies(**columns), model=name, **words) for name in ("common", "random"))
    assert common.pooled is not None
    assert random.pooled is not None
    assert random.heterogeneity.tau2 == 0.0
    assert random.pooled.value == common.pooled.value
    assert random.pooled.se == common.pooled.se


@pytest.mark.parametrize("model", MODELS)
def test_small_and_sparse(model: str, make_studies: Make) -> None:
    words: dict[str, Any] = {"measure": "OR", "method": model, "settings": "revman-web"}

    def fitted(*tables: Table, **more: Any) -> es.MetaAnalysis:  # noqa: ANN401 - words of a request
        columns = dict(zip(("events_1", "n_1", "events_2", "n_2"), np.array(tables, dtype=np.float64).T, strict=True))
        return es.fit(make_studies(**columns), **{**words, **more})

    with_double_zero = fitted(*VARIED, (0, 10, 0, 12))
    without = fitted(*VARIED)
    assert with_double_zero.k == 3
    assert with_double_zero.excluded[0].reason == "no events in either arm"
    assert with_double_zero.pooled == without.pooled
    # A zero cell is no trouble, and needs no correction.
    assert fitted(*VARIED, correction="none").pooled == without.pooled
    # Hartung and Knapp's interval is of inverse-variance weights.
    assert without.settings.interval == "HK"
    assert without.model.note is not None
    assert "Wald is given instead" in without.model.note
    for nothing in (fitted((0, 20, 4, 20), (0, 30, 2, 35)), fitted((0, 5, 0, 6))):
        assert nothing.pooled is None
        assert nothing.reason
        assert str(nothing)
    assert fitted((3, 20, 4, 20)).pooled is not None
    assert str(without)
    assert without.to_json()
    with pytest.raises(es.CombinationError, match="study data"):
        es.fit(es.Effects([0.1, 0.2], [0.1, 0.1], measure="OR"), method=model)


@pytest.mark.parametrize("model", ["common", "random"])
@pytest.mark.parametrize("method", MODELS)
def test_many_analyses_are_single_ones(method: str, model: str, make_studies: Make) -> None:
    names = ("events_1", "n_1", "events_2", "n_2")
    sets = {"varied": VARIED, "alike": ALIKE}
    columns = dict(zip(names, np.array([*VARIED, *ALIKE], dtype=np.float64).T, strict=True))
    keys = [name for name, tables in sets.items() for _ in tables]
    words: dict[str, Any] = {"measure": "OR", "method": method, "model": model, "settings": "metafor"}
    many = es.fit_many({"set": keys, **columns}, by="set", **words).set_index("analysis")
    for name, tables in sets.items():
        single = es.fit(
            make_studies(**dict(zip(names, np.array(tables, dtype=np.float64).T, strict=True))), **words
        ).pooled
        assert single is not None
        assert many.loc[name, "effect"] == pytest.approx(single.value, rel=1e-10)
        assert many.loc[name, "se"] == pytest.approx(single.se, rel=1e-10)


@pytest.mark.parametrize("method", [*MODELS, "LRP"])
def test_a_spread_that_is_asked_for_is_refused(method: str, make_studies: Make) -> None:
    columns = dict(zip(("events_1", "n_1", "events_2", "n_2"), np.array(VARIED, dtype=np.float64).T, strict=True))
    for words in ({"tau2": "DL"}, {"tau2": 0.1}, {"tau2_common": True}):
        request: dict[str, Any] = {"measure": "OR", "method": method, **words}
        with pytest.raises(es.CombinationError, match="estimates by itself how much effects differ"):
            es.fit(make_studies(**columns), **request)


@pytest.mark.parametrize("method", [*MODELS, "LRP", "SSW"])
def test_leaving_out_one_study_is_a_fit_without_it(method: str, make_studies: Make) -> None:
    tables = [*VARIED, *ALIKE]
    columns = dict(zip(("events_1", "n_1", "events_2", "n_2"), np.array(tables, dtype=np.float64).T, strict=True))
    words: dict[str, Any] = {"measure": "OR", "method": method, "settings": "meta", "model": "random"}
    studies = make_studies(**columns)
    without = es.leave_one_out(es.fit(studies, **words)).to_frame()
    for i in (0, 2, 5):
        single = es.fit(studies, exclude=[f"S{i + 1}"], **words).pooled
        assert single is not None
        assert without["effect"][i] == pytest.approx(single.value, rel=1e-9)
        assert without["se"][i] == pytest.approx(single.se, rel=1e-9)
