"""Elementwise operators: scalars by SymPy, gathered into one formula of the value from which they start.

What has a layer of its own is that layer, `relu` a `ReLU()`. Numbers added and multiplied, powers, exponentials are a
formula of one variable, which becomes an `Activation("...")`, or the layer that it is: GPT-2 writes its GELU so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from sympy import Expr, Rational, Symbol

from symprop.algebra.functions import FUNCTIONS
from symprop.importing.graph import Call
from symprop.importing.reading import Reading
from symprop.importing.views import Formula, Seen, Value
from symprop.networks.activations import (
    ELU,
    GELU,
    Elementwise,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from symprop.networks.layers import Layer
from symprop.networks.own_activations import Activation

Z = Symbol("z", real=True)


def number(value: float | int) -> Expr:
    """Return a number exactly as it is written in decimal.

    >>> number(0.5), number(3)
    (1/2, 3)
    """
    return Rational(str(value))


def of_base(value: Value) -> Formula:
    """Return the formula of a value in what it is elementwise of."""
    return value.of if isinstance(value.of, Formula) else Formula(value, Z)


def with_activation(given: Formula, other: Value) -> Formula:
    """Return a formula of an activation as one of what the activation reads, where that is the other value."""
    layer = given.base.layer
    if isinstance(layer, Elementwise) and given.base.sources[0] is other:
        function = layer.function
        return Formula(other, given.body.xreplace({Z: function.body.xreplace({function.parameters[0]: Z})}))
    return given


def formula(reading: Reading, call: Call, tensor: Seen, body: Expr) -> Seen:
    """Return a tensor with a formula in `Z` applied to each element."""
    before = of_base(tensor.value)
    made = before.body if body == Z else body.xreplace({Z: before.body})
    value = reading.value(tensor.value.shape, None, (before.base,), call.place, of=Formula(before.base, made))
    return Seen(value, tensor.axes)


KNOWN: tuple[tuple[Layer, Expr], ...] = tuple(
    (layer, FUNCTIONS[name].definition.xreplace({FUNCTIONS[name].parameters[0]: Z}))
    for layer, name in ((GELU("tanh"), "gelu_tanh"), (GELU(), "gelu"), (SiLU(), "silu"))
)
"""Layers that models also write out, with their formulas."""
_POINTS = tuple(Rational(point, 7) for point in (-12, -5, 3, 11))


def layer_of(body: Expr, names: dict[Expr, str]) -> Layer:
    """Return the layer that a formula is; one that is none has a name of its own, `phi`, `phi2`, ..., in `names`."""
    if body == Z:
        raise ValueError("a formula that is its variable is no layer")
    for layer, known in KNOWN:
        away = (float((body - known).subs(Z, point).evalf(30)) for point in _POINTS)
        if all(abs(each) < 1e-13 for each in away):
            return layer
    name = names.setdefault(body, f"phi{len(names) + 1}" if names else "phi")
    return Activation(body.xreplace({Z: Symbol("z", real=True)}), name)


def softplus(beta: float = 1, threshold: float = 20) -> Elementwise | Expr:
    return Softplus() if beta == 1 else sympy.log(1 + sympy.exp(number(beta) * Z)) / number(beta)


def elu(alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Elementwise | Expr:
    if scale == input_scale == 1:
        return ELU(alpha)
    inside = number(input_scale) * Z
    return number(scale) * sympy.Piecewise((inside, Z > 0), (number(alpha) * (sympy.exp(inside) - 1), True))


def clamp(least: float | None = None, most: float | None = None) -> Expr:
    below = [] if least is None else [(number(least), number(least) >= Z)]
    above = [] if most is None else [(number(most), number(most) <= Z)]
    return sympy.Piecewise(*below, *above, (Z, True))


def power(exponent: float) -> Expr:
    return Z ** number(int(exponent) if exponent == int(exponent) else exponent)


_SIXTH = sympy.Piecewise((0, Z <= -3), (1, Z >= 3), ((Z + 3) / 6, True))
_SELU = (1.0507009873554804934193349852946, 1.6732632423543772848170429916717)
ELEMENTWISE: dict[str, Callable[..., Elementwise | Expr]] = {
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "silu": SiLU,
    "gelu": lambda *, approximate="none": GELU(approximate),
    "leaky_relu": lambda slope=0.01: LeakyReLU(slope),
    "elu": elu,
    "softplus": softplus,
    "selu": lambda: elu(_SELU[1], _SELU[0]),
    "threshold": lambda least, value: sympy.Piecewise((Z, number(least) < Z), (number(value), True)),
    "hardshrink": lambda width=0.5: sympy.Piecewise((Z, sympy.Abs(Z) > number(width)), (0, True)),
    "celu": lambda alpha=1.0: ELU(1) if alpha == 1 else elu(alpha, 1, 1 / alpha),
    "relu6": lambda: clamp(0, 6),
    "hardtanh": lambda least=-1, most=1: clamp(least, most),
    "clamp": clamp,
    "clamp_min": clamp,
    "clamp_max": lambda most: clamp(None, most),
    "hardsigmoid": lambda: _SIXTH,
    "hardswish": lambda: Z * _SIXTH,
    "mish": lambda: Z * sympy.tanh(sympy.log(1 + sympy.exp(Z))),
    "log_sigmoid": lambda: -sympy.log(1 + sympy.exp(-Z)),
    "exp": lambda: sympy.exp(Z),
    "expm1": lambda: sympy.exp(Z) - 1,
    "log": lambda: sympy.log(Z),
    "log1p": lambda: sympy.log(1 + Z),
    "sqrt": lambda: sympy.sqrt(Z),
    "rsqrt": lambda: 1 / sympy.sqrt(Z),
    "square": lambda: Z**2,
    "reciprocal": lambda: 1 / Z,
    "neg": lambda: -Z,
    "abs": lambda: sympy.Abs(Z),
    "sin": lambda: sympy.sin(Z),
    "cos": lambda: sympy.cos(Z),
    "erf": lambda: sympy.erf(Z),
    "pow": power,
    "rsub": lambda other, alpha=1: number(other) - number(alpha) * Z,
}
"""Operators of one array, by name: the layer or the formula in `Z` that they are, of their further arguments."""


def elementwise(reading: Reading, call: Call, tensor: Seen, *options: Any, **named: Any) -> Seen:
    """Return a tensor through an elementwise operator."""
    made = ELEMENTWISE[call.operator](*options, **named)
    if isinstance(made, Expr):
        return formula(reading, call, tensor, made)
    if isinstance(tensor.value.of, Formula):  # a part of a longer formula, as the tanh in a GELU that is written out
        function = made.function
        return formula(reading, call, tensor, function.body.xreplace({function.parameters[0]: Z}))
    return reading.after(call, tensor, made)


def softmax(reading: Reading, call: Call, tensor: Seen, dim: int, *_: Any, **__: Any) -> Seen:
    """Return the softmax along the features."""
    inside, _places = reading.features(call, tensor, dim)
    return reading.after(call, inside, Softmax())


def log_softmax(reading: Reading, call: Call, tensor: Seen, dim: int, *_: Any, **__: Any) -> Seen:
    """Return the logarithm of the softmax along the features."""
    inside, _places = reading.features(call, tensor, dim)
    return reading.after(call, inside, Activation("z - logsumexp(z)", "log_p"))
