"""Sizes at which formulas are compared: small numbers for the names of sizes, such that every shape fits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import sympy
from sympy import Expr

from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import walk
from symprop.errors import LimitError
from symprop.formulas.checks.points import at_sizes, size_symbols

MOST_CHOICES = 6
COMFORTABLE, LARGEST = 400, 2_000
"""Elements of an array that are quick to compute in 120 digits, and the most that are computed."""


def size_choices(nodes: Sequence[Node], variables: Sequence[Variable]) -> list[dict[Expr, int]]:
    """Return choices of sizes that fit: first those in which neighbours differ, then equal ones, large ones last.

    Those for which a part of a formula is large are taken only where there are no others.

    Raises:
        LimitError: an array of more than 2,000 elements.
    """
    symbols = size_symbols(tuple(variables))
    small: list[dict[Expr, int]] = []
    large: list[tuple[int, dict[Expr, int]]] = []
    for numbers in _tuples(len(symbols)):
        sizes: dict[Expr, int] = dict(zip(symbols, numbers, strict=True))
        _check_elements(variables, sizes)
        fitting = [at_sizes(node, sizes) for node in nodes]
        counts = [_largest_part(here) for here in fitting if here is not None]
        if len(counts) < len(nodes):
            continue
        if max(counts, default=0) <= COMFORTABLE:
            small.append(sizes)
            if len(small) == MOST_CHOICES:
                break
        else:
            large.append((max(counts), sizes))
    if small or not large:
        return small
    possible = [sizes for count, sizes in large if count <= LARGEST]
    if not possible:
        count = min(count for count, _ in large)
        problem = f"a part of the formulas has {count:,} elements, too many to compare in 120 digits"
        raise LimitError(f"{problem}\nallowed: sizes with names, or at most {LARGEST:,} elements")
    return possible[:2]


def _largest_part(node: Node) -> int:
    """The number of elements of the largest part of a formula, whose sizes are numbers."""
    return max(math.prod(int(size) for size in part.shape) for part in walk(node))


def _tuples(count: int) -> Iterator[tuple[int, ...]]:
    """Yield sizes to try: small ones by turns, distinct ones, equal ones, and large ones for slices that need them."""
    cycles = [tuple(2 + (start + step) % 4 for step in range(count)) for start in range(4)]
    by_turns = [tuple(2 + (start + step) % 2 for step in range(count)) for start in (0, 1)]
    equal = [(size,) * count for size in (2, 1, 4)]
    larger = [tuple(size + more for size in cycle) for more in (3, 6, 12) for cycle in cycles]
    yield from dict.fromkeys([*by_turns, *cycles, *equal, *larger])


def _check_elements(variables: Sequence[Variable], sizes: Mapping[Expr, int]) -> None:
    for each in variables:
        count = int(sympy.prod(each.shape, start=sympy.Integer(1)).subs(sizes))
        if count > LARGEST:
            allowed = f"allowed: sizes with names, {each.name}: m n, or at most {LARGEST:,} elements"
            raise LimitError(f"{each.name} has {count:,} elements, too many to compare in 120 digits\n{allowed}")
