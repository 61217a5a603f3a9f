"""Convolution and pooling as matrix calculus: windows by the matrices that select their elements, `Σₖ Sₖ X Wₖᵀ`.

An image is the matrix of its pixels, and S at the offset k = (u, v) of a kernel selects for each output pixel the input
pixel at this offset, so that what a window has at one of its elements is `Sₖ X`. Its adjoint adds up `Sₖᵀ D`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, count, islice

import sympy
from sympy import Basic, Expr, Integer, Tuple, oo
from sympy.core.symbol import Str

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.trees import walk
from symprop.notation.digits import Unwritten
from symprop.notation.indexed import Element, IndexedExtreme, IndexedFirst, IndexedSum, indices_beside
from symprop.notation.places import ONLY, Address, Digit, Offset, Part, Stack, joined, kept, kept_shape, runs
from symprop.notation.slicing import Slicer, renamed

SELECTION = "selection"
"""The role of the matrices that select elements of windows."""
_LETTERS = "klrsuvpq"


def has_rows(node: Node) -> bool:
    """Whether a formula has windows with a name, or arrays whose first axes are those of the rows of a matrix."""
    return any(
        (isinstance(part, n.Windowed) and part.selection is not None)
        or (isinstance(part, n.Variable) and part.rank > 2 and part.rows >= 0)
        for part in walk(node)
    )


def matrix_of(node: n.Windowed, offset: Basic) -> Part:
    """Return the matrix that selects the element at an offset of each window of one array."""
    operand = node.operands[0]
    counts = [(operand if isinstance(node, n.Fold) else node).shape[axis] for axis in node.axes]
    lengths = () if node.selection is None else node.selection.lengths
    return _matrix(node, [Digit(size, offset) for _, size, _, _ in node.steps], sympy.Mul(*counts), sympy.Mul(*lengths))


def _matrix(node: n.Windowed, offsets: Sequence[Digit], rows: Expr, columns: Expr) -> Part:
    """The matrix that selects the element at an offset of each window."""
    chosen = node.selection
    if chosen is None:
        raise Unwritten
    shape = (*(digit.size for digit in offsets), rows, columns)
    variable = n.Variable(chosen.letter, Tuple(*chosen.number), shape, (), *chosen.mark, SELECTION)
    return Part(variable, (*((digit,) for digit in offsets), (Digit(rows),), (Digit(columns),)))


def _rows(address: Address, axes: Sequence[int]) -> list[int]:
    """The axes that make the rows of the matrix at an address, of which those of windows are the last."""
    found = runs(address)
    if not found or tuple(found[0][-len(axes) :]) != tuple(axes):
        raise Unwritten
    if any(digit.place is not None for axis in axes for digit in address[axis]):
        raise Unwritten
    return found[0]


def _thick(address: Address, axes: Sequence[int]) -> Address:
    """An address with an axis of windows of length 1 among the rows, where it has some, and not at its only place."""
    if not any(kept(axis) for axis in address[: axes[-1] + 1]):
        return address
    found = list(address)
    for axis in axes:
        if [(digit.size, digit.place) for digit in address[axis]] == [(1, 1)]:
            found[axis] = (Digit(Integer(1)),)
    return joined(tuple(found), range(axes[-1] + 1)) if tuple(found) != address else address


def _sized(address: Address, axes: Sequence[int], sizes: Sequence[Expr]) -> Address:
    """An address with other sizes of axes that are kept whole."""
    found = list(address)
    for axis, size in zip(axes, sizes, strict=True):
        found[axis] = (Digit(size, None, address[axis][0].joined),)
    return tuple(found)


def selected(node: n.Window, address: Address, of: Slicer) -> Node:
    """What windows with a name have at one of their elements, `Sₖ X`.

    Raises:
        Unwritten: not all windows are kept, or not one element of each, or they are no windows of what was named.
    """
    chosen, operand = node.selection, node.operands[0]
    if chosen is None:
        raise Unwritten
    offsets = [axis[0] for axis in address[operand.rank :]]
    if any(len(axis) != 1 or axis[0].place is None for axis in address[operand.rank :]):
        raise Unwritten
    before: list[Expr] = [Integer(0)] * operand.rank
    while isinstance(operand, n.Pad) and operand.value in (0, -oo) and set(operand.axes) <= set(node.axes):
        before = [start + low for start, (low, _) in zip(before, operand.widths, strict=True)]
        operand = operand.operands[0]
    fits = [operand.shape[axis] == length for axis, length in zip(node.axes, chosen.lengths, strict=True)]
    if not all(fits) or [before[axis] for axis in node.axes] != list(chosen.before):
        raise Unwritten
    address = _thick(address[: operand.rank], node.axes)
    rows = _rows(address, node.axes)
    inner = _sized(address, node.axes, chosen.lengths)
    found = of(operand, inner)
    if is_identity(node):
        return found
    return _matrix(node, offsets, _length(address, rows), _length(inner, rows)) @ found


def _length(address: Address, rows: Sequence[int]) -> Expr:
    return sympy.Mul(*(kept(address[axis]) for axis in rows))


def gathered(node: n.Fold, before: Sequence[Expr], lengths: Sequence[Expr], address: Address, of: Slicer) -> Node:
    """What a fold with a name adds up, `Σₖ Sₖᵀ D Wₖ`, of which `lengths` remain and `before` are cut off.

    Raises:
        Unwritten: not all is kept, or what remains is not what was named.
    """
    chosen, operand = node.selection, node.operands[0]
    if chosen is None or tuple(before) != chosen.before or tuple(lengths) != chosen.lengths:
        raise Unwritten
    address = _thick(address, node.axes)
    rows = _rows(address, node.axes)
    outer = _sized(address, node.axes, [operand.shape[axis] for axis in node.axes])

    def term(inner: Address) -> Node:
        if kept_shape(inner):
            raise Unwritten
        places = iter(inner)
        offset = tuple(next(places) if size != 1 else (Digit(size, size),) for _, size, _, _ in node.steps)
        found = of(operand, (*outer, *offset))
        if is_identity(node):
            return found
        matrix = _matrix(node, [axis[0] for axis in offset], _length(outer, rows), _length(address, rows))
        return matrix.T @ found

    sizes = [(size,) for _, size, _, _ in node.steps if size != 1]
    return of.summed(sizes, term) if sizes else term(())


def is_identity(node: n.Windowed) -> bool:
    """Whether what selects elements leaves all pixels where they are: that of a kernel of one element."""
    pixels = (node.operands[0] if isinstance(node, n.Fold) else node).shape
    chosen = node.selection
    single = all((size, stride) == (1, 1) for _, size, stride, _ in node.steps)
    return chosen is not None and single and tuple(pixels[axis] for axis in node.axes) == chosen.lengths


def cropped(node: Node) -> tuple[n.Fold, list[Expr], list[Expr]] | None:
    """Return the fold with a name that slices cut, how much they cut off before, and what remains."""
    cuts: dict[int, tuple[Expr, Expr]] = {}
    while isinstance(node, n.Slice):
        start, stop = cuts.get(node.axis, (Integer(0), node.stop - node.start))
        cuts[node.axis] = (start + node.start, stop + node.start)
        node = node.operands[0]
    if not isinstance(node, n.Fold) or node.selection is None or any(axis not in node.axes for axis in cuts):
        return None
    ends = [cuts.get(axis, (Integer(0), node.shape[axis])) for axis in node.axes]
    return node, [start for start, _ in ends], [sympy.expand(stop - start) for start, stop in ends]


def with_offsets(node: Node, whole: Node) -> Node:
    """Return a formula with one index for the places of a kernel's axes, where they always stand side by side: `Sₖ`."""
    if not any(is_selection(part) for part in walk(node)):
        return _of_one(node) if has_rows(whole) else node
    groups = [_offset(part) for part in walk(node) if is_selection(part)]
    group_of = {index: group for group in groups for index in group}
    indices = [index for part in walk(node) for index in _indices(part)]
    taken, new = set(n.names_in(whole)), []
    for group in dict.fromkeys(group_of[index] for index in indices if index in group_of):
        letter = next(each for each in chain(_LETTERS, map("k{}".format, count(1))) if each not in taken)
        try:
            node = merged(node, group, Offset(f"offset {letter}", integer=True))
        except Unwritten:
            continue
        taken.add(letter)
        new.append(letter)
    symbols = {symbol for part in walk(node) for index in _indices(part) for symbol in index.free_symbols}
    all_indices = list(islice(indices_beside(whole), len(symbols) + len(new) + len(indices)))
    left = [index for index in all_indices if index in symbols]
    free = (index for index in all_indices if str(index) not in new)
    names: dict[Basic, Basic] = dict(zip(left, free, strict=False))
    node = _of_one(node)
    names |= {Offset(f"offset {letter}", integer=True): Offset(letter, integer=True) for letter in new}
    return renamed(node, names)


