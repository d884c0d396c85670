"""Comparison with metafor on this machine: measures of counts, every rule for zero cells, every variance type."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import evisynth as es

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Ask = Callable[..., Any]

CLOSED = 1e-12
ARMS = {"ai": "events_1", "n1i": "n_1", "ci": "events_2", "n2i": "n_2"}
PAIRS = {"ai": "pairs_both", "bi": "pairs_only_1", "ci": "pairs_only_2", "di": "pairs_neither"}
TIMES = {"x1i": "events_1", "t1i": "time_1", "x2i": "events_2", "t2i": "time_2"}
GROUP, RATE = {"xi": "events", "ni": "n"}, {"xi": "events", "ti": "time"}
GENES = {"ai": "genotype_11", "bi": "genotype_12", "ci": "genotype_22"}
NAMES: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(("OR", "RR", "RD", "AS", "PHI", "YUQ", "YUY", "PBIT", "OR2D", "OR2DN", "OR2DL"), ARMS),
    **dict.fromkeys(("MPRD", "MPRR", "MPOR", "MPORC", "MPPETO"), PAIRS),
    **dict.fromkeys(("IRR", "IRD", "IRSD"), TIMES),
    **dict.fromkeys(("PR", "PLN", "PLO", "PAS", "PFT"), GROUP),
    **dict.fromkeys(("IR", "IRLN", "IRS", "IRFT"), RATE),
    "REH": GENES,
}
UNTOUCHED = {"AS", "PHI", "IRSD", "PAS", "PFT", "IRS", "IRFT", "REH"}
"""Measures that nothing is added for, unless R is asked to."""
TYPES = {"RD": ("UB", "AV"), "PR": ("UB", "AV"), "PLN": ("AV",), "PLO": ("AV",), "PHI": ("ST", "CS")}
RULES = [(0.5, "only0", False), (0.25, "all", False), (0.1, "if0all", False), (0.5, "only0", True)]


pytestmark = pytest.mark.live_r


def tables() -> list[dict[str, np.ndarray[Any, Any]]]:
    """Draw tables of counts: with few events and many, zeros among them, one without any."""
    rng = np.random.default_rng(32)
    made: list[dict[str, np.ndarray[Any, Any]]] = []
    for k, least, share in ((12, 0, 0.08), (25, 0, 0.5), (6, 1, 0.3)):
        n = {arm: rng.integers(6, 90, k).astype(float) for arm in ("_1", "_2", "")}
        table = {f"n{arm}": size for arm, size in n.items()}
        for arm, size in n.items():
            table[f"events{arm}"] = np.clip(rng.binomial(size.astype(int), share), least, size - least).astype(float)
            table[f"time{arm}"] = rng.uniform(2.0, 90.0, k).round(1)
        for name in (*PAIRS.values(), *GENES.values()):
            table[name] = np.maximum(rng.integers(0, int(8 / share), k) - 2.0, least)
        made.append(table)
    return made


def requests() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Go through measures, with the words of R and ours."""
    for measure in NAMES:
        for add, to, dropped in RULES if measure not in UNTOUCHED else RULES[:1]:
            if dropped and NAMES[measure] not in (ARMS, TIMES):
                continue
            asked = "" if measure in UNTOUCHED else f", add={add}, to='{to}', drop00={str(dropped).upper()}"
            double = "dropped" if dropped else "by correction"
            yield measure, asked, {"increment": add, "increment_to": to, "double_zeros": double}
        for vtype in TYPES.get(measure, ()):
            yield measure, f", vtype='{vtype}'", {"vtype": vtype}


def as_r(values: np.ndarray[Any, Any]) -> str:
    return f"c({', '.join(repr(float(value)) for value in values)})"


def test_effects_of_escalc(ask_r: Ask) -> None:
    sets, lines = tables(), ["out <- list()"]
    for table in sets:
        for measure, asked, _ in requests():
            given = ", ".join(f"{name}={as_r(table[column])}" for name, column in NAMES[measure].items())
            call = f"escalc(measure='{measure}', {given}{asked}, append=FALSE)"
            lines.append(f"r <- suppressWarnings({call})")
            lines.append("out[[length(out) + 1]] <- list(y=as.numeric(r$yi), v=as.numeric(r$vi))")
    answers = iter(ask_r("\n".join(lines)))
    compared = 0
    for table in sets:
        for measure, asked, words in requests():
            studies = es.Studies(
                columns={column: table[column] for column in NAMES[measure].values()},
                study=tuple(map(str, range(len(table["n"])))),
            )
            found, truth = es.effects(studies, measure, settings="metafor", **words), next(answers)
            y, v = (np.array([math.nan if x is None else x for x in truth[name]], dtype=float) for name in "yv")
            # What has no variance can carry no weight, and has a reason here.
            gone = ~(v > 0)
            np.testing.assert_array_equal(np.isnan(found.y), gone | np.isnan(y), err_msg=f"{measure}{asked}")
            np.testing.assert_allclose(found.y[~gone], y[~gone], rtol=CLOSED, atol=1e-15, err_msg=f"{measure}{asked}")
            np.testing.assert_allclose(found.v[~gone], v[~gone], rtol=CLOSED, err_msg=f"{measure}{asked}")
            compared += 1
    assert compared == len(sets) * len(list(requests())) == 270
