"""The Jacobian of a network's output with respect to its arrays: the way back from all outputs at once.

The backward equations of one example from a cotangent of the output are those of k cotangents where these are rows of
one matrix, so that the batch table makes them: `J{z1} = (J{z2} W2) * slope`, which begins with the identity. Row i is
what backpropagation gives where output i alone is the loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sympy import Expr, prod

from symprop.algebra import nodes as n
from symprop.algebra.batching import batched
from symprop.algebra.equations import Equation, Item, Loop, Rows, System, loops_in
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import DELTA, GRADIENT, JACOBIAN
from symprop.algebra.trees import is_zero, variables
from symprop.analysis.curvature.renaming import Renaming
from symprop.analysis.curvature.steps import AtAnyStep
from symprop.analysis.curvature.way_back import way_back
from symprop.calculus.tidy import tidy
from symprop.errors import SpecError


@dataclass(frozen=True)
class Factor:
    """The gradient of a parameter of one example where it is `outer(left, right)`, or `left` itself.

    `left` is an adjoint, so that of k cotangents it is a Jacobian of the output.
    """

    parameter: Variable
    left: Variable
    right: Node | None = None


@dataclass(frozen=True)
class Outputs:
    """The way back from all `count` outputs of one example.

    `gradients` are those of a single cotangent; `items` make the arrays that stand for its adjoints, those in
    `jacobians` and else the Jacobians with respect to `arrays`.
    """

    example: System
    count: Expr
    gradients: Mapping[Variable, Node]
    items: tuple[Item, ...]
    jacobians: dict[Variable, Variable]
    arrays: AtAnyStep[Variable]

    def jacobian(self, adjoint: Variable) -> Variable | None:
        """Return what stands for an adjoint, at any step of a loop; None for another variable."""
        array = None if adjoint in self.jacobians else self.arrays.find(adjoint)
        if array is None:
            return self.jacobians.get(adjoint)
        return array.change(index=adjoint.index).of_role(JACOBIAN, self.count, *adjoint.shape)

    def factors(self) -> Iterator[Factor]:
        """Yield what the gradients are made of, where that is vectors."""
        for parameter, gradient in self.gradients.items():
            left, *right = gradient.operands if isinstance(gradient, n.Outer) else (gradient,)
            if isinstance(left, Variable) and left.rank == 1 and self.jacobian(left) is not None:
                yield Factor(parameter, left, *right)

    def formed(self) -> Outputs:
        """Return the same with the Jacobians with respect to parameters whose gradients have no factors.

        These have a row for each output, of the elements of the parameter, row after row.
        """
        done = {factor.parameter for factor in self.factors()}
        gradients, items, jacobians = dict(self.gradients), list(self.items), dict(self.jacobians)
        for parameter in [each for each in gradients if each not in done and not is_zero(gradients[each])]:
            size = prod(parameter.shape)
            target = parameter.of_role(JACOBIAN, self.count, size)
            expression = self.of(gradients[parameter])
            flat = expression if parameter.rank == 1 else n.Reshape(expression, (self.count, size))
            note = f"the Jacobian of the output with respect to the elements of {parameter.name}"
            items.append(Equation(target, flat, note=note))
            gradients[parameter] = row = target.change(shape=(size,))
            jacobians[row] = target
        return replace(self, gradients=gradients, items=tuple(items), jacobians=jacobians)

    def of(self, node: Node) -> Node:
        """Return a formula in the adjoints for all cotangents, a row for each.

        Raises:
            LookupError: it reads an adjoint that nothing stands for.
        """
        there = {each: jacobian for each in variables(node) if (jacobian := self.jacobian(each)) is not None}
        if left := [each.name for each in variables(node) if each.role in (DELTA, GRADIENT) and each not in there]:
            raise LookupError(f"nothing stands for {left[0]} on the way back from all outputs")
        return tidy(batched(node, there, self.count, "rows"))


class Forms(Renaming):
    """The way back from one output for that from all of them."""

    def __init__(self, outputs: Outputs) -> None:
        self.outputs = outputs

    def variable(self, variable: Variable) -> Variable:
        """Return what stands for an adjoint."""
        return self.outputs.jacobian(variable) or variable

    def node(self, node: Node) -> Node:
        """Return a formula in the adjoints for all outputs."""
        return self.outputs.of(node)

    def equation(self, equation: Equation) -> Equation:
        """Return the equation of the Jacobian with respect to the array of an adjoint."""
        target, output = self.variable(equation.target), self.outputs.example.output
        is_start = self.outputs.jacobians.get(equation.expression) == output.of_role(JACOBIAN, *target.shape)
        expression = units(output) if is_start else self.node(equation.expression)
        note = f"the Jacobian of the output with respect to {target.of_tangent.name}"
        return Equation(target, expression, note=note)

    def loop(self, loop: Loop) -> Loop:
        """Return a loop, whose rows lie behind the axis of the outputs."""

        def behind(found: Iterable[Rows]) -> tuple[Rows, ...]:
            return tuple(replace(each, axis=each.axis + (self.variable(each.row) != each.row)) for each in found)

        moved = replace(loop, reads=behind(loop.reads), writes=behind(loop.writes), step=(), flows=())
        return super().loop(moved)


def outputs_of(system: System, general: bool = False) -> Outputs:
    """Return the Jacobians of the output of one example.

    Raises:
        SpecError: dropout draws masks; or as for `way_back`.
    """
    back = way_back(system, general)
    read = {each for equation in back.example.equations for each in variables(equation.expression)}
    if any(mask.variable in read for mask in back.example.masks):
        raise SpecError("dropout draws masks, so that the output is random\nallowed: evaluation=True")
    output, count = back.example.output, prod(back.example.output.shape)
    start = output.of_role(JACOBIAN, count, *output.shape)
    first = Equation(start, units(output), note="the Jacobian of the output with respect to itself")
    found = Outputs(back.example, count, back.gradients, (), {back.given: start}, AtAnyStep(back.of))
    made: list[Item] = []
    for item in back.items:
        if isinstance(item, Equation) and item.expression == back.given:
            found.jacobians[item.target] = start
        else:
            made.append(Forms(found).item(item))
    begins = any(each.target == start for loop in loops_in(made) for each in loop.base)  # the output is its last step
    return replace(found, items=tuple(made) if begins else (first, *made))


def units(output: Variable) -> Node:
    """Return the units of all outputs, a row for each, in the order of the elements."""
    count: Expr = prod(output.shape)
    return n.Identity(count) if output.rank == 1 else n.Reshape(n.Identity(count), (count, *output.shape))
