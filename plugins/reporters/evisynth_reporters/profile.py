"""Draw the profile likelihood of τ² with all its modes, the level of its interval, and the interval."""

from __future__ import annotations

import itertools
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
    from evisynth import Fit, FloatArray
    from evisynth_reporters.chart import Box, Key
    from evisynth_reporters.drawing import Drawing, Measure
    from evisynth_reporters.palettes import Palette
    from evisynth_reporters.words import Words

STEPS = 400
SHOWN = 1.6
"""The curve is shown as far down as so many times the drop to the interval's ends."""
LIKELIHOODS = ("as estimated", "ML", "REML", "both")
NEAR = 0.06
"""Share of the axis at which two modes would lie on one another."""
MANY_DIGITS = 1e5
CUTOFF = "#767676"
DASHES: tuple[tuple[float, ...], ...] = ((), (5.0, 2.0))


@attrs.frozen(kw_only=True)
class ProfileSpec(ChartSpec):
    """Hold the options of a profile likelihood."""

    figure: ClassVar[str] = "profile"

    likelihood: str = attrs.field(default="as estimated", validator=one_of(*LIKELIHOODS))
    """``ML``, ``REML``, both, or that of the estimator in use, REML for one that maximises neither."""
    across: str = attrs.field(default="as fits", validator=one_of("as fits", "tau2", "tau"))
    """Whether the axis is of τ² or of τ, on which modes near 0 stand apart; by default τ where they would not on τ²."""


@attrs.frozen
class _Drawn:
    """Hold what is drawn of one likelihood: ``shift`` is taken off its heights."""

    kind: str
    curve: Profile
    shift: float
    low: float
    high: float | None
    colour: str
    dash: tuple[float, ...]

    def height(self, tau2: FloatArray) -> FloatArray:
        return self.curve.at(tau2) - self.shift

    @property
    def top(self) -> float:
        return self.curve.modes[0][1] - self.shift


def profile(analysis: MetaAnalysis, spec: ProfileSpec, measure: Measure) -> Drawing:
    """Draw the log-likelihood of τ², maximised over the other coefficients, with every mode and the interval."""
    words, palette, title = words_of(spec.language), palette_of(spec.palette), printed.one_line(spec.title)
    fit = analysis.models["random"].fit
    if fit is None or fit.X.shape[0] <= fit.X.shape[1]:
        why = words("it takes more studies with an effect than coefficients")
        text = words("There is no profile likelihood to draw: {why}.", why=why)
        return notice(text, measure, width=spec.width, title=title)
    drop = 0.5 * chi2_quantile(1.0 - analysis.settings.level, 1.0)
    drawn = _drawn(analysis, fit, spec, drop, palette)
    top = max(one.top for one in drawn)
    used = analysis.heterogeneity.tau2
    end = max(*(_end(one, SHOWN * drop) for one in drawn), 0.0 if used is None else 1.05 * used)
    root = spec.across == "tau" or (spec.across == "as fits" and _crowded(drawn, end))
    tau2 = _points(drawn, end)
    floor = max(min(float(one.height(tau2).min()) for one in drawn), top - 2.0 * SHOWN * drop)
    box = _box(drawn, spec, measure, words, root=root, end=end, span=(floor, top))
    place = math.sqrt if root else float
    items = box.horizontal(top - drop, colour=CUTOFF, width=0.8, dash=(4.0, 2.5))
    level = printed.level(analysis.settings.level)
    keys: list[Key] = []
    for one in drawn:
        for limit in (one.low, one.high):
            if limit is not None and 0.0 < limit < end:
                items += box.vertical(place(limit), colour=one.colour, width=0.7, dash=(1.5, 2.0))
        xs = np.sqrt(tau2) if root else tau2
        items += box.curve(xs, one.height(tau2), colour=one.colour, width=1.6, dash=one.dash)
        keys += [line_key(_name(one.kind, words), one.colour, dash=one.dash, width=1.6)] if len(drawn) > 1 else []
    notes = [_said(one, level, words) for one in drawn]
    bests = [one.curve.modes[0][0] for one in drawn]
    if used is not None and not any(math.isclose(used, best, rel_tol=1e-6, abs_tol=1e-9 * end) for best in bests):
        estimator = analysis.settings.tau2
        notes.append(words("The analysis has τ² = {value} ({estimator}).", value=_shown(used), estimator=estimator))
        items += box.vertical(place(used), colour=palette.pooled, width=1.0)
        keys.append(line_key(words("τ² of the analysis"), palette.pooled))
    # Modes last: a line through one would hide it.
    items += [
        _mark(box, one, rank, place(one.curve.modes[rank][0]), palette, words)
        for one in drawn
        for rank in range(len(one.curve.modes))
    ]
    keys.append(point_key(words("Global maximum"), palette.second))
    if any(len(one.curve.modes) > 1 for one in drawn):
        keys.append(point_key(words("Local maximum"), "#ffffff", edge=palette.second))
    said = words("{level} interval: χ² with 1 degree of freedom", level=level)
    keys.append(line_key(said, CUTOFF, dash=(4.0, 2.5)))
    items += axes(box, measure)
    shown = "; ".join(f"{one.kind}: {len(one.curve.modes)}" for one in drawn)
    return sheet(
        items, measure, width=spec.width, bottom=spec.height, title=title, keys=keys, notes=notes,
        description=words("Profile likelihood of τ². Number of modes: {modes}.", modes=shown),
    )  # fmt: skip


