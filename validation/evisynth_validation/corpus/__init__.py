"""Read the certified corpus: sets of effects with every estimate of τ² at 40 digits.

``README.md`` describes the file and how it was made. Reading it needs no mpmath::

    from evisynth_validation import corpus
    for one in corpus.sets():
        one.y, one.v, one.estimates["REML"].tau2

Decimal strings stay as they are: ``float(…)`` gives the nearest double, ``decimal.Decimal`` and mpmath keep all digits.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any, cast

import attrs

from evisynth import ReferenceSet, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evisynth import Agreement, Asked, Method

FILE = "certified.jsonl"


@attrs.frozen
class Pooled:
    """Hold a pooled effect, its standard error and their condition numbers."""

    effect: str
    se: str
    cond_effect: float
    cond_se: float


@attrs.frozen
class Common:
    """Hold the common-effect estimate and Cochran's Q."""

    pooled: Pooled
    q: str
    df: int


@attrs.frozen
class Estimate:
    """Hold what one estimator says: τ² and what is pooled with it, or nothing and why.

    ``untruncated`` is there for closed forms, ``modes``, ``log_likelihood`` with the scale of its terms and ``gap`` for
    likelihoods. ``cond`` is of the untruncated value where there is one.
    """

    tau2: str | None = None
    cond: float = 1.0
    pooled: Pooled | None = None
    untruncated: str | None = None
    modes: int | None = None
    log_likelihood: str | None = None
    log_likelihood_scale: float | None = None
    gap: float | None = None
    reason: str | None = None


@attrs.frozen
class Bounds:
    """Hold the 95 % limits of τ² by one method, or nothing and why; ``ranges`` counts the pieces of a profile."""

    lower: str | None = None
    upper: str | None = None
    cond_lower: float = 1.0
    cond_upper: float = 1.0
    ranges: int | None = None
    reason: str | None = None


@attrs.frozen
class CertifiedSet:
    """Hold one set: effects, variances and all that follows from them."""

    id: str
    regime: str
    y: tuple[float, ...]
    v: tuple[float, ...]
    common: Common
    estimates: Mapping[str, Estimate]
    limits: Mapping[str, Bounds]


def lines() -> list[str]:
    """Return the stored lines: the header, then a line for each set."""
    return (resources.files(__name__) / FILE).read_text("utf-8").splitlines()


def about() -> dict[str, Any]:
    """Return the header of the file: how it was made, its licence, how many sets."""
    return cast("dict[str, Any]", json.loads(lines()[0])["about"])


def sets() -> Iterator[CertifiedSet]:
    """Yield every set in the order of the file."""
    for line in lines()[1:]:
        yield certified_set(json.loads(line))


def certified_set(record: Mapping[str, Any]) -> CertifiedSet:
    """Give one record its types; an estimator that shares another's root gets that one's numbers."""
    stored: Mapping[str, Mapping[str, Any]] = record["estimates"]
    common = record["common"]
    return CertifiedSet(
        record["id"],
        record["regime"],
        tuple(record["y"]),
        tuple(record["v"]),
        Common(_pooled(common), common["q"], common["df"]),
        {name: _estimate(stored[held.get("same_as", name)]) for name, held in stored.items()},
        {name: Bounds(**held) for name, held in record["limits"].items()},
    )


def _pooled(held: Mapping[str, Any]) -> Pooled:
    return Pooled(held["effect"], held["se"], held["cond_effect"], held["cond_se"])


def _estimate(held: Mapping[str, Any]) -> Estimate:
    own = {name: value for name, value in held.items() if name in {field.name for field in attrs.fields(Estimate)}}
    return Estimate(**own, pooled=_pooled(held) if "effect" in held else None)


def _compared(asked: Asked) -> Iterator[Agreement]:
    """Hold methods to the corpus; the comparison comes with its use."""
    from evisynth_validation.corpus.comparing import certified  # noqa: PLC0415

    return certified(asked)


def _absent(_: Method) -> str:
    return "the corpus has estimates of τ², effects pooled with them and limits of τ²"


@hookimpl
def reference_sets() -> list[ReferenceSet]:
    """Yield the corpus."""
    return [
        ReferenceSet(
            "corpus",
            _compared,
            label="The certified corpus: 546 sets of all regimes, 40 digits by a global search",
            truth="exact",
            absent=_absent,
            reference="The evisynth founders (2026), Certified corpus of random-effects meta-analyses; arithmetic: "
            "Johansson et al. (2023), mpmath",
        )
    ]
