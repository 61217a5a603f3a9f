"""Operators of two arrays and of several: sums, products, concatenations, means, and products of matrices."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sympy import Expr

from symprop.importing.attention import Scores, changed, masked, scores, sdpa, taken, weighed
from symprop.importing.carried import Carried
from symprop.importing.convolutions import inverse
from symprop.importing.formulas import Z, formula, log_softmax, number, of_base, softmax, with_activation
from symprop.importing.graph import Call
from symprop.importing.layers import linear
from symprop.importing.moves import part
from symprop.importing.reading import Reading
from symprop.importing.views import BATCH, Atom, Axis, Formula, Opposite, Seen, Value, covers, places, whole
from symprop.networks.activations import Sigmoid
from symprop.networks.branches import Concatenate, Multiply, Sum
from symprop.networks.own_activations import Activation
from symprop.networks.pooling import GlobalAveragePool
from symprop.networks.positions import ClassToken, Positions, SinusoidalPositions

Operand = Any
_SIGNS = (operator.add, operator.sub, operator.mul, operator.truediv)
SIGNS: dict[str, Callable[[Expr, Expr], Expr]] = dict(zip(("add", "sub", "mul", "div"), _SIGNS, strict=True))


def plain_number(operand: Operand) -> float | int | None:
    """Return an operand that is one number, also in a tensor of one element."""
    if isinstance(operand, (int, float)):
        return operand
    if isinstance(operand, (Seen, Carried)) or operand is None:
        return None
    found = np.asarray(operand.detach().cpu())
    return found.item() if found.size == 1 else None


def arithmetic(
    reading: Reading, call: Call, first: Operand, second: Operand, *, alpha: float = 1, rounding_mode: Any = None
) -> Any:
    """Return the sum, difference, product or quotient of two operands."""
    sign = call.operator
    if alpha != 1 and isinstance(second, Seen):
        second = formula(reading, call, second, number(alpha) * Z)
    for tensor, other, swapped in ((first, second, False), (second, first, True)):
        value = plain_number(other)
        if isinstance(tensor, Seen) and value is not None:
            return _with_number(reading, call, tensor, value * alpha, swapped)
    if isinstance(first, Seen) and isinstance(second, Seen):
        return _of_two(reading, call, sign, first, second)
    tensor, other = (first, second) if isinstance(first, Seen) else (second, first)
    if isinstance(tensor, Seen) and isinstance(tensor.value.of, Scores) and sign == "add":
        return masked(reading, call, tensor, other)
    if isinstance(tensor, Seen) and sign in ("add", "mul"):
        return _with_weight(reading, call, tensor, other)
    weight, value = (first, plain_number(second)) if isinstance(first, Carried) else (second, plain_number(first))
    if isinstance(weight, Carried) and value is not None and sign in ("mul", "div") and weight is first:
        return weight.times(value if sign == "mul" else 1 / value)
    reading.refuse(call, "a weight that is computed", "weights as they are, moved or times a number")


def _with_number(reading: Reading, call: Call, tensor: Seen, value: float, swapped: bool) -> Seen:
    """A tensor and a number."""
    sign = call.operator
    if isinstance(tensor.value.of, Scores):
        factor = {"mul": value, "div": 1 / value if value else 0}.get(sign)
        if factor is None or (swapped and sign == "div") or tensor.value.of.are_weights:
            reading.refuse(call, f"scores and the number {value}", "scores times a number, or divided by one")
        return changed(reading, call, tensor, factor=tensor.value.of.factor * factor)
    operands = (number(value), Z) if swapped else (Z, number(value))
    body = SIGNS[sign](*operands)
    return tensor if body == Z else formula(reading, call, tensor, body)


def _of_two(reading: Reading, call: Call, sign: str, first: Seen, second: Seen) -> Seen:
    """Two values: a formula where both are one of the same value, else branches."""
    a, b = of_base(first.value), of_base(second.value)
    if sign == "mul":  # of a value and its own activation: `x * sigmoid(x)`
        a, b = with_activation(a, b.base), with_activation(b, a.base)
    formulas = (isinstance(a.body, Expr) and (a.body != Z or b.body != Z)) or sign == "div"
    if a.base is b.base and first.axes == second.axes and formulas:
        body = SIGNS[sign](a.body, b.body)
        value = reading.value(a.base.shape, None, (a.base,), call.place, of=Formula(a.base, body))
        return Seen(value, first.axes)
    if sign == "sub":
        second = formula(reading, call, second, -Z)
    if sign == "div":
        second = formula(reading, call, second, 1 / Z)
    if sign in ("add", "sub"):
        return summed(reading, call, first, second)
    return multiplied(reading, call, first, second)


def summed(reading: Reading, call: Call, first: Seen, second: Seen) -> Seen:
    """Return the sum of two values of one shape."""
    if first.value.shape != second.value.shape:
        first, second = reading.sequence(first), reading.sequence(second)
    if first.value.shape != second.value.shape or first.axes != second.axes:
        reading.refuse(
            call,
            f"values {first.value.shape} and {second.value.shape} are added, as {first.sizes} and {second.sizes}",
            "values of one shape, in one order of axes",
        )
    return Seen(_joined(reading, call, Sum, first.value, second.value, first.value.shape), first.axes)


def _joined(
    reading: Reading, call: Call, kind: type[Any], first: Value, second: Value, shape: tuple[int, ...]
) -> Value:
    return reading.value(shape, None, (first, second), call.place, join=kind)


def multiplied(reading: Reading, call: Call, first: Seen, second: Seen) -> Seen:
    """Return the product of two values, one of which may be spread out: a factor for each feature or each position."""
    large, small = (first, second) if first.value.rank >= second.value.rank else (second, first)
    fits = all(b in (a, ()) for a, b in zip(large.axes[::-1], small.axes[::-1], strict=False))
    rest = large.axes[: len(large.axes) - len(small.axes)]
    spread = {atom.axis for axis in small.axes for atom in axis} - {BATCH}
    alone = small.value.rank == large.value.rank or spread <= {-1}
    if not fits or rest or not alone or isinstance(first.value.of, Scores) or isinstance(second.value.of, Scores):
        reading.refuse(
            call,
            f"values {first.value.shape} and {second.value.shape} are multiplied, as {first.sizes} and {second.sizes}",
            "equal shapes, a factor for each position or one for each feature",
        )
    return Seen(_joined(reading, call, Multiply, first.value, second.value, large.value.shape), large.axes)


def _with_weight(reading: Reading, call: Call, tensor: Seen, other: Operand) -> Seen:
    """A value and a weight, or known numbers: positions, a learned shift or scale of the features."""
    sign = call.operator
    shape = tuple(other.shape)
    padded = (1,) * (len(tensor.axes) - len(shape)) + shape
    spread = [place for place, size in enumerate(padded) if size > 1]
    if sign == "add" and len(padded) == 3 and spread and set(spread) <= {1, 2}:
        inside = reading.sequence(tensor)
        value = inside.value
        if padded[1:] == value.shape and inside.axes[1:] == (whole(-2, padded[1]), whole(-1, padded[2])):
            return _positions(reading, call, inside, other)
    if isinstance(other, Carried):
        if not spread and all(size == 1 for size in shape):
            body = "z + g" if sign == "add" else "g * z"
            return reading.after(call, tensor, Activation(body, learned={"g": ""}), {"g": other.reshaped()})
        if len(spread) == 1 and covers(tensor.axes[spread[0]], -1, tensor.value):
            order = places(tensor.axes[spread[0]])
            vector = other.reshaped(len(order)).rows(inverse(order))
            layer = Activation("z + g" if sign == "add" else "g * z", learned={"g": "n"})
            return reading.after(call, tensor, layer, {"g": vector})
    reading.refuse(
        call,
        f"an array of shape {shape} and a value of shape {tensor.sizes}",
        "positions (T, n), or a learned number or vector of the features",
    )


def _positions(reading: Reading, call: Call, tensor: Seen, other: Operand) -> Seen:
    shape = tensor.value.shape
    if isinstance(other, Carried):
        return reading.after(call, tensor, Positions(), {"pos": other.reshaped(*shape)})
    given = np.asarray(other.detach().cpu().double()).reshape(shape)
    place, feature = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    angle = place / 10000.0 ** (feature // 2 * 2 / shape[1])
    usual = np.where(feature % 2 == 0, np.sin(angle), np.cos(angle))
    if np.abs(given - usual).max() < 1e-5:  # tables are made in float32
        return reading.after(call, tensor, SinusoidalPositions())
    reading.refuse(call, "known numbers are added that are not the usual sines and cosines", "learned positions")


def cat(reading: Reading, call: Call, tensors: Sequence[Operand], dim: int = 0) -> Seen:
    """Return values one after the other along the features; a learned vector before a sequence is a class token."""
    first, *others = tensors
    if isinstance(first, Seen) and not others:
        return first
    if isinstance(first, Carried) and len(others) == 1 and isinstance(others[0], Seen):
        inside = reading.sequence(others[0])
        value, axes = inside.value, inside.axes
        if axes[dim] == whole(-2, value.shape[0]) and first.shape[dim] == 1 and value.rank == 2:
            made = reading.value(
                (value.shape[0] + 1, value.shape[1]),
                ClassToken(),
                (value,),
                call.place,
                {"cls": first.reshaped(value.shape[1])},
            )
            axes = tuple(whole(-2, made.shape[0]) if axis == axes[dim] else axis for axis in axes)
            return Seen(made, axes)
    place = dim % len(call.shape)
    if all(isinstance(each, Seen) for each in tensors):
        alike = {(each.value.shape[:-1], _without(each.axes, place)) for each in tensors}
        if len(alike) == 1 and all(each.axes[place] == whole(-1, each.value.shape[-1]) for each in tensors):
            value = _side_by_side(reading, call, tuple(each.value for each in tensors))
            return reading.along(first, place, value)
    reading.refuse(
        call, f"along axis {dim}", "values that differ in their features, or a learned token before a sequence"
    )


def _side_by_side(reading: Reading, call: Call, sources: tuple[Value, ...]) -> Value:
    """Values side by side; those in front that stand so already, as in a DenseNet, are one."""
    known = {each.sources: each for each in reading.values if each.join is Concatenate}
    while front := next((known[sources[:count]] for count in range(2, len(sources)) if sources[:count] in known), None):
        sources = (front, *sources[len(front.sources) :])
    width = sum(each.shape[-1] for each in sources)
    return reading.value((*sources[0].shape[:-1], width), None, sources, call.place, join=Concatenate)


def _without(axes: tuple[Axis, ...], place: int) -> tuple[Axis, ...]:
    return (*axes[:place], *axes[place + 1 :])


def mean(reading: Reading, call: Call, tensor: Seen, dim: Any = None, keepdim: bool = False, **_: Any) -> Seen:
    """Return the mean over all places of a sequence or an image."""
    dims = [dim] if isinstance(dim, int) else list(dim or range(len(tensor.axes)))
    averaged = [atom for place in dims for atom in tensor.axes[place]]
    return pooled(reading, call, tensor, [place % len(tensor.axes) for place in dims], averaged, keepdim)


def pooled(
    reading: Reading, call: Call, tensor: Seen, dims: list[int], averaged: Sequence[Atom], keepdim: bool
) -> Seen:
    """Return the mean over axes of the tensor, which must be all places of its value."""
    value = tensor.value
    count = 1
    for atom in averaged:
        count *= atom.size
    total = 1
    for size in value.shape[:-1]:
        total *= size
    if any(atom.axis in (BATCH, -1) for atom in averaged) or count != total or value.rank < 2:
        reading.refuse(call, f"a mean over axes {dims} of a tensor of shape {tensor.sizes}", "the mean over all places")
    made = reading.value(value.shape[-1:], GlobalAveragePool(), (value,), call.place)
    axes = [() if place in dims else axis for place, axis in enumerate(tensor.axes)]
    return Seen(made, tuple(axis for place, axis in enumerate(axes) if keepdim or place not in dims))


def matmul(reading: Reading, call: Call, first: Operand, second: Operand) -> Any:
    """Return a product with a weight, scores of queries and keys, or what weights take of values."""
    if isinstance(first, Seen) and isinstance(second, Carried) and len(second.shape) == 2:
        return linear(reading, call, first, second.permuted(1, 0))
    if isinstance(first, Seen) and isinstance(second, Seen):
        if isinstance(first.value.of, Scores):
            return taken(reading, call, first, second)
        turned = Seen(second.value, (*second.axes[:-2], second.axes[-1], second.axes[-2]))
        return scores(reading, call, first, turned)
    reading.refuse(call, "a product that is neither with a weight nor one of attention", "x @ W, softmax(q k') v")


def glu(reading: Reading, call: Call, tensor: Seen, dim: int = -1) -> Seen:
    """Return one half of the features times the sigmoid of the other."""
    half = tensor.sizes[dim] // 2
    value, gate = (part(reading, call, tensor, dim, start, start + half) for start in (0, half))
    if not isinstance(value, Seen) or not isinstance(gate, Seen):
        reading.refuse(call, "a gate of weights", "a gate of values")
    return multiplied(reading, call, value, reading.after(call, gate, Sigmoid()))


def baddbmm(reading: Reading, call: Call, mask: Operand, first: Seen, second: Seen, **_: Any) -> Any:
    """Return scores of queries and keys with a mask added."""
    return masked(reading, call, matmul(reading, call, first, second), mask)


def masked_fill(reading: Reading, call: Call, tensor: Seen, mask: Operand, value: Operand) -> Seen:
    """Return scores that are hidden where a mask is True."""
    filled = plain_number(value)
    told = isinstance(mask, Seen) and not isinstance(mask.value.of, Opposite)
    if not isinstance(tensor.value.of, Scores) or filled is None or filled > -1e4 or told:
        allowed = "scores of attention hidden by a known mask, or where an input is 0"
        reading.refuse(call, "numbers are written over values", allowed)
    return masked(reading, call, tensor, opposite(reading, call, mask) if isinstance(mask, Seen) else ~mask)


def where(reading: Reading, call: Call, mask: Operand, tensor: Operand, other: Operand) -> Seen:
    """Return scores that are hidden where a mask is False."""
    if not isinstance(tensor, Seen):
        reading.refuse(call, "a choice of known numbers", "scores of attention hidden by a mask")
    return masked_fill(reading, call, tensor, opposite(reading, call, mask) if isinstance(mask, Seen) else ~mask, other)


def opposite(reading: Reading, call: Call, tensor: Seen, *_: Any) -> Seen:
    """Return truth values of an input turned: True where it is 0."""
    if isinstance(tensor.value.of, Opposite):
        return Seen(tensor.value.of.base, tensor.axes)
    base = tensor.value
    return Seen(reading.value(base.shape, None, (base,), call.place, of=Opposite(base)), tensor.axes)


def compared(reading: Reading, call: Call, tensor: Operand, other: Operand) -> Seen:
    """Return where an input of whole numbers or truth values is not 0, or where it is."""
    if not isinstance(tensor, Seen) or tensor.value.of != "ids" or plain_number(other) != 0:
        reading.refuse(call, "a comparison", "an input of whole numbers or truth values with 0, as a mask of attention")
    return opposite(reading, call, tensor) if call.operator == "eq" else tensor


def any_softmax(reading: Reading, call: Call, tensor: Seen, dim: int, *rest: Any, **named: Any) -> Seen:
    """Return a softmax of scores, or of features."""
    row = weighed if isinstance(tensor.value.of, Scores) else softmax
    return row(reading, call, tensor, dim, *rest, **named)


ARITHMETIC: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(SIGNS, arithmetic),
    **dict.fromkeys(("cat", "concat"), cat),
    "mean": mean,
    **dict.fromkeys(("matmul", "mm", "bmm"), matmul),
    "baddbmm": baddbmm,
    "glu": glu,
    "scaled_dot_product_attention": sdpa,
    "masked_fill": masked_fill,
    "where": where,
    **dict.fromkeys(("gt", "ne", "eq"), compared),
    **dict.fromkeys(("logical_not", "bitwise_not"), opposite),
    **dict.fromkeys(("softmax", "_softmax"), any_softmax),
    **dict.fromkeys(("log_softmax", "_log_softmax"), log_softmax),
}
"""The operators of two arrays or more, by name."""
