"""What the derivation says of whole networks, as a textbook would write it."""

from __future__ import annotations

from itertools import pairwise

import pytest
import sympy

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, Loop, System
from symprop.algebra.names import variable
from symprop.analysis.derivation import derive
from symprop.calculus.walk import derive_system
from symprop.errors import FormulaError, ShapeError, SpecError

RESIDUAL = "Input(64) >> Dense(32) >> Tanh() >> Residual(Dense(32) >> ReLU()) >> Dense(10) >> SoftmaxCrossEntropy()"


def expressions(network: str, layout: str = "example") -> dict[str, str]:
    return {equation.name: equation.expression.text() for equation in derive(network, layout).equations}


def test_the_delta_recurrence_of_a_residual_network() -> None:
    found = expressions(RESIDUAL)
    assert found["delta3"] == "p - y"
    assert found["da2"] == "W3.T @ delta3"
    assert found["delta2"] == "da2 * (z2 > 0)"
    assert found["delta1"] == "(W2.T @ delta2 + da2) * (1 - a1 * a1)"
    assert (found["dW2"], found["db2"]) == ("outer(delta2, a1)", "delta2")


def test_a_batch_in_rows_sums_over_its_examples() -> None:
    found = expressions(RESIDUAL, "rows")
    assert found["delta3"] == "(p - y) / m"
    assert found["delta1"] == "(delta2 @ W2 + da2) * (1 - a1 * a1)"
    assert (found["dW2"], found["db2"]) == ("delta2.T @ a1", "sum(delta2, axis=0)")


def test_a_batch_in_columns() -> None:
    found = expressions(RESIDUAL, "columns")
    assert found["delta1"] == "(W2.T @ delta2 + da2) * (1 - a1 * a1)"
    assert (found["dW2"], found["db2"]) == ("delta2 @ a1.T", "sum(delta2, axis=1)")


def test_softmax_with_cross_entropy_names_its_rules_and_facts() -> None:
    steps = derive(RESIDUAL).steps("delta3")
    rules = [step.rule for step in steps]
    assert rules[-5:] == ["known value", "cancel", "sums to one", "distribute", "cancel"]
    facts = [fact for step in steps for fact in step.facts if isinstance(fact, str)]
    assert "the targets sum to 1" in facts
    for step, following in pairwise(steps):
        assert step.after == following.before


def test_the_identity_of_a_residual_block_comes_out() -> None:
    derivation = derive(RESIDUAL)
    assert derivation.jacobian("a2", "a1").text() == "diag(z2 > 0) @ W2 + eye(32)"
    assert derivation.jacobian("z3", "x").text() == "W3 @ (diag(z2 > 0) @ W2 + eye(32)) @ diag(1 - a1 * a1) @ W1"
    assert derivation.jacobian("p", "z3").text() == "diag(p) - outer(p, p)"
    assert derivation.jacobian("L", "z3").text() == "p - y"


def test_binary_cross_entropy_on_probabilities_is_p_minus_y() -> None:
    assert expressions("Input(4) >> Dense(3) >> Sigmoid() >> BinaryCrossEntropy()")["delta1"] == "a1 - y"
    assert expressions("Input(4) >> Dense(3) >> BinaryCrossEntropy()")["delta1"] == "p - y"


@pytest.mark.parametrize(
    ("activation", "slope"),
    [
        ("Sigmoid()", "a1 * (1 - a1)"),
        ("Tanh()", "(1 - a1 * a1)"),
        ("ReLU()", "(z1 > 0)"),
        ("LeakyReLU()", "where(z1 > 0, 1, 0.01)"),
        ("ELU()", "where(z1 > 0, 1, a1 + 1)"),
        ("Softplus()", "sigmoid(z1)"),
        ("SiLU()", "(a1 * (1 - sigmoid(z1)) + sigmoid(z1))"),
    ],
)
def test_slopes_are_written_in_what_the_forward_pass_holds(activation: str, slope: str) -> None:
    found = expressions(f"Input(3) >> Dense(3) >> {activation} >> Dense(2) >> MeanSquaredError()")
    assert found["delta1"] == f"(W2.T @ delta2) * {slope}"


def test_an_embedding_gathers_what_flows_to_each_row() -> None:
    found = expressions("Input(3) >> Embedding(27, 10) >> Dense(20) >> MeanSquaredError()")
    assert found["dE1"] == "scatter_add(reshape(W1.T @ delta1, (3, 10)), x, 27)"


