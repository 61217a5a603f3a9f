r"""Sums and products of parts whose shapes are known: what stands side by side is a product by its shapes.

`A x`, `x^\top y`, `x y^\top` and `s A` are told by the axes of their factors. Parts that have indices are products with
named axes, `einsum`, which the language writes as the products that a person would write.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from string import ascii_letters

from sympy import Expr, Integer

from symprop.algebra.inference import fits
from symprop.algebra.inference.unknown_sizes import Misfit
from symprop.algebra.latex.elaboration import Elaboration
from symprop.algebra.latex.values import Value, called, constant, joined, located, shape_of, subscripted, tupled
from symprop.errors import LimitError, ShapeError

MIXED = 2.0
"""How seldom a matrix meets a vector by elements."""
SPREAD = 2.5
"""How seldom a number is added to each element where sums are of vectors: in a norm, or transposed in brackets."""
MOST_FACTORS = 12
"""The most arrays in one product with named axes."""


# ---------------------------------------------------------------- elements meet


def met(e: Elaboration, values: Sequence[Value], make: Callable[[list[ast.expr]], ast.expr], what: str) -> Value:
    """Return what an operation by elements makes of parts, whose axes meet by their indices, then by their place."""
    rows = {value.row for value in values if value.rank == 1}
    at = values[0].start, values[-1].end
    if len(rows) > 1:
        e.refuse(f"a row and a column do not fit in {what}; {e.shapes(values)}", *at, ShapeError)
    if any(value.kind == "m" and e.sizes.value(value.shape[1]) == 1 for value in values):
        values = [as_matrix(value) if value.kind == "c" else value for value in values]  # a matrix of one column
    shape = values[0].shape
    e.unusual += MIXED if len({value.rank for value in values if value.rank}) > 1 else 0.0
    for value in values[1:]:
        try:
            shape = fits.broadcast(e.sizes, shape, value.shape)
        except Misfit:
            e.refuse(f"shapes do not fit in {what}: {e.shapes(values)}", *at, ShapeError)
    labels = merged(values)
    trees = [aligned(value, labels, len(shape)) for value in values]
    row = len(shape) == 1 and True in rows
    return Value(located(make(trees), *at), shape, *at, row=row, labels=labels)


def merged(values: Iterable[Value]) -> tuple[str, ...]:
    """The indices of all parts, those of the part that has most first."""
    longest = sorted(values, key=lambda value: -len(value.labels))
    return tuple(dict.fromkeys(label for value in longest for label in value.labels))


def aligned(value: Value, labels: tuple[str, ...], rank: int) -> ast.expr:
    """Return a part's tree with its axes where those of `labels` are, and `rank` axes behind them."""
    if not value.labels or (value.labels == labels and value.rank == rank):
        return value.tree
    own = [label for label in labels if label in value.labels]
    tree, order = value.tree, [value.labels.index(label) for label in own]
    if order != sorted(order):
        behind = range(len(own), len(own) + value.rank)
        tree = called("transpose", tree, tupled([constant(place) for place in (*order, *behind)]))
    present = [label in own for label in labels[labels.index(own[0]) :]]
    present += [False] * (rank - value.rank) + [True] * value.rank
    if all(present):
        return tree
    return subscripted(tree, [ast.Slice() if each else constant(None) for each in present])


def added(e: Elaboration, values: Sequence[Value], signs: Sequence[str]) -> Value:
    """Return a sum of terms with their signs."""

    def make(trees: list[ast.expr]) -> ast.expr:
        result = ast.UnaryOp(ast.USub(), trees[0]) if signs[0] == "-" else trees[0]
        for sign, tree in zip(signs[1:], trees[1:], strict=True):
            result = joined(result, ast.Sub if sign == "-" else ast.Add, tree)
            located(result, values[0].start, values[-1].end)
        return result

    kept = [value for value in values if not value.zero] or [values[0]]
    if len(kept) < len(values):
        pairs = [(value, sign) for value, sign in zip(values, signs, strict=True) if not value.zero]
        if not pairs:
            return values[0]
        return added(e, [value for value, _ in pairs], [sign for _, sign in pairs])
    if len(values) == 1 and signs[0] == "-":
        value = values[0]
        tree = located(make([value.tree]), value.start, value.end)
        return value.made(tree, value.shape, row=value.row, number=value.number)
    return met(e, values, make, "a sum")


def by_elements(e: Elaboration, left: Value, right: Value, sign: type[ast.operator]) -> Value:
    """Return the product or quotient of elements."""
    if sign is ast.Mult and (left.labels or right.labels) and not (left.rank or right.rank):
        return times(e, left, right)
    what = "a quotient" if sign is ast.Div else "a product of elements"
    return met(e, [left, right], lambda trees: joined(trees[0], sign, trees[1]), what)


# ---------------------------------------------------------------- factors side by side


