"""Why a gradient is zero: remarks on a derivation, each with the rule and the facts that made it vanish."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Item, equations_in
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import is_zero, variables, walk


def remarks(items: Sequence[Item], wanted: Sequence[Variable]) -> Iterator[str]:
    """Say of each gradient of a backward system that is zero why it is; of those by the same rules and facts once."""
    yield from told_once(_each(items, wanted))


def told_once(said: Iterable[tuple[object, str, str]]) -> Iterator[str]:
    """Yield remarks, each with a key and what it is about; of those with one key the first, and what else it holds for.

    >>> list(told_once([("sum", "db1", "db1 is zero: they cancel"), ("sum", "db2", "db2 is zero: they cancel")]))
    ['db1 is zero: they cancel; likewise db2']
    """
    groups: dict[object, list[tuple[str, str]]] = {}
    for key, name, remark in said:
        groups.setdefault(key, []).append((name, remark))
    for (_, remark), *others in groups.values():
        yield remark + ("; likewise " * bool(others)) + ", ".join(name for name, _ in others)


def _each(items: Sequence[Item], wanted: Sequence[Variable]) -> Iterator[tuple[object, str, str]]:
    """Yield what is said of each gradient that is zero: the rules that made it so, its name, and the remark."""
    found: set[Variable] = set()
    vanished = ""  # the first adjoint that vanished takes with it all that flows from it
    for equation in equations_in(items):
        found.add(equation.target)
        if is_zero(equation.expression):
            reason = _reason(equation) or vanished or "nothing flows back to it"
            vanished = vanished or f"{equation.name} is zero ({reason})"
            rules = tuple(
                step.rule for step in equation.steps if any(isinstance(fact, Equation) for fact in step.facts)
            )
            yield rules or equation.name, equation.name, f"{equation.name} is zero: {reason}"
    for variable in wanted:
        if gradient_of(variable) not in found:
            name = f"d{variable.name}"
            yield name, name, f"{name} is zero: the loss does not depend on {variable.name}"


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


__all__ = ["remarks", "told_once"]
