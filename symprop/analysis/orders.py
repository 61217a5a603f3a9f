"""The cost of multiplying a chain of Jacobians in every order, as polynomials in the sizes.

A product of dense matrices `(n, k) @ (k, p)` costs `n p (2 k - 1)` operations; with a diagonal matrix it only scales
rows or columns, `n p`. For numbers the best order is found by the dynamic programme of matrix-chain multiplication.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy
from sympy import Expr, Integer

from symprop.errors import LimitError

LONGEST_CHAIN = 200
MOST_FACTORS = 8  # 429 orders; a longer chain has only its forward, reverse and (for numbers) best order

Tree = int | tuple["Tree", "Tree"]


@dataclass(frozen=True)
class Factor:
    """One matrix of a chain; a diagonal one has as many rows as columns."""

    rows: Expr
    columns: Expr
    diagonal: bool = False


@dataclass(frozen=True)
class Order:
    """One way to put parentheses around a chain. Positions in `tree` count from the left, from 0."""

    tree: Tree
    count: int
    cost: Expr
    names: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the product with its parentheses, the factors numbered from the right: `J3 @ (J2 @ J1)`."""
        return self._written(self.tree, outer=True)

    def _written(self, tree: Tree, outer: bool = False) -> str:
        if isinstance(tree, int):
            return f"J{self.count - tree}"
        inside = f"{self._written(tree[0])} @ {self._written(tree[1])}"
        return inside if outer else f"({inside})"


def product(left: Factor, right: Factor) -> tuple[Factor, Expr]:
    """Return the product of two matrices and the operations it takes."""
    result = Factor(left.rows, right.columns, left.diagonal and right.diagonal)
    if result.diagonal:
        return result, left.rows
    size = left.rows * right.columns
    return result, size if left.diagonal or right.diagonal else sympy.expand(size * (2 * left.columns - 1))


def forward_tree(count: int) -> Tree:
    """The order of forward mode: from the input on, `J3 @ (J2 @ J1)`."""
    tree: Tree = count - 1
    for position in range(count - 2, -1, -1):
        tree = (position, tree)
    return tree


def reverse_tree(count: int) -> Tree:
    """The order of reverse mode: from the output on, `(J3 @ J2) @ J1`."""
    tree: Tree = 0
    for position in range(1, count):
        tree = (tree, position)
    return tree


def cost_of_tree(factors: Sequence[Factor], tree: Tree) -> Expr:
    """Return the operations of multiplying the chain in one order."""
    total: Expr = Integer(0)
    pending, visited = [tree], []
    while pending:  # parents before children, the right one first; evaluated backwards, so that depth does not matter
        node = pending.pop()
        visited.append(node)
        if not isinstance(node, int):
            pending.extend(node)
    values: list[Factor] = []
    for node in reversed(visited):
        if isinstance(node, int):
            values.append(factors[node])
        else:
            right, left = values.pop(), values.pop()
            result, cost = product(left, right)
            total += cost
            values.append(result)
    return sympy.expand(total)


def all_trees(count: int) -> tuple[Tree, ...]:
    """Return every way to put parentheses around `count` factors (the Catalan numbers).

    >>> [len(all_trees(count)) for count in range(1, 6)]
    [1, 1, 2, 5, 14]
    """
    return _trees(0, count)


@lru_cache(maxsize=256)
def _trees(start: int, stop: int) -> tuple[Tree, ...]:
    if stop - start == 1:
        return (start,)
    return tuple(
        (left, right)
        for middle in range(start + 1, stop)
        for left in _trees(start, middle)
        for right in _trees(middle, stop)
    )


def orders(factors: Sequence[Factor]) -> tuple[Order, ...]:
    """Return the orders of multiplying a chain with their costs; forward, reverse and, for numbers, best are named.

    >>> n0, n1, n2 = sympy.symbols("n0 n1 n2", integer=True, positive=True)
    >>> for order in orders([Factor(n2, n1), Factor(n1, n1), Factor(n1, n0)]):
    ...     print(order.text(), order.names, order.cost)
    J3 @ (J2 @ J1) ('forward',) 2*n0*n1**2 + 2*n0*n1*n2 - n0*n1 - n0*n2
    (J3 @ J2) @ J1 ('reverse',) 2*n0*n1*n2 - n0*n2 + 2*n1**2*n2 - n1*n2

    Raises:
        LimitError: a chain of more than 200 factors.
    """
    count = len(factors)
    if count > LONGEST_CHAIN:
        raise LimitError(f"a chain of {count:,} Jacobians\nallowed: {LONGEST_CHAIN}")
    named: dict[Tree, list[str]] = {forward_tree(count): ["forward"]}
    named.setdefault(reverse_tree(count), []).append("reverse")
    numbers = all(factor.rows.is_Integer and factor.columns.is_Integer for factor in factors)
    if numbers:
        named.setdefault(best_tree(factors), []).append("best")
    trees = all_trees(count) if count <= MOST_FACTORS else tuple(named)
    return tuple(Order(tree, count, cost_of_tree(factors, tree), tuple(named.get(tree, ()))) for tree in trees)


