"""The tangent kernel of a network: inner products of the gradients of its outputs at two examples.

`Theta(x, x') = J(x) J(x')'`, J the Jacobian of the output with respect to all parameters. Where the gradient of a
weight is `outer(delta, a)`, the product of two such is one of numbers, `(delta' delta) (a' a)`, so that a layer with a
bias gives `(J{z} J{z'}') * (a' a + 1)` and no gradient is formed. Of other layers (convolutions, norms, attention,
ties) the Jacobian with respect to the elements of a parameter is formed.

Source: Jacot, Gabriel and Hongler, *Neural tangent kernel: convergence and generalization in neural networks* (2018).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count

from sympy import Expr, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE, batched
from symprop.algebra.equations import Equation, System, equations_in, loops_in
from symprop.algebra.nodes import Node, Variable, names_in
from symprop.algebra.trees import added, is_zero, replace, variables
from symprop.analysis.curvature.along import Along
from symprop.analysis.curvature.batches import in_layout
from symprop.analysis.curvature.examples import inner
from symprop.analysis.curvature.outputs import Outputs, outputs_of
from symprop.analysis.curvature.steps import AtAnyStep, in_batch, in_loops, over_loops
from symprop.analysis.curvature.way_back import free_mark, is_general
from symprop.calculus.tidy import tidy


@dataclass(frozen=True)
class Pair:
    """Two examples: arrays that move from example to example have a mark more for the second.

    `moving` says of those that equations make whether they do, and `others` is how many second examples there are,
    where the first are a batch.
    """

    outputs: Outputs
    moving: Mapping[str, bool]
    steps: AtAnyStep[bool]
    mark: int
    others: Symbol

    def moves(self, variable: Variable) -> bool:
        """Whether an array differs from example to example."""
        return self.moving.get(variable.name, self.steps.find(variable) or False)

    def other(self, variable: Variable) -> Variable:
        """Return what an array is called for the second example."""
        return variable.change(mark=variable.mark + self.mark)

    def first(self, variable: Variable) -> Variable | None:
        """Return the array of the first example, of one of the second."""
        return variable.change(mark=variable.mark - self.mark) if variable.mark > self.mark else None

    def second(self, node: Node) -> Node:
        """Return a formula of the first example for the second, in adjoints that are its own."""
        read = variables(node)
        moved = {each: self.other(each) for each in read if self.moves(each) or self.outputs.jacobian(each) is not None}
        return replace(node, moved)


def tangent_kernel(example: System, system: System) -> Along:
    """Return the equations of the tangent kernel of two examples, or of all pairs out of two batches.

    Raises:
        SpecError: as for `way_back`.
    """
    outputs = outputs_of(example, general=True)
    outputs = outputs if is_general(outputs.example) else outputs.formed()
    made = outputs.items
    pair = _pair(outputs)
    asked = [_of_layer(index, terms, pair) for index, terms in _layers(pair).items()]
    whole = added([over_loops(each.target, outputs.example) for each in asked])
    total = Variable("Theta", (), asked[0].target.shape, mark=free_mark("Theta", (), example))
    asked.append(Equation(total, whole, note="the tangent kernel of all parameters"))
    if system.batch is not None:
        known: dict[Variable, Variable] = {}
        made = in_layout(system, made, known)
        asked = _of_batches(asked, pair, system, known)
    own = {each.target for each in asked}
    read = dict.fromkeys(chain.from_iterable(variables(each.expression) for each in asked))
    firsts = [each for each in read if each.mark <= pair.mark and each not in own]
    there = {each.name: each for each in read}
    second = tuple((each, there.get(pair.other(each).name, each)) for each in firsts)
    results = (asked[-1].target,)
    asked_too = in_loops(asked, outputs.example)
    return Along("tangent kernel", "tangent_kernel", made, asked_too, results, whole=True, second=second)


def _layers(pair: Pair) -> dict[tuple[Expr, ...], list[Node]]:
    """Return for each layer the inner products of the gradients of two examples, for one output of each."""
    outputs, layers = pair.outputs, dict[tuple[Expr, ...], dict[Variable, list[Node]]]()
    for factor in outputs.factors():
        product = n.Scalar(1) if factor.right is None else inner(factor.right, pair.second(factor.right))
        layers.setdefault(factor.parameter.index, {}).setdefault(factor.left, []).append(product)
    found = {
        index: [n.Multiply(inner(left, pair.other(left)), added(products)) for left, products in lefts.items()]
        for index, lefts in layers.items()
    }
    done = {factor.parameter for factor in outputs.factors()}
    for parameter, gradient in outputs.gradients.items():
        if parameter not in done and not is_zero(gradient):
            found.setdefault(parameter.index, []).append(inner(gradient, pair.second(gradient)))
    return found


def _of_layer(index: tuple[Expr, ...], terms: Sequence[Node], pair: Pair) -> Equation:
    """Return what the parameters of a layer add, for all outputs of the second example, and then of the first."""
    outputs, whole = pair.outputs, tidy(added(terms))
    others: dict[Variable, Variable] = {}
    for each in variables(whole):
        first = pair.first(each)
        jacobian = None if first is None else outputs.jacobian(first)
        if jacobian is not None:
            others[each] = pair.other(jacobian) if pair.moves(jacobian) else jacobian
    expression = outputs.of(tidy(batched(whole, others, outputs.count, "rows")))
    target = Variable("Theta", index, expression.shape, mark=free_mark("Theta", index, outputs.example))
    return Equation(target, expression, note="what the parameters of a layer add to the tangent kernel")


def _pair(outputs: Outputs) -> Pair:
    """Return what differs from example to example, and a mark that no array has."""
    example = outputs.example
    items = (*example.items, *outputs.items)
    equations, loops = [*equations_in(items)], [*loops_in(items)]
    rows = [each for loop in loops for each in (*loop.reads, *loop.writes)]
    moving = dict.fromkeys((each.name for each in example.data), True)
    moving |= {each.name: False for each in equations}
    steps = AtAnyStep(dict.fromkeys(example.data, True))
    arrays = (*example.data, *example.parameters, *(each.target for each in equations))
    pair = Pair(outputs, moving, steps, max(each.mark for each in arrays), Symbol(""))
    before = -1
    while before < sum(moving.values()):
        before = sum(moving.values())
        found = [each.target for each in equations if any(map(pair.moves, variables(each.expression)))]
        found += [each.row for each in rows if pair.moves(each.array)]
        found += [each.array for each in rows if pair.moves(each.row)]
        found += [each.target for loop in loops for each in loop.base if steps.find(each.target)]
        carries = [(loop, each) for loop in loops for each in loop.carries]
        found += [each.before for loop, each in carries if pair.moves(loop.start(each))]
        found += [loop.end(each) for loop, each in carries if pair.moves(each.after)]
        for each in found:
            moving[each.name] = True
            steps.enter(each, True)
    taken = names_in(*arrays)
    taken |= {str(symbol) for each in equations for size in each.target.shape for symbol in size.free_symbols}
    name = next(name for name in (f"m{number}" for number in count(2)) if name not in taken)
    return dataclasses.replace(pair, others=Symbol(name, integer=True, positive=True))


def _of_batches(
    asked: Sequence[Equation], pair: Pair, system: System, known: Mapping[Variable, Variable]
) -> list[Equation]:
    """Return equations of two examples for all pairs out of two batches.

    `known` has the arrays of the first batch by those of one example.
    """
    found: list[Equation] = []
    kernels: dict[Variable, Variable] = {}
    for equation in asked:
        firsts: dict[Variable, Variable] = {}
        seconds: dict[Variable, Variable] = {}
        for each in variables(equation.expression):
            first = pair.first(each)
            if first is not None:
                batch = in_batch(each, system.layout)
                sizes = [pair.others if size == BATCH_SIZE else size for size in batch.shape]
                seconds[each] = batch.change(shape=sizes)
            elif pair.moves(each):
                firsts[each] = known.get(each, in_batch(each, system.layout))
        both = [(firsts, BATCH_SIZE), (seconds, pair.others)]
        expression = equation.expression
        for arrays, size in both if system.layout == "columns" else both[::-1]:  # the axis of the second lies behind
            expression = tidy(batched(expression, arrays, size, system.layout))
        expression = replace(expression, dict(kernels))
        target = equation.target.change(shape=expression.shape)
        kernels[equation.target] = target
        found.append(Equation(target, expression, note=equation.note))
    return found
