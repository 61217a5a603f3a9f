"""Code: equations lowered to a program, passes over it, and the source of a stand-alone NumPy module."""

from __future__ import annotations

import types

from symprop import notation as notation  # enters the printers, which write the comments
from symprop.algebra.names import closest
from symprop.analysis.derivation import Derivation, derive
from symprop.codegen.loading import loaded
from symprop.codegen.module import DTYPES, TARGETS, module_source
from symprop.errors import SpecError, shown
from symprop.networks.network import Network
from symprop.networks.optimisers import OPTIMISERS
from symprop.networks.spec import as_network


def generate(
    network: Network | Derivation | str,
    dtype: str = "float64",
    optimizer: str | None = None,
    target: str = "numpy",
    threads: int = 1,
) -> str:
    """Return the source of a NumPy module that computes the loss of `network` and its gradients.

    The module needs NumPy and nothing else. With an `optimizer` ("sgd", "momentum", "adam", "adamw") it has
    `init_state`, `train_step` and `update` as well. `dtype` is "float64" or "float32". A derivation may stand for its
    network, if its layout is "rows".

    >>> source = generate("Input(2) >> Dense(3) >> Tanh() >> MeanSquaredError()", dtype="float32")
    >>> print(source.partition("def _step")[2].partition("z₁ = ")[2].partition("    # (3)")[0])
    x W₁ᵀ + b₁   (m, 3)
        z1 = np.dot(x, W1.T, out=work.z1)
        z1 += b1
        # (2) a₁ = tanh(z₁)   (m, 3)
        a1 = np.tanh(z1, out=z1)
    <BLANKLINE>

    With `target="numba"` the step is one compiled function of loops, and the module needs numba as well. It pays for
    small networks, where most of a step in NumPy is the cost of its calls (`docs/performance.md`). With `threads=2`
    elementwise work on large arrays, that of the optimiser too, is shared by two threads; no number changes.

    Raises:
        SpecError: a size is a name, or the network has no loss, or an option is unknown.
    """
    if target not in TARGETS:
        raise SpecError(f"unknown target {shown(target)}\nallowed: {', '.join(TARGETS)}")
    if threads not in (1, 2) or isinstance(threads, bool):
        raise SpecError(f"threads is {shown(threads)}\nallowed: 1, 2")
    if threads == 2 and target != "numpy":
        raise SpecError(f'threads=2 is for target="numpy", not {target!r}')
    if dtype not in DTYPES:
        raise SpecError(f"unknown dtype {shown(dtype)}\nallowed: {', '.join(DTYPES)}")
    if optimizer is not None and (not isinstance(optimizer, str) or optimizer not in OPTIMISERS):
        hint = closest(optimizer, OPTIMISERS) if isinstance(optimizer, str) else ""
        raise SpecError(f"unknown optimizer {shown(optimizer)}{hint}\nallowed: {', '.join(OPTIMISERS)}")
    derivation = network if isinstance(network, Derivation) else derive(as_network(network), layout="rows")
    if derivation.system.layout != "rows":
        raise SpecError(f"code has its batch in rows, not layout {derivation.system.layout!r}\ngive the network itself")
    if not derivation.parameters:
        raise SpecError(
            "code computes the gradients of parameters, and this network has none; add a layer such as Dense(3)"
        )
    named = _named_sizes(derivation)
    if named:
        example = ", ".join(f"{name}=32" for name in named)
        raise SpecError(
            f"code needs numbers for the sizes {', '.join(named)}\n"
            f"give them, as in network.with_sizes({{...}}) or --sizes {example.replace(', ', ',')}"
        )
    return module_source(derivation, dtype, optimizer, target, threads)


def compile_network(
    network: Network | Derivation | str,
    dtype: str = "float64",
    optimizer: str | None = None,
    target: str = "numpy",
    threads: int = 1,
) -> types.ModuleType:
    """Return the generated module, loaded; tracebacks through it show its source. The options are those of `generate`.

    >>> import numpy as np, symprop
    >>> module = symprop.compile("Input(2) >> Dense(3) >> Tanh() >> MeanSquaredError()")
    >>> module.PARAMETERS
    {'W1': (3, 2), 'b1': (3,)}
    >>> params = module.init_params(seed=0)
    >>> loss, grads = module.loss_and_grads(params, np.ones((5, 2)), np.zeros((5, 3)))  # five examples, a row each
    >>> grads["W1"].shape
    (3, 2)

    Raises:
        SpecError: as `generate`.
        ImportError: the target is "numba", and numba is not installed.
    """
    return loaded(generate(network, dtype, optimizer, target, threads))


def _named_sizes(derivation: Derivation) -> list[str]:
    """The names among the sizes of a network, sorted; the batch size is none of them."""
    system = derivation.system
    shapes = [variable.shape for variable in (*system.inputs, *system.targets, *system.parameters)]
    counts = [loop.count for loop in system.loops]
    symbols = {symbol for shape in [*shapes, tuple(counts)] for size in shape for symbol in size.free_symbols}
    return sorted({symbol.name for symbol in symbols - {system.batch}})


__all__ = ["compile_network", "generate"]
