"""Write the R script that reproduces an analysis: data, package and calls."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from evisynth.errors import CombinationError, SettingsError
from evisynth.r_counts import OF_METABIN, RATES, Call, meta_call, metafor_call
from evisynth.r_revman import revman_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evisynth.kernels.arrays import FloatArray
    from evisynth.results import MetaAnalysis
    from evisynth.settings import Settings

_RMA = re.compile(r"metafor::rma\(yi, vi, (?P<weights>weights=weights, )?method='(?P<name>\w+)'\)")
PACKAGES = ("metafor", "meta")
_META = ("DL", "PM", "REML", "ML", "HS", "SJ", "HE", "EB")
"""What meta takes as ``method.tau``."""
_TESTS = {"Wald": "z", "t": "t", "HK": "knha", "HC": "z", "permutation": "z"}
"""What metafor calls the test; the last two are functions of their own."""
_META_INTERVALS = {"Wald": "classic", "HK": "HK", "KR": "KR"}
_META_PREDICTIONS = ("V", "HTS", "HK", "HK-PR", "KR", "KR-PR", "S")
_RILEY, _T, _SIMPLE = ', predtype="Riley"', ', predtype="t"', ', predtype="simple"'
_PREDTYPE = {
    "z": {"S": "", "HTS": _RILEY, "V": _T, "simple": _SIMPLE},
    "t": {"V": "", "HTS": _RILEY, "simple": _SIMPLE},
    "knha": {"HK": "", "HK-PR": _RILEY, "simple": _SIMPLE},
}
"""What metafor's predict is told beside each test, whose standard error it takes."""
_TIGHT = "control=list(threshold=1e-12, tol=1e-14, maxiter=10000)"


def write(analysis: MetaAnalysis, package: str | None = None) -> str:
    """Write an R script that reproduces the analysis by a ``package``, ``"metafor"`` or ``"meta"``.

    Without one it is meta for the preset of that name, else metafor. Subgroups follow, each with its own model, and the
    test for differences between them; at the end the script compares R's numbers with ours. Raises `CombinationError`
    for what the package does not compute, such as a method from a plugin, and `SettingsError` for another package.
    """
    if package not in {None, *PACKAGES}:
        msg = f"package is one of {', '.join(map(repr, PACKAGES))}, not {package!r}"
        raise SettingsError(msg)
    by_meta = package == "meta" or (package is None and analysis.settings.preset == "meta")
    heading = f"# {_plain(analysis.label)}: {analysis.model.label}"
    lines = [heading, f"library({'meta' if by_meta else 'metafor'})", "", *_body(analysis, by_meta=by_meta)]
    if not by_meta:
        lines += _compared(analysis)
    lines += _subgroups(analysis, by_meta=by_meta)
    return "\n".join([*lines, ""])


def _body(analysis: MetaAnalysis, *, by_meta: bool) -> list[str]:
    """Write data and calls without the package."""
    settings = analysis.settings
    if settings.model == "random" and analysis.methods.pooling.random != "own":
        _estimator(analysis)
    if settings.model == "random":
        known = _META_INTERVALS if by_meta else _TESTS
        _refuse(settings.interval not in known, f"an interval that R knows as {settings.interval!r}")
        _refuse(settings.tau2_common and bool(analysis.subgroups), "common tau² of subgroups in this script")
    return _meta(analysis) if by_meta else _metafor(analysis)


def _compared(analysis: MetaAnalysis) -> list[str]:
    """Compare the numbers of R with ours, where both have them."""
    pooled = analysis.pooled
    usual = analysis.settings.model == "common" or analysis.settings.interval in {"Wald", "t", "HK"}
    if pooled is None or not usual:
        return []
    ours = [("effect", pooled.value, "res$beta[1]"), ("se", pooled.se, "res$se[1]")]
    if analysis.heterogeneity.q is not None:
        ours.append(("Q", analysis.heterogeneity.q, "res$QE"))
    if analysis.settings.model == "random" and analysis.heterogeneity.tau2 is not None:
        ours.append(("tau2", analysis.heterogeneity.tau2, "res$tau2[1]"))
    if analysis.methods.pooling.random == "own":
        # Likelihoods of mixed models are maximised by iterations of R's own.
        ours = ours[:2]
    tolerance = "1e-3" if analysis.methods.pooling.random == "own" else "1e-6"
    names = ", ".join(f"{name}={_number(value)}" for name, value, _ in ours)
    theirs = ", ".join(f"{name}={where}" for name, _, where in ours)
    return [
        "",
        "# What evisynth computed, and R",
        f"ours <- c({names})",
        f"theirs <- c({theirs})",
        "print(rbind(evisynth=ours, R=theirs, difference=theirs - ours), digits=10)",
        f"stopifnot(all(abs(theirs - ours) <= {tolerance}*pmax(abs(ours), 1e-3)))",
    ]


