"""The end of a network, through which the output's Jacobians are short: behind what joins steps, examples, positions.

What stands before a loop, a mean over a batch or a mixing of positions is data for the parameters behind it. So the
last layer behind a recurrence has the block of a network that is this layer alone. Where the output has a row for each
position, and its row reads one row of what stands before it, each position is an example of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sympy import Expr, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Item, System
from symprop.algebra.indices import RowIndex
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import PARAMETER
from symprop.algebra.table import Table
from symprop.algebra.trees import joins_examples, multiplied, variables
from symprop.analysis.curvature.gauss_newton import apart
from symprop.analysis.curvature.tangents import reads
from symprop.calculus.coefficients import scalars_and_rest

POSITION = Symbol("t", integer=True, positive=True)
"""Numbers the positions, from 1."""

THROUGH = "whose way to the output goes through"

ROW = Table("row of a matrix")
"""Rows take a formula with a row for each position, and `Positions`; they return row t."""


@dataclass(frozen=True)
class Positions:
    """The positions of a sequence, or examples: what has a row for each is `count` rows long, and no parameter."""

    count: Expr
    index: Symbol = POSITION

    def holds(self, node: Node) -> bool:
        """Whether a formula has a row for each position."""
        return node.rank == 2 and node.shape[0] == self.count

    def reads(self, node: Node) -> bool:
        """Whether a formula reads something that has."""
        return any(self.holds(each) and each.role != PARAMETER for each in variables(node))

    def at(self, variable: Variable) -> Variable:
        """Return what row t of an array is called, `x[t]`."""
        return variable.change(index=(*variable.index, RowIndex(self.index)), shape=variable.shape[1:])

    def row(self, node: Node) -> Node:
        """Return row t of a formula, in rows t of what it reads.

        Raises:
            LookupError: it needs other rows.
        """
        found: Node = ROW(node, self)
        return found

    def equation(self, equation: Equation) -> Equation:
        """Return the equation of row t of what an equation makes.

        Raises:
            LookupError: it needs other rows, or makes something else.
        """
        if not self.holds(equation.target):
            raise LookupError("what it makes has no row for each position")
        return Equation(self.at(equation.target), self.row(equation.expression), note=equation.note)

    def summed(self, node: Node) -> Node:
        """Return what a formula is the sum of over all positions, in rows t of what it reads.

        Raises:
            LookupError: it is no such sum.
        """
        coefficient, scalars, bare = scalars_and_rest(node)
        match bare:
            case n.MatMul(operands=(n.Transpose(operands=(left,)), right)) if self.holds(left) and self.holds(right):
                inside: Node = n.Outer(self.row(left), self.row(right))
            case n.Sum(operands=(operand,)) if self.holds(operand) and bare.axes == (0,):
                inside = self.row(operand)
            case n.Sum(operands=(operand,)) if self.holds(operand) and bare.axes == (0, 1):
                inside = n.Sum(self.row(operand))
            case _:
                raise LookupError("no sum over positions")
        if any(map(self.reads, scalars)):
            raise LookupError("a number of all positions")
        return multiplied([n.Scalar(coefficient), *scalars, inside])

    def is_alone(self, equation: Equation) -> bool:
        """Whether each row of what an equation makes needs the same row of what it reads."""
        try:
            self.equation(equation)
        except LookupError:
            return False
        return True

    def _beside(self, node: Node, like: Node) -> Node:
        """Return what stands in row t for an operand that is spread over all rows."""
        if not node.rank or (node.rank < like.rank and not self.reads(node)):
            return node
        return self.row(node)


@ROW.row(Node)
def _(node: Node, at: Positions) -> Node:
    raise LookupError(f"a row of {type(node).__name__} reads other rows")


@ROW.row(Variable)
def _(node: Variable, at: Positions) -> Node:
    if not at.holds(node) or node.role == PARAMETER:
        raise LookupError(f"{node.name} has no row for each position")
    return at.at(node)


@ROW.row(n.Fill)
def _(node: n.Fill, at: Positions) -> Node:
    return n.Fill(node.value, node.shape[1:]) if node.rank > 1 else n.Scalar(node.value)


@ROW.row(n.Outer)
def _(node: n.Outer, at: Positions) -> Node:
    left, right = node.operands
    if at.reads(right):
        raise LookupError("a product over positions")
    return n.Multiply(at.row(left), right)


@ROW.row(n.Elementwise)
def _(node: n.Elementwise, at: Positions) -> Node:
    return node.with_operands(at._beside(each, node) for each in node.operands)


@ROW.row(n.MatMul)
def _(node: n.MatMul, at: Positions) -> Node:
    left, right = node.operands
    if at.reads(right):
        raise LookupError("a product over positions")
    return n.MatMul(at.row(left), right)


@ROW.row(n.Softmax)
def _(node: n.Softmax, at: Positions) -> Node:
    if node.rank != 2 or node.axis != 1:
        raise LookupError("a softmax over positions")
    return n.Softmax(at.row(node.operands[0]), 0)


@ROW.row(n.Sum, n.Extreme)
def _(node: n.Sum | n.Extreme, at: Positions) -> Node:
    (inside,) = node.operands
    if inside.rank != 2 or node.axes != (1,):
        raise LookupError("a sum over positions")
    return node.func(at.row(inside), (0,), *node.args[2:])


@ROW.row(n.Expand)
def _(node: n.Expand, at: Positions) -> Node:
    if node.rank != 2 or node.axis != 1:
        raise LookupError("a row is spread over positions")
    return n.Expand(at.row(node.operands[0]), 0)


@dataclass(frozen=True)
class End:
    """The end of a network: `system` has its equations, and as inputs what these read of others.

    `why` says of the parameters that are read elsewhere what stands on their way to the output. With `positions` the
    output has a row for each.
    """

    system: System
    why: dict[Variable, str]
    positions: Positions | None


def end_of(example: System) -> End:
    """Return the end of a network of one example that holds neither loops nor means over a batch.

    Where the output has a row for each position, no equation in it joins these.
    """
    network, _ = apart(example)
    behind = [item for item in example.items if not any(item is each for each in network)]
    positions = Positions(example.output.shape[0]) if example.output.rank == 2 else None
    blocked: dict[Variable, str] = {}
    kept: list[Item] = []
    for item in reversed(network):
        why = _obstacle(item, positions)
        if isinstance(item, Equation):
            why = blocked.get(item.target, why)
        if why:
            blocked.update({each: why for each in reads(item) if each not in blocked})
        else:
            kept.append(item)
    items = (*kept[::-1], *behind)
    made = {item.target for item in items if isinstance(item, Equation)}
    read = dict.fromkeys(each for item in items if isinstance(item, Equation) for each in variables(item.expression))
    parameters = tuple(each for each in example.parameters if each not in blocked and any(map(_reading(each), kept)))
    given = tuple(each for each in read if each not in made and each not in (*parameters, *example.targets))
    system = replace(example, items=items, inputs=given, parameters=parameters, masks=(), states=())
    return End(system, {each: blocked[each] for each in example.parameters if each in blocked}, positions)


def _reading(variable: Variable) -> Callable[[Item], bool]:
    return lambda item: variable in reads(item)


def _obstacle(item: Item, positions: Positions | None) -> str:
    """Say what of an item is no part of the end, if it is not."""
    if not isinstance(item, Equation):
        return f"{THROUGH} a loop over {item.index} = 1, ..., {item.count}"
    if joins_examples(item.expression):
        return f"{THROUGH} {item.name}, a mean over the batch"
    if positions is not None and not positions.is_alone(item):
        return f"{THROUGH} {item.name}, which joins positions"
    return ""
