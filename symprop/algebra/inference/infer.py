"""What the arrays of a formula are, where nothing is declared: readings, the one that people mean first.

>>> inferred([("", ast.parse("x @ A @ x", mode="eval").body)]).text
'A: n n, x: n'
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from sympy import Expr, Integer

from symprop.algebra.declarations import declarations_text
from symprop.algebra.inference.convention import COUNTS, SIZE_FIRST, names_of_sizes, rank_costs
from symprop.algebra.inference.counts import counted, covered, divisors
from symprop.algebra.inference.fits import Fit
from symprop.algebra.inference.parts import Parts, shapes_of
from symprop.algebra.inference.ranks import Ranks, likely
from symprop.algebra.inference.syntax import parts_of
from symprop.algebra.inference.unknown_sizes import Misfit, Shape, Sizes, Unknown
from symprop.algebra.names import size_symbol, variable
from symprop.algebra.nodes import Fact, Variable
from symprop.algebra.size_reader import read_size
from symprop.errors import ReadingError, SympropError, shown

MARGIN = 0.95
"""How much more unusual than the first a reading may be that is still told."""
WIDER = 8.0
"""The same where the first readings do not fit by their sizes."""
MOST_TOLD = 6
SCALAR, LIKELY_SCALAR, ANYTHING = (0, 14, 14, 14, 14), (0, 3, 3, 3, 3), (0, 1, 1, 1, 1)
"""What the value of a formula costs by its rank: where only a scalar is asked about, where it is likely one, else."""


@dataclass(frozen=True)
class Inferred:
    """What was inferred: `variables`, `others` that fit as well; `decided` says whether the first is meant.

    Where nothing `fits`, the variables are as their names are usual, so that the reader can say what is wrong.
    """

    variables: tuple[Variable, ...]
    others: tuple[tuple[Variable, ...], ...] = ()
    decided: bool = True
    fits: bool = True

    @property
    def text(self) -> str:
        """The reading as declarations are written."""
        return declarations_text(self.variables)

    def without(self, name: str) -> Inferred:
        """Return the same without what a name is, which is known."""
        first, *others = ([each for each in one if each.name != name] for one in (self.variables, *self.others))
        return replace(self, variables=tuple(first), others=tuple(map(tuple, others)))

    def readings(self, source: str) -> tuple[str, ...]:
        """Return all readings as declarations are written, that which is meant first.

        Raises:
            ReadingError: several fit as well.
        """
        texts = (self.text, *map(declarations_text, self.others))
        if self.decided:
            return texts
        first, *others = (f'"{text}"' for text in texts)
        listed = f"allowed: {first}\n      or {' or '.join(others)}"
        product = "" if "@" in source else "; a product of matrices is A @ B"
        raise ReadingError(f"{shown(source)} has {len(texts)} readings{product}\n{listed}", texts)


class Known:
    """What is declared: arrays by name, the sizes that they have by name, and the shapes of both."""

    def __init__(self, given: Sequence[Variable]) -> None:
        self.arrays = {each.name: each for each in given}
        self.sizes = {str(size) for each in given for part in each.shape for size in part.free_symbols} - {*self.arrays}
        facts = {name: each.facts_by_kind for name, each in self.arrays.items()}
        self.entries = {name: Integer(0) + found["index"] for name, found in facts.items() if "index" in found}
        self.shapes: dict[str, Shape] = dict.fromkeys(self.sizes, ())
        self.shapes |= {name: each.shape for name, each in self.arrays.items()}


def inferred(
    statements: Sequence[tuple[str, ast.expr]],
    value: Sequence[float] = LIKELY_SCALAR,
    arrays: Iterable[str] = (),
    given: Sequence[Variable] = (),
) -> Inferred:
    """Return the shapes of all names of a formula, those that are `given` as they are.

    >>> inferred([("", ast.parse("X @ w - y", mode="eval").body)], given=(variable("y", (Integer(3),)),)).text
    'X: 3 n, w: n, y: 3'

    Args:
        statements: names with what they stand for, in order; the formula itself stands last, and may have no name.
        value: what the formula's value costs by its rank, `SCALAR`, `LIKELY_SCALAR` or nothing at all.
        arrays: names that are arrays and no sizes, because they are asked about.
        given: arrays that are declared, whose sizes are names that may stand in the formula.

    Raises:
        SymbolNameError: nothing fits, and a name cannot stand in code.
    """
    parts = parts_of(statements)
    known = Known(given)
    trees = [tree for _, tree in statements]
    below = {each.id for tree in trees for each in divisors(tree)}
    ranks_declared = {name: each.rank for name, each in known.arrays.items()}
    costs = {
        place: rank_costs(name, name in below, ranks_declared)
        for name, place in parts.arrays.items()
        if name not in parts.sizes and name not in known.shapes
    }
    valued = Fit(lambda sizes, shape: shape, 1, lambda rank: value[rank])
    parts.enter(trees[-1], fit=valued, operands=(parts.results[statements[-1][0]],))
    ranks = Ranks(parts.parts, costs)
    for name in parts.sizes:
        if name in parts.arrays:
            ranks.left[parts.arrays[name]] = 1
    for name, shape in known.shapes.items():
        if name in parts.arrays:
            ranks.left[parts.arrays[name]] = 1 << len(shape)
    found: list[tuple[float, tuple[Variable, ...]]] = []
    names = sorted(costs, key=lambda place: -_usual(costs[place]))  # what matrices are multiplied with comes after them
    for margin in (MARGIN, WIDER) if ranks.start() else ():
        for cost, reading in likely(ranks, names, margin):
            with suppress(Misfit, SympropError):
                found.append((cost, _sized(parts, trees, reading, {*arrays}, known)))
        if found:
            break
    if not found:
        usual = {place: _usual(row) for place, row in costs.items()}
        return Inferred(_sized(parts, trees, usual, {*arrays}, known, anyway=True), fits=False)
    least, first = found[0]
    alike = [each for cost, each in found if cost == least]
    near = [each for cost, each in found if cost <= least + MARGIN and _differ(first, each) == 1]
    others = alike[1:] or near
    return Inferred(first, tuple(others[: MOST_TOLD - 1]), len(alike) == 1)


def _usual(costs: Sequence[float]) -> int:
    """Return the rank that costs least."""
    return min(range(len(costs)), key=costs.__getitem__)


def _differ(first: Sequence[Variable], other: Sequence[Variable]) -> int:
    """How many arrays have another rank."""
    ranks = {each.name: each.rank for each in first}
    return sum(each.rank != ranks.get(each.name, 0) for each in other)


# ---------------------------------------------------------------- sizes


def _sized(
    parts: Parts,
    trees: Sequence[ast.expr],
    ranks: dict[int, int],
    arrays: set[str],
    known: Known,
    anyway: bool = False,
) -> tuple[Variable, ...]:
    """Return the variables of one reading of the ranks; `anyway` passes over what does not fit.

    Raises:
        Misfit: their sizes do not fit.
    """
    passed = (Misfit, SympropError) if anyway else ()
    sizes, shapes = shapes_of(parts, ranks, known.shapes, passed)
    with suppress(*passed):
        for name, tables in parts.ids.items():
            if name in known.entries:
                sizes.same(known.entries[name], _entries(shapes, sizes, tables[0]))
            for table in tables[1:]:
                sizes.same(_entries(shapes, sizes, tables[0]), _entries(shapes, sizes, table))
        sizes.settle()
        for unknown, size in covered(parts, shapes, sizes):
            sizes.same(unknown, size)
    numbers = [
        name
        for name, place in parts.arrays.items()
        if not shapes[place]
        and name in COUNTS
        and name not in arrays
        and name not in parts.sizes
        and name not in known.shapes
    ]
    for name, size in counted(parts, trees, shapes, sizes, numbers):
        sizes.same(size, size_symbol(name))
    return _named(parts, shapes, sizes, numbers, known)


def _named(
    parts: Parts, shapes: list[Shape], sizes: Sizes, numbers: list[str], known_arrays: Known
) -> tuple[Variable, ...]:
    """Give names to the sizes that have none, and return the variables, matrices first."""
    listed = sorted(parts.arrays, key=lambda name: -len(shapes[parts.arrays[name]]))
    found = {name: tuple(map(sizes.value, shapes[parts.arrays[name]])) for name in listed if name not in parts.sizes}
    first = sorted(found, key=lambda name: (-len(found[name]), not name.startswith("X")))  # X is the data: m n
    every = [size for name in first for part in found[name] for size in sorted(part.free_symbols, key=str)]
    unknown = list(dict.fromkeys(each for each in every if isinstance(each, Unknown)))
    known = {str(each) for each in every if not isinstance(each, Unknown)} | {*parts.sizes}
    bare = SIZE_FIRST.intersection(numbers) - known if len(unknown) == 1 and not known_arrays.arrays else ()
    taken = {*found, *known, *parts.results} - {*bare}
    names = dict(zip(unknown, map(size_symbol, names_of_sizes(len(unknown), taken)), strict=True))
    used = known | {str(each) for each in names.values()}
    ids = {name: _entries(shapes, sizes, tables[0]) for name, tables in parts.ids.items()}
    return tuple(
        known_arrays.arrays[name]
        if name in known_arrays.arrays
        else variable(
            name,
            tuple(size.xreplace(names) for size in shape),
            _facts(name, parts, ids.get(name), names),
        )
        for name, shape in found.items()
        if not (name in numbers and name in used) and name not in known_arrays.sizes
    )


def _facts(name: str, parts: Parts, entries: Expr | None, names: dict[Expr, Expr]) -> tuple[Fact, ...]:
    if name in parts.symmetric:
        return (Fact("symmetric"),)
    return () if entries is None else (Fact("index", entries.xreplace(names)),)


def _entries(shapes: list[Shape], sizes: Sizes, at: tuple[int, int] | str) -> Expr:
    """How many entries ids select from, along an axis of a part, or by the text of a size."""
    if isinstance(at, str):
        return read_size(at)
    place, axis = at
    return sizes.value(shapes[place][axis]) if axis < len(shapes[place]) else Integer(1)  # which the reader refuses
