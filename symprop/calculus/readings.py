"""Rules that read a convolution in another way: on request alone, since none of the forms is the simpler one.

A convolution is windows times a kernel (`convolved`). Its derivative with respect to the input is a fold of what
comes back times the kernel. That is a correlation too, of what comes back with zeros put between, against the flipped
kernel. Windows and their elements may change roles, which makes the derivative with respect to the kernel a correlation
with what comes back.

What a node is, is found by making it: a fold is the adjoint of a correlation where the rules give it as one.

Source: Dumoulin and Visin, *A guide to convolution arithmetic for deep learning* (2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.equations import Step
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import same
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import replace, walk
from symprop.calculus.context import Applied, Context, Rule, rule
from symprop.calculus.rewriting import simplified
from symprop.calculus.tidy import tidy
from symprop.networks.patches import convolved

READINGS: list[Rule] = []


@dataclass(frozen=True)
class Correlation:
    """Windows times a kernel, (C, *window, width), as `convolved` writes them."""

    window: n.Window
    kernel: Node

    @property
    def node(self) -> Node:
        """The product."""
        return convolved(self.window, self.kernel)


def correlation(node: Node) -> Correlation | None:
    """Return the windows and the kernel of which a node is made, if it is a correlation.

    >>> from symprop.algebra import variable
    >>> x, W = variable("x", (9, 2)), variable("W", (4, 3, 2))
    >>> correlation(convolved(n.Window(x, 0, 3), W)).kernel
    W
    """
    whole = tidy(node)
    for window in (part for part in walk(whole) if isinstance(part, n.Window)):
        sizes = tuple(size for _, size, _, _ in window.steps)
        for kernel in kernels(whole, window, sizes):
            found = Correlation(window, kernel)
            if _is_narrower(window, kernel) and tidy(found.node) == whole:
                return found
    return None


def kernels(node: Node, apart: Node, sizes: tuple[Expr, ...]) -> Iterator[Node]:
    """Yield the parts of a node that may be a kernel of windows of these sizes, none of which reads `apart`.

    That of groups may have an axis for them in front.
    """
    for part in dict.fromkeys(walk(node)):
        if part.rank > len(sizes) + 1 and all(map(same, part.shape[-1 - len(sizes) : -1], sizes)):
            if part.rank == len(sizes) + 2 and apart not in walk(part):
                yield part
            elif part.rank == len(sizes) + 3 and apart not in walk(part):
                yield n.Reshape(part, (part.shape[0] * part.shape[1], *part.shape[2:]))


def _is_narrower(seen: Node, kernel: Node) -> bool:
    """Whether windows (or what is made of them) have as many channels as the groups of a kernel together."""
    axes = kernel.rank - 2
    groups = seen.shape[axes] / kernel.shape[-1]
    return bool(groups.is_integer and (kernel.shape[0] / groups).is_integer)


def unfolded(fold: n.Fold) -> tuple[Node, Node] | None:
    """Return what comes back to a correlation, and its kernel, where the fold is what flows to the correlated array."""
    operand, places = fold.operands[0], fold.axes
    if places != tuple(range(len(places))) or operand.rank != 2 * len(places) + 1:
        return None
    seen = Variable("seen_windows", (), operand.shape)
    sizes = tuple(size for _, size, _, _ in fold.steps)
    for kernel in kernels(operand, seen, sizes):
        if not _is_narrower(operand, kernel):
            continue
        shape = (*operand.shape[: len(places)], kernel.shape[0])
        for back in dict.fromkeys(part for part in walk(operand) if part.shape == shape and kernel not in walk(part)):
            if simplified(n.Pullback(back, convolved(seen, kernel), seen), Context())[0] == operand:
                return back, kernel
    return None


@rule(READINGS, "flipped kernel", "fold(d @ w) = windows(d, zeros between and around) @ flip(w), channels swapped")
@for_kinds(n.Fold)
def _(node: n.Fold, context: Context) -> Applied | None:
    """What flows to place j is `sum over k of d[i] w[k]` with `s i + d k = j`: at every place that is `d[j - d k]`."""
    found = unfolded(node)
    if found is None:
        return None
    back, kernel = found
    axes, reach = node.axes, [dilation * (size - 1) for _, size, _, dilation in node.steps]
    lengths = [whole - far for whole, far in zip(node.args[5].args, reach, strict=True)]
    around = [(axis, (far, far)) for axis, far in zip(axes, reach, strict=True) if far != 0]
    between = spread(back, [stride for _, _, stride, _ in node.steps], lengths)
    padded = n.Pad(between, [axis for axis, _ in around], [far for _, far in around]) if around else between
    windows = n.Window(padded, axes, node.args[2].args, 1, node.args[4].args)
    return Applied(convolved(windows, backwards(kernel, node.shape[len(axes)])))


def spread(array: Node, strides: list[int], lengths: list[Expr]) -> Node:
    """Return an array with zeros between its entries, `stride - 1` of them, and behind them up to its new lengths."""
    wide = [axis for axis, stride in enumerate(strides) if stride > 1]
    if not wide:
        return array
    for _ in wide:
        array = n.Expand(array, array.rank)
    return n.Fold(array, wide, 1, [strides[axis] for axis in wide], 1, [lengths[axis] for axis in wide])


def backwards(kernel: Node, channels: Expr) -> Node:
    """Return a kernel for the way back to so many channels: flipped, and in each group its channels swapped."""
    *_, width = kernel.shape
    groups = channels / width
    inside = range(1, kernel.rank - 1)
    flipped = n.Flip(kernel, inside)
    each = kernel.shape[0] / groups
    if each == width == 1:
        return flipped
    if groups == 1:
        return n.Transpose(flipped, (kernel.rank - 1, *inside, 0))
    parted = n.Reshape(flipped, (groups, each, *kernel.shape[1:]))
    turned = n.Transpose(parted, (0, kernel.rank, *(axis + 1 for axis in inside), 1))
    return n.Reshape(turned, (channels, *kernel.shape[1:-1], each))


@rule(READINGS, "slice of windows", "(windows(x) @ w)[p:q] = windows(x[s * p:s * (q - 1) + d * (k - 1) + 1]) @ w")
@for_kinds(n.Slice)
def _(node: n.Slice, context: Context) -> Applied | None:
    found = correlation(node.operands[0])
    if found is None or node.axis not in found.window.axes:
        return None
    size, stride, dilation = next(rest for axis, *rest in found.window.steps if axis == node.axis)
    ends = stride * node.start, stride * (node.stop - 1) + dilation * (size - 1) + 1
    inside = tidy(n.Slice(found.window.operands[0], node.axis, *ends))
    return Applied(convolved(n.Window(inside, *found.window.args[1:5]), found.kernel))


@rule(READINGS, "windows change roles", "windows(x, k, s, d) = windows(x, number of windows, d, s)[:k].T")
@for_kinds(n.Window)
def _(node: n.Window, context: Context) -> Applied:
    """Element k of window i stands where element i of window k does: `s i + d k`, the stride being the dilation."""
    rank, axes = node.operands[0].rank, node.axes
    counts = [node.shape[axis] for axis in axes]
    turned: Node = n.Window(node.operands[0], axes, counts, node.args[4].args, node.args[3].args)
    for axis, size, _, _ in node.steps:
        if not same(turned.shape[axis], size):
            turned = n.Slice(turned, axis, 0, size)
    order = list(range(node.rank))
    for place, axis in enumerate(axes):
        order[axis], order[rank + place] = rank + place, axis
    return Applied(n.Transpose(turned, order))


def read(node: Node, *names: str) -> tuple[Node, tuple[Step, ...]]:
    """Return what the rules of these names make of a node, one after the other, with the steps.

    Each is applied at the innermost place where it can be, once; where it cannot, nothing is done.

    >>> from symprop.algebra import variable
    >>> x = variable("x", (9,))
    >>> found, steps = read(n.Window(x, 0, 3, 2), "windows change roles")
    >>> found.text(), [step.rule for step in steps]
    ('sliding_window_view(x, 7, axis=0)[:, ::2].T', ['windows change roles'])
    """
    steps: list[Step] = []
    for name in names:
        (chosen,) = (rule for rule in READINGS if rule.name == name)
        places = (part for part in reversed(list(walk(node))) if isinstance(part, chosen.kinds))
        applied = ((part, chosen.apply(part, Context())) for part in places)
        found = next(((part, made.result) for part, made in applied if made is not None), None)
        if found is not None:
            after = tidy(replace(node, dict([found])))
            steps.append(Step(name, node, after))
            node = after
    return node, tuple(steps)