def _shown(tau2: float) -> str:
    return printed.entered(tau2) if tau2 < MANY_DIGITS else printed.scientific(tau2)


def _said(one: _Drawn, level: str, words: Words) -> str:
    """Say where the maximum of a likelihood is, and its interval."""
    limits = f"[{_shown(one.low)}, {words('unbounded') if one.high is None else _shown(one.high)}]"
    return words("{kind}: global maximum at τ² = {best}, {level} profile-likelihood interval {limits}.",
                 kind=one.kind, best=_shown(one.curve.modes[0][0]), level=level, limits=limits)  # fmt: skip


def _crowded(drawn: list[_Drawn], end: float) -> bool:
    """Say whether, on an axis of τ², a mode would lie too near to 0 or to another to be told apart."""
    modes = [sorted({0.0, *(mode for mode, _ in one.curve.modes)}) for one in drawn]
    return any(high - low < NEAR * end for held in modes for low, high in itertools.pairwise(held))


def _drawn(analysis: MetaAnalysis, fit: Fit, spec: ProfileSpec, drop: float, palette: Palette) -> list[_Drawn]:
    own = "ML" if analysis.settings.tau2 == "ML" else "REML"
    kinds = {"both": ("REML", "ML"), "as estimated": (own,)}.get(spec.likelihood, (spec.likelihood,))
    made: list[_Drawn] = []
    for kind, colour, dash in zip(kinds, palette.series, DASHES, strict=False):
        curve = Profile(fit.y, fit.v, fit.X, restricted=kind == "REML")
        low, high = curve.ends(drop)
        # The two are likelihoods of different data, which only their distances from their maxima compare.
        shift = curve.modes[0][1] if len(kinds) > 1 else 0.0
        made.append(_Drawn(kind, curve, shift, low, high, colour, dash))
    return made


def _name(kind: str, words: Words) -> str:
    return words("Restricted log-likelihood") if kind == "REML" else words("Log-likelihood")


def _box(
    drawn: list[_Drawn], spec: ProfileSpec, measure: Measure, words: Words, *, root: bool, end: float,
    span: tuple[float, float],
) -> Box:  # fmt: skip
    floor, top = span
    room = 0.06 * (top - floor)
    name = _name(drawn[0].kind, words) if len(drawn) == 1 else words("Log-likelihood below its maximum")
    far = math.sqrt(end) if root else end
    x = Axis(-0.02 * far, far, "τ" if root else "τ²", given_ticks=linear_ticks(0.0, far))
    return chart_box(x, Axis(floor - room, top + room, name), measure, width=spec.width, height=spec.height)


def _points(drawn: list[_Drawn], end: float) -> FloatArray:
    """Choose where the curves are computed: evenly on the axis of τ, closely beside 0, and at the modes."""
    least = 0.1 * min(float(one.curve.v.min()) for one in drawn)
    close = np.geomspace(least, end, STEPS // 4) if least < end else np.array([end])
    modes = [mode for one in drawn for mode, _ in one.curve.modes]
    return np.unique(np.concatenate([np.linspace(0.0, math.sqrt(end), STEPS) ** 2, close, modes]))


def _mark(box: Box, one: _Drawn, rank: int, x: float, palette: Palette, words: Words) -> Group:
    """Mark a mode, where the curve is so far down that it is off the axes at their edge."""
    mode, height = one.curve.modes[rank]
    said = words("Local maximum") if rank else words("Global maximum")
    tip = (f"{one.kind}: {said}", f"τ² = {printed.entered(mode)}", f"{_name(one.kind, words)} {height:.6g}")
    at = (box.at_x(x), min(box.at_y(height - one.shift), box.bottom))
    return Group((Disc(at, 3.6, "#ffffff" if rank else palette.second, palette.second, 1.2),), tip)


def _end(one: _Drawn, drop: float) -> float:
    """Choose how far the axis goes: beyond all modes, to where the curve is well below the interval's level."""
    modes, curve = one.curve.modes, one.curve
    end = max(1.1 * max(mode for mode, _ in modes), 1e-6 * curve.bound, 1e-3 * float(curve.v.min()))
    for _ in range(200):
        if float(curve.at(np.array([end]))[0]) < modes[0][1] - drop or end > 64.0 * curve.bound:
            break
        end *= 1.15
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
