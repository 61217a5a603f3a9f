"""Optimisers and gradient clipping as data: hyper-parameters with defaults, state, and update equations.

The equations are assignments in order: `v = momentum * v + g` reads the old `v` and makes the new one. `w` is a
parameter, `g` its gradient, `v` and `s` states that start at 0; hyper-parameters are scalars; `STEP` counts from 1.
Weight decay is decoupled from the gradient, an assignment of its own, and of weights alone: biases, tables of
embeddings and what normalisation learns keep their size.
Sources: momentum, Sutskever et al. (2013); Adam, Kingma and Ba (2015); weight decay and AdamW, Loshchilov and Hutter
(2019); clipping by the global norm, Pascanu et al. (2013).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import sympy
from sympy import Rational

from symprop.algebra.equations import Equation
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.names import gradient_of, variable
from symprop.algebra.nodes import Add, Multiply, Node, Power, Scalar, Sum, Variable, negative
from symprop.algebra.roles import STATE
from symprop.algebra.trees import added, replace
from symprop.errors import SpecError
from symprop.keywords import Checked
from symprop.networks.parts import Parameter
from symprop.networks.schedules import (
    PEAK,
    RATE,
    STEP,
    Hyperparameter,
    Schedule,
    Stage,
    checked_number,
    letter,
    schedule_of,
)

_w, _g = variable("w", ("n",)), variable("g", ("n",))
_v, _s, _v_hat, _s_hat = (variable(name, ("n",)).change(role=STATE) for name in ("v", "s", "v_hat", "s_hat"))
_momentum, _epsilon, _decay = map(variable, ("momentum", "epsilon", "weight_decay"))
_beta1, _beta2 = variable("beta1"), variable("beta2")

_OWN = {
    "momentum": (_momentum, "how much of the last update stays", letter("mu")),
    "beta1": (_beta1, "decay of the mean of gradients", _beta1),
    "beta2": (_beta2, "decay of the mean of squared gradients", _beta2),
    "epsilon": (_epsilon, "added to the root, so that it is never 0", _epsilon),
}
"""Numbers that only some optimisers have: variable, meaning, and the letter on a page."""

SHARES = ("momentum", "beta1", "beta2")
"""Numbers below 1."""
EVERY_STEP_ALIKE = Schedule()
_TIME, _RATE_NOW = sympy.Symbol("t", integer=True, positive=True), letter("eta", "t")


@dataclass(frozen=True, kw_only=True)
class Optimiser(Checked):
    """Abstract base of update rules for one parameter; `direction` is what is gone along, of gradient and states.

    >>> [equation.name for equation in Momentum(weight_decay=0.1).equations]
    ['w', 'v', 'w']

    Raises:
        SpecError: a number out of its range, or no schedule.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    states: ClassVar[tuple[Variable, ...]] = ()
    means: ClassVar[tuple[Equation, ...]] = ()
    direction: ClassVar[Node]

    lr: float = 0.01
    weight_decay: float = 0.0
    schedule: Stage = EVERY_STEP_ALIKE

    def __post_init__(self) -> None:
        called = type(self).__name__
        for field in dataclasses.fields(self):
            if field.name != "schedule":
                limits: dict[str, Any] = {"above": field.name in ("lr", "epsilon")}
                limits |= {"below": 1} if field.name in SHARES else {}
                value = checked_number(vars(self)[field.name], f"{called}: {field.name}", **limits)
                object.__setattr__(self, field.name, value)
        object.__setattr__(self, "schedule", schedule_of(self.schedule))
        if self.plan.final > self.lr:
            raise SpecError(f"{called}: the final rate {self.plan.final:g} is above the learning rate {self.lr:g}")

    @property
    def plan(self) -> Schedule:
        """The schedule of the learning rate."""
        return schedule_of(self.schedule)

    @property
    def text(self) -> str:
        """The optimiser as it is typed, which reads back.

        >>> from symprop import Cosine, Warmup
        >>> Adam(lr=0.01, schedule=Warmup(100) >> Cosine(1000)).text
        'Adam(lr=0.01, schedule=Warmup(100) >> Cosine(1000))'
        """
        given = ((field, vars(self)[field.name]) for field in dataclasses.fields(self))
        written = [f"{field.name}={value}" for field, value in given if value != field.default]
        return f"{type(self).__name__}({', '.join(written)})"

    @property
    def name(self) -> str:
        """The text; where every number is the usual one, the name that the command line takes."""
        return self.key if self == type(self)() else self.text

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """The numbers in the equations, in the order in which code takes them: first what has no default."""
        fields = [field.name for field in dataclasses.fields(self)]
        own = (Hyperparameter(_OWN[name][0], vars(self)[name], *_OWN[name][1:]) for name in fields if name in _OWN)
        peak = "learning rate" if self.plan.is_constant else "largest learning rate"
        rate = Hyperparameter(PEAK, self.lr, peak, letter("eta", "" if self.plan.is_constant else "max"))
        decay = Hyperparameter(_decay, self.weight_decay, "how fast weights shrink", letter("lambda"))
        found = (rate, *own, *([decay] if self.weight_decay else []), *self.plan.numbers)
        return tuple(sorted(found, key=lambda number: number.default is not None))

    @property
    def scalars(self) -> tuple[Equation, ...]:
        """The equations of numbers, once a step: the learning rate where it changes."""
        if self.plan.is_constant:
            return ()
        return (Equation(RATE, self.plan.expression, note="learning rate of this step"),)

    @property
    def rate(self) -> Variable:
        """The learning rate of a step."""
        return PEAK if self.plan.is_constant else RATE

    @property
    def kept(self) -> Node:
        """What a step keeps of a weight: `1 - lr * weight_decay`."""
        return Add(Scalar(1), negative(self.rate * _decay))

    @property
    def decays(self) -> tuple[Equation, ...]:
        """The equation of weight decay, which is of weights alone."""
        return (Equation(_w, self.kept * _w, note="decay, of weights alone"),) if self.weight_decay else ()

    @property
    def updates(self) -> tuple[Equation, ...]:
        """The equations of states and parameters, the same for each element."""
        return (*self.means, Equation(_w, _w - self.rate * self.direction, note="update"))

    @property
    def equations(self) -> tuple[Equation, ...]:
        """All equations of a step, in order."""
        return (*self.scalars, *self.decays, *self.updates)

    @property
    def page(self) -> tuple[Equation, ...]:
        """The equations in the letters of textbooks, for a page.

        >>> from symprop import Cosine
        >>> for equation in SGD(schedule=Cosine(1000), weight_decay=0.1).page:
        ...     print(equation.pretty())
        ηₜ = ½ ηₘₐₓ (1 + cos(π t / T)) if t ≤ T, else 0
        w = (1 − ηₜ λ) w
        w = w − ηₜ g
        """
        letters: dict[Node, Node] = {number.variable: number.letter for number in self.hyperparameters}
        letters[RATE] = _RATE_NOW
        return tuple(
            Equation(
                _RATE_NOW if each.target == RATE else each.target,
                replace(each.expression.xreplace({STEP: _TIME}), letters),
                note=each.note,
            )
            for each in self.equations
        )

    @property
    def counts_steps(self) -> bool:
        """Whether the equations use `STEP`."""
        return any(equation.expression.has(STEP) for equation in self.equations)

    def decayed(self, parameters: Iterable[Parameter]) -> list[Parameter]:
        """Return those of the parameters that decay: weights, where there is weight decay."""
        return [each for each in parameters if self.weight_decay and each.kind == "weight"]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class SGD(Optimiser):
    """Gradient descent: `w = w - lr * g`.

    >>> SGD(weight_decay=0.0005).text
    'SGD(weight_decay=0.0005)'

    Raises:
        SpecError: a number out of its range, or no schedule.
    """

    key: ClassVar[str] = "sgd"
    title: ClassVar[str] = "SGD"
    direction: ClassVar[Node] = _g


