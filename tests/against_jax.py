"""Random networks against JAX: loss and all gradients in float64, by a forward pass that shares no code with symprop.

The forward pass is the second reader, `network_reference`, whose text is run once more with `jax.numpy` in NumPy's
place; convolutions and pools are `jax.lax`'s own; JAX differentiates it. Compiling takes nearly all of the time, so
that what the reader does row by row is one operation here. Many of them run by

    python tests/against_frameworks.py --engine jax --count 2000
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import network_reference
from network_reference import Call, Shape, is_cut
from own_layers import attended, cell_of, in_place, places, weights


@cache
def reference() -> ModuleType:
    """Return the second reader with `jax.numpy` in NumPy's place and JAX's own layers, in float64."""
    import jax
    import jax.numpy
    import jax.scipy.special

    jax.config.update("jax_enable_x64", True)
    path = Path(network_reference.__file__)
    source = path.read_text(encoding="utf-8").replace("import numpy as np\n", "import jax.numpy as np\n")
    module: Any = ModuleType("network_reference_in_jax")
    sys.modules[module.__name__] = module  # where its dataclasses look up their types
    exec(compile(source, str(path), "exec"), vars(module))
    assert module.np is jax.numpy
    erf = module.erf = module.WORDS["erf"] = jax.scipy.special.erf  # Python's takes no tracer
    assert erf is module.gelu.__globals__["erf"]
    formula = module.own_formula
    module.own_rows = lambda text, variable, rows, given: jax.vmap(
        lambda row: jax.numpy.broadcast_to(formula(text, **{variable: row}, **given), row.shape)
    )(rows)
    module.of_examples = lambda run, values: jax.vmap(run)(values, jax.numpy.arange(len(values)))
    for name, step in STEPS.items():
        module.LAYERS[name] = in_place(module.LAYERS[name], step)
    module.held = jax.lax.stop_gradient
    module.recurrent = in_place(module.recurrent, scanned)
    module.LAYERS |= dict.fromkeys(("RNN", "LSTM", "GRU"), module.recurrent)
    module.LAYERS["Attention"] = attended(module.LAYERS["Attention"], turned, attention)

    def summed(network: Any, outputs: Any, y: Any, shares: Any) -> Any:
        loss = network.ends[0]
        return shares @ jax.vmap(lambda a, target: module.LOSSES[loss.name](a, target, loss, network.maker))(outputs, y)

    module.Network.summed = summed
    return module


def convolution(call: Call, shape: Shape, number: int) -> Any:
    """The step of a convolution; transposed it is one of the flipped kernel, over pixels the stride apart."""
    import jax
    import jax.numpy

    at, images = places(call, shape), ("NWC", "OWI", "NWC") if len(shape) == 2 else ("NHWC", "OHWI", "NHWC")
    turned, ones = call.name == "ConvTranspose2D", [1] * len(at.size)
    spans = [apart * (size - 1) for apart, size in zip(at.dilation, at.size, strict=True)]
    around = [
        (span - before, span - after + added)
        for span, (before, after), added in zip(spans, at.ends, at.added, strict=True)
    ]

    def step(params: Mapping[str, Any], value: Any) -> Any:
        W, b = weights(params, call, number)
        z = jax.lax.conv_general_dilated(
            value,
            jax.numpy.flip(W, range(1, W.ndim - 1)) if turned else W,
            window_strides=ones if turned else at.stride,
            padding=around if turned else at.ends,
            lhs_dilation=at.stride if turned else ones,
            rhs_dilation=at.dilation,
            dimension_numbers=images,
            feature_group_count=at.groups,
        )
        return z if b is None else z + b

    return step


def attention(q: Any, k: Any, v: Any, causal: bool, seen: Any) -> Any:
    """What the heads give, (m, T, heads, d), of all groups at once; what is hidden has the score -inf."""
    import jax
    import jax.numpy as jnp

    grouped = q.reshape(*q.shape[:2], k.shape[2], -1, q.shape[-1])
    scores = jnp.einsum("mtghd,msgd->mghts", grouped, k) / math.sqrt(q.shape[-1])
    if causal:
        scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -jnp.inf)
    if seen is not None:
        scores = jnp.where(seen[:, None, None, None, :], scores, -jnp.inf)
    return jnp.einsum("mghts,msgd->mtghd", jax.nn.softmax(scores), v).reshape(q.shape)


def turned(value: Any) -> Any:
    """Pairs of features as complex numbers, each times `exp(i angle)`."""
    import jax.numpy as jnp

    x, y = jnp.split(value, 2, axis=-1)
    angles = jnp.arange(value.shape[1])[:, None, None] * 10000.0 ** -(jnp.arange(x.shape[-1]) / x.shape[-1])
    z = (x + 1j * y) * jnp.exp(1j * angles)
    return jnp.concatenate([z.real, z.imag], axis=-1)


def scanned(call: Call, shape: Shape, number: int) -> Any:
    """The step of a recurrent layer: `jax.lax.scan` over moments."""
    import jax
    import jax.numpy as jnp

    squash = {"tanh": jnp.tanh, "relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid}[call.get(9, "activation", "tanh")]
    after = call.get(9, "reset", "after") == "after"

    def step(params: Mapping[str, Any], value: Any) -> Any:
        cell = cell_of(params, call, number)

        def moment(states: Any, given: Any) -> Any:
            x, cut = given
            states = [jnp.where(cut, jax.lax.stop_gradient(state), state) for state in states]
            h, z = states[0], x @ cell.W.T + cell.b
            if call.name == "RNN":
                h = squash(z + h @ cell.R.T)
                return (h,), h
            if call.name == "LSTM":
                i, f, g, o = jnp.split(z + h @ cell.R.T, 4, axis=-1)
                c = jax.nn.sigmoid(f) * states[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
                h = jax.nn.sigmoid(o) * jnp.tanh(c)
                return (h, c), h
            of_r, of_u, of_n = jnp.split(cell.R, 3)
            r, u = jax.nn.sigmoid(jnp.stack(jnp.split(z, 3, axis=-1)[:2]) + jnp.stack([h @ of_r.T, h @ of_u.T]))
            seen = r * (h @ of_n.T + cell.bh) if after else (r * h) @ of_n.T
            h = u * h + (1 - u) * jnp.tanh(jnp.split(z, 3, axis=-1)[2] + seen)
            return (h,), h

        states = tuple(jnp.broadcast_to(each, (len(value), cell.R.shape[1])) for each in cell.states)
        cuts = jnp.array([is_cut(call, t) for t in range(value.shape[1])])
        (last, *_), every = jax.lax.scan(moment, states, (value.swapaxes(0, 1), cuts))
        return every.swapaxes(0, 1) if call.get(9, "sequence", True) else last

    return step


def pool(call: Call, shape: Shape, number: int) -> Any:
    """The step of a pool."""
    import jax

    at, largest = places(call, shape), call.name.startswith("Max")
    window, strides, ends = (1, *at.size, 1), (1, *at.stride, 1), ((0, 0), *at.ends, (0, 0))
    start, combine, count = (-math.inf, jax.lax.max, 1) if largest else (0.0, jax.lax.add, math.prod(at.size))
    return lambda params, value: jax.lax.reduce_window(value, start, combine, window, strides, ends) / count


STEPS: dict[str, Callable[[Call, Shape, int], Any]] = {
    **dict.fromkeys(("Conv1D", "Conv2D", "ConvTranspose2D"), convolution),
    **dict.fromkeys(("MaxPool1D", "MaxPool2D", "AveragePool1D", "AveragePool2D"), pool),
}


SURE = {"xla_backend_optimization_level": 1, "xla_cpu_use_fusion_emitters": False}
QUICK = {**SURE, "xla_backend_optimization_level": 0}
"""Options of XLA's compiler, which takes nearly all of the time: a third less of it, and a sixth.

