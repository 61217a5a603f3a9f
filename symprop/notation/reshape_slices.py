"""The row of reshapes: digits of axes that are split or merged, a matrix as a vector, and axes of length 1."""

from __future__ import annotations

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import Shape
from symprop.notation.axes_at import with_ones
from symprop.notation.digits import Unwritten, regrouped
from symprop.notation.places import Address, Digit, joined, kept, kept_shape, runs
from symprop.notation.slicing import SLICES, Slicer


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
    return with_ones(n.Reshape(of(node.operands[0], inner), shape), address, thin)


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
            return with_ones(of(operand, tuple(found)), address, rest)
        except Unwritten:
            of.used = before
    return with_ones(of(operand, inner), address, thin)


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
