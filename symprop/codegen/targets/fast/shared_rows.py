"""Two threads: each makes a step with half of the rows of a batch.

An array with the axis of the batch is then a thread's rows of it. What a sum over the rows gives is a *part*: its value
is the sum of both threads' parts. What is linear in a part is one again, and of what is the same in both threads each
adds its share, as many of the batch's rows as it has. So the loss and the gradients are parts, which are added up when
both threads are done. Where anything else reads a part, as a norm its statistics, the threads meet for the `Total`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Symbol

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.nodes import SHAPE, Node, Scalar, Variable
from symprop.algebra.shapes import Shape
from symprop.algebra.trees import factors_of, is_zero
from symprop.codegen.kinds import Copy, Inner, Lines, OfPrograms
from symprop.codegen.patches import PatchGradient
from symprop.codegen.program import Emit, Names, Program, ProgramError, Statement, rewritten
from symprop.codegen.scans import Scan, is_over_moments
from symprop.codegen.targets.code import Code
from symprop.codegen.targets.dialect import Dialect
from symprop.codegen.targets.fast.calls import CALLS, Call
from symprop.codegen.targets.numpy.source import NUMPY, numpy_source
from symprop.codegen.views import gives_view
from symprop.errors import SpecError

BATCH = Symbol("batch", integer=True, positive=True)
"""The rows of the whole batch, where `m` is those of a thread."""


class Total(OfPrograms):
    """The sum of both threads' parts."""


@SHAPE.row(Total)
def _(node: Total) -> Shape:
    return node.operands[0].shape


@NUMPY.rows.row(Total)
def _(node: Total, write: Dialect) -> Code:
    return Code(f"yield {write(node.operands[0]).text}")


@CALLS.row(Total)
def _(node: Total) -> Call:
    return Call("", fill=(f"{{}}[...] = {numpy_source(node)}",))


def shared_rows(program: Program) -> Program:
    """Let a thread compute with some rows of a batch: parts of sums over all rows, and totals where these are read."""
    rows = _Rows(Names(program.names))
    loss = program.returns[0]

    def change(statement: Statement, emit: Emit) -> Statement:
        expression, is_part = rows.of(statement.expression, emit)
        if statement.name == loss or (statement.target.is_of_gradient and statement.name in program.returned):
            expression, is_part = expression if is_part else _share(expression), True
        elif is_part and statement.name in program.returned:
            expression, is_part = Total(rows.named(expression, emit)), False
        if is_part:
            rows.parts.add(statement.target)
        return statement.with_expression(expression)

    return rewritten(program, change)


@dataclass
class _Rows:
    """What is known while a program is rewritten: which variables are parts, and the totals that were asked for."""

    names: Names
    parts: set[Node] = field(default_factory=set)
    totals: dict[Node, Variable] = field(default_factory=dict)

    def of(self, node: Node, emit: Emit) -> tuple[Node, bool]:
        """Return what a thread computes of a node, and whether that is a part.

        Raises:
            ProgramError: rows meet in another way than in a sum.
        """
        if isinstance(node, (Scalar, n.Fill)):
            value = node.args[0].xreplace({BATCH_SIZE: BATCH})
            return node.func(value, *node.args[1:]), False
        found = [self.of(operand, emit) for operand in node.operands]
        is_part = [part for _, part in found]
        operands = [operand for operand, _ in found]
        if isinstance(node, Scan) and not is_over_moments(node):
            raise SpecError(
                "threads=2 splits the sums over a batch, and with remat they are made inside of the loop over windows\n"
                "allowed: threads=1, or no remat"
            )
        if isinstance(node, Scan):  # its steps join no rows: what sums over them stands behind the loop
            operands = [self.total(each, emit) if part else each for each, part in found]
            return node.with_operands(operands), False
        reads_rows = any(map(_has_rows, node.operands))
        is_sum = reads_rows and not _has_rows(node)
        if is_sum and not isinstance(node, SUMS):
            raise ProgramError(f"the rows of a batch meet in {type(node).__name__}, which is no sum over them")
        if any(is_part) and isinstance(node, n.Add) and not reads_rows:
            operands = [each if part else _share(each) for each, part in found]
            is_sum = True
        elif sum(is_part) == 1 and not reads_rows and (isinstance(node, LINEAR) or gives_view(node)):
            is_sum = True
        else:
            operands = [self.total(each, emit) if part else each for each, part in found]
        new = node if tuple(operands) == node.operands else node.with_operands(operands)
        return new, is_sum or node in self.parts

    def total(self, part: Node, emit: Emit) -> Variable:
        """Return the name of the sum of both threads' parts; it is asked for once."""
        if part not in self.totals:
            whole = Total(self.named(part, emit))
            self.totals[part] = self.names.new("total", whole)
            emit(Statement(self.totals[part], whole))
        return self.totals[part]

    def named(self, part: Node, emit: Emit) -> Node:
        """Return the name of a part, which is given one where it has none."""
        if isinstance(part, Variable):
            return part
        name = self.names.new("part", part)
        emit(Statement(name, part))
        return name


SUMS = (n.Sum, n.MatMul, n.ScatterAdd, Inner, PatchGradient)
"""Kinds that may add up the rows of a batch."""
LINEAR = (n.Sum, n.MatMul, n.Multiply, n.Outer, Copy, Lines)
"""Kinds that are linear in one operand, besides views."""


def _has_rows(node: Node) -> bool:
    return any(size.has(BATCH_SIZE) for size in node.shape)


def _share(node: Node) -> Node:
    """Return a thread's share of what is the same in both."""
    return node if is_zero(node) else n.Multiply(Scalar(BATCH_SIZE / BATCH), *factors_of(node))


__all__ = ["BATCH", "Total", "shared_rows"]
