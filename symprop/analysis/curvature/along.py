"""A derivation beside which stand the derivatives of all its equations along a direction of the parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symprop.algebra.equations import Item, System
from symprop.algebra.names import gradient_of
from symprop.algebra.roles import HELD
from symprop.analysis.curvature.tangents import Tangents, needed
from symprop.calculus.rules import context
from symprop.errors import SpecError


@dataclass(frozen=True)
class Along:
    """The equations of a Hessian-vector product: those of the forward pass along the direction, and of the backward."""

    forward: tuple[Item, ...]
    backward: tuple[Item, ...]


NOTHING = Along((), ())
"""Of a derivation that was not asked for its second derivatives."""


def along(system: System, backward: Iterable[Item]) -> Along:
    """Return what the equations of a system and its backward equations become along a direction of the parameters.

    Raises:
        SpecError: backpropagation is truncated, so that what it gives is the gradient of no loss.
    """
    backward = tuple(backward)
    if any(equation.target.role == HELD for equation in system.equations) or _truncated(system):
        problem = "backpropagation that is truncated gives the gradient of no loss, so it has no Hessian"
        raise SpecError(f"{problem}\nallowed: the network without truncate=")
    gradients = [gradient_of(each) for each in system.wanted]
    still = {*system.data, *(state.variable for state in system.states)}
    tangents = Tangents(context(system), still, frozenset(gradients))
    first = tangents.through(system.items)
    second = tangents.through(backward)
    kept = needed((*first, *second), [each.tangent for each in gradients])
    ids = set(map(id, first))
    return Along(tuple(each for each in kept if id(each) in ids), tuple(each for each in kept if id(each) not in ids))


def _truncated(system: System) -> bool:
    return any(carry.every is not None for loop in system.loops for carry in loop.carries)
