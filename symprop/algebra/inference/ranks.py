"""The ranks of names: what fits is found by propagation, what is likely by a search for the least unusual reading.

Every operation allows some ranks of its operands and its result together. What no neighbour allows is taken away until
nothing changes (Mackworth, *Consistency in networks of relations*, 1977). Where ranks are left, the cheapest are tried
first, and no reading is followed that is dearer than the best one by more than `margin` (branch and bound).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from symprop.algebra.inference.fits import RANKS, Fit
from symprop.algebra.inference.parts import Part

ALL = (1 << len(RANKS)) - 1
MOST_WORK, SEEN_AHEAD = 150_000, 100_000
"""How many operations are looked at in all, beyond which the best reading so far is taken, and no further ahead."""
MOST_READINGS = 32


@dataclass(eq=False)
class Ranks:
    """The ranks that each part may have, as bits, and the least cost of each operation among them."""

    parts: Sequence[Part]
    costs: Mapping[int, Sequence[float]]
    left: list[int] = field(default_factory=list)
    dear: list[float] = field(default_factory=list)
    readers: list[list[int]] = field(default_factory=list)
    trail: list[tuple[int, int, int, float]] = field(default_factory=list)
    work: int = 0
    total: float = 0

    def __post_init__(self) -> None:
        self.readers = [[] for _ in self.parts]
        for place, part in enumerate(self.parts):
            scalar = not part.name and not part.fit and isinstance(part.tree, (ast.Constant, ast.Name))
            self.left.append(1 if scalar else ALL)
            self.dear.append(min(self.costs[place]) if place in self.costs else 0)
            if part.fit is not None:
                for each in (*part.operands, place):
                    self.readers[each].append(place)
        self.total = sum(self.dear)

    def start(self) -> bool:
        """Take away what fits nowhere; whether anything is left."""
        return self._propagated(list(range(len(self.parts))))

    def keep(self, place: int, allowed: int) -> bool:
        """Let a part have none but some of its ranks, and take away what does not fit; whether anything is left."""
        self._set(place, self.left[place] & allowed)
        return self._propagated([place, *self.readers[place]])

    def undo(self, length: int) -> None:
        """Take back what was done since the trail had this length."""
        while len(self.trail) > length:
            place, left, priced, dear = self.trail.pop()
            self.left[place] = left
            self._price(priced, dear)

    def _set(self, place: int, left: int) -> None:
        self.trail.append((place, self.left[place], place, self.dear[place]))
        self.left[place] = left
        if place in self.costs:
            self._price(place, min(self.costs[place][rank] for rank in RANKS if left >> rank & 1))

    def _price(self, place: int, dear: float) -> None:
        self.total += dear - self.dear[place]
        self.dear[place] = dear

    def _propagated(self, changed: list[int]) -> bool:
        waiting, there = changed, set(changed)
        while waiting:
            place = waiting.pop()
            there.discard(place)
            fit = self.parts[place].fit
            if fit is None:
                continue
            self.work += 1
            around = (*self.parts[place].operands, place)
            narrowed = _narrowed(fit, tuple(self.left[each] for each in around), len(set(around)) < len(around))
            if narrowed is None:
                return False
            kept, dear = narrowed
            if dear != self.dear[place]:
                self.trail.append((place, self.left[place], place, self.dear[place]))
                self._price(place, dear)
            for each, left in zip(around, kept, strict=True):
                if left != self.left[each]:
                    self._set(each, left)
                    waiting.extend(reader for reader in self.readers[each] if reader not in there)
                    there.update(self.readers[each])
        return True


@lru_cache(maxsize=20_000)
def _narrowed(fit: Fit, left: tuple[int, ...], twice: bool) -> tuple[tuple[int, ...], float] | None:
    """Return which of the ranks that are left fit, and the least cost; `twice` says that both operands are one."""
    possible = [
        (ranks, cost)
        for ranks, cost in fit.ranks
        if all(each >> rank & 1 for each, rank in zip(left, ranks, strict=True))
        and not (twice and ranks[0] != ranks[1])
    ]
    kept = tuple(sum(1 << rank for rank in {ranks[place] for ranks, _ in possible}) for place in range(len(left)))
    return (kept, min(cost for _, cost in possible)) if possible else None


def likely(ranks: Ranks, names: Sequence[int], margin: float) -> list[tuple[float, dict[int, int]]]:
    """Return readings of `names` (places of parts), the least unusual first: what each costs, and the rank of each."""
    found: list[tuple[float, dict[int, int]]] = []
    best = float("inf")
    waiting: list[tuple[int, int, int]] = []  # how long the trail is before, a place, a rank of it

    def open_next() -> None:
        """Enter the ranks of the first name that has more than one, the cheapest last, so that it is taken first."""
        nonlocal best
        undecided = next((place for place in names if ranks.left[place] & (ranks.left[place] - 1)), None)
        if undecided is None:
            found.append((round(ranks.total, 6), {place: ranks.left[place].bit_length() - 1 for place in names}))
            best = min(best, ranks.total)
            return
        length, before = len(ranks.trail), ranks.total
        choices = [rank for rank in RANKS if ranks.left[undecided] >> rank & 1]
        choices.sort(key=lambda rank: (ranks.costs[undecided][rank], -rank))
        if ranks.work < SEEN_AHEAD and _dearer(ranks, undecided, choices[0]) > before:
            choices.sort(key=lambda rank: (_dearer(ranks, undecided, rank), -rank))
        waiting.extend((length, undecided, rank) for rank in reversed(choices))

    open_next()
    allowance = MOST_WORK
    while waiting and len(found) < MOST_READINGS:
        length, place, rank = waiting.pop()
        ranks.undo(length)
        if found and ranks.work > allowance:
            break
        if ranks.keep(place, 1 << rank) and ranks.total <= best + margin:
            open_next()
    kept = [each for each in found if each[0] <= best + margin]
    return sorted(kept, key=lambda each: each[0])


def _dearer(ranks: Ranks, place: int, rank: int) -> float:
    """Return what a reading costs at least in which a name has a rank."""
    length = len(ranks.trail)
    total = float("inf")
    if ranks.keep(place, 1 << rank):
        total = ranks.total
    ranks.undo(length)
    return total


__all__ = ["ALL", "Ranks", "likely"]
