"""Hold the options that charts share: the size of the sheet without title and legend."""

from __future__ import annotations

import attrs

from evisynth import FigureSpec, number_between


@attrs.frozen(kw_only=True)
class ChartSpec(FigureSpec):
    """Hold the size of a chart, axes and their titles included, in points."""

    width: float = attrs.field(default=400.0, validator=number_between(200.0, 2000.0))
    height: float = attrs.field(default=300.0, validator=number_between(150.0, 2000.0))
