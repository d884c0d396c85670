"""Analyse a file for a command: a table of studies once, a review outcome by outcome."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from evisynth.cli.fit import moderators_given, pair, words_given
from evisynth.cli.reviews import outcome_progress
from evisynth.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth.results import MetaAnalysis
    from evisynth.studies import Studies


def analyses_of(file: str, given: dict[str, Any]) -> Iterator[tuple[str, MetaAnalysis]]:
    """Go through the analyses of a file with their titles, and note under ``"whole"`` whether it is a review.

    ``given`` are a command's options: the words of settings, ``settings``, ``exclude``, ``role``, ``format``, ``only``,
    ``moderator`` and, where the command has them, ``by`` and ``formula``.
    """
    from evisynth.fitting import fit  # noqa: PLC0415 - only when a file is analysed
    from evisynth.loading import load  # noqa: PLC0415 - as above
    from evisynth.reviews.analysis import fit_review  # noqa: PLC0415 - as above
    from evisynth.reviews.model import Review  # noqa: PLC0415 - as above

    roles = dict(pair("--role", role, "events_1='deaths treated'") for role in given["role"])
    read = load(Path(file), roles=roles or None, format=given["format"])
    given["whole"] = isinstance(read, Review)
    words, moderators, by = words_given(given), moderators_given(given), given.get("by")
    if not isinstance(read, Review):
        if given["only"]:
            msg = f"--outcome is for reviews, and {file} is one table of studies"
            raise SettingsError(msg)
        studies: Studies = read
        made = fit(studies, settings=given["settings"], exclude=given["exclude"], by=by, moderators=moderators, **words)
        yield "", made
        return
    if moderators or by:
        msg = "moderators and --by are for one table of studies; save the outcome as a table first"
        raise SettingsError(msg)
    with outcome_progress(read, given["only"]) as advance:
        review = fit_review(
            read, given["settings"], exclude=given["exclude"], only=given["only"], progress=advance, **words
        )
    for one in review:
        if one.analysis is not None:
            yield f"{one.place} {one.outcome.name}", one.analysis
