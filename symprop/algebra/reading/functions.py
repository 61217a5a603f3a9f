"""Calls of functions: arguments by place and by name, as NumPy has them."""

from __future__ import annotations

import ast
from typing import Any

import sympy
from sympy import Rational

from symprop.algebra import nodes as n
from symprop.algebra.folding import applied, power_of
from symprop.algebra.nodes import Node
from symprop.algebra.operators import BY_NAME, OPERATORS
from symprop.algebra.reading.arithmetic import raised
from symprop.algebra.reading.options import option
from symprop.algebra.reading.series import series, sign_of_exponent
from symprop.algebra.reading.state import Reading
from symprop.algebra.reading.words import is_axis, refuse_function, two_arrays
from symprop.algebra.sizes import whole
from symprop.algebra.truths import HINT, NUMBERS_ONLY, is_truth
from symprop.errors import shown


def call(reader: Reading, tree: ast.Call) -> Node:
    """Read a call of a function of the language."""
    if not isinstance(tree.func, ast.Name):
        missing = "; '*' or '@' is missing before a bracket" if not isinstance(tree.func, ast.Call) else ""
        reader.refuse(f"only the listed functions can be called, by their names{missing}", tree)
    name = tree.func.id
    if name not in reader.functions and name not in OPERATORS:
        refuse_function(reader, name, tree.func)
    for argument in tree.args:
        if isinstance(argument, ast.Starred):
            reader.refuse("'*' cannot stand before an argument", argument)
    keywords = _keywords(reader, tree)
    if name in NUMBERS_ONLY and any(map(is_truth, (*tree.args, *keywords.values()))):
        reader.refuse(f"{name} of a comparison {HINT}", tree)
    if name in OPERATORS:
        return _operator(reader, tree, name, keywords)
    if keywords:
        reader.refuse(f"{name} takes no keyword", tree)
    arguments = [reader.node(argument) for argument in tree.args]
    sizes = [argument.number for argument in arguments]
    if name == "minimum" and None not in sizes and any(size.free_symbols for size in sizes if size is not None):
        return n.Scalar(sympy.Min(*sizes))  # the smaller of two sizes
    order = sizes[0] if name == "polygamma" and sizes else sympy.Integer(0)
    if order is None or not (order.is_Integer and order.is_nonnegative):
        reader.refuse("the order of polygamma is a whole number, such as 1 for the derivative of digamma", tree)
    if name == "power" and len(arguments) == 2:
        return raised(reader, tree, *arguments)
    return reader.build(tree, applied, reader.functions[name], *arguments)


def _keywords(reader: Reading, tree: ast.Call) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for keyword in tree.keywords:
        if keyword.arg is None:
            reader.refuse("'**' cannot stand before an argument", keyword.value)
        found[keyword.arg] = keyword.value
    return found


def _operator(reader: Reading, tree: ast.Call, name: str, keywords: dict[str, ast.expr]) -> Node:
    operator = OPERATORS[name]
    if name == "sum" and tree.args:
        start, listed = _start_and_terms(tree.args[0])
        if listed is not None:
            return series(reader, tree, listed, keywords, start)
    listing = ["arrays"] if operator.lists or operator.rest else operator.arrays
    parameters = [*operator.options, *listing] if operator.rest else [*listing, *operator.options]
    placed = [parameter for parameter in parameters if parameter not in BY_NAME]
    takes = f"{name} takes {', '.join((*placed, *(f'{each}=' for each in parameters if each in BY_NAME)))}"
    arguments = _gathered(tree.args) if operator.rest else tree.args
    if len(arguments) > len(placed):
        brackets = "; a shape stands in brackets: ones((m, n))" if placed == ["shape"] else ""
        reader.refuse(f"{takes}: {len(tree.args)} arguments without a name are too many{brackets}", tree)
    given = dict(zip(placed, arguments, strict=False))
    for key, value in keywords.items():
        if key not in parameters or key in given:
            reader.refuse(f"{takes}; not {shown(key)} here", value)
        given[key] = value
    missing = [parameter for parameter in (*listing, *operator.required) if parameter not in given]
    if missing:
        reader.refuse(f"{takes}; {missing[0]} is missing", tree)
    reader.condition = given["condition"] if name == "where" else None
    if operator.lists or operator.rest:
        arrays: list[Any] = [_list(reader, name, given["arrays"])]
    else:
        arrays = [reader.node(given[each]) for each in listing]
    if name in {"max", "min"} and len(tree.args) == 2 and (not arrays[0].rank or not is_axis(tree.args[1])):
        reader.refuse(two_arrays(name), tree)
    options = {key: option(reader, key, value) for key, value in given.items() if key not in listing}
    if name == "matrix_power":
        size = reader.build(tree, whole, options["n"], "a power of a matrix")
        sign = sign_of_exponent(reader, given["n"], size)
        arrays, options = ([n.Inverse(*arrays)], {"n": -size}) if sign < 0 else (arrays, options)
    if name == "sqrt" and isinstance(arrays[0], n.Scalar):
        return reader.build(tree, power_of, arrays[0], Rational(1, 2))
    return reader.build(tree, operator.make, *arrays, **options)


def _gathered(arguments: list[ast.expr]) -> list[ast.expr]:
    """Return the first argument, and the others in brackets."""
    if len(arguments) < 2:
        return arguments
    rest = ast.Tuple(arguments[1:], ast.Load())
    rest.col_offset, rest.end_col_offset = arguments[1].col_offset, arguments[-1].end_col_offset
    return [arguments[0], rest]


def _list(reader: Reading, name: str, tree: ast.expr) -> tuple[Any, ...]:
    """Read several arrays in brackets, `(a, b)`."""
    if not isinstance(tree, (ast.Tuple, ast.List)) or not tree.elts:
        reader.refuse(f"{name} takes one array or more in brackets, such as (a, b)", tree)
    rows = (ast.Tuple, ast.List) if name == "block" else ()  # rows of blocks
    return tuple(_list(reader, "stack", part) if isinstance(part, rows) else reader.node(part) for part in tree.elts)


def _start_and_terms(tree: ast.expr) -> tuple[ast.expr | None, ast.ListComp | None]:
    """Return `A` and the terms of `[A] + [... for i in range(...)]`; None for what is not there."""
    match tree:
        case ast.ListComp():
            return None, tree
        case ast.BinOp(ast.List([start]), ast.Add(), ast.ListComp() as terms):
            return start, terms
    return None, None