def best_tree(factors: Sequence[Factor]) -> Tree:
    """Return the cheapest order for sizes that are numbers, by dynamic programming over intervals."""
    count = len(factors)
    rows = [int(factor.rows) for factor in factors]
    sizes = [*rows, int(factors[-1].columns)]
    # from each place on, where the run of diagonal matrices ends: only within it is a product diagonal
    dense_from = [next((k for k in range(start, count) if not factors[k].diagonal), count) for start in range(count)]
    cost = [[0] * (count + 1) for _ in range(count)]
    cut = [[0] * (count + 1) for _ in range(count)]
    for length in range(2, count + 1):
        for start in range(count - length + 1):
            stop, size = start + length, sizes[start] * sizes[start + length]
            here, choices = cost[start], []
            for middle in range(start + 1, stop):
                left, right = middle <= dense_from[start], stop <= dense_from[middle]
                step = rows[start] if left and right else size if left or right else size * (2 * sizes[middle] - 1)
                choices.append(here[middle] + cost[middle][stop] + step)
            here[stop] = min(choices)
            cut[start][stop] = start + 1 + choices.index(here[stop])
    return _tree_of_cuts(cut, count)


def _tree_of_cuts(cut: Sequence[Sequence[int]], count: int) -> Tree:
    """Build the tree from where each interval is cut, the short intervals first."""
    trees: dict[tuple[int, int], Tree] = {(start, start + 1): start for start in range(count)}
    wanted, pending = [], [(0, count)]
    while pending:
        start, stop = pending.pop()
        wanted.append((start, stop))
        if stop - start > 1:
            pending += [(start, cut[start][stop]), (cut[start][stop], stop)]
    for start, stop in sorted(wanted, key=lambda interval: interval[1] - interval[0]):
        if stop - start > 1:
            middle = cut[start][stop]
            trees[start, stop] = (trees[start, middle], trees[middle, stop])
    return trees[0, count]


def cheaper(forward: Expr, reverse: Expr) -> tuple[str, sympy.Basic]:
    """Return which cost is smaller ("forward", "reverse", "equal" or "depends") and when forward is.

    One is named where it is never dearer, whatever the sizes, and cheaper but for special sizes such as 1.

    >>> n, k = sympy.symbols("n k", integer=True, positive=True)
    >>> cheaper(n * (2 * n - 1), k * (2 * n - 1))
    ('depends', n < k)
    """
    difference = sympy.factor(forward - reverse)
    if difference == 0:
        return "equal", sympy.false
    if is_positive(difference, strictly=False):
        return "reverse", sympy.false
    if is_positive(-difference, strictly=False):
        return "forward", sympy.true
    remaining: Expr = Integer(1)
    for factor in sympy.Mul.make_args(difference):
        if is_positive(factor):
            continue
        remaining *= -1 if is_positive(-factor) else factor
    terms = sympy.Add.make_args(sympy.expand(remaining))
    minus = [term for term in terms if term.could_extract_minus_sign()]
    plus = [term for term in terms if term not in minus]
    return "depends", sympy.Lt(sympy.factor(sympy.Add(*plus)), sympy.factor(-sympy.Add(*minus)), evaluate=False)


def is_positive(expression: Expr, strictly: bool = True) -> bool:
    """Whether a polynomial in sizes is positive for all sizes of at least 1, seen from its coefficients around 1.

    Not strictly, it may be zero at some sizes. False also where the coefficients do not show it.

    >>> n = sympy.Symbol("n", integer=True, positive=True)
    >>> is_positive(2 * n - 1), is_positive(n - 1)
    (True, False)
    """
    symbols = sorted(expression.free_symbols, key=sympy.default_sort_key)
    moved = sympy.expand(expression.subs({symbol: symbol + 1 for symbol in symbols}, simultaneous=True))
    at_ones = moved.subs(dict.fromkeys(symbols, 0))
    coefficients = sympy.Poly(moved, *symbols).coeffs() if symbols else [moved]
    return bool(at_ones > 0 or not strictly) and all(coefficient > 0 for coefficient in coefficients)
