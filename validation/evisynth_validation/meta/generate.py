"""Take what R's packages meta and metasens give on published data sets from a recording of their results.

::

    python -m evisynth_validation.meta.generate RECORD [--check]

``RECORD`` is a gzipped JSON file of calls, inputs and outputs. The packages cannot be installed everywhere; who has
them makes the same calls with ``generate.R``. Numbers are those of the recording, digit for digit; equal recordings
give equal bytes.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGET = Path(__file__).with_name("expected.json")
GROUPS = {
    *(f"meta.{name}" for name in ("metagen", "metabin", "metainc", "metaprop", "metarate", "metacont", "metamean")),
    *("meta.metacor", "meta.metabias", "meta.trimfill", "meta.nnt", "meta.or2smd", "metasens"),
}
SETS_OF_METAGEN = ("dat.bcg|RR", "dat.hackshaw1998|GEN", "dat.hine1989|RD", "dat.normand1999|SMD", "k3.homogeneous|GEN")
LEFT_OUT = r'subgroup|GLMM|median=|method.I2="tau2".*k3'
"""Calls whose numbers come of other programs' approximations, or that the set of metafor has."""
LINES = [
    f"{name}_{model}"
    for model in ("common", "random")
    for name in ("TE", "seTE", "lower", "upper", "statistic", "pval")
]
KEPT = {
    *LINES,
    *(
        "lower_predict",
        "upper_predict",
        "Q",
        "df_Q",
        "pval_Q",
        "tau2",
        "se_tau2",
        "lower_tau2",
        "upper_tau2",
        "I2",
        "H",
        "k",
    ),
    *(
        "statistic",
        "pval",
        "estimate",
        "df",
        "k0",
        "lfkindex",
        "NNT",
        "RR",
        "OR",
        "p.c",
        "G_squared",
        "Q_small",
        "Q_resid",
    ),
    *(f"{name}_adjust" for name in ("TE", "seTE", "lower", "upper", "statistic", "pval")),
}
NAMES = {
    "event_e": "events_1",
    "n_e": "n_1",
    "event_c": "events_2",
    "n_c": "n_2",
    "mean_e": "mean_1",
    "sd_e": "sd_1",
    "mean_c": "mean_2",
    "sd_c": "sd_2",
    "x1i": "events_1",
    "t1i": "time_1",
    "x2i": "events_2",
    "t2i": "time_2",
    "event": "events",
    "cor": "r",
    **{name: name for name in ("yi", "vi", "n", "mean", "sd")},
}
ONE_GROUP = {"x1i": "events", "t1i": "time"}


def wanted(case: Mapping[str, Any]) -> bool:
    """Choose the calls that are kept."""
    if case["group"] not in GROUPS or "error" in case["outputs"] or re.search(LEFT_OUT, case["call"]):
        return False
    return case["group"] != "meta.metagen" or case["inputs"].get("ref") in SETS_OF_METAGEN


def kept(case: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what is compared: numbers of the models, and of the studies where a table is measured."""
    own = "method.ci=" in case["call"]
    studies = {"lower", "upper"} if own else {"TE", "seTE"}
    if not own and (case["group"] in {"meta.metagen", "meta.trimfill"} or "(meta" in case["call"]):
        studies = set[str]()
    return {name: value for name, value in case["outputs"].items() if name in KEPT | studies}


def made(recorded: Mapping[str, Any]) -> str:
    """Write the file."""
    cases: list[dict[str, Any]] = []
    data: dict[str, Any] = {}
    for case in recorded["cases"]:
        if not wanted(case):
            continue
        ref = case["inputs"].get("ref")
        names = ONE_GROUP if case["group"] == "meta.metarate" else NAMES
        entry = {"id": case["id"].removeprefix("meta/"), "call": case["call"]}
        if ref is not None:
            entry["data"] = f"{ref}, group 1" if names is ONE_GROUP else ref
            columns = recorded["inputs"][ref]
            data[entry["data"]] = {names[name]: column for name, column in columns.items() if name in names}
        else:
            entry["given"] = case["inputs"]
        cases.append({**entry, "results": kept(case)})
    packages = recorded["readme"]["packages"]
    about = {
        "generator": "python -m evisynth_validation.meta.generate",
        "recorded": recorded["readme"]["date"],
        "R": recorded["readme"]["R"],
        "meta": packages["meta"],
        "metasens": packages["metasens"],
        "metafor": packages["metafor"],
    }

    def lines(entries: list[str]) -> str:
        return ",\n".join(entries)

    written = [f"{_json(name)}:{_json(columns)}" for name, columns in data.items()]
    return (
        f'{{"about":{_json(about)},\n"data":{{\n{lines(written)}\n}},\n'
        f'"cases":[\n{lines([_json(case) for case in cases])}\n]}}\n'
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` compare it."""
    (record,) = [one for one in arguments if one != "--check"]
    with gzip.open(record, "rt", encoding="utf-8") as stream:
        text = made(json.load(stream))
    if "--check" in arguments:
        return int(TARGET.read_text(encoding="utf-8") != text)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
