r"""Sums, products, fractions and roots in LaTeX."""

from __future__ import annotations

import ast
from dataclasses import replace

from symprop.algebra.latex import products
from symprop.algebra.latex.calls import calls
from symprop.algebra.latex.elaboration import Elaboration, case
from symprop.algebra.latex.leaves import of_name
from symprop.algebra.latex.names import gradient_by
from symprop.algebra.latex.powers import scripts
from symprop.algebra.latex.trees import Tex
from symprop.algebra.latex.values import Value, called, constant, joined, located
from symprop.algebra.latex.words import PRODUCTS
from symprop.errors import ReadingError, ShapeError


@case("sum")
def _(e: Elaboration, tree: Tex) -> Value:
    return products.added(e, [e.value(part) for part in tree.parts], tree.words).at(tree.start, tree.end)


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
    if left.kind != "m" or right.kind != "m":
        e.refuse(f"\\otimes is of two matrices, or of two columns: {e.shapes((left, right))}", *at, ShapeError)
    shape = tuple(e.sizes.value(a) * e.sizes.value(b) for a, b in zip(left.shape, right.shape, strict=True))
    return Value(located(called("kron", left.tree, right.tree), *at), shape, *at)


@case("run")
def _(e: Elaboration, tree: Tex) -> Value:
    parts, between = calls(e, list(tree.parts), list(tree.words))
    values = [e.value(part) if isinstance(part, Tex) else part for part in parts]
    result, front = values[0], None  # scalars are gathered in front of the product of arrays
    for place, (sign, right) in enumerate(zip(between, values[1:], strict=True), start=1):
        if sign == "/":
            _check_quotient(e, values, between, place)
            result, front = quotient(e, result if front is None else products.times(e, front, result), right), None
        elif sign == "times" and result.kind + right.kind == "cc":
            e.refuse("the cross product is not part of the language", result.start, right.end)
        elif result.plain_number and not right.plain_number and not right.labels:
            front, result = (result if front is None else products.times(e, front, result)), right
        elif front is not None and right.plain_number:
            front = products.times(e, front, right)
        else:
            result = products.times(e, result, right, sign)
    result = result if front is None else products.times(e, front, result)
    return result.at(tree.start, tree.end)


def _check_quotient(e: Elaboration, values: list[Value], between: list[str], place: int) -> None:
    """Refuse `a / b c`, which is one of two."""
    below, behind = values[place], values[place + 1] if place + 1 < len(values) else None
    if behind is None or between[place] or behind.rank or below.rank:
        return
    text = e.latex[behind.start : behind.end]
    if not text[:1].isalpha() and not (
        text[:1] == "\\" and text[1:2].isalpha() and "{" not in text and "(" not in text
    ):
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
    if by is not None:
        name = Tex("name", tree.start, tree.end, text=f"d {by.text}", below=by.below, above=by.above)
        found = e.names.find(name)
        if found is None:
            e.refuse("a derivative is asked for, not typed, unless it is the name of an array", tree.start, tree.end)
        return scripts(e, of_name(e, name, found), tree)
    top, bottom = map(e.value, tree.parts)
    result = quotient(e, top, bottom).at(tree.start, tree.end)
    return scripts(e, result, tree)


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
