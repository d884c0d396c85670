"""Report as a forest plot: RevMan's layouts and those of journals, any columns, cumulative, leaving one out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import attrs

from evisynth import (
    FigureSpec,
    MetaAnalysis,
    Reporter,
    RiskOfBias,
    SettingsError,
    each_between,
    hookimpl,
    number_between,
    one_of,
)
from evisynth_reporters import printed
from evisynth_reporters.build_table import Wishes, build_table, revman_style
from evisynth_reporters.figure import figure
from evisynth_reporters.forest_forms import FORMS, form_table
from evisynth_reporters.forest_layout import axis_of, lay_out
from evisynth_reporters.forest_styles import FOREST_STYLES
from evisynth_reporters.model_views import ASKED_FOR, BOTH, MODEL_CHOICES, in_model
from evisynth_reporters.study_order import GIVEN, SORTS
from evisynth_reporters.study_tips import study_tip
from evisynth_reporters.words import words_of

if TYPE_CHECKING:
    from evisynth_reporters.drawing import Drawing, Measure
    from evisynth_reporters.forest_styles import ForestStyle
    from evisynth_reporters.table import ForestTable
    from evisynth_reporters.words import Words

FAR = 1e300


@attrs.frozen(kw_only=True)
class ForestSpec(FigureSpec):
    """Hold the options of a forest plot."""

    figure: ClassVar[str] = "forest"

    layout: str | None = attrs.field(default=None, validator=one_of(None, *FOREST_STYLES))
    """``revman5``, ``revman-web``, ``jama``, ``bmj`` or ``plain``; by default RevMan's own of the preset in use."""
    form: str = attrs.field(default="studies", validator=one_of(*FORMS))
    """What the rows are: ``studies``, ``cumulative`` (in the order of ``sort``) or ``leave-one-out``; these two
    have columns of their own and show one model."""
    columns_left: tuple[str, ...] | None = None
    """Columns before the plot: ``study``, ``data``, ``year``, ``weight``, ``weight_common``, ``weight_random``,
    ``effect``, ``p_value``, ``se``, ``n``, or any column of the studies; by default the layout's."""
    columns_right: tuple[str, ...] | None = None
    """Columns behind the plot."""
    models: str = attrs.field(default=ASKED_FOR, validator=one_of(*MODEL_CHOICES))
    """Which pooled effects are shown: with their own weights, subtotals, tests and predictions."""
    prediction: Literal["bar", "line", "density"] | None = attrs.field(
        default="bar", validator=one_of("bar", "line", "density", None)
    )
    """How the prediction interval is drawn, where there is one."""
    sort: str = attrs.field(default=GIVEN, validator=one_of(*SORTS))
    """Order of the studies, within subgroups: ``given``, ``study``, ``year``, ``effect``, ``weight`` (the smallest
    first) or ``precision`` (the most precise first)."""
    descending: bool = False
    risk_of_bias: RiskOfBias | None = None
    """Judgements to show as signs behind everything else, joined with the studies by id or name."""
    group_1: str | None = None
    """Name of the first arm, else the settings' own."""
    group_2: str | None = None
    decimals: int = attrs.field(default=2, validator=number_between(0, 10))
    scale: float | None = attrs.field(default=None, validator=number_between(-FAR, FAR))
    """Right end of the axis (100 for 0.01 to 100), chosen by the data where it is not given."""
    scale_low: float | None = attrs.field(default=None, validator=number_between(-FAR, FAR))
    """Left end of the axis, where it is not to be symmetric about no effect."""
    ticks: tuple[float, ...] = attrs.field(default=(), validator=each_between(-FAR, FAR))
    """Numbers to mark on the axis."""
    plot_width: float = attrs.field(default=200.0, validator=number_between(100.0, 2000.0))
    """Length of the axis in points."""
    notes: bool = False
    """Whether the studies not pooled and the warnings stand beneath."""


def forest(analysis: MetaAnalysis, spec: ForestSpec, measure: Measure, *, whole: MetaAnalysis | None = None) -> Drawing:
    """Draw the table of a forest plot with squares, intervals and diamonds beside it."""
    words = words_of(spec.language)
    analysis, whole = in_model(analysis, spec.models), None if whole is None else in_model(whole, spec.models)
    style = FOREST_STYLES[spec.layout] if spec.layout is not None else revman_style(analysis)
    table = _table(analysis, spec, style, words, whole)
    # A study that is left out moves nothing: the axis is that of all.
    of_all = table if whole is None else _table(whole, spec, style, words, None)
    tips = {row: study_tip(whole or analysis, row, words) for row in range(analysis.k_total)}
    return lay_out(
        table,
        measure,
        title=printed.one_line(spec.title),
        axis=axis_of(of_all, spec.scale, low=spec.scale_low, ticks=spec.ticks, round_ticks=style.round_ticks),
        plot_width=spec.plot_width,
        small_print=_small_print(table, words) if spec.notes else (),
        style=style,
        palette=spec.palette,
        tips=tips,
        like=of_all,
    )


def _table(
    analysis: MetaAnalysis, spec: ForestSpec, style: ForestStyle, words: Words, whole: MetaAnalysis | None
) -> ForestTable:
    arms = printed.arm_names(analysis, spec.group_1, spec.group_2, words)
    if spec.form != "studies":
        _refuse_what_only_studies_have(spec)
        return form_table(
            analysis, spec.form, style, words,
            groups=arms, decimals=int(spec.decimals), order=spec.sort, descending=spec.descending,
        )  # fmt: skip
    wishes = Wishes(
        style=style,
        left=spec.columns_left,
        right=spec.columns_right,
        models=spec.models,
        prediction=spec.prediction,
        sort=spec.sort,
        descending=spec.descending,
        risk_of_bias=spec.risk_of_bias,
    )
    return build_table(analysis, arms, int(spec.decimals), wishes=wishes, words=words, whole=whole)


def _refuse_what_only_studies_have(spec: ForestSpec) -> None:
    given = {
        "columns_left": spec.columns_left is not None,
        "columns_right": spec.columns_right is not None,
        "risk_of_bias": spec.risk_of_bias is not None,
        f"models={BOTH!r}": spec.models == BOTH,
    }
    wrong = [name for name, there in given.items() if there]
    if wrong:
        msg = f"form {spec.form!r} of figure 'forest' has its own columns and one model: leave out {', '.join(wrong)}"
        raise SettingsError(msg)


def _small_print(table: ForestTable, words: Words) -> list[str]:
    return [
        *(words("Not pooled: {study}", study=study) for study in table.excluded),
        *(words("Warning: {what}", what=text) for text in table.warnings),
    ]


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the forest plot."""
    return [
        figure(
            ForestSpec,
            forest,
            reference="Lewis & Clarke (2001), BMJ 322:1479-1480 (layouts: RevMan 5.4, RevMan Web, JAMA, BMJ)",
            leaves_out=True,
            r_equivalent="metafor::forest(res)",
        )
    ]
