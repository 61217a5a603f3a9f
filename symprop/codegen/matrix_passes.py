"""Passes over products of matrices: the cheapest order, no matrix that need not be built, solutions for inverses.

They run for formulas, after the stable forms. Costs are those of `analysis/orders.py`; sizes with names count as 64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sympy import Expr, Integer, Rational

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same
from symprop.algebra.table import Table, for_kinds
from symprop.algebra.trees import factors_of, multiplied
from symprop.analysis.definiteness import nonnegative
from symprop.analysis.orders import LONGEST_CHAIN, Factor, Tree, best_tree
from symprop.calculus.coefficients import base_and_exponent, same_shape
from symprop.codegen.kinds import Inner, Repeated, Solve
from symprop.codegen.program import Pass, Program, each_rewritten, rewritten
from symprop.codegen.stable import by_rule, everywhere


def transposed(node: Node) -> Node:
    """Return the transpose of a matrix without a transpose of a transpose; a vector is its own."""
    return node.permuted(tuple(reversed(range(node.rank))))


TYPICAL = 64
"""What a size with a name counts as, where the work of two ways is compared."""


def typical(size: Expr) -> int:
    """Return a number of elements with every size that is a name at its typical value.

    >>> from sympy import Symbol
    >>> typical(2 * Symbol("n"))
    128
    """
    return int(size.subs(dict.fromkeys(size.free_symbols, TYPICAL)))


def reshaped(node: Node, shape: Sequence[Any]) -> Node:
    """Return the elements of `node` in another shape; a reshape of a reshape is one.

    >>> from symprop.algebra import variable
    >>> x = variable("x", (6,))
    >>> reshaped(reshaped(x, (2, 3)), (6,)) == x
    True
    """
    node = node.operands[0] if isinstance(node, n.Reshape) else node
    return node if len(node.shape) == len(shape) and all(map(same, node.shape, shape)) else n.Reshape(node, shape)


# ---------------------------------------------------------------- Kronecker products and permutations


def unbuilt_kroneckers(program: Program) -> Program:
    """Apply a Kronecker product or a commutation to a vector by two products or a transpose: none is built.

    `kron(A, B) @ x = reshape(A @ X @ B.T)` and `commutation(m, n) @ x = reshape(X.T)` where `X` has the elements of
    `x` (Magnus and Neudecker, *Matrix Differential Calculus*, 2019, sections 2.4 and 3.7).
    """

    @for_kinds(n.MatMul)
    def rule(node: n.MatMul) -> Node | None:
        left, right = node.operands  # the tidy form of `x @ A` is `A.T @ x`
        applied = ON_A_VECTOR.given(left, right) if right.rank == 1 else None
        return None if applied is None else reshaped(applied, node.shape)

    return by_rule(program, rule)


ON_A_VECTOR = Table("product of a matrix that is not built and a vector")
"""In some shape: the elements are those of the product."""


@ON_A_VECTOR.row(n.Commutation)
def _(matrix: n.Commutation, x: Node) -> Node:
    return n.Transpose(reshaped(x, matrix.args))


@ON_A_VECTOR.row(n.Kron)
def _(matrix: n.Kron, x: Node) -> Node:
    first, second = matrix.operands
    return product(first, product(reshaped(x, (first.shape[1], second.shape[1])), transposed(second)))


def product(left: Node, right: Node) -> Node:
    """Return the product of two matrices; with an identity it is the other one."""
    if isinstance(left, n.Identity):
        return right
    return left if isinstance(right, n.Identity) else n.MatMul(left, right)


def repeated_blocks(program: Program) -> Program:
    """Fill a Kronecker product with an identity block by block: zeros are written once and never multiplied."""

    @for_kinds(n.Kron)
    def repeated(node: n.Kron) -> Node | None:
        left, right = node.operands
        if isinstance(left, n.Identity):
            return Repeated(right, left.shape[0])
        return Repeated(left, right.shape[0], True) if isinstance(right, n.Identity) else None

    @for_kinds(n.Multiply)
    def scaled(node: n.Multiply) -> Node | None:
        *scalars, last = node.operands
        if any(scalar.rank for scalar in scalars) or not isinstance(last, Repeated):
            return None
        return last.with_operands([multiplied([*scalars, last.operands[0]])])  # the number goes into the block

    return by_rule(program, lambda node: repeated(node) or scaled(node))


# ---------------------------------------------------------------- sums of products


def inner_products(program: Program) -> Program:
    """Sum products of elements without an array of them: `sum(a * b)`, `trace(A @ B)`, the diagonal of `A @ B`."""
    return by_rule(program, INNER.given)


INNER = Table("as an inner product")


@INNER.row(n.Diagonal)
def _(node: n.Diagonal) -> Node | None:
    """diag(A @ B) = sum(A * B.T, axis=1), or sum(A.T * B, axis=0) where that has fewer transposes."""
    if not _is_matrix_product(node.operands[0]):
        return None
    left, right = node.operands[0].operands
    plain = left.untransposed
    return n.Sum(n.Multiply(left, transposed(right)), 1) if plain is left else n.Sum(n.Multiply(plain, right), 0)


@INNER.row(n.Sum)
def _(node: n.Sum) -> Node | None:
    """sum(c * a * b) = c * inner(a, b) and sum(a**2) = inner(a, a), for arrays `a` and `b` of one shape."""
    if node.rank:
        return None
    inside = node.operands[0]
    if isinstance(inside, n.Sum) and isinstance(inside.operands[0], n.Multiply):
        inside = inside.operands[0]  # the trace of a product, whose diagonal is a sum by now
    factors = factors_of(inside)
    scalars = [factor for factor in factors if not factor.rank]
    arrays = [factor for factor in factors if factor.rank]
    if len(arrays) == 1 and base_and_exponent(arrays[0])[1] == 2:
        arrays = [arrays[0].operands[0]] * 2
    whole = next((place for place, array in enumerate(arrays) if same_shape(array, inside)), None)
    if len(arrays) < 2 or whole is None:
        return None
    left = arrays.pop(whole)
    right = multiplied(arrays)
    if not same_shape(left, right):
        return None
    return multiplied([*scalars, n.MatMul(left, right) if left.rank == 1 else Inner(left, right)])


def _is_matrix_product(node: Node) -> bool:
    return isinstance(node, n.MatMul) and all(operand.rank == 2 for operand in node.operands)


# ---------------------------------------------------------------- the order of products


def cheapest_order(program: Program) -> Program:
    """Put the brackets of a chain of products where it takes the least work, a diagonal matrix as a factor of rows.

    `(A @ B) @ x` is `A @ (B @ x)`; `diag(d) @ A` is `d[:, None] * A` and `A @ diag(d)` is `A * d`. Among equals the
    product on the right comes first, which is right where the last matrix has few columns.
    """

    def visit(node: Node) -> Node:
        parts = _chain(node)
        if 1 < len(parts) <= LONGEST_CHAIN:
            parts = [visit(part) for part in parts]
            return _built(best_tree([_factor(part, place) for place, part in enumerate(parts)]), parts)
        operands = tuple(visit(operand) for operand in node.operands)
        return node if operands == node.operands else node.with_operands(operands)

    return each_rewritten(program, visit)


def _chain(node: Node) -> list[Node]:
    """Return the factors of a product of matrices; the first may be a row vector and the last a column."""
    if not isinstance(node, n.MatMul) or any(operand.rank > 2 for operand in node.operands):
        return [node]
    left, right = node.operands
    row = left.rank == 2 or (isinstance(left, n.MatMul) and left.operands[0].rank == 1)
    column = right.rank == 2 or (isinstance(right, n.MatMul) and right.operands[1].rank == 1)
    return [*(_chain(left) if row else [left]), *(_chain(right) if column else [right])]


def _factor(part: Node, place: int) -> Factor:
    sizes = [Integer(typical(size)) for size in part.shape]
    if part.rank == 1:
        sizes = [Integer(1), *sizes] if place == 0 else [*sizes, Integer(1)]
    rows, columns = sizes
    return Factor(rows, columns, isinstance(part, n.Diag))


def _built(tree: Tree, parts: Sequence[Node]) -> Node:
    if isinstance(tree, int):
        return parts[tree]
    left, right = (_built(side, parts) for side in tree)
    d, e = (side.operands[0] if isinstance(side, n.Diag) else None for side in (left, right))
    if d is not None:  # the tidy form of two side by side is one
        return n.Multiply(n.Expand(d, 1) if right.rank == 2 else d, right)
    return n.MatMul(left, right) if e is None else n.Multiply(left, e)


# ---------------------------------------------------------------- symmetric products


def symmetric_products(program: Program) -> Program:
    """Write `X.T @ (d[:, None] * X)` with `d >= 0` as `R.T @ R`, for the rows of `X` times `sqrt(d)`.

    NumPy computes half of a product of an array with its own transpose (BLAS `syrk`), and mirrors it.
    """

    def rule(node: Node) -> Node | None:
        if not _is_matrix_product(node) or not isinstance(node.operands[1], n.Multiply):
            return None
        left, right = node.operands
        scales = [factor for factor in right.operands if not factor.rank or _is_column(factor)]
        others = [factor for factor in right.operands if factor.rank and not _is_column(factor)]
        if not scales or others != [transposed(left)] or not nonnegative(multiplied(scales)):
            return None
        d = multiplied([factor.operands[0] if factor.rank else factor for factor in scales])
        root = n.Power(d, Rational(1, 2))
        if not isinstance(left, n.Transpose):
            rows = n.Multiply(left, root)
            return n.MatMul(rows, n.Transpose(rows))
        rows = n.Multiply(n.Expand(root, 1) if root.rank else root, left.operands[0])
        return n.MatMul(n.Transpose(rows), rows)

    return by_rule(program, rule)


def _is_column(node: Node) -> bool:
    return isinstance(node, n.Expand) and node.rank == 2 and node.axis == 1


# ---------------------------------------------------------------- inverses


def solutions(program: Program) -> Program:
    """Solve equations in place of a product with an inverse, unless the inverse itself is needed as well.

    `inv(A) @ B` is `solve(A, B)`, and `B @ inv(A)` is `solve(A.T, B.T).T`: less work, and smaller errors (Higham,
    *Accuracy and Stability of Numerical Algorithms*, 2nd ed., 2002, section 14.1).
    """
    needed = {matrix for statement in program.statements for matrix in _inverted_alone(statement.expression)}

    @for_kinds(n.MatMul)
    def rule(node: n.MatMul) -> Node | None:
        if any(operand.rank > 2 for operand in node.operands):
            return None
        left, right = node.operands
        first, second = (
            None if each and each.untransposed in needed else each for each in map(_inverted, (left, right))
        )
        if first is not None:
            return Solve(first, right)
        return None if second is None else transposed(Solve(transposed(second), transposed(left)))

    return rewritten(program, lambda each, emit: each.with_expression(everywhere(each.expression, rule)))


def _inverted(node: Node) -> Node | None:
    """Return the matrix whose inverse `node` is."""
    inside = node.untransposed
    if not isinstance(inside, n.Inverse):
        return None
    return inside.operands[0] if inside is node else transposed(inside.operands[0])


def _inverted_alone(node: Node) -> Iterator[Node]:
    """Yield the matrices of inverses that stand anywhere but as a factor of a product."""
    factors = isinstance(node, n.MatMul) and all(operand.rank <= 2 for operand in node.operands)
    for operand in node.operands:
        matrix = _inverted(operand)
        yield from _inverted_alone(operand if matrix is None or not factors else matrix)
    if isinstance(node, n.Inverse):
        yield node.operands[0].untransposed


MATRIX_FORMS: tuple[Pass, ...] = (
    unbuilt_kroneckers,
    cheapest_order,
    symmetric_products,
    solutions,
    inner_products,
    repeated_blocks,
)
"""In the order in which they run."""


__all__ = ["MATRIX_FORMS", "transposed"]
