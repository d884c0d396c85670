"""Check that the counts of a study flow add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evisynth.reviews.model import StudyFlow


def flow_imbalances(flow: StudyFlow) -> Iterator[str]:
    """Say where counts do not follow from those above them, with both numbers; a diagram of zeros is not filled in."""
    counts = {**flow.counts, **_of_lists(flow)}
    if not any(counts.values()):
        return
    yield from _differing(counts, "database_results", "the sum over databases", ("database_specific_results",))
    yield from _differing(counts, "register_results", "the sum over registers", ("register_specific_results",))
    yield from _differing(
        counts,
        "records_screened",
        "identified less removed",
        ("database_results", "register_results"),
        ("duplicates", "excluded_automatic", "excluded_other"),
    )
    yield from _differing(
        counts, "dbr_sought_reports", "screened less excluded", ("records_screened",), ("records_excluded",)
    )
    others = ("website_results", "organisation_results", "citations_results")
    yield from _differing(counts, "other_sought_reports", "identified by other methods", others)
    for of in ("dbr", "other"):
        sought, lost = (f"{of}_sought_reports",), (f"{of}_notretrieved_reports",)
        yield from _differing(counts, f"{of}_assessed", "sought less not retrieved", sought, lost)
    if counts.get("new_reports"):
        assessed, excluded = ("dbr_assessed", "other_assessed"), ("dbr_excluded", "other_excluded")
        yield from _differing(counts, "new_reports", "assessed less excluded", assessed, excluded)
    for of in ("studies", "reports"):
        if counts.get(f"total_{of}"):
            parts = (f"previous_{of}", f"new_{of}")
            yield from _differing(counts, f"total_{of}", "previous and new", parts)
    yield from _too_many(counts)


def _of_lists(flow: StudyFlow) -> Mapping[str, int]:
    """Sum lists in which every number is filled in."""
    numbers = {key: [number for _, number in reasons] for key, reasons in flow.reasons.items()}
    return {key: sum(filter(None, held)) for key, held in numbers.items() if held and None not in held}


def _differing(
    counts: Mapping[str, int], key: str, words: str, plus: tuple[str, ...], minus: tuple[str, ...] = ()
) -> Iterator[str]:
    if key not in counts or not any(name in counts for name in plus):
        return
    follows = sum(counts.get(name, 0) for name in plus) - sum(counts.get(name, 0) for name in minus)
    if counts[key] != follows:
        of = " + ".join(plus) + "".join(f" - {name}" for name in minus)
        yield f"{key} is {counts[key]}, but {words} ({of}) is {follows}"


def _too_many(counts: Mapping[str, int]) -> Iterator[str]:
    for part, whole in (
        ("new_studies", "new_reports"),
        ("total_studies", "total_reports"),
        ("total_studies_ma", "total_studies"),
        ("total_reports_ma", "total_reports"),
    ):
        if counts.get(whole) and counts.get(part, 0) > counts[whole]:
            yield f"{part} is {counts[part]}, more than {whole}, which is {counts[whole]}"
