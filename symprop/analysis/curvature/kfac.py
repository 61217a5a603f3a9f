"""K-FAC: the block of the Fisher matrix of a weight as one Kronecker product.

With `b` the derivative of the loss of one example where a layer ends and `a` what the layer multiplies, the gradient of
its weight is `outer(b, a)`, whose elements, row after row, are `kron(b, a)`. So the block of the Fisher matrix is the
mean of `kron(b b', a a')`; over targets that are drawn from the model the mean of `b b'` is `S' S`, S what goes back
from a root of the loss's expected Hessian. K-FAC takes the mean of the product as the product of the means,
`kron(G, A)`. A bias is one more column of the weight, which multiplies a 1.

A weight that is used in several places (along a sequence, at pixels, at moments) has a sum of such products for its
gradient. Of the two ways to have one Kronecker product all the same, "expand" takes each place as an example of its
own, "reduce" the sum of the products as the product of the sum of `b` and the mean of `a`.

Sources: Martens and Grosse, *Optimizing neural networks with Kronecker-factored approximate curvature* (2015); Grosse
and Martens, *A Kronecker-factored approximate Fisher matrix for convolution layers* (2016); Martens, Ba and Johnson,
*Kronecker-factored curvature approximations for recurrent neural networks* (2018); Eschenhagen, Immer, Turner,
Schneider and Hennig, *Kronecker-factored approximate curvature for modern neural network architectures* (2023).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sympy import Expr, Integer, prod

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import Equation, Item, System, equations_in
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import BLOCK, INPUTS, OUTPUTS, ROOT
from symprop.algebra.trees import is_zero, variables
from symprop.analysis.curvature.along import Along
from symprop.analysis.curvature.fisher import without_division
from symprop.analysis.curvature.moments import Moments
from symprop.analysis.curvature.roots import root_of_hessian
from symprop.analysis.curvature.shared import Places, places_of
from symprop.analysis.curvature.tangents import needed
from symprop.analysis.curvature.way_back import WayBack, free_mark, way_back, written
from symprop.calculus.tidy import tidy
from symprop.errors import SpecError

OF_WEIGHT = "what a weight multiplies"
BEHIND = "the derivatives where its products end"
OF_INPUTS = "the second moments of what a weight multiplies"
OF_OUTPUTS = "the second moments of the derivatives where a layer ends"
MATRIX = "factors A and G of K-FAC"
FROM_ROOT = "Backward pass from a root of the Hessian"
QUESTIONS = {"expand": "kfac", "reduce": "kfac_reduce"}
"""The function of a module for each way to treat a weight that is used in several places."""


@dataclass(frozen=True)
class Layer:
    """A weight whose gradient is a sum of outer products, with the bias, if it has one, that is its last column."""

    weight: Variable
    bias: Variable | None
    places: Places
    a: Variable
    b: Variable

    @property
    def factors(self) -> tuple[Variable, Variable]:
        """What its factors A and G are called."""
        a, b = self.places.right.shape[-1], self.places.left.shape[-1]
        return self.weight.of_role(INPUTS, a, a), self.weight.of_role(OUTPUTS, b, b)


def kfac_factors(
    example: System, system: System, backward: Iterable[Item], likelihood: str, sharing: str = "expand"
) -> tuple[Along, tuple[str, ...]]:
    """Return the equations of K-FAC's factors in the layout of a system, and what is to be said of them.

    `backward` has the equations of the gradients in this layout, `likelihood` is the distribution of which the loss is
    the negative logarithm; without one the derivatives are those of the targets of the data. `sharing` is one of
    `QUESTIONS`.

    Raises:
        SpecError: no layer has factors, or another `sharing`; or as for `way_back` and `fisher_product`.
    """
    if sharing not in QUESTIONS:
        raise SpecError(f"unknown sharing {sharing!r}\nallowed: {', '.join(QUESTIONS)}")
    if example.joins_examples:
        raise SpecError(
            "layers or the loss take means over the examples of a batch, so that no example has a gradient of its own\n"
            "allowed: a network without statistics over the batch, or evaluation=True"
        )
    example = written(example)
    example = without_division(example) if likelihood else example
    back = way_back(example)
    layers = tuple(_layers(back, example))
    if not layers:
        raise SpecError(
            "no weight has a gradient that is a sum of outer products, so there are no factors of K-FAC\n"
            "allowed: a network with a layer such as Dense, Conv2D or LSTM"
        )
    means = Moments(system)
    if likelihood:
        made, why = _drawn(back, example, likelihood, means)
    else:
        made, why = (), "the loss is no negative log-likelihood of the targets, so that G is of the targets of the data"
        _as_given(back, backward, means)
    found = [equation for layer in layers for equation in _factors(layer, means, sharing, bool(likelihood))]
    read = {each for equation in found for each in variables(equation.expression)}
    results = tuple(factor for layer in layers for factor in layer.factors)
    parts = tuple(layer.weight.name for layer in layers)
    first = tuple(equations_in(needed(made, read)))
    beside = tuple("" if layer.bias is None else layer.bias.name for layer in layers)
    along = Along(
        MATRIX,
        QUESTIONS[sharing],
        first,
        tuple(found),
        results,
        whole=True,
        parts=parts,
        before=FROM_ROOT,
        beside=beside,
    )
    return along, (why, *_said(layers, back, sharing))


def _drawn(back: WayBack, example: System, likelihood: str, means: Moments) -> tuple[tuple[Equation, ...], str]:
    """Return the equations that go back from a root of the expected Hessian, and why it is this Hessian."""
    output = example.output
    means.count = prod(output.shape)
    row, why = root_of_hessian(example, likelihood, back.given)
    made = [means.start(back.given, output, row)]
    for each in back.equations:
        if each.expression == back.given:
            given = means.known.get(back.given, back.given)
            own = each.target.change(shape=given.shape)
            means.known |= {each.target: own} if own != each.target else {}
            means.roots[own] = means.roots[given]
        else:
            of = back.of[each.target]
            made.append(means.back(each.target, of, each.expression, f"what goes back to {of.name} from all rows"))
    return tuple(made), why


def _as_given(back: WayBack, backward: Iterable[Item], means: Moments) -> None:
    """Take the adjoints of the derivation: in a batch those of the mean of all losses, an example's own divided."""
    if means.system.batch is not None:
        adjoints = {each.name: each.target for each in equations_in(backward)}
        means.known.update({each: adjoints[each.name] for each in back.of if each.name in adjoints})
        means.share = BATCH_SIZE**2


