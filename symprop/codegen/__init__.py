"""Code: equations lowered to a program, passes over it, and the source of a stand-alone NumPy module."""

from __future__ import annotations

import types
from collections.abc import Mapping

from symprop.analysis.derivation import Derivation
from symprop.codegen.case import GRADIENTS, Case, case_of
from symprop.codegen.targets import form_of
from symprop.errors import SpecError
from symprop.networks.network import Network
from symprop.networks.optimisers import Optimiser


def generate(
    network: Case | Network | Derivation | str,
    dtype: str = "float64",
    optimizer: Optimiser | str | None = None,
    target: str = "numpy",
    threads: int = 1,
    fast: bool = False,
    sizes: Mapping[str, int] | None = None,
    question: str = GRADIENTS,
) -> str:
    """Return the source of a module that computes the loss of `network` and its gradients.

    The module is one to read. It needs NumPy and nothing else, and has `forward`, `loss`, `backward` (a statement for
    each equation of the derivation, in its order, under its formula), `loss_and_grads` and `init_params`; with an
    optimiser also `init_state`, `train_step` and `update`.

    Args:
        network: a network, its text, a case, or a derivation in "rows".
        dtype: "float64" or "float32".
        optimizer: "sgd", "momentum", "adam", "adamw", or one with other numbers: `symprop.Adam(lr=0.01)`, or its text.
        target: the library: "numpy", "numba", "jax" or "torch" (`docs/engines.md`). A step of "numba" is one compiled
            function of loops, which pays for small networks; with convolutions or pools it is NumPy's.
        threads: 2 for two threads, each with half of the rows of a large batch; let BLAS have one thread then.
        fast: the module that `symprop.compile` runs: its step writes into memory that is planned, and checks more.
        sizes: numbers for sizes and counts that have a name.
        question: what the module computes beside the passes: "hvp", "gnvp", "fisher_vp", "empirical_fisher_vp",
            "per_example_norms", "clipped_grads", "kfac", "tangent_kernel" (`docs/curvature.md`); by default the loss
            and its gradients.

    >>> source = generate("Input(2) >> Dense(3) >> Tanh() >> MeanSquaredError()", dtype="float32")
    >>> print(source.partition("def backward")[2].partition("m = len(x)\\n\\n")[2].partition("    # (6)")[0])
        # (4) δ₁ = (1/m) (a₁ − y) ⊙ (1 − a₁ ⊙ a₁)   (m, 3)
        delta1 = (a1 - y) * (1 - a1**2) / m
        # (5) ∂L/∂W₁ = δ₁ᵀ x   (3, 2)
        dW1 = delta1.T @ x
    <BLANKLINE>

    Raises:
        SpecError: a size is a name, or the network has no loss, or an option is unknown or not for this target.
    """
    return _case(network, dtype, optimizer, form_of(target, fast), threads, sizes, question).source


def compile_network(
    network: Case | Network | Derivation | str,
    dtype: str = "float64",
    optimizer: Optimiser | str | None = None,
    target: str = "numpy",
    threads: int = 1,
    fast: bool | None = None,
    sizes: Mapping[str, int] | None = None,
) -> types.ModuleType:
    """Return the generated module, loaded; tracebacks through it show its source.

    The options are those of `generate`, but in NumPy the module is the fast one; with `fast=False`, the one to read.

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
        ImportError: the target is "numba", "jax" or "torch", and that is not installed.
    """
    form = form_of(target, target == "numpy" if fast is None else fast)
    return _case(network, dtype, optimizer, form, threads, sizes).module


def _case(
    network: Case | Network | Derivation | str,
    dtype: str,
    optimizer: Optimiser | str | None,
    target: str,
    threads: int,
    sizes: Mapping[str, int] | None,
    question: str = GRADIENTS,
) -> Case:
    if isinstance(network, Derivation) and network.system.layout != "rows":
        layout = network.system.layout
        raise SpecError(f"code has its batch in rows, not layout {layout!r}\ngive the network itself")
    options = {"dtype": dtype, "optimizer": optimizer, "target": target, "threads": threads}
    return case_of(network, **options).with_sizes(sizes or {}).asking(question)


compile = compile_network
"""The user's word for it."""

__all__ = ["Case", "compile", "compile_network", "generate"]
