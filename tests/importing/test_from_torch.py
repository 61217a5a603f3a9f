"""Models of PyTorch against the networks that they become: what they return, and the gradients of all parameters.

PyTorch runs its own model forwards and backwards; the network's module runs here, with the weights that came along and
a random cotangent. The way of arrays there and back is judged with it: a wrong order of axes is another number.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symprop
from symprop import SpecError
from symprop.algebra.equations import equations_in
from symprop.calculus.walk import derive_system
from symprop.verify.arithmetic import Complex
from symprop.verify.evaluate import Evaluator, stacked

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


def dense_net(_: Any, first: nn.Module, second: nn.Module, x: Any) -> Any:
    return torch.cat([x, first(x), second(torch.cat([x, first(x)], 1))], 1)


def crossed(_: Any, attention: nn.Module, x: Any, memory: Any) -> Any:
    return x + attention(x, memory, memory)[0]


def changed(self: Any, layer: nn.Module, x: Any) -> Any:
    y = layer(x)
    rest = y.mul_(2).add_(1)
    return y + rest + self.table.clone().add_(1)


def changed_behind(_: Any, layer: nn.Module, x: Any) -> Any:
    y = layer(x)
    view = y.view(-1, 2, 2)
    y.sigmoid_()
    return view.flatten(1) + y


def padded(_: Any, first: nn.Module, second: nn.Module, x: Any) -> Any:
    return second(F.pad(torch.tanh(first(F.pad(x, (0, 1, 2, 0)))), (1, 1, 1, 1)))


def masked(_: Any, *layers: Any) -> Any:
    """Attention by one operator, then by hand, to positions that an input names."""
    *layers, x, seen = layers
    for number, (q, k, v, out) in enumerate((layers[:4], layers[4:])):
        a, b, c = (layer(x).view(*x.shape[:2], 2, -1).transpose(1, 2) for layer in (q, k, v))
        if number == 0:
            taken = F.scaled_dot_product_attention(a, b, c, attn_mask=(seen > 0)[:, None, None])
        else:
            scores = (a @ b.mT / a.shape[-1] ** 0.5).masked_fill(seen[:, None, None] == 0, -math.inf)
            taken = scores.softmax(-1) @ c
        x = x + out(taken.transpose(1, 2).flatten(2))
    return x


def encoded(_: Any, table: nn.Module, layer: nn.Module, x: Any) -> Any:
    return layer(table(x).flatten(1))


TEXTS: dict[str, tuple[Callable[[], Any], Callable[[], Any], str]] = {
    "gates": (
        lambda: Built(gates, nn.Linear(4, 6)),
        lambda: image(3, 4),
        "Input(4) >> Multiply(Dense(3), Dense(3) >> Sigmoid())",  # `GLU(3)` written out
    ),
    "a factor for each channel": (
        lambda: Built(squeezed, nn.Conv2d(2, 4, 3, groups=2), nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, 1)),
        lambda: image(2, 2, 5, 5),
        "Input(5, 5, 2) >> Conv2D(4, 3, depthwise=True) >> "
        "Multiply(Identity(), GlobalAveragePool() >> Dense(2) >> ReLU() >> Dense(4) >> Sigmoid())",
    ),
    "skip": (
        lambda: Built(unet, nn.Conv2d(2, 3, 2, 2), nn.ConvTranspose2d(3, 4, 2, 2), nn.Conv2d(6, 2, 3, padding="same")),
        lambda: image(2, 2, 4, 4),
        "Input(4, 4, 2) >> Concatenate(Identity(), Conv2D(3, 2, stride=2) >> ReLU() >> "
        "ConvTranspose2D(4, 2, stride=2)) >> Conv2D(2, 3, padding=1)",
    ),
    "padded": (
        lambda: Built(padded, nn.Conv2d(2, 3, 3, 2), nn.Conv2d(3, 2, 3, padding=1)),
        lambda: image(2, 2, 6, 6),
        "Input(6, 6, 2) >> Conv2D(3, 3, stride=2, padding=((2, 0), (0, 1))) >> Tanh() >> Conv2D(2, 3, padding=2)",
    ),
    "masked by an input": (
        lambda: Built(masked, *(nn.Linear(6, 6) for _ in range(8))),
        lambda: (image(2, 4, 6), torch.tensor([[1, 1, 0, 1], [1, 0, 0, 0]])),
        'Input(4, 6) >> Repeat(Residual(Attention(2, mask=Input(4, name="inputs_1"))), 2)',
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
    "gpt2, sdpa": (
        lambda: gpt2("sdpa"),
        lambda: torch.randint(0, 11, (2, 5)),
        "Input(5) >> Embedding(11, 8, flatten=False) >> Positions() >> Repeat(Residual(LayerNorm() >> "
        'Attention(2, causal=True)) >> Residual(LayerNorm() >> Dense(32) >> GELU(approximate="tanh") >> Dense(8)), 2) '
        '>> LayerNorm() >> Dense(11, bias=False, tied="E1")',
    ),
    "encoder": (
        lambda: nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True),
        lambda: image(3, 5, 8),
        "Input(5, 8) >> Residual(Attention(2)) >> LayerNorm() >> Residual(Dense(12) >> ReLU() >> Dense(8)) "
        ">> LayerNorm()",
    ),
    "vit": (ViT, lambda: image(2, 3, 8, 8), ""),
    "vit, means": (lambda: ViT(False, False), lambda: image(2, 3, 8, 8), ""),
    "densely connected": (
        lambda: Built(dense_net, nn.Linear(4, 2), nn.Linear(6, 3)),
        lambda: image(3, 4),
        "Input(4) >> Concatenate(Identity(), Dense(2)) >> Concatenate(Identity(), Dense(3))",
    ),
    "cross": (
        lambda: Built(crossed, nn.MultiheadAttention(8, 2, batch_first=True, kdim=3, vdim=3)),
        lambda: (image(2, 5, 8), image(2, 4, 3)),
        'Input(5, 8) >> Residual(Attention(2, memory=Input(4, 3, name="inputs_1")))',
    ),
    "two inputs": (
        lambda: Built(lambda _, a, b, x, side: a(x) - b(side), nn.Linear(4, 3), nn.Linear(2, 3)),
        lambda: (image(3, 4), image(3, 2)),
        'Input(4) >> Dense(3) >> Sum(Identity(), Input(2, name="inputs_1") >> Dense(3) >> Activation("-z"))',
    ),
    "changed in place": (lambda: Built(changed, nn.Linear(4, 4)), lambda: image(3, 4), ""),
    "changed behind": (lambda: Built(changed_behind, nn.Linear(4, 4)), lambda: image(3, 4), ""),
    "tied": (
        lambda: Built(lambda _, a, x: F.linear(torch.tanh(a(x)), a.weight.T), nn.Linear(4, 3)),
        lambda: image(3, 4),
        'Input(4) >> Dense(3) >> Tanh() >> Dense(4, bias=False, tied="W1.T")',
    ),
    "written out": (
        lambda: Built(lambda _, a, x: F.glu(a(x) * torch.sigmoid(a(x))), nn.Linear(4, 6)),
        lambda: image(3, 4),
        "",
    ),
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


def by_equations(net: symprop.Imported, arrays: Any, y: Any, evaluation: bool = False) -> dict[str, Any]:
    """The gradients of parameters and inputs by the derived equations themselves, of the mean of `sum(a * y)`."""
    system = symprop.derive(net >> symprop.Loss("sum(a * y)"), "rows", evaluation=evaluation).system
    inputs = [each for each in system.inputs if "index" not in each.facts_by_kind]
    rest = tuple(each for each in system.inputs if each not in inputs)
    system = dataclasses.replace(system, parameters=(*system.parameters, *inputs), inputs=rest)
    backward, _ = derive_system(system)
    given = arrays if isinstance(arrays, dict) else {net.inputs[0].name: arrays}
    values = stacked({**net.weights, **net.running, **given, "y": y}, Complex())
    evaluator = Evaluator(Complex(), values, {system.batch: len(y)} if system.batch is not None else {})
    evaluator.run((*system.equations, *equations_in(backward)))
    found = {each.name: evaluator.values.get(f"d{each.name}") for each in system.parameters}
    return {name: each[0].real for name, each in found.items() if each is not None}


def close(found: Any, expected: Any, name: str) -> None:
    scale = max(1, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=0, atol=WORST * scale, err_msg=name)


def agree(model: Any, *inputs: Any) -> symprop.Imported:
    """Judge a model's network by what both return and by the gradients of all parameters and inputs."""
    net = symprop.from_torch(model, inputs)
    module = symprop.compile(net >> symprop.Loss("sum(a * y)"))
    real = [each for each in inputs if each.is_floating_point()]
    for each in real:
        each.requires_grad_()
    there = model(*inputs)
    arrays = net.taken(*(each.detach().numpy() for each in inputs))
    here = module.forward(net.weights, arrays)
    np.testing.assert_allclose(net.returned(here), there.detach().numpy(), rtol=0, atol=WORST)
    cotangent = torch.randn_like(there)
    there.backward(cotangent)
    y = np.empty_like(here).reshape(-1)
    y[net.returned(np.arange(here.size).reshape(here.shape)).reshape(-1)] = cotangent.numpy().reshape(-1)
    y = y.reshape(here.shape) * len(here)
    _, gradients = module.loss_and_grads(net.weights, arrays, y)
    if real:
        derived = by_equations(net, arrays, y)
        gradients_of = [torch.zeros_like(each) if each.grad is None else each.grad for each in inputs]
        slopes = net.taken(*(each.numpy() for each in gradients_of))
        slopes = slopes if isinstance(slopes, dict) else {net.inputs[0].name: slopes}
        for name in [each.name for each in net.inputs if each.name in derived]:
            close(derived[name], slopes[name], name)
    found = net.gradients_there(gradients)
    expected = {name: each.grad.numpy() for name, each in model.named_parameters() if each.grad is not None}
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        close(found[name], gradient, name)
    return net


