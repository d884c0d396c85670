"""Draw the forest plots of a founding review's adverse events, with and without the trial that differs."""

from importlib.resources import files
from pathlib import Path

import evisynth as es

trials = files("evisynth_validation") / "founding" / "adverse_events_umbilical_cord_2023.csv"
studies = es.load(trials)
folder = Path("plots")

everything = es.fit(studies, measure="RR", model="random", settings="revman5")
es.report(everything, "forest", folder / "adverse_events.png", group_1="UC-MSC", title="Adverse events")

# The review's second analysis leaves out one trial; its row stays in the plot, without an effect.
without = es.fit(studies, measure="RR", settings="revman5", exclude=["Zhu 2021"])
es.report(without, "forest", folder / "adverse_events_without_zhu.svg", group_1="UC-MSC", scale=10)

for plot in sorted(folder.iterdir()):
    print(plot)
