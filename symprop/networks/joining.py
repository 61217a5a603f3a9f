"""`>>`: layers in a row are a block, and from an `Input` on a network.

What is joined comes before networks, which hold it; so how they are joined is entered in `JOIN` by
`symprop.networks.network`, which knows them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symprop.algebra.printable import Listed

JOIN: list[Callable[[Any, Any], Any]] = []


class Joinable(Listed):
    """A layer, a block or a network: what `>>` puts in a row.

    >>> from symprop import Dense, Input, Tanh
    >>> type(Dense(2) >> Tanh()).__name__, type(Input(3) >> Dense(2)).__name__
    ('Chain', 'Network')
    """

    __slots__ = ()

    def __rshift__(self, other: Any) -> Any:
        """Return a block, or a network where an `Input` stands first.

        Raises:
            SpecError: no layers, or layers that do not fit.
        """
        return JOIN[0](self, other)


class Row(Joinable):
    """Layers in a row: a block, or a network."""

    __slots__ = ()
    layers: tuple[Any, ...]