ACTIVATIONS = (
    *(nn.ReLU, nn.Sigmoid, nn.Tanh, nn.SiLU, nn.GELU, lambda: nn.GELU("tanh"), nn.LeakyReLU, lambda: nn.ELU(0.7)),
    *(
        nn.Softplus,
        nn.PReLU,
        nn.SELU,
        nn.CELU,
        nn.Mish,
        nn.Hardswish,
        nn.ReLU6,
        nn.LogSigmoid,
        nn.Softsign,
        nn.Identity,
    ),
    *(lambda: nn.ReLU(inplace=True), lambda: nn.Threshold(0.1, 0.5), lambda: nn.Hardtanh(-0.5, 0.8), nn.Tanhshrink),
)


def stack(random: np.random.Generator) -> tuple[Any, Any]:
    """A random stack of layers with an example: of vectors, of sequences, or of images."""

    def one(of: Any) -> Any:
        return of[random.integers(len(of))]

    kind, layers = one(["vector", "sequence", "image", "image"]), []
    if kind != "image":
        n = 4
        for _ in range(3):
            m = int(random.integers(2, 4)) * 2
            norms = [nn.LayerNorm(m), nn.RMSNorm(m, eps=1e-3), nn.Identity(), nn.LayerNorm(m, bias=False)]
            norms += [nn.BatchNorm1d(m), nn.GroupNorm(2, m)] if kind == "vector" else []
            layers += [nn.Linear(n, m, bias=bool(random.integers(2))), one(norms), one(ACTIVATIONS)()]
            n = m
        layers += [one([nn.Softmax(-1), nn.LogSoftmax(-1), nn.Flatten()])]
        return nn.Sequential(*layers), image(3, 4) if kind == "vector" else image(3, 5, 4)
    layers += [nn.Conv2d(2, 4, (3, 2), one([1, 2]), one([0, 1]), groups=one([1, 2])), one(ACTIVATIONS)()]
    layers += [one([nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True), nn.Identity()])]
    layers += [one([nn.MaxPool2d(2), nn.AvgPool2d(2, 1), nn.AvgPool2d(3, 2, 1), nn.MaxPool2d(3, 2, 1), nn.Identity()])]
    layers += [
        one(
            [
                nn.ConvTranspose2d(4, 6, 3, 2, 1, 1),
                nn.ConvTranspose2d(4, 6, 2, groups=2),
                nn.Conv2d(4, 6, 2, bias=False),
            ]
        )
    ]
    layers += [one(ACTIVATIONS)(), one([nn.Upsample(scale_factor=2), nn.Identity()])]
    layers += [one([nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1), nn.Identity()]), nn.Flatten(), nn.LazyLinear(3)]
    model = nn.Sequential(*layers)
    model(torch.randn(2, 2, 9, 9))  # says how wide the last layer is
    return model, image(3, 2, 9, 9)