def times(e: Elaboration, left: Value, right: Value, sign: str = "") -> Value:
    """Return the product of two factors side by side, which their shapes tell."""
    at = left.start, right.end
    if left.rank and right.rank:
        left, right = thin(e, left), thin(e, right)
    if (left.rank > 2 or right.rank > 2) and left.rank and right.rank:
        told = f"arrays of more than two axes side by side: {e.shapes((left, right))}"
        e.refuse(rf"{told}; allowed: sums with indices, \sum_k T_{{ijk}} x_k", *at, ShapeError)
    kind = left.kind + right.kind
    if kind == "cc" and sign == "cdot":
        left, kind = replace(left, row=True), "rc"
    if kind == "cm" and e.sizes.value(right.shape[0]) == 1:  # a matrix of one row
        left, kind = as_matrix(left), "mm"
    if kind == "mr" and e.sizes.value(left.shape[1]) == 1:
        right, kind = as_matrix(right), "mm"
    if kind not in _CONTRACTED:
        e.refuse(_TOLD.get(kind, "shapes do not fit side by side").format(e.shapes((left, right))), *at, ShapeError)
    if left.labels or right.labels:
        return _with_indices(e, left, right, kind)
    with_ones = _with_ones(e, left, right, kind)
    if with_ones is not None:
        return with_ones
    if "s" in kind:
        shape, row = (right.shape, right.row) if left.kind == "s" else (left.shape, left.row)
        return Value(located(joined(left.tree, ast.Mult, right.tree), *at), shape, *at, row=row)
    if kind == "cr":
        return Value(located(called("outer", left.tree, right.tree), *at), left.shape + right.shape, *at)
    try:
        shape = fits.product_of_matrices(e.sizes, left.shape, right.shape)
    except Misfit:
        e.refuse(f"shapes do not fit side by side: {e.shapes((left, right))}", *at, ShapeError)
    return Value(located(joined(left.tree, ast.MatMult, right.tree), *at), shape, *at, row=kind == "rm")


def thin(e: Elaboration, value: Value) -> Value:
    """Return an array of more than two axes without its first ones, where these have one place: that of a head."""
    while value.rank > 2 and e.sizes.value(value.shape[0]) == 1 and not value.labels:
        tree = called("sum", value.tree, axis=constant(0))
        value = value.made(located(tree, value.start, value.end), value.shape[1:])
    return value


def _with_ones(e: Elaboration, left: Value, right: Value, kind: str) -> Value | None:
    r"""Return a product with a vector of ones as the sum that it is, `\mathbf{1}^\top x`; None for any other."""
    at = left.start, right.end
    if kind == "cr" and left.ones and right.ones:
        shape = left.shape + right.shape
        return Value(located(called("ones", shape_of(shape)), *at), shape, *at)
    if kind not in ("rc", "rm", "mc") or not (left.ones or right.ones) or (left.ones and right.ones):
        return None
    ones, array = (left, right) if left.ones else (right, left)
    axis = 1 if kind == "mc" else 0
    try:
        e.sizes.same(ones.shape[0], array.shape[axis])
    except Misfit:
        return None  # which is refused as any product
    if array.rank == 2:
        tree = called("sum", array.tree, axis=constant(axis))
        return Value(located(tree, *at), (array.shape[1 - axis],), *at, row=kind == "rm")
    match array.tree:
        case ast.Call(ast.Name("sum"), [inner], [ast.keyword(arg="axis")]):  # 1' (A 1) is the sum of all elements
            return Value(located(called("sum", inner), *at), (), *at)
    return Value(located(called("sum", array.tree), *at), (), *at)


_CONTRACTED = {
    **{"ss": ((), ()), "sc": ((), (0,)), "sr": ((), (0,)), "sm": ((), (0, 1)), "cs": ((0,), ()), "rs": ((0,), ())},
    **{"ms": ((0, 1), ()), "mm": ((0, 1), (1, 2)), "mc": ((0, 1), (1,)), "rm": ((0,), (0, 1)), "rc": ((0,), (0,))},
    **{"cr": ((0,), (1,))},
}
"""Which axes two factors have, by their kinds (scalar, column, row, matrix): what both have is summed over."""
_RESULT = {"ss": (), "sc": (0,), "sr": (0,), "sm": (0, 1), "cs": (0,), "rs": (0,), "ms": (0, 1), "mm": (0, 2)}
_RESULT |= {"mc": (0,), "rm": (1,), "rc": (), "cr": (0, 1)}
_TOLD = {
    "cc": "two columns side by side: {}\nallowed: x^\\top y, x y^\\top, or x \\odot y for elements",
    "rr": "two rows side by side: {}\nallowed: x^\\top y, x y^\\top, or x \\odot y for elements",
    "cm": "a column before a matrix: {}\nallowed: x^\\top A, A x, or brackets around A(x + y)",
    "mr": "a matrix before a row: {}\nallowed: A x, or x^\\top A",
}


