"""What the text of a formula names, before it is read: arrays, sizes, the least length of an axis."""

from __future__ import annotations

import ast

import sympy
from sympy import Expr

from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.operators import OPERATORS
from symprop.algebra.reading.spelling import ALIASES, ROOTS, WRITTEN, spelled
from symprop.algebra.reading.words import check_syntax
from symprop.algebra.tokens import Limits, scan, syntax_tree

LIMITS = Limits(
    what="formula",
    characters=20_000,
    brackets=100,
    chain=1_000,
    operators=frozenset(
        {"+", "-", "*", "/", "//", "**", "@", "(", ")", "[", "]", ",", ".", ":", "=", "<", ">", "<=", ">=", "==", "!="}
    ),
    strings=True,
    mathematics=frozenset({*FUNCTIONS, *OPERATORS, *ALIASES, *WRITTEN}),
)
CONSTANTS: dict[str, Expr] = {"pi": sympy.pi}
_NAMED = frozenset({"inf", "range", *CONSTANTS, *ROOTS})
"""Names that no array or size has."""


def tree_of(text: str) -> ast.expr:
    """Return the syntax tree of a formula in the language's own names: `sum(X)` for `X.sum()` and for `np.sum(X)`.

    Raises:
        FormulaError: a syntax error.
        LimitError: over one of the limits of a formula.
    """
    scanned = scan(text, LIMITS)
    tree = spelled(syntax_tree(scanned))
    check_syntax(tree, scanned)
    return tree


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of arrays and sizes in a formula (not functions, not `pi`), in order of appearance.

    The index of a series is a name of the series alone.

    >>> names_in("-np.sum(y * log(p), axis=1) + y.mean()")
    ('y', 'p')
    >>> names_in("sum([matrix_power(A, i) for i in range(k)], axis=0)")
    ('A', 'k')

    Raises:
        FormulaError: a syntax error.
    """
    found: list[ast.Name] = []
    others: set[str] = set(_NAMED)
    called: list[ast.expr] = []
    for part in ast.walk(tree_of(text)):
        if isinstance(part, ast.comprehension) and isinstance(part.target, ast.Name):
            others.add(part.target.id)
        elif isinstance(part, ast.Call):
            called.append(part.func)
        elif isinstance(part, ast.Name):
            found.append(part)
    functions = set(map(id, called))
    arrays = (part for part in found if part.id not in others and id(part) not in functions)
    return tuple(dict.fromkeys(part.id for part in sorted(arrays, key=lambda part: part.col_offset)))


def sizes_in(text: str) -> tuple[str, ...]:
    """Return the names that stand where only a size can: in a shape, in the exponent of a matrix, or in a range.

    >>> sizes_in("trace(matrix_power(X, k + 1) @ eye(n)) * k")
    ('k', 'n')

    Raises:
        FormulaError: a syntax error.
    """
    found: dict[str, None] = {}
    for part in ast.walk(tree_of(text)):
        if not (isinstance(part, ast.Call) and isinstance(part.func, ast.Name)):
            continue
        if part.func.id == "range":
            places = part.args
        elif part.func.id in SIZE_OPTIONS:
            row = OPERATORS[part.func.id]
            given = dict(zip((*row.arrays, *row.options), part.args, strict=False))
            given |= {keyword.arg: keyword.value for keyword in part.keywords if keyword.arg}
            places = [given[each] for each in SIZE_OPTIONS[part.func.id] if each in given]
        else:
            continue
        names = (each for place in places for each in ast.walk(place) if isinstance(each, ast.Name))
        found.update(dict.fromkeys(each.id for each in names))
    known = names_in(text)
    return tuple(name for name in known if name in found)


def least_size(text: str) -> int | None:
    """Return how long the arrays of a formula must be at least for its indices; None where it names a size of its own.

    >>> least_size("sum(a * y)"), least_size("a[0] + sum(y[1:3])"), least_size("sum((a - ones(6))**2)")
    (1, 5, None)

    Raises:
        FormulaError: a syntax error.
    """
    least = 1
    for part in ast.walk(tree_of(text)):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in _NAMING_SIZES:
            return None
        if isinstance(part, ast.Subscript):
            places = [each.value for each in ast.walk(part.slice) if isinstance(each, ast.Constant)]
            least = max([least, *(2 + place for place in places if isinstance(place, int))])
    return least


_SIZES = {"shape", "size", "m", "N", "length"}
_NAMING_SIZES = frozenset(name for name, row in OPERATORS.items() if _SIZES & set(row.options))
SIZE_OPTIONS = {
    name: [each for each in row.options if each in {*_SIZES, "n", "window_shape"}]
    for name, row in OPERATORS.items()
    if {*_SIZES, "n", "window_shape"} & set(row.options)
}
"""The options of functions that are sizes, or made of sizes."""
