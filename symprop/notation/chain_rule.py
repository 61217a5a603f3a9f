"""The steps of a derivation as a textbook prints them: equations by their names, and what is done to one in one line.

What is yet to be differentiated is mostly the right side of an equation: then its name says more, `(∂p/∂z₂)ᵀ`. The
chain rule goes from one equation to the next, and on the way through one it is several small moves, which the rules
make one after the other. Each of them is a step that the certificate checks; a page may print them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Step
from symprop.algebra.nodes import Node
from symprop.algebra.trees import walk
from symprop.calculus.tidy import tidy

Known = Mapping[Node, Equation]
"""The equations by their right sides, in tidy form."""


def by_names(node: Node, known: Known) -> Node:
    """Return a formula in which right sides of equations that are yet to be differentiated have their names.

    >>> from symprop.algebra import variable
    >>> W, x, z, g = variable("W", (2, 3)), variable("x", (3,)), variable("z", (2,)), variable("g", (2,))
    >>> print(by_names(n.Pullback(g, W @ x, x), {W @ x: Equation(z, W @ x)}).pretty())
    (∂z/∂x)ᵀ g
    """
    operands = tuple(by_names(operand, known) for operand in node.operands)
    if isinstance(node, n.Pullback) and (equation := known.get(tidy(node.operands[1]))) is not None:
        operands = operands[0], equation.target, operands[2]
    return node if operands == node.operands else node.with_operands(operands)


def at_first(steps: Sequence[Step], known: Known) -> Known:
    """Return the equations that are yet to be differentiated when the steps begin."""
    parts = walk(steps[0].before) if steps else ()
    begun = (tidy(part.operands[1]) for part in parts if isinstance(part, n.Pullback))
    return {value: known[value] for value in begun if value in known}


def without_moves(steps: Sequence[Step], write: Callable[[Node], str]) -> list[Step]:
    """Return the steps that a page sees: those that move heads, of which each formula says one, are none."""
    found: list[Step] = []
    last = steps[0].before
    for step in steps:
        if write(step.after) != write(last):
            found.append(replace(step, before=last))
            last = step.after
    return found


def brief(steps: Iterable[Step], known: Known) -> list[Step]:
    """Return the steps with those through one equation as one, whose rule has all their names."""
    found: list[Step] = []
    for step in steps:
        before, after = _waiting(step.before, known), _waiting(step.after, known)
        begins = None not in before and bool(before - after)  # another equation has its turn
        if found and before and not begins:
            found[-1] = joined(found[-1], step)
        else:
            found.append(step)
    return found


def _waiting(node: Node, known: Known) -> set[Node | None]:
    """The equations that are yet to be differentiated, each with what by; None where one is being worked out.

    Along a direction one equation is worked out at a time.
    """
    return {
        part.with_operands([part.operands[1], *part.operands[1:]])
        if isinstance(part, n.Pullback) and tidy(part.operands[1]) in known
        else None
        for part in walk(node)
        if isinstance(part, (n.Pullback, n.Pushforward))
    }


def joined(first: Step, then: Step) -> Step:
    """Return two steps as one, whose rule has the names of both."""
    rules: Iterable[str] = dict.fromkeys([*first.rule.split(", "), then.rule])
    return Step(", ".join(rules), first.before, then.after, tuple(dict.fromkeys([*first.facts, *then.facts])))
