"""What symprop makes of a text is what another reader makes of it: parameters, how they start, loss, gradients."""

from __future__ import annotations

import ast
import doctest
import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from example_networks import EXAMPLES
from network_reference import LOSSES, Network, size_names
from random_networks import SIZES, network, problems
from random_recurrent import recurrent
from random_transformers import transformer
from sympy import Integer

import symprop
from symprop.algebra.names import size_symbol
from symprop.codegen.gallery import Example
from symprop.networks import LAYERS
from symprop.networks.sizes import LOOP_SYMBOLS

ROOT = Path(__file__).parents[2]


def texts_of(page: str) -> Iterator[str]:
    """Yield the networks of a page: those of directives, of commands, and of Python, the names in it filled in."""
    for kind, block in re.findall(r"^```(\S+).*?\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL):
        if kind.startswith("{"):
            yield from (line for line in block.splitlines() if line.startswith("Input("))
        elif kind == "console":
            for command in re.findall(r"^\$ (symprop .*(?:\n    .*)*)", block.replace("\\\n", "\n"), re.MULTILINE):
                yield from (word for word in shlex.split(command) if word.startswith("Input("))
        elif kind == "python":
            yield from _in_python(block)


def _in_python(block: str) -> Iterator[str]:
    known: dict[str, str] = {}
    for example in doctest.DocTestParser().get_examples(block):
        for node in ast.walk(ast.parse(example.source)):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                known |= {ast.unparse(target): str(node.value.value) for target in node.targets}
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else known.get(ast.unparse(part.value), "{")
                for part in parts
                if isinstance(part, (ast.Constant, ast.FormattedValue))
            )
            if text.startswith("Input(") and "{" not in text and not text.rstrip().endswith(">>"):
                yield text


def complete(text: str) -> str:
    """A network with a loss: some of the pages' have none, since only their equations are shown."""
    return text if any(f"{loss}(" in text for loss in LOSSES) else f"{text} >> MeanSquaredError()"


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
REFUSED = ("Input(4) >> Dens(3)", "Input(4) >> Dense(-3)", "Input(4, 4, 1) >> Conv2D(8, 3) >> MaxPool2D(3)")
"""What the pages show as mistakes."""
SHOWN = list(dict.fromkeys(complete(text) for page in PAGES for text in texts_of(page.read_text(encoding="utf-8"))))
SHOWN = [text for text in SHOWN if not text.startswith(REFUSED)]


def numbers(text: str) -> dict[str, int]:
    """Numbers for the names of a network: counts and heads are 2, sizes differ, and heads divide them."""
    names, counts = size_names(text)
    heads = [name for name in names if f"Attention({name}" in text]
    each = [f"{name[:-1]}{block}" for name in names if name.endswith("_l") for block in (0, 1, 2)]
    sizes = [name for name in names if not name.endswith("_l")]
    parts = math.lcm(*map(int, re.findall(r"Attention\((\d+)", text)), 2 if heads else 1)
    parts *= 2 if "rope=True" in text else 1
    numbers = {name: (3 + place) * parts for place, name in enumerate(sizes + each)}
    return {**numbers, **dict.fromkeys(counts + heads, 2)}


def test_the_pages_show_every_kind_of_layer() -> None:
    assert len(SHOWN) > 40
    both = " ".join([*SHOWN, *(example.text for example in EXAMPLES)])
    assert [name for name in LAYERS if f"{name}(" not in both] == ["Identity"]


@pytest.mark.parametrize("text", [text for text in SHOWN if Network(text, numbers(text)).parameters])
def test_the_networks_of_the_pages(text: str) -> None:
    assert problems(text, numbers(text)) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_networks_of_the_gallery(example: Example) -> None:
    assert problems(example.text, {}) == []


@pytest.mark.parametrize("number", range(36))
def test_random_networks(number: int) -> None:
    text = network(np.random.default_rng([1, number]), places=number % 2 == 1)
    assert problems(text, SIZES) == [], text


@pytest.mark.parametrize("number", range(3))
def test_random_recurrent_networks(number: int) -> None:
    text = recurrent(np.random.default_rng([1, number]))
    assert problems(text, SIZES) == [], text


