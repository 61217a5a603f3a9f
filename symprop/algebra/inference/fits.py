"""How ranks and sizes of operands and result fit: a row for each operator and function of more than one array.

A row is a rule that makes the shape of the result of the shapes of two operands; where sizes must be the same it says
so to `Sizes`. Which ranks fit follows: those for which the rule does not refuse (`Fit.ranks`). A function of one
array needs no row: the reader itself is asked what it makes of an array of each rank (`read_by_trial`), so that what
it means stands in one place.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from itertools import product

from sympy import Expr, Integer

from symprop.algebra.inference.unknown_sizes import Misfit, Shape, Sizes, count_of
from symprop.algebra.names import size_symbol, variable
from symprop.algebra.nodes import Fact
from symprop.algebra.reader import names_in, read_formula
from symprop.errors import ShapeError, SympropError

MOST_RANK = 4
RANKS = range(MOST_RANK + 1)
Rule = Callable[..., Shape]


def usual(*ranks: int) -> float:
    """Nothing is unusual about an operation at its ranks."""
    return 0


@dataclass(frozen=True, eq=False)
class Fit:
    """How the shapes of operands and result fit; `unusual` says how seldom a person writes it at some ranks.

    The ranks may be those of another, which is `like` it, or `fixed`. `symmetric` says that operands must be so.
    """

    rule: Rule
    operands: int = 2
    unusual: Callable[..., float] = usual
    like: Fit | None = None
    fixed: tuple[int, ...] | None = None
    symmetric: bool = False

    @cached_property
    def ranks(self) -> tuple[tuple[tuple[int, ...], float], ...]:
        """All ranks that fit, of the operands and of the result, each with how unusual they are."""
        if self.like is not None:
            return self.like.ranks
        found = []
        for ranks in product(RANKS, repeat=self.operands) if self.fixed is None else (self.fixed,):
            sizes = Sizes()
            try:
                shape = self.rule(sizes, *(sizes.fresh(rank) for rank in ranks))
            except Misfit:
                continue
            if len(shape) <= MOST_RANK:
                found.append(((*ranks, len(shape)), self.unusual(*ranks)))
        return tuple(found)


TRANSPOSED = Fit(lambda sizes, shape: shape[::-1], 1, lambda rank: 0.0 if rank else 12.0)
"""The transpose, which nobody writes of a number."""

# ---------------------------------------------------------------- rules of two operands


def broadcast(sizes: Sizes, left: Shape, right: Shape) -> Shape:
    """NumPy's broadcasting: what is not 1 is the same, counted from the last axis."""
    result: list[Expr] = []
    for place in range(1, max(len(left), len(right)) + 1):
        here = [sizes.value(shape[-place]) for shape in (left, right) if place <= len(shape)]
        longer = [size for size in here if size != 1]
        if len(longer) == 2:
            sizes.same(*longer)
        result.append(longer[0] if longer else Integer(1))
    return tuple(reversed(result))


def product_of_matrices(sizes: Sizes, left: Shape, right: Shape) -> Shape:
    """`(..., m, n) @ (..., n, k)` is `(..., m, k)`; a vector has no `m`, or no `k`."""
    _ranks(left, *RANKS[1:])
    _ranks(right, *RANKS[1:])
    sizes.same(left[-1], right[0] if len(right) == 1 else right[-2])
    leading = broadcast(sizes, left[:-2], right[:-2])
    return leading + left[-2:-1] * (len(left) > 1) + right[-1:] * (len(right) > 1)


def solution(sizes: Sizes, left: Shape, right: Shape) -> Shape:
    """`solve(A, b)` has the shape of `b`."""
    _ranks(left, 2)
    _ranks(right, 1, 2)
    sizes.same(*left)
    sizes.same(left[0], right[0])
    return right


def outer(sizes: Sizes, left: Shape, right: Shape) -> Shape:
    """`(m,)` and `(n,)` make `(m, n)`."""
    _ranks(left, 1)
    _ranks(right, 1)
    return left + right