def is_selection(part: Node) -> bool:
    return (
        isinstance(part, Part) and isinstance(variable := part.operands[0], n.Variable) and variable.role == SELECTION
    )


def _offset(part: Node) -> tuple[Basic, ...]:
    address = part.address if isinstance(part, Part) else ()
    return tuple(axis[0].place for axis in address if isinstance(axis[0].place, sympy.Symbol))


def _indices(part: Node) -> Iterator[Basic]:
    if isinstance(part, (Part, Stack)):
        yield from (digit.place for axis in part.address for digit in axis if digit.place is not None)
    elif isinstance(part, IndexedFirst):
        yield from (*part.places, *part.indices)
    elif isinstance(part, (Element, IndexedSum, IndexedExtreme)):
        yield from part.indices


def merged(node: Node, group: tuple[Basic, ...], offset: Offset) -> Node:
    """`node` with an offset where the indices of a group stand side by side.

    Raises:
        Unwritten: one of them stands elsewhere.
    """
    if not node.operands:
        return node
    operands = [merged(operand, group, offset) for operand in node.operands]
    if isinstance(node, (Part, Stack)):
        return node.func(operands[0], _merged_address(node.address, group, offset))
    if isinstance(node, Element) and node.has(*group):  # of a kernel from one channel to one
        digits = map(Digit, node.operands[0].shape, node.indices)
        return Part(node.operands[0], _merged_address(tuple((digit,) for digit in digits), group, offset))
    if isinstance(node, (IndexedSum, IndexedExtreme, IndexedFirst)):
        indices = (
            each if isinstance(each, Str) else _merged_indices(each.args, group, offset) for each in node.args[1:]
        )
        return node.func(operands[0], *indices)
    if any(argument.has(*group) for argument in node.args if not isinstance(argument, Node)):
        raise Unwritten
    return node.with_operands(operands)


