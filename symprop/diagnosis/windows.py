"""Mistakes in where elements stand: slices, padding, windows and what goes back from them."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.roles import PARAMETER
from symprop.algebra.trees import added, variables, walk
from symprop.diagnosis.moves import one_of
from symprop.diagnosis.parts import shortened
from symprop.diagnosis.table import Place, Wrong, fitting, mistake


@mistake(n.First)
def _(node: n.First, place: Place) -> Iterator[Wrong]:
    """Of several elements the first or the last is taken, wherever the largest stands; or all of the largest are."""
    inner = node.operands[0]
    for name, start in (("first", 0), ("last", -1)):
        alone: Node = n.Fill(
            1, tuple(size if axis not in node.axes else Integer(1) for axis, size in enumerate(inner.shape))
        )
        widths = [(0, inner.shape[axis] - 1) if start == 0 else (inner.shape[axis] - 1, 0) for axis in node.axes]
        taken = n.Pad(alone, node.axes, widths)
        yield Wrong(
            taken, "mask", f"takes the {name} element of each window of {shortened(inner)}, not the largest", 1.2
        )


@mistake(n.Slice)
def _(node: n.Slice, place: Place) -> Iterator[Wrong]:
    """A slice from one place before or behind."""
    for move in (1, -1):
        moved = fitting(n.Slice, node.operands[0], node.axis, node.start + move, node.stop + move)
        if moved is not None:
            yield Wrong(moved, "place", f"reads {shortened(moved)} in place of {shortened(node)}", 1.2)


@mistake(n.Pad)
def _(node: n.Pad, place: Place) -> Iterator[Wrong]:
    """What is padded stands at the other end, or off by a place along one axis."""
    inner, pairs = node.operands[0], [node.widths[axis] for axis in node.axes]
    other = n.Pad(inner, node.axes, [(after, before) for before, after in pairs], node.value)
    yield Wrong(other, "place", "is padded at the other end", 1.3)
    for number, (before, after) in enumerate(pairs):
        for move in (1, -1):
            moved = [*pairs[:number], (before + move, after - move), *pairs[number + 1 :]]
            said = f"has {shortened(inner)} off by one place along axis {node.axes[number]} where it is padded"
            yield Wrong(fitting(n.Pad, inner, node.axes, moved, node.value), "place", said, 1.3)


@mistake(n.Window, n.Fold, n.MatMul)
def _(node: Node, place: Place) -> Iterator[Wrong]:
    """A kernel or what goes into it is read in reverse."""
    for number, operand in enumerate(node.operands):
        for axis in range(operand.rank):
            operands = [*node.operands[:number], n.Flip(operand, (axis,)), *node.operands[number + 1 :]]
            yield Wrong(
                node.with_operands(operands), "place", f"reads {shortened(operand)} in reverse along axis {axis}", 1.8
            )


@mistake(n.Window, n.Fold)
def _(node: n.Window | n.Fold, place: Place) -> Iterator[Wrong]:
    """A kernel is flipped that must not be, or not where it must: the elements of windows are in reverse."""
    if isinstance(node, n.Window):
        reverse: Node = n.Flip(node, tuple(range(node.rank - len(node.steps), node.rank)))
        said = f"flips the kernel: reads windows of {_named(node.operands[0])} in reverse"
    else:
        inner = node.operands[0]
        reverse = node.with_operands([n.Flip(inner, tuple(range(inner.rank - len(node.steps), inner.rank)))])
        kernel = next((each.text() for each in variables(inner) if each.role == PARAMETER), "")
        said = f"does not flip the kernel{kernel and ' '}{kernel}: windows go back in reverse"
    yield Wrong(reverse, "place", said, 1.1)


def _named(node: Node) -> str:
    """Return what a person calls an array that is padded."""
    read = variables(node)
    return read[0].text() if len(read) == 1 else shortened(node)


@mistake(n.Window)
def _(node: n.Window, place: Place) -> Iterator[Wrong]:
    """Windows lie next to one another, or do not move."""
    for number, (axis, size, stride, _) in enumerate(node.steps):
        options = [list(each.args) for each in node.args[2:5]]
        elements = node.rank - len(node.steps) + number
        if stride > 1:
            options[1][number] = Integer(1)
            close = n.Slice(n.Window(node.operands[0], node.axes, *options), axis, 0, node.shape[axis])
            yield Wrong(close, "place", f"has windows 1 apart, not {stride}", 1.1)
        for place_in in (0, size - 1):
            alone = n.Slice(node, elements, place_in, place_in + 1)
            still = n.Multiply(alone, n.Fill(1, node.shape))
            yield Wrong(still, "place", f"reads one element of each window of {shortened(node.operands[0])}", 1.4)


@mistake(n.Fold)
def _(node: n.Fold, place: Place) -> Iterator[Wrong]:
    """Windows go back next to one another, or one element of each alone."""
    elements = node.operands[0].rank - len(node.steps)
    alone = node.operands[0]
    for axis in range(elements, node.operands[0].rank):
        alone = n.Pad(one_of(alone, (axis,), 0), (axis,), ((0, alone.shape[axis] - 1),))
    yield Wrong(node.with_operands([alone]), "place", "writes back the first element of each window alone", 1.4)
    steps = [number for number, each in enumerate(node.steps) if each[2] > 1]
    for chosen in dict.fromkeys([*((number,) for number in steps), tuple(steps)] if steps else []):
        options, left = [list(each.args) for each in node.args[2:6]], []
        for number in chosen:
            axis, size, _, dilation = node.steps[number]
            length, options[1][number] = options[3][number], Integer(1)
            options[3][number] = node.operands[0].shape[axis] + dilation * (size - 1)
            left.append((0, length - options[3][number]))
        close = n.Fold(node.operands[0], node.axes, *options)
        made = fitting(n.Pad, close, tuple(node.axes[number] for number in chosen), left)
        yield Wrong(made, "place", f"has windows 1 apart, not {node.steps[chosen[0]][2]}", 1.1)


@mistake(n.Flip)
def _(node: n.Flip, place: Place) -> Iterator[Wrong]:
    """What is to be read in reverse is not."""
    yield Wrong(node.operands[0], "place", f"lacks the flip of {shortened(node.operands[0])}", 1.0)


@mistake(n.Fold)
def _(node: n.Fold, place: Place) -> Iterator[Wrong]:
    """Windows that overlap are written, not added: of several that reach an element the last one stays.

    Window `i + j` reaches with its element `k - j * stride` what window `i` reaches with `k`; a factor that is 0 or 1
    says which elements a window writes.
    """
    inner, (axis, size, stride, dilation) = node.operands[0], node.steps[0]
    if len(node.steps) > 1 or dilation > 1 or not size.is_Integer:
        return
    masks = [
        each for part in walk(inner) if isinstance(part, n.Multiply) for each in part.operands if each.is_indicator
    ]
    writes: Node = next((each for each in masks if each.shape == inner.shape), n.Fill(1, inner.shape))
    behind, elements, later = inner.shape[axis], inner.rank - 1, list[Node]()
    for steps in range(1, (int(size) - 1) // stride + 1):
        ahead = n.Slice(n.Slice(writes, axis, steps, behind), elements, 0, size - steps * stride)
        later.append(n.Pad(ahead, (axis, elements), ((0, steps), (steps * stride, 0))))
    if later:
        stays = n.Compare("==", added(later), n.Scalar(0))
        said = "writes windows where those that overlap are to be summed"
        yield Wrong(node.with_operands([n.Multiply(inner, stays)]), "sum", said, 1.2)
