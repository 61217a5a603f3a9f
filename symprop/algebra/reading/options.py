"""What functions take besides arrays: axes, sizes, shapes, truth values."""

from __future__ import annotations

import ast
from typing import Any

import sympy
from sympy import Expr

from symprop.algebra.reading.state import Reading
from symprop.algebra.sizes import size_of

FLAGS = frozenset({"keepdims", "compute_expm", "full_matrices", "compute_uv"})
"""Options that are True or False."""
TEXTS = frozenset({"ord", "order", "subscripts"})
"""Options that may be text in quotes."""
ARRAYS = frozenset({"a_min", "a_max"})
"""Options that are arrays, or None."""


def option(reader: Reading, key: str, tree: ast.expr) -> Any:
    """Read an axis, a size, a shape, a truth value: what operators take besides arrays."""
    if isinstance(tree, ast.Constant) and (tree.value is None or isinstance(tree.value, bool)):
        if tree.value is not None and key not in FLAGS:
            reader.refuse(f"{key} is not True or False", tree)
        return tree.value
    if key in TEXTS and isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        return tree.value
    if key == "subscripts":
        reader.refuse("einsum takes its letters in quotes first, such as einsum('ij,jk->ik', A, B)", tree)
    if key in ARRAYS:
        return reader.node(tree)
    if key in {"ord", "constant_values"} and (infinite := _infinite(reader, tree)) is not None:
        return infinite
    if isinstance(tree, (ast.Tuple, ast.List)):
        return tuple(option(reader, key, entry) for entry in tree.elts)
    number = reader.number(tree, f"{key} is a number, not an array")
    if key == "shape" and number == -1:
        return number
    return reader.build(tree, size_of, number) if key in {"shape", "size", "N"} else number


def _infinite(reader: Reading, tree: ast.expr) -> Expr | None:
    """Return infinity for `inf`, which no array or size is named, and minus infinity for `-inf`; else None."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        below = _infinite(reader, tree.operand)
        return None if below is None else -below
    named = isinstance(tree, ast.Name) and tree.id == "inf" and "inf" not in {**reader.arrays, **reader.numbers}
    return sympy.oo if named else None
