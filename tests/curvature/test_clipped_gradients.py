"""The mean of the clipped gradients of examples, against the gradients of batches of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symprop
from symprop.codegen.case import Case
from symprop.networks.recurrent import written_out_in_time
from symprop.verify.points import points_of

NETWORKS = {
    "dense": "Input(3) >> Dense(4) >> PReLU() >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.3)",
    "tied": "Input(3) >> Repeat(Residual(Dense(3) >> Tanh()), 2, tied=True) >> Dense(2) >> Huber()",
    "attention": "Input(3) >> Embedding(4, 4, flatten=False) >> Positions() >> Residual(LayerNorm() >> Attention(2))"
    " >> Dense(2) >> MeanSquaredError()",
    "convolution": "Input(4, 4, 2) >> Conv2D(2, 3, groups=2) >> GroupNorm(2) >> MaxPool2D(2) >> Flatten() >> Dense(2)"
    " >> Huber()",
    "recurrent": 'Input(3, 2) >> GRU(2, initial="learned") >> Dense(2) >> MeanSquaredError()',
    "a table before the loss": "Input(2) >> Embedding(3, 2) >> MeanSquaredError()",
    "a norm before the loss": "Input(3) >> LayerNorm() >> PReLU() >> MeanSquaredError()",
    "few moments kept": "Input(5, 2) >> RNN(3, remat=2, sequence=False) >> MeanSquaredError()",
    "names that the page has": 'Input(2, 1) >> Scan("h = tanh(c @ x + C @ h_prev)", h=2) >> MeanSquaredError()',
}


def drawn(name: str) -> tuple[Any, dict[str, Any], Any, Any]:
    """Return a network, and parameters, inputs and targets of it."""
    network = symprop.parse_network(NETWORKS[name])
    point = points_of(Case(written_out_in_time(network)), 0, 4)[0]
    (x,), (y,) = point.inputs.values(), point.given.values()
    return network, point.parameters, x, y


def one_by_one(module: Any, params: dict[str, Any], x: Any, y: Any) -> tuple[float, dict[str, Any]]:
    """Return a bound that half of the examples are above, and the mean of their clipped gradients."""
    grads = [module.loss_and_grads(params, x[[k]], y[[k]])[1] for k in range(len(x))]
    norms = [np.sqrt(sum(np.sum(np.square(each)) for each in found.values())) for found in grads]
    bound = float(np.median(norms))
    weights = [min(1, bound / norm) for norm in norms]
    return bound, {k: np.mean([c * each[k] for c, each in zip(weights, grads, strict=True)], 0) for k in params}


def check(found: Any, wanted: dict[str, Any]) -> None:
    largest = max(np.abs(each).max() for each in wanted.values())
    assert {k: tuple(each.shape) for k, each in found.items()} == {k: each.shape for k, each in wanted.items()}
    assert max(np.abs(np.asarray(found[k]) - each).max() for k, each in wanted.items()) <= 1e-12 * largest


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_the_mean_of_clipped_gradients_of_batches_of_one(name: str) -> None:
    network, params, x, y = drawn(name)
    module = symprop.compile(network, fast=False)
    bound, wanted = one_by_one(module, params, x, y)
    check(module.clipped_grads(params, x, y, bound), wanted)
    check(symprop.compile(network).clipped_grads(params, x, y, bound), wanted)


@pytest.mark.parametrize("library", ["numba", "jax", "torch"])
def test_other_libraries_have_the_same(library: str) -> None:
    torch = pytest.importorskip(library)
    network, params, x, y = drawn("recurrent")
    bound, wanted = one_by_one(symprop.compile(network, fast=False), params, x, y)
    if library == "torch":
        params, x, y = {name: torch.tensor(value) for name, value in params.items()}, torch.tensor(x), torch.tensor(y)
    check(symprop.compile(network, target=library).clipped_grads(params, x, y, bound), wanted)


def test_it_is_what_jax_makes_of_the_gradient_of_every_example() -> None:
    jax = pytest.importorskip("jax")
    network, params, x, y = drawn("dense")
    module = symprop.compile(network, target="jax")

    def loss(params: Any, x: Any, y: Any) -> Any:
        z = params["W1"] @ x + params["b1"]
        logits = params["W2"] @ jax.numpy.where(z > 0, z, params["alpha1"] * z) + params["b2"]
        penalty = sum((params[name] ** 2).sum() for name in ("W1", "W2"))
        return -jax.nn.log_softmax(logits)[y] + 0.15 * penalty

    grads = jax.vmap(jax.grad(loss), (None, 0, 0))({k: jax.numpy.asarray(v) for k, v in params.items()}, x, y)
    norms = jax.numpy.sqrt(sum((each**2).reshape(len(x), -1).sum(1) for each in grads.values()))
    bound = jax.numpy.median(norms)
    weights = jax.numpy.minimum(1, bound / norms)
    wanted = {k: np.asarray(jax.numpy.tensordot(weights, each, 1)) / len(x) for k, each in grads.items()}
    check(jax.jit(module.clipped_grads)(params, x, y, bound), wanted)


def test_masks_of_dropout_are_those_of_the_step() -> None:
    module = symprop.compile("Input(3) >> Dropout(0.5) >> Dense(2) >> MeanSquaredError()", fast=False)
    random, params = np.random.default_rng(0), module.init_params(seed=0)
    x, y, masks = random.normal(size=(4, 3)), random.normal(size=(4, 2)), module.draw_masks(4, 1)
    unclipped = module.loss_and_grads(params, x, y, masks=masks)[1]
    check(module.clipped_grads(params, x, y, 1e9, masks=masks), unclipped)
    halved = 0.5 * module.per_example_norms(params, x[:1], y[:1], seed=1)[0]
    one = module.loss_and_grads(params, x[:1], y[:1], seed=1)[1]
    check(module.clipped_grads(params, x[:1], y[:1], halved, seed=1), {k: v / 2 for k, v in one.items()})


@pytest.mark.parametrize("bound", [0, -1, float("nan"), "1"])
def test_the_bound_is_a_number_above_0(bound: Any) -> None:
    for fast in (True, False):
        module = symprop.compile("Input(1) >> Dense(1) >> MeanSquaredError()", fast=fast)
        with pytest.raises(ValueError, match="max_norm is"):
            module.clipped_grads(module.init_params(), np.ones((2, 1)), np.ones((2, 1)), bound)


def test_the_page_has_each_gradient_with_its_adjoints_weighed() -> None:
    text = "Input(n) >> Dense(k) >> SoftmaxCrossEntropy() + L2(0.1)"
    batch, one = (symprop.derive(text, layout=each).per_example() for each in ("rows", "example"))
    told = [batch.equation(name).pretty() for name in ("c", "CdW1", "Cdb1")]
    assert told == [
        "c = C ⊘ max(norms, C)",
        "clip{∂L/∂W₁} = δ₁ᵀ diag(c) x + (1 / (10 m)) (𝟏ᵀ c) W₁",
        "clip{∂L/∂b₁} = δ₁ᵀ c",
    ]
    assert one.equation("CdW1").text() == "CdW1 = c * outer(delta1, x) + c * W1 / 10"
    clipped = batch.equation("CdW1").latex()
    assert clipped.startswith(r"\operatorname{clip}\left\{\frac{\partial L}{\partial W_1}\right\} =")


def test_examples_that_a_mean_joins_have_none() -> None:
    module = symprop.compile("Input(3) >> Dense(2) >> BatchNorm() >> MeanSquaredError()")
    with pytest.raises(symprop.SpecError, match="no example has a gradient of its own"):
        module.clipped_grads  # noqa: B018
