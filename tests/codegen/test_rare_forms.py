"""Forms that no layer has: what is written in another way where it can be, and as it stands where it cannot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from samples import WITH_ELEMENTS
from test_memory import data_of

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.nodes import BatchMean, Sum, Variable
from symprop.formulas.code.module import compile_formula, formula_source
from symprop.networks import spec
from symprop.networks.builder import Builder
from symprop.networks.layers import Layer
from symprop.networks.spec import as_network
from symprop.verify.evaluate import complex_value


@dataclass(frozen=True)
class Centre(Layer):
    """Less the mean of all numbers of the batch, which may have a running value."""

    runs: bool = False

    def build(self, builder: Builder, value: Variable) -> Variable:
        number = builder.next_number("centre")
        mu = builder.equation("mu", number, BatchMean(Sum(value)) / value.shape[0], "mean")
        if self.runs:
            builder.running("R", mu, 0, lambda r: 0.9 * r + 0.1 * mu)
        return builder.equation("v", number, value - mu, "centred")


X23, X4 = np.random.default_rng(4).normal(size=(2, 3)), np.random.default_rng(3).normal(size=4)

CLOSE = 1e-11
"""Of the largest number: sums of at most some hundred products, each rounded to 2**-53."""

LOSS = 'Input(3) >> Dense(4) >> Loss("sum(y) + {}")'
ROWS = 'Input(9, 4) >> Dense(4) >> Loss("sum(y) + sum(tanh({})**2)")'
CELL = "Input(5, 2) >> Scan({}) >> MeanSquaredError()"
OWN = "Input(3) >> Dense(4) >> Activation({}) >> MeanSquaredError()"
END = " >> Flatten() >> Dense(2) >> MeanSquaredError()"


def point(text: str) -> tuple[dict[str, Any], Any, Any]:
    """Return random parameters, some of a batch's rows, and targets."""
    params, x, y = data_of(text, 3)
    if "one-hot" in as_network(text).system().targets[0].facts_by_kind:
        y = np.eye(y.shape[-1])[y.argmax(axis=-1)]
    return {name: 0.6 * value for name, value in params.items()}, x, y


def slope(module: ModuleType, params: dict[str, Any], x: Any, y: Any, along: dict[str, Any]) -> float:
    """Return the slope of the loss in a direction, by differences of fourth order: its error is some 1e-10."""
    h = 1e-4
    at = [module.loss({name: params[name] + k * h * along[name] for name in params}, x, y) for k in (-2, -1, 1, 2)]
    return float((at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * h))


def readable(text: str) -> tuple[ModuleType, tuple[dict[str, Any], Any, Any], float, dict[str, Any]]:
    """Return the module to read, a point, and the loss and the gradients there, which are those of differences."""
    module, (params, x, y) = symprop.compile(text, fast=False), point(text)
    loss, grads = module.loss_and_grads(params, x, y)
    random = np.random.default_rng(5)
    along = {name: random.normal(size=value.shape) / np.sqrt(value.size) for name, value in params.items()}
    true = sum(float(np.sum(grads[name] * along[name])) for name in params)
    assert slope(module, params, x, y, along) == pytest.approx(true, rel=1e-7, abs=1e-7)
    return module, (params, x, y), float(loss), grads


def assert_as_readable(text: str, close: float = CLOSE, **options: Any) -> ModuleType:
    """Compile a network, and compare its loss and gradients with those of the module to read; return its module."""
    _, (params, x, y), loss, grads = readable(text)
    module = symprop.compile(text, **options)
    if options.get("target") == "numba":
        module._kernel = module._kernel.py_func  # type: ignore[attr-defined]  # to compile it takes up to a minute
    found, slopes = module.loss_and_grads(params, x, y)
    assert float(found) == pytest.approx(loss, rel=close)
    assert list(slopes) == list(grads)
    for name, true in grads.items():
        np.testing.assert_allclose(np.asarray(slopes[name]), true, rtol=0, atol=close * max(1, np.abs(true).max()))
    return module


