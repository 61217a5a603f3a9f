"""Data that is known when the module is written: masks, positions, ranges; an array by a rule for its elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import sympy
from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.index_maps import AXES
from symprop.algebra.lifting import lift
from symprop.algebra.names import size_expression, validated
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.sizes import as_expression


def known(name: str, shape: tuple[Any, ...], rule: Callable[..., Any]) -> n.Known:
    """Return an array whose element at `i, j, ...` is `rule(i, j, ...)`; a condition is 1 where it holds, else 0.

    >>> causal = known("causal", (3, 3), lambda i, j: i >= j)
    >>> from symprop.algebra.elements import elements
    >>> elements(causal).tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]

    Raises:
        SymbolNameError: a name that cannot stand in code.
        FormulaError: a rule with a function that NumPy notation does not know.
    """
    sizes = tuple(map(size_expression, shape))
    value = sympy.sympify(rule(*AXES[: len(sizes)]), strict=True)
    if not isinstance(value, sympy.Expr):
        value = sympy.Piecewise((1, value), (0, True))
    return _written_as_known(validated(name), value, sizes)


@lru_cache(maxsize=64)  # each layer of a network has the mask of the first
def _written_as_known(name: str, rule: Expr, sizes: tuple[Expr, ...]) -> n.Known:
    made = n.Known(name, rule, sizes)
    written_out(made, lambda axis: Variable("i", (axis,), ()))
    return made


def triangle(rows: Any, columns: Any, diagonal: int = 0, upper: bool = False) -> n.Triangle:
    """Return a matrix of ones below a diagonal and on it, or above it and on it.

    >>> from symprop.algebra.elements import elements
    >>> elements(triangle(2, 3)).tolist(), elements(triangle(2, 3, 1, upper=True)).tolist()
    ([[1, 0, 0], [1, 1, 0]], [[0, 1, 1], [0, 0, 1]])
    """
    distance = AXES[1] - AXES[0]
    inside = sympy.Ge(distance, diagonal) if upper else sympy.Le(distance, diagonal)
    return n.Triangle("triu" if upper else "tril", sympy.Piecewise((1, inside), (0, True)), (rows, columns))


def listed(name: str, values: Sequence[Any]) -> n.Known:
    """Return a vector of these numbers.

    >>> values_of(listed("w", [1, 2, 5]))
    (1, 2, 5)
    """
    *before, last = map(as_expression, values)
    rule = sympy.Piecewise(*((value, sympy.Eq(AXES[0], place)) for place, value in enumerate(before)), (last, True))
    return n.Known(validated(name), rule, (len(values),))


def values_of(node: n.Known) -> tuple[Expr, ...] | None:
    """Return the numbers along the first axis of what is known as a list of them, the same along others; else None."""
    conditions = [condition for _, condition in node.rule.args] if isinstance(node.rule, sympy.Piecewise) else []
    if node.rule.free_symbols != {AXES[0]} or not any(condition.has(sympy.Eq) for condition in conditions):
        return None
    if not node.shape[0].is_Integer:
        return None
    return tuple(node.rule.subs(AXES[0], place) for place in range(int(node.shape[0])))


def written_out(node: n.Data, index: Callable[[int], Node]) -> Node:
    """Return the rule as a formula, where `index` gives what stands for the index along an axis."""
    rule = lift(node.rule, {AXES[axis]: index(axis) for axis in range(node.rank)})
    match rule:
        case n.Where(operands=(n.Compare() as condition, n.Scalar(value=1), n.Scalar(value=0))):
            return condition
    return rule
