"""Equations along a direction against the complex step of the gradients: the product of the Hessian with v, whole."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Symbol

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.batching import BATCH_SIZE
from symprop.algebra.trees import is_zero
from symprop.algebra.unrolling import unrolled, written_out
from symprop.codegen.case import Case
from symprop.networks.recurrent import written_out_in_time
from symprop.verify.arithmetic import Array, Complex
from symprop.verify.evaluate import Evaluator, stacked, unstacked
from symprop.verify.points import Point, points_of

STEP = 2.0**-560
BATCH = 3

NETWORKS = {
    "dense": "Input(2) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.1)",
    "residual": "Input(3) >> Residual(Dense(3) >> GELU()) >> Dense(1) >> Sigmoid() >> BinaryCrossEntropy()",
    "norms": "Input(3) >> Dense(4) >> LayerNorm() >> SiLU() >> Dense(2) >> BatchNorm() >> MeanSquaredError()",
    "convolution": "Input(5, 5, 1) >> Conv2D(2, 3) >> Softplus() >> MaxPool2D(2) >> Flatten() >> Dense(2)"
    " >> SoftmaxCrossEntropy()",
    "attention": "Input(3, 4) >> Residual(LayerNorm() >> Attention(2, causal=True)) >> Dense(2) >> MeanSquaredError()",
    "embedding": "Input(2) >> Embedding(4, 3) >> Dense(4) >> ReLU() >> Dense(4) >> SoftmaxCrossEntropy()",
    "tied": "Input(3) >> Repeat(Residual(Dense(3) >> Tanh()), 3, tied=True) >> Dense(2) >> Huber()",
    "loop": "Input(3) >> Dense(3) >> Repeat(Residual(Dense(3) >> Tanh()), N) >> Dense(2) >> MeanSquaredError()",
    "lstm": "Input(3, 2) >> LSTM(3) >> GRU(2, sequence=False) >> Dense(2) >> MeanSquaredError()",
    "rnn": "Input(3, 2) >> RNN(3) >> Dense(2) >> MeanSquaredError()",
    "one moment": "Input(1, 2) >> GRU(2, bias=False) >> At(0) >> MeanSquaredError()",
    "own": 'Input(3, 2) >> Scan("h = tanh(W @ x + R @ h_prev + b)", h=2) >> Dense(1) >> MeanSquaredError()',
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_product_is_the_derivative_of_the_gradient(name: str) -> None:
    layout = "example" if name in ("residual", "tied", "own") else "rows"
    found, wanted = products(NETWORKS[name], layout)
    for each, right in wanted.items():
        assert np.abs(found[each] - right).max() <= 1e-12 * (1 + max(np.abs(value).max() for value in wanted.values()))


def check_code(case: Case, point: Point, along: dict[str, Array], wanted: dict[str, Array]) -> None:
    """Compare what a module computes with the complex step."""
    found = case.module.hvp(point.parameters, next(iter(point.inputs.values())), v=along, **point.given)
    largest = max(np.abs(value).max() for value in wanted.values())
    for name, right in wanted.items():
        assert np.abs(found[name] - right).max() <= 1e-11 * (1 + largest)


def products(text: str, layout: str) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the products of the Hessian with a random direction: by the equations, and by the complex step."""
    random = np.random.default_rng(1)
    derivation = symprop.derive(text, layout=layout).hvp()
    numbers = {Symbol("N", integer=True, positive=True): 3}
    system = unrolled(derivation.system, numbers)
    network = symprop.parse_network(text).with_sizes({"N": 3} if "N)" in text else {})
    (point,) = points_of(Case(written_out_in_time(network)), 0, BATCH)[:1]
    values = point.of(system)
    along = {each.name: random.standard_normal(values[each.name].shape) for each in system.parameters}
    sizes = {BATCH_SIZE: BATCH, **numbers}
    gradients = list(written_out((*derivation.system.items, *derivation.backward), numbers))
    tangents = list(written_out((*derivation.along.forward, *derivation.along.backward), numbers))

    moved = {name: value + 1j * STEP * along.get(name, 0) if name in along else value for name, value in values.items()}
    stepped = Evaluator(Complex(), stacked(moved, Complex()), sizes)
    stepped.run(gradients)
    wanted = {each.name: unstacked(stepped.values[f"d{each.name}"]).imag / STEP for each in system.parameters}

    if layout == "rows":
        for target in ("fast", "numpy"):
            check_code(Case(network, target=target), point, along, wanted)
    plain = {**values, **{each.tangent.name: along[each.name] for each in system.parameters}}
    evaluator = Evaluator(Complex(), stacked(plain, Complex()), sizes)
    evaluator.run([*gradients, *tangents])
    found = {each.name: unstacked(evaluator.values[f"Rd{each.name}"]).real for each in system.parameters}
    return found, wanted


