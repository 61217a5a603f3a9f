"""What a page says of images and of the matrices that select their pixels: the geometry of each layer, worked out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from sympy import Expr, Mul, Symbol, expand, oo

from symprop.algebra import nodes as n
from symprop.algebra.equations import System
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.sizes import size_text
from symprop.algebra.trees import has_kind, walk
from symprop.algebra.window_sizes import Arithmetic
from symprop.notation.places import ONLY, Address, Digit, Offset, Part, Pixel, labels
from symprop.notation.selections import is_identity, is_selection, matrix_of
from symprop.notation.words import Dimensions, Words

K = Offset("k", integer=True)


class Geometry(NamedTuple):
    """How windows lie in an array: axis by axis a size, stride and dilation; what stands outside is -oo or 0."""

    steps: tuple[tuple[Expr, int, int], ...]
    before: tuple[Expr, ...]
    lengths: tuple[Expr, ...]
    counts: tuple[Expr, ...]
    is_below: bool

    def places(self, at: Iterable[Symbol], offset: Iterable[Symbol]) -> list[Expr]:
        """Return the place along each axis that a window reads at an offset."""
        axes = zip(self.steps, at, offset, self.before, strict=True)
        return [expand(s * i + d * u - (s + d - 1) - before) for (_, s, d), i, u, before in axes]

    @property
    def leaves(self) -> bool:
        """Whether a window reads what is outside."""
        axes = zip(self.steps, self.before, self.lengths, self.counts, strict=True)
        ends = (length - s * (count - 1) - d * (size - 1) + low for (size, s, d), low, length, count in axes)
        return any(low != 0 for low in self.before) or any((end - 1).is_negative for end in ends)


def about_images(system: System, written: Iterable[Node]) -> Iterator[Words]:
    """Say what stands for an image, what each layer with windows selects of it, and what a weight is at an offset."""
    yield from _matrices_of_pixels(system)
    found: dict[Geometry, list[Part]] = {}
    formulas = (equation.expression for equation in system.equations)
    windowed = (each for each in formulas if has_kind(each, n.Windowed))
    for node in (node for formula in windowed for node in walk(formula)):
        if isinstance(node, n.Windowed) and node.selection is not None and not is_identity(node):
            named, matrix = found.setdefault(_geometry(node, node.selection), []), matrix_of(node, K)
            named += [matrix] * (matrix not in named)
    for number, (geometry, named) in enumerate(found.items()):
        yield _selects(geometry, named, number == 0)
    parts = [part for node in written for part in walk(node) if isinstance(part, Part) and not is_selection(part)]
    weights = ((part, _placed(part.address)) for part in parts if _has_offset(part.address) and not _is_gradient(part))
    for weight, placed in islice((each for each in weights if labels(each[0].address) != labels(each[1])), 1):
        yield (weight, " is ", Part(weight.operands[0], placed), ".")
    places = (axis[0].place for part in parts for axis in part.address)
    if (pixel := next((place for place in places if isinstance(place, Pixel)), None)) is not None:
        A = Variable("A", (), (2, 2))
        row = Part(A, ((Digit(A.shape[0], pixel),), (Digit(A.shape[1]),)))
        yield (row, f" is row {pixel} of ", A, ", that of one pixel; what is said of it holds of each.")


def other_selections(before: Node, after: Node) -> Iterator[Words]:
    """Say what windows select in the second of two formulas that look the same, where it is not what they did."""
    ours, theirs = (
        [each for each in walk(node) if isinstance(each, n.Windowed) and each.selection is not None]
        for node in (before, after)
    )
    for one, other in zip(ours, theirs, strict=False):
        if one.selection is not None and other.selection is not None:
            was, now = _geometry(one, one.selection), _geometry(other, other.selection)
            if (was.steps, was.before) != (now.steps, now.before):
                yield _selects(now, [matrix_of(other, K)], False)


def _matrices_of_pixels(system: System) -> Iterator[Words]:
    arrays = (*system.inputs, *(equation.target for equation in system.equations))
    image = next((each for each in arrays if each.rank > 2 and each.rows >= 0), None)
    if image is None or image.rows == 0:
        return
    batch = system.layout == "rows"
    each = "pixels" if image.rows > batch else "positions"
    whole = "A batch is the matrix of all its" if batch else "An image is the matrix of its"
    shape = Mul(*image.shape[: image.rows + 1]), *image.shape[image.rows + 1 :]
    alike = "; what selects of one example selects of each alike." if batch else "."
    yield (f"{whole} {each}, a row of features for each: ", image, " is of shape ", Dimensions(shape), alike)


def _geometry(node: n.Windowed, chosen: n.Selection) -> Geometry:
    operand = node.operands[0]
    counts = (operand if isinstance(node, n.Fold) else node).shape
    steps = tuple((size, stride, dilation) for _, size, stride, dilation in node.steps)
    below = isinstance(operand, n.Pad) and operand.value == -oo
    return Geometry(steps, chosen.before, chosen.lengths, tuple(counts[axis] for axis in node.axes), below)


def _selects(geometry: Geometry, named: list[Part], first: bool) -> Words:
    """The sentence on one geometry: `row (i, j) of Sₖ A is A[2 i + u − 2, 2 j + v − 2]`."""
    count = len(geometry.counts)
    at = [Symbol(letter, integer=True) for letter in "ijlpqrs"[:count]]
    offset = [K] if count == 1 else [Symbol(letter, integer=True) for letter in "uvwstxy"[:count]]
    image = Variable("A", (), (*geometry.lengths, Symbol("n", integer=True, positive=True)))
    places = zip(geometry.lengths, geometry.places(at, offset), strict=True)
    pixel = Part(image, (*((Digit(size, place),) for size, place in places), (Digit(image.shape[-1]),)))
    what, row = "position" if count == 1 else "pixel", Arithmetic(_tuple(at))
    k = Arithmetic("k" if count == 1 else f"k = {_tuple(offset)}")
    says = (f" select{'s' * (len(named) == 1)} a {what} for each window ", row, ", the one at offset ", k, ": ")
    products = [n.MatMul(matrix, image.change(shape=(matrix.shape[1], image.shape[-1]))) for matrix in named]
    outside: Words = (", ", Arithmetic("−∞" if geometry.is_below else "0"), " outside") if geometry.leaves else ()
    sizes = Arithmetic(f"{_sizes(geometry.lengths)} → {_sizes(geometry.counts)}")
    return (
        *((*_listed(named), *says) if first else ()),
        *("row " if first else "Row ", row, " of ", *_listed(products[:1] if first else products), " is ", pixel),
        *outside,
        *(" (windows of ", Arithmetic(_sizes(size for size, _, _ in geometry.steps)), "; ", sizes, ")."),
    )


def _listed(parts: Sequence[Node]) -> Words:
    """Parts as a sentence has them: `S₁, S₂ and S₃`."""
    ends = [", "] * (len(parts) - 2) + [" and "] * (len(parts) > 1)
    return (parts[0], *(word for end, part in zip(ends, parts[1:], strict=True) for word in (end, part)))


def _sizes(sizes: Iterable[Expr]) -> str:
    return " × ".join(map(size_text, sizes))


def _tuple(letters: Sequence[Symbol]) -> str:
    return str(letters[0]) if len(letters) == 1 else f"({', '.join(map(str, letters))})"


def _is_gradient(part: Part) -> bool:
    return any(isinstance(each, Variable) and each.is_gradient for each in part.operands)


def _is_offset(digit: Digit) -> bool:
    return isinstance(digit.place, Offset) and digit.place != ONLY and not isinstance(digit.place, Pixel)


def _has_offset(address: Address) -> bool:
    return any(_is_offset(digit) for axis in address for digit in axis)


def _placed(address: Address) -> Address:
    """An address with what an offset stands for, place by place, other axes being kept: `W₁[:, u, v]`."""
    letters = iter("uvwstxy" if sum(_is_offset(axis[0]) for axis in address) > 1 else "k")
    return tuple(
        (axis[0]._replace(place=Symbol(next(letters), integer=True)),)
        if _is_offset(axis[0])
        else tuple(digit._replace(place=None) if digit.place == ONLY else digit for digit in axis)
        for axis in address
    )