def _factors(layer: Layer, means: Moments, sharing: str, is_drawn: bool) -> Iterator[Equation]:
    """Yield the equations of the factors of a layer."""
    places, (inputs, outputs) = layer.places, layer.factors
    expands = sharing == "expand"
    right, count = (places.right, places.count) if expands else (places.mean, Integer(1))
    a, same = means.inputs.setdefault((right, count), (layer.a.change(shape=right.shape), inputs))
    if same == inputs:
        yield means.entered(a, right, OF_WEIGHT)
    derivatives = means.of(places.left if expands else places.total)
    if not _is_at_hand(derivatives):
        b = layer.b.change(shape=derivatives.shape)
        yield Equation(b, derivatives, note=BEHIND)
        derivatives = b
    if is_drawn and means.system.batch is None:
        yield from _block(layer, a, derivatives, means)
    moments = means.moments(means.known.get(a, a), 1 / count) if same == inputs else same
    yield Equation(inputs, moments, note=OF_INPUTS)
    yield Equation(outputs, means.moments(derivatives, means.share), note=OF_OUTPUTS)


def _block(layer: Layer, a: Variable, derivatives: Node, means: Moments) -> Iterator[Equation]:
    """Yield the equations of the whole block of the Fisher matrix of a weight, for one example."""
    note = "the block of the Fisher matrix, whole"
    if layer.places.left.rank == 1:
        whole = n.BatchMean(n.Kron(means.squared(derivatives), n.Outer(a, a)))
    else:
        gradients = means.of(layer.places.gradient)
        size = prod(gradients.shape[1:])
        root = layer.weight.of_role(ROOT, gradients.shape[0], size)
        yield Equation(root, tidy(n.Reshape(gradients, root.shape)), note="the gradients, a row for each of the root's")
        whole = n.BatchMean(means.squared(root))
    yield Equation(layer.weight.of_role(BLOCK, *whole.shape), whole, note=note)


