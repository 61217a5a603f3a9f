"""The networks of `benchmarks/images.py`: text for symprop, the same written in plain layers for PyTorch and JAX.

A plan lists operations and their parameters: `conv W1 b1`, `relu`, `pool`. PyTorch has channels first, as its users
have, so its arrays are turned over beforehand, and its gradients back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

END = " >> Dense(10) >> SoftmaxCrossEntropy()"


@dataclass(frozen=True)
class ImageNetwork:
    """A network of images, its batch, and its layers as (operation, names of parameters)."""

    name: str
    text: str
    plan: tuple[tuple[str, ...], ...]
    batch: int = 64


def convolutions(height: int, channels: int, first: int, second: int) -> ImageNetwork:
    """Return two convolutions of 3 x 3, a ReLU and a pool after each, and a dense layer."""
    text = f"Input({height}, {height}, {channels})"
    for count in (first, second):
        text += f' >> Conv2D({count}, 3, padding="same") >> ReLU() >> MaxPool2D(2)'
    plan = (("conv", "W1", "b1"), ("relu",), ("pool",), ("conv", "W2", "b2"), ("relu",), ("pool",), ("flat",))
    name = f"{height} x {height} x {channels}, conv {first}, conv {second}"
    return ImageNetwork(name, text + " >> Flatten()" + END, (*plan, ("dense", "W3", "b3")))


def residual(height: int, channels: int) -> ImageNetwork:
    """Return a block of a ResNet: two convolutions with norms over the batch, and what goes past them."""
    inner = f'Conv2D({channels}, 3, padding="same") >> BatchNorm()'
    text = f"Input({height}, {height}, {channels}) >> Residual({inner} >> ReLU() >> {inner}) >> ReLU()"
    block = (("keep",), ("conv", "W1", "b1"), ("batch", "gamma1", "beta1"), ("relu",), ("conv", "W2", "b2"))
    plan = (*block, ("batch", "gamma2", "beta2"), ("add",), ("relu",), ("mean",), ("dense", "W3", "b3"))
    return ImageNetwork(f"ResNet block, {height} x {height} x {channels}", text + " >> GlobalAveragePool()" + END, plan)


def norm(kind: str, layer: str) -> ImageNetwork:
    """Return a norm alone, of images of 16 x 16 x 32."""
    text = f"Input(16, 16, 32) >> {layer} >> ReLU() >> GlobalAveragePool(){END}"
    return ImageNetwork(layer, text, ((kind, "gamma1", "beta1"), ("relu",), ("mean",), ("dense", "W1", "b1")))


NETWORKS = (
    convolutions(8, 1, 16, 32),
    convolutions(28, 1, 16, 32),
    convolutions(32, 3, 32, 64),
    residual(16, 16),
    residual(8, 64),
    norm("batch", "BatchNorm()"),
    norm("layer", "LayerNorm()"),
    norm("group", "GroupNorm(4)"),
)


def data(network: ImageNetwork) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return random parameters, images and classes, float32."""
    import symprop

    system = symprop.parse_network(network.text).system()
    random = np.random.default_rng(0)
    params = {}
    for each in system.parameters:
        shape = tuple(map(int, each.shape))
        scale = 0.5 if len(shape) == 1 else np.sqrt(2 / np.prod(shape[1:]))
        params[each.name] = (scale * random.normal(size=shape)).astype(np.float32)
    x = random.normal(size=(network.batch, *map(int, system.inputs[0].shape))).astype(np.float32)
    return params, x, random.integers(0, 10, network.batch)


# ---------------------------------------------------------------- PyTorch


