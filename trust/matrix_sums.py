"""Elements of matrices that have no formula for one element: each stands for itself, and what defines it is known.

`JOINED` facts say what a sum over a joined index makes of two matrices, `inv(A) A = I` above all. Products of all
elements, extremes and powers have a meaning of their own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import sympy
from sympy import Expr, Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import broadcast
from trust import element_moves as element_moves  # enters its rows
from trust.element_sums import MEANING, along, meaning, run, runs, spread, without
from trust.index_algebra import Joined, delta, element, multiplied, over, single, sums_to_1
from trust.index_derivatives import DERIVATIVES, derivative
from trust.index_functions import exponential, logarithm, power
from trust.index_terms import Factor, Places, Sums, added, key, scaled
from trust.places import RANGE, index


def whole(node: Node, turned: bool = False) -> Any:
    """Return a whole array as what a factor is of, or its transpose."""
    places = tuple(index(size, f"a{axis}") for axis, size in enumerate(node.shape[::-1] if turned else node.shape))
    return key(meaning(node, places[::-1] if turned else places))


def matrix(head: str, of: Node, places: Places) -> Sums:
    """Return an element of a matrix that is made of another; of a transpose it is that of the matrix, turned."""
    straight, turned = whole(of), whole(of, True)
    if straight == turned:
        return single(Factor(head, places, (straight,), ("symmetric",)))
    if str(turned) < str(straight):
        straight, places = turned, places[::-1]
    return single(Factor(head, tuple(map(sympy.expand, places)), (straight,)))


@MEANING.row(n.Inverse, n.Determinant, n.PseudoInverse)
def _(node: Node, places: Places) -> Sums:
    return matrix(type(node).__name__, node.operands[0], places)


@MEANING.row(n.LogDeterminant)
def _(node: n.LogDeterminant, places: Places) -> Sums:
    return scaled(sympy.Rational(1, 2), logarithm(power(meaning(n.Determinant(node.operands[0]), ()), 2)))


@MEANING.row(n.Product)
def _(node: n.Product, places: Places) -> Sums:
    """As `exp` of a sum of logarithms: two polynomials that are equal where all is positive are equal."""
    (operand,), found = node.operands, {axis: run(node.operands[0].shape[axis]) for axis in node.axes}
    rest = iter(without(places, node.axes, node.keepdims))
    at = tuple(found[axis][0] if axis in found else next(rest) for axis in range(operand.rank))
    return exponential(over([k for _, digits in found.values() for k in digits], logarithm(meaning(operand, at))))


@MEANING.row(n.MatrixPower)
def _(node: n.MatrixPower, places: Places) -> Sums:
    (base,), exponent = node.operands, node.exponent
    if exponent.is_Integer and isinstance(base, n.Inverse):
        base, exponent = base.operands[0], -exponent
    if exponent == 0:
        return delta(places[0] - places[1])
    if exponent.is_Integer and exponent in (1, -1):
        return meaning(base if exponent > 0 else n.Inverse(base), places)
    if isinstance(base, n.Inverse):
        base, exponent = base.operands[0], -exponent
    found = matrix("MatrixPower", base, places)
    return added(
        *(single(f._replace(places=(*f.places, sympy.expand(exponent)))) for ((_, ((f, _),)), _) in found.items())
    )


# ---------------------------------------------------------------- extremes, where no two elements are equal


@MEANING.row(n.First)
def _(node: n.First, places: Places) -> Sums:
    return _first(node.operands[0], node.axes, node.which, places)


def _first(operand: Node, axes: tuple[int, ...], which: str, places: Places) -> Sums:
    """Return 1 at the one element that is the largest along some axes, else 0."""
    if len(axes) != 1:
        raise LookupError("the largest along several axes")
    return element(
        f"{which} {axes[0]} of {operand.text()}", places, ("bits", sums_to_1(axes[0], index(operand.shape[axes[0]])))
    )


@MEANING.row(n.Extreme)
def _(node: n.Extreme, places: Places) -> Sums:
    (operand,) = node.operands
    if operand.rank == len(node.axes) == 1 or len(node.axes) == 1:
        chosen = n.Multiply(n.First(operand, node.axes, node.which), operand)
        return along(chosen, without(places, node.axes, node.keepdims), node.axes)
    raise LookupError("the largest along several axes")


_compared = MEANING.rows[n.Compare]


def _compare(node: n.Compare, places: Places) -> Sums:
    """An element that is equal to the largest is the one that is the largest, where no two are equal."""
    left, right = node.operands
    while isinstance(right, n.Expand):
        (right,) = right.operands
    if node.relation == "==" and isinstance(right, n.Extreme) and right.operands[0] == left:
        return _first(left, right.axes, right.which, places)
    found: Sums = _compared(node, places)
    return found


MEANING.rows[n.Compare] = _compare


# ---------------------------------------------------------------- facts


Made = Callable[[Any, Any, tuple[Any, ...]], Sums]
"""What a product of two matrices is: a function of its row, its column and what both are made of."""


def joined(of: Variable, one: tuple[str, int], other: tuple[str, int], made: Made) -> Joined:
    """Return that two matrices, joined by an axis of each, are another; one of them is made of a variable, or both."""
    known, (rows, columns) = (whole(of),), of.shape
    size = {f"at {of.name}": (rows, columns), "A P": (rows, rows)}.get(one[0], (columns, columns))[one[1]]
    if one[0] in ("PseudoInverse", "Inverse"):
        size = (columns, rows)[one[1]]

    def product(first: Factor, second: Factor) -> Sums | None:
        if any(factor.inside not in ((), known) for factor in (first, second)):
            return None
        return made(first.places[1 - one[1]], second.places[1 - other[1]], known)

    return Joined(one, other, size, product)


def unit(row: Any, column: Any, _: Any) -> Sums:
    return delta(row - column)


def plain(head: str, *traits: str) -> Made:
    return lambda row, column, of: single(Factor(head, (row, column), () if head.startswith("at ") else of, traits))


def of_inverses(matrix: Variable) -> list[Joined]:
    """What holds of a matrix and its inverse; the axes of a symmetric one may change places."""
    name = f"at {matrix.name}"
    free = itertools.product((0, 1), repeat=2) if "symmetric" in matrix.facts_by_kind else [(1, 0), (0, 1)]
    return [joined(matrix, (name, one), ("Inverse", other), unit) for one, other in free]


def of_orthogonal(matrix: Variable) -> list[Joined]:
    """What holds of a matrix whose inverse is its transpose."""
    name = f"at {matrix.name}"
    return [joined(matrix, (name, axis), (name, axis), unit) for axis in (0, 1)]


def of_powers(base: Variable) -> list[Joined]:
    """What holds of the powers of a matrix, whose first power is the matrix and whose power below 0 its inverse's."""
    heads, known = {f"at {base.name}": Integer(1), "Inverse": Integer(-1), "MatrixPower": None}, (whole(base),)

    def exponent(factor: Factor) -> Expr:
        power = heads[factor.head]
        return factor.places[2] if power is None else power

    def made(one: Factor, other: Factor) -> Sums | None:
        if any(factor.inside not in ((), known) for factor in (one, other)):
            return None
        total = sympy.expand(exponent(one) + exponent(other))
        return meaning(n.MatrixPower(base, total), (one.places[0], other.places[1]))

    return [Joined((one, 1), (other, 0), base.shape[0], made) for one in heads for other in heads]


