"""What equations each layer writes, how they are named, and what parameters they bring."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import sympy

from symprop.algebra.defined import T, plain
from symprop.algebra.equations import Loop, System
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.nodes import Fact
from symprop.errors import FormulaError, ShapeError, SpecError, SymbolNameError, SympropError
from symprop.networks import (
    ELU,
    GELU,
    L2,
    Activation,
    BinaryCrossEntropy,
    Dense,
    Embedding,
    Identity,
    Input,
    LeakyReLU,
    Loss,
    MeanSquaredError,
    ReLU,
    Repeat,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    SoftmaxCrossEntropy,
    Softplus,
    Tanh,
    parse_network,
)


def texts(network: str, layout: str = "example") -> list[str]:
    """The equations of a network in NumPy notation."""
    import symprop.notation  # noqa: F401  (the printers)

    return [equation.text() for equation in parse_network(network).system(layout).equations]


def test_the_network_of_the_readme() -> None:
    network = "Input(64) >> Dense(32) >> Tanh() >> Residual(Dense(32) >> ReLU()) >> Dense(10) >> SoftmaxCrossEntropy()"
    assert texts(network) == [
        "z1 = W1 @ x + b1",
        "a1 = tanh(z1)",
        "z2 = W2 @ a1 + b2",
        "f2 = relu(z2)",
        "a2 = f2 + a1",
        "z3 = W3 @ a2 + b3",
        "p = softmax(z3)",
        "L = -sum(y * log(p))",
    ]
    assert texts(network, "rows")[:2] == ["z1 = x @ W1.T + b1", "a1 = tanh(z1)"]
    assert texts(network, "columns")[0] == "z1 = W1 @ x + b1[:, None]"


def names(network: str) -> list[str]:
    return [equation.name for equation in parse_network(network).system().equations]


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("Input(3) >> Tanh() >> Dense(2)", ["a0", "z1"]),
        ("Input(3) >> Dense(2) >> Tanh() >> Sigmoid()", ["z1", "a1", "a1_2"]),
        ("Input(3) >> Residual(Dense(3))", ["z1", "a1"]),
        ("Input(3) >> Residual(Dense(4) >> Tanh() >> Dense(3) >> ReLU())", ["z1", "a1", "z2", "f2", "a2"]),
        ("Input(3) >> Residual(Dense(3) >> ReLU() >> Tanh())", ["z1", "a1", "f1", "a1_2"]),
        ("Input(3) >> Residual(Dense(2) >> ReLU(), projection=True) >> Dense(4)", ["z1", "f1", "z2", "a2", "z3"]),
        ("Input(3) >> Residual(Residual(Dense(3) >> ReLU()) >> Dense(3))", ["z1", "f1", "a1", "z2", "a2"]),
        ("Input(3) >> Repeat(Dense(3) >> ReLU(), 2) >> Dense(1)", ["z1", "a1", "z2", "a2", "z3"]),
        ("Input(2) >> Embedding(9, 4) >> Dense(3)", ["e1", "z1"]),
        ("Input(3) >> Dense(3) >> Identity() >> MeanSquaredError()", ["z1", "L"]),
        ("Input(3) >> Dense(2) >> BinaryCrossEntropy()", ["z1", "p", "L"]),
        ("Input(3) >> Dense(2) >> Sigmoid() >> BinaryCrossEntropy()", ["z1", "a1", "L"]),
        ("Input(3) >> Repeat(Dense(2) >> Sigmoid(), 2) >> BinaryCrossEntropy()", ["z1", "a1", "z2", "a2", "L"]),
        ("Input(3) >> Dense(2) >> Sigmoid() >> BinaryCrossEntropy(from_logits=True)", ["z1", "a1", "p", "L"]),
        ("Input(3) >> Dense(2) >> BinaryCrossEntropy(from_logits=False)", ["z1", "L"]),
    ],
)
def test_names(network: str, expected: list[str]) -> None:
    assert names(network) == expected


def test_one_layer_object_used_twice_in_a_block() -> None:
    relu, dense = ReLU(), Dense(3)
    network = Input(3) >> Residual(dense >> relu >> dense >> relu)
    assert [equation.name for equation in network.system().equations] == ["z1", "a1", "z2", "f2", "a2"]


def test_parameters_and_their_starts() -> None:
    network = parse_network(
        "Input(5) >> Dense(4) >> ReLU() >> Dense(3, bias=False) >> Tanh() >> Dense(3, initialiser='normal') >> GELU()"
        " >> Residual(Dense(2), projection=True) >> ReLU()"
    )
    found = [
        (part.name, part.variable.shape, part.kind, part.initialiser, part.fan_in, part.fan_out)
        for part in network.parameters
    ]
    assert found == [
        ("W1", (4, 5), "weight", "he_normal", 5, 4),
        ("b1", (4,), "bias", "zeros", 5, 4),
        ("W2", (3, 4), "weight", "xavier_uniform", 4, 3),
        ("W3", (3, 3), "weight", "normal", 3, 3),
        ("b3", (3,), "bias", "zeros", 3, 3),
        ("W4", (2, 3), "weight", "xavier_uniform", 3, 2),
        ("b4", (2,), "bias", "zeros", 3, 2),
        ("W5", (2, 3), "weight", "xavier_uniform", 3, 2),
    ]
    assert network.system().parameters == tuple(part.variable for part in network.parameters)


@pytest.mark.parametrize("layer", [ReLU(), LeakyReLU(), ELU(), GELU(), SiLU(), Softplus()])
def test_he_before_rectifiers(layer) -> None:  # type: ignore[no-untyped-def]
    assert (Input(3) >> Dense(2) >> layer).parameters[0].initialiser == "he_normal"


@pytest.mark.parametrize("layer", [Tanh(), Sigmoid(), Softmax(), Identity(), Dense(2), Residual(Dense(2))])
def test_xavier_elsewhere(layer) -> None:  # type: ignore[no-untyped-def]
    assert (Input(3) >> Dense(2) >> layer >> ReLU()).parameters[0].initialiser == "xavier_uniform"


def test_embedding() -> None:
    system = parse_network("Input(3) >> Embedding(27, 10) >> Dense(5)").system()
    assert system.inputs[0].facts == (Fact("index", 27),)
    assert [part.shape for part in system.parameters] == [(27, 10), (5, 30), (5,)]
    flat = parse_network("Input(3) >> Embedding(27, 10, flatten=False) >> Dense(5) >> SoftmaxCrossEntropy()")
    assert flat.system().output.shape == (3, 5)
    assert flat.system().targets[0].facts[0] == Fact("sums to 1", 1)
    assert flat.system("rows").targets[0].facts[0] == Fact("sums to 1", 2)
    assert texts("Input(3) >> Embedding(27, 10, flatten=False) >> Dense(5)")[1] == "z1 = e1 @ W1.T + b1"


def test_facts_of_targets() -> None:
    assert parse_network("Input(3) >> BinaryCrossEntropy()").system().targets[0].facts == (Fact("between 0 and 1"),)
    assert parse_network("Input(3) >> MeanSquaredError()").system().targets[0].facts == ()


def test_penalty_is_on_weights_only_and_outside_the_mean() -> None:
    network = "Input(3) >> Embedding(9, 2) >> Dense(2) >> Dense(1) >> MeanSquaredError() + L2(0.01)"
    assert texts(network)[-1] == "L = sum((z2 - y)**2) / 2 + (sum(W1 * W1) + sum(W2 * W2)) / 200"
    assert texts(network, "rows")[-1].startswith("L = sum((z2 - y)**2) / (2*m) + ")
    both = MeanSquaredError() + L2(0.1) + L2(0.2)
    assert both.text == "MeanSquaredError() + L2(0.1) + L2(0.2)"
    with pytest.raises(SpecError, match="no weights"):
        Input(3) >> both
    with pytest.raises(SpecError, match="only a penalty"):
        MeanSquaredError() + MeanSquaredError()
    for coefficient in (-1, float("nan"), float("inf"), "1", True, None):
        with pytest.raises(SpecError, match="coefficient"):
            L2(coefficient)


def test_gelu_has_two_forms() -> None:
    assert GELU().function == FUNCTIONS["gelu"] == GELU(False).function == GELU("none").function
    assert GELU(True).function == FUNCTIONS["gelu_tanh"] == GELU(approximate="tanh").function
    with pytest.raises(SpecError, match="approximate"):
        GELU("erf")


def test_numbers_of_activations() -> None:
    assert LeakyReLU().function == FUNCTIONS["leaky_relu"]
    assert ELU().function == FUNCTIONS["elu"]
    assert LeakyReLU(0.2).function.name == "leaky_relu_0_2"  # not the name of another function
    assert LeakyReLU(0.2).function.of(sympy.Integer(-5)) == -1
    for wrong in ("x", None, True, float("nan"), float("inf")):
        with pytest.raises(SpecError, match="slope"):
            LeakyReLU(wrong)


def test_own_activation() -> None:
    swish = Activation("x * sigmoid(x)", name="swish")
    assert swish.function.body == SiLU().function.body
    q = sympy.Symbol("q")
    bent = Activation((sympy.sqrt(q**2 + 1) - 1) / 2 + q, name="bent")
    assert sympy.simplify(plain(bent.function.body) - ((sympy.sqrt(T**2 + 1) - 1) / 2 + T)) == 0
    step = Activation("where(q > 1, q**2, 2 * q - 1)")
    assert step.function.of(sympy.Integer(3)) == 9 and step.function.of(sympy.Integer(-1)) == -3
    assert step.function.name == "phi"
    assert texts('Input(3) >> Activation("x * sigmoid(x)", name="swish")') == ["a0 = swish(x)"]


def test_own_activation_of_sympy_reads_back() -> None:
    import symprop.notation  # noqa: F401

    q = sympy.Symbol("q")
    network = Input(2) >> Activation(q * sympy.tanh(q) + sympy.Rational(1, 3), name="own")
    again = parse_network(network.text)
    assert again.system() == network.system()


@pytest.mark.parametrize(
    "body",
    [
        "x + y",
        "3",
        "sum(x)",
        "x @ x",
        "x.__class__",
        "__import__('os')",
        "",
        "log(-1) * x",
        "1 / (x - x)",
        "where(log(-1) > 0, x, 1)",
        "0 * x",
        sympy.I * sympy.Symbol("q"),
    ],
)
def test_own_activation_refuses(body: Any) -> None:
    with pytest.raises((FormulaError, SpecError, ShapeError)) as caught:
        Activation(body)
    assert str(caught.value).count("\n") <= 2


@pytest.mark.parametrize("name", ["exp", "sum", "x", "a1", "W2", "delta1", "L"])
def test_own_activation_needs_a_free_name(name: str) -> None:
    with pytest.raises(SpecError, match="already means"):
        Activation("x * x", name=name)


@pytest.mark.parametrize("name", ["lambda", "a b", "", "x\n", "é", 3])
def test_own_names_are_validated(name: object) -> None:
    with pytest.raises(SymbolNameError):
        Activation("x * x", name=name)  # type: ignore[arg-type]
    with pytest.raises(SymbolNameError):
        Loss("sum(a - y)", name=name)  # type: ignore[arg-type]


def test_two_activations_of_one_name() -> None:
    same = Activation("x * x", name="own")
    Input(3) >> same >> Dense(2) >> same
    with pytest.raises(SpecError, match="two different activations"):
        Input(3) >> same >> Activation("x**3", name="own")


def test_own_loss() -> None:
    assert texts('Input(3) >> Dense(2) >> Loss("sum((a - y)**4) / 4")')[-1] == "L = sum((z1 - y)**4) / 4"
    with pytest.raises(SpecError, match="one number"):
        Input(3) >> Loss("a - y")
    with pytest.raises(SpecError, match="unknown name 'b'"):
        Loss("sum(a - b)")
    with pytest.raises(SpecError, match="does not depend on a"):
        Loss("sum(y)")
    with pytest.raises(FormulaError):
        Input(3) >> Loss("sum(a - y")


def test_own_loss_as_a_node() -> None:
    from symprop.algebra import nodes, variable

    a, y = variable("a", (2,)), variable("y", (2,))
    network = Input(3) >> Dense(2) >> Loss(nodes.Sum(nodes.Power(a - y, 4)))
    assert network.system() == (Input(3) >> Dense(2) >> Loss("sum((a - y)**4)")).system()
    assert parse_network(network.text).system() == network.system()
    with pytest.raises(SpecError, match="shape"):
        Input(3) >> Dense(3) >> Loss(nodes.Sum(nodes.Power(a - y, 4)))


def test_own_loss_as_a_sympy_expression() -> None:
    a, y = sympy.symbols("a y")
    network = Input(3) >> Dense(2) >> Loss((a - y) ** 4 / 4)
    assert network.text.endswith('Loss("sum((a - y)**4 / 4)")')
    assert parse_network(network.text).system() == network.system()
    logistic = Input(3) >> Dense(2) >> Loss(sympy.log(1 + sympy.exp(-a * y)))
    assert texts(logistic.text)[-1] == "L = sum(softplus(-z1 * y))"
    assert Loss(sympy.Symbol("a", positive=True)).text == 'Loss("sum(a)")'  # a symbol is known by its name


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a + q", "unknown name 'q'"),
        ("y**2", "does not depend on a"),
        ("I*a", "not a real number"),
        ("f(a)", "no elementwise meaning"),
    ],
)
def test_own_loss_as_a_sympy_expression_that_is_refused(body: str, message: str) -> None:
    with pytest.raises(SympropError, match=re.escape(message)):
        Loss(sympy.sympify(body))
    with pytest.raises(SympropError, match="not"):
        Loss([body])


# Repeats with a symbolic count


def loop_of(system: System) -> Loop:
    return next(item for item in system.items if isinstance(item, Loop))


def test_recurrence_of_the_general_network() -> None:
    system = parse_network("Input(n_0) >> Repeat(Dense(n_l) >> Tanh(), L) >> MeanSquaredError()").system()
    loop = loop_of(system)
    l, L = loop.index, loop.count  # noqa: E741
    n = sympy.Function("n", integer=True, positive=True)
    assert [equation.name for equation in system.equations] == ["a0", "z[l]", "a[l]", "L"]
    assert (loop.carries[0].before.name, loop.carries[0].after.name) == ("a[l - 1]", "a[l]")
    assert (loop.carries[0].before.shape, loop.carries[0].after.shape) == ((n(l - 1),), (n(l),))
    assert system.parameters[0].name == "W[l]" and system.parameters[0].shape == (n(l), n(l - 1))
    assert system.items[0].target == loop.at(loop.carries[0].before, sympy.Integer(1))  # type: ignore[union-attr]
    assert system.output == loop.at(loop.carries[0].after, L) and system.output.shape == (n(L),)


REPEATED = [
    "Input(3) >> Repeat(Dense(3) >> Tanh(), L) >> Dense(2) >> MeanSquaredError()",
    "Input(3) >> Dense(4) >> ReLU() >> Repeat(Residual(Dense(4) >> ReLU()), L) >> Dense(2) >> SoftmaxCrossEntropy()",
    "Input(3) >> Dense(4) >> Repeat(Dense(5) >> Tanh() >> Dense(4), L) >> Tanh() >> MeanSquaredError()",
    "Input(3) >> Dense(4) >> Repeat(Dense(4) >> Residual(Dense(4) >> ELU(), projection=True), L)",
    "Input(3) >> Residual(Repeat(Dense(3) >> Tanh(), L)) >> Dense(1) >> Sigmoid() >> BinaryCrossEntropy()",
    "Input(3) >> Repeat(Repeat(Dense(3) >> Tanh(), 2), L) >> Repeat(Residual(Dense(3) >> ReLU()), L) >> Dense(2)",
]


@pytest.mark.parametrize("text", REPEATED)
@pytest.mark.parametrize("layout", ["example", "rows", "columns"])
def test_recurrence_unrolled_is_the_numeric_network(text: str, layout: str) -> None:
    """Writing out the loops for L = 3 gives the very equations (names too) of the network with Repeat(..., 3)."""
    count = 3
    symbolic, numeric = parse_network(text), parse_network(text).with_sizes({"L": count})
    unrolled, aliases = [], {}
    for item in symbolic.system(layout).items:
        if isinstance(item, Loop):
            for number in range(1, count + 1):
                unrolled += [
                    (
                        e.target.xreplace({item.index: number, item.count: count}),
                        e.expression.xreplace({item.index: number, item.count: count}),
                    )
                    for e in item.equations
                ]
        else:
            L = {sympy.Symbol("L", integer=True, positive=True): sympy.Integer(count)}
            unrolled.append((item.target.xreplace(L), item.expression.xreplace(L)))
    for target, expression in list(unrolled):
        if "first block" in next((e.note for e in symbolic.system(layout).equations if e.name == target.name), ""):
            aliases[target] = expression.xreplace(aliases)
    written = [(target, expression.xreplace(aliases)) for target, expression in unrolled if target not in aliases]
    assert written == [(e.target, e.expression) for e in numeric.system(layout).equations]


def test_varying_widths_become_numbers() -> None:
    network = parse_network("Input(n_0) >> Repeat(Dense(n_l) >> Tanh(), L) >> Dense(n_L)")
    assert (
        network.with_sizes({"L": 2}).text == "Input(n_0) >> Dense(n_1) >> Tanh() >> Dense(n_2) >> Tanh() >> Dense(n_2)"
    )
    sizes = {"L": 2, "n_0": 3, "n_1": 4, "n_2": 5}
    assert network.with_sizes(sizes).text == "Input(3) >> Dense(4) >> Tanh() >> Dense(5) >> Tanh() >> Dense(5)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Input(3) >> " + "Repeat(" * 5 + "Dense(3)" + ", L)" * 5, "at most 4 symbolic Repeats"),
        ("Input(3) >> Repeat(Tanh(), L)", "needs a layer with a number"),
        ("Input(3) >> Repeat(Dense(4), L)", r"shape \(4,\) where \(3,\)"),
        ("Input(n0) >> Repeat(Dense(n_l), L)", r"n\(0\)"),
        ("Input(n_0) >> Repeat(Dense(n_l), L) >> Dense(n_l)", "cannot stand outside"),
        ("Input(l) >> Repeat(Dense(l), L)", "l"),
        ("Input(l) >> Dense(3) >> Repeat(Dense(3), L)", "name of the index"),
        ("Input(3) >> Repeat(Dense(3), l)", "index of a block"),
    ],
)
def test_recurrences_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_network(text)


def test_repeat_python_and_text_agree() -> None:
    assert (Input(3) >> Repeat(Dense(3) >> Tanh(), "L")) == parse_network("Input(3) >> Repeat(Dense(3) >> Tanh(), L)")
    assert (Input(3) >> Embedding(5, 2)) == parse_network("Input(3) >> Embedding(vocabulary=5, size=2, flatten=True)")
    assert (Input("n") >> SoftmaxCrossEntropy()) == parse_network("Input(n) >> SoftmaxCrossEntropy()")
    assert (Input("n") >> BinaryCrossEntropy(True)).text == "Input(n) >> BinaryCrossEntropy(from_logits=True)"


def test_own_activation_with_joint_conditions() -> None:
    """`x` between -1 and 1 or above 3, else 0: in code, too."""
    from symprop.codegen import compile_network

    body = "where((x > -1) * (x < 1) + (x > 3), x, 0)"
    module = compile_network(Input(5) >> Activation(body, name="gap") >> Dense(5) >> MeanSquaredError())
    params = {"W1": np.eye(5), "b1": np.zeros(5)}
    x = np.array([[-2.0, -0.5, 0.5, 2.0, 4.0]])
    assert module.forward(params, x).tolist() == [[0.0, -0.5, 0.5, 0.0, 4.0]]
    with pytest.raises(FormulaError, match="no value where"):
        Activation(sympy.Piecewise((sympy.Symbol("q"), sympy.Symbol("q") > 0)))


@pytest.mark.parametrize("make", [LeakyReLU, ELU, L2])
def test_numbers_of_layers_are_numbers_within_bounds(make: Any) -> None:
    for number in (10**5000, -(10**5000), float("nan"), float("inf"), "1", True, None):
        with pytest.raises(SpecError, match="is a number from"):
            make(number)


@pytest.mark.parametrize("loss", ["BinaryCrossEntropy()", "BinaryCrossEntropy(from_logits=False)"])
def test_binary_cross_entropy_does_not_stand_after_softmax(loss: str) -> None:
    with pytest.raises(SpecError, match="SoftmaxCrossEntropy"):
        parse_network(f"Input(4) >> Dense(3) >> Softmax() >> {loss}")
