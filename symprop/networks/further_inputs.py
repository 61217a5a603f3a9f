"""The further inputs of layers in a row: those behind the first, and those that are masks."""

from __future__ import annotations

from symprop.algebra.nodes import Fact
from symprop.networks.layers import Input, Layer


def further_inputs(layers: tuple[Layer, ...]) -> tuple[Input, ...]:
    """Return the inputs behind the first: in arguments of layers and in branches, each name once, in order."""
    found: dict[str, Input] = {}
    for layer in layers:
        heads = ([each for each in row.layers[:1] if isinstance(each, Input)] for row in layer.rows)
        rows = ((*head, *further_inputs(row.layers)) for head, row in zip(heads, layer.rows, strict=True))
        for each in (*layer.further_inputs, *(each for row in rows for each in row)):
            found.setdefault(each.name, each)
    return tuple(found.values())


def masks_of(layers: tuple[Layer, ...]) -> dict[str, tuple[Fact, ...]]:
    """Return the names of inputs that say which positions count, and what is known of each for all that read it."""
    found: dict[str, tuple[Fact, ...]] = {}
    for layer in layers:
        for name, facts in (*layer.masks, *masks_of(layer.inner).items()):
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *facts)))
    return found


def read_windows(layers: tuple[Layer, ...]) -> bool:
    """Whether one of the layers works on windows."""
    return any(layer.reads_windows or read_windows(layer.inner) for layer in layers)
