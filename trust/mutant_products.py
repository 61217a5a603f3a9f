"""One operation in another, and beside another: what is made of both has the value of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from samples import SAMPLES, A, M, N, S, ids, near, u, v
from sympy import Integer

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.known import triangle
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.analysis.curvature.diagonals import diagonal_of
from symprop.analysis.curvature.ends import Positions
from symprop.analysis.curvature.examples import inner
from symprop.calculus.pairs import PAIRS
from symprop.calculus.tidy import tidy
from symprop.codegen.kinds import meaning
from symprop.codegen.matrix_passes import INNER as AS_INNER
from symprop.codegen.matrix_passes import ON_A_VECTOR
from symprop.errors import SympropError
from symprop.finishing.kroneckers import BESIDE
from symprop.finishing.signs import SIGNED
from symprop.formulas.code.kronecker_chains import APPLIED, APPLIED_FROM_RIGHT
from trust.mutant_questions import Question, same_numbers
from trust.mutant_samples import MORE, R_, numeric, samples, u_, v_, values_of
from trust.sum_values import value

Array = Any


def _equal(what: str, node: Node, tell: Callable[[Node], Node], true: Array) -> Question:
    """Return a question for another form of a sample."""
    return numeric(what, node, lambda: value(tell(node), values_of(node), {}), true)


def of_diagonals() -> Iterator[Question]:
    """Yield the diagonals of square samples, from what they are made of."""
    more = (n.Diag(u) @ S, S @ n.Diag(u), S @ N, n.Diag(u) @ S @ n.Diag(v), 3 * S, n.Outer(u, v), n.Kron(S, N).T)
    for node, true in (*samples(), *((each, value(each, values_of(each), {})) for each in more)):
        if true.ndim == 2 and true.shape[0] == true.shape[1]:
            yield numeric(
                "diagonal", node, lambda node=node: value(diagonal_of(node), values_of(node), {}), np.diagonal(true)
            )


def of_inner_products() -> Iterator[Question]:
    """Yield inner products of two arrays, from what they are made of."""
    x, y, z = (n.Outer(*pair) for pair in ((u, v), (v, u), (u, u)))
    flat = [n.Reshape(each, (4,)) for each in (x, S)]
    rows = [variable(name, (2, 5)) for name in "abcd"]
    products = [n.MatMul(left.T, right) for left, right in zip(rows[:2], rows[2:], strict=True)]
    added = n.ScatterAdd(S, ids, 3), n.ScatterAdd(N, ids, 3)
    for left, right in ((x, y), (x, z), (x, S), (S, x), flat, products, added, (flat[0], flat[0])):
        values = values_of(left + right)
        true = np.sum(value(left, values, {}) * value(right, values, {}))

        def ask(left: Node = left, right: Node = right) -> Array:
            return value(inner(left, right), values_of(left + right), {})

        yield Question(
            f"inner product of {left.text()} and {right.text()}",
            ask,
            lambda t, s=true: not same_numbers(t, s),
            same_numbers,
        )


def of_rows() -> Iterator[Question]:
    """Yield row t of formulas that have a row for each position, in rows t of what they read."""
    x, y, place = variable("x", (5, 2)), variable("y", (5, 2)), 3
    each = n.Sum(x * y, 1)
    mixed = (x, x + y, x * y * u, FUNCTIONS["tanh"](x - v), x @ N, (x @ N + u) * y, n.Softmax(x, 1), each, 3 * each)
    summed = (n.Extreme(x, 1), n.Sum(x, 1, True), n.Expand(each, 1), n.Outer(each, u), n.Fill(2, (5,)) * each)
    for node in (*mixed, *summed, n.Fill(3, (5, 2)) * x):
        values, positions = values_of(node), Positions(Integer(5))
        rows = {positions.at(one).name: values[one.name][place] for one in (x, y) if one.name in values}

        def ask(node: Node = node, known: dict[str, Array] = values | rows, at: Positions = positions) -> Array:
            return value(at.row(node), known, {})

        yield numeric("row", node, ask, value(node, values, {})[place])


# ---------------------------------------------------------------- one operation in another


def finite(node: Node) -> Array | None:
    """Return the value of a formula; none where it has none."""
    try:
        found = value(node, values_of(node), {})
    except (IndexError, ValueError, ArithmeticError, np.linalg.LinAlgError):
        return None
    return found if np.all(np.isfinite(found)) else None


def nested() -> Iterator[Node]:
    """Yield samples with another one in the place of the first operand, a few for each two kinds with a row."""
    every = [each for nodes in (*SAMPLES.values(), MORE, MATRICES) for each in nodes]
    met: Counter[tuple[type, type]] = Counter()
    for outer in (each for each in every if each.operands):
        tables = [PAIRS.tables[kind] for kind in type(outer).__mro__ if kind in PAIRS.tables]
        for below in every:
            known, kinds = any(type(below) in table for table in tables), (type(outer), type(below))
            if not known or below.shape != outer.operands[0].shape or met[kinds] == FEW:
                continue
            try:
                yield outer.with_operands([below, *outer.operands[1:]])
                met[kinds] += 1
            except (SympropError, TypeError, ValueError):  # what has no value there
                continue


FEW = 8
ROOT = n.Cholesky(near @ near.T)
MATRICES: tuple[Node, ...] = (
    *(S, M, A, A.T, S.T, S + N, near, n.Identity(2), n.Identity(4), n.Diag(u), n.Outer(u, v), n.Fill(2, (2, 2))),
    *(n.Inverse(near), n.Inverse(S), n.Inverse(N), n.MatrixPower(S, 2), n.MatrixPower(N, 3), n.Commutation(2, 2)),
    *(n.Kron(S, N), n.Kron(S, N) + n.Kron(N, S), n.Commutation(2, 2) + n.Kron(S, N), n.Kron(n.Identity(2), u_)),
    *(n.Kron(u_, n.Identity(2)), n.Kron(n.Identity(2), u_.T), n.Kron(u_.T, N), n.Kron(S, u_.T), n.Kron(v_, S)),
    *(n.Kron(v_.T, S), n.PseudoInverse(A), n.PseudoInverse(A).T, n.PseudoInverse(A.T), n.Duplication(2)),
    *(n.MatrixFunction(near, "expm"), n.MatrixFunction(near, "sqrtm"), n.MatrixFunction(-near, "expm"), ROOT, ROOT.T),
    *(n.Expand(u, 1), n.Expand(v, 0), n.Fill(3, (2, 1)), n.Fill(1, (4,)), n.Slice(S, 0, 0, 1), n.Slice(M, 1, 0, 2)),
    *(n.Slice(M, 0, 0, 2), triangle(3, 3), u, v),
)


def of_pairs() -> Iterator[Question]:
    """Yield tidy forms of what one operation makes of another, and of products of two matrices."""
    products = (
        left @ right for left in MATRICES for right in MATRICES if left.rank and left.shape[-1] == right.shape[0]
    )
    for node in (*nested(), *products):
        if (true := finite(node)) is not None:
            yield _equal("tidy form", node, tidy, true)


def _of_products(what: str, tell: Callable[[Node, Node], Any], matrices: Any = MATRICES) -> Iterator[Question]:
    for left in matrices:
        for right in matrices:
            fits = left.rank == right.rank == 2 and left.shape[1] == right.shape[0]
            if fits and tell(left, right) is not None:
                true = value(left @ right, values_of(left @ right), {})

                def ask(left: Node = left, right: Node = right, shape: Any = true.shape) -> Array:
                    return value(tell(left, right), values_of(left @ right), {}).reshape(shape)

                yield numeric(what, left @ right, ask, true)


def of_neighbours() -> Iterator[Question]:
    """Yield products of Kronecker products with their neighbours."""
    return _of_products("beside a Kronecker product", BESIDE)


def of_applied() -> Iterator[Question]:
    """Yield what Kronecker products, commutations and diagonal matrices make of their neighbours."""
    yield from _of_products("applied", APPLIED.given)


def of_applied_from_right() -> Iterator[Question]:
    """Yield what they make of a matrix in front of them."""
    yield from _of_products("applied from the right", lambda left, right: APPLIED_FROM_RIGHT.given(right, left))


def of_vectors() -> Iterator[Question]:
    """Yield products with a vector of matrices that are not built."""
    for matrix in (n.Commutation(2, 2), n.Commutation(2, 3), n.Kron(S, N), n.Kron(S, A), n.Kron(A, S)):
        x = variable("x", (matrix.shape[1],))
        true = value(matrix @ x, values_of(matrix @ x), {})

        def ask(matrix: Node = matrix, x: Variable = x) -> Array:
            return value(ON_A_VECTOR(matrix, x), values_of(matrix @ x), {}).ravel()

        yield numeric("product", matrix @ x, ask, true)


def of_sums_of_products() -> Iterator[Question]:
    """Yield sums of products of elements as programs have them."""
    for node in (n.Diagonal(S @ N), n.Diagonal(A.T @ A), n.Sum(S * N), n.Sum(3 * S * N), n.Sum(S**2), n.Sum(u * v)):
        true = value(node, values_of(node), {})
        yield numeric(
            "as an inner product", node, lambda node=node: value(meaning(AS_INNER(node)), values_of(node), {}), true
        )


def of_signs_of_differences() -> Iterator[Question]:
    """Yield samples with a difference in them, turned the other way round."""
    kept = {(2,): (u - v, v - u), (2, 3): (A - R_, R_ - A), (2, 2): (S - N, N - S)}
    for node in (each for nodes in (*SAMPLES.values(), MORE) for each in nodes):
        for place, operand in enumerate(node.operands):
            if operand.shape not in kept or not isinstance(operand, Variable):
                continue
            there, gone = kept[operand.shape]
            try:
                whole = node.with_operands([*node.operands[:place], gone, *node.operands[place + 1 :]])
            except SympropError:
                continue
            if (true := finite(whole)) is not None:

                def ask(whole: Node = whole, there: Node = there, gone: Node = gone) -> Array:
                    sign, found = SIGNED(whole, there, gone)
                    return sign * value(found, values_of(whole), {})

                yield numeric("turned round", whole, ask, true)
