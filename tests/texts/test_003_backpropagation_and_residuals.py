"""Text 003: backpropagation in ReLU networks, modes of differentiation, He initialisation, paths of residual blocks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from sympy import Rational

import symprop
from symprop.algebra.defined import T, plain
from symprop.algebra.equations import Equation
from symprop.algebra.functions import FUNCTIONS, ElementwiseFunction, leaky_relu
from symprop.analysis.gaussian import numeric, pieces, quadrature
from symprop.analysis.modes import Modes, modes
from symprop.analysis.paths import Expansion, paths
from symprop.analysis.signal import initialisation
from symprop.errors import FormulaError, LimitError, SpecError
from tests.rounding import assert_off, assert_rounded, bound, exact
from tests.rounding_of_formulas import counted_values, slopes_of

N_IN, N_OUT = sympy.symbols("n_in n_out", integer=True, positive=True)
RELU_NETWORK = "Input(n0) >> Dense(n1) >> ReLU() >> Dense(n2) >> ReLU() >> Dense(n3) >> MeanSquaredError()"


def test_the_two_kinds_of_jacobian_of_a_relu_network() -> None:
    derivation = symprop.derive(RELU_NETWORK)
    assert derivation.jacobian("z2", "a1").text() == "W2"  # df_k / dh_k = W
    assert derivation.jacobian("a1", "z1").text() == "diag(z1 > 0)"  # dh_(k+1) / df_k is diagonal
    assert derivation.jacobian("z3", "x").text() == "W3 @ diag(z2 > 0) @ W2 @ diag(z1 > 0) @ W1"


def test_the_backward_pass_of_a_relu_network() -> None:
    derivation = symprop.derive(RELU_NETWORK)
    assert derivation.delta(2).text() == "(W3.T @ delta3) * (z2 > 0)"  # (dl/df_k)' W_k * I(f_(k-1) > 0), as a column
    assert derivation.gradient("b2").text() == "delta2"
    assert derivation.gradient("W2").text() == "outer(delta2, a1)"


def relu_layer() -> Modes:
    system = symprop.parse_network("Input(5) >> Dense(3, bias=False) >> ReLU()").system()
    return modes(system, system.output, system.inputs[0])


def test_the_forward_mode_example(in_complex: Callable[..., Any], random: np.random.Generator) -> None:
    """The text's example for JAX: `jvp = dh_dz @ dz_dx @ r`, in NumPy."""
    found = relu_layer()
    assert [equation.pretty() for equation in found.tangents] == ["ż₁ = W₁ ẋ", "ȧ₁ = ż₁ ⊙ 1[z₁ > 0]"]
    assert [equation.text() for equation in found.tangents] == ["dot_z1 = W1 @ dot_x", "dot_a1 = dot_z1 * (z1 > 0)"]
    W, x, r = random.standard_normal((3, 5)), random.standard_normal(5), random.standard_normal(5)
    dh_dz = np.diag(np.where(W @ x > 0, 1.0, 0.0))
    dz_dx = W
    jvp = dh_dz @ exact(dz_dx) @ exact(r)
    values = in_complex(found.tangents, {"W1": W, "z1": W @ x, "dot_x": r})
    assert_rounded(values["dot_a1"], jvp)
    assert [link.jacobian.text() for link in found.links] == ["W1", "diag(z1 > 0)"]


def test_the_reverse_mode_example(in_complex: Callable[..., Any], random: np.random.Generator) -> None:
    """The text's example for PyTorch: `vjp = v @ dh_dz @ dz_dx`, in NumPy.

    The text compares with `x.grad` but never calls `h.backward(v)`, so its last line would fail; the formula is right.
    """
    found = relu_layer()
    assert [equation.text() for equation in found.cotangents] == ["bar_z1 = bar_a1 * (z1 > 0)", "bar_x = W1.T @ bar_z1"]
    W, x, v = random.standard_normal((3, 5)), random.standard_normal(5), random.standard_normal(3)
    dh_dz = np.diag(np.where(W @ x > 0, 1.0, 0.0))
    dz_dx = W
    vjp = exact(v) @ dh_dz @ exact(dz_dx)
    values = in_complex(found.cotangents, {"W1": W, "z1": W @ x, "bar_a1": v})
    assert_rounded(values["bar_x"], vjp)


