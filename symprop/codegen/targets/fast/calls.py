"""Calls that write into memory that is there: each kind of operation as one call of NumPy with `out=`.

An operation stands over atoms (`operations.py`). A kind without a row allocates its result, as NumPy does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Scalar
from symprop.algebra.shapes import Shape
from symprop.algebra.table import Table
from symprop.calculus.known_forms import is_map
from symprop.codegen.indicators import signed
from symprop.codegen.kinds import Copy, FirstTrue, Lines
from symprop.codegen.targets.code import number
from symprop.codegen.targets.layout import laid_out
from symprop.codegen.targets.numpy.source import NUMPY, numpy_source
from symprop.codegen.views import is_placed, is_view

CALLS = Table("call")
SCRATCH = Table("scratch memory")

INSIDE = (n.Add, n.Multiply, n.Power, n.Map, n.Where, FirstTrue)
"""Kinds whose result can take the memory of an operand: they make each element from those in its place."""

ERF_SCRATCH = sympy.Integer(2 * 24576)
"""Numbers in which `erf` works: two rows in float32, six in float64."""

SMALL_PRODUCT = 64
"""Up to how many elements of a matrix `np.dot` is faster, whose call is cheaper; `np.matmul` does not clear `out`."""


@dataclass(frozen=True)
class Call:
    """`function(arguments, out=..., more)`; `sign` is the operator where an operand can be updated with it.

    Without a `function`, the lines `fill` write the result into memory that has the name `{}`.
    """

    function: str
    arguments: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    sign: str = ""
    fill: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scratch:
    """Memory that an operation needs beside its result."""

    kind: str
    shape: Shape


def call_lines(name: str, expression: Node, over: str, place: str, extra: str = "") -> list[str]:
    """Return the lines that compute an operation under a name.

    `over` is the operand over which it writes, if any; `place` the memory where it writes otherwise.

    >>> from symprop.algebra import variable
    >>> z, b = variable("z1", (4, 3)), variable("b1", (3,))
    >>> call_lines("z1", z + b, "z1", ""), call_lines("a1", z * z, "", "work.a1")
    (['z1 += b1'], ['a1 = np.multiply(z1, z1, out=work.a1)'])
    """
    call: Call = CALLS(expression)
    out = over or place
    if call.fill:
        start = [] if name == out else [f"{name} = {out}"]
        lines = [line.replace("{scratch}", extra) for line in call.fill if line != f"{{}}[...] = {over}"]
        return [*start, *(line.replace("{}", name) for line in lines)]
    if call.sign and over == name and name in call.arguments:
        first, second = call.arguments
        if first == name:
            return [f"{name} {call.sign}= {second}"]
        if call.sign in "+*":
            return [f"{name} {call.sign}= {first}"]
    arguments = (*call.arguments, *call.more, f"out={out}", *((f"scratch={extra}",) if extra else ()))
    begin = "" if name == out else f"{name} = "
    return laid_out(f"{begin}{call.function}(", arguments)


# ---------------------------------------------------------------- arithmetic


@CALLS.row(n.Add)
def _(node: n.Add) -> Call:
    left, right = node.operands
    if is_placed(right):
        return Call("", fill=(f"{{}}[...] = {numpy_source(left)}", added_in_place(right, node.rank)))
    sign, rest = signed(right)
    if sign < 0:
        return Call("np.subtract", (numpy_source(left), numpy_source(rest)), sign="-")
    return Call("np.add", (numpy_source(left), numpy_source(right)), sign="+")


@CALLS.row(n.Multiply)
def _(node: n.Multiply) -> Call:
    left, right = node.operands
    if not left.rank:
        return _scaled(left, right)
    if isinstance(right, n.Power) and right.exponent == -1:
        return Call("np.divide", (numpy_source(left), numpy_source(right.operands[0])), sign="/")
    return Call("np.multiply", (_text(left), _text(right)), sign="*")


def _scaled(scale: Node, array: Node) -> Call:
    """Return an array times a scalar; a division where the scalar is one over something."""
    text = numpy_source(array)
    if isinstance(scale, Scalar):
        if scale.value == -1:
            return Call("np.negative", (text,))
        above, below = sympy.fraction(sympy.together(scale.value))
        if below != 1 and above in (1, -1):
            return Call("np.divide", (text, number(below * above).text), sign="/")
    if isinstance(scale, n.Power) and scale.exponent == -1:
        return Call("np.divide", (text, numpy_source(scale.operands[0])), sign="/")
    return Call("np.multiply", (text, numpy_source(scale)), sign="*")


@CALLS.row(n.Power)
def _(node: n.Power) -> Call:
    text = numpy_source(node.operands[0])
    function = {2: "np.square", sympy.Rational(1, 2): "np.sqrt", -1: "np.reciprocal"}.get(node.exponent)
    return Call(function, (text,)) if function else Call("np.power", (text, number(node.exponent).text))


@CALLS.row(n.Map)
def _(node: n.Map) -> Call:
    name = node.function.name
    function = "np.power" if name == "power" else NUMPY.function(name)
    return Call(function, tuple(map(_text, node.operands)))


@SCRATCH.row(n.Map)
def _(node: n.Map) -> Scratch | None:
    return Scratch("memory", (ERF_SCRATCH,)) if is_map(node, "erf") else None


def _text(node: Node) -> str:
    return str(NUMPY(node).text)


# ---------------------------------------------------------------- choices

RELATIONS = {
    ">": "np.greater",
    ">=": "np.greater_equal",
    "<": "np.less",
    "<=": "np.less_equal",
    "==": "np.equal",
    "!=": "np.not_equal",
}


@CALLS.row(n.Compare)
def _(node: n.Compare) -> Call:
    return Call(RELATIONS[node.relation], tuple(map(_text, node.operands)))


@CALLS.row(n.Where)
def _(node: n.Where) -> Call:
    mask, yes, no = map(_text, node.operands)
    return Call("", fill=(f"{{}}[...] = {no}", f"np.copyto({{}}, {yes}, where={mask})"))


# ---------------------------------------------------------------- products and reductions


@CALLS.row(n.MatMul)
def _(node: n.MatMul) -> Call:
    vectors = min(operand.rank for operand in node.operands) == 1
    sizes = [size for size in (*node.operands[0].shape, *node.operands[1].shape[1:]) if size.is_Integer]
    small = max(operand.rank for operand in node.operands) <= 2 and sympy.prod(sizes) <= SMALL_PRODUCT
    left, right = map(numpy_source, node.operands)
    if not (vectors or small):
        return Call("np.matmul", (left, right))
    plain = left.removesuffix(".T").isidentifier()
    return Call(f"{left}.dot", (right,)) if plain else Call("np.dot", (left, right))  # the method: 0.2 µs less a call


@CALLS.row(n.Outer)
def _(node: n.Outer) -> Call:
    return Call("np.multiply.outer", tuple(map(numpy_source, node.operands)))


def _reduction(name: str) -> Callable[[n.Sum], Call]:
    def row(node: n.Sum) -> Call:
        axes = node.axes[0] if len(node.axes) == 1 else node.axes
        more = (f"axis={axes}", *(("keepdims=True",) if node.keepdims else ()))
        text = numpy_source(node.operands[0])
        if text.isidentifier():
            return Call(f"{text}.{name}", (), more)
        return Call(f"np.{name}", (text,), more)

    return row


CALLS.row(n.Sum)(_reduction("sum"))
CALLS.row(n.Product)(_reduction("prod"))


@CALLS.row(n.Extreme)
def _(node: n.Extreme) -> Call:
    return _reduction(node.which)(node)


@CALLS.row(FirstTrue)
def _(node: FirstTrue) -> Call:
    return Call("first_true", (_text(node.operands[0]), str(node.axes)))


@SCRATCH.row(FirstTrue)
def _(node: FirstTrue) -> Scratch:
    return Scratch("flags", tuple(size for axis, size in enumerate(node.shape) if axis not in node.axes))


# ---------------------------------------------------------------- copies and tables


@CALLS.row(Copy, Lines)
def _(node: Copy | Lines) -> Call:
    return Call("", fill=(f"{{}}[...] = {_text(node.operands[0])}",))


@CALLS.row(n.Pad)
def _(node: n.Pad) -> Call:
    fill = f"{{}}[...] = {number(node.value).text}"
    return Call("", fill=(fill, f"{{}}[{_inside(node)}] = {_text(node.operands[0])}"))


def _inside(node: n.Pad) -> str:
    """Return where what is padded stands."""
    spans = zip(node.widths, node.operands[0].shape, strict=True)
    return ", ".join(
        ":" if before == after == 0 else f"{number(before).text}:{number(before + size).text}"
        for (before, after), size in spans
    )


def added_in_place(node: Node, rank: int) -> str:
    """Return a line that adds what is 0 but at some places to an array of this rank."""
    if isinstance(node, n.Pad):
        return f"{{}}[{'' if node.rank == rank else '..., '}{_inside(node)}] += {_text(node.operands[0])}"
    arguments = [*map(_text, node.operands), "out={}", "scratch={scratch}", "clear=False"]
    return f"scatter_add({', '.join(arguments)})"


@CALLS.row(n.Fold)
def _(node: n.Fold) -> Call:
    windows, indices = node.unfolded, [f"k{place}" for place in range(len(node.axes))]
    spans = [":"] * node.rank
    for k, (axis, _, stride, dilation) in zip(indices, node.steps, strict=True):
        first = k if dilation == 1 else f"{dilation} * {k}"
        end = f"{first} + {number(stride * (windows.shape[axis] - 1) + 1).text}"
        spans[axis] = f"{first} : {end}" if stride == 1 else f"{first} : {end} : {stride}"
    sizes = [number(size).text for _, size, _, _ in node.steps]
    loops = [f"{'    ' * k}for {each} in range({sizes[k]}):" for k, each in enumerate(indices)]
    read = f"{_text(node.operands[0])}[{', '.join(['...', *indices])}]"
    return Call("", fill=("{}[...] = 0", *loops, f"{'    ' * len(loops)}{{}}[{', '.join(spans)}] += {read}"))


@CALLS.row(n.Fill)
def _(node: n.Fill) -> Call:
    return Call("", fill=(f"{{}}[...] = {number(node.value).text}",))


@CALLS.row(n.Data, n.Commutation, n.Duplication)
def _(node: Node) -> Call:
    return Call("", fill=(f"{{}}[...] = {_text(node)}",))


@CALLS.row(n.Identity)
def _(node: n.Identity) -> Call:
    return Call("", fill=("{}[...] = 0", "np.fill_diagonal({}, 1)"))


@CALLS.row(n.Take)
def _(node: n.Take) -> Call:
    table, ids = map(_text, node.operands)
    more = ("axis=0", 'mode="clip"')  # ids are checked before; to check again, NumPy would copy the result
    return Call(f"{table}.take", (ids,), more) if table.isidentifier() else Call("np.take", (table, ids), more)


@CALLS.row(n.ScatterAdd)
def _(node: n.ScatterAdd) -> Call:
    return Call("scatter_add", tuple(map(_text, node.operands)))


@SCRATCH.row(n.ScatterAdd)
def _(node: n.ScatterAdd) -> Scratch | None:
    return Scratch("places", node.operands[0].shape)


def is_allocated(expression: Node) -> bool:
    """Whether no call writes a result into memory: it is one number, a view, or of a kind without a row."""
    return not expression.rank or is_view(expression) or type(expression) not in CALLS


__all__ = ["CALLS", "INSIDE", "SCRATCH", "Call", "Scratch", "call_lines", "is_allocated"]
