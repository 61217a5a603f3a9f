"""Trees of nodes: arrays of one number, sums and products of a list, the walk over a tree, replacing parts of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from symprop.algebra.nodes import Add, Fill, Multiply, Node, Scalar, Variable


def ones(*shape: Any) -> Node:
    """Return an array of ones of this shape; with no sizes, the scalar 1.

    >>> ones(2, 3).shape
    (2, 3)
    """
    return Fill(1, shape) if shape else Scalar(1)


def zeros(*shape: Any) -> Node:
    """Return an array of zeros of this shape; with no sizes, the scalar 0."""
    return Fill(0, shape) if shape else Scalar(0)


def is_zero(node: Node) -> bool:
    """Whether `node` is written as zero (a number or a fill)."""
    return isinstance(node, (Scalar, Fill)) and node.value == 0


def added(terms: Sequence[Node]) -> Node:
    """Return the sum of one or more terms, with broadcasting; one alone is itself.

    >>> from symprop.algebra import variable
    >>> a = variable("a", (3,))
    >>> added([a]) == a, added([a, ones(3)]).shape
    (True, (3,))

    Raises:
        ShapeError: the terms do not broadcast.
    """
    return terms[0] if len(terms) == 1 else Add(*terms)


def multiplied(factors: Sequence[Node]) -> Node:
    """Return the elementwise product of one or more factors, with broadcasting; one alone is itself.

    Raises:
        ShapeError: the factors do not broadcast.
    """
    return factors[0] if len(factors) == 1 else Multiply(*factors)


def terms_of(node: Node) -> tuple[Node, ...]:
    """Return the terms of a sum; anything else is one term."""
    return node.operands if isinstance(node, Add) else (node,)


def factors_of(node: Node) -> tuple[Node, ...]:
    """Return the factors of an elementwise product; anything else is one factor."""
    return node.operands if isinstance(node, Multiply) else (node,)


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and all nodes below it, parents first, operands in order."""
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(reversed(top.operands))


def variables(node: Node) -> tuple[Variable, ...]:
    """Return the variables in `node`, each once, in order of appearance.

    >>> from symprop.algebra import variable
    >>> W, x = variable("W", (2, 3)), variable("x", (3,))
    >>> [part.name for part in variables(W @ x + W @ x)]
    ['W', 'x']
    """
    found: dict[Node, None] = {}
    stack = [node]
    while stack:
        top = stack.pop()
        if top not in found:  # a part that is shared is looked at once
            found[top] = None
            stack.extend(reversed(top.operands))
    return tuple(part for part in found if isinstance(part, Variable))


def replace(node: Node, mapping: Mapping[Node, Node]) -> Node:
    """Return `node` with whole sub-nodes replaced.

    Raises:
        ShapeError: a node above a replaced one no longer fits; shapes are checked again on the way up.
    """
    if node in mapping:
        return mapping[node]
    operands = node.operands
    new = tuple(replace(operand, mapping) for operand in operands)
    return node if new == operands else node.with_operands(new)
