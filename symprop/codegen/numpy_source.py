"""NumPy source of each kind of node: products, reductions, elements in other places; the rest is elementwise."""

from __future__ import annotations

import re
from collections.abc import Sequence

from symprop.algebra import nodes as n
from symprop.algebra.known import written_out
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import zeros
from symprop.codegen.code import ATOM, MATMUL, PRODUCT, UNARY, Code, number
from symprop.codegen.numpy_elementwise import FUNCTION_NAMES, NUMPY, is_indicator, numpy_source, operand_code, opposite
from symprop.notation.precedence import is_element


@NUMPY.row(n.Fill)
def _(node: n.Fill) -> Code:
    shape = shape_text(node.shape, lambda size: number(size).text)
    if node.value in (0, 1):
        return Code(f"np.{'ones' if node.value == 1 else 'zeros'}({shape}, DTYPE)")
    return Code(f"np.full({shape}, {number(node.value).text}, DTYPE)")


@NUMPY.row(n.Identity)
def _(node: n.Identity) -> Code:
    return Code(f"np.eye({number(node.shape[0]).text}, dtype=DTYPE)")


@NUMPY.row(n.Known)
def _(node: n.Known) -> Code:
    """Computed in float64, as written, from the indices along each axis; then rounded once."""

    def index(axis: int) -> Node:
        spread = f"[{', '.join([':', *['None'] * (node.rank - 1 - axis)])}]" if axis < node.rank - 1 else ""
        shape = (node.shape[axis], *[1] * (node.rank - 1 - axis))
        return n.Variable(f"np.arange({number(node.shape[axis]).text}, dtype=float){spread}", (), shape)

    rule = written_out(node, index)
    text = NUMPY(rule).text
    if rule.shape != node.shape:  # the same along some axis
        text = f"np.broadcast_to({text}, {shape_text(node.shape, lambda size: number(size).text)})"
    return Code(f"np.array({text}, DTYPE)")


@NUMPY.row(n.MatMul)
def _(node: n.MatMul) -> Code:
    left, right = (operand_code(operand) for operand in node.operands)
    first = f"({left.text})" if left.binds == PRODUCT else left.within(MATMUL)
    return Code(f"{first} @ {right.within(UNARY)}", MATMUL)


CALLS: dict[type[Node], str] = {
    **{n.Outer: "np.outer", n.Kron: "np.kron", n.Diag: "np.diag", n.Diagonal: "np.diag"},
    **{n.Inverse: "np.linalg.inv", n.Determinant: "np.linalg.det"},
}
"""The kinds that are one function of their operands."""


@NUMPY.row(*CALLS)
def _(node: Node) -> Code:
    return Code(f"{CALLS[type(node)]}({', '.join(operand_code(operand).text for operand in node.operands)})")


@NUMPY.row(n.LogDeterminant)
def _(node: n.LogDeterminant) -> Code:
    return Code(f"np.linalg.slogdet({operand_code(node.operands[0]).text})[1]")


@NUMPY.row(n.MatrixPower)
def _(node: n.MatrixPower) -> Code:
    base, exponent = node.plain
    return Code(f"np.linalg.matrix_power({operand_code(base).text}, {number(exponent).text})")


@NUMPY.row(n.Commutation)
def _(node: n.Commutation) -> Code:
    rows, columns = (number(size) for size in node.args)  # the rows of an identity in the order of the transpose
    count = number(node.shape[0]).text
    order = f"np.arange({count}).reshape({rows.text}, {columns.text}).T.ravel()"
    return Code(f"np.eye({count}, dtype=DTYPE)[{order}]")


@NUMPY.row(n.Sum)
def _(node: n.Sum) -> Code:
    operand = node.operands[0]
    if isinstance(operand, n.Slice) and is_element(node):
        place = ", ".join([*[":"] * operand.axis, number(operand.start).text])
        return Code(f"{operand_code(operand.operands[0]).within(ATOM)}[{place}]")
    if isinstance(operand, n.Diagonal) and not node.keepdims:
        return Code(f"np.trace({operand_code(operand.operands[0]).text})")
    return _reduction("sum", node)


@NUMPY.row(n.Product)
def _(node: n.Product) -> Code:
    return _reduction("prod", node)


@NUMPY.row(n.Extreme)
def _(node: n.Extreme) -> Code:
    return _reduction(node.which, node)


def _reduction(name: str, node: n.Reduction) -> Code:
    """Return a reduction as a method of a name (the faster call), or as a function of anything longer."""
    text = operand_code(node.operands[0]).text
    arguments = []
    if len(node.axes) < node.operands[0].rank or node.keepdims:
        arguments.append(f"axis={node.axes[0] if len(node.axes) == 1 else node.axes}")
    if node.keepdims:
        arguments.append("keepdims=True")
    if text.isidentifier():
        return Code(f"{text}.{name}({', '.join(arguments)})")
    return Code(f"np.{name}({', '.join([text, *arguments])})")


