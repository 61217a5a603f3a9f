"""Which operands an operation reads as it writes, and over which of them it may write."""

from __future__ import annotations

from collections.abc import Iterator

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.codegen.views import is_placed, is_view


def overwritable(expression: Node) -> list[Variable]:
    """Return the operands over which an operation of single elements can write, where nothing else reads them."""
    first, last = expression.operands[0], expression.operands[-1]
    if is_placed(last):
        return [first] if isinstance(first, Variable) else []
    direct = [operand for operand in arrays_read(expression) if isinstance(operand, Variable)]
    if isinstance(expression, n.Where):
        return direct[-1:] if last in direct else []
    return direct


def arrays_read(expression: Node) -> Iterator[Node]:
    """Yield the arrays that an operation reads as it writes: also those below a minus sign or a division bar.

    The arrays in a scalar are not among them: it is computed before anything is written.
    """
    for operand in expression.operands:
        if operand.rank and not is_view(operand):
            yield from arrays_read(operand)
        elif operand.rank:
            yield operand


def base(node: Node) -> Variable:
    """Return the variable of which an operand is a view."""
    while not isinstance(node, Variable):
        node = node.operands[0]
    return node


__all__ = ["arrays_read", "base", "overwritable"]
