"""The reading of a graph: what each tensor is by now, and what its operators may ask and make.

An operator is a row of a table (`symprop.importing.operators`): a function of the reading, the call and its arguments,
which are `Seen` (values of the network), `Carried` (weights) and plain tensors and numbers. It returns such again.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any, NoReturn

from symprop.errors import SpecError, shown
from symprop.importing.carried import Carried
from symprop.importing.graph import Call
from symprop.importing.views import BATCH, Formula, Seen, Value, covers, flattened, places, seen, whole
from symprop.networks.activations import Elementwise
from symprop.networks.layers import Dense, Layer
from symprop.networks.pooling import Flatten


class Reading:
    """One reading of one graph: `values` are those of the network as they were made, `targets` what losses read."""

    def __init__(self, batch: int) -> None:
        self.batch = whole(BATCH, batch)
        self.values: list[Value] = []
        self.notes: list[str] = []
        self.targets: list[Value] = []

    def refuse(self, call: Call, what: str, allowed: str) -> NoReturn:
        """Raise with the operator and its place."""
        raise SpecError(f"{shown(call.operator)} at {call.place}: {what}\nallowed: {allowed}") from None

    def value(
        self,
        shape: tuple[int, ...],
        layer: Layer | None,
        sources: tuple[Value, ...],
        place: str,
        weights: dict[str, Carried | None] | None = None,
        **more: Any,
    ) -> Value:
        """Return a new value; weights that are None are left out."""
        kept = {letter: weight for letter, weight in (weights or {}).items() if weight is not None}
        made = Value(tuple(shape), layer, sources, place, kept, **more)
        self.values.append(made)
        return made

    def after(self, call: Call, tensor: Seen, layer: Layer, weights: dict[str, Carried | None] | None = None) -> Seen:
        """Return what a layer makes that keeps the shape of what it reads."""
        made = self.value(tensor.value.shape, layer, (tensor.value,), call.place, weights)
        return Seen(made, tensor.axes)

    def along(self, tensor: Seen, axis: int, value: Value) -> Seen:
        """Return a value seen as a tensor is, but for one axis of the tensor, which is all of the value's last axis."""
        axes = list(tensor.axes)
        axes[axis] = whole(-1, value.shape[-1])
        return Seen(value, tuple(axes))

    def vector(self, tensor: Seen) -> Seen:
        """Return a tensor whose value is one vector: all of its elements, as they stand in the value."""
        value = tensor.value
        if value.rank == 1:
            return tensor
        if "flat" not in value.made:
            value.made["flat"] = self.value((prod(value.shape),), Flatten(), (value,), value.place)
        return Seen(value.made["flat"], flattened(tensor.axes, value))

    def sequence(self, tensor: Seen) -> Seen:
        """Return a tensor whose value is a sequence: the pixels of an image become its positions."""
        value = tensor.value
        if value.rank < 3:
            return tensor
        if "sequence" not in value.made:
            shape = (prod(value.shape[:-1]), value.shape[-1])
            value.made["sequence"] = self.value(shape, Flatten(places=True), (value,), value.place)
        return Seen(value.made["sequence"], flattened(tensor.axes, value, kept=1))

    def features(self, call: Call, tensor: Seen, axis: int = -1) -> tuple[Seen, list[int]]:
        """Return the tensor so that an axis of it is the last axis of its value, and where its elements stand in that.

        What a framework flattened is flattened here, in the value's own order.
        """
        place, value = axis % len(tensor.axes), tensor.value
        others = [atom for number, each in enumerate(tensor.axes) if number != place for atom in each]
        alone = all(atom.axis == BATCH for atom in others)
        if (alone and len(tensor.axes) == 2) or (alone and not covers(tensor.axes[axis], -1, value)):
            tensor = self.vector(tensor)
        if covers(tensor.axes[axis], -1, tensor.value) and not any(atom.axis == -1 for atom in others):
            return tensor, places(tensor.axes[axis])
        self.refuse(
            call,
            f"axis {axis % len(tensor.axes)} of a tensor of shape {tensor.sizes} is not that of the features",
            "the last axis of vectors and sequences, channels of images, or all axes but the batch flattened",
        )

    def image(self, call: Call, tensor: Seen, axes: int) -> tuple[Seen, list[int]]:
        """Return a tensor with its channels behind the batch, then `axes` axes of places, and the channels' places."""
        value = tensor.value
        if len(tensor.axes) == axes + 2 and value.rank == axes + 1:
            right = all(tensor.axes[2 + k] == whole(k - axes - 1, value.shape[k]) for k in range(axes))
            if right and covers(tensor.axes[1], -1, value):
                return tensor, places(tensor.axes[1])
        self.refuse(
            call,
            f"a tensor of shape {tensor.sizes} of a value of shape {value.shape} is no "
            f"{'sequence' if axes == 1 else 'image'} of channels",
            "what a convolution, a pool or the input gives, batch and channels in front",
        )

    def further(self, value: Value) -> Seen:
        """Return a value as a tensor, the batch in front."""
        return seen(value, self.batch)


def narrowed(reading: Reading, call: Call, value: Value, rows: list[int]) -> Value:
    """Return the part of a value at these places of its last axis: of what a Dense makes, a Dense of fewer rows.

    Raises:
        SpecError: it is not made of rows of a weight.
    """
    if rows == list(range(value.shape[-1])):
        return value
    key = ("rows", tuple(rows))
    if key not in value.made:
        shape = (*value.shape[:-1], len(rows))
        if isinstance(value.layer, Dense):
            weights: dict[str, Carried | None] = {letter: each.rows(rows) for letter, each in value.weights.items()}
            layer: Layer = replace(value.layer, size=len(rows))
            value.made[key] = reading.value(shape, layer, value.sources, value.place, weights)
        elif isinstance(value.layer, Elementwise):
            source = narrowed(reading, call, value.sources[0], rows)
            value.made[key] = reading.value(shape, value.layer, (source,), value.place)
        elif isinstance(value.of, Formula):
            base = narrowed(reading, call, value.of.base, rows)
            value.made[key] = reading.value(shape, None, (base,), value.place, of=Formula(base, value.of.body))
        else:
            reading.refuse(
                call, f"a part of a value of shape {value.shape} has no layer", "parts of what a Linear makes"
            )
    return value.made[key]
