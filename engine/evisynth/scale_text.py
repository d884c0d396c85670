"""Write a location–scale model as plain text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evisynth.scale_results import Coefficient, LocationScale, Omnibus

_WIDTH = 100
_LEAST_P = 0.0001
_LINKS = {"log": "log tau² = z'α", "identity": "tau² = z'α"}
_RUNS = {"below": "runs to −∞", "above": "runs to +∞", "undetermined": "runs off"}


def written(model: LocationScale) -> str:
    """Give the whole text."""
    left_out = model.k_total - model.k
    studies = f"k = {model.k}" + (f" ({left_out} of {model.k_total} not fitted)" if left_out else "")
    blocks = [[f"Location-scale model, {model.method}, {model.link} link ({_LINKS[model.link]}), {studies}"]]
    if model.reason is not None:
        blocks.append(_prose(f"No fit: {model.reason}"))
    else:
        blocks += [
            _table("Location", model.location_coefficients, model),
            _table("Scale", model.scale_coefficients, model),
            _tests(model),
            _fit(model),
        ]
    if model.notes:
        blocks.append(["Notes:", *(line for note in model.notes for line in _prose(note, "  "))])
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks if block) + "\n"


def _prose(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}" if 1e-3 <= abs(value) < 1e6 or value == 0 else f"{value:.3e}"  # noqa: PLR2004 - a readable width


def _p(value: float | None) -> str:
    return "" if value is None else f"<{_LEAST_P}" if value < _LEAST_P else f"{value:.4f}"


def _table(part: str, coefficients: Sequence[Coefficient], model: LocationScale) -> list[str]:
    percent = f"{100 * model.level:g}% CI"
    rows = [(part, "Estimate", "SE", model.test, "p", percent, "")]
    for one in coefficients:
        limits = "" if one.ci_low is None else f"{_number(one.ci_low)} to {_number(one.ci_high)}"
        value = _RUNS[one.unbounded] if one.unbounded else _number(one.value)
        rows.append((one.term, value, _number(one.se), _number(one.statistic), _p(one.p_value), limits, ""))
    return _set(rows)


def _set(rows: Iterable[Sequence[str]]) -> list[str]:
    kept = list(rows)
    widths = [max(len(row[j]) for row in kept) for j in range(len(kept[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in kept
    ]


def _tests(model: LocationScale) -> list[str]:
    named = (
        ("Location coefficients", model.location_test),
        ("Scale coefficients", model.scale_test),
        ("Against one tau² (likelihood ratio)", model.likelihood_ratio),
    )
    return [line for name, test in named if test is not None for line in _test(name, test)]


def _test(name: str, test: Omnibus) -> list[str]:
    if test.statistic is None:
        return _prose(f"{name}: no test ({test.reason})")
    if test.df_residual is None:
        shown = f"χ²({test.df}) = {_number(test.statistic)}"
    else:
        shown = f"F({test.df}, {test.df_residual:g}) = {_number(test.statistic)}"
    p = (
        f"no p ({test.reason})"
        if test.p_value is None
        else f"p {_p(test.p_value)}"
        if test.p_value < _LEAST_P
        else f"p = {_p(test.p_value)}"
    )
    return _prose(f"{name}: {shown}, {p}")


def _fit(model: LocationScale) -> list[str]:
    made, criteria = model.maximum, model.criteria
    if made is None or criteria is None:
        return []
    low, high = float(made.tau2.min()), float(made.tau2.max())
    found = made.convergence
    height = f"Log-likelihood {made.log_likelihood:.4f}"
    return [
        f"Fitted tau²: {_number(low)} to {_number(high)}",
        f"{height}, AIC {criteria.aic:.4f}, BIC {criteria.bic:.4f}, AICc {criteria.aicc:.4f}",
        f"Maxima found: {found.modes} (from {found.starts} starts)"
        + ("" if found.settled else "; the highest did not settle to the last digits"),
    ]
