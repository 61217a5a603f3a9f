"""Attention, folded: queries, keys and values that linear layers make, moved into heads, scored, weighed, put together.

A framework writes it in a dozen operators or in one. Here the heads are atoms of the features, so that what moves them
needs no pattern; scores, weights and heads are values that are no layer's yet, until the last linear layer makes all of
them an `Attention`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symprop.importing.carried import Carried
from symprop.importing.formulas import Z
from symprop.importing.graph import Call
from symprop.importing.reading import Reading
from symprop.importing.views import BATCH, Atom, Axis, Formula, Seen, Value, flattened, places, whole
from symprop.networks.attention import Attention
from symprop.networks.layers import Dense, Input

Array = np.ndarray[Any, np.dtype[Any]]
HIDDEN = -1e4
"""A number added to a score that is as far below 0 as this hides it; models write -inf, the least number, -10000."""


@dataclass(frozen=True)
class Projected:
    """Queries, keys or values: what a Dense makes of a sequence, in `heads` of width `d`, and a factor."""

    value: Value
    heads: int
    d: int
    factor: float

    @property
    def source(self) -> Value:
        """The sequence that the Dense reads."""
        return self.value.sources[0]


@dataclass(frozen=True)
class Scores:
    """Products of queries and keys times `factor`; `keep` says which count, (T, S), where not all do."""

    query: Projected
    key: Projected
    factor: float
    keep: Array | None = None
    are_weights: bool = False
    mask: Input | None = None


@dataclass(frozen=True)
class Heads:
    """What each head takes, side by side."""

    scores: Scores
    read: Projected


def projected(reading: Reading, call: Call, tensor: Any) -> tuple[Projected, Seen]:
    """Return queries, keys or values with the tensor that shows them over a sequence.

    Raises:
        SpecError: no Dense makes them of a sequence, or their features are not heads side by side.
    """
    allowed = "queries, keys and values that linear layers make of sequences, in heads"
    if not isinstance(tensor, Seen):
        reading.refuse(call, "a product with what is no value of the network", allowed)
    value, factor = tensor.value, 1.0
    if isinstance(value.of, Formula):
        ratio = value.of.body / Z
        if ratio.is_number:
            value, factor = value.of.base, float(ratio)
    if not isinstance(value.layer, Dense) or value.rank < 2:
        reading.refuse(call, "a product of two values of the network, of which one comes from no linear layer", allowed)
    axes = tensor.axes
    if value.rank > 2:
        source = reading.sequence(reading.further(value.sources[0])).value
        axes = flattened(axes, value, kept=1)
        shape = (source.shape[0], value.shape[-1])
        value = reading.value(shape, value.layer, (source,), value.place, dict(value.weights))
    if axes[-2] != whole(-2, value.shape[0]):
        reading.refuse(
            call,
            f"attention runs along {_along(axes[-2])}, not along positions",
            "batch=1 for a model whose examples lie along axis 1, as without batch_first=True",
        )
    return _in_heads(reading, call, value, factor, Seen(value, axes)), Seen(value, axes)


def _along(axis: Axis) -> str:
    return "the batch" if any(atom.axis == BATCH for atom in axis) else "parts of axes"


def _in_heads(reading: Reading, call: Call, value: Value, factor: float, tensor: Seen) -> Projected:
    atoms = sorted((atom for axis in tensor.axes for atom in axis if atom.axis == -1), key=lambda atom: atom.stride)
    width = value.shape[-1]
    last = [atom for atom in (*tensor.axes[-1], *tensor.axes[-2]) if atom.axis == -1]
    d = last[0].size if last else 1
    usual = [atom for atom in (Atom(-1, 1, d), Atom(-1, d, width // d)) if atom.size > 1]
    if atoms != usual:
        reading.refuse(call, f"features in parts {[each.size for each in atoms]} are no heads side by side", "heads")
    return Projected(value, width // d, d, factor)


def scores(reading: Reading, call: Call, query: Any, key: Any, scale: float = 1.0) -> Seen:
    """Return the products of queries and keys, each (..., T, d)."""
    (q, of_q), (k, of_k) = projected(reading, call, query), projected(reading, call, key)
    if q.d != k.d or q.heads % k.heads:
        reading.refuse(call, f"{q.heads} heads of width {q.d} and {k.heads} of {k.d}", "heads of one width")
    found = Scores(q, k, scale * q.factor * k.factor)
    shape = (q.heads, q.value.shape[0], k.value.shape[0])
    value = reading.value(shape, None, (q.source, k.source), call.place, of=found)

    def now(atom: Atom) -> Atom:
        return Atom(-3, atom.stride // q.d, atom.size) if atom.axis == -1 else atom

    keys: Axis = tuple(Atom(-1, atom.stride, atom.size) for atom in of_k.axes[-2])
    return Seen(value, (*(tuple(map(now, axis)) for axis in of_q.axes[:-1]), keys))


def changed(reading: Reading, call: Call, tensor: Seen, **changes: Any) -> Seen:
    """Return scores with something changed."""
    value = tensor.value
    made = reading.value(value.shape, None, value.sources, call.place, of=replace(value.of, **changes))
    return Seen(made, tensor.axes)


def masked(reading: Reading, call: Call, tensor: Seen, mask: Any) -> Seen:
    """Return scores of which a known mask hides some: numbers that are added, or truth values, True where seen."""
    if mask is None:
        return tensor
    if isinstance(mask, Seen):
        return _masked_by_input(reading, call, tensor, mask)
    if isinstance(mask, Carried):
        reading.refuse(call, "a mask that is learned", "causal masks, such as hide nothing, and inputs")
    found = np.asarray(mask.detach().cpu().numpy())
    if found.dtype != np.bool_:
        if not ((found == 0) | (found <= HIDDEN)).all():
            reading.refuse(call, "numbers other than 0 and -inf are added to scores", "masks of 0 and -inf")
        found = found == 0
    positions = tensor.value.shape[1:]
    shape = (*(1,) * (2 - found.ndim), *found.shape)
    rows = np.broadcast_to(found.reshape(-1, *shape[-2:]), (math.prod(shape[:-2]), *positions))
    if (rows != rows[0]).any():
        reading.refuse(call, "a mask that differs among examples or heads", "one mask for all")
    keep, before = rows[0], tensor.value.of.keep
    return changed(reading, call, tensor, keep=keep if before is None else keep & before)


def _masked_by_input(reading: Reading, call: Call, tensor: Seen, mask: Seen) -> Seen:
    """A mask that is an input of truth values, one for each position that is read, the same for heads and queries."""
    layer, keys = mask.value.layer, tensor.value.shape[-1]
    alone = all(not axis for axis in mask.axes[1:-1]) and mask.axes[-1] == whole(-1, keys)
    fits = mask.value.of == "ids" and mask.value.shape == (keys,) and alone
    if not isinstance(layer, Input) or not fits or tensor.value.of.mask is not None:
        allowed = "one truth value for each key, (batch, 1, 1, keys), True where it is seen"
        reading.refuse(call, f"a mask of shape {mask.sizes} that is computed or not one for all queries", allowed)
    return changed(reading, call, tensor, mask=layer)


def weighed(reading: Reading, call: Call, tensor: Seen, dim: int, *_: Any, **__: Any) -> Seen:
    """Return the softmax of scores."""
    if dim % len(tensor.axes) != len(tensor.axes) - 1:
        reading.refuse(call, f"a softmax of scores along axis {dim}", "along the keys, the last axis")
    return changed(reading, call, tensor, are_weights=True)


def taken(reading: Reading, call: Call, weights: Seen, values: Any) -> Seen:
    """Return what heads take of values, (..., S, d), by their weights."""
    found: Scores = weights.value.of
    if not found.are_weights:
        reading.refuse(call, "values are weighed by scores without a softmax", "softmax before it")
    v, _ = projected(reading, call, values)
    if v.heads != found.key.heads or v.source is not found.key.source:
        reading.refuse(call, "values that are not of the sequence of the keys", "keys and values of one sequence")
    q, d = found.query, v.d
    if d != q.d or v.factor != 1:
        reading.refuse(call, f"values of width {d} beside queries of {q.d}", "heads of one width")
    sources = (q.source, *([found.key.source] if found.key.source is not q.source else []))
    value = reading.value(q.value.shape, None, sources, call.place, of=Heads(found, v))

    def back(atom: Atom) -> Atom:
        return Atom(-1, atom.stride * d, atom.size) if atom.axis == -3 else atom

    features = (Atom(-1, 1, d),) if d > 1 else ()
    return Seen(value, (*(tuple(map(back, axis)) for axis in weights.axes[:-1]), features))


def sdpa(
    reading: Reading,
    call: Call,
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Seen:
    """Return what heads take, by the one operator that scores, hides, weighs and takes."""
    if dropout_p:
        reading.refuse(call, "dropout of the weights of attention", "dropout=0 there, or model.eval()")
    (q, _) = projected(reading, call, query)
    found = scores(reading, call, query, key, 1 / math.sqrt(q.d) if scale is None else scale)
    found = masked(reading, call, found, attn_mask)
    if is_causal:
        shape = found.value.shape[1:]
        found = changed(reading, call, found, keep=np.tril(np.ones(shape, bool)))
    return taken(reading, call, changed(reading, call, found, are_weights=True), value)


def attention(reading: Reading, call: Call, tensor: Seen, W: Carried, bias: Carried | None) -> Seen:
    """Return the `Attention` of which this is the last linear layer."""
    heads: Heads = tensor.value.of
    found, v = heads.scores, heads.read
    q, k, (T, width) = found.query, found.key, found.query.source.shape
    if W.shape[0] != width or places(tensor.axes[-1]) != list(range(tensor.value.shape[-1])):
        reading.refuse(call, f"heads go into {W.shape[0]} features of {width}", "attention that keeps the width")
    ratio = found.factor * math.sqrt(q.d)
    parts = {"q": q.value, "k": k.value, "v": v.value}
    weights: dict[str, Carried | None] = {"Wo": W}
    weights.update((f"W{letter}", part.weights["W"]) for letter, part in parts.items())
    biases: dict[str, Carried | None] = {f"b{letter}": part.weights.get("b") for letter, part in parts.items()}
    biases["bo"] = bias
    has_bias = any(each is not None for each in biases.values())
    missing = [letter for letter, each in biases.items() if each is None]
    if has_bias and missing:
        reading.notes.append(f"the attention at {call.place} has no {', '.join(missing)} there: 0 stands for them")
    weights.update(biases)
    for letter in ("Wq", "bq") if abs(ratio - 1) > 1e-12 else ():
        each = weights[letter]
        weights[letter] = each and each.times(ratio)
    memory = None if k.source is q.source else k.source
    if memory is not None and not isinstance(memory.layer, Input):
        reading.refuse(
            call, "keys of a value that is neither that of the queries nor an input", "a memory that is an input"
        )
    layer = Attention(
        q.heads,
        causal=_is_causal(reading, call, found),
        kv_heads=k.heads if k.heads != q.heads else None,
        head_size=q.d if q.d * q.heads != width else None,
        bias=has_bias,
        mask=found.mask,
        memory=memory.layer if memory is not None else None,  # type: ignore[arg-type]
    )
    value = reading.value((T, width), layer, (q.source,), call.place, weights)
    return reading.along(tensor, -1, value)


def _is_causal(reading: Reading, call: Call, found: Scores) -> bool:
    if found.keep is None or found.keep.all():
        return False
    if found.keep.shape[0] == found.keep.shape[1] and (found.keep == np.tril(np.ones_like(found.keep))).all():
        return True
    reading.refuse(call, "a mask that is not causal", "masks that hide what comes later, or nothing")
