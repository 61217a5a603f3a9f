"""Lowering: the equations of a derivation in the layout "rows" become the statements of a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain

from symprop.algebra.equations import Item, Loop, System, equations_in, loops_in
from symprop.algebra.names import gradient_of
from symprop.algebra.trees import zeros
from symprop.analysis.curvature.along import NOTHING, Along
from symprop.analysis.derivation import Derivation
from symprop.codegen.moments import in_code
from symprop.codegen.program import Program, ProgramError, Statement, Why
from symprop.codegen.rolling import Roller


def lower(derivation: Derivation) -> Program:
    """Return the program that computes the loss and all gradients, in the order of the derivation.

    Raises:
        SpecError: a size is a name, or the number of blocks of a `Repeat` is.
    """
    return lower_system(
        derivation.system, derivation.backward, derivation.numbers, derivation.remarks, derivation.along
    )


def lower_pairs(derivation: Derivation) -> Program:
    """Return the program of what reads two batches of examples, from what `lower` returns of each."""
    along = derivation.along
    given = tuple(dict.fromkeys(map(in_code, chain(*along.second))))
    statements = tuple(
        Statement(each.target, in_code(each.expression), each.pretty(), derivation.numbers.get(each.name))
        for each in equations_in(along.backward)
    )
    return Program((), statements, (), given, (), tuple(each.name for each in along.results))


def lower_system(
    system: System,
    backward: Iterable[Item],
    numbers: Mapping[str, int],
    remarks: Iterable[str] = (),
    along: Along = NOTHING,
) -> Program:
    """Return the program of a system and its backward equations; `numbers` and `remarks` are those of the report.

    With the equations `along` a direction it returns what becomes of the gradients too, behind them; of a question to
    two examples, what is read of each. Loops along a direction, and gradients that are weighed when all adjoints are
    known, read all moments, so that none is left to `remat`.
    """
    if system.layout != "rows" or system.loss is None:
        raise ProgramError(f"a program is made from a loss in the layout 'rows', not {system.layout!r}")
    backward = (*backward, *along.forward, *(() if along.second else along.backward))
    results = tuple(in_code(first) for first, _ in along.second) or along.results
    items = system.items
    if along.given or any(loop.carries for loop in loops_in((*along.forward, *along.backward))):
        items, backward = _kept(items), _kept(backward)
    roller = Roller(replace(system, items=items), backward, numbers)
    forward, back = tuple(roller.statements(items)), list(roller.statements(backward))
    reasons = {remark.partition(" is zero: ")[0]: Why(remark) for remark in remarks}
    back = [
        statement.because(reasons[statement.name]) if statement.name in reasons else statement for statement in back
    ]
    found = {statement.name for statement in back}
    for parameter in system.parameters:
        gradient = gradient_of(parameter)
        if gradient.name not in found:
            why = Why(f"the loss does not depend on {parameter.name}")
            back.append(Statement(gradient, zeros(*gradient.shape), whys=(why,)))
    gradients = [gradient_of(parameter) for parameter in system.parameters]
    moving = system.parameters if along.results and not along.whole else ()
    directions = tuple(along.here(parameter.tangent) for parameter in moving)
    returns = (system.loss.name, *(each.name for each in (*gradients, *results)))
    states = tuple(state.variable for state in system.states)
    masks = tuple(mask.variable for mask in system.masks)
    given = (system.parameters, system.inputs, system.targets)
    return Program(forward, tuple(back), *given, returns, states, masks, directions, along.given)


def _kept(items: Iterable[Item]) -> tuple[Item, ...]:
    """Return items whose loops keep what they make at every step."""
    return tuple(replace(each, remat=None) if isinstance(each, Loop) else each for each in items)
