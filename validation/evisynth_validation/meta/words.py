"""Say in our words what a call of R's package meta asks for."""

from __future__ import annotations

import re
from typing import Any

METHODS = {"Inverse": "IV"}
MEASURES = {"ASD": "AS", "PLOGIT": "PLO", "PRAW": "PR", "MRAW": "MN", "MLN": "MNLN"}


def words_of_metagen(call: str) -> dict[str, Any]:
    """Give the settings of a call of metagen, as its arguments and defaults have it."""
    given = dict(re.findall(r'([\w.]+)="([^"]*)"', call))
    interval = {"classic": "Wald", "HK": "HK", "KR": "KR"}[given.get("method.random.ci", "classic")]
    return {
        "tau2": given["method.tau"],
        "interval": interval,
        "adhoc": given.get("adhoc.hakn.ci") or None,
        "prediction": given.get("method.predict", "V"),
        "i2": {"Q": "q", "tau2": "tau2"}[given.get("method.I2", "Q")],
    }


def words_of_metabin(call: str) -> dict[str, Any]:
    """Give the settings of a call of metabin."""
    given = dict(re.findall(r'\b([A-Za-z.]+)="?([\w.]+)"?(?=[,)])', call))
    method = METHODS.get(given["method"], given["method"])
    words: dict[str, Any] = {
        "settings": "meta",
        "measure": "PETO" if method == "Peto" else MEASURES.get(given["sm"], given["sm"]),
        "method": method,
        "tau2": given.get("method.tau", "REML"),
        # metabin has this one whatever the interval of the mean; the preset follows metagen's advice.
        "prediction": "V",
    }
    if "method.incr" in given:
        words["increment_to"] = given["method.incr"]
    if given.get("incr") == "TACC":
        words["correction"] = "TACC"
    elif "incr" in given:
        words["increment"] = float(given["incr"])
    if given.get("allstudies") == "TRUE":
        words["double_zeros"] = "kept"
    if given.get("MH.exact") == "TRUE":
        words["mh_increment"] = "none"
    if given.get("RR.Cochrane") == "TRUE":
        words["correction"] = "meta-Cochrane"
    if given.get("Q.Cochrane") == "FALSE":
        words["centre"] = "IV"
    if given.get("method.random.ci") == "HK":
        words["interval"] = "HK"
    return words


def words_of_table(call: str) -> dict[str, Any]:
    """Give the settings of a call of metainc, metaprop, metarate, metamean or metacor."""
    given = dict(re.findall(r'([\w.]+)="([^"]*)"', call))
    return {
        "settings": "meta",
        "measure": MEASURES.get(given["sm"], given["sm"]),
        "method": METHODS.get(given.get("method", "Inverse"), given.get("method", "Inverse")),
        "tau2": given["method.tau"],
        "prediction": "V",
    }


HEDGES = 'method.smd="Hedges", exact.smd='
COHEN = 'method.smd="Cohen", exact.smd='
CONVENTIONS: dict[str, dict[str, str]] = {
    f"{HEDGES}TRUE": {"measure": "SMD"},
    f"{HEDGES}FALSE": {"measure": "SMD", "smd_correction": "approximate", "smd_variance": "revman"},
    f"{COHEN}TRUE": {"measure": "SMD", "smd_correction": "none", "vtype": "WT"},
    f"{COHEN}FALSE": {"measure": "SMD", "smd_correction": "none", "vtype": "LS"},
    'method.smd="Glass"': {"measure": "SMD1", "smd_correction": "none", "vtype": "Deeks"},
    "pooledvar=TRUE": {"measure": "MD", "vtype": "HO"},
}
"""How what metacont may be told is called here."""


def words_of_metacont(call: str) -> dict[str, Any]:
    """Give the settings of a call of metacont."""
    given = dict(re.findall(r'([\w.]+)="([^"]*)"', call))
    told = next((words for said, words in CONVENTIONS.items() if said in call), {"measure": given.get("sm", "MD")})
    return {
        "settings": "meta",
        "tau2": given.get("method.tau", "REML"),
        "interval": {"classic": "Wald", "HK": "HK", "KR": "KR"}[given.get("method.random.ci", "classic")],
        "prediction": "V",
        **told,
    }
