"""Brackets and calls as inference sees them: selections of rows for all by ids, arrays apart from options.

>>> print(ast.unparse(by_rows(ast.parse("P[arange(m), y]", mode="eval").body)))
diagonal(P.T[y]) * ones(m)
"""

from __future__ import annotations

import ast

from symprop.algebra.operators import OPERATORS


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


def called(tree: ast.Call) -> tuple[str, list[ast.expr], dict[str, ast.expr]]:
    """Return the name of the function that a call names, its arrays, and its options by name.

    >>> call = ast.parse("sum(X, axis=0)", mode="eval").body
    >>> name, arrays, options = called(call)
    >>> name, len(arrays), list(options)
    ('sum', 1, ['axis'])
    """
    arguments, name = list(tree.args), tree.func.id if isinstance(tree.func, ast.Name) else ""
    keywords = {each.arg: each.value for each in tree.keywords if each.arg is not None}
    if name not in OPERATORS:
        return name, [*arguments, *keywords.values()], {}
    row = OPERATORS[name]
    parameters = ["arrays", *row.options] if row.lists else [*row.arrays, *row.options]
    given = {**dict(zip(parameters, arguments, strict=False)), **keywords}
    wanted = parameters[: len(parameters) - len(row.options)]
    return name, [given.pop(each) for each in wanted if each in given], given
