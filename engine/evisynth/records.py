"""Define what a hook yields: frozen records of a name, a pure function and a reference.

A function gets the keyword inputs that its parameters name, so a method asks for what it needs by naming it, and
a new input never breaks an old method.
"""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs
import numpy as np

from evisynth.cells import Cells
from evisynth.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from evisynth.across_rows import Increments
    from evisynth.bias_results import BiasResult
    from evisynth.cells import CorrectedCells
    from evisynth.figures import FigureSpec
    from evisynth.fits import Estimates, Fit, Limits
    from evisynth.kernels.arrays import FloatArray
    from evisynth.reviews.model import Review
    from evisynth.scales import Scale
    from evisynth.sources import Source, Table
    from evisynth.studies import FilledColumns, MeasuredEffects, Reasons, Studies
    from evisynth.validation.agreements import Agreement
    from evisynth.validation.asking import Asked

GIVEN = "given"


def _not_empty(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not isinstance(value, str) or not value.strip():  # pyright: ignore[reportUnnecessaryIsInstance] - plugins may be untyped
        msg = f"{attribute.name} of a record is a text that is not empty, not {value!r}"
        raise SettingsError(msg)


def _scale(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    from evisynth.scales import OF_THE_ENGINE, Scale  # noqa: PLC0415 - records are the first to be imported

    if not (isinstance(value, Scale) or (isinstance(value, str) and value in {*OF_THE_ENGINE, GIVEN})):
        msg = f"{attribute.name} of a record is 'linear', 'log', 'given' or a Scale, not {value!r}"
        raise SettingsError(msg)


def _callable(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not callable(value):
        msg = f"{attribute.name} of a record is a function, not {value!r}"
        raise SettingsError(msg)


@attrs.frozen
class Method:
    """What every record has: a name, a function, its published source and where known its R equivalent."""

    kind: ClassVar[str] = "Method"
    hook: ClassVar[str] = ""

    name: str = attrs.field(validator=_not_empty)
    function: Callable[..., Any] = attrs.field(validator=_callable)
    reference: str = attrs.field(validator=_not_empty, kw_only=True)
    r_equivalent: str | None = attrs.field(default=None, kw_only=True)
    r_version: str | None = attrs.field(default=None, kw_only=True)
    """Lowest version of the R package that ``r_equivalent`` holds for, such as ``"metafor 4.0"``."""
    also: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    """Other names that it is found by, such as those of another program."""
    formula: str = attrs.field(default="", kw_only=True)
    """What it computes, in the notation of its source; several statements are parted by "; "."""

    @cached_property
    def summary(self) -> str:
        """One line on what the method does: the first of its function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """Parameters of the function by name."""
        return dict(inspect.signature(self.function).parameters)

    def refuse_unknown(self, options: Mapping[str, object]) -> None:
        """Raise `SettingsError` for an option that the function does not name."""
        self.refuse_unnamed(options, self.parameters)

    def refuse_unnamed(self, options: Iterable[str], named: Mapping[str, object]) -> None:
        """Raise `SettingsError` for an option that is not among a function's parameters."""
        unknown = [name for name in options if name not in named]
        if unknown:
            have = ", ".join(list(named)[1:]) or "none"
            msg = f"{self.kind} {self.name!r} has no option {', '.join(map(repr, unknown))}; options: {have}"
            raise SettingsError(msg)

    def named_inputs(self, available: Mapping[str, object]) -> dict[str, Any]:
        """Pick the inputs that the function names."""
        return {name: available[name] for name in self.parameters if name in available}


def _required_columns(method: Method) -> tuple[str, ...]:
    from evisynth.columns import NUMERIC  # noqa: PLC0415 - small and only for listings

    empty = inspect.Parameter.empty
    return tuple(name for name, p in method.parameters.items() if p.default is empty and name in NUMERIC)


@attrs.frozen
class EffectMeasure(Method):
    """An effect measure: columns of a study table → ``y, v`` and reasons where there is none.

    The function names its columns as parameters (required ones without a default, alternatives with ``None``), and any
    of ``cells`` (`CorrectedCells`), ``level`` (of limits that are given), ``scale`` (of given effects), the conventions
    ``vtype``, ``smd_correction``, ``rom_correction``, ``smd_variance`` and ``zero_sd``, ``increments`` (a function of
    the cells ``(k,)`` that a zero spoils: what the zero-cell rule adds to each of them) and ``average`` (a function of
    values and sample sizes: their mean over the analysis).
    """

    kind = "EffectMeasure"
    hook = "effect_measures"

    function: Callable[..., MeasuredEffects] = attrs.field(validator=_callable)
    label: str = attrs.field(kw_only=True, validator=_not_empty)
    """Name for readers: ``Risk Ratio``."""
    scale: str | Scale = attrs.field(kw_only=True, validator=_scale)
    """``"log"``: y is a logarithm and shown exponentiated; ``"linear"``: shown as it is; ``"given"``: the settings say;
    or a `Scale` that says how."""
    study_interval: str | None = attrs.field(default=None, kw_only=True)
    """Interval of single studies that presets which choose it by measure use; None: normal, by the standard error."""
    variances: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    """Variance types that ``vtype`` may be, as metafor calls them; the first is the default."""
    default_method: str = attrs.field(default="IV", kw_only=True)
    """Pooling that presets which pool by Mantel–Haenszel or Peto use for this measure."""
    zero_cells: Literal["ratio", "difference", "exact", "never"] = attrs.field(default="ratio", kw_only=True)
    """What a zero cell spoils: the effect, its variance only, or nothing (``"exact"``; by ``"never"`` no program adds
    anything, where metafor does to O - E)."""
    uninformative: Literal["no events", "no or all events", "never"] = attrs.field(default="never", kw_only=True)
    """Which double-zero tables carry no information on the measure."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the function cannot do without."""
        required = _required_columns(self)
        return ("events_1", "n_1", "events_2", "n_2") if self.counts and not required else required

    @property
    def counts(self) -> bool:
        """Whether the measure is computed from the (corrected) cells of a 2×2 table."""
        return "cells" in self.parameters


@attrs.frozen
class Correction(Method):
    """A zero-cell correction: cells → the cells for effects, for M-H sums and for variances.

    The function takes ``(cells, *, …)`` and any of ``measure``, ``method``, ``increments`` (what the settings add to
    every cell of each table, ``(k,)``), ``increment`` (the number itself), ``double_zeros`` (``"by correction"``,
    ``"kept"`` or ``"dropped"``) and ``mh_increment`` (``"by correction"``, ``"added"`` or ``"none"``).
    """

    kind = "Correction"
    hook = "corrections"

    function: Callable[..., CorrectedCells] = attrs.field(validator=_callable)
    adds: bool = attrs.field(default=True, kw_only=True)
    """Whether it adds anything; if not, neither do measures of other counts than those of 2×2 tables."""
    rates_without_events: frozenset[str] = attrs.field(default=frozenset[str](), kw_only=True)
    """Pooling methods that give a study without an event in either arm's person-time no effect, but keep it in sums."""

    def apply(
        self, cells: Cells, measure: EffectMeasure, method: str, rule: Increments, **choices: str
    ) -> CorrectedCells:
        """Correct the cells of one outcome; ``choices`` are ``double_zeros`` and ``mh_increment``."""
        return self.function(cells, **self.inputs(cells, measure, method, rule, **choices))

    def inputs(
        self, cells: Cells, measure: EffectMeasure, method: str, rule: Increments, **choices: str
    ) -> dict[str, Any]:
        """Pick what the function asks for of all that a correction may know."""
        available: dict[str, Any] = {"measure": measure, "method": method, "increment": rule.increment, **choices}
        if "increments" in self.parameters:
            counted = cells
            if choices.get("double_zeros") == "dropped":
                # A table that is dropped is no reason to add to the others.
                gone = cells.no_events | cells.all_events
                counted = Cells(*(np.where(gone, np.nan, cell) for cell in (cells.a, cells.b, cells.c, cells.d)))
            available["increments"] = rule(counted.a, counted.b, counted.c, counted.d)
        return self.named_inputs(available)


@attrs.frozen
class Tau2Estimator(Method):
    """An estimator of the between-study variance: ``(y, v, X, *, …) → tau²`` or `Tau2Fit`.

    ``y`` and ``v`` are ``(k,)`` or ``(k, m)``, ``X`` is ``(k, p)``. It gets the keyword inputs it names: ``centre``
    (the estimate to take Q about, or None), ``weights`` (the user's, or None), ``common`` (the `WeightedFit` with
    weights ``1/v`` where there is one already, or None) and ``details`` (whether a `Tau2Fit` should say more than
    τ²). It may be negative: the engine truncates at 0.
    """

    kind = "Tau2Estimator"
    hook = "tau2_estimators"

    function: Callable[..., FloatArray | Tau2Fit] = attrs.field(validator=_callable)
    duplication_law: bool = attrs.field(default=False, kw_only=True)
    """Whether entering every study twice leaves the untruncated estimate as it is."""
    moment_weights: Callable[[FloatArray], FloatArray] | None = attrs.field(default=None, kw_only=True)
    """``v → a``, one a study, where without moderators τ² is the estimate that matches ``Σ a (y - ȳ_a)²`` to its
    expectation (DL: ``1/v``); leaving out studies is then a matter of sums."""
    moderator_law: bool = attrs.field(default=True, kw_only=True)
    """Whether a shift of y along a moderator changes nothing, as one along the intercept always does."""


@attrs.frozen(eq=False, slots=False)
class Tau2Fit:
    """What an estimator may say beside τ²; each ``()`` or ``(m,)``.

    ``se`` and ``log_likelihood`` may be functions, which are asked when the number is.
    """

    tau2: FloatArray
    _se: FloatArray | Callable[[], FloatArray] | None = attrs.field(default=None, alias="se")
    _log_likelihood: FloatArray | Callable[[], FloatArray] | None = attrs.field(default=None, alias="log_likelihood")
    modes: FloatArray | None = None
    """Number of local maxima of the likelihood."""
    known: bool = False
    """Whether τ² was given, not estimated."""

    @cached_property
    def se(self) -> FloatArray | None:
        """Standard error of τ²."""
        return self._se() if callable(self._se) else self._se

    @cached_property
    def log_likelihood(self) -> FloatArray | None:
        """Logarithm of the (restricted) likelihood at τ²."""
        return self._log_likelihood() if callable(self._log_likelihood) else self._log_likelihood

    def __reduce__(self) -> tuple[type[Tau2Fit], tuple[FloatArray | bool | None, ...]]:
        """Pickle and copy the numbers, not the functions that would give them."""
        return Tau2Fit, (self.tau2, self.se, self.log_likelihood, self.modes, self.known)


@attrs.frozen
class PoolingModel(Method):
    """A way to pool: the function ``(effects, settings) → Fit`` gives the common-effect fit.

    ``random`` says what the random-effects model is made of: ``"inverse variance"`` with a τ² about this fit's own
    estimate (where the settings ask for it), the function's ``"own"``, called with ``settings.model == "random"``, or
    ``"none"``.
    """

    kind = "PoolingModel"
    hook = "pooling_models"

    function: Callable[..., Fit] = attrs.field(validator=_callable)
    label: str = attrs.field(kw_only=True, validator=_not_empty)
    """How a forest plot calls it: ``M-H``."""
    measures: frozenset[str] | None = attrs.field(default=None, kw_only=True)
    """Measures it can pool; None is any."""
    random: Literal["inverse variance", "own", "none"] = attrs.field(default="inverse variance", kw_only=True)
    centre: bool = attrs.field(default=False, kw_only=True)
    """Whether Q may be taken about this model's common estimate."""
    weights: bool = attrs.field(default=False, kw_only=True)
    """Whether it takes weights of the user's (``sample.weights``)."""
    tables: Literal["none", "by correction", "all", "informative"] = attrs.field(default="none", kw_only=True)
    """Which 2×2 tables without an effect of their own it takes: those that the correction keeps, all, or all but double
    zeros."""
    one_study_law: bool = attrs.field(default=True, kw_only=True)
    """Whether one study gives that study's own effect and variance."""
    columns: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    """Columns of the studies that it takes (``sample.columns``), where they are there."""


@attrs.frozen
class IntervalMethod(Method):
    """Inference on coefficients: ``(fit, level) → Estimates``.

    It may name ``adhoc`` (None, ``"se"``, ``"ci"`` or ``"IQWiG6"``), and ``budget`` (most resamples) and ``seed``.
    """

    kind = "IntervalMethod"
    hook = "interval_methods"

    function: Callable[..., Estimates] = attrs.field(validator=_callable)
    random_only: bool = attrs.field(default=False, kw_only=True)
    """Whether the method has a meaning under a random-effects model only."""
    one_scale: bool = attrs.field(default=False, kw_only=True)
    """Whether it holds the variances to be known up to one factor, which it estimates (Hartung–Knapp)."""
    moderators: bool = attrs.field(default=True, kw_only=True)
    """Whether the method has a theory for coefficients of moderators."""
    one_test: bool = attrs.field(default=True, kw_only=True)
    """Whether limits and p-value come of the same test also with moderators."""


@attrs.frozen
class PredictionInterval(Method):
    """An interval for a new study's true effect: ``(fit, level) → Limits``.

    It may name ``estimates`` (of the interval method in use), ``adhoc``, ``budget`` and ``seed``.
    """

    kind = "PredictionInterval"
    hook = "prediction_intervals"

    function: Callable[..., Limits] = attrs.field(validator=_callable)
    moderators: bool = attrs.field(default=False, kw_only=True)
    """Whether it also predicts in a meta-regression: about the first of p coefficients, with k - p for k - 1."""
    own_tau2: bool = attrs.field(default=False, kw_only=True)
    """Whether it takes a τ² of its own instead of the fit's."""


@attrs.frozen
class Tau2Interval(Method):
    """An interval for τ²: ``(fit, level) → Limits``.

    It may name ``estimator`` (the name of that of τ²), ``q`` and ``h2`` (Cochran's Q and the H² that the settings show,
    each ``()`` or ``(m,)``), ``budget`` and ``seed``, with defaults for where it is called without.
    """

    kind = "Tau2Interval"
    hook = "tau2_intervals"

    function: Callable[..., Limits] = attrs.field(validator=_callable)


@attrs.frozen
class StudyInterval(Method):
    """An interval for the effect of a single study: its columns → limits, low and high, each ``(k,)``.

    The function names columns of the studies, ``effect`` and ``se`` (on the analysis scale) and ``level``; rows that
    have no limits are NaN, and get normal ones.
    """

    kind = "StudyInterval"
    hook = "study_intervals"

    function: Callable[..., tuple[FloatArray, FloatArray]] = attrs.field(validator=_callable)
    measures: frozenset[str] | None = attrs.field(default=None, kw_only=True)
    """Measures that it is for; None is any."""
    on_display: bool = attrs.field(default=True, kw_only=True)
    """Whether limits are on the scale shown to readers, and not on the analysis scale."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the function cannot do without."""
        return _required_columns(self)


@attrs.frozen
class BiasTest(Method):
    """A test for small-study effects: ``(analysis, **options) → BiasResult``."""

    kind = "BiasTest"
    hook = "bias_tests"

    function: Callable[..., BiasResult] = attrs.field(validator=_callable)
    index: bool = attrs.field(default=False, kw_only=True)
    """Whether it gives a number with a rule of thumb instead of a p-value, as a fail-safe N or the LFK index does."""


@attrs.frozen
class Adjustment(Method):
    """A pooled effect adjusted for small-study effects: ``(analysis, **options) → BiasResult``."""

    kind = "Adjustment"
    hook = "adjustments"

    function: Callable[..., BiasResult] = attrs.field(validator=_callable)


@attrs.frozen
class Conversion(Method):
    """A conversion of statistics: arrays named by the parameters → arrays named by ``targets``."""

    kind = "Conversion"
    hook = "conversions"

    function: Callable[..., tuple[FloatArray, ...]] = attrs.field(validator=_callable)
    targets: tuple[str, ...] = attrs.field(kw_only=True)
    formula: str = attrs.field(default="", kw_only=True)
    """What results print beside the numbers that it made, in the words of the parameters: ``SD = SE √n``."""
    shifts: bool = attrs.field(default=True, kw_only=True)
    """Whether a shift of the data shifts its locations: an average does, what is fitted to logarithms does not."""
    positive: bool = attrs.field(default=False, kw_only=True)
    """Whether it takes positive statistics alone, and refuses others row by row."""
    infinite: bool = attrs.field(default=False, kw_only=True)
    """Whether an infinite result has a meaning, as a number needed to treat has; else it is missing."""
    tested_by: str | None = attrs.field(default=None, kw_only=True)
    """Name of the conversion of the same statistics whose target ``skewed`` is 1 where the data object to this one."""
    joins_rows: bool = attrs.field(default=False, kw_only=True)
    """Whether the rows are parts of one thing, such as the points of a curve, and give one row of targets, ``(1,)``."""
    examples: Mapping[str, tuple[float, ...]] = attrs.field(factory=dict[str, tuple[float, ...]], kw_only=True)
    """Values, three rows or more, that the conformance kit takes for sources where its own do not fit."""
    labels: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict[str, tuple[str, ...]], kw_only=True)
    """Words for the numbers 0, 1, … of a target that chooses one of several."""

    def label(self, target: str, value: float) -> str:
        """Write a number of a target, in words where it has them."""
        words = self.labels.get(target, ())
        return words[int(value)] if 0 <= value < len(words) else f"{value:.6g}"

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the statistics that it converts from."""
        return tuple(self.parameters)


@attrs.frozen
class Route(Method):
    """Another way to a measure's effect than its own columns, for rows that lack some of these.

    The function names its columns as parameters (required ones without a default), and any of ``level`` (of limits that
    are given), ``forward`` (a function that brings numbers as shown to the analysis scale), ``null`` (what stands for
    no effect there, or None) and the conventions. It returns `MeasuredEffects`, as a measure does, or `FilledColumns`:
    the measure's own columns that amount to the same, which are then measured (and, where they are counts, pooled) as
    if they had been entered. A row takes the first way for which it has every required column: the measure's own, then
    the routes in the order of the registry.
    """

    kind = "Route"
    hook = "routes"

    function: Callable[..., MeasuredEffects | FilledColumns] = attrs.field(validator=_callable)
    measures: frozenset[str] | None = attrs.field(kw_only=True)
    """Measures whose effect it leads to; None is any."""
    fills: bool = attrs.field(default=False, kw_only=True)
    """Whether the function returns `FilledColumns`, so that its rows are measured and pooled like entered ones."""
    formula: str = attrs.field(kw_only=True, validator=_not_empty)
    """What the result prints: ``d = t √(1/n₁ + 1/n₂)``."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the function cannot do without."""
        return _required_columns(self)


@attrs.frozen
class Check(Method):
    """A guard rail: columns and effects → masks of rows that look wrong, each with what to look at.

    The function names columns of the table (all optional: default None), ``y`` and ``v``, ``measure`` (a name),
    ``scale`` (a name) or ``level`` (of limits that were entered), and returns `Reasons`.
    """

    kind = "Check"
    hook = "checks"

    function: Callable[..., Reasons] = attrs.field(validator=_callable)


@attrs.frozen
class Converter(Method):
    """A reader, and where it can a writer, of a format.

    ``function`` reads a `Source` into a `Table` (columns as given), `Studies` or a `Review`; ``recognises`` says how
    sure it is, from 0 (not mine) to 1, by looking at the content. ``write`` gives the bytes of a table of studies,
    ``write_review`` those of a review: of one file, or of several by their path within a folder (or archive).
    """

    kind = "Converter"
    hook = "converters"

    function: Callable[[Source], Table | Studies | Review] = attrs.field(validator=_callable)
    recognises: Callable[[Source], float] = attrs.field(kw_only=True, validator=_callable)
    suffixes: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    write: Callable[[Studies], bytes] | None = attrs.field(default=None, kw_only=True)
    write_review: Callable[[Review], bytes | Mapping[str, bytes]] | None = attrs.field(default=None, kw_only=True)
    whole_review: bool = attrs.field(default=True, kw_only=True)
    """Whether ``write_review`` writes all data of a review; one that writes a part of it is chosen by its name, or by a
    suffix that no other has."""


@attrs.frozen
class Reporter(Method):
    """A rendering of a result: ``(analysis, **options) → text or bytes``.

    ``review`` renders a whole `ReviewAnalysis` under the same name: as text or bytes, or as files by their path within
    a folder; ``bias_survey`` renders a `BiasSurvey`. ``function`` is that of a reporter which is for one of them alone.

    A figure names its ``spec``, a class of `FigureSpec` whose fields are the options: its function is called as
    ``(result, spec, suffix=…)``. ``draw``, called as ``(result, spec, ax)``, puts the figure on matplotlib axes, new
    ones for None, and returns them.
    """

    kind = "Reporter"
    hook = "reporters"

    function: Callable[..., str | bytes | Mapping[str, bytes]] = attrs.field(validator=_callable)
    media_types: Mapping[str, str] = attrs.field(kw_only=True)
    """File suffix → media type; the first is the default, and the suffix of a folder is empty. A function that names
    ``suffix`` is told which."""
    of: Literal["analysis", "review", "review data", "settings comparison", "bias survey", "validation"] = attrs.field(
        default="analysis", kw_only=True
    )
    """Kind of result that ``function`` renders; ``"review data"`` is a `Review`, of which nothing need be analysed."""
    review: Callable[..., str | bytes | Mapping[str, bytes]] | None = attrs.field(default=None, kw_only=True)
    bias_survey: Callable[..., str | bytes | Mapping[str, bytes]] | None = attrs.field(default=None, kw_only=True)
    spec: type[FigureSpec] | None = attrs.field(default=None, kw_only=True)
    draw: Callable[[Any, Any, Any], Any] | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Hold the spec of a figure to the reporter's name, by which a saved one finds its reporter."""
        if self.spec is not None and self.spec.figure != self.name:
            msg = f"the spec of Reporter {self.name!r} is that of figure {self.spec.figure!r}"
            raise SettingsError(msg)

    def function_for(self, kind: str) -> Callable[..., str | bytes | Mapping[str, bytes]] | None:
        """Give the function that renders a kind of result; None where there is none."""
        if kind == self.of:
            return self.function
        return {"review": self.review, "bias survey": self.bias_survey}.get(kind)

    def render(
        self, result: object, suffix: str, options: Mapping[str, object], kind: str = "analysis"
    ) -> str | bytes | Mapping[str, bytes]:
        """Render a result as the format of ``suffix``; raises `SettingsError` for an option that is not named."""
        function = self.function_for(kind)
        assert function is not None  # noqa: S101 - asked for before
        if self.spec is not None and kind == self.of:
            return function(result, self.made_spec(options), suffix=suffix)
        named = inspect.signature(function).parameters
        self.refuse_unnamed(options, named)
        extra = {"suffix": suffix} if "suffix" in named else {}
        return function(result, **extra, **options)

    def made_spec(self, options: Mapping[str, object]) -> FigureSpec:
        """Take a figure's options, and the ``spec`` that they change where there is one among them.

        Raises `SettingsError` for an option that is not the figure's, and for the spec of another figure.
        """
        assert self.spec is not None  # noqa: S101 - asked for before
        changes = dict(options)
        spec = changes.pop("spec", None)
        if spec is None:
            return self.spec.of(changes)
        if not isinstance(spec, self.spec):
            msg = f"the spec of Reporter {self.name!r} is a {self.spec.__name__}, not {spec!r}"
            raise SettingsError(msg)
        return spec.but(changes)


@attrs.frozen
class ReferenceSet(Method):
    """Results that methods are held to: the function ``(asked) → agreements`` repeats them with the installed engine.

    ``asked`` (`Asked`) has the registry and says which methods are asked for, and whether a share of the cases does;
    the function yields an `Agreement` for every number that it compares.
    """

    kind = "ReferenceSet"
    hook = "reference_sets"

    function: Callable[[Asked], Iterable[Agreement]] = attrs.field(validator=_callable)
    label: str = attrs.field(kw_only=True, validator=_not_empty)
    """One line for readers: what the methods are held to."""
    truth: Literal["exact", "published", "program", "law"] = attrs.field(kw_only=True)
    """What stands behind the results: arithmetic with more digits, print, another program, or a law."""
    absent: Callable[[Method], str] = attrs.field(kw_only=True, validator=_callable)
    """Why a method is not among those it compares; no cell of the coverage matrix is empty without it."""


KINDS: tuple[type[Method], ...] = (
    EffectMeasure,
    Correction,
    Tau2Estimator,
    PoolingModel,
    IntervalMethod,
    PredictionInterval,
    Tau2Interval,
    StudyInterval,
    BiasTest,
    Adjustment,
    Conversion,
    Route,
    Check,
    Converter,
    Reporter,
    ReferenceSet,
)
