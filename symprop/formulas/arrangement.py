"""Answers in other conventions: matrices column by column; pairs of elements of a symmetric matrix that move as one.

Magnus and Neudecker, *Matrix Differential Calculus* (3rd ed., 2019), stack the columns of a matrix, `vec`; answers are
by rows otherwise. Of a symmetric matrix the elements at (i, j) and (j, i) are one: its gradient is that of free
elements, or `G + G.T - diag(diagonal(G))` (Petersen and Pedersen, *The Matrix Cookbook*, 2012, equation 138).
"""

from __future__ import annotations

import dataclasses

from symprop.algebra import nodes as n
from symprop.algebra.equations import Step
from symprop.algebra.nodes import Node
from symprop.algebra.symmetry import is_symmetric
from symprop.calculus.rewriting import simplified
from symprop.errors import FormulaError, listed, shown
from symprop.finishing.touches import finished
from symprop.formulas.ledger import ledger
from symprop.formulas.remarks import remarks
from symprop.formulas.result import Result
from symprop.formulas.working import context_of
from symprop.hints import declaration, option

ORDERS = ("rows", "columns", "vech")
"""How the elements of a matrix may stand along an axis of a Jacobian or a Hessian: row by row, or column by column.

With "vech" those on and below the diagonal of a symmetric matrix stand there, column by column, each pair moved as one.
"""
SYMMETRIES = ("free", "pairs")
"""What moves in a derivative with respect to a symmetric matrix: each element alone, or both of a pair."""


def arranged(result: Result, vec: str = "rows", symmetric: str = "free") -> Result:
    """Return an answer in a convention, by a last step from the usual one.

    >>> from symprop.algebra.formula import formula
    >>> from symprop.formulas.questions import gradient, jacobian
    >>> f = formula("A @ X @ B", A="m n", X="n r", B="r s")
    >>> [arranged(jacobian(f, "X"), vec).node.text() for vec in ("rows", "columns")]
    ['kron(A, B.T)', 'kron(B.T, A)']
    >>> s = formula("A @ S @ B", A="m n", S="n n symmetric", B="n r")
    >>> arranged(jacobian(s, "S"), "vech").node.text()
    'kron(B.T, A) @ duplication(n)'
    >>> g = gradient(formula("logdet(X)", X="n n symmetric"), "X")
    >>> [arranged(g, symmetric=each).node.text() for each in SYMMETRIES]
    ['inv(X)', '2 * inv(X) - diag(diagonal(inv(X)))']

    Raises:
        FormulaError: no such convention, or pairs of elements of a matrix that is not declared symmetric.
    """
    for what, given, allowed in (("vec", vec, ORDERS), ("symmetric", symmetric, SYMMETRIES)):
        if given not in allowed:
            raise FormulaError(f"{what} is {shown(given)}\nallowed: {listed(allowed)}")
    if vec != "rows":
        chosen = dataclasses.replace(result, vec=vec)
        result = _moved(chosen, _by_columns(result) if vec == "columns" else _halves(result), f"by {vec}")
    if symmetric == "pairs":
        if not is_symmetric(result.by[-1]):
            name = result.by[-1].name
            free = option("symmetric", "free")
            told = f"allowed: {declaration(name, 'n n symmetric')}, or each element alone, {free}"
            raise FormulaError(f"{name} is not declared symmetric\n{told}")
        pairs = n.Add(result.node, n.Transpose(result.node), n.negative(n.Diag(n.Diagonal(result.node))))
        result = _moved(dataclasses.replace(result, symmetric=symmetric), pairs, "pairs of elements")
    return result


def _by_columns(result: Result) -> Node:
    """Return the matrix of a derivative with rows and columns in the order of the columns of what they belong to."""
    moved, axes = result.node, result.axes
    if not all(each.rank for each in axes):
        return moved
    if axes[0].rank == 2:
        moved = n.MatMul(n.Commutation(*axes[0].shape), moved)
    if axes[1].rank == 2:
        moved = n.MatMul(moved, n.Transpose(n.Commutation(*axes[1].shape)))
    return moved


def _halves(result: Result) -> Node:
    """Return the matrix of a derivative with respect to the elements on and below the diagonal of a symmetric matrix.

    The rows of a Jacobian are by columns; those of a Hessian are halves too.

    Raises:
        FormulaError: what is moved is no symmetric matrix.
    """
    moved, axes = _by_columns(result), result.axes
    for axis, part in enumerate(axes):
        if axis == 0 and result.kind == "jacobian":
            continue
        if part.rank != 2 or not is_symmetric(part):
            known = declaration(shown(part.text())[1:-1], "n n symmetric")
            told = f"allowed: {known}, or {option('vec', 'columns')}"
            raise FormulaError(f"{part.text()} is not declared a symmetric matrix, so it has no vech\n{told}")
        half = n.Duplication(part.shape[0])
        if axis == 0:
            moved = n.MatMul(n.Transpose(half), moved) if moved.rank else moved
        else:
            moved = n.MatMul(moved, half) if axes[0].rank else _flat_half(moved, half)
    return moved


def _flat_half(gradient: Node, half: n.Duplication) -> Node:
    """Return a derivative of a number by a symmetric matrix as a vector of pairs."""
    flat = n.Reshape(gradient, (half.shape[0],))
    return n.MatMul(n.Transpose(half), flat)


def _moved(result: Result, node: Node, rule: str) -> Result:
    found, steps = simplified(node, context_of(result.formula))
    found, last = finished(found)
    after = (*steps, *last) or (Step(rule, node, found),)
    named = (dataclasses.replace(after[0], rule=rule), *after[1:])
    result = dataclasses.replace(result, node=found, steps=(*result.steps, *named))
    return dataclasses.replace(result, ledger=ledger(result), remarks=remarks(result))
