"""Matrices of linear maps: of every kind of node, applied to a vector they are what the map makes of it."""

from __future__ import annotations

import numpy as np
import pytest

import symprop
from symprop.algebra.nodes import Variable
from symprop.calculus.linear_maps import matrix_of
from symprop.calculus.tidy import tidy
from tests.needed import needed
from tests.rounding import assert_rounded, exact
from tests.rounding_of_formulas import counted

SHAPES = {
    "A": "2 3", "B": "4 2", "U": "3 4", "u": "3", "c": "", "v": "4", "w": "3", "G": "3 4", "P": "2 3 3", "S": "3 3",
    "i": "5 index 3", "k": "index 3", "j": "3 index 6", "W": "3 3", "p": "2 3 index 4",
}  # fmt: skip
CASES = (
    ("U", "A @ U", "kron(A, eye(4))"),
    ("U", "U @ B", "kron(eye(3), B.T)"),
    ("U", "A @ U @ B", "kron(A, B.T)"),
    ("U", "U.T", "commutation(3, 4)"),
    ("U", "B.T @ U.T @ A.T", "kron(B.T, A) @ commutation(3, 4)"),
    ("U", "w @ U", "kron(w[None, :], eye(4))"),
    ("U", "U @ v", "kron(eye(3), v[None, :])"),
    ("U", "G * U", "diag(reshape(G, (12,)))"),
    ("U", "U * v", "kron(eye(3), diag(v))"),
    ("U", "U * w[:, None]", "kron(diag(w), eye(4))"),
    ("U", "sum(U, axis=0)", "kron(ones((1, 3)), eye(4))"),
    ("U", "sum(U, axis=1)", "kron(eye(3), ones((1, 4)))"),
    ("U", "sum(U, axis=1, keepdims=True) * G", None),
    ("U", "U - sum(U, axis=0) / 3", None),
    ("U", "sum(U)", "ones((12,))"),
    ("U", "trace(A @ U @ B)", None),
    ("U", "reshape(U, (2, 6))", "eye(12)"),
    ("U", "U[1:, :]", "eye(12)[4:]"),
    ("U", "U[:, 1:3]", None),
    ("U", "U[i]", "kron(one_hot(i, 3), eye(4))"),
    ("U", "U[k]", None),
    ("U", "concatenate((U, G), axis=0)", None),
    ("U", "concatenate((G, 2 * U), axis=1)", None),
    ("U", "kron(A, U)", None),
    ("U", "where(G > 0, U, 2 * U)", None),
    ("U", "P @ U", "kron(reshape(P, (6, 3)), eye(4))"),
    ("P", "P @ U", "kron(eye(6), U.T)"),
    ("P", "P @ u", "kron(eye(6), u[None, :])"),
    ("P", "u @ P", "kron(kron(eye(2), u[None, :]), eye(3))"),
    ("P", "A @ P", "kron(kron(eye(2), A), eye(3))"),
    ("P", "P @ S @ w", None),
    ("u", "P @ u", "reshape(P, (6, 3))"),
    ("A", "A @ P", None),
    ("U", "c * U", "c * eye(12)"),
    ("W", "diagonal(W)", None),
    ("W", "W @ W.T - W @ S", None),
    ("W", "kron(W, A)", None),
    ("u", "diag(u)", None),
    ("u", "diagonal(S @ diag(2 * u) @ S)", "2 * S * S.T"),
    ("u", "diagonal(S @ (diag(u) @ S - S.T @ diag(w * u)) @ S)", None),
    ("u", "diagonal(diag(u) @ S)", "diag(diagonal(S))"),
    ("u", "diag(u) @ w", "diag(w)"),
    ("u", "outer(u, v)", "kron(eye(3), v[:, None])"),
    ("u", "outer(v, u)", "kron(v[:, None], eye(3))"),
    ("u", "u[i]", None),
    ("u", "scatter_add(u, j, 6)", None),
    ("P", "scatter_add(P, p, 4)", None),
    ("u", "u[:, None] * G", None),
    ("u", "S @ u + u", "S + eye(3)"),
    ("u", "w * (w @ u)", "outer(w, w)"),
    ("u", "u - mean(u)", None),
    ("c", "c * G", None),
    ("c", "c * w", "w"),
)


@pytest.mark.parametrize(("by", "source", "written"), CASES, ids=[source for _, source, _ in CASES])
def test_a_matrix_is_that_of_its_map(by: str, source: str, written: str | None, random: np.random.Generator) -> None:
    formula = symprop.formula(source, **needed(SHAPES, source))
    u = next(each for each in formula.variables if each.name == by)
    tangent = Variable("tangent", (), u.shape)
    pushed = symprop.jvp(formula, by, "tangent").node
    matrix = tidy(matrix_of(pushed, tangent))
    if written is not None:
        assert matrix.text() == written
    point = {
        each.name: random.integers(0, int(each.facts_by_kind["index"]), [int(s) for s in each.shape])
        if "index" in each.facts_by_kind
        else random.normal(size=[int(s) for s in each.shape])
        for each in formula.variables
    }
    direction = random.normal(size=[int(size) for size in u.shape])
    point["tangent"] = direction
    image = counted(pushed, point)
    found = counted(matrix, point)
    flat = exact(direction.reshape(-1))
    product = found @ flat if direction.ndim else found * flat[0]
    assert_rounded(np.reshape(product, -1), np.reshape(image, -1))
