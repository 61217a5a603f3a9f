"""Norms of the gradients of single examples, against the gradients of batches of one."""

from __future__ import annotations

import numpy as np
import pytest

import symprop
from symprop.codegen.case import Case
from symprop.networks.recurrent import written_out_in_time
from symprop.verify.points import points_of

NETWORKS = {
    "dense": "Input(3) >> Dense(4) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.3)",
    "tied": "Input(3) >> Repeat(Residual(Dense(3) >> Tanh()), 2, tied=True) >> Dense(2) >> Huber()",
    "positions": "Input(2, 5) >> Residual(LayerNorm() >> Attention(1)) >> Dense(7) >> MeanSquaredError()",
    "ids": "Input(4) >> Embedding(3, 5, flatten=False) >> Dense(2) >> MeanSquaredError()",
    "convolution": "Input(4, 4, 1) >> Conv2D(2, 3) >> ReLU() >> MaxPool2D(2) >> Flatten() >> Dense(2) >> Huber()",
    "recurrent": "Input(3, 2) >> GRU(2) >> Dense(2) >> MeanSquaredError()",
    "moments": "Input(2, 5) >> Dense(6) >> GRU(5, reset='before', sequence=False) >> Dense(2) >> MeanSquaredError()",
    "moments not kept": "Input(3, 5) >> RNN(6, remat=2, sequence=False) >> MeanSquaredError()",
    "read of a loop": 'Input(3, 1) >> Scan("h = tanh(W @ x + R @ h_prev); y = C @ h", h=2, y=2) >> MeanSquaredError()',
    "written by a loop": "Input(2, 2) >> LayerNorm() >> RNN(1) >> MeanSquaredError()",
    "one moment": 'Input(1, 2) >> GRU(2, initial="learned") >> MeanSquaredError()',
}


@pytest.mark.parametrize("name", NETWORKS)
def test_each_is_the_norm_of_the_gradient_of_one_example(name: str) -> None:
    network = symprop.parse_network(NETWORKS[name])
    (point,) = points_of(Case(written_out_in_time(network)), 0, 3)[:1]
    (x,), (y,) = point.inputs.values(), point.given.values()
    module = symprop.compile(network)
    grads = [module.loss_and_grads(point.parameters, x[[k]], y[[k]])[1].values() for k in range(len(x))]
    wanted = [np.sqrt(sum(np.sum(np.square(each)) for each in found)) for found in grads]
    for form in (module, symprop.compile(network, fast=False)):
        found = form.per_example_norms(point.parameters, x, y)
        assert found.shape == (len(x),)
        assert np.abs(found - wanted).max() <= 1e-12 * max(wanted)


@pytest.mark.parametrize("library", ["numba", "jax", "torch"])
def test_other_libraries_have_the_same(library: str) -> None:
    torch = pytest.importorskip(library)
    network = symprop.parse_network(NETWORKS["moments"])
    plain, module = symprop.compile(network, fast=False), symprop.compile(network, target=library)
    params, random = plain.init_params(seed=0), np.random.default_rng(1)
    x, y = random.standard_normal((3, 2, 5)), random.standard_normal((3, 2))
    wanted = plain.per_example_norms(params, x, y)
    if library == "torch":
        params, x, y = {name: torch.tensor(value) for name, value in params.items()}, torch.tensor(x), torch.tensor(y)
    assert np.abs(np.asarray(module.per_example_norms(params, x, y)) - wanted).max() <= 1e-12 * wanted.max()


def test_a_weight_of_all_moments_has_a_sum_over_pairs_of_them_where_that_is_cheaper() -> None:
    network = "Input(T, 3) >> RNN(4) >> Dense(2) >> MeanSquaredError()"
    general = symprop.derive(network).per_example()
    assert general.equation("NdR1").pretty() == "‖∂L/∂R₁‖² = Σ[t=1…T] Σ[s=1…T] (δ⁽¹⁾ₜᵀ δ⁽¹⁾ₛ) h⁽¹⁾ₜ₋₁ᵀ h⁽¹⁾ₛ₋₁"
    assert general.equation("Ndb1").pretty() == "‖∂L/∂b₁‖² = ‖Σ[t=1…T] δ⁽¹⁾ₜ‖²"
    for moments, is_formed in ((2, False), (6, True)):
        found = symprop.derive(network.replace("T", str(moments))).per_example().equation("NdR1").text()
        assert ("outer" in found) is is_formed


def test_examples_that_a_mean_joins_have_none() -> None:
    text = "Input(3) >> Dense(2) >> BatchNorm() >> MeanSquaredError()"
    with pytest.raises(symprop.SpecError, match=r"\nallowed: .* evaluation=True"):
        symprop.derive(text).per_example()
    found = symprop.derive(text, evaluation=True).per_example()
    assert found.equation("NdW1").text().count("delta1") == 2


def test_a_squared_norm_is_written_as_one() -> None:
    equation = symprop.derive("Input(2) >> Dense(3) >> MeanSquaredError()").per_example().equation("NdW1")
    assert equation.pretty() == "‖∂L/∂W₁‖² = ‖δ₁‖² ‖x‖²"
    assert equation.latex().startswith(r"\left\|\frac{\partial L}{\partial W_1}\right\|^2 =")


def test_a_module_says_how_it_is_written_again() -> None:
    source = symprop.generate("Input(3) >> Dense(2) >> MeanSquaredError()", fast=True, question="per_example_norms")
    assert 'fast=True, question="per_example_norms")' in source


def test_the_norm_of_a_general_number_of_layers_is_a_sum_over_them() -> None:
    text = "Input(3) >> Repeat(Residual(Dense(3) >> Tanh()), N) >> Dense(2) >> MeanSquaredError()"
    found = symprop.derive(text).per_example().equation("norms").pretty()
    assert found.startswith("norms = √(Σ[l=1…N] ‖∂L/∂W⁽ˡ⁾‖² + Σ[l=1…N] ‖∂L/∂b⁽ˡ⁾‖² + ‖∂L/∂W⁽ᴺ⁺¹⁾‖²")