def torch_arrays(network: ImageNetwork, params: dict[str, np.ndarray], x: np.ndarray) -> tuple[dict[str, Any], Any]:
    """Return parameters and images with channels first."""
    import torch

    last = _before_flat(network)
    turned = {}
    for name, value in params.items():
        if value.ndim == 4:
            value = value.transpose(0, 3, 1, 2)
        elif value.ndim == 2 and last is not None:
            value = value.reshape(len(value), *last).transpose(0, 3, 1, 2).reshape(len(value), -1)
        turned[name] = torch.tensor(np.ascontiguousarray(value))
    return turned, torch.tensor(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def turned_back(network: ImageNetwork, grads: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return gradients of PyTorch with channels last."""
    last, found = _before_flat(network), {}
    for name, value in grads.items():
        value = value.detach().numpy()
        if value.ndim == 4:
            value = value.transpose(0, 2, 3, 1)
        elif value.ndim == 2 and last is not None:
            value = value.reshape(len(value), last[2], *last[:2]).transpose(0, 2, 3, 1).reshape(len(value), -1)
        found[name] = value
    return found


def _before_flat(network: ImageNetwork) -> tuple[int, int, int] | None:
    if ("flat",) not in network.plan:
        return None
    height = int(network.text.partition("(")[2].partition(",")[0]) // 4
    return height, height, int(network.text.rpartition("Conv2D(")[2].partition(",")[0])


def torch_loss(network: ImageNetwork) -> Callable[..., Any]:
    """Return the loss in PyTorch, as a function of (params, x, y)."""
    from torch.nn import functional as f

    def over_channels(a: Any, gamma: Any, beta: Any) -> Any:
        return f.layer_norm(a.permute(0, 2, 3, 1), a.shape[1:2], gamma, beta).permute(0, 3, 1, 2)

    steps: dict[str, Callable[..., Any]] = {
        "conv": lambda a, W, b: f.conv2d(a, W, b, padding=1),
        "relu": f.relu,
        "pool": lambda a: f.max_pool2d(a, 2),
        "flat": lambda a: a.flatten(1),
        "mean": lambda a: a.mean((2, 3)),
        "dense": f.linear,
        "batch": lambda a, gamma, beta: f.batch_norm(a, None, None, gamma, beta, training=True),
        # PyTorch 2.13 crashes in the gradient of a group norm of channels that lie last
        "group": lambda a, gamma, beta: f.group_norm(a.contiguous(), 4, gamma, beta),
        "layer": lambda a, gamma, beta: f.layer_norm(a.permute(0, 2, 3, 1), a.shape[1:2], gamma, beta).permute(
            0, 3, 1, 2
        ),
    }
    return lambda params, x, y: f.cross_entropy(_run(network, steps, params, x), y)


def _run(network: ImageNetwork, steps: dict[str, Callable[..., Any]], params: dict[str, Any], a: Any) -> Any:
    kept = a
    for kind, *names in network.plan:
        if kind == "keep":
            kept = a
        else:
            a = a + kept if kind == "add" else steps[kind](a, *(params[name] for name in names))
    return a


# ---------------------------------------------------------------- JAX


def jax_loss(network: ImageNetwork) -> Callable[..., Any]:
    """Return the loss in JAX, channels last, as a function of (params, x, y)."""
    import jax
    import jax.numpy as jnp

    def conv(a: Any, W: Any, b: Any) -> Any:
        lies = ("NHWC", "OHWI", "NHWC")
        return jax.lax.conv_general_dilated(a, W, (1, 1), "SAME", dimension_numbers=lies) + b

    def pool(a: Any) -> Any:
        return jax.lax.reduce_window(a, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def normed(a: Any, axes: tuple[int, ...]) -> Any:
        mean = a.mean(axes, keepdims=True)
        return (a - mean) * jax.lax.rsqrt(((a - mean) ** 2).mean(axes, keepdims=True) + 1e-5)

    def grouped(a: Any, gamma: Any, beta: Any) -> Any:
        groups = a.reshape(*a.shape[:3], 4, -1)
        return normed(groups, (1, 2, 4)).reshape(a.shape) * gamma + beta

    steps: dict[str, Callable[..., Any]] = {
        "conv": conv,
        "relu": lambda a: jnp.maximum(a, 0),
        "pool": pool,
        "flat": lambda a: a.reshape(len(a), -1),
        "mean": lambda a: a.mean((1, 2)),
        "dense": lambda a, W, b: a @ W.T + b,
        "batch": lambda a, gamma, beta: normed(a, (0, 1, 2)) * gamma + beta,
        "group": grouped,
        "layer": lambda a, gamma, beta: normed(a, (3,)) * gamma + beta,
    }

    def loss(params: dict[str, Any], x: Any, y: Any) -> Any:
        z = jax.nn.log_softmax(_run(network, steps, params, x))
        return -jnp.mean(jnp.take_along_axis(z, y[:, None], axis=1))

    return loss
