"""Training with K-FAC: steps of natural gradient on batches, with the Fisher matrix as Kronecker products.

A step goes along `-inv(kron(G, A)) g` for each weight, its bias a column of it: `inv(G) dW inv(A)`, for each group of a
convolution in groups. A table of rows is a weight of one-hot inputs, whose A is a diagonal. What has no factors, as the
scale of a norm, is divided by the diagonal of its block. All are running averages over batches, taken from every tenth
one. To damp the matrix by `lambda I`, each factor is damped by `sqrt(lambda)`, divided between the two by `pi`, the
root of the ratio of their mean eigenvalues (Martens and Grosse, 2015, sections 5 and 6.3). The rate is lowered where
the step would change what the model predicts by too much: `rate**2 g' F g / 2` is a Kullback-Leibler divergence, and at
most `TRUST` (Ba, Grosse and Martens, *Distributed second-order optimization using Kronecker-factored approximations*,
2017, section 5). A velocity keeps what was before.

Lambda is adapted by the reduction ratio, as Levenberg and Marquardt do: how much lower the loss is for the last step,
to how much lower the quadratic model with this matrix says it is (Martens and Grosse, section 6.5). They ask the batch
that the step was made for. A small batch always says that a step fitted to it was good, so here the next one is asked;
and lambda is at most what is given, at least a thousandth of it.

The state of training is arrays and whole numbers, as that of a generated optimiser, so that a run can be kept and goes
on to the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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
POOR, GOOD, CHANGE, LEAST = 0.25, 0.75, 0.98**EVERY, 1e-3
"""Below and above which ratios lambda is changed, by which factor, and the smallest part of what is given."""


@dataclass(frozen=True)
class Steps:
    """Steps on the parameters of a generated module.

    `shapes` are those of the factors of each weight, or of the one diagonal of what has none; `biases` has the bias of
    each weight with factors, or "". Lambda is `damping` in all steps, or at the start where it `adapts`.
    """

    module: ModuleType
    shapes: Mapping[str, tuple[tuple[int, ...], ...]]
    biases: Mapping[str, str]
    rate: float
    damping: float
    adapts: bool = True

    def init_state(self, params: Params, seed: int = 0) -> dict[str, Any]:
        """Return the state of training from a copy of parameters, which are views of one vector.

        `seed` is that of the masks of the first step, where there are some; each step counts it up.
        """
        row = np.concatenate([np.ravel(value) for value in params.values()])
        state: dict[str, Any] = {"w": row, "velocity": np.zeros_like(row), "step": 0}
        state |= {"params": by_name(row, params), "work": None, "damping": np.full(1, self.damping, row.dtype)}
        for name, shapes in self.shapes.items():
            for place, shape in enumerate(shapes):
                for what in ("mean", "inverse"):
                    state[f"{what} {place} {name}"] = np.zeros(shape, row.dtype)
        if vars(self.module).get("MASKS"):
            state["seed"] = seed
        if vars(self.module).get("STATISTICS"):
            state |= self.module.init_running()
        return state

    def train_step(
        self, state: dict[str, Any], x: Features, y: Array, lr: float | None = None, max_norm: float | None = None
    ) -> float:
        """Change a state by one step on a batch; return the loss before the step.

        `max_norm` is the largest norm of all gradients together, above which they are scaled.
        """
        params = state["params"]
        if state["work"] is None or state["work"].m != len(y):
            state["work"] = self.module.make_workspace(len(y))
        drawn = {"masks": self.module.draw_masks(len(y), state["seed"])} if "seed" in state else {}
        loss, grads = self.module.loss_and_grads(params, x, y, work=state["work"], **drawn)
        if not math.isfinite(loss):
            return float(loss)  # the loop says so
        if state["step"] % EVERY == 0:
            if self.adapts and state["step"]:
                self._adapt(state, x, y, loss, grads, drawn)
            self._refresh(state, x, y, drawn)
        if "update_running" in vars(self.module):
            self.module.update_running(state, state["work"])
        state |= {name: state[name] + 1 for name in ("step", "seed") if name in state}
        row = np.zeros_like(state["w"])
        step = by_name(row, params)
        self._put(step, self._times(state, "inverse", grads))
        for name in params.keys() - self.shapes.keys() - set(self.biases.values()):  # what the Fisher matrix is 0 for
            step[name][...] = grads[name] / state["damping"]
        if max_norm is not None:
            row *= min(1.0, max_norm / math.sqrt(sum(float(np.sum(value**2)) for value in grads.values())))
        slope = _inner(step, grads)
        rate = self.rate if lr is None else lr
        rate = min(rate, math.sqrt(2 * TRUST / slope)) if slope > 0 else rate
        state["velocity"] *= MOMENTUM
        state["velocity"] -= rate * row
        state["w"] += state["velocity"]
        return float(loss)

    def _adapt(
        self, state: dict[str, Any], x: Features, y: Array, loss: float, grads: Params, drawn: dict[str, Any]
    ) -> None:
        """Change lambda by how far the last step did for this batch what the quadratic model says of it."""
        last = by_name(state["velocity"], state["params"])
        back = {name: value - last[name] for name, value in state["params"].items()}
        model = _inner(last, self._times(state, "mean", last)) / 2 - _inner(last, grads)
        lower = float(self.module.loss(back, x, y, **drawn)) - loss
        if model <= 0 or lower < POOR * model:
            state["damping"] /= CHANGE
        elif lower > GOOD * model:
            state["damping"] *= CHANGE
        np.clip(state["damping"], LEAST * self.damping, self.damping, out=state["damping"])

    def _times(self, state: dict[str, Any], what: str, v: Params) -> Params:
        """Return the product of a matrix with a direction: of the "mean" or the "inverse" factors."""
        found: Params = {}
        for name, bias in self.biases.items():
            factors = [state[f"{what} {place} {name}"] for place in range(len(self.shapes[name]))]
            if len(factors) == 1:
                found[name] = factors[0] * v[name]
                continue
            columns, rows = factors
            groups = columns.shape[:-2]
            joined = v[name].reshape(*groups, rows.shape[-1], -1)
            if bias:
                joined = np.concatenate((joined, v[bias].reshape(*groups, -1, 1)), axis=-1)
            joined = rows[:, None] * joined if rows.ndim == 1 else rows @ joined
            joined = joined * columns if columns.ndim == 1 else joined @ columns
            if bias:
                found[bias], joined = joined[..., -1].reshape(v[bias].shape), joined[..., :-1]
            found[name] = joined.reshape(v[name].shape)
        return found

    @staticmethod
    def _put(step: Params, found: Params) -> None:
        for name, value in found.items():
            step[name][...] = value

    def _refresh(self, state: dict[str, Any], x: Features, y: Array, drawn: dict[str, Any]) -> None:
        """Take the factors of a batch into the averages, and invert these."""
        count = state["step"] // EVERY
        keep, damping = min(count / (count + 1), KEPT), float(state["damping"][0])
        for name, factors in self.module.kfac(state["params"], x, y, **drawn).items():
            means = [state[f"mean {place} {name}"] for place in range(len(factors))]
            for mean, factor in zip(means, factors, strict=True):
                mean *= keep
                mean += (1 - keep) * factor
            more = (damping,) if len(means) == 1 else _divided(damping, *map(_level, means))
            for place, mean in enumerate(means):
                inverse = _inverse(mean, more[place], is_matrix=len(means) > 1 and mean.ndim > 1)
                state[f"inverse {place} {name}"][...] = inverse


def with_kfac(
    network: Network,
    dtype: str = "float64",
    rate: float | None = None,
    damping: float | None = None,
    adapts: bool = True,
) -> ModuleType:
    """Return the module of a network whose `train_step` is one of K-FAC, for `symprop.training.train`.

    `rate` is the learning rate (0.03), `damping` lambda, what is added to the Fisher matrix (0.3): the larger, the
    shorter a step, and the more as one of gradient descent. Where it `adapts`, it is the largest lambda. `DIAGONALS` of
    the module has the parameters without Kronecker factors, which take the diagonal of their block.

    >>> from symprop import parse_network
    >>> module = with_kfac(parse_network("Input(2) >> Dense(3) >> LayerNorm() >> Dense(2) >> SoftmaxCrossEntropy()"))
    >>> state, x, y = module.init_state(module.init_params(seed=0)), np.eye(2), np.array([0, 1])
    >>> module.train_step(state, x, y) > module.loss(state["params"], x, y), module.DIAGONALS
    (True, ('gamma1', 'beta1'))

    Raises:
        SpecError: rate or damping is no positive number, or the network has no Fisher matrix in factors.
    """
    rate, damping = RATE if rate is None else rate, DAMPING if damping is None else damping
    for name, number in (("the learning rate", rate), ("damping", damping)):
        if not (math.isfinite(number) and number > 0):
            raise SpecError(f"{name} is a positive number, not {number}")
    case = Case(network, target="fast", dtype=dtype)
    module = case.module
    try:
        along = case.at(question="kfac").coded.derivation.along
    except SpecError as problem:
        raise SpecError(f"{NAME}: {str(problem).splitlines()[0]}\nallowed: adam, sgd") from None
    shapes: dict[str, tuple[tuple[int, ...], ...]] = {}
    for name, factor in zip(along.parts, along.results, strict=True):
        shapes[name] = (*shapes.get(name, ()), tuple(map(int, factor.shape)))
    steps = Steps(module, shapes, dict(zip(along.parts, along.beside, strict=True)), rate, damping, adapts)
    own = ModuleType(module.__name__)
    diagonals = tuple(name for name, found in shapes.items() if len(found) == 1)
    vars(own).update(vars(module), init_state=steps.init_state, train_step=steps.train_step, DIAGONALS=diagonals)
    return own


def _inner(u: Params, v: Params) -> float:
    """Return the inner product of two directions, over what the second has."""
    return sum(float(np.sum(u[name] * value)) for name, value in v.items())


def _level(factor: Array) -> Array:
    """Return the mean eigenvalue of a factor: a diagonal, a matrix, or one for each group."""
    return factor.mean() if factor.ndim == 1 else np.trace(factor, axis1=-2, axis2=-1) / factor.shape[-1]


def _divided(damping: float, columns: Array, rows: Array) -> tuple[Array, Array]:
    """Return the root of lambda as each of two factors gets it, from their mean eigenvalues."""
    there = (columns > 0) & (rows > 0)
    pi = np.sqrt(np.where(there, columns, 1) / np.where(there, rows, 1))
    return math.sqrt(damping) * pi, math.sqrt(damping) / pi


def _inverse(factor: Array, more: Any, is_matrix: bool) -> Array:
    """Return the inverse of a damped factor: a matrix, one for each group, or elements of a diagonal.

    Raises:
        DataError: it has none in this precision.
    """
    try:
        if is_matrix:
            eye = np.eye(factor.shape[-1], dtype=factor.dtype)
            found = np.linalg.inv(factor + np.asarray(more, factor.dtype)[..., None, None] * eye)
        else:
            with np.errstate(divide="ignore"):
                found = 1 / (factor + np.asarray(more, factor.dtype))
    except np.linalg.LinAlgError:
        found = np.full_like(factor, np.nan)
    if not np.isfinite(found).all():
        raise DataError("a factor of K-FAC has no inverse in this precision; try a larger --damping")
    return found


@dataclass(frozen=True)
class Kfac:
    """K-FAC with its damping, which is adapted or not."""

    damping: float = DAMPING
    adapts: bool = True

    def module(self, network: Network, dtype: str, rate: float | None) -> ModuleType:
        """Return the module of `with_kfac`."""
        return with_kfac(network, dtype, rate, self.damping, self.adapts)

    def text(self, rate: float | None) -> str:
        """Return what tells a run from one with other numbers.

        >>> Kfac(0.1).text(None)
        'kfac(lr=0.03, damping=0.1, adapts=True)'
        """
        return f"{NAME}(lr={RATE if rate is None else rate!r}, damping={self.damping!r}, adapts={self.adapts})"


def as_kfac(optimizer: str, damping: float | None, is_fixed: bool) -> Kfac | str:
    """Return this optimiser where it is named, with its options; another stays a text.

    Raises:
        SpecError: an option of this one is given beside another.
    """
    if optimizer == NAME:
        return Kfac(DAMPING if damping is None else damping, not is_fixed)
    if damping is not None or is_fixed:
        raise SpecError(f"--{'fixed-' * is_fixed}damping is of {NAME}\nallowed: --optimizer {NAME}")
    return optimizer


def kfac_of(optimizer: object, plot: str | None, **generated: object) -> Kfac | None:
    """Return this optimiser where it is the one, None of another.

    Raises:
        SpecError: an option of `generated` steps beside it, or a plot with equations.
    """
    found = Kfac() if optimizer == NAME else optimizer
    if not isinstance(found, Kfac):
        return None
    for name, value in generated.items():
        if value is not None:
            typed = name.replace("_", "-")
            raise SpecError(f"--{typed} is of optimisers with generated steps, not of {NAME}\nallowed: no --{typed}")
    if plot is not None and plot != "-" and not plot.lower().endswith(".svg"):
        raise SpecError(f"a plot of {NAME} has no equations of a step\nallowed: --plot FILE.svg")
    return found


def diagonals_told(module: ModuleType) -> str:
    """Return a line on the parameters of a module that take a diagonal, or nothing where there are none."""
    names = ", ".join(vars(module).get("DIAGONALS", ()))
    return f"\nno Kronecker factors for {names}: {NAME} takes the diagonal of the Fisher matrix" if names else ""
