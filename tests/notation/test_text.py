"""NumPy notation: Python reads the intended structure, NumPy gives the node's value."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy import Rational

from symprop.algebra import nodes as n
from symprop.algebra import ones, size_symbol, variable, zeros
from symprop.algebra.functions import FUNCTIONS
from symprop.notation import text
from tests.rounding import assert_rounded
from tests.rounding_of_formulas import counted

from .helpers import ARRAYS, NAMESPACE, environment, trees, value

W2, delta2, a1 = variable("W2", (5, 3)), variable("delta2", (5,)), variable("a1", (3,))
y, p, s = variable("y", (5,)), variable("p", (5,)), variable("s")
x, m = variable("x", ("m", 4)), size_symbol("m")
log = FUNCTIONS["log"]

CASES = [
    ((W2.T @ delta2) * (1 - a1**2), "(W2.T @ delta2) * (1 - a1 * a1)"),
    (n.Outer(delta2, a1), "outer(delta2, a1)"),
    (-n.Sum(y * log(p)), "-sum(y * log(p))"),
    (n.Sum((p - y) ** 2) / 2, "sum((p - y)**2) / 2"),
    (n.Sum(x, 0), "sum(x, axis=0)"),
    (n.Sum(x, 1, True), "sum(x, axis=1, keepdims=True)"),
    (n.Expand(y, 1), "y[:, None]"),
    (n.Expand(y, 0), "y[None, :]"),
    (n.Softmax(x, 1), "softmax(x, axis=1)"),
    (n.Softmax(y), "softmax(y)"),
    (n.LogSumExp(x, 0), "logsumexp(x, axis=0)"),
    (n.Where(n.Compare(">", y, n.Scalar(0)), y, p), "where(y > 0, y, p)"),
    (n.Compare(">", y, n.Scalar(0)) * p, "(y > 0) * p"),
    (1 - n.Compare(">", y, n.Scalar(0)), "1 - where(y > 0, 1, 0)"),
    (n.Take(variable("E1", (27, 10)), variable("x", (3,))), "E1[x]"),
    (n.OneHot(variable("y"), 10), "one_hot(y, 10)"),
    (n.ScatterAdd(variable("g", (3, 4)), variable("x", (3,)), 27), "scatter_add(g, x, 27)"),
    (n.Identity(m), "eye(m)"),
    (ones(m, 4), "ones((m, 4))"),
    (zeros(m), "zeros((m,))"),
    (n.Fill(Rational(1, 3), (2,)), "full((2,), 1/3)"),
    (n.Diag(y), "diag(y)"),
    (n.Power(y, Rational(1, 2)), "sqrt(y)"),
    (y / p, "y / p"),
    (y / (p * p), "y / (p * p)"),
    (y**3, "y**3"),
    (s**2, "s**2"),
    (n.Reshape(variable("e", (3, 10)), (30,)), "reshape(e, (30,))"),
    (y * Rational(1, 3), "y / 3"),
    ((p - y) / m, "(p - y) / m"),
    (-(p - y) / m, "-(p - y) / m"),
    (y - (p - y), "y - (p - y)"),
    (y * (p * y), "y * (p * y)"),
    (W2.T @ (W2 @ a1), "W2.T @ (W2 @ a1)"),
    (-(W2 @ a1), "-W2 @ a1"),
    ((W2 + W2).T, "(W2 + W2).T"),
    (n.Pullback(y, log(p), p), "pullback(y, log(p), p)"),
]


@pytest.mark.parametrize(("node", "written"), CASES, ids=[written for _, written in CASES])
def test_cases(node: n.Node, written: str) -> None:
    assert text(node) == written
    ast.parse(written, mode="eval")


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from(list(ARRAYS)))
def test_numpy_gives_the_value_of_the_node(data: st.DataObject, shape: tuple[int, ...]) -> None:
    node = data.draw(trees(shape))
    given_values = environment()
    with np.errstate(all="ignore"):
        truth = counted(node, given_values)
        by_meaning = value(node, given_values)
        found = eval(compile(text(node), "<text>", "eval"), {"__builtins__": {}}, NAMESPACE | given_values)
    if np.all(np.isfinite(by_meaning)) and np.max(np.abs(by_meaning)) < 1e100:
        assert_rounded(np.broadcast_to(found, truth.shape), truth)
        assert_rounded(np.broadcast_to(by_meaning, truth.shape), truth)


def test_python_reads_the_intended_structure() -> None:
    tree = ast.parse(text((W2.T @ delta2) * (1 - a1**2)), mode="eval").body
    assert isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult)
    assert isinstance(tree.left, ast.BinOp) and isinstance(tree.left.op, ast.MatMult)
    assert isinstance(tree.right, ast.BinOp) and isinstance(tree.right.op, ast.Sub)
    negative = ast.parse(text(-(y**2) / p), mode="eval").body
    assert isinstance(negative, ast.BinOp) and isinstance(negative.op, ast.Div)


def test_deep_formulas_print() -> None:
    deep = y
    for _ in range(2000):
        deep = n.Map(FUNCTIONS["tanh"], deep)
    assert text(deep).count("tanh") == 2000
