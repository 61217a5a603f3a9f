"""The rows that say what each kind of node is at an address, by what its operands are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.batching import swapped
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import Shape
from symprop.algebra.trees import walk
from symprop.notation.digits import Unwritten, common, digits, regrouped
from symprop.notation.places import Address, Axis, Digit, joined, kept, kept_shape, runs
from symprop.notation.precedence import IndexedExtreme, IndexedSum
from symprop.notation.selections import cropped, gathered
from symprop.notation.slicing import SLICES, Slicer, at, of_wholes


def _under(address: Address, shape: Shape) -> Address:
    """The address of an operand that broadcasting spreads to what has this address."""
    own = tuple(
        axis
        if size != 1 or all(digit.size == 1 for digit in axis)
        else (Digit(size, None if kept(axis) else size, axis[0].joined),)
        for axis, size in zip(address[len(address) - len(shape) :], shape, strict=True)
    )
    for run in runs(own):
        spread = {kept(own[axis]) != kept(address[len(address) - len(shape) + axis]) for axis in run}
        if len(spread) > 1:
            raise Unwritten  # what is the same for all pixels of one image, and not for those of a batch
    if any(size != 1 for size in kept_shape(own)) or all(size == 1 for size in kept_shape(address)):
        return own  # else it is a number
    if len(own) < 2 and all(map(_is_whole, own)):
        return own  # of one element as it stands, by its name
    return tuple((Digit(size, size),) if kept(axis) != 0 else axis for axis, size in zip(own, shape, strict=True))


def _position(address: Address, axis: int) -> int:
    """Where an axis stands among those of which something is kept.

    Raises:
        Unwritten: it is joined with others.
    """
    return _positions(address, [axis])[0]


def _positions(address: Address, axes: Iterable[int]) -> list[int]:
    """Where axes stand among those of which something is kept, those that are joined as one.

    Raises:
        Unwritten: one of them is joined with others.
    """
    chosen, found = set(axes), []
    for place, run in enumerate(runs(address)):
        if chosen & set(run):
            if not chosen >= set(run):
                raise Unwritten
            found.append(place)
    return found


def _is_whole(axis: Axis) -> bool:
    return all(digit.place is None for digit in axis)


def _with_ones(node: Node, address: Address, axes: Iterable[int]) -> Node:
    """`node` with an axis of length 1 where the address keeps one that `axes` name."""
    chosen = set(axes)
    for place, run in enumerate(runs(address)):
        if chosen >= set(run):
            node = n.Expand(node, place)
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
    found = node.with_operands([of(operand, _under(address, operand.shape)) for operand in node.operands])
    return _spread(found) if of.joins and isinstance(found, n.Multiply) else found


def _spread(node: n.Multiply) -> Node:
    """A product without the ones that only spread a vector over rows, `𝟏 vᵀ`, or nothing."""
    others = [factor for factor in node.operands if not (isinstance(factor, n.Fill) and factor.value == 1)]
    if not others or len(others) == len(node.operands):
        return node
    numbers, arrays = ([each for each in others if bool(each.rank) == wide] for wide in (False, True))
    if not arrays:
        return node
    rest = n.Multiply(*arrays) if len(arrays) > 1 else arrays[0]
    rest = rest.operands[0] if isinstance(rest, n.Expand) and rest.axis == 0 and rest.rank == 2 else rest
    if node.rank == 2 and rest.rank == 1:
        rest = n.Outer(n.Fill(1, node.shape[:1]), rest)
    return node if rest.shape != node.shape else n.Multiply(*numbers, rest) if numbers else rest


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


def _inside(address: Address, axes: Sequence[int], inner: Address, rank: int, keepdims: bool) -> Address:
    """The address of the operand of what works along `axes`, which stand at `inner`."""
    rest = iter([axis for place, axis in enumerate(address) if not keepdims or place not in axes])
    along = dict(zip(axes, inner, strict=True))
    return tuple(along[axis] if axis in along else next(rest) for axis in range(rank))


@SLICES.row(n.Sum)
def _(node: n.Sum, address: Address, of: Slicer) -> Node:
    operand, sizes = node.operands[0], digits(node.operands[0])
    if of.joins and isinstance(operand, n.MatMul) and not node.keepdims and max(node.axes) < operand.rank - 2:
        before = of.used
        try:
            return _summed_products(operand, node.axes, address, of)
        except Unwritten:
            of.used = before

    def total(inner: Address) -> Node:
        place = _inside(address, node.axes, inner, operand.rank, node.keepdims)
        found = of(operand, place)
        along = _positions(place, node.axes)
        return n.Sum(found, along) if along else found

    found = of.summed([sizes[axis] for axis in node.axes], total)
    return _with_ones(found, address, node.axes if node.keepdims else ())


def _summed_products(node: n.MatMul, axes: Sequence[int], address: Address, of: Slicer) -> Node:
    """The sum of the products of matrices along leading axes, as one of all rows: `Σᵢ Aᵢᵀ Bᵢ = Aᵀ B`."""
    left, right = node.operands
    turned = swapped(left)
    *leading, row, column = _inside(address, axes, tuple((Digit(node.shape[axis]),) for axis in axes), node.rank, False)
    if not left.rank == right.rank == node.rank:
        raise Unwritten
    inner = tuple(map(Digit, common(digits(left)[-1], digits(right)[-2])))
    rows = joined((*leading, inner), [*axes, len(leading)])
    if any(each.shape[axis] != node.shape[axis] for each in (left, right) for axis in axes):
        raise Unwritten
    return n.Transpose(of(turned, (*rows, row))) @ of(right, (*rows, column))


def _along(node: Node, axes: Sequence[int], keepdims: bool, address: Address, of: Slicer) -> tuple[Node, list[int]]:
    """What a function along `axes` works on at an address, and its axes there."""
    sizes = digits(node)
    inner = tuple(tuple(map(Digit, sizes[axis])) for axis in axes)
    inner = joined(inner, range(len(inner))) if of.joins else inner
    place = _inside(address, axes, inner, node.rank, keepdims)
    return of(node, place), _positions(place, axes)


@SLICES.row(n.LogSumExp)
def _(node: n.LogSumExp, address: Address, of: Slicer) -> Node:
    inside, along = _along(node.operands[0], [node.axis], node.keepdims, address, of)
    return _with_ones(n.LogSumExp(inside, along[0]), address, [node.axis] if node.keepdims else ())


@SLICES.row(n.Product, n.Extreme)
def _(node: n.Product | n.Extreme, address: Address, of: Slicer) -> Node:
    before = of.used
    try:
        inside, along = _along(node.operands[0], node.axes, node.keepdims, address, of)
        found: Node = n.Product(inside, along)
        if isinstance(node, n.Extreme):
            found = n.Extreme(inside, along, False, *node.args[3:])
    except Unwritten:
        if not isinstance(node, n.Extreme) or not of.joins:
            raise
        of.used = before
        found = _at_each(node, address, of)
    return _with_ones(found, address, node.axes if node.keepdims else ())


def _at_each(node: n.Extreme, address: Address, of: Slicer) -> Node:
    """The largest of what stands at each place of the axes, `maxₖ Sₖ A`."""
    operand, sizes = node.operands[0], digits(node.operands[0])
    places = of.placed([sizes[axis] for axis in node.axes], range(1000))
    inside = of(operand, _inside(address, node.axes, places, operand.rank, node.keepdims))
    return IndexedExtreme(inside, [digit.place for axis in places for digit in axis], inside.shape, node.which)


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
    operand, before = node.operands[0], of.used
    inner = _regrouped(_beside(address) if of.joins else address, operand.shape)
    if _kept_digits(inner) != _kept_digits(address):
        return _arranged(node, address, of)
    try:
        return _renamed(node, inner, address, of)
    except Unwritten:
        of.used = before
        if not of.joins:
            raise
        return _arranged(node, address, of)


def _regrouped(address: Address, shape: Shape) -> Address:
    """The digits of an address as those of an array of this shape."""
    longer = [digit for axis in address for digit in axis if digit.size != 1]
    moved, sizes = iter(longer), regrouped([digit.size for digit in longer], shape)
    return tuple(
        (Digit(Integer(1), Integer(1)),) if axis == (1,) else tuple(next(moved) for _ in axis) for axis in sizes
    )


def _arranged(node: n.Reshape, address: Address, of: Slicer) -> Node:
    """A matrix as a vector, or the reverse: what is kept is the same in another shape."""
    alone = tuple(tuple(digit._replace(joined=False) for digit in axis) for axis in address)
    inner = _regrouped(alone, node.operands[0].shape)
    if of.joins:
        inner = joined(inner, [axis for run in runs(inner) for axis in run][:-1])
    shape = kept_shape(tuple(axis for axis in address if kept(axis) != 1))
    thin = [axis for axis, digit in enumerate(address) if kept(digit) == 1]
    return _with_ones(n.Reshape(of(node.operands[0], inner), shape), address, thin)


def _renamed(node: n.Reshape, inner: Address, address: Address, of: Slicer) -> Node:
    """What is kept of the operand as it is, its digits being those of other axes."""
    thin = [axis for axis, digit in enumerate(address) if kept(digit) == 1]
    free = [(place, axis) for axis, place in _thin_axes(inner)]
    for place, axis in [(place, axis) for axis, place in _thin_axes(address) if axis in thin]:
        if (same := next((other for other in free if other[0] == place), None)) is not None:
            free.remove(same)
            thin.remove(axis)  # it is kept of the operand, which has it there
            alone = (Digit(Integer(1), None, address[axis][0].joined),)
            inner = (*inner[: same[1]], alone, *inner[same[1] + 1 :])
    return of_thin(of, node.operands[0], inner, address, thin)


def of_thin(of: Slicer, operand: Node, inner: Address, address: Address, thin: list[int]) -> Node:
    """What an operand is at an address, with axes of length 1 that it does not have: as a digit of an axis that stands
    at one place otherwise, or by new axes."""
    before, found, rest = of.used, list(inner), list(thin)
    for axis, place in [(axis, place) for axis, place in _thin_axes(address) if axis in thin] if of.joins else ():
        longer = 0
        for number, digits_of in enumerate(inner):
            longer += sum(digit.size != 1 for digit in digits_of)
            if longer == place and kept(digits_of) == 0 and any(digit.size != 1 for digit in digits_of):
                found[number] = (*digits_of, Digit(Integer(1)))
                rest.remove(axis)
                break
    if rest != thin:
        try:
            return _with_ones(of(operand, tuple(found)), address, rest)
        except Unwritten:
            of.used = before
    return _with_ones(of(operand, inner), address, thin)


def _beside(address: Address) -> Address:
    """The address with every digit told whether it is in the same axis of what is kept as the one before it."""
    rows = {axis for run in runs(address) for axis in run[1:]}
    found = []
    for place, axis in enumerate(address):
        count, digits = 0, []
        for digit in axis:
            digits.append(digit._replace(joined=digit.place is None and (count > 0 or place in rows)))
            count += digit.place is None and digit.size != 1
        found.append(tuple(digits))
    return tuple(found)


def _thin_axes(address: Address) -> list[tuple[int, int]]:
    """The axes of length 1, each with how many longer digits stand before it."""
    longer = [sum(digit.size != 1 for digit in axis) for axis in address]
    return [(axis, sum(longer[:axis])) for axis, count in enumerate(longer) if not count]


def _kept_digits(address: Address) -> list[list[Expr]]:
    axes = (
        [digit.size for axis in run for digit in address[axis] if digit.place is None and digit.size != 1]
        for run in runs(address)
    )
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
    cut, before = cropped(node), of.used
    if cut is not None:
        try:
            return gathered(*cut, address, of)
        except Unwritten:
            of.used = before
    digit = address[axis][0]
    if len(address[axis]) > 1:
        raise Unwritten
    inner = Digit(operand.shape[axis], None if digit.place is None else digit.place + node.start)
    found = of(operand, (*address[:axis], (inner,), *address[axis + 1 :]))
    return found if digit.place is not None else n.Slice(found, _position(address, axis), node.start, node.stop)


@SLICES.row(n.Diagonal, n.Diag)
def _(node: Node, address: Address, of: Slicer) -> Node:
    return of_wholes(node, all(map(_is_whole, address)), of)
