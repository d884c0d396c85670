"""Sort I² into the bands of the Cochrane Handbook, which overlap: a value may lie in two of them."""

from __future__ import annotations

BANDS: tuple[tuple[float, float, str], ...] = (
    (0.0, 40.0, "might not be important"),
    (30.0, 60.0, "may be moderate"),
    (50.0, 90.0, "may be substantial"),
    (75.0, 100.0, "considerable"),
)
"""Lower and upper end in percent, both within the band, with the Handbook's words (Deeks et al., section 10.10.2)."""


def i2_bands(i2: float) -> tuple[str, ...]:
    """Give the words of every band that an I² in percent lies in, from the lowest up."""
    return tuple(word for low, high, word in BANDS if low <= i2 <= high)
