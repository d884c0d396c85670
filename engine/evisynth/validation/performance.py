"""Qualify the performance: replay the user's own data and hold every analysis to what can be known of it here.

Three things are known of any data: what its file stores as results, what 50-digit arithmetic gives for its effects,
and that order, company and repetition change nothing.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

import attrs
import numpy as np

from evisynth.errors import DataWarning
from evisynth.fitting import fit
from evisynth.loading import load
from evisynth.reviews.model import Review
from evisynth.studies import Effects
from evisynth.validation.agreements import Agreement, MethodKey

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping

    from evisynth.registry import Registry
    from evisynth.results import MetaAnalysis
    from evisynth.studies import Studies

ITERATIVE = 1e-12
ORDER = 1e-11
"""Of results whose studies come in another order: sums and iterations take other steps."""
MOST_EXACT = 200
"""Studies up to which an analysis is repeated with 50 digits: a second for a hundred."""
NO_MPMATH = "50-digit arithmetic needs mpmath: pip install 'evisynth[validation]'"
ESTIMATORS = ("DL", "REML", "PM")


@attrs.frozen
class Replayed:
    """Hold what one analysis of the user's data was held to."""

    place: str
    k: int
    seconds: float
    agreements: tuple[Agreement, ...] = ()
    reasons: tuple[str, ...] = ()
    """What it could not be held to, and why."""

    @property
    def differing(self) -> tuple[Agreement, ...]:
        """Numbers that differ."""
        return tuple(one for one in self.agreements if one.verdict == "differs")


@attrs.frozen
class Performance:
    """Hold the replay of a file."""

    source: str
    kind: str
    analyses: tuple[Replayed, ...]
    stored: tuple[int, int] | None = None
    """Stored results that agree, and all that were compared; None where the file stores none."""
    disagreements: tuple[str, ...] = ()
    not_compared: Mapping[str, int] = attrs.field(factory=dict[str, int])
    """Stored results that were not compared, by reason."""

    @property
    def passed(self) -> bool:
        """Whether no number differs."""
        return not self.disagreements and not any(one.differing for one in self.analyses)


def qualify_performance(
    path: str | os.PathLike[str],
    *,
    settings: str | None = None,
    measure: str | None = None,
    registry: Registry | None = None,
    progress: Callable[[str], object] | None = None,
) -> Performance:
    """Replay a file: a table of studies, or a review with whatever results it stores.

    Raises what `load` raises for a file that cannot be read, and `SettingsError` for a table whose measure is neither
    given nor told by its columns.
    """
    read: Any = load(Path(path), registry=registry)
    if isinstance(read, Review):
        return _review(read, Path(path).name, settings, registry, progress)
    words = {"measure": measure} if measure else {}
    if settings is not None:
        words["settings"] = settings
    analysis = fit(cast("Studies", read), registry=registry, **words)
    if progress is not None:
        progress(Path(path).name)
    return Performance(Path(path).name, "table", (replayed("the table", analysis),))


def _review(
    review: Review,
    name: str,
    settings: str | None,
    registry: Registry | None,
    progress: Callable[[str], object] | None,
) -> Performance:
    from evisynth.reviews.analysis import fit_review  # noqa: PLC0415 - reviews only where the file is one
    from evisynth.reviews.verification import verify  # noqa: PLC0415 - as above

    found = verify(review, registry=registry)
    made = fit_review(review, settings, registry=registry)
    analyses: list[Replayed] = []
    for one in made:
        if progress is not None:
            progress(one.place)
        if one.analysis is None:
            analyses.append(Replayed(one.place, 0, 0.0, reasons=(one.reason or "no analysis",)))
        else:
            analyses.append(replayed(one.place, one.analysis))
    differing = tuple(
        f"{' '.join(filter(None, (one.place, one.study)))}, {one.name}: {one.computed!r}, stored {one.stored!r}"
        for one in found.disagreements
    )
    stored = (len(found.compared) - len(differing), len(found.compared)) if found.compared else None
    return Performance(name, "review", tuple(analyses), stored, differing, found.reasons)


def replayed(place: str, analysis: MetaAnalysis) -> Replayed:
    """Hold one analysis to exact arithmetic on its effects, and to itself."""
    start = perf_counter()
    rows = list(analysis.rows)
    y, v = np.asarray(analysis.effects.y)[rows], np.asarray(analysis.effects.v)[rows]
    weighed = np.isfinite(y) & np.isfinite(v) & (v > 0)
    y, v = y[weighed], v[weighed]
    found, reasons = list[Agreement](), list[str]()
    if y.size < 2:  # noqa: PLR2004 - there is nothing between fewer
        reasons.append(analysis.reason or f"{y.size} study with an effect of its own: nothing is pooled")
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            found.extend(_itself(place, y, v, analysis.methods.registry))
            _exactly(place, y, v, analysis.methods.registry, found, reasons)
    return Replayed(place, int(y.size), perf_counter() - start, tuple(found), tuple(reasons))


