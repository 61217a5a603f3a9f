"""Texts of optimisers, `Adam(lr=0.01, schedule=Warmup(100) >> Cosine(1000))`: what is read here, Python accepts.

The grammar is that of networks (`symprop.algebra.calls`); here calls become optimisers and schedules.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from symprop.algebra.calls import Call, CallSum, Name, read_calls
from symprop.errors import SpecError, SympropError, located, pointed, shown
from symprop.hints import closest
from symprop.networks.optimisers import KINDS, OPTIMISERS, Optimiser
from symprop.networks.schedules import STAGES, Schedule, Stage, schedule_of


def as_optimiser(value: Any) -> Optimiser:
    """Return what stands for an optimiser as one: an optimiser, its text, or a name such as "adam".

    >>> as_optimiser("adam") == as_optimiser("Adam()")
    True

    Raises:
        SpecError: none of them, or a number out of its range.
    """
    if isinstance(value, Optimiser):
        return value
    if isinstance(value, str) and value in OPTIMISERS:
        return OPTIMISERS[value]
    if isinstance(value, str) and "(" in value:
        calls = read_calls(value, "an optimiser, such as Adam(lr=0.01)")
        built: Optimiser = _built(calls[0], KINDS, value)
        if len(calls) > 1:
            raise _placed(SpecError("an optimiser is one call, such as Adam(lr=0.01)"), calls[1], value)
        return built
    hint = closest(value, [*OPTIMISERS, *KINDS]) if isinstance(value, str) else ""
    raise SpecError(
        f"unknown optimizer {shown(value)}{hint}\nallowed: {', '.join(OPTIMISERS)}, or one such as Adam(lr=0.01)"
    )


def as_schedule(value: Any) -> Schedule:
    """Return what stands for a schedule as one: a schedule, a stage of one, or their text.

    >>> as_schedule("Warmup(100) >> Cosine(1000)").text
    'Warmup(100) >> Cosine(1000)'

    Raises:
        SpecError: none of them, or stages that cannot follow one another.
    """
    if not isinstance(value, str):
        return schedule_of(value)
    return _joined(read_calls(value, "a stage, such as Warmup(100)"), value) if value.strip() else schedule_of(value)


def _joined(calls: list[Call | CallSum], text: str) -> Schedule:
    stages: list[Stage] = [_built(call, STAGES, text) for call in calls]
    try:
        return Schedule(tuple(stages))
    except SympropError as error:
        raise _placed(error, calls[0], text) from None


def _built(call: Call | CallSum, kinds: Mapping[str, type], text: str) -> Any:
    """Return what a call describes."""
    if isinstance(call, CallSum):
        raise _placed(SpecError("'+' adds penalties to losses, and nothing here"), call, text)
    kind = kinds.get(call.name)
    if kind is None:
        hint = closest(call.name, kinds)
        raise _placed(SpecError(f"unknown {shown(call.name)}{hint}; known: {', '.join(kinds)}"), call, text)
    parameters = inspect.signature(kind).parameters
    usage = f"allowed: {kind.__name__}({', '.join(parameters)})"
    for key in call.keywords:
        if key not in parameters:
            hint = closest(key, parameters)
            raise _placed(SpecError(f"{call.name} has no argument {shown(key)}{hint}; {usage}"), call, text)
    try:
        keywords = {key: _argument(value, text) for key, value in call.keywords.items()}
        bound = inspect.signature(kind).bind(*(_argument(value, text) for value in call.positional), **keywords)
    except TypeError as error:
        raise _placed(SpecError(f"{call.name}: {error}; {usage}"), call, text) from None
    try:
        return kind(*bound.args, **bound.kwargs)
    except SympropError as error:
        raise _placed(error, call, text) from None


def _argument(value: Any, text: str) -> Any:
    if isinstance(value, list):
        return _joined(value, text)
    return value.text if isinstance(value, Name) else value


def _placed(error: SympropError, call: Call | CallSum, text: str) -> SympropError:
    """Return the error with a caret under the call."""
    if error.column is not None:
        return error
    width = len(call.name) if isinstance(call, Call) else 1
    message = pointed(str(error).replace("\n", "; "), text, call.column, width)
    return located(type(error)(message), call.column, width)


__all__ = ["as_optimiser", "as_schedule"]
