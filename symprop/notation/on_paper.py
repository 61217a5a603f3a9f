"""Formulas as they stand on paper: every shape fits, and scalars stand before a product of matrices.

NumPy spreads a row over the rows of a matrix, `A + c`, and a number to each element; on paper that is `A + 𝟏 cᵀ`,
`A + s 𝟏 𝟏ᵀ` and `x + s 𝟏`. A network's page says what is added to what, so its formulas are left as they are.
"""

from __future__ import annotations

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.roles import LOSS
from symprop.algebra.trees import factors_of, multiplied, ones, variables
from symprop.notation.indexed import depth_over
from symprop.notation.sums import is_of_columns

DEEPEST = 200
"""Formulas that are deeper are no formulas that one reads."""


def on_paper(node: Node) -> Node:
    """Return a formula in which what is spread over rows or added to each element is written with ones.

    >>> from symprop.algebra import variable
    >>> A, c, s = variable("A", (2, 3)), variable("c", (3,)), variable("s")
    >>> print((A + c).pretty(), (A - 2 * s).pretty(), (c - 2 * s).pretty(), (1 - A * c).pretty(), sep="   ")
    A + 𝟏 cᵀ   A − 2 s 𝟏 𝟏ᵀ   c − 2 s 𝟏   1 − A ⊙ c
    """
    own = not depth_over(node, DEEPEST) and all(each.role in ("", LOSS) for each in variables(node))
    return _spread(node) if own else node


def _spread(node: Node) -> Node:
    operands = tuple(map(_spread, node.operands))
    if isinstance(node, n.Add) and node.rank in (1, 2) and 1 not in node.shape:
        operands = tuple(n.Expand(part, 0) if node.rank == 2 and _is_row(part) else part for part in operands)
        operands = tuple(part if part.rank or part.number is not None else _filled(part, node) for part in operands)
    return node if operands == node.operands else node.with_operands(operands)


def _is_row(term: Node) -> bool:
    """Whether a term is a row that is added to each; sums of columns are written with ones where they stand."""
    return term.rank == 1 and term.shape[0] != 1 and not any(map(is_of_columns, factors_of(term)))


def _filled(scalar: Node, node: Node) -> Node:
    """A scalar that is no number, in each element of a matrix or a vector: `s 𝟏 𝟏ᵀ`, `s 𝟏`."""
    return n.Multiply(*factors_of(scalar), ones(*node.shape))


def scalars_outside(node: n.MatMul) -> Node | None:
    """`(c A) B` as `c A B`, which is how it is read: as typed, scalars stand where they were typed."""
    scalars, rest = _scalars_apart(node)
    return n.Multiply(*scalars, rest) if scalars else None


def lifted(term: Node) -> Node:
    """A term with the scalars of its products of matrices among its own: `½ (−y)ᵀ x` is `−½ yᵀ x`."""
    term = slope_apart(term)
    apart = [_scalars_apart(factor) if isinstance(factor, n.MatMul) else ([], factor) for factor in factors_of(term)]
    moved = any(scalars for scalars, _ in apart)
    return multiplied([part for scalars, rest in apart for part in (*scalars, rest)]) if moved else term


def slope_apart(term: Node) -> Node:
    """The derivative of a number, pulled back from another, as a multiple of its gradient: `λ ∂u/∂w`."""
    match term:
        case n.Pullback(operands=(cotangent, expression, by)) if not expression.rank and cotangent.number != 1:
            return n.Multiply(cotangent, n.Pullback(n.Scalar(1), expression, by))
    return term


def _scalars_apart(node: Node) -> tuple[list[Node], Node]:
    """Return the scalars that stand in a product of matrices, and the product without them."""
    if isinstance(node, n.MatMul):
        (before, left), (later, right) = map(_scalars_apart, node.operands)
        return [*before, *later], node if not before and not later else node.with_operands([left, right])
    arrays = [factor for factor in factors_of(node) if factor.rank]
    if len(arrays) != 1 or arrays[0] is node:
        return [], node
    inner, rest = _scalars_apart(arrays[0])
    return [*(factor for factor in factors_of(node) if not factor.rank), *inner], rest
