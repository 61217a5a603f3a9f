"""Runs of Kronecker products that work block by block, computed as one array of rank 3.

With an identity in common, `kron(eye(k), L) @ diag(v) @ kron(eye(k), R)` is the block diagonal matrix of the
`L @ diag(v[j]) @ R`, and `kron(L, eye(k)) @ diag(v) @ kron(R, eye(k))` holds the same blocks interleaved. A row first
or a column last in place of the identity sets the blocks side by side or one below the other. The zeros are never
multiplied.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import SHAPE, Node
from symprop.algebra.shapes import Shape, same
from symprop.algebra.trees import added, factors_of, is_ones, multiplied
from symprop.analysis.orders import Factor, Tree, best_tree
from symprop.calculus.coefficients import coefficient_and_rest, scaled
from symprop.codegen.matrix_passes import reshaped, typical
from symprop.codegen.targets.code import Code
from symprop.codegen.targets.dialect import Dialect
from symprop.codegen.targets.numpy.source import NUMPY, numpy_source
from symprop.notation.precedence import ATOM, Of, Piece
from symprop.notation.pretty import PRETTY

STRUCTURED = (n.Kron, n.Commutation, n.Diag)
"""Kinds that are applied to a matrix and not built for it."""


class Blocks(Node):
    """The block diagonal matrix of the matrices of a stack; `inside`, of the matrices `out[:, j, :, j] = stack[j]`."""

    def __new__(cls, stack: Node, inside: Any = 0) -> Self:
        return super().__new__(cls, stack, Integer(int(inside)))

    @property
    def inside(self) -> bool:
        return bool(self.args[1])


@SHAPE.row(Blocks)
def _(node: Blocks) -> Shape:
    count, rows, columns = node.operands[0].shape
    return (count * rows, count * columns)


@NUMPY.rows.row(Blocks)
def _(node: Blocks, write: Dialect) -> Code:
    return Code(f"blocks{'_inside' if node.inside else ''}({numpy_source(node.operands[0])})")


@PRETTY.row(Blocks)
def _(node: Blocks, of: Of) -> Piece:
    return Piece(f"blocks{'_inside' if node.inside else ''}({of(node.operands[0]).text})", ATOM)


# ---------------------------------------------------------------- sizes and views


def elements(node: Node) -> int:
    """Return the number of elements of an array at typical sizes."""
    return math.prod(map(typical, node.shape))


# ---------------------------------------------------------------- runs


@dataclass(frozen=True)
class _Run:
    """The factors before `stop`, which work on `count` blocks that are numbered by the right factors if `inside`."""

    stop: int
    inside: bool
    count: Expr
    parts: tuple[Node, ...]
    row: Node | None
    column: Node | None


def by_blocks(parts: Sequence[Node]) -> Iterator[list[Node]]:
    """Yield the ways to write a chain with runs of factors that work block by block worked out, each run as one.

    The chain itself is the last of them.
    """
    if not parts:
        yield []
        return
    runs = [run for inside in (False, True) if (run := _run(parts, inside)) is not None]
    found = [(run.stop, whole) for run in runs if (whole := _whole(run)) is not None]
    for stop, node in (*found, (1, parts[0])):
        for rest in by_blocks(parts[stop:]):
            yield [node, *rest]


def merged_blocks(terms: Sequence[Node]) -> list[Node]:
    """Return the terms of a sum, matrices made of blocks in the same way as one: their zeros are written once."""
    merged: dict[tuple[object, ...], list[Node]] = {}
    for place, term in enumerate(terms):
        coefficient, whole = coefficient_and_rest(term)
        if isinstance(whole, Blocks):
            key: tuple[object, ...] = (whole.inside, whole.operands[0].shape)
            merged.setdefault(key, []).append(scaled(coefficient, whole.operands[0]))
        else:
            merged[place,] = [term]
    return [values[0] if len(key) == 1 else Blocks(added(values), bool(key[0])) for key, values in merged.items()]


def with_ones_split(parts: Sequence[Node]) -> list[Node]:
    """Return the factors of a chain, a Kronecker product with a matrix of ones as two: `ones((r, c))` has rank one.

    >>> [part.text() for part in with_ones_split([n.Kron(n.Identity(4), n.Fill(1, (2, 3)))])]
    ['kron(eye(4), ones((2, 1)))', 'kron(eye(4), ones((1, 3)))']
    """
    split: list[Node] = []
    for part in parts:
        match part:
            case n.Kron(operands=(first, n.Fill(shape=(rows, columns)) as ones)) if 1 not in ones.shape:
                split.append(n.Kron(first, n.Fill(ones.value, (rows, 1))))
                split.append(n.Kron(n.Identity(first.shape[1]), n.Fill(1, (1, columns))))
            case _:
                split.append(part)
    return split


def _run(parts: Sequence[Node], inside: bool) -> _Run | None:
    """Return the longest run at the start of a chain in which a diagonal matrix weighs the blocks, or None."""
    first = next((part for part in parts[:2] if isinstance(part, n.Kron)), None)
    if first is None:
        return None
    sizes = _numbering(first, inside).shape
    count = sizes[1] if sizes[0] == 1 else sizes[0]
    row = column = None
    stop = 0
    while stop < len(parts) and column is None:
        part = parts[stop]
        if isinstance(part, n.Kron):
            over = _numbering(part, inside)
            if stop == 0 and over.shape[0] == 1 and same(over.shape[1], count):
                row = over
            elif over.shape[1] == 1 and same(over.shape[0], count):
                column = over
            elif over != n.Identity(count):
                break
        elif not isinstance(part, n.Diag):
            break
        stop += 1
    within = tuple(parts[:stop])
    weighed = {n.Kron, n.Diag} <= {type(part) for part in within}
    return _Run(stop, inside, count, within, row, column) if weighed else None


def _numbering(node: Node, inside: bool) -> Node:
    """The factor of a Kronecker product that numbers the blocks."""
    return node.operands[1 if inside else 0]


def _whole(run: _Run) -> Node | None:
    """Return the matrix of a run; None where no factor has anything to do in the blocks."""
    stack = _stack(run)
    if stack is None:
        return None
    for ends in (run.row, run.column):
        if ends is not None and not is_ones(ends):
            stack = n.Multiply(n.Reshape(ends, (run.count, 1, 1)), stack)
    _, rows, columns = stack.shape
    if run.row is not None and run.column is not None:
        return n.Sum(stack, 0)
    if run.row is not None:  # side by side
        return reshaped(stack.permuted((1, 2, 0) if run.inside else (1, 0, 2)), (rows, run.count * columns))
    if run.column is not None:  # one below the other
        return reshaped(stack.permuted((1, 0, 2)) if run.inside else stack, (run.count * rows, columns))
    return Blocks(stack, run.inside)


def _stack(run: _Run) -> Node | None:
    """Return the blocks as one array of rank 3: products of the other factors, with weights in between."""
    factors: list[Node] = []
    weights: Node | None = None
    for part in run.parts:
        if isinstance(part, n.Diag):
            more = _weights(part.operands[0], run)
            weights = more if weights is None else n.Multiply(weights, more)
            continue
        block = part.operands[0 if run.inside else 1]
        if isinstance(block, n.Identity):
            continue
        if weights is not None:
            block, weights = _weighed_rows(weights, block), None
        factors.append(block)
    if not factors:
        return None
    if weights is not None:
        factors[-1] = _without_ones(n.Multiply(factors[-1], n.Expand(weights, 1)))
    for place in range(len(factors) - 2, -1, -1):  # a row of ones sums the rows of what comes next
        if is_ones(factors[place]) and factors[place].shape[0] == 1:
            factors[place : place + 2] = [n.Sum(factors[place + 1], factors[place + 1].rank - 2, True)]
    sizes = [Factor(*(Integer(typical(size)) for size in factor.shape[-2:])) for factor in factors]
    return _in_tree(best_tree(sizes), factors) if len(factors) > 1 else factors[0]


def _in_tree(tree: Tree, factors: Sequence[Node]) -> Node:
    return factors[tree] if isinstance(tree, int) else n.MatMul(*(_in_tree(side, factors) for side in tree))


def _weighed_rows(weights: Node, block: Node) -> Node:
    """Return the blocks with their rows multiplied by weights; one row each makes an outer product."""
    if is_ones(block) and block.shape[1] == 1:
        return n.Expand(weights, 2)
    if block.shape[0] == 1:
        return n.Expand(n.Outer(reshaped(weights, weights.shape[:1]), _row(block)), 1)
    return n.Multiply(n.Expand(weights, 2), block)


def _row(block: Node) -> Node:
    return block.operands[0] if isinstance(block, n.Expand) else n.Reshape(block, block.shape[1:])


def _without_ones(stack: n.Multiply) -> Node:
    """Drop ones where weights of rows and of columns spread the blocks already."""
    factors = [part for operand in stack.operands for part in factors_of(operand)]
    kept = [part for part in factors if not is_ones(part)]
    bare = multiplied(kept)
    return bare if bare.shape == stack.shape else stack


def _weights(vector: Node, run: _Run) -> Node:
    """Return the diagonal of a diagonal matrix as one row for each block."""
    each = sympy.cancel(vector.shape[0] / run.count)
    if run.inside:
        return reshaped(vector, (each, run.count)).permuted((1, 0))
    return reshaped(vector, (run.count, each))