def _is_at_hand(node: Node) -> bool:
    """Whether a formula is an array that is there, perhaps in another shape, and needs no name of its own."""
    inside = node.operands[0] if isinstance(node, n.Reshape) else node
    return isinstance(inside, Variable)


def _layers(back: WayBack, system: System) -> Iterator[Layer]:
    """Yield the weights whose gradients are sums of outer products, a bias with the first that has its sum."""
    order = system.parameters.index
    gradients = sorted(back.gradients.items(), key=lambda each: order(each[0]))
    biases = {parameter: gradient for parameter, gradient in gradients if parameter.rank == 1}
    seen = Counter[tuple[Expr, ...]]()
    for weight, gradient in gradients:
        places = places_of(gradient, [*back.of, back.given])
        if places is None:
            continue
        bias = next((each for each, found in biases.items() if places.is_bias(found)), None)
        if bias is not None:
            del biases[bias]
            places = places.with_ones
        index, more = weight.index, seen[weight.index]
        seen[index] += 1
        a, b = (
            Variable(letter, index, part.shape, mark=free_mark(letter, index, system) + more)
            for letter, part in (("a_bar", places.right), ("b_bar", places.left))
        )
        yield Layer(weight, bias, places, a, b)


def _said(layers: Iterable[Layer], back: WayBack, sharing: str) -> Iterator[str]:
    """Yield the assumptions that make a block a product, and which parameters have no factors."""
    layers = tuple(layers)
    once = next((each.weight.name for each in layers if each.places.left.rank == 1), "")
    name = once or layers[0].weight.name
    exact = "; for one example, or where either is the same for all, it is exact" if once else ""
    yield (
        f"K-FAC takes the block of the Fisher matrix for {name}, the mean of a Kronecker product, as that "
        f"of two means, kron(G, A): it assumes that what {name} multiplies and the derivative of the loss behind it "
        f"are independent over the examples{exact}"
    )
    shared = [each for each in layers if each.places.left.rank == 2]
    for source in dict.fromkeys(_source(each) for each in shared):
        weights = ", ".join(each.weight.name for each in shared if _source(each) == source)
        yield f"{weights}: used in several places, {ASSUMED[sharing]} ({source})"
    yield (
        "kron(G, A) is in the order of the elements of the weight row after row, the bias as its last column; "
        "column after column it is kron(A, G)"
    )
    there = {each.weight for each in layers} | {each.bias for each in layers}
    without = [each for each in back.example.wanted if each not in there]
    for names, why in (
        ([each.name for each in without if not is_zero(back.gradients.get(each, n.Scalar(0)))], NO_PRODUCTS),
        ([each.name for each in without if is_zero(back.gradients.get(each, n.Scalar(0)))], "their gradient is 0"),
    ):
        if names:
            yield f"K-FAC has no factors for {', '.join(names)}: {why}"


def _source(layer: Layer) -> str:
    """Return who takes a weight so that is used in several places, and what these are."""
    if layer.weight.rank > 2:
        return "pixels: Grosse and Martens, 2016; Eschenhagen and others, 2023"
    if layer.places.terms > 1:
        return "moments: Martens, Ba and Johnson, 2018; ties: Eschenhagen and others, 2023"
    return "positions: Eschenhagen and others, 2023"


NO_PRODUCTS = "the gradient of one example is no sum of outer products there"
ASSUMED = {
    "expand": "each of which is taken as an example of its own (expand): it assumes that derivatives at different "
    "places are uncorrelated, and that second moments are the same at all of them",
    "reduce": "of which the sum of the products is taken as the product of the sum of the derivatives and the mean of "
    "what is multiplied (reduce): it assumes that one of the two is the same at all places",
}
