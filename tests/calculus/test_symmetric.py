"""Which matrices are called symmetric: those that are, at random points, by the facts that make them so."""

from __future__ import annotations

import numpy as np

import symprop
from symprop.algebra import nodes as n
from symprop.calculus.symmetric import symmetric, turned
from symprop.calculus.tidy import tidy
from tests.needed import needed
from tests.rounding_of_formulas import assert_same_value

SHAPES = {"S": "3 3 symmetric", "P": "3 3 positive-definite", "A": "3 3", "B": "3 2", "x": "3", "y": "3"}
SHAPES |= {"c": "", "T": "3 3 3"}
SYMMETRIC = (
    "S", "P", "S + P", "c * S", "S * P", "S**2", "exp(-S)", "where(S > 0, S, P)", "inv(P)", "inv(exp(S) + 2 * eye(3))",
    "A + A.T", "A * A.T + S", "A @ A.T", "A.T @ S @ A", "B @ B.T", "S @ P @ S", "S @ A @ A.T @ S", "matrix_power(S, 3)",
    "outer(x, x)", "diag(x)", "kron(S, P)", "sin(A + A.T)", "maximum(S, P)", "A @ inv(P + A @ A.T) @ A.T",
    "sum((B[:, None, :] - B[None, :, :])**2, axis=2)",
)  # fmt: skip
NOT_SHOWN = (
    "A", "S @ P", "S + A", "A * S", "outer(x, y)", "S * x", "S + x", "softmax(S, axis=1)", "kron(S, A)", "A @ S",
    "exp(A)", "T @ x", "S @ A.T", "S @ A @ S", "A + 2 * A.T",
    "sum((B[:, None, :] - 2 * B[None, :, :])**2, axis=2)", "sum((B[:, None, :] - B[None, :, :] + B)**2, axis=2)",
    "sum((B[:, None, :] - B[None, :, :] - 1)**2, axis=2)",
)  # fmt: skip


def test_what_is_shown_to_be_symmetric_is(random: np.random.Generator) -> None:
    square, other = random.normal(size=(3, 3)), random.normal(size=(3, 3))
    point = {"S": square + square.T, "P": square @ square.T + np.eye(3), "A": other, "B": other[:, :2], "c": 0.7}
    point |= {"x": other[0], "y": other[1]}
    for source in SYMMETRIC:
        node = tidy(symprop.formula(source, **needed(SHAPES, source)).node)
        facts = symmetric(node)
        assert facts is not None, source
        assert all(f"{name} is symmetric" in facts for name in "SP" if name in source), (source, facts)
        assert turned(node) == node
        assert_same_value(node, n.Transpose(node), point)


def test_nothing_is_called_symmetric_that_is_not_shown_to_be() -> None:
    for source in NOT_SHOWN:
        assert symmetric(tidy(symprop.formula(source, **needed(SHAPES, source)).node)) is None, source
