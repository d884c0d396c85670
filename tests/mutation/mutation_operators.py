"""Change one place of a module: cosmic-ray's operators as they are, and four of our own in the same form.

Of cosmic-ray's replacements of one binary operator by another only those between neighbours count (``+`` for ``-``,
``*`` for ``/``): ``a << b`` of two floats fails wherever it is run, and would only swell the score.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import cosmic_ray.plugins as cosmic_plugins
import parso.tree as parso_tree
from parso.python.tree import Name, Number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Place = tuple[tuple[int, int], tuple[int, int]]

Node: TypeAlias = Any
"""A node of parso's tree, whose types do not know what kinds of nodes have."""

_plugins: Any = cosmic_plugins  # they have no types
_tree: Any = parso_tree

SMALL = 1e-6
"""Relative change of a constant: a hundred to a million times what the references are compared to."""
NEIGHBOURS = {
    "BinaryOperator": (
        "Add_Sub",
        "Sub_Add",
        "Mul_Div",
        "Div_Mul",
        "Pow_Mul",
        "FloorDiv_Mul",
        "BitOr_BitAnd",
        "BitAnd_BitOr",
    ),
    "ComparisonOperator": (
        *("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Eq_NotEq", "NotEq_Eq"),
        *("Lt_GtE", "GtE_Lt", "Gt_LtE", "LtE_Gt", "Is_IsNot", "IsNot_Is"),
    ),
    "UnaryOperator": ("Delete_USub", "Delete_Not", "Delete_Invert"),
}
OTHERS = (
    *("AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ZeroIterationForLoop", "NumberReplacer"),
)
_PAIRS = {"maximum": "minimum", "max": "min", "argmax": "argmin", "any": "all", "floor": "ceil", "cumsum": "cumprod"}
EXTREMES = _PAIRS | {other: one for one, other in _PAIRS.items()}
SUMS = {"arith_expr", "term"}


class RelativeChange:
    """Change a number by a millionth of itself."""

    def mutation_positions(self, node: Node) -> Iterator[Place]:
        """Give the place of a float other than 0, or of an integer that is added or multiplied."""
        if not isinstance(node, Number):
            return
        value = _value(node)
        if value and (isinstance(value, float) or (_outer_type(node) in SUMS and not _in_subscript(node))):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Node, index: int) -> Node:  # noqa: ARG002 - cosmic-ray's interface
        """Multiply by one and a millionth."""
        return Number(repr(_value(node) * (1.0 + SMALL)), node.start_pos, node.prefix)


class RemoveStatement:
    """Leave a statement out: a call, a change in place, a raise, or a return inside a branch or a loop."""

    def mutation_positions(self, node: Node) -> Iterator[Place]:
        """Give the place of a statement that other statements can do without."""
        if node.type == "simple_stmt" and _removable(node):
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Node, index: int) -> Node:  # noqa: ARG002 - cosmic-ray's interface
        """Put ``pass`` in its place."""
        first = node.children[0]
        node.children[0] = Name("pass", first.start_pos, first.get_first_leaf().prefix)
        return node


class SwapArguments:
    """Let the first two arguments of a call change places."""

    def mutation_positions(self, node: Node) -> Iterator[Place]:
        """Give the place of two arguments by position that differ."""
        if node.type != "arglist" or node.parent is None or node.parent.type != "trailer":
            return
        one, _, two, *_ = node.children
        if "argument" not in (one.type, two.type) and one.get_code().strip() != two.get_code().strip():
            yield one.start_pos, two.end_pos

    def mutate(self, node: Node, index: int) -> Node:  # noqa: ARG002 - cosmic-ray's interface
        """Swap them."""
        node.children[0], node.children[2] = node.children[2], node.children[0]
        return node


class SwapExtreme:
    """Call the opposite: the smallest for the largest, any for all."""

    def mutation_positions(self, node: Node) -> Iterator[Place]:
        """Give the place of a called name that has an opposite."""
        if isinstance(node, Name) and node.value in EXTREMES:
            leaf: Node = node
            following = leaf.get_next_leaf()
            if following is not None and getattr(following, "value", "") == "(":
                yield node.start_pos, node.end_pos

    def mutate(self, node: Node, index: int) -> Node:  # noqa: ARG002 - cosmic-ray's interface
        """Name the opposite."""
        return Name(EXTREMES[node.value], node.start_pos, node.prefix)


@lru_cache(maxsize=1)
def operators() -> Mapping[str, Any]:
    """Give every operator that counts, by name."""
    names = [f"core/Replace{kind}_{change}" for kind, changes in NEIGHBOURS.items() for change in changes]
    core: dict[str, Any] = {name.removeprefix("core/"): _plugins.get_operator(name)() for name in names}
    core |= {name: _plugins.get_operator(f"core/{name}")() for name in OTHERS}
    return core | {one.__name__: one() for one in (RelativeChange, RemoveStatement, SwapArguments, SwapExtreme)}


def _value(node: Node) -> complex:
    return complex(0.0) if "j" in node.value.lower() else _real(node.value)


def _real(text: str) -> float:
    plain = text.replace("_", "")
    return int(plain, 0) if plain.isdigit() else float(plain)


def _outer_type(node: Node) -> str:
    return "" if node.parent is None else node.parent.type


def _in_subscript(node: Node) -> bool:
    above = node.parent
    while above is not None and not above.type.endswith("stmt"):
        if above.type == "trailer" and above.children[0].get_code().strip() == "[":
            return True
        above = above.parent
    return False


def _removable(statement: Node) -> bool:
    what = statement.children[0]
    if what.type == "raise_stmt":
        return True
    if what.type == "return_stmt":
        return bool(_tree.search_ancestor(statement, "if_stmt", "for_stmt", "while_stmt"))
    if what.type == "expr_stmt":
        return what.children[1].type == "augassign" or _changes_in_place(what.children[0])
    return what.type in ("atom_expr", "power") and what.children[-1].get_code().strip().startswith("(")


def _changes_in_place(target: Node) -> bool:
    return target.type in ("atom_expr", "power") and target.children[-1].get_code().strip().startswith("[")