@dataclass(frozen=True, kw_only=True)
class Momentum(Optimiser):
    """Gradient descent with momentum: each step goes along a velocity that gathers gradients.

    >>> from symprop import Cosine
    >>> Momentum(lr=0.1, schedule=Cosine()).text
    'Momentum(lr=0.1, schedule=Cosine())'

    Raises:
        SpecError: a number out of its range, or no schedule.
    """

    key: ClassVar[str] = "momentum"
    title: ClassVar[str] = "SGD with momentum"
    states: ClassVar[tuple[Variable, ...]] = (_v,)
    means: ClassVar[tuple[Equation, ...]] = (Equation(_v, _momentum * _v + _g, note="velocity"),)
    direction: ClassVar[Node] = _v

    momentum: float = 0.9


@dataclass(frozen=True, kw_only=True)
class Adam(Optimiser):
    """Steps along the running mean of gradients, divided by the root of that of their squares (Kingma and Ba 2015).

    >>> from symprop import Cosine, Warmup
    >>> Adam(schedule=Warmup(100) >> Cosine()).text
    'Adam(schedule=Warmup(100) >> Cosine())'

    Raises:
        SpecError: a number out of its range, or no schedule.
    """

    key: ClassVar[str] = "adam"
    title: ClassVar[str] = "Adam"
    states: ClassVar[tuple[Variable, ...]] = (_v, _s)
    means: ClassVar[tuple[Equation, ...]] = (
        Equation(_v, _beta1 * _v + (1 - _beta1) * _g, note="mean of gradients"),
        Equation(_s, _beta2 * _s + (1 - _beta2) * Power(_g, 2), note="mean of squared gradients"),
        Equation(_v_hat, _v / (1 - Power(_beta1, STEP)), note="corrected for the start at 0"),
        Equation(_s_hat, _s / (1 - Power(_beta2, STEP)), note="corrected for the start at 0"),
    )
    direction: ClassVar[Node] = _v_hat / (Power(_s_hat, Rational(1, 2)) + _epsilon)

    lr: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with weight decay, 0.01 unless it is given.

    >>> AdamW().weight_decay, AdamW(lr=0.003).text
    (0.01, 'AdamW(lr=0.003)')

    Raises:
        SpecError: a number out of its range, or no schedule.
    """

    key: ClassVar[str] = "adamw"
    title: ClassVar[str] = "AdamW"

    weight_decay: float = 0.01


KINDS: dict[str, type[Optimiser]] = {kind.__name__: kind for kind in (SGD, Momentum, Adam, AdamW)}
"""The optimisers by the name under which a text knows them."""

OPTIMISERS: dict[str, Optimiser] = {kind.key: kind() for kind in KINDS.values()}
"""The optimisers by the name that the command line takes."""

CLIP_LIMIT = variable("max_norm")


def clipping(parameters: Sequence[Variable]) -> tuple[Equation, ...]:
    """Return the equations that scale all gradients so that their global norm is at most `max_norm`.

    `scale = max_norm / maximum(norm, max_norm)` is `min(1, max_norm / norm)` without a division by zero.

    >>> [equation.name for equation in clipping([variable("W1", (2, 3)), variable("b1", (2,))])]
    ['norm', 'scale', 'dW1', 'db1']
    """
    gradients = [gradient_of(parameter) for parameter in parameters]
    squares = [Sum(Power(gradient, 2)) for gradient in gradients]
    norm, scale = variable("norm"), variable("scale")
    return (
        Equation(norm, Power(added(squares), Rational(1, 2)), note="norm of all gradients together"),
        Equation(scale, CLIP_LIMIT / FUNCTIONS["maximum"](norm, CLIP_LIMIT), note="at most 1"),
        *(Equation(gradient, Multiply(scale, gradient), note="clipped") for gradient in gradients),
    )