STACK = "reshape(ones((6, 6)) - 3 * eye(6), (2, 6, 3))"
WINDOWS = "sliding_window_view({}, 3, axis=0)"
GROUPS = ROWS.format(
    f"reshape(permute_dims(reshape(permute_dims(reshape({WINDOWS.format('a')}, (7, 2, 2, 3)), {{}}), (2, 7, 6))"
    f" @ {STACK}, (1, 0, 2)), (7, 6))"
)
FAST = {
    "indicators alone": LOSS.format("sum(minimum(a, 0.5) * (a > 0) * (y > 0))"),
    "a choice by what is not": LOSS.format("sum(where(1 - (a > 0), a, y) * a)"),
    "shifted already": LOSS.format("log(2 + exp(maximum(a[0], a[1])) + exp(a[2]))"),
    "numbers by names": OWN.format('"z * exp(r) * log(r) * gammaln(r) * r**q", r=0.5, q=3'),
    "pixels and windows in one": ROWS.format(f"reshape({WINDOWS.format('a')}, (28, 3)) @ ones((3, 2))"),
    "windows in two": ROWS.format(f"reshape({WINDOWS.format('a')}, (7, 2, 6)) @ ones((6, 2))"),
    "channels padded": ROWS.format(f"reshape({WINDOWS.format('pad(a, ((0, 0), (1, 1)))')}, (7, 18)) @ ones((18, 2))"),
    "maxima of padded channels": ROWS.format(
        f"max({WINDOWS.format('pad(a, ((1, 1), (1, 1)), constant_values=-inf)')}[:, 1:5], axis=2)"
    ),
    "sums of padded channels": ROWS.format(f"sum({WINDOWS.format('pad(a, ((1, 1), (1, 1)))')}, axis=2)"),
    "maxima of every other": ROWS.format(f"max({WINDOWS.format('a')}[:, :, ::2], axis=2)"),
    "a fold by another product": ROWS.format("fold(reshape(a[:7] @ outer(y[0], ones(12)), (7, 4, 3)), 3, 0, 9)"),
    "a part of a fold": ROWS.format("fold(reshape(tanh(a)[:7] @ ones((4, 12)), (7, 4, 3)), 3, 0, 9)[1:6]"),
    "groups by windows first": GROUPS.format("(1, 0, 3, 2)"),
    "groups in order": GROUPS.format("(1, 0, 2, 3)"),
    "a fold of two products": ROWS.format(
        "fold(reshape(permute_dims(reshape(reshape(a[:7], (2, 14, 1)) @ ones((2, 1, 3)), (2, 7, 3, 2)), (1, 0, 3, 2)),"
        " (7, 4, 3)), 3, 0, 9)"
    ),
    "a softmax at each index": OWN.format('"sum([softmax(z*i) for i in range(1, 4)], axis=0) * z"'),
    "a cubic at each index": OWN.format('"sum([tanh((i*z)**3 + 2*i*z) for i in range(1, 4)], axis=0) * z"'),
    "a sum before what names it": "Input(3) >> Dense(4) >> Multiply(Activation('z + (1 + erf(z))/2', name='p1'),"
    " Activation('z*(1 + erf(z))/2', name='p2')) >> MeanSquaredError()",
    "two readers of a ReLU": "Input(8, 4) >> Dense(4) >> ReLU() >> Concatenate(MaxPool1D(2), AveragePool1D(2))" + END,
    "many channels": "Input(3, 67) >> Tanh() >> Conv1D(67, 2, depthwise=True)" + END,
    "a matrix twice in a step": CELL.format('"h = tanh(W @ x + R @ h_prev) * sigmoid(R @ (h_prev*h_prev))", h=2'),
}


@pytest.mark.parametrize("text", FAST.values(), ids=FAST)
def test_a_fast_step_computes_what_the_module_to_read_does(text: str) -> None:
    assert_as_readable(text)


RECURRENT = {
    "products with one matrix": '"z = R @ h_prev; w = R @ (h_prev*x); h = tanh(z[:k] + w[k:])*sigmoid(z[k:] - w[:k])",'
    " z=2*k, w=2*k, k=2, remat=2",
    "two matrices, each of several gates": '"z = A @ x + R @ h_prev; w = B @ x + Q @ h_prev;'
    ' h = tanh(z[:k] + w[k:])*sigmoid(z[k:] - w[:k])", z=2*k, w=2*k, k=2, remat=2',
    "a matrix that a step computes": '"V = tanh(W); z = V @ x + R @ h_prev; h = tanh(z[:2])*z[2:]", V=(4, 2), z=4, h=2,'
    " remat=2",
}


@pytest.mark.parametrize("cell", RECURRENT.values(), ids=RECURRENT)
def test_a_step_of_a_loop_computes_what_the_module_to_read_does(cell: str) -> None:
    assert_as_readable(CELL.format(cell))


def test_what_is_the_same_at_all_moments_is_no_value_of_a_moment() -> None:
    """The slope of `v[t] = tanh(w)` stands before the sum over time, where there is no t."""
    derivation = symprop.derive('Input(T, 2) >> Scan("v = tanh(w); h = v*x + h_prev", h=2) >> MeanSquaredError()')
    slope = "(1 - tanh(w1)**2) * sum([dh1[t] * x[t] for t in range(1, T + 1)], axis=0)"
    assert derivation.equation("dw1").text() == f"dw1 = {slope}"
    readable('Input(4, 2) >> Scan("v = tanh(w); h = v*x + h_prev", h=2) >> MeanSquaredError()')


