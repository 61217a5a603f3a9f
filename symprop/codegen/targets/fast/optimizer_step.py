"""The step of an optimiser as operations in place: from its equations, by the passes and the plan of any program."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr

from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import replace, variables
from symprop.codegen import passes
from symprop.codegen.operations import single_operations
from symprop.codegen.program import Program, ProgramError, Statement
from symprop.codegen.targets.fast.calls import call_lines
from symprop.codegen.targets.fast.memory import Plan, plan
from symprop.codegen.targets.layout import comment
from symprop.networks.optimisers import Optimiser
from symprop.networks.schedules import STEP

PARAMETER, GRADIENT = "w", "g"


@dataclass(frozen=True)
class UpdateLines:
    """The lines that change a parameter vector and the states, how many spare vectors and what numbers they use."""

    lines: tuple[str, ...]
    spare: int
    reads: tuple[str, ...]


def update_lines(optimiser: Optimiser) -> UpdateLines:
    """Return the lines of one step in place: `w` and the states change, `spare[0]`, `spare[1]`, ... are overwritten.

    What is the same for all elements, and the decay of weights, stands before them.

    >>> from symprop.networks.optimisers import OPTIMISERS
    >>> for line in update_lines(OPTIMISERS["momentum"]).lines:
    ...     print(line)
    # velocity: v = momentum v + g
    v *= momentum
    v += g
    # update: w = w − lr v
    product = np.multiply(v, lr, out=spare[0])
    w -= product
    """
    held = {state.name for state in optimiser.states} | {PARAMETER}
    now: dict[Node, Variable] = {}
    notes: dict[Variable, str] = {}
    statements: list[Statement] = []
    for equation in optimiser.updates:
        expression = replace(equation.expression, now)
        target = equation.target
        if target.name in held:  # the new value of what the equation reads under the same name
            now[target] = target = target.change(mark=2)
        statements.append(Statement(target, expression))
        notes[target] = f"{equation.note}: {equation.pretty()}"
    assigned = {statement.target for statement in statements}
    given = dict.fromkeys(read for statement in statements for read in variables(statement.expression))
    inputs = tuple(variable for variable in given if variable not in assigned)
    returns = tuple(variable.name for variable in now.values())
    program = passes.run(Program((), tuple(statements), (), inputs, (), returns), (single_operations,))
    states = tuple(variable for variable in inputs if variable.name in held)
    found = plan(program, held=states)
    back = {new: new.change(mark=1) for new in now.values()}
    numbers = [*(["step"] if any(each.expression.has(STEP) for each in optimiser.updates) else [])]
    numbers += [variable.name for variable in inputs if not variable.rank]
    return UpdateLines(tuple(_lines(found, back, notes)), int(_spare(found)), tuple(numbers))


def _lines(found: Plan, back: dict[Variable, Variable], notes: dict[Variable, str]) -> list[str]:
    lines: list[str] = []
    waiting: list[str] = []
    for statement in found.program.statements:
        printed = found.printed(statement)
        target = back.get(printed.target, printed.target)
        name = target.name
        over = found.over.get(statement.target)
        shown = None if over is None else found.shown.get(over, over)
        block = found.homes[statement.target]
        if statement.target in back and block.first != target:
            raise ProgramError(f"the new value of {name} does not lie in the memory of the old one")
        overwritten = "" if shown is None else back.get(shown, shown).name
        place = f"spare[{block.offset / block.size}]"
        waiting.extend(call_lines(name, replace(printed.expression, back), overwritten, place))
        if statement.target in notes:
            lines.extend((*comment(notes[statement.target], indent=8), *waiting))
            waiting = []
    return lines


def _spare(found: Plan) -> Expr:
    """How many vectors beside the states the plan takes."""
    size = next(iter(found.blocks)).size
    return found.totals["memory"] / size


__all__ = ["UpdateLines", "update_lines"]
