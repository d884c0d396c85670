"""Plugins of other distributions: good, broken, rude and misspelt ones, found as pip would have installed them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import attrs
import pytest

if TYPE_CHECKING:
    from pathlib import Path


@attrs.frozen
class Site:
    """A folder of installed distributions, and a Python that sees them."""

    folder: Path

    def install(self, name: str, module: str | None, entry_points: dict[str, str] | None = None) -> None:
        """Install a distribution of one module; without source the module is not there."""
        module_name = name.replace("-", "_")
        if module is not None:
            (self.folder / f"{module_name}.py").write_text(textwrap.dedent(module))
        info = self.folder / f"{module_name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        lines = [f"{key} = {value}" for key, value in (entry_points or {name: module_name}).items()]
        (info / "entry_points.txt").write_text("[evisynth]\n" + "\n".join(lines) + "\n")

    def run(self, code: str) -> Any:  # noqa: ANN401 - whatever the code prints
        """Run code that prints JSON in a fresh process."""
        path = os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")])
        finished = subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", textwrap.dedent(code)],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("site"))


GOOD = """
    import numpy as np
    from evisynth import FloatArray, Tau2Estimator, hookimpl

    def half(y: FloatArray, v: FloatArray, X: FloatArray) -> FloatArray:
        "Take half the unit."
        return np.full(y.shape[1:], 0.5)

    @hookimpl
    def tau2_estimators() -> list[Tau2Estimator]:
        return [Tau2Estimator({name!r}, half, reference="Nobody (2020), J. Imag. Stat. 1:1")]
"""
HOOK = """
    from evisynth import EffectMeasure, Tau2Estimator, hookimpl

    def half(y, v, X):
        return 0.5

    def record(name="HALF", reference="Nobody (2020)", function=half):
        return Tau2Estimator(name, function, reference=reference)

    @hookimpl
    def {hook}({arguments}):
        {body}
