"""Warn where the inverse of Freeman and Tukey's transformations depends on the sample size that it is taken for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evisynth import Check, hookimpl
from evisynth_estimators.proportions import freeman_tukey_back
from evisynth_estimators.rates import freeman_tukey_back as freeman_tukey_rate_back

if TYPE_CHECKING:
    from evisynth import FloatArray, Reasons

APART = 0.1
"""How far numbers shown for two sample sizes may be apart, relative to the rarer outcome."""


def size_of_the_inverse(
    y: FloatArray, v: FloatArray, measure: str = "", n: FloatArray | None = None, time: FloatArray | None = None
) -> Reasons:
    """Compare the common-effect mean shown for the harmonic mean of the sizes with that for their mean.

    Pooled transforms have no sample size of their own: small studies beside large ones make the harmonic mean small,
    and with it the result another one, up to 0 where every study had events.
    """
    sizes = {"PFT": n, "IRFT": time}.get(measure)
    back = {"PFT": freeman_tukey_back, "IRFT": freeman_tukey_rate_back}.get(measure)
    if sizes is None or back is None:
        return ()
    used = np.isfinite(y) & (sizes > 0)
    if int(used.sum()) < 2:  # noqa: PLR2004 - one study has its own size
        return ()
    w = 1 / v[used]
    mean = (w * y[used]).sum() / w.sum()
    harmonic, plain = 1 / (1 / sizes[used]).mean(), sizes[used].mean()
    one, other = float(back(mean, harmonic)), float(back(mean, plain))
    rarer = min(other, 1 - other) if measure == "PFT" else other
    if abs(one - other) <= APART * rarer:
        return ()
    others = "the logit or arcsine" if measure == "PFT" else "the logarithm or square root"
    message = (
        f"the result of Freeman and Tukey's transformation depends on the sample size that it is shown for: {one:.3g} "
        f"for the harmonic mean of the sizes ({harmonic:.4g}), which small studies pull down, and {other:.3g} for "
        f"their mean ({plain:.4g}); {others} has no such ambiguity"
    )
    return ((used & (sizes <= harmonic), message),)


@hookimpl
def checks() -> list[Check]:
    """Offer the guard rail of Freeman and Tukey's transformations."""
    return [
        Check(
            "Freeman–Tukey",
            size_of_the_inverse,
            reference="Schwarzer, Chemaitelly, Abu-Raddad & Rücker (2019), Res. Synth. Methods 10:476-483",
        )
    ]
