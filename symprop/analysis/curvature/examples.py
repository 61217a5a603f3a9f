"""Norms of the gradient of each example on its own, without forming these gradients.

For one example a gradient is a product of few arrays, such as `outer(delta, a)`, and its squared norm is a product of
theirs, `|delta|^2 |a|^2`; of a sequence, whose gradient is a sum over its positions, it is a sum over pairs of them
(Goodfellow, *Efficient per-example gradient computations*, 2015; Li et al., *Large language models can be strong
differentially private learners*, 2022, which calls it ghost clipping). Differential privacy and influence need these
norms alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce

from sympy import Integer

from symprop.algebra import nodes as n
from symprop.algebra.batching import batched
from symprop.algebra.equations import Equation, Item, Step, System, equations_in, loops_in
from symprop.algebra.indices import placed
from symprop.algebra.names import gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import PairTable
from symprop.algebra.trees import added, is_zero, terms_of, variables
from symprop.algebra.trees import replace as put
from symprop.analysis.curvature.along import Along, check_whole
from symprop.analysis.curvature.tangents import at_any_moment
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


@INNER.row(n.MatMul, n.MatMul)
def _(left: n.MatMul, right: n.MatMul) -> Node | None:
    """<A' B, C' D> = sum((A C') * (B D')), a sum over pairs of positions, where these are few."""
    turned = [each.operands[0] for each in (left, right)]
    if any(not isinstance(each, n.Transpose) or each.rank != 2 for each in turned):
        return None
    a, c = (each.operands[0] for each in turned)
    b, d = left.operands[1], right.operands[1]
    if b.rank != 2 or d.rank != 2 or not _is_cheaper(a, b):
        return None
    return n.Sum(n.Multiply(n.MatMul(a, n.Transpose(c)), n.MatMul(b, n.Transpose(d))))


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


def _is_cheaper(a: Node, b: Node) -> bool:
    """Whether pairs of positions are fewer than elements of the gradient; where sizes are names, they are taken."""
    positions, wide, other = a.shape[0], a.shape[1], b.shape[1]
    fewer = positions * (wide + other) <= wide * other
    return bool(fewer) if fewer in (True, False) else True


def inner(x: Node, y: Node) -> Node:
    """Return the inner product of two arrays of one shape, from what they are made of where that is cheaper."""
    found: Node | None = INNER(x, y)
    if found is None and x != y:
        found = INNER(y, x)
    return dot(x, y) if found is None else found


def squared_norm(gradient: Node) -> Node:
    """Return the squared norm of an array.

    >>> from symprop.algebra import variable
    >>> delta, a = variable("delta1", (3,)), variable("a", (4,))
    >>> print(squared_norm(n.Outer(delta, a)).text())
    sum(delta1 * delta1) * sum(a * a)
    """
    terms = [coefficient_and_rest(term) for term in terms_of(gradient)]
    if len(terms) > 1 and any(rest is None or INNER(rest, rest) is None for _, rest in terms if not _is_plain(rest)):
        return dot(gradient, gradient)
    products: list[Node] = []
    for place, (c, x) in enumerate(terms):
        for other, (d, y) in enumerate(terms[place:], start=place):
            twice = 1 if other == place else 2
            products.append(scaled(twice * c * d, inner(x or n.Scalar(1), y or n.Scalar(1))))
    return tidy(added(products))


def _is_plain(node: Node | None) -> bool:
    return isinstance(node, Variable) and node.rank == 2


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
    norms = [_norm_of(parameter, gradient) for parameter, gradient in gradients if not is_zero(gradient)]
    squares = added([_over_loops(each.target, example) for each in norms])
    total = Variable("norms", (), ())
    asked = [*norms, Equation(total, n.Power(squares, Integer(1) / 2), note="the norm of each example's gradient")]
    if system.batch is not None:
        asked = _of_batch(asked, system, backward)
    results = (asked[-1].target,)
    return Along("norms of gradients of examples", QUESTION, (), tuple(asked), results, whole=True)


def _over_loops(norm: Variable, example: System) -> Node:
    """Return the sum of a squared norm over the steps of a loop in which a parameter has one of each step, `W[l]`."""
    loops = [loop for loop in example.loops if any(part.has(loop.index) for part in norm.index)]
    return reduce(lambda total, loop: n.BlockSum(total, loop.index, loop.count), loops[::-1], norm)


def _norm_of(parameter: Variable, gradient: Node) -> Equation:
    """Return the equation of the squared norm of the gradient of one parameter."""
    before = dot(gradient, gradient)
    after = squared_norm(gradient)
    steps = (Step("norm of a product", before, after),) if after != before else ()
    note = f"the squared norm of the gradient of {parameter.name}"
    return Equation(gradient_of(parameter).norm, after, steps, note=note)


def _of_batch(asked: list[Equation], system: System, backward: Iterable[Item]) -> list[Equation]:
    """Return equations of one example for a batch; there adjoints are those of the mean of all losses."""
    moved = [each for loop in loops_in(backward) for each in (*loop.reads, *loop.writes)]
    found = [each for rows in moved for each in (rows.row, rows.array)]
    found += [each.target for each in equations_in(backward)]
    adjoints = {each.name: each for each in found if each.name not in system.by_name}
    known = {**system.by_name, **adjoints}
    at_moments = {_of_moments(each): each for each in known.values()}
    behind = set(map(_of_moments, adjoints.values()))
    mapping: dict[Variable, Variable] = {}
    told: list[Equation] = []
    for equation in asked:
        read = [each for each in variables(equation.expression) if each not in mapping]
        there = {}
        for each in read:  # running statistics are the same for all examples
            alike = at_moments.get(_of_moments(each), each).change(index=each.index)
            there[each] = known.get(each.name, alike)
        mapping |= {each: batch for each, batch in there.items() if batch.shape != each.shape}
        expression = batched(equation.expression, mapping, system.batch, system.layout)
        adjoint = [each for each in variables(expression) if _of_moments(each) in behind]
        whole: dict[Node, Node] = {each: n.Multiply(n.Scalar(system.batch), each) for each in adjoint}
        target = equation.target.change(shape=(system.batch,))
        mapping[equation.target] = target
        told.append(replace(equation, target=target, expression=tidy(put(expression, whole)), steps=()))
    return told


def _of_moments(variable: Variable) -> tuple[str, bool]:
    """What a variable is called, whatever its moment, and if it has one; a loop over one moment is read at that."""
    return at_any_moment(variable).name, bool(placed(variable.index)[1])