"""


def hook(body: str, name: str = "tau2_estimators", arguments: str = "") -> str:
    return HOOK.format(hook=name, arguments=arguments, body=body)


FAULTY: dict[str, tuple[str | None, str]] = {
    # distribution: (source of its module, what the warning says)
    "absent-module": (None, "ModuleNotFoundError: No module named 'absent_module'"),
    "import-error": ("import a_library_that_nobody_has", "No module named 'a_library_that_nobody_has'"),
    "exits-at-import": ("import sys\nsys.exit('bye')", "SystemExit: bye"),
    "raises-at-import": ("1 / 0", "ZeroDivisionError"),
    "syntax-error": ("def f(:", "SyntaxError"),
    "takes-a-name": (GOOD.format(name="dl"), "Tau2Estimator 'dl' is taken by plugin 'moments' of evisynth"),
    "aaa-takes-a-name": (GOOD.format(name="REML"), "Tau2Estimator 'REML' is taken by plugin 'likelihood' of evisynth"),
    "not-a-list": (hook("return record()"), "returns a list of Tau2Estimator, not Tau2Estimator"),
    "nothing-returned": (hook("pass"), "returns a list of Tau2Estimator, not NoneType"),
    "generator": (hook("yield record()"), "returns a list of Tau2Estimator, not generator"),
    "wrong-kind": (hook("return [record()]", "effect_measures"), "yields EffectMeasure records, not Tau2Estimator"),
    "not-a-record": (hook("return ['HALF']"), "yields Tau2Estimator records, not str"),
    "twice": (hook("return [record(), record('half')]"), "it offers Tau2Estimator 'half' twice"),
    "hook-with-arguments": (hook("return [record()]", arguments="config"), "config"),
    "raising-hook": (hook("raise RuntimeError('not today')"), "RuntimeError: not today"),
    "exiting-hook": (hook("raise SystemExit(3)"), "SystemExit: 3"),
    "name-is-a-number": (hook("return [record(name=5)]"), "name of a record is a text that is not empty, not 5"),
    "no-reference": (hook("return [record(reference=' ')]"), "reference of a record is a text that is not empty"),
    "no-function": (hook("return [record(function='half')]"), "function of a record is a function, not 'half'"),
    "misspelt-hook": (
        hook("return [record()]", "tau2_estimator"),
        "there is no hook 'tau2_estimator' (did you mean 'tau2_estimators'?)",
    ),
    "no-hooks": ("answer = 42", "it offers no methods"),
    "empty-list": (hook("return []"), "it offers no methods"),
}


@pytest.fixture(scope="module")
def seen(site: Site) -> dict[str, Any]:
    """What a fresh process says with all of them installed beside two good ones."""
    site.install("good-plugin", GOOD.format(name="GOOD"))
    site.install("zzz-good-plugin", GOOD.format(name="LAST"))
    for name, (source, _) in FAULTY.items():
        site.install(name, source)
    found: dict[str, Any] = site.run("""
        import json, warnings
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            import evisynth as es
            registry = es.default_registry()
        effects = es.Effects([0.1, 0.5, 0.9], [0.1, 0.2, 0.1])
        try:
            es.fit(effects, tau2="GOOT")
        except es.UnknownMethodError as error:
            unknown = str(error)
        print(json.dumps({
            "warnings": [str(w.message) for w in caught if w.category is es.PluginWarning],
            "other warnings": [str(w.message) for w in caught if w.category is not es.PluginWarning],
            "order": [plugin.distribution for plugin in registry.plugins],
            "broken": [plugin.distribution for plugin in registry.broken],
            "unknown": unknown,
            "good": es.fit(effects, tau2="good").heterogeneity.tau2,
            "last": es.fit(effects, tau2="LAST").heterogeneity.tau2,
            "DL": es.fit(effects, tau2="DL").heterogeneity.tau2,
            "methods": [[m.kind, m.name, p.distribution] for m, p in registry],
        }))
    """)
    return found


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_plugin_is_left_out_with_a_warning_that_names_it_and_the_problem(
    seen: dict[str, Any], name: str
) -> None:
    about = [message for message in seen["warnings"] if f" of {name} 1.2 " in message]
    assert len(about) == 1
    assert f"plugin '{name}" in about[0]
    assert FAULTY[name][1] in about[0]
    assert name in seen["broken"]


@pytest.mark.parametrize("name", FAULTY)
def test_it_is_named_again_when_a_method_is_not_found(seen: dict[str, Any], name: str) -> None:
    assert f" of {name} 1.2 (" in seen["unknown"]


def test_the_error_says_what_there_is(seen: dict[str, Any]) -> None:
    assert seen["unknown"].startswith("no Tau2Estimator named 'GOOT' (did you mean 'GOOD'?); available: REML, ")
    assert "GOOD, LAST; left out because they are broken: " in seen["unknown"]


def test_good_plugins_and_our_own_work_beside_them(seen: dict[str, Any]) -> None:
    assert seen["good"] == seen["last"] == 0.5
    assert seen["DL"] == pytest.approx((3.2 - 2) / 16, rel=1e-12)
    assert ["Tau2Estimator", "GOOD", "good-plugin"] in seen["methods"]
    assert ["Tau2Estimator", "DL", "evisynth"] in seen["methods"]
    assert seen["other warnings"] == []


def test_nothing_of_a_faulty_plugin_is_kept(seen: dict[str, Any]) -> None:
    providers = {distribution for _, _, distribution in seen["methods"]}
    assert {"evisynth", "good-plugin", "zzz-good-plugin"} <= providers
    assert not providers & FAULTY.keys()
    assert not {"HALF", "half"} & {name for _, name, _ in seen["methods"]}


def test_our_own_distribution_comes_first_whatever_the_alphabet_says(seen: dict[str, Any]) -> None:
    own = [place for place, distribution in enumerate(seen["order"]) if distribution == "evisynth"]
    assert own == list(range(len(own)))
    others = seen["order"][len(own) :]
    assert others == sorted(others)
    assert others[0] == "aaa-takes-a-name"


def test_one_distribution_may_hold_several_plugins_of_which_one_is_broken(tmp_path: Path) -> None:
    several = Site(tmp_path)
    several.install("two-in-one", GOOD.format(name="ONE"), {"one": "two_in_one", "two": "two_in_one_missing"})
    names, broken = several.run("""
        import json, warnings
        warnings.simplefilter("ignore")
        import evisynth as es
        registry = es.default_registry()
        names = [m.name for m in registry.all(es.Tau2Estimator)]
        print(json.dumps([names, [str(p) for p in registry.broken]]))
    """)
    assert "ONE" in names
    assert broken == ["'two' of two-in-one 1.2"]


def test_plugins_are_listed_without_loading_anything_at_import(tmp_path: Path) -> None:
    lazy = Site(tmp_path)
    lazy.install("noisy", "raise SystemExit('loaded')")
    assert lazy.run('import json, evisynth; print(json.dumps("fine"))') == "fine"
