"""Norms of the gradient of each example on its own, without forming these gradients.

For one example a gradient is a product of few arrays, such as `outer(delta, a)`, and its squared norm is a product of
theirs, `|delta|^2 |a|^2`; of a sequence, whose gradient is a sum over its positions, it is a sum over pairs of them
(Goodfellow, *Efficient per-example gradient computations*, 2015; Li et al., *Large language models can be strong
differentially private learners*, 2022, which calls it ghost clipping). Differential privacy and influence need these
norms alone.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace

from sympy import Expr, Integer, Symbol

from symprop.algebra import nodes as n
from symprop.algebra.batching import batched
from symprop.algebra.equations import Equation, Item, Step, System, equations_in
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Node, Variable, names_in, unused_index
from symprop.algebra.table import PairTable
from symprop.algebra.trees import added, is_zero, terms_of, variables, walk
from symprop.algebra.trees import replace as put
from symprop.analysis.curvature.along import Along, check_whole
from symprop.analysis.curvature.steps import AtAnyStep, in_batch, in_loops, over_loops
from symprop.analysis.flops import operations
from symprop.calculus.coefficients import coefficient_and_rest, scaled
from symprop.calculus.tidy import tidy
from symprop.calculus.walk import derive_system
from symprop.errors import SpecError

QUESTION = "per_example_norms"

INNER = PairTable("inner product")
"""The inner product of two arrays of one shape from what they are made of; None where that is no cheaper."""


def dot(x: Node, y: Node) -> Node:
    """Return the sum of the products of the elements of two arrays."""
    if x.rank == 1 and x != y:
        return n.MatMul(x, y)
    product = n.Power(x, 2) if x == y else n.Multiply(x, y)
    return n.Sum(product) if product.rank else product


@INNER.row(n.Outer, n.Outer)
def _(left: n.Outer, right: n.Outer) -> Node:
    """<u v', s t'> = (u s) (v t)."""
    (u, v), (s, t) = left.operands, right.operands
    return n.Multiply(dot(u, s), dot(v, t))


@INNER.row(n.Outer, n.Variable)
def _(left: n.Outer, right: Variable) -> Node:
    """<u v', M> = u' M v."""
    u, v = left.operands
    return n.MatMul(u, n.MatMul(right, v))


@INNER.row(n.BlockSum, Node)
def _(left: n.BlockSum, right: Node) -> Node | None:
    """<sum_t F(t), M> = sum_t <F(t), M>: of two sums it is one over pairs of moments, or of blocks."""
    series = _apart(left, right)
    return _by_terms(series, known(series.operands[0], right), dot(left, right))


@INNER.row(Node, n.BlockSum)
def _(left: Node, right: n.BlockSum) -> Node | None:
    """<M, sum_s F(s)> = sum_s <M, F(s)>."""
    series = _apart(right, left)
    return _by_terms(series, known(left, series.operands[0]), dot(left, right))


def _apart(series: n.BlockSum, other: Node) -> n.BlockSum:
    """Return a series whose index another formula does not read."""
    if series.index not in other.free_symbols:
        return series
    index = Symbol("s", integer=True, positive=True)
    index = unused_index(series, other) if index.name in names_in(series, other) else index
    return n.BlockSum(series.at(index), index, series.count)


def _by_terms(series: n.BlockSum, term: Node | None, formed: Node) -> Node | None:
    """Return the series of an inner product, where that is cheaper."""
    if term is None:
        return None
    found = n.BlockSum(term, series.index, series.count)
    return found if _is_cheaper(found, formed) else None


@INNER.row(n.Concatenate, n.Concatenate)
def _(left: n.Concatenate, right: n.Concatenate) -> Node | None:
    """Parts that stand at the same place meet each other."""
    pairs = [*zip(left.operands, right.operands, strict=False)]
    if left.axis != right.axis or any(one.shape != other.shape for one, other in pairs):
        return None
    return added([inner(*pair) for pair in pairs])


@INNER.row(n.MatMul, n.MatMul)
def _(left: n.MatMul, right: n.MatMul) -> Node | None:
    """<A' B, C' D> = sum((A C') * (B D')), a sum over pairs of positions, where these are few."""
    turned = [each.operands[0] for each in (left, right)]
    if any(not isinstance(each, n.Transpose) or each.rank != 2 for each in turned):
        return None
    a, c = (each.operands[0] for each in turned)
    b, d = left.operands[1], right.operands[1]
    if b.rank != 2 or d.rank != 2:
        return None
    found = n.Sum(n.Multiply(n.MatMul(a, n.Transpose(c)), n.MatMul(b, n.Transpose(d))))
    return found if _is_cheaper(found, dot(left, right)) else None


@INNER.row(n.ScatterAdd, n.ScatterAdd)
def _(left: n.ScatterAdd, right: n.ScatterAdd) -> Node | None:
    """Rows that were added to one row of a table meet each other: the sum over pairs of positions with one id."""
    values, ids = left.operands
    if ids.rank != 1 or ids != right.operands[1]:
        return None
    alike = n.Compare("==", n.Expand(ids, 1), n.Expand(ids, 0))
    return n.Sum(n.Multiply(n.MatMul(values, n.Transpose(right.operands[0])), alike))


@INNER.row(n.Reshape, n.Reshape)
def _(left: n.Reshape, right: n.Reshape) -> Node | None:
    """Elements in another order have the same products."""
    (x,), (y,) = left.operands, right.operands
    return inner(x, y) if x.shape == y.shape else None


def _is_cheaper(found: Node, formed: Node) -> bool:
    """Whether a form has no more operations than the arrays themselves; where sizes are names, it is taken."""
    return (operations(found).total - operations(formed).total).is_positive is not True


def known(x: Node, y: Node) -> Node | None:
    """Return the inner product of two arrays from what they are made of; None where that is no cheaper."""
    pairs = [*_pairs(x, y)]
    if len(pairs) == 1 and pairs[0][0] == 1:
        found: Node | None = INNER(x, y)
        return INNER(y, x) if found is None and x != y else found
    products = [(scale, known(one, other), dot(one, other)) for scale, one, other in pairs]
    if all(product is None for _, product, _ in products):
        return None
    whole = added([scaled(scale, plain if product is None else product) for scale, product, plain in products])
    return whole if _is_cheaper(whole, dot(x, y)) else None


def _pairs(x: Node, y: Node) -> Iterator[tuple[Expr, Node, Node]]:
    """Yield the pairs of terms of two sums, each with the number of times that it counts."""
    ones, others = ([coefficient_and_rest(term) for term in terms_of(each)] for each in (x, y))
    for place, (c, one) in enumerate(ones):
        for number, (d, other) in enumerate(others):
            if x != y or number >= place:
                yield c * d * (2 if x == y and number > place else 1), one or n.Scalar(1), other or n.Scalar(1)


def inner(x: Node, y: Node) -> Node:
    """Return the inner product of two arrays of one shape, from what they are made of where that is cheaper."""
    found = known(x, y)
    return dot(x, y) if found is None else found


def squared_norm(gradient: Node) -> Node:
    """Return the squared norm of an array.

    >>> from symprop.algebra import variable
    >>> delta, a = variable("delta1", (3,)), variable("a", (4,))
    >>> print(squared_norm(n.Outer(delta, a)).text())
    sum(delta1 * delta1) * sum(a * a)
    """
    return tidy(inner(gradient, gradient))


def norms_of_examples(example: System, system: System, backward: Iterable[Item]) -> Along:
    """Return the equations of the norm of each example's own gradient, in the layout of a `system`.

    `example` is the same system for one example, `backward` has the equations of the gradients in the layout. The
    gradient is that of the loss of the example alone, with what penalties add to it, so that in a batch the adjoints
    are `m` times those of the mean.

    Raises:
        SpecError: examples are joined by a mean over the batch, so that none has a gradient of its own; or
            backpropagation is truncated.
    """
    check_whole(example)
    if example.joins_examples:
        raise SpecError(
            "layers take means over the examples of a batch, so that no example has a gradient of its own\n"
            "allowed: a network without statistics over the batch, or evaluation=True"
        )
    found = {each.target: each.expression for each in equations_in(derive_system(example)[0])}
    gradients = [(parameter, found.get(gradient_of(parameter), n.Scalar(0))) for parameter in example.wanted]
    held = {loop.index for loop in example.loops if loop.remat is not None}
    norms = [_norm_of(parameter, gradient, held) for parameter, gradient in gradients if not is_zero(gradient)]
    squares = added([over_loops(each.target, example) for each in norms])
    total = Variable("norms", (), ())
    asked = [*norms, Equation(total, n.Power(squares, Integer(1) / 2), note="the norm of each example's gradient")]
    if system.batch is not None:
        asked = _of_batch(asked, system, backward)
    results = (asked[-1].target,)
    return Along("norms of gradients of examples", QUESTION, (), in_loops(asked, example), results, whole=True)


def _norm_of(parameter: Variable, gradient: Node, held: Container[Symbol]) -> Equation:
    """Return the equation of the squared norm of the gradient of one parameter.

    Pairs of moments want all of them at once: over a loop that keeps few, whose index is `held`, it is formed.
    """
    before = dot(gradient, gradient)
    is_formed = any(isinstance(part, n.BlockSum) and part.index in held for part in walk(gradient))
    after = before if is_formed else squared_norm(gradient)
    steps = (Step("norm of a product", before, after),) if after != before else ()
    note = f"the squared norm of the gradient of {parameter.name}"
    return Equation(gradient_of(parameter).norm, after, steps, note=note)


def _of_batch(asked: list[Equation], system: System, backward: Iterable[Item]) -> list[Equation]:
    """Return equations of one example for a batch; there adjoints are those of the mean of all losses."""
    there = replace(system, items=(*system.items, *backward)).by_name
    known = AtAnyStep({each: each for each in there.values()})
    behind = AtAnyStep({each: True for name, each in there.items() if name not in system.by_name})
    mapping: dict[Variable, Variable] = {}
    told: list[Equation] = []
    for equation in asked:
        for each in variables(equation.expression):
            alike = known.find(each)
            if alike is not None and alike.rank > each.rank:  # running statistics are the same for all examples
                mapping[each] = in_batch(each, system.layout)
        expression = batched(equation.expression, mapping, system.batch, system.layout)
        adjoint = [each for each in variables(expression) if behind.find(each)]
        whole: dict[Node, Node] = {each: n.Multiply(n.Scalar(system.batch), each) for each in adjoint}
        target = equation.target.change(shape=(system.batch,))
        mapping[equation.target] = target
        told.append(replace(equation, target=target, expression=tidy(put(expression, whole)), steps=()))
    return told
