"""What makes a step of attention fast, on small sizes: blocks below the diagonal, results that lie as they are read."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Variable
from symprop.codegen import triangles
from symprop.codegen.program import Program, Statement, checked
from symprop.codegen.targets.numpy.source import numpy_source
from tests.rounding import UNIT

FEW = 500
"""Roundings of numbers of the size of the largest gradient, through some products, a softmax and a norm."""


def step_of(text: str) -> tuple[str, Any, Any]:
    """Return the source of the step of a network, the module with it, and the module to read."""
    source = symprop.generate(text, fast=True)
    modules = []
    for each in (source, symprop.generate(text)):
        scope: dict[str, Any] = {}
        exec(each, scope)
        modules.append(scope)
    return source[source.index("def _step(") :], *modules


def compared(text: str, x: Any, y: Any) -> str:
    """Compare the second step in the same memory with the module to read; return the lines of the step."""
    lines, fast, read = step_of(text)
    random = np.random.default_rng(1)
    params = {name: random.normal(size=value.shape) for name, value in fast["init_params"](0).items()}
    work = fast["make_workspace"](len(y))
    fast["loss_and_grads"](params, x, y, work)
    loss, grads = fast["loss_and_grads"](params, x, y, work)
    expected, true = read["loss_and_grads"](params, x, y)
    largest = max(np.abs(each).max() for each in true.values())
    assert abs(loss - expected) <= FEW * UNIT["float64"] * abs(expected)
    for name, gradient in true.items():
        assert np.abs(grads[name] - gradient).max() <= FEW * UNIT["float64"] * largest, name
    return lines


@pytest.mark.parametrize("attention", ["Attention(2, causal=True)", "Attention(2, causal=True, kv_heads=1, rope=True)"])
def test_nothing_is_computed_far_above_the_diagonal(attention: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triangles, "ROWS", 2)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(3, 5, 8)), random.normal(size=(3, 5, 2))
    lines = compared(f"Input(5, 8) >> Residual({attention}) >> Dense(2) >> MeanSquaredError()", x, y)
    assert not re.search(r"\bp1 = ", lines)
    assert re.search(r"\[.*4:5\] \+= M", lines)


def test_what_reads_weights_as_a_whole_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum over rows knows nothing of blocks: it is given all rows, with zeros above the diagonal."""
    monkeypatch.setattr(triangles, "ROWS", 2)
    X, s, w, total = (
        Variable(letter, (1,), (2, 5, 5)[:rank]) for letter, rank in zip("Xswt", (3, 3, 3, 2), strict=True)
    )
    steps = [(s, X + n.Known("M", triangles.HIDDEN, (5, 5))), (w, FUNCTIONS["exp"](s)), (total, n.Sum(w, 1))]
    program = Program(tuple(Statement(*each) for each in steps), (), (), (X,), (), (total.name,))
    values = np.random.default_rng(0).normal(size=(2, 5, 5))
    scope: dict[str, Any] = {"np": np, "DTYPE": np.float64, X.name: values}
    for statement in checked(triangles.below_the_diagonal(program)).statements:
        exec(f"{statement.name} = {numpy_source(statement.expression)}", scope)
    expected = np.tril(np.exp(values)).sum(axis=1)
    assert np.abs(scope[total.name] - expected).max() <= FEW * UNIT["float64"] * expected.max()


def test_heads_are_never_copied() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(3, 5, 4)), random.normal(size=(3, 5, 4))
    lines = compared("Input(5, 4) >> Attention(2) >> MeanSquaredError()", x, y)
    assert not re.search(r"\[\.\.\.\] = .*transpose", lines)


def test_a_slope_takes_no_memory_of_what_it_is_made_of() -> None:
    random = np.random.default_rng(0)
    lines = compared(
        "Input(4) >> Dense(6) >> GELU() >> Dense(2) >> MeanSquaredError()",
        random.normal(size=(3, 4)),
        random.normal(size=(3, 2)),
    )
    assert lines.index("slope1 += ") < lines.index("z2 = ")


def test_a_tied_table_is_scattered_onto_its_dense_gradient() -> None:
    random = np.random.default_rng(0)
    text = 'Input(5) >> Embedding(70, 4, flatten=False) >> Dense(70, tied="E1", bias=False) >> SoftmaxCrossEntropy()'
    lines = compared(text, random.integers(0, 70, (3, 5)), random.integers(0, 70, (3, 5)))
    assert "clear=False" in lines
