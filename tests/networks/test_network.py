"""Networks as wholes: what is refused and how, limits, sizes, texts that read back, speed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

import symprop
from symprop.errors import LimitError, SpecError, SympropError
from symprop.networks import (
    LAYERS,
    Chain,
    Dense,
    Embedding,
    Input,
    MeanSquaredError,
    Network,
    ReLU,
    Repeat,
    Residual,
    SoftmaxCrossEntropy,
    Tanh,
    parse_network,
)
from symprop.networks.spec import as_network
from symprop.reports.general import with_name
from tests.patience import at_once

TEXTS = [
    "Input(64) >> Dense(32) >> Tanh() >> Residual(Dense(32) >> ReLU()) >> Dense(10) >> SoftmaxCrossEntropy()",
    "Input(3) >> Embedding(27, 10) >> Dense(5, bias=False) >> LeakyReLU(slope=0.2) >> ELU(alpha=2) >> Softmax()",
    'Input(n0) >> Dense(n1, initialiser="he_uniform") >> GELU(approximate="tanh") >> MeanSquaredError() + L2(0.01)',
    "Input(n0) >> Repeat(Residual(Dense(n0) >> Tanh(), projection=True), L) >> BinaryCrossEntropy(from_logits=True)",
    'Input(2*n) >> Activation("x * sigmoid(x)", name="swish") >> Loss("sum((a - y)**4) / 4", name="quartic")',
    "Input(4) >> Repeat(Dense(4) >> SiLU() >> Softplus(), 3) >> Identity() >> Sigmoid() >> Embedding(3, 2)",
]


@pytest.mark.parametrize("text", TEXTS[:-1])
def test_text_reads_back(text: str) -> None:
    network = parse_network(text)
    assert network.text == text
    assert parse_network(network.text) == network and hash(parse_network(text)) == hash(network)


def test_text_is_what_python_accepts() -> None:
    """The reader and Python itself make the same network of the same text."""
    names: dict[str, Any] = {**LAYERS, **{name: sympy.Symbol(name, integer=True, positive=True) for name in "nL"}}
    names |= {name: sympy.Symbol(name) for name in ("n0", "n1")}
    for text in TEXTS[:-1]:
        assert eval(text, names) == parse_network(text)  # the text is this file's own


@pytest.mark.parametrize(
    "width", [0, -3, 2.5, "8", True, False, None, "", "a b", "lambda", "np", "m", (3,), [4], 1j, "é"]
)
def test_widths_refused(width: Any) -> None:
    for make in (Input, Dense, lambda size: Embedding(5, size), lambda size: Embedding(size, 5)):
        with pytest.raises(SpecError, match=r"is no size|is the batch size") as caught:
            make(width)
        assert "allowed" in str(caught.value) and str(caught.value).count("\n") <= 2


def test_a_size_may_have_the_letter_of_a_parameter() -> None:
    """The equations, their costs and the report are those of other names; parameters keep theirs."""
    text = "Input({0}, {1}) >> Dense({2}) >> Tanh() >> Dense({1}, bias=False) >> MeanSquaredError() + L2(0.1)"
    taken, free = (parse_network(text.format(*names)) for names in (("E", "W", "b"), ("n0", "n1", "n2")))
    symbols = [[sympy.Symbol(name, integer=True, positive=True) for name in net.sizes] for net in (taken, free)]
    renamed = dict(zip(*symbols, strict=True))
    ours, theirs = symprop.derive(taken), symprop.derive(free)
    for one, other in zip(ours.equations, theirs.equations, strict=True):
        assert one.target.name == other.target.name
        assert one.expression.xreplace(renamed) == other.expression
    assert taken.with_sizes({"E": 4, "W": 3, "b": 2}) == free.with_sizes({"n0": 4, "n1": 3, "n2": 2})
    assert r"$W_1$: $b \times W$" in symprop.report(taken, without=["certificate", "code"]).latex()
    with pytest.raises(SpecError, match="'W' is a size and a letter of parameters"):
        symprop.report(taken, symbols={"W": r"\Theta"}, without=["certificate", "code"])


@pytest.mark.parametrize("name", ["W", "b", "E"])
def test_a_size_has_no_letter_of_a_parameter_beside_a_loop(name: str) -> None:
    """Text holds the weights of a loop by their letter, `W[1]`; the report of a Repeat of a number leaves it out."""
    with pytest.raises(SpecError, match="the name of a parameter of a Repeat"):
        parse_network(f"Input({name}) >> Repeat(Dense({name}) >> Tanh(), N) >> MeanSquaredError()")
    assert with_name(parse_network(f"Input({name}) >> Repeat(Dense({name}) >> Tanh(), 4)")) is None
    for other in (f"{name}1", f"{name}_l", f"d{name}"):
        with pytest.raises(SpecError, match="the name of a variable of networks"):
            Input(other)
    with pytest.raises(SpecError, match="Input:"):
        Input(3, name=name)


@pytest.mark.parametrize("width", [10**7 + 1, 10**20, 10**5000], ids=["one over", "20 digits", "5,000 digits"])
def test_widths_over_the_limit(width: int) -> None:
    with pytest.raises(LimitError, match="over the limit"):
        Dense(width)


def test_whole_numbers_of_other_kinds_are_sizes() -> None:
    assert Dense(np.int64(3)) == Dense(sympy.Integer(3)) == Dense(3)
    assert Dense(sympy.Symbol("n1")) == Dense("n1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Dense(3)", "starts with an Input"),
        ("MeanSquaredError()", "starts with an Input"),
        ("Input(3) >> Input(4)", r"one Input"),
        ("Input(3) >> MeanSquaredError() >> Dense(3)", r"'Dense\(3\)' stands after the loss 'MeanSquaredError\(\)'"),
        ("Input(3) >> MeanSquaredError() >> SoftmaxCrossEntropy()", "after the loss"),
        ("Input(3) >> Dense(4) >> Embedding(5, 2)", "right after Input"),
        ("Input(3) >> Residual(Embedding(5, 2))", "right after Input"),
        ("Input(3) >> Embedding(5, 2) >> Embedding(5, 2)", "right after Input"),
        ("Input(3) >> Residual(Dense(4))", r"width 3 and an output of width 4.*projection=True"),
        ("Input(3) >> Residual(Dense(n))", r"width 3 and an output of width n"),
        ("Input(3) >> Residual(Input(3))", "inside a block"),
        ("Input(3) >> Repeat(MeanSquaredError(), 2)", "inside a block"),
        ("Input(3) >> Residual(3)", "made of layers"),
        ("Input(3) >> Repeat(Dense(3), 0)", "no size"),
        ("Input(3) >> Repeat(Dense(3), 2.5)", "no size"),
        ("Input(3) >> Dense(1) >> SoftmaxCrossEntropy()", "BinaryCrossEntropy"),
        ("Input(3) >> Dense(1) >> Softmax()", "BinaryCrossEntropy"),
        ("Input(3) >> Dens(3)", r"did you mean 'Dense'"),
        ("Input(3) >> LSTM(3)", "which is no sequence"),
        ("Sequential(Dense(3), ReLU())", "layers are joined by >>"),
        ("Input(3) >> Linear(3, 10)", "Linear takes the number of outputs alone"),
        ("Input(8, 8, 1) >> Conv2d(1, 4, 3)", "Conv2d takes channels that come out and a kernel"),
        ("Input(3) >> Dense(3, bia=True)", r"did you mean 'bias'"),
        ("Input(3) >> Dense()", "missing a required argument"),
        ("Input(3) >> Dense(3, True, None, 4)", "too many positional"),
        ("Input(3) >> Dense(3, bias=1)", "True or False"),
        ("Input(3) >> Dense(3, initialiser='he')", "unknown initialiser"),
        ("Input(3) >> Residual(Dense(3), projection=1)", "True or False"),
        ("Input(3) >> Embedding(5, 2, flatten=0)", "True or False"),
        ("Input(3) >> BinaryCrossEntropy(from_logits=1)", "True, False or None"),
        ("Input(3) >> Tanh() + L2(0.1)", "adds a penalty to a loss"),
        ("Input(3) >> L2(0.1)", "added to a loss"),
        ("Input(3) >> MeanSquaredError() + Tanh()", "adds a penalty to a loss"),
    ],
)
def test_specs_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        parse_network(text)
    lines = str(caught.value).split("\n")
    assert len(lines) == 3 and lines[1].strip() in text and "^" in lines[2]


def test_names_of_other_libraries_are_read_as_the_layers_that_they_are() -> None:
    same = {
        "Input(3) >> Linear(2) >> MSE()": "Input(3) >> Dense(2) >> MeanSquaredError()",
        "Input(3) >> dense(2) >> Relu() >> fc(4) >> CrossEntropyLoss()": (
            "Input(3) >> Dense(2) >> ReLU() >> Dense(4) >> SoftmaxCrossEntropy()"
        ),
        "Input(8, 8, 1) >> Conv2d(4, 3) >> MaxPooling2D(2) >> Flatten() >> L1Loss()": (
            "Input(8, 8, 1) >> Conv2D(4, 3) >> MaxPool2D(2) >> Flatten() >> MeanAbsoluteError()"
        ),
        "Input(4, 8) >> MultiHeadAttention(2) >> Swish() >> SmoothL1Loss()": (
            "Input(4, 8) >> Attention(2) >> SiLU() >> Huber()"
        ),
    }
    for typed, known in same.items():
        assert parse_network(typed).text == parse_network(known).text


def test_the_caret_stands_under_the_layer() -> None:
    with pytest.raises(SpecError) as caught:
        parse_network("Input(3) >> Dense(4) >> Residual(Dense(5) >> Tanh()) >> Dense(2)")
    _, text, caret = str(caught.value).split("\n")
    assert text[caret.index("^") :].startswith("Residual(")


@pytest.mark.parametrize(
    "text", ["", "   ", "Input(3) >>", ">> Dense(3)", "Input(3) Dense(3)", "Input", "3", None, b"Input(3)"]
)
def test_texts_that_are_no_network(text: Any) -> None:
    with pytest.raises(SympropError) as caught:
        parse_network(text)
    assert str(caught.value).count("\n") <= 2


@pytest.mark.parametrize(
    "text",
    [
        "Input(3) >> Repeat(Dense(3), 1000000)",
        "Input(3) >> Repeat(Repeat(Dense(3), 1000), 1000)",
        "Input(3) >> Repeat(Dense(3), 10001)",
        "Input(10000000) >> Dense(10000000)",
        "Input(3) >> Repeat(Dense(10000), 50)",
        f"Input(3) >> Dense({10**20})",
        "Input(3) >> " + "Residual(" * 60 + "Dense(3)" + ")" * 60,
        " >> ".join(["Input(3)", *["Tanh()"] * 10_001]),
    ],
)
def test_limits(text: str) -> None:
    with at_once(), pytest.raises((LimitError, SpecError)) as caught:
        parse_network(text)
    assert str(caught.value).count("\n") <= 2


def test_nesting_in_python_has_a_limit_too() -> None:
    block: Any = Dense(3)
    for _ in range(50):
        block = Residual(block)
    assert len(list((Input(3) >> block).system().equations)) == 51
    with pytest.raises(LimitError, match="nested"):
        Residual(block)
    with pytest.raises(LimitError, match="nested"):
        Repeat(block, 2)


def test_joining_what_is_no_layer() -> None:
    with pytest.raises(SpecError, match="no layer"):
        Input(3) >> 4  # type: ignore[operator]
    with pytest.raises(SpecError, match="one Input"):
        Dense(3) >> (Input(3) >> Dense(4))  # type: ignore[operator]


def test_blocks_join_in_any_grouping() -> None:
    block = Dense(4) >> Tanh()
    assert isinstance(block, Chain)
    whole = Input(3) >> block >> (Dense(2) >> MeanSquaredError())
    assert whole == parse_network("Input(3) >> Dense(4) >> Tanh() >> Dense(2) >> MeanSquaredError()")


def test_a_network_goes_on_in_two_ways() -> None:
    """Networks share what they have built, and yet none sees the layers of another."""
    start = Input(3) >> Dense(4)
    left, right = start >> Tanh() >> Dense(2), start >> ReLU() >> Dense(5)
    assert [equation.target.shape for equation in left.system().equations] == [(4,), (4,), (2,)]
    assert [equation.target.shape for equation in right.system().equations] == [(4,), (4,), (5,)]
    assert [equation.name for equation in start.system().equations] == ["z1"]
    assert (start.parameters[0].initialiser, left.parameters[0].initialiser) == ("xavier_uniform",) * 2
    assert right.parameters[0].initialiser == "he_normal"
    by_one = [start >> layer for layer in (Tanh(), ReLU(), Dense(2), SoftmaxCrossEntropy(), MeanSquaredError())]
    assert [each.system() == Network(each.layers).system() for each in by_one] == [True] * 5
    with pytest.raises(SpecError):
        start >> Residual(Dense(9))
    assert (start >> Dense(6)) == Network((Input(3), Dense(4), Dense(6)))
    assert (start >> Dense(6)).system() == Network((Input(3), Dense(4), Dense(6))).system()


def test_with_sizes() -> None:
    network = parse_network(["Input(n0) >> Repeat(Residual(Dense(n0)), L) >> Dense(2*n1)", "Embedding(3, 2)"][0])
    assert network.sizes == ("n0", "L", "n1")
    numeric = network.with_sizes({"n0": 4, "L": 2, "n1": 3})
    assert numeric.text == "Input(4) >> Repeat(Residual(Dense(4)), 2) >> Dense(6)"
    assert numeric.sizes == ()
    assert network.with_sizes({"n0": "k0"}).sizes == ("k0", "L", "n1")
    for wrong, message in (
        ({"n9": 3}, "no size 'n9'"),
        ({"n0": 0}, "no size"),
        ({"n0": "8"}, "no size"),
        ({"L": 2.5}, "no size"),
    ):
        with pytest.raises(SpecError, match=message):
            network.with_sizes(wrong)
    with pytest.raises(SpecError, match="all sizes are numbers"):
        numeric.with_sizes({"n0": 3})


def test_resized() -> None:
    network = parse_network("Input(3) >> Embedding(27, 10) >> Repeat(Residual(Dense(30) >> Tanh()), 3) >> Dense(27)")
    small = network.resized({27: 5, 10: 2, 30: 6})
    assert small.text == "Input(3) >> Embedding(5, 2) >> Repeat(Residual(Dense(6) >> Tanh()), 3) >> Dense(5)"
    assert network.resized({3: 2, 10: 15}).text.startswith("Input(2) >> Embedding(27, 15) >> Repeat(Residual(Dense(30)")
    with pytest.raises(SpecError):
        network.resized({30: 7})


def test_a_thousand_layers_read_and_join_alike() -> None:
    text = " >> ".join(["Input(8)", *["Dense(8) >> Tanh()"] * 500, "SoftmaxCrossEntropy()"])
    network = parse_network(text)
    grown: Any = Input(8)
    for _ in range(500):
        grown = grown >> Dense(8) >> Tanh()
    grown = grown >> SoftmaxCrossEntropy()
    assert grown == network and grown.system() == network.system()


def test_repeat_is_the_block_written_out() -> None:
    repeated = parse_network("Input(4) >> Repeat(Residual(Dense(4) >> ReLU()), 500) >> MeanSquaredError()")
    written = Input(4)
    for _ in range(500):
        written = written >> Residual(Dense(4) >> ReLU())  # type: ignore[assignment]
    assert repeated.system() == (written >> MeanSquaredError()).system()  # type: ignore[union-attr]
    assert repeated.parameters == (written >> MeanSquaredError()).parameters  # type: ignore[union-attr]


def test_unknown_layout() -> None:
    with pytest.raises(SpecError, match="unknown layout 'row'"):
        (Input(3) >> Dense(2)).system("row")


def test_repeat_takes_numbers_and_names() -> None:
    assert Repeat(Dense(3), "L").text == "Repeat(Dense(3), L)"
    assert Repeat(Dense(3), sympy.Symbol("L")) == Repeat(Dense(3), "L")
    for count in (True, None, -1, "2", 1.0):
        with pytest.raises(SpecError):
            Repeat(Dense(3), count)


@pytest.mark.parametrize("value", [5, None, [], b"x", symprop.Dense(3), symprop.Dense(3) >> symprop.ReLU()])
@pytest.mark.parametrize("take", [as_network, symprop.derive, symprop.generate, symprop.compile, symprop.check])
def test_what_is_no_network_is_refused_in_words(take: Any, value: Any) -> None:
    with pytest.raises(SpecError, match=r"is no network|takes a .* as network"):
        take(value)


@pytest.mark.parametrize("take", [symprop.derive, symprop.generate, symprop.check])
def test_an_input_alone_lacks_a_loss(take: Any) -> None:
    with pytest.raises(SpecError, match="without a loss"):
        take(symprop.Input(3))


@pytest.mark.parametrize("layer", ["Residual()", "Repeat(Dense(3))", "Dense()", "L2(1, 2, 3)", "Loss()"])
def test_missing_and_extra_arguments_in_text_are_refused(layer: str) -> None:
    with pytest.raises(SpecError, match="argument"):
        symprop.parse_network(f"Input(3) >> {layer}")


@pytest.mark.parametrize(
    "name", ["p", "x", "y", "L", "a1", "W1", "b2", "z3", "f2", "e1", "E1", "delta1", "dW1", "a1_2", "a_l", "db", "2*W1"]
)
def test_a_size_is_not_called_like_a_variable_of_the_network(name: str) -> None:
    with pytest.raises(SpecError, match="name of a variable") as refused:
        parse_network(f"Input(3) >> Dense({name}) >> MeanSquaredError()")
    assert "n1" in str(refused.value)
    with pytest.raises(SpecError):
        parse_network("Input(n0) >> Dense(n1)").with_sizes({"n1": name})


def test_usual_names_of_sizes_and_counts() -> None:
    network = parse_network("Input(n0) >> Dense(d) >> Dense(k) >> Dense(N) >> Dense(n) >> Dense(h) >> Dense(K)")
    assert network.sizes == ("n0", "d", "k", "N", "n", "h", "K")
    repeated = parse_network("Input(n) >> Repeat(Dense(n) >> Tanh(), N) >> MeanSquaredError()")
    assert repeated.with_sizes({"N": "L"}).sizes == ("n", "L")
    varied = parse_network("Input(n_0) >> Repeat(Dense(n_l) >> Tanh(), L) >> MeanSquaredError()")
    assert varied.with_sizes({"L": 2}).sizes == ("n_0", "n_1", "n_2")


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        (r'Input(3) >> Activation("x", name="a}b\input{/etc/passwd}")', "a backslash cannot stand in quotes", 37),
        ("""Input(3) >> Activation("x'y")""", "a quote of the other kind cannot stand in quotes", 25),
        ('Input(3) >> Activation("x', "text in quotes is never closed", 23),
    ],
)
def test_what_cannot_stand_in_quotes_is_named(text: str, message: str, column: int) -> None:
    with pytest.raises(SpecError, match=message) as refused:
        parse_network(text)
    assert str(refused.value).splitlines()[-1].index("^") == column + 2
