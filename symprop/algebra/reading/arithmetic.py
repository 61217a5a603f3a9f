"""Names, numbers, signs, sums, products, powers, comparisons and `.T` in the text of a formula."""

from __future__ import annotations

import ast

from sympy import Rational

from symprop.algebra import nodes as n
from symprop.algebra.folding import inverse_of, power_of, product_of, quotient_of, sum_of
from symprop.algebra.nodes import Node
from symprop.algebra.operators import OPERATORS
from symprop.algebra.reading.spelling import ROOTS, module_of
from symprop.algebra.reading.state import DEEPEST, Reading, plain_name
from symprop.algebra.trees import factors_of, may_be_whole, terms_of
from symprop.algebra.truths import HINT, is_truth
from symprop.errors import LimitError, shown
from symprop.hints import closest

RELATIONS: dict[type, str] = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!="}
_SUMS, _PRODUCTS = (ast.Add, ast.Sub), (ast.Mult, ast.Div, ast.FloorDiv, ast.MatMult)


def named(reader: Reading, tree: ast.Name) -> Node:
    """Read the name of an array or of a size."""
    if tree.id in reader.arrays:
        return reader.arrays[tree.id]
    if tree.id in reader.numbers:
        return n.Scalar(reader.numbers[tree.id])
    if tree.id in reader.functions or tree.id in OPERATORS:
        reader.refuse(f"function {shown(tree.id)} needs its argument in brackets", tree)
    if tree.id in ROOTS:
        reader.refuse(f"{shown(tree.id)} is a module, and needs a function, such as {tree.id}.sum(x)", tree)
    known = {**reader.arrays, **reader.numbers}
    return reader.refuse(f"unknown name {shown(tree.id)}{closest(tree.id, known)}", tree)


def constant(reader: Reading, tree: ast.Constant) -> Node:
    """Read a number as it is typed: `0.1` is 1/10."""
    if type(tree.value) not in {int, float}:
        reader.refuse(f"{tree.value!r} is not part of a formula", tree)
    if type(tree.value) is int:
        return n.Scalar(tree.value)
    return n.Scalar(Rational(reader.scanned.line[reader.column(tree) : (tree.end_col_offset or 0) - 1]))


def unary(reader: Reading, tree: ast.UnaryOp) -> Node:
    """Read a sign."""
    if not isinstance(tree.op, (ast.USub, ast.UAdd)):
        reader.refuse(f"{plain_name(tree.op)} is not part of a formula", tree)
    if is_truth(tree.operand):
        reader.refuse(f"a sign before a comparison {HINT}", tree)
    operand = reader.node(tree.operand)
    return n.negative(operand) if isinstance(tree.op, ast.USub) else operand


def binary(reader: Reading, tree: ast.BinOp) -> Node:
    """Read a sum, a product or a power."""
    if isinstance(tree.op, ast.Pow):
        return raised(reader, tree, reader.node(tree.left), reader.node(tree.right))
    kinds = _SUMS if isinstance(tree.op, _SUMS) else _PRODUCTS
    spine: list[ast.BinOp] = []
    left: ast.expr = tree
    while isinstance(left, ast.BinOp) and isinstance(left.op, kinds):  # a loop: sums may have many terms
        spine.append(left)
        left = left.left
    first = next((part for part in reversed(spine) if not isinstance(part.op, ast.Mult)), None)
    if (
        first
        and tree is not reader.condition
        and not isinstance(first.op, ast.Div)
        and is_truth(first.right)
        and is_truth(first.left)
    ):
        reader.refuse(f"a sum or matrix product of comparisons {HINT}", first)
    result = reader.node(left)
    terms: list[Node] = list((terms_of if kinds is _SUMS else factors_of)(result))
    for part in reversed(spine):
        if isinstance(part.op, ast.MatMult) and reader.depth >= DEEPEST:
            reader.refuse(f"more than {DEEPEST} products in a row", part, LimitError)
        right = reader.node(part.right)
        if isinstance(part.op, ast.MatMult):
            reader.depth += 1  # a product of products is a deep tree
            terms = [reader.build(part, n.MatMul, reader.build(part, product_of, terms), right)]
        elif isinstance(part.op, ast.Sub):
            terms.append(n.negative(right))
        elif isinstance(part.op, ast.Div):
            terms.append(reader.build(part.right, inverse_of, right))
        elif isinstance(part.op, ast.FloorDiv):
            terms = [n.Scalar(reader.build(part, quotient_of, product_of(terms), right))]
        else:
            terms.append(right)
    reader.depth -= sum(isinstance(part.op, ast.MatMult) for part in spine)
    return reader.build(tree, sum_of if kinds is _SUMS else product_of, terms)


def raised(reader: Reading, tree: ast.BinOp | ast.Call, base: Node, exponent: Node) -> Node:
    """Return `base ** exponent`."""
    if exponent.number is not None:
        if exponent.number.is_negative and base.rank and may_be_whole(base):
            reader.refuse("no negative power of whole numbers or comparisons in NumPy; write 1 / x**2 for x**-2", tree)
        return reader.build(tree, power_of, base, exponent.number)
    return reader.build(tree, reader.functions["power"], base, exponent)


def compare(reader: Reading, tree: ast.Compare) -> Node:
    """Read a comparison of two sides."""
    if len(tree.ops) != 1 or type(tree.ops[0]) not in RELATIONS:
        reader.refuse("a comparison has one of > >= < <= == != between two sides", tree)
    left, right = reader.node(tree.left), reader.node(tree.comparators[0])
    return reader.build(tree, n.Compare, RELATIONS[type(tree.ops[0])], left, right)


def attribute(reader: Reading, tree: ast.Attribute) -> Node:
    """Read `.T`."""
    module = module_of(tree.value, tree.attr)
    if module or module_of(tree):
        reader.refuse(f"{shown(module or ast.unparse(tree))} needs a function, such as np.sum(x)", tree)
    if tree.attr != "T":
        hint = "; write x.shape[0] for a size" if tree.attr == "shape" else ""
        method = f"; a method has brackets: .{tree.attr}()" if tree.attr in (*reader.functions, *OPERATORS) else ""
        reader.refuse(f"'.T' is the only attribute of a formula, not {shown('.' + tree.attr)}{method or hint}", tree)
    operand = reader.node(tree.value)
    if operand.number is not None:
        reader.refuse("a number has no axes", tree)
    return operand if operand.rank < 2 else n.Transpose(operand)
