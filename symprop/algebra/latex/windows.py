r"""Windows in LaTeX as our pages write them: `\operatorname{windows}(x, 3, 2)`, sizes, strides and dilations."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.inference.unknown_sizes import Unknown
from symprop.algebra.latex.elaboration import Elaboration
from symprop.algebra.latex.functions import SPECIAL, axes_of
from symprop.algebra.latex.special_functions import entered
from symprop.algebra.latex.trees import Tex
from symprop.algebra.latex.values import Value, called, located
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node
from symprop.errors import ShapeError, SympropError


def _given(e: Elaboration, part: Tex) -> list[Expr]:
    """Return the numbers of an argument: one, or several in brackets."""
    parts = part.parts if part.kind == "group" and part.bare else (part,)
    found = [e.size_of(each) for each in parts]
    if None in found:
        e.refuse("a window has sizes, strides and dilations that are numbers", part.start, part.end)
    return [each for each in found if each is not None]


def _options(e: Elaboration, tree: Tex, parts: Sequence[Tex]) -> list[list[Expr]]:
    """Return sizes, strides and dilations; those that are not written are 1."""
    found = [_given(e, part) for part in parts]
    if not 1 <= len(found) <= 3 or any(len(each) != len(found[0]) for each in found):
        told = "an array, then sizes, strides and dilations, as many of each, such as (A, (3, 2), (1, 1))"
        e.refuse(f"windows take {told}", tree.start, tree.end)
    return [*found, *[[Integer(1)] * len(found[0])] * (3 - len(found))]


def _windows(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    return _made(e, tree, arguments)


def _fold(e: Elaboration, tree: Tex, arguments: list[Tex]) -> Value:
    if ";" in tree.words:  # how long what is folded is
        return _made(e, tree, arguments[:-1], True, _given(e, arguments[-1]))
    return _made(e, tree, arguments, True)


def _made(e: Elaboration, tree: Tex, arguments: list[Tex], folds: bool = False, lengths: Sequence[Expr] = ()) -> Value:
    array, told = e.value(arguments[0]), axes_of(tree)
    shape = tuple(map(e.sizes.value, array.shape))
    if array.labels or any(size.has(Unknown) for size in shape):
        e.refuse("windows are of an array whose sizes are known, without an index", tree.start, tree.end)
    options = _options(e, tree, arguments[1:])
    axes = tuple(told or range(len(options[0])))

    def make(node: Node) -> Node:
        sizes, strides, dilations = map(tuple, options)
        if not folds:
            return n.Window(node, axes, sizes, strides, dilations)
        covered = lengths or [
            (node.shape[axis] - 1) * stride + (size - 1) * dilation + 1
            for axis, size, stride, dilation in zip(axes, *options, strict=True)
        ]
        return n.Fold(node, axes, sizes, strides, dilations, tuple(covered))

    try:
        result = make(variable("zz_array", shape)).shape
    except SympropError as problem:
        e.refuse(str(problem).split("\n")[0], tree.start, tree.end, ShapeError)
    name = f"zz_windows{len(e.functions)}"
    e.functions[name] = make
    return array.made(located(called(name, array.tree), tree.start, tree.end), tuple(result), row=False)


SPECIAL |= {**entered("windows", _windows, "axis"), **entered("fold", _fold, "axis", "';'")}
