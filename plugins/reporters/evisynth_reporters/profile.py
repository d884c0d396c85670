"""Draw the profile likelihood of τ² with all its modes, the level of its interval, and the interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np

from evisynth import MetaAnalysis, Reporter, chi2_quantile, hookimpl, one_of
from evisynth_reporters import printed
from evisynth_reporters.chart import Axis, axes, chart_box, line_key, notice, point_key, sheet
from evisynth_reporters.chart_spec import ChartSpec
from evisynth_reporters.drawing import Disc, Group
from evisynth_reporters.figure import figure
from evisynth_reporters.palettes import palette_of
from evisynth_reporters.profile_likelihood import Profile
from evisynth_reporters.ticks import linear_ticks
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from evisynth_reporters.drawing import Drawing, Item, Measure

STEPS = 400
SHOWN = 1.6
"""The curve is shown as far down as so many times the drop to the interval's ends."""
FAR = 60
"""Times that the end of the search is multiplied by 4."""
LIKELIHOODS = ("as estimated", "ML", "REML")


@attrs.frozen(kw_only=True)
class ProfileSpec(ChartSpec):
    """Hold the options of a profile likelihood."""

    figure: ClassVar[str] = "profile"

    likelihood: str = attrs.field(default="as estimated", validator=one_of(*LIKELIHOODS))
    """``ML``, ``REML``, or that of the estimator in use, REML for one that maximises neither."""


def profile(analysis: MetaAnalysis, spec: ProfileSpec, measure: Measure) -> Drawing:
    """Draw the log-likelihood of τ², maximised over the other coefficients, with every mode and the interval."""
    words, palette, title = words_of(spec.language), palette_of(spec.palette), printed.one_line(spec.title)
    fit = analysis.models["random"].fit
    if fit is None or fit.X.shape[0] <= fit.X.shape[1]:
        why = words("it takes more studies with an effect than coefficients")
        return notice(
            words("There is no profile likelihood to draw: {why}.", why=why), measure, width=spec.width, title=title
        )
    restricted = (spec.likelihood if spec.likelihood != "as estimated" else analysis.settings.tau2) != "ML"
    curve = Profile(fit.y, fit.v, fit.X, restricted=restricted)
    modes = curve.modes()
    best, top = modes[0]
    drop = 0.5 * chi2_quantile(1.0 - analysis.settings.level, 1.0)
    low, high = _crossings(curve, best, top - drop)
    end = _end(curve, modes, top - SHOWN * drop)
    tau2 = np.unique([*(np.linspace(0.0, math.sqrt(end), STEPS) ** 2), *(mode for mode, _ in modes if mode < end)])
    heights = curve.at(tau2)
    name = words("Restricted log-likelihood") if restricted else words("Log-likelihood")
    floor = max(float(heights.min()), top - 2.0 * SHOWN * drop)
    room = 0.06 * (top - floor)
    box = chart_box(
        Axis(-0.02 * end, end, "τ²", given_ticks=linear_ticks(0.0, end)), Axis(floor - room, top + room, name), measure,
        width=spec.width, height=spec.height,
    )  # fmt: skip
    items: list[Item] = [*box.horizontal(top - drop, colour="#9a9a9a", width=0.8, dash=(4.0, 2.5))]
    for limit in (low, high):
        if limit is not None and limit > 0.0:
            items += box.vertical(limit, colour="#9a9a9a", width=0.7, dash=(1.5, 2.0))
    items += box.curve(tau2, heights, colour=palette.study, width=1.6)
    level = printed.level(analysis.settings.level)
    kind = "REML" if restricted else "ML"
    for i, (mode, height) in enumerate(modes):
        if mode > end:
            continue
        said = words("Global maximum") if i == 0 else words("Local maximum")
        tip = (said, f"τ² = {printed.entered(mode)}", f"{name} {height:.6g}")
        colour = palette.second if i == 0 else "#ffffff"
        items.append(Group((Disc(box.at(mode, height), 3.6, colour, palette.second, 1.2),), tip))
    keys = [
        point_key(words("Global maximum: τ² = {value}", value=printed.entered(best)), palette.second),
        line_key(words("{level} interval: χ² with 1 degree of freedom", level=level), "#9a9a9a", dash=(4.0, 2.5)),
    ]
    if len(modes) > 1:
        keys.insert(1, point_key(words("Local maximum"), "#ffffff", edge=palette.second))
    limits = f"[{printed.entered(low)}, {words('unbounded') if high is None else printed.entered(high)}]"
    notes = [words("{level} profile-likelihood interval ({kind}): {limits}", level=level, kind=kind, limits=limits)]
    used = analysis.heterogeneity.tau2
    if used is not None and not math.isclose(used, best, rel_tol=1e-6, abs_tol=1e-9 * end):
        estimator = analysis.settings.tau2
        notes.append(
            words("The analysis has τ² = {value} ({estimator}).", value=printed.entered(used), estimator=estimator)
        )
        items += box.vertical(used, colour=palette.pooled, width=1.0)
        keys.append(line_key(words("τ² of the analysis"), palette.pooled))
    items += axes(box, measure)
    return sheet(
        items, measure, width=spec.width, bottom=spec.height, title=title, keys=keys, notes=notes,
        description=words("Profile likelihood of τ² with {n} modes.", n=len(modes)),
    )  # fmt: skip


def _crossings(curve: Profile, best: float, level: float) -> tuple[float, float | None]:
    """Find the least and the greatest τ² whose likelihood is above a level; None beyond all that is searched."""

    def above(tau2: float) -> bool:
        return bool(curve.at(np.array([tau2]))[0] >= level)

    def edge(inside: float, outside: float) -> float:
        for _ in range(200):
            middle = 0.5 * (inside + outside)
            if middle in {inside, outside}:
                break
            inside, outside = (middle, outside) if above(middle) else (inside, middle)
        return inside

    # Beyond its bound the likelihood only falls; before it, it may rise above the level more than once.
    grid = np.unique([*(np.linspace(0.0, math.sqrt(curve.bound), STEPS) ** 2), best])
    within = grid[curve.at(grid) >= level]
    first, last = float(within[0]), float(within[-1])
    below, beyond = grid[grid < first], grid[grid > last]
    low = edge(first, float(below[-1])) if below.size else first
    if beyond.size:
        return low, edge(last, float(beyond[0]))
    far = 4.0 * last
    for _ in range(FAR):
        if not above(far):
            return low, edge(last, far)
        far *= 4.0
    return low, None


def _end(curve: Profile, modes: tuple[tuple[float, float], ...], floor: float) -> float:
    """Choose how far the axis goes: beyond all modes, to where the curve is well below the interval's level."""
    end = max(4.0 * max(mode for mode, _ in modes), 1e-6 * curve.bound)
    for _ in range(80):
        if curve.at(np.array([end]))[0] < floor or end > 64.0 * curve.bound:
            break
        end *= 1.25
    return end


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the profile likelihood of τ²."""
    return [
        figure(
            ProfileSpec,
            profile,
            reference="Hardy & Thompson (1996), Stat. Med. 15:619-629; Harville (1977), J. Am. Stat. Assoc. 72:320-338",
            r_equivalent="metafor::profile.rma.uni(res)",
        )
    ]