def test_a_general_number_of_layers_gives_recurrence_and_base_case() -> None:
    derivation = derive("Input(n_0) >> Repeat(Dense(n_l) >> Tanh(), L) >> MeanSquaredError()")
    (loop,) = (item for item in derivation.backward if isinstance(item, Loop))
    assert [str(equation.text()) for equation in loop.base] == ["delta[L] = (a[L] - y) * (1 - a[L] * a[L])"]
    texts = [equation.text() for equation in loop.equations]
    assert "delta[l] = (W[l + 1].T @ delta[l + 1]) * (1 - a[l] * a[l])" in texts
    assert "dW[l] = outer(delta[l], a[l - 1])" in texts


def test_a_general_number_of_residual_blocks_keeps_the_skip() -> None:
    derivation = derive("Input(n) >> Repeat(Residual(Dense(n) >> ReLU()), L) >> MeanSquaredError()")
    (loop,) = (item for item in derivation.backward if isinstance(item, Loop))
    texts = [equation.text() for equation in loop.equations]
    assert "da[l] = W[l + 1].T @ delta[l + 1] + da[l + 1]" in texts
    assert [equation.text() for equation in loop.base] == ["da[L] = a[L] - y"]


def test_a_shared_variable_gathers_what_flows_by_both_ways() -> None:
    x, y, s, d, f = (variable(name) for name in ("x", "y", "s", "d", "f"))
    equations = (Equation(s, x + y), Equation(d, y - 1), Equation(f, s * d))
    system = System(equations, inputs=(x, y), targets=(), parameters=(), output=f, loss=f)
    items, remarks = derive_system(system)
    found = {item.name: item.expression.text() for item in items if isinstance(item, Equation)}
    assert found == {"ds": "d", "dy": "ds + s", "dx": "ds"}
    assert remarks == ()


@pytest.mark.parametrize(
    ("layout", "rules"),
    [
        ("example", ["sum", "matrix product"]),
        ("rows", ["sum", "matrix product", "transpose"]),
        ("columns", ["sum", "matrix product"]),
    ],
)
def test_a_weight_that_is_used_many_times_takes_the_steps_of_one_use(layout: str, rules: list[str]) -> None:
    steps = derive("Input(3) >> Repeat(Dense(3) >> Tanh(), 40, tied=True) >> MeanSquaredError()", layout).steps("dW1")
    assert [step.rule for step in steps] == rules
    last = steps[-1].after
    assert isinstance(last, n.Add) and len(last.operands) == 40
    assert all(first.after == second.before for first, second in pairwise(steps))


def test_what_differs_between_the_uses_is_worked_out_after_what_they_share() -> None:
    network = "Input(3) >> Repeat(Dense(3) >> Tanh(), 9, tied=True) >> MeanSquaredError() + L2(0.1)"
    assert [step.rule for step in derive(network).steps("dW1")] == [
        "sum",
        "matrix product",
        "constant factor",
        "sum over an axis",
        "power",
    ]


def test_few_uses_are_derived_one_by_one() -> None:
    steps = derive("Input(3) >> Repeat(Dense(3) >> Tanh(), 3, tied=True) >> MeanSquaredError()").steps("dW1")
    assert [step.rule for step in steps] == ["sum", "matrix product"] * 3


def test_a_penalty_reaches_the_weights_alone() -> None:
    found = expressions("Input(4) >> Dense(3) >> MeanSquaredError() + L2(0.5)", "rows")
    assert found["dW1"] == "delta1.T @ x + W1 / 2"
    assert found["db1"] == "sum(delta1, axis=0)"


def test_a_gradient_that_vanishes_says_why() -> None:
    derivation = derive("Input(4) >> Dense(3) >> Softmax() >> Loss('sum(a)')")
    assert derivation.delta(1).text() == "zeros((3,))"
    assert [remark.split(" is zero")[0] for remark in derivation.remarks] == ["delta1", "dW1", "db1"]
    assert "sums to one" in derivation.remarks[0]
    assert "delta1 is zero" in derivation.remarks[1]


