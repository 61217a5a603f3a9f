"""Indicators: comparisons, and what is made of them by `and` and `not`, as nodes that are 1 or 0."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import factors_of, multiplied


def is_indicator(node: Node) -> bool:
    """Whether `node` is an indicator, or several of them joined: a product is `and`, one minus it is `not`."""
    return node.is_indicator or is_joined(node)


def is_joined(node: Node) -> bool:
    """Whether `node` is made of indicators by `and` and `not`."""
    if isinstance(node, n.Multiply):
        return all(map(is_indicator, node.operands))
    return opposite(node) is not None and is_indicator(opposite(node) or node)


@for_kinds(n.Add)
def opposite(node: n.Add) -> Node | None:
    """Return `c` where `node` is `1 - c`, else None."""
    if len(node.operands) != 2 or n.Scalar(1) not in node.operands:
        return None
    sign, rest = signed(next(operand for operand in node.operands if operand != n.Scalar(1)))
    return rest if sign < 0 else None


def signed(term: Node) -> tuple[int, Node]:
    """Return the sign of a term of a sum, and the term without it."""
    lead, *rest = factors_of(term)
    if lead.number is None or not lead.number.could_extract_minus_sign():
        return 1, term
    kept = [*([n.Scalar(-lead.number)] if lead.number != -1 or not rest else []), *rest]
    return -1, multiplied(kept)


__all__ = ["is_indicator", "is_joined", "opposite", "signed"]
