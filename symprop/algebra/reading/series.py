"""Series, `sum([A * i for i in range(1, k + 1)], axis=0)`, and exponents of matrices that have their index."""

from __future__ import annotations

import ast
from typing import Any

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.names import size_symbol
from symprop.algebra.nodes import Node
from symprop.algebra.operators import OPERATORS
from symprop.algebra.reading.options import option
from symprop.algebra.reading.state import Reading
from symprop.algebra.sizes import whole
from symprop.algebra.trees import zeros
from symprop.errors import LimitError, shown

MOST_TERMS = 1_000
"""The most terms of a series between numbers."""


def series(
    reader: Reading, tree: ast.Call, listed: ast.ListComp, keywords: dict[str, ast.expr], start: ast.expr | None
) -> Node:
    """Read `sum([A * i for i in range(1, k + 1)], axis=0)`: a term for each whole number in a range.

    Where there may be none, `sum([zeros((n, n))] + [...], axis=0)` has a shape in NumPy too.
    """
    form = "a series is sum([term for i in range(start, stop)], axis=0)"
    turn = listed.generators[0]
    over = turn.iter
    if len(listed.generators) > 1 or turn.ifs or turn.is_async or not isinstance(turn.target, ast.Name):
        reader.refuse(form, listed)
    if not (isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range"):
        reader.refuse(form, over)
    if over.keywords or len(over.args) not in (1, 2):
        reader.refuse(form, over)
    name = turn.target.id
    if name in reader.arrays or name in reader.numbers or name in reader.functions or name in OPERATORS:
        reader.refuse(f"{shown(name)} has a meaning already; an index needs a name of its own", turn.target)
    index = reader.build(turn.target, size_symbol, name)
    ends = [_whole(reader, end) for end in over.args]
    first, stop = ends if len(ends) == 2 else (sympy.Integer(0), ends[0])
    count = stop - first
    if count.is_positive is False:
        reader.refuse("a series has one term or more", over)
    together = sympy.prod([each for each in (count, *reader.series.values()) if each.is_number])
    if together > MOST_TERMS:
        reader.refuse(f"a series of more than {MOST_TERMS:,} terms", over, LimitError)
    reader.numbers[name], reader.series[index] = index + first - 1, count
    term = reader.node(listed.elt)
    del reader.numbers[name], reader.series[index]
    _along_the_first(reader, tree, term, keywords)
    terms = reader.build(tree, n.BlockSum, term, index, count)
    first = zeros(*terms.shape) if start is None else reader.node(start)
    return terms if first == zeros(*terms.shape) else reader.build(tree, n.Add, first, terms)


def sign_of_exponent(reader: Reading, tree: ast.expr, exponent: Any) -> int:
    """Return the sign of an exponent of a matrix; one that may be above and below 0 is refused: two formulas."""
    ends = [exponent]
    for index, count in reversed(reader.series.items()):  # what is linear in an index is extreme at its ends
        if isinstance(exponent, Expr) and exponent.has(index) and not sympy.diff(exponent, index).has(index):
            ends = [_with_a_term(end.subs(index, place), count) for end in ends for place in (1, count)]
    if not (all(end.is_nonnegative for end in ends) or all(end.is_nonpositive for end in ends)):
        reader.refuse("an exponent of a matrix is a whole number or a size, never below 0 or never above", tree)
    return 1 if all(end.is_nonnegative for end in ends) else -1


def _along_the_first(reader: Reading, tree: ast.Call, term: Node, keywords: dict[str, ast.expr]) -> None:
    """Refuse a series of arrays that is not summed over its terms alone."""
    axes = [*tree.args[1:], *(value for key, value in keywords.items() if key == "axis")]
    others = [value for key, value in keywords.items() if key != "axis"]
    if others or len(axes) > 1:
        reader.refuse("a series of terms takes axis=0 and no more", tree)
    if (axes or term.rank) and not (axes and option(reader, "axis", axes[0]) == 0):
        reader.refuse("a series of arrays is summed over its terms, axis=0", tree)


def _whole(reader: Reading, tree: ast.expr) -> Expr:
    number = reader.number(tree, "a range goes between whole numbers or sizes")
    return reader.build(tree, whole, number, "an end of a range")


def _with_a_term(value: Expr, count: Expr) -> Expr:
    """Return `value` where a series of `count` terms has a term: with `k - 1` terms, `k` is 1 and more."""
    for symbol in sorted(count.free_symbols, key=str):
        if sympy.diff(count, symbol) == 1:
            terms = sympy.Dummy("terms", integer=True, positive=True)
            return sympy.expand(value.subs(symbol, terms - (count - symbol)))
    return value
