"""Run both simulation studies whole: ``python -m evisynth_validation.simulations.generate`` writes expected.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evisynth_validation.simulations.mean_differences import mean_differences
from evisynth_validation.simulations.two_groups import two_groups

HERE = Path(__file__).parent
SETS = {"friedrich_2008": 10_000, "carter_2019": 1_000}


def table(name: str) -> list[dict[str, Any]]:
    """Read the rows of a published table."""
    rows: list[dict[str, Any]] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))["rows"]
    return rows


def friedrich(sets: int) -> list[dict[str, Any]]:
    """Give coverage and power, in percent, for every row and both sizes of heterogeneity."""
    found: list[dict[str, Any]] = []
    for seed, row in enumerate(table("friedrich_2008")):
        made: dict[str, Any] = {name: row[name] for name in ("smd", "n", "k")}
        made |= {"coverage": {}, "power": {}}
        for shift, tau in enumerate(("0", "0.5")):
            shares = mean_differences(row["smd"], row["n"], row["k"], float(tau), sets=sets, seed=2 * seed + shift)
            for part, column in enumerate(("coverage", "power")):
                made[column][tau] = {name: round(100.0 * both[part], 2) for name, both in shares.items()}
        found.append(made)
    return found


def carter(sets: int) -> list[dict[str, Any]]:
    """Give the coverage for every row."""
    return [
        {
            **{name: row[name] for name in ("delta", "tau", "k")},
            "coverage": dict(two_groups(row["delta"], row["tau"], row["k"], sets=sets, seed=100 + seed)),
        }
        for seed, row in enumerate(table("carter_2019"))
    ]


def main() -> None:
    """Write ``expected.json``."""
    found = {
        "sets": SETS,
        "friedrich_2008": friedrich(SETS["friedrich_2008"]),
        "carter_2019": carter(SETS["carter_2019"]),
    }
    text = json.dumps(found, indent=1)
    (HERE / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
