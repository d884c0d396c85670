"""Keep what the site shows of a validation: run ``evisynth validate --json FILE``, then this module with the file.

``docs/validation.json`` gets each method beside each set, in a line each, and nothing of the machine that it ran on.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

KEPT = ("set", "verdict", "cases", "numbers", "worst_error", "digits")
STORED = Path(__file__).parents[1] / "validation.json"


def reduced(held: dict[str, Any]) -> str:
    """Lay out what is kept of a validation, a method a line."""
    head = {name: held[name] for name in ("schema", "engine", "started", "quick", "passed")}
    methods = [
        {
            **{name: one[name] for name in ("kind", "name", "distribution")},
            "sets": [{name: of[name] for name in KEPT} for of in one["sets"]],
            "absent": one["absent"],
        }
        for one in held["methods"]
    ]
    lines = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in methods]
    return json.dumps(head, ensure_ascii=False)[:-1] + ',\n"methods": [\n' + ",\n".join(lines) + "\n]}\n"


def main() -> None:
    """Reduce the file that is named."""
    STORED.write_text(reduced(json.loads(Path(sys.argv[1]).read_text("utf-8"))), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
