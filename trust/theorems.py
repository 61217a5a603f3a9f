"""Statements about rows of the tables, proved for every size by the algebra of elements.

Three ways lead to the derivative that a row must be: of the element itself; of equations that define a matrix of which
no element has a formula; and from one power to the next, by induction. A pullback is right where it is the adjoint of
a pushforward that is: `sum_i g_i (J u)_i = sum_p (J' g)_p u_p`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sympy import Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node, Variable
from symprop.calculus.pullbacks import PULLBACK
from symprop.calculus.pushforwards import PUSHFORWARD
from trust.element_sums import TURNED, Undecided, meaning, runs, spread
from trust.index_algebra import Joined, multiplied, over, supposing
from trust.index_derivatives import derivative, same
from trust.index_terms import Sums
from trust.matrix_sums import of_inverses, of_powers, of_pseudoinverse

Row = Callable[[Node, int, Node], Node]
ELEMENT, EQUATION, INDUCTION, THEOREM = "its element", "its equation", "induction", "a theorem"
"""How a row is proved."""


@contextmanager
def digits_turned(turned: bool) -> Iterator[None]:
    """Read a product of sizes with its last factor in front."""
    TURNED[0] = turned
    try:
        yield
    finally:
        TURNED[0] = False


def unspread(node: Node, shape: tuple[Any, ...], places: tuple[Any, ...]) -> Sums:
    """Return an element of what flows to an operand of a shape, summed over what is repeated, as the walk does."""
    more = node.rank - len(shape)
    axes = [k for k in range(node.rank) if k < more or (shape[k - more] == 1 and node.shape[k] != 1)]
    if more < 0 or not axes:
        return meaning(node, spread(places, node.shape))
    kept = [place for k, place in enumerate(places) if k + more not in axes]
    summed = n.Sum(node, axes)
    return meaning(summed, spread(tuple(kept), summed.shape))


def adjoint(node: Node, operand: Node, back: Node, forward: Node, g: Node, u: Node) -> bool:
    """Whether `sum_i g_i forward_i = sum_p back_p u_p`."""
    at, out = runs(node.shape)
    by, into = runs(operand.shape)
    one = over(out, multiplied(meaning(g, at), meaning(forward, spread(at, forward.shape))))
    return same(one, over(into, multiplied(unspread(back, operand.shape, by), meaning(u, by))))


def by_element(node: Node, position: int, back: Row, forward: Row) -> tuple[bool, bool]:
    """Whether both rows are what the derivative of an element says."""
    operand = node.operands[position]
    assert isinstance(operand, Variable)
    g, u = Variable("cotangent", (), node.shape), Variable("tangent", (), operand.shape)
    at, out = runs(node.shape, "i")
    by, into = runs(operand.shape, "p")
    slope = derivative(meaning(node, at), operand.name, by)
    pulled = over(out, multiplied(meaning(g, at), slope))
    pushed = over(into, multiplied(slope, meaning(u, by)))
    row = forward(node, position, u)
    return (
        same(pulled, unspread(back(node, position, g), operand.shape, by)),
        same(pushed, meaning(row, spread(at, row.shape))),
    )


def zero(node: Node) -> bool:
    """Whether a formula is 0 for every size."""
    return same(meaning(node, runs(node.shape)[0]), {})


# ---------------------------------------------------------------- matrices that equations define

Equations = Callable[[Any, Any, Any], Iterable[Node]]
"""What the change of a matrix must make 0: a function of the matrix, its change and the change of its operand."""


def _inverse(node: Any, change: Node, u: Node) -> Iterable[Node]:
    (a,) = node.operands
    return (change @ a + node @ u,)  # of F A = I


def _pseudoinverse(node: Any, change: Any, u: Any) -> Iterable[Node]:
    (a,) = node.operands
    left, right = u @ node + a @ change, change @ a + node @ u
    yield u @ node @ a + a @ change @ a + a @ node @ u - u  # of A P A = A
    yield change @ a @ node + node @ u @ node + node @ a @ change - change  # of P A P = P
    yield left - left.T
    yield right - right.T


def _of_constant_rank(node: Any, u: Variable) -> Node:
    """A change that keeps the rank: `(I - A P) u (I - P A) = 0`, and every such change is of this form."""
    (a,) = node.operands
    return a @ node @ u + u @ node @ a - a @ node @ u @ node @ a


DEFINED: Mapping[type[Node], tuple[Equations, Callable[[Variable], list[Joined]], Callable[[Any, Variable], Node]]] = {
    n.Inverse: (_inverse, of_inverses, lambda node, u: u),
    n.PseudoInverse: (_pseudoinverse, of_pseudoinverse, _of_constant_rank),
}


def by_equation(node: Node, position: int, back: Row, forward: Row) -> tuple[bool, bool]:
    """Whether the change of the equations of a matrix is 0, and the pullback the adjoint of the pushforward."""
    operand = node.operands[position]
    equations, facts, changed = DEFINED[type(node)]
    g, u = Variable("cotangent", (), node.shape), Variable("tangent", (), operand.shape)
    with supposing(facts(operand)):
        change = changed(node, u)
        pushed = all(map(zero, equations(node, forward(node, position, change), change)))
        pulled = adjoint(node, operand, back(node, position, g), forward(node, position, u), g, u)
    return pulled and pushed, pushed


def by_induction(node: Any, position: int, back: Row, forward: Row) -> tuple[bool, bool]:
    """Whether the change of the next power is that of a product, and that of the first power is the change."""
    (a,), k = node.operands, node.exponent
    g, u = Variable("cotangent", (), node.shape), Variable("tangent", (), a.shape)
    with supposing(of_powers(a)):
        if k.is_nonnegative:
            first, step, factor, moved = Integer(1), n.MatrixPower(a, k + 1), a, u
        else:
            first, step, factor = Integer(-1), n.MatrixPower(a, k - 1), n.Inverse(a)
            moved = -(factor @ u @ factor)
        start = forward(n.MatrixPower(a, first), 0, u)
        pushed = zero(start - moved) and zero(forward(step, 0, u) - forward(node, 0, u) @ factor - node @ moved)
        pulled = adjoint(node, a, back(node, 0, g), forward(node, 0, u), g, u)
    return pulled and pushed, pushed


WAYS: Mapping[type[Node], tuple[str, Callable[..., tuple[bool, bool]]]] = {
    **dict.fromkeys(DEFINED, (EQUATION, by_equation)),
    n.MatrixPower: (INDUCTION, by_induction),
    n.Determinant: (THEOREM, by_element),
    n.LogDeterminant: (THEOREM, by_element),
}


def rows_hold(node: Node, position: int, back: Row = PULLBACK, forward: Row = PUSHFORWARD) -> tuple[str, bool, bool]:
    """Return how the rows of a node are proved for every size, and whether the pullback and the pushforward are.

    >>> from symprop import formula
    >>> rows_hold(formula("A @ B", A="m n", B="n r").node, 0)
    ('its element', True, True)
    """
    how, way = WAYS.get(type(node), (ELEMENT, by_element))
    found = (False, False)
    for turned in (False, True):
        try:
            with digits_turned(turned):
                found = way(node, position, back, forward)
        except Undecided:
            continue
        if all(found):
            return how, True, True
    return (how, *found)
