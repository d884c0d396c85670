"""Registries that are passed in, errors inside a plugin's function, and the promises of our own plugins."""

# ruff: noqa: ANN401, ARG001, ARG005 - functions that stand in for plugins take what the hook gives and need no types

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth import hookspecs
from evisynth.records import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    Estimator = Callable[[Any, Any, Any], Any]

ROOT = Path(__file__).parents[2]
REFERENCE = "Nobody (2020), J. Imag. Stat. 1:1"
EFFECTS = es.Effects([0.1, 0.5, 0.9, 0.2], [0.1, 0.2, 0.1, 0.3])
BUILT_IN = list(es.default_registry())


def plugin(hook: str, *records: es.Method) -> object:
    def implementation() -> list[es.Method]:
        return list(records)

    return SimpleNamespace(**{hook: es.hookimpl(implementation)})


def registry_with(function: Estimator, name: str = "NEW") -> es.Registry:
    registry = es.Registry()
    registry.register(plugin("tau2_estimators", es.Tau2Estimator(name, function, reference=REFERENCE)), "of-mine")
    assert not registry.broken
    return registry


# -- registries that are passed in ------------------------------------------------------------------------------------


def test_a_registry_can_be_passed_to_every_verb() -> None:
    registry = registry_with(lambda y, v, X: np.full(y.shape[1:], 0.25))
    analysis = es.fit(EFFECTS, tau2="new", registry=registry)
    assert analysis.heterogeneity.tau2 == 0.25
    assert analysis.settings.tau2 == "NEW"
    many = es.fit_many({"g": [1, 1], "yi": [0.1, 0.2], "vi": [0.1, 0.1]}, by="g", tau2="NEW", registry=registry)
    assert many["tau2"].tolist() == [0.25]
    # Sensitivity analyses keep the registry of the analysis.
    assert es.leave_one_out(analysis).analyses[0].heterogeneity.tau2 == 0.25
    assert es.bias(analysis, "trim-and-fill", side="left").analysis is not None
    assert es.bias(analysis, variant="mixed").p_value is not None


def test_nothing_is_global_but_the_default() -> None:
    registry_with(lambda y, v, X: np.zeros(y.shape[1:]))
    with pytest.raises(es.UnknownMethodError, match="no Tau2Estimator named 'NEW'"):
        es.fit(EFFECTS, tau2="NEW")
    assert es.default_registry() is es.default_registry()


def test_an_empty_registry_is_empty() -> None:
    registry = es.Registry(load=False)
    assert list(registry) == []
    with pytest.raises(es.UnknownMethodError, match="available: none"):
        registry.get(es.Tau2Estimator, "DL")


def test_names_are_compared_without_regard_to_case() -> None:
    registry = es.default_registry()
    assert registry.get(es.Tau2Estimator, "reml") is registry.get(es.Tau2Estimator, "REML")


def test_the_same_name_may_be_used_by_different_kinds() -> None:
    registry = es.default_registry()
    assert registry.get(es.IntervalMethod, "HK").kind != registry.get(es.PredictionInterval, "HK").kind


def test_a_plugin_registered_by_hand_that_is_rude_is_left_out() -> None:
    registry = es.Registry()
    rude = plugin(
        "tau2_estimators",
        es.Tau2Estimator("PM", es.default_registry().get(es.Tau2Estimator, "DL").function, reference=REFERENCE),
    )
    with pytest.warns(es.PluginWarning, match=r"plugin 'rude' .* is taken by plugin 'moments' of evisynth"):
        registry.register(rude, "rude")
    assert [found.name for found in registry.broken] == ["rude"]
    assert registry.provider(registry.get(es.Tau2Estimator, "PM")).name == "moments"


