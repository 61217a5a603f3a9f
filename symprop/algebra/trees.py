"""Trees of nodes: arrays of one number, sums and products of a list, the walk over a tree, replacing parts of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sympy import Dummy, Expr, Symbol, prod

from symprop.algebra.nodes import (
    Add,
    BlockSum,
    Compare,
    Concatenate,
    Extreme,
    Fill,
    Linear,
    Map,
    Multiply,
    Node,
    Power,
    Product,
    Reshape,
    Scalar,
    Slice,
    Softmax,
    Structural,
    Sum,
    Take,
    Transpose,
    Variable,
    Where,
    names_in,
    unused_index,
)


def is_element(node: Node) -> bool:
    """Whether `node` takes one place along an axis, `x[0]`: a slice of length 1 whose axis is summed away."""
    inner = node.operands[0] if isinstance(node, Sum) and not node.keepdims else None
    return isinstance(inner, Slice) and node.axes == (inner.axis,) and inner.stop - inner.start == 1


def ones(*shape: Any) -> Node:
    """Return an array of ones of this shape; with no sizes, the scalar 1.

    >>> ones(2, 3).shape
    (2, 3)
    """
    return Fill(1, shape) if shape else Scalar(1)


def zeros(*shape: Any) -> Node:
    """Return an array of zeros of this shape; with no sizes, the scalar 0."""
    return Fill(0, shape) if shape else Scalar(0)


def softmax(x: Node, axis: int) -> Node:
    """Return the softmax along an axis; over one class it is 1.

    >>> from symprop.algebra.names import variable
    >>> [softmax(variable("x", (size,)), 0).text() for size in (2, 1)]
    ['softmax(x)', 'ones((1,))']
    """
    return ones(*x.shape) if x.shape[axis] == 1 else Softmax(x, axis)


def is_zero(node: Node) -> bool:
    """Whether `node` is written as zero (a number or a fill)."""
    return node.constant == 0


def is_ones(node: Node) -> bool:
    """Whether `node` is written as ones (a number or a fill)."""
    return node.constant == 1


def comparison(condition: Node) -> Compare:
    """Return a condition as a comparison: a number holds where it is not 0."""
    return condition if isinstance(condition, Compare) else Compare("!=", condition, Scalar(0))


_WHOLE_OF_WHOLE = (Add, Multiply, Structural, Reshape, Concatenate, Sum, Take)


def is_whole(ids: Node) -> bool:
    """Whether all elements are whole numbers: an index, a whole number, their sums and products, parts of these."""
    if isinstance(ids, Variable):
        return "index" in ids.facts_by_kind
    if ids.constant is not None:
        return bool(ids.constant.is_integer)
    return isinstance(ids, _WHOLE_OF_WHOLE) and all(map(is_whole, ids.operands))


def may_be_whole(node: Node) -> bool:
    """Whether NumPy's value may be an array of whole numbers or of comparisons, whose arithmetic is another."""
    match node:
        case Variable() | Scalar() | Fill():
            return is_whole(node)
        case Power():
            return bool(node.exponent.is_integer and node.exponent.is_nonnegative) and may_be_whole(node.operands[0])
        case Map():
            counts = {parameter: Dummy(integer=True, nonnegative=True) for parameter in node.function.parameters}
            whole = node.function.definition.xreplace(counts).is_integer
            return bool(whole) and all(map(may_be_whole, node.operands))
        case Where():
            return all(map(may_be_whole, node.operands[1:]))
        case Take():
            return may_be_whole(node.operands[0])
    linear = isinstance(node, (Add, Linear, Product, Extreme, Concatenate)) and bool(node.operands)
    return isinstance(node, Compare) or (linear and all(map(may_be_whole, node.operands)))


def added(terms: Sequence[Node]) -> Node:
    """Return the sum of one or more terms, with broadcasting; one alone is itself.

    >>> from symprop.algebra import variable
    >>> a = variable("a", (3,))
    >>> added([a]) == a, added([a, ones(3)]).shape
    (True, (3,))

    Raises:
        ShapeError: the terms do not broadcast.
    """
    return terms[0] if len(terms) == 1 else Add(*terms)


def multiplied(factors: Sequence[Node]) -> Node:
    """Return the elementwise product of one or more factors, with broadcasting; one alone is itself.

    Raises:
        ShapeError: the factors do not broadcast.
    """
    return factors[0] if len(factors) == 1 else Multiply(*factors)


def terms_of(node: Node) -> tuple[Node, ...]:
    """Return the terms of a sum; anything else is one term."""
    return node.operands if isinstance(node, Add) else (node,)


def factors_of(node: Node) -> tuple[Node, ...]:
    """Return the factors of an elementwise product; anything else is one factor."""
    return node.operands if isinstance(node, Multiply) else (node,)


