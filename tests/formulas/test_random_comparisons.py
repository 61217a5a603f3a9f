"""Random pairs: what is equal by construction is never called different, what differs never equal.

The long run is `python tests/random_comparisons.py --count 2000`.
"""

from __future__ import annotations

from symprop import compare
from tests.random_comparisons import WHERE, differing_pair, equal_pair

COUNT = 12


def test_equal_pairs_are_proved_and_different_ones_refuted() -> None:
    proved = [compare(*equal_pair(seed), WHERE).equal for seed in range(COUNT)]
    assert False not in proved
    assert proved.count(True) >= COUNT - 1
    assert True not in [compare(*differing_pair(seed), WHERE).equal for seed in range(COUNT)]
