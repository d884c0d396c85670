"""Solve the retyped data sets in rational arithmetic, and write ``expected.json``.

Run ``python -m evisynth_validation.nist.generate`` to write; ``--check`` compares byte by byte and writes nothing.
Every certified value must come out at its last digit, which proves both the retyping and the solution; nothing but the
standard library is needed.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DIGITS = 60
LAST = Decimal("1.01")
"""Units of the last certified digit within which an exact value lies: NIST rounds most, and cuts some."""


def columns_of(entry: Any) -> list[list[Fraction]]:  # noqa: ANN401 - JSON
    """Make the columns of the design: powers of one predictor, or several as they are."""
    rows = [[Fraction(text) for text in row[1:]] for row in entry["rows"]]
    if entry["degree"] is not None:
        rows = [[row[0] ** power for power in range(1, entry["degree"] + 1)] for row in rows]
    lead = [Fraction(1)] if entry["intercept"] else []
    return [list(column) for column in zip(*([*lead, *row] for row in rows), strict=True)]


def inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    """Invert by Gauss-Jordan elimination."""
    size = len(matrix)
    rows = [[*row, *(Fraction(int(i == j)) for j in range(size))] for i, row in enumerate(matrix)]
    for i in range(size):
        pivot = rows[i][i]
        rows[i] = [value / pivot for value in rows[i]]
        for j in range(size):
            if j != i:
                factor = rows[j][i]
                rows[j] = [value - factor * other for value, other in zip(rows[j], rows[i], strict=True)]
    return [row[size:] for row in rows]


def dot(left: list[Fraction], right: list[Fraction]) -> Fraction:
    """Multiply two vectors."""
    return sum((a * b for a, b in zip(left, right, strict=True)), Fraction(0))


def decimal(value: Fraction) -> Decimal:
    """Give a fraction with the digits of the context."""
    return Decimal(value.numerator) / Decimal(value.denominator)


def solved(entry: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Solve one set exactly; decimals of 60 digits."""
    y, X = [Fraction(row[0]) for row in entry["rows"]], columns_of(entry)
    gram = inverse([[dot(a, b) for b in X] for a in X])
    moments = [dot(column, y) for column in X]
    b = [dot(row, moments) for row in gram]
    rss = dot(y, y) - dot(b, moments)
    variance = rss / (len(y) - len(b))
    mean = sum(y, Fraction(0)) / len(y)
    total = dot(y, y) - (mean * mean * len(y) if entry["intercept"] else 0)
    # How much the columns lean on each other, each scaled to length 1; and how much the terms of b cancel.
    lean = [(gram[j][j] * dot(X[j], X[j])) for j in range(len(b))]
    sizes = [
        sum((abs(dot(gram[j], [column[i] for column in X])) * abs(y[i]) for i in range(len(y))), Fraction(0))
        for j in range(len(b))
    ]
    return {
        "coefficients": [decimal(value) for value in b],
        "se": [(decimal(variance) * decimal(gram[j][j])).sqrt() for j in range(len(b))],
        "residual_sd": decimal(variance).sqrt(),
        "r2": 1 - decimal(rss) / decimal(total),
        "cond": [float(f"{float(decimal(value).sqrt()):.3g}") for value in lean],
        "cancels": [float(f"{float(size / abs(value)):.3g}") for size, value in zip(sizes, b, strict=True)],
        "unit": [decimal(gram[j][j]).sqrt() for j in range(len(b))],
        "terms": max(
            decimal(abs(y[i]) + sum((abs(column[i] * value) for column, value in zip(X, b, strict=True)), Fraction(0)))
            for i in range(len(y))
        ),
    }


def confirm(name: str, entry: Any, exact: dict[str, Any]) -> None:  # noqa: ANN401 - JSON
    """Raise `ValueError` for a certified value that is not the exact one at its last digit."""
    pairs = [
        *zip(entry["coefficients"], exact["coefficients"], strict=True),
        *zip(entry["se"], exact["se"], strict=True),
    ]
    pairs += [(entry["residual_sd"], exact["residual_sd"]), (entry["r2"], exact["r2"])]
    for printed, value in pairs:
        held = Decimal(printed)
        exponent = held.as_tuple().exponent
        unit = Decimal(1).scaleb(int(exponent)) if held else Decimal("1e-40")
        if abs(held - value) > LAST * unit:
            msg = f"{name}: certified {printed}, exact {value}"
            raise ValueError(msg)


def _floats(value: Decimal | float | list[Decimal] | list[float]) -> float | list[float]:
    return [float(one) for one in value] if isinstance(value, list) else float(value)


def document() -> str:
    """Solve and confirm every set, a record a line."""
    certified: dict[str, Any] = json.loads((HERE / "certified.json").read_text("utf-8"))
    lines: list[str] = []
    with localcontext() as context:
        context.prec = DIGITS
        for name, entry in certified.items():
            exact = solved(entry)
            confirm(name, entry, exact)
            record = {key: _floats(value) for key, value in exact.items()}
            lines.append(f"{json.dumps(name)}: {json.dumps(record)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> int:
    """Write, or compare."""
    made, place = document(), HERE / "expected.json"
    if "--check" in sys.argv[1:]:
        return int(place.read_text("utf-8") != made)
    place.write_text(made, "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
