"""Random networks against PyTorch: the same network by `torch.nn.functional`, and autograd's gradients, in float64.

What a text says, names and shapes, is the second reader's, `network_reference`; each layer that PyTorch has is
PyTorch's own: `conv2d` with its groups and dilation, `conv_transpose2d`, pools, norms, `linear`, activations. Weights
and values go from channels last to channels first and back. Many of them run by

    python tests/against_frameworks.py --engine torch --count 2000
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import network_reference
import numpy as np
from network_reference import Call, Shape, as_many
from own_layers import attended, cell_of, in_place, places, weights

UNARY = (
    "exp",
    "log",
    "log1p",
    "expm1",
    "sqrt",
    "square",
    "sin",
    "cos",
    "tan",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "sign",
)


def numpy_by_torch() -> SimpleNamespace:
    """Return those functions of NumPy that the second reader's losses and formulas call, made of PyTorch's."""
    import torch

    def of_number(name: str) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            return getattr(torch, name)(torch.as_tensor(x))

        run.__name__ = name
        return run

    def array(values: Any, dtype: Any = None) -> Any:
        if isinstance(values, list) and isinstance(values[0], torch.Tensor):
            return torch.stack(values)
        return torch.as_tensor(values, dtype=None if dtype is None else torch.float64)

    def where(condition: Any, x: Any, y: Any) -> Any:
        return torch.where(condition, torch.as_tensor(x), torch.as_tensor(y))

    return SimpleNamespace(
        **{name: of_number(name) for name in UNARY},
        **{name: getattr(torch, name) for name in ("sum", "mean", "prod", "outer", "einsum", "argmax")},
        **{name: getattr(torch, name) for name in ("multiply", "ones", "zeros", "arange")},
        stack=lambda parts, axis: torch.stack(tuple(parts), axis),
        array=array,
        where=where,
        concatenate=lambda parts, axis: torch.cat(tuple(parts), axis),
        max=lambda x, axis, keepdims: torch.amax(x, axis, keepdims),
        ndim=lambda x: x.ndim,
        shape=lambda x: tuple(x.shape),
        real=lambda x: x,
        pi=math.pi,
    )


@cache
def reference() -> ModuleType:
    """Return the second reader with PyTorch in NumPy's place, and PyTorch's own layers."""
    import torch
    from torch.nn import functional as F

    path = Path(network_reference.__file__)
    source = path.read_text(encoding="utf-8").replace("import numpy as np\n", "np = numpy_by_torch()\n")
    module: Any = ModuleType("network_reference_in_torch")
    module.numpy_by_torch = numpy_by_torch
    sys.modules[module.__name__] = module  # where its dataclasses look up their types
    exec(compile(source, str(path), "exec"), vars(module))
    module.WORDS |= {"erf": torch.erf, "gelu": F.gelu, "softplus": lambda x: F.softplus(x, threshold=1000)}
    own = {"Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "ReLU": F.relu, "LeakyReLU": leaky_relu, "ELU": F.elu}
    own |= {"GELU": gelu, "SiLU": F.silu, "Softplus": module.WORDS["softplus"], "Softmax": lambda x: F.softmax(x, -1)}
    module.LAYERS |= {name: module.activation(function) for name, function in own.items()}
    for name, step in STEPS.items():
        module.LAYERS[name] = in_place(module.LAYERS[name], step)
    module.held = lambda value: value.detach()
    module.recurrent = recurrent(module.recurrent)
    module.LAYERS |= dict.fromkeys(("RNN", "LSTM", "GRU"), module.recurrent)
    module.LAYERS["Attention"] = attended(module.LAYERS["Attention"], turned, attention)
    return module


def recurrent(layer: Callable[..., Any]) -> Callable[..., Any]:
    """Return recurrent layers that are read as before, and run as PyTorch's modules run where they have the cell."""

    def read(reading: Any, call: Call, shape: Shape) -> Any:
        step, after = layer(reading, call, shape)
        known = call.get(9, "reset", "after") == "after" and call.get(9, "activation", "tanh") != "sigmoid"
        return (of_torch(call, reading.number) if known else step), after

    return read


def of_torch(call: Call, number: int) -> Any:
    """The step of a recurrent layer: PyTorch's loop, which has two biases."""
    import torch

    name = f"rnn_{call.get(9, 'activation', 'tanh')}" if call.name == "RNN" else call.name.lower()

    def step(params: Mapping[str, Any], value: Any) -> Any:
        cell = cell_of(params, call, number)
        rows, width = cell.R.shape
        b, bh = torch.zeros(rows) + cell.b, torch.zeros(rows)
        if call.name == "GRU":
            bh = torch.cat([bh[: 2 * width], torch.zeros(width) + cell.bh])
        states = [(torch.zeros(len(value), width) + each)[None] for each in cell.states]
        given = tuple(states) if call.name == "LSTM" else states[0]
        run, windows = getattr(torch._VF, name), []
        for window in value.split(call.get(9, "truncate", value.shape[1]), dim=1):
            part, *states = run(window, given, [cell.W, cell.R, b, bh], True, 1, 0.0, False, False, True)
            states = [state.detach() for state in states]
            given = tuple(states) if call.name == "LSTM" else states[0]
            windows.append(part)
        every = torch.cat(windows, dim=1)
        return every if call.get(9, "sequence", True) else every[:, -1]

    return step


