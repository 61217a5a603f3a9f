"""Sums over products of matrices: taken the other way round where both products are held, and where they vanish."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from sympy import Rational

import symprop
from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.batching import swapped
from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node
from symprop.calculus import rewriting
from symprop.calculus.context import Context
from symprop.calculus.known_products import known_product
from symprop.calculus.tidy import tidy
from symprop.calculus.vanishing_sums import reached
from symprop.verify.evaluate import complex_value

ROUNDING = 1e-13
"""Of the largest element: sums of some thirty products of numbers of size one, each rounded by 1e-16."""

LAYOUTS = ["example", "rows", "columns"]
HEADS = {
    "one head": "Attention(1)",
    "heads": "Attention(2, causal=True)",
    "groups": "Attention(4, kv_heads=2)",
    "a mask": 'Attention(2, mask=Input(T, name="lengths"))',
    "a memory": 'Attention(2, kv_heads=1, memory=Input(S, n, name="memory"))',
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("heads", HEADS)
def test_a_softmax_gives_back_what_is_held_of_its_rows(heads: str, layout: str) -> None:
    d = symprop.derive(f"Input(T, n) >> {HEADS[heads]} >> MeanSquaredError()", layout=layout)
    axis = d.variable("p1").rank - (2 if layout == "columns" else 1)
    assert d.equation("ds1").expression.text() == f"p1 * (dp1 - sum(do1 * o1, axis={axis}, keepdims=True))"
    assert d.equation("dbk1").expression.constant == 0
    assert [remark for remark in d.remarks if remark.startswith("dbk1 is zero")]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("options", ["", ", kv_heads=2", ", kv_heads=1, causal=True"])
def test_a_head_of_one_feature_too(options: str, layout: str) -> None:
    d = symprop.derive(f"Input(3, 4) >> Attention(4{options}) >> MeanSquaredError()", layout=layout)
    assert d.equation("ds1").expression.text() == "p1 * (dp1 - do1 * o1)"
    assert d.equation("dbk1").expression.constant == 0
    assert d.pretty() and d.latex()


def test_in_a_loop_too_and_a_rotated_key_has_a_bias() -> None:
    block = (
        "Repeat(Residual(LayerNorm() >> Attention(2, kv_heads=1)) >> Residual(Dense(n) >> Attention(2, rope=True)), N)"
    )
    d = symprop.derive(f"Input(T, n) >> Dense(n) >> {block} >> MeanSquaredError()")
    for index in ("2*l - 1", "2*l"):
        written = d.equation(f"ds[{index}]").expression.text()
        assert written.startswith(f"p[{index}] * (dp[{index}] - sum(do[{index}] * o[{index}]")
    assert d.equation("dbk[2*l - 1]").expression.constant == 0
    assert d.equation("dbk[2*l]").expression.constant is None
    assert "^(3/2)" not in d.pretty() and "3/2" not in d.text()  # the norm's formula before the loop as inside it


@pytest.mark.parametrize("layer", ["Dense(4)", "Attention(2)", "BatchNorm() >> Dense(4, bias=False) >> Dense(4)"])
def test_layers_that_are_alike_come_out_as_each_alone(layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum that vanishes is followed through other layers, whose answers must be asked for again."""
    network = f"Input(4, 4) >> {' >> '.join([layer] * 3)} >> MeanSquaredError()"
    found = symprop.derive(network, layout="rows")
    monkeypatch.setattr(rewriting, "worked_once", lambda start, context, work_out: work_out(start, context))
    alone = symprop.derive(network, layout="rows")
    assert found.text() == alone.text()
    assert [tuple(each.steps) for each in found.equations] == [tuple(each.steps) for each in alone.equations]


def random_values(*arrays: n.Variable) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {each.name: random.normal(size=tuple(map(int, each.shape))) for each in arrays}


