r"""Functions in LaTeX with arguments of their own: `vec`, `mat_{m \times n}`, `\log\det`, means, triangles, `pad`."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

import sympy
from sympy import Integer

from symprop.algebra.inference import fits
from symprop.algebra.latex.elaboration import Elaboration
from symprop.algebra.latex.functions import (
    SPECIAL,
    Special,
    axes_of,
    between_squares,
    by_trial,
    elementwise_or_whole,
    primes_of,
)
from symprop.algebra.latex.powers import transposed
from symprop.algebra.latex.products import as_matrix
from symprop.algebra.latex.tokens import Token
from symprop.algebra.latex.trees import Tex, plain
from symprop.algebra.latex.values import SizeOf, Value, called, constant, joined, located, shape_of, tupled
from symprop.algebra.latex.words import function_named
from symprop.errors import ReadingError, shown


def _vec(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    """The columns below each other; the rows one behind the other on the page of a network, which says so."""
    value = e.value(_only(e, tree, arguments))
    count = sympy.Mul(*map(e.sizes.value, value.shape))
    by_columns = value.rank == 2 and not e.names.of_network
    match value.tree:
        case ast.Attribute(inner, "T") if by_columns:  # the columns of A' are the rows of A
            made = called("ravel", inner)
        case whole:
            made = called("vec" if by_columns else "ravel", whole)
    if value.labels:
        whole_shape = (*(e.labels[label] for label in value.labels), count)
        made = called("reshape", transposed(e, value).tree if by_columns else value.tree, shape_of(whole_shape))
    return value.made(located(made, tree.start, tree.end), (count,), row=False)


def _mat(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    value = e.value(_only(e, tree, arguments))
    if not tree.below:
        e.refuse(r"the sizes of a matrix stand below mat, \operatorname{mat}_{m \times n}(x)", tree.start, tree.end)
    parts: list[list[Token]] = [[]]
    for token in tree.below:
        if token.text in ("times", ","):
            parts.append([])
        else:
            parts[-1].append(token)
    sizes = tuple(e.size(part) for part in parts)
    made = called("reshape", value.tree, shape_of((*(e.labels[label] for label in value.labels), *sizes)))
    return value.made(located(made, tree.start, tree.end), sizes, row=False)


def _sylvester(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    values = [e.value(part) for part in arguments]
    if len(values) != 3 or any(value.kind != "m" or value.labels for value in values):
        e.refuse("the equation A X + X B = Q is of three matrices, sylvester(A, B, Q)", tree.start, tree.end)
    between_squares(e, values)
    made = called("solve_sylvester", *(value.tree for value in values))
    return Value(located(made, tree.start, tree.end), values[2].shape, tree.start, tree.end)


def _one_hot(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    ids = e.value(_only(e, tree, arguments))
    size = e.size(tree.below) if tree.below else e.fresh()
    made = located(called("one_hot", ids.tree, SizeOf(size)), tree.start, tree.end)
    return ids.made(made, (*ids.shape, size), row=False)


def _transpose(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    value = e.value(arguments[0])
    if len(arguments) == 1:
        return transposed(e, value)
    axes = [int(part.text) for part in arguments[1].parts if part.text.isdigit()]
    if len(arguments) > 2 or not value.rank or sorted(axes) != list(range(value.rank)):
        told = f"transpose takes an array and its axes in another order, such as (1, 0); {e.shapes((value,))}"
        e.refuse(told, tree.start, tree.end)
    own = len(value.labels)
    order = tupled([constant(axis) for axis in (*range(own), *(own + axis for axis in axes))])
    made = called("transpose", value.tree, order)
    return value.made(located(made, tree.start, tree.end), tuple(value.shape[axis] for axis in axes), row=False)


def _expand(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    value = e.value(_only(e, tree, arguments))
    axis, *more = axes_of(tree) or [0]
    if more or axis > value.rank:
        e.refuse(f"one new axis stands at 0 to {value.rank}; {e.shapes((value,))}", tree.start, tree.end)
    made = called("expand_dims", value.tree, constant(len(value.labels) + axis))
    shape = (*value.shape[:axis], Integer(1), *value.shape[axis:])
    return value.made(located(made, tree.start, tree.end), shape, row=False)


def _with_diagonal(name: str) -> Callable[[Elaboration, Tex, list[Tex]], Value]:
    def made(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
        value = e.value(arguments[0])
        if len(arguments) > 2:
            e.refuse(f"{name} takes a matrix and the number of a diagonal, {name}(A, 1)", tree.start, tree.end)
        rest = [e.value(part).tree for part in arguments[1:]]
        return value.made(located(called(name, value.tree, *rest), tree.start, tree.end), value.shape)

    return made


def _log(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    r"""The logarithm; `\log |A|` and `\log \det A` of a matrix are `logdet(A)`, and `\log(\det A)` is as it stands."""
    scripts = tree.below or primes_of(tree)
    if len(arguments) == 1 and not scripts and "(" not in e.latex[tree.start : arguments[0].start]:
        inside = arguments[0]
        bars = inside.kind == "group" and inside.text == "|" and inside.bare
        if bars and inside.parts[0].kind == "apply" and inside.parts[0].text == "det" and inside.parts[0].bare:
            inside = inside.parts[0]
        if inside.kind == "apply" and inside.text == "det" and inside.bare and len(inside.parts) == 1:
            return _determinant(e, tree, e.value(inside.parts[0]))
        if bars:
            value = e.value(inside.parts[0])
            if value.kind == "m":
                return _determinant(e, tree, value)
    values = [e.value(part) for part in arguments]
    found = elementwise_or_whole(e, replace(tree, below=()), "log", values, [], primes_of(tree))
    if not tree.below:
        return found
    quotient = joined(found.tree, ast.Div, called("log", e.of_tokens(tree.below).tree))
    return replace(found, tree=located(quotient, tree.start, tree.end))


def _determinant(e: Elaboration, tree: Tex, value: Value) -> Value:
    made = called("logdet", value.tree)
    return by_trial(e, f"logdet({fits.OPERAND}0)", [value], made, tree)


def _only(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Tex:
    if len(arguments) != 1:
        e.refuse(f"{shown(tree.text)} takes one array", tree.start, tree.end)
    return arguments[0]


def _norm(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    inside = _only(e, tree, arguments)
    return e.value(Tex("group", tree.start, tree.end, (inside,), "‖", below=tree.below))


def _mean(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    r"""The mean of all elements, along axes, over places, `\operatorname{mean}_t`, or over the batch by its size."""
    value = e.value(_only(e, tree, arguments))
    if not tree.below:
        return elementwise_or_whole(e, tree, "mean", [value], [], 0)
    if axes_of(tree):
        e.refuse("a mean is over an axis by its number or by its size, not both", tree.start, tree.end)
    written = plain(tree.below)
    if written == "t" and value.rank and (e.names.of_network or "t" not in e.names):
        return _over_places(value, tree)
    size = e.size(tree.below)
    sizes = [e.sizes.value(each) for each in value.shape]
    if value.rank > 1 and sizes[0].has(size) and e.names.of_network:
        return _over_places(value, tree)
    if size not in sizes:
        e.refuse(f"no axis has the size {written}: {e.shapes((value,))}", tree.start, tree.end)
    if sizes.count(size) > 1:
        told = f"two readings: several axes have the size {written}, {e.shapes((value,))}"
        e.refuse(rf"{told}; write a sum, \frac{{1}}{{{written}}} \sum_i A_{{ij}}", tree.start, tree.end, ReadingError)
    axis = sizes.index(size)
    options = {"axis": constant(len(value.labels) + axis), **({"keepdims": constant(True)} if axis else {})}
    kept = (sympy.Integer(1),) if axis else ()
    shape = (*value.shape[:axis], *kept, *value.shape[axis + 1 :])
    made = called("mean", value.tree, **options)
    return value.made(located(made, tree.start, tree.end), shape, row=False)


def _over_places(value: Value, tree: Tex) -> Value:
    """The mean of each feature, which stand along the last axis, over what is before it."""
    axes = range(len(value.labels), len(value.labels) + max(1, value.rank - 1))
    made = called("mean", value.tree, axis=tupled([constant(axis) for axis in axes]))
    return value.made(located(made, tree.start, tree.end), value.shape[len(axes) :], row=False)


def _pad(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    r"""`\operatorname{pad}(A, (0, 1), (2, 0), 3)`: what stands before and behind along each axis, and its value."""
    array, widths = e.value(arguments[0]), [part for part in arguments[1:] if len(part.parts) == 2]
    pairs = [tupled([e.value(end).tree for end in part.parts]) for part in widths if part.kind == "group"]
    rest = [e.value(part).tree for part in arguments[1 + len(pairs) :]]
    array = as_matrix(array) if len(pairs) == 2 else array
    if array.labels or len(pairs) != array.rank or len(rest) > 1:
        e.refuse("pad takes an array, a pair for each of its axes, and a value", tree.start, tree.end)
    options = {"constant_values": rest[0]} if rest else {}
    given = pairs[0] if len(pairs) == 1 else tupled(pairs)
    text = "".join(f", {key}={ast.unparse(value)}" for key, value in options.items())
    made = called("pad", array.tree, given, **options)
    return by_trial(e, f"pad({fits.OPERAND}0, {ast.unparse(given)}{text})", [array], made, tree)


def entered(name: str, row: Special, *takes: str) -> dict[str, Special]:
    """Return what reads a function, which refuses the scripts, the axis or the `;` that it does not take."""

    def checked(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
        stands = {"subscript": tree.below, "prime": primes_of(tree), "';'": ";" in tree.words, "axis": axes_of(tree)}
        for what, found in stands.items():
            if found and what not in takes:
                allowed = f"; allowed: {' or '.join(takes)}" if takes else ""
                e.refuse(f"{name} takes no {what}{allowed}", tree.start, tree.end)
        return row(e, tree, arguments)

    return {function_named(name): checked}


SPECIAL |= {
    **entered("vec", _vec),
    **entered("mat", _mat, "subscript"),
    **entered("onehot", _one_hot, "subscript"),
    **entered("transpose", _transpose),
    **entered("expand", _expand, "axis"),
    **entered("log", _log, "subscript", "prime"),
    **entered("tril", _with_diagonal("tril")),
    **entered("triu", _with_diagonal("triu")),
    **entered("norm", _norm, "subscript"),
    **entered("mean", _mean, "subscript", "axis"),
    **entered("pad", _pad),
    **entered("sylvester", _sylvester),
}
