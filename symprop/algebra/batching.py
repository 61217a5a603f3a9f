"""The batch table: the same formula for a batch of examples, one row for each kind of node (as `jax.vmap` does it).

A batched array has one more axis: the first in layout "rows", the last in layout "columns". A row of the table gets
the node as it stands for one example and its operands, each with whether it carries the batch axis; it is only asked
where one of them does. The loss of a batch is the mean of the losses of its examples.

A kind that joins the examples (`joins_examples`) takes the batch axis away: what it makes is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import sympy
from sympy import Expr, Integer, Tuple

from symprop.algebra import nodes as n
from symprop.algebra.alike import pattern, renumbered
from symprop.algebra.equations import Equation, Item, Mask, Rows, System
from symprop.algebra.index_maps import AXES
from symprop.algebra.kinds.patterns import Number
from symprop.algebra.nodes import Fact, Node, Variable
from symprop.algebra.table import Table
from symprop.algebra.trees import added, factors_of, multiplied, numbers_apart, ones, terms_of, variables

BATCH = Table("batch")
BATCH_SIZE = sympy.Symbol("m", integer=True, positive=True)


@dataclass(frozen=True)
class Operand:
    """An operand in a batch: `node`, whether it carries the batch axis, and its rank for one example."""

    node: Node
    batched: bool
    rank: int


@dataclass(frozen=True)
class Batch:
    """What the rows need to know of the batch; they ask for axes and never compute with the layout themselves."""

    mapping: Mapping[Variable, Variable]
    size: Expr
    rows: bool

    def axis(self, axis: int) -> int:
        """Where `axis` of one example stands in a batched array."""
        return axis + 1 if self.rows else axis

    def own_axis(self, rank: int) -> int:
        """Where the examples lie in a batch of arrays of `rank` axes."""
        return 0 if self.rows else rank

    def shape(self, shape: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """The shape of a batch of arrays of `shape`."""
        return (self.size, *shape) if self.rows else (*shape, self.size)

    def order(self, axes: tuple[int, ...]) -> tuple[int, ...]:
        """The axes of one example in another order, as an order for the batch."""
        return (0, *(axis + 1 for axis in axes)) if self.rows else (*axes, len(axes))

    def aligned(self, operand: Operand, rank: int) -> Node:
        """The operand so that it broadcasts against batched arrays of example rank `rank`."""
        if operand.batched and self.rows:  # (m, n) against (m, k, n): new axes after the batch
            return expanded(operand.node, *[1] * (rank - operand.rank))
        if not operand.batched and not self.rows and operand.rank > 0:  # b[:, None] against (n, m)
            return n.Expand(operand.node, operand.rank)
        return operand.node


def expanded(node: Node, *axes: int) -> Node:
    """Return `node` with new axes of length 1, one after the other."""
    for axis in axes:
        node = n.Expand(node, axis)
    return node


def batched(expression: Node, mapping: Mapping[Variable, Variable], size: Expr, layout: str) -> Node:
    """Return `expression` for a batch of `size` examples; `mapping` gives the variables that carry the batch axis.

    >>> from symprop.algebra import variable
    >>> W, x, X = variable("W", (3, 4)), variable("x", (4,)), variable("x", ("m", 4))
    >>> batched(W @ x, {x: X}, BATCH_SIZE, "rows") == X @ W.T
    True

    Raises:
        ShapeError: an operation that has no form for batches.
    """
    return _in_batch(expression, Batch(mapping, size, layout == "rows")).node


def _in_batch(node: Node, batch: Batch) -> Operand:
    if isinstance(node, Variable):
        return Operand(batch.mapping.get(node, node), node in batch.mapping, node.rank)
    operands = [_in_batch(operand, batch) for operand in node.operands]
    if node.joins_examples:
        return Operand(BATCH(node, batch, *operands), False, node.rank)
    if not any(operand.batched for operand in operands):  # they may be other than they were: what joins the examples
        same = all(operand.node is old for operand, old in zip(operands, node.operands, strict=True))
        return Operand(node if same else node.with_operands(each.node for each in operands), False, node.rank)
    return Operand(BATCH(node, batch, *operands), True, node.rank)


@BATCH.row(n.Leaf)
def _(node: Node, batch: Batch) -> Node:
    return node


@BATCH.row(n.Elementwise)
def _(node: Node, batch: Batch, *operands: Operand) -> Node:
    return node.with_operands(batch.aligned(operand, node.rank) for operand in operands)


@BATCH.row(n.MatMul)
def _(node: n.MatMul, batch: Batch, left: Operand, right: Operand) -> Node:
    if not batch.rows:
        return _matmul_columns(node, left, right)
    rank = max(left.rank, right.rank)
    if right.batched and right.rank == 1:
        if left.rank <= 2 and not left.batched:  # W @ x[b] for every b is X @ W.T
            return n.MatMul(right.node, swapped(left.node))
        return n.Sum(left.node * expanded(right.node, *[1] * (rank - 1)), rank)  # sum_j A[b, .., i, j] x[b, j]
    if left.batched and left.rank == 1 and (right.batched or rank > 2):  # sum_i x[b, i] A[b, .., i, j]
        return n.Sum(expanded(left.node, *[1] * (rank - 2), rank) * right.node, rank - 1)
    if left.rank == 1 or right.rank == 1:
        return n.MatMul(left.node, right.node)  # NumPy's `@` takes leading axes along
    return n.MatMul(batch.aligned(left, rank), batch.aligned(right, rank))


def _matmul_columns(node: n.MatMul, left: Operand, right: Operand) -> Node:
    if left.batched and right.batched and left.rank == right.rank == 1:
        return n.Sum(left.node * right.node, 0)
    if right.batched and not left.batched and right.rank == 1 and left.rank <= 2:
        return n.MatMul(left.node, right.node)
    if left.batched and not right.batched and left.rank == 1 and right.rank <= 2:
        return n.MatMul(swapped(right.node), left.node)
    # Matrices with the batch in the last axis are outside what `@` can say: by way of rows, and back.
    rows = BATCH(node, Batch({}, Integer(1), True), batch_first(left), batch_first(right))
    return n.Transpose(rows, (*range(1, node.rank + 1), 0))


def batch_first(operand: Operand) -> Operand:
    """The operand of layout "columns" as it is in layout "rows"."""
    if not operand.batched:
        return operand
    return replace(operand, node=n.Transpose(operand.node, (operand.rank, *range(operand.rank))))


def swapped(matrix: Node) -> Node:
    """The last two axes swapped; a vector stays, and a transposed matrix loses its transpose."""
    rank = matrix.rank
    return matrix if rank == 1 else matrix.permuted((*range(rank - 2), rank - 1, rank - 2))


@BATCH.row(n.Outer)
def _(node: n.Outer, batch: Batch, left: Operand, right: Operand) -> Node:
    column = Operand(n.Expand(left.node, batch.axis(1) if left.batched else 1), left.batched, 2)
    return n.Multiply(batch.aligned(column, 2), batch.aligned(right, 2))


@BATCH.row(n.Transpose)
def _(node: n.Transpose, batch: Batch, operand: Operand) -> Node:
    return operand.node if node.rank < 2 else n.Transpose(operand.node, batch.order(node.axes))


@BATCH.row(n.Reduction, n.Softmax, n.First)
def _(node: n.Reduction | n.Softmax | n.First, batch: Batch, operand: Operand) -> Node:
    return node.along(operand.node, batch.axis) if operand.rank else operand.node


@BATCH.row(n.BatchMean)
def _(node: n.BatchMean, batch: Batch, operand: Operand) -> Node:
    if not operand.batched:  # the mean of what is the same for all examples
        return operand.node
    axis = batch.own_axis(operand.rank)
    match operand.node:
        case n.Multiply(operands=(n.Scalar() as share, n.Sum(keepdims=False) as total)):  # over the positions too
            left = [place for place in range(total.operands[0].rank) if place not in total.axes]
            mean = n.Sum(total.operands[0], sorted((left[axis], *total.axes)))
            return n.Multiply(n.Scalar(share.value / batch.size), mean)
    return n.Multiply(n.Scalar(1 / batch.size), n.Sum(operand.node, axis))


@BATCH.row(n.Structural)
def _(node: n.Structural, batch: Batch, operand: Operand) -> Node:
    moved = node.along(operand.node, batch.axis)
    if batch.rows:
        return moved
    last = AXES.index(moved.index_map.places[-1])  # where the batch, the operand's last axis, has come to stand
    order = [*(axis for axis in range(moved.rank) if axis != last), last]
    return moved if last == node.rank else n.Transpose(moved, order)


@BATCH.row(n.Fold)
def _(node: n.Fold, batch: Batch, operand: Operand) -> Node:
    if batch.rows:
        return node.along(operand.node, batch.axis)
    windows = range(node.rank, operand.rank)  # these stand behind the batch
    return node.along(n.Transpose(operand.node, (*range(node.rank), operand.rank, *windows)), batch.axis)


@BATCH.row(n.Reshape)
def _(node: n.Reshape, batch: Batch, operand: Operand) -> Node:
    return n.Reshape(operand.node, batch.shape(node.shape))


@BATCH.row(n.Diag)
def _(node: n.Diag, batch: Batch, operand: Operand) -> Node:
    eye = Operand(n.Identity(node.shape[0]), False, 2)  # v[b, j] * (i == j)
    return n.Multiply(n.Expand(operand.node, 1), batch.aligned(eye, 2))


@BATCH.row(n.Diagonal)
def _(node: n.Diagonal, batch: Batch, operand: Operand) -> Node:
    eye = Operand(n.Identity(node.shape[0]), False, 2)  # sum_j A[b, i, j] * (i == j)
    return n.Sum(n.Multiply(operand.node, batch.aligned(eye, 2)), batch.axis(1))


def batched_variable(variable: Variable, batch: Batch) -> Variable:
    """Return a variable with the batch axis; facts that speak of an axis move along."""

    def make() -> Variable:
        facts = (Fact(fact.kind, batch.axis(int(fact.value))) if fact.is_of_axis else fact for fact in variable.facts)
        return variable.change(shape=Tuple(*batch.shape(variable.shape)), facts=Tuple(*facts))

    return variable.like((batch.size, batch.rows), make)


def mean(node: Node, size: Expr) -> Node:
    """Return the mean over a batch of losses of shape (size,); terms and factors without a batch axis stay outside."""
    terms = terms_of(node)
    means = [_mean_of_term(term, size) if term.rank else term for term in terms]
    return added(means)


def _mean_of_term(term: Node, size: Expr) -> Node:
    factors = [part for factor in factors_of(term) for part in factors_of(factor)]
    coefficient, rest = numbers_apart(factors)
    product = multiplied([factor for factor in rest if factor.rank])
    inner = product.operands[0] if isinstance(product, n.Sum) and not product.keepdims else product
    same = [factor for factor in rest if not factor.rank]
    return n.Multiply(n.Scalar(coefficient / size), *same, n.Sum(inner))


def batched_system(system: System, layout: str) -> System:
    """Return a system of one example for a batch, in "rows" or "columns"; the loss is the mean of the examples'."""
    mapping: dict[Variable, Variable] = {}
    batch = Batch(mapping, BATCH_SIZE, layout == "rows")

    def enter(variable: Variable) -> Variable:
        return mapping.setdefault(variable, batched_variable(variable, batch))

    starts = {loop.start(carry) for loop in system.loops for carry in loop.carries}
    forms: dict[object, tuple[tuple[Number, ...], Operand]] = {}

    def in_batch(expression: Node) -> Operand:
        """A formula in a batch, once for those that are alike in which the same arrays carry the batch axis."""
        common, numbers = pattern(expression)
        key = common, tuple([each in mapping for each in variables(expression)])
        if key not in forms:
            forms[key] = numbers, _in_batch(expression, batch)
        old, found = forms[key]
        if old == numbers:
            return found
        return replace(found, node=renumbered(found.node, dict(zip(old, numbers, strict=True))))

    def one(equation: Equation) -> Equation:
        result = in_batch(equation.expression)
        if equation.target in starts and not result.batched:  # a state that starts the same for all examples
            shape = batch.shape(equation.target.shape)
            spread: Node = n.Multiply(batch.aligned(result, result.rank), ones(*shape))
            if isinstance(result.node, n.Fill):
                spread = n.Fill(result.node.constant, shape)
            result = Operand(spread, True, result.rank)
        if equation.target == system.loss and result.batched:
            result = Operand(mean(result.node, BATCH_SIZE), False, 0)
        target = enter(equation.target) if result.batched else equation.target
        return replace(equation, target=target, expression=result.node, steps=())

    inputs, targets = tuple(map(enter, system.inputs)), tuple(map(enter, system.targets))
    for mask in system.masks:
        enter(mask.variable)
    items = tuple(_batched_item(item, batch, enter, one) for item in system.items)
    moved = mapping.get
    return replace(
        system,
        items=items,
        inputs=inputs,
        targets=targets,
        output=moved(system.output, system.output),
        prediction=system.prediction and moved(system.prediction, system.prediction),
        layout=layout,
        batch=BATCH_SIZE,
        masks=tuple(
            Mask(mapping[each.variable], each.drop, mapping[each.output], moved(each.value, each.value))
            for each in system.masks
        ),
    )


def _batched_item(
    item: Item, batch: Batch, enter: Callable[[Variable], Variable], one: Callable[[Equation], Equation]
) -> Item:
    if isinstance(item, Equation):
        return one(item)

    def entered(rows: Rows) -> Rows:
        return Rows(enter(rows.row), enter(rows.array), batch.axis(rows.axis))

    befores = [enter(carry.before) for carry in item.carries]
    reads = tuple(rows if rows.array not in batch.mapping else entered(rows) for rows in item.reads)
    items = tuple(_batched_item(inside, batch, enter, one) for inside in item.items)
    for carry in item.carries:
        enter(item.end(carry))  # what stands after the loop reads its last step
    ends = zip(befores, item.carries, strict=True)
    carries = tuple(replace(carry, before=before, after=enter(carry.after)) for before, carry in ends)
    writes = tuple(map(entered, item.writes))
    return replace(item, items=items, carries=carries, reads=reads, writes=writes)