def attention(q: Any, k: Any, v: Any, causal: bool, seen: Any) -> Any:
    """What the heads give, (m, T, heads, d): PyTorch's, of which heads come before positions."""
    import torch
    from torch.nn import functional as F

    mask = None if seen is None else seen[:, None, None, :]
    if causal and mask is not None:
        mask, causal = mask & torch.ones(q.shape[1], k.shape[1], dtype=torch.bool).tril(), False
    heads = (each.transpose(1, 2) for each in (q, k, v))
    return F.scaled_dot_product_attention(*heads, mask, is_causal=causal, enable_gqa=True).transpose(1, 2)


def turned(value: Any) -> Any:
    """Pairs of features as complex numbers, each times `exp(i angle)`."""
    import torch

    x, y = value.chunk(2, dim=-1)
    rates = 10000.0 ** -(torch.arange(x.shape[-1]) / x.shape[-1])
    angles = torch.outer(torch.arange(value.shape[1], dtype=torch.float64), rates)[:, None, :]
    z = torch.complex(x, y) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([z.real, z.imag], dim=-1)


def gelu(x: Any, approximate: str = "none") -> Any:
    """PyTorch's, whose second argument has to be named."""
    from torch.nn import functional as F

    return F.gelu(x, approximate=approximate)


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """PyTorch's, which calls the slope otherwise."""
    from torch.nn import functional as F

    return F.leaky_relu(x, slope)


def first(value: Any) -> Any:
    """The channels first, right after the batch or the channels made.

    As a copy: of a view PyTorch 2.13 computes some dilated convolutions by another way, whose gradient crashes.
    """
    return value.movedim(-1, 1).contiguous()


def last(value: Any) -> Any:
    """The channels last again."""
    return value.movedim(1, -1)


def dense(call: Call, shape: Shape, number: int) -> Any:
    """The step of a Dense."""
    from torch.nn import functional as F

    return lambda params, value: F.linear(value, *weights(params, call, number))


def padded(value: Any, ends: Sequence[tuple[int, int]], outside: float = 0) -> Any:
    """Return values, channels first, with what stands beyond their ends."""
    from torch.nn import functional as F

    return F.pad(value, [width for pair in reversed(ends) for width in pair], value=outside)


def convolution(call: Call, shape: Shape, number: int) -> Any:
    """The step of a convolution: PyTorch's `padding` where it can say what is meant."""
    from torch.nn import functional as F

    at = places(call, shape)
    run = F.conv1d if len(at.size) == 1 else F.conv2d
    padding: Any = [before for before, _ in at.ends] if all(before == after for before, after in at.ends) else None
    if call.get(9, "padding") == "same" and set(at.stride) == {1} and all(size % 2 for size in at.size):
        padding = "same"  # of an even kernel PyTorch warns that it copies

    def step(params: Mapping[str, Any], value: Any) -> Any:
        W, b = weights(params, call, number)
        seen = first(value) if padding is not None else padded(first(value), at.ends)
        return last(run(seen, first(W), b, at.stride, 0 if padding is None else padding, at.dilation, at.groups))

    return step


def transposed(call: Call, shape: Shape, number: int) -> Any:
    """The step of a transposed convolution, whose weight PyTorch has as (C_in, C_out / groups, kh, kw)."""
    from torch.nn import functional as F

    at = places(call, shape)
    even = all(before == after for before, after in at.ends)

    def step(params: Mapping[str, Any], value: Any) -> Any:
        W, b = weights(params, call, number)
        parted = W.reshape(at.groups, -1, *W.shape[1:]).permute(0, 4, 1, 2, 3)
        kernel = parted.reshape(-1, *parted.shape[2:])
        padding = [before for before, _ in at.ends] if even else 0
        z = F.conv_transpose2d(first(value), kernel, b, at.stride, padding, at.added, at.groups, at.dilation)
        if not even:
            (top, bottom), (left, right) = at.ends
            z = z[:, :, top : z.shape[2] - bottom, left : z.shape[3] - right]
        return last(z)

    return step


def pool(call: Call, shape: Shape, number: int) -> Any:
    """The step of a pool: PyTorch's `padding` where it is even and at most half of the window."""
    from torch.nn import functional as F

    at = places(call, shape)
    usual = all(before == after and 2 * before <= size for (before, after), size in zip(at.ends, at.size, strict=True))
    padding = [before for before, _ in at.ends] if usual else 0
    largest = call.name.startswith("Max")
    kinds = {"MaxPool1D": F.max_pool1d, "MaxPool2D": F.max_pool2d}
    kinds |= {"AveragePool1D": F.avg_pool1d, "AveragePool2D": F.avg_pool2d}

    def step(params: Mapping[str, Any], value: Any) -> Any:
        outside = -math.inf if largest else 0
        seen = first(value) if usual else padded(first(value), at.ends, outside)
        return last(kinds[call.name](seen, at.size, at.stride, padding))

    return step


