"""Where blocks of memory lie: each as low as it fits beside those that are live with it."""

from __future__ import annotations

from typing import NamedTuple


class Placed(NamedTuple):
    """The elements in which a block lies, and from which operation to which it is live."""

    low: int
    high: int
    start: int
    stop: int


def lowest(count: int, first: int, last: int, placed: list[Placed]) -> int:
    """Return the lowest place for `count` elements that are live from operation `first` to `last`.

    `placed` are the blocks so far, from below; one that is never live with these is in nobody's way.

    >>> placed = [Placed(0, 2, 1, 5), Placed(2, 4, 1, 4), Placed(4, 6, 6, 9)]
    >>> lowest(3, 5, 6, placed), lowest(2, 5, 6, placed)
    (6, 2)
    """
    found = 0
    for low, high, start, stop in placed:
        if start <= last and first <= stop:
            if found + count <= low:
                break
            found = max(found, high)
    return found
