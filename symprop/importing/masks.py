"""Masks of attention: known ones, and inputs of truth values or whole numbers, which hide where they are 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symprop.importing.arithmetic import Operand, plain_number
from symprop.importing.attention import HIDDEN, Scores, masked
from symprop.importing.graph import Call
from symprop.importing.reading import Reading
from symprop.importing.views import Opposite, Seen


def masked_fill(reading: Reading, call: Call, tensor: Seen, mask: Operand, value: Operand) -> Seen:
    """Return scores that are hidden where a mask is True."""
    filled = plain_number(value)
    told = isinstance(mask, Seen) and not isinstance(mask.value.of, Opposite)
    if not isinstance(tensor.value.of, Scores) or filled is None or filled > HIDDEN or told:
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


MASKS: dict[str, Callable[..., Any]] = {
    "masked_fill": masked_fill,
    "where": where,
    **dict.fromkeys(("gt", "ne", "eq"), compared),
    **dict.fromkeys(("logical_not", "bitwise_not"), opposite),
}
"""The operators that make masks and hide by them, by name."""
