"""Compute what a formula of a record says, in the notation of its source.

Statements are parted by ``;`` and ``,``. Each is an equation whose left side is a symbol (``y``), the square of one
(``s²``) or a function (``J(m)``); words that are no equation are skipped. Letters side by side are multiplied, ``√``
and named functions take what stands next to them. Nothing here knows what a formula is of.
"""

from __future__ import annotations

import math
import re
from statistics import NormalDist
from typing import TYPE_CHECKING

from scipy.special import hyp2f1

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NORMAL = NormalDist()
FUNCTIONS: dict[str, Callable[[float], float]] = {
    "Φ⁻¹": NORMAL.inv_cdf,
    "Φ": NORMAL.cdf,
    "φ": NORMAL.pdf,
    "Γ": math.gamma,
    "ln": math.log,
    "exp": math.exp,
    "asin": math.asin,
    "artanh": math.atanh,
    "arsinh": math.asinh,
    "√": math.sqrt,
    "∛": math.cbrt,
}
FRACTIONS = {"½": 0.5, "¼": 0.25, "⅓": 1 / 3, "⅔": 2 / 3}
POWERS = {"²": 2, "³": 3, "⁴": 4}
NAMED = ("TP", "TN", "FP", "FN", "SE")
TOKEN = re.compile(
    r"\s*(?P<number>\d+(?:\.\d+)?|[½¼⅓⅔])"
    rf"|\s*(?P<function>{'|'.join(FUNCTIONS).replace('φ', 'φ(?=[(])')})"
    r"|\s*(?P<power>[²³⁴])"
    rf"|\s*(?P<symbol>{'|'.join(NAMED)}|Var\(\w+\)|[^\W\d_][\u0300-\u036f]*(?:[₀-₉]+|_[a-z])?'?)"
    r"|\s*(?P<sign>[-+/·^(),;])"
)


class NoFormulaError(Exception):
    """Report words that are no formula."""


def tokens(text: str) -> list[tuple[str, str]]:
    """Split a formula into marks of known kinds."""
    found: list[tuple[str, str]] = []
    place, text = 0, text.strip()
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise NoFormulaError(text[place:])
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


class Formula:
    """Hold the equations of a formula and the numbers that are given."""

    def __init__(self, text: str, given: Mapping[str, float]) -> None:
        self.given = dict(given)
        self.equations: dict[str, str] = {}
        self.functions: dict[str, tuple[str, str]] = {}
        for statement in _parts(text):
            left, equal, right = statement.partition("=")
            if not equal:
                continue
            # Of a chain, y = artanh r = arsinh(…), the last form is computed.
            name, right = left.strip(), right.rpartition("=")[2].strip()
            function = re.fullmatch(r"(\w)\((\w)\)", name)
            if function:
                self.functions[function[1]] = (function[2], right)
            else:
                self.equations[name] = right
        self.names = list(self.equations)

    def value(self, name: str) -> float:
        """Compute a symbol: by its own equation, by that of its square, as given, or for one arm by the general one."""
        if name in self.equations:
            return Reader(self, self.equations[name]).whole()
        if f"{name}²" in self.equations:
            return math.sqrt(Reader(self, self.equations[f"{name}²"]).whole())
        if name in self.given:
            return self.given[name]
        base, arm = name[:-1], name[-1:]
        if base in self.equations and arm in "₁₂":
            # An equation without an arm, c = s/x̄, holds for each.
            own = {key[:-1]: number for key, number in self.given.items() if key.endswith(arm)}
            return Reader(self, self.equations[base], own).whole()
        raise NoFormulaError(name)

    def call(self, name: str, at: float) -> float:
        """Compute a function that the formula defines."""
        variable, right = self.functions[name]
        return Reader(self, right, {variable: at}).whole()


class Reader:
    """Read one side of an equation."""

    def __init__(self, formula: Formula, text: str, local: Mapping[str, float] | None = None) -> None:
        self.formula, self.local, self.marks, self.place = formula, dict(local or {}), tokens(text), 0

    def whole(self) -> float:
        """Compute all of it."""
        value = self._sum()
        if self.place < len(self.marks):
            raise NoFormulaError(str(self.marks[self.place :]))
        return value

    def _next(self) -> tuple[str, str]:
        return self.marks[self.place] if self.place < len(self.marks) else ("end", "")

    def _take(self, mark: str) -> bool:
        taken = self._next() == ("sign", mark)
        self.place += taken
        return taken

    def _sum(self) -> float:
        value = -self._product() if self._take("-") else self._product()
        while True:
            if self._take("+"):
                value += self._product()
            elif self._take("-"):
                value -= self._product()
            else:
                return value

    def _product(self) -> float:
        value = self._factor()
        while True:
            if self._take("/"):
                value /= self._factor()
            elif (
                self._take("·") or self._next()[0] in {"number", "function", "symbol"} or self._next() == ("sign", "(")
            ):
                value *= self._factor()
            else:
                return value

    def _factor(self) -> float:
        value = self._atom()
        while True:
            kind, mark = self._next()
            if kind == "power":
                self.place += 1
                value **= POWERS[mark]
            elif self._take("^"):
                value **= self._atom()
            else:
                return value

    def _atom(self) -> float:
        kind, mark = self._next()
        self.place += 1
        if kind == "number":
            return FRACTIONS[mark] if mark in FRACTIONS else float(mark)
        if (kind, mark) == ("sign", "("):
            value = self._sum()
            if not self._take(")"):
                msg = "a bracket is not closed"
                raise NoFormulaError(msg)
            return value
        if kind == "function":
            # ln x̄ and √R² take a factor, Φ⁻¹(p) what is in brackets.
            return FUNCTIONS[mark](self._atom() if self._next() == ("sign", "(") else self._factor())
        if kind == "symbol" and mark == "F" and self._next() == ("sign", "("):
            return self._hypergeometric()
        if kind == "symbol" and mark in self.formula.functions:
            return self.formula.call(mark, self._atom())
        if kind == "symbol":
            return self.local[mark] if mark in self.local else self.formula.value(mark)
        raise NoFormulaError(mark)

    def _hypergeometric(self) -> float:
        self.place += 1
        a, b, c, x = (self._before(mark) for mark in ",;;)")
        return float(hyp2f1(a, b, c, x))

    def _before(self, mark: str) -> float:
        value = self._sum()
        if not self._take(mark):
            raise NoFormulaError(mark)
        return value


def _parts(text: str) -> list[str]:
    """Split at semicolons and commas outside of brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter in ",;" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
