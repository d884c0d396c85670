"""Name the boxes of a PRISMA 2020 flow diagram."""

from __future__ import annotations

import attrs


@attrs.frozen
class Box:
    """Hold a line of the template: its key (None for a heading of the diagram), place and texts."""

    key: str | None
    node: str | None
    box: str
    text: str
    said: str = ""
    """The description where it is not the text of the box."""
    shown: str | None = None
    """The tooltip where it is not the description."""
    link: str | None = None

    @property
    def description(self) -> str:
        """What the line is about."""
        return self.said or self.text

    @property
    def tooltip(self) -> str:
        """What the interactive diagram shows over the box."""
        return (self.shown or self.description) if self.node is not None else ""

    @property
    def url(self) -> str:
        """Where the interactive diagram leads."""
        leads = self.link is not None or self.node is not None
        return f"{self.link or self.key or self.box}.html" if leads else ""


_DBR, _OTHER = " (databases and registers)", " (other)"
_REASONS = ": [separate reasons and numbers using ; e.g. Reason1, xxx; Reason2, xxx; Reason3, xxx]"
_PREVIOUS, _NEW = "Previous studies", "Identification of new studies via databases and registers"
_OTHERS = "Identification of new studies via other methods"
_FROM = "Records identified from: "

BOXES: tuple[Box, ...] = (
    Box(None, "node4", "prevstud", _PREVIOUS, f"Grey title box; {_PREVIOUS}"),
    Box("previous_studies", "node5", "box1", "Studies included in previous version of review"),
    Box(
        "previous_reports",
        None,
        "box1",
        "Reports of studies included in previous version of review",
        link="previous_reports",
    ),
    Box(None, "node6", "newstud", _NEW, f"Yellow title box; {_NEW}"),
    Box("database_results", "node7", "box2", "Databases", f"{_FROM}Databases", f"{_FROM}Databases and Registers"),
    Box(
        "database_specific_results",
        None,
        "box2",
        "Specific Databases",
        f"{_FROM}specific databases",
        link="database_results",
    ),
    Box("register_results", None, "box2", "Registers", f"{_FROM}Registers"),
    Box(
        "register_specific_results",
        None,
        "box2",
        "Specific Registers",
        f"{_FROM}specific registers",
        link="database_results",
    ),
    Box(None, "node16", "othstud", _OTHERS, f"Grey title box; {_OTHERS}"),
    Box(
        "website_results",
        "node17",
        "box11",
        "Websites",
        f"{_FROM}Websites",
        f"{_FROM}Websites, Organisations and Citation Searching",
    ),
    Box("organisation_results", None, "box11", "Organisations", f"{_FROM}Organisations"),
    Box("citations_results", None, "box11", "Citation searching", f"{_FROM}Citation searching"),
    Box("duplicates", "node8", "box3", "Duplicate records"),
    Box("excluded_automatic", None, "box3", "Records marked as ineligible by automation tools"),
    Box("excluded_other", None, "box3", "Records removed for other reasons"),
    Box("records_screened", "node9", "box4", "Records screened", f"Records screened{_DBR}"),
    Box("records_excluded", "node10", "box5", "Records excluded", f"Records excluded{_DBR}"),
    Box("dbr_sought_reports", "node11", "box6", "Reports sought for retrieval", f"Reports sought for retrieval{_DBR}"),
    Box("dbr_notretrieved_reports", "node12", "box7", "Reports not retrieved", f"Reports not retrieved{_DBR}"),
    Box(
        "other_sought_reports",
        "node18",
        "box12",
        "Reports sought for retrieval",
        f"Reports sought for retrieval{_OTHER}",
    ),
    Box("other_notretrieved_reports", "node19", "box13", "Reports not retrieved", f"Reports not retrieved{_OTHER}"),
    Box(
        "dbr_assessed", "node13", "box8", "Reports assessed for eligibility", f"Reports assessed for eligibility{_DBR}"
    ),
    Box(
        "dbr_excluded",
        "node14",
        "box9",
        "Reports excluded",
        f"Reports excluded{_DBR}{_REASONS}",
        f"Reports excluded{_DBR}",
        "dbrexcludedrecords",
    ),
    Box(
        "other_assessed",
        "node20",
        "box14",
        "Reports assessed for eligibility",
        f"Reports assessed for eligibility{_OTHER}",
    ),
    Box(
        "other_excluded",
        "node21",
        "box15",
        "Reports excluded",
        f"Reports excluded{_OTHER}{_REASONS}",
        f"Reports excluded{_OTHER}",
    ),
    Box("new_studies", "node15", "box10", "New studies included in review"),
    Box("new_reports", None, "box10", "Reports of new included studies"),
    Box("total_studies", "node22", "box16", "Total studies included in review"),
    Box("total_reports", None, "box16", "Reports of total included studies"),
    Box(None, "node1", "identification", "Identification", "Blue identification box"),
    Box(None, "node2", "screening", "Screening", "Blue screening box"),
    Box(None, "node3", "included", "Included", "Blue included box"),
    Box(
        "total_studies_ma",
        "node23",
        "box17",
        "Total studies included in meta-analysis",
        link="total_studies_meta_analysis",
    ),
    Box("total_reports_ma", None, "box17", "Reports of total included studies in meta-analysis"),
)
"""The template of Haddaway et al. (2022), in its order; the last three headings have keys too."""

LISTS = frozenset({"database_specific_results", "register_specific_results", "dbr_excluded", "other_excluded"})
"""Keys that hold lists of names with numbers."""
