"""Blocks of the Gauss-Newton and the Fisher matrix, layer by layer: `kron(J' H J, a a')`.

With J the Jacobian of the output with respect to where a layer ends and `a` what its weight multiplies, the output
moves by `J V a` along a direction V of the weight. So the block of one example is `kron(J' H J, a a')`, in the order of
the weight's elements row after row, with the loss's Hessian H; that of a batch is the mean (Martens and Grosse,
*Optimizing neural networks with Kronecker-factored approximate curvature*, 2015, section 2). A weight along a sequence
has a sum of them over the positions where each row of the output reads its own alone, and else over pairs of positions,
`kron(J_t' H J_s, a_t a_s')`. For display alone: nobody forms these matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace as replaced
from functools import cached_property

from sympy import Integer, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import Equation, Item, System, equations_in
from symprop.algebra.indices import RowIndex
from symprop.algebra.names import adjoint_of, gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import JACOBIAN
from symprop.algebra.trees import added, joins_examples, multiplied, replace, terms_of, variables, walk
from symprop.analysis.curvature.along import Along
from symprop.analysis.curvature.ends import POSITION, End, end_of
from symprop.analysis.curvature.gauss_newton import apart
from symprop.analysis.curvature.means import EXAMPLE, of_example
from symprop.analysis.curvature.outputs import outputs_of
from symprop.analysis.curvature.shared import places_of
from symprop.analysis.curvature.steps import AtAnyStep
from symprop.analysis.curvature.tangents import needed
from symprop.analysis.curvature.way_back import free_mark
from symprop.calculus.jacobians import chained
from symprop.calculus.linear_maps import matrix_of
from symprop.calculus.rules import context
from symprop.calculus.tidy import tidy

OTHER = Symbol("s", integer=True, positive=True)
"""Numbers the second position of a pair, from 1."""


def layer_blocks(
    example: System, system: System, product: Callable[[System], Along], role: str
) -> tuple[tuple[Equation, ...], str]:
    """Return the equations of the blocks of layers in the layout of a system, with the Jacobians that they read.

    `product` gives that of the matrix for the end of the network of one `example`, and `role` says what the blocks are
    called. What is told is which parameters have none, and why.
    """
    if example.output.rank not in (1, 2):
        return (), _told(dict.fromkeys(example.parameters, f"since the output {example.output.name} is no vector"))
    end = end_of(example)
    if any(joins_examples(each.expression) for each in equations_in(apart(end.system)[1])):
        return (), _told(dict.fromkeys(example.parameters, "since the loss takes means over the batch"))
    why = dict(end.why)
    if not end.system.parameters:
        return (), _told(why)
    along = product(end.system)
    try:
        blocks = Blocks(end, along)
    except LookupError:
        return (), _told(dict.fromkeys(example.parameters, "since the loss joins the positions of the output"))
    found = []
    for each in end.system.parameters:
        whole = blocks.of(each)
        if whole is None:
            why[each] = "whose gradient is no outer product of vectors, nor one of the rows of two arrays"
            continue
        whole = _penalised(whole, each, along)
        found.append(Equation(each.of_role(role, *whole.shape), whole, note=f"the block of {each.name}"))
    read = {each for equation in found for each in variables(equation.expression)}
    made = tuple(equations_in(needed(blocks.made, [*read, *(_first_of_pair(each) for each in read)])))
    equations = (*made, *found) if system.batch is None else (*_of_each(made, found, system),)
    return _at_the_only_position(equations, found), _told(why)


def _at_the_only_position(equations: Sequence[Equation], blocks: Sequence[Equation]) -> tuple[Equation, ...]:
    """Return equations with the number of the position that there is, where sums over positions have one term."""
    sums = [part for each in blocks for part in walk(each.expression) if isinstance(part, n.BlockSum)]
    if not sums or any(part.count != 1 for part in sums if part.index in (POSITION, OTHER)):
        return tuple(equations)
    only = {POSITION: Integer(1), OTHER: Integer(1)}
    return tuple(
        Equation(each.target.xreplace(only), tidy(each.expression).xreplace(only), note=each.note) for each in equations
    )


def _told(why: Mapping[Variable, str]) -> str:
    """Say which parameters have no block in closed form, and why, reason by reason."""
    reasons: dict[str, list[str]] = {}
    for each, reason in why.items():
        reasons.setdefault(reason, []).append(each.name)
    told = [f"{', '.join(names)}, {reason}" for reason, names in reasons.items()]
    return f"no block kron(J' H J, a a') is derived for {'; nor for '.join(told)}" if told else ""


class Blocks:
    """The blocks of the parameters of the end of a network; `made` are the Jacobians and the Hessian in them."""

    def __init__(self, end: End, along: Along) -> None:
        self.end, output = end, end.system.output
        network = needed(along.forward, [output.tangent])
        through = needed(along.forward, [adjoint_of(output).tangent])
        of_loss = tuple(equations_in(each for each in through if not any(each is other for other in network)))
        self.outputs = outputs_of(self._rows(replaced(end.system, items=needed(end.system.items, [output]))))
        output = self.outputs.example.output
        if end.positions is not None:
            of_loss = tuple(map(end.positions.equation, of_loss))
        self.hessian = hessian_of_loss(of_loss, output, self.outputs.example)
        self.made: list[Item] = [*self.outputs.items, self.hessian]

    def _rows(self, network: System) -> System:
        """Return a network, or that of one position where the output has a row for each."""
        positions = self.end.positions
        if positions is None:
            return network
        inputs = tuple(positions.at(each) if positions.holds(each) else each for each in network.inputs)
        items = tuple(map(positions.equation, equations_in(network.items)))
        return replaced(network, items=items, inputs=inputs, targets=(), output=positions.at(network.output))

    @cached_property
    def _factors(self) -> Mapping[Variable, tuple[Variable, Node | None]]:
        return {each.parameter: (each.left, each.right) for each in self.outputs.factors()}

    def of(self, parameter: Variable) -> Node | None:
        """Return the block of a parameter; None where there is none of this form."""
        if parameter in self._factors:
            left, right = self._factors[parameter]
            core = self._core(*[self.outputs.of(left)] * 2)
            block = tidy(core if right is None else n.Kron(core, n.Outer(right, right)))
        else:
            found = self._of_pairs(parameter)
            if found is None:
                return None
            block = found
        return block if self.end.positions is None else n.BlockSum(block, POSITION, self.end.positions.count)

    def _core(self, one: Node, other: Node) -> Node:
        return n.MatMul(n.MatMul(n.Transpose(one), self.hessian.target), other)

    def _of_pairs(self, parameter: Variable) -> Node | None:
        """Return the block of a vector that is used once, or of a weight that multiplies the rows of an array."""
        gradient = self.outputs.gradients[parameter]
        adjoints = [each for each in variables(gradient) if self.outputs.jacobian(each) is not None]
        if parameter.rank == 1 and len(adjoints) == 1:
            index = (*parameter.index, *([RowIndex(POSITION)] if self.end.positions else []))
            target = parameter.change(index=index).of_role(JACOBIAN, self.outputs.count, *parameter.shape)
            note = f"the Jacobian of the output with respect to {parameter.name}"
            self.made.append(Equation(target, self.outputs.of(gradient), note=note))
            return tidy(self._core(target, target))
        places = places_of(gradient, adjoints)
        if places is None or not isinstance(places.left, Variable) or not isinstance(places.right, Variable):
            return None
        whole = self.outputs.jacobian(places.left)
        if whole is None or whole.rank != 3 or places.right.rank != 2:
            return None
        count, size = places.left.shape
        at = whole.change(index=(*whole.index, RowIndex(POSITION)), shape=(self.outputs.count, size))
        part = n.Reshape(n.Slice(whole, 1, POSITION - 1, POSITION), at.shape)
        self.made.append(Equation(at, part, note="the part of one position"))
        row = places.right.change(index=(*places.right.index, RowIndex(POSITION)), shape=places.right.shape[1:])
        second = {POSITION: OTHER}
        block = n.Kron(self._core(at, at.xreplace(second)), n.Outer(row, row.xreplace(second)))
        return n.BlockSum(n.BlockSum(tidy(block), OTHER, count), POSITION, count)


def hessian_of_loss(through: Sequence[Equation], output: Variable, system: System) -> Equation:
    """Return the Hessian of the loss with respect to the output, from the equations along a direction behind that."""
    target = Variable("H", output.index, (*output.shape, *output.shape), mark=free_mark("H", output.index, system))
    expression = chained(through, adjoint_of(output).tangent, output.tangent, context(system))
    return Equation(target, expression, note="the Hessian of the loss with respect to the output")


def _penalised(block: Node, parameter: Variable, product: Along) -> Node:
    """Return a block with what a penalty of its parameter adds, which the product takes from the direction itself."""
    result, u = gradient_of(parameter).curved, parameter.tangent
    terms = [
        term
        for equation in equations_in(product.backward)
        if equation.target == result
        for term in terms_of(equation.expression)
        if u in variables(term)
    ]
    if not terms:
        return block
    penalty = tidy(added([matrix_of(term, u) for term in terms]))
    return added([block, penalty]) if isinstance(block, n.BlockSum) else tidy(added([block, penalty]))


def _first_of_pair(variable: Variable) -> Variable:
    """Return an array of the first position of a pair, of one of the second."""
    first: Variable = variable.xreplace({OTHER: POSITION})
    return first


def _of_each(made: Sequence[Equation], found: Sequence[Equation], system: System) -> Iterator[Equation]:
    """Yield equations for each example of a batch, and those of the means over the examples."""
    there = AtAnyStep({each: each for each in system.by_name.values()})
    moving = set[Variable]()

    def moves(variable: Variable) -> bool:
        at = {RowIndex(POSITION), RowIndex(OTHER)}
        index = tuple(part for part in variable.index if part not in at)
        of_batch = there.find(variable.change(index=index))
        rank = variable.rank + len(variable.index) - len(index)
        is_given = of_batch is not None and of_batch.rank > rank and not variable.is_tangent
        return is_given or _first_of_pair(variable) in moving

    for equation in (*made, *found):
        each = {one: of_example(one) for one in variables(equation.expression) if moves(one)}
        expression, target = replace(equation.expression, each), equation.target
        if equation in found:
            terms = [_mean(term) if EXAMPLE in term.free_symbols else term for term in terms_of(expression)]
            yield Equation(target, tidy(added(terms)), note=equation.note)
        else:
            moving |= {target} if each else set()
            yield Equation(of_example(target) if each else target, expression, note=equation.note)


def _mean(term: Node) -> Node:
    return multiplied([n.Scalar(1 / BATCH_SIZE), n.BlockSum(term, EXAMPLE, BATCH_SIZE)])
