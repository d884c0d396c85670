"""Report a comparison of two settings as a figure: both intervals of every outcome, and what changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth import Reporter, SettingsError, hookimpl
from evisynth_reporters import canvas, printed
from evisynth_reporters.settings_layout import lay_out
from evisynth_reporters.settings_rows import sections

if TYPE_CHECKING:
    from evisynth import SettingsComparison

DPI_RANGE = (20.0, 1200.0)
PLOT_WIDTH_RANGE = (100.0, 2000.0)


def draw(
    comparison: SettingsComparison,
    suffix: str = ".png",
    *,
    title: str | None = None,
    only_changed: bool = False,
    plot_width: float = 220.0,
    dpi: float = 150.0,
) -> bytes:
    """Draw a row per outcome (per subgroup where only these are shown) with its interval under either settings.

    Ratios share a logarithmic axis. Differences have units of their own, so each is drawn in standard errors of its
    first result: the usual 95% interval has the same width everywhere, and which side of no effect it ends on is seen
    as well as how the other differs; the numbers beside are in their units. Rows whose conclusions change are bold,
    with what changes; ``only_changed`` leaves the others out. Raises `MissingExtraError` without matplotlib.
    """
    canvas.require_matplotlib("the settings-comparison reporter")
    for name, value, (low, high) in (("dpi", dpi, DPI_RANGE), ("plot_width", plot_width, PLOT_WIDTH_RANGE)):
        if not low <= value <= high:
            msg = f"{name} is a number from {low:g} to {high:g}, not {value!r}"
            raise SettingsError(msg)
    drawing = lay_out(
        sections(comparison, only_changed=only_changed),
        canvas.text_measure(dpi if suffix == ".png" else canvas.VECTOR_DPI),
        title=printed.one_line(comparison.review.title if title is None else title),
        names=(printed.one_line(comparison.one), printed.one_line(comparison.other)),
        plot_width=plot_width,
        small_print=_small_print(comparison, only_changed=only_changed),
    )
    return canvas.to_bytes(drawing, suffix, dpi)


def _small_print(comparison: SettingsComparison, *, only_changed: bool) -> list[str]:
    changed = sum(outcome.changed for outcome in comparison)
    compared = sum(outcome.compared for outcome in comparison)
    lines = [f"Conclusions of {changed} of {compared} outcomes change (bold; those of subgroups counted)."]
    if only_changed:
        lines.append("Results whose conclusions stay are not shown.")
    for reason, count in comparison.not_compared.items():
        lines.append(f"Not compared: {count} ({printed.one_line(reason)}).")
    return lines


@hookimpl
def reporters() -> list[Reporter]:
    """Offer the figure of two settings."""
    return [
        Reporter(
            "settings-comparison",
            draw,
            of="settings comparison",
            reference="Okabe & Ito (2008), Color Universal Design (palette); Lewis & Clarke (2001), BMJ 322:1479-1480",
            media_types=canvas.MEDIA_TYPES,
        )
    ]
