"""Write ``functions.json``: exact values of the library functions that the engine takes for granted, by mpmath.

Run ``python -m evisynth_validation.machine.generate`` to write; ``--check`` compares byte by byte and writes nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpmath.ctx_mp import MPContext  # mpmath has no annotations

if TYPE_CHECKING:
    from collections.abc import Callable

PLACE = Path(__file__).parent / "functions.json"
DIGITS = 60

ARGUMENTS: dict[tuple[str, str], list[tuple[float, ...]]] = {
    ("numpy", "exp"): [(-700.0,), (-1.5,), (1e-8,), (0.75,), (30.0,), (700.0,)],
    ("numpy", "expm1"): [(-2.0,), (-1e-12,), (1e-6,), (3.0,)],
    ("numpy", "log"): [(1e-300,), (0.3,), (1.0000001,), (17.0,), (1e300,)],
    ("numpy", "log1p"): [(-0.9,), (-1e-13,), (1e-9,), (5.0,)],
    ("numpy", "sqrt"): [(1e-300,), (3.0,), (1e300,)],
    ("numpy", "sin"): [(0.1,), (2.0,)],
    ("numpy", "arcsin"): [(0.01,), (0.9,)],
    ("numpy", "arctanh"): [(-0.99,), (1e-5,), (0.7,)],
    ("numpy", "tanh"): [(-3.0,), (1e-5,), (0.6,)],
    ("scipy", "gammaln"): [(0.25,), (5.5,), (80.0,), (1e6,)],
    ("scipy", "ndtr"): [(-30.0,), (-1.96,), (0.5,), (3.0,)],
    ("scipy", "log_ndtr"): [(-200.0,), (-10.0,), (-1.0,), (2.0,)],
    ("scipy", "ndtri"): [(1e-12,), (0.025,), (0.3,), (0.975,), (0.9999,)],
    ("scipy", "stdtrit"): [(1.0, 0.975), (4.0, 0.975), (30.0, 0.9), (200.0, 0.995)],
    ("scipy", "chdtri"): [(1.0, 0.05), (7.0, 0.5), (12.0, 0.975), (199.0, 0.025)],
    ("scipy", "gammainc"): [(0.5, 0.2), (3.5, 6.0), (50.0, 40.0)],
    ("scipy", "gammaincc"): [(0.5, 20.0), (6.0, 15.0), (100.0, 160.0)],
    ("scipy", "betainc"): [(0.5, 2.0, 0.3), (12.0, 7.0, 0.6), (500.0, 400.0, 0.52)],
    ("scipy", "betaincinv"): [(2.0, 9.0, 0.025), (15.0, 4.0, 0.975)],
}


def exact(function: str, arguments: tuple[float, ...]) -> tuple[float, float]:  # noqa: C901 - one function a line
    """Give the double nearest to the value, and by what factor rounding of the arguments can grow in it (1 or more)."""
    mp: Any = MPContext()
    mp.dps = DIGITS
    x: list[Any] = [mp.mpf(one) for one in arguments]

    def root(above: Callable[[Any], Any], low: str, high: str) -> Any:  # noqa: ANN401 - mpmath has no types
        ends: list[Any] = [mp.mpf(low), mp.mpf(high)]
        rising = above(ends[1]) > 0
        for _ in range(int(3.4 * DIGITS)):
            middle = (ends[0] + ends[1]) / 2
            ends[int((above(middle) > 0) == rising)] = middle
        return ends[0]

    def normal(at: Any) -> Any:  # noqa: ANN401 - as above
        return mp.erfc(-at / mp.sqrt(2)) / 2

    def student(at: Any) -> Any:  # noqa: ANN401 - as above
        return 1 - mp.betainc(x[0] / 2, mp.mpf(1) / 2, 0, x[0] / (x[0] + at * at), regularized=True) / 2

    def chi2_tail(at: Any) -> Any:  # noqa: ANN401 - as above
        return mp.gammainc(x[0] / 2, at / 2, regularized=True)

    def beta(at: Any) -> Any:  # noqa: ANN401 - as above
        return mp.betainc(x[0], x[1], 0, at, regularized=True)

    def ndtri(p: Any) -> Any:  # noqa: ANN401 - as above
        return root(lambda at: normal(at) - p, "-9", "9")  # pyright: ignore[reportUnknownLambdaType]

    def stdtrit(df: Any, p: Any) -> Any:  # noqa: ANN401, ARG001 - as above; student has df already
        return root(lambda at: student(at) - p, "0.01", "40")  # pyright: ignore[reportUnknownLambdaType]

    def chdtri(df: Any, p: Any) -> Any:  # noqa: ANN401, ARG001 - as above
        return root(lambda at: chi2_tail(at) - p, "0.0001", "500")  # pyright: ignore[reportUnknownLambdaType]

    def betaincinv(a: Any, b: Any, p: Any) -> Any:  # noqa: ANN401, ARG001 - as above
        return root(lambda at: beta(at) - p, "0.000001", "0.999999")  # pyright: ignore[reportUnknownLambdaType]

    values: dict[str, Callable[..., Any]] = {
        "exp": mp.exp,
        "expm1": mp.expm1,
        "log": mp.log,
        "log1p": mp.log1p,
        "sqrt": mp.sqrt,
        "sin": mp.sin,
        "arcsin": mp.asin,
        "arctanh": mp.atanh,
        "tanh": mp.tanh,
        "gammaln": mp.loggamma,
        "ndtr": normal,
        "log_ndtr": lambda at: mp.log(normal(at)),  # pyright: ignore[reportUnknownLambdaType]
        "ndtri": ndtri,
        "stdtrit": stdtrit,
        "chdtri": chdtri,
        "gammainc": lambda a, at: mp.gammainc(a, 0, at, regularized=True),  # pyright: ignore[reportUnknownLambdaType]
        "gammaincc": lambda a, at: mp.gammainc(a, at, regularized=True),  # pyright: ignore[reportUnknownLambdaType]
        "betainc": lambda a, b, at: beta(at),  # noqa: ARG005 # pyright: ignore[reportUnknownLambdaType]
        "betaincinv": betaincinv,
    }
    grows = {"exp": abs(x[0]), "gammainc": x[0], "gammaincc": x[0], "ndtr": x[0] ** 2, "betainc": sum(x[:2])}
    return float(values[function](*x)), max(1.0, float(grows.get(function, 1)))


def document() -> str:
    """Lay the values out with a row a line."""
    rows: list[str] = []
    for (source, function), every in ARGUMENTS.items():
        for arguments in every:
            value, condition = exact(function, arguments)
            row = {"from": source, "function": function, "arguments": arguments, "value": value}
            rows.append(json.dumps({**row, "condition": float(f"{condition:.3g}")}))
    about = {"generator": "python -m evisynth_validation.machine.generate", "digits": DIGITS}
    return f'{{"about": {json.dumps(about)},\n"rows": [\n' + ",\n".join(rows) + "\n]}\n"


def main() -> int:
    """Write, or compare."""
    made = document()
    if "--check" in sys.argv[1:]:
        return int(PLACE.read_text("utf-8") != made)
    PLACE.write_text(made, "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
