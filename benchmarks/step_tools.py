"""The tools of `benchmarks/steps.py`: each turns a network into a step, and the arrays into its own kind.

A step is `step(params, x, y)`; it returns the loss and its gradients as the tool's own arrays, by name or in the order
of the parameters. Every tool is used in the fastest of its usual ways: which ways were tried stands at each function.
A library is imported by its own functions alone, so that a process holds one library at most.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.step_networks import Data, Network
from benchmarks.step_numpy import Step, naive, numbered, products, tuned

THREADS = 2

Arrays = tuple[Any, Any, Any]
"""(params, x, y) as a tool wants them."""


@dataclass(frozen=True)
class Tool:
    """A way to compute a step; `load` imports what it needs and returns the versions."""

    name: str
    load: Callable[[], dict[str, str]]
    arrays: Callable[[Data], Arrays]
    build: Callable[[Network], Step]


def numpy_arrays(data: Data) -> Arrays:
    return data.params, data.x, data.y


def load_numpy() -> dict[str, str]:
    return {"numpy": np.__version__}


# ---------------------------------------------------------------- symprop


def load_symprop() -> dict[str, str]:
    import symprop

    return {"numpy": np.__version__, "symprop": symprop.__version__}


def load_numba() -> dict[str, str]:
    import numba

    return load_symprop() | {"numba": numba.__version__}


def symprop_module(network: Network, **options: Any) -> ModuleType:
    """Return the generated module, derived and loaded."""
    import symprop

    return symprop.compile(network.text, dtype="float32", **options)


def in_workspace(module: ModuleType, work: Any) -> Step:
    """Return the step of a generated module in a workspace: nothing is allocated."""
    return lambda params, x, y: module.loss_and_grads(params, x, y, work=work)


def symprop_step(**options: Any) -> Callable[[Network], Step]:
    def build(network: Network) -> Step:
        module = symprop_module(network, **options)
        return in_workspace(module, module.make_workspace(network.batch))

    return build


def checked_once(network: Network) -> Step:
    """Return the step that `make_step` gives: it is made at the first call, for its parameters."""
    module = symprop_module(network)
    made: list[Step] = []

    def step(params: dict[str, Any], x: Any, y: Any) -> Any:
        if not made:
            made.append(module.make_step(params, network.batch))
        return made[0](x, y)

    return step


def missing_for_numba() -> str:
    """Return what the column of numba lacks, or nothing."""
    import symprop

    if importlib.util.find_spec("numba") is None:
        return "numba is not installed"
    return "" if "target" in inspect.signature(symprop.compile).parameters else "symprop writes NumPy alone"


# ---------------------------------------------------------------- PyTorch


def load_torch() -> dict[str, str]:
    import torch

    torch.set_num_threads(THREADS)
    return {"torch": torch.__version__}


def torch_arrays(data: Data) -> Arrays:
    params, x, y = plain_torch_arrays(data)
    return {name: value.requires_grad_() for name, value in params.items()}, x, y


def plain_torch_arrays(data: Data) -> Arrays:
    """Return tensors that record nothing: `torch.func` takes gradients without that."""
    import torch

    return (
        {name: torch.tensor(value) for name, value in data.params.items()},
        torch.tensor(data.x),
        torch.tensor(data.y),
    )


def torch_loss(network: Network) -> Callable[..., Any]:
    """Return the loss in PyTorch, as a function of (params, x, y)."""
    import torch
    from torch.nn import functional

    plan = tuple(numbered(network.layers))
    functions = {"tanh": torch.tanh, "relu": torch.relu}

    def loss(params: dict[str, Any], x: Any, y: Any) -> Any:
        a = x if network.embedding is None else functional.embedding(x, params["E1"]).flatten(1)
        for weight, bias, layer in plan:
            z = functional.linear(a, params[weight], params[bias])
            f = functions[layer.activation](z) if layer.activation else z
            a = a + f if layer.residual else f
        return functional.cross_entropy(a, y)

    return loss


def torch_step(network: Network) -> Step:
    """Return PyTorch's eager step; `loss.backward()`, with gradients set to None before, takes as long."""
    import torch

    loss = torch_loss(network)

    def step(params: dict[str, Any], x: Any, y: Any) -> tuple[Any, Any]:
        value = loss(params, x, y)
        return value, torch.autograd.grad(value, tuple(params.values()))

    return step


