"""The Gauss-Newton matrix times a direction: `J' H J v`, with the Jacobian J of the output and the loss's Hessian H.

A network is an output `f(theta)` and a loss `l(f, theta)` of it. Its Hessian is `J' H J` plus what the second
derivatives of `f` add, each times a residual. Without these it is the generalised Gauss-Newton matrix, which is
positive semidefinite where the loss is convex in the output. The product takes three walks: forward along `v` to
`R{f} = J v`, through the loss to `H R{f}`, and backward from there as from any adjoint.

Source: Schraudolph, *Fast curvature matrix-vector products for second-order gradient descent* (2002).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from symprop.algebra import nodes as n
from symprop.algebra import trees
from symprop.algebra.equations import Equation, Item, Step, System, equations_in
from symprop.algebra.names import adjoint_of, gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import DELTA, GIVEN, GRADIENT
from symprop.analysis.curvature.along import Along, check_whole, kept, still_in
from symprop.analysis.curvature.renaming import Renaming
from symprop.analysis.curvature.tangents import Tangents, needed
from symprop.calculus.context import Context
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import context
from symprop.calculus.tidy import tidy
from symprop.calculus.walk import NEXT, derive_system
from symprop.errors import SpecError
from symprop.finishing.touches import OF_EQUATIONS, finished


def gauss_newton_product(system: System, penalised: bool = True, divided: bool = False) -> Along:
    """Return the equations of the Gauss-Newton matrix of a system times a direction of the parameters.

    What penalties of parameters add to it is left out where it is not to be `penalised`. Where the loss's Hessian
    divides by the output, it is multiplied with the slopes of the activation at once, unless it may stay `divided`.

    Raises:
        SpecError: the loss reads more of the network than its output and its parameters, or backpropagation is
            truncated.
    """
    check_whole(system)
    network, _ = apart(system)
    output, curved = system.output, adjoint_of(system.output)
    tangents = tangents_of(system)
    first = tangents.through(network)
    moved = (output, *(system.parameters if penalised else ()))
    turned = Turned(through_loss(system, tangents, moved), curved)
    back = turned.through(pulled_back(system, network, curved.tangent))
    if not divided:
        back = undivided(back, (*first, *turned.forward), output, tangents.context)
    results = tuple(gradient_of(each).curved for each in system.wanted)
    found = Along("Gauss-Newton matrix", "gnvp", (*first, *turned.forward), back, results)
    return kept(found)


def tangents_of(system: System) -> Tangents:
    """Return what moves along a direction of the parameters, of which the adjoint of the output is wanted."""
    return Tangents(context(system), still_in(system), frozenset([adjoint_of(system.output)]))


def through_loss(system: System, tangents: Tangents, moved: tuple[Variable, ...]) -> tuple[Item, ...]:
    """Return the tangents of the loss's equations and of its derivatives with respect to the output and parameters."""
    loss = apart(system)[1]
    of_loss, _ = derive_system(replace(system, items=loss, parameters=moved))
    return (*tangents.through(loss), *tangents.through(of_loss))


def penalties_of(through: Iterable[Item], cotangent: Variable) -> dict[Variable, Equation]:
    """Return what penalties add to a product, by the gradients to which they add it."""
    found = (item for item in through if isinstance(item, Equation))
    return {
        each.target.of_tangent: each
        for each in found
        if each.target.is_of_gradient and each.target != cotangent.tangent
    }


def undivided(back: Iterable[Item], forward: Iterable[Item], output: Variable, known: Context) -> tuple[Item, ...]:
    """Return the way back without divisions by the output: what the loss makes of `R{f}` is written in place there.

    Where a sigmoid saturates its slope is 0, and the second derivative of a logarithm of it is infinite; with the
    slopes on both sides, `(p (1 - p))**2 * (y / p**2 + ...)`, all of these cancel.
    """
    made = {each.target: each for each in equations_in(forward)}
    start, end = made.get(output.tangent), made.get(adjoint_of(output).tangent)
    if start is None or end is None or not divides_by(end.expression, output):
        return tuple(back)

    def whole(item: Item) -> Item:
        if not isinstance(item, Equation) or end.target not in trees.variables(item.expression):
            return item
        inside = trees.replace(end.expression, {start.target: start.expression})
        before = trees.replace(item.expression, {end.target: inside})
        worked, steps = simplified(before, known)
        expression, touches = finished(worked, OF_EQUATIONS)
        if divides_by(expression, output):
            return item
        first = Step("written in place", item.expression, before, (end, start))
        return replace(item, expression=expression, steps=(*item.steps, first, *steps, *touches))

    return tuple(map(whole, back))


def divides_by(node: Node, variable: Variable) -> bool:
    """Whether a formula divides by something that reads a variable."""
    powers = (part for part in trees.walk(node) if isinstance(part, n.Power))
    return any(part.exponent.is_negative and variable in trees.variables(part) for part in powers)


def apart(system: System) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Return the equations of a network, up to its output, and those of its loss.

    Raises:
        SpecError: the loss reads more of the network than its output and its parameters.
    """
    network = needed(system.items, [system.output])
    loss = tuple(item for item in system.items if not any(item is each for each in network))
    loss = needed(loss, [system.loss] if system.loss is not None else [])
    inside = {each.target for each in equations_in(network)} - {system.output}
    read = {each for equation in equations_in(loss) for each in trees.variables(equation.expression)}
    if more := sorted(each.name for each in inside & read):
        raise SpecError(
            f"the loss reads {more[0]} beside the output {system.output.name}, so there is no Gauss-Newton matrix\n"
            "allowed: a loss of the output alone, and penalties of parameters"
        )
    return network, loss


def pulled_back(system: System, network: tuple[Item, ...], cotangent: Variable) -> tuple[Item, ...]:
    """Return the backward equations of a network from a cotangent of its output."""
    output = system.output
    given = cotangent.change(role=GIVEN)
    total = n.Sum(n.Multiply(given, output)) if output.rank else n.Multiply(given, output)
    ended = Variable("L", (), ())
    asked = replace(system, items=(*network, Equation(ended, total)), loss=ended, inputs=(*system.inputs, given))
    return derive_system(asked)[0]


class Turned(Renaming):
    """Backward equations in which adjoints are called after what they are here, and the cotangent after its equation.

    What a penalty adds to the product, which has no way through the network, is added where it comes out.
    """

    def __init__(self, through: Iterable[Item], output: Variable) -> None:
        found = [item for item in through if isinstance(item, Equation)]
        self.cotangent, self.output = output.tangent, output
        self.penalties = penalties_of(found, output)
        self.forward = tuple(each for each in found if each.target.of_tangent not in self.penalties)

    def equation(self, equation: Equation) -> Equation:
        """Return an equation under the new names, with what a penalty adds to it."""
        penalty = self.penalties.get(equation.target)

        def here(node: Node) -> Node:
            renamed = self.node(node)
            return renamed if penalty is None else tidy(n.Add(renamed, penalty.expression))

        steps = tuple(self.step(each, here) for each in equation.steps)
        note = f"what becomes of {equation.name} along v where the slopes of the network are held"
        return Equation(self.variable(equation.target), here(equation.expression), steps, note=note)

    def variable(self, variable: Variable) -> Variable:
        """Return the name of an adjoint here; that of any other variable stays."""
        if variable == self.cotangent.change(role=GIVEN):
            return self.cotangent
        is_adjoint = variable.role.removeprefix(NEXT) in (DELTA, GRADIENT)
        return variable.curved if is_adjoint else variable
