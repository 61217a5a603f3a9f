"""Small mistakes: formulas that differ from a given one at a single place, as a slip of the pen would.

`EDITS` has a row for each kind of slip. Each gives, for one part of a formula, what may have been meant instead; a part
whose new shape does not fit is left out by the shapes themselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import sympy
from sympy import Integer, prod

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import multiplied, variables
from symprop.errors import SympropError

MOST_EDITS, MOST_WORK = 600, 20_000
"""How many edits are tried, and how many nodes they may have together."""


@dataclass(frozen=True)
class Edit:
    """A formula with `new` in place of `old` at one place."""

    node: Node
    old: Node
    new: Node


Slip = Callable[[Node, Node], Iterable[Node] | None]
"""Takes a part and the whole formula; gives what may have been meant instead of the part."""


def _transposed(part: Node, whole: Node) -> Iterator[Node]:
    if part.rank == 2 and part.constant is None and not isinstance(part, (n.Identity, n.Diag)):
        yield part.operands[0] if part.untransposed is not part else n.Transpose(part)


@for_kinds(n.Sum)
def _other_axes(part: n.Sum, whole: Node) -> Iterator[Node]:
    rank = part.operands[0].rank
    for count in range(1, rank + 1):
        for axes in itertools.combinations(range(rank), count):
            if axes != part.axes:
                yield n.Sum(part.operands[0], axes, part.keepdims)


@for_kinds(n.Softmax, n.LogSumExp)
def _other_axis(part: n.Softmax | n.LogSumExp, whole: Node) -> Iterator[Node]:
    for axis in range(part.operands[0].rank):
        if axis != part.axis:
            yield part.func(part.operands[0], axis, *part.args[2:])


@for_kinds(n.Sum)
def _mean_for_sum(part: n.Sum, whole: Node) -> Iterator[Node]:
    count = prod(part.operands[0].shape[axis] for axis in part.axes)
    yield n.Multiply(n.Scalar(1 / count), part)
    yield n.Multiply(n.Scalar(count), part)


@for_kinds(n.MatMul, n.Outer, n.Kron)
def _other_order(part: Node, whole: Node) -> Iterator[Node]:
    left, right = part.operands
    yield part.func(right, left)


@for_kinds(n.MatMul)
def _by_elements(part: n.MatMul, whole: Node) -> Iterator[Node]:
    if part.rank:
        yield n.Multiply(*part.operands)


@for_kinds(n.Multiply)
def _as_matrices(part: n.Multiply, whole: Node) -> Iterator[Node]:
    if part.rank == 2 and len(part.operands) == 2 and all(factor.rank for factor in part.operands):
        yield from itertools.starmap(n.MatMul, itertools.permutations(part.operands))


@for_kinds(n.Add)
def _other_sign(part: n.Add, whole: Node) -> Iterator[Node]:
    for place, term in enumerate(part.operands):
        yield n.Add(*part.operands[:place], n.negative(term), *part.operands[place + 1 :])


@for_kinds(n.Map)
def _other_sign_inside(part: n.Map, whole: Node) -> Iterator[Node]:
    if len(part.operands) == 1:
        yield part.with_operands([n.negative(part.operands[0])])


@for_kinds(n.Add, n.Multiply)
def _one_less(part: n.Add | n.Multiply, whole: Node) -> Iterator[Node]:
    for place in range(len(part.operands)):
        rest = part.operands[:place] + part.operands[place + 1 :]
        yield rest[0] if len(rest) == 1 else part.func(*rest)


@for_kinds(n.MatMul, n.Map, n.Power)
def _left_out(part: Node, whole: Node) -> Iterator[Node]:
    """A factor or a function less."""
    if isinstance(part, n.MatMul) or len(part.operands) == 1:
        yield from part.operands


@for_kinds(n.Power)
def _other_exponent(part: n.Power, whole: Node) -> Iterator[Node]:
    """A power inverted, one more or one less."""
    for exponent in (-part.exponent, part.exponent + 1, part.exponent - 1, 2 * part.exponent, part.exponent / 2):
        if exponent != 0:
            yield part.operands[0] if exponent == 1 else n.Power(part.operands[0], exponent)


@for_kinds(n.Multiply)
def _below_the_line(part: n.Multiply, whole: Node) -> Iterator[Node]:
    for place, factor in enumerate(part.operands):
        if factor.number is None and not isinstance(factor, n.Power):
            yield multiplied([*part.operands[:place], n.Power(factor, Integer(-1)), *part.operands[place + 1 :]])


def _other_number(part: Node, whole: Node) -> Iterator[Node]:
    """Another number, `1 / d` for `1 / sqrt(d)`, `n - 1` for `n`."""
    if part.number is not None and part.number != 0:
        value, sizes = part.number, sorted(part.number.free_symbols, key=str)
        others = [value**2, sympy.sqrt(value), 1 / value, -value, 2 * value, value / 2]
        others += [value.subs(size, size + step) for size in sizes for step in (-1, 1)]
        yield from (n.Scalar(other) for other in others if other.is_real and other.is_finite is not False)


@for_kinds(n.Slice)
def _other_slice(part: n.Slice, whole: Node) -> Iterator[Node]:
    """A slice that begins and ends one place before or behind."""
    for step in (-1, 1):
        start, stop = part.start + step, part.stop + step
        if not start.is_negative:
            yield n.Slice(part.operands[0], part.axis, start, stop)


@for_kinds(n.Variable)
def _other_variable(part: n.Variable, whole: Node) -> Iterator[Node]:
    yield from (each for each in variables(whole) if each != part and each.rank == part.rank)


EDITS: tuple[Slip, ...] = (
    _other_axes,
    _other_axis,
    _transposed,
    _mean_for_sum,
    _other_order,
    _by_elements,
    _as_matrices,
    _other_sign,
    _other_sign_inside,
    _other_exponent,
    _below_the_line,
    _other_number,
    _other_slice,
    _one_less,
    _left_out,
    _other_variable,
)
"""The kinds of slip, the most common first."""


def edits(node: Node, shape: tuple[object, ...]) -> Iterator[Edit]:
    """Yield formulas of the given shape that differ from `node` at one place, the most common slips first.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("A @ x", A="n n", x="n").node
    >>> [edit.node.text() for edit in edits(f, f.shape)]
    ['A.T @ x', 'x @ A', 'x']
    """
    count, most = 0, max(1, min(MOST_EDITS, MOST_WORK // node.weight))
    seen = {node}
    places = list(_places(node))
    for slip in EDITS:
        for path, part in places:
            for new in _fitting(slip, part, node):
                edited = _put(node, path, new)
                if edited is None or edited in seen or edited.shape != shape:
                    continue
                seen.add(edited)
                yield Edit(edited, part, new)
                count += 1
                if count == most:
                    return


def _fitting(slip: Slip, part: Node, whole: Node) -> list[Node]:
    try:
        return list(slip(part, whole) or ())
    except SympropError:  # the first that does not fit ends the row: its others would have the same shapes
        return []


Place = tuple[int, ...]


def _places(node: Node, place: Place = ()) -> Iterator[tuple[Place, Node]]:
    yield place, node
    for position, operand in enumerate(node.operands):
        yield from _places(operand, (*place, position))


def _put(node: Node, place: Place, part: Node) -> Node | None:
    """Return `node` with another part at a place; None where it does not fit."""
    if not place:
        return part
    operands = list(node.operands)
    inner = _put(operands[place[0]], place[1:], part)
    if inner is None:
        return None
    operands[place[0]] = inner
    try:
        return node.with_operands(operands)
    except SympropError:
        return None