@pytest.mark.parametrize(
    ("text", "bends"),
    [
        (
            "Input(3) >> Dense(4) >> ReLU() >> Dropout(0.5) >> Dense(2) >> MeanSquaredError()",
            "second derivatives of z2,",
        ),
        ("Input(3) >> Dense(4) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()", "second derivatives of a1 and z2,"),
        ("Input(3) >> Dense(2) >> SoftmaxCrossEntropy()", "the Hessian is the Gauss-Newton matrix"),
    ],
)
def test_a_remark_says_what_bends(text: str, bends: str) -> None:
    assert bends in symprop.derive(text).hvp().remarks[-1]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Input(2) >> Dense(2) >> Tanh() >> Dense(2, tied='W1.T') >> MeanSquaredError()", "W1 (z1, z2)"),
        ("Input(T, 2) >> RNN(2) >> MeanSquaredError()", "W1 (a1[t] at t = 1, ..., T); R1 (a1[t] at t = 1, ..., T)"),
        ("Input(n) >> Repeat(Dense(n) >> Tanh(), N) >> MeanSquaredError() + L2(0.1)", ""),
    ],
)
def test_a_remark_names_the_places_of_a_parameter_that_has_several(text: str, places: str) -> None:
    for d in (symprop.derive(text).hvp(), symprop.derive(text).gauss_newton()):
        said = [each for each in d.remarks if each.startswith("used in several places")]
        assert len(said) == bool(places) and all(places in each and "pair of places" in each for each in said)


@pytest.mark.parametrize("cell", ["W @ x + Rh @ h_prev", "RW @ x + W @ h_prev", "W @ x + Gh @ h_prev"])
def test_derived_names_never_are_names_of_the_network(cell: str) -> None:
    text = f'Input(2, 2) >> Scan("h = tanh({cell})", h=2) >> MeanSquaredError()'
    derivation = symprop.derive(text)
    typed = {each.name for each in derivation.system.parameters}
    for asked in (derivation.hvp(), derivation.gauss_newton(), derivation.tangent_kernel()):
        names = [each.name for each in asked.equations]
        assert len(set(names)) == len(names) and typed.isdisjoint(names)
    module = symprop.compile(text, fast=False)
    random = np.random.default_rng(0)
    params = module.init_params(seed=0)
    v = {name: random.normal(size=value.shape) for name, value in params.items()}
    x, y = random.normal(size=(2, 3, 2, 2))
    ahead, behind = (
        module.loss_and_grads({name: params[name] + step * v[name] for name in params}, x, y)[1]
        for step in (1e-5, -1e-5)
    )
    product = module.hvp(params, x, y, v)
    for name in params:
        np.testing.assert_allclose(product[name], (ahead[name] - behind[name]) / 2e-5, atol=1e-8)


def test_a_window_that_holds_every_moment_truncates_nothing() -> None:
    texts = [f"Input(2, 2) >> RNN(2, truncate={every}, unroll=True) >> MeanSquaredError()" for every in (2, 1)]
    assert callable(symprop.compile(texts[0]).hvp)  # of whose moments code makes a loop again
    with pytest.raises(symprop.SpecError, match="truncated"):
        symprop.derive(texts[1]).hvp()


def test_a_row_of_data_has_the_letter_of_what_moves() -> None:
    product = symprop.derive("Input(2, 1) >> Tanh() >> RNN(1) >> MeanSquaredError()").hvp()
    assert "Ra1[t]" in product.equation("Rh1[t]").text()  # a0[t] is data, a1[t] is none


@pytest.mark.parametrize("question", ["hvp", "gnvp", "empirical_fisher_vp"])
def test_products_of_a_network_that_keeps_few_moments_are_those_of_it_without(question: str) -> None:
    text = "Input(5, 2) >> LSTM(2{0}) >> RNN(1{0}) >> MeanSquaredError()"
    plain, lean = (symprop.compile(text.format(each), fast=False) for each in ("", ", remat=2"))
    random, params = np.random.default_rng(0), plain.init_params(seed=0)
    x, y, v = random.normal(size=(3, 5, 2)), random.normal(size=(3, 5, 1)), plain.init_params(seed=1)
    wanted, found = (getattr(each, question)(params, x, y, v) for each in (plain, lean))
    assert all(np.any(wanted[name]) and np.allclose(found[name], wanted[name], rtol=1e-12) for name in params)


def test_the_gates_of_a_cell_are_one_stacked_vector() -> None:
    """The tangents of the parts of an axis, each padded with zeros, are added part by part."""
    d = symprop.derive("Input(T, n) >> GRU(h, sequence=False) >> Dense(k) >> MeanSquaredError()").hvp()
    for name in ("Rdelta1[t]", "Rdq1[t]"):
        found = d.equation(name).expression
        assert isinstance(found, n.Concatenate) and len(found.operands) == 3
        assert not any(map(is_zero, found.operands))
