"""A weight that is used in several places: its gradient is a sum of outer products, one for each place.

Along a sequence, at the pixels of an image, at the moments of a recurrent network and where weights are tied, the
gradient of one example is `sum over t of outer(b[t], a[t])`: `B' A`, where a row of B and one of A is a place. A weight
that is used once has one place, and vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import added, ones, terms_of, variables
from symprop.calculus.coefficients import coefficient_and_rest
from symprop.calculus.tidy import tidy


@dataclass(frozen=True)
class Places:
    """What is summed in a gradient: derivatives where a weight's products end, and what it multiplies, a row a place.

    Both are vectors where `count` is 1, and `terms` says how many formulas they are put together of.
    """

    left: Node
    right: Node
    count: Expr
    terms: int

    @property
    def total(self) -> Node:
        """The derivatives summed over the places."""
        return self.left if self.left.rank == 1 else tidy(n.Sum(self.left, 0))

    @property
    def mean(self) -> Node:
        """The mean over the places of what the weight multiplies."""
        return self.right if self.right.rank == 1 else tidy(n.Multiply(n.Scalar(1 / self.count), n.Sum(self.right, 0)))

    @property
    def with_ones(self) -> Places:
        """The same where a bias, the last column of the weight, multiplies a 1."""
        beside = ones(1) if self.right.rank == 1 else ones(self.right.shape[0], 1)
        right = n.Concatenate(self.right, beside, axis=self.right.rank - 1)
        return Places(self.left, right, self.count, self.terms)

    @property
    def gradient(self) -> Node:
        """The gradient of one example."""
        if self.left.rank == 1:
            return tidy(n.Outer(self.left, self.right))
        return tidy(n.MatMul(n.Transpose(self.left), self.right))

    def is_bias(self, gradient: Node) -> bool:
        """Whether a gradient is the sum of the derivatives, as that of a bias is."""
        return gradient in (self.total, *self._sums())

    def _sums(self) -> Iterator[Node]:
        """Yield the same sum in other forms: over all pixels, or of each place."""
        if isinstance(self.left, n.Reshape) and self.left.operands[0].shape[-1] == self.left.shape[-1]:
            (whole,) = self.left.operands
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
    if inside.rank != 2 or len(found) < len(pairs) or not found:
        return None
    if len(found) == 1:
        ((left, right),) = found
        return Places(left, right, left.shape[0] if left.rank == 2 else Integer(1), 1)
    left, right = (_below_each_other(rows) for rows in zip(*found, strict=True))
    return Places(left, right, left.shape[0], len(found))


def _pair(term: Node, adjoints: set[Variable]) -> tuple[Node, Node] | None:
    """Return the derivatives in a term of a gradient, and what they are multiplied by."""
    scale, rest = coefficient_and_rest(term)
    match rest:
        case n.Outer(operands=(left, right)):
            pass
        case n.MatMul(operands=(n.Transpose(operands=(left,)), right)) if left.rank == right.rank == 2:
            pass
        case _:
            return None
    if not adjoints.intersection(variables(left)) or adjoints.intersection(variables(right)):
        return None
    return (left if scale == 1 else tidy(n.Multiply(n.Scalar(scale), left))), right


def _below_each_other(rows: Sequence[Node]) -> Node:
    return n.Concatenate(*(n.Expand(each, 0) if each.rank == 1 else each for each in rows), axis=0)


def _vector(part: Node) -> Node:
    return part.operands[0] if isinstance(part, n.Expand) else part
