"""Comparison with metafor on this machine: measures of means, with every variance type, on data made here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es
from evisynth_validation.mpmath.exact import exact, nearest
from evisynth_validation.mpmath.means import EFFECTS

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[..., Any]

CLOSED = 1e-12
ARMS = {"m1i": "mean_1", "sd1i": "sd_1", "n1i": "n_1", "m2i": "mean_2", "sd2i": "sd_2", "n2i": "n_2"}
GROUP = {"mi": "mean", "sdi": "sd", "ni": "n"}
CALLS = [
    *(("MD", vtype) for vtype in ("LS", "UB", "HO")),
    *((measure, vtype) for measure in ("SMD", "SMD1") for vtype in ("LS", "LS2", "UB", "AV")),
    *(("ROM", vtype) for vtype in ("LS", "HO", "AV", "AVHO")),
    *(("RPB", vtype) for vtype in ("ST", "CS", "LS")),
    *((measure, "LS") for measure in ("VR", "RBIS", "D2ORN", "D2ORL", "MN", "SMN", "MNLN", "SDLN", "CVLN")),
]


pytestmark = pytest.mark.live_r


def tables() -> list[dict[str, np.ndarray[Any, Any]]]:
    """Draw tables of groups: of all sizes, some equal in mean, one row without a standard deviation."""
    rng = np.random.default_rng(31)
    made: list[dict[str, np.ndarray[Any, Any]]] = []
    for k, most in ((3, 12), (12, 400), (30, 90)):
        table = {
            **{f"mean_{arm}": rng.uniform(5.0, 60.0, k).round(1) for arm in "12"},
            **{f"sd_{arm}": rng.uniform(2.0, 30.0, k).round(2) for arm in "12"},
            **{f"n_{arm}": rng.integers(4, most, k).astype(float) for arm in "12"},
        }
        table["mean_2"][0] = table["mean_1"][0]
        table["sd_2"][1] = math.nan if k == 12 else table["sd_2"][1]
        made.append({**table, "mean": table["mean_1"], "sd": table["sd_2"], "n": table["n_2"]})
    return made


def as_r(values: np.ndarray[Any, Any]) -> str:
    return f"c({', '.join('NA' if math.isnan(value) else repr(float(value)) for value in values)})"


def test_effects_of_escalc(ask_r: Ask) -> None:
    sets = tables()
    data = ",\n".join(
        f"data.frame({', '.join(f'{name}={as_r(values)}' for name, values in table.items())})" for table in sets
    )
    calls: list[str] = []
    for measure, vtype in CALLS:
        names = GROUP if measure in {"MN", "SMN", "MNLN", "SDLN", "CVLN"} else ARMS
        words = ", ".join(f"{argument}={name}" for argument, name in names.items())
        calls.append(
            f'lapply(sets, function(d) {{ r <- suppressWarnings(escalc("{measure}", {words}, data=d, vtype="{vtype}"));'
            " list(y=as.numeric(r$yi), v=as.numeric(r$vi)) })"
        )
    truths = ask_r(f"sets <- list({data})", f"list({', '.join(calls)})")
    compared = 0
    for (measure, vtype), answers in zip(CALLS, truths, strict=True):
        for table, truth in zip(sets, answers, strict=True):
            # metafor 3.8 does not correct the logarithm of a ratio of means; later versions do.
            made = es.effects(dict(table), measure, settings="metafor", vtype=vtype, rom_correction="none")
            for i, (y, v) in enumerate(zip(truth["y"], truth["v"], strict=True)):
                where = (measure, vtype, i)
                if y is None or v is None or (np.isnan(table["sd_2"][i]) and vtype in {"AV", "AVHO"}):
                    # Where the mean coefficient of variation stands in for a study's own, R measures ROM of studies
                    # that lack an SD; here a missing column is a reason in every measure.
                    assert made.reasons[i] in {"missing sd_2", "missing sd"}, where
                    continue
                assert abs(made.y[i] - y) <= CLOSED * abs(y), (*where, made.y[i], y)
                # What is left of 1 - (m - 2)/(m J²) has lost m times the rounding of R's J.
                tolerance = CLOSED * (
                    1 if vtype != "UB" or measure == "MD" else float(table["n_1"][i] + table["n_2"][i])
                )
                assert abs(made.v[i] - v) <= tolerance * v, (*where, made.v[i], v)
                if vtype == "UB" and measure != "MD":
                    row = [exact(float(table[name][i])) for name in ARMS.values()]
                    assert made.v[i] == pytest.approx(nearest(EFFECTS[measure](row, vtype)[1]), rel=1e-15)
                compared += 1
    assert compared == len(CALLS) * 45 - _missing(sets)


def _missing(sets: list[dict[str, np.ndarray[Any, Any]]]) -> int:
    gaps = sum(int(np.isnan(table["sd_2"]).sum()) for table in sets)
    # No measure is a matter of means alone: a gap in an SD takes the row away in each.
    return gaps * len(CALLS)
