"""Write what a run has found: the score of every module, and each survivor with the verdict on it."""

from __future__ import annotations

import json
import platform
from collections import Counter, defaultdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from mutants import draw, mutants_of, target_files
from run import FOLDER, read
from scipy.special import ndtri

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

HERE = Path(__file__).parent
LEVEL = 0.95
KILLED = ("killed", "timeout")


def wilson(successes: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Give Wilson's interval of a proportion: Wilson (1927), J. Am. Stat. Assoc. 22:209-212."""
    z2 = float(ndtri((1.0 + level) / 2.0)) ** 2
    centre = (successes + z2 / 2.0) / (trials + z2)
    half = (z2 * (successes * (trials - successes) / trials + z2 / 4.0)) ** 0.5 / (trials + z2)
    return max(0.0, centre - half), min(1.0, centre + half)


def score(statuses: Iterable[str]) -> dict[str, Any]:
    """Count statuses, and give the share that is killed of all but the equivalent."""
    counts = Counter(statuses)
    killed = sum(counts[word] for word in KILLED)
    tried = sum(counts.values()) - counts["equivalent"]
    row: dict[str, Any] = {"mutants": sum(counts.values()), "killed": killed, "of them by a timeout": counts["timeout"]}
    row |= {"equivalent": counts["equivalent"], "survived": tried - killed}
    if tried:
        row |= {"score": round(killed / tried, 4), "interval": [round(end, 4) for end in wilson(killed, tried)]}
    return row


@click.command()
@click.option("--size", default=12)
@click.option("--seed", default=20261201)
def main(size: int, seed: int) -> None:
    """Write report.json, report.md and survivors.json beside this file."""
    last = {entry["name"]: entry["status"] for entry in read(FOLDER / f"results-{seed}-{size}.jsonl")}
    verdicts = json.loads((HERE / "verdicts.json").read_text(encoding="utf-8"))
    drawn = [mutant for mutant in draw(size, seed) if mutant.name in last]
    by_module: dict[str, list[str]] = defaultdict(list)
    survivors: list[dict[str, Any]] = []
    for mutant in drawn:
        status = last[mutant.name]
        if status not in KILLED:
            verdict, reason = verdicts.get(mutant.name, ["gap", "not looked at"])
            survivors.append(
                {"name": mutant.name, "diff": mutant.diff().splitlines(), "verdict": verdict, "reason": reason}
            )
            status = "equivalent" if verdict == "equivalent" else status
        by_module[mutant.path].append(status)
    _write("survivors.json", survivors)
    report = {
        "tool": {name: version(name) for name in ("cosmic-ray", "pytest", "coverage", "hypothesis", "numpy", "scipy")}
        | {"python": platform.python_version()},
        "date": datetime.now(UTC).date().isoformat(),
        "seed": seed,
        "mutants of a module": size,
        "drawn": len(draw(size, seed)),
        "all mutants": sum(len(mutants_of(path)) for path in target_files()),
        "tried": len(drawn),
        "all": score(word for words in by_module.values() for word in words),
        "survivors by verdict": dict(Counter(str(one["verdict"]) for one in survivors)),
        "modules": {path: score(words) for path, words in sorted(by_module.items())},
    }
    _write("report.json", report)
    (HERE / "report.md").write_text("\n".join(_page(report)) + "\n", encoding="utf-8")


def _write(name: str, what: Mapping[str, Any] | Sequence[Any]) -> None:
    (HERE / name).write_text(json.dumps(what, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _page(report: Mapping[str, Any]) -> Iterable[str]:
    yield "# Mutation testing: what the last run found"
    yield ""
    yield f"{report['date']}, seed {report['seed']}: of {report['all mutants']} mutants {report['drawn']} are drawn,"
    yield f"up to {report['mutants of a module']} of every module; {report['tried']} have been tried. Made with"
    yield ", ".join(f"{name} {number}" for name, number in report["tool"].items()) + "."
    verdicts = ", ".join(f"{number} {name}" for name, number in report["survivors by verdict"].items())
    yield f"Survivors by verdict (`survivors.json`): {verdicts}."
    yield ""
    yield "| | mutants | killed | of them by a timeout | equivalent | survived | score | 95 % interval |"
    yield "|---|---|---|---|---|---|---|---|"
    yield _row("all modules", report["all"])
    yield ""
    yield "| module | mutants | killed | of them by a timeout | equivalent | survived | score | 95 % interval |"
    yield "|---|---|---|---|---|---|---|---|"
    for path, row in report["modules"].items():
        yield _row(f"`{path}`", row)


def _row(title: str, row: Mapping[str, Any]) -> str:
    counts = [str(row[name]) for name in ("mutants", "killed", "of them by a timeout", "equivalent", "survived")]
    ends = "–".join(f"{end:.3f}" for end in row.get("interval", []))
    return " | ".join(["| " + title, *counts, f"{row['score']:.3f}" if "score" in row else "", ends + " |"])


if __name__ == "__main__":
    main()
