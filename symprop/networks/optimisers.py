"""Optimisers and gradient clipping as data: hyper-parameters with defaults, state, and update equations.

The equations are assignments in order: `v = momentum * v + g` reads the old `v` and makes the new one. `w` is a
parameter, `g` its gradient, `v` and `s` states that start at 0; hyper-parameters are scalars; `STEP` counts from 1.
Sources: momentum, Sutskever et al. (2013); Adam, Kingma and Ba (2015); AdamW, Loshchilov and Hutter (2019);
clipping by the global norm, Pascanu et al. (2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy
from sympy import Rational

from symprop.algebra.equations import Equation
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.names import gradient_of, variable
from symprop.algebra.nodes import Multiply, Power, Sum, Variable
from symprop.algebra.trees import added

STEP = sympy.Symbol("step", integer=True, positive=True)
"""How many updates there are, this one included."""

_w, _g, _v, _s = (variable(name, ("n",)) for name in ("w", "g", "v", "s"))
_v_hat, _s_hat = variable("v_hat", ("n",)), variable("s_hat", ("n",))
_lr, _momentum, _epsilon, _decay = map(variable, ("lr", "momentum", "epsilon", "weight_decay"))
_beta1, _beta2 = variable("beta1"), variable("beta2")


@dataclass(frozen=True)
class Hyperparameter:
    """A number that the user may set: its variable, its default and what it does."""

    variable: Variable
    default: float
    meaning: str

    @property
    def name(self) -> str:
        return self.variable.name


@dataclass(frozen=True)
class Optimiser:
    """An update rule for one parameter.

    >>> [equation.name for equation in OPTIMISERS["momentum"].equations]
    ['v', 'w']
    """

    name: str
    title: str
    hyperparameters: tuple[Hyperparameter, ...]
    states: tuple[Variable, ...]
    equations: tuple[Equation, ...]

    @property
    def counts_steps(self) -> bool:
        """Whether the equations use `STEP`."""
        return any(equation.expression.has(STEP) for equation in self.equations)


def _rate(default: float) -> Hyperparameter:
    return Hyperparameter(_lr, default, "learning rate")


_ADAM = (
    _rate(0.001),
    Hyperparameter(_beta1, 0.9, "decay of the mean of gradients"),
    Hyperparameter(_beta2, 0.999, "decay of the mean of squared gradients"),
    Hyperparameter(_epsilon, 1e-8, "added to the root, so that it is never 0"),
)
_ADAM_MEANS = (
    Equation(_v, _beta1 * _v + (1 - _beta1) * _g, note="mean of gradients"),
    Equation(_s, _beta2 * _s + (1 - _beta2) * Power(_g, 2), note="mean of squared gradients"),
    Equation(_v_hat, _v / (1 - Power(_beta1, STEP)), note="corrected for the start at 0"),
    Equation(_s_hat, _s / (1 - Power(_beta2, STEP)), note="corrected for the start at 0"),
)
_ADAM_DIRECTION = _v_hat / (Power(_s_hat, Rational(1, 2)) + _epsilon)

OPTIMISERS: dict[str, Optimiser] = {
    row.name: row
    for row in (
        Optimiser("sgd", "SGD", (_rate(0.01),), (), (Equation(_w, _w - _lr * _g, note="update"),)),
        Optimiser(
            "momentum",
            "SGD with momentum",
            (_rate(0.01), Hyperparameter(_momentum, 0.9, "how much of the last update stays")),
            (_v,),
            (Equation(_v, _momentum * _v + _g, note="velocity"), Equation(_w, _w - _lr * _v, note="update")),
        ),
        Optimiser(
            "adam",
            "Adam",
            _ADAM,
            (_v, _s),
            (*_ADAM_MEANS, Equation(_w, _w - _lr * _ADAM_DIRECTION, note="update")),
        ),
        Optimiser(
            "adamw",
            "AdamW",
            (*_ADAM, Hyperparameter(_decay, 0.01, "how fast weights shrink")),
            (_v, _s),
            (*_ADAM_MEANS, Equation(_w, _w - _lr * (_ADAM_DIRECTION + _decay * _w), note="update")),
        ),
    )
}
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