def _with_indices(e: Elaboration, left: Value, right: Value, kind: str) -> Value:
    """A product with named axes."""
    at = left.start, right.end
    letters = [e.axis() for _ in range(max(3, left.rank, right.rank))]
    contracted, result = _CONTRACTED[kind], _RESULT[kind]
    if "s" in kind:  # each element of an array of any rank
        contracted, result = (tuple(range(left.rank)), tuple(range(right.rank))), tuple(range(left.rank or right.rank))
    sides: list[tuple[tuple[ast.expr, tuple[str, ...]], ...]] = []
    shared: dict[int, Expr] = {}
    for value, axes in zip((left, right), contracted, strict=True):
        for axis, size in zip(axes, value.shape, strict=True):
            try:
                e.sizes.same(shared.setdefault(axis, size), size)
            except Misfit:
                e.refuse(f"shapes do not fit side by side: {e.shapes((left, right))}", *at, ShapeError)
        sides.append(_renamed(value, tuple(letters[axis] for axis in axes)))
    labels = merged((left, right))
    core = tuple(letters[axis] for axis in result)
    shape = tuple(shared[axis] for axis in result)
    factors = (*sides[0], *sides[1])
    if len(factors) > MOST_FACTORS:
        e.refuse(
            f"{len(factors)} factors in one product with indices; at most {MOST_FACTORS} are allowed", *at, LimitError
        )
    row = kind in ("sr", "rs", "rm")
    tree = located(product_with(factors, (*labels, *core)), *at)
    return Value(tree, shape, *at, row=row, labels=labels, factors=factors, core=core)


def _renamed(value: Value, letters: tuple[str, ...]) -> tuple[tuple[ast.expr, tuple[str, ...]], ...]:
    """The factors of a value with other names for the axes that are no indices."""
    if not value.factors:
        return ((value.tree, (*value.labels, *letters)),)
    new = dict(zip(value.core, letters, strict=True))
    return tuple((tree, tuple(new.get(axis, axis) for axis in axes)) for tree, axes in value.factors)


def as_number(condition: Value) -> Value:
    """Return a comparison as the number that it is: 1 where it holds, else 0."""
    tree = joined(constant(1), ast.Mult, condition.tree)
    return condition.made(located(tree, condition.start, condition.end), condition.shape)


def product_with(factors: Sequence[tuple[ast.expr, tuple[str, ...]]], kept: tuple[str, ...]) -> ast.expr:
    """Return the sum of products over all axes that are not `kept`; some factor has an axis."""
    numbers = [tree for tree, axes in factors if not axes]
    arrays = [(tree, axes) for tree, axes in factors if axes]
    first = arrays[0][1]
    if all(axes == first for _, axes in arrays) and tuple(a for a in first if a in kept) == kept:
        result = arrays[0][0]
        for tree, _ in arrays[1:]:
            result = joined(result, ast.Mult, tree)
        away = [place for place, axis in enumerate(first) if axis not in kept]
        if away and len(away) == len(first):
            result = called("sum", result)
        elif away:
            axis = constant(away[0]) if len(away) == 1 else tupled([constant(place) for place in away])
            result = called("sum", result, axis=axis)
    else:
        names = dict(zip(dict.fromkeys(axis for _, axes in arrays for axis in axes), ascii_letters, strict=False))
        inputs = ",".join("".join(names[axis] for axis in axes) for _, axes in arrays)
        text = f"{inputs}->{''.join(names[axis] for axis in kept)}"
        result = called("einsum", constant(text), *(tree for tree, _ in arrays))
    for number in reversed(numbers):
        result = joined(number, ast.Mult, result)
    return result


def as_matrix(part: Value) -> Value:
    """A column or row as a matrix of one column or row."""
    if part.rank != 1:
        return part
    one, before = (Integer(1),), [ast.Slice() for _ in part.labels]
    places = [ast.Slice(), constant(None)] if part.kind == "c" else [constant(None), ast.Slice()]
    shape = (*part.shape, *one) if part.kind == "c" else (*one, *part.shape)
    return part.made(located(subscripted(part.tree, [*before, *places]), part.start, part.end), shape)


def summed(e: Elaboration, value: Value, labels: Sequence[str]) -> Value:
    """Return a part summed over some of its indices."""
    left = tuple(label for label in value.labels if label not in labels)
    if value.factors:
        tree = located(product_with(value.factors, (*left, *value.core)), value.start, value.end)
        return replace(value, tree=tree, labels=left)
    return reduced(value, labels, "sum")


def reduced(value: Value, labels: Sequence[str], function: str) -> Value:
    """Return what a function such as `sum` or `max` makes along the axes of some indices."""
    places = [place for place, label in enumerate(value.labels) if label in labels]
    left = tuple(label for label in value.labels if label not in labels)
    if not left and not value.rank:
        tree = called(function, value.tree)
    else:
        axis = constant(places[0]) if len(places) == 1 else tupled([constant(place) for place in places])
        tree = called(function, value.tree, axis=axis)
    return value.made(located(tree, value.start, value.end), value.shape, labels=left)