def _merged_digits(axis: tuple[Digit, ...], group: tuple[Basic, ...], offset: Offset) -> tuple[Digit, ...]:
    """The digits of an axis with the offset where the indices are the first of several: block k of the axis."""
    if len(axis) <= len(group) or tuple(digit.place for digit in axis[: len(group)]) != group:
        return axis
    return (*(digit._replace(place=offset) for digit in axis[: len(group)]), *axis[len(group) :])


def _merged_indices(indices: tuple[Basic, ...], group: tuple[Basic, ...], offset: Offset) -> Tuple:
    if not set(group) & set(indices):
        return Tuple(*indices)
    if not set(group) <= set(indices):
        raise Unwritten
    return Tuple(offset, *(index for index in indices if index not in group))


def _of_one(node: Node) -> Node:
    """`node` with no place written of an axis of length 1: the feature of an image, the element of a kernel."""
    if isinstance(node, Part):
        return Part(
            node.operands[0],
            tuple(
                (axis[0]._replace(place=ONLY),) if len(axis) == 1 and axis[0].size == axis[0].place == 1 else axis
                for axis in node.address
            ),
        )
    return node.with_operands(map(_of_one, node.operands)) if node.operands else node


def _merged_address(address: Address, group: tuple[Basic, ...], offset: Offset) -> Address:
    found: list[tuple[Digit, ...]] = []
    places = [axis[0].place if len(axis) == 1 else None for axis in address]
    address, place = tuple(_merged_digits(axis, group, offset) for axis in address), 0
    while place < len(address):
        if tuple(places[place : place + len(group)]) == group:
            found += [(axis[0]._replace(place=offset),) for axis in address[place : place + len(group)]]
            place += len(group)
            continue
        if any(digit.place is not None and digit.place.has(*group) for digit in address[place]):
            raise Unwritten
        found.append(address[place])
        place += 1
    return tuple(found)
