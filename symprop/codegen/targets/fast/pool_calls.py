"""Pools as calls of helpers, and the memory that these need for a few images at a time."""

from __future__ import annotations

import sympy
from sympy import Integer

from symprop.algebra.nodes import Node
from symprop.codegen.operations import OPERATION, Splitter
from symprop.codegen.patches import PatchAxis
from symprop.codegen.pools import OfWindows, Pooled, ToAll, ToFirst
from symprop.codegen.targets.fast.calls import CALLS, SCRATCH, Call, Scratch
from symprop.codegen.targets.fast.convolution_calls import images_at_a_time
from symprop.codegen.targets.numpy.source import numpy_source

CACHED = 524288
"""How many elements of images are pooled at a time."""


@OPERATION.row(Pooled, ToFirst, ToAll)
def _(split: Splitter, node: Node) -> Node:
    return node.with_operands(map(split.number, node.operands))


def _call(name: str, node: OfWindows, *more: str) -> Call:
    shape = {key: tuple(vars(lie)[key] for lie in node.lies) for key in ("size", "stride", "before")}
    after = any(lie.before or lie.after for lie in node.lies)
    named = [f"before={shape['before']}"] if after else []
    operands = map(numpy_source, node.operands)
    return Call(name, (*operands, *more, str(shape["size"]), str(shape["stride"])), tuple(named))


@CALLS.row(Pooled)
def _(node: Pooled) -> Call:
    return _call("pooled_sum" if node.which == "sum" else "pooled", node)


@CALLS.row(ToFirst)
def _(node: ToFirst) -> Call:
    if not _is_beside(node):
        return _call("to_first", node)
    return Call("to_first_beside", (*map(numpy_source, node.operands), str(tuple(lie.size for lie in node.lies))))


def _is_beside(node: ToFirst) -> bool:
    """Whether windows of several elements lie side by side and leave nothing out."""
    sides = zip(node.lies, node.shape[1:], node.operands[1].shape[1:], strict=False)
    return any(lie.size > 1 for lie in node.lies) and all(
        lie == PatchAxis(lie.size, stride=lie.size) and length == lie.size * count for lie, length, count in sides
    )


@CALLS.row(ToAll)
def _(node: ToAll) -> Call:
    return _call("to_all", node)


def _images(shape: tuple[sympy.Expr, ...]) -> Integer:
    return Integer(images_at_a_time(CACHED, int(sympy.prod(shape[1:]))))


@SCRATCH.row(Pooled)
def _(node: Pooled) -> Scratch | None:
    """The rows of windows, where there are columns too."""
    images = node.operands[0].shape
    return Scratch("memory", (_images(images), node.shape[1], *images[2:])) if len(images) > 3 else None


@SCRATCH.row(ToFirst)
def _(node: ToFirst) -> Scratch:
    """Where windows lie side by side, whether each was found; else masks, what is left to be given, what is given."""
    images = (_images(node.shape), *node.operands[1].shape[1:])
    return Scratch("flags", (Integer(2), *images)) if _is_beside(node) else Scratch("memory", (Integer(3), *images))
