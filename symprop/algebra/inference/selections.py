"""Selections by ids in several places, as selections of rows: what fits them is the same.

>>> print(ast.unparse(by_rows(ast.parse("P[arange(m), y]", mode="eval").body)))
diagonal(P.T[y]) * ones(m)
"""

from __future__ import annotations

import ast


def by_rows(tree: ast.Subscript) -> ast.expr:
    """Return a formula of the same shape that selects rows alone; anything else stays as it is.

    >>> for text in ("A[i, :]", "A[:, j]", "A[i, j]", "A[0, 1]"):
    ...     print(ast.unparse(by_rows(ast.parse(text, mode="eval").body)))
    A[i]
    A.T[j].T
    A[i][j]
    A[0, 1]
    """
    entries = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
    turned = ast.Attribute(tree.value, "T", ast.Load())
    made: ast.expr
    match entries:
        case [ast.Name() as i, ast.Slice(None, None, None)]:
            made = ast.Subscript(tree.value, i, ast.Load())
        case [ast.Slice(None, None, None), ast.Name() as j]:
            made = ast.Attribute(ast.Subscript(turned, j, ast.Load()), "T", ast.Load())
        case [ast.Name() as i, ast.Name() as j]:
            made = ast.Subscript(ast.Subscript(tree.value, i, ast.Load()), j, ast.Load())
        case [ast.Call(ast.Name("arange" | "range"), [count], []), ast.Name() as ids]:
            chosen = ast.Subscript(turned, ids, ast.Load())
            made = ast.Call(ast.Name("diagonal", ast.Load()), [chosen], [])
            if isinstance(count, ast.Name):
                made = ast.BinOp(made, ast.Mult(), ast.Call(ast.Name("ones", ast.Load()), [count], []))
        case _:
            return tree
    return made
