"""Draw what methods are given: effects, tables of studies, designs, requests and whole reviews, for Hypothesis.

::

    from evisynth.testing import strategies
    from hypothesis import given

    @strategies.examples(50)
    @given(sample=strategies.samples(least=2))
    def test_an_estimate_does_not_depend_on_the_sign(sample: strategies.Sample) -> None:
        y, v = sample
        ...

Needs the extra ``testing`` (``pip install 'evisynth[testing]'``); `evisynth.testing` itself does without.
"""

from importlib.util import find_spec

from evisynth.errors import MissingExtraError

if find_spec("hypothesis") is None:
    what = "evisynth.testing.strategies"
    raise MissingExtraError(what, "hypothesis", "testing")

from evisynth.testing.strategies.designed import Designed, designs
from evisynth.testing.strategies.profiles import NIGHTLY, examples, register_profiles
from evisynth.testing.strategies.requested import combinations, requests
from evisynth.testing.strategies.samples import Sample, batches, effects, samples
from evisynth.testing.strategies.tabled import KINDS, Kind, hard_columns, means, studies, tables, text_tables
from evisynth.testing.strategies.whole_reviews import HOSTILE_TEXTS, ReviewParts, reviews

__all__ = [
    "HOSTILE_TEXTS",
    "KINDS",
    "NIGHTLY",
    "Designed",
    "Kind",
    "ReviewParts",
    "Sample",
    "batches",
    "combinations",
    "designs",
    "effects",
    "examples",
    "hard_columns",
    "means",
    "register_profiles",
    "requests",
    "reviews",
    "samples",
    "studies",
    "tables",
    "text_tables",
]
