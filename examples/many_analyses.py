"""Pool many analyses at once: every subset of a founding review's trials, a row each."""

from importlib.resources import files
from itertools import combinations

import pandas as pd

import evisynth as es

trials = files("evisynth_validation") / "founding" / "mortality_umbilical_cord_2023.csv"
effects = es.effects(es.load(trials), measure="RR", settings="revman5")
pooled = [i for i in range(len(effects)) if i not in effects.reasons]

subsets = [subset for size in range(2, len(pooled) + 1) for subset in combinations(pooled, size)]
table = pd.DataFrame(
    [
        {"subset": " + ".join(effects.study[i] for i in subset), "yi": effects.y[i], "vi": effects.v[i]}
        for subset in subsets
        for i in subset
    ]
)

results = es.fit_many(table, by="subset", y="yi", v="vi", tau2="DL", settings="metafor")
print(f"{len(results)} analyses")
print(
    results[["analysis", "k", "effect", "se", "tau2", "i2"]]
    .sort_values("effect")
    .round(3)
    .head()
    .to_string(index=False)
)

# The same numbers as one at a time.
last = es.fit(es.Effects(effects.y, effects.v), tau2="DL", settings="metafor")
assert last.pooled is not None  # noqa: S101 - six trials have an effect
print("all six:", round(last.pooled.value, 3), round(float(results["effect"].iloc[-1]), 3))
