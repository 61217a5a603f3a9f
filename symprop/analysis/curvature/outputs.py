"""The Jacobian of a network's output with respect to its arrays: the way back from all outputs at once.

The backward equations of one example from a cotangent of the output are those of k cotangents where these are rows of
one matrix, so that the batch table makes them: `J{z1} = (J{z2} W2) * slope`, which begins with the identity. Row i is
what backpropagation gives where output i alone is the loss.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sympy import Expr, prod

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE, batched
from symprop.algebra.equations import Equation, Item, Loop, Rows, System, equations_in, loops_in
from symprop.algebra.names import adjoint_of, gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import DELTA, GIVEN, GRADIENT, JACOBIAN
from symprop.algebra.trees import is_zero, ones, variables
from symprop.algebra.unrolling import unrolled
from symprop.analysis.curvature.along import check_whole
from symprop.analysis.curvature.gauss_newton import pulled_back
from symprop.analysis.curvature.renaming import Renaming
from symprop.analysis.curvature.steps import AtAnyStep, in_batch
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


def written(system: System) -> System:
    """Return a system of one example with its loops written out.

    Raises:
        SpecError: a number of steps is a name, or backpropagation is truncated.
    """
    check_whole(system)
    if is_general(system):
        raise SpecError("the Jacobian of the output is not derived for a named number of steps\nallowed: a number")
    return unrolled(system, {}) if system.loops else system


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


class Called(Renaming):
    """Equations in which variables have other names."""

    def __init__(self, names: Mapping[Variable, Variable]) -> None:
        self.names = names

    def variable(self, variable: Variable) -> Variable:
        """Return the other name of a variable, if it has one."""
        return self.names.get(variable, variable)

    def equation(self, equation: Equation) -> Equation:
        """Return an equation under the other names, without its steps."""
        return super().equation(replace(equation, steps=()))


@dataclass(frozen=True)
class WayBack:
    """The backward equations of one example from a cotangent of the output, which is `given` under a name of its own.

    `items` make adjoints, and `of` says of which arrays; `gradients` are what the parameters get.
    """

    example: System
    given: Variable
    items: tuple[Item, ...]
    of: Mapping[Variable, Variable]
    gradients: Mapping[Variable, Node]

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equations in order, those of a general step of a loop too."""
        return tuple(equations_in(self.items))


def way_back(system: System, general: bool = False) -> WayBack:
    """Return the way back from the output of one example; loops over numbers of steps are written out.

    Where the numbers of steps may be `general`, loops over a named number of them stay loops.

    Raises:
        SpecError: layers take means over the batch or draw masks, a number of steps is a name, or backpropagation is
            truncated.
    """
    example = system if general and is_general(system) else written(system)
    network = needed(example.items, [example.output])
    example = replace(example, items=network)
    if example.joins_examples:
        raise SpecError(
            "layers take means over the examples of a batch, so that no example has an output of its own\n"
            "allowed: a network without statistics over the batch, or evaluation=True"
        )
    read = {each for equation in equations_in(network) for each in variables(equation.expression)}
    if any(mask.variable in read for mask in example.masks):
        raise SpecError("dropout draws masks, so that the output is random\nallowed: evaluation=True")
    cotangent = adjoint_of(example.output).tangent
    output = example.output
    own_cotangent = Variable("e", output.index, output.shape, mark=free_mark("e", output.index, example))
    given = {cotangent.change(role=GIVEN): own_cotangent}
    back = Called(given).through(pulled_back(example, network, cotangent))
    wanted = {gradient_of(each): each for each in example.wanted}
    loops = [*loops_in(back)]
    data = (*example.data, *(each.target for each in equations_in(network)), *_rows(loops_in(network)))
    arrays = AtAnyStep({adjoint_of(each): each for each in data})
    ends = [each.name for loop in loops for each in loop.base if AtAnyStep(wanted).find(each.target)]
    if ends:
        raise SpecError(
            f"{ends[0]} has a form of its own at the last step, so that no general Jacobian of the output is derived\n"
            "allowed: a number of steps"
        )
    made = tuple(_without(back, wanted))
    targets = (each.target for each in equations_in(made))
    of = {
        each: each if (array := arrays.find(each)) is None else array.change(index=each.index)
        for each in (*targets, *_rows(loops))
        if each not in data
    }
    gradients = {wanted[each.target]: each.expression for each in equations_in(back) if each.target in wanted}
    return WayBack(example, own_cotangent, made, of, gradients)


