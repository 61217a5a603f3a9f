"""The gradient of a batch whose examples are clipped: each counts with a norm of at most C, and none is formed.

A gradient is linear in the adjoints, whose row i belongs to example i. So the mean of the gradients of examples, that
of example i times `c_i = min(1, C / |g_i|)`, is the gradient of the batch with `diag(c) delta` in place of each adjoint
that it reads. What reads no adjoint, as the derivative of a penalty, is the same for all examples, and is multiplied by
the mean of c.

Sources: Abadi and others, *Deep learning with differential privacy* (2016); Bu, Wang, Zha and Karypis, *Differentially
private optimization on large model at small cost* (2023), whose book-keeping this is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from symprop.algebra import nodes as n
from symprop.algebra.batching import expanded
from symprop.algebra.equations import Equation, Item, Step, System, equations_in
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.names import adjoint_of, gradient_of
from symprop.algebra.nodes import Node, Variable, names_in
from symprop.algebra.roles import CLIPPED
from symprop.algebra.trees import added, is_zero, terms_of, variables, zeros
from symprop.algebra.trees import replace as put
from symprop.analysis.curvature.along import Along
from symprop.analysis.curvature.steps import AtAnyStep, in_loops
from symprop.calculus.tidy import tidy
from symprop.calculus.walk import derive_system

QUESTION = "clipped_grads"


def clipped(norms: Along, example: System, system: System, backward: Iterable[Item]) -> Along:
    """Return the `norms` of gradients of examples with the equations of the mean of the clipped gradients.

    `example` is the system for one example, `backward` has the equations of the gradients in the layout of `system`.
    """
    backward = tuple(backward)
    taken = _names(system, backward)
    (norm,) = norms.results
    bound, weights = (_free(Variable(letter, (), shape), taken) for letter, shape in (("C", ()), ("c", norm.shape)))
    weighed = n.Multiply(bound, n.Power(FUNCTIONS["maximum"](norm, bound), -1))
    asked = [Equation(weights, weighed, note="what the gradient of each example is multiplied by, at most 1")]
    there = replace(system, items=(*system.items, *backward)).by_name
    adjoints = AtAnyStep({each: True for name, each in there.items() if name not in system.by_name})
    found = {each.target: each.expression for each in equations_in(backward)}
    for parameter in system.wanted:
        gradient = gradient_of(parameter)
        before = found.get(gradient, zeros(*gradient.shape))
        if any(map(_is_of_data(adjoints, system), terms_of(before))):
            after = _weighed_in_place(gradient, weights, system)
        else:
            after = _weighed(before, weights, adjoints, system)
        steps = () if system.batch is not None else (Step("linear", n.Multiply(weights, before), after),)
        note = f"the gradient of {parameter.name}, that of each example clipped"
        asked.append(Equation(gradient.of_role(CLIPPED, *gradient.shape), after, steps, note=note))
    return Along(
        what="gradients clipped by example",
        question=QUESTION,
        forward=norms.backward,
        backward=in_loops(asked, example),
        results=tuple(each.target for each in asked[1:]),
        whole=True,
        before="Norms of gradients of examples",
        given=(bound,),
    )


def _weighed(gradient: Node, weights: Variable, adjoints: AtAnyStep[bool], system: System) -> Node:
    """Return a gradient in which each example is multiplied by its weight."""
    terms = []
    for term in terms_of(gradient):
        read = [each for each in variables(term) if adjoints.find(each)]
        if system.batch is None or not read:
            terms.append(n.Multiply(_mean(weights), term))
            continue
        mapping: dict[Node, Node] = {}
        for each in read:
            mapping |= _rows_weighed(each, weights, system.layout)
        terms.append(put(term, mapping))
        rest = tidy(put(term, {each: zeros(*each.shape) for each in read}))
        if not is_zero(rest):  # a factor was taken out of what is linear and what is not
            terms.append(n.Multiply(n.Add(_mean(weights), n.Scalar(-1)), rest))
    return tidy(added(terms))


def _is_of_data(adjoints: AtAnyStep[bool], system: System) -> Callable[[Node], bool]:
    """Return whether a term has rows of examples and reads no adjoint: that of the output was written in place."""

    def is_of_data(term: Node) -> bool:
        read = variables(term)
        of_batch = any(size == system.batch for each in read for size in each.shape)
        return system.batch is not None and of_batch and not any(map(adjoints.find, read))

    return is_of_data


def _weighed_in_place(gradient: Variable, weights: Variable, system: System) -> Node:
    """Return a gradient in which the output's adjoint, which is written in place, is multiplied by the weights."""
    items, _ = derive_system(system, frozenset((system.output,)))
    found = {each.target: each.expression for each in equations_in(items)}
    adjoint = adjoint_of(system.output)
    weighed = _weighed(found[gradient], weights, AtAnyStep({adjoint: True}), system)
    return tidy(put(weighed, {adjoint: found[adjoint]}))


def _mean(weights: Variable) -> Node:
    return n.Multiply(n.Scalar(1 / weights.shape[0]), n.Sum(weights)) if weights.rank else weights


def _rows_weighed(adjoint: Variable, weights: Variable, layout: str) -> dict[Node, Node]:
    """Return what stands for an adjoint of a batch whose examples are weighed, and for its sum over them."""
    if adjoint.rank != 2:
        return {
            adjoint: n.Multiply(expanded(weights, *[1] * (adjoint.rank - 1)) if layout == "rows" else weights, adjoint)
        }
    if layout == "rows":
        return {adjoint: n.MatMul(n.Diag(weights), adjoint), n.Sum(adjoint, 0): n.MatMul(n.Transpose(adjoint), weights)}
    return {adjoint: n.MatMul(adjoint, n.Diag(weights)), n.Sum(adjoint, 1): n.MatMul(adjoint, weights)}


def _names(system: System, backward: Iterable[Item]) -> frozenset[str]:
    """Return what arrays and sizes are called."""
    made = (each.target for each in equations_in(backward))
    arrays = (*system.by_name.values(), *made)
    sizes = {str(symbol) for each in arrays for size in each.shape for symbol in size.free_symbols}
    return frozenset(sizes | names_in(*arrays))


def _free(variable: Variable, taken: Iterable[str]) -> Variable:
    """Return a variable under a name that nothing has."""
    while variable.name in taken:
        variable = variable.change(mark=variable.mark + 1)
    return variable