With JAX 0.10 the quick way now and then gives NaN or a wrong slope where the sure one does not.
"""


def loss_and_grads(
    text: str, sizes: Mapping[str, int], x: Any, y: Any, masks: Any, options: Mapping[str, Any] = SURE
) -> Callable[[dict[str, Any]], tuple[float, dict[str, Any]]]:
    """Return what gives the loss of a network and its gradients at parameters, as JAX has them."""
    import jax

    step = jax.jit(jax.value_and_grad(_loss(text, sizes, x, y, masks)), compiler_options=dict(options))

    def run(params: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        loss, slopes = step(arrays(params))
        return float(loss), slopes

    return run


def hessian_product(
    text: str, sizes: Mapping[str, int], x: Any, y: Any, masks: Any, options: Mapping[str, Any] = SURE
) -> Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]:
    """Return what gives the Hessian of the loss times a direction, as JAX has it: forward mode through reverse mode."""
    import jax

    gradient = jax.grad(_loss(text, sizes, x, y, masks))
    product = jax.jit(lambda given, v: jax.jvp(gradient, (given,), (v,))[1], compiler_options=dict(options))
    return lambda params, v: product(arrays(params), arrays(v))


def _loss(text: str, sizes: Mapping[str, int], x: Any, y: Any, masks: Any) -> Callable[[Any], Any]:
    read, data = reference().Network(text, sizes), arrays((x, y, masks))
    return lambda params: read.loss(params, *data)


def arrays(values: Any) -> Any:
    """Return NumPy's arrays as JAX's, alone or in dicts."""
    import jax

    return jax.tree.map(jax.numpy.asarray, values)
