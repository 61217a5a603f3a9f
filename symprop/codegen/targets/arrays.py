"""Python source of products, reductions, and elements in other places; the rest is elementwise."""

from __future__ import annotations

import re
from collections.abc import Sequence

from symprop.algebra import nodes as n
from symprop.algebra.index_maps import AXES, IndexMap
from symprop.algebra.known import values_of, written_out
from symprop.algebra.means import Mean
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import is_element, zeros
from symprop.codegen.convolutions import Convolution
from symprop.codegen.kinds import LogSoftmax
from symprop.codegen.targets import elementwise as elementwise  # enters its rows
from symprop.codegen.targets import matrices as matrices  # likewise
from symprop.codegen.targets.code import ATOM, BOOLEAN, COMPARE, MATMUL, PRODUCT, UNARY, Code, length, number
from symprop.codegen.targets.dialect import SOURCE, Dialect
from symprop.codegen.views import one_place
from symprop.notation.precedence import subscripts


@SOURCE.row(n.Fill)
def _(node: n.Fill, write: Dialect) -> Code:
    shape = shape_text(node.shape, lambda size: length(size).text)
    if node.value in (0, 1):
        return Code(f"{write.library}.{'ones' if node.value == 1 else 'zeros'}({shape}, DTYPE)")
    return Code(f"{write.name('full')}({shape}, {write.constant(node.value).text}, DTYPE)")


@SOURCE.row(n.Identity)
def _(node: n.Identity, write: Dialect) -> Code:
    return Code(f"{write.name('eye')}({number(node.shape[0]).text}, dtype=DTYPE)")


@SOURCE.row(n.Known)
def _(node: n.Known, write: Dialect) -> Code:
    """Computed in float64, as written, from the indices along each axis; then rounded once."""
    if node in write.data:
        return Code(write.data[node])

    def index(axis: int) -> Node:
        spread = f"[{', '.join([':', *['None'] * (node.rank - 1 - axis)])}]" if axis < node.rank - 1 else ""
        shape = (node.shape[axis], *[1] * (node.rank - 1 - axis))
        return n.Variable(f"{write.name('arange')}({number(node.shape[axis]).text}, dtype=float){spread}", (), shape)

    values = values_of(node)
    listed = f"[{', '.join(number(value).text for value in values or ())}]"
    if values is not None and node.rank == 1:
        return Code(f"{write.name('array')}({listed}, DTYPE)")
    ones = (1,) * (node.rank - 1)
    rule = written_out(node, index)
    text = write(rule).text if values is None else f"{write.name('reshape')}({listed}, {(len(values), *ones)})"
    if rule.shape != node.shape:  # the same along some axis
        text = f"{write.name('broadcast_to')}({text}, {shape_text(node.shape, lambda size: number(size).text)})"
    return Code(f"{write.name('array')}({text}, DTYPE)")


@SOURCE.row(n.Triangle)
def _(node: n.Triangle, write: Dialect) -> Code:
    diagonal = f", {node.diagonal}" if node.diagonal else ""
    return Code(f"{write.name(node.name)}({write(n.Fill(1, node.shape)).text}{diagonal})")


@SOURCE.row(n.MatMul)
def _(node: n.MatMul, write: Dialect) -> Code:
    left, right = (write.number(operand) for operand in node.operands)
    first = f"({left.text})" if left.binds == PRODUCT else left.within(MATMUL)
    return Code(f"{first} @ {right.within(UNARY)}", MATMUL)


CALLS: dict[type[Node], str] = {
    **{n.Outer: "outer", n.Kron: "kron", n.Diag: "diag", n.Diagonal: "diag"},
    **{n.Inverse: "linalg.inv", n.Determinant: "linalg.det"},
}
"""The kinds that are one function of their operands."""


@SOURCE.row(*CALLS)
def _(node: Node, write: Dialect) -> Code:
    return Code(
        f"{write.name(CALLS[type(node)])}({', '.join(write.number(operand).text for operand in node.operands)})"
    )


@SOURCE.row(n.LogDeterminant)
def _(node: n.LogDeterminant, write: Dialect) -> Code:
    return Code(f"{write.name('linalg.slogdet')}({write.number(node.operands[0]).text})[1]")


@SOURCE.row(n.MatrixPower)
def _(node: n.MatrixPower, write: Dialect) -> Code:
    base, exponent = node.plain
    return Code(f"{write.name('linalg.matrix_power')}({write.number(base).text}, {number(exponent).text})")