def test_data_gives_its_name_to_a_function_of_the_network() -> None:
    text = (
        'Input(4, 6) >> Dense(4) >> Attention(2, causal=True) >> Activation("z*tanh(z)", name="M")'
        " >> Dense(2) >> MeanSquaredError()"
    )
    source = symprop.generate(text)
    assert "def M(" in source and "\nM_2 = np.array(" in source
    readable(text)


def test_weights_of_positions_that_two_read_are_put_together_once() -> None:
    """In blocks below the diagonal; the product with the Hessian is that of differences of gradients."""
    text = "Input(64, 2) >> Attention(1, causal=True) >> MeanSquaredError()"
    module, (params, x, y) = symprop.compile(text), point(text)
    random, h = np.random.default_rng(6), 1e-4
    v = {name: random.normal(size=value.shape) for name, value in params.items()}

    def gradient(k: int, name: str) -> Any:
        return module.loss_and_grads({each: params[each] + k * h * v[each] for each in params}, x, y)[1][name]

    product = module.hvp(params, x, y, v)
    for name, found in (product[-1] if isinstance(product, tuple) else product).items():
        true = gradient(-2, name) - 8 * gradient(-1, name) + 8 * gradient(1, name) - gradient(2, name)
        np.testing.assert_allclose(found, true / (12 * h), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "shapes", "given", "line", "value"),
    [
        ("x * minimum(m, n)", {"x": "m n"}, {"x": X23}, "f = min(m, n) * x", 2 * X23),
        ("x[:, None] + x", {"x": "n*n"}, {"x": X4, "n": 2}, '_array("x", x, (n**2,))', np.add.outer(X4, X4)),
        (
            "s * kron(eye(3), ones((2, 2)))",
            {"s": ""},
            {"s": 0.7},
            "f = repeated(s * np.ones((2, 2), DTYPE), 3)",
            np.kron(np.eye(3), np.full((2, 2), 0.7)),
        ),
    ],
)
def test_sizes_and_numbers_of_formulas(
    text: str, shapes: dict[str, str], given: dict[str, Any], line: str, value: Any
) -> None:
    formula = symprop.formula(text, **shapes)
    assert line in formula_source(formula.node, formula.variables, "f", "a value")
    np.testing.assert_allclose(compile_formula(formula.node, formula.variables, "f", "a value")(**given), value)


NUMBA = {
    "the first and what lies below the diagonal": 'Input(2) >> Embedding(5, 2) >> Activation("first_max(z) * z")'
    ' >> Loss("sum(y) + sum(tril(outer(a, y)) @ a)")',
    "windows, and classes that count": "Input(5, 2) >> RNN(2, remat=2) >> SoftmaxCrossEntropy(weights=(1, 2))",
}


@pytest.mark.parametrize("text", NUMBA.values(), ids=NUMBA)
def test_loops_compute_what_the_module_to_read_does(text: str) -> None:
    pytest.importorskip("numba", reason="numba is not installed")
    pytest.importorskip("scipy", reason="SciPy is not installed, through which numba reaches BLAS")
    assert_as_readable(text, target="numba")


BOTH = {
    "one element": LOSS.format("a[0] * y[1] + sum(a[2] * tanh(a))"),
    "only a sum of the rows": 'Input(5, 2) >> Dense(2) >> Scan("s = s_prev + x", sequence=False) >> MeanSquaredError()',
    "groups of other groups": "Input(4, 33) >> Conv1D(66, 2, groups=33) >> Conv1D(66, 1, groups=66)" + END,
}
JAX = BOTH
TORCH = {
    **BOTH,
    "power": LOSS.format("sum((1 + a**2)**(1 + y**2))"),
    "a product of all": OWN.format('"prod(A) * z", learned={"A": "n n"}'),
    "a choice by an index": OWN.format('"sum([where(i > 2, z, 2*z) for i in range(1, 4)], axis=0)"'),
    "axes as they are": LOSS.format("sum(permute_dims(outer(a, y)[None], (0, 1, 2)) * a)"),
    "weights of classes": "Input(4, 2) >> Dense(3) >> SoftmaxCrossEntropy(weights=(1, 2, 3))",
    "what comes later is hidden": "Input(4, 2) >> Attention(1, causal=True) >> MeanSquaredError()",
    "turned by one angle": "Input(3, 4) >> Attention(2, rope=True) >> MeanSquaredError()",
}


