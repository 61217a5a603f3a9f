"""Weights that are used again: what they mean and cost, that all of symprop counts them once, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sympy import Integer

import symprop
from symprop.errors import SpecError
from symprop.networks import Dense, Embedding, Input, MeanSquaredError, Network, Repeat, Residual, Tanh, parse_network
from symprop.networks.books import Books
from symprop.networks.builder import Builder
from tests.rounding import differences

CODER = 'Input(5) >> Dense(3) >> Tanh() >> Dense(5, tied="W1.T") >> MeanSquaredError() + L2(0.1)'
TWICE = 'Input(3) >> Dense(3) >> Tanh() >> Dense(3, bias=False, tied="W1") >> Sigmoid() >> MeanSquaredError()'
WORDS = 'Input(2) >> Embedding(5, 3) >> Dense(3) >> Tanh() >> Dense(5, tied="E1") >> SoftmaxCrossEntropy()'
STEPS = "Input(2) >> Dense(3) >> Repeat(Residual(Dense(3) >> Tanh()), 3, tied=True) >> MeanSquaredError()"
NESTED = (
    "Input(3) >> Repeat(Repeat(Dense(3) >> Tanh(), 2, tied=True) >> Dense(3), 2, tied=True) >> Dense(2, bias=False)"
    " >> MeanSquaredError()"
)
INSIDE = (
    'Input(3) >> Dense(3) >> Repeat(Residual(Dense(3, tied="W1") >> Tanh(), projection=True), 2) >> Loss("sum(a*y)")'
)
TIED = [CODER, TWICE, WORDS, STEPS, NESTED, INSIDE]


@pytest.mark.parametrize("text", TIED)
def test_the_text_reads_back(text: str) -> None:
    network = parse_network(text)
    assert parse_network(network.text) == network
    assert network.text == text


def test_python_says_the_same() -> None:
    coder = Input(5) >> Dense(3) >> Tanh() >> Dense(5, tied="W1.T") >> (MeanSquaredError() + symprop.L2(0.1))
    steps = Input(2) >> Dense(3) >> Repeat(Residual(Dense(3) >> Tanh()), 3, tied=True) >> MeanSquaredError()
    assert coder == parse_network(CODER) and steps == parse_network(STEPS)
    with pytest.raises(symprop.SpecError, match="Embedding takes no tied="):
        Embedding(5, 3, tied="E1")  # type: ignore[call-arg]  # a network has one Embedding


@pytest.mark.parametrize("text", TIED)
def test_the_certificate_agrees(text: str) -> None:
    """Complex step, sympy.diff by elements, the page read back and the module run: all of them for each tie."""
    certificate = symprop.check(text)
    assert certificate.ok, certificate.table()


def test_the_steps_of_many_uses_are_identities() -> None:
    certificate = symprop.check("Input(2) >> Repeat(Dense(2) >> Tanh(), 9, tied=True) >> MeanSquaredError() + L2(0.1)")
    assert certificate.ok, certificate.table()


@pytest.mark.parametrize("text", TIED)
@pytest.mark.parametrize("layout", ["example", "rows", "columns"])
def test_every_notation_prints(text: str, layout: str) -> None:
    derivation = symprop.derive(text, layout=layout)
    for written in (derivation.pretty(), derivation.text(), derivation.latex()):
        assert written
    names = [parameter.name for parameter in derivation.parameters]
    assert len(names) == len(set(names)) == len(derivation.system.parameters)
    assert all(f"d{name}" in derivation.by_name for name in names)


def gradients(text: str, *names: str) -> list[str]:
    derivation = symprop.derive(text)
    return [derivation.gradient(name).text() for name in names]


def test_a_matrix_of_rows_is_multiplied_by_the_weight_itself() -> None:
    text = 'Input(2) >> Embedding(5, 3, flatten=False) >> Dense(4) >> Dense(3, tied="W1.T") >> MeanSquaredError()'
    forward = {equation.name: equation.expression.text() for equation in parse_network(text).system().equations}
    assert (forward["z1"], forward["z2"]) == ("e1 @ W1.T + b1", "z1 @ W1 + b2")


def test_a_copy_of_a_builder_keeps_its_own_books() -> None:
    books = Books()
    trial = Builder(books.copy())
    trial.parameter("W", Integer(1), (2, 2), "weight", None, (2, 2))
    trial.books.ties["W2"] = "W1"
    assert trial.books.held and books == Books()


def test_a_gradient_becomes_a_sum() -> None:
    assert gradients(CODER, "W1") == ["outer(delta1, x) + outer(a1, delta2) + W1 / 10"]
    assert gradients(TWICE, "W1", "b1") == ["outer(delta1, x) + outer(delta2, a1)", "delta1"]
    assert gradients(STEPS, "b2") == ["delta2 + delta3 + delta4"]
    assert gradients(NESTED, "W1", "b3") == [
        "outer(delta1, x) + outer(delta2, a1) + outer(delta4, z3) + outer(delta5, a4)",
        "delta3 + delta6",
    ]


def test_the_forward_pass_reads_the_earlier_weight() -> None:
    forward = {equation.name: equation.expression.text() for equation in parse_network(WORDS).system().equations}
    assert forward["z2"] == "E1 @ a1 + b2"
    batch = {equation.name: equation.expression.text() for equation in parse_network(CODER).system("rows").equations}
    assert batch["z2"] == "a1 @ W1 + b2"  # the transpose of a transpose is the matrix
    assert symprop.derive(TWICE).jacobian("z2", "z1").text() == "W1 @ diag(1 - a1 * a1)"


@pytest.mark.parametrize(
    ("text", "parameters"),
    [(CODER, 5 * 3 + 3 + 5), (TWICE, 9 + 3), (WORDS, 15 + 6 * 3 + 3 + 5), (STEPS, 9 + 12), (NESTED, 2 * 12 + 6)],
)
def test_a_parameter_counts_once(text: str, parameters: int) -> None:
    derivation = symprop.derive(text)
    assert derivation.cost().parameters == parameters
    assert f"The network has {parameters} parameters." in derivation.pretty()
    module = symprop.compile(text)
    assert sum(value.size for value in module.init_params(seed=0).values()) == parameters


@pytest.mark.parametrize(
    ("block", "names"),
    [
        ("Repeat(Tanh(), 2, tied=True) >> Dense(4)", "W1 b1"),
        ("Repeat(Tanh(), 2, tied=True) >> Dense(4) >> Repeat(Identity(), 3, tied=True) >> Dense(4)", "W1 b1 W2 b2"),
        ("Repeat(Repeat(Sigmoid(), 2, tied=True), 2) >> Dense(4, bias=False)", "W1"),
        ("Repeat(Residual(Tanh()), 2, tied=True) >> Residual(Tanh(), projection=True)", "W1"),
        ("Repeat(Dense(4), 2) >> Repeat(Tanh(), 2, tied=True) >> Dense(4)", "W1 b1 W2 b2 W3 b3"),
        ("Repeat(Residual(Repeat(Dense(4), 2, tied=True) >> Dense(4), projection=True), 2)",
         "W1 b1 W3 b3 W4 W5 b5 W7 b7 W8"),
    ],
)  # fmt: skip
def test_a_tied_repeat_ties_whatever_stands_in_it(block: str, names: str) -> None:
    network = parse_network(f"Input(4) >> Repeat({block}, 3, tied=True) >> MeanSquaredError()")
    assert [parameter.name for parameter in network.parameters] == names.split()


def test_a_penalty_counts_once() -> None:
    loss = symprop.derive(CODER).equation("L").expression.text()
    assert loss.endswith("+ sum(W1 * W1) / 20") and loss.count("W1") == 2  # one square
    repeated = "Input(3) >> Repeat(Dense(3) >> Tanh(), 4, tied=True) >> MeanSquaredError() + L2(2)"
    assert symprop.derive(repeated).gradient("W1").text().endswith("outer(delta4, a3) + 2 * W1")


def test_the_first_layer_says_how_a_weight_starts() -> None:
    network = parse_network('Input(4) >> Dense(4) >> ReLU() >> Dense(4, tied="W1") >> Tanh() >> Dense(2) >> Tanh()')
    assert [(each.name, each.initialiser) for each in network.parameters if each.kind == "weight"] == [
        ("W1", "he_normal"),
        ("W3", "xavier_uniform"),
    ]


def stepped_gradient(text: str, name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """How far the gradient of a generated module is from differences of its own loss, and what these allow."""
    module = symprop.compile(text)
    params = module.init_params(seed=1)
    rng = np.random.default_rng(0)
    sizes = [int(size) for size in (parse_network(text).system().inputs[0].shape[0],)]
    x, y = rng.normal(size=(4, *sizes)), rng.normal(size=(4, int(parse_network(text).system().output.shape[0])))
    _, grads = module.loss_and_grads(params, x, y)
    off, allowed = np.zeros_like(params[name]), np.zeros_like(params[name])
    for place in np.ndindex(*off.shape):
        slope, allowed[place] = differences(lambda: module.loss(params, x, y), params[name], place)
        off[place] = abs(grads[name][place] - slope)
    return off, allowed


@pytest.mark.parametrize(("text", "name"), [(CODER, "W1"), (TWICE, "W1"), (STEPS, "W2"), (NESTED, "W3")])
def test_the_module_has_the_gradient_of_all_uses(text: str, name: str) -> None:
    off, allowed = stepped_gradient(text, name)
    assert np.all(off <= allowed)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_moves_a_shared_weight(optimizer: str, dtype: str) -> None:
    module = symprop.compile(CODER, dtype=dtype, optimizer=optimizer)
    state = module.init_state(module.init_params(seed=0))
    assert list(state["params"]) == ["W1", "b1", "b2"]
    x = np.random.default_rng(2).normal(size=(8, 5)).astype(dtype)
    losses = [module.train_step(state, x, x, lr=0.01) for _ in range(30)]
    assert losses[-1] < losses[0]


def test_saved_weights_know_the_tie(tmp_path: Path) -> None:
    from symprop.weights import save_weights

    network = parse_network(TWICE)
    params = symprop.compile(network).init_params(seed=0)
    save_weights(tmp_path / "w.npz", params, {"network": network.text})
    model = symprop.load_weights(tmp_path / "w.npz")
    assert model.network == network and list(model.params) == ["W1", "b1"]
    assert model.predict(np.ones((2, 3))).shape == (2, 3)


def test_sizes_by_name_may_be_tied_and_given_later() -> None:
    named = parse_network('Input(n) >> Dense(k) >> Tanh() >> Dense(n, tied="W1.T") >> MeanSquaredError()')
    assert symprop.derive(named).gradient("W1").text() == "outer(delta1, x) + outer(a1, delta2)"
    assert named.with_sizes({"n": 5, "k": 3}).text == CODER.removesuffix(" + L2(0.1)")
    repeat = parse_network("Input(n) >> Repeat(Dense(n) >> Tanh(), 2, tied=True)").with_sizes({"n": 4})
    assert repeat.text == "Input(4) >> Repeat(Dense(4) >> Tanh(), 2, tied=True)"


def test_a_weight_before_a_recurrence_may_be_used_behind_it() -> None:
    text = (
        'Input(3) >> Dense(3) >> Tanh() >> Repeat(Dense(3) >> Tanh(), N) >> Dense(3, tied="W1") >> MeanSquaredError()'
    )
    assert symprop.derive(text).gradient("W1").text() == "outer(delta1, x) + outer(delta[N + 2], a[N + 1])"
    assert symprop.check(text).ok


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('Input(8) >> Dense(3, tied="W1")', ["layer 1 cannot be tied to W1, its own weight"]),
        ('Input(8) >> Dense(3) >> Dense(8, tied="W3")', ["tied to W3", "the weights before it are W1"]),
        ('Input(8) >> Dense(3) >> Dense(8, tied="W1")', ["(8, 3)", "W1 has shape (3, 8)", 'tied="W1.T"']),
        ('Input(8) >> Dense(3) >> Dense(4, tied="W1.T")', ["(4, 3)", "W1.T has shape (8, 3)", "sizes fit"]),
        (
            'Input(8) >> Dense(3) >> Dense(8, tied="W1.T") >> Dense(3, tied="W2")',
            ["W2 is itself tied to W1.T", 'tied="W1.T"'],
        ),
        ('Input(8) >> Dense(8) >> Dense(8, tied="b1")', ["'b1' names no weight", 'tied="W1"']),
        ("Input(8) >> Dense(8) >> Dense(8, tied=True)", ["'True' names no weight"]),
        ('Input(8) >> Dense(8) >> Dense(8, tied="W1", initialiser="zeros")', ["starts as W1 does"]),
        ('Input(n) >> Repeat(Dense(n), N) >> Dense(n, tied="W1")', ["symbolic Repeat differ from block to block"]),
        ("Input(n_0) >> Repeat(Dense(n_l), N, tied=True)", ["one W1 for all blocks", "(n(l), n(0)) varies"]),
        ("Input(n) >> Repeat(Repeat(Dense(n), N), 2, tied=True)", ["inside a tied one of a number", "a name"]),
        ("Input(4) >> Repeat(Dense(5), 3, tied=True)", ["W1 again, of shape (5, 4)", "(5, 5) is needed"]),
        ("Input(4) >> Repeat(Dense(4), 3, tied=1)", ["tied is True or False"]),
    ],
)
def test_ties_that_cannot_be_are_refused(text: str, words: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        parse_network(text)
    message = str(caught.value)
    assert message.count("\n") <= 2 and "^" in message
    for word in words:
        assert word in message


def test_a_refused_layer_leaves_the_network_before_it_alone() -> None:
    """The builder that a longer network takes over is not left in the middle of a tied repeat."""
    start = Input(4) >> Dense(4)
    with pytest.raises(SpecError):
        _ = start >> Repeat(Dense(5), 2, tied=True)
    longer = start >> Dense(3, bias=False)
    assert isinstance(longer, Network) and [each.name for each in longer.parameters] == ["W1", "b1", "W2"]