def of_pseudoinverse(matrix: Variable) -> list[Joined]:
    """Penrose's equations: `A P` and `P A` are symmetric, `A P A = A`, `P A P = P`."""
    name, inverse = f"at {matrix.name}", "PseudoInverse"
    left, right = plain("A P", "symmetric"), plain("P A", "symmetric")
    either = (0, 1)
    return [
        joined(matrix, (name, 1), (inverse, 0), left),
        joined(matrix, (inverse, 1), (name, 0), right),
        *(joined(matrix, ("A P", axis), (name, 0), plain(name)) for axis in either),
        *(joined(matrix, (name, 1), ("P A", axis), plain(name)) for axis in either),
        *(joined(matrix, ("P A", axis), (inverse, 0), plain(inverse)) for axis in either),
        *(joined(matrix, (inverse, 1), ("A P", axis), plain(inverse)) for axis in either),
        *(joined(matrix, ("A P", one), ("A P", other), left) for one in either for other in either),
        *(joined(matrix, ("P A", one), ("P A", other), right) for one in either for other in either),
    ]


def _determinant(factor: Factor, name: str, places: tuple[Any, ...]) -> Sums:
    """Taken as known: Laplace's expansion and Cramer's rule, by which a cofactor is `det(A) inv(A)[q, p]`."""
    if factor.inside[0] != key(element(name, (index(s, f"a{k}") for k, s in enumerate(_sizes(factor))))):
        raise LookupError("the determinant of a formula")
    inverse = single(Factor("Inverse", places[::-1], factor.inside))
    return multiplied(single(factor), inverse)


def _sizes(factor: Factor) -> tuple[Expr, ...]:
    (((_, ((leaf, _),)), _),) = factor.inside[0]
    return tuple(RANGE[place] for place in leaf.places)


DERIVATIVES["Determinant"] = _determinant


# ---------------------------------------------------------------- derivatives that are not worked out


@MEANING.row(n.Pullback)
def _(node: n.Pullback, places: Places) -> Sums:
    g, expression, by = node.operands
    at, out = runs(broadcast(g.shape, expression.shape))
    slope = derivative(meaning(expression, spread(at, expression.shape)), _leaf(by), places)
    return over(out, multiplied(meaning(g, spread(at, g.shape)), slope))


@MEANING.row(n.Pushforward)
def _(node: n.Pushforward, places: Places) -> Sums:
    expression, by, u = node.operands
    at, into = runs(by.shape)
    return over(into, multiplied(derivative(meaning(expression, places), _leaf(by), at), meaning(u, at)))


def _leaf(by: Node) -> str:
    if not isinstance(by, Variable) or "symmetric" in by.facts_by_kind:
        raise LookupError("a derivative with respect to what is no free variable")
    return by.name
