"""The founding reviews' figures, at the digits printed and at full precision."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER = files("evisynth_validation") / "founding"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
ANALYSES = {case["id"]: case for case in EXPECTED["analyses"]}


def fitted(case: dict[str, Any]) -> es.MetaAnalysis:
    with as_file(FOLDER / case["file"]) as path:
        return es.fit(path, exclude=case["exclude"], **case["settings"])


def printed(value: float, like: str) -> str:
    """Round as the published figure is rounded."""
    return str(Decimal(value).quantize(Decimal(like), rounding=ROUND_HALF_UP))


def figures(analysis: es.MetaAnalysis) -> dict[str, float]:
    shown, pooled, spread = analysis.display, analysis.pooled, analysis.heterogeneity
    assert shown is not None
    assert pooled is not None
    # The published k counts the studies shown: those that cannot be estimated, but not those left out.
    found: dict[str, float | None] = {
        "estimate": shown.value,
        "ci_low": shown.ci_low,
        "ci_high": shown.ci_high,
        "p_effect": pooled.p_value,
        "p_het": spread.p_value,
        "i2": spread.i2,
        "k": sum(study.reason != es.LEFT_OUT for study in analysis.studies),
        "events_1": analysis.events["arm_1"],
        "n_1": analysis.participants["arm_1"],
        "events_2": analysis.events["arm_2"],
        "n_2": analysis.participants["arm_2"],
        "n": analysis.participants["total"],
    }
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize("name", [name for name, case in ANALYSES.items() if "estimate" in case["published"]])
def test_printed_figures(name: str) -> None:
    case = ANALYSES[name]
    found = figures(fitted(case))
    published = case["published"]
    assert {key: printed(found[key], text) for key, text in published.items()} == published


def test_single_study_of_h7n9() -> None:
    (case,) = [case for case in ANALYSES.values() if "survival_1_percent" in case["published"]]
    analysis = fitted(case)
    assert analysis.k == 1
    assert analysis.display is not None
    assert analysis.display.value == pytest.approx((3 / 17) / (24 / 44), rel=1e-14)
    for arm in ("1", "2"):
        died = analysis.events[f"arm_{arm}"]
        given = analysis.participants[f"arm_{arm}"]
        assert died is not None
        assert given is not None
        text = case["published"][f"survival_{arm}_percent"]
        assert printed(100 * (1 - died / given), text) == text


def test_every_figure_with_data_is_there() -> None:
    wanted = {"S002-F3", "S002-F7A", "S002-F7B", "S002-F7C", "S002-F5A", "S002-F5B"}
    wanted |= {f"S000-{name}" for name in ("F2A", "F2B", "S1A", "S1B", "S2A", "S2B", "S3A", "S3B", "F5A", "F5B")}
    assert wanted <= ANALYSES.keys()


def test_sample_size() -> None:
    (line,) = EXPECTED["sample_sizes"]
    given = line["inputs"]
    size = es.sample_size(p1=given["p_1"], p2=given["p_2"], alpha=given["alpha"], power=given["power"])
    assert str(size.per_group) == line["published"]["n_per_group"]
    assert size.exact == pytest.approx(198.96341328433107, rel=1e-14)


def test_full_precision(shared_reference: Path, relative_error: Callable[[float, float], float]) -> None:
    seeds = {case["id"]: case for case in json.loads((shared_reference / "seed_cases.json").read_text())}
    compared = 0
    for name, case in ANALYSES.items():
        known = seeds.get(name, {}).get("reproduced", {})
        if "z" not in known:
            continue
        analysis = fitted(case)
        assert analysis.display is not None
        assert analysis.pooled is not None
        assert analysis.heterogeneity.q is not None
        assert relative_error(analysis.display.value, known["est"]) < 1e-13
        assert relative_error(analysis.pooled.se, known["se"]) < 1e-13
        assert relative_error(analysis.heterogeneity.q, known["Q"]) < 1e-13
        compared += 1
    assert compared == 16
