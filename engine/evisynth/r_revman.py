"""Write in R's own arithmetic what RevMan does and metafor has no call for: Mantel–Haenszel with RevMan's zero cells.

Source of the variances: Robins, Breslow & Greenland (1986), Biometrics 42:311-323, for odds ratios; Greenland & Robins
(1985), Biometrics 41:55-68, for risk ratios and differences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evisynth.results import MetaAnalysis

HALF = 0.5
_CELLS = (
    "# RevMan adds 1/2 to all four cells of a study with an empty one, within the sums too",
    "half <- with(dat, ifelse(events_1 == 0 | events_1 == n_1 | events_2 == 0 | events_2 == n_2, 1/2, 0))",
    "a <- dat$events_1 + half; b <- dat$n_1 - dat$events_1 + half",
    "c <- dat$events_2 + half; d <- dat$n_2 - dat$events_2 + half",
    "n1 <- a + b; n2 <- c + d; N <- n1 + n2",
)
_OF_MEASURE = {
    "OR": (
        "yi <- log(a*d/(b*c)); vi <- 1/a + 1/b + 1/c + 1/d",
        "R <- sum(a*d/N); S <- sum(b*c/N)",
        "mh <- log(R/S)",
        "P <- (a+d)/N; Q <- (b+c)/N",
        "se <- sqrt(sum(P*a*d/N)/(2*R^2) + sum(P*b*c/N + Q*a*d/N)/(2*R*S) + sum(Q*b*c/N)/(2*S^2))",
    ),
    "RR": (
        "yi <- log((a/n1)/(c/n2)); vi <- 1/a + 1/c - 1/n1 - 1/n2",
        "R <- sum(a*n2/N); S <- sum(c*n1/N)",
        "mh <- log(R/S)",
        "se <- sqrt(sum((n1*n2*(a+c) - a*c*N)/N^2)/(R*S))",
    ),
    "RD": (
        "# Effects and weights are of the cells as they are, variances of the corrected ones",
        "yi <- with(dat, events_1/n_1 - events_2/n_2); vi <- a*b/n1^3 + c*d/n2^3",
        "w <- with(dat, n_1*n_2/(n_1 + n_2))",
        "mh <- sum(w*yi)/sum(w)",
        "se <- sqrt(sum((a*b*n2^3 + c*d*n1^3)/(n1*n2*N^2))/sum(w)^2)",
        "if (length(yi) == 1) se <- sqrt(vi)",
    ),
}
_SPREAD = (
    "k <- length(yi); wi <- 1/vi",
    "QE <- sum(wi*(yi - mh)^2)",
)
_RANDOM = (
    "# DerSimonian and Laird's tau^2 from Q about the Mantel-Haenszel estimate",
    "tau2 <- if (k > 1) max(0, (QE - (k-1))/(sum(wi) - sum(wi^2)/sum(wi))) else 0",
)


def revman_lines(analysis: MetaAnalysis, level: str) -> Sequence[str] | None:
    """Give the lines after the data; None where these rules are not those of the analysis."""
    settings, measure, cells = analysis.settings, analysis.effects.measure, analysis.effects.cells
    if cells is None or measure not in _OF_MEASURE or analysis.methods.pooling.name != "MH":
        return None
    own = settings.correction == "revman" and settings.increment == HALF and settings.increment_to == "only0"
    plain = settings.double_zeros == "by correction" and settings.mh_increment == "by correction"
    if not (own and plain) or (settings.model == "random" and (settings.tau2 != "DL" or settings.interval != "Wald")):
        return None
    raw, rows = cells.raw, list(analysis.rows)
    everyone = [i for i in rows if raw.a[i] == raw.n_1[i] and raw.c[i] == raw.n_2[i]]
    if measure == "RR" and everyone:
        return None
    start = [*_CELLS, *_OF_MEASURE[measure], *_SPREAD]
    if settings.model == "common":
        return [*start, "res <- list(beta=mh, se=se, QE=QE, k=k, tau2=0)", "print(res)"]
    words = f'yi, vi, tau2=tau2, method="DL", test="z", level={level}, slab=dat$study'
    about = ("# Q about the Mantel-Haenszel estimate, as RevMan shows it", "res$QE <- QE")
    return [*start, *_RANDOM, f"res <- rma({words})", "print(res, digits=6)", *about]
