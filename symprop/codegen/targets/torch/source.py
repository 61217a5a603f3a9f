"""What PyTorch writes in its own way: constants on a device, layers and softmaxes that it has, places along axes."""

from __future__ import annotations

from collections.abc import Sequence

from symprop.algebra import nodes as n
from symprop.algebra.known import values_of, written_out
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import shape_text
from symprop.codegen.convolutions import MaxPool
from symprop.codegen.kinds import LogSoftmax
from symprop.codegen.targets.arrays import reduction
from symprop.codegen.targets.code import ATOM, NUMBER, SUM, Code, exact, number
from symprop.codegen.targets.dialect import SOURCE, Dialect
from symprop.codegen.targets.elementwise import condition

TORCH = Dialect(
    "torch",
    functions={
        **{"sigmoid": "torch.sigmoid", "erf": "torch.erf", "linalg.expm": "torch.linalg.matrix_exp"},
        **{name: f"torch.special.{name}" for name in ("gammaln", "digamma", "polygamma")},
    },
    exact=True,
    cast="to",
    taken="torch.as_tensor({}, dtype=DTYPE)",
)

PLACED = "dtype=DTYPE, device=device"
"""How a constant is made where the data is: each function that has one names its device first."""

row = TORCH.rows.row


def _number(value: object) -> str:
    return number(value).text


def _tensor(code: Code) -> Code:
    """Return a Python number as a tensor of DTYPE, where PyTorch takes no number; it is taken on every device."""
    return Code(f"torch.tensor({code.text}, dtype=DTYPE)") if code.kind == NUMBER else code


# ---------------------------------------------------------------- constants


@row(n.Scalar)
def _(node: n.Scalar, write: Dialect) -> Code:
    if node.value.is_infinite:
        return Code("torch.inf" if node.value.is_positive else "-torch.inf", ATOM, NUMBER)
    return exact(node.value)


@row(n.Fill)
def _(node: n.Fill, write: Dialect) -> Code:
    shape = shape_text(node.shape, _number)
    if node.value in (0, 1):
        return Code(f"torch.{'ones' if node.value == 1 else 'zeros'}({shape}, {PLACED})")
    return Code(f"torch.full({shape}, {write(n.Scalar(node.value)).text}, {PLACED})")


@row(n.Identity)
def _(node: n.Identity, write: Dialect) -> Code:
    return Code(f"torch.eye({_number(node.shape[0])}, {PLACED})")


@row(n.Known)
def _(node: n.Known, write: Dialect) -> Code:
    """Computed in float64, as written, from the indices along each axis; then rounded once."""

    def index(axis: int) -> Node:
        count = _number(node.shape[axis])
        shape = (node.shape[axis], *[1] * (node.rank - 1 - axis))
        spread = f"[{', '.join([':', *['None'] * (node.rank - 1 - axis)])}]" if axis < node.rank - 1 else ""
        return n.Variable(f"torch.arange({count}, dtype=torch.float64, device=device){spread}", (), shape)

    values = values_of(node)
    if values is not None and node.rank == 1:
        return Code(f"torch.tensor([{', '.join(map(_number, values))}], {PLACED})")
    rule = written_out(node, index)
    text = write(rule).within(ATOM)
    if rule.shape != node.shape:  # the same along some axis
        text = f"torch.broadcast_to({write(rule).text}, {shape_text(node.shape, _number)})"
    return Code(f"{text}.to(DTYPE)")


@row(n.Triangle)
def _(node: n.Triangle, write: Dialect) -> Code:
    diagonal = f", {node.diagonal}" if node.diagonal else ""
    return Code(f"torch.{node.name}({write(n.Fill(1, node.shape)).text}{diagonal})")


@row(n.Duplication)
def _(node: n.Duplication, write: Dialect) -> Code:
    size = _number(node.args[0])
    at = f"torch.arange({size}, device=device)"
    low, high = (f"torch.{which}({at}[:, None], {at})" for which in ("minimum", "maximum"))
    places = f"({low} * (2 * {size} - 1 - {low}) // 2 + {high}).flatten()"
    return Code(f"torch.eye({size} * ({size} + 1) // 2, {PLACED})[{places}]")


