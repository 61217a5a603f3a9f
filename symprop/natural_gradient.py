"""Training with K-FAC: steps of natural gradient on batches, with the Fisher matrix as Kronecker products.

A step goes along `-inv(kron(G, A)) g` for each weight, its bias a column of it: `inv(G) dW inv(A)`. The factors are
running averages over batches, taken from every tenth one. To damp the matrix by `lambda I`, each factor is damped by
`sqrt(lambda)`, divided between the two by `pi`, the root of the ratio of their mean eigenvalues (Martens and Grosse,
2015, sections 5 and 6.3). The rate is lowered where the step would change what the model predicts by too much:
`rate**2 g' F g / 2` is a Kullback-Leibler divergence, and at most `TRUST` (Ba, Grosse and Martens, *Distributed
second-order optimization using Kronecker-factored approximations*, 2017, section 5). A velocity keeps what was before.

The state of training is arrays and whole numbers, as that of a generated optimiser, so that a run can be kept and goes
on to the same bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from symprop.codegen.case import Case
from symprop.errors import DataError, SpecError
from symprop.evaluation import Array, Features
from symprop.networks.network import Network
from symprop.runs import Params, by_name

NAME = "kfac"
RATE, DAMPING, MOMENTUM = 0.03, 0.3, 0.9
EVERY, KEPT, TRUST = 10, 0.95, 0.01
"""How many steps take the same factors, how much of a running average is kept at most, and the largest divergence."""


@dataclass(frozen=True)
class Steps:
    """Steps on the parameters of a generated module; `biases` has the bias of each weight with factors, or ""."""

    module: ModuleType
    biases: dict[str, str]
    rate: float
    damping: float

    def init_state(self, params: Params) -> dict[str, Any]:
        """Return the state of training from a copy of parameters, which are views of one vector."""
        row = np.concatenate([np.ravel(value) for value in params.values()])
        state: dict[str, Any] = {"w": row, "velocity": np.zeros_like(row), "step": 0}
        state["params"] = by_name(row, params)
        for weight, bias in self.biases.items():
            size = len(params[weight])
            for name, length in (("A", params[weight][0].size + bool(bias)), ("G", size)):
                for what in ("mean", "inverse"):
                    state[f"{what} {name} {weight}"] = np.zeros((length, length), row.dtype)
        return state

    def train_step(
        self, state: dict[str, Any], x: Features, y: Array, lr: float | None = None, max_norm: float | None = None
    ) -> float:
        """Change a state by one step on a batch; return the loss before the step.

        `max_norm` is the largest norm of all gradients together, above which they are scaled.
        """
        params = state["params"]
        loss, grads = self.module.loss_and_grads(params, x, y)
        if not math.isfinite(loss):
            return float(loss)  # the loop says so
        if state["step"] % EVERY == 0:
            self._refresh(state, x, y)
        state["step"] += 1
        row = np.zeros_like(state["w"])
        step = by_name(row, params)
        for weight, bias in self.biases.items():
            joined = _joined(grads, weight, bias)
            found = state[f"inverse G {weight}"] @ joined @ state[f"inverse A {weight}"]
            step[weight][...] = (found[:, :-1] if bias else found).reshape(step[weight].shape)
            if bias:
                step[bias][...] = found[:, -1]
        if max_norm is not None:
            row *= min(1.0, max_norm / math.sqrt(sum(float(np.sum(value**2)) for value in grads.values())))
        slope = sum(float(np.sum(step[name] * grads[name])) for name in step)
        rate = self.rate if lr is None else lr
        rate = min(rate, math.sqrt(2 * TRUST / slope)) if slope > 0 else rate
        state["velocity"] *= MOMENTUM
        state["velocity"] -= rate * row
        state["w"] += state["velocity"]
        return float(loss)

    def _refresh(self, state: dict[str, Any], x: Features, y: Array) -> None:
        """Take the factors of a batch into the averages, and invert these."""
        count = state["step"] // EVERY
        keep = min(count / (count + 1), KEPT)
        for weight, factors in self.module.kfac(state["params"], x, y).items():
            means = [state[f"mean {name} {weight}"] for name in "AG"]
            for mean, factor in zip(means, factors, strict=True):
                mean *= keep
                mean += (1 - keep) * factor
            a, g = (float(np.trace(mean)) / len(mean) for mean in means)
            pi, root = math.sqrt(a / g) if a > 0 and g > 0 else 1.0, math.sqrt(self.damping)
            for name, mean, more in zip("AG", means, (root * pi, root / pi), strict=True):
                state[f"inverse {name} {weight}"][...] = _inverse(mean + more * np.eye(len(mean), dtype=mean.dtype))


def with_kfac(
    network: Network, dtype: str = "float64", rate: float | None = None, damping: float | None = None
) -> ModuleType:
    """Return the module of a network whose `train_step` is one of K-FAC, for `symprop.training.train`.

    `rate` is the learning rate (0.03), `damping` lambda, what is added to the Fisher matrix (0.3): the larger, the
    shorter a step, and the more as one of gradient descent.

    >>> from symprop import parse_network
    >>> module = with_kfac(parse_network("Input(2) >> Dense(2) >> SoftmaxCrossEntropy()"))
    >>> state, x, y = module.init_state(module.init_params(seed=0)), np.eye(2), np.array([0, 1])
    >>> module.train_step(state, x, y) > module.loss(state["params"], x, y)
    True

    Raises:
        SpecError: rate or damping is no positive number, the network draws masks or takes means over a batch, or a
            parameter has no factors.
    """
    rate, damping = RATE if rate is None else rate, DAMPING if damping is None else damping
    for name, number in (("the learning rate", rate), ("damping", damping)):
        if not (math.isfinite(number) and number > 0):
            raise SpecError(f"{name} is a positive number, not {number}")
    case = Case(network, dtype=dtype)
    module = case.module
    for name, what in (("MASKS", "dropout"), ("STATISTICS", "running statistics")):
        if vars(module).get(name):
            raise SpecError(f"{NAME} has no factors for a network with {what}\nallowed: adam, sgd")
    along = case.at(question="kfac").coded.derivation.along
    biases = dict(zip(along.parts, along.beside, strict=True))
    there = {*biases, *biases.values()}
    if without := [name for name in module.PARAMETERS if name not in there]:
        raise SpecError(
            f"{NAME} has no factors for {', '.join(without)}: `symprop derive --kfac` says why\nallowed: adam, sgd"
        )
    steps, own = Steps(module, biases, rate, damping), ModuleType(module.__name__)
    vars(own).update(vars(module), init_state=steps.init_state, train_step=steps.train_step)
    return own


def _inverse(damped: Array) -> Array:
    """Return the inverse of a damped factor.

    Raises:
        DataError: it has none in this precision.
    """
    try:
        found = np.linalg.inv(damped)
    except np.linalg.LinAlgError:
        found = np.full_like(damped, np.nan)
    if not np.isfinite(found).all():
        raise DataError("a factor of K-FAC has no inverse in this precision; try a larger --damping")
    return found


def kfac_text(rate: float | None, damping: float | None) -> str:
    """Return what tells a run from one with other numbers.

    >>> kfac_text(None, 0.1)
    'kfac(lr=0.03, damping=0.1)'
    """
    return f"{NAME}(lr={RATE if rate is None else rate!r}, damping={DAMPING if damping is None else damping!r})"


def check_kfac(optimizer: object, plot: str | None, damping: float | None, **generated: object) -> bool:
    """Return whether an optimiser is this one; raise where an option is given that is of another.

    Raises:
        SpecError: an option of `generated` steps beside this one, damping beside another, or a plot with equations.
    """
    if optimizer != NAME:
        if damping is not None:
            raise SpecError(f"--damping is of {NAME}\nallowed: --optimizer {NAME}")
        return False
    for name, value in generated.items():
        if value is not None:
            typed = name.replace("_", "-")
            raise SpecError(f"--{typed} is of optimisers with generated steps, not of {NAME}\nallowed: no --{typed}")
    if plot is not None and plot != "-" and not plot.lower().endswith(".svg"):
        raise SpecError(f"a plot of {NAME} has no equations of a step\nallowed: --plot FILE.svg")
    return True


def _joined(grads: Params, weight: str, bias: str) -> Array:
    """Return the gradient of a weight as a matrix, that of its bias the last column."""
    rows = grads[weight].reshape(len(grads[weight]), -1)
    return np.column_stack((rows, grads[bias])) if bias else rows