def kronecker(sizes: Sizes, left: Shape, right: Shape) -> Shape:
    """`(m, n)` and `(p, q)` make `(m p, n q)`, `(n,)` and `(q,)` make `(n q,)`."""
    _ranks(left, 1, 2)
    _ranks(right, len(left))
    return tuple(one * other for one, other in zip(left, right, strict=True))


def joined(axis: int) -> Rule:
    """Along `axis` the lengths are added; all other sizes are the same."""

    def rule(sizes: Sizes, left: Shape, right: Shape) -> Shape:
        _ranks(right, len(left))
        if not -len(left) <= axis < len(left):
            raise Misfit
        along = axis % len(left)
        for place, (one, other) in enumerate(zip(left, right, strict=True)):
            if place != along:
                sizes.same(one, other)
        return (*left[:along], sizes.value(left[along]) + sizes.value(right[along]), *left[along + 1 :])

    return rule


def taken(sizes: Sizes, table: Shape, ids: Shape) -> Shape:
    """`E[i]` has a row of the table for each id."""
    _ranks(table, *RANKS[1:])
    return ids + table[1:]


def scattered(sizes: Sizes, values: Shape, ids: Shape, size: Expr) -> Shape:
    """`scatter_add(values, ids, size)` has a row for each id that there may be."""
    if len(values) < len(ids):
        raise Misfit
    for one, other in zip(values, ids, strict=False):
        sizes.same(one, other)
    return (size, *values[len(ids) :])


def reshaped(shape: Shape) -> Rule:
    """As many elements as before."""

    def rule(sizes: Sizes, array: Shape) -> Shape:
        sizes.same(count_of(tuple(map(sizes.value, array))), count_of(shape))
        return shape

    return rule


def contraction(subscripts: str, operands: int) -> Fit | None:
    """Return how the arrays of an `einsum` fit: equal letters are equal sizes; None where it is not understood.

    >>> contraction("i,kij,j->k", 3).ranks
    (((1, 3, 1, 1), 0),)
    """
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != operands or not all(term.isalpha() or not term for term in (*terms, right)):
        return None
    result = right if arrow else "".join(sorted(letter for letter in {*left} - {","} if left.count(letter) == 1))

    def rule(sizes: Sizes, *shapes: Shape) -> Shape:
        known: dict[str, Expr] = {}
        for term, shape in zip(terms, shapes, strict=True):
            _ranks(shape, len(term))
            for letter, size in zip(term, shape, strict=True):
                sizes.same(known.setdefault(letter, size), size)
        return tuple(known[letter] for letter in result if letter in known)

    return Fit(rule, operands, fixed=tuple(map(len, terms)))


def _ranks(shape: Shape, *allowed: int) -> None:
    if len(shape) not in allowed:
        raise Misfit


# ---------------------------------------------------------------- the table


def mixed(cost: float) -> Callable[[int, int], float]:
    """A matrix beside a vector, or more axes beside fewer, is seldom meant; a scalar beside anything is usual."""
    return lambda left, right: cost if left and right and left != right else 0


PRODUCT, CHOICE = (Fit(broadcast, 2, mixed(cost)) for cost in (2, 1))
POWER = Fit(broadcast, 2, lambda base, exponent: 3 if exponent else 0)

OPERATORS_THAT_FIT: dict[type[ast.operator], Fit] = {
    ast.Mult: PRODUCT,
    ast.Div: PRODUCT,
    ast.FloorDiv: PRODUCT,
    ast.Pow: POWER,
    ast.MatMult: Fit(
        product_of_matrices, 2, lambda left, right: 6 if max(left, right) > 2 and 1 in (left, right) else 0
    ),
}

FUNCTIONS_THAT_FIT: dict[str, Fit] = {
    "maximum": CHOICE,
    "minimum": CHOICE,
    "where": CHOICE,
    "power": POWER,
    "solve": Fit(solution),
    "outer": Fit(outer),
    "kron": Fit(kronecker),
}
"""Functions of more than one array; of those that take three, the first two, then their result and the third."""