@row(n.Commutation)
def _(node: n.Commutation, write: Dialect) -> Code:
    rows, columns = (_number(size) for size in node.args)  # the rows of an identity in the order of the transpose
    count = _number(node.shape[0])
    order = f"torch.arange({count}, device=device).reshape({rows}, {columns}).T.flatten()"
    return Code(f"torch.eye({count}, {PLACED})[{order}]")


@row(n.OneHot)
def _(node: n.OneHot, write: Dialect) -> Code:
    if node.operands[0].number is not None:  # a unit vector
        return Code(f"torch.eye({_number(node.size)}, {PLACED})[{write(node.operands[0]).text}]")
    return Code(f"one_hot({write(node.operands[0]).text}, {_number(node.size)})")


# ---------------------------------------------------------------- elementwise


@row(n.Add)
def _(node: n.Add, write: Dialect) -> Code:
    """A product with a transposed matrix, plus a vector along the last axis, is one call of PyTorch."""
    layer = _layer(node.operands) or _layer(node.operands[::-1])
    if layer is None:
        base: Code = SOURCE[n.Add](node, write)
        return base
    inputs, weight, bias = (write.number(each).text for each in layer)
    return Code(f"functional.linear({inputs}, {weight}, {bias})")


def _layer(terms: Sequence[Node]) -> tuple[Node, Node, Node] | None:
    """Return `x`, `W` and `b` of the terms `x @ W.T` and `b`, else None."""
    if len(terms) != 2 or not isinstance(terms[0], n.MatMul) or terms[1].rank != 1:
        return None
    inputs, weight = terms[0].operands
    is_layer = isinstance(weight, n.Transpose) and weight.rank == 2 and weight.axes == (1, 0) and inputs.rank > 1
    return (inputs, weight.operands[0], terms[1]) if is_layer and terms[1].shape == weight.shape[1:] else None


@row(n.Map)
def _(node: n.Map, write: Dialect) -> Code:
    name, codes = node.function.name, [write.number(operand) for operand in node.operands]
    if name in ("maximum", "minimum") and [code.kind for code in codes].count(NUMBER) == 1:
        array, limit = sorted(codes, key=lambda code: code.kind == NUMBER)
        return _clamped(array, "min" if name == "maximum" else "max", limit)
    if name == "polygamma":
        return Code(f"{write.function(name)}({codes[0].text}, {_tensor(codes[1]).text})")
    if name == "power":
        base: Code = SOURCE[n.Map](node, write)
        return base
    return Code(f"{write.function(name)}({', '.join(_tensor(code).text for code in codes)})")


def _clamped(array: Code, side: str, limit: Code) -> Code:
    if side == "min" and limit.text == "0":
        return Code(f"torch.relu({array.text})")
    return Code(f"torch.clamp({array.text}, {side}={limit.text})")


@row(n.Compare)
def _(node: n.Compare, write: Dialect) -> Code:
    codes = [write.number(operand) for operand in node.operands]
    base: Code = SOURCE[n.Compare](node, write)
    if all(code.kind == NUMBER for code in codes):
        left, right = codes
        return Code(f"{_tensor(left).text} {node.relation} {right.within(SUM)}", base.binds, base.kind)
    return base


@row(n.Where)
def _(node: n.Where, write: Dialect) -> Code:
    base: Code = SOURCE[n.Where](node, write)
    yes, no = (write.number(operand) for operand in node.operands[1:])
    if base.text == f"torch.maximum({yes.text}, 0)":
        return _clamped(yes, "min", no)
    if yes.kind == no.kind == NUMBER:  # two Python numbers would make a tensor of float32
        return Code(f"torch.where({condition(write, node.operands[0]).text}, {_tensor(yes).text}, {no.text})")
    return base


# ---------------------------------------------------------------- reductions


@row(n.Extreme)
def _(node: n.Extreme, write: Dialect) -> Code:
    return reduction(f"a{node.which}", node, write)


