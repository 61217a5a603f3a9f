"""What the arrays of a recurrence are: in the equations of a general moment a state has the shape that it had before.

>>> tree = ast.parse("W @ x + R @ h_prev", mode="eval").body
>>> from sympy import Integer
>>> found = readings([("h", tree)], {"x": (Integer(3),), "h": (Integer(2),)}, {"h_prev": "h"})
>>> found.shapes[0], found.fits
({'W': (2, 3), 'x': (3,), 'R': (2, 2), 'h_prev': (2,), 'h': (2,)}, True)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from symprop.algebra.inference.convention import RANK_COSTS, sort_of
from symprop.algebra.inference.fits import Fit
from symprop.algebra.inference.parts import Parts, shapes_of
from symprop.algebra.inference.ranks import Ranks, likely
from symprop.algebra.inference.syntax import parts_of
from symprop.algebra.inference.unknown_sizes import Misfit, Shape, Sizes
from symprop.errors import SympropError


def alike(sizes: Sizes, shape: Shape, other: Shape) -> Shape:
    """Two arrays of one shape.

    Raises:
        Misfit: they are not.
    """
    if len(shape) != len(other):
        raise Misfit
    for one, another in zip(shape, other, strict=True):
        sizes.same(one, another)
    return shape


ALIKE = Fit(alike)
MAP = (2.6, 7.5, 0, 12, 16)
"""How seldom what stands left of `@` has rank 0, 1, 2, 3 and 4, whatever its name."""
MARGIN = 5.0
"""How much more unusual than the first a reading may be that is told, where the first is unusual too."""


@dataclass(frozen=True)
class Readings:
    """The shapes of all names, a dict for each reading that is as usual; sizes that nothing tells are `Unknown`.

    Where nothing `fits`, the one reading is as names are usual, so that the reader can say what is wrong.
    """

    shapes: tuple[dict[str, Shape], ...]
    fits: bool = True


def readings(
    equations: Sequence[tuple[str, ast.expr]], known: Mapping[str, Shape], carried: Mapping[str, str]
) -> Readings:
    """Return what the names of a recurrence are.

    Args:
        equations: names and the trees that they stand for, in order.
        known: the shapes of names, with an equation or without one.
        carried: what the moment before left, by its name, and the equation that it has.
    """
    parts = parts_of(equations)
    arrays = {name: place for name, place in parts.arrays.items() if name not in parts.sizes}
    whole = equations[-1][1]
    for name, place in tuple(parts.results.items()):
        parts.enter(whole, fit=_being(known[name]) if name in known else _called(name), operands=(place,))
    for before, name in carried.items():
        parts.enter(whole, fit=ALIKE, operands=(arrays[before], parts.results[name]))
    maps = {name for _, tree in equations for each in ast.walk(tree) for name in _maps(each)}
    sorts = {name: "map" if name in maps else sort_of(carried.get(name, name)) for name in arrays if name not in known}
    costs = {arrays[name]: MAP if sort == "map" else RANK_COSTS[sort] for name, sort in sorts.items()}
    ranks = Ranks(parts.parts, costs)
    for name in (name for name in arrays if name in known):
        ranks.left[arrays[name]] = 1 << len(known[name])
    usual = {place: min(range(len(row)), key=row.__getitem__) for place, row in costs.items()}
    found: list[tuple[float, dict[int, int], dict[str, Shape]]] = []
    names = sorted(costs, key=lambda place: -usual[place])
    for cost, reading in likely(ranks, names, MARGIN) if ranks.start() else ():
        with suppress(Misfit, SympropError):
            found.append((cost, reading, _shapes(parts, reading, known)))
    if not found:
        return Readings((_shapes(parts, usual, known, (Misfit, SympropError)),), fits=False)
    least, first, _ = found[0]
    unusual = {place for place in names if first[place] != usual[place]}
    alike = [
        shapes
        for cost, reading, shapes in found
        if cost == least or {place for place in names if reading[place] != first[place]} <= unusual
    ]
    return Readings(tuple(alike))


def _maps(tree: ast.AST) -> Iterator[str]:
    """Yield the name left of an `@`, where the matrices of linear maps stand."""
    match tree:
        case ast.BinOp(ast.Name(name), ast.MatMult()):
            yield name


def _called(name: str) -> Fit:
    """What an equation makes is as its name says, unless it must be something else."""
    return Fit(lambda sizes, shape: shape, 1, lambda rank: RANK_COSTS[sort_of(name)][rank])


def _being(known: Shape) -> Fit:
    return Fit(lambda sizes, shape: alike(sizes, shape, known), 1, fixed=(len(known),))


def _shapes(
    parts: Parts, ranks: Mapping[int, int], known: Mapping[str, Shape], passed: tuple[type[Exception], ...] = ()
) -> dict[str, Shape]:
    """Return the shapes of names in one reading of their ranks.

    Raises:
        Misfit: their sizes do not fit.
    """
    sizes, shapes = shapes_of(parts, ranks, known, passed)
    with suppress(*passed):
        sizes.settle()
    places = {**parts.arrays, **parts.results}
    return {name: tuple(map(sizes.value, shapes[place])) for name, place in places.items() if name not in parts.sizes}
