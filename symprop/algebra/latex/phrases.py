r"""Sums, products, fractions and roots in LaTeX."""

from __future__ import annotations

import ast
from dataclasses import replace
from math import factorial

from symprop.algebra import nodes as n
from symprop.algebra.latex import products, selections
from symprop.algebra.latex.calls import calls
from symprop.algebra.latex.elaboration import Elaboration, case
from symprop.algebra.latex.leaves import of_name
from symprop.algebra.latex.names import differentiated, gradient_by
from symprop.algebra.latex.powers import scripts
from symprop.algebra.latex.products import as_matrix
from symprop.algebra.latex.trees import Tex
from symprop.algebra.latex.values import Value, called, constant, joined, located, shape_of
from symprop.algebra.latex.words import HINTS, PRODUCTS
from symprop.algebra.nodes import Node
from symprop.errors import ReadingError, ShapeError

LARGEST = 100
"""Of which a factorial is written as a number."""


@case("sum")
def _(e: Elaboration, tree: Tex) -> Value:
    values = [e.value(part) for part in tree.parts]
    if tree is e.on_paper and len({value.rank > 0 for value in values if not value.number}) > 1:
        e.unusual += products.SPREAD
    return products.added(e, values, tree.words).at(tree.start, tree.end)


@case("term")
def _(e: Elaboration, tree: Tex) -> Value:
    result = e.value(tree.parts[0])
    for sign, part in zip(tree.words, tree.parts[1:], strict=True):
        right, kind = e.value(part), PRODUCTS[sign]
        if kind == "kron":
            result = _kronecker(e, result, right)
        else:
            result = products.by_elements(e, result, right, ast.Div if kind == "/" else ast.Mult)
    return result


def _kronecker(e: Elaboration, left: Value, right: Value) -> Value:
    at = left.start, right.end
    if left.labels or right.labels or "s" in left.kind + right.kind:
        return products.times(e, left, right)
    if left.kind == right.kind == "c":  # the outer product of two vectors
        return products.times(e, left, replace(right, row=True))
    if left.rank > 2 or right.rank > 2:
        e.refuse(f"\\otimes is of two matrices, or of two columns: {e.shapes((left, right))}", *at, ShapeError)
    left, right = as_matrix(left), as_matrix(right)
    shape = tuple(e.sizes.value(a) * e.sizes.value(b) for a, b in zip(left.shape, right.shape, strict=True))
    return Value(located(called("kron", left.tree, right.tree), *at), shape, *at)


@case("run")
def _(e: Elaboration, tree: Tex) -> Value:
    place = next((place for place, part in enumerate(tree.parts) if _jacobian(e, part) is not None), None)
    if place is not None and place + 1 < len(tree.parts):
        return _derivative(e, tree, place)
    return _product(e, tree)


def _jacobian(e: Elaboration, tree: Tex) -> tuple[Tex, Tex] | None:
    r"""Return what `\left(\frac{\partial f}{\partial x}\right)` differentiates, and by what; None for all else."""
    if tree.kind != "group" or tree.text not in ("(", "{}") or len(tree.parts) != 1 or tree.below:
        return None
    inside = tree.parts[0]
    if inside.kind != "fraction" or not inside.bare:
        return None
    of, by = (differentiated(part) for part in inside.parts)
    return None if of is None or by is None or _is_gradient(e, inside) else (of, by)


def _is_gradient(e: Elaboration, tree: Tex) -> bool:
    """Whether a derivative is the name of an array: that of a number by it, which is no array itself."""
    by, of = gradient_by(tree), differentiated(tree.parts[0])
    found = e.names.find(of) if of is not None and of.kind == "name" else None
    return by is not None and not (found is not None and isinstance(found.what, Node) and found.what.rank)