@row(n.Product)
def _(node: n.Product, write: Dialect) -> Code:
    """PyTorch multiplies along one axis in one call."""
    if len(node.axes) == node.operands[0].rank and not node.keepdims:
        return reduction("prod", node, write)
    keep = ", keepdims=True" if node.keepdims else ""
    calls = "".join(f".prod(axis={axis}{keep})" for axis in sorted(node.axes, reverse=True))
    return Code(write.number(node.operands[0]).within(ATOM) + calls)


@row(n.BlockSum)
def _(node: n.BlockSum, write: Dialect) -> Code:
    zero = f"torch.zeros({shape_text(node.shape, _number)}, {PLACED})"  # an empty sum has its shape too
    blocks = f"{write.number(node.operands[0]).text} for {node.index} in range(1, {_number(node.count + 1)})"
    return Code(f"sum(({blocks}), {zero})")


@row(n.Softmax)
def _(node: n.Softmax, write: Dialect) -> Code:
    return Code(f"torch.softmax({write.text(node.operands[0])}, dim={node.axis})")


@row(LogSoftmax)
def _(node: LogSoftmax, write: Dialect) -> Code:
    return Code(f"torch.log_softmax({write.text(node.operands[0])}, dim={node.axis})")


@row(n.LogSumExp)
def _(node: n.LogSumExp, write: Dialect) -> Code:
    keep = ", keepdim=True" if node.keepdims else ""
    return Code(f"torch.logsumexp({write.text(node.operands[0])}, dim={node.axis}{keep})")


# ---------------------------------------------------------------- elements in other places


@row(n.Transpose)
def _(node: n.Transpose, write: Dialect) -> Code:
    operand = write.number(node.operands[0])
    if node.axes == tuple(range(len(node.axes))):
        return operand
    return Code(operand.within(ATOM) + (".T" if node.rank == 2 else f".permute({', '.join(map(str, node.axes))})"))


@row(n.Pad)
def _(node: n.Pad, write: Dialect) -> Code:
    """The widths of the last axis stand first."""
    widths = ", ".join(_number(width) for pair in reversed(node.widths) for width in pair)
    value = f", value={write(n.Scalar(node.value)).text}" if node.value != 0 else ""
    return Code(f"functional.pad({write.number(node.operands[0]).text}, ({widths}){value})")


@row(n.Flip)
def _(node: n.Flip, write: Dialect) -> Code:
    return Code(f"torch.flip({write.number(node.operands[0]).text}, {tuple(node.axes)})")


@row(n.Window)
def _(node: n.Window, write: Dialect) -> Code:
    text = write.number(node.operands[0]).within(ATOM)
    spans = []
    for axis, size, stride, dilation in node.steps:
        text += f".unfold({axis}, {_number(dilation * (size - 1) + 1)}, {stride})"
        spans.append(f"::{dilation}" if dilation != 1 else ":")
    spread = any(span != ":" for span in spans)
    return Code(f"{text}[..., {', '.join(spans)}]" if spread else text)


@row(MaxPool)
def _(node: MaxPool, write: Dialect) -> Code:
    sizes, strides, paddings = node.geometry
    columns = [sizes, strides, *([paddings] if any(map(any, paddings)) else [])]
    arrays = [write.number(operand).text for operand in node.operands]
    return Code(f"{node.called}({', '.join([*arrays, *map(str, map(tuple, columns))])})")


@row(n.Concatenate)
def _(node: n.Concatenate, write: Dialect) -> Code:
    parts = [write.number(operand).text for operand in node.operands]
    return Code(f"torch.cat(({', '.join(parts)}{',' if len(parts) == 1 else ''}), dim={node.axis})")


@row(n.Take)
def _(node: n.Take, write: Dialect) -> Code:
    """An index in brackets may be negative; `embedding` and `index_select` refuse what is no row of the table."""
    table, ids = (write(operand) for operand in node.operands)
    if node.operands[0].rank == 2:
        return Code(f"functional.embedding({ids.text}, {table.text})")
    rows = f"{table.within(ATOM)}.index_select(0, {ids.within(ATOM)}.flatten())"
    return Code(f"{rows}.unflatten(0, {ids.within(ATOM)}.shape)")


__all__ = ["PLACED", "TORCH"]
