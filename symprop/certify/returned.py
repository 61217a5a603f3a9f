"""What a backward pass returned: gradients by the names of the variables, in any of the ways in which people do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symprop.certify.asking import Asked, called
from symprop.certify.subject import Subject
from symprop.errors import SpecError, listed, shown
from symprop.verify.arithmetic import Array

MARKS = ("d", "d_", "grad_", "gradient_", "g_")
"""What stands before the name of a variable in that of its gradient."""


@dataclass(frozen=True)
class Given:
    """A gradient as it was returned: an array of numbers, or what is wrong with it."""

    array: Array | None
    problem: str = ""


def order_of(returned: Any, backward: Any, subject: Subject, asked: Asked, wrt: Sequence[str] | None) -> list[str]:
    """Return by which variables gradients were returned, in their order.

    Without `wrt` a dictionary says it itself; several arrays are by the variables that the function asks for, in the
    order of its parameters, else by all variables of the forward pass.

    Raises:
        SpecError: so many gradients can be by no variables, or a name is unknown.
    """
    name = called(backward)
    named = _by_name(returned, subject)
    if named is not None:
        unknown = [key for key in _keys(returned) if _variable(key, subject.differentiable) is None]
        if unknown and wrt is None:
            allowed = listed(f"d{each}" for each in subject.differentiable)
            raise SpecError(f"{name} returns {shown(unknown[0])}, which is no gradient\nallowed: {allowed}")
        if not named and wrt is None:
            raise SpecError(
                f"{name} returns no gradient\nallowed: {listed(f'd{each}' for each in subject.differentiable)}"
            )
        return list(wrt if wrt is not None else named)
    count = len(returned) if isinstance(returned, tuple) else 1
    own = [each for each in asked.names if each in subject.by]
    choices = [own, list(subject.by)] if wrt is None else [list(wrt)]
    for each in choices:
        if len(each) == count or (each == choices[-1] and len(each) == 1):  # rows or numbers of one array
            return each
    expected = " or ".join(dict.fromkeys(f"{len(each)}, for {listed(each)}" for each in choices if each))
    many = f"{count} gradients" if count != 1 else "1 gradient"
    raise SpecError(
        f"{name} returns {many}, expected {expected}\nallowed: a tuple in this order, or {_example(subject)}"
    )


def gradients(returned: Any, order: Sequence[str], subject: Subject) -> dict[str, Given]:
    """Return each gradient by the name of its variable."""
    named = _by_name(returned, subject)
    if named is not None:
        return {name: _given(named[name]) if name in named else Given(None, "not returned") for name in order}
    parts = returned if isinstance(returned, tuple) else (returned,)
    if len(order) == 1 and len(parts) != 1:  # a list of numbers
        parts = (_together(parts),)
    if len(parts) != len(order):
        return {name: Given(None, f"{len(parts)} gradients returned") for name in order}
    return {name: _given(part) for name, part in zip(order, parts, strict=True)}


def _keys(returned: Any) -> list[str]:
    match returned:
        case dict():
            return list(map(str, returned))
        case object(_fields=fields):
            return list(map(str, fields))
        case _:
            return []


def _by_name(returned: Any, subject: Subject) -> dict[str, Any] | None:
    """Return gradients that were returned by name, None where they were not."""
    if not isinstance(returned, Mapping):
        return None
    found = {_variable(str(key), subject.differentiable): value for key, value in returned.items()}
    return {name: value for name, value in found.items() if name is not None}


def _variable(key: str, names: Sequence[str]) -> str | None:
    """Return the variable whose gradient is called `key`.

    >>> _variable("dW1", ["W1", "b1"]), _variable("W1", ["W1", "b1"]), _variable("dx", ["W1"])
    ('W1', 'W1', None)
    """
    spelled = {f"{mark}{name}": name for mark in MARKS for name in names}
    return key if key in names else spelled.get(key)


def _together(parts: Sequence[Any]) -> Any:
    """Return rows or numbers as one array, as they are where their lengths differ."""
    try:
        return np.asarray(parts)
    except ValueError:
        return None


def _given(part: Any) -> Given:
    if part is None:
        return Given(None, "None is returned for it")
    if isinstance(part, tuple):
        part = _together(part)
    array = np.asarray(part)
    if array.dtype.kind == "c" and not np.any(array.imag):
        return Given(None, "complex numbers")
    if array.dtype.kind not in "fiu":
        return Given(
            None, f"{type(part).__name__ if array.dtype.kind in 'OUS' else array.dtype} is no array of numbers"
        )
    return Given(array)


def _example(subject: Subject) -> str:
    return "a dictionary {" + ", ".join(f'"d{name}": ...' for name in subject.by[:3]) + "}"