def numbers_apart(factors: Iterable[Node]) -> tuple[Expr, list[Node]]:
    """Return the product of the numbers among some factors, and the others.

    >>> from symprop.algebra import variable
    >>> numbers_apart([Scalar(2), variable("x", (3,)), Scalar(5)])
    (10, [x])
    """
    numbers, others = [], []
    for factor in factors:
        if factor.number is None:
            others.append(factor)
        else:
            numbers.append(factor.number)
    return prod(numbers), others


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and all nodes below it, parents first, operands in order."""
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(top.operands[::-1])


def has_kind(node: Node, *kinds: type[Node]) -> bool:
    """Whether a node of one of these kinds or traits stands in `node`; those that are alike are asked once.

    >>> from symprop.algebra import variable
    >>> has_kind(variable("W", (2, 3)).T, Transpose), has_kind(variable("W", (2, 3)).T, Sum)
    (True, False)
    """
    common = node.pattern[0]
    if kinds not in common.answers:
        common.answers[kinds] = any(issubclass(kind, kinds) for kind in common.kinds)
    found: bool = common.answers[kinds]
    return found


def joins_examples(node: Node) -> bool:
    """Whether a mean over the examples of a batch stands in `node`."""
    return any(kind.joins_examples for kind in node.pattern[0].kinds if issubclass(kind, Node))


def transposes(*nodes: Node) -> int:
    """Return how many transposes stand in these nodes."""
    return sum(isinstance(part, Transpose) for node in nodes for part in walk(node))


@lru_cache(maxsize=20_000)
def unordered(node: Node) -> Hashable:
    """Return what is the same for two nodes that differ in nothing but the order of their terms and factors.

    >>> from symprop.algebra import variable
    >>> x, y = variable("x", (2,)), variable("y", (2,))
    >>> unordered(x * y + x) == unordered(x + y * x)
    True
    """
    if not node.operands:
        return node
    inside = [unordered(operand) for operand in node.operands]
    if isinstance(node, (Add, Multiply)):
        return (type(node), frozenset(Counter(inside).items()))
    return (type(node), *inside, *(part for part in node.args if part not in node.operands))


def variables(node: Node) -> tuple[Variable, ...]:
    """Return the variables in `node`, each once, in order of appearance.

    >>> from symprop.algebra import variable
    >>> W, x = variable("W", (2, 3)), variable("x", (3,))
    >>> [part.name for part in variables(W @ x + W @ x)]
    ['W', 'x']
    """
    return node.reads


def parts(node: Node) -> Iterable[Node]:
    """Return `node` and all nodes below it in the order of `walk`, what is shared only once."""
    found: dict[Node, None] = {}
    stack = [node]
    while stack:
        top = stack.pop()
        if top not in found:
            found[top] = None
            stack.extend(top.operands[::-1])
    return found


def replace(node: Node, mapping: Mapping[Node, Node]) -> Node:
    """Return `node` with whole sub-nodes replaced; inside a series what comes in may read its index.

    Raises:
        ShapeError: a node above a replaced one no longer fits; shapes are checked again on the way up.
    """
    if node in mapping:
        return mapping[node]
    operands = node.operands
    new = tuple(replace(operand, mapping) for operand in operands)
    return node if new == operands else node.with_operands(new)


def series_apart(node: Node, given: Sequence[Variable]) -> Node:
    """Return `node` with another index for each series whose index is called like something in `given`.

    >>> from symprop.algebra import nodes, variable
    >>> s, i = variable("s"), Symbol("i", integer=True, positive=True)
    >>> print(series_apart(nodes.BlockSum(s**i, i, 3), [variable("i")]).text())
    sum([s**j for j in range(1, 4)])
    """
    indices = {part.index.name for part in walk(node) if isinstance(part, BlockSum)}
    taken = names_in(*given) if indices else indices
    if taken.isdisjoint(indices):
        return node
    operands = tuple(series_apart(operand, given) for operand in node.operands)
    node = node if operands == node.operands else node.with_operands(operands)
    if isinstance(node, BlockSum) and node.index.name in taken:
        index = unused_index(node, *given)
        node = BlockSum(node.at(index), index, node.count)
    return node


def loose(after: Node, *before: Node) -> tuple[Symbol, ...]:
    """Return the symbols that `after` reads and nothing in `before` does: indices that no series of `after` binds.

    >>> from symprop.algebra import nodes, variable
    >>> s, i = variable("s"), Symbol("i", integer=True, positive=True)
    >>> loose(s**i, s), loose(nodes.BlockSum(s**i, i, 3), s)
    ((i,), ())
    """
    found = after.free_symbols.difference(*(each.free_symbols for each in before))
    return tuple(sorted((symbol for symbol in found if isinstance(symbol, Symbol)), key=str)) if found else ()
