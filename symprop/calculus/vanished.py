"""Why a gradient is zero: remarks on a derivation, each with the rule and the facts that made it vanish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Item, equations_in
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import is_zero, variables, walk


def remarks(items: Sequence[Item], wanted: Sequence[Variable]) -> Iterator[str]:
    """Say of each gradient of a backward system that is zero why it is."""
    found: set[Variable] = set()
    vanished = ""  # the first adjoint that vanished takes with it all that flows from it
    for equation in equations_in(items):
        found.add(equation.target)
        if is_zero(equation.expression):
            reason = _reason(equation) or vanished or "nothing flows back to it"
            vanished = vanished or f"{equation.name} is zero ({reason})"
            yield f"{equation.name} is zero: {reason}"
    for variable in wanted:
        if gradient_of(variable) not in found:
            yield f"d{variable.name} is zero: the loss does not depend on {variable.name}"


def _reason(equation: Equation) -> str:
    """The rules and the facts that made an expression vanish, or nothing where a zero flowed in."""
    if not equation.steps or any(is_zero(part) for part in walk(equation.steps[0].before)):
        return ""
    reasons: list[str] = []
    for step in equation.steps:
        if is_zero(step.after) and reasons:
            break  # the rest only carries the zero on
        if _dead(step.after) > _dead(step.before):
            equations = ", ".join(fact.name for fact in step.facts if isinstance(fact, Equation))
            said = [fact for fact in step.facts if isinstance(fact, str)]
            facts = "; ".join([*said, *[f"the equations of {equations}"] * bool(equations)])
            found = "its terms cancel" if step.rule == "tidy" else f"by the rule '{step.rule}'"
            reasons.append(found + (f" ({facts})" if facts else ""))
    return " and ".join(dict.fromkeys(reasons))


def _dead(node: Node) -> int:
    """How many flows in a formula have come to nothing."""
    pullbacks = [part.operands for part in walk(node) if isinstance(part, n.Pullback)]
    gone = sum(is_zero(g) or by not in variables(expression) for g, expression, by in pullbacks)
    return gone + is_zero(node) * (1 + len(pullbacks))


__all__ = ["remarks"]
