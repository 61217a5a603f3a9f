"""Numbers for the names of sizes: `X: m n` with `m = 5`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from sympy import Basic, Expr, Integer, Symbol

from symprop.algebra.nodes import Node, Variable
from symprop.algebra.sizes import LARGEST_SIZE
from symprop.errors import FormulaError, LimitError, shown
from symprop.hints import closest

Part = TypeVar("Part", bound=Basic)
Change = Mapping[Symbol, Integer]


def sizes_of(variables: Iterable[Variable], *formulas: Node) -> tuple[Symbol, ...]:
    """Return the symbols in the sizes of variables (and in the bounds of ids), each once, in order.

    Those that only `formulas` read, as the exponent of a matrix does, come last.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("trace(matrix_power(A, k)) / n", A="n n")
    >>> sizes_of(f.variables, f.node)
    (n, k)
    """
    parts = [part for each in variables for part in (*each.shape, *(fact.value for fact in each.facts))]
    found = (symbol for part in (*parts, *formulas) for symbol in sorted(part.free_symbols, key=str))
    return tuple(dict.fromkeys(symbol for symbol in found if isinstance(symbol, Symbol)))


def sizes_given(sizes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return numbers for names of sizes as a dictionary, an empty one where there are none.

    >>> sizes_given({"n": 3}), sizes_given(None)
    ({'n': 3}, {})
    """
    return dict(sizes or {})


def numbers_for(known: Iterable[Symbol], sizes: Mapping[str, int]) -> Change:
    """Return the numbers that are given for names of sizes by their symbols.

    >>> numbers_for((Symbol("m"), Symbol("n")), {"n": 3})
    {n: 3}

    Raises:
        FormulaError: a name that is none of these sizes, or no whole number from 1.
        LimitError: a number too large for a size.
    """
    by_name = {symbol.name: symbol for symbol in known}
    for name, size in sizes.items():
        if name not in by_name:
            problem = f"the formula has no size {shown(name)}{closest(str(name), by_name)}"
            raise FormulaError(f"{problem}\nallowed: {', '.join(by_name) or 'none: all its sizes are numbers'}")
        if isinstance(size, bool) or not isinstance(size, (int, Integer)) or size < 1:
            raise FormulaError(f"size {shown(name)} is a whole number from 1, not {shown(size)}")
        if size > LARGEST_SIZE:
            raise LimitError(f"size {shown(name)} is above {LARGEST_SIZE:,}")
    return {by_name[name]: Integer(size) for name, size in sizes.items()}


def numbered(part: Part, change: Change) -> Part:
    """Return a formula, a variable or a size with numbers in place of names; every shape is checked again.

    Raises:
        ShapeError: arrays that do not fit at these sizes.
    """
    found: Part = part.xreplace(dict(change)) if change else part
    return found


def numbered_text(text: str, change: Mapping[Symbol, Expr]) -> str:
    """Return declarations with numbers in place of names.

    >>> numbered_text("X: m n, mn: m", {Symbol("m"): Integer(5)})
    'X: 5 n, mn: 5'
    """
    for symbol, number in change.items():
        text = re.sub(rf"(?<![\w]){re.escape(symbol.name)}(?!\w|:)", str(number), text)
    return text