def _fitted(y: Any, v: Any, tau2: str, registry: Registry) -> MetaAnalysis:  # noqa: ANN401 - arrays
    return fit(Effects(y, v), settings="metafor", tau2=tau2, interval="Wald", tau2_interval="QP", registry=registry)


def _itself(place: str, y: Any, v: Any, registry: Registry) -> Iterator[Agreement]:  # noqa: ANN401 - arrays
    from evisynth.batch import fit_many  # noqa: PLC0415 - pandas only where it is needed

    for tau2 in ESTIMATORS:
        one = _fitted(y, v, tau2, registry)
        methods = one.methods.used("random")
        again, turned = _fitted(y, v, tau2, registry), _fitted(y[::-1], v[::-1], tau2, registry)
        many = fit_many(
            y=y, v=v, offsets=[0, y.size], settings="metafor", tau2=tau2, interval="Wald", registry=registry
        ).iloc[0]
        yield Agreement(
            methods, f"{place}, twice", "the whole result", expected=True, observed=one.to_json() == again.to_json()
        )
        if one.pooled is None or turned.pooled is None:
            continue
        se = one.pooled.se
        for name, other, tolerance in (("in reverse order", turned.pooled, ORDER), ("among many", None, ITERATIVE)):
            value = float(many["effect"]) if other is None else other.value
            error = float(many["se"]) if other is None else other.se
            case = f"{place}, {name}"
            yield Agreement(methods, case, "pooled effect", one.pooled.value, value, floor=tolerance * se)
            yield Agreement(methods, case, "standard error", se, error, tolerance)


def _exactly(
    place: str,
    y: Any,  # noqa: ANN401 - an array
    v: Any,  # noqa: ANN401 - an array
    registry: Registry,
    found: list[Agreement],
    reasons: list[str],
) -> None:
    """Repeat an analysis of effects with 50 digits."""
    try:
        from evisynth_validation.mpmath import heterogeneity_sets as exact_sets  # noqa: PLC0415 - mpmath is optional
    except ImportError:
        reasons.append(NO_MPMATH)
        return
    if y.size > MOST_EXACT:
        reasons.append(f"50-digit arithmetic of {y.size} studies would take minutes: not done beyond {MOST_EXACT}")
        return
    exact: Any = exact_sets.derived_from(exact_sets.Effects(y.tolist(), v.tolist()))
    if exact is None:
        reasons.append("50-digit arithmetic decides nothing: Q is its degrees of freedom, or two maxima are alike")
        return
    for tau2 in ESTIMATORS:
        analysis, truth = _fitted(y, v, tau2, registry), exact[tau2]
        found.extend(_against(place, analysis, truth, exact))
    found.extend(_common(place, _fitted(y, v, "DL", registry), exact))


def _against(place: str, analysis: MetaAnalysis, truth: Any, exact: Any) -> Iterator[Agreement]:  # noqa: ANN401 - JSON
    case, methods = f"{place}, 50 digits", analysis.methods.used("random")
    key: tuple[MethodKey, ...] = ((analysis.methods.tau2.kind, analysis.methods.tau2.name),)
    spread, pooled = analysis.heterogeneity, analysis.models["random"].pooled
    yield Agreement(key, case, "τ²", truth["tau2"], spread.tau2, ITERATIVE, truth["cond"])
    if pooled is not None:
        condition = truth["cond_coefficients"][0]
        yield Agreement(methods, case, "pooled effect", truth["coefficients"][0], pooled.value, ITERATIVE, condition)
        yield Agreement(methods, case, "standard error", truth["se"][0], pooled.se, ITERATIVE, truth["cond_se"][0])
    if exact["q_profile"] is not None:
        for name, end in (("lower", spread.tau2_ci_low), ("upper", spread.tau2_ci_high)):
            limit, condition = exact["q_profile"][name], exact["q_profile"].get(f"cond_{name}", 1.0)
            yield Agreement(
                (("Tau2Interval", "QP"),), case, f"τ², {name} limit by Q-profile", limit, end, ITERATIVE, condition
            )


def _common(place: str, analysis: MetaAnalysis, exact: Any) -> Iterator[Agreement]:  # noqa: ANN401 - JSON
    case, methods = f"{place}, 50 digits", analysis.methods.used("common")
    pooled, truth = analysis.models["common"].pooled, exact["common"]
    yield Agreement(methods, case, "Q", exact["q"], analysis.heterogeneity.q, ITERATIVE)
    if pooled is not None:
        condition = truth["cond_coefficients"][0]
        yield Agreement(methods, case, "common effect", truth["coefficients"][0], pooled.value, ITERATIVE, condition)
        yield Agreement(methods, case, "its standard error", truth["se"][0], pooled.se, ITERATIVE)
