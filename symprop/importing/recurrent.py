"""Recurrent operators: layers over the positions of a sequence, one for each layer of a stack.

PyTorch has two biases where one says as much: what a network here has is their sum, and a gradient is that of both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symprop.importing.carried import Carried
from symprop.importing.graph import Call
from symprop.importing.reading import Reading
from symprop.importing.views import Seen, whole
from symprop.networks.cells import GRU, LSTM, RNN
from symprop.networks.dropout import Dropout
from symprop.networks.positions import At
from symprop.networks.recurrent import Recurrent

Kind = Callable[..., Recurrent]


def stack_of(kind: Kind, gates: int) -> Callable[..., list[Any]]:
    """Return the row of a stack of recurrent layers with so many gates: its output, and the last state of one layer."""

    def row(
        reading: Reading,
        call: Call,
        tensor: Any,
        initial: Any,
        weights: Sequence[Any],
        has_biases: bool = True,
        layers: int = 1,
        dropout: float = 0.0,
        train: bool = False,
        bidirectional: bool = False,
        batch_first: bool = False,
    ) -> list[Any]:
        if bidirectional:
            reading.refuse(call, "a sequence that is read in both directions", "bidirectional=False")
        states = initial if isinstance(initial, (tuple, list)) else [initial]
        if any(isinstance(each, (Seen, Carried)) or np.any(np.asarray(each.detach().cpu())) for each in states):
            reading.refuse(call, "a state before the first moment that is not 0", "no initial state, which is 0")
        count = 4 if has_biases else 2
        if not isinstance(tensor, Seen) or len(weights) != count * layers:
            reading.refuse(
                call, f"{len(weights)} weights of {layers} layers", "a sequence, and layers without proj_size"
            )
        for number in range(layers):
            moments = 1 if batch_first else 0
            tensor = _layer(reading, call, tensor, moments, kind, gates, weights[count * number : count * (number + 1)])
            if train and dropout and number < layers - 1:
                tensor = reading.after(call, tensor, Dropout(dropout))
        return [tensor, _last(reading, call, tensor) if layers == 1 else None]

    return row


def _layer(
    reading: Reading, call: Call, tensor: Seen, moments: int, kind: Kind, gates: int, weights: Sequence[Carried]
) -> Seen:
    """Return one layer of a tensor whose axis `moments` is time."""
    inside, order = reading.features(call, tensor, -1)
    value = inside.value
    if value.rank != 2 or inside.axes[moments] != whole(-2, value.shape[0]):
        reading.refuse(
            call,
            f"a tensor of shape {tensor.sizes} of a value of shape {value.shape} is read as a sequence",
            "a sequence for each example; batch=1 for a model without batch_first=True",
        )
    W, R, *biases = weights
    units = R.shape[1]
    made = {"W": W.columns(sorted(range(len(order)), key=order.__getitem__)), "R": R, **_biases(biases, gates, units)}
    layer = kind(units, bias=bool(biases))
    return reading.along(inside, -1, reading.value((value.shape[0], units), layer, (value,), call.place, made))


def _biases(biases: Sequence[Carried], gates: int, units: int) -> dict[str, Carried | None]:
    """One bias for two; the candidate of a GRU has the second apart, since the reset gate stands before it."""
    if not biases:
        return {}
    given, second = biases
    if gates != 3:
        return {"b": given.plus(second)}
    gate_rows, own = list(range(2 * units)), list(range(2 * units, 3 * units))
    return {"b": given.plus(second.rows(gate_rows)), "bh": second.rows(own)}


def _last(reading: Reading, call: Call, tensor: Seen) -> Seen:
    """The state after the last moment, as a stack of one."""
    value = tensor.value
    made = reading.value(value.shape[1:], At(-1), (value,), call.place)
    return Seen(made, ((), reading.batch, whole(-1, value.shape[-1])))


RECURRENT: dict[str, Callable[..., Any]] = {
    "lstm": stack_of(LSTM, 4),
    "gru": stack_of(GRU, 3),
    "rnn_tanh": stack_of(RNN, 1),
    "rnn_relu": stack_of(lambda size, bias: RNN(size, activation="relu", bias=bias), 1),
}
"""The operators that are recurrent, by name."""