def _subgroups(analysis: MetaAnalysis, *, by_meta: bool) -> list[str]:
    """Write the analysis of each subgroup in a room of its own, and the test for differences between them."""
    parts = [group for group in analysis.subgroups if group.analysis.pooled is not None]
    if not parts:
        return []
    lines = ["", "# Subgroups"]
    for i, group in enumerate(parts, 1):
        inner = [f"  {line}" if line else "" for line in _body(group.analysis, by_meta=by_meta)]
        lines += [f"# {_plain(group.name)}", f"sub{i} <- local({{", *inner, "  res", "})"]
    test = analysis.subgroup_test
    if by_meta or test is None or test.q is None or not analysis.settings.subgroup_test:
        return lines
    subs = [f"sub{i}" for i in range(1, len(parts) + 1)]
    return [
        *lines,
        "# Test for subgroup differences",
        f"b <- c({', '.join(f'{sub}$beta[1]' for sub in subs)})",
        f"w <- 1/c({', '.join(f'{sub}$se[1]' for sub in subs)})^2",
        "QM <- sum(w*(b - sum(w*b)/sum(w))^2)",
        f"print(c(QM=QM, df={test.df}, p=pchisq(QM, {test.df}, lower.tail=FALSE)), digits=6)",
        f"stopifnot(abs(QM - {_number(test.q)}) <= 1e-6*max({_number(test.q)}, 1e-3))",
    ]


