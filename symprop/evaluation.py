"""What a trained module predicts, and how good that is: loss and accuracy, by running statistics if it has some."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Features = Array | dict[str, Array]
"""What a module takes for a batch: an array, or where a network has several inputs a dict of them by their names."""


def predicted(
    module: ModuleType, params: dict[str, Array], features: Features, running: dict[str, Array] | None = None
) -> Array:
    """Return what a generated module predicts; `running` are the running statistics of one that has some."""
    found: Array = vars(module).get("predict", module.forward)(params, features, *([running] if running else []))
    return found


def mean_loss(
    module: ModuleType,
    params: dict[str, Array],
    features: Features,
    targets: Array,
    running: dict[str, Array] | None = None,
) -> float:
    """Return the mean loss over all rows, in evaluation: by the `running` statistics, if any, and without dropout."""
    options: dict[str, Any] = {"state": running} if running else {}
    if running or "MASKS" in vars(module):
        options["training"] = False
    return float(module.loss(params, features, targets, **options))


def accuracy(
    module: ModuleType,
    params: dict[str, Array],
    features: Features,
    targets: Array,
    running: dict[str, Array] | None = None,
    threshold: float = 0.5,
) -> float:
    """Return the part of rows whose class is predicted: the largest output, or for one output the side of `threshold`.

    Targets are class ids, or rows whose largest element is the class. `running` are the running statistics of a module
    that has some.
    """
    outputs = predicted(module, params, features, running)
    if outputs.shape[-1] == 1:
        return float(np.mean((outputs[..., 0] > threshold) == (np.reshape(targets, outputs.shape[:-1]) == 1)))
    classes = np.argmax(targets, axis=-1) if np.shape(targets) == outputs.shape else targets
    return float(np.mean(np.argmax(outputs, axis=-1) == classes))
