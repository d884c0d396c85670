"""The plugin of someone else's under examples/: it keeps the laws, installs as a package and works unwritten."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import evisynth as es
from evisynth.testing import check_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

FOLDER = Path(__file__).parents[2] / "examples" / "third-party-plugin"
USED = """
import json, warnings
warnings.simplefilter("error")
import evisynth as es
effects = es.Effects([-0.9, -1.6, -1.3, -1.4, -0.2], [0.3, 0.2, 0.4, 0.02, 0.05])
analysis = es.fit(effects, tau2="HM")
regression = es.fit(effects, tau2="HM", moderators={"latitude": [44, 55, 42, 52, 13]})
many = es.fit_many({"trial": [1] * 5, "yi": effects.y, "vi": effects.v}, by="trial", tau2="hm")
plugin = es.default_registry().provider(es.default_registry().get(es.Tau2Estimator, "HM"))
print(json.dumps({
    "one": analysis.heterogeneity.tau2,
    "many": float(many["tau2"].iloc[0]),
    "moderators": regression.heterogeneity.tau2,
    "plugin": str(plugin),
    "distributions": sorted({method["distribution"] for method in analysis.provenance["methods"]}),
}))
"""


@pytest.fixture(scope="module")
def hm() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(FOLDER), *sys.path])
        yield importlib.import_module("evisynth_hm")


def test_it_keeps_the_laws_of_its_kind(hm: ModuleType) -> None:
    assert {record.name for record in check_plugin(hm)} == {"HM", "hm"}


def test_the_formula_is_that_of_the_paper(hm: ModuleType) -> None:
    # τ² = Q² / ((2 (k - 1) + Q) c) with c = Σw - Σw²/Σw.
    y, v = np.array([-0.9, -1.6, -1.3, -1.4, -0.2]), np.array([0.3, 0.2, 0.4, 0.02, 0.05])
    w = 1 / v
    q = (w * (y - (w * y).sum() / w.sum()) ** 2).sum()
    expected = q**2 / ((2 * 4 + q) * (w.sum() - (w**2).sum() / w.sum()))
    assert float(hm.hartung_makambi(y, v, np.ones((5, 1)))) == pytest.approx(expected, rel=1e-13)


def test_the_built_ins_do_not_ship_it() -> None:
    own = {method.name for method, plugin in es.default_registry() if plugin.distribution == "evisynth"}
    assert "HM" not in own


def test_it_installs_as_a_package_and_works_unwritten(tmp_path: Path) -> None:
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the package, is absent")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    done = subprocess.run(  # noqa: S603 - pip and a folder of ours
        [*install, "--target", str(tmp_path), str(FOLDER)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    used = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", USED],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert used.returncode == 0, used.stderr
    seen = json.loads(used.stdout)
    assert seen["one"] > 0
    assert seen["many"] == pytest.approx(seen["one"], rel=1e-12)
    assert seen["moderators"] > 0
    assert seen["plugin"] == "'evisynth-hm:hm' of evisynth-hm 1.0.0"
    assert seen["distributions"] == ["evisynth", "evisynth-hm"]
    assert (tmp_path / "evisynth_hm" / "py.typed").is_file()
