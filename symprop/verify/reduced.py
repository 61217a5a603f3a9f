"""The same network at other sizes: small ones, at which every coordinate can be checked in many digits."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from symprop.algebra.equations import Loop
from symprop.errors import SpecError
from symprop.networks.network import Network

KEPT = 2
"""So many sizes may stay as they are, where smaller ones do not fit."""


def check_numbers(network: Network) -> None:
    """Raise unless all sizes of a network are numbers.

    Raises:
        SpecError: a size, or the number of blocks of a `Repeat`, is a name.
    """
    for item in network.system().items:
        if isinstance(item, Loop):
            count = item.count
            raise SpecError(f"a check needs numbers; the count {count} of Repeat is a name\ngive it: --sizes {count}=3")
    for size in (size for layer in network.layers for size in layer.sizes if not isinstance(size, int)):
        names = [size] if isinstance(size, str) else sorted(map(str, size.free_symbols))
        told = "is a name" if names == [str(size)] else f"holds {'a name' if len(names) == 1 else 'names'}"
        given = ",".join(f"{name}=8" for name in names)
        raise SpecError(f"a check needs numbers for all sizes; {size} {told}\ngive its number: --sizes {given}")


def reduced(network: Network) -> Network:
    """Return the network at small sizes: different sizes stay different, and those up to 3 as they are.

    The larger are numbered from 3 on, by size, but an image's go before all others, since each of its pixels counts;
    then they grow until what layers need is true. A size that a formula names (`ones(6)`) stays as it is.

    >>> from symprop.networks import Dense, Input, MeanSquaredError
    >>> reduced(Input(64) >> Dense(32) >> Dense(32) >> MeanSquaredError()).text
    'Input(4) >> Dense(3) >> Dense(3) >> MeanSquaredError()'
    """
    return _resized(network, network.needs.smaller())


def tiny(network: Network) -> Network:
    """Return the network at sizes 2 and 3, by turns; a size that a formula names stays as it is.

    >>> from symprop.networks import Dense, Input, MeanSquaredError
    >>> tiny(Input(64) >> Dense(32) >> Dense(10) >> MeanSquaredError()).text
    'Input(2) >> Dense(3) >> Dense(2) >> MeanSquaredError()'
    """
    return _resized(network, network.needs.smaller(by_turns=True))


def _resized(network: Network, change: Mapping[int, int]) -> Network:
    """Return the network at other sizes; where these do not fit tied weights, one or two stay as they are.

    A weight that is tied to that of a convolution in groups has sizes that no layer alone says that it needs.
    """
    first: SpecError | None = None
    for count in range(KEPT + 1 if 'tied="' in network.text else 1):
        for kept in combinations(change, count):
            try:
                return network.resized({size: new for size, new in change.items() if size not in kept})
            except SpecError as problem:
                first = first or problem
    raise first or SpecError("no sizes fit")
