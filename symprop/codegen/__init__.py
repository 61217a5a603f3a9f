"""Code: equations lowered to a program, passes over it, and the source of a stand-alone NumPy module."""

from __future__ import annotations

import types

from symprop.analysis.derivation import Derivation
from symprop.codegen.case import Case, case_of
from symprop.errors import SpecError
from symprop.networks.network import Network


def generate(
    network: Case | Network | Derivation | str,
    dtype: str = "float64",
    optimizer: str | None = None,
    target: str = "fast",
    threads: int = 1,
) -> str:
    """Return the source of a NumPy module that computes the loss of `network` and its gradients.

    The module needs NumPy and nothing else. With an `optimizer` ("sgd", "momentum", "adam", "adamw") it has
    `init_state`, `train_step` and `update` as well. `dtype` is "float64" or "float32". A case may stand for its
    network, and a derivation, if its layout is "rows"; then nothing is derived again.

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
    return _case(network, dtype, optimizer, target, threads).source


def compile_network(
    network: Case | Network | Derivation | str,
    dtype: str = "float64",
    optimizer: str | None = None,
    target: str = "fast",
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
    return _case(network, dtype, optimizer, target, threads).module


def _case(
    network: Case | Network | Derivation | str, dtype: str, optimizer: str | None, target: str, threads: int
) -> Case:
    if isinstance(network, Derivation) and network.system.layout != "rows":
        layout = network.system.layout
        raise SpecError(f"code has its batch in rows, not layout {layout!r}\ngive the network itself")
    return case_of(network, dtype=dtype, optimizer=optimizer, target=target, threads=threads)


__all__ = ["Case", "compile_network", "generate"]
