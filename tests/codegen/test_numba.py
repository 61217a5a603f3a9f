"""The target "numba": the same loss and gradients from one compiled function of loops."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_memory import data_of

import symprop
from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.nodes import Node
from symprop.codegen import compile_network, generate
from symprop.codegen.case import case_of
from symprop.codegen.program import Statement
from symprop.codegen.targets.numba.loops import has_loops, loop_lines
from symprop.errors import SpecError
from symprop.verify import check
from tests.rounding import FUNCTION, UNIT, assert_rounded
from tests.rounding_of_formulas import counted_step

SMALL = "Input(3) >> Dense(3) >> ReLU() >> Dense(2) >> SoftmaxCrossEntropy()"
NETWORKS = (
    "Input(40) >> Dense(30) >> Tanh() >> Residual(Dense(30) >> ReLU()) >> Dense(20) >> SoftmaxCrossEntropy()",
    "Input(3) >> Embedding(9, 20, flatten=False) >> Dense(30) >> Tanh() >> Dense(20) >> MeanSquaredError() + L2(0.1)",
    "Input(2) >> Dense(2) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()",
    "Input(3) >> Embedding(27, 2) >> Dense(4) >> SiLU() >> Dense(3) >> GELU() >> Dense(2) >> SoftmaxCrossEntropy()",
    "Input(2) >> Embedding(90, 2, flatten=False) >> Dense(3) >> Residual(Dense(3) >> ELU()) >> MeanSquaredError()",
    "Input(3) >> Dense(4) >> Softplus() >> Dense(2) >> Softmax() >> Dense(3) >> Sigmoid() >> BinaryCrossEntropy()",
    'Input(2) >> Dense(3) >> Loss("sum(concatenate((a, y, tanh(a)))**2)")',
    'Input(4) >> Dense(7) >> Tanh() >> Loss("sum(y) * sum(sliding_window_view(pad(a, (1, 2)), 3, axis=0)[::2]**2)")',
    "Input(3) >> Dense(6) >> Loss('sum(y * max(sliding_window_view(pad(a, (1, 1), constant_values=-inf), 3), axis=1))"
    " + sum(flip(a)[1:3] * a[2:4]**2)')",
    'Input(3) >> Dense(6) >> Loss("sum(fold(sliding_window_view(tanh(a), 3), 3, 0, 9, 2, 1)**2) + sum(y * flip(a))")',
    'Input(3) >> Dense(6) >> Loss("sum(tanh(pad(tanh(a) * y, (2, 1))[1:8] + pad(sum(outer(a, y), axis=0), (0, 1))))")',
    'Input(3) >> Dense(3) >> GELU(approximate="tanh") >> Dense(3) >> Loss("sum(maximum(a, y)**3) + max(a)") + L2(0.1)',
)
INVERTED = 'Input(2) >> Dense(3) >> Loss("sum(inv(eye(3) * 3 + ones((3, 3))) @ a) + sum(y)")'


def test_loops_are_certified_where_a_case_has_them_for_a_target() -> None:
    pytest.importorskip("numba", reason="numba is not installed")
    pytest.importorskip("scipy", reason="SciPy is not installed, through which numba reaches BLAS")
    case = case_of(SMALL, target="numba")
    certificate = check(case)
    assert certificate.ok, certificate.table()
    assert "numba" in case.source


@pytest.mark.parametrize("text", NETWORKS)
def test_loops_compute_what_is_derived(text: str) -> None:
    pytest.importorskip("numba", reason="numba is not installed")
    pytest.importorskip("scipy", reason="SciPy is not installed, through which numba reaches BLAS")
    optimizer = "adam" if text == NETWORKS[0] else None  # compiled too, and alike in all
    compiled = compile_network(text, optimizer=optimizer, target="numba")
    params, x, y = data_of(text, 5)
    loss, grads = counted_step(symprop.derive(text, layout="rows"), params, x, y)
    work = compiled.make_workspace(5)
    for array in vars(work).values():
        if isinstance(array, np.ndarray):
            array.fill(np.nan)
    found, slopes = compiled.loss_and_grads(params, x, y, work)
    assert_rounded(found, loss)
    assert list(slopes) == list(grads)
    for name, gradient in grads.items():
        assert_rounded(slopes[name], gradient, name=name)
    if optimizer:
        assert_rounded(compiled.train_step(compiled.init_state(params), x, y), loss)


def test_a_loop_over_time_is_a_loop_of_the_compiler() -> None:
    """Rows that are strided (the flow of a sequence), and gates whose product is left to BLAS."""
    pytest.importorskip("numba", reason="numba is not installed")
    pytest.importorskip("scipy", reason="SciPy is not installed, through which numba reaches BLAS")
    text = "Input(3, 2) >> LSTM(8) >> MeanSquaredError()"
    compiled = compile_network(text, target="numba")
    assert "for t in range(3):" in generate(text, target="numba")
    params, x, y = data_of(text, 3)
    params = {name: value + 0.1 * np.arange(value.size).reshape(value.shape) % 0.7 for name, value in params.items()}
    written_out = text.replace("LSTM(8", "LSTM(8, unroll=True")
    loss, grads = counted_step(symprop.derive(written_out, layout="rows"), params, x, y)
    found, slopes = compiled.loss_and_grads(params, x, y)
    assert_rounded(found, loss)
    for name, gradient in grads.items():
        assert_rounded(slopes[name], gradient, name=name)


def test_tanh_in_float32_is_a_rational_function() -> None:
    pytest.importorskip("numba", reason="numba is not installed")
    tanh = compile_network(NETWORKS[0], "float32", target="numba")._tanh
    for t in np.concatenate([np.linspace(-12, 12, 4001), [1e-30, -1e-8, 700.0, -np.inf]]).astype(np.float32):
        # the fraction is right to 4 units in the last place, and its 13 operations round in float32: few of them count
        assert abs(float(tanh(t)) - np.tanh(float(t))) <= FUNCTION * UNIT["float32"] * abs(np.tanh(float(t)))
        assert abs(tanh(t)) <= 1


@pytest.mark.parametrize("text", NETWORKS[:4])
def test_the_source_is_as_ruff_would_have_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(generate(text, "float32", "sgd", "numba"), encoding="utf-8")
    for command in (["format", "--diff"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_has_no_loops_is_refused() -> None:
    compile_network(INVERTED)
    with pytest.raises(SpecError, match='target "numba" has no loops'):
        generate(INVERTED, target="numba")
    with pytest.raises(SpecError, match="unknown target 'fortran'"):
        generate(NETWORKS[0], target="fortran")
    assert not has_loops(n.Inverse(variable("A", (2, 2))))


x, W, k = variable("x", (4, 6)), variable("W", (2, 3)), variable("k", (4,))


@pytest.mark.parametrize(
    ("node", "lines"),
    [
        (x.T, ["for i in range(6):", "    for j in range(4):", "        out[i, j] = x[j, i]"]),
        (
            n.Sum(x, 1),
            ["for i in range(4):", "    total = DTYPE(0)", "    for j in range(6):", "        total += x[i, j]"],
        ),
        (n.Reshape(W, (6,)), ["for i in range(6):", "    out[i] = W[i // 3, i % 3]"]),
        (n.Reshape(x, (4, 2, 3)), ["for i in range(4):", "    for j in range(2):", "        for k in range(3):"]),
        (n.ScatterAdd(k, k, 9), ["out[...] = 0", "for i in range(4):", "    out[k[i]] += k[i]"]),
    ],
)
def test_lines_of_loops(node: Node, lines: list[str]) -> None:
    assert loop_lines(Statement(variable("out", node.shape), node))[: len(lines)] == lines