def three_jacobians(network: str = RELU_NETWORK) -> Modes:
    """The chain of the text: df2/dx = df2/df1 df1/df0 df0/dx (its f_k are our z1, z2, z3)."""
    system = symprop.parse_network(network).system()
    names = {equation.name: equation.target for equation in system.equations}
    return modes(system, names["z3"], system.inputs[0], through=[names["z1"], names["z2"]])


def test_the_cost_of_each_order_is_a_polynomial() -> None:
    n0, n1, n2, n3 = sympy.symbols("n0 n1 n2 n3", integer=True, positive=True)
    found = three_jacobians()
    assert [link.jacobian.text() for link in found.links] == ["W1", "W2 @ diag(z1 > 0)", "W3 @ diag(z2 > 0)"]
    assert [(order.text(), order.names) for order in found.orders] == [
        ("J3 @ (J2 @ J1)", ("forward",)),
        ("(J3 @ J2) @ J1", ("reverse",)),
    ]
    assert found.order("forward").cost == sympy.expand(n2 * n0 * (2 * n1 - 1) + n3 * n0 * (2 * n2 - 1))
    assert found.order("reverse").cost == sympy.expand(n3 * n1 * (2 * n2 - 1) + n3 * n0 * (2 * n1 - 1))
    # a whole pass for each column or row: the matrix-vector products, and the indicators
    assert sympy.Poly(found.forward_mode, n0, n1, n2, n3).coeff_monomial(n0**2 * n1) == 2
    assert sympy.Poly(found.reverse_mode, n0, n1, n2, n3).coeff_monomial(n3**2 * n2) == 2


def test_the_cheaper_mode_is_named_with_its_condition() -> None:
    # "Forward-mode is useful if m >> n": with hidden layers of equal width exactly when n0 < n3
    n0, n3 = sympy.symbols("n0 n3", integer=True, positive=True)
    network = RELU_NETWORK.replace("n1", "n").replace("n2", "n")
    name, condition = three_jacobians(network).cheaper()
    assert name == "depends"
    assert condition == sympy.Lt(n0, n3)
    assert "forward is cheaper when n0 < n3" in three_jacobians(network).text()


def test_a_scalar_loss_makes_reverse_mode_the_cheaper() -> None:
    network = "Input(n) >> Dense(n) >> Tanh() >> Dense(n) >> Tanh() >> Dense(1) >> MeanSquaredError()"
    assert three_jacobians(network).cheaper() == ("reverse", sympy.false)
    sizes = "Input(64) >> Dense(32) >> ReLU() >> Dense(32) >> ReLU() >> Dense(1) >> MeanSquaredError()"
    numbers = three_jacobians(sizes)
    assert numbers.cheaper() == ("reverse", sympy.false)
    assert "reverse" in numbers.best_order().names


def test_the_best_order_of_numbers_is_the_cheapest_of_all() -> None:
    system = symprop.parse_network(
        "Input(9) >> Dense(2) >> Tanh() >> Dense(8) >> Tanh() >> Dense(3) >> Tanh() >> Dense(7)"
    ).system()
    found = modes(system, system.output, system.inputs[0])
    assert len(found.orders) == 132  # seven factors: the sixth Catalan number
    cheapest = min(int(order.cost) for order in found.orders)
    assert int(found.order("best").cost) == cheapest
    assert cheapest < min(int(found.order(name).cost) for name in ("forward", "reverse"))


def test_modes_refuse_what_has_no_way() -> None:
    system = symprop.parse_network(RELU_NETWORK).system()
    with pytest.raises(SpecError, match="does not depend"):
        modes(system, system.inputs[0], system.output)
    with pytest.raises(SpecError, match="between vectors"):
        modes(system, system.output, system.parameters[0])


