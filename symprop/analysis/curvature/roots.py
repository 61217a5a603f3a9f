"""A root of the expected Hessian of a likelihood: rows `S` with `S' S = E[H]`, one for each output.

Backpropagation from these rows in place of a loss gives `S{W}` for each parameter, and `S{W}' S{W}` is the block of the
Fisher matrix: so many backward passes as there are outputs, and no product with H. Where each output has a distribution
of its own, H is diagonal, and row i is the root of its element there. Where one class is drawn with the probabilities
`p`, row i is the derivative of `log p[i]` times `sqrt(p[i])`, since the Fisher matrix is the mean of `g g'` over what
is drawn.

Source: Dangel, Kunstner and Hennig, *BackPACK: packing more into backprop* (2020), section 2.3.
"""

from __future__ import annotations

from dataclasses import replace as replaced

from sympy import Integer, Rational, sqrt

from symprop.algebra import nodes as n
from symprop.algebra.equations import System, equations_in
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.names import adjoint_of, gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import factors_of, numbers_apart, ones, replace, variables
from symprop.analysis.curvature.fisher import fisher_product
from symprop.analysis.curvature.gauss_newton import apart
from symprop.analysis.curvature.tangents import needed
from symprop.calculus.coefficients import coefficient_and_rest
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import context
from symprop.calculus.tidy import tidy
from symprop.calculus.walk import derive_system
from symprop.errors import SpecError
from symprop.networks.likelihoods import Likelihood

HALF = Rational(1, 2)


def root_of_hessian(system: System, likelihood: Likelihood, unit: Variable) -> Node:
    """Return row i of a root of the expected Hessian of a loss, a formula in the `unit` of output i.

    `system` is that of one example; the Hessian is that with respect to the output.

    Raises:
        SpecError: the Hessian is neither diagonal nor that of one class; or as for `fisher_product`.
    """
    product = fisher_product(system, likelihood)
    output, end = system.output, adjoint_of(system.output).tangent
    through = {each.target: each.expression for each in equations_in(needed(product.forward, [end]))}
    classes = _classes(system)
    if classes is not None and (weights := _weights(through[end], classes[0].tangent)) is not None:
        return _of_classes(*classes, unit, weights, system)
    slopes = through[end]
    while inside := [each for each in variables(slopes) if each != output.tangent and each in through]:
        slopes = replace(slopes, {each: through[each] for each in inside})
    if not _is_elementwise(slopes, output.tangent):
        raise SpecError(
            "the loss's expected Hessian is neither diagonal nor that of one class, so no root of it is derived\n"
            "allowed: a loss such as SoftmaxCrossEntropy, BinaryCrossEntropy or MeanSquaredError"
        )
    diagonal = tidy(replace(slopes, {output.tangent: ones(*output.shape)}))
    number, rest = coefficient_and_rest(diagonal)
    if rest is None or isinstance(rest, n.Fill):
        number = number * (Integer(1) if rest is None else rest.value)
        return tidy(n.Multiply(n.Scalar(sqrt(number)), unit))
    return tidy(n.Multiply(n.Power(diagonal, HALF), unit))


def slope_of_loss(system: System) -> Node:
    """Return the derivative of the loss of one example with respect to the output, in terms of the forward pass."""
    loss, output = apart(system)[1], system.output
    made = equations_in(derive_system(replaced(system, items=loss, parameters=(output,)))[0])
    slopes = {each.target: each.expression for each in made}
    row: Node = next(each for each in (gradient_of(output), adjoint_of(output)) if each in slopes)
    while inside := [each for each in variables(row) if each in slopes]:
        row = replace(row, {each: slopes[each] for each in inside})
    return tidy(row)


def _classes(system: System) -> tuple[Variable, n.Softmax] | None:
    """Return the probabilities of classes, and the softmax of the output that they are, where they are one."""
    made = next((each for each in system.equations if each.target == system.prediction), None)
    if made is None or not isinstance(made.expression, n.Softmax) or made.expression.operands != (system.output,):
        return None
    return made.target, made.expression


def _weights(node: Node, tangent: Variable) -> list[Node] | None:
    """Return the roots of what multiplies a tangent at each position, a number and what a mask says; None of more."""
    number, others = numbers_apart(factors_of(node))
    if tangent not in others:
        return None
    others.remove(tangent)
    same = all(isinstance(each, n.Expand) and each.axis == tangent.rank - 1 for each in others)
    return [n.Scalar(sqrt(number)), *(n.Power(each, HALF) for each in others)] if same else None


def _of_classes(p: Variable, softmax: n.Softmax, unit: Variable, roots: list[Node], system: System) -> Node:
    """Return the derivative of the logarithm of one probability, times its root and those of weights."""
    cotangent = tidy(n.Multiply(*roots, n.Power(p, HALF), unit))
    return simplified(n.Pullback(cotangent, FUNCTIONS["log"](softmax), system.output), context(system))[0]


def _is_elementwise(node: Node, by: Variable) -> bool:
    """Whether each element of a formula reads one element of a variable alone, that at its own place."""
    if node == by or by not in variables(node):
        return True
    same = all(part.shape == node.shape for part in node.operands if by in variables(part))
    return isinstance(node, n.Elementwise) and same and all(_is_elementwise(part, by) for part in node.operands)