@pytest.mark.parametrize(
    "text",
    [
        "Input(3, 2) >> Dense(3) >> LSTM(2, sequence=False) >> MeanSquaredError()",  # rows are the whole adjoint
        "Input(3, 2) >> Positions() >> Bidirectional(RNN(2)) >> MeanSquaredError()",  # h for places, moments and both
        "Input(3, 2) >> Bidirectional(GRU(1)) >> Sum(Residual(RNN(2)), LSTM(2), ()) >> MeanSquaredError()",
        "Input(3) >> Embedding(4, 2, flatten=False) >> Repeat(Residual(RNN(2)), 2) >> LSTM(1, sequence=False)"
        " >> Dropout(0.5) >> Dense(2) >> MeanSquaredError() + L2(0.1)",  # the last state is what evaluation reads
        'Input(2, 2) >> LSTM(2, initial=(Input(2, name="h0"), Input(2, name="c0"))) >> BatchNorm()'
        ' >> GRU(2, initial=Input(2, name="h0"), reset="before") >> MeanSquaredError()',
        # a state that is read as the argument of a function alone
        'Input(3, 1) >> Scan("f = sigmoid(U @ x); c = f*c_prev + tanh(W @ x + R @ h_prev); h = f*tanh(c)", c=2, h=2)'
        " >> MeanSquaredError()",
        'Input(3, 1) >> Scan("a = W @ x + R @ h_prev; h = tanh(a)", a=2, h=2, output="a") >> MeanSquaredError()',
        # a state that an output behind it reads
        'Input(3, 1) >> Scan("h = tanh(W @ x + R @ h_prev); y = C @ h", h=2, y=2, sequence=False) >> Dropout(0.5)'
        " >> Dense(2) >> MeanSquaredError() + L2(0.1)",
    ],
)
def test_recurrent_networks_that_were_once_wrong(text: str) -> None:
    assert problems(text, {}) == []


@pytest.mark.parametrize("number", range(6))
def test_random_transformers(number: int) -> None:
    text = transformer(np.random.default_rng([1, number]))
    assert problems(text, SIZES) == [], text


@pytest.mark.parametrize(
    "text",
    [
        "Input(4) >> Repeat(Repeat(Tanh(), 2, tied=True) >> Dense(4), 2, tied=True) >> MeanSquaredError()",
        "Input(3) >> Repeat(Residual(Repeat(Tanh(), 2, tied=True)) >> Residual(ReLU() >> Repeat(Dense(3), 2,"
        " tied=True), projection=True), 3, tied=True) >> Dense(2) >> SoftmaxCrossEntropy() + L2(0.1)",
        'Input(3) >> Repeat(Repeat(Dense(4) >> Dense(3, tied="W1.T"), 2, tied=True) >> Residual(Dense(4, tied="W1")'
        ' >> Dense(3, tied="W1.T")), 2) >> MeanSquaredError()',
        "Input(3) >> Dense(2) >> Sigmoid() >> Identity() >> BinaryCrossEntropy()",
        "Input(3) >> Repeat(Dense(3) >> Sigmoid() >> Identity(), 2) >> Repeat(Identity(), 2) >> BinaryCrossEntropy()",
        "Input(3) >> Residual(Dense(3) >> Sigmoid()) >> BinaryCrossEntropy()",
        "Input(2, 3) >> Dense(3) >> Sigmoid() >> Flatten() >> BinaryCrossEntropy()",
        "Input(3) >> Dense(3) >> Sigmoid() >> Flatten() >> BinaryCrossEntropy()",
        "Input(3, 2) >> Conv1D(3, 2) >> Flatten() >> ReLU() >> Flatten() >> MeanSquaredError()",
        "Input(3) >> Dense(3) >> Identity() >> Residual(ReLU() >> Repeat(Dense(3), 2)) >> ReLU() >> MeanSquaredError()",
    ],
)
def test_networks_that_are_easily_misread(text: str) -> None:
    assert problems(text, {}) == []


@pytest.mark.parametrize(
    "text",
    [
        "Input(n_0) >> Repeat(Dense(n_l) >> Tanh(), N) >> MeanSquaredError()",
        "Input(3) >> Repeat(Dense(n_l) >> Repeat(Dense(n_l) >> Tanh(), 3) >> Dense(3), N) >> MeanSquaredError()",
        "Input(3) >> Repeat(Dense(n_l) >> Repeat(Dense(n_l) >> Tanh(), 2, tied=True) >> Dense(3), N) >> Tanh()",
        "Input(3) >> Dense(n) >> Repeat(Residual(Dense(n) >> Tanh(), projection=True), N) >> Dense(2)",
    ],
)
def test_a_general_block_has_the_parameters_of_each(text: str) -> None:
    """The parameters of a symbolic Repeat, its index set to 1, 2, 3, are those that the text says of three blocks."""
    sizes = {"N": 3, "n": 6, **{f"n_{number}": 7 + number for number in range(4)}}
    of_name = {f"n({number})": sizes[f"n_{number}"] for number in range(4)} | sizes
    found = {}
    for parameter in symprop.parse_network(text).parameters:
        for block in (1, 2, 3):
            each = parameter.variable.xreplace({LOOP_SYMBOLS[0]: Integer(block), size_symbol("N"): Integer(3)})
            found[each.name] = tuple(of_name.get(str(size)) or int(size) for size in each.shape)
    assert found == Network(text, sizes).parameters
