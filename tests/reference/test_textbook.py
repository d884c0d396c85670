"""Thirteen published data sets in RevMan's and meta's conventions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Error = Callable[[float, float], float]

COLUMNS = {
    "a": "events_1",
    "n1": "n_1",
    "c": "events_2",
    "n2": "n_2",
    "m1": "mean_1",
    "sd1": "sd_1",
    "m2": "mean_2",
    "sd2": "sd_2",
}
METHODS = {"M-H": "MH", "IV": "IV", "Peto": "Peto"}
TOLERANCE = 1e-9
# What the columns were made with where it is not meta's default: exact.smd=FALSE, and RR.Cochrane=TRUE.
NOT_DEFAULT: dict[str, dict[str, Any]] = {
    "SMD": {"smd_correction": "approximate", "smd_variance": "revman"},
    "RR": {"correction": "revman"},
}


@pytest.fixture(scope="module")
def cases(shared_reference: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((shared_reference / "textbook_cases.json").read_text())
    assert len(loaded) == 13
    return loaded


def studies_of(case: Mapping[str, Any], make_studies: Callable[..., es.Studies]) -> es.Studies:
    rows = case["rows"]
    columns = {name: [row[key] for row in rows] for key, name in COLUMNS.items() if key in rows[0]}
    return make_studies([row["study"] for row in rows], **columns)


def differences(analysis: es.MetaAnalysis, truth: Mapping[str, float], error: Error) -> dict[str, float]:
    pooled, shown, spread = analysis.pooled, analysis.display, analysis.heterogeneity
    assert pooled is not None
    assert shown is not None
    found = {
        "est": shown.value,
        "estimate": shown.value,
        "lo": shown.ci_low,
        "ci_low": shown.ci_low,
        "hi": shown.ci_high,
        "ci_high": shown.ci_high,
        "z": pooled.statistic,
        "p": pooled.p_value,
        "Q": spread.q,
        "df": spread.df,
        "p_het": spread.p_value,
        "I2": spread.i2,
        "tau2": spread.tau2,
    }
    assert set(truth) <= set(found)
    made: dict[str, float] = {}
    for name, value in truth.items():
        number = found[name]
        assert number is not None
        made[name] = error(number, value)
    return made


def test_revman5(cases: list[dict[str, Any]], make_studies: Callable[..., es.Studies], relative_error: Error) -> None:
    compared = 0
    for case in cases:
        studies = studies_of(case, make_studies)
        for label, truth in case["revman5"].items():
            words = label.split()
            method = METHODS[words[0]]
            analysis = es.fit(
                studies,
                measure="PETO" if method == "Peto" else case["measure"],
                method=method,
                model=words[1] if len(words) > 1 else "fixed",
                settings="revman5",
            )
            far = {name: by for name, by in differences(analysis, truth, relative_error).items() if by > TOLERANCE}
            assert not far, (case["id"], label, far)
            compared += 1
    assert compared == 51


def test_meta(cases: list[dict[str, Any]], make_studies: Callable[..., es.Studies], relative_error: Error) -> None:
    compared = 0
    for case in cases:
        studies = studies_of(case, make_studies)
        rounding = NOT_DEFAULT.get(case["measure"], {})
        for method in METHODS.values():
            if method not in case:
                continue
            for model in ("common", "random"):
                analysis = es.fit(
                    studies,
                    measure="PETO" if method == "Peto" else case["measure"],
                    method=method,
                    model=model,
                    tau2="DL",
                    settings="meta",
                    **rounding,
                )
                truth = {**case[method][model], **{name: case[method][name] for name in ("Q", "df", "p_het", "I2")}}
                far = {name: by for name, by in differences(analysis, truth, relative_error).items() if by > TOLERANCE}
                assert not far, (case["id"], method, model, far)
                compared += 1
    assert compared == 56


def test_modern_columns(cases: list[dict[str, Any]], make_studies: Callable[..., es.Studies]) -> None:
    """REML, Hartung–Knapp and prediction, made with metafor's default stopping rule: good to about 1e-5."""
    for case in cases:
        studies = studies_of(case, make_studies)
        modern = case["modern"]
        rounding = NOT_DEFAULT.get(case["measure"], {})
        words: dict[str, Any] = {"measure": case["measure"], "method": "IV", "settings": "meta", **rounding}
        wald = es.fit(studies, **words)
        knapp = es.fit(studies, interval="HK", **words)
        spread = wald.heterogeneity
        assert spread.tau2 == pytest.approx(modern["tau2_REML"], abs=6e-5, rel=1e-4)
        assert wald.display is not None
        assert wald.display.ci_low == pytest.approx(modern["wald"]["lo"], rel=2e-3, abs=1e-4)
        assert knapp.display is not None
        assert knapp.display.ci_low == pytest.approx(modern["hksj"]["lo"], rel=2e-3, abs=1e-4)
        assert knapp.model.prediction_display is not None
        assert knapp.model.prediction_display.low == pytest.approx(modern["pi_default"]["lo"], rel=2e-3, abs=2e-4)
        low, high = modern["tau2_QP"]
        if high == 0:
            assert spread.tau2_ci_high is None
            continue
        assert spread.tau2_ci_low == pytest.approx(low, abs=1e-4, rel=1e-3)
        assert spread.tau2_ci_high == pytest.approx(high, abs=1e-4, rel=1e-3)
