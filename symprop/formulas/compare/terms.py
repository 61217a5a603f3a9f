"""The terms of a formula, products multiplied out: what `compare` looks through for a missing one."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.calculus.coefficients import coefficient_and_rest, scaled, spread
from symprop.calculus.tidy import tidy

MOST_TERMS = 200

LINEAR = (n.Sum, n.Transpose, n.Reshape, n.Expand, n.Diag, n.Diagonal)
"""Operations on one array that are linear, so that a sum inside is a sum outside."""


def terms(node: Node) -> tuple[Node, ...]:
    """Return terms whose sum is `node`, each in its shape; the node itself where it is no sum, or one of over 200.

    >>> from symprop.algebra.formula import formula
    >>> [term.text() for term in terms(formula("(x - 2 * y) @ z", x="n", y="n", z="n").node)]
    ['x @ z', '-2 * y @ z']
    """
    found = _terms(tidy(node))
    return tuple(tidy(spread(term, node.shape)) for term in found)


def _terms(node: Node) -> list[Node]:
    coefficient, rest = coefficient_and_rest(node)
    if rest is None:
        return [node]
    return [tidy(scaled(coefficient, part)) for part in _expanded(rest)]


def _expanded(node: Node) -> list[Node]:
    if isinstance(node, n.Add):
        return _bounded([part for term in node.operands for part in _terms(term)], node)
    if isinstance(node, n.Power) and node.exponent in (2, 3):
        return _products(n.Multiply, [_terms(node.operands[0])] * int(node.exponent), node)
    if isinstance(node, (n.Multiply, n.MatMul, n.Outer)):
        whole = isinstance(node, n.Multiply)  # elsewhere a term must have the shape of what it is a term of
        parts = [
            [part if whole else spread(part, operand.shape) for part in _terms(operand)] for operand in node.operands
        ]
        return _products(type(node), parts, node)
    if isinstance(node, LINEAR):
        (operand,) = node.operands
        return [node.with_operands([spread(part, operand.shape)]) for part in _terms(operand)]
    return [node]


def _products(kind: type[Node], parts: list[list[Node]], node: Node) -> list[Node]:
    chosen: list[list[Node]] = [[]]
    for choices in parts:
        chosen = [[*before, choice] for before in chosen for choice in choices]
        if len(chosen) > MOST_TERMS:
            return [node]
    return [node] if len(chosen) == 1 else [kind(*factors) for factors in chosen]


def _bounded(found: list[Node], node: Node) -> list[Node]:
    return found if len(found) <= MOST_TERMS else [node]
