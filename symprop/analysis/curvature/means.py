"""Means over the examples of a batch, from the formula for one example.

What is the same for all examples stays outside, and a product of vectors becomes one of matrices: the mean of
`outer(x, y)` is `X.T @ Y / m`. What has no such form is written as people do, as a sum over the examples,
`(1/m) sum_i kron(diag(p[i]) - outer(p[i], p[i]), outer(x[i], x[i]))`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

from sympy import Expr, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.batching import batched
from symprop.algebra.equations import Item, System, equations_in
from symprop.algebra.indices import RowIndex
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.sizes import as_expression
from symprop.algebra.table import Table
from symprop.algebra.trees import added, multiplied, parts, replace, variables
from symprop.analysis.curvature.ends import POSITION
from symprop.calculus.chains import links
from symprop.calculus.tidy import tidy

EXAMPLE = Symbol("i", integer=True, positive=True)
"""Numbers the examples, from 1."""


def of_example(variable: Variable) -> Variable:
    """Return what an array of one example is called among those of a batch, `x[i]`."""
    return variable.change(index=(*variable.index, RowIndex(EXAMPLE)))


def array_of(variable: Variable) -> Variable:
    """Return the array of one example of which a variable is row t, `x` of `x[t]`; else itself."""
    index = tuple(part for part in variable.index if part != RowIndex(POSITION))
    is_row = len(index) < len(variable.index)
    return variable.change(index=index, shape=(POSITION, *variable.shape)) if is_row else variable


MEAN = Table("mean over the examples")
"""Rows take a formula for one example, which differs from example to example, and its `Examples`."""


@dataclass(frozen=True)
class Examples:
    """The examples of a batch: `system` is in the layout of the batch, `backward` its equations of the gradients.

    Adjoints of a batch are those of the mean of all losses, `m` times as small as an example's own.
    """

    system: System
    backward: Sequence[Item]

    @cached_property
    def _adjoints(self) -> dict[str, Variable]:
        return {each.name: each.target for each in equations_in(self.backward)}

    @cached_property
    def _known(self) -> Mapping[str, Variable]:
        return {**self.system.by_name, **self._adjoints}

    def mean(self, node: Node) -> Node:
        """Return the mean over the examples of a formula for one."""
        return tidy(self(node))

    def __call__(self, node: Node) -> Node:
        """Return the same, not in tidy form."""
        if not self.moving(node):
            return node
        found: Node = MEAN(node, self)
        return found

    def moving(self, node: Node) -> list[Variable]:
        """Return what a formula reads that differs from example to example."""
        return [each for each in variables(node) if self._known[array_of(each).name].rank > array_of(each).rank]

    def rows(self, node: Node) -> Node:
        """Return a formula for all examples, these along the first axis."""
        known, size, layout = {each: self._known[each.name] for each in self.moving(node)}, *self._batch
        found = batched(node, known, size, layout)
        rows = found if layout == "rows" else n.Transpose(found, (found.rank - 1, *range(found.rank - 1)))
        return tidy(replace(rows, {each: n.Scalar(size) * each for each in self._adjoints.values()}))

    def numbers(self, scalars: Sequence[Node]) -> Node:
        """Return a product of numbers of each example as a vector; where these are of one element, that of vectors."""
        product = multiplied(scalars)
        vectors = {each: each.operands[0] for each in parts(product) if _is_only_element(each)}
        whole = replace(product, vectors)
        return n.Reshape(self.rows(whole), (self.system.batch,)) if whole.shape == (1,) else self.rows(product)

    def is_short(self, *operands: Node) -> bool:
        """Whether formulas differ from example to example, and are made of matrices for all of them."""
        if any(array_of(part) != part for each in operands for part in variables(each)):
            return False  # of one position
        return all(self.moving(each) and all(p.rank < 3 for p in parts(self.rows(each))) for each in operands)

    def over(self, node: Node) -> Node:
        """Return the mean over the examples of an array with these along its first axis."""
        return multiplied([self.share, n.Sum(node, 0)])

    def series(self, node: Node) -> Node:
        """Return the mean as a sum over the examples, `x[i]` being the array `x` of one."""
        each = {moved: of_example(moved) for moved in self.moving(node)}
        adjoints = [new for old, new in each.items() if array_of(old).name in self._adjoints]
        own = {new: n.Scalar(self.system.batch) * new for new in adjoints}
        inside = tidy(replace(replace(node, each), own))
        return multiplied([self.share, n.BlockSum(inside, EXAMPLE, self.system.batch)])

    @property
    def share(self) -> Node:
        """The share that an example has in the mean, 1 / m."""
        return n.Scalar(as_expression(self.system.batch) ** -1)

    @property
    def _batch(self) -> tuple[Expr, str]:
        return self.system.batch, self.system.layout


def _is_only_element(node: Node) -> bool:
    return isinstance(node, n.Take) and node.operands[0].shape == (1,) and not node.operands[1].rank


@MEAN.row(Node)
def _by_kind(node: Node, of: Examples) -> Node:
    return of.over(of.rows(node)) if node.rank < 2 and of.is_short(node) else of.series(node)


@MEAN.row(n.Add)
def _(node: n.Add, of: Examples) -> Node:
    """The terms that have no form of their own stand under one sum."""
    if node.rank < 2:
        return _by_kind(node, of)
    means = [of(each) for each in node.operands]
    apart = [any(isinstance(part, n.BlockSum) for part in _factors(mean)) for mean in means]
    under = [term for term, alone in zip(node.operands, apart, strict=True) if alone]
    rest = [mean for mean, alone in zip(means, apart, strict=True) if not alone]
    return added([*([of.series(added(under))] if under else []), *rest])


def _factors(node: Node) -> Iterable[Node]:
    return node.operands if isinstance(node, n.Multiply) else (node,)


@MEAN.row(n.Multiply)
def _(node: n.Multiply, of: Examples) -> Node:
    moving = [each for each in node.operands if of.moving(each)]
    still = [each for each in node.operands if each not in moving]
    scalars, arrays = ([each for each in moving if bool(each.rank) is wide] for wide in (False, True))
    inside = multiplied(moving)
    match arrays:
        case [array] if array.shape == node.shape and not scalars:
            return multiplied([*still, of(array)])
        case [n.Outer(operands=(x, y)) as outer] if outer.shape == node.shape and of.is_short(x, y, *scalars):
            weights = n.Diag(of.numbers(scalars))
            return multiplied([*still, of.share, reduce(n.MatMul, [n.Transpose(of.rows(x)), weights, of.rows(y)])])
        case [n.Expand(operands=(x,)) | n.Reshape(operands=(x,)) as turned] if (
            turned.shape == node.shape and x.rank == 1
        ):
            return multiplied([*still, turned.with_operands([of(multiplied([*scalars, x]))])])
        case [x] if x.shape == node.shape and x.rank == 1 and of.is_short(x, *scalars):
            return multiplied([*still, of.share, n.MatMul(n.Transpose(of.rows(x)), of.numbers(scalars))])
    if inside.shape != node.shape:
        inside, still = node, []
    return multiplied([*still, _by_kind(inside, of)])


@MEAN.row(n.Outer)
def _(node: n.Outer, of: Examples) -> Node:
    """The mean of x y' is X' Y / m."""
    if not all(map(of.moving, node.operands)):
        return n.Outer(*map(of, node.operands))
    if not of.is_short(*node.operands):
        return of.series(node)
    one, other = map(of.rows, node.operands)
    return multiplied([of.share, n.MatMul(n.Transpose(one), other)])


@MEAN.row(n.Kron)
def _(node: n.Kron, of: Examples) -> Node:
    return of.series(node) if all(map(of.moving, node.operands)) else n.Kron(*map(of, node.operands))


@MEAN.row(n.MatMul)
def _(node: n.MatMul, of: Examples) -> Node:
    """The mean of A f B is A (the mean of f) B."""
    if node.rank < 2:
        return _by_kind(node, of)
    chain = links(node)
    places = [place for place, part in enumerate(chain) if of.moving(part)]
    first, last = places[0], places[-1] + 1
    middle = reduce(n.MatMul, chain[first:last])
    mean = of(middle) if last - first == 1 else of.series(middle)
    return reduce(n.MatMul, [*chain[:first], mean, *chain[last:]])


@MEAN.row(n.Transpose, n.Expand, n.Diag, n.Reshape)
def _(node: Node, of: Examples) -> Node:
    return node.with_operands(map(of, node.operands))
