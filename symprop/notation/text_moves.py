"""NumPy notation of elements in other places: slices, pads, windows, shapes, selections, and parts of a matrix."""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.shapes import shape_text
from symprop.notation.numbers import call, length, number, one_or_tuple, wrap
from symprop.notation.precedence import ATOM, Of, Piece
from symprop.notation.text import TEXT, numeric
from symprop.notation.triangular import Part, kept


@TEXT.row(n.Structural)
def _(node: n.Structural, of: Of) -> Piece:
    inside = node.index_map.subscripts(lambda part: length(part).text)
    if inside is None:
        raise LookupError(f"{type(node).__name__} is no slice: it needs a row of its own")
    return Piece(f"{wrap(of(node.operands[0]), ATOM)}[{inside}]", ATOM)


@TEXT.row(n.Pad)
def _(node: n.Pad, of: Of) -> Piece:
    pairs = one_or_tuple([one_or_tuple([length(width).text for width in pair]) for pair in node.widths])
    value = [f"constant_values={number(node.value).text}"] if node.value != 0 else []
    return call("pad", numeric(node.operands[0], of).text, pairs, *value)


@TEXT.row(n.Flip)
def _(node: n.Flip, of: Of) -> Piece:
    axes = [f"axis={one_or_tuple(node.axes)}"] if len(node.axes) < node.rank else []
    return call("flip", of(node.operands[0]).text, *axes)


@TEXT.row(n.Window)
def _(node: n.Window, of: Of) -> Piece:
    spans = [number(dilation * (size - 1) + 1).text for _, size, _, dilation in node.steps]
    view = call(
        "sliding_window_view", of(node.operands[0]).text, one_or_tuple(spans), f"axis={one_or_tuple(node.axes)}"
    )
    return Piece(f"{view.text}{node.spacing}", ATOM)


@TEXT.row(n.Fold)
def _(node: n.Fold, of: Of) -> Piece:
    steps = (("stride", node.args[3].args), ("dilation", node.args[4].args))
    named = [
        f"axis={one_or_tuple(node.axes)}",
        *(f"{name}={one_or_tuple(each)}" for name, each in steps if set(each) != {1}),
    ]
    named.append(f"length={one_or_tuple([length(size).text for size in node.args[5].args])}")
    return call(
        "fold", of(node.operands[0]).text, one_or_tuple([length(size).text for size in node.args[2].args]), *named
    )


@TEXT.row(n.Expand)
def _(node: n.Expand, of: Of) -> Piece:
    operand = of(node.operands[0])
    if node.rank == 1:  # a Python number has no axes to index
        return call("reshape", operand.text, "(1,)")
    places = ", ".join("None" if axis == node.axis else ":" for axis in range(node.rank))
    return Piece(f"{wrap(operand, ATOM)}[{places}]", ATOM)


@TEXT.row(n.Reshape)
def _(node: n.Reshape, of: Of) -> Piece:
    return call("reshape", of(node.operands[0]).text, shape_text(node.shape, lambda size: length(size).text))


@TEXT.row(n.Take)
def _(node: n.Take, of: Of) -> Piece:
    table, ids = node.operands
    return Piece(f"{wrap(of(table), ATOM)}[{of(ids).text}]", ATOM)


@TEXT.row(n.ScatterAdd, n.OneHot)
def _(node: n.ScatterAdd | n.OneHot, of: Of) -> Piece:
    name = "one_hot" if isinstance(node, n.OneHot) else "scatter_add"
    return call(name, *(of(operand).text for operand in node.operands), length(node.size).text)


@TEXT.row(n.Commutation, n.Duplication)
def _(node: n.Commutation | n.Duplication, of: Of) -> Piece:
    name = "commutation" if isinstance(node, n.Commutation) else "duplication"
    return call(name, *(length(size).text for size in node.args))


@TEXT.row(n.Triangle, Part)
def _(node: n.Triangle | Part, of: Of) -> Piece:
    name, array, diagonal = kept(node)
    return call(name, of(array).text, *diagonal)
