"""K-FAC: the block of the Fisher matrix of a weight as one Kronecker product.

With `delta` the derivative of the loss of one example where a layer ends and `a` what the layer multiplies, the
gradient of its weight is `outer(delta, a)`, whose elements, row after row, are `kron(delta, a)`. So the block of the
Fisher matrix is the mean of `kron(delta delta', a a')`; of targets that are drawn from the model the mean of
`delta delta'` is `J' H J`, J the Jacobian of the output and H the loss's expected Hessian. K-FAC takes the mean of the
product as the product of the means, `kron(G, A)`. A bias is one more column of the weight, which multiplies a 1.

Source: Martens and Grosse, *Optimizing neural networks with Kronecker-factored approximate curvature* (2015).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import Equation, Item, System, equations_in
from symprop.algebra.names import adjoint_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import BLOCK, INPUTS, OUTPUTS
from symprop.algebra.trees import ones, variables
from symprop.analysis.curvature.along import Along
from symprop.analysis.curvature.fisher import fisher_product
from symprop.analysis.curvature.outputs import Outputs, batched_by, free_mark, in_rows, outputs_of, written
from symprop.analysis.curvature.tangents import needed
from symprop.calculus.jacobians import chained
from symprop.calculus.rules import context
from symprop.calculus.tidy import tidy
from symprop.errors import SpecError

ONE = n.Scalar(1)
OF_WEIGHT = "what a weight multiplies"
OF_INPUTS = "the second moments of what a weight multiplies"
OF_OUTPUTS = "the second moments of the derivatives where a layer ends"
MATRIX = "factors A and G of K-FAC"


@dataclass(frozen=True)
class Layer:
    """A weight whose gradient is `outer(left, right)`, with the bias, if it has one, whose gradient is `left`.

    `inputs` is the equation of `right`, with a 1 behind it for the bias.
    """

    weight: Variable
    left: Variable
    inputs: Equation
    bias: Variable | None

    @property
    def factors(self) -> tuple[Variable, Variable]:
        """What its factors A and G are called."""
        a, size = self.inputs.target.shape[0], self.weight.shape[0]
        return self.weight.of_role(INPUTS, a, a), self.weight.of_role(OUTPUTS, size, size)


@dataclass(frozen=True)
class Means:
    """Means over the examples: as a formula says them for one, or where these are rows as products of matrices.

    `known` has the arrays of the batch by those of one example.
    """

    system: System
    known: dict[Variable, Variable]

    def entered(self, *equations: Equation) -> tuple[Equation, ...]:
        """Return equations of one example in the layout of the system."""
        return equations if self.system.batch is None else in_rows(self.system, equations, self.known)

    def of_product(self, left: Node, right: Node) -> Node:
        """Return the mean of `left' right` of two matrices of each example."""
        if self.system.batch is None:
            return n.BatchMean(tidy(n.MatMul(n.Transpose(left), right)))
        share = n.Scalar(1 / BATCH_SIZE)
        first, second = (batched_by(self.system, each, self.known) for each in (left, right))
        if first.rank == left.rank:  # the same for all examples
            mean = second if second.rank == right.rank else n.Multiply(share, n.Sum(second, 0))
            return tidy(n.MatMul(n.Transpose(first), mean))
        if second.rank == right.rank:
            return tidy(n.MatMul(n.Transpose(n.Multiply(share, n.Sum(first, 0))), second))
        below, beside = (n.Reshape(each, (BATCH_SIZE * each.shape[1], each.shape[2])) for each in (first, second))
        return tidy(n.Multiply(share, n.MatMul(n.Transpose(below), beside)))

    def of_square(self, vector: Variable, times: Node = ONE) -> Node:
        """Return the mean of the outer product of a vector with itself; rows of a batch stand `times` in it."""
        if self.system.batch is None:
            return n.BatchMean(n.Outer(vector, vector))
        rows = self.known.get(vector, vector)
        return tidy(n.Multiply(times, n.Scalar(1 / BATCH_SIZE), n.MatMul(n.Transpose(rows), rows)))


def kfac_factors(
    example: System, system: System, backward: Iterable[Item], likelihood: str
) -> tuple[Along, tuple[str, ...]]:
    """Return the equations of K-FAC's factors in the layout of a system, and what is to be said of them.

    `backward` has the equations of the gradients in this layout, `likelihood` is the distribution of which the loss is
    the negative logarithm; without one the derivatives are those of the targets of the data.

    Raises:
        SpecError: no layer has factors, or the output is no vector; or as for `outputs_of` and `fisher_product`.
    """
    if example.joins_examples:
        raise SpecError(
            "layers or the loss take means over the examples of a batch, so that no example has a gradient of its own\n"
            "allowed: a network without statistics over the batch, or evaluation=True"
        )
    outputs = outputs_of(example)
    adjoints = {each.name: each.target for each in equations_in(backward)}
    layers = [each for each in _layers(outputs, example) if likelihood or each.left.name in adjoints]
    if not layers:
        raise SpecError(
            "no layer has a gradient that is the outer product of two vectors, so there are no factors of K-FAC\n"
            "allowed: a network with a Dense layer that acts on one vector"
        )
    means = Means(system, {})
    if likelihood:
        hessian, why = _hessian(written(example), likelihood)
        made = means.entered(*outputs.equations, hessian)
        found = [each for layer in layers for each in _drawn(layer, outputs.jacobians[layer.left], hessian, means)]
        read = {each for equation in found for each in variables(equation.expression)}
        made = tuple(equations_in(needed(made, read)))
    else:
        why = "the loss is no negative log-likelihood of the targets, so that G is of the targets of the data"
        made, batch = (), system.batch is not None
        means.known.update({each.left: adjoints[each.left.name] for each in layers if batch})
        found = [each for layer in layers for each in _given(layer, means)]
    results = tuple(factor for layer in layers for factor in layer.factors)
    parts = tuple(layer.weight.name for layer in layers)
    along = Along(MATRIX, "kfac", made, tuple(found), results, whole=True, parts=parts)
    return along, (why, *_said(layers, outputs))


def _drawn(layer: Layer, jacobian: Variable, hessian: Equation, means: Means) -> Iterator[Equation]:
    """Yield the equations of the factors of a layer, over targets that are drawn from the model."""
    a, (inputs, outputs) = layer.inputs.target, layer.factors
    turned = n.MatMul(hessian.target, jacobian)
    yield from means.entered(layer.inputs)
    if means.system.batch is None:
        whole = n.BatchMean(tidy(n.Kron(n.MatMul(n.Transpose(jacobian), turned), n.Outer(a, a))))
        yield Equation(layer.weight.of_role(BLOCK, *whole.shape), whole, note="the block of the Fisher matrix, whole")
    yield Equation(inputs, means.of_square(a), note=OF_INPUTS)
    yield Equation(outputs, means.of_product(jacobian, turned), note=OF_OUTPUTS)


def _given(layer: Layer, means: Means) -> Iterator[Equation]:
    """Yield the equations of the factors of a layer for the targets of the data.

    In a batch adjoints are those of the mean of all losses, an example's own divided by their number.
    """
    inputs, outputs = layer.factors
    yield from means.entered(layer.inputs)
    yield Equation(inputs, means.of_square(layer.inputs.target), note=OF_INPUTS)
    yield Equation(outputs, means.of_square(layer.left, n.Power(n.Scalar(BATCH_SIZE), 2)), note=OF_OUTPUTS)


def _layers(outputs: Outputs, system: System) -> Iterator[Layer]:
    """Yield the weights whose gradients are outer products, a bias with the first that has its adjoint."""
    factors = sorted(outputs.factors(), key=lambda each: outputs.example.parameters.index(each.parameter))
    biases = {each.left: each.parameter for each in factors if each.right is None}
    seen = Counter[tuple[Expr, ...]]()
    for each in factors:
        if each.right is not None:
            index, bias = each.parameter.index, biases.pop(each.left, None)
            whole = each.right if bias is None else n.Concatenate(each.right, ones(1), axis=0)
            mark = free_mark("a_bar", index, system) + seen[index]
            seen[index] += 1
            inputs = Equation(Variable("a_bar", index, whole.shape, mark=mark), whole, note=OF_WEIGHT)
            yield Layer(each.parameter, each.left, inputs, bias)


def _hessian(system: System, likelihood: str) -> tuple[Equation, str]:
    """Return the expected Hessian of the loss with respect to the output, and why it is this."""
    output = system.output
    if output.rank != 1:
        raise SpecError("K-FAC's factors are derived for an output that is one vector\nallowed: Flatten() at the end")
    product, why = fisher_product(system, likelihood)
    end, start = adjoint_of(output).tangent, output.tangent
    network = needed(product.forward, [start])
    through = [each for each in needed(product.forward, [end]) if not any(each is other for other in network)]
    target = Variable("H", output.index, (*output.shape, *output.shape), mark=free_mark("H", output.index, system))
    expression = chained(tuple(equations_in(through)), end, start, context(system))
    return Equation(target, expression, note="the expected Hessian of the loss with respect to the output"), why


def _said(layers: Iterable[Layer], outputs: Outputs) -> Iterable[str]:
    """Yield the assumption that makes a block a product, and which parameters have no factors."""
    layers = tuple(layers)
    name = layers[0].weight.name
    yield (
        f"K-FAC takes the block of the Fisher matrix for {name}, the mean of a Kronecker product, as that "
        f"of two means, kron(G, A): it assumes that what {name} multiplies and the derivative of the loss behind it "
        "are independent over the examples; for one example, or where either is the same for all, it is exact"
    )
    yield (
        "kron(G, A) is in the order of the elements of the weight row after row, the bias as its last column; "
        "column after column it is kron(A, G)"
    )
    there = {each.weight for each in layers} | {each.bias for each in layers}
    without = [each.name for each in outputs.example.wanted if each not in there]
    if without:
        yield (
            f"K-FAC has no factors for {', '.join(without)}: the gradient of one example is no outer product of two "
            "vectors there"
        )
