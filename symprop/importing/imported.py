"""A network that was a model elsewhere, with its weights, and the way of arrays there and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symprop.errors import DataError, listed
from symprop.importing.carried import Carried
from symprop.importing.views import BATCH, Axis, Seen
from symprop.keywords import public
from symprop.networks.layers import Input, Layer
from symprop.networks.network import Network

Array = np.ndarray[Any, np.dtype[Any]]


@public
@dataclass(frozen=True, repr=False)
class Imported(Network):
    """A network with the weights of the model that it comes from.

    `weights` are its parameters by the names that the formulas have, as modules take them; `running` the statistics of
    its batch norms. An image has its channels last here. `taken` arranges an input of the model so, `returned` puts
    an output in the order of the model, `gradients_there` gradients under its names and in its shapes.
    """

    weights: dict[str, Array] = field(default_factory=dict, repr=False, compare=False)
    running: dict[str, Array] = field(default_factory=dict, repr=False, compare=False)
    origins: dict[str, Carried] = field(default_factory=dict, repr=False, compare=False)
    seen: tuple[tuple[Seen, ...], Seen | None] = field(default=((), None), repr=False, compare=False)

    def longer(self, layers: tuple[Layer, ...]) -> Imported:
        """Return the network with layers behind its own, such as a loss, and with its weights."""
        return replace(self, layers=layers, _progress=list(self._progress))

    def taken(self, *inputs: Any) -> Any:
        """Return inputs of the model as modules of the network take them: an array, or a dict of several by name.

        Raises:
            DataError: not as many as the model has.
        """
        tensors, _ = self.seen
        if len(inputs) != len(tensors):
            raise DataError(f"the model has {len(tensors)} inputs, {len(inputs)} are given")
        names = [each.value.layer.name for each in tensors if isinstance(each.value.layer, Input)]
        found = {
            name: _arranged(np.asarray(each), tensor) for name, each, tensor in zip(names, inputs, tensors, strict=True)
        }
        return found if len(found) > 1 else found[names[0]]

    def returned(self, output: Array) -> Array:
        """Return an output of a module of the network as the model returns it."""
        tensor = self.seen[1]
        return output if tensor is None else _as_there(np.asarray(output), tensor)

    def gradients_there(self, gradients: Mapping[str, Array]) -> dict[str, Array]:
        """Return gradients by the model's names, each in the model's shape.

        Raises:
            DataError: gradients of another network.
        """
        found: dict[str, Array] = {}
        for name, origin in self.origins.items():
            if name not in gradients:
                raise DataError(f"no gradient of {name}; the parameters are {listed(self.origins)}")
            gradient = np.asarray(gradients[name])
            for each in (origin, *origin.added) if name in self.weights else ():
                if each.name:
                    whole = found.setdefault(each.name, np.zeros(tuple(each.tensor.shape), gradient.dtype))
                    share = each.factor * gradient[: each.shape[0]] if each.shape else each.factor * gradient
                    np.add.at(whole.reshape(-1), each.places.reshape(-1), share.reshape(-1))
        return found


def _batch(axis: Axis) -> bool:
    return any(atom.axis == BATCH for atom in axis)


def _arranged(array: Array, tensor: Seen) -> Array:
    """An input of the model as the network takes it: the batch in front, channels last."""
    rank = tensor.value.rank
    order: list[int] = [next((k for k, axis in enumerate(tensor.axes) if _batch(axis)), 0)]
    rest = [k for k in range(len(tensor.axes)) if k != order[0]]
    at = {atom.axis: k for k in rest for atom in tensor.axes[k]}
    free = [k for k in rest if not tensor.axes[k]]
    order += [at[axis] if axis in at else free.pop(0) for axis in range(-rank, 0) if axis in at or free]
    return np.ascontiguousarray(array.transpose(order)).reshape(len(array.transpose(order)), *tensor.value.shape)


def _as_there(array: Array, tensor: Seen) -> Array:
    """An output of the network in the shape and order in which the model has it."""
    shape = array.shape
    sizes = dict(zip(range(-tensor.value.rank, 0), shape[1:], strict=True)) | {BATCH: shape[0]}
    steps = {axis: int(np.prod([sizes[k] for k in range(axis + 1, 0)], initial=1)) for axis in sizes if axis}
    steps[BATCH] = int(np.prod(shape[1:], initial=1))
    found = np.zeros((), np.int64)
    for axis in tensor.axes:
        line = np.zeros((), np.int64)
        for atom in axis:
            size = shape[0] if atom.axis == BATCH else atom.size
            line = np.add.outer(line, np.arange(size) * atom.stride * steps[atom.axis])
        found = np.add.outer(found, line.reshape(-1))
    return array.reshape(-1)[found]
