"""Compute the estimate of some samples in fractions: python generate.py writes evisynth_hm/expected.json."""

import json
from fractions import Fraction
from pathlib import Path

SAMPLES = {
    "five trials": ([-0.8893, -1.5854, -1.3481, -1.4416, -0.2175], [0.3256, 0.1946, 0.4154, 0.0200, 0.0512]),
    "effects alike, where others are 0": ([0.10, 0.11, 0.12], [1.0, 1.0, 1.0]),
    "equal effects": ([0.25, 0.25, 0.25], [0.1, 0.2, 0.4]),
    "two studies far apart": ([-2.0, 3.0], [0.25, 0.04]),
    "variances over four decades": ([0.5, -0.75, 1.5, 0.125], [0.0009, 0.03, 0.7, 8.0]),
}


def exact(y: list[float], v: list[float]) -> Fraction:
    """Give Q² / ((2 (k - 1) + Q) c) with c = Σw - Σw²/Σw of these very doubles."""
    effects, weights = [Fraction(each) for each in y], [1 / Fraction(each) for each in v]
    whole = sum(weights)
    mean = sum(w * effect for w, effect in zip(weights, effects, strict=True)) / whole
    q = sum(w * (effect - mean) ** 2 for w, effect in zip(weights, effects, strict=True))
    c = whole - sum(w * w for w in weights) / whole
    return Fraction(q**2 / ((2 * (len(y) - 1) + q) * c))


def main() -> None:
    """Write every sample with its result, rounded once."""
    cases = [{"name": name, "y": y, "v": v, "tau2": float(exact(y, v))} for name, (y, v) in SAMPLES.items()]
    path = Path(__file__).parent / "evisynth_hm" / "expected.json"
    path.write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
