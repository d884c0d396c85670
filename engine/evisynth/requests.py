"""Answer requests in JSON: data and the words of `fit` come in, the result or a described error goes out."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import attrs

from evisynth.completing import complete
from evisynth.diagnostics.leave_one_out import leave_one_out
from evisynth.documents import finite_values, read_json
from evisynth.errors import EvisynthError, FormatError, SettingsError
from evisynth.fitting import fit
from evisynth.loading import load_studies
from evisynth.records import Reporter
from evisynth.registry import Registry, default_registry
from evisynth.reporting import render
from evisynth.settings import WORDS, refuse_unknown
from evisynth.sources import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth.results import MetaAnalysis
    from evisynth.studies import Studies

OWN_WORDS = (
    *("data", "roles", "convert", "settings", "exclude", "by", "moderators", "weights"),
    *("leave_one_out", "reports"),
)
SCHEMAS = ("result", "request", "error")


@attrs.frozen(kw_only=True, eq=False)
class Request:
    """Hold a request: where the data are, the words given for `Settings`, and what else `fit` takes."""

    data: Any
    words: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    settings: str | None = None
    roles: Mapping[str, str] = attrs.field(factory=dict[str, str])
    format: str | None = None
    exclude: Sequence[str] = ()
    by: str | Sequence[str | None] | None = None
    moderators: str | Sequence[str] | Mapping[str, Sequence[float]] | None = None
    weights: str | Sequence[float] | None = None
    leave_one_out: bool = False
    convert: Mapping[str, Mapping[str, float]] = attrs.field(factory=dict[str, dict[str, float]])
    """Conversions by which to fill what the table lacks, each with numbers for its options."""
    reports: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict[str, dict[str, Any]])
    registry: Registry = attrs.field(factory=default_registry)

    @cached_property
    def studies(self) -> Studies:
        """The table, read once."""
        studies = load_studies(self.data, roles=self.roles, format=self.format, registry=self.registry)
        for name, options in self.convert.items():
            studies = complete(studies, name, registry=self.registry, **options)
        return studies

    @cached_property
    def analysis(self) -> MetaAnalysis:
        """The analysis, made once."""
        preset = {} if self.settings is None else {"settings": self.settings}
        return fit(
            self.studies,
            exclude=self.exclude,
            by=self.by,
            moderators=self.moderators or None,
            weights=self.weights,
            registry=self.registry,
            **preset,
            **self.words,
        )

    def answer(self) -> dict[str, Any]:
        """Give the result as `schemas/result.schema.json` describes it, with the reports that were asked for."""
        document = self.analysis.to_dict()
        if self.leave_one_out:
            records = leave_one_out(self.analysis).records()
            document["leave_one_out"] = finite_values(records, document["reasons"], "leave_one_out")
        if self.reports:
            document["reports"] = {name: self._report(name, options) for name, options in self.reports.items()}
        return document

    def _report(self, name: str, options: Mapping[str, Any]) -> dict[str, str]:
        from base64 import b64encode  # noqa: PLC0415 - only for figures

        own = {word: value for word, value in options.items() if word not in {"suffix", "registry"}}
        suffix: str | None = options.get("suffix")
        made = render(self.analysis, name, suffix=suffix, registry=self.registry, **own)
        media_types = self.registry.get(Reporter, name).media_types
        media_type = media_types[(suffix or next(iter(media_types))).lower()]
        if isinstance(made, str):
            return {"media_type": media_type, "text": made}
        return {"media_type": media_type, "base64": b64encode(made).decode()}


def read_request(content: str | bytes, registry: Registry | None = None) -> Request:
    """Read a request in JSON; raises `FormatError` for what is no JSON object and `SettingsError` for its words."""
    if len(content) > MAX_BYTES:
        msg = f"the request has more than {MAX_BYTES:,} bytes"
        raise FormatError(msg)
    value: object = read_json(content, "the request")
    if not isinstance(value, dict):
        msg = 'a request is an object, such as {"data": {"events_1": [...], …}, "measure": "RR"}'
        raise FormatError(msg)
    return request_from_words(cast("dict[str, Any]", value), registry)


def request_from_words(given: Mapping[str, Any], registry: Registry | None = None) -> Request:
    """Check a request's words. Raises `SettingsError` that names the nearest word for one that is not known."""
    refuse_unknown("the request", given, (*OWN_WORDS, *WORDS))
    if given.get("data") is None:
        msg = 'a request carries its data: {"data": {column: [...]}, "measure": …}'
        raise SettingsError(msg)
    words = {word: value for word, value in given.items() if word in WORDS}
    settings = given.get("settings")
    if isinstance(settings, dict):
        fields = cast("dict[str, Any]", settings)
        refuse_unknown("settings", fields, ("preset", *WORDS))
        settings = fields.get("preset")
        words = {**{word: value for word, value in fields.items() if word != "preset"}, **words}
    if words.get("measure", "") is None:
        del words["measure"]
    exclude, by, moderators = given.get("exclude"), given.get("by"), given.get("moderators")
    return Request(
        data=_of_kind("data", given["data"], (dict, list), "columns or rows"),
        words=words,
        settings=_of_kind("settings", settings, (str, type(None)), "a preset's name or an object of settings"),
        roles=_texts("roles", _of_kind("roles", given.get("roles") or {}, (dict,), "canonical name → heading")),
        exclude=_texts("exclude", [exclude] if isinstance(exclude, str) else exclude or []),
        by=by if by is None or isinstance(by, str) else _texts("by", by, missing=True),
        moderators=_moderators(moderators or []),
        weights=_own_weights(given.get("weights")),
        leave_one_out=_of_kind("leave_one_out", given.get("leave_one_out", False), (bool,), "true or false"),
        convert=_conversions(given.get("convert") or {}),
        reports=_reports(given.get("reports") or {}),
        registry=registry or default_registry(),
    )


