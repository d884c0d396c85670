"""Write the exact references, or compare the stored ones with a fresh calculation.

Run ``python -m evisynth_validation.mpmath.generate`` to write; with ``--check`` it compares byte by byte and writes
nothing. The random streams are seeded, and ``--check`` takes the date and the version of mpmath from the stored file,
so equal code gives equal bytes.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

from evisynth_validation.mpmath import (
    conversion_rows,
    effects_rows,
    heterogeneity_sets,
    measure_rows,
    pooling_tables,
    tau2_sets,
)
from evisynth_validation.mpmath.exact import DIGITS, library_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evisynth_validation.mpmath.exact import Json

FOLDER = Path(__file__).parent
PARTS: dict[str, tuple[str, int, Callable[[], list[dict[str, Json]]]]] = {
    "effects": ("rows", effects_rows.SEED, effects_rows.rows),
    "pooling": ("sets", pooling_tables.SEED, pooling_tables.sets),
    "heterogeneity": ("sets", heterogeneity_sets.SEED, heterogeneity_sets.sets),
    "conversions": ("rows", conversion_rows.SEED, conversion_rows.rows),
    "measures": ("rows", measure_rows.SEED, measure_rows.rows),
    "tau2": ("sets", heterogeneity_sets.SEED, tau2_sets.sets),
}


def stored_about(part: str) -> dict[str, Json]:
    """Read the header of a stored file."""
    return cast("dict[str, Json]", json.loads((FOLDER / f"{part}.json").read_text("utf-8"))["about"])


def document(part: str, about: dict[str, Json]) -> str:
    """Derive one part and lay it out with a record per line, so that a change shows where it is."""
    key, seed, derive = PARTS[part]
    header = json.dumps(about | {"seed": seed}, ensure_ascii=False)
    lines = [json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")) for record in derive()]
    return f'{{"about": {header},\n"{key}": [\n' + ",\n".join(lines) + "\n]}\n"


def new_about() -> dict[str, Json]:
    """Say what makes the numbers of this run."""
    return {
        "generator": "python -m evisynth_validation.mpmath.generate",
        "generated": date.today().isoformat(),  # noqa: DTZ011 (a calendar day for the reader)
        "mpmath": library_version(),
        "digits": DIGITS,
        "numbers": "the double nearest to the exact value, written with the fewest digits that identify it",
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or compare the parts asked for; 1 where a stored part differs."""
    parser = ArgumentParser(description="Generate exact references with 50-digit arithmetic.")
    parser.add_argument("--check", action="store_true", help="compare with the stored files instead of writing them")
    parser.add_argument("parts", nargs="*", help=f"some of: {', '.join(PARTS)} (all unless given)")
    options = parser.parse_args(arguments)
    differing = 0
    for part in cast("list[str]", options.parts) or list(PARTS):
        path = FOLDER / f"{part}.json"
        text = document(part, stored_about(part) if options.check else new_about())
        if not options.check:
            path.write_text(text, "utf-8", newline="\n")
        elif path.read_bytes() != text.encode():
            differing += 1
            sys.stderr.write(f"{path.name} differs from a fresh calculation\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
