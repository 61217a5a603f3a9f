"""Points at which the answer to a question is checked: numbers for the sizes, and values that the facts allow."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import mpmath
import numpy as np
from sympy import Expr, Integer, Symbol, Tuple

from symprop.algebra.nodes import Node, Variable
from symprop.algebra.reading.ids import check_ids
from symprop.algebra.trees import walk
from symprop.errors import SympropError
from symprop.verify.arithmetic import Array
from symprop.verify.evaluate import WORKING_DIGITS
from symprop.verify.values import STYLES, Style, values_for

MOST_LIFTED = 24
"""How much larger sizes may be than the smallest, where the places that a formula reads need more."""


@dataclass(frozen=True)
class FormulaPoint:
    """A number for each size, and a value for each variable by name: in float64 and in 120 digits."""

    sizes: Mapping[Expr, int]
    values: Mapping[str, Array]
    precise: Mapping[str, Array] = field(repr=False)


def size_symbols(variables: Iterable[Variable], *formulas: Node) -> tuple[Symbol, ...]:
    """Return the symbols in the sizes of variables (and in the bounds of ids), each once, in order.

    Those that only `formulas` read, as the exponent of a matrix does, come last; the index of a series is none.
    """
    parts = [part for each in variables for part in (*each.shape, *(fact.value for fact in each.facts))]
    nodes = list(dict.fromkeys(part for formula in formulas for part in walk(formula)))
    free = {symbol for each in (*parts, *formulas) for symbol in each.free_symbols}
    parts += [argument for part in nodes for argument in part.args if isinstance(argument, (Expr, Tuple))]
    found = dict.fromkeys(symbol for part in parts for symbol in sorted(part.free_symbols, key=str))
    return tuple(symbol for symbol in found if symbol in free)


def at_sizes(node: Node, sizes: Mapping[Expr, int]) -> Node | None:
    """Return `node` with numbers for its sizes, every shape checked again; None where the sizes do not fit.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("softmax(x)", x="n").node
    >>> (size,) = f.shape
    >>> at_sizes(f, {size: 3}).shape, at_sizes(f, {size: 1})
    ((3,), None)
    """
    try:
        here: Node = node.xreplace({symbol: Integer(size) for symbol, size in sizes.items()})
        check_ids(here)
    except SympropError:  # a softmax over one class, a slice beyond the end, ids beyond the rows
        return None
    parts = list(walk(here))
    fits = all(size.is_Integer and size > 0 for part in parts for size in part.shape)
    infinite = any(part.constant is not None and part.constant.is_finite is False for part in parts)
    return here if fits and not infinite else None  # 1 / (n - 1) has no value at n = 1


def numbered(symbols: tuple[Symbol, ...], variant: int = 0) -> dict[Expr, int]:
    """Return a different number from 2 up for each size, so that a lost transpose shows; `variant` orders them anew.

    >>> m, n = Symbol("m"), Symbol("n")
    >>> numbered((m, n)), numbered((m, n), 1), numbered((m, n), 2)
    ({m: 2, n: 3}, {m: 3, n: 2}, {m: 4, n: 3})
    """
    turn = variant // 2 % max(1, len(symbols))
    order = symbols if variant % 2 == 0 else tuple(reversed(symbols))
    place = {symbol: number for number, symbol in enumerate((*order[turn:], *order[:turn]), start=2 + variant // 2 % 2)}
    return {symbol: place[symbol] for symbol in symbols}


def lifted(symbols: tuple[Symbol, ...], formula: Node) -> int:
    """Return how much larger than `numbered` the sizes of a formula must be: `x[5]` needs six elements.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("x[5]", x="n")
    >>> lifted(size_symbols(f.variables), f.node)
    4
    """
    return next((more for more in range(MOST_LIFTED) if _fits(formula, numbered(symbols), more)), 0)


def _fits(formula: Node, sizes: Mapping[Expr, int], more: int) -> bool:
    return at_sizes(formula, {symbol: size + more for symbol, size in sizes.items()}) is not None


def alternating(symbols: tuple[Symbol, ...], formula: Node) -> dict[Expr, int]:
    """Return 2 and 3 by turns for the sizes, or 3 and 2: what is written out element by element must be small.

    Where the formula needs more, 3 and 4, and so on.
    """
    for least, first in itertools.product(range(2, 2 + MOST_LIFTED), range(2)):
        sizes: dict[Expr, int] = {symbol: least + number % 2 for number, symbol in enumerate(symbols, start=first)}
        if at_sizes(formula, sizes) is not None:
            return sizes
    return sizes


def points(
    variables: tuple[Variable, ...], seed: int, sizes: Callable[[int], Mapping[Expr, int]], attempts: int
) -> Iterator[FormulaPoint]:
    """Yield points that satisfy the facts, in one style after the other; `sizes` of the number of the attempt."""
    for number in range(attempts):
        found = point(variables, sizes(number), np.random.default_rng((seed, number)), STYLES[number % len(STYLES)])
        if found is not None:
            yield found


def point(
    variables: tuple[Variable, ...], sizes: Mapping[Expr, int], random: np.random.Generator, style: Style
) -> FormulaPoint | None:
    """Return a random point, or None where a value does not satisfy all facts of its variable."""
    with mpmath.workdps(WORKING_DIGITS):
        precise = values_for(variables, sizes, random, style)
        if precise is None:
            return None
        near = {name: each if each.dtype.kind == "i" else each.astype(np.float64) for name, each in precise.items()}
    return FormulaPoint(sizes, near, precise)
