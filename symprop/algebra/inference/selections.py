"""One element of each row, by ids, as a selection of rows: what fits it is the same."""

from __future__ import annotations

import ast


def by_rows(tree: ast.Subscript) -> ast.expr:
    """Return a formula of the same shape that selects rows alone; anything else stays as it is.

    >>> for text in ("P[arange(m), y]", "A[0, 1]"):
    ...     print(ast.unparse(by_rows(ast.parse(text, mode="eval").body)))
    diagonal(P.T[y]) * ones(m)
    A[0, 1]
    """
    entries = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
    match entries:
        case [ast.Call(ast.Name("arange" | "range"), [count], []), ast.Name() as ids]:
            chosen = ast.Subscript(ast.Attribute(tree.value, "T", ast.Load()), ids, ast.Load())
            made: ast.expr = ast.Call(ast.Name("diagonal", ast.Load()), [chosen], [])
            if not any(isinstance(part, ast.Call) for part in ast.walk(count)):  # such as len(y), which says no size
                made = ast.BinOp(made, ast.Mult(), ast.Call(ast.Name("ones", ast.Load()), [count], []))
            return made
    return tree
