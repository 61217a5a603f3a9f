"""Losses that end a model: PyTorch's mean over everything becomes the mean over outputs in each example.

The target is an input of the model; here it is the network's `y`. A loss over a batch is the mean of its examples, so a
mean over all elements is, for one example, the mean over its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symprop.importing.formulas import number
from symprop.importing.graph import Call
from symprop.importing.reading import Reading
from symprop.importing.views import Seen
from symprop.networks.classification import BinaryCrossEntropy, SoftmaxCrossEntropy
from symprop.networks.layers import Input, Layer
from symprop.networks.own_losses import Loss

MEAN = 1
_ABS = "abs(a - y)"


def ended(reading: Reading, call: Call, tensor: Any, target: Any, layer: Layer, reduction: int) -> Seen:
    """Return the loss as what the network ends with.

    Raises:
        SpecError: a sum over the batch, or a target that is no input.
    """
    if reduction != MEAN:
        reading.refuse(call, "a loss that is no mean", 'reduction="mean"')
    if not isinstance(target, Seen) or not isinstance(target.value.layer, Input) or not isinstance(tensor, Seen):
        reading.refuse(call, "a target that is computed", "a target that is an input of the model")
    if target.value in [source for value in reading.values for source in value.sources]:
        reading.refuse(call, "a target that the model reads elsewhere too", "a target that the loss alone reads")
    reading.values.remove(target.value)
    reading.targets.append(target.value)
    return Seen(reading.value((), layer, (tensor.value,), call.place), ())


def of_outputs(text: Callable[..., str]) -> Callable[..., Seen]:
    """Return the row of a loss with a term for each output: `text` gives the formula of these terms."""

    def row(
        reading: Reading, call: Call, tensor: Any, target: Any, reduction: int = MEAN, *options: float, **named: float
    ) -> Seen:
        layer = Loss(f"mean({text(*options, **named)})")
        if isinstance(tensor, Seen) and isinstance(target, Seen) and tensor.sizes != target.sizes:
            reading.refuse(call, f"outputs {tensor.sizes} and a target {target.sizes}", "one shape")
        return ended(reading, call, tensor, target, layer, reduction)

    return row


def written(value: float) -> str:
    """Return a number as a formula has it."""
    return str(float(number(value)))


def huber(delta: float = 1.0) -> str:
    d = written(delta)
    return f"where({_ABS} < {d}, (a - y)**2 / 2, {d} * ({_ABS} - {d} / 2))"


def smooth(beta: float = 1.0) -> str:
    b = written(beta)
    return f"where({_ABS} < {b}, (a - y)**2 / {b} / 2, {_ABS} - {b} / 2)" if beta else _ABS


def cross_entropy(
    reading: Reading,
    call: Call,
    tensor: Seen,
    target: Any,
    weight: Any = None,
    reduction: int = MEAN,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Seen:
    """Return the cross-entropy of a softmax; with class weights the mean is over what counts, there and here."""
    inside, order = reading.features(call, tensor, 1 if len(tensor.axes) > 1 else 0)
    if order != sorted(order):
        reading.refuse(call, "classes that were reordered", "classes in their order")
    classes = inside.value.shape[-1]
    layer = SoftmaxCrossEntropy(
        smoothing=label_smoothing,
        ignore=ignore_index if 0 <= ignore_index < classes else None,
        weights=None if weight is None else tuple(float(each) for each in np.asarray(weight.detach().cpu())),
    )
    return ended(reading, call, inside, target, layer, reduction)


def bce_with_logits(
    reading: Reading,
    call: Call,
    tensor: Any,
    target: Any,
    weight: Any = None,
    pos_weight: Any = None,
    reduction: int = MEAN,
) -> Seen:
    """Return the cross-entropy of each output on its own."""
    if weight is not None or pos_weight is not None:
        reading.refuse(call, "weights of outputs", "no weights")
    if isinstance(tensor, Seen) and tensor.value.shape[-1] == 1:
        return ended(reading, call, tensor, target, BinaryCrossEntropy(from_logits=True), reduction)
    return of_outputs(lambda: "log(1 + exp(a)) - y * a")(reading, call, tensor, target, reduction)


def bce(reading: Reading, call: Call, tensor: Any, target: Any, weight: Any = None, reduction: int = MEAN) -> Seen:
    """Return the cross-entropy of each probability on its own."""
    if weight is not None:
        reading.refuse(call, "weights of outputs", "no weights")
    return of_outputs(lambda: "-(y * log(a) + (1 - y) * log(1 - a))")(reading, call, tensor, target, reduction)


LOSSES: dict[str, Callable[..., Any]] = {
    "mse_loss": of_outputs(lambda: "(a - y)**2"),
    "l1_loss": of_outputs(lambda: _ABS),
    "huber_loss": of_outputs(huber),
    "smooth_l1_loss": of_outputs(smooth),
    "soft_margin_loss": of_outputs(lambda: "log(1 + exp(-y * a))"),
    "cross_entropy_loss": cross_entropy,
    "binary_cross_entropy_with_logits": bce_with_logits,
    "binary_cross_entropy": bce,
}
"""The operators that are losses, by name."""
