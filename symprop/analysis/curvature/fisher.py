"""The Fisher matrix times a direction: the mean of `g g'` over targets drawn from the model, or over those of the data.

A loss that is the negative log-likelihood of a distribution of the targets has `E[g g'] = E[H]`, where the targets are
drawn from what the model predicts; of the network's second derivatives nothing is left, since the expected residual is
0. So the Fisher matrix is `J' E[H] J`, and where the loss's Hessian H does not read the targets it is the Gauss-Newton
matrix. The empirical Fisher matrix takes the targets of the data in place of drawn ones; it is no approximation of
either (Kunstner, Hennig and Balles, 2019).

Sources: Amari, *Natural gradient works efficiently in learning* (1998); Martens, *New insights and perspectives on the
natural gradient method* (2020), section 9; Kunstner, Hennig and Balles, *Limitations of the empirical Fisher
approximation for natural gradient descent* (2019).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Item, System, equations_in
from symprop.algebra.names import adjoint_of, gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import multiplied, variables
from symprop.algebra.trees import replace as put
from symprop.analysis.curvature.along import Along, check_whole, kept, still_in
from symprop.analysis.curvature.gauss_newton import (
    Turned,
    apart,
    divides_by,
    gauss_newton_product,
    penalties_of,
    pulled_back,
    tangents_of,
    through_loss,
)
from symprop.analysis.curvature.tangents import Tangents, needed
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import context
from symprop.calculus.tidy import tidy
from symprop.calculus.walk import derive_system
from symprop.errors import SpecError
from symprop.finishing.touches import OF_EQUATIONS, finished
from symprop.networks.likelihoods import Likelihood

MATRIX, QUESTION = "Fisher matrix", "fisher_vp"


def fisher_product(system: System, likelihood: Likelihood, divided: bool = False) -> Along:
    """Return the equations of the Fisher matrix of a system times a direction.

    They begin at the output, where it may stay `divided`; else as `without_division` says.

    Raises:
        SpecError: the loss is not known as a likelihood, or its Hessian is not linear in the targets; or as the
            Gauss-Newton product does.
    """
    if not likelihood:
        raise SpecError(
            "the loss is not known to be the negative log-likelihood of a distribution of the targets, "
            "so none can be drawn for a Fisher matrix\n"
            "allowed: the losses SoftmaxCrossEntropy (without smoothing, ignore and weights), BinaryCrossEntropy and "
            "MeanSquaredError; or the empirical one, fisher(empirical=True), or gauss_newton()"
        )
    mean = system.prediction or system.output
    system = system if divided else without_division(system)
    found = gauss_newton_product(system, penalised=False, divided=divided)
    drawn = set(system.targets)
    read = [each for each in equations_in(found.forward) if drawn.intersection(variables(each.expression))]
    changed = {id(each): _expected(each, system, mean) for each in read}
    forward = tuple(changed.get(id(item), item) for item in found.forward)
    return replace(found, what=MATRIX, question=QUESTION, forward=forward)


def what_it_is(system: System, likelihood: Likelihood) -> tuple[str, ...]:
    """Say how the Fisher matrix of a system stands to the Gauss-Newton matrix, and of what it is the mean."""
    output, begins = system.output, without_division(system)
    penalised = [each for each in system.parameters if each in _read(apart(system)[1])]
    whole = "the loss without its penalties" if penalised else "the loss"
    if not _reads_targets(system):
        said = f"the Fisher matrix is the Gauss-Newton matrix{f' of {whole}' if penalised else ''}: {likelihood.known}"
        said += ", and its Hessian does not read the targets"
    else:
        mean = (system.prediction or output).name
        said = f"{likelihood.known}; its Hessian with respect to {output.name} is linear in the targets, whose mean "
        said += f"{mean} stands in their place in the Fisher matrix, so that it is not what gauss_newton() gives"
        if begins.output != output and not _reads_targets(begins):
            said += f": it is the Gauss-Newton matrix of {whole} as a function of {begins.output.name}"
    of_penalties = penalties_of(through_loss(system, tangents_of(system), (output, *penalised)), adjoint_of(output))
    names = ", ".join(each.of_tangent.name for each in of_penalties)
    added = f"penalties are no part of the Fisher matrix: gauss_newton() adds their second derivatives, for {names}"
    return said, *likelihood.of_positions, *([added] if names else [])


def _reads_targets(system: System) -> bool:
    """Whether the Hessian of a loss with respect to the output reads the targets."""
    end = adjoint_of(system.output)
    made = needed(through_loss(system, tangents_of(system), (system.output,)), [end.tangent])
    return not _read(made).isdisjoint(system.targets)


def _read(items: Iterable[Item]) -> set[Variable]:
    return {each for equation in equations_in(items) for each in variables(equation.expression)}


def without_division(system: System) -> System:
    """Return a system whose loss begins where its derivatives do not divide by what may be 0.

    That is the output, or what the activation before it is applied to, where the loss divides by the output:
    `p (1 - p)` of a logit, not `1 / (p (1 - p))` of the p that is 1 or 0 where a sigmoid saturates. Gradients are the
    same, and so is the expected Hessian of a likelihood: what the second derivatives of the activation add to it is
    multiplied by an expected residual, which is 0.
    """
    network, loss = apart(system)
    output = system.output
    divides = any(
        divides_by(each.expression, output)
        for each in equations_in(derive_system(replace(system, items=loss, parameters=(output,)))[0])
    )
    made = next((each for each in equations_in(network) if each.target == output), None)
    if not divides or made is None:
        return system
    read, others = (
        variables(made.expression),
        {each for item in equations_in(loss) for each in variables(item.expression)},
    )
    is_activation = len(read) == 1 and read[0].shape == output.shape and not {*read} & {*system.data, *others}
    return replace(system, output=read[0], prediction=system.prediction or output) if is_activation else system


def _expected(equation: Equation, system: System, mean: Variable) -> Equation:
    """Return an equation with the mean of the targets in their place, which is its expectation where it is linear."""
    (target,) = system.targets
    slope, _ = simplified(n.Pushforward(equation.expression, target, Variable("u", (), target.shape)), context(system))
    if target in variables(slope):
        raise SpecError(
            f"the loss's Hessian is not linear in the targets {target.name}, so its expectation is not derived\n"
            "allowed: fisher(empirical=True), or gauss_newton()"
        )
    start = put(equation.expression, {target: mean})
    expression, steps = simplified(start, context(system))
    shown, touches = finished(expression, OF_EQUATIONS)
    return Equation(equation.target, shown, (*steps, *touches), note=equation.note)


def empirical_product(system: System, backward: tuple[Item, ...]) -> Along:
    """Return the equations of the empirical Fisher matrix of a system times a direction.

    With `g` the gradient of one example, it is the mean of `g (g' v)`: what `v` does to the loss of an example goes
    back as a number beside that example's adjoint. `backward` are the equations of the gradients.
    """
    check_whole(system)
    system = without_division(system)
    network, loss = apart(system)
    output, adjoint = system.output, adjoint_of(system.output)
    first = Tangents(context(system), still_in(system), frozenset()).through(network)
    of_loss, _ = derive_system(replace(system, items=loss, parameters=(output,)))
    known = {each.target for each in equations_in(backward)}
    more = tuple(each for each in equations_in(of_loss) if each.target not in known)
    start = Equation(
        adjoint.tangent, _beside(adjoint, output, system), note="the adjoint times what v does to the loss"
    )
    turned = Turned((), adjoint)
    back = turned.through(pulled_back(system, network, adjoint.tangent))
    results = tuple(gradient_of(each).curved for each in system.wanted)
    forward: tuple[Item, ...] = (*first, *more, start)
    return kept(Along(f"empirical {MATRIX}", "empirical_fisher_vp", forward, back, results))


def _beside(adjoint: Variable, output: Variable, system: System) -> Node:
    """Return the adjoint of the output, of each example times the derivative of its loss along the direction."""
    product = n.Multiply(adjoint, output.tangent)
    batch = [axis for axis, size in enumerate(output.shape) if size == system.batch]
    axes = [axis for axis in range(output.rank) if axis not in batch]
    total: Node = n.Sum(product, axes, keepdims=bool(batch)) if axes else product
    counted = [n.Scalar(system.batch)] if system.batch is not None else []
    expression = tidy(multiplied([*counted, adjoint, total]))
    return finished(expression, OF_EQUATIONS)[0]