@pytest.mark.filterwarnings("ignore::symprop.SympropWarning")  # of scales and shifts that a norm leaves out
@pytest.mark.parametrize("seed", range(10))
def test_random_stacks_of_layers(seed: int) -> None:
    model, example = stack(np.random.default_rng([17, seed]))
    agree(prepared(lambda: model, seed), example)


@pytest.mark.parametrize("name", TEXTS)
def test_a_model_and_its_network_agree(name: str) -> None:
    make, example, text = TEXTS[name]
    if name.startswith("gpt2"):
        pytest.importorskip("transformers", reason="it has the GPT-2 that is imported")
    given = example()
    net = agree(prepared(make), *(given if isinstance(given, tuple) else (given,)))
    assert not text or net.text == text, net.text
    assert symprop.parse_network(net.text).text == net.text


def test_a_batch_norm_in_evaluation_has_its_running_statistics() -> None:
    model, x = prepared(ResNet18), image(4, 3, 64, 64)
    model(x)  # the statistics of a first step
    net = symprop.from_torch(model.eval(), x)
    module = symprop.compile(net >> symprop.SoftmaxCrossEntropy())
    found = module.forward(net.weights, net.taken(x.numpy()), training=False, state=net.running)
    there = model(x.requires_grad_())
    np.testing.assert_allclose(net.returned(found), there.detach().numpy(), rtol=0, atol=WORST)
    cotangent = torch.randn_like(there)
    there.backward(cotangent)
    derived = by_equations(net, net.taken(x.detach().numpy()), cotangent.numpy() * len(x), evaluation=True)
    close(derived["x"], net.taken(x.grad.numpy()), "x")
    gradients = net.gradients_there(derived)
    for name, each in model.named_parameters():
        close(gradients[name], each.grad.numpy(), name)