def _of_kind(word: str, value: Any, kinds: tuple[type, ...], wanted: str) -> Any:  # noqa: ANN401 - any JSON value
    if not isinstance(value, kinds):
        msg = f"{word} is {wanted}, not {_short(value)}"
        raise SettingsError(msg)
    return value


def _short(value: object) -> str:
    return f"a {type(value).__name__}" if type(value) in {dict, list} else repr(value)[:60]


def _texts(word: str, value: Any, *, missing: bool = False) -> Any:  # noqa: ANN401 - a list or an object, handed back
    _of_kind(word, value, (list, dict), "a list of texts")
    held = cast("Iterable[object]", value.values() if isinstance(value, dict) else value)
    kinds = (str, type(None)) if missing else (str,)
    for text in held:
        _of_kind(word, text, kinds, "made of texts")
    return cast("Any", value)


def _moderators(value: object) -> Any:  # noqa: ANN401 - a formula, names or columns, handed back
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return _texts("moderators", value)
    for name, column in cast("dict[str, Any]", value).items():
        for number in _of_kind(f"moderator {name!r}", column, (list,), "a list with a number for every study"):
            _of_kind(f"moderator {name!r}", number, (int, float, type(None)), "made of numbers")
    return cast("Any", value)


def _own_weights(value: object) -> Any:  # noqa: ANN401 - a column's name or numbers, handed back
    if value is None or isinstance(value, str):
        return value
    for number in _of_kind("weights", value, (list,), "a column's name, or a list with a number for every study"):
        _of_kind("weights", number, (int, float, type(None)), "made of numbers")
    return cast("Any", value)


def _conversions(value: object) -> dict[str, dict[str, float]]:
    if isinstance(value, str | list):
        return {name: {} for name in _texts("convert", [value] if isinstance(value, str) else value)}
    asked = cast("dict[str, Any]", _of_kind("convert", value, (dict,), "a name, names, or an object: name → options"))
    for name, options in asked.items():
        for option, number in _of_kind(f"convert.{name}", options, (dict,), "an object of options").items():
            _of_kind(f"convert.{name}.{option}", number, (int, float), "a number")
    return asked


def _reports(value: object) -> dict[str, dict[str, Any]]:
    asked = cast("dict[str, Any]", _of_kind("reports", value, (dict,), "an object: reporter → true or its options"))
    for name, options in asked.items():
        _of_kind(f"reports.{name}", options, (bool, dict), "true or an object of options")
        if isinstance(options, dict):
            suffix = cast("dict[str, Any]", options).get("suffix", "")
            _of_kind(f"reports.{name}.suffix", suffix, (str,), "a text such as '.svg'")
    return {name: {} if options is True else options for name, options in asked.items() if options is not False}


def error_document(error: Exception) -> dict[str, Any]:
    """Describe an error as `schemas/error.schema.json` has it; a fault of ours has the code ``internal``."""
    if isinstance(error, EvisynthError):
        return {"error": finite_values(error.to_dict(), {})}
    code = "file" if isinstance(error, OSError) else "internal"
    return {"error": {"code": code, "type": type(error).__name__, "message": str(error) or type(error).__name__}}


def schema(name: str) -> dict[str, Any]:
    """Give a published schema: ``result``, ``request`` or ``error``."""
    from importlib.resources import files  # noqa: PLC0415 - only when asked for

    refuse_unknown("schemas", [name], SCHEMAS)
    text = files("evisynth").joinpath("schemas", f"{name}.schema.json").read_text(encoding="utf-8")
    made: dict[str, Any] = read_json(text, f"{name}.schema.json")
    return made