def test_he_initialisation_is_derived_for_relu() -> None:
    found = initialisation(FUNCTIONS["relu"], N_IN, N_OUT)
    assert (found.forward_gain, found.backward_gain, found.exact) == (Rational(1, 2), Rational(1, 2), True)
    assert (found.forward, found.backward) == (2 / N_IN, 2 / N_OUT)
    assert sympy.simplify(found.average - (1 / N_IN + 1 / N_OUT)) == 0  # "one approach is to average them"
    assert found.harmonic == 4 / (N_IN + N_OUT)


def test_the_steps_of_the_derivation_are_those_of_the_text() -> None:
    found = initialisation(FUNCTIONS["relu"], N_IN, N_OUT)
    steps = {step.rule: str(step.after) for step in found.steps}
    assert steps["weights of mean 0"] == "0"
    assert steps["E[W_i W_j] = 0 but for i = j"] == "Sum(sigma_w**2*E(H[i]**2), (i, 1, n_in))"
    assert steps["law of total expectation"] == "E(X[i]**2 | X[i] > 0)*P(X[i] > 0)"
    assert steps["both sides alike"] == "sigma_x**2/2"
    assert steps["variance of the output"] == "n_in*sigma_w**2*sigma_x**2/2"
    assert steps["keep the variance of the signal"] == "2/n_in"
    assert steps["keep the variance of the gradient"] == "2/n_out"
    assert "X is normal with mean 0" not in found.facts  # symmetry about 0 is all that the text, and ReLU, need
    for fact in ("E[W_i] = 0", "X is symmetric about 0", "the weights are independent of each other and of the inputs"):
        assert fact in found.facts


def test_the_derivation_of_he_prints_as_text_and_latex() -> None:
    found = initialisation(FUNCTIONS["relu"], N_IN, N_OUT)
    assert "forward   sigma_w**2 = 2/n_in" in found.text().splitlines()
    assert r"E{\left({X}_{i}^{2} \mid {X}_{i} > 0\right)}" in found.latex()
    assert found.latex().count("&&") == len(found.steps) + 4
    assert r"\text{E[W\_i W\_j] = 0 but for i = j}" in found.latex()


def test_xavier_is_the_case_of_gains_of_one() -> None:
    found = initialisation(ElementwiseFunction("identity", (T,), T), N_IN, N_OUT)
    assert (found.forward_gain, found.backward_gain) == (1, 1)
    assert found.harmonic == 2 / (N_IN + N_OUT)


def test_leaky_relu_keeps_its_slope_as_a_symbol() -> None:
    slope = sympy.Symbol("alpha", positive=True)
    found = initialisation(leaky_relu(slope), N_IN, N_OUT)
    assert sympy.simplify(found.forward - 2 / (N_IN * (1 + slope**2))) == 0  # He et al., 2015, equation 15


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "gelu", "tanh", "sigmoid", "softplus", "silu", "abs"])
def test_gains_agree_with_a_quadrature_of_another_kind(name: str) -> None:
    function = FUNCTIONS[name]
    found = initialisation(function)
    slope = sympy.diff(function.body, T)
    for gain, body in ((found.forward_gain, function.body), (found.backward_gain, slope)):
        assert abs(sympy.N(gain, 30) - quadrature(body**2)) < sympy.Float("1e-28", 30)
        # steps of h = 0.012: what is left out is h**4 / 720 times third derivatives of about 1, and beyond 12 exp(-72)
        assert abs(float(gain) - _by_trapezoids(body)) < 1e-9


