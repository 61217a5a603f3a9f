"""A derivation beside which stand the derivatives of its equations along a direction of the parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from symprop.algebra.equations import Equation, Item, Loop, System, equations_in
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Variable
from symprop.algebra.roles import HELD, TANGENT
from symprop.algebra.trees import is_zero, variables
from symprop.analysis.curvature.renaming import Apart
from symprop.analysis.curvature.tangents import Tangents, needed
from symprop.calculus.rules import context
from symprop.errors import SpecError


@dataclass(frozen=True)
class Along:
    """What a symmetric matrix makes of a direction `v`: equations of the forward pass along v, and of the backward.

    `what` is the matrix ("Hessian"), `question` the function of a module that computes this, and `results` are what
    comes out, in the order of the parameters. Where `whole`, there is no direction, and one array comes out, or arrays
    by names: `parts` says of which parameter each of the results is, and `beside` which bias is a column of that, or
    "". With `second`, the backward equations read two examples: each array of the first, and what it is called for the
    second. `before` is what the forward equations are where there is no direction. `blocks` are what the matrix is for
    the weights of single layers, which pages show and modules do not compute. `names` tells what derived arrays are
    called that would have a name of the network, and `given` are numbers that a caller chooses.
    """

    what: str = ""
    question: str = ""
    forward: tuple[Item, ...] = ()
    backward: tuple[Item, ...] = ()
    results: tuple[Variable, ...] = ()
    whole: bool = False
    parts: tuple[str, ...] = ()
    second: tuple[tuple[Variable, Variable], ...] = ()
    before: str = "Jacobians of the output"
    blocks: tuple[Equation, ...] = ()
    beside: tuple[str, ...] = ()
    names: tuple[tuple[Variable, Variable], ...] = ()
    given: tuple[Variable, ...] = ()

    def here(self, variable: Variable) -> Variable:
        """Return what a derived array is called here: `R_h` beside a weight `Rh`."""
        return next((name for each, name in self.names if each == variable), variable)

    def told_apart(self, system: System, backward: Iterable[Item]) -> Along:
        """Return the same with derived arrays under names that no array of the system has."""
        apart = Apart(system, backward)
        if not apart.may_clash:
            return self
        equations = [*equations_in((*self.forward, *self.backward, *self.blocks))]
        found = [variable for each in equations for variable in (each.target, *variables(each.expression))]
        found += [*self.results, *(each for pair in self.second for each in pair)]
        found += [each.tangent for each in system.parameters]
        names = dict(self.names) | {each: apart.variable(each) for each in found if apart.variable(each) != each}
        return replace(
            self,
            forward=apart.through(self.forward),
            backward=apart.through(self.backward),
            blocks=tuple(map(apart.equation, self.blocks)),
            results=tuple(map(apart.variable, self.results)),
            second=tuple((apart.variable(one), apart.variable(other)) for one, other in self.second),
            names=tuple(names.items()),
        )


NOTHING = Along()
"""Of a derivation that was not asked for its second derivatives."""


def hessian_product(system: System, backward: Iterable[Item]) -> Along:
    """Return what the equations of a system and its backward equations become along a direction of the parameters.

    Raises:
        SpecError: backpropagation is truncated, so that what it gives is the gradient of no loss.
    """
    check_whole(system)
    gradients = [gradient_of(each) for each in system.wanted]
    tangents = Tangents(context(system), still_in(system), frozenset(gradients))
    first, second = tangents.through(system.items), tangents.through(tuple(backward))
    results = tuple(each.tangent for each in gradients)
    return kept(Along("Hessian", "hvp", first, second, results))


def what_bends(system: System) -> str:
    """Say which equations of a network have second derivatives, from which comes what a Hessian has beside `J' H J`.

    That is each equation whose tangent still moves where the direction is held: a product of what moves, an activation
    with a slope that moves, a norm. Elements of a mask are held, and so is which piece of a `relu` it is.
    """
    network = needed(system.items, [system.output])
    tangents = Tangents(context(system), still_in(system), frozenset())
    found = tuple(equations_in(tangents.through(network)))
    held = {each for equation in found for each in variables(equation.expression) if each.role.startswith(TANGENT)}
    again = Tangents(context(system), tangents.still | held, frozenset(), tangents.rows)
    bent = [each.target.of_tangent.name for each in found if not is_zero(again.along(each.expression)[0])]
    if not bent:
        return "the output is linear in the parameters, so that the Hessian is the Gauss-Newton matrix"
    names = bent[0] if len(bent) == 1 else f"{', '.join(bent[:-1])} and {bent[-1]}"
    return (
        f"what the Hessian has beside the Gauss-Newton matrix comes of the second derivatives of {names}, each times "
        "an adjoint; all other equations of the network are linear in what moves"
    )


def what_is_tied(system: System) -> tuple[str, ...]:
    """Say which parameters a network reads in several equations, or at all steps of a loop, and what that adds."""
    network = needed(system.items, [system.output])
    told = []
    for each in system.parameters:
        places = list(_places(network, each))
        if len(places) > 1 or any("=" in place for place in places):
            told.append(f"{each.name} ({', '.join(places)})")
    if not told:
        return ()
    return (
        f"used in several places: {'; '.join(told)}: a gradient adds what each place gives, so that second derivatives "
        "have terms of each pair of places, of two different ones too",
    )


def _places(items: Iterable[Item], parameter: Variable, steps: str = "") -> Iterator[str]:
    """Yield the arrays whose equations read a parameter, with the steps of a loop at which they do."""
    for item in items:
        if isinstance(item, Loop):
            is_own = any(item.index in each.free_symbols for each in parameter.index)  # a block's own, `W[l]`
            yield from _places(item.items, parameter, steps if is_own else f" at {item.index} = 1, ..., {item.count}")
        elif parameter in variables(item.expression):
            yield f"{item.name}{steps}"


def kept(along: Along) -> Along:
    """Return the same without the equations that nothing needs which comes out."""
    found = needed((*along.forward, *along.backward), along.results)

    def those(items: Sequence[Item]) -> tuple[Item, ...]:
        return tuple(item for item in items if any(item is each for each in found))

    return Along(along.what, along.question, those(along.forward), those(along.backward), along.results)


def still_in(system: System) -> set[Variable]:
    """Return what does not move: data, and running statistics; the inputs do where there are no parameters."""
    return {*system.data, *(state.variable for state in system.states)}.difference(system.wanted)


def check_whole(system: System) -> None:
    """Raise where backpropagation is truncated: what it gives is the gradient of no loss.

    Raises:
        SpecError: it is.
    """
    truncated = any(carry.every is not None for loop in system.loops for carry in loop.carries)
    if truncated or any(equation.target.role == HELD for equation in system.equations):
        problem = "backpropagation that is truncated gives the gradient of no loss, and the Jacobian of no output"
        raise SpecError(f"{problem}\nallowed: the network without truncate=")
