"""The Jacobian of a network's output with respect to its arrays: the way back from all outputs at once.

The backward equations of one example from a cotangent of the output are those of k cotangents where these are rows of
one matrix, so that the batch table makes them: `J{z1} = (J{z2} W2) * slope`, which begins with the identity. Row i is
what backpropagation gives where output i alone is the loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sympy import Expr, prod

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE, batched
from symprop.algebra.equations import Equation, System, equations_in
from symprop.algebra.names import adjoint_of, gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import GIVEN, JACOBIAN
from symprop.algebra.trees import replace as put
from symprop.algebra.trees import variables
from symprop.algebra.unrolling import unrolled
from symprop.analysis.curvature.along import check_whole
from symprop.analysis.curvature.gauss_newton import pulled_back
from symprop.analysis.curvature.tangents import needed
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

    `gradients` are those of a single cotangent; `equations` make the arrays that `jacobians` has for its adjoints.
    """

    example: System
    count: Expr
    gradients: Mapping[Variable, Node]
    equations: tuple[Equation, ...]
    jacobians: dict[Variable, Variable]

    def factors(self) -> Iterator[Factor]:
        """Yield what the gradients are made of, where that is vectors."""
        for parameter, gradient in self.gradients.items():
            left, *right = gradient.operands if isinstance(gradient, n.Outer) else (gradient,)
            if isinstance(left, Variable) and left in self.jacobians and left.rank == 1:
                yield Factor(parameter, left, *right)

    def formed(self) -> Outputs:
        """Return the same with the Jacobians with respect to parameters whose gradients have no factors.

        These have a row for each output, of the elements of the parameter, row after row.
        """
        done = {factor.parameter for factor in self.factors()}
        gradients, equations, jacobians = dict(self.gradients), list(self.equations), dict(self.jacobians)
        for parameter in [each for each in gradients if each not in done]:
            size = prod(parameter.shape)
            target = parameter.of_role(JACOBIAN, self.count, size)
            expression = self.of(gradients[parameter])
            flat = expression if parameter.rank == 1 else n.Reshape(expression, (self.count, size))
            note = f"the Jacobian of the output with respect to the elements of {parameter.name}"
            equations.append(Equation(target, flat, note=note))
            gradients[parameter] = row = target.change(shape=(size,))
            jacobians[row] = target
        return replace(self, gradients=gradients, equations=tuple(equations), jacobians=jacobians)

    def of(self, node: Node) -> Node:
        """Return a formula in the adjoints for all cotangents, a row for each."""
        return tidy(batched(node, self.jacobians, self.count, "rows"))


def written(system: System) -> System:
    """Return a system of one example with its loops written out.

    Raises:
        SpecError: a number of steps is a name, or backpropagation is truncated.
    """
    check_whole(system)
    if any(not loop.count.is_Integer for loop in system.loops):
        raise SpecError("the Jacobian of the output is not derived for a named number of steps\nallowed: a number")
    return unrolled(system, {}) if system.loops else system


@dataclass(frozen=True)
class WayBack:
    """The backward equations of one example from a cotangent of the output, which is `given` under a name of its own.

    `equations` make adjoints, and `of` says of which arrays; `gradients` are what the parameters get.
    """

    example: System
    given: Variable
    equations: tuple[Equation, ...]
    of: Mapping[Variable, Variable]
    gradients: Mapping[Variable, Node]


def way_back(system: System) -> WayBack:
    """Return the way back from the output of one example; loops over numbers of steps are written out.

    Raises:
        SpecError: layers take means over the batch, a number of steps is a name, or backpropagation is truncated.
    """
    example = written(system)
    network = needed(example.items, [example.output])
    example = replace(example, items=network)
    if example.joins_examples:
        raise SpecError(
            "layers take means over the examples of a batch, so that no example has an output of its own\n"
            "allowed: a network without statistics over the batch, or evaluation=True"
        )
    cotangent = adjoint_of(example.output).tangent
    output = example.output
    own = Variable("e", output.index, output.shape, mark=free_mark("e", output.index, example))
    given = {cotangent.change(role=GIVEN): own}
    back = [
        replace(each, expression=put(each.expression, given), steps=())
        for each in equations_in(pulled_back(example, network, cotangent))
    ]
    wanted = {gradient_of(each): each for each in example.wanted}
    arrays = {adjoint_of(each): each for each in (*example.data, *(each.target for each in equations_in(network)))}
    made = tuple(each for each in back if each.target not in wanted)
    of = {each.target: arrays.get(each.target, each.target) for each in made}
    gradients = {wanted[each.target]: each.expression for each in back if each.target in wanted}
    return WayBack(example, own, made, of, gradients)


def outputs_of(system: System) -> Outputs:
    """Return the Jacobians of the output of one example.

    Raises:
        SpecError: dropout draws masks; or as for `way_back`.
    """
    back = way_back(system)
    read = {each for equation in back.example.equations for each in variables(equation.expression)}
    if any(mask.variable in read for mask in back.example.masks):
        raise SpecError("dropout draws masks, so that the output is random\nallowed: evaluation=True")
    output, count = back.example.output, prod(back.example.output.shape)
    start = output.of_role(JACOBIAN, count, *output.shape)
    first = Equation(start, units(output), note="the Jacobian of the output with respect to itself")
    found = Outputs(back.example, count, back.gradients, (), {back.given: start})
    made = [first]
    for each in back.equations:
        if each.expression == back.given:
            found.jacobians[each.target] = start
        else:
            of = back.of[each.target]
            target = of.of_role(JACOBIAN, count, *of.shape)
            made.append(
                Equation(
                    target, found.of(each.expression), note=f"the Jacobian of the output with respect to {of.name}"
                )
            )
            found.jacobians[each.target] = target
    return replace(found, equations=tuple(made))


def units(output: Variable) -> Node:
    """Return the units of all outputs, a row for each, in the order of the elements."""
    count: Expr = prod(output.shape)
    return n.Identity(count) if output.rank == 1 else n.Reshape(n.Identity(count), (count, *output.shape))


def in_rows(system: System, equations: tuple[Equation, ...], known: dict[Variable, Variable]) -> tuple[Equation, ...]:
    """Return equations of one example for a batch in rows; `known` gets what stands for their left sides there."""
    found = []
    for equation in equations:
        expression = batched_by(system, equation.expression, known)
        target = equation.target.change(shape=expression.shape)
        if target != equation.target:
            known[equation.target] = target
        found.append(Equation(target, expression, note=equation.note))
    return tuple(found)


def batched_by(system: System, node: Node, known: dict[Variable, Variable]) -> Node:
    """Return a formula of one example for the batch of a system, whose arrays have the same names."""
    there = system.by_name
    for each in variables(node):
        batch = None if each.is_tangent else there.get(each.name)
        if batch is not None and batch.shape != each.shape:
            known.setdefault(each, batch)
    return tidy(batched(node, known, BATCH_SIZE, "rows"))


def free_mark(letter: str, index: tuple[Expr, ...], system: System) -> int:
    """Return the first mark with which no array of a system has this name."""
    mark, taken = 1, system.by_name
    while Variable(letter, index, (), (), mark).name in taken:
        mark += 1
    return mark