LOSSES: list[tuple[Callable[..., Any], Callable[[], Any]]] = [
    (F.mse_loss, lambda: image(3, 4)),
    (F.l1_loss, lambda: image(3, 4)),
    (lambda a, y: F.huber_loss(a, y, delta=0.5), lambda: image(3, 4)),
    (lambda a, y: F.smooth_l1_loss(a, y, beta=0.5), lambda: image(3, 4)),
    (F.binary_cross_entropy_with_logits, lambda: torch.rand(3, 4, dtype=torch.float64)),
    (lambda a, y: F.binary_cross_entropy(torch.sigmoid(a), y), lambda: torch.rand(3, 4, dtype=torch.float64)),
    (lambda a, y: F.cross_entropy(a, y, label_smoothing=0.1), lambda: torch.tensor([0, 3, 1])),
    (lambda a, y: F.cross_entropy(a, y, ignore_index=3), lambda: torch.tensor([0, 3, 1])),
]


class Ended(nn.Module):
    """A linear layer and a loss."""

    def __init__(self, loss: Callable[..., Any]) -> None:
        super().__init__()
        self.layer, self.loss = nn.Linear(5, 4), loss

    def forward(self, x: Any, y: Any) -> Any:
        return self.loss(self.layer(x), y)


def test_a_model_may_end_in_its_loss() -> None:
    for loss, target in LOSSES:
        model, x, y = prepared(lambda: Ended(loss)), image(3, 5), target()  # noqa: B023 (made at once)
        net = symprop.from_torch(model, (x, y))
        there = model(x, y)
        there.backward()
        here, gradients = symprop.compile(net).loss_and_grads(net.weights, net.taken(x.numpy()), y.numpy())
        np.testing.assert_allclose(here, there.item(), rtol=0, atol=WORST, err_msg=net.text)
        found = net.gradients_there(gradients)
        for name, each in model.named_parameters():
            np.testing.assert_allclose(found[name], each.grad.numpy(), rtol=0, atol=WORST, err_msg=net.text)


def test_a_batch_may_lie_along_another_axis() -> None:
    model, x = prepared(lambda: nn.MultiheadAttention(6, 2)), image(5, 3, 6)
    whole = Built(lambda _, a, x: a(x, x, x)[0], model)
    with pytest.raises(SpecError, match=r"attention runs along the batch, not along positions\nallowed: batch=1"):
        symprop.from_torch(whole, x)
    net = symprop.from_torch(whole, x, batch=1)
    module = symprop.compile(net >> symprop.MeanSquaredError())
    found = net.returned(module.forward(net.weights, net.taken(x.numpy())))
    np.testing.assert_allclose(found, whole(x).detach().numpy(), rtol=0, atol=WORST)


def written_over(_: Any, layer: nn.Module, x: Any) -> Any:
    y = layer(x)
    y[:, 0] = 0
    return y


def not_nested(_: Any, a: nn.Module, b: nn.Module, x: Any) -> Any:
    u, v = a(x), b(x)
    return torch.cat([u + v, torch.tanh(u)], 1)