TAKEN = Fit(taken, 2, lambda table, ids: 0 if table > 1 or not ids else 1)


# ---------------------------------------------------------------- what the reader says

OPERAND = "zz_operand"
"""What stands for the array in a text that is read by trial."""


@lru_cache(maxsize=4_096)
def read_by_trial(text: str, operands: int) -> Fit:
    """Return how shapes fit in a text whose arrays are called `zz_operand0`, ...; all its other names are sizes.

    Arrays of each rank are tried, with sizes that all differ first, then with as few as possible that are the same; a
    square matrix is also tried as a symmetric one.

    >>> [ranks for ranks, _ in read_by_trial("sum(zz_operand0, axis=0)", 1).ranks]
    [(1, 0), (2, 1), (3, 2), (4, 3)]
    >>> read_by_trial("inv(zz_operand0)", 1).ranks
    (((2, 2), 0),)
    """
    arrays = [f"{OPERAND}{place}" for place in range(operands)]
    needs_symmetric: list[bool] = []

    @cache
    def read(*ranks: int) -> tuple[tuple[Shape, ...], Shape] | None:
        sizes = [name for name in names_in(text) if name not in arrays]
        count = sum(ranks)
        if count > MOST_RANK:
            return None
        for classes in _partitions(count):
            names = iter([size_symbol(f"zz_size{each}") for each in classes])
            given = [tuple(next(names) for _ in range(rank)) for rank in ranks]
            try:
                return tuple(given), read_formula(text, dict(zip(arrays, given, strict=True)), sizes).shape
            except ShapeError:
                continue
            except SympropError:
                shape = _of_symmetric(text, dict(zip(arrays, given, strict=True)), sizes)
                needs_symmetric.append(shape is not None)
                return None if shape is None else (tuple(given), shape)
        return None

    def rule(sizes: Sizes, *shapes: Shape) -> Shape:
        found = read(*map(len, shapes))
        if found is None:
            raise Misfit
        return _in_their_sizes(sizes, shapes, *found)

    def unusual(*ranks: int) -> float:
        """Nobody sums a scalar."""
        reduces = ranks == (0,) and (vector := read(1)) is not None and not vector[1]
        return 3 if reduces else 0

    found = Fit(rule, operands, unusual)
    return replace(found, symmetric=any(needs_symmetric)) if found.ranks else found


def _of_symmetric(text: str, given: dict[str, Shape], sizes: list[str]) -> Shape | None:
    """Return the shape of a text whose arrays are symmetric matrices; None where that does not help."""
    if not all(len(shape) == 2 and shape[0] == shape[1] for shape in given.values()):
        return None
    matrices = {name: variable(name, shape, (Fact("symmetric"),)) for name, shape in given.items()}
    try:
        return read_formula(text, matrices, sizes).shape
    except SympropError:
        return None


def _in_their_sizes(sizes: Sizes, shapes: Sequence[Shape], given: Sequence[Shape], result: Shape) -> Shape:
    """Return the shape of a trial's result, whose arrays have these shapes and not the `given` ones."""
    known: dict[Expr, Expr] = {}
    for names, shape in zip(given, shapes, strict=True):
        for name, size in zip(names, shape, strict=True):
            sizes.same(known.setdefault(name, size), size)
    values = {name: sizes.value(size) for name, size in known.items()}
    return tuple(size.xreplace(values) for size in result)


@cache
def _partitions(count: int) -> tuple[tuple[int, ...], ...]:
    """Return all ways in which `count` sizes may be the same, as the number of a class for each; most classes first.

    >>> _partitions(3)
    ((0, 1, 2), (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 0, 0))
    """
    found: list[tuple[int, ...]] = [()]
    for _ in range(count):
        found = [(*each, number) for each in found for number in range(max(each, default=-1) + 2)]
    return tuple(sorted(found, key=lambda each: -len({*each})))


def constant_shape(text: str) -> Shape | None:
    """Return the shape of a text without arrays; None where the reader refuses it."""
    try:
        return read_formula(text, {}, names_in(text)).shape
    except SympropError:
        return None
