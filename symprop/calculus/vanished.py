"""Why a gradient is zero: remarks on a derivation, each with the rule and the facts that made it vanish."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Item, equations_in, loops_in
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import is_zero, variables, walk
from symprop.calculus.reuse import as_first_worked_out


def remarks(items: Sequence[Item], wanted: Sequence[Variable]) -> Iterator[str]:
    """Say of each gradient of a backward system that is zero why it is; of those by the same rules and facts once."""
    yield from told_once(_each(items, wanted))


Said = tuple[object, str, Callable[[], str]]
"""A remark: a key that it shares with others, what it is about, and its words, if they are asked for."""


def told_once(said: Iterable[Said]) -> Iterator[str]:
    """Yield remarks: of those with one key the first, and what else it holds for.

    >>> list(told_once((3, name, lambda name=name: f"{name} is zero: they cancel") for name in ("db1", "db2")))
    ['db1 is zero: they cancel; likewise db2']
    """
    first: dict[object, str] = {}
    others: dict[object, list[str]] = {}
    for key, name, remark in said:
        if key in first:
            others.setdefault(key, []).append(name)
        else:
            first[key] = remark()
    for key, words in first.items():
        yield words + (f"; likewise {', '.join(others[key])}" if key in others else "")


def _each(items: Sequence[Item], wanted: Sequence[Variable]) -> Iterator[Said]:
    """Yield what is said of each gradient that is zero: the rules that made it so, its name, and the remark."""
    found = {rows.array for loop in loops_in(items) for rows in loop.writes}
    vanished = ""  # the first adjoint that vanished takes with it all that flows from it
    for equation in equations_in(items):
        found.add(equation.target)
        if is_zero(equation.expression):
            rules = tuple(step.rule for step in as_first_worked_out(equation.steps) if step.equations)
            yield rules or equation.name, equation.name, partial(_zero, equation, vanished, ": {}")
            vanished = vanished or _zero(equation, "", " ({})")
    for variable in wanted:
        if gradient_of(variable) not in found:
            name = f"d{variable.name}"
            yield name, name, partial("{0} is zero: the loss does not depend on {1}".format, name, variable.name)


def _zero(equation: Equation, before: str, form: str) -> str:
    """Say that a gradient is zero, and why: by its steps, or by what came to nothing `before`."""
    return f"{equation.name} is zero" + form.format(_reason(equation) or before or "nothing flows back to it")


def _reason(equation: Equation) -> str:
    """The rules and the facts that made an expression vanish, or nothing where a zero flowed in."""
    if not equation.steps or any(is_zero(part) for part in walk(equation.steps[0].before)):
        return ""
    reasons: list[str] = []
    for step in equation.steps:
        if is_zero(step.after) and reasons:
            break  # the rest only carries the zero on
        if _dead(step.after) > _dead(step.before):
            equations = ", ".join(fact.name for fact in step.equations)
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


__all__ = ["Said", "remarks", "told_once"]
