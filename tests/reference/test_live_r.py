"""Comparison with metafor on this machine, on data made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth.validation.r_session import RError

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[..., Any]

pytestmark = pytest.mark.live_r


def as_r(values: np.ndarray[Any, Any]) -> str:
    return f"c({', '.join(repr(float(value)) for value in values)})"


def effect_sets() -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    rng = np.random.default_rng(20)
    made: list[Any] = []
    for k in (2, 3, 5, 13, 40):
        for tau in (0.0, 0.4, 2.0):
            v = rng.uniform(0.02, 0.8, size=k)
            made.append((rng.normal(0.3, np.sqrt(tau**2 + v)), v))
    return made


def tables() -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(21)
    made: list[Any] = []
    for k in (2, 4, 9, 25):
        for risk in (0.02, 0.3):
            n_1, n_2 = rng.integers(5, 80, size=k), rng.integers(5, 80, size=k)
            made.append(np.array([rng.binomial(n_1, risk), n_1, rng.binomial(n_2, risk * 1.4), n_2], dtype=float))
    return made


@pytest.mark.parametrize("estimator", ["DL", "REML", "PM"])
@pytest.mark.parametrize("test", ["z", "knha"])
def test_random_effects(estimator: str, test: str, ask_r: Ask) -> None:
    sets = effect_sets()
    control = "control=list(threshold=1e-12, tol=1e-14, maxiter=10000)" if estimator != "DL" else "control=list()"
    calls = ",".join(f"list(y={as_r(y)}, v={as_r(v)})" for y, v in sets)
    script = f"""
    sets <- list({calls})
    out <- lapply(sets, function(s) {{
      r <- rma(s$y, s$v, method="{estimator}", test="{test}", {control})
      p <- predict(r)
      q <- tryCatch(confint(r, control=list(tol=1e-14, maxiter=10000))$random["tau^2",],
                    error=function(e) c(NA, NA, NA))
      list(beta=r$beta[1], se=r$se, p=r$pval, lo=r$ci.lb, hi=r$ci.ub, tau2=r$tau2, se_tau2=r$se.tau2,
           I2=r$I2, H2=r$H2, Q=r$QE, Qp=r$QEp, pi=c(p$pi.lb, p$pi.ub), qp=as.numeric(q))
    }})
    """
    tolerance = 1e-11 if estimator == "DL" else 1e-7
    for (y, v), truth in zip(sets, ask_r(script), strict=True):
        analysis = es.fit(
            es.Effects(y, v), tau2=estimator, interval="HK" if test == "knha" else "Wald", settings="metafor"
        )
        pooled, spread = analysis.pooled, analysis.heterogeneity
        assert pooled is not None
        found = {
            "beta": pooled.value,
            "se": pooled.se,
            "p": pooled.p_value,
            "lo": pooled.ci_low,
            "hi": pooled.ci_high,
            "tau2": spread.tau2,
            "se_tau2": spread.tau2_se,
            "I2": spread.i2,
            "H2": spread.h2,
            "Q": spread.q,
            "Qp": spread.p_value,
        }
        for name, value in found.items():
            assert value == pytest.approx(truth[name], rel=tolerance, abs=1e-10), (len(y), name)
        if analysis.prediction is not None:
            assert (analysis.prediction.low, analysis.prediction.high) == pytest.approx(
                tuple(truth["pi"]), rel=tolerance, abs=1e-9
            )
        if spread.tau2_ci_low is not None and truth["qp"][2] is not None:
            assert spread.tau2_ci_low == pytest.approx(truth["qp"][1], rel=1e-6, abs=1e-7)
            if truth["qp"][2] < 99:  # metafor looks no farther than 100
                assert spread.tau2_ci_high == pytest.approx(truth["qp"][2], rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "PETO"])
def test_tables(measure: str, ask_r: Ask, make_studies: Any) -> None:  # noqa: ANN401 - a fixture
    sets = tables()
    names = ("ai", "n1i", "ci", "n2i")
    calls = ",".join(
        f"list({', '.join(f'{n}={as_r(x)}' for n, x in zip(names, columns, strict=True))})" for columns in sets
    )
    call = "rma.peto(ai=s$ai, n1i=s$n1i, ci=s$ci, n2i=s$n2i)"
    if measure != "PETO":
        call = f'rma.mh(measure="{measure}", ai=s$ai, n1i=s$n1i, ci=s$ci, n2i=s$n2i)'
    script = f"""
    sets <- list({calls})
    out <- lapply(sets, function(s) suppressWarnings({{
      e <- escalc(measure="{measure}", ai=s$ai, n1i=s$n1i, ci=s$ci, n2i=s$n2i)
      r <- {call}
      list(yi=as.numeric(e$yi), vi=as.numeric(e$vi), beta=r$beta[1], se=r$se, Q=r$QE, I2=r$I2, H2=r$H2)
    }}))
    """
    for columns, truth in zip(sets, ask_r(script), strict=True):
        studies: es.Studies = make_studies(events_1=columns[0], n_1=columns[1], events_2=columns[2], n_2=columns[3])
        effects = es.effects(studies, measure=measure, settings="metafor")
        assert effects.y.tolist() == pytest.approx(truth["yi"], rel=1e-12, abs=1e-14)
        assert effects.v.tolist() == pytest.approx(truth["vi"], rel=1e-12)
        analysis = es.fit(studies, measure=measure, method="Peto" if measure == "PETO" else "MH", settings="metafor")
        assert analysis.pooled is not None
        assert analysis.pooled.value == pytest.approx(truth["beta"], rel=1e-11, abs=1e-13)
        assert analysis.pooled.se == pytest.approx(truth["se"], rel=1e-11)
        assert analysis.heterogeneity.q == pytest.approx(truth["Q"], rel=1e-10, abs=1e-12)


def test_a_script_of_ours_gives_our_numbers(ask_r: Ask, make_studies: Any) -> None:  # noqa: ANN401 - a fixture
    columns = tables()[5]
    studies: es.Studies = make_studies(
        ['quote " and \\ backslash', *(f"S{i}" for i in range(columns.shape[1] - 1))],
        events_1=columns[0],
        n_1=columns[1],
        events_2=columns[2],
        n_2=columns[3],
        time_1=10.5 * columns[1],
        time_2=9.25 * columns[3],
        r=np.linspace(-0.5, 0.75, columns.shape[1]),
        n=columns[1] + columns[3],
    )
    requests: list[dict[str, Any]] = [
        {"measure": "RR", "settings": "metafor"},
        {"measure": "OR", "settings": "metafor", "method": "MH"},
        {"measure": "PETO", "settings": "metafor", "method": "Peto"},
        {"measure": "RD", "settings": "revman-web", "method": "IV", "tau2": "DL"},
        {"measure": "RR", "settings": "revman5", "method": "IV", "model": "common"},
        *(
            {"measure": measure, "settings": "metafor", "method": "MH", **words}
            for measure in ("OR", "RR", "RD")
            for words in (
                {"mh_increment": "added"},
                {"mh_increment": "added", "increment_to": "if0all", "increment": 0.1},
                {"double_zeros": "kept"},
                {"double_zeros": "dropped", "increment_to": "all"},
            )
        ),
        {"measure": "IRR", "settings": "metafor", "method": "MH"},
        {"measure": "IRD", "settings": "metafor", "method": "MH"},
        *({"measure": measure, "settings": "metafor"} for measure in ("ZCOR", "IRSD", "AS", "YUQ", "COR", "VE")),
    ]
    for words in requests:
        analysis = es.fit(studies, **words)
        truth = ask_r(analysis.to_r(), "list(beta=res$beta[1], se=res$se, tau2=res$tau2)")
        assert analysis.pooled is not None
        assert analysis.pooled.value == pytest.approx(truth["beta"], rel=1e-7)
        assert analysis.pooled.se == pytest.approx(truth["se"], rel=1e-7)


def founding() -> list[tuple[str, es.MetaAnalysis]]:
    from evisynth_validation.founding.repeating import compare_analysis, expected  # noqa: PLC0415 - beside its use

    held = expected()
    made = ((entry["id"], compare_analysis(entry, held["papers"]).analysis) for entry in held["analyses"])
    return [(name, analysis) for name, analysis in made if analysis is not None]


@pytest.mark.parametrize(("name", "analysis"), founding())
def test_the_scripts_of_the_founding_analyses_give_their_numbers(
    name: str, analysis: es.MetaAnalysis, ask_r: Ask
) -> None:
    truth = ask_r(analysis.to_r(), "list(beta=res$beta[1], se=res$se[1], Q=res$QE, tau2=res$tau2[1])")
    assert analysis.pooled is not None, name
    assert analysis.pooled.value == pytest.approx(truth["beta"], rel=1e-12, abs=1e-14)
    assert analysis.pooled.se == pytest.approx(truth["se"], rel=1e-12)
    assert analysis.heterogeneity.q == pytest.approx(truth["Q"], rel=1e-11, abs=1e-12)
    if analysis.settings.model == "random":
        assert analysis.heterogeneity.tau2 == pytest.approx(truth["tau2"], rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize("model", ["common", "random"])
@pytest.mark.parametrize("settings", ["revman5", "metafor"])
def test_scripts_have_the_subgroups_and_their_test(
    measure: str,
    model: str,
    settings: str,
    ask_r: Ask,
    make_studies: Any,  # noqa: ANN401 - a fixture
) -> None:
    columns = tables()[5]
    k = columns.shape[1]
    studies: es.Studies = make_studies(
        [f"S{i}" for i in range(k)], events_1=columns[0], n_1=columns[1], events_2=columns[2], n_2=columns[3]
    )
    method = "MH" if settings == "revman5" else "IV"
    by = [("old", "new", "x\nsystem('id')")[i % 3] for i in range(k)]
    analysis = es.fit(studies, measure, model=model, settings=settings, method=method, by=by)
    test = analysis.subgroup_test
    assert test is not None
    # The script stops where R's numbers are not ours.
    truth = ask_r(analysis.to_r(), "list(QM=QM, betas=b, out=theirs)")
    assert test.q == pytest.approx(truth["QM"], rel=1e-7)
    ours = [group.pooled.value for group in analysis.subgroups if group.pooled is not None]
    assert ours == pytest.approx(truth["betas"], rel=1e-7, abs=1e-10)


def test_a_script_stops_where_r_has_other_numbers(ask_r: Ask, make_studies: Any) -> None:  # noqa: ANN401 - a fixture
    columns = tables()[5]
    studies: es.Studies = make_studies(
        [f"S{i}" for i in range(columns.shape[1])],
        events_1=columns[0],
        n_1=columns[1],
        events_2=columns[2],
        n_2=columns[3],
    )
    script = es.fit(studies, "OR", settings="metafor").to_r()
    wrong = script.replace("yi=c(", "yi=1.001*c(", 1)
    assert wrong != script
    with pytest.raises(RError, match="is not TRUE"):
        ask_r(wrong, "res$beta[1]")
