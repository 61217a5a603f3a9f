"""Initialisers against samples and fans, optimisers against updates worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from symprop.algebra import Equation, variable
from symprop.algebra.elements import elements
from symprop.errors import SpecError
from symprop.networks import Dense
from symprop.networks.initialisers import FAN_IN, FAN_OUT, INITIALISERS
from symprop.networks.optimisers import OPTIMISERS, STEP, clipping
from tests.rounding import assert_rounded, exact


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("xavier_uniform", 2 / sympy.Integer(50)),
        ("xavier_normal", 2 / sympy.Integer(50)),
        ("he_uniform", 2 / sympy.Integer(30)),
        ("he_normal", 2 / sympy.Integer(30)),
        ("normal", 1),
        ("zeros", 0),
    ],
)
def test_variance(name: str, variance: sympy.Expr) -> None:
    row = INITIALISERS[name]
    assert row.at(row.variance, 30, 20) == variance


def test_the_bound_follows_from_the_variance() -> None:
    t = sympy.Symbol("t", real=True)
    for name in ("xavier_uniform", "he_uniform"):
        row = INITIALISERS[name]
        c = row.bound
        assert sympy.simplify(sympy.integrate(t**2, (t, -c, c)) / (2 * c) - row.variance) == 0
        assert row.scale == c
    assert sympy.simplify(INITIALISERS["xavier_uniform"].bound - sympy.sqrt(6 / (FAN_IN + FAN_OUT))) == 0
    assert INITIALISERS["he_normal"].scale == sympy.sqrt(2 / FAN_IN)


def test_unknown_initialiser() -> None:
    with pytest.raises(SpecError, match=r"did you mean 'he_normal'"):
        Dense(3, initialiser="he_norml")
    with pytest.raises(SpecError, match="unknown initialiser"):
        Dense(3, initialiser=3)  # type: ignore[arg-type]


def run(equations: tuple[Equation, ...], values: dict[str, list[float]], step: int = 1) -> dict[str, list[float]]:
    """Carry out updates one after the other on lists of numbers."""
    values = dict(values)
    n = {sympy.Symbol("n", integer=True, positive=True): sympy.Integer(2), STEP: sympy.Integer(step)}
    for equation in equations:
        expression = equation.expression.xreplace(n)
        known = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
        arrays = {name: value if len(value) > 1 else value[0] for name, value in known.items()}
        values[equation.name] = [float(part) for part in elements(expression, arrays).ravel()]
    return values


def defaults(name: str) -> dict[str, list[float]]:
    return {part.name: [part.default] for part in OPTIMISERS[name].hyperparameters}


def test_sgd() -> None:
    after = run(OPTIMISERS["sgd"].equations, {"w": [1.0, 2.0], "g": [3.0, -4.0], "lr": [0.1]})
    assert_rounded(after["w"], exact([1, 2]) - 0.1 * exact([3, -4]))


def test_momentum() -> None:
    values = {"w": [1.0, 2.0], "g": [3.0, -4.0], "v": [1.0, 1.0], "lr": [0.1], "momentum": [0.5]}
    after = run(OPTIMISERS["momentum"].equations, values)
    assert after["v"] == [3.5, -3.5]
    assert_rounded(after["w"], exact([1, 2]) - 0.1 * exact([3.5, -3.5]))


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adam_for_three_steps(name: str) -> None:
    values = {"w": [1.0, 2.0], "v": [0.0, 0.0], "s": [0.0, 0.0], **defaults(name)}
    w, v, s = exact([1, 2]), exact([0, 0]), exact([0, 0])
    for step, gradient in enumerate(([3.0, -4.0], [0.5, 2.0], [-1.0, 0.0]), start=1):
        values = run(OPTIMISERS[name].equations, {**values, "g": gradient}, step)
        for k, g in enumerate(gradient):
            v[k] = 0.9 * v[k] + 0.1 * g
            s[k] = 0.999 * s[k] + 0.001 * g * g
            direction = v[k] / (1 - 0.9**step) / (np.sqrt(s[k] / (1 - 0.999**step)) + 1e-8)
            w[k] -= 0.001 * (direction + (0.01 * w[k] if name == "adamw" else 0))
        assert_rounded(values["w"], w)
    assert OPTIMISERS[name].counts_steps and not OPTIMISERS["sgd"].counts_steps


def test_clipping() -> None:
    W, b = variable("W1", (2,)), variable("b1", (2,))
    equations = clipping([W, b])
    values = {"dW1": [3.0, 0.0], "db1": [0.0, 4.0]}
    assert run(equations, {**values, "max_norm": [10.0]})["dW1"] == [3.0, 0.0]  # below the limit: unchanged
    after = run(equations, {**values, "max_norm": [1.0]})
    assert_rounded(after["dW1"] + after["db1"], exact([3, 0, 0, 4]) / np.sqrt(exact([25])[0]))
    zero = run(equations, {"dW1": [0.0, 0.0], "db1": [0.0, 0.0], "max_norm": [1.0]})
    assert zero["scale"] == [1.0] and zero["dW1"] == [0.0, 0.0]  # no division by zero
    assert [equation.name for equation in clipping([W])] == ["norm", "scale", "dW1"]
