"""The same network at other sizes: small ones, at which every coordinate can be checked in many digits."""

from __future__ import annotations

from symprop.algebra.equations import Loop
from symprop.errors import SpecError
from symprop.networks.network import Network


def sizes_of(network: Network) -> list[int]:
    """Return the distinct sizes of a network's layers above 1, in ascending order.

    Raises:
        SpecError: a size, or the number of blocks of a `Repeat`, is a name.
    """
    found: set[int] = set()
    for item in network.system().items:
        if isinstance(item, Loop):
            count = item.count
            raise SpecError(f"a check needs numbers; the count {count} of Repeat is a name\ngive it: --sizes {count}=3")
    for layer in network.layers:
        for size in layer.sizes:
            if not isinstance(size, int):
                raise SpecError(
                    f"a check needs numbers for all sizes; {size} is a name\ngive its number: --sizes {size}=8"
                )
            found.add(size)
    return sorted(found - {1})


def reduced(network: Network) -> Network:
    """Return the network at small sizes: different sizes stay different, larger stay larger, a 1 stays 1.

    >>> from symprop.networks import Dense, Input, MeanSquaredError
    >>> reduced(Input(64) >> Dense(32) >> Dense(32) >> MeanSquaredError()).text
    'Input(4) >> Dense(3) >> Dense(3) >> MeanSquaredError()'
    """
    change: dict[int, int] = {}
    smallest = 2
    for size in sizes_of(network):
        change[size] = min(size, max(smallest, 3))
        smallest = change[size] + 1
    return network.resized(change)


def tiny(network: Network) -> Network:
    """Return the network at sizes 2 and 3, by turns.

    >>> from symprop.networks import Dense, Input, MeanSquaredError
    >>> tiny(Input(64) >> Dense(32) >> Dense(10) >> MeanSquaredError()).text
    'Input(2) >> Dense(3) >> Dense(2) >> MeanSquaredError()'
    """
    return network.resized({size: 2 + number % 2 for number, size in enumerate(sizes_of(network))})