SHARED = nn.Linear(4, 4)
REFUSED: list[tuple[Any, Any, str]] = [
    (
        Built(lambda _, x: torch.fft.rfft(x).real),
        image(2, 4),
        r"'fft_rfft' at Built, torch_models.py:\d+: symprop has no",
    ),
    (
        Built(lambda _, a, x: a(x) if x.sum() > 0 else x, SHARED),
        image(2, 4),
        "torch.export cannot read 'Built': 'Could not g",
    ),
    (
        Built(lambda _, x: torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (x,))),
        image(2, 4),
        r"'cond' at .*a graph inside the graph",
    ),
    (Built(written_over, nn.Linear(4, 4)), image(2, 4), "symprop has no layer for it"),
    (
        Built(not_nested, nn.Linear(4, 4), nn.Linear(4, 4)),
        image(2, 4),
        "read by branches that do not lie inside one another",
    ),
    (
        nn.Sequential(SHARED, nn.Tanh(), SHARED),
        image(2, 4).float(),
        "'0.bias' is used by several layers, as b1 and as b2",
    ),
    (nn.Sequential(nn.Conv2d(3, 2, 3)), None, "'Sequential' does not say what it reads"),
    (nn.Linear(4, 4), torch.zeros(2, 5), "torch.export cannot read 'Linear': 'a and b must have same reduction dim"),
    (nn.Linear(4, 4), torch.zeros(4), r"the example of shape \(4,\) is no batch"),
    (nn.Linear(4, 4), [1, 2], "the example holds 'int', which is no tensor"),
    (lambda x: x, torch.zeros(2, 4), "'function' is no model of PyTorch"),
    (Built(lambda _, x: x @ torch.ones(4, 3)), torch.zeros(2, 4), "a product that is neither with a weight"),
    (Built(lambda _, a, x: (a(x), x), nn.Linear(4, 4)), torch.zeros(2, 4), "the model returns 2 tensors"),
    (Built(lambda _, x: x + torch.randn(4)), torch.zeros(2, 4), "'randn' at Built, .*: random numbers"),
    (nn.Linear(5, 5), torch.zeros(2, 5, 4).transpose(1, 2), ""),
    (
        Built(lambda _, a, x: a(x.transpose(1, 2)), nn.Linear(5, 5)),
        torch.zeros(2, 5, 4),
        "axis 2 .* not that of the features",
    ),
    (nn.LSTM(4, 4, batch_first=True), torch.zeros(2, 5, 4), r"'lstm' at LSTM: symprop has no layer for it"),
    (
        nn.TransformerEncoderLayer(4, 2, 8, 0.1, batch_first=True),
        torch.zeros(2, 5, 4),
        "dropout of the weights of attention",
    ),
    (Built(lambda s, x: F.linear(x, s.g * 2 + 1), g=torch.ones(4, 4)), torch.zeros(2, 4), "a weight that is computed"),
    (Built(lambda _, x: F.pad(x, (1, 1))), torch.zeros(2, 4), "'pad' at Built"),
]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_has_no_layer_is_named_with_its_place() -> None:
    for model, example, told in REFUSED:
        if not told:
            assert symprop.from_torch(model, example).text == "Input(4, 5) >> Dense(5)"
            continue
        with pytest.raises(SpecError, match=told) as caught:
            symprop.from_torch(model, example)
        assert str(caught.value).count("\n") < 3 and "allowed: " in str(caught.value), caught.value


def test_a_model_says_where_it_was_exported_and_what_it_leaves_out() -> None:
    chain = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3, elementwise_affine=False))
    with pytest.warns(symprop.SympropWarning, match=r"LayerNorm\(\) at '1' \(LayerNorm\) has no gamma and beta there"):
        net = symprop.from_torch(chain)
    assert net.weights["gamma1"].tolist() == [1, 1, 1] and net.weights["W1"].dtype == np.float32
    program = torch.export.export(chain, (torch.zeros(2, 4),), dynamic_shapes=({0: torch.export.Dim("batch")},))
    with pytest.warns(symprop.SympropWarning):
        assert symprop.from_torch(program).text == net.text == "Input(4) >> Dense(3) >> LayerNorm()"
    assert (net >> symprop.MeanSquaredError()).weights is net.weights
    with pytest.raises(symprop.DataError, match="the model has 1 inputs, 2 are given"):
        net.taken(np.zeros((2, 4)), np.zeros(3))
    with pytest.raises(symprop.DataError, match="no gradient of W1; the parameters are W1, b1"):
        net.gradients_there({})