def compiled_step(**options: Any) -> Callable[[Network], Step]:
    """Return the builder of the step of `torch.compile`, over loss and gradients together.

    Compiled so, a step of a small network takes a third of the time of `backward` through a compiled loss. The option
    `cpp_wrapper` takes away another tenth; `mode="max-autotune"` comes between.
    """

    def build(network: Network) -> Step:
        import torch

        torch.compiler.reset()  # networks share the code of `loss`, and one function is compiled eight times at most
        both = torch.func.grad_and_value(torch_loss(network))
        compiled = torch.compile(both, fullgraph=True, dynamic=False, options=options)

        def step(params: dict[str, Any], x: Any, y: Any) -> tuple[Any, Any]:
            grads, value = compiled(params, x, y)
            return value, grads

        return step

    return build


# ---------------------------------------------------------------- JAX and autograd


def load_jax() -> dict[str, str]:
    import jax

    return {"jax": jax.__version__}


def jax_arrays(data: Data) -> Arrays:
    import jax

    return jax.block_until_ready(jax.device_put((data.params, data.x, data.y.astype(np.int32))))


def loss_in(library: ModuleType, network: Network, losses: Callable[..., Any]) -> Callable[..., Any]:
    """Return the loss as a function of (params, x, y), in a library with NumPy's names."""
    plan = tuple(numbered(network.layers))

    def loss(params: dict[str, Any], x: Any, y: Any) -> Any:
        a = x if network.embedding is None else library.reshape(params["E1"][x], (network.batch, -1))
        for weight, bias, layer in plan:
            z = library.dot(a, params[weight].T) + params[bias]
            if layer.activation == "tanh":
                z = library.tanh(z)
            elif layer.activation == "relu":
                z = library.maximum(z, 0)
            a = a + z if layer.residual else z
        return losses(a, y)

    return loss


def jax_function(network: Network) -> Any:
    """Return `jit` of `value_and_grad`, not yet compiled; one-hot targets, or logsumexp, take as long."""
    import jax
    import jax.numpy as jnp

    def losses(z: Any, y: Any) -> Any:
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1))

    return jax.jit(jax.value_and_grad(loss_in(jnp, network, losses)))


def jax_step(network: Network) -> Step:
    """Return JAX's step: all results are waited for."""
    import jax

    compiled = jax_function(network)
    return lambda params, x, y: jax.block_until_ready(compiled(params, x, y))


def load_autograd() -> dict[str, str]:
    from importlib.metadata import version

    return {"numpy": np.__version__, "autograd": version("autograd")}


def autograd_step(network: Network) -> Step:
    """Return the step of `autograd.value_and_grad` by each parameter as an argument: faster than by one dict of all."""
    import autograd
    import autograd.numpy as anp

    def losses(z: Any, y: Any) -> Any:
        shifted = z - anp.max(z, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(shifted), axis=1)) - shifted[np.arange(len(y)), y])

    loss = loss_in(anp, network, losses)
    names = network.parameters

    def of_arguments(*arguments: Any) -> Any:
        *values, x, y = arguments
        return loss(dict(zip(names, values, strict=True)), x, y)

    both = autograd.value_and_grad(of_arguments, tuple(range(len(names))))
    return lambda params, x, y: both(*(params[name] for name in names), x, y)


def hand_written(make: Callable[..., Step]) -> Callable[[Network], Step]:
    return lambda network: make(network.layers, network.embedding, network.batch)


SYMPROP = Tool("symprop", load_symprop, numpy_arrays, symprop_step(threads=1))
SYMPROP_ONCE = Tool("symprop, make_step", load_symprop, numpy_arrays, checked_once)
SYMPROP_2 = Tool("symprop, 2 threads", load_symprop, numpy_arrays, symprop_step(threads=2))
SYMPROP_NUMBA = Tool("symprop, numba", load_numba, numpy_arrays, symprop_step(target="numba"))
NAIVE = Tool("NumPy, naive", load_numpy, numpy_arrays, lambda network: naive(network.layers, network.embedding))
TUNED = Tool("NumPy, tuned", load_numpy, numpy_arrays, hand_written(tuned))
PRODUCTS = Tool("products alone", load_numpy, numpy_arrays, hand_written(products))
TORCH = Tool("PyTorch", load_torch, torch_arrays, torch_step)
COMPILED = Tool("torch.compile", load_torch, plain_torch_arrays, compiled_step(cpp_wrapper=True))
COMPILED_SOONER = Tool("torch.compile, default", load_torch, plain_torch_arrays, compiled_step())
JAX = Tool("JAX", load_jax, jax_arrays, jax_step)
AUTOGRAD = Tool("autograd", load_autograd, numpy_arrays, autograd_step)

COMPARED = (SYMPROP, SYMPROP_ONCE, SYMPROP_2, SYMPROP_NUMBA, PRODUCTS, TUNED, NAIVE, TORCH, COMPILED, JAX, AUTOGRAD)
"""The columns of the table of step times."""

TOOLS = {tool.name: tool for tool in (*COMPARED, COMPILED_SOONER)}
