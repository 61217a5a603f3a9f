"""The interpreter: against NumPy, between its two arithmetics, its functions against mpmath off the real axis."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

from symprop.algebra import nodes as n
from symprop.algebra import variable
from symprop.algebra.defined import sigmoid, softplus
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Node
from symprop.algebra.trees import variables
from symprop.verify.arithmetic import Complex
from symprop.verify.evaluate import Evaluator, complex_value, precise_value, stacked
from tests.rounding import FUNCTION, UNIT, assert_off, bound
from tests.rounding_of_formulas import counted
from tests.samples import IDS, WITH_ELEMENTS

H = 2.0**-333


def drawn(node: Node, random: np.random.Generator) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for leaf in variables(node):
        shape = tuple(int(size) for size in leaf.shape)
        values[leaf.name] = random.uniform(0.1, 0.9, shape) if leaf.facts else random.standard_normal(shape)
    return {name: np.asarray(IDS.get(name, value)) for name, value in values.items()}


@pytest.mark.parametrize("kind", WITH_ELEMENTS)
def test_both_arithmetics_agree(kind: type[Node], random: np.random.Generator) -> None:
    for node in WITH_ELEMENTS[kind]:
        values = drawn(node, random)
        found, precise = complex_value(node, values), precise_value(node, values)
        assert found.shape == precise.shape == tuple(node.shape)
        assert_off(found, precise.astype(float), bound(counted(node, values)))


@pytest.mark.parametrize("kind", WITH_ELEMENTS)
def test_a_stack_is_the_same_as_one_by_one(kind: type[Node], random: np.random.Generator) -> None:
    arithmetic = Complex()
    for node in WITH_ELEMENTS[kind]:
        singles = [drawn(node, random) for _ in range(3)]
        for name in IDS:
            if name in singles[0]:
                singles[1][name] = singles[2][name] = singles[0][name]
        stack = {
            name: stacked({name: value}, arithmetic)[name]
            if name in IDS
            else np.stack([arithmetic.array(single[name]) for single in singles])
            for name, value in singles[0].items()
        }
        together = Evaluator(arithmetic, stack)(node)
        for number, single in enumerate(singles if len(together) > 1 else singles[:1]):
            assert_off(together[number], complex_value(node, single), 2 * bound(counted(node, single)))


@pytest.mark.parametrize("name", ["tanh", "erf", "sigmoid", "softplus", "gelu", "silu", "exp", "arctan", "sinh", "elu"])
@pytest.mark.parametrize("at", [-30.0, -6.5, -2.0, -0.3, 1e-8, 0.4, 3.0, 5.9, 12.0])
def test_the_complex_step_of_a_function_is_its_derivative(name: str, at: float) -> None:
    function = FUNCTIONS[name]
    found = Complex().scalar(function.body, {function.parameters[0]: np.asarray([at + 1j * H])})[0]
    with mpmath.workdps(60):
        value = sympy.lambdify(function.parameters[0], function.definition, "mpmath")
        true, slope = value(mpmath.mpf(at)), mpmath.diff(value, mpmath.mpf(at), h=mpmath.mpf("1e-20"))
        cancels = 1.0 if name == "gelu" else 0.0  # as `1 + erf` does far on the left
        # four functions and what is between them; a slope such as exp(-t**2) has the error of its argument beside
        few = 4 * FUNCTION * UNIT["float64"]
        assert abs(found.real - true) <= few * max(abs(true), cancels)
        assert abs(found.imag / H - slope) <= few * (1 + at**2) * max(abs(slope), cancels)


@pytest.mark.parametrize("at", [-1000.0, -40.0, 40.0, 1000.0])
def test_nothing_overflows_far_out(at: float) -> None:
    t = FUNCTIONS["sigmoid"].parameters[0]
    with np.errstate(all="raise", under="ignore"):
        for body in (sigmoid(t), softplus(t)):
            assert np.isfinite(Complex().scalar(body, {t: np.asarray([at + 1j * H])})).all()
    u = variable("u", (2,))
    assert np.isfinite(complex_value(n.Softmax(u), {"u": [at, -at]})).all()
    assert complex_value(n.LogSumExp(u), {"u": [at, -at]}).real == 1000.0 if abs(at) == 1000 else True


def test_decisions_look_at_real_parts() -> None:
    u = variable("u", (3,))
    moved = {"u": np.asarray([[-1 + 1j * H, 0 + 1j * H, 2 + 1j * H]])}
    slopes = Evaluator(Complex(), moved)(FUNCTIONS["relu"](u)).imag / H
    assert slopes.tolist() == [[0.0, 0.0, 1.0]]
    slopes = Evaluator(Complex(), moved)(FUNCTIONS["abs"](u)).imag / H
    assert slopes[0, [0, 2]].tolist() == [-1.0, 1.0]


def test_the_logarithm_of_a_negative_number_is_not_a_number() -> None:
    u = variable("u", (2,))
    for node in (FUNCTIONS["log"](u), n.Power(u, sympy.Rational(1, 2))):
        assert np.isnan(complex_value(node, {"u": [-1.0, 4.0]})).tolist() == [True, False]
        assert [mpmath.isnan(value) for value in precise_value(node, {"u": [-1.0, 4.0]})] == [True, False]


def test_an_unfinished_pullback_is_right_to_fifty_digits(random: np.random.Generator) -> None:
    W, x, g = variable("W", (2, 3)), variable("x", (3,)), variable("g", (2,))
    values = {"W": random.standard_normal((2, 3)), "x": random.standard_normal(3), "g": random.standard_normal(2)}
    tanh = FUNCTIONS["tanh"](W @ x)
    found = precise_value(n.Pullback(g, tanh, W), values)
    true = precise_value(n.Outer(g * (1 - tanh * tanh), x), values)
    assert all(abs(a - b) < mpmath.mpf("1e-50") for a, b in zip(found.ravel(), true.ravel(), strict=True))
    wrong = precise_value(n.Outer(g * (1 - tanh), x), values)
    assert all(abs(a - b) > 1e-3 for a, b in zip(wrong.ravel(), true.ravel(), strict=True))


def test_a_pullback_by_a_formula_and_inside_a_pullback(random: np.random.Generator) -> None:
    x, g = variable("x", (2,)), variable("g", (2,))
    values = {"x": random.standard_normal(2), "g": random.standard_normal(2)}
    tanh, exp = FUNCTIONS["tanh"], FUNCTIONS["exp"]
    nested = n.Pullback(n.Pullback(g, exp(tanh(x)), tanh(x)), tanh(x), x)
    whole = n.Pullback(g, exp(tanh(x)), x)
    pairs = zip(precise_value(nested, values), precise_value(whole, values), strict=True)
    assert all(abs(a - b) < mpmath.mpf("1e-50") for a, b in pairs)
