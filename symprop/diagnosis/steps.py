"""Changed equations: every mistake of the table at every place of a formula, alone and at all places that are alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node
from symprop.algebra.trees import added, factors_of, multiplied
from symprop.diagnosis.accounts import Account
from symprop.diagnosis.parts import shortened
from symprop.diagnosis.surroundings import Surroundings
from symprop.diagnosis.table import Wrong, fitting, wrong

Path = tuple[int, ...]
MOST_PLACES = 6
"""In so many places of an equation at most the same change is made."""
WRITTEN_OUT = 0.3
"""How much more far-fetched a change is where a factor was first taken into a sum."""


@dataclass(frozen=True)
class Step:
    """One changed equation: its name, what it says then, and what is said of the change.

    `form` was changed at `path`; where the same could be said of another place in it, `is_at_a_term`.
    """

    name: str
    expression: Node
    wrong: Wrong
    form: Node | None = None
    path: Path = ()
    is_at_a_term: bool = False

    @property
    def term(self) -> str:
        """The term of a sum in which the change is, where that must be said."""
        for depth in reversed(range(len(self.path) if self.is_at_a_term else 0)):
            above = at(self.form, self.path[:depth]) if self.form is not None else None
            if isinstance(above, n.Add):
                return shortened(above.operands[self.path[depth]])
        return ""


def places(node: Node, path: Path = (), above: Node | None = None) -> Iterator[tuple[Path, Node, Node | None]]:
    """Yield the nodes of a formula with where they stand, and the node above each."""
    yield path, node, above
    for number, operand in enumerate(node.operands):
        yield from places(operand, (*path, number), node)


def at(node: Node, path: Path) -> Node:
    """Return the node at a place."""
    for number in path:
        node = node.operands[number]
    return node


def put(node: Node, path: Path, new: Node) -> Node:
    """Return `node` with another one at a place.

    Raises:
        ShapeError: a node above no longer fits.
    """
    if not path:
        return new
    operands = list(node.operands)
    operands[path[0]] = put(operands[path[0]], path[1:], new)
    return node.with_operands(operands)


def changes(account: Account, equation: Equation, around: Surroundings, alone: bool = False) -> list[Step]:
    """Return all changes of one equation, and those that make the same change at several places, unless `alone`.

    An equation that is read by others keeps its shape: what is left of it is spread as NumPy would.
    """
    held = {each.name for each in account.gradients.values()}
    is_last = equation.name in held and len(account.reach[equation.name]) == 1
    found: dict[Node, Step] = {}

    def keep(step: Step) -> None:
        shape = equation.target.shape
        fits = step.expression.shape == shape or is_last
        if not fits and is_spread(step.expression.shape, shape):
            step, fits = replace(step, expression=n.Multiply(step.expression, n.Fill(1, shape))), True
        before = found.get(step.expression)
        if fits and (before is None or step.wrong.cost < before.wrong.cost):
            found[step.expression] = step

    alias = around.definitions.get(equation.expression) if isinstance(equation.expression, n.Variable) else None
    written = alias.expression if alias and alias.name not in account.forward_names else equation.expression
    for number, form in enumerate(dict.fromkeys((*forms(equation.expression), *forms(written)))):
        alike: dict[Hashable, list[tuple[Path, Wrong]]] = {}
        for path, node, above in places(form):
            for each in wrong(node, around.place(equation, above)):
                made = fitting(put, form, path, each.node)
                if made is not None:
                    each = each._replace(cost=each.cost + WRITTEN_OUT * (number > 0))
                    keep(Step(equation.name, made, each, form, path))
                    alike.setdefault((each.kind, numberless(each.said)), []).append((path, each))
        said = Counter(each.said for same in alike.values() for _, each in same)
        for key, step in found.items():
            if step.form is form and (number > 0 or said[step.wrong.said] > 1):
                found[key] = replace(step, is_at_a_term=True)
        for same in () if alone else alike.values():
            together = at_once(form, same, equation, around)
            if together is not None:
                keep(Step(equation.name, together, same[0][1]._replace(cost=same[0][1].cost + 0.2)))
    found.pop(equation.expression, None)
    return list(found.values())


def is_spread(shape: tuple[Expr, ...], over: tuple[Expr, ...]) -> bool:
    """Whether NumPy spreads an array of one shape over another."""
    pairs = zip(reversed(shape), reversed(over), strict=False)
    return len(shape) <= len(over) and all(size in (1, other) for size, other in pairs)


def numberless(text: str) -> tuple[str, tuple[int, ...]]:
    """Return a text without its numbers, and how these differ: so one step of time is said to be like another.

    The moments of time, in brackets, are counted by themselves.

    >>> numberless("reads a3 in place of a2") == numberless("reads a2 in place of a1")
    True
    >>> numberless("dc1[2] reads i1[3]") == numberless("dc1[1] reads i1[2]")
    True
    """
    moments, layers = ([int(each) for each in re.findall(which, text)] for which in (MOMENT, LAYER))
    differences = (other - found[0] for found in (moments, layers) for other in found[1:])
    return re.sub(r"\d+", "#", text), tuple(differences)


MOMENT, LAYER = r"(?<=\w\[)\d+(?=\])", r"(?<!\[)\b\d+|(?<=[A-Za-z_])\d+"
"""Numbers in brackets behind a name, and others."""


def at_once(node: Node, changes: Sequence[tuple[Path, Wrong]], equation: Equation, around: Surroundings) -> Node | None:
    """Return a formula with changes at several places, the deepest first; None where there is only one place."""
    by_path = dict(reversed(changes))
    if not 1 < len(by_path) == len(changes) <= MOST_PLACES:
        return None
    made: Node | None = node
    for path, each in sorted(by_path.items(), key=lambda pair: -len(pair[0])):
        here, above = at(node, path), at(node, path[:-1]) if path else None
        if any(len(other) > len(path) and other[: len(path)] == path for other in by_path):  # it has changed below
            said = each.kind, numberless(each.said)
            again = (more for more in wrong(here, around.place(equation, above)))
            each = next((more for more in again if (more.kind, numberless(more.said)) == said), each)
        made = fitting(put, node, path, each.node)
        if made is None:
            return None
        node = made
    return node


def forms(node: Node) -> Iterator[Node]:
    """Yield a formula as it stands, and with a factor taken into a sum."""
    yield node
    factors = factors_of(node)
    inside = next((each for each in factors if isinstance(each, n.Add)), None)
    if inside is not None and len(factors) > 1:
        rest = list(factors)
        rest.remove(inside)
        yield added([multiplied([*rest, each]) for each in inside.operands])