def _by_trapezoids(body: sympy.Expr) -> float:
    """`E[body(Z)**2]` by trapezoids between the kinks, with the correction of Euler and Maclaurin."""
    total = 0.0
    for piece in pieces(plain(body)):
        points = np.linspace(max(float(piece.low), -12.0), min(float(piece.high), 12.0), 2001)
        values = np.array([float(numeric(piece.body, mpmath.mpf(point))) for point in points])
        weighted = values**2 * np.exp(-(points**2) / 2) / np.sqrt(2 * np.pi)
        slopes, step = np.gradient(weighted, points, edge_order=2), points[1] - points[0]
        total += float(np.trapezoid(weighted, points) - step**2 / 12 * (slopes[-1] - slopes[0]))
    return total


def test_an_activation_that_loses_the_signal_is_refused() -> None:
    with pytest.raises(FormulaError, match="flat or zero"):
        initialisation(ElementwiseFunction("step", (T,), sympy.Piecewise((1, T > 0), (0, True))))
    with pytest.raises(FormulaError, match="not finite"):
        initialisation(ElementwiseFunction("blow", (T,), sympy.exp(T**2)))


def residual_network(blocks: int, width: int | str) -> str:
    return f"Input({width}) >> " + " >> ".join([f"Residual(Dense({width}) >> Tanh())"] * blocks)


def test_four_residual_blocks_have_the_eight_paths_of_the_text() -> None:
    system = symprop.parse_network(residual_network(4, "n")).system()
    assert [equation.text() for equation in system.equations if equation.target.letter == "a"] == [
        "a1 = f1 + x",
        "a2 = f2 + a1",
        "a3 = f3 + a2",
        "a4 = f4 + a3",
    ]
    found = paths(system)
    assert len(found.paths) == 8
    assert found.text() == (
        "I + df2/df1 + (df3/df1 + df3/df2 df2/df1)"
        " + (df4/df1 + df4/df2 df2/df1 + df4/df3 df3/df1 + df4/df3 df3/df2 df2/df1)"
    )
    assert found.pretty().startswith("I + ∂f₂/∂f₁ + (∂f₃/∂f₁ + ∂f₃/∂f₂ ∂f₂/∂f₁) + (")
    assert found.latex().startswith(r"\mathbf{I} + \frac{\partial f_2}{\partial f_1} + \left( \frac{\partial f_3}")
    assert found.matrix((3, 1)).text() == "diag(1 - f4 * f4) @ W4 @ diag(1 - f2 * f2) @ W2"


@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 5])
def test_the_sum_over_paths_is_the_jacobian(
    blocks: int, in_complex: Callable[..., Any], random: np.random.Generator
) -> None:
    system = symprop.parse_network(residual_network(blocks, 3)).system()
    expansion: Expansion = paths(system)
    assert len(expansion.paths) == 2 ** (blocks - 1)
    given = {p.name: random.normal(size=tuple(map(int, p.shape))) for p in (*system.parameters, *system.inputs)}
    results = [
        Equation(symprop.variable(name, (3, 3)), node)
        for name, node in (("expanded", expansion.expanded()), ("factored", expansion.factored()))
    ]
    values = in_complex(system.equations, given)
    given["f1"] = values["f1"].real
    after_first = [equation for equation in system.equations if equation.name != "f1"]
    truth, off = slopes_of(after_first, f"a{blocks}", "f1", given)
    found = counted_values([*after_first, *results], given)
    for name in ("expanded", "factored"):
        assert_off(found[name].astype(float), truth, bound(found[name]) + off)


def test_each_group_ends_in_its_block() -> None:
    found = paths(symprop.parse_network(residual_network(5, "n")).system())
    assert [len(group) for group in found.groups()] == [1, 1, 2, 4, 8]
    for path in found.paths:
        assert all(later > earlier for later, earlier in pairwise(path))


def test_too_many_blocks_and_none_are_refused() -> None:
    with pytest.raises(LimitError, match="allowed: 12 blocks"):
        paths(symprop.parse_network(residual_network(13, 2)).system())
    with pytest.raises(SpecError, match="no residual block"):
        paths(symprop.parse_network("Input(2) >> Dense(2) >> Tanh()").system())
