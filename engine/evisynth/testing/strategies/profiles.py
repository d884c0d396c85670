"""Say how many examples tests take: the same few at every run, or ever new and many more of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterable

USUAL = 100
"""Examples for each property that Hypothesis takes of itself."""
NIGHTLY = "nightly"
"""Name of the profile that takes 100,000 new examples of every property."""


def register_profiles() -> None:
    """Register four profiles with Hypothesis.

    ``repeatable`` takes the same examples at every run, so that a change is judged by what the last one was judged by;
    ``exploring`` as many new ones; ``sweep`` twelve times as many, and ``nightly`` 100,000 of every property, all of
    them new. Load one with ``settings.load_profile`` or ``pytest --hypothesis-profile=…``.
    """
    settings.register_profile("repeatable", derandomize=True, max_examples=USUAL)
    settings.register_profile("exploring", derandomize=False, max_examples=USUAL)
    settings.register_profile("sweep", derandomize=False, max_examples=12 * USUAL, deadline=None, print_blob=True)
    settings.register_profile(NIGHTLY, derandomize=False, max_examples=1000 * USUAL, deadline=None, print_blob=True)


def examples(usual: int = USUAL, *, suppress: Iterable[HealthCheck] = ()) -> settings:
    """Take ``usual`` examples of a property where the profile takes 100, and more of them where it takes more.

    The profile ``nightly`` takes all of its 100,000, however few are usual. Nothing has a deadline, and slow draws are
    no failure: a busy machine is no fault of a law. ``suppress`` names further health checks. To be called where the
    test is defined, after the profile has been loaded.
    """
    profile = settings()
    whole = settings.get_current_profile_name() == NIGHTLY
    return settings(
        profile,
        max_examples=profile.max_examples if whole else max(1, usual * profile.max_examples // USUAL),
        deadline=None,
        suppress_health_check=list({HealthCheck.too_slow, *suppress}),
    )