@SOURCE.row(n.Sum)
def _(node: n.Sum, write: Dialect) -> Code:
    operand = node.operands[0]
    if isinstance(operand, n.Slice) and is_element(node):
        place = subscripts(operand, lambda part: number(part).text)
        return Code(f"{write.number(operand.operands[0]).within(ATOM)}[{place}]")
    if isinstance(operand, n.Diagonal) and not node.keepdims:
        return Code(f"{write.name('trace')}({write.number(operand.operands[0]).text})")
    return reduction("sum", node, write)


@SOURCE.row(Mean)
def _(node: Mean, write: Dialect) -> Code:
    return reduction("mean", node, write)


@SOURCE.row(n.Product)
def _(node: n.Product, write: Dialect) -> Code:
    return reduction("prod", node, write)


@SOURCE.row(n.Extreme)
def _(node: n.Extreme, write: Dialect) -> Code:
    return reduction(node.which, node, write)


@SOURCE.row(n.First)
def _(node: n.First, write: Dialect) -> Code:
    return Code(f"first_{node.which}({write.number(node.operands[0]).text}, {node.axes})", ATOM, BOOLEAN)


def reduction(name: str, node: n.Reduction, write: Dialect) -> Code:
    """Return a reduction as a method of a name (the faster call), or as a function of anything longer."""
    text = write.number(node.operands[0]).text
    arguments = []
    if len(node.axes) < node.operands[0].rank or node.keepdims:
        arguments.append(f"axis={node.axes[0] if len(node.axes) == 1 else node.axes}")
    if node.keepdims:
        arguments.append("keepdims=True")
    if text.isidentifier():
        return Code(f"{text}.{name}({', '.join(arguments)})")
    return Code(f"{write.library}.{name}({', '.join([text, *arguments])})")


@SOURCE.row(n.BlockSum)
def _(node: n.BlockSum, write: Dialect) -> Code:
    zero = write(zeros(*node.shape)).text if node.rank else "DTYPE(0)"  # an empty sum has its shape too
    blocks = f"{write.number(node.operands[0]).text} for {node.index} in range(1, {number(node.count + 1).text})"
    counted = "" if node.rank else ", dtype=DTYPE"  # the terms may be indices, which are integers
    return Code(f"{write.name('sum')}([{zero}, *({blocks})], axis=0{counted})")


@SOURCE.row(n.Transpose)
def _(node: n.Transpose, write: Dialect) -> Code:
    operand = write.number(node.operands[0])
    if node.axes == tuple(range(len(node.axes))):
        return operand
    if node.axes == tuple(reversed(range(len(node.axes)))):
        return Code(f"{operand.within(ATOM)}.T")
    return Code(f"{operand.within(ATOM)}.transpose({', '.join(map(str, node.axes))})")


@SOURCE.row(n.Reshape)
def _(node: n.Reshape, write: Dialect) -> Code:
    if (place := one_place(node)) is not None:
        whole, axis, index = place
        return Code(f"{write.number(whole).within(ATOM)}[{':, ' * axis}{number(index).text}]")
    operand = write.number(node.operands[0])
    return Code(f"{operand.within(ATOM)}.reshape({', '.join(length(size).text for size in node.shape) or '()'})")


@SOURCE.row(n.Structural)
def _(node: n.Structural, write: Dialect) -> Code:
    """Slices of slices, and new axes of them, stand in one pair of brackets where NumPy can say so."""
    moved, operand = node.index_map, node.operands[0]
    while isinstance(operand, (n.Slice, n.Expand)):
        before, operand = operand.index_map, operand.operands[0]
        places = tuple(place.xreplace(dict(zip(AXES, moved.places, strict=False))) for place in before.places)
        moved = IndexMap(before.source, moved.shape, places)
    inside = moved.subscripts(lambda part: number(part).text, _span)
    if inside is None:
        raise LookupError(f"{type(node).__name__} is no slice: it needs a row of its own")
    return Code(f"{write.number(operand).within(ATOM)}[{_shortest(moved, inside)}]")


def _shortest(moved: IndexMap, inside: str) -> str:
    """Return what stands in brackets, with dots where only new last axes follow."""
    axes = inside.split(", ")
    kept = axes.index("None") if "None" in axes else 0
    last_alone = len(axes) == len(moved.shape) and axes == [":"] * kept + ["None"] * (len(axes) - kept)
    return ", ".join(["...", *axes[kept:]]) if last_alone and kept > 1 else inside


def _span(ends: Sequence[str]) -> str:
    simple = all(re.fullmatch(r"-?\w*", end) for end in ends)
    return ":".join(ends) if simple else " : ".join(ends).strip()  # as `ruff format` has it


@SOURCE.row(n.Pad)
def _(node: n.Pad, write: Dialect) -> Code:
    pairs = [python_tuple([number(width).text for width in pair]) for pair in node.widths]
    value = [f"constant_values={write.constant(node.value).text}"] if node.value != 0 else []
    return Code(f"{write.name('pad')}({', '.join([write.number(node.operands[0]).text, python_tuple(pairs), *value])})")