def _derivative(e: Elaboration, tree: Tex, place: int) -> Value:
    """Return a derivative that is not worked out times what stands behind it, `(df/dx)' v`, times what is before it."""
    part, behind = tree.parts[place], tree.parts[place + 1 :]
    of, by = _jacobian(e, part) or (part, part)
    turned = bool(part.above)
    if turned and [token.text for group in part.above for token in group] not in _TURNED:
        e.refuse("a derivative has a transpose sign or none above it", part.start, part.end)
    words = tree.words[place + 1 :]
    rest = behind[0] if len(behind) == 1 else Tex("run", behind[0].start, tree.end, tuple(behind), words=words)
    value, expression, x = e.value(rest), e.value(of), e.value(by)
    if any(each.labels for each in (value, expression, x)):
        e.refuse("a derivative that is not worked out has no index", part.start, part.end)
    if not isinstance(x.tree, ast.Name):
        e.refuse("a derivative is taken with respect to an array", by.start, by.end)
    wanted, shape = (expression, x.shape) if turned else (x, expression.shape)
    value = as_shape(e, value, wanted)
    arguments = (value.tree, expression.tree, x.tree) if turned else (expression.tree, x.tree, value.tree)
    name = "zz_pullback" if turned else "zz_pushforward"
    e.functions[name] = n.Pullback if turned else n.Pushforward
    made = Value(located(called(name, *arguments), part.start, tree.end), shape, part.start, tree.end)
    if not place:
        return made
    before = tree.parts[:place]
    words = tree.words[: place - 1]
    first = before[0] if place == 1 else Tex("run", tree.start, before[-1].end, before, words=words)
    return products.times(e, e.value(first), made, tree.words[place - 1])


def _slope(e: Elaboration, tree: Tex, of: Tex, by: Tex) -> Value:
    r"""Return the derivative of a number that is not worked out, `\frac{\partial \|z\|^2}{\partial z}` on a page."""
    expression, x = e.value(of), e.value(by)
    if expression.rank or expression.labels or not isinstance(x.tree, ast.Name):
        told = "a derivative with nothing behind it is of a number with respect to an array"
        e.refuse(told, tree.start, tree.end, ShapeError)
    e.functions["zz_pullback"] = n.Pullback
    made = called("zz_pullback", constant(1), expression.tree, x.tree)
    return Value(located(made, tree.start, tree.end), x.shape, tree.start, tree.end)


_TURNED = (["top"], ["T"], ["'"], ["prime"], ["mathsf", "{", "T", "}"], ["intercal"])


def as_shape(e: Elaboration, value: Value, wanted: Value) -> Value:
    """Let a value have the shape of another: sizes are told, a row is a matrix of one."""
    told = "shapes do not fit in a derivative"
    if value.rank == wanted.rank:
        for left, right in zip(value.shape, wanted.shape, strict=True):
            e.same(left, right, value, told)
        return value
    own, shape = (tuple(map(e.sizes.value, each.shape)) for each in (value, wanted))
    own_long, long = ([size for size in each if size != 1] for each in (own, shape))
    if len(own_long) != len(long):
        e.refuse(f"{told}: {e.shapes((value, wanted))}", value.start, value.end, ShapeError)
    for left, right in zip(own_long, long, strict=True):
        e.same(left, right, value, told)
    return value.made(located(called("reshape", value.tree, shape_of(shape)), value.start, value.end), shape)


def _product(e: Elaboration, tree: Tex) -> Value:
    parts, between = calls(e, list(tree.parts), list(tree.words))
    values = [e.value(part) if isinstance(part, Tex) else part for part in parts]
    values, between = selections.met(e, values, between)
    result, front = values[0], None  # scalars are gathered in front of the product of arrays
    for place, (sign, right) in enumerate(zip(between, values[1:], strict=True), start=1):
        if sign == "/":
            _check_quotient(e, values, between, place)
            result, front = quotient(e, result if front is None else _times(e, front, result), right), None
        elif sign == "times" and result.kind + right.kind == "cc":
            e.refuse("the cross product is not part of the language", result.start, right.end)
        elif result.plain_number and not right.plain_number and not right.labels:
            front, result = (result if front is None else _times(e, front, result)), right
        elif front is not None and right.plain_number:
            front = _times(e, front, right)
        else:
            result = _times(e, result, right, sign)
    result = result if front is None else _times(e, front, result)
    return result.at(tree.start, tree.end)


