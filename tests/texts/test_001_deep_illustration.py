"""Text 001: a deep illustration of backpropagation. General L, a worked 2-2-1 example, batches, cost and memory."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

import symprop
from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Loop
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.trees import replace
from symprop.analysis.cost import leading
from symprop.calculus.elementwise import derivative
from symprop.calculus.tidy import tidy
from tests.rounding import assert_rounded, exact
from tests.rounding_of_formulas import counted_values

EXAMPLE = "Input(2) >> Dense(2) >> Sigmoid() >> Dense(1) >> MeanSquaredError()"
GIVEN: dict[str, Any] = {
    "x": ["1", "2"],
    "W1": [["0.1", "-0.2"], ["0.4", "0.3"]],
    "b1": ["0.0", "0.1"],
    "W2": [["0.2", "-0.5"]],
    "b2": ["0.0"],
    "y": ["1.0"],
}


def printed(value: Any, text: str) -> bool:
    """Whether `value`, rounded to the digits of `text`, is what the text prints."""
    places = len(text.partition(".")[2])
    with mpmath.workdps(50):
        return bool(abs(mpmath.mpf(value) - mpmath.mpf(text)) <= mpmath.mpf(10) ** -places / 2)


def test_the_delta_recurrence_for_general_l() -> None:
    derivation = symprop.derive("Input(n) >> Repeat(Dense(n) >> Tanh(), L) >> MeanSquaredError()")
    [loop] = [item for item in derivation.backward if isinstance(item, Loop)]
    assert [equation.text() for equation in (*loop.base, *loop.equations)] == [
        "delta[L] = (a[L] - y) * (1 - a[L] * a[L])",
        "delta[l] = (W[l + 1].T @ delta[l + 1]) * (1 - a[l] * a[l])",
        "dW[l] = outer(delta[l], a[l - 1])",
        "db[l] = delta[l]",
    ]


@pytest.mark.parametrize(
    ("activation", "slope"),
    [("Sigmoid()", "a1 * (1 - a1)"), ("Tanh()", "(1 - a1 * a1)"), ("ReLU()", "(z1 > 0)"), ("Identity()", None)],
)
def test_the_activation_derivatives(activation: str, slope: str | None) -> None:
    derivation = symprop.derive(f"Input(n0) >> Dense(n1) >> {activation} >> Dense(n2) >> MeanSquaredError()")
    back = "W2.T @ delta2"
    assert derivation.delta(1).text() == (back if slope is None else f"({back}) * {slope}")


def test_the_subgradient_of_relu_at_zero_is_zero() -> None:
    relu = derivative(FUNCTIONS["relu"])
    [t] = FUNCTIONS["relu"].parameters
    assert [relu.subs(t, place) for place in (-1, 0, 1)] == [0, 0, 1]


def test_softmax_with_cross_entropy_simplifies_to_p_minus_y_by_named_steps() -> None:
    derivation = symprop.derive("Input(n) >> Dense(K) >> SoftmaxCrossEntropy()")
    assert derivation.delta(1).text() == "p - y"
    steps = derivation.steps("delta1")
    rules = [step.rule for step in steps]
    for rule in ("elementwise function log", "softmax", "cancel", "sums to one"):
        assert rule in rules
    assert any("the targets sum to 1" in step.facts for step in steps if step.rule == "sums to one")
    assert all(step.after == following.before for step, following in pairwise(steps))
    assert derivation.jacobian("p", "z1").text() == "diag(p) - outer(p, p)"  # the K x K matrix that is avoided


def test_the_mini_batch_in_columns_has_one_over_m() -> None:
    # The text: grad W = (1/m) Delta A'. Our delta is the derivative of the mean loss, so it holds 1/m already.
    network = "Input(n0) >> Dense(n1) >> Tanh() >> Dense(n2) >> SoftmaxCrossEntropy()"
    columns = symprop.derive(network, layout="columns")
    assert columns.gradient("W2").text() == "delta2 @ a1.T"
    assert columns.gradient("b2").text() == "sum(delta2, axis=1)"
    assert columns.delta(2).text() == "(p - y) / m"
    per_example = n.Multiply(n.Scalar(columns.system.batch), columns.delta(2))  # the text's Delta
    written_out = replace(columns.gradient("W2"), {columns.equation("delta2").target: columns.delta(2)})
    texts = n.Multiply(n.Scalar(1 / columns.system.batch), n.MatMul(per_example, columns.variable("a1").T))
    assert tidy(texts) == tidy(written_out)


def test_the_batch_is_the_mean_of_its_examples(in_complex: Callable[..., Any], random: np.random.Generator) -> None:
    network = "Input(3) >> Dense(4) >> Tanh() >> Dense(2) >> MeanSquaredError()"
    single, columns = symprop.derive(network), symprop.derive(network, layout="columns")
    weights = random_values(single, random)
    x, y = random.normal(size=(3, 5)), random.normal(size=(2, 5))
    singles = [counted_values(single.equations, {**weights, "x": x[:, k], "y": y[:, k]}) for k in range(5)]
    backward = [_with_batch(equation, columns.system.batch, 5) for equation in columns.equations]
    batch = in_complex(backward, {**weights, "x": x, "y": y})
    for name in ("L", "dW1", "db1", "dW2", "db2"):
        assert_rounded(batch[name], sum(example[name] for example in singles) / exact(5))


def _with_batch(equation: Equation, batch: sympy.Symbol | None, size: int) -> Equation:
    number = {batch: sympy.Integer(size)}
    return Equation(equation.target.xreplace(number), equation.expression.xreplace(number))


def test_the_dimension_check() -> None:
    derivation = symprop.derive("Input(n0) >> Dense(n1) >> Sigmoid() >> Dense(n2) >> MeanSquaredError()")
    shapes = {equation.name: tuple(map(str, equation.target.shape)) for equation in derivation.equations}
    assert shapes["delta1"] == shapes["z1"] == ("n1",)
    assert shapes["dW1"] == tuple(map(str, derivation.variable("W1").shape)) == ("n1", "n0")
    for equation in derivation.equations:
        assert equation.expression.shape == equation.target.shape


def test_the_worked_example_to_all_its_digits(in_digits: Callable[..., Any]) -> None:
    derivation = symprop.derive(EXAMPLE)
    found = in_digits(derivation.equations, GIVEN)

    exact = [Fraction(1, 10) - Fraction(2, 10) * 2, Fraction(4, 10) + Fraction(3, 10) * 2 + Fraction(1, 10)]
    assert exact == [Fraction(-3, 10), Fraction(11, 10)]
    assert [mpmath.nstr(value, 30) for value in found["z1"]] == ["-0.3", "1.1"]
    assert printed(found["a1"][0], "0.425557483188341")
    assert [printed(value, text) for value, text in zip(found["a1"], ("0.4255575", "0.7502601"), strict=True)] == [
        True
    ] * 2
    assert printed(found["z2"][0], "-0.29001856")
    assert printed(found["L"], "0.8320739376")
    expected = {
        "dW2": [["-0.54897705", "-0.96784946"]],
        "db2": ["-1.2900185562"],
        "delta1": ["-0.0630711517", "0.1208553107"],
        "dW1": [["-0.06307115", "-0.12614230"], ["0.12085531", "0.24171062"]],
        "db1": ["-0.06307115", "0.12085531"],
    }
    for name, texts in expected.items():
        for value, text in zip(np.ravel(found[name]), np.ravel(texts), strict=True):
            assert printed(value, text), (name, mpmath.nstr(value, 15), text)
    back = [mpmath.mpf(weight) * found["delta2"][0] for weight in GIVEN["W2"][0]]
    assert [printed(value, text) for value, text in zip(back, ("-0.25800371", "0.645009278"), strict=True)] == [
        True
    ] * 2


def test_where_the_text_is_off(in_digits: Callable[..., Any]) -> None:
    # The last of the 16 digits that the text gives for sigma(1.1) is a 7; it is a 6 (0.75026010559511760...).
    found = in_digits(symprop.derive(EXAMPLE).equations, GIVEN)
    assert not printed(found["a1"][1], "0.7502601055951177")
    assert printed(found["a1"][1], "0.7502601055951176")
    # e**0.3 is 1.3498588...: the text cuts to 1.349858 where rounding gives 1.349859.
    with mpmath.workdps(50):
        assert not printed(mpmath.exp(mpmath.mpf("0.3")), "1.349858")
        assert printed(mpmath.exp(mpmath.mpf("0.3")), "1.349859")


def test_the_worked_example_against_the_generated_module() -> None:
    module = symprop.compile(EXAMPLE, dtype="float64")
    params = {name: np.array(GIVEN[name], dtype=float) for name in ("W1", "b1", "W2", "b2")}
    loss, gradients = module.loss_and_grads(params, np.array([[1.0, 2.0]]), np.array([[1.0]]))
    assert printed(float(loss), "0.8320739376")
    assert printed(float(gradients["W1"][1, 1]), "0.24171062")


def test_delta_as_a_product_of_jacobians(in_complex: Callable[..., Any], random: np.random.Generator) -> None:
    # The text: delta(l) = (product over k > l of W(k)' diag(phi'(z(k)))) dL/da(L). That product stops at a(l): it is
    # dL/da(l). The factor diag(phi'(z(l))) is missing in the text; with it, the product is the delta of the recurrence.
    derivation = symprop.derive(
        "Input(3) >> Dense(4) >> Sigmoid() >> Dense(5) >> Tanh() >> Dense(2) >> Sigmoid() >> MeanSquaredError()"
    )
    by_a, by_z = derivation.jacobian("a3", "a1"), derivation.jacobian("a3", "z1")
    assert by_a.text() == "diag(a3 * (1 - a3)) @ W3 @ diag(1 - a2 * a2) @ W2"
    assert by_z.text() == f"{by_a.text()} @ diag(a1 * (1 - a1))"
    outward = derivation.variable("a3") - derivation.variable("y")
    text, full = (symprop.variable(name, (4,)) for name in ("text", "full"))
    products = [Equation(text, n.MatMul(by_a.T, outward)), Equation(full, n.MatMul(by_z.T, outward))]
    values = random_values(derivation, random)
    found = in_complex([*derivation.equations, *products], values)
    rounded = counted_values([*derivation.equations, *products], values)
    assert_rounded(found["full"], rounded["delta1"])
    assert not np.allclose(found["text"], found["delta1"], rtol=1e-2)
    assert_rounded(found["delta1"], rounded["text"] * rounded["a1"] * (1 - rounded["a1"]))


def random_values(derivation: symprop.Derivation, random: np.random.Generator) -> dict[str, Any]:
    system = derivation.system
    given = (*system.parameters, *system.inputs, *system.targets)
    return {variable.name: random.normal(size=tuple(map(int, variable.shape))) for variable in given}


def test_cost_and_memory_of_a_network_as_polynomials() -> None:
    n0, n1, n2 = sympy.symbols("n0 n1 n2", integer=True, positive=True)
    found = symprop.derive("Input(n0) >> Dense(n1) >> Tanh() >> Dense(n2) >> MeanSquaredError()").cost()
    # forward: n p (2 k - 1) for W a, n for + b: 2 n p; a1: n1; the loss n2 differences, n2 squares, n2 - 1 sums, 1 half
    assert found.forward.total == sympy.expand(2 * n0 * n1 + 2 * n1 * n2 + n1 + 3 * n2)
    # backward: delta2 n2; dW2 n1 n2; W2' delta2 n1 (2 n2 - 1); 1 - a1 a1 2 n1; their product n1; dW1 n0 n1
    assert found.backward.total == sympy.expand(n2 + n1 * n2 + n1 * (2 * n2 - 1) + 3 * n1 + n0 * n1)
    assert found.leading == 3 * n0 * n1 + 5 * n1 * n2  # O(sum of n_l n_(l-1))
    assert dict(found.stored) == {"x": n0, "y": n2, "a1": n1, "z2": n2}
    assert found.parameters == found.gradients == sympy.expand(n1 * (n0 + 1) + n2 * (n1 + 1))


def test_cost_of_a_batch_is_m_times_that_of_an_example_to_leading_order() -> None:
    network = "Input(n0) >> Dense(n1) >> Tanh() >> Dense(n2) >> MeanSquaredError()"
    single, batch = symprop.derive(network).cost(), symprop.derive(network, layout="rows").cost()
    m = symprop.derive(network, layout="rows").system.batch
    n0, n1, n2 = sympy.symbols("n0 n1 n2", integer=True, positive=True)
    # an outer product has no sums; with a batch each of its elements is a sum over the examples
    assert sympy.expand(batch.leading - m * single.leading) == sympy.expand(m * (n0 * n1 + n1 * n2))
    assert sympy.expand(batch.activations - m * single.activations) == 0


def test_cost_of_general_l_is_a_sum_over_layers() -> None:
    big_l, n_ = sympy.Symbol("L", integer=True, positive=True), sympy.Symbol("n", integer=True, positive=True)
    found = symprop.derive("Input(n) >> Repeat(Dense(n) >> Tanh(), L) >> MeanSquaredError()").cost()
    assert found.leading == 5 * big_l * n_**2
    for layers in (1, 2, 5):
        unrolled = symprop.derive(f"Input(n) >> Repeat(Dense(n) >> Tanh(), {layers}) >> MeanSquaredError()").cost()
        assert sympy.expand(found.total.subs(big_l, layers) - unrolled.total) == 0
        assert sympy.expand(found.memory.subs(big_l, layers) - unrolled.memory) == 0


def test_cost_of_general_l_with_a_width_for_each_layer() -> None:
    # "a forward + backward pass costs O(sum of n_l n_(l-1))", "memory is roughly O(sum of n_l)": here exactly
    found = symprop.derive("Input(n_0) >> Repeat(Dense(n_l) >> Tanh(), L) >> MeanSquaredError()").cost()
    [product] = found.leading.atoms(sympy.Sum)
    width = next(factor.func for factor in product.function.args)
    assert found.leading == 5 * product
    assert sympy.expand(product.function - width(product.limits[0][0]) * width(product.limits[0][0] - 1)) == 0
    assert str(leading(found.activations)).endswith("Sum(n(l), (l, 1, L))")
    unrolled = symprop.derive(
        "Input(n_0) >> Dense(n_1) >> Tanh() >> Dense(n_2) >> Tanh() >> Dense(n_3) >> Tanh() >> MeanSquaredError()"
    ).cost()
    for general, counted in ((found.total, unrolled.total), (found.memory, unrolled.memory)):
        loop_count = next(symbol for symbol in general.free_symbols if symbol.name == "L")
        expanded = general.subs(loop_count, 3).doit()
        sizes = expanded.replace(width, lambda layer: sympy.Symbol(f"n_{layer}", integer=True, positive=True))
        # the general network starts from a copy of x, its a0, which costs nothing and is stored in place of x
        assert sympy.expand(sizes - counted) == 0
