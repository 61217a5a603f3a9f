"""Names of windows: which matrices select what a convolution or a pool reads, `S1` of the first and so on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sympy import Tuple
from sympy.core.symbol import Str

from symprop.algebra import nodes as n
from symprop.algebra.alike import asked_once
from symprop.algebra.nodes import Fact, Node
from symprop.algebra.sizes import expressions
from symprop.algebra.trees import walk


def selection(builder: Any, lengths: Iterable[Any], before: Iterable[Any]) -> Tuple:
    """Return a new name for the windows of an array of `lengths`, with so many places `before` it along each axis.

    A `Window` or a `Fold` has it as its last argument. Layers with windows count by themselves.

    >>> from symprop.networks.books import Books
    >>> from symprop.networks.builder import Builder
    >>> [selection(Builder(Books()), (28, 28), (1, 1))]
    [(S, (1,), (1,), (1, 1), (28, 28))]
    """
    named = builder.variable("S", builder.index(builder.next_number("selection")), (), "")
    return Tuple(Str(named.letter), Tuple(*named.index), Tuple(named.mark), expressions(before), expressions(lengths))


@asked_once
def rows_of(expression: Node) -> Tuple:
    """Return up to which axis an array has the rows of one matrix, as `Fact("rows", axis)`: those of what it is of."""
    for part in walk(expression):
        rows = part.shape[: part.rows + 1] if isinstance(part, n.Variable) else ()
        if (
            isinstance(part, n.Variable)
            and rows
            and expression.rank > len(rows)
            and expression.shape[: len(rows)] == rows
        ):
            return Tuple(Fact("rows", part.rows))
        whole = part if isinstance(part, n.Fold) else part.operands[0] if isinstance(part, n.Window) else None
        if isinstance(part, n.Windowed) and part.selection is not None and whole and whole.rank == expression.rank:
            return Tuple(Fact("rows", part.axes[-1]))
    return Tuple()