def _refuse(condition: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if condition:
        raise _no(what)


def _no(what: str) -> CombinationError:
    return CombinationError(f"an R script cannot reproduce this analysis: there is no {what}")


def _metafor(analysis: MetaAnalysis) -> list[str]:
    settings, method = analysis.settings, analysis.methods.pooling.name
    lines: list[str] = []
    by_hand = revman_lines(analysis, _number(100 * settings.level))
    if by_hand is not None:
        return [*_counts(analysis, Call("", ())), *by_hand]
    own = analysis.methods.pooling.random == "own"
    if method != "IV" and (settings.model == "common" or own):
        call = metafor_call(settings, method, analysis.effects.measure, tables=analysis.effects.cells is not None)
        kind = f"{method} pooling of this kind in metafor (choose settings 'metafor', or method 'IV')"
        if call is None:
            raise _no(kind)
        words = ", ".join(["data=dat, slab=study", *call.words, f"level={_number(100 * settings.level)}"])
        return [*lines, *_counts(analysis, call), f"res <- {call.start}, {words})", "print(res, digits=6)"]
    _refuse(
        analysis.fit is not None and analysis.fit.weights is not None and analysis.effects.weights is None,
        f"{method} pooling in metafor (choose settings 'meta')",
    )
    _refuse(
        method != "IV" and settings.centre == "pooled" and settings.tau2 == "DL",
        "DerSimonian and Laird's Q about another estimate than the mean (choose method 'IV')",
    )
    return [*lines, *_effects(analysis), _rma(analysis), "print(res, digits=6)", *_after(analysis)]


def _rma(analysis: MetaAnalysis) -> str:
    settings = analysis.settings
    random = settings.model == "random"
    test = _TESTS[settings.interval] if random or settings.interval == "t" else "z"
    if test == "knha" and settings.adhoc is not None:
        _refuse(
            settings.adhoc != "se", f"rule {settings.adhoc!r} for narrow intervals in metafor (choose settings 'meta')"
        )
        test = "adhoc"
    words = ["yi", "vi", "data=dat", f'method="{_estimator(analysis) if random else "EE"}"', f'test="{test}"']
    words += [f"level={_number(100 * settings.level)}", "slab=study"]
    if analysis.regression is not None:
        first = ["0"] if analysis.regression.intercept is None else []
        words.insert(2, f"mods=~{' + '.join([*first, *_moderators(analysis)])}")
    words += [f"tau2={_number(float(settings.tau2))}"] if random and not isinstance(settings.tau2, str) else []
    words += ["weights=weights"] if analysis.effects.weights is not None else []
    words += ["weighted=FALSE"] if analysis.effects.weights is None and settings.weighting == "equal" else []
    if random and settings.tau2 != "DL":
        words.append(_TIGHT)
    return f"res <- rma({', '.join(words)})"


def _estimator(analysis: MetaAnalysis) -> str:
    """Name the estimator as metafor does; beside a τ² that is given R wants the name of some random-effects model."""
    name = analysis.settings.tau2
    if not isinstance(name, str):
        return "REML"
    known = _RMA.fullmatch(analysis.methods.tau2.r_equivalent or "")
    if known is None:
        msg = f"an R script cannot reproduce this analysis: there is no estimator of tau² that R knows as {name!r}"
        raise CombinationError(msg)
    without = analysis.effects.weights is None and analysis.settings.weighting != "equal"
    _refuse(known["weights"] is not None and without, f"{name} in R without weights of one's own")
    return known["name"]


def _after(analysis: MetaAnalysis) -> list[str]:
    settings = analysis.settings
    if settings.model != "random" or analysis.heterogeneity.df in {None, 0}:
        return []
    made: list[str] = []
    made += _confint(settings)
    if analysis.prediction is not None and settings.prediction is not None:
        kinds = _PREDTYPE[_TESTS[settings.interval]]
        _refuse(
            settings.prediction not in kinds,
            f"prediction interval {settings.prediction!r} beside interval {settings.interval!r} in metafor",
        )
        if kinds[settings.prediction]:
            made.append("# predtype needs metafor 4.0 or later")
        made.append(f"print(predict(res{kinds[settings.prediction]}), digits=6)")
    if settings.interval == "HC":
        made.append("print(hc(res), digits=6)")
    if settings.interval == "permutation":
        drawn = "drawn with seed" in (analysis.model.note or "")
        _refuse(drawn, "sample of permutations in R that is this one (raise the budget)")
        made.append("print(permutest(res, exact=TRUE), digits=6)")
    return made


_CONFINT = {
    "QP": 'confint(res, type="QP")',
    "PL": 'confint(res, type="PL")',
    "Wald": 'confint(res, type="Wald")',
    "Wald.log": 'confint(res, type="Wald.log")',
    "Wald.sqrt": 'confint(res, type="Wald.sqrt")',
    "HT": 'confint(res, type="HT")',
    "GENQ": 'confint(update(res, method="GENQ"))',
    "BJ": 'confint(update(res, method="GENQ", weights=1/vi))',
    "J": 'confint(update(res, method="GENQ", weights=1/sqrt(vi)))',
}


def _confint(settings: Settings) -> list[str]:
    name = settings.tau2_interval
    if name is None:
        return []
    _refuse(name not in _CONFINT, f"the interval {name!r} for tau²")
    _refuse(
        name == "PL" and settings.tau2 not in {"ML", "REML"},
        "a profile likelihood interval beside an estimator of tau² that is not of maximum likelihood",
    )
    needs = "# type HT needs metafor 5.1 or later" if name == "HT" else None
    if name in {"GENQ", "BJ", "J"}:
        needs = "# generalised Q needs the package CompQuadForm"
    return [*([needs] if needs else []), f"print({_CONFINT[name]}, digits=6)"]


def _counts(analysis: MetaAnalysis, call: Call) -> list[str]:
    """Write the counts as analysed, with events and non-events swapped where the settings say so."""
    rows = [i for i, study in enumerate(analysis.studies) if study.included]
    cells, source = analysis.effects.cells, analysis.effects.studies
    columns: Mapping[str, FloatArray] = {}
    if not call.rates and cells is not None:
        raw = cells.raw
        columns = {"events_1": raw.a, "n_1": raw.n_1, "events_2": raw.c, "n_2": raw.n_2}
    elif source is not None:
        columns = {name: source.columns[name] for name in RATES}
    named = [f"{name}={_vector(column, rows)}" for name, column in columns.items()]
    return _data_frame(analysis, rows, named)


def _effects(analysis: MetaAnalysis) -> list[str]:
    rows, effects = list(analysis.effect_rows), analysis.effects
    named = [f"yi={_vector(effects.y, rows)}", f"vi={_vector(effects.v, rows)}"]
    moderators = _moderators(analysis)
    comments = [f"# {name} is {_plain(analysis.terms[j])}" for name, j in moderators.items()]
    if effects.weights is not None:
        named.append(f"weights={_vector(effects.weights, rows)}")
    named += [f"{name}={_vector(analysis.X[:, j], range(len(rows)))}" for name, j in moderators.items()]
    return [*comments, *_data_frame(analysis, rows, named)]


def _moderators(analysis: MetaAnalysis) -> dict[str, int]:
    """Name the columns of the design other than the intercept: name in the script → place."""
    if analysis.regression is None:
        return {}
    places = [j for j in range(len(analysis.terms)) if j != analysis.regression.intercept]
    return {f"x{i}": j for i, j in enumerate(places, start=1)}


def _data_frame(analysis: MetaAnalysis, rows: Sequence[int], columns: Sequence[str]) -> list[str]:
    labels = f"study=c({_texts(analysis.effects.study_id[i] for i in rows)})"
    return ["dat <- data.frame(", "  " + ",\n  ".join([labels, *columns]), ")"]


def _meta(analysis: MetaAnalysis) -> list[str]:
    settings, method = analysis.settings, analysis.methods.pooling.name
    measure = analysis.effects.measure
    tables = analysis.effects.cells is not None and measure in OF_METABIN
    own = analysis.methods.pooling.random == "own"
    random = settings.model == "random"
    _refuse(analysis.is_regression, "script for a meta-regression with the preset 'meta' (choose 'metafor')")
    _refuse(not isinstance(settings.tau2, str), "way to give tau² in this script (choose settings 'metafor')")
    unknown = random and not own and _estimator(analysis) not in _META
    _refuse(unknown, f"estimator {settings.tau2!r} in meta (choose settings 'metafor')")
    own_weights = analysis.effects.weights is not None or settings.weighting == "equal"
    _refuse(own_weights, "script with weights of one's own for meta (choose settings 'metafor')")
    floored = random and settings.adhoc is not None and settings.interval == "HK"
    by_rule = settings.adhoc == "IQWiG6" and settings.prediction in {"HK", "HK-PR"}
    _refuse(floored and by_rule, "prediction interval by IQWiG's rule in meta")
    predicted = settings.prediction is None or settings.prediction in _META_PREDICTIONS
    _refuse(random and not predicted, f"prediction interval that is {settings.prediction!r} in meta")
    _refuse(measure == "PETO" and method != "Peto", "inverse-variance pooling of Peto's odds ratios in meta")
    words = [
        f"common={_truth(not random)}",
        f"random={_truth(random)}",
        *([] if own else [f'method.tau="{_estimator(analysis) if random else "DL"}"']),
        f'method.random.ci="{_META_INTERVALS[settings.interval] if random else "classic"}"',
        f"level.ma={_number(settings.level)}",
        f"level={_number(settings.study_level)}",
        f"prediction={_truth(random and settings.prediction is not None)}",
    ]
    if random and settings.prediction is not None:
        words.append(f'method.predict="{settings.prediction}"')
    if floored:
        words.append(f'adhoc.hakn.ci="{settings.adhoc}"')
        words += ['adhoc.hakn.pi="se"'] if settings.adhoc == "se" else []
    rates = method != "IV" and measure in {"IRR", "IRD"}
    if tables or rates:
        call = meta_call(settings, method, measure, tables=tables)
        if call is None:
            kind = f"{method} pooling with correction {settings.correction!r} and these options in meta"
            raise _no(kind)
        start, data = f"{call.start}, data=dat, studlab=study, ", _counts(analysis, call)
        words = [*call.words, *words]
    else:
        shown = measure if measure in {"MD", "SMD"} else ""
        start, data = f'metagen(yi, sqrt(vi), data=dat, studlab=study, sm="{shown}", ', _effects(analysis)
    return [*data, f"res <- {start}{', '.join(words)})", "print(summary(res), digits=6)"]


def _truth(value: bool) -> str:  # noqa: FBT001 - R's word for it
    return "TRUE" if value else "FALSE"


def _vector(column: FloatArray, rows: Iterable[int]) -> str:
    return f"c({', '.join(_number(float(column[i])) for i in rows)})"


def _plain(text: str) -> str:
    """Keep a comment on its line."""
    return "".join(c if c.isprintable() else " " for c in text)


def _texts(values: Iterable[str]) -> str:
    return ", ".join(f'"{_escaped(value)}"' for value in values)


def _escaped(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    # R takes no NUL in a text; other characters that cannot be printed are written by their numbers.
    return "".join(c if c.isprintable() else "" if c == "\0" else f"\\U{{{ord(c):x}}}" for c in plain)


def _number(value: float) -> str:
    if math.isnan(value):
        return "NA"
    return repr(value) if not value.is_integer() or abs(value) > 2**53 else str(int(value))
