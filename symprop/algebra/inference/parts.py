"""The parts of a formula as inference sees them: names, numbers, and operations with the fit of their operands.

What stands where only a number can, an axis or a size, is no part: its names are sizes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

from symprop.algebra.inference.fits import Fit, read_by_trial
from symprop.algebra.inference.unknown_sizes import Shape, Sizes
from symprop.algebra.reading.mentions import CONSTANTS

MOST_TRIED = 2
"""How many arrays a function may have that has no row in `FUNCTIONS_THAT_FIT`."""


@dataclass(eq=False)
class Part:
    """A name (`name`), a number (neither a name nor a fit) or an operation of a formula."""

    tree: ast.expr
    name: str = ""
    fit: Fit | None = None
    operands: tuple[int, ...] = ()


@dataclass(eq=False)
class Parts:
    """All parts of some statements, operands before what reads them; `results` are those of the statements.

    `arrays` are the names that are to be declared, `sizes` those that stand for sizes, `ids` the arrays that select,
    each with what says how many entries there are: a part and an axis of it, or the text of a size. `symmetric` are
    those that only a function of symmetric matrices reads, `indices` those of series, which are numbers, `fitted`
    the trees in which every shape fits on paper.
    """

    parts: list[Part] = field(default_factory=list)
    arrays: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, None] = field(default_factory=dict)
    ids: dict[str, list[tuple[int, int] | str]] = field(default_factory=dict)
    results: dict[str, int] = field(default_factory=dict)
    symmetric: dict[str, None] = field(default_factory=dict)
    indices: frozenset[str] = frozenset()
    fitted: set[int] = field(default_factory=set)

    def enter(self, tree: ast.expr, name: str = "", fit: Fit | None = None, operands: tuple[int, ...] = ()) -> int:
        self.parts.append(Part(tree, name, fit, operands))
        if fit is not None and fit.symmetric:
            self.symmetric.update({self.parts[each].name: None for each in operands if self.parts[each].name})
        return len(self.parts) - 1


def shapes_of(
    parts: Parts,
    ranks: Mapping[int, int],
    known: Mapping[str, Shape] = MappingProxyType({}),
    passed: tuple[type[Exception], ...] = (),
) -> tuple[Sizes, list[Shape]]:
    """Return the shape of every part where names have these ranks, by their places, or shapes that are `known`.

    What is raised of the kinds that are `passed` over is no matter.

    Raises:
        Misfit: their sizes do not fit.
    """
    sizes = Sizes()
    shapes: list[Shape] = []
    for place, part in enumerate(parts.parts):
        operands = [shapes[each] for each in part.operands]
        fresh = sizes.fresh(ranks[place]) if place in ranks else max(operands, key=len, default=())
        shapes.append(known.get(part.name, fresh))
        if part.fit is not None:
            with suppress(*passed):
                shapes[place] = part.fit.rule(sizes, *operands)
    return sizes, shapes


def square(sizes: Sizes, shape: Shape) -> Shape:
    """A matrix with as many rows as columns."""
    sizes.same(*shape)
    return shape


SQUARE = Fit(square, 1, fixed=(2,))
"""What the identity is."""


@dataclass(frozen=True)
class Plan:
    """What has to be entered before a tree, and how it is then entered itself."""

    operands: list[ast.expr]
    enter: Callable[[list[int]], int]


def chain(parts: Parts, tree: ast.expr, fit: Fit, operands: list[ast.expr]) -> Plan:
    """The first two operands, then their result and the third, and so on."""

    def enter(made: list[int]) -> int:
        if not made:
            return parts.enter(tree)
        result = made[0]
        for other in made[1:]:
            result = parts.enter(tree, fit=fit, operands=(result, other))
        return result

    return Plan(operands, enter)


def trial(parts: Parts, tree: ast.expr, operands: list[ast.expr], text: str) -> Plan:
    """What the reader makes of arrays in their places; where it refuses all, nothing is known."""
    fit = read_by_trial(text, len(operands)) if len(operands) <= MOST_TRIED else None
    return Plan(operands, lambda made: parts.enter(tree, fit=fit if fit and fit.ranks else None, operands=tuple(made)))


def name_sizes(parts: Parts, *trees: ast.expr) -> None:
    """The names in these are sizes."""
    called = {id(each.func) for tree in trees for each in ast.walk(tree) if isinstance(each, ast.Call)}
    for tree in trees:
        for each in ast.walk(tree):
            known = isinstance(each, ast.Name) and (
                each.id in CONSTANTS or each.id in parts.indices or each.id == "inf"
            )
            if isinstance(each, ast.Name) and not known and id(each) not in called:
                parts.sizes[each.id] = None
