"""Hold every choice of an analysis in one frozen, serialisable value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import attrs

from evisynth.across_rows import INCREMENT_TO
from evisynth.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MODELS = ("common", "random")
MODEL_WORDS = {"common": "common", "fixed": "common", "random": "random"}


BY_MEASURE = "by measure"
"""Take what the measure names: M-H for counts, Peto for Peto's odds ratio; Clopper and Pearson's for a proportion."""
BY_METHOD = "by method"
"""Take the preset's model where its program has it with the method, else the one that it has."""
BY_INTERVAL = "by interval"
"""Take the prediction interval that goes with the interval method."""
BY_TAU2 = "by tau2"
"""Take Q about the M-H estimate beside some τ² estimators only."""
BY_I2 = "by i2"
"""Take the limits of I² from the test where I² is from Q, and from those of τ² where it is from τ²."""


OPEN = (BY_MEASURE, BY_METHOD, BY_INTERVAL, BY_TAU2, BY_I2)
"""What stands for a choice that follows from another one."""


def _level(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < 1.0:  # pyright: ignore[reportUnnecessaryIsInstance] - requests are untyped
        msg = f"{attribute.name} is a probability between 0 and 1, such as 0.95, not {value!r}"
        raise SettingsError(msg)


def _one_of(*words: str | None) -> Any:  # noqa: ANN401 - attrs' own validators are typed so
    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value not in words:
            shown = ", ".join("none" if word is None else repr(word) for word in words if word not in OPEN)
            msg = f"{attribute.name} is one of {shown}, not {value!r}"
            raise SettingsError(msg)

    return check


def _text_or_none(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not isinstance(value, str):
        msg = f"{attribute.name} is a name, not {value!r}"
        raise SettingsError(msg)


def _flag(_: object, attribute: attrs.Attribute[bool], value: object) -> None:
    if not isinstance(value, bool):
        msg = f"{attribute.name} is true or false, not {value!r}"
        raise SettingsError(msg)


ADHOC = ("se", "ci", "IQWiG6")


def _adhoc(value: str | bool | None) -> str | None:  # noqa: FBT001 - a request may say true
    """Take true and false as the words that they stand for."""
    if isinstance(value, bool):
        return "se" if value else None
    return value


def _estimator_or_number(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, str) and not (number and 0 <= cast("float", value) < float("inf")):
        msg = f"{attribute.name} is the name of an estimator, or a number of 0 or more, not {value!r}"
        raise SettingsError(msg)


def _count(_: object, attribute: attrs.Attribute[int], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < attribute.metadata["least"]:
        msg = f"{attribute.name} is a whole number of {attribute.metadata['least']} or more, not {value!r}"
        raise SettingsError(msg)


def _finite_or_none(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (number and abs(cast("float", value)) < float("inf")):
        msg = f"{attribute.name} is a finite number, not {value!r}"
        raise SettingsError(msg)


def _not_negative(_: object, attribute: attrs.Attribute[float], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        msg = f"{attribute.name} is a number of 0 or more, not {value!r}"
        raise SettingsError(msg)


def _model(value: str) -> str:
    return MODEL_WORDS.get(value, value) if isinstance(value, str) else value  # pyright: ignore[reportUnnecessaryIsInstance] - requests are untyped


def refuse_unknown(what: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Raise `SettingsError` for words that are not known, with the nearest that is."""
    unknown = [word for word in given if word not in known]
    if not unknown:
        return
    # difflib is slow to import and only an error needs it.
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(unknown[0].casefold(), known, n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    msg = f"{what}: there is no {unknown[0]!r}{hint}; there are {', '.join(sorted(known))}"
    raise SettingsError(msg)


@attrs.frozen(kw_only=True, init=False)
class Settings:
    """State how an analysis is made; the words are those of a request, in Python, on the command line and in JSON.

    ``Settings(preset="revman5", measure="RR")``: a field left out is filled by the preset. Where that depends on
    another choice it holds ``"by measure"`` and the like until the analysis is made, and the result holds what was
    chosen. Names of methods are looked up in the registry when the analysis is made.
    """

    preset: str = "revman-web"
    measure: str | None = attrs.field(default=None, validator=_text_or_none)
    method: str = attrs.field(default="IV", validator=_text_or_none)
    model: str = attrs.field(default="random", converter=_model, validator=_one_of(*MODELS, BY_METHOD))
    tau2: str | float = attrs.field(default="REML", validator=_estimator_or_number)
    """Name of an estimator, or the value itself."""
    tau2_common: bool = attrs.field(default=False, validator=_flag)
    """Whether subgroups share one τ², estimated within them."""
    interval: str = attrs.field(default="HK", validator=_text_or_none)
    """Interval method; a common-effect model has Wald's where the method has no meaning for it."""
    adhoc: str | None = attrs.field(default=None, converter=_adhoc, validator=_one_of(None, *ADHOC))  # pyright: ignore[reportUnknownVariableType] - of a converter beside a default of None
    """What keeps a Hartung–Knapp interval from being too narrow: a floor for its SE, the wider one, IQWiG's rule."""
    weighting: str = attrs.field(default="inverse variance", validator=_one_of("inverse variance", "equal"))
    """Weights of the studies where the user gives none."""
    prediction: str | None = attrs.field(default=None, validator=_text_or_none)
    threshold: float | None = attrs.field(default=None, validator=_finite_or_none)
    """An effect, as it is shown to readers, beside which results say how probable true effects on either side are."""
    tau2_interval: str | None = attrs.field(default=None, validator=_text_or_none)
    i2_interval: str | None = attrs.field(default=None, validator=_text_or_none)
    """Interval for τ² that those of I² and H² follow from; None: the one for τ²."""
    level: float = attrs.field(default=0.95, validator=_level)
    study_level: float = attrs.field(default=0.95, validator=_level)
    study_interval: str | None = attrs.field(default=None, validator=_text_or_none)
    """Interval of single studies (CP, WS, Poisson …); None: the effect ± z standard errors."""
    given_level: float = attrs.field(default=0.95, validator=_level)
    """Level of the confidence limits that were entered as data."""
    correction: str = attrs.field(default="revman", validator=_text_or_none)
    increment: float = attrs.field(default=0.5, validator=_not_negative)
    """What the zero-cell correction adds to a cell."""
    increment_to: str = attrs.field(default="only0", validator=_one_of(*INCREMENT_TO))
    """Tables that it is added to: ``only0`` (those with a zero), ``if0all`` (all where one has a zero), all, none."""
    double_zeros: str = attrs.field(default="by correction", validator=_one_of("by correction", "kept", "dropped"))
    """Whether tables with no events (or nothing but events) in both arms have an effect."""
    mh_increment: str = attrs.field(default="by correction", validator=_one_of("by correction", "added", "none"))
    """Whether increments also go inside Mantel–Haenszel and Peto sums."""
    vtype: str | None = attrs.field(default=None, validator=_text_or_none)
    """Variance type of the effect measure, as metafor calls it (LS, UB, AV, HO …); None: the measure's default."""
    i2: str = attrs.field(default="q", validator=_one_of("q", "tau2"))
    """Definition of the I² and H² shown: from Q, or from τ² and the typical within-study variance."""
    centre: str = attrs.field(default="pooled", validator=_one_of("pooled", "IV", BY_TAU2))
    """What Q (and with it DL's τ²) is taken about: the pooled common estimate (M-H where M-H), or the IV one."""
    random_weights: str = attrs.field(default="pooled", validator=_one_of("pooled", "IV"))
    """Name of the random-effects model's pooling: that of ``method`` (``M-H, Random``), or plain inverse variance."""
    mh_rd_variance: str = attrs.field(default="Greenland-Robins", validator=_one_of("Greenland-Robins", "Sato"))
    """Variance of a Mantel–Haenszel risk difference."""
    smd_correction: str = attrs.field(default="approximate", validator=_one_of("approximate", "exact", "none"))
    """Correction of a standardised mean difference for the bias of small samples."""
    rom_correction: str = attrs.field(default="none", validator=_one_of("Lajeunesse", "none"))
    """Correction of the logarithm of a ratio of means for its bias."""
    smd_variance: str = attrs.field(default="revman", validator=_one_of("revman", "LS", "UB"))
    zero_sd: str = attrs.field(default="excluded", validator=_one_of("excluded", "kept"))
    """Whether a study with a standard deviation of 0, or one participant, in an arm is left out."""
    scale: str = attrs.field(default="linear", validator=_one_of("linear", "log"))
    """Analysis scale of a measure that is given, not computed: ``log`` shows exponentiated effects."""
    budget: int = attrs.field(default=10_000, validator=_count, metadata={"least": 1})
    """The most resamples or subsets that a method may use; where there are no more than that, it takes all."""
    seed: int = attrs.field(default=1, validator=_count, metadata={"least": 0})
    """Start of the random numbers of methods that sample."""
    swap_events: bool = attrs.field(default=False, validator=_flag)
    """Analyse non-events instead of events; for measures of 2×2 tables."""
    totals: str = attrs.field(default="overall", validator=_one_of("overall", "subgroups", "none"))
    """Pooled effects that are shown: overall and of subgroups, of subgroups only, or none."""
    subgroup_test: bool = attrs.field(default=True, validator=_flag)
    """Whether the test for differences between subgroups is shown."""
    effect_label: str | None = attrs.field(default=None, validator=_text_or_none)
    group_1: str | None = attrs.field(default=None, validator=_text_or_none)
    """Name of arm 1 for reports; "Experimental" unless given."""
    group_2: str | None = attrs.field(default=None, validator=_text_or_none)
    """Name of arm 2 for reports; "Control" unless given."""
    favours_1: str | None = attrs.field(default=None, validator=_text_or_none)
    favours_2: str | None = attrs.field(default=None, validator=_text_or_none)

    def __init__(self, preset: str = "revman-web", **words: Any) -> None:  # noqa: ANN401 - the fields above
        """Fill what is not given from the preset; raises `SettingsError` for a preset or a word that does not exist."""
        from evisynth.presets import preset_fields  # noqa: PLC0415 - presets are made of this class's fields

        refuse_unknown("settings", words, WORDS)
        self.__attrs_init__(preset=preset, **{**preset_fields(preset), **words})  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs writes it

    def replace(self, **changes: Any) -> Settings:  # noqa: ANN401 - the fields above
        """Copy with some fields changed."""
        return Settings(**{**attrs.asdict(self), **changes})

    def to_dict(self) -> dict[str, Any]:
        """Give the fields as JSON-ready values."""
        return attrs.asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Settings:
        """Take fields as `to_dict` gives them; raises `SettingsError` for a word that is not a field."""
        refuse_unknown("settings", fields, tuple(field.name for field in attrs.fields(cls)))
        return cls(**fields)


WORDS = tuple(field.name for field in attrs.fields(Settings) if field.name != "preset")
"""The words of a request that are settings."""
