"""Square arrays whose elements above the diagonal are known, of which only what lies below is computed.

Where positions see those before them alone, scores above the diagonal are minus infinity, weights are 0, and so is
what goes back: of long sequences nearly half of all work. Rows are taken some at a time, each block with the columns
up to its last row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.index_maps import AXES
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import added, walk
from symprop.calculus.known_forms import is_map
from symprop.codegen.program import Emit, Names, Program, Statement, rewritten
from symprop.codegen.views import is_view

ROWS = 64
"""Rows of a block: fewer make products too small for BLAS, more compute too much above the diagonal."""

BLOCKS = 8
"""A longer sequence has blocks of more rows."""

HIDDEN = sympy.Piecewise((0, AXES[1] <= AXES[0]), (-sympy.oo, True))
"""The rule of what hides all that comes later: the same in each square along the diagonal."""


def below_the_diagonal(program: Program) -> Program:
    """Compute square arrays that are known above the diagonal in blocks of rows, up to the diagonal."""
    above: dict[Node, Expr] = {}
    for statement in program.statements:
        known = None if statement.name in program.returned else _above(statement.expression, above)
        if known is not None and _length(statement.target) is not None:
            above[statement.target] = known
    if not above:
        return program
    blocks = _Blocks(above, _covered(program, above), Names(program.names))
    return rewritten(program, blocks.change)


def _length(node: Node) -> int | None:
    """Return how many rows a stack of square arrays has, where it is worth blocks."""
    if node.rank < 3 or node.shape[-1] != node.shape[-2] or not node.shape[-1].is_Integer:
        return None
    return int(node.shape[-1]) if node.shape[-1] >= ROWS else None


def _above(node: Node, above: dict[Node, Expr]) -> Expr | None:
    """Return what stands above the diagonal: 0 or minus infinity; None where that is not known."""
    if isinstance(node, n.Known) and node.rule == HIDDEN:
        return -sympy.oo
    parts = [_above(operand, above) for operand in node.operands if isinstance(node, n.Elementwise)]
    match node:
        case n.Add() if -sympy.oo in parts:
            return -sympy.oo
        case n.Multiply() if 0 in parts:
            return Integer(0)
        case n.Map() if is_map(node, "exp") and parts == [-sympy.oo]:
            return Integer(0)
    return above.get(node)


def _covered(program: Program, above: dict[Node, Expr]) -> set[Node]:
    """Return square arrays of which all readers take a product that is 0 above the diagonal."""
    found = {
        each.target for each in program.statements if _length(each.target) is not None and each.target not in above
    }
    found -= {each.target for each in program.statements if each.name in program.returned}
    for statement in program.statements:
        found -= set(_uncovered(statement.expression, above, statement.target in above))
    return found


def _uncovered(node: Node, above: dict[Node, Expr], is_split: bool) -> Iterator[Node]:
    """Yield the arrays that are read above the diagonal too."""
    if isinstance(node, Variable):
        yield node
    is_zero = is_split and isinstance(node, n.Multiply) and _above(node, above) == 0
    for operand in node.operands:
        yield from _inside(operand, above) if is_zero else _uncovered(operand, above, is_split)


def _inside(node: Node, above: dict[Node, Expr]) -> Iterator[Node]:
    """Yield the same of a factor of what is 0 above the diagonal."""
    if isinstance(node, n.Elementwise):
        for operand in node.operands:
            yield from _inside(operand, above)
    elif not isinstance(node, Variable):
        yield from _uncovered(node, above, True)


@dataclass(frozen=True)
class _Blocks:
    """The blocks of each array that has some, while a program is rewritten."""

    above: dict[Node, Expr]
    covered: set[Node]
    names: Names
    made: dict[Node, list[Variable]] = field(default_factory=dict)
    whole: dict[Node, Variable] = field(default_factory=dict)

    def change(self, statement: Statement, emit: Emit) -> Statement:
        target, expression = statement.target, statement.expression
        length = _length(target) if target in self.above or target in self.covered else self._rows(expression)
        if length is None or statement.shape[-1] not in (1, length):
            return statement.with_expression(self._read(expression, statement, emit))
        found = [self._part(expression, span, statement, emit) for span in spans(length)]
        self.made[target] = [self.names.like(target, each) for each in found]
        for name, each in list(zip(self.made[target], found, strict=True))[:-1]:
            emit(Statement(name, each))
        return replace(statement, target=self.made[target][-1], expression=found[-1], whole=target.shape)

    def _rows(self, node: Node) -> int | None:
        """Return how many rows there are, where `node` is something of each row of an array that is in blocks."""
        square = node.operands[0] if isinstance(node, (n.Sum, n.Extreme)) else None
        if square is None or not node.keepdims or node.axes != (square.rank - 1,):
            return None
        needed = -sympy.oo if isinstance(node, n.Extreme) and node.which == "max" else 0
        reads = any(part in self.made for part in walk(square))
        return _length(square) if reads and _above(square, self.above) == needed else None

    # ------------------------------------------------------------ a block

    def _part(self, node: Node, span: Span, statement: Statement, emit: Emit) -> Node:
        """Return the rows of a block of an array, with the columns up to the last of these rows."""
        if not node.rank:
            return node
        if node in self.made:
            return self.made[node][span.place]
        match node:
            case n.Known() if node.rule == HIDDEN:
                mask = n.Known(node.name, node.rule, (span.stop - span.start,) * 2)
                return n.Pad(mask, (1,), ((span.start, 0),)) if span.start else mask
            case n.MatMul():
                left, right = (self._named(each, statement, emit) for each in node.operands)
                return n.MatMul(span.rows(left), span.columns(right))
            case n.Sum() | n.Extreme() if self._rows(node) is not None:
                return node.with_operands([self._part(node.operands[0], span, statement, emit)])
            case n.Elementwise():
                return node.with_operands(self._part(each, span, statement, emit) for each in node.operands)
        return span.of(self._named(self._read(node, statement, emit), statement, emit))

    def _named(self, node: Node, statement: Statement, emit: Emit) -> Node:
        """Return an array of which all blocks read: computed once, before."""
        if is_view(node):
            return self._read(node, statement, emit)
        if node not in self.whole:
            self.whole[node] = self.names.new("product", node, statement.target.index)
            emit(Statement(self.whole[node], self._read(node, statement, emit)))
        return self.whole[node]

    # ------------------------------------------------------------ what reads blocks

    def _read(self, node: Node, statement: Statement, emit: Emit) -> Node:
        """Return what reads arrays that are in blocks: products block by block, all else the whole array."""
        if node in self.made:
            return self._joined(node, statement, emit)
        if isinstance(node, n.MatMul):
            left, right = node.operands
            if self.above.get(left) == 0 and left in self.made:
                right = self._named(right, statement, emit)
                return self._stacked(left, right)
            if self.above.get(swapped(left)) == 0 and swapped(left) in self.made:
                right = self._named(right, statement, emit)
                return self._added(swapped(left), right)
            if any(each in self.made and self.above.get(each) == 0 for each in (right, swapped(right))):
                return swapped(self._read(n.MatMul(swapped(right), swapped(left)), statement, emit))
        operands = [self._read(each, statement, emit) for each in node.operands]
        return node if operands == list(node.operands) else node.with_operands(operands)

    def _stacked(self, left: Node, right: Node) -> Node:
        """`P V`: the rows of each block are those of the result."""
        made = self.made[left]
        parts = [
            n.MatMul(block, span.before(right)) for block, span in zip(made, spans(int(left.shape[-1])), strict=True)
        ]
        return n.Concatenate(*parts, axis=left.rank - 2)

    def _added(self, left: Node, right: Node) -> Node:
        """`P' D`: each block gives something to all rows up to its last."""
        terms = []
        for block, span in zip(self.made[left], spans(length := int(left.shape[-1])), strict=True):
            part = n.MatMul(swapped(block), span.rows(right))
            terms.append(n.Pad(part, (part.rank - 2,), ((0, length - span.stop),)) if span.stop < length else part)
        return added(terms)

    def _joined(self, node: Node, statement: Statement, emit: Emit) -> Node:
        """Return all rows of an array that is in blocks, with what is known above the diagonal."""
        if node not in self.whole:
            value, length = self.above.get(node, Integer(0)), int(node.shape[-2])
            parts: list[Node] = []
            for block, span in zip(self.made[node], spans(length), strict=True):
                short = node.shape[-1] != 1 and span.stop < length
                parts.append(n.Pad(block, (node.rank - 1,), ((0, length - span.stop),), value) if short else block)
            whole = n.Concatenate(*parts, axis=node.rank - 2)
            self.whole[node] = self.names.new("whole", whole, statement.target.index)
            emit(Statement(self.whole[node], whole))
        return self.whole[node]


@dataclass(frozen=True)
class Span:
    """The rows of a block."""

    place: int
    start: int
    stop: int

    def rows(self, node: Node) -> Node:
        return n.Slice(node, node.rank - 2, self.start, self.stop)

    def columns(self, node: Node) -> Node:
        return self._until(node, node.rank - 1)

    def before(self, node: Node) -> Node:
        """The rows up to the last of the block."""
        return self._until(node, node.rank - 2)

    def _until(self, node: Node, axis: int) -> Node:
        return node if node.shape[axis] == self.stop else n.Slice(node, axis, 0, self.stop)

    def of(self, node: Node) -> Node:
        """What meets the block of what has something for each row, each column, or both."""
        node = self.rows(node) if node.rank > 1 and node.shape[-2] != 1 else node
        return self.columns(node) if node.shape[-1] != 1 else node


def spans(length: int) -> tuple[Span, ...]:
    """Return the blocks of so many rows, at least two.

    >>> [(each.start, each.stop) for each in spans(150)]
    [(0, 64), (64, 128), (128, 150)]
    """
    rows = max(ROWS if length >= 2 * ROWS else -(-length // 2), -(-length // BLOCKS))
    starts = range(0, length, rows)
    return tuple(Span(place, start, min(start + rows, length)) for place, start in enumerate(starts))


def swapped(node: Node) -> Node:
    """Return the transposes of the matrices along the last two axes."""
    return node.permuted((*range(node.rank - 2), node.rank - 1, node.rank - 2))


__all__ = ["below_the_diagonal"]
