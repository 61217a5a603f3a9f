"""Blocks that follow each other and are alike, written once: `Repeat(block, 12)`, as a person writes them."""

from __future__ import annotations

from collections.abc import Sequence

from symprop.networks.blocks import Chain, Repeat
from symprop.networks.layers import Layer


def repeated(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return layers with runs of equal blocks as a `Repeat`: of two with branches, or of three others of two layers.

    >>> from symprop import parse_network
    >>> layers = parse_network("Input(3) >> Dense(3) >> Tanh() >> Dense(3) >> Tanh() >> Dense(3) >> Tanh()").layers
    >>> [each.text for each in repeated(layers)]
    ['Input(3)', 'Repeat(Dense(3) >> Tanh(), 3)']
    """
    found: list[Layer] = []
    place = 0
    while place < len(layers):
        length, count = _run(layers, place)
        if count:
            found.append(Repeat(Chain(tuple(layers[place : place + length])), count))
        else:
            found.append(layers[place])
        place += length * max(1, count)
    return tuple(found)


def _run(layers: Sequence[Layer], start: int) -> tuple[int, int]:
    """How long the block is that is repeated from here on, and how often it stands; (1, 0) where none is."""
    best = (1, 0)
    for length in range(1, (len(layers) - start) // 2 + 1):
        block, count = layers[start : start + length], 1
        while layers[start + count * length : start + (count + 1) * length] == block:
            count += 1
        worth_it = count >= 2 and (any(each.rows for each in block) or (length >= 2 and count >= 3))
        if worth_it and length * count > best[0] * best[1]:
            best = (length, count)
    return best
