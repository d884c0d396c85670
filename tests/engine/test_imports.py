"""The import stays light, and a plain fit stays off scipy's heavy parts."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "scipy",
    "pandas",
    "matplotlib",
    "narwhals",
    "rich",
    "click",
    "cattrs",
    "evisynth.testing",
    "evisynth_estimators",
)


def modules_after(code: str) -> set[str]:
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("heavy", HEAVY)
def test_import_holds_nothing_heavy(heavy: str) -> None:
    assert heavy not in modules_after("import evisynth")


@pytest.mark.parametrize(
    "heavy", ["scipy.stats", "scipy.optimize", "scipy.linalg", "pandas", "matplotlib", "evisynth.testing"]
)
def test_plain_fit_imports_quantiles_only(heavy: str) -> None:
    code = (
        "import evisynth as es\n"
        "a = es.fit(es.Effects([0.1, 0.5, 0.9], [0.1, 0.2, 0.1]), tau2='REML', interval='HK', tau2_interval='QP')\n"
        "a.pooled, a.heterogeneity, a.prediction, a.studies, a.weights"
    )
    found = modules_after(code)
    assert "scipy.special" in found
    assert heavy not in found
