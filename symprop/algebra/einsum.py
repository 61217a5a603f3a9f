"""Sums of products with named axes, `einsum("ij,jk->ik", A, B)`, as the products that a person would write: `A @ B`.

Two arrays at a time are taken together, those first that leave the fewest axes. What one matrix product can say is one;
what none can is an elementwise product with a sum.
"""

from __future__ import annotations

import itertools
import string
from dataclasses import dataclass
from typing import Any

from symprop.algebra import nodes as n
from symprop.algebra.arguments import each_axis, one_axis
from symprop.algebra.array_functions import raveled
from symprop.algebra.folding import product_of
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same, shape_text
from symprop.algebra.sizes import axis_of
from symprop.errors import FormulaError, LimitError, ShapeError, shown

MOST_ARRAYS, MOST_AXES = 16, 8
_LETTERS = string.ascii_letters


@dataclass(frozen=True)
class Labelled:
    """An array with a letter for each axis."""

    node: Node
    letters: str

    def ordered(self, letters: str) -> Node:
        """Return the array with its axes in another order."""
        return self.node.permuted(tuple(map(self.letters.index, letters)))

    def beside(self, letters: str) -> Node:
        """Return the array with its axes in the order of `letters`, of length 1 for those that it lacks."""
        node = self.ordered("".join(each for each in letters if each in self.letters))
        first = min(map(letters.index, self.letters), default=len(letters))
        for place in range(first, len(letters)):
            if letters[place] not in self.letters:
                node = n.Expand(node, place - first)
        return node


def einsum(arrays: tuple[Node, ...], subscripts: Any) -> Node:
    """Return the sum of products that `subscripts` name, `"ij,jk->ik"`; without `->` letters that stand once are kept.

    Raises:
        FormulaError: no letters in quotes, or not a list of letters for each array.
        ShapeError: an axis without a letter, or a letter for axes of different sizes.
        LimitError: more than 16 arrays, or more than 8 axes on the way.
    """
    if not isinstance(subscripts, str):
        raise FormulaError("einsum takes its letters in quotes first, such as einsum('ij,jk->ik', A, B)")
    text = subscripts.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    lists = inputs.split(",")
    if any(letter not in _LETTERS for letter in inputs.replace(",", "") + output):
        raise FormulaError(f"einsum takes letters, commas and one ->, not {shown(subscripts)}")
    if len(lists) != len(arrays):
        raise FormulaError(f"{shown(subscripts)} has letters for {len(lists)} arrays, not for {len(arrays)}")
    if len(arrays) > MOST_ARRAYS:
        raise LimitError(f"einsum of {len(arrays)} arrays; at most {MOST_ARRAYS} are allowed")
    named = [_labelled(node, letters) for node, letters in zip(arrays, lists, strict=True)]
    _checked_sizes(named)
    if not arrow:
        output = "".join(sorted(each for each in dict.fromkeys(inputs) if each in _LETTERS and inputs.count(each) == 1))
    wrong = next((each for each in output if each not in inputs or output.count(each) > 1), None)
    if wrong is not None:
        raise FormulaError(f"{shown(wrong)} stands once behind ->, and before it: {shown(subscripts)}")
    return contraction(named, output)


def _labelled(node: Node, letters: str) -> Labelled:
    if len(letters) != node.rank:
        axes = "1 axis" if len(letters) == 1 else f"{len(letters)} axes"
        raise ShapeError(f"{shown(letters)} names {axes}, of an array of shape {shape_text(node.shape)}")
    return Labelled(node, letters)


def _checked_sizes(named: list[Labelled]) -> None:
    sizes: dict[str, Any] = {}
    for each in named:
        for letter, size in zip(each.letters, each.node.shape, strict=True):
            if not same(sizes.setdefault(letter, size), size):
                raise ShapeError(f"{shown(letter)} is an axis of length {sizes[letter]} and of length {size}")


def contraction(named: list[Labelled], output: str) -> Node:
    """Return the sum over all letters that are not in `output`."""
    parts = [_alone(part, _needed(named, (place,), output)) for place, part in enumerate(named)]
    while len(parts) > 1:
        pairs = itertools.combinations(range(len(parts)), 2)
        left, right = min(pairs, key=lambda pair: _axes_left(parts, pair, output))
        needed = _needed(parts, (left, right), output)
        made = _product(parts[left], parts[right], needed)
        parts = [made if place == left else part for place, part in enumerate(parts) if place != right]
    return parts[0].ordered(output)


def _needed(parts: list[Labelled], apart: tuple[int, ...], output: str) -> str:
    """Return the letters of the result and of all arrays but those at some places."""
    return output + "".join(part.letters for place, part in enumerate(parts) if place not in apart)


def _axes_left(parts: list[Labelled], pair: tuple[int, int], output: str) -> tuple[int, bool]:
    """Return how many axes the product of a pair has, and whether nothing is summed in it."""
    needed = _needed(parts, pair, output)
    left, right = (parts[place].letters for place in pair)
    summed = any(letter in right and letter not in needed for letter in left)
    return len({letter for letter in left + right if letter in needed}), not summed


def _alone(part: Labelled, needed: str) -> Labelled:
    """Take the diagonal where a letter stands twice in one array, and sum over what nothing else has."""
    node, letters = part.node, part.letters
    while repeated := next((each for each in letters if letters.count(each) > 1), ""):
        first, second = letters.index(repeated), letters.rindex(repeated)
        if node.rank == 2:
            node = n.Diagonal(node)
        else:
            frame = Labelled(n.Identity(node.shape[first]), "12")
            places = "".join({first: "1", second: "2"}.get(place, "-") for place in range(node.rank))
            node = n.Sum(n.Multiply(node, frame.beside(places)), second)
        letters = letters[:second] + letters[second + 1 :]
    axes = tuple(place for place, letter in enumerate(letters) if letter not in needed)
    kept = "".join(letter for letter in letters if letter in needed)
    return Labelled(n.Sum(node, axes) if axes else node, kept)


