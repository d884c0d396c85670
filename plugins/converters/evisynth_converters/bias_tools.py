"""Define the tools by which reviewers judge the risk of bias: their domains and words, as published."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_APPLICABLE = "not applicable"
NO_INFORMATION = "no information"


@attrs.frozen(kw_only=True)
class BiasTool:
    """Hold a tool: the words of its judgements from best to worst, and its domains by id.

    ``marks`` find each domain by its name, in any of the wordings that are about.
    """

    name: str
    words: tuple[str, ...]
    domains: Mapping[str, str]
    marks: tuple[str, ...]
    extra: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Domains of its variants, and those on applicability."""
    reference: str

    @property
    def names(self) -> Mapping[str, str]:
        """Every domain's name by its id."""
        return {**self.domains, **self.extra}

    def is_domain(self, name: str) -> bool:
        """Tell whether a text names one of the domains."""
        return any(re.search(mark, name, re.IGNORECASE) for mark in self.marks)


_RANDOMISED = {
    "D1": "Bias arising from the randomization process",
    "D2": "Bias due to deviations from intended interventions",
    "D3": "Bias due to missing outcome data",
    "D4": "Bias in measurement of the outcome",
    "D5": "Bias in selection of the reported result",
}

ROB_2 = BiasTool(
    name="RoB 2",
    words=("low", "some concerns", "high", NO_INFORMATION, NOT_APPLICABLE),
    domains=_RANDOMISED,
    marks=(
        r"randomi[sz]ation process",
        r"deviations? from (the )?intended intervention",
        r"missing outcome data",
        r"measurement of the outcome",
        r"selection of (the )?reported result",
        r"identification (or|and) recruitment",
        r"carry-?\s?over",
    ),
    extra={
        "D1b": "Bias arising from the timing of identification or recruitment of participants",
        "DS": "Bias arising from period and carryover effects",
    },
    reference="Sterne et al. (2019), BMJ 366:l4898; for cluster-randomized trials Eldridge et al. (2021)",
)
ROB_1 = BiasTool(
    name="RoB 1",
    words=("low", "unclear", "high", NO_INFORMATION, NOT_APPLICABLE),
    domains={
        "D1": "Random sequence generation (selection bias)",
        "D2": "Allocation concealment (selection bias)",
        "D3": "Blinding of participants and personnel (performance bias)",
        "D4": "Blinding of outcome assessment (detection bias)",
        "D5": "Incomplete outcome data (attrition bias)",
        "D6": "Selective reporting (reporting bias)",
        "D7": "Other bias",
    },
    marks=(
        r"sequence generation",
        r"allocation concealment",
        r"blinding",
        r"incomplete outcome",
        r"selective (outcome )?reporting",
        r"^other\b.*\bbias",
        r"free of (other bias|selective)",
    ),
    reference="Higgins et al. (2011), BMJ 343:d5928",
)
ROBINS_I = BiasTool(
    name="ROBINS-I",
    words=("low", "moderate", "serious", "critical", NO_INFORMATION, NOT_APPLICABLE),
    domains={
        "D1": "Bias due to confounding",
        "D2": "Bias in selection of participants into the study",
        "D3": "Bias in classification of interventions",
        "D4": "Bias due to deviations from intended interventions",
        "D5": "Bias due to missing data",
        "D6": "Bias in measurement of outcomes",
        "D7": "Bias in selection of the reported result",
    },
    marks=(
        r"confounding",
        r"selection of participants",
        r"classification of (the )?intervention",
        r"deviations? from (the )?intended intervention",
        r"missing data",
        r"measurement of (the )?outcome",
        r"selection of (the )?reported result",
    ),
    reference="Sterne et al. (2016), BMJ 355:i4919",
)
ROBINS_E = BiasTool(
    name="ROBINS-E",
    words=("low", "some concerns", "high", "very high", NO_INFORMATION, NOT_APPLICABLE),
    domains={
        "D1": "Bias due to confounding",
        "D2": "Bias arising from measurement of the exposure",
        "D3": "Bias in selection of participants into the study (or into the analysis)",
        "D4": "Bias due to post-exposure interventions",
        "D5": "Bias due to missing data",
        "D6": "Bias arising from measurement of the outcome",
        "D7": "Bias in selection of the reported result",
    },
    marks=(
        r"confounding",
        r"measurement of (the )?exposure",
        r"selection of participants",
        r"post-?\s?exposure intervention",
        r"missing data",
        r"measurement of (the )?outcome",
        r"selection of (the )?reported result",
    ),
    reference="Higgins et al. (2024), Environ. Int. 186:108602",
)
QUADAS_2 = BiasTool(
    name="QUADAS-2",
    # The tool's own word between low and high is "unclear"; robvis writes "some concerns".
    words=("low", "unclear", "some concerns", "high", NO_INFORMATION, NOT_APPLICABLE),
    domains={
        "D1": "Patient selection",
        "D2": "Index test",
        "D3": "Reference standard",
        "D4": "Flow and timing",
    },
    marks=(
        r"patient selection|selection of patients",
        r"index test",
        r"reference standard",
        r"flow and timing|flow & timing|patient flow",
        r"applicability|are there concerns|review question",
    ),
    extra={
        "A1": "Applicability: patient selection",
        "A2": "Applicability: index test",
        "A3": "Applicability: reference standard",
    },
    reference="Whiting et al. (2011), Ann. Intern. Med. 155:529-536",
)
QUIPS = BiasTool(
    name="QUIPS",
    words=("low", "moderate", "high", NO_INFORMATION, NOT_APPLICABLE),
    domains={
        "D1": "Study participation",
        "D2": "Study attrition",
        "D3": "Prognostic factor measurement",
        "D4": "Outcome measurement",
        "D5": "Study confounding",
        "D6": "Statistical analysis and reporting",
    },
    marks=(
        r"participation",
        r"attrition",
        r"prognostic factor",
        r"outcome measurement",
        r"confounding",
        r"statistical analysis",
    ),
    reference="Hayden et al. (2013), Ann. Intern. Med. 158:280-286",
)
BIAS_DIRECTION = BiasTool(
    name="Bias direction",
    words=("low", "moderate", "serious", "high", "critical", NO_INFORMATION, NOT_APPLICABLE),
    domains={},
    marks=(),
    reference="Turner et al. (2009), J. R. Stat. Soc. A 172:21-47, on the size and direction of biases",
)

TOOLS: Mapping[str, BiasTool] = {
    tool.name: tool for tool in (ROB_2, ROB_1, ROBINS_I, ROBINS_E, QUADAS_2, QUIPS, BIAS_DIRECTION)
}
