"""The table of mistakes: what a node could wrongly have been, a row for each kind of mistake.

A row takes a node and where it stands, and yields what may have been written in its place, with a word for the kind of
mistake and how a sentence says it after the name of the gradient: "lacks the factor 1/m".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sympy import Expr

from symprop.algebra.equations import Equation
from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import for_kinds, kinds_of
from symprop.diagnosis.axes import Axes
from symprop.errors import SympropError


class Wrong(NamedTuple):
    """What may wrongly stand in the place of a node: its kind in a word, how it is said, how far-fetched it is.

    `node` is None where it does not fit there. Who makes a mistake that has a `family` makes it throughout.
    """

    node: Node | None
    kind: str
    said: str
    cost: float = 1.0
    family: str = ""


@dataclass(frozen=True)
class Place:
    """Where a node stands: in which equation, under which node, and what else could have been written there.

    `others` are the variables that are known where the equation is worked out, `numbers` those that a person may have
    put in as a factor, `near` says how far a variable is from another: 0 for what one equation makes of the other.
    """

    equation: Equation
    above: Node | None
    others: Sequence[Variable]
    numbers: Sequence[Expr]
    definitions: Mapping[Variable, Equation]
    near: Callable[[Variable, Variable], float]
    axes: Axes
    functions: Sequence[ElementwiseFunction] = ()

    def named(self, wanted: Variable) -> Variable | None:
        """Return the variable that is called like `wanted`, where there is one."""
        return next((each for each in self.others if each.name == wanted.name), None)

    def operands_of(self, value: Variable) -> Sequence[Node]:
        """Return the variables that the equation of `value` is a function of, where it applies one to a variable."""
        definition = self.definitions.get(value)
        return [each for each in definition.expression.operands if isinstance(each, Variable)] if definition else []

    @property
    def is_root(self) -> bool:
        """Whether the node is the whole right side of its equation."""
        return self.above is None


Row = Callable[[Node, Place], Iterator[Wrong] | None]
MISTAKES: list[tuple[tuple[type, ...], Row]] = []


def mistake(*kinds: type[Node]) -> Callable[[Callable[..., Iterator[Wrong]]], Row]:
    """Enter a row for these kinds of node."""

    def enter(row: Callable[..., Iterator[Wrong]]) -> Row:
        restricted: Row = for_kinds(*(kinds or (Node,)))(row)
        MISTAKES.append((kinds_of(restricted), restricted))
        return restricted

    return enter


def wrong(node: Node, place: Place) -> Iterator[Wrong]:
    """Yield all that may wrongly stand in the place of a node."""
    for kinds, row in MISTAKES:
        if isinstance(node, kinds):
            found = iter(row(node, place) or ())
            while True:
                try:
                    each = next(found, None)
                except SympropError:  # what does not fit there, after which a row has nothing to say
                    break
                if each is None:
                    break
                if each.node is not None and each.node != node:
                    yield each


def fitting(make: Callable[..., Node], *parts: Any) -> Node | None:
    """Return what is made of some parts, None where they do not fit."""
    try:
        return make(*parts)
    except SympropError:
        return None
