"""Formulas as sums of products of matrices: `WORDS` has a row for each kind of node that has such a meaning."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.named_numbers import unnamed
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.calculus.tidy import tidy
from symprop.errors import LimitError
from symprop.formulas.compare.inverses.determinants import determinant, logarithm
from symprop.formulas.compare.inverses.words import (
    Letter,
    Number,
    Sum,
    Word,
    added,
    constant,
    cyclic,
    inverse_number,
    key,
    multiplied,
    number,
    scaled,
    term,
    transposed,
    turned,
)

WORDS = Table("words")
"""Rows take a node; a vector is a matrix of one column, a number one of one row and one column."""

LARGEST_POWER = 4
ALONE = ("bits", "signs", "one-hot", "index")
"""Facts of matrices of which few are invertible, or none: what is shown for those is not shown for all."""


def words(node: Node) -> Sum:
    """Return a number, a vector or a matrix as a sum of words."""
    found: Sum = WORDS(node)
    return found


def _shape(node: Node) -> tuple[Expr, Expr]:
    rows, columns, *more = (*node.shape, Integer(1), Integer(1))
    if len(more) > 2 or node.rank > 2:
        raise LimitError("arrays of rank 3 are no products of matrices")
    return rows, columns


def ones(size: Expr) -> Word:
    """Return a column of ones, which is nothing where it is one number."""
    return () if size == 1 else (Letter("ones", (size, Integer(1))),)


def _spread(of: Sum, node: Node, shape: Sequence[Expr]) -> Sum:
    """Return a sum that broadcasts to a shape: `1 v'` for a vector, along the rows of a matrix."""
    before, after = _shape(node), tuple(shape)
    if node.shape == after:
        return of
    rows = after[0] if after else Integer(1)
    columns = after[1] if len(after) > 1 else Integer(1)
    if len(after) == 2 and node.rank == 1:
        of, before = transposed(of), before[::-1]
    left = term({}, ones(rows) if before[0] == 1 != rows else ())
    right = term({}, turned(ones(columns)) if before[1] == 1 != columns else ())
    return multiplied(left, of, right)


@WORDS.row(Node)
def _(node: Node) -> Sum:
    """Anything else is a letter or a number that is known by its tidy form."""
    shape, known = _shape(node), tidy(node)
    if shape == (1, 1):
        return number(Number("of", node=known))
    return term({}, (Letter("of", shape, node=known),))


@WORDS.row(n.Variable)
def _(node: n.Variable) -> Sum:
    shape, facts = _shape(node), node.facts_by_kind
    if shape == (1, 1):
        return number(Number(f"variable {node.name}"))
    few = "few " if any(each in facts for each in ALONE) else ""
    return term({}, (Letter(f"{few}variable {node.name}", shape, symmetric="symmetric" in facts),))


@WORDS.row(n.Scalar)
def _(node: n.Scalar) -> Sum:
    return constant(_finite(node.value))


def _finite(value: Expr) -> Expr:
    if value.is_finite is False:
        raise LimitError("an infinite number is no coefficient")
    return unnamed(value)


@WORDS.row(n.Fill)
def _(node: n.Fill) -> Sum:
    rows, columns = _shape(node)
    word = ones(rows) + turned(ones(columns))
    return scaled(_finite(node.value), term({}, word)) if node.value != 0 else {}


@WORDS.row(n.Identity)
def _(node: n.Identity) -> Sum:
    return constant(Integer(1))


@WORDS.row(n.Add)
def _(node: n.Add) -> Sum:
    return added(_spread(words(each), each, node.shape) for each in node.operands)


@WORDS.row(n.Multiply)
def _(node: n.Multiply) -> Sum:
    numbers = [each for each in node.operands if _shape(each) == (1, 1) and each.rank == 0]
    arrays = [each for each in node.operands if each not in numbers]
    if not arrays:
        return multiplied(*map(words, numbers))
    if len(arrays) == 1:
        return multiplied(*map(words, numbers), _spread(words(arrays[0]), arrays[0], node.shape))
    return multiplied(*map(words, numbers), WORDS[Node](n.Multiply(*arrays))) if numbers else WORDS[Node](node)


@WORDS.row(n.Power)
def _(node: n.Power) -> Sum:
    (base,), exponent = node.operands, node.exponent
    if node.rank or not exponent.is_Integer or abs(exponent) > LARGEST_POWER:
        return WORDS[Node](node)
    whole = words(base) if exponent > 0 else inverse_number(words(base))
    return multiplied(*itertools.repeat(whole, abs(int(exponent))))


@WORDS.row(n.MatMul)
def _(node: n.MatMul) -> Sum:
    left, right = node.operands
    first = words(left) if left.rank == 2 else transposed(words(left))
    found = multiplied(first, words(right))
    return transposed(found) if left.rank == 1 and right.rank == 2 else found


@WORDS.row(n.Outer)
def _(node: n.Outer) -> Sum:
    left, right = node.operands
    return multiplied(words(left), transposed(words(right)))


@WORDS.row(n.Transpose)
def _(node: n.Transpose) -> Sum:
    (operand,) = node.operands
    return transposed(words(operand)) if node.rank == 2 else WORDS[Node](node)


@WORDS.row(n.Sum)
def _(node: n.Sum) -> Sum:
    (operand,) = node.operands
    if isinstance(operand, n.Diagonal):
        return trace(words(operand.operands[0]), operand.operands[0].shape[0])
    if node.keepdims or operand.rank > 2:
        return WORDS[Node](node)
    rows, columns = (term({}, ones(size)) for size in _shape(operand))
    found = words(operand)
    if 0 in node.axes:
        found = multiplied(transposed(rows), found)
    if 1 in node.axes:
        return multiplied(found, columns)
    return transposed(found) if operand.rank == 2 else found


def trace(of: Sum, size: Expr) -> Sum:
    """Return the trace of a sum of words of one size."""
    found = []
    for (numbers, word), coefficient in of.items():
        if not word:
            found.append({(numbers, word): coefficient * size})
            continue
        found.append(scaled(coefficient, multiplied({(numbers, ()): Integer(1)}, _trace(word))))
    return added(found)


def _trace(word: Word) -> Sum:
    """`tr(A B) = tr(B A)`: a rotation in which an inverse meets what it is of, or that is one number, is taken."""
    for place, letter in enumerate(word):
        around = word[place:] + word[:place]
        if letter.shape[0] == 1:
            return term({}, around)
        if term({}, around) != {((), around): 1}:
            return trace(term({}, around), letter.shape[0])
    return number(cyclic("trace", word))


@WORDS.row(n.MatrixPower)
def _(node: n.MatrixPower) -> Sum:
    (base,), exponent = node.operands, node.exponent
    if not exponent.is_Integer or not 0 < abs(exponent) <= LARGEST_POWER:
        return WORDS[Node](node)
    whole = words(base) if exponent > 0 else inverse(words(base), base.shape[0])
    return multiplied(*itertools.repeat(whole, abs(int(exponent))))


@WORDS.row(n.Inverse)
def _(node: n.Inverse) -> Sum:
    return inverse(words(node.operands[0]), node.shape[0])


def inverse(of: Sum, size: Expr) -> Sum:
    """Return the inverse of a sum: of one product of square matrices the product of their inverses."""
    if not of:
        raise LimitError("the inverse of 0")
    if len(of) == 1:
        (((numbers, word), coefficient),) = of.items()
        if all(letter.shape == (size, size) for letter in word):
            below = {each: -power for each, power in numbers}
            found = scaled(1 / coefficient, term(below, ()))
            return multiplied(found, *(_inverse_letter(letter) for letter in reversed(word)))
    straight, other = key(of), key(transposed(of))
    first = straight if repr(straight) <= repr(other) else other
    letter = Letter("inv", (size, size), first != straight, straight == other, first)
    return term({}, (letter,))


def _inverse_letter(letter: Letter) -> Sum:
    if letter.name == "inv":
        inside = dict(letter.inside)
        return transposed(inside) if letter.turned else inside
    plain = letter._replace(turned=False)
    return term({}, (Letter("inv", letter.shape, letter.turned, letter.symmetric, key({((), (plain,)): Integer(1)})),))


@WORDS.row(n.Determinant)
def _(node: n.Determinant) -> Sum:
    (matrix,) = node.operands
    return determinant(words(matrix), matrix.shape[0], inverse)


@WORDS.row(n.LogDeterminant)
def _(node: n.LogDeterminant) -> Sum:
    return logarithm(words(n.Determinant(node.operands[0])))
