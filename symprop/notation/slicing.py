"""What a formula is at places of some of its axes: the search, and the table that `slices.py` fills."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations

import sympy
from sympy import Basic, Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.means import Mean, is_statistic
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same
from symprop.algebra.table import Table
from symprop.algebra.trees import variables, walk
from symprop.errors import ShapeError
from symprop.notation.digits import Unwritten, digits
from symprop.notation.indexed import Element, IndexedSum, indices_beside
from symprop.notation.places import Address, Digit, Part, Stack, joined, kept_shape, labels, runs
from symprop.notation.places_written import is_counted

SLICES = Table("slices")
"""What a node is at an address; a kind without a row is written whole, of operands that are."""


class Slicer:
    """Finds what nodes of a formula are at addresses, with indices that are no names in it.

    At an address of a node are arrays of a rank of at most `most`; where axes of length 1 stand `still`, none is kept.
    """

    def __init__(self, whole: Node, joins: bool = False, most: int = 2, still: bool = False) -> None:
        self.named = any(each.named for each in variables(whole))  # whether sums in terms may have the same index
        self.joins = joins  # whether the pixels of an image may be the rows of one matrix
        self.most, self.still = most, still
        self.more = indices_beside(whole)
        self.indices: list[sympy.Symbol] = []
        self.used = 0
        self.sizes: list[Expr] = []

    def letter(self, size: Expr) -> Expr:
        """Return the next index."""
        if self.used == len(self.indices):
            self.indices.append(next(self.more))
        self.sizes[self.used :] = [size]
        self.used += 1
        return self.indices[self.used - 1]

    def __call__(self, node: Node, address: Address) -> Node:
        """Return what `node` is at an address.

        Raises:
            Unwritten: it is no matrix, vector or number there, or has no notation.
        """
        shape = kept_shape(address)
        if len(shape) > self.most or (is_statistic(node) and any(size != 1 for size in shape)):
            raise Unwritten
        whole = len(shape) == node.rank and not any(digit.place for axis in address for digit in axis)
        if whole and not needs_places(node):
            return node
        found = SLICES(node, address, self) if type(node) in SLICES else of_wholes(node, whole, self)
        if len(found.shape) != len(shape) or not all(map(same, found.shape, shape)):
            raise Unwritten  # what was spread over an axis stands at a place of it
        return found

    def placed(self, sizes: Iterable[Iterable[Expr]], chosen: Sequence[int]) -> Address:
        """Return axes of these digits with a new index at the chosen digits, counted over all axes."""
        count = iter(range(1000))
        axes = [[(size, next(count) in chosen) for size in axis] for axis in sizes]
        return tuple(tuple(Digit(size, self.place(size, at)) for size, at in axis) for axis in axes)

    def place(self, size: Expr, chosen: bool) -> Expr | None:
        """Return where a digit stands: at a new index where it is chosen, at the only place there is, or nowhere."""
        if self.still and size == 1:
            return Integer(1)
        return self.letter(size) if chosen else None

    def in_order(self, found: Node, node: Node) -> Node:
        """Return what was found with the indices in the order of the axes, so that equations count alike.

        Where windows are, places of what is made come first: `yᵢ = Σⱼ wⱼ x[i + j - 1]`.
        """
        arrays = sorted(variables(node), key=lambda each: -each.rank)
        sizes = list(dict.fromkeys(size for each in arrays for size in each.shape))
        place = {size: number for number, size in enumerate(sizes)}
        made = [digit.place for axis in found.address for digit in axis] if isinstance(found, Stack) else []
        made = made if any(isinstance(part, n.Windowed) for part in walk(node)) else []
        order = sorted(
            range(self.used),
            key=lambda used: (self.indices[used] not in made, place.get(self.sizes[used], len(sizes)) * (not made)),
        )
        return renamed(found, {self.indices[old]: self.indices[new] for new, old in enumerate(order)})

    def summed(self, sizes: Sequence[Sequence[Expr]], write: Callable[[Address], Node], plain: bool = False) -> Node:
        """Return the sum over axes that are contracted: over as few as possible by an index, the rest in `write`.

        A `plain` sum, of what is written at each place, rather has an index than columns, `Σᵢ aᵢ₁` for `A[:, 1]ᵀ 𝟏`.
        """
        before, best = self.used, None
        for chosen in choices(sum(map(len, sizes))):
            if best is not None and len(chosen) > best[1] and best[0][0] < 1 and not (plain and best[0][2]):
                break  # else it was written with `vec`, where letters say more
            self.used = before
            try:
                inner = self.placed(sizes, chosen)
                inner = joined(inner, range(len(inner))) if self.joins else inner
                body = write(inner)
            except (Unwritten, ShapeError):
                continue
            arranged, columns = signs(body) if self.named or plain else (0, 0)
            cost = (arranged, self.used + columns * plain, columns)
            if best is None or cost < best[0]:
                best = cost, len(chosen), (inner, body), self.sizes[: self.used]
            if not (self.named or (plain and columns)):
                break
        if best is None:
            raise Unwritten
        (inner, body), self.sizes, self.used = best[2], best[3], len(best[3])
        summed = [digit for axis in inner for digit in axis if digit.place is not None]
        indices = [digit.place for digit in summed if digit.place is not None and is_counted(digit, body)]
        open_ends = [digit for digit in reversed(summed) if digit.place not in indices]
        for digit in (each for each in open_ends if each.size != 1 or body.has(each.place)):
            body = n.BlockSum(body, digit.place, digit.size)  # says how many there are
        return IndexedSum(body, indices, body.shape) if indices else body


def signs(node: Node) -> tuple[int, int]:
    """Return how often a formula puts elements into another shape, and how often something stands at a place of a later
    axis, all of one before it being kept: `P[:, i]`."""
    parts = list(walk(node))
    places = (part for part in parts if isinstance(part, (Part, Stack)))
    return sum(isinstance(part, n.Reshape) for part in parts), sum(":" in labels(part.address) for part in places)


def renamed(node: Node, names: dict[Basic, Basic]) -> Node:
    """Return `node` with indices exchanged, those of series too, which `xreplace` leaves as they are bound."""
    if not node.operands:
        return node.xreplace(names)
    return node.func(*(renamed(part, names) if isinstance(part, Node) else part.xreplace(names) for part in node.args))


def choices(count: int) -> Iterator[tuple[int, ...]]:
    """Yield which of so many digits get an index: few before many, the first before the last."""
    for size in range(count + 1):
        yield from combinations(range(count), size)


def needs_places(node: Node) -> bool:
    """Whether matrix notation cannot write a formula as it stands.

    >>> from symprop.algebra import variable
    >>> P, Q = variable("P", (2, 3, 4)), variable("Q", (2, 4, 5))
    >>> needs_places(P @ Q), needs_places(P * 2 + P), needs_places(n.Reshape(P, (24,)))
    (True, False, False)
    """
    parts = tuple(walk(node))
    if len(parts) == 1 or not any(len(part.shape) > 2 or _is_awkward(part) for part in parts):
        return False  # as nearly always
    return any(map(_is_awkward, parts)) and not any(isinstance(part, _WRITTEN) for part in parts)


_WRITTEN = (Part, Stack, Element, IndexedSum)
_BY_ELEMENTS = (n.Add, n.Multiply, n.Power, n.Map, n.Compare, n.Where)


def _is_awkward(node: Node) -> bool:
    if isinstance(node, n.ScatterAdd) or is_statistic(node) or _is_row(node):
        return True
    if isinstance(node, Mean):
        return not (node.is_total or node.is_of_batch or node.is_of_places)
    if max((node.rank, *(operand.rank for operand in node.operands))) < 3 or type(node) not in SLICES:
        return False
    if isinstance(node, (n.Windowed, n.Pad, n.Flip)):
        return (
            isinstance(node, n.Windowed) and node.selection is not None
        )  # else each has a name, by which it is written alone
    if isinstance(node, _BY_ELEMENTS):  # without axes that are spread
        return any(operand.rank and operand.shape != node.shape for operand in node.operands)
    if isinstance(node, n.Sum):
        return node.rank > 0
    return not isinstance(node, (n.Variable, n.Fill)) and not (isinstance(node, n.Reshape) and node.rank == 1)


def _is_row(node: Node) -> bool:
    """Whether a formula is one row or column that was cut out of what has a formula or is a derivative.

    What somebody chose of an array stays in its brackets, `X[:, 2]`.
    """
    if not isinstance(node, (n.Reshape, n.Sum)) or node.rank != 1 or node.operands[0].rank != 2:
        return False
    inside = node.operands[0]
    cut = inside.operands[0] if isinstance(inside, n.Slice) else None
    if 1 not in inside.shape or (isinstance(cut, n.Variable) and not cut.is_gradient):
        return False
    return any(isinstance(part, n.Slice) for part in walk(inside))


def at(variable: n.Variable, address: Address) -> Node:
    """The variable at an address: an element of it where every axis stands at one place.

    Raises:
        Unwritten: of an axis something is kept that is no block of it.
    """
    if any(sorted(axis, key=lambda digit: digit.place is None) != list(axis) for axis in address):
        raise Unwritten
    single = all(len(axis) == 1 and axis[0].place is not None for axis in address)
    if single and not is_statistic(variable):
        return Element(variable, [axis[0].place for axis in address if axis[0].place is not None])
    for run in runs(address):
        longer = [axis for axis in run if variable.shape[axis] != 1]
        if len(longer) > 1 and longer[-1] > variable.rows:
            raise Unwritten  # nobody says that these axes are those of rows
    return Part(variable, address)


def of_wholes(node: Node, whole: bool, of: Slicer) -> Node:
    if not whole:
        raise Unwritten
    return node.with_operands([of(operand, _whole(operand)) for operand in node.operands])


def _whole(node: Node) -> Address:
    return tuple(tuple(map(Digit, axis)) for axis in digits(node))
