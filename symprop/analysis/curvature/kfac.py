"""K-FAC: the block of the Fisher matrix of a weight as one Kronecker product.

With `b` the derivative of the loss of one example where a layer ends and `a` what the layer multiplies, the gradient of
its weight is `outer(b, a)`, whose elements, row after row, are `kron(b, a)`. So the block of the Fisher matrix is the
mean of `kron(b b', a a')`; over targets that are drawn from the model the mean of `b b'` is `S' S`, S what goes back
from a root of the loss's expected Hessian. K-FAC takes the mean of the product as the product of the means,
`kron(G, A)`. A bias is one more column of the weight, which multiplies a 1.

A weight that is used in several places (along a sequence, at pixels, at moments) has a sum of such products for its
gradient. Of the two ways to have one Kronecker product all the same, "expand" takes each place as an example of its
own, "reduce" the sum of the products as the product of the sum of `b` and the mean of `a`. A convolution in groups has
a product for each group. A parameter whose gradient is no sum of outer products (the scale of a norm) has the diagonal
of its block.

Sources: Martens and Grosse, *Optimizing neural networks with Kronecker-factored approximate curvature* (2015); Grosse
and Martens, *A Kronecker-factored approximate Fisher matrix for convolution layers* (2016); Martens, Ba and Johnson,
*Kronecker-factored curvature approximations for recurrent neural networks* (2018); Eschenhagen, Immer, Turner,
Schneider and Hennig, *Kronecker-factored approximate curvature for modern neural network architectures* (2023).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sympy import prod

from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.equations import Equation, Item, System, equations_in
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import BLOCK, DIAGONAL, ROOT
from symprop.algebra.trees import is_zero, variables
from symprop.analysis.curvature.along import Along
from symprop.analysis.curvature.fisher import what_it_is, without_division
from symprop.analysis.curvature.kfac_layers import Layer, layers_of
from symprop.analysis.curvature.kfac_words import OF_DATA, OF_STATISTICS, TURNED, assumed
from symprop.analysis.curvature.moments import Moments
from symprop.analysis.curvature.roots import root_of_hessian, slope_of_loss
from symprop.analysis.curvature.shared import is_turned
from symprop.analysis.curvature.tangents import needed
from symprop.analysis.curvature.way_back import WayBack, way_back, written
from symprop.calculus.tidy import tidy
from symprop.errors import SpecError
from symprop.networks.likelihoods import Likelihood

OF_WEIGHT = "what a weight multiplies"
BEHIND = "the derivatives where its products end"
OF_INPUTS = "the second moments of what a weight multiplies"
OF_OUTPUTS = "the second moments of the derivatives where a layer ends"
OF_ROWS = "the second moments of one-hot rows, which are a diagonal"
OF_ELEMENTS = "the diagonal of the block of the Fisher matrix"
MATRIX = "factors A and G of K-FAC"
FROM_ROOT = "Backward pass from a root of the Hessian"
FROM_LOSS = "Backward pass of each example"
QUESTIONS = {"expand": "kfac", "reduce": "kfac_reduce"}
"""The function of a module for each way to treat a weight that is used in several places."""


def kfac_factors(
    example: System, system: System, backward: Iterable[Item], likelihood: Likelihood, sharing: str = "expand"
) -> tuple[Along, tuple[str, ...]]:
    """Return the equations of K-FAC's factors in the layout of a system, and what is to be said of them.

    `backward` has the equations of the gradients in this layout; where no `likelihood` is known the derivatives are
    those of the targets of the data. `sharing` is one of `QUESTIONS`.

    Raises:
        SpecError: no layer has factors, or another `sharing`; or as for `way_back` and `fisher_product`.
    """
    if sharing not in QUESTIONS:
        raise SpecError(f"unknown sharing {sharing!r}\nallowed: {', '.join(QUESTIONS)}")
    joined, is_drawn = example.joins_examples, bool(likelihood)
    held = replace(replace(example, masks=()).evaluated, masks=example.masks)
    example, back, layers = _begun(held, is_drawn)
    means, before = Moments(system), FROM_ROOT if is_drawn else FROM_LOSS
    start: Equation | None
    if is_drawn:
        start, why = _drawn(back, example, likelihood, means), what_it_is(held, likelihood)
    else:
        start, why = _as_given(back, example, () if joined else tuple(equations_in(backward)), means), (OF_DATA,)
    made = () if start is None else _all_back(back, start, means)
    found = [equation for layer in layers for equation in _factors(layer, means, sharing, is_drawn)]
    there = {each for layer in layers for each in (layer.weight, layer.bias)}
    without = {each: of for each, of in back.gradients.items() if each not in there and not is_zero(of)}
    diagonals = [
        Equation(each.of_role(DIAGONAL, *each.shape), means.diagonal(of), note=OF_ELEMENTS)
        for each, of in without.items()
    ]
    found += diagonals
    read = {each for equation in found for each in variables(equation.expression)}
    results = [(each, layer.weight.name, layer.bias) for layer in layers for each in layer.results]
    results += [(each.target, each.target.of_tangent.name, None) for each in diagonals]
    along = Along(
        MATRIX,
        QUESTIONS[sharing],
        tuple(equations_in(needed(made, read))),
        tuple(found),
        tuple(each for each, _, _ in results),
        whole=True,
        parts=tuple(name for _, name, _ in results),
        before=before,
        beside=tuple("" if bias is None else bias.name for _, _, bias in results),
    )
    statistics = ", ".join(each.statistic.name for each in example.states) if joined else ""
    of_statistics = [OF_STATISTICS.format(statistics)] if joined else []
    return along, (*why, *of_statistics, *assumed(layers, back, without, sharing))


def _begun(example: System, is_likelihood: bool) -> tuple[System, WayBack, tuple[Layer, ...]]:
    """Return an example as K-FAC takes it, its way back, and the weights that have factors."""
    if example.joins_examples:
        raise SpecError(
            "layers or the loss take means over the examples of a batch, so that no example has a gradient of its own\n"
            "allowed: a network without statistics over the batch, or evaluation=True; a loss without weights= and "
            'ignore=, and of one with mask= positions="sum"'
        )
    example = written(example)
    example = without_division(example) if is_likelihood else example
    back = way_back(example)
    layers = tuple(layers_of(back, example))
    if not layers:
        turned = ", ".join(each.name for each, of in back.gradients.items() if is_turned(of, [*back.of, back.given]))
        problem = f"{turned}: {TURNED}" if turned else "no weight has a gradient that is a sum of outer products"
        raise SpecError(
            f"{problem}, so there are no factors of K-FAC\n"
            "allowed: a network with a layer such as Dense, Conv2D or LSTM"
        )
    return example, back, layers


def _drawn(back: WayBack, example: System, likelihood: Likelihood, means: Moments) -> Equation:
    """Return the equation of a root of the expected Hessian."""
    means.count = prod(example.output.shape)
    return means.start(back.given, example.output, root_of_hessian(example, likelihood, back.given))


def _as_given(back: WayBack, example: System, backward: tuple[Equation, ...], means: Moments) -> Equation | None:
    """Take the adjoints of the derivation: in a batch those of the mean of all losses, an example's own divided.

    Return the equation from which to go back where the derivation has not all of them for each example.
    """
    adjoints = {each.name: each.target for each in (() if means.system.batch is None else backward)}
    known = {each: adjoints[each.name] for each in back.of if each.name in adjoints}
    if len(known) == len(back.of) and all(each.rank == 1 + of.rank for of, each in known.items()):
        means.known.update(known)
        means.share = BATCH_SIZE**2
    elif means.system.batch is not None:
        return means.start_at(back.given, example.output, slope_of_loss(example))
    return None


def _all_back(back: WayBack, start: Equation, means: Moments) -> tuple[Equation, ...]:
    """Return the equations that go back from all rows with which one begins."""
    made = [start]
    for each in back.equations:
        if each.expression == back.given:
            given = means.known.get(back.given, back.given)
            own = each.target.change(shape=given.shape)
            means.known |= {each.target: own} if own != each.target else {}
            means.roots[own] = means.roots[given]
        else:
            of = back.of[each.target]
            made.append(means.back(each.target, of, each.expression, f"what goes back to {of.name} from all rows"))
    return tuple(made)


def _factors(layer: Layer, means: Moments, sharing: str, is_drawn: bool) -> Iterator[Equation]:
    """Yield the equations of the factors of a layer."""
    places, (inputs, outputs) = layer.places, layer.factors
    used = places if sharing == "expand" else places.as_one
    a, same = means.inputs.setdefault((used.right, used.count), (layer.a.change(shape=used.right.shape), inputs))
    if same == inputs and used.ids is None:
        yield means.entered(a, used.right, OF_WEIGHT)
    derivatives = means.of(used.left)
    if not _is_at_hand(derivatives):
        b = layer.b.change(shape=derivatives.shape)
        yield Equation(b, derivatives, note=BEHIND)
        derivatives = b
    if is_drawn and means.system.batch is None:
        yield from _block(layer, a, derivatives, means)
    grouped = used.groups is not None
    if same != inputs:
        yield Equation(inputs, same, note=OF_INPUTS)
    elif used.ids is not None:
        yield Equation(inputs, means.chances(used.ids, inputs.shape[0], 1 / used.count), note=OF_ROWS)
    else:
        yield Equation(inputs, means.moments(means.known.get(a, a), 1 / used.count, grouped), note=OF_INPUTS)
    yield Equation(outputs, means.moments(derivatives, means.share, grouped), note=OF_OUTPUTS)


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
