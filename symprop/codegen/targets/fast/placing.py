"""Where blocks of memory lie: each as low as it fits beside those that are live with it."""

from __future__ import annotations

from typing import Any

import numpy as np

MOST_EXACT = 2**62
"""Up to so many elements are counted in machine words, beyond in Python's numbers."""


class Shelf:
    """Elements from 0 on, in which blocks lie that are live from one operation to another.

    A deep network has thousands of blocks that are live together, so all of them are compared at once.

    >>> shelf = Shelf(5, 13)
    >>> [shelf.place(count, first, last) for count, first, last in ((2, 1, 5), (2, 1, 4), (2, 6, 9), (3, 5, 6))]
    [0, 2, 0, 2]
    >>> shelf.place(4, 2, 4)
    4
    """

    def __init__(self, most: int, elements: int) -> None:
        dtype: Any = np.int64 if elements < MOST_EXACT else object
        self.placed = np.zeros((4, most), dtype)  # from below: where a block starts and ends, when it is live
        self.number = 0

    def place(self, count: int, first: int, last: int) -> int:
        """Place `count` elements that are live from operation `first` to `last`, and return the first of them.

        A block that is never live with these is in nobody's way.
        """
        low, high, start, stop = self.placed[:, : self.number]
        live = np.flatnonzero((start <= last) & (first <= stop))
        tops = np.maximum.accumulate(high[live]) if len(live) else high[:0]
        before = np.append(np.zeros(1, tops.dtype), tops)
        gaps = np.flatnonzero(low[live] - before[:-1] >= count)
        found = int(before[gaps[0]] if len(gaps) else before[-1])
        at = int(np.searchsorted(low, found, side="right"))
        self.placed[:, at + 1 : self.number + 1] = self.placed[:, at : self.number]
        self.placed[:, at] = found, found + count, first, last
        self.number += 1
        return found


__all__ = ["Shelf"]
