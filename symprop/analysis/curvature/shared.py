"""A weight that is used in several places: its gradient is a sum of outer products, one for each place.

Along a sequence, at the pixels of an image, at the moments of a recurrent network and where weights are tied, the
gradient of one example is `sum over t of outer(b[t], a[t])`: `B' A`, where a row of B and one of A is a place. A weight
that is used once has one place, and vectors. A convolution in groups has such a product for each group, a first axis of
B and A. A table whose rows ids choose is the transpose of a weight that multiplies one-hot rows: `A' B`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sympy import Expr, Integer, prod

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import added, ones, terms_of, variables
from symprop.calculus.coefficients import coefficient_and_rest
from symprop.calculus.tidy import tidy


@dataclass(frozen=True)
class Places:
    """What is summed in a gradient: derivatives where a weight's products end, and what it multiplies, a row a place.

    Both are vectors where a weight is used once, and have a first axis of groups where their rank is 3; `terms` says
    how many formulas they are put together of.
    """

    left: Node
    right: Node
    count: Expr
    terms: int

    @property
    def ids(self) -> Node | None:
        """The ids that choose rows of a table; None of what is no table."""
        return self.right.operands[0] if isinstance(self.right, n.OneHot) else None

    @property
    def groups(self) -> Expr | None:
        """How many groups there are, None where there is no axis of them."""
        return self.left.shape[0] if self.left.rank == 3 else None

    @property
    def shapes(self) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
        """The shapes of the second moments of what is multiplied, and of derivatives: one-hot rows have a diagonal."""
        groups = () if self.groups is None else (self.groups,)
        first, second = ((*groups, part.shape[-1], part.shape[-1]) for part in (self.right, self.left))
        return first if self.ids is None else self.right.shape[1:], second

    @property
    def as_one(self) -> Places:
        """The same for the derivatives summed over the places, and the mean of what is multiplied."""
        if self.left.rank == 1 or self.ids is not None:
            return self
        total, whole = (tidy(n.Sum(part, part.rank - 2)) for part in (self.left, self.right))
        mean = tidy(n.Multiply(n.Scalar(1 / self.count), whole))
        if self.groups is not None:
            total, mean = (n.Expand(each, 1) for each in (total, mean))
        return Places(total, mean, Integer(1), self.terms)

    @property
    def with_ones(self) -> Places:
        """The same where a bias, the last column of the weight, multiplies a 1."""
        beside = ones(*self.right.shape[:-1], 1)
        return Places(self.left, n.Concatenate(self.right, beside, axis=self.right.rank - 1), self.count, self.terms)

    @property
    def gradient(self) -> Node:
        """The gradient of one example."""
        if self.ids is not None:
            return n.ScatterAdd(self.left, self.ids, self.right.shape[-1])
        if self.left.rank == 1:
            return tidy(n.Outer(self.left, self.right))
        return tidy(n.MatMul(_turned(self.left), self.right))

    def is_bias(self, gradient: Node) -> bool:
        """Whether a gradient is the sum of the derivatives, as that of a bias is."""
        return self.ids is None and gradient in self._sums()

    def _sums(self) -> Iterator[Node]:
        """Yield this sum in all forms: over rows, over all pixels, or of each place."""
        if self.groups is None:
            yield self.left if self.left.rank == 1 else tidy(n.Sum(self.left, 0))
        inside = self.left.operands[0] if isinstance(self.left, n.Transpose) else self.left
        if isinstance(inside, n.Reshape) and inside.operands[0].shape[-1] == prod(inside.shape[1:]):
            (whole,) = inside.operands
            yield tidy(n.Sum(whole, range(whole.rank - 1)))
        if isinstance(self.left, n.Concatenate):
            parts = [_vector(each) for each in self.left.operands]
            yield tidy(added([part if part.rank == 1 else n.Sum(part, 0) for part in parts]))


def places_of(gradient: Node, adjoints: Iterable[Variable]) -> Places | None:
    """Return the places of a gradient of one example, None where it is no sum of outer products.

    `adjoints` are derivatives of the loss; what a weight multiplies reads none of them.

    >>> from symprop.algebra import variable
    >>> delta, x = variable("delta", (3, 2)), variable("x", (3, 4))
    >>> places_of(delta.T @ x, [delta]).count
    3
    """
    known = set(adjoints)
    inside = gradient.operands[0] if isinstance(gradient, n.Reshape) and gradient.rank > 2 else gradient
    pairs = [_pair(term, known) for term in terms_of(inside)]
    found = [each for each in pairs if each is not None]
    if len(found) < len(pairs) or not found:
        return None
    if len(found) == 1:
        ((left, right),) = found
        return Places(left, right, Integer(1) if left.rank == 1 else left.shape[-2], 1)
    if inside.rank != 2 or any(isinstance(right, n.OneHot) for _, right in found):
        return None  # a table that is a weight too: derivatives would stand beside what is multiplied
    left, right = (_below_each_other(rows) for rows in zip(*found, strict=True))
    return Places(left, right, left.shape[0], len(found))


def is_turned(gradient: Node, adjoints: Iterable[Variable]) -> bool:
    """Whether a gradient is a sum of outer products all the same, but with the derivatives on either side of them.

    So is that of a weight that is used as itself and as its transpose, or as a table too.

    >>> from symprop.algebra import variable
    >>> delta, x, a, e = (variable(name, (size,)) for name, size in zip(["delta", "x", "a", "e"], [3, 4, 3, 4]))
    >>> is_turned(n.Outer(delta, x) + n.Outer(a, e), [delta, e])
    True
    """
    known, terms = set(adjoints), terms_of(gradient)
    if gradient.rank != 2 or len(terms) < 2 or places_of(gradient, known) is not None:
        return False
    return all(_pair(each, known) or _pair(tidy(n.Transpose(each)), known) for each in terms)


def _pair(term: Node, adjoints: set[Variable]) -> tuple[Node, Node] | None:
    """Return the derivatives in a term of a gradient, and what they are multiplied by."""
    scale, rest = coefficient_and_rest(term)
    match rest:
        case n.ScatterAdd(operands=(left, ids)) if ids.rank == 1 and left.rank == 2:
            right: Node = n.OneHot(ids, rest.size)
        case n.Outer(operands=(left, right)) if left.rank == right.rank == 1:
            pass
        case n.MatMul(operands=(n.Transpose(operands=(left,)), right)) if left.rank == right.rank == 2:
            pass
        case n.Transpose(axes=(0, 2, 1), operands=(n.MatMul(operands=(right, left)),)) if left.rank == right.rank == 3:
            right = _turned(right)
        case n.Sum(axes=axes, operands=(n.Multiply(operands=(one, other)),)) if axes == tuple(range(len(axes))):
            left, right = (other, one) if adjoints.intersection(variables(other)) else (one, other)
            if right.rank < len(axes) + 2:
                return None
            left, right = _by_channels(left, right, len(axes))
        case _:
            return None
    if not adjoints.intersection(variables(left)) or adjoints.intersection(variables(right)):
        return None
    return (left if scale == 1 else tidy(n.Multiply(n.Scalar(scale), left))), right


def _by_channels(left: Node, right: Node, places: int) -> tuple[Node, Node]:
    """Return the parts of `sum of b[p, c] a[p, c, k]`, a kernel for each channel, as those of groups of one channel."""
    while isinstance(left, n.Expand) and left.rank > places + 1:
        (left,) = left.operands
    count, channels = prod(right.shape[:places]), right.shape[places]
    parts = (
        n.Reshape(left, (count, channels, 1)),
        n.Reshape(right, (count, channels, prod(right.shape[places + 1 :]))),
    )
    first, second = (tidy(n.Transpose(part, (1, 0, 2))) for part in parts)
    return first, second


def _turned(node: Node) -> Node:
    """Return the transpose of a matrix, or of each of a stack."""
    return tidy(n.Transpose(node, (*range(node.rank - 2), node.rank - 1, node.rank - 2)))


def _below_each_other(rows: Sequence[Node]) -> Node:
    return n.Concatenate(*(n.Expand(each, 0) if each.rank == 1 else each for each in rows), axis=0)


def _vector(part: Node) -> Node:
    return part.operands[0] if isinstance(part, n.Expand) else part
