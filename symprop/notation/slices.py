"""The rows that say what each kind of node is at an address, by what its operands are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import Shape
from symprop.algebra.trees import walk
from symprop.notation.digits import Unwritten, common, digits, regrouped
from symprop.notation.places import Address, Axis, Digit, kept, kept_shape
from symprop.notation.precedence import IndexedSum
from symprop.notation.slicing import SLICES, Slicer, at, of_wholes


def _under(address: Address, shape: Shape) -> Address:
    """The address of an operand that broadcasting spreads to what has this address."""
    own = tuple(
        axis if size != 1 or all(digit.size == 1 for digit in axis) else (Digit(size, None if kept(axis) else size),)
        for axis, size in zip(address[len(address) - len(shape) :], shape, strict=True)
    )
    if any(size != 1 for size in kept_shape(own)) or all(size == 1 for size in kept_shape(address)):
        return own  # else it is a number
    if len(own) < 2 and all(map(_is_whole, own)):
        return own  # of one element as it stands, by its name
    return tuple((Digit(size, size),) if kept(axis) != 0 else axis for axis, size in zip(own, shape, strict=True))


def _position(address: Address, axis: int) -> int:
    """Where an axis stands among those of which something is kept."""
    return sum(1 for each in address[:axis] if kept(each) != 0)


def _is_whole(axis: Axis) -> bool:
    return all(digit.place is None for digit in axis)


def _with_ones(node: Node, address: Address, axes: Iterable[int]) -> Node:
    """`node` with an axis of length 1 where the address keeps one that `axes` name."""
    for axis in axes:
        if kept(address[axis]) != 0:
            node = n.Expand(node, _position(address, axis))
    return node


@SLICES.row(n.Variable)
def _(node: n.Variable, address: Address, of: Slicer) -> Node:
    return at(node, address)


@SLICES.row(n.Fill)
def _(node: n.Fill, address: Address, of: Slicer) -> Node:
    shape = kept_shape(address)
    return n.Fill(node.value, shape) if shape else n.Scalar(node.value)


@SLICES.row(n.Add, n.Multiply, n.Power, n.Map, n.Compare, n.Where)
def _(node: Node, address: Address, of: Slicer) -> Node:
    return node.with_operands([of(operand, _under(address, operand.shape)) for operand in node.operands])


@SLICES.row(n.BlockSum)
def _(node: n.BlockSum, address: Address, of: Slicer) -> Node:
    return node.with_operands([of(operand, address) for operand in node.operands])


@SLICES.row(n.MatMul)
def _(node: n.MatMul, address: Address, of: Slicer) -> Node:
    left, right = node.operands  # out[..., i, j] = sum_k left[..., i, k] * right[..., k, j]
    column = address[-1:] if right.rank > 1 else ()
    before = address[: len(address) - len(column)]
    row = before[-1:] if left.rank > 1 else ()
    leading = before[: len(before) - len(row)]
    over_left, over_right = _under(leading, left.shape[:-2]), _under(leading, right.shape[:-2])

    def product(inner: Address) -> Node:
        first = of(left, (*over_left, *row, *inner))
        second = of(right, (*over_right, *inner, *column))
        if kept_shape(inner):
            return first @ second
        return n.Outer(first, second) if first.rank == second.rank == 1 else first * second

    return of.summed([common(digits(left)[-1], digits(right)[-2:][0])], product)


@SLICES.row(n.Outer)
def _(node: n.Outer, address: Address, of: Slicer) -> Node:
    first, second = (of(operand, (axis,)) for operand, axis in zip(node.operands, address, strict=True))
    return n.Outer(first, second) if first.rank == second.rank == 1 else first * second


@SLICES.row(n.Transpose)
def _(node: n.Transpose, address: Address, of: Slicer) -> Node:
    place = dict(zip(node.axes, address, strict=True))  # axis k of the result is axis axes[k] of the operand
    found = of(node.operands[0], tuple(place[axis] for axis in range(node.rank)))
    first = [axis for axis in node.axes if kept(place[axis]) != 0]
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


def _inside(address: Address, axes: Sequence[int], inner: Address, rank: int, keepdims: bool) -> Address:
    """The address of the operand of what works along `axes`, which stand at `inner`."""
    rest = iter([axis for place, axis in enumerate(address) if not keepdims or place not in axes])
    along = dict(zip(axes, inner, strict=True))
    return tuple(along[axis] if axis in along else next(rest) for axis in range(rank))


@SLICES.row(n.Sum)
def _(node: n.Sum, address: Address, of: Slicer) -> Node:
    operand, sizes = node.operands[0], digits(node.operands[0])

    def total(inner: Address) -> Node:
        place = _inside(address, node.axes, inner, operand.rank, node.keepdims)
        found = of(operand, place)
        along = [_position(place, axis) for axis in node.axes if kept(place[axis]) != 0]
        return n.Sum(found, along) if along else found

    found = of.summed([sizes[axis] for axis in node.axes], total)
    return _with_ones(found, address, node.axes if node.keepdims else ())


def _along(node: Node, axes: Sequence[int], keepdims: bool, address: Address, of: Slicer) -> tuple[Node, list[int]]:
    """What a function along `axes` works on at an address, and its axes there."""
    sizes = digits(node)
    inner = tuple(tuple(map(Digit, sizes[axis])) for axis in axes)
    place = _inside(address, axes, inner, node.rank, keepdims)
    return of(node, place), [_position(place, axis) for axis in axes]


@SLICES.row(n.LogSumExp)
def _(node: n.LogSumExp, address: Address, of: Slicer) -> Node:
    inside, along = _along(node.operands[0], [node.axis], node.keepdims, address, of)
    return _with_ones(n.LogSumExp(inside, along[0]), address, [node.axis] if node.keepdims else ())


@SLICES.row(n.Product, n.Extreme)
def _(node: n.Product | n.Extreme, address: Address, of: Slicer) -> Node:
    inside, along = _along(node.operands[0], node.axes, node.keepdims, address, of)
    if isinstance(node, n.Product):
        found: Node = n.Product(inside, along)
    else:
        found = n.Extreme(inside, along, False, *node.args[3:])
    return _with_ones(found, address, node.axes if node.keepdims else ())


@SLICES.row(n.Softmax)
def _(node: n.Softmax, address: Address, of: Slicer) -> Node:
    operand, axis = node.operands[0], node.axis
    if _is_whole(address[axis]):
        return n.Softmax(of(operand, address), _position(address, axis))
    exponential = FUNCTIONS["exp"](of(operand, address))  # an element of a softmax

    def term(inner: Address) -> Node:
        return FUNCTIONS["exp"](of(operand, (*address[:axis], *inner, *address[axis + 1 :])))

    return exponential / of.summed([digits(operand)[axis]], lambda inner: _placed(inner, term))


def _placed(inner: Address, term: Callable[[Address], Node]) -> Node:
    if kept_shape(inner):
        raise Unwritten
    return term(inner)


@SLICES.row(n.Expand)
def _(node: n.Expand, address: Address, of: Slicer) -> Node:
    found = of(node.operands[0], (*address[: node.axis], *address[node.axis + 1 :]))
    return _with_ones(found, address, [node.axis])


@SLICES.row(n.Reshape)
def _(node: n.Reshape, address: Address, of: Slicer) -> Node:
    operand = node.operands[0]
    moved = iter([digit for axis in address for digit in axis if digit.size != 1])
    sizes = regrouped([digit.size for axis in address for digit in axis if digit.size != 1], operand.shape)
    inner = tuple(
        (Digit(Integer(1), Integer(1)),) if axis == (1,) else tuple(next(moved) for _ in axis) for axis in sizes
    )
    thin = [axis for axis, digit in enumerate(address) if kept(digit) == 1]
    if _kept_digits(inner) != _kept_digits(address):
        shape = kept_shape(tuple(axis for axis in address if kept(axis) != 1))
        return _with_ones(n.Reshape(of(operand, inner), shape), address, thin)  # a matrix as a vector, or the reverse
    free = [(place, axis) for axis, place in _thin_axes(inner)]
    for place, axis in [(place, axis) for axis, place in _thin_axes(address) if axis in thin]:
        if (same := next((other for other in free if other[0] == place), None)) is not None:
            free.remove(same)
            thin.remove(axis)  # it is kept of the operand, which has it there
            inner = (*inner[: same[1]], (Digit(Integer(1)),), *inner[same[1] + 1 :])
    return _with_ones(of(operand, inner), address, thin)


def _thin_axes(address: Address) -> list[tuple[int, int]]:
    """The axes of length 1, each with how many longer digits stand before it."""
    longer = [sum(digit.size != 1 for digit in axis) for axis in address]
    return [(axis, sum(longer[:axis])) for axis, count in enumerate(longer) if not count]


def _kept_digits(address: Address) -> list[list[Expr]]:
    axes = ([digit.size for digit in axis if digit.place is None and digit.size != 1] for axis in address)
    return [axis for axis in axes if axis]


@SLICES.row(n.Take)
def _(node: n.Take, address: Address, of: Slicer) -> Node:
    table, ids = node.operands
    rows = (Digit(table.shape[0]),)
    return n.Take(of(table, (rows, *address[ids.rank :])), of(ids, address[: ids.rank]))


@SLICES.row(n.OneHot)
def _(node: n.OneHot, address: Address, of: Slicer) -> Node:
    if not _is_whole(address[-1]):
        raise Unwritten
    return n.OneHot(of(node.operands[0], address[:-1]), node.size)


@SLICES.row(n.ScatterAdd)
def _(node: n.ScatterAdd, address: Address, of: Slicer) -> Node:
    values, ids = node.operands  # the sum of onehot(ids[i])' values[i]
    if not _is_whole(address[0]):
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


@SLICES.row(n.Concatenate)
def _(node: n.Concatenate, address: Address, of: Slicer) -> Node:
    axis = node.axis
    if not _is_whole(address[axis]):
        raise Unwritten
    parts = [
        of(each, (*address[:axis], tuple(map(Digit, digits(each)[axis])), *address[axis + 1 :]))
        for each in node.operands
    ]
    return n.Concatenate(*parts, axis=_position(address, axis))


@SLICES.row(n.Slice)
def _(node: n.Slice, address: Address, of: Slicer) -> Node:
    operand, axis = node.operands[0], node.axis
    digit = address[axis][0]
    if len(address[axis]) > 1:
        raise Unwritten
    inner = Digit(operand.shape[axis], None if digit.place is None else digit.place + node.start)
    found = of(operand, (*address[:axis], (inner,), *address[axis + 1 :]))
    return found if digit.place is not None else n.Slice(found, _position(address, axis), node.start, node.stop)


@SLICES.row(n.Diagonal, n.Diag)
def _(node: Node, address: Address, of: Slicer) -> Node:
    return of_wholes(node, all(map(_is_whole, address)), of)