def test_a_step_function_has_no_slope_and_says_so() -> None:
    derivation = derive("Input(4) >> Dense(3) >> Activation('sign(x)', name='step') >> MeanSquaredError()")
    assert "step'(t) = 0" in derivation.remarks[0]


def test_a_loss_that_does_not_read_the_output_is_refused() -> None:
    with pytest.raises(SpecError, match="does not"):
        derive("Input(4) >> Dense(3) >> Loss('sum(y)')")


def test_without_a_loss_there_is_nothing_to_derive() -> None:
    with pytest.raises(SpecError, match="without a loss"):
        derive("Input(4) >> Dense(3)")


def test_names_that_do_not_exist_are_refused_with_a_suggestion() -> None:
    derivation = derive(RESIDUAL)
    with pytest.raises(FormulaError, match="did you mean 'dW3'"):
        derivation.gradient("W33")
    with pytest.raises(FormulaError, match="no variable"):
        derivation.jacobian("a2", "q1")
    with pytest.raises(ShapeError, match="batch"):
        derive(RESIDUAL, "rows").jacobian("a2", "a1")
    with pytest.raises(ShapeError, match="between vectors"):
        derivation.jacobian("z1", "W1")


def test_an_expression_written_in_place_twice_gets_a_name() -> None:
    found = expressions("Input(4) >> Dense(3) >> Softmax() >> Dense(2) >> MeanSquaredError()")
    assert found["delta1"] == "a1 * (da1 - sum(a1 * da1))"
    assert found["da1"] == "W2.T @ delta2"


def test_a_node_is_a_sympy_expression() -> None:
    delta = derive(RESIDUAL).delta(1)
    assert delta == derive(RESIDUAL).delta(1)
    assert variable("W2", (32, 32)) in delta.free_symbols or any(
        isinstance(part, n.Variable) and part.name == "W2" for part in delta.free_symbols
    )


def test_a_penalty_on_a_general_number_of_blocks_reaches_every_block() -> None:
    network = "Input(n) >> Repeat(Dense(n) >> Tanh(), L) >> Dense(k) >> MeanSquaredError() + L2(0.1)"
    derivation = derive(network)
    (loop,) = (item for item in derivation.backward if isinstance(item, Loop))
    texts = [equation.text() for equation in loop.equations]
    assert "dW[l] = outer(delta[l], a[l - 1]) + W[l] / 10" in texts
    assert "db[l] = delta[l]" in texts
    assert "dW[L + 1] = outer(delta[L + 1], a[L]) + W[L + 1] / 10" in derivation.text()
    unrolled = derive("Input(n) >> Repeat(Dense(n) >> Tanh(), 3) >> Dense(k) >> MeanSquaredError() + L2(0.1)")
    blocks = sympy.Symbol("L", integer=True, positive=True)
    assert sympy.expand(derivation.cost().total.subs(blocks, 3) - unrolled.cost().total) == 0


def test_a_block_may_begin_with_an_activation() -> None:
    derivation = derive("Input(n) >> Repeat(Residual(ReLU() >> Dense(n)), N) >> MeanSquaredError()")
    (loop,) = (item for item in derivation.system.items if isinstance(item, Loop))
    assert [equation.text() for equation in loop.equations] == [
        "a_2[l - 1] = relu(a[l - 1])",
        "z[l] = W[l] @ a_2[l - 1] + b[l]",
        "a[l] = z[l] + a[l - 1]",
    ]
    (back,) = (item for item in derivation.backward if isinstance(item, Loop))
    assert "da[l] = (W[l + 1].T @ delta[l + 1]) * (a[l] > 0) + da[l + 1]" in [e.text() for e in back.equations]
    assert derivation.remarks == ()


def test_jacobians_of_a_general_block_and_none_across_blocks() -> None:
    network = "Input(n) >> Dense(n) >> Repeat(Residual(Dense(n) >> Tanh()), N) >> Dense(k) >> MeanSquaredError()"
    derivation = derive(network)
    assert derivation.jacobian("a[l+1]", "a[l]").text() == "diag(1 - f[l + 1] * f[l + 1]) @ W[l + 1] + eye(n)"
    assert derivation.jacobian("z1", "x").text() == "W1"
    assert derivation.jacobian("z[N+2]", "a[N + 1]").text() == "W[N + 2]"
    with pytest.raises(FormulaError, match="symbolic number of blocks"):
        derivation.jacobian("L", "x")
