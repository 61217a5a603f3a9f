"""Models of PyTorch against the networks that they become: what they return, and the gradients of all parameters.

PyTorch runs its own model forwards and backwards; the network's module runs here, with the weights that came along and
a random cotangent. The way of arrays there and back is judged with it: a wrong order of axes is another number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symprop

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'symprop[torch]'")
from torch import nn  # noqa: E402  (behind the question whether it is there)
from torch.nn import functional as F  # noqa: E402
from torch_models import Built, ByHand, ResNet18, ViT, gpt2  # noqa: E402

WORST = 1e-10
"""Both round sums of at most some hundred terms in float64; weights and gradients are of the order of 1."""


def image(*shape: int) -> Any:
    return torch.randn(*shape, dtype=torch.float64)


def gates(_: Any, layer: nn.Module, x: Any) -> Any:
    a, b = layer(x).chunk(2, dim=-1)
    return a * torch.sigmoid(b)


def squeezed(_: Any, conv: nn.Module, down: nn.Module, up: nn.Module, x: Any) -> Any:
    z = conv(x)
    return z * torch.sigmoid(up(F.relu(down(F.adaptive_avg_pool2d(z, 1)))))


def unet(_: Any, down: nn.Module, up: nn.Module, last: nn.Module, x: Any) -> Any:
    return last(torch.cat([x, up(F.relu(down(x)))], dim=1))


def scaled(self: Any, layer: nn.Module, x: Any) -> Any:
    return x + self.g * (layer(x) + self.shift) * 0.5 - 1


def encoded(_: Any, table: nn.Module, layer: nn.Module, x: Any) -> Any:
    return layer(table(x).flatten(1))


TEXTS: dict[str, tuple[Callable[[], Any], Callable[[], Any], str]] = {
    "gates": (
        lambda: Built(gates, nn.Linear(4, 6)),
        lambda: image(3, 4),
        "Input(4) >> Multiply(Dense(3), Dense(3) >> Sigmoid())",
    ),
    "a factor for each channel": (
        lambda: Built(squeezed, nn.Conv2d(2, 4, 3, groups=2), nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, 1)),
        lambda: image(2, 2, 5, 5),
        "Input(5, 5, 2) >> Conv2D(4, 3, groups=2) >> "
        "Multiply(Identity(), GlobalAveragePool() >> Dense(2) >> ReLU() >> Dense(4) >> Sigmoid())",
    ),
    "skip": (
        lambda: Built(unet, nn.Conv2d(2, 3, 2, 2), nn.ConvTranspose2d(3, 4, 2, 2), nn.Conv2d(6, 2, 3, padding="same")),
        lambda: image(2, 2, 4, 4),
        "Input(4, 4, 2) >> Concatenate(Identity(), Conv2D(3, 2, stride=2) >> ReLU() >> "
        "ConvTranspose2D(4, 2, stride=2)) >> Conv2D(2, 3, padding=1)",
    ),
    "ids": (
        lambda: Built(encoded, nn.Embedding(7, 3), nn.Linear(12, 2)),
        lambda: torch.randint(0, 7, (3, 4)),
        "Input(4) >> Embedding(7, 3, flatten=False) >> Flatten() >> Dense(2)",
    ),
    "by hand": (
        lambda: ByHand(6, 3),
        lambda: image(2, 5, 6),
        "Input(5, 6) >> Residual(Attention(3, causal=True, bias=False))",
    ),
    "gpt2, eager": (lambda: gpt2("eager"), lambda: torch.randint(0, 11, (2, 5)), ""),
    "gpt2, sdpa": (lambda: gpt2("sdpa"), lambda: torch.randint(0, 11, (2, 5)), ""),
    "encoder": (
        lambda: nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True),
        lambda: image(3, 5, 8),
        "Input(5, 8) >> Residual(Attention(2)) >> LayerNorm() >> Residual(Dense(12) >> ReLU() >> Dense(8)) "
        ">> LayerNorm()",
    ),
    "vit": (ViT, lambda: image(2, 3, 8, 8), ""),
    "vit, means": (lambda: ViT(False, False), lambda: image(2, 3, 8, 8), ""),
    "scaled": (
        lambda: Built(scaled, nn.Linear(4, 4), g=torch.randn(4), shift=torch.randn(())),
        lambda: image(3, 4),
        "",
    ),
    "resnet18": (ResNet18, lambda: image(4, 3, 64, 64), ""),
}


def prepared(make: Callable[[], Any], seed: int = 0) -> Any:
    """A model in float64 whose parameters are all random, also those that start at 0 or 1."""
    torch.manual_seed(seed)
    model = make().double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def agree(model: Any, *inputs: Any) -> symprop.Imported:
    """Judge a model's network by what both return and by all gradients, of parameters and of the first input."""
    net = symprop.from_torch(model, inputs)
    module = symprop.compile(net >> symprop.Loss("sum(a * y)"))
    if inputs[0].is_floating_point():
        inputs[0].requires_grad_()
    there = model(*inputs)
    arrays = net.taken(*(each.detach().numpy() for each in inputs))
    here = module.forward(net.weights, arrays)
    np.testing.assert_allclose(net.returned(here), there.detach().numpy(), rtol=0, atol=WORST)
    cotangent = torch.randn_like(there)
    there.backward(cotangent)
    y = np.empty_like(here).reshape(-1)
    y[net.returned(np.arange(here.size).reshape(here.shape)).reshape(-1)] = cotangent.numpy().reshape(-1)
    _, gradients = module.loss_and_grads(net.weights, arrays, y.reshape(here.shape) * len(here))
    found = net.gradients_there(gradients)
    expected = {name: each.grad.numpy() for name, each in model.named_parameters() if each.grad is not None}
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        scale = max(1, np.abs(gradient).max())
        np.testing.assert_allclose(found[name], gradient, rtol=0, atol=WORST * scale, err_msg=name)
    return net


@pytest.mark.parametrize("name", TEXTS)
def test_a_model_and_its_network_agree(name: str) -> None:
    make, example, text = TEXTS[name]
    if name.startswith("gpt2"):
        pytest.importorskip("transformers", reason="it has the GPT-2 that is imported")
    net = agree(prepared(make), example())
    assert not text or net.text == text, net.text
    assert symprop.parse_network(net.text).text == net.text
