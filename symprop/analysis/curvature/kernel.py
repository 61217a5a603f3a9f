"""The tangent kernel of a network: inner products of the gradients of its outputs at two examples.

`Theta(x, x') = J(x) J(x')'`, J the Jacobian of the output with respect to all parameters. Where the gradient of a
weight is `outer(delta, a)`, the product of two such is one of numbers, `(delta' delta) (a' a)`, so that a layer with a
bias gives `(J{z} J{z'}') * (a' a + 1)` and no gradient is formed. Of other layers (convolutions, norms, attention,
ties) the Jacobian with respect to the elements of a parameter is formed.

Source: Jacot, Gabriel and Hongler, *Neural tangent kernel: convergence and generalization in neural networks* (2018).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count

from sympy import Expr, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE, batched
from symprop.algebra.equations import Equation, System, equations_in
from symprop.algebra.nodes import Node, Variable, names_in
from symprop.algebra.trees import added, replace, variables
from symprop.analysis.curvature.along import Along
from symprop.analysis.curvature.examples import inner
from symprop.analysis.curvature.outputs import Outputs, free_mark, in_layout, outputs_of
from symprop.calculus.tidy import tidy


@dataclass(frozen=True)
class Pair:
    """Two examples: arrays that are `moving` from example to example have a mark more for the second.

    `others` is how many second examples there are, where the first are a batch.
    """

    moving: frozenset[Variable]
    mark: int
    others: Symbol

    def other(self, variable: Variable) -> Variable:
        """Return what an array is called for the second example."""
        return variable.change(mark=variable.mark + self.mark)

    def second(self, node: Node) -> Node:
        """Return a formula of the first example for the second."""
        return replace(node, {each: self.other(each) for each in variables(node) if each in self.moving})


def tangent_kernel(example: System, system: System) -> Along:
    """Return the equations of the tangent kernel of two examples, or where the layout is "rows" of two batches.

    Raises:
        SpecError: as for `outputs_of`.
    """
    outputs = outputs_of(example).formed()
    made = outputs.equations
    pair = _pair(outputs.example, made)
    asked = [_of_layer(index, lefts, outputs, pair) for index, lefts in _layers(outputs, pair).items()]
    total = Variable("Theta", (), asked[0].target.shape, mark=free_mark("Theta", (), example))
    whole = added([each.target for each in asked])
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
    return Along("tangent kernel", "tangent_kernel", made, tuple(asked), results, whole=True, second=second)


def _layers(outputs: Outputs, pair: Pair) -> dict[tuple[Expr, ...], dict[Variable, list[Node]]]:
    """Return for each layer the adjoints in its gradients, and what the inner product of each is multiplied by."""
    layers: dict[tuple[Expr, ...], dict[Variable, list[Node]]] = {}
    for factor in outputs.factors():
        product = n.Scalar(1) if factor.right is None else inner(factor.right, pair.second(factor.right))
        layers.setdefault(factor.parameter.index, {}).setdefault(factor.left, []).append(product)
    return layers


def _of_layer(
    index: tuple[Expr, ...], lefts: Mapping[Variable, Sequence[Node]], outputs: Outputs, pair: Pair
) -> Equation:
    """Return what the parameters of a layer add, for all outputs of the second example, and then of the first."""
    terms = [n.Multiply(inner(left, pair.other(left)), added(products)) for left, products in lefts.items()]
    others = {pair.other(each): pair.second(jacobian) for each, jacobian in outputs.jacobians.items()}
    others_too = batched(tidy(added(terms)), others, outputs.count, "rows")
    expression = tidy(batched(others_too, outputs.jacobians, outputs.count, "rows"))
    target = Variable("Theta", index, expression.shape, mark=free_mark("Theta", index, outputs.example))
    return Equation(target, expression, note="what the parameters of a layer add to the tangent kernel")


def _pair(example: System, made: Iterable[Equation]) -> Pair:
    """Return what differs from example to example, and a mark that no array has."""
    moving, equations = set(example.data), (*equations_in(example.items), *made)
    for each in equations:
        if moving.intersection(variables(each.expression)):
            moving.add(each.target)
    taken = names_in(*(each.target for each in equations), *example.data, *example.parameters)
    taken |= {str(symbol) for each in equations for size in each.target.shape for symbol in size.free_symbols}
    name = next(name for name in (f"m{number}" for number in count(2)) if name not in taken)
    others = Symbol(name, integer=True, positive=True)
    return Pair(frozenset(moving), max(each.target.mark for each in equations), others)


def _of_batches(
    asked: Sequence[Equation], pair: Pair, system: System, known: Mapping[Variable, Variable]
) -> list[Equation]:
    """Return equations of two examples for all pairs out of two batches.

    `known` has the arrays of the first batch by those of one example.
    """
    there, found, kernels = system.by_name, [], dict[Variable, Variable]()
    for equation in asked:
        read = variables(equation.expression)
        firsts = {each: known.get(each, there.get(each.name, each)) for each in read if each in pair.moving}
        seconds = {
            pair.other(each): pair.other(row).change(shape=[pair.others if it == BATCH_SIZE else it for it in row.shape])
            for each, row in firsts.items()
        }
        both = [(firsts, BATCH_SIZE), (seconds, pair.others)]
        expression = equation.expression
        for arrays, size in both if system.layout == "columns" else both[::-1]:  # the axis of the second lies behind
            expression = tidy(batched(expression, arrays, size, system.layout))
        expression = replace(expression, dict(kernels))
        target = equation.target.change(shape=expression.shape)
        kernels[equation.target] = target
        found.append(Equation(target, expression, note=equation.note))
    return found
