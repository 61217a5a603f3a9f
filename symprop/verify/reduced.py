"""The same network at other sizes: small ones, at which every coordinate can be checked in many digits."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from symprop.algebra.equations import Loop
from symprop.errors import FormulaError, ShapeError, SpecError
from symprop.networks.network import Network

MOST_NAMED = 2
"""How many sizes a formula may name before all stay as they are."""


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

    A size that a formula names (`ones(6)`) stays as it is.

    >>> from symprop.networks import Dense, Input, MeanSquaredError
    >>> reduced(Input(64) >> Dense(32) >> Dense(32) >> MeanSquaredError()).text
    'Input(4) >> Dense(3) >> Dense(3) >> MeanSquaredError()'
    """

    return _smaller(network, _growing)[0]


def named_sizes(network: Network) -> tuple[int, ...]:
    """Return the sizes that a formula of the network names, so that they stay as they are at reduced sizes.

    >>> from symprop.networks import Dense, Input, Loss
    >>> named_sizes(Input(4) >> Dense(6) >> Loss("sum((a - ones(6))**2)"))
    (6,)
    """
    return _smaller(network, _growing)[1]


Change = Callable[[list[int], tuple[int, ...]], dict[int, int]]
"""Takes sizes to change and those that stay; gives the new ones."""


def _growing(sizes: list[int], kept: tuple[int, ...]) -> dict[int, int]:
    result: dict[int, int] = {}
    smallest = 2
    for size in sizes:
        result[size] = min(size, max(smallest, 3))
        while result[size] in kept and result[size] < size:
            result[size] += 1
        smallest = result[size] + 1
    return result


def tiny(network: Network) -> Network:
    """Return the network at sizes 2 and 3, by turns; a size that a formula names stays as it is.

    >>> from symprop.networks import Dense, Input, MeanSquaredError
    >>> tiny(Input(64) >> Dense(32) >> Dense(10) >> MeanSquaredError()).text
    'Input(2) >> Dense(3) >> Dense(2) >> MeanSquaredError()'
    """
    return _smaller(network, lambda sizes, _: {size: 2 + number % 2 for number, size in enumerate(sizes)})[0]


def _smaller(network: Network, change: Change) -> tuple[Network, tuple[int, ...]]:
    """Return the network with as many sizes changed as its formulas allow, and the sizes that they name."""
    sizes = sizes_of(network)
    for count in range(min(len(sizes), MOST_NAMED) + 1):
        for kept in itertools.combinations(sizes, count):
            try:
                smaller = network.resized(change([size for size in sizes if size not in kept], kept))
                smaller.system("rows")
            except (FormulaError, ShapeError):
                continue
            return smaller, kept
    return network, tuple(sizes)