def _times(e: Elaboration, left: Value, right: Value, sign: str = "") -> Value:
    waits = left.pending is not None or right.pending is not None
    return selections.behind(e, left, right, sign) if waits else products.times(e, left, right, sign)


def _check_quotient(e: Elaboration, values: list[Value], between: list[str], place: int) -> None:
    r"""Refuse `a / b c`, and `a / x^\top y`, which are one of two."""
    below, behind = values[place], values[place + 1] if place + 1 < len(values) else None
    if behind is None or between[place]:
        return
    is_row = below.rank == 1 and below.row and behind.rank > 0
    if (behind.rank or below.rank) and not is_row:
        return
    text = e.latex[behind.start : behind.end]
    is_command = text[:1] == "\\" and text[1:2].isalpha() and "{" not in text and "(" not in text
    if not (is_row or is_command or text[:1].isalpha()):
        return
    if below.number and behind.start > below.end:
        return
    first, second = (e.latex[each.start : each.end] for each in (values[place - 1], below))
    told = (
        rf"two readings: \frac{{{first}}}{{{second}}} {text} or \frac{{{first}}}{{{second} {text}}}; write a fraction"
    )
    e.refuse(told, values[place - 1].start, behind.end, ReadingError)


def quotient(e: Elaboration, top: Value, bottom: Value) -> Value:
    if bottom.kind == "m" and top.kind != "m":
        text = "a matrix cannot stand below a line; A^{-1} is its inverse"
        if top.rank or not top.number:
            e.refuse(text, bottom.start, bottom.end, ShapeError)
    return products.by_elements(e, top, bottom, ast.Div)


@case("fraction")
def _(e: Elaboration, tree: Tex) -> Value:
    by = gradient_by(tree)
    if by is None and "d" not in e.names:  # dL/dx
        by = gradient_by(tree, "d")
    elif by is not None and not _is_gradient(e, tree):
        by = None
    if by is not None:
        name = Tex("name", tree.start, tree.end, text=f"d {by.text}", below=by.below, above=by.above)
        found = e.names.find(name)
        if found is None:
            e.refuse(HINTS["partial"], tree.start, tree.end)
        return scripts(e, of_name(e, name, found), tree)
    of, to = map(differentiated, tree.parts)
    if of is not None and to is not None and not e.names.by_people:
        return scripts(e, _slope(e, tree, of, to), tree)
    top, bottom = map(e.value, tree.parts)
    result = quotient(e, top, bottom).at(tree.start, tree.end)
    return scripts(e, result, tree)


@case("asked")
def _(e: Elaboration, tree: Tex) -> Value:
    return e.refuse(HINTS["nabla"], tree.start, tree.end)


@case("factorial")
def _(e: Elaboration, tree: Tex) -> Value:
    value = e.value(tree.parts[0])
    if not (value.number or (isinstance(value.tree, ast.Name) and value.tree.id in e.indices.values())):
        e.refuse("a factorial is of a number or of the index of a series, k!", tree.start, tree.end)
    made = called("exp", called("gammaln", joined(value.tree, ast.Add, constant(1))))
    if isinstance(value.tree, ast.Constant) and isinstance(value.tree.value, int) and value.tree.value <= LARGEST:
        made = constant(factorial(value.tree.value))
    return scripts(e, value.made(located(made, tree.start, tree.end), ()), tree)


@case("root")
def _(e: Elaboration, tree: Tex) -> Value:
    inside = e.value(tree.parts[0])
    if inside.kind == "m" and 1 not in map(e.sizes.value, inside.shape):
        told = r"two readings: A^{1/2} for the root of a matrix, A^{\odot 1/2} for those of its elements"
        e.refuse(told, tree.start, tree.end, ReadingError)
    if len(tree.parts) == 1:
        made = called("sqrt", inside.tree)
    else:
        index = e.value(tree.parts[1])
        made = joined(inside.tree, ast.Pow, joined(constant(1), ast.Div, index.tree))
    return scripts(e, inside.made(located(made, tree.start, tree.end), inside.shape), tree)
