"""Random pairs: what is equal by construction is never called different, what differs never equal.

The long run is `python tests/random_comparisons.py --count 2000`.
"""

from __future__ import annotations

from symprop import Comparison, compare
from tests.needed import needed_of
from tests.random_comparisons import WHERE, differing_pair, equal_pair

COUNT = 12
ENDLESS = 2048
"""A pair in which laws of choices stood in each other without end."""


def compared(pair: tuple[str, str]) -> Comparison:
    return compare(*pair, needed_of(WHERE, *pair))


def test_equal_pairs_are_proved_and_different_ones_refuted() -> None:
    proved = [compared(equal_pair(seed)).equal for seed in range(COUNT)]
    assert False not in proved
    assert proved.count(True) >= COUNT - 1
    seeds = (*range(COUNT), ENDLESS)
    assert True not in [compared(differing_pair(seed)).equal for seed in seeds]
