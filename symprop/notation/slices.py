"""The rows that say what each kind of node is at an address, by what its operands are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.means import Mean
from symprop.algebra.nodes import Node
from symprop.notation.axes_at import is_whole, operand_address, position, positions, under, with_ones
from symprop.notation.digits import Unwritten, digits
from symprop.notation.indexed import IndexedExtreme, IndexedFirst
from symprop.notation.named_axes import in_sum, pulled_back
from symprop.notation.places import Address, Digit, joined, kept, kept_shape
from symprop.notation.selections import cropped, gathered
from symprop.notation.slicing import SLICES, Slicer, at, of_wholes


@SLICES.row(n.Variable)
def _(node: n.Variable, address: Address, of: Slicer) -> Node:
    return at(node, address)


@SLICES.row(n.Fill)
def _(node: n.Fill, address: Address, of: Slicer) -> Node:
    shape = kept_shape(address)
    return n.Fill(node.value, shape) if shape else n.Scalar(node.value)


@SLICES.row(n.Add, n.Multiply, n.Power, n.Map, n.Compare, n.Where)
def _(node: Node, address: Address, of: Slicer) -> Node:
    if isinstance(node, n.Add):
        return _sum_of(node, address, of)
    found = node.with_operands([of(operand, under(address, operand.shape)) for operand in node.operands])
    return _spread(found) if of.joins and isinstance(found, n.Multiply) else found


def _sum_of(node: n.Add, address: Address, of: Slicer) -> Node:
    """A sum, whose terms have the same indices for what they sum over."""
    before, sizes, found = of.used, of.sizes, []
    for operand in node.operands:
        of.used, of.sizes = before, list(of.sizes[:before])
        found.append(of(operand, under(address, operand.shape)))
        sizes = max(sizes, of.sizes[: of.used], key=len)
    of.used, of.sizes = len(sizes), sizes
    terms = in_sum(found)
    return n.Add(*terms) if len(terms) > 1 else terms[0]


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


@SLICES.row(n.Pullback)
def _(node: n.Pullback, address: Address, of: Slicer) -> Node:
    if of.named and not of.joins:
        return pulled_back(node, address, of)
    if not of.joins:
        return of_wholes(node, all(map(is_whole, address)) and len(kept_shape(address)) == node.rank, of)
    return back(node, of(node.operands[2], address), of)


def back(node: n.Pullback, by: Node, of: Slicer) -> Node:
    """Return a pullback that is not worked out, `by` an array or its matrix, in the matrices of pixels.

    Through windows it is the sum over their elements.
    """
    cotangent, expression, _ = node.operands

    def pixels(part: Node, element: Address = ()) -> Node:
        whole = tuple(tuple(map(Digit, axis)) for axis in digits(part)[: part.rank - len(element)])
        return of(part, (*joined(whole, range(len(whole) - 1)), *element))

    def term(element: Address) -> Node:
        if kept_shape(element):
            raise Unwritten
        return n.Pullback(pixels(cotangent, element), pixels(expression, element), by)

    if isinstance(expression, n.Window):
        return of.summed(digits(expression)[expression.operands[0].rank :], term)
    return n.Pullback(pixels(cotangent), pixels(expression), by)


@SLICES.row(n.BlockSum)
def _(node: n.BlockSum, address: Address, of: Slicer) -> Node:
    return node.with_operands([of(operand, address) for operand in node.operands])


@SLICES.row(Mean)
def _(node: Mean, address: Address, of: Slicer) -> Node:
    inside, along = _along(node.operands[0], node.axes, node.keepdims, address, of)
    found = Mean(inside, along, False)
    if not (found.is_total or found.is_of_batch or found.is_of_places):
        raise Unwritten
    return with_ones(found, address, node.axes if node.keepdims else ())


def _along(node: Node, axes: Sequence[int], keepdims: bool, address: Address, of: Slicer) -> tuple[Node, list[int]]:
    """What a function along `axes` works on at an address, and its axes there."""
    sizes = digits(node)
    inner = tuple(tuple(map(Digit, sizes[axis])) for axis in axes)
    inner = joined(inner, range(len(inner))) if of.joins else inner
    place = operand_address(address, axes, inner, node.rank, keepdims)
    return of(node, place), positions(place, axes)


@SLICES.row(n.LogSumExp)
def _(node: n.LogSumExp, address: Address, of: Slicer) -> Node:
    inside, along = _along(node.operands[0], [node.axis], node.keepdims, address, of)
    return with_ones(n.LogSumExp(inside, along[0]), address, [node.axis] if node.keepdims else ())


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
    return with_ones(found, address, node.axes if node.keepdims else ())


def _at_each(node: n.Extreme, address: Address, of: Slicer) -> Node:
    """The largest of what stands at each place of the axes, `maxₖ Sₖ A`."""
    operand, sizes = node.operands[0], digits(node.operands[0])
    places = of.placed([sizes[axis] for axis in node.axes], range(1000))
    inside = of(operand, operand_address(address, node.axes, places, operand.rank, node.keepdims))
    return IndexedExtreme(inside, [digit.place for axis in places for digit in axis], inside.shape, node.which)


@SLICES.row(n.First)
def _(node: n.First, address: Address, of: Slicer) -> Node:
    operand = node.operands[0]
    own = [address[axis] for axis in node.axes]
    if all(map(is_whole, own)):
        return n.First(of(operand, address), positions(address, node.axes), node.which)
    if not of.joins or any(kept(axis) != 0 for axis in own):
        raise Unwritten
    places = of.placed([[digit.size for digit in axis] for axis in own], range(1000))
    inside = of(operand, operand_address(address, node.axes, places, operand.rank, True))
    here, there = (
        [digit.place for axis in each for digit in axis if digit.place is not None] for each in (own, places)
    )
    return IndexedFirst(inside, here, there, inside.shape, node.which)


@SLICES.row(n.Softmax)
def _(node: n.Softmax, address: Address, of: Slicer) -> Node:
    operand, axis = node.operands[0], node.axis
    if is_whole(address[axis]):
        return n.Softmax(of(operand, address), position(address, axis))
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
    return with_ones(found, address, [node.axis])


@SLICES.row(n.Take)
def _(node: n.Take, address: Address, of: Slicer) -> Node:
    table, ids = node.operands
    rows = (Digit(table.shape[0]),)
    return n.Take(of(table, (rows, *address[ids.rank :])), of(ids, address[: ids.rank]))


@SLICES.row(n.OneHot)
def _(node: n.OneHot, address: Address, of: Slicer) -> Node:
    if not is_whole(address[-1]):
        raise Unwritten
    return n.OneHot(of(node.operands[0], address[:-1]), node.size)


@SLICES.row(n.Concatenate)
def _(node: n.Concatenate, address: Address, of: Slicer) -> Node:
    axis = node.axis
    if not is_whole(address[axis]):
        raise Unwritten
    parts = [
        of(each, (*address[:axis], tuple(map(Digit, digits(each)[axis])), *address[axis + 1 :]))
        for each in node.operands
    ]
    return n.Concatenate(*parts, axis=position(address, axis))


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
    return found if digit.place is not None else n.Slice(found, position(address, axis), node.start, node.stop)


@SLICES.row(n.Diagonal, n.Diag)
def _(node: Node, address: Address, of: Slicer) -> Node:
    return of_wholes(node, all(map(is_whole, address)), of)