def up_sample(call: Call, shape: Shape, number: int) -> Any:
    """The step of an upsampling."""
    from torch.nn import functional as F

    sizes = tuple(map(float, as_many(call.get(0, "size"), 2)))
    return lambda params, value: last(F.interpolate(first(value), scale_factor=sizes, mode="nearest"))


def global_average(call: Call, shape: Shape, number: int) -> Any:
    """The step of a mean over all places."""
    from torch.nn import functional as F

    run = F.adaptive_avg_pool1d if len(shape) == 2 else F.adaptive_avg_pool2d
    if len(shape) not in (2, 3):
        return lambda params, value: value.mean(tuple(range(1, value.ndim - 1)))
    return lambda params, value: run(first(value), 1).flatten(1)


def norm(call: Call, shape: Shape, number: int) -> Any:
    """The step of a norm."""
    from torch.nn import functional as F

    eps, width = call.keywords.get("eps", 1e-5), shape[-1:]

    def step(params: Mapping[str, Any], value: Any) -> Any:
        gamma, beta = params[f"gamma{number}"], params.get(f"beta{number}")
        if call.name == "LayerNorm":
            return F.layer_norm(value, width, gamma, beta, eps)
        if call.name == "RMSNorm":
            return F.rms_norm(value, width, gamma, eps)
        if call.name == "GroupNorm":
            return last(F.group_norm(first(value), int(call.get(0, "groups")), gamma, beta, eps))
        if value[..., 0].numel() == 1:  # of one example, which PyTorch refuses
            return gamma * (value - value.mean(0)) / (value.var(0, correction=0) + eps).sqrt() + beta
        return last(F.batch_norm(first(value), None, None, gamma, beta, training=True, eps=eps))

    return step


STEPS: dict[str, Callable[[Call, Shape, int], Any]] = {
    "Dense": dense,
    **dict.fromkeys(("Conv1D", "Conv2D"), convolution),
    "ConvTranspose2D": transposed,
    "UpSample2D": up_sample,
    **dict.fromkeys(("MaxPool1D", "MaxPool2D", "AveragePool1D", "AveragePool2D"), pool),
    "GlobalAveragePool": global_average,
    **dict.fromkeys(("LayerNorm", "RMSNorm", "GroupNorm", "BatchNorm"), norm),
}


def tensors(values: dict[str, Any]) -> dict[str, Any]:
    """Return NumPy's arrays as PyTorch's."""
    import torch

    return {name: torch.as_tensor(value) for name, value in values.items()}


@contextmanager
def in_float64() -> Iterator[None]:
    """Numbers without a type are in float64."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def loss_and_grads(
    text: str, sizes: Mapping[str, int], x: Any, y: Any, masks: Any
) -> Callable[[dict[str, Any]], tuple[float, dict[str, Any]]]:
    """Return what gives the loss of a network and its gradients at parameters, as PyTorch has them."""
    import torch

    def run(params: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        with in_float64():
            given, loss = _loss(text, sizes, params, x, y, masks)
            slopes = torch.autograd.grad(loss, list(given.values()), allow_unused=True)
        found = {name: np.zeros(value.shape) for name, value in params.items()}
        found |= {name: slope.numpy() for name, slope in zip(given, slopes, strict=True) if slope is not None}
        return float(loss.detach()), found

    return run


def hessian_product(
    text: str, sizes: Mapping[str, int], x: Any, y: Any, masks: Any
) -> Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]:
    """Return what gives the Hessian of the loss times a direction, as PyTorch has it: reverse mode twice."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    def run(params: dict[str, Any], v: dict[str, Any]) -> dict[str, Any]:
        with in_float64(), sdpa_kernel(SDPBackend.MATH):  # the fast one has no second derivative
            given, loss = _loss(text, sizes, params, x, y, masks)
            leaves = list(given.values())
            slopes = torch.autograd.grad(loss, leaves, create_graph=True, allow_unused=True)
            along = [(slope, tensors(v)[name]) for name, slope in zip(given, slopes, strict=True) if slope is not None]
            total = sum(((slope * each).sum() for slope, each in along), torch.zeros(()))
            total = total + sum((0 * leaf).sum() for leaf in leaves)  # a gradient that is constant has no graph
            products = torch.autograd.grad(total, leaves)
        return {name: each.numpy() for name, each in zip(given, products, strict=True)}

    return run


def _loss(text: str, sizes: Mapping[str, int], params: dict[str, Any], x: Any, y: Any, masks: Any) -> tuple[Any, Any]:
    import torch

    given = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    network = reference().Network(text, sizes)
    return given, network.loss(given, tensors(x), torch.as_tensor(y), tensors(masks))