@NUMPY.row(n.BlockSum)
def _(node: n.BlockSum) -> Code:
    zero = NUMPY(zeros(*node.shape)).text if node.rank else "DTYPE(0)"  # an empty sum has its shape too
    blocks = f"{operand_code(node.operands[0]).text} for {node.index} in range(1, {number(node.count + 1).text})"
    counted = "" if node.rank else ", dtype=DTYPE"  # the terms may be indices, which are integers
    return Code(f"np.sum([{zero}, *({blocks})], axis=0{counted})")


@NUMPY.row(n.Transpose)
def _(node: n.Transpose) -> Code:
    operand = operand_code(node.operands[0])
    if node.axes == tuple(range(len(node.axes))):
        return operand
    if node.axes == tuple(reversed(range(len(node.axes)))):
        return Code(f"{operand.within(ATOM)}.T")
    return Code(f"{operand.within(ATOM)}.transpose({', '.join(map(str, node.axes))})")


@NUMPY.row(n.Expand)
def _(node: n.Expand) -> Code:
    operand = operand_code(node.operands[0])
    rank = node.rank
    if node.axis == rank - 1 and rank > 1:
        place = "..., None" if rank > 2 else ":, None"
    else:
        place = ", ".join([":"] * node.axis + ["None"])
    return Code(f"{operand.within(ATOM)}[{place}]")


@NUMPY.row(n.Reshape)
def _(node: n.Reshape) -> Code:
    operand = operand_code(node.operands[0])
    return Code(f"{operand.within(ATOM)}.reshape({', '.join(number(size).text for size in node.shape) or '()'})")


@NUMPY.row(n.Structural)
def _(node: n.Structural) -> Code:
    inside = node.index_map.subscripts(lambda part: number(part).text, _span)
    if inside is None:
        raise LookupError(f"{type(node).__name__} is no slice: it needs a row of its own")
    return Code(f"{operand_code(node.operands[0]).within(ATOM)}[{inside}]")


def _span(ends: Sequence[str]) -> str:
    simple = all(re.fullmatch(r"-?\w*", end) for end in ends)
    return ":".join(ends) if simple else " : ".join(ends).strip()  # as `ruff format` has it


@NUMPY.row(n.Pad)
def _(node: n.Pad) -> Code:
    pairs = [python_tuple([number(width).text for width in pair]) for pair in node.widths]
    value = [f"constant_values={number(node.value).text}"] if node.value != 0 else []
    return Code(f"np.pad({', '.join([operand_code(node.operands[0]).text, python_tuple(pairs), *value])})")


def python_tuple(values: Sequence[object]) -> str:
    """Return one value alone, or several in brackets."""
    return str(values[0]) if len(values) == 1 else f"({', '.join(map(str, values))})"


@NUMPY.row(n.Flip)
def _(node: n.Flip) -> Code:
    spans = ["::-1" if axis in node.axes else ":" for axis in range(max(node.axes, default=-1) + 1)]
    return Code(f"{operand_code(node.operands[0]).within(ATOM)}[{', '.join(spans)}]")


@NUMPY.row(n.Window)
def _(node: n.Window) -> Code:
    spans = [number(dilation * (size - 1) + 1).text for _, size, _, dilation in node.steps]
    arguments = [operand_code(node.operands[0]).text, python_tuple(spans), f"axis={python_tuple(node.axes)}"]
    return Code(f"np.lib.stride_tricks.sliding_window_view({', '.join(arguments)}){node.spacing}")


@NUMPY.row(n.Fold)
def _(node: n.Fold) -> Code:
    shape = shape_text(node.shape, lambda size: number(size).text)
    steps = [python_tuple(each) for each in (node.axes, node.args[3].args, node.args[4].args)]
    return Code(f"fold({', '.join([operand_code(node.operands[0]).text, shape, *steps])})")


@NUMPY.row(n.Concatenate)
def _(node: n.Concatenate) -> Code:
    parts = ", ".join(operand_code(operand).text for operand in node.operands)
    return Code(f"np.concatenate(({parts}{',' if len(node.operands) == 1 else ''}), axis={node.axis})")


@NUMPY.row(n.Take)
def _(node: n.Take) -> Code:
    table, ids = (NUMPY(operand) for operand in node.operands)
    return Code(f"{table.within(ATOM)}[{ids.text}]")


@NUMPY.row(n.ScatterAdd)
def _(node: n.ScatterAdd) -> Code:
    values, ids = (operand_code(operand) for operand in node.operands)
    return Code(f"scatter_add({values.text}, {ids.text}, {number(node.size).text})")


@NUMPY.row(n.OneHot)
def _(node: n.OneHot) -> Code:
    return Code(f"np.eye({number(node.size).text}, dtype=DTYPE)[{NUMPY(node.operands[0]).text}]")


@NUMPY.row(n.Softmax, n.LogSumExp)
def _(node: Node) -> Code:
    raise LookupError(f"{type(node).__name__} is written out by the pass that keeps it from overflowing")


__all__ = ["FUNCTION_NAMES", "NUMPY", "is_indicator", "numpy_source", "opposite", "python_tuple"]
