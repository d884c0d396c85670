"""`fit_many` gives what `fit` gives, to 1e-12, whatever the sizes and wherever the rows stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evisynth as es
from evisynth.testing import strategies

if TYPE_CHECKING:
    from collections.abc import Callable

few = strategies.examples(50)
REL = 1e-12


def agree(row: Any, analysis: es.MetaAnalysis) -> None:  # noqa: ANN401 - a row of a frame
    assert row.k == analysis.k
    assert row.k_total == analysis.k_total
    found, spread = analysis.pooled, analysis.heterogeneity
    if found is None:
        assert np.isnan(row.effect)
        assert row.reason
        return
    fit = analysis.fit
    assert fit is not None
    # τ² relative to the variances it is added to; an estimate relative to its standard error.
    tau2 = 0.0 if spread.tau2 is None else spread.tau2
    least = tau2 + float(np.nanmin(fit.v))
    if spread.tau2 is not None and analysis.settings.model == "random":
        assert abs(row.tau2 - tau2) <= 10 * REL * least
    assert abs(row.effect - found.value) <= 10 * REL * (abs(found.value) + found.se)
    assert row.se == pytest.approx(found.se, rel=10 * REL)
    for name in ("ci_low", "ci_high"):
        assert abs(getattr(row, name) - getattr(found, name)) <= 10 * REL * (
            abs(found.value) + abs(getattr(found, name)) + found.se
        )
    assert (None if np.isnan(row.df) else row.df) == found.df
    assert row.p_value == pytest.approx(found.p_value, rel=1e-9, abs=1e-300)
    if spread.df:
        assert spread.q is not None
        assert row.q == pytest.approx(spread.q, rel=1e-10, abs=1e-12)
        assert row.i2 == pytest.approx(spread.i2, rel=1e-9, abs=1e-9)
        assert row.h2 == pytest.approx(spread.h2, rel=1e-9)


@given(data=st.data())
@few
def test_effects_in_any_order(data: st.DataObject) -> None:
    order, samples = data.draw(strategies.batches())
    words: dict[str, Any] = {
        "settings": data.draw(st.sampled_from(["revman5", "revman-web", "metafor", "meta"])),
        "model": data.draw(st.sampled_from(["common", "random"])),
        "tau2": data.draw(st.sampled_from(["DL", "REML", "PM"])),
        "interval": data.draw(st.sampled_from(["Wald", "HK"])),
        "level": data.draw(st.sampled_from([0.8, 0.95])),
    }
    places = np.array(order)
    y, v = np.empty(places.size), np.empty(places.size)
    for g, (own_y, own_v) in enumerate(samples):
        y[places == g], v[places == g] = own_y, own_v
    table = es.fit_many(by=order, y=y, v=v, **words)
    assert table.analysis.tolist() == list(dict.fromkeys(order))
    for row in table.itertuples():
        at: Any = row.analysis
        own_y, own_v = samples[int(at)]
        agree(row, es.fit(es.Effects(own_y, own_v), **words))


@given(data=st.data())
@few
def test_counts_in_any_order(data: st.DataObject, make_studies: Callable[..., es.Studies]) -> None:
    preset, method, model = data.draw(strategies.combinations())
    measure = "PETO" if method == "Peto" else data.draw(st.sampled_from(["OR", "RR", "RD"]))
    tables = data.draw(st.lists(strategies.tables(1, 5), min_size=1, max_size=6))
    order = data.draw(st.permutations([(g, i) for g, table in enumerate(tables) for i in range(len(table))]))
    words: dict[str, Any] = {
        "settings": preset,
        "method": method,
        "model": model,
        "tau2": data.draw(st.sampled_from(["DL", "REML", "PM"])),
    }
    names = ("events_1", "n_1", "events_2", "n_2")
    columns = dict(zip(names, np.array([tables[g][i] for g, i in order], dtype=float).T, strict=True))
    keys = [f"analysis {g}" for g, _ in order]
    many = es.fit_many({"key": keys, **columns}, by="key", measure=measure, **words)
    assert many.analysis.tolist() == list(dict.fromkeys(keys))
    for row in many.itertuples():
        rows = [i for i, key in enumerate(keys) if key == row.analysis]
        agree(row, es.fit(make_studies(**{name: column[rows] for name, column in columns.items()}), measure, **words))
