"""Which formulas are truth values in NumPy, which adds and multiplies those by "or" and "and"."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.trees import is_element

_OF_BOOLEANS = (
    n.Structural,
    n.Reshape,
    n.Diag,
    n.Outer,
    n.Kron,
    n.Extreme,
    n.Concatenate,
)
"""Kinds whose value has the elements of their operands, or products of them: of booleans, it is boolean."""


def is_boolean(node: Node) -> bool:
    """Whether NumPy's value of the text of a node is truth values, which it adds and multiplies by "or" and "and"."""
    if isinstance(node, n.Where):
        return all(map(is_boolean, node.operands[1:]))
    if isinstance(node, n.Take) or is_element(node):
        return is_boolean(node.operands[0])
    if isinstance(node, n.Structural) and node.index_map.outside is not None:
        return False  # what stands outside is a number
    return isinstance(node, n.Compare) or (isinstance(node, _OF_BOOLEANS) and all(map(is_boolean, node.operands)))
