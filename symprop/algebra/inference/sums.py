"""How the terms of a sum fit, by where it stands and by what is added."""

from __future__ import annotations

import ast
from functools import cache

from symprop.algebra.inference.convention import BIASES
from symprop.algebra.inference.fits import Fit, broadcast, mixed

DATA = [["X", "w"], ["X", "beta"], ["X", "theta"]]
"""Data and the weights of one output."""


def sum_that_fits(tree: ast.BinOp, on_paper: bool) -> Fit:
    """Return how the terms of a sum fit.

    In a product of matrices or a norm every shape fits `on_paper`: `(x - mu).T @ inv(S) @ (x - mu)`. A bias of one
    output, `X @ w + b`, is a number. A product that is a column is no row that is spread over a matrix, `Y - K @ a`.
    """
    right = tree.right
    is_bias = (
        isinstance(right, ast.Name) and right.id in BIASES and any(_factors(each) in DATA for each in _terms(tree))
    )
    return _fit(on_paper, is_bias, bool(_factors(right)))


@cache
def _fit(on_paper: bool, is_bias: bool, is_column: bool) -> Fit:
    def unusual(left: int, right: int) -> float:
        if is_bias and left == 1:
            return 2.5 * right
        if is_column and right == 1 and left != 1 and (left or on_paper):
            return 8
        return 2.5 if on_paper and bool(left) != bool(right) else mixed(0.5)(left, right)

    return Fit(broadcast, 2, unusual)


def _terms(tree: ast.expr) -> list[ast.expr]:
    found = []
    while isinstance(tree, ast.BinOp) and isinstance(tree.op, (ast.Add, ast.Sub)):
        found.append(tree.right)
        tree = tree.left
    return [*found, tree]


def _factors(tree: ast.expr) -> list[str]:
    """The two factors of a product of matrices, as typed; nothing for anything else."""
    if not isinstance(tree, ast.BinOp) or not isinstance(tree.op, ast.MatMult):
        return []
    return [ast.unparse(tree.left), ast.unparse(tree.right)]
