"""Operators that are layers: products with weights, norms, embeddings, dropout.

A row makes the layer, takes the weights in the order in which the layer has them, and says along which axis of the
tensor its features lie. Channels stand last in a network; where the framework has them in front, only weights move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symprop.importing.attention import Heads, attention
from symprop.importing.carried import Carried
from symprop.importing.convolutions import CONVOLUTIONS, dense, inverse, weight_of
from symprop.importing.graph import Call
from symprop.importing.reading import Reading
from symprop.importing.views import Seen, places, whole
from symprop.networks.activations import PReLU
from symprop.networks.dropout import Dropout
from symprop.networks.embedding import Embedding
from symprop.networks.norms import BatchNorm, GroupNorm, LayerNorm, Norm, RMSNorm


def linear(reading: Reading, call: Call, tensor: Any, weight: Any, bias: Any = None) -> Seen:
    """Return the product of the features with a weight of shape (out, in)."""
    W = weight_of(reading, call, weight)
    if not isinstance(tensor, Seen):
        reading.refuse(call, "a product of weights alone", "products of the input with weights")
    if isinstance(tensor.value.of, Heads):
        return attention(reading, call, tensor, W, bias)
    return dense(reading, call, tensor, W, bias, -1)


def addmm(reading: Reading, call: Call, bias: Any, tensor: Any, weight: Any, **_: Any) -> Seen:
    """Return `bias + tensor @ weight`, the weight of shape (in, out)."""
    return linear(reading, call, tensor, weight_of(reading, call, weight).permuted(1, 0), bias)


def normed(
    reading: Reading, call: Call, tensor: Seen, layer: Norm, axis: int, weight: Any, bias: Any, **running: Any
) -> Seen:
    """Return a norm with scale and shift along an axis; what the model leaves out stands at 1 and 0."""
    inside, order = reading.features(call, tensor, axis)
    weights = {"gamma": weight, **({"beta": bias} if layer.is_centred else {}), **running}
    kept = {letter: each.rows(inverse(order)) for letter, each in weights.items() if each is not None}
    value = reading.value(inside.value.shape, layer, (inside.value,), call.place, kept)
    missing = [letter for letter in weights if letter not in kept]
    if missing:
        reading.notes.append(
            f"{layer.text} at {call.place} has no {' and '.join(missing)} there: 1 and 0 stand for them"
        )
    return Seen(value, inside.axes)


def layer_norm(
    reading: Reading,
    call: Call,
    tensor: Seen,
    shape: Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    *_: Any,
) -> Seen:
    """Return the norm of each vector of features."""
    if len(shape) != 1:
        reading.refuse(call, f"a norm over {len(shape)} axes, {list(shape)}", "LayerNorm over the last axis")
    return normed(reading, call, tensor, LayerNorm(eps=eps), -1, weight, bias)


EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}


def rms_norm(
    reading: Reading, call: Call, tensor: Seen, shape: Sequence[int], weight: Any = None, eps: float | None = None
) -> Seen:
    """Return each vector of features divided by the root of the mean of its squares."""
    if len(shape) != 1:
        reading.refuse(call, f"a norm over {len(shape)} axes, {list(shape)}", "RMSNorm over the last axis")
    return normed(reading, call, tensor, RMSNorm(eps=EPSILON[call.dtype] if eps is None else eps), -1, weight, None)


def group_norm(
    reading: Reading,
    call: Call,
    tensor: Seen,
    groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    *_: Any,
) -> Seen:
    """Return the norm of groups of channels and all places."""
    if len(tensor.axes) > 2:
        reading.image(call, tensor, len(tensor.axes) - 2)
    if places(tensor.axes[1]) != list(range(tensor.value.shape[-1])):
        reading.refuse(call, "channels that were reordered", "channels in their order")
    return normed(reading, call, tensor, GroupNorm(groups, eps=eps), 1, weight, bias)


def instance_norm(
    reading: Reading,
    call: Call,
    tensor: Seen,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    of_input: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *_: Any,
) -> Seen:
    """Return the norm of each channel over all places: a group norm of groups of one."""
    if not of_input:
        reading.refuse(call, "running statistics of each example", "track_running_stats=False")
    return group_norm(reading, call, tensor, tensor.value.shape[-1], weight, bias, eps)


def batch_norm(
    reading: Reading,
    call: Call,
    tensor: Seen,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *_: Any,
) -> Seen:
    """Return the norm of each channel over batch and places; running statistics go with the network."""
    layer = BatchNorm(eps=eps, momentum=momentum)
    R, V = (each if each is None else Carried("", each, tuple(each.shape)) for each in (mean, variance))
    return normed(reading, call, tensor, layer, 1, weight, bias, R=R, V=V)


def batch_norm_in_training(reading: Reading, call: Call, *given: Any, **_: Any) -> list[Any]:
    """Return a batch norm as a decomposed graph has it, with statistics beside it."""
    if call.operator == "_native_batch_norm_legit_no_training":
        given = (*given[:5], False, *given[5:])
    return [batch_norm(reading, call, *given)]


def embedding(reading: Reading, call: Call, weight: Any, ids: Any, padding: int = -1, *_: Any) -> Any:
    """Return rows of a table, selected by the ids of an input, or by known numbers: then a weight."""
    table = weight_of(reading, call, weight)
    if not isinstance(ids, Seen):
        return table.moved(lambda tensor: tensor[ids], call.shape)
    if ids.value.of != "ids" or ids.value.rank != 1:
        reading.refuse(call, "ids that are computed, or no row of them", "an input of ids, one row for each example")
    if padding >= 0:
        reading.notes.append(f"the embedding at {call.place} learns row {padding} too, which padding_idx keeps there")
    vocabulary, width = table.shape
    layer = Embedding(vocabulary, width, flatten=False)
    value = reading.value((*ids.value.shape, table.shape[1]), layer, (ids.value,), call.place, {"E": table})
    axes = tuple(tuple(_shifted(atom) for atom in axis) for axis in ids.axes)
    return Seen(value, (*axes, whole(-1, table.shape[1])))


def _shifted(atom: Any) -> Any:
    return atom if atom.axis == 0 else type(atom)(atom.axis - 1, atom.stride, atom.size)


def dropout(reading: Reading, call: Call, tensor: Any, p: float, train: bool | None = True) -> Any:
    """Return a dropout; in evaluation a tensor as it is."""
    if not train or p == 0:
        return tensor
    if not isinstance(tensor, Seen) or (tensor.value.of is not None and not tensor.value.layer):
        reading.refuse(
            call, "dropout of what is no layer's output, such as the weights of attention", "dropout=0, or model.eval()"
        )
    if call.operator not in ("dropout", "native_dropout"):
        reading.refuse(call, "dropout of whole channels, in training", "Dropout, or model.eval()")
    return reading.after(call, tensor, Dropout(p))


def prelu(reading: Reading, call: Call, tensor: Seen, weight: Any) -> Seen:
    """Return a rectifier with a learned slope."""
    slope, count = weight_of(reading, call, weight), weight.shape[0]
    if count == 1:
        return reading.after(call, tensor, PReLU(), {"alpha": slope.reshaped()})
    inside, order = reading.features(call, tensor, 1)
    return reading.after(call, inside, PReLU(each=True), {"alpha": slope.rows(inverse(order))})


LAYERS: dict[str, Callable[..., Any]] = {
    "linear": linear,
    "addmm": addmm,
    **CONVOLUTIONS,
    "layer_norm": layer_norm,
    "native_layer_norm": lambda *given, **named: [layer_norm(*given, **named)],
    "rms_norm": rms_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "batch_norm": batch_norm,
    **dict.fromkeys(
        ("_native_batch_norm_legit_no_training", "_native_batch_norm_legit_functional", "_native_batch_norm_legit"),
        batch_norm_in_training,
    ),
    "embedding": embedding,
    **dict.fromkeys(("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"), dropout),
    "native_dropout": lambda *given: [dropout(*given)],
    "prelu": prelu,
}
"""The operators with weights, and dropout, by name."""