def test_a_name_of_a_method_that_is_not_a_text_is_not_found() -> None:
    with pytest.raises(es.UnknownMethodError, match="no Tau2Estimator named '5'"):
        es.default_registry().get(es.Tau2Estimator, 5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a caller without types


# -- what goes wrong inside a plugin's function -----------------------------------------------------------------------


FAILING: dict[str, tuple[Estimator, str]] = {
    "raises": (lambda y, v, X: 1 / 0, "ZeroDivisionError: division by zero"),
    "NaN": (lambda y, v, X: np.full(y.shape[1:], np.nan), "gave a tau² that is not finite"),
    "infinite": (lambda y, v, X: np.full(y.shape[1:], np.inf), "gave a tau² that is not finite"),
    "shape": (lambda y, v, X: np.zeros(3), r"gave tau² of shape \(3,\) for effects of shape \(4,\)"),
    "writes into its input": (lambda y, v, X: y.fill(0.0), "failed: "),
}


@pytest.mark.parametrize("case", FAILING)
def test_it_is_a_plugin_error_with_plugin_method_and_input(case: str) -> None:
    function, says = FAILING[case]
    with pytest.raises(es.PluginError, match=says) as caught:
        es.fit(EFFECTS, tau2="NEW", registry=registry_with(function))
    assert "Tau2Estimator 'NEW'" in str(caught.value)
    assert "'of-mine'" in str(caught.value)


def test_the_input_is_shown_where_a_function_raises() -> None:
    with pytest.raises(es.PluginError, match=r"input: array \(4,\) \[0\.1, 0\.5, 0\.9, 0\.2\]"):
        es.fit(EFFECTS, tau2="NEW", registry=registry_with(lambda y, v, X: 1 / 0))


def test_an_error_of_ours_passes_through() -> None:
    def refuse(y: Any, v: Any, X: Any) -> Any:
        msg = "not for these"
        raise es.CombinationError(msg)

    with pytest.raises(es.CombinationError, match="not for these"):
        es.fit(EFFECTS, tau2="NEW", registry=registry_with(refuse))


def test_a_negative_answer_is_truncated_and_a_single_study_never_asked() -> None:
    registry = registry_with(lambda y, v, X: np.full(y.shape[1:], -1.0))
    assert es.fit(EFFECTS, tau2="NEW", registry=registry).heterogeneity.tau2 == 0.0
    alone = registry_with(lambda y, v, X: 1 / 0)
    assert es.fit(es.Effects([0.1], [0.1]), tau2="NEW", registry=alone).heterogeneity.tau2 is None


# -- our own plugins --------------------------------------------------------------------------------------------------


def test_all_of_our_own_plugins_are_in_use() -> None:
    assert [str(found) for found in es.default_registry().broken if found.distribution == "evisynth"] == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.hook)
def test_every_hook_has_a_record(kind: type[es.Method]) -> None:
    assert es.default_registry().all(kind)


def test_every_kind_has_a_hook_of_its_own() -> None:
    hooks = {name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), "evisynth_spec")}
    assert hooks == {kind.hook for kind in KINDS}


@pytest.mark.parametrize(("method", "_"), BUILT_IN, ids=lambda item: getattr(item, "name", ""))
def test_every_record_cites_a_source_with_a_year(method: es.Method, _: object) -> None:
    assert re.search(r"\b(1[89]|20)\d\d\b", method.reference), method.reference
    assert method.summary.endswith(".")


def sources() -> list[Path]:
    return sorted((ROOT / "plugins").glob("*/*/*.py"))


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.stem)
def test_our_own_plugins_import_only_what_a_third_party_may(path: Path) -> None:
    assert sources()
    own = path.parent.name
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            top = name.partition(".")[0]
            assert name == "evisynth" or not top.startswith("evisynth") or top == own, f"{name}, line {node.lineno}"
            assert getattr(node, "level", 0) == 0


def test_a_fit_does_not_import_the_conformance_kit() -> None:
    code = (
        "import sys, evisynth as es; es.fit(es.Effects([0.1, 0.2], [0.1, 0.1])); "
        "sys.exit(any(name.startswith('evisynth.testing') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own interpreter


def test_the_conformance_kit_needs_no_test_library() -> None:
    code = (
        "import sys, evisynth.testing; "
        "sys.exit(any(name in sys.modules for name in ('pytest', 'hypothesis', 'mpmath', 'pandas', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own interpreter
