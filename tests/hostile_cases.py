"""What reads the corpus of hostile inputs: how a row becomes an input, where it goes in, what an error may look like.

`tests/hostile/*.json` hold rows of id, input, entry points and what is expected: the name of an error class, "any"
(an error of the family, or an answer), "ok" or "finite" (an answer), or an exit code. A text may be given as
`{"text": "(", "times": 100000}`, or as a list of such pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import symprop
from symprop.algebra.declarations import read_declarations
from symprop.algebra.names import size_symbol, variable
from symprop.algebra.reader import read_formula

FOLDER = Path(__file__).parent / "hostile"
SHAPES = {"x": (3,), "y": (3,), "a": (3,)}
TABLE = "x,y\n" + "".join(f"{number / 20},{'no' if number < 10 else 'yes'}\n" for number in range(20))
CLASSIFIER = "Input(1) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"

ENTRY_POINTS: dict[str, Callable[[Any], object]] = {
    "variable": lambda text: variable(text, (3,)),
    "size": size_symbol,
    "activation_name": lambda text: symprop.Activation("x * x", name=text),
    "loss_name": lambda text: variable("y", (text,)),
    "formula": lambda text: read_formula(text, SHAPES),
    "activation": lambda text: symprop.Input(3) >> symprop.Activation(text, name="f") >> symprop.MeanSquaredError(),
    "loss": lambda text: symprop.Input(3) >> symprop.Loss(text),
    "network": symprop.parse_network,
    "declarations": read_declarations,
    "where": lambda text: symprop.formula("sum(x)", text),
}


def text_of(given: Any) -> Any:
    """Put a text together from its pieces."""
    if isinstance(given, dict) and "times" in given:
        return given["text"] * given["times"]
    if isinstance(given, list) and any(isinstance(piece, dict) for piece in given):
        return "".join(text_of(piece) for piece in given)
    return given


def array_of(given: dict[str, Any]) -> Any:
    """Build the array that a row describes."""
    dtype = np.dtype(given["dtype"])
    values: Any = np.array(given["values"], dtype=dtype)
    if "shape" in given:
        values = values.reshape(given["shape"])
    if given.get("mask"):
        values = np.ma.masked_array(values, mask=np.zeros(values.shape, dtype=bool))
    if given.get("strided"):
        values = np.repeat(values, 2, axis=0)[::2]
    if given.get("fortran"):
        values = np.asfortranarray(values)
    if given.get("readonly"):
        values.flags.writeable = False
    return values


def check_message(problem: BaseException) -> None:
    message = str(problem)
    assert message and message.count("\n") <= 2
    assert all(len(line) <= 700 for line in message.split("\n"))
    assert all(letter.isprintable() or letter == "\n" for letter in message), ascii(message)


def check_complaint(complaint: str) -> None:
    lines = complaint.rstrip("\n").split("\n")
    assert 1 <= len(lines) <= 3 and complaint.startswith("symprop: "), complaint
    assert all(len(line) <= 300 for line in lines)
    assert all(letter.isprintable() or letter == "\n" for letter in complaint), ascii(complaint)
    assert "Traceback" not in complaint
