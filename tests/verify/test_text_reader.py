"""The parameters that a network's text tells, and the row of the certificate that compares them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import symprop
from symprop.networks import LAYERS
from symprop.verify.text_checks import rows
from symprop.verify.text_reader import LAYERS as READ

TIED = "Input(4) >> Repeat(Repeat(Tanh(), 2, tied=True) >> Dense(4), 2, tied=True) >> MeanSquaredError()"


def test_every_layer_is_read_but_cells_of_ones_own() -> None:
    assert LAYERS.keys() - READ.keys() == {"Scan"}
    assert READ.keys() <= LAYERS.keys()
    assert list(rows(symprop.parse_network('Input(3, 2) >> Scan("h = tanh(W @ x + R @ h_prev)", h=2)'))) == []


def test_a_block_that_is_not_tied_as_its_text_says_is_seen() -> None:
    untied: Any = symprop.parse_network(TIED.replace(", tied=True", ""))
    (row,) = rows(untied)
    assert row.ok and row.note == "4 names and shapes"
    other: Any = SimpleNamespace(text=TIED, parameters=untied.parameters)
    (row,) = rows(other)
    assert row.verdict == "FAILED"
    assert row.note == "W1 (4, 4), b1 (4,), W2 (4, 4), b2 (4,); by the text W1 (4, 4), b1 (4,)"


def test_a_certificate_has_the_row() -> None:
    assert "parameters" in [row.name for row in symprop.check("Input(2) >> Dense(1) >> MeanSquaredError()").rows]
