"""What symprop makes of a text is what another reader makes of it: parameters, how they start, loss, gradients."""

from __future__ import annotations

import ast
import doctest
import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from example_networks import EXAMPLES
from network_reference import LAYERS as READ
from network_reference import LOSSES, PENALTIES, Network, size_names
from random_networks import problems
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


def test_the_second_reader_knows_all_that_the_language_has() -> None:
    assert set(LAYERS) == {*READ, *LOSSES, *PENALTIES}
    assert len(LAYERS) > 55


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
