"""Formulas of one example for a batch and for all rows of a root of the loss's Hessian at once, and their moments.

The batch table makes both: of what one example reads a row for each example, and of its adjoints, in front of that, one
for each row from which backpropagation starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sympy import Expr, Integer, prod

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE, batched
from symprop.algebra.equations import Equation, System
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import ROOT
from symprop.algebra.trees import ones, replace
from symprop.analysis.curvature.batches import batched_by
from symprop.analysis.curvature.outputs import units
from symprop.calculus.linear_maps import matrix_of
from symprop.calculus.tidy import tidy


@dataclass
class Moments:
    """Formulas of one example in the layout of a system, those in derivatives for all `count` rows of a root at once.

    `known` has the arrays of the batch by those of one example, `roots` what goes back from all rows by adjoints.
    """

    system: System
    known: dict[Variable, Variable] = field(default_factory=dict)
    roots: dict[Variable, Variable] = field(default_factory=dict)
    count: Expr = Integer(1)
    share: Expr = Integer(1)
    """What each second moment of derivatives is multiplied by."""
    inputs: dict[tuple[Node, Expr], tuple[Variable, Variable]] = field(default_factory=dict)
    """The array, and the factor A, of what several weights multiply."""

    def entered(self, target: Variable, node: Node, note: str) -> Equation:
        """Return the equation of an array of each example, known from here on."""
        expression = self._in_layout(node)
        made = target.change(shape=expression.shape)
        if made != target:
            self.known[target] = made
        return Equation(made, expression, note=note)

    def start(self, unit: Variable, output: Variable, row: Node) -> Equation:
        """Return the equation of a root, whose row is given in the unit of an output: of a vector as a matrix.

        The unit stands for a row from here on.
        """
        note = f"a root of the loss's expected Hessian with respect to {output.name}"
        if output.rank == 1:
            whole = self._in_layout(tidy(n.Transpose(matrix_of(row, unit))))
            whole = whole if whole.rank == 2 else tidy(n.Transpose(whole, (1, 0, 2)))
        else:
            rows = unit.change(shape=(self.count, *unit.shape))
            whole = tidy(batched(self._in_layout(row), {unit: rows}, self.count, "rows"))
            whole = tidy(replace(whole, {rows: units(output)}))
        made = unit.change(shape=whole.shape[1:])
        self.known |= {unit: made} if made != unit else {}
        target = self.roots[made] = output.of_role(ROOT, *whole.shape)
        return Equation(target, whole, note=note)

    def start_at(self, unit: Variable, output: Variable, row: Node) -> Equation:
        """Return the equation of a single row, the derivative of the loss of an example with respect to an output."""
        whole = n.Expand(self._in_layout(row), 0)
        made = unit.change(shape=whole.shape[1:])
        self.known |= {unit: made} if made != unit else {}
        target = self.roots[made] = output.of_role(ROOT, *whole.shape)
        return Equation(target, whole, note=f"the derivative of the loss of each example with respect to {output.name}")

    def back(self, adjoint: Variable, of: Variable, node: Node, note: str) -> Equation:
        """Return the equation of what goes back from all rows where one example has an adjoint."""
        one, all_rows = self._in_layout(node), self.of(node)
        made = adjoint.change(shape=one.shape)
        if made != adjoint:
            self.known[adjoint] = made
        target = self.roots[made] = of.of_role(ROOT, *all_rows.shape)
        return Equation(target, all_rows, note=note)

    def of(self, node: Node) -> Node:
        """Return a formula in adjoints for all rows."""
        return tidy(batched(self._in_layout(node), self.roots, self.count, "rows"))

    def _in_layout(self, node: Node) -> Node:
        return node if self.system.batch is None else batched_by(self.system, node, self.known)

    def moments(self, node: Node, share: Expr, grouped: bool = False) -> Node:
        """Return the second moments of the rows of an array over all its axes but the last, in the mean of a batch.

        `grouped`: those of each group, whose axis stands before that of the places.
        """
        return self._in_mean(self.squared(node, grouped), share, node)

    def diagonal(self, gradient: Node) -> Node:
        """Return the second moments of each element of a gradient of one example, over all rows and the examples."""
        gradients = self.of(gradient)
        squares = n.Power(gradients, 2)
        axes = range(gradients.rank - gradient.rank)
        return self._in_mean(n.Sum(squares, axes) if axes else squares, self.share, gradients)

    def _in_mean(self, total: Node, share: Expr, node: Node) -> Node:
        """Return a share of a sum over the rows of an array, divided by the number of examples that these are of."""
        if self.system.batch is None:
            return n.BatchMean(tidy(n.Multiply(n.Scalar(share), total)))
        examples = 1 / BATCH_SIZE if BATCH_SIZE in node.shape[:2] else Integer(1)
        return tidy(n.Multiply(n.Scalar(share * examples), total))

    def chances(self, ids: Node, size: Expr, share: Expr) -> Node:
        """Return the second moments of one-hot rows, which are a diagonal: how often each is chosen, in the mean."""
        chosen = self._in_layout(ids)
        return self._in_mean(n.ScatterAdd(ones(*chosen.shape), chosen, size), share, chosen)

    @staticmethod
    def squared(node: Node, grouped: bool = False) -> Node:
        """Return the sum of the outer products of the rows of an array, all its axes but the last taken as one.

        `grouped`: all but that of the groups, each of which has its sum.
        """
        if node.rank == 1:
            return n.Outer(node, node)
        if grouped:
            group = node.rank - 3
            node = tidy(n.Transpose(node, (group, *(axis for axis in range(node.rank) if axis != group))))
        first = node.shape[:1] if grouped else ()
        shape = (*first, prod(node.shape[len(first) : -1]), node.shape[-1])
        rows = node if node.shape == shape else n.Reshape(node, shape)
        return tidy(n.MatMul(n.Transpose(rows, (*range(len(first)), rows.rank - 1, rows.rank - 2)), rows))