def python_tuple(values: Sequence[object]) -> str:
    """Return one value alone, or several in brackets."""
    return str(values[0]) if len(values) == 1 else f"({', '.join(map(str, values))})"


@SOURCE.row(n.Flip)
def _(node: n.Flip, write: Dialect) -> Code:
    spans = ["::-1" if axis in node.axes else ":" for axis in range(max(node.axes, default=-1) + 1)]
    return Code(f"{write.number(node.operands[0]).within(ATOM)}[{', '.join(spans)}]")


@SOURCE.row(n.Window)
def _(node: n.Window, write: Dialect) -> Code:
    sizes, *steps = (each.args for each in node.args[2:5])
    return _by_axes("windows", [write.number(node.operands[0]).text], [node.axes, sizes], steps)


@SOURCE.row(n.Fold)
def _(node: n.Fold, write: Dialect) -> Code:
    shape = shape_text(node.shape, lambda size: length(size).text)
    return _by_axes(
        "fold", [write.number(node.operands[0]).text, shape], [node.axes], [*(s.args for s in node.args[3:5])]
    )


@SOURCE.row(Convolution)
def _(node: Convolution, write: Dialect) -> Code:
    strides, paddings, dilations = node.geometry
    before = [write.number(operand).text for operand in node.operands]
    if type(node) is not Convolution:
        before.append(shape_text(node.shape, lambda size: number(size).text))
    return _by_axes(node.called, before, [], [strides, dilations], paddings)


def _by_axes(
    name: str,
    before: list[str],
    columns: Sequence[Sequence[object]],
    steps: Sequence[Sequence[object]],
    paddings: Sequence[Sequence[object]] = (),
) -> Code:
    """Return the call of a helper with a tuple for each of `columns`, and `steps` that are not 1 by their names."""
    named = [
        f"{key}={_tuple(each)}" for key, each in zip(("strides", "dilations"), steps, strict=True) if set(each) != {1}
    ]
    if any(width != 0 for pair in paddings for width in pair):
        named.append(f"paddings={_tuple([_tuple(pair) for pair in paddings])}")
    return Code(f"{name}({', '.join([*before, *map(_tuple, columns), *named])})")


def _tuple(values: Sequence[object]) -> str:
    return f"({', '.join(map(str, values))}{',' if len(values) == 1 else ''})"


@SOURCE.row(n.Concatenate)
def _(node: n.Concatenate, write: Dialect) -> Code:
    parts = ", ".join(write.number(operand).text for operand in node.operands)
    return Code(f"{write.name('concatenate')}(({parts}{',' if len(node.operands) == 1 else ''}), axis={node.axis})")


@SOURCE.row(n.Take)
def _(node: n.Take, write: Dialect) -> Code:
    table, ids = (write(operand) for operand in node.operands)
    return Code(f"{table.within(ATOM)}[{ids.text}]")


@SOURCE.row(n.ScatterAdd)
def _(node: n.ScatterAdd, write: Dialect) -> Code:
    values, ids = (write.number(operand) for operand in node.operands)
    return Code(f"scatter_add({values.text}, {ids.text}, {number(node.size).text})")


@SOURCE.row(n.OneHot)
def _(node: n.OneHot, write: Dialect) -> Code:
    if node.operands[0].number is not None:
        return unit_vector(node, write)
    return Code(f"{write.name('eye')}({number(node.size).text}, dtype=DTYPE)[{write(node.operands[0]).text}]")


def unit_vector(node: n.OneHot, write: Dialect) -> Code:
    """Return the source of a one-hot row of a number, without the matrix that it is a row of."""
    place = write(node.operands[0]).text
    return write.numeric(Code(f"{write.name('arange')}({number(node.size).text}) == {place}", COMPARE, BOOLEAN))


@SOURCE.row(n.Softmax)
def _(node: n.Softmax, write: Dialect) -> Code:
    return _along("softmax", node, node.axis, write)


@SOURCE.row(n.LogSumExp)
def _(node: n.LogSumExp, write: Dialect) -> Code:
    return _along("logsumexp", node, node.axis, write, *(["keepdims=True"] if node.keepdims else []))


@SOURCE.row(LogSoftmax)
def _(node: LogSoftmax, write: Dialect) -> Code:
    return _along("log_softmax", node, node.axis, write)


def _along(name: str, node: Node, axis: int, write: Dialect, *more: str) -> Code:
    """Return the call of a helper, which goes along the last axis where none is given."""
    places = [] if axis == node.operands[0].rank - 1 else [f"axis={axis}"]
    return Code(f"{name}({', '.join([write.text(node.operands[0]), *places, *more])})")
