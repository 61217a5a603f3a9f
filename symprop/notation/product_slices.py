"""The rows of products and sums: what they are at an address, contracted over as few indices as possible."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Integer

from symprop.algebra import nodes as n
from symprop.algebra.batching import swapped
from symprop.algebra.nodes import Node
from symprop.algebra.trees import walk
from symprop.notation.axes_at import is_whole, operand_address, positions, under, with_ones
from symprop.notation.digits import Unwritten, common, digits
from symprop.notation.indexed import IndexedSum
from symprop.notation.places import Address, Axis, Digit, joined, kept, kept_shape, runs
from symprop.notation.slicing import SLICES, Slicer


@SLICES.row(n.MatMul)
def _(node: n.MatMul, address: Address, of: Slicer) -> Node:
    left, right = node.operands  # out[..., i, j] = sum_k left[..., i, k] * right[..., k, j]
    column = address[-1:] if right.rank > 1 else ()
    before = address[: len(address) - len(column)]
    row = before[-1:] if left.rank > 1 else ()
    leading = before[: len(before) - len(row)]
    over_left, over_right = under(leading, left.shape[:-2]), under(leading, right.shape[:-2])

    def product(inner: Address) -> Node:
        if of.joins and not kept_shape(inner) and (thin := with_thin(inner)) is not None:
            return thin
        first = of(left, (*over_left, *row, *inner))
        second = of(right, (*over_right, *inner, *column))
        if kept_shape(inner):
            return first @ second
        return n.Outer(first, second) if first.rank == second.rank == 1 else first * second

    def with_thin(inner: Address) -> Node | None:
        """The product of a column and a row, where both are a matrix: of an image with one feature."""
        (places,), before = inner, of.used
        try:
            first, second = (
                of(left, (*over_left, *row, (*places, Digit(Integer(1))))),
                of(right, (*over_right, (*places, Digit(Integer(1))), *column)),
            )
        except Unwritten:
            of.used = before
            return None
        return (
            None
            if any(isinstance(part, n.Expand) for each in (first, second) for part in walk(each))
            else first @ second
        )

    return of.summed([common(digits(left)[-1], digits(right)[-2:][0])], product)


@SLICES.row(n.Outer)
def _(node: n.Outer, address: Address, of: Slicer) -> Node:
    first, second = (of(operand, (axis,)) for operand, axis in zip(node.operands, address, strict=True))
    return n.Outer(first, second) if first.rank == second.rank == 1 else first * second


@SLICES.row(n.Kron)
def _(node: n.Kron, address: Address, of: Slicer) -> Node:
    pairs, only = zip(*map(digits, node.operands), strict=True), (Digit(Integer(1), Integer(1)),)
    inner: tuple[list[Axis], list[Axis]] = ([], [])
    for axis, (own, _) in zip(address, pairs, strict=True):
        count = sum(size != 1 for size in own)  # the first factor tells the block, the second the place in it
        inner[0].append(axis[:count] or only)
        inner[1].append(axis[count:] or only)
    first, second = (of(operand, tuple(each)) for operand, each in zip(node.operands, inner, strict=True))
    if not first.rank or not second.rank:
        return first * second
    places = [[place for place, axis in enumerate(each) if kept(axis) != 0] for each in inner]
    if places == [[0, 1], [0, 1]]:
        return n.Kron(first, second)
    if sorted(places) != [[0], [1]]:
        raise Unwritten
    return n.Outer(first, second) if places[0] == [0] else n.Outer(second, first)


@SLICES.row(n.Transpose)
def _(node: n.Transpose, address: Address, of: Slicer) -> Node:
    place = dict(zip(node.axes, address, strict=True))  # axis k of the result is axis axes[k] of the operand
    inner = tuple(place[axis] for axis in range(node.rank))
    if {tuple(node.axes[axis] for axis in run) for run in runs(address)} != set(map(tuple, runs(inner))):
        raise Unwritten  # rows in another order
    found = of(node.operands[0], inner)
    first = [node.axes[run[0]] for run in runs(address)]
    return found if first == sorted(first) else _turned(found)


def _turned(node: Node) -> Node:
    """The transpose of a matrix, inside a product and a sum where that leaves fewer signs: `W x`, not `(xᵀ Wᵀ)ᵀ`."""
    outside = n.Transpose(node)
    if isinstance(node, n.Transpose):
        return node.operands[0]
    if isinstance(node, IndexedSum):
        inside: Node = IndexedSum(_turned(node.operands[0]), node.indices, outside.shape)
    elif isinstance(node, n.MatMul) and all(operand.rank == 2 for operand in node.operands):
        left, right = map(_turned, node.operands)
        inside = right @ left
    else:
        return outside
    return inside if _signs(inside) < _signs(outside) else outside


def _signs(node: Node) -> int:
    return sum(isinstance(part, n.Transpose) for part in walk(node))


@SLICES.row(n.Sum)
def _(node: n.Sum, address: Address, of: Slicer) -> Node:
    operand, sizes = node.operands[0], digits(node.operands[0])
    if of.joins and isinstance(operand, n.MatMul) and not node.keepdims and max(node.axes) < operand.rank - 2:
        before = of.used
        try:
            return _summed_products(operand, node.axes, address, of)
        except Unwritten:
            of.used = before

    if node.rank and not node.keepdims and all(operand.shape[axis] == 1 for axis in node.axes):  # the only row
        only = ((Digit(Integer(1), Integer(1)),),) * len(node.axes)
        return of(operand, operand_address(address, node.axes, only, operand.rank, False))

    def total(inner: Address) -> Node:
        place = operand_address(address, node.axes, inner, operand.rank, node.keepdims)
        found = of(operand, place)
        along = positions(place, node.axes)
        return n.Sum(found, along) if along else found

    found = of.summed([sizes[axis] for axis in node.axes], total, plain=True)
    return with_ones(found, address, node.axes if node.keepdims else ())


def _summed_products(node: n.MatMul, axes: Sequence[int], address: Address, of: Slicer) -> Node:
    """The sum of the products of matrices along leading axes, as one of all rows: `Σᵢ Aᵢᵀ Bᵢ = Aᵀ B`."""
    left, right = node.operands
    turned = swapped(left)
    *leading, row, column = operand_address(
        address, axes, tuple((Digit(node.shape[axis]),) for axis in axes), node.rank, False
    )
    if not left.rank == right.rank == node.rank:
        raise Unwritten
    inner = tuple(map(Digit, common(digits(left)[-1], digits(right)[-2])))
    rows = joined((*leading, inner), [*axes, len(leading)])
    if any(each.shape[axis] != node.shape[axis] for each in (left, right) for axis in axes):
        raise Unwritten
    return n.Transpose(of(turned, (*rows, row))) @ of(right, (*rows, column))


@SLICES.row(n.ScatterAdd)
def _(node: n.ScatterAdd, address: Address, of: Slicer) -> Node:
    values, ids = node.operands  # the sum of onehot(ids[i])' values[i]
    if not is_whole(address[0]):
        raise Unwritten

    def product(inner: Address) -> Node:
        if len(kept_shape(inner)) > 1:
            raise Unwritten
        chosen = n.OneHot(of(ids, inner), node.size)
        added = of(values, (*inner, *address[1:]))
        if kept_shape(inner):
            return chosen.T @ added
        return n.Outer(chosen, added) if added.rank else chosen * added

    return of.summed(digits(values)[: ids.rank], product)
