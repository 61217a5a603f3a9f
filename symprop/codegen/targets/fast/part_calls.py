"""Results that are written part by part, each where it lies: products side by side, in another shape, with other axes.

So nothing is copied for a reader who takes heads together that were computed apart.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.codegen.targets.code import number
from symprop.codegen.targets.fast.calls import CALLS, Call
from symprop.codegen.targets.layout import laid_out
from symprop.codegen.targets.numpy.source import numpy_source
from symprop.codegen.views import is_by_parts


@CALLS.row(n.Transpose, n.Reshape)
def _(node: Node) -> Call:
    return Call("", fill=tuple(_part_by_part(node, "{}")))


def _part_by_part(node: Node, place: str) -> Iterator[str]:
    """Yield lines that write a result into a place."""
    match node:
        case n.Transpose(operands=(inner,)) if is_by_parts(node):
            axes = tuple(node.axes.index(axis) for axis in range(node.rank))
            yield from _part_by_part(inner, f"{place}.transpose{axes}")
        case n.Reshape(operands=(inner,)) if is_by_parts(node):
            shape = ", ".join(number(size).text for size in inner.shape)
            yield from _part_by_part(inner, f"{place}.reshape({shape})")
        case n.Concatenate() if is_by_parts(node):
            start: Expr = Integer(0)
            for each in node.operands:
                end = start + each.shape[node.axis]
                span = ":".join(number(size).text if size else "" for size in (start, end))
                spans = [span if axis == node.axis else ":" for axis in range(node.axis + 1)]
                yield from _part_by_part(each, f"{place}[{', '.join(spans)}]")
                start = end
        case n.MatMul() | n.Multiply():
            call: Call = CALLS(node)
            yield from laid_out(f"{call.function}(", (*call.arguments, f"out={place}"))
        case _:
            yield f"{place}[...] = {numpy_source(node)}"


@CALLS.row(n.Concatenate)
def _(node: n.Concatenate) -> Call:
    if is_by_parts(node):
        return Call("", fill=tuple(_part_by_part(node, "{}")))
    parts = ", ".join(map(numpy_source, node.operands))
    return Call("np.concatenate", (f"({parts}{',' * (len(node.operands) == 1)})",), (f"axis={node.axis}",))