def agree(left: Node, right: Node, values: dict[str, Any]) -> None:
    """Both sides have the same elements, in the same shape."""
    a, b = complex_value(left, values), complex_value(right, values)
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=0, atol=ROUNDING * np.abs(b).max())


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("rank", [2, 3])
def test_a_product_that_is_held_is_read_along_any_axis(rank: int, order: tuple[int, ...], axis: int) -> None:
    """All sizes are 3, so that axes in a wrong order would be no error, but another value."""
    A, B, P = variable("A", (3,) * rank), variable("B", (3, 3, 3)), variable("P", (3, 3, 3))
    inverse = tuple(map(order.index, range(3)))
    made = n.Multiply(n.Scalar(Rational(1, 2)), n.Transpose(n.MatMul(A, B), order))
    weights = P.permuted(inverse)
    held = [n.MatMul(weights, swapped(B)), n.MatMul(swapped(A), weights)]
    targets = [variable(name, (3, 3, 3)) for name in "DOQ"]
    meanings = [tidy(each) for each in (made, *(n.Transpose(each, order) for each in held))]
    known = [Equation(target, meaning) for target, meaning in zip(targets, meanings, strict=True)]
    context = Context({each.expression: each for each in known}, {each.target: each for each in known})
    total = n.Sum(n.Multiply(P, targets[0]), axis, keepdims=True)
    found = known_product(total, context)
    along = (1, 2) if rank == 3 else (1,)  # a sum over products side by side is none of their rows or columns
    assert (found is not None) == (order[axis] in along)
    if found is not None:
        values = random_values(A, B, P)
        values |= {each.target.name: complex_value(each.expression, values) for each in known}
        agree(found.result, total, values)


X, Y, c = variable("X", (2, 3, 4)), variable("Y", (2, 4, 3)), variable("c", (1, 3, 1))
REACHING = {
    "a transpose": (n.Transpose(X, (2, 0, 1)), (2,)),
    "a part of a shape": (n.Reshape(X, (6, 4)), (1,)),
    "axes in one": (n.Reshape(X, (6, 4)), (0,)),
    "an axis in two": (n.Reshape(X, (2, 3, 2, 2)), (1,)),
    "an axis of one": (n.Reshape(X, (2, 1, 3, 4)), (2,)),
    "a sum": (n.Sum(X, 0), (1,)),
    "a sum that keeps": (n.Sum(X, 1, keepdims=True), (2,)),
    "the right factor": (n.MatMul(n.Transpose(Y, (0, 2, 1)), n.Transpose(X, (0, 2, 1))), (2,)),
    "the left factor": (n.MatMul(X, Y), (1,)),
    "a constant": (n.Multiply(n.Scalar(3), c, X), (0, 2)),
    "all of these": (n.Reshape(n.Transpose(n.Sum(n.MatMul(X, Y), 0), (1, 0)), (9,)), (0,)),
}


@pytest.mark.parametrize("name", REACHING)
def test_a_sum_vanishes_where_what_it_reaches_does(name: str) -> None:
    node, axes = REACHING[name]
    part = reached(node, axes)
    assert part is not None
    values = random_values(X, Y, c)
    inner = values[part[0].name]
    values[part[0].name] = inner - inner.mean(axis=part[1], keepdims=True)
    total = complex_value(n.Sum(node, axes), values)
    assert np.abs(total).max() <= ROUNDING * np.abs(complex_value(node, values)).max()


@pytest.mark.parametrize(
    ("node", "axes"),
    [
        (n.Multiply(X, variable("d", (2, 3, 4))), (0,)),
        (n.Multiply(c, X), (1,)),
        (n.Reshape(X, (2, 3, 2, 2)), (3,)),
        (n.MatMul(X, Y), (0,)),
        (n.Add(X, c), (2,)),
    ],
    ids=["both vary", "the factor varies", "half an axis", "products side by side", "a term that stays"],
)
def test_a_sum_that_need_not_vanish_reaches_nothing(node: Node, axes: tuple[int, ...]) -> None:
    assert reached(node, axes) is None
