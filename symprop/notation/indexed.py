"""Formulas by their elements, with indices: `sum_i y_i log p_i`. What printers put; never part of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from string import ascii_lowercase
from typing import Any, Self

import sympy
from sympy import Basic, Expr, Tuple
from sympy.core.symbol import Str

from symprop.algebra import nodes as n
from symprop.algebra.nodes import SHAPE, Node
from symprop.algebra.trees import walk
from symprop.notation.precedence import squared_norm


class Element(Node):
    """One element of a variable, `y_i`: what printers put for `y` below a sum sign. Never part of an answer."""

    def __new__(cls, variable: Node, indices: Iterable[Expr]) -> Self:
        return super().__new__(cls, variable, Tuple(*indices))

    @property
    def indices(self) -> tuple[Basic, ...]:
        return tuple(self.args[1].args)


class IndexedSum(Node):
    """A sum over indices, `sum_j p_j`, with letters that differ from those of the sum that it stands in.

    What printers put for a `Sum` inside such a sum. Never part of an answer.
    """

    def __new__(cls, body: Node, indices: Iterable[Expr], shape: Iterable[Expr]) -> Self:
        return super().__new__(cls, body, Tuple(*indices), Tuple(*shape))

    @property
    def indices(self) -> tuple[Expr, ...]:
        return tuple(self.args[1].args)


class IndexedExtreme(Node):
    """The largest or smallest over indices, `max_k S_k A`. What printers put; never part of an answer."""

    def __new__(cls, body: Node, indices: Iterable[Expr], shape: Iterable[Expr], which: Any) -> Self:
        return super().__new__(
            cls, body, Tuple(*indices), Tuple(*shape), which if isinstance(which, Str) else Str(which)
        )

    @property
    def indices(self) -> tuple[Expr, ...]:
        return tuple(self.args[1].args)

    @property
    def which(self) -> str:
        return self.args[3].name


class IndexedFirst(Node):
    """1 where a place is that of the first of the largest or smallest over indices, `1[k = argmax_l S_l A]`.

    What printers put; never part of an answer.
    """

    def __new__(
        cls, body: Node, places: Iterable[Expr], indices: Iterable[Expr], shape: Iterable[Expr], which: Any
    ) -> Self:
        which = which if isinstance(which, Str) else Str(which)
        return super().__new__(cls, body, Tuple(*places), Tuple(*indices), Tuple(*shape), which)

    @property
    def places(self) -> tuple[Expr, ...]:
        return tuple(self.args[1].args)

    @property
    def indices(self) -> tuple[Expr, ...]:
        return tuple(self.args[2].args)

    @property
    def which(self) -> str:
        return self.args[4].name


@SHAPE.row(Element)
def _(node: Element) -> tuple[Expr, ...]:
    return ()


@SHAPE.row(IndexedFirst)
def _(node: IndexedFirst) -> tuple[Expr, ...]:
    return tuple(node.args[3].args)


@SHAPE.row(IndexedSum, IndexedExtreme)
def _(node: IndexedSum | IndexedExtreme) -> tuple[Expr, ...]:
    return tuple(node.args[2].args)


_LETTERS = "ijklprsuvaeho"
"""Indices: those that Unicode can lower and that name no size."""
_DEEPEST = 50  # of a formula that is written by its elements


def indices_beside(node: Node) -> Iterator[sympy.Symbol]:
    """Yield as many indices as one wants that are no names in a formula: i, j, ..., then i1, j1, ..., printed i₁, j₁.

    Where `i` is a name, i₁ is an element of it and no index.
    """
    taken = n.names_in(node)
    free = [letter for letter in _LETTERS if letter not in taken]
    free = free or [letter for letter in ascii_lowercase if letter not in taken] or list(ascii_lowercase)
    names = (f"{letter}{number or ''}" for number in count() for letter in free)
    return (sympy.Symbol(name, integer=True) for name in names if name not in taken)


def elementwise(node: Node) -> tuple[Node, tuple[Expr, ...]] | None:
    """Return one element of an elementwise formula and its indices (`y * log(p)` gives `y_i log(p_i)`), or None.

    Sums inside it get letters of their own, and no letter that is a name in the formula serves as an index.
    """
    if depth_over(node, _DEEPEST):
        return None
    most = sum(part.rank for part in walk(node))
    return _element_of(node, tuple(islice(indices_beside(node), most)))


def _element_of(node: Node, letters: Sequence[Expr]) -> tuple[Node, tuple[Expr, ...]] | None:
    indices, rest = tuple(letters[: node.rank]), letters[node.rank :]

    def element(part: Node) -> Node | None:
        if part.rank == 0:
            return _with_own_letters(part, rest)
        if isinstance(part, n.Fill):
            return n.Scalar(part.value)
        own = indices[len(indices) - part.rank :]
        if isinstance(part, n.Variable):
            return Element(part, _own_indices(part, node, own))
        if isinstance(part, n.Expand) and isinstance(part.operands[0], n.Variable):
            inner = own[: part.axis] + own[part.axis + 1 :]
            return Element(part.operands[0], inner) if 1 not in part.operands[0].shape else None
        if not isinstance(part, n.Elementwise):
            return None
        operands = [element(operand) for operand in part.operands]
        return None if None in operands else part.with_operands(operand for operand in operands if operand is not None)

    inside = element(node) if len(indices) == node.rank else None
    if inside is None or not all(map(inside.has, indices)):  # of an index at nothing, nothing tells how far it goes
        return None
    return inside, indices


def _with_own_letters(part: Node, letters: Sequence[Expr]) -> Node | None:
    """Return a scalar inside an indexed sum with `letters` for the indexed sums in it, or None where they run out."""
    if is_indexed(part):
        if squared_norm(part) is not None:
            return part  # written without indices
        inside = _element_of(part.operands[0], letters)
        if inside is None:
            return part if len(letters) >= part.operands[0].rank else None
        return IndexedSum(*inside, part.shape)
    operands = [_with_own_letters(operand, letters) for operand in part.operands]
    if None in operands:
        return None
    return part if list(part.operands) == operands else part.with_operands(o for o in operands if o is not None)


def is_indexed(node: Node) -> bool:
    """Whether `node` is a sum over all elements, which is written with indices where what it sums is elementwise."""
    if not isinstance(node, n.Sum) or (node.keepdims and node.operands[0].rank > 1):
        return False
    return len(node.axes) == node.operands[0].rank > 0 and not isinstance(node.operands[0], n.Variable)


def _own_indices(part: Node, whole: Node, own: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The indices of `part` in an elementwise formula: an axis of length 1 that is spread stands still."""
    sizes = whole.shape[len(whole.shape) - part.rank :]
    still = [size == 1 and spread != 1 for size, spread in zip(part.shape, sizes, strict=True)]
    return tuple(sympy.Integer(1) if fixed else index for fixed, index in zip(still, own, strict=True))


def depth_over(node: Node, limit: int) -> bool:
    level = [node]
    for _ in range(limit):
        level = [operand for part in level for operand in part.operands][:1000]
        if not level:
            return False
    return True