@pytest.mark.parametrize("text", JAX.values(), ids=JAX)
def test_jax_computes_what_the_module_to_read_does(text: str) -> None:
    pytest.importorskip("jax", reason="JAX is not installed: pip install 'symprop[jax]'")
    assert_as_readable(text, target="jax")


@pytest.mark.parametrize("text", TORCH.values(), ids=TORCH)
def test_pytorch_computes_what_the_module_to_read_does(text: str) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    assert_as_readable(text, target="torch")


def test_pytorch_takes_an_element_of_a_vector_that_is_the_same_for_all() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    text = 'Input(3) >> Dense(4) >> Loss("sum(a)**2 - a[y] * concatenate((ones(2), 3 * ones(2)))[y]", y="class")'
    (params, x, _), y = point(text), np.array([0, 3, 1])
    module, true = symprop.compile(text, target="torch"), symprop.compile(text, fast=False)
    assert "index_select(0" in symprop.generate(text, target="torch")
    loss, grads = module.loss_and_grads(params, x, torch.tensor(y))
    expected, slopes = true.loss_and_grads(params, x, y)
    a = x @ params["W1"].T + params["b1"]
    assert float(loss) == pytest.approx(expected, rel=CLOSE)
    by_hand = np.mean(a.sum(axis=1) ** 2 - a[range(3), y] * np.array([1.0, 1, 3, 3])[y])
    assert expected == pytest.approx(by_hand, rel=CLOSE)
    for name, each in slopes.items():
        np.testing.assert_allclose(np.asarray(grads[name]), each, rtol=0, atol=1e-11)


@pytest.mark.parametrize("node", WITH_ELEMENTS[n.Known], ids=str)
def test_data_by_a_rule_is_a_tensor(node: n.Known) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from symprop.codegen.targets.torch.source import TORCH

    found = eval(TORCH.text(node), {"torch": torch, "math": math, "DTYPE": torch.float64, "device": "cpu"})
    np.testing.assert_allclose(found.numpy(), complex_value(node, {}).real, rtol=1e-14, atol=1e-14)


def test_pytorch_has_derivatives_of_the_digamma_function() -> None:
    """To some ten digits: its own series for the first of them has six terms behind a shift by six."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    assert_as_readable(LOSS.format("sum(digamma(1 + a**2) + polygamma(1, 2 + a**2))"), 1e-9, target="torch")


@pytest.mark.parametrize(("target", "name"), [("jax", "JAX"), ("torch", "PyTorch")])
def test_a_logarithm_of_matrices_is_scipys_alone(target: str, name: str) -> None:
    text = OWN.format('"logm(eye(4) + 0.01 * (A @ A.T)) @ z", learned={"A": "n n"}')
    with pytest.raises(symprop.SpecError, match=f"{name} has no logm\nallowed: NumPy"):
        symprop.generate(text, target=target)


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("Input(3) >> MeanSquaredError()", {}, "this network has none; add a layer such as Dense"),
        ("Input(3) >> Dense(2) >> MeanSquaredError()", {"target": "jax", "fast": True}, "fast=True is for target"),
    ],
)
def test_what_has_no_module_is_told(text: str, options: dict[str, Any], told: str) -> None:
    with pytest.raises(symprop.SpecError, match=told):
        symprop.generate(text, **options)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Input(3) >> Repeat(Dense(3) >> Tanh(), N) >> MeanSquaredError()", "N"),
        ("Input(T, 3) >> RNN(3) >> MeanSquaredError()", "T"),
    ],
)
def test_a_program_needs_a_number_of_blocks_or_moments(text: str, name: str) -> None:
    with pytest.raises(symprop.SpecError, match=f"a number of blocks in place of {name}\ngive it one, as in {name}=3"):
        _ = symprop.Case(symprop.parse_network(text)).program


def test_a_mean_of_all_numbers_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops take it away from all numbers in one long loop; a running value of it has no memory there."""
    monkeypatch.setitem(spec.LAYERS, "Centre", Centre)
    pytest.importorskip("numba", reason="numba is not installed")
    pytest.importorskip("scipy", reason="SciPy is not installed, through which numba reaches BLAS")
    text = "Input(3) >> Dense(4) >> Centre({}) >> Dense(2) >> MeanSquaredError()"
    assert_as_readable(text.format(""), target="numba")
    assert_as_readable(text.format("runs=True"))
    with pytest.raises(symprop.SpecError, match='"numba" keeps no statistic of one number: mu1'):
        symprop.generate(text.format("runs=True"), target="numba")
