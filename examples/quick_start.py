"""Pool the deaths of a founding review as RevMan 5 does, and look at what comes out."""

from importlib.resources import files

import evisynth as es

trials = files("evisynth_validation") / "founding" / "mortality_umbilical_cord_2023.csv"
studies = es.load(trials)
analysis = es.fit(studies, measure="RR", settings="revman5")

# The report for readers, with RevMan's footer lines.
print(analysis)

# The numbers: on the analysis scale (logarithms) and for readers.
assert analysis.pooled is not None  # noqa: S101 - six trials have an effect
assert analysis.display is not None  # noqa: S101 - as above
print(f"log RR {analysis.pooled.value:.4f}, SE {analysis.pooled.se:.4f}, p {analysis.pooled.p_value:.4f}")
print(f"RR {analysis.display.value:.2f} ({analysis.display.ci_low:.2f}, {analysis.display.ci_high:.2f})")

# No study vanishes.
for study in analysis.excluded:
    print(f"not pooled: {study.study} ({study.reason})")

# Does one study decide?
print(es.leave_one_out(analysis).to_frame()[["omitted", "display", "display_ci_low", "display_ci_high", "i2"]].round(2))
