"""The tangent kernel against J J': rows of J as gradients of squares in batches of one whose residual is a unit."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import symprop
from symprop.codegen.case import Case
from symprop.networks.recurrent import written_out_in_time
from symprop.verify.arithmetic import Array
from symprop.verify.points import points_of

NETWORKS = {
    "dense": "Input(3) >> Dense(4) >> Tanh() >> Dense(2) >> Sigmoid() >> ",
    "linear": "Input(3) >> Dense(2, bias=False) >> Dense(2) >> ",
    "tied": "Input(3) >> Repeat(Residual(Dense(3) >> Tanh()), 2, tied=True) >> Dense(2) >> ",
    "positions": "Input(2, 4) >> Residual(LayerNorm() >> Attention(1)) >> Dense(2) >> ",
    "ids": "Input(3) >> Embedding(3, 5, flatten=False) >> Dense(2) >> ",
    "convolution": "Input(4, 4, 1) >> Conv2D(2, 3) >> ReLU() >> MaxPool2D(2) >> Flatten() >> Dense(2) >> ",
    "own": 'Input(3, 2) >> Dense(2) >> Scan("m = tanh(W @ x + R @ m_prev)", m=2, sequence=False) >> Dense(2) >> ',
    "recurrent": "Input(3, 2) >> GRU(2) >> Dense(1) >> ",
}


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_the_product_of_jacobians(name: str) -> None:
    network = symprop.parse_network(f"{NETWORKS[name]}MeanSquaredError()")
    point = points_of(Case(written_out_in_time(network)), 0, 5)[0]
    (x,) = point.inputs.values()
    module = symprop.compile(network)
    jacobian = np.stack([jacobian_of(module, point.parameters, each) for each in x])
    wanted = np.einsum("ikp,jlp->ijkl", jacobian[:2], jacobian[2:])
    found = module.tangent_kernel(point.parameters, x[:2], x[2:])
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= 1e-11 * np.abs(wanted).max()


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_other_libraries_have_the_same(library: str) -> None:
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    text = f"{NETWORKS['dense']}BinaryCrossEntropy()"
    plain, module = symprop.compile(text), symprop.compile(text, target=library)
    params, x = plain.init_params(seed=0), np.random.default_rng(1).standard_normal((5, 3))
    given, taken = params, x
    if library == "torch":
        torch = importlib.import_module("torch")
        given, taken = {name: torch.tensor(value) for name, value in params.items()}, torch.tensor(x)
    found = np.asarray(module.tangent_kernel(given, taken[:2], taken[2:]))
    assert np.abs(found - plain.tangent_kernel(params, x[:2], x[2:])).max() <= 1e-12


def test_pages_have_it_for_two_examples() -> None:
    text = str(symprop.derive(f"{NETWORKS['dense']}MeanSquaredError()").tangent_kernel())
    assert "Θ₁ = (xᵀ x′ + 1) J{z₁} J{z₁′}ᵀ" in text
    assert "J{z₁} = (J{z₂} W₂) ⊙ (1 − a₁ ⊙ a₁)" in text
    assert "J{z₂} is the Jacobian of the output with respect to z₂" in " ".join(text.split())


@pytest.mark.parametrize(
    ("network", "allowed"),
    [
        ("Input(3) >> Dense(2) >> BatchNorm() >> MeanSquaredError()", "evaluation=True"),
        ("Input(3) >> Dense(2) >> Dropout(0.5) >> MeanSquaredError()", "evaluation=True"),
    ],
)
def test_what_has_none_is_told(network: str, allowed: str) -> None:
    with pytest.raises(symprop.SpecError, match=f"allowed: .*{allowed}"):
        symprop.derive(network).tangent_kernel()
    evaluated = symprop.derive("Input(3) >> Dense(2) >> BatchNorm() >> MeanSquaredError()", evaluation=True)
    assert evaluated.tangent_kernel().equation("Theta1").target.shape[-2:] == (2, 2)


def jacobian_of(module: object, params: dict[str, Array], x: Array) -> Array:
    """Return the Jacobian of the output of one example with respect to all parameters, `(k, their number)`."""
    output = module.forward(params, x[None])  # type: ignore[attr-defined]
    rows = []
    for place in np.ndindex(output.shape):
        unit = np.zeros_like(output)
        unit[place] = output.shape[1] if output.ndim > 2 else 1  # squares are a mean over positions
        _, grads = module.loss_and_grads(params, x[None], output - unit)  # type: ignore[attr-defined]
        rows.append(np.concatenate([np.ravel(value) for value in grads.values()]))
    return np.stack(rows)


def test_a_module_has_that_of_evaluation_and_names_the_batch_that_is_wrong() -> None:
    texts = [f"Input(3) >> Dense(4) >> Tanh(){drop} >> Dense(2) >> Huber()" for drop in ("", " >> Dropout(0.5)")]
    plain, drawn = map(symprop.compile, texts)
    params, (x, other) = plain.init_params(seed=0), np.random.default_rng(0).normal(size=(2, 3, 3))
    wanted = plain.tangent_kernel(params, x, other)
    assert np.allclose(drawn.tangent_kernel(params, x, other), wanted, rtol=1e-13)
    assert "def tangent_kernel(" in symprop.generate(texts[1], question="tangent_kernel")
    with pytest.raises(ValueError, match=r"^x2: x has shape \(3, 2\)"):
        plain.tangent_kernel(params, x, other[:, :2])


def test_what_a_module_has_is_asked_as_of_any_object() -> None:
    module = symprop.compile("Input(3) >> Dense(2) >> BatchNorm() >> Huber()")
    assert [hasattr(module, each) for each in ("hvp", "fisher_vp", "tangent_kernel", "nothing")] == [True, *[False] * 3]
    assert {"hvp", "clipped_grads", "loss_and_grads", "PARAMETERS"} <= {*dir(module)}
    with pytest.raises(symprop.SpecError, match=r"derive\(network, evaluation=True\).tangent_kernel"):
        module.tangent_kernel  # noqa: B018
    with pytest.raises(symprop.SpecError, match="allowed: another norm"):
        symprop.generate("Input(3) >> Dense(2) >> BatchNorm() >> Huber()", question="tangent_kernel")