def _rows(loops: Iterable[Loop]) -> Iterator[Variable]:
    """Yield the arrays of which loops read or make rows, and these rows."""
    for loop in loops:
        for rows in (*loop.reads, *loop.writes):
            yield from (rows.row, rows.array)


def _without(items: Iterable[Item], wanted: Mapping[Variable, Variable]) -> Iterator[Item]:
    """Yield items without the equations of gradients."""
    for item in items:
        if isinstance(item, Loop):
            yield replace(item, items=tuple(_without(item.items, wanted)))
        elif item.target not in wanted:
            yield item


def is_general(system: System) -> bool:
    """Whether a loop has a named number of steps."""
    return any(not loop.count.is_Integer for loop in system.loops)


def outputs_of(system: System, general: bool = False) -> Outputs:
    """Return the Jacobians of the output of one example.

    Raises:
        SpecError: as for `way_back`.
    """
    back = way_back(system, general)
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


def in_layout(system: System, items: Iterable[Item], known: dict[Variable, Variable]) -> tuple[Item, ...]:
    """Return equations of one example for a batch; `known` gets what stands for their left sides there."""
    items = tuple(items)
    own = frozenset(each.target for each in equations_in(items))
    return tuple(_in_layout(system, item, known, own) for item in items)


def _in_layout(system: System, item: Item, known: dict[Variable, Variable], own: Container[Variable]) -> Item:
    if isinstance(item, Equation):
        expression = batched_by(system, item.expression, known, own)
        if expression.rank > item.target.rank:
            known[item.target] = item.target.change(shape=expression.shape)
        return Equation(known.get(item.target, item.target), expression, note=item.note)
    before = -1
    while before < len(known):  # a step may read of the next what is found to differ from example to example
        before = len(known)
        for rows in item.reads:
            if rows.array in known:
                known[rows.row] = in_batch(rows.row, system.layout)
        items = tuple(_in_layout(system, each, known, own) for each in item.items)
    known |= {each.array: in_batch(each.array, system.layout) for each in item.writes if each.row in known}
    there = AtAnyStep(known)
    base = []
    for each in item.base:
        found = Equation(each.target, batched_by(system, each.expression, known, own), note=each.note)
        if (
            found.expression.rank == each.target.rank and there.find(each.target) is not None
        ):  # the same for all, at the last step alone
            shape = in_batch(each.target, system.layout).shape
            node = found.expression if system.layout == "rows" else n.Expand(found.expression, each.target.rank)
            found = replace(found, expression=n.Multiply(node, ones(*shape)))
        if found.expression.rank > each.target.rank:
            known[each.target] = each.target.change(shape=found.expression.shape)
        base.append(replace(found, target=known.get(each.target, each.target)))

    def entered(found: Iterable[Rows]) -> tuple[Rows, ...]:
        behind = system.layout == "rows"
        return tuple(
            Rows(known[each.row], known[each.array], each.axis + behind) if each.array in known else each
            for each in found
        )

    return replace(item, items=items, base=tuple(base), reads=entered(item.reads), writes=entered(item.writes))


def batched_by(system: System, node: Node, known: dict[Variable, Variable], own: Container[Variable] = ()) -> Node:
    """Return a formula of one example for the batch of a system, whose arrays have the same names.

    Those of its `own` that differ from example to example are `known`, and so are the same at other steps of a loop.
    """
    there = system.by_name
    for each in variables(node):
        batch = None if each.is_tangent else there.get(each.name)
        if batch is None and each.index and system.loops and each not in known and each not in own:
            alike = AtAnyStep(known if each.is_tangent else {other: other for other in there.values()})
            batch = alike.find(each)
        if batch is not None and batch.rank > each.rank:
            known.setdefault(each, in_batch(each, system.layout))
    return tidy(batched(node, known, BATCH_SIZE, system.layout))


def free_mark(letter: str, index: tuple[Expr, ...], system: System) -> int:
    """Return the first mark with which no array of a system has this name."""
    mark, taken = 1, system.by_name
    while Variable(letter, index, (), (), mark).name in taken:
        mark += 1
    return mark