def _product(left: Labelled, right: Labelled, needed: str) -> Labelled:
    """Return the product of two arrays, summed over the letters that both have and nothing else needs."""
    shared = "".join(letter for letter in left.letters if letter in right.letters)
    summed = "".join(letter for letter in shared if letter not in needed)
    batch = "".join(letter for letter in shared if letter in needed)
    rows = "".join(letter for letter in left.letters if letter not in shared)
    columns = "".join(letter for letter in right.letters if letter not in shared)
    if len(batch + rows + columns + summed) > MOST_AXES:
        raise LimitError(
            f"einsum over {len(batch + rows + columns + summed)} axes at once; at most {MOST_AXES} are allowed"
        )
    if len(summed) == 1 and not batch and 1 == len(rows) == len(columns) and columns + rows in needed:
        left, right, rows, columns = right, left, columns, rows  # `B @ A.T`, not `(A @ B.T).T`
    if len(summed) == 1 and ((not batch and len(columns) < 2) or (1 == len(rows) == len(columns))):
        factors = left.ordered(batch + rows + summed), right.ordered(batch + summed + columns)
        return Labelled(n.MatMul(*factors), batch + rows + columns)
    if len(summed) == 1 and not batch and len(rows) < 2:
        factors = left.ordered(rows + summed), right.ordered(columns[:-1] + summed + columns[-1])
        return Labelled(n.MatMul(*factors), columns[:-1] + rows + columns[-1])
    if len(summed) == 2 and not batch + rows + columns and left.letters != right.letters:
        return Labelled(n.Sum(n.Diagonal(n.MatMul(left.node, right.node))), "")
    if not shared and 1 == len(rows) == len(columns):
        swapped = columns + rows in needed
        pair = (right, left) if swapped else (left, right)
        return Labelled(n.Outer(*(each.node for each in pair)), "".join(each.letters for each in pair))
    kept = _in_order(batch + rows + columns, needed, left.letters)
    product = product_of([left.beside(kept + summed), right.beside(kept + summed)])
    axes = tuple(range(len(kept), len(kept + summed)))
    return Labelled(n.Sum(product, axes) if axes else product, kept)


def _in_order(letters: str, needed: str, first: str) -> str:
    """Return letters in the order in which one array has them that has all, else in that of the result."""
    return first if sorted(first) == sorted(letters) else "".join(sorted(letters, key=needed.index))


def tensordot(a: Node, b: Node, axes: Any = 2) -> Node:
    """Return the sum of products over the last axes of `a` and the first of `b`, or over the axes that are named.

    Raises:
        FormulaError: no such axes, or not as many of one array as of the other.
    """
    if isinstance(axes, tuple):
        if len(axes) != 2:
            raise FormulaError(f"axes are a number, or a pair of axes of both arrays, not {axes}")
        pairs = each_axis(axes[0]), each_axis(axes[1])
    else:
        count = one_axis(axes)
        if not 0 <= count <= min(a.rank, b.rank):
            raise FormulaError(f"{count} axes of arrays of shapes {shape_text(a.shape)} and {shape_text(b.shape)}")
        pairs = tuple(range(a.rank - count, a.rank)), tuple(range(count))
    return _over(a, b, *pairs)


def _over(a: Node, b: Node, axes_a: tuple[int, ...], axes_b: tuple[int, ...]) -> Node:
    """Return the sum of products over pairs of axes; the others of `a` and then those of `b` are left."""
    if len(axes_a) != len(axes_b):
        raise FormulaError(f"{len(axes_a)} axes of one array, and {len(axes_b)} of the other")
    letters_a, letters_b = _LETTERS[: a.rank], list(_LETTERS[a.rank : a.rank + b.rank])
    places_a, places_b = ([axis_of(axis, node.rank) for axis in axes] for node, axes in ((a, axes_a), (b, axes_b)))
    if len(set(places_a)) < len(places_a) or len(set(places_b)) < len(places_b):
        raise FormulaError("an axis is given twice")
    for left, right in zip(places_a, places_b, strict=True):
        letters_b[right] = letters_a[left]
    named = [Labelled(a, letters_a), Labelled(b, "".join(letters_b))]
    _checked_sizes(named)
    shared = set(letters_a) & set(letters_b)
    return contraction(named, "".join(each for each in (*letters_a, *letters_b) if each not in shared))


def dot(a: Node, b: Node) -> Node:
    """Return the matrix product; with a scalar the product, of three axes the last of `a` with the second of `b`."""
    if not (a.rank and b.rank):
        return product_of([a, b])
    if a.rank < 3 and b.rank < 3:
        return n.MatMul(a, b)
    return _over(a, b, (-1,), (-min(2, b.rank),))


def inner(a: Node, b: Node) -> Node:
    """Return the sum of products over the last axis of both arrays."""
    return _over(a, b, (-1,), (-1,)) if a.rank and b.rank else product_of([a, b])


def vdot(a: Node, b: Node) -> Node:
    """Return the sum of the products of all elements, in row-major order.

    Raises:
        ShapeError: not as many elements in one as in the other.
    """
    if a.shape == b.shape:
        return inner(a, b) if a.rank < 2 else n.Sum(n.Multiply(a, b))
    return n.MatMul(raveled(a), raveled(b))
