"""Comparisons in NumPy are truth values, not numbers: `True + True` is `True`. Where that would change a result, a
formula has to say which it means: `1 * (x > 0)` is a number in both.
"""

from __future__ import annotations

import ast

from symprop.algebra.operators import OPERATORS

KEEPING = frozenset(
    {"abs", "maximum", "minimum", "max", "min", "where", "transpose", "reshape", "diag", "diagonal", "outer", "kron"}
    | {"concatenate", "stack", "flip", "sliding_window_view", "vstack", "hstack", "column_stack"}
    | {"ravel", "vec", "swapaxes", "moveaxis", "expand_dims", "squeeze"}
)
"""Functions that make truth values of truth values."""

NUMBERS_ONLY = frozenset(
    {"sign", "softmax", "log_softmax", "matrix_power", "pad", "dot", "inner", "vdot", "tensordot", "einsum", "diff"}
    | {"clip", "full_like", "ones_like", "zeros_like"}
)
"""Functions that NumPy and SciPy refuse to take of truth values, or that mean another thing of them, such as "and"."""

HINT = "is not the arithmetic of 1 and 0 in NumPy; write 1 * (x > 0) for numbers"


def is_truth(tree: ast.expr) -> bool:
    """Whether NumPy's value of an expression is truth values.

    >>> [is_truth(ast.parse(text, mode="eval").body) for text in ("(x > 0).T * (y > 0)", "1 * (x > 0)")]
    [True, False]
    """
    while isinstance(tree, (ast.Attribute, ast.Subscript)) or (
        isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult) and is_truth(tree.right)
    ):
        tree = tree.left if isinstance(tree, ast.BinOp) else tree.value
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in KEEPING:
        return all(map(is_truth, _arrays(tree.func.id, tree.args)))
    return isinstance(tree, ast.Compare)


def _arrays(name: str, arguments: list[ast.expr]) -> list[ast.expr]:
    """The arguments of a function in `KEEPING` whose elements the result has."""
    if name not in OPERATORS:
        return arguments
    if OPERATORS[name].lists:
        listed = arguments[0] if arguments else None
        return listed.elts if isinstance(listed, (ast.Tuple, ast.List)) else arguments[:1]
    return arguments[name == "where" : len(OPERATORS[name].arrays)]
