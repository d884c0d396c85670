"""Write the certified corpus, or compare the stored one with a fresh calculation.

Run ``python -m evisynth_validation.corpus.generate`` to write; ``--check`` compares byte by byte and writes nothing,
``--every 20`` checks the inputs of all sets and derives each twentieth; ``--start 7`` begins with the seventh.
``--check`` takes the date and the version of mpmath from the stored file, so equal code gives equal bytes.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import date
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from evisynth_validation import corpus
from evisynth_validation.corpus.passes import AGREED, CLOSE, CONFIRMED, PRINTED, SEARCHED
from evisynth_validation.corpus.records import record
from evisynth_validation.corpus.regimes import REGIMES, SEED, attempts
from evisynth_validation.mpmath.exact import library_version
from evisynth_validation.mpmath.heterogeneity_sets import Effects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from evisynth_validation.mpmath.exact import Json

PATH = Path(__file__).with_name(corpus.FILE)
LICENCE = "MIT"


def compact(value: Json) -> str:
    """Write one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def identity(number: int, regime: str, effects: Effects) -> dict[str, Json]:
    """Give the part of a record that is input."""
    inputs: dict[str, Json] = {"id": f"c{number:03d}", "regime": regime, "k": len(effects.y)}
    return inputs | {"y": effects.y, "v": effects.v}


def fresh() -> Iterator[str]:
    """Yield the line of every set, saying how far it is; draws that decide nothing are named and left out."""
    number = 0
    for stream, (draw, count) in enumerate(REGIMES):
        regime = draw.__name__.replace("_", " ")
        kept = 0
        for effects in attempts(draw, count, stream):
            try:
                expected = record(effects)
            except ArithmeticError as reason:
                sys.stderr.write(f"{regime}: left out, {reason}\n")
                continue
            kept, number = kept + 1, number + 1
            yield compact(identity(number, regime, effects) | expected)
            if kept == count:
                break
        sys.stderr.write(f"{number} sets, after {regime}\n")


def rederived(line: str) -> str:
    """Derive the line of a stored set again from its inputs."""
    stored: dict[str, Json] = json.loads(line)
    inputs: Mapping[str, list[float]] = json.loads(line)
    kept = {key: stored[key] for key in ("id", "regime", "k", "y", "v")}
    return compact(kept | record(Effects(inputs["y"], inputs["v"])))


def about(made: Mapping[str, Json]) -> dict[str, Json]:
    """Say what makes the numbers of this file."""
    return {
        "title": "Certified corpus of random-effects meta-analyses",
        "generator": "python -m evisynth_validation.corpus.generate",
        "licence": LICENCE,
        **made,
        "digits_searched": SEARCHED,
        "digits_confirmed": CONFIRMED,
        "digits_printed": PRINTED,
        "agreed_to": f"1e-{AGREED}",
        "roots_bracketed_within": f"1e-{CLOSE}",
        "level": 0.95,
        "seed": SEED,
        "sets": sum(count for _, count in REGIMES),
        "regimes": {draw.__name__.replace("_", " "): count for draw, count in REGIMES},
    }


def compared(stored: Iterable[str], made: Iterable[str]) -> int:
    """Compare stored lines with fresh ones; 1 where one differs, is missing or is too many."""
    differing = 0
    for number, (one, other) in enumerate(zip_longest(stored, made)):
        if one != other:
            differing += 1
            sys.stderr.write(f"line {number + 1} of those compared differs from a fresh calculation\n")
    return 1 if differing else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or compare; 1 where something differs."""
    parser = ArgumentParser(description="Generate the certified corpus with 60-digit and 80-digit arithmetic.")
    parser.add_argument("--check", action="store_true", help="compare with the stored file instead of writing it")
    parser.add_argument("--every", type=int, default=0, help="with --check: derive each so-manieth stored set only")
    parser.add_argument("--start", type=int, default=1, help="with --every: the number of the first of them")
    options = parser.parse_args(arguments)
    if options.check and options.every:
        chosen = corpus.lines()[options.start :: options.every]
        return compared(chosen, (rederived(line) for line in chosen))
    made: Mapping[str, Json]
    if options.check:
        held = corpus.about()
        made = {key: held[key] for key in ("generated", "mpmath")}
        return compared(corpus.lines(), chain([compact({"about": about(made)})], fresh()))
    made = {"generated": date.today().isoformat(), "mpmath": library_version()}  # noqa: DTZ011 (a calendar day)
    with PATH.open("w", encoding="utf-8", newline="\n") as file:
        for line in chain([compact({"about": about(made)})], fresh()):
            file.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
