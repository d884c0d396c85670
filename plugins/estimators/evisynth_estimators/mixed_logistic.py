"""Pool events by logistic regression with random effects (generalised linear mixed models)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Cells, CombinationError, Fit, PoolingModel, Sample, Settings, Tau2Fit, hookimpl, is_intercept
from evisynth_estimators.binomial_normal import Arms, maximum

if TYPE_CHECKING:
    from collections.abc import Callable

    from evisynth import FloatArray

    Build = Callable[[Cells, bool], Arms]


def fixed_intercepts(sample: Sample, settings: Settings) -> Fit:
    """Give each study an intercept of its own and the log odds ratio a normal distribution, half of it to each arm.

    ``UM.FS``: an unconditional model with fixed study effects (model 4 of Jackson et al.).
    """
    return _pooled(sample, settings, _fixed, "UM.FS")


def random_intercepts(sample: Sample, settings: Settings) -> Fit:
    """Give intercepts and log odds ratios of studies two independent normal distributions.

    ``UM.RS``: an unconditional model with random study effects (model 5 of Jackson et al.). The integral over both is
    taken to the last digits, where lme4 has Laplace's approximation.
    """
    return _pooled(sample, settings, _random, "UM.RS")


def approximate_conditional(sample: Sample, settings: Settings) -> Fit:
    """Take the share of arm 1 in the events of a study as binomial, with logit θ + ln(n₁/n₂), θ normal over studies.

    ``CM.AL``: the conditional model where events are rare, so that the non-central hypergeometric distribution is near
    to a binomial one. The estimate is then near to a log odds ratio.
    """
    return _pooled(sample, settings, _conditional, "CM.AL")


def single_groups(sample: Sample, settings: Settings) -> Fit:
    """Give the logit of the proportion a normal distribution over studies."""
    if not sample.columns.keys() >= {"events", "n"}:
        msg = "a mixed model of proportions needs the events and participants of each study: give study data"
        raise CombinationError(msg)
    nothing = np.zeros_like(sample.columns["n"])
    events, n = sample.columns["events"], sample.columns["n"]
    return _fit(sample, settings, Cells(events, n - events, nothing, nothing), _single, "GLMM")


def _pooled(sample: Sample, settings: Settings, build: Build, label: str) -> Fit:
    if sample.cells is None:
        msg = f"the mixed model {label} needs the events and participants of each arm: give study data"
        raise CombinationError(msg)
    return _fit(sample, settings, sample.cells.raw, build, label)


def _fit(sample: Sample, settings: Settings, cells: Cells, build: Build, label: str) -> Fit:
    """Fit analyses one by one: each climbs a likelihood of its own."""
    if not is_intercept(sample.X):
        msg = f"the mixed model {label} takes no moderators here: choose method 'IV'"
        raise CombinationError(msg)
    random = settings.model == "random"
    trailing = sample.y.shape[1:]
    estimate, variance, tau2, log_likelihood = (np.full(trailing, np.nan) for _ in range(4))
    weights = np.zeros(sample.y.shape)
    for at in np.ndindex(trailing):
        one = Cells(*(x[(slice(None), *at)] for x in (cells.a, cells.b, cells.c, cells.d)))
        # A study without events, or with nothing but events, says nothing of odds ratios, but of proportions.
        tells = ~(one.no_events | one.all_events) if build is not _single else np.ones(len(sample.y), dtype=np.bool_)
        arms = build(one.at(tells), random)
        if not ((arms.events.sum(axis=1) > 0) & ((arms.n - arms.events).sum(axis=1) > 0)).all():
            # The likelihood has its maximum at infinity; the engine says that there is no estimate.
            continue
        found = maximum(arms)
        estimate[at], variance[at] = found.beta[0], found.covariance[0, 0]
        tau2[at] = found.scale[-1] ** 2 if random else 0.0
        log_likelihood[at] = found.log_likelihood
        # With nothing to go by but the likelihood: what each study says of the effect, less what studies differ by.
        information = _information(found.weights)
        weights[(np.nonzero(tells)[0], *at)] = information / (1.0 + tau2[at] * information)
    tau2 = np.where(np.isnan(tau2), 0.0, tau2)
    return Fit(
        y=sample.y,
        v=sample.v,
        X=sample.X,
        w=weights,
        tau2=tau2,
        coefficients=estimate[np.newaxis],
        covariance=variance[np.newaxis, np.newaxis],
        model=settings.model,
        method=label,
        tau2_fit=Tau2Fit(tau2, log_likelihood=log_likelihood) if random else None,
    )


def _information(weights: FloatArray) -> FloatArray:
    """Give the information of each study on the effect: of one share, or of two arms beside an intercept."""
    return np.asarray(weights[0] if len(weights) == 1 else weights[0] * weights[1] / weights.sum(axis=0))


def _halves(k: int) -> FloatArray:
    return np.broadcast_to(np.array([[[0.5]], [[-0.5]]]), (2, k, 1))


def _two_arms(cells: Cells) -> tuple[FloatArray, FloatArray]:
    return np.array([cells.a, cells.c]), np.array([cells.n_1, cells.n_2])


def _fixed(cells: Cells, random: bool) -> Arms:  # noqa: FBT001 - one of two forms of a model
    events, n = _two_arms(cells)
    halves = _halves(n.shape[1])
    return Arms(events, n, np.zeros_like(n), halves, halves if random else halves[:, :, :0], intercepts=True)


def _random(cells: Cells, random: bool) -> Arms:  # noqa: FBT001 - as above
    events, n = _two_arms(cells)
    halves, ones = _halves(n.shape[1]), np.ones((*n.shape, 1))
    scales = np.concatenate([ones, halves], axis=2)
    return Arms(events, n, np.zeros_like(n), np.concatenate([halves, ones], axis=2), scales if random else ones)


def _conditional(cells: Cells, random: bool) -> Arms:  # noqa: FBT001 - as above
    n = (cells.a + cells.c)[np.newaxis]
    ones = np.ones((*n.shape, 1))
    return Arms(cells.a[np.newaxis], n, np.log(cells.n_1 / cells.n_2)[np.newaxis], ones, ones[:, :, : int(random)])


def _single(cells: Cells, random: bool) -> Arms:  # noqa: FBT001 - as above
    n = cells.n_1[np.newaxis]
    ones = np.ones((*n.shape, 1))
    return Arms(cells.a[np.newaxis], n, np.zeros_like(n), ones, ones[:, :, : int(random)])


@hookimpl
def pooling_models() -> list[PoolingModel]:
    """Offer three models for odds ratios and one for proportions."""
    sources = (
        "Stijnen, Hamza & Özdemir (2010), Stat. Med. 29:3046-3067; Jackson, Law, Stijnen, Viechtbauer & White (2018), "
        "Stat. Med. 37:1059-1085"
    )
    call = "metafor::rma.glmm(measure='OR', ai=events_1, n1i=n_1, ci=events_2, n2i=n_2, model='{}')"
    models = (
        ("UM.FS", fixed_intercepts, True),
        ("UM.RS", random_intercepts, True),
        ("CM.AL", approximate_conditional, False),
    )
    formulas = {
        "UM.FS": "logit pᵢ₁ = αᵢ + ½θᵢ, logit pᵢ₂ = αᵢ - ½θᵢ; θᵢ ~ N(θ, τ²), αᵢ fixed; likelihood → max",
        "UM.RS": "logit pᵢ₁ = αᵢ + ½θᵢ, logit pᵢ₂ = αᵢ - ½θᵢ; θᵢ ~ N(θ, τ²), αᵢ ~ N(α, σ²), "
        "independent; likelihood → max",
        "CM.AL": "aᵢ ~ Bin(aᵢ + cᵢ, πᵢ), logit πᵢ = θᵢ + ln(n₁ᵢ/n₂ᵢ), θᵢ ~ N(θ, τ²); likelihood → max",
    }
    return [
        *(
            PoolingModel(
                name,
                function,
                label=name,
                measures=frozenset({"OR"}),
                random="own",
                tables="informative",
                one_study_law=law,
                formula=formulas[name],
                reference=sources,
                r_equivalent=call.format(name),
            )
            for name, function, law in models
        ),
        PoolingModel(
            "GLMM",
            single_groups,
            label="GLMM",
            measures=frozenset({"PLO"}),
            random="own",
            columns=("events", "n"),
            formula="xᵢ ~ Bin(nᵢ, pᵢ), logit pᵢ ~ N(θ, τ²); likelihood → max",
            reference=sources,
            r_equivalent="metafor::rma.glmm(measure='PLO', xi=events, ni=n)",
        ),
    ]
