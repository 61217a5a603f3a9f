"""Proofs for every size: two formulas as sums of products of elements with indices, brought to one form.

`(A @ B).T` at `[i, j]` is `sum_k A[j, k] B[k, i]`, and so is `B.T @ A.T`: associativity, distribution, transposes,
traces, diagonals and broadcasting are what indices say. The table `SUMS` has a row for each kind of node that has such
a meaning; any other kind is an atom that is known by its operands. Elementwise functions are what their definitions
say, in exponentials where they are.

Reference: the index calculus of Laue, Mitterreiter and Giesen, "Computing Higher Order Derivatives of Matrix and
Tensor Expressions" (NeurIPS 2018).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.index_maps import AXES
from symprop.algebra.named_numbers import unnamed
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.calculus.coefficients import same_shape
from symprop.errors import LimitError
from symprop.formulas.compare.sums.functions import exponential, logarithm, power
from symprop.formulas.compare.sums.monomials import Atom, Key, Place, in_order, key
from symprop.formulas.compare.sums.over_indices import summed
from symprop.formulas.compare.sums.products import (
    BUDGET,
    Budget,
    Sum,
    added,
    multiplied,
    number,
    product,
    scaled,
    single,
)
from symprop.formulas.compare.sums.scalars import RELATIONS, opposite, scalar

SUMS = Table("sum of products")
"""Rows take a node, a place along each of its axes, and the `Elements` of its operands."""

Places = tuple[Place, ...]
LARGEST_POWER = 6


def same_sums(first: Node, second: Node) -> bool:
    """Whether two formulas are one sum of products of elements, for every size.

    They are then equal wherever both have a value. False says nothing.

    >>> from symprop.algebra.formula import formula
    >>> arrays = {"A": "n n", "B": "n n", "x": "n"}
    >>> f, g = (formula(text, **arrays).node for text in ("x @ (A @ B) @ x", "trace(outer(B @ x, A.T @ x))"))
    >>> same_sums(f, g)
    True
    """
    if not same_shape(first, second):
        return False
    BUDGET.set(Budget())
    places = tuple(Place(f"f{axis}") for axis in range(first.rank))
    try:
        of = Elements()
        difference = added([of(first, places), scaled(Integer(-1), of(second, places))])
        return not _over_one_denominator(difference)
    except LimitError:
        return False


def _over_one_denominator(of: Sum) -> Sum:
    """Multiply by the sums that stand below the line, wherever they stand: what is then 0 was 0."""
    for _ in range(LARGEST_POWER):
        below: dict[Any, Fraction] = {}
        for monomial in of:
            for factor, each in monomial:
                if isinstance(factor, Atom) and factor.head == "base" and each < 0:
                    below[factor] = min(below.get(factor, each), each)
        if not below:
            break
        raised = [(factor, -least) for factor, least in below.items()]
        of = added(scaled(coefficient, product([*monomial, *raised])) for monomial, coefficient in of.items())
    return of


class Elements:
    """Gives elements of nodes as sums of products, and remembers them; names each index that is summed anew."""

    def __init__(self) -> None:
        self.fresh = (f"t{place}" for place in itertools.count())
        self._known: dict[tuple[Node, Places], Sum] = {}

    def __call__(self, node: Node, places: Places) -> Sum:
        """Return the element of a node at some places."""
        asked = (node, places)
        if asked not in self._known:
            self._known[asked] = SUMS(node, places, self)
        return self._known[asked]

    def along(self, node: Node, places: Places, axes: Sequence[int]) -> Sum:
        """Return the sum over axes of a node; `places` are those along its other axes."""
        inner = {axis: "" if node.shape[axis] == 1 else next(self.fresh) for axis in axes}
        rest = iter(places)
        found = self(node, tuple(Place(inner[axis]) if axis in inner else next(rest) for axis in range(node.rank)))
        axes = [axis for axis in axes if inner[axis]]
        for axis in reversed(axes):
            found = summed(found, inner[axis], node.shape[axis], self.fresh)
        return found

    def opaque(self, node: Node, places: Places) -> Sum:
        """Return an element of a node of which nothing more is known: its operands and what stands beside them tell."""
        beside = [str(each) for each in node.args if not isinstance(each, n.Node)]
        inside = tuple(self.whole(each) for each in node.operands)
        shapes = [str(each.shape) for each in node.operands]
        return single(Atom(" ".join((type(node).__name__, *beside, *shapes)), places, inside))

    def whole(self, node: Node, turned: bool = False) -> Key:
        """Return a whole array as an operand, or its transpose."""
        axes = range(node.rank)
        return key(self(node, tuple(Place(f"a{axis}") for axis in (reversed(axes) if turned else axes))).items())


def spread(places: Places, shape: Sequence[Expr]) -> Places:
    """Return the places of an operand that broadcasts."""
    last = places[len(places) - len(shape) :]
    return tuple(Place("") if size == 1 else place for place, size in zip(last, shape, strict=True))


@SUMS.row(n.Node)
def _(node: Node, places: Places, of: Elements) -> Sum:
    return of.opaque(node, places)


@SUMS.row(n.Variable)
def _(node: n.Variable, places: Places, of: Elements) -> Sum:
    facts = {kind: value for kind, value in node.facts_by_kind.items() if kind in TRAITS or kind == "sums to 1"}
    traits = [kind for kind in facts if kind in TRAITS]
    if "one-hot" in node.facts_by_kind:
        traits.append("bits")
    if "sums to 1" in facts:
        axis = int(facts["sums to 1"])
        traits.append(f"sums to 1 {axis} {node.shape[axis]}")
    return single(in_order(Atom(f"variable {node.name}", places, (), tuple(sorted({*traits})))))


TRAITS = ("symmetric", "nonnegative", "positive", "bits", "signs", "orthogonal")
"""What a variable may be known to be that products ask for."""


@SUMS.row(n.Scalar, n.Fill)
def _(node: n.Scalar | n.Fill, places: Places, of: Elements) -> Sum:
    if node.value.is_finite is False:
        raise LimitError("an infinite number is no coefficient")
    return number(unnamed(node.value))


@SUMS.row(n.Identity)
def _(node: n.Identity, places: Places, of: Elements) -> Sum:
    return single(in_order(Atom(f"delta {node.shape[0]}", places, (), ("symmetric",))))


@SUMS.row(n.Add)
def _(node: n.Add, places: Places, of: Elements) -> Sum:
    return added(of(each, spread(places, each.shape)) for each in node.operands)


@SUMS.row(n.Multiply)
def _(node: n.Multiply, places: Places, of: Elements) -> Sum:
    found = number(Integer(1))
    for each in node.operands:
        found = multiplied(found, of(each, spread(places, each.shape)))
    return found


@SUMS.row(n.Power)
def _(node: n.Power, places: Places, of: Elements) -> Sum:
    inside, exponent = of(node.operands[0], places), unnamed(node.exponent)
    if exponent.is_Rational:
        return power(inside, Fraction(int(exponent.p), int(exponent.q)))
    return single(Atom(f"power {exponent}", (), (key(inside.items()),)))


@SUMS.row(n.MatMul)
def _(node: n.MatMul, places: Places, of: Elements) -> Sum:
    left, right = node.operands
    column = places[len(places) - 1 :] if right.rank > 1 else ()
    before = places[: len(places) - len(column)]
    row = before[len(before) - 1 :] if left.rank > 1 else ()
    leading = before[: len(before) - len(row)]
    index = next(of.fresh) if left.shape[-1] != 1 else ""
    one = of(left, (*spread(leading, left.shape[:-2]), *row, Place(index)))
    other = of(right, (*spread(leading, right.shape[:-2]), Place(index), *column))
    both = multiplied(one, other)
    return summed(both, index, left.shape[-1], of.fresh) if index else both


@SUMS.row(n.Outer)
def _(node: n.Outer, places: Places, of: Elements) -> Sum:
    left, right = node.operands
    return multiplied(of(left, places[:1]), of(right, places[1:]))


@SUMS.row(n.Structural)
def _(node: n.Structural, places: Places, of: Elements) -> Sum:
    moved = node.index_map
    found = [_moved(place, places) for place in moved.places]
    if moved.leaving or any(each is None for each in found):
        return of.opaque(node, places)
    return of(node.operands[0], tuple(each for each in found if each is not None))


def _moved(place: Expr, places: Places) -> Place | None:
    """Return an affine place in one index of the result as a place; None for one in several."""
    expanded = sympy.expand(place)
    axes = [axis for axis in range(len(places)) if expanded.has(AXES[axis])]
    if not axes:
        return Place("", 1, expanded)
    scale = expanded.coeff(AXES[axes[0]])
    if len(axes) > 1 or not scale.is_Integer:
        return None
    at, offset = places[axes[0]], expanded.xreplace({AXES[axes[0]]: Integer(0)})
    return Place(at.along, int(scale) * at.scale, scale * at.offset + offset)


@SUMS.row(n.Sum)
def _(node: n.Sum, places: Places, of: Elements) -> Sum:
    kept = tuple(each for axis, each in enumerate(places) if axis not in node.axes) if node.keepdims else places
    return of.along(node.operands[0], kept, node.axes)


@SUMS.row(n.Diag)
def _(node: n.Diag, places: Places, of: Elements) -> Sum:
    return multiplied(of(n.Identity(node.shape[0]), places), of(node.operands[0], places[:1]))


@SUMS.row(n.OneHot)
def _(node: n.OneHot, places: Places, of: Elements) -> Sum:
    (ids,) = node.operands
    if ids.number is None:
        return of.opaque(node, places)
    at = (places[0], Place("", 1, ids.number))
    return single(in_order(Atom(f"delta {node.size}", at, (), ("symmetric",))))


@SUMS.row(n.Take)
def _(node: n.Take, places: Places, of: Elements) -> Sum:
    table, ids = node.operands
    index, rank = next(of.fresh), ids.rank
    chosen = of(n.OneHot(ids, table.shape[0]), (*places[:rank], Place(index)))
    rows = of(table, (Place(index), *places[rank:]))
    return summed(multiplied(chosen, rows), index, table.shape[0], of.fresh)


@SUMS.row(n.Softmax)
def _(node: n.Softmax, places: Places, of: Elements) -> Sum:
    (operand,) = node.operands
    below = of.along(FUNCTIONS["exp"](operand), places[: node.axis] + places[node.axis + 1 :], (node.axis,))
    return multiplied(exponential(of(operand, places)), power(below, Fraction(-1)))


@SUMS.row(n.LogSumExp)
def _(node: n.LogSumExp, places: Places, of: Elements) -> Sum:
    kept = places[: node.axis] + places[node.axis + 1 :] if node.keepdims else places
    return logarithm(of.along(FUNCTIONS["exp"](node.operands[0]), kept, (node.axis,)))


@SUMS.row(n.MatrixPower)
def _(node: n.MatrixPower, places: Places, of: Elements) -> Sum:
    (base,), exponent = node.operands, node.exponent
    if not (exponent.is_Integer and 0 <= exponent <= LARGEST_POWER):
        return of.opaque(node, places)
    found: Node = n.Identity(base.shape[0])
    for _ in range(int(exponent)):
        found = n.MatMul(found, base)
    return of(found, places)


@SUMS.row(n.LogDeterminant)
def _(node: n.LogDeterminant, places: Places, of: Elements) -> Sum:
    return logarithm(of(n.Determinant(node.operands[0]), places))


@SUMS.row(n.Inverse, n.Determinant)
def _(node: Node, places: Places, of: Elements) -> Sum:
    """`inv(A.T) = inv(A).T`, `det(A.T) = det(A)`: of a matrix and its transpose the one that stands first is taken."""
    (operand,) = node.operands
    straight, turned = of.whole(operand), of.whole(operand, True)
    traits = ("symmetric",) if straight == turned else ()
    places, inside = (places, straight) if repr(straight) <= repr(turned) else (places[::-1], turned)
    return single(in_order(Atom(type(node).__name__, places, (inside,), traits)))


@SUMS.row(n.Compare)
def _(node: n.Compare, places: Places, of: Elements) -> Sum:
    left, right = (of(each, spread(places, each.shape)) for each in node.operands)
    return RELATIONS[node.relation](added([left, scaled(Integer(-1), right)]))


@SUMS.row(n.Where)
def _(node: n.Where, places: Places, of: Elements) -> Sum:
    condition, yes, no = (of(each, spread(places, each.shape)) for each in node.operands)
    if not isinstance(node.operands[0], n.Compare):
        condition = RELATIONS["!="](condition)
    return added([no, multiplied(condition, added([yes, opposite(no)]))])


@SUMS.row(n.Map)
def _(node: n.Map, places: Places, of: Elements) -> Sum:
    arguments = (of(each, spread(places, each.shape)) for each in node.operands)
    return scalar(unnamed(node.function.definition), dict(zip(node.function.parameters, arguments, strict=True)))
